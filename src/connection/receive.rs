//! The receiving half: bytes become events, and what is owed for them becomes a value.

use super::inflating::{Found, Inflating};
use super::reply::{ControlPayload, Owed, Reply};
use crate::close::{CloseCode, CloseFrame};
use crate::config::{Config, Delivery};
use crate::decoder::{Decoded, Decoder};
#[cfg(feature = "deflate")]
use crate::deflate::{DeflateConfig, DeflateParameters};
use crate::event::Event;
use crate::opcode::MessageKind;
use crate::payload::{Payload, Span};
use crate::role::Role;
use crate::text::{Text, Utf8Bytes};
use crate::violation::Violation;
use alloc::boxed::Box;
use bytes::{Buf, Bytes, BytesMut};
use core::{fmt, ops::Range};

/// The most room that is made for a reader behind text that is under way.
const MAX_ROOM: usize = 64 << 10;

/// The receiving half of a connection that was taken apart with
/// [`Connection::into_halves`](crate::Connection::into_halves).
pub struct ReceiveHalf {
    decoder: Decoder,
    auto_pong: bool,
    auto_close: bool,
    transport: Transport,
    phase: Phase,
    /// The text so far of a message under way, its header before it. Between two calls the input is its owner's, who
    /// could change what is validated, so it is kept here: a slice of the same memory, to which the input is joined
    /// again.
    text: BytesMut,
    /// What inflates, once that is agreed.
    inflating: Option<Box<Inflating>>,
}

/// Shows nothing of what the peer has sent.
impl fmt::Debug for ReceiveHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiveHalf")
            .field("decoder", &self.decoder)
            .field("transport", &self.transport)
            .field("phase", &self.phase)
            .finish_non_exhaustive()
    }
}

/// Whether frames are still read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Hearing,
    /// The peer's Close or the end of the transport has come.
    Over,
    /// The peer broke the protocol.
    Failed,
}

/// Whether the transport may give more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Open,
    /// It has ended, and the sending half has not been told.
    Ended,
    /// It has ended, and the sending half knows.
    Told,
}

/// What a [`ReceiveHalf`] found: an event, a reply, or an event with the reply that is owed for it.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Received<'i> {
    /// What there is to hear. Here [`Event::Close`] may also be the answer to a Close of this side's, which this half
    /// does not know of.
    pub event: Option<Event<'i>>,
    /// What [`SendHalf::reply`](crate::SendHalf::reply) has to be given.
    pub reply: Option<Reply>,
}

impl<'i> Received<'i> {
    const fn event(event: Event<'i>) -> Option<Self> {
        Some(Self { event: Some(event), reply: None })
    }

    const fn reply(owed: Owed) -> Option<Self> {
        Some(Self { event: None, reply: Some(Reply(owed)) })
    }
}

impl ReceiveHalf {
    #[inline]
    pub(super) fn new(role: Role, config: &Config) -> Self {
        Self {
            decoder: Decoder::new(role, config),
            auto_pong: config.auto_pong,
            auto_close: config.auto_close,
            transport: Transport::Open,
            phase: Phase::Hearing,
            text: BytesMut::new(),
            inflating: None,
        }
    }

    #[cfg(feature = "deflate")]
    pub(super) fn allow_compressed(&mut self, role: Role, config: &DeflateConfig, agreed: DeflateParameters) {
        let (max_message, delivery) = (self.decoder.max_message(), self.decoder.delivery());
        self.inflating = Some(Box::new(Inflating::new(role, config, agreed, max_message, delivery)));
        self.decoder.allow_compressed();
    }

    /// As [`Connection::deflate_parameters`](crate::Connection::deflate_parameters).
    #[cfg(feature = "deflate")]
    pub fn deflate_parameters(&self) -> Option<DeflateParameters> {
        self.inflating.as_ref().map(|inflating| inflating.agreed())
    }

    /// Gives the memory back that receiving compressed messages took, as far as it is not needed for the next one.
    pub fn release_memory(&mut self) {
        if let Some(inflating) = &mut self.inflating {
            inflating.release();
        }
    }

