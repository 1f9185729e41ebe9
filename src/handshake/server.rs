//! The server's side: reads a request, answers it (RFC 6455 §4.2).

use super::build::{BuildError, HeaderLines, check_subprotocol, check_value};
use super::compression;
use super::extensions::{self, Extensions, Grammar};
use super::fields::{Once, elements, is_token, lists};
use super::head::{HeadError, HeadReader, Headers, RawHead};
use super::key::{self, Key, accept_for};
use super::uri::{parse_port, split_authority};
use crate::config::Config;
use crate::connection::Connection;
use crate::input::Input;
use alloc::{borrow::ToOwned, boxed::Box, format, string::String, vec::Vec};
use bytes::Bytes;
use core::{fmt, str};

/// The headers of a 101 that are not the application's to write.
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

/// The headers of another answer that are not the application's to write.
const RESERVED_IN_RESPONSE: [&str; 5] =
    ["Connection", "Upgrade", "Content-Length", "Content-Type", "Transfer-Encoding"];

/// A server's handshake before the request is complete.
///
/// ```
/// use bytes::Buf;
/// use ws_proto::{Config, Input, handshake::server::{Answer, Handshake}};
///
/// let mut input = Input::new();
/// input.extend_from_slice(
///     b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
///      Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
/// );
/// let mut handshake = Handshake::new(&Config::new());
/// let request = handshake.receive(&mut input)?.expect("the request is complete");
/// assert_eq!(request.path(), "/chat");
///
/// let mut ws = request.accept(Answer::new())?;
/// assert!(ws.output().chunk().starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Handshake {
    reader: HeadReader,
    config: Config,
    state: State,
}

#[derive(Debug)]
enum State {
    Reading,
    Received,
    Rejected(Rejection),
}

impl Handshake {
    /// A handshake with these limits; the connection that it ends in has them too.
    pub fn new(config: &Config) -> Self {
        Self { reader: HeadReader::new(config), config: config.clone(), state: State::Reading }
    }

    /// The request, once the input holds it whole; it is taken out of the input, and what follows it stays there. After
    /// that it returns `None`, and leaves the input alone.
    ///
    /// Most faults show only when the head is complete, so a peer that stops in the middle needs a deadline of the
    /// caller's.
    ///
    /// # Errors
    /// A [`Rejection`] with the HTTP answer that is due, if this is not the opening handshake of
    /// RFC 6455 §4.2.1 or goes past a limit. It is returned again if the method is called again.
    ///
    /// *Complexity*: linear in the bytes that are new since the last call; a head above [`Config::max_head`] is refused
    /// before more of it is waited for.
    pub fn receive(&mut self, input: &mut Input) -> Result<Option<Request>, Rejection> {
        match &self.state {
            State::Reading => {}
            State::Received => return Ok(None),
            State::Rejected(rejection) => return Err(rejection.clone()),
        }
        let received = match self.reader.read(input) {
            Ok(None) => return Ok(None),
            Ok(Some(head)) => Request::parse(head, &self.config),
            Err(error) => Err(Rejection::new(error.into(), None)),
        };
        self.state = match &received {
            Ok(_) => State::Received,
            Err(rejection) => State::Rejected(rejection.clone()),
        };
        received.map(Some)
    }
}

/// A request's head: method, target and headers, as they came. It is owned, and cloning it shares the memory.
#[derive(Clone)]
pub struct RequestHead {
    bytes: Bytes,
    method_end: usize,
    target_end: usize,
    headers_start: usize,
}

impl RequestHead {
    /// The method.
    pub fn method(&self) -> &str {
        self.text(0, self.method_end)
    }

    /// The request target as it came: a path with a query, or an absolute URI.
    pub fn target(&self) -> &str {
        self.text(self.method_end + 1, self.target_end)
    }

    /// The path of the target; `/` if it is empty. It is as it came: nothing is decoded, and any visible ASCII may
    /// stand in it.
    pub fn path(&self) -> &str {
        let resource = split_target(self.target()).1;
        match resource.split('?').next() {
            None | Some("") => "/",
            Some(path) => path,
        }
    }

