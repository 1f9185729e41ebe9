//! Generated sessions, right ones and wrong ones: the same events and the same output however the bytes are cut, and
//! those that a naive receiver expects.

use crate::common::frames::*;
use proptest::prelude::*;
use ws_proto::bytes::Buf;
use ws_proto::{CloseCode, Config, Connection, Delivery, Input, Role};

/// What a peer does next.
#[derive(Clone, Debug)]
enum Step {
    /// A message cut into fragments, with control frames after some of them.
    Message {
        opcode: u8,
        payload: Vec<u8>,
        cuts: Vec<usize>,
        between: Vec<Frame>,
    },
    Control(Frame),
    /// A frame that is wrong, or wrong where it stands.
    Any(Frame),
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Server), Just(Role::Client)]
}

fn control() -> impl Strategy<Value = Frame> {
    let payload = proptest::collection::vec(any::<u8>(), 0..=125);
    prop_oneof![payload.clone().prop_map(Frame::ping), payload.prop_map(Frame::pong)]
}

fn payload() -> impl Strategy<Value = (u8, Vec<u8>)> {
    let bytes = prop_oneof![
        6 => proptest::collection::vec(any::<u8>(), 0..40),
        2 => proptest::collection::vec(any::<u8>(), 120..300),
        1 => (65_530_usize..65_550).prop_map(|length| Random(length as u64).bytes(length)),
    ];
    prop_oneof![
        4 => "\\PC{0,40}".prop_map(|text| (TEXT, text.into_bytes())),
        1 => "[a-zé日🦀]{100,400}".prop_map(|text| (TEXT, text.into_bytes())),
        4 => bytes.prop_map(|bytes| (BINARY, bytes)),
    ]
}

fn message() -> impl Strategy<Value = Step> {
    let cuts = proptest::collection::vec(any::<prop::sample::Index>(), 0..6);
    (payload(), cuts, proptest::collection::vec(control(), 0..3)).prop_map(|((opcode, payload), cuts, between)| {
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.index(payload.len() + 1)).collect();
        cuts.sort_unstable();
        Step::Message { opcode, payload, cuts, between }
    })
}

/// A frame of which anything may be wrong.
fn any_frame() -> impl Strategy<Value = Frame> {
    let form = prop_oneof![4 => Just(Form::Shortest), 1 => Just(Form::Bits16), 1 => Just(Form::Bits64)];
    let claim = prop_oneof![8 => Just(None), 1 => any::<u64>().prop_map(Some), 1 => (0_u64..200).prop_map(Some)];
    let rsv = prop_oneof![6 => Just(0), 1 => 1_u8..8];
    let payload = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        proptest::collection::vec(any::<u8>(), 120..130),
        Just(vec![3, 0xe8, b'o', b'k']),
    ];
    (any::<bool>(), rsv, 0_u8..16, form, claim, payload).prop_map(|(fin, rsv, opcode, form, claim, payload)| Frame {
        fin,
        rsv,
        opcode,
        form,
        claim,
        ..Frame::binary(payload)
    })
}

fn close() -> impl Strategy<Value = Frame> {
    prop_oneof![
        Just(Frame::empty_close()),
        (1000_u16..1004, "\\PC{0,30}").prop_map(|(code, reason)| Frame::close(code, reason)),
        any::<u16>().prop_map(|code| Frame::close(code, "")),
        proptest::collection::vec(any::<u8>(), 0..6).prop_map(|body| Frame::new(CLOSE, body)),
    ]
}

/// A session that keeps the rules to its end, if it has one.
fn right_steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![3 => message(), 1 => control().prop_map(Step::Control)];
    proptest::collection::vec(step, 0..6)
}

/// A session in which anything may go wrong.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => message(),
        2 => control().prop_map(Step::Control),
        1 => close().prop_map(Step::Any),
        2 => any_frame().prop_map(Step::Any),
    ];
    proptest::collection::vec(step, 0..6)
}

