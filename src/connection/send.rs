//! The sending half: messages, Pings and Close frames become bytes in the output, and replies are carried out.

mod close;
mod close_state;
mod compressed;
mod control;
mod frame_writer;
mod message_writer;
mod messages;
#[cfg(feature = "std")]
mod through;
mod time;

use super::deflating::Deflating;
use super::output::{Backlog, Output};
use super::reply::{Due, Reply};
use super::timing::Timing;
use crate::config::Config;
#[cfg(feature = "deflate")]
use crate::deflate::{DeflateConfig, DeflateParameters};
use crate::event::Closed;
use crate::frame::MaskingKeys;
use crate::interest::Interest;
use crate::message::Message;
use crate::opcode::{MessageKind, Opcode};
use crate::prepared::Prepared;
use crate::reserved_bits::ReservedBits;
use crate::role::Role;
use crate::rules::sequence::Sequence;
use crate::send_error::{SendError, SendErrorKind, WriteError};
use alloc::boxed::Box;
use bytes::Buf;
use close_state::CloseState;
use frame_writer::FrameWriter;

pub use message_writer::MessageWriter;

/// The sending half of a connection that was taken apart with
/// [`Connection::into_halves`](crate::Connection::into_halves). Its methods are those of the
/// [`Connection`](crate::Connection).
///
/// ```
/// use ws_proto::{CloseCode, Config, Connection};
///
/// let (_, mut sender) = Connection::server(&Config::new()).into_halves();
/// sender.send_text("bye")?;
/// sender.close(CloseCode::NORMAL)?;
/// assert!(sender.interest().write && !sender.can_send());
/// assert_eq!(sender.output().next_owned().expect("two frames"), &b"\x81\x03bye\x88\x02\x03\xe8"[..]);
/// # Ok::<(), ws_proto::SendError>(())
/// ```
#[derive(Debug)]
pub struct SendHalf {
    writer: FrameWriter,
    close_state: CloseState,
    /// The message that is being sent in parts.
    sequence: Sequence,
    /// The reserved bits of that message, if it is an extension's.
    begun_reserved: Option<ReservedBits>,
    /// The reserved bits that have a meaning for the application's extensions.
    reserved: Option<ReservedBits>,
    role: Role,
    reading: Reading,
    /// Whether the peer has sent more than its rate allows, at the last look at the time.
    is_over_rate: bool,
    /// How many messages have been sent since that was last asked for, modulo 2^32.
    messages: u32,
    /// Keeps time, if that is asked for.
    timing: Option<Box<Timing>>,
    /// Compresses messages, once that is agreed on.
    deflating: Option<Box<Deflating>>,
}

/// Whether the application reads, and has read since the last look at the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    Goes,
    Paused,
    /// It goes on, and there has been no look since.
    Resumed,
}

impl SendHalf {
    #[inline]
    pub(super) fn new(role: Role, keys: Option<Box<MaskingKeys>>, config: &Config) -> Self {
        // First what may allocate, so that the rest is built in place and not moved across that call.
        let timing = config.policy.as_ref().map(|policy| Box::new(Timing::new(policy)));
        Self {
            writer: FrameWriter::new(keys, config),
            close_state: CloseState::new(),
            sequence: Sequence::Idle,
            begun_reserved: None,
            reserved: None,
            role,
            reading: Reading::Goes,
            is_over_rate: false,
            messages: 0,
            timing,
            deflating: None,
        }
    }

    #[cfg(feature = "deflate")]
    pub(super) fn compress(&mut self, config: &DeflateConfig, agreed: &DeflateParameters) {
        self.deflating = Some(Box::new(Deflating::new(self.role, config, agreed)));
        // RFC 7692 §6: it is compression's now.
        self.reserved = self.reserved.and_then(|reserved| reserved.without(ReservedBits::RSV1));
    }

    pub(super) const fn allow_reserved(&mut self, bits: ReservedBits) {
        self.reserved = Some(bits);
    }

    /// Puts the head of the handshake's response ahead of every frame.
    #[cfg(feature = "handshake")]
    #[inline]
    pub(super) fn precede(&mut self, head: bytes::BytesMut) {
        self.writer.output.precede(head);
    }

