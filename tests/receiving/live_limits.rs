//! Limits that are changed on a live connection: small, then larger, then small again, for whole, fragmented and
//! compressed messages, between messages and in the middle of one.

use crate::common::input::*;
use ws_proto::bytes::Buf;
use ws_proto::{Config, Connection, Delivery, Input, OwnedEvent, Role, SendErrorKind, Violation};

const SMALL: u64 = 1000;
const LARGE: u64 = 100_000;

fn limit(message: u64) -> Config {
    Config::new().max_message(message)
}

/// Appends and receives all.
fn feed(ws: &mut Connection, input: &mut Input, bytes: &[u8], cut: Cut) -> Vec<OwnedEvent> {
    let mut events = Vec::new();
    for read in cut.of(bytes) {
        append(input, By::Slice, read);
        events.extend(drain(ws, input));
    }
    events
}

const CUTS: [Cut; 4] = [Cut::Whole, Cut::Every(1), Cut::Every(700), Cut::Random(2)];

/// How a message comes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Whole,
    Fragments(usize),
}

fn message(role: Role, form: Form, length: u64) -> Vec<u8> {
    let data = vec![b'm'; length as usize];
    match form {
        Form::Whole => frame(role, FIN | TEXT, &data),
        Form::Fragments(size) => fragments(role, TEXT, &data.chunks(size).collect::<Vec<_>>()),
    }
}

fn assert_text(events: &[OwnedEvent], length: u64) {
    let [OwnedEvent::Text(text)] = events else { panic!("{length}: {events:?}") };
    assert_eq!(text.len() as u64, length);
}

/// 6455-10.4-1: each limit holds for the messages that begin under it, at the byte.
#[test]
fn small_larger_small() {
    for role in ROLES {
        for form in [Form::Whole, Form::Fragments(300), Form::Fragments(1000), Form::Fragments(40_000)] {
            for cut in CUTS {
                if matches!(cut, Cut::Every(1)) && form != Form::Whole {
                    continue;
                }
                for last in [SMALL, SMALL + 1] {
                    let mut ws = connection(role, &limit(SMALL));
                    let mut input = Input::new();
                    assert_text(&feed(&mut ws, &mut input, &message(role, form, SMALL), cut), SMALL);
                    ws.set_limits(&limit(LARGE));
                    for length in [SMALL + 1, LARGE] {
                        if matches!(cut, Cut::Every(1)) && length == LARGE {
                            continue;
                        }
                        assert_text(&feed(&mut ws, &mut input, &message(role, form, length), cut), length);
                    }
                    ws.set_limits(&limit(SMALL));
                    let events = feed(&mut ws, &mut input, &message(role, form, last), cut);
                    if last == SMALL {
                        assert_text(&events, SMALL);
                    } else {
                        assert_eq!(violation(&events), Some(&Violation::MessageTooBig(SMALL + 1)), "{form:?} {cut:?}");
                    }
                }
            }
        }
    }
}

/// 6455-10.4-1: a message above the old limit and a limit raised by an event in front of it, in one read.
#[test]
fn raised_by_an_event_of_the_same_read() {
    for role in ROLES {
        let bytes = [
            frame(role, FIN | TEXT, b"password"),
            message(role, Form::Fragments(700), LARGE),
            message(role, Form::Whole, LARGE),
        ]
        .concat();
        let mut ws = connection(role, &limit(SMALL));
        let mut input = Input::from(bytes);
        let mut lengths = Vec::new();
        while let Some(event) = ws.receive(&mut input) {
            let OwnedEvent::Text(text) = event.into_owned() else { panic!("not a text") };
            lengths.push(text.len() as u64);
            ws.set_limits(&limit(LARGE));
        }
        assert_eq!(lengths, [8, LARGE, LARGE]);
    }
}

/// 6455-10.4-1: and one that is lowered by it.
#[test]
fn lowered_by_an_event_of_the_same_read() {
    for role in ROLES {
        let bytes = [frame(role, FIN | TEXT, b"enough"), message(role, Form::Whole, SMALL + 1)].concat();
        let mut ws = connection(role, &limit(LARGE));
        let mut input = Input::from(bytes);
        assert!(ws.receive(&mut input).is_some());
        ws.set_limits(&limit(SMALL));
        assert_eq!(violation(&drain(&mut ws, &mut input)), Some(&Violation::MessageTooBig(SMALL + 1)));
    }
}

