//! Control frames: their shape, Pings and the Pongs that answer them, and a flood of Pings that nobody reads the
//! answers of.

use crate::common::frames::*;
use ws_proto::bytes::Buf;
use ws_proto::{CloseCode, Config, Connection, Input, SendErrorKind, Violation};

/// 6455-5.5-1: a control frame holds 125 bytes and not one more, whatever form its length has.
#[test]
fn control_frames_are_short() {
    for role in ROLES {
        for opcode in [CLOSE, PING, PONG] {
            for length in [126, 127, 200, 65535, 65536] {
                let frame = Frame::new(opcode, vec![b'x'; length]).to(role);
                assert_fails(role, &Config::new(), &frame.header(), &[], Violation::ControlTooLong);
            }
        }
        for payload in [vec![], vec![0; 1], vec![0xff; 124], vec![0xfe; 125]] {
            let frames = [Frame::ping(&payload), Frame::pong(&payload)];
            let run = every_cut(role, &Config::new(), &stream(role, &frames));
            assert_eq!(run.seen, [Seen::Ping(payload.clone()), Seen::Pong(payload)]);
        }
        let longest = Frame::close(1000, "r".repeat(123));
        let run = every_cut(role, &Config::new(), &stream(role, &[longest]));
        assert_eq!(run.seen, [agreed((Some(1000), String::new()), (Some(1000), "r".repeat(123)))]);
    }
}

/// 6455-5.5-1: a length of 125 or less in a longer form is no way around it.
#[test]
fn control_frames_have_a_literal_length() {
    for role in ROLES {
        for form in [Form::Bits16, Form::Bits64] {
            for opcode in [CLOSE, PING, PONG] {
                let bytes = Frame::new(opcode, "xx").form(form).to(role).bytes();
                let run = every_cut(role, &Config::new(), &bytes);
                let violations = [Violation::ControlTooLong, Violation::LengthNotMinimal(2)].map(failed);
                assert!(run.seen.len() == 1 && violations.contains(&run.seen[0]), "{:?}", run.seen);
            }
        }
    }
}

/// 6455-5.4-5, 6455-5.5-2: a control frame without FIN fails, inside a message and outside.
#[test]
fn control_frames_are_not_fragmented() {
    for role in ROLES {
        for opcode in [CLOSE, PING, PONG] {
            for before in [&[][..], &[Frame::text("a").part()]] {
                for payload in ["", "\u{3}\u{e8}"] {
                    let frames = [before, &[Frame::new(opcode, payload).part()]].concat();
                    assert_fails(role, &Config::new(), &stream(role, &frames), &[], Violation::FragmentedControl);
                }
            }
        }
    }
}

/// 6455-5.5.2-1, 6455-5.5.2-2, 6455-5.5.3-1, 6455-6.2-2: a Ping of any length is answered with a Pong of the same
/// bytes.
#[test]
fn pings_are_answered() {
    for role in ROLES {
        let mut random = Random(4);
        for length in 0..=125 {
            let payload = random.bytes(length);
            let bytes = stream(role, &[Frame::ping(&payload)]);
            for cut in [Cut::Whole, Cut::EveryByte, Cut::Random(3)] {
                let run = run(role, &Config::new(), &bytes, cut, false, false);
                assert_eq!(run.seen, [Seen::Ping(payload.clone())]);
                assert_eq!(sent_by(role, &run.output), [Frame::pong(&payload)]);
            }
        }
    }
}

/// 6455-5.5.2-3: the answer waits in the output as soon as the event is returned, and the connection wants to write.
#[test]
fn pings_are_answered_at_once() {
    for role in ROLES {
        let mut connection = connection(role, &Config::new());
        let mut input = Input::from(&stream(role, &[Frame::ping("1"), Frame::text("more")])[..]);
        assert!(!connection.interest().write);
        let event = connection.receive(&mut input).map(Seen::from);
        assert_eq!(event, Some(Seen::Ping(b"1".to_vec())));
        assert!(connection.interest().write);
        assert_eq!(sent_by(role, &drain(&mut connection)), [Frame::pong("1")]);
    }
}

/// 6455-5.5.3-4: a Pong gets no answer, whether it was asked for or not.
#[test]
fn pongs_are_not_answered() {
    for role in ROLES {
        let run =
            every_cut(role, &Config::new(), &stream(role, &[Frame::pong("a"), Frame::pong("a"), Frame::pong("")]));
        assert_eq!(run.seen, [Seen::Pong(b"a".to_vec()), Seen::Pong(b"a".to_vec()), Seen::Pong(vec![])]);
        assert_eq!(run.output, []);
    }
}

