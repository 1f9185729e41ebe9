//! What `Input` takes in memory: the room for a read, what a mere claim brings a peer, what is kept after long messages,
//! and that receiving allocates nothing in the steady state.

use crate::common::allocator::{allocated, allocations, held, peak_of};
use crate::common::input::*;
use ws_proto::bytes::{BufMut, Bytes, BytesMut};
use ws_proto::{Config, Connection, Event, Input, OwnedEvent, Role};

const KIB: usize = 1 << 10;
/// Of a few values beside the buffer itself.
const CONSTANT: isize = 4 << 10;

/// The room of an input in which nothing is under way.
fn room(input: &mut Input) -> usize {
    let room = input.room().remaining_mut();
    assert!(room > 0);
    room
}

/// 6455-10.4-1: an input that has had nothing holds nothing; its room begins with 4 KiB, doubles while reads fill it and
/// ends at 64 KiB.
#[test]
fn room_grows_with_the_reads() {
    let before = held();
    let mut input = Input::new();
    assert_eq!(held(), before, "an input that holds no memory");
    let mut ws = Connection::server(&Config::new());
    let message = frame(Role::Server, FIN | BINARY, &[5; 100]);
    let mut rooms = Vec::new();
    let mut stream = message.iter().copied().cycle();
    for _ in 0..12 {
        let mut memory = input.room();
        let size = memory.remaining_mut();
        rooms.push(size);
        let bytes: Vec<u8> = stream.by_ref().take(size).collect();
        memory.put_slice(&bytes);
        drop(memory);
        while ws.receive(&mut input).is_some() {}
    }
    assert!((4 * KIB..5 * KIB).contains(&rooms[0]), "{rooms:?}");
    let mut expected = 4 * KIB;
    for (i, size) in rooms.iter().enumerate() {
        assert!((expected..=2 * expected).contains(size) && *size <= 66 * KIB, "read {i} of {rooms:?}");
        expected = (2 * expected).min(64 * KIB);
    }
    assert!(held() - before < 200 << 10, "{} bytes are held", held() - before);
}

/// What fills the room to its last byte takes no more memory.
#[test]
fn room_that_is_filled_to_the_last_byte() {
    let mut input = Input::new();
    let bytes = vec![0; room(&mut input)];
    let before = allocations();
    input.extend_from_slice(&bytes);
    assert_eq!(allocations(), before);
    input.extend_from_slice(&[0]);
    assert!(allocations() > before);
    let rest = vec![0; bytes.len() - 1];
    let before = allocations();
    input.extend_from_slice(&rest);
    assert_eq!(allocations(), before, "as much again as had come");
}

/// While a frame of a message of 1 MiB comes, the memory ends where the message does, and its last bytes take no more.
#[test]
fn the_end_of_a_large_message_takes_no_more_than_it_needs() {
    let (mut input, mut ws) = (Input::new(), Connection::server(&Config::new()));
    let message = frame(Role::Server, FIN | BINARY, &[5; (1 << 20) + 300_000]);
    let before = held();
    let (mut rest, end) = message.split_at(message.len() - 10);
    while !rest.is_empty() {
        let mut memory = input.room();
        let count = memory.remaining_mut().min(rest.len());
        memory.put_slice(&rest[..count]);
        drop(memory);
        rest = &rest[count..];
        assert!(ws.receive(&mut input).is_none());
        if rest.len() > 17 * KIB {
            let size = room(&mut input);
            assert!(size <= 17 * KIB, "a read of {size} bytes for a large frame");
        }
    }
    let most = message.len() as isize + (64 << 10);
    assert!(held() - before < most, "{} bytes are held", held() - before);
    let before = allocations();
    input.room().put_slice(end);
    assert_eq!(allocations(), before, "the last bytes have room");
    assert!(ws.receive(&mut input).is_some());
}

