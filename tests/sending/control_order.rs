//! Where control frames go in the output: Pings and Pongs at the next border between two frames and never inside one,
//! a Close behind the data or in place of it; what has been shown to a writer stays as it was.

use crate::common::allocator::{held, peak_of};
use crate::common::frames::*;
use std::io::{self, IoSlice, Write};
use ws_proto::bytes::{Buf, Bytes};
use ws_proto::{
    Cause, CloseCode, Config, Connection, Input, Message, MessageKind, Prepared, Role, SendErrorKind, Violation,
};

const MIB: usize = 1 << 20;

/// The frames that may stay ahead of the Close frame that ends everything.
const AHEAD_OF_CLOSE: usize = 64 << 10;

/// A frame on the wire: its first byte, where it begins and ends, and its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
struct OnWire {
    first: u8,
    start: usize,
    /// Where its payload begins.
    from: usize,
    end: usize,
    key: Option<[u8; 4]>,
    payload: Vec<u8>,
}

impl OnWire {
    fn opcode(&self) -> u8 {
        self.first & 0x0f
    }

    fn fin(&self) -> bool {
        self.first & 0x80 != 0
    }

    fn is_data(&self) -> bool {
        self.opcode() < 8
    }
}

/// The frames that begin in `bytes`, whole or not, without their payloads.
fn headers_in(role: Role, bytes: &[u8]) -> Vec<OnWire> {
    let mut frames = Vec::new();
    let mut start = 0;
    while start < bytes.len() {
        let first = bytes[start];
        assert!(matches!(first & 0x0f, 0..=2 | 8..=10), "{first:#x} at {start} begins no frame");
        let header = whole_header(&bytes[start..(start + 14).min(bytes.len())]);
        let (key, from, end) = header.map_or((None, usize::MAX, usize::MAX), |(frame, size)| {
            assert_eq!(frame.key.is_some(), role == Role::Client, "the mask");
            (frame.key, start + size, start + size + frame.claim.unwrap() as usize)
        });
        frames.push(OnWire { first, start, from, end, key, payload: Vec::new() });
        start = end;
    }
    frames
}

/// Sixteen bytes at a time, for the sake of debug builds.
fn unmask(payload: &mut [u8], key: [u8; 4]) {
    let wide = u128::from_le_bytes(std::array::from_fn(|i| key[i % 4]));
    let mut chunks = payload.chunks_exact_mut(16);
    for chunk in chunks.by_ref() {
        let masked = u128::from_le_bytes((&*chunk).try_into().expect("sixteen")) ^ wide;
        chunk.copy_from_slice(&masked.to_le_bytes());
    }
    for (i, byte) in chunks.into_remainder().iter_mut().enumerate() {
        *byte ^= key[i % 4];
    }
}

/// The whole frames of `bytes`, which hold nothing else.
fn whole_frames(role: Role, bytes: &[u8]) -> Vec<OnWire> {
    let mut frames = headers_in(role, bytes);
    assert_eq!(frames.last().map_or(0, |last| last.end), bytes.len(), "the last frame is cut");
    for frame in &mut frames {
        frame.payload = bytes[frame.from..frame.end].to_vec();
        if let Some(key) = frame.key {
            unmask(&mut frame.payload, key);
        }
    }
    frames
}

/// What one look shows: `chunk`, or a vectored write with so many slices.
#[derive(Clone, Copy, Debug)]
enum Look {
    None,
    Chunk,
    Vectored(usize),
}

impl Look {
    const ALL: [Self; 6] =
        [Self::None, Self::Chunk, Self::Vectored(1), Self::Vectored(2), Self::Vectored(3), Self::Vectored(64)];

    fn at(self, connection: &mut Connection) -> Vec<u8> {
        let output = connection.output();
        match self {
            Self::None => Vec::new(),
            Self::Chunk => output.chunk().to_vec(),
            Self::Vectored(most) => {
                let mut slices = vec![IoSlice::new(&[]); most];
                let count = output.chunks_vectored(&mut slices);
                slices[..count].iter().flat_map(|slice| slice.iter().copied()).collect()
            }
        }
    }
}

/// Writes what a look has shown, at once: with the first byte that is written, what is behind may change.
fn write_shown(connection: &mut Connection, shown: &[u8]) -> Vec<u8> {
    connection.output().advance(shown.len());
    shown.to_vec()
}

fn receive(connection: &mut Connection, bytes: &[u8]) -> Vec<Seen> {
    feed(connection, &mut Input::new(), bytes)
}

fn ping_from_peer(connection: &mut Connection, data: &[u8]) {
    let seen = receive(connection, &Frame::ping(data).to(connection.role()).bytes());
    assert_eq!(seen, [Seen::Ping(data.into())]);
}

fn violate(connection: &mut Connection) {
    let seen = receive(connection, &Frame::binary("x").rsv(1).to(connection.role()).bytes());
    assert_eq!(seen, [failed(Violation::ReservedBit)]);
}

fn peer_closes(connection: &mut Connection) {
    let seen = receive(connection, &Frame::close(1001, "away").to(connection.role()).bytes());
    assert!(matches!(seen[..], [Seen::Closed { cause: Cause::Agreed, .. }]), "{seen:?}");
}

/// W13, 6455-5.5.2-3: of twenty messages of 1 MiB the first is partly written when a Ping arrives: the Pong goes out
/// directly behind the first frame. However the messages were sent.
#[test]
fn a_pong_is_directly_behind_the_frame_under_way() {
    for size in [MIB, 5000, 300] {
        pong_behind_the_first_of_twenty(size);
    }
}

