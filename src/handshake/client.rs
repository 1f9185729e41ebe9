//! The client's side: writes a request, reads the answer (RFC 6455 §4.1).

use super::build::{BuildError, HeaderLines, check_subprotocol};
use super::compression::{self, Agreement};
use super::extensions::{self, Extensions, Grammar};
use super::fields::{Once, is_token, lists};
use super::head::{HeadError, HeadReader, Headers, RawHead};
use super::key::{Key, accept_for, from_nonce};
use super::uri::WebSocketUri;
use crate::config::Config;
use crate::connection::Connection;
use crate::frame::MaskingKeys;
use crate::input::Input;
use crate::seed::Seed;
use alloc::{borrow::ToOwned, boxed::Box, string::String, vec::Vec};
use bytes::Bytes;
use core::{fmt, str};

/// The headers of a request that are not the application's to write.
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

/// What a client asks for.
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
    subprotocols: Vec<String>,
    headers: HeaderLines,
}

impl Request {
    /// A request for this URI.
    pub fn new(uri: WebSocketUri) -> Self {
        Self { uri, subprotocols: Vec::new(), headers: HeaderLines::default() }
    }

    /// Lists a subprotocol, after those that are preferred to it.
    ///
    /// # Errors
    /// [`BuildError::Subprotocol`] if it is not a token, [`BuildError::RepeatedSubprotocol`] if it is listed already.
    pub fn subprotocol(mut self, name: &str) -> Result<Self, BuildError> {
        check_subprotocol(name)?;
        if self.subprotocols.iter().any(|listed| listed == name) {
            return Err(BuildError::RepeatedSubprotocol(name.to_owned()));
        }
        self.subprotocols.push(name.to_owned());
        Ok(self)
    }

    /// Another header line, such as `Origin`, `Cookie` or `Authorization`.
    ///
    /// # Errors
    /// [`BuildError::HeaderName`], [`BuildError::HeaderValue`], or [`BuildError::ReservedHeader`] for those that the
    /// handshake writes by itself.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, BuildError> {
        self.headers.add(name, value.as_ref(), &RESERVED)?;
        Ok(self)
    }

    /// The URI.
    pub const fn uri(&self) -> &WebSocketUri {
        &self.uri
    }

    fn encode(&self, key: &Key, config: &Config) -> Bytes {
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

/// A client's handshake. Nothing but the request goes out until the server has answered (RFC 6455 §4.1).
///
/// ```
/// use bytes::Buf;
/// use ws_proto::{Config, Input, Seed, handshake::client::{Handshake, Request}};
///
/// let request = Request::new("ws://localhost:9001/".parse()?);
/// let mut handshake = Handshake::new(&request, Seed::random()?, &Config::new());
/// assert!(handshake.output().chunk().starts_with(b"GET / HTTP/1.1\r\nHost: localhost:9001\r\n"));
///
/// let mut input = Input::new();
/// assert!(handshake.receive(&mut input)?.is_none(), "the answer has not come");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Handshake {
    reader: HeadReader,
    config: Config,
    output: Bytes,
    accept: [u8; 28],
    subprotocols: Vec<String>,
    /// Taken by the connection when the server accepts.
    keys: Option<Box<MaskingKeys>>,
    failed: Option<Flaw>,
}

impl Handshake {
    /// A handshake that makes this request, its nonce drawn from the seed. If the [`Config`] is to compress, it offers
    /// permessage-deflate.
    pub fn new(request: &Request, seed: Seed, config: &Config) -> Self {
        let mut keys = Box::new(MaskingKeys::new(seed));
        // RFC 6455 §4.1: the nonce is chosen afresh for each connection.
        let key = from_nonce(keys.nonce());
        Self {
            reader: HeadReader::new(config),
            config: config.clone(),
            output: request.encode(&key, config),
            accept: accept_for(&key),
            subprotocols: request.subprotocols.clone(),
            keys: Some(keys),
            failed: None,
        }
    }

    /// The bytes of the request that wait to be written, a [`Buf`](bytes::Buf).
    pub fn output(&mut self) -> &mut Bytes {
        &mut self.output
    }