    /// Carries out what the receiving half has found: queues the Pong or Close to be sent, and records the end.
    pub fn reply(&mut self, reply: Reply) {
        let close = match reply.0 {
            // RFC 6455 §5.5.2: a Ping is answered only until the peer's Close has been received.
            Due::Pong(payload) if self.close_state.may_pong() => {
                self.writer.append_automatic_pong(payload);
                self.count_sent(|sent| sent.pongs += 1);
                None
            }
            Due::Pong(_) => None,
            Due::Close { frame, answer } => {
                let reply = self.close_state.receive(frame, answer);
                if reply.is_some() || self.close_state.is_over() {
                    // RFC 6455 §5.5.1: the answer may wait until the current message has been sent, and for no other that
                    // would delay it.
                    self.writer.output.cut(Backlog::MessagesOfOneWrite, self.close_state.close_size());
                }
                reply
            }
            Due::Failure(violation) => {
                self.writer.output.cut(Backlog::FramesOfOneWrite, self.close_state.close_size());
                self.close_state.fail(violation)
            }
            Due::EndOfStream { drained } => {
                self.close_state.end_of_stream(drained);
                None
            }
            Due::Answered(ping) => {
                if let Some(timing) = &mut self.timing {
                    timing.answer(ping);
                }
                None
            }
            Due::Received(tally) => {
                self.note_received(&tally);
                None
            }
        };
        if let Some(close) = close {
            self.send_close(close);
        }
    }

    /// How the connection ended, once it has; returned once.
    pub fn closed(&mut self) -> Option<Closed> {
        self.close_state.closed()
    }

    /// As [`Connection::output`](crate::Connection::output).
    #[inline]
    pub fn output(&mut self) -> &mut Output {
        &mut self.writer.output
    }

    /// Sends a text message, copying it. See [`Connection::send_text`](crate::Connection::send_text) for details.
    ///
    /// # Errors
    /// Those of [`Connection::send_text`](crate::Connection::send_text).
    #[inline]
    pub fn send_text(&mut self, text: &str) -> Result<(), SendError> {
        self.copy(MessageKind::Text, text.as_bytes())
    }

    /// Sends a binary message, copying it. See [`Connection::send_binary`](crate::Connection::send_binary) for details.
    ///
    /// # Errors
    /// Those of [`Connection::send_binary`](crate::Connection::send_binary).
    #[inline]
    pub fn send_binary(&mut self, data: &[u8]) -> Result<(), SendError> {
        self.copy(MessageKind::Binary, data)
    }

    /// Sends a message that is given away. See [`Connection::send`](crate::Connection::send) for details.
    ///
    /// # Errors
    /// Those of [`Connection::send`](crate::Connection::send).
    pub fn send(&mut self, message: impl Into<Message>) -> Result<(), SendError> {
        self.message(message.into(), true)
    }

    /// Sends a message that is not to be compressed. See
    /// [`Connection::send_uncompressed`](crate::Connection::send_uncompressed) for details.
    ///
    /// # Errors
    /// Those of [`Connection::send_uncompressed`](crate::Connection::send_uncompressed).
    #[cfg(feature = "deflate")]
    pub fn send_uncompressed(&mut self, message: impl Into<Message>) -> Result<(), SendError> {
        self.message(message.into(), false)
    }

    /// Sends a message that was encoded beforehand. See
    /// [`Connection::send_prepared`](crate::Connection::send_prepared) for details.
    ///
    /// # Errors
    /// Those of [`Connection::send_prepared`](crate::Connection::send_prepared).
    #[inline]
    pub fn send_prepared(&mut self, prepared: &Prepared) -> Result<(), SendError> {
        let chosen = self.choose_form(prepared)?;
        let appended = self.writer.append_form(chosen.form);
        Ok(self.count_form(&chosen, appended)?)
    }

