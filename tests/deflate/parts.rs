//! Compressed messages with `Delivery::Parts`: what can be inflated is handed out as it arrives, in parts of a bounded
//! size that add up to the message, in order with everything else, and up to a fault.

use crate::common::allocator::held;
use crate::common::deflate::*;
use crate::common::frames::*;
use ws_proto::{Config, DeflateConfig, Delivery, Event, Input, Role, Violation};

/// The largest part of a compressed message.
const PART: usize = 64 << 10;

fn setup(role: Role) -> Setup {
    Setup::new(role).config(Config::new().delivery(Delivery::Parts))
}

fn data_part(data: impl AsRef<[u8]>) -> Seen {
    Seen::BinaryPart(data.as_ref().to_vec(), false)
}

/// Panics at a part that is too large.
fn assert_small(seen: &[Seen]) {
    for event in seen {
        match event {
            Seen::TextPart(part, _) => assert!(part.len() <= PART, "a part of {} bytes", part.len()),
            Seen::BinaryPart(part, _) => assert!(part.len() <= PART, "a part of {} bytes", part.len()),
            _ => {}
        }
    }
}

/// 7692-6.2-1: messages of all sizes, in particular of those where a part is full, add up.
#[test]
fn parts_add_up() {
    for role in ROLES {
        for length in [0, 1, 2, 1000, PART - 1, PART, PART + 1, 2 * PART - 1, 2 * PART, 2 * PART + 1, 300_000] {
            for per_block in [usize::MAX, 3, 50] {
                let frame = compressed(Frame::binary(zeros(length, per_block)));
                let frames = [&[frame.clone()][..], &cut_at(&frame, &[1, frame.payload.len() / 2])].concat();
                let bytes = stream(role, &frames);
                for cut in [Cut::Whole, Cut::Random(2), Cut::Random(11)] {
                    for keeping in [false, true] {
                        let seen = setup(role).run(&bytes, cut, keeping, false).seen;
                        assert_small(&seen);
                        assert!(joined(&seen) == vec![binary(vec![0; length]); 2], "{length} bytes, {cut:?}");
                        let ends = seen.iter().filter(|seen| matches!(seen, Seen::BinaryPart(_, true))).count();
                        assert_eq!(ends, 2);
                    }
                }
            }
        }
    }
}

/// 7692-6.2-1: data that does not compress, text, and matches that reach over many parts.
#[test]
fn large_parts_add_up() {
    let noise = Random(3).bytes(150_000);
    let stored = noise.chunks(60_000).fold(Stream::new(), |stream, chunk| stream.stored(chunk, true)).message();
    let words = "Wörter, 言葉, 🦀; ";
    let length = words.len();
    let tokens = [literals(words), vec![far(10 * length, length); 1000]].concat();
    let repeated = Stream::new().fixed(&tokens, false).message();
    for role in ROLES {
        let frames = [compressed(Frame::binary(&stored)), compressed(Frame::text(&repeated)), Frame::text("plain")];
        let bytes = stream(role, &frames);
        for cut in [Cut::Whole, Cut::Random(7), Cut::Random(10), Cut::Random(11)] {
            let seen = setup(role).run(&bytes, cut, false, false).seen;
            assert_small(&seen);
            let right = [binary(&noise), text(&words.repeat(10_001)), text("plain")];
            assert!(joined(&seen) == right, "{cut:?}");
        }
    }
}

/// What has arrived is handed out before the rest, and the input keeps next to nothing of it.
#[test]
fn parts_do_not_wait() {
    for role in ROLES {
        // Whole blocks in fragments.
        let mut connection = setup(role).connection();
        let mut input = Input::new();
        let fixed = Stream::new().fixed(&literals("one "), false).stored("", false).bytes();
        let stored = Stream::new().stored("two ", true).bytes();
        let last = Stream::new().fixed(&[&literals("three")[..], &[far(4, 13)]].concat(), false).message();
        let frames = [
            (compressed(Frame::text(&fixed)).part(), Seen::TextPart("one ".into(), false)),
            (Frame::continuation(&stored).part(), Seen::TextPart("two ".into(), false)),
            (Frame::continuation(&last), Seen::TextPart("threeone ".into(), true)),
        ];
        for (frame, right) in frames {
            assert_eq!(feed(&mut connection, &mut input, &frame.to(role).bytes()), [right]);
            assert!(input.is_empty());
        }

        // A stored block byte by byte.
        let mut connection = setup(role).connection();
        let block = Stream::new().stored("stored", false).bytes();
        let frame = compressed(Frame::binary(&block)).claim(1000).to(role);
        let (header, payload) = (frame.header(), frame.bytes().split_off(frame.header().len()));
        assert_eq!(feed(&mut connection, &mut input, &header), []);
        assert_eq!(feed(&mut connection, &mut input, &payload[..5]), []);
        for (i, byte) in payload[5..].iter().enumerate() {
            let right = data_part(&b"stored"[i..=i]);
            assert_eq!(feed(&mut connection, &mut input, &[*byte]), [right]);
            assert!(input.len() <= 14, "{} bytes are kept", input.len());
        }
    }
}

