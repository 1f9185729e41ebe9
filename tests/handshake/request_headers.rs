//! What an application adds to a client's request: header lines, and who asks.

use crate::common::http::{asked, base64, request_for, started};
use ws_proto::handshake::client::{Handshake, Request};
use ws_proto::handshake::{BuildError, server};
use ws_proto::{Config, Seed};

const URI: &str = "wss://example.com/chat";

fn authorization(request: &Request) -> String {
    started(request, &Config::new()).1.value("Authorization").to_owned()
}

/// 6455-4.1-37: the example of RFC 7617 §2.
#[test]
fn the_example_of_the_rfc() {
    let request = request_for(URI).basic_auth("Aladdin", "open sesame").unwrap();
    assert_eq!(authorization(&request), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}

/// 6455-4.1-37: the example of RFC 7617 §2.1, in UTF-8, and passwords of all lengths and kinds.
#[test]
fn users_and_passwords() {
    let request = request_for(URI).basic_auth("test", "123\u{a3}").unwrap();
    assert_eq!(authorization(&request), "Basic dGVzdDoxMjPCow==");
    for user in ["", "a", "user name", "\u{1f600}", "a\\b@c"] {
        for password in ["", ":", "a:b:c", " ", "\u{e9}", "0123456789", &"x".repeat(3000)] {
            let request = request_for(URI).basic_auth(user, password).unwrap();
            let expected = format!("Basic {}", base64(format!("{user}:{password}").as_bytes()));
            assert_eq!(authorization(&request), expected, "{user:?} {password:?}");
        }
    }
}

/// 6455-4.1-19, RFC 7617 §2: no colon in the user name, and no control characters. What is refused changes nothing.
#[test]
fn credentials_that_may_not_be() {
    let before = request_for(URI).basic_auth("a", "b").unwrap();
    for (user, password) in [
        ("a:b", "c"),
        (":", ""),
        ("a\r\nX: y", "b"),
        ("a", "b\n"),
        ("\0", "b"),
        ("a", "\t"),
        ("a", "\x7f"),
        ("\x1f", ""),
    ] {
        assert_eq!(before.clone().basic_auth(user, password), Err(BuildError::Credentials), "{user:?} {password:?}");
        let mut request = before.clone();
        assert_eq!(request.set_basic_auth(user, password), Err(BuildError::Credentials));
        assert_eq!(request, before);
    }
    let error = request_for(URI).basic_auth("user:name", "secret").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("secret") && !format!("{error} {error:?}").contains("user:name"));
}

/// RFC 9110 §11.6.2: a request has one `Authorization`, so the later credentials replace it, and nothing else.
#[test]
fn credentials_replace_others() {
    let request = request_for(URI)
        .header("X-Authorization", "x")
        .and_then(|request| request.header("authorization", "Bearer abc"))
        .and_then(|request| request.header("Cookie", "Authorization: y"))
        .and_then(|request| request.basic_auth("a", "b"))
        .and_then(|request| request.basic_auth("c", "d"))
        .unwrap();
    let (_, written, _) = started(&request, &Config::new());
    assert_eq!(written.values("Authorization"), [b"Basic Yzpk"]);
    assert_eq!((written.value("X-Authorization"), written.value("Cookie")), ("x", "Authorization: y"));
}

/// No value of a header stands in what is shown for debugging; the names do.
#[test]
fn debug_hides_values() {
    let request = request_for(URI)
        .header("Cookie", "session=topsecret")
        .and_then(|request| request.basic_auth("Aladdin", "open sesame"))
        .unwrap();
    let handshake = Handshake::new(&request, Seed::new([7; 32]), &Config::new());
    let answer = server::Answer::new().header("Set-Cookie", "session=topsecret").unwrap();
    let response = server::Response::new(302).unwrap().header("Set-Cookie", "session=topsecret").unwrap();
    let bytes = |text: &str| format!("{:?}", text.as_bytes()).trim_matches(['[', ']']).to_owned();
    for shown in [
        format!("{request:?} {request:#?}"),
        format!("{handshake:?} {handshake:#?}"),
        format!("{answer:?} {answer:#?}"),
        format!("{response:?} {response:#?}"),
    ] {
        for secret in ["topsecret", "Aladdin", "open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="] {
            assert!(!shown.contains(secret) && !shown.contains(&bytes(secret)), "{shown}");
        }
    }
    assert!(format!("{request:?}").contains(r#"["Cookie", "Authorization"]"#), "{request:?}");
}

/// 6455-4.1-37: a header that is refused does not cost the request; a proxy copies what may be copied.
#[test]
fn a_refused_header_changes_nothing() {
    let before = request_for(URI).header("Cookie", "a=b").unwrap();
    let mut request = before.clone();
    assert_eq!(request.add_header("host", "x"), Err(BuildError::ReservedHeader("host".into())));
    assert_eq!(request.add_header("X Y", "x"), Err(BuildError::HeaderName));
    assert_eq!(request.add_header("X", "a\r\nY: z"), Err(BuildError::HeaderValue("X".into())));
    assert_eq!(request, before);
    assert_eq!(request.add_header("X", "y"), Ok(()));
    assert_eq!(Ok(request), before.header("X", "y"));

    let came = asked(
        &crate::common::http::Head::request()
            .add("Origin", "https://example.com")
            .add("X-Trace", b"\xff")
            .add("Cookie", "a=b")
            .bytes(),
    );
    let mut request = request_for(URI);
    let refused: Vec<_> =
        came.request.head().headers().filter_map(|(name, value)| request.add_header(name, value).err()).collect();
    assert!(refused.iter().all(|error| matches!(error, BuildError::ReservedHeader(_))), "{refused:?}");
    let (_, written, _) = started(&request, &Config::new());
    assert_eq!((written.value("Host"), written.value("Origin")), ("example.com", "https://example.com"));
    assert_eq!((written.values("X-Trace"), written.value("Cookie")), (vec![&b"\xff"[..]], "a=b"));
    assert_eq!(written.lines.len(), 8);
}