    /// The query of the target, without its `?`.
    pub fn query(&self) -> Option<&str> {
        self.target().split_once('?').map(|(_, query)| query)
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

    fn text(&self, start: usize, end: usize) -> &str {
        self.bytes.get(start..end).and_then(|bytes| str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

impl fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", &self.method())
            .field("target", &self.target())
            .finish_non_exhaustive()
    }
}

/// A valid opening handshake (RFC 6455 §4.2.1), to be accepted or refused.
#[derive(Debug, Clone)]
pub struct Request {
    head: RequestHead,
    key: Key,
    config: Config,
}

impl Request {
    /// Checks a head in the order in which a fault decides about the answer: is it HTTP, is it GET, does it ask for an
    /// upgrade at all, and then the rules of RFC 6455 §4.2.1.
    fn parse(raw: RawHead, config: &Config) -> Result<Self, Rejection> {
        let parsed = raw.with_room(|bytes, room| {
            let mut parsed = httparse::Request::new(&mut []);
            let Ok(httparse::Status::Complete(_)) = parsed.parse_with_uninit_headers(bytes, room) else { return None };
            let (method, target, version) = (parsed.method?, parsed.path?, parsed.version?);
            let checked = Fields::collect(parsed.headers).check(method, target, version, parsed.headers);
            Some((method.len(), target.len(), checked))
        });
        let Some((method, target, checked)) = parsed else { return Err(Rejection::new(Reason::Malformed, None)) };
        // One space stands between method, target and version: the parser takes no other form.
        let (headers_start, target_end) = (raw.headers_start(), method + 1 + target);
        let head = RequestHead { bytes: raw.bytes, method_end: method, target_end, headers_start };
        match checked {
            Ok(key) => Ok(Self { head, key, config: config.clone() }),
            Err(reason) => Err(Rejection::new(reason, Some(head))),
        }
    }

    /// The request's head.
    pub const fn head(&self) -> &RequestHead {
        &self.head
    }

    /// The path of the target; `/` if it is empty.
    pub fn path(&self) -> &str {
        self.head.path()
    }

    /// The query of the target, without its `?`.
    pub fn query(&self) -> Option<&str> {
        self.head.query()
    }

    /// The value of the first header line of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.head.header(name)
    }

    /// The host that the request is for, with its port if it has one: from an absolute target, else from `Host`
    /// (RFC 9112 §3.2.2).
    pub fn host(&self) -> &str {
        let from_header = || self.header("host").and_then(|host| str::from_utf8(host).ok()).unwrap_or_default();
        split_target(self.head.target()).0.unwrap_or_else(from_header)
    }

    /// The `Origin`: the page that a browser connects from (RFC 6455 §10.2). [`OriginPolicy`](super::OriginPolicy)
    /// checks it.
    pub fn origin(&self) -> Option<&[u8]> {
        self.header("origin")
    }

    /// The subprotocols that the client lists, best first.
    pub fn subprotocols(&self) -> impl Iterator<Item = &str> {
        self.head
            .headers()
            .filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-protocol"))
            .flat_map(|(_, value)| elements(value))
            .filter_map(|name| str::from_utf8(name).ok())
    }

    /// The subprotocol to answer with: the first of the client's that is among `supported`. Without one the request may
    /// be accepted all the same, or refused (RFC 6455 §4.2.2).
    pub fn choose_subprotocol<'s>(&self, supported: &'s [impl AsRef<str>]) -> Option<&'s str> {
        self.subprotocols().find_map(|name| supported.iter().map(AsRef::as_ref).find(|supported| *supported == name))
    }

    /// The extensions that the client offers, best first.
    pub fn extensions(&self) -> Extensions<'_> {
        Extensions::new(self.head.headers())
    }

    /// Accepts the request: the connection, with the 101 in its output (RFC 6455 §4.2.2).
    ///
    /// With it goes the first offer of permessage-deflate that can be served (RFC 7692 §5), if the [`Config`] is to
    /// compress; one that breaks the rules is passed over.
    ///
    /// # Errors
    /// [`BuildError::UnlistedSubprotocol`] if the client did not list the subprotocol of the answer.
    pub fn accept(&self, answer: Answer) -> Result<Connection, BuildError> {
        let unlisted = |chosen: &&String| !self.subprotocols().any(|listed| listed == *chosen);
        if let Some(chosen) = answer.subprotocol.as_ref().filter(unlisted) {
            return Err(BuildError::UnlistedSubprotocol(chosen.clone()));
        }
        let accepted = if answer.without_deflate { None } else { compression::accept(&self.config, self.extensions()) };
        let (agreement, extension) = accepted.unwrap_or_default();
        let line = |name: &'static [u8], value: &str| if value.is_empty() { &[][..] } else { name };
        let subprotocol = answer.subprotocol.unwrap_or_default();
        Ok(agreement.apply(Connection::server(&self.config)).preceded_by(&[
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ",
            &accept_for(&self.key),
            line(b"\r\nSec-WebSocket-Protocol: ", &subprotocol),
            subprotocol.as_bytes(),
            line(b"\r\nSec-WebSocket-Extensions: ", &extension),
            extension.as_bytes(),
            b"\r\n",
            answer.headers.as_bytes(),
            b"\r\n",
        ]))
    }
}

