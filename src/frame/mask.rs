//! Masking (RFC 6455 §5.3): byte `i` of a payload is XORed with byte `i mod 4` of the key.

use crate::wide::widest;
use bytes::BytesMut;
use core::fmt;

/// The size of a line of the cache in bytes, or a multiple of it.
const LINE: usize = 64;

/// From this length in bytes on it pays to begin at a line of the cache.
const LONG: usize = 1 << 10;

/// A masking key, turned to the byte of the payload it meets next (RFC 6455 §5.3).
///
/// Masking and unmasking are the same operation. [`apply`](MaskingKey::apply) returns the key turned by the bytes it has
/// masked, so a payload may be masked in pieces of any size.
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

    /// Masks or unmasks `data` in place, and returns the key for the byte after it. With the feature `std` it uses the
    /// widest vectors that the processor has.
    ///
    /// *Complexity*: linear in `data`.
    #[inline]
    pub fn apply(self, data: &mut [u8]) -> Self {
        self.apply_noticing_ascii(data);
        self.turned(data.len())
    }

    /// [`apply`](Self::apply), and whether all that comes out is ASCII, which costs next to nothing while the bytes are
    /// in a register.
    #[inline(always)]
    pub(crate) fn apply_noticing_ascii(self, data: &mut [u8]) -> bool {
        widest(
            data.len(),
            #[inline(always)]
            || self.apply_aligned(data),
        )
    }

    /// Takes the bytes before the first cache line by themselves, so that no vector lies across two lines: that is a third of
    /// the time where much of it is in the cache.
    #[inline(always)]
    fn apply_aligned(self, data: &mut [u8]) -> bool {
        if data.len() < LONG {
            return self.apply_words(data);
        }
        let ahead = data.as_ptr().align_offset(LINE).min(data.len());
        let (ahead, lines) = data.split_at_mut(ahead);
        let key = self.turned(ahead.len());
        // Neither is left out because the other is not ASCII.
        self.apply_words(ahead) & key.apply_words(lines)
    }

    #[inline(always)]
    fn apply_words(self, data: &mut [u8]) -> bool {
        let word = self.twice();
        let mut words = data.chunks_exact_mut(8);
        let seen = words.by_ref().fold(0, |seen, chunk| seen | chunk.try_into().map_or(0, |bytes| xor(bytes, word)));
        (seen | self.apply_to_few(words.into_remainder())).to_le_bytes().is_ascii()
    }

    /// Masks or unmasks one byte, and turns the key by it.
    #[inline]
    pub(crate) const fn apply_to_byte(&mut self, byte: u8) -> u8 {
        let masked = byte ^ self.0[0];
        *self = self.turned(1);
        masked
    }

    /// Masks or unmasks `from` into `to`, which is as long; whether all that comes out is ASCII.
    #[inline(always)]
    pub(crate) fn apply_to_copy(self, from: &[u8], to: &mut [u8]) -> bool {
        widest(
            from.len(),
            #[inline(always)]
            || self.copy_aligned(from, to),
        )
    }

    /// As [`apply_aligned`](Self::apply_aligned), by the lines that are written.
    #[inline(always)]
    fn copy_aligned(self, from: &[u8], to: &mut [u8]) -> bool {
        if from.len() < LONG || to.len() < LONG {
            return self.copy_words(from, to);
        }
        let ahead = to.as_ptr().align_offset(LINE).min(LINE);
        let ((ahead, lines), (place, places)) = (from.split_at(ahead), to.split_at_mut(ahead));
        let key = self.turned(ahead.len());
        self.copy_words(ahead, place) & key.copy_words(lines, places)
    }

    #[inline(always)]
    fn copy_words(self, from: &[u8], to: &mut [u8]) -> bool {
        let word = self.twice();
        let sources = from.chunks_exact(8);
        let (rest, whole) = (sources.remainder(), from.len() / 8 * 8);
        let targets = to.chunks_exact_mut(8);
        let mut seen = sources.zip(targets).fold(0, |seen, pair| {
            match (<[u8; 8]>::try_from(pair.0), <&mut [u8; 8]>::try_from(pair.1)) {
                (Ok(source), Ok(target)) => {
                    *target = source;
                    seen | xor(target, word)
                }
                _ => seen,
            }
        });
        for ((source, target), key) in rest.iter().zip(to.iter_mut().skip(whole)).zip(word.to_le_bytes()) {
            *target = source ^ key;
            seen |= u64::from(*target);
        }
        seen.to_le_bytes().is_ascii()
    }

    /// Masks or unmasks the `count` bytes at `from` while it moves them to `to`, which is before that; whether all that comes
    /// out is ASCII.
    #[inline(always)]
    pub(crate) fn apply_moving(self, bytes: &mut [u8], from: usize, to: usize, count: usize) -> bool {
        if to + count <= from {
            let Some((front, back)) = bytes.split_at_mut_checked(from) else { return false };
            let (Some(target), Some(source)) = (front.get_mut(to..to + count), back.get(..count)) else { return false };
            return self.apply_to_copy(source, target);
        }
        bytes.copy_within(from..from + count, to);
        self.apply_noticing_ascii(bytes.get_mut(to..to + count).unwrap_or_default())
    }

    /// Appends `from`, masked, to a buffer: block by block through registers, so that nothing is written twice. The key
    /// for the byte after it.
    #[inline]
    pub(crate) fn append(self, from: &[u8], buffer: &mut BytesMut) -> Self {
        buffer.reserve(from.len() + 8);
        let end = buffer.len() + from.len();
        let rest = widest(
            from.len(),
            #[inline(always)]
            || self.append_blocks::<256>(from, buffer),
        );
        let rest = self.append_blocks::<128>(rest, buffer);
        let rest = self.append_blocks::<32>(rest, buffer);
        let rest = self.append_blocks::<8>(rest, buffer);
        if !rest.is_empty() {
            let mut last = [0; 8];
            if let Some(whole) = from.last_chunk() {
                // Some of these bytes are there already, and are written once more with the others.
                buffer.truncate(end - whole.len());
                last = *whole;
                xor(&mut last, self.turned(from.len()).twice());
            } else {
                last.iter_mut().zip(rest).for_each(|(last, byte)| *last = *byte);
                xor(&mut last, self.twice());
            }
            buffer.extend_from_slice(&last);
            buffer.truncate(end);
        }
        self.turned(from.len())
    }

    /// Appends whole blocks, masked; what is left of `from`.
    #[inline(always)]
    fn append_blocks<'f, const SIZE: usize>(self, from: &'f [u8], buffer: &mut BytesMut) -> &'f [u8] {
        let word = self.twice();
        let mut blocks = from.chunks_exact(SIZE);
        for block in &mut blocks {
            let Ok(mut block) = <[u8; SIZE]>::try_from(block) else { break };
            for chunk in block.chunks_exact_mut(8) {
                if let Ok(bytes) = chunk.try_into() {
                    xor(bytes, word);
                }
            }
            buffer.extend_from_slice(&block);
        }
        blocks.remainder()
    }

    /// For a payload that is short and whole: [`apply_noticing_ascii`](Self::apply_noticing_ascii) without the
    /// preparations that pay for longer ones.
    #[inline(always)]
    pub(crate) fn apply_short(self, data: &mut [u8]) -> bool {
        let word = self.twice();
        // The last eight bytes are taken before the words that overlap them are written, and put in place after them, so
        // that no length leaves a rest.
        let Some(last) = data.last_chunk() else { return self.apply_to_few(data).to_le_bytes().is_ascii() };
        let last = u64::from_le_bytes(*last) ^ self.turned(data.len()).twice();
        let mut seen = last;
        for chunk in data.chunks_exact_mut(8) {
            if let Ok(bytes) = chunk.try_into() {
                seen |= xor(bytes, word);
            }
        }
        if let Some(place) = data.last_chunk_mut() {
            *place = last.to_le_bytes();
        }
        seen.to_le_bytes().is_ascii()
    }

    /// For a payload that is short and whole: masks or unmasks `from` into `to`, which is as long.
    #[inline(always)]
    pub(crate) fn copy_short(self, from: &[u8], to: &mut [u8]) {
        let word = self.twice();
        let (Some(last), Some(_)) = (from.last_chunk(), to.last_chunk::<8>()) else { return self.copy_few(from, to) };
        let last = u64::from_le_bytes(*last) ^ self.turned(from.len()).twice();
        for (from, to) in from.as_chunks().0.iter().zip(to.as_chunks_mut().0) {
            *to = (u64::from_le_bytes(*from) ^ word).to_le_bytes();
        }
        // It may write some bytes twice, so that no length leaves a rest.
        if let Some(place) = to.last_chunk_mut() {
            *place = last.to_le_bytes();
        }
    }

    /// Fewer than eight bytes.
    #[inline(always)]
    fn copy_few(self, from: &[u8], to: &mut [u8]) {
        if let (Some(first), Some(last), Some(place)) = (from.first_chunk(), from.last_chunk(), to.first_chunk_mut()) {
            *place = self.masked(*first);
            if let Some(place) = to.last_chunk_mut() {
                *place = self.turned(from.len()).masked(*last);
            }
            return;
        }
        for ((from, to), key) in from.iter().zip(to).zip(self.0) {
            *to = from ^ key;
        }
    }

    #[inline(always)]
    const fn masked(self, bytes: [u8; 4]) -> [u8; 4] {
        (u32::from_le_bytes(bytes) ^ u32::from_le_bytes(self.0)).to_le_bytes()
    }

    /// For a payload that is short and whole: masks or unmasks the `count` bytes behind the first `by` ones while it moves
    /// them to the front; whether all that comes out is ASCII.
    #[inline(always)]
    pub(crate) fn apply_short_moving(self, bytes: &mut [u8], by: usize, count: usize) -> bool {
        const SIZE: usize = 16;
        let word = u128::from(self.twice()) << 64 | u128::from(self.twice());
        // As in `apply_short`, and each block is read before it, or one before it, is written.
        let Some(last) = bytes.get(..by + count).and_then(<[u8]>::last_chunk::<SIZE>).filter(|_| count >= SIZE) else {
            bytes.copy_within(by..by + count, 0);
            return self.apply_short(bytes.get_mut(..count).unwrap_or_default());
        };
        let turned = u128::from(self.turned(count).twice());
        let last = u128::from_le_bytes(*last) ^ (turned << 64 | turned);
        let mut seen = last;
        for at in (0..count - SIZE).step_by(SIZE) {
            let Some(block) = bytes.get(by + at..).and_then(<[u8]>::first_chunk) else { return false };
            let block = u128::from_le_bytes(*block) ^ word;
            seen |= block;
            if let Some(place) = bytes.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
                *place = block.to_le_bytes();
            }
        }
        if let Some(place) = bytes.get_mut(count - SIZE..).and_then(<[u8]>::first_chunk_mut) {
            *place = last.to_le_bytes();
        }
        seen.to_le_bytes().is_ascii()
    }

    /// Fewer than eight bytes; all that comes out, one byte over the other.
    #[inline(always)]
    fn apply_to_few(self, mut data: &mut [u8]) -> u64 {
        let mut seen = 0;
        if data.len() >= 4 {
            let Some((four, rest)) = core::mem::take(&mut data).split_first_chunk_mut() else { return 0 };
            let masked = u32::from_le_bytes(*four) ^ u32::from_le_bytes(self.0);
            *four = masked.to_le_bytes();
            seen = u64::from(masked);
            data = rest;
        }
        for (byte, key) in data.iter_mut().zip(self.0) {
            *byte ^= key;
            seen |= u64::from(*byte);
        }
        seen
    }

    /// The key as it lies over eight bytes, the first of them lowest.
    #[inline(always)]
    const fn twice(self) -> u64 {
        let key = u32::from_le_bytes(self.0) as u64;
        key << 32 | key
    }

    /// The key for the byte that comes `by` bytes later.
    #[inline]
    pub(crate) const fn turned(self, by: usize) -> Self {
        let [bytes, ..] = by.to_le_bytes();
        Self(u32::from_le_bytes(self.0).rotate_right(bytes as u32 % 4 * 8).to_le_bytes())
    }
}

