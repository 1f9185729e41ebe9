//! The request that opens a WebSocket over HTTP/2 or HTTP/3, in place of the upgrade (RFC 8441 §4, RFC 9220 §3).

use super::names;
use core::fmt;

/// The pseudo-headers of an extended CONNECT (RFC 8441 §4): what an HTTP/2 or HTTP/3 request has in place of a first line.
///
/// A client may send such a request once the server's SETTINGS hold `SETTINGS_ENABLE_CONNECT_PROTOCOL` (0x8) with the
/// value 1 (RFC 8441 §3; RFC 9220 §3 gives the HTTP/3 setting the same number). Sent to a server that has not said so, it is
/// malformed and costs the stream (RFC 8441 §3). Settings are exchanged by the HTTP library, not here: in `h2` a server
/// enables it with `enable_connect_protocol`, and a client asks `is_extended_connect_protocol_enabled`.
///
/// A server reads one with [`server::Request::from_extended_connect`](super::server::Request::from_extended_connect), a client
/// sends the one of [`client::Exchange::pseudo_headers`](super::client::Exchange::pseudo_headers). `Debug` does not show the
/// path, which may hold secrets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PseudoHeaders<'a> {
    /// `:method`, which is `CONNECT`.
    pub method: &'a str,
    /// `:protocol`, which is `websocket` (RFC 8441 §5). A CONNECT without it asks for a tunnel, which is not for this crate.
    pub protocol: Option<&'a str>,
    /// `:scheme`: `https` for `wss` and `http` for `ws` (RFC 8441 §5).
    pub scheme: &'a str,
    /// `:authority`: the host, and the port unless it is the scheme's default.
    pub authority: &'a str,
    /// `:path`: path and query.
    pub path: &'a str,
}

impl fmt::Debug for PseudoHeaders<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PseudoHeaders")
            .field("method", &self.method)
            .field("protocol", &self.protocol)
            .field("scheme", &self.scheme)
            // What a malformed one has in front of an @ are credentials.
            .field("authority", &self.authority.rsplit('@').next().unwrap_or_default())
            .finish_non_exhaustive()
    }
}

/// Whether a header is about one connection of HTTP/1.1, so that HTTP/2 and HTTP/3 do not have it (RFC 9113 §8.2.2, RFC 9114
/// §4.2). `TE` is among them, as it is of no use to a stream of frames.
pub(super) fn is_connection_specific(name: &str) -> bool {
    [
        names::CONNECTION,
        "Keep-Alive",
        "Proxy-Connection",
        "TE",
        names::TRANSFER_ENCODING,
        names::UPGRADE,
        "HTTP2-Settings",
    ]
    .iter()
    .any(|specific| names::is(name, specific))
}

/// Whether a header makes a request that was received malformed (RFC 9113 §8.2.2): as above, but `TE` may say `trailers`.
pub(super) fn is_connection_specific_in_request(name: &str, value: &[u8]) -> bool {
    is_connection_specific(name) && !(name.eq_ignore_ascii_case("te") && value.eq_ignore_ascii_case(b"trailers"))
}
