//! ws-proto, in the loop of its documentation.

use super::connection::{self, Connection as _};
use super::{Endpoint, Standing};
use crate::handshake::URI;
use crate::job::{Dial, Idle, Job, Outgoing, Seen};
use crate::lines;
use crate::socket::Socket;
use crate::wire::{Content, Incoming, Kind, Role};
use bytes::{Buf, Bytes};
use std::hint::black_box;
use std::io::Write;
use std::rc::Rc;
use ws_proto::handshake::{client, server};
use ws_proto::{
    CloseCode, Config, Connection, DeflateConfig, DeflateParameters, Event, Input, Message, MessageKind, MessageWriter,
    Prepared, Seed, Seeds, SendError, Utf8Bytes,
};

/// From this size on a payload is given away instead of being copied.
const LARGE: usize = 4 << 10;

pub struct WsProto;

fn connection(role: Role) -> Connection {
    match role {
        Role::Server => Connection::server(&Config::new()),
        Role::Client => Connection::client(Seed::new([1; 32]), &Config::new()),
    }
}

/// Writes all that waits, each time as much as a write takes.
#[inline(always)]
fn write_out(ws: &mut Connection, socket: &mut Socket) {
    let output = ws.output();
    while output.has_remaining() {
        output.write_to(socket).expect("it takes some");
    }
}

/// Hands a message on, if it is one.
#[inline(always)]
fn deliver(event: Event<'_>, seen: &mut Seen) -> bool {
    match event {
        Event::Text(text) => seen.message(Kind::Text, text.as_bytes()),
        Event::Binary(data) => seen.message(Kind::Binary, &data),
        event => return is_nothing(&event),
    }
    true
}

/// Pings are answered already.
#[cold]
fn is_nothing(event: &Event<'_>) -> bool {
    assert!(matches!(event, Event::Ping(_)), "unexpected {event:?}");
    false
}

/// Sends a message back, if it is one.
#[inline(always)]
fn answer(ws: &mut Connection, event: Event<'_>) -> bool {
    match event {
        Event::Text(text) if text.len() >= LARGE => ws.send(text),
        Event::Text(text) => ws.send_text(&text),
        Event::Binary(data) if data.len() >= LARGE => ws.send(data),
        Event::Binary(data) => ws.send_binary(&data),
        event => return is_nothing(&event),
    }
    .expect("there is room");
    true
}

/// What is sent over and over.
fn message(kind: Kind, payload: &Bytes) -> Message {
    match kind {
        Kind::Text => Message::Text(Utf8Bytes::try_from(payload.clone()).expect("it is text")),
        Kind::Binary => Message::Binary(payload.clone()),
    }
}

#[inline(always)]
fn send(ws: &mut Connection, message: &Message) {
    match message {
        message if message.as_bytes().len() >= LARGE => ws.send(message.clone()),
        Message::Text(text) => ws.send_text(text),
        Message::Binary(data) => ws.send_binary(data),
        Message::Extension { .. } => ws.send(message.clone()),
    }
    .expect("there is room");
}

/// Sends one message after the other, so many of them before each write.
fn in_writes(
    mut ws: Connection,
    mut socket: Socket,
    per_write: usize,
    mut send: impl FnMut(&mut Connection) -> Result<(), SendError> + 'static,
) -> Job {
    Box::new(move |mut count, _| {
        while count > 0 {
            let batch = count.min(per_write);
            for _ in 0..batch {
                send(&mut ws).expect("there is room");
            }
            write_out(&mut ws, &mut socket);
            count -= batch;
        }
    })
}

fn receive(mut ws: Connection, mut socket: Socket) -> Job {
    let mut input = Input::new();
    Box::new(move |count, seen| {
        let mut left = count;
        loop {
            while let Some(event) = ws.receive(&mut input) {
                left -= usize::from(deliver(event, seen));
                if left == 0 {
                    return;
                }
            }
            socket.read_buf(&mut input.room());
        }
    })
}

/// A connection with all that the loop around it keeps.
struct Whole {
    ws: Connection,
    input: Input,
    socket: Socket,
}

impl Whole {
    #[inline(always)]
    fn next(&mut self, mut with: impl FnMut(&mut Connection, Event<'_>) -> bool) {
        loop {
            while let Some(event) = self.ws.receive(&mut self.input) {
                if with(&mut self.ws, event) {
                    return;
                }
            }
            self.socket.read_buf(&mut self.input.room());
        }
    }
}

impl connection::Connection for Whole {
    const NAME: &'static str = "ws-proto";
    const STANDING: Standing = Standing::Complete;

    type Message = Message;

    fn open(role: Role, socket: Socket, _: usize) -> Self {
        Self { ws: connection(role), input: Input::new(), socket }
    }

    fn message(kind: Kind, payload: &Bytes) -> Message {
        message(kind, payload)
    }

