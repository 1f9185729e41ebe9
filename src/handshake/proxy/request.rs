//! The request for a tunnel.

use crate::handshake::build::{BuildError, HeaderLines};
use crate::handshake::names;
use crate::handshake::uri::WebSocketUri;
use alloc::string::String;
use bytes::Bytes;
use core::fmt;

/// The headers of a request for a tunnel that the application may not set: CONNECT has no body (RFC 9110 §9.3.6), and upgrades
/// nothing.
const RESERVED: [&str; 5] =
    [names::HOST, names::CONNECTION, names::UPGRADE, names::CONTENT_LENGTH, names::TRANSFER_ENCODING];

/// The request for a tunnel to a server. `Debug` shows the names of its headers, not their values.
///
/// ```
/// use ws_proto::Config;
/// use ws_proto::handshake::proxy::{Handshake, Request};
///
/// let request = Request::new(&"wss://example.com/chat".parse()?).header("User-Agent", "example/1")?;
/// assert_eq!(request.target(), "example.com:443");
/// let mut handshake = Handshake::new(&request, &Config::new());
/// let expected = "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nUser-Agent: example/1\r\n\r\n";
/// assert_eq!(handshake.output(), expected);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    target: String,
    headers: HeaderLines,
}

impl Request {
    /// A request for a tunnel to the host and port of this URI.
    pub fn new(uri: &WebSocketUri) -> Self {
        Self { target: uri.host_and_port(), headers: HeaderLines::new() }
    }

    /// Adds a header line for the proxy, such as `User-Agent`. The server does not see it.
    ///
    /// # Errors
    /// [`BuildError::HeaderName`], [`BuildError::HeaderValue`], or [`BuildError::ReservedHeader`] for `Host`, `Connection`,
    /// `Upgrade`, `Content-Length` and `Transfer-Encoding`.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, BuildError> {
        self.add_header(name, value)?;
        Ok(self)
    }

    /// Adds a header line as [`header`](Self::header) does. If it is refused, the request is as it was.
    ///
    /// # Errors
    /// Those of [`header`](Self::header).
    pub fn add_header(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), BuildError> {
        self.headers.add(name, value.as_ref(), &RESERVED)
    }

    /// Sends user name and password by the scheme Basic (RFC 7617), as UTF-8, in `Proxy-Authorization` (RFC 9110 §11.7.2), in
    /// place of any that was added before. Whoever reads the request can read them.
    ///
    /// # Errors
    /// [`BuildError::Credentials`] if the user name holds a colon, or one of both a control character.
    pub fn basic_auth(mut self, user: &str, password: &str) -> Result<Self, BuildError> {
        self.set_basic_auth(user, password)?;
        Ok(self)
    }

    /// Sets user name and password as [`basic_auth`](Self::basic_auth) does. If they are refused, the request is as it was.
    ///
    /// # Errors
    /// Those of [`basic_auth`](Self::basic_auth).
    pub fn set_basic_auth(&mut self, user: &str, password: &str) -> Result<(), BuildError> {
        self.headers.set_basic_auth(names::PROXY_AUTHORIZATION, user, password)
    }

    /// What is asked for: host and port, always both (RFC 9112 §3.2.3).
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The head to send.
    pub(super) fn encode(&self) -> Bytes {
        let target = self.target.as_bytes();
        let head: [&[u8]; 7] =
            [b"CONNECT ", target, b" HTTP/1.1\r\nHost: ", target, b"\r\n", self.headers.as_bytes(), b"\r\n"];
        head.concat().into()
    }
}

/// Shows the target and the names of the headers.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("target", &self.target).field("headers", &self.headers).finish_non_exhaustive()
    }
}
