//! Compressed messages of JSON with context takeover, beside zlib-rs alone on the same bytes in the same run.
//!
//! `cargo bench --bench deflate`; figures are only worth comparing within one run.

#![allow(missing_docs, reason = "criterion's macro makes a public function")]

mod json;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use json::{ROUND, messages, zlib_messages};
use std::hint::black_box;
use ws_proto::bytes::{Buf, Bytes};
use ws_proto::{Config, Connection, DeflateConfig, DeflateParameters, Event, Input, Seed};
use zlib_rs::{Deflate, DeflateFlush, Inflate, InflateFlush};

const SIZES: [usize; 3] = [200, 2 << 10, 64 << 10];

fn compressing() -> (Connection, Connection) {
    let (deflate, agreed) = (DeflateConfig::new(), DeflateParameters::new());
    let client = Connection::client(Seed::new([1; 32]), &Config::new()).with_deflate(&deflate, agreed);
    (client, Connection::server(&Config::new()).with_deflate(&deflate, agreed))
}

fn inflate(c: &mut Criterion) {
    let mut group = c.benchmark_group("inflate a round of 64");
    for size in SIZES {
        group.throughput(Throughput::Bytes(size as u64 * ROUND));
        let wire = zlib_messages(size);
        let mut context = Inflate::new(false, 15);
        let mut room = vec![0; size + 1024];
        group.bench_function(BenchmarkId::new("zlib-rs", size), |b| {
            b.iter(|| {
                for payload in &wire {
                    context.decompress(payload, &mut room, InflateFlush::SyncFlush).expect("it is DEFLATE");
                    black_box(&room);
                }
            });
        });

        let (mut client, mut server) = compressing();
        let send = |message: &Vec<u8>| -> Bytes {
            client.send_binary(message).expect("there is room");
            let count = client.output().remaining();
            client.output().copy_to_bytes(count)
        };
        let frames: Vec<Bytes> = messages(size).iter().map(send).collect();
        let mut input = Input::new();
        group.bench_function(BenchmarkId::new("server", size), |b| {
            b.iter(|| {
                for frame in &frames {
                    input.extend_from_slice(frame);
                    let Some(Event::Binary(data)) = server.receive(&mut input) else { panic!("a message is due") };
                    black_box(&data[..]);
                }
            });
        });
    }
}

fn deflate(c: &mut Criterion) {
    let mut group = c.benchmark_group("deflate a round of 64");
    for size in SIZES {
        group.throughput(Throughput::Bytes(size as u64 * ROUND));
        let messages = messages(size);
        let mut context = Deflate::new(6, false, 15);
        let mut room = vec![0; 2 * size + 64];
        group.bench_function(BenchmarkId::new("zlib-rs", size), |b| {
            b.iter(|| {
                for message in &messages {
                    context.compress(message, &mut room, DeflateFlush::SyncFlush).expect("there is room");
                    black_box(&room);
                }
            });
        });

        let (_, mut server) = compressing();
        group.bench_function(BenchmarkId::new("server", size), |b| {
            b.iter(|| {
                for message in &messages {
                    server.send_binary(message).expect("there is room");
                    let count = server.output().remaining();
                    black_box(server.output().chunk());
                    server.output().advance(count);
                }
            });
        });
    }
}

criterion_group!(benches, inflate, deflate);
criterion_main!(benches);
