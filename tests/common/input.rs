//! What the tests of `Input` share: frames by hand, the ways to append bytes, and a driver that collects events.

#![allow(dead_code)]

use ws_proto::bytes::{Buf, BufMut, Bytes};
use ws_proto::{Cause, Config, Connection, Input, OwnedEvent, Role, Seed, Violation};

pub const FIN: u8 = 0x80;
pub const RSV1: u8 = 0x40;
pub const CONTINUATION: u8 = 0x0;
pub const TEXT: u8 = 0x1;
pub const BINARY: u8 = 0x2;
pub const CLOSE: u8 = 0x8;
pub const PING: u8 = 0x9;
pub const PONG: u8 = 0xA;

pub const KEY: [u8; 4] = [1, 2, 3, 4];
pub const ROLES: [Role; 2] = [Role::Server, Role::Client];

/// Appends the header of a frame with the shortest length, masked with `KEY` if it goes to a server.
pub fn header(to: Role, first: u8, length: u64, bytes: &mut Vec<u8>) {
    let mask = if to == Role::Server { 0x80 } else { 0 };
    bytes.push(first);
    match length {
        0..126 => bytes.push(mask | length as u8),
        126..0x1_0000 => {
            bytes.push(mask | 126);
            bytes.extend((length as u16).to_be_bytes());
        }
        _ => {
            bytes.push(mask | 127);
            bytes.extend(length.to_be_bytes());
        }
    }
    if to == Role::Server {
        bytes.extend(KEY);
    }
}

/// Appends a frame.
pub fn push(bytes: &mut Vec<u8>, to: Role, first: u8, payload: &[u8]) {
    header(to, first, payload.len() as u64, bytes);
    let start = bytes.len();
    bytes.extend_from_slice(payload);
    if to == Role::Server {
        // Sixteen at a time, for the sake of debug builds.
        let key = u128::from_le_bytes(std::array::from_fn(|i| KEY[i % 4]));
        let mut chunks = bytes[start..].chunks_exact_mut(16);
        for chunk in chunks.by_ref() {
            let masked = u128::from_le_bytes((&*chunk).try_into().expect("sixteen")) ^ key;
            chunk.copy_from_slice(&masked.to_le_bytes());
        }
        for (i, byte) in chunks.into_remainder().iter_mut().enumerate() {
            *byte ^= KEY[i % 4];
        }
    }
}

/// One frame.
pub fn frame(to: Role, first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(payload.len() + 14);
    push(&mut bytes, to, first, payload);
    bytes
}

/// A Close frame.
pub fn close(to: Role, code: u16, reason: &[u8]) -> Vec<u8> {
    frame(to, FIN | CLOSE, &[&code.to_be_bytes()[..], reason].concat())
}

/// A message in these fragments.
pub fn fragments(to: Role, opcode: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (i, part) in parts.iter().enumerate() {
        let fin = if i + 1 == parts.len() { FIN } else { 0 };
        push(&mut bytes, to, fin | if i == 0 { opcode } else { CONTINUATION }, part);
    }
    bytes
}

/// A connection whose client's seed is known.
pub fn connection(role: Role, config: &Config) -> Connection {
    match role {
        Role::Server => Connection::server(config),
        Role::Client => Connection::client(Seed::new([7; 32]), config),
    }
}

/// Numbers that look random and are the same in every run.
#[derive(Clone, Debug)]
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..length.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).collect();
        bytes.truncate(length);
        bytes
    }

    /// UTF-8 text of exactly `length` bytes with code points of all lengths.
    pub fn text(&mut self, length: usize) -> String {
        let mut text = String::with_capacity(length);
        while text.len() < length {
            let letter = ['a', '~', 'é', '߿', 'ࠀ', '€', '\u{ffff}', '𐀀', '🦀', '\u{10ffff}'][self.below(10)];
            text.push(if text.len() + letter.len_utf8() <= length { letter } else { 'x' });
        }
        text
    }
}

