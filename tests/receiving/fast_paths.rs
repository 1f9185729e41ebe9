//! Frames of every length around each border at which a short way through the code may begin or end: the short way and
//! the long one tell the same, refuse the same and send the same.

use crate::common::frames::*;
use crate::common::outgoing::Outgoing;
use std::slice;
use ws_proto::bytes::{Buf, Bytes};
use ws_proto::{
    Cause, Config, Connection, Delivery, Event, Input, Message, Role, Seed, SendErrorKind, Utf8Bytes, Violation,
};

/// The neighbours of the lengths at which a buffer, a header or a window of masking may end.
const BORDERS: [usize; 9] = [4095, 4096, 4097, 16383, 16384, 16385, 65535, 65536, 65537];

fn lengths() -> impl Iterator<Item = usize> {
    (0..=300).chain(BORDERS)
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Binary,
    /// Of characters that take this many bytes each.
    Text(usize),
}

const KINDS: [Kind; 5] = [Kind::Binary, Kind::Text(1), Kind::Text(2), Kind::Text(3), Kind::Text(4)];

/// Text of exactly so many bytes; what characters of one width cannot fill is letters in front of them, so that they
/// stand at every offset from a word's start.
fn characters(width: usize, length: usize) -> String {
    let alphabet = [["a", "Z", " "], ["é", "ß", "ÿ"], ["日", "€", "\u{ffff}"], ["🦀", "𝄞", "\u{10ffff}"]][width - 1];
    let letters = "xyz"[..length % width].chars().map(String::from);
    letters.chain((0..length / width).map(|i| alphabet[i % 3].to_owned())).collect()
}

fn message(kind: Kind, length: usize) -> Frame {
    match kind {
        Kind::Binary => Frame::binary(Random(length as u64).bytes(length)),
        Kind::Text(width) => Frame::text(characters(width, length)),
    }
}

/// The event of a whole message.
fn seen_for(frame: &Frame) -> Seen {
    match frame.opcode {
        TEXT => text(std::str::from_utf8(&frame.payload).unwrap()),
        BINARY => binary(&frame.payload),
        PING => Seen::Ping(frame.payload.clone()),
        PONG => Seen::Pong(frame.payload.clone()),
        opcode => panic!("{opcode} makes no event of its own"),
    }
}

fn message_of(event: Event<'_>) -> Message {
    match event {
        Event::Text(text) => text.into_message(),
        Event::Binary(data) => data.into_message(),
        event => panic!("no message: {event:?}"),
    }
}

/// The events that `bytes` lead to and the frames that go out; nothing of them may be left in the input then.
fn returned(role: Role, config: &Config, bytes: &[u8], cut: Cut, keeping: bool) -> (Vec<Seen>, Vec<Frame>) {
    let mut ws = connection(role, config);
    let mut input = Input::new();
    let (mut seen, mut output) = (Vec::new(), Vec::new());
    for piece in cut.pieces(bytes) {
        input.extend_from_slice(piece);
        while let Some(event) = ws.receive(&mut input) {
            seen.push(match event {
                Event::Text(_) | Event::Binary(_) if keeping => match message_of(event) {
                    Message::Text(kept) => text(&kept),
                    Message::Binary(kept) => binary(&kept),
                    kept @ Message::Extension { .. } => panic!("no bit has a meaning: {kept:?}"),
                },
                event => event.into(),
            });
            output.extend(drain(&mut ws));
        }
    }
    assert!(input.is_empty(), "{} bytes are left in the input after {cut:?}", input.len());
    output.extend(drain(&mut ws));
    (seen, sent_by(role, &output))
}

/// Whole messages of mixed kinds and sizes.
fn messages(random: &mut Random, count: usize, most: usize) -> Vec<Frame> {
    (0..count)
        .map(|_| {
            let kind = KINDS[random.below(5)];
            message(kind, random.below(most + 1))
        })
        .collect()
}

fn events(frames: &[Frame]) -> Vec<Seen> {
    frames.iter().map(seen_for).collect()
}

/// Panics unless the messages `before` are returned and then `wrong`, as it is on the wire, ends the connection for
/// `violation`, whole and in cuts, with nothing returned of what comes behind it.
fn assert_ends(role: Role, config: &Config, before: &[Frame], wrong: &[u8], violation: Violation) {
    let behind = stream(role, &[Frame::text("behind"), Frame::ping("behind"), message(Kind::Binary, 200)]);
    let front = stream(role, before);
    let bytes = [&front[..], wrong, &behind].concat();
    let pongs = before.iter().filter(|frame| frame.opcode == PING).map(|ping| Frame::pong(&ping.payload));
    let sent: Vec<Frame> = pongs.chain([close_for(&violation)]).collect();
    let right = [events(before), vec![failed(violation)]].concat();
    for cut in [Cut::Whole, Cut::At(front.len()), Cut::At(front.len() + wrong.len()), Cut::Random(4)] {
        let (seen, output) = returned(role, config, &bytes, cut, false);
        assert!(seen == right, "after {} messages, {cut:?}: {seen:?} of {wrong:02x?}", before.len());
        assert_eq!(output, sent, "{wrong:02x?}, {cut:?}");
    }
}

fn other(role: Role) -> Role {
    if role == Role::Server { Role::Client } else { Role::Server }
}

/// 6455-5.2-1, 6455-5.2-7, 6455-5.2-9, 6455-5.4-1, 6455-6.2-4, 6455-6.2-8: a message of any length and kind is returned as
/// it was sent, looked at or kept, and leaves the input empty.
#[test]
fn messages_of_every_length() {
    for role in ROLES {
        for length in lengths() {
            for kind in KINDS {
                let frame = message(kind, length);
                let bytes = stream(role, slice::from_ref(&frame));
                for keeping in [false, true] {
                    let (seen, output) = returned(role, &Config::new(), &bytes, Cut::Whole, keeping);
                    assert!(
                        seen == [seen_for(&frame)] && output.is_empty(),
                        "{kind:?} of {length} bytes to a {role:?}"
                    );
                }
            }
        }
    }
}

