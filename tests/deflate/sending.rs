//! Sending compressed messages (RFC 7692): what goes out decodes with the second implementation, within the agreed
//! windows, with takeover and without, whole and in parts; what is refused or not compressed harms no later message.

use crate::common::deflate::*;
use crate::common::frames::*;
use proptest::prelude::*;
use ws_proto::bytes::{Buf, Bytes, BytesMut};
use ws_proto::{
    CloseCode, Config, Connection, DeflateConfig, DeflateParameters, Delivery, Input, Message, Role, SendErrorKind,
    Utf8Bytes,
};

fn letters(length: usize) -> String {
    (0..length).map(|i| char::from(b'a' + (i % 26) as u8)).collect()
}

/// Words in random order, which compress well but never twice the same.
fn prose(random: &mut Random, length: usize) -> String {
    let words =
        ["the ", "quick ", "brown ", "fox ", "jumps ", "over ", "a ", "lazy ", "dog ", "1984 ", "again ", "42 "];
    let mut text = String::new();
    while text.len() < length {
        text.push_str(words[random.below(words.len())]);
    }
    text
}

fn text_of(sent: &Sent) -> &str {
    assert_eq!(sent.opcode, TEXT);
    std::str::from_utf8(&sent.data).unwrap()
}

/// The wishes that let every message be compressed, however short.
fn eager() -> DeflateConfig {
    DeflateConfig::new().threshold(0)
}

/// 7692-6.1-1, 7692-6.1-5, 7692-7.2.1-1, 7692-5-18: each way to send a message makes one frame of the right type with
/// the first reserved bit, and what it holds is the message.
#[test]
fn a_message_is_one_compressed_frame() {
    for setup in setups() {
        let mut connection = setup.connection();
        let mut reader = Reader::new(&setup);
        for length in [64, 65, 125, 126, 127, 1000, 4095, 4096, 4097, 65_535, 65_536, 200_000] {
            let (text, data) = (letters(length), letters(length).into_bytes());
            connection.send_text(&text).unwrap();
            connection.send(text.clone()).unwrap();
            connection.send(text.as_str()).unwrap();
            connection.send(Utf8Bytes::from(text.clone())).unwrap();
            connection.send_binary(&data).unwrap();
            connection.send(data.clone()).unwrap();
            connection.send(&data[..]).unwrap();
            connection.send(Bytes::from(data.clone())).unwrap();
            connection.send(BytesMut::from(&data[..])).unwrap();
            connection.send(Message::Binary(data.clone().into())).unwrap();
            let sent = reader.read(&drain(&mut connection));
            assert_eq!(sent.len(), 10);
            for (i, message) in sent.iter().enumerate() {
                assert_eq!(message.opcode, if i < 4 { TEXT } else { BINARY });
                assert!(message.compressed && message.frames == 1 && message.data == data, "{length} bytes");
                assert!(message.payload.len() < length.max(100), "{} for {length} bytes", message.payload.len());
            }
        }
    }
}

/// 7692-6.1-1, 7692-7.2.3-1: data of every kind comes out as it went in: empty, short, long, random, all the same.
#[test]
fn any_data() {
    for setup in setups() {
        let setup = setup.deflate(eager());
        let mut connection = setup.connection();
        let mut reader = Reader::new(&setup);
        let mut random = Random(5);
        let mut check = |data: &[u8]| {
            connection.send_binary(data).unwrap();
            let sent = reader.read_one(&drain(&mut connection));
            assert!(sent.opcode == BINARY && sent.data == data, "{} of {} bytes", brief(&sent.data), data.len());
            sent
        };
        for length in [0, 0, 0, 1, 1, 2, 3, 10, 0, 258, 1000, 30_000, 0, 70_000, 0, 0] {
            let bytes = random.bytes(length);
            check(&bytes);
            check(&vec![7; length]);
            check(&bytes[..length / 2]);
            check(prose(&mut random, length).as_bytes());
        }
        let same = vec![0; 1_000_000];
        assert!(check(&same).payload.len() < 10_000);
        let mixed = [&same[..100_000], &random.bytes(100_000), &same[..100_000]].concat();
        assert!(check(&mixed).payload.len() < 110_000);
    }
}

/// 7692-7.2.3-1: an empty message that is compressed is the one byte that the RFC shows.
#[test]
fn an_empty_message() {
    for setup in setups() {
        let setup = setup.deflate(eager());
        let mut connection = setup.connection();
        let mut reader = Reader::new(&setup);
        for message in ["", "x", "", "", "xy", ""] {
            connection.send_text(message).unwrap();
            let sent = reader.read_one(&drain(&mut connection));
            assert_eq!(text_of(&sent), message);
            if message.is_empty() && sent.compressed {
                assert_eq!(sent.payload, [0x00]);
            }
        }
    }
}