fn pong_behind_the_first_of_twenty(length: usize) {
    let data = payload(length, 1);
    let prepared = Prepared::new(data.clone());
    type Send<'a> = &'a dyn Fn(&mut Connection);
    let ways: [(&str, Send<'_>); 5] = [
        ("owned", &|ws| ws.send(Bytes::from(data.clone())).unwrap()),
        ("borrowed", &|ws| ws.send_binary(&data).unwrap()),
        ("part", &|ws| ws.send_part(data.clone(), true).unwrap()),
        ("written", &|ws| {
            ws.send_with(MessageKind::Binary, |message| {
                assert!(message.extend_from_slice(&data));
                Ok::<_, ()>(())
            })
            .unwrap();
        }),
        ("prepared", &|ws| ws.send_prepared(&prepared).unwrap()),
    ];
    for role in ROLES {
        for (way, send) in &ways {
            if role == Role::Client && *way == "prepared" || length == MIB && !matches!(*way, "owned" | "borrowed") {
                continue;
            }
            let mut connection = connection(role, &Config::new());
            (0..20).for_each(|_| send(&mut connection));
            let size = header_size(role, length) + length;
            assert_eq!(connection.buffered(), 20 * size);
            let mut wire = write(&mut connection, length / 100 + 1);
            ping_from_peer(&mut connection, b"alive?");
            wire.extend(drain(&mut connection));

            assert_eq!(wire.len(), 20 * size + header_size(role, 6) + 6);
            if role == Role::Server {
                assert_eq!(wire[size..size + 8], *b"\x8a\x06alive?", "{way}");
            }
            let frames = whole_frames(role, &wire);
            let opcodes: Vec<u8> = frames.iter().map(OnWire::opcode).collect();
            assert_eq!(opcodes[..2], [BINARY, PONG], "{way}");
            assert_eq!(frames[1].payload, b"alive?");
            assert_eq!(opcodes[2..], [BINARY; 19], "{way}");
            assert!(frames.iter().filter(|frame| frame.is_data()).all(|frame| frame.payload == data), "{way}");
        }
    }
}

/// 6455-5.5.2-3: the same for the halves of a connection, where the Ping arrives as a reply.
#[test]
fn a_pong_of_a_half_is_directly_behind_the_frame_under_way() {
    for role in ROLES {
        let (mut receiver, mut sender) = connection(role, &Config::new()).into_halves();
        for seed in 0..5 {
            sender.send(payload(100_000, seed)).unwrap();
        }
        sender.output().advance(50);
        let mut input = Input::from(Frame::ping("alive?").to(role).bytes());
        let reply = receiver.receive(&mut input).and_then(|received| received.reply).expect("a Pong is due");
        sender.reply(reply);
        let rest = sender.output().copy_to_bytes(header_size(role, 100_000) + 100_000 - 50);
        assert_eq!(rest.len(), header_size(role, 100_000) + 99_950);
        let next = sender.output().chunk()[0];
        assert_eq!(next, 0x80 | PONG, "{role:?}");
    }
}

/// A stream in which frames that are copied and frames that stand alone take turns, and its data frames.
fn send_mixed(connection: &mut Connection, large: usize) -> Vec<(u8, Vec<u8>)> {
    let text = String::from_utf8(vec![b't'; 130]).unwrap();
    connection.send_text("one").unwrap();
    connection.send_binary(&payload(0, 1)).unwrap();
    connection.send_text(&text).unwrap();
    connection.send(payload(large, 2)).unwrap();
    connection.send_part(payload(5, 3), false).unwrap();
    connection.send_part(payload(large + 1, 4), false).unwrap();
    connection.send_part(payload(0, 5), true).unwrap();
    connection.send_text("last").unwrap();
    vec![
        (0x80 | TEXT, b"one".to_vec()),
        (0x80 | BINARY, Vec::new()),
        (0x80 | TEXT, text.into_bytes()),
        (0x80 | BINARY, payload(large, 2)),
        (BINARY, payload(5, 3)),
        (CONTINUATION, payload(large + 1, 4)),
        (0x80 | CONTINUATION, Vec::new()),
        (0x80 | TEXT, b"last".to_vec()),
    ]
}

/// After `at` bytes and a look at what follows, two control frames are queued. Panics unless they go out in their order
/// behind the frame in which what has been shown ends, all else is as it was, and what has been shown stays.
fn assert_next_border(role: Role, at: usize, large: usize, look: Look) {
    let mut connection = connection(role, &Config::new());
    let data = send_mixed(&mut connection, large);
    let mut wire = write(&mut connection, at);
    let shown = look.at(&mut connection);

    let mut so_far = wire.clone();
    so_far.extend_from_slice(&shown);
    let before = headers_in(role, &so_far).len();

    ping_from_peer(&mut connection, b"peer's");
    let again = look.at(&mut connection);
    assert!(again.starts_with(&shown), "{role:?}, {look:?}, {at}: what was shown has changed");
    connection.ping(b"mine").unwrap();
    let third = look.at(&mut connection);
    assert!(third.starts_with(&again), "{role:?}, {look:?}, {at}: what was shown has changed again");

    wire.extend(write_shown(&mut connection, &third));
    wire.extend(drain(&mut connection));
    let frames = whole_frames(role, &wire);
    let mut expected = data;
    // The second may go further back by what the look in between has shown.
    expected.insert(before, (0x80 | PONG, b"peer's".to_vec()));
    let ping = frames.iter().position(|frame| frame.opcode() == PING).expect("the Ping");
    if matches!(look, Look::None) {
        assert_eq!(ping, before + 1, "{role:?}, {at}");
    } else {
        assert!(ping > before, "{role:?}, {look:?}, {at}: the Ping is ahead of the Pong");
    }
    expected.insert(ping, (0x80 | PING, b"mine".to_vec()));
    let frames: Vec<_> = frames.into_iter().map(|frame| (frame.first, frame.payload)).collect();
    assert!(frames == expected, "{role:?}, {look:?}, {at}");
}

fn assert_next_border_after_every_write(role: Role) {
    let large = 4096;
    let mut ws = connection(role, &Config::new());
    send_mixed(&mut ws, large);
    for at in 0..=ws.buffered() {
        // Inside a large payload, one place is much like another.
        let look = if at % 64 < 8 || at < 200 { Look::ALL[at % 6] } else { Look::None };
        assert_next_border(role, at, large, look);
    }
}

/// 6455-5.5.2-3, 6455-5.4-4: after a partial write of every length, Pings and Pongs go out at the next border.
#[test]
fn every_partial_write_of_a_server() {
    assert_next_border_after_every_write(Role::Server);
}

/// 6455-5.5.2-3, 6455-5.4-4: the same for a client.
#[test]
fn every_partial_write_of_a_client() {
    assert_next_border_after_every_write(Role::Client);
}

/// 6455-5.5.2-3: around every border, with every look; the large payloads take a client several pieces to mask.
#[test]
fn every_look_around_every_border() {
    for role in ROLES {
        for large in [4096, 70_000] {
            let mut ws = connection(role, &Config::new());
            send_mixed(&mut ws, large);
            let wire = drain(&mut ws);
            let frames = whole_frames(role, &wire);
            let mut places: Vec<usize> = Vec::new();
            for frame in &frames {
                places.extend([frame.start, frame.start + 1, frame.end - 1, (frame.start + frame.end) / 2]);
                if frame.end - frame.start > 65_536 {
                    let header = header_size(role, frame.payload.len());
                    let piece = frame.start + header + 65_536;
                    places.extend([frame.start + header, piece - 1, piece, piece + 1]);
                }
            }
            places.push(wire.len());
            for at in places {
                let looks = if large > 65_536 { &[Look::Chunk, Look::Vectored(3)][..] } else { &Look::ALL };
                for look in looks {
                    assert_next_border(role, at, large, *look);
                }
            }
        }
    }
}

/// What happens while bytes have been shown and not yet written.
#[derive(Clone, Copy, Debug)]
enum Happens {
    Ping,
    Pong,
    PeersPing,
    Message,
    LargeMessage,
    Close,
    CloseNow,
    Violation,
    PeersClose,
    Eof,
    Release,
}

impl Happens {
    const ALL: [Self; 11] = [
        Self::Ping,
        Self::Pong,
        Self::PeersPing,
        Self::Message,
        Self::LargeMessage,
        Self::Close,
        Self::CloseNow,
        Self::Violation,
        Self::PeersClose,
        Self::Eof,
        Self::Release,
    ];

    fn to(self, connection: &mut Connection) {
        match self {
            Self::Ping => connection.ping(b"p").unwrap(),
            Self::Pong => connection.pong(b"q").unwrap(),
            Self::PeersPing => ping_from_peer(connection, b"r"),
            Self::Message => connection.send_text("more").unwrap(),
            Self::LargeMessage => connection.send(payload(5000, 9)).unwrap(),
            Self::Close => connection.close(CloseCode::NORMAL).unwrap(),
            Self::CloseNow => connection.close_now(CloseCode::POLICY_VIOLATION).unwrap(),
            Self::Violation => violate(connection),
            Self::PeersClose => peer_closes(connection),
            Self::Eof => connection.receive_eof(),
            Self::Release => connection.release_memory(),
        }
    }
}

/// 6455-6.1-1: whatever happens, the bytes that a writer has been shown are those that it finds when it tries again, and
/// those that go out.
#[test]
fn what_has_been_shown_stays() {
    for role in ROLES {
        for large in [4096, 70_000] {
            let mut ws = connection(role, &Config::new());
            send_mixed(&mut ws, large);
            let frames = whole_frames(role, &drain(&mut ws));
            let (places, looks) = match large > 65_536 {
                true => (vec![0, frames[3].start, frames[3].end - 100], &[Look::Chunk, Look::Vectored(64)][..]),
                false => {
                    let places = frames.iter().flat_map(|frame| [frame.start, frame.end - 1]);
                    (places.collect(), &Look::ALL[1..])
                }
            };
            for at in places {
                for look in looks {
                    for (happens, pinged) in Happens::ALL.map(|happens| [(happens, false), (happens, true)]).concat() {
                        let mut ws = connection(role, &Config::new());
                        send_mixed(&mut ws, large);
                        let mut wire = write(&mut ws, at);
                        if pinged {
                            ws.ping(b"before").unwrap();
                        }
                        let shown = look.at(&mut ws);
                        happens.to(&mut ws);
                        let case = || format!("{role:?}, {large}, {at}, {look:?}, {happens:?}, pinged: {pinged}");
                        let again = look.at(&mut ws);
                        assert!(again.starts_with(&shown), "{}: changed", case());
                        let more = Look::Vectored(64).at(&mut ws);
                        assert!(more.starts_with(&again), "{}: two looks differ", case());
                        wire.extend(write_shown(&mut ws, &more));
                        wire.extend(drain(&mut ws));
                        whole_frames(role, &wire);
                    }
                }
            }
        }
    }
}

/// 6455-5.5.2-3: a Ping that waits has been shown with data behind it: one that is sent then goes behind that data, not
/// directly behind the first.
#[test]
fn a_ping_that_has_been_shown_keeps_what_is_behind_it() {
    for role in ROLES {
        for look in &Look::ALL[1..] {
            let mut ws = connection(role, &Config::new());
            ws.send_text("one").unwrap();
            ws.ping(b"first").unwrap();
            ws.send_text("two").unwrap();
            let shown = look.at(&mut ws);
            ws.ping(b"second").unwrap();
            assert!(look.at(&mut ws).starts_with(&shown), "{role:?}, {look:?}");
            let mut wire = write_shown(&mut ws, &shown);
            wire.extend(drain(&mut ws));
            let sent = whole_frames(role, &wire);
            let pings: Vec<_> =
                sent.iter().filter(|frame| frame.opcode() == PING).map(|frame| &frame.payload).collect();
            assert_eq!(pings, [b"first" as &[u8], b"second"], "{role:?}, {look:?}");
        }
    }
}

/// 6455-5.5.2-3: one look shows 64 KiB and a frame at most, so that a control frame that comes afterwards is behind no
/// more than that.
#[test]
fn a_look_is_bounded() {
    for role in ROLES {
        for way in Way::ALL {
            for size in [10, 4000, 100_000, 300_000] {
                for look in &Look::ALL[1..] {
                    let mut ws = connection(role, &Config::new());
                    let data = payload(size, 1);
                    (0..MIB / size).for_each(|_| way.send(&mut ws, &data));
                    let frame = header_size(role, size) + size;
                    let mut wire = write(&mut ws, frame + 1);
                    let shown = look.at(&mut ws);
                    assert!(shown.len() <= (64 << 10) + frame, "{role:?}, {way:?}, {size}, {look:?}: {}", shown.len());
                    ws.ping(b"mine").unwrap();
                    wire.extend(drain(&mut ws));
                    let ping = headers_in(role, &wire).into_iter().find(|frame| frame.opcode() == PING).unwrap();
                    let most = (64 << 10) + 2 * frame;
                    assert!(ping.start <= frame + 1 + most, "{role:?}, {way:?}, {size}, {look:?}: at {}", ping.start);
                }
            }
        }
    }
}

/// A message as it stands on the wire, without its frames.
fn messages_of(frames: &[OnWire]) -> Vec<(u8, Vec<u8>)> {
    let mut messages: Vec<(u8, Vec<u8>)> = Vec::new();
    let mut open = false;
    for frame in frames.iter().filter(|frame| frame.is_data()) {
        assert_eq!(frame.opcode() == CONTINUATION, open, "a fragment out of its order");
        if open {
            messages.last_mut().unwrap().1.extend_from_slice(&frame.payload);
        } else {
            messages.push((frame.first & 0x7f, frame.payload.clone()));
        }
        open = !frame.fin();
    }
    messages
}

/// 6455-5.5.2-3, 6455-5.4-2, 6455-5.4-5, 6455-5.4-9: in a random session with looks and writes of any size, each Ping and
/// Pong goes out at the first border behind what had been shown or was partly written, control frames keep their order,
/// data keeps its order, and no look contradicts an earlier one.
#[test]
fn random_sessions() {
    for seed in 0..120 {
        let role = ROLES[seed % 2];
        let mut random = Random(seed as u64);
        let fragment = [usize::MAX, 125, 5000, 70_000][random.below(4)];
        let mut connection = connection(role, &Config::new().fragment_size(fragment));
        let (mut wire, mut shown) = (Vec::new(), Vec::new());
        let mut data: Vec<(u8, Vec<u8>)> = Vec::new();
        // Each control frame, and how many data frames may go out ahead of it.
        let mut controls: Vec<(u8, Vec<u8>, usize)> = Vec::new();
        let mut in_parts = false;
        for step in 0..60 {
            match random.below(10) {
                0..4 => {
                    let length =
                        [random.below(20), random.below(300), 4000 + random.below(300), 66_000][random.below(4)];
                    let message = payload(length, step);
                    if in_parts || random.below(4) == 0 {
                        let fin = random.below(2) == 0;
                        connection.send_part(message.clone(), fin).unwrap();
                        match in_parts {
                            true => data.last_mut().unwrap().1.extend(message),
                            false => data.push((BINARY, message)),
                        }
                        in_parts = !fin;
                    } else if random.below(2) == 0 {
                        connection.send_binary(&message).unwrap();
                        data.push((BINARY, message));
                    } else {
                        connection.send(message.clone()).unwrap();
                        data.push((BINARY, message));
                    }
                }
                4..6 => {
                    let length = random.below(126);
                    let payload = payload(length, step);
                    let so_far = [&wire[..], &shown].concat();
                    let ahead = headers_in(role, &so_far).iter().filter(|frame| frame.is_data()).count();
                    let opcode = match random.below(3) {
                        0 => {
                            connection.ping(&payload).unwrap();
                            PING
                        }
                        1 => {
                            connection.pong(&payload).unwrap();
                            PONG
                        }
                        _ => {
                            ping_from_peer(&mut connection, &payload);
                            PONG
                        }
                    };
                    controls.push((opcode, payload, ahead));
                }
                6..8 => {
                    let look = Look::ALL[random.below(6)].at(&mut connection);
                    let both = look.len().min(shown.len());
                    assert!(look[..both] == shown[..both], "seed {seed}, step {step}: two looks differ");
                    if look.len() > shown.len() {
                        shown = look;
                    }
                }
                _ => {
                    let remaining = connection.output().remaining();
                    let most = [10, 5000, remaining][random.below(3)];
                    let count = random.below(most + 1).min(remaining);
                    if count > 0 {
                        let bytes = match random.below(2) {
                            0 => write(&mut connection, count),
                            _ => connection.output().copy_to_bytes(count).to_vec(),
                        };
                        let both = bytes.len().min(shown.len());
                        assert!(bytes[..both] == shown[..both], "seed {seed}, step {step}: not what was shown");
                        wire.extend(bytes);
                        shown.clear();
                    }
                }
            }
        }
        if in_parts {
            connection.send_part(Vec::new(), true).unwrap();
        }
        wire.extend(drain(&mut connection));

        let frames = whole_frames(role, &wire);
        assert!(messages_of(&frames) == data, "seed {seed}: the data");
        assert!(frames.iter().all(|frame| !frame.is_data() || frame.payload.len() <= fragment));
        let mut ahead = 0;
        let mut left = controls.iter();
        // One that was queued before it may have to go behind what had been shown by then.
        let mut most = 0;
        for frame in &frames {
            if frame.is_data() {
                ahead += 1;
                continue;
            }
            let (opcode, payload, own) = left.next().expect("no more control frames than were queued");
            assert_eq!((frame.first, &frame.payload), (0x80 | opcode, payload), "seed {seed}");
            most = most.max(*own);
            assert!(ahead <= most, "seed {seed}: behind {ahead} data frames instead of {most}");
        }
        assert!(left.next().is_none(), "seed {seed}: a control frame is missing");
    }
}

/// 6455-5.4-2, 6455-5.4-4, 6455-5.5.2-3: with `fragment_size` a large message goes out in fragments of that size at most,
/// however it is sent, and a Pong is behind one of them.
#[test]
fn fragments_make_borders() {
    let text = String::from_utf8((0..50_000_usize).map(|i| b'a' + (i % 26) as u8).collect()).unwrap();
    type Send<'a> = &'a dyn Fn(&mut Connection);
    let prepared = Prepared::new(text.clone());
    let ways: [(&str, Send<'_>); 6] = [
        ("text", &|ws| ws.send_text(&text).unwrap()),
        ("binary", &|ws| ws.send_binary(text.as_bytes()).unwrap()),
        ("owned", &|ws| ws.send(text.clone()).unwrap()),
        ("written", &|ws| {
            ws.send_with(MessageKind::Text, |message| {
                assert!(message.extend_from_slice(text.as_bytes()));
                Ok::<_, ()>(())
            })
            .unwrap();
        }),
        ("parts", &|ws| {
            ws.send_part(&text[..20_000], false).unwrap();
            ws.send_part(text[20_000..].to_string(), true).unwrap();
        }),
        ("prepared", &|ws| ws.send_prepared(&prepared).unwrap()),
    ];
    for role in ROLES {
        for (asked, size) in [(0, 125), (1, 125), (125, 125), (126, 126), (1000, 1000), (4096, 4096), (20_000, 20_000)]
        {
            for (way, send) in &ways {
                if role == Role::Client && *way == "prepared" {
                    continue;
                }
                let case = format!("{role:?}, {way}, {asked}");
                let mut connection = connection(role, &Config::new().fragment_size(asked));
                send(&mut connection);
                connection.send_text("behind").unwrap();
                let mut wire = write(&mut connection, 3);
                let mut places = vec![];
                while connection.buffered() > 10_000 {
                    places.push(wire.len());
                    ping_from_peer(&mut connection, &places.len().to_be_bytes());
                    wire.extend(write(&mut connection, 5000));
                }
                wire.extend(drain(&mut connection));

                let frames = whole_frames(role, &wire);
                let pongs: Vec<_> = frames.iter().filter(|frame| !frame.is_data()).collect();
                assert_eq!(pongs.len(), places.len(), "{case}");
                for (i, (pong, place)) in pongs.iter().zip(&places).enumerate() {
                    assert_eq!((pong.opcode(), &pong.payload[..]), (PONG, &(i + 1).to_be_bytes()[..]), "{case}");
                    assert!(pong.start - place < size + header_size(role, size), "{case}: at {}", pong.start - place);
                }
                let opcode = if *way == "binary" { BINARY } else { TEXT };
                let messages = messages_of(&frames);
                assert!(messages == [(opcode, text.clone().into_bytes()), (TEXT, b"behind".to_vec())], "{case}");
                let data: Vec<_> = frames.iter().filter(|frame| frame.is_data()).collect();
                assert!(data.iter().all(|frame| frame.payload.len() <= size), "{case}");
                // No more fragments than it takes.
                assert!(data.len() - 1 <= 50_000 / size + 3, "{case}: {} fragments", data.len() - 1);
            }
        }
    }
}

/// 6455-5.4-1: what is not longer than `fragment_size` is one frame.
#[test]
fn what_is_not_longer_is_one_frame() {
    for role in ROLES {
        for size in [125, 1000, 4096, 70_000] {
            let mut connection = connection(role, &Config::new().fragment_size(size));
            connection.send_binary(&payload(size, 1)).unwrap();
            connection.send(payload(size, 2)).unwrap();
            connection.send(payload(size + 1, 3)).unwrap();
            let frames = whole_frames(role, &drain(&mut connection));
            let kinds: Vec<_> = frames.iter().map(|frame| (frame.first, frame.payload.len())).collect();
            assert_eq!(
                kinds,
                [(0x80 | BINARY, size), (0x80 | BINARY, size), (BINARY, size), (0x80 | CONTINUATION, 1)],
                "{role:?}"
            );
        }
    }
}

#[cfg(feature = "deflate")]
mod compressed {
    use super::*;
    use crate::common::deflate::{Reader, Setup};
    use ws_proto::DeflateConfig;

    /// 7692-6.1-1, 7692-6.1-3, 6455-5.5.2-3: a compressed message is cut into fragments too, with the first reserved bit
    /// on the first alone, and a Pong is behind one of them.
    #[test]
    fn compressed_messages_are_cut_too() {
        let mut random = Random(1);
        // Half of the bits are noise, so that it shrinks, but not by much.
        let text: String = (0..60_000).map(|_| char::from(b'a' + random.below(16) as u8)).collect();
        for role in ROLES {
            for takeover in [true, false] {
                for way in 0..4 {
                    if role == Role::Client && way == 3 {
                        continue;
                    }
                    let config = Config::new().fragment_size(1000);
                    let setup = Setup::new(role).takeover(takeover, takeover).config(config);
                    let prepared = Prepared::new(text.clone()).compress(&DeflateConfig::new());
                    let mut connection = setup.connection();
                    match way {
                        0 => connection.send_text(&text).unwrap(),
                        1 => connection.send(text.clone()).unwrap(),
                        2 => {
                            connection.send_part(&text[..30_000], false).unwrap();
                            connection.send_part(&text[30_000..], true).unwrap();
                        }
                        _ => connection.send_prepared(&prepared).unwrap(),
                    }
                    connection.send_text(&text[..100]).unwrap();
                    assert!(connection.buffered() < 50_000, "it shrinks");
                    let mut wire = write(&mut connection, 1500);
                    ping_from_peer(&mut connection, b"alive?");
                    wire.extend(drain(&mut connection));

                    let mut frames = read_frames(&wire);
                    let pong = frames.iter().position(|frame| frame.opcode == PONG).expect("a Pong");
                    let ahead: usize = frames[..pong].iter().map(|frame| frame.bytes().len()).sum();
                    assert!((1500..1500 + 1014).contains(&ahead), "{role:?}, {way}: behind {ahead} bytes");
                    frames.remove(pong);
                    assert!(frames.iter().all(|frame| frame.payload.len() <= 1000), "{role:?}, {way}");
                    assert!(frames.len() > 25, "{role:?}, {way}: {} frames", frames.len());
                    let read = Reader::new(&setup).read(&wire);
                    assert_eq!(read.len(), 2);
                    assert!(read[0].compressed && read[0].data == text.as_bytes(), "{role:?}, {way}");
                    assert!(read[1].data == text.as_bytes()[..100], "{role:?}, {way}");
                }
            }
        }
    }
}

/// 6455-5.5.1-6, 6455-7.1.2-1: a Close that this side sends goes behind all data, a Ping that was sent before it does not.
#[test]
fn the_own_close_is_behind_the_data() {
    for role in ROLES {
        let mut ws = connection(role, &Config::new());
        send_mixed(&mut ws, 4096);
        for at in 0..=ws.buffered() {
            if at > 200 && at % 37 != 0 {
                continue;
            }
            let mut ws = connection(role, &Config::new());
            let mut expected = send_mixed(&mut ws, 4096);
            let mut wire = write(&mut ws, at);
            let border = headers_in(role, &wire).len();
            ws.ping(b"mine").unwrap();
            ws.close(CloseCode::GOING_AWAY).unwrap();
            assert_eq!(ws.ping(b"late").unwrap_err().kind(), SendErrorKind::Closed);
            wire.extend(drain(&mut ws));
            expected.insert(border, (0x80 | PING, b"mine".to_vec()));
            expected.push((0x80 | CLOSE, 1001_u16.to_be_bytes().to_vec()));
            let frames: Vec<_> =
                whole_frames(role, &wire).into_iter().map(|frame| (frame.first, frame.payload)).collect();
            assert!(frames == expected, "{role:?}, {at}");
        }
    }
}

/// How a large message gets into the output.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Owned,
    Borrowed,
}

impl Way {
    const ALL: [Self; 2] = [Self::Owned, Self::Borrowed];

    fn send(self, connection: &mut Connection, data: &[u8]) {
        match self {
            Self::Owned => connection.send(data.to_vec()).unwrap(),
            Self::Borrowed => connection.send_binary(data).unwrap(),
        }
    }
}

/// 6455-7.1.2-1, 6455-5.5.1-6: `close_now` finishes the frame under way and drops what is behind it, with its memory.
#[test]
fn close_now_drops_what_waits() {
    for role in ROLES {
        for way in Way::ALL {
            for size in [1000, 300_000] {
                let count = 2 * MIB / size;
                let frame = header_size(role, size) + size;
                for at in [0, 1, frame - 1, frame, frame + 1, 2 * frame] {
                    let case = format!("{role:?}, {way:?}, {size}, {at}");
                    let mut ws = connection(role, &Config::new());
                    let data = payload(size, 1);
                    let before = held();
                    (0..count).for_each(|_| way.send(&mut ws, &data));
                    assert!(held() - before > MIB as isize, "{case}: {}", held() - before);
                    let mut wire = write(&mut ws, at);
                    let before = before + wire.capacity() as isize;
                    ws.close_now(CloseCode::POLICY_VIOLATION).unwrap();
                    let rest = at.next_multiple_of(frame) - at;
                    assert_eq!(ws.buffered(), rest + header_size(role, 2) + 2, "{case}");
                    let left = held() - before;
                    assert!(left < 2 * frame as isize + (80 << 10), "{case}: {left} bytes are still held");
                    assert_eq!(ws.close_now(CloseCode::NORMAL).unwrap_err().kind(), SendErrorKind::Closed);
                    assert_eq!(ws.send_text("x").unwrap_err().kind(), SendErrorKind::Closed);
                    wire.extend(drain(&mut ws));
                    let frames = whole_frames(role, &wire);
                    let (close, ahead) = frames.split_last().unwrap();
                    assert_eq!(
                        (close.first, &close.payload[..]),
                        (0x80 | CLOSE, &1008_u16.to_be_bytes()[..]),
                        "{case}"
                    );
                    assert_eq!(ahead.len(), at.div_ceil(frame), "{case}");
                    assert!(ahead.iter().all(|frame| frame.payload == data), "{case}");
                }
            }
        }
    }
}

/// 6455-5.5.1-6: `close_now` in the middle of a message that is cut into fragments finishes the fragment alone; Pings that
/// were sent before are not lost among the data, or are dropped with it, but never stand inside a frame.
#[test]
fn close_now_inside_a_message() {
    for role in ROLES {
        for way in Way::ALL {
            let mut ws = connection(role, &Config::new().fragment_size(1000));
            let data = payload(100_000, 1);
            way.send(&mut ws, &data);
            let mut wire = write(&mut ws, 2500);
            ws.ping(b"mine").unwrap();
            ws.close_now(CloseCode::TRY_AGAIN_LATER).unwrap();
            wire.extend(drain(&mut ws));
            let frames = whole_frames(role, &wire);
            let opcodes: Vec<_> = frames.iter().map(OnWire::opcode).filter(|opcode| *opcode != PING).collect();
            assert_eq!(opcodes, [BINARY, CONTINUATION, CONTINUATION, CLOSE], "{role:?}, {way:?}");
            assert!(frames.iter().all(|frame| !frame.is_data() || !frame.fin()), "{role:?}, {way:?}");
            let sent: Vec<u8> =
                frames.iter().filter(|frame| frame.is_data()).flat_map(|frame| frame.payload.clone()).collect();
            assert!(data.starts_with(&sent), "{role:?}, {way:?}");
        }
    }
}

/// Ends of a connection that drop data.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Violation,
    PeersClose,
}

