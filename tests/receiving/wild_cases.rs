//! Inputs from the wild, whole and in cuts: incompressible data that came compressed, Close frames that are too short or
//! carry a code that may not travel, who hangs up, resets, and what `Closed` says about an end.

use crate::common::input::*;
use ws_proto::bytes::{Buf, Bytes};
use ws_proto::{
    Cause, CloseCode, CloseFrame, Closed, Config, Connection, Delivery, Event, Input, OwnedEvent, Role, SendErrorKind,
    Violation,
};

/// All that waits, as written to a socket.
fn write_all(ws: &mut Connection) -> Bytes {
    let output = ws.output();
    let count = output.remaining();
    output.copy_to_bytes(count)
}

fn closed(events: &[OwnedEvent]) -> &Closed {
    match events.last() {
        Some(OwnedEvent::Closed(closed)) => closed,
        _ => panic!("{events:?}"),
    }
}

fn code(frame: Option<&CloseFrame>) -> Option<u16> {
    frame.and_then(CloseFrame::code).map(u16::from)
}

#[cfg(feature = "deflate")]
mod w8 {
    use super::*;
    use ws_proto::{DeflateConfig, DeflateParameters};

    const SIZE: usize = 16 << 20;

    fn server(delivery: Delivery) -> Connection {
        let config = Config::new().max_message(SIZE as u64).delivery(delivery);
        Connection::server(&config).with_deflate(&DeflateConfig::new(), DeflateParameters::new())
    }

    /// Stored blocks of this size, without the last four bytes of the one that ends the message (RFC 7692 §7.2.1).
    fn stored(data: &[u8], block: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(data.len() + data.len() / block * 5 + 10);
        for chunk in data.chunks(block) {
            bytes.push(0);
            bytes.extend((chunk.len() as u16).to_le_bytes());
            bytes.extend((!(chunk.len() as u16)).to_le_bytes());
            bytes.extend_from_slice(chunk);
        }
        bytes.push(0);
        bytes
    }

    fn receive(delivery: Delivery, bytes: &[u8], read: usize) -> Result<Vec<u8>, Closed> {
        let (mut ws, mut input) = (server(delivery), Input::new());
        let mut data = Vec::with_capacity(SIZE);
        for read in bytes.chunks(read) {
            append(&mut input, By::Slice, read);
            while let Some(event) = ws.receive(&mut input) {
                match event {
                    Event::Binary(part) | Event::BinaryPart { data: part, .. } => data.extend_from_slice(&part),
                    Event::Closed(closed) => return Err(closed),
                    event => panic!("{event:?}"),
                }
            }
        }
        Ok(data)
    }

    /// W8, 7692-6.2-1, 6455-10.4-1: a message of the largest size that did not shrink, in one frame that is longer.
    #[test]
    fn random_bytes_in_one_frame() {
        let data = Numbers(8).bytes(SIZE);
        let packed = stored(&data, 16_383);
        assert!(packed.len() > SIZE + 5000);
        let bytes = frame(Role::Server, FIN | RSV1 | BINARY, &packed);
        for (delivery, read) in
            [(Delivery::Messages, usize::MAX), (Delivery::Messages, 16_384), (Delivery::Parts, 65_536)]
        {
            let received = receive(delivery, &bytes, read);
            assert!(received.as_deref() == Ok(&data[..]), "{delivery:?} {read}: {:?}", received.map(|data| data.len()));
        }
    }

    /// W8, 7692-6.2-1: the same by a client of this crate, whole and in parts, which may not compress at all.
    #[test]
    fn random_bytes_from_a_client() {
        let data = Numbers(9).bytes(SIZE);
        for parts in [1, 5] {
            let mut client = connection(Role::Client, &Config::new())
                .with_deflate(&DeflateConfig::new().level(0), DeflateParameters::new());
            for (i, part) in data.chunks(SIZE.div_ceil(parts)).enumerate() {
                client.send_part(part, i + 1 == parts).unwrap();
            }
            let bytes = write_all(&mut client);
            assert!(bytes.len() > SIZE);
            let received = receive(Delivery::Messages, &bytes, 1 << 20);
            assert!(received.as_deref() == Ok(&data[..]), "{parts}: {:?}", received.map(|data| data.len()));
        }
    }

