//! A received payload, where it arrived.

use crate::frame::MAX_SHORT;
use bytes::{Buf, Bytes, BytesMut};
use core::{fmt, ops::Deref};

/// The payload of an event: a slice of the caller's input. When the value is dropped it leaves the input, or, if it is
/// short, waits there to leave with others. What came compressed has been put there, at the end of the input, once it was
/// inflated.
///
/// It dereferences to `[u8]`. To keep it, [`into_bytes`](Payload::into_bytes) takes it out of the input, without a copy
/// where it is long.
///
/// Leaking one (`mem::forget`) leaves its frame in the input, already unmasked, and it may be read once more, with others
/// that have been told before it: the connection is of no use after that.
pub struct Payload<'a> {
    input: &'a mut BytesMut,
    span: Span,
}

/// Where a payload lies in the input, and how many bytes of the input are done with once it has been looked at.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) consume: usize,
}

impl Span {
    /// In place of what is consumed: the payload is the last of the input, behind what is not yet looked at, and alone
    /// is to be removed.
    pub(crate) const LAST: usize = usize::MAX;

    /// The same payload, when the first `count` bytes have been taken from the input, none of which it consumes.
    pub(crate) const fn behind(self, count: usize) -> Self {
        Self { start: self.start - count, end: self.end - count, consume: self.consume }
    }
}

impl<'a> Payload<'a> {
    #[inline]
    pub(crate) fn new(input: &'a mut BytesMut, span: Span) -> Self {
        debug_assert!(span.start <= span.end && span.end <= input.len());
        Self { input, span }
    }

    /// The payload as an owned value.
    ///
    /// A message of more than 125 bytes is split off the input without a copy, and the memory it arrived in is shared
    /// between the two until the value is dropped; [`Bytes::copy_from_slice`] is the better choice for one that is kept
    /// for long. A shorter one is copied, which takes less than sharing does and keeps no more memory than it needs.
    /// Copied is, too, what came compressed, unless it is larger than 128 KiB.
    pub fn into_bytes(mut self) -> Bytes {
        let Span { start, end, consume } = self.span;
        // What is behind something else in the input would take that along, and a short one is copied sooner than shared.
        if consume < end || consume == Span::LAST || end - start <= MAX_SHORT {
            return Bytes::copy_from_slice(&self);
        }
        self.span.consume = 0;
        self.input.advance(start);
        let bytes = self.input.split_to(end - start).freeze();
        self.input.advance(consume - end);
        bytes
    }
}

impl Deref for Payload<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.input.get(self.span.start..self.span.end).unwrap_or_default()
    }
}

impl Drop for Payload<'_> {
    #[inline]
    fn drop(&mut self) {
        let (consume, length) = (self.span.consume, self.input.len());
        if consume == 0 {
            return;
        }
        if consume == length {
            // The next read goes where this one did, which is in the cache.
            self.input.clear();
        } else if consume < length {
            self.input.advance(consume);
        } else {
            self.input.truncate(self.span.start);
        }
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

impl PartialEq<[u8]> for Payload<'_> {
    fn eq(&self, other: &[u8]) -> bool {
        **self == *other
    }
}

impl PartialEq<&[u8]> for Payload<'_> {
    fn eq(&self, other: &&[u8]) -> bool {
        **self == **other
    }
}

impl<const N: usize> PartialEq<&[u8; N]> for Payload<'_> {
    fn eq(&self, other: &&[u8; N]) -> bool {
        **self == **other
    }
}

impl fmt::Debug for Payload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
