//! Messages that go out compressed.

use crate::deflate::{DeflateConfig, DeflateParameters, Deflater};
use crate::role::Role;
use bytes::BytesMut;

/// The sending direction of a connection that compresses.
#[derive(Debug)]
pub(super) struct Deflating {
    deflater: Deflater,
    threshold: usize,
    /// Whether a message is being sent in parts, compressed.
    in_message: bool,
}

impl Deflating {
    pub(super) fn new(role: Role, config: &DeflateConfig, agreed: &DeflateParameters) -> Self {
        Self { deflater: Deflater::new(role, config, agreed), threshold: config.threshold, in_message: false }
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

    /// Gives back what is not needed between messages.
    pub(super) fn release(&mut self) {
        if !self.in_message {
            self.deflater.release();
        }
    }
}
