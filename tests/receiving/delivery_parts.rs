//! `Delivery::Parts`: messages as they arrive; put together they are the message, wherever frames and bytes are cut.

use crate::common::frames::*;
use ws_proto::{Config, Delivery, Input, Role, Violation};

fn config() -> Config {
    Config::new().delivery(Delivery::Parts)
}

/// Puts parts together. A message that is not over stays a part, and panics at a part that should not be.
fn joined(seen: &[Seen]) -> Vec<Seen> {
    let mut joined = Vec::new();
    let mut text_so_far: Option<String> = None;
    let mut data_so_far: Option<Vec<u8>> = None;
    for event in seen {
        match event {
            Seen::TextPart(part, fin) => {
                assert!(data_so_far.is_none(), "text inside a binary message: {seen:?}");
                assert!(*fin || !part.is_empty(), "an empty part: {seen:?}");
                let mut whole = text_so_far.take().unwrap_or_default();
                whole.push_str(part);
                if *fin { joined.push(Seen::Text(whole)) } else { text_so_far = Some(whole) }
            }
            Seen::BinaryPart(part, fin) => {
                assert!(text_so_far.is_none(), "binary inside a text message: {seen:?}");
                assert!(*fin || !part.is_empty(), "an empty part: {seen:?}");
                let mut whole = data_so_far.take().unwrap_or_default();
                whole.extend(part);
                if *fin { joined.push(Seen::Binary(whole)) } else { data_so_far = Some(whole) }
            }
            Seen::Text(_) | Seen::Binary(_) => panic!("a whole message: {seen:?}"),
            Seen::Closed { .. } => {
                joined.extend(text_so_far.take().map(|text| Seen::TextPart(text, false)));
                joined.extend(data_so_far.take().map(|data| Seen::BinaryPart(data, false)));
                joined.push(event.clone());
            }
            other => joined.push(other.clone()),
        }
    }
    joined.extend(text_so_far.map(|text| Seen::TextPart(text, false)));
    joined.extend(data_so_far.map(|data| Seen::BinaryPart(data, false)));
    joined
}

/// Runs in every cut; what the parts add up to must not depend on it.
fn every_cut_joined(role: Role, config: &Config, bytes: &[u8]) -> Run {
    let cuts = [Cut::Whole, Cut::EveryByte, Cut::At(bytes.len() / 2)].into_iter().chain((0..12).map(Cut::Random));
    let mut runs = cuts.enumerate().map(|(i, cut)| {
        let run = run(role, config, bytes, cut, i % 2 == 1, false);
        (cut, Run { seen: joined(&run.seen), ..run })
    });
    let (_, whole) = runs.next().unwrap();
    for (cut, other) in runs {
        assert!(other == whole, "{cut:?} of {bytes:02x?} gives\n{other:?}, and whole it gives\n{whole:?}");
    }
    whole
}

/// 6455-5.4-3, 6455-5.4-6, 6455-6.2-4: the parts of a message add up to it.
#[test]
fn parts_add_up() {
    let message = "Grüße, 日本, 🦀! ".repeat(9);
    let bytes = message.as_bytes();
    for role in ROLES {
        for at in (0..=bytes.len()).step_by(5) {
            let frames = [
                Frame::text(&bytes[..at]).part(),
                Frame::ping("é"),
                Frame::continuation("").part(),
                Frame::continuation(&bytes[at..]),
                Frame::binary(&bytes[at..]).part(),
                Frame::continuation(&bytes[..at]),
                Frame::text(""),
                Frame::binary(""),
            ];
            let run = every_cut_joined(role, &config(), &stream(role, &frames));
            let turned = [&bytes[at..], &bytes[..at]].concat();
            assert_eq!(run.seen, [Seen::Ping("é".into()), text(&message), binary(turned), text(""), binary("")]);
            assert_eq!(sent_by(role, &run.output), [Frame::pong("é")]);
        }
    }
}

/// 6455-5.4-3: large messages, cut at random, in parts.
#[test]
fn large_parts_add_up() {
    let data = Random(3).bytes(150_000);
    for role in ROLES {
        let frames = [
            Frame::binary(&data[..70_000]).part(),
            Frame::continuation(&data[70_000..70_300]).part(),
            Frame::continuation(&data[70_300..]),
        ];
        let bytes = stream(role, &frames);
        for cut in [Cut::Whole, Cut::Random(7), Cut::Random(10), Cut::Random(11)] {
            let run = run(role, &config(), &bytes, cut, false, false);
            assert!(joined(&run.seen) == [binary(&data)], "{cut:?}");
        }
    }
}

/// What has arrived of a frame is handed out before the rest, and the input keeps next to nothing of it.
#[test]
fn parts_do_not_wait() {
    for role in ROLES {
        let frame = Frame::binary([1, 2, 3, 4, 5, 6, 7, 8]).to(role);
        let at = frame.header().len() + 3;
        let bytes = frame.bytes();
        let mut connection = connection(role, &config());
        let mut input = Input::new();
        assert_eq!(feed(&mut connection, &mut input, &bytes[..at]), [Seen::BinaryPart(vec![1, 2, 3], false)]);
        assert!(input.is_empty());
        assert_eq!(feed(&mut connection, &mut input, &bytes[at..]), [Seen::BinaryPart(vec![4, 5, 6, 7, 8], true)]);

        for byte in stream(role, &[Frame::text("é🦀".repeat(1000)).part(), Frame::ping(""), Frame::continuation("x")])
        {
            feed(&mut connection, &mut input, &[byte]);
            assert!(input.len() <= 14, "{} bytes are kept", input.len());
        }
    }
}

