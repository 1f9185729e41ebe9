//! No value of the application's gets out of its place in a head: whatever is put in, by whatever way, the head that is
//! written has the lines that were meant and no others, read by a parser of somebody else's (httparse).

use crate::common::http::{Head, Numbers, asked, base64, final_response, request_for, started, take_output};
use std::collections::BTreeMap;
use ws_proto::bytes::Buf;
use ws_proto::handshake::client::{Error, Handshake, Request};
use ws_proto::handshake::server::{self, Answer, Response};
use ws_proto::handshake::{BuildError, OriginPolicy, WebSocketUri};
use ws_proto::{Config, Input, Seed};

/// A head as httparse reads it, and what is behind it.
#[derive(Debug, PartialEq)]
struct Parsed {
    start: String,
    lines: Vec<(String, Vec<u8>)>,
    rest: Vec<u8>,
}

fn own_lines(headers: &[httparse::Header<'_>]) -> Vec<(String, Vec<u8>)> {
    headers.iter().map(|header| (header.name.to_ascii_lowercase(), header.value.to_vec())).collect()
}

fn parsed_request(bytes: &[u8]) -> Parsed {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let end = request.parse(bytes).expect("a request").unwrap();
    let start = format!("{} {} {}", request.method.unwrap(), request.path.unwrap(), request.version.unwrap());
    // What is sent is CRLF and nothing that anybody could take for the end of a line (RFC 9112 §2.2).
    assert_line_ends(&bytes[..end]);
    Parsed { start, lines: own_lines(request.headers), rest: bytes[end..].to_vec() }
}

fn parsed_response(bytes: &[u8]) -> Parsed {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let end = response.parse(bytes).expect("a response").unwrap();
    let start = format!("{} {}", response.version.unwrap(), response.code.unwrap());
    assert_line_ends(&bytes[..end]);
    Parsed { start, lines: own_lines(response.headers), rest: bytes[end..].to_vec() }
}

fn assert_line_ends(head: &[u8]) {
    let text = head.escape_ascii();
    assert!(!head.contains(&0) && !head.contains(&0x7f), "{text}");
    let mut before = 0;
    for (at, &byte) in head.iter().enumerate() {
        assert!(byte != b'\n' || before == b'\r', "a bare line feed: {text}");
        assert!(byte != b'\r' || head.get(at + 1) == Some(&b'\n'), "a bare carriage return: {text}");
        // Neither the vertical tab nor the other separators of ASCII end a line for whoever splits by them.
        assert!(byte >= b' ' || matches!(byte, b'\r' | b'\n' | b'\t'), "{text}");
        before = byte;
    }
}

/// What could break out: each of them alone, at both ends of a harmless text, and in the middle of it.
fn hostile() -> Vec<Vec<u8>> {
    let seeds: Vec<Vec<u8>> = [
        &b""[..],
        b"\r",
        b"\n",
        b"\r\n",
        b"\n\n",
        b"\r\n\r\n",
        b"\0",
        b"\x7f",
        b"\x0b",
        b"\x0c",
        b"\x1b",
        b"\x1c",
        b"\x1d",
        b"\x1e",
        b"\t",
        b" ",
        b":",
        b": ",
        b",",
        b";",
        b"\"",
        b"\\",
        b"=",
        b"/",
        b"?",
        b"#",
        b"@",
        b"%0d%0a",
        b"%00",
        b"\x80",
        b"\x85",
        b"\xa0",
        b"\xff",
        b"\xe9",
        "\u{85}".as_bytes(),
        "\u{2028}".as_bytes(),
        // Code points whose low byte is that of CR or LF, where somebody cuts them off.
        "\u{10a}".as_bytes(),
        "\u{560d}\u{560a}".as_bytes(),
        b"\r\nX-Injected: yes",
        b"\nX-Injected: yes",
        b"\r\n X-Injected: folded",
        b"\r\n\r\nHTTP/1.1 200 OK\r\nX-Injected: yes\r\n\r\n",
        b" HTTP/1.1\r\nX-Injected: yes\r\n\r\nGET /",
    ]
    .iter()
    .map(|seed| seed.to_vec())
    .collect();
    let mut all = Vec::new();
    for seed in seeds {
        all.push([b"a", &seed[..]].concat());
        all.push([&seed[..], b"a"].concat());
        all.push([b"a", &seed[..], b"b"].concat());
        all.push(seed);
    }
    let mut numbers = Numbers::new(3);
    let bytes = b"\r\n\0\t :ab\x7f\x80\xff,\"%";
    for _ in 0..1000 {
        let length = 1 + numbers.below(8);
        all.push((0..length).map(|_| bytes[numbers.below(bytes.len())]).collect());
    }
    all
}

fn hostile_text() -> impl Iterator<Item = String> {
    hostile().into_iter().filter_map(|bytes| String::from_utf8(bytes).ok())
}

/// How many were taken and how many refused: a test in which nothing was taken, or nothing refused, shows nothing.
#[derive(Default)]
struct Verdicts {
    taken: usize,
    refused: usize,
}

impl Verdicts {
    fn count<T, E>(&mut self, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => {
                self.taken += 1;
                Some(value)
            }
            Err(_) => {
                self.refused += 1;
                None
            }
        }
    }

    fn assert_both(&self, what: &str) {
        assert!(self.taken > 0 && self.refused > 0, "{what}: {} taken, {} refused", self.taken, self.refused);
    }
}

