//! Bytes of the peer's become those of its messages again (RFC 7692 §7.2.2).

use super::config::DeflateConfig;
use super::context::Contexts;
use super::parameters::DeflateParameters;
use super::window::Window;
use crate::role::Role;
use core::fmt;
use zlib_rs::{Inflate, InflateFlush, Status};

/// What stands behind the last bytes of a message while they are inflated: the end that its sender has cut off
/// (RFC 7692 §7.2.2), and bytes that must not be touched. They show whether a block ends where the message does, and keep
/// zlib from slowing down on the last bytes of its input.
pub(crate) const TAIL: [u8; CUT_OFF + 16] = {
    let mut tail = [0x00; CUT_OFF + 16];
    tail[2] = 0xFF;
    tail[3] = 0xFF;
    tail
};
const CUT_OFF: usize = 4;

/// What going on behind a final block costs, in bytes of the input that would take as long: the window is copied.
const FINAL_BLOCK_COST: usize = 64;

/// How much of this may be owed: a thousand final blocks in a row that hold nothing.
const MAX_OWED: usize = 1000 * FINAL_BLOCK_COST;

/// The receiving direction of one connection.
pub(crate) struct Inflater {
    /// Made when the first byte comes.
    context: Option<Inflate>,
    contexts: Contexts,
    window: Window,
    /// Whether the peer may refer to its earlier messages.
    takeover: bool,
    /// Whether the context waits here for the next message.
    keep: bool,
    /// Whether a message has begun.
    in_message: bool,
    /// Whether something of a block has come since the message began or a final block ended.
    in_block: bool,
    /// What final blocks have cost and the bytes of the input have not paid for.
    owed: usize,
}

/// Compressed bytes of a message.
pub(crate) struct Piece<'a> {
    bytes: &'a [u8],
    /// Whether the message ends with it; then [`TAIL`] stands behind it.
    last: bool,
    /// Where the message's own bytes end.
    end: usize,
    /// Where zlib has to stop.
    stop: usize,
    taken: usize,
}

impl<'a> Piece<'a> {
    /// A piece, the first bytes of which have been taken by earlier steps; if it is the last, with [`TAIL`] behind it.
    #[inline]
    pub(crate) const fn new(bytes: &'a [u8], last: bool, taken: usize) -> Self {
        let end = if last { bytes.len().saturating_sub(TAIL.len()) } else { bytes.len() };
        let stop = if last { end + CUT_OFF } else { end };
        Self { bytes, last, end, stop, taken }
    }

    /// How many bytes have been taken, by this step and earlier ones.
    pub(crate) const fn taken(&self) -> usize {
        self.taken
    }

    /// How many bytes of the message are still to be taken.
    pub(crate) const fn left(&self) -> usize {
        self.end.saturating_sub(self.taken)
    }

    #[inline]
    fn rest(&self) -> &'a [u8] {
        // Once all is taken, what must not be touched is not shown again: only output is still to come.
        let rest = if self.taken == self.stop { &[] } else { self.bytes };
        rest.get(self.taken..).unwrap_or_default()
    }
}

/// How far one step got.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Step {
    /// Bytes of the room that have been written.
    pub(crate) given: usize,
    /// Whether all of the piece has been taken, and all that follows from it has been given.
    pub(crate) done: bool,
    /// What keeps it from going on.
    pub(crate) fault: Option<Fault>,
}

/// What can be wrong with compressed data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not DEFLATE, or ends in the middle of a block.
    Corrupt,
    /// It consists of final blocks that hold next to nothing.
    FinalBlocks,
}

impl Inflater {
    pub(crate) fn new(role: Role, config: &DeflateConfig, agreed: &DeflateParameters) -> Self {
        let peer = agreed.of(role.peer());
        Self {
            context: None,
            contexts: config.contexts.clone(),
            window: Window::new(peer.window_bits),
            takeover: peer.takeover,
            keep: config.keep_contexts && (peer.takeover || !config.contexts.are_shared()),
            in_message: false,
            in_block: false,
            owed: 0,
        }
    }

    /// Goes on until the piece is used up and all that follows from it is in the room, or until the room is full.
    ///
    /// *Complexity*: linear in the bytes of piece and room.
    pub(crate) fn inflate(&mut self, piece: &mut Piece<'_>, room: &mut [u8]) -> Step {
        self.in_message = true;
        let mut step = Step::default();
        while !step.done && step.fault.is_none() && step.given < room.len() {
            self.advance(piece, room, &mut step);
        }
        step
    }

