//! What has come and gone, in numbers.

use crate::event::Event;
use crate::frame::{MAX_CONTROL, MAX_SHORT};
use crate::role::Role;

/// How much has come and gone on a connection since it began, from [`Connection::counters`](crate::Connection::counters).
/// Messages, Pings and Pongs that are sent count when they are queued, bytes when they are written or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counters {
    /// Whole messages that were returned; of those in parts the last part.
    pub messages_received: u64,
    /// Whole messages that were sent; of those in parts the last part.
    pub messages_sent: u64,
    /// Bytes of the [`Input`](crate::Input) that were looked at, those of the handshake included.
    pub bytes_received: u64,
    /// Bytes removed from the [`Output`](crate::Output), those of a server's handshake included.
    pub bytes_sent: u64,
    /// Pings that were returned.
    pub pings_received: u64,
    /// Pings that were sent, by themselves or by the application.
    pub pings_sent: u64,
    /// Pongs that were returned.
    pub pongs_received: u64,
    /// Pongs that were sent, by themselves or by the application; some of those are replaced before they are written.
    pub pongs_sent: u64,
    /// The largest payload of a received message, or part of one, in bytes. Those of up to 125 bytes do not count, so it is
    /// 0 or more than that.
    pub largest_received: u64,
    /// How often a message was refused because there was no room for it in the output.
    pub refused: u64,
}

/// What has been received.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) bytes: u64,
    /// Bytes of whole Pings and Pongs.
    pub(super) control: u64,
    pub(super) messages: u64,
    pub(super) pings: u64,
    pub(super) pongs: u64,
    pub(super) largest: u64,
    /// Whether a message or frame has begun and not ended.
    pub(super) is_under_way: bool,
}

impl Tally {
    /// Counts an event, which is not a short message.
    pub(super) fn event(&mut self, role: Role, event: &Event<'_>) {
        let control = |payload: &[u8]| {
            // RFC 6455 §5.5: its length is in the header's second byte.
            let header = match role {
                Role::Server => 6,
                Role::Client => 2,
            };
            (header + payload.len().min(MAX_CONTROL)) as u64
        };
        match event {
            Event::Text(text) | Event::TextPart { text, .. } => self.payload(text.len()),
            Event::Binary(data) | Event::BinaryPart { data, .. } => self.payload(data.len()),
            Event::Extension { payload, .. } | Event::ExtensionPart { payload, .. } => self.payload(payload.len()),
            Event::Ping(payload) => {
                self.pings += 1;
                self.control += control(payload);
            }
            Event::Pong(payload) => {
                self.pongs += 1;
                self.control += control(payload);
            }
            Event::Close(_) | Event::Closed(_) => {}
        }
    }

    /// Counts the payload of a message, or of a part of one.
    pub(super) fn payload(&mut self, length: usize) {
        if length > MAX_SHORT {
            self.largest = self.largest.max(length as u64);
        }
    }

    /// Adds what has come since then.
    pub(super) fn add(&mut self, later: &Self) {
        let Self { bytes, control, messages, pings, pongs, largest, is_under_way } = *later;
        self.bytes += bytes;
        self.control += control;
        self.messages += messages;
        self.pings += pings;
        self.pongs += pongs;
        self.largest = self.largest.max(largest);
        self.is_under_way = is_under_way;
    }

    /// Bytes that belong to messages, with their headers, and to frames that have not come whole.
    pub(super) const fn data(&self) -> u64 {
        self.bytes.saturating_sub(self.control)
    }
}

/// What has been sent.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sent {
    pub(super) bytes: u64,
    pub(super) messages: u64,
    pub(super) pings: u64,
    pub(super) pongs: u64,
    pub(super) refused: u64,
}

impl Counters {
    pub(super) const fn new(received: &Tally, sent: &Sent) -> Self {
        Self {
            messages_received: received.messages,
            messages_sent: sent.messages,
            bytes_received: received.bytes,
            bytes_sent: sent.bytes,
            pings_received: received.pings,
            pings_sent: sent.pings,
            pongs_received: received.pongs,
            pongs_sent: sent.pongs,
            largest_received: received.largest,
            refused: sent.refused,
        }
    }
}
