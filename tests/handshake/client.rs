//! What a client writes, and how it judges what comes back.

use crate::common::http::{
    ACCEPT, HELLO, Head, Written, accept_for, declined, flawed, flawed_with, judge, judge_with, request_for, started,
    started_from, take_output, taken, unbase64,
};
use std::collections::HashSet;
use ws_proto::bytes::Buf;
use ws_proto::handshake::client::{Error, Flaw, Handshake};
use ws_proto::handshake::{BuildError, WebSocketUri};
use ws_proto::{Config, Event, Input, Role, Seed};

const URI: &str = "ws://example.com/chat";

fn written(uri: &str) -> Written {
    started(&request_for(uri), &Config::new()).1
}

/// 6455-4.1-2, 6455-4.1-18, 6455-4.1-19, 6455-4.1-20, 6455-4.1-21, 6455-4.1-22, 6455-4.1-24, 6455-4.1-25, 6455-4.1-26,
/// 6455-4.1-31, 6455-4.1-32, 6455-4.3-5: the request, its fields each once and nothing else.
#[test]
fn the_request() {
    // `Written::read` checks the form of the head to the letter.
    let request = written("ws://example.com/chat?room=7");
    assert_eq!(request.start, "GET /chat?room=7 HTTP/1.1");
    assert_eq!(request.value("Host"), "example.com");
    assert_eq!(request.value("Upgrade"), "websocket");
    assert_eq!(request.value("Connection"), "Upgrade");
    assert_eq!(request.value("Sec-WebSocket-Version"), "13");
    assert_eq!(request.value("Sec-WebSocket-Key").len(), 24);
    assert_eq!(request.lines.len(), 5, "{request:?}");
    assert!(request.rest.is_empty());
}

/// 6455-4.1-23: `Host` has the port unless it is the scheme's own.
#[test]
fn the_host() {
    for (uri, host) in [
        ("ws://example.com:80/", "example.com"),
        ("ws://example.com:8080/", "example.com:8080"),
        ("wss://example.com:443/", "example.com"),
        ("wss://example.com:80/", "example.com:80"),
        ("ws://[::1]:443/", "[::1]:443"),
    ] {
        assert_eq!(written(uri).value("Host"), host, "{uri}");
    }
}

/// 6455-4.1-27, 6455-4.1-28, 6455-4.3-1: the key is 16 bytes in base64, another for every seed, and not the seed.
#[test]
fn the_key() {
    let mut keys = HashSet::new();
    for i in 0..=255 {
        let mut seed = [0; 32];
        seed[usize::from(i) % 32] = i;
        let (_, _, key) = started_from(&request_for(URI), &Config::new(), seed);
        let nonce = unbase64(&key).expect("base64 with its padding");
        assert_eq!(nonce.len(), 16);
        assert!(!seed.windows(4).any(|part| nonce.starts_with(part)), "the nonce shows nothing of the seed");
        keys.insert(key);
    }
    assert_eq!(keys.len(), 256, "all the seeds are different");
}

/// The key is a pure function of the seed: who records seeds can replay a connection.
#[test]
fn the_key_is_replayed_with_the_seed() {
    let key = |seed| started_from(&request_for(URI), &Config::new(), seed).2;
    assert_eq!(key([3; 32]), key([3; 32]));
}

/// 6455-4.1-30, 6455-4.1-37: further lines, `Origin` among them, come as they were given, in their order.
#[test]
fn further_lines() {
    let request = request_for(URI)
        .header("Origin", "https://example.com")
        .and_then(|request| request.header("Cookie", "a=b"))
        .and_then(|request| request.header("Cookie", b"c=\xe9"))
        .and_then(|request| request.header("Authorization", "Bearer abc"))
        .and_then(|request| request.header("X-Empty", ""))
        .unwrap();
    let (_, written, _) = started(&request, &Config::new());
    assert_eq!(written.value("Origin"), "https://example.com");
    assert_eq!(written.values("Cookie"), [&b"a=b"[..], b"c=\xe9"]);
    assert_eq!((written.value("Authorization"), written.value("X-Empty")), ("Bearer abc", ""));
    assert_eq!(written.lines.len(), 10);
}

