//! Messages of the application's extensions: reserved bits that were given a meaning come with the message and are sent with
//! it; all others fail the connection.

use crate::common::frames::{
    BINARY, CLOSE, CONTINUATION, Cut, Frame, PING, PONG, ROLES, Random, TEXT, connection, drain, payload, sent_by,
    stream,
};
use ws_proto::bytes::{Buf, Bytes};
use ws_proto::{
    Cause, Closed, Config, Connection, Delivery, Event, Input, Message, MessageKind, OwnedEvent, Prepared,
    ReservedBits, Role, SendErrorKind, Utf8Bytes, Violation,
};

const KINDS: [(MessageKind, u8); 2] = [(MessageKind::Text, TEXT), (MessageKind::Binary, BINARY)];

/// Every set of reserved bits but the empty one.
fn all_bits() -> impl Iterator<Item = ReservedBits> {
    (1..8).filter_map(ReservedBits::from_bits)
}

fn bits(rsv: u8) -> ReservedBits {
    ReservedBits::from_bits(rsv).expect("a bit")
}

fn connection_with(role: Role, config: &Config, rsv: u8) -> Connection {
    let mut ws = connection(role, config);
    ws.set_reserved_bits(bits(rsv)).expect("nothing else uses them");
    ws
}

/// The events and the output that follow from `bytes`, cut in this way.
fn run(mut ws: Connection, bytes: &[u8], cut: Cut) -> (Vec<OwnedEvent>, Vec<u8>) {
    let (mut input, mut events, mut output) = (Input::new(), Vec::new(), Vec::new());
    for piece in cut.pieces(bytes) {
        input.extend_from_slice(piece);
        while let Some(event) = ws.receive(&mut input) {
            events.push(event.into_owned());
            output.extend(drain(&mut ws));
        }
    }
    (events, output)
}

/// Puts the parts of each message of an extension together, and checks that all of them have its bits.
fn joined(events: Vec<OwnedEvent>) -> Vec<OwnedEvent> {
    let mut joined = Vec::new();
    let mut message: Option<(MessageKind, ReservedBits, Vec<u8>)> = None;
    for event in events {
        let OwnedEvent::ExtensionPart { kind, reserved, payload, fin } = event else {
            joined.push(event);
            continue;
        };
        assert!(fin || !payload.is_empty(), "an empty part");
        let (first_kind, first_bits, mut so_far) = message.take().unwrap_or((kind, reserved, Vec::new()));
        assert_eq!((kind, reserved), (first_kind, first_bits));
        so_far.extend(payload);
        if fin {
            joined.push(OwnedEvent::Extension { kind, reserved, payload: so_far.into() });
        } else {
            message = Some((kind, reserved, so_far));
        }
    }
    if let Some((kind, reserved, payload)) = message {
        joined.push(OwnedEvent::ExtensionPart { kind, reserved, payload: payload.into(), fin: false });
    }
    joined
}

/// What follows from `bytes`, which must be the same wherever they are cut.
fn every_cut(ws: impl Fn() -> Connection, bytes: &[u8]) -> (Vec<OwnedEvent>, Vec<u8>) {
    let run = |cut| {
        let (events, output) = run(ws(), bytes, cut);
        (joined(events), output)
    };
    let whole = run(Cut::Whole);
    let cuts: Vec<Cut> = if bytes.len() < 1000 {
        (0..=bytes.len()).map(Cut::At).chain([Cut::EveryByte]).collect()
    } else {
        [1, bytes.len() / 2, bytes.len() - 1].map(Cut::At).to_vec()
    };
    for cut in cuts.into_iter().chain([1, 4, 7, 11].map(Cut::Random)) {
        assert!(run(cut) == whole, "{cut:?} of {bytes:02x?}");
    }
    whole
}

fn extension(kind: MessageKind, reserved: ReservedBits, payload: impl AsRef<[u8]>) -> OwnedEvent {
    OwnedEvent::Extension { kind, reserved, payload: Bytes::copy_from_slice(payload.as_ref()) }
}

fn text(text: &str) -> OwnedEvent {
    OwnedEvent::Text(Utf8Bytes::from(text))
}