/// A read that fills its room makes the next one twice as large, and one that leaves a byte of it does not, however much
/// memory there is already, and whether the connection has looked at it or not.
#[test]
fn room_by_what_the_last_read_left() {
    for (left, next) in [(0, 8 * KIB), (1, 4 * KIB), (4095, 4 * KIB)] {
        for is_looked_at in [false, true] {
            let mut input = Input::from(BytesMut::with_capacity(64 * KIB));
            let mut ws = Connection::server(&Config::new());
            let message = frame(Role::Server, FIN | BINARY, &[5; 16 * KIB]);
            assert_eq!(room(&mut input), 4 * KIB);
            input.room().put_slice(&message[..4 * KIB - left]);
            if is_looked_at {
                assert!(ws.receive(&mut input).is_none(), "the message is longer");
            }
            assert_eq!(room(&mut input), next, "{left} bytes were left, {is_looked_at}");
        }
    }
}

/// 6455-10.4-1: short reads leave the room at 4 KiB; so much is what a quiet connection takes.
#[test]
fn room_for_short_reads() {
    let before = held();
    let mut input = Input::new();
    let mut ws = Connection::server(&Config::new());
    let own = held() - before;
    for _ in 0..2000 {
        let bytes = frame(Role::Server, FIN | BINARY, &[5; 100]);
        assert_eq!(append_once(&mut input, By::Room, &bytes), bytes.len());
        while ws.receive(&mut input).is_some() {}
        drop(bytes);
        assert!(held() - before - own <= 9 << 10, "{} bytes are held", held() - before);
    }
}

/// 6455-10.4-1: a header that claims 2^62 bytes brings room only by what comes of them.
#[test]
fn a_claim_brings_nothing() {
    let config = Config::new().max_message(u64::MAX).max_frame(u64::MAX);
    for role in ROLES {
        for opcode in [BINARY, TEXT] {
            for by in ALL.iter().copied() {
                for step in [1, 1000, 5000, 40_000, usize::MAX] {
                    if step == 1 && opcode == TEXT {
                        continue;
                    }
                    let mut ws = connection(role, &config);
                    let mut bytes = Vec::new();
                    header(role, FIN | opcode, 1 << 62, &mut bytes);
                    bytes.extend([b'a'; 70]);
                    let before = held();
                    let mut input = Input::new();
                    append(&mut input, By::Slice, &bytes);
                    assert!(ws.receive(&mut input).is_none());
                    let mut came = bytes.len();
                    let limit = if step == 1 { 3000 } else { 500_000 };
                    // ASCII, masked or not.
                    let chunk = vec![b'A'; step.min(80_000)];
                    while came < limit {
                        let chunk_held = chunk.capacity() as isize;
                        came += append_once(&mut input, by, &chunk);
                        let now = held() - before - chunk_held;
                        let most = 2 * came as isize + (64 << 10) + CONSTANT;
                        assert!(now <= most, "{now} bytes for {came} by {by:?}, {step} at a time, to a {role:?}");
                        if let Some(event) = ws.receive(&mut input) {
                            panic!("{event:?}");
                        }
                        let now = held() - before - chunk_held;
                        assert!(now <= most, "{now} bytes for {came} by {by:?}, {step} at a time, to a {role:?}");
                        let ahead = input.room().remaining_mut();
                        assert!(ahead <= came + 65 * KIB, "room of {ahead} for {came}");
                    }
                }
            }
        }
    }
}

/// 6455-10.4-1: the same for many headers that claim much on many connections: what each holds is what came, and a room.
#[test]
fn claims_on_many_connections() {
    let config = Config::new().max_message(u64::MAX);
    let before = held();
    let mut all = Vec::new();
    for i in 0..100 {
        let mut ws = Connection::server(&config);
        let mut input = Input::new();
        let mut bytes = Vec::new();
        header(Role::Server, BINARY, 1 << (32 + i % 31), &mut bytes);
        append(&mut input, By::Room, &bytes);
        assert!(ws.receive(&mut input).is_none());
        assert!(input.room().remaining_mut() <= 69 * KIB);
        all.push((ws, input));
    }
    let each = (held() - before) / 100;
    assert!(each <= 70 << 10, "{each} bytes for each claim");
}

