//! What goes wrong.

use std::io;
use ws_proto::handshake::client::Error as HandshakeError;
use ws_proto::handshake::server::Rejection;
use ws_proto::handshake::{BuildError, InvalidUri};
use ws_proto::{Cause, Closed, NoEntropy, SendError, SendErrorKind};

/// What goes wrong. A stream returns it once, as its last item.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The connection ended, and not by Close frames of both sides.
    #[error("{0}")]
    Ended(Closed),
    /// The sink refuses the message, and gives it back in here if it is text or binary.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The connection returns messages in parts or of an extension, which the stream has no item for.
    #[error("a message came in parts, or of an extension; it takes whole messages")]
    Unsupported,
    /// The server declined, or its response is not valid.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// The request is not the opening of a WebSocket; it has been answered.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The callback refused the request, with this status.
    #[error("the request was refused with status {0}")]
    Refused(u16),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    Uri(#[from] InvalidUri),
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    #[error("wss needs TLS: connect with a TLS library, and hand the stream to client_async")]
    Tls,
}

/// The error of a stream of bytes.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Io(_) => io::ErrorKind::Other,
            Error::Ended(Closed { cause: Cause::EndOfStream, .. }) => io::ErrorKind::UnexpectedEof,
            Error::Ended(Closed { cause: Cause::TimedOut(_), .. }) => io::ErrorKind::TimedOut,
            Error::Send(refused) if refused.kind() == SendErrorKind::Closed => io::ErrorKind::BrokenPipe,
            _ => io::ErrorKind::ConnectionAborted,
        };
        if let Error::Io(error) = error { error } else { Self::new(kind, error) }
    }
}
