//! How a server reads a request: what it takes, and what it refuses with which answer.

use crate::common::http::{Asked, Head, KEY, Written, asked, final_response, refused, refused_with, serve_with};
use ws_proto::handshake::NotHttp;
use ws_proto::handshake::server::{Handshake, Reason, Response};
use ws_proto::{Config, Input};

/// 6455-4.2.1-1: what is not there yet is waited for, what is complete is taken out of the input.
#[test]
fn a_request_is_taken_once_it_is_whole() {
    let bytes = Head::request().bytes();
    for end in 0..bytes.len() {
        let mut input = Input::from(&bytes[..end]);
        let waits = Handshake::new(&Config::new()).receive(&mut input);
        assert!(matches!(waits, Ok(None)), "after {end} bytes: {waits:?}");
    }
    let mut input = Input::from(&bytes[..]);
    assert!(matches!(Handshake::new(&Config::new()).receive(&mut input), Ok(Some(_))));
    assert!(input.is_empty());
}

/// 6455-4.2.1-2, 6455-4.2.1-11, 6455-4.1-47: what came is shown as it came; names compare in any case.
#[test]
fn the_head_is_shown_as_it_came() {
    let head = Head::request()
        .start("GET /a%20b/?room=7&x=%23?y HTTP/1.1")
        .add("X-Twice", "one")
        .add("x-tWICE", "two")
        .add("X-Empty", "");
    let request = asked(&head.bytes()).request;
    assert_eq!(request.head().method(), "GET");
    assert_eq!(request.head().target(), "/a%20b/?room=7&x=%23?y");
    assert_eq!((request.path(), request.query()), ("/a%20b/", Some("room=7&x=%23?y")));
    assert_eq!((request.head().path(), request.head().query()), (request.path(), request.query()));
    assert_eq!(request.header("X-TWICE"), Some(&b"one"[..]));
    assert_eq!(request.header("x-empty"), Some(&b""[..]));
    assert_eq!(request.header("X-Missing"), None);
    let names: Vec<_> = request.head().headers().map(|(name, _)| name).collect();
    let expected = [
        "Host",
        "Upgrade",
        "Connection",
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Version",
        "X-Twice",
        "x-tWICE",
        "X-Empty",
    ];
    assert_eq!(names, expected);
}

/// 6455-4.2.1-2: the target gives the resource name, as a path or within an absolute URI, which then also gives the
/// host (RFC 9112 §3.2.2).
#[test]
fn targets() {
    for (target, path, query, host) in [
        ("/", "/", None, "example.com"),
        ("/chat?", "/chat", Some(""), "example.com"),
        ("//double//", "//double//", None, "example.com"),
        ("/a;b=c/@:!$&'()*+,~-._", "/a;b=c/@:!$&'()*+,~-._", None, "example.com"),
        ("/x?http://other/", "/x", Some("http://other/"), "example.com"),
        ("http://other.example/chat", "/chat", None, "other.example"),
        ("https://other.example:8443/chat?a", "/chat", Some("a"), "other.example:8443"),
        ("ws://other.example/", "/", None, "other.example"),
        ("wss://[2001:db8::1]:99/x", "/x", None, "[2001:db8::1]:99"),
        ("HTTP://other.example", "/", None, "other.example"),
        ("http://other.example?a=/b", "/", Some("a=/b"), "other.example"),
    ] {
        let request = asked(&Head::request().start(format!("GET {target} HTTP/1.1")).bytes()).request;
        assert_eq!((request.path(), request.query(), request.host()), (path, query, host), "{target}");
        assert_eq!(request.head().target(), target);
    }
}

/// 6455-4.2.1-2: a target that holds no resource name.
#[test]
fn targets_that_are_none() {
    for target in ["*", "chat", "example.com:80", "?x", "ftp://example.com/", "http:/chat", "http://", "http:///chat"] {
        let answer = refused(&Head::request().start(format!("GET {target} HTTP/1.1")).bytes(), Reason::Target);
        assert_eq!(answer.status(), 400, "{target}");
    }
}

