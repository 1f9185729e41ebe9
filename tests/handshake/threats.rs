//! Handshakes that broke others: what triggered a published flaw there must end here in the defence that is due,
//! however the bytes are cut.

use crate::common::http::{
    ACCEPT, HELLO, HELLO_MASKED, Head, KEY, Numbers, asked, cuts, declined, flawed, flawed_with, judge, refused,
    refused_with, request_for, serve, serve_with, started, take_output, taken,
};
use ws_proto::bytes::Buf;
use ws_proto::handshake::NotHttp;
use ws_proto::handshake::client::{self, Error, Flaw};
use ws_proto::handshake::server::{self, Answer, Reason};
use ws_proto::{Cause, Config, Event, Input, Violation};

/// Feeds a head byte by byte until something other than "more" is returned, and after how many bytes that was.
fn trickle(config: &Config, bytes: impl IntoIterator<Item = u8>) -> (usize, Result<server::Request, Reason>) {
    let mut handshake = server::Handshake::new(config);
    let mut input = Input::new();
    for (count, byte) in (1..).zip(bytes) {
        input.extend_from_slice(&[byte]);
        match handshake.receive(&mut input) {
            Ok(None) => {}
            Ok(Some(request)) => return (count, Ok(request)),
            Err(rejection) => return (count, Err(rejection.reason())),
        }
    }
    panic!("the bytes ended before a decision");
}

fn trickle_answer(config: &Config, bytes: impl IntoIterator<Item = u8>) -> (usize, Flaw) {
    let (mut handshake, _, _) = started(&request_for("ws://example.com/"), config);
    let mut input = Input::new();
    for (count, byte) in (1..).zip(bytes) {
        input.extend_from_slice(&[byte]);
        match handshake.receive(&mut input) {
            Ok(None) => {}
            Err(Error::Invalid(flaw)) => return (count, flaw),
            other => panic!("{other:?}"),
        }
    }
    panic!("the bytes ended before a decision");
}

/// CVE-2023-43669, D4: one header of a megabyte, byte by byte: looked at from its start for every byte, this would take
/// half a million times the work and the test would not end.
#[test]
fn one_long_header_byte_by_byte() {
    let config = Config::new().max_head(2 << 20);
    let bytes = Head::request().add("X-Long", "x".repeat(1 << 20)).bytes();
    let (count, request) = trickle(&config, bytes.iter().copied());
    assert_eq!(count, bytes.len());
    assert_eq!(request.unwrap().header("X-Long").map(<[u8]>::len), Some(1 << 20));

    let (mut handshake, _, key) = started(&request_for("ws://example.com/"), &config);
    let bytes = Head::switching(&crate::common::http::accept_for(&key)).add("X-Long", "x".repeat(1 << 20)).bytes();
    let mut input = Input::new();
    for (place, byte) in bytes.iter().enumerate() {
        input.extend_from_slice(&[*byte]);
        assert_eq!(handshake.receive(&mut input).unwrap().is_some(), place + 1 == bytes.len());
    }
}

/// CVE-2023-43669, CVE-2026-54465, D4: the same with very many lines.
#[test]
fn very_many_headers_byte_by_byte() {
    let config = Config::new().max_head(2 << 20).max_headers(100_000);
    let bytes = (0..50_000).fold(Head::request(), |head, i| head.add(format!("X-{i}"), "v")).bytes();
    let (count, request) = trickle(&config, bytes.iter().copied());
    assert_eq!(count, bytes.len());
    assert_eq!(request.unwrap().head().headers().count(), 50_005);
}

/// D4: interim answers without end, all there at once: each is looked at when its turn comes, not with those before it.
#[test]
fn very_many_interim_answers() {
    let config = Config::new().max_head(4 << 20);
    let (mut handshake, _, _) = started(&request_for("ws://example.com/"), &config);
    let mut input = Input::from(&b"HTTP/1.1 100 \r\n\r\n".repeat(200_000)[..]);
    assert!(handshake.receive(&mut input).unwrap().is_none());
    assert!(input.is_empty());
}

