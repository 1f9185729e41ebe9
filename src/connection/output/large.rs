//! Large payloads that wait to be written, each kept by reference.

use crate::frame::MaskingKey;
use alloc::{collections::VecDeque, vec::Vec};
use bytes::{Buf, Bytes};
use core::{mem, ops::Range};

/// How much of a large payload is masked before it is written, and so the most that one write takes of it.
const WINDOW: usize = 64 << 10;

/// Large payloads in the order in which they were sent, each with the number of small bytes that go out before it.
#[derive(Default)]
pub(super) struct Large {
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

/// One large payload.
pub(super) struct Queued {
    /// Small bytes that go out after the previous one and before this.
    pub(super) before: usize,
    /// What goes out as it is, or is still to be masked.
    payload: Bytes,
    key: Option<MaskingKey>,
}

impl Large {
    /// Appends a payload, which goes out when so many small bytes have.
    #[inline]
    pub(super) fn push(&mut self, small: usize, payload: Bytes, key: Option<MaskingKey>) {
        let before = small - self.before;
        self.before = small;
        self.bytes += payload.len();
        self.queue.push_back(Queued { before, payload, key });
        if key.is_some() {
            self.fill_window();
        }
    }

    /// Bytes of all of them.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    #[cfg(feature = "std")]
    pub(super) fn count(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn get(&self, index: usize) -> Option<&Queued> {
        self.queue.get(index)
    }

    /// How many small bytes go out before the first one.
    pub(super) fn before_first(&self) -> Option<usize> {
        self.queue.front().map(|first| first.before)
    }

    /// Records that so many of the small bytes before the first one have gone.
    pub(super) fn small_has_gone(&mut self, count: usize) {
        if let Some(first) = self.queue.front_mut() {
            first.before -= count;
            self.before -= count;
        }
    }

    /// What of one of them is ready to be written, and whether that is the rest of it. What a client sends is ready when it
    /// is the first, as far as it is masked.
    #[inline]
    pub(super) fn ready<'a>(&'a self, queued: &'a Queued, is_first: bool) -> (&'a [u8], bool) {
        match queued {
            Queued { payload, key: None, .. } => (payload, true),
            Queued { payload, key: Some(_), .. } if is_first => (self.masked(), payload.is_empty()),
            Queued { key: Some(_), .. } => (&[], false),
        }
    }

