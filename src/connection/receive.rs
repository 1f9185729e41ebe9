//! The receiving half: bytes become events, and what the sending half has to do about them becomes a value.

mod events;

use super::inflating::{Found, Inflating};
use super::reply::{ControlPayload, Due, Reply, answered};
use crate::close_frame::CloseFrame;
use crate::config::{Config, Delivery};
use crate::decoder::{Content, Decoded, Decoder};
#[cfg(feature = "deflate")]
use crate::deflate::{DeflateConfig, DeflateParameters};
use crate::event::Event;
use crate::input::{Buffer, Input};
use crate::opcode::MessageKind;
use crate::payload::Payload;
use crate::reserved_bits::ReservedBits;
use crate::role::Role;
use crate::violation::Violation;
use alloc::boxed::Box;
use core::ops::Range;
use events::{close_frame, part, whole};

pub(super) use events::message;

/// The receiving side of a connection.
#[derive(Debug)]
pub(super) struct Receiver {
    decoder: Decoder,
    auto_pong: bool,
    auto_close: bool,
    transport: Transport,
    phase: Phase,
    /// How many messages have been returned since that was last asked for, modulo 2^32.
    messages: u32,
    /// What inflates, once that is agreed on.
    inflating: Option<Box<Inflating>>,
}

/// Whether frames are still read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// The peer's Close or the end of the transport has come.
    Over,
    /// The peer broke the protocol.
    Failed,
}

/// Whether the transport may bring more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Open,
    /// It has ended, and there may be unread bytes.
    Ended,
    /// It has ended, and all that came before has been received.
    Drained,
}

/// What the quick ways have found.
pub(super) enum Look {
    /// There is no event, and more bytes are needed for one.
    Nothing,
    /// A whole message, which lies there.
    Message(MessageKind, Range<usize>),
    /// Nothing for a quick way.
    Closer,
}

/// What a [`ReceiveHalf`](crate::ReceiveHalf) has found: an event, a reply, or both.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Received<'i> {
    /// The event. Here [`Event::Close`] may also be the answer to a Close of this side, of which this half does not know.
    pub event: Option<Event<'i>>,
    /// What [`SendHalf::reply`](crate::SendHalf::reply) has to be given.
    pub reply: Option<Reply>,
}

impl<'i> Received<'i> {
    const fn event(event: Event<'i>) -> Option<Self> {
        Some(Self { event: Some(event), reply: None })
    }

    const fn of_reply(due: Due) -> Option<Self> {
        Some(Self { event: None, reply: Some(Reply(due)) })
    }
}

impl Receiver {
    #[inline]
    pub(super) fn new(role: Role, config: &Config) -> Self {
        Self {
            decoder: Decoder::new(role, config),
            auto_pong: config.auto_pong,
            auto_close: config.auto_close,
            transport: Transport::Open,
            phase: Phase::Open,
            messages: 0,
            inflating: None,
        }
    }

    #[cfg(feature = "deflate")]
    pub(super) fn allow_compressed(&mut self, role: Role, config: &DeflateConfig, agreed: DeflateParameters) {
        let (max_message, delivery) = (self.decoder.max_message(), self.decoder.delivery());
        self.inflating = Some(Box::new(Inflating::new(role, config, agreed, max_message, delivery)));
        self.decoder.allow_compressed();
    }

    pub(super) const fn allow_reserved(&mut self, bits: ReservedBits) {
        self.decoder.allow_reserved(bits);
    }

    #[cfg(feature = "deflate")]
    pub(super) fn deflate_parameters(&self) -> Option<DeflateParameters> {
        self.inflating.as_ref().map(|inflating| inflating.agreed())
    }

    pub(super) fn set_limits(&mut self, config: &Config) {
        if self.is_over() {
            return;
        }
        self.decoder.set_limits(config);
        if let Some(inflating) = &mut self.inflating {
            inflating.set_limit(config.max_message);
        }
    }

    /// Gives the memory back that receiving compressed messages took, as far as it is not needed for the next one.
    pub(super) fn release_memory(&mut self) {
        if let Some(inflating) = &mut self.inflating {
            inflating.release();
        }
    }

