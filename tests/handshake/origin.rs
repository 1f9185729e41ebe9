//! Which pages a server lets connect: the `Origin` of a request and the policy about it.

use crate::common::http::{Head, asked, final_response, refused};
use ws_proto::handshake::server::{Reason, Request};
use ws_proto::handshake::{InvalidOrigin, OriginFlaw, OriginPolicy};

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

/// W17, 6455-10.2-1: what no browser sends would match nothing; it is an error that says why.
#[test]
fn what_cannot_be_allowed() {
    for (flaw, origins) in [
        (
            OriginFlaw::Scheme,
            &[
                "",
                "*",
                "example.com",
                "*.example.com",
                "com.example.app",
                "//example.com",
                "://a",
                "a b://c",
                "1a://b",
                "*://example.com",
                "http:",
                "https:example.com",
                " https://example.com",
                "NULL",
                "null ",
                "localhost:80",
                "data:",
                "about:blank",
            ][..],
        ),
        (OriginFlaw::WebSocketScheme, &["ws://example.com", "wss://example.com", "WSS://*.example.com"]),
        (
            OriginFlaw::Path,
            &[
                "http://example.com/",
                "https://example.com/chat",
                "https://*.example.com/",
                "file:///",
                "app://notes/x",
                "https://example.com?x",
                "https://example.com#x",
                "https://example.com\\",
                "https://a.example, https://b.example",
            ],
        ),
        (OriginFlaw::UserInfo, &["http://a@b", "https://user:secret@example.com", "https://*@example.com"]),
        (
            OriginFlaw::Wildcard,
            &[
                "https://*",
                "https://*example.com",
                "https://app.*.com",
                "https://*.*.example.com",
                "https://a*.example.com",
                "https://example.*",
                "https://*:8443",
                "https://example.com:*",
                "http://*.0.0.1",
                "http://*.1",
                "http://*.0x7f",
                "https://*.[::1]",
                "chrome-extension://*",
            ],
        ),
        (
            OriginFlaw::NotAscii,
            &["https://b\u{fc}cher.example", "https://*.b\u{fc}cher.example", "https://example\u{3002}com"],
        ),
        (
            OriginFlaw::Host,
            &[
                "http://",
                "https://:8443",
                "https://.",
                "https://*.",
                "https://*.:443",
                "app://*.",
                "https://a..example",
                "https://.example.com",
                "https://*..example.com",
                "https://example.com.",
                "https://*.example.com.",
                "http://exa mple.com",
                "http://ex%61mple.com",
                "http://127.1",
                "http://2130706433",
                "http://0x7f.0.0.1",
                "http://127.0.0.01",
                "http://256.0.0.1",
                "http://[::1",
                "http://::1",
                "http://[::g]",
                "http://a\r\n",
                "app://a b",
                "file://\n",
            ],
        ),
        (OriginFlaw::Port, &["http://a:0", "http://a:65536", "https://a:x", "https://*.a:-1", "app://a:x"]),
    ] {
        for origin in origins {
            let error = OriginPolicy::new().allow(origin).expect_err(origin);
            let shown = shown(origin);
            assert_eq!((error.flaw, &*error.origin), (flaw, &*shown), "{origin:?}");
            assert!(error.to_string().starts_with(&format!("{shown:?} cannot be allowed: {flaw}")), "{error}");
        }
    }
}

