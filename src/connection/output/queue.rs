//! Data frames that wait to be written, and where one ends and the next begins.
//!
//! ```text
//! small:  [ frames and headers, one after the other                        ]
//!             before → ^               before → ^
//! large:               payload 1                payload 2
//! ```
//!
//! Small frames are copied one behind the other. A large owned payload is not copied: it is kept by reference, with the
//! number of small bytes that go out before it. A client's is masked when it is the first in the queue, a window at a time:
//! it is in the cache then when it is written, and takes no more memory than the window, whoever else holds the payload.

use super::large::{Large, Queued};
use crate::frame::{FrameHeader, MAX_CONTROL, MaskingKey};
use crate::opcode::Opcode;
use alloc::boxed::Box;
use bytes::{Buf, Bytes, BytesMut};

/// The size of the largest control frame (RFC 6455 §5.5).
const MAX_CONTROL_FRAME: usize = FrameHeader::MAX_SIZE + MAX_CONTROL;

/// Data frames in the order in which they were sent. It knows how much is left of the frame that has been written in part.
#[derive(Default)]
pub(super) struct Queue {
    small: BytesMut,
    /// Made when the first large payload is sent.
    large: Option<Box<Large>>,
    /// Bytes from the front to where a frame begins; less than that only where nothing of a frame has been written.
    border: usize,
}

/// A border between two frames of a [`Queue`], or its end.
#[derive(Clone, Copy)]
pub(super) struct Border {
    /// Bytes before it, of both kinds.
    pub(super) at: usize,
    /// Small bytes before it.
    small: usize,
    /// Large payloads before it.
    large: usize,
    /// Small bytes before the next large payload.
    before_large: usize,
}

impl Queue {
    /// Where small frames, and the headers of large ones, are appended.
    #[inline(always)]
    pub(super) fn small(&mut self) -> &mut BytesMut {
        &mut self.small
    }

    #[inline(always)]
    pub(super) fn small_size(&self) -> usize {
        self.small.len()
    }

    /// Bytes of large payloads.
    pub(super) fn large_size(&self) -> usize {
        self.large.as_ref().map_or(0, |large| large.bytes())
    }

    pub(super) fn len(&self) -> usize {
        self.small.len() + self.large_size()
    }

    /// Records that what waits is no frame, but something that goes out before the first one.
    #[cfg(feature = "handshake")]
    pub(super) fn begin_behind(&mut self) {
        self.border = self.small.len();
    }

    /// Appends a payload by reference, which is not empty. It is masked with the key when it goes out.
    #[inline]
    pub(super) fn push_large(&mut self, payload: Bytes, key: Option<MaskingKey>) {
        self.large.get_or_insert_default().push(self.small.len(), payload, key);
    }

    /// How many large payloads there are.
    #[cfg(feature = "std")]
    pub(super) fn large_count(&self) -> usize {
        self.large.as_ref().map_or(0, |large| large.count())
    }

    /// The first bytes that wait; of small ones `most` at most.
    #[inline]
    pub(super) fn chunk(&self, most: usize) -> &[u8] {
        let large = self.large.as_ref().and_then(|large| Some((large, large.get(0)?)));
        match large {
            Some((large, first)) if first.before == 0 => large.ready(first, true).0,
            Some((_, first)) => self.small.get(..first.before.min(most)).unwrap_or_default(),
            None => self.small.get(..most).unwrap_or(&self.small),
        }
    }

    /// Passes on what waits and is ready to be written, in its order, until it is enough, or `most` bytes. Large payloads
    /// are not cut.
    #[cfg(feature = "std")]
    #[inline(always)]
    pub(super) fn each_chunk<'a>(&'a self, most: usize, mut is_enough: impl FnMut(&'a [u8]) -> bool) {
        let mut small = &self.small[..];
        let mut left = most;
        if let Some(large) = &self.large {
            let mut index = 0;
            while let Some(queued) = large.get(index) {
                let (before, rest) = small.split_at_checked(queued.before).unwrap_or_default();
                small = rest;
                if is_enough(before.get(..left).unwrap_or(before)) || before.len() >= left {
                    return;
                }
                // What is not masked yet ends what can be shown.
                let (payload, is_all) = large.ready(queued, index == 0);
                if is_enough(payload) || !is_all || payload.len() >= left - before.len() {
                    return;
                }
                left -= before.len() + payload.len();
                index += 1;
            }
        }
        is_enough(small.get(..left).unwrap_or(small));
    }

    /// Removes so many bytes, which are small ones and wait alone.
    #[inline(always)]
    pub(super) fn remove_small(&mut self, count: usize) {
        if count == self.small.len() {
            // Begins anew at the front of its memory, which is in the cache.
            self.small.clear();
            self.border = 0;
        } else {
            self.remove(count);
        }
    }

