//! What users of Rust's conventions type without thinking: conversions, comparisons, texts for people, and errors that are
//! one type for whoever does not tell them apart.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::error::Error as _;
use ws_proto::bytes::{Bytes, BytesMut};
use ws_proto::{
    Cause, CloseCode, CloseFrame, Closed, Config, Connection, Error, Event, Fault, Input, InvalidCloseCode, Keepalive,
    Message, MessageKind, RateLimit, ReservedBits, Role, Seed, SendErrorKind, Utf8Bytes,
};

#[test]
fn messages_come_from_all_that_holds_text_or_bytes() {
    let text = Message::text("héllo");
    let owned = String::from("héllo");
    for other in [
        Message::from("héllo"),
        Message::from(&owned),
        Message::from(owned.clone()),
        Message::from(owned.clone().into_boxed_str()),
        Message::from(Cow::Borrowed("héllo")),
        Message::from(Cow::<str>::Owned(owned.clone())),
        Message::from(Utf8Bytes::from_static("héllo")),
    ] {
        assert_eq!(other, text);
    }
    let binary = Message::binary(vec![1, 2, 3]);
    for other in [
        Message::from(&[1, 2, 3]),
        Message::from(&[1_u8, 2, 3][..]),
        Message::from(vec![1, 2, 3]),
        Message::from(Bytes::from_static(&[1, 2, 3])),
        Message::from(BytesMut::from(&[1, 2, 3][..])),
    ] {
        assert_eq!(other, binary);
    }
}

#[test]
fn messages_say_what_they_are() {
    let text = Message::text("héllo");
    assert!(text.is_text() && !text.is_binary() && !text.is_empty());
    assert_eq!((text.len(), text.as_text(), text.as_ref()), (6, Some("héllo"), "héllo".as_bytes()));
    assert_eq!((text.to_string(), Bytes::from(text)), ("héllo".into(), Bytes::from_static("héllo".as_bytes())));
    let binary = Message::binary(vec![0; 3]);
    assert!(binary.is_binary() && !binary.is_text());
    assert_eq!((binary.as_text(), binary.to_string()), (None, "3 bytes".into()));
    assert!(Message::binary(Bytes::new()).is_empty());
    let payload = Bytes::from_static(b"x");
    let other = Message::Extension { kind: MessageKind::Text, reserved: ReservedBits::RSV2, payload };
    assert_eq!((other.is_text(), other.is_binary(), other.as_text(), other.len()), (false, false, None, 1));
}

#[test]
fn texts_are_compared_converted_and_looked_up_as_str() {
    let text = Utf8Bytes::from("key");
    let (same, other) = (String::from("key"), String::from("kex"));
    assert_eq!(text, "key");
    assert_eq!("key", text);
    assert_eq!(text, *"key");
    assert_eq!(text, same);
    assert_eq!(same, text);
    assert_eq!(text, Cow::Borrowed("key"));
    assert_ne!(text, "kex");
    assert_ne!("kex", text);
    assert_ne!(text, other);
    assert_eq!((String::from(text.clone()), text.as_ref() as &[u8]), ("key".into(), &b"key"[..]));
    assert_eq!("key".parse(), Ok::<_, std::convert::Infallible>(text.clone()));
    assert_eq!(Utf8Bytes::try_from(BytesMut::from("key")), Ok(text.clone()));
    assert!(Utf8Bytes::try_from(BytesMut::from(&[0xFF][..])).is_err());

    let map = HashMap::from([(text.clone(), 1)]);
    assert_eq!((map.get("key"), map.get("kex")), (Some(&1), None));
    assert!(HashSet::from([text]).contains("key"));

    let mut input = Input::new();
    input.extend_from_slice(b"\x81\x02hi\x82\x02ho");
    let mut ws = Connection::client(Seed::new([1; 32]), &Config::new());
    let Some(Event::Text(text)) = ws.receive(&mut input) else { panic!("a text") };
    let same = String::from("hi");
    assert_eq!(text, "hi");
    assert_eq!("hi", text);
    assert_eq!(same, text);
    assert_eq!(text.as_ref() as &[u8], b"hi");
    assert_eq!(String::from(text), "hi");
    let Some(Event::Binary(data)) = ws.receive(&mut input) else { panic!("a binary") };
    assert_eq!(data, b"ho");
    assert_eq!(data, vec![b'h', b'o']);
    assert_eq!(Bytes::from_static(b"ho"), data);
    assert_ne!(data, *b"hi");
}

