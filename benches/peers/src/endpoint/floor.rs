//! The least that any endpoint has to do: no limits, no errors, no state but where it is. Written by hand for this
//! bench, and of no use for anything else.

use super::connection::{self, Connection};
use super::{Endpoint, Standing};
use crate::handshake::{HOST, PATH, accept, response};
use crate::job::{Dial, Job, Outgoing, Seen};
use crate::lines;
use crate::socket::Socket;
use crate::verify::frame;
use crate::wire::{Content, Incoming, Kind, Role, frames};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use std::hint::black_box;
use std::io::{IoSlice, Write};
use ws_proto::frame::FrameHeader;
use zlib_rs::{Deflate, DeflateFlush, Inflate, InflateFlush};

/// How much is unmasked and validated at a time, so that it stays in the first-level cache.
const BLOCK: usize = 16 << 10;

/// From this size on it pays to call what works with wider vectors.
const LONG: usize = 512;

/// What is read at a time where nothing else is asked for.
const READ: usize = 64 << 10;

/// From this size on a server's payload is written where it lies.
const LARGE: usize = 4 << 10;

pub struct Floor;

/// Unmasks what is short, and returns whether it is ASCII, which is seen on the way.
#[inline(always)]
fn unmask_short(data: &mut [u8], key: [u8; 4]) -> bool {
    let half = u64::from(u32::from_ne_bytes(key));
    let word = half << 32 | half;
    let (words, rest) = data.as_chunks_mut::<8>();
    let mut seen = 0;
    for eight in words {
        let unmasked = u64::from_ne_bytes(*eight) ^ word;
        seen |= unmasked;
        *eight = unmasked.to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(word.to_ne_bytes()) {
        *byte ^= key;
        seen |= u64::from(*byte);
    }
    seen & 0x8080_8080_8080_8080 == 0
}

/// Unmasks what is long with the processor's widest vectors. Which there are is found out at run time, and that takes a
/// crate where no `unsafe` shall be.
#[inline(always)]
fn unmask(data: &mut [u8], key: [u8; 4]) {
    if data.len() < LONG {
        unmask_short(data, key);
    } else {
        sockudo_ws::simd::apply_mask(data, key);
    }
}

/// Whether all of it is ASCII.
#[inline(always)]
fn is_ascii(text: &[u8]) -> bool {
    let (words, rest) = text.as_chunks::<8>();
    let seen = words.iter().fold(0, |seen, eight| seen | u64::from_ne_bytes(*eight));
    let seen = rest.iter().fold(seen, |seen, byte| seen | u64::from(*byte));
    seen & 0x8080_8080_8080_8080 == 0
}

/// Unmasks and validates what is there as a whole.
#[inline(always)]
fn take_in(payload: &mut [u8], kind: Kind, key: Option<[u8; 4]>) {
    match (kind, key) {
        (Kind::Binary, None) => {}
        (Kind::Binary, Some(key)) => unmask(payload, key),
        (Kind::Text, key) if payload.len() < LONG => {
            let is_ascii = match key {
                Some(key) => unmask_short(payload, key),
                None => is_ascii(payload),
            };
            if !is_ascii {
                check(payload);
            }
        }
        (Kind::Text, key) => {
            if let Some(key) = key {
                unmask(payload, key);
            }
            check(payload);
        }
    }
}

/// Where the last whole code point ends.
#[inline(always)]
fn whole(text: &[u8]) -> usize {
    let begins = |back: usize| text.len().checked_sub(back).filter(|&at| text[at] >= 0xC0);
    let cut = (1..=3).find_map(begins).filter(|&at| {
        let size = if text[at] >= 0xF0 { 4 } else { 2 + usize::from(text[at] >= 0xE0) };
        text.len() - at < size
    });
    cut.unwrap_or(text.len())
}

#[inline(always)]
fn check(text: &[u8]) {
    if text.len() < 64 {
        assert!(std::str::from_utf8(text).is_ok());
    } else {
        assert!(simdutf8::basic::from_utf8(text).is_ok());
    }
}

/// What has been read, and the message that is being put together in it.
struct Receiver {
    buffer: Vec<u8>,
    /// Up to here bytes have been read.
    filled: usize,
    /// Up to here they have been looked at.
    at: usize,
    /// The message: from here
    start: usize,
    /// to here, and valid up to there.
    end: usize,
    valid: usize,
    /// What is missing of the frame.
    left: usize,
    fin: bool,
    kind: Kind,
    key: [u8; 4],
}

impl Receiver {
    fn new(room: usize) -> Self {
        Self {
            buffer: vec![0; room],
            filled: 0,
            at: 0,
            start: 0,
            end: 0,
            valid: 0,
            left: 0,
            fin: true,
            kind: Kind::Binary,
            key: [0; 4],
        }
    }

    /// Reads once, behind what there is.
    fn fill(&mut self, socket: &mut Socket) {
        if self.fin && self.left == 0 {
            self.move_to_front(self.at);
        } else if self.filled + BLOCK > self.buffer.len() {
            self.move_to_front(self.start);
        }
        // The frame under way is given all the room it takes, and half as much again for others.
        let needed = self.at + self.left + BLOCK;
        if needed > self.buffer.len() {
            self.buffer.resize(needed + needed / 2, 0);
        }
        self.filled += socket.read_some(&mut self.buffer[self.filled..]);
    }

    /// What is before this is not needed any more.
    fn move_to_front(&mut self, from: usize) {
        if from > 0 {
            self.buffer.copy_within(from..self.filled, 0);
            self.filled -= from;
            self.at -= from;
            self.start = self.start.saturating_sub(from);
            self.end = self.end.saturating_sub(from);
            self.valid = self.valid.saturating_sub(from);
        }
    }

    /// The next message that has been read whole.
    #[inline(always)]
    fn next(&mut self) -> Option<(Kind, &[u8])> {
        loop {
            if self.left == 0 {
                let rest = &mut self.buffer[self.at..self.filled];
                let (&mut [first, second], mut rest) = rest.split_first_chunk_mut()?;
                let (mut size, mut length) = (2, usize::from(second & 0x7F));
                if length == 126 {
                    let (bytes, behind) = rest.split_first_chunk_mut()?;
                    (size, length, rest) = (4, usize::from(u16::from_be_bytes(*bytes)), behind);
                } else if length == 127 {
                    let (bytes, behind) = rest.split_first_chunk_mut()?;
                    (size, length, rest) = (10, u64::from_be_bytes(*bytes) as usize, behind);
                }
                let is_masked = second & 0x80 != 0;
                let mut key = [0; 4];
                if is_masked {
                    let (bytes, behind) = rest.split_first_chunk_mut()?;
                    (size, key, rest) = (size + 4, *bytes, behind);
                }
                let (fin, opcode) = (first & 0x80 != 0, first & 0x0F);
                let kind = match opcode {
                    0 => self.kind,
                    1 => Kind::Text,
                    _ => Kind::Binary,
                };
                if length <= BLOCK && length <= rest.len() {
                    let payload = &mut rest[..length];
                    let start = self.at + size;
                    if fin && opcode != 0 {
                        // A short frame that is there is a message: nothing has to be kept.
                        take_in(payload, kind, is_masked.then_some(key));
                        self.at = start + length;
                        return Some((kind, &self.buffer[start..self.at]));
                    }
                    if kind == Kind::Binary {
                        if opcode != 0 {
                            (self.start, self.end) = (start, start);
                        } else {
                            self.buffer.copy_within(start..start + length, self.end);
                        }
                        let payload = &mut self.buffer[self.end..self.end + length];
                        take_in(payload, kind, is_masked.then_some(key));
                        self.end += length;
                        self.at = start + length;
                        (self.fin, self.kind) = (fin, kind);
                        if fin {
                            return Some((kind, &self.buffer[self.start..self.end]));
                        }
                        continue;
                    }
                }
                self.at += size;
                if opcode != 0 {
                    (self.start, self.end, self.valid) = (self.at, self.at, self.at);
                }
                (self.left, self.fin, self.kind, self.key) = (length, fin, kind, key);
            }
            while self.left > 0 {
                let step = self.left.min(self.filled - self.at).min(BLOCK);
                if step == 0 {
                    return None;
                }
                if self.end != self.at {
                    self.buffer.copy_within(self.at..self.at + step, self.end);
                }
                if self.key != [0; 4] {
                    unmask(&mut self.buffer[self.end..self.end + step], self.key);
                    self.key.rotate_left(step % 4);
                }
                self.end += step;
                self.at += step;
                self.left -= step;
                if self.kind == Kind::Text {
                    let text = &self.buffer[self.valid..self.end];
                    let length = whole(text);
                    check(&text[..length]);
                    self.valid += length;
                }
            }
            if self.fin {
                assert!(self.kind == Kind::Binary || self.valid == self.end);
                return Some((self.kind, &self.buffer[self.start..self.end]));
            }
        }
    }
}

/// What waits to be written.
struct Output {
    buffer: Vec<u8>,
    /// Up to here there is something.
    at: usize,
    /// Where masking keys come from. RFC 6455 §5.3 asks for a strong source of entropy, so the least that a client does is
    /// to draw from a generator whose next key nobody can tell.
    keys: ChaCha12Rng,
}

impl Output {
    fn new() -> Self {
        Self { buffer: vec![0; 2 * READ], at: 0, keys: ChaCha12Rng::from_seed([1; 32]) }
    }

    #[inline(always)]
    fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        self.buffer[self.at..self.at + N].copy_from_slice(&bytes);
        self.at += N;
    }

    /// Appends a message; a server's large one is written at once, where it lies.
    #[inline(always)]
    fn send(&mut self, socket: &mut Socket, role: Role, kind: Kind, payload: &[u8]) {
        self.make_room(FrameHeader::MAX_SIZE, socket);
        let first = if kind == Kind::Text { 0x81 } else { 0x82 };
        let mask = if role == Role::Client { 0x80 } else { 0 };
        match payload.len() {
            length @ 0..=125 => self.put([first, mask | length as u8]),
            length @ 126..=0xFFFF => {
                let [a, b] = (length as u16).to_be_bytes();
                self.put([first, mask | 126, a, b]);
            }
            length => {
                self.put([first, mask | 127]);
                self.put((length as u64).to_be_bytes());
            }
        }
        if role == Role::Client {
            let mut key = self.keys.next_u32().to_ne_bytes();
            self.put(key);
            for block in payload.chunks(BLOCK) {
                self.make_room(block.len(), socket);
                self.append_masked(block, key);
                key.rotate_left(block.len() % 4);
            }
        } else if payload.len() < LARGE {
            self.make_room(payload.len(), socket);
            self.buffer[self.at..self.at + payload.len()].copy_from_slice(payload);
            self.at += payload.len();
        } else {
            let slices = [IoSlice::new(&self.buffer[..self.at]), IoSlice::new(payload)];
            let written = socket.write_vectored(&slices).expect("it takes all");
            assert_eq!(written, self.at + payload.len());
            self.at = 0;
        }
    }

    #[inline(always)]
    fn append_masked(&mut self, block: &[u8], key: [u8; 4]) {
        let target = &mut self.buffer[self.at..self.at + block.len()];
        self.at += block.len();
        if block.len() >= LARGE {
            target.copy_from_slice(block);
            return unmask(target, key);
        }
        let half = u64::from(u32::from_ne_bytes(key));
        let word = half << 32 | half;
        let ((words, rest), (targets, target)) = (block.as_chunks::<8>(), target.as_chunks_mut::<8>());
        for (eight, target) in words.iter().zip(targets) {
            *target = (u64::from_ne_bytes(*eight) ^ word).to_ne_bytes();
        }
        for ((byte, target), key) in rest.iter().zip(target).zip(word.to_ne_bytes()) {
            *target = byte ^ key;
        }
    }

    #[inline(always)]
    fn make_room(&mut self, size: usize, socket: &mut Socket) {
        if self.at + size > self.buffer.len() {
            self.write(socket);
        }
    }

    #[inline(always)]
    fn write(&mut self, socket: &mut Socket) {
        socket.write_all(&self.buffer[..self.at]).expect("it takes all");
        self.at = 0;
    }
}

