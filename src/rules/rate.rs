//! How much may come in a second.

use crate::instant::{Instant, Span};
use core::time::Duration;

/// A bucket that drains at a fixed rate: it is empty at `empty_at`, if nothing more comes.
#[derive(Debug)]
pub(crate) struct Bucket {
    empty_at: Instant,
}

impl Bucket {
    pub(crate) const EMPTY: Self = Self { empty_at: Instant::ORIGIN };

    /// Pours in what has come; `per_second` of it drains, which is not 0.
    pub(crate) fn pour(&mut self, now: Instant, amount: u64, per_second: u64) {
        // 2^64 of anything in a second is no limit.
        if amount == 0 || per_second == u64::MAX {
            return;
        }
        let nanoseconds = u128::from(amount) * 1_000_000_000 / u128::from(per_second.max(1));
        let takes = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        self.empty_at = self.empty_at.max(now).saturating_add(takes);
    }

    /// When no more is in it than drains in a burst, if it is more now.
    pub(crate) fn over_until(&self, now: Instant, burst: Span) -> Option<Instant> {
        if self.empty_at > now.after(burst) {
            Some(self.empty_at.saturating_sub(Duration::from_nanos(burst.nanoseconds())))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Bucket;
    use crate::instant::{Instant, Span};
    use core::time::Duration;

    fn at(milliseconds: u64) -> Instant {
        Instant::new(Duration::from_millis(milliseconds))
    }

    #[test]
    fn a_burst_may_come_and_what_is_above_it_drains() {
        let second = Span::new(Duration::from_secs(1));
        let mut bucket = Bucket::EMPTY;
        bucket.pour(at(5000), 10, 10);
        assert_eq!(bucket.over_until(at(5000), second), None);
        bucket.pour(at(5000), 5, 10);
        assert_eq!(bucket.over_until(at(5000), second), Some(at(5500)));
        assert_eq!(bucket.over_until(at(5499), second), Some(at(5500)));
        assert_eq!(bucket.over_until(at(5500), second), None);
        bucket.pour(at(5500), 1, 10);
        assert_eq!(bucket.over_until(at(5500), second), Some(at(5600)));
        // After a long pause it is empty, and no emptier.
        bucket.pour(at(90_000), 11, 10);
        assert_eq!(bucket.over_until(at(90_000), second), Some(at(90_100)));
    }

    #[test]
    fn nothing_overflows() {
        let mut bucket = Bucket::EMPTY;
        bucket.pour(at(1), u64::MAX, 1);
        assert!(bucket.over_until(at(1), Span::new(Duration::ZERO)).is_some());
        let mut unlimited = Bucket::EMPTY;
        unlimited.pour(at(1), u64::MAX, u64::MAX);
        assert_eq!(unlimited.over_until(at(1), Span::new(Duration::ZERO)), None);
    }
}
