//! Bytes of a stream, and where the message under way lies in them.
//!
//! ```text
//! [ dead | message so far | dead headers | not yet looked at | spare ]
//!        start → valid → end             next               len
//! ```

use crate::frame::MaskingKey;
use crate::utf8;
use alloc::vec::Vec;
use bytes::{Buf, Bytes, BytesMut};
use core::{fmt, mem, ops::Range};

/// How much is unmasked, moved and validated at a time, so that it is still in the first-level cache for the next step.
const BLOCK: usize = 16 << 10;

/// So few bytes are moved whatever that frees.
const FEW: usize = 256;

/// A part of the data keeps at most so many times its size alive when it is taken out without a copy.
const PINNED: usize = 4;

/// Memory of up to this size is kept when nothing is left in it.
const KEPT: usize = 256 << 10;

/// Memory above this size is never kept.
const NEVER_KEPT: usize = 4 << 20;

/// Bytes of a stream with the message under way in them.
///
/// `start ≤ valid ≤ end ≤ next ≤ len()`, and the bytes from `start` to `valid` are UTF-8 that ends with a whole code point,
/// whoever calls which methods in which order. Bytes enter at the end only, and nobody outside can change them, so this
/// stays true between two calls.
#[derive(Default)]
pub(crate) struct Buffer {
    bytes: BytesMut,
    /// Bytes at the end of `bytes` that are initialised and hold no data.
    spare: usize,
    /// The message under way, as far as it has come, is `start..end`. If that is empty nothing before `next` is needed.
    start: usize,
    /// How far the message under way is validated, if it is text; otherwise `start`.
    valid: usize,
    end: usize,
    /// Where the bytes begin that have not been looked at.
    next: usize,
    /// How far the last look went. What lies between `next` and this is the beginning of a frame.
    seen: usize,
    /// A look is of no use before the data reaches this far.
    wanted: usize,
    /// Bytes that have been taken out of the front of this memory and may still be in use elsewhere.
    shared: usize,
    /// Bytes of the stream that are no longer in here.
    removed: u64,
    /// Whether a large frame has come since that was last asked.
    has_large: bool,
}

impl Buffer {
    /// A buffer that takes this memory over.
    pub(super) fn new(bytes: BytesMut) -> Self {
        Self { bytes, ..Self::default() }
    }

