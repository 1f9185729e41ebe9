//! A request that cannot be accepted, and the response to it.

use super::reason::Reason;
use super::request_head::RequestHead;
use super::response::Response;
use crate::handshake::names;
use crate::handshake::not_http::NotHttp;
use alloc::boxed::Box;
use core::fmt;

/// A request that cannot be accepted, and the response to send.
///
/// A GET that asks for no upgrade to a WebSocket has the reason [`Reason::NoUpgrade`]: a server that also serves pages
/// looks at [`request`](Rejection::request) and sends a response of its own instead. (A HEAD for the page has the
/// reason [`Reason::Method`]; its response is [`head_only`](Response::head_only).)
///
/// ```
/// use ws_proto::handshake::server::{Handshake, Reason};
/// use ws_proto::{Config, Input};
///
/// let mut input = Input::from(&b"GET /page HTTP/1.1\r\nHost: example.com\r\n\r\n"[..]);
/// let rejection = Handshake::new(&Config::new()).receive(&mut input).unwrap_err();
/// assert_eq!((rejection.reason(), rejection.status()), (Reason::NoUpgrade, Some(426)));
/// assert_eq!(rejection.request().map(|head| head.path()), Some("/page"));
/// assert!(rejection.response().to_bytes().starts_with(b"HTTP/1.1 426 Upgrade Required\r\n"));
/// ```
#[derive(Debug, Clone)]
pub struct Rejection {
    reason: Reason,
    request: Option<Box<RequestHead>>,
    is_extended_connect: bool,
}

impl Rejection {
    pub(super) fn new(reason: Reason, request: Option<RequestHead>) -> Self {
        Self { reason, request: request.map(Box::new), is_extended_connect: false }
    }

    /// The same for a request that came over HTTP/2 or HTTP/3.
    pub(super) fn of_extended_connect(self) -> Self {
        Self { is_extended_connect: true, ..self }
    }

    /// Why the request was refused.
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// The request's head, if its first line is that of an HTTP/1 request. If a header line is malformed
    /// ([`Reason::HeaderLine`], [`Reason::BareLineFeed`]), it holds the headers ahead of that line.
    pub fn request(&self) -> Option<&RequestHead> {
        self.request.as_deref()
    }

    /// The status of the [response](Rejection::response). `None` for a peer that speaks TLS, which is sent nothing.
    pub const fn status(&self) -> Option<u16> {
        match self.reason {
            Reason::NotHttp(NotHttp::Tls) => None,
            _ => Some(self.any_status()),
        }
    }

    const fn any_status(&self) -> u16 {
        match self.reason {
            // RFC 9110 §15.5.22 wants an Upgrade in a 426, which HTTP/2 does not have (RFC 9113 §8.2.2).
            Reason::UnsupportedVersion if self.is_extended_connect => 400,
            Reason::NoUpgrade if self.is_extended_connect => 405,
            reason => reason.status(),
        }
    }

    /// The response to send.
    ///
    /// To a peer that speaks TLS nothing is sent, as it could not read it: the response's
    /// [`to_bytes`](Response::to_bytes) are empty. So the caller writes the bytes and closes the transport in every case.
    pub fn response(&self) -> Response {
        let mut response = Response::plain(self.any_status(), self.reason);
        match self.reason {
            // RFC 9110 §15.5.6.
            Reason::Method | Reason::NoUpgrade if self.is_extended_connect => {
                response.headers.push("Allow", &[b"CONNECT"]);
            }
            Reason::Method => response.headers.push("Allow", &[b"GET"]),
            // RFC 6455 §4.2.2, §4.4.
            Reason::NoUpgrade | Reason::UnsupportedVersion | Reason::Version => {
                response.headers.push(names::SEC_WEBSOCKET_VERSION, &[b"13"]);
            }
            Reason::NotHttp(NotHttp::Tls) => response.is_silent = true,
            Reason::Malformed
            | Reason::HeaderLine(_)
            | Reason::NotHttp(_)
            | Reason::BareLineFeed
            | Reason::HeadTooLarge
            | Reason::TooManyHeaders
            | Reason::TimedOut
            | Reason::HttpVersion
            | Reason::Target
            | Reason::Host
            | Reason::Body
            | Reason::Upgrade
            | Reason::Connection
            | Reason::ConnectionSpecific
            | Reason::Protocol
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
