//! The key of the request and the proof in the response (RFC 6455 §4.2.2).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use core::{fmt, str};
use sha1::block_api::compress;
use sha1::{Digest, Sha1};

/// What RFC 6455 §1.3 appends to every key.
const GUID: [u8; 36] = *b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The text of a `Sec-WebSocket-Key`: 16 bytes in base64. Aligned, it is copied by words.
#[derive(Clone, Copy)]
#[repr(align(8))]
pub(super) struct Key([u8; 24]);

impl Key {
    pub(super) const fn new(text: &[u8; 24]) -> Self {
        Self(*text)
    }

    pub(super) const fn as_bytes(&self) -> &[u8; 24] {
        &self.0
    }
}

/// The value of `Sec-WebSocket-Accept` for the text of a `Sec-WebSocket-Key`, without white space around it
/// (RFC 6455 §4.2.2).
///
/// Handshakes do this by themselves; the function is for those who serve the upgrade with an HTTP library. The key is not
/// checked.
///
/// ```
/// use ws_proto::handshake::accept_key;
///
/// let accept = accept_key("dGhlIHNhbXBsZSBub25jZQ==");
/// assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// assert_eq!(format!("Sec-WebSocket-Accept: {accept}"), "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
pub fn accept_key(key: impl AsRef<[u8]>) -> AcceptKey {
    AcceptKey(in_base64(Sha1::new().chain_update(key).chain_update(GUID).finalize().as_ref()))
}

/// A value of `Sec-WebSocket-Accept`, from [`accept_key`]: the base64 of 20 bytes, 28 ASCII characters. It holds no
/// secret, and is compared as text.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AcceptKey([u8; 28]);

impl AcceptKey {
    /// The value as text.
    pub fn as_str(&self) -> &str {
        // It is base64, so that the default is never taken.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl AsRef<str> for AcceptKey {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<[u8]> for AcceptKey {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq<str> for AcceptKey {
    fn eq(&self, other: &str) -> bool {
        self.0 == *other.as_bytes()
    }
}

impl PartialEq<&str> for AcceptKey {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

/// For a header's value as it came.
impl PartialEq<[u8]> for AcceptKey {
    fn eq(&self, other: &[u8]) -> bool {
        self.0 == *other
    }
}

impl fmt::Display for AcceptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for AcceptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AcceptKey").field(&self.as_str()).finish()
    }
}

/// The two blocks that SHA-1 hashes (RFC 3174 §4): a place for the key, the GUID, and the padding of these 60 bytes.
const BLOCKS: [[u8; 64]; 2] = {
    let mut blocks = [[0; 64]; 2];
    let [first, second] = &mut blocks;
    let (_key, rest) = first.split_at_mut(size_of::<Key>());
    let (guid, padding) = rest.split_at_mut(GUID.len());
    guid.copy_from_slice(&GUID);
    if let [end, ..] = padding {
        *end = 0x80;
    }
    let bits = 8 * (size_of::<Key>() + GUID.len()) as u64;
    second.split_at_mut(56).1.copy_from_slice(&bits.to_be_bytes());
    blocks
};

/// [`accept_key`] for a key that is known to be one, whose blocks are ready but for the key.
pub(super) fn accept_for(key: &Key) -> [u8; 28] {
    let mut blocks = BLOCKS;
    if let Some(start) = blocks.as_flattened_mut().first_chunk_mut() {
        *start = key.0;
    }
    let mut state = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0];
    compress(&mut state, &blocks);
    let mut digest = [0; 20];
    for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(state) {
        *bytes = u32::to_be_bytes(word);
    }
    in_base64(&digest)
}

fn in_base64(digest: &[u8; 20]) -> [u8; 28] {
    let mut accept = [0; 28];
    // 20 bytes become exactly 28, so this cannot fail; a wrong answer would only make the client refuse.
    let _written = STANDARD.encode_slice(digest, &mut accept);
    accept
}

/// The text of a key, if it is the base64 of 16 bytes: 22 letters of its alphabet and the padding. That the last letter stands
/// for more than two bits is accepted, as it does so in the RFC's own sample.
#[inline]
pub(super) fn parse(text: &[u8]) -> Option<&[u8; 24]> {
    let key: &[u8; 24] = text.try_into().ok()?;
    let letters = key.strip_suffix(b"==")?;
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    // Without a branch for each, which lets the compiler make vectors of it.
    letters.iter().fold(true, |are_letters, byte| are_letters & is_letter(byte)).then_some(key)
}

/// The key for 16 random bytes.
pub(super) fn from_nonce(nonce: [u8; 16]) -> Key {
    let mut key = [0; 24];
    // 16 bytes become exactly 24, so this cannot fail.
    let _written = STANDARD.encode_slice(nonce, &mut key);
    Key(key)
}
