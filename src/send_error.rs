//! What the caller can do wrong: sends that are refused.

use crate::message::Message;
use core::fmt;

/// A send was refused. Nothing of it has gone out, and the connection is as it was before.
///
/// An owned message comes back: [`into_message`](SendError::into_message).
///
/// ```
/// use ws_proto::{Config, Connection, Message, SendErrorKind};
///
/// let mut ws = Connection::server(&Config::new().max_buffered(100));
/// let error = ws.send("x".repeat(200)).unwrap_err();
/// assert_eq!(error.kind(), SendErrorKind::TooLarge);
/// assert_eq!(error.into_message(), Some(Message::from("x".repeat(200))));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendError {
    kind: SendErrorKind,
    message: Option<Message>,
}

impl SendError {
    pub(crate) const fn new(kind: SendErrorKind, message: Option<Message>) -> Self {
        Self { kind, message }
    }

    /// Why the send was refused.
    pub const fn kind(&self) -> SendErrorKind {
        self.kind
    }

    /// The message, if it was given away to be sent. What was borrowed is still the caller's.
    ///
    /// ```
    /// use ws_proto::{Config, Connection, SendErrorKind};
    ///
    /// let mut ws = Connection::server(&Config::new().max_buffered(100));
    /// ws.send_binary(&[1; 60])?;
    /// let mut waiting = None;
    /// match ws.send(vec![2; 60]) {
    ///     Err(error) if error.kind() == SendErrorKind::Full => waiting = error.into_message(),
    ///     sent => sent?,
    /// }
    /// // … and when some of the output has been written:
    /// ws.output().clear();
    /// if let Some(message) = waiting.take() {
    ///     ws.send(message)?;
    /// }
    /// # Ok::<(), ws_proto::SendError>(())
    /// ```
    pub fn into_message(self) -> Option<Message> {
        self.message
    }
}

impl From<SendErrorKind> for SendError {
    fn from(kind: SendErrorKind) -> Self {
        Self { kind, message: None }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl core::error::Error for SendError {}

/// Why a send was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum SendErrorKind {
    /// The output would hold more than [`Config::max_buffered`](crate::Config::max_buffered) bytes. Write it out, then
    /// try again.
    #[error("the output holds as much as it may; write it out first")]
    Full,
    /// The message, with the headers of its frames, is more than [`Config::max_buffered`](crate::Config::max_buffered); it never
    /// finds room. A later
    /// part of a compressed message counts as an eighth more than its size.
    #[error("the message is larger than the output may ever hold")]
    TooLarge,
    /// This side has sent its Close frame, or the connection is over (RFC 6455 §5.5.1, §6.1).
    #[error("the connection is closing or closed (RFC 6455 §5.5.1)")]
    Closed,
    /// A message is being sent in parts, and no other may begin before its last part (RFC 6455 §5.4).
    #[error("a message sent in parts is not finished (RFC 6455 §5.4)")]
    Unfinished,
    /// The part is text and the message it belongs to is binary, or the other way round, or it has other reserved bits
    /// (RFC 6455 §5.4).
    #[error("the parts of a message are of one type (RFC 6455 §5.4)")]
    KindChanged,
    /// The message has a reserved bit set that
    /// [`Connection::set_reserved_bits`](crate::Connection::set_reserved_bits) has not given a meaning (RFC 6455 §5.2).
    #[error("the message has a reserved bit set that has no meaning on this connection (RFC 6455 §5.2)")]
    ReservedBit,
    /// A Ping or Pong holds at most 125 bytes (RFC 6455 §5.5).
    #[error("a Ping or Pong holds at most 125 bytes (RFC 6455 §5.5)")]
    ControlTooLong,
    /// Only a server sends [`Prepared`](crate::Prepared) messages: a client masks every frame with a key of its own
    /// (RFC 6455 §5.3).
    #[error("a client does not send prepared messages: each frame is masked with a key of its own (RFC 6455 §5.3)")]
    ServerOnly,
    /// Close code 1010 is a client's (RFC 6455 §7.4.1).
    #[error("close code 1010 is not a server's (RFC 6455 §7.4.1)")]
    ClientCode,
}

/// A message that was to be written into the output was not sent. Nothing of it has gone out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError<E> {
    /// The send was refused, or there was no room for the message.
    #[error(transparent)]
    Refused(#[from] SendError),
    /// What was written as text is not UTF-8 (RFC 6455 §8.1).
    #[error("what was written as text is not UTF-8")]
    NotUtf8,
    /// The error of whoever was to write it.
    #[error("the message could not be written")]
    Failed(#[source] E),
}
