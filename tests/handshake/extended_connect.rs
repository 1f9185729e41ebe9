//! WebSockets over HTTP/2 (RFC 8441) and HTTP/3 (RFC 9220): the request, its response, and a session over a stream whose
//! frames of HTTP are those of a test.

use crate::common::frames::{self, Frame, Seen, drain, feed, sent_by, take_events};
use crate::common::http::{Head, KEY, Written, final_response, request_for};
use ws_proto::handshake::client::{Exchange, Flaw};
use ws_proto::handshake::server::{Answer, Reason, Rejection, Request, RequestHead};
use ws_proto::handshake::{BuildError, PseudoHeaders, WebSocketUri};
use ws_proto::{Cause, CloseCode, CloseFrame, Config, Connection, Input, Role, Seed, Violation};

type Headers = Vec<(String, Vec<u8>)>;

fn owned<'h>(headers: impl Iterator<Item = (&'h str, &'h [u8])>) -> Headers {
    headers.map(|(name, value)| (name.into(), value.into())).collect()
}

fn borrowed(headers: &Headers) -> impl Iterator<Item = (&str, &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
}

/// The smallest valid request, as RFC 8441 §5.1 has it.
const PSEUDO: PseudoHeaders<'static> = PseudoHeaders {
    method: "CONNECT",
    protocol: Some("websocket"),
    scheme: "https",
    authority: "server.example.com",
    path: "/chat",
};
const VERSION: (&str, &[u8]) = ("sec-websocket-version", b"13");

fn asked(pseudo: &PseudoHeaders<'_>, headers: &[(&str, &[u8])]) -> Result<Request, Rejection> {
    Request::from_extended_connect(pseudo, headers.iter().copied(), &Config::new())
}

fn with(headers: &[(&'static str, &'static [u8])]) -> Vec<(&'static str, &'static [u8])> {
    [&[VERSION], headers].concat()
}

fn refused(pseudo: &PseudoHeaders<'_>, headers: &[(&str, &[u8])], reason: Reason) -> Written {
    let Err(rejection) = asked(pseudo, headers) else { panic!("{pseudo:?} {:?} must be refused", pseudo.path) };
    assert_eq!(rejection.reason(), reason, "{pseudo:?} {:?}", pseudo.path);
    let answer = final_response(&rejection.response().to_bytes());
    assert!(answer.values("Upgrade").is_empty(), "HTTP/2 has no upgrade (RFC 9113 §8.2.2): {answer:?}");
    answer
}

fn exchange(uri: &str) -> Exchange {
    Exchange::extended_connect(&request_for(uri), Seed::new([7; 32]), &Config::new())
}

// ---- The request

/// 8441-4-1, 8441-4-2, 8441-5-1, 8441-5-2, 8441-5-4, 9220-3-1: the pseudo-headers, for every kind of URI.
#[test]
fn the_pseudo_headers() {
    for (uri, scheme, authority, path) in [
        ("wss://server.example.com/chat", "https", "server.example.com", "/chat"),
        ("ws://server.example.com", "http", "server.example.com", "/"),
        ("ws://server.example.com?a", "http", "server.example.com", "/?a"),
        ("wss://server.example.com:443/", "https", "server.example.com", "/"),
        ("wss://server.example.com:80/", "https", "server.example.com:80", "/"),
        ("ws://[2001:db8::1]:8080/chat?room=7&x=%23", "http", "[2001:db8::1]:8080", "/chat?room=7&x=%23"),
        ("https://server.example.com/my feed?ids[]=1", "https", "server.example.com", "/my%20feed?ids[]=1"),
    ] {
        let exchange = exchange(uri);
        let pseudo = exchange.pseudo_headers();
        let expected = PseudoHeaders { method: "CONNECT", protocol: Some("websocket"), scheme, authority, path };
        assert_eq!(pseudo, expected, "{uri}");
        assert_eq!((exchange.method(), exchange.target()), ("CONNECT", path));
        assert!(exchange.is_extended_connect());
        // 8441-5-4: the rest of the target URI equals that of the WebSocket URI.
        let target: WebSocketUri = format!("{scheme}://{authority}{path}").parse().unwrap();
        assert_eq!(&target, exchange.uri());
    }
}

