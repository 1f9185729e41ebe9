//! The body of a response: where it ends, and its bytes as they come (RFC 9112 §6, §7).

mod chunked;

use super::fields::{elements, lists, trim};
use super::head::Headers;
use super::names;
use crate::config::Config;
use crate::input::Input;
use alloc::vec::Vec;
use bytes::Bytes;
use chunked::Chunked;
use core::{fmt, mem};

/// Why the body of a response cannot be received to its end. The connection cannot be used any more then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// `Content-Length` is not a number, or there are several that differ (RFC 9112 §6.3), or its line is malformed.
    #[error("Content-Length is not one number (RFC 9112 §6.3)")]
    ContentLength,
    /// `Transfer-Encoding` is not `chunked` alone, or its line is malformed, or the response is one of HTTP/1.0, which does
    /// not know it (RFC 9112 §6.1). The request asks for no other coding, so none may be used (RFC 9110 §10.1.4).
    #[error("Transfer-Encoding is not chunked alone, in a response of HTTP/1.1 (RFC 9112 §6.1)")]
    TransferEncoding,
    /// The chunked coding is malformed (RFC 9112 §7.1).
    #[error("the chunked coding of the body is malformed (RFC 9112 §7.1)")]
    Chunk,
    /// More than [`Config::max_body`](crate::Config::max_body) bytes, or more than
    /// [`Config::max_head`](crate::Config::max_head) bytes of chunk extensions and trailer fields.
    #[error("the body is too large")]
    TooLarge,
    /// The stream ended before the body did (RFC 9112 §8).
    #[error("the stream ended before the body did (RFC 9112 §8)")]
    Truncated,
    /// The body was not complete by the deadline ([`Keepalive::handshake`](crate::Keepalive::handshake)).
    #[error("the body took too long")]
    TimedOut,
    /// There is no body to receive: no response has declined, or the body has been returned.
    #[error("there is no body to receive")]
    Over,
}

/// What the head of a response says about what follows it.
pub(super) struct Framing {
    /// Where the body ends.
    pub(super) end: Result<End, BodyError>,
    /// Whether another response can follow on the same connection (RFC 9112 §9.3).
    pub(super) persists: bool,
}

/// Where a body ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// After so many bytes.
    Length(u64),
    /// Where the chunked coding says it.
    Chunked,
    /// Where the stream does.
    Stream,
}

impl Framing {
    /// What this head of a response says (RFC 9112 §6.3), which is neither a 1xx nor opens a tunnel. `known` is what is wrong
    /// with it already.
    pub(super) fn of(status: u16, http_minor: u8, headers: Headers<'_>, known: Option<BodyError>) -> Self {
        let mut fields = Fields::default();
        for (name, value) in headers {
            fields.add(name, value);
        }
        // RFC 9112 §6.3: these have no body whatever their headers say.
        let end = match (status, known) {
            (204 | 304, _) => Ok(End::Length(0)),
            (_, Some(error)) => Err(error),
            (_, None) => fields.end(http_minor),
        };
        // RFC 9112 §9.3.
        let keeps_alive = !fields.closes && (http_minor > 0 || fields.keeps_alive);
        // RFC 9112 §6.3: both headers in one head may be an attack on whoever reads the other one.
        let is_ambiguous = fields.has_transfer_encoding && fields.length.is_some();
        let ends_itself = matches!(end, Ok(End::Length(_) | End::Chunked)) && known.is_none();
        let persists = keeps_alive && ends_itself && !is_ambiguous;
        Self { end, persists }
    }
}

/// The header fields that the framing depends on.
#[derive(Default)]
struct Fields {
    has_transfer_encoding: bool,
    is_chunked: bool,
    /// Whether a transfer coding is named that is not known here, or a known one twice.
    has_other_coding: bool,
    length: Option<Result<u64, BodyError>>,
    closes: bool,
    keeps_alive: bool,
}

impl Fields {
    fn add(&mut self, name: &str, value: &[u8]) {
        let is = |known| names::is(name, known);
        if is(names::TRANSFER_ENCODING) {
            self.add_codings(value);
        } else if is(names::CONTENT_LENGTH) {
            self.add_lengths(value);
        } else if is(names::CONNECTION) {
            self.closes |= lists(value, "close");
            self.keeps_alive |= lists(value, "keep-alive");
        }
    }

    fn add_codings(&mut self, value: &[u8]) {
        // RFC 2616 §3.6 named the absence of a coding.
        for coding in elements(value).filter(|coding| !coding.eq_ignore_ascii_case(b"identity")) {
            self.has_transfer_encoding = true;
            // RFC 9112 §6.1: chunked is not applied twice.
            self.has_other_coding |= self.is_chunked || !coding.eq_ignore_ascii_case(b"chunked");
            self.is_chunked = true;
        }
    }

    /// RFC 9110 §8.6: a length that is repeated, in a list or over several lines, is taken if it is the same.
    fn add_lengths(&mut self, value: &[u8]) {
        for length in value.split(|&byte| byte == b',').map(trim) {
            let length = parse_length(length);
            self.length = Some(match self.length {
                Some(earlier) if earlier != length => Err(BodyError::ContentLength),
                Some(earlier) => earlier,
                None => length,
            });
        }
    }

