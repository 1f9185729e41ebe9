//! The verdict on text, however it is cut: a bad byte anywhere fails the connection with the read that brings it, valid
//! text comes out equal, and control frames keep their place in between.

use crate::common::input::*;
use ws_proto::{Config, Connection, Delivery, Input, OwnedEvent, Role, Violation};

const FEW: [Cut; 4] = [Cut::Whole, Cut::Every(1), Cut::Every(5), Cut::Random(1)];

fn assert_fails(role: Role, bytes: &[u8], cut: Cut, what: &dyn Fn() -> String) {
    for delivery in [Delivery::Messages, Delivery::Parts] {
        let mut ws = connection(role, &Config::new().delivery(delivery));
        let events = run(&mut ws, &cut.of(bytes), || By::Slice);
        assert_eq!(
            violation(&events),
            Some(&Violation::TextNotUtf8),
            "{} to a {role:?}, {cut:?}, {delivery:?}: {events:?}",
            what()
        );
        let Some(OwnedEvent::Closed(closed)) = events.last() else { unreachable!() };
        assert_eq!(closed.sent.as_ref().and_then(ws_proto::CloseFrame::code).map(u16::from), Some(1007));
        for event in &events {
            match event {
                OwnedEvent::Text(text) => panic!("{}: {:?} was returned, {cut:?}", what(), text.as_str().as_bytes()),
                OwnedEvent::TextPart { text, fin } => {
                    assert!(!fin, "{}: the last part was returned, {cut:?}", what());
                    assert!(std::str::from_utf8(text.as_str().as_bytes()).is_ok());
                }
                _ => {}
            }
        }
    }
}

/// 6455-5.6-1, 6455-8.1-1: bytes behind four fragments of one letter each.
#[test]
fn after_short_ascii_fragments() {
    for tail in [&b"aaaaaaa\xffaaaaaaa\xff"[..], b"aaaaaaa\xffaaaaaaaa", b"\xffaaaaaaaaaaaaaaa", b"aaaaaaaaaaaaaaa\xff"]
    {
        let bytes = fragments(Role::Server, TEXT, &[b"a", b"a", b"a", b"a", tail]);
        for cut in FEW {
            assert_fails(Role::Server, &bytes, cut, &|| format!("{tail:02x?}"));
        }
    }
}

/// 6455-5.6-1, 6455-8.1-1: one bad byte at every position of a last fragment of every length up to 200, behind ASCII
/// fragments of another length.
#[test]
fn at_every_position_of_a_fragment() {
    let mut numbers = Numbers(4);
    for length in 1..=200 {
        for position in 0..length {
            let mut last = vec![b'a'; length];
            last[position] = [0xff, 0x80, 0xc0, 0xf5, 0xfe][numbers.below(5)];
            let first = vec![b'b'; 1 + numbers.below(20)];
            let count = numbers.below(5);
            let mut parts = vec![&first[..]; count];
            parts.push(&last);
            let bytes = fragments(Role::Server, TEXT, &parts);
            let mut ws = Connection::server(&Config::new());
            let events = run(&mut ws, &[&bytes], || By::Slice);
            let case = || format!("{count} of {} and then {length} with a bad byte at {position}", first.len());
            assert_eq!(violation(&events), Some(&Violation::TextNotUtf8), "{}: {events:?}", case());
            if position % 16 == length % 16 {
                assert_fails(ROLES[position % 2], &fragments(ROLES[position % 2], TEXT, &parts), Cut::Random(9), &case);
            }
        }
    }
}

/// 6455-5.6-1, 6455-8.1-1: one bad byte in the middle fragment, so that good ones follow it.
#[test]
fn at_every_position_of_a_fragment_in_the_middle() {
    for length in (1..=40).chain([63, 64, 65, 100, 125, 126, 127, 128, 129]) {
        for position in 0..length {
            for before in [0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 31] {
                let mut middle = vec![b'a'; length];
                middle[position] = 0xff;
                let before = vec![b'b'; before];
                let bytes = fragments(Role::Server, TEXT, &[&before, b"c", &middle, b"", &before]);
                let mut ws = Connection::server(&Config::new());
                let events = run(&mut ws, &[&bytes], || By::Slice);
                assert_eq!(
                    violation(&events),
                    Some(&Violation::TextNotUtf8),
                    "{} and 1 before {length}, bad at {position}: {events:?}",
                    before.len()
                );
            }
        }
    }
}

