//! The grammar of header values: tokens, quoted strings, and lists of extensions (RFC 6455 §4.3, §9.1, RFC 9110 §5.6).

use alloc::borrow::Cow;
use alloc::string::String;

/// Whether a byte may stand in a token (RFC 9110 §5.6.2).
#[inline]
pub(crate) fn is_token_byte(byte: u8) -> bool {
    TOKEN_BYTES.get(usize::from(byte)).is_some_and(|is_token_byte| *is_token_byte)
}

#[allow(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "it is made when this is compiled")]
const TOKEN_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = matches!(byte as u8,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
            | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z');
        byte += 1;
    }
    table
};

/// Reads a header value from left to right, each byte once.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(value: &'a [u8]) -> Self {
        Self { rest: value }
    }

    const fn is_at_end(self) -> bool {
        self.rest.is_empty()
    }

    fn skip_space(&mut self) {
        while self.eat(b' ') || self.eat(b'\t') {}
    }

    /// Passes a byte, if it is the next one.
    fn eat(&mut self, expected: u8) -> bool {
        match self.rest.split_first() {
            Some((&byte, rest)) if byte == expected => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn token(&mut self) -> Option<&'a str> {
        let length = self.rest.iter().position(|&byte| !is_token_byte(byte)).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at_checked(length)?;
        if token.is_empty() {
            return None;
        }
        self.rest = rest;
        core::str::from_utf8(token).ok()
    }

    /// What stands between the quotes of a quoted string (RFC 9110 §5.6.4), its escapes as they are; `None` without a
    /// closing quote.
    fn quoted(&mut self) -> Option<&'a [u8]> {
        let (b'"', text) = self.rest.split_first()? else { return None };
        let mut length = 0;
        loop {
            match text.get(length)? {
                b'"' => break,
                b'\\' => length += 2,
                _ => length += 1,
            }
        }
        self.rest = text.get(length + 1..)?;
        text.get(..length)
    }
}

/// One element of a list of extensions: a name and its parameters.
#[derive(Clone, Copy)]
pub(crate) struct RawExtension<'a> {
    pub(crate) name: &'a str,
    /// What follows the name, already known to keep the grammar.
    parameters: Cursor<'a>,
}

impl<'a> RawExtension<'a> {
    /// An extension of this name with these parameters, which keep the grammar.
    #[cfg(feature = "handshake")]
    pub(crate) const fn new(name: &'a str, parameters: &'a str) -> Self {
        Self { name, parameters: Cursor::new(parameters.as_bytes()) }
    }

    /// The next element of a list, up to the comma after it; `None` at the end. Empty elements are passed over
    /// (RFC 9110 §5.6.1.2).
    pub(crate) fn next(cursor: &mut Cursor<'a>) -> Result<Option<Self>, Malformed> {
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
        if cursor.is_at_end() || cursor.eat(b',') { Ok(Some(Self { name, parameters })) } else { Err(Malformed) }
    }

    /// The parameters in their order, each with its value if it has one, unquoted.
    pub(crate) fn parameters(self) -> impl Iterator<Item = (&'a str, Option<Cow<'a, str>>)> {
        let mut cursor = self.parameters;
        core::iter::from_fn(move || parameter(&mut cursor).ok().flatten())
            .map(|(name, value)| (name, value.map(Value::into_text)))
    }
}

/// A value that breaks the grammar.
#[derive(Debug)]
pub(crate) struct Malformed;

/// A parameter's name, and its value if it has one.
type Parameter<'a> = (&'a str, Option<Value<'a>>);

/// The value of a parameter, as it stands in the header.
enum Value<'a> {
    Token(&'a str),
    /// Between its quotes.
    Quoted(&'a [u8]),
}

impl<'a> Value<'a> {
    /// Bytes that are not UTF-8 come as U+FFFD.
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

/// The content of a quoted string without its escapes (RFC 9110 §5.6.4).
fn unescape(quoted: &[u8]) -> Cow<'_, [u8]> {
    if !quoted.contains(&b'\\') {
        return Cow::Borrowed(quoted);
    }
    let mut bytes = quoted.iter();
    let unescaped = core::iter::from_fn(|| match bytes.next()? {
        b'\\' => bytes.next(),
        byte => Some(byte),
    });
    Cow::Owned(unescaped.copied().collect())
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
