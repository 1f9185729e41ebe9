//! Compressed messages on their way in: what the decoder finds goes through zlib, step by step and within the limit.

use crate::config::Delivery;
use crate::deflate::{DeflateConfig, DeflateParameters, Fault, Inflater, Part, Piece, TAIL};
use crate::input::{Buffer, Input};
use crate::role::Role;
use crate::violation::Violation;
use core::ops::Range;

/// How much is inflated at a time, and the largest part that is returned, in bytes.
const STEP: usize = 64 << 10;

/// From this size on memory grows to the limit at once where that is close.
const LARGE: usize = 2 * STEP;

/// The least room there is to be: zlib is fast while it has more than its longest match takes, 258 bytes.
const MIN_STEP: usize = 512;

/// The receiving direction of a connection that compresses.
#[derive(Debug)]
pub(super) struct Inflating {
    inflater: Inflater,
    /// Bytes of the message so far, inflated.
    length: u64,
    max_message: u64,
    delivery: Delivery,
    /// How far the piece has got that the decoder shows again.
    progress: Option<(usize, Part)>,
    /// What is wrong, while what came before it is returned.
    fault: Option<Violation>,
    agreed: DeflateParameters,
}

/// What a piece of a compressed message leads to.
pub(super) enum Found {
    /// Nothing to return yet; the piece is used up.
    Nothing,
    /// A whole message or a part of one: a range of what is inflated. The message ends with it if `fin` says so.
    Data { range: Range<usize>, fin: bool, piece_is_used_up: bool },
    /// The peer is at fault.
    Fault(Violation),
}

impl Inflating {
    pub(super) fn new(
        role: Role,
        config: &DeflateConfig,
        agreed: DeflateParameters,
        max_message: u64,
        delivery: Delivery,
    ) -> Self {
        Self {
            inflater: Inflater::new(role, config, &agreed),
            length: 0,
            max_message,
            delivery,
            progress: None,
            fault: None,
            agreed,
        }
    }

    /// Takes in a piece of a message's compressed bytes, which is the message that the wire has under way; the last one if
    /// `fin` says so. What comes out has to be UTF-8 if `is_text` says so. A piece that is not used up is to be shown again.
    ///
    /// *Complexity*: linear in the bytes that go in and come out.
    #[inline]
    pub(super) fn receive(&mut self, is_text: bool, input: &mut Input, fin: bool) -> Found {
        let Input { wire, inflated, .. } = input;
        if fin && wire.room() < TAIL.len() {
            // What has been received makes room for the tail, rather than more memory.
            wire.tidy();
        }
        let piece = wire.message();
        if !fin {
            return self.inflate(is_text, wire.slice(piece.start, piece.end), inflated, false);
        }
        // What the sender has cut off is put behind the piece for as long as it is looked at.
        wire.with_tail(piece, TAIL, |bytes| self.inflate(is_text, bytes, inflated, true))
    }

    /// Holds the next message to another limit.
    pub(super) const fn set_limit(&mut self, max_message: u64) {
        self.max_message = max_message;
    }

    /// Gives back what is not needed between messages.
    pub(super) fn release(&mut self) {
        self.inflater.release();
    }

    pub(super) const fn agreed(&self) -> DeflateParameters {
        self.agreed
    }

    #[inline(always)]
    fn inflate(&mut self, is_text: bool, bytes: &[u8], out: &mut Buffer, fin: bool) -> Found {
        if out.is_empty() {
            // What was returned leaves, and the next message begins at the front.
            out.tidy();
        }
        let (taken, part) = self.progress.take().unwrap_or_else(|| (0, self.part(fin)));
        let mut piece = Piece::new(bytes, part, taken);
        let is_used_up = self.inflate_until(is_text, &mut piece, out);
        if is_used_up && fin {
            self.end_message(is_text, out);
        }
        let complete = complete(is_text, out);
        if let Some(fault) = &self.fault {
            // What came before it is returned first.
            if self.delivery == Delivery::Messages || complete.is_empty() {
                return Found::Fault(fault.clone());
            }
        } else if is_used_up {
            if !fin && (self.delivery == Delivery::Messages || complete.is_empty()) {
                return Found::Nothing;
            }
            return Found::Data { range: out.finish(complete.end), fin, piece_is_used_up: true };
        }
        self.progress = Some(piece.progress());
        Found::Data { range: out.finish(complete.end), fin: false, piece_is_used_up: false }
    }

