//! `Input` against a naive oracle: events, lengths and counts of right streams in any cut and by any way of appending,
//! and what is left in it when a WebSocket ends or begins.

use crate::common::input::*;
use ws_proto::bytes::{Bytes, BytesMut};
use ws_proto::{Config, Connection, Delivery, Event, Input, OwnedEvent, Role};

/// A right stream of frames: its bytes, and after which of them each event is complete.
struct Stream {
    bytes: Vec<u8>,
    events: Vec<(usize, OwnedEvent)>,
    /// Where the input has to be empty: behind each message and each control frame outside of a message.
    empty: Vec<usize>,
}

/// One frame with a key of its own.
fn push_keyed(bytes: &mut Vec<u8>, role: Role, first: u8, payload: &[u8], numbers: &mut Numbers) {
    let start = bytes.len();
    push(bytes, role, first, payload);
    if role == Role::Server {
        let key = numbers.next().to_le_bytes();
        let body = bytes.len() - payload.len();
        assert!(body > start);
        for i in 0..4 {
            bytes[body - 4 + i] = key[i];
        }
        for (i, byte) in payload.iter().enumerate() {
            bytes[body + i] = byte ^ key[i % 4];
        }
    }
}

fn stream(role: Role, seed: u64, sizes: &[usize]) -> Stream {
    let mut numbers = Numbers(seed);
    let mut stream = Stream { bytes: Vec::new(), events: Vec::new(), empty: vec![0] };
    for _ in 0..1 + numbers.below(12) {
        if numbers.below(4) == 0 {
            control(&mut stream, role, &mut numbers);
            stream.empty.push(stream.bytes.len());
            continue;
        }
        let size = sizes[numbers.below(sizes.len())];
        let length = numbers.below(size);
        let is_text = numbers.below(2) == 0;
        let content = if is_text { numbers.text(length).into_bytes() } else { numbers.bytes(length) };
        let mut rest = &content[..];
        let mut opcode = if is_text { TEXT } else { BINARY };
        while numbers.below(3) > 0 {
            let most = [1, 5, 130, rest.len() + 1][numbers.below(4)].min(rest.len() + 1);
            let (part, others) = rest.split_at(numbers.below(most));
            push_keyed(&mut stream.bytes, role, opcode, part, &mut numbers);
            (opcode, rest) = (CONTINUATION, others);
            if numbers.below(3) == 0 {
                control(&mut stream, role, &mut numbers);
            }
        }
        push_keyed(&mut stream.bytes, role, FIN | opcode, rest, &mut numbers);
        let event = if is_text {
            OwnedEvent::Text(String::from_utf8(content).unwrap().into())
        } else {
            OwnedEvent::Binary(content.into())
        };
        stream.events.push((stream.bytes.len(), event));
        stream.empty.push(stream.bytes.len());
    }
    stream
}

fn control(stream: &mut Stream, role: Role, numbers: &mut Numbers) {
    let length = numbers.below(126);
    let payload = numbers.bytes(length);
    let (opcode, event) = match numbers.below(2) {
        0 => (PING, OwnedEvent::Ping(payload.clone().into())),
        _ => (PONG, OwnedEvent::Pong(payload.clone().into())),
    };
    push_keyed(&mut stream.bytes, role, FIN | opcode, &payload, numbers);
    stream.events.push((stream.bytes.len(), event));
}

