//! Frames by hand: a builder that can also build wrong ones, a strict reader of what a connection puts out, a naive
//! receiver that says what a byte stream must lead to, and drivers that feed a connection in every cut.

use ws_proto::bytes::{Buf, BufMut, Bytes};
use ws_proto::{Cause, CloseFrame, Closed, Config, Connection, Event, Input, Role, Seed, Violation};

pub const CONTINUATION: u8 = 0x0;
pub const TEXT: u8 = 0x1;
pub const BINARY: u8 = 0x2;
pub const CLOSE: u8 = 0x8;
pub const PING: u8 = 0x9;
pub const PONG: u8 = 0xA;

pub const ROLES: [Role; 2] = [Role::Server, Role::Client];

/// How the length stands in the header (RFC 6455 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Shortest,
    Literal,
    Bits16,
    Bits64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub fin: bool,
    pub rsv: u8,
    pub opcode: u8,
    pub key: Option<[u8; 4]>,
    pub form: Form,
    /// The length the header claims, where it is not that of the payload.
    pub claim: Option<u64>,
    /// Before masking.
    pub payload: Vec<u8>,
}

impl Frame {
    pub fn new(opcode: u8, payload: impl AsRef<[u8]>) -> Self {
        let payload = payload.as_ref().to_vec();
        Self { fin: true, rsv: 0, opcode, key: None, form: Form::Shortest, claim: None, payload }
    }

    pub fn text(payload: impl AsRef<[u8]>) -> Self {
        Self::new(TEXT, payload)
    }

    pub fn binary(payload: impl AsRef<[u8]>) -> Self {
        Self::new(BINARY, payload)
    }

    pub fn continuation(payload: impl AsRef<[u8]>) -> Self {
        Self::new(CONTINUATION, payload)
    }

    pub fn ping(payload: impl AsRef<[u8]>) -> Self {
        Self::new(PING, payload)
    }

    pub fn pong(payload: impl AsRef<[u8]>) -> Self {
        Self::new(PONG, payload)
    }

    pub fn close(code: u16, reason: impl AsRef<[u8]>) -> Self {
        Self::new(CLOSE, [&code.to_be_bytes(), reason.as_ref()].concat())
    }

    pub fn empty_close() -> Self {
        Self::new(CLOSE, [])
    }

    /// Not the last frame of its message.
    pub fn part(self) -> Self {
        Self { fin: false, ..self }
    }

    pub fn rsv(self, rsv: u8) -> Self {
        Self { rsv, ..self }
    }

    pub fn masked(self, key: [u8; 4]) -> Self {
        Self { key: Some(key), ..self }
    }

    pub fn form(self, form: Form) -> Self {
        Self { form, ..self }
    }

    pub fn claim(self, length: u64) -> Self {
        Self { claim: Some(length), ..self }
    }

    /// With the mask that the receiver wants to see.
    pub fn to(self, receiver: Role) -> Self {
        match receiver {
            Role::Server => self.masked([0x37, 0xfa, 0x21, 0x3d]),
            Role::Client => Self { key: None, ..self },
        }
    }

    pub fn header(&self) -> Vec<u8> {
        let length = self.claim.unwrap_or(self.payload.len() as u64);
        let form = match self.form {
            Form::Shortest if length <= 125 => Form::Literal,
            Form::Shortest if length <= 0xffff => Form::Bits16,
            Form::Shortest => Form::Bits64,
            form => form,
        };
        let mask_bit = if self.key.is_some() { 0x80 } else { 0 };
        let mut bytes = vec![u8::from(self.fin) << 7 | self.rsv << 4 | self.opcode];
        match form {
            Form::Bits16 => {
                bytes.push(mask_bit | 126);
                bytes.extend([(length >> 8) as u8, length as u8]);
            }
            Form::Bits64 => {
                bytes.push(mask_bit | 127);
                bytes.extend((0..8).rev().map(|i| (length >> (8 * i)) as u8));
            }
            _ => bytes.push(mask_bit | length as u8),
        }
        bytes.extend(self.key.iter().flatten());
        bytes
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.header();
        match self.key {
            Some(key) => bytes.extend(self.payload.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4])),
            None => bytes.extend(&self.payload),
        }
        bytes
    }
}

