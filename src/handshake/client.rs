//! The client's side of the handshake: writes a request and reads the response (RFC 6455 §4.1).

mod error;
mod exchange;
mod http1;
mod request;
mod response;
mod rules;
mod tolerant;

pub use error::{Error, Flaw};
pub use exchange::{Established, Exchange};
pub use request::Request;
pub use response::{Accepted, Declined, ResponseHead};

use super::head::HeadReader;
use super::key::{accept_for, from_nonce};
use crate::config::Config;
use crate::connection::Connection;
use crate::frame::MaskingKeys;
use crate::input::Input;
use crate::role::Role;
use crate::seed::Seed;
use alloc::boxed::Box;
use bytes::Bytes;
use core::fmt;
use http1::ResponseReader;
use rules::Offered;

/// A client's handshake. Nothing but the request is sent until the server has answered (RFC 6455 §4.1).
///
/// ```
/// use bytes::Buf;
/// use ws_proto::{Config, Input, Seed, handshake::client::{Handshake, Request}};
///
/// let request = Request::new("ws://localhost:9001/".parse()?);
/// let mut handshake = Handshake::new(&request, Seed::random()?, &Config::new());
/// assert!(handshake.output().chunk().starts_with(b"GET / HTTP/1.1\r\nHost: localhost:9001\r\n"));
///
/// let mut input = Input::new();
/// assert!(handshake.receive(&mut input)?.is_none(), "the response has not arrived");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Handshake {
    reader: ResponseReader,
    output: Bytes,
    /// Taken by the connection when the server accepts.
    keys: Option<Box<MaskingKeys>>,
    failed: Option<Flaw>,
}

impl Handshake {
    /// A handshake that sends this request, with a nonce drawn from the seed. If the [`Config`] enables compression, it
    /// offers permessage-deflate.
    pub fn new(request: &Request, seed: Seed, config: &Config) -> Self {
        let mut keys = Box::new(MaskingKeys::new(seed));
        // RFC 6455 §4.1: the nonce is chosen afresh for each connection.
        let key = from_nonce(keys.nonce());
        Self {
            reader: ResponseReader::new(
                HeadReader::new(Role::Client, config),
                Offered { config: config.clone(), subprotocols: request.subprotocols.clone() },
                accept_for(&key),
            ),
            output: request.encode(&key, config),
            keys: Some(keys),
            failed: None,
        }
    }

    /// The bytes of the request that are still to be written, a [`Buf`](bytes::Buf).
    pub fn output(&mut self) -> &mut Bytes {
        &mut self.output
    }

    /// Returns the connection once the input holds the server's whole response and that is a valid 101. The response is
    /// removed from the input; the bytes after it stay there. A 101 has no body, whatever `Content-Length` and
    /// `Transfer-Encoding` say (RFC 9112 §6.3): what follows its head is frames. Lines may end in a line feed alone
    /// (RFC 9112 §2.2), folded lines are unfolded (§5.2), and a malformed header line is passed over, unless it is one of
    /// those that make a 101 valid. Interim responses (RFC 9110 §15.2) are passed over; together with the final head they count
    /// towards [`Config::max_head`].
    ///
    /// A peer that does not speak HTTP is detected by its first bytes ([`Flaw::NotHttp`]). The caller needs a timeout for
    /// a server that stops in the middle of a response.
    ///
    /// # Errors
    /// [`Error::Declined`] if the server responds with another status, [`Error::Invalid`] if its response breaks the
    /// rules of RFC 6455 §4.1. Close the transport then. Later calls return [`Flaw::Over`] or the same flaw.
    ///
    /// *Complexity*: linear in the bytes that are new since the last call; a head above [`Config::max_head`] is refused
    /// as soon as more bytes than that have arrived.
    pub fn receive(&mut self, input: &mut Input) -> Result<Option<Accepted>, Error> {
        if let Some(flaw) = self.failed {
            return Err(Error::Invalid(flaw));
        }
        let answer = match self.reader.read(input) {
            Ok(None) => return Ok(None),
            Ok(Some(answer)) => Ok(answer),
            Err(flaw) => Err(flaw),
        };
        let checked = answer.and_then(|(response, agreed)| match agreed {
            Some((agreement, subprotocol)) => {
                let keys = self.keys.take().ok_or(Flaw::Over)?;
                let mut connection = Connection::with_keys(keys, &self.reader.offered.config);
                agreement.apply(&mut connection);
                Ok(Ok(Accepted { connection, response, subprotocol }))
            }
            None => Ok(Err(Declined { response, body: input.split(input.unread().len()) })),
        });
        self.failed = Some(checked.as_ref().err().copied().unwrap_or(Flaw::Over));
        match checked {
            Ok(Ok(accepted)) => Ok(Some(accepted)),
            Ok(Err(declined)) => Err(Error::Declined(declined)),
            Err(flaw) => Err(Error::Invalid(flaw)),
        }
    }
}

/// Shows nothing of the request and of the response.
impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake")
            .field("unwritten", &self.output.len())
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}
