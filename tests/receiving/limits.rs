//! Limits: frames, messages and fragments at the limit and one above, claims of any size that reserve nothing, and
//! refusals that come with the header.

use crate::common::allocator::held;
use crate::common::frames::*;
use ws_proto::{Config, Delivery, Input, Violation};

/// Feeds the header byte by byte: it alone must fail the connection, after `before`.
fn assert_header_fails(role: ws_proto::Role, config: &Config, before: &[Frame], header: &Frame, violation: Violation) {
    let bytes = [stream(role, before), header.clone().to(role).header()].concat();
    assert_fails(role, config, &bytes, &[], violation);
}

/// 6455-10.4-1, 6455-10.4-2, 6455-7.4.1-9: a frame of `max_frame` bytes passes, the header of a larger one fails with
/// 1009, the first of a message and the later ones.
#[test]
fn max_frame() {
    for role in ROLES {
        for limit in [0, 1, 125, 126, 65535, 65536] {
            let config = Config::new().max_frame(limit);
            let payload = vec![1; usize::try_from(limit).unwrap()];
            let frames = [Frame::binary(&payload), Frame::binary("").part(), Frame::continuation(&payload)];
            for cut in [Cut::Whole, Cut::Random(3)] {
                let run = run(role, &config, &stream(role, &frames), cut, false, false);
                assert_eq!(run.seen, [binary(&payload), binary(&payload)], "{limit}, {cut:?}");
            }
            for opcode in [TEXT, BINARY] {
                let above = Frame::new(opcode, "").claim(limit + 1);
                assert_header_fails(role, &config, &[], &above, Violation::FrameTooBig(limit + 1));
                assert_header_fails(role, &config, &[], &above.part(), Violation::FrameTooBig(limit + 1));
            }
            let above = Frame::continuation("").claim(limit + 1);
            assert_header_fails(role, &config, &[Frame::binary("").part()], &above, Violation::FrameTooBig(limit + 1));
        }
    }
    assert_eq!(Violation::FrameTooBig(1).close_code().get(), 1009);
}

/// 6455-10.4-1, 6455-10.4-2, 6455-7.4.1-9: a message of `max_message` bytes passes, over however many fragments; the
/// header that takes it one above fails with 1009, although each frame is small.
#[test]
fn max_message() {
    let config = Config::new().max_message(10);
    for role in ROLES {
        for sizes in [&[10][..], &[0, 10], &[10, 0, 0], &[4, 6], &[3, 3, 4], &[1; 10]] {
            let last = sizes.len() - 1;
            let frames: Vec<Frame> = (sizes.iter().enumerate())
                .map(|(i, size)| Frame {
                    opcode: if i == 0 { BINARY } else { CONTINUATION },
                    fin: i == last,
                    ..Frame::binary(vec![2; *size])
                })
                .collect();
            // Twice, so that what one message held does not count for the next.
            let run = every_cut(role, &config, &stream(role, &[&frames[..], &frames].concat()));
            assert_eq!(run.seen, [binary([2; 10]), binary([2; 10])], "{sizes:?}");

            let mut above = frames[last].clone().claim(sizes[last] as u64 + 1);
            assert_header_fails(role, &config, &frames[..last], &above, Violation::MessageTooBig(11));
            above.fin = false;
            assert_header_fails(role, &config, &frames[..last], &above, Violation::MessageTooBig(11));
        }
    }
    assert_eq!(Violation::MessageTooBig(1).close_code().get(), 1009);
}

/// 6455-10.4-1: with parts the limit of a message counts what has been handed out.
#[test]
fn max_message_counts_parts() {
    let config = Config::new().max_message(10).delivery(Delivery::Parts);
    for role in ROLES {
        let mut connection = connection(role, &config);
        let mut input = Input::new();
        let frames = [Frame::binary([1; 6]).part(), Frame::continuation([2; 4]).part()];
        let seen = feed(&mut connection, &mut input, &stream(role, &frames));
        assert_eq!(seen, [Seen::BinaryPart(vec![1; 6], false), Seen::BinaryPart(vec![2; 4], false)]);
        let header = Frame::continuation("").claim(1).to(role).header();
        assert_eq!(feed(&mut connection, &mut input, &header), [failed(Violation::MessageTooBig(11))]);
    }
}

