//! What a connection returns for what has come.

use crate::close_frame::CloseFrame;
use crate::deadline::Timeout;
use crate::opcode::MessageKind;
use crate::payload::Payload;
use crate::reserved_bits::ReservedBits;
use crate::text::{Text, Utf8Bytes};
use crate::violation::Violation;
use bytes::Bytes;
use core::fmt;

/// What [`Connection::receive`](crate::Connection::receive) has found in the input.
///
/// An event borrows the input, not the connection, so an answer can be sent while the event is being looked at. Nothing
/// happens when it is dropped. To keep it, for a channel or another thread, there are [`into_owned`](Event::into_owned),
/// [`Text::into_utf8_bytes`] and [`Payload::into_bytes`].
///
/// ```
/// use ws_proto::{Config, Connection, Event, Input, SendError};
///
/// fn echo(ws: &mut Connection, input: &mut Input) -> Result<(), SendError> {
///     while let Some(event) = ws.receive(input) {
///         match event {
///             Event::Text(text) => ws.send_text(&text)?,
///             Event::Binary(data) => ws.send(data.into_message())?,
///             Event::Closed(closed) => println!("closed: {closed}"),
///             _ => {} // Pings, Pongs and Closes are dealt with
///         }
///     }
///     Ok(())
/// }
///
/// let (mut ws, mut input) = (Connection::server(&Config::new()), Input::from(&b"\x81\x82\0\0\0\0hi"[..]));
/// echo(&mut ws, &mut input)?;
/// assert_eq!(ws.output().next_owned().expect("an echo"), &b"\x81\x02hi"[..]);
/// # Ok::<(), SendError>(())
/// ```
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A whole text message.
    Text(Text<'a>),
    /// A whole binary message.
    Binary(Payload<'a>),
    /// The next part of a text message, cut between code points. Only with [`Delivery::Parts`](crate::Delivery::Parts).
    /// A part ends where what was read does, or the frame; an empty frame within a message is no part.
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
    /// A whole message of an extension of the application's: its first frame has reserved bits set that
    /// [`Connection::set_reserved_bits`](crate::Connection::set_reserved_bits) has given a meaning.
    Extension {
        /// The type that the opcode names.
        kind: MessageKind,
        /// The bits that are set.
        reserved: ReservedBits,
        /// The payload as it came, inflated if permessage-deflate is in use and RSV1 is set, too. It may be anything, also
        /// where the message is text: what the bytes mean only the extension knows.
        payload: Payload<'a>,
    },
    /// The next part of a message of an extension of the application's. Only with
    /// [`Delivery::Parts`](crate::Delivery::Parts).
    ExtensionPart {
        /// The type that the opcode of the message's first frame names.
        kind: MessageKind,
        /// The bits that are set in that frame; each part of the message comes with them.
        reserved: ReservedBits,
        /// The part as it came, inflated as in [`Extension`](Event::Extension); text may be cut within a code point. It may be
        /// empty when it is the last.
        payload: Payload<'a>,
        /// Whether the message ends with it.
        fin: bool,
    },
    /// A Ping, at most 125 bytes. It is answered already, unless [`Config::auto_pong`](crate::Config::auto_pong) is off.
    Ping(Payload<'a>),
    /// A Pong, at most 125 bytes: the answer to a Ping, or unasked for.
    Pong(Payload<'a>),
    /// The peer's Close, which the application has to answer with [`Connection::close`](crate::Connection::close). Only when
    /// [`Config::auto_close`](crate::Config::auto_close) is off; no message follows it.
    ///
    /// It is not returned where it answers a Close that this side has sent before: that is the end, and code and reason of
    /// the answer are in [`Closed::received`]. A proxy that passes a Close on has to look at both places.
    Close(CloseFrame),
    /// The end: returned exactly once, after everything else. It does not wait for the output to be written, nor on a client
    /// for the server to hang up: go on with what [`Interest`](crate::Interest) says.
    Closed(Closed),
}

/// An [`Event`] that holds what it is about, from [`Event::into_owned`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OwnedEvent {
    /// As [`Event::Text`].
    Text(Utf8Bytes),
    /// As [`Event::Binary`].
    Binary(Bytes),
    /// As [`Event::TextPart`].
    TextPart {
        /// The part; it may be empty when it is the last.
        text: Utf8Bytes,
        /// Whether the message ends with it.
        fin: bool,
    },
    /// As [`Event::BinaryPart`].
    BinaryPart {
        /// The part; it may be empty when it is the last.
        data: Bytes,
        /// Whether the message ends with it.
        fin: bool,
    },
    /// As [`Event::Extension`].
    Extension {
        /// The type that the opcode names.
        kind: MessageKind,
        /// The bits that are set.
        reserved: ReservedBits,
        /// The payload, which may be anything.
        payload: Bytes,
    },
    /// As [`Event::ExtensionPart`].
    ExtensionPart {
        /// The type that the opcode of the message's first frame names.
        kind: MessageKind,
        /// The bits that are set in that frame.
        reserved: ReservedBits,
        /// The part; it may be empty when it is the last.
        payload: Bytes,
        /// Whether the message ends with it.
        fin: bool,
    },
    /// As [`Event::Ping`].
    Ping(Bytes),
    /// As [`Event::Pong`].
    Pong(Bytes),
    /// As [`Event::Close`].
    Close(CloseFrame),
    /// As [`Event::Closed`].
    Closed(Closed),
}

impl Event<'_> {
    /// The event as a value that borrows nothing, at the cost of [`Payload::into_bytes`].
    ///
    /// It takes a line of its own before a method that needs all of `self`: in `self.handle(event.into_owned())` the compiler
    /// borrows `self` before the event no longer borrows the input.
    ///
    /// ```
    /// use ws_proto::{Connection, Input, OwnedEvent};
    ///
    /// struct Session {
    ///     ws: Connection,
    ///     input: Input,
    /// }
    ///
    /// impl Session {
    ///     fn receive_all(&mut self) {
    ///         while let Some(event) = self.ws.receive(&mut self.input) {
    ///             let event = event.into_owned();
    ///             self.handle(event);
    ///         }
    ///     }
    ///
    ///     fn handle(&mut self, event: OwnedEvent) {
    ///         // … all of the session may be used here
    ///     }
    /// }
    /// ```
    pub fn into_owned(self) -> OwnedEvent {
        match self {
            Self::Text(text) => OwnedEvent::Text(text.into_utf8_bytes()),
            Self::Binary(data) => OwnedEvent::Binary(data.into_bytes()),
            Self::TextPart { text, fin } => OwnedEvent::TextPart { text: text.into_utf8_bytes(), fin },
            Self::BinaryPart { data, fin } => OwnedEvent::BinaryPart { data: data.into_bytes(), fin },
            Self::Extension { kind, reserved, payload } => {
                OwnedEvent::Extension { kind, reserved, payload: payload.into_bytes() }
            }
            Self::ExtensionPart { kind, reserved, payload, fin } => {
                OwnedEvent::ExtensionPart { kind, reserved, payload: payload.into_bytes(), fin }
            }
            Self::Ping(data) => OwnedEvent::Ping(data.into_bytes()),
            Self::Pong(data) => OwnedEvent::Pong(data.into_bytes()),
            Self::Close(frame) => OwnedEvent::Close(frame),
            Self::Closed(closed) => OwnedEvent::Closed(closed),
        }
    }
}

/// How a connection ended. It is an error where the application sees one in the end; [`is_clean`](Closed::is_clean) says whether both sides
/// closed it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Closed {
    /// The Close frame of this side, if it sent one. A violation that is met after it sends no second one.
    pub sent: Option<CloseFrame>,
    /// The Close frame of the peer, if one came.
    pub received: Option<CloseFrame>,
    /// What ended it.
    pub cause: Cause,
}

