//! The parameters of the extension that hold for a connection (RFC 7692 §7.1).

use crate::role::Role;

pub(super) const MIN_WINDOW_BITS: u8 = 8;
pub(super) const MAX_WINDOW_BITS: u8 = 15;

/// What both sides have agreed on for permessage-deflate (RFC 7692 §7.1).
///
/// A handshake of this crate agrees by itself. For a stream that was upgraded elsewhere, the value is given to
/// [`Connection::with_deflate`](crate::Connection::with_deflate).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeflateParameters {
    /// Whether the server compresses each message for itself.
    pub server_no_context_takeover: bool,
    /// Whether the client compresses each message for itself.
    pub client_no_context_takeover: bool,
    /// The server's window is at most 2^this bytes; 8 to 15, and 15 when it was not negotiated. Other values count as the
    /// nearest.
    pub server_max_window_bits: u8,
    /// The client's window is at most 2^this bytes; 8 to 15, and 15 when it was not negotiated. Other values count as the
    /// nearest.
    pub client_max_window_bits: u8,
}

impl DeflateParameters {
    /// What holds when no parameter is named: context takeover on both sides, windows of 32 KiB.
    pub const fn new() -> Self {
        Self {
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_max_window_bits: MAX_WINDOW_BITS,
            client_max_window_bits: MAX_WINDOW_BITS,
        }
    }

    /// The same with windows that there are.
    pub(crate) fn clamped(self) -> Self {
        let clamp = |bits: u8| bits.clamp(MIN_WINDOW_BITS, MAX_WINDOW_BITS);
        Self {
            server_max_window_bits: clamp(self.server_max_window_bits),
            client_max_window_bits: clamp(self.client_max_window_bits),
            ..self
        }
    }

    /// What one side keeps to when it compresses.
    pub(super) const fn of(&self, role: Role) -> Direction {
        match role {
            Role::Server => {
                Direction { takeover: !self.server_no_context_takeover, window_bits: self.server_max_window_bits }
            }
            Role::Client => {
                Direction { takeover: !self.client_no_context_takeover, window_bits: self.client_max_window_bits }
            }
        }
    }
}

/// What is agreed for one direction.
pub(super) struct Direction {
    pub(super) takeover: bool,
    pub(super) window_bits: u8,
}

impl Default for DeflateParameters {
    fn default() -> Self {
        Self::new()
    }
}
