//! A valid request, and how it is accepted (RFC 6455 §4.2, RFC 8441 §5).

use super::acceptance::Acceptance;
use super::answer::Answer;
use super::request_head::RequestHead;
use crate::config::Config;
use crate::connection::Connection;
use crate::handshake::build::{BuildError, END, line};
use crate::handshake::compression::{self, Agreement};
use crate::handshake::extensions::Extensions;
use crate::handshake::fields::elements;
use crate::handshake::head::Headers;
use crate::handshake::key::{Key, accept_for};
use crate::handshake::names;
use alloc::string::String;
use bytes::BytesMut;
use core::{fmt, str};

const STATUS_LINE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n";

/// The header lines that every 101 has, up to the value of the last one.
const UPGRADE: &[u8] = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ";

/// A valid opening handshake (RFC 6455 §4.2.1, RFC 8441 §5), to be accepted or refused.
///
/// It comes from a [`Handshake`](super::Handshake), which reads bytes, or from headers that an HTTP library has parsed:
/// [`from_headers`](Request::from_headers) and [`from_extended_connect`](Request::from_extended_connect).
///
/// ```
/// use ws_proto::handshake::server::{Answer, Handshake};
/// use ws_proto::{Config, Input};
///
/// let mut input = Input::from(
///     &b"GET /rooms/7?name=Zoe HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
///        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
///        Sec-WebSocket-Protocol: chat.v2, chat.v1\r\n\r\n"[..],
/// );
/// let request = Handshake::new(&Config::new()).receive(&mut input)?.expect("it is complete");
/// assert_eq!((request.path(), request.query()), ("/rooms/7", Some("name=Zoe")));
/// let mut answer = Answer::new();
/// if let Some(name) = request.choose_subprotocol(&["chat.v1"]) {
///     answer = answer.subprotocol(name)?;
/// }
/// let ws = request.accept(answer)?;
/// assert!(ws.interest().write, "the 101");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Request {
    head: RequestHead,
    /// `None` for an extended CONNECT, which has none (RFC 8441 §5).
    key: Option<Key>,
    config: Config,
}

impl Request {
    /// A request that keeps the rules, with its key unless it is an extended CONNECT.
    #[inline]
    pub(super) fn new(head: RequestHead, key: Option<Key>, config: &Config) -> Self {
        Self { head, key, config: config.clone() }
    }

    /// The request's head.
    pub const fn head(&self) -> &RequestHead {
        &self.head
    }

    /// The request target as received: a path with a query, or an absolute URI.
    pub fn target(&self) -> &str {
        self.head.target()
    }

    /// The path of the target; `/` if it is empty.
    pub fn path(&self) -> &str {
        self.head.path()
    }

    /// The query of the target, without its `?`.
    pub fn query(&self) -> Option<&str> {
        self.head.query()
    }