/// 6455-5.4-3, 6455-6.2-1: wherever a frame is cut, in its header or anywhere in its payload, it is returned the same.
#[test]
fn every_cut_of_a_message_tells_the_same() {
    for role in ROLES {
        for length in 0..=300 {
            let frame = message(KINDS[length % 5], length);
            let (bytes, right) = (stream(role, slice::from_ref(&frame)), [seen_for(&frame)]);
            for at in 1..bytes.len() {
                let (seen, _) = returned(role, &Config::new(), &bytes, Cut::At(at), at % 2 == 0);
                assert!(seen == right, "{length} bytes to a {role:?}, cut before {at}");
            }
            for kind in KINDS {
                let frame = message(kind, length);
                let bytes = stream(role, slice::from_ref(&frame));
                let (seen, _) = returned(role, &Config::new(), &bytes, Cut::EveryByte, false);
                assert!(seen == [seen_for(&frame)], "{kind:?} of {length} bytes to a {role:?}, byte by byte");
            }
        }
    }
}

/// 6455-5.4-3, 6455-6.2-1: the same for large messages, cut in the header, in the first and the last bytes of the
/// payload, and at random.
#[test]
fn cuts_of_a_large_message_tell_the_same() {
    for role in ROLES {
        for length in BORDERS {
            for kind in KINDS {
                let frame = message(kind, length);
                let (bytes, right) = (stream(role, slice::from_ref(&frame)), [seen_for(&frame)]);
                let near_the_ends = [1, 3, 5, 9, 14, 17, bytes.len() - 4, bytes.len() - 1].into_iter().map(Cut::At);
                let random = [Cut::Random(9), Cut::Random(11), Cut::Random(length as u64 * 12 + 10)];
                for cut in near_the_ends.chain(random) {
                    let (seen, _) = returned(role, &Config::new(), &bytes, cut, true);
                    assert!(seen == right, "{kind:?} of {length} bytes to a {role:?}, {cut:?}");
                }
            }
        }
    }
}

/// A message in fragments with control frames between them; what it is returned as, and what answers it.
fn fragmented(random: &mut Random) -> (Vec<Frame>, Vec<Seen>) {
    let most = [10, 130, 400][random.below(3)];
    let whole = message(KINDS[random.below(5)], random.below(most));
    let (mut frames, mut seen) = (Vec::new(), Vec::new());
    let mut rest = &whole.payload[..];
    loop {
        let (part, after) = rest.split_at(random.below(rest.len() + 1));
        let opcode = if frames.is_empty() { whole.opcode } else { CONTINUATION };
        if random.below(3) == 0 {
            frames.push(Frame::new(opcode, rest));
            seen.push(seen_for(&whole));
            return (frames, seen);
        }
        frames.push(Frame::new(opcode, part).part());
        rest = after;
        if random.below(3) == 0 {
            let control = Frame::new([PING, PONG][random.below(2)], random.bytes(3));
            seen.push(seen_for(&control));
            frames.push(control);
        }
    }
}

/// 6455-5.4-6, 6455-5.4-8, 6455-5.5.2-2, 6455-5.5.3-1, 6455-6.2-5: messages, fragments and control frames of all sizes
/// in one buffer are returned one after the other, however the buffer was filled.
#[test]
fn frames_of_all_sizes_in_one_buffer() {
    for seed in 0..40 {
        let role = ROLES[seed as usize % 2];
        let mut random = Random(seed);
        let (mut frames, mut right) = (Vec::new(), Vec::new());
        for _ in 0..40 {
            let frame = match random.below(12) {
                0..5 => message(KINDS[random.below(5)], random.below(21)),
                5..7 => message(KINDS[random.below(5)], random.below(301)),
                7 if seed % 8 < 4 => message(KINDS[random.below(5)], BORDERS[random.below(9)]),
                8 => Frame::ping(message(Kind::Binary, random.below(126)).payload),
                9 => Frame::pong(message(Kind::Binary, random.below(126)).payload),
                _ => {
                    let (fragments, seen) = fragmented(&mut random);
                    frames.extend(fragments);
                    right.extend(seen);
                    continue;
                }
            };
            right.push(seen_for(&frame));
            frames.push(frame);
        }
        let bytes = stream(role, &frames);
        let pongs = frames.iter().filter(|frame| frame.opcode == PING).map(|ping| Frame::pong(&ping.payload));
        let pongs: Vec<Frame> = pongs.collect();
        let every_byte = (bytes.len() < 30_000).then_some(Cut::EveryByte);
        for cut in [Cut::Whole].into_iter().chain(every_byte).chain((2..12).map(Cut::Random)) {
            let (seen, output) = returned(role, &Config::new(), &bytes, cut, seed % 4 < 2);
            assert!(seen == right, "seed {seed}, {cut:?}");
            assert!(output == pongs, "seed {seed}, {cut:?}");
        }
    }
}

/// 6455-5.6-1, 6455-8.1-1, 6455-7.4.1-7: one byte that is not UTF-8, at any place in a text of any length, ends the
/// connection with 1007.
#[test]
fn a_wrong_byte_anywhere_in_a_text() {
    for role in ROLES {
        for length in (1..=125).chain([126, 127, 128, 200, 256, 999, 2000]) {
            for at in 0..length {
                // Each byte above 0x7f is wrong among letters, and 0xff is wrong anywhere.
                let letters = role == Role::Server || (length + at) % 2 == 0;
                let mut payload = characters(if letters { 1 } else { 2 + at % 3 }, length).into_bytes();
                payload[at] = if letters { 0x80 | (at * 37 + length) as u8 } else { 0xff };
                let bytes = stream(role, &[Frame::text(payload), Frame::text("behind")]);
                let (seen, output) = returned(role, &Config::new(), &bytes, Cut::Whole, false);
                assert_eq!(seen, [failed(Violation::TextNotUtf8)], "byte {at} of {length}");
                assert_eq!(output, [close_for(&Violation::TextNotUtf8)], "byte {at} of {length}");
            }
        }
    }
    assert_eq!(Violation::TextNotUtf8.close_code().get(), 1007);
}