/// The frames one after the other, each masked with a key of its own if `receiver` is a server.
pub fn stream(receiver: Role, frames: &[Frame]) -> Vec<u8> {
    let mut keys = Random(frames.len() as u64);
    let mut bytes = Vec::new();
    for frame in frames {
        let frame = match receiver {
            Role::Server => frame.clone().masked((keys.next() as u32).to_be_bytes()),
            Role::Client => frame.clone().to(Role::Client),
        };
        bytes.extend(frame.bytes());
    }
    bytes
}

/// Reads the frames that a connection has put out, and panics at whatever may not be sent: a length in more bytes than
/// it needs, a control frame that is too long, bytes that are no whole frame.
pub fn read_frames(mut bytes: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let (first, second) = (bytes[0], bytes[1]);
        let (length, at) = match second & 0x7f {
            126 => (u64::from(bytes[2]) << 8 | u64::from(bytes[3]), 4),
            127 => (bytes[2..10].iter().fold(0, |length, byte| length << 8 | u64::from(*byte)), 10),
            length => (u64::from(length), 2),
        };
        let shortest = if length <= 125 {
            2
        } else if length <= 0xffff {
            4
        } else {
            10
        };
        assert_eq!(at, shortest, "the length {length} is not in its shortest form");
        assert!(first & 0x08 == 0 || length <= 125, "a control frame of {length} bytes");
        let length = usize::try_from(length).unwrap();
        let (key, at) = match second & 0x80 {
            0 => (None, at),
            _ => (Some([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]), at + 4),
        };
        let mut payload = bytes[at..at + length].to_vec();
        if let Some(key) = key {
            for (i, byte) in payload.iter_mut().enumerate() {
                *byte ^= key[i % 4];
            }
        }
        bytes = &bytes[at + length..];
        let (fin, rsv, opcode) = (first & 0x80 != 0, first >> 4 & 7, first & 0x0f);
        frames.push(Frame { fin, rsv, opcode, key, form: Form::Shortest, claim: None, payload });
    }
    frames
}

/// The frames of an output with their keys taken off, after a check that a client masks and a server does not.
pub fn sent_by(role: Role, output: &[u8]) -> Vec<Frame> {
    let mut frames = read_frames(output);
    for frame in &mut frames {
        assert_eq!(frame.key.is_some(), role == Role::Client, "the mask of a {role:?}'s frame");
        frame.key = None;
    }
    frames
}

/// A Close frame as code and reason.
pub type Said = (Option<u16>, String);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    Text(String),
    Binary(Vec<u8>),
    TextPart(String, bool),
    BinaryPart(Vec<u8>, bool),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Said),
    Closed { sent: Option<Said>, received: Option<Said>, cause: Cause, code: u16, reason: String, clean: bool },
}

pub fn text(text: &str) -> Seen {
    Seen::Text(text.into())
}

pub fn binary(data: impl AsRef<[u8]>) -> Seen {
    Seen::Binary(data.as_ref().into())
}

fn said(frame: &CloseFrame) -> Said {
    (frame.code().map(u16::from), frame.reason().into())
}

impl From<Closed> for Seen {
    fn from(closed: Closed) -> Self {
        Self::Closed {
            code: closed.code(),
            reason: closed.reason().into(),
            clean: closed.is_clean(),
            sent: closed.sent.as_ref().map(said),
            received: closed.received.as_ref().map(said),
            cause: closed.cause,
        }
    }
}

impl From<Event<'_>> for Seen {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Text(text) => Self::Text(text.as_str().into()),
            Event::Binary(data) => Self::Binary(data.to_vec()),
            Event::TextPart { text, fin } => Self::TextPart(text.as_str().into(), fin),
            Event::BinaryPart { data, fin } => Self::BinaryPart(data.to_vec(), fin),
            Event::Ping(data) => Self::Ping(data.to_vec()),
            Event::Pong(data) => Self::Pong(data.to_vec()),
            Event::Close(frame) => Self::Close(said(&frame)),
            Event::Closed(closed) => closed.into(),
            event => panic!("an event the tests do not know: {event:?}"),
        }
    }
}

/// As `Seen::from`, but the payload is taken out of the input instead of being looked at.
fn keep(event: Event<'_>) -> Seen {
    match event {
        Event::Text(text) => Seen::Text(text.into_utf8_bytes().as_str().into()),
        Event::Binary(data) => Seen::Binary(data.into_bytes().to_vec()),
        Event::TextPart { text, fin } => Seen::TextPart(text.into_utf8_bytes().as_str().into(), fin),
        Event::BinaryPart { data, fin } => Seen::BinaryPart(data.into_bytes().to_vec(), fin),
        Event::Ping(data) => Seen::Ping(Bytes::from(data).to_vec()),
        Event::Pong(data) => Seen::Pong(Bytes::from(data).to_vec()),
        event => event.into(),
    }
}