/// A value that may be sent: no control character but the tab (RFC 9110 §5.5).
fn may_be_value(value: &[u8]) -> bool {
    value.iter().all(|&byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f))
}

fn trimmed(value: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value.iter().position(|byte| !is_space(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !is_space(byte)).map_or(start, |last| last + 1);
    &value[start..end]
}

fn may_be_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn sent(request: &Request) -> Parsed {
    let mut handshake = Handshake::new(request, Seed::new([7; 32]), &Config::new());
    let mut bytes = vec![0; handshake.output().remaining()];
    handshake.output().copy_to_slice(&mut bytes);
    let parsed = parsed_request(&bytes);
    assert!(parsed.rest.is_empty(), "{parsed:?}");
    parsed
}

/// A valid request that lists this subprotocol, if it is not empty.
fn request_that_lists(listed: &str) -> server::Request {
    let mut head = Head::request();
    if !listed.is_empty() {
        head = head.add("Sec-WebSocket-Protocol", listed);
    }
    let received = server::Handshake::new(&Config::new()).receive(&mut Input::from(&head.bytes()[..]));
    received.unwrap().expect("a request")
}

fn answered(answer: Answer, listed: &str) -> Parsed {
    let mut ws = request_that_lists(listed).accept(answer).expect("it is listed");
    let parsed = parsed_response(&take_output(&mut ws));
    assert!(parsed.rest.is_empty() && parsed.start == "1 101", "{parsed:?}");
    parsed
}

/// The head with `lines` more than `plain` has.
fn assert_adds(head: &Parsed, plain: &Parsed, lines: &[(&str, &[u8])]) {
    assert_eq!(head.start, plain.start);
    let count = |lines: &[(String, Vec<u8>)]| {
        let mut counts = BTreeMap::new();
        for line in lines {
            *counts.entry(line.clone()).or_insert(0) += 1;
        }
        counts
    };
    let mut expected = plain.lines.clone();
    expected.extend(lines.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.to_vec())));
    assert_eq!(count(&head.lines), count(&expected), "{lines:?}");
}

/// D16, 6455-4.1-19, CVE-2026-1527, CVE-2026-47072: names and values of headers in a request, a 101 and another response,
/// by the methods that consume and by those that do not.
#[test]
fn headers() {
    let (plain_request, plain_answer) = (sent(&request_for("ws://example.com/")), answered(Answer::new(), ""));
    let plain_response = parsed_response(&Response::new(200).unwrap().to_bytes());
    let (mut names, mut values) = (Verdicts::default(), Verdicts::default());
    let drive = |name: &str, value: &[u8], verdicts: &mut Verdicts| {
        let valid = may_be_token(name.as_bytes()) && may_be_value(value);
        let line = [(name, trimmed(value))];

        let by_value = request_for("ws://example.com/").header(name, value);
        let mut request = request_for("ws://example.com/");
        let by_reference = request.add_header(name, value);
        assert_eq!((by_value.is_ok(), by_reference.is_ok()), (valid, valid), "{name:?}: {}", value.escape_ascii());
        assert_adds(&sent(&request), &plain_request, if valid { &line } else { &[] });
        if let Some(consumed) = verdicts.count(by_value) {
            assert_eq!(consumed, request);
        }

        let by_value = Answer::new().header(name, value);
        let mut answer = Answer::new();
        assert_eq!((by_value.is_ok(), answer.add_header(name, value).is_ok()), (valid, valid));
        assert!(by_value.is_err() || by_value.as_ref() == Ok(&answer));
        assert_adds(&answered(answer, ""), &plain_answer, if valid { &line } else { &[] });

        let by_value = Response::new(200).unwrap().header(name, value);
        let mut response = Response::new(200).unwrap();
        assert_eq!((by_value.is_ok(), response.add_header(name, value).is_ok()), (valid, valid));
        assert!(by_value.is_err() || by_value.as_ref() == Ok(&response));
        let written = parsed_response(&response.to_bytes());
        assert!(written.rest.is_empty());
        assert_adds(&written, &plain_response, if valid { &line } else { &[] });
        // What is read back is what was put in.
        let expected = if valid { vec![(name, trimmed(value))] } else { Vec::new() };
        assert!(response.headers().eq(expected.iter().copied()));
        assert!(request.headers().eq(expected));
    };
    for value in hostile() {
        drive("X-Value", &value, &mut values);
    }
    for name in hostile_text() {
        drive(&name, b"x", &mut names);
    }
    values.assert_both("values");
    names.assert_both("names");
}

