//! Compressed messages on their way in: what the decoder finds goes through zlib, step by step and within the limit.

use crate::config::Delivery;
use crate::deflate::{DeflateConfig, DeflateParameters, Fault, Inflater, Part, Piece, TAIL};
use crate::opcode::MessageKind;
use crate::payload::Span;
use crate::role::Role;
use crate::utf8;
use crate::violation::Violation;
use alloc::vec::Vec;
use bytes::{Bytes, BytesMut};
use core::ops::Range;

/// How much is inflated at a time, and the largest part that is handed out, in bytes.
const STEP: usize = 64 << 10;

/// Memory that has grown beyond this is not kept for the next message.
const KEEP: usize = 2 * STEP;

/// The least room there is to be: zlib is fast while it has more than its longest match takes, 258 bytes.
const MIN_STEP: usize = 512;

/// The receiving direction of a connection that compresses.
#[derive(Debug)]
pub(super) struct Inflating {
    inflater: Inflater,
    /// What has come out and has not been handed out, and room for more. All of it is initialised, so that no step has
    /// to do it again.
    buffer: Vec<u8>,
    /// How much has come out.
    ready: usize,
    /// How much of that is validated, if it is text; at the border of a code point.
    valid: usize,
    /// Bytes of the message so far, inflated.
    length: u64,
    max_message: u64,
    delivery: Delivery,
    /// How far the decoder's piece has got that is to be shown again.
    progress: Option<(usize, Part)>,
    /// What is wrong, while what came before it is handed out.
    fault: Option<Violation>,
    agreed: DeflateParameters,
}

