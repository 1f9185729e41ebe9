//! The server's side of the handshake: reads a request, or takes one that was parsed elsewhere, and answers it (RFC 6455
//! §4.2, RFC 8441 §5).

mod acceptance;
mod answer;
mod http1;
mod parsed;
mod reason;
mod rejection;
mod request;
mod request_head;
mod response;
mod rules;

pub use acceptance::Acceptance;
pub use answer::Answer;
#[cfg(feature = "http")]
pub(super) use parsed::size_of_line;
pub use reason::Reason;
pub use rejection::Rejection;
pub use request::Request;
pub use request_head::RequestHead;
pub use response::Response;

use super::head::HeadReader;
use super::time_limit::TimeLimit;
use crate::config::Config;
use crate::deadline::Deadline;
use crate::input::Input;
use crate::instant::Instant;
use crate::role::Role;

/// A server's handshake before the request is complete.
///
/// ```
/// use bytes::Buf;
/// use ws_proto::{Config, Input, handshake::server::{Answer, Handshake}};
///
/// let mut input = Input::new();
/// input.extend_from_slice(
///     b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
///      Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
/// );
/// let mut handshake = Handshake::new(&Config::new());
/// let request = handshake.receive(&mut input)?.expect("the request is complete");
/// assert_eq!(request.path(), "/chat");
///
/// let mut ws = request.accept(Answer::new())?;
/// assert!(ws.output().chunk().starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Handshake {
    reader: HeadReader,
    config: Config,
    state: State,
    time_limit: TimeLimit,
}

#[derive(Debug)]
enum State {
    Reading,
    Received,
    Rejected(Rejection),
}

impl Handshake {
    /// A handshake with these limits; the connection that follows has them too.
    pub fn new(config: &Config) -> Self {
        Self {
            reader: HeadReader::new(Role::Server, config),
            config: config.clone(),
            state: State::Reading,
            time_limit: TimeLimit::new(config),
        }
    }

    /// Returns the request once the input holds its whole head. The head is removed from the input; the bytes after it
    /// stay there. Later calls return `None` and do not change the input.
    ///
    /// A peer that does not speak HTTP is detected by its first bytes ([`Reason::NotHttp`]). Most other errors are
    /// detected only when the head is complete; for a peer that stops in the middle of it there is
    /// [`handle_timeout`](Handshake::handle_timeout).
    ///
    /// # Errors
    /// A [`Rejection`] with the HTTP response to send, if this is not the opening handshake of RFC 6455 §4.2.1 or
    /// exceeds a limit. Later calls return it again.
    ///
    /// *Complexity*: linear in the bytes that are new since the last call; a head above [`Config::max_head`] is refused
    /// as soon as more bytes than that have arrived.
    pub fn receive(&mut self, input: &mut Input) -> Result<Option<Request>, Rejection> {
        match &self.state {
            State::Reading => {}
            State::Received => return Ok(None),
            State::Rejected(rejection) => return Err(rejection.clone()),
        }
        let mut read = http1::read(&mut self.reader, input, &self.config);
        if let Ok(None) = read
            && self.time_limit.is_up()
        {
            read = Err(Rejection::new(Reason::TimedOut, None));
        }
        match &read {
            Ok(None) => {}
            Ok(Some(_)) => self.state = State::Received,
            Err(rejection) => self.state = State::Rejected(rejection.clone()),
        }
        read
    }

    /// Takes the current time: call it when the handshake begins and at the [`deadline`](Handshake::deadline) at the latest. From the
    /// first call on there is as much time as [`Keepalive::handshake`](crate::Keepalive::handshake) says. When it is up,
    /// [`receive`](Handshake::receive), which is to be called next, returns a rejection with [`Reason::TimedOut`] if the input
    /// does not hold the whole request; the deadline is due until then. Calls at other times change nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        if matches!(self.state, State::Reading) {
            self.time_limit.look(now);
        }
    }

    /// When `handle_timeout` has to be called; `None` when the handshake has ended or has no limit.
    pub fn deadline(&self) -> Option<Deadline> {
        match self.state {
            State::Reading => self.time_limit.deadline(),
            State::Received | State::Rejected(_) => None,
        }
    }
}