/// 7692-7.3-2: whole messages below the threshold go out uncompressed; it is 64 bytes by default.
#[test]
fn the_threshold() {
    for role in ROLES {
        for (deflate, threshold) in [
            (DeflateConfig::new(), 64_usize),
            (eager(), 0),
            (DeflateConfig::new().threshold(1), 1),
            (DeflateConfig::new().threshold(1000), 1000),
        ] {
            let setup = Setup::new(role).deflate(deflate);
            let mut connection = setup.connection();
            let mut reader = Reader::new(&setup);
            for length in [threshold, threshold + 1, threshold.saturating_sub(1), threshold / 2, 2 * threshold, 0] {
                let text = letters(length);
                connection.send_text(&text).unwrap();
                connection.send(text.clone().into_bytes()).unwrap();
                for sent in reader.read(&drain(&mut connection)) {
                    assert_eq!(sent.data, text.as_bytes());
                    assert!(length == 0 || sent.compressed == (length >= threshold), "{length} of {threshold} bytes");
                    assert!(sent.compressed || length < threshold || length == 0);
                }
            }
        }
        let setup = Setup::new(role).deflate(DeflateConfig::new().threshold(usize::MAX));
        let mut connection = setup.connection();
        connection.send_binary(&[0; 100_000]).unwrap();
        assert!(!Reader::new(&setup).read_one(&drain(&mut connection)).compressed);
        // The size of a message that goes out in parts is not known when it begins.
        connection.send_part("x", false).unwrap();
        connection.send_part("y", true).unwrap();
        let sent = Reader::new(&setup).read_one(&drain(&mut connection));
        assert_eq!((text_of(&sent), sent.compressed), ("xy", true));
    }
}

/// 7692-7.2.1-8, 7692-7.2.1-11: without takeover, agreed or wished for, each message starts with an empty window: the
/// same message is the same bytes again, and needs nothing that went before.
#[test]
fn without_takeover_nothing_is_referred_to() {
    for role in ROLES {
        let agreed = Setup::new(role).takeover(false, true);
        let setups = [
            agreed.clone(),
            agreed.clone().deflate(DeflateConfig::new().keep_contexts(false)),
            agreed.deflate(DeflateConfig::new().level(1)),
            Setup::new(role).deflate(DeflateConfig::new().send_context_takeover(false)),
            Setup::new(role).deflate(DeflateConfig::new().keep_contexts(false)),
            Setup::new(role).takeover(false, false).deflate(DeflateConfig::new().level(0)),
        ];
        for setup in setups {
            let alone = setup.clone().takeover(false, true);
            let mut connection = setup.connection();
            let text = prose(&mut Random(1), 500);
            let mut payloads = Vec::new();
            for i in 0..6 {
                connection.send_text(&text).unwrap();
                if i == 2 {
                    connection.send_uncompressed("between").unwrap();
                }
                connection.send_part(&text[..20], false).unwrap();
                connection.send_part(&text[20..], true).unwrap();
                let sent = Reader::new(&alone).read(&drain(&mut connection));
                assert!(sent.iter().all(|sent| !sent.compressed || text_of(sent) == text));
                payloads.push((sent[0].payload.clone(), sent.last().unwrap().payload.clone()));
            }
            assert!(payloads.windows(2).all(|two| two[0] == two[1]));
        }
    }
}

/// 7692-7.2.1-9, 7692-7.2.1-10, 7692-7.2.1-12: with takeover a message that came before is referred to, also when the
/// other direction goes without.
#[test]
fn with_takeover_messages_are_referred_to() {
    for role in ROLES {
        for receives in [true, false] {
            let setup = Setup::new(role).takeover(true, receives);
            let mut connection = setup.connection();
            let mut reader = Reader::new(&setup);
            let noise = Random(1).bytes(1000);
            connection.send_binary(&noise).unwrap();
            let first = reader.read_one(&drain(&mut connection));
            assert!(first.payload.len() >= 1000);
            for i in 0..5 {
                connection.send_uncompressed(vec![i; 2000]).unwrap();
                connection.ping(b"between").unwrap();
                connection.send_binary(&noise).unwrap();
                let sent = reader.read(&drain(&mut connection));
                assert_eq!((sent[0].compressed, sent[0].data.len()), (false, 2000));
                assert!(sent[1].data == noise && sent[1].payload.len() < 100, "{}", sent[1].payload.len());
                assert!(sent[1].largest_distance >= 1000 - 4);
            }
        }
    }
}