/// D4: line ends that come without end, in the places where a search for the end of the head could begin anew.
#[test]
fn almost_the_end_of_the_head() {
    let config = Config::new().max_head(1 << 20);
    for filler in ["\r", "\r\r", "\r\nX: \r\r\n", "X: \r\n"] {
        let endless = b"GET / HTTP/1.1\r\nX: ".iter().copied().chain(filler.bytes().cycle());
        let (count, outcome) = trickle(&config.clone().max_headers(usize::MAX), endless);
        assert!(count <= (1 << 20) + 1, "{filler:?}");
        assert!(matches!(outcome, Err(Reason::HeadTooLarge | Reason::HeaderLine(_))), "{filler:?}: {outcome:?}");
    }
}

/// CVE-2026-33219, D13: heads that never end are refused at the limit and not a byte later; a released crate took
/// 24 MiB of one header.
#[test]
fn endless_heads() {
    let config = Config::new();
    let limit = 32 << 10;
    for start in ["", "GET /", "GET / HTTP/1.1\r\nX: ", "GET / HTTP/1.1\r\nX", "GET / HTTP/1.1\r\n"] {
        let (count, outcome) = trickle(&config, start.bytes().chain(std::iter::repeat(b'a')));
        assert_eq!((count, outcome.err()), (limit + 1, Some(Reason::HeadTooLarge)), "{start:?}");
    }
    for start in ["HTTP/1.", "HTTP/1.1 101 ", "HTTP/1.1 101 Switching Protocols\r\nX: "] {
        let (count, flaw) = trickle_answer(&config, start.bytes().chain(std::iter::repeat(b'a')));
        assert_eq!((count, flaw), (limit + 1, Flaw::HeadTooLarge), "{start:?}");
    }
    refused(
        &[b"GET / HTTP/1.1\r\nX: ", &vec![b'a'; 24 << 10][..], &vec![b'a'; 24 << 10][..]].concat(),
        Reason::HeadTooLarge,
    );
    // 24 MiB in one piece.
    let mut input = Input::from(&vec![b'a'; 24 << 20][..]);
    let rejection = server::Handshake::new(&config).receive(&mut input).expect_err("too large");
    assert_eq!((rejection.reason(), rejection.response().status()), (Reason::HeadTooLarge, 431));
}

/// D13: empty lines without end do not keep a handshake waiting for ever.
#[test]
fn endless_empty_lines() {
    let (count, outcome) = trickle(&Config::new(), b"\r\n".iter().copied().cycle().take(1 << 20));
    assert!(count <= (32 << 10) + 1, "after {count} bytes");
    assert!(matches!(outcome, Err(Reason::HeadTooLarge | Reason::Malformed)), "{outcome:?}");
    let (count, _) = trickle_answer(&Config::new(), b"\r\n".iter().copied().cycle().take(1 << 20));
    assert!(count <= (32 << 10) + 1, "after {count} bytes");
}

/// CVE-2026-54465, CVE-2024-37890, D13: a list of header lines without end is refused by its number, whole or in
/// pieces, and no line that matters is lost quietly.
#[test]
fn endless_lines() {
    let endless = || b"GET / HTTP/1.1\r\n".iter().copied().chain(b"a:b\r\n".iter().copied().cycle());
    let (count, outcome) = trickle(&Config::new(), endless());
    assert!(matches!(outcome, Err(Reason::TooManyHeaders | Reason::HeadTooLarge)), "{outcome:?}");
    assert!(count <= (32 << 10) + 1);
    let many = (0..1000).fold(Head::new("GET /chat HTTP/1.1"), |head, i| head.add(format!("X-{i}"), "v"));
    let important = ["Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"].into_iter().zip([
        "example.com",
        "websocket",
        "Upgrade",
        KEY,
        "13",
    ]);
    let many = important.fold(many, |head, (name, value)| head.add(name, value));
    assert_eq!(refused(&many.bytes(), Reason::TooManyHeaders).status(), 431);
    let Ok(Some(asked)) = serve_with(&Config::new().max_headers(1005), &many.bytes()) else {
        panic!("they are allowed")
    };
    assert_eq!(asked.request.header("sec-websocket-key"), Some(KEY.as_bytes()));
    refused_with(&Config::new().max_headers(1004), &many.bytes(), Reason::TooManyHeaders);

    let config = Config::new().max_headers(1003);
    let request = request_for("ws://example.com/");
    let many = |accept: &str| {
        let head = (0..1000).fold(Head::new("HTTP/1.1 101 x"), |head, i| head.add(format!("X-{i}"), "v"));
        head.add("Upgrade", "websocket").add("Connection", "Upgrade").add("Sec-WebSocket-Accept", accept).bytes()
    };
    assert!(crate::common::http::judge_with(&config, &request, many).is_ok_and(|taken| taken.is_some()));
    flawed_with(&config.max_headers(1002), &request, many, Flaw::TooManyHeaders);
}

