//! What time costs: the memory of 100,000 idle connections, and what it takes to say the time to each of them when no
//! deadline has come. `cargo bench --bench tick` prints the table of the README.

#[path = "../tests/common/allocator.rs"]
#[allow(dead_code, reason = "it is shared")]
mod allocator;

use allocator::{Counting, held};
use std::hint::black_box;
use std::time::Duration;
use ws_proto::bytes::Buf;
use ws_proto::{Config, Connection, Input, Instant, Keepalive};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const CONNECTIONS: usize = 100_000;

/// The least of so many rounds is taken.
const ROUNDS: usize = 30;

fn main() {
    let heartbeat = Keepalive::off().ping(Duration::from_secs(30)).pong(Duration::from_secs(20));
    println!(
        "| {CONNECTIONS} idle connections | bytes each | `handle_timeout` | with `interest` |\n|---|---:|---:|---:|"
    );
    for (name, config) in [
        ("no deadlines", Config::new()),
        ("heartbeats (`ping`, `pong`, `close`)", Config::new().keepalive(heartbeat.close(Duration::from_secs(10)))),
        ("all of `Keepalive::new()`", Config::new().keepalive(Keepalive::new())),
    ] {
        let before = held();
        let mut connections = Vec::with_capacity(CONNECTIONS);
        connections.extend((0..CONNECTIONS).map(|_| Connection::server(&config)));
        let bytes = (held() - before) as f64 / CONNECTIONS as f64;
        // Each has had a message, and is quiet since then.
        let mut input = Input::new();
        for ws in &mut connections {
            input.extend_from_slice(&[0x82, 0x81, 1, 2, 3, 4, 5]);
            assert!(ws.receive(&mut input).is_some() && ws.receive(&mut input).is_none());
            ws.handle_timeout(at(0));
        }
        let tick = least(&mut connections, Connection::handle_timeout);
        let with_interest = least(&mut connections, |ws, now| {
            ws.handle_timeout(now);
            let _ = black_box(ws.interest());
        });
        assert!(connections.iter_mut().all(|ws| !ws.output().has_remaining()), "no deadline has come");
        println!("| {name} | {bytes:.0} | {tick:.1} ns | {with_interest:.1} ns |");
    }
}

fn at(milliseconds: u64) -> Instant {
    Instant::new(Duration::from_millis(milliseconds))
}

/// Nanoseconds for each.
fn least(connections: &mut [Connection], mut look: impl FnMut(&mut Connection, Instant)) -> f64 {
    let rounds = (0..ROUNDS).map(|round| {
        let now = black_box(at(round as u64 + 1));
        let start = std::time::Instant::now();
        for ws in &mut *connections {
            look(ws, now);
        }
        start.elapsed().as_nanos() as f64 / CONNECTIONS as f64
    });
    rounds.fold(f64::INFINITY, f64::min)
}
