//! What has broken other implementations of permessage-deflate, and what could: bombs, endless data that says nothing,
//! memory that is held or shared, and faults after faults. Memory is counted, time is not.

use crate::common::allocator::{allocated, allocations, held, peak_of};
use crate::common::deflate::*;
use crate::common::frames::*;
#[cfg(feature = "std")]
use ws_proto::DeflatePool;
use ws_proto::bytes::Buf;
use ws_proto::{Config, Connection, DeflateConfig, Delivery, Event, Input, Role, Violation};

const KIB: isize = 1 << 10;
const MIB: isize = 1 << 20;
const PART: usize = 64 << 10;

/// "Hello" in a block of fixed codes, and once more as a match with that (RFC 7692 §7.2.3).
const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
const AGAIN: [u8; 5] = [0xf2, 0x00, 0x11, 0x00, 0x00];

fn setup(role: Role) -> Setup {
    Setup::new(role)
}

fn parts(config: &Config) -> Config {
    config.clone().delivery(Delivery::Parts)
}

/// What bytes led to that came in reads of 16 KiB, as far as it can be returned in little memory.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    events: usize,
    data: u64,
    largest: usize,
    end: Option<Seen>,
}

fn returned(connection: &mut Connection, bytes: &[u8]) -> Told {
    let mut input = Input::new();
    let mut returned = Told::default();
    for piece in bytes.chunks(16 << 10) {
        input.extend_from_slice(piece);
        while let Some(event) = connection.receive(&mut input) {
            assert!(returned.end.is_none(), "an event after the last");
            returned.events += 1;
            let size = match event {
                Event::Text(text) => text.len(),
                Event::TextPart { text, .. } => text.len(),
                Event::Binary(data) => data.len(),
                Event::BinaryPart { data, .. } => data.len(),
                Event::Closed(closed) => {
                    returned.end = Some(Seen::from(closed));
                    0
                }
                _ => 0,
            };
            returned.data += size as u64;
            returned.largest = returned.largest.max(size);
        }
    }
    returned
}

/// The payload of a message of zeros that is a thousandth of their size, made without writing each match: their codes
/// are two zero bits.
fn bomb(matches: usize) -> Vec<u8> {
    let begin = Stream::new().dynamic(&literals([0]), &Codes::for_zeros(), false);
    let mut payload = begin.dynamic(&[far(258, 1); 4], &Codes::for_zeros(), false).bytes();
    // The end of that block is its last two bits, and what may follow it: take it off and go on with zeros.
    let whole = inflate_so_far(&payload, &[]).0;
    assert_eq!(whole.data.len(), 1 + 4 * 258);
    while inflate_so_far(&payload, &[]).0.data.len() > 1 {
        payload.pop();
    }
    payload.resize(payload.len() + matches / 4, 0);
    payload
}

/// CVE-2018-1000518, CVE-2016-10544, CVE-2026-1526, CVE-2026-39804, CVE-2026-54464, CVE-2026-54490, CVE-2026-107227,
/// CVE-2026-5680, CVE-2026-15709, CVE-2026-27571, WSA-2026-1, netty #15122, CVE-2021-21419: a gigabyte of zeros in a
/// mebibyte on the wire ends at the limit of what comes out, and takes no more memory than that allows.
#[test]
fn a_bomb_ends_at_the_limit() {
    let payload = bomb(4 << 20);
    assert!(payload.len() < 1100 << 10);
    let begins = inflate_so_far(&payload[..2000], &[]).0.data;
    assert!(begins.len() > 1_000_000 && begins.iter().all(|byte| *byte == 0));
    for role in ROLES {
        for limit in [1_000_000, 4 << 20] {
            for (opcode, delivery) in [
                (BINARY, Delivery::Messages),
                (TEXT, Delivery::Messages),
                (BINARY, Delivery::Parts),
                (TEXT, Delivery::Parts),
            ] {
                let config = Config::new().max_message(limit).delivery(delivery);
                let bytes = stream(role, &[compressed(Frame::new(opcode, &payload)), Frame::text("late")]);
                let mut connection = setup(role).config(config).connection();
                let (returned, peak) = peak_of(|| returned(&mut connection, &bytes));
                assert_eq!(returned.end, Some(failed_for(Violation::MessageTooBig(limit + 1))));
                match delivery {
                    Delivery::Messages => {
                        assert_eq!((returned.events, returned.data), (1, 0));
                        assert!(peak < 3 * limit as isize + 256 * KIB, "{peak} bytes for a limit of {limit}");
                    }
                    _ => {
                        assert!(returned.data <= limit && returned.largest <= PART);
                        assert!(peak < 512 * KIB, "{peak} bytes for parts");
                    }
                }
                assert_eq!(sent_by(role, &drain(&mut connection)).last().map(|close| close.opcode), Some(CLOSE));
            }
        }
    }
}

