//! Receiving compressed messages (RFC 7692): blocks of every type and form, windows that outlive a message or do not,
//! uncompressed messages and control frames in between, the first reserved bit, limits, text, and data that is broken.

use crate::common::deflate::*;
use crate::common::frames::*;
use proptest::prelude::*;
use ws_proto::bytes::Buf;
use ws_proto::{Cause, Config, Connection, DeflateConfig, Delivery, Event, Input, Role, Violation};

/// "Hello" in a block of fixed codes (RFC 7692 §7.2.3.1).
const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
/// "Hello" once more, which reaches back into the first (RFC 7692 §7.2.3.2).
const AGAIN: [u8; 5] = [0xf2, 0x00, 0x11, 0x00, 0x00];
/// "Hello" in a stored block (RFC 7692 §7.2.3.3).
const STORED: [u8; 11] = [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00];
/// "Hello" in a last block (RFC 7692 §7.2.3.4).
const FINAL: [u8; 8] = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
/// "Hello" in two blocks, an empty stored one between them (RFC 7692 §7.2.3.5).
const BLOCKS: [u8; 13] = [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];

fn setup(role: Role) -> Setup {
    Setup::new(role)
}

fn in_parts(setup: &Setup) -> Setup {
    let config = setup.config.clone().delivery(Delivery::Parts);
    setup.clone().config(config)
}

/// With messages whole and in parts.
fn deliveries(setup: &Setup) -> [Setup; 2] {
    [setup.clone(), in_parts(setup)]
}

fn hello(payload: impl AsRef<[u8]>) -> Frame {
    compressed(Frame::text(payload))
}

/// What the fragments of a message are when it is cut into pieces of `size` bytes, the first and the last one empty.
fn pieces(frame: &Frame, size: usize) -> Vec<Frame> {
    let cuts: Vec<_> = (0..=frame.payload.len()).step_by(size).chain([frame.payload.len()]).collect();
    cut_at(frame, &cuts)
}

/// 7692-7.2.3-1: the second implementation reads the examples of the RFC, shows what they are made of, and writes them.
#[test]
fn the_oracle_knows_the_examples() {
    let fixed = |last| Block { kind: Kind::Fixed, last };
    let stored = Block { kind: Kind::Stored, last: false };
    for (payload, blocks) in [
        (&HELLO[..], &[fixed(false), stored][..]),
        (&STORED, &[stored, stored]),
        (&FINAL, &[fixed(true), stored]),
        (&BLOCKS, &[fixed(false), stored, fixed(false), stored]),
    ] {
        let inflated = inflate_message(payload, &[]).unwrap();
        assert_eq!((&inflated.data[..], &inflated.blocks[..], inflated.largest_distance), (&b"Hello"[..], blocks, 0));
    }
    let again = inflate_message(&AGAIN, b"Hello").unwrap();
    assert_eq!((&again.data[..], again.largest_distance), (&b"Hello"[..], 5));
    assert!(inflate_message(&AGAIN, b"Hel").is_err());
    assert_eq!(inflate_message(&[0x00], &[]).unwrap().data, b"");

    assert_eq!(Stream::new().fixed(&literals("Hello"), false).message(), HELLO);
    assert_eq!(Stream::new().fixed(&[Token::Literal(b'H'), far(4, 5)], false).message(), AGAIN);
    assert_eq!(Stream::new().stored("Hello", false).message(), STORED);
    assert_eq!(Stream::new().fixed(&literals("Hello"), true).message(), FINAL);
    let blocks = Stream::new().fixed(&literals("He"), false).stored("", false).fixed(&literals("llo"), false);
    assert_eq!(blocks.message(), BLOCKS);
    assert_eq!(Stream::new().message(), [0x00]);
}

/// The two halves of the second implementation agree on random streams, and on how much of a broken one is right.
#[test]
fn the_oracle_agrees_with_itself() {
    let mut random = Random(1);
    for size in [0, 1, 5, 50, 500] {
        for _ in 0..20 {
            let history = random.bytes(100);
            let (stream, data) = random_stream(&mut random, &history, WINDOW, 5, size);
            let payload = stream.message();
            assert!(inflate_message(&payload, &history).unwrap().data == data);
            let cut = random.below(payload.len());
            let (so_far, _) = inflate_so_far(&payload[..cut], &history);
            assert!(data.starts_with(&so_far.data));
        }
    }
    for length in [0, 1, 258, 259, 260, 100_000] {
        for per_block in [1, 7, usize::MAX] {
            let inflated = inflate_message(&zeros(length, per_block), &[]).unwrap();
            assert!(inflated.data == vec![0; length] && inflated.largest_distance <= 1);
        }
    }
}

/// 7692-7.2.3-1, 7692-7.2.1-3, 7692-7.2.1-4, 7692-7.2.1-5, 7692-7.2.2-1, 6455-6.2-7: the examples of RFC 7692 §7.2.3
/// byte for byte, as a server sends them.
#[test]
fn the_examples() {
    let client = setup(Role::Client);
    let whole = [&[0xc1, 0x07][..], &HELLO].concat();
    let fragments = [&[0x41, 0x03, 0xf2, 0x48, 0xcd][..], &[0x80, 0x04, 0xc9, 0xc9, 0x07, 0x00]].concat();
    let again = [&[0xc1, 0x05][..], &AGAIN].concat();
    let stored = [&[0xc1, 0x0b][..], &STORED].concat();
    let last = [&[0xc1, 0x08][..], &FINAL].concat();
    let blocks = [&[0xc1, 0x0d][..], &BLOCKS].concat();
    let empty = [0xc1, 0x01, 0x00];
    for example in [&whole, &fragments, &stored, &last, &blocks] {
        assert_eq!(client.every_point(example).seen, [text("Hello")]);
    }
    assert_eq!(client.every_point(&empty).seen, [text("")]);
    assert_eq!(client.every_point(&[&whole[..], &again].concat()).seen, [text("Hello"), text("Hello")]);
    let all = [&whole[..], &again, &fragments, &again, &stored, &again, &last, &again, &blocks, &again].concat();
    assert_eq!(client.every_point(&all).seen, vec![text("Hello"); 10]);
}

/// 7692-6.2-1, 7692-6.1-5, 7692-5-18, 6455-6.1-9, 6455-9.2-1: a compressed message is delivered as the type that its
/// opcode says, in both roles, with takeover and without, whole and in parts.
#[test]
fn a_compressed_message_is_a_message() {
    for setup in setups() {
        for setup in deliveries(&setup) {
            let stream = Stream::new().fixed(&literals("Grüße"), false).stored(" und mehr", false).message();
            let frames = [
                hello(&stream),
                compressed(Frame::binary(&stream)),
                compressed(Frame::binary(Stream::new().stored(b"\xff\xfe", true).message())),
            ];
            setup.assert_sees(&frames, &[text("Grüße und mehr"), binary("Grüße und mehr"), binary(b"\xff\xfe")]);
        }
    }
}

/// 7692-6.2-1, 7692-7.2.1-6, 7692-6-1, 6455-6.2-6: the payloads of all frames are one stream: cut anywhere, with empty
/// fragments, and with control frames between.
#[test]
fn fragments_are_joined() {
    let dynamic = Codes::random(&mut Random(4), &literals("dynamic blocks"));
    let payload = Stream::new()
        .dynamic(&literals("dynamic blocks"), &dynamic, false)
        .stored(", stored ones", true)
        .fixed(&[&literals(" and fixed ones")[..], &[far(20, 25)]].concat(), true)
        .message();
    let data = inflate_message(&payload, &[]).unwrap().data;
    for role in ROLES {
        for setup in deliveries(&setup(role)) {
            let message = compressed(Frame::binary(&payload));
            for at in 0..=payload.len() {
                let mut frames = cut_at(&message, &[at]);
                frames.insert(1, Frame::ping("between"));
                let run = setup.cuts(&stream(role, &frames), &[Cut::Whole, Cut::EveryByte, Cut::Random(3)]);
                assert_eq!(run.seen, [Seen::Ping("between".into()), binary(&data)], "cut at {at}");
                assert_eq!(sent_by(role, &run.output), [Frame::pong("between")]);
            }
            for size in 1..5 {
                setup.assert_sees(&pieces(&message, size), &[binary(&data)]);
                let mut frames = pieces(&message, size);
                for i in (1..frames.len()).rev() {
                    frames.insert(i, Frame::pong([i as u8]));
                }
                let run = setup.every_cut(&stream(role, &frames));
                assert_eq!(run.seen.last(), Some(&binary(&data)));
                assert_eq!(run.seen.len(), pieces(&message, size).len());
            }
        }
    }
}

