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
}

impl TimeLimit {
    pub(super) fn new(config: &Config) -> Self {
        let within = config.policy.as_ref().map_or(Span::FOR_EVER, |policy| policy.keepalive.handshake);
        Self { within, window: Window::OFF }
    }

    /// Looks at the time; true when it is up.
    pub(super) fn look(&mut self, now: Instant) -> bool {
        // It goes on until it is done, and nothing in between counts as progress.
        self.window.look(now, Seen { rest: u64::MAX, count: 0 }, u64::MAX, self.within)
    }

    /// Begins anew with the next look.
    pub(super) const fn restart(&mut self) {
        self.window = Window::OFF;
    }

    /// When the next look is due.
    pub(super) fn deadline(&self) -> Option<Deadline> {
        self.window.deadline(true, self.within, Timeout::Handshake)
    }
}