/// 6455-5.6-1, 6455-8.1-1: the same in cuts, and for each sequence that Unicode forbids (table 3-7 of its standard).
#[test]
fn a_forbidden_sequence_anywhere_in_a_text() {
    let sequences: [&[u8]; 14] = [
        b"\x80",
        b"\xc0\xaf",
        b"\xc1\xbf",
        b"\xc3",
        b"\xe0\x9f\xbf",
        b"\xe2\x82",
        b"\xed\xa0\x80",
        b"\xed\xbf\xbf",
        b"\xf0\x8f\xbf\xbf",
        b"\xf0\x9f\xa6",
        b"\xf4\x90\x80\x80",
        b"\xf5\x80\x80\x80",
        b"\xf8\x88\x80\x80\x80",
        b"\xff",
    ];
    for role in ROLES {
        for length in [0, 1, 7, 8, 9, 15, 31, 33, 60, 115, 130] {
            for (i, sequence) in sequences.iter().enumerate() {
                for at in (0..=length).step_by(if length > 40 { 5 } else { 1 }) {
                    let letters = characters(1, length).into_bytes();
                    let payload = [&letters[..at], sequence, &letters[at..]].concat();
                    let bytes = stream(role, &[Frame::text(payload)]);
                    for cut in [Cut::Whole, Cut::EveryByte, Cut::Random((at + i) as u64)] {
                        let (seen, output) = returned(role, &Config::new(), &bytes, cut, false);
                        assert_eq!(seen, [failed(Violation::TextNotUtf8)], "{sequence:02x?} at {at} of {length}");
                        assert_eq!(output, [close_for(&Violation::TextNotUtf8)]);
                    }
                }
            }
        }
    }
}

/// 6455-5.6-1, 6455-7.1.7-5, 6455-7.1.7-7: messages in front of a wrong text in the same buffer are all returned, and those
/// behind it are not.
#[test]
fn a_wrong_text_behind_fifty_right_messages() {
    for role in ROLES {
        let before = messages(&mut Random(5), 50, 30);
        for length in [1, 20, 125, 126, 300] {
            for at in (0..length).step_by(if length > 100 { 3 } else { 1 }) {
                let mut payload = characters(1, length).into_bytes();
                payload[at] = 0x80 | at as u8;
                let wrong = Frame::text(payload).to(role).bytes();
                assert_ends(role, &Config::new(), &before, &wrong, Violation::TextNotUtf8);
            }
        }
    }
}

/// 6455-5.1-3, 6455-5.1-6, 6455-5.2-3, 6455-5.2-4, 6455-5.2-8, 6455-5.2-10, 6455-5.5-1, 6455-5.5-2, 6455-7.1.7-7: a
/// header that is wrong behind fifty right messages in the same buffer, of a frame of any size.
#[test]
fn a_wrong_header_behind_fifty_right_messages() {
    for role in ROLES {
        let before = messages(&mut Random(6), 50, 30);
        let ends = |frame: &Frame, violation| {
            assert_ends(role, &Config::new(), &before, &frame.clone().to(role).bytes(), violation);
        };
        for length in [0, 1, 20, 125, 126, 300] {
            for frame in [message(Kind::Binary, length), message(Kind::Text(1), length)] {
                let unexpected = if role == Role::Server { Violation::NotMasked } else { Violation::Masked };
                assert_ends(role, &Config::new(), &before, &frame.clone().to(other(role)).bytes(), unexpected);
                for rsv in 1..8 {
                    ends(&frame.clone().rsv(rsv), Violation::ReservedBit);
                }
                for opcode in (3..8).chain(11..16) {
                    let frame = Frame { opcode, ..frame.clone() };
                    // A reserved control frame of that length is wrong twice, and the opcode shows no later.
                    if opcode < 8 || length <= 125 {
                        ends(&frame, Violation::ReservedOpcode(opcode));
                    }
                }
                if length <= 125 {
                    ends(&frame.clone().form(Form::Bits16), Violation::LengthNotMinimal(length as u64));
                    ends(&Frame::ping(&frame.payload).part(), Violation::FragmentedControl);
                } else {
                    ends(&Frame::pong(&frame.payload), Violation::ControlTooLong);
                }
                ends(&frame.clone().form(Form::Bits64), Violation::LengthNotMinimal(length as u64));
                let top = 1 << 63 | length as u64;
                ends(&frame.clone().form(Form::Bits64).claim(top), Violation::LengthTopBit(top));
                ends(&Frame { opcode: CONTINUATION, ..frame.clone() }, Violation::NothingToContinue);
                let interrupted = [
                    Frame::text("begun").part().to(role).bytes(),
                    Frame::ping("").to(role).bytes(),
                    frame.clone().to(role).bytes(),
                ];
                let behind_ping = [&before[..], &[Frame::ping("")]].concat();
                assert_ends_after(role, &behind_ping, &interrupted.concat(), Violation::MessageInterrupted, &before);
            }
        }
    }
}

/// As `assert_ends`, with events and answers of `wrong` itself among `seen_before`.
fn assert_ends_after(role: Role, seen_before: &[Frame], wrong: &[u8], violation: Violation, before: &[Frame]) {
    let bytes = [&stream(role, before)[..], wrong].concat();
    let close = close_for(&violation);
    let right = [events(seen_before), vec![failed(violation)]].concat();
    for cut in [Cut::Whole, Cut::Random(3)] {
        let (seen, output) = returned(role, &Config::new(), &bytes, cut, false);
        assert!(seen == right, "{cut:?} of {wrong:02x?}: {seen:?}");
        assert_eq!(output.last(), Some(&close));
    }
}

