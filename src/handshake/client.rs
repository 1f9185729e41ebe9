//! The client's side of the handshake: writes a request and reads the response, or gives them to an HTTP library
//! (RFC 6455 §4.1, RFC 8441 §5).

mod error;
mod exchange;
mod http1;
mod request;
mod response;
mod rules;
mod tolerant;
mod transaction;

pub use error::{Error, Flaw};
pub use exchange::{Established, Exchange};
pub(super) use http1::{Parsed, Verdict};
pub use request::Request;
pub use response::{Accepted, Declined, ResponseHead};
pub(super) use transaction::{Final, Transaction};

use super::body::BodyError;
use super::key::{accept_for, from_nonce};
use super::retry_error::RetryError;
use crate::config::Config;
use crate::connection::Connection;
use crate::deadline::Deadline;
use crate::frame::MaskingKeys;
use crate::input::Input;
use crate::instant::Instant;
use crate::seed::Seed;
use alloc::boxed::Box;
use bytes::Bytes;
use core::fmt;
use rules::{Agreed, Fields, Offered};

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
    transaction: Transaction,
    offered: Offered,
    /// The `Sec-WebSocket-Accept` that the key requires.
    accept: [u8; 28],
    /// Taken by the connection when the server accepts.
    keys: Option<Box<MaskingKeys>>,
}

impl Handshake {
    /// A handshake that sends this request, with a nonce drawn from the seed. If the [`Config`] enables compression, it
    /// offers permessage-deflate.
    pub fn new(request: &Request, seed: Seed, config: &Config) -> Self {
        let mut keys = MaskingKeys::new(seed);
        // RFC 6455 §4.1: the nonce is chosen afresh for each connection.
        let key = from_nonce(keys.nonce());
        let (head, accept) = (request.encode(&key, config), accept_for(&key));
        let offered = Offered::by(request, config);
        Self { transaction: Transaction::new(head, config), offered, accept, keys: Some(keys) }
    }

    /// The bytes of the request that are still to be written, a [`Buf`](bytes::Buf).
    pub const fn output(&mut self) -> &mut Bytes {
        self.transaction.output()
    }

    /// Returns the connection once the input holds the server's whole response and that is a valid 101. The response is
    /// removed from the input; the bytes after it stay there. A 101 has no body, whatever `Content-Length` and
    /// `Transfer-Encoding` say (RFC 9112 §6.3): what follows its head is frames. Lines may end in a line feed alone
    /// (RFC 9112 §2.2), folded lines are unfolded (§5.2), and a malformed header line is passed over, unless it is one of
    /// those that make a 101 valid. Interim responses (RFC 9110 §15.2) are passed over; together with the final head they count
    /// towards [`Config::max_head`].
    ///
    /// A peer that does not speak HTTP is detected by its first bytes ([`Flaw::NotHttp`]). For a server that stops in the
    /// middle of a response there is [`handle_timeout`](Handshake::handle_timeout).
    ///
    /// # Errors
    /// [`Error::Declined`] if the server responds with another status: the [body](Self::receive_body) of the response can be
    /// received then, and the request be [repeated](Self::retry). [`Error::Invalid`] if the response breaks the rules of
    /// RFC 6455 §4.1: close the transport. Later calls return [`Flaw::Over`] or the same flaw.
    ///
    /// *Complexity*: linear in the bytes that are new since the last call; a head above [`Config::max_head`] is refused
    /// as soon as more bytes than that have arrived.
    pub fn receive(&mut self, input: &mut Input) -> Result<Option<Accepted>, Error> {
        let (offered, accept) = (&self.offered, &self.accept);
        let answer = self.transaction.receive(input, &offered.config, |response| judge(response, offered, accept));
        match answer.map_err(Error::Invalid)? {
            Some(Final::Accepted(response, (agreement, subprotocol))) => {
                let keys = self.keys.take().ok_or(Error::Invalid(Flaw::Over))?;
                let mut connection = Connection::with_keys(keys, &offered.config);
                agreement.apply(&offered.config, &mut connection);
                Ok(Some(Accepted { connection, response, subprotocol }))
            }
            Some(Final::Declined(response)) => Err(Error::Declined(Declined { response })),
            None => Ok(None),
        }
    }

    /// Notes that the stream has ended, so that nothing comes behind what is in the input. Call [`receive`](Self::receive) or
    /// [`receive_body`](Self::receive_body) once more then: a body that the stream ends is whole, and anything else that is
    /// not whole is [`Flaw::Truncated`] or [`BodyError::Truncated`].
    ///
    /// Where the transport can tell an end from a failure, as TLS does with its `close_notify`, a failure is not an end: what
    /// has come of the body may be cut off.
    pub const fn receive_eof(&mut self) {
        self.transaction.receive_eof();
    }