/// PYSEC-2021-12, CVE-2026-63495: the same over very many fragments, none of which is large in any way.
#[test]
fn a_bomb_in_fragments_ends_at_the_limit() {
    let payload = bomb(100_000);
    for role in ROLES {
        for size in [1, 7, 100] {
            let cuts: Vec<_> = (0..payload.len()).step_by(size).skip(1).collect();
            let frames = cut_at(&compressed(Frame::binary(&payload)), &cuts);
            let bytes = stream(role, &frames);
            for delivery in [Delivery::Messages, Delivery::Parts] {
                let config = Config::new().max_message(1_000_000).delivery(delivery);
                let mut connection = setup(role).config(config).connection();
                let (returned, peak) = peak_of(|| returned(&mut connection, &bytes));
                assert_eq!(returned.end, Some(failed_for(Violation::MessageTooBig(1_000_001))));
                assert!(returned.data <= 1_000_000 && peak < 4 * MIB, "{peak} bytes");
            }
        }
    }
}

/// D5: with parts and no limit to speak of, nothing accumulates however much comes out.
#[test]
fn a_bomb_in_parts_takes_no_memory() {
    let payload = bomb(60_000);
    for role in ROLES {
        for limit in [1 << 40, (1 << 63) - 1] {
            let config = parts(&Config::new().max_message(limit));
            let bytes = stream(role, &[compressed(Frame::binary(&payload)).part()]);
            let mut connection = setup(role).config(config).connection();
            let (returned, peak) = peak_of(|| returned(&mut connection, &bytes));
            assert_eq!(returned.end, None);
            assert!(returned.data > 15_000_000 && returned.largest <= PART, "{returned:?}");
            assert!(peak < 512 * KIB, "{peak} bytes");
        }
    }
}

/// D2, D5: the default limit, 64 MiB, holds for what comes out.
#[test]
fn the_default_limit() {
    let payload = bomb((66 << 20) / 258);
    let role = Role::Client;
    let bytes = stream(role, &[compressed(Frame::binary(&payload))]);
    let mut connection = setup(role).config(parts(&Config::new())).connection();
    let returned = returned(&mut connection, &bytes);
    assert_eq!(returned.end, Some(failed_for(Violation::MessageTooBig((64 << 20) + 1))));
    assert!(returned.data <= 64 << 20 && returned.data > (64 << 20) - (PART as u64), "{}", returned.data);
}

/// CVE-2026-85024: after the limit nothing that follows is looked at, however broken; the end is returned once.
#[test]
fn faults_after_the_limit() {
    for setup in setups() {
        let role = setup.role;
        for delivery in [Delivery::Messages, Delivery::Parts] {
            let setup = setup.clone().config(Config::new().max_message(1000).delivery(delivery));
            let broken = [zeros(5000, 3), vec![0x07; 50]].concat();
            for late in [vec![], Frame::new(0xf, "").rsv(7).bytes(), vec![0xff; 1000]] {
                let frames = cut_at(&compressed(Frame::binary(&broken)), &[broken.len() - 40]);
                let bytes = [stream(role, &frames), late].concat();
                let seen = setup.every_cut(&bytes).seen;
                assert_eq!(seen.last(), Some(&failed_for(Violation::MessageTooBig(1001))));
                assert!(seen.iter().filter(|seen| matches!(seen, Seen::Closed { .. })).count() == 1);
            }
        }
    }
}

/// Of a fault and the limit that which comes first in the data is returned, however it arrives.
#[test]
fn the_first_fault_is_returned() {
    for role in ROLES {
        for delivery in [Delivery::Messages, Delivery::Parts] {
            let setup = setup(role).config(Config::new().max_message(10).delivery(delivery));
            let ten = Stream::new().fixed(&literals("0123456789"), false);
            let over_and_broken = [&literals("0123456789x")[..], &[far(3, 12)]].concat();
            let over_and_cut_off = Stream::new().fixed(&literals("0123456789x"), false).bytes();
            let matched_and_cut_off =
                Stream::new().fixed(&[Token::Literal(b'0'), far(10, 1), far(3, 12)], false).bytes();
            let matched = Stream::new().fixed(&[Token::Literal(b'0'), far(10, 1), far(3, 12)], false);
            for (payload, violation) in [
                (ten.clone().raw(0b110, 3).bytes(), Violation::CorruptDeflate),
                (ten.clone().stored("x", false).raw(0b110, 3).bytes(), Violation::MessageTooBig(11)),
                (ten.clone().fixed(&[far(3, 11)], false).bytes(), Violation::CorruptDeflate),
                (ten.clone().fixed(&[far(3, 10)], false).raw(0b110, 3).bytes(), Violation::MessageTooBig(11)),
                // One byte too many and the fault behind it, in one block.
                (Stream::new().fixed(&over_and_broken[..], false).message(), Violation::MessageTooBig(11)),
                (matched.message(), Violation::MessageTooBig(11)),
                (over_and_cut_off[..12].to_vec(), Violation::MessageTooBig(11)),
                (matched_and_cut_off[..4].to_vec(), Violation::MessageTooBig(11)),
                (
                    Stream::new().fixed(&over_and_broken[..11], false).raw(0b110, 3).bytes(),
                    Violation::MessageTooBig(11),
                ),
                (Stream::new().stored("0123456789x", false).raw(0b110, 3).bytes(), Violation::MessageTooBig(11)),
                (ten.clone().stored(b"\xff", false).message(), Violation::MessageTooBig(11)),
                (Stream::new().stored(b"012345678\xff", false).stored("x", false).message(), Violation::TextNotUtf8),
                (Stream::new().stored(b"\xff", false).raw(0b110, 3).bytes(), Violation::TextNotUtf8),
                (
                    Stream::new().fixed(&literals(b"\xff"), false).stored("", false).raw(0b110, 3).bytes(),
                    Violation::TextNotUtf8,
                ),
                (Stream::new().stored(b"\xc3", false).raw(0b110, 3).bytes(), Violation::CorruptDeflate),
            ] {
                let seen = setup.every_point(&stream(role, &[compressed(Frame::text(&payload))])).seen;
                assert_eq!(seen.last(), Some(&failed_for(violation)), "{payload:02x?}");
            }
        }
    }
}

