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
                Self::Opening(handshake) => {
                    handshake.handle_timeout(now);
                    match handshake.receive(input) {
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
                    }
                }
                Self::Open(ws) => {
                    while let Some(event) = ws.receive(input) {
                        match event {
                            Event::Text(text) => ws.send(text.into_message())?,
                            Event::Binary(data) => ws.send(data.into_message())?,
                            Event::Closed(closed) => println!("closed: {closed}"),
                            _ => {}
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
                (Err(error), Self::Open(ws)) if error.kind() == ErrorKind::WouldBlock => {
                    ws.handle_timeout(now); // not before it is read: what lies in the socket has come in time
                    if deadline > now {
                        ws.release_memory();
                        return Ok(Some(at(ws.interest().deadline)));
                    }
                }
                (Err(error), _) if error.kind() == ErrorKind::WouldBlock => return Ok(Some(deadline)),
                (_, Self::Open(ws)) => {
                    ws.receive_eof(); // a reset, too, is the end of the stream
                    ws.output().clear(); // if anything waits, it is what could not be written
                }
                _ => return Ok(None),
            }
        }
        Ok(Some(now))
    }
}

fn at(deadline: Option<Deadline>) -> Instant {
    deadline.map_or(Instant::MAX, |deadline| deadline.at)
}
