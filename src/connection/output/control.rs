//! Control frames that go out between data frames (RFC 6455 §5.4, §5.5).

use alloc::vec::Vec;
use bytes::{Buf, Bytes, BytesMut};

/// So many automatic Pongs may wait to be written before each further one is replaced by the next.
const MAX_PONGS: u8 = 32;

/// Pings and Pongs, in the order in which they were sent.
#[derive(Default)]
pub(super) struct Control {
    frames: BytesMut,
    /// Data that goes out before them: up to a border between two frames.
    data_before: usize,
    /// Automatic Pongs appended since `frames` was last empty.
    pongs: u8,
    /// How much is to be removed until the last Ping that was sent by itself has gone.
    before_ping_has_gone: usize,
    /// The frame of the newest Pong, when there are too many; it follows when the others have been written.
    newest_pong: Vec<u8>,
}

impl Control {
    /// How much waits in all.
    pub(super) fn size(&self) -> usize {
        self.frames.len() + self.newest_pong.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// What goes out next of them, and how much data before that.
    pub(super) fn next(&self) -> Option<(usize, &[u8])> {
        if self.is_empty() { None } else { Some((self.data_before, &self.frames)) }
    }

    /// Sets how much of the data goes out before the frames. Called while there are none.
    pub(super) fn begin_behind(&mut self, data: usize) {
        self.data_before = data;
    }

    /// Lowers how much of the data goes out before the frames, to another border.
    pub(super) fn begin_within(&mut self, data: usize) {
        self.data_before = self.data_before.min(data);
    }

    /// Records that so much of the data before the frames has gone.
    pub(super) fn data_has_gone(&mut self, count: usize) {
        self.data_before -= count;
    }

    /// Appends a frame.
    pub(super) fn push(&mut self, header: &[u8], payload: &[u8]) {
        self.append_newest_pong();
        self.frames.extend_from_slice(header);
        self.frames.extend_from_slice(payload);
    }

    /// As [`push`](Self::push), for the frame of a Ping that is sent by itself.
    pub(super) fn push_ping(&mut self, header: &[u8], payload: &[u8]) {
        self.push(header, payload);
        self.before_ping_has_gone = self.frames.len();
    }

    /// Whether the last of these Pings waits, or a part of it.
    pub(super) const fn ping_waits(&self) -> bool {
        self.before_ping_has_gone > 0
    }

    /// Appends the frame of an automatic Pong.
    ///
    /// While [`MAX_PONGS`] wait to go out, only the newest of those that follow is kept: RFC 6455 §5.5.3 lets an
    /// endpoint answer just the latest Ping, so a flood of Pings costs a few kilobytes, whatever the peer reads.
    pub(super) fn push_pong(&mut self, header: &[u8], payload: &[u8]) {
        if self.pongs < MAX_PONGS {
            self.frames.extend_from_slice(header);
            self.frames.extend_from_slice(payload);
            self.pongs += 1;
        } else {
            self.newest_pong.clear();
            self.newest_pong.extend_from_slice(header);
            self.newest_pong.extend_from_slice(payload);
        }
    }

    /// Removes all of them.
    pub(super) fn clear(&mut self) {
        self.frames.clear();
        self.newest_pong.clear();
        self.pongs = 0;
        self.before_ping_has_gone = 0;
    }

    /// Removes up to `count` bytes; how many.
    pub(super) fn remove(&mut self, count: usize) -> usize {
        let count = count.min(self.frames.len());
        self.frames.advance(count);
        self.removed(count);
        count
    }

    /// Removes up to `most` bytes and returns them.
    pub(super) fn take(&mut self, most: usize) -> Bytes {
        let taken = self.frames.split_to(most.min(self.frames.len())).freeze();
        self.removed(taken.len());
        taken
    }

    fn removed(&mut self, count: usize) {
        self.before_ping_has_gone = self.before_ping_has_gone.saturating_sub(count);
        if self.frames.is_empty() {
            self.pongs = 0;
            self.append_newest_pong();
        }
    }

    /// Appends the Pong that was held back: there is room for it again, or other frames follow it.
    fn append_newest_pong(&mut self) {
        if !self.newest_pong.is_empty() {
            self.frames.extend_from_slice(&self.newest_pong);
            self.newest_pong.clear();
            self.pongs = self.pongs.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Control;
    use alloc::vec::Vec;

    fn drain(control: &mut Control) -> Vec<u8> {
        let mut bytes = Vec::new();
        while let Some((_, frames)) = control.next() {
            bytes.extend_from_slice(frames);
            let count = frames.len();
            assert_eq!(control.remove(count), count);
        }
        bytes
    }

    #[test]
    fn frames_keep_their_order_and_count() {
        let mut control = Control::default();
        assert!(control.is_empty() && control.next().is_none() && control.size() == 0);
        control.begin_behind(7);
        control.push(b"a", b"1");
        control.push_pong(b"b", b"2");
        assert_eq!((control.size(), control.next()), (4, Some((7, &b"a1b2"[..]))));
        control.data_has_gone(3);
        control.begin_within(10);
        assert_eq!(control.next(), Some((4, &b"a1b2"[..])));
        control.begin_within(2);
        assert_eq!(control.next(), Some((2, &b"a1b2"[..])));
        assert_eq!(control.remove(1), 1);
        assert_eq!(control.take(2), &b"1b"[..]);
        assert_eq!((control.size(), control.remove(5)), (1, 1));
        assert!(control.is_empty());
    }

    #[test]
    fn of_many_pongs_the_first_and_the_newest_are_kept() {
        let mut control = Control::default();
        (0..100).for_each(|pong| control.push_pong(b"p", &[pong]));
        let first: Vec<u8> = (0..32).flat_map(|pong| [b'p', pong]).collect();
        assert_eq!(control.size(), first.len() + 2);
        assert_eq!(control.next(), Some((0, &first[..])));
        // It follows when the others have gone, and is the first of the next ones.
        assert_eq!(control.remove(usize::MAX), first.len());
        assert_eq!(control.next(), Some((0, &b"p\x63"[..])));
        (0..100).for_each(|pong| control.push_pong(b"q", &[pong]));
        assert_eq!(control.size(), 2 + 31 * 2 + 2);
        control.clear();
        assert!(control.is_empty() && control.size() == 0);
        (0..32).for_each(|pong| control.push_pong(b"p", &[pong]));
        assert_eq!(drain(&mut control), first);
    }

    #[test]
    fn a_ping_waits_until_its_last_byte_has_gone() {
        let mut control = Control::default();
        assert!(!control.ping_waits());
        control.push_pong(b"b", b"2");
        control.push_ping(b"a", b"1");
        control.push(b"c", b"3");
        assert_eq!((control.remove(3), control.ping_waits()), (3, true));
        assert_eq!((control.take(1).len(), control.ping_waits()), (1, false));
        control.push_ping(b"a", b"2");
        control.clear();
        assert!(!control.ping_waits());
    }

    #[test]
    fn a_pong_that_is_held_back_goes_ahead_of_what_the_application_sends() {
        let mut control = Control::default();
        (0..34).for_each(|pong| control.push_pong(b"p", &[pong]));
        control.push(b"a", b"!");
        assert!(drain(&mut control).ends_with(b"p\x1fp\x21a!"));
    }
}
