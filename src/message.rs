//! A whole message that is owned: what is sent, and what a received one becomes when it is kept.

use crate::opcode::MessageKind;
use crate::payload::Payload;
use crate::reserved_bits::ReservedBits;
use crate::text::{Text, Utf8Bytes};
use alloc::{borrow::Cow, boxed::Box, string::String, vec::Vec};
use bytes::{Bytes, BytesMut};
use core::fmt;

/// An owned message. Cloning it shares the memory.
///
/// ```
/// use ws_proto::Message;
///
/// let text = Message::text("hello");
/// assert!(text.is_text() && text == Message::from("hello"));
/// let data = Message::from(vec![1, 2, 3]);
/// assert_eq!((data.len(), data.as_bytes(), data.as_text()), (3, &[1, 2, 3][..], None));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[allow(
    clippy::exhaustive_enums,
    reason = "RFC 6455 §5.2 has two types of messages, and the third variant holds what extensions make of them"
)]
pub enum Message {
    /// UTF-8 text.
    Text(Utf8Bytes),
    /// Opaque bytes.
    Binary(Bytes),
    /// A message of an extension of the application's, which is sent as it is: it is not compressed, and may be anything, also
    /// as text. The connection has to have been given the bits:
    /// [`Connection::set_reserved_bits`](crate::Connection::set_reserved_bits).
    Extension {
        /// The type that the opcode names.
        kind: MessageKind,
        /// The bits that are set on the first frame, and on no other if there are several.
        reserved: ReservedBits,
        /// The payload, as the extension has made it.
        payload: Bytes,
    },
}

impl Message {
    /// A text message.
    ///
    /// ```
    /// use ws_proto::Message;
    ///
    /// let message = Message::text("hello");
    /// assert_eq!((message.as_text(), message.len(), message.to_string()), (Some("hello"), 5, "hello".into()));
    /// ```
    pub fn text(text: impl Into<Utf8Bytes>) -> Self {
        Self::Text(text.into())
    }

    /// A binary message.
    pub fn binary(data: impl Into<Bytes>) -> Self {
        Self::Binary(data.into())
    }

    /// Whether it is a text message. A message of an extension is not, whatever its type.
    pub const fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// Whether it is a binary message. A message of an extension is not, whatever its type.
    pub const fn is_binary(&self) -> bool {
        matches!(self, Self::Binary(_))
    }

    /// The text of a text message.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) | Self::Extension { .. } => None,
        }
    }

    /// How long the payload is, in bytes.
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether the payload is empty.
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// The type of the message.
    pub const fn kind(&self) -> MessageKind {
        match self {
            Self::Text(_) => MessageKind::Text,
            Self::Binary(_) => MessageKind::Binary,
            Self::Extension { kind, .. } => *kind,
        }
    }

    /// The reserved bits of a message of an extension.
    pub const fn reserved_bits(&self) -> Option<ReservedBits> {
        match self {
            Self::Text(_) | Self::Binary(_) => None,
            Self::Extension { reserved, .. } => Some(*reserved),
        }
    }

    /// The payload, without a copy.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Binary(data) | Self::Extension { payload: data, .. } => data,
        }
    }

    /// The payload.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(data) | Self::Extension { payload: data, .. } => data,
        }
    }
}

impl Payload<'_> {
    /// The payload as an owned binary message, as [`Payload::into_bytes`] makes it.
    pub fn into_message(self) -> Message {
        Message::Binary(self.into_bytes())
    }
}

impl Text<'_> {
    /// The text as an owned message, as [`Text::into_utf8_bytes`] makes it.
    pub fn into_message(self) -> Message {
        Message::Text(self.into_utf8_bytes())
    }
}

/// The text of a text message; of another one how long it is.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_text() {
            Some(text) => f.write_str(text),
            None => write!(f, "{} bytes", self.len()),
        }
    }
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl From<Message> for Bytes {
    fn from(message: Message) -> Self {
        message.into_bytes()
    }
}

macro_rules! message_from {
    ($($variant:ident: $($from:ty),*;)*) => {$($(
        impl From<$from> for Message {
            fn from(content: $from) -> Self {
                Self::$variant(content.into())
            }
        }
    )*)*};
}

message_from! {
    Text: &str, &String, String, Box<str>, Cow<'_, str>, Utf8Bytes, Text<'_>;
    Binary: Vec<u8>, Bytes, BytesMut, Payload<'_>;
}

impl From<&[u8]> for Message {
    fn from(data: &[u8]) -> Self {
        Self::Binary(Bytes::copy_from_slice(data))
    }
}

impl<const N: usize> From<&[u8; N]> for Message {
    fn from(data: &[u8; N]) -> Self {
        Self::from(data.as_slice())
    }
}
