//! Text is UTF-8: every sequence whole and cut anywhere, faults found as soon as they show, and owned text that cannot
//! be anything else.

use crate::common::frames::*;
use ws_proto::bytes::Bytes;
use ws_proto::{Config, Input, Message, MessageKind, NotUtf8, Opcode, Role, Utf8Bytes, Violation};

/// Sequences that are not UTF-8, each with the number of bytes after which that is certain (Unicode 15, table 3-7).
const INVALID: [(&[u8], usize); 46] = [
    (b"\x80", 1),
    (b"\xbf", 1),
    (b"\xc0", 1),
    (b"\xc0\x80", 1),
    (b"\xc1\xbf", 1),
    (b"\xf5\x80\x80\x80", 1),
    (b"\xf8\x88\x80\x80\x80", 1),
    (b"\xfc\x84\x80\x80\x80\x80", 1),
    (b"\xfe", 1),
    (b"\xff", 1),
    (b"\xc2\x7f", 2),
    (b"\xc2\xc0", 2),
    (b"\xc2A", 2),
    (b"\xdf\xdf", 2),
    (b"\xc3\xa9\xa9", 3),
    (b"\xe0\x80\x80", 2),
    (b"\xe0\x9f\xbf", 2),
    (b"\xe0\xc0", 2),
    (b"\xe1\x7f", 2),
    (b"\xe1\xc0", 2),
    (b"\xe1\x80\x7f", 3),
    (b"\xe1\x80\xc0", 3),
    (b"\xe2\x82\xc3", 3),
    (b"\xe2\x82\xac\xac", 4),
    (b"\xec\xbf ", 3),
    (b"\xed\xa0\x80", 2),
    (b"\xed\xad\xbf", 2),
    (b"\xed\xae\x80", 2),
    (b"\xed\xbf\xbf", 2),
    (b"\xed\xa0\x80\xed\xb0\x80", 2),
    (b"\xee\x7f", 2),
    (b"\xef\xbf\x7f", 3),
    (b"\xef\xbf\xc0", 3),
    (b"\xf0\x80\x80\x80", 2),
    (b"\xf0\x8f\xbf\xbf", 2),
    (b"\xf0\xc0", 2),
    (b"\xf0\x90\x7f", 3),
    (b"\xf0\x90\x80\x7f", 4),
    (b"\xf1\x7f", 2),
    (b"\xf1\x80\x80\xc0", 4),
    (b"\xf3\xbf\xc0", 3),
    (b"\xf4\x90\x80\x80", 2),
    (b"\xf4\xbf\xbf\xbf", 2),
    (b"\xf4\x8f\xc0", 3),
    (b"\xf4\x8f\xbf ", 4),
    (b"\xf0\x9f\xa6\x80\x80", 5),
];

/// The first and the last code point of each length, the neighbours of the surrogates, non-characters, a byte order
/// mark.
const VALID: [char; 18] = [
    '\0',
    '\u{1}',
    '\u{7f}',
    '\u{80}',
    '\u{7ff}',
    '\u{800}',
    '\u{fff}',
    '\u{1000}',
    '\u{cfff}',
    '\u{d7ff}',
    '\u{e000}',
    '\u{feff}',
    '\u{fffd}',
    '\u{fffe}',
    '\u{ffff}',
    '\u{10000}',
    '\u{fffff}',
    '\u{10ffff}',
];

fn unfinished(opcode: u8, payload: &[u8]) -> Frame {
    Frame::new(opcode, payload).claim(payload.len() as u64 + 100)
}

/// 6455-5.6-1, 6455-10.7-1: all of UTF-8 is text, also what no character stands for, and comes out as it came in.
#[test]
fn valid_text_is_returned() {
    for role in ROLES {
        for c in VALID {
            for text in [c.to_string(), format!("a{c}"), format!("{c}{c}é"), format!("{}{c}", "x".repeat(70))] {
                let run = every_cut(role, &Config::new(), &stream(role, &[Frame::text(&text)]));
                assert_eq!(run.seen, [crate::common::frames::text(&text)]);
            }
        }
        let all: String = ('\0'..=char::MAX).step_by(7).collect();
        for cut in [Cut::Whole, Cut::Random(2), Cut::Random(11)] {
            let run = run(role, &Config::new(), &stream(role, &[Frame::text(&all)]), cut, false, false);
            assert!(run.seen == [text(&all)], "{cut:?}");
        }
    }
}

/// 6455-5.6-1: a code point may be cut between frames, at any of its bytes and more than once.
#[test]
fn code_points_are_cut_between_frames() {
    let message: String = VALID.iter().collect();
    let bytes = message.as_bytes();
    for role in ROLES {
        for at in 0..=bytes.len() {
            let frames = [Frame::text(&bytes[..at]).part(), Frame::ping("\u{e9}"), Frame::continuation(&bytes[at..])];
            let run = every_cut(role, &Config::new(), &stream(role, &frames));
            assert_eq!(run.seen, [Seen::Ping("é".into()), text(&message)], "cut before {at}");
        }
        let mut frames = vec![Frame::text("").part()];
        frames.extend(bytes.iter().map(|byte| Frame::continuation([*byte]).part()));
        frames.push(Frame::continuation(""));
        assert_eq!(every_cut(role, &Config::new(), &stream(role, &frames)).seen, [text(&message)]);
    }
}

