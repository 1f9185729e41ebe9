//! Sends messages, whole and in parts, compressed where that was agreed on and is worth it.

use super::SendHalf;
use super::frame_writer::Start;
use crate::frame::MAX_SHORT;
use crate::message::Message;
use crate::opcode::{MessageKind, Opcode};
use crate::prepared::{Form, Prepared};
use crate::reserved_bits::ReservedBits;
use crate::rules::sequence::Sequence;
use crate::send_error::{SendError, SendErrorKind};

/// A form of a prepared message.
pub(super) struct Chosen<'p> {
    pub(super) form: &'p Form,
    is_compressed: bool,
}

impl SendHalf {
    /// Sends a borrowed message.
    #[inline(always)]
    pub(super) fn copy(&mut self, kind: MessageKind, payload: &[u8]) -> Result<(), SendError> {
        if payload.len() > MAX_SHORT {
            return self.copy_longer(kind, payload);
        }
        let may_be_quick = self.deflating.is_none() && self.may_begin().is_ok();
        if may_be_quick && self.writer.append_short(kind.opcode(), payload) {
            self.messages = self.messages.wrapping_add(1);
            return Ok(());
        }
        self.copy_any(kind, payload)
    }

    #[inline(always)]
    fn copy_longer(&mut self, kind: MessageKind, payload: &[u8]) -> Result<(), SendError> {
        let may_be_quick = self.deflating.is_none() && self.may_begin().is_ok();
        if may_be_quick && self.writer.append_medium(kind.opcode(), payload) {
            self.messages = self.messages.wrapping_add(1);
            return Ok(());
        }
        self.copy_any(kind, payload)
    }

    #[inline(never)]
    pub(super) fn copy_any(&mut self, kind: MessageKind, payload: &[u8]) -> Result<(), SendError> {
        self.may_begin()?;
        let compress = self.deflates(payload.len());
        let appended = match &mut self.deflating {
            Some(deflating) if compress => self.writer.append_compressed(deflating, kind.opcode(), payload, true),
            Some(_) | None => self.writer.append_copied(Start::of(kind.opcode(), None, true), payload),
        };
        Ok(self.count_message(appended)?)
    }

    pub(super) fn message(&mut self, message: Message, may_compress: bool) -> Result<(), SendError> {
        if let Some(reserved) = message.reserved_bits() {
            return self.extension(reserved, message);
        }
        match self.may_begin() {
            Ok(()) => {
                let compress = may_compress && self.deflates(message.as_bytes().len());
                self.data(message.kind().opcode(), None, message, true, compress)
            }
            Err(kind) => Err(SendError::new(kind, Some(message))),
        }
    }

    /// Sends a message of an extension, as it is. It is not inlined, so that other messages take no longer for it.
    #[inline(never)]
    fn extension(&mut self, reserved: ReservedBits, message: Message) -> Result<(), SendError> {
        match self.may_begin().and_then(|()| self.may_set(Some(reserved))) {
            Ok(()) => self.data(message.kind().opcode(), Some(reserved), message, true, false),
            Err(kind) => Err(SendError::new(kind, Some(message))),
        }
    }

    pub(super) fn part(&mut self, part: Message, fin: bool, may_compress: bool) -> Result<(), SendError> {
        let (kind, reserved) = (part.kind(), part.reserved_bits());
        let checked = match self.sequence {
            Sequence::Within(begun) if begun != kind || self.begun_reserved != reserved => {
                Err(SendErrorKind::KindChanged)
            }
            Sequence::Within(_) => {
                self.may_send().map(|()| self.deflating.as_ref().is_some_and(|deflating| deflating.is_in_message()))
            }
            Sequence::Idle => self.may_send().and_then(|()| self.may_set(reserved)).map(|()| {
                let length = part.as_bytes().len();
                let may_compress = may_compress && reserved.is_none();
                // The size of a message that only begins is not known.
                may_compress && if fin { self.deflates(length) } else { self.may_deflate(length) }
            }),
        };
        match checked {
            Ok(compress) => {
                self.data(self.sequence.opcode(kind), reserved, part, fin, compress)?;
                self.sequence = if fin { Sequence::Idle } else { Sequence::Within(kind) };
                self.begun_reserved = reserved;
                Ok(())
            }
            Err(kind) => Err(SendError::new(kind, Some(part))),
        }
    }