/// CVE-2021-32640, D4: a name, very many spaces and another name in `Sec-WebSocket-Protocol`.
#[test]
fn very_many_spaces() {
    let spaces = " ".repeat(15_000);
    for (name, reason) in [
        ("Sec-WebSocket-Protocol", Reason::Subprotocols),
        ("Sec-WebSocket-Extensions", Reason::Extensions),
        ("Sec-WebSocket-Key", Reason::Key),
        ("Sec-WebSocket-Version", Reason::Version),
    ] {
        let value = format!("b{spaces}x");
        let head = match reason {
            Reason::Key | Reason::Version => Head::request().set(name, value),
            _ => Head::request().add(name, value),
        };
        assert_eq!(refused(&head.bytes(), reason).status(), 400, "{name}");
    }
    let value = format!("b{spaces},{spaces}x");
    let asked = asked(&Head::request().add("Sec-WebSocket-Protocol", value).bytes());
    assert_eq!(asked.request.subprotocols().collect::<Vec<_>>(), ["b", "x"]);
    refused(&Head::request().set("Upgrade", format!("b{spaces}x")).bytes(), Reason::Upgrade);
    refused(&Head::request().set("Connection", format!("b{spaces}x")).bytes(), Reason::Connection);
}

/// CVE-2020-7662, CVE-2020-7663, D4: an unclosed quoted string of escapes.
#[test]
fn an_unclosed_quoted_string() {
    let value = format!("x; a=\"{}", "\\c".repeat(10_000));
    refused(&Head::request().add("Sec-WebSocket-Extensions", &value).bytes(), Reason::Extensions);
    flawed(|accept| Head::switching(accept).add("Sec-WebSocket-Extensions", &value).bytes(), Flaw::Extension);
}

/// ws 3.3.1, D8: extensions with names that a language's objects have by themselves.
#[test]
fn names_of_object_properties() {
    for name in ["constructor", "__proto__", "hasOwnProperty", "toString", "valueOf"] {
        let head =
            Head::request().add("Sec-WebSocket-Extensions", name).add("Sec-WebSocket-Protocol", name).add(name, name);
        let request = asked(&head.bytes()).request;
        assert_eq!(request.extensions().next().map(|extension| extension.name()), Some(name));
        assert_eq!(request.choose_subprotocol(&["chat"]), None);
        assert_eq!(request.header(name), Some(name.as_bytes()));
        flawed(|accept| Head::switching(accept).add("Sec-WebSocket-Extensions", name).bytes(), Flaw::Extension);
    }
}

/// CVE-2026-61666, D9, D13: a `Host` that is no host.
#[test]
fn an_invalid_host() {
    for host in
        ["[", "]", "[::", "%", "%%%", "a:b:c", "@", "http://", "\\", "\u{e9}", "a b", "::", "[]:", ":", "x:\u{fffd}"]
    {
        assert_eq!(refused(&Head::request().set("Host", host).bytes(), Reason::Host).status(), 400, "{host}");
    }
    refused(&Head::request().set("Host", b"\xff\xfe").bytes(), Reason::Host);
}

/// CVE-2018-12541, CVE-2026-69243, D14: an upgrade with a body is refused by its head; nothing waits for the body.
#[test]
fn a_body_with_the_upgrade() {
    for (name, value) in [("Content-Length", "10000000000"), ("Content-Length", "11"), ("Transfer-Encoding", "chunked")]
    {
        let head = Head::request().add(name, value);
        assert_eq!(refused(&head.bytes(), Reason::Body).status(), 400);
        refused(&head.then(HELLO_MASKED), Reason::Body);
        refused(&head.then("GET /admin HTTP/1.1\r\nHost: x\r\n\r\n"), Reason::Body);
    }
    refused(&Head::request().add("Content-Length", "5").add("Transfer-Encoding", "chunked").bytes(), Reason::Body);
}

