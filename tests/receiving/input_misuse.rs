//! Any sequence of operations on several connections and inputs, right and wrong: no panic, no text that is not UTF-8, no
//! work without end.

use crate::common::input::*;
use proptest::prelude::*;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use ws_proto::bytes::{Buf, BufMut, Bytes, BytesMut};
use ws_proto::{CloseCode, Config, Connection, Delivery, Event, Input, OwnedEvent, Role};

const CONNECTIONS: usize = if cfg!(feature = "deflate") { 6 } else { 4 };
const INPUTS: usize = 3;

/// What is done; the numbers choose a connection or an input.
#[derive(Clone, Debug)]
enum Step {
    /// A frame, whole or cut off, is appended.
    Frame {
        input: usize,
        to: usize,
        first: u8,
        payload: Payload,
        keep: usize,
        by: usize,
    },
    /// A right message for the connection that this input belongs to at first, in a few fragments, of which the last bytes
    /// may be kept back.
    Message {
        input: usize,
        parts: Vec<Payload>,
        text: bool,
        deflated: bool,
        keep_back: usize,
        by: usize,
    },
    /// Bytes of no meaning.
    Noise {
        input: usize,
        bytes: Vec<u8>,
        by: usize,
    },
    /// The rest of the frame that was cut off last.
    Rest {
        input: usize,
        count: usize,
        by: usize,
    },
    /// One event, and what is done with it.
    Receive {
        ws: usize,
        input: usize,
        with: u8,
    },
    /// Events until there is none.
    Drain {
        ws: usize,
        input: usize,
    },
    Swap {
        one: usize,
        other: usize,
    },
    Replace {
        input: usize,
    },
    ReleaseInput {
        input: usize,
    },
    Release {
        ws: usize,
    },
    TakeRoom {
        input: usize,
    },
    GiveRoom {
        input: usize,
        bytes: Vec<u8>,
    },
    Room {
        input: usize,
        bytes: Vec<u8>,
    },
    EmptyReads {
        input: usize,
    },
    Limits {
        ws: usize,
        frame: u16,
        message: u16,
        fragments: u8,
    },
    Eof {
        ws: usize,
    },
    Send {
        ws: usize,
        what: u8,
        bytes: Vec<u8>,
    },
    Unread {
        input: usize,
    },
    /// A panic while an event, or the input's memory, is borrowed.
    Panic {
        ws: usize,
        input: usize,
        how: u8,
    },
    /// What one connection has put out goes to another.
    Deliver {
        from: usize,
        input: usize,
        most: usize,
    },
    Fresh {
        ws: usize,
    },
}

#[derive(Clone, Debug)]
enum Payload {
    Ascii(usize),
    Letters(usize),
    /// The parts of a code point.
    Head,
    Tail,
    Bytes(Vec<u8>),
    Deflated(usize),
}

impl Payload {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Ascii(length) => vec![b'a'; *length],
            Self::Letters(length) => Numbers(*length as u64).text(*length).into_bytes(),
            Self::Head => b"\xf0\x9f".to_vec(),
            Self::Tail => b"\xa6\x80".to_vec(),
            Self::Bytes(bytes) => bytes.clone(),
            // A stored block, or a fixed one with the letters `Hello`.
            Self::Deflated(0) => vec![0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
            Self::Deflated(length) => {
                let length = *length as u16;
                let mut bytes = vec![0x00];
                bytes.extend(length.to_le_bytes());
                bytes.extend((!length).to_le_bytes());
                bytes.extend(vec![b's'; length.into()]);
                bytes.push(0);
                bytes
            }
        }
    }
}

fn payload() -> impl Strategy<Value = Payload> {
    let long = if cfg!(miri) { 300usize } else { 6000 };
    prop_oneof![
        (0..40usize).prop_map(Payload::Ascii),
        (0..long).prop_map(Payload::Ascii),
        (0..60usize).prop_map(Payload::Letters),
        (0..long).prop_map(Payload::Letters),
        Just(Payload::Head),
        Just(Payload::Tail),
        prop::collection::vec(any::<u8>(), 0..150).prop_map(Payload::Bytes),
        (0..40usize).prop_map(Payload::Deflated),
    ]
}

