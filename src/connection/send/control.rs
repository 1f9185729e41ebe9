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
        self.check_room(self.header_size(payload.len()) + payload.len())?;
        let mut payload = ControlPayload::new(payload);
        let header = self.mask_control(opcode, &mut payload);
        self.output.push_control(header.encode().as_ref(), payload.as_slice());
        Ok(())
    }

    /// Appends the Pong that answers a Ping. It is exempt from the limit: the output keeps only so many of these.
    pub(super) fn append_automatic_pong(&mut self, mut payload: ControlPayload) {
        let header = self.mask_control(Opcode::Pong, &mut payload);
        self.output.push_pong(header.encode().as_ref(), payload.as_slice());
    }

    /// Appends a Ping that is sent by itself. It is exempt from the limit: only one waits at a time.
    pub(super) fn append_automatic_ping(&mut self, number: u8) {
        let mut payload = ControlPayload::of_ping(number);
        let header = self.mask_control(Opcode::Ping, &mut payload);
        self.output.push_ping(header.encode().as_ref(), payload.as_slice());
    }

    /// Appends the Close frame behind the data; its size. It is exempt from the limit: there is only one.
    pub(super) fn append_close(&mut self, frame: &CloseFrame) -> u8 {
        let mut body = ControlPayload::new(&[]);
        if let Some(code) = frame.code() {
            body.extend(code.get().to_be_bytes().iter().chain(frame.reason().as_bytes()));
        }
        let header = self.mask_control(Opcode::Close, &mut body);
        self.output.push_close(header.encode().as_ref(), body.as_slice())
    }

    /// The header of a control frame with this payload, which is masked if a client sends it.
    fn mask_control(&mut self, opcode: Opcode, payload: &mut ControlPayload) -> FrameHeader {
        let payload_length = payload.as_slice().len() as u64;
        let header = self.masked(FrameHeader { fin: true, rsv: 0, opcode, masking_key: None, payload_length });
        if let Some(key) = header.masking_key {
            key.apply(payload.as_mut_slice());
        }
        header
    }
}