impl End {
    const ALL: [Self; 2] = [Self::Violation, Self::PeersClose];

    fn to(self, connection: &mut Connection) -> u16 {
        match self {
            Self::Violation => {
                violate(connection);
                1002
            }
            Self::PeersClose => {
                peer_closes(connection);
                1001
            }
        }
    }
}

fn close_codes(frames: &[OnWire]) -> Vec<u16> {
    let closes = frames.iter().filter(|frame| frame.opcode() == CLOSE);
    closes.map(|frame| u16::from_be_bytes(frame.payload[..2].try_into().unwrap())).collect()
}

/// 6455-7.1.7-5, 6455-5.5.1-7, 6455-5.5.1-10: when a connection ends for what the peer did, the frame under way is
/// finished, what is within 64 KiB may stay, the Close is next and last, and the memory of the rest is given back.
#[test]
fn an_end_drops_what_waits() {
    for role in ROLES {
        for way in Way::ALL {
            for end in End::ALL {
                for size in [100, 10_000, 300_000] {
                    let count = 3 * MIB / 2 / size;
                    let frame = header_size(role, size) + size;
                    for at in [0, 1, frame - 1, frame, frame + 1, 2 * frame] {
                        let case = format!("{role:?}, {way:?}, {end:?}, {size}, {at}");
                        let mut ws = connection(role, &Config::new());
                        let data = payload(size, 1);
                        let before = held();
                        (0..count).for_each(|_| way.send(&mut ws, &data));
                        let mut wire = write(&mut ws, at);
                        let code = end.to(&mut ws);
                        let left = held() - before - wire.capacity() as isize;
                        let most = (frame + AHEAD_OF_CLOSE) as isize * 2 + (80 << 10);
                        assert!(left < most, "{case}: {left} bytes are still held");
                        wire.extend(drain(&mut ws));
                        let frames = whole_frames(role, &wire);
                        let (close, ahead) = frames.split_last().unwrap();
                        assert_eq!(close.opcode(), CLOSE, "{case}");
                        assert_eq!(close_codes(&frames), [code], "{case}");
                        assert!(ahead.len() >= at.div_ceil(frame), "{case}: the frame under way is missing");
                        assert!(ahead.iter().all(|frame| frame.is_data() && frame.payload == data), "{case}");
                        let most = (at.next_multiple_of(frame) - at).max(AHEAD_OF_CLOSE);
                        assert!(close.start - at <= most, "{case}: the Close is behind {} bytes", close.start - at);
                    }
                }
            }
        }
    }
}