/// 8441-5-3, 8441-5-5, 8441-5-6, 8441-5-7, 8441-5-8: the headers, in lower case, and none that belong to HTTP/1.1.
#[test]
fn the_headers() {
    let request = request_for("wss://server.example.com/chat")
        .subprotocol("chat")
        .and_then(|request| request.subprotocol("superchat"))
        .and_then(|request| request.header("Origin", "https://example.com"))
        .and_then(|request| request.header("Cookie", b"a=\xe9"))
        .and_then(|request| request.header("X-MiXeD", "As It Is"))
        .unwrap();
    let exchange = Exchange::extended_connect(&request, Seed::new([7; 32]), &compressing());
    let mut expected: Headers = [
        ("sec-websocket-version", &b"13"[..]),
        ("sec-websocket-protocol", b"chat, superchat"),
        ("origin", b"https://example.com"),
        ("cookie", b"a=\xe9"),
        ("x-mixed", b"As It Is"),
    ]
    .map(|(name, value)| (name.into(), value.into()))
    .to_vec();
    if cfg!(feature = "deflate") {
        expected.push(("sec-websocket-extensions".into(), b"permessage-deflate; client_max_window_bits".to_vec()));
    }
    let mut headers = owned(exchange.headers());
    headers.sort();
    expected.sort();
    assert_eq!(headers, expected);
}

/// 8441-5-5, RFC 9113 §8.2.2: headers of the application that are about one connection of HTTP/1.1 are left out on
/// either side.
#[test]
fn headers_of_http_1_are_left_out() {
    let specific = ["Keep-Alive", "Proxy-Connection", "TE", "HTTP2-Settings", "keep-alive", "PROXY-CONNECTION"];
    let mut request = request_for("wss://server.example.com/chat");
    let mut answer = Answer::new();
    for name in specific {
        request.add_header(name, "x").unwrap();
        answer = answer.header(name, "x").unwrap();
    }
    request.add_header("Keep", "yes").unwrap();
    let answer = answer.header("Set-Cookie", "a=b").unwrap().header("SERVER", "X").unwrap();
    let exchange = Exchange::extended_connect(&request, Seed::new([7; 32]), &Config::new());
    let headers = owned(exchange.headers());
    assert_eq!(headers, [("sec-websocket-version".into(), b"13".to_vec()), ("keep".into(), b"yes".to_vec())]);

    let (acceptance, _) = asked(&PSEUDO, &[VERSION]).unwrap().accept_as_headers(answer).unwrap();
    let headers = owned(acceptance.headers());
    assert_eq!(headers, [("set-cookie".into(), b"a=b".to_vec()), ("server".into(), b"X".to_vec())]);
}

// ---- How a server reads it

/// 8441-4-3, 8441-5-3, 8441-5-6, 8441-5-8, 9220-3-1: what the request says can be read as that of an upgrade.
#[test]
fn what_a_server_sees() {
    let pseudo = PseudoHeaders { path: "/chat?room=7", ..PSEUDO };
    let headers =
        with(&[("origin", b"https://example.com"), ("cookie", b"a=\xe9"), ("sec-websocket-protocol", b"b, a")]);
    let request = asked(&pseudo, &headers).unwrap();
    assert!(request.is_extended_connect());
    assert_eq!((request.path(), request.query()), ("/chat", Some("room=7")));
    assert_eq!(request.host(), "server.example.com");
    assert_eq!(request.head().method(), "CONNECT");
    assert_eq!(request.head().target(), "https://server.example.com/chat?room=7");
    assert_eq!(request.origin(), Some(&b"https://example.com"[..]));
    assert_eq!(request.header("Cookie"), Some(&b"a=\xe9"[..]));
    assert_eq!(request.subprotocols().collect::<Vec<_>>(), ["b", "a"]);
    assert!(request.head().headers().eq(headers));

    for (authority, scheme) in [("localhost:9001", "http"), ("[2001:db8::1]:99", "HTTPS"), ("127.0.0.1", "https")] {
        let request = asked(&PseudoHeaders { authority, scheme, ..PSEUDO }, &[VERSION]).unwrap();
        assert_eq!(request.host(), authority);
    }
}

/// 8441-5-7: a key and an accept value are not looked at, and none is produced.
#[test]
fn keys_are_not_looked_at() {
    for key in [KEY, "", "no key", "AA=="] {
        let request = asked(&PSEUDO, &[VERSION, ("sec-websocket-key", key.as_bytes())]).unwrap();
        let (acceptance, _) = request.accept_as_headers(Answer::new()).unwrap();
        assert_eq!((acceptance.status(), acceptance.headers().count()), (200, 0));
    }
    let accept: [(&str, &[u8]); 2] = [("sec-websocket-accept", b"x"), ("sec-websocket-accept", b"y")];
    assert!(exchange("wss://server.example.com/").finish(200, accept).is_ok());
}