/// 6455-10.4-1, 6455-10.4-2, 6455-7.4.1-9: behind many short messages in the same buffer a message of the largest size
/// passes, and the header of one that is a byte larger ends the connection with 1009.
#[test]
fn limits_behind_many_short_messages() {
    for role in ROLES {
        for limit in [0, 1, 2, 19, 20, 21, 124, 125, 126, 127, 65535, 65536] {
            let frame = Config::new().max_frame(limit as u64);
            let message = Config::new().max_message(limit as u64);
            for (config, violation) in
                [(frame, Violation::FrameTooBig as fn(u64) -> _), (message, Violation::MessageTooBig)]
            {
                for kind in [Kind::Binary, Kind::Text(1), Kind::Text(3)] {
                    // A control frame has a limit of its own.
                    let mut before = messages(&mut Random(7), 50, limit.min(20));
                    before.extend([Frame::ping([1; 125]), self::message(kind, limit)]);
                    let above = self::message(kind, limit + 1).to(role);
                    let one_above = || violation(limit as u64 + 1);
                    assert_ends(role, &config, &before, &above.bytes(), one_above());
                    assert_ends(role, &config, &before, &above.clone().part().bytes(), one_above());
                    assert_ends(role, &config, &[], &above.bytes(), one_above());
                    let huge = Frame { payload: Vec::new(), ..above }.claim(u64::MAX >> 1);
                    assert_ends(role, &config, &before, &huge.bytes(), violation(u64::MAX >> 1));
                }
            }
        }
    }
}

/// 6455-10.4-1: whole messages count as one fragment each, and what they count does not add up over messages.
#[test]
fn max_fragments_behind_many_short_messages() {
    for role in ROLES {
        let before = [messages(&mut Random(8), 50, 30), vec![Frame::ping("still alive")]].concat();
        let none = Config::new().max_fragments(0);
        for frame in &before[..50] {
            let wrong = frame.clone().to(role).bytes();
            assert_ends(role, &none, &[Frame::ping("no fragment")], &wrong, Violation::TooManyFragments);
        }
        for limit in [1, 2, 3] {
            let config = Config::new().max_fragments(limit);
            for part in ["", "short", &characters(1, 200)] {
                let mut unfinished = vec![Frame::continuation(part).part(); limit as usize];
                unfinished[0].opcode = TEXT;
                for fin in [false, true] {
                    let above = Frame { fin, ..Frame::continuation(part) };
                    let wrong = [&unfinished[..], &[above]].concat();
                    assert_ends(role, &config, &before, &stream(role, &wrong), Violation::TooManyFragments);
                }
                // As many as may be pass, again and again.
                let mut whole = unfinished.clone();
                whole.last_mut().unwrap().fin = true;
                let frames = [&before[..], &whole, &whole, &before, &whole].concat();
                let fragments = text(&part.repeat(limit as usize));
                let right = [
                    events(&before),
                    vec![fragments.clone(), fragments.clone()],
                    events(&before),
                    vec![fragments.clone()],
                ];
                for cut in [Cut::Whole, Cut::EveryByte, Cut::Random(5)] {
                    let (seen, _) = returned(role, &config, &stream(role, &frames), cut, false);
                    assert!(seen == right.concat(), "{limit} fragments of {} bytes, {cut:?}", part.len());
                }
            }
        }
    }
}

/// Three fragments of a message, the first two of `length` bytes, with control frames between them.
fn three(kind: Kind, length: usize) -> ([Frame; 5], [Seen; 3]) {
    let whole = message(kind, 3 * length);
    let (ping, pong) = (Frame::ping([length as u8; 3]), Frame::pong(vec![7; length.min(125)]));
    let frames = [
        Frame::new(whole.opcode, &whole.payload[..length]).part(),
        ping.clone(),
        Frame::continuation(&whole.payload[length..2 * length]).part(),
        pong.clone(),
        Frame::continuation(&whole.payload[2 * length..]),
    ];
    let seen = [seen_for(&ping), seen_for(&pong), seen_for(&whole)];
    (frames, seen)
}

/// 6455-5.4-2, 6455-5.4-4, 6455-5.4-8, 6455-5.4-9, 6455-5.6-1, 6455-6.2-4: fragments of any length, with characters cut
/// between them and control frames in between, make the message that was cut.
#[test]
fn fragments_of_every_length() {
    for role in ROLES {
        for length in 0..=130 {
            for kind in KINDS {
                let (frames, right) = three(kind, length);
                let bytes = stream(role, &[&[message(kind, 20)], &frames[..], &[message(kind, 130)]].concat());
                let right = [&events(&[message(kind, 20)])[..], &right, &events(&[message(kind, 130)])].concat();
                for cut in [Cut::Whole, Cut::EveryByte, Cut::Random(length as u64)] {
                    let (seen, output) = returned(role, &Config::new(), &bytes, cut, length % 2 == 0);
                    assert!(seen == right, "{kind:?} in fragments of {length} to a {role:?}, {cut:?}");
                    assert_eq!(output, [Frame::pong([length as u8; 3])]);
                }
            }
        }
    }
}

