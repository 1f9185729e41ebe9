//! What only some connections keep time of, and all of them at their end.

use super::{Due, State};
use crate::connection::tally::{Sent, Tally};
use crate::deadline::{Deadline, Timeout};
use crate::event::Cause;
use crate::instant::Instant;
use crate::keepalive::{Excess, Policy, RateLimit};
use crate::rules::closing::Closing;
use crate::rules::lingering::{Lingering, Stage};
use crate::rules::rate::Bucket;
use crate::rules::{Rest, Seen, Window};

/// All deadlines but that of the heartbeat, and what they are judged by.
#[derive(Debug)]
pub(super) struct More {
    pub(super) received: Tally,
    pub(super) sent: Sent,
    progress: Window,
    message: Rest,
    write: Window,
    idle: Rest,
    rate: Rate,
    lingering: Option<Lingering>,
}

/// How much has come lately.
#[derive(Debug)]
struct Rate {
    messages: Bucket,
    bytes: Bucket,
    /// What was poured in already: messages and bytes.
    poured: (u64, u64),
    over_until: Option<Instant>,
}

impl Rate {
    /// Looks at what has come; until when it is too much, if it is.
    fn look(&mut self, now: Instant, limit: &RateLimit, received: &Tally) {
        let (messages, bytes) = self.poured;
        self.messages.pour(now, received.messages.saturating_sub(messages), limit.messages);
        self.bytes.pour(now, received.bytes.saturating_sub(bytes), limit.bytes);
        self.poured = (received.messages, received.bytes);
        self.over_until = self.messages.over_until(now, limit.burst).max(self.bytes.over_until(now, limit.burst));
    }
}

impl Default for More {
    fn default() -> Self {
        Self {
            received: Tally::default(),
            sent: Sent::default(),
            progress: Window::OFF,
            message: Rest::NEW,
            write: Window::OFF,
            idle: Rest::NEW,
            rate: Rate { messages: Bucket::EMPTY, bytes: Bucket::EMPTY, poured: (0, 0), over_until: None },
            lingering: None,
        }
    }
}

impl State {
    /// What is waited for at the end.
    fn stage(&self) -> Option<Stage> {
        match self.closing {
            Closing::Open | Closing::Received => None,
            Closing::Sent => Some(Stage::Answer),
            Closing::Agreed | Closing::Failed | Closing::Ended | Closing::GaveUp => Some(Stage::HangUp),
        }
    }

    /// Whether something has to be written before the wait for this stage begins.
    fn is_unwritten(&self, stage: Stage) -> bool {
        match stage {
            Stage::Answer => self.close_waits,
            Stage::HangUp => self.waiting > 0,
        }
    }

    /// Whether nothing is left but that the driver closes the transport.
    fn is_done(&self) -> bool {
        self.closing.is_over() && self.is_returned && self.hangs_up && self.waiting == 0
    }

    /// Whether there is an end that has not been returned, and that nothing on the wire shows.
    fn is_unknown(&self) -> bool {
        self.closing == Closing::GaveUp && !self.is_returned
    }
}

impl More {
    pub(super) const fn is_over_rate(&self) -> bool {
        self.rate.over_until.is_some()
    }

    /// Whether more of a message is to come, and can.
    fn expects(&self, state: &State) -> bool {
        self.received.is_under_way && !state.is_paused && !self.is_over_rate()
    }

    /// Whether there is no message, in either direction, by the will of the peer: while nothing is read, it may have sent some.
    fn is_at_rest(&self, state: &State) -> bool {
        !self.received.is_under_way && !state.in_message && !state.is_paused && !self.is_over_rate()
    }

    pub(super) fn look(&mut self, policy: &Policy, now: Instant, state: &State, has_moved: bool) -> Due {
        let keepalive = &policy.keepalive;
        let writes = Seen { rest: state.waiting, count: self.sent.bytes };
        let is_stuck = self.write.look(now, writes, keepalive.write.bytes, keepalive.write.within);
        if let Some(stage) = state.stage() {
            self.rate.over_until = None;
            let is_unwritten = state.is_unwritten(stage);
            let is_over = match &mut self.lingering {
                Some(lingering) if lingering.stage() == stage => {
                    lingering.look(now, keepalive.close, has_moved, is_unwritten)
                }
                lingering => {
                    *lingering = Some(Lingering::new(stage, now, is_unwritten));
                    false
                }
            };
            return match stage {
                Stage::HangUp if (is_over || is_stuck) && !state.is_done() => Due::HangUp,
                Stage::Answer if is_stuck => Due::GiveUp(Timeout::Write),
                Stage::Answer if is_over => Due::GiveUp(Timeout::Close),
                Stage::HangUp | Stage::Answer => Due::Nothing,
            };
        }
        if is_stuck {
            return Due::GiveUp(Timeout::Write);
        }
        if state.closing == Closing::Open { self.look_while_open(policy, now, state) } else { Due::Nothing }
    }

    fn look_while_open(&mut self, policy: &Policy, now: Instant, state: &State) -> Due {
        let keepalive = &policy.keepalive;
        let expects = self.expects(state);
        // A message that has ended counts as all that was asked for: the next one has its own time.
        let least = keepalive.progress.bytes.max(1);
        let count = self.received.data().saturating_add(self.received.messages.saturating_mul(least));
        let comes = Seen { rest: if expects { u64::MAX } else { 0 }, count };
        if self.progress.look(now, comes, least, keepalive.progress.within) {
            return Due::Fail(Cause::TimedOut(Timeout::Progress));
        }
        if self.message.look(now, expects, self.received.messages, keepalive.message) {
            return Due::Fail(Cause::TimedOut(Timeout::Message));
        }
        if let Some(limit) = &policy.rate {
            self.rate.look(now, limit, &self.received);
            if self.is_over_rate() && limit.excess == Excess::Close {
                return Due::Fail(Cause::RateExceeded);
            }
        }
        let messages = self.received.messages + self.sent.messages;
        if self.idle.look(now, self.is_at_rest(state), messages, keepalive.idle) {
            return Due::Close(keepalive.idle_close.clone());
        }
        Due::Nothing
    }

    pub(super) fn deadline(&self, policy: &Policy, state: &State) -> Option<Deadline> {
        let keepalive = &policy.keepalive;
        if state.is_unknown() {
            return Deadline::at_once(Timeout::HangUp);
        }
        if state.is_done() {
            return None;
        }
        let write = self.write.deadline(state.waiting > 0, keepalive.write.within, Timeout::Write);
        if let Some(stage) = state.stage() {
            let linger = match &self.lingering {
                Some(lingering) if lingering.stage() == stage => {
                    lingering.deadline(keepalive.close, state.is_unwritten(stage))
                }
                Some(_) | None if keepalive.close.is_for_ever() => None,
                Some(_) | None => Deadline::at_once(stage.timeout()),
            };
            return Deadline::earlier(write, linger);
        }
        if state.closing != Closing::Open {
            return write;
        }
        let expects = self.expects(state);
        let progress = self.progress.deadline(expects, keepalive.progress.within, Timeout::Progress);
        let message = if expects { self.message.deadline(keepalive.message, Timeout::Message) } else { None };
        let idle = if self.is_at_rest(state) { self.idle.deadline(keepalive.idle, Timeout::Idle) } else { None };
        let rate = self.rate.over_until.and_then(|at| Deadline::new(at, Timeout::Rate));
        [progress, message, idle, rate].into_iter().fold(write, Deadline::earlier)
    }
}