    #[inline]
    fn receive(&mut self, seen: &mut Seen) {
        self.next(|_, event| deliver(event, seen));
    }

    #[inline]
    fn echo(&mut self) {
        self.next(answer);
    }

    #[inline]
    fn queue(&mut self, message: &Message) {
        send(&mut self.ws, message);
    }

    #[inline]
    fn flush(&mut self) {
        write_out(&mut self.ws, &mut self.socket);
    }

    fn close(&mut self) {
        self.next(|_, event| {
            assert!(matches!(event, Event::Closed(_)), "unexpected {event:?}");
            true
        });
        self.flush();
        assert!(self.ws.interest().hang_up);
    }

    fn leave(&mut self) {
        self.ws.close(CloseCode::NORMAL).expect("it is open");
        self.flush();
        self.next(|_, event| {
            assert!(matches!(&event, Event::Closed(closed) if closed.is_clean()), "unexpected {event:?}");
            true
        });
    }

    fn accepted(mut socket: Socket) -> Self {
        let mut input = Input::new();
        let mut ws = accept(&mut socket, &Config::new(), &mut input);
        write_out(&mut ws, &mut socket);
        Self { ws, input, socket }
    }
}

/// A connection that gives its memory back when it goes quiet. Its input is empty then, and others may use it.
struct Quiet(Whole);

impl connection::Connection for Quiet {
    const NAME: &'static str = Whole::NAME;
    const STANDING: Standing = Whole::STANDING;

    type Message = Message;

    fn open(role: Role, socket: Socket, per_read: usize) -> Self {
        Self(Whole::open(role, socket, per_read))
    }

    fn message(kind: Kind, payload: &Bytes) -> Message {
        message(kind, payload)
    }

    fn receive(&mut self, seen: &mut Seen) {
        self.0.receive(seen);
    }

    fn echo(&mut self) {
        self.0.echo();
    }

    fn queue(&mut self, message: &Message) {
        self.0.queue(message);
    }

    fn flush(&mut self) {
        self.0.flush();
        self.0.ws.release_memory();
        assert!(self.0.input.is_empty());
        self.0.input = Input::new();
    }

    fn accepted(socket: Socket) -> Self {
        Self(Whole::accepted(socket))
    }
}

/// A server has its configuration ready.
fn accept(socket: &mut Socket, config: &Config, input: &mut Input) -> Connection {
    let mut handshake = server::Handshake::new(config);
    let request = loop {
        socket.read_buf(&mut input.room());
        if let Some(request) = handshake.receive(input).expect("a request") {
            break request;
        }
    };
    request.accept(server::Answer::new()).expect("nothing is asked for")
}

/// A program that connects often has its request and its configuration ready, and draws seeds from one source.
fn connect(
    socket: &mut Socket,
    request: &client::Request,
    seeds: &mut Seeds,
    config: &Config,
    input: &mut Input,
) -> Connection {
    let mut handshake = client::Handshake::new(request, seeds.next_seed(), config);
    socket.write_all(handshake.output()).expect("it takes all");
    loop {
        socket.read_buf(&mut input.room());
        if let Some(accepted) = handshake.receive(input).expect("an answer") {
            return accepted.connection;
        }
    }
}

fn compressing() -> Connection {
    connection(Role::Server).with_deflate(&DeflateConfig::new(), DeflateParameters::new())
}

impl Endpoint for WsProto {
    fn name(&self) -> &'static str {
        "ws-proto"
    }

    fn standing(&self) -> Standing {
        Standing::Complete
    }

    fn receive(&self, incoming: &Incoming, socket: Socket) -> Option<Job> {
        Some(receive(connection(incoming.role), socket))
    }

    fn send(&self, outgoing: &Outgoing, mut socket: Socket) -> Option<Job> {
        let (ws, per_write) = (connection(outgoing.role), outgoing.per_write);
        let payload = outgoing.payload.clone();
        Some(match message(outgoing.content.kind(), &payload) {
            message if payload.len() >= LARGE && per_write == 1 => {
                let mut ws = ws;
                Box::new(move |count, _| {
                    for _ in 0..count {
                        ws.send_through(black_box(&message), &mut socket).expect("there is room");
                        write_out(&mut ws, &mut socket);
                    }
                })
            }
            message if payload.len() >= LARGE => {
                in_writes(ws, socket, per_write, move |ws| ws.send(black_box(&message).clone()))
            }
            Message::Text(text) => in_writes(ws, socket, per_write, move |ws| ws.send_text(black_box(&text))),
            _ => in_writes(ws, socket, per_write, move |ws| ws.send_binary(black_box(&payload))),
        })
    }