/// A message that is one byte too long and breaks off there: the same end in every cut.
#[test]
fn a_broken_end_at_the_limit() {
    // A literal and a match, eleven bytes together, and then the start of a match that reaches too far.
    let payloads = [&[0x62, 0x44, 0x00, 0xf0][..], &[0xd2, 0x44, 0x00, 0x8c], &[0x52, 0x45, 0x00]];
    for setup in setups() {
        for delivery in [Delivery::Messages, Delivery::Parts] {
            let setup = setup.clone().config(Config::new().max_message(10).delivery(delivery));
            for payload in payloads {
                assert_eq!(inflate_so_far(payload, &[]).0.data.len(), 11);
                let seen = setup.every_point(&stream(setup.role, &[compressed(Frame::binary(payload))])).seen;
                assert_eq!(seen.last(), Some(&failed_for(Violation::MessageTooBig(11))), "{payload:02x?}");
            }
        }
    }
}

/// D4, D6: data without end that says nothing: empty blocks of every type, in one frame and in fragments. Nothing is
/// kept of it, and the message can still end.
#[test]
fn endless_empty_blocks() {
    let none = Stream::new();
    let stored = none.clone().stored("", false).bytes();
    let fixed = (0..8).fold(none.clone(), |stream, _| stream.fixed(&[], false)).bytes();
    let dynamic = none.clone().dynamic(&[], &Codes::for_zeros(), false).stored("", false).bytes();
    for role in ROLES {
        for blocks in [&stored, &fixed, &dynamic].map(|block| block.repeat((200 << 10) / block.len())) {
            let whole = vec![compressed(Frame::text(&blocks)).part(), Frame::continuation([0x00])];
            let message = compressed(Frame::text([&blocks[..], &[0x00]].concat()));
            let pieces = cut_at(&message, &(5..blocks.len()).step_by(5).collect::<Vec<_>>());
            for frames in [whole, pieces] {
                for delivery in [Delivery::Messages, Delivery::Parts] {
                    let config = Config::new().max_message(0).delivery(delivery);
                    let mut connection = setup(role).config(config).connection();
                    let bytes = stream(role, &frames);
                    let (returned, peak) = peak_of(|| returned(&mut connection, &bytes));
                    assert_eq!((returned.events, returned.data, returned.end), (1, 0, None));
                    assert!(peak < 512 * KIB, "{peak} bytes");
                }
            }
        }
    }
}

/// 7692-7.2.1-4: last blocks without end are legal one by one. A good many of them pass, and what comes out is right;
/// very many that hold nothing end the connection, and cost nothing but their bytes.
#[test]
fn endless_last_blocks() {
    let one = Stream::new().fixed(&literals("x"), true).bytes();
    let stored = Stream::new().stored("", true).bytes();
    let fixed = Stream::new().fixed(&[], true).bytes();
    let dynamic = Stream::new().dynamic(&[], &Codes::for_zeros(), true).bytes();
    for role in ROLES {
        for delivery in [Delivery::Messages, Delivery::Parts] {
            let setup = setup(role).config(Config::new().delivery(delivery));
            for (block, data) in [(&one, "x"), (&stored, ""), (&fixed, ""), (&dynamic, "")] {
                let payload = [block.repeat(1000), vec![0x00]].concat();
                let bytes = stream(role, &[compressed(Frame::text(&payload)), compressed(Frame::text(HELLO))]);
                let run = setup.cuts(&bytes, &[Cut::Whole, Cut::Random(3)]);
                assert_eq!(run.seen, [text(&data.repeat(1000)), text("Hello")]);

                let bytes = stream(role, &[compressed(Frame::text(block.repeat(100_000))).part()]);
                let mut connection = setup.connection();
                let (outcome, peak) = peak_of(|| returned(&mut connection, &bytes));
                assert!(peak < 2 * MIB, "{peak} bytes");
                if let Some(end) = &outcome.end {
                    assert!(matches!(end, Seen::Closed { cause: ws_proto::Cause::Violation(_), .. }), "{end:?}");
                    // The same in every cut.
                    let few = [Cut::Whole, Cut::Random(4), Cut::Random(9)];
                    assert_eq!(setup.cuts(&bytes, &few).seen.last(), Some(end));
                }
            }
        }
    }
}

