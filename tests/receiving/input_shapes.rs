//! The shapes of code around `receive` that have to compile, and that an event is only a view: dropping or leaking it
//! changes nothing.

use crate::common::input::*;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::thread;
use ws_proto::bytes::Buf;
use ws_proto::{Config, Connection, Event, Input, Message, OwnedEvent, Role, SendError};

/// Two texts, a Ping, a fragmented binary message and a Close, as a client sends them.
fn stream() -> Vec<u8> {
    [
        frame(Role::Server, FIN | TEXT, b"one"),
        frame(Role::Server, FIN | PING, b"?"),
        fragments(Role::Server, BINARY, &[b"tw", b"o"]),
        frame(Role::Server, FIN | TEXT, &[b'3'; 300]),
        close(Role::Server, 1000, b"bye"),
    ]
    .concat()
}

fn names(events: &[OwnedEvent]) -> Vec<String> {
    events.iter().map(name).collect()
}

fn name(event: &OwnedEvent) -> String {
    match event {
        OwnedEvent::Text(text) => format!("text {}", text.len()),
        OwnedEvent::Binary(data) => format!("binary {}", data.len()),
        OwnedEvent::Ping(_) => "ping".into(),
        OwnedEvent::Closed(closed) => format!("closed {}", closed.code()),
        event => panic!("{event:?}"),
    }
}

const EXPECTED: [&str; 5] = ["text 3", "ping", "binary 3", "text 300", "closed 1000"];

/// 6455-6.2-1: read where there is no event, with the input free in that arm and the connection free in the other.
#[test]
fn read_in_the_arm_of_none() {
    let stream = stream();
    let mut reads = stream.chunks(3);
    let mut ws = Connection::server(&Config::new());
    let mut input = Input::new();
    let mut seen = Vec::new();
    loop {
        match ws.receive(&mut input) {
            Some(event) => {
                if let Event::Text(text) = &event {
                    ws.send_text(text).unwrap();
                }
                assert!(ws.interest().read || matches!(event, Event::Closed(_)));
                seen.push(event.into_owned());
            }
            None => match reads.next() {
                Some(read) => input.extend_from_slice(read),
                None => break,
            },
        }
    }
    assert_eq!(names(&seen), EXPECTED);
    assert!(ws.output().remaining() > 300);
}

/// The event goes out of the loop by `return`, where a read is in the other arm.
fn next_or_read(ws: &mut Connection, input: &mut Input, reads: &mut std::slice::Chunks<'_, u8>) -> Vec<u8> {
    loop {
        match ws.receive(input) {
            Some(Event::Text(text)) => return text.as_bytes().to_vec(),
            Some(Event::Binary(data)) => return data.to_vec(),
            Some(_) => {}
            None => input.extend_from_slice(reads.next().unwrap_or_default()),
        }
    }
}

/// 6455-6.2-4: a loop that leaves with what it has found.
#[test]
fn out_of_a_loop() {
    let stream = stream();
    let mut reads = stream.chunks(5);
    let (mut ws, mut input) = (Connection::server(&Config::new()), Input::new());
    assert_eq!(next_or_read(&mut ws, &mut input, &mut reads), b"one");
    assert_eq!(next_or_read(&mut ws, &mut input, &mut reads), b"two");
    assert_eq!(next_or_read(&mut ws, &mut input, &mut reads), [b'3'; 300]);
}

struct Session {
    ws: Connection,
    input: Input,
    seen: Vec<OwnedEvent>,
}

impl Session {
    fn new() -> Self {
        Self { ws: Connection::server(&Config::new()), input: Input::new(), seen: Vec::new() }
    }

    fn receive_all(&mut self) {
        while let Some(event) = self.ws.receive(&mut self.input) {
            // Not in one expression: `self` is borrowed before its arguments are evaluated.
            let event = event.into_owned();
            self.on(event);
        }
    }

    fn on(&mut self, event: OwnedEvent) {
        if let OwnedEvent::Text(text) = &event {
            self.ws.send(text.clone()).unwrap();
        }
        self.seen.push(event);
    }

    fn next(&mut self) -> Option<Event<'_>> {
        self.ws.receive(&mut self.input)
    }

    /// Events by reference to a function that may use all but the input.
    fn for_each(&mut self, mut handle: impl FnMut(&mut Connection, Event<'_>) -> Result<(), SendError>) {
        while let Some(event) = self.ws.receive(&mut self.input) {
            handle(&mut self.ws, event).unwrap();
        }
    }
}

/// 6455-6.2-1: all of the session is free in the handler of an owned event.
#[test]
fn a_handler_of_the_whole_session() {
    for size in [1, 2, 1000] {
        let mut session = Session::new();
        for read in stream().chunks(size) {
            session.input.extend_from_slice(read);
            session.receive_all();
        }
        assert_eq!(names(&session.seen), EXPECTED);
    }
}

