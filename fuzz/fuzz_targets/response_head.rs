//! A response in random cuts: the outcome does not depend on them, and nothing but the right proof is accepted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ws_proto::handshake::client::{Error, Flaw, Handshake, Request, ResponseHead};
use ws_proto::handshake::{AcceptKey, accept_key};
use ws_proto::{Config, Input, Seed};

/// The seed's proof, so that the fuzzer gets past it: `ACCEPT` in the input stands for it.
fn proof(handshake: &mut Handshake) -> AcceptKey {
    let head = String::from_utf8(handshake.output().to_vec()).expect("a request is ASCII");
    let key = head.split("Sec-WebSocket-Key: ").nth(1).and_then(|rest| rest.split("\r\n").next()).expect("a key");
    accept_key(key)
}

#[derive(Debug, PartialEq)]
enum Outcome {
    Incomplete,
    Accepted(Option<String>, Vec<u8>),
    Declined(u16),
    Invalid(Flaw),
}

/// However a line came, what is shown of it is a name and a value of one line.
fn assert_headers(response: &ResponseHead) {
    for (name, value) in response.headers() {
        assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':'), "{name:?}");
        assert!(value.iter().all(|&byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f)), "{value:?}");
    }
}

fn run(bytes: &[u8], cuts: &[u8]) -> Outcome {
    let uri = "ws://localhost/".parse().expect("a URI");
    let request = Request::new(uri).subprotocol("a").and_then(|request| request.subprotocol("b")).expect("tokens");
    let config = Config::new().max_head(400).max_headers(10);
    let mut handshake = Handshake::new(&request, Seed::new([7; 32]), &config);
    let proof = proof(&mut handshake);
    let mut filled = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(6).position(|window| window == b"ACCEPT") {
        filled.extend_from_slice(&rest[..at]);
        filled.extend_from_slice(proof.as_ref());
        rest = &rest[at + 6..];
    }
    filled.extend_from_slice(rest);

    let mut input = Input::new();
    let (mut rest, mut cuts) = (&filled[..], cuts.iter().cycle());
    loop {
        let outcome = match handshake.receive(&mut input) {
            Ok(None) if rest.is_empty() => return Outcome::Incomplete,
            Ok(None) => {
                let size = cuts.next().map_or(rest.len(), |&cut| usize::from(cut).clamp(1, rest.len()));
                input.extend_from_slice(&rest[..size]);
                rest = &rest[size..];
                continue;
            }
            Ok(Some(accepted)) => {
                assert_eq!(accepted.response.status(), 101);
                assert_headers(&accepted.response);
                assert!(filled.windows(28).any(|window| proof == *window));
                input.extend_from_slice(rest);
                Outcome::Accepted(accepted.subprotocol, input.into_unread().to_vec())
            }
            Err(Error::Declined(declined)) => {
                assert_headers(&declined.response);
                Outcome::Declined(declined.response.status())
            }
            Err(Error::Invalid(flaw)) => Outcome::Invalid(flaw),
            Err(error) => panic!("{error}"),
        };
        assert!(handshake.receive(&mut Input::new()).is_err(), "it is over");
        return outcome;
    }
}

fuzz_target!(|bytes: &[u8]| {
    // The bytes themselves are the random cuts, so that a plain response can be the seed.
    let cuts: Vec<u8> = bytes.iter().map(|byte| byte % 23).collect();
    let whole = run(bytes, &[]);
    assert_eq!(whole, run(bytes, &cuts));
    assert_eq!(whole, run(bytes, &[1]));
});