    /// Returns the body of a response that [declines](Error::Declined), once the input holds all of it. What has come is
    /// removed from the input as far as it belongs to the body. The chunked transfer coding is removed; chunk extensions and
    /// trailer fields are passed over. A `Content-Encoding` is the application's: a request does not ask for one by itself.
    ///
    /// The body ends where RFC 9112 §6.3 says: at once for 204 and 304, where the chunked coding ends, after as many bytes as
    /// `Content-Length` says, or where the [stream ends](Self::receive_eof). Another transfer coding than chunked is an error.
    /// `Transfer-Encoding` counts if both are there.
    ///
    /// ```
    /// use ws_proto::{Config, Input, Seed};
    /// use ws_proto::handshake::client::{Error, Handshake, Request};
    ///
    /// let request = Request::new("ws://localhost/".parse()?);
    /// let mut handshake = Handshake::new(&request, Seed::random()?, &Config::new().max_body(64 << 10));
    /// let mut input = Input::new();
    /// input.extend_from_slice(b"HTTP/1.1 503 Service Unavailable\r\nTransfer-Encoding: chunked\r\n\r\na\r\nover ");
    /// assert!(matches!(handshake.receive(&mut input), Err(Error::Declined(_))));
    /// assert!(handshake.receive_body(&mut input)?.is_none(), "it has not come to its end");
    ///
    /// input.extend_from_slice(b"quota\r\n0\r\n\r\n");
    /// assert_eq!(handshake.receive_body(&mut input)?.as_deref(), Some(&b"over quota"[..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`BodyError`] if the body is not framed well, exceeds [`Config::max_body`] or is cut off. Later calls return the same;
    /// what has come is [`partial_body`](Self::partial_body). [`BodyError::Over`] if the server has not declined, or the body
    /// has been returned.
    ///
    /// *Complexity*: linear in the bytes that are new since the last call. No memory is taken for what is only announced.
    pub fn receive_body(&mut self, input: &mut Input) -> Result<Option<Bytes>, BodyError> {
        self.transaction.receive_body(input)
    }

    /// Sends a request again on the same connection, after the server has declined: with `Authorization` after a 401
    /// (RFC 9110 §15.5.2), for another path after a redirect to the same host. It is in the [`output`](Self::output), with a
    /// fresh key (RFC 6455 §4.1), and [`receive`](Self::receive) returns what becomes of it.
    ///
    /// The [body](Self::receive_body) has to be received to its end first, if there is one. How often to ask is the
    /// application's to decide. That the request is for the same host, or the same proxy, is not checked.
    ///
    /// ```
    /// use ws_proto::Input;
    /// use ws_proto::handshake::RetryError;
    /// use ws_proto::handshake::client::{Declined, Handshake, Request};
    ///
    /// /// Once the body has been received.
    /// fn authenticate(handshake: &mut Handshake, declined: &Declined, input: &Input) -> Result<(), Box<dyn std::error::Error>> {
    ///     if declined.response.status() != 401 {
    ///         return Err("not a question of who asks".into());
    ///     }
    ///     let request = Request::new("wss://example.com/".parse()?).basic_auth("Aladdin", "open sesame")?;
    ///     match handshake.retry(&request, input) {
    ///         Ok(()) => Ok(()), // write the output, and go on with `receive`
    ///         Err(RetryError::ConnectionEnds) => Err("a new connection is needed, with a new handshake".into()),
    ///         Err(error) => Err(error.into()),
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// [`RetryError`] if it is not possible. The handshake is as it was then.
    pub fn retry(&mut self, request: &Request, input: &Input) -> Result<(), RetryError> {
        self.transaction.check_retry(input)?;
        let keys = self.keys.as_mut().ok_or(RetryError::NotDeclined)?;
        let key = from_nonce(keys.nonce());
        self.transaction.send(request.encode(&key, &self.offered.config));
        self.offered.replace_by(request);
        self.accept = accept_for(&key);
        Ok(())
    }

    /// Takes the current time: call it when the handshake begins and at the [`deadline`](Handshake::deadline) at the latest. From the
    /// first call on there is as much time as [`Keepalive::handshake`](crate::Keepalive::handshake) says, for the response and the
    /// body of one that declines. When it is up, [`receive`](Handshake::receive) returns [`Flaw::TimedOut`], or
    /// [`receive_body`](Handshake::receive_body) [`BodyError::TimedOut`], if the input does not hold the whole of it: call it
    /// next, as the deadline is due until then. A [retry](Self::retry) has as much time again. Calls at other times change
    /// nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.transaction.handle_timeout(now);
    }

    /// When `handle_timeout` has to be called; `None` when nothing more is to come from the server, or the handshake has no limit.
    pub fn deadline(&self) -> Option<Deadline> {
        self.transaction.deadline()
    }

    /// What has come of the body of a response that declines, decoded, for a body that is not received to its end. It is empty
    /// once the body has been returned.
    pub fn partial_body(&self) -> &[u8] {
        self.transaction.partial_body()
    }
}

/// What a response means. RFC 6455 §4.1: any status other than 101 is handled as HTTP.
#[inline]
fn judge(response: &Parsed<'_, '_>, offered: &Offered, accept: &[u8; 28]) -> Result<Verdict<Agreed>, Flaw> {
    match (response.status, response.flaw) {
        (101, Some(flaw)) => Err(flaw),
        (101, None) => {
            let mut fields = Fields::default();
            for header in response.headers {
                fields.add(header.name, header.value);
            }
            offered.check_upgrade(response.http_minor, accept, &fields).map(Verdict::Accepted)
        }
        (100 | 102..=199, _) => Ok(Verdict::Interim),
        _ => Ok(Verdict::Declined),
    }
}

/// Shows nothing of the request and of the response.
impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake").field("transaction", &self.transaction).finish_non_exhaustive()
    }
}
