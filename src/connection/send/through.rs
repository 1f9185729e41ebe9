//! Sends a message straight to a writer, where nothing waits ahead of it.

use super::SendHalf;
use super::frame_writer::Start;
use crate::frame::EncodedHeader;
use crate::message::Message;
use crate::send_error::SendError;
use std::io::{ErrorKind, IoSlice, Write};

/// The largest payload that is written so: a slice of this size is one that every system can count.
const MOST: usize = 1 << 30;

impl SendHalf {
    /// Sends a message and writes it, past the output where that is empty. See
    /// [`Connection::send_through`](crate::Connection::send_through) for details.
    ///
    /// # Errors
    /// Those of [`Connection::send_through`](crate::Connection::send_through).
    #[inline]
    pub fn send_through(&mut self, message: &Message, writer: &mut (impl Write + ?Sized)) -> Result<(), SendError> {
        let Some((start, header)) = self.direct(message) else {
            self.queue(message)?;
            // What is not written waits, and the next write meets the error again.
            let _result = self.writer.output.write_to(writer);
            return Ok(());
        };
        self.messages = self.messages.wrapping_add(1);
        let slices = [IoSlice::new(header.as_ref()), IoSlice::new(message.as_bytes())];
        let size = header.as_ref().len() + message.as_bytes().len();
        let written = loop {
            match writer.write_vectored(&slices) {
                Ok(written) if written <= size => break written,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // As above.
                Ok(_) | Err(_) => break 0,
            }
        };
        if written == size {
            self.writer.output.note_written(size);
        } else {
            self.keep(start, message, written);
        }
        Ok(())
    }

    /// The start and the header of a message that needs nothing but to be written, in one frame, untouched and at once.
    #[inline]
    fn direct(&self, message: &Message) -> Option<(Start, EncodedHeader)> {
        let (length, reserved) = (message.as_bytes().len(), message.reserved_bits());
        let is_direct = length <= MOST && self.writer.writes_through(length) && !self.deflates(length);
        let may_be_sent = self.may_begin().is_ok() && self.may_set(reserved).is_ok();
        let start = Start::of(message.kind().opcode(), reserved, true);
        (is_direct && may_be_sent).then(|| (start, start.header(length).encode()))
    }

    /// Sends a message that stays the caller's, as [`send`](Self::send) does.
    #[inline(never)]
    fn queue(&mut self, message: &Message) -> Result<(), SendError> {
        match message {
            Message::Text(text) if self.writer.copies(text.len()) => self.send_text(text),
            Message::Binary(data) if self.writer.copies(data.len()) => self.send_binary(data),
            message => self.send(message.clone()),
        }
    }

    /// Queues what the writer has not taken of a message.
    #[cold]
    fn keep(&mut self, start: Start, message: &Message, written: usize) {
        self.writer.append_owned(start, message.clone().into_bytes());
        self.writer.output.begin_written(written);
    }
}
