//! What the caller adds to a head that goes out. What could break out of its place cannot be added.

use super::extensions::InvalidExtension;
use super::fields::{is_token, is_value, trim};
use super::head::Headers;
use alloc::{string::String, vec, vec::Vec};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use core::fmt;

/// Something that is not allowed in a request or response.
///
/// An error may be logged, so it holds the names of headers alone. Values and credentials are secret, and so may
/// subprotocols be, in which pages send tokens for want of headers; a name that is not a token may be a whole header line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A header name that is not a token (RFC 9110 §5.1).
    #[error("a header name has to be a token (RFC 9110 §5.1)")]
    HeaderName,
    /// A header value with a control character, such as the end of a line (RFC 9110 §5.5).
    #[error("the value of the header {0:?} holds a control character (RFC 9110 §5.5)")]
    HeaderValue(String),
    /// A header that the handshake writes by itself.
    #[error("the header {0:?} is written by the handshake itself")]
    ReservedHeader(String),
    /// A subprotocol that is not a token (RFC 6455 §4.1).
    #[error("a subprotocol has to be a token (RFC 6455 §4.1)")]
    Subprotocol,
    /// A subprotocol that is listed already (RFC 6455 §4.1).
    #[error("a subprotocol is listed twice (RFC 6455 §4.1)")]
    RepeatedSubprotocol,
    /// A server chose a subprotocol that the client did not list (RFC 6455 §4.2.2).
    #[error("the client did not list the subprotocol of the answer (RFC 6455 §4.2.2)")]
    UnlistedSubprotocol,
    /// An extension that is not one by the grammar (RFC 6455 §9.1).
    #[error(transparent)]
    Extension(#[from] InvalidExtension),
    /// `permessage-deflate`, which the handshake negotiates by itself where the [`Config`](crate::Config) enables it.
    #[error("permessage-deflate is negotiated by the handshake itself")]
    ReservedExtension,
    /// An extension that is listed already; by its name.
    #[error("the extension {0:?} is listed twice")]
    RepeatedExtension(String),
    /// A server answers with an extension that the client did not offer (RFC 6455 §4.2.2); by its name.
    #[error("the client did not offer the extension {0:?} (RFC 6455 §4.2.2)")]
    UnofferedExtension(String),
    /// A user name that holds a colon, or a user name or password that holds a control character (RFC 7617 §2).
    #[error("a user name holds no colon, and neither it nor the password a control character (RFC 7617 §2)")]
    Credentials,
    /// A request in absolute form for a `wss` URI, which a proxy could read: it needs a tunnel (RFC 6455 §4.1).
    #[error("a wss URI needs a tunnel through the proxy, not a request in absolute form (RFC 6455 §4.1)")]
    AbsoluteForm,
    /// An extended CONNECT cannot be answered by a 101 (RFC 8441 §5).
    #[error("an extended CONNECT is not answered by a 101: the HTTP library has to answer it (RFC 8441 §5)")]
    ExtendedConnect,
    /// More headers than an HTTP library takes, or one with too long a name.
    #[error("the HTTP library does not take so many headers, or a name so long")]
    TooManyHeaders,
    /// A status that cannot end a handshake: outside 200 to 599.
    #[error("{0} is not a status from 200 to 599")]
    Status(u16),
}

/// Header lines that go out, each checked. `Debug` shows their names, because values hold credentials.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct HeaderLines(Vec<u8>);

impl HeaderLines {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// Adds a line of the caller's; `reserved` names the headers that are not the caller's to write.
    pub(super) fn add(&mut self, name: &str, value: &[u8], reserved: &[&str]) -> Result<(), BuildError> {
        if !is_token(name.as_bytes()) {
            return Err(BuildError::HeaderName);
        }
        if reserved.iter().any(|reserved| reserved.eq_ignore_ascii_case(name)) {
            return Err(BuildError::ReservedHeader(name.into()));
        }
        check_value(name, value)?;
        self.push(name, &[trim(value)]);
        Ok(())
    }

    /// Adds a line of our own, its value in pieces.
    pub(super) fn push(&mut self, name: &str, value: &[&[u8]]) {
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b": ");
        for piece in value {
            self.0.extend_from_slice(piece);
        }
        self.0.extend_from_slice(END);
    }

    /// Adds credentials of the scheme Basic (RFC 7617), in place of any that stand under this name.
    pub(super) fn set_basic_auth(&mut self, name: &str, user: &str, password: &str) -> Result<(), BuildError> {
        let credentials = basic_credentials(user, password).ok_or(BuildError::Credentials)?;
        self.remove(name);
        self.push(name, &[b"Basic ", &credentials]);
        Ok(())
    }

    /// Lines that have been checked.
    pub(super) const fn of(lines: Vec<u8>) -> Self {
        Self(lines)
    }

    /// Removes all lines of this name.
    fn remove(&mut self, name: &str) {
        let mut others = Self::new();
        for (other, value) in self.iter().filter(|(other, _)| !other.eq_ignore_ascii_case(name)) {
            others.push(other, &[value]);
        }
        *self = others;
    }

    /// The lines with their names in lower case, without those whose names are `left_out`.
    pub(super) fn into_lower_case(self, left_out: impl Fn(&str) -> bool) -> Self {
        let mut lines = Self::with_capacity(self.0.len());
        for (name, value) in self.iter().filter(|(name, _)| !left_out(name)) {
            let start = lines.0.len();
            lines.push(name, &[value]);
            lines.0.iter_mut().skip(start).take(name.len()).for_each(u8::make_ascii_lowercase);
        }
        lines
    }

    pub(super) fn iter(&self) -> Headers<'_> {
        Headers::new(&self.0, 0)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for HeaderLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().fmt(f)
    }
}

/// The base64 of user name, colon and password, if they may be sent (RFC 7617 §2).
fn basic_credentials(user: &str, password: &str) -> Option<Vec<u8>> {
    let has_controls = |text: &str| text.bytes().any(|byte| byte.is_ascii_control());
    if user.contains(':') || has_controls(user) || has_controls(password) {
        return None;
    }
    let pair = [user, ":", password].concat();
    let mut credentials = vec![0; base64::encoded_len(pair.len(), true)?];
    STANDARD.encode_slice(pair, &mut credentials).ok()?;
    Some(credentials)
}

/// The end of a line (RFC 9112 §2.2).
pub(super) const END: &[u8] = b"\r\n";

/// The pieces of a line of our own; nothing if the value is empty.
pub(super) const fn line<'a>(name_and_colon: &'static [u8], value: &'a [u8]) -> [&'a [u8]; 3] {
    if value.is_empty() { [&[]; 3] } else { [name_and_colon, value, END] }
}

/// A value holds no control character but the tab, so that no line can end in it (RFC 9110 §5.5).
pub(super) fn check_value(name: &str, value: &[u8]) -> Result<(), BuildError> {
    if is_value(value) { Ok(()) } else { Err(BuildError::HeaderValue(name.into())) }
}

/// A subprotocol is a token (RFC 6455 §4.1); the empty string is none (RFC 6455 §4.2.2).
pub(super) fn check_subprotocol(name: &str) -> Result<(), BuildError> {
    if is_token(name.as_bytes()) { Ok(()) } else { Err(BuildError::Subprotocol) }
}