/// 6455-5.6-1, 6455-8.1-1: two, four and eight equal bad bytes at one distance, which must not cancel each other.
#[test]
fn bad_bytes_in_patterns() {
    for bad in [0x80, 0x81, 0xff, 0xc0] {
        for distance in 1..=32 {
            for count in [2, 3, 4, 8] {
                for lead in [0, 1, 7, 8, 15] {
                    let mut text = vec![b'a'; lead + distance * count];
                    for i in 1..=count {
                        text[lead + distance * i - 1] = bad;
                    }
                    for parts in [&[&text[..]][..], &[b"a", &text], &[b"a", b"a", b"a", b"a", &text, b"z"]] {
                        let bytes = fragments(Role::Server, TEXT, parts);
                        let mut ws = Connection::server(&Config::new());
                        let events = run(&mut ws, &[&bytes], || By::Slice);
                        assert_eq!(
                            violation(&events),
                            Some(&Violation::TextNotUtf8),
                            "{count} of {bad:02x}, {distance} apart, {} fragments: {events:?}",
                            parts.len()
                        );
                    }
                }
            }
        }
    }
}

/// 6455-5.6-1, 6455-8.1-1: whole frames around every border between forms of the header and sizes of steps.
#[test]
fn in_whole_frames() {
    let lengths = (126..=400).step_by(3).chain(4090..=4102).chain(65_530..=65_542);
    for (i, length) in lengths.enumerate() {
        let role = ROLES[i % 2];
        let around = [0, 1, length / 2, length - 17, length - 9, length - 2, length - 1];
        for position in around {
            let mut text = vec![b'a'; length];
            text[position] = 0xff;
            let bytes = frame(role, FIN | TEXT, &text);
            for cut in [Cut::Whole, Cut::At(position), Cut::Random(length as u64)] {
                let mut ws = connection(role, &Config::new());
                let events = run(&mut ws, &cut.of(&bytes), || By::Slice);
                assert_eq!(
                    violation(&events),
                    Some(&Violation::TextNotUtf8),
                    "{length} bytes to a {role:?}, bad at {position}, {cut:?}"
                );
            }
        }
    }
}

/// 6455-5.6-1, 6455-8.1-1: every position of whole frames of medium lengths.
#[test]
fn at_every_position_of_whole_frames() {
    for length in (1..=140).chain([253, 254, 255, 256, 257, 383, 384, 400]) {
        let mut text = vec![b'a'; length];
        for position in 0..length {
            text[position] = 0xff;
            for role in ROLES {
                let mut ws = connection(role, &Config::new());
                let events = run(&mut ws, &[&frame(role, FIN | TEXT, &text)], || By::Slice);
                assert_eq!(
                    violation(&events),
                    Some(&Violation::TextNotUtf8),
                    "{length} bytes to a {role:?}, bad at {position}"
                );
            }
            text[position] = b'a';
        }
    }
}

/// The number of bytes after which it is certain that `text` is not UTF-8.
fn certain(text: &[u8]) -> Option<usize> {
    let error = std::str::from_utf8(text).err()?;
    // The last of the bad bytes makes it certain or, if the sequence is well begun, the byte behind it.
    error.error_len()?;
    (error.valid_up_to()..=text.len())
        .find(|&end| std::str::from_utf8(&text[..end]).is_err_and(|error| error.error_len().is_some()))
}

/// 6455-5.6-1, 6455-10.7-1: the read that brings the byte which makes it certain ends the connection, in the middle of a
/// frame and of a message, and no earlier read does.
#[test]
fn no_later_than_the_byte() {
    let bad: [&[u8]; 9] = [
        b"\xff",
        b"\x80",
        b"\xe2\x82a",
        b"\xed\xa0\x80",
        b"\xf0\x9f\xa6a",
        b"\xf4\x90\x80\x80",
        b"\xe0\x80\x80",
        b"\xc3\xc3",
        b"\xf0\x80\x80\x80",
    ];
    let mut numbers = Numbers(77);
    for round in 0..300 {
        let length = [5, 30, 130, 300, 5000][numbers.below(5)];
        let mut text = numbers.text(length).into_bytes();
        text.extend(bad[round % bad.len()]);
        let certain = certain(&text).expect("not UTF-8");
        text.extend([b'z'; 40]);
        // Cut into fragments anywhere; the last one is not even complete.
        let mut parts: Vec<&[u8]> = Vec::new();
        let mut rest = &text[..];
        while rest.len() > 1 && numbers.below(4) > 0 {
            let (first, others) = rest.split_at(numbers.below(rest.len()));
            parts.push(first);
            rest = others;
        }
        parts.push(rest);
        let role = ROLES[round % 2];
        let mut bytes = Vec::new();
        let mut at = None;
        let mut seen = 0;
        for (i, part) in parts.iter().enumerate() {
            let fin = if i + 1 == parts.len() { FIN } else { 0 };
            push(&mut bytes, role, fin | if i == 0 { TEXT } else { 0 }, part);
            seen += part.len();
            if at.is_none() && seen >= certain {
                at = Some(bytes.len() - (seen - certain));
            }
        }
        let at = at.expect("the bad byte is in there");
        for delivery in [Delivery::Messages, Delivery::Parts] {
            let mut ws = connection(role, &Config::new().delivery(delivery));
            let mut input = Input::new();
            let before = numbers.below(at);
            append(&mut input, By::Slice, &bytes[..before]);
            assert_eq!(violation(&drain(&mut ws, &mut input)), None);
            append(&mut input, By::Slice, &bytes[before..at - 1]);
            assert_eq!(violation(&drain(&mut ws, &mut input)), None, "too early: {text:02x?}");
            append(&mut input, By::Slice, &bytes[at - 1..at]);
            let events = drain(&mut ws, &mut input);
            assert_eq!(violation(&events), Some(&Violation::TextNotUtf8), "{text:02x?} in {} fragments", parts.len());
            assert!(ws.interest().write, "the Close waits");
        }
    }
}