/// Asserts that `frames` fail the connection in this way, after these events.
fn assert_fails(ws: impl Fn() -> Connection, frames: &[Frame], before: &[OwnedEvent], violation: &Violation) {
    let role = ws().role();
    let (events, output) = every_cut(ws, &stream(role, frames));
    let Some((OwnedEvent::Closed(Closed { cause, .. }), first)) = events.split_last() else {
        panic!("{frames:?} has to fail: {events:?}")
    };
    assert_eq!((cause, first), (&Cause::Violation(violation.clone()), before), "{frames:?}");
    let close = Frame::close(violation.close_code().get(), violation.reason());
    assert_eq!(sent_by(role, &output).last(), Some(&close));
}

/// 6455-5.2-3, 6455-6.2-7, 6455-9.2-1: every set of bits that have a meaning comes with its message, and the payload as it
/// came.
#[test]
fn bits_come_with_the_message() {
    for role in ROLES {
        for reserved in all_bits() {
            for (kind, opcode) in KINDS {
                for size in [0, 1, 20, 125, 126, 300] {
                    let data = payload(size, 7);
                    let frames = [
                        Frame::text("before"),
                        Frame::new(opcode, &data).rsv(reserved.bits()),
                        Frame::ping("between"),
                        Frame::text("behind"),
                    ];
                    // Those bits, and all of them.
                    for rsv in [reserved.bits(), 7] {
                        let ws = || connection_with(role, &Config::new(), rsv);
                        let (events, _) = every_cut(ws, &stream(role, &frames));
                        let ping = OwnedEvent::Ping("between".into());
                        let message = extension(kind, reserved, &data);
                        assert_eq!(events, [text("before"), message, ping, text("behind")]);
                    }
                }
            }
        }
    }
}

/// 6455-5.2-3: large messages of extensions, in one frame and in several.
#[test]
fn large_messages() {
    for role in ROLES {
        for (kind, opcode) in KINDS {
            let data = Random(5).bytes(70_000);
            let whole = [Frame::new(opcode, &data).rsv(2)];
            let fragments = [
                Frame::new(opcode, &data[..10]).rsv(2).part(),
                Frame::continuation(&data[10..66_000]).part(),
                Frame::continuation(&data[66_000..]),
            ];
            for frames in [&whole[..], &fragments] {
                for delivery in [Delivery::Messages, Delivery::Parts] {
                    let config = Config::new().delivery(delivery);
                    let (events, _) = every_cut(|| connection_with(role, &config, 2), &stream(role, frames));
                    assert!(events == [extension(kind, ReservedBits::RSV2, &data)]);
                }
            }
        }
    }
}

/// 6455-5.2-3: whatever bits have a meaning, the others have none.
#[test]
fn other_bits_fail() {
    for role in ROLES {
        for given in 0..8 {
            let ws = || match given {
                0 => connection(role, &Config::new()),
                _ => connection_with(role, &Config::new(), given),
            };
            for rsv in (1..8).filter(|rsv| rsv & !given != 0) {
                for opcode in [TEXT, BINARY] {
                    for frame in [Frame::new(opcode, "x"), Frame::new(opcode, payload(200, 1)).part()] {
                        assert_fails(ws, &[frame.rsv(rsv)], &[], &Violation::ReservedBit);
                    }
                }
            }
        }
    }
}

/// 6455-5.2-3, 7692-6.1-4: the bits are those of a message, so that they stand on its first frame alone. What two bytes show
/// is refused on two bytes.
#[test]
fn later_frames_and_control_frames_have_none() {
    for role in ROLES {
        let ws = || connection_with(role, &Config::new(), 7);
        for rsv in 1..8 {
            for first in [Frame::text("a").part(), Frame::binary("a").part().rsv(rsv)] {
                assert_fails(ws, &[first.clone(), Frame::continuation("b").rsv(rsv)], &[], &Violation::ReservedBit);
                let middle = Frame::continuation("b").rsv(rsv).part();
                assert_fails(ws, &[first, middle], &[], &Violation::ReservedBit);
            }
            for opcode in [PING, PONG, CLOSE] {
                assert_fails(ws, &[Frame::new(opcode, "").rsv(rsv)], &[], &Violation::ReservedBit);
            }
            // 6455-5.2-5: a reserved opcode has no meaning for being beside such a bit.
            assert_fails(ws, &[Frame::new(3, "").rsv(rsv)], &[], &Violation::ReservedBit);
            let two_bytes = &stream(role, &[Frame::continuation("b").rsv(rsv)])[..2];
            let (events, _) = run(ws(), two_bytes, Cut::Whole);
            assert!(matches!(&events[..], [OwnedEvent::Closed(closed)] if closed.sent.is_some()));
        }
    }
}

