//! Messages that are written straight into the output.

use crate::opcode::MessageKind;
use crate::utf8;
use bytes::{BufMut, BytesMut};
use core::fmt;

/// Where [`Connection::send_with`](crate::Connection::send_with) has a message written: memory of the output, behind the
/// header to come.
///
/// It is a [`std::io::Write`], a [`core::fmt::Write`] and, by its [`room`](MessageWriter::room), a [`BufMut`], so that what
/// serializes can write to it. It takes no more than the output has room for. Once more than that has been written, the
/// message is refused with [`Full`](crate::SendErrorKind::Full) or [`TooLarge`](crate::SendErrorKind::TooLarge), whatever the
/// function returns.
///
/// ```
/// use std::convert::Infallible;
/// use ws_proto::bytes::BufMut;
/// use ws_proto::{Config, Connection, MessageKind};
///
/// let mut ws = Connection::server(&Config::new());
/// ws.send_with(MessageKind::Binary, |message| {
///     message.extend_from_slice(&[1, 2]);
///     message.room().put_u16(3);
///     Ok::<_, Infallible>(())
/// })?;
/// assert_eq!(ws.buffered(), 2 + 4);
/// # Ok::<(), ws_proto::WriteError<Infallible>>(())
/// ```
pub struct MessageWriter<'a> {
    buffer: &'a mut BytesMut,
    /// Where the room for the header begins, and where that ends.
    origin: usize,
    start: usize,
    /// Where the message has to end in the buffer at the latest; 0 once something was refused.
    limit: usize,
    /// How long the message would be, if something was refused.
    wanted: Option<usize>,
    /// Whether all that was written was `str`, and needs no validation.
    is_text: bool,
    is_finished: bool,
}

impl<'a> MessageWriter<'a> {
    /// Begins a message of at most `most` bytes behind what is in the buffer and so much room for a header.
    pub(super) fn new(buffer: &'a mut BytesMut, reserved: usize, most: usize) -> Self {
        let origin = buffer.len();
        let start = origin + reserved;
        buffer.resize(start, 0);
        let limit = start.saturating_add(most);
        Self { buffer, origin, start, limit, wanted: None, is_text: true, is_finished: false }
    }

    /// Appends bytes; whether there is room for them. If there is not, nothing is appended any more, and the message is
    /// refused.
    #[inline]
    pub fn extend_from_slice(&mut self, bytes: &[u8]) -> bool {
        self.is_text = false;
        self.append(bytes)
    }

    #[inline]
    fn append(&mut self, bytes: &[u8]) -> bool {
        let has_room = self.buffer.len().saturating_add(bytes.len()) <= self.limit;
        if has_room {
            self.buffer.extend_from_slice(bytes);
        } else {
            self.refuse(bytes.len());
        }
        has_room
    }

    #[cold]
    fn refuse(&mut self, more: usize) {
        self.wanted = Some(self.wanted.unwrap_or(self.len()).saturating_add(more));
        self.limit = 0;
    }

    /// The room that there is, as a [`BufMut`], whose [`remaining_mut`](BufMut::remaining_mut) is how much it is. An encoder
    /// that looks at that reports its own error where there is too little.
    ///
    /// # Panics
    /// What is returned panics as [`BufMut`] says, if more is put into it than has room.
    pub fn room(&mut self) -> impl BufMut + '_ {
        self.is_text = false;
        let room = self.limit.saturating_sub(self.buffer.len());
        (&mut *self.buffer).limit(room)
    }

    /// How many bytes have been written.
    pub fn len(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// Whether nothing has been written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Calls `write`, and keeps what it has written.
    pub(super) fn written_by<E>(
        mut self,
        kind: MessageKind,
        write: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), NotWritten<E>> {
        let result = write(&mut self);
        // What overflows often ends with an error that says less.
        if let Some(wanted) = self.wanted {
            return Err(NotWritten::Overflow(wanted));
        }
        result.map_err(NotWritten::Failed)?;
        // RFC 6455 §8.1: text is UTF-8.
        if kind == MessageKind::Text
            && !self.is_text
            && !utf8::is_valid(self.buffer.get(self.start..).unwrap_or_default())
        {
            return Err(NotWritten::NotUtf8);
        }
        self.is_finished = true;
        Ok(())
    }
}

/// Why there is no message.
pub(super) enum NotWritten<E> {
    /// It would have been so long, or longer.
    Overflow(usize),
    NotUtf8,
    Failed(E),
}

/// An unfinished message is removed, also when the function that writes it panics.
impl Drop for MessageWriter<'_> {
    fn drop(&mut self) {
        if !self.is_finished {
            self.buffer.truncate(self.origin);
        }
    }
}

impl fmt::Write for MessageWriter<'_> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.append(text.as_bytes()) { Ok(()) } else { Err(fmt::Error) }
    }
}

#[cfg(feature = "std")]
impl std::io::Write for MessageWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.extend_from_slice(bytes) { Ok(bytes.len()) } else { Err(std::io::ErrorKind::StorageFull.into()) }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for MessageWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageWriter").field("len", &self.len()).finish_non_exhaustive()
    }
}
