//! Decompresses messages (RFC 7692 §7.2.2).

use super::config::DeflateConfig;
use super::context::Contexts;
use super::parameters::{DeflateParameters, MAX_WINDOW_BITS};
use super::window::Window;
use crate::role::Role;
use core::fmt;
use zlib_rs::{Inflate, InflateFlush, Status};

/// What stands behind the last bytes of a message while they are inflated: the end that its sender has cut off (RFC
/// 7692 §7.2.2), and bytes that must not be touched. They show whether a block ends where the message does, and keep
/// zlib from slowing down on the last bytes of its input.
pub(crate) const TAIL: [u8; CUT_OFF + 16] = {
    let mut tail = [0x00; CUT_OFF + 16];
    tail[2] = 0xFF;
    tail[3] = 0xFF;
    tail
};
const CUT_OFF: usize = 4;

/// What going on behind a final block is counted as, in bytes of the input: the window is copied.
const FINAL_BLOCK_COST: usize = 16;

/// How much of this may be unpaid: thousands of final blocks that hold nothing.
const MAX_UNPAID: usize = 4096 * FINAL_BLOCK_COST;

/// How much a message pays for, be it as short as it may: its sender may use a final block for each of a few flushes.
const PAID_BY_MESSAGE: usize = 4 * FINAL_BLOCK_COST;

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
    /// What final blocks have cost and neither bytes nor messages have paid for.
    unpaid: usize,
}

/// Compressed bytes of a message, on their way through steps.
pub(crate) struct Piece<'a> {
    bytes: &'a [u8],
    part: Part,
    taken: usize,
    /// Bytes that have come out of it since it was made.
    given: usize,
    /// Where the message's own bytes end.
    end: usize,
    /// Where zlib has to stop.
    stop: usize,
}

/// Which part of its message a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// More of the message follows.
    Middle,
    /// The last one, behind others, with [`TAIL`] behind it. The end is shown to zlib when all that follows from the
    /// message's own bytes is out.
    Last { content_is_out: bool },
    /// All of the message, with [`TAIL`] behind it, which is shown to zlib at once.
    Whole,
}

impl<'a> Piece<'a> {
    /// A piece that earlier steps have taken the first bytes of.
    #[inline]
    pub(crate) const fn new(bytes: &'a [u8], part: Part, taken: usize) -> Self {
        let behind = match part {
            Part::Middle => 0,
            Part::Last { .. } | Part::Whole => TAIL.len(),
        };
        let end = bytes.len().saturating_sub(behind);
        let stop = match part {
            Part::Middle | Part::Last { content_is_out: false } => end,
            Part::Last { content_is_out: true } | Part::Whole => end + CUT_OFF,
        };
        Self { bytes, part, taken, given: 0, end, stop }
    }

    /// How many bytes have been taken, and the part as it is now.
    pub(crate) const fn progress(&self) -> (usize, Part) {
        (self.taken, self.part)
    }

    /// How many bytes of the message are still to be taken.
    pub(crate) const fn left(&self) -> usize {
        self.end.saturating_sub(self.taken)
    }

    /// Whether zlib sees the end of the message.
    #[inline]
    const fn shows_end(&self) -> bool {
        self.stop > self.end
    }

