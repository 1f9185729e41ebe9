//! How payloads become the message under way: unmasked, moved together, and validated.

use super::buffer::Buffer;
use crate::frame::MaskingKey;
use crate::utf8;
use core::ops::Range;

/// How much is unmasked, moved and validated at a time, so that it is still in the first-level cache for the next step.
const BLOCK: usize = 16 << 10;

impl Buffer {
    /// A message begins with the next byte, if none of one has come so far.
    #[inline(always)]
    pub(crate) fn begin(&mut self) {
        if self.start == self.end {
            self.start_at(self.next);
        }
    }

    #[inline(always)]
    pub(super) fn start_at(&mut self, position: usize) {
        self.start = position;
        self.valid = position;
        self.end = position;
    }

    /// Unmasks the next `count` unread bytes, of which there must be as many, and appends them to the message. Returns the key
    /// turned by them. With `is_text` they are noted as valid where they are seen to be ASCII.
    #[inline(always)]
    pub(crate) fn assemble(&mut self, count: usize, key: Option<MaskingKey>, is_text: bool) -> Option<MaskingKey> {
        let (to, from) = (self.end, self.next);
        let turned = match key {
            Some(key) => {
                let is_ascii = if to == from {
                    key.apply_noticing_ascii(self.memory.slice_mut(to..to + count))
                } else {
                    key.apply_moving(self.memory.all_mut(), from, to, count)
                };
                if is_text && is_ascii && self.valid == to {
                    self.valid += count;
                }
                Some(key.turned(count))
            }
            None => {
                if to != from {
                    self.memory.all_mut().copy_within(from..from + count, to);
                }
                None
            }
        };
        self.end += count;
        self.next += count;
        turned
    }

    /// As [`assemble`](Self::assemble), for a few bytes that lie right behind the message; false if it is text that no later
    /// byte can mend.
    #[inline]
    pub(crate) fn assemble_few(&mut self, count: usize, key: &mut Option<MaskingKey>, is_text: bool) -> bool {
        debug_assert_eq!(self.end, self.next);
        let bytes = self.memory.slice_mut(self.next..self.next + count);
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

    /// As [`assemble`](Self::assemble), for at most 125 bytes; false if it is text that no later byte can mend. Text is
    /// validated when much of it has come.
    #[inline(always)]
    pub(crate) fn assemble_short(&mut self, count: usize, key: Option<MaskingKey>, is_text: bool) -> bool {
        let (to, from) = (self.end, self.next);
        if let Some(key) = key {
            let is_ascii = key.apply_short_moving(self.memory.slice_mut(to..from + count), from - to, count);
            if is_text && is_ascii && self.valid == to {
                self.valid += count;
            }
        } else if to != from {
            self.memory.all_mut().copy_within(from..from + count, to);
        }
        self.end += count;
        self.next += count;
        !is_text || self.end - self.valid < BLOCK || self.validate()
    }

    /// As [`assemble`](Self::assemble), block by block; false if it is text that no later byte can mend. What is not a whole block
    /// is left to [`validate`](Self::validate).
    #[inline]
    pub(crate) fn assemble_in_blocks(&mut self, mut count: usize, key: &mut Option<MaskingKey>, is_text: bool) -> bool {
        while count > 0 {
            let step = count.min(BLOCK);
            *key = self.assemble(step, *key, is_text);
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

    /// Ends the message under way at `end`, which is in it, and returns where it lies. What follows stays under way, and is not
    /// validated.
    #[inline]
    pub(crate) fn finish(&mut self, end: usize) -> Range<usize> {
        let message = self.start..end;
        if end == self.end {
            self.start_at(self.next);
        } else {
            self.start = end;
            self.valid = end;
        }
        message
    }

    /// Forgets the message under way.
    pub(crate) fn abandon(&mut self) {
        self.start_at(self.next);
    }
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Buffer};
    use bytes::BytesMut;

    /// Text of two bytes a code point behind a header of so many bytes.
    fn text(header: usize, count: usize) -> Buffer {
        let mut buffer = Buffer::new(BytesMut::from(&b"h".repeat(header)[..]));
        buffer.append_for_test(&"é".repeat(count / 2).into_bytes());
        buffer.skip(header);
        buffer.begin();
        buffer
    }

    #[test]
    fn short_pieces_are_validated_a_block_at_a_time() {
        for header in [0, 3 * BLOCK] {
            let mut text = text(header, 2 * BLOCK);
            for piece in 1..=BLOCK / 64 {
                assert_eq!(text.validated(), header..header, "piece {piece}");
                assert!(text.assemble_short(64, None, true));
            }
            assert_eq!(text.validated(), header..header + BLOCK);
            assert!(text.assemble_short(64, None, true));
            assert_eq!(text.validated(), header..header + BLOCK);
            // What is not text is not looked at.
            text.assemble_in_blocks(BLOCK - 64, &mut None, false);
            assert_eq!(text.validated(), header..header + BLOCK);
        }
    }

    #[test]
    fn less_than_a_block_is_not_validated() {
        for header in [0, 3 * BLOCK] {
            let mut text = text(header, 2 * BLOCK);
            assert!(text.assemble_in_blocks(BLOCK - 2, &mut None, true));
            assert_eq!(text.validated(), header..header);
            assert!(text.assemble_in_blocks(2, &mut None, true));
            assert_eq!(text.validated(), header..header + BLOCK);
        }
    }
}
