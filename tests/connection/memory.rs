//! What receiving and sending cost in memory beyond the messages themselves: a caller that never catches up, reads that
//! cut messages anywhere, large messages on their way in and out, messages that are kept, and many connections on one input.

use crate::common::allocator::{allocations, held, peak_of};
use crate::common::frames::*;
use std::time::Duration;
use ws_proto::bytes::{Buf, Bytes};
use ws_proto::{Config, Connection, Event, Input, Instant, Keepalive, Message, Role, Seed};

/// The room that an input makes before a read, where it makes any.
fn room(fill: Fill, size: usize) -> usize {
    if fill == Fill::Copy { 0 } else { size }
}

fn letters(length: usize) -> Vec<u8> {
    (0..length).map(|i| b'a' + (i % 26) as u8).collect()
}

/// Answers everything that the input holds, and writes it in pieces, as a socket takes them.
fn echo_all(ws: &mut Connection, input: &mut Input) -> usize {
    let mut count = 0;
    while let Some(event) = ws.receive(input) {
        match event {
            Event::Text(text) => ws.send_text(&text).expect("there is room"),
            Event::Binary(data) => ws.send_binary(&data).expect("there is room"),
            Event::Ping(_) | Event::Pong(_) => continue,
            event => panic!("unexpected {event:?}"),
        }
        count += 1;
    }
    write_all(ws, 10_000);
    count
}

fn write_all(ws: &mut Connection, most: usize) {
    while ws.output().has_remaining() {
        let count = ws.output().chunk().len().min(most);
        ws.output().advance(count);
    }
}

/// What becomes of the messages that a caller takes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Read,
    Kept,
}

/// Takes one message for each that arrives, with so many waiting all the time.
fn with_backlog(wire: &[u8], size: usize, backlog: usize, fill: Fill, per_read: usize, fate: Fate) {
    let mut ws = connection(Role::Server, &Config::new());
    let mut input = Input::new();
    let mut last = Message::from(b"");
    let (mut taken, mut at) = (0, backlog * size);
    fill.append(&mut input, &wire[..at]);
    while at < wire.len() {
        let end = (at + per_read).min(wire.len());
        fill.append(&mut input, &wire[at..end]);
        for _ in at / size..end / size {
            let number = format!("{taken:08}");
            match ws.receive(&mut input).expect("there is a backlog") {
                Event::Text(text) if fate == Fate::Read => assert!(text.starts_with(&number)),
                Event::Binary(data) if fate == Fate::Read => assert!(data.starts_with(number.as_bytes())),
                Event::Text(text) => last = text.into_message(),
                Event::Binary(data) => last = data.into_message(),
                event => panic!("unexpected {event:?}"),
            }
            assert!(fate == Fate::Read || last.as_bytes().starts_with(number.as_bytes()));
            taken += 1;
        }
        assert!(!input.is_empty(), "the backlog stays");
        at = end;
    }
    while ws.receive(&mut input).is_some() {
        taken += 1;
    }
    assert_eq!((taken, input.len()), (wire.len() / size, 0));
}

/// D7, 6455-10.4-1: a caller that takes one message for each that arrives, and so never sees the input empty, does not
/// make it grow: what was taken makes room for what comes.
#[test]
fn a_standing_backlog_does_not_grow() {
    const MESSAGES: usize = 100_000;
    let frame = |i: usize| {
        let mut payload = letters(20);
        payload[..8].copy_from_slice(format!("{i:08}").as_bytes());
        let opcode = if i.is_multiple_of(2) { TEXT } else { BINARY };
        Frame::new(opcode, payload).to(Role::Server).bytes()
    };
    let wire: Vec<u8> = (0..MESSAGES).flat_map(frame).collect();
    let size = wire.len() / MESSAGES;
    println!("the most that {MESSAGES} messages of 20 bytes took, one taken for each that came:");
    for (backlog, fate) in [(1, Fate::Read), (1, Fate::Kept), (10, Fate::Kept), (100, Fate::Read)] {
        // A message a read, or a message and a half, so that the input ends inside of one half of the time.
        let per_read = if fate == Fate::Read { size } else { size * 3 / 2 };
        for fill in Fill::ALL {
            let ((), peak) = peak_of(|| with_backlog(&wire, size, backlog, fill, per_read, fate));
            println!("backlog {backlog:>3}, {per_read} bytes a read by {fill:?}, {fate:?}: {peak:>6}");
            // Memory grows by doubling, and both are there while it is moved.
            let most = 6 * ((4 << 10) + room(fill, 4 << 10) + backlog * size);
            assert!(peak <= most as isize, "{peak} of {most}");
        }
    }
}