fn frames(steps: &[Step]) -> Vec<Frame> {
    let mut frames = Vec::new();
    for step in steps {
        match step {
            Step::Message { opcode, payload, cuts, between } => {
                let starts = [0].into_iter().chain(cuts.iter().copied());
                let ends = cuts.iter().copied().chain([payload.len()]);
                for (i, (start, end)) in starts.zip(ends).enumerate() {
                    if i > 0 {
                        frames.extend(between.get(i - 1).cloned());
                    }
                    let opcode = if i == 0 { *opcode } else { CONTINUATION };
                    frames.push(Frame { opcode, fin: i == cuts.len(), ..Frame::binary(&payload[start..end]) });
                }
            }
            Step::Control(frame) | Step::Any(frame) => frames.push(frame.clone()),
        }
    }
    frames
}

fn check(role: Role, limits: Limits, bytes: &[u8]) {
    let run = every_cut(role, &limits.config(), bytes);
    assert_expected(role, &run, &oracle(role, limits, bytes), bytes);
}

/// The parts of `seen` put together; what is unfinished when the events end is left out.
fn joined(seen: Vec<Seen>) -> Vec<Seen> {
    let mut so_far = Vec::new();
    let mut joined = Vec::new();
    for event in seen {
        match event {
            Seen::TextPart(part, fin) => {
                so_far.extend(part.into_bytes());
                if fin {
                    joined.push(Seen::Text(String::from_utf8(std::mem::take(&mut so_far)).unwrap()));
                }
            }
            Seen::BinaryPart(part, fin) => {
                so_far.extend(part);
                if fin {
                    joined.push(Seen::Binary(std::mem::take(&mut so_far)));
                }
            }
            other => joined.push(other),
        }
    }
    joined
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// 6455-5.4-2, 6455-5.4-3, 6455-5.4-4, 6455-5.4-6, 6455-5.4-8, 6455-5.5.3-1, 6455-6.2-1, 6455-6.2-4, 6455-6.2-5:
    /// sessions that keep the rules are returned as they were meant.
    #[test]
    fn right_sessions(role in role(), steps in right_steps(), close in proptest::option::of(Just(Frame::close(1000, "bye")))) {
        let frames = [frames(&steps), close.into_iter().collect()].concat();
        check(role, Limits::NONE, &stream(role, &frames));
    }

    /// 6455-5.2-3, 6455-5.2-4, 6455-5.2-8, 6455-5.2-10, 6455-5.4-2, 6455-5.5-1, 6455-5.5-2, 6455-7.1.7-7, 6455-10.7-1:
    /// with faults anywhere, everything up to the first is returned, then that fault, then nothing.
    #[test]
    fn wrong_sessions(role in role(), steps in steps()) {
        check(role, Limits::NONE, &stream(role, &frames(&steps)));
    }

    /// 6455-10.4-1, 6455-10.4-2: the same within limits that are soon reached.
    #[test]
    fn limited_sessions(
        role in role(),
        steps in steps(),
        frame in 125_u64..300,
        message in 20_u64..400,
        fragments in 1_u32..5,
    ) {
        check(role, Limits { frame, message, fragments }, &stream(role, &frames(&steps)));
    }

    /// 6455-5.1-3, 6455-5.1-6: a frame with the mask of the other direction ends any session.
    #[test]
    fn wrong_direction(role in role(), before in right_steps(), wrong in any_frame(), after in right_steps()) {
        let other = if role == Role::Server { Role::Client } else { Role::Server };
        let bytes = [stream(role, &frames(&before)), wrong.to(other).bytes(), stream(role, &frames(&after))].concat();
        check(role, Limits::NONE, &bytes);
    }

    /// 6455-10.7-1: bytes that were flipped, lost or doubled on the way lead where a naive reading of them leads.
    #[test]
    fn damaged_sessions(
        role in role(),
        steps in right_steps(),
        damages in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3), 1..4),
    ) {
        let mut bytes = stream(role, &frames(&steps));
        for (at, value, kind) in damages.into_iter().filter(|_| !steps.is_empty()) {
            // Where headers are: early, mostly.
            let at = at.index(bytes.len()).min(usize::from(value) * 2 % bytes.len().max(1));
            match kind {
                0 => bytes[at] ^= value,
                1 => bytes.truncate(at.max(1)),
                _ => bytes.insert(at, value),
            }
        }
        check(role, Limits::NONE, &bytes);
    }

    /// 6455-10.7-1: any bytes at all, after two that make a header likely.
    #[test]
    fn noise(
        role in role(),
        first in prop_oneof![Just(0x81_u8), Just(0x02), Just(0x89), Just(0x88), any::<u8>()],
        second in any::<u8>(),
        rest in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        check(role, Limits::NONE, &[&[first, second], &rest[..]].concat());
    }

    /// 6455-6.2-1, 6455-7.2.1-2: a session that breaks off anywhere returns what came, and then its end.
    #[test]
    fn broken_off_sessions(role in role(), steps in steps(), at in any::<prop::sample::Index>()) {
        let mut bytes = stream(role, &frames(&steps));
        bytes.truncate(at.index(bytes.len() + 1));
        let open = every_cut_until(role, &Limits::NONE.config(), &bytes, false);
        let ended = every_cut_until(role, &Limits::NONE.config(), &bytes, true);
        let expected = oracle(role, Limits::NONE, &bytes);
        assert_expected(role, &open, &expected, &bytes);
        if expected.end == End::Open {
            let (last, before) = ended.seen.split_last().unwrap();
            prop_assert!(matches!(last, Seen::Closed { cause: ws_proto::Cause::EndOfStream, code: 1006, .. }), "{last:?}");
            prop_assert_eq!(before, open.seen);
            prop_assert_eq!(ended.output, open.output);
        } else {
            prop_assert_eq!(ended, open);
        }
    }

    /// 6455-5.4-3, 6455-6.2-4: with parts, whole messages, control frames and the end are those that are returned without.
    #[test]
    fn parts_make_the_same_messages(role in role(), steps in steps()) {
        let bytes = stream(role, &frames(&steps));
        let config = Limits::NONE.config();
        let whole = run(role, &config, &bytes, Cut::Whole, false, false);
        for cut in [Cut::Whole, Cut::EveryByte, Cut::Random(2), Cut::Random(4), Cut::Random(7)] {
            let parts = run(role, &config.clone().delivery(Delivery::Parts), &bytes, cut, false, false);
            prop_assert_eq!(joined(parts.seen), whole.seen.clone(), "{:?}", cut);
            prop_assert_eq!(&parts.output, &whole.output, "{:?}", cut);
        }
    }

    /// 6455-5.5.3-2: with an output that nobody writes, the events and the output do not depend on the cut either.
    #[test]
    fn unwritten_sessions(role in role(), steps in steps()) {
        let bytes = stream(role, &frames(&steps));
        let unwritten = |cut: Cut| {
            let mut connection = connection(role, &Limits::NONE.config());
            let mut input = Input::new();
            let pieces = cut.pieces(&bytes);
            let seen: Vec<_> = pieces.iter().flat_map(|piece| feed(&mut connection, &mut input, piece)).collect();
            (seen, drain(&mut connection))
        };
        let whole = unwritten(Cut::Whole);
        for cut in [Cut::EveryByte, Cut::Random(1), Cut::Random(3), Cut::Random(6), Cut::Random(9)] {
            prop_assert_eq!(&unwritten(cut), &whole, "{:?}", cut);
        }
    }

    /// 6455-5.5.1-7, 6455-5.5.2-2: the same while this side is already closing.
    #[test]
    fn closing_sessions(role in role(), steps in steps()) {
        let bytes = stream(role, &frames(&steps));
        let closing = |cut: Cut| {
            let mut connection = connection(role, &Limits::NONE.config());
            let mut input = Input::new();
            connection.close(CloseCode::GOING_AWAY).unwrap();
            let mut output = drain(&mut connection);
            let mut seen = Vec::new();
            for piece in cut.pieces(&bytes) {
                input.extend_from_slice(piece);
                while let Some(event) = connection.receive(&mut input) {
                    seen.push(Seen::from(event));
                    output.extend(drain(&mut connection));
                }
            }
            (seen, sent_by(role, &output))
        };
        let (mut seen, output) = closing(Cut::Whole);
        for cut in [Cut::EveryByte, Cut::Random(2), Cut::Random(5)] {
            prop_assert_eq!(&closing(cut), &(seen.clone(), output.clone()), "{:?}", cut);
        }
        let expected = oracle(role, Limits::NONE, &bytes);
        if expected.end != End::Open {
            let closed_by_us = matches!(seen.pop(), Some(Seen::Closed { sent: Some((Some(1001), _)), .. }));
            prop_assert!(closed_by_us);
        }
        prop_assert_eq!(seen, expected.seen);
        // One Close of this side's own, and no other.
        let pongs = expected.answers.into_iter().filter(|frame| frame.opcode == PONG);
        prop_assert_eq!(output, [Frame::close(1001, "")].into_iter().chain(pongs).collect::<Vec<_>>());
    }

    /// 6455-6.1-1, 6455-5.3-5: what one end sends the other receives: Pings ahead of the messages if nothing was written
    /// before they were sent, and in front of the message during which they were sent if its first part had begun.
    #[test]
    fn two_ends(
        steps in proptest::collection::vec((payload(), any::<bool>(), any::<bool>()), 0..8),
        begun in any::<bool>(),
        seed in 0_u64..1000,
    ) {
        for sender_role in ROLES {
            let receiver_role = if sender_role == Role::Server { Role::Client } else { Role::Server };
            let mut sender = connection(sender_role, &Config::new());
            let (mut right, mut output) = (Vec::new(), Vec::new());
            // Writes all but the last byte.
            let mut begin = |sender: &mut Connection| {
                let waiting = sender.output();
                let count = if begun { waiting.remaining() - 1 } else { 0 };
                output.extend(waiting.copy_to_bytes(count));
            };
            for ((opcode, payload), owned, parts) in &steps {
                let (first, last) = payload.split_at(if *opcode == BINARY { payload.len() / 3 } else { 0 });
                let as_text = || String::from_utf8(payload.clone()).unwrap();
                match (*opcode, owned, parts) {
                    (TEXT, false, false) => sender.send_text(&as_text()).unwrap(),
                    (TEXT, true, false) => sender.send(as_text()).unwrap(),
                    (TEXT, _, true) => {
                        sender.send_part("", false).unwrap();
                        begin(&mut sender);
                        sender.ping(b"").unwrap();
                        sender.send_part(as_text(), true).unwrap();
                    }
                    (_, false, false) => sender.send_binary(payload).unwrap(),
                    (_, true, false) => sender.send(payload.clone()).unwrap(),
                    (_, _, true) => {
                        sender.send_part(first, false).unwrap();
                        begin(&mut sender);
                        sender.ping(b"").unwrap();
                        sender.send_part(last, true).unwrap();
                    }
                }
                right.extend(parts.then(|| Seen::Ping(vec![])));
                right.push(if *opcode == TEXT { Seen::Text(as_text()) } else { Seen::Binary(payload.clone()) });
            }
            output.extend(drain(&mut sender));
            if !begun {
                right.sort_by_key(|event| !matches!(event, Seen::Ping(_)));
            }
            let run = run(receiver_role, &Config::new(), &output, Cut::Random(seed), true, false);
            prop_assert!(run.seen == right);
        }
    }
}
