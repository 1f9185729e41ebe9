//! Appends the data frames of compressed messages (RFC 7692 §6.1).

use super::frame_writer::FrameWriter;
use crate::connection::deflating::Deflating;
use crate::frame::{FrameHeader, RSV1};
use crate::opcode::Opcode;
use crate::send_error::SendErrorKind;

impl FrameWriter {
    /// Compresses a payload and appends it as a data frame.
    pub(super) fn append_compressed(
        &mut self,
        deflating: &mut Deflating,
        opcode: Opcode,
        payload: &[u8],
        fin: bool,
    ) -> Result<(), SendErrorKind> {
        self.make_sure_of(deflated_size(payload.len()))?;
        // RFC 7692 §6.1: the bit is set on the first frame of the message, and on no other.
        let rsv = if opcode == Opcode::Continuation { 0 } else { RSV1 };
        let header = |length| FrameHeader { fin, rsv, opcode, masking_key: None, payload_length: length as u64 };
        // The header precedes a payload whose length is not known yet: the room for the longest one is reserved.
        let reserved = self.header_size(&header(Deflating::bound(payload.len())));
        let output = self.output.small();
        let start = output.len();
        output.resize(start + reserved, 0);
        deflating.append(payload, fin, output);
        let length = output.len() - start - reserved;
        let header = self.masked(header(length));
        let output = self.output.small();
        let size = header.size();
        if size < reserved {
            output.copy_within(start + reserved.., start + size);
            output.truncate(start + size + length);
        }
        let Some((head, payload)) = output.get_mut(start..).and_then(|frame| frame.split_at_mut_checked(size)) else {
            return Ok(());
        };
        head.copy_from_slice(header.encode().as_ref());
        if let Some(key) = header.masking_key {
            key.apply(payload);
        }
        Ok(())
    }

    /// Whether there is room for a payload of this size once it is compressed, even if it grows.
    pub(super) fn has_room_for_compressed(&self, length: usize) -> bool {
        self.make_sure_of(deflated_size(length)).is_ok()
    }
}

/// The most bytes that the frame takes whose payload has this length before it is compressed.
const fn deflated_size(length: usize) -> usize {
    Deflating::bound(length).saturating_add(FrameHeader::MAX_SIZE)
}
