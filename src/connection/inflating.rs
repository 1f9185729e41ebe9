//! Compressed messages on their way in: what the decoder finds goes through zlib, step by step and within the limit.

use crate::config::Delivery;
use crate::deflate::{DeflateConfig, DeflateParameters, Fault, Inflater, Piece, TAIL};
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
    /// What has come out and has not been handed out, and room for more. All of it is initialised, so that no step has to
    /// do it again.
    buffer: Vec<u8>,
    /// How much has come out.
    ready: usize,
    /// How much of that is validated, if it is text; at the border of a code point.
    valid: usize,
    /// Bytes of the message so far, inflated.
    length: u64,
    max_message: u64,
    delivery: Delivery,
    /// How much of the decoder's piece has gone in.
    taken: usize,
    /// Whether all of the piece has gone in and all that follows from it has come out, and only the end is still to come.
    content_is_done: bool,
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
            taken: 0,
            content_is_done: false,
            fault: None,
            agreed,
        }
    }

    /// Takes in a piece of a message's compressed bytes, which lies in the input; the last one if `fin` says so. A piece
    /// that is not used up is to be shown again.
    ///
    /// *Complexity*: linear in the bytes that go in and come out.
    pub(super) fn receive(&mut self, kind: MessageKind, input: &mut BytesMut, piece: Range<usize>, fin: bool) -> Found {
        if !fin {
            return self.inflate(kind, input.get(piece).unwrap_or_default(), false);
        }
        // What the sender has cut off is put behind the piece for as long as it is looked at.
        let tail = piece.end..piece.end + TAIL.len();
        let length = input.len();
        if length < tail.end {
            input.resize(tail.end, 0);
        }
        let mut saved = TAIL;
        if let Some(place) = input.get_mut(tail.clone()) {
            place.swap_with_slice(&mut saved);
        }
        let found = self.inflate(kind, input.get(piece.start..tail.end).unwrap_or_default(), true);
        if let Some(place) = input.get_mut(tail) {
            place.swap_with_slice(&mut saved);
        }
        input.truncate(length);
        found
    }

    /// Puts what [`receive`](Self::receive) has found behind the input.
    pub(super) fn hand_out(&mut self, kind: MessageKind, input: &mut BytesMut) -> Span {
        let count = self.complete(kind);
        let start = input.len();
        if input.is_empty() && count > KEEP {
            // Too much to be copied, and to be kept.
            let mut memory = core::mem::take(&mut self.buffer);
            memory.truncate(count);
            *input = BytesMut::from(Bytes::from(memory));
        } else {
            input.extend_from_slice(self.buffer.get(..count).unwrap_or_default());
            if count < self.ready {
                self.buffer.copy_within(count..self.ready, 0);
            } else if self.buffer.len() > KEEP || (self.length == 0 && !self.inflater.keeps_context()) {
                self.buffer = Vec::new();
            }
        }
        self.ready -= count;
        self.valid = 0;
        Span { start, end: start + count, consume: Span::LAST }
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

    fn inflate(&mut self, kind: MessageKind, piece: &[u8], last: bool) -> Found {
        let part = Found::Data { fin: false, piece_is_used_up: false };
        while self.fault.is_none() {
            // What is told in parts never piles up.
            if self.delivery == Delivery::Parts && self.ready >= STEP {
                return part;
            }
            if self.step(kind, piece, last) {
                if last {
                    self.end_message(kind);
                }
                break;
            }
        }
        match (self.fault, self.delivery) {
            // What came before the fault is told first.
            (Some(_), Delivery::Parts) if self.complete(kind) > 0 => return part,
            (Some(fault), _) => {
                self.buffer = Vec::new();
                return Found::Fault(fault);
            }
            (None, _) => (self.taken, self.content_is_done) = (0, false),
        }
        if last || (self.delivery == Delivery::Parts && self.complete(kind) > 0) {
            Found::Data { fin: last, piece_is_used_up: true }
        } else {
            Found::Nothing
        }
    }

    /// One step through zlib. True when all of the piece is in and all that follows from it is out.
    fn step(&mut self, kind: MessageKind, piece: &[u8], last: bool) -> bool {
        // The limit is on what comes out (RFC 6455 §10.4); room for one byte more shows what goes past it.
        let left = usize::try_from(self.max_message - self.length).unwrap_or(usize::MAX).min(usize::MAX - 1);
        let most = match self.delivery {
            Delivery::Messages => left + 1,
            Delivery::Parts => (left + 1).min(STEP - self.ready),
        };
        // A part may be told before the end shows that the message is broken, so the end goes in behind all that is told.
        let content = piece.len().saturating_sub(TAIL.len());
        let is_ahead = last && self.delivery == Delivery::Parts && !self.content_is_done && content > 0;
        let piece = if is_ahead { piece.get(..content).unwrap_or_default() } else { piece };
        let mut piece = Piece::new(piece, last && !is_ahead, self.taken);
        self.make_room(piece.left().saturating_mul(8), most);
        let room = self.buffer.get_mut(self.ready..).unwrap_or_default();
        let size = room.len().min(most).min(STEP);
        let step = self.inflater.inflate(&mut piece, room.get_mut(..size).unwrap_or_default());
        self.taken = piece.taken();

        let given = step.given.min(left);
        self.ready += given;
        self.length += given as u64;
        self.fault = match step.fault {
            // RFC 7692 §6.1: text is what comes out.
            _ if kind == MessageKind::Text && !self.validate() => Some(Violation::TextNotUtf8),
            _ if step.given > left => Some(Violation::MessageTooBig),
            fault => fault.map(Violation::from),
        };
        self.content_is_done = step.done;
        step.done && !is_ahead
    }

    /// Grows the buffer if there is too little room in it for what is expected. It doubles, so that what is in it is not
    /// copied time and again, but does not grow beyond the most that may come.
    fn make_room(&mut self, expected: usize, most: usize) {
        let expected = expected.clamp(MIN_STEP, STEP);
        if self.buffer.len() - self.ready < expected.min(most) {
            let size = (self.ready + expected).max(2 * self.buffer.len()).min(self.ready.saturating_add(most));
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

impl From<Fault> for Violation {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Corrupt => Self::CorruptDeflate,
            Fault::FinalBlocks => Self::TooManyFinalBlocks,
        }
    }
}