/// 6455-10.4-1, 6455-5.4-8, 6455-5.6-1: limits that are passed by the second or the third fragment, a text that goes
/// wrong in one of them, and one that ends inside a character, of any length; the control frames in front are returned.
#[test]
fn fragments_of_every_length_that_go_wrong() {
    for role in ROLES {
        for length in 1..=130 {
            let kind = KINDS[length % 5];
            let (frames, _) = three(kind, length);
            let total = 3 * length as u64;
            let length = length as u64;
            let cases = [
                (Config::new().max_message(total), None),
                (Config::new().max_message(total - 1), Some((4, Violation::MessageTooBig(total)))),
                (Config::new().max_message(2 * length - 1), Some((2, Violation::MessageTooBig(2 * length)))),
                (Config::new().max_message(length - 1), Some((0, Violation::MessageTooBig(length)))),
                (Config::new().max_frame(length), None),
                (Config::new().max_frame(length - 1), Some((0, Violation::FrameTooBig(length)))),
                (Config::new().max_fragments(3), None),
                (Config::new().max_fragments(2), Some((4, Violation::TooManyFragments))),
                (Config::new().max_fragments(1), Some((2, Violation::TooManyFragments))),
            ];
            for (config, wrong) in cases {
                assert_fragments(role, &config, &frames, wrong.as_ref());
            }

            let length = frames[0].payload.len();
            let (frames, _) = three(Kind::Text(1), length);
            for (at, in_fragment) in [(0, length - 1), (2, 0), (2, length / 2), (4, length - 1)] {
                let mut frames = frames.clone();
                frames[at].payload[in_fragment] = 0xff;
                assert_fragments(role, &Config::new(), &frames, Some(&(at, Violation::TextNotUtf8)));
            }
            // The first bytes of a character at the end of one fragment, and something else in the next; an empty one
            // in between decides nothing.
            for begun in [&b"\xc3"[..], b"\xe2\x82", b"\xf0\x9f\xa6"] {
                let mut frames = frames.clone();
                frames[0].payload.extend(begun);
                assert_fragments(role, &Config::new(), &frames, Some(&(2, Violation::TextNotUtf8)));
                frames[2].payload.clear();
                assert_fragments(role, &Config::new(), &frames, Some(&(4, Violation::TextNotUtf8)));
                frames[4].payload.clear();
                assert_fragments(role, &Config::new(), &frames, Some(&(4, Violation::TextNotUtf8)));
            }
        }
    }
}

/// Feeds what `three` made, changed or not: it ends with the frame at this index, or not at all.
fn assert_fragments(role: Role, config: &Config, frames: &[Frame; 5], wrong: Option<&(usize, Violation)>) {
    let bytes = stream(role, frames);
    let mut right = vec![seen_for(&frames[1]), seen_for(&frames[3])];
    match wrong {
        Some((at, violation)) => {
            right.truncate(at / 2);
            right.push(failed(violation.clone()));
        }
        None => {
            let payload = [&frames[0].payload[..], &frames[2].payload, &frames[4].payload].concat();
            right.push(seen_for(&Frame::new(frames[0].opcode, payload)));
        }
    }
    for cut in [Cut::Whole, Cut::EveryByte, Cut::Random(frames[0].payload.len() as u64)] {
        let (seen, output) = returned(role, config, &bytes, cut, false);
        assert!(seen == right, "{cut:?} of {frames:?} gives {seen:?} instead of {wrong:?}");
        if let Some((_, violation)) = wrong {
            assert_eq!(output.last(), Some(&close_for(violation)));
        }
    }
}

/// 6455-5.4-3, 6455-6.2-4: where parts are asked for, a message that is there as a whole is returned as parts, too, of any
/// length and in as many frames as it came; the parts make what was sent, and the last one says so.
#[test]
fn parts_of_every_length() {
    let config = Config::new().delivery(Delivery::Parts);
    for role in ROLES {
        for length in lengths().filter(|length| *length < 20_000) {
            let kind = KINDS[length % 5];
            let frame = message(kind, length);
            let (fragments, _) = three(kind, length.min(130));
            let bytes =
                stream(role, &[&[frame.clone(), frame.clone()][..], &fragments, slice::from_ref(&frame)].concat());
            let (_, told_of_fragments) = three(kind, length.min(130));
            let right = [seen_for(&frame), seen_for(&frame), told_of_fragments[2].clone(), seen_for(&frame)];
            for cut in [Cut::Whole, Cut::At(3), Cut::Random(length as u64)] {
                let (seen, _) = returned(role, &config, &bytes, cut, false);
                let (mut whole, mut parts) = (Vec::new(), Vec::new());
                for event in seen {
                    let (is_text, part, fin) = match event {
                        Seen::TextPart(part, fin) => (true, part.into_bytes(), fin),
                        Seen::BinaryPart(part, fin) => (false, part, fin),
                        Seen::Ping(_) | Seen::Pong(_) => continue,
                        event => panic!("no part: {event:?}"),
                    };
                    parts.extend(part);
                    if fin {
                        let opcode = if is_text { TEXT } else { BINARY };
                        whole.push(seen_for(&Frame::new(opcode, std::mem::take(&mut parts))));
                    }
                }
                assert!(parts.is_empty() && whole == right, "{kind:?} of {length} bytes to a {role:?}, {cut:?}");
            }
        }
    }
}