/// D16, 6455-4.1-33: subprotocols of a request and of an answer.
#[test]
fn subprotocols() {
    let (plain_request, plain_answer) = (sent(&request_for("ws://example.com/")), answered(Answer::new(), ""));
    let (mut listed, mut chosen) = (Verdicts::default(), Verdicts::default());
    for name in hostile_text() {
        let valid = may_be_token(name.as_bytes());
        let mut request = request_for("ws://example.com/");
        assert_eq!(request.add_subprotocol(&name).is_ok(), valid, "{name:?}");
        let line = [("sec-websocket-protocol", name.as_bytes())];
        assert_adds(&sent(&request), &plain_request, if valid { &line } else { &[] });
        if let Some(consumed) = listed.count(request_for("ws://example.com/").subprotocol(&name)) {
            assert_eq!(consumed, request);
        }

        let mut answer = Answer::new();
        assert_eq!(answer.set_subprotocol(&name).is_ok(), valid, "{name:?}");
        let head = answered(answer.clone(), if valid { &name } else { "" });
        assert_adds(&head, &plain_answer, if valid { &line } else { &[] });
        if let Some(consumed) = chosen.count(Answer::new().subprotocol(&name)) {
            assert_eq!(consumed, answer);
            // A token that the client did not list is not sent either.
            let refused = request_that_lists("").accept(consumed).unwrap_err();
            assert_eq!(refused, BuildError::UnlistedSubprotocol);
        }
    }
    listed.assert_both("listed");
    chosen.assert_both("chosen");
}

/// D16: the media type and the body of a response. A body may hold anything, and is as long as the response says.
#[test]
fn bodies() {
    let mut verdicts = Verdicts::default();
    for content_type in hostile_text() {
        let by_value = Response::new(200).unwrap().with_body(&content_type, "body");
        let mut response = Response::new(200).unwrap();
        let by_reference = response.set_body(&content_type, "body");
        assert_eq!(by_reference.is_ok(), may_be_value(content_type.as_bytes()), "{content_type:?}");
        let written = parsed_response(&response.to_bytes());
        let of_type = trimmed(content_type.as_bytes());
        let mut lines = vec![("connection", &b"close"[..])];
        let nothing = Parsed { start: "1 200".into(), lines: Vec::new(), rest: Vec::new() };
        if let Some(consumed) = verdicts.count(by_value) {
            assert_eq!(consumed, response);
            assert_eq!(response.content_type().map_or(&b""[..], str::as_bytes), of_type);
            lines.push(("content-length", b"4"));
            lines.extend((!of_type.is_empty()).then_some(("content-type", of_type)));
            assert_eq!(written.rest, b"body");
        } else {
            lines.push(("content-length", b"0"));
            assert!(written.rest.is_empty());
        }
        assert_adds(&written, &nothing, &lines);
    }
    verdicts.assert_both("media types");
    for body in hostile() {
        let response = Response::new(200).unwrap().with_body("text/plain", body.clone()).unwrap();
        let written = final_response(&response.to_bytes());
        assert_eq!((written.lines.len(), written.rest), (3, body));
    }
}

