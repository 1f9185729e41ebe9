//! Forward proxies: the request for a tunnel, the answers to it, and requests in absolute form.

use crate::common::http::{HELLO, Head, Written, accept_for, asked, base64, cuts, request_for, started};
use ws_proto::bytes::Buf;
use ws_proto::handshake::client::Flaw;
use ws_proto::handshake::proxy::{Error, Handshake, Request};
use ws_proto::handshake::{BodyError, BuildError, NotHttp, RetryError, WebSocketUri, client};
use ws_proto::{Config, Event, Input, Seed};

fn request(uri: &str) -> Request {
    Request::new(&uri.parse::<WebSocketUri>().unwrap())
}

fn written(handshake: &mut Handshake) -> Written {
    let mut bytes = vec![0; handshake.output().remaining()];
    handshake.output().copy_to_slice(&mut bytes);
    let written = Written::read(&bytes);
    assert!(written.rest.is_empty());
    written
}

fn sent(request: &Request) -> Written {
    written(&mut Handshake::new(request, &Config::new()))
}

/// What becomes of an answer.
#[derive(Debug, PartialEq)]
enum Outcome {
    /// The status, and what is left for what follows.
    Tunnel(u16, Vec<u8>),
    /// The status, and the body up to the end of the stream.
    Declined(u16, Result<Vec<u8>, BodyError>),
    Invalid(Flaw),
    Waits,
}

fn in_pieces(config: &Config, bytes: &[u8], cut: &[usize]) -> Outcome {
    let mut handshake = Handshake::new(&request("wss://example.com/"), config);
    handshake.output().clear();
    let (mut input, mut fed, mut declined) = (Input::new(), 0, None);
    for piece in cut {
        input.extend_from_slice(&bytes[fed..fed + piece]);
        fed += piece;
        if declined.is_none() {
            match handshake.receive(&mut input) {
                Ok(None) => continue,
                Ok(Some(response)) => {
                    assert!(matches!(handshake.receive(&mut Input::new()), Err(Error::Invalid(Flaw::Over))));
                    assert_eq!(handshake.receive_body(&mut input), Err(BodyError::Over));
                    assert_eq!(handshake.retry(&request("ws://a/"), &input), Err(RetryError::NotDeclined));
                    return Outcome::Tunnel(response.status(), [&input.into_unread(), &bytes[fed..]].concat());
                }
                Err(Error::Declined(response)) => declined = Some(response.status()),
                Err(Error::Invalid(flaw)) => {
                    assert!(
                        matches!(handshake.receive(&mut Input::new()), Err(Error::Invalid(again)) if again == flaw)
                    );
                    assert_eq!(handshake.retry(&request("ws://a/"), &input), Err(RetryError::NotDeclined));
                    return Outcome::Invalid(flaw);
                }
                Err(error) => panic!("{error}"),
            }
            assert!(matches!(handshake.receive(&mut Input::new()), Err(Error::Invalid(Flaw::Over))));
        }
        match handshake.receive_body(&mut input) {
            Ok(Some(body)) => return Outcome::Declined(declined.unwrap(), Ok(body.to_vec())),
            Ok(None) => {}
            Err(error) => return Outcome::Declined(declined.unwrap(), Err(error)),
        }
    }
    let Some(status) = declined else { return Outcome::Waits };
    handshake.receive_eof();
    let body = handshake.receive_body(&mut input);
    Outcome::Declined(status, body.map(|body| body.expect("the stream has ended").to_vec()))
}

/// The outcome of an answer, the same in all cuts.
fn outcome_with(config: &Config, bytes: &[u8]) -> Outcome {
    let whole = in_pieces(config, bytes, &[bytes.len()]);
    let every_cut = (1..bytes.len().min(300)).map(|first| vec![first, bytes.len() - first]);
    for cut in cuts(bytes.len()).into_iter().chain(every_cut) {
        assert_eq!(in_pieces(config, bytes, &cut), whole, "{cut:?} of {}", bytes.escape_ascii());
    }
    whole
}

fn outcome(bytes: impl AsRef<[u8]>) -> Outcome {
    outcome_with(&Config::new(), bytes.as_ref())
}