/// 8441-5-1, 8441-4-1: another method is not an extended CONNECT, whatever else it carries. A plain GET is for a page, as it is
/// over HTTP/1.1.
#[test]
fn other_methods() {
    let get = PseudoHeaders { method: "GET", protocol: None, ..PSEUDO };
    let answer = refused(&get, &[], Reason::NoUpgrade);
    assert_eq!((answer.status(), answer.value("Allow")), (405, "CONNECT"));
    assert_eq!(asked(&get, &[]).expect_err("a page").request().map(RequestHead::path), Some("/chat"));
    for (method, protocols) in [
        ("GET", &[Some("websocket")][..]),
        ("POST", &[Some("websocket"), None]),
        ("OPTIONS", &[Some("websocket"), None]),
        ("connect", &[Some("websocket"), None]),
        ("CONNECTS", &[Some("websocket"), None]),
    ] {
        for &protocol in protocols {
            let answer = refused(&PseudoHeaders { method, protocol, ..PSEUDO }, &[VERSION], Reason::Method);
            assert_eq!((answer.status(), answer.value("Allow")), (405, "CONNECT"), "{method}");
        }
    }
}

/// 8441-4-1, 8441-4-3, 8441-5-2, 9220-3-3: one protocol, websocket; another one, and a CONNECT that asks for a tunnel,
/// is answered with 501.
#[test]
fn other_protocols() {
    for protocol in [None, Some(""), Some("connect-udp"), Some("websockets"), Some("websocket, x"), Some("websocket\0")]
    {
        let answer = refused(&PseudoHeaders { protocol, ..PSEUDO }, &[VERSION], Reason::Protocol);
        assert_eq!(answer.status(), 501, "{protocol:?}");
    }
    // RFC 9113 §8.5: a plain CONNECT has neither scheme nor path.
    let tunnel = PseudoHeaders { protocol: None, scheme: "", path: "", authority: "example.org:443", ..PSEUDO };
    assert_eq!(refused(&tunnel, &[], Reason::Protocol).status(), 501);
}

/// 8441-4-2, 8441-5-4, RFC 9113 §8.3.1: scheme and path of an http or https URI.
#[test]
fn schemes_and_paths() {
    for scheme in ["", "ws", "wss", "ftp", "https:", "http s", "https\r\n"] {
        assert_eq!(refused(&PseudoHeaders { scheme, ..PSEUDO }, &[VERSION], Reason::Target).status(), 400, "{scheme}");
    }
    for path in ["", "*", "chat", "?x", "https://server.example.com/", "/#", "/a#b", "/\u{e9}"] {
        assert_eq!(refused(&PseudoHeaders { path, ..PSEUDO }, &[VERSION], Reason::Target).status(), 400, "{path}");
    }
}

/// 8441-4-3, 8441-5-6: the authority is a host with a port or without; a `Host` beside it says the same (RFC 9113 §8.3.1).
#[test]
fn authorities() {
    for authority in ["", ":443", "user@server.example.com", "a b", "a/b", "a#b", "a?b", "[::1", "x:99999", "\u{e9}"] {
        let answer = refused(&PseudoHeaders { authority, ..PSEUDO }, &[VERSION], Reason::Host);
        assert_eq!(answer.status(), 400, "{authority}");
    }
    assert!(asked(&PSEUDO, &with(&[("host", b"SERVER.example.com")])).is_ok());
    for host in
        [&[("host", &b"other.example.com"[..])][..], &[("host", b"")], &[("host", &b"server.example.com"[..]); 2]]
    {
        refused(&PSEUDO, &with(host), Reason::Host);
    }
}

/// D16: control characters and spaces in pseudo-headers are refused, and never returned as the head of a request.
#[test]
fn pseudo_headers_that_could_break_out() {
    for bad in ["\r\n", "\n", "\r", "\0", "\t", " ", "\u{7f}", "\u{1b}[0m", "\u{b}"] {
        let [method, scheme, authority, path] =
            ["CONNECT", "https", "server.example.com", "/chat"].map(|good| [good, bad, "x"].concat());
        for (pseudo, reason) in [
            (PseudoHeaders { method: &method, ..PSEUDO }, Reason::Method),
            (PseudoHeaders { scheme: &scheme, ..PSEUDO }, Reason::Target),
            (PseudoHeaders { authority: &authority, ..PSEUDO }, Reason::Host),
            (PseudoHeaders { path: &path, ..PSEUDO }, Reason::Target),
        ] {
            let rejection = asked(&pseudo, &[VERSION]).expect_err("a refusal");
            assert_eq!(rejection.reason(), reason, "{bad:?}");
            assert!(rejection.request().is_none(), "{bad:?}: {:?}", rejection.request());
            assert_eq!(final_response(&rejection.response().to_bytes()).status(), reason.status());
        }
        let protocol = ["websocket", bad].concat();
        refused(&PseudoHeaders { protocol: Some(&protocol), ..PSEUDO }, &[VERSION], Reason::Protocol);
    }
}

