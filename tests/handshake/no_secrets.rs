//! No secret in logs: what the types of a handshake print by `Debug`, and errors by `Display`, holds nothing that was put
//! into queries, headers, cookies, bodies, subprotocols and credentials.

use crate::common::http::{Head, accept_for, base64, request_for, started};
use std::fmt::{Debug, Display};
use ws_proto::bytes::Buf;
use ws_proto::handshake::client::{self, Error, Flaw};
use ws_proto::handshake::server::{self, Answer, Reason, Response};
use ws_proto::handshake::{BuildError, InvalidOrigin, InvalidUri, NotHttp, OriginPolicy, WebSocketUri};
use ws_proto::{Config, Input, Seed, Seeds};

/// What nobody may read in a log, wherever it was put.
const SECRET: &str = "s3cret";

/// What was printed, each with the name of its type and state.
#[derive(Default)]
struct Log(Vec<(String, String)>);

impl Log {
    fn value(&mut self, name: &str, value: &dyn Debug) {
        self.0.push((name.into(), format!("{value:?} {value:#?}")));
    }

    fn error<E: std::error::Error>(&mut self, name: &str, error: &E) {
        self.value(name, error);
        self.display(name, error);
        let mut source = error.source();
        while let Some(error) = source {
            self.value(name, &error);
            self.display(name, &error);
            source = error.source();
        }
    }

    fn display(&mut self, name: &str, value: &dyn Display) {
        self.0.push((name.into(), format!("{value} {value:#}")));
    }

    /// Panics if the secret, or one of these, was printed, as text, as a list of bytes or encoded.
    fn assert_hides(&self, others: &[&str]) {
        let credentials = base64(format!("{SECRET}:{SECRET}").as_bytes());
        let bytes = |text: &str| {
            let list: Vec<u8> = text.bytes().take(4).collect();
            [format!("{list:?}"), format!("{list:x?}"), format!("{list:#?}")]
                .map(|list| list.trim_matches(['[', ']', ' ', '\n']).split_whitespace().collect::<String>())
        };
        for secret in [SECRET, &credentials].iter().chain(others) {
            for (name, text) in &self.0 {
                assert!(!text.contains(secret), "{name} shows {secret}: {text}");
                let text: String = text.split_whitespace().collect();
                assert!(bytes(secret).iter().all(|list| !text.contains(list)), "{name} shows {secret}: {text}");
            }
        }
    }

    fn shows(&self, name: &str, what: &str) {
        let mut named = self.0.iter().filter(|(found, _)| found == name).peekable();
        assert!(named.peek().is_some(), "{name} was not printed");
        assert!(named.any(|(_, text)| text.contains(what)), "{name} does not show {what}");
    }
}

/// The check itself finds what is shown as text and as bytes.
#[test]
fn the_log_is_read() {
    for shown in [&SECRET as &dyn Debug, &SECRET.as_bytes(), &Some(vec![SECRET]), &&base64(b"s3cret:s3cret")] {
        let mut log = Log::default();
        log.value("shown", shown);
        assert!(std::panic::catch_unwind(|| log.assert_hides(&[])).is_err());
    }
    let mut log = Log::default();
    log.value("hidden", &"nothing");
    log.assert_hides(&[]);
}

/// A client's request with a secret wherever one can be put.
fn secret_request() -> client::Request {
    request_for("wss://example.com/chat?token=s3cret")
        .subprotocol(SECRET)
        .and_then(|request| request.header("Cookie", "id=s3cret"))
        .and_then(|request| request.header("X-Token", "s3cret"))
        .and_then(|request| request.basic_auth(SECRET, SECRET))
        .unwrap()
}