    /// The connection, once the input holds the server's whole answer and that is a valid 101; it is taken out of the
    /// input, and what follows it stays there. Interim answers (RFC 9110 §15.2) are passed over; together with the
    /// final head they count against [`Config::max_head`]. A server that stops in the middle needs a deadline of the
    /// caller's.
    ///
    /// # Errors
    /// [`Error::Declined`] when the server answers with another status, [`Error::Invalid`] when its answer breaks
    /// the rules of RFC 6455 §4.1. Close the transport then; calling the method again returns [`Flaw::Over`] or the same
    /// flaw.
    ///
    /// *Complexity*: linear in the bytes that are new since the last call; a head above [`Config::max_head`] is refused
    /// before more of it is waited for.
    pub fn receive(&mut self, input: &mut Input) -> Result<Option<Accepted>, Error> {
        if let Some(flaw) = self.failed {
            return Err(Error::Invalid(flaw));
        }
        let answer = loop {
            let answer = match self.reader.read(input) {
                Ok(None) => return Ok(None),
                Ok(Some(head)) => self.read(head),
                Err(error) => Err(error.into()),
            };
            match answer {
                Ok((interim, None)) if matches!(interim.status, 100 | 102..=199) => {}
                other => break other,
            }
        };
        let checked = answer.and_then(|(response, agreed)| match agreed {
            Some((agreement, subprotocol)) => {
                let keys = self.keys.take().ok_or(Flaw::Over)?;
                let connection = agreement.apply(Connection::with_keys(keys, &self.config));
                Ok(Ok(Accepted { connection, response, subprotocol }))
            }
            None => Ok(Err(Declined { response, body: input.take(input.unread().len()) })),
        });
        self.failed = Some(checked.as_ref().err().copied().unwrap_or(Flaw::Over));
        match checked {
            Ok(Ok(accepted)) => Ok(Some(accepted)),
            Ok(Err(declined)) => Err(Error::Declined(declined)),
            Err(flaw) => Err(Error::Invalid(flaw)),
        }
    }

    /// Parses an answer; with it comes what is agreed on, if it is a 101. RFC 6455 §4.1: any other status is handled as
    /// HTTP.
    fn read(&self, raw: RawHead) -> Result<(ResponseHead, Option<Agreed>), Flaw> {
        let headers_start = raw.headers_start();
        let (status, agreed) = raw.with_room(|bytes, room| {
            let mut parsed = httparse::Response::new(&mut []);
            let status = httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut parsed, bytes, room);
            let (Ok(httparse::Status::Complete(_)), Some(http_minor), Some(status)) =
                (status, parsed.version, parsed.code)
            else {
                return Err(Flaw::Malformed);
            };
            let agreed = match status {
                // RFC 9110 §15: no status is below 100.
                0..=99 => return Err(Flaw::Malformed),
                101 => {
                    let extensions = Extensions::new(Headers::new(bytes, headers_start));
                    Some(self.check(http_minor, &Fields::collect(parsed.headers), extensions)?)
                }
                _ => None,
            };
            Ok((status, agreed))
        })?;
        Ok((ResponseHead { bytes: raw.bytes, status, headers_start }, agreed))
    }

    /// The rules for a 101; the extension and the subprotocol in use if they are kept.
    fn check(&self, http_minor: u8, fields: &Fields<'_>, extensions: Extensions<'_>) -> Result<Agreed, Flaw> {
        if http_minor == 0 {
            return Err(Flaw::HttpVersion);
        }
        // RFC 9110 §8.6, RFC 9112 §6.1: neither belongs to a 101. What came after it could be taken for a body.
        if fields.has_body {
            return Err(Flaw::Body);
        }
        if !fields.upgrade.value().is_some_and(|value| value.eq_ignore_ascii_case(b"websocket")) {
            return Err(Flaw::Upgrade);
        }
        if !fields.connection_upgrades {
            return Err(Flaw::Connection);
        }
        if fields.accept.value() != Some(&self.accept[..]) {
            return Err(Flaw::Accept);
        }
        if !fields.extensions.is_kept() {
            return Err(Flaw::Extension);
        }
        let agreement = if fields.extensions.is_present() {
            compression::confirm(&self.config, extensions).ok_or(Flaw::Extension)?
        } else {
            Agreement::default()
        };
        if matches!(fields.subprotocol, Once::Missing) {
            return Ok((agreement, None));
        }
        let chosen = fields.subprotocol.value().filter(|chosen| is_token(chosen)).ok_or(Flaw::Subprotocol)?;
        let offered = self.subprotocols.iter().find(|offered| offered.as_bytes() == chosen);
        offered.map(|offered| (agreement, Some(offered.clone()))).ok_or(Flaw::Subprotocol)
    }
}

/// What a 101 agrees on: extensions, and the subprotocol.
type Agreed = (Agreement, Option<String>);

/// What the rules for a 101 look at, collected in one walk over the headers.
#[derive(Default)]
struct Fields<'h> {
    upgrade: Once<'h>,
    accept: Once<'h>,
    subprotocol: Once<'h>,
    connection_upgrades: bool,
    has_body: bool,
    extensions: Grammar,
}

