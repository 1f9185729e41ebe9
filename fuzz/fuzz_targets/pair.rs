//! Sequences of operations on a client and a server that talk to each other, compressing in any way or not at all, over a
//! wire that is written and cut at random: every message that was taken arrives, in order and unchanged, and neither
//! ever finds the other at fault.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use std::collections::VecDeque;
use std::io::{self, IoSlice, Write};
use ws_proto::bytes::Buf;
use ws_proto::{
    Cause, CloseCode, CloseFrame, Config, Connection, DeflateConfig, DeflateParameters, Event, Input, Interest,
    Message, MessageKind, Prepared, Role, Seed, SendErrorKind,
};

#[derive(Arbitrary, Debug)]
enum Operation<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
    Large(u16),
    Uncompressed(&'a [u8]),
    Repeated(&'a str, u8),
    Part(&'a [u8], bool),
    TextPart(&'a str, bool),
    Ping(&'a [u8]),
    Pong(&'a [u8]),
    Close(u16, &'a str),
    Prepared(&'a [u8], u8),
    With(&'a str, u8),
    Through(u16, u16),
    PreparedThrough(&'a [u8], u8, u16),
    Write(u16),
    Vectored(u16),
    Owned(u8),
    Receive,
    Release,
}

/// How both ends compress.
#[derive(Arbitrary, Debug)]
struct Deflate {
    level: u8,
    memory_level: u8,
    keep: bool,
    threshold: u8,
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: u8,
    client_max_window_bits: u8,
}

impl Deflate {
    fn apply(&self, ws: Connection) -> Connection {
        let config = DeflateConfig::new()
            .level(self.level % 10)
            .memory_level(self.memory_level % 10)
            .keep_contexts(self.keep)
            .threshold(self.threshold.into());
        let agreed = DeflateParameters {
            server_no_context_takeover: self.server_no_context_takeover,
            client_no_context_takeover: self.client_no_context_takeover,
            server_max_window_bits: 8 + self.server_max_window_bits % 8,
            client_max_window_bits: 8 + self.client_max_window_bits % 8,
        };
        ws.with_deflate(&config, agreed)
    }
}

struct End {
    ws: Connection,
    input: Input,
    /// What the other end has sent and this one has not received.
    due: VecDeque<Message>,
    /// The parts this end has sent of an unfinished message.
    parts: Option<Message>,
    closed: bool,
}

impl End {
    fn new(ws: Connection) -> Self {
        Self { ws, input: Input::new(), due: VecDeque::new(), parts: None, closed: false }
    }

    fn receive(&mut self) {
        while let Some(event) = self.ws.receive(&mut self.input) {
            assert!(!self.closed);
            let message = match event {
                Event::Text(text) => text.into_message(),
                Event::Binary(data) => data.into_message(),
                Event::Closed(closed) => {
                    assert!(!matches!(closed.cause, Cause::Violation(_)), "{closed:?}");
                    self.closed = true;
                    continue;
                }
                _ => continue,
            };
            assert_eq!(self.due.pop_front(), Some(message));
        }
    }
}

/// A writer that takes so much, and then nothing for now.
struct Wire<'a> {
    input: &'a mut Input,
    left: usize,
}

impl Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(self.left);
        if count == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.input.extend_from_slice(&bytes[..count]);
        self.left -= count;
        Ok(count)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut written = 0;
        for slice in slices {
            match self.write(slice) {
                Ok(count) => written += count,
                Err(error) if written == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A prepared message is a server's. It may be written at once, up to so many bytes.
fn send_prepared(from: &mut End, to: &mut End, data: &[u8], window_bits: u8, at_once: Option<u16>) {
    let deflate = DeflateConfig::new().send_window_bits(8 + window_bits % 8).threshold(usize::from(window_bits));
    let prepared = Prepared::new(data).compress(&deflate);
    let sent = match at_once {
        None => from.ws.send_prepared(&prepared),
        Some(most) => from.ws.send_prepared_through(&prepared, &mut Wire { input: &mut to.input, left: most.into() }),
    };
    match from.ws.role() {
        Role::Server if sent.is_ok() => to.due.push_back(data.into()),
        Role::Server => {}
        Role::Client => assert_eq!(sent.unwrap_err().kind(), SendErrorKind::ServerOnly),
    }
}

fn send_with(from: &mut End, to: &mut End, text: &str, count: u8) {
    let sent = from.ws.send_with(MessageKind::Text, |message| {
        (0..count).try_for_each(|_| if message.extend_from_slice(text.as_bytes()) { Ok(()) } else { Err(()) })
    });
    if sent.is_ok() {
        to.due.push_back(text.repeat(count.into()).into());
    }
}

fn send_part(from: &mut End, to: &mut End, part: Message, fin: bool) {
    if from.ws.send_part(part.clone(), fin).is_err() {
        return;
    }
    let whole = match (from.parts.take(), part) {
        (None, part) => part,
        (Some(Message::Text(so_far)), Message::Text(part)) => Message::from(format!("{so_far}{part}")),
        (Some(so_far), part) => Message::from([so_far.as_bytes(), part.as_bytes()].concat()),
    };
    if fin {
        to.due.push_back(whole);
    } else {
        from.parts = Some(whole);
    }
}

fuzz_target!(|case: (Option<Deflate>, u16, Vec<(bool, Operation<'_>)>)| {
    let (deflate, fragment_size, operations) = case;
    let config = Config::new().max_buffered(40_000).fragment_size(fragment_size.into());
    let compressing = |ws| match &deflate {
        Some(deflate) => deflate.apply(ws),
        None => ws,
    };
    let mut client = End::new(compressing(Connection::client(Seed::new([5; 32]), &config)));
    let mut server = End::new(compressing(Connection::server(&config)));
    for (from_client, operation) in operations {
        let (from, to) = if from_client { (&mut client, &mut server) } else { (&mut server, &mut client) };
        match operation {
            Operation::Text(text) => {
                if from.ws.send_text(text).is_ok() {
                    to.due.push_back(text.into());
                }
            }
            Operation::Binary(data) => {
                if from.ws.send_binary(data).is_ok() {
                    to.due.push_back(data.into());
                }
            }
            Operation::Large(size) => {
                let message = Message::from(vec![size as u8; usize::from(size)]);
                match from.ws.send(message.clone()) {
                    Ok(()) => to.due.push_back(message),
                    Err(error) => assert_eq!(error.into_message(), Some(message)),
                }
            }
            Operation::Uncompressed(data) => {
                if from.ws.send_uncompressed(data).is_ok() {
                    to.due.push_back(data.into());
                }
            }
            Operation::Repeated(text, count) => {
                let text = text.repeat(count.into());
                if from.ws.send_text(&text).is_ok() {
                    to.due.push_back(text.into());
                }
            }
            Operation::Part(part, fin) => send_part(from, to, part.into(), fin),
            Operation::TextPart(part, fin) => send_part(from, to, part.into(), fin),
            Operation::Ping(data) => drop(from.ws.ping(data)),
            Operation::Pong(data) => drop(from.ws.pong(data)),
            Operation::Close(code, reason) => {
                let frame = CloseCode::new(code).map_or(Ok(CloseFrame::EMPTY), |code| CloseFrame::new(code, reason));
                drop(frame.map(|frame| from.ws.close(frame)));
            }
            Operation::Prepared(data, window_bits) => send_prepared(from, to, data, window_bits, None),
            Operation::PreparedThrough(data, window_bits, most) => {
                send_prepared(from, to, data, window_bits, Some(most));
            }
            Operation::Through(size, most) => {
                let message = Message::from(vec![size as u8; usize::from(size)]);
                let mut wire = Wire { input: &mut to.input, left: most.into() };
                if from.ws.send_through(&message, &mut wire).is_ok() {
                    to.due.push_back(message);
                }
            }
            Operation::With(text, count) => send_with(from, to, text, count),
            Operation::Owned(chunks) => {
                for chunk in std::iter::from_fn(|| from.ws.output().next_owned()).take(chunks.into()) {
                    to.input.extend_from_slice(&chunk);
                }
            }
            Operation::Write(count) => write(from, to, usize::from(count), false),
            Operation::Vectored(count) => write(from, to, usize::from(count), true),
            Operation::Receive => from.receive(),
            Operation::Release => {
                from.ws.release_memory();
                from.input.release_memory();
            }
        }
        assert!(from.ws.output().remaining() <= 40_000 + 35 * 140);
    }
    // What was sent before a Close arrives, once everything is written and received.
    for _ in 0..4 {
        write(&mut client, &mut server, usize::MAX, true);
        write(&mut server, &mut client, usize::MAX, false);
        server.receive();
        client.receive();
    }
    assert_eq!(client.closed, server.closed);
    for end in [&mut client, &mut server] {
        assert!(end.due.is_empty() || end.closed, "{:?}", end.due);
        let Interest { write, hang_up, .. } = end.ws.interest();
        assert!(!write && (!hang_up || end.closed));
    }
});

fn write(from: &mut End, to: &mut End, count: usize, vectored: bool) {
    let mut left = count.min(from.ws.output().remaining());
    while left > 0 {
        let output = from.ws.output();
        let mut slices = [IoSlice::new(&[]); 3];
        let filled = if vectored { output.chunks_vectored(&mut slices) } else { 0 };
        let mut written = 0;
        let chunks = slices[..filled].iter().map(|slice| &slice[..]).chain((filled == 0).then(|| output.chunk()));
        for chunk in chunks {
            let size = chunk.len().min(left - written);
            to.input.extend_from_slice(&chunk[..size]);
            written += size;
        }
        assert!(written > 0, "a chunk is never empty while something remains");
        output.advance(written);
        left -= written;
    }
}
