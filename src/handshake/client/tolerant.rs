//! Header lines that are not as they should be: a user agent unfolds them or passes over them (RFC 9112 §2.2, §5).
//!
//! It is done to the bytes of the head, once the parser has refused them, so that an ordinary head costs nothing and
//! everybody who reads the head later finds the same lines. The parser's own options are of no use here: they leave the
//! folds in the values, skip a malformed `Upgrade` without a word, and refuse a NUL all the same.

use super::error::Flaw;
use crate::handshake::extensions;
use crate::handshake::fields::{is_header_line, is_space, is_token_byte};
use crate::handshake::head::{RawHead, without_line_end};
use alloc::vec::Vec;

/// The head with folded lines unfolded, and without the lines that are malformed nevertheless. If one of them was to be
/// a header that decides, its flaw: a 101 is not taken without it.
///
/// *Complexity*: linear in the head.
pub(super) fn normalize(raw: &RawHead) -> (RawHead, Option<Flaw>) {
    let mut lines = raw.bytes.split_inclusive(|&byte| byte == b'\n').map(without_line_end);
    let mut normalized = Normalized { bytes: Vec::with_capacity(raw.bytes.len()), line_start: 0, flaw: None };
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
    (raw.replaced_by(normalized.bytes.into()), normalized.flaw)
}

struct Normalized {
    bytes: Vec<u8>,
    /// Where the header under way begins.
    line_start: usize,
    flaw: Option<Flaw>,
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
            self.flaw = self.flaw.or_else(|| flaw_of(line));
            self.bytes.truncate(self.line_start);
        }
    }

    fn next_line(&mut self) {
        self.bytes.extend_from_slice(b"\r\n");
        self.line_start = self.bytes.len();
    }
}

/// The flaw of a 101 in which this malformed line stands. A line without a colon names no header.
fn flaw_of(line: &[u8]) -> Option<Flaw> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    flaw_of_header(line.get(..colon)?)
}

/// The flaw of a response with a malformed header of this name: a header that decides must not be overlooked because it
/// has white space before its colon or a control character in it.
pub(super) fn flaw_of_header(name: &[u8]) -> Option<Flaw> {
    let is = |deciding: &str| {
        let letters = name.iter().filter(|&&byte| is_token_byte(byte));
        letters.map(u8::to_ascii_lowercase).eq(deciding.bytes().map(|byte| byte.to_ascii_lowercase()))
    };
    if is("upgrade") {
        Some(Flaw::Upgrade)
    } else if is("connection") {
        Some(Flaw::Connection)
    } else if is("sec-websocket-accept") {
        Some(Flaw::Accept)
    } else if is("sec-websocket-protocol") {
        Some(Flaw::Subprotocol)
    } else if is(extensions::NAME) {
        Some(Flaw::Extension)
    } else {
        None
    }
}