/// 6455-4.1-19, CVE-2026-47072, CVE-2026-1527, CVE-2020-35678: nothing that was given can end a line, or stand for what
/// the handshake writes.
#[test]
fn lines_that_may_not_be() {
    for name in ["", " ", "X Y", "X:", "X\r\nY", "X\n", "X\0", "\t", "(x)", "\u{e9}", "x\u{7f}"] {
        assert_eq!(request_for(URI).header(name, "x"), Err(BuildError::HeaderName), "{name:?}");
    }
    for value in [&b"a\r\nX-Injected: yes"[..], b"\r", b"\n", b"a\n", b"\0", b"\x01", b"\x0b", b"\x1f", b"\x7f"] {
        let request = request_for(URI).header("X", value);
        assert!(matches!(request, Err(BuildError::HeaderValue(_))), "{}", value.escape_ascii());
    }
    for name in [
        "Host",
        "Upgrade",
        "Connection",
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Version",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions",
        "Content-Length",
        "Transfer-Encoding",
        "hOST",
        "sec-websocket-key",
    ] {
        assert_eq!(request_for(URI).header(name, "x"), Err(BuildError::ReservedHeader(name.into())));
    }
}

/// 6455-4.1-3, 6455-4.1-4: without a valid URI there is no request, so nothing at all can be sent.
#[test]
fn no_request_without_a_uri() {
    for text in ["ftp://example.com/", "ws://example.com/#x", "ws://", "ws://example.com:0/", "ws://a b/"] {
        assert!(WebSocketUri::try_from(text).is_err(), "{text}");
    }
    let request = request_for("wss://example.com:444/x?y");
    let uri = request.uri();
    assert_eq!((uri.host(), uri.port(), uri.resource(), uri.is_secure()), ("example.com", 444, "/x?y", true));
}

/// The request can be written in any pieces.
#[test]
fn the_request_in_pieces() {
    let (_, whole, _) = started(&request_for(URI), &Config::new());
    let mut handshake = Handshake::new(&request_for(URI), Seed::new([7; 32]), &Config::new());
    let mut bytes = Vec::new();
    while handshake.output().has_remaining() {
        bytes.push(handshake.output().get_u8());
    }
    assert_eq!(Written::read(&bytes), whole);
}

/// 6455-4.1-38: until the answer is whole nothing more goes out; it is waited for.
#[test]
fn nothing_goes_out_before_the_answer() {
    let (mut handshake, _, key) = started(&request_for(URI), &Config::new());
    let answer = Head::switching(&accept_for(&key)).bytes();
    let mut input = Input::new();
    let (last, before) = answer.split_last().unwrap();
    for byte in before {
        input.extend_from_slice(&[*byte]);
        assert!(matches!(handshake.receive(&mut input), Ok(None)));
        assert!(!handshake.output().has_remaining());
    }
    input.extend_from_slice(&[*last]);
    assert!(matches!(handshake.receive(&mut input), Ok(Some(_))));
    assert!(input.is_empty());
}

