//! What waits to be written.
//!
//! ```text
//! small:  [ frames and headers, one after the other                        ]
//!             before → ^               before → ^
//! large:               payload 1                payload 2
//! ```
//!
//! Small frames are copied one behind the other. A large owned payload is not copied: it is kept by reference, with the
//! number of small bytes that go out before it. What a client sends so is masked when its turn comes, a window at a time:
//! it is in the cache then when it is written, and takes no more memory than the window, whoever else holds the payload.

use crate::frame::MaskingKey;
use alloc::{boxed::Box, collections::VecDeque, vec::Vec};
use bytes::{Buf, Bytes, BytesMut};
use core::{fmt, ops::Range};

/// So many automatic Pongs may wait to be written before the older ones give way to the newest.
const MAX_PONGS: u8 = 32;

/// How much of a large payload is masked before it is written, and so the most that one write takes of it.
const WINDOW: usize = 64 << 10;

/// The bytes that wait to be written, as a [`Buf`]: write what [`chunk`](Buf::chunk) or
/// [`chunks_vectored`](Buf::chunks_vectored) shows, then [`advance`](Buf::advance) by as much as was written.
///
/// A partial write is just a smaller `advance`. Large payloads that were sent as owned values stand in their own
/// chunks, a client's in pieces of 64 KiB.
#[derive(Default)]
pub struct Output {
    small: BytesMut,
    /// Made when the first large payload is sent.
    large: Option<Box<Large>>,
    /// Bytes up to the end of the last automatic Pong that waits here; 0 when none does.
    pong_ends: usize,
    /// Automatic Pongs since one last went out with none behind it.
    pongs: u8,
    /// The frame of the newest Pong, when there are too many; it takes its place when they have been written.
    newest_pong: Box<[u8]>,
}

/// The large payloads, in order.
#[derive(Default)]
struct Large {
    queue: VecDeque<Queued>,
    /// Small bytes that go out before the last one.
    before: usize,
    /// Bytes of all of them that have not gone out.
    bytes: usize,
    /// Room for the piece of the first one that is masked; all of it is initialised, so that no piece has to do it again.
    window: Vec<u8>,
    /// What of that has not gone out.
    masked: Range<usize>,
}

struct Queued {
    /// Small bytes that go out after the previous one and before this.
    before: usize,
    /// What goes out as it is, or is still to be masked.
    payload: Bytes,
    key: Option<MaskingKey>,
}

impl Large {
    /// Masks the next piece of the first payload, if it is to be masked and the last piece has gone out.
    fn fill_window(&mut self) {
        let Some(Queued { payload, key: Some(key), .. }) = self.queue.front_mut() else { return };
        if self.masked.is_empty() {
            let piece = payload.split_to(payload.len().min(WINDOW));
            if self.window.len() < piece.len() {
                self.window.resize(piece.len(), 0);
            }
            self.masked = 0..piece.len();
            if let Some(place) = self.window.get_mut(self.masked.clone()) {
                key.apply_to_copy(&piece, place);
            }
            *key = key.turned(piece.len());
        }
    }

    /// What of the first payload is masked and has not gone out.
    fn masked(&self) -> &[u8] {
        self.window.get(self.masked.clone()).unwrap_or_default()
    }

    /// Removes up to `count` bytes from the first payload, and that itself when nothing of it is left; how many.
    fn remove(&mut self, count: usize) -> usize {
        let Some(first) = self.queue.front_mut() else { return 0 };
        let removed = if first.key.is_none() {
            let removed = count.min(first.payload.len());
            if removed < first.payload.len() {
                first.payload.advance(removed);
            } else {
                self.queue.pop_front();
                self.fill_window();
            }
            removed
        } else {
            let removed = count.min(self.masked.len());
            self.masked.start += removed;
            if self.masked.is_empty() {
                if first.payload.is_empty() {
                    self.queue.pop_front();
                }
                self.fill_window();
            }
            removed
        };
        self.bytes -= removed;
        removed
    }
}

impl Output {
    /// Where frames are appended.
    #[inline]
    pub(super) fn small(&mut self) -> &mut BytesMut {
        &mut self.small
    }

    /// Where a frame of so many bytes is appended, if it is clear at a glance that no more than `most` wait then.
    #[inline]
    pub(super) fn room_for(&mut self, size: usize, most: usize) -> Option<&mut BytesMut> {
        let is_clear = self.is_small() && size <= most.saturating_sub(self.small.len());
        is_clear.then_some(&mut self.small)
    }

    /// Whether nothing waits but small frames, and no automatic Pong is among them. Where none is, none is held back.
    #[inline]
    fn is_small(&self) -> bool {
        self.pongs == 0 && self.large.as_ref().is_none_or(|large| large.queue.is_empty())
    }

    /// Appends a payload by reference, which is not empty. It is masked with the key when it goes out.
    pub(super) fn push_large(&mut self, payload: Bytes, key: Option<MaskingKey>) {
        let large = self.large.get_or_insert_default();
        let before = self.small.len() - large.before;
        large.before = self.small.len();
        large.bytes += payload.len();
        large.queue.push_back(Queued { before, payload, key });
        large.fill_window();
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
        self.small.len() + self.large.as_ref().map_or(0, |large| large.bytes)
    }

    /// Removes `count` bytes, which are queued.
    #[inline]
    fn remove(&mut self, mut count: usize) {
        if self.pongs > 0 {
            self.pong_ends = self.pong_ends.saturating_sub(count);
            if self.pong_ends == 0 {
                self.pongs = 0;
            }
        }
        let mut small = 0;
        if let Some(large) = &mut self.large {
            while let Some(first) = large.queue.front_mut().filter(|_| count > 0) {
                let before = count.min(first.before);
                first.before -= before;
                large.before -= before;
                small += before;
                count -= before;
                count -= large.remove(count);
            }
        }
        self.remove_small(small + count);
    }

    #[inline]
    fn remove_small(&mut self, count: usize) {
        if count == self.small.len() {
            // Begins anew at the front of its memory, which is in the cache.
            self.small.clear();
        } else {
            self.small.advance(count);
        }
    }
}

impl Buf for Output {
    #[inline]
    fn remaining(&self) -> usize {
        self.queued() + self.newest_pong.len()
    }

    #[inline]
    fn chunk(&self) -> &[u8] {
        let Some((large, first)) = self.large.as_ref().and_then(|large| Some((large, large.queue.front()?))) else {
            return &self.small;
        };
        if first.before > 0 {
            self.small.get(..first.before).unwrap_or_default()
        } else if first.key.is_some() {
            large.masked()
        } else {
            &first.payload
        }
    }

    /// # Panics
    /// If `count` is more than [`remaining`](Buf::remaining).
    #[inline]
    fn advance(&mut self, count: usize) {
        assert!(count <= self.remaining(), "cannot advance past what remains");
        if self.is_small() {
            return self.remove_small(count);
        }
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
        if let Some(large) = &self.large {
            let mut window = Some(large.masked());
            for queued in &large.queue {
                let (before, rest) = small.split_at_checked(queued.before).unwrap_or_default();
                add(before);
                small = rest;
                // The window is the first payload's; what is not masked yet ends what can be shown.
                let window = window.take();
                if queued.key.is_some() {
                    add(window.unwrap_or_default());
                    if window.is_none() || !queued.payload.is_empty() {
                        return filled;
                    }
                } else {
                    add(&queued.payload);
                }
            }
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
