//! What an accepting server adds to the 101.

use crate::handshake::build::{BuildError, HeaderLines, check_subprotocol};
use alloc::{borrow::ToOwned, string::String};
use core::fmt;

/// The headers of a 101 that the application may not set.
const RESERVED_IN_101: [&str; 8] = [
    "Upgrade",
    "Connection",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions",
    "Sec-WebSocket-Version",
    "Content-Length",
    "Transfer-Encoding",
];

/// What an accepting server adds to the 101.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Answer {
    pub(super) subprotocol: Option<String>,
    pub(super) headers: HeaderLines,
    pub(super) without_deflate: bool,
}

impl Answer {
    /// An answer with no more than the headers that the handshake needs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the subprotocol in use, which has to be one of those that the client lists.
    ///
    /// # Errors
    /// [`BuildError::Subprotocol`] if it is not a token.
    pub fn subprotocol(mut self, name: &str) -> Result<Self, BuildError> {
        self.set_subprotocol(name)?;
        Ok(self)
    }

    /// Sets the subprotocol as [`subprotocol`](Self::subprotocol) does. If it is refused, the answer is as it was.
    ///
    /// # Errors
    /// Those of [`subprotocol`](Self::subprotocol).
    pub fn set_subprotocol(&mut self, name: &str) -> Result<(), BuildError> {
        check_subprotocol(name)?;
        self.subprotocol = Some(name.to_owned());
        Ok(())
    }

    /// Declines permessage-deflate on this connection, whatever the [`Config`](crate::Config) says.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub const fn without_deflate(mut self) -> Self {
        self.without_deflate = true;
        self
    }

    /// Adds a header line, such as `Set-Cookie`.
    ///
    /// # Errors
    /// [`BuildError::HeaderName`], [`BuildError::HeaderValue`], or [`BuildError::ReservedHeader`] for a header
    /// that the handshake writes itself.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, BuildError> {
        self.add_header(name, value)?;
        Ok(self)
    }

    /// Adds a header line as [`header`](Self::header) does. If it is refused, the answer is as it was: so a proxy can copy
    /// what may be copied.
    ///
    /// # Errors
    /// Those of [`header`](Self::header).
    pub fn add_header(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), BuildError> {
        self.headers.add(name, value.as_ref(), &RESERVED_IN_101)
    }
}

/// Shows nothing of the headers' values.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("headers", &self.headers).finish_non_exhaustive()
    }
}
