//! Bytes that are known to be UTF-8: borrowed from the input, or owned.

use crate::payload::Payload;
use crate::utf8;
use alloc::{borrow::Cow, boxed::Box, string::String, vec::Vec};
use bytes::{Bytes, BytesMut};
use core::borrow::Borrow;
use core::convert::Infallible;
use core::hash::{Hash, Hasher};
use core::{fmt, ops::Deref, str::FromStr};

/// The text of a received message: a slice of the input, which it leaves as a [`Payload`](crate::Payload) does.
///
/// It dereferences to `str`. [`into_utf8_bytes`](Text::into_utf8_bytes) keeps it.
pub struct Text<'a>(Payload<'a>);

impl<'a> Text<'a> {
    /// Only for payloads that are UTF-8: a range of a [`Buffer`](crate::input::Buffer) that the buffer has validated
    /// itself, or one that was validated since the buffer was borrowed.
    #[inline(always)]
    pub(crate) fn validated(payload: Payload<'a>) -> Self {
        debug_assert!(utf8::is_valid(&payload));
        Self(payload)
    }

    /// The text as an owned value, at the cost of [`Payload::into_bytes`].
    pub fn into_utf8_bytes(self) -> Utf8Bytes {
        Utf8Bytes(self.0.into_bytes())
    }

    /// The text.
    #[inline]
    pub fn as_str(&self) -> &str {
        str_of(&self.0)
    }
}

/// An owned text: [`Bytes`] that are UTF-8. Cloning it shares the memory.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Utf8Bytes(Bytes);

impl Utf8Bytes {
    /// The empty text.
    pub const EMPTY: Self = Self(Bytes::new());

    /// A text that lives as long as the program.
    pub const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// The text.
    #[inline]
    pub fn as_str(&self) -> &str {
        str_of(&self.0)
    }

    /// The bytes of the text, without a copy.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

/// The one place where validated bytes become a `str` again without a second check.
///
/// Private to this file, whose two types hold nothing but validated bytes. A `Text` is made by [`Text::validated`] of a
/// payload that borrows the buffer it lies in, so the bytes cannot change as long as it lives. They were validated during
/// that borrow, or the buffer says that they are, whose bytes nobody else can reach: see the invariant of
/// [`Buffer`](crate::input::Buffer). A `Utf8Bytes` is made of a `Text`, a `str`, or bytes that pass [`utf8::is_valid`].
/// Neither gives out a mutable view.
#[inline]
fn str_of(validated: &[u8]) -> &str {
    // SAFETY: `validated` is UTF-8, as the invariant above says; the type that holds it cannot be changed.
    #[allow(unsafe_code)]
    unsafe {
        core::str::from_utf8_unchecked(validated)
    }
}

/// The bytes are not UTF-8; they are given back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not UTF-8")]
pub struct NotUtf8(
    /// The refused bytes.
    pub Bytes,
);

impl TryFrom<Bytes> for Utf8Bytes {
    type Error = NotUtf8;

    fn try_from(bytes: Bytes) -> Result<Self, NotUtf8> {
        if utf8::is_valid(&bytes) { Ok(Self(bytes)) } else { Err(NotUtf8(bytes)) }
    }
}

impl TryFrom<Vec<u8>> for Utf8Bytes {
    type Error = NotUtf8;

    fn try_from(bytes: Vec<u8>) -> Result<Self, NotUtf8> {
        Bytes::from(bytes).try_into()
    }
}

impl TryFrom<BytesMut> for Utf8Bytes {
    type Error = NotUtf8;

    fn try_from(bytes: BytesMut) -> Result<Self, NotUtf8> {
        bytes.freeze().try_into()
    }
}

impl From<&str> for Utf8Bytes {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for Utf8Bytes {
    fn from(text: String) -> Self {
        Self(Bytes::from(text))
    }
}

impl From<&String> for Utf8Bytes {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<Box<str>> for Utf8Bytes {
    fn from(text: Box<str>) -> Self {
        Self(Bytes::from(text.into_boxed_bytes()))
    }
}

impl From<Cow<'_, str>> for Utf8Bytes {
    fn from(text: Cow<'_, str>) -> Self {
        match text {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into(),
        }
    }
}

impl FromStr for Utf8Bytes {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.into())
    }
}

impl From<Text<'_>> for Utf8Bytes {
    fn from(text: Text<'_>) -> Self {
        text.into_utf8_bytes()
    }
}

impl From<Utf8Bytes> for Bytes {
    fn from(text: Utf8Bytes) -> Self {
        text.0
    }
}

macro_rules! equals_str {
    ($type:ty: $($other:ty),*) => {$(
        impl PartialEq<$other> for $type {
            fn eq(&self, other: &$other) -> bool {
                let other: &str = other.as_ref();
                self.as_str() == other
            }
        }

        impl PartialEq<$type> for $other {
            fn eq(&self, other: &$type) -> bool {
                other == self
            }
        }
    )*};
}

/// The traits that both types implement in the same way.
macro_rules! behaves_like_str {
    ($($type:ty),*) => {$(
        impl Deref for $type {
            type Target = str;

            #[inline]
            fn deref(&self) -> &str {
                self.as_str()
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                self
            }
        }

        impl AsRef<[u8]> for $type {
            fn as_ref(&self) -> &[u8] {
                self.as_bytes()
            }
        }

        impl From<$type> for String {
            fn from(text: $type) -> Self {
                text.as_str().into()
            }
        }

        equals_str!($type: str, &str, String, Cow<'_, str>);

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&**self, f)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&**self, f)
            }
        }
    )*};
}

behaves_like_str!(Text<'_>, Utf8Bytes);

/// As that of a `str`, so that a map with texts for keys can be asked with one.
impl Hash for Utf8Bytes {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Borrow<str> for Utf8Bytes {
    fn borrow(&self) -> &str {
        self
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Text<'_> {}