/// 6455-5.6-1: text is cut between code points, whatever the cut of the bytes.
#[test]
fn text_is_cut_between_code_points() {
    let message = "aé日🦀";
    for role in ROLES {
        let mut frames: Vec<_> = message.bytes().map(|byte| Frame::continuation([byte]).part()).collect();
        frames[0].opcode = TEXT;
        frames.last_mut().unwrap().fin = true;
        let run = run(role, &config(), &stream(role, &frames), Cut::EveryByte, false, false);
        let part = |text: &str, fin| Seen::TextPart(text.into(), fin);
        assert_eq!(run.seen, [part("a", false), part("é", false), part("日", false), part("🦀", true)]);
        every_cut_joined(role, &config(), &stream(role, &frames));
    }
}

/// 6455-5.6-1, 6455-8.1-1: the valid text before a fault is handed out, and then the connection fails.
#[test]
fn text_before_a_fault_is_returned() {
    let faults: [&[u8]; 6] = [b"\xff", b"\xc3\xff", b"\xe2\x82A", b"\xed\xa0\x80", b"\xf0\x9f\xa6\xff", b"\xf4\x90"];
    for role in ROLES {
        for fault in faults {
            for good in ["g", "gut: é", "日本", "a text of many bytes that is longer than a vector of the processor 🦀"]
            {
                let payload = [good.as_bytes(), fault, b"after"].concat();
                let end = [Seen::TextPart(good.into(), false), failed(Violation::TextNotUtf8)];
                let run = every_cut_joined(role, &config(), &stream(role, &[Frame::text(&payload)]));
                assert_eq!(run.seen, end);
                assert_eq!(sent_by(role, &run.output), [close_for(&Violation::TextNotUtf8)]);
                let (first, second) = payload.split_at(good.len() + 1);
                let frames = [Frame::text(first).part(), Frame::continuation(second)];
                assert_eq!(every_cut_joined(role, &config(), &stream(role, &frames)).seen, end);
            }
        }
        let fault_first = every_cut_joined(role, &config(), &stream(role, &[Frame::text(b"\xffgood")]));
        assert_eq!(fault_first.seen, [failed(Violation::TextNotUtf8)]);
    }
}

/// 6455-5.6-1: text that breaks off in a code point fails at its end, after what is whole.
#[test]
fn text_that_breaks_off_fails() {
    for role in ROLES {
        for broken in [&b"\xc3"[..], b"\xe2\x82", b"\xf0\x9f\xa6"] {
            let payload = [b"ok", broken].concat();
            let end = [Seen::TextPart("ok".into(), false), failed(Violation::TextNotUtf8)];
            let run = every_cut_joined(role, &config(), &stream(role, &[Frame::text(&payload)]));
            assert_eq!(run.seen, end);
            let frames = [Frame::text(&payload).part(), Frame::continuation("")];
            assert_eq!(every_cut_joined(role, &config(), &stream(role, &frames)).seen, end);
        }
    }
}

/// 6455-5.4-2, 6455-5.4-7: what may follow what is the same with parts.
#[test]
fn the_sequence_is_checked() {
    for role in ROLES {
        for (frame, violation) in [
            (Frame::text("x"), Violation::MessageInterrupted),
            (Frame::binary("x"), Violation::MessageInterrupted),
            (Frame::new(3, ""), Violation::ReservedOpcode(3)),
        ] {
            let run = every_cut_joined(role, &config(), &stream(role, &[Frame::binary("a").part(), frame]));
            assert_eq!(run.seen, [Seen::BinaryPart(b"a".to_vec(), false), failed(violation)]);
        }
        let run = every_cut_joined(role, &config(), &stream(role, &[Frame::text("a"), Frame::continuation("b")]));
        assert_eq!(run.seen, [text("a"), failed(Violation::NothingToContinue)]);
    }
}

/// 6455-5.5.1-7, 6455-5.4-8: control frames and the Close come through between parts.
#[test]
fn a_close_comes_between_parts() {
    for role in ROLES {
        let frames =
            [Frame::text("begun").part(), Frame::pong("p"), Frame::close(1001, "x"), Frame::continuation("late")];
        let run = every_cut_joined(role, &config(), &stream(role, &frames));
        let end = agreed((Some(1001), String::new()), (Some(1001), "x".into()));
        assert_eq!(run.seen, [Seen::Pong(b"p".to_vec()), Seen::TextPart("begun".into(), false), end]);
    }
}

/// 6455-10.4-1: a frame or a message above its limit fails on the header; what came before has been handed out.
#[test]
fn limits_hold_for_parts() {
    for role in ROLES {
        let begun = stream(role, &[Frame::binary([1; 8]).part()]);
        for (config, violation) in [
            (config().max_frame(8), Violation::FrameTooBig(9)),
            (config().max_message(16), Violation::MessageTooBig(17)),
            (config().max_fragments(1), Violation::TooManyFragments),
        ] {
            let header = Frame::continuation("").claim(9).to(role).header();
            let run = every_cut_joined(role, &config, &[begun.clone(), header].concat());
            assert_eq!(run.seen, [Seen::BinaryPart(vec![1; 8], false), failed(violation)]);
        }
    }
}
