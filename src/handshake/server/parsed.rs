//! A request that an HTTP library has parsed.

use super::reason::Reason;
use super::rejection::Rejection;
use super::request::Request;
use super::request_head::RequestHead;
use super::rules::Fields;
use crate::config::Config;
use crate::handshake::extended_connect::{PseudoHeaders, is_connection_specific_in_request};
use crate::handshake::fields::{is_token, is_value, trim};
use crate::handshake::key::Key;
use alloc::vec::Vec;

impl Request {
    /// A request to upgrade whose method, target, version and headers an HTTP/1 library has parsed. `http_minor` is 1 for
    /// HTTP/1.1.
    ///
    /// It is checked by the same rules, and has the same limits, as one that [`Handshake`](super::Handshake) reads: of the
    /// size, that of the head with one space behind each colon counts. The headers are copied, so that the request holds
    /// all that it was made from.
    ///
    /// ```
    /// use ws_proto::{Config, handshake::server::{Answer, Request}};
    ///
    /// let headers: [(&str, &[u8]); 5] = [
    ///     ("host", b"example.com"),
    ///     ("upgrade", b"websocket"),
    ///     ("connection", b"Upgrade"),
    ///     ("sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
    ///     ("sec-websocket-version", b"13"),
    /// ];
    /// let request = Request::from_headers("GET", "/chat", 1, headers, &Config::new())?;
    /// let (response, ws) = request.accept_as_headers(Answer::new())?;
    /// assert_eq!(response.status(), 101);
    /// assert!(response.headers().any(|line| line == ("Sec-WebSocket-Accept", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")));
    /// # drop(ws);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A [`Rejection`], as [`Handshake::receive`](super::Handshake::receive) has it. A value that cannot have been parsed
    /// from a head, such as a header with a line end in it, is [`Reason::Malformed`] or [`Reason::HeaderLine`].
    pub fn from_headers<'h>(
        method: &str,
        target: &str,
        http_minor: u8,
        headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
        config: &Config,
    ) -> Result<Self, Rejection> {
        let headers = headers.into_iter();
        let size = likely_size(&headers, config);
        Self::of_parts(method, target, http_minor, size, headers, config)
    }

    /// The same, for headers that take so many bytes.
    pub(in crate::handshake) fn of_parts<'h>(
        method: &str,
        target: &str,
        http_minor: u8,
        size: usize,
        headers: impl Iterator<Item = (&'h str, &'h [u8])>,
        config: &Config,
    ) -> Result<Self, Rejection> {
        let mut head = Head::new(method, &[target], size, config);
        let fields = head.add_all(headers).map_err(|reason| Rejection::new(reason, None))?;
        if !is_token(method.as_bytes()) || target.is_empty() || !is_visible(target) {
            return Err(Rejection::new(Reason::Malformed, None));
        }
        match head.malformed.map_or_else(|| fields.check_upgrade(method, target, http_minor), Err) {
            Ok(key) => Ok(Self::new(head.finish(), Some(Key::new(key)), config)),
            Err(reason) => Err(Rejection::new(reason, Some(head.finish()))),
        }
    }

    /// An extended CONNECT, with which a client opens a WebSocket over HTTP/2 (RFC 8441) or HTTP/3 (RFC 9220). It has no key;
    /// subprotocols, extensions, `Origin` and `Sec-WebSocket-Version` mean what they mean in a request to upgrade.
    ///
    /// ```
    /// use ws_proto::{Config, handshake::{PseudoHeaders, server::{Answer, Request}}};
    ///
    /// let pseudo = PseudoHeaders {
    ///     method: "CONNECT",
    ///     protocol: Some("websocket"),
    ///     scheme: "https",
    ///     authority: "example.com",
    ///     path: "/chat",
    /// };
    /// let headers: [(&str, &[u8]); 2] = [("sec-websocket-version", b"13"), ("sec-websocket-protocol", b"chat")];
    /// let request = Request::from_extended_connect(&pseudo, headers, &Config::new())?;
    /// assert_eq!((request.host(), request.path()), ("example.com", "/chat"));
    ///
    /// let (response, ws) = request.accept_as_headers(Answer::new().subprotocol("chat")?)?;
    /// assert_eq!(response.status(), 200);
    /// assert!(response.headers().eq([("sec-websocket-protocol", &b"chat"[..])]));
    /// # drop(ws);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A [`Rejection`] with [`Reason::Protocol`] (501) if the protocol is another one (RFC 9220 §3), and as
    /// [`from_headers`](Self::from_headers) has it otherwise.
    pub fn from_extended_connect<'h>(
        pseudo: &PseudoHeaders<'_>,
        headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
        config: &Config,
    ) -> Result<Self, Rejection> {
        let headers = headers.into_iter();
        let size = likely_size(&headers, config);
        Self::of_extended_connect(pseudo, size, headers, config)
    }

    /// The same, for headers that take so many bytes.
    pub(in crate::handshake) fn of_extended_connect<'h>(
        pseudo: &PseudoHeaders<'_>,
        size: usize,
        headers: impl Iterator<Item = (&'h str, &'h [u8])>,
        config: &Config,
    ) -> Result<Self, Rejection> {
        let rejection = |reason, head| Rejection::new(reason, head).of_extended_connect();
        let target = [pseudo.scheme, "://", pseudo.authority, pseudo.path];
        let mut head = Head::new(pseudo.method, &target, size, config);
        let mut is_specific = false;
        let headers = headers.inspect(|(name, value)| is_specific |= is_connection_specific_in_request(name, value));
        let fields = head.add_all(headers).map_err(|reason| rejection(reason, None))?;
        match head.malformed.map_or_else(|| fields.check_extended_connect(pseudo, is_specific), Err) {
            Ok(()) => Ok(Self::new(head.finish(), None, config)),
            Err(reason) => {
                // What cannot stand in a first line is not returned as a request's.
                let is_line = is_token(pseudo.method.as_bytes()) && target.iter().all(|piece| is_visible(piece));
                Err(rejection(reason, is_line.then(|| head.finish())))
            }
        }
    }
}

