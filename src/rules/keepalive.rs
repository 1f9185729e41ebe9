//! Whether the peer is there: a Ping after silence, and what has to come after it (RFC 6455 §5.5.2).

use super::wait;
use crate::deadline::{Deadline, Timeout};
use crate::instant::{Instant, Span};
use core::num::NonZeroU32;
use core::time::Duration;

/// How long the peer has been silent, or what a Ping waits for, since the last look.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    since: Instant,
    /// In microseconds.
    round_trip: Option<NonZeroU32>,
    ping: u8,
    phase: Phase,
    /// Whether something has come since the last look.
    has_received: bool,
    /// Whether `since` is still when the Ping was written.
    is_timed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The driver has not passed the time yet.
    New,
    /// The peer is silent.
    Quiet,
    /// A Ping waits to be written.
    PingWaits,
    /// A Ping was written.
    PongDue,
    /// As [`PongDue`](Phase::PongDue), for the second time, because the driver was away.
    PongDueAgain,
    /// The Pong has come, and is not timed yet.
    Answered,
}

/// How long silence may be, and how long nothing may come after a Ping.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rhythm {
    pub(crate) ping: Span,
    pub(crate) pong: Span,
}

/// What is to be done after a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beat {
    Nothing,
    /// A Ping is to be queued, with this number.
    Ping(u8),
    /// The peer is gone.
    Dead,
}

impl Heartbeat {
    pub(crate) const NEW: Self = Self {
        since: Instant::ORIGIN,
        round_trip: None,
        ping: 0,
        phase: Phase::New,
        has_received: false,
        is_timed: false,
    };

    /// Records that something has come.
    pub(crate) const fn receive(&mut self) {
        self.has_received = true;
    }

    /// Records that the Pong to the Ping with this number has come.
    pub(crate) fn answer(&mut self, ping: u8) {
        if ping == self.ping && matches!(self.phase, Phase::PongDue | Phase::PongDueAgain) {
            self.phase = Phase::Answered;
        }
    }

    /// Looks at the time. `ping_waits` says whether the Ping is still to be written, `is_held` whether nothing has been read
    /// since the last look, so that nothing could come.
    #[inline]
    pub(crate) fn look(&mut self, now: Instant, rhythm: Rhythm, ping_waits: bool, is_held: bool) -> Beat {
        if self.phase == Phase::Answered && self.is_timed {
            let microseconds = u32::try_from(now.since(self.since).nanoseconds() / 1000).unwrap_or(u32::MAX);
            self.round_trip = NonZeroU32::new(microseconds.max(1));
        }
        let has_received = core::mem::replace(&mut self.has_received, false);
        let is_alive = has_received || is_held;
        match self.phase {
            Phase::New | Phase::Answered => self.go_to(Phase::Quiet, now),
            Phase::Quiet if is_alive => self.since = now,
            Phase::Quiet if wait::is_over(self.since, rhythm.ping, now) => {
                self.ping = self.ping.wrapping_add(1);
                self.phase = Phase::PingWaits;
                return Beat::Ping(self.ping);
            }
            Phase::Quiet => {}
            // It was written, and what has come may have come after it.
            Phase::PingWaits if !ping_waits && has_received => self.go_to(Phase::Quiet, now),
            // Its time runs from when it is written.
            Phase::PingWaits if !ping_waits => {
                self.go_to(Phase::PongDue, now);
                self.is_timed = true;
            }
            Phase::PingWaits => {}
            Phase::PongDue | Phase::PongDueAgain if has_received => self.go_to(Phase::Quiet, now),
            Phase::PongDue | Phase::PongDueAgain if is_held => self.go_to(self.phase, now),
            Phase::PongDue if wait::was_away(self.since, rhythm.pong, now) => self.go_to(Phase::PongDueAgain, now),
            Phase::PongDue | Phase::PongDueAgain if wait::is_over(self.since, rhythm.pong, now) => return Beat::Dead,
            Phase::PongDue | Phase::PongDueAgain => {}
        }
        Beat::Nothing
    }

    fn go_to(&mut self, phase: Phase, now: Instant) {
        self.phase = phase;
        self.since = now;
        self.is_timed = false;
    }

