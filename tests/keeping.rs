//! What an event holds can be kept: without a copy when it is a message, and without harm to what follows it.

use ws_proto::bytes::{BufMut, Bytes, BytesMut};
use ws_proto::{Cause, Config, Connection, Delivery, Event, Message, SendErrorKind, Utf8Bytes, Violation};

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
    let mut ws = client(&Config::new());
    let mut input = BytesMut::from(&[frame(0x82, b"first"), frame(0x81, "zweite ✓".as_bytes())].concat()[..]);

    let Some(Event::Binary(data)) = ws.receive(&mut input) else { panic!("a binary message was sent") };
    let arrived_at = data.as_ptr();
    let first: Bytes = data.into_bytes();
    assert_eq!(first.as_ptr(), arrived_at);

    let Some(Event::Text(text)) = ws.receive(&mut input) else { panic!("a text message was sent") };
    let arrived_at = text.as_ptr();
    let second: Utf8Bytes = text.into_utf8_bytes();
    assert_eq!(second.as_ptr(), arrived_at);

    assert!(ws.receive(&mut input).is_none());
    assert!(input.is_empty());
    drop(input);
    assert_eq!(first, &b"first"[..]);
    assert_eq!(second, "zweite ✓");
    assert_eq!(second.clone().into_bytes(), "zweite ✓".as_bytes());
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

/// The input is the caller's between two looks at it, and a `Text` must be UTF-8 whatever was done to it then.
#[test]
fn text_that_was_tampered_with_is_no_text() {
    let wire = [frame(0x01, b"hello"), frame(0x80, b"!")].concat();
    for cut in 3..wire.len() {
        let mut ws = client(&Config::new());
        let mut input = BytesMut::from(&wire[..cut]);
        assert!(ws.receive(&mut input).is_none());
        input.iter_mut().filter(|byte| byte.is_ascii_lowercase()).for_each(|byte| *byte = 0xFF);
        input.put(&wire[cut..]);
        match ws.receive(&mut input) {
            Some(Event::Closed(closure)) => assert_eq!(closure.cause, Cause::Violation(Violation::TextNotUtf8)),
            event => panic!("cut at {cut}: {event:?}"),
        }
    }
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
    let mut input = BytesMut::from(&frame(0x01, b"hello")[..]);
    assert!(ws.receive(&mut input).is_none());
    input.clear();
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
