//! The value that travels from the receiving half to the sending one.

use super::tally::Tally;
use crate::close_frame::CloseFrame;
use crate::frame::MAX_CONTROL;
use crate::violation::Violation;
use core::fmt;

/// What the sending half has to do or to know because of what was received; it is passed to
/// [`SendHalf::reply`](crate::SendHalf::reply).
#[must_use = "the sending half has to take it"]
#[derive(Debug)]
pub struct Reply(pub(super) Due);

#[derive(Debug)]
pub(super) enum Due {
    /// The answer to a Ping.
    Pong(ControlPayload),
    /// The peer's Close frame, to be answered now or by the application.
    Close { frame: CloseFrame, answer: bool },
    /// The peer broke the protocol.
    Failure(Violation),
    /// The Pong to a Ping that was sent by itself, which had this number.
    Answered(u8),
    /// What has come since the last one.
    Received(Tally),
    /// The transport has nothing more to give. All that came before it has been received, if it says so.
    EndOfStream { drained: bool },
}

/// What the payload of a Ping begins with that is sent by itself. Its number follows.
const PING: &[u8] = b"ping";

/// The number of the Ping that a Pong with this payload answers, if that was sent by itself.
pub(super) fn answered(pong: &[u8]) -> Option<u8> {
    match pong.strip_prefix(PING)? {
        [number] => Some(*number),
        _ => None,
    }
}

/// The payload of a control frame, without an allocation.
pub(super) struct ControlPayload {
    bytes: [u8; MAX_CONTROL],
    length: usize,
}

impl ControlPayload {
    pub(super) fn new(payload: &[u8]) -> Self {
        let mut this = Self { bytes: [0; MAX_CONTROL], length: 0 };
        this.extend(payload);
        this
    }

    /// That of the Ping with this number.
    pub(super) fn of_ping(number: u8) -> Self {
        let mut this = Self::new(PING);
        this.extend(&[number]);
        this
    }

    /// Appends what has room.
    pub(super) fn extend<'a>(&mut self, bytes: impl IntoIterator<Item = &'a u8>) {
        for (place, byte) in self.bytes.iter_mut().skip(self.length).zip(bytes) {
            *place = *byte;
            self.length += 1;
        }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [u8] {
        self.bytes.get_mut(..self.length).unwrap_or_default()
    }
}

impl fmt::Debug for ControlPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().fmt(f)
    }
}