#[test]
fn a_client() {
    let mut log = Log::default();
    let config = Config::new();
    let request = secret_request();
    log.value("client::Request", &request);
    log.value("Headers of a request", &request.headers());
    log.value("WebSocketUri", request.uri());
    let mut handshake = client::Handshake::new(&request, Seed::new([7; 32]), &config);
    log.value("client::Handshake, new", &handshake);
    let sent = String::from_utf8(handshake.output().to_vec()).unwrap();
    assert!(
        sent.matches(SECRET).count() >= 4 && sent.contains(&base64(b"s3cret:s3cret")),
        "there is what to hide: {sent}"
    );
    let written = handshake.output().remaining() / 2;
    handshake.output().advance(written);
    log.value("client::Handshake, half written", &handshake);

    let (mut handshake, _, key) = started(&request, &config);
    let accept = accept_for(&key);
    log.value("client::Handshake, written", &handshake);
    let answer = Head::switching(&accept).add("Set-Cookie", SECRET).add("Sec-WebSocket-Protocol", SECRET).then(SECRET);
    let mut input = Input::from(&answer[..]);
    let accepted = handshake.receive(&mut input).unwrap().expect("a connection");
    assert_eq!(accepted.subprotocol.as_deref(), Some(SECRET));
    log.value("client::Handshake, over", &handshake);
    log.value("client::Accepted", &accepted);
    let exchange = client::Exchange::extended_connect(&request, Seed::new([7; 32]), &Config::new());
    log.value("client::Exchange", &exchange);
    log.value("PseudoHeaders", &exchange.pseudo_headers());
    let established = exchange.finish(200, [("sec-websocket-protocol", SECRET.as_bytes())]).unwrap();
    assert_eq!(established.subprotocol.as_deref(), Some(SECRET));
    log.value("client::Established", &established);
    log.value("client::ResponseHead", &accepted.response);
    log.value("Headers of a response", &accepted.response.headers());
    log.value("Input", &input);

    let (mut handshake, _, _) = started(&request, &config);
    let head = Head::new("HTTP/1.1 302 s3cret").add("Location", "/next?token=s3cret").add("Set-Cookie", SECRET);
    let error = handshake.receive(&mut Input::from(&head.then(SECRET)[..])).expect_err("declined");
    log.value("client::Handshake, declined", &handshake);
    log.error("client::Error", &error);
    let Error::Declined(declined) = error else { panic!("declined") };
    log.error("client::Declined", &declined);
    log.value("the target of a redirect", &declined.redirect(request.uri()));

    for (name, bad) in [
        ("a line that is folded wrongly", Head::new("HTTP/1.1 s3cret")),
        ("another accept value", Head::switching(SECRET)),
        ("another subprotocol", Head::switching(&accept).add("Sec-WebSocket-Protocol", "s3cret2")),
        ("another extension", Head::switching(&accept).add("Sec-WebSocket-Extensions", "x; y=s3cret")),
        ("a malformed line", Head::switching(&accept).add("Sec-WebSocket-Protocol ", SECRET)),
    ] {
        let (mut handshake, _, _) = started(&request, &config);
        let error = handshake.receive(&mut Input::from(&bad.bytes()[..])).expect_err(name);
        log.value(name, &handshake);
        log.error(name, &error);
        let Error::Invalid(flaw) = error else { panic!("{name}") };
        log.error(name, &flaw);
    }
    log.assert_hides(&[&key, &accept, "GET /"]);
    // What helps to find a mistake is shown.
    log.shows("client::Request", "Authorization");
    log.shows("client::ResponseHead", "Set-Cookie");
    log.shows("WebSocketUri", "/chat");
    log.shows("client::Error", "302");
}

/// A request with a secret wherever a client can put one.
fn secret_head() -> Head {
    Head::request()
        .start("GET /chat?token=s3cret HTTP/1.1")
        .set("Host", "s3cret")
        .add("Origin", "https://s3cret.example")
        .add("Cookie", "s3cret")
        .add("Authorization", "Bearer s3cret")
        .add("Sec-WebSocket-Protocol", "s3cret")
        .add("Sec-WebSocket-Extensions", "x-device; id=s3cret; s3cret; other=\"s3cret\"")
}

