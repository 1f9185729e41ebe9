//! Until when something has to happen, and what.

use crate::instant::Instant;
use core::fmt;

/// When the driver has to call `handle_timeout` at the latest, and what happens then, from [`Interest::deadline`].
///
/// [`Interest::deadline`]: crate::Interest::deadline
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Deadline {
    /// The time at which [`Connection::handle_timeout`] has to be called. It may have passed already, and is
    /// [`Instant::ORIGIN`] where something has just begun that is to be timed: then the call is due at once.
    /// Sending, too, can bring an earlier deadline: a task that sleeps until one has to be woken by a task that sends.
    ///
    /// [`Connection::handle_timeout`]: crate::Connection::handle_timeout
    pub at: Instant,
    /// What happens then, unless what is waited for comes before.
    pub reason: Timeout,
}

impl Deadline {
    /// The earlier one; the first of two at the same time.
    #[inline]
    pub(crate) fn earlier(first: Option<Self>, second: Option<Self>) -> Option<Self> {
        match (first, second) {
            (Some(first), Some(second)) => Some(if second.at < first.at { second } else { first }),
            (first, second) => first.or(second),
        }
    }

    /// `None` for a time that never comes.
    #[inline]
    pub(crate) fn new(at: Instant, reason: Timeout) -> Option<Self> {
        if at == Instant::MAX { None } else { Some(Self { at, reason }) }
    }

    /// Something has just begun: the time is needed at once.
    #[inline]
    pub(crate) const fn at_once(reason: Timeout) -> Option<Self> {
        Some(Self { at: Instant::ORIGIN, reason })
    }
}

/// What a [`Deadline`] is for: what happens when it passes. Each is set by the method of [`Keepalive`](crate::Keepalive)
/// that is named here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Timeout {
    /// The handshake is given up ([`handshake`](crate::Keepalive::handshake)).
    Handshake,
    /// A Ping is sent, because nothing has come for so long ([`ping`](crate::Keepalive::ping)).
    Ping,
    /// Nothing has come since a Ping was written: the peer is gone ([`pong`](crate::Keepalive::pong)).
    Pong,
    /// A Close frame is sent, because there has been no message for so long ([`idle`](crate::Keepalive::idle)).
    Idle,
    /// Too little has come of a message or frame that has begun: the connection is failed with 1008
    /// ([`progress`](crate::Keepalive::progress)).
    Progress,
    /// A message has not become whole: the connection is failed with 1008 ([`message`](crate::Keepalive::message)).
    Message,
    /// Too little of what waits has been written: the peer does not read, and the connection is given up
    /// ([`write`](crate::Keepalive::write)).
    Write,
    /// The peer has not answered this side's Close: the connection is given up ([`close`](crate::Keepalive::close)).
    Close,
    /// The connection is over, but what waits has not been written, or a client's server has not hung up (RFC 6455 §7.1.1):
    /// [`hang_up`](crate::Interest::hang_up) is set ([`close`](crate::Keepalive::close)).
    HangUp,
    /// More had come than a [`RateLimit`](crate::RateLimit) allows, and reading goes on.
    Rate,
}

impl Timeout {
    /// What has happened, as a clause.
    const fn clause(self) -> &'static str {
        match self {
            Self::Handshake => "the handshake took too long",
            Self::Ping => "nothing came for a while",
            Self::Pong => "nothing came after a Ping",
            Self::Idle => "there was no message for too long",
            Self::Progress => "a message or frame came too slowly",
            Self::Message => "a message took too long",
            Self::Write => "the peer did not read",
            Self::Close => "the peer did not answer the Close frame",
            Self::HangUp => "the peer did not hang up",
            Self::Rate => "the rate was exceeded",
        }
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.clause())
    }
}