    /// Removes so many bytes, which wait.
    pub(super) fn remove(&mut self, mut count: usize) {
        self.border = self.border_from(count) - count;
        let mut small = 0;
        if let Some(large) = &mut self.large {
            while let Some(before) = large.before_first().filter(|_| count > 0) {
                let before = count.min(before);
                large.small_has_gone(before);
                small += before;
                count -= before;
                count -= large.remove(count);
            }
        }
        let small = small + count;
        if small == self.small.len() {
            self.small.clear();
        } else {
            self.small.advance(small);
        }
    }

    /// Removes so many of the first bytes, which lie together, and returns them.
    pub(super) fn take(&mut self, size: usize) -> Bytes {
        let border = self.border_from(size) - size;
        let taken = match &mut self.large {
            Some(large) if large.before_first() == Some(0) => large.take(size),
            large => {
                if let Some(large) = large {
                    large.small_has_gone(size);
                }
                self.small.split_to(size).freeze()
            }
        };
        self.border = border;
        taken
    }

    /// Bytes before the first border that at least `least` bytes, which wait, go before.
    ///
    /// *Complexity*: linear in the frames between. As they are the ones that go out, each is looked at once.
    pub(super) fn border_from(&self, least: usize) -> usize {
        if self.border >= least {
            return self.border;
        }
        if least == self.len() {
            return least;
        }
        let mut border = self.first_border();
        while border.at < least && self.step(&mut border).is_some() {}
        border.at
    }

    /// The border that a Close frame goes out at, in front of what is behind it: the first one that at least `least` bytes
    /// go before, or one further back that at most `most` bytes go before. It is between two messages if `whole`.
    pub(super) fn last_border(&self, least: usize, most: usize, whole: bool) -> Border {
        let mut border = self.first_border();
        let mut last = None;
        loop {
            // RFC 6455 §5.4: the frames of a message follow each other, and all but the first are continuations.
            let is_in_message =
                whole && self.header(&border).is_some_and(|(next, _)| next.opcode == Opcode::Continuation);
            if border.at >= least && !is_in_message {
                if last.is_some() && border.at > most {
                    break;
                }
                last = Some(border);
            }
            if self.step(&mut border).is_none() {
                break;
            }
        }
        last.unwrap_or(border)
    }

    fn first_border(&self) -> Border {
        let at = self.border;
        // What is left of the frame under way may be the end of the first large payload, which has no other border behind
        // it.
        let before = self.large.as_ref().and_then(|large| large.before_first());
        match (before, &self.large) {
            (Some(before), Some(large)) if at > before => {
                let before_large = before + self.queued(1).map_or(0, |second| second.before);
                Border { at, small: at - large.first_size(), large: 1, before_large }
            }
            (before, _) => Border { at, small: at, large: 0, before_large: before.unwrap_or(0) },
        }
    }

    /// The header behind a border, and its size.
    fn header(&self, border: &Border) -> Option<(FrameHeader, usize)> {
        FrameHeader::parse(self.small.get(border.small..)?).ok()?
    }

    /// Goes on to the next border.
    fn step(&self, border: &mut Border) -> Option<()> {
        let (header, size) = self.header(border)?;
        let payload = usize::try_from(header.payload_length).ok()?;
        border.at += size + payload;
        border.small += size;
        let is_large = border.small == border.before_large && payload > 0 && self.queued(border.large).is_some();
        if is_large {
            border.large += 1;
            border.before_large += self.queued(border.large).map_or(0, |next| next.before);
        } else {
            border.small += payload;
        }
        Some(())
    }

    fn queued(&self, index: usize) -> Option<&Queued> {
        self.large.as_ref()?.get(index)
    }

    /// Drops what is behind a border but for the last `tail` bytes, which are small ones, and gives its memory back.
    pub(super) fn truncate(&mut self, border: Border, tail: usize) {
        let small = &self.small[..];
        let kept = small.get(..border.small).unwrap_or_default();
        let tail = small.get(small.len() - tail..).unwrap_or_default();
        // It is a write's worth, or what is left of a frame, and a Close frame may follow.
        let mut small = BytesMut::with_capacity(kept.len() + MAX_CONTROL_FRAME);
        small.extend_from_slice(kept);
        small.extend_from_slice(tail);
        self.small = small;
        match &mut self.large {
            Some(large) if border.large > 0 => large.truncate(border.large),
            large => *large = None,
        }
    }