fn first_byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        8 => prop::sample::select(vec![0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x00, 0x80]),
        3 => prop::sample::select(vec![0x89, 0x8a]),
        2 => prop::sample::select(vec![0xc1, 0xc2, 0x41, 0x42]),
        1 => prop_oneof![Just(0x88u8), any::<u8>()],
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let ws = 0..CONNECTIONS;
    let input = 0..INPUTS;
    let bytes = || prop::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        8 => (input.clone(), ws.clone(), first_byte(), payload(), prop_oneof![Just(usize::MAX), 0..30usize], 0..9usize)
            .prop_map(|(input, to, first, payload, keep, by)| Step::Frame { input, to, first, payload, keep, by }),
        24 => (input.clone(), prop::collection::vec(payload(), 1..4), any::<[bool; 2]>(), prop_oneof![Just(0), 0..60usize], 0..9usize)
            .prop_map(|(input, parts, [text, deflated], keep_back, by)| Step::Message { input, parts, text, deflated, keep_back, by }),
        1 => (input.clone(), bytes(), 0..9usize).prop_map(|(input, bytes, by)| Step::Noise { input, bytes, by }),
        10 => (input.clone(), prop_oneof![1..30usize, Just(usize::MAX)], 0..9usize)
            .prop_map(|(input, count, by)| Step::Rest { input, count, by }),
        16 => (ws.clone(), any::<u8>()).prop_map(|(ws, with)| Step::Receive { ws, input: ws % INPUTS, with }),
        20 => ws.clone().prop_map(|ws| Step::Drain { ws, input: ws % INPUTS }),
        2 => (ws.clone(), input.clone(), any::<u8>()).prop_map(|(ws, input, with)| Step::Receive { ws, input, with }),
        2 => (ws.clone(), input.clone()).prop_map(|(ws, input)| Step::Drain { ws, input }),
        2 => (input.clone(), input.clone()).prop_map(|(one, other)| Step::Swap { one, other }),
        2 => input.clone().prop_map(|input| Step::Replace { input }),
        4 => input.clone().prop_map(|input| Step::ReleaseInput { input }),
        3 => ws.clone().prop_map(|ws| Step::Release { ws }),
        3 => input.clone().prop_map(|input| Step::TakeRoom { input }),
        3 => (input.clone(), bytes()).prop_map(|(input, bytes)| Step::GiveRoom { input, bytes }),
        3 => (input.clone(), bytes()).prop_map(|(input, bytes)| Step::Room { input, bytes }),
        1 => input.clone().prop_map(|input| Step::EmptyReads { input }),
        3 => (ws.clone(), any::<u16>(), any::<u16>(), any::<u8>())
            .prop_map(|(ws, frame, message, fragments)| Step::Limits { ws, frame, message, fragments }),
        1 => ws.clone().prop_map(|ws| Step::Eof { ws }),
        6 => (ws.clone(), any::<u8>(), bytes()).prop_map(|(ws, what, bytes)| Step::Send { ws, what, bytes }),
        1 => input.clone().prop_map(|input| Step::Unread { input }),
        3 => (ws.clone(), input.clone(), any::<u8>()).prop_map(|(ws, input, how)| Step::Panic { ws, input, how }),
        6 => (ws.clone(), input, prop_oneof![1..50usize, Just(usize::MAX)])
            .prop_map(|(from, input, most)| Step::Deliver { from, input, most }),
        5 => ws.prop_map(|ws| Step::Fresh { ws }),
    ]
}

/// Server and client, of messages and parts, and each of them with compression.
fn make(index: usize) -> Connection {
    let config = Config::new().max_message(20_000).max_fragments(60).max_buffered(50_000);
    let config = if index % 4 >= 2 { config.delivery(Delivery::Parts) } else { config };
    let config = if index == 3 { config.auto_close(false).auto_pong(false) } else { config };
    let ws = connection(ROLES[index % 2], &config);
    #[cfg(feature = "deflate")]
    if index >= 2 {
        return ws.with_deflate(&ws_proto::DeflateConfig::new().threshold(8), ws_proto::DeflateParameters::new());
    }
    ws
}