/// 7692-7.2.3-2, 7692-6-2, 7692-6.2-2, 7692-6.1-2: an uncompressed message is delivered as it came and leaves the
/// window alone.
#[test]
fn uncompressed_messages_leave_the_window_alone() {
    for role in ROLES {
        for setup in deliveries(&setup(role)) {
            let between = [
                Frame::text("plain"),
                Frame::binary([0xf2, 0x48]).part(),
                Frame::ping(""),
                Frame::continuation(HELLO),
                Frame::text(""),
            ];
            let seen = [text("plain"), Seen::Ping(vec![]), binary([&[0xf2, 0x48][..], &HELLO].concat()), text("")];
            let frames = [&[hello(HELLO)][..], &between, &[hello(AGAIN)], &between, &[hello(AGAIN)]].concat();
            let right = [&[text("Hello")][..], &seen, &[text("Hello")], &seen, &[text("Hello")]].concat();
            setup.assert_sees(&frames, &right);
        }
    }
}

/// 7692-7.2.2-3, 7692-7.2.2-5, 7692-7.2.1-4: the window outlives a last block, a message that ends in one, empty
/// messages and messages without any data of their own.
#[test]
fn the_window_outlives_last_blocks() {
    for role in ROLES {
        for setup in deliveries(&setup(role)) {
            let empty = Stream::new().fixed(&[], true).fixed(&[], true).message();
            let twice = Stream::new().fixed(&literals("He"), true).fixed(&literals("llo"), true).message();
            let within =
                Stream::new().fixed(&literals("ab"), true).fixed(&[far(4, 2)], true).stored("c", true).message();
            let frames = [
                hello(FINAL),
                hello(AGAIN),
                hello(&twice),
                hello(AGAIN),
                hello(&empty),
                hello(AGAIN),
                hello([0x00]),
                hello(AGAIN),
                hello(&within),
                hello(Stream::new().fixed(&[far(5, 12)], true).message()),
            ];
            let hello = text("Hello");
            let right = [&vec![hello.clone(); 4][..], &[text(""), hello.clone(), text(""), hello.clone()]].concat();
            setup.assert_sees(&frames, &[&right[..], &[text("abababc"), hello]].concat());
        }
    }
}

/// 7692-7.2.2-6: what this side only asked for does not change what was agreed: takeover that was not forbidden works.
#[test]
fn only_what_was_agreed_counts() {
    for role in ROLES {
        let wishes = [
            DeflateConfig::new().receive_context_takeover(false),
            DeflateConfig::new().receive_context_takeover(false).send_context_takeover(false),
            DeflateConfig::new().receive_window_bits(8).send_window_bits(8),
            DeflateConfig::new().keep_contexts(false),
            DeflateConfig::new().receive_context_takeover(false).keep_contexts(false),
        ];
        for wish in wishes {
            let far_back = Random(3).bytes(WINDOW - 5);
            let stored = Stream::new().stored(&far_back, false).message();
            let hello_of_old = Stream::new().fixed(&[far(5, WINDOW)], false).message();
            let frames = [hello(HELLO), compressed(Frame::binary(&stored)), hello(&hello_of_old)];
            let bytes = stream(role, &frames);
            let run = setup(role).deflate(wish).cuts(&bytes, &[Cut::Whole, Cut::Random(5), Cut::Random(11)]);
            assert!(run.seen == [text("Hello"), binary(&far_back), text("Hello")], "{}", brief(&run.seen));
        }
    }
}

/// 7692-7.2.2-2, 7692-7.2.2-4: without takeover each message stands alone, whatever went before.
#[test]
fn without_takeover_messages_stand_alone() {
    for role in ROLES {
        for setup in deliveries(&setup(role).takeover(true, false)) {
            let long =
                Stream::new().fixed(&[&literals("abc")[..], &[far(258, 3), far(258, 200)]].concat(), true).message();
            let data = inflate_message(&long, &[]).unwrap().data;
            let frames = [hello(HELLO), hello(FINAL), hello(&long), hello(HELLO), hello([0x00]), hello(&long)];
            let long = text(std::str::from_utf8(&data).unwrap());
            setup.assert_sees(&frames, &[text("Hello"), text("Hello"), long.clone(), text("Hello"), text(""), long]);

            // A peer that reaches back all the same is returned so, or understood; it gets nothing else.
            let run = setup.every_cut(&stream(role, &[hello(HELLO), hello(AGAIN)]));
            let returned = run.seen == [text("Hello"), failed_for(Violation::CorruptDeflate)]
                || run.seen
                    == [text("Hello"), Seen::TextPart("H".into(), false), failed_for(Violation::CorruptDeflate)];
            assert!(returned || run.seen == [text("Hello"), text("Hello")], "{:?}", run.seen);
        }
    }
}

/// 7692-7.2.2-7, 7692-7.2.2-8, 7692-7.2.2-9, 7692-7.2.2-10, 7692-7.2.1-7: a match may reach back as far as
/// the agreed window, in its own message and in earlier ones, and as far as 32,768 bytes where none was agreed.
#[test]
fn windows_are_as_large_as_agreed() {
    for bits in 8..=15 {
        for role in ROLES {
            let window = 1 << bits;
            let data = Random(bits).bytes(window);
            let tokens = [far(258, window), far(3, window), far(100, window - 1), far(3, window)];
            let before = Stream::new().stored(&data[..window / 2], false).stored(&data[window / 2..], true);
            let one = before.clone().fixed(&tokens, true).fixed(&tokens, false).message();
            let back = Stream::new().fixed(&tokens, false).message();
            let frames = [
                compressed(Frame::binary(&one)),
                compressed(Frame::binary(before.message())),
                Frame::binary(&data),
                compressed(Frame::binary(&back)),
                Frame::ping(""),
                compressed(Frame::binary(&back)),
            ];
            let mut history = Vec::new();
            let mut seen = Vec::new();
            for frame in &frames {
                match (frame.opcode, frame.rsv) {
                    (PING, _) => seen.push(Seen::Ping(vec![])),
                    (_, 0) => seen.push(binary(&frame.payload)),
                    _ => {
                        let inflated = inflate_message(&frame.payload, &history).unwrap();
                        assert!(inflated.largest_distance <= window);
                        history.extend(&inflated.data);
                        seen.push(binary(&inflated.data));
                    }
                }
            }
            let agreed = setup(role).windows(15, u8::try_from(bits).unwrap());
            for setup in deliveries(&agreed) {
                let cuts = [Cut::Whole, Cut::EveryByte, Cut::Random(3), Cut::Random(10)];
                let run = setup.cuts(&stream(role, &frames), &cuts);
                assert!(run.seen == seen, "window of {bits} bits, {role:?}");
            }
            let alone = agreed.takeover(true, false).cuts(&stream(role, &frames[..3]), &[Cut::Whole, Cut::Random(9)]);
            assert!(alone.seen == seen[..3], "window of {bits} bits, {role:?}");
        }
    }
}