/// What an accepting server adds to the 101.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    subprotocol: Option<String>,
    headers: HeaderLines,
    without_deflate: bool,
}

impl Answer {
    /// Nothing but what the handshake needs.
    pub fn new() -> Self {
        Self::default()
    }

    /// The subprotocol in use, one of those the client lists.
    ///
    /// # Errors
    /// [`BuildError::Subprotocol`] if it is not a token.
    pub fn subprotocol(mut self, name: &str) -> Result<Self, BuildError> {
        check_subprotocol(name)?;
        self.subprotocol = Some(name.to_owned());
        Ok(self)
    }

    /// Declines permessage-deflate on this connection, whatever the [`Config`] says.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub const fn without_deflate(mut self) -> Self {
        self.without_deflate = true;
        self
    }

    /// Another header line, such as `Set-Cookie`.
    ///
    /// # Errors
    /// [`BuildError::HeaderName`], [`BuildError::HeaderValue`], or [`BuildError::ReservedHeader`] for those that the
    /// handshake writes by itself.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, BuildError> {
        self.headers.add(name, value.as_ref(), &RESERVED_IN_101)?;
        Ok(self)
    }
}

/// A whole HTTP response that ends the handshake without a WebSocket. Write [`to_bytes`](Response::to_bytes), then
/// close.
///
/// ```
/// use ws_proto::handshake::server::Response;
///
/// let response = Response::new(401)?.header("WWW-Authenticate", "Bearer")?.body("text/plain", "who are you?")?;
/// assert!(response.to_bytes().starts_with(b"HTTP/1.1 401 Unauthorized\r\n"));
/// # Ok::<(), ws_proto::handshake::BuildError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    status: u16,
    headers: HeaderLines,
    content_type: Option<String>,
    body: Bytes,
    head_only: bool,
}

impl Response {
    /// A response without a body.
    ///
    /// # Errors
    /// [`BuildError::Status`] outside 200 to 599: only [`Request::accept`] says 101.
    pub const fn new(status: u16) -> Result<Self, BuildError> {
        match status {
            200..=599 => Ok(Self::of(status)),
            _ => Err(BuildError::Status(status)),
        }
    }

    /// Another header line.
    ///
    /// # Errors
    /// [`BuildError::HeaderName`], [`BuildError::HeaderValue`], or [`BuildError::ReservedHeader`] for `Connection`,
    /// `Upgrade`, `Content-Length`, `Content-Type` and `Transfer-Encoding`, which are written by themselves.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, BuildError> {
        self.headers.add(name, value.as_ref(), &RESERVED_IN_RESPONSE)?;
        Ok(self)
    }

    /// The body and its media type, in place of an earlier one.
    ///
    /// # Errors
    /// [`BuildError::HeaderValue`] if the media type holds a control character.
    pub fn body(self, content_type: &str, body: impl Into<Bytes>) -> Result<Self, BuildError> {
        check_value("Content-Type", content_type.as_bytes())?;
        Ok(Self { content_type: Some(content_type.to_owned()), body: body.into(), ..self })
    }

    /// Leaves the body out and keeps the headers that describe it: the answer to HEAD (RFC 9110 §9.3.2).
    #[must_use]
    pub const fn head_only(mut self) -> Self {
        self.head_only = true;
        self
    }

    /// The status code.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The bytes to write; then the transport is to be closed, as `Connection: close` announces.
    pub fn to_bytes(&self) -> Bytes {
        let mut lines = HeaderLines::default();
        if self.status == 426 {
            // RFC 9110 §15.5.22 wants the Upgrade; §7.8: whoever sends it names it in Connection.
            lines.push("Upgrade", &[b"websocket"]);
            lines.push("Connection", &[b"close, Upgrade"]);
        } else {
            lines.push("Connection", &[b"close"]);
        }
        // RFC 9110 §8.6, §15.3.6, §15.4.5: these have no body, and two of them say nothing of its length.
        let bodiless = matches!(self.status, 204 | 205 | 304);
        if self.status == 205 {
            lines.push("Content-Length", &[b"0"]);
        } else if !bodiless {
            if let Some(content_type) = &self.content_type {
                lines.push("Content-Type", &[content_type.as_bytes()]);
            }
            lines.push("Content-Length", &[format!("{}", self.body.len()).as_bytes()]);
        }
        let status_line = format!("HTTP/1.1 {} {}\r\n", self.status, phrase(self.status));
        let body = if self.head_only || bodiless { &[][..] } else { &self.body };
        [status_line.as_bytes(), self.headers.as_bytes(), lines.as_bytes(), b"\r\n", body].concat().into()
    }

    const fn of(status: u16) -> Self {
        Self { status, headers: HeaderLines::new(), content_type: None, body: Bytes::new(), head_only: false }
    }

    /// An answer of our own, with a sentence for whoever reads it.
    pub(super) fn plain(status: u16, sentence: impl fmt::Display) -> Self {
        let content_type = Some("text/plain; charset=utf-8".to_owned());
        Self { content_type, body: format!("{sentence}\n").into(), ..Self::of(status) }
    }
}