    /// Masks the next piece of the first payload, if it is to be masked and the last piece has gone out.
    fn fill_window(&mut self) {
        let Some(Queued { payload, key: Some(key), .. }) = self.queue.front_mut() else { return };
        if self.masked.is_empty() {
            let piece = payload.split_to(payload.len().min(WINDOW));
            self.window.resize(self.window.len().max(piece.len()), 0);
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

    /// How much of the first payload has not gone out.
    pub(super) fn first_size(&self) -> usize {
        self.masked.len() + self.queue.front().map_or(0, |first| first.payload.len())
    }

    /// Removes up to `count` bytes from the first payload, and that itself when nothing of it is left; how many.
    pub(super) fn remove(&mut self, count: usize) -> usize {
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

    /// Removes up to `most` bytes from the first payload and returns them: without a copy, unless they are a part of what
    /// has been masked.
    pub(super) fn take(&mut self, most: usize) -> Bytes {
        let Some(first) = self.queue.front_mut() else { return Bytes::new() };
        if first.key.is_none() {
            let taken =
                if most < first.payload.len() { first.payload.split_to(most) } else { mem::take(&mut first.payload) };
            self.bytes -= taken.len();
            if first.payload.is_empty() {
                self.queue.pop_front();
                self.fill_window();
            }
            return taken;
        }
        let taken = if self.masked.start == 0 && self.masked.len() <= most {
            let mut window = mem::take(&mut self.window);
            window.truncate(self.masked.len());
            Bytes::from(window)
        } else {
            let masked = self.masked();
            Bytes::copy_from_slice(masked.get(..most).unwrap_or(masked))
        };
        self.remove(taken.len());
        taken
    }

    /// Removes all.
    pub(super) fn clear(&mut self) {
        // Mostly there is one, and then this is quicker than to clear the queue.
        while self.queue.pop_front().is_some() {}
        self.before = 0;
        self.bytes = 0;
        self.masked = 0..0;
    }

    /// Keeps the first few, and gives memory back.
    pub(super) fn truncate(&mut self, count: usize) {
        self.queue.truncate(count);
        self.queue.shrink_to_fit();
        self.before = self.queue.iter().map(|queued| queued.before).sum();
        self.bytes = self.masked.len() + self.queue.iter().map(|queued| queued.payload.len()).sum::<usize>();
    }
}

#[cfg(test)]
mod tests {
    use super::{Large, WINDOW};
    use crate::frame::MaskingKey;
    use alloc::vec::Vec;
    use bytes::Bytes;

    const KEY: [u8; 4] = [1, 2, 3, 4];

    fn payload(length: usize) -> Bytes {
        Vec::from_iter((0..length).map(|at| u8::try_from(at % 251).unwrap())).into()
    }

    fn masked(payload: &[u8]) -> Vec<u8> {
        payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key).collect()
    }

    #[test]
    fn sums_are_those_of_the_payloads() {
        let mut large = Large::default();
        large.push(10, payload(100), None);
        large.push(15, payload(200), None);
        large.push(15, payload(300), None);
        assert_eq!((large.count(), large.bytes(), large.before_first()), (3, 600, Some(10)));
        large.small_has_gone(4);
        assert_eq!((large.before_first(), large.first_size()), (Some(6), 100));
        large.small_has_gone(6);
        assert_eq!((large.remove(30), large.bytes(), large.first_size()), (30, 570, 70));
        assert_eq!(large.take(20), payload(100)[30..50]);
        assert_eq!((large.bytes(), large.first_size()), (550, 50));
        assert_eq!(large.take(usize::MAX), payload(100)[50..]);
        assert_eq!((large.count(), large.bytes(), large.before_first()), (2, 500, Some(5)));
        large.truncate(1);
        assert_eq!((large.count(), large.bytes()), (1, 200));
        // What is pushed next is counted from what is left: five bytes before the second, and these.
        large.push(9, payload(1), None);
        assert_eq!(large.get(1).map(|queued| queued.before), Some(4));
        large.clear();
        assert_eq!((large.count(), large.bytes(), large.before_first()), (0, 0, None));
    }

    #[test]
    fn a_payload_is_masked_a_window_at_a_time_when_it_is_the_first() {
        let mut large = Large::default();
        let size = WINDOW + 1000;
        let right = masked(&payload(size));
        large.push(0, payload(size), Some(MaskingKey::new(KEY)));
        large.push(0, payload(10), Some(MaskingKey::new(KEY)));
        let ready = |large: &Large, index: usize| {
            let (bytes, is_all) = large.ready(large.get(index).unwrap(), index == 0);
            (bytes.to_vec(), is_all)
        };
        assert_eq!(ready(&large, 0), (right[..WINDOW].to_vec(), false));
        assert_eq!(ready(&large, 1), (Vec::new(), false));
        assert_eq!((large.remove(9), large.first_size()), (9, size - 9));
        assert_eq!(ready(&large, 0), (right[9..WINDOW].to_vec(), false));
        // A part of the window is copied, all of it is given away.
        assert_eq!(large.take(1), right[9..10]);
        assert_eq!(large.take(usize::MAX), right[10..WINDOW]);
        assert_eq!(ready(&large, 0), (right[WINDOW..].to_vec(), true));
        assert_eq!(large.take(usize::MAX), right[WINDOW..]);
        assert_eq!((large.count(), large.bytes()), (1, 10));
        assert_eq!(ready(&large, 0), (masked(&payload(10)), true));
        assert_eq!((large.remove(usize::MAX), large.count()), (10, 0));
    }
}