fn check_text(text: &str) {
    assert!(std::str::from_utf8(text.as_bytes()).is_ok(), "not UTF-8: {:02x?}", text.as_bytes());
}

fn look(event: &Event<'_>) {
    match event {
        Event::Text(text) | Event::TextPart { text, .. } => check_text(text),
        Event::Ping(data) | Event::Pong(data) => assert!(data.len() <= 125),
        Event::Close(frame) => check_text(frame.reason()),
        Event::Closed(closed) => {
            check_text(closed.reason());
            assert!(!closed.to_string().is_empty());
        }
        Event::Binary(data) | Event::BinaryPart { data, .. } => {
            std::hint::black_box(data.iter().map(|byte| u64::from(*byte)).sum::<u64>());
        }
        event => panic!("{event:?}"),
    }
}

struct Scene {
    connections: Vec<Connection>,
    over: Vec<bool>,
    inputs: Vec<Input>,
    consumed: Vec<u64>,
    rooms: Vec<BytesMut>,
    rest: Vec<u8>,
    kept: Vec<(OwnedEvent, u64)>,
    appended: usize,
    events: usize,
}

/// A number that stands for what an event holds.
fn sum(event: &OwnedEvent) -> u64 {
    let bytes = match event {
        OwnedEvent::Text(text) | OwnedEvent::TextPart { text, .. } => text.as_str().as_bytes(),
        OwnedEvent::Binary(data)
        | OwnedEvent::BinaryPart { data, .. }
        | OwnedEvent::Ping(data)
        | OwnedEvent::Pong(data) => data,
        _ => return 0,
    };
    bytes.iter().fold(bytes.len() as u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)))
}

impl Scene {
    fn new() -> Self {
        Self {
            connections: (0..CONNECTIONS).map(make).collect(),
            over: vec![false; CONNECTIONS],
            inputs: (0..INPUTS).map(|_| Input::new()).collect(),
            consumed: vec![0; INPUTS],
            rooms: Vec::new(),
            rest: Vec::new(),
            kept: Vec::new(),
            appended: 0,
            events: 0,
        }
    }

    fn append(&mut self, input: usize, by: usize, bytes: &[u8]) {
        self.appended += bytes.len();
        let before = self.inputs[input].len();
        append(&mut self.inputs[input], ALL[by % ALL.len()], bytes);
        assert_eq!(self.inputs[input].len(), before + bytes.len());
    }

    fn receive(&mut self, ws: usize, input: usize, with: u8) -> bool {
        // A server's connection may see a Close and nothing behind it; the end is returned once.
        let Some(event) = self.connections[ws].receive(&mut self.inputs[input]) else { return false };
        self.events += 1;
        look(&event);
        assert!(!self.over[ws], "an event behind the end: {event:?}");
        self.over[ws] = matches!(event, Event::Closed(_));
        match with % 6 {
            0 => std::mem::forget(event),
            1 => {
                let event = event.into_owned();
                let sum = sum(&event);
                self.kept.push((event, sum));
            }
            2 => {
                if let Event::Text(text) | Event::TextPart { text, .. } = event {
                    let _ = self.connections[ws].send(text);
                }
            }
            3 => {
                if let Event::Binary(data) | Event::BinaryPart { data, .. } = event {
                    let _ = self.connections[(ws + 1) % CONNECTIONS].send(data);
                }
            }
            _ => drop(event),
        }
        if self.over[ws] && with < 200 {
            // Mostly another one takes its place, with an input of its own.
            self.run(&Step::Fresh { ws });
            self.run(&Step::Replace { input });
        }
        true
    }