    fn echo(&self, _: &Incoming, mut socket: Socket) -> Option<Job> {
        let mut ws = connection(Role::Server);
        let mut input = Input::new();
        Some(Box::new(move |mut count, _| {
            while count > 0 {
                while let Some(event) = ws.receive(&mut input) {
                    count -= usize::from(answer(&mut ws, event));
                    if count == 0 {
                        break;
                    }
                }
                write_out(&mut ws, &mut socket);
                if count > 0 {
                    socket.read_buf(&mut input.room());
                }
            }
        }))
    }

    fn round_trip(&self, content: Content, payload: &Bytes, per_read: usize) -> Option<Job> {
        connection::round_trip::<Whole>(content, payload, per_read)
    }

    fn accept(&self, mut socket: Socket) -> Option<Job> {
        let config = Config::new();
        Some(Box::new(move |count, _| {
            for _ in 0..count {
                let mut ws = accept(&mut socket, &config, &mut Input::new());
                write_out(&mut ws, &mut socket);
            }
        }))
    }

    fn connect(&self, mut socket: Socket) -> Option<Job> {
        let request = client::Request::new(URI.parse().expect("a URI"));
        let config = Config::new();
        let mut seeds = Seeds::new([9; 32]);
        Some(Box::new(move |count, _| {
            for _ in 0..count {
                assert!(connect(&mut socket, &request, &mut seeds, &config, &mut Input::new()).can_send());
            }
        }))
    }

    fn churn(&self, messages: usize, dial: Dial) -> Option<Job> {
        Some(connection::churn::<Whole>(messages, dial))
    }

    fn churn_client(&self, messages: usize, payload: &Bytes, mut dial: Dial) -> Option<Job> {
        let request = client::Request::new(URI.parse().expect("a URI"));
        let config = Config::new();
        let mut seeds = Seeds::new([9; 32]);
        let message = message(Kind::Binary, payload);
        Some(Box::new(move |count, seen| {
            for _ in 0..count {
                let (mut socket, mut input) = (dial(), Input::new());
                let ws = connect(&mut socket, &request, &mut seeds, &config, &mut input);
                let mut connection = Whole { ws, input, socket };
                for _ in 0..messages {
                    connection.queue(black_box(&message));
                    connection.flush();
                    connection::Connection::receive(&mut connection, seen);
                }
                connection.leave();
            }
        }))
    }

    fn broadcast(&self, payload: &Bytes, sockets: Vec<Socket>) -> Option<Job> {
        let mut connections: Vec<_> = sockets.into_iter().map(|socket| (connection(Role::Server), socket)).collect();
        let prepared = Prepared::new(payload.clone());
        Some(Box::new(move |count, _| {
            for _ in 0..count {
                for (ws, socket) in &mut connections {
                    ws.send_prepared_through(black_box(&prepared), socket).expect("there is room");
                    write_out(ws, socket);
                }
            }
        }))
    }

    fn broadcast_compressed(&self, payload: &Bytes, sockets: Vec<Socket>) -> Option<Job> {
        let mut connections: Vec<_> = sockets.into_iter().map(|socket| (compressing(), socket)).collect();
        let (config, message) = (DeflateConfig::new(), message(Kind::Text, payload));
        Some(Box::new(move |count, _| {
            for _ in 0..count {
                let prepared = Prepared::new(black_box(&message).clone()).compress(&config);
                for (ws, socket) in &mut connections {
                    ws.send_prepared_through(&prepared, socket).expect("there is room");
                    write_out(ws, socket);
                }
            }
        }))
    }

    fn write_text(&self, size: usize, mut socket: Socket) -> Option<Job> {
        let mut ws = connection(Role::Server);
        Some(Box::new(move |count, _| {
            for _ in 0..count {
                let write = |text: &mut MessageWriter<'_>| lines::write_lines(text, black_box(size));
                ws.send_with(MessageKind::Text, write).expect("it is written");
                write_out(&mut ws, &mut socket);
            }
        }))
    }

    fn inflate(&self, _: &Incoming, socket: Socket) -> Option<Job> {
        Some(receive(compressing(), socket))
    }

    fn deflate(&self, messages: &[Bytes], socket: Socket) -> Option<Job> {
        let mut whole = Whole { ws: compressing(), input: Input::new(), socket };
        let messages: Vec<Message> = messages.iter().map(|payload| message(Kind::Text, payload)).collect();
        let mut next = 0;
        Some(Box::new(move |count, _| {
            for _ in 0..count {
                whole.queue(black_box(&messages[next]));
                whole.flush();
                next = (next + 1) % messages.len();
            }
        }))
    }

    fn idle(&self, reads: &Rc<[Bytes]>, count: usize) -> Vec<Idle> {
        vec![
            connection::idle::<Whole>("ws-proto, an input of 4 KiB each", reads, count),
            // The input is empty then, and one serves all connections.
            Idle {
                value: size_of::<Connection>(),
                ..connection::idle::<Quiet>("ws-proto, an input for all, memory released", reads, count)
            },
        ]
    }
}