/// 6455-8.1-1, 6455-10.7-4: a target is ASCII; bytes that are not even UTF-8 are refused.
#[test]
fn a_target_that_is_not_utf8() {
    for target in [&b"/\xff"[..], b"/\xc3", b"/\xed\xa0\x80", b"/a?\xe2\x82"] {
        let head = Head::request().start([b"GET ", target, b" HTTP/1.1"].concat());
        let rejection = serve_with(&Config::new(), &head.bytes()).expect_err("a refusal");
        assert_eq!(rejection.reason().status(), 400);
    }
}

/// 6455-4.2.1-2: HTTP/1.1 it has to be; RFC 9110 §2.5 treats a later 1.x like it.
#[test]
fn http_versions() {
    let answer = refused(&Head::request().start("GET /chat HTTP/1.0").bytes(), Reason::HttpVersion);
    assert_eq!(answer.status(), 400);
    for start in ["GET /chat HTTP/0.9", "GET /chat HTTP/2.0", "GET /chat HTTP/1", "GET /chat http/1.1", "GET /chat"] {
        let rejection = serve_with(&Config::new(), &Head::request().start(start).bytes()).expect_err(start);
        assert_eq!(rejection.reason().status(), 400, "{start}");
    }
}

/// 6455-4.2.1-2: RFC 9110 §2.5: a later minor version is to be read as the latest one known; "HTTP/1.1 or higher".
#[test]
fn a_later_minor_version() {
    asked(&Head::request().start("GET /chat HTTP/1.2").bytes());
}

/// 6455-4.2.1-2, RFC 9110 §15.5.6: another method gets 405 and the name of the one that is allowed.
#[test]
fn other_methods() {
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "get", "GETS", "M-SEARCH"] {
        for head in [Head::request(), Head::new("").add("Host", "example.com")] {
            let answer = refused(&head.start(format!("{method} /chat HTTP/1.1")).bytes(), Reason::Method);
            assert_eq!(answer.status(), 405);
            assert_eq!(answer.value("Allow"), "GET", "{method}");
        }
    }
    for start in ["OPTIONS * HTTP/1.1", "CONNECT example.com:443 HTTP/1.1"] {
        let answer = refused(&Head::request().start(start).bytes(), Reason::Method);
        assert_eq!((answer.status(), answer.value("Allow")), (405, "GET"));
    }
}

/// RFC 9110 §9.3.2: the answer to HEAD has no body, whatever it says of its length, and it stays so.
#[test]
fn the_answer_to_head_has_no_body() {
    let mut handshake = Handshake::new(&Config::new());
    let mut input = Input::from(&Head::request().start("HEAD /chat HTTP/1.1").bytes()[..]);
    for time in 1..=2 {
        let rejection = handshake.receive(&mut input).expect_err("another method");
        let answer = Written::read(&rejection.response().to_bytes());
        assert_eq!((answer.status(), answer.value("Allow")), (405, "GET"));
        assert_eq!(answer.rest, b"", "time {time}");
    }
}

/// 6455-4.2.1-3, 6455-4.2.1-4, 6455-4.2.1-5, 6455-4.2.1-6, 6455-4.2.1-7: each mandatory field missing.
#[test]
fn a_mandatory_field_missing() {
    for (name, reason) in [
        ("Host", Reason::Host),
        ("Connection", Reason::Connection),
        ("Sec-WebSocket-Key", Reason::Key),
        ("Sec-WebSocket-Version", Reason::Version),
    ] {
        assert_eq!(refused(&Head::request().without(name).bytes(), reason).status(), 400, "{name}");
    }
}

/// 6455-4.2.1-4, RFC 9110 §15.5.22: without `Upgrade` it is a plain request; the answer names what it could upgrade to,
/// and `Upgrade` is listed in `Connection` (RFC 9110 §7.8).
#[test]
fn a_request_without_upgrade() {
    let answer = refused(&Head::request().without("Upgrade").bytes(), Reason::NoUpgrade);
    assert_eq!(answer.status(), 426);
    assert!(answer.has_token("Upgrade", "websocket"), "{answer:?}");
    assert!(answer.has_token("Connection", "Upgrade"), "{answer:?}");
}