/// The two ends of a connection failed for `violation`, seen from here.
pub fn failed(violation: Violation) -> Seen {
    let sent = Some((Some(close_code(&violation)), violation.reason().into()));
    let cause = Cause::Violation(violation);
    Seen::Closed { sent, received: None, cause, code: 1006, reason: String::new(), clean: false }
}

/// The closing handshake ended as it should, and both sides said these words.
pub fn agreed(sent: Said, received: Said) -> Seen {
    let (code, reason) = (received.0.unwrap_or(1005), received.1.clone());
    Seen::Closed { sent: Some(sent), received: Some(received), cause: Cause::Agreed, code, reason, clean: true }
}

/// The code that the RFC names for what the peer did (RFC 6455 §7.4.1).
pub fn close_code(violation: &Violation) -> u16 {
    match violation {
        Violation::TextNotUtf8 | Violation::ReasonNotUtf8 { .. } => 1007,
        Violation::FrameTooBig(_) | Violation::MessageTooBig(_) | Violation::TooManyFragments => 1009,
        _ => 1002,
    }
}

/// The Close frame of a connection that failed for `violation`.
pub fn close_for(violation: &Violation) -> Frame {
    Frame::close(close_code(violation), violation.reason())
}

pub fn connection(role: Role, config: &Config) -> Connection {
    match role {
        Role::Server => Connection::server(config),
        Role::Client => Connection::client(Seed::new([7; 32]), config),
    }
}

/// Bytes that repeat after a prime number of them, so that a wrong key or a wrong place shows.
pub fn payload(length: usize, seed: usize) -> Vec<u8> {
    let pattern: Vec<u8> = (0..length.min(4099)).map(|i| (i * 7 + i / 251 + seed * 31) as u8).collect();
    let mut payload = Vec::with_capacity(length);
    while payload.len() < length {
        payload.extend_from_slice(&pattern[..pattern.len().min(length - payload.len())]);
    }
    payload
}

/// The size of the header that this end sends ahead of a payload of so many bytes.
pub fn header_size(role: Role, length: usize) -> usize {
    let header = match length {
        0..126 => 2,
        126..0x1_0000 => 4,
        _ => 10,
    };
    header + if role == Role::Client { 4 } else { 0 }
}

/// The size of a frame with so many bytes of payload.
pub fn frame_size(role: Role, length: usize) -> usize {
    header_size(role, length) + length
}

/// Writes exactly so many bytes.
pub fn write(connection: &mut Connection, mut count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let output = connection.output();
    while count > 0 {
        let chunk = output.chunk();
        let taken = chunk.len().min(count);
        assert!(taken > 0, "an empty chunk although bytes wait");
        bytes.extend_from_slice(&chunk[..taken]);
        output.advance(taken);
        count -= taken;
    }
    bytes
}

/// Writes the whole output out.
pub fn drain(connection: &mut Connection) -> Vec<u8> {
    let mut bytes = Vec::new();
    let output = connection.output();
    while output.has_remaining() {
        let chunk = output.chunk();
        assert!(!chunk.is_empty(), "an empty chunk although bytes wait");
        let count = chunk.len();
        bytes.extend_from_slice(chunk);
        output.advance(count);
    }
    assert!(!connection.interest().write, "nothing is left to write");
    bytes
}

pub fn take_events(connection: &mut Connection, input: &mut Input) -> Vec<Seen> {
    let mut seen = Vec::new();
    while let Some(event) = connection.receive(input) {
        seen.push(event.into());
    }
    seen
}

/// Everything that follows from `bytes`, which are appended to `input` at once.
pub fn feed(connection: &mut Connection, input: &mut Input, bytes: &[u8]) -> Vec<Seen> {
    input.extend_from_slice(bytes);
    take_events(connection, input)
}

/// splitmix64: the same numbers on every run.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

/// How bytes from the wire get into an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// By `extend_from_slice`.
    Copy,
    /// Into `room()`.
    Room,
    /// By `read_from`.
    Reader,
    /// Into what `take_room` has given away, and back with `append`.
    Memory,
}

impl Fill {
    pub const ALL: [Self; 4] = [Self::Copy, Self::Room, Self::Reader, Self::Memory];