/// D16, RFC 7617 §2: user names and passwords are one line, whatever they are.
#[test]
fn credentials() {
    let plain = sent(&request_for("ws://example.com/"));
    let mut verdicts = Verdicts::default();
    let texts: Vec<String> = hostile_text().take(400).collect();
    let pairs = texts.iter().flat_map(|text| [(text.as_str(), "b"), ("a", text.as_str())]);
    for (user, password) in pairs {
        let has_controls = |text: &str| text.bytes().any(|byte| byte < b' ' || byte == 0x7f);
        let valid = !user.contains(':') && !has_controls(user) && !has_controls(password);
        let mut request = request_for("ws://example.com/");
        assert_eq!(request.set_basic_auth(user, password).is_ok(), valid, "{user:?} {password:?}");
        let value = format!("Basic {}", base64(format!("{user}:{password}").as_bytes()));
        let line = [("authorization", value.as_bytes())];
        assert_adds(&sent(&request), &plain, if valid { &line } else { &[] });
        if let Some(consumed) = verdicts.count(request_for("ws://example.com/").basic_auth(user, password)) {
            assert_eq!(consumed, request);
        }
    }
    verdicts.assert_both("credentials");
}

/// The request for a URI has the lines that every request has, with its own target and `Host`.
fn assert_is_one_request(uri: WebSocketUri, text: &str) {
    assert!(uri.resource().starts_with('/') && uri.resource().bytes().all(|byte| byte.is_ascii_graphic()), "{text:?}");
    assert!(uri.authority().bytes().all(|byte| byte.is_ascii_graphic()), "{text:?}");
    let (resource, authority) = (uri.resource().to_owned(), uri.authority().to_owned());
    let head = sent(&Request::new(uri));
    assert_eq!(head.start, format!("GET {resource} 1"), "{text:?}");
    let names: Vec<&str> = head.lines.iter().map(|(name, _)| name.as_str()).collect();
    let own = ["host", "upgrade", "connection", "sec-websocket-key", "sec-websocket-version"];
    assert_eq!(names, own, "{text:?}");
    assert_eq!(head.lines[0].1, authority.as_bytes(), "{text:?}");
}

/// D16, 6455-4.1-22, 6455-4.1-23, CVE-2026-47072: whatever a URI, or a reference against one, holds in its scheme, host,
/// port, path and query.
#[test]
fn uris() {
    let base: WebSocketUri = "ws://example.com/a/b?c".parse().unwrap();
    let mut places: BTreeMap<&str, Verdicts> = BTreeMap::new();
    for text in hostile_text() {
        for (place, uri) in [
            ("all", text.clone()),
            ("scheme", format!("ws{text}://example.com/")),
            ("host", format!("ws://{text}/")),
            ("part of the host", format!("ws://example{text}.com/")),
            ("address", format!("ws://[::1{text}]/")),
            ("port", format!("ws://example.com:{text}/")),
            ("part of the port", format!("ws://example.com:80{text}/")),
            ("path", format!("ws://example.com/{text}")),
            ("within the path", format!("ws://example.com/x{text}y/z")),
            ("query", format!("ws://example.com?{text}")),
            ("within the query", format!("ws://example.com/?x={text}&y")),
        ] {
            if let Some(uri) = places.entry(place).or_default().count(uri.parse::<WebSocketUri>()) {
                assert_is_one_request(uri, &text);
            }
        }
        for (place, reference) in [
            ("reference", text.clone()),
            ("path of a reference", format!("/x{text}")),
            ("query of a reference", format!("?{text}x")),
            ("host of a reference", format!("//example{text}.com/")),
            ("fragment of a reference", format!("/x#{text}")),
        ] {
            if let Some(uri) = places.entry(place).or_default().count(base.join(&reference)) {
                assert_is_one_request(uri, &text);
            }
        }
    }
    // None of the texts is a URI by itself.
    assert_eq!(places.remove("all").map_or(1, |all| all.taken), 0);
    for (place, verdicts) in &places {
        verdicts.assert_both(place);
    }
}

