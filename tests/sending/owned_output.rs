//! The ways to take bytes out of the output: owned values, copies, and writes. All give the same bytes as `chunk` and
//! `advance`; what was given out as an owned value stays as it was; no error of a writer loses a byte.

use crate::common::allocator::allocations;
use crate::common::frames::*;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use ws_proto::bytes::{Buf, Bytes, BytesMut};
use ws_proto::{CloseCode, Config, Connection, Event, Input, Message, Prepared, Role};

/// Sends one thing of a kind that chance has chosen.
fn send_something(connection: &mut Connection, random: &mut Random, in_parts: &mut bool) {
    let length = [0, random.below(30), random.below(300), 4000 + random.below(200), 66_000][random.below(5)];
    let data = payload(length, length % 250);
    match random.below(9) {
        _ if *in_parts && random.below(2) == 0 => {
            *in_parts = random.below(2) == 0;
            connection.send_part(data, !*in_parts).unwrap();
        }
        0 => connection.ping(&data[..length.min(125)]).unwrap(),
        1 => connection.pong(&data[..length.min(125)]).unwrap(),
        2 => {
            let ping = Frame::ping(&data[..length.min(125)]).to(connection.role());
            feed(connection, &mut Input::new(), &ping.bytes());
        }
        _ if *in_parts => {}
        3 => {
            *in_parts = true;
            connection.send_part(data, false).unwrap();
        }
        4 if connection.role() == Role::Server => connection.send_prepared(&Prepared::new(data)).unwrap(),
        4 | 5 => connection.send_binary(&data).unwrap(),
        _ => connection.send(data).unwrap(),
    }
}

/// A writer that takes so many bytes of each write, and keeps them.
#[derive(Default)]
struct Taker {
    taken: Vec<u8>,
    most: usize,
    writes: usize,
    vectored: usize,
    slices: usize,
}