/// CVE-2026-59898, CVE-2026-54466, CVE-2026-54463, D15: handshakes of the drafts get no connection.
#[test]
fn handshakes_of_the_drafts() {
    let bare = |version| {
        Head::new("GET /chat HTTP/1.1")
            .add("Host", "example.com")
            .add("Sec-WebSocket-Key", KEY)
            .add("Sec-WebSocket-Version", version)
    };
    for version in ["7", "8", "13"] {
        refused(&bare(version).bytes(), Reason::NoUpgrade);
        refused(&bare(version).add("Upgrade", "websocket").bytes(), Reason::Connection);
    }
    for version in ["7", "8"] {
        let draft = bare(version).add("Upgrade", "websocket").add("Connection", "Upgrade");
        let answer =
            refused(&draft.add("Sec-WebSocket-Origin", "http://example.com").bytes(), Reason::UnsupportedVersion);
        assert_eq!((answer.status(), answer.value("Sec-WebSocket-Version")), (426, "13"));
    }
    // Draft 76, with its eight bytes behind the head, and draft 75.
    let draft = Head::new("GET /demo HTTP/1.1")
        .add("Host", "example.com")
        .add("Connection", "Upgrade")
        .add("Sec-WebSocket-Key2", "12998 5 Y3 1  .P00")
        .add("Upgrade", "WebSocket")
        .add("Sec-WebSocket-Key1", "4 @1  46546xW%0l 1 5")
        .add("Origin", "http://example.com");
    for bytes in [draft.then("^n:ds[4U"), draft.without("Sec-WebSocket-Key1").without("Sec-WebSocket-Key2").bytes()] {
        let rejection = serve(&bytes).expect_err("a draft");
        assert_eq!(rejection.response().status(), 400);
    }
    // The answer of draft 76: no proof.
    flawed(
        |_| {
            Head::new("HTTP/1.1 101 WebSocket Protocol Handshake")
                .add("Upgrade", "WebSocket")
                .add("Connection", "Upgrade")
                .add("Sec-WebSocket-Origin", "http://example.com")
                .add("Sec-WebSocket-Location", "ws://example.com/demo")
                .then("8jKS'y:G*Co,Wxa-")
        },
        Flaw::Accept,
    );
}

/// CVE-2026-44546, D13: bytes that some take for the end of a line end none here.
#[test]
fn other_line_ends() {
    for byte in [0x0b, 0x0c, 0x1c, 0x1d, 0x1e] {
        let head = Head::request().add("X", [b"a", &[byte][..], b"Origin: http://example.com"].concat());
        assert_eq!(refused(&head.bytes(), Reason::HeaderLine(6)).status(), 400);
    }
    for value in
        [&b"a\x85Origin: http://example.com"[..], "a\u{2028}Origin: b".as_bytes(), "a\u{85}Origin: b".as_bytes()]
    {
        let request = asked(&Head::request().add("X", value).bytes()).request;
        assert_eq!(request.header("X"), Some(value), "as it came");
        assert_eq!(request.origin(), None);
        assert_eq!(request.head().headers().count(), 6);
    }
    refused(&Head::request().add("X", "a\rOrigin: http://example.com").bytes(), Reason::HeaderLine(6));
    refused(&Head::request().add("X", "a\nOrigin: http://example.com").bytes(), Reason::BareLineFeed);
}

/// CVE-2024-23326, CVE-2018-1002105, CVE-2019-17567, D14: only a 101 switches; whatever else, with all the lines of
/// one, is a no, and what follows is not read as frames.
#[test]
fn only_101_switches() {
    for start in ["HTTP/1.1 200 OK", "HTTP/1.1 200 Switching Protocols", "HTTP/1.1 403 Forbidden", "HTTP/1.1 301 101"] {
        let no = declined(|accept| Head::switching(accept).start(start).then(HELLO));
        assert_eq!(no.body, Ok(HELLO.to_vec()), "{start}");
    }
    // Not even another of the 1xx.
    for start in ["HTTP/1.1 100 Continue", "HTTP/1.1 102 Processing"] {
        assert!(matches!(judge(|accept| Head::switching(accept).start(start).bytes()), Ok(None)), "{start}");
        flawed(|accept| Head::switching(accept).start(start).then(HELLO), Flaw::NotHttp(NotHttp::WebSocketFrame));
    }
}

