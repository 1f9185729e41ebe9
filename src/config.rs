//! The limits of a connection, and what it does by itself.

#[cfg(feature = "deflate")]
use crate::deflate::DeflateConfig;
use crate::keepalive::{Keepalive, Policy, RateLimit};
use alloc::sync::Arc;

/// The limits of a connection, and what it does by itself. Every limit is on by default.
///
/// ```
/// use ws_proto::Config;
///
/// let config = Config::new().max_message(1 << 20).auto_pong(false);
/// assert_eq!(config, config.clone().max_message(1 << 20));
/// assert_eq!((config.max_message, config.auto_pong, config.max_head), (1 << 20, false, 32 << 10));
/// ```
///
/// Each field can be read, and is documented in full at the method of its name, which sets it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The largest payload of a received data frame, in bytes.
    pub max_frame: u64,
    /// The largest received message, in bytes.
    pub max_message: u64,
    /// The most frames that a received message may be cut into.
    pub max_fragments: u32,
    /// The most bytes that may wait in the output.
    pub max_buffered: usize,
    /// How many bytes may wait in the output before it is congested.
    pub high_water: usize,
    /// The largest payload of a data frame that is sent, in bytes.
    pub fragment_size: usize,
    /// The largest head of a handshake's request or response, in bytes.
    pub max_head: usize,
    /// The most header lines in such a head.
    pub max_headers: usize,
    /// The largest body of a response that declines a client, in bytes.
    pub max_body: usize,
    /// Whether messages are delivered whole or in parts.
    pub delivery: Delivery,
    /// Whether Pings are answered by themselves.
    pub auto_pong: bool,
    /// Whether the peer's Close is answered by itself.
    pub auto_close: bool,
    /// Made when a deadline, a rate or counters are asked for; a connection of another configuration has none.
    pub(crate) policy: Option<Arc<Policy>>,
    /// How messages are compressed, if they are.
    #[cfg(feature = "deflate")]
    pub deflate: Option<DeflateConfig>,
}

/// How messages reach the application.
///
/// ```
/// use ws_proto::{Config, Connection, Delivery, Event, Input};
///
/// let mut ws = Connection::server(&Config::new().delivery(Delivery::Parts));
/// let mut input = Input::from(&b"\x82\x85\0\0\0\0hel"[..]); // "lo" is still to come
/// let Some(Event::BinaryPart { data, fin: false }) = ws.receive(&mut input) else { panic!("a part") };
/// assert_eq!(data, b"hel"[..]);
///
/// input.extend_from_slice(b"lo");
/// let Some(Event::BinaryPart { data, fin: true }) = ws.receive(&mut input) else { panic!("the rest") };
/// assert_eq!(data, b"lo"[..]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Delivery {
    /// Whole: [`Event::Text`](crate::Event::Text) and [`Event::Binary`](crate::Event::Binary). The input holds a
    /// message until its last byte has come.
    #[default]
    Messages,
    /// As they arrive: [`Event::TextPart`](crate::Event::TextPart) and
    /// [`Event::BinaryPart`](crate::Event::BinaryPart). Nothing is assembled, so a message may be far larger than
    /// memory; raise [`max_frame`](Config::max_frame) and [`max_message`](Config::max_message) to what may be streamed.
    Parts,
}

impl Config {
    /// The defaults, as each method below names them.
    pub const fn new() -> Self {
        Self {
            max_frame: u64::MAX,
            max_message: 64 << 20,
            max_fragments: 1 << 20,
            max_buffered: 128 << 20,
            high_water: usize::MAX,
            fragment_size: usize::MAX,
            max_head: 32 << 10,
            max_headers: 128,
            max_body: 1 << 20,
            delivery: Delivery::Messages,
            auto_pong: true,
            auto_close: true,
            policy: None,
            #[cfg(feature = "deflate")]
            deflate: None,
        }
    }

    /// The largest payload of a received data frame, in bytes on the wire; a control frame has its own limit of 125. A header
    /// that claims more ends the connection with 1009 before a byte of its payload is looked at.
    ///
    /// By default a frame has no limit of its own: it takes no memory but that of its message, so
    /// [`max_message`](Config::max_message) holds for it. A compressed frame may then be longer than the message that it
    /// inflates to, which is what counts.
    #[must_use]
    pub const fn max_frame(mut self, bytes: u64) -> Self {
        self.max_frame = bytes;
        self
    }

    /// The largest received message, in bytes over all its fragments. Default 64 MiB. The header that takes a message past it
    /// ends the connection with 1009; for a compressed message, the first inflated byte past it does. It may be changed on a
    /// live connection: [`Connection::set_limits`](crate::Connection::set_limits).
    #[must_use]
    pub const fn max_message(mut self, bytes: u64) -> Self {
        self.max_message = bytes;
        self
    }

    /// The most frames a received message may be cut into, empty ones included. Default 1,048,576, which is generous
    /// because a fragment costs no memory here; it ends a message of
    /// empty fragments, which never reaches [`max_message`](Config::max_message). One more ends the connection with 1009; 0 refuses
    /// every message.
    #[must_use]
    pub const fn max_fragments(mut self, frames: u32) -> Self {
        self.max_fragments = frames;
        self
    }

