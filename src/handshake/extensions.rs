//! The value of `Sec-WebSocket-Extensions`: offers in a request, what is in use in a response (RFC 6455 §9.1).

use super::fields::{Cursor, unescape};
use super::head::Headers;
use alloc::borrow::Cow;
use alloc::string::String;
use core::{fmt, str};

/// The name of the header field on both sides.
pub(super) const NAME: &str = "Sec-WebSocket-Extensions";

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
        core::iter::from_fn(move || {
            let (name, value) = parameter(&mut cursor).ok()??;
            Some((str::from_utf8(name).ok()?, value.map(Value::into_text)))
        })
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

/// What browsers offer, which takes no parser.
const OF_BROWSERS: [&[u8]; 2] = [b"permessage-deflate; client_max_window_bits", b"permessage-deflate"];

/// Whether the value of a line keeps the grammar (RFC 6455 §9.1), be it without an element.
pub(super) fn is_list(value: &[u8]) -> bool {
    let mut line = Cursor::new(value);
    OF_BROWSERS.contains(&value)
        || loop {
            match skip_element(&mut line) {
                Ok(Some(_)) => {}
                Ok(None) => break true,
                Err(Malformed) => break false,
            }
        }
}

/// The elements of a line that keeps the grammar.
pub(super) fn elements(value: &[u8]) -> impl Iterator<Item = Extension<'_>> {
    let mut line = Cursor::new(value);
    core::iter::from_fn(move || next_element(&mut line))
}

impl<'a> Iterator for Extensions<'a> {
    type Item = Extension<'a>;

    fn next(&mut self) -> Option<Extension<'a>> {
        loop {
            if let Some(extension) = next_element(&mut self.line) {
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
type Parameter<'a> = (&'a [u8], Option<Value<'a>>);

/// The value of a parameter, as it stands in the header.
enum Value<'a> {
    Token(&'a [u8]),
    /// Between its quotes.
    Quoted(&'a [u8]),
}

impl<'a> Value<'a> {
    fn into_text(self) -> Cow<'a, str> {
        match self {
            Self::Token(token) => String::from_utf8_lossy(token),
            Self::Quoted(quoted) => match unescape(quoted) {
                Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
                Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
            },
        }
    }
}

/// A value that breaks the grammar.
struct Malformed;

/// The next element of a list that keeps the grammar.
fn next_element<'a>(cursor: &mut Cursor<'a>) -> Option<Extension<'a>> {
    let (name, parameters) = skip_element(cursor).ok()??;
    Some(Extension { name: str::from_utf8(name).ok()?, parameters })
}

/// Passes the next element of a list and the comma after it: its name, and where its parameters begin.
fn skip_element<'a>(cursor: &mut Cursor<'a>) -> Result<Option<(&'a [u8], Cursor<'a>)>, Malformed> {
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
    if cursor.is_at_end() || cursor.eat(b',') { Ok(Some((name, parameters))) } else { Err(Malformed) }
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