/// 7692-7.2.1-4: a sender that ends each of its blocks with BFINAL, for want of another flush, is understood, however
/// long its messages are.
#[test]
fn long_messages_in_last_blocks() {
    let data = Random(1).bytes(600_000);
    for size in [100, 1000, 30_000] {
        let stored = data.chunks(size).fold(Stream::new(), |stream, chunk| stream.stored(chunk, true)).message();
        let fixed =
            data.chunks(size).fold(Stream::new(), |stream, chunk| stream.fixed(&literals(chunk), true)).message();
        for payload in [stored, fixed] {
            let frames = [compressed(Frame::binary(&payload))];
            let run = setup(Role::Client).run(&stream(Role::Client, &frames), Cut::Random(11), false, false);
            assert!(run.seen == [binary(&data)], "blocks of {size}: {}", brief(run.seen.last().unwrap()));
        }
    }
}

/// CVE-2026-12151, CVE-2026-48779: empty and tiny fragments of a compressed message cost no allocation each, and are
/// counted.
#[test]
fn fragments_cost_no_allocation() {
    let payload = Stream::new().stored([7; 20_000], false).message();
    for role in ROLES {
        for delivery in [Delivery::Messages, Delivery::Parts] {
            for deflate in [DeflateConfig::new(), DeflateConfig::new().keep_contexts(false)] {
                for takeover in [true, false] {
                    let config = Config::new().delivery(delivery);
                    let setup = setup(role).config(config).deflate(deflate.clone()).takeover(true, takeover);
                    let cuts: Vec<_> = (0..payload.len()).chain(0..payload.len()).collect();
                    let bytes = stream(role, &cut_at(&compressed(Frame::binary(&payload)), &cuts));
                    let mut connection = setup.connection();
                    let before = allocations();
                    let returned = returned(&mut connection, &bytes);
                    let made = allocations() - before;
                    assert_eq!((returned.data, returned.end), (20_000, None));
                    // One for each part that is handed out, at most.
                    let most = if delivery == Delivery::Parts { returned.events + 100 } else { 100 };
                    assert!(made <= most, "{made} allocations in 40,000 fragments, {} events", returned.events);
                }
            }
        }
        let limited = setup(role).config(Config::new().max_fragments(1000));
        let mut frames = vec![Frame::continuation("").part(); 1001];
        frames[0] = compressed(Frame::text("")).part();
        let returned = returned(&mut limited.connection(), &stream(role, &frames));
        assert_eq!(returned.end, Some(failed_for(Violation::TooManyFragments)));
    }
}

/// D4: a message that comes in pieces of a byte, as fragments or as reads, is not copied for each of them: what is
/// allocated over time is a small multiple of its size.
#[test]
fn small_pieces_cost_no_copies() {
    let size = 40_000;
    let payload = Stream::new().stored(vec![7; size], false).message();
    for role in ROLES {
        for delivery in [Delivery::Messages, Delivery::Parts] {
            let setup = setup(role).config(Config::new().delivery(delivery));
            let whole = compressed(Frame::binary(&payload));
            let fragments = stream(role, &cut_at(&whole, &(1..payload.len()).collect::<Vec<_>>()));
            for (bytes, step) in [(fragments, usize::MAX), (stream(role, &[whole]), 1)] {
                let mut connection = setup.connection();
                let mut input = Input::new();
                let before = allocated();
                let mut total = 0;
                for piece in bytes.chunks(step) {
                    input.extend_from_slice(piece);
                    while let Some(event) = connection.receive(&mut input) {
                        match event {
                            Event::Binary(data) => total += data.len(),
                            Event::BinaryPart { data, .. } => total += data.len(),
                            event => panic!("{event:?}"),
                        }
                    }
                }
                let allocated = allocated() - before;
                assert_eq!(total, size);
                // Parts that are handed out have memory of their own, if not a byte each.
                let most = if delivery == Delivery::Parts { 64 * size } else { 10 * size };
                assert!(
                    allocated < most + (256 << 10),
                    "{allocated} bytes for {size}, in pieces of a byte, {delivery:?}"
                );
            }
        }
    }
}

/// D5: a message that just fits takes its size and half as much while the memory for it grows, and not one copy more for
/// the byte that would exceed the limit; nor do others that follow it at once.
#[test]
fn messages_at_the_limit_take_little_more() {
    let limit = 4 << 20;
    let payload = zeros(limit, usize::MAX);
    for role in ROLES {
        let message = compressed(Frame::binary(&payload));
        for frames in [vec![message.clone()], vec![message.clone(), message.clone(), message.clone()]] {
            let config = Config::new().max_message(limit as u64);
            let mut connection = setup(role).config(config).connection();
            let mut input = Input::from(&stream(role, &frames)[..]);
            let (count, peak) = peak_of(|| {
                let mut count = 0;
                while let Some(event) = connection.receive(&mut input) {
                    assert!(matches!(event, Event::Binary(data) if data.len() == limit));
                    count += 1;
                }
                count
            });
            assert_eq!(count, frames.len());
            println!("{count} compressed messages at a limit of {limit}: {peak} bytes at the peak");
            assert!(peak < (limit * 7 / 4) as isize, "{peak} bytes");
        }
    }
}

