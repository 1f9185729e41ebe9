//! Bytes of a stream, and where the message under way lies in them.
//!
//! ```text
//! [ dead | message so far | dead headers | not yet looked at | spare ]
//!        start → valid → end             next               len
//! ```

use super::memory::Memory;
use bytes::{Bytes, BytesMut};
use core::{fmt, ops::Range};

/// So few bytes are moved whatever that frees.
const FEW: usize = 256;

/// The head of a handshake of at most this size is copied out.
#[cfg(feature = "handshake")]
const COPIED: usize = 4 << 10;

/// Bytes of a stream with the message under way in them.
///
/// `start ≤ valid ≤ end ≤ next ≤ len()`, and the bytes from `start` to `valid` are UTF-8 that ends with a whole code point,
/// whoever calls which methods in which order. Bytes enter at the end only, and nobody outside can change them, so this
/// stays true between two calls.
#[derive(Default)]
pub(crate) struct Buffer {
    pub(super) memory: Memory,
    /// The message under way, as far as it has come, is `start..end`. If that is empty nothing before `next` is needed.
    pub(super) start: usize,
    /// How far the message under way is validated, if it is text; otherwise `start`.
    pub(super) valid: usize,
    pub(super) end: usize,
    /// Where the bytes begin that have not been looked at.
    pub(super) next: usize,
    /// How far the last look went. What lies between `next` and this is the beginning of a frame.
    seen: usize,
    /// A look is of no use before the data reaches this far.
    wanted: usize,
    /// Bytes of the stream that are no longer in here.
    removed: u64,
    /// Whether a large frame has come since that was last forgotten.
    has_large: bool,
}

impl Buffer {
    /// A buffer that takes this memory over.
    pub(super) fn new(bytes: BytesMut) -> Self {
        Self { memory: Memory::new(bytes), ..Self::default() }
    }

