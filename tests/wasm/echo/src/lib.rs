//! An echo server as a module that imports nothing: its host brings the bytes and the time.

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use ws_proto::bytes::Buf;
use ws_proto::handshake::server::{Answer, Handshake};
use ws_proto::{Config, Connection, DeflateConfig, Event, Input, Instant, Keepalive};

struct Session {
    handshake: Handshake,
    ws: Option<Connection>,
    input: Input,
    /// Where the host writes what it has received.
    room: Vec<u8>,
    /// What the host is to send.
    output: Vec<u8>,
}

static SESSION: LazyLock<Mutex<Session>> = LazyLock::new(|| {
    let config = Config::new().deflate(DeflateConfig::new()).keepalive(Keepalive::new());
    let handshake = Handshake::new(&config);
    Mutex::new(Session { handshake, ws: None, input: Input::new(), room: Vec::new(), output: Vec::new() })
});

fn session() -> MutexGuard<'static, Session> {
    SESSION.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where the host writes the next `count` bytes.
#[unsafe(no_mangle)]
pub extern "C" fn room(count: usize) -> *mut u8 {
    let mut session = session();
    session.room.resize(count, 0);
    session.room.as_mut_ptr()
}

/// Takes what the host has written, at this time. Returns whether the host is to hang up behind the output.
#[unsafe(no_mangle)]
pub extern "C" fn receive(milliseconds: u32) -> bool {
    session().receive(Instant::new(Duration::from_millis(milliseconds.into())))
}

#[unsafe(no_mangle)]
pub extern "C" fn output() -> *const u8 {
    session().output.as_ptr()
}

#[unsafe(no_mangle)]
pub extern "C" fn output_length() -> usize {
    session().output.len()
}

impl Session {
    fn receive(&mut self, now: Instant) -> bool {
        self.input.extend_from_slice(&self.room);
        self.room.clear();
        self.output.clear();
        if self.ws.is_none() {
            self.handshake.handle_timeout(now);
            match self.handshake.receive(&mut self.input) {
                Ok(request) => self.ws = request.and_then(|request| request.accept(Answer::new()).ok()),
                Err(rejection) => {
                    self.output.extend_from_slice(&rejection.response().to_bytes());
                    return true;
                }
            }
        }
        let Some(ws) = &mut self.ws else { return false };
        Self::echo(ws, &mut self.input);
        ws.handle_timeout(now);
        // A deadline may have ended the connection, which has to be received.
        Self::echo(ws, &mut self.input);
        let output = ws.output();
        while output.has_remaining() {
            let chunk = output.chunk();
            self.output.extend_from_slice(chunk);
            let count = chunk.len();
            output.advance(count);
        }
        // The time for what is written runs from now.
        ws.handle_timeout(now);
        ws.interest().hang_up
    }

    fn echo(ws: &mut Connection, input: &mut Input) {
        while let Some(event) = ws.receive(input) {
            let sent = match event {
                Event::Text(text) => ws.send_text(&text),
                Event::Binary(data) => ws.send_binary(&data),
                _ => Ok(()),
            };
            if sent.is_err() {
                break;
            }
        }
    }
}