/// D13, D16: names and values that cannot have come in a header are refused as malformed lines are.
#[test]
fn headers_that_could_break_out() {
    for value in [&b"a\r\nx: y"[..], b"\n", b"\r", b"\0", b"a\x0bb", b"\x7f", b"\x1b"] {
        let rejection = asked(&PSEUDO, &[VERSION, ("x", value), ("y", b"z")]).expect_err("a refusal");
        assert_eq!(rejection.reason(), Reason::HeaderLine(2), "{}", value.escape_ascii());
        assert!(rejection.request().expect("the head").headers().eq([VERSION]), "those ahead of it");
    }
    for name in ["", " ", "x y", "x:", ":path", ":status", "x\r\ny", "x\0", "\u{e9}", "x\u{7f}", "(x)"] {
        refused(&PSEUDO, &[VERSION, (name, b"z")], Reason::HeaderLine(2));
    }
    let request = asked(&PSEUDO, &[VERSION, ("x", b"caf\xe9\t\x80\xff")]).unwrap();
    assert_eq!(request.header("x"), Some(&b"caf\xe9\t\x80\xff"[..]));
}

/// 8441-5-5, RFC 9113 §8.2.2: headers that are about one connection of HTTP/1.1 make the request malformed; `TE` may say
/// `trailers`.
#[test]
fn headers_of_http_1() {
    for (name, value) in [
        ("upgrade", "websocket"),
        ("connection", "Upgrade"),
        ("connection", "keep-alive"),
        ("connection", ""),
        ("Keep-Alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("te", "gzip"),
        ("te", "trailers, deflate"),
        ("http2-settings", "AAMAAABkAAQCAAAAAAIAAAAA"),
    ] {
        let answer = refused(&PSEUDO, &[VERSION, (name, value.as_bytes())], Reason::ConnectionSpecific);
        assert_eq!(answer.status(), 400, "{name}");
    }
    assert!(asked(&PSEUDO, &with(&[("te", b"trailers")])).is_ok());
    // Firefox and others: what is not about a connection is not judged.
    assert!(asked(&PSEUDO, &with(&[("priority", b"u=1"), ("accept-encoding", b"gzip")])).is_ok());
}

/// D14: a body is refused; what follows the headers are frames.
#[test]
fn a_body() {
    for (name, value) in [("content-length", &b"5"[..]), ("content-length", b""), ("transfer-encoding", b"chunked")] {
        assert_eq!(refused(&PSEUDO, &[VERSION, (name, value)], Reason::Body).status(), 400);
    }
    assert!(asked(&PSEUDO, &with(&[("content-length", b"0")])).is_ok());
}

/// 8441-5-8, 6455-4.2.2-8, 6455-4.4-1: the version; without `Upgrade` the answer is no 426 (RFC 9110 §15.5.22).
#[test]
fn versions() {
    for (headers, reason) in [
        (&[][..], Reason::Version),
        (&[("sec-websocket-version", &b"x"[..])], Reason::Version),
        (&[VERSION, VERSION], Reason::Version),
        (&[("sec-websocket-version", b"8")], Reason::UnsupportedVersion),
    ] {
        let answer = refused(&PSEUDO, headers, reason);
        assert_eq!((answer.status(), answer.value("Sec-WebSocket-Version")), (400, "13"));
    }
}

/// 8441-5-8: the lists keep their grammar, and `Origin` comes once.
#[test]
fn lists() {
    for (header, reason) in [
        (("sec-websocket-protocol", &b"a, a"[..]), Reason::Subprotocols),
        (("sec-websocket-protocol", b"a b"), Reason::Subprotocols),
        (("sec-websocket-extensions", b"x; a=\"b"), Reason::Extensions),
    ] {
        assert_eq!(refused(&PSEUDO, &[VERSION, header], reason).status(), 400);
    }
    refused(&PSEUDO, &with(&[("origin", b"https://a"), ("origin", b"https://a")]), Reason::Origin);
}

/// D13: the limits hold for headers of HTTP/2, too: the target, and a line for each.
#[test]
fn limits() {
    let headers = with(&[("x", b"0123456789")]);
    let target = "https://server.example.com/chat";
    let head = Head::new(format!("CONNECT {target} HTTP/1.1"));
    let length = headers.iter().fold(head, |head, (name, value)| head.add(name, value)).bytes().len();
    let judge = |config: &Config| Request::from_extended_connect(&PSEUDO, headers.iter().copied(), config);
    assert!(judge(&Config::new().max_head(length).max_headers(2)).is_ok());
    for (config, reason) in [
        (Config::new().max_head(length - 1), Reason::HeadTooLarge),
        (Config::new().max_head(0), Reason::HeadTooLarge),
        (Config::new().max_headers(1), Reason::TooManyHeaders),
    ] {
        let rejection = judge(&config).expect_err("a refusal");
        assert_eq!((rejection.reason(), rejection.response().status()), (reason, 431));
    }
    let long = ["/", &"x".repeat(40_000)].concat();
    refused(&PseudoHeaders { path: &long, ..PSEUDO }, &[VERSION], Reason::HeadTooLarge);
    let endless = std::iter::repeat(("x", &b"v"[..]));
    let rejection = Request::from_extended_connect(&PSEUDO, endless, &Config::new()).expect_err("a refusal");
    assert_eq!(rejection.reason(), Reason::TooManyHeaders);
}

/// 8441-5-7, 8441-5-9: there is no 101 over HTTP/2, so the request cannot be accepted with bytes.
#[test]
fn a_101_is_no_answer() {
    let request = asked(&PSEUDO, &[VERSION]).unwrap();
    assert_eq!(request.accept(Answer::new()).err(), Some(BuildError::ExtendedConnect));
    assert!(request.accept_as_headers(Answer::new()).is_ok(), "the request is still there");
}

// ---- How a client reads the response

/// 8441-5-9: any 2xx is a success, and nothing else is; 101 least of all.
#[test]
fn statuses() {
    for status in 0..=1000 {
        let outcome = exchange("wss://server.example.com/").finish(status, []);
        match outcome {
            Ok(established) => {
                assert!((200..300).contains(&status), "{status}");
                assert_eq!((established.subprotocol, established.connection.role()), (None, Role::Client));
            }
            Err(flaw) => {
                assert!(!(200..300).contains(&status), "{status}");
                assert_eq!(flaw, Flaw::Status(status));
            }
        }
    }
}

/// 8441-5-7, 8441-5-8: what a 2xx agrees on is held to the rules of RFC 6455; what only a 101 needs is not asked for.
#[test]
fn what_a_response_agrees_on() {
    let request = request_for("wss://server.example.com/").subprotocol("chat").unwrap();
    let finish = |headers: &[(&str, &[u8])]| {
        let exchange = Exchange::extended_connect(&request, Seed::new([7; 32]), &Config::new());
        exchange.finish(200, headers.iter().copied()).map(|established| established.subprotocol)
    };
    assert_eq!(finish(&[]), Ok(None));
    assert_eq!(finish(&[("sec-websocket-protocol", b"chat")]), Ok(Some("chat".into())));
    for (name, value, flaw) in [
        ("sec-websocket-protocol", &b"Chat"[..], Flaw::Subprotocol),
        ("sec-websocket-protocol", b"chat, x", Flaw::Subprotocol),
        ("sec-websocket-protocol", b"chat\r\n", Flaw::Subprotocol),
        ("sec-websocket-extensions", b"permessage-deflate", Flaw::Extension),
        ("sec-websocket-extensions", b"x\0", Flaw::Extension),
    ] {
        assert_eq!(finish(&[(name, value)]), Err(flaw), "{name}: {}", value.escape_ascii());
    }
    assert_eq!(finish(&[("sec-websocket-protocol", &b"chat"[..]); 2]), Err(Flaw::Subprotocol));
}

/// 8441-3-2, 8441-3-5: the request has what only a peer takes that has enabled it: to another one, a CONNECT with a
/// scheme, a path and a pseudo-header of an extension is malformed (RFC 9113 §8.5, §8.3).
#[test]
fn what_the_setting_enables() {
    let peer = |enable_connect_protocol: bool, pseudo: &PseudoHeaders<'_>| {
        let plain = pseudo.protocol.is_none() && pseudo.scheme.is_empty() && pseudo.path.is_empty();
        if enable_connect_protocol || plain { Ok(()) } else { Err("PROTOCOL_ERROR") }
    };
    let exchange = exchange("wss://server.example.com/chat");
    assert_eq!(peer(false, &exchange.pseudo_headers()), Err("PROTOCOL_ERROR"));
    assert_eq!(peer(true, &exchange.pseudo_headers()), Ok(()));
    // A peer that answers nevertheless declines, and nothing is sent on its stream.
    for status in [400, 405, 501] {
        assert_eq!(
            self::exchange("wss://server.example.com/chat").finish(status, []).err(),
            Some(Flaw::Status(status))
        );
    }
}