/// 6455-4.1-39, 6455-4.1-48, 6455-4.1-47: a valid answer, in the ways it may be written.
#[test]
fn answers_that_accept() {
    let answers: &[&dyn Fn(Head) -> Head] = &[
        &|head| head,
        &Head::reversed,
        &|head| head.rename(<[u8]>::to_ascii_lowercase),
        &|head| head.rename(<[u8]>::to_ascii_uppercase),
        &|head| head.start("HTTP/1.1 101 WebSocket Protocol Handshake"),
        &|head| head.start("HTTP/1.1 101 "),
        &|head| head.start(b"HTTP/1.1 101 Wechsel f\xfcr sp\xe4ter"),
        &|head| head.set("Upgrade", "WebSocket"),
        &|head| head.set("Upgrade", " \twebsocket\t "),
        &|head| head.set("Connection", "upgrade"),
        &|head| head.set("Connection", "UPGRADE"),
        &|head| head.set("Connection", "keep-alive, Upgrade"),
        &|head| head.set("Connection", "Upgrade,keep-alive"),
        &|head| head.set("Connection", "keep-alive").add("Connection", "Upgrade"),
        &|head| head.add("connection", "keep-alive"),
        &|head| head.add("Set-Cookie", b"a=\xe9").add("Set-Cookie", "b"),
        &|head| head.add("Sec-WebSocket-Version", "13"),
        &|head| head.add("Sec-WebSocket-Location", "ws://example.com/chat"),
        &|head| head.add("Content-Length", "0"),
        &|head| head.add("X-Empty", ""),
    ];
    for (number, change) in answers.iter().enumerate() {
        let taken = taken(|accept| change(Head::switching(accept)).then(HELLO));
        assert_eq!(taken.rest, HELLO, "answer {number}");
        assert_eq!(taken.accepted.response.status(), 101);
        assert!(taken.accepted.response.header("UPGRADE").is_some());
        assert_eq!(taken.accepted.subprotocol, None);
    }
}

/// 6455-4.1-48, 6455-4.2.2-22: the connection is open, frames that came with the answer are its first, and the lines of
/// the answer can be read.
#[test]
fn the_connection_is_open() {
    let taken = taken(|accept| {
        Head::switching(accept).add("Set-Cookie", b"a=\xe9").add("Set-Cookie", "b").then([HELLO, HELLO].concat())
    });
    let values: Vec<_> =
        taken.accepted.response.headers().filter(|line| line.0 == "Set-Cookie").map(|line| line.1).collect();
    assert_eq!(values, [&b"a=\xe9"[..], b"b"]);
    let mut ws = taken.accepted.connection;
    assert_eq!(ws.role(), Role::Client);
    assert!(ws.interest().read && !ws.interest().write && !ws.interest().hang_up);
    let mut input = Input::from(&taken.rest[..]);
    for _ in 0..2 {
        let Some(Event::Text(text)) = ws.receive(&mut input) else { panic!("the text that came with the answer") };
        assert_eq!(text, "Hello");
    }
    assert!(ws.receive(&mut input).is_none());
    ws.send_text("Hello").unwrap();
    let frame = take_output(&mut ws);
    assert_eq!(frame.len(), 11);
    let text: Vec<u8> = (0..5).map(|i| frame[6 + i] ^ frame[2 + i % 4]).collect();
    assert_eq!((&frame[..2], &text[..]), (&[0x81, 0x85][..], &b"Hello"[..]));
}

/// 6455-4.1-41: `Upgrade` missing, twice, or not `websocket` alone.
#[test]
fn the_upgrade_of_an_answer() {
    flawed(|accept| Head::switching(accept).without("Upgrade").bytes(), Flaw::Upgrade);
    for value in
        ["", "h2c", "websockets", "web socket", "websocket/13", "websocket, h2c", "h2c, websocket", "\"websocket\""]
    {
        flawed(|accept| Head::switching(accept).set("Upgrade", value).bytes(), Flaw::Upgrade);
    }
    flawed(|accept| Head::switching(accept).add("Upgrade", "h2c").bytes(), Flaw::Upgrade);
    flawed(|accept| Head::switching(accept).set("Upgrade", "h2c").add("Upgrade", "websocket").bytes(), Flaw::Upgrade);
}

