//! Peers that do not speak HTTP, recognized by the first bytes that they send.

use crate::grammar::is_token_byte;
use crate::role::Role;

/// What a peer that does not speak HTTP/1 seems to speak, by its first bytes.
///
/// A handshake ends as soon as these bytes have arrived, so that nobody waits for the end of a head that does not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum NotHttp {
    /// A TLS record (RFC 8446 §5.1): a client that takes a plain port for one of `wss`, or a server that expects TLS.
    /// Its first byte, the type of the record, is enough to recognize it.
    #[error("this looks like TLS: one side uses wss and the other ws; is the port one for wss?")]
    Tls,
    /// The first bytes of an HTTP/2 connection (RFC 9113 §3.4): the client's preface or the server's SETTINGS frame.
    #[error("this looks like HTTP/2: the opening handshake here needs HTTP/1.1")]
    Http2,
    /// The identification of an SSH client or server (RFC 4253 §4.2).
    #[error("this looks like SSH: is the port one for WebSockets?")]
    Ssh,
    /// The first byte of a WebSocket frame (RFC 6455 §5.2), where the opening handshake has to come first.
    #[error("this looks like a WebSocket frame: the opening handshake is missing")]
    WebSocketFrame,
    /// The header of the PROXY protocol, version 1 or 2, which a load balancer puts ahead of a client's bytes. The
    /// server has to remove it before the handshake.
    #[error("this looks like the PROXY protocol: its header has to be removed before the request")]
    ProxyProtocol,
}

/// What the first bytes of a head show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beginning {
    /// A head of HTTP/1, or an empty line ahead of one.
    Http,
    /// Too few bytes to decide.
    Undecided,
    /// Another protocol.
    Other(NotHttp),
    /// Neither HTTP/1 nor a protocol that is known here.
    Unknown,
}

impl Beginning {
    /// What these bytes show to a server, which reads a request, or to a client, which reads a response. More bytes
    /// change nothing once this is decided; a dozen decide it.
    #[inline]
    pub(super) fn of(bytes: &[u8], reader: Role) -> Self {
        match (reader, bytes) {
            // RFC 9112 §3: a request line begins with a token. Two letters begin something else, too.
            (Role::Server, &[first, ..]) if is_token_byte(first) && !matches!(first, b'P' | b'S') => Self::Http,
            (Role::Client, [b'H', b'T', b'T', b'P', b'/', b'1', b'.', ..]) => Self::Http,
            _ => Self::of_unusual(bytes, reader),
        }
    }

    #[cold]
    fn of_unusual(bytes: &[u8], reader: Role) -> Self {
        let is_http = match bytes {
            // RFC 9112 §2.2: an empty line ahead of the first one is passed over. Whether a bare line feed is one, the
            // reader of lines decides.
            [b'\r', b'\n', ..] | [b'\n', ..] => return Self::Http,
            [0x14..=0x17, ..] => return Self::Other(NotHttp::Tls),
            // Text, binary, Close, Ping, Pong; the first frame of a fragmented message; a compressed message.
            [0x81 | 0x82 | 0x88..=0x8a | 0x01 | 0x02 | 0xc1 | 0xc2, ..] => {
                return Self::Other(NotHttp::WebSocketFrame);
            }
            [] | [b'\r'] => Match::Part,
            _ if reader == Role::Client => Match::of(bytes, b"HTTP/1."),
            &[first, ..] if is_token_byte(first) => Match::Whole,
            _ => Match::No,
        };
        let others: &[(Match, NotHttp)] = match reader {
            Role::Server => &[
                (Match::of(bytes, b"PRI * HTTP/2"), NotHttp::Http2),
                (Match::of(bytes, b"SSH-"), NotHttp::Ssh),
                (Match::of(bytes, b"PROXY "), NotHttp::ProxyProtocol),
                // Version 2 begins with two empty lines, which have been passed over.
                (Match::of(bytes, b"\0\r\nQUIT\n"), NotHttp::ProxyProtocol),
            ],
            Role::Client => &[(Match::of_settings(bytes), NotHttp::Http2), (Match::of(bytes, b"SSH-"), NotHttp::Ssh)],
        };
        if let Some((_, other)) = others.iter().find(|(found, _)| *found == Match::Whole) {
            Self::Other(*other)
        } else if is_http == Match::Part || others.iter().any(|(found, _)| *found == Match::Part) {
            Self::Undecided
        } else if is_http == Match::Whole {
            Self::Http
        } else {
            Self::Unknown
        }
    }
}

/// How much of a signature has arrived.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Match {
    No,
    Part,
    Whole,
}

impl Match {
    fn of(bytes: &[u8], signature: &[u8]) -> Self {
        if bytes.starts_with(signature) {
            Self::Whole
        } else if signature.starts_with(bytes) {
            Self::Part
        } else {
            Self::No
        }
    }

    /// RFC 9113 §4.1, §6.5: a SETTINGS frame of less than 256 bytes, without flags, on stream 0.
    fn of_settings(bytes: &[u8]) -> Self {
        match bytes {
            [0, 0, _, rest @ ..] => Self::of(rest, b"\x04\0\0\0\0\0"),
            [] | [0] | [0, 0] => Self::Part,
            _ => Self::No,
        }
    }
}
