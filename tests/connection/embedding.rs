//! What programs around the handshake do: serve a page, refuse with a body, pass a handshake on to another server, answer
//! by an HTTP library.

use crate::common::http::{
    Head, Written, asked, declined, final_response, judge_with, request_for, serve, take_output,
};
use ws_proto::handshake::server::{Answer, Reason, Rejection, Request, Response};
use ws_proto::handshake::{BuildError, client};
use ws_proto::{Config, Input};

/// Copies what may be copied; what each side writes by itself is not an error.
fn skip_reserved(result: Result<(), BuildError>) -> Result<(), BuildError> {
    match result {
        Err(BuildError::ReservedHeader(_)) => Ok(()),
        other => other,
    }
}

/// A server that serves pages beside its WebSocket: by path, with a redirect, with what the browser has already.
fn page(rejection: &Rejection) -> Result<Response, BuildError> {
    let Some(head) = rejection.request() else { return Ok(rejection.response()) };
    match (rejection.reason(), head.method(), head.path()) {
        (Reason::NoUpgrade, "GET", "/") if head.header_str("If-None-Match") == Some("\"1\"") => Response::new(304),
        (Reason::NoUpgrade, "GET", "/") => {
            Response::new(200)?.header("ETag", "\"1\"")?.with_body("text/html", "<h1>Hello</h1>")
        }
        (Reason::Method, "HEAD", "/") => Ok(Response::new(200)?.with_body("text/html", "<h1>Hello</h1>")?.head_only()),
        (Reason::NoUpgrade, "GET", "/old") => Response::new(308)?.header("Location", "/"),
        _ => Ok(rejection.response()),
    }
}

#[test]
fn a_page() {
    let get = |start: &str| Head::new(start).add("Host", "example.com");
    let answer = |head: Head| {
        let response = page(&serve(&head.bytes()).expect_err("no WebSocket")).unwrap();
        (response.clone(), Written::read(&response.to_bytes()))
    };
    let (response, written) = answer(get("GET / HTTP/1.1"));
    assert_eq!((written.status(), &written.rest[..]), (200, &b"<h1>Hello</h1>"[..]));
    assert_eq!((response.content_type(), &response.body()[..]), (Some("text/html"), &b"<h1>Hello</h1>"[..]));
    assert_eq!(answer(get("GET / HTTP/1.1").add("If-None-Match", "\"1\"")).1.status(), 304);
    // A value that is no text is not the one that is looked for.
    assert_eq!(answer(get("GET / HTTP/1.1").add("If-None-Match", b"\"\xff\"")).1.status(), 200);
    assert_eq!(answer(get("GET /old HTTP/1.1")).1.value("Location"), "/");
    let (response, written) = answer(get("HEAD / HTTP/1.1"));
    assert_eq!((written.value("Content-Length"), written.rest.len()), ("14", 0));
    assert_eq!(response.body().len(), 14);
    assert_eq!(answer(get("GET /x HTTP/1.1")).1.status(), 426);
}