    /// Which part of its message a piece is that comes now.
    fn part(&self, fin: bool) -> Part {
        if !fin {
            Part::Middle
        } else if self.delivery == Delivery::Parts || self.inflater.is_in_message() {
            // What is returned must not depend on how the bytes are cut, nor on what stands behind the message: a part may
            // be returned before the end shows that the message is broken.
            Part::Last { content_is_out: false }
        } else {
            Part::Whole
        }
    }

    /// Goes on until the piece is used up, which it returns, or until there is a fault or a part to be returned.
    fn inflate_until(&mut self, is_text: bool, piece: &mut Piece<'_>, out: &mut Buffer) -> bool {
        while self.fault.is_none() {
            // What is returned in parts never piles up.
            if self.delivery == Delivery::Parts && out.message().len() >= STEP {
                break;
            }
            if self.step(is_text, piece, out) {
                return true;
            }
        }
        false
    }

    /// One step through zlib. True when all of the piece is in and all that follows from it is out.
    fn step(&mut self, is_text: bool, piece: &mut Piece<'_>, out: &mut Buffer) -> bool {
        // The limit is on what comes out (RFC 6455 §10.4); room for one byte more shows what goes past it.
        let left = self.max_message.saturating_sub(self.length);
        let left = usize::try_from(left).unwrap_or(usize::MAX).min(usize::MAX - 1);
        let most = match self.delivery {
            Delivery::Messages => left + 1,
            Delivery::Parts => (left + 1).min(STEP - out.message().len()),
        };
        make_room(out, piece.left().saturating_mul(8), most);
        let room = out.spare_mut();
        let size = room.len().min(most).min(STEP);
        let step = self.inflater.inflate(piece, room.get_mut(..size).unwrap_or_default());

        let given = step.given.min(left);
        out.fill(given);
        self.length += given as u64;
        // RFC 7692 §6.1: text is what comes out.
        if is_text && !out.validate() {
            self.fault = Some(Violation::TextNotUtf8);
        } else if step.given > left {
            self.fault = Some(Violation::MessageTooBig(self.length + 1));
        } else if let Some(fault) = step.fault {
            self.fault = Some(fault.into());
        }
        step.done
    }

    fn end_message(&mut self, is_text: bool, out: &Buffer) {
        self.length = 0;
        self.inflater.end_message();
        // RFC 6455 §5.6: no code point may be left open.
        if self.fault.is_none() && is_text && !out.is_valid() {
            self.fault = Some(Violation::TextNotUtf8);
        }
    }
}

/// Grows the spare memory if that is too little for what is expected.
#[inline]
fn make_room(out: &mut Buffer, expected: usize, most: usize) {
    let expected = expected.clamp(MIN_STEP, STEP);
    if out.spare() < expected.min(most) {
        grow(out, expected, most);
    }
}

/// Doubles the spare memory, so that what is in it is not copied time and again, but not beyond the most that may come.
#[cold]
fn grow(out: &mut Buffer, expected: usize, most: usize) {
    let ready = out.message().len();
    let limit = ready.saturating_add(most);
    let size = (ready + expected).max(2 * (ready + out.spare())).min(limit);
    // Close to the limit it is reached at once, rather than by one more copy of nearly as much.
    let size = if size > LARGE && limit - size < STEP { limit } else { size };
    out.make_spare(size - ready);
}

/// What can be returned: of text, what ends with a whole code point.
const fn complete(is_text: bool, out: &Buffer) -> Range<usize> {
    if is_text { out.validated() } else { out.message() }
}

impl From<Fault> for Violation {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Corrupt => Self::CorruptDeflate,
            Fault::FinalBlocks => Self::TooManyFinalBlocks,
        }
    }
}
