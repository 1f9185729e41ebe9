//! A valid request, and how it is accepted (RFC 6455 §4.2).

use super::answer::Answer;
use super::reason::Reason;
use super::rejection::Rejection;
use super::request_head::RequestHead;
use super::rules::Fields;
use crate::config::Config;
use crate::connection::Connection;
use crate::handshake::build::BuildError;
use crate::handshake::compression;
use crate::handshake::extensions::Extensions;
use crate::handshake::fields::elements;
use crate::handshake::head::RawHead;
use crate::handshake::key::{Key, accept_for};
use alloc::string::String;
use core::{fmt, str};

/// A valid opening handshake (RFC 6455 §4.2.1), to be accepted or refused.
#[derive(Clone)]
pub struct Request {
    head: RequestHead,
    key: Key,
    config: Config,
}

impl Request {
    /// Parses and checks a head. The order decides which status answers a request with several errors: is it HTTP, is
    /// it GET, does it ask for an upgrade at all, and then the rules of RFC 6455 §4.2.1.
    pub(super) fn parse(raw: RawHead, config: &Config) -> Result<Self, Rejection> {
        let parsed = raw.with_room(|bytes, room| {
            let mut parsed = httparse::Request::new(&mut []);
            let complete = parsed.parse_with_uninit_headers(bytes, room);
            let (method, target, version) = (parsed.method?, parsed.path?, parsed.version?);
            let checked = match complete {
                Ok(httparse::Status::Complete(_)) => Fields::collect(parsed.headers)
                    .check(method, target, version, parsed.headers)
                    .map_err(Problem::Rule),
                Ok(httparse::Status::Partial) | Err(_) => Err(Problem::Line),
            };
            Some((method.len(), target.len(), checked))
        });
        match parsed {
            Some((method, target, Ok(key))) => {
                Ok(Self { head: RequestHead::new(raw, method, target), key, config: config.clone() })
            }
            Some((method, target, Err(Problem::Rule(reason)))) => {
                Err(Rejection::new(reason, Some(RequestHead::new(raw, method, target))))
            }
            Some((method, target, Err(Problem::Line))) => Err(Self::malformed(raw, method, target)),
            None => Err(Rejection::new(Reason::Malformed, None)),
        }
    }

    /// What is said of a head that the parser refuses behind the version.
    #[cold]
    fn malformed(mut raw: RawHead, method: usize, target: usize) -> Rejection {
        // The version is the end of its line: "METHOD target HTTP/1.1".
        let is_first_line = raw.bytes.get(method + target + 10..).is_some_and(|rest| rest.starts_with(b"\r\n"));
        match raw.malformed_header() {
            Some((number, start)) if is_first_line => {
                raw.bytes.truncate(start);
                Rejection::new(Reason::HeaderLine(number), Some(RequestHead::new(raw, method, target)))
            }
            _ => Rejection::new(Reason::Malformed, None),
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

    /// The value of the first header line of this name, compared without regard to case.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.head.header(name)
    }

    /// The host that the request is for, with its port if it has one: that of an absolute target, otherwise that of the
    /// `Host` header (RFC 9112 §3.2.2).
    pub fn host(&self) -> &str {
        let from_header = || self.header("host").and_then(|host| str::from_utf8(host).ok()).unwrap_or_default();
        self.head.authority().unwrap_or_else(from_header)
    }

    /// The value of the `Origin` header, in which a browser names the origin of the page that connects
    /// (RFC 6455 §10.2). [`OriginPolicy`](crate::handshake::OriginPolicy) checks it.
    pub fn origin(&self) -> Option<&[u8]> {
        self.header("origin")
    }

    /// The subprotocols that the client lists, in its order of preference.
    pub fn subprotocols(&self) -> impl Iterator<Item = &str> {
        self.head
            .headers()
            .filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-protocol"))
            .flat_map(|(_, value)| elements(value))
            .filter_map(|name| str::from_utf8(name).ok())
    }

    /// The subprotocol to answer with: the first in the client's list that is among `supported`. If there is none, the
    /// request may be accepted without a subprotocol or be refused (RFC 6455 §4.2.2).
    pub fn choose_subprotocol<'s>(&self, supported: &'s [impl AsRef<str>]) -> Option<&'s str> {
        self.subprotocols().find_map(|name| supported.iter().map(AsRef::as_ref).find(|supported| *supported == name))
    }

    /// The extensions that the client offers, in its order of preference.
    pub fn extensions(&self) -> Extensions<'_> {
        Extensions::new(self.head.headers())
    }

    /// Accepts the request: returns the connection, with the 101 in its output (RFC 6455 §4.2.2).
    ///
    /// If the [`Config`] enables compression, the 101 accepts the first offer of permessage-deflate that can be served
    /// (RFC 7692 §5); an invalid offer is passed over.
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

/// Why a head whose first line has a method, a target and a version is refused.
enum Problem {
    /// It is not a head by its grammar.
    Line,
    Rule(Reason),
}

/// Shows nothing of the query and of the headers' values.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("head", &self.head).finish_non_exhaustive()
    }
}