/// 6455-5.6-1: valid text, cut into fragments and reads anywhere, comes out as it is.
#[test]
fn valid_text_is_equal() {
    let mut numbers = Numbers(5);
    for round in 0..300 {
        let length = numbers.below([10, 60, 300, 1000, 9000][round % 5]);
        let text = numbers.text(length);
        let mut parts: Vec<&[u8]> = Vec::new();
        let mut rest = text.as_bytes();
        while !rest.is_empty() && numbers.below(6) > 0 {
            let most = [2, 9, 200, rest.len() + 1][numbers.below(4)].min(rest.len() + 1);
            let (first, others) = rest.split_at(numbers.below(most));
            parts.push(first);
            rest = others;
        }
        parts.push(rest);
        let role = ROLES[round % 2];
        let bytes = fragments(role, TEXT, &parts);
        for cut in [Cut::Whole, Cut::Every(1), Cut::Every(7), Cut::Random(round as u64)] {
            let mut ws = connection(role, &Config::new());
            let events = run(&mut ws, &cut.of(&bytes), || By::Slice);
            let [OwnedEvent::Text(got)] = &events[..] else { panic!("{text:?}, {cut:?}: {events:?}") };
            assert_eq!(got.as_str(), text);
            assert!(std::str::from_utf8(got.as_str().as_bytes()).is_ok());

            let mut ws = connection(role, &Config::new().delivery(Delivery::Parts));
            let mut whole = String::new();
            let events = run(&mut ws, &cut.of(&bytes), || By::Slice);
            for (i, event) in events.iter().enumerate() {
                let OwnedEvent::TextPart { text, fin } = event else { panic!("{event:?}") };
                assert_eq!(*fin, i + 1 == events.len());
                assert!(*fin || !text.is_empty());
                whole.push_str(text.as_str());
            }
            assert_eq!(whole, text);
        }
    }
}

/// 6455-5.6-1: each code point of more than one byte at each border of fragments behind ASCII of every length, and the
/// same with its last byte missing.
#[test]
fn code_points_across_fragments() {
    for letter in ["é", "€", "🦀"] {
        for before in 0..=40 {
            let ascii = vec![b'a'; before];
            for split in 0..=letter.len() {
                let (head, tail) = letter.as_bytes().split_at(split);
                let first = [&ascii[..], head].concat();
                for (last, right) in [(tail, true), (&tail[..tail.len().saturating_sub(1)], tail.is_empty())] {
                    let second = [last, &ascii[..before / 2]].concat();
                    let bytes = fragments(Role::Server, TEXT, &[&first, b"", &second, b"b"]);
                    for cut in [Cut::Whole, Cut::Every(1), Cut::Every(3)] {
                        let mut ws = Connection::server(&Config::new());
                        let events = run(&mut ws, &cut.of(&bytes), || By::Slice);
                        let whole = [&first[..], &second, b"b"].concat();
                        match &events[..] {
                            [OwnedEvent::Text(text)] => {
                                assert!(right);
                                assert_eq!(text.as_str().as_bytes(), whole);
                            }
                            events => {
                                assert!(!right, "{whole:02x?}: {events:?}");
                                assert_eq!(violation(events), Some(&Violation::TextNotUtf8));
                            }
                        }
                    }
                }
            }
        }
    }
}