/// 6455-6.1-1, 6455-6.2-4: an event that is held while messages are sent and written is still what arrived, and what is
/// dropped unread or taken away leaves the next one alone.
#[test]
fn an_event_stays_right_while_others_are_sent() {
    for seed in 0..20 {
        let role = ROLES[seed as usize % 2];
        let mut random = Random(seed);
        let mut frames = messages(&mut random, 150, 200);
        frames.extend(messages(&mut random, 5, 70_000));
        frames.extend(messages(&mut random, 150, 30));
        let bytes = stream(role, &frames);
        let mut ws = connection(role, &Config::new());
        let mut input = Input::new();
        let (mut kept, mut sent, mut written) = (Vec::new(), Outgoing::of(role), Vec::new());
        let mut at = 0;
        for piece in Cut::Random(5 + seed % 7).pieces(&bytes) {
            input.extend_from_slice(piece);
            while let Some(event) = ws.receive(&mut input) {
                let right = &frames[at];
                at += 1;
                for _ in 0..random.below(3) {
                    let frame = message(KINDS[random.below(5)], [3, 100, 500, 5000][random.below(4)]);
                    send(&mut ws, &frame, random.below(4));
                    sent.send(frame);
                }
                if random.below(4) == 0 {
                    ws.ping(b"between").unwrap();
                    sent.send(Frame::ping("between"));
                }
                let count = random.below(3000).min(ws.output().remaining());
                written.extend(ws.output().copy_to_bytes(count));
                sent.write(count);
                match random.below(4) {
                    0 => drop(event),
                    1 => kept.push((at - 1, message_of(event))),
                    _ => assert!(Seen::from(event) == seen_for(right), "message {} of seed {seed}", at - 1),
                }
            }
        }
        assert_eq!(at, frames.len(), "seed {seed}");
        assert!(input.is_empty());
        // Written over, where it is the input's own: what was kept is not.
        input.extend_from_slice(&[0xaa; 200_000]);
        for (at, message) in kept {
            let is_text = matches!(message, Message::Text(_));
            assert!(is_text == (frames[at].opcode == TEXT), "message {at} of seed {seed}");
            assert!(*message.as_bytes() == frames[at].payload, "message {at} of seed {seed}");
        }
        written.extend(drain(&mut ws));
        assert!(sent_by(role, &written) == sent.frames(), "seed {seed}");
    }
}

/// 6455-6.2-4: events that nobody looks at, kept ones and read ones in each order, all in one buffer.
#[test]
fn what_happens_to_an_event_is_nothing_to_the_next() {
    for role in ROLES {
        for pattern in 0..81 {
            let frames = messages(&mut Random(pattern), 40, [20, 125, 126, 300][pattern as usize % 4]);
            let mut input = Input::from(&stream(role, &frames)[..]);
            let mut ws = connection(role, &Config::new());
            let mut kept = Vec::new();
            for (i, frame) in frames.iter().enumerate() {
                let event = ws.receive(&mut input).expect("a message waits");
                match pattern / [1, 3, 9, 27][i % 4] % 3 {
                    0 => drop(event),
                    1 => assert!(Seen::from(event) == seen_for(frame), "message {i} of pattern {pattern}"),
                    _ => kept.push((frame, message_of(event))),
                }
            }
            assert!(ws.receive(&mut input).is_none() && input.is_empty());
            assert!(kept.iter().all(|(frame, message)| *message.as_bytes() == frame.payload), "pattern {pattern}");
        }
    }
}

/// The end of the stream, returned once and nothing after it.
fn assert_closed_once(ws: &mut Connection, input: &mut Input, before: &[Seen]) {
    ws.receive_eof();
    let seen = take_events(ws, input);
    let Some((Seen::Closed { cause: Cause::EndOfStream, code: 1006, clean: false, .. }, first)) = seen.split_last()
    else {
        panic!("no end of the stream: {seen:?}")
    };
    assert!(first == before, "{first:?}");
    ws.receive_eof();
    assert_eq!(take_events(ws, input), [], "the end is returned once");
    assert!(drain(ws).is_empty(), "an end of the stream says nothing to a peer that is gone");
}

/// 6455-7.2.1-2, 6455-6.2-1: a frame of any length without its last byte is not returned; then it is, when the byte comes, or
/// the end, when none does.
#[test]
fn one_byte_missing() {
    for role in ROLES {
        for length in lengths() {
            for kind in KINDS {
                let frame = message(kind, length);
                let bytes = stream(role, slice::from_ref(&frame));
                let (front, last) = bytes.split_at(bytes.len() - 1);
                let unfinished = || {
                    let mut ws = connection(role, &Config::new());
                    let mut input = Input::from(front);
                    assert!(ws.receive(&mut input).is_none(), "{kind:?} of {length} bytes without the last");
                    // Asking again changes nothing.
                    assert!(ws.receive(&mut input).is_none(), "{kind:?} of {length} bytes without the last");
                    (ws, input)
                };
                let (mut ws, mut input) = unfinished();
                assert!(feed(&mut ws, &mut input, last) == [seen_for(&frame)], "{kind:?} of {length} bytes");
                assert!(input.is_empty());
                let (mut ws, mut input) = unfinished();
                assert_closed_once(&mut ws, &mut input, &[]);
            }
        }
    }
}

/// 6455-7.2.1-2: the stream may end behind any byte, in a header, in a payload or between two frames; what was whole is
/// returned, then the end, once, whether it was asked for before or only now.
#[test]
fn the_stream_ends_anywhere() {
    for role in ROLES {
        for frame in [
            Frame::text("é"),
            message(Kind::Text(1), 20),
            message(Kind::Binary, 125),
            message(Kind::Text(4), 126),
            Frame::ping("ping"),
            message(Kind::Binary, 65_536),
        ] {
            let fragments = [Frame::text("a").part(), Frame::continuation([]).part(), Frame::continuation("b")];
            let frames = [&[Frame::text("first"), message(Kind::Binary, 3)][..], &fragments, &[frame]].concat();
            let bytes = stream(role, &frames);
            for end in (0..bytes.len().min(200)).chain(bytes.len() - 1..=bytes.len()) {
                let mut told_so_far = oracle(role, Limits::NONE, &bytes[..end]).seen;
                let mut ws = connection(role, &Config::new());
                let mut input = Input::from(&bytes[..end]);
                // Everything that is there waits for the first look.
                assert_ends_or_answers(&mut ws, &mut input, &told_so_far);

                let mut ws = connection(role, &Config::new());
                let mut input = Input::new();
                assert!(feed(&mut ws, &mut input, &bytes[..end]) == told_so_far);
                told_so_far.clear();
                assert_ends_or_answers(&mut ws, &mut input, &told_so_far);
            }
        }
    }
}