    fn run(&mut self, step: &Step) {
        match step {
            Step::Frame { input, to, first, payload, keep, by } => {
                let bytes = frame(self.connections[*to].role(), *first, &payload.bytes());
                let (now, rest) = bytes.split_at(bytes.len().min(*keep));
                self.append(*input, *by, now);
                self.rest = rest.to_vec();
            }
            Step::Message { input, parts, text, deflated, keep_back, by } => {
                let to = self.connections[*input].role();
                let mut bytes = std::mem::take(&mut self.rest);
                let kind = if *text { TEXT } else { BINARY };
                for (i, part) in parts.iter().enumerate() {
                    let mut part = part.clone();
                    if *text && matches!(part, Payload::Bytes(_) | Payload::Head | Payload::Tail) {
                        part = Payload::Letters(i + 7);
                    }
                    let deflated = *deflated && cfg!(feature = "deflate") && *input >= 2;
                    if deflated {
                        part = Payload::Deflated(i + 1);
                    }
                    let rsv1 = if deflated && i == 0 { RSV1 } else { 0 };
                    let fin = if i + 1 == parts.len() { FIN } else { 0 };
                    let mut payload = part.bytes();
                    if deflated && fin == 0 {
                        // Only the last block is cut short (RFC 7692 §7.2.1).
                        payload.pop();
                    }
                    push(&mut bytes, to, fin | rsv1 | if i == 0 { kind } else { CONTINUATION }, &payload);
                }
                let rest = bytes.split_off(bytes.len().saturating_sub(*keep_back));
                self.append(*input, *by, &bytes);
                self.rest = rest;
            }
            Step::Noise { input, bytes, by } => self.append(*input, *by, bytes),
            Step::Rest { input, count, by } => {
                let count = self.rest.len().min(*count);
                let bytes: Vec<u8> = self.rest.drain(..count).collect();
                self.append(*input, *by, &bytes);
            }
            Step::Receive { ws, input, with } => {
                self.receive(*ws, *input, *with);
            }
            Step::Drain { ws, input } => {
                let most = self.inputs[*input].len() + 3;
                let mut count = 0;
                while !self.over[*ws] && self.receive(*ws, *input, count as u8) {
                    count += 1;
                    assert!(count <= most, "{count} events out of {most} bytes");
                }
            }
            Step::Swap { one, other } => {
                self.inputs.swap(*one, *other);
                self.consumed.swap(*one, *other);
            }
            Step::Replace { input } => {
                self.inputs[*input] = Input::new();
                self.consumed[*input] = 0;
            }
            Step::ReleaseInput { input } => {
                let before = (self.inputs[*input].len(), self.inputs[*input].consumed());
                self.inputs[*input].release_memory();
                assert_eq!((self.inputs[*input].len(), self.inputs[*input].consumed()), before);
            }
            Step::Release { ws } => self.connections[*ws].release_memory(),
            Step::TakeRoom { input } => {
                let room = self.inputs[*input].take_room();
                assert!(room.is_empty() && room.capacity() > 0);
                self.rooms.push(room);
            }
            Step::GiveRoom { input, bytes } => {
                if let Some(mut room) = self.rooms.pop() {
                    room.extend_from_slice(bytes);
                    self.appended += bytes.len();
                    self.inputs[*input].append(room);
                }
            }
            Step::Room { input, bytes } => {
                let mut room = self.inputs[*input].room();
                assert!(room.remaining_mut() >= bytes.len());
                room.put_slice(bytes);
                self.appended += bytes.len();
            }
            Step::EmptyReads { input } => {
                let input = &mut self.inputs[*input];
                let before = input.len();
                drop(input.room());
                input.append(BytesMut::new());
                input.extend_from_slice(&[]);
                input.put(Bytes::new());
                #[cfg(feature = "std")]
                assert_eq!(input.read_from(&mut std::io::empty()).unwrap(), 0);
                assert_eq!(input.len(), before);
            }
            Step::Limits { ws, frame, message, fragments } => {
                let config = Config::new()
                    .max_frame((*frame).into())
                    .max_message((*message % 30_000).into())
                    .max_fragments((*fragments).into())
                    .max_buffered(usize::from(*message));
                self.connections[*ws].set_limits(&config);
            }
            Step::Eof { ws } => self.connections[*ws].receive_eof(),
            Step::Send { ws, what, bytes } => self.send(*ws, *what, bytes),
            Step::Unread { input } => {
                let input = std::mem::take(&mut self.inputs[*input]);
                let length = input.len();
                assert!(input.into_unread().len() <= length);
                // `Input::new()` is in its place.
                self.consumed.fill(0);
            }
            Step::Panic { ws, input, how } => self.panic(*ws, *input, *how),
            Step::Deliver { from, input, most } => {
                let output = self.connections[*from].output();
                let count = output.remaining().min(*most);
                self.appended += count;
                self.inputs[*input].put(output.take(count));
            }
            Step::Fresh { ws } => {
                self.connections[*ws] = make(*ws);
                self.over[*ws] = false;
            }
        }
    }