/// 6455-6.2-1: in the steady state receiving allocates nothing, whatever is read at a time and however it is appended.
#[test]
fn no_allocation_for_a_message() {
    for role in ROLES {
        let mut numbers = Numbers(1);
        let mut stream = Vec::new();
        for i in 0..96 {
            let length = [0, 5, 50, 125, 126, 400, 1500, 5000][i % 8];
            if i % 3 == 0 {
                let text = numbers.text(length);
                push(&mut stream, role, FIN | TEXT, text.as_bytes());
            } else if i % 3 == 1 {
                push(&mut stream, role, FIN | BINARY, &vec![1; length]);
            } else {
                push(&mut stream, role, BINARY, &vec![1; length]);
                push(&mut stream, role, FIN | PONG, b"pong");
                push(&mut stream, role, FIN, &vec![2; length / 2]);
            }
        }
        for size in [1, 7, 100, 1500, 4096, 65_536] {
            // Tiny reads of the whole stream take their time.
            let stream = if size < 10 { &stream[..stream.len() / 4] } else { &stream[..] };
            for by in ALL.iter().copied().filter(|by| !matches!(by, By::Put | By::Owned)) {
                let mut ws = connection(role, &Config::new());
                let mut input = Input::new();
                let mut count = 0;
                let mut allocations_of_rounds = Vec::new();
                for _ in 0..4 {
                    let before = allocations();
                    for read in stream.chunks(size) {
                        append(&mut input, by, read);
                        while let Some(event) = ws.receive(&mut input) {
                            count += usize::from(matches!(event, Event::Text(_) | Event::Binary(_)));
                        }
                    }
                    allocations_of_rounds.push(allocations() - before);
                }
                assert!(count > 10, "{count}");
                let steady = &allocations_of_rounds[2..];
                // `take_room` may take a few words for sharing the memory.
                assert!(
                    steady.iter().all(|count| *count == 0),
                    "allocations of rounds of {} reads of {size} by {by:?} to a {role:?}: {allocations_of_rounds:?}",
                    stream.len().div_ceil(size)
                );
            }
        }
    }
}

/// 6455-6.2-1: the same for large messages one behind the other, up to the size whose memory is kept.
#[test]
fn no_allocation_for_a_large_message() {
    for role in ROLES {
        for (fragment, read) in [(KIB, 64 * KIB), (KIB, 4 * KIB), (1024 * KIB, 64 * KIB)] {
            for by in [By::Room, By::Slice] {
                let data = vec![7; 1024 * KIB];
                let stream = fragments(role, BINARY, &data.chunks(fragment).collect::<Vec<_>>());
                let (mut ws, mut input) = (connection(role, &Config::new()), Input::new());
                let mut rounds = Vec::new();
                for _ in 0..5 {
                    let (before, mut count) = (allocations(), 0);
                    for read in stream.chunks(read) {
                        append(&mut input, by, read);
                        while let Some(event) = ws.receive(&mut input) {
                            assert!(matches!(event, Event::Binary(received) if received.len() == data.len()));
                            count += 1;
                        }
                    }
                    assert_eq!(count, 1);
                    rounds.push(allocations() - before);
                }
                assert_eq!(rounds[3..], [0, 0], "{rounds:?} by {by:?} in fragments of {fragment} and reads of {read}");
            }
        }
    }
}

/// Receives one text of this length and says how many bytes were allocated over time, and at the peak.
fn receive_long(role: Role, by: By, read: usize, fragment: usize, length: usize) -> (usize, isize) {
    let data = vec![b'x'; length];
    let parts: Vec<&[u8]> = data.chunks(fragment.min(length)).collect();
    let bytes = fragments(role, TEXT, &parts);
    let mut ws = connection(role, &Config::new());
    let mut input = Input::new();
    let before = allocated();
    let (received, peak) = peak_of(|| {
        let mut received = 0;
        for read in bytes.chunks(read) {
            append(&mut input, by, read);
            while let Some(event) = ws.receive(&mut input) {
                let Event::Text(text) = event else { panic!("{event:?}") };
                received += text.len();
            }
        }
        received
    });
    assert_eq!(received, length);
    (allocated() - before, peak)
}

const READS: [(By, usize); 6] = [
    (By::Room, 1500),
    (By::Room, 65_536),
    (By::TakeRoom, 4096),
    (By::Slice, 16_384),
    (By::Slice, 1500),
    (By::Slice, 700),
];