/// What ended a connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// Both sides sent a Close frame. Which came first is not recorded. It was this side's if
    /// [`close`](crate::Connection::close) returned `Ok` before an [`Event::Close`], or if the deadline of
    /// [`Keepalive::idle`](crate::Keepalive::idle) sent it.
    Agreed,
    /// The peer broke the protocol or a limit, and the connection was failed (RFC 6455 §7.1.7).
    Violation(Violation),
    /// The transport ended before the closing handshake did.
    EndOfStream,
    /// A deadline of [`Keepalive`](crate::Keepalive) passed.
    /// [`code`](Closed::code) is 1006 then, unless the peer's Close had come; a 1008 that was sent is in
    /// [`sent`](Closed::sent).
    TimedOut(Timeout),
    /// The peer sent more than the [`RateLimit`](crate::RateLimit) allows, which is set to
    /// [`Excess::Close`](crate::Excess::Close).
    RateExceeded,
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
            Self::TimedOut(timeout) => timeout.fmt(f),
            Self::RateExceeded => f.write_str("the peer sent more than the rate limit allows"),
        }
    }
}

/// The code of RFC 6455 §7.1.5, the reason of §7.1.6 if there is one, the code that was sent if that is another, and the cause:
/// `1001 "restart", both sides closed`.
impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code())?;
        if !self.reason().is_empty() {
            write!(f, " {:?}", self.reason())?;
        }
        let sent = self.sent.as_ref().and_then(CloseFrame::code);
        if let Some(sent) = sent.filter(|sent| *sent != self.code()) {
            write!(f, ", {sent} sent")?;
        }
        write!(f, ", {}", self.cause)
    }
}

impl core::error::Error for Closed {}

impl core::error::Error for Cause {}

impl Closed {
    /// The close code of the connection in the sense of RFC 6455 §7.1.5: that of the Close received; 1005 if it had
    /// none; 1006 if no Close was received, as after a [`Violation`], whose own code is in [`sent`](Closed::sent).
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