/// The messages that tempt to look back by `window` bytes and a little more.
fn temptations(window: usize) -> Vec<Vec<u8>> {
    let noise = Random(window as u64).bytes(window + 600);
    let near = [
        window.saturating_sub(300),
        window.saturating_sub(262),
        window - 1,
        window,
        window + 1,
        window + 2,
        window + 258,
        window + 600,
    ];
    let mut messages: Vec<_> = near.iter().map(|length| noise[..*length].repeat(2)).collect();
    let mut random = Random(7);
    messages.push(prose(&mut random, 2 * window).into_bytes());
    // Each reaches back over the messages between: half a window, then as much again.
    messages.extend([&noise[..window / 2], &noise[..window / 3], &noise[..window / 2]].map(<[u8]>::to_vec));
    messages
}

/// How far a compressor should reach back that is given this window and stops short of its end by a match.
fn worth(window: usize) -> usize {
    window.saturating_sub(300).max(200)
}

/// Panics at a distance above `window`, and says how far the messages have reached back.
fn farthest(setup: &Setup, window: usize, messages: &[Vec<u8>]) -> usize {
    let mut connection = setup.connection();
    let mut reader = Reader::new(setup);
    let mut farthest = 0;
    for (i, message) in messages.iter().enumerate() {
        if i % 3 == 2 {
            let (first, second) = message.split_at(message.len() / 3);
            connection.send_part(first, false).unwrap();
            connection.send_part(second, true).unwrap();
        } else {
            connection.send_binary(message).unwrap();
        }
        let sent = reader.read_one(&drain(&mut connection));
        assert!(sent.data == *message);
        assert!(sent.largest_distance <= window, "{} in a window of {window}, {setup:?}", sent.largest_distance);
        farthest = farthest.max(sent.largest_distance);
    }
    farthest
}

/// 7692-7.2.1-13, 7692-7.2.1-15, 7692-7.2.2-11: small windows, at every level and memory level: no distance ever
/// exceeds what was agreed.
#[test]
fn small_windows_are_kept() {
    for bits in [8, 9, 10] {
        let window = 1 << bits;
        let messages = temptations(window);
        let mut farthest_of_all = 0;
        for level in 0..=9 {
            for memory in 1..=9 {
                let role = ROLES[usize::from(level + memory) % 2];
                let deflate = DeflateConfig::new().level(level).memory_level(memory);
                let setup = Setup::new(role).windows(bits, 15).deflate(deflate);
                farthest_of_all = farthest_of_all.max(farthest(&setup, window, &messages));
            }
        }
        assert!(farthest_of_all >= worth(window), "{farthest_of_all} in a window of {window} bytes tempts nobody");
    }
}

/// 7692-7.2.1-13, 7692-7.2.1-15, 7692-7.2.1-7: large windows, up to 32,768 bytes.
#[test]
fn large_windows_are_kept() {
    for bits in 11..=15 {
        let window = 1 << bits;
        let mut messages = temptations(window);
        messages.truncate(if bits < 14 { 20 } else { 4 });
        let mut farthest_of_all = 0;
        for (i, level) in [0, 1, 2, 3, 5, 6, 9].into_iter().enumerate() {
            for memory in [1, 8, 9] {
                let deflate = DeflateConfig::new().level(level).memory_level(memory);
                let setup = Setup::new(ROLES[(i + usize::from(bits)) % 2]).windows(bits, 8).deflate(deflate);
                if bits < 14 || memory == [1, 8, 9][i % 3] {
                    farthest_of_all = farthest_of_all.max(farthest(&setup, window, &messages));
                }
            }
        }
        assert!(farthest_of_all >= worth(window), "{farthest_of_all} in a window of {window} bytes tempts nobody");
    }
}

/// 7692-7.2.1-14, 7692-7.2.2-11, 7692-5-6: what this side wants to use at most holds beside what was agreed.
#[test]
fn own_windows_are_kept() {
    for role in ROLES {
        for (own, agreed) in [(8, 15), (9, 15), (12, 9), (10, 10), (9, 8), (8, 9)] {
            let setup = Setup::new(role).windows(agreed, 15).deflate(DeflateConfig::new().send_window_bits(own));
            let window = 1 << own.min(agreed);
            let farthest = farthest(&setup, window, &[temptations(window), temptations(2 * window)].concat());
            assert!(farthest >= worth(window), "{farthest} of {window}");
        }
    }
}

