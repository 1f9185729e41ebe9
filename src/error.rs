//! One type for all errors, and the questions that can be asked of each.

use crate::close_code::{CloseCode, InvalidCloseCode};
use crate::close_frame::{CloseFrame, ReasonTooLong};
use crate::connection::ReservedBitInUse;
#[cfg(feature = "deflate")]
use crate::deflate::NegotiationError;
#[cfg(all(
    feature = "getrandom",
    not(all(target_family = "wasm", any(target_os = "unknown", target_os = "none")))
))]
use crate::entropy::NoEntropy;
use crate::event::{Cause, Closed};
#[cfg(feature = "handshake")]
use crate::handshake::{
    BodyError, BuildError, InvalidExtension, InvalidOrigin, InvalidUri, RetryError,
    client::{self, Flaw},
    proxy,
    server::Rejection,
};
use crate::send_error::{SendError, SendErrorKind};
use crate::text::NotUtf8;
use alloc::boxed::Box;

/// Any error of this crate, for programs that do not tell them apart. Each of them becomes one by `?`.
///
/// ```
/// use ws_proto::{Config, Connection, Error, Event, Fault, Input};
///
/// /// Answers until the peer has closed, and whatever else happens is an error.
/// fn echo(ws: &mut Connection, input: &mut Input) -> Result<(), Error> {
///     while let Some(event) = ws.receive(input) {
///         match event {
///             Event::Text(text) => ws.send_text(&text)?,
///             Event::Closed(closed) if closed.is_clean() => return Ok(()),
///             Event::Closed(closed) => return Err(closed.into()),
///             _ => {}
///         }
///     }
///     Ok(())
/// }
///
/// let mut input = Input::new();
/// input.extend_from_slice(b"\x81\x02hi"); // a client has to mask its frames
/// let error = echo(&mut Connection::server(&Config::new()), &mut input).unwrap_err();
/// assert_eq!(error.fault(), Some(Fault::Peer));
/// assert_eq!(error.close_code().map(u16::from), Some(1002));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A connection has ended, where the application takes its end for an error.
    #[error(transparent)]
    Closed(Box<Closed>),
    /// A message was not sent.
    #[error(transparent)]
    Send(#[from] SendError),
    /// A number that is no close code.
    #[error(transparent)]
    CloseCode(#[from] InvalidCloseCode),
    /// A close reason that is too long.
    #[error(transparent)]
    Reason(#[from] ReasonTooLong),
    /// Bytes that were to be text.
    #[error(transparent)]
    NotUtf8(#[from] NotUtf8),
    /// A reserved bit that has a meaning already.
    #[error(transparent)]
    ReservedBit(#[from] ReservedBitInUse),
    /// Parameters of compression that are not valid.
    #[cfg(feature = "deflate")]
    #[error(transparent)]
    Negotiation(#[from] NegotiationError),
    /// No randomness for masking keys.
    #[cfg(all(
        feature = "getrandom",
        not(all(target_family = "wasm", any(target_os = "unknown", target_os = "none")))
    ))]
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    /// A server has refused a request.
    #[cfg(feature = "handshake")]
    #[error(transparent)]
    Rejected(Box<Rejection>),
    /// A client's handshake did not lead to a connection.
    #[cfg(feature = "handshake")]
    #[error(transparent)]
    Handshake(Box<client::Error>),
    /// A proxy has not made the tunnel.
    #[cfg(feature = "handshake")]
    #[error(transparent)]
    Proxy(Box<proxy::Error>),
    /// The body of a response that declines cannot be received.
    #[cfg(feature = "handshake")]
    #[error(transparent)]
    Body(#[from] BodyError),
    /// A declined request cannot be sent again on the same connection.
    #[cfg(feature = "handshake")]
    #[error(transparent)]
    Retry(#[from] RetryError),
    /// Something that is not allowed in a request or response.
    #[cfg(feature = "handshake")]
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A list of extensions that is not well-formed.
    #[cfg(feature = "handshake")]
    #[error(transparent)]
    Extension(#[from] InvalidExtension),
    /// A URI that no WebSocket has.
    #[cfg(feature = "handshake")]
    #[error(transparent)]
    Uri(#[from] InvalidUri),
    /// An origin that no browser sends.
    #[cfg(feature = "handshake")]
    #[error(transparent)]
    Origin(#[from] InvalidOrigin),
    /// An error of the transport. The crate makes none; it is here so that one type serves for both.
    #[cfg(feature = "std")]
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Who can avoid an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The peer: it broke the protocol or a limit, refused what was asked for, or did not go on in time.
    Peer,
    /// The application: it asked for something that cannot be.
    Application,
}

impl Error {
    /// Whose fault it is. `None` where nobody could do otherwise: the stream ended, the output is full because the peer reads
    /// slowly, a message was to be sent while the connection closed.
    pub fn fault(&self) -> Option<Fault> {
        match self {
            Self::Closed(closed) => match closed.cause {
                Cause::Agreed | Cause::EndOfStream => None,
                Cause::Violation(_) | Cause::TimedOut(_) | Cause::RateExceeded => Some(Fault::Peer),
            },
            Self::Send(error) => match error.kind() {
                SendErrorKind::Full | SendErrorKind::Closed => None,
                _ => Some(Fault::Application),
            },
            Self::CloseCode(_) | Self::Reason(_) | Self::NotUtf8(_) | Self::ReservedBit(_) => Some(Fault::Application),
            #[cfg(feature = "deflate")]
            Self::Negotiation(_) => Some(Fault::Peer),
            #[cfg(all(
                feature = "getrandom",
                not(all(target_family = "wasm", any(target_os = "unknown", target_os = "none")))
            ))]
            Self::Entropy(_) => None,
            #[cfg(feature = "handshake")]
            Self::Rejected(_) => Some(Fault::Peer),
            #[cfg(feature = "handshake")]
            Self::Handshake(error) => match &**error {
                client::Error::Declined(_) => Some(Fault::Peer),
                client::Error::Invalid(flaw) => fault_of(*flaw),
            },
            #[cfg(feature = "handshake")]
            Self::Proxy(error) => match &**error {
                proxy::Error::Declined(_) => Some(Fault::Peer),
                proxy::Error::Invalid(flaw) => fault_of(*flaw),
            },
            #[cfg(feature = "handshake")]
            Self::Body(error) => match error {
                BodyError::Truncated => None,
                BodyError::Over => Some(Fault::Application),
                _ => Some(Fault::Peer),
            },
            #[cfg(feature = "handshake")]
            Self::Retry(error) => match error {
                RetryError::NotDeclined | RetryError::Body => Some(Fault::Application),
                RetryError::ConnectionEnds | RetryError::UnexpectedBytes => Some(Fault::Peer),
            },
            #[cfg(feature = "handshake")]
            Self::Build(_) | Self::Extension(_) | Self::Uri(_) | Self::Origin(_) => Some(Fault::Application),
            #[cfg(feature = "std")]
            Self::Io(_) => None,
        }
    }

    /// The close code that this side has sent because of it, or would have if the peer had not closed before.
    pub fn close_code(&self) -> Option<CloseCode> {
        let Self::Closed(closed) = self else { return None };
        match &closed.cause {
            Cause::Violation(violation) => Some(violation.close_code()),
            _ => closed.sent.as_ref().and_then(CloseFrame::code),
        }
    }

    /// The HTTP status that a server answers with: that of the refusal, or 500 where the application's answer cannot be
    /// written. `None` for what does not happen in a server's handshake, and where nothing is to be sent.
    #[cfg(feature = "handshake")]
    pub fn http_status(&self) -> Option<u16> {
        match self {
            Self::Rejected(rejection) => rejection.status(),
            Self::Build(_) => Some(500),
            _ => None,
        }
    }
}

#[cfg(feature = "handshake")]
const fn fault_of(flaw: Flaw) -> Option<Fault> {
    match flaw {
        Flaw::Truncated => None,
        Flaw::Over => Some(Fault::Application),
        _ => Some(Fault::Peer),
    }
}

/// What is large is put into a box.
macro_rules! boxed {
    ($($(#[$feature:meta])? $variant:ident: $error:ty),*) => {$(
        $(#[$feature])?
        impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self::$variant(Box::new(error))
            }
        }
    )*};
}

boxed! {
    Closed: Closed,
    #[cfg(feature = "handshake")]
    Rejected: Rejection,
    #[cfg(feature = "handshake")]
    Handshake: client::Error,
    #[cfg(feature = "handshake")]
    Proxy: proxy::Error
}