/// As `assert_closed_once`, but a Pong may be due.
fn assert_ends_or_answers(ws: &mut Connection, input: &mut Input, before: &[Seen]) {
    drain(ws);
    ws.receive_eof();
    let seen = take_events(ws, input);
    let is_end = matches!(seen.last(), Some(Seen::Closed { cause: Cause::EndOfStream, code: 1006, .. }));
    assert!(is_end && seen[..seen.len() - 1] == *before, "{seen:?} instead of {before:?} and the end");
    drain(ws);
    assert_eq!(take_events(ws, input), []);
}

/// Sends a whole message in one of four ways: borrowed, given away, shared, and as an owned value of the other type.
fn send(ws: &mut Connection, frame: &Frame, way: usize) {
    try_send(ws, frame, way).unwrap();
}

fn try_send(ws: &mut Connection, frame: &Frame, way: usize) -> Result<(), SendErrorKind> {
    let data = || Bytes::from(frame.payload.clone());
    let as_text = || String::from_utf8(frame.payload.clone()).unwrap();
    let sent = match (frame.opcode, way) {
        (PING, _) => ws.ping(&frame.payload),
        (TEXT, 0) => ws.send_text(&as_text()),
        (TEXT, 1) => ws.send(as_text()),
        (TEXT, 2) => {
            let shared = Utf8Bytes::from(as_text());
            let sent = ws.send(shared.clone());
            assert!(*shared.as_bytes() == frame.payload, "what is shared stays as it is");
            sent
        }
        (TEXT, _) => ws.send_part(as_text(), true),
        (_, 0) => ws.send_binary(&frame.payload),
        (_, 1) => ws.send(frame.payload.clone()),
        (_, 2) => {
            let shared = data();
            let sent = ws.send(shared.clone());
            assert!(shared == frame.payload, "what is shared stays as it is");
            sent
        }
        _ => ws.send_part(data(), true),
    };
    sent.map_err(|error| error.kind())
}

/// What a write of the output would be given, vectored or not.
fn shown(ws: &mut Connection, vectored: bool) -> Vec<u8> {
    let output = ws.output();
    #[cfg(feature = "std")]
    if vectored {
        let mut slices = [std::io::IoSlice::new(&[]); 5];
        let count = output.chunks_vectored(&mut slices);
        return slices[..count].iter().map(|slice| &slice[..]).collect::<Vec<_>>().concat();
    }
    let _ = vectored;
    output.chunk().to_vec()
}

/// Writes at most so many bytes, as a socket that takes a part of what it is shown; how many.
fn write_some(ws: &mut Connection, most: usize, vectored: bool, written: &mut Vec<u8>) -> usize {
    let remaining = ws.output().remaining();
    let shown = shown(ws, vectored);
    assert!(shown.len() <= remaining && shown.is_empty() == (remaining == 0));
    let count = shown.len().min(most);
    written.extend(&shown[..count]);
    ws.output().advance(count);
    assert_eq!(ws.output().remaining(), remaining - count);
    count
}

/// 6455-5.1-1, 6455-5.2-7, 6455-5.2-10, 6455-5.3-5, 6455-6.1-4, 6455-6.1-8: a message of any length and kind, sent in
/// any way, is one frame in its shortest form.
#[test]
fn sends_of_every_length() {
    for role in ROLES {
        for way in 0..4 {
            for kind in [Kind::Binary, Kind::Text(1), Kind::Text(3)] {
                let mut ws = connection(role, &Config::new());
                let mut together = connection(role, &Config::new());
                let mut right = Vec::new();
                for length in lengths() {
                    let frame = message(kind, length);
                    send(&mut ws, &frame, way);
                    assert!(sent_by(role, &drain(&mut ws)) == [frame.clone()], "{kind:?} of {length} bytes, way {way}");
                    send(&mut together, &frame, way);
                    right.push(frame);
                }
                assert!(sent_by(role, &drain(&mut together)) == right, "{kind:?}, way {way}");
            }
        }
    }
}

/// 6455-5.4-6, 6455-5.5.2-4, 6455-6.1-1: messages of all lengths and Pings between them come out whole and in order, the
/// Pings at the next border, whatever each write takes, also while others are sent, and with memory given back at any time.
#[test]
fn sends_of_every_length_with_writes_of_any_size() {
    for seed in 0..8 {
        let role = ROLES[seed as usize % 2];
        let mut random = Random(seed);
        let mut ws = connection(role, &Config::new());
        let (mut written, mut right) = (Vec::new(), Outgoing::of(role));
        let mut left: Vec<usize> = lengths().collect();
        while !left.is_empty() {
            let frame = match random.below(6) {
                0 => Frame::ping(random.bytes(random.0 as usize % 126)),
                _ => message(KINDS[random.below(5)], left.swap_remove(random.below(left.len()))),
            };
            send(&mut ws, &frame, random.below(4));
            right.send(frame);
            for _ in 0..random.below(4) {
                let most = [1, 7, 100, 5000, 70_000][random.below(5)];
                right.write(write_some(&mut ws, 1 + random.below(most), random.below(2) == 0, &mut written));
            }
            if random.below(10) == 0 {
                ws.release_memory();
            }
        }
        while ws.interest().write {
            let most = [3, 1000, 100_000][random.below(3)];
            write_some(&mut ws, 1 + random.below(most), random.below(2) == 0, &mut written);
        }
        assert!(sent_by(role, &written) == right.frames(), "seed {seed}");
    }
}

/// The bytes of a frame on the wire.
fn size(role: Role, frame: &Frame) -> usize {
    frame.clone().to(other(role)).header().len() + frame.payload.len()
}

