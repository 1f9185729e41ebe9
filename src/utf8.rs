//! Validation of text that arrives in pieces (RFC 6455 §5.6, §8.1).

use crate::wide::widest;

/// ASCII is passed over in blocks of this size.
const BLOCK: usize = 1 << 10;

/// From this many bytes on the vectorised check is the faster one; below it the standard library's.
/// `benches/protocol.rs` (group `utf8`) shows the border for ASCII and for CJK text.
#[cfg(feature = "simd")]
const LONG: usize = 64;

/// How far `bytes` is UTF-8, as an offset at the border of a code point.
///
/// `Ok` means that what follows the offset, three bytes at most, is the beginning of a code point that later bytes can
/// still complete. `Err` means that no later byte can mend what follows it. The next check starts at the offset, so no
/// byte is looked at more than a few times however the text is cut, and no state has to be kept between pieces.
#[inline]
pub(crate) fn check(bytes: &[u8]) -> Result<usize, usize> {
    #[cfg(test)]
    VALIDATED.with(|count| count.set(count.get() + bytes.len()));
    let ascii = if bytes.len() < BLOCK { 0 } else { ascii_blocks(bytes) };
    let rest = bytes.get(ascii..).unwrap_or_default();
    let shift = |offset| ascii + offset;
    #[cfg(feature = "simd")]
    if rest.len() >= LONG {
        return check_long(rest).map(shift).map_err(shift);
    }
    check_short(rest).map(shift).map_err(shift)
}

#[cfg(test)]
std::thread_local! {
    static VALIDATED: core::cell::Cell<usize> = const { core::cell::Cell::new(0) };
}

/// How many bytes this thread has validated.
#[cfg(test)]
pub(crate) fn validated() -> usize {
    VALIDATED.with(core::cell::Cell::get)
}

/// The length of the blocks at the front of `bytes` that are ASCII. It stops at the first one that is not, so that other text
/// loses no more than the time for that.
fn ascii_blocks(bytes: &[u8]) -> usize {
    widest(
        bytes.len(),
        #[inline(always)]
        || bytes.chunks_exact(BLOCK).take_while(|block| is_short_ascii(block)).count() * BLOCK,
    )
}

/// Whether `bytes`, which are few, are ASCII.
#[inline(always)]
pub(crate) fn is_short_ascii(bytes: &[u8]) -> bool {
    // The last eight bytes overlap the words before them, so that no length leaves a rest.
    let Some(last) = bytes.last_chunk() else { return bytes.is_ascii() };
    let words = bytes.chunks_exact(8).filter_map(|chunk| chunk.try_into().ok());
    let seen = words.fold(u64::from_ne_bytes(*last), |seen, word| seen | u64::from_ne_bytes(word));
    seen.to_ne_bytes().is_ascii()
}

/// Whether `bytes` is UTF-8 with no code point left open.
pub(crate) fn is_valid(bytes: &[u8]) -> bool {
    check(bytes) == Ok(bytes.len())
}

fn check_short(bytes: &[u8]) -> Result<usize, usize> {
    match core::str::from_utf8(bytes) {
        Ok(_) => Ok(bytes.len()),
        Err(error) if error.error_len().is_none() => Ok(error.valid_up_to()),
        Err(error) => Err(error.valid_up_to()),
    }
}

#[cfg(feature = "simd")]
fn check_long(bytes: &[u8]) -> Result<usize, usize> {
    let (body, tail) = bytes.split_at(open_code_point(bytes));
    if simdutf8::basic::from_utf8(body).is_err() {
        return check_short(bytes);
    }
    let shift = |offset| body.len() + offset;
    check_short(tail).map(shift).map_err(shift)
}

/// Where the code point begins that the end of `bytes` may have cut: at the last byte that is not a continuation byte,
/// if it is the first of a sequence longer than what is left; otherwise at the end.
#[cfg(feature = "simd")]
fn open_code_point(bytes: &[u8]) -> usize {
    for (back, byte) in bytes.iter().rev().take(3).enumerate() {
        let needed = match byte {
            0x80..=0xBF => continue,
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xFF => 4,
            0x00..=0x7F => 1,
        };
        return if needed > back + 1 { bytes.len() - back - 1 } else { bytes.len() };
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::{check, check_short};
    use alloc::vec::Vec;

    /// Every prefix of every cut agrees with the standard library, on both sides of the border between the two checks.
    fn agrees(bytes: &[u8]) {
        for end in 0..=bytes.len() {
            let bytes = &bytes[..end];
            assert_eq!(check(bytes), check_short(bytes), "{bytes:x?}");
        }
    }

    #[test]
    fn long_and_short_check_agree() {
        let samples: [&[u8]; 8] = [
            "κόσμε".as_bytes(),
            "日本語テキスト".as_bytes(),
            "🦀🎉".as_bytes(),
            b"\xF4\x90\x80\x80",
            b"\xED\xA0\x80",
            b"\xC0\x80",
            b"\xE2\x28\xA1",
            b"\xF0\x80\x80\x80",
        ];
        for sample in samples {
            for ahead in 0..70 {
                let mut bytes: Vec<u8> = core::iter::repeat_n(b'a', ahead).collect();
                bytes.extend_from_slice(sample);
                bytes.extend_from_slice(sample);
                agrees(&bytes);
            }
        }
    }

    #[test]
    fn every_two_byte_ending_agrees() {
        for ahead in [0, 62, 63, 64] {
            for pair in 0..=u16::MAX {
                let mut bytes: Vec<u8> = core::iter::repeat_n(b'a', ahead).collect();
                bytes.extend_from_slice(&pair.to_be_bytes());
                assert_eq!(check(&bytes), check_short(&bytes), "{bytes:x?}");
            }
        }
    }
}