/// 6455-6.2-1: a wrapper's `next`, and an answer from what was copied out of the event.
#[test]
fn a_wrapper_with_next() {
    let mut session = Session::new();
    session.input.extend_from_slice(&stream());
    let mut seen = Vec::new();
    while let Some(event) = session.next() {
        let event = event.into_owned();
        if let OwnedEvent::Binary(data) = &event {
            session.ws.send_binary(data).unwrap();
        }
        seen.push(event);
    }
    assert_eq!(names(&seen), EXPECTED);

    let mut session = Session::new();
    session.input.extend_from_slice(&stream());
    let length = match session.next() {
        Some(Event::Text(text)) => text.len(),
        event => panic!("{event:?}"),
    };
    session.ws.send_text(&length.to_string()).unwrap();
    assert!(session.ws.output().chunk().ends_with(b"3"));
}

/// 6455-6.2-1: a handler of borrowed events which is given the connection; a message is sent back without a copy.
#[test]
fn a_handler_of_borrowed_events() {
    let mut session = Session::new();
    session.input.extend_from_slice(&stream());
    let mut count = 0;
    session.for_each(|ws, event| {
        count += 1;
        match event {
            Event::Text(text) => ws.send(text),
            Event::Binary(data) => ws.send(data.into_message()),
            _ => Ok(()),
        }
    });
    assert_eq!(count, EXPECTED.len());
    let mut client = connection(Role::Client, &Config::new());
    let mut input = Input::new();
    input.put(session.ws.output());
    let back = drain(&mut client, &mut input);
    assert!(matches!(&back[0], OwnedEvent::Pong(data) if data == "?"), "{back:?}");
    assert_eq!(back[1], OwnedEvent::Text("one".into()));
    assert_eq!(back[2], OwnedEvent::Binary("two".into()));
}

/// 6455-6.2-1: owned events travel to another thread, and so do a connection and its input.
#[test]
fn through_a_channel() {
    let (sender, receiver) = mpsc::channel::<OwnedEvent>();
    let mut session = Session::new();
    let reader = thread::spawn(move || {
        for read in stream().chunks(10) {
            session.input.extend_from_slice(read);
            while let Some(event) = session.next() {
                sender.send(event.into_owned()).unwrap();
            }
        }
    });
    let seen: Vec<OwnedEvent> = receiver.iter().collect();
    reader.join().unwrap();
    assert_eq!(names(&seen), EXPECTED);

    fn send_and_sync<T: Send + Sync>() {}
    send_and_sync::<Input>();
    send_and_sync::<Connection>();
    send_and_sync::<Event<'static>>();
    send_and_sync::<OwnedEvent>();
}

/// An executor of a few lines: polls until it is ready.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}

/// A stream that is not ready every other time.
struct Wire {
    bytes: Vec<u8>,
    size: usize,
    pending: bool,
}

impl Wire {
    async fn read(&mut self, input: &mut Input) -> Result<usize, &'static str> {
        struct Once<'a>(&'a mut bool);
        impl Future for Once<'_> {
            type Output = ();
            fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
                *self.0 = !*self.0;
                if *self.0 {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Ready(())
            }
        }
        Once(&mut self.pending).await;
        let count = self.size.min(self.bytes.len());
        if count == 0 {
            return Err("reset");
        }
        let rest = self.bytes.split_off(count);
        input.extend_from_slice(&self.bytes);
        self.bytes = rest;
        Ok(count)
    }
}

struct Socket {
    wire: Wire,
    ws: Connection,
    input: Input,
    over: bool,
}

impl Socket {
    /// Can be dropped at any await without losing a byte.
    async fn next(&mut self) -> Result<Option<OwnedEvent>, &'static str> {
        loop {
            if self.over {
                return Ok(None);
            }
            if let Some(event) = self.ws.receive(&mut self.input) {
                self.over = matches!(event, Event::Closed(_));
                return Ok(Some(event.into_owned()));
            }
            self.wire.read(&mut self.input).await?;
        }
    }

    /// The same with an event that borrows, which the borrow checker wants decided before the wait.
    async fn next_text(&mut self) -> Result<Option<String>, &'static str> {
        loop {
            match self.ws.receive(&mut self.input) {
                Some(Event::Text(text)) => return Ok(Some(text.to_string())),
                Some(Event::Closed(_)) => return Ok(None),
                Some(_) => {}
                None => {
                    self.wire.read(&mut self.input).await?;
                }
            }
        }
    }
}

fn socket(size: usize) -> Socket {
    let wire = Wire { bytes: stream(), size, pending: false };
    Socket { wire, ws: Connection::server(&Config::new()), input: Input::new(), over: false }
}