/// Values outside a setting's range count as the nearest.
#[test]
fn settings_are_clamped() {
    let new = DeflateConfig::new;
    assert_eq!(new(), DeflateConfig::default());
    assert_eq!(new().level(6).memory_level(8).threshold(64).send_window_bits(15).receive_window_bits(15), new());
    assert_eq!(new().send_context_takeover(true).receive_context_takeover(true).fallback(false), new());
    assert_eq!(new().keep_contexts(true), new());
    for (outside, nearest) in [
        (new().level(10), new().level(9)),
        (new().level(255), new().level(9)),
        (new().memory_level(0), new().memory_level(1)),
        (new().memory_level(255), new().memory_level(9)),
        (new().send_window_bits(0), new().send_window_bits(8)),
        (new().send_window_bits(255), new().send_window_bits(15)),
        (new().receive_window_bits(7), new().receive_window_bits(8)),
        (new().receive_window_bits(16), new().receive_window_bits(15)),
    ] {
        assert_eq!(outside, nearest);
        let setup = Setup::new(Role::Server).deflate(outside);
        let mut connection = setup.connection();
        connection.send_binary(&[1; 1000]).unwrap();
        assert_eq!(Reader::new(&setup).read_one(&drain(&mut connection)).data, [1; 1000]);
    }
    assert_eq!(DeflateParameters::new(), DeflateParameters::default());
}

/// 7692-6.1-1, 7692-6.1-3, 7692-7.2.1-6: parts are the fragments of one stream: the bit on the first alone, the tail
/// cut off the last alone, and what was given is in what went out.
#[test]
fn parts_are_one_stream() {
    for setup in setups() {
        let mut connection = setup.connection();
        let mut reader = Reader::new(&setup);
        let mut random = Random(2);
        for round in 0..30 {
            let mut parts = Vec::new();
            for _ in 0..1 + random.below(5) {
                let length = [0, 1, 50, 1000, 5000][random.below(5)];
                parts.push(prose(&mut random, length));
            }
            let (last, first) = parts.split_last().unwrap();
            for part in first {
                connection.send_part(part.as_str(), false).unwrap();
                connection.ping(b"between").unwrap();
            }
            connection.send_part(last.as_str(), true).unwrap();
            let output = drain(&mut connection);
            let sent = reader.read_one(&output);
            assert_eq!(text_of(&sent), parts.concat(), "round {round}");
            assert_eq!(sent.frames, parts.len());
            if !sent.compressed {
                // A part that is all of its message is a whole message.
                assert!(parts.len() == 1 && sent.data.len() < 64);
                continue;
            }
            let frames = sent_by(setup.role, &output);
            assert!(frames.iter().all(|frame| (frame.rsv == 4) == (frame.opcode == TEXT)), "{}", brief(&frames));
        }
    }
}

/// 7692-7.2.1-6: what went out of a message so far says all that was given of it.
#[test]
fn parts_do_not_wait() {
    for setup in setups() {
        let mut connection = setup.connection();
        let (mut payload, mut data) = (Vec::new(), String::new());
        for (i, part) in ["one ", "", "two two two ", "x", "", "three"].into_iter().enumerate() {
            connection.send_part(part, false).unwrap();
            for frame in sent_by(setup.role, &drain(&mut connection)) {
                assert_eq!((frame.fin, frame.rsv), (false, if i == 0 { 4 } else { 0 }));
                payload.extend(frame.payload);
            }
            data.push_str(part);
            assert_eq!(inflate_so_far(&payload, &[]).0.data, data.as_bytes());
        }
        connection.send_part("", true).unwrap();
        payload.extend(sent_by(setup.role, &drain(&mut connection)).remove(0).payload);
        assert_eq!(inflate_message(&payload, &[]).unwrap().data, data.as_bytes());
    }
}

/// Parts that are empty: the first, the last, all of them, and one that is all of its message.
#[test]
fn empty_parts() {
    for setup in setups() {
        let mut connection = setup.connection();
        let mut reader = Reader::new(&setup);
        let sequences: [&[&str]; 8] = [
            &[""],
            &["", ""],
            &["", "", ""],
            &["x", ""],
            &["", "x"],
            &["x", "", "x"],
            &["", "x", ""],
            &["", "", "xyz", "", ""],
        ];
        for parts in sequences.into_iter().cycle().take(24) {
            for (i, part) in parts.iter().enumerate() {
                connection.send_part(*part, i + 1 == parts.len()).unwrap();
            }
            let sent = reader.read_one(&drain(&mut connection));
            assert_eq!((text_of(&sent), sent.frames), (&parts.concat()[..], parts.len()));
        }
    }
}

