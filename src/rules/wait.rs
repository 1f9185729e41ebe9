//! What several waits have in common, and those that are only a count of bytes or messages and a time.

use crate::deadline::{Deadline, Timeout};
use crate::instant::{Instant, Span};

/// Whether the time of a wait has passed; never, if it has no limit.
#[inline]
pub(super) fn is_over(since: Instant, span: Span, now: Instant) -> bool {
    now >= since.after(span) && !span.is_for_ever()
}

/// Whether a look is late by a quarter of the wait or more: then the driver was away, and what is waited for may be there
/// unread.
#[inline]
pub(super) fn was_away(since: Instant, span: Span, now: Instant) -> bool {
    now != Instant::MAX && is_over(since.after(span), span.quarter(), now)
}

/// A wait for a number of bytes in each span of time, while there is something that has to go on.
#[derive(Debug)]
pub(crate) struct Window {
    since: Instant,
    /// The count with which it is filled.
    goal: u64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing has to go on.
    Off,
    On,
    /// For the second time, because the driver was away.
    Again,
}

/// What a [`Window`] looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    /// How many bytes have to go on; 0 if nothing has to.
    pub(crate) rest: u64,
    /// How many bytes there have been in all.
    pub(crate) count: u64,
}

impl Window {
    pub(crate) const OFF: Self = Self { since: Instant::ORIGIN, goal: 0, state: State::Off };

    /// Looks at the time and the count; true if there were fewer than `least` in the span, and fewer than there was to go on
    /// with when it began.
    pub(crate) fn look(&mut self, now: Instant, seen: Seen, least: u64, span: Span) -> bool {
        if seen.rest == 0 {
            self.state = State::Off;
            return false;
        }
        let begin = |state| Self { since: now, goal: seen.count.saturating_add(least.max(1).min(seen.rest)), state };
        // Each window begins where the last one has been filled.
        if self.state == State::Off || seen.count >= self.goal {
            *self = begin(State::On);
            return false;
        }
        if self.state == State::On && was_away(self.since, span, now) {
            *self = begin(State::Again);
            return false;
        }
        is_over(self.since, span, now)
    }

    /// When the next look is due.
    pub(crate) fn deadline(&self, is_under_way: bool, span: Span, reason: Timeout) -> Option<Deadline> {
        if !is_under_way || span.is_for_ever() {
            return None;
        }
        match self.state {
            State::Off => Deadline::at_once(reason),
            State::On | State::Again => Deadline::new(self.since.after(span), reason),
        }
    }
}

/// A time without change of a number.
#[derive(Debug)]
pub(crate) struct Rest {
    /// Since when, once the driver has passed the time.
    since: Option<Instant>,
    count: u64,
}

impl Rest {
    pub(crate) const NEW: Self = Self { since: None, count: 0 };

    /// Looks at the time and the number; true if the number has been the same, and `is_at_rest` true, for the whole span.
    pub(crate) fn look(&mut self, now: Instant, is_at_rest: bool, count: u64, span: Span) -> bool {
        match self.since {
            Some(since) if is_at_rest && count == self.count => is_over(since, span, now),
            Some(_) | None => {
                *self = Self { since: Some(now), count };
                false
            }
        }
    }

    /// When the next look is due.
    pub(crate) fn deadline(&self, span: Span, reason: Timeout) -> Option<Deadline> {
        if span.is_for_ever() {
            return None;
        }
        match self.since {
            Some(since) => Deadline::new(since.after(span), reason),
            None => Deadline::at_once(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Rest, Seen, Window};
    use crate::deadline::Timeout;
    use crate::instant::{Instant, Span};
    use core::time::Duration;

    const SPAN: Span = Span::new(Duration::from_millis(10));

    fn at(milliseconds: u64) -> Instant {
        Instant::new(Duration::from_millis(milliseconds))
    }

    fn look(window: &mut Window, now: u64, is_under_way: bool, count: u64) -> bool {
        window.look(at(now), Seen { rest: if is_under_way { u64::MAX } else { 0 }, count }, 100, SPAN)
    }

    #[test]
    fn so_much_has_to_come_in_each_span_while_something_is_under_way() {
        let mut window = Window::OFF;
        let due = |window: &Window| window.deadline(true, SPAN, Timeout::Progress).map(|deadline| deadline.at);
        assert!(!look(&mut window, 5, false, 0));
        assert_eq!(window.deadline(false, SPAN, Timeout::Progress), None);
        assert_eq!(due(&window), Some(Instant::ORIGIN));
        assert!(!look(&mut window, 6, true, 1));
        assert_eq!(due(&window), Some(at(16)));
        assert!(!look(&mut window, 15, true, 100));
        assert_eq!(due(&window), Some(at(16)), "a byte is missing");
        assert!(!look(&mut window, 15, true, 101));
        assert_eq!(due(&window), Some(at(25)));
        assert!(!look(&mut window, 24, true, 200));
        assert!(look(&mut window, 25, true, 200));
        // It has ended, and another one has begun.
        assert!(!look(&mut window, 25, false, 201));
        assert!(!look(&mut window, 26, true, 202));
        assert_eq!(due(&window), Some(at(36)));
        // The driver was away, and then again.
        assert!(!look(&mut window, 46, true, 202));
        assert_eq!(due(&window), Some(at(56)));
        assert!(look(&mut window, 99, true, 202));
    }

    #[test]
    fn a_look_that_is_late_by_a_quarter_is_not_the_last() {
        for (now, is_over) in [(9, false), (10, true), (12, true), (13, false)] {
            let mut window = Window::OFF;
            look(&mut window, 0, true, 0);
            assert_eq!(look(&mut window, now, true, 0), is_over, "{now}");
        }
        assert_eq!(
            [0, 3, 4, 11].map(|span| Span::new(Duration::from_nanos(span)).quarter().nanoseconds()),
            [1, 1, 1, 2]
        );
    }

    #[test]
    fn no_more_has_to_go_than_there_was() {
        let mut window = Window::OFF;
        let mut look = |now, rest, count| window.look(at(now), Seen { rest, count }, 100, SPAN);
        assert!(!look(0, 10, 0));
        // The ten are gone, and others have come.
        assert!(!look(10, 10, 10));
        assert!(!look(19, 10, 19));
        assert!(look(20, 10, 19));
    }

    #[test]
    fn what_never_changes_has_rested_since_the_first_look() {
        let mut rest = Rest::NEW;
        let due = |rest: &Rest| rest.deadline(SPAN, Timeout::Idle).map(|deadline| deadline.at);
        assert_eq!((due(&rest), rest.deadline(Span::FOR_EVER, Timeout::Idle)), (Some(Instant::ORIGIN), None));
        assert!(!rest.look(at(100), true, 0, SPAN));
        assert_eq!(due(&rest), Some(at(110)));
        assert!(!rest.look(at(109), true, 0, SPAN));
        assert!(rest.look(at(110), true, 0, SPAN));
        assert!(!rest.look(at(110), true, 1, SPAN));
        assert_eq!(due(&rest), Some(at(120)));
        assert!(!rest.look(at(120), false, 1, SPAN));
        assert!(rest.look(at(130), true, 1, SPAN));
    }
}