/// Nothing is kept of what goes by, whole or byte by byte.
#[test]
fn the_input_does_not_grow() {
    for role in ROLES {
        let payload = zeros(200_000, 2);
        let frames = [
            &cut_at(&compressed(Frame::binary(&payload)), &[100, 101, 500])[..],
            &[Frame::ping("p"), compressed(Frame::text(zeros(100, 1)))],
        ];
        let mut connection = setup(role).connection();
        let mut input = Input::new();
        let mut total = 0;
        for byte in stream(role, &frames.concat()) {
            for seen in feed(&mut connection, &mut input, &[byte]) {
                if let Seen::BinaryPart(data, _) = seen {
                    total += data.len();
                }
            }
            assert!(input.len() <= 14, "{} bytes are kept", input.len());
        }
        assert_eq!(total, 200_000);
    }
}

/// 7692-6.1-6, 6455-5.6-1: text is cut between code points, wherever inflation stops.
#[test]
fn text_is_cut_between_code_points() {
    let message = "aé日🦀";
    let blocks = message.bytes().fold(Stream::new(), |stream, byte| stream.stored([byte], false)).message();
    for role in ROLES {
        let mut frames = cut_at(&compressed(Frame::text(&blocks)), &(1..blocks.len()).collect::<Vec<_>>());
        let part = |text: &str, fin| Seen::TextPart(text.into(), fin);
        let bytes = stream(role, &frames);
        let seen = setup(role).run(&bytes, Cut::EveryByte, false, false).seen;
        // That the message is over shows behind its last byte.
        let right = [part("a", false), part("é", false), part("日", false), part("🦀", false), part("", true)];
        assert_eq!(seen, right);
        assert_eq!(setup(role).every_cut(&bytes).seen, [text(message)]);
        frames.truncate(3);
        assert_eq!(setup(role).every_cut(&stream(role, &frames)).seen.len(), 0);

        // Code points across the end of a full part, at each of their bytes.
        for offset in 0..8 {
            for c in ["é", "日", "🦀"] {
                let start = "x".repeat(offset);
                let tokens = [literals(&start), literals(c), vec![far(60 * c.len(), c.len()); 1200]].concat();
                let payload = Stream::new().fixed(&tokens, false).message();
                let bytes = stream(role, &[compressed(Frame::text(&payload))]);
                let seen = setup(role).run(&bytes, Cut::Whole, offset % 2 == 0, false).seen;
                assert_small(&seen);
                assert!(joined(&seen) == [text(&(start + &c.repeat(1 + 60 * 1200)))], "{c} at {offset}");
            }
        }
    }
}

/// 7692-6.1-6, 6455-5.6-1, 6455-8.1-1: the valid text before a fault is handed out, the same in every cut, and then the
/// connection fails.
#[test]
fn text_before_a_fault_is_returned() {
    for role in ROLES {
        for fault in [&b"\xff"[..], b"\xc3\xff", b"\xe2\x82A", b"\xf0\x9f\xa6\xff"] {
            for good in ["g", "gut: é", "a text of many bytes that is longer than a vector of the processor 🦀"] {
                let data = [good.as_bytes(), fault, b"after"].concat();
                let split = good.len() + 1;
                for stream in [
                    Stream::new().stored(&data, false),
                    Stream::new().fixed(&literals(&data), true),
                    Stream::new().stored(&data[..split], false).fixed(&literals(&data[split..]), false),
                ] {
                    let payload = stream.message();
                    let part = Seen::TextPart(good.into(), false);
                    let frame = compressed(Frame::text(&payload));
                    setup(role).assert_fails(
                        std::slice::from_ref(&frame),
                        std::slice::from_ref(&part),
                        Violation::TextNotUtf8,
                    );
                    let fragments = cut_at(&frame, &[1, payload.len() / 2, payload.len() - 1]);
                    setup(role).assert_fails(&fragments, &[part], Violation::TextNotUtf8);
                }
            }
        }
        let breaks_off = Stream::new().stored(b"ok\xe2\x82", true).message();
        let part = Seen::TextPart("ok".into(), false);
        setup(role).assert_fails(&[compressed(Frame::text(&breaks_off))], &[part], Violation::TextNotUtf8);
    }
}

