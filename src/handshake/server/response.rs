//! An HTTP response that ends the handshake without a WebSocket.

use crate::handshake::build::{BuildError, HeaderLines, check_value};
use crate::handshake::head::Headers;
use crate::handshake::names;
use alloc::{borrow::ToOwned, format, string::String};
use bytes::Bytes;
use core::fmt;

/// The headers of a response other than 101 that the application may not set.
const RESERVED_IN_RESPONSE: [&str; 5] =
    [names::CONNECTION, names::UPGRADE, names::CONTENT_LENGTH, names::CONTENT_TYPE, names::TRANSFER_ENCODING];

/// A complete HTTP response that ends the handshake without a WebSocket. Write [`to_bytes`](Response::to_bytes), then
/// close the transport.
///
/// ```
/// use ws_proto::handshake::server::Response;
///
/// let response = Response::new(401)?.header("WWW-Authenticate", "Bearer")?.with_body("text/plain", "who are you?")?;
/// assert!(response.to_bytes().starts_with(b"HTTP/1.1 401 Unauthorized\r\n"));
/// # Ok::<(), ws_proto::handshake::BuildError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    status: u16,
    pub(super) headers: HeaderLines,
    content_type: Option<String>,
    body: Bytes,
    pub(super) head_only: bool,
    /// Whether nothing is to be written.
    pub(super) is_silent: bool,
}

impl Response {
    /// A response without a body.
    ///
    /// # Errors
    /// [`BuildError::Status`] outside 200 to 599: only [`Request::accept`](super::Request::accept) sends a 101.
    pub const fn new(status: u16) -> Result<Self, BuildError> {
        match status {
            200..=599 => Ok(Self::of(status)),
            _ => Err(BuildError::Status(status)),
        }
    }