/// 7692-6.1-2, 7692-7.2.3-2, 7692-6-2: a message that opts out goes out as it is, and leaves the window alone.
#[test]
fn messages_opt_out() {
    for setup in setups() {
        let mut connection = setup.connection();
        let mut reader = Reader::new(&setup);
        let text = prose(&mut Random(3), 700);
        for _ in 0..4 {
            connection.send_text(&text).unwrap();
            connection.send_uncompressed(text.clone()).unwrap();
            connection.send_uncompressed(vec![9; 5000]).unwrap();
            connection.send_uncompressed("").unwrap();
            connection.send_part_uncompressed(&text[..300], false).unwrap();
            connection.send_part(&text[300..400], false).unwrap();
            connection.send_part_uncompressed(&text[400..], true).unwrap();
            connection.send_part_uncompressed(text.as_str(), true).unwrap();
            // The first part decides.
            connection.send_part(&text[..300], false).unwrap();
            connection.send_part_uncompressed(&text[300..400], false).unwrap();
            connection.send_part_uncompressed(&text[400..], true).unwrap();
            connection.send_text(&text).unwrap();
            let sent = reader.read(&drain(&mut connection));
            let compressed: Vec<_> = sent.iter().map(|sent| sent.compressed).collect();
            assert_eq!(compressed, [true, false, false, false, false, false, true, true]);
            for (i, sent) in sent.iter().enumerate() {
                match i {
                    2 => assert_eq!(sent.data, [9; 5000]),
                    3 => assert_eq!(sent.data, b""),
                    _ => assert_eq!(text_of(sent), text),
                }
            }
            assert_eq!(sent.iter().map(|sent| sent.frames).collect::<Vec<_>>(), [1, 1, 1, 1, 3, 1, 3, 1]);
        }
    }
}

/// 7692-6.1-3: Pings, Pongs and the Close never have the bit, also between the parts of a compressed message, where they go
/// when the first part is partly written.
#[test]
fn control_frames_are_not_compressed() {
    for setup in setups() {
        let role = setup.role;
        let mut connection = setup.deflate(eager()).connection();
        connection.send_part(letters(1000), false).unwrap();
        let mut output = connection.output().copy_to_bytes(1).to_vec();
        connection.ping(&[b'a'; 125]).unwrap();
        connection.pong(&[b'a'; 125]).unwrap();
        let mut input = Input::from(&stream(role, &[Frame::ping([b'a'; 125])])[..]);
        connection.receive(&mut input);
        connection.send_part(letters(1000), true).unwrap();
        connection.close(CloseCode::NORMAL).unwrap();
        output.extend(drain(&mut connection));
        let frames = sent_by(role, &output);
        let bits: Vec<_> = frames.iter().map(|frame| (frame.opcode, frame.rsv)).collect();
        assert_eq!(bits, [(TEXT, 4), (PING, 0), (PONG, 0), (PONG, 0), (CONTINUATION, 0), (CLOSE, 0)]);
        assert_eq!(frames[3], Frame::pong([b'a'; 125]));
    }
}

/// 7692-5-16: without an agreement nothing is compressed, whatever this side would like.
#[test]
fn nothing_is_compressed_without_an_agreement() {
    for role in ROLES {
        let mut connection = connection(role, &Config::new().deflate(eager()));
        assert_eq!(connection.deflate_parameters(), None);
        connection.send_text(&letters(1000)).unwrap();
        connection.send_uncompressed(letters(1000)).unwrap();
        connection.send_part(letters(1000), true).unwrap();
        connection.send_part_uncompressed(letters(1000), true).unwrap();
        assert_eq!(sent_by(role, &drain(&mut connection)), vec![Frame::text(letters(1000)); 4]);
    }
}

/// A message that is refused comes back and leaves no trace in the window.
#[test]
fn refused_messages_leave_no_trace() {
    for setup in setups() {
        for limit in [150, 1000, 6000] {
            let setup = setup.clone().config(Config::new().max_buffered(limit)).deflate(eager());
            let mut connection = setup.connection();
            let mut reader = Reader::new(&setup);
            let mut random = Random(limit as u64);
            let (mut sent, mut refused) = (Vec::new(), 0);
            for i in 0..400 {
                let length = random.below(limit + limit / 2);
                let data =
                    if random.below(2) == 0 { prose(&mut random, length).into_bytes() } else { random.bytes(length) };
                let result = match i % 3 {
                    0 => connection.send_binary(&data).map_err(|error| error.kind()),
                    1 => connection.send(data.clone()).map_err(|error| {
                        let kind = error.kind();
                        assert_eq!(error.into_message(), Some(data.clone().into()));
                        kind
                    }),
                    _ => connection.send_part(data.clone(), true).map_err(|error| {
                        let kind = error.kind();
                        assert_eq!(error.into_message(), Some(data.clone().into()));
                        kind
                    }),
                };
                match result {
                    Ok(()) => sent.push(data),
                    Err(kind) => {
                        assert!(matches!(kind, SendErrorKind::Full | SendErrorKind::TooLarge), "{kind:?}");
                        refused += 1;
                    }
                }
                let output = connection.output();
                assert!(output.remaining() <= limit);
                if random.below(3) == 0 {
                    let read = reader.read(&drain(&mut connection));
                    assert!(read.iter().map(|sent| &sent.data).eq(&sent), "{limit}");
                    sent.clear();
                }
            }
            assert!(refused > 20, "{refused}");
        }
    }
}