/// A frame as large as all that may wait is taken, and one that is a byte larger is not, in any way to send it; what was
/// refused leaves no trace.
#[test]
fn max_buffered_is_exact_at_every_length() {
    for role in ROLES {
        for length in lengths() {
            for kind in [Kind::Binary, Kind::Text(1)] {
                for way in 0..4 {
                    let frame = message(kind, length);
                    let size = size(role, &frame);
                    let mut exact = connection(role, &Config::new().max_buffered(size));
                    assert_eq!(try_send(&mut exact, &frame, way), Ok(()), "{length} bytes, way {way}");
                    assert_eq!(exact.output().remaining(), size);
                    assert_eq!(try_send(&mut exact, &Frame::binary(""), way), Err(SendErrorKind::Full));
                    assert!(sent_by(role, &drain(&mut exact)) == [frame.clone()]);
                    let mut small = connection(role, &Config::new().max_buffered(size - 1));
                    assert_eq!(try_send(&mut small, &frame, way), Err(SendErrorKind::TooLarge), "{length}, way {way}");
                    assert!(!small.interest().write && small.output().remaining() == 0);
                }
            }
        }
    }
}

/// The same while other frames wait, some of them partly written: what may wait is what remains and what is sent.
#[test]
fn max_buffered_is_exact_while_frames_wait() {
    for seed in 0..12 {
        let role = ROLES[seed as usize % 2];
        let mut random = Random(seed);
        let (limit, steps) = [(500, 600), (5000, 300), (80_000, 60)][seed as usize % 3];
        let mut ws = connection(role, &Config::new().max_buffered(limit));
        let (mut written, mut right) = (Vec::new(), Outgoing::of(role));
        let mut refused = 0;
        for _ in 0..steps {
            let room = limit - ws.output().remaining();
            // What fits exactly, one byte more, and anything.
            let length = match random.below(3) {
                0 => random.below(limit + 10),
                above => (room + above).saturating_sub(size(role, &Frame::binary(vec![0; room])) - room + 1),
            };
            let frame = match random.below(4) {
                0 => Frame::ping(vec![5; length.min(125)]),
                kind => message([Kind::Binary, Kind::Text(1), Kind::Text(2)][kind - 1], length),
            };
            let size = size(role, &frame);
            let right_answer = match size {
                size if size > limit => Err(SendErrorKind::TooLarge),
                size if size > room => Err(SendErrorKind::Full),
                _ => Ok(()),
            };
            assert_eq!(try_send(&mut ws, &frame, random.below(4)), right_answer, "{size} bytes into {room} of {limit}");
            assert!(ws.output().remaining() <= limit);
            match right_answer {
                Ok(()) => right.send(frame),
                Err(_) => refused += 1,
            }
            let most = 1 + random.below(limit / 2);
            // What has been looked at and not written keeps its place, so nothing is looked at in vain.
            right.write(write_some(&mut ws, random.below(most).max(1), random.below(2) == 0, &mut written));
        }
        written.extend(drain(&mut ws));
        let right = right.frames();
        assert!(sent_by(role, &written) == right, "seed {seed}");
        assert!(refused > steps / 10 && right.len() > steps / 10, "{refused} were refused, {} were sent", right.len());
    }
}

/// 6455-5.3-2, 6455-5.3-4, 6455-10.3-1: each frame of a client has a key of its own, whatever its size and type; every
/// bit of the keys is used, and another seed makes other ones.
#[test]
fn masking_keys_differ() {
    let keys = |seed: u8| {
        let mut client = Connection::client(Seed::new([seed; 32]), &Config::new());
        let mut random = Random(9);
        let mut written = Vec::new();
        for i in 0..600 {
            match random.below(8) {
                0 => client.ping(b"ping").unwrap(),
                1 => client.pong(b"").unwrap(),
                _ => send(&mut client, &message(KINDS[i % 5], [0, 20, 125, 126, 4096][random.below(5)]), i % 4),
            }
            written.extend(drain(&mut client));
        }
        let keys: Vec<u32> =
            read_frames(&written).iter().map(|frame| u32::from_be_bytes(frame.key.expect("a mask"))).collect();
        assert_eq!(keys.len(), 600);
        keys
    };
    let (first, second) = (keys(1), keys(2));
    let mut all = [&first[..], &second].concat();
    let ones: Vec<usize> = (0..32).map(|bit| all.iter().filter(|key| *key >> bit & 1 == 1).count()).collect();
    // Of 1,200 fair bits, 450 to 750 are ones but for a chance of 10^-17.
    assert!(ones.iter().all(|ones| (450..750).contains(ones)), "{ones:?}");
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 1200, "a key came twice");
}

/// 6455-5.3-5, 6455-10.3-2: the mask goes on rightly wherever a large payload is cut by writes of any size, with frames
/// waiting before and behind it, shared or given away.
#[test]
fn a_mask_goes_on_over_pieces() {
    for (seed, length) in [65_536, 65_537, 131_071, 131_073, 200_003, 1 << 20 | 5].into_iter().enumerate() {
        for way in 0..4 {
            let mut random = Random((10 * seed + way) as u64);
            let mut client = connection(Role::Client, &Config::new());
            let large = message(Kind::Binary, length);
            let right = [Frame::text("before"), large.clone(), Frame::ping("between"), large, Frame::text("behind")];
            let mut written = Vec::new();
            for frame in &right {
                if frame.opcode == PING {
                    // The large frame before it has begun.
                    let begun = size(Role::Client, &right[0]) + 1;
                    written.extend(client.output().copy_to_bytes(begun));
                }
                send(&mut client, frame, way);
            }
            while client.interest().write {
                let most = [5, 4099, 65_535, 65_539, 200_000][random.below(5)];
                write_some(&mut client, 1 + random.below(most), random.below(2) == 0, &mut written);
            }
            let frames = read_frames(&written);
            assert!(frames.windows(2).all(|pair| pair[0].key != pair[1].key), "two frames have one key");
            assert!(sent_by(Role::Client, &written) == right, "{length} bytes, way {way}");
        }
    }
}
