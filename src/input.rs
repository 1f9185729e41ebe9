//! The bytes that came from the wire.

mod assembly;
mod buffer;
mod memory;

pub(crate) use buffer::Buffer;

use alloc::vec::Vec;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use core::fmt;

/// How much room the first read gets.
const MIN_READ: usize = 4 << 10;

/// How much room a read gets at most.
const MAX_READ: usize = 64 << 10;

/// A frame is large from this payload on.
pub(crate) const LARGE: u64 = 4 << 10;

/// How much room a read gets at most where frames are large, 16 KiB and a header: what is read is then unmasked and validated
/// while it is in the first-level cache, which saves more time than fewer reads do.
const MAX_READ_OF_LARGE: usize = (16 << 10) + 16;

/// Bytes from the wire, of which a [`Connection`](crate::Connection) or a handshake takes what it has received.
///
/// Bytes are appended at the end, by reading into [`room`](Input::room) or with one of the other methods. They leave by
/// themselves: what a call of [`receive`](crate::Connection::receive) has returned is gone with the next one. There is no
/// way to change or remove them in between, so a connection never looks at a byte twice.
///
/// One input belongs to one stream. Between two messages it is [empty](Input::is_empty), and then another connection may
/// use it, so that many quiet connections share the memory of one input.
///
/// ```
/// use ws_proto::{Config, Connection, Event, Input};
///
/// let mut ws = Connection::server(&Config::new());
/// let mut input = Input::new();
/// input.extend_from_slice(&[0x82, 0x81, 1, 2, 3, 4]); // a header with a masking key, and no payload yet
/// assert!(ws.receive(&mut input).is_none());
/// input.extend_from_slice(&[8]);
/// assert!(matches!(ws.receive(&mut input), Some(Event::Binary(data)) if data == [9]));
/// assert!(input.is_empty());
/// ```
pub struct Input {
    /// What came, and the message under way in it.
    pub(crate) wire: Buffer,
    /// The message under way, as far as it is inflated, if it came compressed.
    pub(crate) inflated: Buffer,
    /// How much room the next read gets.
    read_size: usize,
    /// How much has come in all when the last read has filled its room.
    filled_at: u64,
    /// How much has come in all when the frame under way has, as far as it is known.
    frame_end: u64,
    /// Whether its message ends with that frame.
    ends_message: bool,
    /// How much had come in all when that was last noted.
    noted: u64,
}

/// What is still to come of the frame under way, in bytes, and whether its message ends with it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) bytes: u64,
    pub(crate) ends_message: bool,
}

impl Input {
    /// An input that holds nothing, and no memory.
    pub fn new() -> Self {
        Self::with(BytesMut::new())
    }

    fn with(bytes: BytesMut) -> Self {
        Self {
            wire: Buffer::new(bytes),
            inflated: Buffer::default(),
            read_size: MIN_READ,
            filled_at: u64::MAX,
            frame_end: 0,
            ends_message: false,
            noted: 0,
        }
    }