/// A way to append bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Slice,
    Put,
    Room,
    TakeRoom,
    Owned,
    #[cfg(feature = "std")]
    ReadFrom,
}

#[cfg(feature = "std")]
pub const ALL: &[By] = &[By::Slice, By::Put, By::Room, By::TakeRoom, By::Owned, By::ReadFrom];
#[cfg(not(feature = "std"))]
pub const ALL: &[By] = &[By::Slice, By::Put, By::Room, By::TakeRoom, By::Owned];

/// Appends as much of `bytes` as one read takes, and returns how much that is.
pub fn append_once(input: &mut Input, by: By, bytes: &[u8]) -> usize {
    match by {
        By::Slice => {
            input.extend_from_slice(bytes);
            bytes.len()
        }
        By::Put => {
            let (first, rest) = bytes.split_at(bytes.len() / 2);
            input.put(Bytes::copy_from_slice(first).chain(rest));
            bytes.len()
        }
        By::Room => {
            let mut room = input.room();
            let count = bytes.len().min(room.chunk_mut().len());
            room.put_slice(&bytes[..count]);
            count
        }
        By::TakeRoom => {
            let mut memory = input.take_room();
            let count = bytes.len().min(memory.capacity());
            memory.extend_from_slice(&bytes[..count]);
            input.append(memory);
            count
        }
        By::Owned => {
            input.append(bytes.into());
            bytes.len()
        }
        #[cfg(feature = "std")]
        By::ReadFrom => input.read_from(&mut &*bytes).expect("a slice can be read"),
    }
}

/// Appends all of `bytes`, in as many reads as it takes.
pub fn append(input: &mut Input, by: By, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let count = append_once(input, by, bytes);
        assert!(count > 0, "no room for {} bytes by {by:?}", bytes.len());
        bytes = &bytes[count..];
    }
}

/// All events that the input holds.
pub fn drain(ws: &mut Connection, input: &mut Input) -> Vec<OwnedEvent> {
    let mut events = Vec::new();
    while let Some(event) = ws.receive(input) {
        events.push(event.into_owned());
    }
    events
}

/// How a stream is cut into reads.
#[derive(Clone, Copy, Debug)]
pub enum Cut {
    Whole,
    Every(usize),
    At(usize),
    Random(u64),
}

impl Cut {
    /// The reads.
    pub fn of(self, bytes: &[u8]) -> Vec<&[u8]> {
        match self {
            Self::Whole => vec![bytes],
            Self::Every(size) => bytes.chunks(size).collect(),
            Self::At(at) => {
                let (first, rest) = bytes.split_at(at.min(bytes.len()));
                vec![first, rest]
            }
            Self::Random(seed) => {
                let mut numbers = Numbers(seed);
                let mut rest = bytes;
                let mut reads = Vec::new();
                while !rest.is_empty() {
                    let most = [3, 20, 200, 5000, 70_000][numbers.below(5)];
                    let (first, others) = rest.split_at((1 + numbers.below(most)).min(rest.len()));
                    reads.push(first);
                    rest = others;
                }
                reads
            }
        }
    }
}

/// The events of a stream that comes in these reads, with an `Input` of its own.
pub fn run(ws: &mut Connection, reads: &[&[u8]], mut by: impl FnMut() -> By) -> Vec<OwnedEvent> {
    let mut input = Input::new();
    let mut events = Vec::new();
    for read in reads {
        append(&mut input, by(), read);
        events.extend(drain(ws, &mut input));
    }
    events
}

/// What the last event says that the peer did wrong.
pub fn violation(events: &[OwnedEvent]) -> Option<&Violation> {
    match events.last() {
        Some(OwnedEvent::Closed(closed)) => match &closed.cause {
            Cause::Violation(violation) => Some(violation),
            _ => None,
        },
        _ => None,
    }
}
