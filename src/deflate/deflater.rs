//! Compresses messages (RFC 7692 §7.2.1).

use super::config::DeflateConfig;
use super::context::{Contexts, Settings};
use super::parameters::DeflateParameters;
use crate::role::Role;
use bytes::{Bytes, BytesMut};
use core::fmt;
use zlib_rs::{Deflate, DeflateFlush};

/// The end of an empty stored block, on which every flush ends.
const TAIL: &[u8] = &[0x00, 0x00, 0xFF, 0xFF];

/// An empty block without its tail: what an empty message is (RFC 7692 §7.2.3.6).
const EMPTY_BLOCK: u8 = 0x00;

/// How much room is made at a time at most.
const STEP: usize = 64 << 10;

/// Compresses a message by itself, so that it refers to nothing before it. Returns the window that it takes, in bits, and the
/// payload; `None` below the threshold, or if it does not shrink.
pub(crate) fn compress_alone(payload: &[u8], config: &DeflateConfig) -> Option<(u8, Bytes)> {
    if payload.len() < config.threshold {
        return None;
    }
    let mut output = BytesMut::new();
    Deflater::new(Role::Server, config, &DeflateParameters::new()).deflate(payload, true, &mut output);
    // The output may have more room than it holds.
    let shrinks = output.len() < payload.len();
    shrinks.then(|| (config.send_window_bits, Bytes::copy_from_slice(&output)))
}

/// The sending direction of one connection.
pub(crate) struct Deflater {
    /// Made when the first byte goes.
    context: Option<Deflate>,
    contexts: Contexts,
    settings: Settings,
    peer_window_bits: u8,
    /// Whether messages refer to earlier ones.
    takeover: bool,
    /// Whether the context waits here for the next message.
    keep: bool,
    /// Whether the peer has inflated something that the context does not know.
    is_stale: bool,
}

impl Deflater {
    pub(crate) fn new(role: Role, config: &DeflateConfig, agreed: &DeflateParameters) -> Self {
        let own = agreed.of(role);
        let takeover = own.takeover && config.send_context_takeover && config.keep_contexts;
        Self {
            context: None,
            contexts: config.contexts.clone(),
            settings: Settings {
                level: config.level,
                memory_level: config.memory_level,
                window_bits: own.window_bits.min(config.send_window_bits),
            },
            peer_window_bits: own.window_bits,
            takeover,
            keep: config.keep_contexts && (takeover || !config.contexts.are_shared()),
            is_stale: false,
        }
    }

    /// The window that the peer inflates with, in bits. What is compressed here may keep to a smaller one.
    pub(crate) const fn peer_window_bits(&self) -> u8 {
        self.peer_window_bits
    }

    /// The most bytes that so many become: zlib's own bound for any settings, and the flush.
    pub(crate) const fn bound(length: usize) -> usize {
        length.saturating_add(length / 8 + length / 256 + length / 512 + 4 + 7 + 5)
    }

    /// Appends the compressed payload of a frame: of a whole message, or of the next part of one.
    pub(crate) fn deflate(&mut self, payload: &[u8], fin: bool, output: &mut BytesMut) {
        if payload.is_empty() {
            // What went before ends on a byte.
            output.extend_from_slice(if fin { &[EMPTY_BLOCK] } else { &[] });
        } else {
            self.flush(payload, output);
            // RFC 7692 §7.2.1: the tail is cut off the end of the message, and of nothing else.
            if fin && output.ends_with(TAIL) {
                output.truncate(output.len() - TAIL.len());
            }
        }
        if fin {
            self.end_message();
        }
    }

    /// Records that a message which was compressed elsewhere goes out, between two messages. The next one does not refer to
    /// earlier ones, as the distance to them has changed for the peer (RFC 7692 §7.2.3.2).
    pub(crate) fn skip_message(&mut self) {
        self.is_stale = self.takeover && self.context.is_some();
    }

    /// Gives the context back, between two messages: the next one does not refer to earlier ones, which a sender may
    /// choose at any time.
    pub(crate) fn release(&mut self) {
        if let Some(context) = self.context.take() {
            self.contexts.give_deflate(self.settings, context);
        }
        self.is_stale = false;
    }

    fn flush(&mut self, payload: &[u8], output: &mut BytesMut) {
        let is_stale = core::mem::take(&mut self.is_stale);
        if let Some(context) = self.context.as_mut().filter(|_| is_stale) {
            context.reset();
        }
        let context = self.context.get_or_insert_with(|| self.contexts.deflate(self.settings));
        let mut rest = payload;
        loop {
            let start = output.len();
            // zlib may say the flush twice if it finds room for a part of it only, so there is always more.
            output.resize(start + (rest.len() / 2).clamp(64, STEP), 0);
            let Some(room) = output.get_mut(start..) else { return };
            let size = room.len();
            let (before_in, before_out) = (context.total_in(), context.total_out());
            let status = context.compress(rest, room, DeflateFlush::SyncFlush);
            debug_assert!(status.is_ok(), "zlib fails only if it was used in a wrong way");
            let taken = usize::try_from(context.total_in() - before_in).unwrap_or(usize::MAX);
            let given = usize::try_from(context.total_out() - before_out).unwrap_or(usize::MAX);
            output.truncate(start + given);
            rest = rest.get(taken..).unwrap_or_default();
            if given < size {
                return;
            }
        }
    }

    fn end_message(&mut self) {
        if !self.keep {
            self.release();
        } else if let Some(context) = self.context.as_mut().filter(|_| !self.takeover) {
            context.reset();
        }
    }
}

impl Drop for Deflater {
    fn drop(&mut self) {
        self.release();
    }
}

impl fmt::Debug for Deflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflater").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{BytesMut, DeflateConfig, DeflateParameters, Deflater, Role};
    use alloc::vec::Vec;

    /// Bytes that no code shortens: each value as often as the others, in no order, and with the longest of the fixed
    /// codes.
    fn noise(length: usize) -> Vec<u8> {
        let mut state = 0x9E37_79B9_u32;
        let next = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state.to_be_bytes()[0] | 0x90
        };
        core::iter::repeat_with(next).take(length).collect()
    }

    #[test]
    fn nothing_grows_beyond_the_bound_which_is_close() {
        let mut closest = usize::MAX;
        for length in [1, 2, 7, 64, 255, 1000, 5000, 70_000] {
            let payload = noise(length);
            let bound = Deflater::bound(length);
            assert!(bound <= length + length / 7 + 32, "{bound} for {length}");
            for level in 0..=9 {
                for memory_level in [1, 2, 8, 9] {
                    let config = DeflateConfig::new().level(level).memory_level(memory_level);
                    let mut deflater = Deflater::new(Role::Server, &config, &DeflateParameters::new());
                    for _ in 0..3 {
                        let mut output = BytesMut::new();
                        deflater.deflate(&payload, false, &mut output);
                        assert!(output.len() <= bound, "{} for {length} at {level}, {memory_level}", output.len());
                        closest = closest.min(bound - output.len());
                    }
                }
            }
        }
        assert!(closest < 12, "{closest}");
    }
}