impl Write for Taker {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writes += 1;
        let count = bytes.len().min(self.most);
        self.taken.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.vectored += 1;
        self.slices = slices.len();
        let before = self.taken.len();
        for slice in slices {
            let count = slice.len().min(self.most - (self.taken.len() - before));
            self.taken.extend_from_slice(&slice[..count]);
        }
        Ok(self.taken.len() - before)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn taker(most: usize) -> Taker {
    Taker { most, ..Taker::default() }
}

/// 6455-6.1-1: in random sessions, whatever way bytes are taken out, they are those that `chunk` and `advance` give at the
/// same point of the same session.
#[test]
fn all_ways_give_the_same_bytes() {
    for seed in 0..64 {
        let role = ROLES[seed % 2];
        let mut random = Random(seed as u64);
        let config = Config::new().fragment_size([usize::MAX, usize::MAX, 5000, 200][seed / 2 % 4]);
        let (mut one, mut other) = (connection(role, &config), connection(role, &config));
        let (mut one_in_parts, mut other_in_parts) = (false, false);
        let mut kept: Vec<(Bytes, Vec<u8>)> = Vec::new();
        for _ in 0..40 {
            for _ in 0..random.below(4) {
                let mut again = Random(random.0);
                send_something(&mut one, &mut random, &mut one_in_parts);
                send_something(&mut other, &mut again, &mut other_in_parts);
            }
            assert_eq!(one.buffered(), other.buffered(), "seed {seed}");
            let waiting = one.buffered();
            let output = one.output();
            let some = random.below(waiting + 1).min([10, 5000, waiting][random.below(3)]);
            let bytes = match random.below(6) {
                0 => {
                    let bytes = output.next_owned();
                    assert_eq!(bytes.is_some(), waiting > 0, "seed {seed}");
                    let bytes = bytes.unwrap_or_default();
                    assert!(!bytes.is_empty() || waiting == 0, "seed {seed}: an empty value");
                    kept.push((bytes.clone(), bytes.to_vec()));
                    bytes
                }
                1 => {
                    let bytes = output.copy_to_bytes(some);
                    assert_eq!(bytes.len(), some, "seed {seed}");
                    kept.push((bytes.clone(), bytes.to_vec()));
                    bytes
                }
                2 => {
                    let mut bytes = vec![0; some];
                    output.copy_to_slice(&mut bytes);
                    bytes.into()
                }
                3 => {
                    let mut writer = taker([1, 3, 1000, usize::MAX / 2][random.below(4)]);
                    let count = output.write_to(&mut writer).unwrap();
                    assert_eq!(count, writer.taken.len(), "seed {seed}");
                    assert_eq!(count > 0, waiting > 0, "seed {seed}");
                    writer.taken.into()
                }
                4 => output.take(some).copy_to_bytes(some),
                _ => Bytes::new(),
            };
            assert_eq!(one.buffered(), waiting - bytes.len(), "seed {seed}");
            assert!(write(&mut other, bytes.len()) == bytes, "seed {seed}: other bytes");
            if random.below(8) == 0 {
                one.release_memory();
                other.release_memory();
            }
        }
        assert!(drain(&mut one) == drain(&mut other), "seed {seed}: another rest");
        assert!(kept.iter().all(|(bytes, right)| bytes == right), "seed {seed}: given out, and changed");
    }
}

/// Where it lies is what `chunk` shows, so nothing is copied.
#[test]
fn an_owned_value_is_the_chunk() {
    for role in ROLES {
        let mut ws = connection(role, &Config::new());
        ws.send_text("hello").unwrap();
        ws.ping(b"ping").unwrap();
        ws.send(payload(100_000, 1)).unwrap();
        ws.send_binary(&payload(300_000, 2)).unwrap();
        ws.send(payload(4096, 3)).unwrap();
        ws.output().advance(3);
        while ws.output().has_remaining() {
            let (pointer, length) = (ws.output().chunk().as_ptr(), ws.output().chunk().len());
            let waiting = ws.buffered();
            let bytes = ws.output().next_owned().expect("bytes wait");
            assert_eq!((bytes.as_ptr(), bytes.len()), (pointer, length), "{role:?}");
            assert_eq!(ws.buffered(), waiting - length);
        }
        assert_eq!(ws.output().next_owned(), None);
        assert!(!ws.interest().write);
    }
}

/// What a server sends as `Bytes` of 4 KiB or more comes out at the same address, whole or in pieces, by `next_owned` and by
/// `copy_to_bytes`.
#[test]
fn large_payloads_are_not_copied() {
    for length in [4096, 4097, 65_536, 1 << 20] {
        let data = Bytes::from(payload(length, 1));
        let header = if length < 65_536 { 4 } else { 10 };
        let mut ws = connection(Role::Server, &Config::new());
        for _ in 0..3 {
            ws.send_text("small").unwrap();
            ws.send(data.clone()).unwrap();
        }
        assert_eq!(ws.output().next_owned().unwrap().len(), 7 + header);
        let whole = ws.output().next_owned().unwrap();
        assert_eq!((whole.as_ptr(), whole.len()), (data.as_ptr(), length));

        assert_eq!(ws.output().copy_to_bytes(7 + header).len(), 7 + header);
        let before = allocations();
        let whole = ws.output().copy_to_bytes(length);
        assert_eq!((whole.as_ptr(), whole.len()), (data.as_ptr(), length));

        ws.output().advance(7 + header);
        let first = ws.output().copy_to_bytes(1000);
        let second = ws.output().next_owned().unwrap();
        assert_eq!((first.as_ptr(), first.len()), (data.as_ptr(), 1000));
        assert_eq!((second.as_ptr(), second.len()), (data[1000..].as_ptr(), length - 1000));
        assert_eq!(allocations() - before, 0);
        assert!(!ws.output().has_remaining());
    }
}

/// 6455-10.3-2: memory that was given out stays as it was, whatever is sent, written and given back afterwards.
#[test]
fn what_was_given_out_does_not_change() {
    for role in ROLES {
        for by_copy in [false, true] {
            let mut ws = connection(role, &Config::new());
            let (mut kept, mut wire) = (Vec::new(), Vec::new());
            for round in 0..50 {
                ws.send_text("hello").unwrap();
                if round % 3 == 0 {
                    ws.send(payload(70_000, round)).unwrap();
                }
                if round % 4 == 0 {
                    ws.ping(&[round as u8; 30]).unwrap();
                }
                ws.send_binary(&payload(100 * round, round)).unwrap();
                let output = ws.output();
                let bytes = match by_copy {
                    true => Some(output.copy_to_bytes(output.remaining().min(1000 * round))),
                    false => output.next_owned(),
                };
                let bytes = bytes.expect("bytes wait");
                kept.push((bytes.clone(), bytes.to_vec()));
                wire.extend_from_slice(&bytes);
                if round % 7 == 0 {
                    wire.extend(drain(&mut ws));
                    ws.release_memory();
                }
            }
            ws.close(CloseCode::NORMAL).unwrap();
            wire.extend(drain(&mut ws));
            drop(ws);
            assert!(kept.iter().all(|(bytes, right)| bytes == right), "{role:?}, {by_copy}");
            let frames = sent_by(role, &wire);
            assert_eq!(frames.iter().filter(|frame| frame.opcode == TEXT).count(), 50);
        }
    }
}

/// One end of a connection whose kernel holds several buffers while it writes, and one while it reads.
struct End {
    ws: Connection,
    input: Input,
    /// What the kernel has to write, and how it looked when it was given to it.
    writing: VecDeque<(Bytes, Vec<u8>)>,
    /// What the kernel reads into.
    reading: Option<BytesMut>,
    messages: Vec<Message>,
}

impl End {
    fn new(role: Role) -> Self {
        let (ws, input) = (connection(role, &Config::new()), Input::new());
        Self { ws, input, writing: VecDeque::new(), reading: None, messages: Vec::new() }
    }

