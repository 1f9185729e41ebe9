//! A received payload, where it arrived.

use crate::input::Buffer;
use alloc::vec::Vec;
use bytes::Bytes;
use core::{fmt, ops::Deref, ops::Range};

/// The payload of an event: a slice of the input, unmasked and, if it came compressed, inflated.
///
/// It dereferences to `[u8]`. It leaves the input with the next call of [`receive`](crate::Connection::receive);
/// [`into_bytes`](Payload::into_bytes) keeps it.
pub struct Payload<'a> {
    buffer: &'a mut Buffer,
    start: usize,
    end: usize,
}

impl<'a> Payload<'a> {
    #[inline(always)]
    pub(crate) fn new(buffer: &'a mut Buffer, range: Range<usize>) -> Self {
        debug_assert!(range.start <= range.end && range.end <= buffer.len());
        Self { buffer, start: range.start, end: range.end }
    }

    /// The payload as an owned value.
    ///
    /// It is taken out of the input without a copy if that keeps no more than four times its size in memory, as it does for
    /// a large message; otherwise it is copied, which takes no more than its size.
    pub fn into_bytes(self) -> Bytes {
        self.buffer.take_out(self.start, self.end)
    }
}

impl Deref for Payload<'_> {
    type Target = [u8];

    #[inline(always)]
    fn deref(&self) -> &[u8] {
        self.buffer.slice(self.start, self.end)
    }
}

impl AsRef<[u8]> for Payload<'_> {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl From<Payload<'_>> for Bytes {
    fn from(payload: Payload<'_>) -> Self {
        payload.into_bytes()
    }
}

impl PartialEq for Payload<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Payload<'_> {}

macro_rules! equals_bytes {
    ($([$($generics:tt)*] $other:ty),*) => {$(
        impl<$($generics)*> PartialEq<$other> for Payload<'_> {
            fn eq(&self, other: &$other) -> bool {
                let other: &[u8] = other.as_ref();
                **self == *other
            }
        }

        impl<$($generics)*> PartialEq<Payload<'_>> for $other {
            fn eq(&self, other: &Payload<'_>) -> bool {
                other == self
            }
        }
    )*};
}

equals_bytes!([] [u8], [] &[u8], [const N: usize] [u8; N], [const N: usize] &[u8; N], [] Vec<u8>, [] Bytes);

impl fmt::Debug for Payload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
