//! An extension that is built, or kept: what an application offers and answers (RFC 6455 §9.1).

use super::extensions::{Extension, InvalidExtension, write_parameter};
use super::fields::{is_token, is_value};
use crate::grammar::RawExtension;
use alloc::borrow::{Cow, ToOwned};
use alloc::string::{String, ToString};
use core::{fmt, str};

/// An extension with its parameters that borrows nothing. `Display` writes it as it may stand in the header, with quotes
/// where the grammar needs them and nowhere else; nothing in it can end a line or begin another element.
///
/// ```
/// use ws_proto::handshake::OwnedExtension;
///
/// let extension = OwnedExtension::new("x-stamp")?.parameter("unit", Some("ms"))?.parameter("zone", Some("Mean Time"))?;
/// assert_eq!(extension.to_string(), "x-stamp; unit=ms; zone=\"Mean Time\"");
/// assert_eq!("x-stamp;unit=\"ms\";zone=\"Mean Time\"".parse(), Ok(extension));
/// # Ok::<(), ws_proto::handshake::InvalidExtension>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct OwnedExtension {
    /// As it stands in the header.
    text: String,
    name_length: usize,
}

impl OwnedExtension {
    /// An extension without parameters.
    ///
    /// # Errors
    /// [`InvalidExtension`] if the name is not a token.
    pub fn new(name: &str) -> Result<Self, InvalidExtension> {
        check(is_token(name.as_bytes()))?;
        Ok(Self { text: name.to_owned(), name_length: name.len() })
    }

    /// Adds a parameter, with a value or without. A value that is not a token is quoted: extensions in use have such values,
    /// although RFC 6455 §9.1 does not allow them.
    ///
    /// # Errors
    /// [`InvalidExtension`] if the name is not a token, or the value holds a control character other than a tab.
    pub fn parameter(mut self, name: &str, value: Option<&str>) -> Result<Self, InvalidExtension> {
        check(is_token(name.as_bytes()) && value.is_none_or(|value| is_value(value.as_bytes())))?;
        write_parameter(&mut self.text, name, value).map_err(|fmt::Error| InvalidExtension)?;
        Ok(self)
    }

    /// The name.
    pub fn name(&self) -> &str {
        self.text.get(..self.name_length).unwrap_or_default()
    }

    /// The parameters in their order, as [`Extension::parameters`] returns them.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, Option<Cow<'_, str>>)> {
        RawExtension::new(self.name(), self.text.get(self.name_length..).unwrap_or_default()).parameters()
    }
}

fn check(is_valid: bool) -> Result<(), InvalidExtension> {
    if is_valid { Ok(()) } else { Err(InvalidExtension) }
}

impl From<Extension<'_>> for OwnedExtension {
    fn from(extension: Extension<'_>) -> Self {
        Self { text: extension.to_string(), name_length: extension.name().len() }
    }
}

impl str::FromStr for OwnedExtension {
    type Err = InvalidExtension;

    /// As [`Extension::parse`].
    fn from_str(value: &str) -> Result<Self, InvalidExtension> {
        Extension::parse(value).map(Self::from)
    }
}

/// As it may stand in the header.
impl fmt::Display for OwnedExtension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Shows the name alone.
impl fmt::Debug for OwnedExtension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedExtension").field("name", &self.name()).finish_non_exhaustive()
    }
}
