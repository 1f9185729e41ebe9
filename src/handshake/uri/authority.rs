//! Schemes, hosts and ports (RFC 3986 §3.1, §3.2).

use core::net::Ipv6Addr;

/// Whether this may be a scheme (RFC 3986 §3.1).
pub(in crate::handshake) fn is_scheme(scheme: &str) -> bool {
    let mut letters = scheme.bytes();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// Host and port of an authority without user information, if the host is well-formed. The port is not looked at.
pub(in crate::handshake) fn split_authority(authority: &str) -> Option<(&str, Option<&str>)> {
    let host_end = if authority.starts_with('[') {
        authority.find(']')? + 1
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    let (host, rest) = authority.split_at_checked(host_end)?;
    let port = match rest.strip_prefix(':') {
        Some(port) => Some(port),
        None if rest.is_empty() => None,
        None => return None,
    };
    is_host(host).then_some((host, port))
}

/// Whether this is a host, with a port or without. The port may be empty (RFC 3986 §3.2.3).
pub(in crate::handshake) fn is_authority(authority: &[u8]) -> bool {
    // Mostly it is a name with a port or without.
    let name_end = authority.iter().take_while(|&&byte| is_name_byte(byte)).count();
    match authority.split_at_checked(name_end) {
        Some(([_, ..], [])) => return true,
        Some(([_, ..], [b':', digits @ ..])) => return digits.is_empty() || port(digits).is_some(),
        _ => {}
    }
    let authority = core::str::from_utf8(authority).ok().and_then(split_authority);
    authority.is_some_and(|(_, port)| port.is_none_or(|port| port.is_empty() || parse_port(port).is_some()))
}

/// A number from 1 to 65535 in decimal digits alone.
pub(in crate::handshake) fn parse_port(port: &str) -> Option<u16> {
    self::port(port.as_bytes())
}

fn port(digits: &[u8]) -> Option<u16> {
    let number = digits.iter().try_fold(0_u16, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| digit - b'0')?;
        number.checked_mul(10)?.checked_add(digit.into())
    });
    number.filter(|&number| number != 0)
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && is_name(host.as_bytes()),
    }
}

/// Whether these are unreserved characters, sub-delimiters and percent-encodings (RFC 3986 §3.2.2).
fn is_name(mut bytes: &[u8]) -> bool {
    loop {
        bytes = match bytes {
            [] => return true,
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => rest,
            [byte, rest @ ..] if is_name_byte(*byte) => rest,
            _ => return false,
        };
    }
}

/// The unreserved characters and sub-delimiters of RFC 3986 §2.
fn is_name_byte(byte: u8) -> bool {
    NAME_BYTES.get(usize::from(byte)).is_some_and(|is_name_byte| *is_name_byte)
}

#[allow(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "it is made when this is compiled")]
const NAME_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = (byte as u8).is_ascii_alphanumeric()
            || matches!(byte as u8, b'-' | b'.' | b'_' | b'~')
            || matches!(byte as u8, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=');
        byte += 1;
    }
    table
};