    /// Appends all of `bytes`, in as many reads as that takes.
    pub fn append(self, input: &mut Input, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let count = match self {
                Self::Copy => {
                    input.extend_from_slice(bytes);
                    bytes.len()
                }
                Self::Room => {
                    let mut room = input.room();
                    let count = room.remaining_mut().min(bytes.len());
                    room.put_slice(&bytes[..count]);
                    count
                }
                Self::Reader => input.read_from(&mut &*bytes).expect("a slice can be read"),
                Self::Memory => {
                    let mut memory = input.take_room();
                    assert!(memory.is_empty());
                    let count = memory.capacity().min(bytes.len());
                    memory.put_slice(&bytes[..count]);
                    input.append(memory);
                    count
                }
            };
            assert!(count > 0, "{self:?} took nothing");
            bytes = &bytes[count..];
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub enum Cut {
    Whole,
    EveryByte,
    /// In two, before the byte at this index.
    At(usize),
    /// In pieces of up to 1, 2, 4, … bytes, as the seed has it.
    Random(u64),
}

impl Cut {
    pub fn pieces(self, bytes: &[u8]) -> Vec<&[u8]> {
        match self {
            Self::Whole => vec![bytes],
            Self::EveryByte => bytes.chunks(1).collect(),
            Self::At(at) => vec![&bytes[..at], &bytes[at..]],
            Self::Random(seed) => {
                let mut random = Random(seed);
                let largest = 1 << (seed % 12 + 1);
                let (mut pieces, mut rest) = (Vec::new(), bytes);
                while !rest.is_empty() {
                    let (piece, after) = rest.split_at((1 + random.below(largest)).min(rest.len()));
                    pieces.push(piece);
                    rest = after;
                }
                pieces
            }
        }
    }
}

/// What a byte stream led to. The pieces got into the input in each way in turn. The output was written out after every event, so that it does not depend on the cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub seen: Vec<Seen>,
    pub output: Vec<u8>,
}

pub fn run(role: Role, config: &Config, bytes: &[u8], cut: Cut, keeping: bool, eof: bool) -> Run {
    let mut connection = connection(role, config);
    let mut input = Input::new();
    let (mut seen, mut output) = (Vec::new(), Vec::new());
    let mut step = |connection: &mut Connection, input: &mut Input| {
        while let Some(event) = connection.receive(input) {
            seen.push(if keeping { keep(event) } else { event.into() });
            output.extend(drain(connection));
        }
    };
    let fills = Fill::ALL.iter().cycle().skip(usize::from(keeping));
    for (piece, fill) in cut.pieces(bytes).iter().zip(fills) {
        fill.append(&mut input, piece);
        step(&mut connection, &mut input);
    }
    if eof {
        connection.receive_eof();
        step(&mut connection, &mut input);
    }
    output.extend(drain(&mut connection));
    Run { seen, output }
}

/// Runs a byte stream whole, byte by byte and cut at random, with events looked at and with events kept, and panics
/// unless all runs agree.
pub fn every_cut(role: Role, config: &Config, bytes: &[u8]) -> Run {
    every_cut_until(role, config, bytes, false)
}

/// As `every_cut`, the stream being over after its last byte if `eof`.
pub fn every_cut_until(role: Role, config: &Config, bytes: &[u8], eof: bool) -> Run {
    let whole = run(role, config, bytes, Cut::Whole, false, eof);
    let cuts = [Cut::Whole, Cut::EveryByte, Cut::At(bytes.len() / 2)].into_iter().chain((0..12).map(Cut::Random));
    for (i, cut) in cuts.enumerate() {
        let other = run(role, config, bytes, cut, i % 2 == 0, eof);
        assert!(other == whole, "{cut:?} of {bytes:02x?} gives\n{other:?}, and whole it gives\n{whole:?}");
    }
    whole
}

/// Panics unless `frames` fail a connection for `violation` in every cut, after the events in `before`.
pub fn assert_fails(role: Role, config: &Config, bytes: &[u8], before: &[Seen], violation: Violation) {
    let run = every_cut(role, config, bytes);
    let (last, first) = run.seen.split_last().unwrap_or_else(|| panic!("no event from {bytes:02x?}"));
    let close = close_for(&violation);
    assert_eq!(*last, failed(violation), "from {bytes:02x?}");
    assert_eq!(first, before, "from {bytes:02x?}");
    assert_eq!(sent_by(role, &run.output).last(), Some(&close), "from {bytes:02x?}");
}

/// The limits the naive receiver knows.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub frame: u64,
    pub message: u64,
    pub fragments: u32,
}

