//! What an event holds can be kept: without a copy when it is a message, and without harm to what follows it.

use ws_proto::bytes::{BufMut, Bytes, BytesMut};
use ws_proto::frame::FrameHeader;
use ws_proto::{Cause, Config, Connection, Delivery, Event, Message, Opcode, SendErrorKind, Utf8Bytes, Violation};

/// A frame of a server's, whose payload stays as it is.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    assert!(payload.len() <= 125);
    [&[first, payload.len() as u8], payload].concat()
}

fn client(config: &Config) -> Connection {
    Connection::client(ws_proto::Seed::new([1; 32]), config)
}

#[test]
fn a_message_leaves_the_input_without_a_copy() {
    let (data, text) = (vec![7; 126], "zweite ✓".repeat(20));
    let mut ws = client(&Config::new());
    let mut input = BytesMut::new();
    for (first, payload) in [(0x82, &data[..]), (0x81, text.as_bytes())] {
        input.put_slice(&[first, 126, 0, payload.len() as u8]);
        input.put_slice(payload);
    }

    let Some(Event::Binary(payload)) = ws.receive(&mut input) else { panic!("a binary message was sent") };
    let arrived_at = payload.as_ptr();
    let first: Bytes = payload.into_bytes();
    assert_eq!(first.as_ptr(), arrived_at);

    let Some(Event::Text(payload)) = ws.receive(&mut input) else { panic!("a text message was sent") };
    let arrived_at = payload.as_ptr();
    let second: Utf8Bytes = payload.into_utf8_bytes();
    assert_eq!(second.as_ptr(), arrived_at);

    assert!(ws.receive(&mut input).is_none());
    assert!(input.is_empty());
    drop(input);
    assert_eq!(first, data);
    assert_eq!(second, text.as_str());
    assert_eq!(second.clone().into_bytes(), text.as_bytes());
}

#[test]
fn a_short_message_is_copied_and_holds_nothing_else() {
    let mut ws = client(&Config::new());
    let wire = [frame(0x82, &[1; 125]), frame(0x81, b"second"), frame(0x82, b"last")].concat();
    let mut input = BytesMut::from(&wire[..]);
    let mut kept = Vec::new();
    while let Some(event) = ws.receive(&mut input) {
        let (arrived_at, message) = match event {
            Event::Text(text) => (text.as_ptr(), text.into_message()),
            Event::Binary(data) => (data.as_ptr(), data.into_message()),
            event => panic!("unexpected {event:?}"),
        };
        assert_ne!(message.as_bytes().as_ptr(), arrived_at);
        kept.push(message);
    }
    assert_eq!(kept, [vec![1; 125].into(), "second".into(), Message::from(b"last")]);
    assert!(input.is_empty());
    // All of the input's memory is its own again.
    assert!(input.try_reclaim(wire.len()));
}

#[test]
fn a_fragmented_message_is_one_slice_that_can_be_kept() {
    let mut ws = client(&Config::new());
    let wire = [
        frame(0x01, b"one "),
        frame(0x89, b"ping"),
        frame(0x00, "mess\u{e4}".as_bytes()),
        frame(0x80, b"ge"),
        frame(0x82, b"next"),
    ];
    let mut input = BytesMut::from(&wire.concat()[..]);
    let Some(Event::Ping(ping)) = ws.receive(&mut input) else { panic!("a Ping was sent") };
    // A copy, because the message so far lies in front of it.
    let ping = ping.into_bytes();
    let Some(Event::Text(text)) = ws.receive(&mut input) else { panic!("a text message was sent") };
    let Message::Text(text) = text.into_message() else { panic!("text stays text") };
    let Some(Event::Binary(next)) = ws.receive(&mut input) else { panic!("a binary message was sent") };
    assert_eq!(*next, b"next"[..]);
    drop(next);
    assert_eq!((ping.as_ref(), text.as_str()), (&b"ping"[..], "one mess\u{e4}ge"));
    assert!(input.is_empty());
}

#[test]
fn parts_can_be_kept() {
    let mut ws = client(&Config::new().delivery(Delivery::Parts));
    let mut input = BytesMut::new();
    let mut kept = Vec::new();
    for byte in [frame(0x01, "h\u{e9}".as_bytes()), frame(0x80, "\u{1f980}!".as_bytes())].concat() {
        input.put_u8(byte);
        while let Some(event) = ws.receive(&mut input) {
            let Event::TextPart { text, fin } = event else { panic!("unexpected {event:?}") };
            kept.push((text.into_utf8_bytes(), fin));
        }
    }
    let whole: String = kept.iter().map(|(text, _)| text.as_str()).collect();
    assert_eq!(whole, "h\u{e9}\u{1f980}!");
    assert_eq!(kept.iter().filter(|(_, fin)| *fin).count(), 1);
    assert!(kept.last().is_some_and(|(_, fin)| *fin));
}

#[test]
fn what_is_not_kept_leaves_the_input_all_the_same() {
    let mut ws = client(&Config::new());
    let mut input = BytesMut::from(&[frame(0x82, b"dropped"), frame(0x81, b"seen")].concat()[..]);
    drop(ws.receive(&mut input));
    assert!(matches!(ws.receive(&mut input), Some(Event::Text(text)) if text == "seen"));
    assert!(input.is_empty());
}

#[test]
fn bytes_become_text_only_if_they_are() {
    let not_text = Utf8Bytes::try_from(Bytes::from_static(b"\xE2\x28\xA1")).expect_err("this is not UTF-8");
    assert_eq!(not_text.0, &b"\xE2\x28\xA1"[..]);
    assert_eq!(Utf8Bytes::try_from(vec![0xC3, 0xA9]).expect("this is UTF-8"), "é");
    assert!(Utf8Bytes::try_from(vec![0xC3]).is_err());
}