    /// Sends data, in one frame or several.
    #[inline(always)]
    fn data(
        &mut self,
        opcode: Opcode,
        reserved: Option<ReservedBits>,
        payload: Message,
        fin: bool,
        compress: bool,
    ) -> Result<(), SendError> {
        let admitted = match &mut self.deflating {
            Some(deflating) if compress => {
                self.writer.append_compressed(deflating, opcode, payload.as_bytes(), fin).map(|()| true)
            }
            Some(_) | None => self.writer.admit(payload.as_bytes().len()).map(|()| false),
        };
        match admitted {
            Ok(true) => {}
            Ok(false) => self.writer.append_owned(Start::of(opcode, reserved, fin), payload.into_bytes()),
            Err(kind) => {
                self.count_sent(|sent| sent.refused += 1);
                return Err(SendError::new(kind, Some(payload)));
            }
        }
        self.messages = self.messages.wrapping_add(fin.into());
        Ok(())
    }

    /// The form in which a prepared message is sent now, if it may be.
    #[inline]
    pub(super) fn choose_form<'p>(&self, prepared: &'p Prepared) -> Result<Chosen<'p>, SendErrorKind> {
        if self.writer.masks() {
            return Err(SendErrorKind::ServerOnly);
        }
        self.may_begin()?;
        self.may_set(prepared.reserved_bits())?;
        let compressed = self.deflating.as_ref().and_then(|deflating| deflating.form(prepared));
        Ok(Chosen { form: compressed.unwrap_or(prepared.plain()), is_compressed: compressed.is_some() })
    }

    /// Counts a prepared message. One that was compressed elsewhere has gone past this side's context.
    #[inline]
    pub(super) fn count_form(
        &mut self,
        chosen: &Chosen<'_>,
        sent: Result<(), SendErrorKind>,
    ) -> Result<(), SendErrorKind> {
        if let (true, Some(deflating)) = (chosen.is_compressed && sent.is_ok(), &mut self.deflating) {
            deflating.skip_message();
        }
        self.count_message(sent)
    }

    #[inline]
    pub(super) fn may_send(&self) -> Result<(), SendErrorKind> {
        if self.can_send() { Ok(()) } else { Err(SendErrorKind::Closed) }
    }

    /// RFC 6455 §5.4: the frames of two messages are not mixed.
    #[inline]
    pub(super) fn may_begin(&self) -> Result<(), SendErrorKind> {
        self.may_send()?;
        match self.sequence {
            Sequence::Idle => Ok(()),
            Sequence::Within(_) => Err(SendErrorKind::Unfinished),
        }
    }

    /// RFC 6455 §5.2: no reserved bit is set that an extension has not given a meaning.
    #[inline]
    pub(super) fn may_set(&self, reserved: Option<ReservedBits>) -> Result<(), SendErrorKind> {
        match (reserved, self.reserved) {
            (None, _) => Ok(()),
            (Some(reserved), Some(allowed)) if allowed.contains(reserved) => Ok(()),
            (Some(_), _) => Err(SendErrorKind::ReservedBit),
        }
    }

    /// Whether a message of this size is sent compressed.
    #[inline]
    pub(super) fn deflates(&self, length: usize) -> bool {
        match &self.deflating {
            Some(deflating) => deflating.is_for(length) && self.may_deflate(length),
            None => false,
        }
    }

    /// Whether a payload of this size can be compressed, and there is room for it even if it grows. Otherwise
    /// RFC 7692 §6 allows a message to be sent as it is.
    fn may_deflate(&self, length: usize) -> bool {
        self.deflating.is_some() && self.writer.has_room_for_compressed(length)
    }
}
