//! What the stream returns and the sink takes.

use std::str::{self, Utf8Error};
use ws_proto::bytes::Bytes;
use ws_proto::{CloseFrame, NotUtf8, Utf8Bytes};

/// A message or a control frame. Cloning it shares the memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    Text(Utf8Bytes),
    Binary(Bytes),
    /// At most 125 bytes (RFC 6455 §5.5). One that is received has been answered already.
    Ping(Bytes),
    Pong(Bytes),
    /// `None` has no code and no reason. One that is received has been answered already, and is the last message.
    Close(Option<CloseFrame>),
}

impl Message {
    pub fn text(text: impl Into<Utf8Bytes>) -> Self {
        Self::Text(text.into())
    }

    pub fn binary(data: impl Into<Bytes>) -> Self {
        Self::Binary(data.into())
    }

    pub(crate) fn of_close(frame: CloseFrame) -> Self {
        Self::Close(frame.code().is_some().then_some(frame))
    }

    pub const fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    pub const fn is_binary(&self) -> bool {
        matches!(self, Self::Binary(_))
    }

    pub const fn is_ping(&self) -> bool {
        matches!(self, Self::Ping(_))
    }

    pub const fn is_pong(&self) -> bool {
        matches!(self, Self::Pong(_))
    }

    pub const fn is_close(&self) -> bool {
        matches!(self, Self::Close(_))
    }

    /// The size of what it carries, in bytes; of a Close, that of its reason.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(data) | Self::Ping(data) | Self::Pong(data) => data.len(),
            Self::Close(frame) => frame.as_ref().map_or(0, |frame| frame.reason().len()),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What it carries; of a Close, its reason.
    pub fn into_data(self) -> Bytes {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Binary(data) | Self::Ping(data) | Self::Pong(data) => data,
            Self::Close(frame) => {
                frame.map_or_else(Bytes::new, |frame| Bytes::copy_from_slice(frame.reason().as_bytes()))
            }
        }
    }

    /// What it carries, as text; of a Close, its reason.
    ///
    /// # Errors
    /// [`Utf8Error`] of another message whose bytes are no text.
    pub fn to_text(&self) -> Result<&str, Utf8Error> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Binary(data) | Self::Ping(data) | Self::Pong(data) => str::from_utf8(data),
            Self::Close(frame) => Ok(frame.as_ref().map_or("", CloseFrame::reason)),
        }
    }

    /// What it carries, as text.
    ///
    /// # Errors
    /// [`NotUtf8`], which holds the bytes.
    pub fn into_text(self) -> Result<Utf8Bytes, NotUtf8> {
        match self {
            Self::Text(text) => Ok(text),
            other => other.into_data().try_into(),
        }
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
    Text: &str, String, Utf8Bytes;
    Binary: Vec<u8>, Bytes;
}

/// Copies the bytes.
impl From<&[u8]> for Message {
    fn from(data: &[u8]) -> Self {
        Self::Binary(Bytes::copy_from_slice(data))
    }
}