/// Masks or unmasks eight bytes; what comes out.
#[inline(always)]
fn xor(bytes: &mut [u8; 8], word: u64) -> u64 {
    let masked = u64::from_le_bytes(*bytes) ^ word;
    *bytes = masked.to_le_bytes();
    masked
}

/// Hides the key: RFC 6455 §10.3 wants that nobody who supplies data can know it.
impl fmt::Debug for MaskingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MaskingKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::MaskingKey;
    use alloc::vec::Vec;

    const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

    /// Masks byte by byte.
    fn naive(data: &[u8]) -> Vec<u8> {
        data.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key).collect()
    }

    /// ASCII of this length, all of it or but for one byte.
    fn texts(length: usize) -> impl Iterator<Item = (Vec<u8>, bool)> {
        let ascii: Vec<u8> = (0..length).map(|i| b"The quick brown fox"[i % 19]).collect();
        let positions = [0, 1, 7, 8, length / 2, length.saturating_sub(8), length.saturating_sub(1)];
        let broken = positions.into_iter().filter(move |&at| at < length).map({
            let ascii = ascii.clone();
            move |at| {
                let mut text = ascii.clone();
                text[at] |= 0x80;
                (text, false)
            }
        });
        // Two bytes that cancel each other where they are put together in another way than by an or: at the same place of
        // two words or blocks, and of the last word and what is left behind it.
        let last = length.saturating_sub(1);
        let pairs =
            [(0, 8), (1, 17), (0, 128), (last % 8, last), (last % 16, last), (last % 4, last), (last.max(8) - 8, last)];
        let cancelled = pairs.into_iter().filter(move |&(one, other)| one < other && other < length).map({
            let ascii = ascii.clone();
            move |(one, other)| {
                let mut text = ascii.clone();
                (text[one], text[other]) = (0xC3, 0xC3);
                (text, false)
            }
        });
        [(ascii, true)].into_iter().chain(broken).chain(cancelled)
    }

    fn lengths() -> impl Iterator<Item = usize> {
        (0..70).chain([125, 126, 127, 128, 129, 255, 256, 257, 1000, 2047, 2048, 2049, 4099, 20_000])
    }

    #[test]
    fn every_way_of_masking_agrees_and_sees_what_is_not_ascii() {
        let key = MaskingKey::new(KEY);
        type InPlace = fn(MaskingKey, &mut [u8]) -> bool;
        let ways: [InPlace; 4] = [
            |key, data| key.apply_noticing_ascii(data),
            // As it is compiled for any processor.
            |key, data| key.apply_aligned(data),
            |key, data| key.apply_short(data),
            |key, data| {
                let mut key = key;
                data.iter_mut().fold(true, |is_ascii, byte| {
                    *byte = key.apply_to_byte(*byte);
                    is_ascii & byte.is_ascii()
                })
            },
        ];
        for length in lengths() {
            for (text, is_ascii) in texts(length) {
                for ahead in [0, 1, 6, 14] {
                    for way in &ways {
                        let mut bytes = [&[0; 14][..ahead], &naive(&text)].concat();
                        assert_eq!(way(key, &mut bytes[ahead..]), is_ascii, "{length} {ahead}");
                        assert_eq!(bytes[ahead..], text, "{length} {ahead}");
                    }
                    let mut copy = std::vec![0; length];
                    assert_eq!(key.apply_to_copy(&naive(&text), &mut copy), is_ascii, "{length}");
                    assert_eq!(copy, text, "{length}");
                    let mut copy = std::vec![0; length];
                    key.copy_short(&naive(&text), &mut copy);
                    assert_eq!(copy, text, "{length}");
                    let mut copy = std::vec![0; ahead + length];
                    assert_eq!(key.copy_aligned(&naive(&text), &mut copy[ahead..]), is_ascii, "{length} {ahead}");
                    assert_eq!(copy[ahead..], text, "{length} {ahead}");
                }
            }
        }
    }

    #[test]
    fn what_is_unmasked_while_it_moves_is_right_however_far_it_moves() {
        let key = MaskingKey::new(KEY);
        for length in lengths() {
            for (text, is_ascii) in texts(length) {
                for by in [0, 1, 6, 8, 14, 15, 16, 17, 63, 64, 65, 126, 300, 5000] {
                    let wire = [&std::vec![0xAA; 3 + by][..], &naive(&text), b"behind"].concat();
                    if by > 0 {
                        let mut bytes = wire.clone();
                        assert_eq!(key.apply_moving(&mut bytes, 3 + by, 3, length), is_ascii, "{length} {by}");
                        assert_eq!(bytes[3..3 + length], text, "{length} {by}");
                        assert!(bytes.starts_with(&[0xAA; 3]) && bytes.ends_with(b"behind"));
                    }
                    let mut bytes = wire;
                    assert_eq!(key.apply_short_moving(&mut bytes[3..], by, length), is_ascii, "{length} {by}");
                    assert_eq!(bytes[3..3 + length], text, "{length} {by}");
                    assert!(bytes.starts_with(&[0xAA; 3]) && bytes.ends_with(b"behind"));
                }
            }
        }
    }
}