/// 6455-10.4-1: in the middle of a message, later frames are held to the new limits, whether they are larger or smaller.
#[test]
fn in_the_middle_of_a_message() {
    for role in ROLES {
        for delivery in [Delivery::Messages, Delivery::Parts] {
            let lengths = |events: &[OwnedEvent]| -> usize {
                events
                    .iter()
                    .map(|event| match event {
                        OwnedEvent::Binary(data) | OwnedEvent::BinaryPart { data, .. } => data.len(),
                        event => panic!("{event:?}"),
                    })
                    .sum()
            };
            // Raised: 900 under the small limit, and then much more.
            let mut ws = connection(role, &limit(SMALL).delivery(delivery));
            let mut input = Input::new();
            let mut events = feed(&mut ws, &mut input, &frame(role, BINARY, &[1; 900]), Cut::Whole);
            ws.set_limits(&limit(LARGE));
            events.extend(feed(&mut ws, &mut input, &frame(role, 0, &[2; 90_000]), Cut::Every(5000)));
            events.extend(feed(&mut ws, &mut input, &frame(role, FIN, &[3; 9100]), Cut::Whole));
            assert_eq!(lengths(&events), LARGE as usize);

            // Lowered below what has come: the next frame that brings more is too much.
            let mut ws = connection(role, &limit(LARGE).delivery(delivery));
            let mut input = Input::new();
            let events = feed(&mut ws, &mut input, &frame(role, BINARY, &[1; 5000]), Cut::Whole);
            assert!(lengths(&events) <= 5000);
            ws.set_limits(&limit(SMALL));
            let events = feed(&mut ws, &mut input, &frame(role, FIN, &[2; 1]), Cut::Whole);
            assert_eq!(violation(&events), Some(&Violation::MessageTooBig(5001)));

            // Lowered in the middle of a frame: that frame was allowed.
            for by_byte in [false, true] {
                let mut ws = connection(role, &limit(LARGE).delivery(delivery));
                let mut input = Input::new();
                let bytes = frame(role, BINARY, &[1; 5000]);
                let mut events = feed(&mut ws, &mut input, &bytes[..3000], Cut::Whole);
                ws.set_limits(&limit(SMALL));
                let cut = if by_byte { Cut::Every(1) } else { Cut::Whole };
                events.extend(feed(&mut ws, &mut input, &bytes[3000..], cut));
                assert!(lengths(&events) <= 5000);
                let pong = feed(&mut ws, &mut input, &frame(role, FIN | PONG, b"!"), Cut::Whole);
                assert_eq!(pong, [OwnedEvent::Pong("!".into())], "a control frame has its own limit");
                let events = feed(&mut ws, &mut input, &frame(role, FIN, &[2; 1]), Cut::Whole);
                assert_eq!(violation(&events), Some(&Violation::MessageTooBig(5001)));
            }
        }
    }
}

/// 6455-10.4-1: a claim above a limit fails at its header, also of a limit that was lowered while the header came.
#[test]
fn in_the_middle_of_a_header() {
    for role in ROLES {
        let bytes = frame(role, FIN | BINARY, &[1; 5000]);
        let header_length = bytes.len() - 5000;
        for at in 0..=header_length {
            for (first, second) in [(LARGE, SMALL), (SMALL, LARGE)] {
                let mut ws = connection(role, &limit(first));
                let mut input = Input::new();
                let mut events = feed(&mut ws, &mut input, &bytes[..at], Cut::Whole);
                ws.set_limits(&limit(second));
                if events.is_empty() {
                    events = feed(&mut ws, &mut input, &bytes[at..], Cut::Whole);
                }
                match violation(&events) {
                    Some(violation) => assert_eq!(*violation, Violation::MessageTooBig(5000), "{at}"),
                    None => assert_eq!(events, [OwnedEvent::Binary(vec![1; 5000].into())], "{at}"),
                }
                // Without its last byte the header was not decided on yet.
                if at < header_length - if role == Role::Server { 4 } else { 0 } {
                    assert_eq!(violation(&events).is_some(), second == SMALL, "cut at {at} of {header_length}");
                }
            }
        }
    }
}

