//! What waits to be written: data frames, and the control frames that go out between them.

mod control;
mod large;
mod queue;
#[cfg(feature = "std")]
mod write;

use crate::frame::MaskingKey;
use alloc::boxed::Box;
use bytes::{Buf, Bytes, BytesMut};
use control::Control;
use core::fmt;
use core::sync::atomic::{AtomicU32, Ordering};
use queue::Queue;

/// How many bytes are shown to one write, beside the rest of a large payload. A control frame may have to wait for them.
const SHOWN: usize = 64 << 10;

/// How many bytes of data go out in the same write as the Close frame that ends everything, ahead of it. They are answers to
/// what came before the end, most likely.
const ONE_WRITE: usize = 64 << 10;

/// The bytes that wait to be written, as a [`Buf`]: write what [`chunk`](Buf::chunk) or
/// [`chunks_vectored`](Buf::chunks_vectored) shows, then [`advance`](Buf::advance) by as much as was written. A partial write
/// is just a smaller `advance`. [`write_to`](Output::write_to) does both, and [`next_owned`](Output::next_owned) gives out
/// memory that a driver may hold on to.
///
/// Large payloads that were sent as owned values stand in their own chunks, a client's in pieces of 64 KiB.
///
/// Pings and Pongs do not wait behind the data: they go out at the next border between two frames (RFC 6455 §5.5.2 asks for
/// a Pong as soon as is practical). What has been shown stays as it was until the next `advance`, so a write that is tried
/// again finds the same bytes, as TLS libraries demand, though not at the same address once something else is sent; a control
/// frame that comes in between goes behind the frame in which they end. One look shows 64 KiB of data at most, or up to
/// the end of a large payload, and ends behind control frames.
#[derive(Default)]
pub struct Output {
    data: Queue,
    /// Made when the first Ping or Pong is sent.
    control: Option<Box<Control>>,
    /// Bytes of control frames and large payloads: of all that is not a small data frame.
    beside: usize,
    /// How much has been shown since bytes were last removed. More than it can count is one frame.
    shown: AtomicU32,
    /// How much has been removed since that was last taken, modulo 2^32.
    written: u32,
}

impl Output {
    /// Removes the next bytes and returns them as an owned value, for a driver that holds its memory until a write is
    /// complete; `None` when nothing waits. It is what [`chunk`](Buf::chunk) shows. It is copied only if a part of a client's
    /// masked piece has been removed before.
    ///
    /// The bytes count as written, and for no limit. So take one when the driver can write it, and not all that wait; write
    /// all of it before the next, a rest that the system did not take included, and keep a time for it: no deadline of the
    /// connection's holds for what was taken. When
    /// [`hang_up`](crate::Interest::hang_up) is set, what was taken may still have to be written.
    ///
    /// ```
    /// # use ws_proto::{Config, Connection};
    /// let mut ws = Connection::server(&Config::new());
    /// ws.send_text("hello")?;
    /// let frame = ws.output().next_owned().expect("a frame");
    /// assert_eq!(frame, &b"\x81\x05hello"[..]);
    /// assert_eq!(ws.output().next_owned(), None);
    /// # Ok::<(), ws_proto::SendError>(())
    /// ```
    pub fn next_owned(&mut self) -> Option<Bytes> {
        if self.has_remaining() { Some(self.take(usize::MAX)) } else { None }
    }

    /// Removes all that waits, as if it had been written: for tests, and for a stream that has ended. If a part of a frame has
    /// been written, the peer cannot make sense of what follows.
    pub fn clear(&mut self) {
        self.advance(self.remaining());
    }

    /// Where small data frames, and the headers of large ones, are appended.
    #[inline(always)]
    pub(super) fn small(&mut self) -> &mut BytesMut {
        self.data.small()
    }

    /// Where a frame of so many bytes is appended, if it is clear from one comparison that no more than `most` wait then.
    #[inline(always)]
    pub(super) fn room_for(&mut self, size: usize, most: usize) -> Option<&mut BytesMut> {
        if self.beside == 0 && size <= most.saturating_sub(self.data.small_size()) {
            Some(self.data.small())
        } else {
            None
        }
    }

    /// Puts what is no frame into an output that is empty, to go out before the first frame.
    #[cfg(feature = "handshake")]
    #[inline]
    pub(super) fn precede(&mut self, head: BytesMut) {
        *self.data.small() = head;
        self.data.begin_behind();
    }