/// 6455-6.2-1: `async fn next`, also when its future is dropped at every wait.
#[test]
fn async_next() {
    for size in [1, 4, 1000] {
        let mut wire = socket(size);
        let mut seen = Vec::new();
        while let Some(event) = block_on(wire.next()).unwrap() {
            seen.push(event);
        }
        assert_eq!(names(&seen), EXPECTED);

        let mut wire = socket(size);
        let mut seen = Vec::new();
        for _ in 0..2000 {
            // One poll, then the future is dropped.
            let next = pin!(wire.next()).poll(&mut Context::from_waker(Waker::noop()));
            if let Poll::Ready(Ok(Some(event))) = next {
                seen.push(event);
            }
        }
        assert_eq!(names(&seen), EXPECTED);

        let mut wire = socket(size);
        assert_eq!(block_on(wire.next_text()), Ok(Some("one".into())));
        assert_eq!(block_on(wire.next_text()), Ok(Some("3".repeat(300))));
        assert_eq!(block_on(wire.next_text()), Ok(None));
    }
}

/// The future of a task that is spawned has to be `Send`.
#[test]
fn an_async_next_is_send() {
    fn send<T: Send>(value: T) -> T {
        value
    }
    let mut socket = socket(7);
    let event = block_on(send(socket.next())).unwrap();
    assert_eq!(event, Some(OwnedEvent::Text("one".into())));
}

/// 6455-6.2-1: with tokio, reading into `room` and into memory that was taken.
#[cfg(not(miri))]
#[test]
fn with_tokio() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for take in [false, true] {
        let seen = runtime.block_on(async {
            let (mut near, mut far) = tokio::io::duplex(11);
            let (mut ws, mut input) = (Connection::server(&Config::new()), Input::new());
            let writer = async move { far.write_all(&stream()).await };
            let reader = async move {
                let mut seen = Vec::new();
                loop {
                    while let Some(event) = ws.receive(&mut input) {
                        seen.push(event.into_owned());
                    }
                    let count = if take {
                        let mut memory = input.take_room();
                        let count = near.read_buf(&mut memory).await.unwrap();
                        input.append(memory);
                        count
                    } else {
                        near.read_buf(&mut input.room()).await.unwrap()
                    };
                    if count == 0 {
                        return seen;
                    }
                }
            };
            tokio::join!(writer, reader).1
        });
        assert_eq!(names(&seen), EXPECTED);
    }
}

/// 6455-6.2-1: events that are dropped, leaked, half taken apart or kept for ever leave those behind them as they are.
#[test]
fn dropped_and_leaked_events() {
    for delivery in [ws_proto::Delivery::Messages, ws_proto::Delivery::Parts] {
        for cut in [Cut::Whole, Cut::Every(1), Cut::Every(2), Cut::Random(8)] {
            let all = {
                let mut ws = Connection::server(&Config::new().delivery(delivery));
                run(&mut ws, &cut.of(&stream()), || By::Slice)
            };
            for pattern in 0..64u64 {
                let mut ws = Connection::server(&Config::new().delivery(delivery));
                let mut input = Input::new();
                let mut kept = Vec::new();
                let mut index = 0;
                for read in cut.of(&stream()) {
                    input.extend_from_slice(read);
                    while let Some(event) = ws.receive(&mut input) {
                        match (pattern >> (2 * (index % 3))) & 3 {
                            0 => drop(event),
                            1 => std::mem::forget(event),
                            2 => {
                                if let Event::Text(text) = event {
                                    let message: Message = text.into();
                                    assert_eq!(
                                        OwnedEvent::Text(
                                            String::from_utf8(message.into_bytes().to_vec()).unwrap().into()
                                        ),
                                        all[index]
                                    );
                                }
                            }
                            _ => kept.push((index, event.into_owned())),
                        }
                        index += 1;
                    }
                }
                assert_eq!(index, all.len());
                for (index, event) in kept {
                    assert_eq!(event, all[index]);
                }
            }
        }
    }
}

/// 6455-6.2-1: what was kept stays as it was while the input goes on, is released and is dropped.
#[test]
fn kept_messages_do_not_change() {
    let mut numbers = Numbers(3);
    let mut ws = Connection::server(&Config::new());
    let mut input = Input::new();
    let mut kept = Vec::new();
    for round in 0..200u8 {
        let data = vec![round; [10, 200, 3000, 20_000, 70_000][numbers.below(5)]];
        let mut bytes = frame(Role::Server, FIN | BINARY, &data);
        push(&mut bytes, Role::Server, FIN | BINARY, &[round; 100]);
        append(&mut input, ALL[numbers.below(ALL.len())], &bytes);
        while let Some(event) = ws.receive(&mut input) {
            kept.push((round, event.into_owned()));
        }
        if round % 7 == 0 {
            input.release_memory();
        }
    }
    drop(input);
    for (round, event) in kept {
        let OwnedEvent::Binary(data) = event else { panic!("{event:?}") };
        assert!(data.iter().all(|&byte| byte == round));
    }
}
