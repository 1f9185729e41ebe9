//! The value of `Sec-WebSocket-Extensions`: offers in a request, what is in use in a response (RFC 6455 §9.1).

use super::fields::{is_token, is_value};
use super::head::Headers;
use super::names;
use super::owned_extension::OwnedExtension;
use crate::grammar::{Cursor, Malformed, RawExtension};
use alloc::borrow::Cow;
use core::fmt;

/// One element of the list: a name and its parameters. `Display` writes it as it may stand in the header.
#[derive(Clone)]
pub struct Extension<'a>(pub(super) RawExtension<'a>);

impl<'a> Extension<'a> {
    /// Reads one extension from a header value, or from an element of one.
    ///
    /// ```
    /// use ws_proto::handshake::Extension;
    ///
    /// let extension = Extension::parse("x-stamp;unit = \"ms\" ;zone=\"Mean Time\"")?;
    /// assert_eq!(extension.name(), "x-stamp");
    /// assert_eq!(extension.to_string(), "x-stamp; unit=ms; zone=\"Mean Time\"");
    /// # Ok::<(), ws_proto::handshake::InvalidExtension>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidExtension`] if the value is not one extension with its parameters (RFC 6455 §9.1), or holds a control
    /// character.
    pub fn parse(value: &'a (impl AsRef<[u8]> + ?Sized)) -> Result<Self, InvalidExtension> {
        let mut extensions = Extensions::parse(value)?;
        match (extensions.next(), extensions.next()) {
            (Some(extension), None) => Ok(extension),
            (None | Some(_), _) => Err(InvalidExtension),
        }
    }

    /// The registered name, such as `permessage-deflate`.
    pub const fn name(&self) -> &'a str {
        self.0.name
    }

    /// The parameters in their order, each with its value if it has one; a quoted value comes unquoted.
    ///
    /// RFC 6455 §9.1 wants a quoted value to be a token, too. That is for the extension to judge: others are passed over
    /// whatever their values are. Bytes that are not UTF-8 come as U+FFFD.
    pub fn parameters(&self) -> impl Iterator<Item = (&'a str, Option<Cow<'a, str>>)> {
        self.0.parameters()
    }

    /// The extension as a value that borrows nothing.
    pub fn into_owned(self) -> OwnedExtension {
        OwnedExtension::from(self)
    }
}

/// The elements of all `Sec-WebSocket-Extensions` lines of a head, in order: several lines mean the same as one
/// (RFC 6455 §9.1). `Display` writes what is left of them as one value.
#[derive(Clone)]
pub struct Extensions<'a> {
    lines: Headers<'a>,
    line: Cursor<'a>,
}

impl<'a> Extensions<'a> {
    pub(super) const fn new(headers: Headers<'a>) -> Self {
        Self { lines: headers, line: Cursor::new(&[]) }
    }

    /// The elements of a header value by itself. Values of several lines are joined with commas first. There may be none.
    ///
    /// ```
    /// use ws_proto::handshake::Extensions;
    ///
    /// let mut offers = Extensions::parse("x-stamp; unit=ms, permessage-deflate")?;
    /// assert!(offers.any(|offer| offer.name() == "permessage-deflate"));
    /// # Ok::<(), ws_proto::handshake::InvalidExtension>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidExtension`] if the value breaks the grammar of RFC 6455 §9.1 anywhere, or holds a control character. The
    /// handshake has to fail then.
    ///
    /// *Complexity*: linear in the value.
    pub fn parse(value: &'a (impl AsRef<[u8]> + ?Sized)) -> Result<Self, InvalidExtension> {
        let value = value.as_ref();
        if !is_value(value) {
            return Err(InvalidExtension);
        }
        let mut line = Cursor::new(value);
        while RawExtension::next(&mut line).map_err(|Malformed| InvalidExtension)?.is_some() {}
        Ok(Self { lines: Headers::new(&[], 0), line: Cursor::new(value) })
    }
}

/// What browsers offer, which takes no parser.
const OF_BROWSERS: [&[u8]; 2] = [b"permessage-deflate; client_max_window_bits", b"permessage-deflate"];

/// Whether the value of a line keeps the grammar (RFC 6455 §9.1), be it without an element.
pub(super) fn is_list(value: &[u8]) -> bool {
    let mut line = Cursor::new(value);
    OF_BROWSERS.contains(&value)
        || loop {
            match RawExtension::next(&mut line) {
                Ok(Some(_)) => {}
                Ok(None) => break true,
                Err(Malformed) => break false,
            }
        }
}

/// The elements of a line that keeps the grammar.
pub(super) fn elements(value: &[u8]) -> impl Iterator<Item = Extension<'_>> {
    let mut line = Cursor::new(value);
    core::iter::from_fn(move || RawExtension::next(&mut line).ok().flatten().map(Extension))
}

impl<'a> Iterator for Extensions<'a> {
    type Item = Extension<'a>;

    fn next(&mut self) -> Option<Extension<'a>> {
        loop {
            if let Ok(Some(extension)) = RawExtension::next(&mut self.line) {
                return Some(Extension(extension));
            }
            let value = self.lines.next_named(names::SEC_WEBSOCKET_EXTENSIONS)?;
            self.line = Cursor::new(value);
        }
    }
}

/// As it may stand in the header, with quotes where the grammar needs them.
impl fmt::Display for Extension<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        self.parameters().try_for_each(|(name, value)| write_parameter(f, name, value.as_deref()))
    }
}

/// As one header value.
impl fmt::Display for Extensions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for extension in self.clone() {
            write!(f, "{separator}{extension}")?;
            separator = ", ";
        }
        Ok(())
    }
}

/// Writes a parameter with what separates it from what stands before it.
pub(super) fn write_parameter(out: &mut impl fmt::Write, name: &str, value: Option<&str>) -> fmt::Result {
    write!(out, "; {name}")?;
    match value {
        None => Ok(()),
        Some(token) if is_token(token.as_bytes()) => write!(out, "={token}"),
        Some(value) => {
            out.write_str("=\"")?;
            for character in value.chars() {
                // RFC 9110 §5.6.4: these two do not stand for themselves.
                if matches!(character, '"' | '\\') {
                    out.write_char('\\')?;
                }
                out.write_char(character)?;
            }
            out.write_char('"')
        }
    }
}

/// What is not an extension with its parameters, or not a list of such, by the grammar of RFC 6455 §9.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an extension with its parameters, nor a list of them (RFC 6455 §9.1)")]
#[non_exhaustive]
pub struct InvalidExtension;

/// Shows the name alone.
impl fmt::Debug for Extension<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extension").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// Shows nothing of the header.
impl fmt::Debug for Extensions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extensions").finish_non_exhaustive()
    }
}
