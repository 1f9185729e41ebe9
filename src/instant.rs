//! Points in time, as the caller's clock gives them.

use core::fmt;
use core::time::Duration;

/// A point in time: how long after an origin that the caller chooses, to the nanosecond.
///
/// The crate reads no clock. Whoever drives a connection reads one, of any kind that does not go back (a counter of ticks
/// on a microcontroller, `performance.now()` in a browser, a variable in a test), and passes the time since one fixed
/// origin. With feature `std` a [`Clock`] does that. All instants that one connection is given have one origin; what it was
/// does not matter.
///
/// It reaches 584 years behind its origin, and arithmetic saturates there: [`Instant::MAX`] never comes.
///
/// ```
/// use core::time::Duration;
/// use ws_proto::Instant;
///
/// let start = Instant::new(Duration::from_secs(5));
/// let later = start.saturating_add(Duration::from_millis(1500));
/// assert!(later > start && later < Instant::MAX);
/// assert_eq!(later.saturating_duration_since(start), Duration::from_millis(1500));
/// assert_eq!(start.saturating_duration_since(later), Duration::ZERO);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    nanoseconds: u64,
}

impl Instant {
    /// The origin itself.
    pub const ORIGIN: Self = Self { nanoseconds: 0 };

    /// The last instant that there is.
    pub const MAX: Self = Self { nanoseconds: u64::MAX };

    /// So long after the origin; [`MAX`](Instant::MAX) if that is farther than an instant reaches.
    pub const fn new(since_origin: Duration) -> Self {
        Self { nanoseconds: Span::new(since_origin).nanoseconds }
    }

    /// How long after the origin it is.
    pub const fn since_origin(self) -> Duration {
        Duration::from_nanos(self.nanoseconds)
    }

    /// So much later, or `None` if that is farther than an instant reaches.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use ws_proto::Instant;
    /// assert_eq!(Instant::MAX.checked_add(Duration::from_nanos(1)), None);
    /// assert_eq!(Instant::ORIGIN.checked_add(Duration::MAX), None);
    /// ```
    pub const fn checked_add(self, duration: Duration) -> Option<Self> {
        let nanoseconds = duration.as_nanos();
        if nanoseconds > u64::MAX as u128 {
            return None;
        }
        match self.nanoseconds.checked_add(Span::new(duration).nanoseconds) {
            Some(nanoseconds) => Some(Self { nanoseconds }),
            None => None,
        }
    }

    /// So much later, at most [`MAX`](Instant::MAX).
    pub const fn saturating_add(self, duration: Duration) -> Self {
        self.after(Span::new(duration))
    }

    /// So much earlier, or `None` if that is before the origin.
    pub const fn checked_sub(self, duration: Duration) -> Option<Self> {
        if duration.as_nanos() > self.nanoseconds as u128 {
            return None;
        }
        Some(Self { nanoseconds: self.nanoseconds - Span::new(duration).nanoseconds })
    }

    /// So much earlier, at least [`ORIGIN`](Instant::ORIGIN).
    pub const fn saturating_sub(self, duration: Duration) -> Self {
        Self { nanoseconds: self.nanoseconds.saturating_sub(Span::new(duration).nanoseconds) }
    }

    /// How long after `earlier` it is, or `None` if it is before it.
    pub const fn checked_duration_since(self, earlier: Self) -> Option<Duration> {
        match self.nanoseconds.checked_sub(earlier.nanoseconds) {
            Some(nanoseconds) => Some(Duration::from_nanos(nanoseconds)),
            None => None,
        }
    }

    /// How long after `earlier` it is; zero if it is before it.
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.nanoseconds.saturating_sub(earlier.nanoseconds))
    }

    #[inline]
    pub(crate) const fn after(self, span: Span) -> Self {
        Self { nanoseconds: self.nanoseconds.saturating_add(span.nanoseconds) }
    }

    /// How long after `earlier` it is; nothing if it is before it.
    #[inline]
    pub(crate) const fn since(self, earlier: Self) -> Span {
        Span { nanoseconds: self.nanoseconds.saturating_sub(earlier.nanoseconds) }
    }
}

/// The time since the origin, in seconds.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.since_origin())
    }
}

/// How long something takes at most, in eight bytes; for ever, if there is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    nanoseconds: u64,
}

impl Span {
    /// Longer than an instant reaches.
    pub(crate) const FOR_EVER: Self = Self { nanoseconds: u64::MAX };

    #[allow(clippy::cast_possible_truncation, reason = "it is compared before")]
    pub(crate) const fn new(duration: Duration) -> Self {
        let nanoseconds = duration.as_nanos();
        Self { nanoseconds: if nanoseconds > u64::MAX as u128 { u64::MAX } else { nanoseconds as u64 } }
    }

    /// `None` is for ever.
    pub(crate) fn limit(duration: Option<Duration>) -> Self {
        duration.map_or(Self::FOR_EVER, Self::new)
    }

    pub(crate) const fn nanoseconds(self) -> u64 {
        self.nanoseconds
    }

    /// A quarter of it, at least one nanosecond.
    pub(crate) const fn quarter(self) -> Self {
        Self { nanoseconds: if self.nanoseconds < 4 { 1 } else { self.nanoseconds / 4 } }
    }

    #[inline]
    pub(crate) fn is_for_ever(self) -> bool {
        self == Self::FOR_EVER
    }
}