/// 6455-5.6-1, 6455-8.1-1, 6455-7.4.1-7: what is not UTF-8 fails with 1007, wherever it stands and however it is cut.
#[test]
fn invalid_text_fails() {
    for role in ROLES {
        for (sequence, _) in INVALID {
            for before in
                ["", "a", "é", "seven b", "sixteen bytes go before this fault stands in the text, and more 日本"]
            {
                for after in ["", "and after"] {
                    let payload = [before.as_bytes(), sequence, after.as_bytes()].concat();
                    let bytes = stream(role, &[Frame::text("good"), Frame::text(&payload)]);
                    assert_fails(role, &Config::new(), &bytes, &[text("good")], Violation::TextNotUtf8);
                }
            }
        }
    }
    assert_eq!(Violation::TextNotUtf8.close_code().get(), 1007);
}

/// 6455-5.6-1, 6455-8.1-1: cutting it into frames does not make a fault good.
#[test]
fn invalid_text_fails_in_fragments() {
    for role in ROLES {
        for (sequence, _) in INVALID {
            for at in 0..=sequence.len() {
                let frames = [Frame::text(&sequence[..at]).part(), Frame::continuation(&sequence[at..])];
                assert_fails(role, &Config::new(), &stream(role, &frames), &[], Violation::TextNotUtf8);
            }
        }
    }
}

/// 6455-5.6-1, 6455-8.1-1: text that breaks off in a code point fails with its last frame, and not before.
#[test]
fn text_that_breaks_off_fails() {
    for role in ROLES {
        for c in VALID.into_iter().filter(|c| c.len_utf8() > 1) {
            for end in 1..c.len_utf8() {
                let whole = c.to_string();
                let broken = &whole.as_bytes()[..end];
                let bytes = stream(role, &[Frame::text([b"x", broken].concat())]);
                assert_fails(role, &Config::new(), &bytes, &[], Violation::TextNotUtf8);
                let bytes = stream(role, &[Frame::text(broken).part(), Frame::continuation("")]);
                assert_fails(role, &Config::new(), &bytes, &[], Violation::TextNotUtf8);

                let bytes = stream(role, &[Frame::text(broken).part(), Frame::pong("")]);
                assert_eq!(every_cut(role, &Config::new(), &bytes).seen, [Seen::Pong(vec![])]);
                let bytes = unfinished(TEXT, broken).to(role).bytes();
                assert_eq!(every_cut(role, &Config::new(), &bytes).seen, []);
            }
        }
    }
}

/// 6455-5.6-1, 6455-10.7-1: a fault is returned with the byte that makes it certain, in the middle of a code point and of a
/// frame, and not one byte earlier.
#[test]
fn faults_are_returned_at_once() {
    for role in ROLES {
        for (sequence, certain) in INVALID {
            for before in [&b""[..], b"x", "ééé".as_bytes(), &[b'y'; 200]] {
                let payload = [before, sequence].concat();
                let frame = unfinished(TEXT, &payload).to(role);
                let deciding = frame.header().len() + before.len() + certain;
                let bytes = frame.bytes();
                let waits = every_cut(role, &Config::new(), &bytes[..deciding - 1]);
                assert_eq!((waits.seen, waits.output), (vec![], vec![]), "{payload:02x?}");
                assert_fails(role, &Config::new(), &bytes[..deciding], &[], Violation::TextNotUtf8);
            }
        }
    }
}

/// 6455-5.6-1: the same in a continuation, where the code point began in the frame before.
#[test]
fn faults_are_returned_at_once_across_frames() {
    for role in ROLES {
        for (sequence, certain) in INVALID.into_iter().filter(|(_, certain)| *certain > 1) {
            for at in 1..certain {
                let first = stream(role, &[Frame::text(&sequence[..at]).part(), Frame::ping("")]);
                let second = unfinished(CONTINUATION, &sequence[at..]).to(role);
                let deciding = second.header().len() + certain - at;
                let bytes = [first, second.bytes()[..deciding].to_vec()].concat();
                let pinged = [Seen::Ping(vec![])];
                assert_eq!(every_cut(role, &Config::new(), &bytes[..bytes.len() - 1]).seen, pinged);
                assert_fails(role, &Config::new(), &bytes, &pinged, Violation::TextNotUtf8);
            }
        }
    }
}