/// D16: what the application adds cannot end a header, over HTTP/2 as little as over HTTP/1.1.
#[test]
fn nothing_can_be_injected() {
    let request = || request_for("wss://server.example.com/");
    for value in [&b"a\r\nx: y"[..], b"\n", b"\r", b"\0", b"\x7f"] {
        assert!(matches!(request().header("X", value), Err(BuildError::HeaderValue(_))));
        assert!(matches!(Answer::new().header("X", value), Err(BuildError::HeaderValue(_))));
    }
    for name in ["", "x y", "x:", ":path", "x\r\ny", "x\0"] {
        assert_eq!(request().header(name, "x"), Err(BuildError::HeaderName));
        assert_eq!(Answer::new().header(name, "x"), Err(BuildError::HeaderName));
    }
}

/// `Debug` shows no query and no values of headers, and of pseudo-headers not even the path.
#[test]
fn debug_shows_no_secrets() {
    let request = request_for("wss://server.example.com/path?secret").header("Cookie", "secret").unwrap();
    let exchange = Exchange::extended_connect(&request, Seed::new([7; 32]), &Config::new());
    let pseudo = exchange.pseudo_headers();
    let headers = owned(exchange.headers());
    let server = Request::from_extended_connect(&pseudo, borrowed(&headers), &Config::new()).unwrap();
    let answer = Answer::new().header("Set-Cookie", "secret").unwrap();
    let (acceptance, _) = server.accept_as_headers(answer).unwrap();
    let refused =
        asked(&PseudoHeaders { protocol: None, ..pseudo }, &[VERSION, ("cookie", b"secret")]).expect_err("501");
    for shown in [
        format!("{exchange:?}"),
        format!("{server:?}"),
        format!("{:?}", server.head()),
        format!("{acceptance:?}"),
        format!("{:?}", acceptance.headers()),
        format!("{refused:?} {refused}"),
    ] {
        assert!(!shown.contains("secret"), "{shown}");
    }
    let shown = format!("{pseudo:?}");
    assert!(shown.contains("server.example.com") && !shown.contains("path?") && !shown.contains("secret"), "{shown}");
}

