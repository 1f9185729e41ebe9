//! Handshakes that others published: the samples of RFC 6455, what browsers, servers and broken clients send.

use crate::common::http::{
    Head, KEY, accept_for, asked, base64, flawed, refused, request_for, sha1, started, take_output, taken, unbase64,
};
use ws_proto::handshake::accept_key;
use ws_proto::handshake::client::Flaw;
use ws_proto::handshake::server::{Answer, Reason};

/// Keys with the accept values that were published with them.
const PAIRS: [(&str, &str); 4] = [
    ("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ("QPDJV2rsT8OhiiMvpB+3QQ==", "R1gaI7r75Salqt4dEyJ2MDWiA2c="),
    ("pNgZr2dChVwcNts30DxZiQ==", "W3UNJiLyRMXlwQ2lsHe8hNFegRU="),
    ("sN9cRrP/n9NdMgdcy2VJFQ==", "fFBooB7FAkLlXgRSz0BT3v4hq5s="),
];

/// The helpers' own SHA-1 and base64 are right, so that they can judge the crate: FIPS 180-4 and RFC 4648 §10 samples.
#[test]
fn the_oracle_is_right() {
    assert_eq!(sha1(b"abc")[..4], [0xa9, 0x99, 0x3e, 0x36]);
    assert_eq!(sha1(&[b'a'; 1_000_000])[..4], [0x34, 0xaa, 0x97, 0x3c]);
    for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
        assert_eq!(base64(bytes.as_bytes()), text);
        assert_eq!(unbase64(text).as_deref(), Some(bytes.as_bytes()));
    }
    for (key, accept) in PAIRS {
        assert_eq!(accept_for(key), accept);
    }
}

/// 6455-4.2.2-19: the accept value is the base64 of SHA-1 over the key's text and the GUID.
#[test]
fn published_keys_have_their_accept_values() {
    for (key, accept) in PAIRS {
        assert_eq!(accept_key(key), accept);
        let asked = asked(&Head::request().set("Sec-WebSocket-Key", key).bytes());
        let mut ws = asked.request.accept(Answer::new()).unwrap();
        let answer = crate::common::http::Written::read(&take_output(&mut ws));
        assert_eq!(answer.value("Sec-WebSocket-Accept"), accept);
    }
}

/// 6455-4.2.2-7: any text is hashed as it is; the bytes need not be a key at all, and every length of SHA-1's blocks
/// comes out right.
#[test]
fn accept_key_hashes_text_of_any_length() {
    for length in 0..200 {
        let text: String = "dGhlIHNhbXBsZSBub25jZQ==".chars().cycle().take(length).collect();
        assert_eq!(accept_key(&text), *accept_for(&text), "{length} bytes");
    }
}

/// 6455-4.2.1-6, 6455-4.2.2-7: the sample key of RFC 6455 §4.1 has padding bits that are not zero; it is taken, and
/// its text is hashed, not what it decodes to.
#[test]
fn the_sample_key_with_padding_bits() {
    let asked = asked(&Head::request().set("Sec-WebSocket-Key", "AQIDBAUGBwgJCgsMDQ4PEC==").bytes());
    let mut ws = asked.request.accept(Answer::new()).unwrap();
    let answer = crate::common::http::Written::read(&take_output(&mut ws));
    assert_eq!(answer.value("Sec-WebSocket-Accept"), accept_for("AQIDBAUGBwgJCgsMDQ4PEC=="));
    assert_ne!(answer.value("Sec-WebSocket-Accept"), accept_for("AQIDBAUGBwgJCgsMDQ4PEA=="));
}

