//! What an event holds can be kept: without a copy when it is a fair part of the memory, and without harm to what follows.

use ws_proto::bytes::Bytes;
use ws_proto::{
    Cause, CloseCode, CloseFrame, Closed, Config, Connection, Delivery, Event, Input, Message, OwnedEvent,
    SendErrorKind, Utf8Bytes,
};

/// A frame of a server's, whose payload stays as it is.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len();
    let header =
        if length <= 125 { vec![first, length as u8] } else { vec![first, 126, (length >> 8) as u8, length as u8] };
    [&header[..], payload].concat()
}

fn client(config: &Config) -> Connection {
    Connection::client(ws_proto::Seed::new([1; 32]), config)
}

#[test]
fn a_message_leaves_the_input_without_a_copy() {
    let (data, text) = (vec![7; 126], "zweite ✓".repeat(20));
    let mut ws = client(&Config::new());
    let mut input = Input::new();
    input.extend_from_slice(&[frame(0x82, &data), frame(0x81, text.as_bytes())].concat());

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

/// A quarter of the memory is taken out of it, one byte less is copied.
#[test]
fn a_small_part_of_the_memory_is_copied() {
    for (more, is_copied) in [(0, false), (1, true)] {
        let payload = [1; 100];
        let kept = frame(0x82, &payload);
        let rest = frame(0x82, &vec![2; 4 * payload.len() + more - kept.len() - 4]);
        let wire = [kept, rest].concat();
        assert_eq!(wire.len(), 4 * payload.len() + more);
        let mut ws = client(&Config::new());
        let mut input = Input::from(wire);
        let Some(Event::Binary(data)) = ws.receive(&mut input) else { panic!("a binary message was sent") };
        let arrived_at = data.as_ptr();
        let kept = data.into_bytes();
        assert_eq!(kept.as_ptr() != arrived_at, is_copied);
        assert!(matches!(ws.receive(&mut input), Some(Event::Binary(data)) if data.iter().all(|byte| *byte == 2)));
        assert_eq!(kept, payload[..]);
    }
}

#[test]
fn short_messages_of_one_read_are_kept_apart() {
    let mut ws = client(&Config::new());
    let wire = [frame(0x82, &[1; 125]), frame(0x81, b"second"), frame(0x82, b"last"), frame(0x8a, &[0; 125])].concat();
    let mut input = Input::from(&wire.repeat(10)[..]);
    let mut kept = Vec::new();
    while let Some(event) = ws.receive(&mut input) {
        let (arrived_at, message) = match event {
            Event::Text(text) => (text.as_ptr(), text.into_message()),
            Event::Binary(data) => (data.as_ptr(), data.into_message()),
            Event::Pong(_) => continue,
            event => panic!("unexpected {event:?}"),
        };
        assert_ne!(message.as_bytes().as_ptr(), arrived_at);
        kept.push(message);
    }
    let all = [vec![1; 125].into(), "second".into(), Message::from(b"last")];
    assert!(kept.chunks(3).all(|three| three == all) && kept.len() == 30);
    assert!(input.is_empty());
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
    let mut input = Input::from(&wire.concat()[..]);
    let Some(Event::Ping(ping)) = ws.receive(&mut input) else { panic!("a Ping was sent") };
    // A copy, because the message so far lies in front of it.
    let ping = ping.into_bytes();
    let Some(Event::Text(text)) = ws.receive(&mut input) else { panic!("a text message was sent") };
    let Message::Text(text) = text.into_message() else { panic!("text stays text") };
    let Some(Event::Binary(next)) = ws.receive(&mut input) else { panic!("a binary message was sent") };
    assert_eq!(*next, b"next"[..]);
    assert_eq!((ping.as_ref(), text.as_str()), (&b"ping"[..], "one mess\u{e4}ge"));
    assert!(input.is_empty());
}

#[test]
fn parts_can_be_kept() {
    let mut ws = client(&Config::new().delivery(Delivery::Parts));
    let mut input = Input::new();
    let mut kept = Vec::new();
    for byte in [frame(0x01, "h\u{e9}".as_bytes()), frame(0x80, "\u{1f980}!".as_bytes())].concat() {
        input.extend_from_slice(&[byte]);
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

/// An event that is dropped or leaked leaves the input as one that was looked at does.
#[test]
fn what_is_not_kept_leaves_the_input_all_the_same() {
    let wire = [
        frame(0x82, b"dropped"),
        [frame(0x01, b"in "), frame(0x80, b"fragments")].concat(),
        frame(0x89, b"leaked"),
        frame(0x81, &b"x".repeat(300)),
        frame(0x81, b"seen"),
    ];
    for leaks in [[false; 4], [true; 4], [true, false, true, false]] {
        let mut ws = client(&Config::new());
        let mut input = Input::from(&wire.concat()[..]);
        for leak in leaks {
            let event = ws.receive(&mut input);
            assert!(event.is_some());
            if leak {
                std::mem::forget(event);
            }
            input.extend_from_slice(b"");
        }
        assert!(matches!(ws.receive(&mut input), Some(Event::Text(text)) if text == "seen"));
        assert!(input.is_empty());
        assert!(ws.receive(&mut input).is_none());
    }
}

/// An owned event says what the event said, and nothing that comes later changes it.
#[test]
fn an_owned_event_is_the_event() {
    let wire = [
        frame(0x81, "te\u{2713}t".as_bytes()),
        frame(0x82, b"data"),
        frame(0x89, b"ping"),
        frame(0x8a, b"pong"),
        frame(0x88, b"\x03\xe8bye"),
    ];
    let frame = CloseFrame::new(CloseCode::NORMAL, "bye").expect("it is short");
    let closed = Closed { sent: Some(CloseCode::NORMAL.into()), received: Some(frame.clone()), cause: Cause::Agreed };
    let whole = [OwnedEvent::Text("te\u{2713}t".into()), OwnedEvent::Binary(b"data"[..].into())];
    let parts = [
        OwnedEvent::TextPart { text: "te\u{2713}t".into(), fin: true },
        OwnedEvent::BinaryPart { data: b"data"[..].into(), fin: true },
    ];
    let control = [OwnedEvent::Ping(b"ping"[..].into()), OwnedEvent::Pong(b"pong"[..].into())];
    for (delivery, messages) in [(Delivery::Messages, whole), (Delivery::Parts, parts)] {
        for (auto_close, end) in [(true, OwnedEvent::Closed(closed.clone())), (false, OwnedEvent::Close(frame.clone()))]
        {
            let mut ws = client(&Config::new().delivery(delivery).auto_close(auto_close));
            let mut input = Input::from(&wire.concat()[..]);
            let mut owned = Vec::new();
            while let Some(event) = ws.receive(&mut input) {
                owned.push(event.into_owned());
            }
            input.extend_from_slice(&[0; 1000]);
            assert_eq!(owned, [&messages[..], &control, &[end]].concat());
        }
    }
}

#[test]
fn bytes_become_text_only_if_they_are() {
    let not_text = Utf8Bytes::try_from(Bytes::from_static(b"\xE2\x28\xA1")).expect_err("this is not UTF-8");
    assert_eq!(not_text.0, &b"\xE2\x28\xA1"[..]);
    assert_eq!(Utf8Bytes::try_from(vec![0xC3, 0xA9]).expect("this is UTF-8"), "é");
    assert!(Utf8Bytes::try_from(vec![0xC3]).is_err());
}

#[test]
fn what_is_shown_for_debugging_holds_nothing_of_the_peers() {
    let mut ws = client(&Config::new());
    let mut input = Input::from(&frame(0x01, b"a secret")[..]);
    assert!(ws.receive(&mut input).is_none());
    assert!(!format!("{ws:?} {input:?}").contains("secret"));
    let shown = format!("{input:?} {:?}", b"a secret");
    assert!(shown.contains("len: 8"), "{shown}");
}

/// Receives whatever is there. A `Text` has to be UTF-8, whoever mixed the inputs up.
fn receive_all(ws: &mut Connection, input: &mut Input) {
    while let Some(event) = ws.receive(input) {
        match event {
            Event::Text(text) | Event::TextPart { text, .. } => {
                assert!(std::str::from_utf8(text.as_bytes()).is_ok());
                let kept = text.into_utf8_bytes();
                assert!(std::str::from_utf8(kept.as_bytes()).is_ok());
            }
            _ => {}
        }
    }
}

/// An input that belongs to another stream is a mistake of its owner, and makes text of no bytes that are none: where
/// the other one holds nothing yet, and where it is in the middle of a message, of text or not.
#[test]
fn text_out_of_another_input_is_text_or_nothing() {
    let wire = [frame(0x01, "h\u{e9}llo \u{1f980}".as_bytes()), frame(0x80, "w\u{f6}rld".as_bytes())].concat();
    let data = [frame(0x02, &[0xFF; 9]), frame(0x80, &[0xFF; 9])].concat();
    for delivery in [Delivery::Messages, Delivery::Parts] {
        for cut in 0..wire.len() {
            let config = Config::new().delivery(delivery);
            let mut ws = client(&config);
            let mut input = Input::from(&wire[..cut]);
            receive_all(&mut ws, &mut input);
            let mut other = Input::from(&[&b"\xFF".repeat(cut)[..], &wire[cut..]].concat()[..]);
            receive_all(&mut ws, &mut other);

            for stream in [&wire, &data] {
                for other_cut in [1, 5, 9, 14] {
                    let (mut ws, mut other_ws) = (client(&config), client(&config));
                    let mut input = Input::from(&wire[..cut]);
                    let mut other = Input::from(&stream[..other_cut]);
                    receive_all(&mut ws, &mut input);
                    receive_all(&mut other_ws, &mut other);
                    // The two are exchanged, and each goes on as if they were not.
                    input.extend_from_slice(&stream[other_cut..]);
                    other.extend_from_slice(&wire[cut..]);
                    receive_all(&mut ws, &mut other);
                    receive_all(&mut other_ws, &mut input);
                    receive_all(&mut ws, &mut input);
                    receive_all(&mut other_ws, &mut other);
                }
            }
        }
    }
}

#[test]
fn a_message_larger_than_the_output_may_hold_is_refused_for_good() {
    let mut ws = client(&Config::new().max_buffered(100));
    assert_eq!(ws.send(vec![0; 101]).map_err(|error| error.kind()), Err(SendErrorKind::TooLarge));
    assert_eq!(ws.send(vec![0; 94]), Ok(()));
    let refused = ws.send(vec![0; 50]).expect_err("the output is full");
    assert_eq!((refused.kind(), refused.into_message()), (SendErrorKind::Full, Some(vec![0; 50].into())));
}