/// 6455-6.2-1: memory is not moved again and again: the bytes allocated over time are a few times the message.
#[test]
fn a_long_frame_is_linear() {
    for role in ROLES {
        for (by, read) in READS {
            let length = 2 << 20;
            let (all, peak) = receive_long(role, by, read, usize::MAX, length);
            assert!(all <= 6 * length, "{all} bytes allocated for {length}, {read} at a time by {by:?}");
            assert!(peak <= 4 * length as isize, "{peak} bytes at the peak for {length}, {read} at a time by {by:?}");
        }
    }
}

/// 6455-5.4-3, 6455-6.2-1: the same for fragments, of which each might make the input find room again.
#[test]
fn a_long_message_in_fragments_is_linear() {
    for role in ROLES {
        for (by, read) in READS {
            for fragment in [100, 1000, 16_000] {
                let length = 512 << 10;
                let (all, peak) = receive_long(role, by, read, fragment, length);
                assert!(
                    all <= 8 * length,
                    "{all} bytes allocated for {length} in fragments of {fragment}, {read} at a time by {by:?}"
                );
                assert!(peak <= 4 * length as isize, "{peak} bytes at the peak for {length} by {by:?}");
            }
        }
    }
}

/// 6455-5.4-3, 6455-10.4-1: four times the message is four times the allocations, not sixteen times.
#[test]
fn allocations_of_a_message_in_fragments() {
    let (short, _) = receive_long(Role::Server, By::Room, 1500, 1000, 128 << 10);
    let (long, _) = receive_long(Role::Server, By::Room, 1500, 1000, 1 << 20);
    assert!(long <= 12 * short, "{short} bytes allocated for 128 KiB, {long} for 1 MiB");
}

/// W23, 6455-10.4-1: one text of 32 MiB, and small ones behind it; then only small reads' memory is kept, and after
/// `release_memory` what an idle input needs.
#[test]
fn memory_after_a_long_message() {
    for by in [By::Room, By::Slice, By::TakeRoom] {
        for whole in [true, false] {
            let before = held();
            let mut ws = Connection::server(&Config::new());
            let mut input = Input::new();
            let own = held() - before;
            {
                let size = if whole && by == By::Room { 32 << 20 } else { 3 << 20 };
                let data = vec![b'x'; size];
                let parts: Vec<&[u8]> = data.chunks(if whole { data.len() } else { 100_000 }).collect();
                let bytes = fragments(Role::Server, TEXT, &parts);
                let mut count = 0;
                for read in bytes.chunks(1 << 16) {
                    append(&mut input, by, read);
                    while let Some(event) = ws.receive(&mut input) {
                        assert!(matches!(&event, Event::Text(text) if text.len() == data.len()));
                        count += 1;
                    }
                }
                assert_eq!(count, 1);
            }
            let right_after = held() - before - own;
            let small = frame(Role::Server, FIN | TEXT, b"small");
            let small_held = small.capacity() as isize;
            for _ in 0..100 {
                append(&mut input, by, &small);
                while ws.receive(&mut input).is_some() {}
            }
            let later = held() - before - own - small_held;
            assert!(later <= 300 << 10, "{later} bytes after small messages by {by:?}, {right_after} before them");
            input.release_memory();
            let released = held() - before - own - small_held;
            assert!(released <= 4 << 10, "{released} bytes after release_memory by {by:?}, {later} before it");
            append(&mut input, by, &small);
            assert!(ws.receive(&mut input).is_some(), "it goes on");
        }
    }
}

/// W23: `release_memory` right behind the long message, with its event gone, and in the middle of the next message.
#[test]
fn release_memory_at_once() {
    for by in [By::Room, By::Slice, By::TakeRoom] {
        let before = held();
        let mut ws = Connection::server(&Config::new());
        let mut input = Input::new();
        {
            let bytes = frame(Role::Server, FIN | BINARY, &vec![7; 2 << 20]);
            append(&mut input, by, &bytes);
            while ws.receive(&mut input).is_some() {}
        }
        input.release_memory();
        let released = held() - before;
        assert!(released <= CONSTANT, "{released} bytes are held by {by:?}");

        {
            let bytes = frame(Role::Server, FIN | BINARY, &vec![7; 2 << 20]);
            append(&mut input, by, &bytes);
            append(&mut input, by, &frame(Role::Server, BINARY, &[3; 1000]));
            while ws.receive(&mut input).is_some() {}
        }
        input.release_memory();
        let released = held() - before;
        assert!(released <= 8 << 10, "{released} bytes are held for 1000 by {by:?}");
        append(&mut input, by, &frame(Role::Server, FIN, &[4; 5]));
        let right = [&[3; 1000][..], &[4; 5]].concat();
        assert!(matches!(ws.receive(&mut input), Some(Event::Binary(data)) if data == right[..]));
    }
}