/// 6455-5.4-15, 6455-5.6-1: fragments of a message have the bits and the type of its first frame, and only the extension knows
/// whether its text is UTF-8. The next message is held to the rules again.
#[test]
fn fragments_belong_to_the_first_frame() {
    let bad = Violation::TextNotUtf8;
    for role in ROLES {
        for delivery in [Delivery::Messages, Delivery::Parts] {
            let ws = || connection_with(role, &Config::new().delivery(delivery), 3);
            let fragments = [
                Frame::text(b"\xff\xc3").rsv(3).part(),
                Frame::continuation("").part(),
                Frame::ping(""),
                Frame::continuation(b"\xf0\x9f").part(),
                Frame::continuation(b"\x80"),
            ];
            let whole = extension(MessageKind::Text, bits(3), b"\xff\xc3\xf0\x9f\x80");
            let before = [OwnedEvent::Ping(Bytes::new()), whole];
            let (events, _) = every_cut(ws, &stream(role, &fragments));
            assert_eq!(events, before);
            let bad_start = Frame::text(b"\xff");
            assert_fails(ws, &[&fragments[..], &[bad_start]].concat(), &before, &bad);
        }
    }
}

/// With [`Delivery::Parts`] what has come of the message is returned, with its bits, before the rest is there.
#[test]
fn parts_do_not_wait() {
    for role in ROLES {
        let frame = Frame::text(b"\xc3\xffabc").rsv(5).to(role);
        let (bytes, header) = (frame.bytes(), frame.header().len());
        let mut ws = connection_with(role, &Config::new().delivery(Delivery::Parts), 7);
        let mut input = Input::new();
        let mut next = |bytes: &[u8]| {
            input.extend_from_slice(bytes);
            let event = ws.receive(&mut input).map(Event::into_owned);
            assert!(ws.receive(&mut input).is_none());
            event
        };
        let part = |payload: &'static [u8], fin| {
            let payload = Bytes::from_static(payload);
            Some(OwnedEvent::ExtensionPart { kind: MessageKind::Text, reserved: bits(5), payload, fin })
        };
        assert_eq!(next(&bytes[..header]), None);
        // Half a character.
        assert_eq!(next(&bytes[header..=header]), part(b"\xc3", false));
        assert_eq!(next(&bytes[header + 1..]), part(b"\xffabc", true));
        assert_eq!(next(&Frame::text("").rsv(5).to(role).bytes()), part(b"", true));
        assert_eq!(next(&Frame::binary("").rsv(5).part().to(role).bytes()), None, "nothing has come of it");
    }
}

/// 6455-10.4-1: the limits are those of other messages.
#[test]
fn limits_hold() {
    for role in ROLES {
        for (kind, opcode) in KINDS {
            let message = |length: usize| Frame::new(opcode, payload(length, 1)).rsv(1);
            for (config, frames, violation) in [
                (Config::new().max_message(9), vec![message(10)], Violation::MessageTooBig(10)),
                (
                    Config::new().max_message(9),
                    vec![message(9).part(), Frame::continuation("x")],
                    Violation::MessageTooBig(10),
                ),
                (Config::new().max_frame(9), vec![message(10)], Violation::FrameTooBig(10)),
                (
                    Config::new().max_fragments(2),
                    vec![message(1).part(), Frame::continuation("").part(), Frame::continuation("")],
                    Violation::TooManyFragments,
                ),
            ] {
                assert_fails(|| connection_with(role, &config, 1), &frames, &[], &violation);
            }
            let ws = || connection_with(role, &Config::new().max_message(9).max_fragments(2), 1);
            let frames = [message(9), message(9).part(), Frame::continuation("")];
            let expected = extension(kind, ReservedBits::RSV3, payload(9, 1));
            assert_eq!(every_cut(ws, &stream(role, &frames)).0, [expected.clone(), expected]);
        }
    }
}