/// Feeds a stream and checks all that `Input` says about itself after every step.
fn check(role: Role, stream: &Stream, cut: Cut, mut by: impl FnMut() -> By, looks: &mut dyn FnMut() -> bool) {
    let mut ws = connection(role, &Config::new());
    let mut input = Input::new();
    let mut appended = 0;
    let mut expected = stream.events.iter();
    let mut consumed = 0;
    for read in cut.of(&stream.bytes) {
        let mut rest = read;
        while !rest.is_empty() {
            let (before, was) = (input.len(), input.consumed());
            let count = append_once(&mut input, by(), rest);
            assert!(count > 0);
            assert_eq!(input.len(), before + count, "append adds to the length");
            assert_eq!(input.consumed(), was, "append consumes nothing");
            assert!(!input.is_empty());
            appended += count;
            rest = &rest[count..];
        }
        if !looks() {
            continue;
        }
        loop {
            let event = ws.receive(&mut input).map(Event::into_owned);
            assert!(input.consumed() >= consumed, "consumed goes back");
            consumed = input.consumed();
            assert!(consumed <= appended as u64, "more is consumed than has come");
            let length = input.len();
            assert_eq!(input.is_empty(), length == 0);
            let Some(event) = event else { break };
            let (end, right) = expected.next().expect("an event too many");
            assert!(event == *right, "{event:?} and not {right:?}");
            assert!(*end <= appended && *end as u64 <= consumed, "the event is returned before its end");
            if *end == appended && stream.empty.contains(end) {
                assert!(input.is_empty(), "nothing is behind the message, and {} bytes are there", input.len());
            }
        }
        // How near it comes is tested by itself: `all_is_consumed`.
        let border = *stream.empty.iter().rfind(|at| **at <= appended).unwrap();
        let of_message = appended - border;
        assert!(of_message > 0 || input.is_empty(), "empty behind a message");
        assert!(input.len() <= of_message, "{} bytes, and {of_message} of the message", input.len());
        assert!(appended as u64 - consumed <= of_message as u64);
        if let Some((end, _)) = expected.clone().next() {
            assert!(*end > appended, "an event was not returned when it was complete");
        }
    }
    while let Some(event) = ws.receive(&mut input).map(Event::into_owned) {
        assert!(event == expected.next().expect("an event too many").1);
    }
    assert_eq!(expected.next(), None, "an event is missing");
    assert!(input.is_empty());
    assert_eq!(input.consumed(), stream.bytes.len() as u64);
    assert_eq!(input.into_unread(), "");
}

/// 6455-5.4-3, 6455-6.2-1, 6455-6.2-4: short streams, by each way of appending, in small cuts.
#[test]
fn short_streams() {
    for seed in 0..if cfg!(miri) { 2 } else { 60 } {
        let role = ROLES[(seed % 2) as usize];
        let stream = stream(role, seed, &[3, 20, 140, 400]);
        let cuts =
            [Cut::Whole, Cut::Every(1), Cut::Every(2), Cut::Every(3), Cut::Every(7), Cut::Every(64), Cut::Random(seed)];
        for cut in cuts {
            for by in ALL {
                check(role, &stream, cut, || *by, &mut || true);
            }
            let mut numbers = Numbers(seed);
            check(role, &stream, cut, || ALL[numbers.below(ALL.len())], &mut || true);
            let (mut numbers, mut ways) = (Numbers(seed + 1), Numbers(seed + 2));
            check(role, &stream, cut, || ALL[ways.below(ALL.len())], &mut || numbers.below(3) == 0);
        }
    }
}

/// 6455-6.2-1: once there is no event, all that has come is taken up, so that a window given back by it never runs dry in
/// the middle of a frame, however small it is.
#[test]
fn all_is_consumed() {
    let mut lags = Vec::new();
    for role in ROLES {
        for opcode in [TEXT, BINARY] {
            for length in [100, 1000, 4096, 20_000, 70_000] {
                for delivery in [Delivery::Messages, Delivery::Parts] {
                    let bytes = frame(role, FIN | opcode, &vec![b'a'; length]);
                    let (mut ws, mut input) = (connection(role, &Config::new().delivery(delivery)), Input::new());
                    let (mut appended, mut lag) = (0, 0);
                    for read in bytes.chunks(50) {
                        input.extend_from_slice(read);
                        appended += read.len() as u64;
                        drain(&mut ws, &mut input);
                        lag = lag.max(appended - input.consumed());
                    }
                    if lag > 0 {
                        lags.push((role, opcode, length, delivery, lag));
                    }
                }
            }
        }
    }
    assert!(lags.is_empty(), "not consumed, of role, opcode, length, delivery: {lags:?}");
}

/// 6455-6.2-1: the same for the bytes of a header.
#[test]
fn headers_are_consumed() {
    for role in ROLES {
        for length in [0u64, 5, 126, 70_000] {
            let mut bytes = Vec::new();
            header(role, TEXT, length, &mut bytes);
            let (mut ws, mut input) = (connection(role, &Config::new()), Input::new());
            for (i, byte) in bytes.iter().enumerate() {
                input.extend_from_slice(&[*byte]);
                assert!(ws.receive(&mut input).is_none());
                assert_eq!(input.consumed(), i as u64 + 1, "of the header {bytes:02x?} to a {role:?}");
            }
        }
    }
}

