//! How long is waited for what, and how much may come in a second.

use crate::close_code::CloseCode;
use crate::close_frame::CloseFrame;
use crate::instant::Span;
use core::time::Duration;

/// The deadlines of a connection and of the handshake before it, for [`Config::keepalive`](crate::Config::keepalive).
///
/// [`new`](Keepalive::new) has defaults that suit a server on the open network; [`off`](Keepalive::off) has none. Each
/// method sets one deadline, or with `None` turns it off.
///
/// | deadline | default | what happens then |
/// |---|---|---|
/// | [`handshake`](Keepalive::handshake) | 10 s | the handshake fails; a server answers with 408 |
/// | [`ping`](Keepalive::ping) | 30 s without a byte | a Ping is sent |
/// | [`pong`](Keepalive::pong) | 20 s without a byte, once the Ping is written | the connection ends |
/// | [`idle`](Keepalive::idle) | off | a Close with 1001 is sent |
/// | [`progress`](Keepalive::progress) | 1 KiB in 30 s, while a message or frame is under way | the connection fails with 1008 |
/// | [`message`](Keepalive::message) | off | the connection fails with 1008 |
/// | [`write`](Keepalive::write) | 1 KiB in 60 s, while something waits | the connection ends |
/// | [`close`](Keepalive::close) | 10 s | the connection ends, or the transport is closed |
///
/// What ends that way ends with [`Cause::TimedOut`](crate::Cause::TimedOut); an idle connection ends with
/// [`Cause::Agreed`](crate::Cause::Agreed) if the peer answers the Close.
///
/// A wait for the peer does not count while the driver was away. Where [`handle_timeout`] is late by a quarter of the wait or
/// more (the machine was suspended, a thread was blocked), the wait begins again, once; only
/// [`message`](Keepalive::message), [`idle`](Keepalive::idle), and the time after the end that [`close`](Keepalive::close)
/// gives, hold by the clock alone. Nor does time count in which the application does not read ([`pause_reading`]).
///
/// [`handle_timeout`]: crate::Connection::handle_timeout
/// [`pause_reading`]: crate::Connection::pause_reading
///
/// ```
/// use core::time::Duration;
/// use ws_proto::{Config, Keepalive};
///
/// let keepalive = Keepalive::new().ping(Duration::from_secs(50)).idle(Duration::from_secs(3600)).message(None);
/// let config = Config::new().keepalive(keepalive);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keepalive {
    pub(crate) handshake: Span,
    pub(crate) ping: Span,
    pub(crate) pong: Span,
    pub(crate) idle: Span,
    pub(crate) idle_close: CloseFrame,
    pub(crate) progress: Flow,
    pub(crate) message: Span,
    pub(crate) write: Flow,
    pub(crate) close: Span,
}

/// At least so many bytes in each such time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flow {
    pub(crate) bytes: u64,
    pub(crate) within: Span,
}

impl Flow {
    const ANY: Self = Self { bytes: 0, within: Span::FOR_EVER };

    fn new(bytes: u64, within: Option<Duration>) -> Self {
        Self { bytes, within: Span::limit(within) }
    }
}

impl Keepalive {
    /// The defaults of the table above.
    pub fn new() -> Self {
        let seconds = Duration::from_secs;
        Self::off()
            .handshake(seconds(10))
            .ping(seconds(30))
            .pong(seconds(20))
            .progress(1 << 10, seconds(30))
            .write(1 << 10, seconds(60))
            .close(seconds(10))
    }

    /// No deadline.
    pub fn off() -> Self {
        Self {
            handshake: Span::FOR_EVER,
            ping: Span::FOR_EVER,
            pong: Span::FOR_EVER,
            idle: Span::FOR_EVER,
            idle_close: CloseCode::GOING_AWAY.into(),
            progress: Flow::ANY,
            message: Span::FOR_EVER,
            write: Flow::ANY,
            close: Span::FOR_EVER,
        }
    }

    /// How long the handshake may take from its first [`handle_timeout`] on, on either side. When it has not led to a
    /// request or connection by then, its `receive` returns an error: a server's with the answer 408 (RFC 9110 §15.5.9). For a
    /// client the body of a response that declines belongs to it.
    ///
    /// [`handle_timeout`]: crate::handshake::server::Handshake::handle_timeout
    #[must_use]
    pub fn handshake(mut self, within: impl Into<Option<Duration>>) -> Self {
        self.handshake = Span::limit(within.into());
        self
    }

    /// How long the peer may be silent before it is sent a Ping (RFC 6455 §5.5.2). Any byte that is received ends the
    /// silence, those in the middle of a frame included. No second Ping is queued while one waits to be written.
    #[must_use]
    pub fn ping(mut self, after: impl Into<Option<Duration>>) -> Self {
        self.ping = Span::limit(after.into());
        self
    }

    /// How long nothing may come after such a Ping was written. Any byte is as good as the Pong, so that a large message on
    /// a slow link is not taken for silence. While the Ping cannot be written, [`write`](Keepalive::write) decides.
    #[must_use]
    pub fn pong(mut self, within: impl Into<Option<Duration>>) -> Self {
        self.pong = Span::limit(within.into());
        self
    }