/// 7692-7.2.2-7, 7692-7.2.2-9: a peer that uses more than the agreed window is understood or fails, and that does not
/// depend on how its bytes arrive.
#[test]
fn a_window_larger_than_agreed() {
    for bits in [8, 9, 10, 12] {
        for role in ROLES {
            let window = 1 << bits;
            for over in [1, 2, 250, 258, 300, window] {
                let data = Random(over as u64).bytes(window + over);
                let reach = Stream::new().fixed(&[far(100, window + over)], false);
                let one = Stream::new().stored(&data, false).fixed(&[far(100, window + over)], false).message();
                let two = [Stream::new().stored(&data, false).message(), reach.message()];
                for payloads in [&[one][..], &two] {
                    let frames: Vec<_> = payloads.iter().map(|payload| compressed(Frame::binary(payload))).collect();
                    let setup = setup(role).windows(15, bits);
                    let cuts = [Cut::Whole, Cut::EveryByte, Cut::At(100), Cut::Random(4), Cut::Random(9)];
                    let run = setup.cuts(&stream(role, &frames), &cuts);
                    let right = [data.clone(), data[..100].to_vec()];
                    let whole = match payloads.len() {
                        1 => vec![binary(right.concat())],
                        _ => right.iter().map(binary).collect(),
                    };
                    let mut failed = whole.clone();
                    *failed.last_mut().unwrap() = failed_for(Violation::CorruptDeflate);
                    assert!(run.seen == whole || run.seen == failed, "{bits} bits, {over} more: {}", brief(&run.seen));
                }
            }
        }
    }
}

/// 7692-6.1-4, 7692-6-1, 7692-6.1-3: the first reserved bit on a control frame or a later fragment fails, also when it
/// stands rightly on the first, and also between compressed messages.
#[test]
fn the_bit_belongs_to_the_first_fragment() {
    for setup in setups() {
        let role = setup.role;
        for opcode in [CLOSE, PING, PONG] {
            for payload in [&b""[..], &[0x03, 0xe8], &HELLO] {
                let wrong = compressed(Frame::new(opcode, payload));
                setup.assert_fails(std::slice::from_ref(&wrong), &[], Violation::ReservedBit);
                setup.assert_fails(&[hello(HELLO), wrong.clone()], &[text("Hello")], Violation::ReservedBit);
                setup.assert_fails(&[hello(&HELLO[..3]).part(), wrong], &[], Violation::ReservedBit);
            }
        }
        for first in [hello(&HELLO[..3]).part(), Frame::text("plain").part(), hello("").part()] {
            for fin in [false, true] {
                let wrong = Frame { fin, ..compressed(Frame::continuation(&HELLO[3..])) };
                setup.assert_fails(&[first.clone(), wrong.clone()], &[], Violation::ReservedBit);
                let later = [first.clone(), Frame::continuation("").part(), Frame::ping(""), wrong];
                setup.assert_fails(&later, &[Seen::Ping(vec![])], Violation::ReservedBit);
            }
        }
        // The header alone is enough.
        let header = compressed(Frame::ping("")).claim(100).to(role).header();
        setup.assert_bytes_fail(&header[..2], &[], Violation::ReservedBit);
    }
    assert_eq!((Violation::ReservedBit.close_code().get(), Violation::ReservedBit.rfc()), (1002, 6455));
}

/// 7692-6-1, 7692-5-18: the other reserved bits mean nothing, alone and beside the first.
#[test]
fn the_other_bits_stay_reserved() {
    for setup in setups() {
        for rsv in [1, 2, 3, 5, 6, 7] {
            for opcode in [TEXT, BINARY, PING, PONG, CLOSE] {
                let wrong = Frame::new(opcode, HELLO).rsv(rsv);
                setup.assert_fails(&[hello(HELLO), wrong], &[text("Hello")], Violation::ReservedBit);
            }
            let wrong = Frame::continuation(&HELLO[3..]).rsv(rsv);
            setup.assert_fails(&[hello(&HELLO[..3]).part(), wrong], &[], Violation::ReservedBit);
        }
    }
}

/// 7692-5-16, CVE-2026-59881: where nothing was agreed the bit fails, although this side would like to compress.
#[test]
fn the_bit_means_nothing_without_an_agreement() {
    for role in ROLES {
        for config in [Config::new(), Config::new().deflate(DeflateConfig::new())] {
            assert_eq!(connection(role, &config).deflate_parameters(), None);
            for frame in [hello(HELLO), hello(HELLO).part(), hello(""), compressed(Frame::binary([0x00]))] {
                let run = every_cut(role, &config, &stream(role, &[Frame::text("plain"), frame]));
                assert_eq!(run.seen, [text("plain"), failed_for(Violation::ReservedBit)]);
            }
        }
    }
}

/// 7692-6-1: which frame may follow which does not change: a compressed message cannot begin inside another.
#[test]
fn compressed_messages_are_not_interleaved() {
    for setup in setups() {
        for first in [hello(&HELLO[..3]).part(), Frame::text("plain").part()] {
            for second in [hello(HELLO), Frame::text("x"), compressed(Frame::binary([0x00])), hello("").part()] {
                setup.assert_fails(&[first.clone(), second], &[], Violation::MessageInterrupted);
            }
        }
        let frames = [hello(HELLO), Frame::continuation(AGAIN)];
        setup.assert_fails(&frames, &[text("Hello")], Violation::NothingToContinue);
        for opcode in 3..8 {
            let run = setup.every_cut(&stream(setup.role, &[compressed(Frame::new(opcode, HELLO))]));
            let wrongs = [Violation::ReservedOpcode(opcode), Violation::ReservedBit].map(failed_for);
            assert!(wrongs.contains(&run.seen[0]) && run.seen.len() == 1, "{:?}", run.seen);
        }
    }
}

/// 7692-7.2.3-1, 7692-7.2.1-2: an empty message in every form that it can have.
#[test]
fn empty_messages() {
    let forms = [
        vec![0x00],
        Stream::new().fixed(&[], false).message(),
        Stream::new().fixed(&[], true).message(),
        Stream::new().stored("", false).message(),
        Stream::new().stored("", true).message(),
        Stream::new().dynamic(&[], &Codes::for_zeros(), true).message(),
        Stream::new().fixed(&[], false).stored("", true).fixed(&[], true).stored("", false).message(),
    ];
    for setup in setups() {
        for setup in deliveries(&setup) {
            for form in &forms {
                let mut frames = vec![hello(form), compressed(Frame::binary(form))];
                frames.extend(pieces(&hello(form), 1));
                setup.assert_sees(&frames, &[text(""), binary(""), text("")]);
            }
        }
    }
}

/// 7692-6.1-6, 6455-5.6-1: text is what comes out: any text is, however its code points lie across blocks, fragments
/// and matches.
#[test]
fn text_across_blocks() {
    let message = "aé日🦀";
    let bytes = message.as_bytes();
    let single = bytes.iter().fold(Stream::new(), |stream, byte| stream.stored([*byte], false));
    let turns = bytes.iter().enumerate().fold(Stream::new(), |stream, (i, byte)| match i % 3 {
        0 => stream.stored([*byte], i % 2 == 0),
        1 => stream.fixed(&[Token::Literal(*byte)], i % 2 == 0),
        _ => stream.dynamic(&[Token::Literal(*byte)], &Codes::random(&mut Random(1), &[Token::Literal(*byte)]), true),
    });
    // Repeats the last two bytes of one character and the first of the next.
    let matched = Stream::new().fixed(&[&literals("日本日")[..], &[far(3, 6), far(3, 6), far(7, 9)]].concat(), false);
    for role in ROLES {
        for setup in deliveries(&setup(role)) {
            for stream in [&single, &turns] {
                let frame = hello(stream.clone().message());
                setup.assert_sees(std::slice::from_ref(&frame), &[text(message)]);
                for size in 1..4 {
                    setup.assert_sees(&pieces(&frame, size), &[text(message)]);
                }
            }
            let payload = matched.clone().message();
            let data = inflate_message(&payload, &[]).unwrap().data;
            match String::from_utf8(data) {
                Ok(right) => setup.assert_sees(&[hello(&payload)], &[text(&right)]),
                Err(_) => assert_eq!(
                    setup.every_cut(&stream(role, &[hello(&payload)])).seen.last(),
                    Some(&failed_for(Violation::TextNotUtf8))
                ),
            }
        }
    }
}