/// 6455-6.2-1: `consumed` lets a sender with a small window go on to the end of every stream.
#[test]
fn a_window_given_back_by_consumed() {
    let mut stuck = Vec::new();
    for window in [64, 1024, 4095, 4096, 16_384, 65_535] {
        for seed in 0..6 {
            let role = ROLES[(seed % 2) as usize];
            let stream = stream(role, 3000 + seed, &[200, 5000, 70_000]);
            let (mut ws, mut input) = (connection(role, &Config::new()), Input::new());
            let (mut sent, mut events) = (0, Vec::new());
            while sent < stream.bytes.len() {
                let allowed = (input.consumed() as usize + window).min(stream.bytes.len());
                if allowed == sent {
                    stuck.push((window, seed, sent));
                    break;
                }
                input.extend_from_slice(&stream.bytes[sent..allowed]);
                sent = allowed;
                events.extend(drain(&mut ws, &mut input));
            }
            if sent == stream.bytes.len() {
                assert!(events.iter().eq(stream.events.iter().map(|(_, event)| event)));
            }
        }
    }
    assert!(stuck.is_empty(), "nothing moves any more, of window, seed, byte: {stuck:?}");
}

/// 6455-5.4-3, 6455-6.2-1: every place to cut in two.
#[test]
fn every_cut_in_two() {
    for seed in 0..12 {
        let role = ROLES[(seed % 2) as usize];
        let stream = stream(role, 1000 + seed, &[3, 20, 140]);
        for at in 0..=stream.bytes.len() {
            let by = ALL[at % ALL.len()];
            check(role, &stream, Cut::At(at), || by, &mut || true);
        }
    }
}

/// 6455-5.4-3, 6455-6.2-1: long messages, whose frames have all lengths of headers.
#[test]
fn long_streams() {
    for seed in 0..12 {
        let role = ROLES[(seed % 2) as usize];
        let stream = stream(role, 2000 + seed, &[200, 5000, 70_000, 200_000]);
        for (i, cut) in [Cut::Whole, Cut::Every(1500), Cut::Every(4096), Cut::Every(16_384), Cut::Random(seed)]
            .into_iter()
            .enumerate()
        {
            let by = ALL[(i + seed as usize) % ALL.len()];
            check(role, &stream, cut, || by, &mut || true);
            let mut numbers = Numbers(seed);
            check(role, &stream, cut, || ALL[numbers.below(ALL.len())], &mut || true);
        }
    }
}

/// The events of a stream whose whole is in the input before the first look at it.
fn events_of(mut input: Input, role: Role) -> Vec<OwnedEvent> {
    drain(&mut connection(role, &Config::new()), &mut input)
}

/// 6455-6.2-1: an input that is made of what another reader has read already.
#[test]
fn made_from_bytes() {
    let stream = stream(Role::Server, 42, &[300, 9000]);
    let right: Vec<OwnedEvent> = stream.events.iter().map(|(_, event)| event.clone()).collect();
    let shared = Bytes::from(stream.bytes.clone());
    let inputs = [
        Input::from(&stream.bytes[..]),
        Input::from(stream.bytes.clone()),
        Input::from(BytesMut::from(&stream.bytes[..])),
        Input::from(Bytes::from(stream.bytes.clone())),
        Input::from(shared.clone()),
    ];
    for input in inputs {
        assert_eq!(input.len(), stream.bytes.len());
        assert_eq!(input.consumed(), 0);
        assert!(events_of(input, Role::Server) == right);
    }
    assert_eq!(shared, stream.bytes, "what is shared does not change");

    // The first part was read elsewhere, in the middle of a frame.
    for at in (0..stream.bytes.len()).step_by(stream.bytes.len() / 50 + 1) {
        let (mut ws, mut input) = (Connection::server(&Config::new()), Input::from(shared.slice(..at)));
        let mut events = drain(&mut ws, &mut input);
        input.extend_from_slice(&stream.bytes[at..]);
        events.extend(drain(&mut ws, &mut input));
        assert!(events == right);
    }
    assert_eq!(shared, stream.bytes);
}

