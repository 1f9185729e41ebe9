//! A request's or response's head: found in the input without looking at a byte twice, then kept as it came.

use super::fields::{is_header_line, is_token, trim};
use super::not_http::{Beginning, NotHttp};
use crate::config::Config;
use crate::input::Input;
use crate::role::Role;
use alloc::vec;
use bytes::Bytes;
use core::fmt;
use core::mem::MaybeUninit;
use httparse::Header;
use memchr::memchr;

/// So many header lines are parsed without an allocation.
const FEW: usize = 64;

/// Finds the end of a head in an input that grows.
#[derive(Debug)]
pub(super) struct HeadReader {
    /// Who reads: a server reads requests, a client responses.
    role: Role,
    /// How far the input has been looked at.
    scanned: usize,
    /// Where the line under way begins.
    line_start: usize,
    /// Lines that have ended.
    lines: usize,
    /// Bytes of empty lines and earlier heads that have been taken from the input.
    taken: usize,
    max_head: usize,
    max_headers: usize,
}

/// What is wrong with a head before its grammar is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeadError {
    TooLarge,
    TooManyHeaders,
    /// Only for a server.
    BareLineFeed,
    /// The first bytes are those of another protocol.
    NotHttp(NotHttp),
    /// The first bytes begin no head.
    Malformed,
}

impl HeadReader {
    pub(super) const fn new(role: Role, config: &Config) -> Self {
        Self {
            role,
            scanned: 0,
            line_start: 0,
            lines: 0,
            taken: 0,
            max_head: config.max_head,
            max_headers: config.max_headers,
        }
    }

    /// A reader of what comes behind a head that has been taken, with the same limits.
    pub(super) const fn anew(&self) -> Self {
        Self { taken: 0, ..*self }
    }

    /// Takes a whole head from the input, once its empty line has come.
    ///
    /// *Complexity*: linear in the bytes that are new.
    pub(super) fn read(&mut self, input: &mut Input) -> Result<Option<RawHead>, HeadError> {
        if !self.has_begun(input.unread())? {
            input.note_unfinished();
            return Ok(None);
        }
        loop {
            let room = self.max_head.saturating_sub(self.taken);
            let bytes = input.unread();
            let Some(found) = memchr(b'\n', bytes.get(self.scanned..).unwrap_or_default()) else {
                self.scanned = bytes.len();
                input.note_unfinished();
                return if self.scanned > room { Err(HeadError::TooLarge) } else { Ok(None) };
            };
            let line_feed = self.scanned + found;
            self.scanned = line_feed + 1;
            if self.scanned > room {
                return Err(HeadError::TooLarge);
            }
            let line = match (bytes.get(self.line_start..line_feed).unwrap_or_default(), self.role) {
                ([line @ .., b'\r'], _) => line,
                // RFC 9112 §2.2: a recipient may take a line feed alone for the end of a line.
                (line, Role::Client) => line,
                // A server that did so could be smuggled past by a neighbour that does not.
                (_, Role::Server) => return Err(HeadError::BareLineFeed),
            };
            let line_size = self.scanned - self.line_start;
            self.line_start = self.scanned;
            if !line.is_empty() {
                // A first line that is none is refused before the rest has come.
                if self.lines == 0 && !is_first_line(line, self.role) {
                    return Err(HeadError::Malformed);
                }
                self.lines += 1;
                // The first line is not a header.
                if self.lines > self.max_headers.saturating_add(1) {
                    return Err(HeadError::TooManyHeaders);
                }
            } else if self.lines == 0 {
                // RFC 9112 §2.2: an empty line ahead of the first one is passed over.
                self.take(input, line_size);
                if !self.has_begun(input.unread())? {
                    input.note_unfinished();
                    return Ok(None);
                }
            } else {
                return Ok(Some(self.finish(input, self.scanned, self.lines)));
            }
        }
    }

    /// Whether enough has come to know that this is HTTP. Called before any of a head is looked at.
    #[inline]
    fn has_begun(&self, bytes: &[u8]) -> Result<bool, HeadError> {
        if self.scanned > 0 {
            return Ok(true);
        }
        // What is beyond the limit decides nothing, so that the verdict does not depend on the cuts.
        let within = bytes.get(..self.max_head.saturating_sub(self.taken)).unwrap_or(bytes);
        match Beginning::of(within, self.role) {
            Beginning::Http => Ok(true),
            Beginning::Undecided if bytes.len() > within.len() => Err(HeadError::TooLarge),
            Beginning::Undecided => Ok(false),
            Beginning::Other(other) => Err(HeadError::NotHttp(other)),
            Beginning::Unknown => Err(HeadError::Malformed),
        }
    }

