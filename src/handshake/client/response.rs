//! The server's response, and what accepting and declining hand over.

use crate::connection::Connection;
use crate::handshake::extensions::Extensions;
use crate::handshake::head::Headers;
use crate::handshake::uri::{InvalidUri, WebSocketUri};
use alloc::string::String;
use bytes::Bytes;
use core::{fmt, str};

/// The server accepted the handshake.
#[non_exhaustive]
pub struct Accepted {
    /// The connection.
    pub connection: Connection,
    /// The head of the server's response.
    pub response: ResponseHead,
    /// The subprotocol in use, one of those that the request lists; `None` if the server chose none.
    pub subprotocol: Option<String>,
}

/// A valid HTTP response other than 101. Its body is in the input:
/// [`Handshake::receive_body`](super::Handshake::receive_body) takes it from there.
#[derive(Clone, thiserror::Error)]
#[error("the server answered with status {}", self.response.status)]
#[non_exhaustive]
pub struct Declined {
    /// Status and headers.
    pub response: ResponseHead,
}

impl Declined {
    /// Where the server says that the request should go instead: its `Location`, resolved against the URI that was
    /// requested (RFC 9110 §10.2.2); see [`WebSocketUri::join`].
    ///
    /// It is `None` if the status is not 301, 302, 303, 307 or 308, or if there is no `Location`, or several that differ. A
    /// handshake is a GET, which all five statuses repeat as a GET (RFC 9110 §15.4). 300 offers a choice, 304 and 305 are
    /// not about another place.
    ///
    /// Following is not obligatory (RFC 6455 §4.1), and browsers do not. A program that does should limit how often, refuse
    /// to go from `wss` to `ws`, and send credentials to the same host and port only. It needs a new handshake, but where it
    /// leads to the same host and port [`Handshake::retry`](super::Handshake::retry) may do.
    ///
    /// ```
    /// use ws_proto::handshake::client::{Declined, Request};
    ///
    /// fn next(request: &Request, declined: &Declined) -> Option<Request> {
    ///     let target = declined.redirect(request.uri())?.ok()?;
    ///     let is_downgrade = request.uri().is_secure() && !target.is_secure();
    ///     (!is_downgrade).then(|| Request::new(target))
    /// }
    /// ```
    ///
    /// # Errors
    /// [`InvalidUri`] if the `Location` names nothing that a WebSocket can connect to.
    pub fn redirect(&self, from: &WebSocketUri) -> Option<Result<WebSocketUri, InvalidUri>> {
        if !matches!(self.response.status, 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let mut locations = self.response.headers().filter(|(name, _)| name.eq_ignore_ascii_case("location"));
        let (_, location) = locations.next()?;
        // Several are a mistake, or a response that somebody else has written into (RFC 9110 §5.3).
        if locations.any(|(_, other)| other != location) {
            return None;
        }
        Some(str::from_utf8(location).map_err(|_| InvalidUri::NotUtf8).and_then(|location| from.join(location)))
    }
}

/// A response's head: status and headers, as received. It is owned; a clone shares the memory.
///
/// A header that came over several lines has spaces in place of each fold (RFC 9112 §5.2). Lines that are no header, such
/// as the warning of a script, and malformed ones (a space before the colon, a control character) are left out.
#[derive(Clone)]
pub struct ResponseHead {
    bytes: Bytes,
    status: u16,
    headers_start: usize,
}

impl ResponseHead {
    pub(super) const fn new(bytes: Bytes, status: u16, headers_start: usize) -> Self {
        Self { bytes, status, headers_start }
    }

    /// The status code.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The value of the first header line of this name, compared without regard to case.
    ///
    /// *Complexity*: linear in the head.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers().next_named(name)
    }

    /// The value of the first header line of this name as text, if it is UTF-8; as [`header`](Self::header) otherwise.
    ///
    /// ```
    /// use ws_proto::handshake::client::Declined;
    ///
    /// fn asks_for_basic(declined: &Declined) -> bool {
    ///     let challenge = declined.response.header_str("WWW-Authenticate");
    ///     declined.response.status() == 401 && challenge.is_some_and(|challenge| challenge.starts_with("Basic "))
    /// }
    /// ```
    pub fn header_str(&self, name: &str) -> Option<&str> {
        self.header(name).and_then(|value| str::from_utf8(value).ok())
    }

    /// The extensions that the server names. Those of a 101 are in use: each of them was offered, and the parameters of those
    /// that [`Request::extension`](super::Request::extension) has offered are still to be checked (RFC 6455 §4.1). The one
    /// listed first is the one that a message goes through first where it is sent (§9.1).
    pub fn extensions(&self) -> Extensions<'_> {
        Extensions::new(self.headers())
    }

    /// All header lines, in order.
    pub fn headers(&self) -> Headers<'_> {
        Headers::new(&self.bytes, self.headers_start)
    }
}

/// Shows nothing of the headers' values.
impl fmt::Debug for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accepted")
            .field("connection", &self.connection)
            .field("response", &self.response)
            .finish_non_exhaustive()
    }
}

/// Shows nothing of the headers' values.
impl fmt::Debug for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Declined").field("response", &self.response).finish_non_exhaustive()
    }
}

/// Shows nothing of the headers' values.
impl fmt::Debug for ResponseHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseHead")
            .field("status", &self.status)
            .field("headers", &self.headers())
            .finish_non_exhaustive()
    }
}
