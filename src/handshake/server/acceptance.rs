//! The response that accepts a request, for an HTTP library to write.

use crate::handshake::build::HeaderLines;
use crate::handshake::extended_connect::is_connection_specific;
use crate::handshake::head::Headers;
use core::fmt;

/// Status and headers of the response that accepts a request, from
/// [`Request::accept_as_headers`](super::Request::accept_as_headers). `Debug` does not show the headers' values.
#[derive(Clone, PartialEq, Eq)]
pub struct Acceptance {
    status: u16,
    lines: HeaderLines,
}

impl Acceptance {
    /// The 101 with these header lines, in pieces.
    pub(super) fn of_upgrade(lines: &[&[u8]]) -> Self {
        Self { status: 101, lines: HeaderLines::of(lines.concat()) }
    }

    /// The 200 with these header lines, in pieces. RFC 8441 §5: a 2xx. RFC 9113 §8.2: its names are in lower case.
    pub(super) fn of_extended_connect(lines: &[&[u8]]) -> Self {
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
