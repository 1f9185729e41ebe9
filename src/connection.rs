//! The hall: the receiving and the sending half, joined by the rules.

mod output;
mod receive;
mod send;

pub use output::Output;

use crate::close::{CloseCode, CloseFrame};
use crate::config::Config;
use crate::decoder::{Decoded, Decoder};
use crate::event::{Cause, Closure, Event};
use crate::interest::Interest;
use crate::message::Message;
use crate::misuse::{SendError, SendErrorKind};
use crate::opcode::{MessageKind, Opcode};
use crate::payload::{Payload, Span};
use crate::role::Role;
use crate::rules::closing::Closing;
use crate::seed::{MaskingKeys, Seed};
use crate::text::{Text, Utf8Bytes};
use crate::violation::Violation;
use alloc::boxed::Box;
use bytes::{Buf, BytesMut};
use send::Sender;

/// While this much output waits, or half of [`Config::max_buffered`] if that is less, nothing more is read.
const CROWDED: usize = 1 << 20;

/// One WebSocket connection after its handshake: bytes in, events out; messages in, bytes out.
///
/// It does no I/O. The caller appends what comes from the wire to an input buffer of its own, takes events out of it with
/// [`receive`](Connection::receive), and writes [`output`](Connection::output) to the wire;
/// [`interest`](Connection::interest) says which of the two is due.
///
/// What a peer does wrong never makes a method fail: it ends the connection with the Close frame that is due in the
/// output, and with [`Event::Closed`] as the last event.
///
/// ```
/// use ws_proto::bytes::{BufMut, BytesMut};
/// use ws_proto::{CloseCode, Config, Connection, Event, Seed};
///
/// let mut server = Connection::server(&Config::new());
/// let mut client = Connection::client(Seed::new([1; 32]), &Config::new());
///
/// client.send_text("hello")?;
/// client.close(CloseCode::NORMAL)?;
/// let mut input = BytesMut::new();
/// input.put(client.output());
///
/// while let Some(event) = server.receive(&mut input) {
///     match event {
///         Event::Text(text) => assert_eq!(text, "hello"),
///         Event::Closed(closure) => assert_eq!(closure.code(), 1000),
///         event => panic!("unexpected {event:?}"),
///     }
/// }
/// assert!(server.interest().write, "the answer to the Close frame");
/// # Ok::<(), ws_proto::SendError>(())
/// ```
#[derive(Debug)]
pub struct Connection {
    decoder: Decoder,
    sender: Sender,
    closing: Closing,
    role: Role,
    auto_pong: bool,
    auto_close: bool,
    end_of_stream: bool,
    /// Whether [`Event::Closed`] has been told.
    told: bool,
    /// The Close frames that have gone, from the first one on.
    frames: Option<Box<CloseFrames>>,
}

#[derive(Debug, Default)]
struct CloseFrames {
    sent: Option<CloseFrame>,
    received: Option<CloseFrame>,
}

impl Connection {
    /// The server's end of a stream on which the handshake is done.
    pub fn server(config: &Config) -> Self {
        Self::new(Role::Server, None, config)
    }

    /// The client's end of a stream on which the handshake is done. The seed is the source of its masking keys.
    pub fn client(seed: Seed, config: &Config) -> Self {
        Self::with_keys(Box::new(MaskingKeys::new(seed)), config)
    }

    pub(crate) fn with_keys(keys: Box<MaskingKeys>, config: &Config) -> Self {
        Self::new(Role::Client, Some(keys), config)
    }

    fn new(role: Role, keys: Option<Box<MaskingKeys>>, config: &Config) -> Self {
        Self {
            decoder: Decoder::new(role, config),
            sender: Sender::new(keys, config.max_buffered),
            closing: Closing::Open,
            role,
            auto_pong: config.auto_pong,
            auto_close: config.auto_close,
            end_of_stream: false,
            told: false,
            frames: None,
        }
    }

