//! A tunnel through a forward proxy: the request by CONNECT and the reading of its answer (RFC 9110 §9.3.6).
//!
//! RFC 6455 §4.1 lets a client ask a proxy for a TCP connection to the server. [`Handshake`] does that, and does no I/O, as the
//! handshakes of both sides do. When it has returned, TLS or a [`client::Handshake`](super::client::Handshake) follows on the
//! same transport.

mod error;
mod request;

pub use error::Error;
pub use request::Request;

use super::body::BodyError;
use super::client::{Final, Flaw, Parsed, ResponseHead, Transaction, Verdict};
use super::retry_error::RetryError;
use crate::config::Config;
use crate::deadline::Deadline;
use crate::input::Input;
use crate::instant::Instant;
use bytes::Bytes;
use core::fmt;

/// A request for a tunnel, and what the proxy answers.
///
/// ```no_run
/// use std::{io::Write, net::TcpStream};
/// use ws_proto::handshake::{WebSocketUri, client, proxy};
/// use ws_proto::{Config, Input, Seed};
///
/// let uri: WebSocketUri = "ws://example.com/chat".parse()?;
/// let config = Config::new();
/// let mut socket = TcpStream::connect("proxy.internal:3128")?;
/// let mut input = Input::new();
///
/// let request = proxy::Request::new(&uri).basic_auth("Aladdin", "open sesame")?;
/// let mut tunnel = proxy::Handshake::new(&request, &config);
/// socket.write_all(tunnel.output())?;
/// while tunnel.receive(&mut input)?.is_none() {
///     if input.read_from(&mut socket)? == 0 {
///         tunnel.receive_eof();
///     }
/// }
///
/// // From here on the socket leads to the server; for `wss` TLS comes first.
/// let mut handshake = client::Handshake::new(&client::Request::new(uri), Seed::random()?, &config);
/// socket.write_all(handshake.output())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Handshake {
    transaction: Transaction,
    config: Config,
}

impl Handshake {
    /// A handshake that sends this request. Of the [`Config`] it is [`max_head`](Config::max_head),
    /// [`max_headers`](Config::max_headers) and [`max_body`](Config::max_body) that count.
    pub fn new(request: &Request, config: &Config) -> Self {
        Self { transaction: Transaction::new(request.encode(), config), config: config.clone() }
    }

    /// The bytes of the request that are still to be written, a [`Buf`](bytes::Buf).
    pub const fn output(&mut self) -> &mut Bytes {
        self.transaction.output()
    }

    /// Returns the head of the answer once the proxy has opened the tunnel: with any status from 200 to 299. The head is removed
    /// from the input. It has no body whatever it says (RFC 9110 §9.3.6): the bytes after it come from the server. They stay in
    /// the input, for a [`client::Handshake`](super::client::Handshake) or, by [`Input::into_unread`], for TLS.
    ///
    /// Heads are read as a [client](super::client::Handshake::receive) does it, and interim responses are passed over. For a
    /// proxy that does not answer there is [`handle_timeout`](Self::handle_timeout).
    ///
    /// # Errors
    /// [`Error::Declined`] if the proxy answers with another status, such as 407: its [body](Self::receive_body) can be received
    /// then, and the request be [repeated](Self::retry). [`Error::Invalid`] if it is no HTTP: close the transport. Later calls
    /// return [`Flaw::Over`] or the same flaw.
    ///
    /// *Complexity*: linear in the bytes that are new since the last call.
    pub fn receive(&mut self, input: &mut Input) -> Result<Option<ResponseHead>, Error> {
        match self.transaction.receive(input, &self.config, judge).map_err(Error::Invalid)? {
            Some(Final::Accepted(response, ())) => Ok(Some(response)),
            Some(Final::Declined(response)) => Err(Error::Declined(response)),
            None => Ok(None),
        }
    }

    /// Notes that the stream has ended, as [`client::Handshake::receive_eof`](super::client::Handshake::receive_eof) does.
    pub const fn receive_eof(&mut self) {
        self.transaction.receive_eof();
    }

    /// Takes the current time, as [`client::Handshake::handle_timeout`](super::client::Handshake::handle_timeout) does.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.transaction.handle_timeout(now);
    }

    /// When `handle_timeout` has to be called; `None` when nothing more is to come from the proxy, or the handshake has no limit.
    pub fn deadline(&self) -> Option<Deadline> {
        self.transaction.deadline()
    }

    /// Returns the body of an answer that [declines](Error::Declined), as
    /// [`client::Handshake::receive_body`](super::client::Handshake::receive_body) does.
    ///
    /// # Errors
    /// [`BodyError`] in the same cases.
    pub fn receive_body(&mut self, input: &mut Input) -> Result<Option<Bytes>, BodyError> {
        self.transaction.receive_body(input)
    }

    /// Sends a request again on the same connection, with credentials after a 407 (RFC 9110 §15.5.8), as
    /// [`client::Handshake::retry`](super::client::Handshake::retry) does.
    ///
    /// # Errors
    /// [`RetryError`] in the same cases.
    pub fn retry(&mut self, request: &Request, input: &Input) -> Result<(), RetryError> {
        self.transaction.check_retry(input)?;
        self.transaction.send(request.encode());
        Ok(())
    }

    /// What has come of the body of an answer that declines, decoded; empty once it has been returned.
    pub fn partial_body(&self) -> &[u8] {
        self.transaction.partial_body()
    }
}

/// What the answer to CONNECT means (RFC 9110 §9.3.6).
fn judge(response: &Parsed<'_, '_>) -> Result<Verdict<()>, Flaw> {
    match response.status {
        // RFC 9110 §7.8: nobody has asked for another protocol.
        101 => Err(Flaw::Switching),
        100..=199 => Ok(Verdict::Interim),
        200..=299 => Ok(Verdict::Accepted(())),
        _ => Ok(Verdict::Declined),
    }
}

/// Shows nothing of the request and of the answer.
impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake").field("transaction", &self.transaction).finish_non_exhaustive()
    }
}
