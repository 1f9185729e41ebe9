//! The value of `Sec-WebSocket-Extensions`: offers in a request, what is in use in a response (RFC 6455 §9.1).

use super::fields::{Cursor, unescape};
use super::head::Headers;
use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

/// The name of the header field on both sides.
pub(super) const NAME: &str = "sec-websocket-extensions";

/// One element of the list: a name and its parameters.
#[derive(Clone)]
pub struct Extension<'a> {
    name: &'a str,
    /// What follows the name, already known to keep the grammar.
    parameters: Cursor<'a>,
}

impl<'a> Extension<'a> {
    /// The registered name, such as `permessage-deflate`.
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// The parameters in their order, each with its value if it has one; a quoted value comes unquoted.
    ///
    /// RFC 6455 §9.1 wants a quoted value to be a token, too. That is for the extension to judge: others are passed over
    /// whatever their values are. Bytes that are not UTF-8 come as U+FFFD.
    pub fn parameters(&self) -> impl Iterator<Item = (&'a str, Option<Cow<'a, str>>)> {
        let mut cursor = self.parameters;
        core::iter::from_fn(move || parameter(&mut cursor).ok().flatten())
            .map(|(name, value)| (name, value.map(Value::into_text)))
    }
}

/// The elements of all `Sec-WebSocket-Extensions` lines of a head, in order: several lines mean the same as one
/// (RFC 6455 §9.1).
#[derive(Clone)]
pub struct Extensions<'a> {
    lines: Headers<'a>,
    line: Cursor<'a>,
}

impl<'a> Extensions<'a> {
    pub(super) const fn new(headers: Headers<'a>) -> Self {
        Self { lines: headers, line: Cursor::new(&[]) }
    }
}

/// Whether the lines of a head keep the grammar.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Grammar {
    is_present: bool,
    has_element: bool,
    is_broken: bool,
}

impl Grammar {
    /// Looks at the value of one more line.
    pub(super) fn add(&mut self, value: &[u8]) {
        self.is_present = true;
        let mut line = Cursor::new(value);
        loop {
            match element(&mut line) {
                Ok(Some(_)) => self.has_element = true,
                Ok(None) => break,
                Err(Malformed) => {
                    self.is_broken = true;
                    break;
                }
            }
        }
    }

    /// Whether there are lines.
    pub(super) const fn is_present(self) -> bool {
        self.is_present
    }

    /// Whether a line breaks the grammar.
    pub(super) const fn is_broken(self) -> bool {
        self.is_broken
    }

    /// Whether every line keeps the grammar and, if there are lines, they hold one element at least.
    pub(super) const fn is_kept(self) -> bool {
        !self.is_broken && self.has_element == self.is_present
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = Extension<'a>;

    fn next(&mut self) -> Option<Extension<'a>> {
        loop {
            if let Ok(Some(extension)) = element(&mut self.line) {
                return Some(extension);
            }
            let value = self.lines.next_named(NAME)?;
            self.line = Cursor::new(value);
        }
    }
}

/// Shows the name alone.
impl fmt::Debug for Extension<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extension").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Shows nothing of the header.
impl fmt::Debug for Extensions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extensions").finish_non_exhaustive()
    }
}

/// A parameter's name, and its value if it has one.
type Parameter<'a> = (&'a str, Option<Value<'a>>);

/// The value of a parameter, as it stands in the header.
enum Value<'a> {
    Token(&'a str),
    /// Between its quotes.
    Quoted(&'a [u8]),
}

impl<'a> Value<'a> {
    fn into_text(self) -> Cow<'a, str> {
        match self {
            Self::Token(token) => Cow::Borrowed(token),
            Self::Quoted(quoted) => match unescape(quoted) {
                Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
                Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
            },
        }
    }
}

/// A value that breaks the grammar.
struct Malformed;

/// The next element of a list, up to the comma after it.
fn element<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Extension<'a>>, Malformed> {
    cursor.skip_space();
    while cursor.eat(b',') {
        cursor.skip_space();
    }
    if cursor.is_at_end() {
        return Ok(None);
    }
    let name = cursor.token().ok_or(Malformed)?;
    let parameters = *cursor;
    while parameter(cursor)?.is_some() {}
    cursor.skip_space();
    if cursor.is_at_end() || cursor.eat(b',') { Ok(Some(Extension { name, parameters })) } else { Err(Malformed) }
}

/// The next parameter of an element, if there is one.
fn parameter<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Parameter<'a>>, Malformed> {
    cursor.skip_space();
    if !cursor.eat(b';') {
        return Ok(None);
    }
    cursor.skip_space();
    let name = cursor.token().ok_or(Malformed)?;
    cursor.skip_space();
    if !cursor.eat(b'=') {
        return Ok(Some((name, None)));
    }
    cursor.skip_space();
    let value = match cursor.token() {
        Some(token) => Value::Token(token),
        None => Value::Quoted(cursor.quoted().ok_or(Malformed)?),
    };
    Ok(Some((name, Some(value))))
}