/// What comes before corrupt data is handed out, the same in every cut, and nothing that was not said.
#[test]
fn data_before_a_fault_is_returned() {
    let good = [literals("good data, "), vec![far(11, 11); 5]].concat();
    for role in ROLES {
        let streams = [
            Stream::new().stored("good", false).raw(0b110, 3),
            Stream::new().fixed(&good, false).raw(0b110, 3),
            Stream::new().fixed(&good, true).stored("more", false).raw(0b111, 3),
            Stream::new().stored("abc", false).fixed(&[far(3, 4)], false),
            Stream::new().fixed(&[&good[..], &[far(3, 80)]].concat(), false),
            Stream::new().fixed(&good, false).stored("", false).raw(0b010, 3).raw(0b0110_0011, 8).raw(0, 20),
        ];
        for stream_of_blocks in streams {
            let payload = stream_of_blocks.bytes();
            let (so_far, broken) = inflate_so_far(&payload, &[]);
            assert!(broken.is_some());
            for frames in [
                vec![compressed(Frame::binary(&payload))],
                cut_at(&compressed(Frame::binary(&payload)), &[2, payload.len() / 2]),
                vec![compressed(Frame::binary(&payload)).part()],
            ] {
                setup(role).assert_fails(&frames, &[data_part(&so_far.data)], Violation::CorruptDeflate);
            }
        }
    }
}

/// What was returned of a message that failed: it must not depend on the cut, and be the start of what the message says.
fn seen_before_the_fault(setup: &Setup, payload: &[u8], cuts: &[Cut]) {
    let data = inflate_so_far(&[payload, &TAIL].concat(), &[]).0.data;
    let run = setup.cuts(&stream(setup.role, &[compressed(Frame::binary(payload))]), cuts);
    match &run.seen[..] {
        [Seen::BinaryPart(returned, false), Seen::Closed { .. }] => {
            assert!(data.starts_with(returned), "{} of {} from {}", brief(returned), brief(&data), brief(payload));
        }
        [Seen::Binary(returned)] => {
            assert!(data == *returned || inflate_without_end(payload, &[]).as_ref() == Some(returned));
        }
        [Seen::Closed { .. }] => {}
        other => panic!("{}", brief(other)),
    }
}

/// 7692-7.2.2-1: of a message that breaks off nothing is returned that its bytes and the tail do not say.
#[test]
fn nothing_is_made_up() {
    let tokens = [&literals("abcabd")[..], &[far(10, 6), far(3, 1)], &literals("xyz")].concat();
    let dynamic = Codes::random(&mut Random(9), &tokens);
    let streams = [
        Stream::new().stored("stored", false),
        Stream::new().fixed(&tokens, false).stored("stored", true),
        Stream::new().stored("a", true).dynamic(&tokens, &dynamic, false),
        Stream::new().dynamic(&[literals([0]), vec![far(258, 1); 40]].concat(), &Codes::for_zeros(), false),
    ];
    for role in ROLES {
        for payload in streams.clone().map(Stream::message) {
            for end in 0..payload.len() {
                let cuts = [Cut::Whole, Cut::EveryByte, Cut::Random(2)];
                seen_before_the_fault(&setup(role), &payload[..end], &cuts);
            }
        }
    }
}

/// The same of random streams that break off, or in which a bit is wrong.
#[test]
fn nothing_is_made_up_of_random_streams() {
    for seed in 0..400 {
        let mut random = Random(seed);
        let role = ROLES[random.below(2)];
        let tokens = [20, 200, 1500][random.below(3)];
        let mut payload = random_stream(&mut random, &[], WINDOW, 4, tokens).0.message();
        if random.below(2) == 0 {
            payload.truncate(random.below(payload.len()));
        } else {
            let at = random.below(payload.len());
            payload[at] ^= 1 << random.below(8);
        }
        let last = if payload.len() < 1000 { Cut::EveryByte } else { Cut::At(payload.len() / 2) };
        seen_before_the_fault(&setup(role), &payload, &[Cut::Whole, Cut::Random(seed), Cut::Random(3), last]);
    }
}

