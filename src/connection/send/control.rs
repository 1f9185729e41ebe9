//! Appends control frames: Ping, Pong and Close (RFC 6455 §5.5).

use super::frame_writer::FrameWriter;
use crate::close_frame::CloseFrame;
use crate::connection::reply::ControlPayload;
use crate::frame::{FrameHeader, MAX_CONTROL};
use crate::opcode::Opcode;
use crate::send_error::SendErrorKind;

impl FrameWriter {
    /// Appends the application's Ping or Pong, if there is room for it.
    pub(super) fn append_control(&mut self, opcode: Opcode, payload: &[u8]) -> Result<(), SendErrorKind> {
        if payload.len() > MAX_CONTROL {
            return Err(SendErrorKind::ControlTooLong);
        }
        self.append_whole(opcode, payload)
    }

    /// Appends the Pong that answers a Ping. It is exempt from the limit: the output keeps only so many of these.
    pub(super) fn append_automatic_pong(&mut self, mut payload: ControlPayload) {
        let header = self.control_header(Opcode::Pong, payload.as_slice().len());
        if let Some(key) = header.masking_key {
            key.apply(payload.as_mut_slice());
        }
        self.output.push_pong(header.encode().as_ref(), payload.as_slice());
    }

    /// Appends the Close frame. It is exempt from the limit: there is only one.
    pub(super) fn append_close(&mut self, frame: &CloseFrame) {
        self.output.settle_pong();
        let mut body = [0; MAX_CONTROL];
        let mut length = 0;
        if let Some(code) = frame.code() {
            for (place, byte) in body.iter_mut().zip(code.get().to_be_bytes().iter().chain(frame.reason().as_bytes())) {
                *place = *byte;
                length += 1;
            }
        }
        let header = self.control_header(Opcode::Close, length);
        self.append(&header, body.get(..length).unwrap_or_default());
    }

    /// The header of a control frame that is exempt from the limit.
    fn control_header(&mut self, opcode: Opcode, length: usize) -> FrameHeader {
        let payload_length = length as u64;
        self.masked(FrameHeader { fin: true, rsv: 0, opcode, masking_key: None, payload_length })
    }
}
