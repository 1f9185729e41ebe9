//! What a server sends: the 101 of an accepted request, and the responses of the application's own.

use crate::common::http::{
    HELLO, HELLO_MASKED, Head, KEY, Written, accept_for, asked, final_response, refused, take_output,
};
use ws_proto::bytes::Buf;
use ws_proto::handshake::BuildError;
use ws_proto::handshake::server::{Answer, Reason, Response};
use ws_proto::{CloseCode, Event, Input, Role};

fn answered(head: &Head, answer: Answer) -> Written {
    let mut ws = asked(&head.bytes()).request.accept(answer).unwrap();
    Written::read(&take_output(&mut ws))
}

/// Header names and values that could smuggle something in.
const BAD_NAMES: &[&str] =
    &["", " ", "X Name", "X-Name ", "X-Name:", "X\r\nY", "X\n", "X\0", "X\t", "(x)", "x/y", "x\"", "\u{e9}", "x\u{7f}"];
const BAD_VALUES: &[&[u8]] = &[
    b"a\r\nX-Injected: yes",
    b"a\n",
    b"\n",
    b"a\r",
    b"\r\n",
    b"\0",
    b"a\0b",
    b"\x01",
    b"\x0b",
    b"\x0c",
    b"\x1c",
    b"\x7f",
];

/// 6455-4.2.2-15, 6455-4.2.2-16, 6455-4.2.2-17, 6455-4.2.2-18, 6455-4.2.2-19, 6455-4.3-8, 6455-4.2.2-1: the four lines
/// that accept, each once, and nothing that the client did not ask for.
#[test]
fn the_answer_that_accepts() {
    let written = answered(&Head::request(), Answer::new());
    assert_eq!(written.start, "HTTP/1.1 101 Switching Protocols");
    assert_eq!(written.status(), 101);
    assert!(written.value("Upgrade").eq_ignore_ascii_case("websocket"));
    assert!(written.value("Connection").eq_ignore_ascii_case("Upgrade"));
    assert_eq!(written.value("Sec-WebSocket-Accept"), crate::common::http::ACCEPT);
    assert_eq!(written.lines.len(), 3, "{written:?}");
    assert!(written.rest.is_empty(), "nothing stands behind the head");
    // RFC 9110 §8.6 and RFC 9112 §6.1 forbid both with a 1xx status.
    assert!(written.values("Content-Length").is_empty() && written.values("Transfer-Encoding").is_empty());
}

/// 6455-4.2.2-19, 6455-4.2.2-7: the accept value belongs to the text of the key, without the white space around it.
#[test]
fn the_accept_value() {
    for key in ["AAAAAAAAAAAAAAAAAAAAAA==", "/////////////////////w==", "AQIDBAUGBwgJCgsMDQ4PEC==", KEY] {
        for spaced in [key.to_owned(), format!("\t {key} \t")] {
            let written = answered(&Head::request().set("Sec-WebSocket-Key", spaced), Answer::new());
            assert_eq!(written.value("Sec-WebSocket-Accept"), accept_for(key), "{key}");
        }
    }
}

/// 6455-4.2.2-22: the connection is open: what is sent follows the 101, and frames that came with the request are read.
#[test]
fn the_connection_is_open() {
    let mut asked = asked(&Head::request().then([HELLO_MASKED, HELLO_MASKED].concat()));
    assert_eq!(asked.rest, [HELLO_MASKED, HELLO_MASKED].concat());
    let mut ws = asked.request.accept(Answer::new()).unwrap();
    assert_eq!(ws.role(), Role::Server);
    assert!(ws.interest().write && ws.interest().read && !ws.interest().hang_up);
    ws.send_text("Hello").unwrap();
    assert_eq!(Written::read(&take_output(&mut ws)).rest, HELLO);
    let mut input = Input::from(&asked.rest.split_off(0)[..]);
    for _ in 0..2 {
        let Some(Event::Text(text)) = ws.receive(&mut input) else { panic!("the text that came with the request") };
        assert_eq!(text, "Hello");
    }
    assert!(ws.receive(&mut input).is_none());
}