/// The phrase of RFC 9110 §15 for the statuses that handshakes end in; it means nothing to a program.
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

/// A request that cannot be accepted, and the answer that is due.
///
/// A GET that asks for no upgrade to a WebSocket has the reason [`Reason::NoUpgrade`]: a server that also serves pages
/// looks at [`request`](Rejection::request) and sends a response of its own instead. (A HEAD for the page is
/// [`Reason::Method`]; its answer is [`head_only`](Response::head_only).)
#[derive(Debug, Clone)]
pub struct Rejection {
    reason: Reason,
    request: Option<Box<RequestHead>>,
}

impl Rejection {
    fn new(reason: Reason, request: Option<RequestHead>) -> Self {
        Self { reason, request: request.map(Box::new) }
    }

    /// What is wrong.
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// The request's head, if it is one of HTTP/1.
    pub fn request(&self) -> Option<&RequestHead> {
        self.request.as_deref()
    }

    /// The answer that is due.
    pub fn response(&self) -> Response {
        let mut response = Response::plain(self.reason.status(), self.reason);
        match self.reason {
            // RFC 9110 §15.5.6.
            Reason::Method => response.headers.push("Allow", &[b"GET"]),
            // RFC 6455 §4.2.2, §4.4.
            Reason::NoUpgrade | Reason::UnsupportedVersion | Reason::Version => {
                response.headers.push("Sec-WebSocket-Version", &[b"13"]);
            }
            Reason::Malformed
            | Reason::BareLineFeed
            | Reason::HeadTooLarge
            | Reason::TooManyHeaders
            | Reason::HttpVersion
            | Reason::Target
            | Reason::Host
            | Reason::Body
            | Reason::Upgrade
            | Reason::Connection
            | Reason::Key
            | Reason::Origin
            | Reason::Subprotocols
            | Reason::Extensions => {}
        }
        response.head_only = self.request().is_some_and(|request| request.method() == "HEAD");
        response
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl core::error::Error for Rejection {}

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// Not the head of an HTTP/1 request: 400.
    #[error("this is not an HTTP/1.1 request (RFC 9112)")]
    Malformed,
    /// A line that ends without a carriage return: 400.
    #[error("a line of the request does not end with CRLF (RFC 9112 section 2.2)")]
    BareLineFeed,
    /// More than [`Config::max_head`] bytes: 431.
    #[error("the head of the request is too large")]
    HeadTooLarge,
    /// More than [`Config::max_headers`] lines: 431.
    #[error("the request has too many headers")]
    TooManyHeaders,
    /// Not GET: 405.
    #[error("the method has to be GET (RFC 6455 section 4.1)")]
    Method,
    /// A GET that asks for no upgrade to a WebSocket: 426, unless the application has a page to answer with.
    #[error("this is a WebSocket service; the request asks for no upgrade to one (RFC 6455 section 4.2.1)")]
    NoUpgrade,
    /// Before HTTP/1.1: 400.
    #[error("the request has to be HTTP/1.1 (RFC 6455 section 4.2.1)")]
    HttpVersion,
    /// The target is neither a path nor an absolute URI: 400.
    #[error("the request target is neither a path nor an http or ws URI (RFC 6455 section 4.2.1)")]
    Target,
    /// `Host` is missing, repeated or malformed: 400.
    #[error("Host is missing, repeated or malformed (RFC 6455 section 4.2.1)")]
    Host,
    /// The request announces a body: 400.
    #[error("an upgrade request has no body")]
    Body,
    /// `Upgrade` does not hold websocket: 400.
    #[error("Upgrade does not hold websocket (RFC 6455 section 4.2.1)")]
    Upgrade,
    /// `Connection` does not hold Upgrade: 400.
    #[error("Connection does not hold Upgrade (RFC 6455 section 4.2.1)")]
    Connection,
    /// `Sec-WebSocket-Version` is missing, repeated or not a number from 0 to 255: 400.
    #[error("Sec-WebSocket-Version is missing, repeated or malformed (RFC 6455 section 4.2.1)")]
    Version,
    /// A version of the protocol other than 13: 426.
    #[error("only version 13 of the protocol is spoken here (RFC 6455 section 4.4)")]
    UnsupportedVersion,
    /// `Sec-WebSocket-Key` is missing, repeated or not the base64 of 16 bytes: 400.
    #[error("Sec-WebSocket-Key is missing, repeated or not 16 bytes in base64 (RFC 6455 section 4.2.1)")]
    Key,
    /// `Origin` is repeated: 400.
    #[error("Origin is repeated (RFC 6454 section 7.3)")]
    Origin,
    /// `Sec-WebSocket-Protocol` is not a list of different tokens: 400.
    #[error("Sec-WebSocket-Protocol is not a list of different tokens (RFC 6455 section 4.1)")]
    Subprotocols,
    /// `Sec-WebSocket-Extensions` breaks its grammar: 400.
    #[error("Sec-WebSocket-Extensions is malformed (RFC 6455 section 9.1)")]
    Extensions,
}

impl Reason {
    /// The HTTP status that answers it.
    pub const fn status(self) -> u16 {
        match self {
            Self::Method => 405,
            Self::NoUpgrade | Self::UnsupportedVersion => 426,
            Self::HeadTooLarge | Self::TooManyHeaders => 431,
            Self::Malformed
            | Self::BareLineFeed
            | Self::HttpVersion
            | Self::Target
            | Self::Host
            | Self::Body
            | Self::Upgrade
            | Self::Connection
            | Self::Version
            | Self::Key
            | Self::Origin
            | Self::Subprotocols
            | Self::Extensions => 400,
        }
    }
}

impl From<HeadError> for Reason {
    fn from(error: HeadError) -> Self {
        match error {
            HeadError::TooLarge => Self::HeadTooLarge,
            HeadError::TooManyHeaders => Self::TooManyHeaders,
            HeadError::BareLineFeed => Self::BareLineFeed,
        }
    }
}

/// What the rules look at, collected in one walk over the headers.
#[derive(Default)]
struct Fields<'h> {
    host: Once<'h>,
    key: Once<'h>,
    version: Once<'h>,
    origin: Once<'h>,
    has_upgrade: bool,
    upgrades_to_websocket: bool,
    connection_upgrades: bool,
    has_body: bool,
    has_subprotocols: bool,
    extensions: Grammar,
}