/// A part that is refused can be sent again, or its message ended without it.
#[test]
fn refused_parts_leave_no_trace() {
    for setup in setups() {
        let setup = setup.config(Config::new().max_buffered(1000));
        let mut connection = setup.connection();
        let mut reader = Reader::new(&setup);
        let mut random = Random(4);
        for round in 0..100 {
            let (mut output, mut whole, mut refused) = (Vec::new(), Vec::new(), 0);
            for i in 0..6 {
                let fin = i == 5;
                let length = random.below(900);
                let part = random.bytes(length);
                if let Err(error) = connection.send_part(part.clone(), fin) {
                    assert!(matches!(error.kind(), SendErrorKind::Full | SendErrorKind::TooLarge));
                    assert_eq!(error.into_message(), Some(part.clone().into()));
                    refused += 1;
                    if !fin && random.below(2) == 0 {
                        continue;
                    }
                    output.extend(drain(&mut connection));
                    // What has no room in the whole output has none in an empty one either.
                    if connection.send_part(part.clone(), fin).is_err() {
                        connection.send_part(&part[..50.min(part.len())], fin).unwrap();
                        whole.extend(&part[..50.min(part.len())]);
                        continue;
                    }
                }
                whole.extend(part);
            }
            output.extend(drain(&mut connection));
            let read = reader.read_one(&output);
            assert!(read.data == whole, "round {round}");
            assert!(refused > 0 || round > 0);
        }
    }
}

/// A compressed message that finds no room is returned apart: for now, or for ever.
#[test]
fn full_and_too_large() {
    for setup in setups() {
        let setup = setup.config(Config::new().max_buffered(1000));
        let mut connection = setup.connection();
        let mut reader = Reader::new(&setup);
        let noise = Random(1).bytes(700);
        connection.send_binary(&noise).unwrap();
        assert_eq!(connection.send_binary(&noise).unwrap_err().kind(), SendErrorKind::Full);
        assert_eq!(connection.send(Random(2).bytes(5000)).unwrap_err().kind(), SendErrorKind::TooLarge);
        let error = connection.send_part(Random(3).bytes(5000), false).unwrap_err();
        assert_eq!((error.kind(), error.into_message()), (SendErrorKind::TooLarge, Some(Random(3).bytes(5000).into())));
        assert!(reader.read_one(&drain(&mut connection)).data == noise);
        // The part that was refused has begun no message.
        connection.send_text(&letters(100)).unwrap();
        connection.send_binary(&noise[..400]).unwrap();
        let sent = reader.read(&drain(&mut connection));
        assert_eq!((text_of(&sent[0]), &sent[1].data[..]), (&letters(100)[..], &noise[..400]));
    }
}

/// 7692-6-1: what has room as it is, and might not have it compressed, is sent as it is.
#[test]
fn what_might_not_fit_compressed_is_not_compressed() {
    for role in ROLES {
        for payload in [letters(1000).into_bytes(), Random(1).bytes(1000)] {
            let header = if role == Role::Server { 4 } else { 8 };
            let config = Config::new().max_buffered(header + payload.len());
            let setup = Setup::new(role).deflate(eager()).config(config);
            let mut connection = setup.connection();
            connection.send_binary(&payload).unwrap();
            assert_eq!(connection.buffered(), header + payload.len());
            let sent = drain(&mut connection);
            assert_eq!(sent[0], 0x82, "no reserved bit");
            connection.send(payload.clone()).unwrap();
            assert_eq!(drain(&mut connection)[..2], sent[..2]);
        }
    }
}

/// What may not be sent where it stands leaves no trace either.
#[test]
fn misuse_leaves_no_trace() {
    for setup in setups() {
        let mut connection = setup.connection();
        let mut reader = Reader::new(&setup);
        for _ in 0..3 {
            connection.send_part(letters(200), false).unwrap();
            assert_eq!(connection.send_text(&letters(300)).unwrap_err().kind(), SendErrorKind::Unfinished);
            assert_eq!(connection.send_uncompressed(letters(300)).unwrap_err().kind(), SendErrorKind::Unfinished);
            assert_eq!(connection.send_part(vec![1; 300], false).unwrap_err().kind(), SendErrorKind::KindChanged);
            assert_eq!(
                connection.send_part_uncompressed(vec![1; 300], true).unwrap_err().kind(),
                SendErrorKind::KindChanged
            );
            connection.send_part("end", true).unwrap();
            assert_eq!(text_of(&reader.read_one(&drain(&mut connection))), letters(200) + "end");
        }
        connection.close(CloseCode::NORMAL).unwrap();
        drain(&mut connection);
        let error = connection.send(letters(500)).unwrap_err();
        assert_eq!((error.kind(), error.into_message()), (SendErrorKind::Closed, Some(letters(500).into())));
        assert_eq!(connection.send_uncompressed("x").unwrap_err().kind(), SendErrorKind::Closed);
        assert_eq!(drain(&mut connection), []);
    }
}

