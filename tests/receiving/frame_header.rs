//! The frame header: its three length forms, its reserved values, the direction of the mask, and how early each fault
//! shows.

use crate::common::frames::*;
use ws_proto::frame::{FrameHeader, MaskingKey};
use ws_proto::{Config, Input, Opcode, Role, Violation};

const OPCODES: [(u8, Opcode); 6] = [
    (0x0, Opcode::Continuation),
    (0x1, Opcode::Text),
    (0x2, Opcode::Binary),
    (0x8, Opcode::Close),
    (0x9, Opcode::Ping),
    (0xA, Opcode::Pong),
];

/// The lengths at which the form changes, and their neighbours.
const LENGTHS: [usize; 10] = [0, 1, 124, 125, 126, 127, 128, 65535, 65536, 65537];

/// 6455-5.2-7, 6455-5.2-9, 6455-5.2-6, 6455-6.2-1: each length form is read, with and without a masking key.
#[test]
fn reads_the_three_length_forms() {
    for role in ROLES {
        for length in LENGTHS {
            let payload = Random(length as u64).bytes(length);
            let bytes = Frame::binary(&payload).to(role).bytes();
            for cut in [Cut::Whole, Cut::EveryByte, Cut::Random(3), Cut::Random(9)] {
                let run = run(role, &Config::new(), &bytes, cut, false, false);
                assert_eq!(run.seen, [binary(&payload)], "{length} bytes to a {role:?}, {cut:?}");
            }
        }
    }
}

/// 6455-5.2-11: the length counts neither the header nor the key, so the next frame begins right after the payload.
#[test]
fn the_next_frame_begins_after_the_payload() {
    for role in ROLES {
        for length in [0, 1, 3, 4, 5, 125, 126, 300] {
            let frames = [Frame::binary(vec![9; length]), Frame::text("next"), Frame::pong("")];
            let run = every_cut(role, &Config::new(), &stream(role, &frames));
            assert_eq!(run.seen, [binary(vec![9; length]), text("next"), Seen::Pong(vec![])]);
        }
    }
}

/// 6455-5.2-1, 6455-5.4-1: one frame with FIN and an opcode other than 0 is a message.
#[test]
fn one_frame_can_be_a_message() {
    for role in ROLES {
        let run = every_cut(role, &Config::new(), &stream(role, &[Frame::text("whole"), Frame::binary([0, 255])]));
        assert_eq!(run.seen, [text("whole"), binary([0, 255])]);
        assert_eq!(run.output, []);
    }
}

/// 6455-5.2-7, 6455-5.2-9, 6455-5.2-10: a header is written with its length in the shortest form, in network byte
/// order.
#[test]
fn encodes_the_shortest_length() {
    let lengths = LENGTHS.map(|length| length as u64).into_iter();
    for length in lengths.chain([0x1234, 0x0102_0304, u64::from(u32::MAX) + 1, 0x0102_0304_0506_0708, (1 << 63) - 1]) {
        for key in [None, Some([1, 2, 3, 4])] {
            let frame = Frame { key, ..Frame::binary("").part().rsv(5).claim(length) };
            let header = FrameHeader {
                fin: false,
                rsv: 5,
                opcode: Opcode::Binary,
                masking_key: key.map(MaskingKey::new),
                payload_length: length,
            };
            let bytes = frame.header();
            assert_eq!(header.encode().as_ref(), bytes);
            assert_eq!(FrameHeader::parse(&bytes), Ok(Some((header, bytes.len()))));
            for end in 0..bytes.len() {
                assert_eq!(FrameHeader::parse(&bytes[..end]), Ok(None), "{end} bytes of {bytes:02x?}");
            }
        }
    }
    assert_eq!(FrameHeader::MAX_SIZE, 14);
}

