//! `ws:` and `wss:` URIs (RFC 6455 §3).

mod authority;
mod encode;
mod invalid;
mod reference;

pub(super) use authority::{is_authority, is_scheme, parse_port, split_authority};
pub use invalid::InvalidUri;

use alloc::{borrow::ToOwned, format, string::String};
use core::{fmt, str::FromStr};
use encode::encode_resource;

/// A `ws:` or `wss:` URI (RFC 6455 §3), checked and taken apart.
///
/// It is parsed as people write it and browsers take it:
///
/// * `http` stands for `ws`, and `https` for `wss` (WHATWG WebSockets §3.1).
/// * In path and query, spaces, characters that are not ASCII and the rest of what browsers encode are percent-encoded, as
///   UTF-8. What RFC 3986 allows stays as it is; so do `[`, `]`, `|` and a `%` that begins no percent-encoding, which
///   browsers send as they are.
/// * Dot segments stay; [`join`](Self::join) removes them.
///
/// User information, fragments, control characters and hosts that are not ASCII are errors: see [`InvalidUri`].
///
/// ```
/// use ws_proto::handshake::WebSocketUri;
///
/// let uri: WebSocketUri = "wss://[2001:db8::1]/chat?room=7".parse()?;
/// assert!(uri.is_secure());
/// assert_eq!((uri.host(), uri.port(), uri.resource()), ("[2001:db8::1]", 443, "/chat?room=7"));
/// assert_eq!("WS://example.com".parse::<WebSocketUri>()?.resource(), "/");
///
/// let uri: WebSocketUri = "https://example.com/my feed?ids[]=1&city=Zürich".parse()?;
/// assert_eq!(uri.to_string(), "wss://example.com/my%20feed?ids[]=1&city=Z%C3%BCrich");
/// # Ok::<(), ws_proto::handshake::InvalidUri>(())
/// ```
///
/// `Debug` hides the query, in which programs send tokens; `Display` writes the whole URI.
#[derive(Clone, PartialEq, Eq, Hash)]
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

    /// The scheme as HTTP has it: `https` for `wss`, `http` for `ws` (RFC 8441 §5).
    pub const fn http_scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    /// The host: a name, an IPv4 address, or an IPv6 address in its brackets, which a TLS server name goes without.
    pub fn host(&self) -> &str {
        self.authority.get(..self.host_end).unwrap_or_default()
    }

    /// The port; without one in the URI 80 for `ws` and 443 for `wss`.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The resource name as it is sent: the path, `/` if it is empty, and the query with its `?`, percent-encoded. It is
    /// visible ASCII, and begins with `/`.
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

impl FromStr for WebSocketUri {
    type Err = InvalidUri;

    /// *Complexity*: linear. The resource name is at most three times as long as it was written.
    fn from_str(uri: &str) -> Result<Self, InvalidUri> {
        refuse_controls(uri)?;
        let (scheme, rest) = uri.split_once("://").ok_or(InvalidUri::Scheme)?;
        let secure = is_secure(scheme).ok_or(InvalidUri::Scheme)?;
        if rest.contains('#') {
            return Err(InvalidUri::Fragment);
        }
        parse_hierarchy(secure, rest)
    }
}

/// Control characters are refused wherever they are, and never encoded: in a request they could end a line.
fn refuse_controls(text: &str) -> Result<(), InvalidUri> {
    if text.chars().any(char::is_control) { Err(InvalidUri::Control) } else { Ok(()) }
}

/// Whether a scheme means TLS, if it is one for WebSockets.
fn is_secure(scheme: &str) -> Option<bool> {
    let is = |known: &str| scheme.eq_ignore_ascii_case(known);
    if is("wss") || is("https") {
        Some(true)
    } else if is("ws") || is("http") {
        Some(false)
    } else {
        None
    }
}

/// Parses what follows `//`: authority, path and query, without fragment.
fn parse_hierarchy(secure: bool, rest: &str) -> Result<WebSocketUri, InvalidUri> {
    let (authority, resource) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err(InvalidUri::UserInfo);
    }
    if !authority.split(':').next().unwrap_or_default().is_ascii() {
        return Err(InvalidUri::HostNotAscii);
    }
    let (host, port) = split_authority(authority).ok_or(InvalidUri::Host)?;
    let default_port = if secure { 443 } else { 80 };
    let port = match port {
        // RFC 3986 §3.2.3: an empty port is treated as absent.
        None | Some("") => default_port,
        Some(port) => parse_port(port).ok_or(InvalidUri::Port)?,
    };
    let resource = encode_resource(resource)?;
    let authority = if port == default_port { host.to_owned() } else { format!("{host}:{port}") };
    Ok(WebSocketUri { secure, authority, host_end: host.len(), port, resource })
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

/// Shows nothing of the query.
impl fmt::Debug for WebSocketUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketUri")
            .field("secure", &self.secure)
            .field("authority", &self.authority)
            .field("path", &self.resource.split('?').next().unwrap_or_default())
            .finish_non_exhaustive()
    }
}
