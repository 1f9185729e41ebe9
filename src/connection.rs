//! One connection: the receiving and the sending half, joined.

#[cfg(feature = "deflate")]
mod deflating;
mod halves;
#[cfg(feature = "deflate")]
mod inflating;
mod output;
mod receive;
mod reply;
mod reserved_bits;
mod send;
mod send_methods;
mod tally;
mod timing;
#[cfg(not(feature = "deflate"))]
mod without_deflate;
#[cfg(not(feature = "deflate"))]
use without_deflate as deflating;
#[cfg(not(feature = "deflate"))]
use without_deflate as inflating;

pub use halves::ReceiveHalf;
pub use output::Output;
pub use receive::Received;
pub use reply::Reply;
pub use reserved_bits::ReservedBitInUse;
pub use send::{MessageWriter, SendHalf};
pub use tally::Counters;

use crate::config::Config;
#[cfg(feature = "deflate")]
use crate::deflate::{DeflateConfig, DeflateParameters};
use crate::event::Event;
use crate::frame::MaskingKeys;
use crate::input::Input;
use crate::instant::Instant;
use crate::interest::Interest;
use crate::role::Role;
use crate::seed::Seed;
use alloc::boxed::Box;
use core::time::Duration;
use receive::{Look, Receiver};
use tally::Tally;

/// One WebSocket connection after its handshake: bytes in, events out; messages in, bytes out.
///
/// It does no I/O. The caller appends what comes from the wire to an [`Input`], takes events out of it with
/// [`receive`](Connection::receive), and writes [`output`](Connection::output) to the wire;
/// [`interest`](Connection::interest) says which of the two is due.
///
/// What a peer does wrong never makes a method fail: it ends the connection with the Close frame that is due in the
/// output, and with [`Event::Closed`] as the last event.
///
/// ```
/// use ws_proto::{CloseCode, Config, Connection, Event, Input, Seed};
///
/// let mut server = Connection::server(&Config::new());
/// let mut client = Connection::client(Seed::new([1; 32]), &Config::new());
///
/// client.send_text("hello")?;
/// client.close(CloseCode::NORMAL)?;
/// let mut input = Input::new();
/// input.put(client.output());
///
/// while let Some(event) = server.receive(&mut input) {
///     match event {
///         Event::Text(text) => assert_eq!(text, "hello"),
///         Event::Closed(closed) => assert_eq!(closed.code(), 1000),
///         event => panic!("unexpected {event:?}"),
///     }
/// }
/// assert!(server.interest().write, "the answer to the Close frame");
/// # Ok::<(), ws_proto::SendError>(())
/// ```
#[derive(Debug)]
pub struct Connection {
    receiver: Receiver,
    sender: SendHalf,
}

impl Connection {
    /// The server's end of a stream on which the handshake is done.
    pub fn server(config: &Config) -> Self {
        Self::new(Role::Server, None, config)
    }

    /// The client's end of a stream on which the handshake is done. The seed is the source of its masking keys.
    pub fn client(seed: Seed, config: &Config) -> Self {
        Self::with_keys(MaskingKeys::new(seed), config)
    }

    pub(crate) fn with_keys(keys: Box<MaskingKeys>, config: &Config) -> Self {
        Self::new(Role::Client, Some(keys), config)
    }

    #[inline]
    fn new(role: Role, keys: Option<Box<MaskingKeys>>, config: &Config) -> Self {
        // First what may allocate, so that the rest is built in place and not moved across that call.
        let sender = SendHalf::new(role, keys, config);
        Self { receiver: Receiver::new(role, config), sender }
    }