/// 6455-5.2-1, 6455-5.2-5, 6455-5.2-6, 6455-5.2-7, 6455-5.2-8, 6455-5.2-10, 6455-5.5-1, 6455-5.5-2: every value of the
/// first two bytes, before lengths of all kinds, is read or refused as the RFC has it.
#[test]
fn parses_every_first_two_bytes() {
    let tails: [[u8; 12]; 7] = [
        [0; 12],
        [0xff; 12],
        [0, 125, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4],
        [0, 126, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4],
        [0, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 2, 3, 4],
        [0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4],
        [0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0],
    ];
    // Which side reads, what went before, and what a Close says is none of a header's business.
    let of_the_connection = [
        Violation::ReservedBit,
        Violation::NotMasked,
        Violation::Masked,
        Violation::NothingToContinue,
        Violation::MessageInterrupted,
        Violation::CloseBodyTooShort,
    ];
    for first in 0..=255 {
        for second in 0..=255 {
            for tail in tails {
                let bytes = [&[first, second], &tail[..]].concat();
                let (frame, size) = whole_header(&bytes).unwrap();
                let role = if frame.key.is_some() { Role::Server } else { Role::Client };
                let clean = [&[first & 0x8f, second], &tail[..]].concat();
                let mut wrong = wrong_with_header(role, Limits::NONE, &clean, None);
                if wrong == [Violation::NothingToContinue] {
                    // A continuation hides faults of the length that come after it.
                    wrong = wrong_with_header(role, Limits::NONE, &[&[0x82, second], &tail[..]].concat(), None);
                }
                wrong.retain(|violation| !of_the_connection.contains(violation));
                match FrameHeader::parse(&bytes) {
                    Ok(Some((header, header_size))) => {
                        assert_eq!(wrong, [], "{bytes:02x?}");
                        assert_eq!(header_size, size, "{bytes:02x?}");
                        assert_eq!(
                            (header.fin, header.rsv, header.opcode.bits()),
                            (frame.fin, frame.rsv, frame.opcode)
                        );
                        assert_eq!(Some(header.payload_length), frame.claim, "{bytes:02x?}");
                        assert_eq!(header.masking_key.map(MaskingKey::to_bytes), frame.key, "{bytes:02x?}");
                    }
                    Ok(None) => panic!("{bytes:02x?} is a whole header"),
                    Err(violation) => assert!(wrong.contains(&violation), "{violation:?} for {bytes:02x?}: {wrong:?}"),
                }
            }
        }
    }
}

/// 6455-5.2-10: a length in more bytes than it needs fails the connection; the first that needs them does not.
#[test]
fn lengths_are_minimal() {
    let padded = [(Form::Bits16, 0), (Form::Bits16, 1), (Form::Bits16, 125), (Form::Bits64, 0), (Form::Bits64, 125)];
    for role in ROLES {
        for (form, length) in padded.into_iter().chain([(Form::Bits64, 126), (Form::Bits64, 65535)]) {
            let frame = Frame::binary(vec![0; length]).form(form).to(role);
            let violation = Violation::LengthNotMinimal(length as u64);
            assert_eq!(FrameHeader::parse(&frame.header()), Err(violation.clone()));
            assert_fails(role, &Config::new(), &frame.header(), &[], violation);
        }
        for (form, length) in [(Form::Literal, 125), (Form::Bits16, 126), (Form::Bits16, 65535), (Form::Bits64, 65536)]
        {
            let frame = Frame::binary(vec![0; length]).form(form).to(role);
            let run = run(role, &Config::new(), &frame.bytes(), Cut::Whole, false, false);
            assert_eq!(run.seen, [binary(vec![0; length])]);
        }
    }
}

/// 6455-5.2-8: a 64-bit length with its top bit set fails the connection, also where no limit is set.
#[test]
fn the_top_bit_of_a_length_is_zero() {
    for role in ROLES {
        for length in [1 << 63, (1 << 63) + 5, 0xffff_ffff_0000_0000, u64::MAX] {
            for config in [Config::new(), Limits::NONE.config()] {
                let header = Frame::binary("").claim(length).to(role).header();
                assert_fails(role, &config, &header, &[], Violation::LengthTopBit(length));
            }
        }
        let header = Frame::binary("").claim((1 << 63) - 1).to(role).header();
        assert_eq!(every_cut(role, &Limits::NONE.config(), &header).seen, [], "2^63-1 is a length");
    }
}

/// 6455-5.2-3: each reserved bit, on every kind of frame, fails the connection.
#[test]
fn reserved_bits_fail() {
    for role in ROLES {
        for rsv in 1..8 {
            for (opcode, _) in OPCODES.into_iter().filter(|(opcode, _)| *opcode != CONTINUATION) {
                let frame = Frame::new(opcode, "").rsv(rsv).to(role);
                assert_fails(role, &Config::new(), &frame.bytes(), &[], Violation::ReservedBit);
            }
            let frames = [Frame::text("a").part(), Frame::continuation("b").rsv(rsv)];
            assert_fails(role, &Config::new(), &stream(role, &frames), &[], Violation::ReservedBit);
        }
    }
}