    /// The whole input, if that may be one head and nothing else, and nothing of it has been looked at. Whether it is one, and
    /// as it should be, the parser has to say.
    #[inline]
    pub(super) fn whole<'i>(&self, input: &'i Input) -> Option<&'i [u8]> {
        let bytes = input.unread();
        let is_new = self.scanned == 0 && bytes.len() <= self.max_head.saturating_sub(self.taken);
        // The parsers pass over empty lines in front.
        let is_head = is_new && bytes.ends_with(b"\r\n\r\n") && bytes.first() > Some(&b'\r');
        (is_head && matches!(Beginning::of(bytes, self.role), Beginning::Http)).then_some(bytes)
    }

    /// Whether a head may have so many headers.
    #[inline]
    pub(super) const fn allows(&self, headers: usize) -> bool {
        headers <= self.max_headers
    }

    /// The lines that have ended, of a head that is not taken from the input.
    pub(super) fn lines(&self, input: &Input) -> RawHead {
        let bytes = input.unread().get(..self.line_start).unwrap_or_default();
        RawHead { bytes: Bytes::copy_from_slice(bytes), lines: self.lines }
    }

    /// Takes the [whole](Self::whole) input.
    #[inline]
    pub(super) fn take_whole(&mut self, input: &mut Input) -> Bytes {
        let size = input.unread().len();
        self.restart(size);
        input.split(size)
    }

    /// Takes the head, which is so long, from the input.
    fn finish(&mut self, input: &mut Input, size: usize, lines: usize) -> RawHead {
        as_http_1_1(input.unread_mut().get_mut(..size).unwrap_or_default());
        let bytes = input.split(size);
        self.restart(size);
        RawHead { bytes, lines }
    }

    /// Passes over an empty line.
    fn take(&mut self, input: &mut Input, count: usize) {
        input.skip(count);
        self.restart(count);
    }

    /// Begins anew behind the first `count` bytes that were unread.
    const fn restart(&mut self, count: usize) {
        self.taken += count;
        self.scanned = 0;
        self.line_start = 0;
        self.lines = 0;
    }
}

/// Whether this ends as a request line does, or begins as a status line (RFC 9112 §3, §4). The rest is for the parser.
fn is_first_line(line: &[u8], reader: Role) -> bool {
    match (reader, line) {
        (Role::Server, [.., b' ', b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor]) => minor.is_ascii_digit(),
        (Role::Client, [b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor, b' ', status @ ..]) => {
            minor.is_ascii_digit() && status.iter().take_while(|byte| byte.is_ascii_digit()).count() == 3
        }
        _ => false,
    }
}

/// Makes a later minor version 1.1, as which it is to be read (RFC 9110 §2.5); the parser knows no other.
fn as_http_1_1(head: &mut [u8]) {
    let line_end = memchr(b'\r', head).unwrap_or(head.len());
    let is_response = head.starts_with(b"HTTP/");
    let version_end = if is_response { 8.min(line_end) } else { line_end };
    if let Some([b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor @ b'2'..=b'9']) =
        head.get_mut(..version_end).and_then(<[u8]>::last_chunk_mut)
    {
        *minor = b'1';
    }
}

/// Room for a few parsed headers.
pub(super) const fn room<'h>() -> [MaybeUninit<Header<'h>>; FEW] {
    [const { MaybeUninit::uninit() }; FEW]
}

/// A head, or the beginning of one, not yet parsed.
pub(super) struct RawHead {
    pub(super) bytes: Bytes,
    lines: usize,
}

impl RawHead {
    /// Calls `parse` with enough room for the parsed headers.
    pub(super) fn with_room<'a, T>(&'a self, parse: impl FnOnce(&'a [u8], &mut [MaybeUninit<Header<'a>>]) -> T) -> T {
        if self.lines <= FEW {
            parse(&self.bytes, &mut room())
        } else {
            parse(&self.bytes, &mut vec![MaybeUninit::uninit(); self.lines])
        }
    }

    /// The first header line that is none: its number, counted from 1, and where it begins.
    pub(super) fn malformed_header(&self) -> Option<(usize, usize)> {
        let mut start = self.headers_start();
        let lines = self.bytes.get(start..)?.split_inclusive(|&byte| byte == b'\n');
        for (number, line) in (1..).zip(lines) {
            let text = without_line_end(line);
            if !text.is_empty() && !is_header_line(text) {
                return Some((number, start));
            }
            start += line.len();
        }
        None
    }

    /// A head of at most as many lines.
    pub(super) const fn replaced_by(&self, bytes: Bytes) -> Self {
        Self { bytes, lines: self.lines }
    }

    /// Where the header lines begin: behind the first line.
    pub(super) fn headers_start(&self) -> usize {
        memchr(b'\n', &self.bytes).map_or(self.bytes.len(), |line_feed| line_feed + 1)
    }
}

/// A line without the CRLF that ends it, or, as a client takes that, too, the line feed alone (RFC 9112 §2.2).
pub(super) fn without_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The header lines of a head, in order, as they came: name and value, without the white space around the value.
///
/// Names compare without regard to case. Values are bytes: those from 0x80 on are legal and kept (RFC 9110 §5.5).
#[derive(Clone)]
pub struct Headers<'a> {
    rest: &'a [u8],
}

impl<'a> Headers<'a> {
    /// The lines of a head that the parser has passed.
    pub(super) fn new(bytes: &'a [u8], start: usize) -> Self {
        Self { rest: bytes.get(start..).unwrap_or_default() }
    }

    /// The value of the next line of this name.
    pub(super) fn next_named(&mut self, name: &str) -> Option<&'a [u8]> {
        loop {
            let (found, value) = self.line()?;
            if found.eq_ignore_ascii_case(name.as_bytes()) {
                return Some(value);
            }
        }
    }

    /// The next line.
    fn line(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        let line_feed = memchr(b'\n', self.rest)?;
        let (line, rest) = self.rest.split_at_checked(line_feed + 1)?;
        self.rest = rest;
        let line = without_line_end(line);
        let (name, value) = line.split_at_checked(memchr(b':', line)?)?;
        debug_assert!(is_token(name));
        Some((name, trim(value.get(1..)?)))
    }
}

/// Shows the names alone: values hold secrets, such as cookies.
impl fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone().map(|(name, _)| name)).finish()
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a str, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, value) = self.line()?;
        Some((core::str::from_utf8(name).ok()?, value))
    }
}