/// The value of a header: the rest of the line that begins with this.
fn value<'a>(head: &'a [u8], name: &str) -> &'a [u8] {
    let text = std::str::from_utf8(head).expect("it is ASCII");
    let begins =
        |line: &&str| line.len() > name.len() && line.as_bytes()[..name.len()].eq_ignore_ascii_case(name.as_bytes());
    let line = text.split('\n').find(begins).expect("the header is there");
    line.as_bytes()[name.len()..].trim_ascii()
}

/// Writes a request and reads the answer.
fn connect(socket: &mut Socket, buffer: &mut [u8], nonce: &mut u128) {
    *nonce += 1;
    let mut key = [0; 24];
    STANDARD.encode_slice(nonce.to_ne_bytes(), &mut key).expect("16 bytes take 24 letters");
    let parts: [&[u8]; 7] = [
        b"GET ",
        PATH.as_bytes(),
        b" HTTP/1.1\r\nHost: ",
        HOST.as_bytes(),
        b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ",
        &key,
        b"\r\n\r\n",
    ];
    socket.write_all(&parts.concat()).expect("it takes all");
    let length = socket.read_some(buffer);
    assert_eq!(value(&buffer[..length], "sec-websocket-accept:"), accept(&key));
}

/// A connection with all that the loop around it keeps.
struct Whole {
    role: Role,
    receiver: Receiver,
    output: Output,
    socket: Socket,
}

