//! The receiving half of a connection that was taken apart, and how both are joined again.

use super::Connection;
use super::receive::{Received, Receiver};
use super::reply::{Due, Reply};
use super::send::SendHalf;
use super::tally::Tally;
use crate::config::Config;
#[cfg(feature = "deflate")]
use crate::deflate::DeflateParameters;
use crate::input::Input;
use crate::role::Role;
use alloc::boxed::Box;
use core::mem;

/// The receiving half of a connection that was taken apart with
/// [`Connection::into_halves`](crate::Connection::into_halves).
///
/// ```
/// use ws_proto::{Config, Connection, Event, Input};
///
/// let (mut receiver, mut sender) = Connection::server(&Config::new()).into_halves();
/// let mut input = Input::from(&b"\x89\x80\0\0\0\0\x81\x82\0\0\0\0hi"[..]); // a Ping, and a text message
/// let mut texts = Vec::new();
/// while let Some(received) = receiver.receive(&mut input) {
///     if let Some(Event::Text(text)) = received.event {
///         texts.push(text.to_string());
///     }
///     if let Some(reply) = received.reply {
///         sender.reply(reply); // through a channel, where the halves are on two tasks
///     }
/// }
/// assert_eq!(texts, ["hi"]);
/// assert_eq!(sender.buffered(), 2, "the Pong");
/// ```
#[derive(Debug)]
pub struct ReceiveHalf {
    receiver: Receiver,
    role: Role,
    /// What has come since it was last passed on, if the sending half keeps time.
    tally: Option<Tally>,
}

impl ReceiveHalf {
    fn new(receiver: Receiver, role: Role, keeps_time: bool) -> Self {
        Self { receiver, role, tally: keeps_time.then(Tally::default) }
    }

    /// What the input holds next, or `None` when more bytes are needed or nothing more can come; for the rest as
    /// [`Connection::receive`](crate::Connection::receive). The end is not an event here: [`SendHalf::closed`] returns it,
    /// once it has been given the reply that brings it.
    ///
    /// [`SendHalf::closed`]: crate::SendHalf::closed
    pub fn receive<'i>(&mut self, input: &'i mut Input) -> Option<Received<'i>> {
        if let Some(tally) = &mut self.tally {
            // What has come is known before it is looked at: the event borrows the input.
            tally.bytes += input.take_received();
        }
        let received = self.receiver.receive(input);
        if let (Some(tally), Some(Received { event: Some(event), .. })) = (&mut self.tally, &received) {
            tally.event(self.role, event);
        }
        received
    }

    /// Which end this is.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// What the sending half has to know to keep time and to count, if anything has come since the last call: a
    /// [`Reply`] as the others. Call it when [`receive`](ReceiveHalf::receive) has returned `None`. It is `None` always on a
    /// connection that keeps no time.
    pub fn activity(&mut self, input: &Input) -> Option<Reply> {
        let is_under_way = self.receiver.is_under_way(input);
        let tally = self.tally.as_mut()?;
        tally.messages += u64::from(self.receiver.take_messages());
        if tally.bytes == 0 && tally.messages == 0 {
            return None;
        }
        tally.is_under_way = is_under_way;
        Some(Reply(Due::Received(mem::take(tally))))
    }

    /// Records that the transport has nothing more to give. What the input still holds can be received. The reply has to go
    /// to the sending half, as those of [`receive`](ReceiveHalf::receive) do. Receive until `None` then: the last of these
    /// replies is the one that brings the end.
    pub fn receive_eof(&mut self) -> Reply {
        self.receiver.receive_eof()
    }

    /// Looks at nothing more: call it when [`SendHalf::closed`](crate::SendHalf::closed) has returned an end that this half
    /// does not know of, such as a deadline that has passed. It does not wake a read that is under way: shut the socket down
    /// for that.
    pub fn stop(&mut self) {
        self.receiver.stop();
    }

    /// Gives the memory back that receiving compressed messages took, as far as it is not needed for the next one.
    pub fn release_memory(&mut self) {
        self.receiver.release_memory();
    }

    /// As [`Connection::set_limits`](crate::Connection::set_limits), for what is received.
    pub fn set_limits(&mut self, config: &Config) {
        self.receiver.set_limits(config);
    }

    /// As [`Connection::deflate_parameters`](crate::Connection::deflate_parameters).
    #[cfg(feature = "deflate")]
    pub fn deflate_parameters(&self) -> Option<DeflateParameters> {
        self.receiver.deflate_parameters()
    }

    /// Whether to go on reading: until the end of the stream or a violation. After the peer's Close nothing that comes is
    /// looked at, but a client reads on until the server hangs up (RFC 6455 §7.1.1).
    pub const fn wants_read(&self) -> bool {
        self.receiver.wants_read()
    }

    /// Whether the last event has been returned, and what comes on the wire is no longer looked at.
    pub const fn is_over(&self) -> bool {
        self.receiver.is_over()
    }
}