/// Lengths of reads that cut messages anywhere: in headers, in payloads, between frames.
fn reads(seed: u64, total: usize, most: usize) -> Vec<usize> {
    let mut random = Random(seed);
    let (mut reads, mut left) = (Vec::new(), total);
    while left > 0 {
        let read = (1 + random.below(most)).min(left);
        reads.push(read);
        left -= read;
    }
    reads
}

/// How often a server allocates that echoes `frames` thirty times, after it has done so for a while.
fn allocations_of_an_echo(frames: &[Frame], messages: usize, fill: Fill, most: usize) -> usize {
    let wire = stream(Role::Server, frames);
    let cuts: Vec<Vec<usize>> = (0..10).map(|seed| reads(seed, wire.len(), most)).collect();
    let mut ws = connection(Role::Server, &Config::new());
    let mut input = Input::new();
    let mut round = |cut: &[usize]| {
        let (mut at, mut count) = (0, 0);
        for length in cut {
            fill.append(&mut input, &wire[at..at + length]);
            at += length;
            count += echo_all(&mut ws, &mut input);
        }
        assert!(count == messages && input.is_empty(), "{count} of {messages} messages");
    };
    (0..20).for_each(|i| round(&cuts[i % 10]));
    let before = allocations();
    (0..30).for_each(|i| round(&cuts[i % 10]));
    allocations() - before
}

