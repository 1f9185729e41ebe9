//! Why a request was refused, and the status that answers it.

use crate::handshake::head::HeadError;
use crate::handshake::not_http::NotHttp;

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The first line is not that of an HTTP/1 request: 400.
    #[error("this is not an HTTP/1.1 request (RFC 9112)")]
    Malformed,
    /// A header line that is malformed: 400. They are counted from 1, behind the request line; a folded line counts as
    /// one of its own (RFC 9112 §5.2). Those ahead of it can be read in the [request](super::Rejection::request).
    #[error("header line {0} of the request is malformed (RFC 9112 section 5)")]
    HeaderLine(usize),
    /// Another protocol, recognized by the first bytes: 400. For [`NotHttp::Tls`] nothing is sent.
    #[error("{0}")]
    NotHttp(NotHttp),
    /// A line that ends without a carriage return: 400. The lines ahead of it can be read in the
    /// [request](super::Rejection::request).
    #[error("a line of the request does not end with CRLF (RFC 9112 section 2.2)")]
    BareLineFeed,
    /// More than [`Config::max_head`](crate::Config::max_head) bytes: 431.
    #[error("the head of the request is too large")]
    HeadTooLarge,
    /// More than [`Config::max_headers`](crate::Config::max_headers) lines: 431.
    #[error("the request has too many headers")]
    TooManyHeaders,
    /// The request was not complete by the deadline ([`Keepalive::handshake`](crate::Keepalive::handshake)): 408.
    #[error("the request took too long (RFC 9110 section 15.5.9)")]
    TimedOut,
    /// Not GET, or for HTTP/2 and HTTP/3 not CONNECT: 405.
    #[error("the method has to be GET, over HTTP/2 and HTTP/3 CONNECT (RFC 6455 section 4.1, RFC 8441 section 5)")]
    Method,
    /// A GET that asks for no upgrade to a WebSocket: 426, or for HTTP/2 and HTTP/3, which have no `Upgrade`, 405; unless the
    /// application has a page to answer with.
    #[error("this is a WebSocket service; the request asks for no upgrade to one (RFC 6455 section 4.2.1)")]
    NoUpgrade,
    /// A version of HTTP before 1.1: 400.
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
    /// An extended CONNECT for another protocol than `websocket`, or a CONNECT for none: 501 (RFC 9220 §3).
    #[error("the protocol of the CONNECT is not websocket (RFC 8441 section 5)")]
    Protocol,
    /// An extended CONNECT with a header that is about one connection of HTTP/1.1, such as `Upgrade`: 400.
    #[error("HTTP/2 and HTTP/3 have no Upgrade, Connection and the like (RFC 8441 section 5)")]
    ConnectionSpecific,
    /// `Connection` does not hold Upgrade: 400.
    #[error("Connection does not hold Upgrade (RFC 6455 section 4.2.1)")]
    Connection,
    /// `Sec-WebSocket-Version` is missing, repeated or not a number from 0 to 255: 400.
    #[error("Sec-WebSocket-Version is missing, repeated or malformed (RFC 6455 section 4.2.1)")]
    Version,
    /// A version of the protocol other than 13: 426, or for HTTP/2 and HTTP/3, which have no `Upgrade`, 400.
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
    /// The HTTP status that answers it over HTTP/1.1.
    pub const fn status(self) -> u16 {
        match self {
            Self::Method => 405,
            Self::TimedOut => 408,
            Self::NoUpgrade | Self::UnsupportedVersion => 426,
            Self::HeadTooLarge | Self::TooManyHeaders => 431,
            Self::Protocol => 501,
            Self::Malformed
            | Self::HeaderLine(_)
            | Self::NotHttp(_)
            | Self::BareLineFeed
            | Self::HttpVersion
            | Self::Target
            | Self::Host
            | Self::Body
            | Self::Upgrade
            | Self::Connection
            | Self::ConnectionSpecific
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
            HeadError::NotHttp(other) => Self::NotHttp(other),
            HeadError::Malformed => Self::Malformed,
        }
    }
}