/// 6455-5.5.1-10, 6455-5.4-2: the answer to the peer's Close waits for the end of the message under way, which is cut into
/// fragments; after a violation it waits for the end of the fragment, or for 64 KiB.
#[test]
fn the_message_under_way_is_finished() {
    for role in ROLES {
        for way in Way::ALL {
            for fragment in [1000, 10_000, 100_000] {
                for at in [1, 150_000, 299_000, 310_000] {
                    let case = format!("{role:?}, {way:?}, {fragment}, {at}");
                    for end in End::ALL {
                        let mut ws = connection(role, &Config::new().fragment_size(fragment));
                        let data = payload(300_000, 1);
                        (0..5).for_each(|_| way.send(&mut ws, &data));
                        let mut wire = write(&mut ws, at);
                        let code = end.to(&mut ws);
                        wire.extend(drain(&mut ws));
                        let frames = whole_frames(role, &wire);
                        let (close, ahead) = frames.split_last().unwrap();
                        assert_eq!((close.opcode(), close_codes(&frames)), (CLOSE, vec![code]), "{case}");
                        match end {
                            End::PeersClose => {
                                assert!(ahead.last().unwrap().fin(), "{case}: the message is not over");
                                let messages = messages_of(ahead);
                                assert!(messages.iter().all(|(_, message)| *message == data), "{case}");
                                let least = if at > 302_000 { 2 } else { 1 };
                                assert_eq!(messages.len(), least, "{case}");
                            }
                            End::Violation => {
                                let most = AHEAD_OF_CLOSE.max(fragment + 14);
                                assert!(close.start - at <= most, "{case}: {}", close.start - at);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// 6455-5.5.1-10, 6455-5.4-4: the answer to the peer's Close goes behind the parts that were sent of a message in parts,
/// in which a Pong stands, and no part follows it.
#[test]
fn the_peers_close_inside_a_message_in_parts() {
    for role in ROLES {
        for end in End::ALL {
            let mut ws = connection(role, &Config::new());
            ws.send_part(payload(5000, 1), false).unwrap();
            ws.send_part(payload(50, 2), false).unwrap();
            let mut wire = write(&mut ws, 100);
            ping_from_peer(&mut ws, b"alive?");
            let code = end.to(&mut ws);
            assert_eq!(ws.send_part(payload(5, 3), true).unwrap_err().kind(), SendErrorKind::Closed);
            wire.extend(drain(&mut ws));
            let frames = whole_frames(role, &wire);
            let kinds: Vec<_> = frames.iter().map(|frame| (frame.first, frame.payload.len())).collect();
            let all = [(BINARY, 5000), (0x80 | PONG, 6), (CONTINUATION, 50), (0x80 | CLOSE, kinds.last().unwrap().1)];
            assert_eq!(kinds, all, "{role:?}, {end:?}");
            assert_eq!(close_codes(&frames), [code]);
        }
    }
}

/// 6455-5.5.1-6, 6455-5.5.1-7, 6455-5.5.1-15, 6455-7.1.7-5: this side's Close waits behind 20 MiB when the connection ends
/// for what the peer does: it is not lost and stays the only one, and nothing is behind it.
#[test]
fn a_waiting_close_is_not_lost() {
    for role in ROLES {
        for way in Way::ALL {
            for end in End::ALL {
                for (at, count) in [(5, 20), (0, 3), (MIB + 20, 3)] {
                    let case = format!("{role:?}, {way:?}, {end:?}, {at}");
                    let mut ws = connection(role, &Config::new());
                    let data = payload(MIB, 1);
                    let before = held();
                    (0..count).for_each(|_| way.send(&mut ws, &data));
                    ws.close(CloseCode::GOING_AWAY).unwrap();
                    let mut wire = write(&mut ws, at);
                    ping_from_peer(&mut ws, b"alive?");
                    match end {
                        End::Violation => {
                            let seen = receive(&mut ws, &Frame::binary("x").rsv(1).to(role).bytes());
                            assert_eq!(seen.len(), 1, "{case}");
                            let Seen::Closed { sent, cause, .. } = &seen[0] else { panic!("{seen:?}") };
                            assert_eq!(*sent, Some((Some(1001), String::new())), "{case}");
                            assert_eq!(*cause, Cause::Violation(Violation::ReservedBit), "{case}");
                        }
                        End::PeersClose => peer_closes(&mut ws),
                    }
                    if end == End::Violation {
                        let left = held() - before - wire.capacity() as isize;
                        assert!(left < (2 * MIB + (200 << 10)) as isize, "{case}: {left} bytes are still held");
                    }
                    wire.extend(drain(&mut ws));
                    let frames = whole_frames(role, &wire);
                    assert_eq!(close_codes(&frames), [1001], "{case}");
                    assert_eq!(frames.last().unwrap().opcode(), CLOSE, "{case}");
                    let data_frames = frames.iter().filter(|frame| frame.is_data()).count();
                    assert!(data_frames >= at.div_ceil(MIB + 15), "{case}: {data_frames} data frames");
                    assert!(frames.iter().filter(|frame| frame.is_data()).all(|frame| frame.payload == data), "{case}");
                }
            }
        }
    }
}

/// 6455-5.5.1-6, 6455-5.5.2-2: this side's Close is partly written, or shown, when Pings come: their Pongs are behind it,
/// nothing else is.
#[test]
fn pongs_may_follow_the_own_close() {
    for role in ROLES {
        for at in 1..=4 {
            for end in [None, Some(End::Violation), Some(End::PeersClose)] {
                let mut ws = connection(role, &Config::new());
                ws.close(CloseCode::NORMAL).unwrap();
                let mut wire = write(&mut ws, at);
                ping_from_peer(&mut ws, b"alive?");
                match end {
                    Some(End::Violation) => {
                        receive(&mut ws, &Frame::binary("x").rsv(1).to(role).bytes());
                    }
                    Some(End::PeersClose) => peer_closes(&mut ws),
                    None => {}
                }
                wire.extend(drain(&mut ws));
                let opcodes: Vec<_> = whole_frames(role, &wire).iter().map(OnWire::opcode).collect();
                assert_eq!(opcodes[0], CLOSE, "{role:?}, {at}, {end:?}");
                assert!(opcodes[1..].iter().all(|opcode| *opcode == PONG), "{role:?}, {at}, {end:?}: {opcodes:?}");
                if end.is_none() {
                    assert_eq!(opcodes, [CLOSE, PONG], "{role:?}, {at}");
                }
            }
        }
    }
}

/// CVE-2026-11586, 6455-5.5.3-2: a flood of Pings while nothing is written takes a bounded number of Pongs and a bounded
/// memory, whether or not the writer looks at what waits, and whether data waits or not. The newest is answered.
#[test]
fn a_flood_of_pings_is_bounded() {
    for role in ROLES {
        for look in [Look::None, Look::Chunk, Look::Vectored(64)] {
            for data in [0, 4] {
                for close in [false, true] {
                    let case = format!("{role:?}, {look:?}, {data}, {close}");
                    let mut ws = connection(role, &Config::new());
                    (0..data).for_each(|seed| ws.send(payload(5000, seed)).unwrap());
                    if data > 0 {
                        ws.output().advance(100);
                    }
                    if close {
                        ws.close(CloseCode::NORMAL).unwrap();
                    }
                    let waiting = ws.buffered();
                    let mut input = Input::new();
                    let round = |ws: &mut Connection, input: &mut Input, count: u32| {
                        for i in 0..count {
                            let mut ping = [0; 125];
                            ping[..4].copy_from_slice(&i.to_be_bytes());
                            input.extend_from_slice(&Frame::ping(ping).to(role).bytes());
                            while ws.receive(input).is_some() {}
                            if i % 16 == 0 {
                                look.at(ws);
                            }
                        }
                    };
                    round(&mut ws, &mut input, 200);
                    let ((), peak) = peak_of(|| round(&mut ws, &mut input, 3000));
                    assert!(peak < 64 << 10, "{case}: {peak} more bytes");
                    let pongs = ws.buffered() - waiting;
                    let most = 34 * (125 + header_size(role, 125));
                    assert!(pongs <= most, "{case}: {pongs} bytes of Pongs");
                    let wire = drain(&mut ws);
                    assert_eq!(wire.len(), waiting + pongs, "{case}");
                    let newest = 2999_u32.to_be_bytes();
                    if data == 0 {
                        let frames = whole_frames(role, &wire);
                        let last = frames.iter().rfind(|frame| frame.opcode() == PONG).expect("a Pong");
                        assert_eq!(last.payload[..4], newest, "{case}");
                        assert_eq!(close_codes(&frames).len(), usize::from(close), "{case}");
                    }
                }
            }
        }
    }
}

/// CVE-2026-11586: a Pong that is partly written, or has been shown, stays as it was when a flood of Pings makes others give
/// way to newer ones; each Pong answers a Ping that came, in their order, and the newest is answered.
#[test]
fn a_flood_does_not_change_what_was_shown() {
    for role in ROLES {
        for look in Look::ALL {
            for (at, waiting, data) in
                [(0, 1, 0), (1, 1, 0), (3, 2, 0), (0, 40, 0), (5, 40, 0), (700, 40, 3), (0, 5, 3)]
            {
                let case = format!("{role:?}, {look:?}, {at}, {waiting}, {data}");
                let mut ws = connection(role, &Config::new());
                (0..data).for_each(|seed| ws.send(payload(300 * seed, seed)).unwrap());
                (0..waiting).for_each(|i: u32| ping_from_peer(&mut ws, &[&i.to_be_bytes()[..], &[7; 20]].concat()));
                let mut wire = write(&mut ws, at);
                let shown = look.at(&mut ws);
                for i in waiting..waiting + 100 {
                    ping_from_peer(&mut ws, &[&i.to_be_bytes()[..], &[7; 20]].concat());
                    assert!(look.at(&mut ws).starts_with(&shown), "{case}: changed by Ping {i}");
                }
                wire.extend(write_shown(&mut ws, &shown));
                wire.extend(drain(&mut ws));
                let frames = whole_frames(role, &wire);
                let pongs: Vec<u32> = frames
                    .iter()
                    .filter(|frame| frame.opcode() == PONG)
                    .map(|frame| u32::from_be_bytes(frame.payload[..4].try_into().unwrap()))
                    .collect();
                assert!(pongs.is_sorted_by(|a, b| a < b), "{case}: {pongs:?}");
                assert_eq!(pongs.last(), Some(&(waiting + 99)), "{case}");
                assert_eq!(frames.iter().filter(|frame| frame.is_data()).count(), data, "{case}");
            }
        }
    }
}

/// CVE-2026-11586, 6455-5.4-5: after a flood of any length with data waiting, what a vectored write shows is what goes out, in
/// whole frames.
#[test]
fn a_vectored_write_after_a_flood() {
    for role in ROLES {
        for look in &Look::ALL[1..] {
            for pings in 0..40_u32 {
                for data in [0, 1, 3] {
                    let case = format!("{role:?}, {look:?}, {pings} Pings, {data} messages");
                    let mut ws = connection(role, &Config::new());
                    (0..data).for_each(|seed| ws.send(payload(3000 * seed, seed)).unwrap());
                    (0..pings).for_each(|i| ping_from_peer(&mut ws, &i.to_be_bytes()));
                    let waiting = ws.buffered();
                    let shown = look.at(&mut ws);
                    let mut wire = write_shown(&mut ws, &shown);
                    wire.extend(drain(&mut ws));
                    assert_eq!(wire.len(), waiting, "{case}");
                    // How many frames there are, if they are whole.
                    let headers = headers_in(role, &wire);
                    assert_eq!(headers.last().map_or(0, |last| last.end), wire.len(), "{case}");
                    let opcodes: Vec<_> = headers.iter().map(OnWire::opcode).collect();
                    assert_eq!(opcodes.iter().filter(|opcode| **opcode == BINARY).count(), data, "{case}");
                    let pongs = opcodes.iter().filter(|opcode| **opcode == PONG).count();
                    assert_eq!((pongs > 0, pongs <= 34), (pings > 0, true), "{case}: {pongs} Pongs");
                }
            }
        }
    }
}

/// A writer that would block at first, and takes all later.
struct Blocked {
    blocked: bool,
    shown: Vec<u8>,
    taken: Vec<u8>,
}

impl Write for Blocked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        if self.blocked {
            self.shown = bytes;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = bytes.len();
        self.taken.extend(bytes);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes, and is blocked; then Pings come, and it writes again, all of it. The writer, and the frames that it has been given.
fn blocked_by_pings(role: Role, waiting: u32, data: usize, more: u32) -> (Blocked, Vec<OnWire>) {
    let mut ws = connection(role, &Config::new());
    (0..data).for_each(|seed| ws.send(payload(300 * seed, seed)).unwrap());
    (0..waiting).for_each(|i| ping_from_peer(&mut ws, &i.to_be_bytes()));
    let mut writer = Blocked { blocked: true, shown: Vec::new(), taken: Vec::new() };
    let _ = ws.output().write_to(&mut writer);
    (waiting..waiting + more).for_each(|i| ping_from_peer(&mut ws, &i.to_be_bytes()));
    writer.blocked = false;
    while ws.interest().write {
        ws.output().write_to(&mut writer).unwrap();
    }
    let frames = whole_frames(role, &writer.taken);
    (writer, frames)
}

/// 6455-5.4-5, 6455-5.5.3-2: a write would block, Pings come, and the write is tried again: what goes out are whole frames,
/// with all data in its order, the Pongs in theirs, and the newest.
#[test]
fn pings_behind_a_write_that_blocks() {
    for role in ROLES {
        for waiting in [0, 1, 2, 31, 32, 33, 40] {
            for data in [0, 1, 3] {
                for more in [1, 2, 50] {
                    let case = format!("{role:?}, {waiting}, {data}, {more}");
                    let (_, frames) = blocked_by_pings(role, waiting, data, more);
                    let sent = frames.iter().filter(|frame| frame.is_data()).map(|frame| &frame.payload);
                    assert!(
                        sent.eq((0..data).map(|seed| payload(300 * seed, seed)).collect::<Vec<_>>().iter()),
                        "{case}"
                    );
                    let pongs: Vec<_> =
                        frames.iter().filter(|frame| frame.opcode() == PONG).map(|frame| &frame.payload[..]).collect();
                    assert!(pongs.is_sorted_by(|a, b| a < b), "{case}");
                    assert_eq!(pongs.last(), Some(&&(waiting + more - 1).to_be_bytes()[..]), "{case}");
                }
            }
        }
    }
}

/// A write that blocks is tried again with the bytes that it had, as TLS libraries demand, whatever Pings have come.
#[test]
fn a_write_that_blocks_is_tried_again_with_the_same_bytes() {
    for role in ROLES {
        for waiting in [0, 1, 2, 31, 32, 33, 40] {
            for data in [0, 1, 3] {
                for more in [1, 2, 50] {
                    let (writer, _) = blocked_by_pings(role, waiting, data, more);
                    assert!(writer.taken.starts_with(&writer.shown), "{role:?}, {waiting}, {data}, {more}");
                }
            }
        }
    }
}

/// Pings of the application are held to `max_buffered`, and Pongs that are due have their place beside them.
#[test]
fn own_pings_are_held_to_max_buffered() {
    for role in ROLES {
        let frame = header_size(role, 10) + 10;
        let mut ws = connection(role, &Config::new().max_buffered(5 * frame + 3));
        (0..5).for_each(|i| ws.ping(&[i; 10]).unwrap());
        assert_eq!(ws.ping(&[9; 10]).unwrap_err().kind(), SendErrorKind::Full);
        assert_eq!(ws.pong(&[9; 10]).unwrap_err().kind(), SendErrorKind::Full);
        assert_eq!(ws.ping(&[9; 4]).unwrap_err().kind(), SendErrorKind::Full);
        ping_from_peer(&mut ws, b"alive?");
        let frames = whole_frames(role, &drain(&mut ws));
        let opcodes: Vec<_> = frames.iter().map(OnWire::opcode).collect();
        assert_eq!(opcodes, [PING, PING, PING, PING, PING, PONG]);
        assert_eq!(ws.ping(&[9; 125]).unwrap_err().kind(), SendErrorKind::TooLarge);
        ws.ping(&[9; 10]).unwrap();
    }
}

/// A message that has been given away comes back when the output is full of control frames, too.
#[test]
fn control_frames_count_against_max_buffered() {
    for role in ROLES {
        let mut ws = connection(role, &Config::new().max_buffered(header_size(role, 5000) + 5000));
        ws.ping(b"").unwrap();
        let error = ws.send(payload(5000, 1)).unwrap_err();
        assert_eq!((error.kind(), error.into_message()), (SendErrorKind::Full, Some(Message::from(payload(5000, 1)))));
        drain(&mut ws);
        ws.send(payload(5000, 1)).unwrap();
        assert_eq!(ws.ping(b"").unwrap_err().kind(), SendErrorKind::Full);
        assert_eq!(ws.buffered(), header_size(role, 5000) + 5000);
    }
}

/// 6455-5.5.1-9: `close_now` after `close` drops the messages ahead of the Close frame, which stays as it was sent; when there
/// is nothing more to drop, it is refused as any second Close.
#[test]
fn close_now_after_close() {
    for role in ROLES {
        let mut ws = connection(role, &Config::new());
        (0..20).for_each(|_| ws.send(payload(100_000, 1)).unwrap());
        ws.close(ws_proto::CloseFrame::new(CloseCode::GOING_AWAY, "first").unwrap()).unwrap();
        let mut wire = write(&mut ws, 10);
        ws.close_now(CloseCode::POLICY_VIOLATION).unwrap();
        assert_eq!(ws.close_now(CloseCode::POLICY_VIOLATION).unwrap_err().kind(), SendErrorKind::Closed);
        wire.extend(drain(&mut ws));
        let frames = whole_frames(role, &wire);
        assert_eq!(frames.len(), 2, "{role:?}");
        assert_eq!((frames[1].first, &frames[1].payload[..]), (0x80 | CLOSE, &b"\x03\xe9first"[..]), "{role:?}");
    }
}
