//! Handshakes from the wild: what servers in use send and a client has to take, what clients in use send and a server has
//! to take, and peers that do not speak HTTP. The helpers feed each input whole, byte by byte and in random cuts.
#![cfg(feature = "handshake")]

mod common;

use common::http::{Head, Numbers, Taken, accept_for, declined, flawed, refused, request_for, started, taken};
use ws_proto::handshake::client::{Flaw, Handshake, ResponseHead};
use ws_proto::handshake::server::Reason;
use ws_proto::{Config, Event, Input, Seed};

/// A 101 and the text that came behind it.
fn opens_with_hello(answer: impl Fn(&str) -> Vec<u8>) -> Taken {
    let mut taken = taken(|accept| [&answer(accept)[..], b"\x81\x05hello"].concat());
    let mut input = Input::from(&taken.rest[..]);
    let Some(Event::Text(text)) = taken.accepted.connection.receive(&mut input) else { panic!("the text") };
    assert_eq!(text, "hello");
    assert!(taken.accepted.connection.receive(&mut input).is_none());
    taken
}

/// W1, W2, 6455-4.1-48, RFC 9112 §6.3: a 101 ends with its head, whatever it says of a body: what follows is frames.
#[test]
fn a_101_that_announces_a_body() {
    for (name, value) in [
        ("Transfer-Encoding", "chunked"),
        ("transfer-encoding", "gzip, chunked"),
        ("Content-Length", "5"),
        ("Content-Length", "0"),
        ("content-length", "18446744073709551616"),
        ("Content-Length", "nonsense"),
        ("Content-Length", ""),
    ] {
        opens_with_hello(|accept| Head::switching(accept).add(name, value).bytes());
    }
    opens_with_hello(|accept| {
        Head::switching(accept).add("Content-Length", "5").add("Transfer-Encoding", "chunked").bytes()
    });
}

/// The header lines, values as text.
fn lines(response: &ResponseHead) -> Vec<(&str, &str)> {
    response.headers().map(|(name, value)| (name, std::str::from_utf8(value).expect("text"))).collect()
}

/// The head with other line ends.
fn with_line_ends(head: &Head, mut line_end: impl FnMut() -> &'static str) -> Vec<u8> {
    let text = String::from_utf8(head.bytes()).unwrap();
    text.split_inclusive("\r\n").map(|line| line.replace("\r\n", line_end())).collect::<String>().into_bytes()
}

/// W3, 6455-4.1-48, RFC 9112 §2.2: lines that end in a bare LF, all of them or some.
#[test]
fn a_101_with_bare_line_feeds() {
    let plain = |accept: &str| Head::switching(accept).add("X-Spaced", "\ta b \t").add("X-Empty", "");
    let mut numbers = Numbers::new(3);
    for seed in 0..40 {
        // The first has no CR at all.
        let ends: Vec<bool> = (0..7).map(|_| seed > 0 && numbers.below(2) == 1).collect();
        let taken = opens_with_hello(|accept| {
            let mut ends = ends.iter();
            with_line_ends(&plain(accept), || if *ends.next().unwrap() { "\r\n" } else { "\n" })
        });
        let names: Vec<_> = lines(&taken.accepted.response)[3..].to_vec();
        assert_eq!(names, [("X-Spaced", "a b"), ("X-Empty", "")]);
        assert_eq!(taken.accepted.response.header("x-empty"), Some(&b""[..]));
    }
    // Empty lines and interim responses ahead of it.
    for before in ["\n", "\n\r\n\n", "HTTP/1.1 100 Continue\n\n", "HTTP/1.1 103 Early Hints\nLink: </x>\n\n\n"] {
        opens_with_hello(|accept| [before.as_bytes(), &with_line_ends(&plain(accept), || "\n")].concat());
    }
    // A later minor version of HTTP.
    opens_with_hello(|accept| with_line_ends(&plain(accept).start("HTTP/1.2 101 x"), || "\n"));
}

/// W4, 6455-4.1-40: a refusal with bare LFs is one.
#[test]
fn a_redirect_with_bare_line_feeds() {
    for head in [&b"HTTP/1.1 302 Found\nLocation: /v2\n\n"[..], b"HTTP/1.1 302 Found\r\nLocation: /v2\n\r\n"] {
        let declined = declined(|_| [head, b"body"].concat());
        assert_eq!((declined.response.status(), &declined.body[..]), (302, &b"body"[..]));
        assert_eq!(lines(&declined.response), [("Location", "/v2")]);
        assert_eq!(declined.response.header("location"), Some(&b"/v2"[..]));
    }
}

/// W3, 6455-4.1-46: what decides is checked in such heads as in others, and their lines are counted.
#[test]
fn bare_line_feeds_hide_nothing() {
    let bare = |head: Head| with_line_ends(&head, || "\n");
    flawed(|accept| bare(Head::switching(accept).add("Upgrade", "h2c")), Flaw::Upgrade);
    flawed(|accept| bare(Head::switching(accept).add("X", "a\nUpgrade: h2c")), Flaw::Upgrade);
    flawed(|accept| bare(Head::switching(accept).without("Sec-WebSocket-Accept")), Flaw::Accept);
    let many = |accept: &str| (0..126).fold(Head::switching(accept), |head, i| head.add(format!("X-{i}"), ""));
    flawed(|accept| bare(many(accept)), Flaw::TooManyHeaders);
}

/// W3, RFC 9112 §2.2: the server stays strict, as a proxy ahead of it may read such lines otherwise.
#[test]
fn a_request_with_bare_line_feeds() {
    refused(&with_line_ends(&Head::request(), || "\n"), Reason::BareLineFeed);
    refused(b"\nGET /chat HTTP/1.1\r\n\r\n", Reason::BareLineFeed);
}

/// D4: a head of very many lines with bare LFs, byte by byte: each byte is looked at once.
#[test]
fn very_many_bare_line_feeds() {
    let config = Config::new().max_head(2 << 20).max_headers(400_000);
    let (_, _, key) = started(&request_for("ws://example.com/"), &config);
    let mut bytes = format!(
        "HTTP/1.1 101 x\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Accept: {}\n",
        accept_for(&key)
    )
    .into_bytes();
    bytes.extend(b"a:\n".repeat(300_000));
    bytes.push(b'\n');
    let mut handshake = Handshake::new(&request_for("ws://example.com/"), Seed::new([7; 32]), &config);
    let mut input = Input::new();
    let (last, before) = bytes.split_last().unwrap();
    for byte in before {
        input.extend_from_slice(&[*byte]);
        assert!(handshake.receive(&mut input).unwrap().is_none());
    }
    input.extend_from_slice(&[*last]);
    let accepted = handshake.receive(&mut input).unwrap().expect("the whole response");
    assert_eq!(accepted.response.headers().count(), 300_003);
}