    fn send(&mut self, ws: usize, what: u8, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let ws = &mut self.connections[ws];
        // Refused or not, nothing may panic.
        let refused = match what % 9 {
            0 => ws.send_text(&text).is_err(),
            1 => ws.send_binary(bytes).is_err(),
            2 => ws.send(vec![7; bytes.len() * 300]).is_err(),
            3 => ws.send_part(text, what >= 128).is_err(),
            4 => ws.send_part(bytes.to_vec(), what >= 128).is_err(),
            5 => ws.ping(bytes).is_err(),
            6 => ws.pong(bytes).is_err(),
            7 if what >= 200 => ws.close(CloseCode::NORMAL).is_err(),
            _ => {
                let count = ws.output().remaining().min(bytes.len());
                ws.output().advance(count);
                false
            }
        };
        std::hint::black_box(refused);
        let interest = ws.interest();
        assert_eq!(interest.write, ws.output().has_remaining());
    }

    fn panic(&mut self, ws: usize, input: usize, how: u8) {
        struct Panics;
        impl Read for Panics {
            fn read(&mut self, memory: &mut [u8]) -> std::io::Result<usize> {
                memory.fill(0xff);
                std::panic::resume_unwind(Box::new("a panic of the test's"))
            }
        }
        struct PanickingBuf(usize);
        impl Buf for PanickingBuf {
            fn remaining(&self) -> usize {
                5
            }
            fn chunk(&self) -> &[u8] {
                if self.0 > 0 { std::panic::resume_unwind(Box::new("a panic of the test's")) } else { &[0x81, 0x85] }
            }
            fn advance(&mut self, _: usize) {
                self.0 += 1;
            }
        }
        let mut ended = false;
        let (connection, input) = (&mut self.connections[ws], &mut self.inputs[input]);
        let caught = catch_unwind(AssertUnwindSafe(|| match how % 4 {
            0 => {
                let event = connection.receive(input);
                ended = matches!(event, Some(Event::Closed(_)));
                std::panic::resume_unwind(Box::new("a panic of the test's"));
            }
            #[cfg(feature = "std")]
            1 => drop(input.read_from(&mut Panics)),
            2 => input.put(PanickingBuf(0)),
            _ => {
                let mut room = input.room();
                room.put_u8(0x81);
                std::panic::resume_unwind(Box::new("a panic of the test's"));
            }
        }));
        #[cfg(feature = "std")]
        assert!(caught.is_err(), "{how}");
        let _ = (caught, Panics);
        self.over[ws] |= ended;
    }

    fn check(&mut self) {
        for (input, consumed) in self.inputs.iter().zip(&mut self.consumed) {
            assert!(input.consumed() >= *consumed, "consumed goes back from {consumed} to {}", input.consumed());
            *consumed = input.consumed();
            let length = input.len();
            assert_eq!(input.is_empty(), length == 0);
            assert!(!format!("{input:?}").is_empty());
        }
        for (event, right) in &self.kept {
            assert_eq!(sum(event), *right, "a kept event has changed");
        }
    }
}