/// The same for large data: the full parts before a fault are not lost.
#[test]
fn much_before_a_fault_is_returned() {
    for role in ROLES {
        let mut payload = zeros(3 * PART + 17, usize::MAX);
        payload.extend(TAIL);
        payload.push(0x07);
        let bytes = stream(role, &[compressed(Frame::binary(&payload))]);
        let run = setup(role).cuts(&bytes, &[Cut::Whole, Cut::EveryByte, Cut::Random(3), Cut::Random(10)]);
        assert!(run.seen == [data_part(vec![0; 3 * PART + 17]), failed_for(Violation::CorruptDeflate)]);
    }
}

/// 6455-10.4-1: the limit of a message counts what has been handed out; that is never more, and the same in every cut.
#[test]
fn max_message_counts_parts() {
    for role in ROLES {
        for limit in [0, 1, 10, 1000, PART - 1, PART, PART + 1, 3 * PART] {
            let setup = setup(role);
            let config = setup.config.clone().max_message(limit as u64);
            let setup = setup.config(config);
            for above in [limit + 1, limit + 258, 2 * limit + 1000] {
                let frame = compressed(Frame::binary(zeros(above, 100)));
                let bytes = stream(role, &cut_at(&frame, &[frame.payload.len() / 2]));
                let cuts = [Cut::Whole, Cut::EveryByte, Cut::Random(1), Cut::Random(5)];
                let seen = setup.cuts(&bytes, &cuts).seen;
                let (last, before) = seen.split_last().unwrap();
                assert_eq!(*last, failed_for(Violation::MessageTooBig(limit as u64 + 1)));
                let returned = match before {
                    [] => 0,
                    [Seen::BinaryPart(data, false)] => data.len(),
                    other => panic!("{}", brief(other)),
                };
                assert!(returned <= limit, "{returned} of {limit} bytes");
            }
            let fits = stream(role, &[compressed(Frame::binary(zeros(limit, 7)))]);
            assert!(setup.cuts(&fits, &[Cut::Whole, Cut::EveryByte]).seen == [binary(vec![0; limit])]);
        }
    }
}

/// Everything is returned in the order in which it came: the parts of a fragment before the Ping behind it.
#[test]
fn the_order_is_kept() {
    for role in ROLES {
        let first =
            Stream::new().dynamic(&[literals([0]), vec![far(258, 1); 1000]].concat(), &Codes::for_zeros(), true);
        let first = first.bytes();
        let second = zeros(PART, 5);
        let frames = [
            compressed(Frame::binary(&first)).part(),
            Frame::ping("1"),
            Frame::continuation(&second[..10]).part(),
            Frame::pong("2"),
            Frame::continuation(&second[10..]),
            Frame::ping("3"),
            Frame::text("plain"),
        ];
        let bytes = stream(role, &frames);
        for cut in [Cut::Whole, Cut::EveryByte, Cut::Random(4), Cut::Random(9)] {
            let seen = setup(role).run(&bytes, cut, false, false).seen;
            assert_small(&seen);
            let ping = seen.iter().position(|seen| *seen == Seen::Ping("1".into())).unwrap();
            assert!(joined(&seen[..ping]) == [data_part(vec![0; 258_001])], "{cut:?}");
            let last = seen.iter().position(|seen| *seen == Seen::Ping("3".into())).unwrap();
            let ends: Vec<_> = (0..seen.len()).filter(|i| matches!(seen[*i], Seen::BinaryPart(_, true))).collect();
            assert_eq!(ends, [last - 1], "{cut:?}");
            assert_eq!(joined(&seen[last + 1..]), [text("plain")]);
        }
    }
}