/// D7: what is kept of many messages that came at once takes memory by their size, not by that of the input.
#[test]
fn kept_messages_take_their_size() {
    let payload = zeros(100, usize::MAX);
    for role in ROLES {
        for delivery in [Delivery::Messages, Delivery::Parts] {
            let mut connection = setup(role).config(Config::new().delivery(delivery)).connection();
            let bytes = stream(role, &vec![compressed(Frame::binary(&payload)); 5000]);
            let mut input = Input::from(&bytes[..]);
            let before = (held(), allocated());
            let mut kept = Vec::with_capacity(5000);
            while let Some(event) = connection.receive(&mut input) {
                match event {
                    Event::Binary(data) | Event::BinaryPart { data, .. } => kept.push(data.into_bytes()),
                    event => panic!("{event:?}"),
                }
            }
            assert!(kept.len() == 5000 && kept.iter().all(|data| data[..] == [0; 100]));
            let (grown, over_time) = (held() - before.0, allocated() - before.1);
            assert!(grown < 2 * MIB && over_time < 4 << 20, "{grown} bytes are held, of {over_time}");
        }
    }
}

/// D4: compressed messages that grow, between uncompressed ones that are kept, do not have the rest of the input copied
/// for each of them.
#[test]
fn growing_messages_leave_the_input_where_it_is() {
    for role in ROLES {
        let mut connection = setup(role).connection();
        let frames = (0..2000).flat_map(|i| {
            let payload = Stream::new().stored(vec![7; 100 + 2 * i], false).message();
            [Frame::binary("kept"), compressed(Frame::binary(payload))]
        });
        let bytes = stream(role, &frames.collect::<Vec<_>>());
        let mut input = Input::from(&bytes[..]);
        let before = allocated();
        let mut kept = Vec::with_capacity(2000);
        while let Some(event) = connection.receive(&mut input) {
            match event {
                Event::Binary(data) if *data == b"kept"[..] => kept.push(data.into_bytes()),
                Event::Binary(_) => {}
                event => panic!("{event:?}"),
            }
        }
        assert_eq!(kept.len(), 2000);
        let over_time = allocated() - before;
        assert!(over_time < 4 * bytes.len() + (1 << 20), "{over_time} bytes for {}", bytes.len());
    }
}

/// D7: a message in the steady state allocates nothing either where the limit is close to what is kept.
#[test]
fn limits_near_what_is_kept_cost_nothing() {
    let payload = zeros(100_000, usize::MAX);
    for limit in [100_000, 128 << 10, (128 << 10) + 1, 150_000] {
        let mut connection = setup(Role::Client).config(Config::new().max_message(limit)).connection();
        let bytes = stream(Role::Client, &[compressed(Frame::binary(&payload))]);
        let mut input = Input::new();
        let mut round = || {
            input.extend_from_slice(&bytes);
            assert!(matches!(connection.receive(&mut input), Some(Event::Binary(data)) if data.len() == 100_000));
        };
        (0..3).for_each(|_| round());
        let before = allocations();
        (0..3).for_each(|_| round());
        assert_eq!(allocations() - before, 0, "at {limit}");
    }
}

/// D2: a claim reserves nothing where a message is compressed either.
#[test]
fn claims_reserve_nothing() {
    for role in ROLES {
        for claim in [1 << 20, 1 << 32, (1 << 62) + 1, (1 << 63) - 1] {
            for delivery in [Delivery::Messages, Delivery::Parts] {
                let config = Config::new().max_frame(u64::MAX).max_message((1 << 63) - 1).delivery(delivery);
                let mut connection = setup(role).config(config).connection();
                let mut input = Input::new();
                let block = Stream::new().stored(vec![1; 60_000], false).bytes();
                let begun = compressed(Frame::binary(&block[..100])).claim(claim).to(role).bytes();
                let (_, peak) = peak_of(|| feed(&mut connection, &mut input, &begun));
                assert!(peak < 128 * KIB, "{peak} bytes for a claim of {claim}");
            }
        }
    }
}

/// A message that never ends holds no more than its limit lets it.
#[test]
fn unfinished_messages_hold_what_has_come_out() {
    for role in ROLES {
        let payload = zeros(500_000, usize::MAX);
        let bytes = stream(role, &[compressed(Frame::binary(&payload)).part()]);
        let mut connection = setup(role).connection();
        let before = held();
        assert_eq!(returned(&mut connection, &bytes).events, 0);
        let kept = held() - before;
        assert!(kept < 2 * 500_000 + 256 * KIB, "{kept} bytes");
    }
}

/// What the documentation of `DeflateConfig` says of memory: nothing before the first message, contexts of a known
/// size, and nothing but a window afterwards.
#[test]
fn contexts_are_made_when_needed() {
    for role in ROLES {
        for takeover in [true, false] {
            let setup = setup(role).takeover(takeover, takeover);
            let before = held();
            let mut connection = setup.connection();
            let mut input = Input::new();
            let fresh = held() - before;
            assert!(fresh <= 1024, "a fresh connection holds {fresh} bytes");

            input.extend_from_slice(&stream(role, &[compressed(Frame::text(HELLO))]));
            drop(connection.receive(&mut input).expect("a message"));
            input.release_memory();
            let inflating = held() - before - fresh;
            assert!(inflating < 100 * KIB, "{inflating} bytes to inflate");
            connection.send_text(&"word ".repeat(100)).unwrap();
            let both = held() - before - fresh;
            assert!(both < 600 * KIB, "{both} bytes for both");

            drain(&mut connection);
            connection.release_memory();
            let rest = held() - before - fresh;
            assert!(rest <= 1024, "{rest} bytes are left");
            // Still in use, and with the window it needs.
            let again = if takeover { &AGAIN[..] } else { &HELLO };
            let seen = feed(&mut connection, &mut input, &stream(role, &[compressed(Frame::text(again))]));
            assert_eq!(seen, [text("Hello")]);
            drop((connection, input));
        }
    }
}