/// 6455-6.2-1: memory that is appended while others hold parts of the allocation is not written to.
#[test]
fn appended_memory_that_is_shared() {
    let stream = stream(Role::Server, 43, &[300, 9000]);
    let right: Vec<OwnedEvent> = stream.events.iter().map(|(_, event)| event.clone()).collect();
    let mut whole = BytesMut::from(&stream.bytes[..]);
    let first = whole.split_to(stream.bytes.len() / 3);
    let second = whole.split_to(stream.bytes.len() / 3);
    let (mut ws, mut input) = (Connection::server(&Config::new()), Input::new());
    let mut events = Vec::new();
    for memory in [first, second, whole] {
        input.append(memory);
        events.extend(drain(&mut ws, &mut input));
    }
    assert!(events == right);
}

/// 6455-6.2-1: room that was taken is given back late, in another order, to another input, or not at all; what counts
/// is the order of `append`.
#[test]
fn room_given_back_late() {
    let to = Role::Server;
    let (one, two, three) =
        (frame(to, FIN | TEXT, b"one"), frame(to, FIN | TEXT, b"two"), frame(to, FIN | TEXT, b"three"));
    let (mut ws, mut input) = (Connection::server(&Config::new()), Input::new());
    let (mut first, mut second) = (input.take_room(), input.take_room());
    first.extend_from_slice(&one);
    second.extend_from_slice(&two);
    input.extend_from_slice(&three[..4]);
    input.extend_from_slice(&three[4..]);
    input.append(second);
    input.append(first);
    let events = drain(&mut ws, &mut input);
    assert_eq!(events, ["three", "two", "one"].map(|text| OwnedEvent::Text(text.into())));

    let mut stray = input.take_room();
    stray.extend_from_slice(&one[..3]);
    let (mut other_ws, mut other) = (Connection::server(&Config::new()), Input::new());
    other.append(stray);
    other.extend_from_slice(&one[3..]);
    drop(input.take_room());
    input.append(BytesMut::new());
    assert!(input.is_empty());
    input.extend_from_slice(&two);
    assert_eq!(drain(&mut ws, &mut input), [OwnedEvent::Text("two".into())]);
    assert_eq!(drain(&mut other_ws, &mut other), [OwnedEvent::Text("one".into())]);

    // More than the room had, and less than was asked for.
    let mut memory = input.take_room();
    memory.extend_from_slice(&frame(to, FIN | BINARY, &[7; 100_000]));
    input.append(memory);
    assert_eq!(drain(&mut ws, &mut input), [OwnedEvent::Binary(vec![7; 100_000].into())]);
}

/// 6455-6.2-1: room that was taken, in the middle of a message whose reads fill it, and an event kept from before.
#[test]
fn room_taken_in_the_middle_of_a_message() {
    let mut numbers = Numbers(9);
    let data = numbers.bytes(300_000);
    let bytes = fragments(Role::Server, BINARY, &[&data[..1000], &data[1000..1003], &data[1003..]]);
    for release in [false, true] {
        let (mut ws, mut input) = (Connection::server(&Config::new()), Input::new());
        let mut rest = &bytes[..];
        let mut events = Vec::new();
        while !rest.is_empty() {
            let mut memory = input.take_room();
            if release {
                input.release_memory();
            }
            let count = memory.capacity().min(rest.len());
            memory.extend_from_slice(&rest[..count]);
            rest = &rest[count..];
            // A look at the input while the room is out.
            events.extend(drain(&mut ws, &mut input));
            input.append(memory);
            events.extend(drain(&mut ws, &mut input));
        }
        assert!(events == [OwnedEvent::Binary(data.clone().into())]);
    }
}

/// A reader that fails, is interrupted or claims things, as a user's may.
#[cfg(feature = "std")]
mod readers {
    use super::*;
    use std::io::{Error, ErrorKind, Read, Result};

