//! How long the end takes: the answer to a Close, and the closing of the transport (RFC 6455 §7.1.1).

use super::wait;
use crate::deadline::{Deadline, Timeout};
use crate::instant::{Instant, Span};

/// The wait for a stage of the end, since it began or since something was written of what has to be written before.
#[derive(Debug)]
pub(crate) struct Lingering {
    since: Instant,
    stage: Stage,
    /// Whether something had to be written before, at the last look.
    is_unwritten: bool,
    /// Whether it is waited for the second time, because the driver was away.
    is_again: bool,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The peer's Close frame, once this side's is written.
    Answer,
    /// The end of the transport, once all is written.
    HangUp,
}

impl Stage {
    #[inline]
    pub(crate) const fn timeout(self) -> Timeout {
        match self {
            Self::Answer => Timeout::Close,
            Self::HangUp => Timeout::HangUp,
        }
    }
}

impl Lingering {
    /// The wait begins.
    pub(crate) const fn new(stage: Stage, now: Instant, is_unwritten: bool) -> Self {
        Self { since: now, stage, is_unwritten, is_again: false }
    }

    #[inline]
    pub(crate) const fn stage(&self) -> Stage {
        self.stage
    }

    /// Looks at the time; true when the wait is over. `has_moved` says whether something was written since the last look,
    /// and `is_unwritten` whether something still has to be.
    pub(crate) fn look(&mut self, now: Instant, span: Span, has_moved: bool, is_unwritten: bool) -> bool {
        if self.is_unwritten && has_moved {
            self.since = now;
        }
        self.is_unwritten = is_unwritten;
        if self.stage == Stage::Answer && !self.is_again && wait::was_away(self.since, span, now) {
            self.is_again = true;
            self.since = now;
        }
        wait::is_over(self.since, span, now)
    }

    /// When the next look is due.
    #[inline]
    pub(crate) fn deadline(&self, span: Span, is_unwritten: bool) -> Option<Deadline> {
        if span.is_for_ever() {
            None
        } else if self.is_unwritten && !is_unwritten {
            Deadline::at_once(self.stage.timeout())
        } else {
            Deadline::new(self.since.after(span), self.stage.timeout())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Lingering, Stage};
    use crate::deadline::{Deadline, Timeout};
    use crate::instant::{Instant, Span};
    use core::time::Duration;

    const SPAN: Span = Span::new(Duration::from_millis(10));

    fn at(milliseconds: u64) -> Instant {
        Instant::new(Duration::from_millis(milliseconds))
    }

    #[test]
    fn the_wait_begins_again_with_each_write_until_all_is_written() {
        let mut lingering = Lingering::new(Stage::Answer, at(0), true);
        assert!(!lingering.look(at(9), SPAN, true, true));
        assert_eq!(lingering.deadline(SPAN, true), Deadline::new(at(19), Timeout::Close));
        assert_eq!(lingering.deadline(SPAN, false), Deadline::at_once(Timeout::Close), "it has just been written");
        assert!(!lingering.look(at(18), SPAN, true, false));
        // Pongs that are written later do not count.
        assert!(!lingering.look(at(27), SPAN, true, false));
        assert_eq!(lingering.deadline(SPAN, false), Deadline::new(at(28), Timeout::Close));
        assert!(lingering.look(at(28), SPAN, true, false));
    }

    #[test]
    fn an_answer_may_be_there_when_the_driver_was_away_and_nobody_waits_for_ever() {
        let mut answer = Lingering::new(Stage::Answer, at(0), false);
        assert!(!answer.look(at(20), SPAN, false, false));
        assert!(!answer.look(at(29), SPAN, false, false));
        assert!(answer.look(at(500), SPAN, false, false));
        let mut hang_up = Lingering::new(Stage::HangUp, at(0), false);
        assert!(hang_up.look(at(500), SPAN, false, false));
        assert_eq!(hang_up.deadline(Span::FOR_EVER, false), None);
    }
}