#[test]
fn close_codes_are_numbers_that_may_travel() {
    assert_eq!(CloseCode::try_from(1001), Ok(CloseCode::GOING_AWAY));
    let error = CloseCode::try_from(1006).unwrap_err();
    assert_eq!(error, InvalidCloseCode(1006));
    assert_eq!(error.to_string(), "1006 may not travel in a Close frame (RFC 6455 §7.4)");
    assert_eq!(CloseCode::NORMAL, 1000);
    assert_eq!(1000, CloseCode::NORMAL);
    assert_ne!(CloseCode::NORMAL, 1001);
}

#[test]
fn close_frames_are_made_of_a_code_and_a_reason_and_print_them() {
    let mut ws = Connection::server(&Config::new());
    ws.close((CloseCode::GOING_AWAY, "back at noon")).unwrap();
    let frame = CloseFrame::from((CloseCode::GOING_AWAY, String::from("back at noon")));
    assert_eq!(frame, CloseFrame::new(CloseCode::GOING_AWAY, "back at noon").unwrap());
    assert_eq!(frame.to_string(), r#"1001 "back at noon""#);
    assert_eq!(CloseFrame::from(CloseCode::NORMAL).to_string(), "1000");
    assert_eq!(CloseFrame::EMPTY.to_string(), "1005");
    assert_eq!((CloseFrame::from(None), CloseFrame::from(Some(frame.clone()))), (CloseFrame::EMPTY, frame));
    assert_eq!(CloseFrame::from((CloseCode::NORMAL, "é".repeat(100))).reason(), "é".repeat(61));
}

#[test]
fn both_halves_know_their_role() {
    let (receiver, sender) = Connection::server(&Config::new()).into_halves();
    assert_eq!((receiver.role(), sender.role()), (Role::Server, Role::Server));
    let (receiver, sender) = Connection::client(Seed::new([1; 32]), &Config::new()).into_halves();
    assert_eq!((receiver.role(), sender.role()), (Role::Client, Role::Client));
}

#[test]
fn a_configuration_can_be_read() {
    let config = Config::new();
    assert_eq!((config.max_message, config.max_buffered, config.fragment_size), (64 << 20, 128 << 20, usize::MAX));
    assert_eq!((config.deadlines(), config.rate(), config.counts()), (None, None, false));
    let limit = RateLimit::new().messages(3);
    let config = config.keepalive(Keepalive::new()).rate_limit(limit).count(true);
    assert_eq!((config.deadlines(), config.rate(), config.counts()), (Some(&Keepalive::new()), Some(limit), true));
    assert_eq!(Config::new().rate_limit(limit).deadlines(), None);
}

/// The end of a server's connection that has received this.
fn end(bytes: &[u8]) -> Closed {
    let (mut ws, mut input) = (Connection::server(&Config::new()), Input::new());
    input.extend_from_slice(bytes);
    while let Some(event) = ws.receive(&mut input) {
        if let Event::Closed(closed) = event {
            return closed;
        }
    }
    ws.receive_eof();
    match ws.receive(&mut input) {
        Some(Event::Closed(closed)) => closed,
        event => panic!("{event:?} and not the end"),
    }
}

#[test]
fn an_end_is_an_error_and_says_whose_fault_it_is() {
    let violation = end(b"\x81\x00");
    assert_eq!(violation.to_string(), Error::from(violation.clone()).to_string());
    let error = Error::from(violation);
    assert_eq!((error.fault(), error.close_code()), (Some(Fault::Peer), Some(CloseCode::PROTOCOL_ERROR)));
    let lost = end(b"");
    assert!(lost.cause.source().is_none() && lost.cause.to_string().contains("ended before"));
    let error = Error::from(lost);
    assert_eq!((error.fault(), error.close_code()), (None, None));
    let agreed = end(b"\x88\x82\0\0\0\0\x03\xe8");
    assert_eq!(agreed.cause, Cause::Agreed);
    let error = Error::from(agreed);
    assert_eq!((error.fault(), error.close_code()), (None, Some(CloseCode::NORMAL)));
}

#[test]
fn a_refused_send_says_whose_fault_it_is() {
    let mut ws = Connection::server(&Config::new().max_buffered(100));
    ws.send_binary(&[0; 90]).unwrap();
    for (sent, fault) in [
        (ws.send_binary(&[0; 90]), None),
        (ws.send_binary(&[0; 900]), Some(Fault::Application)),
        (ws.ping(&[0; 126]), Some(Fault::Application)),
    ] {
        assert_eq!(Error::from(sent.unwrap_err()).fault(), fault);
    }
    ws.close(CloseCode::NORMAL).unwrap();
    let error = ws.send_text("late").unwrap_err();
    assert_eq!(error.kind(), SendErrorKind::Closed);
    let error = Error::from(error);
    assert_eq!((error.fault(), error.close_code()), (None, None));
    let error = Error::from(CloseCode::try_from(7).unwrap_err());
    assert_eq!(error.fault(), Some(Fault::Application));
    assert_eq!(Error::from(CloseFrame::new(CloseCode::NORMAL, "x".repeat(124)).unwrap_err()).fault(), error.fault());
    assert_eq!(Error::from(Utf8Bytes::try_from(vec![0xFF]).unwrap_err()).fault(), error.fault());
}

#[cfg(feature = "std")]
#[test]
fn an_error_of_the_transport_is_nobodys_fault() {
    let error = Error::from(std::io::Error::other("unplugged"));
    assert_eq!((error.to_string(), error.fault(), error.close_code()), ("unplugged".into(), None, None));
}

#[cfg(feature = "handshake")]
mod handshake {
    use super::{Error, Fault, Input};
    use ws_proto::handshake::client::{self, Flaw};
    use ws_proto::handshake::server::Handshake;
    use ws_proto::handshake::{BodyError, OriginPolicy, RetryError, WebSocketUri, proxy};
    use ws_proto::{Config, Seed};

    fn rejection(request: &[u8]) -> Error {
        let mut input = Input::new();
        input.extend_from_slice(request);
        Handshake::new(&Config::new()).receive(&mut input).unwrap_err().into()
    }

    fn invalid(response: &[u8]) -> Error {
        let request = client::Request::new("ws://example.com".parse().unwrap());
        let mut handshake = client::Handshake::new(&request, Seed::new([1; 32]), &Config::new());
        let mut input = Input::new();
        input.extend_from_slice(response);
        handshake.receive(&mut input).unwrap_err().into()
    }

    #[test]
    fn a_request_comes_from_a_uri() {
        let request = client::Request::new("ws://example.com/chat".parse().unwrap());
        assert_eq!("ws://example.com/chat".parse(), Ok(request.clone()));
        assert_eq!(client::Request::try_from("ws://example.com/chat"), Ok(request.clone()));
        assert_eq!(client::Request::from(request.uri().clone()), request);
        assert!("ws://".parse::<client::Request>().is_err());
    }

    #[test]
    fn a_refused_request_says_what_is_answered() {
        for (request, status) in [
            (&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], Some(426)),
            (b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", Some(405)),
            (b"GET / HTTP/1.1\nHost: x\n\n", Some(400)),
            (b"\x16\x03\x01\x02\x00", None),
        ] {
            let error = rejection(request);
            assert_eq!((error.http_status(), error.fault(), error.close_code()), (status, Some(Fault::Peer), None));
        }
    }

    #[test]
    fn a_client_s_error_says_whose_fault_it_is() {
        for (error, fault) in [
            (invalid(b"HTTP/1.1 403 Forbidden\r\n\r\n"), Some(Fault::Peer)),
            (invalid(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"), Some(Fault::Peer)),
            (client::Error::Invalid(Flaw::Truncated).into(), None),
            (client::Error::Invalid(Flaw::Over).into(), Some(Fault::Application)),
            (proxy::Error::Invalid(Flaw::Malformed).into(), Some(Fault::Peer)),
            (BodyError::Truncated.into(), None),
            (BodyError::Over.into(), Some(Fault::Application)),
            (BodyError::Chunk.into(), Some(Fault::Peer)),
            (RetryError::Body.into(), Some(Fault::Application)),
            (RetryError::ConnectionEnds.into(), Some(Fault::Peer)),
            ("http://".parse::<WebSocketUri>().unwrap_err().into(), Some(Fault::Application)),
            (OriginPolicy::new().allow("https://").unwrap_err().into(), Some(Fault::Application)),
        ] {
            assert_eq!((error.fault(), error.http_status()), (fault, None), "{error}");
        }
        let request = client::Request::new("ws://example.com".parse().unwrap());
        let error = Error::from(request.header("Cook ie", "1").unwrap_err());
        assert_eq!((error.fault(), error.http_status()), (Some(Fault::Application), Some(500)));
    }
}