/// Memory that is given back costs the window at most: what follows decodes, whenever it is done.
#[test]
fn released_memory() {
    for setup in setups() {
        for deflate in [DeflateConfig::new(), DeflateConfig::new().keep_contexts(false)] {
            let setup = setup.clone().deflate(deflate);
            let mut connection = setup.connection();
            let mut reader = Reader::new(&setup);
            let text = prose(&mut Random(8), 600);
            for _ in 0..4 {
                connection.send_text(&text).unwrap();
                connection.release_memory();
                connection.send_text(&text).unwrap();
                connection.send_part(&text[..200], false).unwrap();
                connection.release_memory();
                connection.send_part(&text[200..300], false).unwrap();
                let output = drain(&mut connection);
                connection.release_memory();
                connection.send_part(&text[300..], true).unwrap();
                let sent = reader.read(&[output, drain(&mut connection)].concat());
                assert_eq!(sent.iter().map(text_of).collect::<Vec<_>>(), [&text; 3]);
                connection.release_memory();
            }
        }
    }
}

/// The halves of a connection send what the whole would, and receive so.
#[test]
fn halves_send_what_the_whole_does() {
    for setup in setups() {
        let text = prose(&mut Random(6), 400);
        let mut whole = setup.connection();
        let (mut receiver, mut sender) = setup.connection().into_halves();
        for _ in 0..3 {
            whole.send_text(&text).unwrap();
            sender.send_text(&text).unwrap();
            whole.send_uncompressed(text.clone()).unwrap();
            sender.send_uncompressed(text.clone()).unwrap();
            whole.send_part_uncompressed("a", false).unwrap();
            sender.send_part_uncompressed("a", false).unwrap();
            whole.send_part(text.clone(), true).unwrap();
            sender.send_part(text.clone(), true).unwrap();
            whole.send_part(text.clone(), false).unwrap();
            sender.send_part(text.clone(), false).unwrap();
            whole.send_part("b", true).unwrap();
            sender.send_part("b", true).unwrap();
            let mut output = vec![0; sender.output().remaining()];
            sender.output().copy_to_slice(&mut output);
            assert_eq!(sent_by(setup.role, &output), sent_by(setup.role, &drain(&mut whole)));
            whole.release_memory();
            sender.release_memory();
            receiver.release_memory();
        }
        let payload = Stream::new().fixed(&literals("Hello"), true).message();
        let mut input = Input::from(&stream(setup.role, &[compressed(Frame::text(&payload))])[..]);
        let event = receiver.receive(&mut input).and_then(|received| received.event).map(Seen::from);
        assert_eq!(event, Some(text_event("Hello")));
        let broken = stream(setup.role, &[compressed(Frame::text([0x07]))]);
        let mut input = Input::from(&broken[..]);
        let reply = receiver.receive(&mut input).and_then(|received| received.reply).expect("the end has to be known");
        sender.reply(reply);
        let closed = sender.closed().expect("it is over");
        assert_eq!(closed.cause, ws_proto::Cause::Violation(ws_proto::Violation::CorruptDeflate));
    }
}

#[test]
fn halves_are_joined_if_both_compress_or_neither() {
    let plain = || Connection::server(&Config::new()).into_halves();
    let compressing = || Setup::new(Role::Server).connection().into_halves();
    let (receiver, sender) = compressing();
    let (receiver, sender) = match Connection::from_halves(receiver, sender) {
        Ok(connection) => connection.into_halves(),
        Err(_) => panic!("they are those of one connection"),
    };
    let joined = Connection::from_halves(receiver, plain().1);
    joined.expect_err("only the receiver knows of compression");
    let joined = Connection::from_halves(plain().0, sender);
    joined.expect_err("only the sender does");
}

fn text_event(text: &str) -> Seen {
    crate::common::frames::text(text)
}