// ---- A session

fn compressing() -> Config {
    #[cfg(feature = "deflate")]
    return Config::new().deflate(ws_proto::DeflateConfig::new().threshold(0));
    #[cfg(not(feature = "deflate"))]
    return Config::new();
}

/// One direction of a stream of HTTP/2: what DATA frames carry, and how it ends.
#[derive(Default)]
struct Direction {
    data: Vec<u8>,
    end: Option<End>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    /// END_STREAM, or the FIN of a stream of QUIC.
    Stream,
    /// RST_STREAM with CANCEL, or H3_REQUEST_CANCELLED.
    Reset,
}

/// One end of a stream: its connection, and what it has received.
struct Side {
    ws: Connection,
    input: Input,
    /// Whether the end of what the peer sends has been seen.
    is_ended: bool,
    has_hung_up: bool,
    events: Vec<Seen>,
}

impl Side {
    fn new(ws: Connection) -> Self {
        Self { ws, input: Input::new(), is_ended: false, has_hung_up: false, events: Vec::new() }
    }

    /// Receives what came, in DATA frames of so many bytes.
    fn receive(&mut self, from: &mut Direction, size: usize) {
        for data in std::mem::take(&mut from.data).chunks(size) {
            self.input.extend_from_slice(data);
            self.events.extend(take_events(&mut self.ws, &mut self.input));
        }
        if from.end.is_some() && !self.is_ended {
            // END_STREAM and RST_STREAM alike.
            self.is_ended = true;
            self.ws.receive_eof();
            self.events.extend(take_events(&mut self.ws, &mut self.input));
        }
    }

    fn send(&mut self, to: &mut Direction) {
        to.data.extend(drain(&mut self.ws));
        if self.ws.interest().hang_up && !self.has_hung_up {
            self.has_hung_up = true;
            to.end = Some(End::Stream);
        }
    }
}

/// A WebSocket over a stream, both of its ends.
struct Session {
    client: Side,
    server: Side,
    up: Direction,
    down: Direction,
    size: usize,
}

impl Session {
    /// Hands pseudo-headers and headers over as values, and the acceptance back.
    fn open(config: &Config, size: usize) -> Self {
        let request = request_for("wss://server.example.com/chat").subprotocol("chat").unwrap();
        let exchange = Exchange::extended_connect(&request, Seed::new([7; 32]), config);
        let headers = owned(exchange.headers());
        let asked = Request::from_extended_connect(&exchange.pseudo_headers(), borrowed(&headers), config).unwrap();
        let answer = Answer::new().subprotocol("chat").unwrap();
        let (acceptance, server) = asked.accept_as_headers(answer).unwrap();
        assert_eq!(acceptance.status(), 200);
        let headers = owned(acceptance.headers());
        assert!(headers.iter().all(|(name, _)| name.starts_with("sec-websocket-") && name != "sec-websocket-accept"));
        let established = exchange.finish(acceptance.status(), borrowed(&headers)).unwrap();
        assert_eq!(established.subprotocol.as_deref(), Some("chat"));
        Self {
            client: Side::new(established.connection),
            server: Side::new(server),
            up: Direction::default(),
            down: Direction::default(),
            size,
        }
    }