    /// The next event that the input holds, or `None` when more bytes are needed.
    ///
    /// `input` is this connection's alone while a message is incomplete; only append to it. When it is empty after the
    /// last event, another connection may use the same buffer. Bytes that come after the end are dropped.
    ///
    /// *Complexity*: linear in the bytes that are new since the last call, however they are cut; no allocation but for a
    /// Close frame.
    #[inline(always)]
    pub fn receive<'i>(&mut self, input: &'i mut BytesMut) -> Option<Event<'i>> {
        match self.decoder.short_message(input) {
            Some(Ok((MessageKind::Binary, span))) => Some(Event::Binary(Payload::new(input, span))),
            Some(Ok((MessageKind::Text, span))) => Some(Event::Text(Text::validated(Payload::new(input, span)))),
            Some(Err(violation)) => self.fail(input, violation),
            None => self.receive_any(input),
        }
    }

    #[inline(never)]
    fn receive_any<'i>(&mut self, input: &'i mut BytesMut) -> Option<Event<'i>> {
        if !self.closing.hears() {
            return self.farewell(input);
        }
        match self.decoder.decode(input) {
            Decoded::Message { kind: MessageKind::Text, span } => {
                Some(Event::Text(Text::validated(Payload::new(input, span))))
            }
            Decoded::Message { kind: MessageKind::Binary, span } => Some(Event::Binary(Payload::new(input, span))),
            Decoded::Part { kind: MessageKind::Text, span, fin } => {
                Some(Event::TextPart { text: Text::validated(Payload::new(input, span)), fin })
            }
            Decoded::Part { kind: MessageKind::Binary, span, fin } => {
                Some(Event::BinaryPart { data: Payload::new(input, span), fin })
            }
            Decoded::NeedMore { keep } => {
                input.truncate(keep);
                if self.end_of_stream { self.lost(input) } else { None }
            }
            Decoded::Ping { span } => Some(self.ping_received(input, span)),
            Decoded::Pong { span } => Some(Event::Pong(Payload::new(input, span))),
            Decoded::Close { span } => self.close_received(input, span),
            Decoded::Violation(violation) => self.fail(input, violation),
        }
    }

    /// Says that the transport has nothing more to give. What the input still holds can be received, then comes
    /// [`Event::Closed`], unless that has been told already.
    pub fn receive_eof(&mut self) {
        self.end_of_stream = true;
    }

    /// What the connection wants of its transport next.
    #[inline]
    pub fn interest(&self) -> Interest {
        let write = self.sender.output.has_remaining();
        let read = !self.end_of_stream && !self.sender.is_crowded();
        let hang_up = self.closing.hangs_up(self.role, self.end_of_stream);
        Interest { read: read && !hang_up, write, hang_up: hang_up && !write }
    }

    /// The bytes that wait to be written, a [`Buf`].
    #[inline]
    pub fn output(&mut self) -> &mut Output {
        &mut self.sender.output
    }

    /// Sends a text message, copying it.
    ///
    /// # Errors
    /// [`SendErrorKind::Full`], [`SendErrorKind::Closed`] or [`SendErrorKind::Unfinished`].
    #[inline]
    pub fn send_text(&mut self, text: &str) -> Result<(), SendError> {
        self.check_open()?;
        Ok(self.sender.copy(MessageKind::Text, text.as_bytes())?)
    }

    /// Sends a binary message, copying it.
    ///
    /// # Errors
    /// As for [`send_text`](Connection::send_text).
    #[inline]
    pub fn send_binary(&mut self, data: &[u8]) -> Result<(), SendError> {
        self.check_open()?;
        Ok(self.sender.copy(MessageKind::Binary, data)?)
    }

    /// Sends a message that is given away.
    ///
    /// From 4 KiB on a server's payload goes out untouched, by reference. A client's is masked in place if nobody else
    /// holds it, and otherwise masked while it is copied (RFC 6455 §5.3).
    ///
    /// ```
    /// # use ws_proto::{Config, Connection, Message};
    /// # let mut ws = Connection::server(&Config::new());
    /// ws.send("text")?;
    /// ws.send(vec![1, 2, 3])?;
    /// # Ok::<(), ws_proto::SendError>(())
    /// ```
    ///
    /// # Errors
    /// As for [`send_text`](Connection::send_text); the error gives the message back.
    pub fn send(&mut self, message: impl Into<Message>) -> Result<(), SendError> {
        let message = message.into();
        match self.check_open() {
            Ok(()) => self.sender.send(message),
            Err(kind) => Err(SendError::new(kind, Some(message))),
        }
    }

    /// Sends the next fragment of a message (RFC 6455 §5.4). The first one begins it, the one with `fin` ends it; all are
    /// of one type. Pings, Pongs and a Close may be sent in between, other messages not.
    ///
    /// ```
    /// # use ws_proto::{Config, Connection};
    /// # let mut ws = Connection::server(&Config::new());
    /// ws.send_part("one ", false)?;
    /// ws.send_part("message", true)?;
    /// # Ok::<(), ws_proto::SendError>(())
    /// ```
    ///
    /// # Errors
    /// [`SendErrorKind::Full`], [`SendErrorKind::Closed`] or [`SendErrorKind::KindChanged`]; the error gives the part back.
    pub fn send_part(&mut self, part: impl Into<Message>, fin: bool) -> Result<(), SendError> {
        let part = part.into();
        match self.check_open() {
            Ok(()) => self.sender.part(part, fin),
            Err(kind) => Err(SendError::new(kind, Some(part))),
        }
    }

    /// Sends a Ping with at most 125 bytes (RFC 6455 §5.5.2).
    ///
    /// # Errors
    /// [`SendErrorKind::ControlTooLong`], [`SendErrorKind::Full`] or [`SendErrorKind::Closed`].
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.check_open()?;
        Ok(self.sender.control(Opcode::Ping, payload)?)
    }

    /// Sends a Pong with at most 125 bytes (RFC 6455 §5.5.3): unasked for, or as the answer to a Ping when
    /// [`Config::auto_pong`] is off. It may follow this side's Close, until the peer's has come.
    ///
    /// # Errors
    /// As for [`ping`](Connection::ping).
    pub fn pong(&mut self, payload: &[u8]) -> Result<(), SendError> {
        if !self.closing.may_pong() {
            return Err(SendErrorKind::Closed.into());
        }
        Ok(self.sender.control(Opcode::Pong, payload)?)
    }

    /// Starts the closing handshake (RFC 6455 §7.1.2), or answers the peer's Close when [`Config::auto_close`] is off.
    /// Messages still arrive until the peer's Close does.
    ///
    /// ```
    /// # use ws_proto::{CloseCode, CloseFrame, Config, Connection};
    /// # let mut ws = Connection::server(&Config::new());
    /// ws.close(CloseFrame::new(CloseCode::GOING_AWAY, "restarting")?)?;
    /// assert!(ws.close(CloseCode::NORMAL).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SendErrorKind::Closed`] if that was done before or the connection is over, [`SendErrorKind::ClientCode`] for a
    /// server that says 1010.
    pub fn close(&mut self, frame: impl Into<CloseFrame>) -> Result<(), SendError> {
        let frame = frame.into();
        if !self.closing.may_close() {
            return Err(SendErrorKind::Closed.into());
        }
        // RFC 6455 §7.4.1: a server that lacks an extension fails the handshake instead.
        if self.role == Role::Server && frame.code() == Some(CloseCode::MANDATORY_EXTENSION) {
            return Err(SendErrorKind::ClientCode.into());
        }
        self.send_close(frame);
        Ok(())
    }

    /// Gives the memory of the output back if nothing waits in it. It is kept otherwise, so that a busy connection does
    /// not allocate for every message; call this when a connection goes quiet.
    pub fn release_memory(&mut self) {
        self.sender.output.release();
    }

    /// Which end this is.
    pub const fn role(&self) -> Role {
        self.role
    }

    #[inline]
    fn check_open(&self) -> Result<(), SendErrorKind> {
        if self.closing.may_send() { Ok(()) } else { Err(SendErrorKind::Closed) }
    }

    fn send_close(&mut self, frame: CloseFrame) {
        self.sender.close(&frame);
        self.closing = self.closing.send();
        self.frames.get_or_insert_default().sent = Some(frame);
    }

    #[cold]
    fn ping_received<'i>(&mut self, input: &'i mut BytesMut, span: Span) -> Event<'i> {
        let payload = Payload::new(input, span);
        // RFC 6455 §5.5.2, §5.5.3: the Pong repeats the Ping's data.
        if self.auto_pong && self.closing.may_pong() {
            self.sender.automatic_pong(&payload);
        }
        Event::Ping(payload)
    }

    #[cold]
    fn close_received<'i>(&mut self, input: &mut BytesMut, span: Span) -> Option<Event<'i>> {
        let read = receive::close_frame(&Payload::new(input, span));
        let frame = match read {
            Ok(frame) => frame,
            Err(violation) => return self.fail(input, violation),
        };
        self.closing = self.closing.receive();
        self.frames.get_or_insert_default().received = Some(frame.clone());
        if self.closing == Closing::Received {
            if !self.auto_close {
                return Some(Event::Close(frame));
            }
            // RFC 6455 §5.5.1: the answer normally repeats the code.
            self.send_close(frame.code().map_or(CloseFrame::EMPTY, CloseFrame::from));
        }
        self.farewell(input)
    }

    /// Fails the connection (RFC 6455 §7.1.7): says so once, in a Close frame if none has gone, and hears no more.
    #[cold]
    fn fail<'i>(&mut self, input: &mut BytesMut, violation: Violation) -> Option<Event<'i>> {
        if self.closing.may_close() {
            let reason = Utf8Bytes::from_static(violation.reason());
            // Every reason is shorter than a Close frame's limit.
            let frame = CloseFrame::new(violation.close_code(), reason).unwrap_or(CloseFrame::EMPTY);
            self.send_close(frame);
        }
        self.closing = Closing::Failed(violation);
        self.farewell(input)
    }

    #[cold]
    fn lost<'i>(&mut self, input: &mut BytesMut) -> Option<Event<'i>> {
        self.closing = self.closing.end();
        self.farewell(input)
    }

    /// After the last frame: drops what still comes, and tells the end once.
    #[cold]
    fn farewell<'i>(&mut self, input: &mut BytesMut) -> Option<Event<'i>> {
        self.decoder.stop();
        input.clear();
        if self.end_of_stream {
            self.closing = self.closing.end();
        }
        let cause = match self.closing {
            Closing::Agreed => Cause::Agreed,
            Closing::Failed(violation) => Cause::Violation(violation),
            Closing::Ended => Cause::EndOfStream,
            Closing::Open | Closing::Sent | Closing::Received => return None,
        };
        if core::mem::replace(&mut self.told, true) {
            return None;
        }
        let CloseFrames { sent, received } = self.frames.take().map_or_else(CloseFrames::default, |frames| *frames);
        Some(Event::Closed(Closure { sent, received, cause }))
    }
}

#[cfg(feature = "handshake")]
impl Connection {
    /// Puts the head of the handshake's answer ahead of every frame.
    pub(crate) fn preceded_by(mut self, head: &[u8]) -> Self {
        self.sender.output.small().extend_from_slice(head);
        self
    }
}