/// Whether this may stand in a first line, in which what follows a space would be something else.
fn is_visible(target: &str) -> bool {
    target.bytes().all(|byte| byte > b' ' && byte != 0x7F)
}

/// How many bytes the headers take, if they are like those of a browser.
fn likely_size<'h>(headers: &impl Iterator<Item = (&'h str, &'h [u8])>, config: &Config) -> usize {
    let (least, most) = headers.size_hint();
    most.unwrap_or(least).min(config.max_headers).saturating_mul(48)
}

/// How many bytes a header takes in a head.
pub(in crate::handshake) const fn size_of_line(name: &str, value: &[u8]) -> usize {
    name.len().saturating_add(value.len()).saturating_add(b": \r\n".len())
}

/// A head that is written down from its parts.
struct Head<'c> {
    bytes: Vec<u8>,
    method: usize,
    target: usize,
    headers_start: usize,
    /// Why a header cannot have been parsed from a line. It is left out, as are those behind it.
    malformed: Option<Reason>,
    config: &'c Config,
}

impl<'c> Head<'c> {
    /// A head with room for header lines of this size.
    fn new(method: &str, target: &[&str], size: usize, config: &'c Config) -> Self {
        let length = target.iter().map(|piece| piece.len()).sum();
        let first_line = method.len().saturating_add(length).saturating_add(b"  HTTP/1.1\r\n".len());
        let mut bytes = Vec::with_capacity(first_line.saturating_add(size).min(config.max_head));
        bytes.extend_from_slice(method.as_bytes());
        bytes.push(b' ');
        target.iter().for_each(|piece| bytes.extend_from_slice(piece.as_bytes()));
        bytes.extend_from_slice(b" HTTP/1.1\r\n");
        let headers_start = bytes.len();
        Self { bytes, method: method.len(), target: length, headers_start, malformed: None, config }
    }

    /// Adds the headers up to one that is malformed, and returns those that the rules are about.
    fn add_all<'h>(&mut self, headers: impl Iterator<Item = (&'h str, &'h [u8])>) -> Result<Fields<'h>, Reason> {
        let mut fields = Fields::default();
        let mut size = self.bytes.len();
        self.check_size(size)?;
        for (number, (name, value)) in (1..).zip(headers) {
            let value = trim(value);
            size = size.saturating_add(size_of_line(name, value));
            self.check_size(size)?;
            if number > self.config.max_headers {
                return Err(Reason::TooManyHeaders);
            }
            if self.malformed.is_some() {
                continue;
            }
            if !is_token(name.as_bytes()) || !is_value(value) {
                self.malformed = Some(Reason::HeaderLine(number));
                continue;
            }
            fields.add(name, value);
            [name.as_bytes(), b": ", value, b"\r\n"].iter().for_each(|piece| self.bytes.extend_from_slice(piece));
        }
        self.check_size(size.saturating_add(b"\r\n".len()))?;
        Ok(fields)
    }

    const fn check_size(&self, size: usize) -> Result<(), Reason> {
        if size > self.config.max_head { Err(Reason::HeadTooLarge) } else { Ok(()) }
    }

    fn finish(self) -> RequestHead {
        RequestHead::new(self.bytes.into(), self.method, self.target, self.headers_start)
    }
}
