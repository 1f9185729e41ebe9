//! What a connection does when its socket is ready, or its deadline has come.

use anyhow::Result;
use mio::net::TcpStream;
use std::io::{ErrorKind, Read, Write};
use std::{net::Shutdown, time::Duration};
use ws_proto::handshake::server::{Answer, Handshake};
use ws_proto::{Connection, Deadline, Event, Input, Instant};

/// How long what still comes is read after the last frame.
const LINGER: Duration = Duration::from_secs(1);

pub enum State {
    Opening(Box<Handshake>),
    Open(Box<Connection>),
    /// What still comes is read until then, so that the last frame is not lost to a reset (RFC 6455 §7.1.1).
    HungUp(Instant),
}

impl State {
    /// Goes on until the socket would block, because it says only once that it is ready. Returns when to go on if it is not
    /// ready before: now, if it is only the others' turn. At the end that is `None`.
    pub fn turn(&mut self, socket: &mut TcpStream, input: &mut Input, now: Instant) -> Result<Option<Instant>> {
        for _ in 0..32 {
            let (deadline, count) = match self {
                Self::Opening(handshake) => match handshake.receive(input) {
                    Ok(None) => (at(handshake.deadline()), input.read_from(socket)),
                    Ok(Some(request)) => {
                        *self = Self::Open(request.accept(Answer::new())?.into());
                        continue;
                    }
                    Err(rejection) => {
                        eprintln!("{rejection}");
                        socket.write_all(&rejection.response().to_bytes())?; // short, and the first that is written
                        *self = Self::HungUp(now.saturating_add(LINGER));
                        continue;
                    }
                },
                Self::Open(ws) => {
                    // One read of compressed messages can become many, so nothing is received either while too much waits.
                    while !ws.interest().congested {
                        match ws.receive(input) {
                            Some(Event::Text(text)) => ws.send(text.into_message())?,
                            Some(Event::Binary(data)) => ws.send(data.into_message())?,
                            Some(Event::Closed(closed)) => println!("closed: {closed}"),
                            Some(_) => {}
                            None => break,
                        }
                    }
                    // A peer that does not read what is sent is not read, and its silence is not counted then.
                    (if ws.interest().write { Connection::pause_reading } else { Connection::resume_reading })(ws);
                    let want = ws.interest();
                    if want.hang_up {
                        *self = Self::HungUp(now.saturating_add(LINGER));
                        continue;
                    }
                    let count = if want.write { ws.output().write_to(socket) } else { input.read_from(socket) };
                    (at(want.deadline), count)
                }
                Self::HungUp(until) if *until <= now => return Ok(None),
                Self::HungUp(until) => (*until, socket.shutdown(Shutdown::Write).and(socket.read(&mut [0; 4096]))),
            };
            match (count, &mut *self) {
                (Ok(1..), _) => {}
                // The time is passed when nothing more can be read: what lies in the socket counts as in time.
                (Err(error), Self::Opening(handshake)) if error.kind() == ErrorKind::WouldBlock => {
                    handshake.handle_timeout(now);
                    if deadline > now {
                        return Ok(Some(at(handshake.deadline())));
                    }
                }
                (Err(error), Self::Open(ws)) if error.kind() == ErrorKind::WouldBlock => {
                    ws.handle_timeout(now);
                    if deadline > now {
                        ws.release_memory();
                        return Ok(Some(at(ws.interest().deadline)));
                    }
                }
                (Err(error), _) if error.kind() == ErrorKind::WouldBlock => return Ok(Some(deadline)),
                // It cannot be written, and what the peer has sent before it left can still be read.
                (_, Self::Open(ws)) if ws.interest().write => ws.output().clear(),
                (_, Self::Open(ws)) => ws.receive_eof(), // a reset, too, is the end of the stream
                _ => return Ok(None),
            }
        }
        Ok(Some(now))
    }
}

fn at(deadline: Option<Deadline>) -> Instant {
    deadline.map_or(Instant::MAX, |deadline| deadline.at)
}
