//! Workloads to be counted, not timed: `benches/instructions.sh` runs this under callgrind with two counts and divides
//! the difference, so that start-up falls out of the figures.
//!
//! `floor-*` is what any endpoint has to do: a minimal loop that reads the header, unmasks in place and looks at the
//! bytes, with no limits, no errors and no state.

use std::hint::black_box;
use ws_proto::bytes::{Buf, BufMut, BytesMut};
use ws_proto::{Config, Connection, Event, Seed};

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
    ("floor-binary-20", |batches| floor(batches, 0x82, &[7; 20])),
    ("receive-binary-20", |batches| receive(batches, 0x82, &[7; 20])),
    ("floor-text-125", |batches| floor(batches, 0x81, &[b'a'; 125])),
    ("receive-text-125", |batches| receive(batches, 0x81, &[b'a'; 125])),
    ("echo-binary-20", |batches| echo(batches, &[7; 20])),
    ("client-send-20", |batches| client_send(batches, &[7; 20])),
    ("frames-in-one-buffer", |thousands| {
        receive_all(&mut BytesMut::from(&masked(0x82, &[1, 2, 3, 4]).repeat(thousands * 1000)[..]), thousands * 1000);
    }),
    ("one-byte-fragments", |thousands| {
        let mut wire = masked(0x02, &[9]);
        wire.extend(masked(0x00, &[9]).repeat(thousands * 1000 - 2));
        wire.extend(masked(0x80, &[9]));
        receive_all(&mut BytesMut::from(&wire[..]), 1);
    }),
    ("one-byte-fragments-byte-by-byte", |thousands| {
        let mut wire = masked(0x02, &[9]);
        wire.extend(masked(0x00, &[9]).repeat(thousands * 1000 - 2));
        wire.extend(masked(0x80, &[9]));
        byte_by_byte(&wire);
    }),
    ("frame-byte-by-byte", |thousands| byte_by_byte(&masked(0x82, &vec![9; thousands * 1000]))),
    ("text-byte-by-byte", |thousands| byte_by_byte(&masked(0x81, "é".repeat(thousands * 500).as_bytes()))),
];

fn receive(batches: usize, first: u8, payload: &[u8]) {
    let wire = masked(first, payload).repeat(BATCH);
    let mut ws = Connection::server(&Config::new());
    let mut input = BytesMut::with_capacity(wire.len());
    for _ in 0..batches {
        input.clear();
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

fn floor(batches: usize, first: u8, payload: &[u8]) {
    let wire = masked(first, payload).repeat(BATCH);
    let mut input = BytesMut::with_capacity(wire.len());
    for _ in 0..batches {
        input.clear();
        input.extend_from_slice(&wire);
        let mut rest = &mut input[..];
        while let [first, second, a, b, c, d, tail @ ..] = rest {
            let length = usize::from(*second & 0x7F);
            let (payload, next) = tail.split_at_mut(length);
            let word = u64::from_ne_bytes([*a, *b, *c, *d, *a, *b, *c, *d]);
            let mut words = payload.chunks_exact_mut(8);
            for eight in &mut words {
                let eight: &mut [u8; 8] = eight.try_into().expect("eight bytes");
                *eight = (u64::from_ne_bytes(*eight) ^ word).to_ne_bytes();
            }
            for (byte, key) in words.into_remainder().iter_mut().zip(word.to_ne_bytes()) {
                *byte ^= key;
            }
            if *first & 0x0F == 1 {
                assert!(std::str::from_utf8(payload).is_ok());
            }
            look_at(payload);
            rest = next;
        }
    }
}

fn echo(batches: usize, payload: &[u8]) {
    let wire = masked(0x82, payload).repeat(BATCH);
    let mut ws = Connection::server(&Config::new());
    let mut input = BytesMut::with_capacity(wire.len());
    for _ in 0..batches {
        input.clear();
        input.extend_from_slice(&wire);
        while let Some(Event::Binary(data)) = ws.receive(&mut input) {
            ws.send_binary(&data).expect("there is room");
        }
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

fn receive_all(input: &mut BytesMut, expected: usize) {
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
    let mut input = BytesMut::new();
    let mut events = 0;
    for &byte in wire {
        input.put_u8(byte);
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
