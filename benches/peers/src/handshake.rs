//! The opening handshake: a browser's request, and the other side of it for clients.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

pub use crate::browser::REQUEST;

/// What the key of [`REQUEST`] is answered with, as RFC 6455 §1.3 has it.
pub const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Where clients connect to.
pub const HOST: &str = "example.com:8080";
pub const PATH: &str = "/chat";
pub const URI: &str = "ws://example.com:8080/chat";

const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The value of `Sec-WebSocket-Accept` for a key (RFC 6455 §4.2.2).
pub fn accept(key: &[u8]) -> [u8; 28] {
    let mut text = [0; 28];
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    let length = STANDARD.encode_slice(digest, &mut text).expect("20 bytes take 28 letters");
    assert_eq!(length, text.len());
    text
}

/// The key in a request, as httparse finds it.
pub fn key(request: &[u8]) -> &[u8] {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut parsed = httparse::Request::new(&mut headers);
    assert!(parsed.parse(request).expect("a request").is_complete());
    let key = parsed.headers.iter().find(|header| header.name.eq_ignore_ascii_case("sec-websocket-key"));
    key.expect("a key").value
}

/// The answer to a request.
pub fn answer(request: &[u8]) -> Vec<u8> {
    response(&accept(key(request)))
}

/// An answer that holds this.
pub fn response(accept: &[u8]) -> Vec<u8> {
    let mut answer = Vec::with_capacity(256);
    answer.extend_from_slice(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ",
    );
    answer.extend_from_slice(accept);
    answer.extend_from_slice(b"\r\n\r\n");
    answer
}
