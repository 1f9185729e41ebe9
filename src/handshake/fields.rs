//! Header lines and their values: tokens, lists, and what may stand in them (RFC 6455 §4.3, RFC 9110 §5.6).

use crate::grammar::is_token_byte;
use alloc::vec::Vec;

pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Whether this is a token: not empty, and of token bytes alone.
pub(super) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().copied().all(is_token_byte)
}

/// Whether this may be sent as a header value: no control characters but the tab, so no line can end in it.
pub(super) fn is_value(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte == b'\t' || (byte >= b' ' && byte != 0x7F))
}

/// Whether this is a header: a token, a colon behind it without white space between, and a value (RFC 9112 §5). The
/// end of the line is not part of it.
pub(super) fn is_header_line(line: &[u8]) -> bool {
    let colon = line.iter().position(|&byte| byte == b':');
    colon.and_then(|colon| line.split_at_checked(colon)).is_some_and(|(name, value)| is_token(name) && is_value(value))
}

/// Without the white space around it.
pub(super) fn trim(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|&byte| !is_space(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|&byte| !is_space(byte)).map_or(start, |last| last + 1);
    bytes.get(start..end).unwrap_or_default()
}

/// The elements of a comma-separated list; empty ones are passed over (RFC 9110 §5.6.1.2).
///
/// Only for lists that hold no quoted strings.
pub(super) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(trim).filter(|element| !element.is_empty())
}

/// Whether a list holds no element: it is empty, or of commas and white space alone.
pub(super) fn is_empty_list(value: &[u8]) -> bool {
    elements(value).next().is_none()
}

/// Whether a list holds a token, in any case.
pub(super) fn lists(value: &[u8], token: &str) -> bool {
    // Mostly it is all there is, and in these letters.
    value == token.as_bytes() || elements(value).any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
}

/// A header that may come once.
#[derive(Clone, Copy, Default)]
pub(super) enum Once<'h> {
    #[default]
    Missing,
    Value(&'h [u8]),
    Repeated,
}

impl<'h> Once<'h> {
    pub(super) fn add(&mut self, value: &'h [u8]) {
        *self = match self {
            Self::Missing => Self::Value(value),
            Self::Value(_) | Self::Repeated => Self::Repeated,
        };
    }

    /// The value, if there is exactly one.
    pub(super) fn value(self) -> Option<&'h [u8]> {
        match self {
            Self::Value(value) => Some(value),
            Self::Missing | Self::Repeated => None,
        }
    }
}

/// The values of a header that may come in several lines, which together mean the same as one list (RFC 9110 §5.3).
#[derive(Clone, Default)]
pub(super) struct Lines<'h> {
    first: Option<&'h [u8]>,
    others: Vec<&'h [u8]>,
}

impl<'h> Lines<'h> {
    pub(super) fn add(&mut self, value: &'h [u8]) {
        match self.first {
            None => self.first = Some(value),
            Some(_) => self.others.push(value),
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &'h [u8]> + Clone {
        self.first.into_iter().chain(self.others.iter().copied())
    }
}
