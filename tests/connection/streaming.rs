//! Messages larger than memory go through a pair in parts, both ways, compressed and not: what comes is what was sent,
//! Pings are answered in between, and the heap stays as small as for a short one.
//!
//! The large ones are ignored by default: `cargo test --release --test connection streaming -- --ignored` takes less than a minute.

use crate::common::allocator::peak_of;
use std::time::Duration;
use ws_proto::bytes::{Buf, Bytes};
use ws_proto::{Config, Connection, Delivery, Event, Input, Instant, Keepalive, Role, Seed};
#[cfg(feature = "deflate")]
use ws_proto::{DeflateConfig, DeflateParameters};

const PART: usize = 64 << 10;

/// So much heap may the two ends take, with what is between them, beside the contexts of compression.
const MOST: usize = 1 << 20;

/// What compressing in one direction takes, and inflating.
const CONTEXTS: usize = (372 + 48) << 10;

/// A hash of bytes, however they are cut.
#[derive(Default, PartialEq, Debug)]
struct Running {
    hash: u64,
    length: u64,
    /// The bytes of a word that is not whole.
    rest: [u8; 8],
}

impl Running {
    fn add(&mut self, mut bytes: &[u8]) {
        let begun = (self.length % 8) as usize;
        self.length += bytes.len() as u64;
        if begun > 0 {
            let (fill, rest) = bytes.split_at(bytes.len().min(8 - begun));
            self.rest[begun..begun + fill.len()].copy_from_slice(fill);
            bytes = rest;
            if begun + fill.len() < 8 {
                return;
            }
            self.word(u64::from_le_bytes(self.rest));
        }
        let mut words = bytes.chunks_exact(8);
        for word in &mut words {
            self.word(u64::from_le_bytes(word.try_into().expect("eight bytes")));
        }
        let rest = words.remainder();
        self.rest = [0; 8];
        self.rest[..rest.len()].copy_from_slice(rest);
    }