    /// What zlib sees.
    #[inline]
    fn rest(&self) -> &'a [u8] {
        // Once all is taken, what must not be touched is not shown again: only output is still to come.
        let until = if self.shows_end() && self.taken < self.stop { self.bytes.len() } else { self.stop };
        self.bytes.get(self.taken..until).unwrap_or_default()
    }

    /// All that zlib saw is used up. True if the piece is.
    #[inline]
    fn used_up(&mut self) -> bool {
        match &mut self.part {
            Part::Last { content_is_out: content_is_out @ false } => {
                *content_is_out = true;
                self.stop = self.end + CUT_OFF;
                false
            }
            Part::Middle | Part::Last { content_is_out: true } | Part::Whole => true,
        }
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
        let keep = config.keep_contexts && (peer.takeover || !config.contexts.are_shared());
        Self::with(Window::new(peer.window_bits), peer.takeover, keep, config.contexts.clone())
    }

    const fn with(window: Window, takeover: bool, keep: bool, contexts: Contexts) -> Self {
        Self { context: None, contexts, window, takeover, keep, in_message: false, in_block: false, unpaid: 0 }
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
        let shows_end = piece.shows_end();
        if shows_end && piece.taken == piece.end && !self.in_block {
            // Nothing, or a final block, which is no less an end than the empty block that is due.
            step.done = true;
            return;
        }
        let context = self.context.get_or_insert_with(|| primed(self.contexts.inflate(), &self.window));
        let (before_in, before_out) = (context.total_in(), context.total_out());
        let place = room.get_mut(step.given..).unwrap_or_default();
        // With this flush zlib stops between two blocks, which shows where the message ends.
        let flush = if shows_end { InflateFlush::Block } else { InflateFlush::NoFlush };
        let status = context.decompress(piece.rest(), place, flush);
        // Neither is more than the slices hold.
        let taken = usize::try_from(context.total_in() - before_in).unwrap_or(usize::MAX);
        let given = usize::try_from(context.total_out() - before_out).unwrap_or(usize::MAX);
        piece.taken += taken;
        if given > 0 && piece.taken > piece.end {
            // A block goes on behind the message, and not all that comes out is the message's.
            step.given += given.min(Self::given_by(piece));
            step.fault = Some(Fault::Corrupt);
            return;
        }
        self.window.push(place.get(..given).unwrap_or_default());
        piece.given += given;
        step.given += given;
        self.in_block |= taken > 0;
        if self.unpaid > 0 {
            self.unpaid = self.unpaid.saturating_sub(taken);
        }

        let is_used_up = piece.taken == piece.stop && step.given < room.len();
        match status {
            Ok(Status::StreamEnd) if piece.taken <= piece.end => step.fault = self.restart(),
            // With bytes to take and room to give, a step gets on or never will.
            Ok(Status::Ok | Status::BufError)
                if piece.taken <= piece.stop && (taken > 0 || given > 0 || is_used_up) =>
            {
                step.done = is_used_up && piece.used_up();
            }
            // It is not DEFLATE, or a block goes on behind the message of which nothing has come out.
            _ => step.fault = Some(Fault::Corrupt),
        }
    }

    /// RFC 7692 §7.2.1: a final block ends nothing but itself. What follows begins at the next byte, and may refer to
    /// what came before.
    #[cold]
    fn restart(&mut self) -> Option<Fault> {
        if let Some(context) = &mut self.context {
            context.reset(false);
            prime(context, &self.window);
        }
        self.in_block = false;
        self.unpaid += FINAL_BLOCK_COST;
        if self.unpaid > MAX_UNPAID { Some(Fault::FinalBlocks) } else { None }
    }

    /// How much more than was given already comes out of the message's own bytes.
    #[cold]
    fn given_by(piece: &Piece<'_>) -> usize {
        match piece.part {
            Part::Middle | Part::Last { .. } => return 0,
            Part::Whole => {}
        }
        // How much it is does not depend on what came before the message, so any window serves.
        let mut window = Window::new(MAX_WINDOW_BITS);
        window.push(&[0; 1 << MAX_WINDOW_BITS]);
        let mut alone = Self::with(window, true, true, Contexts::new());
        let mut content = Piece::new(piece.bytes.get(..piece.end).unwrap_or_default(), Part::Middle, 0);
        let mut room = [0; 4096];
        loop {
            let step = alone.inflate(&mut content, &mut room);
            if step.done || step.fault.is_some() {
                return content.given.saturating_sub(piece.given);
            }
        }
    }

    /// Whether a message has begun.
    pub(crate) const fn is_in_message(&self) -> bool {
        self.in_message
    }

    /// The message has ended.
    pub(crate) fn end_message(&mut self) {
        self.in_message = false;
        self.in_block = false;
        self.unpaid = self.unpaid.saturating_sub(PAID_BY_MESSAGE);
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

/// A context in which the stream goes on that this window is of.
fn primed(mut context: Inflate, window: &Window) -> Inflate {
    prime(&mut context, window);
    context
}

/// Makes a context that is as new such a one.
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
