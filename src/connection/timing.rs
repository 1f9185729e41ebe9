//! The time of a connection: its deadlines, looked at in the light of what has come and gone since the last look.
//!
//! Nothing here runs while messages come and go. What has happened is seen when the driver passes the time, by numbers that are
//! counted in any case.

mod more;

use super::tally::{Counters, Sent, Tally};
use crate::close_frame::CloseFrame;
use crate::deadline::{Deadline, Timeout};
use crate::event::Cause;
use crate::instant::Instant;
use crate::keepalive::Policy;
use crate::rules::closing::Closing;
use crate::rules::keepalive::{Beat, Heartbeat, Rhythm};
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::time::Duration;
use more::More;

/// What a connection remembers between two looks at the time. Connections of one configuration share the policy; what only
/// some policies need, and the end, is behind a pointer, so that heartbeats alone cost 32 bytes.
#[derive(Debug)]
pub(super) struct Timing {
    policy: Arc<Policy>,
    more: Option<Box<More>>,
    heartbeat: Heartbeat,
}

/// What the sending half knows when the driver passes the time.
#[derive(Debug, Clone, Copy)]
pub(super) struct State {
    pub(super) closing: Closing,
    /// Whether the end has been returned.
    pub(super) is_returned: bool,
    /// Whether the transport is to be closed, or is closed.
    pub(super) hangs_up: bool,
    /// Whether a message is being sent in parts.
    pub(super) in_message: bool,
    pub(super) ping_waits: bool,
    pub(super) close_waits: bool,
    /// How many bytes wait in the output.
    pub(super) waiting: u64,
    /// Whether the application does not read.
    pub(super) is_paused: bool,
}

/// What the sending half has to do now.
#[derive(Debug)]
pub(super) enum Due {
    Nothing,
    /// Send a Ping with this number.
    Ping(u8),
    /// Send this Close frame.
    Close(CloseFrame),
    /// Fail the connection, for the peer does what the policy forbids (1008).
    Fail(Cause),
    /// End the connection, for there is nobody to talk to.
    GiveUp(Timeout),
    /// Drop what waits, and close the transport.
    HangUp,
}

impl Timing {
    pub(super) fn new(policy: &Arc<Policy>) -> Self {
        let more = policy.has_more().then(|| Box::new(More::default()));
        Self { policy: Arc::clone(policy), more, heartbeat: Heartbeat::NEW }
    }

    #[inline]
    fn rhythm(&self) -> Rhythm {
        Rhythm { ping: self.policy.keepalive.ping, pong: self.policy.keepalive.pong }
    }

    /// Whether so much is received that reading waits.
    #[inline]
    pub(super) fn is_over_rate(&self) -> bool {
        self.more.as_ref().is_some_and(|more| more.is_over_rate())
    }

    /// Looks at the time. `written` is how much has been written since the last look, and `messages` how many messages have
    /// been sent.
    #[inline]
    pub(super) fn look(&mut self, now: Instant, state: &State, written: u32, messages: u32) -> Due {
        let was_held = state.is_paused || self.is_over_rate();
        let is_open = state.closing == Closing::Open;
        if !is_open || self.more.is_some() {
            let due = self.look_at_more(now, state, written, messages);
            if !is_open || !matches!(due, Due::Nothing) {
                return due;
            }
        }
        let rhythm = self.rhythm();
        match self.heartbeat.look(now, rhythm, state.ping_waits, was_held) {
            Beat::Nothing => Due::Nothing,
            Beat::Ping(number) => {
                if let Some(more) = &mut self.more {
                    more.sent.pings += 1;
                }
                Due::Ping(number)
            }
            Beat::Dead => Due::GiveUp(Timeout::Pong),
        }
    }

    #[inline(never)]
    fn look_at_more(&mut self, now: Instant, state: &State, written: u32, messages: u32) -> Due {
        let more = self.more.get_or_insert_default();
        more.sent.bytes += u64::from(written);
        more.sent.messages += u64::from(messages);
        more.look(&self.policy, now, state, written > 0)
    }

    /// When the next look is due.
    #[inline]
    pub(super) fn deadline(&self, state: &State) -> Option<Deadline> {
        let is_open = state.closing == Closing::Open;
        let beat = if is_open {
            self.heartbeat.deadline(self.rhythm(), state.ping_waits, state.is_paused || self.is_over_rate())
        } else {
            None
        };
        if is_open && self.more.is_none() {
            return beat;
        }
        Deadline::earlier(beat, self.deadline_of_more(state))
    }

    #[inline(never)]
    fn deadline_of_more(&self, state: &State) -> Option<Deadline> {
        match &self.more {
            Some(more) => more.deadline(&self.policy, state),
            None => More::default().deadline(&self.policy, state),
        }
    }

    /// Records what has been received.
    pub(super) fn receive(&mut self, tally: &Tally) {
        if tally.bytes > 0 {
            self.heartbeat.receive();
        }
        if let Some(more) = &mut self.more {
            more.received.add(tally);
        }
    }

    /// Records that the Pong to the Ping with this number has come.
    pub(super) fn answer(&mut self, ping: u8) {
        self.heartbeat.answer(ping);
    }

    /// Where what is sent is counted, if it is.
    pub(super) fn sent(&mut self) -> Option<&mut Sent> {
        self.more.as_mut().map(|more| &mut more.sent)
    }

    /// Where what is received is counted, if it is.
    pub(super) fn received(&mut self) -> Option<&mut Tally> {
        self.more.as_mut().map(|more| &mut more.received)
    }

    pub(super) fn round_trip(&self) -> Option<Duration> {
        self.heartbeat.round_trip()
    }

    /// What has been counted up to the last look.
    pub(super) fn counters(&self) -> Option<Counters> {
        let more = self.more.as_ref().filter(|_| self.policy.counts)?;
        Some(Counters::new(&more.received, &more.sent))
    }
}

#[cfg(test)]
mod tests {
    use super::Timing;

    #[test]
    fn heartbeats_alone_cost_32_bytes() {
        assert!(size_of::<Timing>() <= 8 + 8 + 16);
    }
}
