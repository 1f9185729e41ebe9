//! The response that accepts a request, for an HTTP library to write.

use crate::handshake::build::HeaderLines;
use crate::handshake::extended_connect::is_connection_specific;
use crate::handshake::head::Headers;
use core::fmt;

/// How a 101 begins: its status line, the headers that are always the same, and the name of the last one (RFC 6455 §4.2.2).
pub(super) const SWITCHING_PROTOCOLS: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ";

const STATUS_LINE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n";

/// Status and headers of the response that accepts a request, from
/// [`Request::accept_as_headers`](super::Request::accept_as_headers). `Debug` does not show the headers' values.
#[derive(Clone, PartialEq, Eq)]
pub struct Acceptance {
    status: u16,
    lines: HeaderLines,
}

impl Acceptance {
    /// The 101 whose head these pieces are.
    pub(super) fn to_upgrade(head: &[&[u8]; 11]) -> Self {
        let mut lines = head.concat();
        // Without the first line, and the empty one at the end.
        lines.truncate(lines.len() - b"\r\n".len());
        lines.drain(..STATUS_LINE.len());
        Self { status: 101, lines: HeaderLines::of(lines) }
    }

    /// RFC 8441 §5: a 2xx. RFC 9113 §8.2: its names are in lower case.
    pub(super) fn to_extended_connect(lines: &[&[u8]; 7]) -> Self {
        Self { status: 200, lines: HeaderLines::of(lines.concat()).into_lower_case(is_connection_specific) }
    }

    /// The status: 101, or 200 for an extended CONNECT.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The headers, none of them beside these to be added by the library. For an extended CONNECT their names are in lower
    /// case (RFC 9113 §8.2), and those of the [`Answer`](super::Answer) that are about one connection of HTTP/1.1, such as
    /// `Keep-Alive`, are left out (RFC 9113 §8.2.2).
    pub fn headers(&self) -> Headers<'_> {
        self.lines.iter()
    }
}

impl fmt::Debug for Acceptance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptance").field("status", &self.status).field("headers", &self.lines).finish()
    }
}
