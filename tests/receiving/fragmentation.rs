//! Fragmentation: a message is the same however it is cut into frames, and nothing else may come between its frames
//! than control frames.

use crate::common::allocator::held;
use crate::common::frames::*;
use ws_proto::{Config, Input, Role, Violation};

const MESSAGE: &str = "Grüße, 日本, 🦀!";

/// The message as frames that end before the bytes at `cuts`.
fn cut_into_frames(opcode: u8, message: &[u8], cuts: &[usize]) -> Vec<Frame> {
    let ends = cuts.iter().copied().chain([message.len()]);
    let starts = [0].into_iter().chain(cuts.iter().copied());
    let mut frames: Vec<Frame> =
        starts.zip(ends).map(|(start, end)| Frame::continuation(&message[start..end]).part()).collect();
    frames[0].opcode = opcode;
    frames.last_mut().unwrap().fin = true;
    frames
}

/// 6455-5.4-2, 6455-5.4-3, 6455-5.4-6, 6455-5.4-10, 6455-6.2-4: in two frames or in three, cut anywhere, also inside a
/// code point, a message is what it is in one.
#[test]
fn cuts_do_not_change_a_message() {
    let bytes = MESSAGE.as_bytes();
    for role in ROLES {
        for first in 0..=bytes.len() {
            for second in (first..=bytes.len()).step_by(3) {
                for (opcode, event) in [(TEXT, text(MESSAGE)), (BINARY, binary(bytes))] {
                    let input = stream(role, &cut_into_frames(opcode, bytes, &[first, second]));
                    for cut in [Cut::Whole, Cut::EveryByte, Cut::Random(first as u64)] {
                        let run = run(role, &Config::new(), &input, cut, second % 2 == 0, false);
                        assert_eq!(run.seen, std::slice::from_ref(&event), "cut before {first} and {second}, {cut:?}");
                    }
                }
            }
        }
    }
}

/// 6455-5.4-2, 6455-5.4-10: frames and fragments of large messages, with each length form among them.
#[test]
fn large_fragments_are_joined() {
    let message = Random(8).bytes(140_000);
    for role in ROLES {
        for cuts in [&[1][..], &[70_000], &[100, 300, 66_000, 66_000, 139_999], &[139_999]] {
            let input = stream(role, &cut_into_frames(BINARY, &message, cuts));
            for cut in [Cut::Whole, Cut::Random(7), Cut::Random(11)] {
                let run = run(role, &Config::new(), &input, cut, false, false);
                assert!(run.seen == [binary(&message)], "cut before {cuts:?}, {cut:?}");
            }
        }
    }
}

/// 6455-5.4-9: fragments may be empty, the first, the last, some between, and all of them.
#[test]
fn fragments_may_be_empty() {
    for role in ROLES {
        for cuts in [&[0][..], &[0, 0, 0], &[3, 3], &[6], &[6, 6, 6], &[0, 2, 2, 2, 4, 6]] {
            let frames = cut_into_frames(TEXT, b"frames", cuts);
            assert_eq!(every_cut(role, &Config::new(), &stream(role, &frames)).seen, [text("frames")], "{cuts:?}");
        }
        let frames = cut_into_frames(BINARY, b"", &[0; 20]);
        assert_eq!(every_cut(role, &Config::new(), &stream(role, &frames)).seen, [binary("")]);
        assert_eq!(every_cut(role, &Config::new(), &stream(role, &[Frame::text("")])).seen, [text("")]);
    }
}

/// 6455-5.4-4, 6455-5.4-8, 6455-6.2-2: control frames between fragments are handled before the message is complete, and
/// leave it whole.
#[test]
fn control_frames_come_between() {
    let bytes = MESSAGE.as_bytes();
    for role in ROLES {
        for at in 0..=bytes.len() {
            let [first, last] = &cut_into_frames(TEXT, bytes, &[at])[..] else { unreachable!() };
            let frames = [
                Frame::pong("before"),
                first.clone(),
                Frame::ping([0xff; 125]),
                Frame::pong(""),
                Frame::ping(""),
                last.clone(),
                Frame::ping("after"),
            ];
            let run = every_cut(role, &Config::new(), &stream(role, &frames));
            let between = [Seen::Ping(vec![0xff; 125]), Seen::Pong(vec![]), Seen::Ping(vec![])];
            let after = [text(MESSAGE), Seen::Ping(b"after".to_vec())];
            assert_eq!(run.seen, [&[Seen::Pong(b"before".to_vec())], &between[..], &after].concat(), "cut at {at}");
            let pongs = [Frame::pong([0xff; 125]), Frame::pong(""), Frame::pong("after")];
            assert_eq!(sent_by(role, &run.output), pongs, "cut at {at}");
        }
    }
}

/// 6455-5.4-8: a Ping is answered although the message around it is not complete.
#[test]
fn a_ping_does_not_wait_for_the_message() {
    for role in ROLES {
        let mut connection = connection(role, &Config::new());
        let mut input = Input::new();
        let frames = [Frame::text("unfinished").part(), Frame::ping("now")];
        assert_eq!(feed(&mut connection, &mut input, &stream(role, &frames)), [Seen::Ping(b"now".to_vec())]);
        assert_eq!(sent_by(role, &drain(&mut connection)), [Frame::pong("now")]);
        let rest = stream(role, &[Frame::continuation(" message")]);
        assert_eq!(feed(&mut connection, &mut input, &rest), [text("unfinished message")]);
    }
}