    /// When the next look is due.
    #[inline]
    pub(crate) fn deadline(&self, rhythm: Rhythm, ping_waits: bool, is_held: bool) -> Option<Deadline> {
        match self.phase {
            Phase::New if rhythm.ping.is_for_ever() => None,
            Phase::New => Deadline::at_once(Timeout::Ping),
            Phase::PingWaits if ping_waits => None,
            Phase::PingWaits | Phase::Answered => Deadline::at_once(Timeout::Pong),
            Phase::Quiet | Phase::PongDue | Phase::PongDueAgain if is_held => None,
            Phase::Quiet => Deadline::new(self.since.after(rhythm.ping), Timeout::Ping),
            Phase::PongDue | Phase::PongDueAgain => Deadline::new(self.since.after(rhythm.pong), Timeout::Pong),
        }
    }

    /// How long the last Ping took that was answered before anything else came.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        Some(Duration::from_micros(self.round_trip?.get().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Beat, Heartbeat, Rhythm};
    use crate::deadline::Timeout;
    use crate::instant::{Instant, Span};
    use core::time::Duration;

    const RHYTHM: Rhythm =
        Rhythm { ping: Span::new(Duration::from_millis(30)), pong: Span::new(Duration::from_millis(20)) };

    fn at(milliseconds: u64) -> Instant {
        Instant::new(Duration::from_millis(milliseconds))
    }

    fn look(heartbeat: &mut Heartbeat, now: u64, ping_waits: bool) -> Beat {
        heartbeat.look(at(now), RHYTHM, ping_waits, false)
    }

    /// When the next look is due, and why.
    fn due(heartbeat: &Heartbeat, ping_waits: bool) -> Option<(u64, Timeout)> {
        let deadline = heartbeat.deadline(RHYTHM, ping_waits, false)?;
        Some((u64::try_from(deadline.at.since_origin().as_millis()).unwrap(), deadline.reason))
    }

    #[test]
    fn a_ping_follows_silence_and_death_follows_a_ping() {
        let mut heartbeat = Heartbeat::NEW;
        assert_eq!(due(&heartbeat, false), Some((0, Timeout::Ping)));
        assert_eq!(look(&mut heartbeat, 100, false), Beat::Nothing);
        assert_eq!(due(&heartbeat, false), Some((130, Timeout::Ping)));
        assert_eq!(look(&mut heartbeat, 129, false), Beat::Nothing);
        assert_eq!(look(&mut heartbeat, 130, false), Beat::Ping(1));
        assert_eq!(due(&heartbeat, true), None, "the write decides");
        assert_eq!(look(&mut heartbeat, 1000, true), Beat::Nothing);
        assert_eq!(due(&heartbeat, false), Some((0, Timeout::Pong)), "it has just been written");
        assert_eq!(look(&mut heartbeat, 1001, false), Beat::Nothing);
        assert_eq!(due(&heartbeat, false), Some((1021, Timeout::Pong)));
        assert_eq!(look(&mut heartbeat, 1020, false), Beat::Nothing);
        assert_eq!(look(&mut heartbeat, 1021, false), Beat::Dead);
    }

    #[test]
    fn any_byte_is_life_and_a_pong_is_timed() {
        let mut heartbeat = Heartbeat::NEW;
        look(&mut heartbeat, 0, false);
        heartbeat.receive();
        assert_eq!(look(&mut heartbeat, 30, false), Beat::Nothing);
        assert_eq!(look(&mut heartbeat, 60, false), Beat::Ping(1));
        look(&mut heartbeat, 61, false);
        heartbeat.receive();
        assert_eq!(look(&mut heartbeat, 81, false), Beat::Nothing, "not the Pong, but something");
        assert_eq!((due(&heartbeat, false), heartbeat.round_trip()), (Some((111, Timeout::Ping)), None));
        assert_eq!(look(&mut heartbeat, 111, false), Beat::Ping(2));
        look(&mut heartbeat, 112, false);
        heartbeat.answer(1);
        assert_eq!(due(&heartbeat, false), Some((132, Timeout::Pong)), "that was the Pong to another Ping");
        heartbeat.answer(2);
        assert_eq!(due(&heartbeat, false), Some((0, Timeout::Pong)));
        look(&mut heartbeat, 117, false);
        assert_eq!(heartbeat.round_trip(), Some(Duration::from_millis(5)));
        assert_eq!(due(&heartbeat, false), Some((147, Timeout::Ping)));
    }