impl Limits {
    pub const NONE: Self = Self { frame: u64::MAX, message: u64::MAX, fragments: u32::MAX };

    pub fn config(self) -> Config {
        Config::new().max_frame(self.frame).max_message(self.message).max_fragments(self.fragments)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// More may come.
    Open,
    /// Both Close frames have gone.
    Agreed,
    /// Any of these is a right name for what is wrong with the frame.
    Failed(Vec<Violation>),
}

/// What a byte stream must lead to, with automatic answers, whole messages, and an output that is written at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The events but for the last, `Closed`.
    pub seen: Vec<Seen>,
    /// The answers but for the Close frame of a failure.
    pub answers: Vec<Frame>,
    pub end: End,
}

/// The receiving side once more, as simply as it can be said: nothing is incremental, everything is copied.
pub fn oracle(role: Role, limits: Limits, stream: &[u8]) -> Expected {
    let (mut seen, mut answers) = (Vec::new(), Vec::new());
    let mut message: Option<(u8, Vec<u8>, u32)> = None;
    let mut rest = stream;
    let end = loop {
        let wrong = wrong_with_header(role, limits, rest, message.as_ref());
        if !wrong.is_empty() {
            break End::Failed(wrong);
        }
        let Some((frame, size)) = whole_header(rest) else { break End::Open };
        let length = frame.claim.unwrap_or_default();
        let there = usize::try_from(length).map_or(rest.len() - size, |length| length.min(rest.len() - size));
        let mut payload = rest[size..size + there].to_vec();
        for (i, byte) in payload.iter_mut().enumerate() {
            *byte ^= frame.key.map_or(0, |key| key[i % 4]);
        }
        let complete = there as u64 == length;
        rest = &rest[size + there..];
        if frame.opcode >= 8 {
            if !complete {
                break End::Open;
            }
            match frame.opcode {
                PING => {
                    answers.push(Frame::pong(&payload));
                    seen.push(Seen::Ping(payload));
                }
                PONG => seen.push(Seen::Pong(payload)),
                _ => match wrong_with_close(&payload) {
                    Some(violation) => break End::Failed(vec![violation]),
                    None => {
                        answers.push(Frame::new(CLOSE, &payload[..payload.len().min(2)]));
                        break End::Agreed;
                    }
                },
            }
            continue;
        }
        let (kind, mut so_far, count) = message.take().unwrap_or((frame.opcode, Vec::new(), 0));
        so_far.extend(payload);
        let over = complete && frame.fin;
        if kind == TEXT {
            match std::str::from_utf8(&so_far) {
                Err(error) if over || error.error_len().is_some() => break End::Failed(vec![Violation::TextNotUtf8]),
                _ => {}
            }
        }
        if !complete {
            break End::Open;
        }
        match (over, kind) {
            (true, TEXT) => seen.push(Seen::Text(String::from_utf8(so_far).unwrap())),
            (true, _) => seen.push(Seen::Binary(so_far)),
            (false, _) => message = Some((kind, so_far, count + 1)),
        }
    };
    Expected { seen, answers, end }
}

/// The header at the front, its length in `claim`, and its size; `None` while bytes are missing.
pub fn whole_header(bytes: &[u8]) -> Option<(Frame, usize)> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    let (form, length, at) = match second & 0x7f {
        126 => (Form::Bits16, bytes.get(2..4)?, 4),
        127 => (Form::Bits64, bytes.get(2..10)?, 10),
        _ => (Form::Literal, &[second & 0x7f][..], 2),
    };
    let claim = length.iter().fold(0, |length, byte| length << 8 | u64::from(*byte));
    let (key, at) = match second & 0x80 {
        0 => (None, at),
        _ => (Some(bytes.get(at..at + 4)?.try_into().unwrap()), at + 4),
    };
    let (fin, rsv, opcode) = (first & 0x80 != 0, first >> 4 & 7, first & 0x0f);
    Some((Frame { fin, rsv, opcode, key, form, claim: Some(claim), payload: Vec::new() }, at))
}

