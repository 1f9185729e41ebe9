//! The reserved bits of a frame's header (RFC 6455 §5.2).

use core::fmt;
use core::num::NonZeroU8;
use core::ops::BitOr;

/// One or several of the three reserved bits of a frame's header, to which an extension may give a meaning
/// (RFC 6455 §5.2). Where none is set, there is no such value.
///
/// ```
/// use ws_proto::ReservedBits;
///
/// let bits = ReservedBits::RSV2 | ReservedBits::RSV3;
/// assert!(bits.contains(ReservedBits::RSV3));
/// assert_eq!(bits.bits(), 0b011);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReservedBits(NonZeroU8);

impl ReservedBits {
    /// The first bit, `0x40` of the first byte. Where permessage-deflate is in use it says that a message is compressed
    /// (RFC 7692 §6).
    pub const RSV1: Self = Self(NonZeroU8::MIN.saturating_add(3));

    /// The second bit, `0x20` of the first byte.
    pub const RSV2: Self = Self(NonZeroU8::MIN.saturating_add(1));

    /// The third bit, `0x10` of the first byte.
    pub const RSV3: Self = Self(NonZeroU8::MIN);

    /// The bits that a number stands for, as [`bits`](Self::bits) returns it. `None` for 0 and above 7.
    pub const fn from_bits(bits: u8) -> Option<Self> {
        match NonZeroU8::new(bits) {
            Some(bits) if bits.get() <= 7 => Some(Self(bits)),
            _ => None,
        }
    }

    /// RSV1, RSV2 and RSV3 as the bits 4, 2 and 1, as [`FrameHeader::rsv`](crate::frame::FrameHeader::rsv) has them.
    pub const fn bits(self) -> u8 {
        self.0.get()
    }

    /// The number for what may be no bit.
    pub(crate) const fn bits_of(reserved: Option<Self>) -> u8 {
        match reserved {
            Some(reserved) => reserved.bits(),
            None => 0,
        }
    }

    /// Whether all of these bits are among them.
    pub const fn contains(self, bits: Self) -> bool {
        self.bits() & bits.bits() == bits.bits()
    }

    /// What is left without these bits.
    #[cfg(feature = "deflate")]
    pub(crate) const fn without(self, bits: Self) -> Option<Self> {
        Self::from_bits(self.bits() & !bits.bits())
    }
}

impl BitOr for ReservedBits {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The names of the bits.
impl fmt::Debug for ReservedBits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (bit, name) in [(Self::RSV1, "RSV1"), (Self::RSV2, "RSV2"), (Self::RSV3, "RSV3")] {
            if self.contains(bit) {
                write!(f, "{separator}{name}")?;
                separator = " | ";
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::ReservedBits;
    use std::format;

    #[test]
    fn bits_are_those_of_the_header() {
        assert_eq!([4, 2, 1], [ReservedBits::RSV1, ReservedBits::RSV2, ReservedBits::RSV3].map(ReservedBits::bits));
        for bits in 0..=u8::MAX {
            let read = ReservedBits::from_bits(bits);
            assert_eq!(read.map(ReservedBits::bits), (1..8).contains(&bits).then_some(bits));
        }
        let (one, two) = (ReservedBits::RSV1, ReservedBits::RSV1 | ReservedBits::RSV3);
        assert!(two.contains(one) && !one.contains(two) && two.contains(two));
        assert_eq!(format!("{one:?}, {two:?}"), "RSV1, RSV1 | RSV3");
    }

    #[cfg(feature = "deflate")]
    #[test]
    fn what_is_left_may_be_nothing() {
        let (one, two) = (ReservedBits::RSV1, ReservedBits::RSV2);
        assert_eq!((one.without(one), one.without(two), (one | two).without(one)), (None, Some(one), Some(two)));
    }
}