/// 7692-6.1-6: long text, whose code points lie across every step in which it may be inflated.
#[test]
fn long_text() {
    let pattern = "日本🦀é";
    for offset in 0..4 {
        let start = ["x".repeat(offset), pattern.to_owned()].concat();
        let mut tokens = literals(&start);
        tokens.extend(vec![far(12 * 21, 12); 1000]);
        let payload = Stream::new().fixed(&tokens, false).message();
        let right = "x".repeat(offset) + &pattern.repeat(1 + 21 * 1000);
        for role in ROLES {
            for setup in deliveries(&setup(role)) {
                let frames = cut_at(&hello(&payload), &[1, 1000, 1001]);
                let run =
                    setup.cuts(&stream(role, &frames), &[Cut::Whole, Cut::Whole, Cut::Random(3), Cut::Random(10)]);
                assert!(run.seen == [text(&right)], "offset {offset}, {role:?}");
            }
        }
    }
}

/// 7692-6.1-6, 6455-5.6-1, 6455-8.1-1: what is not UTF-8 after inflation fails with 1007, in whatever blocks, matches
/// and fragments it lies.
#[test]
fn text_that_is_not_utf8_fails() {
    let wrongs: [&[u8]; 9] = [
        b"\xff",
        b"\xc3",
        b"\xe2\x82",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xe2\x28\xa1",
        b"\xf0\x9f\xa6",
        b"\x80",
    ];
    for role in ROLES {
        for wrong in wrongs {
            let good = "good: é";
            let data = [good.as_bytes(), wrong].concat();
            let split = data.len() - 1;
            let streams = [
                Stream::new().stored(&data, false),
                Stream::new().fixed(&literals(&data), true),
                Stream::new().stored(&data[..split], true).fixed(&literals(&data[split..]), false),
                Stream::new().fixed(&[&literals(&data)[..], &literals("and after")].concat(), false),
            ];
            for payload in streams.map(Stream::message) {
                for frames in [vec![hello(&payload)], pieces(&hello(&payload), 2)] {
                    setup(role).assert_fails(&frames, &[], Violation::TextNotUtf8);
                    let part = Seen::TextPart(good.into(), false);
                    in_parts(&setup(role)).assert_fails(&frames, &[part], Violation::TextNotUtf8);
                }
            }
        }
        // A match that ends inside a character.
        let payload = Stream::new().fixed(&[&literals("é")[..], &[far(3, 2)]].concat(), false).message();
        setup(role).assert_fails(&[hello(&payload)], &[], Violation::TextNotUtf8);
    }
    assert_eq!(Violation::TextNotUtf8.close_code().get(), 1007);
}

/// 7692-6.1-6: the compressed bytes themselves need not be UTF-8, and binary data is never checked.
#[test]
fn compressed_bytes_are_not_checked() {
    for setup in setups() {
        let payload = Stream::new().fixed(&literals("plain words"), false).message();
        assert!(std::str::from_utf8(&payload).is_err());
        setup.assert_sees(&[hello(&payload)], &[text("plain words")]);
        let not_text = Stream::new().stored(b"\xff\xc3", false).message();
        setup.assert_sees(&[compressed(Frame::binary(&not_text))], &[binary(b"\xff\xc3")]);
    }
}

/// 7692-6.1-6, 6455-8.1-1: text fails as soon as the fault can be seen, while frame and message are still on their way.
#[test]
fn text_fails_early() {
    for role in ROLES {
        for wrong in [&b"ok \xff"[..], b"\xc3\x28", b"\xed\xa0"] {
            let streams = [
                Stream::new().stored(wrong, false),
                Stream::new().stored([wrong, b"more of the same block"].concat(), false),
                Stream::new().fixed(&literals(wrong), false).stored("", false),
                Stream::new().fixed(&literals(wrong), true),
                Stream::new()
                    .dynamic(&literals(wrong), &Codes::random(&mut Random(2), &literals(wrong)), false)
                    .stored("", false),
            ];
            for bytes in streams.map(Stream::bytes) {
                let begun = compressed(Frame::text(&bytes)).claim(bytes.len() as u64 + 1000);
                for setup in deliveries(&setup(role)) {
                    for fin in [false, true] {
                        let begun = Frame { fin, ..begun.clone() };
                        let seen = setup.every_cut(&begun.to(role).bytes()).seen;
                        assert_eq!(seen.last(), Some(&failed_for(Violation::TextNotUtf8)), "{bytes:02x?}");
                    }
                    let frames = [compressed(Frame::text(&bytes)).part()];
                    let seen = setup.every_cut(&stream(role, &frames)).seen;
                    assert_eq!(seen.last(), Some(&failed_for(Violation::TextNotUtf8)), "{bytes:02x?}");
                }
            }
            // A stored block says its bytes one by one.
            let stored = Stream::new().stored(wrong, false).bytes();
            let begun = compressed(Frame::text(&stored)).claim(1000).to(role).bytes();
            let mut connection = setup(role).connection();
            let mut input = Input::new();
            let (last, before) = begun.split_last().unwrap();
            assert_eq!(feed(&mut connection, &mut input, before), []);
            assert_eq!(feed(&mut connection, &mut input, &[*last]), [failed_for(Violation::TextNotUtf8)]);
        }
    }
}

/// Text that only breaks off is not wrong before its message ends.
#[test]
fn text_that_may_go_on_is_waited_for() {
    for setup in setups() {
        let role = setup.role;
        let begun = Stream::new().stored("ok \u{1f980}".as_bytes().split_last().unwrap().1, false).bytes();
        let frames = [compressed(Frame::text(&begun)).part(), Frame::pong("")];
        assert_eq!(setup.every_cut(&stream(role, &frames)).seen, [Seen::Pong(vec![])]);
        let rest = Stream::new().stored(b"\x80", false).message();
        let frames = [compressed(Frame::text(&begun)).part(), Frame::continuation(&rest)];
        setup.assert_sees(&frames, &[text("ok \u{1f980}")]);
        let frames = [compressed(Frame::text(&begun)).part(), Frame::continuation([0x00])];
        setup.assert_fails(&frames, &[], Violation::TextNotUtf8);
    }
}

/// A message of three blocks of different types.
fn sample() -> Vec<u8> {
    let tokens = [&literals("abcabd")[..], &[far(10, 6), far(3, 1)], &literals("xyz")].concat();
    Stream::new()
        .dynamic(&tokens, &Codes::random(&mut Random(9), &tokens), false)
        .stored("stored", false)
        .fixed(&tokens, true)
        .message()
}

/// 7692-7.2.2-1: data in which any bit is wrong fails with 1007, or is the data that it says, as the second
/// implementation has it.
#[test]
fn broken_bits() {
    let payload = sample();
    let cuts = [Cut::Whole, Cut::EveryByte, Cut::Random(2)];
    let mut failures = 0;
    for role in ROLES {
        let setup = setup(role);
        for i in 0..payload.len() {
            for change in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
                let mut broken = payload.clone();
                broken[i] ^= change;
                let right = right_for(&broken, &[]);
                failures += usize::from(matches!(&right[..], [Seen::Closed { .. }]));
                let run = setup.cuts(&stream(role, &[compressed(Frame::binary(&broken))]), &cuts);
                assert_eq!(run.seen.len(), 1);
                assert!(right.contains(&run.seen[0]), "byte {i} with {change:#x} of {payload:02x?}: {:?}", run.seen);
            }
        }
    }
    assert!(failures > 300, "{failures}");
    assert_eq!((Violation::CorruptDeflate.close_code().get(), Violation::CorruptDeflate.rfc()), (1007, 7692));
}

