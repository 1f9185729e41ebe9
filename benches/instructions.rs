//! Workloads to be counted, not timed: `benches/instructions.sh` runs this under callgrind with two counts and divides
//! the difference, so that start-up falls out of the figures.
//!
//! `floor-*` is what any endpoint has to do: a minimal loop that reads the header, unmasks in place and looks at the
//! bytes, with no limits, no errors and no state. `zlib-*` is zlib-rs alone on the same bytes.

mod browser;
mod json;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use browser::REQUEST;
use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use json::{messages, zlib_messages};
use sha1::{Digest, Sha1};
use std::hint::black_box;
use std::io::{IoSlice, Write};
use std::time::Duration;
use ws_proto::bytes::{Buf, BufMut, Bytes, BytesMut};
use ws_proto::frame::MaskingKey;
use ws_proto::handshake::{client, server};
use ws_proto::{
    Config, Connection, DeflateConfig, DeflateParameters, Event, Input, Instant, Keepalive, Message, Prepared, Seed,
    Seeds, SendError,
};
use zlib_rs::{Deflate, DeflateFlush, Inflate, InflateFlush};

const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// So many frames lie in the input at a time.
const BATCH: usize = 1000;

fn main() {
    let args: Vec<String> = std::env::args().filter(|arg| !arg.starts_with("--")).collect();
    // Run by `cargo bench` without arguments, each workload proves once that it works.
    let [_, workload, count] = &args[..] else {
        WORKLOADS.iter().for_each(|(_, run)| run(1));
        return;
    };
    let count = count.parse().expect("a count");
    let (_, run) = WORKLOADS.iter().find(|(name, _)| name == workload).expect("a workload");
    run(count);
}

