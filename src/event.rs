//! What the caller hears.

use crate::close::CloseFrame;
use crate::payload::Payload;
use crate::text::Text;
use crate::violation::Violation;
use core::fmt;

/// What [`Connection::receive`](crate::Connection::receive) found in the input.
///
/// An event borrows the input, not the connection, so an answer can be sent while the event is being looked at. What it
/// holds can be kept, without a copy unless it is short or came compressed: [`Text::into_utf8_bytes`], [`Payload::into_bytes`].
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A whole text message.
    Text(Text<'a>),
    /// A whole binary message.
    Binary(Payload<'a>),
    /// The next part of a text message, cut between code points. Only with [`Delivery::Parts`](crate::Delivery::Parts).
    TextPart {
        /// The part; it may be empty when it is the last.
        text: Text<'a>,
        /// Whether the message ends with it.
        fin: bool,
    },
    /// The next part of a binary message. Only with [`Delivery::Parts`](crate::Delivery::Parts).
    BinaryPart {
        /// The part; it may be empty when it is the last.
        data: Payload<'a>,
        /// Whether the message ends with it.
        fin: bool,
    },
    /// A Ping, at most 125 bytes. It is answered already, unless [`Config::auto_pong`](crate::Config::auto_pong) is
    /// off.
    Ping(Payload<'a>),
    /// A Pong, at most 125 bytes: the answer to a Ping, or unasked for.
    Pong(Payload<'a>),
    /// The peer's Close, which the application has to answer. Only when
    /// [`Config::auto_close`](crate::Config::auto_close) is off; no message follows it.
    Close(CloseFrame),
    /// The end: told exactly once, after everything else. It does not wait for the output to be written, nor a client's
    /// for the server to hang up: go on with what [`Interest`](crate::Interest) says.
    Closed(Closure),
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closure {
    /// The Close frame of this side, if it sent one. A violation that is met after it sends no second one.
    pub sent: Option<CloseFrame>,
    /// The Close frame of the peer, if one came.
    pub received: Option<CloseFrame>,
    /// What ended it.
    pub cause: Cause,
}

/// What ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// Both sides sent a Close frame.
    Agreed,
    /// The peer broke the protocol or a limit, and the connection was failed (RFC 6455 §7.1.7).
    Violation(Violation),
    /// The transport ended before the closing handshake did.
    EndOfStream,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agreed => f.write_str("both sides closed"),
            Self::Violation(violation) => {
                let (rfc, section) = (violation.rfc(), violation.section());
                write!(f, "the peer broke the protocol: {violation} (RFC {rfc} §{section})")
            }
            Self::EndOfStream => f.write_str("the transport ended before the closing handshake did"),
        }
    }
}

/// The code and reason of RFC 6455 §7.1.5 and §7.1.6, and the cause.
impl fmt::Display for Closure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}, {}", self.code(), self.reason(), self.cause)
    }
}

impl Closure {
    /// The close code of the connection in the sense of RFC 6455 §7.1.5: that of the Close received; 1005 if it had
    /// none; 1006 if no Close was received, as after a [`Violation`], whose own code is in [`sent`](Closure::sent).
    pub fn code(&self) -> u16 {
        match &self.received {
            Some(frame) => frame.code().map_or(1005, u16::from),
            None => 1006,
        }
    }

    /// The close reason of the connection in the sense of RFC 6455 §7.1.6; empty when none was received.
    pub fn reason(&self) -> &str {
        self.received.as_ref().map_or("", CloseFrame::reason)
    }

    /// Whether both sides sent their Close frame, the condition for a clean end (RFC 6455 §7.1.4).
    pub const fn is_clean(&self) -> bool {
        self.sent.is_some() && self.received.is_some()
    }
}