    fn word(&mut self, word: u64) {
        self.hash = (self.hash ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    }
}

/// The part of the message with this number: lines of text that say where they are, so that nothing can be left out or
/// twice.
fn part(number: u64) -> Vec<u8> {
    let mut part = Vec::with_capacity(PART);
    let mut line = *b"part 0000000000000000, and the same words over and over again: a message that is larger than memory.......\n";
    let mut at = number;
    for digit in line[5..21].iter_mut().rev() {
        *digit = b'0' + (at % 10) as u8;
        at /= 10;
    }
    while part.len() < PART {
        part.extend_from_slice(&line[..line.len().min(PART - part.len())]);
    }
    part
}

fn config() -> Config {
    let config = Config::new().delivery(Delivery::Parts).max_message(u64::MAX).max_frame(u64::MAX);
    config.keepalive(Keepalive::new().idle(Duration::from_secs(30)))
}

/// The two ends: who sends, and who receives.
fn pair(sender: Role, is_compressed: bool) -> (Connection, Connection) {
    let server = Connection::server(&config());
    let client = Connection::client(Seed::new([7; 32]), &config());
    #[cfg(feature = "deflate")]
    let (server, client) = if is_compressed {
        let (deflate, agreed) = (DeflateConfig::new().level(1), DeflateParameters::new());
        (server.with_deflate(&deflate, agreed), client.with_deflate(&deflate, agreed))
    } else {
        (server, client)
    };
    assert!(cfg!(feature = "deflate") || !is_compressed);
    match sender {
        Role::Server => (server, client),
        Role::Client => (client, server),
    }
}

/// Sends a message of so many bytes, whose length nobody knows before its end, and another one behind it.
fn stream(role: Role, is_compressed: bool, size: u64) {
    let (mut sender, mut receiver) = pair(role, is_compressed);
    let (mut to_receiver, mut to_sender) = (Input::new(), Input::new());
    let (mut sent, mut received) = (Running::default(), Running::default());
    let (mut messages, mut pings, mut pongs) = (0, 0, 0);
    let mut now = Instant::ORIGIN;
    let parts = size.div_ceil(PART as u64);
    for number in 0..=parts {
        // The last part has no bytes: only then it is known that there are no more.
        let bytes = if number < parts { part(number) } else { Vec::new() };
        sent.add(&bytes);
        sender.send_part(ws_proto::Message::Binary(Bytes::from(bytes)), number == parts).expect("there is room");
        if number % 1000 == 0 {
            receiver.ping(b"in between").expect("it is open");
            pings += 1;
        }
        now = now.saturating_add(Duration::from_secs(1));
        for _ in 0..2 {
            carry(&mut sender, &mut to_receiver, &mut receiver, |event| match event {
                Event::BinaryPart { data, fin } => {
                    received.add(&data);
                    messages += u64::from(fin);
                }
                Event::Pong(payload) => {
                    assert_eq!(payload, b"in between");
                    pongs += 1;
                }
                // Nothing has come for the sender for a while.
                Event::Ping(_) => {}
                event => panic!("unexpected {event:?}"),
            });
            carry(&mut receiver, &mut to_sender, &mut sender, |event| {
                assert!(matches!(event, Event::Ping(_) | Event::Pong(_)));
            });
        }
        sender.handle_timeout(now);
        receiver.handle_timeout(now);
    }
    assert_eq!(received, sent);
    assert_eq!((messages, received.length, pongs), (1, parts * PART as u64, pings));
    sender.send_text("and another one").expect("it is open");
    let mut text = String::new();
    carry(&mut sender, &mut to_receiver, &mut receiver, |event| {
        let Event::TextPart { text: part, .. } = event else { panic!("unexpected {event:?}") };
        text.push_str(&part);
    });
    assert_eq!(text, "and another one");
}

/// Brings what one end has to write to the other, read by read.
fn carry(from: &mut Connection, input: &mut Input, to: &mut Connection, mut see: impl FnMut(Event<'_>)) {
    while from.interest().write {
        let count = input.read_from(&mut from.output().reader()).expect("bytes in memory");
        assert!(count > 0);
        while let Some(event) = to.receive(input) {
            see(event);
        }
    }
}

fn stays_small(role: Role, is_compressed: bool, size: u64) {
    let started = std::time::Instant::now();
    let ((), peak) = peak_of(|| stream(role, is_compressed, size));
    println!(
        "{size} bytes from a {role:?}, compressed: {is_compressed}: {:?}, at most {peak} bytes of heap",
        started.elapsed()
    );
    let most = if is_compressed { MOST + CONTEXTS } else { MOST };
    assert!(peak < most as isize, "{peak} bytes");
}

/// One frame of so many bytes, as some send it; it is only received, because nobody here sends a length before it is known.
fn one_frame(size: u64) {
    let ((), peak) = peak_of(|| {
        let mut ws = Connection::client(Seed::new([7; 32]), &config());
        let mut input = Input::new();
        input.extend_from_slice(&[0x82, 127]);
        input.extend_from_slice(&size.to_be_bytes());
        let (mut sent, mut received, mut fins) = (Running::default(), Running::default(), 0);
        for number in 0..size.div_ceil(PART as u64) {
            let mut bytes = &part(number)[..];
            bytes = &bytes[..bytes.len().min((size - sent.length) as usize)];
            sent.add(bytes);
            while !bytes.is_empty() {
                input.read_from(&mut bytes).expect("bytes in memory");
                while let Some(event) = ws.receive(&mut input) {
                    let Event::BinaryPart { data, fin } = event else { panic!("unexpected {event:?}") };
                    received.add(&data);
                    fins += u64::from(fin);
                }
            }
        }
        assert_eq!(received, sent);
        assert_eq!((received.length, fins), (size, 1));
    });
    println!("{size} bytes in one frame: at most {peak} bytes of heap");
    assert!(peak < MOST as isize, "{peak} bytes");
}

const LARGE: u64 = 4 << 30;

/// 6455-5.4-4, 6455-5.4-6, 6455-5.4-8: fragments let a message of unknown length be sent, and Pings are answered between
/// them.
#[test]
fn messages_are_streamed_both_ways() {
    for role in [Role::Server, Role::Client] {
        stays_small(role, false, 24 << 20);
        if cfg!(feature = "deflate") {
            stays_small(role, true, 24 << 20);
        }
    }
    one_frame((24 << 20) + 7);
}

#[test]
#[ignore = "it takes a while, and a release build"]
fn four_gibibytes_from_a_server() {
    stays_small(Role::Server, false, LARGE);
    one_frame(LARGE + 7);
}

#[test]
#[ignore = "it takes a while, and a release build"]
fn four_gibibytes_from_a_client() {
    stays_small(Role::Client, false, LARGE);
}

#[cfg(feature = "deflate")]
#[test]
#[ignore = "it takes a while, and a release build"]
fn four_gibibytes_compressed_from_a_server() {
    stays_small(Role::Server, true, LARGE);
}

#[cfg(feature = "deflate")]
#[test]
#[ignore = "it takes a while, and a release build"]
fn four_gibibytes_compressed_from_a_client() {
    stays_small(Role::Client, true, LARGE);
}
