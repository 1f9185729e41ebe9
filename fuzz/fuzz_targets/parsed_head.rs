//! A request as bytes, and as the headers that httparse makes of them: the same verdict, and the same response. What no
//! parser would return is refused without a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ws_proto::bytes::Buf;
use ws_proto::handshake::PseudoHeaders;
use ws_proto::handshake::server::{Answer, Handshake, Reason, Rejection, Request, RequestHead};
use ws_proto::{Config, Input};

const MAX_HEADERS: usize = 12;

fn config() -> Config {
    // Beyond what is fuzzed: white space ahead of a value counts as it came, or as one space.
    Config::new().max_head(1 << 20).max_headers(MAX_HEADERS)
}

fn assert_same_head(one: &RequestHead, other: &RequestHead) {
    assert_eq!((one.method(), one.target()), (other.method(), other.target()));
    assert!(one.headers().eq(other.headers()), "{:?} {:?}", one.headers(), other.headers());
}

/// A request is accepted with the same lines, whichever its source.
fn assert_same_request(bytes: &Request, parsed: &Request) {
    assert_same_head(bytes.head(), parsed.head());
    assert_eq!((bytes.path(), bytes.query(), bytes.host()), (parsed.path(), parsed.query(), parsed.host()));
    assert_eq!(bytes.origin(), parsed.origin());
    assert!(bytes.subprotocols().eq(parsed.subprotocols()));
    let mut answer = Answer::new();
    if let Some(name) = bytes.subprotocols().last() {
        answer = answer.subprotocol(name).expect("listed names are tokens");
    }
    let mut ws = bytes.accept(answer.clone()).expect("the client listed it");
    let output = ws.output();
    let head = output.copy_to_bytes(output.remaining());
    let (response, mut ws) = parsed.accept_as_headers(answer).expect("the client listed it");
    assert!(!ws.output().has_remaining());
    let mut written = b"HTTP/1.1 101 Switching Protocols\r\n".to_vec();
    for (name, value) in response.headers() {
        [name.as_bytes(), b": ", value, b"\r\n"].iter().for_each(|piece| written.extend_from_slice(piece));
    }
    written.extend_from_slice(b"\r\n");
    assert_eq!((response.status(), &head[..]), (101, &written[..]));
}

fn assert_same(bytes: &Result<Request, Rejection>, parsed: &Result<Request, Rejection>) {
    match (bytes, parsed) {
        (Ok(bytes), Ok(parsed)) => assert_same_request(bytes, parsed),
        (Err(bytes), Err(parsed)) => {
            assert_eq!(bytes.reason(), parsed.reason());
            assert_eq!(bytes.response(), parsed.response());
            match (bytes.request(), parsed.request()) {
                (Some(bytes), Some(parsed)) => assert_same_head(bytes, parsed),
                (bytes, parsed) => assert!(bytes.is_none() && parsed.is_none()),
            }
        }
        outcomes => panic!("the source decides: {outcomes:?}"),
    }
}

/// What httparse makes of the bytes, and how many of them are the head.
fn parsed(bytes: &[u8]) -> Option<(usize, Result<Request, Rejection>)> {
    let mut headers = [httparse::EMPTY_HEADER; 2 * MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let Ok(httparse::Status::Complete(length)) = parsed.parse(bytes) else { return None };
    let headers = parsed.headers.iter().map(|header| (header.name, header.value));
    let outcome = Request::from_headers(parsed.method?, parsed.path?, parsed.version?, headers, &config());
    Some((length, outcome))
}

/// Hands over what lies between the bytes `\n`, `:` and ` `, whatever it is.
fn assert_no_harm(bytes: &[u8]) {
    let mut lines = bytes.split(|&byte| byte == b'\n');
    let first = std::str::from_utf8(lines.next().unwrap_or_default()).unwrap_or_default();
    let mut words = first.splitn(5, ' ');
    let mut word = || words.next().unwrap_or_default();
    let (method, protocol, scheme, authority, path) = (word(), word(), word(), word(), word());
    let headers: Vec<(&str, &[u8])> = lines
        .map(|line| line.split_at(line.iter().position(|&byte| byte == b':').unwrap_or(line.len())))
        .map(|(name, value)| (std::str::from_utf8(name).unwrap_or_default(), value.get(1..).unwrap_or_default()))
        .collect();
    let pseudo = PseudoHeaders { method, protocol: Some(protocol), scheme, authority, path };
    for outcome in [
        Request::from_headers(method, path, 1, headers.iter().copied(), &config()),
        Request::from_extended_connect(&pseudo, headers.iter().copied(), &config()),
    ] {
        let head = match &outcome {
            Ok(request) => {
                assert!(request.path().starts_with('/') && request.host() != "");
                Some(request.head())
            }
            Err(rejection) => {
                assert!((400..=501).contains(&rejection.response().status()));
                rejection.request()
            }
        };
        let Some(head) = head else { continue };
        let is_visible = |text: &str| text.bytes().all(|byte| byte > b' ' && byte != 0x7f);
        assert!(is_visible(head.method()) && is_visible(head.target()));
        assert!(head.headers().count() <= MAX_HEADERS);
        for (name, value) in head.headers() {
            assert!(!name.is_empty() && is_visible(name) && !name.contains(':'));
            assert!(value.iter().all(|&byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f)));
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    assert_no_harm(bytes);
    let Some((length, parsed)) = parsed(bytes) else { return };
    let outcome = Handshake::new(&config()).receive(&mut Input::from(&bytes[..length]));
    match outcome {
        // httparse takes bare line feeds, and does not ask what a first line could be instead.
        Err(rejection) if matches!(rejection.reason(), Reason::BareLineFeed | Reason::NotHttp(_)) => {}
        outcome => assert_same(&outcome.map(|request| request.expect("the head is whole")), &parsed),
    }
});