/// What a piece of a compressed message leads to.
pub(super) enum Found {
    /// Nothing to tell yet; the piece is used up.
    Nothing,
    /// A whole message or a part of one, to be handed out. The message ends with it if `fin` says so.
    Data { fin: bool, piece_is_used_up: bool },
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
            buffer: Vec::new(),
            ready: 0,
            valid: 0,
            length: 0,
            max_message,
            delivery,
            progress: None,
            fault: None,
            agreed,
        }
    }

    /// Takes in a piece of a message's compressed bytes, which lies in the input; the last one if `fin` says so. A
    /// piece that is not used up is to be shown again.
    ///
    /// *Complexity*: linear in the bytes that go in and come out.
    #[inline]
    pub(super) fn receive(&mut self, kind: MessageKind, input: &mut BytesMut, piece: Range<usize>, fin: bool) -> Found {
        if !fin {
            return self.inflate(kind, input.get(piece).unwrap_or_default(), false);
        }
        // What the sender has cut off is put behind the piece for as long as it is looked at.
        let (length, tail_end) = (input.len(), piece.end + TAIL.len());
        if length < tail_end {
            input.extend_from_slice(&TAIL);
        }
        let saved = (length > piece.end).then(|| swap_behind(input, piece.end, TAIL));
        let found = self.inflate(kind, input.get(piece.start..tail_end).unwrap_or_default(), true);
        if let Some(saved) = saved {
            swap_behind(input, piece.end, saved);
        }
        input.truncate(length);
        found
    }

    /// Puts what [`receive`](Self::receive) has found behind the input.
    #[inline]
    pub(super) fn hand_out(&mut self, kind: MessageKind, input: &mut BytesMut) -> Span {
        let count = self.complete(kind);
        let span = if count > KEEP && input.len() <= count {
            // Too much to be copied or kept: what is left of the input is less, and goes behind it.
            let mut memory = core::mem::take(&mut self.buffer);
            memory.truncate(count);
            memory.reserve_exact(input.len());
            memory.extend_from_slice(input);
            if memory.capacity() - memory.len() > STEP {
                memory.shrink_to_fit();
            }
            *input = BytesMut::from(Bytes::from(memory));
            Span { start: 0, end: count, consume: count }
        } else {
            let start = input.len();
            if input.capacity() - start < count {
                // What is left of the input may have to move, so it does so only after as much again has come.
                input.reserve(count.max(start));
            }
            input.extend_from_slice(self.buffer.get(..count).unwrap_or_default());
            if count < self.ready {
                self.buffer.copy_within(count..self.ready, 0);
            } else if count > KEEP || (self.length == 0 && !self.inflater.keeps_context()) {
                self.buffer = Vec::new();
            } else if self.buffer.len() > KEEP {
                self.buffer.truncate(KEEP);
                self.buffer.shrink_to_fit();
            }
            Span { start, end: start + count, consume: Span::LAST }
        };
        self.ready -= count;
        self.valid = 0;
        span
    }

    /// Gives back what is not needed between messages.
    pub(super) fn release(&mut self) {
        self.inflater.release();
        if self.ready == 0 {
            self.buffer = Vec::new();
        }
    }

    pub(super) const fn agreed(&self) -> DeflateParameters {
        self.agreed
    }

    fn inflate(&mut self, kind: MessageKind, bytes: &[u8], fin: bool) -> Found {
        let (taken, part) = self.progress.take().unwrap_or_else(|| (0, self.part(fin)));
        let mut piece = Piece::new(bytes, part, taken);
        let is_used_up = self.inflate_until(kind, &mut piece);
        if is_used_up && fin {
            self.end_message(kind);
        }
        if let Some(fault) = self.fault {
            // What came before it is told first.
            if self.delivery == Delivery::Messages || self.complete(kind) == 0 {
                self.buffer = Vec::new();
                return Found::Fault(fault);
            }
        } else if is_used_up {
            let is_told = fin || (self.delivery == Delivery::Parts && self.complete(kind) > 0);
            return if is_told { Found::Data { fin, piece_is_used_up: true } } else { Found::Nothing };
        }
        self.progress = Some(piece.progress());
        Found::Data { fin: false, piece_is_used_up: false }
    }

    /// Which part of its message a piece is that comes now.
    fn part(&self, fin: bool) -> Part {
        if !fin {
            Part::Middle
        } else if self.delivery == Delivery::Parts || self.inflater.is_in_message() {
            // What is told must not depend on how the bytes are cut, nor on what stands behind the message: a part may
            // be told before the end shows that the message is broken.
            Part::Last { content_is_out: false }
        } else {
            Part::Whole
        }
    }

    /// Goes on until the piece is used up, which it says, or until there is a fault or a part to be told.
    fn inflate_until(&mut self, kind: MessageKind, piece: &mut Piece<'_>) -> bool {
        while self.fault.is_none() {
            // What is told in parts never piles up.
            if self.delivery == Delivery::Parts && self.ready >= STEP {
                break;
            }
            if self.step(kind, piece) {
                return true;
            }
        }
        false
    }

    /// One step through zlib. True when all of the piece is in and all that follows from it is out.
    fn step(&mut self, kind: MessageKind, piece: &mut Piece<'_>) -> bool {
        // The limit is on what comes out (RFC 6455 §10.4); room for one byte more shows what goes past it.
        let left = usize::try_from(self.max_message - self.length).unwrap_or(usize::MAX).min(usize::MAX - 1);
        let most = match self.delivery {
            Delivery::Messages => left + 1,
            Delivery::Parts => (left + 1).min(STEP - self.ready),
        };
        self.make_room(piece.left().saturating_mul(8), most);
        let room = self.buffer.get_mut(self.ready..).unwrap_or_default();
        let size = room.len().min(most).min(STEP);
        let step = self.inflater.inflate(piece, room.get_mut(..size).unwrap_or_default());

        let given = step.given.min(left);
        self.ready += given;
        self.length += given as u64;
        self.fault = match step.fault {
            // RFC 7692 §6.1: text is what comes out.
            _ if kind == MessageKind::Text && !self.validate() => Some(Violation::TextNotUtf8),
            _ if step.given > left => Some(Violation::MessageTooBig),
            fault => fault.map(Violation::from),
        };
        step.done
    }

    /// Grows the buffer if there is too little room in it for what is expected. It doubles, so that what is in it is
    /// not copied time and again, but does not grow beyond the most that may come.
    fn make_room(&mut self, expected: usize, most: usize) {
        let expected = expected.clamp(MIN_STEP, STEP);
        if self.buffer.len() - self.ready < expected.min(most) {
            let limit = self.ready.saturating_add(most);
            let size = (self.ready + expected).max(2 * self.buffer.len()).min(limit);
            // Close to the limit it is reached at once, rather than by one more copy of nearly as much.
            let size = if size > KEEP && limit - size < STEP { limit } else { size };
            self.buffer.reserve_exact(size - self.buffer.len());
            self.buffer.resize(size, 0);
        }
    }

    fn end_message(&mut self, kind: MessageKind) {
        self.length = 0;
        self.inflater.end_message();
        // RFC 6455 §5.6: no code point may be left open.
        if self.fault.is_none() && self.complete(kind) < self.ready {
            self.fault = Some(Violation::TextNotUtf8);
        }
    }

    /// Validates the text that is new; false when no later byte can mend it.
    fn validate(&mut self) -> bool {
        let checked = utf8::check(self.buffer.get(self.valid..self.ready).unwrap_or_default());
        let (Ok(more) | Err(more)) = checked;
        self.valid += more;
        checked.is_ok()
    }

    /// How much can be handed out: of text, what ends with a whole code point.
    const fn complete(&self, kind: MessageKind) -> usize {
        match kind {
            MessageKind::Text => self.valid,
            MessageKind::Binary => self.ready,
        }
    }
}

/// Puts bytes into the input, and gives those that were there.
#[inline]
fn swap_behind<const N: usize>(input: &mut [u8], position: usize, bytes: [u8; N]) -> [u8; N] {
    match input.get_mut(position..).and_then(<[u8]>::first_chunk_mut) {
        Some(place) => core::mem::replace(place, bytes),
        None => bytes,
    }
}

impl From<Fault> for Violation {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Corrupt => Self::CorruptDeflate,
            Fault::FinalBlocks => Self::TooManyFinalBlocks,
        }
    }
}