/// 6455-9.1-6: bits have a meaning from the call on, and a later call replaces it.
#[test]
fn the_last_call_counts() {
    for role in ROLES {
        let mut ws = connection(role, &Config::new());
        assert_eq!(ws.reserved_bits(), None);
        ws.set_reserved_bits(ReservedBits::RSV1 | ReservedBits::RSV2).expect("they are free");
        ws.set_reserved_bits(ReservedBits::RSV2).expect("it is free");
        assert_eq!(ws.reserved_bits(), Some(ReservedBits::RSV2));
        let message = |reserved| Message::Extension { kind: MessageKind::Binary, reserved, payload: Bytes::new() };
        assert_eq!(ws.send(message(ReservedBits::RSV2)), Ok(()));
        let refused = ws.send(message(ReservedBits::RSV1)).map_err(|error| error.kind());
        assert_eq!(refused, Err(SendErrorKind::ReservedBit));
        let mut input = Input::from(&stream(role, &[Frame::text("").rsv(2), Frame::text("").rsv(4)])[..]);
        assert!(matches!(ws.receive(&mut input).map(Event::into_owned), Some(OwnedEvent::Extension { .. })));
        assert!(matches!(ws.receive(&mut input).map(Event::into_owned), Some(OwnedEvent::Closed(_))));
    }
}

fn message(kind: MessageKind, reserved: ReservedBits, payload: impl Into<Bytes>) -> Message {
    Message::Extension { kind, reserved, payload: payload.into() }
}

/// 6455-5.2-2, 6455-6.1-9: a message is sent with its bits, whatever its size, and text need not be UTF-8.
#[test]
fn bits_are_sent() {
    for role in ROLES {
        for (kind, opcode) in KINDS {
            for reserved in all_bits() {
                let mut ws = connection_with(role, &Config::new(), 7);
                for size in [0, 1, 125, 126, 4096, 16 << 10, 70_000] {
                    let data = Random(size as u64).bytes(size);
                    assert_eq!(ws.send(message(kind, reserved, data.clone())), Ok(()));
                    ws.send_text("plain").expect("it is open");
                    let expected = [Frame::new(opcode, data).rsv(reserved.bits()), Frame::text("plain")];
                    assert!(sent_by(role, &drain(&mut ws)) == expected, "{role:?}, {reserved:?}, {size}");
                }
            }
        }
    }
}

/// 6455-5.2-2, 6455-5.4-15: only the first fragment of a message has its bits.
#[test]
fn fragments_are_sent_with_bits_on_the_first() {
    for role in ROLES {
        let mut ws = connection_with(role, &Config::new().fragment_size(125), 6);
        let data = payload(300, 3);
        ws.send(message(MessageKind::Text, bits(6), data.clone())).expect("it is open");
        let fragments = [
            Frame::text(&data[..125]).rsv(6).part(),
            Frame::continuation(&data[125..250]).part(),
            Frame::continuation(&data[250..]),
        ];
        assert_eq!(sent_by(role, &drain(&mut ws)), fragments);

        // In parts, each of which may be cut.
        ws.send_part(message(MessageKind::Text, bits(6), &b"\xff"[..]), false).expect("it is open");
        ws.ping(b"between").expect("it is open");
        ws.send_part(message(MessageKind::Text, bits(6), data.clone()), false).expect("it goes on");
        ws.send_part(message(MessageKind::Text, bits(6), Bytes::new()), true).expect("it goes on");
        ws.send_part("plain", true).expect("it has ended");
        let sent = sent_by(role, &drain(&mut ws));
        let data_frames = sent.into_iter().filter(|frame| frame.opcode != PING).collect::<Vec<_>>();
        let expected = [
            Frame::text(b"\xff").rsv(6).part(),
            Frame::continuation(&data[..125]).part(),
            Frame::continuation(&data[125..250]).part(),
            Frame::continuation(&data[250..]).part(),
            Frame::continuation(""),
            Frame::text("plain"),
        ];
        assert_eq!(data_frames, expected);
        assert_eq!(expected[4].opcode, CONTINUATION);
    }
}