/// 6455-5.2-4, 6455-5.2-5: the opcodes 3 to 7 and B to F fail the connection, final or not.
#[test]
fn reserved_opcodes_fail() {
    for bits in 0..=255 {
        let known = OPCODES.iter().find(|(opcode, _)| *opcode == bits).map(|(_, opcode)| *opcode);
        assert_eq!(Opcode::from_bits(bits), known, "{bits:#x}");
        assert_eq!(known.is_some_and(Opcode::is_control), known.is_some() && bits >= 8);
    }
    for role in ROLES {
        for opcode in [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF] {
            let before = [Frame::text("before")];
            let frame = Frame::new(opcode, "x");
            let bytes = [stream(role, &before), frame.to(role).bytes()].concat();
            assert_fails(role, &Config::new(), &bytes, &[text("before")], Violation::ReservedOpcode(opcode));
        }
        for opcode in 3..8 {
            let bytes = Frame::new(opcode, "x").part().to(role).bytes();
            assert_fails(role, &Config::new(), &bytes, &[], Violation::ReservedOpcode(opcode));
        }
    }
}

/// 6455-5.1-3, 6455-5.1-4: a server fails any unmasked frame with 1002.
#[test]
fn a_server_refuses_unmasked_frames() {
    for (opcode, _) in OPCODES.into_iter().filter(|(opcode, _)| *opcode != CONTINUATION) {
        for payload in ["", "\u{3}\u{e8}"] {
            let bytes = Frame::new(opcode, payload).bytes();
            assert_fails(Role::Server, &Config::new(), &bytes, &[], Violation::NotMasked);
        }
    }
    let first = Frame::text("a").part().to(Role::Server).bytes();
    let bytes = [first, Frame::continuation("b").bytes()].concat();
    assert_fails(Role::Server, &Config::new(), &bytes, &[], Violation::NotMasked);
    assert_eq!(Violation::NotMasked.close_code().get(), 1002);
}

/// 6455-5.1-6, 6455-5.1-7: a client fails any masked frame with 1002, whatever the key.
#[test]
fn a_client_refuses_masked_frames() {
    for (opcode, _) in OPCODES.into_iter().filter(|(opcode, _)| *opcode != CONTINUATION) {
        for key in [[0; 4], [1, 2, 3, 4]] {
            let bytes = Frame::new(opcode, "").masked(key).bytes();
            assert_fails(Role::Client, &Config::new(), &bytes, &[], Violation::Masked);
        }
    }
    let bytes = [Frame::text("a").part().bytes(), Frame::continuation("b").masked([9; 4]).bytes()].concat();
    assert_fails(Role::Client, &Config::new(), &bytes, &[], Violation::Masked);
    assert_eq!(Violation::Masked.close_code().get(), 1002);
}

/// 6455-6.2-1, 6455-5.2-7: no proper prefix of a frame is an event, and the rest completes it.
#[test]
fn every_prefix_waits() {
    for role in ROLES {
        let payload = |length| Random(1).bytes(length);
        let frames = [
            (Frame::binary(""), binary("")),
            (Frame::binary(payload(5)), binary(payload(5))),
            (Frame::text("näh"), text("näh")),
            (Frame::binary(payload(126)), binary(payload(126))),
            (Frame::ping(payload(125)), Seen::Ping(payload(125))),
            (Frame::pong("p"), Seen::Pong(b"p".to_vec())),
            (Frame::close(1000, "bye"), agreed((Some(1000), "".into()), (Some(1000), "bye".into()))),
        ];
        for (frame, event) in frames {
            let bytes = frame.to(role).bytes();
            for end in 0..bytes.len() {
                let mut connection = connection(role, &Config::new());
                let mut input = Input::new();
                assert_eq!(feed(&mut connection, &mut input, &bytes[..end]), [], "{end} bytes of {bytes:02x?}");
                assert_eq!(drain(&mut connection), [], "{end} bytes of {bytes:02x?}");
                let seen = feed(&mut connection, &mut input, &bytes[end..]);
                assert_eq!(seen, std::slice::from_ref(&event), "cut at {end}");
                assert!(input.is_empty());
            }
        }
        let long = Frame::binary(payload(65536)).to(role).bytes();
        for end in 0..20 {
            let run = run(role, &Config::new(), &long, Cut::At(end), false, false);
            assert_eq!(run.seen, [binary(payload(65536))]);
        }
    }
}