impl<'h> Fields<'h> {
    fn collect(headers: &[httparse::Header<'h>]) -> Self {
        let mut fields = Self::default();
        for header in headers {
            let value = header.value;
            let is = |name: &str| header.name.eq_ignore_ascii_case(name);
            match header.name.len() {
                4 if is("host") => fields.host.add(value),
                6 if is("origin") => fields.origin.add(value),
                7 if is("upgrade") => {
                    fields.has_upgrade = true;
                    fields.upgrades_to_websocket |= lists(value, "websocket");
                }
                10 if is("connection") => fields.connection_upgrades |= lists(value, "upgrade"),
                14 if is("content-length") => fields.has_body |= value != b"0",
                17 if is("sec-websocket-key") => fields.key.add(value),
                17 if is("transfer-encoding") => fields.has_body = true,
                21 if is("sec-websocket-version") => fields.version.add(value),
                22 if is("sec-websocket-protocol") => fields.has_subprotocols = true,
                24 if is(extensions::NAME) => fields.extensions.add(value),
                // RFC 6455 §4.2.1: what is not known is passed over.
                _ => {}
            }
        }
        fields
    }

    /// The rules of RFC 6455 §4.2.1; the key if they are kept.
    fn check(&self, method: &str, target: &str, version: u8, headers: &[httparse::Header<'_>]) -> Result<Key, Reason> {
        if method != "GET" {
            return Err(Reason::Method);
        }
        if !is_target(target) {
            return Err(Reason::Target);
        }
        let is_host = self.host.value().and_then(|host| str::from_utf8(host).ok()).is_some_and(is_authority);
        // RFC 9112 §3.2: no request of HTTP/1.1 goes without, be it an upgrade or not.
        if !is_host && (version == 1 || !matches!(self.host, Once::Missing)) {
            return Err(Reason::Host);
        }
        // RFC 9110 §7.8: an upgrade to something else may be passed over, unless a WebSocket is meant.
        let means_websocket = !matches!((self.key, self.version), (Once::Missing, Once::Missing));
        if !self.has_upgrade || !(self.upgrades_to_websocket || means_websocket) {
            return Err(Reason::NoUpgrade);
        }
        if version == 0 {
            return Err(Reason::HttpVersion);
        }
        // What came after it could be read as the body by one and as frames by another.
        if self.has_body {
            return Err(Reason::Body);
        }
        if !self.upgrades_to_websocket {
            return Err(Reason::Upgrade);
        }
        if !self.connection_upgrades {
            return Err(Reason::Connection);
        }
        match self.version.value() {
            Some(b"13") => {}
            Some(other) if is_version(other) => return Err(Reason::UnsupportedVersion),
            Some(_) | None => return Err(Reason::Version),
        }
        let key = self.key.value().and_then(key::parse).ok_or(Reason::Key)?;
        if matches!(self.origin, Once::Repeated) {
            return Err(Reason::Origin);
        }
        if self.has_subprotocols && !are_subprotocols(headers) {
            return Err(Reason::Subprotocols);
        }
        if !self.extensions.is_kept() {
            return Err(Reason::Extensions);
        }
        Ok(key)
    }
}

/// A number from 0 to 255 without leading zeros (RFC 6455 §4.3).
fn is_version(text: &[u8]) -> bool {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let leading_zero = text.len() > 1 && text.first() == Some(&b'0');
    digits && !leading_zero && str::from_utf8(text).is_ok_and(|text| text.parse::<u8>().is_ok())
}

/// A list of at least one token, none of them twice (RFC 6455 §4.1, §4.3).
fn are_subprotocols(headers: &[httparse::Header<'_>]) -> bool {
    let lines = headers.iter().filter(|header| header.name.eq_ignore_ascii_case("sec-websocket-protocol"));
    let mut names: Vec<&[u8]> = lines.flat_map(|header| elements(header.value)).collect();
    if names.is_empty() || !names.iter().all(|name| is_token(name)) {
        return false;
    }
    // Sorted, so that a list of thousands costs no square.
    names.sort_unstable();
    names.windows(2).all(|pair| pair.first() != pair.last())
}

fn is_authority(authority: &str) -> bool {
    split_authority(authority)
        .is_some_and(|(_, port)| port.is_none_or(|port| port.is_empty() || parse_port(port).is_some()))
}

/// The authority of an absolute target, and the path and query.
fn split_target(target: &str) -> (Option<&str>, &str) {
    match target.split_once("://") {
        Some((_, rest)) if !target.starts_with('/') => {
            let (authority, resource) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
            (Some(authority), resource)
        }
        _ => (None, target),
    }
}

/// A path, or an absolute URI of a scheme that a WebSocket may be asked for with (RFC 6455 §4.1); neither has a
/// fragment.
fn is_target(target: &str) -> bool {
    if !target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
        return false;
    }
    if target.starts_with('/') {
        return true;
    }
    let known = |scheme: &str| ["http", "https", "ws", "wss"].iter().any(|known| known.eq_ignore_ascii_case(scheme));
    match target.split_once("://") {
        Some((scheme, _)) if known(scheme) => split_target(target).0.is_some_and(is_authority),
        _ => false,
    }
}
