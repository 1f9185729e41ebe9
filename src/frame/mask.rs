//! Masking (RFC 6455 §5.3): byte `i` of a payload is XORed with byte `i mod 4` of the key.

use core::fmt;

/// A masking key, turned to the byte of the payload it meets next (RFC 6455 §5.3).
///
/// Masking and unmasking are the same operation. [`apply`](MaskingKey::apply) gives back the key turned by the bytes it
/// has masked, so a payload may be masked in pieces of any size.
///
/// ```
/// use ws_proto::frame::MaskingKey;
///
/// let key = MaskingKey::new([0x37, 0xfa, 0x21, 0x3d]);
/// let mut payload = *b"Hello";
/// let key_for_the_rest = key.apply(&mut payload[..2]);
/// key_for_the_rest.apply(&mut payload[2..]);
/// assert_eq!(payload, [0x7f, 0x9f, 0x4d, 0x51, 0x58]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MaskingKey([u8; 4]);

impl MaskingKey {
    /// The key as it stands in the header.
    pub const fn new(key: [u8; 4]) -> Self {
        Self(key)
    }

    /// The four bytes, beginning with the one that masks the next byte.
    pub const fn to_bytes(self) -> [u8; 4] {
        self.0
    }

    /// Masks or unmasks `data` in place; the key for the byte after it.
    ///
    /// *Complexity*: linear in `data`.
    #[inline]
    pub fn apply(self, data: &mut [u8]) -> Self {
        let word = self.twice();
        let length = data.len();
        let mut words = data.chunks_exact_mut(8);
        for chunk in &mut words {
            if let Ok(bytes) = <&mut [u8; 8]>::try_from(chunk) {
                *bytes = (u64::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
            }
        }
        let mut tail = words.into_remainder().chunks_exact_mut(4);
        for chunk in &mut tail {
            if let Ok(bytes) = <&mut [u8; 4]>::try_from(chunk) {
                *bytes = (u32::from_ne_bytes(*bytes) ^ u32::from_ne_bytes(self.0)).to_ne_bytes();
            }
        }
        for (byte, key) in tail.into_remainder().iter_mut().zip(self.0) {
            *byte ^= key;
        }
        self.turned(length)
    }

    /// [`apply`](Self::apply) for a payload that is short and whole: without the preparations that pay for longer ones.
    #[inline(always)]
    pub(crate) fn apply_short(self, mut data: &mut [u8]) {
        let word = self.twice();
        for _ in 0..data.len() / 8 {
            let Some((bytes, rest)) = core::mem::take(&mut data).split_first_chunk_mut::<8>() else { return };
            *bytes = (u64::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
            data = rest;
        }
        if data.len() >= 4 {
            let Some((bytes, rest)) = core::mem::take(&mut data).split_first_chunk_mut::<4>() else { return };
            *bytes = (u32::from_ne_bytes(*bytes) ^ u32::from_ne_bytes(self.0)).to_ne_bytes();
            data = rest;
        }
        for (byte, key) in data.iter_mut().zip(self.0) {
            *byte ^= key;
        }
    }

    /// The key as it lies over eight bytes.
    #[inline(always)]
    const fn twice(self) -> u64 {
        let key = u32::from_ne_bytes(self.0) as u64;
        key << 32 | key
    }

    /// The key for the byte that comes `by` bytes later.
    #[inline]
    pub(crate) const fn turned(self, by: usize) -> Self {
        let [a, b, c, d] = self.0;
        Self(match by % 4 {
            0 => [a, b, c, d],
            1 => [b, c, d, a],
            2 => [c, d, a, b],
            _ => [d, a, b, c],
        })
    }
}

/// Hides the key: RFC 6455 §10.3 wants that nobody who supplies data can know it.
impl fmt::Debug for MaskingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MaskingKey(..)")
    }
}
