//! Messages that go out compressed.

use crate::deflate::{DeflateConfig, DeflateParameters, Deflater};
use crate::prepared::{Form, Prepared};
use crate::role::Role;
use bytes::BytesMut;
use core::mem;

/// How much memory is kept between messages that are written before they are compressed.
const MAX_DRAFT: usize = 64 << 10;

/// The sending direction of a connection that compresses.
#[derive(Debug)]
pub(super) struct Deflating {
    deflater: Deflater,
    threshold: usize,
    /// Whether a message is being sent in parts, compressed.
    in_message: bool,
    /// What a message is written to before it is compressed.
    draft: BytesMut,
}

impl Deflating {
    pub(super) fn new(role: Role, config: &DeflateConfig, agreed: &DeflateParameters) -> Self {
        Self {
            deflater: Deflater::new(role, config, agreed),
            threshold: config.threshold,
            in_message: false,
            draft: BytesMut::new(),
        }
    }

    /// The most bytes that so many become.
    pub(super) const fn bound(length: usize) -> usize {
        Deflater::bound(length)
    }

    /// Whether a message of this size is worth it.
    pub(super) const fn is_for(&self, length: usize) -> bool {
        length >= self.threshold
    }

    /// Whether the message that is being sent in parts is compressed.
    pub(super) const fn is_in_message(&self) -> bool {
        self.in_message
    }

    /// Appends the compressed payload of a frame; `fin` if the message ends with it.
    pub(super) fn append(&mut self, payload: &[u8], fin: bool, output: &mut BytesMut) {
        self.deflater.deflate(payload, fin, output);
        self.in_message = !fin;
    }

    /// The form of a prepared message that the peer can inflate, if there is one.
    pub(super) fn form<'p>(&self, prepared: &'p Prepared) -> Option<&'p Form> {
        prepared.compressed(self.deflater.peer_window_bits())
    }

    /// Records that a message which was compressed elsewhere goes out.
    pub(super) fn skip_message(&mut self) {
        self.deflater.skip_message();
    }

    /// What a message is written to before it is compressed. It is put back with [`give_draft`](Self::give_draft).
    pub(super) fn take_draft(&mut self) -> BytesMut {
        let mut draft = mem::take(&mut self.draft);
        draft.clear();
        draft
    }

    /// Keeps it for the next message, unless it is large.
    pub(super) fn give_draft(&mut self, draft: BytesMut) {
        if draft.capacity() <= MAX_DRAFT {
            self.draft = draft;
        }
    }

    /// Gives back what is not needed between messages.
    pub(super) fn release(&mut self) {
        self.draft = BytesMut::new();
        if !self.in_message {
            self.deflater.release();
        }
    }
}
