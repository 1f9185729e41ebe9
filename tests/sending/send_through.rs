//! `send_through`: what goes past the output is what would have gone through it, whatever the writer takes of it.

use crate::common::allocator::allocations;
use crate::common::frames::*;
use std::io::{self, ErrorKind, IoSlice, Write};
use std::time::Duration;
use ws_proto::bytes::Bytes;
use ws_proto::{
    Config, Connection, Instant, Keepalive, Message, MessageKind, Prepared, ReservedBits, Role, SendErrorKind,
};

/// The lengths at which a header grows and from which on a payload goes out by reference, and their neighbours.
const LENGTHS: [usize; 12] = [0, 1, 125, 126, 4095, 4096, 4097, 16_383, 16_384, 65_535, 65_536, 200_000];

/// What a writer does with what it is given.
#[derive(Debug, Clone, Copy)]
enum Answer {
    /// It takes so many bytes at most.
    Takes(usize),
    Fails(ErrorKind),
    /// It says that it has taken more than it was given.
    Claims,
}

use Answer::{Claims, Fails, Takes};

/// A writer that answers as it is asked to, and then takes all.
#[derive(Default)]
struct Writer {
    answers: Vec<Answer>,
    taken: Vec<u8>,
    /// How many slices each write has had.
    writes: Vec<usize>,
}

