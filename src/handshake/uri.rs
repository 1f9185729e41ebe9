//! `ws:` and `wss:` URIs (RFC 6455 §3).

use alloc::{borrow::ToOwned, format, string::String};
use core::net::Ipv6Addr;
use core::{fmt, str::FromStr};

/// A `ws:` or `wss:` URI (RFC 6455 §3), checked and taken apart.
///
/// ```
/// use ws_proto::handshake::WebSocketUri;
///
/// let uri: WebSocketUri = "wss://[2001:db8::1]/chat?room=7".parse()?;
/// assert!(uri.is_secure());
/// assert_eq!((uri.host(), uri.port(), uri.resource()), ("[2001:db8::1]", 443, "/chat?room=7"));
/// assert_eq!("WS://example.com".parse::<WebSocketUri>()?.resource(), "/");
/// # Ok::<(), ws_proto::handshake::InvalidUri>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WebSocketUri {
    secure: bool,
    /// The host, and the port unless it is the scheme's default.
    authority: String,
    host_end: usize,
    port: u16,
    resource: String,
}

impl WebSocketUri {
    /// Whether the scheme is `wss`, so that the transport has to be TLS.
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// The host: a name, an IPv4 address, or an IPv6 address in its brackets, which a TLS server name goes without.
    pub fn host(&self) -> &str {
        self.authority.get(..self.host_end).unwrap_or_default()
    }

    /// The port; without one in the URI 80 for `ws` and 443 for `wss`.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The resource name: the path, `/` if it is empty, and the query with its `?`.
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// Host and port, always both: what `TcpStream::connect` takes.
    pub fn host_and_port(&self) -> String {
        format!("{}:{}", self.host(), self.port)
    }

    /// The host, with the port unless it is the scheme's default: the value of `Host` (RFC 6455 §4.1).
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

const fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

/// Why a text is not a `ws:` or `wss:` URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidUri {
    /// It does not begin with `ws://` or `wss://`.
    #[error("a WebSocket URI begins with ws:// or wss:// (RFC 6455 §3)")]
    Scheme,
    /// It has user information, which RFC 6455 does not provide for; use an `Authorization` header.
    #[error("a WebSocket URI has no user information (RFC 6455 §3)")]
    UserInfo,
    /// The host is missing or not a name or address.
    #[error("the host is missing or malformed; write an international name in its ASCII form (RFC 3986 §3.2.2)")]
    Host,
    /// The port is not a number from 1 to 65535.
    #[error("the port is not a number from 1 to 65535")]
    Port,
    /// It has a fragment; a `#` that is meant has to be written `%23`.
    #[error("a WebSocket URI has no fragment; write %23 for a # (RFC 6455 §3)")]
    Fragment,
    /// The path or query holds a character that has to be percent-encoded, or a broken percent-encoding.
    #[error("the path or query holds a character that is not percent-encoded (RFC 3986 §3.3)")]
    Resource,
}

impl FromStr for WebSocketUri {
    type Err = InvalidUri;

    fn from_str(uri: &str) -> Result<Self, InvalidUri> {
        let (scheme, rest) = uri.split_once("://").ok_or(InvalidUri::Scheme)?;
        let secure = if scheme.eq_ignore_ascii_case("wss") {
            true
        } else if scheme.eq_ignore_ascii_case("ws") {
            false
        } else {
            return Err(InvalidUri::Scheme);
        };
        if rest.contains('#') {
            return Err(InvalidUri::Fragment);
        }
        let (authority, resource) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(InvalidUri::UserInfo);
        }
        let (host, port) = split_authority(authority).ok_or(InvalidUri::Host)?;
        let port = match port {
            // RFC 3986 §3.2.3: an empty port is as good as none.
            None | Some("") => default_port(secure),
            Some(port) => parse_port(port).ok_or(InvalidUri::Port)?,
        };
        if !is_resource(resource.as_bytes()) {
            return Err(InvalidUri::Resource);
        }
        let resource = if resource.starts_with('/') { resource.to_owned() } else { format!("/{resource}") };
        let authority = if port == default_port(secure) { host.to_owned() } else { format!("{host}:{port}") };
        Ok(Self { secure, authority, host_end: host.len(), port, resource })
    }
}

impl TryFrom<&str> for WebSocketUri {
    type Error = InvalidUri;

    fn try_from(uri: &str) -> Result<Self, InvalidUri> {
        uri.parse()
    }
}

impl fmt::Display for WebSocketUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "wss" } else { "ws" };
        write!(f, "{scheme}://{}{}", self.authority(), self.resource)
    }
}

/// Host and port of an authority without user information, if the host is well-formed. The port is not looked at.
pub(super) fn split_authority(authority: &str) -> Option<(&str, Option<&str>)> {
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

/// Digits alone: `u16::from_str` would take a sign.
pub(super) fn parse_port(port: &str) -> Option<u16> {
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    port.parse().ok().filter(|&port| port != 0)
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && is_encoded(host.as_bytes(), is_name_byte),
    }
}

/// Whether this is a path and query of RFC 3986, or nothing.
pub(super) fn is_resource(bytes: &[u8]) -> bool {
    is_encoded(bytes, |byte| is_name_byte(byte) || matches!(byte, b':' | b'@' | b'/' | b'?'))
}

/// The unreserved characters and sub-delimiters of RFC 3986 §2.
const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'_' | b'~')
        || matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=')
}

/// Whether every byte is allowed or part of a percent-encoding.
fn is_encoded(mut bytes: &[u8], allowed: impl Fn(u8) -> bool) -> bool {
    loop {
        bytes = match bytes {
            [] => return true,
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => rest,
            [byte, rest @ ..] if allowed(*byte) => rest,
            _ => return false,
        };
    }
}