/// The connection, or the request to authenticate.
fn authorize(request: &Request) -> Result<Option<Response>, BuildError> {
    match request.header_str("authorization").and_then(|value| value.strip_prefix("Bearer ")) {
        Some("abc") => Ok(None),
        _ => Response::new(401)?
            .header("WWW-Authenticate", "Bearer")?
            .with_body("application/problem+json", r#"{"title":"who are you?"}"#)
            .map(Some),
    }
}

/// 6455-4.2.2-4: a 401 with a body, and header values as text where they are text.
#[test]
fn a_401_with_a_body() {
    let head = |value: &[u8]| asked(&Head::request().add("Authorization", value).bytes()).request;
    assert_eq!(authorize(&head(b"Bearer abc")), Ok(None));
    for value in [&b""[..], b"Bearer", b"Bearer abd", b"Basic abc", b"Bearer \xff", b"\xe9"] {
        let response = authorize(&head(value)).unwrap().expect("it is refused");
        let written = final_response(&response.to_bytes());
        assert_eq!((written.status(), written.value("WWW-Authenticate")), (401, "Bearer"));
        assert_eq!(written.value("Content-Type"), "application/problem+json");
        assert_eq!(written.rest, br#"{"title":"who are you?"}"#);
    }
}

/// What a request's accessors return beside those of its head.
#[test]
fn what_a_request_gives() {
    let head = Head::request()
        .start("GET http://example.com/chat?room=7 HTTP/1.1")
        .add("X-Latin", b"caf\xe9")
        .add("X-Utf8", "caf\u{e9}")
        .add("x-utf8", "second")
        .add("X-Empty", "");
    let request = asked(&head.bytes()).request;
    assert_eq!((request.target(), request.head().target()), ("http://example.com/chat?room=7", request.target()));
    assert!(request.headers().eq(request.head().headers()));
    assert_eq!(request.headers().filter(|(name, _)| name.eq_ignore_ascii_case("X-UTF8")).count(), 2);
    assert_eq!((request.header("x-latin"), request.header_str("x-latin")), (Some(&b"caf\xe9"[..]), None));
    assert_eq!((request.header_str("X-UTF8"), request.head().header_str("X-UTF8")), (Some("café"), Some("café")));
    assert_eq!((request.header_str("x-empty"), request.header_str("x-none")), (Some(""), None));
}

/// A proxy: the request that goes on to the server behind.
fn passed_on(from: &Request, uri: &str) -> Result<client::Request, BuildError> {
    let mut to = request_for(uri);
    for (name, value) in from.headers() {
        skip_reserved(to.add_header(name, value))?;
    }
    for name in from.subprotocols() {
        to.add_subprotocol(name)?;
    }
    Ok(to)
}

/// A proxy: what the client gets once the server behind has accepted.
fn passed_back(accepted: &client::Accepted) -> Result<Answer, BuildError> {
    let mut answer = Answer::new();
    for (name, value) in accepted.response.headers() {
        skip_reserved(answer.add_header(name, value))?;
    }
    if let Some(name) = &accepted.subprotocol {
        answer.set_subprotocol(name)?;
    }
    Ok(answer)
}

/// A proxy: what the client gets if the server behind declines.
fn refusal(declined: &client::Declined, body: Vec<u8>) -> Result<Response, BuildError> {
    let mut response = Response::new(declined.response.status())?;
    for (name, value) in declined.response.headers() {
        skip_reserved(response.add_header(name, value))?;
    }
    let content_type = declined.response.header("content-type").unwrap_or_default();
    response.set_body(&String::from_utf8_lossy(content_type), body)?;
    Ok(response)
}

/// 6455-4.1-37, 6455-4.2.2-15: a proxy copies headers and subprotocols both ways, and keeps those of each handshake apart.
#[test]
fn a_proxy_copies_headers() {
    let came = asked(
        &Head::request()
            .add("Sec-WebSocket-Protocol", "a, b")
            .add("Cookie", "id=7")
            .add("X-Trace", b"\xff")
            .add("Sec-WebSocket-Extensions", "permessage-deflate")
            .bytes(),
    )
    .request;
    let request = passed_on(&came, "ws://behind.example:8080/chat").unwrap();
    assert!(request.subprotocols().eq(["a", "b"]));
    assert!(request.headers().eq([("Cookie", &b"id=7"[..]), ("X-Trace", b"\xff")]));
    let behind = |accept: &str| {
        Head::switching(accept)
            .add("Sec-WebSocket-Protocol", "b")
            .add("Set-Cookie", "id=8")
            .add("Set-Cookie", "x=y")
            .bytes()
    };
    let taken = judge_with(&Config::new(), &request, behind).unwrap().expect("a connection");
    let mut ws = came.accept(passed_back(&taken.accepted).unwrap()).unwrap();
    let written = Written::read(&take_output(&mut ws));
    assert_eq!(written.values("Set-Cookie"), [&b"id=8"[..], b"x=y"]);
    assert_eq!((written.value("Sec-WebSocket-Protocol"), written.lines.len()), ("b", 6));
    assert_eq!(written.value("Sec-WebSocket-Accept"), crate::common::http::ACCEPT);
}

/// A refusal of the server behind goes back with its headers and its body; no length or framing of one connection gets
/// into the other.
#[test]
fn a_proxy_passes_a_refusal_on() {
    let behind = |_: &str| {
        Head::new("HTTP/1.1 403 Forbidden")
            .add("Content-Type", "text/plain")
            .add("Content-Length", "5")
            .add("Set-Cookie", "a=b")
            .add("Connection", "keep-alive")
            .then("no no")
    };
    let came = declined(behind);
    let written = final_response(&refusal(&came.no, came.body.unwrap()).unwrap().to_bytes());
    assert_eq!(
        (written.status(), written.value("Set-Cookie"), written.value("Content-Type")),
        (403, "a=b", "text/plain")
    );
    assert_eq!(written.rest, b"no no");
    // A body of a kind that nobody names is sent without a name (RFC 9110 §8.3).
    let came = declined(|_| Head::new("HTTP/1.1 502 x").then("?"));
    let bare = refusal(&came.no, came.body.unwrap()).unwrap();
    let written = final_response(&bare.to_bytes());
    assert_eq!((bare.content_type(), written.values("Content-Type").len(), &written.rest[..]), (None, 0, &b"?"[..]));
}

/// A header or value that is refused costs neither the answer nor the response.
#[test]
fn what_is_refused_changes_nothing() {
    let before = Answer::new().header("X", "y").and_then(|answer| answer.subprotocol("a")).unwrap();
    let mut answer = before.clone();
    assert_eq!(answer.add_header("upgrade", "x"), Err(BuildError::ReservedHeader("upgrade".into())));
    assert_eq!(answer.add_header("X Y", "x"), Err(BuildError::HeaderName));
    assert_eq!(answer.add_header("X", "a\r\nY: z"), Err(BuildError::HeaderValue("X".into())));
    assert_eq!(answer.set_subprotocol("a b"), Err(BuildError::Subprotocol));
    assert_eq!(answer, before);
    assert_eq!((answer.add_header("Z", "y"), answer.set_subprotocol("b")), (Ok(()), Ok(())));
    assert_eq!(Ok(answer), before.header("Z", "y").and_then(|answer| answer.subprotocol("b")));

    let before = Response::new(403).unwrap().header("X", "y").unwrap().with_body("text/plain", "no").unwrap();
    let mut response = before.clone();
    assert_eq!(response.add_header("content-type", "x"), Err(BuildError::ReservedHeader("content-type".into())));
    assert_eq!(response.add_header("", "x"), Err(BuildError::HeaderName));
    assert_eq!(response.add_header("X", "\n"), Err(BuildError::HeaderValue("X".into())));
    assert_eq!(response.set_body("a\r\nb", "x"), Err(BuildError::HeaderValue("Content-Type".into())));
    assert_eq!(response, before);

    let before = request_for("ws://example.com").subprotocol("a").unwrap();
    let mut request = before.clone();
    assert_eq!(request.add_subprotocol("a"), Err(BuildError::RepeatedSubprotocol));
    assert_eq!(request.add_subprotocol(""), Err(BuildError::Subprotocol));
    assert_eq!(request, before);
}

/// The response as an HTTP library would send it: status, headers, media type and body are all there is.
#[test]
fn a_response_taken_apart() {
    let rejection = serve(&Head::request().set("Sec-WebSocket-Version", "8").bytes()).expect_err("another version");
    let response = rejection.response();
    let written = final_response(&response.to_bytes());
    assert_eq!(response.status(), 426);
    assert!(response.headers().eq([("Sec-WebSocket-Version", &b"13"[..])]));
    assert_eq!(response.content_type(), Some(written.value("Content-Type")));
    assert_eq!(response.body()[..], written.rest);
    let own = ["Sec-WebSocket-Version", "Content-Type", "Content-Length", "Connection", "Upgrade"];
    assert!(written.lines.iter().all(|(name, _)| own.contains(&name.as_str())), "{written:?}");

    let response =
        Response::new(200).unwrap().header("A", "1").and_then(|response| response.header("B", b"\xff")).unwrap();
    assert!(response.headers().eq([("A", &b"1"[..]), ("B", b"\xff")]));
    assert_eq!((response.content_type(), response.body().len()), (None, 0));
    let typed = response.with_body(" text/plain\t", "x").unwrap();
    assert_eq!(typed.content_type(), Some("text/plain"));
    assert_eq!(typed.with_body("", "y").unwrap().content_type(), None);
}

/// Frames that came with the request are still there after all of it was looked at.
#[test]
fn looking_takes_nothing() {
    let mut input = Input::from(&Head::request().then(crate::common::http::HELLO_MASKED)[..]);
    let mut handshake = ws_proto::handshake::server::Handshake::new(&Config::new());
    let request = handshake.receive(&mut input).unwrap().expect("a request");
    assert_eq!((request.headers().count(), request.headers().count(), request.target()), (5, 5, "/chat"));
    assert_eq!(input.into_unread(), &crate::common::http::HELLO_MASKED[..]);
}
