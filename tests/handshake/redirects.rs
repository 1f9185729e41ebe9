//! Redirects of a handshake: where they lead.

use crate::common::http::{Head, declined};
use ws_proto::handshake::{InvalidUri, WebSocketUri};

/// W11, 6455-4.1-40, RFC 9110 §10.2.2: where a redirect leads, resolved against the URI that was asked for.
#[test]
fn redirects() {
    let from: WebSocketUri = "ws://a.example/x/y?y=1".parse().unwrap();
    let target = |status: u16, lines: &[&[u8]]| {
        let head = Head::new(format!("HTTP/1.1 {status} Whatever"));
        let no = declined(|_| lines.iter().fold(head.clone(), |head, line| head.add("Location", line)).bytes());
        no.redirect(&from).map(|target| target.map(|target| target.to_string()))
    };
    for (location, expected) in [
        ("https://b.example/z", "wss://b.example/z"),
        ("http://b.example:8080/z#top", "ws://b.example:8080/z"),
        ("wss://b.example", "wss://b.example/"),
        ("ws://b.example/z", "ws://b.example/z"),
        ("/z", "ws://a.example/z"),
        ("z", "ws://a.example/x/z"),
        ("../z", "ws://a.example/z"),
        ("?q", "ws://a.example/x/y?q"),
        ("//b.example/p", "ws://b.example/p"),
        ("/z\u{e9}", "ws://a.example/z%C3%A9"),
        ("", "ws://a.example/x/y?y=1"),
    ] {
        for status in [301, 302, 303, 307, 308] {
            assert_eq!(target(status, &[location.as_bytes()]), Some(Ok(expected.into())), "{status} {location}");
        }
        for status in [200, 201, 300, 304, 305, 306, 400, 401, 403, 503] {
            assert_eq!(target(status, &[location.as_bytes()]), None, "{status} {location}");
        }
    }
    assert_eq!(target(302, &[]), None);
    assert_eq!(target(302, &[b"/a", b"/b"]), None, "one that a response was split for");
    assert_eq!(target(302, &[b"/a", b"/a"]), Some(Ok("ws://a.example/a".into())));
    for (location, flaw) in [
        (&b"ftp://b.example/"[..], InvalidUri::Scheme),
        (b"https://user:secret@b.example/", InvalidUri::UserInfo),
        (b"/\\evil.example", InvalidUri::Backslash),
        (b"/a\tb", InvalidUri::Control),
        (b"/\xe9", InvalidUri::NotUtf8),
    ] {
        assert_eq!(target(302, &[location]), Some(Err(flaw)), "{}", location.escape_ascii());
    }
}