/// Makes [`Instant`]s of the operating system's clock, and deadlines into what runtimes sleep until. Copies have the same
/// origin.
///
/// Where there is no operating system to ask, in `wasm32-unknown-unknown`, the standard library's clock panics, and with it
/// [`new`](Clock::new). There an [`Instant`] is made of the host's time: `Instant::new(Duration)`, of `performance.now()` for
/// example.
///
/// ```
/// use ws_proto::Clock;
///
/// let clock = Clock::new();
/// let now = clock.now();
/// assert!(clock.now() >= now);
/// assert_eq!(clock.at(clock.to_std(now)), now);
/// ```
#[cfg(feature = "std")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    origin: std::time::Instant,
}

#[cfg(feature = "std")]
impl Clock {
    /// The farthest that a deadline is put off: some systems' clocks cannot hold what an [`Instant`] can.
    const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

    /// A clock whose origin is now.
    pub fn new() -> Self {
        Self { origin: std::time::Instant::now() }
    }

    /// A clock with this [`std::time::Instant`] as its origin, for runtimes that have a time of their own, such as
    /// tokio with its time paused:
    /// `Clock::with_origin(tokio::time::Instant::now().into_std())`, which is read by [`at`](Clock::at).
    pub const fn with_origin(origin: std::time::Instant) -> Self {
        Self { origin }
    }

    /// The time, by [`std::time::Instant::now`].
    pub fn now(&self) -> Instant {
        self.at(std::time::Instant::now())
    }

    /// The [`Instant`] of a [`std::time::Instant`]. What was before the origin counts as the origin.
    pub fn at(&self, instant: std::time::Instant) -> Instant {
        Instant::new(instant.saturating_duration_since(self.origin))
    }

    /// The [`std::time::Instant`] of an [`Instant`], to sleep until: `sleep_until(clock.to_std(at).into())` with tokio. Where
    /// the system's clock does not reach as far, it is 30 years on.
    pub fn to_std(&self, instant: Instant) -> std::time::Instant {
        let origin = self.origin;
        let at = origin.checked_add(instant.since_origin()).or_else(|| origin.checked_add(Self::FAR));
        at.unwrap_or(origin)
    }

    /// How long it is until an instant, for what waits with a timeout; zero when it has passed.
    ///
    /// `set_read_timeout` of the standard library refuses zero.
    pub fn until(&self, instant: Instant) -> Duration {
        instant.saturating_duration_since(self.now())
    }
}

#[cfg(feature = "std")]
impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::{Instant, Span};
    use core::time::Duration;

    const NANOSECOND: Duration = Duration::from_nanos(1);

    #[test]
    fn arithmetic_stops_at_both_ends() {
        let at = Instant::new(Duration::from_nanos(7));
        assert_eq!(at.checked_sub(Duration::from_nanos(7)), Some(Instant::ORIGIN));
        assert_eq!(at.checked_sub(Duration::from_nanos(8)), None);
        assert_eq!(at.checked_sub(Duration::MAX), None);
        assert_eq!(at.saturating_sub(Duration::MAX), Instant::ORIGIN);
        assert_eq!(Instant::new(Duration::MAX), Instant::MAX);
        assert_eq!(Instant::MAX.saturating_add(NANOSECOND), Instant::MAX);
        assert_eq!(Instant::MAX.saturating_sub(NANOSECOND).checked_add(NANOSECOND), Some(Instant::MAX));
        assert_eq!(Instant::MAX.checked_add(NANOSECOND), None);
        assert_eq!(Instant::ORIGIN.checked_add(Duration::MAX), None);
        assert_eq!(Instant::ORIGIN.checked_duration_since(at), None);
        assert_eq!(at.checked_duration_since(at), Some(Duration::ZERO));
        assert_eq!(Instant::ORIGIN.saturating_duration_since(at), Duration::ZERO);
    }

    #[test]
    fn what_has_no_limit_never_ends() {
        assert!(Span::limit(None).is_for_ever() && Span::new(Duration::MAX).is_for_ever());
        assert!(!Span::limit(Some(Duration::from_secs(u32::MAX.into()))).is_for_ever());
        assert_eq!(Instant::ORIGIN.after(Span::FOR_EVER), Instant::MAX);
        assert_eq!(Instant::MAX.after(Span::limit(Some(Duration::ZERO))), Instant::MAX);
        assert_eq!(Instant::ORIGIN.since(Instant::MAX), Span::new(Duration::ZERO));
    }

    #[cfg(feature = "std")]
    #[test]
    fn a_clock_keeps_its_origin_and_what_it_cannot_reach_is_far() {
        let clock = super::Clock::new();
        let later = Instant::new(Duration::from_secs(3));
        assert_eq!(clock.at(clock.to_std(later)), later);
        assert_eq!(clock.at(clock.to_std(Instant::ORIGIN)), Instant::ORIGIN);
        let long_ago = clock.to_std(Instant::ORIGIN).checked_sub(Duration::from_secs(1));
        assert_eq!(long_ago.map(|at| clock.at(at)), Some(Instant::ORIGIN));
        assert!(clock.at(clock.to_std(Instant::MAX)) >= Instant::new(Duration::from_secs(1 << 29)));
        assert!(clock.until(later) <= Duration::from_secs(3));
        assert_eq!(clock.until(Instant::ORIGIN), Duration::ZERO);
    }
}
