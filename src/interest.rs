//! What the connection wants of its transport next.

use crate::deadline::Deadline;

/// What a connection wants of its transport next, from [`Connection::interest`](crate::Connection::interest).
///
/// Ask after every call, and do what is set; when nothing is, the connection waits for the application. Every call counts at
/// once, [`receive_eof`](crate::Connection::receive_eof) included.
///
/// ```
/// use ws_proto::bytes::Buf;
/// use ws_proto::{CloseCode, Config, Connection, Input};
///
/// let mut ws = Connection::server(&Config::new());
/// assert!(ws.interest().read && !ws.interest().write, "nothing has been sent");
///
/// ws.close(CloseCode::NORMAL)?;
/// assert!(ws.interest().read && ws.interest().write, "the peer may still send");
///
/// let mut input = Input::from(&b"\x88\x82\0\0\0\0\x03\xe8"[..]); // its Close
/// while let Some(event) = ws.receive(&mut input) {
///     drop(event);
/// }
/// assert!(!ws.interest().read && !ws.interest().hang_up, "this side's Close is to be written first");
/// ws.output().advance(4);
/// assert!(ws.interest().hang_up);
/// # Ok::<(), ws_proto::SendError>(())
/// ```
#[must_use = "the transport has to do what the connection wants"]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Interest {
    /// Read from the wire into the [`Input`](crate::Input). False when nothing that could come matters any more, after
    /// [`pause_reading`](crate::Connection::pause_reading), and while a [`RateLimit`](crate::RateLimit) is exceeded.
    ///
    /// An application that answers what it reads should write its answers before it reads on, or stop reading while the
    /// output is [congested](Interest::congested): otherwise a peer that does not read fills it up to
    /// [`Config::max_buffered`](crate::Config::max_buffered).
    pub read: bool,
    /// Write [`Connection::output`](crate::Connection::output) to the wire.
    pub write: bool,
    /// Close the transport: everything is written. After both Close frames it is set at once on a server, and on a client
    /// when the server has hung up and [`receive_eof`](crate::Connection::receive_eof) has been called (RFC 6455 §7.1.1),
    /// or the deadline for that ([`Keepalive::close`](crate::Keepalive::close)) has passed. After a violation, and after
    /// the end of the stream, it is set on either side. After [`Cause::TimedOut`](crate::Cause::TimedOut) it is set when
    /// [`Event::Closed`](crate::Event::Closed) has been returned. Receive what the input still holds before that.
    ///
    /// End the writing side first and read on for a moment, so that unread bytes do not make the operating system reset
    /// the connection and take the last frame with it (RFC 6455 §7.1.1).
    pub hang_up: bool,
    /// More waits in the output than [`Config::high_water`](crate::Config::high_water). It changes nothing by itself. A
    /// server that answers what it reads should stop reading until it is false again: call
    /// [`pause_reading`](crate::Connection::pause_reading) first, so that the peer's silence is not counted, and ask for the
    /// interest then. With compression it should stop receiving, too, as one read can inflate to many events. False once the
    /// connection is over, whatever still waits, so that its end is received. A write that failed is not yet the end: call
    /// [`Output::clear`](crate::Output::clear) then. A server that broadcasts can close those who read too slowly, with
    /// [`Connection::close_now`](crate::Connection::close_now).
    ///
    /// Two peers that both stop reading because neither reads wait for each other until the deadline for that
    /// ([`Keepalive::write`](crate::Keepalive::write)).
    pub congested: bool,
    /// Call [`Connection::handle_timeout`](crate::Connection::handle_timeout) at this time at the latest. `None` without
    /// [`Config::keepalive`](crate::Config::keepalive) and [`Config::rate_limit`](crate::Config::rate_limit), and while there is
    /// nothing to wait for.
    pub deadline: Option<Deadline>,
}