/// CVE-2026-2833, CVE-2026-73548, erlang_ws, D14: what comes behind a request stays in the input untouched, neither
/// read before the request is accepted nor lost after.
#[test]
fn bytes_behind_the_head() {
    let tail: Vec<u8> = (0..=255).cycle().take(5000).collect();
    assert_eq!(asked(&Head::request().then(&tail)).rest, tail);
    assert_eq!(taken(|accept| Head::switching(accept).then(&tail)).rest, tail);
    let smuggled = Head::request().start("GET /admin HTTP/1.1").bytes();
    let asked = asked(&Head::request().then(&smuggled));
    assert_eq!((asked.request.path(), &asked.rest), ("/chat", &smuggled));
    // Once accepted they are frames: this is none.
    let mut ws = asked.request.accept(Answer::new()).unwrap();
    let mut input = Input::from(&smuggled[..]);
    let Some(Event::Closed(closed)) = ws.receive(&mut input) else { panic!("a request is no frame") };
    assert!(matches!(closed.cause, Cause::Violation(_)));
    // Another protocol to upgrade to is not ours.
    refused(&Head::request().set("Upgrade", "h2c").then(&tail), Reason::Upgrade);
}

/// D14: a violation behind the request is for the connection to judge, not for the handshake.
#[test]
fn a_violation_behind_the_head() {
    let asked = asked(&Head::request().then(HELLO));
    let mut ws = asked.request.accept(Answer::new()).unwrap();
    assert!(take_output(&mut ws).starts_with(b"HTTP/1.1 101 "));
    let mut input = Input::from(&asked.rest[..]);
    let Some(Event::Closed(closed)) = ws.receive(&mut input) else { panic!("not masked") };
    assert_eq!(closed.cause, Cause::Violation(Violation::NotMasked));
    let mut taken = taken(|accept| Head::switching(accept).then(HELLO_MASKED));
    let mut input = Input::from(&taken.rest[..]);
    let Some(Event::Closed(closed)) = taken.accepted.connection.receive(&mut input) else { panic!("masked") };
    assert_eq!(closed.cause, Cause::Violation(Violation::Masked));
}

/// CVE-2026-47072, CVE-2026-1527, CVE-2020-35678, D16: nothing that an application gives can end a line that goes out.
#[test]
fn injection_everywhere() {
    for bad in ["x\r\nX-Injected: yes", "x\nX-Injected: yes", "x\r", "x\0", "\r\n\r\nGET /admin HTTP/1.1"] {
        let uri = |uri: String| uri.parse::<ws_proto::handshake::WebSocketUri>();
        assert!(uri(format!("ws://{bad}/")).is_err());
        assert!(uri(format!("ws://example.com:{bad}/")).is_err());
        assert!(uri(format!("ws://example.com/{bad}")).is_err());
        assert!(uri(format!("ws://example.com/?{bad}")).is_err());
        let request = request_for("ws://example.com/");
        assert!(request.clone().header(bad, "x").is_err());
        assert!(request.clone().header("X", bad).is_err());
        assert!(request.subprotocol(bad).is_err());
        assert!(Answer::new().header(bad, "x").is_err());
        assert!(Answer::new().header("X", bad).is_err());
        assert!(Answer::new().subprotocol(bad).is_err());
        let response = server::Response::new(302).unwrap();
        assert!(response.clone().header(bad, "x").is_err());
        assert!(response.header("Location", bad).is_err());
    }
}

/// CVE-2026-2229, CVE-2026-59881, D8: an extension that was not offered, with parameters that broke others.
#[test]
fn parameters_of_an_extension_that_was_not_offered() {
    for value in [
        "permessage-deflate",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=99",
    ] {
        flawed(|accept| Head::switching(accept).add("Sec-WebSocket-Extensions", value).bytes(), Flaw::Extension);
    }
}