    /// Appends the payload of a large frame, whose header has been appended, by reference. It is not empty. It is masked
    /// with the key when it goes out.
    #[inline]
    pub(super) fn push_large(&mut self, payload: Bytes, key: Option<MaskingKey>) {
        self.beside += payload.len();
        self.data.push_large(payload, key);
    }

    /// Queues a Ping or Pong, which goes out at the next border between two data frames.
    pub(super) fn push_control(&mut self, header: &[u8], payload: &[u8]) {
        self.control().push(header, payload);
        self.count();
    }

    /// As [`push_control`](Self::push_control), for a Pong that is sent by itself: the number of these is bounded.
    pub(super) fn push_pong(&mut self, header: &[u8], payload: &[u8]) {
        self.control().push_pong(header, payload);
        self.count();
    }

    fn control(&mut self) -> &mut Control {
        let shown = self.shown();
        let control = self.control.get_or_insert_default();
        if control.is_empty() {
            control.begin_behind(self.data.border_from(shown));
        }
        control
    }

    /// Queues a Ping that is sent by itself, as [`push_control`](Self::push_control) does.
    pub(super) fn push_ping(&mut self, header: &[u8], payload: &[u8]) {
        self.control().push_ping(header, payload);
        self.count();
    }

    /// Whether the last Ping that was sent by itself waits, or a part of it.
    #[inline]
    pub(super) fn ping_waits(&self) -> bool {
        self.control.as_ref().is_some_and(|control| control.ping_waits())
    }

    /// Appends a Close frame, behind which no data follows; its size.
    #[allow(clippy::cast_possible_truncation, reason = "a control frame is that small")]
    pub(super) fn push_close(&mut self, header: &[u8], payload: &[u8]) -> u8 {
        self.data.small().extend_from_slice(header);
        self.data.small().extend_from_slice(payload);
        (header.len() + payload.len()) as u8
    }

    /// Whether a Close frame of this size waits, and nothing of it has been removed; 0 if none was appended.
    #[inline]
    pub(super) fn close_waits(&self, close: u8) -> bool {
        close > 0 && self.data.len() >= close.into()
    }

    /// How much has been written since this was last asked for, modulo 2^32.
    pub(super) const fn take_written(&mut self) -> u32 {
        core::mem::replace(&mut self.written, 0)
    }

    /// How much [`take_written`](Self::take_written) would return.
    pub(super) const fn written(&self) -> u32 {
        self.written
    }

    /// Drops data that can wait no longer, and gives its memory back: what is behind the frame under way, or behind the
    /// message it belongs to. A Close frame among it, of this size, stays. Returns whether there was any.
    pub(super) fn cut(&mut self, backlog: Backlog, close: u8) -> bool {
        let shown = self.shown();
        let control = self.control.as_ref().and_then(|control| control.next());
        // Only data before the control frames has been shown, if there are any.
        let least = control.map_or(shown, |(data_before, _)| shown.min(data_before));
        let border = match backlog {
            Backlog::Frame => self.data.last_border(least, 0, false),
            Backlog::FramesOfOneWrite => self.data.last_border(least, ONE_WRITE, false),
            Backlog::MessagesOfOneWrite => self.data.last_border(least, ONE_WRITE, true),
        };
        if let Some(control) = &mut self.control {
            control.begin_within(border.at);
        }
        // Where the Close frame itself is under way, nothing else is left.
        let close = usize::from(close);
        let has_backlog = border.at < self.data.len().saturating_sub(close);
        if has_backlog {
            self.data.truncate(border, close);
            self.count();
        }
        has_backlog
    }

    /// Gives unused memory back.
    pub(super) fn release(&mut self) {
        if !self.has_remaining() {
            *self = Self { written: self.written, ..Self::default() };
        }
    }

    fn count(&mut self) {
        self.beside = self.data.large_size() + self.control.as_ref().map_or(0, |control| control.size());
    }

    /// Notes that so many bytes are removed, and forgets what has been shown.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "it counts modulo 2^32")]
    pub(super) fn note_written(&mut self, count: usize) {
        *self.shown.get_mut() = 0;
        self.written = self.written.wrapping_add(count as u32);
    }

    /// No more of the data than this has been shown. Where control frames wait, they may be part of it.
    fn shown(&mut self) -> usize {
        usize::try_from(*self.shown.get_mut()).unwrap_or(usize::MAX).min(self.data.len())
    }

