//! A response that comes as bytes (RFC 9112).

use super::error::Flaw;
use super::response::ResponseHead;
use super::rules::{Agreed, Fields, Offered};
use super::tolerant;
use crate::handshake::head::{self, HeadReader, RawHead};
use crate::input::Input;
use bytes::Bytes;
use httparse::Status;
use memchr::memchr;

/// The head of a response, and what it agrees on if it is a 101. RFC 6455 §4.1: any other status is handled as HTTP.
pub(super) type Read = (ResponseHead, Option<Agreed>);

/// Reads the heads of responses, and knows what a 101 has to match.
pub(super) struct ResponseReader {
    reader: HeadReader,
    pub(super) offered: Offered,
    /// The `Sec-WebSocket-Accept` that the key requires.
    accept: [u8; 28],
}

impl ResponseReader {
    pub(super) const fn new(reader: HeadReader, offered: Offered, accept: [u8; 28]) -> Self {
        Self { reader, offered, accept }
    }

    /// Reads the final response once its whole head has come. Interim responses are passed over (RFC 9110 §15.2).
    pub(super) fn read(&mut self, input: &mut Input) -> Result<Option<Read>, Flaw> {
        loop {
            match self.read_one(input)? {
                Some((interim, None)) if matches!(interim.status(), 100 | 102..=199) => {}
                other => return Ok(other),
            }
        }
    }

    fn read_one(&mut self, input: &mut Input) -> Result<Option<Read>, Flaw> {
        // The common case, in one pass: the input is one head and nothing else.
        if let Some(checked) = self.parse_whole(input) {
            let bytes = self.reader.take_whole(input);
            return checked.map(|(status, agreed)| Some((response(bytes, status), agreed)));
        }
        match self.reader.read(input)? {
            None => Ok(None),
            Some(raw) => self.parse_raw(raw).map(Some),
        }
    }

    /// The status and what is agreed on. `None` says only that the input is to be looked at line by line.
    fn parse_whole(&self, input: &Input) -> Option<Result<(u16, Option<Agreed>), Flaw>> {
        let bytes = self.reader.whole(input)?;
        let mut room = head::room();
        let mut parsed = httparse::Response::new(&mut []);
        let complete =
            httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut parsed, bytes, &mut room);
        let is_whole = complete == Ok(Status::Complete(bytes.len()));
        (is_whole && parsed.headers.len() <= self.offered.config.max_headers).then_some(self.check(&parsed, None)?)
    }

    fn parse_raw(&self, raw: RawHead) -> Result<Read, Flaw> {
        match self.parse(&raw, None) {
            Some(checked) => checked.map(|(status, agreed)| (response(raw.bytes, status), agreed)),
            None => self.parse_tolerantly(&raw),
        }
    }

    /// The same for a head that the parser has refused, for the sake of its header lines perhaps.
    #[cold]
    fn parse_tolerantly(&self, raw: &RawHead) -> Result<Read, Flaw> {
        let (normalized, flaw) = tolerant::normalize(raw);
        let (status, agreed) = self.parse(&normalized, flaw).unwrap_or(Err(Flaw::Malformed))?;
        Ok((response(normalized.bytes, status), agreed))
    }

    /// The status, and what a 101 agrees on, or its flaw; `None` if it is not the head of a response. `known` is a flaw
    /// that a 101 has already.
    fn parse(&self, raw: &RawHead, known: Option<Flaw>) -> Option<Result<(u16, Option<Agreed>), Flaw>> {
        raw.with_room(|bytes, room| {
            let mut parsed = httparse::Response::new(&mut []);
            let complete =
                httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut parsed, bytes, room);
            let Ok(Status::Complete(_)) = complete else { return None };
            self.check(&parsed, known)
        })
    }

    fn check(
        &self,
        parsed: &httparse::Response<'_, '_>,
        known: Option<Flaw>,
    ) -> Option<Result<(u16, Option<Agreed>), Flaw>> {
        Some(match (parsed.code?, known) {
            // RFC 9110 §15: no status is below 100.
            (0..=99, _) => Err(Flaw::Malformed),
            (101, Some(flaw)) => Err(flaw),
            (101, None) => {
                let mut fields = Fields::default();
                for header in parsed.headers.iter() {
                    fields.add(header.name, header.value);
                }
                let agreed = self.offered.check_upgrade(parsed.version?, &self.accept, &fields);
                agreed.map(|agreed| (101, Some(agreed)))
            }
            (status, _) => Ok((status, None)),
        })
    }
}

fn response(bytes: Bytes, status: u16) -> ResponseHead {
    // The header lines begin behind the first line.
    let headers_start = memchr(b'\n', &bytes).map_or(bytes.len(), |line_feed| line_feed + 1);
    ResponseHead::new(bytes, status, headers_start)
}