impl<'h> Fields<'h> {
    fn collect(headers: &[httparse::Header<'h>]) -> Self {
        let mut fields = Self::default();
        for header in headers {
            let value = header.value;
            let is = |name: &str| header.name.eq_ignore_ascii_case(name);
            match header.name.len() {
                7 if is("upgrade") => fields.upgrade.add(value),
                10 if is("connection") => fields.connection_upgrades |= lists(value, "upgrade"),
                14 if is("content-length") => fields.has_body |= value != b"0",
                17 if is("transfer-encoding") => fields.has_body = true,
                20 if is("sec-websocket-accept") => fields.accept.add(value),
                22 if is("sec-websocket-protocol") => fields.subprotocol.add(value),
                24 if is(extensions::NAME) => fields.extensions.add(value),
                // RFC 6455 §4.1: what is not known says nothing.
                _ => {}
            }
        }
        fields
    }
}

/// The server said yes.
#[derive(Debug)]
#[non_exhaustive]
pub struct Accepted {
    /// The connection.
    pub connection: Connection,
    /// The server's answer.
    pub response: ResponseHead,
    /// The subprotocol in use, one of those listed; `None` if the server chose none.
    pub subprotocol: Option<String>,
}

/// A response's head: status and headers, as they came. It is owned, and cloning it shares the memory.
#[derive(Clone)]
pub struct ResponseHead {
    bytes: Bytes,
    status: u16,
    headers_start: usize,
}

impl ResponseHead {
    /// The status code.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The value of the first header line of this name, in any case.
    ///
    /// *Complexity*: linear in the head.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers().next_named(name)
    }

    /// All header lines, in order.
    pub fn headers(&self) -> Headers<'_> {
        Headers::new(&self.bytes, self.headers_start)
    }
}

impl fmt::Debug for ResponseHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseHead").field("status", &self.status).finish_non_exhaustive()
    }
}

/// The handshake did not end in a connection.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server said no, in the words of HTTP: a redirect, a request to authenticate, an error.
    #[error("{0}")]
    Declined(Declined),
    /// The server's answer is not a valid handshake.
    #[error("{0}")]
    Invalid(Flaw),
}

/// A lawful answer other than 101.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the server answered with status {}", self.response.status)]
#[non_exhaustive]
pub struct Declined {
    /// Status and headers.
    pub response: ResponseHead,
    /// What of the body had come with them, as it is on the wire; more may follow.
    pub body: Bytes,
}

/// What is wrong with a server's answer (RFC 6455 §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Flaw {
    /// Not the head of an HTTP/1 response.
    #[error("the answer is not an HTTP/1.1 response (RFC 9112)")]
    Malformed,
    /// A line that ends without a carriage return.
    #[error("a line of the answer does not end with CRLF (RFC 9112 §2.2)")]
    BareLineFeed,
    /// More than [`Config::max_head`] bytes.
    #[error("the head of the answer is too large")]
    HeadTooLarge,
    /// More than [`Config::max_headers`] lines.
    #[error("the answer has too many headers")]
    TooManyHeaders,
    /// A 101 before HTTP/1.1.
    #[error("the answer has to be HTTP/1.1 (RFC 6455 §4.2.2)")]
    HttpVersion,
    /// A 101 that announces a body.
    #[error("a 101 has no body (RFC 9112 §6.1)")]
    Body,
    /// `Upgrade` is missing, repeated or not websocket.
    #[error("Upgrade is missing, repeated or not websocket (RFC 6455 §4.1)")]
    Upgrade,
    /// `Connection` is missing or does not hold Upgrade.
    #[error("Connection is missing or does not hold Upgrade (RFC 6455 §4.1)")]
    Connection,
    /// `Sec-WebSocket-Accept` is missing, repeated or not the proof for the key.
    #[error("Sec-WebSocket-Accept is missing, repeated or wrong (RFC 6455 §4.1)")]
    Accept,
    /// `Sec-WebSocket-Extensions` is malformed, or names an extension that was not offered or not so.
    #[error("the answer names an extension that was not offered, or not so (RFC 6455 §4.1, RFC 7692 §5)")]
    Extension,
    /// `Sec-WebSocket-Protocol` is not one subprotocol that was listed.
    #[error("the answer names a subprotocol that was not listed (RFC 6455 §4.1)")]
    Subprotocol,
    /// The handshake has ended before.
    #[error("the handshake is over")]
    Over,
}

impl From<HeadError> for Flaw {
    fn from(error: HeadError) -> Self {
        match error {
            HeadError::TooLarge => Self::HeadTooLarge,
            HeadError::TooManyHeaders => Self::TooManyHeaders,
            HeadError::BareLineFeed => Self::BareLineFeed,
        }
    }
}