/// D16, CVE-2020-35678: a `Location` goes into the next request by `Declined::redirect`.
#[test]
fn redirects() {
    let from: WebSocketUri = "ws://example.com/a".parse().unwrap();
    let mut verdicts = Verdicts::default();
    for value in hostile().into_iter().filter(|value| may_be_value(value)).take(300) {
        let location = [b"/next", &value[..]].concat();
        let head = Head::new("HTTP/1.1 302 Found").add("Location", &location).bytes();
        let (mut handshake, _, _) = started(&request_for("ws://example.com/a"), &Config::new());
        let Err(Error::Declined(declined)) = handshake.receive(&mut Input::from(&head[..])) else {
            panic!("a redirect")
        };
        let target = declined.redirect(&from).expect("there is a Location");
        if let Some(uri) = verdicts.count(target) {
            assert_is_one_request(uri, &location.escape_ascii().to_string());
        }
    }
    verdicts.assert_both("redirects");
}

/// D16: what a policy is given never gets into its 403, and nothing in it makes the policy accept what a hostile `Origin`
/// says.
#[test]
fn policies() {
    let request = asked(&Head::request().add("Origin", "https://other.example").bytes()).request;
    let plain = OriginPolicy::new().check(&request).unwrap_err().to_bytes();
    let mut verdicts = Verdicts::default();
    for text in hostile_text() {
        for host in [text.clone(), format!("example{text}.com"), format!("example.com:80{text}"), format!("*.{text}")] {
            let valid = host.bytes().all(|byte| byte.is_ascii_graphic());
            for policy in [
                OriginPolicy::new().public_host(&host),
                OriginPolicy::new().allow(&format!("https://{host}")),
                OriginPolicy::new().allow(&format!("app://{host}")),
                OriginPolicy::new().allow(&host),
                OriginPolicy::new().allow_name(&host),
            ] {
                if let Some(policy) = verdicts.count(policy) {
                    assert!(valid, "{host:?}");
                    let refusal = policy.check(&request).unwrap_err().to_bytes();
                    assert_eq!(refusal, plain);
                }
            }
        }
    }
    verdicts.assert_both("policies");
    let written = parsed_response(&plain);
    assert_eq!((written.start.as_str(), written.lines.len()), ("1 403", 3));
}

/// D13, D16, CVE-2026-44546: what came in a request goes out with another one, or in an answer, as one line: whoever copies
/// headers copies no line ends, as none can come in.
#[test]
fn copied_headers() {
    let mut verdicts = Verdicts::default();
    let plain = sent(&request_for("ws://example.com/"));
    for value in hostile() {
        let head = Head::request().add("X-Copied", &value).bytes();
        let came = server::Handshake::new(&Config::new()).receive(&mut Input::from(&head[..]));
        let Some(came) = verdicts.count(came).flatten() else { continue };
        // A value with the end of the head in it ends the head: what is copied is what came before.
        let copied: Vec<(&str, &[u8])> =
            came.headers().filter(|(name, _)| name.to_ascii_lowercase().starts_with("x-")).collect();
        let mut request = request_for("ws://example.com/");
        let mut answer = Answer::new();
        for (name, value) in &copied {
            assert!(may_be_value(value));
            request.add_header(name, value).unwrap();
            answer.add_header(name, value).unwrap();
        }
        assert_adds(&sent(&request), &plain, &copied);
        let mut ws = came.accept(answer).unwrap();
        assert_eq!(parsed_response(&take_output(&mut ws)).lines.len(), 3 + copied.len());
    }
    verdicts.assert_both("copied headers");
}

/// The target of a request that was refused is not in the refusal, whatever it is.
#[test]
fn refusals_hold_nothing_of_the_request() {
    let mut refused = 0;
    for value in hostile() {
        for head in [
            Head::request().start([b"GET /", &value[..], b" HTTP/1.1"].concat()).without("Upgrade"),
            Head::request().set("Host", &value).without("Sec-WebSocket-Key"),
            Head::request().set("Sec-WebSocket-Version", [b"8", &value[..]].concat()),
        ] {
            let mut handshake = server::Handshake::new(&Config::new());
            let Err(rejection) = handshake.receive(&mut Input::from(&head.bytes()[..])) else { continue };
            refused += 1;
            let written = parsed_response(&rejection.response().to_bytes());
            let own = ["connection", "content-length", "content-type", "sec-websocket-version", "upgrade", "allow"];
            assert!(written.lines.iter().all(|(name, _)| own.contains(&name.as_str())), "{written:?}");
            assert!(!String::from_utf8_lossy(&rejection.response().to_bytes()).contains("Injected"));
        }
    }
    assert!(refused > 1000, "{refused}");
    let (_, written, _) = started(&request_for("ws://example.com/"), &Config::new());
    assert_eq!(written.lines.len(), 5);
}