    fn receive(&mut self) {
        while let Some(event) = self.ws.receive(&mut self.input) {
            match event {
                Event::Text(text) => self.messages.push(text.into_message()),
                Event::Binary(data) => self.messages.push(data.into_message()),
                Event::Ping(_) | Event::Pong(_) => {}
                event => panic!("unexpected {event:?}"),
            }
        }
    }

    fn submit(&mut self) {
        while self.writing.len() < 4 {
            let Some(bytes) = self.ws.output().next_owned() else { return };
            let right = bytes.to_vec();
            self.writing.push_back((bytes, right));
        }
    }
}

/// 6455-6.2-1, 6455-5.4-6: two ends that are driven by completions, with writes and reads that complete later and in part:
/// every message arrives, in its order, and the memory that the kernel holds stays as it was.
#[test]
fn completions_drive_a_session() {
    for seed in 0..20 {
        let mut random = Random(seed);
        let mut ends = [End::new(Role::Server), End::new(Role::Client)];
        let mut sent: [Vec<Message>; 2] = [Vec::new(), Vec::new()];
        let mut left = [30_usize, 30];
        let mut idle = 0;
        while idle < 200 {
            let from = random.below(2);
            let (a, b) = ends.split_at_mut(1);
            let (from_end, to_end) = if from == 0 { (&mut a[0], &mut b[0]) } else { (&mut b[0], &mut a[0]) };
            idle += 1;
            match random.below(6) {
                0 if left[from] > 0 => {
                    left[from] -= 1;
                    let length =
                        [random.below(30), random.below(3000), 4096 + random.below(100), 70_000][random.below(4)];
                    let message = Message::from(payload(length, left[from]));
                    from_end.ws.send(message.clone()).unwrap();
                    sent[from].push(message);
                    if random.below(3) == 0 {
                        from_end.ws.ping(b"alive?").unwrap();
                    }
                    idle = 0;
                }
                1 => from_end.submit(),
                2 => {
                    if to_end.reading.is_none() {
                        to_end.reading = Some(to_end.input.take_room());
                    }
                }
                3 => to_end.receive(),
                // The kernel has moved some bytes.
                _ => {
                    let (Some(memory), Some((bytes, right))) = (&mut to_end.reading, from_end.writing.front_mut())
                    else {
                        continue;
                    };
                    assert!(bytes == right, "seed {seed}: the memory has changed");
                    let room = memory.capacity() - memory.len();
                    let count = bytes.len().min(room).min([1, 100, 100_000][random.below(3)]);
                    assert!(count > 0, "seed {seed}: no room");
                    memory.extend_from_slice(&bytes.split_to(count));
                    right.drain(..count);
                    if bytes.is_empty() {
                        from_end.writing.pop_front();
                    }
                    let memory = to_end.reading.take().unwrap();
                    to_end.input.append(memory);
                    idle = 0;
                }
            }
        }
        for (from, to) in [(0, 1), (1, 0)] {
            assert_eq!(sent[from].len(), 30);
            assert!(ends[to].messages == sent[from], "seed {seed}, {from}: {} messages", ends[to].messages.len());
            assert_eq!(ends[from].ws.buffered(), 0);
        }
    }
}

/// A connection in whose output a small frame, a large one and another small one wait, and its bytes.
fn small_large_small(role: Role) -> (Connection, Vec<u8>) {
    let fill = || {
        let mut ws = connection(role, &Config::new());
        ws.send_text("small").unwrap();
        ws.send(payload(5000, 1)).unwrap();
        ws.send_text("small again").unwrap();
        ws
    };
    (fill(), drain(&mut fill()))
}

/// Small, large and small frames go out in one vectored write; a client copies the large one to mask it.
#[test]
fn one_write_takes_all() {
    for role in ROLES {
        let (mut ws, wire) = small_large_small(role);
        let mut writer = taker(usize::MAX / 2);
        assert_eq!(ws.output().write_to(&mut writer).unwrap(), wire.len(), "{role:?}");
        let right = if role == Role::Server { (1, 0, 3) } else { (0, 1, 0) };
        assert_eq!((writer.vectored, writer.writes, writer.slices), right, "{role:?}");
        assert!(writer.taken == wire);
        assert!(!ws.interest().write);
    }
}

/// One chunk goes out in a plain write; where nothing waits, the writer is left alone.
#[test]
fn one_chunk_is_a_plain_write() {
    for role in ROLES {
        let mut ws = connection(role, &Config::new());
        let mut writer = taker(1000);
        assert_eq!(ws.output().write_to(&mut writer).unwrap(), 0);
        assert_eq!((writer.vectored, writer.writes), (0, 0));
        ws.send_text("small").unwrap();
        ws.send_text("small").unwrap();
        let waiting = ws.buffered();
        assert_eq!(ws.output().write_to(&mut writer).unwrap(), waiting);
        assert_eq!((writer.vectored, writer.writes), (0, 1));
    }
}

/// A writer that takes a byte at a time, or some other small number, gets all in the end.
#[test]
fn small_writes_add_up() {
    for role in ROLES {
        for most in [1, 2, 3, 7, 100, 4999] {
            let (mut ws, wire) = small_large_small(role);
            let mut writer = taker(most);
            while ws.interest().write {
                let waiting = ws.buffered();
                let count = ws.output().write_to(&mut writer).unwrap();
                assert!((1..=most).contains(&count), "{role:?}, {most}: {count}");
                assert_eq!(ws.buffered(), waiting - count);
            }
            assert!(writer.taken == wire, "{role:?}, {most}");
        }
    }
}

/// What a writer does with one write.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Takes(usize),
    Fails(ErrorKind),
    Claims(usize),
    Panics,
}

