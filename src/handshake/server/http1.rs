//! A request that comes as bytes (RFC 9112).

use super::reason::Reason;
use super::rejection::Rejection;
use super::request::Request;
use super::request_head::RequestHead;
use super::rules::Fields;
use crate::config::Config;
use crate::handshake::head::{self, HeadError, HeadReader, RawHead};
use crate::handshake::key::Key;
use crate::input::Input;
use bytes::Bytes;
use httparse::{Header, Status};

/// Reads a request once its whole head has come.
#[inline]
pub(super) fn read(reader: &mut HeadReader, input: &mut Input, config: &Config) -> Result<Option<Request>, Rejection> {
    if let Some(first_line) = parse_whole(reader, input) {
        return first_line.judge(reader.take_whole(input), config);
    }
    match reader.read(input) {
        Ok(None) => Ok(None),
        Ok(Some(raw)) => parse(raw, config),
        Err(HeadError::BareLineFeed) => Err(bare_line_feed(reader.lines(input))),
        Err(error) => Err(Rejection::new(error.into(), None)),
    }
}

/// The lengths of method and target, and what the rules say of the request.
struct FirstLine {
    method: usize,
    target: usize,
    checked: Result<Key, Reason>,
}

impl FirstLine {
    /// `None` where a line of the head does not end with CRLF, which can be only where it has not been read line by line.
    #[inline]
    fn check(bytes: &[u8], parsed: &httparse::Request<'_, '_>) -> Option<Self> {
        let (method, target, http_minor) = (parsed.method?, parsed.path?, parsed.version?);
        let mut fields = Fields::default();
        for header in parsed.headers.iter() {
            // The parser takes a line feed alone for the end of a line. The last two ends have been looked at.
            if !follows_carriage_return(bytes, header) {
                return None;
            }
            fields.add(header.name, header.value);
        }
        let checked = fields.check_upgrade(method, target, http_minor).map(Key::new);
        Some(Self { method: method.len(), target: target.len(), checked })
    }

    #[inline]
    fn judge(self, bytes: Bytes, config: &Config) -> Result<Option<Request>, Rejection> {
        let head = RequestHead::of_http_1(bytes, self.method, self.target);
        match self.checked {
            Ok(key) => Ok(Some(Request::new(head, Some(key), config))),
            Err(reason) => Err(Rejection::new(reason, Some(head))),
        }
    }
}

/// The common case, in one pass: the input is one head as it should be and nothing else, and none of it has been looked at.
/// `None` says only that the input is to be looked at line by line.
#[inline]
fn parse_whole(reader: &HeadReader, input: &Input) -> Option<FirstLine> {
    let bytes = reader.whole(input)?;
    let mut room = head::room();
    let mut parsed = httparse::Request::new(&mut []);
    let complete = parsed.parse_with_uninit_headers(bytes, &mut room);
    if complete != Ok(Status::Complete(bytes.len())) || !reader.allows(parsed.headers.len()) {
        return None;
    }
    FirstLine::check(bytes, &parsed)
}

/// Whether the line ahead of a header ends with CRLF.
fn follows_carriage_return(bytes: &[u8], header: &Header<'_>) -> bool {
    let start = header.name.as_ptr().addr().wrapping_sub(bytes.as_ptr().addr());
    bytes.get(start.wrapping_sub(2)) == Some(&b'\r')
}

/// Parses and checks a head.
fn parse(raw: RawHead, config: &Config) -> Result<Option<Request>, Rejection> {
    let parsed = raw.with_room(|bytes, room| {
        let mut parsed = httparse::Request::new(&mut []);
        match parsed.parse_with_uninit_headers(bytes, room) {
            Ok(Status::Complete(_)) => FirstLine::check(bytes, &parsed).ok_or(None),
            Ok(Status::Partial) | Err(_) => match (parsed.method, parsed.path, parsed.version) {
                (Some(method), Some(target), Some(_)) => Err(Some((method.len(), target.len()))),
                _ => Err(None),
            },
        }
    });
    match parsed {
        Ok(first_line) => first_line.judge(raw.bytes, config),
        Err(Some((method, target))) => Err(malformed(raw, method, target)),
        Err(None) => Err(Rejection::new(Reason::Malformed, None)),
    }
}

/// The rejection of a head with a line that ends in a bare line feed, behind these lines.
#[cold]
fn bare_line_feed(mut raw: RawHead) -> Rejection {
    let first_line = raw.with_room(|bytes, room| {
        let mut parsed = httparse::Request::new(&mut []);
        // The head is not complete, but its first line is.
        let _partial = parsed.parse_with_uninit_headers(bytes, room);
        parsed.version.and_then(|_| Some((parsed.method?.len(), parsed.path?.len())))
    });
    if let Some((_, start)) = raw.malformed_header() {
        raw.bytes.truncate(start);
    }
    let head = first_line.map(|(method, target)| RequestHead::of_http_1(raw.bytes, method, target));
    Rejection::new(Reason::BareLineFeed, head)
}

/// The rejection of a head that the parser refuses behind the version.
#[cold]
fn malformed(mut raw: RawHead, method: usize, target: usize) -> Rejection {
    // The version is the end of its line: "METHOD target HTTP/1.1".
    let is_first_line = raw.bytes.get(method + target + 10..).is_some_and(|rest| rest.starts_with(b"\r\n"));
    match raw.malformed_header() {
        Some((number, start)) if is_first_line => {
            raw.bytes.truncate(start);
            let head = RequestHead::of_http_1(raw.bytes, method, target);
            Rejection::new(Reason::HeaderLine(number), Some(head))
        }
        _ => Rejection::new(Reason::Malformed, None),
    }
}