/// 7692-7.2.2-1: a message that ends inside a block fails, wherever it ends; what is missing is not made up.
#[test]
fn truncated_messages() {
    let payload = sample();
    let mut failures = 0;
    for role in ROLES {
        for delivery in deliveries(&setup(role)) {
            for end in 0..payload.len() {
                let frame = compressed(Frame::binary(&payload[..end]));
                let right = right_for(&payload[..end], &[]);
                failures += usize::from(matches!(&right[..], [Seen::Closed { .. }]));
                let seen = delivery.every_cut(&stream(role, &[frame])).seen;
                let end_of_it = seen.last().unwrap();
                assert!(right.contains(end_of_it), "{:02x?}: {seen:?}", &payload[..end]);
                let last = Frame::continuation(&payload[..end][end / 2..]);
                let frames = [compressed(Frame::binary(&payload[..end / 2])).part(), last, Frame::ping("late")];
                let seen = delivery.every_cut(&stream(role, &frames)).seen;
                assert!(seen.contains(end_of_it), "{:02x?}: {seen:?}", &payload[..end]);
            }
        }
    }
    assert!(failures > 3 * payload.len(), "{failures}");
}

/// 7692-7.2.2-1: a message that breaks off below the limit is broken, and not too big.
#[test]
fn truncated_messages_are_not_too_big() {
    let payloads = [
        vec![0x02],
        Stream::new().stored("123456789", false).bytes().split_last().unwrap().1.to_vec(),
        vec![0x00, 100, 0x00, 0xff - 100, 0xff, b'a', b'b', b'c'],
        Stream::new().fixed(&literals("12345"), false).bytes().split_last().unwrap().1.to_vec(),
    ];
    for payload in payloads {
        let (so_far, broken) = inflate_so_far(&[&payload[..], &TAIL].concat(), &[]);
        assert!(so_far.data.len() <= 10 && broken.is_some(), "{payload:02x?}");
        for role in ROLES {
            for setup in deliveries(&setup(role).config(Config::new().max_message(10))) {
                let run = setup.every_cut(&stream(role, &[compressed(Frame::binary(&payload))]));
                let last = run.seen.last();
                assert_eq!(last, Some(&failed_for(Violation::CorruptDeflate)), "{payload:02x?}: {:?}", run.seen);
            }
        }
    }
}

/// 7692-7.2.2-1: where a message breaks off in the header of a block, and the tail happens to complete that header and to
/// hold the end of its block, the two together can be decompressed. What is returned is the same in every cut.
#[test]
fn truncated_headers() {
    let payloads = [
        &[0x04, 0xc0, 0x81, 0x08, 0x00, 0x00, 0x00, 0x00, 0x20, 0x54][..],
        &[0xba, 0x08, 0x20, 0x00, 0x0e, 0x44, 0x00, 0x00, 0x00, 0x00, 0x00, 0xf9, 0xa2],
    ];
    for payload in payloads {
        let right = right_for(payload, &[]);
        assert!(right.len() == 2 && right[0] == failed_for(Violation::CorruptDeflate), "{right:?}");
        for setup in setups() {
            let run = setup.every_cut(&stream(setup.role, &[compressed(Frame::binary(payload))]));
            assert!(right.contains(&joined(&run.seen)[0]), "{:?} from {payload:02x?}", run.seen);
        }
    }
}

/// 7692-7.2.2-3, 7692-7.2.2-5: a message without the empty block at its end fails, or does no harm to the next.
#[test]
fn messages_without_an_end() {
    let whole_bytes = (1..).map(|count| Stream::new().fixed(&literals(&"Hello"[..count]), false));
    let whole_bytes = whole_bytes.take(5).map(Stream::bytes);
    let mut payloads: Vec<Vec<u8>> = whole_bytes.collect();
    payloads.extend([
        vec![],
        Stream::new().fixed(&literals("Hello"), true).bytes(),
        Stream::new().stored("Hello", true).bytes(),
        Stream::new().stored("Hello", false).bytes(),
        Stream::new().stored("Hello", false).stored("", false).bytes(),
        Stream::new().stored("Hello", false).stored("", true).bytes(),
        Stream::new().fixed(&literals("Hello"), true).fixed(&[], true).bytes(),
    ]);
    for payload in payloads {
        let right = right_for(&payload, &[]);
        for setup in setups() {
            let role = setup.role;
            let frames = [compressed(Frame::binary(&payload)), hello(HELLO), hello(AGAIN)];
            let seen = setup.clone().takeover(true, true).every_cut(&stream(role, &frames)).seen;
            assert!(right.contains(&seen[0]), "{payload:02x?}: {seen:?}");
            if matches!(seen[0], Seen::Binary(_)) {
                assert_eq!(seen[1..], [text("Hello"), text("Hello")], "after {payload:02x?}");
            }
            let first = [compressed(Frame::binary(&payload)), hello(HELLO)];
            let again = setup.takeover(true, false).every_cut(&stream(role, &first)).seen;
            assert_eq!(again[..], seen[..again.len()], "{payload:02x?}");
        }
    }
}

/// 7692-7.2.2-1: faults that DEFLATE has a rule for.
#[test]
fn broken_blocks() {
    let mut incomplete = Codes::random(&mut Random(1), &literals("abc"));
    incomplete.literals.iter_mut().for_each(|length| *length += u8::from(*length > 0));
    let mut too_many = Codes::for_zeros();
    too_many.literals[1] = 1;
    let mut no_end = Codes::for_zeros();
    (no_end.literals[256], no_end.literals[1]) = (0, 2);
    let streams = [
        // A type of block that does not exist.
        Stream::new().raw(0b110, 3).bytes(),
        Stream::new().raw(0b111, 3).bytes(),
        Stream::new().fixed(&literals("x"), false).raw(0b110, 3).bytes(),
        // A length that is not its complement.
        vec![0x00, 0x01, 0x00, 0xff, 0xff, 0x00],
        vec![0x00, 0x00, 0x00, 0x00, 0x00],
        // Distances into nothing.
        Stream::new().fixed(&[far(3, 1)], false).message(),
        Stream::new().fixed(&[Token::Literal(1), far(3, 2)], false).message(),
        Stream::new().fixed(&[Token::Literal(1), far(258, WINDOW)], false).message(),
        Stream::new().dynamic(&[far(258, 1)], &Codes::for_zeros(), false).message(),
        // Symbols that do not exist: length codes 286 and 287, distance codes 30 and 31.
        Stream::new().raw(0b010, 3).raw(0b0110_0011, 8).raw(0, 40).bytes(),
        Stream::new().raw(0b010, 3).raw(0b1110_0011, 8).raw(0, 40).bytes(),
        Stream::new().raw(0b010, 3).raw(0b0000_1100, 8).raw(0b100_0000, 7).raw(0b01111, 5).raw(0, 40).bytes(),
        Stream::new().raw(0b010, 3).raw(0b0000_1100, 8).raw(0b100_0000, 7).raw(0b11111, 5).raw(0, 40).bytes(),
        // More codes than there are: 287 literals and lengths, 31 distances.
        Stream::new().raw(0b100, 3).raw(30, 5).raw(0, 5).raw(0, 4).raw(0, 400).bytes(),
        Stream::new().raw(0b100, 3).raw(0, 5).raw(30, 5).raw(0, 4).raw(0, 400).bytes(),
        // A code length code without codes, and one with too many.
        Stream::new().raw(0b100, 3).raw(0, 14).raw(0, 200).bytes(),
        Stream::new().raw(0b100, 3).raw(0, 14).raw(0o1111, 12).raw(0, 200).bytes(),
        // Codes that are too few, too many, or without one for the end of the block.
        Stream::new().dynamic(&literals("abc"), &incomplete, false).message(),
        Stream::new().dynamic(&literals([0]), &too_many, false).message(),
        Stream::new().raw(0b100, 3).raw(0, 40).bytes(),
        dynamic_without_end(&no_end),
    ];
    for setup in setups() {
        for bytes in &streams {
            assert!(inflate_message(bytes, &[]).is_err(), "{bytes:02x?}");
            let run = setup.every_cut(&stream(setup.role, &[compressed(Frame::binary(bytes))]));
            assert_eq!(run.seen, [failed_for(Violation::CorruptDeflate)], "{bytes:02x?}");
        }
    }
}

