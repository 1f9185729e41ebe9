//! The memory that messages are inflated in, used for one after the other.

use alloc::{sync::Arc, vec::Vec};
use bytes::Bytes;
use core::ops::{Deref, Range};

/// Bytes that have come out of zlib and have not been handed out, and room for more.
///
/// ```text
/// [ handed out | ready | room ]
///              start   end
/// ```
///
/// What is handed out shares the memory. When it has been dropped, the next bytes take its place; if it is kept, they get
/// other memory. All of it is initialised when it is allocated, so that no step has to do it again.
#[cfg(feature = "deflate")]
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    memory: Arc<Vec<u8>>,
    start: usize,
    end: usize,
}

#[cfg(feature = "deflate")]
impl Buffer {
    /// The bytes that are ready.
    #[inline]
    pub(crate) fn ready(&self) -> &[u8] {
        self.memory.get(self.start..self.end).unwrap_or_default()
    }

    #[inline]
    pub(crate) const fn len(&self) -> usize {
        self.end - self.start
    }

    /// The size of the memory.
    pub(crate) fn size(&self) -> usize {
        self.memory.len()
    }

    /// All the room there is behind what is ready, which is so much at least.
    pub(crate) fn room(&mut self, least: usize) -> &mut [u8] {
        // If what was handed out is kept, this makes a copy.
        let memory = Arc::make_mut(&mut self.memory);
        if self.start > 0 {
            memory.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let size = self.end + least;
        if memory.len() < size {
            memory.reserve_exact(size - memory.len());
            memory.resize(size, 0);
        }
        memory.get_mut(self.end..).unwrap_or_default()
    }

    /// The first `count` bytes of the room have been written.
    pub(crate) fn written(&mut self, count: usize) {
        self.end = self.memory.len().min(self.end + count);
    }

    /// Hands out the first `count` of the bytes that are ready.
    pub(crate) fn hand_out(&mut self, count: usize) -> Inflated {
        let start = self.start;
        self.start = self.end.min(start + count);
        Inflated { memory: Arc::clone(&self.memory), range: start..self.start }
    }
}

/// Bytes that have been handed out.
#[derive(Debug, Default)]
pub(crate) struct Inflated {
    memory: Arc<Vec<u8>>,
    range: Range<usize>,
}

impl Inflated {
    /// The bytes as an owned value: without a copy, unless they would keep more than twice their size from being used.
    pub(crate) fn into_bytes(self) -> Bytes {
        if self.range.len() < self.memory.len() / 2 { Bytes::copy_from_slice(&self) } else { Bytes::from_owner(self) }
    }
}

impl Deref for Inflated {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.memory.get(self.range.clone()).unwrap_or_default()
    }
}

impl AsRef<[u8]> for Inflated {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

#[cfg(all(test, feature = "deflate"))]
mod tests {
    use super::Buffer;

    #[test]
    fn uses_its_memory_again_when_nobody_holds_it() {
        let mut buffer = Buffer::default();
        buffer.room(8).copy_from_slice(b"abcdefgh");
        buffer.written(6);
        let first = buffer.hand_out(4);
        assert_eq!(&*first, b"abcd");
        drop(first);
        assert_eq!(buffer.room(2).len(), 6, "what is left has moved to the front");
        assert_eq!((buffer.ready(), buffer.size()), (&b"ef"[..], 8));

        let kept = buffer.hand_out(2);
        buffer.room(3)[..3].copy_from_slice(b"xyz");
        buffer.written(3);
        assert_eq!((&*kept, buffer.ready()), (&b"ef"[..], &b"xyz"[..]));
        assert_eq!(kept.into_bytes(), "ef");
    }
}