    /// W8, 6455-10.4-1: one byte more is too much, and so are frames that inflate to nothing and never end.
    #[test]
    fn one_byte_more() {
        let data = vec![5; SIZE + 1];
        let bytes = frame(Role::Server, FIN | RSV1 | BINARY, &stored(&data, 65_535));
        let ended = receive(Delivery::Messages, &bytes, 1 << 20).unwrap_err();
        assert!(matches!(ended.cause, Cause::Violation(Violation::MessageTooBig(length)) if length > SIZE as u64));
        assert_eq!(code(ended.sent.as_ref()), Some(1009));
    }

    /// 6455-10.4-1: compressed bytes without end that inflate to nothing stay within a small multiple of the limit.
    #[test]
    fn empty_blocks_without_end() {
        let config = Config::new().max_message(1000);
        let mut ws = Connection::server(&config).with_deflate(&DeflateConfig::new(), DeflateParameters::new());
        let mut input = Input::new();
        append(&mut input, By::Slice, &frame(Role::Server, RSV1 | BINARY, &[0]));
        // Empty stored blocks.
        let block = [0, 0, 0xff, 0xff, 0].repeat(2000);
        let mut most = 0;
        for _ in 0..300 {
            append(&mut input, By::Slice, &frame(Role::Server, 0, &block));
            if let Some(event) = ws.receive(&mut input) {
                assert!(matches!(event, Event::Closed(_)), "{event:?}");
                break;
            }
            most = most.max(input.len());
        }
        assert!(most <= 100_000, "{most} bytes are kept for a message of at most 1000");
    }
}

/// W9, 6455-5.5.1-2: a Close that claims one byte fails with its second byte, before its mask has come.
#[test]
fn a_close_that_claims_one_byte() {
    for role in ROLES {
        let head = frame(role, FIN | CLOSE, b"x");
        for delivery in [Delivery::Messages, Delivery::Parts] {
            for begun in [false, true] {
                for cut in [Cut::Whole, Cut::Every(1)] {
                    let mut ws = connection(role, &Config::new().delivery(delivery));
                    let mut bytes = if begun { frame(role, BINARY, b"abc") } else { Vec::new() };
                    bytes.extend_from_slice(&head[..2]);
                    let events = run(&mut ws, &cut.of(&bytes), || By::Slice);
                    let end = closed(&events);
                    assert_eq!(end.cause, Cause::Violation(Violation::CloseBodyTooShort));
                    assert_eq!(code(end.sent.as_ref()), Some(1002));
                    assert_eq!(end.received, None);
                    assert!(ws.interest().write);
                }
            }
        }
    }
}

/// 6455-5.5-1, 6455-5.5.1-2: other control frames whose first two bytes say that they are wrong.
#[test]
fn control_frames_that_are_wrong_at_once() {
    for role in ROLES {
        let mask = if role == Role::Server { 0x80 } else { 0 };
        for opcode in [CLOSE, PING, PONG] {
            for (first, second, violation) in [
                (FIN | opcode, mask | 126, Violation::ControlTooLong),
                (FIN | opcode, mask | 127, Violation::ControlTooLong),
                (opcode, mask, Violation::FragmentedControl),
                (FIN | RSV1 | opcode, mask, Violation::ReservedBit),
            ] {
                let mut ws = connection(role, &Config::new());
                let events = run(&mut ws, &[&[first, second]], || By::Slice);
                assert_eq!(closed(&events).cause, Cause::Violation(violation));
            }
        }
    }
}

/// W12, 6455-7.1.1-6: a client that has closed, has its answer and sees the end of the stream hangs up, and that is asked of
/// `interest` alone.
#[test]
fn a_client_hangs_up_after_the_server() {
    for receive_again in [false, true] {
        let mut ws = connection(Role::Client, &Config::new());
        let mut input = Input::new();
        ws.close(CloseCode::NORMAL).unwrap();
        write_all(&mut ws);
        let before = ws.interest();
        assert!(before.read && !before.write && !before.hang_up);
        input.extend_from_slice(b"\x88\x02\x03\xe8");
        let event = ws.receive(&mut input).map(Event::into_owned);
        let Some(OwnedEvent::Closed(end)) = event else { panic!("{event:?}") };
        assert_eq!(end.cause, Cause::Agreed);
        assert!(end.is_clean());
        assert_eq!(end.code(), 1000);
        let waiting = ws.interest();
        assert!(waiting.read && !waiting.write && !waiting.hang_up, "the server hangs up first: {waiting:?}");
        ws.receive_eof();
        if receive_again {
            assert!(ws.receive(&mut input).is_none());
        }
        let after = ws.interest();
        assert!(after.hang_up && !after.read && !after.write, "{after:?}");
        assert!(ws.receive(&mut input).is_none());
    }
}