/// 6455-4.1-42: `Connection` missing, or without the token.
#[test]
fn the_connection_of_an_answer() {
    flawed(|accept| Head::switching(accept).without("Connection").bytes(), Flaw::Connection);
    for value in ["", "close", "keep-alive", "Upgrades", "keep-alive Upgrade", "\"Upgrade\"", "Up, grade"] {
        flawed(|accept| Head::switching(accept).set("Connection", value).bytes(), Flaw::Connection);
    }
}

/// 6455-4.1-43, 6455-4.3-8: the proof missing, twice, or not that of this key to the last bit.
#[test]
fn the_accept_value_of_an_answer() {
    flawed(|accept| Head::switching(accept).without("Sec-WebSocket-Accept").bytes(), Flaw::Accept);
    let changes: &[&dyn Fn(&str) -> String] = &[
        &|_| String::new(),
        &|_| ACCEPT.into(),
        &|_| "A".repeat(28),
        &|_| "A".repeat(64),
        &|_| "A".repeat(10_000),
        &|accept| accept.to_lowercase(),
        &|accept| accept.to_uppercase(),
        &|accept| accept.trim_end_matches('=').into(),
        &|accept| format!("{accept}="),
        &|accept| format!("{accept}{accept}"),
        &|accept| format!("{accept} x"),
        &|accept| format!("{accept}, {accept}"),
        &|accept| format!("\"{accept}\""),
        &|accept| accept[..27].into(),
        &|accept| accept[1..].into(),
        &|accept| accept.chars().rev().collect(),
    ];
    for change in changes {
        flawed(|accept| Head::switching(&change(accept)).bytes(), Flaw::Accept);
    }
    // Each of the characters counts.
    for place in 0..27 {
        let change = |accept: &str| {
            let mut bytes = accept.as_bytes().to_vec();
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            String::from_utf8(bytes).unwrap()
        };
        flawed(|accept| Head::switching(&change(accept)).bytes(), Flaw::Accept);
    }
    flawed(|accept| Head::switching(accept).add("Sec-WebSocket-Accept", accept).bytes(), Flaw::Accept);
    flawed(|accept| Head::switching(accept).add("sec-websocket-accept", ACCEPT).bytes(), Flaw::Accept);
    flawed(|accept| Head::switching(ACCEPT).add("sec-websocket-accept", accept).bytes(), Flaw::Accept);
    flawed(|_| Head::switching("").set("Sec-WebSocket-Accept", [0xff; 28]).bytes(), Flaw::Accept);
}

/// 6455-4.1-43: white space around the proof is not part of it.
#[test]
fn white_space_around_the_accept_value() {
    for (before, after) in [(" ", ""), ("\t \t", ""), ("", " "), ("  ", "\t\t")] {
        taken(|accept| Head::switching(&format!("{before}{accept}{after}")).bytes());
    }
}

/// 6455-4.1-46: a 101 of HTTP/1.0 switches nothing: `Upgrade` came with HTTP/1.1 (RFC 9110 §7.8).
#[test]
fn an_old_http_version() {
    flawed(|accept| Head::switching(accept).start("HTTP/1.0 101 Switching Protocols").bytes(), Flaw::HttpVersion);
}

/// 6455-4.1-46: what is not the head of an HTTP response, or only for a careless reader.
#[test]
fn malformed_answers() {
    for start in [
        "HTTP/1.1 1O1 Switching",
        "HTTP/1.1 10 Switching",
        "HTTP/1.1 1010 Switching",
        "HTTP/1.1 -101 Switching",
        "HTTP/1.1  101 Switching",
        "HTTP/1.1101 Switching",
        "HTTP/2 101",
        "HTTP/2.0 101 Switching",
        "http/1.1 101 Switching",
        "ICY 101 OK",
        "101 Switching Protocols",
        "GET / HTTP/1.1",
        "HTTP/1.1 101 Swit\0ching",
        "HTTP/1.1 101 Swit\rching",
    ] {
        flawed(|accept| Head::switching(accept).start(start).bytes(), Flaw::Malformed);
    }
}

