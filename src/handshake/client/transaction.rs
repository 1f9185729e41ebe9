//! A request, its response and what follows that on the same connection: interim responses, a body, another request.

use super::error::Flaw;
use super::http1::{Parsed, Read, ResponseReader, Verdict};
use super::response::ResponseHead;
use crate::config::Config;
use crate::deadline::Deadline;
use crate::handshake::body::{BodyError, BodyReader, Framing};
use crate::handshake::retry_error::RetryError;
use crate::handshake::time_limit::TimeLimit;
use crate::input::Input;
use crate::instant::Instant;
use bytes::Bytes;
use core::fmt;

/// The client's end of an HTTP connection: one request at a time, until a response accepts or fails.
pub(in crate::handshake) struct Transaction {
    output: Bytes,
    reader: ResponseReader,
    state: State,
    /// Whether nothing comes behind what is in the input.
    has_stream_ended: bool,
    time_limit: TimeLimit,
}

enum State {
    /// No final response has come.
    Asked,
    Declined(Declined),
    /// Accepted, which is [`Flaw::Over`] to later calls, or not valid.
    Over(Flaw),
}

/// What follows a response that declines.
struct Declined {
    body: BodyReader,
    persists: bool,
}

/// A final response.
pub(in crate::handshake) enum Final<T> {
    Accepted(ResponseHead, T),
    Declined(ResponseHead),
}

impl Transaction {
    #[inline]
    pub(in crate::handshake) fn new(request: Bytes, config: &Config) -> Self {
        Self {
            output: request,
            reader: ResponseReader::new(config),
            state: State::Asked,
            has_stream_ended: false,
            time_limit: TimeLimit::new(config),
        }
    }

    /// What is still to be written.
    pub(in crate::handshake) const fn output(&mut self) -> &mut Bytes {
        &mut self.output
    }

    /// Notes that nothing comes behind what is in the input.
    pub(in crate::handshake) const fn receive_eof(&mut self) {
        self.has_stream_ended = true;
    }

    /// Looks at the time: a response has to be there when it is up, and the body of one that declines.
    pub(in crate::handshake) fn handle_timeout(&mut self, now: Instant) {
        if self.is_awaited() {
            self.time_limit.look(now);
        }
    }

    /// Whether more is to come from the peer.
    const fn is_awaited(&self) -> bool {
        match &self.state {
            State::Asked => true,
            State::Declined(declined) => declined.body.is_awaited(),
            State::Over(_) => false,
        }
    }

    /// When the next look is due.
    pub(in crate::handshake) fn deadline(&self) -> Option<Deadline> {
        if self.is_awaited() { self.time_limit.deadline() } else { None }
    }

    /// Takes the head of a final response from the input, once it is there. `judge` says what a response means.
    #[inline]
    pub(in crate::handshake) fn receive<T>(
        &mut self,
        input: &mut Input,
        config: &Config,
        judge: impl Fn(&Parsed<'_, '_>) -> Result<Verdict<T>, Flaw>,
    ) -> Result<Option<Final<T>>, Flaw> {
        match &self.state {
            State::Asked => {}
            State::Declined(_) => return Err(Flaw::Over),
            State::Over(flaw) => return Err(*flaw),
        }
        let read = self.read(input, judge).inspect_err(|flaw| self.state = State::Over(*flaw))?;
        let Some(read) = read else { return Ok(None) };
        match read.verdict {
            Verdict::Accepted(agreed) => {
                self.state = State::Over(Flaw::Over);
                Ok(Some(Final::Accepted(read.response, agreed)))
            }
            // No interim response comes out of `read`.
            Verdict::Interim | Verdict::Declined => {
                self.state = State::Declined(Declined::new(&read, config));
                Ok(Some(Final::Declined(read.response)))
            }
        }
    }

    /// The next response that is not interim.
    #[inline]
    fn read<T>(
        &mut self,
        input: &mut Input,
        judge: impl Fn(&Parsed<'_, '_>) -> Result<Verdict<T>, Flaw>,
    ) -> Result<Option<Read<T>>, Flaw> {
        loop {
            match self.reader.read(input, &judge)? {
                Some(Read { verdict: Verdict::Interim, .. }) => {}
                Some(read) => return Ok(Some(read)),
                None if self.has_stream_ended => return Err(Flaw::Truncated),
                None if self.time_limit.is_up() => return Err(Flaw::TimedOut),
                None => return Ok(None),
            }
        }
    }

    /// Takes the body of a response that declines from the input, and returns it once it is whole.
    pub(in crate::handshake) fn receive_body(&mut self, input: &mut Input) -> Result<Option<Bytes>, BodyError> {
        match &mut self.state {
            State::Declined(declined) => {
                let body = declined.body.receive(input, self.has_stream_ended)?;
                if body.is_none() && self.time_limit.is_up() {
                    declined.body.time_out();
                    return Err(BodyError::TimedOut);
                }
                Ok(body)
            }
            State::Asked | State::Over(_) => Err(BodyError::Over),
        }
    }

    /// Sends another request. It is the caller's to [check](Self::check_retry) that it may be sent.
    pub(in crate::handshake) fn send(&mut self, request: Bytes) {
        // A server may decline before it has the whole of a request.
        self.output = if self.output.is_empty() { request } else { [&self.output[..], &request].concat().into() };
        self.reader = self.reader.anew();
        self.state = State::Asked;
        self.time_limit.restart();
    }

    /// Whether another request may be sent.
    pub(in crate::handshake) fn check_retry(&self, input: &Input) -> Result<(), RetryError> {
        let State::Declined(declined) = &self.state else { return Err(RetryError::NotDeclined) };
        if !declined.persists || declined.body.has_failed() || self.has_stream_ended {
            return Err(RetryError::ConnectionEnds);
        }
        if !declined.body.is_at_end() {
            return Err(RetryError::Body);
        }
        // RFC 9112 §9.2: what comes without a request is no response; empty lines are nothing.
        let is_empty = input.unread().iter().all(|byte| matches!(byte, b'\r' | b'\n'));
        if is_empty { Ok(()) } else { Err(RetryError::UnexpectedBytes) }
    }

    /// What has come of the body of a response that declines.
    pub(in crate::handshake) fn partial_body(&self) -> &[u8] {
        match &self.state {
            State::Declined(declined) => declined.body.partial(),
            State::Asked | State::Over(_) => &[],
        }
    }
}

/// Shows nothing of the request, of the response and of its body.
impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Asked => "asked",
            State::Declined(_) => "declined",
            State::Over(_) => "over",
        };
        f.debug_struct("Transaction")
            .field("unwritten", &self.output.len())
            .field("state", &state)
            .finish_non_exhaustive()
    }
}

impl Declined {
    /// What follows this head.
    fn new<T>(read: &Read<T>, config: &Config) -> Self {
        let (response, left_out) = (&read.response, read.left_out);
        let framing = Framing::of(response.status(), read.http_minor, response.headers(), left_out.body);
        // A malformed line may have been one that closes the connection.
        let persists = framing.persists && left_out.flaw.is_none();
        Self { body: BodyReader::new(framing.end, config), persists }
    }
}