/// 6455-5.2-3, 6455-5.2-4, 6455-5.5-1, 6455-5.5-2, 6455-5.2-8, 6455-5.2-10, 6455-10.7-1: nothing is said before the
/// byte that shows a fault, and the fault is returned no later than with the second byte, or with the last of the length.
#[test]
fn faults_show_at_once() {
    // The fault, the byte that shows it, and the byte by which it has to be returned.
    let faults = [
        (Frame::text("a").rsv(2), Violation::ReservedBit, 1, 2),
        (Frame::new(0xB, "a"), Violation::ReservedOpcode(0xB), 1, 2),
        (Frame::ping("").part(), Violation::FragmentedControl, 1, 2),
        (Frame::continuation("a"), Violation::NothingToContinue, 1, 2),
        (Frame::ping([0; 126]), Violation::ControlTooLong, 2, 2),
        (Frame::pong([0; 65536]), Violation::ControlTooLong, 2, 2),
        (Frame::text("a").form(Form::Bits16), Violation::LengthNotMinimal(1), 3, 4),
        (Frame::text("a").form(Form::Bits64), Violation::LengthNotMinimal(1), 8, 10),
        (Frame::text("a").claim(1 << 63), Violation::LengthTopBit(1 << 63), 3, 10),
        (Frame::text("a").claim((64 << 20) + 1), Violation::MessageTooBig((64 << 20) + 1), 7, 10),
        (Frame::new(CLOSE, [3]), Violation::CloseBodyTooShort, 2, 2),
    ];
    for role in ROLES {
        let other = if role == Role::Server { Role::Client } else { Role::Server };
        let direction = if role == Role::Server { Violation::NotMasked } else { Violation::Masked };
        let faults =
            faults.iter().map(|(frame, violation, from, to)| (frame.clone().to(role), violation.clone(), *from, *to));
        for (frame, violation, from, to) in faults.chain([(Frame::text("a").to(other), direction, 2, 2)]) {
            let mut connection = connection(role, &Config::new());
            let mut input = Input::new();
            let returned =
                frame.bytes().iter().position(|byte| match &feed(&mut connection, &mut input, &[*byte])[..] {
                    [] => false,
                    [event] => {
                        assert_eq!(*event, failed(violation.clone()));
                        true
                    }
                    events => panic!("{events:?}"),
                });
            let returned = returned.map(|index| index + 1).unwrap_or_else(|| panic!("{violation:?} is never returned"));
            assert!(
                (from..=to).contains(&returned),
                "{violation:?} is returned with byte {returned}, not {from} to {to}"
            );
        }
    }
}

/// 6455-5.7-1: the example frames of RFC 6455 §5.7, read as the RFC explains them.
#[test]
fn reads_the_examples() {
    let medium = [&[0x82, 0x7e, 0x01, 0x00][..], &[7; 256]].concat();
    let large = [&[0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0][..], &[7; 65536]].concat();
    let hello = b"Hello".to_vec();
    let examples: [(Role, &[u8], Seen); 7] = [
        (Role::Client, &[0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f], text("Hello")),
        (Role::Server, &[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58], text("Hello")),
        (Role::Client, &[0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f], text("Hello")),
        (Role::Client, &[0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f], Seen::Ping(hello.clone())),
        (Role::Server, &[0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58], Seen::Pong(hello)),
        (Role::Client, &medium, binary([7; 256])),
        (Role::Client, &large, binary(vec![7; 65536])),
    ];
    for (role, bytes, event) in examples {
        for cut in [Cut::Whole, Cut::EveryByte, Cut::Random(2), Cut::Random(8)] {
            let run = run(role, &Config::new(), bytes, cut, false, false);
            assert!(run.seen == std::slice::from_ref(&event), "{cut:?} of {:02x?}", &bytes[..7]);
        }
    }
}
