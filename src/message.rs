//! A whole message that is owned: what is sent, and what a received one becomes when it is kept.

use crate::opcode::MessageKind;
use crate::payload::Payload;
use crate::reserved_bits::ReservedBits;
use crate::text::{Text, Utf8Bytes};
use alloc::{string::String, vec::Vec};
use bytes::{Bytes, BytesMut};

/// An owned message. Cloning it shares the memory.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
    Text: &str, String, Utf8Bytes, Text<'_>;
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
