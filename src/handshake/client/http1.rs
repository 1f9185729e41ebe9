//! Responses that come as bytes (RFC 9112).

use super::error::Flaw;
use super::response::ResponseHead;
use super::tolerant::{self, LeftOut};
use crate::config::Config;
use crate::handshake::head::{self, HeadReader, RawHead};
use crate::input::Input;
use crate::role::Role;
use bytes::Bytes;
use httparse::Status;
use memchr::memchr;

/// A response's head as the parser sees it.
pub(in crate::handshake) struct Parsed<'a, 'h> {
    pub(in crate::handshake) status: u16,
    pub(in crate::handshake) http_minor: u8,
    pub(in crate::handshake) headers: &'a [httparse::Header<'h>],
    /// The flaw of a 101 in which a malformed line stood that was left out.
    pub(in crate::handshake) flaw: Option<Flaw>,
}

/// What a response means to whoever has sent the request.
pub(in crate::handshake) enum Verdict<T> {
    /// It is passed over (RFC 9110 §15.2).
    Interim,
    Accepted(T),
    Declined,
}

/// The head of a response, and what it means.
pub(super) struct Read<T> {
    pub(super) response: ResponseHead,
    pub(super) http_minor: u8,
    pub(super) left_out: LeftOut,
    pub(super) verdict: Verdict<T>,
}

/// Reads the heads of responses.
pub(super) struct ResponseReader {
    reader: HeadReader,
}

impl ResponseReader {
    pub(super) const fn new(config: &Config) -> Self {
        Self { reader: HeadReader::new(Role::Client, config) }
    }

    /// A reader of what answers the next request, with the same limits.
    pub(super) const fn anew(&self) -> Self {
        Self { reader: self.reader.anew() }
    }

    /// Reads a response once its whole head has come. `judge` says what it means.
    #[inline]
    pub(super) fn read<T>(
        &mut self,
        input: &mut Input,
        judge: &impl Fn(&Parsed<'_, '_>) -> Result<Verdict<T>, Flaw>,
    ) -> Result<Option<Read<T>>, Flaw> {
        // The common case, in one pass: the input is one head and nothing else.
        if let Some(judged) = self.parse_whole(input, judge) {
            let bytes = self.reader.take_whole(input);
            return judged.map(|judged| Some(judged.of(bytes, LeftOut::default())));
        }
        match self.reader.read(input)? {
            None => Ok(None),
            Some(raw) => parse_raw(raw, judge).map(Some),
        }
    }

    /// What the input means. `None` says only that it is to be looked at line by line.
    #[inline]
    fn parse_whole<T>(
        &self,
        input: &Input,
        judge: &impl Fn(&Parsed<'_, '_>) -> Result<Verdict<T>, Flaw>,
    ) -> Option<Result<Judged<T>, Flaw>> {
        let bytes = self.reader.whole(input)?;
        let mut room = head::room();
        let mut parsed = httparse::Response::new(&mut []);
        let complete =
            httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut parsed, bytes, &mut room);
        let is_whole = complete == Ok(Status::Complete(bytes.len())) && self.reader.allows(parsed.headers.len());
        if is_whole { Judged::of_parsed(&parsed, None, judge) } else { None }
    }
}

fn parse_raw<T>(raw: RawHead, judge: &impl Fn(&Parsed<'_, '_>) -> Result<Verdict<T>, Flaw>) -> Result<Read<T>, Flaw> {
    match parse(&raw, None, judge) {
        Some(judged) => judged.map(|judged| judged.of(raw.bytes, LeftOut::default())),
        None => parse_tolerantly(&raw, judge),
    }
}

/// The same for a head that the parser has refused, for the sake of its header lines perhaps.
#[cold]
fn parse_tolerantly<T>(
    raw: &RawHead,
    judge: &impl Fn(&Parsed<'_, '_>) -> Result<Verdict<T>, Flaw>,
) -> Result<Read<T>, Flaw> {
    let (normalized, left_out) = tolerant::normalize(raw);
    let judged = parse(&normalized, left_out.flaw, judge).unwrap_or(Err(Flaw::Malformed))?;
    Ok(judged.of(normalized.bytes, left_out))
}

/// What a head means; `None` if it is not the head of a response.
fn parse<T>(
    raw: &RawHead,
    flaw: Option<Flaw>,
    judge: &impl Fn(&Parsed<'_, '_>) -> Result<Verdict<T>, Flaw>,
) -> Option<Result<Judged<T>, Flaw>> {
    raw.with_room(|bytes, room| {
        let mut parsed = httparse::Response::new(&mut []);
        let complete = httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut parsed, bytes, room);
        let Ok(Status::Complete(_)) = complete else { return None };
        Judged::of_parsed(&parsed, flaw, judge)
    })
}

/// What a head means that still lies where the parser has read it.
struct Judged<T> {
    status: u16,
    http_minor: u8,
    verdict: Verdict<T>,
}

impl<T> Judged<T> {
    #[inline]
    fn of_parsed(
        parsed: &httparse::Response<'_, '_>,
        flaw: Option<Flaw>,
        judge: &impl Fn(&Parsed<'_, '_>) -> Result<Verdict<T>, Flaw>,
    ) -> Option<Result<Self, Flaw>> {
        let (status, http_minor) = (parsed.code?, parsed.version?);
        // RFC 9110 §15: no status is below 100.
        if status < 100 {
            return Some(Err(Flaw::Malformed));
        }
        let verdict = judge(&Parsed { status, http_minor, headers: &*parsed.headers, flaw });
        Some(verdict.map(|verdict| Self { status, http_minor, verdict }))
    }

    #[inline]
    fn of(self, bytes: Bytes, left_out: LeftOut) -> Read<T> {
        // The header lines begin behind the first line.
        let headers_start = memchr(b'\n', &bytes).map_or(bytes.len(), |line_feed| line_feed + 1);
        let response = ResponseHead::new(bytes, self.status, headers_start);
        Read { response, http_minor: self.http_minor, left_out, verdict: self.verdict }
    }
}