/// Receives a text that begins with so many letters, in two looks and with a Ping in the middle, and writes over all
/// letters that lie in the input in between.
fn tampered(letters: usize, from_end: usize, with: u8) -> Result<String, Violation> {
    let start =
        FrameHeader { fin: false, rsv: 0, opcode: Opcode::Text, masking_key: None, payload_length: letters as u64 };
    let end = [frame(0x89, b"ping"), frame(0x80, b"!")].concat();
    let wire = [start.encode().as_ref(), &b"x".repeat(letters), &end].concat();
    let cut = wire.len() - from_end;
    let mut ws = client(&Config::new());
    let mut input = BytesMut::from(&wire[..cut]);
    for more in [&wire[cut..], &[]] {
        loop {
            match ws.receive(&mut input) {
                // Told in the middle of the message.
                Some(Event::Ping(_)) => {}
                Some(Event::Text(text)) => {
                    assert!(std::str::from_utf8(text.as_bytes()).is_ok(), "cut at {cut}");
                    return Ok(text.to_string());
                }
                Some(Event::Closed(closure)) => match closure.cause {
                    Cause::Violation(violation) => return Err(violation),
                    cause => panic!("cut at {cut}: {cause:?}"),
                },
                Some(event) => panic!("cut at {cut}: {event:?}"),
                None => break,
            }
            input.iter_mut().filter(|byte| byte.is_ascii_lowercase()).for_each(|byte| *byte = with);
        }
        // Somebody who finds it empty would take it for another connection's.
        assert!(!input.is_empty(), "cut at {cut}");
        input.iter_mut().filter(|byte| byte.is_ascii_lowercase()).for_each(|byte| *byte = with);
        input.put(more);
    }
    panic!("cut at {cut}: the message is whole");
}

/// The input is the caller's between two looks at it, and a `Text` must be UTF-8 whatever was done to it then.
#[test]
fn text_that_was_tampered_with_is_text_or_nothing() {
    for letters in [2, 5, 4095, 4096, 4097, 4098, 10_000] {
        for from_end in 1..11 {
            assert_eq!(tampered(letters, from_end, 0xFF), Err(Violation::TextNotUtf8), "{letters}, {from_end}");
            let text = tampered(letters, from_end, b'X').expect("it is ASCII");
            assert_eq!(text.len(), letters + 1);
            // Of a long one only the code point at which a look ended is within reach.
            let changed = text.bytes().filter(|byte| *byte == b'X').count();
            assert!(changed > 0 && (letters <= 4097 || changed <= 2), "{letters}, {from_end}: {changed}");
        }
    }
}

/// What a panic leaves behind is not taken for text, either.
#[test]
fn text_that_was_tampered_with_after_a_panic_is_nothing() {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    let mut ws = client(&Config::new());
    let start = FrameHeader { fin: false, rsv: 0, opcode: Opcode::Text, masking_key: None, payload_length: 5000 };
    let wire = [start.encode().as_ref(), &b"x".repeat(5000), &frame(0x89, b"ping")].concat();
    let mut input = BytesMut::from(&wire[..]);
    assert!(matches!(ws.receive(&mut input), Some(Event::Ping(_))));
    input.clear();
    input.put_u8(0);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(ws.receive(&mut input)))).is_err());
    for length in (1..40).chain(5000..5020) {
        input.resize(length, 0xFF);
        input.put_slice(&frame(0x80, b"!"));
        let received = catch_unwind(AssertUnwindSafe(|| match ws.receive(&mut input) {
            Some(Event::Text(text)) => std::str::from_utf8(text.as_bytes()).is_ok(),
            _ => true,
        }));
        assert!(received.unwrap_or(true), "{length}");
    }
}

#[test]
fn what_is_shown_for_debugging_holds_nothing_of_the_peers() {
    let mut ws = client(&Config::new());
    let mut input = BytesMut::from(&frame(0x01, b"a secret")[..]);
    assert!(ws.receive(&mut input).is_none());
    assert!(!format!("{ws:?}").contains("secret"));
}

#[test]
fn text_out_of_another_buffer_is_text_or_nothing() {
    let wire = frame(0x81, "h\u{e9}llo world".as_bytes());
    for cut in 2..wire.len() {
        let mut ws = client(&Config::new());
        let mut input = BytesMut::from(&wire[..cut]);
        assert!(ws.receive(&mut input).is_none());
        let mut other = BytesMut::from(&[&b"\xFF".repeat(cut)[..], &wire[cut..]].concat()[..]);
        match ws.receive(&mut other) {
            Some(Event::Text(text)) => assert!(std::str::from_utf8(text.as_bytes()).is_ok()),
            Some(Event::Closed(_)) | None => {}
            event => panic!("cut at {cut}: {event:?}"),
        };
    }
}

#[test]
#[should_panic(expected = "have been removed from the input")]
fn an_input_that_lost_bytes_is_a_mistake_of_its_owner() {
    let mut ws = client(&Config::new());
    let mut input = BytesMut::from(&frame(0x02, b"hello")[..]);
    assert!(ws.receive(&mut input).is_none());
    input.clear();
    input.put_u8(0x80);
    ws.receive(&mut input);
}

#[test]
fn a_message_larger_than_the_output_may_hold_is_told_apart() {
    let mut ws = client(&Config::new().max_buffered(100));
    assert_eq!(ws.send(vec![0; 101]).map_err(|error| error.kind()), Err(SendErrorKind::TooLarge));
    assert_eq!(ws.send(vec![0; 94]), Ok(()));
    let refused = ws.send(vec![0; 50]).expect_err("the output is full");
    assert_eq!((refused.kind(), refused.into_message()), (SendErrorKind::Full, Some(vec![0; 50].into())));
}