#[test]
fn a_server() {
    let mut log = Log::default();
    let config = Config::new();
    let mut handshake = server::Handshake::new(&config);
    let bytes = secret_head().then(SECRET);
    let (half, rest) = bytes.split_at(bytes.len() / 2);
    let mut input = Input::from(half);
    assert!(handshake.receive(&mut input).unwrap().is_none());
    log.value("server::Handshake, half read", &handshake);
    log.value("Input", &input);
    input.extend_from_slice(rest);
    let request = handshake.receive(&mut input).unwrap().expect("a request");
    log.value("server::Handshake, over", &handshake);
    log.value("server::Request", &request);
    log.value("server::RequestHead", request.head());
    log.value("Headers of a request", &request.headers());
    log.value("Extensions", &request.extensions());
    log.value("Extension", &request.extensions().next().unwrap());
    log.error("BuildError, unlisted", &request.accept(Answer::new().subprotocol("s3cret2").unwrap()).unwrap_err());
    let answer = Answer::new().header("Set-Cookie", SECRET).and_then(|answer| answer.subprotocol(SECRET)).unwrap();
    log.value("server::Answer", &answer);
    let mut ws = request.accept(answer).unwrap();
    log.value("Connection", &ws);
    log.value("Output", ws.output());
    log.value("server::Response of a policy", &OriginPolicy::new().check(&request).unwrap_err());

    let malformed = secret_head().add("X-Broken", b"s3cret\x01");
    let absolute = secret_head().start("GET http://example.com?s3cret HTTP/1.1").without("Sec-WebSocket-Key");
    for (head, reason) in [
        (secret_head().set("Sec-WebSocket-Version", "8"), Reason::UnsupportedVersion),
        (secret_head().set("Sec-WebSocket-Version", SECRET), Reason::Version),
        (secret_head().set("Sec-WebSocket-Key", SECRET), Reason::Key),
        (secret_head().add("Sec-WebSocket-Protocol", SECRET), Reason::Subprotocols),
        (secret_head().set("Sec-WebSocket-Extensions", "x; s3cret=;"), Reason::Extensions),
        (secret_head().set("Host", "user:s3cret@example.com"), Reason::Host),
        (secret_head().start("POST /?s3cret HTTP/1.1"), Reason::Method),
        (secret_head().start("GET http://user:s3cret@example.com/?s3cret HTTP/1.1"), Reason::Target),
        (secret_head().start("GET /callback#token=s3cret HTTP/1.1"), Reason::Target),
        (secret_head().start("GET user:s3cret@example.com:80 HTTP/1.1"), Reason::Target),
        (secret_head().start("GET ?s3cret HTTP/1.1"), Reason::Target),
        (
            secret_head().without("Upgrade").without("Sec-WebSocket-Key").without("Sec-WebSocket-Version"),
            Reason::NoUpgrade,
        ),
        (malformed, Reason::HeaderLine(11)),
        (absolute, Reason::Key),
        (Head::new("s3cret"), Reason::Malformed),
    ] {
        let mut handshake = server::Handshake::new(&config);
        let rejection = handshake.receive(&mut Input::from(&head.bytes()[..])).expect_err("it breaks a rule");
        assert_eq!(rejection.reason(), reason);
        let name = format!("{reason:?}");
        log.value(&name, &handshake);
        log.error(&name, &rejection);
        log.error(&name, &rejection.reason());
        log.value(&name, &rejection.request());
        log.value(&name, &rejection.response());
        log.display(&name, &String::from_utf8_lossy(&rejection.response().to_bytes()));
    }

    let response = Response::new(401)
        .and_then(|response| response.header("Set-Cookie", SECRET))
        .and_then(|response| response.with_body("text/s3cret", SECRET))
        .unwrap();
    log.value("server::Response", &response);
    log.value("Headers of a response", &response.headers());
    log.assert_hides(&[crate::common::http::KEY, crate::common::http::ACCEPT, "GET /"]);
    log.shows("server::RequestHead", "/chat");
    log.shows("server::RequestHead", "Authorization");
    log.shows("server::Response", "401");
}

