//! A client's request.

use crate::config::Config;
use crate::handshake::build::{BuildError, HeaderLines, check_subprotocol};
use crate::handshake::compression;
use crate::handshake::key::Key;
use crate::handshake::uri::WebSocketUri;
use alloc::{borrow::ToOwned, string::String, vec::Vec};
use bytes::Bytes;

/// The headers of a request that the application may not set.
const RESERVED: [&str; 10] = [
    "Host",
    "Upgrade",
    "Connection",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions",
    "Sec-WebSocket-Accept",
    "Content-Length",
    "Transfer-Encoding",
];

/// The request that a client sends.
///
/// ```
/// use ws_proto::handshake::client::Request;
///
/// let request = Request::new("ws://localhost:9001/chat".parse()?)
///     .subprotocol("chat.v2")?
///     .subprotocol("chat.v1")?
///     .header("Authorization", "Bearer abc")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    uri: WebSocketUri,
    pub(super) subprotocols: Vec<String>,
    headers: HeaderLines,
}

impl Request {
    /// A request for this URI.
    pub fn new(uri: WebSocketUri) -> Self {
        Self { uri, subprotocols: Vec::new(), headers: HeaderLines::default() }
    }

    /// Adds a subprotocol to the list, which is in order of preference.
    ///
    /// # Errors
    /// [`BuildError::Subprotocol`] if it is not a token, [`BuildError::RepeatedSubprotocol`] if it is in the list
    /// already.
    pub fn subprotocol(mut self, name: &str) -> Result<Self, BuildError> {
        check_subprotocol(name)?;
        if self.subprotocols.iter().any(|listed| listed == name) {
            return Err(BuildError::RepeatedSubprotocol(name.to_owned()));
        }
        self.subprotocols.push(name.to_owned());
        Ok(self)
    }

    /// Adds a header line, such as `Origin`, `Cookie` or `Authorization`.
    ///
    /// # Errors
    /// [`BuildError::HeaderName`], [`BuildError::HeaderValue`], or [`BuildError::ReservedHeader`] for a header
    /// that the handshake writes itself.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, BuildError> {
        self.headers.add(name, value.as_ref(), &RESERVED)?;
        Ok(self)
    }

    /// The URI.
    pub const fn uri(&self) -> &WebSocketUri {
        &self.uri
    }

    /// The head to send.
    pub(super) fn encode(&self, key: &Key, config: &Config) -> Bytes {
        let subprotocols = self.subprotocols.join(", ");
        let offers = compression::offers(config).unwrap_or_default();
        let line = |name: &'static [u8], value: &str| if value.is_empty() { &[][..] } else { name };
        let head: [&[u8]; 14] = [
            b"GET ",
            self.uri.resource().as_bytes(),
            b" HTTP/1.1\r\nHost: ",
            self.uri.authority().as_bytes(),
            b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ",
            key,
            b"\r\nSec-WebSocket-Version: 13",
            line(b"\r\nSec-WebSocket-Protocol: ", &subprotocols),
            subprotocols.as_bytes(),
            line(b"\r\nSec-WebSocket-Extensions: ", &offers),
            offers.as_bytes(),
            b"\r\n",
            self.headers.as_bytes(),
            b"\r\n",
        ];
        head.concat().into()
    }
}