/// 6455-5.4-4, 6455-5.6-1, 6455-7.1.7-7: a Ping behind bad text is not returned and not answered, however the two come;
/// one in front of it is, in its place.
#[test]
fn a_ping_keeps_its_place() {
    for role in ROLES {
        for length in [1, 7, 8, 15, 16, 17, 64, 125, 126, 200, 4096, 70_000] {
            for position in [0, length / 2, length - 1] {
                let mut text = vec![b'a'; length];
                text[position] = 0xff;
                let ping = frame(role, FIN | PING, b"?");
                for fragment in [0, 2, 8] {
                    let mut start = frame(role, TEXT, b"abc");
                    for _ in 0..fragment {
                        push(&mut start, role, 0, b"a");
                    }
                    let behind = [&start[..], &frame(role, 0, &text), &ping, &frame(role, FIN, b"")].concat();
                    let before = [&start[..], &ping, &frame(role, 0, &text), &frame(role, FIN, b"")].concat();
                    for cut in [Cut::Whole, Cut::Every(if length > 5000 { 1009 } else { 3 }), Cut::Random(3)] {
                        let mut ws = connection(role, &Config::new());
                        let events = run(&mut ws, &cut.of(&behind), || By::Slice);
                        assert_eq!(events.len(), 1, "{length}, bad at {position}, {cut:?}: {events:?}");
                        assert_eq!(violation(&events), Some(&Violation::TextNotUtf8));

                        let mut ws = connection(role, &Config::new());
                        let events = run(&mut ws, &cut.of(&before), || By::Slice);
                        assert_eq!(events.len(), 2, "{length}, bad at {position}, {cut:?}: {events:?}");
                        assert_eq!(events[0], OwnedEvent::Ping("?".into()));
                        assert_eq!(violation(&events), Some(&Violation::TextNotUtf8));
                    }
                }
            }
        }
    }
}

/// 6455-5.4-4, 6455-5.6-1: a Ping in the middle of a code point, and a Close there, after which nothing is judged.
#[test]
fn control_frames_inside_a_code_point() {
    for role in ROLES {
        let stream = [
            &frame(role, TEXT, b"\xe2\x82")[..],
            &frame(role, FIN | PING, b"1"),
            &frame(role, 0, b"\xac\xf0\x9f"),
            &frame(role, FIN | PONG, b"2"),
            &frame(role, FIN, b"\xa6\x80"),
            &frame(role, TEXT, b"\xe2\x82"),
            &close(role, 1000, b""),
            &frame(role, FIN, b"\xff"),
        ]
        .concat();
        for cut in FEW {
            let mut ws = connection(role, &Config::new());
            let events = run(&mut ws, &cut.of(&stream), || By::Slice);
            assert_eq!(events.len(), 4, "{events:?}");
            assert_eq!(events[0], OwnedEvent::Ping("1".into()));
            assert_eq!(events[1], OwnedEvent::Pong("2".into()));
            assert_eq!(events[2], OwnedEvent::Text("€🦀".into()));
            let OwnedEvent::Closed(closed) = &events[3] else { panic!("{events:?}") };
            assert_eq!(closed.code(), 1000);
        }
    }
}

/// 6455-5.6-1, 6455-7.1.7-7: an earlier violation counts, also where a later frame of the same read breaks another rule.
#[test]
fn the_first_violation_counts() {
    let role = Role::Server;
    let wrongs: [(&[u8], Violation); 4] = [
        (&[0xb9, 0x80, 1, 2, 3, 4], Violation::ReservedBit),
        (&[0x81, 0x80, 1, 2, 3, 4], Violation::MessageInterrupted),
        (&[0x00, 0x01, b'a'], Violation::NotMasked),
        (&[0x83, 0x80, 1, 2, 3, 4], Violation::ReservedOpcode(3)),
    ];
    for (wrong, as_what) in wrongs {
        for length in [1, 2, 7, 8, 9, 16, 33, 100, 126, 300] {
            for count in [1, 2, 5, 20] {
                for cut in FEW {
                    let mut text = vec![b'a'; length];
                    let mut bytes = frame(role, TEXT, b"a");
                    for _ in 1..count {
                        push(&mut bytes, role, 0, &text);
                    }
                    let mut other = bytes.clone();
                    text[length - 1] = 0xff;
                    push(&mut bytes, role, 0, &text);
                    bytes.extend_from_slice(wrong);
                    let mut ws = Connection::server(&Config::new());
                    let events = run(&mut ws, &cut.of(&bytes), || By::Slice);
                    assert_eq!(violation(&events), Some(&Violation::TextNotUtf8), "{length} x {count}, {as_what:?}");

                    other.extend_from_slice(wrong);
                    push(&mut other, role, 0, &text);
                    let mut ws = Connection::server(&Config::new());
                    let events = run(&mut ws, &cut.of(&other), || By::Slice);
                    assert_eq!(violation(&events), Some(&as_what), "{length} x {count}");
                }
            }
        }
    }
}