/// wsproto, ws: keys that are none, two keys of which the last wins, a body, HTTP/1.0.
#[test]
fn departures_of_others_at_the_server() {
    for key in ["AA==", "!!!!"] {
        refused(&Head::request().set("Sec-WebSocket-Key", key).bytes(), Reason::Key);
    }
    refused(&Head::request().add("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==").bytes(), Reason::Key);
    refused(&Head::request().add("Sec-WebSocket-Version", "13").bytes(), Reason::Version);
    refused(&Head::request().add("Host", "example.com").bytes(), Reason::Host);
    refused(&Head::request().add("Content-Length", "3").then("abc"), Reason::Body);
    refused(&Head::request().start("GET /chat HTTP/1.0").bytes(), Reason::HttpVersion);
    refused(&Head::request().without("Host").bytes(), Reason::Host);
    // Several lines of a list are one list, whichever holds the token; a bug of released crates was to read only one.
    for (name, token) in [("Connection", "Upgrade"), ("Upgrade", "websocket")] {
        asked(&Head::request().set(name, "other").add(name, token).bytes());
        asked(&Head::request().add(name, "other").bytes());
    }
    asked(&Head::request().set("Upgrade", "h2c, websocket").bytes());
    // A bad offer next to a good one breaks nothing, as long as both are within the grammar.
    let offers = "permessage-deflate; server_max_window_bits=99, permessage-deflate";
    let request = asked(&Head::request().add("Sec-WebSocket-Extensions", offers).bytes()).request;
    assert!(request.accept(Answer::new()).is_ok());
    // The wrong version is not just a 400.
    let answer = refused(&Head::request().set("Sec-WebSocket-Version", "8").bytes(), Reason::UnsupportedVersion);
    assert_eq!((answer.status(), answer.value("Sec-WebSocket-Version")), (426, "13"));
}

/// Bugs of released crates at the server: a key of 30 characters ended in a panic, a cookie in Latin-1 was refused, a
/// failed handshake got no answer at all.
#[test]
fn bugs_of_released_crates_at_the_server() {
    assert_eq!(refused(&Head::request().set("Sec-WebSocket-Key", "A".repeat(30)).bytes(), Reason::Key).status(), 400);
    for length in 0..100 {
        if length != 24 {
            refused(&Head::request().set("Sec-WebSocket-Key", "A".repeat(length)).bytes(), Reason::Key);
            refused(&Head::request().set("Sec-WebSocket-Key", "=".repeat(length)).bytes(), Reason::Key);
        }
    }
    asked(&Head::request().add("Cookie", b"name=Andr\xe9").bytes());
    asked(&Head::request().set("Connection", "keep-alive").add("Connection", "Upgrade").bytes());
}

/// Bugs of released crates at the client: `keep-alive, Upgrade` refused, a long accept value ended in a panic, none was
/// taken, as were an extension that was not offered and the last of two subprotocols.
#[test]
fn bugs_of_released_crates_at_the_client() {
    taken(|accept| Head::switching(accept).set("Connection", "keep-alive, Upgrade").bytes());
    flawed(|_| Head::switching(&"A".repeat(64)).bytes(), Flaw::Accept);
    for length in 0..100 {
        flawed(|_| Head::switching(&"A".repeat(length)).bytes(), Flaw::Accept);
    }
    flawed(|accept| Head::switching(accept).without("Sec-WebSocket-Accept").bytes(), Flaw::Accept);
    flawed(|accept| Head::switching(accept).add("Sec-WebSocket-Extensions", "x").bytes(), Flaw::Extension);
    let request = request_for("ws://example.com/").subprotocol("a").unwrap().subprotocol("b").unwrap();
    let two = |accept: &str| {
        Head::switching(accept).add("Sec-WebSocket-Protocol", "a").add("Sec-WebSocket-Protocol", "b").bytes()
    };
    flawed_with(&Config::new(), &request, two, Flaw::Subprotocol);
}

/// erlang_ws, D9: whatever comes, no panic, and the same outcome for every cut: valid heads with random changes.
#[test]
fn random_changes() {
    let request = Head::request()
        .add("Origin", "http://example.com:8080")
        .add("Sec-WebSocket-Protocol", "chat, superchat")
        .add("Sec-WebSocket-Extensions", "foo; a=\"b\"; c, bar");
    let mut numbers = Numbers::new(1);
    let mut decided = [0; 3];
    for _ in 0..400 {
        let mut bytes = request.then(HELLO_MASKED);
        for _ in 0..=numbers.below(3) {
            change(&mut bytes, &mut numbers);
        }
        // The helper compares the outcomes for all cuts.
        match serve(&bytes) {
            Ok(Some(asked)) => {
                decided[0] += 1;
                assert!(asked.request.accept(Answer::new()).is_ok());
            }
            Ok(None) => decided[1] += 1,
            Err(_) => decided[2] += 1,
        }
    }
    assert!(decided[0] > 0 && decided[2] > 0, "the changes reach both ends: {decided:?}");
    for seed in 0..250 {
        let answer = |accept: &str| {
            let mut numbers = Numbers::new(seed);
            let mut bytes = Head::switching(accept).add("Server", "x").then(HELLO);
            for _ in 0..=numbers.below(3) {
                change(&mut bytes, &mut numbers);
            }
            bytes
        };
        let _ = judge(answer);
    }
}