    /// The most bytes that may wait in the output. Default 128 MiB. A send that would go past it is refused and gives
    /// its message back; one that would be compressed goes out uncompressed where there might not be room enough, and a
    /// later part of a compressed message has to find room for an eighth more than its size. Pong and Close frames that
    /// the protocol asks for have their place in any case: 33 Pongs, one Ping and one Close at most, and a Pong more for each Ping of the
    /// application's that waits.
    #[must_use]
    pub const fn max_buffered(mut self, bytes: usize) -> Self {
        self.max_buffered = bytes;
        self
    }

    /// How many bytes may wait in the output before [`Interest::congested`](crate::Interest::congested) is set. Default: any
    /// number, so it never is.
    #[must_use]
    pub const fn high_water(mut self, bytes: usize) -> Self {
        self.high_water = bytes;
        self
    }

    /// The largest payload of a data frame that is sent, in bytes. Default: any size. A longer message, or part of one, is cut
    /// into fragments (RFC 6455 §5.4), so that a Ping, Pong or Close waits for the fragment under way, and for those that a write
    /// has been shown and has not taken (64 KiB at most, see [`Output`](crate::Output)), and not for all of a large message.
    /// Sizes below 125 count as 125. On a slow link 64 KiB is a good size; below 4 KiB, payloads are copied that would go out
    /// by reference.
    #[must_use]
    pub const fn fragment_size(mut self, bytes: usize) -> Self {
        self.fragment_size = bytes;
        self
    }

    /// The largest head of a handshake's request or response, in bytes. Default 32 KiB. A longer request is answered
    /// with 431.
    #[must_use]
    pub const fn max_head(mut self, bytes: usize) -> Self {
        self.max_head = bytes;
        self
    }

    /// The most header lines in a handshake's request or response. Default 128. A request with more is answered
    /// with 431.
    #[must_use]
    pub const fn max_headers(mut self, lines: usize) -> Self {
        self.max_headers = lines;
        self
    }

    /// The largest body of a response that declines a client, in bytes, without what frames it. Default 1 MiB. Of a larger one
    /// no more than this is kept. It is received only if the application asks for it.
    #[must_use]
    pub const fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Whether messages are delivered whole (the default) or in parts as they arrive.
    #[must_use]
    pub const fn delivery(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// Whether Pings are answered by themselves (RFC 6455 §5.5.2). Default true. Turned off, the application answers
    /// [`Event::Ping`](crate::Event::Ping) with [`Connection::pong`](crate::Connection::pong).
    #[must_use]
    pub const fn auto_pong(mut self, on: bool) -> Self {
        self.auto_pong = on;
        self
    }

    /// Whether the peer's Close is answered by itself (RFC 6455 §5.5.1). Default true. Turned off, the application
    /// receives [`Event::Close`](crate::Event::Close), may finish the message it is sending, and answers with
    /// [`Connection::close`](crate::Connection::close), behind all that waits, or with
    /// [`close_now`](crate::Connection::close_now), before the end of the stream. No deadline of
    /// [`Keepalive`](crate::Keepalive) runs for that: it is the peer who waits.
    ///
    /// By itself the answer goes behind the message under way (RFC 6455 §5.5.1), and messages that wait behind that are
    /// dropped, but for those that go out in the same write, within 64 KiB.
    #[must_use]
    pub const fn auto_close(mut self, on: bool) -> Self {
        self.auto_close = on;
        self
    }

    /// Sends Pings, and ends connections whose peer does not respond or does not go on, by these deadlines. Default: there are
    /// none. The driver passes the current time to [`Connection::handle_timeout`](crate::Connection::handle_timeout). Of
    /// connections that share an [`Input`](crate::Input), either all have deadlines or none has.
    #[must_use]
    pub fn keepalive(mut self, keepalive: Keepalive) -> Self {
        self.policy().keepalive = keepalive;
        self
    }

    /// Limits how much a peer may send in a second. Default: no limit. It needs the time, as
    /// [`keepalive`](Config::keepalive) does.
    #[must_use]
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.policy().rate = Some(limit);
        self
    }

    /// Whether [`Connection::counters`](crate::Connection::counters) counts. Default false.
    #[must_use]
    pub fn count(mut self, on: bool) -> Self {
        self.policy().counts = on;
        self
    }

    /// The deadlines; `None` where there are none.
    pub fn deadlines(&self) -> Option<&Keepalive> {
        let policy = self.policy.as_deref()?;
        (policy.keepalive != Keepalive::off()).then_some(&policy.keepalive)
    }

    /// The limit on what a peer may send in a second; `None` where there is none.
    pub fn rate(&self) -> Option<RateLimit> {
        self.policy.as_ref()?.rate
    }

    /// Whether connections count.
    pub fn counts(&self) -> bool {
        self.policy.as_ref().is_some_and(|policy| policy.counts)
    }

    fn policy(&mut self) -> &mut Policy {
        Arc::make_mut(self.policy.get_or_insert_with(|| Arc::new(Policy::new())))
    }

    /// Compresses messages, if the peer does (permessage-deflate, RFC 7692). Default: does not. A client's handshake
    /// offers the extension then, a server's accepts it. Where there is no handshake,
    /// [`Connection::with_deflate`](crate::Connection::with_deflate) says what was agreed on; this alone does nothing.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(mut self, deflate: DeflateConfig) -> Self {
        self.deflate = Some(deflate);
        self
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}