/// 6455-5.5.2-1, 6455-5.5.2-4, 6455-5.5.3-3: Pings and Pongs can be sent at any time until the Close, unasked for, and
/// inside a message that goes out in parts: behind the part that is partly written, and ahead of those of which nothing
/// is.
#[test]
fn pings_and_pongs_can_be_sent() {
    let (first, second, third, fourth) =
        (Frame::ping(""), Frame::ping([9; 125]), Frame::pong("unasked"), Frame::pong([8; 125]));
    let (part, rest) = (Frame::text("a").part(), Frame::continuation("b"));
    for role in ROLES {
        for begun in [false, true] {
            let mut connection = connection(role, &Config::new());
            let mut output = Vec::new();
            // Writes all but the last byte.
            let mut begin = |connection: &mut Connection| {
                let output_of = connection.output();
                let count = if begun { output_of.remaining() - 1 } else { 0 };
                output.extend(output_of.copy_to_bytes(count));
            };
            connection.ping(b"").unwrap();
            connection.send_part("a", false).unwrap();
            begin(&mut connection);
            connection.ping(&[9; 125]).unwrap();
            connection.pong(b"unasked").unwrap();
            connection.send_part("b", true).unwrap();
            begin(&mut connection);
            connection.pong(&[8; 125]).unwrap();
            output.extend(drain(&mut connection));
            let frames = if begun {
                [&first, &part, &second, &third, &rest, &fourth]
            } else {
                [&first, &second, &third, &fourth, &part, &rest]
            };
            assert_eq!(sent_by(role, &output), frames.map(Frame::clone), "{begun}");
        }
    }
}

/// 6455-5.5-1: a longer Ping or Pong is refused, and nothing of it goes out.
#[test]
fn long_pings_are_not_sent() {
    for role in ROLES {
        let mut connection = connection(role, &Config::new());
        for length in [126, 200, 65536] {
            assert_eq!(connection.ping(&vec![0; length]).unwrap_err().kind(), SendErrorKind::ControlTooLong);
            assert_eq!(connection.pong(&vec![0; length]).unwrap_err().kind(), SendErrorKind::ControlTooLong);
        }
        assert_eq!(drain(&mut connection), []);
    }
}

/// 6455-5.5.2-2: with `auto_pong` off the application answers, and nothing is sent by itself.
#[test]
fn the_application_may_answer() {
    let config = Config::new().auto_pong(false);
    for role in ROLES {
        let run = every_cut(role, &config, &stream(role, &[Frame::ping("a"), Frame::text("x"), Frame::ping("b")]));
        assert_eq!(run.seen, [Seen::Ping(b"a".to_vec()), text("x"), Seen::Ping(b"b".to_vec())]);
        assert_eq!(run.output, []);

        let mut connection = connection(role, &config);
        let mut input = Input::from(&stream(role, &[Frame::ping("look")])[..]);
        while let Some(event) = connection.receive(&mut input) {
            let ws_proto::Event::Ping(payload) = event else { panic!("{event:?}") };
            connection.pong(&payload).unwrap();
        }
        assert_eq!(sent_by(role, &drain(&mut connection)), [Frame::pong("look")]);
    }
}

/// 6455-5.5.2-2: Pings are answered until the peer's Close has come, also after this side has sent its own; by hand
/// too. The answer goes ahead of the Close as long as nothing of that is written.
#[test]
fn pings_are_answered_while_closing() {
    for role in ROLES {
        for (auto, written) in [(true, 0), (false, 0), (true, 1), (false, 1), (true, 4), (false, 4)] {
            let mut connection = connection(role, &Config::new().auto_pong(auto));
            let mut input = Input::new();
            connection.close(CloseCode::NORMAL).unwrap();
            let mut output = connection.output().copy_to_bytes(written).to_vec();
            let seen = feed(&mut connection, &mut input, &stream(role, &[Frame::ping("still there?")]));
            assert_eq!(seen, [Seen::Ping(b"still there?".to_vec())]);
            if !auto {
                connection.pong(b"still there?").unwrap();
            }
            output.extend(drain(&mut connection));
            let mut frames = [Frame::pong("still there?"), Frame::close(1000, "")];
            if written > 0 {
                frames.reverse();
            }
            assert_eq!(sent_by(role, &output), frames, "{written} bytes of the Close were written");
        }
    }
}

/// 6455-5.5.2-2: after the peer's Close no Ping is answered, and none is returned.
#[test]
fn pings_after_the_close_are_not_answered() {
    for role in ROLES {
        let run = every_cut(role, &Config::new(), &stream(role, &[Frame::close(1000, ""), Frame::ping("late")]));
        assert_eq!(run.seen, [agreed((Some(1000), String::new()), (Some(1000), String::new()))]);
        assert_eq!(sent_by(role, &run.output), [Frame::close(1000, "")]);
    }
}

