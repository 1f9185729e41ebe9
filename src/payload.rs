//! A received payload, where it arrived.

use crate::inflated::Inflated;
use bytes::{Buf, Bytes, BytesMut};
use core::{fmt, ops::Deref};

/// The payload of an event: a slice of the caller's input, which it leaves when the value is dropped. What came
/// compressed has memory of its own.
///
/// It dereferences to `[u8]`. To keep it, [`into_bytes`](Payload::into_bytes) takes it out of the input without a copy.
///
/// Leaking one (`mem::forget`) leaves its frame in the input, already unmasked, to be read once more: the connection is
/// of no use after that.
pub struct Payload<'a>(Place<'a>);

enum Place<'a> {
    /// Where it arrived.
    Input { input: &'a mut BytesMut, span: Span },
    /// Where it was inflated.
    Inflated(Inflated),
}

/// Where a payload lies in the input, and how many bytes of the input are done with once it has been looked at.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) consume: usize,
}

impl<'a> Payload<'a> {
    #[inline]
    pub(crate) fn new(input: &'a mut BytesMut, span: Span) -> Self {
        debug_assert!(span.start <= span.end && span.end.max(span.consume) <= input.len());
        Self(Place::Input { input, span })
    }

    pub(crate) fn inflated(data: Inflated) -> Self {
        Self(Place::Inflated(data))
    }

    /// The payload as an owned value.
    ///
    /// A message is split off the input without a copy, and the memory it arrived in is shared between the two until
    /// the value is dropped; [`Bytes::copy_from_slice`] is the better choice for a short one that is kept for long. So it
    /// is with a message that was inflated, and the memory that the connection inflates in. The
    /// payload of a control frame in the middle of a fragmented message, at most 125 bytes, is copied.
    pub fn into_bytes(mut self) -> Bytes {
        match &mut self.0 {
            Place::Input { input, span } => {
                let Span { start, end, consume } = *span;
                if consume < end {
                    return Bytes::copy_from_slice(&self);
                }
                span.consume = 0;
                input.advance(start);
                let bytes = input.split_to(end - start).freeze();
                input.advance(consume - end);
                bytes
            }
            Place::Inflated(data) => core::mem::take(data).into_bytes(),
        }
    }
}

impl Deref for Payload<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Place::Input { input, span } => input.get(span.start..span.end).unwrap_or_default(),
            Place::Inflated(data) => data,
        }
    }
}

impl Drop for Payload<'_> {
    #[inline]
    fn drop(&mut self) {
        match &mut self.0 {
            Place::Input { input, span } => input.advance(span.consume),
            Place::Inflated(_) => {}
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