/// A block whose codes have none for its end.
fn dynamic_without_end(codes: &Codes) -> Vec<u8> {
    // The header of a block that is written with the code, whose length is then taken out of it bit by bit: here it is
    // enough to let the second implementation find a change of the header that says so.
    let good = Stream::new().dynamic(&literals([0, 0]), &Codes::for_zeros(), false).message();
    assert_eq!(codes.literals[256], 0);
    for i in 0..8 * good.len() {
        for j in 0..i {
            let mut bytes = good.clone();
            bytes[i / 8] ^= 1 << (i % 8);
            bytes[j / 8] ^= 1 << (j % 8);
            if inflate_message(&bytes, &[]) == Err("no code for the end of the block") {
                return bytes;
            }
        }
    }
    panic!("no change of two bits takes the end away");
}

/// Corrupt data fails when it shows, not when the message ends, and what comes after is not looked at.
#[test]
fn corrupt_data_fails_early() {
    for setup in setups() {
        let role = setup.role;
        let begun = compressed(Frame::binary([0x07, 0x07, 0x07])).claim(1000).to(role).bytes();
        setup.assert_bytes_fail(&begun, &[], Violation::CorruptDeflate);
        let frames = [compressed(Frame::binary([0x07, 0x07])).part()];
        setup.assert_fails(&frames, &[], Violation::CorruptDeflate);

        let mut connection = setup.connection();
        let mut input = Input::new();
        let wrong = stream(role, &[hello(HELLO), hello([0x07, 0x07]), hello(HELLO)]);
        let seen = feed(&mut connection, &mut input, &wrong);
        assert_eq!(seen, [text("Hello"), failed_for(Violation::CorruptDeflate)]);
        assert_eq!(feed(&mut connection, &mut input, &stream(role, &[hello(HELLO), Frame::text("late")])), []);
        assert!(connection.send_text("late").is_err());
    }
}

/// 6455-10.4-1, 7692-6.2-1: `max_message` counts what comes out: as many bytes pass, one more fails with 1009, and the
/// bytes on the wire do not count.
#[test]
fn max_message_counts_inflated_bytes() {
    for role in ROLES {
        for limit in [0, 1, 2, 5, 258, 1000, 65_535, 65_536, 65_537, 131_072, 200_000] {
            let config = Config::new().max_message(limit as u64);
            let deliveries = deliveries(&setup(role).config(config));
            let mut fits = vec![zeros(limit, usize::MAX), zeros(limit, 3)];
            let mut above = vec![zeros(limit + 1, usize::MAX), zeros(limit + 1, 3), zeros(5 * limit + 100, 1000)];
            if limit <= 1000 {
                let each = |count| (0..count).fold(Stream::new(), |stream, _| stream.stored([0], false));
                // More bytes on the wire than come out.
                fits.extend([each(limit).message(), each(limit).fixed(&[], true).stored("", true).message()]);
                above.extend([each(limit + 1).message(), each(limit + 1).bytes()]);
            }
            let cuts = [Cut::Whole, Cut::Whole, Cut::Random(3), Cut::Random(11)];
            for setup in deliveries {
                for payload in &fits {
                    let frame = compressed(Frame::binary(payload));
                    // Twice, so that what one message held does not count for the next.
                    let frames = [&[frame.clone()][..], &cut_at(&frame, &[payload.len() / 2])].concat();
                    let run = setup.cuts(&stream(role, &frames), &cuts);
                    assert!(run.seen == vec![binary(vec![0; limit]); 2], "{limit}: {}", brief(&run.seen));
                }
                for payload in &above {
                    let frame = compressed(Frame::binary(payload));
                    for frames in [vec![frame.clone()], cut_at(&frame, &[payload.len() / 2, payload.len() - 1])] {
                        let run = setup.cuts(&stream(role, &frames), &cuts);
                        let (last, before) = run.seen.split_last().unwrap();
                        assert_eq!(*last, failed_for(Violation::MessageTooBig(limit as u64 + 1)), "{limit}");
                        match before {
                            [] => {}
                            [Seen::BinaryPart(data, false)] => {
                                assert!(*data == vec![0; data.len()] && data.len() <= limit);
                            }
                            other => panic!("{}", brief(other)),
                        }
                    }
                }
            }
        }
    }
    assert_eq!(Violation::MessageTooBig(1).close_code().get(), 1009);
}

/// 6455-10.4-1: a message may take more bytes on the wire than `max_message` as long as it inflates to no more, unless
/// `max_frame` is set, which holds for compressed frames, too; both can be changed on a live connection.
#[test]
fn a_message_may_be_longer_on_the_wire_than_its_limit() {
    for role in ROLES {
        let payload = (0..100).fold(Stream::new(), |stream, _| stream.stored([7], false)).message();
        let length = payload.len() as u64;
        let frame = compressed(Frame::binary(&payload));
        assert!(length > 500);
        for setup in deliveries(&setup(role).config(Config::new().max_message(100))) {
            let frames = [vec![frame.clone()], cut_at(&frame, &[5, 300])].concat();
            setup.assert_sees(&frames, &[binary([7; 100]), binary([7; 100])]);
            let held = setup.config.clone().max_frame(length - 1);
            setup.clone().config(held).assert_fails(std::slice::from_ref(&frame), &[], Violation::FrameTooBig(length));

            let mut connection = setup.connection();
            let mut input = Input::new();
            let bytes = stream(role, std::slice::from_ref(&frame));
            for limit in [100, 1000, 100] {
                connection.set_limits(&Config::new().max_message(limit));
                assert_eq!(joined(&feed(&mut connection, &mut input, &bytes)), [binary([7; 100])]);
            }
            connection.set_limits(&Config::new().max_message(99));
            let seen = feed(&mut connection, &mut input, &bytes);
            assert_eq!(seen.last(), Some(&failed_for(Violation::MessageTooBig(100))));
        }
    }
}

/// 6455-10.4-1, CVE-2020-27813: limits as large as can be do not overflow.
#[test]
fn the_largest_limits() {
    for role in ROLES {
        for limit in [u64::MAX, u64::MAX - 1, u64::MAX - (64 << 10), 1 << 63, (1 << 63) - 1, 1 << 32, (1 << 32) - 1] {
            let config = Config::new().max_message(limit).max_frame(limit);
            for setup in deliveries(&setup(role).config(config)) {
                let frames = [hello(HELLO), compressed(Frame::binary(zeros(100_000, usize::MAX))), hello([0x00])];
                let run = setup.cuts(&stream(role, &frames), &[Cut::Whole, Cut::EveryByte, Cut::Random(4)]);
                assert!(run.seen == [text("Hello"), binary(vec![0; 100_000]), text("")], "{limit:#x}");
            }
        }
    }
}

