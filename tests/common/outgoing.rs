//! The order in which frames go out, as simply as it can be said: one list of frames, and counts of bytes.

use super::frames::{Frame, PING, PONG};
use ws_proto::Role;

/// What a connection is sent, in the order in which it has to go out.
pub struct Outgoing {
    sender: Role,
    /// With its size on the wire.
    frames: Vec<(Frame, usize)>,
    written: usize,
}

impl Outgoing {
    pub fn of(sender: Role) -> Self {
        Self { sender, frames: Vec::new(), written: 0 }
    }

    /// Records that a frame is sent. A Ping or Pong goes behind the other ones and behind the frames of which a byte has been
    /// written, and ahead of all others; any other frame goes behind everything.
    pub fn send(&mut self, frame: Frame) {
        let is_ping_or_pong = |frame: &Frame| matches!(frame.opcode, PING | PONG);
        let (mut at, mut start) = (0, 0);
        for (i, (other, size)) in self.frames.iter().enumerate() {
            if !is_ping_or_pong(&frame) || is_ping_or_pong(other) || start < self.written {
                at = i + 1;
            }
            start += size;
        }
        let size = self.size(&frame);
        self.frames.insert(at, (frame, size));
    }

    /// Records that so many bytes more have been written.
    pub fn write(&mut self, count: usize) {
        self.written += count;
        assert!(self.written <= self.frames.iter().map(|(_, size)| size).sum());
    }

    /// All frames, written or not.
    pub fn frames(&self) -> Vec<Frame> {
        self.frames.iter().map(|(frame, _)| frame.clone()).collect()
    }

    /// The bytes of a frame on the wire.
    fn size(&self, frame: &Frame) -> usize {
        let key = (self.sender == Role::Client).then_some([0; 4]);
        let header = Frame { key, claim: Some(frame.payload.len() as u64), payload: Vec::new(), ..*frame }.header();
        header.len() + frame.payload.len()
    }
}