/// 6455-10.4-1: limits can be changed on a live connection: for the next message, and for the later frames of one that is
/// under way; whichever way a message is taken, and in both directions.
#[test]
fn limits_can_be_changed() {
    let (small, large) = (Config::new().max_message(10), Config::new().max_message(100_000));
    for role in ROLES {
        for size in [11, 125, 126, 5000, 70_000] {
            let whole = stream(role, &[Frame::binary(vec![1; size])]);
            let too_big = || failed(Violation::MessageTooBig(size as u64));

            let mut connection = connection(role, &small);
            let mut input = Input::new();
            connection.set_limits(&large);
            assert_eq!(feed(&mut connection, &mut input, &whole), [binary(vec![1; size])]);
            connection.set_limits(&small);
            assert_eq!(feed(&mut connection, &mut input, &whole), [too_big()]);
            // It is over, and stays so.
            connection.set_limits(&large);
            assert_eq!(feed(&mut connection, &mut input, &whole), []);

            let (begun, rest) = ([Frame::binary([1; 5]).part()], [Frame::continuation(vec![1; size - 5])]);
            for (before, after, seen) in [(&small, &large, binary(vec![1; size])), (&large, &small, too_big())] {
                let mut connection = crate::common::frames::connection(role, before);
                let mut input = Input::new();
                assert_eq!(feed(&mut connection, &mut input, &stream(role, &begun)), []);
                connection.set_limits(after);
                assert_eq!(feed(&mut connection, &mut input, &stream(role, &rest)), [seen]);
            }
            // A frame whose header has passed is not refused later.
            let mut connection = crate::common::frames::connection(role, &large);
            let mut input = Input::new();
            assert_eq!(feed(&mut connection, &mut input, &whole[..whole.len() - 1]), []);
            connection.set_limits(&small);
            let seen = feed(&mut connection, &mut input, &whole[whole.len() - 1..]);
            assert!(seen == [binary(vec![1; size])] || seen == [too_big()], "{seen:?}");
        }
        let frame = stream(role, &[Frame::binary([1; 8]), Frame::binary([1; 9])]);
        let mut connection = connection(role, &Config::new());
        connection.set_limits(&Config::new().max_frame(8));
        let seen = feed(&mut connection, &mut Input::new(), &frame);
        assert_eq!(seen, [binary([1; 8]), failed(Violation::FrameTooBig(9))]);

        let fragments =
            stream(role, &[Frame::text("a").part(), Frame::continuation("").part(), Frame::continuation("")]);
        let mut connection = crate::common::frames::connection(role, &Config::new());
        connection.set_limits(&Config::new().max_fragments(2));
        let seen = feed(&mut connection, &mut Input::new(), &fragments);
        assert_eq!(seen, [failed(Violation::TooManyFragments)]);

        let mut connection = crate::common::frames::connection(role, &Config::new().max_buffered(50));
        assert!(connection.send_binary(&[0; 51]).is_err());
        connection.set_limits(&Config::new().max_buffered(100));
        assert_eq!(connection.send_binary(&[0; 51]), Ok(()));
    }
}

/// 6455-10.4-1: control frames between fragments do not count as the message's.
#[test]
fn control_frames_do_not_count() {
    let config = Config::new().max_message(4).max_fragments(2);
    for role in ROLES {
        let pings = vec![Frame::ping([3; 100]); 10];
        let frames = [&[Frame::text("ab").part()], &pings[..], &[Frame::continuation("cd")]].concat();
        let run = every_cut(role, &config, &stream(role, &frames));
        assert_eq!(run.seen, [&vec![Seen::Ping(vec![3; 100]); 10][..], &[text("abcd")]].concat());
    }
}

/// 6455-10.4-1, CVE-2026-12151: a message of `max_fragments` frames passes, one more fails with 1009, empty ones too.
#[test]
fn max_fragments() {
    for role in ROLES {
        for limit in [1, 2, 3, 10] {
            let config = Config::new().max_fragments(limit);
            for part in ["", "x"] {
                let mut frames = vec![Frame::continuation(part).part(); usize::try_from(limit).unwrap()];
                frames[0].opcode = TEXT;
                let unfinished = frames.clone();
                frames.last_mut().unwrap().fin = true;
                let whole = text(&part.repeat(frames.len()));
                let run = every_cut(role, &config, &stream(role, &[&frames[..], &frames].concat()));
                assert_eq!(run.seen, [whole.clone(), whole], "{limit}");
                for above in [Frame::continuation(part), Frame::continuation(part).part()] {
                    let bytes = stream(role, &[&unfinished[..], &[above]].concat());
                    assert_fails(role, &config, &bytes, &[], Violation::TooManyFragments);
                }
            }
        }
    }
    for role in ROLES {
        let none = Config::new().max_fragments(0);
        assert_fails(role, &none, &stream(role, &[Frame::binary("x")]), &[], Violation::TooManyFragments);
    }
    assert_eq!(Violation::TooManyFragments.close_code().get(), 1009);
}