    /// 6455-6.2-1: a reader that fails leaves the input as it was.
    #[test]
    fn that_fail() {
        struct Fails<'a>(&'a [u8], ErrorKind);
        impl Read for Fails<'_> {
            fn read(&mut self, memory: &mut [u8]) -> Result<usize> {
                memory.fill(0xff);
                if self.0.is_empty() {
                    return Err(Error::from(self.1));
                }
                memory[0] = self.0[0];
                self.0 = &self.0[1..];
                Ok(1)
            }
        }
        let bytes = frame(Role::Server, FIN | TEXT, b"hello");
        for kind in [ErrorKind::WouldBlock, ErrorKind::Interrupted, ErrorKind::ConnectionReset] {
            for at in 0..bytes.len() {
                let (mut ws, mut input) = (Connection::server(&Config::new()), Input::new());
                for _ in 0..at {
                    assert_eq!(input.read_from(&mut Fails(&bytes[input.len()..], kind)).unwrap(), 1);
                }
                let before = (input.len(), input.consumed());
                assert_eq!(input.read_from(&mut Fails(&[], kind)).unwrap_err().kind(), kind);
                assert_eq!((input.len(), input.consumed()), before);
                assert_eq!(drain(&mut ws, &mut input), []);
                input.extend_from_slice(&bytes[at..]);
                assert_eq!(drain(&mut ws, &mut input), [OwnedEvent::Text("hello".into())]);
            }
        }
    }

    /// 6455-6.2-1: a reader that panics leaves the input as it was.
    #[test]
    fn that_panic() {
        struct Panics;
        impl Read for Panics {
            fn read(&mut self, memory: &mut [u8]) -> Result<usize> {
                memory.fill(0xff);
                std::panic::resume_unwind(Box::new("a reader"));
            }
        }
        let bytes = frame(Role::Server, FIN | TEXT, b"hello");
        for at in 0..bytes.len() {
            let (mut ws, mut input) = (Connection::server(&Config::new()), Input::new());
            input.extend_from_slice(&bytes[..at]);
            if at % 2 == 0 {
                assert_eq!(drain(&mut ws, &mut input), []);
            }
            let before = (input.len(), input.consumed());
            let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| input.read_from(&mut Panics)));
            assert!(caught.is_err());
            assert_eq!((input.len(), input.consumed()), before);
            input.extend_from_slice(&bytes[at..]);
            assert_eq!(drain(&mut ws, &mut input), [OwnedEvent::Text("hello".into())]);
        }
    }

    /// A reader that says that it has read more than it was given room for breaks its contract; that must not become bytes.
    #[test]
    fn that_lie() {
        struct Lies;
        impl Read for Lies {
            fn read(&mut self, memory: &mut [u8]) -> Result<usize> {
                Ok(memory.len() + 1)
            }
        }
        let mut input = Input::new();
        // It may be refused, panic or be cut to the room; never are there bytes that nobody has written.
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| input.read_from(&mut Lies)));
        let count = caught.map(Result::unwrap_or_default).unwrap_or_default();
        assert_eq!(input.len(), count);
        assert!(count <= 4096);
        assert_eq!(input.into_unread(), vec![0; count]);
    }

    /// What was in the memory before a read is not taken for what the reader has brought.
    #[test]
    fn that_bring_nothing() {
        let mut input = Input::new();
        assert_eq!(input.read_from(&mut std::io::empty()).unwrap(), 0);
        assert!(input.is_empty());
        assert_eq!(input.consumed(), 0);
        let mut dynamic: Box<dyn Read> = Box::new(&b"abc"[..]);
        assert_eq!(input.read_from(&mut *dynamic).unwrap(), 3);
        assert_eq!(input.into_unread(), "abc");
    }
}

/// A message, a Ping and a Close.
fn closing_stream(role: Role) -> Vec<u8> {
    [frame(role, FIN | TEXT, b"last"), frame(role, FIN | PING, b"?"), close(role, 1001, b"bye")].concat()
}

/// 6455-5.5.1-11, 6455-7.1.1-1: what comes behind the peer's Close is what `into_unread` gives: all that was appended
/// before the call that returned the end, in every cut, and what is appended after it.
#[test]
fn unread_behind_a_close() {
    let trailing = b"\x81\x85EHLO example.com\r\n\x88\x00";
    for role in ROLES {
        let stream = closing_stream(role);
        let bytes = [&stream[..], trailing].concat();
        for auto in [true, false] {
            for delivery in [Delivery::Messages, Delivery::Parts] {
                for first in 0..=bytes.len() {
                    for second in [first, (first + 1).min(bytes.len()), bytes.len()] {
                        let config = Config::new().delivery(delivery).auto_close(auto);
                        let (mut ws, mut input) = (connection(role, &config), Input::new());
                        let mut appended = 0;
                        'all: for end in [first, second, bytes.len()] {
                            append(&mut input, ALL[(first + end) % ALL.len()], &bytes[appended..end]);
                            appended = end;
                            while let Some(event) = ws.receive(&mut input) {
                                if matches!(event, Event::Close(_) | Event::Closed(_)) {
                                    break 'all;
                                }
                            }
                        }
                        assert_eq!(input.consumed(), stream.len() as u64, "{auto} {first} {second}");
                        assert_eq!(input.len(), appended - stream.len());
                        input.extend_from_slice(b"more");
                        let unread = input.into_unread();
                        assert_eq!(unread, [&bytes[stream.len()..appended], b"more"].concat());
                    }
                }
            }
        }
    }
}

