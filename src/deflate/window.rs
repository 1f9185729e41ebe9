//! The last bytes that were inflated, which the peer may still refer to.

use alloc::vec::Vec;

/// The last bytes of a stream, as many as a window holds.
///
/// zlib keeps them as well, but does not give them out; they are needed when a stream goes on in a fresh context:
/// behind a final block (RFC 7692 §7.2.1), and where a context was given back between messages.
///
/// It grows with what comes until it is full, then goes round:
///
/// ```text
/// [ newer bytes | older bytes ]
///               next
/// ```
#[derive(Debug)]
pub(super) struct Window {
    bytes: Vec<u8>,
    next: usize,
    size: usize,
}

impl Window {
    pub(super) const fn new(bits: u8) -> Self {
        Self { bytes: Vec::new(), next: 0, size: 1 << bits }
    }

    /// Takes in what the stream goes on with.
    #[inline]
    pub(super) fn push(&mut self, new: &[u8]) {
        if new.is_empty() {
            return;
        }
        match self.bytes.get_mut(self.next..self.next + new.len()) {
            Some(place) => {
                place.copy_from_slice(new);
                self.advance(new.len());
            }
            None => self.push_around(new),
        }
    }

    /// Takes in what does not fit at once: there is more room to be made, or the end of it has been reached.
    #[cold]
    fn push_around(&mut self, new: &[u8]) {
        let (_, new) = new.split_at(new.len().saturating_sub(self.size));
        let (growth, new) = new.split_at(new.len().min(self.size - self.bytes.len()));
        self.grow(growth);
        let (to_end, from_start) = new.split_at(new.len().min(self.size - self.next));
        for part in [to_end, from_start] {
            if let Some(place) = self.bytes.get_mut(self.next..self.next + part.len()) {
                place.copy_from_slice(part);
                self.advance(part.len());
            }
        }
    }

    #[inline]
    fn advance(&mut self, count: usize) {
        self.next += count;
        if self.next == self.size {
            self.next = 0;
        }
    }

    /// The bytes, the older ones first.
    pub(super) fn parts(&self) -> (&[u8], &[u8]) {
        let (newer, older) = self.bytes.split_at_checked(self.next).unwrap_or_default();
        (older, newer)
    }

    /// Forgets the bytes and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.next = 0;
    }

    /// Forgets the bytes and gives the memory back.
    pub(super) fn release(&mut self) {
        *self = Self { bytes: Vec::new(), next: 0, size: self.size };
    }

    /// Appends as long as the window is not full. Its memory doubles, but is never more than a window holds.
    fn grow(&mut self, new: &[u8]) {
        let needed = self.bytes.len() + new.len();
        if needed > self.bytes.capacity() {
            let capacity = self.size.min(2 * needed);
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(new);
        self.advance(new.len());
    }
}

#[cfg(test)]
mod tests {
    use super::Window;
    use alloc::vec::Vec;

    #[test]
    fn holds_the_last_bytes_of_a_stream() {
        let stream: Vec<u8> = (0..4000_u32).map(|i| ((i * i) >> 3).to_le_bytes()[0]).collect();
        for cut in [1, 2, 7, 100, 255, 256, 257, 511, 512, 513, 3000] {
            let mut window = Window::new(8);
            let mut seen = 0;
            for piece in stream.chunks(cut) {
                window.push(piece);
                seen += piece.len();
                let (older, newer) = window.parts();
                assert_eq!([older, newer].concat(), stream[seen.saturating_sub(256)..seen], "{seen} bytes by {cut}");
                assert!(window.bytes.capacity() <= 256);
            }
        }
    }
}