    /// RFC 9112 §6.3.
    fn end(&self, http_minor: u8) -> Result<End, BodyError> {
        if self.has_transfer_encoding {
            let is_known = !self.has_other_coding && http_minor > 0;
            return if is_known { Ok(End::Chunked) } else { Err(BodyError::TransferEncoding) };
        }
        self.length.map_or(Ok(End::Stream), |length| length.map(End::Length))
    }
}

/// Digits alone; a number beyond 64 bits counts as the largest (RFC 9110 §8.6).
fn parse_length(text: &[u8]) -> Result<u64, BodyError> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return Err(BodyError::ContentLength);
    }
    Ok(text.iter().fold(0, |number: u64, digit| number.saturating_mul(10).saturating_add(u64::from(digit & 0x0F))))
}

/// Takes a body from an input that grows, and keeps what has come of it.
pub(super) struct BodyReader {
    left: Left,
    body: Vec<u8>,
    max_body: usize,
}

/// What is left of a body.
enum Left {
    /// So many bytes.
    Length(u64),
    Chunked(Chunked),
    /// All to the end of the stream.
    Stream,
    /// Nothing: it has been returned.
    Returned,
    Failed(BodyError),
}

impl BodyReader {
    /// A reader of a body that ends there.
    pub(super) const fn new(end: Result<End, BodyError>, config: &Config) -> Self {
        let max_body = config.max_body as u64;
        let left = match end {
            // What is too large is refused before any of it is kept.
            Ok(End::Length(length)) if length > max_body => Left::Failed(BodyError::TooLarge),
            Ok(End::Length(length)) => Left::Length(length),
            Ok(End::Chunked) => Left::Chunked(Chunked::new(max_body, config.max_head)),
            Ok(End::Stream) => Left::Stream,
            Err(error) => Left::Failed(error),
        };
        Self { left, body: Vec::new(), max_body: config.max_body }
    }

    /// Takes what the input holds of the body, and returns it once it is whole. `has_stream_ended` says that nothing comes
    /// behind what is in the input.
    ///
    /// *Complexity*: linear in the bytes that are new.
    pub(super) fn receive(&mut self, input: &mut Input, has_stream_ended: bool) -> Result<Option<Bytes>, BodyError> {
        let is_whole = self.read(input).and_then(|is_whole| match &self.left {
            _ if is_whole => Ok(true),
            _ if !has_stream_ended => Ok(false),
            Left::Stream => Ok(true),
            // RFC 9112 §8: the last chunk ends the body; the trailer fields behind it may be missing.
            Left::Chunked(chunked) if chunked.has_last_chunk() => Ok(true),
            Left::Length(_) | Left::Chunked(_) | Left::Returned | Left::Failed(_) => Err(BodyError::Truncated),
        });
        match is_whole {
            Ok(false) => Ok(None),
            Ok(true) => {
                self.left = Left::Returned;
                Ok(Some(mem::take(&mut self.body).into()))
            }
            Err(error) => {
                if !self.is_at_end() {
                    self.left = Left::Failed(error);
                }
                Err(error)
            }
        }
    }

    /// Gives the body up, if it is still awaited.
    pub(super) fn time_out(&mut self) {
        if self.is_awaited() {
            self.left = Left::Failed(BodyError::TimedOut);
        }
    }

    /// Whether more of the body is to come.
    pub(super) const fn is_awaited(&self) -> bool {
        !self.is_at_end() && !self.has_failed()
    }

    /// Whether the body cannot be received to its end.
    pub(super) const fn has_failed(&self) -> bool {
        matches!(self.left, Left::Failed(_))
    }

    /// Whether all of the body has been taken from the input.
    pub(super) const fn is_at_end(&self) -> bool {
        matches!(self.left, Left::Returned | Left::Length(0))
    }

    /// What has come of the body, unless it has been returned.
    pub(super) fn partial(&self) -> &[u8] {
        &self.body
    }

    /// Takes what the input holds of the body; whether that is all of it.
    fn read(&mut self, input: &mut Input) -> Result<bool, BodyError> {
        match &mut self.left {
            Left::Length(left) => {
                let bytes = input.unread();
                let part = bytes.get(..usize::try_from(*left).unwrap_or(usize::MAX)).unwrap_or(bytes);
                self.body.extend_from_slice(part);
                *left -= part.len() as u64;
                let (count, is_whole) = (part.len(), *left == 0);
                input.skip(count);
                Ok(is_whole)
            }
            Left::Chunked(chunked) => loop {
                let bytes = input.unread();
                let (data, rest) = chunked.next_data(bytes)?;
                self.body.extend_from_slice(data);
                let (count, is_out_of_bytes) = (bytes.len() - rest.len(), rest.is_empty());
                input.skip(count);
                if chunked.is_at_end() || is_out_of_bytes {
                    return Ok(chunked.is_at_end());
                }
            },
            Left::Stream => {
                let bytes = input.unread();
                let room = self.max_body - self.body.len();
                let part = bytes.get(..room).unwrap_or(bytes);
                self.body.extend_from_slice(part);
                let (count, is_too_large) = (part.len(), part.len() < bytes.len());
                input.skip(count);
                if is_too_large { Err(BodyError::TooLarge) } else { Ok(false) }
            }
            Left::Returned => Err(BodyError::Over),
            Left::Failed(error) => Err(*error),
        }
    }
}

/// Shows nothing of the body.
impl fmt::Debug for BodyReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyReader").field("received", &self.body.len()).finish_non_exhaustive()
    }
}
