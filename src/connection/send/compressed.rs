//! Appends the data frames of compressed messages (RFC 7692 §6.1).

use super::frame_writer::{FrameWriter, Start};
use crate::connection::deflating::Deflating;
use crate::opcode::Opcode;
use crate::reserved_bits::ReservedBits;
use crate::send_error::SendErrorKind;

impl FrameWriter {
    /// Compresses data and appends it.
    pub(super) fn append_compressed(
        &mut self,
        deflating: &mut Deflating,
        opcode: Opcode,
        payload: &[u8],
        fin: bool,
    ) -> Result<(), SendErrorKind> {
        // RFC 7692 §6.1: the bit says that the message is compressed.
        let start = Start::of(opcode, Some(ReservedBits::RSV1), fin);
        let bound = Deflating::bound(payload.len());
        self.admit(bound)?;
        // The header precedes data whose length is not known yet: the room for the longest one is reserved.
        let reserved = self.header_size(bound);
        let output = self.output.small();
        let origin = output.len();
        output.resize(origin + reserved, 0);
        deflating.append(payload, fin, output);
        self.frame_in_place(start, origin, reserved);
        Ok(())
    }

    /// Whether there is room for data of this size once it is compressed, even if it grows.
    pub(super) fn has_room_for_compressed(&self, length: usize) -> bool {
        self.admit(Deflating::bound(length)).is_ok()
    }
}