/// RFC 9110 §7.8: an upgrade to something else is passed over when nothing speaks of a WebSocket, and the page is
/// served.
#[test]
fn another_upgrade_is_passed_over() {
    let h2c = Head::new("GET / HTTP/1.1")
        .add("Host", "example.com")
        .add("Connection", "Upgrade, HTTP2-Settings")
        .add("Upgrade", "h2c")
        .add("HTTP2-Settings", "AAMAAABkAAQCAAAAAAIAAAAA");
    refused(&h2c.bytes(), Reason::NoUpgrade);
    for (name, value) in [("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", "13")] {
        assert_eq!(refused(&h2c.clone().add(name, value).bytes(), Reason::Upgrade).status(), 400);
    }
}

/// A page can be served on the same port: a plain GET is returned as such, with its head, and the application answers.
#[test]
fn a_plain_get_can_be_answered_with_a_page() {
    let bytes = b"GET /index.html?lang=en HTTP/1.1\r\nHost: example.com\r\nAccept: text/html\r\nCookie: a=\xe9\r\n\r\n";
    let rejection = serve_with(&Config::new(), bytes).expect_err("a plain GET");
    assert_eq!(rejection.reason(), Reason::NoUpgrade);
    let head = rejection.request().expect("the head of the request");
    assert_eq!((head.method(), head.target()), ("GET", "/index.html?lang=en"));
    assert_eq!((head.path(), head.query()), ("/index.html", Some("lang=en")));
    assert_eq!(head.header("accept"), Some(&b"text/html"[..]));
    assert_eq!(head.header("Cookie"), Some(&b"a=\xe9"[..]));
    let page = Response::new(200).unwrap().with_body("text/html", "<h1>Hello</h1>").unwrap();
    let written = final_response(&page.to_bytes());
    assert_eq!((written.status(), written.value("Content-Type")), (200, "text/html"));
    assert_eq!(written.rest, b"<h1>Hello</h1>");
}

/// The refusal that is said again is the same: its head is still there to be looked at.
#[test]
fn a_refusal_said_again_still_has_the_request() {
    let mut handshake = Handshake::new(&Config::new());
    let mut input = Input::from(&b"GET /page HTTP/1.1\r\nHost: example.com\r\n\r\n"[..]);
    for time in 1..=2 {
        let rejection = handshake.receive(&mut input).expect_err("a plain GET");
        assert_eq!(rejection.request().map(|head| head.path().to_owned()).as_deref(), Some("/page"), "time {time}");
    }
}

/// The head of a refused request can be looked at whenever it was one.
#[test]
fn a_refusal_has_the_head_if_there_was_one() {
    for (head, reason) in [
        (Head::request().start("POST /chat HTTP/1.1"), Reason::Method),
        (Head::request().set("Sec-WebSocket-Version", "8"), Reason::UnsupportedVersion),
        (Head::request().set("Sec-WebSocket-Key", "short"), Reason::Key),
        (Head::request().add("Content-Length", "5"), Reason::Body),
        (Head::request().start("GET /chat HTTP/1.0"), Reason::HttpVersion),
    ] {
        let rejection = serve_with(&Config::new(), &head.bytes()).expect_err("a refusal");
        assert_eq!(rejection.reason(), reason);
        assert_eq!(rejection.request().expect("a head").path(), "/chat", "{reason:?}");
    }
    let rejection = serve_with(&Config::new(), b"nonsense\r\n\r\n").expect_err("a refusal");
    assert!(rejection.request().is_none());
}

