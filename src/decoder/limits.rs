//! What a message may measure.

use crate::config::Config;
use crate::violation::Violation;

/// The limits on a message by what its headers claim; they hold before a byte of payload is kept (RFC 6455 §10.4).
#[derive(Debug)]
pub(super) struct Limits {
    max_frame: u64,
    max_message: u64,
    max_fragments: u32,
}

impl Limits {
    pub(super) const fn new(config: &Config) -> Self {
        Self { max_frame: config.max_frame, max_message: config.max_message, max_fragments: config.max_fragments }
    }

    #[cfg(feature = "deflate")]
    pub(super) const fn max_message(&self) -> u64 {
        self.max_message
    }

    /// The largest message that a frame may hold all of.
    #[inline]
    pub(super) fn max_in_one_frame(&self) -> u64 {
        if self.max_fragments == 0 { 0 } else { self.max_frame.min(self.max_message) }
    }

    /// Whether a message may have one more fragment, of this length. What is compressed is not asked for here.
    #[inline]
    pub(super) fn allow_fragment(&self, fragments: u32, length: u64, frame: u64) -> bool {
        fragments < self.max_fragments && frame <= self.max_frame && length.saturating_add(frame) <= self.max_message
    }

    /// The number of fragments with one more.
    #[inline]
    pub(super) const fn fragment(&self, so_far: u32) -> Result<u32, Violation> {
        if so_far < self.max_fragments { Ok(so_far + 1) } else { Err(Violation::TooManyFragments) }
    }

    /// The length of a message with one more frame. What counts of a compressed message is what it inflates to, which shows
    /// in time; a compressor may add bytes to what does not shrink, so its frames are only held to the limit on frames.
    #[inline]
    pub(super) const fn length(&self, so_far: u64, frame: u64, compressed: bool) -> Result<u64, Violation> {
        if frame > self.max_frame {
            return Err(Violation::FrameTooBig(frame));
        }
        let length = so_far.saturating_add(frame);
        if length > self.max_message && !compressed {
            return Err(Violation::MessageTooBig(length));
        }
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::Limits;
    use crate::config::Config;
    use crate::violation::Violation;

    #[test]
    fn a_message_reaches_its_limits_and_does_not_pass_them() {
        let limits = Limits::new(&Config::new().max_frame(10).max_message(15).max_fragments(2));
        assert_eq!(limits.length(5, 10, false), Ok(15));
        assert_eq!(limits.length(6, 10, false), Err(Violation::MessageTooBig(16)));
        assert_eq!(limits.length(0, 11, false), Err(Violation::FrameTooBig(11)));
        assert_eq!(limits.length(0, 11, true), Err(Violation::FrameTooBig(11)));
        assert_eq!(limits.length(15, 10, true), Ok(25));
        assert_eq!(limits.fragment(0).and_then(|one| limits.fragment(one)), Ok(2));
        assert_eq!(limits.fragment(2), Err(Violation::TooManyFragments));
        assert_eq!(limits.max_in_one_frame(), 10);
        for (fragments, length, frame) in [(0, 5, 10), (1, 15, 0), (2, 5, 5), (1, 0, 11), (1, 10, 6), (1, 16, 0)] {
            let general = limits.fragment(fragments).and(limits.length(length, frame, false));
            assert_eq!(
                limits.allow_fragment(fragments, length, frame),
                general.is_ok(),
                "{fragments} {length} {frame}"
            );
        }
        assert_eq!(Limits::new(&Config::new().max_fragments(0)).max_in_one_frame(), 0);
    }

    #[test]
    fn no_sum_of_lengths_overflows() {
        let limits = Limits::new(&Config::new().max_message(u64::MAX - 1));
        assert_eq!(limits.length(u64::MAX - 1, 2, false), Err(Violation::MessageTooBig(u64::MAX)));
        assert_eq!(limits.length(u64::MAX, u64::MAX >> 1, true), Ok(u64::MAX));
    }

    #[test]
    fn a_frame_has_no_limit_of_its_own_by_default() {
        let limits = Limits::new(&Config::new().max_message(100));
        assert_eq!(limits.length(0, 100, false), Ok(100));
        assert_eq!(limits.length(0, 101, false), Err(Violation::MessageTooBig(101)));
        assert_eq!(limits.length(0, u64::MAX >> 1, true), Ok(u64::MAX >> 1));
    }
}
