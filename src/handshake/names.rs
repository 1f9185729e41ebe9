//! The names of the header fields that handshakes are about.

pub(super) const AUTHORIZATION: &str = "Authorization";
pub(super) const CONNECTION: &str = "Connection";
pub(super) const CONTENT_LENGTH: &str = "Content-Length";
pub(super) const CONTENT_TYPE: &str = "Content-Type";
pub(super) const HOST: &str = "Host";
pub(super) const ORIGIN: &str = "Origin";
/// Where the credentials for a proxy stand (RFC 9110 §11.7.2).
pub(super) const PROXY_AUTHORIZATION: &str = "Proxy-Authorization";
pub(super) const SEC_WEBSOCKET_ACCEPT: &str = "Sec-WebSocket-Accept";
pub(super) const SEC_WEBSOCKET_EXTENSIONS: &str = "Sec-WebSocket-Extensions";
pub(super) const SEC_WEBSOCKET_KEY: &str = "Sec-WebSocket-Key";
pub(super) const SEC_WEBSOCKET_PROTOCOL: &str = "Sec-WebSocket-Protocol";
pub(super) const SEC_WEBSOCKET_VERSION: &str = "Sec-WebSocket-Version";
pub(super) const TRANSFER_ENCODING: &str = "Transfer-Encoding";
pub(super) const UPGRADE: &str = "Upgrade";

/// Whether two names are those of one field: they compare without regard to case (RFC 9110 §5.1).
#[inline]
pub(super) fn is(name: &str, known: &str) -> bool {
    // Mostly a name is written as above, and to compare it so is faster.
    name == known || name.eq_ignore_ascii_case(known)
}
