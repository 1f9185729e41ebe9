//! Header lines that are not as they should be: a user agent unfolds them or passes over them (RFC 9112 §2.2, §5).
//!
//! It is done to the bytes of the head, once the parser has refused them, so that an ordinary head costs nothing and
//! everybody who reads the head later finds the same lines. The parser's own options are of no use here: they leave the
//! folds in the values, skip a malformed `Upgrade` without a word, and refuse a NUL all the same.

use super::error::Flaw;
use crate::grammar::is_token_byte;
use crate::handshake::body::BodyError;
use crate::handshake::fields::{is_header_line, is_space};
use crate::handshake::head::{RawHead, without_line_end};
use crate::handshake::names;
use alloc::vec::Vec;

/// What malformed lines would have decided that were left out.
#[derive(Clone, Copy, Default)]
pub(super) struct LeftOut {
    /// The flaw of a 101, which is not taken without them.
    pub(super) flaw: Option<Flaw>,
    /// What is wrong with the framing of a body.
    pub(super) body: Option<BodyError>,
}

/// The head with folded lines unfolded, and without the lines that are malformed nevertheless.
///
/// *Complexity*: linear in the head.
pub(super) fn normalize(raw: &RawHead) -> (RawHead, LeftOut) {
    let mut lines = raw.bytes.split_inclusive(|&byte| byte == b'\n').map(without_line_end);
    let bytes = Vec::with_capacity(raw.bytes.len());
    let mut normalized = Normalized { bytes, line_start: 0, left_out: LeftOut::default() };
    normalized.bytes.extend_from_slice(lines.next().unwrap_or_default());
    normalized.next_line();
    for line in lines {
        let is_fold = line.first().is_some_and(|&first| is_space(first));
        if is_fold && normalized.bytes.len() > normalized.line_start {
            normalized.unfold(line);
        } else {
            normalized.end_header();
            normalized.append(line);
        }
    }
    // The last line is the empty one, which ends the head.
    normalized.next_line();
    (raw.replaced_by(normalized.bytes.into()), normalized.left_out)
}

struct Normalized {
    bytes: Vec<u8>,
    /// Where the header under way begins.
    line_start: usize,
    left_out: LeftOut,
}

impl Normalized {
    /// RFC 9112 §5.2: a fold, which is the end of a line and the white space around it, is replaced by spaces.
    fn unfold(&mut self, line: &[u8]) {
        let start = line.iter().position(|&byte| !is_space(byte)).unwrap_or(line.len());
        let text = line.get(start..).unwrap_or_default();
        self.append_spaces(1 + start);
        self.append(text);
    }

    fn append(&mut self, line: &[u8]) {
        let end = line.iter().rposition(|&byte| !is_space(byte)).map_or(0, |last| last + 1);
        let (text, space) = line.split_at_checked(end).unwrap_or_default();
        self.bytes.extend_from_slice(text);
        self.append_spaces(space.len());
    }

    fn append_spaces(&mut self, count: usize) {
        self.bytes.resize(self.bytes.len() + count, b' ');
    }

    /// Ends the header under way, if there is one; a malformed one is taken out.
    fn end_header(&mut self) {
        let line = self.bytes.get(self.line_start..).unwrap_or_default();
        if line.is_empty() {
            return;
        }
        if is_header_line(line) {
            self.next_line();
        } else {
            self.left_out.note(line);
            self.bytes.truncate(self.line_start);
        }
    }

    fn next_line(&mut self) {
        self.bytes.extend_from_slice(b"\r\n");
        self.line_start = self.bytes.len();
    }
}

impl LeftOut {
    /// Notes what this malformed line would have decided. A line without a colon names no header.
    fn note(&mut self, line: &[u8]) {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else { return };
        let name = line.get(..colon).unwrap_or_default();
        self.flaw = self.flaw.or_else(|| flaw_of_header(name));
        self.body = self.body.or_else(|| {
            if is_meant(name, names::CONTENT_LENGTH) {
                Some(BodyError::ContentLength)
            } else if is_meant(name, names::TRANSFER_ENCODING) {
                Some(BodyError::TransferEncoding)
            } else {
                None
            }
        });
    }
}

/// The flaw of a response with a malformed header of this name: a header that decides must not be overlooked because it
/// has white space before its colon or a control character in it.
pub(super) fn flaw_of_header(name: &[u8]) -> Option<Flaw> {
    if is_meant(name, names::UPGRADE) {
        Some(Flaw::Upgrade)
    } else if is_meant(name, names::CONNECTION) {
        Some(Flaw::Connection)
    } else if is_meant(name, names::SEC_WEBSOCKET_ACCEPT) {
        Some(Flaw::Accept)
    } else if is_meant(name, names::SEC_WEBSOCKET_PROTOCOL) {
        Some(Flaw::Subprotocol)
    } else if is_meant(name, names::SEC_WEBSOCKET_EXTENSIONS) {
        Some(Flaw::Extension)
    } else {
        None
    }
}

/// Whether this is the name of a header but for what may not stand in a name.
fn is_meant(name: &[u8], header: &str) -> bool {
    let letters = name.iter().filter(|&&byte| is_token_byte(byte));
    letters.map(u8::to_ascii_lowercase).eq(header.bytes().map(|byte| byte.to_ascii_lowercase()))
}