/// 6455-4.2.1-3: `Host` is there exactly once and is a host with perhaps a port (RFC 9112 §3.2).
#[test]
fn hosts() {
    for host in [
        "example.com",
        "EXAMPLE.com",
        "localhost:9001",
        "127.0.0.1",
        "127.0.0.1:80",
        "[::1]",
        "[2001:db8::1]:8080",
        "a-b_c.example",
        "xn--bcher-kva.example",
        "example.com.",
    ] {
        assert_eq!(asked(&Head::request().set("Host", host).bytes()).request.host(), host);
    }
    for host in [
        "",
        "exa mple.com",
        "example.com/chat",
        "http://example.com",
        "user@example.com",
        "example.com:http",
        "example.com:80:80",
        "example.com:99999",
        "example.com, example.org",
        "exam\"ple.com",
        "exam\\ple.com",
        "example.com?x",
        "example.com#x",
        "[::1",
        "::1]",
        "[]",
        "[::1]x",
        "<example>",
        "%zz",
        "%",
        ":80",
    ] {
        assert_eq!(refused(&Head::request().set("Host", host).bytes(), Reason::Host).status(), 400, "{host}");
    }
    refused(&Head::request().set("Host", b"ex\xe4mple.com").bytes(), Reason::Host);
    refused(&Head::request().add("Host", "example.com").bytes(), Reason::Host);
    refused(&Head::request().add("host", "example.org").bytes(), Reason::Host);
    // An absolute target does not make the field dispensable (RFC 9112 §3.2).
    refused(&Head::request().start("GET http://example.com/ HTTP/1.1").without("Host").bytes(), Reason::Host);
}

/// 6455-4.2.1-4: `Upgrade` holds `websocket` in any case, among others and over several lines.
#[test]
fn upgrades() {
    for value in
        ["websocket", "WebSocket", "WEBSOCKET", "h2c, websocket", "websocket,foo/2", ", ,websocket,", "\twebsocket "]
    {
        asked(&Head::request().set("Upgrade", value).bytes());
    }
    asked(&Head::request().set("Upgrade", "h2c").add("Upgrade", "websocket").bytes());
    asked(&Head::request().add("Upgrade", "h2c").bytes());
    for value in ["h2c", "websockets", "web socket", "\"websocket\"", "webscocket", "websocket;q=1", "xwebsocket"] {
        assert_eq!(refused(&Head::request().set("Upgrade", value).bytes(), Reason::Upgrade).status(), 400, "{value}");
    }
}

/// 6455-4.2.1-5: `Connection` holds the token `Upgrade` in any case, in a list and over several lines.
#[test]
fn connections() {
    for value in [
        "Upgrade",
        "upgrade",
        "UPGRADE",
        "keep-alive, Upgrade",
        "keep-alive,Upgrade",
        "Upgrade , keep-alive",
        "keep-alive\t,\tupgrade\t",
        ",, Upgrade,",
    ] {
        asked(&Head::request().set("Connection", value).bytes());
    }
    for [first, second] in [["keep-alive", "Upgrade"], ["Upgrade", "keep-alive"], ["", "Upgrade"]] {
        asked(&Head::request().set("Connection", first).add("connection", second).bytes());
    }
    for value in ["", "keep-alive", "Upgrades", "keep-alive Upgrade", "\"Upgrade\"", "Up, grade", "Upgrade;x"] {
        assert_eq!(
            refused(&Head::request().set("Connection", value).bytes(), Reason::Connection).status(),
            400,
            "{value}"
        );
    }
}

/// 6455-4.2.1-6, 6455-4.3-1: one key that is the base64 of 16 bytes, with its padding.
#[test]
fn keys() {
    for key in [KEY, "AAAAAAAAAAAAAAAAAAAAAA==", "/////////////////////w==", "+/+/+/+/+/+/+/+/+/+/+w=="] {
        asked(&Head::request().set("Sec-WebSocket-Key", key).bytes());
        asked(&Head::request().set("Sec-WebSocket-Key", format!(" \t {key}\t")).bytes());
    }
    for key in [
        "",
        "AA==",
        "!!!!",
        "====",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZQ=",
        "dGhlIHNhbXBsZSBub25jZQ===",
        "dGhlIHNhbXBsZSBub25jZQ====",
        "dGhlIHNhbXBsZSBub25jZQ== x",
        "dGhlIHNhbXBsZSBub25j",     // 15 bytes
        "dGhlIHNhbXBsZSBub25jZWU=", // 17 bytes
        "dGhlIHNhbXBsZSBub25jZWVl", // 18 bytes, as long as a key
        "dGhlIHNhbXBsZSBub25jZ===",
        "dGhlIHNhbXBs=SBub25jZQ==",
        "dGhlIHNhbXBs ZSBub25jZQ=",
        "dGhlIHNhbXBsZSBub2-_ZQ==",
        "\"GhlIHNhbXBsZSBub25jZQ==",
        "========================",
        "dGhlIHNhbXBsZSBub25jZQdGhlIHNh",
        "dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==",
    ] {
        assert_eq!(refused(&Head::request().set("Sec-WebSocket-Key", key).bytes(), Reason::Key).status(), 400, "{key}");
    }
    refused(&Head::request().set("Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25\xffZQ==").bytes(), Reason::Key);
    refused(&Head::request().set("Sec-WebSocket-Key", "A".repeat(10_000)).bytes(), Reason::Key);
    refused(&Head::request().add("Sec-WebSocket-Key", KEY).bytes(), Reason::Key);
    refused(&Head::request().add("sec-websocket-key", "").bytes(), Reason::Key);
}