fn change(bytes: &mut Vec<u8>, numbers: &mut Numbers) {
    let place = numbers.below(bytes.len());
    let telling = b"\r\n\0 \t:;,=\"\\/?#%@[]()aZ09\x7f\x80\xff";
    match numbers.below(5) {
        0 => bytes[place] = telling[numbers.below(telling.len())],
        1 => bytes[place] ^= 1 << numbers.below(8),
        2 => bytes.insert(place, telling[numbers.below(telling.len())]),
        3 => drop(bytes.remove(place)),
        _ => {
            let end = (place + numbers.below(40)).min(bytes.len());
            let copy = bytes[place..end].to_vec();
            let to = numbers.below(bytes.len());
            bytes.splice(to..to, copy);
        }
    }
}

/// D9: noise is refused, or waited for within the limit, and never ends in a panic.
#[test]
fn noise() {
    let mut numbers = Numbers::new(2);
    for length in [1, 2, 5, 20, 100, 1000, 3000] {
        for _ in 0..10 {
            let mut bytes: Vec<u8> = (0..length).map(|_| u8::try_from(numbers.below(256)).unwrap()).collect();
            assert!(!matches!(serve(&bytes), Ok(Some(_))));
            assert!(!matches!(judge(|_| bytes.clone()), Ok(Some(_))));
            bytes.extend_from_slice(b"\r\n\r\n");
            assert!(serve(&bytes).is_err(), "{}", bytes.escape_ascii());
            assert!(judge(|_| bytes.clone()).is_err(), "{}", bytes.escape_ascii());
        }
    }
}

/// D4: interim answers without end are taken out of the input, so that they cost no memory.
#[test]
fn endless_interim_answers() {
    let (mut handshake, _, _) = started(&request_for("ws://example.com/"), &Config::new());
    let mut input = Input::new();
    let interim = b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n".repeat(3);
    for _ in 0..10_000 {
        input.extend_from_slice(&interim);
        match handshake.receive(&mut input) {
            Ok(None) => assert!(input.len() < interim.len(), "{} bytes are kept", input.len()),
            // A limit on their number would be as good.
            Err(Error::Invalid(_)) => return,
            other => panic!("{other:?}"),
        }
    }
}

/// D9, D13: the same for answers that lack each of the lines, or have it twice: a value, not an assumption.
#[test]
fn answers_without_a_line() {
    for (name, flaw) in
        [("Upgrade", Flaw::Upgrade), ("Connection", Flaw::Connection), ("Sec-WebSocket-Accept", Flaw::Accept)]
    {
        flawed(|accept| Head::switching(accept).without(name).bytes(), flaw);
        flawed(|accept| Head::switching(accept).set(name, "").bytes(), flaw);
    }
    flawed(|accept| Head::switching(accept).add("Sec-WebSocket-Accept", ACCEPT).bytes(), Flaw::Accept);
    let (mut handshake, _, _): (client::Handshake, _, _) = started(&request_for("ws://example.com/"), &Config::new());
    let mut input = Input::from(&b"HTTP/1.1 101 x\r\n\r\n"[..]);
    assert!(matches!(handshake.receive(&mut input), Err(Error::Invalid(_))));
    assert!(!handshake.output().has_remaining());
}

/// The cuts that all this rests on are cuts of the whole, and more than one.
#[test]
fn the_cuts_are_whole() {
    for length in [1, 2, 3, 4, 100, 12_345] {
        let all = cuts(length);
        assert!(all.iter().all(|cut| cut.iter().sum::<usize>() == length), "{length}");
        assert!(all.contains(&vec![length]) && all.contains(&vec![1; length]));
    }
}