/// 6455-10.4-1: of frames and of fragments.
#[test]
fn frames_and_fragments() {
    for role in ROLES {
        let mut ws = connection(role, &Config::new().max_frame(10).max_fragments(2));
        let mut input = Input::new();
        let two = fragments(role, BINARY, &[&[1; 10], &[2; 10]]);
        let three = fragments(role, BINARY, &[&[1; 20], &[2; 20], &[3; 20]]);
        assert_eq!(feed(&mut ws, &mut input, &two, Cut::Every(1)).len(), 1);
        ws.set_limits(&Config::new().max_frame(20).max_fragments(3));
        assert_eq!(feed(&mut ws, &mut input, &three, Cut::Every(1)).len(), 1);
        assert_eq!(feed(&mut ws, &mut input, &three, Cut::Whole).len(), 1);
        ws.set_limits(&Config::new().max_frame(20).max_fragments(2));
        assert_eq!(violation(&feed(&mut ws, &mut input, &three, Cut::Whole)), Some(&Violation::TooManyFragments));

        let mut ws = connection(role, &Config::new().max_frame(20));
        let mut input = Input::new();
        assert_eq!(feed(&mut ws, &mut input, &three, Cut::Whole).len(), 1);
        ws.set_limits(&Config::new().max_frame(19));
        assert_eq!(violation(&feed(&mut ws, &mut input, &three, Cut::Whole)), Some(&Violation::FrameTooBig(20)));
    }
}

/// 6455-10.4-1: limits at their ends, set one after another.
#[test]
fn limits_at_their_ends() {
    for role in ROLES {
        let mut ws = connection(role, &Config::new().max_message(0).max_frame(0).max_fragments(1));
        let mut input = Input::new();
        assert_text(&feed(&mut ws, &mut input, &message(role, Form::Whole, 0), Cut::Whole), 0);
        ws.set_limits(&Config::new().max_message(u64::MAX).max_frame(u64::MAX).max_fragments(u32::MAX));
        assert_text(&feed(&mut ws, &mut input, &message(role, Form::Fragments(100), 5000), Cut::Whole), 5000);
        let mut claim = Vec::new();
        header(role, TEXT, (1 << 63) - 1, &mut claim);
        assert_eq!(feed(&mut ws, &mut input, &claim, Cut::Every(1)), []);
        let mut ws = connection(role, &Config::new().max_fragments(0).max_message(u64::MAX));
        // No message has less than one frame; whatever it means, it is no panic and no endless loop.
        let events = feed(&mut ws, &mut Input::new(), &message(role, Form::Whole, 3), Cut::Whole);
        assert_eq!(events.len(), 1);
        // Two claims whose sum passes 2^64.
        let mut ws = connection(role, &Config::new().max_message(u64::MAX).max_frame(u64::MAX));
        let mut input = Input::new();
        assert_eq!(feed(&mut ws, &mut input, &frame(role, BINARY, &[0; 100]), Cut::Whole), []);
        let mut claim = Vec::new();
        header(role, FIN, (1 << 63) - 1, &mut claim);
        assert_eq!(feed(&mut ws, &mut input, &claim, Cut::Whole), []);
    }
}

/// 6455-10.4-1: the output's limit.
#[test]
fn of_the_output() {
    for role in ROLES {
        let mut ws = connection(role, &Config::new().max_buffered(100));
        assert_eq!(ws.send_binary(&[0; 200]).unwrap_err().kind(), SendErrorKind::TooLarge);
        ws.set_limits(&Config::new().max_buffered(1000));
        ws.send_binary(&[0; 200]).unwrap();
        ws.set_limits(&Config::new().max_buffered(100));
        // More waits than may.
        assert_eq!(ws.send_binary(&[0; 10]).unwrap_err().kind(), SendErrorKind::Full);
        let waiting = ws.output().remaining();
        ws.output().advance(waiting);
        ws.send_binary(&[0; 10]).unwrap();
    }
}

#[cfg(feature = "deflate")]
mod compressed {
    use super::*;
    use ws_proto::{DeflateConfig, DeflateParameters};

