//! Handshakes from the wild: what servers in use send and a client has to take, what clients in use send and a server has
//! to take, and peers that do not speak HTTP. The helpers feed each input whole, byte by byte and in random cuts.
#![cfg(feature = "handshake")]

mod common;

use common::http::{Head, Taken, taken};
use ws_proto::{Event, Input};

/// A 101 and the text that came behind it.
fn opens_with_hello(answer: impl Fn(&str) -> Vec<u8>) -> Taken {
    let mut taken = taken(|accept| [&answer(accept)[..], b"\x81\x05hello"].concat());
    let mut input = Input::from(&taken.rest[..]);
    let Some(Event::Text(text)) = taken.accepted.connection.receive(&mut input) else { panic!("the text") };
    assert_eq!(text, "hello");
    assert!(taken.accepted.connection.receive(&mut input).is_none());
    taken
}

/// W1, W2, 6455-4.1-48, RFC 9112 §6.3: a 101 ends with its head, whatever it says of a body: what follows is frames.
#[test]
fn a_101_that_announces_a_body() {
    for (name, value) in [
        ("Transfer-Encoding", "chunked"),
        ("transfer-encoding", "gzip, chunked"),
        ("Content-Length", "5"),
        ("Content-Length", "0"),
        ("content-length", "18446744073709551616"),
        ("Content-Length", "nonsense"),
        ("Content-Length", ""),
    ] {
        opens_with_hello(|accept| Head::switching(accept).add(name, value).bytes());
    }
    opens_with_hello(|accept| {
        Head::switching(accept).add("Content-Length", "5").add("Transfer-Encoding", "chunked").bytes()
    });
}
