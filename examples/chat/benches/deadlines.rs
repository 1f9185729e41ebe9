//! What the registry of deadlines costs with 100,000 idle connections that keep heartbeats: `cargo bench --bench deadlines`.
//! The clock is moved by hand, a quarter of a second at a time, through ten minutes.

use chat::deadlines::Wheel;
use std::time::Duration;
use ws_proto::{Config, Connection, Event, Input, Instant, Keepalive};

const CONNECTIONS: usize = 100_000;
const STEP: Duration = Duration::from_millis(250);
const TICKS: u64 = 10 * 60 * 4;

fn main() {
    let config = Config::new().keepalive(Keepalive::new());
    let mut input = Input::new();
    let mut connections: Vec<_> = (0..CONNECTIONS).map(|_| Connection::server(&config)).collect();
    let mut wheel = Wheel::new(STEP, 512);
    // They have come one after the other, through half a minute.
    for (key, ws) in connections.iter_mut().enumerate() {
        let now = Instant::new(Duration::from_micros(300 * key as u64));
        ws.handle_timeout(now);
        let deadline = ws.interest().deadline.expect("a heartbeat");
        wheel.enter(key, deadline.at);
    }
    let (mut due, mut looks, mut pings, mut longest) = (Vec::new(), 0, 0, Duration::ZERO);
    let start = std::time::Instant::now();
    for tick in 1..=TICKS {
        let began = std::time::Instant::now();
        let now = Instant::new(STEP * u32::try_from(tick).expect("few"));
        wheel.turn(now, &mut due);
        looks += due.len();
        for key in due.drain(..) {
            let ws = &mut connections[key];
            ws.handle_timeout(now);
            if ws.interest().write {
                // The Ping is written, and a Pong comes, masked with zeros.
                pings += 1;
                ws.output().clear();
                ws.handle_timeout(now);
                input.extend_from_slice(&[0x8A, 0x80, 0, 0, 0, 0]);
                assert!(ws.receive(&mut input).is_some_and(|event| matches!(event, Event::Pong(_))));
                assert!(ws.receive(&mut input).is_none(), "the end");
                ws.handle_timeout(now);
            }
            wheel.enter(key, ws.interest().deadline.map_or(Instant::MAX, |deadline| deadline.at));
        }
        longest = longest.max(began.elapsed());
    }
    let taken = start.elapsed();
    assert!(pings >= 19 * CONNECTIONS, "each has been silent for ten minutes");
    println!("| 100,000 connections | a tick | the longest tick | each connection that is due |\n|---|---:|---:|---:|");
    println!(
        "| heartbeats of 30 s, ticks of 250 ms | {:.0} µs | {:.0} µs | {:.0} ns |",
        taken.as_secs_f64() * 1e6 / TICKS as f64,
        longest.as_secs_f64() * 1e6,
        taken.as_secs_f64() * 1e9 / looks as f64,
    );
}
