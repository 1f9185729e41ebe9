//! The values of list headers in an otherwise valid request: what is accepted can be walked and keeps the grammar.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ws_proto::handshake::server::Handshake;
use ws_proto::handshake::{Extension, OriginPolicy};
use ws_proto::{Config, Input};

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fuzz_target!(|values: (&[u8], &[u8], &[u8], &[u8])| {
    let (extensions, more_extensions, subprotocols, origin) = values;
    // A value that ends its line would bring lines of its own; heads are the matter of another target.
    if [extensions, more_extensions, subprotocols, origin].concat().iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
        return;
    }
    let mut input = Input::from(
        &b"GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"[..],
    );
    let lines = [
        ("Sec-WebSocket-Extensions", extensions),
        ("Sec-WebSocket-Extensions", more_extensions),
        ("Sec-WebSocket-Protocol", subprotocols),
        ("Origin", origin),
    ];
    for (name, value) in lines.into_iter().filter(|(_, value)| !value.is_empty()) {
        input.extend_from_slice(name.as_bytes());
        input.extend_from_slice(b": ");
        input.extend_from_slice(value);
        input.extend_from_slice(b"\r\n");
    }
    input.extend_from_slice(b"\r\n");
    let Ok(Some(request)) = Handshake::new(&Config::new()).receive(&mut input) else { return };

    let walked = request.extensions().inspect(|extension| {
        assert!(is_token(extension.name()));
        for (name, value) in extension.parameters() {
            assert!(is_token(name));
            // A quoted value may be anything but a token, too: extensions in use have such values.
            assert!(value.is_none_or(|value| value.bytes().all(|byte| byte == b'\t' || !byte.is_ascii_control())));
        }
        let written = extension.to_string();
        let read = Extension::parse(&written).expect("what it is written as keeps the grammar");
        assert_eq!(read.name(), extension.name());
        assert!(read.parameters().eq(extension.parameters()), "{written:?}");
    });
    let commas = extensions.iter().chain(more_extensions).filter(|&&byte| byte == b',').count();
    assert!(walked.count() <= commas + 2, "an element begins a line or follows a comma");

    let mut names: Vec<_> = request.subprotocols().collect();
    assert!(names.iter().all(|name| is_token(name)));
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), request.subprotocols().count());

    let policy = OriginPolicy::new().same_origin().allow("https://app.example.com").expect("an origin");
    if policy.check(&request).is_ok() {
        let origin = request.origin().expect("an origin is asked for").to_ascii_lowercase();
        assert!(origin.windows(11).any(|window| window == b"example.com"), "{origin:?}");
    }
});