    /// How many bytes of data there are, dead ones included.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.memory.len()
    }

    /// The bytes that have not been looked at.
    #[inline(always)]
    pub(crate) fn unread(&self) -> &[u8] {
        self.memory.slice(self.next..self.len())
    }

    /// [`unread`](Self::unread), to be unmasked.
    #[inline(always)]
    pub(crate) fn unread_mut(&mut self) -> &mut [u8] {
        let len = self.len();
        self.memory.slice_mut(self.next..len)
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
        self.memory.slice(start..end)
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

    /// Whether too little has come for another look, which would find only that.
    #[inline(always)]
    pub(crate) fn is_waiting(&self) -> bool {
        self.len() < self.wanted
    }

    /// Notes that all has been looked at.
    #[inline(always)]
    pub(crate) fn note_seen(&mut self) {
        self.seen = self.len();
    }

    /// Whether all has been looked at.
    #[inline(always)]
    pub(crate) fn is_read(&self) -> bool {
        self.next == self.len()
    }

    /// Passes over the next `count` unread bytes; there must be as many.
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
        self.note_seen();
        self.wanted = self.next.saturating_add(count).max(self.seen + 1);
    }

    /// Notes that a large frame has come.
    #[inline]
    pub(crate) const fn note_large(&mut self) {
        self.has_large = true;
    }

    /// Whether a large frame has come since that was last forgotten.
    #[inline]
    pub(crate) const fn has_large(&self) -> bool {
        self.has_large
    }

    pub(super) const fn forget_large(&mut self) {
        self.has_large = false;
    }

    /// Forgets all that is in here.
    pub(crate) fn clear(&mut self) {
        self.skip(self.len() - self.next);
        self.abandon();
        self.wanted = 0;
    }

    /// Calls `look` with a part of the data and other bytes behind it.
    #[cfg(feature = "deflate")]
    pub(crate) fn with_tail<const N: usize, T>(
        &mut self,
        part: Range<usize>,
        tail: [u8; N],
        look: impl FnOnce(&[u8]) -> T,
    ) -> T {
        self.memory.with_tail(part, tail, look)
    }

    /// The initialised bytes behind the data.
    #[cfg(any(feature = "deflate", feature = "std"))]
    #[inline]
    pub(crate) fn spare_mut(&mut self) -> &mut [u8] {
        self.memory.spare_mut()
    }

    /// How many initialised bytes there are behind the data.
    #[cfg(feature = "deflate")]
    #[inline]
    pub(crate) const fn spare(&self) -> usize {
        self.memory.spare()
    }

    /// Makes `count` bytes behind the data initialised, where fewer are.
    #[cfg(any(feature = "deflate", feature = "std"))]
    pub(crate) fn make_spare(&mut self, count: usize) {
        self.tidy();
        self.memory.make_spare(count);
    }

    /// Takes the first `count` spare bytes into the message under way; there must be as many.
    #[cfg(feature = "deflate")]
    #[inline]
    pub(crate) fn fill(&mut self, count: usize) {
        self.memory.fill(count);
        self.next = self.len();
        self.end = self.next;
    }

    /// The first `count` spare bytes have become data that has not been looked at.
    #[cfg(feature = "std")]
    pub(super) fn fill_unread(&mut self, count: usize) {
        self.memory.fill(count);
    }

    /// The memory behind the data, as a place to append to.
    #[inline]
    pub(super) fn append(&mut self) -> &mut BytesMut {
        self.memory.append()
    }

    #[cfg(test)]
    pub(crate) fn append_for_test(&mut self, bytes: &[u8]) {
        self.append().extend_from_slice(bytes);
    }

    /// How many bytes can be appended without more memory.
    #[inline]
    pub(crate) fn room(&self) -> usize {
        self.memory.room()
    }

    /// Makes room for `count` bytes behind the data.
    #[inline]
    pub(super) fn grow(&mut self, count: usize) {
        self.memory.grow(count);
    }

    /// Appends memory without a copy, if it lies behind what is here or nothing else is here.
    pub(super) fn append_memory(&mut self, memory: BytesMut) -> Result<(), BytesMut> {
        if self.memory.adjoins(&memory) {
            self.memory.join(memory);
            return Ok(());
        }
        if !self.is_empty() {
            return Err(memory);
        }
        if !memory.is_empty() {
            self.retire();
            self.memory = Memory::new(memory);
        }
        Ok(())
    }

    /// Whether nothing is in here but more memory than is kept.
    #[inline]
    pub(super) fn is_large(&self) -> bool {
        self.memory.is_large() && self.is_empty()
    }

    /// Gives the room behind the data away, as memory of its own.
    pub(super) fn take_room(&mut self) -> BytesMut {
        self.memory.take_room()
    }

    /// Takes out bytes that begin and end here: without a copy if they are a fair part of the memory that they keep alive,
    /// and nothing before their end is needed any more.
    pub(crate) fn take_out(&mut self, start: usize, end: usize) -> Bytes {
        if end > self.first_needed() || !self.memory.is_worth_sharing(&(start..end)) {
            return Bytes::copy_from_slice(self.slice(start, end));
        }
        let bytes = self.memory.share(start..end);
        self.removed_from_front(end);
        bytes
    }

    /// Takes out the next `count` unread bytes, or all if there are fewer.
    #[cfg(feature = "handshake")]
    pub(super) fn split_unread(&mut self, count: usize) -> Bytes {
        let start = self.next;
        self.skip(count.min(self.len() - start));
        // A copy of so little is faster than memory for the next read.
        if count <= COPIED {
            return Bytes::copy_from_slice(self.slice(start, self.next));
        }
        self.take_out(start, self.next)
    }

    /// All that has not been looked at.
    pub(super) fn into_unread(self) -> BytesMut {
        self.memory.into_bytes(self.next)
    }

    /// Moves what is needed together and to the front of the memory, where that moves little or no more than it frees.
    ///
    /// *Complexity*: linear in what is removed.
    #[inline]
    pub(crate) fn tidy(&mut self) {
        if !self.is_tidy() {
            self.move_together();
        }
    }

    /// Whether all that is here is needed and lies together.
    #[inline(always)]
    pub(super) const fn is_tidy(&self) -> bool {
        self.start == 0 && self.end == self.next
    }

    /// Begins anew at the front of the memory, if something is in it, and all of that has been received.
    #[inline]
    pub(super) fn forget_received(&mut self) {
        if self.is_empty() && self.next > 0 {
            self.retire();
        }
    }

    fn move_together(&mut self) {
        if self.start == self.end {
            if self.is_read() {
                return self.retire();
            }
            self.start_at(self.next);
        }
        let gap = self.next - self.end;
        if gap > 0 && self.len() - self.next <= gap.max(FEW) {
            self.memory.remove(self.end..self.next);
            self.removed += gap as u64;
            self.next -= gap;
            self.seen = self.seen.saturating_sub(gap);
            self.wanted = self.wanted.saturating_sub(gap);
        }
        let dead = self.start;
        if dead > 0 && self.len() - dead <= dead.max(FEW) {
            if self.memory.is_hardly_used() {
                self.memory.shrink(dead);
            } else {
                self.memory.remove(0..dead);
            }
            self.removed_from_front(dead);
        }
    }

    /// Begins anew at the front of the memory, as nothing in it is needed.
    #[inline]
    fn retire(&mut self) {
        self.removed += self.len() as u64;
        self.start_at(0);
        (self.next, self.seen, self.wanted) = (0, 0, 0);
        self.memory.clear();
    }

    /// Keeps no more memory than what is in here needs.
    pub(super) fn shrink(&mut self) {
        let dead = self.first_needed();
        self.memory.shrink(dead);
        self.removed_from_front(dead);
    }

    /// Where the bytes begin that are still needed.
    #[inline]
    const fn first_needed(&self) -> usize {
        if self.start == self.end { self.next } else { self.start }
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

#[cfg(test)]
mod tests {
    use super::{Buffer, FEW};
    use crate::frame::MaskingKey;
    use alloc::vec::Vec;
    use bytes::{BufMut, BytesMut};

    /// The sentence that stands over [`Buffer`].
    fn assert_invariant(buffer: &Buffer) {
        let Buffer { start, valid, end, next, .. } = *buffer;
        assert!(start <= valid && valid <= end && end <= next && next <= buffer.len(), "{start} {valid} {end} {next}");
        assert!(core::str::from_utf8(buffer.slice(start, valid)).is_ok());
        assert_eq!(buffer.is_empty(), buffer.needed() == 0);
        assert!(buffer.consumed() <= buffer.received());
    }

    fn buffer(bytes: &[u8]) -> Buffer {
        Buffer::new(BytesMut::from(bytes))
    }

    #[test]
    fn whatever_is_called_in_which_order_the_invariant_holds() {
        let key = Some(MaskingKey::new([1, 0, 0x80, 0]));
        let mut random = 1_u64;
        let mut below = |end: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(random >> 33).unwrap() % end
        };
        for _ in 0..if cfg!(miri) { 40 } else { 2_000 } {
            let mut buffer = Buffer::default();
            let mut received = 0;
            for _ in 0..40 {
                let unread = buffer.unread().len();
                let some = below(unread + 1);
                match below(16) {
                    0..=3 => {
                        let count = below(40);
                        buffer.grow(count);
                        let byte = b"a\xC3\xA9\xFF"[below(4)];
                        buffer.append().put_bytes(byte, count);
                        received += count as u64;
                    }
                    4 => buffer.skip(some),
                    5 => drop(buffer.pass(some, unread - some)),
                    6 => {
                        buffer.begin();
                        buffer.assemble(some, key, true);
                    }
                    7 => {
                        buffer.begin();
                        buffer.assemble_in_blocks(some, &mut None, some % 2 == 0);
                    }
                    8 => {
                        buffer.begin();
                        buffer.assemble_short(some.min(125), key, true);
                    }
                    9 => {
                        buffer.abandon();
                        buffer.assemble_few(some, &mut key.clone(), true);
                    }
                    10 => {
                        buffer.validate();
                    }
                    11 => {
                        let end = if some % 2 == 0 { buffer.validated().end } else { buffer.message().end };
                        let message = buffer.finish(end);
                        assert!(message.end <= buffer.len());
                        buffer.take_out(message.start, message.end);
                    }
                    12 => buffer.wait_for(some),
                    13 => buffer.tidy(),
                    14 => buffer.shrink(),
                    _ => match some % 8 {
                        0 => buffer.clear(),
                        1 => drop(buffer.append_memory(BytesMut::from(&b"\xC3\xA9\xC3"[..]))),
                        2 => {
                            let room = buffer.take_room();
                            assert!(buffer.append_memory(room).is_ok());
                        }
                        _ => buffer.abandon(),
                    },
                }
                assert_invariant(&buffer);
                received = received.max(buffer.received());
                assert_eq!(buffer.received(), received, "bytes were lost");
            }
        }
    }

    #[test]
    fn a_message_in_pieces_ends_as_one_slice_and_gaps_close() {
        let mut buffer = buffer(b"..one ...and ..two..next");
        buffer.skip(2);
        buffer.begin();
        buffer.assemble(4, None, true);
        buffer.skip(3);
        buffer.assemble(4, None, true);
        assert!(!buffer.is_contiguous());
        buffer.tidy();
        assert!(buffer.is_contiguous());
        assert_eq!((buffer.start, buffer.len()), (0, 8 + 11));
        buffer.skip(2);
        buffer.assemble(3, None, true);
        assert!(buffer.validate() && buffer.is_valid());
        let message = buffer.finish(buffer.message().end);
        assert_eq!(buffer.slice(message.start, message.end), b"one and two");
        assert_eq!((buffer.unread(), buffer.consumed()), (&b"..next"[..], 18));
    }

    #[test]
    fn what_is_needed_moves_only_where_that_is_cheap() {
        let mut many = Vec::new();
        many.resize(2_000, b'm');
        let mut buffer = buffer(&many);
        buffer.skip(900);
        buffer.tidy();
        assert_eq!((buffer.next, buffer.len()), (900, 2_000));
        buffer.skip(100);
        buffer.tidy();
        assert_eq!((buffer.next, buffer.len(), buffer.consumed()), (0, 1_000, 1_000));
        buffer.skip(744);
        buffer.tidy();
        buffer.skip(1);
        buffer.tidy();
        assert_eq!((buffer.next, buffer.len()), (0, 255));
    }

    #[test]
    fn a_look_is_of_no_use_before_what_it_waits_for_has_come() {
        let mut buffer = buffer(b"xhead");
        buffer.skip(1);
        assert!(!buffer.is_waiting());
        buffer.wait_for(6);
        assert!(buffer.is_waiting());
        assert_eq!((buffer.consumed(), buffer.received()), (5, 5));
        buffer.append().put_u8(b'e');
        buffer.tidy();
        assert!(buffer.is_waiting());
        buffer.append().put_u8(b'r');
        assert!(!buffer.is_waiting());
        assert_eq!(buffer.unread(), b"header");
        // However little was asked for, one byte more has to come.
        buffer.wait_for(0);
        assert!(buffer.is_waiting());
        buffer.append().put_u8(b'.');
        assert!(!buffer.is_waiting());
    }

    #[test]
    fn only_what_nothing_needed_lies_before_is_taken_out_without_a_copy() {
        let mut buffer = buffer(b"message under way, control, rest");
        buffer.begin();
        buffer.assemble(17, None, false);
        let control = buffer.pass(2, 7);
        let at = buffer.slice(control.start, control.end).as_ptr();
        let control = buffer.take_out(control.start, control.end);
        assert_eq!((&control[..], control.as_ptr() == at), (&b"control"[..], false));
        let message = buffer.finish(17);
        let at = buffer.slice(0, 17).as_ptr();
        let message = buffer.take_out(message.start, message.end);
        assert_eq!((&message[..], message.as_ptr()), (&b"message under way"[..], at));
        assert_eq!(buffer.unread(), b", rest");
        assert_invariant(&buffer);
    }

    #[test]
    fn text_is_valid_up_to_a_code_point_and_never_beyond_what_is_wrong() {
        let mut text = buffer(b"\xE6\x97\xA5\xF0\x9F");
        text.begin();
        text.assemble_in_blocks(5, &mut None, true);
        assert!(text.validate() && !text.is_valid());
        assert_eq!(text.validated(), 0..3);
        let part = text.finish(3);
        assert_eq!((part, text.message(), text.validated()), (0..3, 3..5, 3..3));
        text.append().put_slice(b"\xA6\x80\xFF");
        text.assemble_in_blocks(3, &mut None, true);
        assert!(!text.validate());
        assert_eq!(text.validated(), 3..7);
    }

    #[test]
    fn what_lies_together_is_not_moved_and_much_is_not_moved_for_few() {
        // A message, a frame header behind it, and more behind that than may be moved for ten bytes.
        let mut text = buffer(&[b'm'; 20 + FEW + 1]);
        text.begin();
        text.assemble(10, None, false);
        text.skip(10);
        text.tidy();
        assert_eq!((text.message(), text.len(), text.is_tidy()), (0..10, 20 + FEW + 1, false));
        // One byte less behind it is few enough.
        let mut text = buffer(&[b'm'; 20 + FEW]);
        text.begin();
        text.assemble(10, None, false);
        text.skip(10);
        text.tidy();
        assert_eq!((text.message(), text.len(), text.is_tidy()), (0..10, 10 + FEW, true));
        assert_invariant(&text);
    }

    #[test]
    fn closing_a_gap_leaves_the_memory_as_it_is() {
        let mut large = Buffer::new(BytesMut::with_capacity(2 << 20));
        large.append_for_test(b"message, header, rest");
        large.begin();
        large.assemble(7, None, false);
        large.skip(10);
        let room = large.room();
        large.tidy();
        assert_eq!((large.is_tidy(), large.unread(), large.room()), (true, &b"rest"[..], room + 10));
    }

    #[test]
    fn a_message_begins_where_the_next_byte_lies() {
        let mut buffer = buffer(b"headerpayload");
        buffer.skip(6);
        buffer.begin();
        assert!(buffer.is_contiguous());
        assert_eq!(buffer.message(), 6..6);
        // One that has begun goes on.
        buffer.assemble(3, None, false);
        buffer.skip(1);
        buffer.begin();
        assert_eq!((buffer.message(), buffer.is_contiguous()), (6..9, false));
    }

    #[test]
    fn only_memory_that_is_large_and_empty_is_too_much() {
        assert!(!buffer(b"").is_large() && !buffer(b"few").is_large());
        let mut large = Buffer::new(BytesMut::with_capacity(2 << 20));
        assert!(large.is_large());
        large.append_for_test(b"few");
        assert!(!large.is_large());
    }

    #[cfg(feature = "deflate")]
    #[test]
    fn spare_bytes_are_those_that_were_made_and_not_filled() {
        let mut buffer = buffer(b"");
        assert_eq!(buffer.spare(), 0);
        buffer.make_spare(100);
        assert_eq!(buffer.spare(), 100);
        buffer.fill(40);
        assert_eq!((buffer.spare(), buffer.len()), (60, 40));
    }
}