    /// How long there may be no message, neither received nor sent, before the connection is closed. Pings and Pongs
    /// do not count, and a message under way does.
    #[must_use]
    pub fn idle(mut self, after: impl Into<Option<Duration>>) -> Self {
        self.idle = Span::limit(after.into());
        self
    }

    /// The Close frame that an [`idle`](Keepalive::idle) connection is closed with. Default: 1001, without a reason. 1010,
    /// which a server may not send (RFC 6455 §7.4.1), counts as 1001 there.
    #[must_use]
    pub fn idle_close(mut self, frame: impl Into<CloseFrame>) -> Self {
        self.idle_close = frame.into();
        self
    }

    /// How much of a message or frame that has begun has to come in each such time, in bytes on the wire, those of Pings and
    /// Pongs excepted. A peer that stops in the middle of anything, or goes on a byte a minute, is failed with 1008.
    ///
    /// Between two fragments a message is under way, too: turn it off, or make it long, for peers that send a message while
    /// they produce it.
    #[must_use]
    pub fn progress(mut self, bytes: u64, within: impl Into<Option<Duration>>) -> Self {
        self.progress = Flow::new(bytes, within.into());
        self
    }

    /// How long a message may take from its first byte to its last, however much comes.
    #[must_use]
    pub fn message(mut self, within: impl Into<Option<Duration>>) -> Self {
        self.message = Span::limit(within.into());
        self
    }

    /// How much of what waits in the output has to be written in each such time, in bytes, unless all of it is. It is for
    /// peers that do not read.
    #[must_use]
    pub fn write(mut self, bytes: u64, within: impl Into<Option<Duration>>) -> Self {
        self.write = Flow::new(bytes, within.into());
        self
    }

    /// How long the peer may take to answer this side's Close frame, once that is written. And how long, once the
    /// connection is over, what is left may take to be written, and a client's server to hang up (RFC 6455 §7.1.1). While
    /// the Close frame cannot be written, the time begins again with each write.
    #[must_use]
    pub fn close(mut self, within: impl Into<Option<Duration>>) -> Self {
        self.close = Span::limit(within.into());
        self
    }

    /// Whether there is more to time than silence and the end.
    pub(crate) fn has_more(&self) -> bool {
        [self.idle, self.progress.within, self.message, self.write.within].iter().any(|span| !span.is_for_ever())
    }
}

impl Default for Keepalive {
    fn default() -> Self {
        Self::new()
    }
}

/// How much a peer may send in a second, for [`Config::rate_limit`](crate::Config::rate_limit). A limit that is not set
/// does not hold.
///
/// It is a bucket for messages and one for bytes on the wire: what comes is poured in, and so much drains in a second. They
/// are looked at with every [`handle_timeout`], which has to be called after each look then, and not only at a deadline.
/// What has come with one read may go past them; it is made up for by the time until reading goes on. What was read is
/// received in any case.
///
/// [`handle_timeout`]: crate::Connection::handle_timeout
///
/// ```
/// use core::time::Duration;
/// use ws_proto::{Config, Excess, RateLimit};
///
/// // 20 messages a second, 200 at a time after a pause of 10 s; whoever sends more is closed with 1008.
/// let limit = RateLimit::new().messages(20).burst(Duration::from_secs(10)).excess(Excess::Close);
/// let config = Config::new().rate_limit(limit);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
    pub(crate) burst: Span,
    pub(crate) excess: Excess,
}

/// What happens when a peer sends more than a [`RateLimit`] allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Excess {
    /// [`Interest::read`](crate::Interest::read) is false until enough time has passed, so that the transport's flow control
    /// slows the peer down.
    #[default]
    Pause,
    /// The connection is failed with 1008.
    Close,
}

impl RateLimit {
    /// No limit yet; a burst of one second.
    pub const fn new() -> Self {
        Self { messages: u64::MAX, bytes: u64::MAX, burst: Span::new(Duration::from_secs(1)), excess: Excess::Pause }
    }

    /// So many messages a second. 0 counts as 1.
    #[must_use]
    pub const fn messages(mut self, per_second: u64) -> Self {
        self.messages = if per_second == 0 { 1 } else { per_second };
        self
    }

    /// So many bytes a second, of all that is received. 0 counts as 1.
    #[must_use]
    pub const fn bytes(mut self, per_second: u64) -> Self {
        self.bytes = if per_second == 0 { 1 } else { per_second };
        self
    }

    /// What may come at once after a pause: as much as in so long a time. Default one second.
    #[must_use]
    pub const fn burst(mut self, of: Duration) -> Self {
        self.burst = Span::new(of);
        self
    }

    /// What happens above the limit. Default [`Excess::Pause`].
    #[must_use]
    pub const fn excess(mut self, excess: Excess) -> Self {
        self.excess = excess;
        self
    }
}

impl Default for RateLimit {
    fn default() -> Self {
        Self::new()
    }
}

/// All that makes a connection keep time or count. Connections share it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) keepalive: Keepalive,
    pub(crate) rate: Option<RateLimit>,
    pub(crate) counts: bool,
}

impl Policy {
    pub(crate) fn new() -> Self {
        Self { keepalive: Keepalive::off(), rate: None, counts: false }
    }

    /// Whether more has to be remembered than silence and the end take.
    pub(crate) fn has_more(&self) -> bool {
        self.keepalive.has_more() || self.rate.is_some() || self.counts
    }
}