/// 6455-5.6-1: all sequences of two bytes that do not begin with ASCII, in one frame and in two.
#[test]
fn every_two_bytes() {
    for sequence in (0x7f00..=u16::MAX).map(u16::to_be_bytes) {
        let right = match std::str::from_utf8(&sequence) {
            Ok(valid) => text(valid),
            Err(_) => failed(Violation::TextNotUtf8),
        };
        let [first, second] = sequence;
        let whole = Frame::text(sequence).bytes();
        let fragments = stream(Role::Client, &[Frame::text([first]).part(), Frame::continuation([second])]);
        for bytes in [whole, fragments] {
            let mut client = connection(Role::Client, &Config::new());
            let seen = feed(&mut client, &mut Input::new(), &bytes);
            assert_eq!(seen, std::slice::from_ref(&right), "{sequence:02x?}");
        }
    }
}

/// 6455-5.6-1: longer sequences, drawn from the bytes at which the rules change.
#[test]
fn many_sequences() {
    let edges = b"\x00A\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xec\xed\xee\xef\xf0\xf1\xf3\xf4\xf5\xff";
    let mut random = Random(12);
    for round in 0..20_000 {
        let mut sequence: Vec<u8> = (0..2 + random.below(3)).map(|_| edges[random.below(edges.len())]).collect();
        if round % 2 == 0 {
            // Mostly right: a leading byte with as many followers as it wants, give or take one.
            let lead = [0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf1, 0xf4][random.below(7)];
            let count = usize::from(lead >= 0xf0) + 2;
            sequence = (0..count).map(|_| [0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf][random.below(6)]).collect();
            sequence.insert(0, lead);
        }
        let role = ROLES[round % 2];
        let bytes = stream(role, &[Frame::text(&sequence)]);
        let right = match std::str::from_utf8(&sequence) {
            Ok(valid) => text(valid),
            Err(_) => failed(Violation::TextNotUtf8),
        };
        for cut in [Cut::Whole, Cut::EveryByte] {
            let run = run(role, &Config::new(), &bytes, cut, false, false);
            assert_eq!(run.seen, std::slice::from_ref(&right), "{sequence:02x?}, {cut:?}");
        }
    }
}

/// 6455-5.6-1, 6455-8.1-1: a fault in long text is found wherever it stands, and wherever the text is cut.
#[test]
fn faults_in_long_text_are_found() {
    for role in ROLES {
        for filler in ["a", "é", "日", "🦀"] {
            let good = filler.repeat(700 / filler.len());
            for at in (0..good.len()).step_by(filler.len()) {
                let mut payload = good.clone().into_bytes();
                payload[at] = 0xff;
                let bytes = stream(role, &[Frame::text(&payload)]);
                for cut in [Cut::Whole, Cut::At(bytes.len() - payload.len() + at), Cut::Random(6 + at as u64 % 5)] {
                    let run = run(role, &Config::new(), &bytes, cut, false, false);
                    assert_eq!(run.seen, [failed(Violation::TextNotUtf8)], "{filler} with a fault at {at}, {cut:?}");
                }
            }
            let bytes = stream(role, &[Frame::text(&good)]);
            for at in 0..bytes.len() {
                let run = run(role, &Config::new(), &bytes, Cut::At(at), false, false);
                assert_eq!(run.seen, [text(&good)], "{filler} cut before {at}");
            }
        }
    }
}

/// 6455-10.7-5: what ends text is the length of the frame, no byte in it.
#[test]
fn no_character_ends_text() {
    for role in ROLES {
        for message in ["a\0b", "\0", "\r\n\r\n", "\u{1a}\u{4}x", "]]>\n{}"] {
            let frames = [Frame::text(message), Frame::text("next")];
            assert_eq!(every_cut(role, &Config::new(), &stream(role, &frames)).seen, [text(message), text("next")]);
        }
    }
}

/// 6455-5.6-2: binary is not looked at.
#[test]
fn binary_is_opaque() {
    for role in ROLES {
        for (sequence, _) in INVALID {
            let run = every_cut(role, &Config::new(), &stream(role, &[Frame::binary(sequence)]));
            assert_eq!(run.seen, [binary(sequence)]);
        }
    }
}

/// 6455-5.6-1: owned text is UTF-8 or does not come to be; what was refused comes back.
#[test]
fn owned_text_is_utf_8() {
    for (sequence, _) in INVALID {
        let bytes = Bytes::from_static(sequence);
        assert_eq!(Utf8Bytes::try_from(bytes.clone()), Err(NotUtf8(bytes.clone())));
        assert_eq!(Utf8Bytes::try_from(sequence.to_vec()), Err(NotUtf8(bytes)));
    }
    for c in VALID {
        let text = Utf8Bytes::try_from(Bytes::from(c.to_string())).unwrap();
        assert_eq!((text.as_str(), text.to_string()), (&*c.to_string(), c.to_string()));
        assert_eq!(text.clone().into_bytes(), c.to_string());
        let message = Message::from(text);
        assert_eq!((message.kind(), message.kind().opcode()), (MessageKind::Text, Opcode::Text));
        assert_eq!(message.as_bytes(), c.to_string().as_bytes());
    }
    assert_eq!(Utf8Bytes::from_static("é"), Utf8Bytes::from("é"));
    assert_eq!(Utf8Bytes::EMPTY, "");
    assert_eq!(Message::from(&b"\xff"[..]).kind(), MessageKind::Binary);
}