/// What stays for the peer to refer to is a window of the agreed size.
#[test]
fn small_windows_take_little_memory() {
    for role in ROLES {
        for bits in [8, 10, 15] {
            let setup = setup(role).windows(15, bits);
            let mut connection = setup.connection();
            let mut input = Input::new();
            let payload = Stream::new().stored([5; 50_000], false).message();
            let back = Stream::new().fixed(&[far(258, 1 << bits)], false).message();
            let before = held();
            for _ in 0..3 {
                let bytes = stream(role, &[compressed(Frame::binary(&payload))]);
                input.extend_from_slice(&bytes);
                assert!(connection.receive(&mut input).is_some());
                drop(bytes);
                connection.release_memory();
                input.release_memory();
                let kept = held() - before;
                assert!(kept <= (1 << bits) + KIB, "{kept} bytes for a window of {bits} bits");
                let seen = feed(&mut connection, &mut input, &stream(role, &[compressed(Frame::binary(&back))]));
                assert_eq!(seen, [binary([5; 258])]);
            }
        }
    }
}

/// The memory of contexts that are not kept is given back after each message, in both directions and in both modes, but
/// for what the peer may still refer to.
#[test]
fn contexts_are_not_kept() {
    for role in ROLES {
        for takeover in [true, false] {
            let deflate = DeflateConfig::new().keep_contexts(false);
            let setup = setup(role).takeover(true, takeover).deflate(deflate);
            let mut connection = setup.connection();
            let mut input = Input::new();
            let noise = Random(1).bytes(20_000);
            let before = held();
            for _ in 0..5 {
                let payload = Stream::new().stored(&noise, false).message();
                input.extend_from_slice(&stream(role, &[compressed(Frame::binary(&payload))]));
                drop(connection.receive(&mut input).expect("a message"));
                connection.send_binary(&noise).unwrap();
                drop(drain(&mut connection));
                input.release_memory();
                let kept = held() - before;
                // The output.
                let buffers = 2 * noise.len() as isize + 128 * KIB;
                let window = if takeover { 2 * WINDOW as isize } else { 0 };
                assert!(kept < buffers + window, "{kept} bytes are kept");
            }
            connection.release_memory();
            input.release_memory();
            let kept = held() - before;
            let window = if takeover { 40 * KIB } else { KIB };
            assert!(kept <= window, "{kept} bytes are left");
        }
    }
}

/// A busy connection that keeps its contexts allocates nothing for a message, in the steady state.
#[test]
fn messages_in_the_steady_state_allocate_nothing() {
    for role in ROLES {
        for takeover in [true, false] {
            let setup = setup(role).takeover(takeover, takeover);
            let mut connection = setup.connection();
            let mut input = Input::new();
            let message = "word ".repeat(100);
            let payload = Stream::new().fixed(&literals(&message), true).message();
            let wire = stream(role, &[compressed(Frame::text(&payload)), compressed(Frame::binary(&payload))]);
            let mut round = || {
                input.extend_from_slice(&wire);
                while let Some(event) = connection.receive(&mut input) {
                    match event {
                        Event::Text(text) => connection.send_text(&text).unwrap(),
                        Event::Binary(data) => connection.send_binary(&data).unwrap(),
                        event => panic!("{event:?}"),
                    }
                }
                let count = connection.output().remaining();
                connection.output().advance(count);
            };
            (0..50).for_each(|_| round());
            let before = allocations();
            (0..200).for_each(|_| round());
            assert_eq!(allocations() - before, 0, "in 400 messages, takeover {takeover}, {role:?}");
        }
    }
}

#[cfg(feature = "std")]
fn pooled(role: Role, pool: &DeflatePool) -> Setup {
    setup(role).takeover(false, false).deflate(DeflateConfig::new().pool(pool))
}

/// A pool lends contexts to messages and gets them back, and never keeps more than it may.
#[cfg(feature = "std")]
#[test]
fn a_pool_gets_its_contexts_back() {
    for role in ROLES {
        for most in [0, 1, 2] {
            let pool = DeflatePool::new(most);
            let shared = pool.clone();
            assert_eq!(pool.idle_contexts(), 0);
            let mut connections: Vec<_> = (0..4).map(|_| pooled(role, &pool).connection()).collect();
            assert_eq!(pool.idle_contexts(), 0);
            let mut inputs: Vec<_> = (0..4).map(|_| Input::new()).collect();
            for round in 0..3 {
                for (connection, input) in connections.iter_mut().zip(&mut inputs) {
                    let frame = compressed(Frame::text(HELLO));
                    assert_eq!(feed(connection, input, &stream(role, &[frame])), [text("Hello")]);
                    connection.send_text(&"word ".repeat(50)).unwrap();
                    drain(connection);
                }
                assert_eq!(shared.idle_contexts(), 2 * most.min(1), "round {round}, {most} at most");
            }
            // All at once, so that as many are needed as there are connections.
            let (first, second) = HELLO.split_at(3);
            let begin = stream(role, &[compressed(Frame::text(first)).part()]);
            let end = stream(role, &[Frame::continuation(second)]);
            for (connection, input) in connections.iter_mut().zip(&mut inputs) {
                assert_eq!(feed(connection, input, &begin), []);
                connection.send_part("begin", false).unwrap();
            }
            assert_eq!(pool.idle_contexts(), 0);
            for (connection, input) in connections.iter_mut().zip(&mut inputs) {
                assert_eq!(feed(connection, input, &end), [text("Hello")]);
                connection.send_part("end", true).unwrap();
                drain(connection);
            }
            assert_eq!(pool.idle_contexts(), 2 * most);
            drop(connections);
            assert!(pool.idle_contexts() <= 2 * most);
        }
    }
}

