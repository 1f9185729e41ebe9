//! Handshakes from the wild: what servers in use send and a client has to take, what clients in use send and a server has
//! to take, and peers that do not speak HTTP. The helpers feed each input whole, byte by byte and in random cuts.

use crate::common::http::{
    HELLO, Head, Numbers, Taken, accept_for, asked, cuts, declined, final_response, flawed, judge, judge_with, refused,
    request_for, serve, started, taken,
};
use ws_proto::handshake::NotHttp;
use ws_proto::handshake::client::{Error, Flaw, Handshake, ResponseHead};
use ws_proto::handshake::server::{self, Answer, Reason};
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
        assert_eq!((declined.response.status(), &declined.body), (302, &Ok(b"body".to_vec())));
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

/// After how many bytes a server refuses, for what, and the bytes that it sends then. The bytes are fed one by one, and
/// in cuts they get the same verdict.
fn server_refuses(bytes: &[u8]) -> (usize, Reason, Vec<u8>) {
    let whole = serve(bytes).expect_err("a refusal");
    let mut handshake = server::Handshake::new(&Config::new());
    let mut input = Input::new();
    for (count, byte) in (1..).zip(bytes) {
        input.extend_from_slice(&[*byte]);
        match handshake.receive(&mut input) {
            Ok(None) => {}
            Ok(Some(_)) => panic!("taken: {}", bytes.escape_ascii()),
            Err(rejection) => {
                assert_eq!((rejection.reason(), rejection.response()), (whole.reason(), whole.response()));
                assert_eq!(rejection.reason().status(), 400);
                return (count, rejection.reason(), rejection.response().to_bytes().to_vec());
            }
        }
    }
    panic!("waits behind {}", bytes.escape_ascii())
}

