//! How long a handshake may take.

use crate::config::Config;
use crate::deadline::{Deadline, Timeout};
use crate::instant::{Instant, Span};
use crate::rules::{Seen, Window};

/// The time of a handshake that is not done: it runs from the first look.
#[derive(Debug)]
pub(super) struct TimeLimit {
    within: Span,
    window: Window,
    is_up: bool,
}

impl TimeLimit {
    pub(super) fn new(config: &Config) -> Self {
        let within = config.policy.as_ref().map_or(Span::FOR_EVER, |policy| policy.keepalive.handshake);
        Self { within, window: Window::OFF, is_up: false }
    }

    /// Looks at the time.
    pub(super) fn look(&mut self, now: Instant) {
        // It goes on until it is done, and nothing in between counts as progress.
        self.is_up |= self.window.look(now, Seen { rest: u64::MAX, count: 0 }, u64::MAX, self.within);
    }

    /// Whether what is not complete by now comes too late. What the input holds may not have been looked at yet, so that is
    /// done first.
    pub(super) const fn is_up(&self) -> bool {
        self.is_up
    }

    /// Begins anew with the next look.
    pub(super) const fn restart(&mut self) {
        self.window = Window::OFF;
        self.is_up = false;
    }

    /// When the next look is due.
    pub(super) fn deadline(&self) -> Option<Deadline> {
        if self.is_up {
            return Deadline::at_once(Timeout::Handshake);
        }
        self.window.deadline(true, self.within, Timeout::Handshake)
    }
}