    /// What the input holds next, or `None` when more bytes are needed or nothing more can come.
    pub(super) fn receive<'i>(&mut self, input: &'i mut Input) -> Option<Received<'i>> {
        match self.look(input) {
            Look::Nothing => None,
            Look::Message(kind, range) => Received::event(message(kind, input, range)),
            Look::Closer => self.receive_longer(input),
        }
    }

    /// What the input holds next, if it is no short message.
    #[inline(never)]
    fn receive_longer<'i>(&mut self, input: &'i mut Input) -> Option<Received<'i>> {
        match self.look_closer(input) {
            Look::Nothing => None,
            Look::Message(kind, range) => Received::event(message(kind, input, range)),
            Look::Closer => self.receive_any(input),
        }
    }

    /// Records that the transport has nothing more to give. What the input still holds can be received. The reply has to go
    /// to the sending half, as those of [`receive`](ReceiveHalf::receive) do.
    pub(super) fn receive_eof(&mut self) -> Reply {
        match self.transport {
            Transport::Open if self.is_over() => self.transport = Transport::Drained,
            Transport::Open => self.transport = Transport::Ended,
            Transport::Ended | Transport::Drained => {}
        }
        Reply(Due::EndOfStream { drained: self.transport == Transport::Drained })
    }

    /// Whether to go on reading: until the end of the stream or a violation. After the peer's Close nothing that comes is
    /// looked at, but a client reads on until the server hangs up (RFC 6455 §7.1.1).
    pub(super) const fn wants_read(&self) -> bool {
        matches!(self.transport, Transport::Open) && !matches!(self.phase, Phase::Failed)
    }

    /// Whether the last event has been returned, and what comes on the wire is no longer looked at.
    pub(super) const fn is_over(&self) -> bool {
        !matches!(self.phase, Phase::Open)
    }

    /// Looks at nothing more, whatever comes.
    pub(super) fn stop(&mut self) {
        if !self.is_over() {
            self.end(Phase::Failed);
        }
    }

    /// How many messages have been returned since this was last asked for.
    pub(super) const fn take_messages(&mut self) -> u32 {
        core::mem::replace(&mut self.messages, 0)
    }

    /// How many [`take_messages`](Self::take_messages) would return.
    pub(super) const fn messages(&self) -> u32 {
        self.messages
    }

    /// Whether a message or frame has begun of which more is to come.
    pub(super) fn is_under_way(&self, input: &Input) -> bool {
        !self.is_over() && (self.decoder.is_in_message() || !input.is_empty())
    }

    /// Whether messages may come compressed.
    pub(super) const fn inflates(&self) -> bool {
        self.inflating.is_some()
    }

    #[inline(always)]
    fn count(&mut self, is_whole: bool) {
        self.messages = self.messages.wrapping_add(is_whole.into());
    }

    /// Looks for a whole short message.
    #[inline(always)]
    pub(super) fn look(&mut self, input: &mut Input) -> Look {
        if input.wire.is_waiting() && self.is_live() {
            input.wire.note_seen();
            return Look::Nothing;
        }
        match self.decoder.short_message(&mut input.wire) {
            Some((kind, range)) => {
                self.messages = self.messages.wrapping_add(1);
                Look::Message(kind, range)
            }
            None if input.wire.is_read() && self.is_live() && !self.decoder.may_have_more() => {
                input.note_drained();
                Look::Nothing
            }
            None => Look::Closer,
        }
    }

    /// Looks for a whole message of medium length, and for the middle of a payload.
    #[inline(always)]
    pub(super) fn look_closer(&mut self, input: &mut Input) -> Look {
        if let Some((kind, range)) = self.decoder.medium_message(&mut input.wire) {
            self.messages = self.messages.wrapping_add(1);
            return Look::Message(kind, range);
        }
        if !self.is_live() {
            return Look::Closer;
        }
        match self.decoder.partial_payload(&mut input.wire) {
            Some(missing) => {
                input.note_missing(missing);
                Look::Nothing
            }
            None => Look::Closer,
        }
    }

    /// Whether more may come, and is looked at.
    #[inline(always)]
    const fn is_live(&self) -> bool {
        matches!((self.transport, self.phase), (Transport::Open, Phase::Open))
    }

    /// What the input holds next, whatever it is. It is inlined, because every compressed message comes this way.
    #[inline(always)]
    pub(super) fn receive_any<'i>(&mut self, input: &'i mut Input) -> Option<Received<'i>> {
        if self.is_over() {
            if self.transport == Transport::Ended {
                self.transport = Transport::Drained;
                return Received::of_reply(Due::EndOfStream { drained: true });
            }
            // RFC 6455 §1.4: what comes after the Close is dropped, once the application could have kept it.
            input.clear();
            return None;
        }
        loop {
            return match self.decoder.decode(&mut input.wire) {
                Decoded::Message { content, range } => {
                    self.count(true);
                    Received::event(whole(content, Payload::new(&mut input.wire, range)))
                }
                Decoded::Part { content, range, fin } => {
                    self.count(fin);
                    Received::event(part(content, &mut input.wire, range, fin))
                }
                Decoded::Compressed { content, fin } => match self.inflate(input, content, fin) {
                    Ok(None) => continue,
                    Ok(Some((range, fin))) => {
                        self.count(fin);
                        Received::event(self.inflated(content, &mut input.inflated, range, fin))
                    }
                    Err(violation) => self.fail(input, violation),
                },
                Decoded::NeedMore(missing) => {
                    input.note_missing(missing);
                    self.end_of_stream(input)
                }
                Decoded::Ping(range) => Some(self.ping(Payload::new(&mut input.wire, range))),
                Decoded::Pong(range) => {
                    let reply =
                        answered(input.wire.slice(range.start, range.end)).map(|ping| Reply(Due::Answered(ping)));
                    Some(Received { event: Some(Event::Pong(Payload::new(&mut input.wire, range))), reply })
                }
                Decoded::Close(range) => match close_frame(input.wire.slice(range.start, range.end)) {
                    Ok(frame) => {
                        input.end_of_messages();
                        self.end(Phase::Over);
                        Some(self.close(frame))
                    }
                    Err(violation) => self.fail(input, violation),
                },
                Decoded::Violation(violation) => self.fail(input, violation),
            };
        }
    }

    /// Gives a piece of a compressed message to zlib; the range of what came out that can be returned, and whether the
    /// message ends with it.
    #[inline(always)]
    fn inflate(
        &mut self,
        input: &mut Input,
        content: Content,
        fin: bool,
    ) -> Result<Option<(Range<usize>, bool)>, Violation> {
        // The decoder finds such pieces only where there is something to inflate them.
        let Some(inflating) = &mut self.inflating else { return Err(Violation::ReservedBit) };
        match inflating.receive(content.is_text(), input, fin) {
            Found::Nothing => {
                self.decoder.used_up(&mut input.wire);
                Ok(None)
            }
            Found::Data { range, fin, piece_is_used_up } => {
                if piece_is_used_up {
                    self.decoder.used_up(&mut input.wire);
                }
                Ok(Some((range, fin)))
            }
            Found::Fault(violation) => Err(violation),
        }
    }

    #[inline(always)]
    fn inflated<'i>(&self, content: Content, buffer: &'i mut Buffer, range: Range<usize>, fin: bool) -> Event<'i> {
        match self.decoder.delivery() {
            Delivery::Messages => whole(content, Payload::new(buffer, range)),
            Delivery::Parts => part(content, buffer, range, fin),
        }
    }

    /// Looks at nothing more: RFC 6455 §1.4 and §7.1.7 drop what comes after the end.
    fn end(&mut self, phase: Phase) {
        self.phase = phase;
        self.decoder.stop();
    }

    fn fail<'i>(&mut self, input: &mut Input, violation: Violation) -> Option<Received<'i>> {
        input.clear();
        self.end(Phase::Failed);
        Received::of_reply(Due::Failure(violation))
    }

    fn end_of_stream<'i>(&mut self, input: &mut Input) -> Option<Received<'i>> {
        match self.transport {
            Transport::Open | Transport::Drained => None,
            Transport::Ended => {
                self.transport = Transport::Drained;
                input.clear();
                self.end(Phase::Over);
                Received::of_reply(Due::EndOfStream { drained: true })
            }
        }
    }

    /// RFC 6455 §5.5.2, §5.5.3: the Pong repeats the Ping's data.
    fn ping<'i>(&self, payload: Payload<'i>) -> Received<'i> {
        let reply = self.auto_pong.then(|| Reply(Due::Pong(ControlPayload::new(&payload))));
        Received { event: Some(Event::Ping(payload)), reply }
    }

    fn close<'i>(&self, frame: CloseFrame) -> Received<'i> {
        let event = (!self.auto_close).then(|| Event::Close(frame.clone()));
        Received { event, reply: Some(Reply(Due::Close { frame, answer: self.auto_close })) }
    }
}