/// 6455-4.2.2-8, 6455-4.4-1, 6455-4.3-7: a version that is not spoken gets 426 with the one that is.
#[test]
fn versions_that_are_not_spoken() {
    for version in ["0", "1", "7", "8", "12", "14", "25", "99", "100", "130", "200", "249", "255"] {
        let head = Head::request().set("Sec-WebSocket-Version", version);
        let answer = refused(&head.bytes(), Reason::UnsupportedVersion);
        assert_eq!(answer.status(), 426);
        assert_eq!(answer.value("Sec-WebSocket-Version"), "13");
        assert!(answer.has_token("Upgrade", "websocket"), "RFC 9110 §15.5.22: {answer:?}");
        assert!(answer.has_token("Connection", "Upgrade"), "RFC 9110 §7.8: {answer:?}");
    }
}

/// 6455-4.3-5, 6455-4.2.1-7: a version is one number from 0 to 255 without leading zeros.
#[test]
fn versions_that_are_none() {
    for version in
        ["", "013", "00", "256", "1000", "99999999999999999999", "+13", "-13", "13.0", "13, 8", "13 8", "0x0d", "x"]
    {
        let head = Head::request().set("Sec-WebSocket-Version", version);
        assert_eq!(refused(&head.bytes(), Reason::Version).status(), 400, "{version}");
    }
    refused(&Head::request().set("Sec-WebSocket-Version", "１３").bytes(), Reason::Version);
    refused(&Head::request().add("Sec-WebSocket-Version", "13").bytes(), Reason::Version);
    refused(&Head::request().add("Sec-WebSocket-Version", "8").bytes(), Reason::Version);
    asked(&Head::request().set("Sec-WebSocket-Version", "\t13 ").bytes());
}

/// 6455-4.2.1-11, 6455-4.1-47: order has no meaning, names are compared in any case, what is unknown is passed over.
#[test]
fn order_case_and_unknown_fields() {
    asked(&Head::request().reversed().bytes());
    asked(&Head::request().rename(<[u8]>::to_ascii_lowercase).bytes());
    asked(&Head::request().rename(<[u8]>::to_ascii_uppercase).bytes());
    let head = Head::request()
        .add("Sec-WebSocket-Accept", "nonsense")
        .add("Sec-WebSocket-Unknown", "\"unclosed")
        .add("!#$%&'*+-.^_`|~0Az", "a name of all token characters")
        .add("Expect", "100-continue")
        .add("X", "");
    asked(&head.bytes());
}

/// The white space around a value belongs to nobody (RFC 9110 §5.5), that inside it stays.
#[test]
fn white_space_around_values() {
    let head = String::from_utf8(Head::request().add("X-Value", "a \t b").bytes()).unwrap();
    for spaced in [head.replace(": ", ":"), head.replace(": ", ": \t  \t"), head.replace("\r\n", " \t\r\n")] {
        // The start line and the empty line at the end are no fields.
        let spaced = spaced.replace("HTTP/1.1 \t\r\n", "HTTP/1.1\r\n");
        let spaced = spaced.strip_suffix("\r\n \t\r\n").map_or(spaced.clone(), |head| format!("{head}\r\n\r\n"));
        let request = asked(spaced.as_bytes()).request;
        assert_eq!(request.header("X-Value"), Some(&b"a \t b"[..]));
        assert_eq!(request.host(), "example.com");
    }
}