/// W12, 6455-7.1.1-5: there is always something to wait for, until it is time to hang up: of both sides, whoever closes,
/// with the end of the stream at every step, asked of `interest` alone.
#[test]
fn nobody_waits_for_ever() {
    for role in ROLES {
        for who in ["own", "peer", "both", "nobody", "violation"] {
            for eof_at in 0..6 {
                let mut ws = connection(role, &Config::new());
                let mut input = Input::new();
                let mut events = Vec::new();
                for step in 0..6 {
                    match step {
                        1 if matches!(who, "own" | "both") => {
                            let _ = ws.close(CloseCode::GOING_AWAY);
                        }
                        2 => drop(write_all(&mut ws)),
                        3 if who == "violation" => input.extend_from_slice(&[0x83, 0]),
                        3 if who != "nobody" && eof_at > 3 => input.extend_from_slice(&close(role, 1000, b"")),
                        4 => events.extend(drain(&mut ws, &mut input)),
                        5 => drop(write_all(&mut ws)),
                        _ => {}
                    }
                    if step == eof_at {
                        ws.receive_eof();
                    }
                }
                let want = ws.interest();
                if !want.read && !want.write && !want.hang_up {
                    // What is left can only be in the input.
                    panic!(
                        "{role:?}, {who}, the end of the stream at step {eof_at}: {events:?}, and nothing to wait for"
                    );
                }
                events.extend(drain(&mut ws, &mut input));
                write_all(&mut ws);
                assert_eq!(events.iter().filter(|event| matches!(event, OwnedEvent::Closed(_))).count(), 1);
                assert!(ws.interest().hang_up, "{role:?}, {who}, {eof_at}: {:?}", ws.interest());
            }
        }
    }
}

/// W21, 6455-7.4.2-2: a code that may not travel fails with 1002, and the end says which code and reason came.
#[test]
fn a_code_that_may_not_travel() {
    for role in ROLES {
        for number in [0, 999, 1004, 1005, 1006, 1015, 1016, 2016, 2999, 5000, 65_535] {
            for reason in [&b""[..], b"upgraded", b"not UTF-8 \xff", &[b'r'; 123]] {
                for cut in [Cut::Whole, Cut::Every(1)] {
                    let mut ws = connection(role, &Config::new());
                    let events = run(&mut ws, &cut.of(&close(role, number, reason)), || By::Slice);
                    let end = closed(&events);
                    let right = Violation::InvalidCloseCode { code: number, reason: Bytes::copy_from_slice(reason) };
                    assert_eq!(end.cause, Cause::Violation(right));
                    assert_eq!(code(end.sent.as_ref()), Some(1002));
                    assert_eq!(end.received, None);
                    assert_eq!(end.code(), 1006);
                    assert!(!end.is_clean());
                    if number == 2016 && reason == b"upgraded" {
                        println!("{end}");
                    }
                }
            }
        }
    }
}

/// 6455-7.1.7-4, 6455-5.2-8, 6455-5.2-10, 6455-10.4-1: a violation says what it is about.
#[test]
fn what_a_violation_was_about() {
    let config = Config::new().max_message(1000);
    let header_of = |first, claim: u64| {
        let mut bytes = Vec::new();
        header(Role::Client, first, claim, &mut bytes);
        bytes
    };
    let cases: [(Vec<u8>, Config, Violation, u16); 9] = [
        (header_of(0x82, 5000), config.clone(), Violation::MessageTooBig(5000), 1009),
        (header_of(0x82, u64::MAX >> 1), config.clone(), Violation::MessageTooBig(u64::MAX >> 1), 1009),
        (header_of(0x82, 1 << 63), config.clone(), Violation::LengthTopBit(1 << 63), 1002),
        (header_of(0x82, u64::MAX), config.clone(), Violation::LengthTopBit(u64::MAX), 1002),
        (header_of(0x82, 5000), config.clone().max_frame(100), Violation::FrameTooBig(5000), 1009),
        (vec![0x82, 126, 0, 125], config.clone(), Violation::LengthNotMinimal(125), 1002),
        (vec![0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff], config.clone(), Violation::LengthNotMinimal(65_535), 1002),
        (vec![0x8b, 0], config.clone(), Violation::ReservedOpcode(11), 1002),
        (
            [frame(Role::Client, BINARY, &[1; 900]), header_of(0x80, 101)].concat(),
            config.clone(),
            Violation::MessageTooBig(1001),
            1009,
        ),
    ];
    for (bytes, config, violation, number) in cases {
        for cut in [Cut::Whole, Cut::Every(1)] {
            let mut ws = connection(Role::Client, &config);
            let events = run(&mut ws, &cut.of(&bytes), || By::Slice);
            let end = closed(&events);
            assert_eq!(end.cause, Cause::Violation(violation.clone()));
            assert_eq!(code(end.sent.as_ref()), Some(number));
            assert_eq!(end.sent.as_ref().unwrap().reason(), violation.reason());
            assert_eq!(violation.close_code().get(), number);
        }
    }
}

