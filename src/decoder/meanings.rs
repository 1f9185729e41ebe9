//! Which reserved bits have a meaning (RFC 6455 §5.2).

use crate::reserved_bits::ReservedBits;

/// The reserved bits that extensions have given a meaning, for the first frame of a message. The application's do not
/// include RSV1 where that is compression's.
#[derive(Debug)]
pub(super) struct Meanings {
    /// Those of the application's extensions.
    reserved: Option<ReservedBits>,
    /// Whether RSV1 says that a message is compressed (RFC 7692 §6).
    deflate: bool,
}

impl Meanings {
    /// No bit has one.
    pub(super) const NONE: Self = Self { reserved: None, deflate: false };

    #[cfg(feature = "deflate")]
    pub(super) const fn add_deflate(&mut self) {
        self.deflate = true;
        if let Some(reserved) = self.reserved {
            self.reserved = reserved.without(ReservedBits::RSV1);
        }
    }

    pub(super) const fn set_reserved(&mut self, bits: ReservedBits) {
        self.reserved = Some(bits);
    }

    /// Whether each of these bits has one.
    #[inline]
    pub(super) const fn has_all(&self, rsv: u8) -> bool {
        let deflate = if self.deflate { ReservedBits::RSV1.bits() } else { 0 };
        rsv & !(deflate | ReservedBits::bits_of(self.reserved)) == 0
    }

    /// Whether a message with these bits is compressed, and those of them that are the application's.
    #[inline]
    pub(super) const fn read(&self, rsv: u8) -> (bool, Option<ReservedBits>) {
        const RSV1: u8 = ReservedBits::RSV1.bits();
        if self.deflate {
            (rsv & RSV1 != 0, ReservedBits::from_bits(rsv & !RSV1))
        } else {
            (false, ReservedBits::from_bits(rsv))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Meanings, ReservedBits};

    #[test]
    fn a_bit_without_a_meaning_is_noticed() {
        let mut meanings = Meanings::NONE;
        assert!(meanings.has_all(0));
        assert!((1..8).all(|rsv| !meanings.has_all(rsv)));
        meanings.set_reserved(ReservedBits::RSV1 | ReservedBits::RSV3);
        for rsv in 0..8 {
            assert_eq!(meanings.has_all(rsv), rsv & 2 == 0);
            assert_eq!(meanings.read(rsv), (false, ReservedBits::from_bits(rsv)));
        }
    }

    #[cfg(feature = "deflate")]
    #[test]
    fn compression_has_the_first_bit() {
        let mut meanings = Meanings::NONE;
        meanings.set_reserved(ReservedBits::RSV1 | ReservedBits::RSV2);
        meanings.add_deflate();
        for rsv in 0..8 {
            assert_eq!(meanings.has_all(rsv), rsv & 1 == 0);
        }
        assert_eq!(meanings.read(0), (false, None));
        assert_eq!(meanings.read(4), (true, None));
        assert_eq!(meanings.read(2), (false, Some(ReservedBits::RSV2)));
        assert_eq!(meanings.read(6), (true, Some(ReservedBits::RSV2)));
    }
}