    /// How many bytes of data there are, dead ones included.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.spare
    }

    /// The bytes that have not been looked at.
    #[inline(always)]
    pub(crate) fn unread(&self) -> &[u8] {
        self.bytes.get(self.next..self.len()).unwrap_or_default()
    }

    /// [`unread`](Self::unread), to be unmasked.
    #[inline(always)]
    pub(crate) fn unread_mut(&mut self) -> &mut [u8] {
        let len = self.len();
        self.bytes.get_mut(self.next..len).unwrap_or_default()
    }

    /// The message under way, as far as it has come.
    pub(crate) const fn message(&self) -> Range<usize> {
        self.start..self.end
    }

    /// How far the message under way is validated.
    pub(crate) const fn validated(&self) -> Range<usize> {
        self.start..self.valid
    }

    /// Whether the message under way is validated to its end.
    pub(crate) const fn is_valid(&self) -> bool {
        self.valid == self.end
    }

    /// These bytes, as far as there are so many.
    #[inline(always)]
    pub(crate) fn slice(&self, start: usize, end: usize) -> &[u8] {
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// Whether nothing is in here that anybody still needs.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end && self.is_read()
    }

    /// How many bytes are in here that somebody still needs.
    pub(super) fn needed(&self) -> usize {
        (self.end - self.start) + (self.len() - self.next)
    }

    /// How many bytes have been looked at since the stream began.
    pub(super) fn consumed(&self) -> u64 {
        self.removed + self.next.max(self.seen) as u64
    }

    /// How many bytes have come since the stream began.
    pub(super) fn received(&self) -> u64 {
        self.removed + self.len() as u64
    }

    /// Whether too little has come for another look.
    #[inline(always)]
    pub(crate) fn is_waiting(&self) -> bool {
        self.len() < self.wanted
    }

    /// Whether all has been looked at.
    #[inline(always)]
    pub(crate) fn is_read(&self) -> bool {
        self.next == self.len()
    }

    /// Passes over `count` of the bytes that have not been looked at, of which there are so many.
    #[inline(always)]
    pub(crate) fn skip(&mut self, count: usize) {
        self.next += count;
        debug_assert!(self.next <= self.len());
    }

    /// Passes over a whole frame that is not part of the message under way; where its payload lies.
    #[inline(always)]
    pub(crate) fn pass(&mut self, header: usize, payload: usize) -> Range<usize> {
        let start = self.next + header;
        self.skip(header + payload);
        start..start + payload
    }

    /// Ends a look: nothing more is found until `count` unread bytes are there.
    #[inline]
    pub(crate) fn wait_for(&mut self, count: usize) {
        self.seen = self.len();
        self.wanted = self.next.saturating_add(count).max(self.seen + 1);
    }

    /// Notes that a large frame has come.
    #[inline]
    pub(crate) const fn note_large(&mut self) {
        self.has_large = true;
    }

    /// Whether a large frame has come since this was last asked.
    #[inline]
    pub(super) const fn take_large(&mut self) -> bool {
        mem::replace(&mut self.has_large, false)
    }

    /// A message begins with the next byte, if none of one has come so far.
    #[inline(always)]
    pub(crate) fn begin(&mut self) {
        if self.start == self.end {
            self.start_at(self.next);
        }
    }

    #[inline(always)]
    fn start_at(&mut self, position: usize) {
        self.start = position;
        self.valid = position;
        self.end = position;
    }

    /// Appends the next `count` bytes to the message, unmasked, of which there are so many; the key turned by them. With
    /// `is_text` they are noted as valid where they are seen to be ASCII.
    #[inline(always)]
    pub(crate) fn take(&mut self, count: usize, key: Option<MaskingKey>, is_text: bool) -> Option<MaskingKey> {
        let (to, from) = (self.end, self.next);
        let turned = match key {
            Some(key) => {
                let is_ascii = if to == from {
                    key.apply_noticing_ascii(self.bytes.get_mut(to..to + count).unwrap_or_default())
                } else {
                    key.apply_moving(&mut self.bytes, from, to, count)
                };
                if is_text && is_ascii && self.valid == to {
                    self.valid += count;
                }
                Some(key.turned(count))
            }
            None => {
                if to != from {
                    self.bytes.copy_within(from..from + count, to);
                }
                None
            }
        };
        self.end += count;
        self.next += count;
        turned
    }

    /// As [`take`](Self::take), for a few bytes that lie right behind the message; false if it is text that no later byte can
    /// mend.
    #[inline]
    pub(crate) fn take_few(&mut self, count: usize, key: &mut Option<MaskingKey>, is_text: bool) -> bool {
        debug_assert_eq!(self.end, self.next);
        let bytes = self.bytes.get_mut(self.next..self.next + count).unwrap_or_default();
        let mut is_ascii = true;
        if let Some(key) = key {
            for byte in bytes {
                *byte = key.apply_to_byte(*byte);
                is_ascii &= byte.is_ascii();
            }
        } else {
            is_ascii = bytes.is_ascii();
        }
        let end = self.end + count;
        if is_text && is_ascii && self.valid == self.end {
            self.valid = end;
        }
        self.end = end;
        self.next = end;
        !is_text || self.validate()
    }

    /// Whether the next byte lies right behind the message under way.
    #[inline]
    pub(crate) const fn is_contiguous(&self) -> bool {
        self.end == self.next
    }

    /// As [`take`](Self::take), for at most 125 bytes; false if it is text that no later byte can mend. Text is validated when
    /// much of it has come.
    #[inline(always)]
    pub(crate) fn take_short(&mut self, count: usize, key: Option<MaskingKey>, is_text: bool) -> bool {
        let (to, from) = (self.end, self.next);
        if to != from {
            self.bytes.copy_within(from..from + count, to);
        }
        if let Some(key) = key {
            let is_ascii = key.apply_short(self.bytes.get_mut(to..to + count).unwrap_or_default());
            if is_text && is_ascii && self.valid == to {
                self.valid += count;
            }
        }
        self.end += count;
        self.next += count;
        !is_text || self.end - self.valid < BLOCK || self.validate()
    }

    /// As [`take`](Self::take), block by block; false if it is text that no later byte can mend. What is not a whole block
    /// is left to [`validate`](Self::validate).
    #[inline]
    pub(crate) fn take_in_blocks(&mut self, mut count: usize, key: &mut Option<MaskingKey>, is_text: bool) -> bool {
        while count > 0 {
            let step = count.min(BLOCK);
            *key = self.take(step, *key, is_text);
            if is_text && self.end - self.valid >= BLOCK && !self.validate() {
                return false;
            }
            count -= step;
        }
        true
    }

    /// Validates the message so far as text; false when no later byte can mend it.
    #[inline]
    pub(crate) fn validate(&mut self) -> bool {
        if self.valid == self.end {
            return true;
        }
        let checked = utf8::check(self.slice(self.valid, self.end));
        let (Ok(more) | Err(more)) = checked;
        self.valid += more;
        checked.is_ok()
    }

    /// Ends the message under way at `end`, which is in it: what it was. What follows stays under way.
    #[inline]
    pub(crate) fn finish(&mut self, end: usize) -> Range<usize> {
        let message = self.start..end;
        if end == self.end {
            self.start_at(self.next);
        } else {
            self.start = end;
            self.valid = self.valid.max(end);
        }
        message
    }

    /// Forgets the message under way.
    pub(crate) fn abandon(&mut self) {
        self.start_at(self.next);
    }

    /// Forgets all that is in here.
    pub(crate) fn clear(&mut self) {
        self.skip(self.len() - self.next);
        self.abandon();
        self.wanted = 0;
    }

    /// Lends a part of the data with other bytes behind it.
    #[cfg(feature = "deflate")]
    pub(crate) fn with_tail<const N: usize, T>(
        &mut self,
        part: Range<usize>,
        tail: [u8; N],
        look: impl FnOnce(&[u8]) -> T,
    ) -> T {
        let whole = part.start..part.end + N;
        let initialised = self.bytes.len();
        if initialised < whole.end {
            self.bytes.resize(whole.end, 0);
            self.spare += whole.end - initialised;
        }
        let behind = self.bytes.get_mut(part.end..whole.end).and_then(|place| <&mut [u8; N]>::try_from(place).ok());
        let saved = behind.map(|place| mem::replace(place, tail));
        let result = look(self.slice(whole.start, whole.end));
        let behind = self.bytes.get_mut(part.end..whole.end).and_then(|place| <&mut [u8; N]>::try_from(place).ok());
        if let (Some(place), Some(saved)) = (behind, saved) {
            *place = saved;
        }
        result
    }

    /// The initialised bytes behind the data.
    #[cfg(any(feature = "deflate", feature = "std"))]
    #[inline]
    pub(crate) fn spare_mut(&mut self) -> &mut [u8] {
        let len = self.len();
        self.bytes.get_mut(len..).unwrap_or_default()
    }

    /// How many initialised bytes there are behind the data.
    #[cfg(feature = "deflate")]
    #[inline]
    pub(crate) fn spare(&self) -> usize {
        self.spare
    }

    /// Makes `count` bytes behind the data initialised, where fewer are.
    #[cfg(any(feature = "deflate", feature = "std"))]
    pub(crate) fn make_spare(&mut self, count: usize) {
        self.tidy();
        if self.spare < count {
            let len = self.len();
            self.grow(count);
            self.bytes.resize(len + count, 0);
            self.spare = count;
        }
    }

    /// Takes the first `count` spare bytes into the message under way, of which there are so many.
    #[cfg(feature = "deflate")]
    #[inline]
    pub(crate) fn fill(&mut self, count: usize) {
        self.spare = self.spare.saturating_sub(count);
        self.next = self.len();
        self.end = self.next;
    }

    /// The first `count` spare bytes have become data that has not been looked at.
    #[cfg(feature = "std")]
    pub(super) fn fill_unread(&mut self, count: usize) {
        self.spare = self.spare.saturating_sub(count);
    }

    /// The memory behind the data, as a place to append to.
    #[inline]
    pub(super) fn append(&mut self) -> &mut BytesMut {
        if self.spare > 0 {
            self.bytes.truncate(self.len());
            self.spare = 0;
        }
        &mut self.bytes
    }

    /// Appends memory: without a copy where that lies behind this one.
    pub(super) fn append_memory(&mut self, memory: BytesMut) {
        if self.is_empty() && !memory.is_empty() {
            self.retire();
            self.shared = 0;
            self.append().clear();
            self.bytes = memory;
        } else {
            self.append().unsplit(memory);
        }
    }

    /// Gives the room behind the data away, as memory of its own; the data stays where it is.
    pub(super) fn take_room(&mut self) -> BytesMut {
        let len = self.len();
        self.append().split_off(len)
    }

    /// Takes bytes out that begin and end here: without a copy if they are a fair part of the memory that they keep alive,
    /// and nothing before their end is needed any more.
    pub(crate) fn take_out(&mut self, start: usize, end: usize) -> Bytes {
        let live = if self.start == self.end { self.next } else { self.start };
        let memory = self.shared + self.bytes.capacity();
        if end > live || end.saturating_sub(start).saturating_mul(PINNED) < memory {
            return Bytes::copy_from_slice(self.slice(start, end));
        }
        let mut front = self.bytes.split_to(end);
        front.advance(start);
        self.shared += end;
        self.removed_from_front(end);
        front.freeze()
    }

    /// Takes out the next `count` bytes, of which there are so many.
    #[cfg(feature = "handshake")]
    pub(super) fn take_unread(&mut self, count: usize) -> Bytes {
        let start = self.next;
        self.skip(count.min(self.len() - start));
        self.take_out(start, self.next)
    }

    /// All that has not been looked at.
    pub(super) fn into_unread(mut self) -> BytesMut {
        self.append();
        self.bytes.advance(self.next);
        self.bytes
    }

    /// Moves what is needed together and to the front of the memory, where that moves little or no more than it frees.
    ///
    /// *Complexity*: linear in what is removed.
    #[inline]
    pub(crate) fn tidy(&mut self) {
        if self.start > 0 || self.end < self.next {
            self.move_together();
        }
    }

    fn move_together(&mut self) {
        if self.start == self.end {
            self.start_at(self.next);
            if self.next == self.len() {
                return self.retire();
            }
        }
        let gap = self.next - self.end;
        if gap > 0 && self.len() - self.next <= gap.max(FEW) {
            let len = self.len();
            self.bytes.copy_within(self.next..len, self.end);
            self.spare += gap;
            self.removed += gap as u64;
            self.next -= gap;
            self.seen = self.seen.saturating_sub(gap);
            self.wanted = self.wanted.saturating_sub(gap);
        }
        let (dead, len) = (self.start, self.len());
        if dead > 0 && len - dead <= dead.max(FEW) {
            self.bytes.copy_within(dead..len, 0);
            self.spare += dead;
            self.removed_from_front(dead);
        }
    }

    /// Begins anew at the front of the memory, as nothing of it is needed. Memory that is large and was hardly used is
    /// given back, so that the peak of one message does not become permanent.
    #[inline]
    fn retire(&mut self) {
        let len = self.len();
        self.spare = self.bytes.len();
        self.removed_from_front(len);
        self.wanted = 0;
        if self.bytes.capacity() > KEPT {
            self.give_back(len);
        }
    }

    #[cold]
    fn give_back(&mut self, used: usize) {
        let memory = self.bytes.capacity();
        if memory > NEVER_KEPT || used < memory / 8 {
            // The next message takes what it needs.
            self.bytes = BytesMut::new();
            self.spare = 0;
            self.shared = 0;
        }
    }

    /// How many bytes can be appended without more memory.
    #[inline]
    pub(super) fn room(&self) -> usize {
        self.bytes.capacity() - self.len()
    }

    /// Makes room for `count` bytes behind the data, exactly so many where more memory is taken for it.
    #[inline]
    pub(super) fn grow(&mut self, count: usize) {
        if self.room() < count {
            self.grow_slow(count);
        }
    }

    #[cold]
    fn grow_slow(&mut self, count: usize) {
        let bytes = self.append();
        let before = bytes.as_ptr();
        if !bytes.try_reclaim(count) {
            // Memory that nobody shares is made larger by exactly so much, the rest is copied to new memory.
            let mut memory = Vec::from(mem::take(bytes));
            memory.reserve_exact(count);
            *bytes = BytesMut::from(Bytes::from(memory));
        }
        if bytes.as_ptr() != before {
            self.shared = 0;
        }
    }

    /// Keeps no more memory than what is in here needs.
    pub(super) fn shrink(&mut self) {
        let live = if self.start == self.end { self.next } else { self.start };
        let len = self.len();
        let needed = if live == len { BytesMut::new() } else { BytesMut::from(self.slice(live, len)) };
        self.bytes = needed;
        self.spare = 0;
        self.shared = 0;
        self.removed_from_front(live);
    }

    #[inline]
    fn removed_from_front(&mut self, count: usize) {
        self.removed += count as u64;
        for position in
            [&mut self.start, &mut self.valid, &mut self.end, &mut self.next, &mut self.seen, &mut self.wanted]
        {
            *position = position.saturating_sub(count);
        }
    }
}

/// Shows nothing of what the peer has sent.
impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer").field("unread", &self.unread().len()).finish_non_exhaustive()
    }
}