/// W23: an event that was given away owns its memory, which is neither held twice nor kept by the input.
#[test]
fn a_long_message_that_is_kept() {
    for by in [By::Room, By::Slice, By::TakeRoom] {
        let size = 2 << 20;
        let bytes = frame(Role::Server, FIN | BINARY, &vec![7; size]);
        let before = held();
        let mut ws = Connection::server(&Config::new());
        let mut input = Input::new();
        let mut kept = None;
        for read in bytes.chunks(1 << 16) {
            append(&mut input, by, read);
            if let Some(Event::Binary(data)) = ws.receive(&mut input) {
                kept = Some(data.into_bytes());
            }
        }
        let small = frame(Role::Server, FIN | TEXT, b"small");
        for _ in 0..50 {
            append(&mut input, by, &small);
            while ws.receive(&mut input).is_some() {}
        }
        input.release_memory();
        let now = held() - before;
        assert!(now <= 4 * size as isize + CONSTANT, "{now} bytes for a message of {size} by {by:?}");
        assert_eq!(kept.take().map(|kept| kept.len()), Some(size));
        let now = held() - before;
        assert!(now <= CONSTANT, "{now} bytes when it is gone, by {by:?}");
    }
}

/// 6455-10.4-1: messages that are kept do not hold buffers of many times their size.
#[test]
fn kept_messages_do_not_pin() {
    for by in [By::Room, By::Slice, By::TakeRoom, By::Owned] {
        for (size, read, count) in
            [(200, 16_384, 1000), (200, 65_536, 500), (5000, 65_536, 100), (20, 16_384, 1000), (40_000, 16_384, 10)]
        {
            for every in [1, 5] {
                let stream = frame(Role::Server, FIN | BINARY, &vec![9; size]).repeat(count * every);
                let mut kept: Vec<Bytes> = Vec::with_capacity(count);
                let before = held();
                let mut ws = Connection::server(&Config::new());
                let mut input = Input::new();
                let mut index = 0;
                for read in stream.chunks(read) {
                    append(&mut input, by, read);
                    while let Some(event) = ws.receive(&mut input) {
                        let Event::Binary(data) = event else { panic!("{event:?}") };
                        if index % every == 0 {
                            kept.push(data.into_bytes());
                        }
                        index += 1;
                    }
                }
                assert_eq!(kept.len(), count);
                drop(ws);
                drop(input);
                let now = held() - before;
                let payload = count * size;
                // Four times the size, as documented, and the words beside each one.
                let most = 4 * payload + 64 * count + 4096;
                assert!(
                    now <= most as isize,
                    "{now} bytes for {count} of {size}, every {every}th, reads of {read} by {by:?}"
                );
                assert!(kept.iter().all(|data| data.len() == size && data.iter().all(|byte| *byte == 9)));
            }
        }
    }
}

/// 6455-10.4-1: the same for the last message of many that were dropped, and for parts.
#[test]
fn one_kept_message_pins_little() {
    for size in [0, 1, 50, 1000, 4000, 17_000, 70_000] {
        for behind in [0, 60_000] {
            let stream = [
                frame(Role::Server, FIN | BINARY, &vec![1; 60_000]),
                frame(Role::Server, FIN | TEXT, &vec![b'k'; size]),
                frame(Role::Server, FIN | BINARY, &vec![1; behind]),
            ]
            .concat();
            let before = held();
            let mut kept = None;
            {
                let (mut ws, mut input) = (Connection::server(&Config::new()), Input::new());
                append(&mut input, By::Slice, &stream);
                while let Some(event) = ws.receive(&mut input) {
                    if let Event::Text(text) = event {
                        kept = Some(text.into_utf8_bytes());
                    }
                }
            }
            let now = held() - before;
            assert!(now <= 4 * size as isize + 200, "{now} bytes for a message of {size}, {behind} behind it");
            assert_eq!(kept.unwrap().len(), size);
        }
    }
}