impl Connection {
    /// Takes the connection apart, so that one task reads and another writes without a lock. What the sending half has to do
    /// about what was received travels to it as a value.
    ///
    /// * The reader receives, passes every `reply` on, and reads while [`wants_read`](ReceiveHalf::wants_read). At the end of
    ///   the stream, or when reading fails, it passes on what [`receive_eof`](ReceiveHalf::receive_eof) returns, and receives
    ///   until there is `None`.
    /// * The writer takes replies, looks whether there is a [`closed`](SendHalf::closed), and writes while
    ///   [`interest`](SendHalf::interest) says so. When `closed` has returned the end and `interest` says `hang_up`, it ends
    ///   the writing side, lets the reader read on for a moment, and drops both. At the end of the stream `hang_up` may come
    ///   ahead of the reply that brings the end.
    /// * Whether the output is [congested](crate::Interest::congested), and whether the peer has sent more than a
    ///   [`RateLimit`](crate::RateLimit) allows ([`Interest::read`](crate::Interest::read) is false then), the writer knows; the
    ///   bounded channel makes the reader wait.
    /// * One bounded channel for replies and messages keeps them in order and gives the back-pressure: a Close that
    ///   overtakes a message would refuse it, and the channel's capacity is memory that the peer can fill.
    /// * The writer keeps time ([`handle_timeout`](SendHalf::handle_timeout)), and the reader passes on what has come
    ///   ([`activity`](ReceiveHalf::activity)) after each read, as a reply.
    ///
    /// [`from_halves`](Connection::from_halves) joins them again.
    ///
    /// ```
    /// # use ws_proto::{Config, Connection, Input};
    /// # let (ws, mut input) = (Connection::server(&Config::new()), Input::from(vec![0x89, 0x80, 1, 2, 3, 4]));
    /// let (mut receiver, mut sender) = ws.into_halves();
    /// let (replies, due) = std::sync::mpsc::sync_channel(32);
    ///
    /// // On the reading side:
    /// while let Some(received) = receiver.receive(&mut input) {
    ///     if let Some(reply) = received.reply {
    ///         replies.send(reply)?;
    ///     }
    ///     // … and look at received.event
    /// }
    /// if let Some(reply) = receiver.activity(&input) {
    ///     replies.send(reply)?;
    /// }
    ///
    /// // On the writing side:
    /// while let Ok(reply) = due.try_recv() {
    ///     sender.reply(reply);
    /// }
    /// assert!(sender.interest().write, "the Pong that is due");
    /// assert_eq!(sender.closed(), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_halves(self) -> (ReceiveHalf, SendHalf) {
        let Self { receiver, sender } = self;
        (ReceiveHalf::new(receiver, sender.role(), sender.keeps_time()), sender)
    }

    /// Joins the halves again that [`into_halves`](Connection::into_halves) has returned. All replies have to have been
    /// passed on before.
    ///
    /// ```
    /// # use ws_proto::{Config, Connection};
    /// # let ws = Connection::server(&Config::new());
    /// let (receiver, sender) = ws.into_halves();
    /// let ws = Connection::from_halves(receiver, sender).expect("the halves of one connection");
    /// ```
    ///
    /// # Errors
    /// The halves, if they cannot be those of one connection: they are of different ends, or only one of them keeps time or
    /// compresses. That they are those of two connections of a kind is not noticed.
    pub fn from_halves(mut receiver: ReceiveHalf, mut sender: SendHalf) -> Result<Self, Box<(ReceiveHalf, SendHalf)>> {
        let belong_together = receiver.role == sender.role()
            && receiver.tally.is_some() == sender.keeps_time()
            && receiver.receiver.inflates() == sender.compresses();
        if !belong_together {
            return Err(Box::new((receiver, sender)));
        }
        if let Some(mut tally) = receiver.tally.take().filter(|tally| tally.bytes > 0) {
            // Until the next look says so.
            tally.is_under_way = true;
            sender.reply(Reply(Due::Received(tally)));
        }
        Ok(Self { receiver: receiver.receiver, sender })
    }
}