    /// Sends a message that `write` writes straight into the output. See
    /// [`Connection::send_with`](crate::Connection::send_with) for details.
    ///
    /// # Errors
    /// Those of [`Connection::send_with`](crate::Connection::send_with).
    pub fn send_with<E>(
        &mut self,
        kind: MessageKind,
        write: impl FnOnce(&mut MessageWriter<'_>) -> Result<(), E>,
    ) -> Result<(), WriteError<E>> {
        self.may_begin().map_err(SendError::from)?;
        let Some(deflating) = &mut self.deflating else {
            let sent = self.writer.append_written(kind, write);
            return self.count_written(sent);
        };
        let mut draft = deflating.take_draft();
        let sent = MessageWriter::new(&mut draft, 0, self.writer.payload_room())
            .written_by(kind, write)
            .map_err(|error| self.writer.write_error(error))
            .and_then(|()| Ok(self.copy_any(kind, &draft)?));
        if let Some(deflating) = &mut self.deflating {
            deflating.give_draft(draft);
        }
        sent
    }

    /// Sends the next fragment of a message. See [`Connection::send_part`](crate::Connection::send_part) for details.
    ///
    /// # Errors
    /// Those of [`Connection::send_part`](crate::Connection::send_part).
    pub fn send_part(&mut self, part: impl Into<Message>, fin: bool) -> Result<(), SendError> {
        self.part(part.into(), fin, true)
    }

    /// Sends the next fragment of a message that is not to be compressed. See
    /// [`Connection::send_part_uncompressed`](crate::Connection::send_part_uncompressed) for details.
    ///
    /// # Errors
    /// Those of [`Connection::send_part_uncompressed`](crate::Connection::send_part_uncompressed).
    #[cfg(feature = "deflate")]
    pub fn send_part_uncompressed(&mut self, part: impl Into<Message>, fin: bool) -> Result<(), SendError> {
        self.part(part.into(), fin, false)
    }

    /// Sends a Ping. See [`Connection::ping`](crate::Connection::ping) for details.
    ///
    /// # Errors
    /// Those of [`Connection::ping`](crate::Connection::ping).
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.may_send()?;
        self.writer.append_control(Opcode::Ping, payload)?;
        self.count_sent(|sent| sent.pings += 1);
        Ok(())
    }

    /// Sends a Pong. See [`Connection::pong`](crate::Connection::pong) for details.
    ///
    /// # Errors
    /// Those of [`Connection::pong`](crate::Connection::pong).
    pub fn pong(&mut self, payload: &[u8]) -> Result<(), SendError> {
        if !self.close_state.may_pong() {
            return Err(SendErrorKind::Closed.into());
        }
        self.writer.append_control(Opcode::Pong, payload)?;
        self.count_sent(|sent| sent.pongs += 1);
        Ok(())
    }

    /// As [`Connection::set_limits`](crate::Connection::set_limits), for the output.
    pub fn set_limits(&mut self, config: &Config) {
        self.writer.set_limits(config);
    }

    /// As [`Connection::release_memory`](crate::Connection::release_memory), for the output and for compressing.
    pub fn release_memory(&mut self) {
        self.writer.output.release();
        if let Some(deflating) = &mut self.deflating {
            deflating.release();
        }
    }

    /// As [`Connection::interest`](crate::Connection::interest); whether to read is up to the other half, whose
    /// [`ReceiveHalf::wants_read`](crate::ReceiveHalf::wants_read) says so, unless it is time to hang up. Ask
    /// [`closed`](SendHalf::closed) first: after a deadline `hang_up` is set only when the end has been returned.
    #[inline]
    pub fn interest(&self) -> Interest {
        let deadline = self.deadline();
        let write = self.writer.output.has_remaining();
        let over = self.close_state.hangs_up(self.role);
        Interest {
            read: !over && self.may_read(),
            write,
            hang_up: over && !write,
            // The end has to be received, whatever waits.
            congested: self.writer.is_congested() && !self.close_state.is_over(),
            deadline,
        }
    }

    /// As [`Connection::buffered`](crate::Connection::buffered).
    pub fn buffered(&self) -> usize {
        self.writer.output.remaining()
    }

    /// As [`Connection::can_send`](crate::Connection::can_send).
    pub const fn can_send(&self) -> bool {
        self.close_state.may_send()
    }

    /// As [`Connection::reserved_bits`](crate::Connection::reserved_bits).
    pub const fn reserved_bits(&self) -> Option<ReservedBits> {
        self.reserved
    }

    /// Whether the peer's Close waits for an answer.
    pub(super) fn has_to_answer_close(&self) -> bool {
        self.close_state.has_to_answer()
    }

    /// Whether permessage-deflate is in use.
    pub(in crate::connection) const fn compresses(&self) -> bool {
        self.deflating.is_some()
    }

    /// Which end this is.
    pub const fn role(&self) -> Role {
        self.role
    }
}