/// 6455-5.2-2, 6455-5.8-1: a bit that the connection was not given is refused, the message comes back, and nothing goes out.
#[test]
fn bits_without_a_meaning_are_refused() {
    for role in ROLES {
        for given in 0..8 {
            let mut ws = connection(role, &Config::new());
            if let Some(given) = ReservedBits::from_bits(given) {
                ws.set_reserved_bits(given).expect("they are free");
            }
            for reserved in all_bits() {
                let message = message(MessageKind::Binary, reserved, &b"data"[..]);
                let expected = if reserved.bits() & !given == 0 { Ok(()) } else { Err(SendErrorKind::ReservedBit) };
                for sent in [ws.send(message.clone()), ws.send_part(message.clone(), true)] {
                    assert_eq!(sent.clone().map_err(|error| error.kind()), expected, "{given}, {reserved:?}");
                    assert!(sent.err().is_none_or(|error| error.into_message() == Some(message.clone())));
                }
                let output = sent_by(role, &drain(&mut ws));
                assert_eq!(output.len(), if expected.is_ok() { 2 } else { 0 });
                assert!(output.iter().all(|frame| frame.rsv == reserved.bits()));
                let error = SendErrorKind::ReservedBit.to_string();
                assert!(error.contains("§5.2"), "{error}");
            }
        }
    }
}

/// 6455-5.4-15: a message cannot begin as an extension's and go on as another, nor the other way round.
#[test]
fn parts_of_one_message_have_the_same_bits() {
    let parts = [
        Message::from("x"),
        Message::from(&b"x"[..]),
        message(MessageKind::Text, bits(1), "x"),
        message(MessageKind::Text, bits(2), "x"),
        message(MessageKind::Binary, bits(1), "x"),
    ];
    for (i, first) in parts.iter().enumerate() {
        for (j, second) in parts.iter().enumerate() {
            let mut ws = connection_with(Role::Server, &Config::new(), 7);
            ws.send_part(first.clone(), false).expect("it is open");
            let before = drain(&mut ws);
            let sent = ws.send_part(second.clone(), true);
            if i == j {
                assert_eq!(sent, Ok(()));
                continue;
            }
            let error = sent.expect_err("another type");
            assert_eq!(error.kind(), SendErrorKind::KindChanged);
            assert_eq!(error.into_message().as_ref(), Some(second));
            assert!(!before.is_empty() && drain(&mut ws).is_empty());
            assert_eq!(ws.send("whole").map_err(|error| error.kind()), Err(SendErrorKind::Unfinished));
        }
    }
}

/// A message that is prepared has its bits; the connection has to have been given them.
#[test]
fn prepared_messages() {
    for size in [10, 5000] {
        let data = payload(size, 9);
        let prepared = Prepared::new(message(MessageKind::Text, bits(2), data.clone()));
        assert_eq!((prepared.kind(), prepared.reserved_bits()), (MessageKind::Text, Some(ReservedBits::RSV2)));
        let mut ws = connection(Role::Server, &Config::new().fragment_size(4000));
        let refused = ws.send_prepared(&prepared).map_err(|error| error.kind());
        assert_eq!(refused, Err(SendErrorKind::ReservedBit));
        ws.set_reserved_bits(ReservedBits::RSV2).expect("it is free");
        ws.send_prepared(&prepared).expect("it is open");
        let sent = sent_by(Role::Server, &drain(&mut ws));
        assert_eq!(sent.iter().map(|frame| frame.rsv).collect::<Vec<_>>(), [2, 0][..sent.len()]);
        assert_eq!(sent.iter().flat_map(|frame| frame.payload.clone()).collect::<Vec<_>>(), data);
    }
    assert_eq!(Prepared::new("text").reserved_bits(), None);
}