/// Bytes from 0x80 on are legal in values and are kept as they came (RFC 9110 §5.5): cookies in Latin-1 or UTF-8.
#[test]
fn high_bytes_in_values() {
    let value: Vec<u8> = [b'\t'].into_iter().chain(0x20..=0x7e).chain(0x80..=0xff).collect();
    let value = [b"x", &value[..], b"x"].concat();
    let request = asked(&Head::request().add("Cookie", &value).bytes()).request;
    assert_eq!(request.header("cookie"), Some(&value[..]));
    assert_eq!(request.head().headers().last(), Some(("Cookie", &value[..])));
}

/// 6455-4.2.1-1, RFC 9110 §5.5: control characters do not stand in values.
#[test]
fn control_characters_in_values() {
    for byte in (0..0x20).chain([0x7f]).filter(|byte| !b"\t\n\r".contains(byte)) {
        for value in [vec![b'a', byte, b'b'], vec![byte], vec![b'a', byte]] {
            let answer = refused(&Head::request().add("X-Value", &value).bytes(), Reason::HeaderLine(6));
            assert_eq!(answer.status(), 400, "{byte:#04x}");
        }
    }
    // A carriage return alone ends no line.
    refused(&Head::request().add("X-Value", "a\rb").bytes(), Reason::HeaderLine(6));
    refused(&Head::request().add("X-Value", "a\r\rb").bytes(), Reason::HeaderLine(6));
}

/// 6455-4.2.1-1, RFC 9112 §2.2: only CRLF ends a line here; a parser in front that thinks otherwise gets no chance.
#[test]
fn bare_line_feeds() {
    let head = String::from_utf8(Head::request().bytes()).unwrap();
    refused(head.replace("\r\n", "\n").as_bytes(), Reason::BareLineFeed);
    refused(head.replace("Upgrade: websocket\r\n", "Upgrade: websocket\n").as_bytes(), Reason::BareLineFeed);
    refused(head.replace("HTTP/1.1\r\n", "HTTP/1.1\n").as_bytes(), Reason::BareLineFeed);
    refused(head.replace("\r\n\r\n", "\n\r\n").as_bytes(), Reason::BareLineFeed);
    refused(head.replace("\r\n\r\n", "\r\n\n").as_bytes(), Reason::BareLineFeed);
    refused(&Head::request().add("X-Value", "a\nX-Other: b").bytes(), Reason::BareLineFeed);
}

