//! The server's side: reads a request, answers it (RFC 6455 §4.2).

mod answer;
mod reason;
mod rejection;
mod request;
mod request_head;
mod response;
mod rules;

pub use answer::Answer;
pub use reason::Reason;
pub use rejection::Rejection;
pub use request::Request;
pub use request_head::RequestHead;
pub use response::Response;

use super::head::HeadReader;
use crate::config::Config;
use crate::input::Input;

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
}

#[derive(Debug)]
enum State {
    Reading,
    Received,
    Rejected(Rejection),
}

impl Handshake {
    /// A handshake with these limits; the connection that it ends in has them too.
    pub fn new(config: &Config) -> Self {
        Self { reader: HeadReader::new(config), config: config.clone(), state: State::Reading }
    }

    /// The request, once the input holds it whole; it is taken out of the input, and what follows it stays there. After
    /// that it returns `None`, and leaves the input alone.
    ///
    /// Most faults show only when the head is complete, so a peer that stops in the middle needs a deadline of the
    /// caller's.
    ///
    /// # Errors
    /// A [`Rejection`] with the HTTP answer that is due, if this is not the opening handshake of
    /// RFC 6455 §4.2.1 or goes past a limit. It is returned again if the method is called again.
    ///
    /// *Complexity*: linear in the bytes that are new since the last call; a head above [`Config::max_head`] is refused
    /// before more of it is waited for.
    pub fn receive(&mut self, input: &mut Input) -> Result<Option<Request>, Rejection> {
        match &self.state {
            State::Reading => {}
            State::Received => return Ok(None),
            State::Rejected(rejection) => return Err(rejection.clone()),
        }
        let received = match self.reader.read(input) {
            Ok(None) => return Ok(None),
            Ok(Some(head)) => Request::parse(head, &self.config),
            Err(error) => Err(Rejection::new(error.into(), None)),
        };
        self.state = match &received {
            Ok(_) => State::Received,
            Err(rejection) => State::Rejected(rejection.clone()),
        };
        received.map(Some)
    }
}