/// The halves of a connection have its bits.
#[test]
fn halves_have_the_bits() {
    for role in ROLES {
        let (mut receiver, mut sender) = connection_with(role, &Config::new(), 2).into_halves();
        assert_eq!(sender.reserved_bits(), Some(ReservedBits::RSV2));
        let mut input = Input::from(&stream(role, &[Frame::text(b"\xff").rsv(2), Frame::text("").rsv(1)])[..]);
        let event = receiver.receive(&mut input).and_then(|received| received.event).map(Event::into_owned);
        let Some(OwnedEvent::Extension { kind, reserved, payload }) = event else { panic!("{event:?}") };
        let echo = Message::Extension { kind, reserved, payload };
        sender.send(echo.clone()).expect("it is open");
        sender.send_part(echo, true).expect("it is open");
        let refused = sender.send(message(kind, ReservedBits::RSV3, "")).map_err(|error| error.kind());
        assert_eq!(refused, Err(SendErrorKind::ReservedBit));
        let reply = receiver.receive(&mut input).and_then(|received| received.reply);
        sender.reply(reply.expect("a bit without a meaning"));
        let mut output = vec![0; sender.buffered()];
        sender.output().copy_to_slice(&mut output);
        let sent = sent_by(role, &output);
        assert_eq!(sent[..2], [Frame::text(b"\xff").rsv(2), Frame::text(b"\xff").rsv(2)]);
        assert_eq!(sent[2].opcode, CLOSE);
    }
}

#[cfg(feature = "deflate")]
mod beside_deflate {
    use super::*;
    use crate::common::deflate::{Stream, literals, zeros};
    use ws_proto::{DeflateConfig, DeflateParameters};

    /// A connection that compresses, with RSV2 and RSV3 for the application.
    fn compressing(role: Role, config: &Config) -> Connection {
        let deflate = DeflateConfig::new().threshold(0);
        let mut ws = connection(role, config).with_deflate(&deflate, DeflateParameters::new());
        ws.set_reserved_bits(ReservedBits::RSV2 | ReservedBits::RSV3).expect("they are free");
        ws
    }

    fn deflated(data: impl AsRef<[u8]>) -> Vec<u8> {
        Stream::new().fixed(&literals(data), false).message()
    }

    /// 7692-6-1, 7692-6.2-1, 6455-6.2-7: compression is undone first, and its bit is cleared; the others come with what was
    /// inflated, which need not be UTF-8.
    #[test]
    fn a_message_is_inflated_first() {
        for role in ROLES {
            for delivery in [Delivery::Messages, Delivery::Parts] {
                let config = Config::new().delivery(delivery);
                for (kind, opcode) in KINDS {
                    let data = b"\xff\xfe, again: \xff\xfe";
                    let compressed = deflated(data);
                    let (head, tail) = compressed.split_at(3);
                    let frames = [
                        Frame::new(opcode, &compressed).rsv(4 | 2),
                        Frame::new(opcode, head).rsv(4 | 1).part(),
                        Frame::continuation("").part(),
                        Frame::continuation(tail),
                        Frame::new(opcode, &compressed).rsv(2),
                        Frame::new(opcode, deflated("")).rsv(4 | 2 | 1),
                    ];
                    let (events, _) = every_cut(|| compressing(role, &config), &stream(role, &frames));
                    let expected = [
                        extension(kind, ReservedBits::RSV2, data),
                        extension(kind, ReservedBits::RSV3, data),
                        extension(kind, ReservedBits::RSV2, &compressed),
                        extension(kind, ReservedBits::RSV2 | ReservedBits::RSV3, ""),
                    ];
                    assert_eq!(events, expected, "{delivery:?}");
                }
            }
        }
    }