/// Whatever ends the connection before the 101 is written, the client gets it, and the Close behind it; what waits behind it
/// may go.
#[test]
fn the_answer_stays_when_the_connection_ends_at_once() {
    for code in [1001, 1002] {
        for written in [0, 1, 33, 34, 128] {
            let mut ws = asked(&Head::request().bytes()).request.accept(Answer::new()).unwrap();
            let mut sent = ws.output().copy_to_bytes(written).to_vec();
            ws.send_text(&"x".repeat(70_000)).unwrap();
            if code == 1001 {
                ws.close_now(CloseCode::GOING_AWAY).unwrap();
            } else {
                // A reserved opcode.
                let mut input = Input::from(&b"\x83\x80\0\0\0\0"[..]);
                assert!(matches!(ws.receive(&mut input), Some(Event::Closed(_))));
            }
            sent.extend(take_output(&mut ws));
            let frames = Written::read(&sent).rest;
            assert_eq!(frames[0], 0x88, "the Close is behind the 101, of which {written} bytes were written");
            assert_eq!(frames[2..4], u16::to_be_bytes(code));
        }
    }
}

/// Further lines of the application come as they were given, and the handshake's own stay as they are.
#[test]
fn own_lines() {
    let answer = Answer::new()
        .header("Set-Cookie", "a=b; HttpOnly")
        .and_then(|answer| answer.header("Set-Cookie", "c=d"))
        .and_then(|answer| answer.header("Server", ""))
        .and_then(|answer| answer.header("X-Latin", b"caf\xe9\tau lait"))
        .unwrap();
    let written = answered(&Head::request(), answer);
    assert_eq!(written.values("Set-Cookie"), [&b"a=b; HttpOnly"[..], b"c=d"]);
    assert_eq!(written.value("Server"), "");
    assert_eq!(written.values("X-Latin"), [b"caf\xe9\tau lait"]);
    assert_eq!((written.value("Upgrade"), written.value("Connection")), ("websocket", "Upgrade"));
}

/// What the handshake writes itself cannot be written twice, nor what would frame a body (RFC 9110 §8.6).
#[test]
fn reserved_lines() {
    for name in [
        "Upgrade",
        "Connection",
        "Sec-WebSocket-Accept",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions",
        "Content-Length",
        "Transfer-Encoding",
        "upgrade",
        "CONNECTION",
        "sec-websocket-accept",
    ] {
        assert_eq!(Answer::new().header(name, "x"), Err(BuildError::ReservedHeader(name.into())));
    }
}

/// CVE-2026-1527, CVE-2026-47072: no line can be made to hold another, in the 101 nor in other responses.
#[test]
fn nothing_can_be_injected() {
    for name in BAD_NAMES {
        assert_eq!(Answer::new().header(name, "x"), Err(BuildError::HeaderName), "{name:?}");
        let response = Response::new(401).unwrap().header(name, "x");
        assert_eq!(response, Err(BuildError::HeaderName), "{name:?}");
    }
    for value in BAD_VALUES {
        assert!(
            matches!(Answer::new().header("X", value), Err(BuildError::HeaderValue(_))),
            "{}",
            value.escape_ascii()
        );
        let response = Response::new(302).unwrap().header("Location", value);
        assert!(matches!(response, Err(BuildError::HeaderValue(_))), "{}", value.escape_ascii());
    }
    for content_type in ["a\r\nX: y", "\n", "a\0"] {
        let response = Response::new(200).unwrap().with_body(content_type, "x");
        assert_eq!(response, Err(BuildError::HeaderValue("Content-Type".into())), "{content_type:?}");
    }
}

