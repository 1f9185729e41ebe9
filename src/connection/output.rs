//! What waits to be written.
//!
//! ```text
//! small:  [ frames and headers, one after the other                        ]
//!             before → ^               before → ^
//! large:               payload 1                payload 2
//! ```
//!
//! Small frames are copied one behind the other. A large owned payload is not copied: it is kept by reference, with the
//! number of small bytes that go out before it.

use alloc::{boxed::Box, collections::VecDeque};
use bytes::{Buf, Bytes, BytesMut};
use core::fmt;

/// So many automatic Pongs may wait to be written before the older ones give way to the newest.
const MAX_PONGS: u8 = 32;

/// The bytes that wait to be written, as a [`Buf`]: write what [`chunk`](Buf::chunk) or
/// [`chunks_vectored`](Buf::chunks_vectored) shows, then [`advance`](Buf::advance) by as much as was written.
///
/// A partial write is just a smaller `advance`. Large payloads that were sent as owned values stand in their own
/// chunks.
#[derive(Default)]
pub struct Output {
    small: BytesMut,
    large: VecDeque<Large>,
    /// Small bytes that go out before the last large payload.
    before_large: usize,
    /// Bytes in all large payloads.
    large_bytes: usize,
    /// Bytes up to the end of the last automatic Pong that waits here; 0 when none does.
    pong_ends: usize,
    /// Automatic Pongs since one last went out with none behind it.
    pongs: u8,
    /// The frame of the newest Pong, when there are too many; it takes its place when they have been written.
    newest_pong: Box<[u8]>,
}

struct Large {
    /// Small bytes that go out after the previous large payload and before this one.
    before: usize,
    payload: Bytes,
}

impl Output {
    /// Where frames are appended.
    #[inline]
    pub(super) fn small(&mut self) -> &mut BytesMut {
        &mut self.small
    }

    /// Appends a payload by reference.
    pub(super) fn push_large(&mut self, payload: Bytes) {
        let before = self.small.len() - self.before_large;
        self.before_large = self.small.len();
        self.large_bytes += payload.len();
        self.large.push_back(Large { before, payload });
    }

    /// Appends the frame of an automatic Pong.
    ///
    /// While [`MAX_PONGS`] wait to go out, only the newest of those that follow is kept: RFC 6455 §5.5.3 lets an
    /// endpoint answer just the latest Ping, so a flood of Pings costs a few kilobytes, whatever the peer reads.
    pub(super) fn push_pong(&mut self, header: &[u8], payload: &[u8]) {
        if self.pongs < MAX_PONGS {
            self.small.extend_from_slice(header);
            self.small.extend_from_slice(payload);
            self.pong_ends = self.queued();
            self.pongs += 1;
        } else {
            self.newest_pong = [header, payload].concat().into();
        }
    }

    /// Appends the Pong that was held back: there is room for it again, or a Close frame comes next and it has to go
    /// before that.
    pub(super) fn settle_pong(&mut self) {
        if !self.newest_pong.is_empty() {
            self.small.extend_from_slice(&self.newest_pong);
            self.newest_pong = Box::default();
            self.pong_ends = self.queued();
            self.pongs += 1;
        }
    }

    /// Gives unused memory back.
    pub(super) fn release(&mut self) {
        if !self.has_remaining() {
            *self = Self::default();
        }
    }

    #[inline]
    fn queued(&self) -> usize {
        self.small.len() + self.large_bytes
    }

    /// Removes `count` bytes, which are queued.
    fn remove(&mut self, mut count: usize) {
        self.pong_ends = self.pong_ends.saturating_sub(count);
        if self.pong_ends == 0 {
            self.pongs = 0;
        }
        while let Some(first) = self.large.front_mut() {
            let small = count.min(first.before);
            first.before -= small;
            self.before_large -= small;
            self.small.advance(small);
            count -= small;
            let large = count.min(first.payload.len());
            self.large_bytes -= large;
            count -= large;
            if large < first.payload.len() {
                first.payload.advance(large);
                return;
            }
            self.large.pop_front();
        }
        self.small.advance(count);
    }
}

impl Buf for Output {
    #[inline]
    fn remaining(&self) -> usize {
        self.queued() + self.newest_pong.len()
    }

    #[inline]
    fn chunk(&self) -> &[u8] {
        match self.large.front() {
            None => &self.small,
            Some(Large { before: 0, payload }) => payload,
            Some(large) => self.small.get(..large.before).unwrap_or_default(),
        }
    }

    /// # Panics
    /// If `count` is more than [`remaining`](Buf::remaining).
    #[inline]
    fn advance(&mut self, count: usize) {
        assert!(count <= self.remaining(), "cannot advance past what remains");
        let now = count.min(self.queued());
        self.remove(now);
        if self.pongs == 0 {
            self.settle_pong();
            self.remove(count - now);
        }
    }

    #[cfg(feature = "std")]
    fn chunks_vectored<'a>(&'a self, slices: &mut [std::io::IoSlice<'a>]) -> usize {
        let mut small = &self.small[..];
        let mut filled = 0;
        let mut add = |bytes: &'a [u8]| {
            if let Some(slice) = slices.get_mut(filled).filter(|_| !bytes.is_empty()) {
                *slice = std::io::IoSlice::new(bytes);
                filled += 1;
            }
        };
        for large in &self.large {
            let (before, rest) = small.split_at_checked(large.before).unwrap_or_default();
            add(before);
            add(&large.payload);
            small = rest;
        }
        add(small);
        filled
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("remaining", &self.remaining()).finish_non_exhaustive()
    }
}