/// 6455-4.1-40: another status is a no in the words of HTTP, with its lines and its body.
#[test]
fn other_statuses() {
    for status in [200, 201, 204, 301, 302, 307, 308, 400, 401, 403, 404, 407, 426, 429, 500, 502, 503, 599] {
        // Even with everything else of a 101.
        let no = declined(|accept| Head::switching(accept).start(format!("HTTP/1.1 {status} Whatever")).then("body"));
        assert_eq!(no.response.status(), status);
        // RFC 9112 §6.3: these two have none.
        let body = if matches!(status, 204 | 304) { "" } else { "body" };
        assert_eq!(no.body, Ok(body.into()));
    }
    let no = declined(|_| {
        Head::new("HTTP/1.1 401 Unauthorized")
            .add("WWW-Authenticate", "Basic realm=\"x\"")
            .add("WWW-Authenticate", "Bearer")
            .add("Content-Length", "5")
            .then("sorry")
    });
    let ways: Vec<_> = no.response.headers().filter(|line| line.0 == "WWW-Authenticate").map(|line| line.1).collect();
    assert_eq!(ways, [&b"Basic realm=\"x\""[..], b"Bearer"]);
    assert_eq!(no.body, Ok(b"sorry".to_vec()));
    let no = declined(|_| b"HTTP/1.1 302 Found\r\nLocation: wss://example.org/\r\n\r\n".to_vec());
    assert_eq!(no.response.header("location"), Some(&b"wss://example.org/"[..]));
    assert_eq!(no.body, Ok(Vec::new()));
    // A no may come from an old server or a proxy, and need not say why.
    assert_eq!(declined(|_| b"HTTP/1.0 503 \r\n\r\n".to_vec()).response.status(), 503);
    assert_eq!(declined(|_| b"HTTP/1.1 400\r\n\r\n".to_vec()).response.status(), 400);
}

/// 6455-4.1-46: no frame is read from a body.
#[test]
fn frames_behind_a_no_are_a_body() {
    let no = declined(|accept| Head::switching(accept).start("HTTP/1.1 200 OK").then(HELLO));
    assert_eq!(no.body, Ok(HELLO.to_vec()));
    let chunked = "5\r\nsorry\r\n0\r\n\r\n";
    let no = declined(|_| Head::new("HTTP/1.1 403 Forbidden").add("Transfer-Encoding", "chunked").then(chunked));
    assert_eq!(no.body, Ok(b"sorry".to_vec()));
}

/// RFC 9110 §15.2: interim answers are passed over, with whatever lines they have.
#[test]
fn interim_answers() {
    let interim: &[&str] = &[
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 102 Processing\r\nX: y\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\nLink: </x>\r\n\r\n",
        "HTTP/1.1 199 \r\n\r\n",
    ];
    for first in interim {
        let taken = taken(|accept| [first.as_bytes(), &Head::switching(accept).then(HELLO)].concat());
        assert_eq!(taken.rest, HELLO);
        assert_eq!(taken.accepted.response.headers().count(), 3, "only the lines of the last answer");
        let no = declined(|_| [first.as_bytes(), b"HTTP/1.1 404 Not Found\r\n\r\n"].concat());
        assert_eq!(no.response.status(), 404);
        assert!(matches!(judge(|_| first.as_bytes().to_vec()), Ok(None)), "{first}");
        flawed(|_| [first.as_bytes(), &Head::switching(ACCEPT).bytes()].concat(), Flaw::Accept);
        flawed(|_| [first.as_bytes(), b"\0\r\n\r\n"].concat(), Flaw::Malformed);
    }
    taken(|accept| {
        [interim.concat().as_bytes(), interim.concat().as_bytes(), &Head::switching(accept).bytes()].concat()
    });
}