/// The same limit holds for text, and for uncompressed messages beside compressed ones.
#[test]
fn max_message_of_text() {
    for role in ROLES {
        for setup in deliveries(&setup(role).config(Config::new().max_message(6))) {
            let fits = Stream::new().fixed(&literals("日"), true).stored("本", false).message();
            let above = Stream::new().fixed(&literals("日"), true).stored("本x", false).message();
            setup.assert_sees(&[hello(&fits), Frame::text("日本"), hello(&fits)], &vec![text("日本"); 3]);
            let seen = setup.every_cut(&stream(role, &[hello(&above)])).seen;
            assert_eq!(seen.last(), Some(&failed_for(Violation::MessageTooBig(7))));
            let seen = setup.every_cut(&stream(role, &[hello(&fits), Frame::text("日本x")])).seen;
            assert_eq!((&seen[0], seen.last()), (&text("日本"), Some(&failed_for(Violation::MessageTooBig(7)))));
        }
    }
}

/// 6455-10.4-1: `max_frame` counts what is on the wire, and `max_fragments` frames, as they do without compression.
#[test]
fn limits_of_the_wire() {
    for role in ROLES {
        let payload = zeros(10_000, 1);
        let length = payload.len() as u64;
        let config = Config::new().max_frame(length);
        let zero = binary(vec![0; 10_000]);
        for setup in deliveries(&setup(role).config(config)) {
            let run = setup.cuts(&stream(role, &[compressed(Frame::binary(&payload))]), &[Cut::Whole, Cut::Random(4)]);
            assert!(run.seen == [zero.clone()]);
            let above = compressed(Frame::binary("")).claim(length + 1).to(role).header();
            setup.assert_bytes_fail(&above, &[], Violation::FrameTooBig(length + 1));
            let begun = stream(role, &[compressed(Frame::binary("")).part()]);
            let above = Frame::continuation("").claim(length + 1).to(role).header();
            setup.assert_bytes_fail(&[begun, above].concat(), &[], Violation::FrameTooBig(length + 1));
        }
        for setup in deliveries(&setup(role).config(Config::new().max_fragments(3))) {
            setup.assert_sees(&cut_at(&hello(HELLO), &[2, 4]), &[text("Hello")]);
            let run = setup.every_cut(&stream(role, &cut_at(&hello(HELLO), &[2, 4, 6])));
            assert_eq!(run.seen.last(), Some(&failed_for(Violation::TooManyFragments)));
        }
    }
}

/// A close and the end of the transport come through inside a compressed message.
#[test]
fn the_end_inside_a_message() {
    for setup in setups() {
        let role = setup.role;
        let frames = [hello(&HELLO[..3]).part(), Frame::close(1001, "away"), Frame::continuation(&HELLO[3..])];
        let run = setup.every_cut(&stream(role, &frames));
        let away = || (Some(1001), String::from("away"));
        assert!(matches!(&run.seen[..], [Seen::Closed { received: Some(said), clean: true, .. }] if *said == away()));
        for begun in [vec![hello(HELLO).claim(100)], vec![hello(&HELLO[..3]).part()]] {
            let bytes = stream(role, &begun);
            for cut in [Cut::Whole, Cut::EveryByte] {
                let run = setup.run(&bytes, cut, false, true);
                let [Seen::Closed { code: 1006, cause, .. }] = &run.seen[..] else { panic!("{:?}", run.seen) };
                assert!(!matches!(cause, Cause::Violation(_)), "{cause:?}");
            }
        }
    }
}

/// 7692-7.2.2-3, 7692-7.2.2-5: memory that is given back takes no window with it that the peer may still use.
#[test]
fn released_memory_keeps_the_window() {
    for role in ROLES {
        let kept = [DeflateConfig::new(), DeflateConfig::new().keep_contexts(false)];
        for (deflate, in_steps) in kept.into_iter().flat_map(|deflate| [(deflate.clone(), false), (deflate, true)]) {
            let setup = setup(role).deflate(deflate);
            let mut connection = if in_steps { in_parts(&setup) } else { setup }.connection();
            let mut input = Input::new();
            let mut see = |connection: &mut Connection, frame: Frame| {
                let mut seen = Vec::new();
                for byte in stream(role, &[frame]) {
                    seen.extend(feed(connection, &mut input, &[byte]));
                    // Also inside a frame, and inside a block.
                    connection.release_memory();
                }
                joined(&seen)
            };
            assert_eq!(see(&mut connection, hello(HELLO)), [text("Hello")]);
            for _ in 0..3 {
                connection.release_memory();
                assert_eq!(see(&mut connection, Frame::text("plain")), [text("plain")]);
                assert_eq!(see(&mut connection, hello(AGAIN)), [text("Hello")]);
            }
            let (mut receiver, mut sender) = connection.into_halves();
            for _ in 0..3 {
                input.extend_from_slice(&stream(role, &[hello(AGAIN)]));
                let mut seen = Vec::new();
                while let Some(received) = receiver.receive(&mut input) {
                    seen.extend(received.event.map(Seen::from));
                }
                assert_eq!(joined(&seen), [text("Hello")]);
                receiver.release_memory();
                sender.release_memory();
            }
        }
    }
}

/// What was kept of a message stays as it was, whatever comes after it, and whatever else lies in the input.
#[test]
fn kept_messages_stay() {
    for role in ROLES {
        for delivery in [Delivery::Messages, Delivery::Parts] {
            let mut random = Random(3);
            let mut connection = setup(role).config(Config::new().delivery(delivery)).connection();
            let (mut frames, mut data) = (Vec::new(), Vec::new());
            for i in 0..60 {
                let length = [10, 500, 20_000][random.below(3)];
                let bytes = random.bytes(length);
                frames.push(match i % 3 {
                    0 => Frame::binary(&bytes),
                    _ => compressed(Frame::binary(Stream::new().stored(&bytes, i % 2 == 0).message())),
                });
                data.push(bytes);
            }
            let bytes = stream(role, &frames);
            let mut input = Input::new();
            let mut kept = Vec::new();
            for piece in Cut::Random(11).pieces(&bytes) {
                input.extend_from_slice(piece);
                while let Some(event) = connection.receive(&mut input) {
                    let payload = match event {
                        Event::Binary(payload) | Event::BinaryPart { data: payload, .. } => payload,
                        event => panic!("{event:?}"),
                    };
                    // Some are looked at and dropped, so that their memory is used again.
                    let copy = payload.to_vec();
                    let memory = (random.below(3) > 0).then(|| payload.into_bytes());
                    kept.push((memory, copy));
                }
            }
            assert!(kept.iter().all(|(memory, copy)| memory.as_ref().is_none_or(|memory| memory == copy)));
            let returned: Vec<_> = kept.into_iter().flat_map(|(_, copy)| copy).collect();
            assert!(returned == data.concat());
        }
    }
}

/// An input holds what has come of a message, also where that is inflated, and is free for another connection when it
/// holds nothing: between messages, and between parts.
#[test]
fn an_empty_input_is_free() {
    for role in ROLES {
        for setup in deliveries(&setup(role)) {
            let mut connections: Vec<_> = (0..3).map(|_| (setup.connection(), Input::new())).collect();
            let mut shared = Input::new();
            let mut seen = vec![Vec::new(); 3];
            let sessions: Vec<_> = (0..3)
                .map(|i| {
                    let data = Random(i).bytes(3000);
                    let payload = Stream::new().stored(&data[..2000], i == 0).fixed(&literals(&data[2000..]), true);
                    let frame = compressed(Frame::binary(payload.message()));
                    (cut_at(&frame, &[10, 1000, 1001, 2500]), binary(data))
                })
                .collect();
            for step in 0..5 {
                for (i, (connection, own)) in connections.iter_mut().enumerate() {
                    let frame = sessions[i].0[step].clone().to(role).bytes();
                    let input = if own.is_empty() { &mut shared } else { &mut *own };
                    seen[i].extend(feed(connection, input, &frame));
                    let inflated: usize = (seen[i].iter())
                        .map(|seen| match seen {
                            Seen::Binary(data) | Seen::BinaryPart(data, _) => data.len(),
                            other => panic!("{other:?}"),
                        })
                        .sum();
                    // In parts all is returned that could be inflated.
                    let whole = step == 4;
                    assert_eq!(input.is_empty(), inflated > 0 || whole, "step {step}");
                    if !shared.is_empty() {
                        // It belongs to this connection now.
                        std::mem::swap(&mut shared, own);
                    }
                }
            }
            for (seen, (_, right)) in seen.iter().zip(&sessions) {
                assert!(joined(seen) == std::slice::from_ref(right));
            }
            assert!(shared.is_empty() && connections.iter().all(|(_, own)| own.is_empty()));
        }
    }
}

