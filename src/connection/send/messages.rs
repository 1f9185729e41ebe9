//! Sends messages, whole and in parts, compressed where that was agreed on and is worth it.

use super::SendHalf;
use super::frame_writer::Start;
use crate::frame::MAX_SHORT;
use crate::message::Message;
use crate::opcode::{MessageKind, Opcode};
use crate::rules::sequence::Sequence;
use crate::send_error::{SendError, SendErrorKind};

impl SendHalf {
    /// Sends a borrowed message.
    #[inline(always)]
    pub(super) fn copy(&mut self, kind: MessageKind, payload: &[u8]) -> Result<(), SendError> {
        if payload.len() > MAX_SHORT {
            return self.copy_longer(kind, payload);
        }
        let may_be_quick = self.deflating.is_none() && self.may_begin().is_ok();
        if may_be_quick && self.writer.append_short(kind.opcode(), payload) {
            return Ok(());
        }
        self.copy_any(kind, payload)
    }

    #[inline(always)]
    fn copy_longer(&mut self, kind: MessageKind, payload: &[u8]) -> Result<(), SendError> {
        let may_be_quick = self.deflating.is_none() && self.may_begin().is_ok();
        if may_be_quick && self.writer.append_medium(kind.opcode(), payload) {
            return Ok(());
        }
        self.copy_any(kind, payload)
    }

    #[inline(never)]
    pub(super) fn copy_any(&mut self, kind: MessageKind, payload: &[u8]) -> Result<(), SendError> {
        self.may_begin()?;
        let compress = self.deflates(payload.len());
        match &mut self.deflating {
            Some(deflating) if compress => {
                self.writer.append_compressed(deflating, kind.opcode(), payload, true)?;
            }
            Some(_) | None => self.writer.append_copied(Start::of(kind.opcode(), true), payload)?,
        }
        Ok(())
    }

    pub(super) fn message(&mut self, message: Message, may_compress: bool) -> Result<(), SendError> {
        match self.may_begin() {
            Ok(()) => {
                let compress = may_compress && self.deflates(message.as_bytes().len());
                self.data(message.kind().opcode(), message, true, compress)
            }
            Err(kind) => Err(SendError::new(kind, Some(message))),
        }
    }

    pub(super) fn part(&mut self, part: Message, fin: bool, may_compress: bool) -> Result<(), SendError> {
        let kind = part.kind();
        let checked = match self.sequence {
            Sequence::Within(begun) if begun != kind => Err(SendErrorKind::KindChanged),
            Sequence::Within(_) => {
                self.may_send().map(|()| self.deflating.as_ref().is_some_and(|deflating| deflating.is_in_message()))
            }
            Sequence::Idle => self.may_send().map(|()| {
                let length = part.as_bytes().len();
                // The size of a message that only begins is not known.
                may_compress && if fin { self.deflates(length) } else { self.may_deflate(length) }
            }),
        };
        match checked {
            Ok(compress) => {
                self.data(self.sequence.opcode(kind), part, fin, compress)?;
                self.sequence = if fin { Sequence::Idle } else { Sequence::Within(kind) };
                Ok(())
            }
            Err(kind) => Err(SendError::new(kind, Some(part))),
        }
    }

    /// Sends data, in one frame or several.
    #[inline(always)]
    fn data(&mut self, opcode: Opcode, payload: Message, fin: bool, compress: bool) -> Result<(), SendError> {
        let admitted = match &mut self.deflating {
            Some(deflating) if compress => {
                self.writer.append_compressed(deflating, opcode, payload.as_bytes(), fin).map(|()| true)
            }
            Some(_) | None => self.writer.admit(payload.as_bytes().len()).map(|()| false),
        };
        match admitted {
            Ok(true) => {}
            Ok(false) => self.writer.append_owned(Start::of(opcode, fin), payload.into_bytes()),
            Err(kind) => return Err(SendError::new(kind, Some(payload))),
        }
        Ok(())
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

    /// Whether a message of this size is sent compressed.
    #[inline]
    fn deflates(&self, length: usize) -> bool {
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