    /// Goes on to the end of the piece, of the room, or of a block.
    #[inline(always)]
    fn advance(&mut self, piece: &mut Piece<'_>, room: &mut [u8], step: &mut Step) {
        if piece.last && piece.taken == piece.end && !self.in_block {
            // Nothing, or a final block, which is no less an end than the empty block that is due.
            step.done = true;
            return;
        }
        let context = self.context.get_or_insert_with(|| primed(self.contexts.inflate(), &self.window));
        let (before_in, before_out) = (context.total_in(), context.total_out());
        let place = room.get_mut(step.given..).unwrap_or_default();
        // Asked for blocks, zlib stops between two of them, which shows where the message ends.
        let flush = if piece.last { InflateFlush::Block } else { InflateFlush::NoFlush };
        let status = context.decompress(piece.rest(), place, flush);
        // Neither is more than the slices hold.
        let taken = usize::try_from(context.total_in() - before_in).unwrap_or(usize::MAX);
        let given = usize::try_from(context.total_out() - before_out).unwrap_or(usize::MAX);
        piece.taken += taken;
        if given > 0 && piece.taken > piece.end {
            // A block goes on behind the message. What comes out is not all the message's.
            step.fault = Some(Fault::Corrupt);
            return;
        }
        self.window.push(place.get(..given).unwrap_or_default());
        step.given += given;
        self.in_block |= taken > 0;
        self.owed = self.owed.saturating_sub(taken);

        let is_full = step.given == room.len();
        step.done = piece.taken == piece.stop && !is_full;
        step.fault = match status {
            Err(_) => Some(Fault::Corrupt),
            // A block goes on behind the message, and nothing has come out of it.
            Ok(_) if piece.taken > piece.stop => Some(Fault::Corrupt),
            Ok(Status::StreamEnd) => self.restart(piece, step),
            // With bytes to take and room to give, a step gets on or never will.
            Ok(Status::Ok | Status::BufError) if taken == 0 && given == 0 && !step.done => Some(Fault::Corrupt),
            Ok(Status::Ok | Status::BufError) => None,
        };
    }

    /// RFC 7692 §7.2.1: a final block ends nothing but itself. What follows begins at the next byte, and may refer to what
    /// came before.
    #[cold]
    fn restart(&mut self, piece: &Piece<'_>, step: &mut Step) -> Option<Fault> {
        if let Some(context) = &mut self.context {
            context.reset(false);
            prime(context, &self.window);
        }
        self.in_block = false;
        step.done = false;
        self.owed += FINAL_BLOCK_COST;
        if piece.taken > piece.end {
            Some(Fault::Corrupt)
        } else if self.owed > MAX_OWED {
            Some(Fault::FinalBlocks)
        } else {
            None
        }
    }

    /// The message has ended.
    pub(crate) fn end_message(&mut self) {
        self.in_message = false;
        self.in_block = false;
        if !self.takeover {
            self.window.clear();
            if let Some(context) = &mut self.context {
                context.reset(false);
            }
        }
        if !self.keep {
            self.release();
        }
    }

    /// Whether the context waits for the next message, and what is used with it had better do so, too.
    pub(crate) const fn keeps_context(&self) -> bool {
        self.keep
    }

    /// Gives back what is not needed between messages; in the middle of one, all is needed.
    pub(crate) fn release(&mut self) {
        if self.in_message {
            return;
        }
        if let Some(context) = self.context.take() {
            self.contexts.give_inflate(context);
        }
        if !self.takeover {
            self.window.release();
        }
    }
}

fn primed(mut context: Inflate, window: &Window) -> Inflate {
    prime(&mut context, window);
    context
}

/// Lets the stream go on in this context that the window is of.
fn prime(context: &mut Inflate, window: &Window) {
    let (older, newer) = window.parts();
    for part in [older, newer] {
        // Without a header, zlib takes a dictionary at any time.
        if !part.is_empty() && context.set_dictionary(part).is_err() {
            debug_assert!(false, "zlib takes a dictionary");
        }
    }
}

impl Drop for Inflater {
    fn drop(&mut self) {
        if let Some(context) = self.context.take() {
            self.contexts.give_inflate(context);
        }
    }
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater").field("takeover", &self.takeover).finish_non_exhaustive()
    }
}