/// 6455-7.1.1-1: the first call that returns nothing drops what is behind a Close, and later bytes are dropped, too.
#[test]
fn unread_is_dropped_with_none() {
    for role in ROLES {
        let (mut ws, mut input) = (connection(role, &Config::new()), Input::new());
        append(&mut input, By::Slice, &[&closing_stream(role)[..], b"trailing"].concat());
        let events = drain(&mut ws, &mut input);
        assert_eq!(events.len(), 3);
        assert!(input.is_empty());
        append(&mut input, By::Slice, b"more");
        assert!(ws.receive(&mut input).is_none());
        assert!(input.is_empty());
        assert_eq!(input.consumed(), (closing_stream(role).len() + 12) as u64);
        assert_eq!(input.into_unread(), "");
    }
}

/// 6455-7.1.7-7: after a violation nothing is left, whatever was behind it.
#[test]
fn nothing_is_unread_after_a_violation() {
    let (mut ws, mut input) = (Connection::server(&Config::new()), Input::new());
    append(&mut input, By::Slice, b"\x81\x01atrailing");
    assert!(matches!(ws.receive(&mut input), Some(Event::Closed(_))));
    assert!(input.is_empty());
    assert_eq!(input.into_unread(), "");
}

/// 6455-7.1.4-1: the end of the stream in the middle of a frame; what had come of it is no other protocol's.
#[test]
fn the_end_of_the_stream() {
    let whole = [frame(Role::Server, FIN | TEXT, b"whole"), frame(Role::Server, FIN | TEXT, b"torn")].concat();
    for end in 0..=whole.len() {
        for look in [false, true] {
            let (mut ws, mut input) = (Connection::server(&Config::new()), Input::new());
            append(&mut input, By::Slice, &whole[..end]);
            let mut events = if look { drain(&mut ws, &mut input) } else { Vec::new() };
            ws.receive_eof();
            events.extend(drain(&mut ws, &mut input));
            let count = usize::from(end >= 11) + usize::from(end == whole.len());
            assert_eq!(events.len(), count + 1, "{end}: {events:?}");
            let OwnedEvent::Closed(closed) = &events[count] else { panic!("{events:?}") };
            assert_eq!(closed.cause, ws_proto::Cause::EndOfStream);
            assert_eq!(closed.code(), 1006);
            ws.receive_eof();
            assert_eq!(drain(&mut ws, &mut input), []);
        }
    }
}

/// 6455-6.2-1: connections whose streams take turns on one input wherever it is empty, also in the middle of a message
/// of which nothing is held.
#[test]
fn one_input_wherever_it_is_empty() {
    for seed in 0..100 {
        let mut numbers = Numbers(seed);
        let mut input = Input::new();
        let mut streams: Vec<(Connection, Stream, usize, Vec<OwnedEvent>)> = (0..3)
            .map(|i| {
                let role = ROLES[i % 2];
                let stream = stream(role, 4000 + 3 * seed + i as u64, &[2, 20, 300]);
                (connection(role, &Config::new()), stream, 0, Vec::new())
            })
            .collect();
        let mut turn = 0;
        let mut tokens = 0;
        while streams.iter().any(|(_, stream, at, _)| *at < stream.bytes.len()) {
            if input.is_empty() {
                turn = numbers.below(3);
                tokens += 1;
            }
            let (ws, stream, at, events) = &mut streams[turn];
            let end = (*at + 1 + numbers.below(9)).min(stream.bytes.len());
            input.extend_from_slice(&stream.bytes[*at..end]);
            *at = end;
            events.extend(drain(ws, &mut input));
        }
        assert!(tokens > 0);
        for (_, stream, _, events) in streams {
            assert!(events.iter().eq(stream.events.iter().map(|(_, event)| event)), "seed {seed}: {events:?}");
        }
    }
}