    fn agreed(ws: Connection, level: u8) -> Connection {
        ws.with_deflate(&DeflateConfig::new().level(level).threshold(1), DeflateParameters::new())
    }

    /// The message as a peer sends it, in frames.
    fn packed(peer: &mut Connection, length: u64, parts: usize) -> Vec<u8> {
        let text = "abcdefghij".repeat(length as usize / 10 + 1);
        let text = &text[..length as usize];
        if parts == 1 {
            peer.send(text).unwrap();
        } else {
            let size = text.len().div_ceil(parts);
            for i in 0..parts {
                peer.send_part(&text[(i * size).min(text.len())..((i + 1) * size).min(text.len())], i + 1 == parts)
                    .unwrap();
            }
        }
        let output = peer.output();
        let count = output.remaining();
        output.copy_to_bytes(count).to_vec()
    }

    /// 6455-10.4-1, 7692-6.2-1: each limit counts what is inflated, for the messages that begin under it.
    #[test]
    fn small_larger_small() {
        for role in ROLES {
            let other = if role == Role::Server { Role::Client } else { Role::Server };
            for level in [0, 6] {
                for parts in [1, 3] {
                    for cut in [Cut::Whole, Cut::Every(100)] {
                        for last in [SMALL, SMALL + 1] {
                            let mut peer = agreed(connection(other, &Config::new()), level);
                            let mut ws = agreed(connection(role, &limit(SMALL)), level);
                            let mut input = Input::new();
                            assert_text(&feed(&mut ws, &mut input, &packed(&mut peer, SMALL, parts), cut), SMALL);
                            ws.set_limits(&limit(LARGE));
                            for length in [SMALL + 1, LARGE] {
                                assert_text(&feed(&mut ws, &mut input, &packed(&mut peer, length, parts), cut), length);
                            }
                            ws.set_limits(&limit(SMALL));
                            let events = feed(&mut ws, &mut input, &packed(&mut peer, last, parts), cut);
                            if last == SMALL {
                                assert_text(&events, SMALL);
                            } else {
                                let Some(Violation::MessageTooBig(length)) = violation(&events) else {
                                    panic!("{level} {parts} {cut:?}: {events:?}")
                                };
                                assert!(*length > SMALL);
                            }
                        }
                    }
                }
            }
        }
    }

    /// 6455-10.4-1: raised and lowered in the middle of a compressed message.
    #[test]
    fn in_the_middle_of_a_message() {
        for role in ROLES {
            let other = if role == Role::Server { Role::Client } else { Role::Server };
            for level in [0, 6] {
                for delivery in [Delivery::Messages, Delivery::Parts] {
                    let mut peer = agreed(connection(other, &Config::new()), level);
                    let bytes = packed(&mut peer, 9000, 10);
                    for at in 0..bytes.len() {
                        if level == 0 && at % 97 != 0 {
                            continue;
                        }
                        let mut ws = agreed(connection(role, &limit(LARGE).delivery(delivery)), level);
                        let mut input = Input::new();
                        let mut events = feed(&mut ws, &mut input, &bytes[..at], Cut::Whole);
                        ws.set_limits(&limit(SMALL));
                        events.extend(feed(&mut ws, &mut input, &bytes[at..], Cut::Whole));
                        match violation(&events) {
                            Some(Violation::MessageTooBig(length)) => assert!(*length > SMALL),
                            Some(other) => panic!("{other:?}"),
                            None => {}
                        }
                        // The other way round: what has come is below the small limit, and the rest may come.
                        if at < bytes.len() / 20 {
                            let mut ws = agreed(connection(role, &limit(SMALL).delivery(delivery)), level);
                            let mut input = Input::new();
                            let mut events = feed(&mut ws, &mut input, &bytes[..at], Cut::Whole);
                            ws.set_limits(&limit(LARGE));
                            events.extend(feed(&mut ws, &mut input, &bytes[at..], Cut::Whole));
                            let length: usize = events
                                .iter()
                                .map(|event| match event {
                                    OwnedEvent::Text(text) | OwnedEvent::TextPart { text, .. } => text.len(),
                                    event => panic!("{event:?}"),
                                })
                                .sum();
                            assert_eq!(length, 9000);
                        }
                    }
                }
            }
        }
    }
}