    /// Memory for the next read, behind the bytes that are there.
    ///
    /// It begins with 4 KiB and doubles while reads fill it, up to 64 KiB; up to 16 KiB where frames are larger than 4 KiB,
    /// whose bytes are then in the processor's first cache when they are unmasked. More memory than that is taken only for a
    /// message that has come in part: about as much as has come, so that a peer which only claims a length gets nothing for
    /// it.
    ///
    /// ```no_run
    /// # async fn read(socket: &mut tokio::net::TcpStream, input: &mut ws_proto::Input) -> std::io::Result<()> {
    /// use tokio::io::AsyncReadExt;
    ///
    /// let mut room = input.room(); // by name, as `select!` needs it
    /// let count = socket.read_buf(&mut room).await?; // 0 at the end of the stream
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    /// Not itself, but writing more to a [`BufMut`] than [`remaining_mut`](BufMut::remaining_mut) does; to append bytes of
    /// any number there are [`extend_from_slice`](Input::extend_from_slice) and [`put`](Input::put).
    #[inline]
    pub fn room(&mut self) -> impl BufMut + '_ {
        let size = self.prepare();
        self.wire.append().limit(size)
    }

    /// As [`room`](Input::room), as memory that can be moved into a runtime whose kernel owns buffers while it reads
    /// (io_uring, IOCP). What has been read into it is given back with [`append`](Input::append), which joins it without a
    /// copy. Receive what is there before, and have one at a time; one that is dropped costs its memory and nothing else.
    ///
    /// ```
    /// use ws_proto::{Input, bytes::BufMut};
    ///
    /// let mut input = Input::new();
    /// let mut memory = input.take_room();
    /// assert!(memory.is_empty() && memory.capacity() >= 4096);
    /// memory.put_slice(b"what the kernel reads");
    /// input.append(memory);
    /// assert_eq!(input.len(), 21);
    /// ```
    pub fn take_room(&mut self) -> BytesMut {
        self.prepare();
        self.wire.take_room()
    }

    /// Makes room for a read, and decides how much.
    #[inline]
    fn prepare(&mut self) -> usize {
        let received = self.wire.received();
        if received < self.filled_at && !self.has_large() && self.inflated.is_tidy() {
            // Mostly all that came has been received.
            self.wire.forget_received();
            if self.wire.is_tidy() && self.wire.room() >= self.read_size {
                self.filled_at = received + self.read_size as u64;
                return self.read_size;
            }
        }
        self.decide()
    }

    /// Decides how much the next read gets, by what has come.
    #[inline(never)]
    fn decide(&mut self) -> usize {
        let is_large = self.has_large();
        self.wire.forget_large();
        let most = if is_large { MAX_READ_OF_LARGE } else { MAX_READ };
        if self.wire.received() >= self.filled_at {
            self.read_size *= 2;
        }
        self.read_size = self.read_size.min(most);
        let missing = self.missing();
        // So that the next frame does not begin at the end of what has come, to be moved to the front.
        let mut size = if missing as u64 >= LARGE { self.read_size.min(missing) } else { self.read_size };
        self.wire.tidy();
        self.inflated.tidy();
        let room = self.wire.room();
        if self.ends_message && missing > 0 && missing <= room && self.wire.len() >= MAX_READ {
            // The last bytes of a large message are no reason for more memory.
            size = size.min(room);
        } else {
            self.make_room(size);
        }
        self.filled_at = self.wire.received() + self.read_size as u64;
        size
    }

    /// Makes room for `count` bytes. Where that takes more memory, it is enough for the frame under way, but at most as much
    /// more as is there already.
    #[inline]
    fn make_room(&mut self, count: usize) {
        self.wire.tidy();
        if self.wire.room() < count {
            let come = self.wire.len();
            // As much again as has come, so that the cost of moving stays linear; but no more than the message takes, where
            // its last frame has begun.
            let missing = self.missing();
            let is_last_growth = missing > 0 && missing <= come.saturating_add(come.min(MAX_READ));
            let ahead = if self.ends_message && is_last_growth { missing } else { come };
            self.wire.grow(ahead.max(count));
        }
    }

    /// How many bytes of the frame under way are still to come, as far as it is known.
    #[inline]
    fn missing(&self) -> usize {
        usize::try_from(self.frame_end.saturating_sub(self.wire.received())).unwrap_or(usize::MAX)
    }

    /// Whether frames are large now.
    #[inline]
    fn has_large(&self) -> bool {
        self.wire.has_large() || self.missing() as u64 >= LARGE
    }

    /// Appends a copy of `bytes`.
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.make_room(bytes.len());
        self.wire.append().extend_from_slice(bytes);
    }

    /// Appends a copy of all that `source` holds.
    pub fn put(&mut self, mut source: impl Buf) {
        while source.has_remaining() {
            let chunk = source.chunk();
            let count = chunk.len();
            if count == 0 {
                // Against the contract of `Buf`; waiting for it to keep that would never end.
                return;
            }
            self.extend_from_slice(chunk);
            source.advance(count);
        }
    }

    /// Appends memory that was read into. It is taken over without a copy if it came from [`take_room`](Input::take_room) and
    /// nothing has been appended since, or if the input is empty; otherwise it is copied.
    pub fn append(&mut self, memory: BytesMut) {
        if let Err(memory) = self.wire.append_memory(memory) {
            self.extend_from_slice(&memory);
        }
    }

    /// Reads once, into room as [`room`](Input::room) decides it, which is initialised once and not for each read. Returns
    /// how many bytes came, never more than the room; 0 is the end of the stream.
    ///
    /// # Errors
    /// That of the reader, [`Interrupted`](std::io::ErrorKind::Interrupted) included; the input is then as it was.
    #[cfg(feature = "std")]
    pub fn read_from(&mut self, reader: &mut (impl std::io::Read + ?Sized)) -> std::io::Result<usize> {
        let size = self.prepare();
        self.wire.make_spare(size);
        let room = self.wire.spare_mut().get_mut(..size).unwrap_or_default();
        // Whatever a reader claims, it cannot have written more than it was given.
        let count = reader.read(room)?.min(size);
        self.wire.fill_unread(count);
        Ok(count)
    }

    /// Whether nothing is in here: no byte that has not been looked at, and nothing of a message under way. It is so between
    /// two messages, and also behind the header of a message of which no payload has come. Another connection may use the
    /// input then.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.wire.is_empty() && self.inflated.is_empty()
    }

    /// How many bytes are in here: those that have not been looked at, and those of the message under way.
    pub fn len(&self) -> usize {
        self.wire.needed() + self.inflated.needed()
    }

    /// How many bytes of the stream have been taken up since it began. Those are all when `receive` has returned `None`, those
    /// of an unfinished message, frame or handshake included. A driver whose transport has flow control of its own, such as
    /// HTTP/2, gives its window back by this: it does not grow while the application does not receive.
    pub fn consumed(&self) -> u64 {
        self.wire.consumed()
    }

    /// Gives back the memory that is not needed now; call this when a connection goes quiet. Otherwise an input keeps up to
    /// 512 KiB for the next messages, and up to 4 MiB while messages of such sizes follow each other. What a larger one took
    /// is given back as soon as it has been received.
    pub fn release_memory(&mut self) {
        self.wire.shrink();
        self.inflated.shrink();
        self.read_size = MIN_READ;
        self.filled_at = u64::MAX;
    }

    /// The bytes that no connection has looked at: what came behind the peer's Close frame, or behind a request that a server's
    /// handshake has refused, for whoever goes on with another protocol on the same stream. Behind the answer of a proxy that
    /// has opened a tunnel these are the first bytes of TLS.
    ///
    /// Behind a Close they are kept until [`receive`](crate::Connection::receive) has returned `None`, so leave the loop at
    /// [`Event::Closed`](crate::Event::Closed), or at [`Event::Close`](crate::Event::Close).
    ///
    /// ```
    /// use ws_proto::{Config, Connection, Event, Input};
    ///
    /// let mut ws = Connection::server(&Config::new());
    /// let mut input = Input::from(b"\x88\x80\x01\x02\x03\x04EHLO example.com\r\n".to_vec()); // an empty Close, then SMTP
    /// assert!(matches!(ws.receive(&mut input), Some(Event::Closed(_))));
    /// assert_eq!(input.into_unread(), "EHLO example.com\r\n");
    /// ```
    pub fn into_unread(self) -> BytesMut {
        self.wire.into_unread()
    }

    /// Notes what is still to come of the frame under way.
    #[inline]
    pub(crate) fn note_missing(&mut self, missing: Missing) {
        self.frame_end = self.wire.received().saturating_add(missing.bytes);
        self.ends_message = missing.ends_message;
    }

    /// How much has come since this was last asked for.
    pub(crate) fn take_received(&mut self) -> u64 {
        let received = self.wire.received();
        received - core::mem::replace(&mut self.noted, received)
    }

    /// Notes that all messages have been returned, and gives large memory back that they took.
    #[inline]
    pub(crate) fn note_drained(&mut self) {
        if self.wire.is_large() || self.inflated.is_large() {
            self.wire.tidy();
            self.inflated.tidy();
        }
    }

    /// Forgets the message under way, and keeps what has not been looked at.
    pub(crate) fn end_of_messages(&mut self) {
        self.wire.abandon();
        self.inflated.clear();
        self.frame_end = 0;
    }

    /// Drops all that has come.
    pub(crate) fn clear(&mut self) {
        self.wire.clear();
        self.inflated.clear();
        self.frame_end = 0;
    }

    /// The bytes that have not been looked at.
    #[cfg(feature = "handshake")]
    pub(crate) fn unread(&self) -> &[u8] {
        self.wire.unread()
    }

    /// [`unread`](Self::unread), to be changed.
    #[cfg(feature = "handshake")]
    pub(crate) fn unread_mut(&mut self) -> &mut [u8] {
        self.wire.unread_mut()
    }

    /// Notes that a handshake has looked at all bytes and needs more.
    #[cfg(feature = "handshake")]
    pub(crate) fn note_unfinished(&mut self) {
        self.wire.wait_for(0);
    }

    /// Drops the next `count` unread bytes, or all if there are fewer.
    #[cfg(feature = "handshake")]
    pub(crate) fn skip(&mut self, count: usize) {
        self.wire.skip(count.min(self.wire.unread().len()));
    }

    /// Takes the next `count` unread bytes out, or all if there are fewer.
    #[cfg(feature = "handshake")]
    pub(crate) fn split(&mut self, count: usize) -> Bytes {
        self.wire.split_unread(count)
    }
}

impl Default for Input {
    fn default() -> Self {
        Self::new()
    }
}

/// Takes the memory over.
impl From<BytesMut> for Input {
    fn from(bytes: BytesMut) -> Self {
        Self::with(bytes)
    }
}

/// Takes the memory over if nobody shares it.
impl From<Bytes> for Input {
    fn from(bytes: Bytes) -> Self {
        Self::with(bytes.into())
    }
}

/// Takes the memory over.
impl From<Vec<u8>> for Input {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from(Bytes::from(bytes))
    }
}

/// Copies the bytes.
impl From<&[u8]> for Input {
    fn from(bytes: &[u8]) -> Self {
        Self::with(bytes.into())
    }
}

/// Shows nothing of what the peer has sent.
impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("len", &self.len()).finish_non_exhaustive()
    }
}