/// 6455-10.4-2, CVE-2018-21035, CVE-2025-32049, CVE-2026-44545, CVE-2021-21419: the limit is on by default: 64 MiB a
/// message, and a frame has none of its own.
#[test]
fn limits_are_on_by_default() {
    let mebibyte = vec![5; 1 << 20];
    for role in ROLES {
        assert_eq!(every_cut(role, &Config::new(), &Frame::binary("").claim(64 << 20).to(role).header()).seen, []);
        let above = Frame::binary("").claim((64 << 20) + 1);
        assert_header_fails(role, &Config::new(), &[], &above, Violation::MessageTooBig((64 << 20) + 1));
    }
    // A client reads without unmasking and in parts, which keeps these 64 MiB cheap.
    let role = ws_proto::Role::Client;
    let mut client = connection(role, &Config::new().delivery(Delivery::Parts));
    let mut input = Input::new();
    let mut received = 0;
    for i in 0..4 {
        let opcode = if i == 0 { BINARY } else { CONTINUATION };
        input.extend_from_slice(&Frame::new(opcode, "").part().claim(16 << 20).header());
        for _ in 0..16 {
            input.extend_from_slice(&mebibyte);
            while let Some(event) = client.receive(&mut input) {
                let ws_proto::Event::BinaryPart { data, fin: false } = event else { panic!("{event:?}") };
                received += data.len();
            }
        }
    }
    assert_eq!(received, 64 << 20);
    let above = Frame::continuation("").claim(1).header();
    assert_eq!(feed(&mut client, &mut input, &above), [failed(Violation::MessageTooBig((64 << 20) + 1))]);
}

/// 6455-10.4-1: the default limit of fragments is 1,048,576.
#[test]
fn fragments_are_limited_by_default() {
    let role = ws_proto::Role::Client;
    let mut client = connection(role, &Config::new());
    let mut input = Input::new();
    let many = Frame::continuation("").part().bytes().repeat(1 << 16);
    assert_eq!(feed(&mut client, &mut input, &Frame::text("").part().bytes()), []);
    for _ in 0..15 {
        assert_eq!(feed(&mut client, &mut input, &many), []);
    }
    assert_eq!(feed(&mut client, &mut input, &many[2..]), []);
    let above = Frame::continuation("").bytes();
    assert_eq!(feed(&mut client, &mut input, &above), [failed(Violation::TooManyFragments)]);
}

/// 6455-10.4-1, CVE-2022-35922, CVE-2016-10542: a claim reserves nothing; what the input takes follows from what came.
#[test]
fn claims_reserve_nothing() {
    let claims = [1 << 16, 1 << 24, 256 << 20, 900 << 20, 1 << 31, 1 << 32, 1 << 48, (1 << 62) + 1, (1 << 63) - 1];
    for role in ROLES {
        for claim in claims {
            for delivery in [Delivery::Messages, Delivery::Parts] {
                for begun in [&[][..], &[Frame::binary("begun").part()]] {
                    let mut connection = connection(role, &Limits::NONE.config().delivery(delivery));
                    let before = held();
                    let mut input = Input::new();
                    feed(&mut connection, &mut input, &stream(role, begun));
                    let opcode = if begun.is_empty() { BINARY } else { CONTINUATION };
                    let header = Frame::new(opcode, "").claim(claim).to(role).header();
                    feed(&mut connection, &mut input, &header);
                    for _ in 0..50 {
                        feed(&mut connection, &mut input, b"x");
                        assert!(connection.interest().read && !connection.interest().write);
                    }
                    let memory = held() - before;
                    assert!(memory <= 512, "{memory} bytes for a claim of {claim}");
                }
            }
        }
    }
}

/// 6455-10.4-1, CVE-2020-27813: sums of claims do not overflow: fragments that take a message past 2^63 and 2^64.
#[test]
fn sums_do_not_overflow() {
    for role in ROLES {
        for limit in [1 << 32, (1 << 63) - 1, u64::MAX - 1, u64::MAX] {
            let config = Config::new().max_message(limit);
            let largest = Frame::continuation("").claim((1 << 63) - 1);
            let run = every_cut(
                role,
                &config,
                &[stream(role, &[Frame::binary("ab").part()]), largest.to(role).header()].concat(),
            );
            // 2 and 2^63 - 1 are more than some of these limits, and never little.
            if limit < (1 << 63) + 1 {
                assert_eq!(run.seen, [failed(Violation::MessageTooBig((1 << 63) + 1))]);
            } else {
                assert_eq!(run.seen, []);
            }
        }
    }
}

/// 6455-10.4-1, 6455-7.1.7-5: the refusal waits for no byte of the payload, and drops those that come.
#[test]
fn refusals_come_with_the_header() {
    for role in ROLES {
        for claim in [11, 126, 65536, 1 << 40, (1 << 63) - 1] {
            let config = Config::new().max_frame(10);
            let header = Frame::binary("").claim(claim).to(role).header();
            let mut connection = connection(role, &config);
            let mut input = Input::new();
            assert_eq!(feed(&mut connection, &mut input, &header), [failed(Violation::FrameTooBig(claim))]);
            assert!(!connection.interest().read);
            for _ in 0..100 {
                assert_eq!(feed(&mut connection, &mut input, &[0; 1000]), []);
                assert!(input.is_empty());
            }
            assert_eq!(sent_by(role, &drain(&mut connection)), [close_for(&Violation::FrameTooBig(claim))]);
        }
    }
}