/// 6455-6.2-1: many connections on one input, each message of which is whole.
#[test]
fn one_input_for_many_connections() {
    let mut numbers = Numbers(12);
    let mut input = Input::new();
    let mut connections: Vec<Connection> = (0..20).map(|i| connection(ROLES[i % 2], &Config::new())).collect();
    for round in 0..400 {
        let ws = &mut connections[numbers.below(20)];
        let length = numbers.below(3000);
        let data = numbers.bytes(length);
        let bytes = fragments(ws.role(), BINARY, &[&data[..length / 3], &data[length / 3..]]);
        append(&mut input, ALL[round % ALL.len()], &bytes);
        assert_eq!(drain(ws, &mut input), [OwnedEvent::Binary(data.into())]);
        assert!(input.is_empty());
    }
}

#[cfg(feature = "handshake")]
mod handshakes {
    use super::*;
    use ws_proto::Seed;
    use ws_proto::handshake::accept_key;
    use ws_proto::handshake::client::{self, Error};
    use ws_proto::handshake::server::{self, Answer, Reason};

    const REQUEST: &[u8] = b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

    /// 6455-4.2.2-22: a request with frames right behind it, cut anywhere: nothing is lost, and all is counted.
    #[test]
    fn a_servers() {
        let bytes = [REQUEST, &closing_stream(Role::Server), b"SMTP"].concat();
        for cut in (0..=bytes.len()).map(Cut::At).chain([Cut::Every(1), Cut::Every(3)]) {
            let mut input = Input::new();
            let mut handshake = server::Handshake::new(&Config::new());
            let mut ws = None;
            let mut events = Vec::new();
            let mut appended = 0;
            for (i, read) in cut.of(&bytes).into_iter().enumerate() {
                append(&mut input, ALL[i % ALL.len()], read);
                appended += read.len() as u64;
                if ws.is_none() {
                    match handshake.receive(&mut input).unwrap() {
                        Some(request) => {
                            assert_eq!(input.consumed(), REQUEST.len() as u64);
                            assert_eq!(input.len() as u64, appended - REQUEST.len() as u64);
                            assert!(handshake.receive(&mut input).unwrap().is_none(), "it leaves the input alone");
                            assert_eq!(input.len() as u64, appended - REQUEST.len() as u64);
                            ws = Some(request.accept(Answer::new()).unwrap());
                        }
                        None => continue,
                    }
                }
                let ws = ws.as_mut().unwrap();
                while let Some(event) = ws.receive(&mut input) {
                    events.push(event.into_owned());
                    if let Some(OwnedEvent::Closed(_)) = events.last() {
                        break;
                    }
                }
                if let Some(OwnedEvent::Closed(_)) = events.last() {
                    break;
                }
            }
            assert_eq!(events.len(), 3, "{cut:?}: {events:?}");
            assert_eq!(input.consumed() as usize, bytes.len() - 4);
            assert!(b"SMTP".starts_with(&input.into_unread()));
        }
    }

