//! Why a client's handshake did not lead to a connection.

use super::response::Declined;
use crate::handshake::head::HeadError;
use crate::handshake::not_http::NotHttp;

/// The handshake did not lead to a connection.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server declined with another HTTP status: a redirect, a request to authenticate, an error.
    #[error(transparent)]
    Declined(Declined),
    /// The server's response is not valid.
    #[error(transparent)]
    Invalid(Flaw),
}

/// What is wrong with a server's response (RFC 6455 §4.1).
///
/// A malformed header line is passed over, unless it is one of the headers that make a 101 valid: a 101 in which such a
/// line has white space before its colon or a control character has the flaw of that header, even beside a good line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Flaw {
    /// Not the head of an HTTP/1 response.
    #[error("the answer is not an HTTP/1.1 response (RFC 9112)")]
    Malformed,
    /// Another protocol, recognized by the first bytes.
    #[error("{0}")]
    NotHttp(NotHttp),
    /// The stream ended before the head did.
    #[error("the stream ended before the head of the answer did")]
    Truncated,
    /// More than [`Config::max_head`](crate::Config::max_head) bytes.
    #[error("the head of the answer is too large")]
    HeadTooLarge,
    /// More than [`Config::max_headers`](crate::Config::max_headers) lines.
    #[error("the answer has too many headers")]
    TooManyHeaders,
    /// A 101 with a version of HTTP before 1.1.
    #[error("the answer has to be HTTP/1.1 (RFC 6455 §4.2.2)")]
    HttpVersion,
    /// `Upgrade` is missing, repeated or not websocket.
    #[error("Upgrade is missing, repeated or not websocket (RFC 6455 §4.1)")]
    Upgrade,
    /// `Connection` is missing or does not hold Upgrade.
    #[error("Connection is missing or does not hold Upgrade (RFC 6455 §4.1)")]
    Connection,
    /// `Sec-WebSocket-Accept` is missing, repeated or not the value that the key requires.
    #[error("Sec-WebSocket-Accept is missing, repeated or wrong (RFC 6455 §4.1)")]
    Accept,
    /// `Sec-WebSocket-Extensions` is malformed, or names an extension that was not offered, or one twice, or parameters of
    /// permessage-deflate that the offer does not allow.
    #[error("the answer names an extension that was not offered, or not so (RFC 6455 §4.1, RFC 7692 §5)")]
    Extension,
    /// `Sec-WebSocket-Protocol` is not one subprotocol that was listed.
    #[error("the answer names a subprotocol that was not listed (RFC 6455 §4.1)")]
    Subprotocol,
    /// A proxy answers the request for a tunnel with 101, which that does not ask for (RFC 9110 §7.8).
    #[error("the proxy switches protocols, which it was not asked to do (RFC 9110 §7.8)")]
    Switching,
    /// The server declined with this status. Only from [`Exchange::finish`](super::Exchange::finish): a
    /// [`Handshake`](super::Handshake) has [`Error::Declined`].
    #[error("the server answered with status {0}")]
    Status(u16),
    /// The response was not complete by the deadline ([`Keepalive::handshake`](crate::Keepalive::handshake)).
    #[error("the answer took too long")]
    TimedOut,
    /// The handshake ended in an earlier call.
    #[error("the handshake is over")]
    Over,
}

impl From<HeadError> for Flaw {
    fn from(error: HeadError) -> Self {
        match error {
            HeadError::TooLarge => Self::HeadTooLarge,
            HeadError::TooManyHeaders => Self::TooManyHeaders,
            HeadError::NotHttp(other) => Self::NotHttp(other),
            // A client takes a bare line feed, so that the latter does not come.
            HeadError::Malformed | HeadError::BareLineFeed => Self::Malformed,
        }
    }
}