/// 6455-10.4-1: a thousand quiet connections that have had a message hold a small room each, and next to nothing once it is
/// released, or if they share an input.
#[test]
fn quiet_connections() {
    let bytes = frame(Role::Server, FIN | TEXT, &[b'q'; 300]);
    let before = held();
    let mut shared = Input::new();
    let mut connections = Vec::with_capacity(1000);
    for _ in 0..1000 {
        let mut ws = Connection::server(&Config::new());
        append(&mut shared, By::Room, &bytes);
        assert_eq!(drain(&mut ws, &mut shared).len(), 1);
        connections.push(ws);
    }
    let each = (held() - before) / 1000;
    let of_the_struct = size_of::<Connection>() as isize;
    assert!(each <= of_the_struct + 100, "{each} bytes for each of those that share an input");
    println!("Connection {of_the_struct}, Input {}, each {each}", size_of::<Input>());

    let before = held();
    let mut own: Vec<Input> = Vec::with_capacity(1000);
    for ws in &mut connections {
        let mut input = Input::new();
        append(&mut input, By::Room, &bytes);
        assert_eq!(drain(ws, &mut input).len(), 1);
        own.push(input);
    }
    let each = (held() - before) / 1000;
    assert!(each <= 9 << 10, "{each} bytes for each of those with an input of their own");
    for input in &mut own {
        input.release_memory();
    }
    let each = (held() - before) / 1000;
    assert!(each <= size_of::<Input>() as isize + 100, "{each} bytes for each after release_memory");
}

/// 6455-10.4-1: fragments of one byte and of none hold no more than what came of the message.
#[test]
fn tiny_fragments() {
    for role in ROLES {
        for payload in [&b""[..], b"x"] {
            let mut ws = connection(role, &Config::new());
            let mut input = Input::new();
            let one = frame(role, 0, payload);
            let mut chunk = Vec::new();
            while chunk.len() < 15_000 {
                chunk.extend_from_slice(&one);
            }
            let before = held();
            append(&mut input, By::Room, &frame(role, TEXT, payload));
            for _ in 0..20 {
                append(&mut input, By::Room, &chunk);
                assert_eq!(drain(&mut ws, &mut input), [] as [OwnedEvent; 0]);
            }
            let came = 20 * chunk.len() as isize;
            let now = held() - before;
            assert!(now <= came + (80 << 10), "{now} bytes for {came} on the wire");
            assert!(input.len() <= 20 * chunk.len() / one.len() + 1);
        }
    }
}

/// The room is asked for again and again, and nothing is read into it.
#[test]
fn room_that_is_not_used() {
    let before = held();
    let mut input = Input::new();
    for _ in 0..1000 {
        assert_eq!(room(&mut input), room(&mut input));
    }
    assert!(held() - before <= 5 << 10);
    for _ in 0..1000 {
        drop(input.take_room());
    }
    assert!(held() - before <= 9 << 10, "{} bytes", held() - before);
}

/// 6455-6.2-1: a driver whose every read ends in the middle of a frame never sees the input empty; what has been received
/// leaves it all the same, in whichever way bytes are appended.
#[test]
fn a_standing_backlog_does_not_grow() {
    for role in ROLES {
        for by in ALL.iter().copied() {
            let one = frame(role, FIN | BINARY, &[7; 1000]);
            let (mut ws, mut input) = (connection(role, &Config::new()), Input::new());
            let before = held();
            append(&mut input, by, &one[..1]);
            for _ in 0..2_000 {
                append(&mut input, by, &[&one[1..], &one[..1]].concat());
                assert!(matches!(ws.receive(&mut input), Some(Event::Binary(_))));
                assert!(ws.receive(&mut input).is_none());
                assert_eq!(input.len(), 1);
            }
            let kept = held() - before;
            assert!(kept <= 80 << 10, "{kept} bytes for a backlog of one byte, by {by:?}");
        }
    }
}

