//! The connection as it went on: the request, its answer, and the frames of both directions.

use crate::Chunk;
use crate::frames::Decoder;
use crate::handshake::{self, Asked, InUse, Outcome};
use crate::print::{Printer, Record};
use std::io::{self, Write};
use std::time::Duration;
use ws_proto::bytes::{Buf, BytesMut};
use ws_proto::handshake::client;
use ws_proto::{DeflateParameters, Input, Role};

pub struct Session {
    phase: Phase,
    client: Side,
    server: Side,
    limit: usize,
    /// The time of what came last.
    now: Option<Duration>,
}

enum Phase {
    Request,
    /// What was asked for; `None` if the capture does not hold the request.
    Response(Option<Asked>),
    /// The server has declined: a body follows, and then perhaps another request.
    Body(Box<client::Handshake>, Input),
    Frames,
    /// Nothing more can be decoded.
    Over,
}

/// What one side has sent.
struct Side {
    sender: Role,
    unread: BytesMut,
    /// How much of the handshake has been read.
    position: u64,
    decoder: Option<Decoder>,
}

impl Side {
    fn new(sender: Role) -> Self {
        Self { sender, unread: BytesMut::new(), position: 0, decoder: None }
    }

    fn advance(&mut self, count: usize) {
        self.unread.advance(count);
        self.position += count as u64;
    }

    fn begin_frames(&mut self, in_use: &InUse, limit: usize) {
        self.decoder = Some(Decoder::new(self.sender, self.position, in_use.deflate, in_use.reserved, limit));
    }
}

impl Session {
    /// Begins with the handshake. At most `limit` bytes of a payload are printed.
    pub fn new(limit: usize) -> Self {
        let (client, server) = (Side::new(Role::Client), Side::new(Role::Server));
        Self { phase: Phase::Request, client, server, limit, now: None }
    }

    /// Begins with frames, behind a handshake that has agreed on this.
    pub fn upgraded(deflate: Option<DeflateParameters>, limit: usize) -> Self {
        let mut session = Self::new(limit);
        session.upgrade(&InUse { subprotocol: None, extensions: None, deflate, reserved: None });
        session
    }

    fn upgrade(&mut self, in_use: &InUse) {
        self.client.begin_frames(in_use, self.limit);
        self.server.begin_frames(in_use, self.limit);
        self.phase = Phase::Frames;
    }

    /// Takes what came next, and prints what it completes.
    pub fn receive(&mut self, chunk: &Chunk, printer: &mut Printer<impl Write>) -> io::Result<()> {
        self.now = chunk.time;
        let side = if chunk.sender == Role::Client { &mut self.client } else { &mut self.server };
        side.unread.extend_from_slice(&chunk.bytes);
        self.advance(printer, false)
    }

    /// Prints what is left at the end of the capture.
    pub fn finish(&mut self, printer: &mut Printer<impl Write>) -> io::Result<()> {
        if matches!(self.phase, Phase::Request) && self.client.unread.is_empty() && !self.server.unread.is_empty() {
            self.phase = Phase::Response(None);
        }
        self.advance(printer, true)?;
        let missing = match (&self.phase, &self.client.unread.is_empty(), &self.server.unread.is_empty()) {
            (Phase::Request, true, true) if self.client.position == 0 => Some("nothing has been sent"),
            (Phase::Request, false, _) => Some("the capture ends within the request"),
            (Phase::Response(_), _, true) => Some("the capture holds no answer"),
            (Phase::Body(..), ..) => Some("the capture ends within the body of the answer"),
            _ => None,
        };
        if let Some(missing) = missing {
            printer.note(missing)?;
        }
        for side in [&self.client, &self.server] {
            let count = side.unread.len();
            let text = match side.decoder.as_ref().map(|decoder| decoder.unfinished(&side.unread)) {
                Some(None) => continue,
                Some(Some((come, 0))) => {
                    format!("the capture ends within the header of a frame, of which it holds {come} bytes")
                }
                Some(Some((come, length))) => {
                    format!("the capture ends within a frame, of which it holds {come} of {length} bytes")
                }
                None if count > 0 => format!("the last {count} bytes are not decoded"),
                None => continue,
            };
            printer.print(self.now, Some(side.sender), &Record::Note { text })?;
        }
        Ok(())
    }

    /// Goes as far as what has come allows; `is_whole` says that nothing more comes.
    fn advance(&mut self, printer: &mut Printer<impl Write>, is_whole: bool) -> io::Result<()> {
        loop {
            match &mut self.phase {
                Phase::Request => {
                    let Some(request) = handshake::request(&self.client.unread) else { return Ok(()) };
                    self.client.advance(request.length);
                    let is_late = request.refused.is_some_and(handshake::is_late);
                    let refused = request.refused.map(|reason| reason.to_string());
                    let record = Record::Request { head: request.head, refused };
                    printer.print(self.now, Some(Role::Client), &record)?;
                    if is_late {
                        printer.note("if the capture begins behind the handshake, use --no-handshake")?;
                    }
                    self.phase = request.asked.map_or(Phase::Over, |asked| Phase::Response(Some(asked)));
                }
                Phase::Response(asked) => {
                    if self.server.unread.is_empty() {
                        return Ok(());
                    }
                    let response = handshake::response(&self.server.unread, asked.as_ref(), is_whole);
                    let Some(response) = response else { return Ok(()) };
                    self.server.advance(response.length);
                    let (head, refused) = (response.head, response.refused);
                    let (mut subprotocol, mut extensions) = (None, None);
                    match response.outcome {
                        Outcome::Upgraded(in_use) => {
                            self.upgrade(&in_use);
                            (subprotocol, extensions) = (in_use.subprotocol, in_use.extensions);
                        }
                        Outcome::Declined(handshake) => self.phase = Phase::Body(handshake, Input::new()),
                        Outcome::Invalid => self.phase = Phase::Over,
                    }
                    let record = Record::Response { head, refused, subprotocol, extensions };
                    printer.print(self.now, Some(Role::Server), &record)?;
                }
                Phase::Body(handshake, input) => {
                    self.server.position += self.server.unread.len() as u64;
                    input.put(self.server.unread.split());
                    if is_whole {
                        handshake.receive_eof();
                    }
                    let text = match handshake.receive_body(input) {
                        Ok(None) => return Ok(()),
                        Ok(Some(body)) => {
                            self.server.unread = std::mem::take(input).into_unread();
                            self.server.position -= self.server.unread.len() as u64;
                            self.phase = Phase::Request;
                            format!("the body of the answer, {} bytes", body.len())
                        }
                        Err(error) => {
                            self.phase = Phase::Over;
                            error.to_string()
                        }
                    };
                    printer.print(self.now, Some(Role::Server), &Record::Note { text })?;
                }
                Phase::Frames => {
                    print_frames(&mut self.client, self.now, printer)?;
                    return print_frames(&mut self.server, self.now, printer);
                }
                Phase::Over => return Ok(()),
            }
        }
    }
}

/// Prints the frames that have come whole. One direction may end while the other goes on.
fn print_frames(side: &mut Side, now: Option<Duration>, printer: &mut Printer<impl Write>) -> io::Result<()> {
    let Some(decoder) = &mut side.decoder else { return Ok(()) };
    while let Some(decoded) = decoder.next(&mut side.unread) {
        printer.print(now, Some(side.sender), &Record::Frame(decoded.frame))?;
        if let Some(violation) = &decoded.violation {
            printer.print(now, Some(side.sender), &violation.into())?;
        }
        if decoded.is_last {
            side.decoder = None;
            break;
        }
    }
    Ok(())
}