    /// Carries DATA both ways until nothing moves any more.
    fn run(&mut self) {
        for _ in 0..10 {
            self.client.send(&mut self.up);
            self.server.receive(&mut self.up, self.size);
            self.server.send(&mut self.down);
            self.client.receive(&mut self.down, self.size);
        }
    }

    /// One side resets the stream: what was under way is lost in both directions.
    fn reset(&mut self) {
        for direction in [&mut self.up, &mut self.down] {
            *direction = Direction { data: Vec::new(), end: Some(End::Reset) };
        }
    }
}

fn cut_off() -> Seen {
    Seen::Closed {
        sent: None,
        received: None,
        cause: Cause::EndOfStream,
        code: 1006,
        reason: String::new(),
        clean: false,
    }
}

/// 8441-5-9, 8441-5-10, 9220-3-1, 9220-3-5: messages both ways, compressed or not, Ping, Close, and END_STREAM of the
/// server and then of the client, with DATA frames of any size.
#[test]
fn a_whole_session() {
    for (config, _compresses) in [(Config::new(), false), (compressing(), true)] {
        for size in [1, 7, 1000, 16_384] {
            let mut session = Session::open(&config, size);
            #[cfg(feature = "deflate")]
            assert_eq!(session.client.ws.deflate_parameters(), session.server.ws.deflate_parameters());
            #[cfg(feature = "deflate")]
            assert_eq!(session.client.ws.deflate_parameters().is_some(), _compresses);

            let long = "a text of some length, ".repeat(200);
            session.client.ws.send_text(&long).unwrap();
            session.client.ws.send_binary(&[7; 300]).unwrap();
            session.server.ws.send_text("hello").unwrap();
            session.run();
            session.client.ws.ping(b"there?").unwrap();
            session.run();
            let seen = [frames::text(&long), frames::binary([7; 300]), Seen::Ping(b"there?".to_vec())];
            assert_eq!(std::mem::take(&mut session.server.events), seen);
            let seen = [frames::text("hello"), Seen::Pong(b"there?".to_vec())];
            assert_eq!(std::mem::take(&mut session.client.events), seen);
            assert_eq!((session.up.end, session.down.end), (None, None));

            session.client.ws.close(CloseFrame::new(CloseCode::NORMAL, "bye").unwrap()).unwrap();
            session.run();
            let said = || (Some(1000), "bye".to_owned());
            let server = session.server.events.last().expect("an end").clone();
            assert!(matches!(&server, Seen::Closed { received, clean: true, .. } if *received == Some(said())));
            assert!(matches!(session.client.events[..], [Seen::Closed { cause: Cause::Agreed, .. }]));
            // RFC 6455 §7.1.1: the server first.
            assert_eq!((session.up.end, session.down.end), (Some(End::Stream), Some(End::Stream)));
        }
    }
}

/// RFC 6455 §7.1.1, 8441-5-10: after both Close frames the server ends the stream at once, and the client waits for that.
#[test]
fn who_ends_the_stream() {
    let mut session = Session::open(&Config::new(), 100);
    session.client.ws.close(CloseCode::NORMAL).unwrap();
    session.client.send(&mut session.up);
    assert_eq!(session.up.end, None);
    session.server.receive(&mut session.up, 100);
    session.server.send(&mut session.down);
    assert_eq!(session.down.end, Some(End::Stream), "with the Close frame");
    session.down.end = None;
    session.client.receive(&mut session.down, 100);
    session.client.send(&mut session.up);
    assert_eq!(session.up.end, None, "the client has both Close frames, and waits");
    session.down.end = Some(End::Stream);
    session.client.receive(&mut session.down, 100);
    session.client.send(&mut session.up);
    assert_eq!(session.up.end, Some(End::Stream));
    assert_eq!(session.client.events.len(), 1, "the end is returned once");
}

/// 8441-5-11, 9220-3-6: a stream that is reset in the middle of a message ends as a TCP connection that is: no part of the
/// message is returned, then `Closed` without a Close frame, and nothing is written any more.
#[test]
fn a_reset_in_the_middle() {
    let mut session = Session::open(&Config::new(), 100);
    session.client.ws.send_text("whole").unwrap();
    session.run();
    session.client.ws.send_binary(&[7; 1000]).unwrap();
    session.client.send(&mut session.up);
    session.up.data.truncate(500);
    session.server.receive(&mut session.up, 100);
    session.reset();
    session.run();
    assert_eq!(session.server.events, [frames::text("whole"), cut_off()]);
    assert_eq!(session.client.events, [cut_off()]);
    for side in [&mut session.client, &mut session.server] {
        assert!(!side.ws.interest().read && side.ws.interest().hang_up);
        assert!(side.ws.send_text("late").is_err());
        assert!(drain(&mut side.ws).is_empty());
    }
}