/// Every error of building a request, an answer, a response, a URI or a policy, made with secrets.
#[test]
fn errors_of_building() {
    let mut log = Log::default();
    let request = secret_request();
    let mut build = |error: BuildError| log.error(&format!("{error:?}"), &error);
    let header = |name: &str, value: &str| {
        let of_all = [
            request.clone().header(name, value).unwrap_err(),
            Answer::new().header(name, value).unwrap_err(),
            Response::new(200).unwrap().header(name, value).unwrap_err(),
        ];
        of_all.into_iter()
    };
    header("Cookie", "s3cret\n").for_each(&mut build);
    header("Upgrade", "s3cret").for_each(&mut build);
    // Arguments that were swapped, and a whole line in place of a name.
    header("Bearer s3cret", "Authorization").for_each(&mut build);
    header("Authorization: Bearer s3cret", "").for_each(&mut build);
    build(Response::new(200).unwrap().with_body("text/s3cret\n", SECRET).unwrap_err());
    build(Response::new(101).unwrap_err());
    build(request.clone().subprotocol(SECRET).unwrap_err());
    build(request.clone().subprotocol("Bearer s3cret").unwrap_err());
    build(Answer::new().subprotocol("Bearer s3cret").unwrap_err());
    build(request.clone().basic_auth("s3cret:", SECRET).unwrap_err());
    build(request.clone().basic_auth(SECRET, "s3cret\n").unwrap_err());

    for uri in [
        "s3cret",
        "ftp://s3cret",
        "wss://user:s3cret@example.com/",
        "wss:///?s3cret",
        "wss://example.com:s3cret/",
        "wss://example.com/#s3cret",
        "wss://example.com/?s3cret\n",
        "wss://example.com/\\s3cret",
        "wss://example.com/?s3cret ",
        "wss://s3cret.\u{e9}/",
    ] {
        let error: InvalidUri = uri.parse::<WebSocketUri>().unwrap_err();
        log.error(uri, &error);
        log.error(uri, &request.uri().join(&format!("//user:s3cret@{uri}")).unwrap_err());
    }
    log.value("WebSocketUri", &request.uri().join("/next?s3cret#s3cret").unwrap());

    for origin in [
        "https://user:s3cret@example.com",
        "https://s3cret@example.com/path?s3cret",
        "https://example.com/?token=s3cret",
        "https://example.com#s3cret",
        "user:s3cret@example.com",
        "?s3cret",
    ] {
        let error: InvalidOrigin = OriginPolicy::new().allow(origin).unwrap_err();
        assert!(origin == "?s3cret" || error.to_string().contains("example.com"), "{error}");
        log.error(origin, &error);
        log.error(origin, &error.flaw);
        let host = origin.strip_prefix("https://").unwrap_or(origin);
        log.error(origin, &OriginPolicy::new().public_host(host).unwrap_err());
        log.error(origin, &OriginPolicy::new().allow_name(origin).unwrap_err());
    }
    // The names of the log's own entries are not what was printed.
    log.assert_hides(&[]);
}

/// The words of errors that hold no text of anybody's, and the sources of entropy.
#[test]
fn what_holds_no_text() {
    let mut log = Log::default();
    for flaw in
        [Flaw::Malformed, Flaw::NotHttp(NotHttp::Ssh), Flaw::Accept, Flaw::Extension, Flaw::Subprotocol, Flaw::Over]
    {
        log.error("Flaw", &flaw);
    }
    let entropy = *b"s3crets3crets3crets3crets3crets3";
    let mut seeds = Seeds::new(entropy);
    log.value("Seed", &Seed::new(entropy));
    log.value("Seeds", &seeds);
    let _ = seeds.next_seed();
    log.value("Seeds, drawn from", &seeds);
    log.value("client::Handshake", &client::Handshake::new(&secret_request(), Seed::new(entropy), &Config::new()));
    log.assert_hides(&[]);
}