/// W24, 6455-7.1.4-1: the peer closes TCP right behind its Close, or resets it: the end was agreed on, is returned once, and
/// a later failure is nothing at all.
#[test]
fn the_end_of_the_stream_right_behind_a_close() {
    for role in ROLES {
        for own_first in [false, true] {
            for eof_before_receive in [false, true] {
                let mut ws = connection(role, &Config::new());
                let mut input = Input::new();
                if own_first {
                    ws.close(CloseCode::NORMAL).unwrap();
                    write_all(&mut ws);
                }
                append(&mut input, By::Slice, &[frame(role, FIN | TEXT, b"last"), close(role, 1001, b"bye")].concat());
                if eof_before_receive {
                    ws.receive_eof();
                }
                let events = drain(&mut ws, &mut input);
                assert_eq!(events.len(), 2, "{events:?}");
                let end = closed(&events);
                assert_eq!(end.cause, Cause::Agreed, "{role:?} own {own_first} eof {eof_before_receive}");
                assert_eq!((end.code(), end.reason()), (1001, "bye"));
                for _ in 0..2 {
                    ws.receive_eof();
                    assert_eq!(drain(&mut ws, &mut input), []);
                }
                // The answer may still be written; once it is, or nobody can take it, that is all.
                assert_eq!(ws.interest().write, !own_first);
                write_all(&mut ws);
                assert!(ws.interest().hang_up);
            }
        }
    }
}

/// W24, 6455-7.1.5-3, 6455-7.2.1-2: a reset while the connection is open is an end that is returned.
#[test]
fn a_reset_while_open() {
    for role in ROLES {
        for what in [&b""[..], b"\x81", b"\x01\x80"] {
            let mut ws = connection(role, &Config::new());
            ws.send_text("waits").unwrap();
            let mut input = Input::from(what);
            ws.receive_eof();
            ws.receive_eof();
            let events = drain(&mut ws, &mut input);
            if what.len() == 2 && role == Role::Client {
                assert!(violation(&events).is_some(), "a masked frame");
                continue;
            }
            assert_eq!(events.len(), 1, "{events:?}");
            let end = closed(&events);
            assert_eq!((end.code(), end.is_clean()), (1006, false));
            assert_eq!(end.cause, Cause::EndOfStream);
            assert_eq!((end.sent.as_ref(), end.received.as_ref()), (None, None));
            assert!(ws.receive(&mut input).is_none());
            assert_eq!(ws.send_text("x").unwrap_err().kind(), SendErrorKind::Closed);
        }
    }
}

/// 6455-5.5.1-7, 6455-5.5.1-10: with automatic answers off the peer's Close is an event, nothing follows it until it is
/// answered, and then comes the end.
#[test]
fn a_close_that_the_application_answers() {
    for role in ROLES {
        for cut in [Cut::Whole, Cut::Every(1)] {
            let mut ws = connection(role, &Config::new().auto_close(false));
            let mut input = Input::new();
            let mut events = Vec::new();
            let bytes = [close(role, 3001, "grüße".as_bytes()), frame(role, FIN | TEXT, b"behind")].concat();
            for read in cut.of(&bytes) {
                append(&mut input, By::Slice, read);
                events.extend(drain(&mut ws, &mut input));
            }
            let [OwnedEvent::Close(frame)] = &events[..] else { panic!("{events:?}") };
            assert_eq!((code(Some(frame)), frame.reason()), (Some(3001), "grüße"));
            assert!(ws.can_send() && !ws.interest().hang_up && !ws.interest().write);
            ws.send_text("the rest").unwrap();
            ws.close(CloseCode::GOING_AWAY).unwrap();
            let events = drain(&mut ws, &mut input);
            let [OwnedEvent::Closed(end)] = &events[..] else { panic!("{events:?}") };
            assert_eq!(end.cause, Cause::Agreed);
            assert_eq!((end.code(), end.reason()), (3001, "grüße"));
            assert_eq!(code(end.sent.as_ref()), Some(1001));
            assert!(ws.interest().write);
            write_all(&mut ws);
            assert_eq!(ws.interest().hang_up, role == Role::Server);
            ws.receive_eof();
            assert!(ws.interest().hang_up);
            assert_eq!(drain(&mut ws, &mut input), []);
        }
    }
}