/// 6455-4.1-46: the limits hold for answers, each for itself; bytes behind a head do not count.
#[test]
fn limits() {
    let request = request_for(URI);
    let answer = |accept: &str| Head::switching(accept).add("X", "x".repeat(300)).then([0; 1000]);
    let length = answer(ACCEPT).len() - 1000;
    let taken = judge_with(&Config::new().max_head(length), &request, answer);
    assert!(matches!(taken, Ok(Some(_))), "{taken:?}");
    flawed_with(&Config::new().max_head(length - 1), &request, answer, Flaw::HeadTooLarge);
    flawed_with(
        &Config::new().max_head(length),
        &request,
        |_| [b"HTTP/1.1 ", &vec![b'x'; length][..]].concat(),
        Flaw::HeadTooLarge,
    );

    let lines =
        |accept: &str, count| (3..count).fold(Head::switching(accept), |head, i| head.add(format!("X-{i}"), ""));
    for count in [3, 10, 128, 500] {
        let config = Config::new().max_headers(count);
        assert!(
            judge_with(&config, &request, |accept| lines(accept, count).bytes()).is_ok_and(|taken| taken.is_some())
        );
        flawed_with(&config, &request, |accept| lines(accept, count + 1).bytes(), Flaw::TooManyHeaders);
    }
    flawed(|accept| lines(accept, 129).bytes(), Flaw::TooManyHeaders);
    flawed(|accept| Head::switching(accept).add("X", "x".repeat(33 << 10)).bytes(), Flaw::HeadTooLarge);
    // A no that is too long is no lawful no either.
    flawed(|_| Head::new("HTTP/1.1 404 Not Found").add("X", "x".repeat(33 << 10)).bytes(), Flaw::HeadTooLarge);
}

/// 6455-7.2.1-1, 6455-7.1.4-2, 6455-4.1-46: after a failure there is no connection: frames are not read and no Close
/// frame goes out.
#[test]
fn a_failure_is_the_end() {
    let (mut handshake, _, key) = started(&request_for(URI), &Config::new());
    let mut input = Input::from(&Head::switching(ACCEPT).then(HELLO)[..]);
    assert!(matches!(handshake.receive(&mut input), Err(Error::Invalid(Flaw::Accept))));
    // Neither what follows nor the right answer, too late, changes anything.
    for more in [HELLO.to_vec(), Head::switching(&accept_for(&key)).bytes()] {
        let mut input = Input::from(&more[..]);
        assert!(matches!(handshake.receive(&mut input), Err(Error::Invalid(Flaw::Accept))));
        assert!(!handshake.output().has_remaining());
    }
}

/// Once a handshake has ended well it has nothing more to give.
#[test]
fn after_the_end() {
    let (mut handshake, _, key) = started(&request_for(URI), &Config::new());
    let answer = Head::switching(&accept_for(&key)).bytes();
    let mut input = Input::from(&answer[..]);
    assert!(matches!(handshake.receive(&mut input), Ok(Some(_))));
    for _ in 0..2 {
        let mut input = Input::from(&answer[..]);
        assert!(matches!(handshake.receive(&mut input), Err(Error::Invalid(Flaw::Over))));
    }
}

/// 6455-4.1-41: the value of `Upgrade` is websocket, and nothing besides it.
#[test]
fn an_answer_with_several_upgrades() {
    for value in ["websocket, websocket", "websocket,", "h2c, websocket", "websocket/13"] {
        flawed(|accept| Head::switching(accept).set("Upgrade", value).bytes(), Flaw::Upgrade);
    }
    for value in ["websocket", "h2c"] {
        flawed(|accept| Head::switching(accept).add("Upgrade", value).bytes(), Flaw::Upgrade);
    }
}

/// RFC 9110 §15: a status below 100 is none, and is not waited behind like an interim answer.
#[test]
fn a_status_below_100() {
    for status in ["000", "001", "099"] {
        flawed(|_| Head::new(format!("HTTP/1.1 {status} X")).bytes(), Flaw::Malformed);
    }
}