/// 6455-5.5.3-2, CVE-2026-11586: while nothing is written, the Pongs that wait stay few: the first 32, and the newest one.
/// They go ahead of the data.
#[test]
fn a_flood_of_pings_stays_bounded() {
    for role in ROLES {
        for own in [&[][..], &[0; 1000]] {
            let mut connection = connection(role, &Config::new());
            let mut input = Input::new();
            connection.send_binary(own).unwrap();
            let before = connection.output().remaining();
            for i in 0..5000_u32 {
                let payload = [&i.to_be_bytes()[..], &[0; 121]].concat();
                let seen = feed(&mut connection, &mut input, &stream(role, &[Frame::ping(&payload)]));
                assert_eq!(seen, [Seen::Ping(payload)]);
                let waiting = connection.output().remaining() - before;
                assert!((127..=8192).contains(&waiting), "{waiting} bytes of Pongs wait after {i} Pings");
            }
            let pongs = (0..32).chain([4999_u32]).map(|i| Frame::pong([&i.to_be_bytes()[..], &[0; 121]].concat()));
            let frames: Vec<_> = pongs.chain([Frame::binary(own)]).collect();
            assert_eq!(sent_by(role, &drain(&mut connection)), frames);
        }
    }
}

/// 6455-5.5.3-2, CVE-2026-11586: this side's Close makes no room for more Pongs: while nothing of it is written, 32 and the
/// newest one go ahead of it; when a byte of it is written, 32 and the newest one follow it.
#[test]
fn a_flood_around_the_own_close_stays_bounded() {
    for role in ROLES {
        let pongs = |name: &str| (0..32).map(|i| Frame::pong(format!("{name} {i}"))).collect::<Vec<_>>();
        let [before, behind] = ["before", "behind"].map(pongs);
        let [newest_before, newest_behind] = ["before 99", "behind 99"].map(|name| [Frame::pong(name)]);
        let close = [Frame::close(1000, "")];
        for begun in [false, true] {
            let mut connection = connection(role, &Config::new());
            let mut input = Input::new();
            let mut flood = |connection: &mut Connection, name: &str| {
                for i in 0..100 {
                    feed(connection, &mut input, &stream(role, &[Frame::ping(format!("{name} {i}"))]));
                }
            };
            flood(&mut connection, "before");
            let waiting = connection.output().remaining();
            connection.close(CloseCode::NORMAL).unwrap();
            let written = if begun { waiting + 1 } else { 0 };
            let mut output = connection.output().copy_to_bytes(written).to_vec();
            flood(&mut connection, "behind");
            output.extend(drain(&mut connection));
            let frames = if begun {
                [&before[..], &newest_before, &close, &behind, &newest_behind].concat()
            } else {
                [&before[..], &newest_behind, &close].concat()
            };
            assert_eq!(sent_by(role, &output), frames);
        }
    }
}

/// 6455-5.5.3-1, 6455-5.5.3-2: however Pings, sends and partial writes take turns, the Pongs answer Pings that came, in
/// their order, the last one always, and nothing is lost of what was sent.
#[test]
fn pongs_keep_their_order() {
    for role in ROLES {
        for seed in 0..40 {
            let mut random = Random(seed);
            let mut connection = connection(role, &Config::new());
            let mut input = Input::new();
            let (mut output, mut last) = (Vec::new(), 0_u32);
            let mut sent = Vec::new();
            for i in 1..200_u32 {
                match random.below(3) {
                    0 => {
                        feed(&mut connection, &mut input, &stream(role, &[Frame::ping(i.to_be_bytes())]));
                        last = i;
                    }
                    1 => {
                        connection.send_binary(&i.to_be_bytes()).unwrap();
                        sent.push(Frame::binary(i.to_be_bytes()));
                    }
                    _ => {
                        let count = random.below(30).min(connection.output().remaining());
                        output.extend(connection.output().copy_to_bytes(count));
                    }
                }
            }
            output.extend(drain(&mut connection));
            let (pongs, data): (Vec<_>, Vec<_>) =
                sent_by(role, &output).into_iter().partition(|frame| frame.opcode == PONG);
            assert_eq!(data, sent);
            let answered: Vec<_> =
                pongs.iter().map(|frame| u32::from_be_bytes(frame.payload[..].try_into().unwrap())).collect();
            assert!(answered.is_sorted_by(|a, b| a < b), "{answered:?}");
            assert_eq!(answered.last().copied().unwrap_or_default(), last);
        }
    }
}