impl Connection for Whole {
    const NAME: &'static str = "floor";
    const STANDING: Standing = Standing::Floor;

    type Message = (Kind, Bytes);

    fn open(role: Role, socket: Socket, per_read: usize) -> Self {
        Self { role, receiver: Receiver::new(per_read.max(READ) + BLOCK), output: Output::new(), socket }
    }

    fn message(kind: Kind, payload: &Bytes) -> Self::Message {
        (kind, payload.clone())
    }

    #[inline]
    fn receive(&mut self, seen: &mut Seen) {
        loop {
            if let Some((kind, payload)) = self.receiver.next() {
                return seen.message(kind, payload);
            }
            self.receiver.fill(&mut self.socket);
        }
    }

    #[inline]
    fn echo(&mut self) {
        loop {
            if let Some((kind, payload)) = self.receiver.next() {
                return self.output.send(&mut self.socket, self.role, kind, payload);
            }
            self.receiver.fill(&mut self.socket);
        }
    }

    #[inline]
    fn queue(&mut self, (kind, payload): &Self::Message) {
        self.output.send(&mut self.socket, self.role, *kind, payload);
    }

    #[inline]
    fn flush(&mut self) {
        self.output.write(&mut self.socket);
    }

    fn accepted(_: Socket) -> Self {
        unimplemented!("what it holds says nothing");
    }
}

