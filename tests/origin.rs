//! Which pages a server lets connect: the `Origin` of a request and the policy about it.
#![cfg(feature = "handshake")]

mod common;

use common::http::{Head, asked, final_response, refused};
use ws_proto::handshake::server::{Reason, Request};
use ws_proto::handshake::{BuildError, OriginPolicy};

fn request(host: &str, origin: impl AsRef<[u8]>) -> Request {
    asked(&Head::request().set("Host", host).add("Origin", origin).bytes()).request
}

fn without_origin() -> Request {
    asked(&Head::request().bytes()).request
}

fn admits(policy: &OriginPolicy, request: &Request) -> bool {
    match policy.check(request) {
        Ok(()) => true,
        Err(response) => {
            assert_eq!(response.status(), 403);
            assert_eq!(final_response(&response.to_bytes()).status(), 403);
            false
        }
    }
}

/// 6455-10.2-1, 6455-10.2-2, CVE-2019-13611: what was not allowed is refused, with 403.
#[test]
fn a_new_policy_refuses_everything() {
    let policy = OriginPolicy::new();
    for origin in ["http://example.com", "https://example.com", "null", ""] {
        assert!(!admits(&policy, &request("example.com", origin)), "{origin}");
    }
    assert!(!admits(&policy, &without_origin()));
    assert!(!admits(&OriginPolicy::default(), &without_origin()));
}

/// 6455-10.2-1: the origin is shown to the application as it came.
#[test]
fn the_origin_is_shown() {
    assert_eq!(request("example.com", "http://a.example").origin(), Some(&b"http://a.example"[..]));
    assert_eq!(request("example.com", b"\xff").origin(), Some(&b"\xff"[..]));
    assert_eq!(without_origin().origin(), None);
}

/// 6455-10.2-1: pages from the host and port that the request is for.
#[test]
fn the_same_origin() {
    let policy = OriginPolicy::new().same_origin();
    for (host, origin) in [
        ("example.com", "http://example.com"),
        ("example.com", "https://example.com"),
        ("EXAMPLE.com", "http://example.COM"),
        ("example.com", "HTTP://EXAMPLE.COM"),
        ("example.com:80", "http://example.com"),
        ("example.com", "http://example.com:80"),
        ("example.com:443", "https://example.com"),
        ("example.com", "https://example.com:443"),
        ("example.com:8080", "http://example.com:8080"),
        ("localhost:9001", "http://localhost:9001"),
        ("[::1]:9001", "http://[::1]:9001"),
    ] {
        assert!(admits(&policy, &request(host, origin)), "{origin} on {host}");
    }
    assert!(!admits(&policy, &without_origin()), "no origin is not the same origin");
}

/// 6455-10.2-1, 6455-10.2-2, CVE-2026-55883: other pages, however they dress up.
#[test]
fn other_origins() {
    let same = OriginPolicy::new().same_origin();
    let listed = allowing(&["http://example.com", "https://example.com"]);
    for origin in [
        "http://example.org",
        "http://example.com.evil.example",
        "http://evil-example.com",
        "http://evilexample.com",
        "http://sub.example.com",
        "http://com",
        "http://example.co",
        "http://example.comm",
        "http://example.com:8080",
        "http://example.com:443",
        "https://example.com:80",
        "http://example.com@evil.example",
        "http://evil.example@example.com",
        "http://user@example.com",
        "http://evil.example/http://example.com",
        "http://evil.example#example.com",
        "http://evil.example?http://example.com",
        "http://evil.example\\example.com",
        "http://example.com http://evil.example",
        "http://evil.example http://example.com",
        "http://example.com, http://evil.example",
        "http://evil.example, http://example.com",
        "file://",
        "http://",
        "http:",
        "//example.com",
        "example.com",
        "null",
        "NULL",
        "*",
        "",
        "http://example.com:x",
        "http://example.com:65616", // 80 in 16 bits
        "http://example%2ecom",
        "http://example.com.",
    ] {
        assert!(!admits(&listed, &request("example.com", origin)), "{origin} is not listed");
        assert!(!admits(&same, &request("example.com", origin)), "{origin} is not the same origin");
    }
    for origin in [&b"http://ex\xe4mple.com"[..], b"\xff\xfe", "http://example\u{3002}com".as_bytes()] {
        assert!(!admits(&listed, &request("example.com", origin)));
        assert!(!admits(&same, &request("example.com", origin)));
    }
}

