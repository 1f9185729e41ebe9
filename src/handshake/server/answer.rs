//! What an accepting server adds to the 101.

use crate::handshake::build::{BuildError, HeaderLines, check_subprotocol};
use crate::handshake::names;
use crate::handshake::own_extensions::OwnExtensions;
use alloc::{borrow::ToOwned, string::String};
use core::fmt;

/// The headers of a 101 that the application may not set.
const RESERVED_IN_101: [&str; 8] = [
    names::UPGRADE,
    names::CONNECTION,
    names::SEC_WEBSOCKET_ACCEPT,
    names::SEC_WEBSOCKET_PROTOCOL,
    names::SEC_WEBSOCKET_EXTENSIONS,
    names::SEC_WEBSOCKET_VERSION,
    names::CONTENT_LENGTH,
    names::TRANSFER_ENCODING,
];

/// What an accepting server adds to the 101.
///
/// ```
/// use ws_proto::handshake::server::Answer;
///
/// let answer = Answer::new().subprotocol("chat.v1")?.header("Set-Cookie", "id=7")?;
/// assert!(Answer::new().header("Upgrade", "h2c").is_err(), "that is the handshake's");
/// # Ok::<(), ws_proto::handshake::BuildError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Answer {
    pub(super) subprotocol: Option<String>,
    pub(super) extensions: OwnExtensions,
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

    /// Accepts an extension of the application's own, with the parameters that hold, as the header has them: `x-name; param=1`.
    /// The client has to have offered it; what the parameters are, is the application's business. The extensions are listed in
    /// the order of the calls, permessage-deflate last: a message goes through the first one first where it is sent
    /// (RFC 6455 §9.1).
    ///
    /// [`Connection::set_reserved_bits`](crate::Connection::set_reserved_bits) gives it its reserved bits. One that uses RSV1
    /// cannot be accepted beside permessage-deflate (RFC 7692 §5), which `without_deflate` declines.
    ///
    /// ```
    /// use ws_proto::handshake::server::{Answer, Request};
    /// use ws_proto::{Connection, ReservedBits};
    ///
    /// fn accept(request: &Request) -> Result<Connection, Box<dyn std::error::Error>> {
    ///     if !request.extensions().any(|offer| offer.name() == "x-stamp") {
    ///         return Ok(request.accept(Answer::new())?);
    ///     }
    ///     let mut ws = request.accept(Answer::new().extension("x-stamp; unit=ms")?)?;
    ///     ws.set_reserved_bits(ReservedBits::RSV2)?;
    ///     Ok(ws)
    /// }
    /// ```
    ///
    /// # Errors
    /// [`BuildError::Extension`] if it is not one extension by the grammar of RFC 6455 §9.1,
    /// [`BuildError::ReservedExtension`] for permessage-deflate, [`BuildError::RepeatedExtension`] if one of that name is
    /// accepted already.
    pub fn extension(mut self, extension: &str) -> Result<Self, BuildError> {
        self.add_extension(extension)?;
        Ok(self)
    }

    /// Accepts an extension as [`extension`](Self::extension) does. If it is refused, the answer is as it was.
    ///
    /// # Errors
    /// Those of [`extension`](Self::extension).
    pub fn add_extension(&mut self, extension: &str) -> Result<(), BuildError> {
        self.extensions.add(extension)
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
