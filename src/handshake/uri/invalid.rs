//! Why a text is not a URI for a WebSocket.

/// Why a text is not a `ws:` or `wss:` URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidUri {
    /// It does not begin with `ws://` or `wss://`, nor with `http://` or `https://`.
    #[error("a WebSocket URI begins with ws://, wss://, http:// or https:// (RFC 6455 §3)")]
    Scheme,
    /// It has user information, which RFC 6455 does not provide for; use an `Authorization` header.
    #[error("a WebSocket URI has no user information; send an Authorization header (RFC 6455 §3)")]
    UserInfo,
    /// The host is missing or not a name or address.
    #[error("the host is missing or malformed (RFC 3986 §3.2.2)")]
    Host,
    /// The host has characters that are not ASCII. This crate does not convert them.
    #[error("the host is not ASCII; convert an international name to its ASCII form first (punycode, RFC 5891 §4)")]
    HostNotAscii,
    /// The port is not a number from 1 to 65535.
    #[error("the port is not a number from 1 to 65535")]
    Port,
    /// It has a fragment; a `#` that is meant has to be written `%23`.
    #[error("a WebSocket URI has no fragment; write %23 for a # (RFC 6455 §3)")]
    Fragment,
    /// It holds a control character: the end of a line, a tab, NUL, or another.
    #[error("a URI holds no control character, such as the end of a line (RFC 3986 §2)")]
    Control,
    /// The `Location` of a response is not UTF-8.
    #[error("the URI is not UTF-8 (RFC 3987 §3.1)")]
    NotUtf8,
    /// The path holds a backslash, which is read as `/` by some and as `%5C` by others.
    #[error("the path holds a backslash; write / or %5C (RFC 3986 §3.3)")]
    Backslash,
    /// It ends in a space, which is read as `%20` by some and removed by others.
    #[error("the URI ends in a space; remove it or write %20 (RFC 3986 §3.3)")]
    SpaceAtEnd,
}