    /// What the input holds next, or `None` when more bytes are needed or nothing more can come; for the rest as
    /// [`Connection::receive`](crate::Connection::receive). The end is not an event here: the reply that brings it
    /// makes [`SendHalf::closure`](crate::SendHalf::closure) tell it.
    pub fn receive<'i>(&mut self, input: &'i mut BytesMut) -> Option<Received<'i>> {
        match self.short_message(input) {
            Some((kind, span)) => Received::event(message(kind, input, span)),
            None => self.receive_longer(input),
        }
    }

    /// Says that the transport has nothing more to give; what the input still holds can be received.
    pub fn receive_eof(&mut self) {
        if self.transport == Transport::Open {
            self.transport = Transport::Ended;
        }
    }

    /// Whether to go on reading: until the end of the stream or a violation. After the peer's Close nothing that comes
    /// is looked at, but a client reads on until the server hangs up (RFC 6455 §7.1.1).
    pub const fn wants_read(&self) -> bool {
        matches!(self.transport, Transport::Open) && !matches!(self.phase, Phase::Failed)
    }

    /// Whether the last event has been told, and what comes on the wire is no longer looked at.
    pub const fn is_over(&self) -> bool {
        !matches!(self.phase, Phase::Hearing)
    }

    /// A whole short message at the front of the input. `None` says only that there is to be a closer look.
    #[inline(always)]
    pub(super) fn short_message(&mut self, input: &mut BytesMut) -> Option<(MessageKind, Span)> {
        self.decoder.short_message(input)
    }

    /// What the input holds next, if it is no short message.
    #[inline(never)]
    fn receive_longer<'i>(&mut self, input: &'i mut BytesMut) -> Option<Received<'i>> {
        if self.has_nothing(input) {
            return None;
        }
        match self.medium_message(input) {
            Some((kind, span)) => Received::event(message(kind, input, span)),
            None => self.receive_any(input),
        }
    }

    /// Whether the input is empty and the connection goes on.
    #[inline]
    pub(super) fn has_nothing(&self, input: &BytesMut) -> bool {
        input.is_empty() && self.transport == Transport::Open && self.phase == Phase::Hearing
    }

    /// A whole message of medium length at the front of the input; `None` as for a short one.
    #[inline]
    pub(super) fn medium_message(&mut self, input: &mut BytesMut) -> Option<(MessageKind, Span)> {
        let told = self.decoder.take_told();
        if told > 0 {
            // There is less only if its owner has removed some.
            input.advance(told.min(input.len()));
        }
        self.decoder.medium_message(input)
    }

    /// What the input holds next, whatever it is. It stands in its callers, because compressed messages come this way.
    #[inline(always)]
    pub(super) fn receive_any<'i>(&mut self, input: &'i mut BytesMut) -> Option<Received<'i>> {
        if self.is_over() {
            input.clear();
            return self.end_of_stream(input);
        }
        self.give_back(input);
        loop {
            return match self.decoder.decode(input) {
                Decoded::Message { kind, span } => Received::event(message(kind, input, span)),
                Decoded::Part { kind, span, fin } => Received::event(part(kind, Payload::new(input, span), fin)),
                Decoded::Compressed { kind, start, end, fin } => match self.inflate(input, kind, start..end, fin) {
                    Ok(None) => continue,
                    Ok(Some((span, fin))) => Received::event(self.inflated(kind, Payload::new(input, span), fin)),
                    Err(violation) => self.fail(input, violation),
                },
                Decoded::NeedMore { keep } => {
                    input.truncate(keep);
                    to_the_front(input);
                    self.keep_text(input);
                    self.end_of_stream(input)
                }
                Decoded::Ping(span) => {
                    let span = span.behind(self.keep_text(input));
                    Some(self.ping(Payload::new(input, span)))
                }
                Decoded::Pong(span) => {
                    let span = span.behind(self.keep_text(input));
                    Received::event(Event::Pong(Payload::new(input, span)))
                }
                Decoded::Close(span) => {
                    let read = close_frame(&Payload::new(input, span));
                    match read {
                        Ok(frame) => {
                            self.end(input, Phase::Over);
                            Some(self.close(frame))
                        }
                        Err(violation) => self.fail(input, violation),
                    }
                }
                Decoded::Violation(violation) => self.fail(input, violation),
            };
        }
    }

    /// Takes text that is validated out of the input; how much that is.
    #[inline]
    fn keep_text(&mut self, input: &mut BytesMut) -> usize {
        let count = self.decoder.keep_validated(input);
        if count > 0 {
            let rest = input.split_off(count);
            self.text = core::mem::replace(input, rest);
        }
        count
    }

    /// Puts it back in front of the input: without a copy, if what has come since was appended where the text ends.
    ///
    /// However this ends, by a panic too, the decoder takes no text for valid but what was kept here until now.
    #[inline]
    fn give_back(&mut self, input: &mut BytesMut) {
        self.decoder.assert_reaches(self.text.len() + input.len());
        if self.text.is_empty() {
            return self.decoder.distrust();
        }
        let mut whole = core::mem::take(&mut self.text);
        let room = (input.capacity() - input.len()).min(MAX_ROOM);
        whole.unsplit(core::mem::take(input));
        // Where there was not the room that the reader wants it took memory of its own; next time there is.
        whole.reserve(room);
        *input = whole;
    }

    /// Gives a piece of a compressed message to zlib, and removes it from the input once it is used up. What came out
    /// is put behind the input, with whether the message ends with it.
    fn inflate(
        &mut self,
        input: &mut BytesMut,
        kind: MessageKind,
        piece: Range<usize>,
        fin: bool,
    ) -> Result<Option<(Span, bool)>, Violation> {
        // The decoder finds such pieces only where there is something to inflate them.
        let Some(inflating) = &mut self.inflating else { return Err(Violation::ReservedBit) };
        match inflating.receive(kind, input, piece, fin) {
            Found::Nothing => {
                input.advance(self.decoder.used_up());
                Ok(None)
            }
            Found::Data { fin, piece_is_used_up } => {
                if piece_is_used_up {
                    input.advance(self.decoder.used_up());
                }
                Ok(Some((inflating.hand_out(kind, input), fin)))
            }
            Found::Fault(violation) => Err(violation),
        }
    }

    fn inflated<'i>(&self, kind: MessageKind, payload: Payload<'i>, fin: bool) -> Event<'i> {
        match self.decoder.delivery() {
            Delivery::Messages => whole(kind, payload),
            Delivery::Parts => part(kind, payload, fin),
        }
    }

    /// Hears no more: RFC 6455 §1.4 and §7.1.7 drop what comes after the end.
    fn end(&mut self, input: &mut BytesMut, phase: Phase) {
        input.clear();
        self.text = BytesMut::new();
        self.phase = phase;
        self.decoder.stop();
    }

    fn fail<'i>(&mut self, input: &mut BytesMut, violation: Violation) -> Option<Received<'i>> {
        self.end(input, Phase::Failed);
        Received::reply(Owed::Failure(violation))
    }

    fn end_of_stream<'i>(&mut self, input: &mut BytesMut) -> Option<Received<'i>> {
        match self.transport {
            Transport::Open | Transport::Told => None,
            Transport::Ended => {
                self.transport = Transport::Told;
                if !self.is_over() {
                    self.end(input, Phase::Over);
                }
                Received::reply(Owed::EndOfStream)
            }
        }
    }

    /// RFC 6455 §5.5.2, §5.5.3: the Pong repeats the Ping's data.
    fn ping<'i>(&self, payload: Payload<'i>) -> Received<'i> {
        let reply = self.auto_pong.then(|| Reply(Owed::Pong(ControlPayload::new(&payload))));
        Received { event: Some(Event::Ping(payload)), reply }
    }

    fn close<'i>(&self, frame: CloseFrame) -> Received<'i> {
        let event = (!self.auto_close).then(|| Event::Close(frame.clone()));
        Received { event, reply: Some(Reply(Owed::Close { frame, answer: self.auto_close })) }
    }
}