/// The request of RFC 6455 §1.2, with every field it shows.
#[test]
fn the_request_of_the_rfc() {
    let asked = asked(
        b"GET /chat HTTP/1.1\r\n\
          Host: server.example.com\r\n\
          Upgrade: websocket\r\n\
          Connection: Upgrade\r\n\
          Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
          Origin: http://example.com\r\n\
          Sec-WebSocket-Protocol: chat, superchat\r\n\
          Sec-WebSocket-Version: 13\r\n\r\n",
    );
    let request = asked.request;
    assert_eq!((request.head().method(), request.path(), request.host()), ("GET", "/chat", "server.example.com"));
    assert_eq!(request.origin(), Some(&b"http://example.com"[..]));
    assert_eq!(request.subprotocols().collect::<Vec<_>>(), ["chat", "superchat"]);
    let mut ws = request.accept(Answer::new().subprotocol("chat").unwrap()).unwrap();
    let answer = crate::common::http::Written::read(&take_output(&mut ws));
    assert_eq!(answer.value("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_eq!(answer.value("Sec-WebSocket-Protocol"), "chat");
}

/// 6455-4.2.1-2, 6455-4.2.1-11: a browser's request with an absolute target and all that browsers add.
#[test]
fn a_browser_with_an_absolute_target() {
    let asked = asked(
        b"GET ws://localhost:8888/ HTTP/1.1\r\n\
          Host: localhost:8888\r\n\
          Connection: Upgrade\r\n\
          Pragma: no-cache\r\n\
          Cache-Control: no-cache\r\n\
          User-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_13_2) AppleWebKit/537.36 (KHTML, like Gecko) \
          Chrome/63.0.3239.108 Safari/537.36\r\n\
          Upgrade: websocket\r\n\
          Origin: http://localhost:8888\r\n\
          Sec-WebSocket-Version: 13\r\n\
          Accept-Encoding: gzip, deflate, br\r\n\
          Accept-Language: en-US,en;q=0.9\r\n\
          Cookie: csrftoken=abc; sessionid=\"d,e f\"\r\n\
          Sec-WebSocket-Key: QPDJV2rsT8OhiiMvpB+3QQ==\r\n\
          Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n",
    );
    let request = asked.request;
    assert_eq!(request.head().target(), "ws://localhost:8888/");
    assert_eq!((request.path(), request.query(), request.host()), ("/", None, "localhost:8888"));
    assert_eq!(request.header("cookie"), Some(&b"csrftoken=abc; sessionid=\"d,e f\""[..]));
    let offered: Vec<_> = request.extensions().map(|extension| extension.name().to_owned()).collect();
    assert_eq!(offered, ["permessage-deflate"]);
    let mut ws = request.accept(Answer::new()).unwrap();
    let answer = crate::common::http::Written::read(&take_output(&mut ws));
    assert_eq!(answer.value("Sec-WebSocket-Accept"), "R1gaI7r75Salqt4dEyJ2MDWiA2c=");
}

/// A browser's request as a reverse proxy passes it on: over 30 lines and several KiB of cookies.
#[test]
fn a_browser_behind_proxies() {
    let mut head = Head::request().add("Cookie", "k=v; ".repeat(1500));
    for i in 0..30 {
        head = head.add(format!("X-Forwarded-{i}"), "203.0.113.7, 198.51.100.9");
    }
    assert_eq!(asked(&head.bytes()).request.head().headers().count(), 36);
}

/// 6455-4.1-47: a server that writes its header names in lower case, as many do.
#[test]
fn an_answer_in_lower_case() {
    taken(|accept| {
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
             sec-websocket-accept: {accept}\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n"
        )
        .into_bytes()
    });
}

/// An old server's answer with fields of the drafts, which mean nothing.
#[test]
fn an_answer_with_fields_of_the_drafts() {
    taken(|accept| {
        Head::switching(accept)
            .add("Sec-WebSocket-Origin", "http://localhost:8888")
            .add("Sec-WebSocket-Location", "ws://localhost:8888/")
            .bytes()
    });
}

/// 6455-4.2.1-4, 6455-4.2.1-6: a misspelt protocol and a key that is none.
#[test]
fn misspelt_requests() {
    let answer = refused(&Head::request().set("Upgrade", "webscocket").bytes(), Reason::Upgrade);
    assert_eq!(answer.status(), 400);
    let answer = refused(&Head::request().set("Sec-WebSocket-Key", "key1").bytes(), Reason::Key);
    assert_eq!(answer.status(), 400);
}

/// 6455-4.1-43: an answer recorded for another key is no answer to this one.
#[test]
fn a_recorded_answer_is_not_for_this_key() {
    let (_, _, key) = started(&request_for("ws://example.com/"), &ws_proto::Config::new());
    assert_ne!(key, KEY);
    for (_, accept) in PAIRS {
        flawed(|_| Head::switching(accept).bytes(), Flaw::Accept);
    }
}

/// 6455-4.2.2-19: the value is printed, compared and sent as text, without an allocation, and takes a key as text or bytes.
#[test]
fn an_accept_value_is_text() {
    let (key, accept) = PAIRS[0];
    let value = accept_key(key);
    assert_eq!(value, accept_key(key.as_bytes()));
    assert_ne!(value, accept_key(PAIRS[1].0));
    assert_eq!(format!("{value} {value:>30}"), format!("{accept}   {accept}"));
    assert_eq!(format!("{value:?}"), format!("AcceptKey({accept:?})"));
    assert_eq!((value.as_str(), AsRef::<[u8]>::as_ref(&value)), (accept, accept.as_bytes()));
    assert!(value == accept && value == *accept.as_bytes());
    for other in ["", &accept[1..], &accept.to_lowercase(), PAIRS[1].1, &format!("{accept}=")] {
        assert!(value != *other && value != *other.as_bytes(), "{other}");
    }
    let response = ws_proto::handshake::server::Response::new(200).unwrap().header("X-Accept", value).unwrap();
    assert_eq!(response.headers().next(), Some(("X-Accept", accept.as_bytes())));
}