/// 7692-7.2.1-3: every level and memory level makes data that decodes.
#[test]
fn every_level() {
    let mut random = Random(1);
    let messages = [prose(&mut random, 3000).into_bytes(), random.bytes(2000), vec![0; 5000], vec![]];
    for level in 0..=9 {
        for memory in 1..=9 {
            for takeover in [true, false] {
                let role = ROLES[usize::from(takeover)];
                let deflate = eager().level(level).memory_level(memory);
                let setup = Setup::new(role).takeover(takeover, true).deflate(deflate);
                let mut connection = setup.connection();
                let mut reader = Reader::new(&setup);
                for _ in 0..2 {
                    messages.iter().for_each(|message| connection.send_binary(message).unwrap());
                    let sent = reader.read(&drain(&mut connection));
                    assert!(sent.iter().map(|sent| &sent.data).eq(&messages), "level {level}, memory level {memory}");
                }
            }
        }
    }
}

/// A setting that did nothing would not show in what decodes.
#[test]
fn levels_differ_in_what_they_send() {
    let text = prose(&mut Random(1), 20_000);
    let size = |deflate: DeflateConfig| {
        let mut connection = Setup::new(Role::Server).deflate(deflate).connection();
        connection.send_text(&text).unwrap();
        drain(&mut connection).len()
    };
    let sizes: Vec<usize> = [0, 1, 6, 9].map(|level| size(eager().level(level))).into();
    assert!(sizes.is_sorted_by(|one, next| one > next), "{sizes:?}");
    assert!(size(eager().memory_level(1)) > size(eager().memory_level(9)));
}

/// The two ends of a connection.
fn pair(a: &Setup) -> (Connection, Connection) {
    let role = match a.role {
        Role::Server => Role::Client,
        Role::Client => Role::Server,
    };
    let b = Setup { role, ..a.clone() };
    (a.connection(), b.connection())
}

fn exchange(from: &mut Connection, to: &mut Connection, input: &mut Input, cut: Cut) -> Vec<Seen> {
    let output = drain(from);
    cut.pieces(&output).into_iter().flat_map(|piece| feed(to, input, piece)).collect()
}

#[derive(Clone, Debug)]
struct Say {
    kind: usize,
    seed: u64,
    length: usize,
    from_first: bool,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// 7692-5-18, 7692-6.1-1, 7692-6.2-1: what one end sends the other receives, with whatever was agreed, in both
    /// directions at once.
    #[test]
    fn two_ends_understand_each_other(
        says in proptest::collection::vec(
            (0..6_usize, any::<u64>(), prop_oneof![0..100_usize, 0..3000_usize, 0..40_000_usize], any::<bool>())
                .prop_map(|(kind, seed, length, from_first)| Say { kind, seed, length, from_first }),
            1..14,
        ),
        windows in (8..=15_u8, 8..=15_u8),
        takeover: (bool, bool),
        level in 0..=9_u8,
        memory in 1..=9_u8,
        threshold in prop_oneof![Just(0), Just(64)],
        keep: bool,
        parts: bool,
        cut: u64,
    ) {
        let delivery = if parts { Delivery::Parts } else { Delivery::Messages };
        let setup = Setup::new(Role::Server)
            .windows(windows.0, windows.1)
            .takeover(takeover.0, takeover.1)
            .config(Config::new().delivery(delivery))
            .deflate(DeflateConfig::new().level(level).memory_level(memory).threshold(threshold).keep_contexts(keep));
        let (mut first, mut second) = pair(&setup);
        let (mut first_input, mut second_input) = (Input::new(), Input::new());
        for say in says {
            let mut random = Random(say.seed);
            let text = prose(&mut random, say.length);
            let data = random.bytes(say.length);
            let (from, to, input) = match say.from_first {
                true => (&mut first, &mut second, &mut second_input),
                false => (&mut second, &mut first, &mut first_input),
            };
            let right = match say.kind {
                0 | 1 => {
                    from.send_text(&text).unwrap();
                    text_event(&text)
                }
                2 => {
                    from.send(data.clone()).unwrap();
                    binary(&data)
                }
                3 => {
                    from.send_uncompressed(text.clone()).unwrap();
                    text_event(&text)
                }
                4 => {
                    let at = text.len() / 2;
                    from.send_part(&text[..at], false).unwrap();
                    from.send_part(&text[at..], true).unwrap();
                    text_event(&text)
                }
                _ => {
                    data.chunks(1000).for_each(|part| from.send_part(part, false).unwrap());
                    from.send_part(vec![], true).unwrap();
                    binary(&data)
                }
            };
            let seen = joined(&exchange(from, to, input, Cut::Random(cut)));
            prop_assert!(seen == std::slice::from_ref(&right), "{} instead of {}", brief(&seen), brief(&right));
            if say.seed % 5 == 0 {
                from.release_memory();
                to.release_memory();
            }
        }
    }
}