    /// Adds a header line.
    ///
    /// # Errors
    /// [`BuildError::HeaderName`], [`BuildError::HeaderValue`], or [`BuildError::ReservedHeader`] for `Connection`,
    /// `Upgrade`, `Content-Length`, `Content-Type` and `Transfer-Encoding`, which the response writes itself.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, BuildError> {
        self.add_header(name, value)?;
        Ok(self)
    }

    /// Adds a header line as [`header`](Self::header) does. If it is refused, the response is as it was: so a proxy can copy
    /// what may be copied. What the server's `Connection` lists, and the like of `Keep-Alive`, is left out by a proxy as well
    /// (RFC 9110 §7.6.1).
    ///
    /// ```
    /// use ws_proto::bytes::Bytes;
    /// use ws_proto::handshake::{BuildError, client::Declined, server::Response};
    ///
    /// /// The response of the server behind, without what the handshake writes itself.
    /// fn copy(declined: &Declined, body: Bytes) -> Result<Response, BuildError> {
    ///     let mut response = Response::new(declined.response.status())?;
    ///     for (name, value) in declined.response.headers() {
    ///         match response.add_header(name, value) {
    ///             Ok(()) | Err(BuildError::ReservedHeader(_)) => {}
    ///             Err(error) => return Err(error),
    ///         }
    ///     }
    ///     let content_type = declined.response.header("Content-Type").unwrap_or_default();
    ///     response.with_body(&String::from_utf8_lossy(content_type), body)
    /// }
    /// ```
    ///
    /// # Errors
    /// Those of [`header`](Self::header).
    pub fn add_header(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), BuildError> {
        self.headers.add(name, value.as_ref(), &RESERVED_IN_RESPONSE)
    }

    /// Sets the body and its media type, replacing an earlier one. An empty media type means that it is not known; no
    /// `Content-Type` is sent then (RFC 9110 §8.3).
    ///
    /// # Errors
    /// [`BuildError::HeaderValue`] if the media type holds a control character.
    pub fn with_body(mut self, content_type: &str, body: impl Into<Bytes>) -> Result<Self, BuildError> {
        self.set_body(content_type, body)?;
        Ok(self)
    }

    /// Sets the body as [`with_body`](Self::with_body) does. If the media type is refused, the response is as it was.
    ///
    /// # Errors
    /// Those of [`with_body`](Self::with_body).
    pub fn set_body(&mut self, content_type: &str, body: impl Into<Bytes>) -> Result<(), BuildError> {
        check_value(names::CONTENT_TYPE, content_type.as_bytes())?;
        let content_type = content_type.trim_matches([' ', '\t']);
        self.content_type = (!content_type.is_empty()).then(|| content_type.to_owned());
        self.body = body.into();
        Ok(())
    }

    /// Omits the body and keeps the headers that describe it: the response to HEAD (RFC 9110 §9.3.2).
    #[must_use]
    pub const fn head_only(mut self) -> Self {
        self.head_only = true;
        self
    }

    /// The status code.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The header lines that were added, in order, for those who send the response by an HTTP library. They do not hold what
    /// [`to_bytes`](Self::to_bytes) adds: `Content-Type`, which is [`content_type`](Self::content_type), `Content-Length`,
    /// `Connection`, and in a 426 `Upgrade`.
    pub fn headers(&self) -> Headers<'_> {
        self.headers.iter()
    }

    /// The media type of the body, if there is one and it is known.
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// The body as it was set, even if it is not sent: after [`head_only`](Self::head_only), or with a status that has none.
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// Whether the body is omitted.
    #[cfg(feature = "http")]
    pub(in crate::handshake) const fn is_head_only(&self) -> bool {
        self.head_only
    }

    /// The bytes to write. After that the transport has to be closed, as `Connection: close` announces. There are none
    /// in the [response](super::Rejection::response) to a peer that speaks TLS.
    pub fn to_bytes(&self) -> Bytes {
        if self.is_silent {
            return Bytes::new();
        }
        let mut lines = HeaderLines::default();
        if self.status == 426 {
            // RFC 9110 §15.5.22 requires Upgrade in a 426; §7.8: Connection has to list it.
            lines.push(names::UPGRADE, &[b"websocket"]);
            lines.push(names::CONNECTION, &[b"close, Upgrade"]);
        } else {
            lines.push(names::CONNECTION, &[b"close"]);
        }
        let bodiless = self.is_bodiless();
        if self.status == 205 {
            lines.push(names::CONTENT_LENGTH, &[b"0"]);
        } else if !bodiless {
            if let Some(content_type) = &self.content_type {
                lines.push(names::CONTENT_TYPE, &[content_type.as_bytes()]);
            }
            lines.push(names::CONTENT_LENGTH, &[format!("{}", self.body.len()).as_bytes()]);
        }
        let status_line = format!("HTTP/1.1 {} {}\r\n", self.status, phrase(self.status));
        let body = if self.head_only || bodiless { &[][..] } else { &self.body };
        [status_line.as_bytes(), self.headers.as_bytes(), lines.as_bytes(), b"\r\n", body].concat().into()
    }

    /// RFC 9110 §8.6, §15.3.6, §15.4.5: these have no body, and 204 and 304 are sent without Content-Length.
    pub(in crate::handshake) const fn is_bodiless(&self) -> bool {
        matches!(self.status, 204 | 205 | 304)
    }

    const fn of(status: u16) -> Self {
        Self {
            status,
            headers: HeaderLines::new(),
            content_type: None,
            body: Bytes::new(),
            head_only: false,
            is_silent: false,
        }
    }

    /// A response with one sentence of plain text as its body.
    pub(in crate::handshake) fn plain(status: u16, sentence: impl fmt::Display) -> Self {
        let content_type = Some("text/plain; charset=utf-8".to_owned());
        Self { content_type, body: format!("{sentence}\n").into(), ..Self::of(status) }
    }
}

/// Shows nothing of the body and of the headers' values.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status).field("headers", &self.headers).finish_non_exhaustive()
    }
}

/// The reason phrase of RFC 9110 §15 for statuses that end handshakes; it is for people only.
const fn phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        205 => "Reset Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        421 => "Misdirected Request",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}