type Workload = (&'static str, fn(usize));

const WORKLOADS: &[Workload] = &[
    ("floor-receive-binary-20", |batches| floor(batches, 0x82, &[7; 20], |_| {})),
    ("receive-binary-20", |batches| receive(batches, 0x82, &[7; 20])),
    ("timed-receive-binary-20", |batches| timed_receive(batches, 0x82, &[7; 20])),
    ("floor-receive-text-125", |batches| floor(batches, 0x81, &[b'a'; 125], |_| {})),
    ("receive-text-125", |batches| receive(batches, 0x81, &[b'a'; 125])),
    ("floor-receive-text-1024", |batches| floor(batches, 0x81, &[b'a'; 1024], |_| {})),
    ("receive-text-1024", |batches| receive(batches, 0x81, &[b'a'; 1024])),
    ("floor-echo-binary-20", floor_echo),
    ("echo-binary-20", |batches| echo(batches, &[7; 20])),
    ("timed-echo-binary-20", |batches| timed_echo(batches, &[7; 20])),
    ("floor-client-send-20", |batches| floor_client_send(batches, &[7; 20])),
    ("client-send-20", |batches| client_send(batches, &[7; 20])),
    ("floor-send-binary-126", |batches| floor_send(batches, &[7; 126])),
    ("send-binary-126", |batches| send(batches, |ws| ws.send_binary(black_box(&[7; 126])))),
    ("floor-client-send-1024", |batches| floor_client_send(batches, &[7; 1024])),
    ("client-send-1024", |batches| client_send(batches, &[7; 1024])),
    ("floor-send-bytes-65536", |batches| floor_send_bytes(batches, &vec![7; 65536].into())),
    ("send-bytes-65536", |batches| {
        let bytes = Bytes::from(vec![7; 65536]);
        send(batches, |ws| ws.send(black_box(&bytes).clone()));
    }),
    ("floor-send-through-65536", |batches| {
        let payload = vec![7; 65536];
        for _ in 0..batches * BATCH {
            write_large(black_box(&payload));
        }
    }),
    ("send-through-65536", |batches| {
        let mut ws = Connection::server(&Config::new());
        let message = Message::binary(vec![7; 65536]);
        for _ in 0..batches * BATCH {
            ws.send_through(black_box(&message), &mut Sink).expect("there is room");
            while ws.interest().write {
                ws.output().write_to(&mut Sink).expect("it takes all");
            }
        }
    }),
    ("floor-send-prepared-100", |batches| floor_send(batches, &[7; 100])),
    ("send-prepared-100", |batches| {
        let prepared = Prepared::new(vec![7; 100]);
        send(batches, |ws| ws.send_prepared(black_box(&prepared)));
    }),
    ("floor-send-prepared-1024", |batches| floor_send_bytes(batches, &vec![7; 1024].into())),
    ("send-prepared-1024", |batches| {
        let prepared = Prepared::new(vec![7; 1024]);
        send(batches, |ws| ws.send_prepared(black_box(&prepared)));
    }),
    ("floor-accept", floor_accept),
    ("accept", accept),
    ("floor-connect", floor_connect),
    ("connect", connect),
    ("text-65536-in-4096", |thousands| in_reads(thousands * 1000, 0x81, &[b'a'; 65536], 4096)),
    ("binary-125-in-1", |thousands| in_reads(thousands * 1000, 0x82, &[7; 125], 1)),
    ("text-125-in-1", |thousands| in_reads(thousands * 1000, 0x81, &[b'a'; 125], 1)),
    ("mask", |thousands| mask_all(thousands * 1000)),
    ("frames-in-one-buffer", |thousands| {
        receive_all(&mut Input::from(&masked(0x82, &[1, 2, 3, 4]).repeat(thousands * 1000)[..]), thousands * 1000);
    }),
    ("one-byte-fragments", |thousands| {
        let mut wire = masked(0x02, &[9]);
        wire.extend(masked(0x00, &[9]).repeat(thousands * 1000 - 2));
        wire.extend(masked(0x80, &[9]));
        receive_all(&mut Input::from(&wire[..]), 1);
    }),
    ("one-byte-fragments-byte-by-byte", |thousands| {
        let mut wire = masked(0x02, &[9]);
        wire.extend(masked(0x00, &[9]).repeat(thousands * 1000 - 2));
        wire.extend(masked(0x80, &[9]));
        byte_by_byte(&wire);
    }),
    ("frame-byte-by-byte", |thousands| byte_by_byte(&masked(0x82, &vec![9; thousands * 1000]))),
    ("zlib-inflate-2048", |rounds| zlib_inflate(rounds, 2048)),
    ("inflate-2048", |rounds| inflate(rounds, 2048)),
    ("zlib-inflate-65536", |rounds| zlib_inflate(rounds, 65536)),
    ("inflate-65536", |rounds| inflate(rounds, 65536)),
    ("zlib-deflate-2048", |rounds| zlib_deflate(rounds, 2048)),
    ("deflate-2048", |rounds| deflate(rounds, 2048)),
    ("zlib-deflate-65536", |rounds| zlib_deflate(rounds, 65536)),
    ("deflate-65536", |rounds| deflate(rounds, 65536)),
    ("next-seed", |thousands| {
        let mut seeds = Seeds::new([1; 32]);
        (0..thousands * 1000).for_each(|_| {
            black_box(seeds.next_seed());
        });
    }),
    ("payloads-that-wait", |thousands| payloads_that_wait(thousands * 1000)),
    ("text-byte-by-byte", |thousands| byte_by_byte(&masked(0x81, "é".repeat(thousands * 500).as_bytes()))),
];

fn receive(batches: usize, first: u8, payload: &[u8]) {
    let wire = masked(first, payload).repeat(BATCH);
    let mut ws = Connection::server(&Config::new());
    let mut input = Input::new();
    for _ in 0..batches {
        input.extend_from_slice(&wire);
        while let Some(event) = ws.receive(&mut input) {
            match event {
                Event::Binary(data) => look_at(&data),
                Event::Text(text) => look_at(text.as_bytes()),
                event => panic!("unexpected {event:?}"),
            }
        }
    }
}

/// With all deadlines; the time is said after each look.
fn timed_receive(batches: usize, first: u8, payload: &[u8]) {
    let wire = masked(first, payload).repeat(BATCH);
    let mut ws = Connection::server(&Config::new().keepalive(Keepalive::new()));
    let mut input = Input::new();
    for batch in 0..batches {
        input.extend_from_slice(&wire);
        while let Some(event) = ws.receive(&mut input) {
            match event {
                Event::Binary(data) => look_at(&data),
                Event::Text(text) => look_at(text.as_bytes()),
                event => panic!("unexpected {event:?}"),
            }
        }
        ws.handle_timeout(Instant::new(Duration::from_millis(batch as u64)));
        let _ = black_box(ws.interest());
    }
}

/// What HTTP, SHA-1 and base64 take of a handshake.
fn floor_accept(batches: usize) {
    let mut input = BytesMut::new();
    let mut output = BytesMut::new();
    for _ in 0..batches * BATCH {
        input.extend_from_slice(REQUEST);
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut request = httparse::Request::new(&mut headers);
        assert!(request.parse(&input).is_ok_and(|status| status.is_complete()));
        let key = request.headers.iter().find(|header| header.name == "Sec-WebSocket-Key").expect("a key");
        let accept = accept_for(key.value);
        output.extend_from_slice(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
        output.extend_from_slice(b"Sec-WebSocket-Accept: ");
        output.extend_from_slice(&accept);
        output.extend_from_slice(b"\r\n\r\n");
        black_box(&output[..]);
        output.clear();
        input.clear();
    }
}

fn accept(batches: usize) {
    let config = Config::new();
    let mut input = Input::new();
    for _ in 0..batches * BATCH {
        input.extend_from_slice(REQUEST);
        let request = server::Handshake::new(&config).receive(&mut input).expect("valid").expect("complete");
        let mut ws = request.accept(server::Answer::new()).expect("nothing is asked for");
        black_box(ws.output().chunk());
    }
}

/// The `Sec-WebSocket-Accept` for a key.
fn accept_for(key: &[u8]) -> [u8; 28] {
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    let mut accept = [0; 28];
    STANDARD.encode_slice(digest, &mut accept).expect("it fits");
    accept
}

/// The answer to a request, whose key stands where it does in all of them.
fn answer(response: &mut [u8], request: &[u8]) {
    let key = &request[CLIENT_KEY..CLIENT_KEY + 24];
    let start = response.len() - 32;
    response[start..start + 28].copy_from_slice(&accept_for(key));
}

/// Where the key stands in a client's request.
const CLIENT_KEY: usize = 104;

const RESPONSE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: ............................\r\n\r\n";

/// A key of random bytes, and a request with it, is what HTTP, SHA-1 and base64 take of a client's handshake, and the server.
fn floor_connect(batches: usize) {
    let mut random = ChaCha12Rng::from_seed([7; 32]);
    let (mut request, mut input, mut response) = (BytesMut::new(), BytesMut::new(), RESPONSE.to_vec());
    for _ in 0..batches * BATCH {
        let mut nonce = [0; 16];
        random.fill_bytes(&mut nonce);
        let mut key = [0; 24];
        STANDARD.encode_slice(nonce, &mut key).expect("it fits");
        request.extend_from_slice(b"GET /chat HTTP/1.1\r\nHost: example.com:8080\r\nUpgrade: websocket\r\n");
        request.extend_from_slice(b"Connection: Upgrade\r\nSec-WebSocket-Key: ");
        request.extend_from_slice(&key);
        request.extend_from_slice(b"\r\nSec-WebSocket-Version: 13\r\n\r\n");
        answer(&mut response, &request);
        input.extend_from_slice(&response);
        let mut headers = [httparse::EMPTY_HEADER; 16];
        let mut parsed = httparse::Response::new(&mut headers);
        assert!(parsed.parse(&input).is_ok_and(|status| status.is_complete()));
        let accept = parsed.headers.iter().find(|header| header.name == "Sec-WebSocket-Accept").expect("an answer");
        assert_eq!(accept.value, accept_for(&key));
        request.clear();
        input.clear();
    }
}

fn connect(batches: usize) {
    let (config, mut seeds) = (Config::new(), Seeds::new([7; 32]));
    let request = client::Request::new("ws://example.com:8080/chat".parse().expect("a URI"));
    let (mut input, mut response) = (Input::new(), RESPONSE.to_vec());
    for _ in 0..batches * BATCH {
        let mut handshake = client::Handshake::new(&request, seeds.next_seed(), &config);
        answer(&mut response, handshake.output());
        input.extend_from_slice(&response);
        let accepted = handshake.receive(&mut input).expect("valid").expect("complete");
        black_box(&accepted.connection);
    }
}

/// Receives a message over and over, until there have been so many reads of this size.
fn in_reads(reads: usize, first: u8, payload: &[u8], per_read: usize) {
    let wire = masked(first, payload);
    let mut ws = Connection::server(&Config::new());
    let mut input = Input::new();
    let mut events = 0;
    for read in wire.chunks(per_read).cycle().take(reads) {
        input.room().put_slice(read);
        while let Some(event) = ws.receive(&mut input) {
            assert!(matches!(event, Event::Binary(_) | Event::Text(_)));
            events += 1;
        }
    }
    assert_eq!(events, reads / wire.len().div_ceil(per_read));
}

/// Masks so many KiB, in payloads of 64 KiB that do not begin at a line of the cache.
fn mask_all(kibibytes: usize) {
    let mut payload = vec![7; (64 << 10) + 1];
    let mut key = MaskingKey::new([1, 2, 3, 4]);
    for _ in 0..kibibytes.div_ceil(64) {
        key = key.apply(black_box(&mut payload[1..]));
    }
}

/// Receives, and gives each payload to `then` after it has been looked at.
#[inline(always)]
fn floor(batches: usize, first: u8, payload: &[u8], mut then: impl FnMut(&[u8])) {
    let wire = masked(first, payload).repeat(BATCH);
    let mut input = BytesMut::with_capacity(wire.len());
    for _ in 0..batches {
        input.clear();
        input.extend_from_slice(&wire);
        let mut rest = &mut input[..];
        while let [first, second, tail @ ..] = rest {
            let (length, tail) = match *second & 0x7F {
                126 => {
                    let (length, tail) = tail.split_first_chunk_mut().expect("two bytes of length");
                    (usize::from(u16::from_be_bytes(*length)), tail)
                }
                length => (usize::from(length), tail),
            };
            let (key, tail) = tail.split_first_chunk_mut().expect("a key");
            let (payload, next) = tail.split_at_mut(length);
            mask(payload, *key);
            if *first & 0x0F == 1 {
                assert!(std::str::from_utf8(payload).is_ok());
            }
            look_at(payload);
            then(payload);
            rest = next;
        }
    }
}

fn mask(payload: &mut [u8], [a, b, c, d]: [u8; 4]) {
    let word = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let mut words = payload.chunks_exact_mut(8);
    for eight in &mut words {
        let eight: &mut [u8; 8] = eight.try_into().expect("eight bytes");
        *eight = (u64::from_ne_bytes(*eight) ^ word).to_ne_bytes();
    }
    for (byte, key) in words.into_remainder().iter_mut().zip(word.to_ne_bytes()) {
        *byte ^= key;
    }
}

fn floor_echo(batches: usize) {
    let mut output = Vec::with_capacity(BATCH * 22);
    floor(batches, 0x82, &[7; 20], |payload| {
        if output.len() == BATCH * 22 {
            black_box(&output);
            output.clear();
        }
        output.extend_from_slice(&[0x82, payload.len() as u8]);
        output.extend_from_slice(payload);
    });
}

fn floor_client_send(batches: usize, payload: &[u8]) {
    let mut keys = ChaCha12Rng::from_seed([3; 32]);
    let mut output = Vec::with_capacity(BATCH * 26);
    for _ in 0..batches {
        for _ in 0..BATCH {
            let key = keys.next_u32().to_le_bytes();
            output.extend_from_slice(&[0x82, 0x80 | payload.len() as u8]);
            output.extend_from_slice(&key);
            let start = output.len();
            output.extend_from_slice(payload);
            mask(&mut output[start..], key);
        }
        black_box(&output);
        output.clear();
    }
}

fn echo(batches: usize, payload: &[u8]) {
    let wire = masked(0x82, payload).repeat(BATCH);
    let mut ws = Connection::server(&Config::new());
    let mut input = Input::new();
    for _ in 0..batches {
        input.extend_from_slice(&wire);
        while let Some(Event::Binary(data)) = ws.receive(&mut input) {
            ws.send_binary(&data).expect("there is room");
        }
        let written = ws.output().remaining();
        ws.output().advance(written);
    }
}

/// As [`echo`], with all deadlines; the time is said after each look.
fn timed_echo(batches: usize, payload: &[u8]) {
    let wire = masked(0x82, payload).repeat(BATCH);
    let mut ws = Connection::server(&Config::new().keepalive(Keepalive::new()));
    let mut input = Input::new();
    for batch in 0..batches {
        input.extend_from_slice(&wire);
        while let Some(Event::Binary(data)) = ws.receive(&mut input) {
            ws.send_binary(&data).expect("there is room");
        }
        ws.handle_timeout(Instant::new(Duration::from_millis(batch as u64)));
        let _ = black_box(ws.interest());
        let written = ws.output().remaining();
        ws.output().advance(written);
    }
}

fn client_send(batches: usize, payload: &[u8]) {
    let mut ws = Connection::client(Seed::new([3; 32]), &Config::new());
    for _ in 0..batches {
        for _ in 0..BATCH {
            ws.send_binary(payload).expect("there is room");
        }
        let written = ws.output().remaining();
        ws.output().advance(written);
    }
}

/// Counts what is written, and looks at none of it.
struct Sink;

impl Write for Sink {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(black_box(bytes).len())
    }

    #[inline]
    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> std::io::Result<usize> {
        Ok(black_box(slices).iter().map(|slice| slice.len()).sum())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A server sends a message, and writes it.
#[inline(always)]
fn send(batches: usize, mut send: impl FnMut(&mut Connection) -> Result<(), SendError>) {
    let mut ws = Connection::server(&Config::new());
    for _ in 0..batches * BATCH {
        send(&mut ws).expect("there is room");
        while ws.interest().write {
            ws.output().write_to(&mut Sink).expect("it takes all");
        }
    }
}

fn floor_send(batches: usize, payload: &[u8]) {
    let mut output = Vec::with_capacity(BATCH);
    for _ in 0..batches * BATCH {
        if payload.len() < 126 {
            output.extend_from_slice(&[0x82, payload.len() as u8]);
        } else {
            output.extend_from_slice(&[0x82, 126, 0, payload.len() as u8]);
        }
        output.extend_from_slice(black_box(payload));
        Sink.write_all(&output).expect("it takes all");
        output.clear();
    }
}

/// The payload is owned until it is written, and not copied.
fn floor_send_bytes(batches: usize, payload: &Bytes) {
    for _ in 0..batches * BATCH {
        write_large(&black_box(payload).clone());
    }
}

/// Writes a message of a server with its header, from where it lies.
fn write_large(payload: &[u8]) {
    let mut header = [0x82, 127, 0, 0, 0, 0, 0, 0, 0, 0];
    header[2..].copy_from_slice(&(payload.len() as u64).to_be_bytes());
    let slices = [IoSlice::new(&header), IoSlice::new(payload)];
    black_box(Sink.write_vectored(&slices).expect("it takes all"));
}

/// Payloads of 4 KiB wait for a peer that reads slowly: each write is shown 64 slices, and takes one payload.
fn payloads_that_wait(count: usize) {
    let mut ws = Connection::server(&Config::new().max_buffered(usize::MAX));
    let payload = Bytes::from(vec![7; 4 << 10]);
    for _ in 0..count {
        ws.send(payload.clone()).expect("there is room");
    }
    for _ in 0..count {
        let output = ws.output();
        let mut slices = [IoSlice::new(&[]); 64];
        black_box(output.chunks_vectored(&mut slices));
        output.advance(4 + payload.len());
    }
    assert!(!ws.interest().write);
}

/// The messages of one round, compressed one after the other with context takeover. As with the floor, bytes get into
/// the input by being copied, and what is cut off on the wire is there already.
fn zlib_inflate(rounds: usize, size: usize) {
    let wire = zlib_messages(size);
    let mut context = Inflate::new(false, 15);
    let mut input = Vec::with_capacity(64 << 10);
    let mut room = vec![0; size + 1024];
    for _ in 0..rounds {
        for payload in &wire {
            input.clear();
            input.extend_from_slice(payload);
            let before = context.total_out();
            context.decompress(&input, &mut room, InflateFlush::SyncFlush).expect("it is DEFLATE");
            let given = (context.total_out() - before) as usize;
            assert_eq!(given, size);
            black_box(&room[..given]);
        }
    }
}

fn inflate(rounds: usize, size: usize) {
    let (mut client, mut server) = compressing();
    let frames: Vec<Bytes> = messages(size)
        .iter()
        .map(|message| {
            client.send_binary(message).expect("there is room");
            let count = client.output().remaining();
            client.output().copy_to_bytes(count)
        })
        .collect();
    let mut input = Input::new();
    for _ in 0..rounds {
        for frame in &frames {
            input.extend_from_slice(frame);
            let Some(Event::Binary(data)) = server.receive(&mut input) else { panic!("a message is due") };
            assert_eq!(data.len(), size);
            black_box(&data[..]);
        }
    }
}

fn zlib_deflate(rounds: usize, size: usize) {
    let messages = messages(size);
    let mut context = Deflate::new(6, false, 15);
    let mut room = vec![0; 2 * size];
    for _ in 0..rounds {
        for message in &messages {
            let before = context.total_out();
            context.compress(message, &mut room, DeflateFlush::SyncFlush).expect("there is room");
            black_box(&room[..(context.total_out() - before) as usize]);
        }
    }
}

fn deflate(rounds: usize, size: usize) {
    let messages = messages(size);
    let (_, mut server) = compressing();
    for _ in 0..rounds {
        for message in &messages {
            server.send_binary(message).expect("there is room");
            let count = server.output().remaining();
            black_box(server.output().chunk());
            server.output().advance(count);
        }
    }
}

fn compressing() -> (Connection, Connection) {
    let (deflate, agreed) = (DeflateConfig::new(), DeflateParameters::new());
    let client = Connection::client(Seed::new([1; 32]), &Config::new()).with_deflate(&deflate, agreed);
    (client, Connection::server(&Config::new()).with_deflate(&deflate, agreed))
}

fn receive_all(input: &mut Input, expected: usize) {
    let mut ws = Connection::server(&Config::new());
    let mut events = 0;
    while let Some(event) = ws.receive(input) {
        assert!(matches!(event, Event::Binary(_)));
        events += 1;
    }
    assert_eq!(events, expected);
}

fn byte_by_byte(wire: &[u8]) {
    let mut ws = Connection::server(&Config::new());
    let mut input = Input::new();
    let mut events = 0;
    for &byte in wire {
        input.extend_from_slice(&[byte]);
        while let Some(event) = ws.receive(&mut input) {
            assert!(matches!(event, Event::Binary(_) | Event::Text(_)));
            events += 1;
        }
    }
    assert_eq!(events, 1);
}

/// The looking that is asked for: every byte once.
#[inline]
fn look_at(data: &[u8]) {
    black_box(data.iter().fold(0, |all, byte| all ^ byte));
}

fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let key = [0x37, 0xFA, 0x21, 0x3D];
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..=125 => frame.push(0x80 | length as u8),
        length @ 126..=0xFFFF => {
            frame.push(0x80 | 126);
            frame.put_u16(length as u16);
        }
        length => {
            frame.push(0x80 | 127);
            frame.put_u64(length as u64);
        }
    }
    frame.extend(key);
    frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}