/// Moves what is left of the input to the front of its memory, if that is less than has gone from there. The next read
/// has more room then, in memory that is in the cache, and no large message has to be moved because it began far behind.
#[inline]
fn to_the_front(input: &mut BytesMut) {
    let _moved = input.try_reclaim(input.capacity() - input.len() + 1);
}

#[inline(always)]
pub(super) fn message(kind: MessageKind, input: &mut BytesMut, span: Span) -> Event<'_> {
    whole(kind, Payload::new(input, span))
}

/// A whole message, validated if it is text.
#[inline(always)]
fn whole(kind: MessageKind, payload: Payload<'_>) -> Event<'_> {
    match kind {
        MessageKind::Text => Event::Text(Text::validated(payload)),
        MessageKind::Binary => Event::Binary(payload),
    }
}

/// A part of a message, validated if it is text.
fn part(kind: MessageKind, payload: Payload<'_>, fin: bool) -> Event<'_> {
    match kind {
        MessageKind::Text => Event::TextPart { text: Text::validated(payload), fin },
        MessageKind::Binary => Event::BinaryPart { data: payload, fin },
    }
}

/// Reads the body of a Close frame (RFC 6455 §5.5.1, §7.4).
fn close_frame(body: &[u8]) -> Result<CloseFrame, Violation> {
    let Some((code, reason)) = body.split_first_chunk::<2>() else {
        return if body.is_empty() { Ok(CloseFrame::EMPTY) } else { Err(Violation::CloseBodyTooShort) };
    };
    let code = CloseCode::new(u16::from_be_bytes(*code)).ok_or(Violation::InvalidCloseCode)?;
    let reason = Utf8Bytes::try_from(Bytes::copy_from_slice(reason)).map_err(|_not_utf8| Violation::ReasonNotUtf8)?;
    // A control frame has no room for a longer reason than a `CloseFrame` takes.
    CloseFrame::new(code, reason).map_err(|_too_long| Violation::ControlTooLong)
}