/// 6455-4.2.1-1, 6455-10.7-4: what is not the head of an HTTP request.
#[test]
fn malformed_heads() {
    for bad in [
        "GET\r\n\r\n",
        "/chat HTTP/1.1\r\n\r\n",
        "G\u{1}T / HTTP/1.1\r\n\r\n",
        "GET / chat HTTP/1.1\r\n\r\n",
        "GET /\u{7f} HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1 \r\n\r\n",
        "GET / HTTP/1.1 \r\nX : y\r\n\r\n",
        "GET / HTTP/1.1\r\r\nX : y\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "{\"json\": true}\r\n\r\n",
    ] {
        assert_eq!(refused(bad.as_bytes(), Reason::Malformed).status(), 400, "{bad:?}");
    }
}

/// W14, 6455-4.2.1-1, 6455-10.7-4, RFC 9112 §5: a malformed header line is refused and named, and the method, the target
/// and the headers ahead of it can be read, for the log.
#[test]
fn malformed_header_lines() {
    for (lines, number) in [
        ("no colon", 6),
        (": no name", 6),
        (" : no name", 6),
        ("X-Name : space before the colon", 6),
        ("X Name: space within", 6),
        ("X-Name\t: tab", 6),
        ("X-N\u{e4}me: not ASCII", 6),
        ("X(Name): comment", 6),
        ("\"X-Name\": quoted", 6),
        ("X-Name: a\r\n folded (RFC 9112 §5.2)", 7),
        ("X-Name: a\r\n\tfolded", 7),
        ("X\0Name: NUL", 6),
        ("X-Name: NUL \0", 6),
        ("X-Name: a\rb", 6),
        ("X-Name: a\r", 6),
        ("\rX-Name: a", 6),
        ("X-Name: a\r\nX-Other: b\r\nX-Last : c\r\nX-More : d", 8),
    ] {
        for start in ["GET /chat?room=7 HTTP/1.1", "POST /chat?room=7 HTTP/1.1", "GET /chat?room=7 HTTP/1.0"] {
            let head = String::from_utf8(Head::request().start(start).bytes()).unwrap();
            let bytes = head.replace("\r\n\r\n", &format!("\r\n{lines}\r\n\r\n")).into_bytes();
            let answer = refused(&bytes, Reason::HeaderLine(number));
            assert_eq!(answer.status(), 400, "{lines:?}");
            assert!(String::from_utf8(answer.rest).unwrap().contains(&format!("line {number} ")), "{lines:?}");
            let rejection = serve_with(&Config::new(), &bytes).expect_err("a refusal");
            let head = rejection.request().expect("the first line is a good one");
            assert_eq!((head.method(), head.target()), (start.split(' ').next().unwrap(), "/chat?room=7"));
            assert_eq!((head.path(), head.query()), ("/chat", Some("room=7")));
            assert_eq!(head.headers().count(), number - 1, "{lines:?}");
            assert_eq!(head.header("host"), Some(&b"example.com"[..]));
        }
    }
    // The first header line, and the answer to HEAD, which has no body.
    let rejection = serve_with(&Config::new(), b"HEAD / HTTP/1.1\r\nHost : x\r\n\r\n").expect_err("a refusal");
    assert_eq!(rejection.reason(), Reason::HeaderLine(1));
    assert_eq!(rejection.request().map(|head| head.headers().count()), Some(0));
    assert_eq!(Written::read(&rejection.response().to_bytes()).rest, b"");
}

/// RFC 9112 §2.2: an empty line before the request line is passed over.
#[test]
fn an_empty_line_before_the_request() {
    asked(&[b"\r\n", &Head::request().bytes()[..]].concat());
}

/// The request announces no body: what follows the head is frames (RFC 6455 §4.1, a GET of RFC 9110 §9.3.1).
#[test]
fn a_body_is_refused() {
    for (name, value) in [
        ("Content-Length", "1"),
        ("Content-Length", "5"),
        ("content-length", "00005"),
        ("Content-Length", "18446744073709551616"),
        ("Content-Length", "0, 5"),
        ("Content-Length", "-1"),
        ("Content-Length", "+0"),
        ("Content-Length", "abc"),
        ("Content-Length", ""),
        ("Transfer-Encoding", "chunked"),
        ("Transfer-Encoding", "gzip, chunked"),
        ("transfer-encoding", "identity"),
        ("Transfer-Encoding", ""),
    ] {
        let head = Head::request().add(name, value);
        assert_eq!(refused(&head.then("hello"), Reason::Body).status(), 400, "{name}: {value}");
    }
    refused(&Head::request().add("Content-Length", "0").add("Content-Length", "5").bytes(), Reason::Body);
    asked(&Head::request().add("Content-Length", "0").bytes());
}

/// Only the bytes of the head count against [`Config::max_head`], and all of them do.
#[test]
fn the_limit_on_bytes_is_exact() {
    let head = Head::request().add("Cookie", "c".repeat(500));
    let length = head.bytes().len();
    let exact = Config::new().max_head(length);
    for bytes in [head.bytes(), head.then([0xff; 2000])] {
        let Ok(Some(Asked { rest, .. })) = serve_with(&exact, &bytes) else { panic!("the head is within the limit") };
        assert_eq!(rest, bytes[length..]);
        let short = Config::new().max_head(length - 1);
        assert_eq!(refused_with(&short, &bytes, Reason::HeadTooLarge).status(), 431);
    }
}

/// A head that cannot end within the limit is refused before more of it is waited for.
#[test]
fn the_limit_on_bytes_needs_no_end_of_the_head() {
    let bytes = Head::request().add("Cookie", "c".repeat(2000)).bytes();
    for limit in [0, 1, 10, 100, 1000] {
        let config = Config::new().max_head(limit);
        let mut handshake = Handshake::new(&config);
        let mut input = Input::from(&bytes[..limit]);
        assert!(handshake.receive(&mut input).is_ok(), "{limit} bytes are within the limit");
        input.extend_from_slice(&bytes[limit..=limit]);
        assert_eq!(handshake.receive(&mut input).expect_err("one more").reason(), Reason::HeadTooLarge);
    }
    assert!(serve_with(&Config::new().max_head(3000), &bytes).is_ok_and(|asked| asked.is_some()));
}

/// The defaults: 32 KiB and 128 lines.
#[test]
fn the_default_limits() {
    let bare = Head::request().add("Cookie", "").bytes().len();
    asked(&Head::request().add("Cookie", "c".repeat((32 << 10) - bare)).bytes());
    refused(&Head::request().add("Cookie", "c".repeat((32 << 10) - bare + 1)).bytes(), Reason::HeadTooLarge);
    let with = |lines| (5..lines).fold(Head::request(), |head, i| head.add(format!("X-{i}"), ""));
    assert_eq!(asked(&with(128).bytes()).request.head().headers().count(), 128);
    assert_eq!(refused(&with(129).bytes(), Reason::TooManyHeaders).status(), 431);
}

/// The number of lines is limited by [`Config::max_headers`], up and down.
#[test]
fn the_limit_on_lines_is_exact() {
    let with = |lines| (5..lines).fold(Head::request(), |head, i| head.add(format!("X-{i}"), "v")).bytes();
    for limit in [5, 6, 127, 128, 129, 1000] {
        let config = Config::new().max_headers(limit);
        let Ok(Some(Asked { request, .. })) = serve_with(&config, &with(limit)) else {
            panic!("{limit} lines are allowed")
        };
        assert_eq!(request.head().headers().count(), limit);
        assert_eq!(refused_with(&config, &with(limit + 1), Reason::TooManyHeaders).status(), 431);
    }
}

/// Every answer of the crate's own is a whole HTTP response; the statuses are those that the reasons name.
#[test]
fn every_reason_has_its_status() {
    for (reason, status) in [
        (Reason::Malformed, 400),
        (Reason::HeaderLine(1), 400),
        (Reason::NotHttp(NotHttp::Tls), 400),
        (Reason::NotHttp(NotHttp::Http2), 400),
        (Reason::BareLineFeed, 400),
        (Reason::HeadTooLarge, 431),
        (Reason::TooManyHeaders, 431),
        (Reason::Method, 405),
        (Reason::NoUpgrade, 426),
        (Reason::HttpVersion, 400),
        (Reason::Target, 400),
        (Reason::Host, 400),
        (Reason::Body, 400),
        (Reason::Upgrade, 400),
        (Reason::Connection, 400),
        (Reason::Version, 400),
        (Reason::UnsupportedVersion, 426),
        (Reason::Key, 400),
        (Reason::Origin, 400),
        (Reason::Subprotocols, 400),
        (Reason::Extensions, 400),
    ] {
        assert_eq!(reason.status(), status, "{reason:?}");
    }
}

/// 6455-7.2.2-1, 6455-10.7-2: a refusal ends with the HTTP answer; no Close frame follows it, and the transport is to
/// be closed.
#[test]
fn a_refusal_is_http_and_nothing_else() {
    for (head, reason) in [
        (Head::request().set("Sec-WebSocket-Key", ""), Reason::Key),
        (Head::request().set("Sec-WebSocket-Version", "8"), Reason::UnsupportedVersion),
        (Head::request().without("Host"), Reason::Host),
    ] {
        // `refused` checks that the answer is as long as it says and announces the end.
        let answer = refused(&head.then(crate::common::http::HELLO_MASKED), reason);
        assert!(answer.rest.is_ascii(), "text, not frames");
    }
}