    /// Removes all that waits.
    pub(super) fn clear(&mut self) {
        self.small.clear();
        self.border = 0;
        if let Some(large) = &mut self.large {
            large.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Queue;
    use crate::frame::FrameHeader;
    use crate::opcode::Opcode;
    use alloc::vec::Vec;
    use bytes::Bytes;

    /// Appends a frame with a payload of this length, by reference or not; its size.
    fn push(queue: &mut Queue, opcode: Opcode, length: usize, by_reference: bool) -> usize {
        let payload_length = length as u64;
        let header = FrameHeader { fin: true, rsv: 0, opcode, masking_key: None, payload_length }.encode();
        queue.small().extend_from_slice(header.as_ref());
        let payload = Bytes::from(std::vec![7; length]);
        if by_reference {
            queue.push_large(payload, None);
        } else {
            queue.small().extend_from_slice(&payload);
        }
        header.as_ref().len() + length
    }

    /// Frames of all kinds, and where each ends.
    fn filled() -> (Queue, Vec<usize>) {
        let mut queue = Queue::default();
        let mut ends = Vec::new();
        for (opcode, length, by_reference) in [
            (Opcode::Text, 3, false),
            (Opcode::Continuation, 300, true),
            (Opcode::Continuation, 0, false),
            (Opcode::Binary, 130, false),
            (Opcode::Text, 1, true),
            (Opcode::Continuation, 200, true),
            (Opcode::Binary, 0, false),
            (Opcode::Binary, 0, false),
        ] {
            ends.push(ends.last().unwrap_or(&0) + push(&mut queue, opcode, length, by_reference));
        }
        (queue, ends)
    }

    fn first_at(ends: &[usize], least: usize) -> usize {
        [0].iter().chain(ends).copied().find(|&end| end >= least).unwrap()
    }

    #[test]
    fn the_next_border_is_known_whatever_has_been_removed() {
        let (queue, ends) = filled();
        let size = queue.len();
        assert_eq!(ends.last(), Some(&size));
        for removed in 0..=size {
            for with_take in [false, true] {
                let (mut queue, _) = filled();
                if with_take {
                    let mut left = removed;
                    while left > 0 {
                        let count = queue.chunk(usize::MAX).len().min(left);
                        left -= queue.take(count).len();
                    }
                } else {
                    queue.remove(removed);
                }
                assert_eq!(queue.len(), size - removed);
                let rest = size - removed;
                for least in (0..rest).step_by(7).chain([rest]) {
                    let right = first_at(&ends, removed + least) - removed;
                    assert_eq!(queue.border_from(least), right, "{removed}, {least}, {with_take}");
                }
            }
        }
    }

    #[test]
    fn the_last_border_is_within_the_limit_or_the_first() {
        let (_, ends) = filled();
        // A message ends where no continuation follows.
        let whole = [ends[2], ends[3], ends[5], ends[6], ends[7]];
        for removed in [0, 1, ends[0], ends[0] + 20, ends[2], ends[4] + 5] {
            for least in [0, 1, 100] {
                for most in [0, 1, 50, 320, 400, 1000] {
                    for is_whole in [false, true] {
                        let (mut queue, _) = filled();
                        queue.remove(removed);
                        let borders = if is_whole { &whole[..] } else { &ends };
                        let borders: Vec<usize> = [0]
                            .iter()
                            .chain(borders)
                            .filter(|&&at| at >= removed + least && (at > 0 || removed == 0))
                            .map(|at| at - removed)
                            .collect();
                        let right = borders.iter().rev().find(|&&at| at <= most).unwrap_or(&borders[0]);
                        let border = queue.last_border(least, most, is_whole);
                        assert_eq!(border.at, *right, "{removed}, {least}, {most}, {is_whole}");
                        // What is behind it is dropped, but for the tail, and the rest stays as it was.
                        let rest = queue.len();
                        queue.truncate(border, 0);
                        assert_eq!(queue.len(), border.at.min(rest));
                        assert_eq!(queue.border_from(queue.len()), queue.len());
                    }
                }
            }
        }
    }

    /// All that waits, taken in pieces.
    fn bytes(mut queue: Queue) -> Vec<u8> {
        let mut bytes = Vec::new();
        while queue.len() > 0 {
            let count = queue.chunk(10).len();
            bytes.extend(queue.take(count));
        }
        bytes
    }

    #[test]
    fn what_is_dropped_leaves_the_tail() {
        let (mut queue, ends) = filled();
        let all = bytes(filled().0);
        queue.remove(5);
        let border = queue.last_border(1, 0, false);
        queue.truncate(border, 4);
        assert_eq!(bytes(queue), [&all[5..ends[1]], &all[all.len() - 4..]].concat());
    }
}