    /// 7692-6.2-1, 6455-8.1-1: beside it, compressed messages are what they were, and their text is validated.
    #[test]
    fn compression_alone_is_as_it_was() {
        for role in ROLES {
            let ws = || compressing(role, &Config::new());
            let first = [Frame::text(deflated("é")).rsv(4), Frame::text("é"), Frame::text(deflated(b"\xff")).rsv(6)];
            let before = [text("é"), text("é"), extension(MessageKind::Text, ReservedBits::RSV2, b"\xff")];
            let bad = Frame::text(deflated(b"\xff")).rsv(4);
            assert_fails(ws, &[&first[..], &[bad]].concat(), &before, &Violation::TextNotUtf8);
            assert_fails(ws, &[Frame::ping("").rsv(2)], &[], &Violation::ReservedBit);
        }
    }

    /// 7692-6.2-1, 6455-10.4-1: the limit is on what comes out, whatever other bits there are.
    #[test]
    fn the_limit_is_on_what_comes_out() {
        for role in ROLES {
            let config = Config::new().max_message(100_000);
            let ws = || compressing(role, &config);
            let bomb = Frame::text(zeros(1 << 20, 1000)).rsv(4 | 2);
            assert_fails(ws, &[bomb], &[], &Violation::MessageTooBig(100_001));
            let most = Frame::binary(zeros(100_000, 1000)).rsv(4 | 2);
            let expected = extension(MessageKind::Binary, ReservedBits::RSV2, vec![0; 100_000]);
            assert!(every_cut(ws, &stream(role, &[most])).0 == [expected]);
        }
    }

    /// 7692-5-11, 7692-5-12, 7692-6-1: RSV1 is not to be had beside compression, whichever comes first.
    #[test]
    fn the_first_bit_is_compressions() {
        for role in ROLES {
            let mut ws = connection(role, &Config::new()).with_deflate(&DeflateConfig::new(), DeflateParameters::new());
            for reserved in all_bits() {
                let set = ws.set_reserved_bits(reserved);
                assert_eq!(set.is_ok(), !reserved.contains(ReservedBits::RSV1), "{reserved:?}");
                assert!(set.err().is_none_or(|error| error.to_string().contains("permessage-deflate")));
            }
            assert_eq!(
                ws.reserved_bits(),
                Some(ReservedBits::RSV2 | ReservedBits::RSV3),
                "what was refused changes nothing"
            );

            for (given, left) in [(5, ReservedBits::from_bits(1)), (4, None)] {
                let ws = || {
                    let ws = connection_with(role, &Config::new(), given);
                    ws.with_deflate(&DeflateConfig::new(), DeflateParameters::new())
                };
                assert_eq!(ws().reserved_bits(), left);
                let sent = ws().send(message(MessageKind::Binary, ReservedBits::RSV1, ""));
                assert_eq!(sent.map_err(|error| error.kind()), Err(SendErrorKind::ReservedBit));
                let (events, _) = every_cut(ws, &stream(role, &[Frame::text(deflated("a")).rsv(4)]));
                assert_eq!(events, [text("a")]);
            }
        }
    }

    /// 7692-6.1-2, 7692-6-2: a message of an extension goes out as it is, in each way of sending.
    #[test]
    fn messages_of_extensions_are_not_compressed() {
        for role in ROLES {
            let mut ws = compressing(role, &Config::new());
            let data = vec![b'a'; 5000];
            let long = || message(MessageKind::Text, ReservedBits::RSV2, data.clone());
            ws.send(long()).expect("it is open");
            ws.send_uncompressed(long()).expect("it is open");
            ws.send_part(long(), false).expect("it is open");
            ws.send_part(long(), true).expect("it goes on");
            let whole = Frame::text(&data).rsv(2);
            let parts = [whole.clone().part(), Frame::continuation(&data)];
            assert!(sent_by(role, &drain(&mut ws)) == [&[whole.clone(), whole.clone()], &parts[..]].concat());
            if role == Role::Server {
                ws.send_prepared(&Prepared::new(long()).compress(&DeflateConfig::new())).expect("it is open");
                assert!(sent_by(role, &drain(&mut ws)) == [whole]);
            }
            ws.send("a".repeat(5000)).expect("it is open");
            let sent = sent_by(role, &drain(&mut ws));
            assert!(sent[0].rsv == 4 && sent[0].payload.len() < 100, "others are");
        }
    }
}
