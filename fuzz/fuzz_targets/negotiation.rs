//! Offers of compression to a server and answers to a client, made of anything and of each other: what is agreed on
//! keeps to what both sides have said, and then messages pass.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use ws_proto::bytes::Buf;
use ws_proto::handshake::client::{Handshake, Request};
use ws_proto::handshake::{accept_key, server};
use ws_proto::{Config, Connection, DeflateConfig, Event, Input, Seed};

#[derive(Arbitrary, Debug)]
struct Case<'a> {
    client: Wishes,
    server: Wishes,
    offers: &'a [u8],
    answer: &'a [u8],
}

#[derive(Arbitrary, Debug)]
struct Wishes {
    level: u8,
    memory_level: u8,
    send_bits: u8,
    receive_bits: u8,
    send_takeover: bool,
    receive_takeover: bool,
    fallback: bool,
    keep: bool,
}

impl Wishes {
    fn config(&self) -> Config {
        let deflate = DeflateConfig::new()
            .level(self.level)
            .memory_level(self.memory_level)
            .send_window_bits(self.send_bits)
            .receive_window_bits(self.receive_bits)
            .send_context_takeover(self.send_takeover)
            .receive_context_takeover(self.receive_takeover)
            .fallback(self.fallback)
            .keep_contexts(self.keep)
            .threshold(0);
        Config::new().deflate(deflate)
    }
}

fn is_one_line(value: &[u8]) -> bool {
    !value.iter().any(|byte| matches!(byte, b'\r' | b'\n'))
}

/// The connection of a server that is offered this, and the answer it writes.
fn accept(config: &Config, request: &[u8]) -> Option<(Connection, Vec<u8>)> {
    let mut input = Input::from(request);
    let request = server::Handshake::new(config).receive(&mut input).ok()??;
    let mut ws = request.accept(server::Answer::new()).expect("offers are no reason to fail");
    let count = ws.output().remaining();
    let answer = ws.output().copy_to_bytes(count).to_vec();
    Some((ws, answer))
}

fn echo(from: &mut Connection, to: &mut Connection) {
    for text in ["the same text, twice", "the same text, twice", ""] {
        from.send_text(text).expect("there is room");
        let mut input = Input::new();
        let count = from.output().remaining();
        input.extend_from_slice(&from.output().copy_to_bytes(count));
        assert!(matches!(to.receive(&mut input), Some(Event::Text(echo)) if echo == text));
    }
}

fuzz_target!(|case: Case<'_>| {
    let (client, server) = (case.client.config(), case.server.config());
    let request = Request::new("ws://localhost/".parse().expect("a URI"));
    let handshake = || Handshake::new(&request, Seed::new([3; 32]), &client);

    // Each other's.
    let mut made = handshake();
    let (mut theirs, answer) = accept(&server, made.output()).expect("a valid request");
    let accepted = made.receive(&mut Input::from(&answer[..])).expect("a valid answer").expect("all of it");
    let mut ours = accepted.connection;
    assert!(ours.deflate_parameters().is_some());
    assert_eq!(ours.deflate_parameters(), theirs.deflate_parameters());
    echo(&mut ours, &mut theirs);
    echo(&mut theirs, &mut ours);

    // Anything.
    if is_one_line(case.offers) {
        let head =
            b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: ";
        if let Some((ws, answer)) = accept(&server, &[head, case.offers, b"\r\n\r\n"].concat()) {
            let answer = String::from_utf8(answer).expect("ASCII");
            assert_eq!(
                ws.deflate_parameters().is_some(),
                answer.contains("\r\nSec-WebSocket-Extensions: permessage-deflate")
            );
            if let Some(agreed) = ws.deflate_parameters() {
                assert!(agreed.server_max_window_bits <= case.server.send_bits.clamp(8, 15));
                assert!(agreed.server_no_context_takeover || case.server.send_takeover);
                assert!(agreed.client_no_context_takeover || case.server.receive_takeover);
                assert!((8..=15).contains(&agreed.client_max_window_bits));
            }
        }
    }
    if is_one_line(case.answer) {
        let mut handshake = handshake();
        let asked = String::from_utf8(handshake.output().to_vec()).expect("ASCII");
        let key = asked.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).expect("a key");
        let accept = accept_key(key);
        let head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Accept: ";
        let rest = [b"\r\nSec-WebSocket-Extensions: ", case.answer, b"\r\n\r\n"].concat();
        let mut input = Input::from(&[head, accept.as_str().as_bytes(), &rest].concat()[..]);
        if let Ok(Some(accepted)) = handshake.receive(&mut input) {
            let Some(agreed) = accepted.connection.deflate_parameters() else {
                // RFC 9110 §5.6.1.2: a list without an element is treated as absent.
                assert!(case.answer.iter().all(|byte| matches!(byte, b',' | b' ' | b'\t')));
                return;
            };
            assert!(case.client.fallback || agreed.server_max_window_bits <= case.client.receive_bits.clamp(8, 15));
            assert!(case.client.fallback || agreed.server_no_context_takeover || case.client.receive_takeover);
        }
    }
});