/// W17, 6455-10.2-1: `*.` stands for one label or more, and nothing else.
#[test]
fn all_subdomains() {
    let policy = allowing(&["https://*.Example.COM", "http://*.localhost:8080", "https://*.example.net:443"]);
    for origin in [
        "https://app.example.com",
        "https://a.b.example.com",
        "https://a.b.c.d.example.com",
        "https://app.example.com:443",
        "HTTPS://APP.EXAMPLE.COM",
        "https://xn--bcher-kva.example.com",
        "https://a_b.example.com",
        "https://1.example.com",
        "https://com.example.com",
        "https://example.com.example.com",
        "http://app.localhost:8080",
        "https://app.example.net",
    ] {
        assert!(admits(&policy, &request("api.example.org", origin)), "{origin}");
    }
    for origin in [
        "https://example.com",
        "https://.example.com",
        "https://..example.com",
        "https://a..example.com",
        "https://.a.example.com",
        "https://evilexample.com",
        "https://evil-example.com",
        "https://a.evilexample.com",
        "https://a.example.com.evil.example",
        "https://a.example.com.",
        "https://a.example.co",
        "https://a.example.comm",
        "https://a.xexample.com",
        "http://app.example.com",
        "https://app.example.com:80",
        "https://app.example.com:8443",
        "https://evil.example%2F.example.com",
        "https://evil.example%00.example.com",
        "https://evil.example/.example.com",
        "https://evil.example?.example.com",
        "https://evil.example#.example.com",
        "https://evil.example\\.example.com",
        "https://evil.example@a.example.com",
        "https://evil.example:443.example.com",
        "https://evil.example a.example.com",
        "https://evil.example,a.example.com",
        "https://[::1].example.com",
        "https://a.example.com https://b.example.com",
        "http://app.localhost",
        "http://localhost:8080",
        "app.example.com",
        ".example.com",
        "*.example.com",
        "null",
        "",
    ] {
        assert!(!admits(&policy, &request("api.example.org", origin)), "{origin}");
    }
    for origin in [&b"https://\xff.example.com"[..], "https://\u{e4}.example.com".as_bytes()] {
        assert!(!admits(&policy, &request("api.example.org", origin)));
    }
}

/// W18, 6455-10.2-1: origins that are no http URL (RFC 6454 §6.2) are compared as a whole.
#[test]
fn other_schemes() {
    let listed = [
        "file://",
        "app://notes",
        "App://obsidian.md",
        "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
        "moz-extension://0a1b2c3d-0000-4000-8000-123456789abc",
        "capacitor://localhost",
        "tauri://localhost:1430",
        "x-app+y.z://a%20b..c",
        "empty://",
    ];
    let policy = allowing(&listed);
    for origin in listed {
        assert!(admits(&policy, &request("example.com", origin)), "{origin}");
        assert!(admits(&policy, &request("example.com", origin.to_ascii_uppercase())), "{origin}");
        assert!(!admits(&allowing(&["https://example.com"]), &request("example.com", origin)), "{origin}");
        assert!(!admits(&OriginPolicy::new().same_origin(), &request("localhost", origin)), "{origin}");
    }
    for origin in [
        "file:///",
        "file://host",
        "file:",
        "app://",
        "app://note",
        "app://notes:80",
        "app://notes/",
        "app://notes.evil.example",
        "http://notes",
        "capacitor://localhost:80",
        "tauri://localhost",
        "chrome-extension://",
        "notes",
        "://",
        "null",
        "",
    ] {
        assert!(!admits(&policy, &request("example.com", origin)), "{origin}");
    }
    let apps = allowing(&["app://*.example"]);
    assert!(admits(&apps, &request("h", "app://notes.example")) && !admits(&apps, &request("h", "app://example")));
}

/// W18: names that are no origins, as some programs send them, are accepted only by a method of their own.
#[test]
fn bare_names() {
    let policy =
        OriginPolicy::new().allow_name("com.example.app").and_then(|policy| policy.allow_name("my_app-2~")).unwrap();
    assert!(admits(&policy, &request("example.com", "com.example.app")));
    assert!(admits(&policy, &request("example.com", "my_app-2~")));
    for origin in [
        "com.example.App",
        "com.example",
        "com.example.app.evil",
        "https://com.example.app",
        "app://com.example.app",
        "com.example.app:80",
        "com.example.app my_app-2~",
        "null",
        "",
    ] {
        assert!(!admits(&policy, &request("com.example.app", origin)), "{origin}");
    }
    for name in
        ["", "null", "https://example.com", "a:80", "a/b", "*", "*.example.com", "a b", "a\r\nb", "\u{e4}", "a,b"]
    {
        let error = OriginPolicy::new().allow_name(name).expect_err(name);
        assert_eq!((error.flaw, &*error.origin), (OriginFlaw::Name, name));
    }
}