/// 6455-5.4-2: a continuation needs a message to continue: not at the beginning, not after a message is complete.
#[test]
fn nothing_to_continue_fails() {
    for role in ROLES {
        let whole = [Frame::binary("x")];
        let fragmented = [Frame::binary("x").part(), Frame::continuation("y")];
        for (before, events) in [(&[][..], &[][..]), (&whole, &[binary("x")]), (&fragmented, &[binary("xy")])] {
            for wrong in [Frame::continuation("z"), Frame::continuation("z").part(), Frame::continuation("")] {
                let bytes = stream(role, &[before, &[wrong]].concat());
                assert_fails(role, &Config::new(), &bytes, events, Violation::NothingToContinue);
            }
        }
    }
}

/// 6455-5.4-7, 6455-5.4-2: no message begins inside another, not even one of the same type.
#[test]
fn an_interrupted_message_fails() {
    for role in ROLES {
        for (first, second) in [(TEXT, TEXT), (TEXT, BINARY), (BINARY, TEXT), (BINARY, BINARY)] {
            for between in [&[][..], &[Frame::ping("p")], &[Frame::continuation("c").part()]] {
                for wrong in [Frame::new(second, "b"), Frame::new(second, "b").part()] {
                    let frames = [&[Frame::new(first, "a").part()], between, &[wrong]].concat();
                    let pinged = between.iter().any(|frame| frame.opcode == PING);
                    let events = if pinged { vec![Seen::Ping(b"p".to_vec())] } else { vec![] };
                    assert_fails(role, &Config::new(), &stream(role, &frames), &events, Violation::MessageInterrupted);
                }
            }
        }
    }
}

/// 6455-5.4-7: also when each frame is complete in itself and nothing of the message has come yet.
#[test]
fn an_empty_beginning_is_a_message_under_way() {
    for role in ROLES {
        for between in [&[][..], &[Frame::ping("?")], &[Frame::continuation("").part(), Frame::pong("")]] {
            let mut connection = connection(role, &Config::new());
            let mut input = Input::new();
            feed(&mut connection, &mut input, &stream(role, &[Frame::text("").part()]));
            for frame in between {
                feed(&mut connection, &mut input, &stream(role, std::slice::from_ref(frame)));
            }
            let seen = feed(&mut connection, &mut input, &stream(role, &[Frame::binary("new")]));
            assert_eq!(seen, [failed(Violation::MessageInterrupted)]);
        }
    }
}

/// 6455-5.4-15, 6455-6.2-3, 6455-5.6-2: the type of the first frame holds for all: text is checked in every fragment,
/// binary in none.
#[test]
fn the_first_frame_gives_the_type() {
    for role in ROLES {
        let frames =
            |opcode| [Frame::new(opcode, "a").part(), Frame::continuation("b").part(), Frame::continuation(b"\xff")];
        let run = every_cut(role, &Config::new(), &stream(role, &frames(BINARY)));
        assert_eq!(run.seen, [binary(b"ab\xff")]);
        assert_fails(role, &Config::new(), &stream(role, &frames(TEXT)), &[], Violation::TextNotUtf8);
    }
}

/// 6455-6.2-5: after the final fragment a new message begins, with a type of its own.
#[test]
fn messages_follow_each_other() {
    for role in ROLES {
        let frames = [
            Frame::text("a").part(),
            Frame::continuation("b"),
            Frame::binary(b"\xc3").part(),
            Frame::continuation(""),
            Frame::text("whole"),
            Frame::binary(b"\xff"),
            Frame::text("").part(),
            Frame::continuation("end"),
        ];
        let run = every_cut(role, &Config::new(), &stream(role, &frames));
        assert_eq!(run.seen, [text("ab"), binary(b"\xc3"), text("whole"), binary(b"\xff"), text("end")]);
    }
}

/// 6455-5.4-6, 6455-5.4-9: many small fragments, empty ones and Pings among them, come out in their order, and the
/// input never holds much more than the message so far.
#[test]
fn many_small_fragments_stay_small() {
    for role in ROLES {
        let mut connection = connection(role, &Config::new());
        let mut input = Input::new();
        let mut message = Vec::new();
        let mut random = Random(5);
        let before = held();
        for i in 0..20_000 {
            let part = random.bytes([1, 0, 1, 1, 3][i % 5]);
            message.extend(&part);
            let frame = if i == 0 { Frame::binary(part) } else { Frame::continuation(part) }.part();
            assert_eq!(feed(&mut connection, &mut input, &stream(role, &[frame])), []);
            if i % 100 == 0 {
                let ping = stream(role, &[Frame::ping("p")]);
                assert_eq!(feed(&mut connection, &mut input, &ping), [Seen::Ping(b"p".to_vec())]);
                drain(&mut connection);
            }
            assert_eq!(input.len(), message.len(), "only what the message is made of");
        }
        let memory = held() - before - message.capacity() as isize;
        assert!(memory <= 8 * message.len() as isize, "{memory} bytes for {}", message.len());
        let last = stream(role, &[Frame::continuation("")]);
        assert!(feed(&mut connection, &mut input, &last) == [binary(&message)]);
        assert!(input.is_empty());
    }
}

/// 6455-5.4-3: what is left of one message has no part in the next, also when the first was kept.
#[test]
fn a_kept_message_is_not_touched_by_the_next() {
    let mut server = connection(Role::Server, &Config::new());
    let mut input = Input::from(&stream(Role::Server, &[Frame::text("one").part(), Frame::continuation(" two")])[..]);
    let kept = match server.receive(&mut input).unwrap() {
        ws_proto::Event::Text(text) => text.into_utf8_bytes(),
        event => panic!("{event:?}"),
    };
    let next = stream(Role::Server, &[Frame::binary([7; 3]).part(), Frame::continuation([8; 100])]);
    assert_eq!(feed(&mut server, &mut input, &next), [binary([&[7; 3][..], &[8; 100]].concat())]);
    assert_eq!(kept, "one two");
}