    #[test]
    fn a_pong_that_was_not_read_at_once_is_not_timed() {
        for is_late in [false, true] {
            let mut heartbeat = Heartbeat::NEW;
            look(&mut heartbeat, 0, false);
            assert_eq!(look(&mut heartbeat, 30, false), Beat::Ping(1));
            look(&mut heartbeat, 31, false);
            if is_late {
                assert_eq!(look(&mut heartbeat, 80, false), Beat::Nothing, "the driver was away");
            } else {
                assert_eq!(heartbeat.look(at(80), RHYTHM, false, true), Beat::Nothing, "nothing was read");
            }
            heartbeat.receive();
            heartbeat.answer(1);
            look(&mut heartbeat, 81, false);
            assert_eq!((heartbeat.round_trip(), due(&heartbeat, false)), (None, Some((111, Timeout::Ping))));
        }
    }

    #[test]
    fn what_comes_before_reading_stops_is_life() {
        let mut heartbeat = Heartbeat::NEW;
        look(&mut heartbeat, 0, false);
        assert_eq!(look(&mut heartbeat, 30, false), Beat::Ping(1));
        look(&mut heartbeat, 31, false);
        heartbeat.receive();
        assert_eq!(heartbeat.look(at(32), RHYTHM, false, true), Beat::Nothing);
        assert_eq!(due(&heartbeat, false), Some((62, Timeout::Ping)));
    }

    #[test]
    fn a_ping_that_waits_is_the_only_one() {
        let mut heartbeat = Heartbeat::NEW;
        look(&mut heartbeat, 0, false);
        assert_eq!(look(&mut heartbeat, 30, false), Beat::Ping(1));
        for now in 31..200 {
            heartbeat.receive();
            assert_eq!(look(&mut heartbeat, now, true), Beat::Nothing);
        }
    }

    #[test]
    fn a_pong_may_come_before_the_ping_is_known_to_be_written() {
        let mut heartbeat = Heartbeat::NEW;
        look(&mut heartbeat, 0, false);
        assert_eq!(look(&mut heartbeat, 30, false), Beat::Ping(1));
        heartbeat.receive();
        heartbeat.answer(1);
        assert_eq!(look(&mut heartbeat, 31, false), Beat::Nothing);
        assert_eq!(due(&heartbeat, false), Some((61, Timeout::Ping)));
        assert_eq!(heartbeat.round_trip(), None);
    }

    #[test]
    fn a_driver_that_was_away_waits_once_more() {
        let mut heartbeat = Heartbeat::NEW;
        look(&mut heartbeat, 0, false);
        look(&mut heartbeat, 30, false);
        look(&mut heartbeat, 31, false);
        assert_eq!(look(&mut heartbeat, 71, false), Beat::Nothing, "twice the time");
        assert_eq!(due(&heartbeat, false), Some((91, Timeout::Pong)));
        assert_eq!(look(&mut heartbeat, 500, false), Beat::Dead);
    }

    #[test]
    fn time_in_which_nothing_is_read_does_not_count() {
        let mut heartbeat = Heartbeat::NEW;
        for now in [0, 30, 200] {
            assert_eq!(heartbeat.look(at(now), RHYTHM, false, true), Beat::Nothing);
            assert_eq!(heartbeat.deadline(RHYTHM, false, true), None);
        }
        assert_eq!(look(&mut heartbeat, 229, false), Beat::Nothing);
        assert_eq!(look(&mut heartbeat, 230, false), Beat::Ping(1));
        look(&mut heartbeat, 231, false);
        assert_eq!(heartbeat.look(at(260), RHYTHM, false, true), Beat::Nothing);
        assert_eq!(look(&mut heartbeat, 279, false), Beat::Nothing);
        assert_eq!(look(&mut heartbeat, 280, false), Beat::Dead);
    }

    #[test]
    fn time_that_goes_back_or_stands_still_changes_nothing() {
        let mut heartbeat = Heartbeat::NEW;
        for now in [100, 100, 7, 100, 129] {
            assert_eq!(look(&mut heartbeat, now, false), Beat::Nothing);
        }
        assert_eq!(due(&heartbeat, false), Some((130, Timeout::Ping)));
    }
}
