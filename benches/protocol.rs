//! Each part of the protocol over bytes in memory, beside a memcpy of the same bytes in the same run.
//!
//! `cargo bench --bench protocol`; figures are only worth comparing within one run.

#![allow(missing_docs, reason = "criterion's macro makes a public function")]

mod browser;

use browser::REQUEST;
use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use ws_proto::bytes::{Buf, BufMut, Bytes};
use ws_proto::frame::{FrameHeader, MaskingKey};
use ws_proto::handshake::{client, server};
use ws_proto::{Config, Connection, Event, Input, Message, Opcode, Seed, Utf8Bytes};

const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];
const SIZES: [usize; 6] = [20, 125, 1 << 10, 16 << 10, 64 << 10, 1 << 20];

/// The reference of every group: copying the same bytes.
fn memcpy(group: &mut BenchmarkGroup<'_, WallTime>, id: impl std::fmt::Display, bytes: &[u8]) {
    let mut copy = vec![0; bytes.len()];
    group
        .bench_function(BenchmarkId::new("memcpy", id), |b| b.iter(|| black_box(&mut copy[..]).copy_from_slice(bytes)));
}

fn masked(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let masking_key = Some(MaskingKey::new(KEY));
    let header = FrameHeader { fin: true, rsv: 0, opcode, masking_key, payload_length: payload.len() as u64 };
    let mut frame = header.encode().as_ref().to_vec();
    frame.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

fn text(sample: &str, size: usize) -> String {
    let mut text = sample.repeat(size / sample.len());
    text.extend(std::iter::repeat_n('a', size - text.len()));
    text
}

fn header(c: &mut Criterion) {
    let mut group = c.benchmark_group("header");
    for size in [20, 1 << 10, 1 << 20] {
        let frame = masked(Opcode::Binary, &vec![0; size]);
        memcpy(&mut group, size, &frame[..14]);
        group.bench_function(BenchmarkId::new("parse", size), |b| b.iter(|| FrameHeader::parse(black_box(&frame))));
        let (header, _) = FrameHeader::parse(&frame).expect("valid").expect("complete");
        group.bench_function(BenchmarkId::new("encode", size), |b| b.iter(|| black_box(header).encode()));
    }
}

fn mask(c: &mut Criterion) {
    let mut group = c.benchmark_group("mask");
    for size in SIZES {
        let mut data = vec![7; size];
        group.throughput(Throughput::Bytes(size as u64));
        memcpy(&mut group, size, &data);
        group.bench_function(BenchmarkId::new("in place", size), |b| {
            b.iter(|| MaskingKey::new(black_box(KEY)).apply(black_box(&mut data)));
        });
    }
}

fn utf8(c: &mut Criterion) {
    let mut group = c.benchmark_group("utf8");
    for (name, sample) in [("ascii", "plain words "), ("cjk", "日本語と🦀")] {
        for size in [16, 32, 48, 64, 96, 128, 256, 1 << 10, 64 << 10] {
            let text = Bytes::from(text(sample, size));
            let id = format!("{name}/{size}");
            group.throughput(Throughput::Bytes(size as u64));
            memcpy(&mut group, &id, &text);
            group.bench_function(BenchmarkId::new("ours", &id), |b| {
                b.iter(|| Utf8Bytes::try_from(black_box(&text).clone()).is_ok());
            });
            group.bench_function(BenchmarkId::new("std", &id), |b| {
                b.iter(|| std::str::from_utf8(&black_box(&text).clone()).is_ok());
            });
        }
    }
}

/// Receives all there is and looks at it.
fn drain(ws: &mut Connection, input: &mut Input) {
    while let Some(event) = ws.receive(input) {
        match event {
            Event::Text(text) => black_box(text.len()),
            Event::Binary(data) => black_box(data.len()),
            event => panic!("unexpected {event:?}"),
        };
    }
}

/// A server that receives these bytes, beside the memcpy of them.
fn receive_wire(group: &mut BenchmarkGroup<'_, WallTime>, id: &str, wire: &[u8]) {
    group.throughput(Throughput::Bytes(wire.len() as u64));
    memcpy(group, id, wire);
    let mut ws = Connection::server(&Config::new());
    let mut input = Input::new();
    group.bench_function(BenchmarkId::new("server", id), |b| {
        b.iter(|| {
            input.extend_from_slice(wire);
            drain(&mut ws, &mut input);
        });
    });
}

fn receive(c: &mut Criterion) {
    let mut group = c.benchmark_group("receive");
    let kinds =
        [("binary", Opcode::Binary, "\u{1}"), ("ascii", Opcode::Text, "plain words "), ("cjk", Opcode::Text, "日本語")];
    for (name, opcode, sample) in kinds {
        for size in SIZES {
            let payload = text(sample, size);
            let wire = masked(opcode, payload.as_bytes()).repeat((64 << 10) / size + 1);
            receive_wire(&mut group, &format!("{name}/{size}"), &wire);
        }
    }
    for size in [64, 1 << 10, 16 << 10] {
        let mut wire = Vec::new();
        for at in (0..1 << 20).step_by(size) {
            let mut frame = masked(if at == 0 { Opcode::Binary } else { Opcode::Continuation }, &vec![7; size]);
            if at + size < 1 << 20 {
                frame[0] &= 0x7F;
            }
            wire.extend(frame);
        }
        receive_wire(&mut group, &format!("1 MiB in fragments/{size}"), &wire);
    }
}

/// Takes what waits in the output, as a kernel would: one copy.
fn write_out(ws: &mut Connection, wire: &mut Vec<u8>) {
    wire.clear();
    wire.put(ws.output());
}

fn send(c: &mut Criterion) {
    let mut group = c.benchmark_group("send");
    for size in SIZES {
        let payload = Bytes::from(vec![7; size]);
        let mut wire = Vec::with_capacity(size + 14);
        group.throughput(Throughput::Bytes(size as u64));
        memcpy(&mut group, size, &payload);
        let ends = [
            ("server", Connection::server(&Config::new())),
            ("client", Connection::client(Seed::new([1; 32]), &Config::new())),
        ];
        for (name, mut ws) in ends {
            group.bench_function(BenchmarkId::new(format!("{name}, borrowed"), size), |b| {
                b.iter(|| {
                    ws.send_binary(&payload).expect("there is room");
                    write_out(&mut ws, &mut wire);
                });
            });
            group.bench_function(BenchmarkId::new(format!("{name}, owned"), size), |b| {
                b.iter_batched(
                    || Message::Binary(payload.clone()),
                    |message| {
                        ws.send(message).expect("there is room");
                        write_out(&mut ws, &mut wire);
                    },
                    BatchSize::SmallInput,
                );
            });
        }
    }
}

fn handshake(c: &mut Criterion) {
    let mut group = c.benchmark_group("handshake");
    memcpy(&mut group, "request", REQUEST);
    let config = Config::new();
    let mut wire = Vec::with_capacity(256);
    group.bench_function("server", |b| {
        b.iter(|| {
            let mut input = Input::from(REQUEST);
            let mut handshake = server::Handshake::new(&config);
            let request = handshake.receive(&mut input).expect("valid").expect("complete");
            let mut ws = request.accept(server::Answer::new()).expect("nothing is asked for");
            write_out(&mut ws, &mut wire);
        });
    });
    let request = client::Request::new("ws://example.com:8080/chat".parse().expect("a URI"));
    group.bench_function("both sides", |b| {
        b.iter(|| {
            let mut client = client::Handshake::new(&request, Seed::new([1; 32]), &config);
            let mut input = Input::from(&client.output()[..]);
            let mut server = server::Handshake::new(&config);
            let request = server.receive(&mut input).expect("valid").expect("complete");
            let mut ws = request.accept(server::Answer::new()).expect("nothing is asked for");
            let mut input = Input::new();
            input.put(ws.output());
            black_box(client.receive(&mut input).expect("valid").expect("complete"));
        });
    });
}

fn echo(c: &mut Criterion) {
    let mut group = c.benchmark_group("echo");
    for size in SIZES {
        let wire = masked(Opcode::Binary, &vec![7; size]);
        group.throughput(Throughput::Bytes(size as u64));
        memcpy(&mut group, size, &wire);
        let mut ws = Connection::server(&Config::new());
        let mut input = Input::new();
        let mut back = Vec::with_capacity(size + 14);
        group.bench_function(BenchmarkId::new("server", size), |b| {
            b.iter(|| {
                input.extend_from_slice(&wire);
                while let Some(Event::Binary(data)) = ws.receive(&mut input) {
                    ws.send(data).expect("there is room");
                }
                assert!(ws.output().has_remaining());
                write_out(&mut ws, &mut back);
            });
        });
    }
}

criterion_group!(benches, header, mask, utf8, receive, send, handshake, echo);
criterion_main!(benches);