/// A writer with one answer for each write.
struct Scripted {
    answers: VecDeque<Answer>,
    taken: Vec<u8>,
}

impl Scripted {
    fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self { answers: answers.into_iter().collect(), taken: Vec::new() }
    }
}

impl Write for Scripted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let shown: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        match self.answers.pop_front().expect("one more write than expected") {
            Answer::Takes(count) => {
                let count = count.min(shown.len());
                self.taken.extend_from_slice(&shown[..count]);
                Ok(count)
            }
            Answer::Fails(kind) => Err(kind.into()),
            Answer::Claims(more) => Ok(shown.len() + more),
            Answer::Panics => panic!("the writer has panicked"),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// After an error of any kind, everything that was not taken is still there; an interrupted write is tried again at once.
#[test]
fn errors_lose_nothing() {
    for role in ROLES {
        for at in [0, 1, 5, 12, 2000, 5010] {
            for kind in [ErrorKind::WouldBlock, ErrorKind::BrokenPipe, ErrorKind::TimedOut, ErrorKind::Other] {
                let (mut ws, wire) = small_large_small(role);
                let mut writer = Scripted::new([Answer::Takes(at), Answer::Fails(kind), Answer::Takes(usize::MAX)]);
                assert_eq!(ws.output().write_to(&mut writer).unwrap(), at);
                assert_eq!(ws.output().write_to(&mut writer).unwrap_err().kind(), kind);
                assert_eq!(ws.buffered(), wire.len() - at, "{role:?}, {at}, {kind:?}");
                assert!(ws.interest().write);
                ws.output().write_to(&mut writer).unwrap();
                writer.taken.extend(drain(&mut ws));
                assert!(writer.taken == wire, "{role:?}, {at}, {kind:?}");
            }
            let (mut ws, wire) = small_large_small(role);
            let interrupted = Answer::Fails(ErrorKind::Interrupted);
            let answers = [Answer::Takes(at), interrupted, interrupted, Answer::Takes(3)];
            let mut writer = Scripted::new(answers);
            assert_eq!(ws.output().write_to(&mut writer).unwrap(), at);
            assert_eq!(ws.output().write_to(&mut writer).unwrap(), 3, "{role:?}, {at}");
            assert!(writer.answers.is_empty());
            writer.taken.extend(drain(&mut ws));
            assert!(writer.taken == wire, "{role:?}, {at}");
        }
    }
}

/// A writer that panics has taken nothing.
#[test]
fn a_panic_loses_nothing() {
    for role in ROLES {
        let (mut ws, wire) = small_large_small(role);
        let mut writer = Scripted::new([Answer::Takes(9), Answer::Panics]);
        ws.output().write_to(&mut writer).unwrap();
        let panicked = catch_unwind(AssertUnwindSafe(|| ws.output().write_to(&mut writer))).is_err();
        assert!(panicked);
        writer.taken.extend(drain(&mut ws));
        assert!(writer.taken == wire, "{role:?}");
    }
}

/// A writer that claims to have taken more than it was shown is not believed: bytes that it has never seen do not vanish in
/// silence.
#[test]
fn a_writer_that_claims_too_much() {
    for role in ROLES {
        for more in [1, 100, usize::MAX / 2] {
            let mut ws = connection(role, &Config::new());
            // More than one look shows.
            for seed in 0..30 {
                ws.send(payload(100_000, seed)).unwrap();
            }
            let waiting = ws.buffered();
            let mut writer = Scripted::new([Answer::Claims(more)]);
            let written = catch_unwind(AssertUnwindSafe(|| ws.output().write_to(&mut writer)));
            match written {
                Ok(Ok(count)) => panic!("{role:?}, {more}: {count} of {waiting} bytes are said to be written"),
                Ok(Err(_)) => assert_eq!(ws.buffered(), waiting),
                Err(_) => {}
            }
        }
    }
}

/// A writer that takes nothing ends no loop and loses nothing: 0 is returned.
#[test]
fn a_writer_that_takes_nothing() {
    for role in ROLES {
        let (mut ws, wire) = small_large_small(role);
        let mut writer = taker(0);
        assert_eq!(ws.output().write_to(&mut writer).unwrap(), 0);
        assert_eq!(ws.buffered(), wire.len());
        assert!(drain(&mut ws) == wire);
    }
}

/// Writers that are trait objects will do.
#[test]
fn a_writer_may_be_a_trait_object() {
    let (mut ws, wire) = small_large_small(Role::Server);
    let mut bytes = Vec::new();
    let writer: &mut dyn Write = &mut bytes;
    while ws.interest().write {
        ws.output().write_to(writer).unwrap();
    }
    assert!(bytes == wire);
}

/// `clear` removes all that waits, Pings and a Close among it, as if it had been written; what is sent next comes whole.
#[test]
fn clear_counts_as_written() {
    for role in ROLES {
        for at in [0, 1, 9, 3000, 5020] {
            let (mut ws, _) = small_large_small(role);
            ws.output().advance(at);
            ws.ping(b"mine").unwrap();
            ws.output().clear();
            assert_eq!((ws.buffered(), ws.output().remaining()), (0, 0));
            assert!(!ws.interest().write && ws.output().chunk().is_empty());
            assert_eq!(ws.output().next_owned(), None);
            ws.send_text("next").unwrap();
            ws.send(payload(5000, 1)).unwrap();
            ws.ping(b"mine").unwrap();
            let opcodes: Vec<_> = sent_by(role, &drain(&mut ws)).iter().map(|frame| frame.opcode).collect();
            assert_eq!(opcodes.len(), 3, "{role:?}, {at}");
            assert!(opcodes.contains(&TEXT) && opcodes.contains(&BINARY) && opcodes.contains(&PING));

            ws.close(CloseCode::NORMAL).unwrap();
            ws.output().clear();
            assert!(!ws.interest().write && !ws.interest().hang_up);
            feed(&mut ws, &mut Input::new(), &Frame::close(1000, "").to(role).bytes());
            assert_eq!(ws.interest().hang_up, role == Role::Server);
            assert!(!ws.interest().write);
        }
    }
}

/// The room that cleared bytes took in `max_buffered` is free again.
#[test]
fn clear_makes_room() {
    for role in ROLES {
        let mut ws = connection(role, &Config::new().max_buffered(6000));
        ws.send(payload(5000, 1)).unwrap();
        assert!(ws.send(payload(5000, 1)).is_err());
        ws.output().clear();
        ws.send(payload(5000, 2)).unwrap();
        assert_eq!(sent_by(role, &drain(&mut ws)), [Frame::binary(payload(5000, 2))]);
    }
}