/// 6455-10.2-1: an origin of another scheme is another origin (RFC 6454 §5), and WebSocket servers are http or https.
#[test]
fn the_same_origin_is_http_or_https() {
    let policy = OriginPolicy::new().same_origin();
    for origin in
        ["ftp://example.com", "file://example.com", "://example.com", "x\u{e4}://example.com", "a b://example.com"]
    {
        assert!(!admits(&policy, &request("example.com", origin)), "{origin}");
    }
}

/// 6455-10.2-1: a list of origins; scheme and host compare in any case, a default port is as good as none.
#[test]
fn listed_origins() {
    let policy = allowing(&["https://app.example.com", "http://localhost:8080"]);
    for origin in [
        "https://app.example.com",
        "HTTPS://App.Example.COM",
        "https://app.example.com:443",
        "http://localhost:8080",
        "http://LOCALHOST:8080",
    ] {
        assert!(admits(&policy, &request("api.example.com", origin)), "{origin}");
    }
    for origin in [
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://app.example.com:80",
        "http://localhost",
        "https://localhost:8080",
        "http://localhost:80801",
        "http://localhost:808",
        "https://api.example.com",
    ] {
        assert!(!admits(&policy, &request("api.example.com", origin)), "{origin}");
    }
    assert!(!admits(&policy, &without_origin()));
    let with_port = allowing(&["http://example.com:80"]);
    assert!(admits(&with_port, &request("h", "http://example.com")));
    assert!(!admits(&with_port, &request("h", "https://example.com")));
}

/// 6455-10.2-1: programs that send no origin are let in on request, and pages still are not.
#[test]
fn requests_without_origin() {
    let policy = OriginPolicy::new().without_origin();
    assert!(admits(&policy, &without_origin()));
    assert!(!admits(&policy, &request("example.com", "http://example.com")));
    assert!(!admits(&policy, &request("example.com", "")));
    assert!(!admits(&policy, &request("example.com", "null")));
    let both = allowing(&["http://b.example"]).without_origin().same_origin();
    assert!(admits(&both, &without_origin()));
    assert!(admits(&both, &request("a.example", "http://a.example")));
    assert!(admits(&both, &request("a.example", "http://b.example")));
    assert!(!admits(&both, &request("a.example", "http://c.example")));
}

/// RFC 9112 §3.2.2: an absolute target names the host that the request is for; a `Host` that says otherwise is not
/// what a page is compared with.
#[test]
fn the_same_origin_with_an_absolute_target() {
    let policy = OriginPolicy::new().same_origin();
    let head = Head::request().start("GET http://a.example/ HTTP/1.1").set("Host", "b.example");
    assert!(admits(&policy, &asked(&head.clone().add("Origin", "http://a.example").bytes()).request));
    assert!(!admits(&policy, &asked(&head.add("Origin", "http://b.example").bytes()).request));
}

/// 6455-4.2.1-1: two origins cannot both be where the page comes from.
#[test]
fn two_origins() {
    for second in ["http://example.com", "http://evil.example", ""] {
        let head = Head::request().add("Origin", "http://example.com").add("origin", second);
        assert_eq!(refused(&head.bytes(), Reason::Origin).status(), 400);
    }
}

/// What is not an origin would match nothing; it is said so.
#[test]
fn what_cannot_be_allowed() {
    for origin in
        ["", "*", "example.com", "http://", "http://example.com/", "http://a@b", "http://a:0", "://a", "a b://c"]
    {
        assert_eq!(OriginPolicy::new().allow(origin), Err(BuildError::Origin(origin.into())));
    }
}

/// RFC 6454 §7.1: pages without an origin of their own are let in only by name.
#[test]
fn null_by_name() {
    assert!(admits(&allowing(&["null"]), &request("example.com", "null")));
    assert!(!admits(&allowing(&["null"]), &request("example.com", "nullx")));
    assert!(!admits(&allowing(&["null"]), &without_origin()));
}

fn allowing(origins: &[&str]) -> OriginPolicy {
    origins.iter().fold(OriginPolicy::new(), |policy, origin| policy.allow(origin).expect("an origin"))
}
