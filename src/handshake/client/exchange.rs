//! A client's handshake through an HTTP library, which writes the request and parses the response.

use super::error::Flaw;
use super::request::Request;
use super::rules::{Agreed, Fields, Offered};
use super::tolerant::flaw_of_header;
use crate::config::Config;
use crate::connection::Connection;
use crate::frame::MaskingKeys;
use crate::handshake::build::HeaderLines;
use crate::handshake::extended_connect::PseudoHeaders;
use crate::handshake::extensions::Extension;
use crate::handshake::fields::{is_token, is_value, trim};
use crate::handshake::head::Headers;
use crate::handshake::key::{accept_for, from_nonce};
use crate::handshake::owned_extension::OwnedExtension;
use crate::handshake::uri::WebSocketUri;
use crate::seed::Seed;
use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;

/// A client's handshake through an HTTP library: the library sends a request with [`method`](Exchange::method),
/// [`target`](Exchange::target) and [`headers`](Exchange::headers), or with [`pseudo_headers`](Exchange::pseudo_headers), and
/// [`finish`](Exchange::finish) takes the response. Where the crate itself reads and writes bytes, there is
/// [`Handshake`](super::Handshake).
///
/// ```
/// use ws_proto::handshake::client::{Exchange, Request};
/// use ws_proto::{Config, Seed};
///
/// let request = Request::new("wss://example.com/chat".parse()?).subprotocol("chat")?;
/// let exchange = Exchange::extended_connect(&request, Seed::random()?, &Config::new());
/// let pseudo = exchange.pseudo_headers();
/// assert_eq!((pseudo.method, pseudo.protocol, pseudo.path), ("CONNECT", Some("websocket"), "/chat"));
/// assert!(exchange.headers().any(|line| line == ("sec-websocket-protocol", b"chat")));
///
/// // … the library sends it over HTTP/2 or HTTP/3 and receives the response:
/// let established = exchange.finish(200, [("sec-websocket-protocol", &b"chat"[..])])?;
/// assert_eq!(established.subprotocol.as_deref(), Some("chat"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Exchange {
    uri: WebSocketUri,
    headers: HeaderLines,
    offered: Offered,
    keys: Box<MaskingKeys>,
    /// The `Sec-WebSocket-Accept` that the key requires; an extended CONNECT has no key (RFC 8441 §5).
    accept: Option<[u8; 28]>,
}

/// The server accepted the request.
#[non_exhaustive]
pub struct Established {
    /// The connection. Its bytes are those that were upgraded, or the DATA frames of the stream.
    pub connection: Connection,
    /// The subprotocol in use, one of those that the request lists; `None` if the server chose none.
    pub subprotocol: Option<String>,
    /// The extensions in use: permessage-deflate, and those that [`Request::extension`] has offered, whose parameters are still
    /// to be checked.
    pub extensions: Vec<OwnedExtension>,
}

impl Exchange {
    /// A request to upgrade, over HTTP/1.1 (RFC 6455 §4.1). If the [`Config`] enables compression, it offers
    /// permessage-deflate.
    pub fn upgrade(request: &Request, seed: Seed, config: &Config) -> Self {
        let mut keys = MaskingKeys::new(seed);
        // RFC 6455 §4.1: the nonce is chosen afresh for each connection.
        let key = from_nonce(keys.nonce());
        Self::new(request, request.lines(Some(&key), config), keys, Some(accept_for(&key)), config)
    }

    /// An extended CONNECT, over HTTP/2 (RFC 8441) or HTTP/3 (RFC 9220), once the server has enabled it: see
    /// [`PseudoHeaders`]. Headers of the request that are about one connection of HTTP/1.1, such as `Keep-Alive`, are left out
    /// (RFC 9113 §8.2.2).
    pub fn extended_connect(request: &Request, seed: Seed, config: &Config) -> Self {
        Self::new(request, request.lines(None, config), MaskingKeys::new(seed), None, config)
    }

    fn new(
        request: &Request,
        headers: HeaderLines,
        keys: Box<MaskingKeys>,
        accept: Option<[u8; 28]>,
        config: &Config,
    ) -> Self {
        let offered = Offered::by(request, config);
        Self { uri: request.uri().clone(), headers, offered, keys, accept }
    }

    /// Whether this is an extended CONNECT, and not a request to upgrade.
    pub const fn is_extended_connect(&self) -> bool {
        self.accept.is_none()
    }

    /// The method: `GET`, or `CONNECT`.
    pub const fn method(&self) -> &'static str {
        if self.is_extended_connect() { "CONNECT" } else { "GET" }
    }

    /// The target: path and query.
    pub fn target(&self) -> &str {
        self.uri.resource()
    }

    /// The URI that is asked for.
    pub const fn uri(&self) -> &WebSocketUri {
        &self.uri
    }

    /// What an extended CONNECT has in place of a first line (RFC 8441 §4, §5). For a request to upgrade, `protocol` is
    /// `None`, and the rest is what HTTP/1.1 says otherwise.
    pub fn pseudo_headers(&self) -> PseudoHeaders<'_> {
        PseudoHeaders {
            method: self.method(),
            protocol: if self.is_extended_connect() { Some("websocket") } else { None },
            // RFC 8441 §5: https for wss, http for ws.
            scheme: self.uri.http_scheme(),
            authority: self.uri.authority(),
            path: self.uri.resource(),
        }
    }

    /// The headers, none of them beside these to be added by the library. Those of an extended CONNECT have their names in
    /// lower case, and no `Host`, whose value is in `:authority` (RFC 8441 §5).
    pub fn headers(&self) -> Headers<'_> {
        self.headers.iter()
    }

    /// Checks the final response: a 101 to a request to upgrade, any 2xx to an extended CONNECT (RFC 8441 §5). Interim
    /// responses, with any other 1xx, are the library's to pass over.
    ///
    /// # Errors
    /// [`Flaw::Status`] for any other status, with which the server declines; the library has the rest of the response, and
    /// [`WebSocketUri::join`] resolves the `Location` of a redirect. Another [`Flaw`] if the response breaks the rules of RFC
    /// 6455 §4.1. Reset the stream then, or close the transport.
    pub fn finish<'h>(
        self,
        status: u16,
        headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
    ) -> Result<Established, Flaw> {
        match (status, &self.accept) {
            (101, Some(_)) | (200..=299, None) => {}
            _ => return Err(Flaw::Status(status)),
        }
        let mut fields = Fields::default();
        let mut flaw = None;
        for (name, value) in headers {
            if is_token(name.as_bytes()) && is_value(value) {
                fields.add(name, trim(value));
            } else {
                // As in a response that comes as bytes: passed over, unless it is a header that decides.
                flaw = flaw.or_else(|| flaw_of_header(name.as_bytes()));
            }
        }
        if let Some(flaw) = flaw {
            return Err(flaw);
        }
        let (agreement, subprotocol): Agreed = match &self.accept {
            Some(accept) => self.offered.check_upgrade(1, accept, &fields)?,
            None => self.offered.check_negotiation(&fields)?,
        };
        let mut connection = Connection::with_keys(self.keys, &self.offered.config);
        agreement.apply(&self.offered.config, &mut connection);
        let extensions = fields.extensions().map(Extension::into_owned).collect();
        Ok(Established { connection, subprotocol, extensions })
    }
}

/// Shows nothing that the response holds.
impl fmt::Debug for Established {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Established").field("connection", &self.connection).finish_non_exhaustive()
    }
}

/// Shows the host and the names of the headers: the query and the values may hold secrets.
impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("method", &self.method())
            .field("host", &self.uri.host())
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}
