//! Percent-encoding of paths and queries, as browsers do it (WHATWG URL §1.3).

use super::invalid::InvalidUri;
use alloc::string::String;

/// The resource name (RFC 6455 §3) of a path and query, or of nothing. There are no control characters in it.
pub(super) fn encode_resource(resource: &str) -> Result<String, InvalidUri> {
    if resource.ends_with(' ') {
        return Err(InvalidUri::SpaceAtEnd);
    }
    let (path, query) = resource.split_at(resource.find('?').unwrap_or(resource.len()));
    let mut encoded = String::with_capacity(resource.len() + 1);
    if !path.starts_with('/') {
        encoded.push('/');
    }
    if path.contains('\\') {
        return Err(InvalidUri::Backslash);
    }
    encode(path, is_encoded_in_path, &mut encoded);
    encode(query, is_encoded_in_query, &mut encoded);
    Ok(encoded)
}

/// Appends the bytes of a text, those of the set as percent-encodings. A `%` is never in the set, so what is encoded
/// already stays.
fn encode(text: &str, is_in_set: impl Fn(u8) -> bool, encoded: &mut String) {
    for byte in text.bytes() {
        if is_in_set(byte) {
            encoded.push('%');
            encoded.push(hexadecimal(byte >> 4));
            encoded.push(hexadecimal(byte & 0x0F));
        } else {
            encoded.push(char::from(byte));
        }
    }
}

/// RFC 3986 §2.1: in upper case.
fn hexadecimal(digit: u8) -> char {
    char::from_digit(digit.into(), 16).unwrap_or_default().to_ascii_uppercase()
}

/// The path percent-encode set, without the `?` that ends a path.
const fn is_encoded_in_path(byte: u8) -> bool {
    is_encoded_in_query(byte) || matches!(byte, b'^' | b'`' | b'{' | b'}')
}

/// The query percent-encode set. Browsers encode `'` too, which RFC 3986 §3.4 allows; it stays as it was written.
const fn is_encoded_in_query(byte: u8) -> bool {
    !byte.is_ascii_graphic() || matches!(byte, b'"' | b'#' | b'<' | b'>')
}