/// What is not taken at once is not lost, whatever is appended meanwhile.
#[test]
fn parts_wait_for_their_taker() {
    for role in ROLES {
        let frames = [
            compressed(Frame::binary(zeros(5 * PART, usize::MAX))),
            Frame::ping("between"),
            compressed(Frame::binary(zeros(2 * PART, 3))),
        ];
        let bytes = stream(role, &frames);
        for pieces in [1, 3, 50] {
            let mut connection = setup(role).connection();
            let mut input = Input::new();
            let mut seen = Vec::new();
            for piece in bytes.chunks(bytes.len().div_ceil(pieces)) {
                input.extend_from_slice(piece);
                seen.extend(connection.receive(&mut input).map(Seen::from));
                // An event that is dropped is taken all the same; here there is none to drop between the parts.
                drain(&mut connection);
            }
            seen.extend(take_events(&mut connection, &mut input));
            assert_small(&seen);
            let returned: Vec<_> = joined(&seen).into_iter().filter(|seen| !matches!(seen, Seen::Ping(_))).collect();
            assert!(returned == [binary(vec![0; 5 * PART]), binary(vec![0; 2 * PART])], "{pieces} pieces");
        }
        // The end of the transport takes nothing away that has arrived.
        let mut connection = setup(role).connection();
        let mut input = Input::from(&bytes[..]);
        let mut seen: Vec<_> = connection.receive(&mut input).map(Seen::from).into_iter().collect();
        connection.receive_eof();
        seen.extend(take_events(&mut connection, &mut input));
        assert!(matches!(seen.pop(), Some(Seen::Closed { code: 1006, .. })));
        assert!(joined(&seen)[0] == binary(vec![0; 5 * PART]) && seen.len() >= 8);
    }
}

/// A bomb comes in small parts, as long as the limits let it.
#[test]
fn bombs_come_in_small_parts() {
    let size = 24 << 20;
    let payload = zeros(size, usize::MAX);
    assert!(payload.len() < size / 1000);
    for role in ROLES {
        let unlimited = Config::new().delivery(Delivery::Parts).max_message(u64::MAX);
        let mut connection = setup(role).config(unlimited).connection();
        let mut input = Input::from(&stream(role, &[compressed(Frame::binary(&payload)), Frame::ping("after")])[..]);
        let before = held();
        let (mut total, mut over) = (0, false);
        loop {
            match connection.receive(&mut input) {
                Some(Event::BinaryPart { data, fin }) => {
                    assert!(!over && data.len() <= PART && data.iter().all(|byte| *byte == 0));
                    total += data.len();
                    over = fin;
                }
                Some(Event::Ping(data)) => break assert_eq!(&*data, b"after"),
                other => panic!("{other:?}"),
            }
        }
        assert!(over && total == size, "{total}");
        let grown = held() - before;
        assert!(grown <= 3 * payload.len() as isize + 3 * PART as isize, "{grown} bytes more for {}", payload.len());
    }
}

/// 7692-7.2.3-1: an empty message is one empty part.
#[test]
fn empty_messages() {
    for role in ROLES {
        let frames = [compressed(Frame::text([0x00])), compressed(Frame::binary([0x00]))];
        for cut in [Cut::Whole, Cut::EveryByte] {
            let seen = setup(role).run(&stream(role, &frames), cut, false, false).seen;
            assert_eq!(seen, [Seen::TextPart(String::new(), true), Seen::BinaryPart(vec![], true)]);
        }
    }
}

/// 7692-7.2.2-3, 7692-7.2.2-5, 7692-7.2.3-2: windows live as long with parts, in both takeover modes, and with
/// uncompressed messages in between.
#[test]
fn windows_outlive_parts() {
    for receives in [true, false] {
        for role in ROLES {
            for deflate in [DeflateConfig::new(), DeflateConfig::new().keep_contexts(false)] {
                let setup = setup(role).takeover(true, receives).deflate(deflate);
                let mut random = Random(5);
                let (mut history, mut frames, mut right) = (Vec::new(), Vec::new(), Vec::new());
                for round in 0..6 {
                    let reach: &[u8] = if receives { &history } else { &[] };
                    let (stream_of_blocks, data) = random_stream(&mut random, reach, WINDOW, 4, 2000);
                    let payload = stream_of_blocks.message();
                    let at = random.below(payload.len());
                    frames.extend(cut_at(&compressed(Frame::binary(&payload)), &[at]));
                    frames.push(Frame::text("plain"));
                    if round % 2 == 0 {
                        frames.push(compressed(Frame::text([0x00])));
                    }
                    right.extend([binary(&data), text("plain")]);
                    right.extend((round % 2 == 0).then(|| text("")));
                    history.extend(data);
                }
                let run = setup.cuts(&stream(role, &frames), &[Cut::Whole, Cut::Random(3), Cut::Random(10)]);
                assert!(run.seen == right, "{} instead of {}", brief(&run.seen), brief(&right));
            }
        }
    }
}