/// 6455-5.4-2, 6455-10.4-1: control frames without end behind a fragment leave the input as they are received.
#[test]
fn pings_behind_a_fragment_do_not_pile_up() {
    for role in ROLES {
        for by in ALL.iter().copied() {
            let ping = frame(role, FIN | PING, b"ping");
            let (mut ws, mut input) = (connection(role, &Config::new().auto_pong(false)), Input::new());
            let before = held();
            append(&mut input, by, &[&frame(role, TEXT, b"x")[..], &ping[..1]].concat());
            assert!(ws.receive(&mut input).is_none());
            for _ in 0..20_000 {
                append(&mut input, by, &[&ping[1..], &ping[..1]].concat());
                assert!(matches!(ws.receive(&mut input), Some(Event::Ping(_))));
                assert!(ws.receive(&mut input).is_none());
            }
            let kept = held() - before;
            assert!(kept <= 80 << 10, "{kept} bytes, by {by:?}");
        }
    }
}

/// 6455-6.2-1: appending goes on in the middle of a message without a look at what comes, as behind a proxy that waits for
/// its other side: memory grows by doubling, whatever the last look was missing.
#[test]
fn appending_without_a_look_is_linear() {
    for (by, read) in READS {
        let (mut ws, mut input) = (connection(Role::Server, &Config::new()), Input::new());
        let text = frame(Role::Server, FIN | TEXT, &[b'x'; 300]);
        append(&mut input, by, &text[..200]);
        assert!(ws.receive(&mut input).is_none());
        let before = allocated();
        let length = 4 << 20;
        let more = vec![0; read];
        append(&mut input, by, &text[200..]);
        for _ in 0..length / read {
            append(&mut input, by, &more);
        }
        let all = allocated() - before;
        assert!(all <= 5 * length, "{all} bytes allocated for {length}, {read} at a time by {by:?}");
    }
}

/// The room that was taken before a large message was received does not keep that alive behind the input's back.
#[test]
fn room_that_comes_back_belongs_to_its_memory() {
    let (mut ws, mut input) = (connection(Role::Server, &Config::new()), Input::new());
    let before = held();
    append(&mut input, By::TakeRoom, &frame(Role::Server, FIN | BINARY, &vec![7; 6 << 20]));
    let mut room = input.take_room();
    assert!(matches!(ws.receive(&mut input), Some(Event::Binary(_))));
    room.put_slice(&frame(Role::Server, FIN | BINARY, b"small"));
    input.append(room);
    assert!(matches!(ws.receive(&mut input), Some(Event::Binary(data)) if data == b"small"));
    assert!(ws.receive(&mut input).is_none());
    let kept = held() - before;
    assert!(kept <= 256 << 10, "{kept} bytes are kept");
}

#[cfg(feature = "deflate")]
mod compressed {
    use super::*;
    use ws_proto::{DeflateConfig, DeflateParameters, Seed};

    /// W23, 7692-7.2.2-1: memory that a large compressed message was inflated into is given back as soon as all has been
    /// received, and not only when the next compressed message comes.
    #[test]
    fn memory_of_a_large_inflated_message() {
        let (config, deflate) = (Config::new(), DeflateConfig::new());
        let agreed = DeflateParameters::new();
        let mut client = Connection::client(Seed::new([1; 32]), &config).with_deflate(&deflate, agreed);
        let mut server = Connection::server(&config).with_deflate(&deflate, agreed);
        let mut input = Input::new();
        let mut wire = Vec::new();
        let mut receive = |input: &mut Input, wire: &[u8]| {
            append(input, By::Room, wire);
            let length = match server.receive(input) {
                Some(Event::Binary(data)) => data.len(),
                event => panic!("{event:?}"),
            };
            assert!(server.receive(input).is_none());
            length
        };
        let mut send = |wire: &mut Vec<u8>, size: usize| {
            wire.clear();
            client.send(vec![7; size]).unwrap();
            wire.put(client.output());
        };
        send(&mut wire, 10_000);
        receive(&mut input, &wire);
        let before = held();
        send(&mut wire, 16 << 20);
        assert_eq!(receive(&mut input, &wire), 16 << 20);
        let kept = held() - before;
        assert!(kept <= 256 << 10, "{kept} bytes are kept");
    }
}