/// W19, 6455-10.2-1: behind a proxy `Host` is not what the page knows; the public name can be said.
#[test]
fn a_public_host() {
    let policy = with_public_hosts(&["Example.com", "example.org:8443", "[2001:db8::1]", "*.example.net"]);
    for policy in [policy.clone(), policy.same_origin()] {
        for host in ["127.0.0.1:8015", "example.com", "example.com:8015", "backend", "evil.example"] {
            for origin in [
                "https://example.com",
                "http://example.com",
                "https://EXAMPLE.com:443",
                "http://example.com:80",
                "https://example.org:8443",
                "http://example.org:8443",
                "https://[2001:db8:0::1]",
                "https://a.example.net",
            ] {
                assert!(admits(&policy, &request(host, origin)), "{origin} on {host}");
            }
            for origin in [
                "https://example.com:8443",
                "https://example.com:80",
                "http://example.com:443",
                "https://example.org",
                "https://www.example.com",
                "https://evilexample.com",
                "https://example.com.evil.example",
                "https://example.net",
                "https://other.example",
                "app://example.com",
                "example.com",
                "null",
            ] {
                assert!(!admits(&policy, &request(host, origin)), "{origin} on {host}");
            }
        }
    }
}

/// W19, 6455-10.2-1: the public host does not ask `Host`, so a name of others that leads here (DNS rebinding) is refused.
#[test]
fn a_public_host_does_not_believe_the_host() {
    let policy = with_public_hosts(&["localhost:8015"]);
    assert!(admits(&policy, &request("localhost:8015", "http://localhost:8015")));
    assert!(!admits(&policy, &request("evil.example:8015", "http://evil.example:8015")));
    assert!(admits(&policy.same_origin(), &request("evil.example:8015", "http://evil.example:8015")));
}

/// What an error shows of a text: neither user information nor query and fragment.
fn shown(text: &str) -> String {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let start = text.find("://").map_or(0, |colon| colon + 3).min(end);
    let host = text[start..end].rfind('@').map_or(start, |at| start + at + 1);
    [&text[..start], &text[host..end]].concat()
}

/// An error names the text that is wrong, without what may be secret in it.
#[test]
fn what_an_error_shows() {
    for (text, expected) in [
        ("https://user:secret@example.com", "https://example.com"),
        ("https://a@b@example.com/path?query#fragment", "https://example.com/path"),
        ("user@example.com", "example.com"),
        ("https://example.com/?a@b", "https://example.com/"),
        ("https://example.com#a://b", "https://example.com"),
        ("?secret", ""),
    ] {
        assert_eq!(OriginPolicy::new().allow(text).expect_err(text).origin, expected);
        assert_eq!(shown(text), expected);
    }
}

/// W19: what is no host is an error.
#[test]
fn what_is_no_public_host() {
    for (host, flaw) in [
        ("", OriginFlaw::Host),
        ("https://example.com", OriginFlaw::Path),
        ("example.com/", OriginFlaw::Path),
        ("a@example.com", OriginFlaw::UserInfo),
        ("example.com:0", OriginFlaw::Port),
        ("example.com.", OriginFlaw::Host),
        ("*", OriginFlaw::Wildcard),
        ("b\u{fc}cher.example", OriginFlaw::NotAscii),
    ] {
        let error = OriginPolicy::new().public_host(host).expect_err(host);
        assert_eq!((error.flaw, &*error.origin), (flaw, &*shown(host)));
    }
}

/// 6455-10.2-1: an IPv6 address has several forms, of which a browser sends one (RFC 4291 §2.2).
#[test]
fn addresses() {
    let policy = allowing(&["http://[0:0:0:0:0:0:0:1]:9001", "http://[::ffff:1.2.3.4]", "http://127.0.0.1"]);
    for origin in ["http://[::1]:9001", "http://[::ffff:102:304]", "http://127.0.0.1"] {
        assert!(admits(&policy, &request("example.com", origin)), "{origin}");
    }
    assert!(!admits(&policy, &request("example.com", "http://[::2]:9001")));
    assert!(!admits(&policy, &request("example.com", "http://127.0.0.2")));
    assert!(admits(&OriginPolicy::new().same_origin(), &request("[0::1]", "http://[::1]")));
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

fn with_public_hosts(hosts: &[&str]) -> OriginPolicy {
    let add = |policy: OriginPolicy, host: &&str| -> Result<_, InvalidOrigin> { policy.public_host(host) };
    hosts.iter().try_fold(OriginPolicy::new(), add).expect("hosts")
}