/// A connection may be taken apart in the middle of compressed messages.
#[test]
fn halves_in_the_middle_of_messages() {
    for setup in setups() {
        let role = setup.role;
        let mut connection = setup.connection();
        let mut input = Input::from(&stream(role, &[hello(HELLO), hello(&HELLO[..4]).part()])[..]);
        assert_eq!(take_events(&mut connection, &mut input), [text("Hello")]);
        connection.send_part("one and ", false).unwrap();
        let mut output = drain(&mut connection);
        let (mut receiver, mut sender) = connection.into_halves();
        input.extend_from_slice(&stream(role, &[Frame::continuation(&HELLO[4..])]));
        let event = receiver.receive(&mut input).and_then(|received| received.event).map(Seen::from);
        assert_eq!(event, Some(text("Hello")));
        sender.send_part("another one", true).unwrap();
        let rest = sender.output();
        while rest.has_remaining() {
            output.push(rest.get_u8());
        }
        let sent = Reader::new(&setup).read_one(&output);
        assert_eq!((&sent.data[..], sent.frames), (&b"one and another one"[..], 2));
    }
}

/// Where compression is in use an uncompressed message is held to its limits by its headers, and a compressed one by
/// what comes out.
#[test]
fn claims_beside_compression() {
    for role in ROLES {
        let config = Config::new().max_message(10).max_frame(1 << 40);
        for setup in deliveries(&setup(role).config(config)) {
            let plain = Frame::binary("").claim(11).to(role).header();
            setup.assert_bytes_fail(&plain, &[], Violation::MessageTooBig(11));
            for claim in [11, 1 << 16, 1 << 32, 1 << 40] {
                let header = compressed(Frame::binary("")).claim(claim).to(role).header();
                assert_eq!(setup.every_cut(&header).seen, [], "a claim of {claim}");
            }
            let header = compressed(Frame::binary("")).claim((1 << 40) + 1).to(role).header();
            setup.assert_bytes_fail(&header, &[], Violation::FrameTooBig((1 << 40) + 1));
        }
    }
}

/// A message of a generated session.
#[derive(Clone, Debug)]
struct Message {
    seed: u64,
    blocks: usize,
    tokens: usize,
    compressed: bool,
    cuts: Vec<prop::sample::Index>,
    between: bool,
}

fn message() -> impl Strategy<Value = Message> {
    let tokens = prop_oneof![4 => 0..30_usize, 2 => 0..300_usize, 1 => 0..3000_usize];
    let cuts = proptest::collection::vec(any::<prop::sample::Index>(), 0..5);
    (any::<u64>(), 0..5_usize, tokens, prop::bool::weighted(0.8), cuts, any::<bool>()).prop_map(
        |(seed, blocks, tokens, compressed, cuts, between)| Message { seed, blocks, tokens, compressed, cuts, between },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// 7692-6.2-1, 7692-6.2-2, 7692-7.2.1-2, 7692-7.2.1-3, 7692-7.2.1-4, 7692-7.2.1-5, 7692-7.2.2-1: sessions of random
    /// streams, cut at random into frames and reads.
    #[test]
    fn generated_sessions(
        messages in proptest::collection::vec(message(), 1..8),
        server: bool,
        takeover: bool,
        parts: bool,
        bits in 8..=15_u8,
        cut: u64,
    ) {
        let role = if server { Role::Server } else { Role::Client };
        let mut setup = setup(role).takeover(true, takeover).windows(15, bits);
        if parts {
            setup = in_parts(&setup);
        }
        let mut history: Vec<u8> = Vec::new();
        let (mut frames, mut right) = (Vec::new(), Vec::new());
        for message in messages {
            let reach = if takeover { &history[..] } else { &[] };
            let mut random = Random(message.seed);
            let (stream, data) = random_stream(&mut random, reach, 1 << bits, message.blocks, message.tokens);
            let frame = match message.compressed {
                true => compressed(Frame::binary(stream.message())),
                false => Frame::binary(&data),
            };
            if message.compressed {
                history.extend(&data);
            }
            let cuts: Vec<_> = message.cuts.iter().map(|cut| cut.index(frame.payload.len() + 1)).collect();
            for fragment in cut_at(&frame, &cuts) {
                let fin = fragment.fin;
                frames.push(fragment);
                if message.between && !fin {
                    frames.push(Frame::ping("p"));
                    right.push(Seen::Ping("p".into()));
                }
            }
            right.push(binary(data));
        }
        let run = setup.cuts(&stream(role, &frames), &[Cut::Whole, Cut::Random(cut), Cut::Random(cut / 2)]);
        let data = |seen: &&Seen| !matches!(seen, Seen::Ping(_));
        let returned = |seen: &[Seen]| seen.iter().filter(data).cloned().collect::<Vec<_>>();
        // Where Pings stand among parts that are put together says nothing.
        prop_assert!(returned(&run.seen) == returned(&right), "{} instead of {}", brief(&run.seen), brief(&right));
        prop_assert_eq!(run.seen.len(), right.len());
    }

    /// 7692-7.2.2-1: sessions in which one byte is wrong: what comes out is what the second implementation says.
    #[test]
    fn generated_corruption(seed: u64, at: prop::sample::Index, change in 1..=255_u8, server: bool, cut: u64) {
        let role = if server { Role::Server } else { Role::Client };
        let (stream_of_blocks, _) = random_stream(&mut Random(seed), b"Hello", WINDOW, 3, 60);
        let mut payload = stream_of_blocks.message();
        let at = at.index(payload.len());
        payload[at] ^= change;
        let frames = [hello(HELLO), compressed(Frame::binary(&payload))];
        let run = setup(role).cuts(&stream(role, &frames), &[Cut::Whole, Cut::EveryByte, Cut::Random(cut)]);
        let right = right_for(&payload, b"Hello");
        let is_right = run.seen.len() == 2 && right.contains(&run.seen[1]);
        prop_assert!(is_right, "{} instead of {}", brief(&run.seen), brief(&right));
    }

    /// Bytes of any kind as a compressed message: no panic, and the same in every cut.
    #[test]
    fn any_bytes(payload in proptest::collection::vec(any::<u8>(), 0..60), server: bool, parts: bool, is_text: bool) {
        let role = if server { Role::Server } else { Role::Client };
        let frame = compressed(Frame::new(if is_text { TEXT } else { BINARY }, &payload));
        let setup = if parts { in_parts(&setup(role)) } else { setup(role) };
        let run = setup.every_cut(&stream(role, &[frame]));
        let right: Vec<_> = (right_for(&payload, &[]).into_iter())
            .flat_map(|right| match right {
                Seen::Binary(data) if is_text => match String::from_utf8(data) {
                    Ok(data) => vec![text(&data)],
                    Err(_) => vec![failed_for(Violation::TextNotUtf8)],
                },
                // Text may be wrong before the data is.
                failed @ Seen::Closed { .. } if is_text => vec![failed, failed_for(Violation::TextNotUtf8)],
                right => vec![right],
            })
            .collect();
        prop_assert!(right.contains(run.seen.last().unwrap()), "{:?} instead of {:?}", run.seen, right);
    }
}