    #[inline]
    fn show(&self, size: usize) {
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        // To load and to store is enough: bytes are removed by whoever holds the output alone.
        self.shown.store(self.shown.load(Ordering::Relaxed).max(size), Ordering::Relaxed);
    }

    /// [`Buf::chunk`] where there are control frames or large payloads.
    fn front(&self) -> &[u8] {
        match self.control.as_ref().and_then(|control| control.next()) {
            Some((0, frames)) => frames,
            Some((data_before, _)) => {
                let data = self.data.chunk(SHOWN);
                data.get(..data_before).unwrap_or(data)
            }
            None => self.data.chunk(SHOWN),
        }
    }

    /// Removes so many bytes, which remain.
    #[inline]
    fn remove_written(&mut self, count: usize) {
        if count == 0 {
            // What has been shown is to be tried again.
            return;
        }
        self.note_written(count);
        if self.beside == 0 {
            self.data.remove_small(count);
        } else {
            self.remove(count);
        }
    }

    /// [`Buf::advance`] where there are control frames or large payloads.
    fn remove(&mut self, mut count: usize) {
        if count == self.remaining() {
            self.data.clear();
            if let Some(control) = &mut self.control {
                control.clear();
            }
            self.beside = 0;
            return;
        }
        if let Some(control) = &mut self.control
            && let Some((data_before, _)) = control.next()
        {
            let before = count.min(data_before);
            self.data.remove(before);
            control.data_has_gone(before);
            count -= before;
            while count > 0 && !control.is_empty() {
                count -= control.remove(count);
            }
        }
        self.data.remove(count);
        self.count();
    }

    /// Removes up to `most` bytes of the first chunk, and returns them.
    fn take(&mut self, most: usize) -> Bytes {
        let size = self.front().len().min(most);
        self.note_written(size);
        let taken = match self.control.as_mut().and_then(|control| Some((control.next()?.0, control))) {
            Some((0, control)) => control.take(size),
            Some((_, control)) => {
                control.data_has_gone(size);
                self.data.take(size)
            }
            None => self.data.take(size),
        };
        self.count();
        taken
    }
}

/// How much of the data stays when a Close frame ends everything.
#[derive(Clone, Copy)]
pub(super) enum Backlog {
    /// The frame under way.
    Frame,
    /// The frame under way, and those behind it that end within [`ONE_WRITE`].
    FramesOfOneWrite,
    /// The message under way, and those behind it that end within [`ONE_WRITE`].
    MessagesOfOneWrite,
}

impl Buf for Output {
    #[inline]
    fn remaining(&self) -> usize {
        self.data.small_size() + self.beside
    }

    #[inline]
    fn chunk(&self) -> &[u8] {
        let chunk = if self.beside == 0 { self.data.chunk(SHOWN) } else { self.front() };
        self.show(chunk.len());
        chunk
    }

    /// # Panics
    /// If `count` is more than [`remaining`](Buf::remaining).
    #[inline]
    fn advance(&mut self, count: usize) {
        assert!(count <= self.remaining(), "cannot advance past what remains");
        self.remove_written(count);
    }

    #[inline]
    fn has_remaining(&self) -> bool {
        self.data.small_size() != 0 || self.beside != 0
    }

    /// *Complexity*: linear in the slices that are filled, whatever waits behind them.
    #[cfg(feature = "std")]
    fn chunks_vectored<'a>(&'a self, slices: &mut [std::io::IoSlice<'a>]) -> usize {
        let (filled, _) = self.fill(slices);
        filled
    }

    /// *Complexity*: constant where so many bytes lie in one chunk, which is not copied.
    ///
    /// # Panics
    /// If `count` is more than [`remaining`](Buf::remaining).
    fn copy_to_bytes(&mut self, count: usize) -> Bytes {
        assert!(count <= self.remaining(), "cannot advance past what remains");
        if count == 0 {
            return Bytes::new();
        }
        let first = self.take(count);
        if first.len() == count {
            return first;
        }
        let mut bytes = BytesMut::with_capacity(count);
        bytes.extend_from_slice(&first);
        while bytes.len() < count {
            bytes.extend_from_slice(&self.take(count - bytes.len()));
        }
        bytes.freeze()
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("remaining", &self.remaining()).finish_non_exhaustive()
    }
}