    fn answer(handshake: &mut client::Handshake) -> Vec<u8> {
        let request = String::from_utf8(handshake.output().to_vec()).unwrap();
        let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n",
            accept_key(key)
        )
        .into_bytes()
    }

    /// 6455-4.1-48: an answer with frames right behind it, cut anywhere.
    #[test]
    fn a_clients() {
        let request = client::Request::new("ws://example.com/".parse().unwrap());
        let mut handshake = client::Handshake::new(&request, Seed::new([3; 32]), &Config::new());
        let head = answer(&mut handshake);
        let bytes =
            [&b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"[..], &head, &closing_stream(Role::Client), b"SMTP"]
                .concat();
        let frames = bytes.len() - 4 - closing_stream(Role::Client).len();
        for cut in (0..=bytes.len()).map(Cut::At).chain([Cut::Every(1), Cut::Every(3)]) {
            let mut handshake = client::Handshake::new(&request, Seed::new([3; 32]), &Config::new());
            let mut input = Input::new();
            let mut ws = None;
            let mut events = Vec::new();
            let mut appended = 0;
            for (i, read) in cut.of(&bytes).into_iter().enumerate() {
                append(&mut input, ALL[i % ALL.len()], read);
                appended += read.len() as u64;
                if ws.is_none() {
                    match handshake.receive(&mut input).unwrap() {
                        Some(accepted) => {
                            assert_eq!(input.consumed(), frames as u64);
                            assert_eq!(input.len() as u64, appended - frames as u64);
                            ws = Some(accepted.connection);
                        }
                        None => continue,
                    }
                }
                let ws = ws.as_mut().unwrap();
                while let Some(event) = ws.receive(&mut input) {
                    events.push(event.into_owned());
                    if let Some(OwnedEvent::Closed(_)) = events.last() {
                        break;
                    }
                }
                if let Some(OwnedEvent::Closed(_)) = events.last() {
                    break;
                }
            }
            assert_eq!(events.len(), 3, "{cut:?}: {events:?}");
            assert_eq!(input.consumed() as usize, bytes.len() - 4);
            assert!(b"SMTP".starts_with(&input.into_unread()));
        }
    }

    /// 6455-4.2.1-1: behind a request that asks for no WebSocket, what `into_unread` gives is what came behind its head.
    #[test]
    fn behind_a_request_for_a_page() {
        let head = b"GET /index.html HTTP/1.1\r\nHost: example.com\r\n\r\n";
        let bytes = [&head[..], b"GET /2 HTTP/1.1\r\n"].concat();
        for first in 0..=bytes.len() {
            let mut input = Input::new();
            let mut handshake = server::Handshake::new(&Config::new());
            input.extend_from_slice(&bytes[..first]);
            let mut appended = first;
            let rejection = match handshake.receive(&mut input) {
                Err(rejection) => rejection,
                Ok(request) => {
                    assert!(request.is_none());
                    input.extend_from_slice(&bytes[first..]);
                    appended = bytes.len();
                    handshake.receive(&mut input).unwrap_err()
                }
            };
            assert_eq!(rejection.reason(), Reason::NoUpgrade);
            assert_eq!(input.consumed(), head.len() as u64);
            assert_eq!(input.len(), appended - head.len());
            assert!(handshake.receive(&mut input).is_err());
            assert_eq!(input.into_unread(), &bytes[head.len()..appended]);
        }
    }

    /// 6455-4.1-40: behind an answer that declines its body stays in the input, until the handshake is asked for it; then it
    /// is taken up to its end, and what follows stays.
    #[test]
    fn behind_a_declining_answer() {
        let request = client::Request::new("ws://example.com/".parse().unwrap());
        let head = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\n";
        let bytes = [&head[..], b"forbidden", b"next"].concat();
        for first in 0..=bytes.len() {
            let mut handshake = client::Handshake::new(&request, Seed::new([3; 32]), &Config::new());
            let mut input = Input::new();
            input.extend_from_slice(&bytes[..first]);
            let error = match handshake.receive(&mut input) {
                Err(error) => error,
                Ok(accepted) => {
                    assert!(accepted.is_none());
                    input.extend_from_slice(&bytes[first..]);
                    handshake.receive(&mut input).unwrap_err()
                }
            };
            let Error::Declined(declined) = error else { panic!("{error:?}") };
            assert_eq!(declined.response.status(), 403);
            let appended = if first < head.len() { bytes.len() } else { first };
            assert_eq!(input.consumed(), head.len() as u64);
            assert_eq!(input.len(), appended - head.len());
            let body = handshake.receive_body(&mut input).unwrap();
            assert_eq!(body.is_some(), appended >= head.len() + 9, "cut at {first}");
            assert_eq!(input.consumed(), appended.min(head.len() + 9) as u64);
            input.extend_from_slice(&bytes[appended..]);
            let body = body.or_else(|| handshake.receive_body(&mut input).unwrap());
            assert_eq!(body.as_deref(), Some(&b"forbidden"[..]), "cut at {first}");
            assert_eq!(input.into_unread(), &b"next"[..], "cut at {first}");
        }
    }

    /// 6455-4.1-18: what has come of a head counts as taken up when there is no request and no answer yet.
    #[test]
    fn heads_are_consumed() {
        let mut input = Input::new();
        let mut handshake = server::Handshake::new(&Config::new());
        for (i, byte) in REQUEST.iter().enumerate() {
            input.extend_from_slice(&[*byte]);
            let done = handshake.receive(&mut input).unwrap().is_some();
            assert_eq!(done, i + 1 == REQUEST.len());
            assert_eq!(input.consumed(), i as u64 + 1);
        }
    }
}