/// What is wrong with the header that `bytes` begin with, as far as they say it; of several wrongs those that show
/// first.
pub fn wrong_with_header(
    role: Role,
    limits: Limits,
    bytes: &[u8],
    message: Option<&(u8, Vec<u8>, u32)>,
) -> Vec<Violation> {
    let mut padded = bytes[..bytes.len().min(14)].to_vec();
    padded.resize(14, 0);
    let Some((frame, size)) = whole_header(&padded) else { unreachable!("no header is longer than 14 bytes") };
    let after_length = if frame.key.is_some() { size - 4 } else { size };
    let length = frame.claim.unwrap_or_default();
    let control = frame.opcode >= 8;
    let data = frame.opcode <= 2;
    let (so_far, fragments) = message.map_or((0, 0), |(_, so_far, count)| (so_far.len() as u64, *count));
    let rules = [
        (2, frame.rsv != 0, Violation::ReservedBit),
        (2, (3..8).contains(&frame.opcode) || frame.opcode > 10, Violation::ReservedOpcode(frame.opcode)),
        (2, control && !frame.fin, Violation::FragmentedControl),
        (2, control && padded[1] & 0x7f > 125, Violation::ControlTooLong),
        (2, frame.key.is_none() && role == Role::Server, Violation::NotMasked),
        (2, frame.key.is_some() && role == Role::Client, Violation::Masked),
        (2, frame.opcode == CLOSE && padded[1] & 0x7f == 1, Violation::CloseBodyTooShort),
        (2, frame.opcode == CONTINUATION && message.is_none(), Violation::NothingToContinue),
        (2, (frame.opcode == TEXT || frame.opcode == BINARY) && message.is_some(), Violation::MessageInterrupted),
        (2, data && fragments >= limits.fragments, Violation::TooManyFragments),
        (4, frame.form == Form::Bits16 && length < 126, Violation::LengthNotMinimal(length)),
        (10, frame.form == Form::Bits64 && length < 0x1_0000, Violation::LengthNotMinimal(length)),
        (10, frame.form == Form::Bits64 && padded[2] & 0x80 != 0, Violation::LengthTopBit(length)),
        (after_length, data && length > limits.frame, Violation::FrameTooBig(length)),
        (
            after_length,
            data && u128::from(length) + u128::from(so_far) > limits.message.into(),
            Violation::MessageTooBig(so_far.saturating_add(length)),
        ),
    ];
    let broken = || rules.iter().filter(|(known_at, broken, _)| *broken && *known_at <= bytes.len());
    let first = broken().map(|(known_at, ..)| *known_at).min();
    broken().filter(|(known_at, ..)| Some(*known_at) == first).map(|(.., violation)| violation.clone()).collect()
}

fn wrong_with_close(body: &[u8]) -> Option<Violation> {
    // One byte is refused on the header.
    let [high, low, reason @ ..] = body else { return None };
    let code = u16::from(*high) << 8 | u16::from(*low);
    if !may_travel(code) {
        return Some(Violation::InvalidCloseCode { code, reason: Bytes::copy_from_slice(reason) });
    }
    let refused = || Violation::ReasonNotUtf8 { code, reason: Bytes::copy_from_slice(reason) };
    std::str::from_utf8(reason).is_err().then(refused)
}

/// RFC 6455 §7.4 and the codes that IANA has registered since.
pub fn may_travel(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// Panics unless `run` is what the naive receiver expects.
pub fn assert_expected(role: Role, run: &Run, expected: &Expected, stream: &[u8]) {
    let mut seen = run.seen.clone();
    let mut answers = expected.answers.clone();
    let closed = match seen.last() {
        Some(Seen::Closed { .. }) => seen.pop(),
        _ => None,
    };
    assert_eq!(seen, expected.seen, "from {stream:02x?}");
    match (&closed, &expected.end) {
        (None, End::Open) => {}
        (Some(Seen::Closed { cause: Cause::Agreed, received, .. }), End::Agreed) => {
            let body = &answers.last().unwrap().payload;
            let code = (!body.is_empty()).then(|| u16::from(body[0]) << 8 | u16::from(body[1]));
            assert_eq!(received.as_ref().map(|(code, _)| *code), Some(code), "from {stream:02x?}");
        }
        (Some(Seen::Closed { cause: Cause::Violation(violation), .. }), End::Failed(right)) => {
            assert!(right.contains(violation), "{violation:?} is none of {right:?} from {stream:02x?}");
            assert_eq!(closed, Some(failed(violation.clone())));
            answers.push(close_for(violation));
        }
        _ => panic!("{closed:?} instead of {:?} from {stream:02x?}", expected.end),
    }
    assert_eq!(sent_by(role, &run.output), answers, "from {stream:02x?}");
}
