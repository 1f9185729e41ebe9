//! Appends frames to the output: masked if a client sends them, and within the limit on buffered bytes.

use crate::connection::output::Output;
use crate::frame::{EncodedHeader, FrameHeader, MaskingKey, MaskingKeys};
use crate::opcode::Opcode;
use crate::send_error::SendErrorKind;
use alloc::boxed::Box;
use bytes::{Buf, Bytes, BytesMut};

/// From this size on an owned payload is queued by reference: below it, copying costs less than one more slice in a
/// vectored write.
const LARGE: usize = 4 << 10;

/// The output, with the source of the masking keys and the limit on how many bytes may wait in it.
///
/// A frame is appended whole or not at all. It does not know which frame may follow which.
#[derive(Debug)]
pub(super) struct FrameWriter {
    pub(super) output: Output,
    max_buffered: usize,
    /// A client's; a server does not mask.
    keys: Option<Box<MaskingKeys>>,
}

impl FrameWriter {
    #[inline]
    pub(super) fn new(keys: Option<Box<MaskingKeys>>, max_buffered: usize) -> Self {
        Self { output: Output::default(), max_buffered, keys }
    }

    pub(super) const fn set_max_buffered(&mut self, max_buffered: usize) {
        self.max_buffered = max_buffered;
    }

    /// Appends the head of an HTTP response, which comes in pieces.
    #[cfg(feature = "handshake")]
    pub(super) fn append_head(&mut self, head: &[&[u8]]) {
        let output = self.output.small();
        output.reserve(head.iter().map(|piece| piece.len()).sum());
        head.iter().filter(|piece| !piece.is_empty()).for_each(|piece| output.extend_from_slice(piece));
    }

    /// Appends an unfragmented frame of at most [`MAX_SHORT`](crate::frame::MAX_SHORT) bytes, if it is clear at a
    /// glance that there is room for it. Returns whether it has done so.
    #[inline(always)]
    pub(super) fn append_short(&mut self, opcode: Opcode, payload: &[u8]) -> bool {
        let Some(buffer) = self.output.room_for(EncodedHeader::ROOM + payload.len(), self.max_buffered) else {
            return false;
        };
        match &mut self.keys {
            None => {
                EncodedHeader::append_short(opcode, payload.len(), buffer);
                buffer.extend_from_slice(payload);
            }
            Some(keys) => append_short_masked(buffer, opcode, keys.next(), payload),
        }
        true
    }

    /// Appends an unfragmented frame, if there is room for it.
    #[inline]
    pub(super) fn append_whole(&mut self, opcode: Opcode, payload: &[u8]) -> Result<(), SendErrorKind> {
        let header = self.admit(true, opcode, payload.len())?;
        self.append(&header, payload);
        Ok(())
    }

    /// The header of a frame that there is room for.
    #[inline]
    pub(super) fn admit(&mut self, fin: bool, opcode: Opcode, length: usize) -> Result<FrameHeader, SendErrorKind> {
        let payload_length = length as u64;
        let unmasked = FrameHeader { fin, rsv: 0, opcode, masking_key: None, payload_length };
        self.make_sure_of(length.saturating_add(self.header_size(&unmasked)))?;
        Ok(self.masked(unmasked))
    }

    /// A client's header gets a fresh masking key (RFC 6455 §5.3).
    #[inline]
    pub(super) fn masked(&mut self, header: FrameHeader) -> FrameHeader {
        FrameHeader { masking_key: self.keys.as_mut().map(|keys| keys.next()), ..header }
    }

    /// Appends a frame, copying its payload.
    #[inline]
    pub(super) fn append(&mut self, header: &FrameHeader, payload: &[u8]) {
        copy_frame(self.output.small(), header, payload);
    }

    /// Appends a frame with an owned payload: by reference if it is large.
    pub(super) fn append_owned(&mut self, header: &FrameHeader, payload: Bytes) {
        if payload.len() < LARGE {
            return self.append(header, &payload);
        }
        header.encode().append_to(self.output.small());
        self.output.push_large(payload, header.masking_key);
    }

    /// Checks that there is room for a frame of this size in the output.
    #[inline]
    pub(super) fn make_sure_of(&self, size: usize) -> Result<(), SendErrorKind> {
        if size <= self.max_buffered.saturating_sub(self.output.remaining()) {
            return Ok(());
        }
        Err(if size > self.max_buffered { SendErrorKind::TooLarge } else { SendErrorKind::Full })
    }

    /// The size of a header, once it is [`masked`](Self::masked).
    #[inline]
    pub(super) fn header_size(&self, unmasked: &FrameHeader) -> usize {
        unmasked.size() + if self.keys.is_some() { 4 } else { 0 }
    }
}

/// Appends a whole message of at most 125 bytes, masked. It is not inlined, which keeps the code of a server, that never
/// calls it, short.
#[inline(never)]
fn append_short_masked(buffer: &mut BytesMut, opcode: Opcode, key: MaskingKey, payload: &[u8]) {
    EncodedHeader::append_short_masked(opcode, payload.len(), key, buffer);
    let start = buffer.len();
    buffer.extend_from_slice(payload);
    key.apply_short(buffer.get_mut(start..).unwrap_or_default());
}

#[inline]
fn copy_frame(buffer: &mut BytesMut, header: &FrameHeader, payload: &[u8]) {
    buffer.reserve(EncodedHeader::ROOM + payload.len());
    header.encode().append_to(buffer);
    match header.masking_key {
        // The payload is borrowed only for the duration of the call, so nobody can change it once its frame has begun
        // (RFC 6455 §10.3).
        Some(key) => {
            key.append(payload, buffer);
        }
        None => buffer.extend_from_slice(payload),
    }
}