impl Endpoint for Floor {
    fn name(&self) -> &'static str {
        "floor"
    }

    fn standing(&self) -> Standing {
        Standing::Floor
    }

    fn receive(&self, incoming: &Incoming, mut socket: Socket) -> Option<Job> {
        let mut receiver = Receiver::new(incoming.per_read.max(READ) + BLOCK);
        Some(Box::new(move |count, seen| {
            let mut left = count;
            while left > 0 {
                match receiver.next() {
                    Some((kind, payload)) => {
                        seen.message(kind, payload);
                        left -= 1;
                    }
                    None => receiver.fill(&mut socket),
                }
            }
        }))
    }

    fn send(&self, outgoing: &Outgoing, mut socket: Socket) -> Option<Job> {
        let Outgoing { role, content, payload, per_write } = outgoing.clone();
        let mut output = Output::new();
        Some(Box::new(move |mut count, _| {
            while count > 0 {
                let batch = count.min(per_write);
                for _ in 0..batch {
                    output.send(&mut socket, role, content.kind(), black_box(&payload));
                }
                output.write(&mut socket);
                count -= batch;
            }
        }))
    }

    fn echo(&self, incoming: &Incoming, mut socket: Socket) -> Option<Job> {
        let mut receiver = Receiver::new(incoming.per_read.max(READ) + BLOCK);
        let mut output = Output::new();
        Some(Box::new(move |count, _| {
            let mut left = count;
            while left > 0 {
                match receiver.next() {
                    Some((kind, payload)) => {
                        output.send(&mut socket, Role::Server, kind, payload);
                        left -= 1;
                    }
                    None => {
                        output.write(&mut socket);
                        receiver.fill(&mut socket);
                    }
                }
            }
            output.write(&mut socket);
        }))
    }

    fn round_trip(&self, content: Content, payload: &Bytes, per_read: usize) -> Option<Job> {
        connection::round_trip::<Whole>(content, payload, per_read)
    }

    fn accept(&self, mut socket: Socket) -> Option<Job> {
        let mut buffer = vec![0; READ];
        Some(Box::new(move |count, _| {
            for _ in 0..count {
                let length = socket.read_some(&mut buffer);
                let accept = accept(value(&buffer[..length], "sec-websocket-key:"));
                socket.write_all(&response(&accept)).expect("it takes all");
            }
        }))
    }

    fn connect(&self, mut socket: Socket) -> Option<Job> {
        let mut buffer = vec![0; READ];
        let mut nonce = 0;
        Some(Box::new(move |count, _| (0..count).for_each(|_| connect(&mut socket, &mut buffer, &mut nonce))))
    }

    /// All connections have one input and one output. The message after the last one is the Close.
    fn churn(&self, messages: usize, mut dial: Dial) -> Option<Job> {
        let mut receiver = Receiver::new(READ + BLOCK);
        let mut output = Output::new();
        Some(Box::new(move |count, _| {
            for _ in 0..count {
                let mut socket = dial();
                receiver.move_to_front(receiver.at);
                let length = socket.read_some(&mut receiver.buffer);
                let accept = accept(value(&receiver.buffer[..length], "sec-websocket-key:"));
                socket.write_all(&response(&accept)).expect("it takes all");
                let mut left = messages + 1;
                while left > 0 {
                    match receiver.next() {
                        Some((_, code)) if left == 1 => {
                            socket.write_all(&[&[0x88, code.len() as u8], code].concat()).expect("it takes all");
                            left = 0;
                        }
                        Some((kind, payload)) => {
                            output.send(&mut socket, Role::Server, kind, payload);
                            left -= 1;
                        }
                        None => {
                            output.write(&mut socket);
                            receiver.fill(&mut socket);
                        }
                    }
                }
            }
        }))
    }

    /// All connections have one input and one output. The message after the last one is the Close.
    fn churn_client(&self, messages: usize, payload: &Bytes, mut dial: Dial) -> Option<Job> {
        let payload = payload.clone();
        let mut receiver = Receiver::new(READ + BLOCK);
        let mut output = Output::new();
        let mut nonce = 0;
        Some(Box::new(move |count, seen| {
            for _ in 0..count {
                let mut socket = dial();
                receiver.move_to_front(receiver.at);
                connect(&mut socket, &mut receiver.buffer, &mut nonce);
                for left in (0..=messages).rev() {
                    if left > 0 {
                        output.send(&mut socket, Role::Client, Kind::Binary, black_box(&payload));
                    } else {
                        let start = output.at;
                        output.send(&mut socket, Role::Client, Kind::Binary, &1000_u16.to_be_bytes());
                        output.buffer[start] = 0x88;
                    }
                    output.write(&mut socket);
                    loop {
                        match receiver.next() {
                            Some((kind, payload)) if left > 0 => break seen.message(kind, payload),
                            Some(_) => break,
                            None => receiver.fill(&mut socket),
                        }
                    }
                }
            }
        }))
    }

    /// A ready frame is copied to the output of each connection, and written.
    fn broadcast(&self, payload: &Bytes, mut sockets: Vec<Socket>) -> Option<Job> {
        let frame = frames(Role::Client, Content::Binary, payload, payload.len());
        let mut outputs = vec![Vec::with_capacity(frame.len()); sockets.len()];
        Some(Box::new(move |count, _| {
            for _ in 0..count {
                for (output, socket) in outputs.iter_mut().zip(&mut sockets) {
                    output.clear();
                    output.extend_from_slice(black_box(&frame));
                    socket.write_all(output).expect("it takes all");
                }
            }
        }))
    }

    /// zlib-rs once for all, and a copy for each connection.
    fn broadcast_compressed(&self, payload: &Bytes, mut sockets: Vec<Socket>) -> Option<Job> {
        let (payload, mut room) = (payload.clone(), vec![0; 64 << 10]);
        let mut outputs = vec![Vec::with_capacity(payload.len()); sockets.len()];
        Some(Box::new(move |count, _| {
            for _ in 0..count {
                let mut context = Deflate::new(6, false, 15);
                context.compress(black_box(&payload), &mut room[4..], DeflateFlush::FullFlush).expect("there is room");
                let length = context.total_out() as usize - 4;
                let [a, b] = (length as u16).to_be_bytes();
                room[..4].copy_from_slice(&[0xC1, 126, a, b]);
                for (output, socket) in outputs.iter_mut().zip(&mut sockets) {
                    output.clear();
                    output.extend_from_slice(&room[..4 + length]);
                    socket.write_all(output).expect("it takes all");
                }
            }
        }))
    }

    /// A text of more than 125 bytes is written behind the room for its header.
    fn write_text(&self, size: usize, mut socket: Socket) -> Option<Job> {
        let mut output = Vec::with_capacity(size + 4);
        Some(Box::new(move |count, _| {
            for _ in 0..count {
                output.clear();
                output.extend_from_slice(&[0x81, 126, 0, 0]);
                lines::write_lines(&mut Appended(&mut output), black_box(size)).expect("a vector takes all");
                let length = (output.len() - 4) as u16;
                output[2..4].copy_from_slice(&length.to_be_bytes());
                socket.write_all(&output).expect("it takes all");
            }
        }))
    }

    /// zlib-rs alone: no frames, no sockets, no text to validate.
    fn inflate(&self, incoming: &Incoming, _: Socket) -> Option<Job> {
        let mut payloads = Vec::new();
        let mut rest = &incoming.bytes[..];
        while let Some(Ok((_, mut payload, behind))) = frame(rest, Role::Client) {
            payload.extend_from_slice(&[0, 0, 0xFF, 0xFF]);
            payloads.push(payload);
            rest = behind;
        }
        let mut context = Inflate::new(false, 15);
        let mut room = vec![0; incoming.largest + 1024];
        let mut next = 0;
        Some(Box::new(move |count, seen| {
            for _ in 0..count {
                let before = context.total_out();
                let payload = black_box(&payloads[next]);
                context.decompress(payload, &mut room, InflateFlush::SyncFlush).expect("it is DEFLATE");
                seen.message(Kind::Text, &room[..(context.total_out() - before) as usize]);
                next = (next + 1) % payloads.len();
            }
        }))
    }

    /// zlib-rs alone, with the two bytes or four of a header that somebody has to write.
    fn deflate(&self, messages: &[Bytes], mut socket: Socket) -> Option<Job> {
        let messages = messages.to_vec();
        let mut context = Deflate::new(6, false, 15);
        let mut room = vec![0; 64 << 10];
        let mut next = 0;
        Some(Box::new(move |count, _| {
            for _ in 0..count {
                let before = context.total_out();
                let message = black_box(&messages[next]);
                context.compress(message, &mut room[8..], DeflateFlush::SyncFlush).expect("there is room");
                let length = (context.total_out() - before) as usize - 4;
                let [a, b] = (length as u16).to_be_bytes();
                let start = if length <= 125 { 6 } else { 4 };
                if length <= 125 {
                    room[6..8].copy_from_slice(&[0xC1, b]);
                } else {
                    room[4..8].copy_from_slice(&[0xC1, 126, a, b]);
                }
                socket.write_all(&room[start..8 + length]).expect("it takes all");
                next = (next + 1) % messages.len();
            }
        }))
    }
}

/// Text that is appended to bytes.
struct Appended<'a>(&'a mut Vec<u8>);

impl std::fmt::Write for Appended<'_> {
    fn write_str(&mut self, piece: &str) -> std::fmt::Result {
        self.0.extend_from_slice(piece.as_bytes());
        Ok(())
    }
}