/// 8441-5-10: END_STREAM without a Close frame is an end, too, and an unclean one; what came before it is received.
#[test]
fn end_stream_without_a_close_frame() {
    let mut session = Session::open(&Config::new(), 100);
    session.server.ws.send_text("last words").unwrap();
    session.server.send(&mut session.down);
    session.down.end = Some(End::Stream);
    session.client.receive(&mut session.down, 100);
    assert_eq!(session.client.events, [frames::text("last words"), cut_off()]);
    assert!(session.client.ws.interest().hang_up);
}

/// 8441-5-11: a reset behind both Close frames, as a proxy may send it, is nothing.
#[test]
fn a_reset_after_the_end() {
    let mut session = Session::open(&Config::new(), 100);
    session.server.ws.close(CloseCode::GOING_AWAY).unwrap();
    session.run();
    let (client, server) = (session.client.events.clone(), session.server.events.clone());
    assert!(matches!(client[..], [Seen::Closed { clean: true, code: 1001, .. }]), "{client:?}");
    session.reset();
    session.run();
    session.client.ws.receive_eof();
    session.server.ws.receive_eof();
    session.run();
    assert_eq!((session.client.events, session.server.events), (client, server));
}

/// 8441-5-9, 6455-5.1-3, 6455-5.1-5: a client masks over HTTP/2, too, and either side fails the other's frames.
#[test]
fn masking_still_applies() {
    let mut session = Session::open(&Config::new(), 100);
    session.client.ws.send_text("hello").unwrap();
    session.server.ws.send_text("hello").unwrap();
    let (up, down) = (drain(&mut session.client.ws), drain(&mut session.server.ws));
    assert_eq!(sent_by(Role::Client, &up), [Frame::text("hello")]);
    assert_eq!(sent_by(Role::Server, &down), [Frame::text("hello")]);
    // Each gets what itself has sent.
    let seen = feed(&mut session.server.ws, &mut session.server.input, &down);
    assert_eq!(seen, [frames::failed(Violation::NotMasked)]);
    let seen = feed(&mut session.client.ws, &mut session.client.input, &up);
    assert_eq!(seen, [frames::failed(Violation::Masked)]);
}

/// 8441-5-8: the offer is the one that is made over HTTP/1.1.
#[test]
fn offered_as_over_http_1() {
    let request = request_for("wss://server.example.com/chat").subprotocol("chat").unwrap();
    let config = compressing();
    let exchange = Exchange::extended_connect(&request, Seed::new([7; 32]), &config);
    let (_, written, _) = crate::common::http::started(&request, &config);
    for name in ["sec-websocket-protocol", "sec-websocket-extensions", "sec-websocket-version"] {
        let lines: Vec<_> = exchange.headers().filter(|line| line.0 == name).map(|line| line.1).collect();
        assert_eq!(lines, written.values(name), "{name}");
    }
}

/// 6455-4.1-48, 8441-5-8: what is in use comes with the connection, so that the application can check the parameters of its
/// own extensions; over how many lines they came does not matter.
#[cfg(feature = "deflate")]
#[test]
fn extensions_in_use() {
    let wish = ws_proto::handshake::client::Request::new("wss://server.example.com/chat".parse().unwrap());
    let wish = wish.extension("x-a; n=1").unwrap().extension("x-b").unwrap();
    let exchange = |config: &Config| Exchange::extended_connect(&wish, Seed::new([3; 32]), config);
    let config = Config::new().deflate(ws_proto::DeflateConfig::new());
    let headers: [(&str, &[u8]); 2] = [
        ("sec-websocket-extensions", b"x-b;q=\"a b\" , x-a"),
        ("sec-websocket-extensions", b"permessage-deflate; server_no_context_takeover"),
    ];
    let established = exchange(&config).finish(200, headers).unwrap();
    let shown: Vec<String> = established.extensions.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["x-b; q=\"a b\"", "x-a", "permessage-deflate; server_no_context_takeover"]);
    assert!(established.connection.deflate_parameters().is_some_and(|agreed| agreed.server_no_context_takeover));

    assert!(exchange(&config).finish(200, []).unwrap().extensions.is_empty());
    for answer in ["x-c", "x-a, x-a", "x-a; n="] {
        let refused = exchange(&config).finish(200, [("sec-websocket-extensions", answer.as_bytes())]);
        assert_eq!(refused.err(), Some(Flaw::Extension), "{answer}");
    }
}