/// What becomes of a connection before another takes its contexts.
#[cfg(feature = "std")]
type End<'a> = dyn Fn(&mut Connection, &mut Input) + 'a;

/// What one connection received or sent never shows in another that shares its contexts.
#[cfg(feature = "std")]
#[test]
fn a_pool_shares_no_windows() {
    let secret = "the password is 12345678";
    for role in ROLES {
        for keep in [true, false] {
            for takeover in [true, false] {
                let pool = DeflatePool::new(4);
                let deflate = DeflateConfig::new().pool(&pool).keep_contexts(keep).threshold(0);
                let setup = setup(role).takeover(takeover, takeover).deflate(deflate);
                let spied_on = |end: &End<'_>| {
                    let mut first = setup.connection();
                    let mut input = Input::new();
                    let payload = Stream::new().fixed(&literals(secret), true).message();
                    let seen = feed(&mut first, &mut input, &stream(role, &[compressed(Frame::text(&payload))]));
                    assert_eq!(seen, [text(secret)]);
                    first.send_text(secret).unwrap();
                    end(&mut first, &mut input);
                };
                let ends: [&End<'_>; 5] = [
                    &|_, _| {},
                    &|first, _| first.release_memory(),
                    // A message under way, a fault in the middle of a block, and the limit.
                    &|first, input| {
                        let payload = Stream::new().fixed(&literals(secret), true).message();
                        let part = compressed(Frame::text(&payload[..10])).part();
                        feed(first, input, &stream(role, &[part]));
                        first.send_part(secret, false).unwrap();
                    },
                    &|first, input| {
                        let payload = Stream::new().fixed(&literals(secret), false).raw(0b110, 3).bytes();
                        feed(first, input, &stream(role, &[compressed(Frame::text(&payload))]));
                    },
                    &|first, input| {
                        let payload = Stream::new().fixed(&[&literals(secret)[..], &[far(3, 100)]].concat(), false);
                        feed(first, input, &stream(role, &[compressed(Frame::text(payload.message()))]));
                    },
                ];
                for end in ends {
                    for distance in [1, 5, 8, 24, 30, 100] {
                        spied_on(end);
                        let mut spy = setup.connection();
                        let mut input = Input::new();
                        let reach = Stream::new().fixed(&[far(8, distance)], false).message();
                        let seen = feed(&mut spy, &mut input, &stream(role, &[compressed(Frame::binary(&reach))]));
                        assert_eq!(seen, [failed_for(Violation::CorruptDeflate)], "{distance}");
                    }
                    spied_on(end);
                    let mut next = setup.connection();
                    let mut input = Input::new();
                    let seen = feed(&mut next, &mut input, &stream(role, &[compressed(Frame::text(HELLO))]));
                    assert_eq!(seen, [text("Hello")]);
                    next.send_text(secret).unwrap();
                    let mut reader = Reader::new(&setup);
                    let sent = reader.read_one(&drain(&mut next));
                    assert_eq!((sent.data, sent.largest_distance), (secret.as_bytes().to_vec(), 0));
                }
            }
        }
    }
}

/// Connections with other windows, levels and roles share a pool, and each keeps to what it agreed to.
#[cfg(feature = "std")]
#[test]
fn a_pool_serves_different_connections() {
    for keep in [true, false] {
        let pool = DeflatePool::new(100);
        let mut random = Random(3);
        for round in 0..150 {
            let role = ROLES[random.below(2)];
            let deflate = DeflateConfig::new()
                .pool(&pool)
                .keep_contexts(keep)
                .level(random.below(10) as u8)
                .memory_level(1 + random.below(9) as u8)
                .send_window_bits(8 + random.below(8) as u8);
            let windows = (8 + random.below(8) as u8, 8 + random.below(8) as u8);
            let setup = setup(role)
                .windows(windows.0, windows.1)
                .takeover(random.below(2) == 0, random.below(2) == 0)
                .deflate(deflate);
            let mut connection = setup.connection();
            let mut reader = Reader::new(&setup);
            let mut input = Input::new();
            let noise = random.bytes(300 + 40 * (round % 13));
            for _ in 0..1 + round % 3 {
                connection.send_binary(&noise.repeat(2)).unwrap();
                assert!(reader.read_one(&drain(&mut connection)).data == noise.repeat(2), "round {round}");
                let reach = 1 << windows.1;
                let stored = Stream::new().stored(random.bytes(reach / 2), true).stored(random.bytes(reach / 2), false);
                let payload = stored.fixed(&[far(100, reach), far(258, reach)], true).message();
                let right = inflate_message(&payload, &[]).unwrap().data;
                let seen = feed(&mut connection, &mut input, &stream(role, &[compressed(Frame::binary(&payload))]));
                assert!(seen == [binary(right)], "round {round}: {}", brief(&seen));
            }
        }
        assert!(pool.idle_contexts() <= 200);
    }
}

