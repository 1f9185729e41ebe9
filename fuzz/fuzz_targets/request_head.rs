//! A request in random cuts: the outcome does not depend on them, an accepted request keeps the rules, and a refusal
//! has an answer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ws_proto::bytes::Buf;
use ws_proto::handshake::NotHttp;
use ws_proto::handshake::server::{Answer, Handshake, Reason, Request};
use ws_proto::{Config, Input};

fn run(bytes: &[u8], cuts: &[u8], config: &Config) -> (Result<Option<Request>, Reason>, Input) {
    let mut handshake = Handshake::new(config);
    let mut input = Input::new();
    let (mut rest, mut cuts) = (bytes, cuts.iter().cycle());
    loop {
        match handshake.receive(&mut input) {
            Ok(None) if !rest.is_empty() => {
                let size = cuts.next().map_or(rest.len(), |&cut| usize::from(cut).clamp(1, rest.len()));
                input.extend_from_slice(&rest[..size]);
                rest = &rest[size..];
            }
            outcome => {
                if let Err(rejection) = &outcome {
                    let answer = rejection.response().to_bytes();
                    if rejection.reason() == Reason::NotHttp(NotHttp::Tls) {
                        assert!(answer.is_empty(), "{answer:?}");
                    } else {
                        assert!(answer.starts_with(b"HTTP/1.1 4"), "{answer:?}");
                    }
                    let again = handshake.receive(&mut input).expect_err("a refusal is final");
                    assert_eq!(again.reason(), rejection.reason());
                }
                input.extend_from_slice(rest);
                return (outcome.map_err(|rejection| rejection.reason()), input);
            }
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    // The bytes themselves are the random cuts, so that a plain request can be the seed.
    let cuts: Vec<u8> = bytes.iter().map(|byte| byte % 23).collect();
    let config = Config::new().max_head(600).max_headers(12);
    let (whole, after_whole) = run(bytes, &[], &config);
    let (cut, after_cut) = run(bytes, &cuts, &config);
    let (single, _) = run(bytes, &[1], &config);
    match (whole, cut, single) {
        (Ok(Some(request)), Ok(Some(cut)), Ok(Some(_))) => {
            assert_eq!(after_whole.into_unread(), after_cut.into_unread(), "what follows the head stays in the input");
            assert_eq!(request.head().target(), cut.head().target());
            assert!(request.head().headers().count() <= 12);
            assert_eq!(request.head().method(), "GET");
            assert!(request.path().starts_with('/'));
            request.extensions().for_each(|extension| extension.parameters().for_each(drop));
            for name in request.subprotocols() {
                let answer = Answer::new().subprotocol(name).expect("listed names are tokens");
                assert!(request.accept(answer).expect("the client listed it").output().has_remaining());
            }
        }
        (Ok(None), Ok(None), Ok(None)) => {}
        (Err(whole), Err(cut), Err(single)) => assert!(whole == cut && cut == single, "{whole:?} {cut:?} {single:?}"),
        outcomes => panic!("the cut decides: {outcomes:?}"),
    }
});