/// 6455-5.5.1-15, 6455-7.1.5-1: with automatic answers off, the answer to one's own Close is no event: it is in
/// `Closed::received`.
#[test]
fn the_answer_to_ones_own_close() {
    for role in ROLES {
        for auto in [false, true] {
            let mut ws = connection(role, &Config::new().auto_close(auto));
            let mut input = Input::new();
            ws.close(CloseFrame::new(CloseCode::NORMAL, "done").unwrap()).unwrap();
            append(&mut input, By::Slice, &[frame(role, FIN | TEXT, b"late"), close(role, 4000, b"answer")].concat());
            let events = drain(&mut ws, &mut input);
            let [OwnedEvent::Text(_), OwnedEvent::Closed(end)] = &events[..] else { panic!("{events:?}") };
            assert_eq!(code(end.received.as_ref()), Some(4000));
            assert_eq!(end.received.as_ref().unwrap().reason(), "answer");
            assert_eq!(end.sent.as_ref().unwrap().reason(), "done");
            assert!(end.is_clean());
        }
    }
}

/// 6455-7.1.4-1, 6455-7.2.1-2: with automatic answers off, the stream ends before the application has answered.
#[test]
fn the_end_of_the_stream_before_the_answer() {
    for role in ROLES {
        for eof_first in [false, true] {
            let mut ws = connection(role, &Config::new().auto_close(false));
            let mut input = Input::new();
            append(&mut input, By::Slice, &close(role, 1000, b"bye"));
            let mut events = Vec::new();
            if !eof_first {
                events.extend(drain(&mut ws, &mut input));
                assert_eq!(events.len(), 1);
            }
            ws.receive_eof();
            events.extend(drain(&mut ws, &mut input));
            let [OwnedEvent::Close(_), OwnedEvent::Closed(end)] = &events[..] else {
                panic!("{role:?}, receive_eof first {eof_first}: {events:?}")
            };
            assert_eq!(end.cause, Cause::EndOfStream);
            assert_eq!((end.code(), end.is_clean()), (1000, false));
            assert_eq!(end.sent, None);
            assert_eq!(ws.close(CloseCode::NORMAL).unwrap_err().kind(), SendErrorKind::Closed);
            assert!(ws.interest().hang_up);
        }
    }
}

/// 6455-7.1.7-7: a violation behind one's own Close ends it without a second Close.
#[test]
fn a_violation_behind_ones_own_close() {
    for role in ROLES {
        let mut ws = connection(role, &Config::new());
        let mut input = Input::new();
        ws.close(CloseCode::NORMAL).unwrap();
        let first = write_all(&mut ws);
        assert!(!first.is_empty());
        append(&mut input, By::Slice, &[&[0x83, 0x80, 1, 2, 3, 4][..], &close(role, 1000, b"")].concat());
        let events = drain(&mut ws, &mut input);
        assert_eq!(events.len(), 1);
        let end = closed(&events);
        assert_eq!(code(end.sent.as_ref()), Some(1000));
        assert!(matches!(end.cause, Cause::Violation(_)));
        assert!(write_all(&mut ws).is_empty());
        assert!(ws.interest().hang_up);
    }
}

/// 6455-5.5.2-2: a Close stands in the middle of a message and behind a Ping; both are answered, in this order.
#[test]
fn a_ping_in_front_of_a_close() {
    for role in ROLES {
        let mut ws = connection(role, &Config::new());
        let mut input = Input::new();
        let bytes = [frame(role, BINARY, b"begun"), frame(role, FIN | PING, b"p"), close(role, 1000, b"")].concat();
        append(&mut input, By::Slice, &bytes);
        let events = drain(&mut ws, &mut input);
        assert_eq!(events.len(), 2, "{events:?}");
        let other = if role == Role::Server { Role::Client } else { Role::Server };
        let mut peer = connection(other, &Config::new());
        let mut back = Input::new();
        back.put(ws.output());
        let events = drain(&mut peer, &mut back);
        let [OwnedEvent::Pong(data), OwnedEvent::Closed(_)] = &events[..] else { panic!("{events:?}") };
        assert_eq!(data, "p");
    }
}