/// The same for a client.
fn client_refuses(bytes: &[u8]) -> (usize, Flaw) {
    let Err(Error::Invalid(whole)) = judge(|_| bytes.to_vec()) else { panic!("{}", bytes.escape_ascii()) };
    let (mut handshake, _, _) = started(&request_for("wss://example.com/chat"), &Config::new());
    let mut input = Input::new();
    for (count, byte) in (1..).zip(bytes) {
        input.extend_from_slice(&[*byte]);
        match handshake.receive(&mut input) {
            Ok(None) => {}
            Err(Error::Invalid(flaw)) => {
                assert_eq!(flaw, whole);
                return (count, flaw);
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("waits behind {}", bytes.escape_ascii())
}

/// The first bytes of what is not HTTP/1, after how many it is refused, and what it is.
const AT_A_SERVER: &[(&[u8], usize, NotHttp)] = &[
    // A ClientHello; an alert; one in the form of TLS 1.0.
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 1, NotHttp::Tls),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 1, NotHttp::Tls),
    (b"\x15\x03\x01\x00\x02\x02\x46", 1, NotHttp::Tls),
    (b"\x14\x03\x03\x00\x01\x01", 1, NotHttp::Tls),
    (b"\x17\x03\x03\x00\x10", 1, NotHttp::Tls),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 12, NotHttp::Http2),
    (b"SSH-2.0-OpenSSH_9.6\r\n", 4, NotHttp::Ssh),
    (b"\x81\x85\x01\x02\x03\x04igohn", 1, NotHttp::WebSocketFrame),
    (b"\x82\x80\x01\x02\x03\x04", 1, NotHttp::WebSocketFrame),
    (b"\x88\x80\x01\x02\x03\x04", 1, NotHttp::WebSocketFrame),
    (b"\x89\x80\x01\x02\x03\x04", 1, NotHttp::WebSocketFrame),
    (b"\x8a\x80\x01\x02\x03\x04", 1, NotHttp::WebSocketFrame),
    (b"\x01\x80\x01\x02\x03\x04", 1, NotHttp::WebSocketFrame),
    (b"\x02\x80\x01\x02\x03\x04", 1, NotHttp::WebSocketFrame),
    (b"\xc1\x80\x01\x02\x03\x04", 1, NotHttp::WebSocketFrame),
    (b"PROXY TCP4 192.0.2.1 192.0.2.2 5000 80\r\nGET / HTTP/1.1\r\n\r\n", 6, NotHttp::ProxyProtocol),
    (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c", 12, NotHttp::ProxyProtocol),
    // Behind empty lines, which are passed over (RFC 9112 §2.2).
    (b"\r\n\x16\x03\x01", 3, NotHttp::Tls),
    (b"\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 14, NotHttp::Http2),
];

/// W5, W6, W7, 6455-4.2.1-1: a server refuses what is not HTTP as soon as its first bytes tell, names it, and answers with
/// a 400; TLS, which could not read it, gets no answer.
#[test]
fn a_server_names_what_is_not_http() {
    for (bytes, count, other) in AT_A_SERVER {
        let (after, reason, answer) = server_refuses(bytes);
        assert_eq!((after, reason), (*count, Reason::NotHttp(*other)), "{}", bytes.escape_ascii());
        if *other == NotHttp::Tls {
            assert!(answer.is_empty());
        } else {
            let written = final_response(&answer);
            assert_eq!(written.status(), 400);
            assert_eq!(String::from_utf8(written.rest).unwrap(), format!("{other}\n"));
        }
    }
    // An application may add to the response; to TLS it still sends nothing.
    let rejection = serve(b"\x16\x03\x01").expect_err("TLS");
    assert!(rejection.response().header("X-Why", "x").unwrap().to_bytes().is_empty());
    assert!(rejection.request().is_none());
    assert_eq!(rejection.to_string(), NotHttp::Tls.to_string());
}

/// W5, W6, W7, 6455-4.1-46: the same for a client, which a server greets so on a port for something else.
#[test]
fn a_client_names_what_is_not_http() {
    let cases: &[(&[u8], usize, NotHttp)] = &[
        // The alert of a TLS server that was sent a plain request, and a handshake record.
        (b"\x15\x03\x01\x00\x02\x02\x46", 1, NotHttp::Tls),
        (b"\x16\x03\x03\x00\x7a\x02", 1, NotHttp::Tls),
        (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64", 9, NotHttp::Http2),
        (b"\x00\x00\x00\x04\x00\x00\x00\x00\x00", 9, NotHttp::Http2),
        (b"SSH-2.0-OpenSSH_9.6\r\n", 4, NotHttp::Ssh),
        (b"\x81\x05hello", 1, NotHttp::WebSocketFrame),
        (b"\x82\x00", 1, NotHttp::WebSocketFrame),
        (b"\x88\x02\x03\xe8", 1, NotHttp::WebSocketFrame),
        (b"\x89\x00", 1, NotHttp::WebSocketFrame),
        (b"\x8a\x00", 1, NotHttp::WebSocketFrame),
        (b"\x01\x00", 1, NotHttp::WebSocketFrame),
        (b"\x02\x00", 1, NotHttp::WebSocketFrame),
        (b"\xc2\x00", 1, NotHttp::WebSocketFrame),
        (b"\r\n\x81\x05hello", 3, NotHttp::WebSocketFrame),
        (b"HTTP/1.1 100 Continue\r\n\r\n\x81\x05hello", 26, NotHttp::WebSocketFrame),
    ];
    for (bytes, count, other) in cases {
        assert_eq!(client_refuses(bytes), (*count, Flaw::NotHttp(*other)), "{}", bytes.escape_ascii());
        assert_eq!(Flaw::NotHttp(*other).to_string(), other.to_string());
    }
}

/// W7, 6455-4.2.1-1, 6455-4.1-46: bytes that begin no head, nor anything that is known, are refused at once.
#[test]
fn bytes_that_begin_no_head() {
    for byte in (0..=u8::MAX).filter(|&byte| !crate::common::http::is_token_byte(byte)) {
        if matches!(byte, 0x01 | 0x02 | 0x14..=0x17 | 0x81 | 0x82 | 0x88..=0x8a | 0xc1 | 0xc2) {
            continue;
        }
        let bytes = [byte, b'x', b'\r', b'\n', b'\r', b'\n'];
        match byte {
            // The end of a line, or the last part of the signature of the PROXY protocol.
            b'\r' | 0 => assert_eq!((server_refuses(&bytes).0, server_refuses(&bytes).1), (2, Reason::Malformed)),
            b'\n' => assert_eq!(server_refuses(&bytes).1, Reason::BareLineFeed),
            _ => assert_eq!((server_refuses(&bytes).0, server_refuses(&bytes).1), (1, Reason::Malformed), "{byte:#x}"),
        }
    }
    for (bytes, count) in
        [(&b"\0\r\nQUIX"[..], 7), (b"\r\r\n", 2), (b" GET / HTTP/1.1\r\n", 1), (b"\r\n{\"json\": true}", 3)]
    {
        let (after, reason, _) = server_refuses(bytes);
        assert_eq!((after, reason), (count, Reason::Malformed), "{}", bytes.escape_ascii());
    }
    for (bytes, count) in [
        (&b"GET / HTTP/1.1\r\n"[..], 1),
        (b"http/1.1 101 x\r\n", 1),
        (b"HTTP/2 101\r\n", 6),
        (b"HTTPS", 5),
        (b"HTTP/1,1", 7),
        (b"ICY 200 OK\r\n", 1),
        (b"SSL", 3),
        (b"220 mail.example.com ESMTP\r\n", 1),
        (b"<html>", 1),
        (b"\0\0\x12\x07\0\0\0\0\0", 4),
        (b"\0\0\x12\x04\0\0\0\0\x01", 9),
        (b"\0\r\nQUIT\n", 2),
        (b"\rHTTP/1.1 101 x\r\n", 2),
        (b"HTTP/1.1 100 x\r\n\r\nx", 19),
    ] {
        assert_eq!(client_refuses(bytes), (count, Flaw::Malformed), "{}", bytes.escape_ascii());
    }
}

/// W6, 6455-4.2.1-2: methods that begin like another protocol are methods.
#[test]
fn methods_that_begin_like_another_protocol() {
    for start in ["PROPFIND", "PROXYX", "PR", "PRI", "POST", "SSH", "SUBSCRIBE", "S", "P"] {
        refused(&Head::request().start(format!("{start} /chat HTTP/1.1")).bytes(), Reason::Method);
    }
    refused(b"PRI * HTTP/1.1\r\n\r\n", Reason::Method);
    for part in [&b""[..], b"P", b"PRI * HTTP/", b"PROXY", b"SSH", b"\r", b"\r\n", b"\r\n\r\n\0\r\nQUIT"] {
        assert!(matches!(serve(part), Ok(None)), "{}", part.escape_ascii());
    }
    for part in [&b""[..], b"H", b"HTTP/1", b"HTTP/1.1 1", b"S", b"\0", b"\0\0\x05\x04\0\0\0\0", b"\r", b"\n"] {
        assert!(matches!(judge(|_| part.to_vec()), Ok(None)), "{}", part.escape_ascii());
    }
}

/// W5, D4: what is undecided is within the limit on the head, too.
#[test]
fn the_limit_on_bytes_before_it_is_decided() {
    let config = Config::new().max_head(3);
    for bytes in [&b"PRI *"[..], b"PRI * HTTP/2.0\r\n", b"PRIX / HTTP/1.1\r\n", b"\r\nPRI * HTTP/2.0", b"\r\n\r\n\0"] {
        crate::common::http::refused_with(&config, bytes, Reason::HeadTooLarge);
    }
    assert!(matches!(crate::common::http::serve_with(&config, b"PRI"), Ok(None)));
}

/// Each sentence names the protocol.
#[test]
fn what_is_not_http_is_named() {
    for (other, words) in [
        (NotHttp::Tls, &["TLS", "wss"][..]),
        (NotHttp::Http2, &["HTTP/2", "HTTP/1.1"]),
        (NotHttp::Ssh, &["SSH"]),
        (NotHttp::WebSocketFrame, &["WebSocket frame", "handshake"]),
        (NotHttp::ProxyProtocol, &["PROXY protocol"]),
    ] {
        assert!(words.iter().all(|word| other.to_string().contains(word)), "{other}");
    }
}

/// W15, 6455-9.1-5, 6455-4.2.1-11: parameters of an extension that is not understood need only be skippable; devices after
/// TR-369 send such an offer.
#[test]
fn an_extension_with_quoted_parameters() {
    const NAME: &str = "Sec-WebSocket-Extensions";
    for (offer, name, parameter) in [
        ("bbf-usp-protocol; eid=\"os::0019C7-123456\"", "bbf-usp-protocol", ("eid", "os::0019C7-123456")),
        ("x-device; path=\"/a b,c;d=\\\"e\\\\\"", "x-device", ("path", "/a b,c;d=\"e\\")),
        ("x; empty=\"\"", "x", ("empty", "")),
        ("x; list=\"permessage-deflate, permessage-deflate\"", "x", ("list", "permessage-deflate, permessage-deflate")),
    ] {
        let alone = asked(&Head::request().add(NAME, offer).bytes()).request;
        let extension = alone.extensions().next().unwrap();
        assert_eq!(extension.name(), name);
        let parameters: Vec<_> = extension.parameters().collect();
        assert_eq!(parameters.len(), 1);
        assert_eq!((parameters[0].0, parameters[0].1.as_deref()), (parameter.0, Some(parameter.1)));
        for lines in [
            &[format!("{offer}, permessage-deflate")][..],
            &[format!("permessage-deflate, {offer}")],
            &[offer.to_owned(), "permessage-deflate".to_owned()],
        ] {
            let head = lines.iter().fold(Head::request(), |head, line| head.add(NAME, line));
            let request = asked(&head.bytes()).request;
            assert_eq!(request.extensions().count(), 2, "{lines:?}");
            assert!(request.extensions().any(|extension| extension.name() == "permessage-deflate"));
            #[cfg(feature = "deflate")]
            {
                let config = Config::new().deflate(ws_proto::DeflateConfig::new());
                let Ok(Some(asked)) = crate::common::http::serve_with(&config, &head.bytes()) else {
                    panic!("{lines:?}")
                };
                let mut ws = asked.request.accept(Answer::new()).unwrap();
                let answer = crate::common::http::Written::read(&crate::common::http::take_output(&mut ws));
                assert!(answer.value(NAME).starts_with("permessage-deflate"), "{lines:?}");
                assert!(ws.deflate_parameters().is_some());
            }
        }
    }
    // Bytes that are not UTF-8 are skippable, too.
    let request = asked(&Head::request().add(NAME, b"x; a=\"\xff\xe9\"; b, y").bytes()).request;
    let parameters: Vec<_> = request.extensions().next().unwrap().parameters().collect();
    assert_eq!(parameters.len(), 2);
    assert_eq!(parameters[0].1.as_deref(), Some("\u{fffd}\u{fffd}"));
    // What does not end cannot be skipped.
    for offer in ["x; a=\"", "x; a=\"b\\\"", "x; a=\"b\\", "x; a=\"b\"c", "permessage-deflate, x; a=\"b, y"] {
        refused(&Head::request().add(NAME, offer).bytes(), Reason::Extensions);
        flawed(|accept| Head::switching(accept).add(NAME, offer).bytes(), Flaw::Extension);
    }
    // A server may not use what was not offered, skippable or not.
    let answer = "bbf-usp-protocol; eid=\"os::0019C7-123456\"";
    flawed(|accept| Head::switching(accept).add(NAME, answer).bytes(), Flaw::Extension);
}

/// W16, RFC 9110 §5.6.1.2: a list without an element is as good as none.
#[test]
fn empty_lists() {
    for value in ["", " ", "\t", ",", " , ,\t,"] {
        for name in ["Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"] {
            for head in [Head::request().add(name, value), Head::request().add(name, value).add(name, value)] {
                let request = asked(&head.bytes()).request;
                assert_eq!((request.subprotocols().count(), request.extensions().count()), (0, 0), "{name}: {value:?}");
                assert_eq!(request.choose_subprotocol(&["chat", ""]), None);
                let mut ws = request.accept(Answer::new()).unwrap();
                let answer = crate::common::http::Written::read(&crate::common::http::take_output(&mut ws));
                assert!(answer.values(name).is_empty());
                let chosen = Answer::new().subprotocol("chat").unwrap();
                assert!(request.accept(chosen).is_err(), "it was not listed");
            }
            let head = Head::request().add(name, value).add(name, "chat").add(name, value);
            let request = asked(&head.bytes()).request;
            assert_eq!(request.subprotocols().count() + request.extensions().count(), 1, "{name}: {value:?}");
        }
    }
}

/// W16, 6455-4.1-48, RFC 9110 §5.6.1.2: so it is in an answer: nothing is in use, or what another line says.
#[test]
fn empty_lists_in_an_answer() {
    let wish = request_for("ws://example.com/chat").subprotocol("chat").unwrap();
    for value in ["", " ", "\t", ",", " , ,\t,"] {
        for name in ["Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"] {
            for count in 1..3 {
                let answer = |accept: &str| (0..count).fold(Head::switching(accept), |head, _| head.add(name, value));
                assert_eq!(taken(|accept| answer(accept).then(HELLO)).rest, HELLO, "{name}: {value:?}");
                let answer = judge_with(&Config::new(), &wish, |accept| answer(accept).then(HELLO));
                let taken = answer.unwrap().expect("a connection");
                assert_eq!((taken.accepted.subprotocol, &taken.rest[..]), (None, &HELLO[..]), "{name}: {value:?}");
            }
        }
        let name = "Sec-WebSocket-Protocol";
        let answer = judge_with(&Config::new(), &wish, |accept| {
            Head::switching(accept).add(name, value).add(name, "chat").add(name, value).bytes()
        });
        assert_eq!(answer.unwrap().expect("a connection").accepted.subprotocol.as_deref(), Some("chat"));
    }
}

/// Values of headers as text, where they are text.
#[test]
fn values_as_text() {
    for (value, text) in [
        (&b"Basic realm=\"x\""[..], Some("Basic realm=\"x\"")),
        (b"", Some("")),
        (b" \tcaf\xc3\xa9 ", Some("caf\u{e9}")),
        (b"caf\xe9", None),
        (b"\xff", None),
    ] {
        let no = declined(|_| Head::new("HTTP/1.1 401 x").add("X-Why", value).add("X-Why", "second").bytes());
        assert_eq!(no.response.header_str("x-WHY"), text, "{}", value.escape_ascii());
        assert_eq!(no.response.header_str("X-Wh"), None);
        let taken = taken(|accept| Head::switching(accept).add("X-Why", value).bytes());
        assert_eq!(taken.accepted.response.header_str("X-WHY"), text, "{}", value.escape_ascii());
    }
}

/// A 101 with these lines put in ahead of the others or behind them.
fn with_lines(accept: &str, lines: &str, ahead: bool) -> Vec<u8> {
    let head = String::from_utf8(Head::switching(accept).bytes()).unwrap();
    let (start, headers) = head.split_once("\r\n").unwrap();
    if ahead {
        format!("{start}\r\n{lines}\r\n{headers}").into_bytes()
    } else {
        format!("{start}\r\n{}{lines}\r\n\r\n", headers.strip_suffix("\r\n").unwrap()).into_bytes()
    }
}

/// W14, 6455-4.1-48, RFC 9112 §5.2: a user agent replaces folds by spaces, in any response.
#[test]
fn folded_lines() {
    for (folded, value) in [
        ("X-Note: one\r\n two", "one  two"),
        ("X-Note: one\r\n\ttwo", "one  two"),
        ("X-Note: one\n two", "one  two"),
        ("X-Note: one \t\r\n \t two\t", "one      two"),
        ("X-Note: one\r\n two\r\n three", "one  two  three"),
        ("X-Note:\r\n one", "one"),
        ("X-Note: one\r\n  \r\n", "one"),
        ("X-Note: one\r\n \r\n two", "one    two"),
        ("X-Note:\r\n ", ""),
        ("X-Note: one\r\n Upgrade: h2c", "one  Upgrade: h2c"),
        ("X-Note: a\tb\r\n c", "a\tb  c"),
    ] {
        let folded = folded.strip_suffix("\r\n").unwrap_or(folded);
        for ahead in [false, true] {
            let taken = opens_with_hello(|accept| with_lines(accept, folded, ahead));
            let response = &taken.accepted.response;
            assert_eq!(response.header("x-note"), Some(value.as_bytes()), "{folded:?}");
            assert_eq!(response.headers().count(), 4, "{folded:?}");
        }
        for status in ["302 Found", "403 Forbidden", "500 x"] {
            let bytes = format!("HTTP/1.1 {status}\r\n{folded}\r\nLocation: /v2\r\n\r\nbody");
            let declined = declined(|_| bytes.clone().into_bytes());
            assert_eq!(lines(&declined.response), [("X-Note", value), ("Location", "/v2")], "{folded:?}");
            assert_eq!(declined.body, Ok(b"body".to_vec()));
        }
    }
    // The headers that decide may be folded, too.
    opens_with_hello(|accept| {
        format!(
            "HTTP/1.1 101 x\r\nUpgrade:\r\n websocket\r\nConnection: keep-alive,\r\n\tUpgrade\r\n\
             Sec-WebSocket-Accept:\r\n {accept}\r\n\r\n"
        )
        .into_bytes()
    });
    opens_with_hello(|accept| {
        let head = Head::switching(accept).set("Connection", "keep-alive,\r\n Upgrade").add("X", "a\r\n b");
        with_line_ends(&head, || "\n")
    });
    flawed(|accept| Head::switching(accept).set("Upgrade", "websocket\r\n , h2c").bytes(), Flaw::Upgrade);
    flawed(
        |accept| Head::switching(accept).set("Sec-WebSocket-Accept", format!("{accept}\r\n x")).bytes(),
        Flaw::Accept,
    );
}

/// Lines that are no header, or a malformed one that decides nothing.
const MALFORMED: &[&str] = &[
    "X-Name : space before the colon",
    "X-Name\t: tab",
    "Server : folded\r\n and more",
    ": no name",
    " : no name",
    "\t: no name",
    "X Name: space within",
    "X(Name): comment",
    "X-N\u{e4}me: not ASCII",
    "Set-Cookie: a=\u{1}b",
    "Set-Cookie: a=\0b",
    "Set-Cookie: a=\u{7f}",
    "Set-Cookie: a\rb",
    "Set-Cookie: a\r",
    "X: a\rUpgrade: h2c",
    "\rX: y",
    "\r",
    "X\0: y",
    "Warning: mail() expects parameter 1\r\n\0",
    "PHP Warning:  foo() in /srv/x.php on line 7",
    "Warning without a colon",
    "Upgrade your browser",
    "Upgrade",
    "<b>Notice</b>: x\r\n\r continued",
    " begins with white space",
    "\0",
    "Sec-WebSocket-Version : 13",
];

/// W14, 6455-4.1-47, RFC 9112 §5: a malformed line that decides nothing is passed over: it costs neither the connection
/// of a 101 nor the status and the headers of a refusal.
#[test]
fn malformed_lines_are_passed_over() {
    for line in MALFORMED {
        for ahead in [false, true] {
            // A line that begins with white space is a fold unless it is the first.
            if line.starts_with([' ', '\t']) && !ahead {
                continue;
            }
            let taken = opens_with_hello(|accept| with_lines(accept, line, ahead));
            let expected = match *line {
                "Warning: mail() expects parameter 1\r\n\0" => 4,
                _ => 3,
            };
            assert_eq!(taken.accepted.response.headers().count(), expected, "{line:?}");
            assert!(taken.accepted.response.header("upgrade").is_some());
        }
        let bytes = format!("HTTP/1.1 403 Forbidden\r\n{line}\r\nX-Why: closed\r\nX: \t\r\n\r\nbody").into_bytes();
        let declined = declined(|_| bytes.clone());
        assert_eq!(declined.response.status(), 403, "{line:?}");
        assert!(lines(&declined.response).ends_with(&[("X-Why", "closed"), ("X", "")]), "{line:?}");
        assert_eq!(declined.body, Ok(b"body".to_vec()));
        // A CR at the end would belong to the end of the line.
        if line.ends_with('\r') {
            continue;
        }
        // Lone line feeds, and an interim response ahead.
        let bytes = format!("HTTP/1.1 103 x\n{line}\n\nHTTP/1.1 404 x\n{line}\nX-Why: closed\n\n").into_bytes();
        let declined = crate::common::http::declined(|_| bytes.clone());
        assert_eq!((declined.response.status(), declined.response.header("X-WHY")), (404, Some(&b"closed"[..])));
    }
    // A fold of a line that is passed over goes with it.
    opens_with_hello(|accept| with_lines(accept, "no colon\r\n Upgrade: h2c\r\n Connection: close", true));
    // The status line is not normalized.
    for start in ["HTTP/1.1 403 For\0bidden", "HTTP/1.1 403 For\rbidden", "HTTP/1.1 4O3 x"] {
        flawed(|_| format!("{start}\r\nX : y\r\n\r\n").into_bytes(), Flaw::Malformed);
    }
}

/// W14, 6455-4.1-41, 6455-4.1-42, 6455-4.1-43, 6455-4.1-44, 6455-4.1-45: a 101 in which a header that decides is
/// malformed is refused, alone or beside a good one; with another status it decides nothing.
#[test]
fn malformed_lines_that_decide() {
    for (name, value, flaw) in [
        ("Upgrade", "websocket", Flaw::Upgrade),
        ("Upgrade", "h2c", Flaw::Upgrade),
        ("Connection", "Upgrade", Flaw::Connection),
        ("connection", "close", Flaw::Connection),
        ("Sec-WebSocket-Accept", "(accept)", Flaw::Accept),
        ("SEC-WEBSOCKET-ACCEPT", "x", Flaw::Accept),
        ("Sec-WebSocket-Protocol", "chat", Flaw::Subprotocol),
        ("Sec-WebSocket-Extensions", "permessage-deflate", Flaw::Extension),
    ] {
        for bad in [
            format!("{name} : {value}"),
            format!("{name}\t: {value}"),
            format!("{name}\r\n : {value}"),
            format!("{name}: {value}\0"),
            format!("{name}: \u{1}{value}"),
            format!("{name}: {value}\rX: y"),
            format!("{name}: {value}\r\n \0"),
            format!("{name}\0: {value}"),
            format!("\0{name}: {value}"),
            format!("\r{name}: {value}"),
            format!("{}\0{}: {value}", &name[..3], &name[3..]),
        ] {
            for ahead in [false, true] {
                flawed(|accept| with_lines(accept, &bad.replace("(accept)", accept), ahead), flaw);
            }
            // In place of the good one.
            let alone = |accept: &str| {
                let head = Head::switching(accept);
                let has = !matches!(flaw, Flaw::Subprotocol | Flaw::Extension);
                let head = if has { head.without(name) } else { head };
                let text = String::from_utf8(head.bytes()).unwrap();
                let bad = bad.replace("(accept)", accept);
                text.replacen("\r\n", &format!("\r\n{bad}\r\n"), 1).into_bytes()
            };
            flawed(alone, flaw);
            let no = declined(|_| format!("HTTP/1.1 403 x\r\n{bad}\r\nX-Why: closed\r\n\r\n").into_bytes());
            assert_eq!(lines(&no.response).last(), Some(&("X-Why", "closed")), "{bad:?}");
        }
    }
    // White space ahead of the first header (RFC 9112 §2.2), as well.
    flawed(|accept| with_lines(accept, " Upgrade: h2c", true), Flaw::Upgrade);
    // After an interim response, what it had does not count.
    opens_with_hello(|accept| {
        [&b"HTTP/1.1 103 x\r\nUpgrade : h2c\r\n\r\n"[..], &Head::switching(accept).bytes()].concat()
    });
}

/// W14, D4: folds, spaces and malformed lines without number are read in linear time.
#[test]
fn very_many_folds() {
    let config = Config::new().max_head(8 << 20).max_headers(usize::MAX);
    for (line, count) in [("\r\n a", 500_000), ("\r\n ", 500_000), ("\r\nx", 500_000), ("\r\n \t \t \t \t", 200_000)] {
        let bytes = format!("HTTP/1.1 403 x\r\nX-Note: one{}\r\nX-Last: y\r\n\r\n", line.repeat(count)).into_bytes();
        let (mut handshake, _, _) = started(&request_for("ws://example.com/"), &config);
        let mut input = Input::from(&bytes[..]);
        let Err(Error::Declined(declined)) = handshake.receive(&mut input) else { panic!("declined") };
        assert_eq!(declined.response.headers().count(), 2);
        assert_eq!(declined.response.header("x-last"), Some(&b"y"[..]));
    }
}

/// A first line that is none is refused with its last byte, and nobody waits for the end of the head.
#[test]
fn a_first_line_that_is_none() {
    for line in ["EHLO x", "hello", "GET /", "GET / HTTP/1.", "GET / HTTP/2.0", "GET / HTTP/1.1 x", "GET / HTTP/0.9"] {
        let line = format!("{line}\r\n").into_bytes();
        for cut in cuts(line.len()) {
            let mut handshake = server::Handshake::new(&Config::new());
            let (mut input, mut fed) = (Input::new(), 0);
            for piece in cut {
                input.extend_from_slice(&line[fed..fed + piece]);
                fed += piece;
                let outcome = handshake.receive(&mut input);
                if fed < line.len() {
                    assert!(outcome.expect("the line has not ended").is_none());
                } else {
                    let rejection = outcome.expect_err("no request");
                    assert_eq!((rejection.reason(), rejection.request().is_none()), (Reason::Malformed, true));
                }
            }
        }
    }
    for line in ["HTTP/1.1 20", "HTTP/1.1 2000 x", "HTTP/1.1 2x0", "HTTP/1.1  200", "HTTP/1.x 200", "HTTP/1.1"] {
        for end in ["\n", "\r\n"] {
            let (mut handshake, _, _) = started(&request_for("ws://example.com/"), &Config::new());
            let mut input = Input::from(line.as_bytes());
            assert!(handshake.receive(&mut input).expect("the line has not ended").is_none(), "{line:?}");
            input.extend_from_slice(end.as_bytes());
            assert!(matches!(handshake.receive(&mut input), Err(Error::Invalid(Flaw::Malformed))), "{line:?}");
        }
    }
}

/// D4: what came ahead of a line that ends in a bare line feed can be read in the refusal, as far as it is well-formed.
#[test]
fn a_bare_line_feed_keeps_the_path() {
    let refusal = |bytes: &[u8]| {
        let mut input = Input::from(bytes);
        server::Handshake::new(&Config::new()).receive(&mut input).expect_err("a bare line feed")
    };
    let rejection = refusal(b"GET /chat?x HTTP/1.1\r\nHost: a\r\nX-One: 1\nX-Two: 2\r\n\r\n");
    let request = rejection.request().expect("the first line is complete");
    assert_eq!((rejection.reason(), request.path(), request.query()), (Reason::BareLineFeed, "/chat", Some("x")));
    assert!(request.headers().eq([("Host", &b"a"[..])]));

    let rejection = refusal(b"GET /chat HTTP/1.1\r\nHost: a\r\nB d: x\r\nX: 1\n\r\n\r\n");
    assert!(rejection.request().expect("a first line").headers().eq([("Host", &b"a"[..])]), "up to a malformed one");
    assert!(refusal(b"GET /chat HTTP/1.1\nHost: a\r\n\r\n").request().is_none(), "the first line is the one");
    let no_target = refusal(b"GET HTTP/1.1\r\nHost: a\n\r\n");
    assert!(no_target.request().is_none(), "{:?}", no_target.request());
}