fn run_all(steps: &[Step]) {
    let mut scene = Scene::new();
    for step in steps {
        scene.run(step);
        scene.check();
    }
    for ws in 0..CONNECTIONS {
        scene.connections[ws].receive_eof();
        for input in 0..INPUTS {
            while scene.receive(ws, input, 255) {}
        }
        assert!(scene.over[ws], "the end is returned");
        scene.check();
    }
    assert!(scene.events <= 4 * scene.appended + 10 * steps.len() + 100);
    for input in scene.inputs.drain(..) {
        drop(input.into_unread());
    }
    for (event, right) in &scene.kept {
        assert_eq!(sum(event), *right);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 80 },
        failure_persistence: None,
        max_shrink_iters: 3000,
        ..ProptestConfig::default()
    })]

    /// 6455-5.6-1, 6455-10.7-1: whatever is done.
    #[test]
    fn anything(steps in prop::collection::vec(step(), 1..if cfg!(miri) { 60 } else { 200 })) {
        run_all(&steps);
    }
}

/// Under Miri, which takes a thousand times as long, not every place is tried.
const STEP: usize = if cfg!(miri) { 11 } else { 1 };

/// 6455-5.6-1: two messages under way, and their inputs swapped in the middle, at every pair of places.
#[test]
fn swapped_in_the_middle_of_a_message() {
    let one = fragments(Role::Server, TEXT, &["aé".as_bytes(), "€🦀".as_bytes(), b"xyz"]);
    let other = fragments(Role::Server, BINARY, &[b"\xff\xfe", b"\x80\x80\x80\x80", b"\xf0"]);
    let third = frame(Role::Server, FIN | TEXT, "🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀".as_bytes());
    for streams in [[&one, &other], [&other, &one], [&one, &third], [&third, &other]] {
        for first in (0..=streams[0].len()).step_by(STEP) {
            for second in (0..=streams[1].len()).step_by(STEP) {
                for delivery in [Delivery::Messages, Delivery::Parts] {
                    let config = Config::new().delivery(delivery);
                    let mut connections = [Connection::server(&config), Connection::server(&config)];
                    let mut inputs = [Input::new(), Input::new()];
                    for (i, end) in [first, second].into_iter().enumerate() {
                        inputs[i].extend_from_slice(&streams[i][..end]);
                        while let Some(event) = connections[i].receive(&mut inputs[i]) {
                            look(&event);
                        }
                    }
                    inputs.swap(0, 1);
                    for i in 0..2 {
                        let begin = [first, second][1 - i];
                        inputs[i].extend_from_slice(&streams[1 - i][begin..]);
                        while let Some(event) = connections[i].receive(&mut inputs[i]) {
                            look(&event);
                        }
                    }
                }
            }
        }
    }
}

/// 6455-5.6-1: the input of a text under way is replaced by one in which bytes of another kind are, by `Input::new()`, or
/// used by another connection in between.
#[test]
fn replaced_in_the_middle_of_a_text() {
    let text = fragments(Role::Server, TEXT, &["abc🦀".as_bytes(), "é€🦀".as_bytes(), "xyz🦀".as_bytes()]);
    let strange = fragments(Role::Server, BINARY, &[&[0xff; 30], &[0xf0; 200], b""]);
    for at in (0..text.len()).step_by(STEP) {
        for of_other in (0..strange.len()).step_by(9 * STEP) {
            for way in 0..4 {
                let (mut ws, mut input) = (Connection::server(&Config::new()), Input::new());
                let (mut other, mut strangers) = (Connection::server(&Config::new()), Input::new());
                input.extend_from_slice(&text[..at]);
                while let Some(event) = ws.receive(&mut input) {
                    look(&event);
                }
                strangers.extend_from_slice(&strange[..of_other]);
                while let Some(event) = other.receive(&mut strangers) {
                    look(&event);
                }
                match way {
                    0 => input = strangers,
                    1 => input = Input::new(),
                    2 => {
                        input.extend_from_slice(&strange[..of_other]);
                        while let Some(event) = other.receive(&mut input) {
                            look(&event);
                        }
                    }
                    _ => input.release_memory(),
                }
                for read in text[at..].chunks(7) {
                    input.extend_from_slice(read);
                    while let Some(event) = ws.receive(&mut input) {
                        look(&event);
                        if way == 3 {
                            assert_eq!(event.into_owned(), OwnedEvent::Text("abc🦀é€🦀xyz🦀".into()));
                        }
                    }
                }
            }
        }
    }
}