    /// The next event that the input holds, or `None` when more bytes are needed.
    ///
    /// The event borrows `input`; with the next call its bytes leave the input. While there is anything in it, the input
    /// belongs to this connection; when it [is empty](Input::is_empty), another connection may use it. Receive until there
    /// is `None`, then read.
    ///
    /// What comes after the peer's Close frame is not looked at. It stays in the input, for
    /// [`Input::into_unread`], until the first call that returns `None`; after a violation it is dropped at once.
    ///
    /// *Complexity*: linear in the bytes received, however they are cut: each is unmasked once and, if it is text, validated
    /// once. A Close frame allocates. A compressed message takes time and memory by what it inflates to, at most
    /// [`Config::max_message`].
    #[inline(always)]
    pub fn receive<'i>(&mut self, input: &'i mut Input) -> Option<Event<'i>> {
        match self.receiver.look(input) {
            Look::Nothing => self.nothing(input),
            Look::Message(kind, range) => Some(receive::message(kind, input, range)),
            Look::Closer => self.receive_longer(input),
        }
    }

    #[inline(never)]
    fn receive_longer<'i>(&mut self, input: &'i mut Input) -> Option<Event<'i>> {
        match self.receiver.look_closer(input) {
            Look::Nothing => self.nothing(input),
            Look::Message(kind, range) => {
                if self.sender.keeps_time() {
                    self.sender.note_payload(range.len());
                }
                Some(receive::message(kind, input, range))
            }
            Look::Closer if self.sender.keeps_time() => self.receive_any_in_time(input),
            Look::Closer => self.receive_any(input),
        }
    }

    #[inline(never)]
    fn receive_any_in_time<'i>(&mut self, input: &'i mut Input) -> Option<Event<'i>> {
        // Before an event borrows the input.
        self.note_received(input);
        let event = self.receive_any(input)?;
        self.sender.note_event(&event);
        Some(event)
    }

    /// More bytes are needed. What has come is noted, if it matters.
    #[inline(always)]
    fn nothing<'i>(&mut self, input: &mut Input) -> Option<Event<'i>> {
        if self.sender.keeps_time() {
            self.note_received(input);
        }
        None
    }

    #[inline(never)]
    fn note_received(&mut self, input: &mut Input) {
        let messages = self.receiver.take_messages().into();
        let is_under_way = self.receiver.is_under_way(input);
        self.sender.note_received(&Tally { bytes: input.take_received(), messages, is_under_way, ..Tally::default() });
    }

    #[inline(never)]
    fn receive_any<'i>(&mut self, input: &'i mut Input) -> Option<Event<'i>> {
        if let Some(closed) = self.sender.closed() {
            return Some(Event::Closed(closed));
        }
        let Some(Received { event, reply }) = self.receiver.receive_any(input) else {
            return self.sender.closed().map(Event::Closed);
        };
        if let Some(reply) = reply {
            self.sender.reply(reply);
        }
        // The answer to this side's Close is not one to be answered: it is the end.
        let is_answer = matches!(event, Some(Event::Close(_))) && !self.sender.has_to_answer_close();
        if event.is_some() && !is_answer {
            return event;
        }
        self.sender.closed().map(Event::Closed)
    }

    /// Records that the transport has nothing more to give. What the input still holds can be received, then comes
    /// [`Event::Closed`], unless that has been returned already; receive all of it before you hang up. What waits in the
    /// output is still to be written, as the peer may have ended its side alone.
    ///
    /// Call it when reading or writing fails, too: a reset is the end of the stream, and once [`Event::Closed`] has been
    /// returned it is nothing at all. Where a write fails, the transport may still hold what the peer had sent before: read
    /// that first, up to the end or the error that reading meets. It may be called repeatedly. What can never be written keeps
    /// [`Interest::hang_up`] from being set and, until the connection is over, [`Interest::congested`] set: after a write that
    /// failed, drop it with [`Output::clear`].
    ///
    /// Over a stream of HTTP/2 (RFC 8441 §5) or HTTP/3 (RFC 9220 §3) it is the same, in other words:
    ///
    /// | | TCP | HTTP/2 | HTTP/3 |
    /// |---|---|---|---|
    /// | the end | FIN | END_STREAM | FIN of the QUIC stream |
    /// | a reset | RST | RST_STREAM | the QUIC stream is reset |
    ///
    /// Call it for either. When [`Interest::hang_up`] asks for it, send the end, behind all of the output. To give up before
    /// that, as after a deadline, reset the stream, with CANCEL over HTTP/2 and H3_REQUEST_CANCELLED over HTTP/3.
    pub fn receive_eof(&mut self) {
        let reply = self.receiver.receive_eof();
        self.sender.reply(reply);
    }

    /// What the connection wants of its transport next.
    #[inline]
    pub fn interest(&self) -> Interest {
        let interest = self.sender.interest();
        Interest { read: interest.read && self.receiver.wants_read(), ..interest }
    }

    /// Takes the current time: call it each time [`receive`](Connection::receive) has returned `None`, and at the latest at the
    /// [`deadline`](Interest::deadline). Where a task wakes for both, it reads first: bytes that still lie in the socket count as
    /// silence. It does what is due by [`Config::keepalive`] and [`Config::rate_limit`]: sends a Ping or Close frame, or ends the
    /// connection. Then ask for the [`interest`](Connection::interest) again.
    ///
    /// What has been received and written since the last call counts as if it had happened now. So deadlines are exact if
    /// it is called after each read and write, and late by at most their own time if it is called only when one has passed. A
    /// call that is late by a quarter of a wait or more gives the peer that wait once more, so look in steps that are much
    /// shorter than the shortest wait.
    /// Whether it is called early, late or repeatedly, nothing is sent twice, and nothing ends before its time. Time must not go
    /// back: what happens after a call with an earlier one counts as if it had happened then.
    ///
    /// When a deadline ends the connection, the end is returned by [`receive`](Connection::receive) as any other, and bytes
    /// that have not been received are dropped: call that once more after this. Until then [`hang_up`](Interest::hang_up) is not
    /// set, and the deadline is due.
    ///
    /// ```
    /// use core::time::Duration;
    /// use ws_proto::{Cause, Config, Connection, Event, Input, Instant, Keepalive, Timeout};
    ///
    /// let at = |seconds| Instant::new(Duration::from_secs(seconds));
    /// let mut ws = Connection::server(&Config::new().keepalive(Keepalive::new()));
    /// ws.handle_timeout(at(0));
    /// let deadline = ws.interest().deadline.expect("nothing has come");
    /// assert_eq!((deadline.at, deadline.reason), (at(30), Timeout::Ping));
    ///
    /// ws.handle_timeout(at(30));
    /// assert!(ws.interest().write, "a Ping");
    /// ws.output().clear(); // it is written
    /// ws.handle_timeout(at(30));
    /// assert_eq!(ws.interest().deadline.map(|deadline| deadline.at), Some(at(50)));
    ///
    /// ws.handle_timeout(at(50));
    /// let Some(Event::Closed(closed)) = ws.receive(&mut Input::new()) else { panic!("it is over") };
    /// assert_eq!(closed.cause, Cause::TimedOut(Timeout::Pong));
    /// assert!(ws.interest().hang_up);
    /// ```
    ///
    /// *Complexity*: constant.
    #[inline]
    pub fn handle_timeout(&mut self, now: Instant) {
        if !self.sender.keeps_time() {
            return;
        }
        self.sender.handle_timeout(now);
        if self.sender.gave_up() {
            self.receiver.stop();
        }
    }

    /// Says that the application does not read for now: [`Interest::read`] is false until
    /// [`resume_reading`](Connection::resume_reading), and the peer's silence has no deadline in between. It is for
    /// back-pressure. What the input holds can be received all the same. A driver that does not, because each event becomes
    /// output, receives again as soon as [`Interest::congested`] is false; it is also false when a deadline has ended the
    /// connection.
    pub fn pause_reading(&mut self) {
        self.sender.pause_reading();
    }

    /// Says that the application reads again. Without [`pause_reading`](Connection::pause_reading) it does nothing.
    pub fn resume_reading(&mut self) {
        self.sender.resume_reading();
    }

    /// How long the last Ping that was sent by itself ([`Keepalive::ping`](crate::Keepalive::ping)) took from when it was
    /// written to its Pong, if nothing else came in between; as exact as [`handle_timeout`](Connection::handle_timeout) is
    /// called often.
    pub fn round_trip(&self) -> Option<Duration> {
        self.sender.round_trip()
    }

    /// What has come and gone, with [`Config::count`]; `None` without.
    ///
    /// ```
    /// # use ws_proto::{Config, Connection};
    /// let mut ws = Connection::server(&Config::new().count(true));
    /// ws.send_text("hello")?;
    /// ws.output().clear(); // it is written
    /// let counters = ws.counters().expect("it counts");
    /// assert_eq!((counters.messages_sent, counters.bytes_sent), (1, 7));
    /// # Ok::<(), ws_proto::SendError>(())
    /// ```
    pub fn counters(&self) -> Option<Counters> {
        let mut counters = self.sender.counters()?;
        counters.messages_received += u64::from(self.receiver.messages());
        Some(counters)
    }

    /// The bytes that wait to be written, a [`Buf`](bytes::Buf). Bind it to a name to hold on to a chunk of it:
    /// `let output = ws.output();`.
    #[inline]
    pub fn output(&mut self) -> &mut Output {
        self.sender.output()
    }

    /// How many bytes wait to be written.
    pub fn buffered(&self) -> usize {
        self.sender.buffered()
    }

    /// Whether messages may be sent: until this side's Close, or the end. The output may still be full.
    pub const fn can_send(&self) -> bool {
        self.sender.can_send()
    }

    /// Gives back the memory of the output, if nothing waits in it, and that of compression, if no message is under
    /// way. It is kept otherwise, so that a busy connection does not allocate for every message; call this when a
    /// connection goes quiet.
    ///
    /// Of compression, only what the peer may still refer to stays: up to a window's size of what it sent last. What
    /// this side sends next begins with an empty window.
    pub fn release_memory(&mut self) {
        self.receiver.release_memory();
        self.sender.release_memory();
    }

    /// Takes over the limits of another configuration, for messages that begin after this: `max_frame`, `max_message`,
    /// `max_fragments`, `max_buffered`, `high_water` and `fragment_size`; the rest of it changes nothing. Where a message is
    /// under way, its later frames are held to the new limits, and if it is compressed, all that it inflates to.
    ///
    /// ```
    /// # use ws_proto::{Config, Connection};
    /// let before = Config::new().max_message(4 << 10);
    /// let mut ws = Connection::server(&before);
    /// // … once the peer has said who it is:
    /// ws.set_limits(&before.max_message(64 << 20));
    /// ```
    pub fn set_limits(&mut self, config: &Config) {
        self.receiver.set_limits(config);
        self.sender.set_limits(config);
    }

    /// Which end this is.
    pub const fn role(&self) -> Role {
        self.sender.role()
    }
}