/// One pool serves many threads at a time.
#[cfg(feature = "std")]
#[test]
fn a_pool_crosses_threads() {
    let pool = DeflatePool::new(3);
    std::thread::scope(|scope| {
        for i in 0..4 {
            let pool = &pool;
            scope.spawn(move || {
                let role = ROLES[i % 2];
                let setup = pooled(role, pool);
                let mut input = Input::new();
                for round in 0..20 {
                    let mut connection = setup.connection();
                    let said = format!("thread {i}, round {round} ").repeat(10);
                    connection.send_text(&said).unwrap();
                    assert_eq!(Reader::new(&setup).read_one(&drain(&mut connection)).data, said.as_bytes());
                    let payload = Stream::new().fixed(&literals(&said), true).message();
                    let seen = feed(&mut connection, &mut input, &stream(role, &[compressed(Frame::text(payload))]));
                    assert_eq!(seen, [text(&said)]);
                }
            });
        }
    });
    assert!(pool.idle_contexts() <= 6);
}

/// CVE-2026-102560: large messages go out whole, and their sizes are right.
#[test]
fn large_messages_go_out() {
    let size = 6 << 20;
    let noise = Random(1).bytes(1 << 20);
    for data in [vec![0; size], noise] {
        let setup = setup(Role::Server).deflate(DeflateConfig::new().level(1));
        let mut connection = setup.connection();
        connection.send_binary(&data).unwrap();
        let output = drain(&mut connection);
        let frames = sent_by(Role::Server, &output);
        assert_eq!((frames.len(), frames[0].rsv), (1, 4));
        let sent = Reader::new(&setup).read_one(&output);
        assert!(sent.data == data);
        connection.send(data.clone()).unwrap();
        assert!(connection.output().remaining() < data.len() + data.len() / 8 + 100);
    }
}

/// D5: a limit on the output holds for what goes out compressed, and a limit without end overflows nowhere.
#[test]
fn outgoing_limits() {
    for role in ROLES {
        for limit in [usize::MAX, usize::MAX - 1, usize::MAX / 8 * 7, isize::MAX as usize] {
            let setup = setup(role).config(Config::new().max_buffered(limit));
            let mut connection = setup.connection();
            connection.send_text(&"word ".repeat(100)).unwrap();
            connection.send_part("word ", false).unwrap();
            connection.send_part("word ".repeat(100), true).unwrap();
            let sent = Reader::new(&setup).read(&drain(&mut connection));
            assert_eq!(sent.len(), 2);
        }
        for limit in 0..150 {
            let setup = setup(role).takeover(false, false).config(Config::new().max_buffered(limit));
            let mut connection = setup.deflate(DeflateConfig::new().threshold(0)).connection();
            for length in [0, 1, 20, 64, 100, 140] {
                let _ = connection.send_binary(&Random(length as u64).bytes(length));
                assert!(connection.output().remaining() <= limit);
                let _ = connection.send_part(Random(length as u64).bytes(length), true);
                assert!(connection.output().remaining() <= limit);
                drain(&mut connection);
            }
        }
    }
}

/// CVE-2026-29035, D9: bytes of any kind, in any frames, at any point of a session: no panic, and the same in every
/// cut.
#[test]
fn any_bytes_at_all() {
    let mut random = Random(11);
    for round in 0..400 {
        let role = ROLES[round % 2];
        let delivery = if round % 4 < 2 { Delivery::Messages } else { Delivery::Parts };
        let setup = setup(role)
            .takeover(true, round % 3 == 0)
            .windows(15, 8 + (round % 8) as u8)
            .config(Config::new().max_message(10_000).delivery(delivery));
        let mut frames = Vec::new();
        for _ in 0..1 + random.below(4) {
            let mut payload = match random.below(3) {
                0 => {
                    let length = random.below(40);
                    random.bytes(length)
                }
                1 => HELLO.to_vec(),
                _ => random_stream(&mut random, &[], 256, 3, 50).0.message(),
            };
            if random.below(2) == 0 && !payload.is_empty() {
                let at = random.below(payload.len());
                payload[at] ^= 1 << random.below(8);
            }
            let frame = Frame::new([TEXT, BINARY][random.below(2)], &payload).rsv([0, 4, 4, 4, 4][random.below(5)]);
            let at = random.below(payload.len() + 1);
            frames.extend(if random.below(2) == 0 { vec![frame] } else { cut_at(&frame, &[at]) });
        }
        let bytes = stream(role, &frames);
        setup.cuts(&bytes, &[Cut::Whole, Cut::EveryByte, Cut::Random(round as u64), Cut::Random(2)]);
    }
}