/// An echo in the steady state allocates nothing, wherever reads cut the messages, in whichever way they are
/// done.
#[test]
fn an_echo_allocates_nothing_wherever_reads_cut() {
    let of = |opcode: u8, length: usize| Frame::new(opcode, letters(length));
    let both = |lengths: &[usize]| -> Vec<Frame> {
        lengths.iter().flat_map(|length| [of(TEXT, *length), of(BINARY, *length)]).collect()
    };
    let fragments = |lengths: &[usize]| -> Vec<Frame> {
        let message = |opcode: u8| {
            let parts = lengths.iter().map(|length| Frame::continuation(letters(*length)).part());
            let mut frames: Vec<Frame> = parts.collect();
            frames[0].opcode = opcode;
            frames.last_mut().unwrap().fin = true;
            frames.insert(1, Frame::pong("between"));
            frames
        };
        [message(TEXT), message(BINARY)].concat()
    };
    let sessions = [
        ("short text", vec![of(TEXT, 20); 50], 50),
        ("short binary", vec![of(BINARY, 20); 50], 50),
        ("short", both(&[0, 1, 20, 125]), 8),
        ("medium text", vec![of(TEXT, 2000); 10], 10),
        ("medium", both(&[126, 300, 4096, 16_000]), 8),
        ("long text", vec![of(TEXT, 100_000); 2], 2),
        ("long binary", vec![of(BINARY, 100_000); 2], 2),
        ("long", both(&[100_000]), 2),
        ("all", both(&[20, 3000, 100_000, 0, 125]), 10),
        ("short fragments", fragments(&[3, 0, 10, 1]), 2),
        ("medium fragments", fragments(&[100, 200, 4000, 5]), 2),
        ("long fragments", fragments(&[40_000, 20, 60_000]), 2),
    ];
    let mut wrong = Vec::new();
    println!("allocations in 30 rounds of an echo, by session, way of reading, and size of reads:");
    for (name, frames, messages) in &sessions {
        for fill in Fill::ALL {
            for most in [7, 100, 1500, 16 << 10, 64 << 10] {
                let total = stream(Role::Server, frames).len();
                if total / most > 200 {
                    continue;
                }
                let allocations = allocations_of_an_echo(frames, *messages, fill, most);
                if allocations > 0 {
                    println!("{name}, by {fill:?}, reads of up to {most}: {allocations}");
                    wrong.push((name, fill, most, allocations));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// A client that sends the same shared megabyte again and again allocates nothing in the steady state, in writes of any
/// size, also with short messages in between.
#[test]
fn a_client_that_sends_a_shared_megabyte_allocates_nothing() {
    let payload = Bytes::from(vec![7; 1 << 20]);
    for most in [1 << 10, 10_000, 1 << 20] {
        let mut ws = connection(Role::Client, &Config::new());
        let mut round = || {
            ws.send(payload.clone()).expect("there is room");
            ws.send_text("short").expect("there is room");
            write_all(&mut ws, most);
        };
        (0..3).for_each(|_| round());
        let before = allocations();
        (0..5).for_each(|_| round());
        let allocations = allocations() - before;
        println!("allocations of five shared megabytes in writes of {most}: {allocations}");
        assert_eq!(allocations, 0);
    }
}

/// What the input alone would take, if nobody looked into it: its own way of growing.
fn peak_of_input(wire: &[u8], fill: Fill, per_read: usize) -> isize {
    let ((), peak) = peak_of(|| {
        let mut input = Input::new();
        wire.chunks(per_read).for_each(|bytes| fill.append(&mut input, bytes));
    });
    peak
}

/// D2, D7: a large message that arrives in small reads costs no more than about twice its size at the peak, in one frame
/// or in many, beyond what an input takes by doubling.
#[test]
fn a_message_on_its_way_costs_about_twice_its_size() {
    println!("the most that a message took while it came in reads of 4 KiB, and an input that only collects it:");
    let mut wrong = Vec::new();
    for length in [100_000, 300_000, 600_000, (1 << 20) - 14, 1 << 20] {
        for (opcode, parts) in [(TEXT, 1), (BINARY, 1), (TEXT, 10), (TEXT, 1000)] {
            let payload = letters(length);
            let per_part = length.div_ceil(parts);
            let frames: Vec<Frame> = (payload.chunks(per_part).enumerate())
                .map(|(i, part)| Frame {
                    opcode: if i == 0 { opcode } else { CONTINUATION },
                    fin: (i + 1) * per_part >= length,
                    ..Frame::binary(part)
                })
                .collect();
            let wire = stream(Role::Server, &frames);
            for fill in Fill::ALL {
                let (count, peak) = peak_of(|| {
                    let mut ws = connection(Role::Server, &Config::new());
                    let mut input = Input::new();
                    let mut count = 0;
                    for bytes in wire.chunks(4 << 10) {
                        fill.append(&mut input, bytes);
                        while let Some(event) = ws.receive(&mut input) {
                            match event {
                                Event::Text(text) => assert!(opcode == TEXT && text.as_bytes() == payload),
                                Event::Binary(data) => assert!(opcode == BINARY && *data == payload[..]),
                                event => panic!("unexpected {event:?}"),
                            }
                            count += 1;
                        }
                    }
                    assert!(input.is_empty());
                    count
                });
                let alone = peak_of_input(&wire, fill, 4 << 10);
                println!(
                    "{length:>7} bytes, opcode {opcode}, {parts:>4} frames, by {fill:?}: {peak:>7} ({:.2} of it), \
                     alone {alone:>7}",
                    peak as f64 / length as f64
                );
                assert_eq!(count, 1);
                // While memory is moved to twice its size, both are there.
                let most = (2 * length + room(fill, 64 << 10) + (16 << 10)).max(alone as usize + (8 << 10));
                if peak > most as isize {
                    wrong.push((length, opcode, parts, fill, peak, alone));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "length, opcode, frames, fill, peak, and that of an input alone: {wrong:?}");
}

/// D7: connections that wait in the middle of a short message hold what has come of it and little more once memory is given
/// back; then each receives the rest of its own.
#[test]
fn connections_in_the_middle_of_a_message_hold_little() {
    const CONNECTIONS: usize = 1000;
    println!("what {CONNECTIONS} connections and their inputs hold in the middle of a message of 20 bytes:");
    for fill in Fill::ALL {
        for opcode in [TEXT, BINARY] {
            for fragmented in [false, true] {
                // After 1 to 19 bytes of the payload: the part of a frame, or a fragment.
                let halves = |i: usize| {
                    let mut payload = letters(20);
                    payload[..4].copy_from_slice(format!("{i:04}").as_bytes());
                    let at = 1 + i % 19;
                    let mut wire = if fragmented {
                        let last = Frame::continuation(&payload[at..]);
                        stream(Role::Server, &[Frame::new(opcode, &payload[..at]).part(), last])
                    } else {
                        stream(Role::Server, &[Frame::new(opcode, &payload)])
                    };
                    let rest = wire.split_off(6 + at);
                    (payload, wire, rest)
                };
                let cases: Vec<_> = (0..CONNECTIONS).map(halves).collect();
                let mut all: Vec<(Connection, Input)> = Vec::with_capacity(CONNECTIONS);
                let before = held();
                for (_, first, _) in &cases {
                    let (mut ws, mut input) = (connection(Role::Server, &Config::new()), Input::new());
                    fill.append(&mut input, first);
                    assert!(ws.receive(&mut input).is_none() && !input.is_empty());
                    all.push((ws, input));
                }
                let waiting = held() - before;
                let release_all = |all: &mut Vec<(Connection, Input)>| {
                    for (ws, input) in all {
                        ws.release_memory();
                        input.release_memory();
                    }
                    held() - before
                };
                let released = release_all(&mut all);
                let left: usize = all.iter().map(|(_, input)| input.len()).sum();
                for ((ws, input), (payload, _, rest)) in all.iter_mut().zip(&cases) {
                    fill.append(input, rest);
                    match ws.receive(input) {
                        Some(Event::Text(text)) => assert!(opcode == TEXT && text.as_bytes() == payload),
                        Some(Event::Binary(data)) => assert!(opcode == BINARY && *data == payload[..]),
                        event => panic!("unexpected {event:?}"),
                    }
                    assert!(ws.receive(input).is_none() && input.is_empty());
                }
                let idle = release_all(&mut all);
                println!(
                    "by {fill:?}, opcode {opcode}, fragmented {fragmented}: {waiting:>8}, {released:>8} after \
                     release_memory() for {left:>5} bytes of messages; {idle} when all have ended"
                );
                assert!(waiting <= ((room(fill, 4 << 10) + 300) * CONNECTIONS) as isize, "{waiting}");
                assert!(released <= (100 * CONNECTIONS) as isize, "{released}");
                assert_eq!(idle, 0);
            }
        }
    }
}

/// D7: connections between two messages share one input, however it is filled and wherever reads cut the messages of
/// each; all of them together hold no more heap than the one input.
#[test]
fn idle_connections_share_an_input() {
    const CONNECTIONS: usize = 1000;
    for fill in Fill::ALL {
        let frames = [
            Frame::text(letters(20)),
            Frame::binary(letters(3000)),
            Frame::text("in ").part(),
            Frame::continuation("fragments"),
            Frame::ping(""),
            Frame::text(letters(30_000)),
        ];
        let wire = stream(Role::Server, &frames);
        let mut all: Vec<Connection> = (0..CONNECTIONS).map(|_| connection(Role::Server, &Config::new())).collect();
        let before = held();
        let mut input = Input::new();
        for most in [100, 5000, usize::MAX] {
            for ws in &mut all {
                let mut count = 0;
                for bytes in wire.chunks(most) {
                    fill.append(&mut input, bytes);
                    count += echo_all(ws, &mut input);
                }
                assert!(count == 4 && input.is_empty());
                ws.release_memory();
            }
        }
        let shared = held() - before;
        drop(input);
        let without = held() - before;
        println!("{CONNECTIONS} idle connections and their input, by {fill:?}: {shared} bytes");
        assert!(shared <= 256 << 10, "{shared}");
        assert_eq!(without, 0);
    }
}

/// D7: a message that is kept pins no memory many times its size: neither one of many, when all the others and the input
/// are gone, nor all of them together.
#[test]
fn a_kept_message_pins_little() {
    println!("what is held for messages that are kept, when all else is gone, in bytes for each of theirs:");
    for length in [1, 20, 125, 126, 1000, 3000, 20_000, 100_000] {
        let messages = (200_000 / length).clamp(10, 300);
        let frames: Vec<Frame> = (0..messages).map(|i| Frame::new([TEXT, BINARY][i % 2], letters(length))).collect();
        let wire = stream(Role::Server, &frames);
        for fill in Fill::ALL {
            for per_read in [1500, 64 << 10, usize::MAX] {
                // One, some and all of them.
                for (every, first) in
                    [(usize::MAX, 0), (usize::MAX, messages / 2), (usize::MAX, messages - 1), (7, 3), (1, 0)]
                {
                    let mut kept = Vec::with_capacity(messages);
                    let before = held();
                    {
                        let mut ws = connection(Role::Server, &Config::new());
                        let mut input = Input::new();
                        let mut count = 0;
                        for bytes in wire.chunks(per_read) {
                            fill.append(&mut input, bytes);
                            while let Some(event) = ws.receive(&mut input) {
                                let keep = count >= first && (count - first) % every == 0;
                                count += 1;
                                match event {
                                    Event::Text(text) if keep => kept.push(text.into_utf8_bytes().into_bytes()),
                                    Event::Binary(data) if keep => kept.push(data.into_bytes()),
                                    Event::Text(_) | Event::Binary(_) => {}
                                    event => panic!("unexpected {event:?}"),
                                }
                            }
                        }
                        assert!(count == messages && input.is_empty());
                    }
                    let pinned = held() - before;
                    assert!(!kept.is_empty() && kept.iter().all(|payload| *payload == letters(length)));
                    let bytes = kept.len() * length;
                    println!(
                        "{:>3} of {messages:>3} messages of {length:>6} bytes, {per_read:>20} bytes a read by {fill:?}: \
                         {:.2}",
                        kept.len(),
                        pinned as f64 / bytes as f64
                    );
                    // What counts the owners of memory takes some bytes of its own.
                    assert!(pinned <= (4 * bytes + 100 * kept.len()) as isize, "{pinned} bytes for {bytes}");
                }
            }
        }
    }
}

/// A client's shared payload is masked while it goes out, in pieces: it costs a piece or two, however large it is, and
/// nothing is held when it has gone and memory is given back.
#[test]
fn a_shared_payload_on_its_way_out_costs_a_piece() {
    let payload = Bytes::from(vec![7; 64 << 20]);
    // What the memory takes to be shared is its own, not the connection's.
    let _shared = payload.clone();
    let before = held();
    let mut ws = connection(Role::Client, &Config::new());
    let fresh = held() - before;
    let (gone, peak) = peak_of(|| {
        ws.send(payload.clone()).expect("there is room");
        let total = ws.output().remaining();
        write_all(&mut ws, usize::MAX);
        total
    });
    let after = held() - before;
    ws.release_memory();
    let released = held() - before;
    println!(
        "a client's shared 64 MiB on its way out: {peak} bytes at the peak, {after} when it is gone, {released} after \
         release_memory(), of which {fresh} are a fresh client's"
    );
    assert_eq!(gone, payload.len() + 14);
    assert!(peak <= 100 << 10, "{peak}");
    assert!(released <= fresh, "{released}");
}

/// A server that was busy with messages of all sizes and kinds holds no heap once it has given its memory back.
#[test]
fn an_idle_server_holds_nothing() {
    for last in [TEXT, BINARY] {
        let large = Frame::new(last, letters(100_000));
        let frames = [
            Frame::text("hello"),
            Frame::ping("ping"),
            Frame::binary(letters(3000)),
            large,
            Frame::text("in ").part(),
            Frame::continuation("fragments"),
            Frame::new(last, letters(20)),
        ];
        let wire = stream(Role::Server, &frames);
        for most in [1, 100, 5000, 200_000] {
            let before = held();
            let mut input = Input::new();
            let mut ws = connection(Role::Server, &Config::new());
            // One that is released while a message is under way goes on, too.
            let mut count = 0;
            for (i, bytes) in wire.chunks(most).enumerate() {
                input.extend_from_slice(bytes);
                count += echo_all(&mut ws, &mut input);
                if i % 100 == 99 {
                    ws.release_memory();
                }
            }
            let busy = held() - before;
            ws.release_memory();
            input.release_memory();
            let idle = held() - before;
            println!("an idle server in reads of {most}: {busy} bytes, {idle} after release_memory()");
            assert_eq!(count, 5);
            assert_eq!(idle, 0);
        }
    }
    let size = size_of::<Connection>();
    let before = held();
    let client = Connection::client(Seed::new([1; 32]), &Config::new());
    let fresh = held() - before;
    drop(client);
    println!("size_of::<Connection>(): {size} bytes; heap of a fresh client: {fresh} bytes");
    assert!(size <= 256);
    assert!(fresh <= 400);
}

/// What time costs an idle connection: 32 bytes for heartbeats, 288 for all deadlines of the defaults.
#[test]
fn deadlines_take_little_memory() {
    let count = 100;
    let held_with = |config: &Config| {
        let before = held();
        let mut connections: Vec<_> = (0..count).map(|_| Connection::server(config)).collect();
        connections.iter_mut().for_each(|ws| ws.handle_timeout(Instant::new(Duration::from_secs(1))));
        (held() - before) / count
    };
    let none = held_with(&Config::new());
    let seconds = Duration::from_secs;
    let heartbeat = Keepalive::off().ping(seconds(30)).pong(seconds(20)).close(seconds(10));
    for (keepalive, most) in [(heartbeat, 32), (Keepalive::new(), 288)] {
        let config = Config::new().keepalive(keepalive);
        let more = held_with(&config) - none;
        assert!(more <= most, "{more} bytes each, and not {most}");
    }
}