/// 6455-4.2.2-4, 6455-4.2.2-6: the application's own no: a redirect, a request to authenticate, 403 and others.
#[test]
fn own_responses() {
    let redirect = Response::new(307).unwrap().header("Location", "wss://example.org/chat").unwrap();
    let written = final_response(&redirect.to_bytes());
    assert_eq!((written.status(), written.value("Location")), (307, "wss://example.org/chat"));
    assert_eq!(redirect.status(), 307);

    let unauthorized = Response::new(401)
        .unwrap()
        .header("WWW-Authenticate", "Basic realm=\"x\"")
        .and_then(|response| response.header("WWW-Authenticate", "Bearer"))
        .unwrap()
        .with_body("text/html", "an earlier one")
        .and_then(|response| response.with_body("text/plain; charset=utf-8", "who are you?\r\n\r\n"))
        .unwrap();
    let written = final_response(&unauthorized.to_bytes());
    assert_eq!(written.status(), 401);
    assert_eq!(written.values("WWW-Authenticate"), [&b"Basic realm=\"x\""[..], b"Bearer"]);
    assert_eq!(written.value("Content-Type"), "text/plain; charset=utf-8");
    assert_eq!(written.rest, b"who are you?\r\n\r\n");

    let binary = vec![0xff; 100_000];
    let picture = Response::new(200).unwrap().with_body("image/png", binary.clone()).unwrap();
    assert_eq!(final_response(&picture.to_bytes()).rest, binary);
    let only_head = Written::read(&picture.head_only().to_bytes());
    assert_eq!((only_head.value("Content-Length"), only_head.rest.len()), ("100000", 0));
}

/// Every status that can end a handshake makes a well-formed status line, with a phrase or without; others are refused.
#[test]
fn statuses() {
    for status in 0..=1000 {
        match Response::new(status) {
            Ok(response) => {
                assert!((200..600).contains(&status), "{status}");
                assert_eq!(final_response(&response.to_bytes()).status(), status);
            }
            Err(error) => {
                assert!(!(200..600).contains(&status), "{status}");
                assert_eq!(error, BuildError::Status(status));
            }
        }
    }
    for (status, start) in [
        (200, "HTTP/1.1 200 OK"),
        (400, "HTTP/1.1 400 Bad Request"),
        (403, "HTTP/1.1 403 Forbidden"),
        (404, "HTTP/1.1 404 Not Found"),
        (503, "HTTP/1.1 503 Service Unavailable"),
    ] {
        assert_eq!(final_response(&Response::new(status).unwrap().to_bytes()).start, start);
    }
}

/// RFC 9110 §8.6: 204 has no length, and neither 204 nor 304 a body, whatever was given.
#[test]
fn statuses_without_a_body() {
    for status in [204, 304] {
        let bare = Response::new(status).unwrap();
        for response in [bare.clone(), bare.with_body("text/plain", "x").unwrap()] {
            let written = Written::read(&response.to_bytes());
            assert!(written.rest.is_empty(), "{status}");
            assert!(status == 304 || written.values("Content-Length").is_empty(), "{status}");
        }
    }
    let empty = Written::read(&Response::new(304).unwrap().to_bytes());
    assert!(empty.values("Content-Length").is_empty(), "it would be the length of what was not sent");
}

/// What frames the response is written by itself, and only once.
#[test]
fn reserved_lines_of_own_responses() {
    for name in ["Connection", "Upgrade", "Content-Length", "Content-Type", "Transfer-Encoding", "CONTENT-LENGTH"] {
        let response = Response::new(403).unwrap().header(name, "x");
        assert_eq!(response, Err(BuildError::ReservedHeader(name.into())));
    }
}

/// 6455-10.7-4, 6455-4.2.1-1: the crate's own refusals say what is wrong, in text that shows nothing of the request.
#[test]
fn refusals_do_not_reflect_the_request() {
    let marked = Head::request().add("X-Mark", "<script>");
    for (head, reason) in [
        (marked.clone().set("Upgrade", "<script>"), Reason::Upgrade),
        (marked.clone().set("Host", "<script>"), Reason::Host),
        (marked.clone().set("Sec-WebSocket-Version", "<script>"), Reason::Version),
        (marked.start("GET <script> HTTP/1.1"), Reason::Target),
    ] {
        let rejection = crate::common::http::serve(&head.bytes()).expect_err("a refusal");
        assert_eq!(rejection.reason().status(), reason.status());
        let written = final_response(&rejection.response().to_bytes());
        assert!(!written.rest.is_empty(), "{reason:?}");
        assert!(!String::from_utf8_lossy(&rejection.response().to_bytes()).contains("<script>"), "{reason:?}");
    }
    assert!(
        refused(&Head::request().without("Host").bytes(), Reason::Host).value("Content-Type").starts_with("text/plain")
    );
}