    /// The value of the first header line of this name, compared without regard to case.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.head.header(name)
    }

    /// The same value as text: see [`RequestHead::header_str`].
    pub fn header_str(&self, name: &str) -> Option<&str> {
        self.head.header_str(name)
    }

    /// All header lines, in order.
    pub fn headers(&self) -> Headers<'_> {
        self.head.headers()
    }

    /// The host that the request is for, with its port if it has one: that of an absolute target, otherwise that of the
    /// `Host` header (RFC 9112 §3.2.2).
    pub fn host(&self) -> &str {
        let from_header = || self.header_str(names::HOST).unwrap_or_default();
        self.head.authority().unwrap_or_else(from_header)
    }

    /// The value of the `Origin` header, in which a browser names the origin of the page that connects
    /// (RFC 6455 §10.2). [`OriginPolicy`](crate::handshake::OriginPolicy) checks it.
    pub fn origin(&self) -> Option<&[u8]> {
        self.header(names::ORIGIN)
    }

    /// The subprotocols that the client lists, in its order of preference.
    pub fn subprotocols(&self) -> impl Iterator<Item = &str> {
        self.head
            .headers()
            .filter(|(name, _)| names::is(name, names::SEC_WEBSOCKET_PROTOCOL))
            .flat_map(|(_, value)| elements(value))
            .filter_map(|name| str::from_utf8(name).ok())
    }

    /// The subprotocol to answer with: the first in the client's list that is among `supported`. If there is none, the
    /// request may be accepted without a subprotocol or be refused (RFC 6455 §4.2.2). A browser fails the connection if its page
    /// listed some and none is answered.
    pub fn choose_subprotocol<'s>(&self, supported: &'s [impl AsRef<str>]) -> Option<&'s str> {
        self.subprotocols().find_map(|name| supported.iter().map(AsRef::as_ref).find(|supported| *supported == name))
    }

    /// The extensions that the client offers, in its order of preference.
    pub fn extensions(&self) -> Extensions<'_> {
        Extensions::new(self.head.headers())
    }

    /// Whether this is an extended CONNECT, of HTTP/2 or HTTP/3 (RFC 8441), and not a request to upgrade.
    pub const fn is_extended_connect(&self) -> bool {
        self.key.is_none()
    }

    /// Accepts the request: returns the connection, with the 101 in its output (RFC 6455 §4.2.2).
    ///
    /// If the [`Config`] enables compression, the 101 accepts the first offer of permessage-deflate that can be served
    /// (RFC 7692 §5); an invalid offer is passed over.
    ///
    /// Where an HTTP library writes the response, use [`accept_as_headers`](Self::accept_as_headers).
    ///
    /// # Errors
    /// [`BuildError::UnlistedSubprotocol`] if the client did not list the subprotocol of the answer,
    /// [`BuildError::UnofferedExtension`] if it did not offer one of the answer's extensions,
    /// [`BuildError::ExtendedConnect`] if the request is an extended CONNECT, whose answer is no 101.
    #[allow(clippy::needless_pass_by_value, reason = "it is for this request")]
    pub fn accept(&self, answer: Answer) -> Result<Connection, BuildError> {
        let Some(key) = &self.key else { return Err(BuildError::ExtendedConnect) };
        let agreed = self.agree(&answer)?;
        let head = agreed.head(key);
        let mut connection = Connection::server(&self.config);
        agreed.agreement.apply(&self.config, &mut connection);
        connection.precede(head);
        Ok(connection)
    }

    /// Accepts a request whose response an HTTP library writes: returns that response's status and headers, and the
    /// connection, whose output is empty.
    ///
    /// To a request to upgrade, the response is the 101 of [`accept`](Self::accept). To an extended CONNECT it is a 200
    /// without `Upgrade`, `Connection` and `Sec-WebSocket-Accept` (RFC 8441 §5). Once the library has sent it, the stream's
    /// bytes are those of the connection: what was upgraded, or the DATA frames of the stream. [`Connection::receive_eof`]
    /// documents how such a stream ends.
    ///
    /// # Errors
    /// [`BuildError::UnlistedSubprotocol`] if the client did not list the subprotocol of the answer,
    /// [`BuildError::UnofferedExtension`] if it did not offer one of the answer's extensions.
    #[allow(clippy::needless_pass_by_value, reason = "it is for this request")]
    pub fn accept_as_headers(&self, answer: Answer) -> Result<(Acceptance, Connection), BuildError> {
        let agreed = self.agree(&answer)?;
        let acceptance = match &self.key {
            Some(key) => {
                let [a, b, c, d, e, f, headers] = agreed.lines();
                Acceptance::of_upgrade(&[UPGRADE, &accept_for(key), END, a, b, c, d, e, f, headers])
            }
            None => Acceptance::of_extended_connect(&agreed.lines()),
        };
        let mut connection = Connection::server(&self.config);
        agreed.agreement.apply(&self.config, &mut connection);
        Ok((acceptance, connection))
    }

    /// What holds when the request is answered so.
    fn agree<'a>(&self, answer: &'a Answer) -> Result<Agreed<'a>, BuildError> {
        let unlisted = |chosen: &String| !self.subprotocols().any(|listed| listed == chosen);
        if answer.subprotocol.as_ref().is_some_and(unlisted) {
            return Err(BuildError::UnlistedSubprotocol);
        }
        answer.extensions.check_offered(&self.extensions())?;
        let accepted = if answer.without_deflate { None } else { compression::accept(&self.config, self.extensions()) };
        let (agreement, deflate) = accepted.unwrap_or_default();
        let extensions = answer.extensions.value_with(deflate);
        Ok(Agreed { agreement, extensions, answer })
    }
}

/// What is in use on a connection.
struct Agreed<'a> {
    agreement: Agreement,
    /// The value of `Sec-WebSocket-Extensions`, which is empty if nothing is in use.
    extensions: String,
    answer: &'a Answer,
}

impl Agreed<'_> {
    /// The pieces of the header lines that are not the same in every answer.
    fn lines(&self) -> [&[u8]; 7] {
        let subprotocol = self.answer.subprotocol.as_deref().unwrap_or_default();
        let [a, b, c] = line(b"Sec-WebSocket-Protocol: ", subprotocol.as_bytes());
        let [d, e, f] = line(b"Sec-WebSocket-Extensions: ", self.extensions.as_bytes());
        [a, b, c, d, e, f, self.answer.headers.as_bytes()]
    }

    /// The 101.
    fn head(&self, key: &Key) -> BytesMut {
        let lines = self.lines();
        let accept = accept_for(key);
        let fixed = STATUS_LINE.len() + UPGRADE.len() + accept.len() + 2 * END.len();
        let mut head = BytesMut::with_capacity(fixed + lines.iter().map(|piece| piece.len()).sum::<usize>());
        head.extend_from_slice(STATUS_LINE);
        head.extend_from_slice(UPGRADE);
        head.extend_from_slice(&accept);
        head.extend_from_slice(END);
        lines.iter().filter(|piece| !piece.is_empty()).for_each(|piece| head.extend_from_slice(piece));
        head.extend_from_slice(END);
        head
    }
}

/// Shows nothing of the query and of the headers' values.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("head", &self.head).finish_non_exhaustive()
    }
}
