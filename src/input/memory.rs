//! The memory of an input: where bytes are appended, moved, and taken out.

use alloc::vec::Vec;
use bytes::{Buf, Bytes, BytesMut};
use core::{mem, ops::Range};

/// A part of the data keeps at most so many times its size alive when it is taken out without a copy.
const PINNED: usize = 4;

/// Memory of up to this size is kept when nothing is left in it.
const KEPT: usize = 512 << 10;

/// Memory of which less than one in so many bytes is used is hardly used.
const HARDLY: usize = 8;

/// Memory above this size is never kept.
const NEVER_KEPT: usize = 4 << 20;

/// Data, and behind it `spare` bytes that are initialised and hold nothing: `spare ≤ bytes.len()`.
#[derive(Default)]
pub(super) struct Memory {
    bytes: BytesMut,
    spare: usize,
    /// Bytes that have been taken out of the front of this memory and may still be in use elsewhere.
    shared: usize,
}

impl Memory {
    pub(super) fn new(bytes: BytesMut) -> Self {
        Self { bytes, ..Self::default() }
    }

    /// How much data there is.
    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.spare
    }

    /// These bytes; none if there are not so many.
    #[inline(always)]
    pub(super) fn slice(&self, range: Range<usize>) -> &[u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    /// [`slice`](Self::slice), to be changed.
    #[inline(always)]
    pub(super) fn slice_mut(&mut self, range: Range<usize>) -> &mut [u8] {
        self.bytes.get_mut(range).unwrap_or_default()
    }

    /// All of it, spare bytes included.
    #[inline(always)]
    pub(super) fn all_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// The place to append data to.
    #[inline(always)]
    pub(super) fn append(&mut self) -> &mut BytesMut {
        if self.spare > 0 {
            self.bytes.truncate(self.len());
            self.spare = 0;
        }
        &mut self.bytes
    }

    /// Whether other memory lies right behind this one, as what came from [`take_room`](Self::take_room) does.
    pub(super) fn adjoins(&self, other: &BytesMut) -> bool {
        self.room() == 0 && self.bytes.as_ptr_range().end == other.as_ptr()
    }

    /// Appends memory that adjoins, without a copy.
    pub(super) fn join(&mut self, other: BytesMut) {
        self.bytes.unsplit(other);
    }

    /// Gives the room behind the data away, as memory of its own; the data stays where it is.
    pub(super) fn take_room(&mut self) -> BytesMut {
        let len = self.len();
        self.append().split_off(len)
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
            if bytes.is_empty() {
                *bytes = BytesMut::with_capacity(count);
            } else {
                // `BytesMut` itself would double, and so take twice the memory for the last bytes of a large message.
                let mut exact = Vec::from(mem::take(bytes));
                exact.reserve_exact(count);
                *bytes = BytesMut::from(Bytes::from(exact));
            }
        }
        if bytes.as_ptr() != before {
            self.shared = 0;
        }
    }

    /// How many initialised bytes there are behind the data.
    #[cfg(feature = "deflate")]
    #[inline]
    pub(super) const fn spare(&self) -> usize {
        self.spare
    }

    /// The initialised bytes behind the data.
    #[cfg(any(feature = "deflate", feature = "std"))]
    #[inline]
    pub(super) fn spare_mut(&mut self) -> &mut [u8] {
        let len = self.len();
        self.bytes.get_mut(len..).unwrap_or_default()
    }

    /// Makes `count` bytes behind the data initialised, where fewer are.
    #[cfg(any(feature = "deflate", feature = "std"))]
    pub(super) fn make_spare(&mut self, count: usize) {
        if self.spare < count {
            let len = self.len();
            self.grow(count);
            self.bytes.resize(len + count, 0);
            self.spare = count;
        }
    }

    /// The first `count` spare bytes have become data.
    #[cfg(any(feature = "deflate", feature = "std"))]
    #[inline]
    pub(super) fn fill(&mut self, count: usize) {
        self.spare = self.spare.saturating_sub(count);
    }

    /// Calls `look` with a part of the data and other bytes behind it.
    #[cfg(feature = "deflate")]
    pub(super) fn with_tail<const N: usize, T>(
        &mut self,
        part: Range<usize>,
        tail: [u8; N],
        look: impl FnOnce(&[u8]) -> T,
    ) -> T {
        let whole = part.start..part.end + N;
        if part.end == self.bytes.len() {
            // It is the end of all, so there is nothing to be put back.
            self.grow(N);
            self.bytes.extend_from_slice(&tail);
            self.spare = N;
            return look(self.slice(whole));
        }
        self.make_spare(whole.end.saturating_sub(self.len()));
        let saved = self.swap(part.end, tail);
        let result = look(self.slice(whole));
        self.swap(part.end, saved);
        result
    }

    /// Puts bytes in the place of others, and returns those.
    #[cfg(feature = "deflate")]
    fn swap<const N: usize>(&mut self, at: usize, bytes: [u8; N]) -> [u8; N] {
        match self.bytes.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
            Some(place) => mem::replace(place, bytes),
            None => bytes,
        }
    }

    /// Removes a part of the data; what lies behind it moves to its place.
    pub(super) fn remove(&mut self, part: Range<usize>) {
        let count = part.len();
        let behind = part.end..self.len();
        self.bytes.copy_within(behind, part.start);
        self.spare += count;
    }

    /// Removes all data. Memory that is large and was hardly used is given back, so that the peak of one message does not
    /// become permanent.
    #[inline]
    pub(super) fn clear(&mut self) {
        let used = self.len();
        self.spare = self.bytes.len();
        let size = self.bytes.capacity();
        if size > NEVER_KEPT || (size > KEPT && used < size / HARDLY) {
            *self = Self::default();
        }
    }

    /// Whether this is more memory than is kept where it is not needed.
    #[inline]
    pub(super) fn is_large(&self) -> bool {
        self.bytes.capacity() > KEPT
    }

    /// Whether the data is a small part of memory that is large.
    pub(super) fn is_hardly_used(&self) -> bool {
        self.is_large() && self.len() < self.bytes.capacity() / HARDLY
    }

    /// Removes the first `count` bytes, and keeps no more memory than the others need.
    pub(super) fn shrink(&mut self, count: usize) {
        let rest = self.slice(count..self.len());
        *self = if rest.is_empty() { Self::default() } else { Self::new(rest.into()) };
    }

    /// Whether these bytes are a fair part of the memory that they would keep alive.
    pub(super) fn is_worth_sharing(&self, part: &Range<usize>) -> bool {
        part.len().saturating_mul(PINNED) >= self.shared + self.bytes.capacity()
    }

    /// Takes a part of the data out without a copy, and removes what comes before it.
    pub(super) fn share(&mut self, part: Range<usize>) -> Bytes {
        let mut front = self.bytes.split_to(part.end);
        front.advance(part.start);
        self.shared += part.end;
        front.freeze()
    }

    /// The data behind the first `count` bytes.
    pub(super) fn into_bytes(mut self, count: usize) -> BytesMut {
        self.append().advance(count);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT, Memory, NEVER_KEPT};
    use alloc::vec;
    use bytes::BytesMut;

    fn memory(bytes: &[u8]) -> Memory {
        Memory::new(BytesMut::from(bytes))
    }

    #[test]
    fn spare_bytes_are_no_data_and_may_be_filled() {
        let mut memory = memory(b"data");
        memory.make_spare(4);
        assert_eq!((memory.len(), memory.spare_mut().len()), (4, 4));
        memory.spare_mut()[..2].copy_from_slice(b"12");
        memory.fill(2);
        assert_eq!(memory.slice(0..memory.len()), b"data12");
        assert_eq!(memory.spare_mut(), [0, 0]);
        memory.append().extend_from_slice(b"34");
        assert_eq!(memory.slice(0..8), b"data1234");
        assert!(memory.spare_mut().is_empty());
    }

    #[test]
    fn a_part_that_is_removed_becomes_spare() {
        let mut memory = memory(b"one two three");
        memory.remove(3..7);
        assert_eq!(memory.slice(0..memory.len()), b"one three");
        assert_eq!(memory.spare_mut().len(), 4);
        memory.remove(0..4);
        assert_eq!(memory.slice(0..memory.len()), b"three");
        assert_eq!(memory.slice(0..100), b"");
    }

    #[test]
    fn memory_grows_by_what_is_asked_for() {
        let mut memory = memory(&[7; 1000]);
        memory.grow(500);
        assert_eq!(memory.room(), 500);
        memory.grow(501);
        assert_eq!((memory.room(), memory.len()), (501, 1000));
        memory.grow(501);
        assert_eq!(memory.room(), 501);
    }

    #[test]
    fn room_that_was_given_away_joins_without_a_copy() {
        let mut memory = memory(b"first");
        memory.grow(100);
        let at = memory.slice(0..5).as_ptr();
        let mut room = memory.take_room();
        assert_eq!(memory.room(), 0);
        room.extend_from_slice(b" second");
        assert!(memory.adjoins(&room));
        memory.join(room);
        assert_eq!(memory.slice(0..12), b"first second");
        assert_eq!((memory.slice(0..5).as_ptr(), memory.room()), (at, 93));
        assert!(!memory.adjoins(&BytesMut::from(" third")));
    }

    #[test]
    fn only_a_fair_part_is_shared() {
        let mut memory = memory(&[7; 1000]);
        assert!(memory.is_worth_sharing(&(0..250)));
        assert!(!memory.is_worth_sharing(&(0..249)));
        let at = memory.slice(100..400).as_ptr();
        let part = memory.share(100..400);
        assert_eq!((part.as_ptr(), part.len(), memory.len()), (at, 300, 600));
        // It is still a part of all that the other one keeps alive.
        assert!(!memory.is_worth_sharing(&(0..249)));
        drop(part);
        memory.shrink(0);
        assert!(memory.is_worth_sharing(&(0..150)) && !memory.is_worth_sharing(&(0..149)));
    }

    #[test]
    fn memory_that_was_hardly_used_is_given_back_when_it_is_empty() {
        for (size, used, is_kept) in [
            (KEPT, 1, true),
            (KEPT + 1, KEPT / 8 - 1, false),
            (KEPT + 8, KEPT / 8 + 1, true),
            (NEVER_KEPT, NEVER_KEPT / 8, true),
            (NEVER_KEPT, NEVER_KEPT / 8 - 1, false),
            (NEVER_KEPT + 1, NEVER_KEPT, false),
        ] {
            let mut memory = memory(&vec![7; used]);
            memory.grow(size - used);
            memory.clear();
            assert_eq!(memory.len(), 0);
            assert_eq!(memory.room(), if is_kept { size } else { 0 }, "{size} {used}");
        }
    }

    #[test]
    fn shrinking_keeps_what_is_behind() {
        let mut memory = memory(b"gone kept");
        memory.grow(1000);
        memory.shrink(5);
        assert_eq!(memory.slice(0..memory.len()), b"kept");
        assert!(memory.room() < 100);
        memory.shrink(4);
        assert_eq!((memory.len(), memory.room()), (0, 0));
    }

    #[cfg(feature = "deflate")]
    #[test]
    fn a_part_is_shown_with_other_bytes_behind_it() {
        for bytes in [&b"part"[..], b"part and more", b"partX"] {
            let mut memory = memory(bytes);
            memory.with_tail(0..4, *b"TAIL", |shown| assert_eq!(shown, b"partTAIL"));
            assert_eq!(memory.slice(0..memory.len()), bytes);
        }
    }
}