/// 6455-4.1-10, RFC 9112 §3.2.3: host and port, always both, and `Host` with them.
#[test]
fn the_request() {
    for (uri, target) in [
        ("ws://example.com/chat?x", "example.com:80"),
        ("wss://example.com", "example.com:443"),
        ("ws://example.com:8080/", "example.com:8080"),
        ("wss://[2001:db8::1]/", "[2001:db8::1]:443"),
        ("https://EXAMPLE.com:444/", "EXAMPLE.com:444"),
    ] {
        let request = request(uri);
        assert_eq!(request.target(), target);
        let written = sent(&request);
        assert_eq!(written.start, format!("CONNECT {target} HTTP/1.1"));
        assert_eq!((written.value("Host"), written.lines.len()), (target, 1));
    }
}

/// The request can be written in any pieces.
#[test]
fn the_request_in_pieces() {
    let mut handshake = Handshake::new(&request("ws://example.com/"), &Config::new());
    let mut bytes = Vec::new();
    while handshake.output().has_remaining() {
        bytes.push(handshake.output().get_u8());
    }
    assert_eq!(bytes, b"CONNECT example.com:80 HTTP/1.1\r\nHost: example.com:80\r\n\r\n");
}

/// RFC 9110 §11.7.2: further lines, and credentials for the proxy, the last of which count.
#[test]
fn further_lines() {
    let request = request("ws://example.com/")
        .header("User-Agent", "x/1")
        .and_then(|request| request.header("proxy-authorization", "Bearer abc"))
        .and_then(|request| request.basic_auth("Aladdin", "open sesame"))
        .unwrap();
    let written = sent(&request);
    assert_eq!(written.value("User-Agent"), "x/1");
    assert_eq!(written.value("Proxy-Authorization"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    assert_eq!(written.lines.len(), 3);
    assert!(written.values("Authorization").is_empty());
}

/// CVE-2026-47072, CVE-2026-1527, D16: nothing that was given can end a line, or stand for what the handshake writes; what is
/// refused changes nothing.
#[test]
fn lines_that_may_not_be() {
    let before = request("ws://example.com/").header("X", "y").unwrap();
    let mut request = before.clone();
    for name in ["", " ", "X Y", "X:", "X\r\nY", "X\n", "\0", "\u{e9}"] {
        assert_eq!(request.add_header(name, "x"), Err(BuildError::HeaderName), "{name:?}");
    }
    for value in [&b"a\r\nX-Injected: yes"[..], b"\r", b"\n", b"\0", b"\x1f", b"\x7f"] {
        assert_eq!(request.add_header("X", value), Err(BuildError::HeaderValue("X".into())));
    }
    for name in ["Host", "host", "Connection", "Upgrade", "Content-Length", "Transfer-Encoding"] {
        assert_eq!(request.add_header(name, "x"), Err(BuildError::ReservedHeader(name.into())));
        assert_eq!(before.clone().header(name, "x"), Err(BuildError::ReservedHeader(name.into())));
    }
    for (user, password) in [("a:b", "c"), ("a\r\nX: y", "b"), ("a", "b\n"), ("\0", "")] {
        assert_eq!(request.set_basic_auth(user, password), Err(BuildError::Credentials));
    }
    assert_eq!(request, before);
    for uri in ["ws://a\r\nX: y/", "ws://a b/", "ws://a:80\n/"] {
        assert!(uri.parse::<WebSocketUri>().is_err());
    }
}

/// RFC 9110 §9.3.6: any 2xx opens the tunnel at the end of its head, whatever it says of a body; what follows stays.
#[test]
fn tunnels() {
    for head in [
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.0 200 Connection established\r\n\r\n",
        "HTTP/1.1 200\r\n\r\n",
        "HTTP/1.1 200 OK\nVia: x\n\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length : 5\r\nUpgrade : x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nProxy-Agent: x\r\n folded\r\nno colon\r\n\r\n",
        "\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        // RFC 9110 §15.2: interim responses.
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 x\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ] {
        for rest in
            [&b""[..], &HELLO, b"\x16\x03\x03\x00\x7a\x02", b"HTTP/1.1 101 x\r\n\r\n", b"5\r\nsorry\r\n0\r\n\r\n"]
        {
            let bytes = [head.as_bytes(), rest].concat();
            assert_eq!(outcome(&bytes), Outcome::Tunnel(200, rest.to_vec()), "{head:?}");
        }
        assert_eq!(outcome(&head[..head.len() - 1]), Outcome::Waits, "{head:?}");
    }
    for status in [200, 201, 202, 204, 206, 250, 299] {
        let bytes = format!("HTTP/1.1 {status} x\r\nContent-Length: 3\r\n\r\nabc");
        assert_eq!(outcome(bytes), Outcome::Tunnel(status, b"abc".to_vec()));
    }
}

/// The head of the answer can be read.
#[test]
fn the_head_of_the_answer() {
    let mut handshake = Handshake::new(&request("ws://example.com/"), &Config::new());
    let mut input = Input::from(&b"HTTP/1.1 200 OK\r\nVia: 1.1 x\r\nProxy-Agent: caf\xe9\r\n\r\n"[..]);
    let response = handshake.receive(&mut input).unwrap().unwrap();
    assert_eq!((response.header_str("via"), response.header_str("proxy-agent")), (Some("1.1 x"), None));
    assert_eq!(response.headers().count(), 2);
}

/// 6455-4.1-13: any other status is a no, with its body.
#[test]
fn refusals() {
    for status in [300, 302, 400, 403, 404, 405, 407, 429, 500, 502, 503, 504, 599] {
        for (rest, body) in [
            ("Content-Length: 5\r\n\r\nsorry", Ok("sorry")),
            ("Transfer-Encoding: chunked\r\n\r\n5;x\r\nsorry\r\n0\r\n\r\n", Ok("sorry")),
            ("\r\nsorry", Ok("sorry")),
            ("Content-Length: 6\r\n\r\nsorry", Err(BodyError::Truncated)),
            ("Content-Length: 5, 6\r\n\r\nsorry", Err(BodyError::ContentLength)),
            ("Content-Length : 5\r\n\r\nsorry", Err(BodyError::ContentLength)),
            ("Transfer-Encoding: gzip\r\n\r\nsorry", Err(BodyError::TransferEncoding)),
            ("Transfer-Encoding: chunked\r\n\r\nsorry", Err(BodyError::Chunk)),
        ] {
            let bytes = format!("HTTP/1.1 {status} x\r\n{rest}");
            assert_eq!(outcome(&bytes), Outcome::Declined(status, body.map(Into::into)), "{bytes:?}");
        }
    }
    let error = Handshake::new(&request("ws://a/"), &Config::new())
        .receive(&mut Input::from(&b"HTTP/1.1 407 topsecret\r\nProxy-Authenticate: topsecret\r\n\r\n"[..]))
        .unwrap_err();
    assert_eq!(error.to_string(), "the proxy answered with status 407");
    assert!(!format!("{error:?} {error:#?}").contains("topsecret"));
}

/// CVE-2024-23326, RFC 9110 §7.8: 101 opens no tunnel, even with all the lines of one.
#[test]
fn a_101_is_no_tunnel() {
    for head in [Head::new("HTTP/1.1 101 Switching Protocols"), Head::switching(crate::common::http::ACCEPT)] {
        assert_eq!(outcome(head.then(HELLO)), Outcome::Invalid(Flaw::Switching));
    }
}

/// What is no answer of HTTP is recognized as in the handshake.
#[test]
fn what_is_not_http() {
    for (bytes, flaw) in [
        (&b"\x15\x03\x01\x00\x02\x02\x46"[..], Flaw::NotHttp(NotHttp::Tls)),
        (b"SSH-2.0-OpenSSH_9\r\n", Flaw::NotHttp(NotHttp::Ssh)),
        (b"\0\0\x12\x04\0\0\0\0\0\0", Flaw::NotHttp(NotHttp::Http2)),
        (&HELLO, Flaw::NotHttp(NotHttp::WebSocketFrame)),
        (b"\x05\xff", Flaw::Malformed), // SOCKS 5
        (b"ICY 200 OK\r\n\r\n", Flaw::Malformed),
        (b"HTTP/1.1 2OO OK\r\n\r\n", Flaw::Malformed),
        (b"HTTP/1.1 099 x\r\n\r\n", Flaw::Malformed),
        (b"HTTP/2 200\r\n\r\n", Flaw::Malformed),
    ] {
        assert_eq!(outcome(bytes), Outcome::Invalid(flaw), "{}", bytes.escape_ascii());
    }
}

/// D13: the limits of heads and bodies hold.
#[test]
fn limits() {
    let head = "HTTP/1.1 200 OK\r\nX: xxxx\r\nY: y\r\n\r\n";
    assert_eq!(outcome_with(&Config::new().max_head(head.len()), head.as_bytes()), Outcome::Tunnel(200, vec![]));
    let too_large = outcome_with(&Config::new().max_head(head.len() - 1), head.as_bytes());
    assert_eq!(too_large, Outcome::Invalid(Flaw::HeadTooLarge));
    assert_eq!(outcome_with(&Config::new().max_headers(2), head.as_bytes()), Outcome::Tunnel(200, vec![]));
    let too_many = outcome_with(&Config::new().max_headers(1), head.as_bytes());
    assert_eq!(too_many, Outcome::Invalid(Flaw::TooManyHeaders));
    let interim = "HTTP/1.1 100 Continue\r\n\r\n".repeat(2000);
    assert_eq!(in_pieces(&Config::new(), interim.as_bytes(), &[interim.len()]), Outcome::Invalid(Flaw::HeadTooLarge));
    let no = outcome_with(&Config::new().max_body(4), b"HTTP/1.1 502 x\r\nContent-Length: 5\r\n\r\nsorry");
    assert_eq!(no, Outcome::Declined(502, Err(BodyError::TooLarge)));
}

/// An answer that the stream cuts off.
#[test]
fn the_end_of_the_stream() {
    let head = b"HTTP/1.1 200 OK\r\n\r\n";
    for end in 0..head.len() {
        let mut handshake = Handshake::new(&request("ws://a/"), &Config::new());
        let mut input = Input::from(&head[..end]);
        assert!(matches!(handshake.receive(&mut input), Ok(None)));
        handshake.receive_eof();
        assert!(matches!(handshake.receive(&mut input), Err(Error::Invalid(Flaw::Truncated))), "{end}");
    }
}

/// RFC 9110 §15.5.8: credentials after a 407, on the same connection; then the tunnel, and the handshake through it.
#[test]
fn credentials_after_a_407() {
    let uri: WebSocketUri = "ws://example.com/chat".parse().unwrap();
    let first = b"HTTP/1.1 407 x\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 5\r\n\r\nsorry";
    for cut in 0..=first.len() {
        let mut tunnel = Handshake::new(&Request::new(&uri), &Config::new());
        assert!(written(&mut tunnel).values("Proxy-Authorization").is_empty());
        let mut input = Input::from(&first[..cut]);
        let mut outcome = tunnel.receive(&mut input);
        let body = if outcome.is_err() { tunnel.receive_body(&mut input).unwrap() } else { None };
        input.extend_from_slice(&first[cut..]);
        if outcome.is_ok() {
            outcome = tunnel.receive(&mut input);
        }
        assert!(matches!(outcome, Err(Error::Declined(no)) if no.status() == 407));
        let body = body.or_else(|| {
            assert_eq!(tunnel.retry(&Request::new(&uri), &input), Err(RetryError::Body));
            tunnel.receive_body(&mut input).unwrap()
        });
        assert_eq!(body.as_deref(), Some(&b"sorry"[..]));

        let request = Request::new(&uri).basic_auth("user", "password").unwrap();
        tunnel.retry(&request, &input).unwrap();
        let second = written(&mut tunnel);
        assert_eq!(second.start, "CONNECT example.com:80 HTTP/1.1");
        assert_eq!(second.value("Proxy-Authorization"), format!("Basic {}", base64(b"user:password")));

        input.extend_from_slice(b"HTTP/1.1 200 OK\r\n\r\n");
        assert!(tunnel.receive(&mut input).unwrap().is_some());
        let (mut handshake, written, key) = started(&client::Request::new(uri.clone()), &Config::new());
        assert!(written.values("Proxy-Authorization").is_empty(), "the server does not see it");
        input.extend_from_slice(&Head::switching(&accept_for(&key)).then(HELLO));
        let mut ws = handshake.receive(&mut input).unwrap().unwrap().connection;
        assert!(matches!(ws.receive(&mut input), Some(Event::Text(text)) if text == "Hello"));
    }
    let mut closing = Handshake::new(&Request::new(&uri), &Config::new());
    let mut input = Input::from(&b"HTTP/1.1 407 x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"[..]);
    assert!(closing.receive(&mut input).is_err());
    assert_eq!(closing.retry(&Request::new(&uri), &input), Err(RetryError::ConnectionEnds));
}

/// 6455-4.1-22, RFC 9112 §3.2.2: a request in absolute form names scheme, host, port and resource; a server takes it.
#[test]
fn absolute_form() {
    for (uri, target, host) in [
        ("ws://example.com", "http://example.com/", "example.com"),
        ("ws://example.com:8080/a b?c", "http://example.com:8080/a%20b?c", "example.com:8080"),
        ("ws://[::1]:81/?x", "http://[::1]:81/?x", "[::1]:81"),
    ] {
        let request = request_for(uri).absolute_form().unwrap();
        let mut handshake = client::Handshake::new(&request, Seed::new([7; 32]), &Config::new());
        let bytes = handshake.output().to_vec();
        let written = Written::read(&bytes);
        assert_eq!(written.start, format!("GET {target} HTTP/1.1"));
        assert_eq!((written.value("Host"), written.lines.len()), (host, 5));
        let came = asked(&bytes).request;
        assert_eq!((came.head().target(), came.host()), (target, host));
    }
    for uri in ["wss://example.com/", "https://example.com:80/"] {
        assert_eq!(request_for(uri).absolute_form(), Err(BuildError::AbsoluteForm));
    }
    let plain = request_for("ws://example.com/chat");
    assert_eq!(started(&plain, &Config::new()).1.start, "GET /chat HTTP/1.1");
}

/// RFC 9110 §11.7.2: `Proxy-Authorization` is in a request for the server only where it was asked for.
#[test]
fn credentials_in_absolute_form() {
    let request = request_for("ws://example.com/").basic_auth("a", "b").unwrap().absolute_form().unwrap();
    let (_, written, _) = started(&request, &Config::new());
    assert!(written.values("Proxy-Authorization").is_empty());
    let request = request.proxy_basic_auth("x", "y").and_then(|request| request.proxy_basic_auth("c", "d")).unwrap();
    let (_, written, _) = started(&request, &Config::new());
    assert_eq!(written.value("Proxy-Authorization"), format!("Basic {}", base64(b"c:d")));
    assert_eq!(written.value("Authorization"), format!("Basic {}", base64(b"a:b")));
    assert_eq!(request.proxy_basic_auth("a:b", "c"), Err(BuildError::Credentials));
}

/// Neither `Debug` shows a value of a header, of the request or of the answer.
#[test]
fn debug_hides_values() {
    let request = request("ws://example.com/chat?topsecret")
        .header("X-Token", "topsecret")
        .and_then(|request| request.basic_auth("Aladdin", "open sesame"))
        .unwrap();
    let mut handshake = Handshake::new(&request, &Config::new());
    let mut shown = format!("{request:?} {request:#?} {handshake:?} {handshake:#?}");
    let mut input = Input::from(&b"HTTP/1.1 407 topsecret\r\nX: topsecret\r\n\r\ntopsecret"[..]);
    assert!(handshake.receive(&mut input).is_err());
    assert_eq!(handshake.receive_body(&mut input), Ok(None));
    assert_eq!(handshake.partial_body(), b"topsecret");
    shown += &format!("{handshake:?} {handshake:#?}");
    for secret in ["topsecret", "Aladdin", "open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains(r#"["X-Token", "Proxy-Authorization"]"#), "{shown}");
}
