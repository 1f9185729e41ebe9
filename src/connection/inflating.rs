//! Compressed messages on their way in: what the decoder finds goes through zlib, step by step and within the limit.

use crate::config::Delivery;
use crate::deflate::{DeflateConfig, DeflateParameters, Fault, Inflater, Piece, TAIL};
use crate::inflated::{Buffer, Inflated};
use crate::opcode::MessageKind;
use crate::role::Role;
use crate::utf8;
use crate::violation::Violation;
use bytes::BytesMut;
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
    /// What has come out and has not been handed out.
    buffer: Buffer,
    /// How much of the buffer is validated, if it is text; at the border of a code point.
    valid: usize,
    /// Bytes of the message so far, inflated.
    length: u64,
    max_message: u64,
    delivery: Delivery,
    /// How much of the decoder's piece has gone in.
    taken: usize,
    /// What is wrong, while what came before it is handed out.
    fault: Option<Violation>,
    agreed: DeflateParameters,
}

/// What a piece of a compressed message leads to.
pub(super) enum Found {
    /// Nothing to tell yet; the piece is used up.
    Nothing,
    /// A whole message, or a part of one. The message ends with it if `fin` says so.
    Data { data: Inflated, fin: bool, piece_is_used_up: bool },
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
            buffer: Buffer::default(),
            valid: 0,
            length: 0,
            max_message,
            delivery,
            taken: 0,
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
        input.resize(length.max(tail.end), 0);
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

    fn inflate(&mut self, kind: MessageKind, piece: &[u8], last: bool) -> Found {
        while self.fault.is_none() {
            // What is told in parts never piles up.
            if self.delivery == Delivery::Parts && self.buffer.len() >= STEP {
                return self.part(kind, false);
            }
            if self.step(kind, piece, last) {
                if last {
                    self.end_message(kind);
                }
                break;
            }
        }
        match (self.fault, self.delivery) {
            (None, _) => {
                self.taken = 0;
                match self.delivery {
                    _ if last => self.last(),
                    Delivery::Messages => Found::Nothing,
                    Delivery::Parts => self.part(kind, true),
                }
            }
            (Some(_), Delivery::Parts) if self.ready(kind) > 0 => self.part(kind, false),
            (Some(fault), _) => Found::Fault(fault),
        }
    }

    /// Gives back what is not needed between messages.
    pub(super) fn release(&mut self) {
        self.inflater.release();
        if self.buffer.len() == 0 {
            self.buffer = Buffer::default();
        }
    }

    pub(super) const fn agreed(&self) -> DeflateParameters {
        self.agreed
    }

    /// One step through zlib. True when all of the piece is in and all that follows from it is out.
    fn step(&mut self, kind: MessageKind, piece: &[u8], last: bool) -> bool {
        let mut piece = Piece::new(piece, last, self.taken);
        // The limit is on what comes out (RFC 6455 §10.4); room for one byte more shows what goes past it.
        let left = usize::try_from(self.max_message - self.length).unwrap_or(usize::MAX - 1);
        let ready = self.buffer.len();
        let most = match self.delivery {
            Delivery::Messages => left + 1,
            Delivery::Parts => (left + 1).min(STEP - ready),
        };
        // The memory doubles, unless the piece promises more.
        let growth = piece.left().saturating_mul(8).clamp(MIN_STEP, STEP).max(ready);
        let room = self.buffer.room(growth.min(most));
        let size = room.len().min(most).min(STEP);
        let step = self.inflater.inflate(&mut piece, room.get_mut(..size).unwrap_or_default());
        self.taken = piece.taken();

        let given = step.given.min(left);
        self.buffer.written(given);
        self.length += given as u64;
        self.fault = match step.fault {
            // RFC 7692 §6.1: text is what comes out.
            _ if kind == MessageKind::Text && !self.validate() => Some(Violation::TextNotUtf8),
            _ if step.given > left => Some(Violation::MessageTooBig),
            fault => fault.map(Violation::from),
        };
        step.done
    }

    fn end_message(&mut self, kind: MessageKind) {
        self.length = 0;
        self.inflater.end_message();
        // RFC 6455 §5.6: no code point may be left open.
        if self.fault.is_none() && kind == MessageKind::Text && self.valid < self.buffer.len() {
            self.fault = Some(Violation::TextNotUtf8);
        }
    }

    /// Validates the text that is new; false when no later byte can mend it.
    fn validate(&mut self) -> bool {
        let checked = utf8::check(self.buffer.ready().get(self.valid..).unwrap_or_default());
        let (Ok(more) | Err(more)) = checked;
        self.valid += more;
        checked.is_ok()
    }

    /// How much can be handed out.
    fn ready(&self, kind: MessageKind) -> usize {
        match kind {
            MessageKind::Text => self.valid,
            MessageKind::Binary => self.buffer.len(),
        }
    }

    /// What can be handed out before the message ends.
    fn part(&mut self, kind: MessageKind, piece_is_used_up: bool) -> Found {
        let ready = self.ready(kind);
        if ready == 0 && piece_is_used_up {
            return Found::Nothing;
        }
        self.valid = 0;
        Found::Data { data: self.buffer.hand_out(ready), fin: false, piece_is_used_up }
    }

    /// All that is left of a message that has ended.
    fn last(&mut self) -> Found {
        self.valid = 0;
        let data = self.buffer.hand_out(self.buffer.len());
        if self.buffer.size() > KEEP {
            self.buffer = Buffer::default();
        }
        Found::Data { data, fin: true, piece_is_used_up: true }
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