impl Writer {
    fn new(answers: &[Answer]) -> Self {
        Self { answers: answers.iter().rev().copied().collect(), ..Self::default() }
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.writes.push(slices.len());
        let given = slices.iter().map(|slice| slice.len()).sum();
        let count = match self.answers.pop().unwrap_or(Takes(usize::MAX)) {
            Takes(most) => most.min(given),
            Fails(kind) => return Err(kind.into()),
            Claims => return Ok(given + 1),
        };
        let end = self.taken.len() + count;
        for slice in slices {
            self.taken.extend_from_slice(&slice[..slice.len().min(end - self.taken.len())]);
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn messages(length: usize) -> [Message; 2] {
    [Message::text("x".repeat(length)), Message::binary(payload(length, 3))]
}

/// A large message of an extension.
fn extension(reserved: ReservedBits) -> Message {
    Message::Extension { kind: MessageKind::Binary, reserved, payload: payload(10_000, 1).into() }
}

/// Writes what waits.
fn finish(ws: &mut Connection, writer: &mut Writer) {
    while ws.interest().write {
        ws.output().write_to(writer).expect("it takes all");
    }
}

/// 6455-6.1-1, 6455-5.2-2: the bytes are those of `send`, whatever waits ahead, and wherever the writer stops or fails.
#[test]
fn the_bytes_are_those_of_send() {
    for role in ROLES {
        for length in LENGTHS {
            for message in messages(length) {
                let size = frame_size(role, length);
                let stops = [0, 1, 2, 4, 10, size / 2, size.saturating_sub(1), size].map(Takes);
                let failures = [ErrorKind::WouldBlock, ErrorKind::Interrupted, ErrorKind::BrokenPipe].map(Fails);
                for first in stops.into_iter().chain(failures).chain([Claims]) {
                    for before in ["", "ahead"] {
                        let mut right = connection(role, &Config::new());
                        let mut ws = connection(role, &Config::new());
                        if !before.is_empty() {
                            right.send_text(before).unwrap();
                            ws.send_text(before).unwrap();
                        }
                        right.send(message.clone()).unwrap();
                        right.send_text("behind").unwrap();
                        let mut writer = Writer::new(&[first]);
                        ws.send_through(&message, &mut writer).unwrap();
                        ws.send_text("behind").unwrap();
                        finish(&mut ws, &mut writer);
                        let context = format!("{length} bytes of a {role:?} behind {before:?}, {first:?}");
                        assert!(writer.taken == drain(&mut right), "{context}");
                    }
                }
            }
        }
    }
}

/// 6455-6.1-1, 6455-5.2-2: the same for a prepared message, whose frame goes to the writer itself whatever its size.
#[test]
fn prepared_bytes_are_those_of_send_prepared() {
    for length in LENGTHS {
        for message in messages(length) {
            let prepared = Prepared::new(message);
            let size = frame_size(Role::Server, length);
            let stops = [0, 1, 2, size / 2, size - 1, size].map(Takes);
            for first in stops.into_iter().chain([Fails(ErrorKind::WouldBlock), Fails(ErrorKind::Interrupted), Claims])
            {
                for before in ["", "ahead"] {
                    let (mut right, mut ws) = (Connection::server(&Config::new()), Connection::server(&Config::new()));
                    if !before.is_empty() {
                        right.send_text(before).unwrap();
                        ws.send_text(before).unwrap();
                    }
                    right.send_prepared(&prepared).unwrap();
                    right.send_text("behind").unwrap();
                    let mut writer = Writer::new(&[first]);
                    ws.send_prepared_through(&prepared, &mut writer).unwrap();
                    ws.send_text("behind").unwrap();
                    finish(&mut ws, &mut writer);
                    let context = format!("{length} bytes behind {before:?}, {first:?}");
                    assert!(writer.taken == drain(&mut right), "{context}");
                }
            }
        }
    }
}

/// A prepared message is not copied on its way to the writer, and a connection that has only had such messages holds nothing.
#[test]
fn a_prepared_message_takes_no_memory() {
    let mut ws = Connection::server(&Config::new().count(true));
    let mut writer = Writer::default();
    writer.taken.reserve(4 << 20);
    writer.writes.reserve(8);
    let before = allocations();
    for (size, slices) in [(100, 1), (511, 1), (512, 2), (1 << 20, 2)] {
        let prepared = Prepared::new(Message::binary(payload(size, 1)));
        let made = allocations();
        ws.send_prepared_through(&prepared, &mut writer).unwrap();
        assert_eq!(allocations(), made);
        assert_eq!(writer.writes.pop(), Some(slices));
        assert_eq!((ws.buffered(), ws.interest().write), (0, false));
    }
    assert!(allocations() > before, "they were made in between");
    ws.handle_timeout(Instant::ORIGIN);
    let counters = ws.counters().expect("they are asked for");
    assert_eq!((counters.messages_sent, counters.bytes_sent), (4, writer.taken.len() as u64));
}

/// One vectored write of header and payload, and nothing is copied, shared or allocated.
#[test]
fn a_large_payload_goes_to_the_writer_itself() {
    let mut ws = Connection::server(&Config::new());
    let mut writer = Writer::default();
    writer.taken.reserve(4 << 20);
    writer.writes.reserve(8);
    for message in [Message::binary(payload(1 << 20, 1)), Message::text("é".repeat(4096))] {
        writer.taken.clear();
        let before = allocations();
        let given = message.as_bytes().as_ptr();
        ws.send_through(&message, &mut writer).unwrap();
        assert_eq!(allocations(), before);
        assert_eq!(writer.writes, [2]);
        writer.writes.clear();
        assert_eq!((ws.buffered(), ws.interest().write), (0, false));
        assert_eq!(
            read_frames(&writer.taken),
            [match &message {
                Message::Text(text) => Frame::text(text.as_bytes()),
                message => Frame::binary(message.as_bytes()),
            }]
        );
        let bytes = message.into_bytes();
        assert!(bytes.is_unique() && bytes.as_ptr() == given, "it is shared");
    }
}

/// What the writer does not take of a large payload waits by reference.
#[test]
fn the_rest_is_not_copied() {
    let data = Bytes::from(payload(1 << 20, 1));
    let message = Message::binary(data.clone());
    for first in [Takes(0), Takes(7), Takes(1000), Fails(ErrorKind::WouldBlock)] {
        let mut ws = Connection::server(&Config::new());
        ws.send_through(&message, &mut Writer::new(&[first])).unwrap();
        let mut rest = Vec::new();
        while let Some(bytes) = ws.output().next_owned() {
            rest.push(bytes);
        }
        let last = rest.last().expect("the payload");
        assert!(data.as_ptr_range().contains(&last.as_ptr()), "{first:?}");
        assert_eq!(last.as_ptr_range().end, data.as_ptr_range().end, "{first:?}");
    }
}

/// What goes behind something else waits by reference, too.
#[test]
fn what_is_queued_is_not_copied() {
    for message in messages(100_000) {
        let data = message.clone().into_bytes();
        let mut ws = Connection::server(&Config::new());
        ws.send_text("ahead").unwrap();
        ws.send_through(&message, &mut Writer::new(&[Takes(0)])).unwrap();
        let chunks: Vec<Bytes> = std::iter::from_fn(|| ws.output().next_owned()).collect();
        assert!(chunks.iter().any(|chunk| chunk.as_ptr() == data.as_ptr() && chunk.len() == data.len()));
    }
}

/// 6455-5.5.2-3: a Ping that is sent after a part of the frame has been written, or has been shown, goes out behind it.
#[test]
fn control_frames_wait_for_the_frame_that_has_been_shown() {
    let message = Message::binary(payload(10_000, 1));
    for first in [Takes(1), Takes(5000), Takes(0), Fails(ErrorKind::WouldBlock)] {
        let mut ws = Connection::server(&Config::new());
        let mut writer = Writer::new(&[first]);
        ws.send_through(&message, &mut writer).unwrap();
        ws.ping(b"late").unwrap();
        ws.send_text("behind").unwrap();
        finish(&mut ws, &mut writer);
        let right = [Frame::binary(message.as_bytes()), Frame::ping("late"), Frame::text("behind")];
        assert_eq!(read_frames(&writer.taken), right, "{first:?}");

        // The same for a prepared message, which counts however much of it was written at once.
        for size in [100, 10_000] {
            let data = payload(size, 1);
            let mut ws = Connection::server(&Config::new().count(true));
            let mut writer = Writer::new(&[first]);
            ws.send_prepared_through(&Prepared::new(data.clone()), &mut writer).unwrap();
            assert_eq!(writer.writes.len(), 1);
            let has_begun = ws.buffered() > 0;
            ws.ping(b"late").unwrap();
            ws.send_text("behind").unwrap();
            finish(&mut ws, &mut writer);
            let right = [Frame::binary(&data), Frame::ping("late"), Frame::text("behind")];
            assert_eq!(read_frames(&writer.taken), right, "{first:?}, {size}, {has_begun}");
            ws.handle_timeout(Instant::ORIGIN);
            let counters = ws.counters().expect("they are asked for");
            assert_eq!((counters.messages_sent, counters.bytes_sent), (2, writer.taken.len() as u64));
        }
    }
}

/// A message that has to be masked, cut or kept behind others is sent as by `send`.
#[test]
fn what_cannot_go_directly_is_queued() {
    let message = Message::binary(payload(10_000, 1));
    // RFC 6455 §5.3: a client's payload is masked.
    let mut client = connection(Role::Client, &Config::new());
    let mut writer = Writer::default();
    client.send_through(&message, &mut writer).unwrap();
    assert_eq!(sent_by(Role::Client, &writer.taken), [Frame::binary(message.as_bytes())]);

    let mut server = Connection::server(&Config::new().fragment_size(6000));
    let mut writer = Writer::default();
    server.send_through(&message, &mut writer).unwrap();
    finish(&mut server, &mut writer);
    let (first, second) = message.as_bytes().split_at(6000);
    assert_eq!(read_frames(&writer.taken), [Frame::binary(first).part(), Frame::continuation(second)]);

    let mut server = Connection::server(&Config::new());
    server.ping(b"ahead").unwrap();
    let mut writer = Writer::new(&[Takes(3)]);
    server.send_through(&message, &mut writer).unwrap();
    finish(&mut server, &mut writer);
    assert_eq!(read_frames(&writer.taken), [Frame::ping("ahead"), Frame::binary(message.as_bytes())]);
}

/// 6455-5.4-2, 6455-5.5.1-3, 6455-5.2-4: what may not be sent is refused as by `send`, and nothing is written.
#[test]
fn refusals_are_those_of_send() {
    type Prepare = fn(&mut Connection);
    let large = || Message::binary(payload(10_000, 1));
    let cases: [(Config, Prepare, Message, SendErrorKind); 5] = [
        (Config::new(), |ws| ws.close(ws_proto::CloseCode::NORMAL).unwrap(), large(), SendErrorKind::Closed),
        (Config::new(), |ws| ws.send_part("begun", false).unwrap(), large(), SendErrorKind::Unfinished),
        (Config::new().max_buffered(10_003), |_| {}, large(), SendErrorKind::TooLarge),
        (Config::new().max_buffered(10_010), |ws| ws.send_text("123456").unwrap(), large(), SendErrorKind::Full),
        (Config::new(), |_| {}, extension(ReservedBits::RSV2), SendErrorKind::ReservedBit),
    ];
    for (config, prepare, message, kind) in cases {
        let mut ws = Connection::server(&config);
        prepare(&mut ws);
        let waits = ws.buffered();
        let mut writer = Writer::default();
        let error = ws.send_through(&message, &mut writer).expect_err("it is refused");
        assert_eq!((error.kind(), ws.buffered(), writer.writes.len()), (kind, waits, 0));
        // The message stays the caller's alone.
        assert!(error.into_message().is_none());
        drain(&mut ws);
        let error = ws.send_through(&message, &mut writer).err().map(|error| error.kind());
        // All but a full output stays as it is.
        assert_eq!(error, (kind != SendErrorKind::Full).then_some(kind));
    }
    let mut ws = Connection::server(&Config::new().max_buffered(10_004));
    ws.send_through(&large(), &mut Writer::default()).expect("there is room for exactly so much");
}

/// 6455-5.2-4: a message of an extension has its reserved bits.
#[test]
fn reserved_bits_are_set() {
    let mut ws = Connection::server(&Config::new());
    ws.set_reserved_bits(ReservedBits::RSV2).unwrap();
    for first in [Takes(usize::MAX), Takes(9)] {
        let message = extension(ReservedBits::RSV2);
        let mut writer = Writer::new(&[first]);
        ws.send_through(&message, &mut writer).unwrap();
        finish(&mut ws, &mut writer);
        assert_eq!(read_frames(&writer.taken), [Frame::binary(message.as_bytes()).rsv(2)]);
    }
}

/// 6455-5.3-3, 6455-5.4-2: a prepared message is refused as by `send_prepared`, and cut into fragments as there.
#[test]
fn prepared_messages_keep_the_rules() {
    let prepared = Prepared::new(Message::binary(payload(1000, 1)));
    let mut writer = Writer::default();
    let refused = |ws: &mut Connection, writer: &mut Writer| {
        ws.send_prepared_through(&prepared, writer).expect_err("it is refused").kind()
    };
    assert_eq!(refused(&mut connection(Role::Client, &Config::new()), &mut writer), SendErrorKind::ServerOnly);
    let mut ws = Connection::server(&Config::new());
    ws.send_part("begun", false).unwrap();
    assert_eq!(refused(&mut ws, &mut writer), SendErrorKind::Unfinished);
    ws.close(ws_proto::CloseCode::NORMAL).unwrap();
    assert_eq!(refused(&mut ws, &mut writer), SendErrorKind::Closed);
    let mut ws = Connection::server(&Config::new().max_buffered(1003));
    assert_eq!(refused(&mut ws, &mut writer), SendErrorKind::TooLarge);
    assert!(writer.writes.is_empty());

    let mut ws = Connection::server(&Config::new().max_buffered(1004));
    ws.send_prepared_through(&prepared, &mut writer).expect("there is room for exactly so much");
    let mut ws = Connection::server(&Config::new().fragment_size(600));
    let mut writer = Writer::default();
    ws.send_prepared_through(&prepared, &mut writer).unwrap();
    finish(&mut ws, &mut writer);
    let data = payload(1000, 1);
    let (first, second) = data.split_at(600);
    assert_eq!(read_frames(&writer.taken), [Frame::binary(first).part(), Frame::continuation(second)]);
}

/// 7692-7.2.1-12, 7692-7.2.1-15: where the prepared form is compressed, what follows does not refer to what was before it, also when only a
/// part of it was written at once.
#[cfg(feature = "deflate")]
#[test]
fn prepared_compressed() {
    use ws_proto::{DeflateConfig, DeflateParameters};

    let deflate = DeflateConfig::new();
    let deflating = || Connection::server(&Config::new()).with_deflate(&deflate, DeflateParameters::new());
    for length in [50_usize, 500, 50_000] {
        let text: String = (0..length).map(|at| char::from(b'a' + (at * at % 23) as u8)).collect();
        let prepared = Prepared::new(text.as_str()).compress(&deflate);
        for first in [Takes(usize::MAX), Takes(0), Takes(20)] {
            let (mut right, mut ws) = (deflating(), deflating());
            let mut right_bytes = Vec::new();
            let mut writer = Writer::new(&[Takes(usize::MAX), first]);
            for round in 0..3 {
                right.send_text(&text).unwrap();
                right.send_prepared(&prepared).unwrap();
                right_bytes.extend(drain(&mut right));
                ws.send_text(&text).unwrap();
                finish(&mut ws, &mut writer);
                ws.send_prepared_through(&prepared, &mut writer).unwrap();
                finish(&mut ws, &mut writer);
                assert!(writer.taken == right_bytes, "{length}, {first:?}, round {round}");
            }
        }
    }
}

/// RFC 7692 §6: where messages are compressed, so is this one.
#[cfg(feature = "deflate")]
#[test]
fn it_is_compressed() {
    use ws_proto::{DeflateConfig, DeflateParameters};

    let message = Message::text("a sentence. ".repeat(1000));
    let deflating = || Connection::server(&Config::new()).with_deflate(&DeflateConfig::new(), DeflateParameters::new());
    let (mut right, mut ws) = (deflating(), deflating());
    right.send(message.clone()).unwrap();
    let mut writer = Writer::default();
    ws.send_through(&message, &mut writer).unwrap();
    assert!(writer.taken.len() < 1000 && writer.taken == drain(&mut right));
}

/// What is written past the output counts: as a message, as bytes, and for the deadline of writes.
#[test]
fn it_counts() {
    let at = |seconds| Instant::new(Duration::from_secs(seconds));
    let message = Message::binary(payload(10_000, 1));
    let keepalive = Keepalive::off().write(1000, Duration::from_secs(10));
    let mut ws = Connection::server(&Config::new().count(true).keepalive(keepalive));
    ws.handle_timeout(at(0));
    let mut writer = Writer::new(&[Takes(usize::MAX), Takes(500)]);
    ws.send_through(&message, &mut writer).unwrap();
    ws.send_through(&message, &mut writer).unwrap();
    ws.handle_timeout(at(1));
    let counters = ws.counters().expect("they are asked for");
    assert_eq!((counters.messages_sent, counters.bytes_sent), (2, writer.taken.len() as u64));
    // The rest of the second one waits, and nothing more is written.
    let over = (2..30).find(|&seconds| {
        ws.handle_timeout(at(seconds));
        !ws.can_send()
    });
    assert_eq!(over, Some(11));
}

/// The sending half has it, too.
#[test]
fn by_the_sending_half() {
    let (_, mut sender) = Connection::server(&Config::new()).into_halves();
    let message = Message::binary(payload(5000, 1));
    let mut writer = Writer::default();
    sender.send_through(&message, &mut writer).unwrap();
    assert_eq!(read_frames(&writer.taken), [Frame::binary(message.as_bytes())]);
    assert_eq!(sender.buffered(), 0);
}