#[cfg(feature = "deflate")]
impl Connection {
    /// Compresses messages as was agreed on (RFC 7692), on a stream that was upgraded elsewhere. Call it before
    /// anything is received or sent. The handshakes of this crate see to it by themselves. RSV1 belongs to compression from
    /// then on, even if [`set_reserved_bits`](Connection::set_reserved_bits) has given it to the application before.
    /// [`DeflateConfig::answer`] and [`DeflateConfig::confirm`] negotiate from header values.
    ///
    /// ```
    /// use ws_proto::{Config, Connection, DeflateConfig, DeflateParameters};
    ///
    /// let agreed: DeflateParameters = "permessage-deflate; client_max_window_bits=12".parse()?;
    /// let ws = Connection::server(&Config::new()).with_deflate(&DeflateConfig::new(), agreed);
    /// assert_eq!(ws.deflate_parameters(), Some(agreed));
    /// # Ok::<(), ws_proto::NegotiationError>(())
    /// ```
    #[must_use]
    pub fn with_deflate(mut self, config: &DeflateConfig, agreed: DeflateParameters) -> Self {
        self.agree_on_deflate(config, agreed);
        self
    }

    pub(crate) fn agree_on_deflate(&mut self, config: &DeflateConfig, agreed: DeflateParameters) {
        let agreed = agreed.clamped();
        self.receiver.allow_compressed(self.sender.role(), config, agreed);
        self.sender.compress(config, &agreed);
    }

    /// What was agreed on for permessage-deflate, if messages may come compressed and go out so.
    pub fn deflate_parameters(&self) -> Option<DeflateParameters> {
        self.receiver.deflate_parameters()
    }
}

#[cfg(feature = "handshake")]
impl Connection {
    /// Puts the head of the handshake's response ahead of every frame.
    #[inline]
    pub(crate) fn precede(&mut self, head: bytes::BytesMut) {
        self.sender.precede(head);
    }
}
