//! A response in random cuts, to a client's request and to one for a tunnel, with the body of a refusal: the outcome does not
//! depend on the cuts, and nothing but the right proof is accepted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ws_proto::handshake::client::{Error, Flaw, Handshake, Request, ResponseHead};
use ws_proto::handshake::{AcceptKey, BodyError, RetryError, WebSocketUri, accept_key, proxy};
use ws_proto::{Config, Input, Seed};

const MAX_BODY: usize = 100;

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
    Declined(u16, Refusal),
    Invalid(Flaw),
}

/// What becomes of the body up to the end of the stream, what came before that, what follows it, and whether a request may.
#[derive(Debug, PartialEq)]
struct Refusal {
    body: Result<Vec<u8>, BodyError>,
    partial: Vec<u8>,
    rest: Vec<u8>,
    retry: Result<(), RetryError>,
}

/// Bytes that come in pieces of these sizes.
struct Wire<'a> {
    rest: &'a [u8],
    cuts: std::iter::Cycle<std::slice::Iter<'a, u8>>,
}

impl Wire<'_> {
    /// Puts the next piece into the input, if there is one.
    fn read(&mut self, input: &mut Input) -> bool {
        let size = self.cuts.next().map_or(self.rest.len(), |&cut| usize::from(cut).clamp(1, self.rest.len().max(1)));
        let (piece, rest) = self.rest.split_at(size.min(self.rest.len()));
        input.extend_from_slice(piece);
        self.rest = rest;
        !piece.is_empty()
    }
}

/// What a handshake does behind a refusal, by its methods of these names.
macro_rules! refusal {
    ($handshake:ident, $request:expr, $input:ident, $wire:ident) => {{
        let mut has_ended = false;
        let body = loop {
            match $handshake.receive_body(&mut $input) {
                Ok(Some(body)) => break Ok(body.to_vec()),
                Ok(None) if has_ended => panic!("the stream has ended"),
                Ok(None) => assert!($input.is_empty(), "all that has come belongs to the body"),
                Err(error) => break Err(error),
            }
            if !$wire.read(&mut $input) {
                $handshake.receive_eof();
                has_ended = true;
            }
        };
        let partial = $handshake.partial_body().to_vec();
        assert!(body.as_ref().map_or(0, Vec::len).max(partial.len()) <= MAX_BODY);
        $input.extend_from_slice($wire.rest);
        // What an error leaves in the input depends on the cuts, and nobody reads it.
        let (rest, retry) = match &body {
            Ok(_) => {
                let retry = $handshake.retry($request, &$input);
                (std::mem::take(&mut $input).into_unread().to_vec(), retry)
            }
            Err(_) => (Vec::new(), $handshake.retry($request, &Input::new())),
        };
        assert!(body.is_ok() || retry.is_err());
        Refusal { body, partial, rest, retry }
    }};
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
    let config = Config::new().max_head(400).max_headers(10).max_body(MAX_BODY);
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
    let mut wire = Wire { rest: &filled, cuts: cuts.iter().cycle() };
    loop {
        let outcome = match handshake.receive(&mut input) {
            Ok(None) => {
                if !wire.read(&mut input) {
                    return Outcome::Incomplete;
                }
                continue;
            }
            Ok(Some(accepted)) => {
                assert_eq!(accepted.response.status(), 101);
                assert_headers(&accepted.response);
                assert!(filled.windows(28).any(|window| proof == *window));
                input.extend_from_slice(wire.rest);
                Outcome::Accepted(accepted.subprotocol, input.into_unread().to_vec())
            }
            Err(Error::Declined(declined)) => {
                assert_headers(&declined.response);
                assert!(handshake.receive(&mut Input::new()).is_err(), "it is over");
                return Outcome::Declined(declined.response.status(), refusal!(handshake, &request, input, wire));
            }
            Err(Error::Invalid(flaw)) => Outcome::Invalid(flaw),
            Err(error) => panic!("{error}"),
        };
        assert!(handshake.receive(&mut Input::new()).is_err(), "it is over");
        return outcome;
    }
}

/// The same bytes as the answer of a proxy.
fn run_proxy(bytes: &[u8], cuts: &[u8]) -> Outcome {
    let request = proxy::Request::new(&"ws://localhost/".parse::<WebSocketUri>().expect("a URI"));
    let mut handshake =
        proxy::Handshake::new(&request, &Config::new().max_head(400).max_headers(10).max_body(MAX_BODY));
    let mut input = Input::new();
    let mut wire = Wire { rest: bytes, cuts: cuts.iter().cycle() };
    loop {
        match handshake.receive(&mut input) {
            Ok(None) => {
                if !wire.read(&mut input) {
                    return Outcome::Incomplete;
                }
            }
            Ok(Some(response)) => {
                assert!(matches!(response.status(), 200..=299));
                assert_headers(&response);
                input.extend_from_slice(wire.rest);
                return Outcome::Accepted(None, input.into_unread().to_vec());
            }
            Err(proxy::Error::Declined(response)) => {
                assert_headers(&response);
                return Outcome::Declined(response.status(), refusal!(handshake, &request, input, wire));
            }
            Err(proxy::Error::Invalid(flaw)) => return Outcome::Invalid(flaw),
            Err(error) => panic!("{error}"),
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    // The bytes themselves are the random cuts, so that a plain response can be the seed.
    let cuts: Vec<u8> = bytes.iter().map(|byte| byte % 23).collect();
    let whole = run(bytes, &[]);
    assert_eq!(whole, run(bytes, &cuts));
    assert_eq!(whole, run(bytes, &[1]));
    let whole = run_proxy(bytes, &[]);
    assert_eq!(whole, run_proxy(bytes, &cuts));
    assert_eq!(whole, run_proxy(bytes, &[1]));
});
