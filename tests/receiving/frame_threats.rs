//! Replays of frames that broke other implementations: what crashed, hung, filled the memory or passed unseen there
//! ends here as the RFC wants it.

use crate::common::allocator::held;
use crate::common::frames::*;
use ws_proto::bytes::{Buf, Bytes};
use ws_proto::frame::FrameHeader;
use ws_proto::{Config, Connection, Event, Input, Role, Violation};

/// CVE-2020-13935, CVE-2026-1528, CVE-2026-69210, CVE-2021-26423: a 64-bit length with all bits set, or negative when
/// taken as signed, ends the connection at once; nothing loops and nothing that follows is read.
#[test]
fn all_bits_of_a_length() {
    for role in ROLES {
        for length in [u64::MAX, u64::MAX - 13, 1 << 63, (1 << 63) + 126, 0x8000_0000_0000_0001] {
            let begun = Frame::text("a").part();
            for (before, opcode) in [(&[][..], TEXT), (&[], BINARY), (&[begun], CONTINUATION)] {
                let wrong = Frame::new(opcode, "").claim(length).to(role).header();
                let bytes = [stream(role, before), wrong, vec![0; 200]].concat();
                assert_fails(role, &Config::new(), &bytes, &[], Violation::LengthTopBit(length));
            }
            for opcode in [CLOSE, PING, PONG] {
                let wrong = Frame::new(opcode, "").claim(length).to(role).header();
                assert_fails(role, &Config::new(), &wrong, &[], Violation::ControlTooLong);
            }
        }
    }
}

/// CVE-2020-27813, CVE-2026-27889, CVE-2017-2921, CVE-2017-2922: lengths near 2^63, which overflow a count of what
/// remains, are refused by the limit, or wait for their bytes when there is none; they are never taken for complete.
#[test]
fn lengths_near_the_top() {
    for role in ROLES {
        for length in [(1 << 63) - 1, (1 << 63) - 14, (1 << 62) + 3, (1 << 32) + 5, 1 << 32] {
            let header = Frame::binary("").claim(length).to(role).header();
            let bytes = [&header[..], &[0; 100]].concat();
            assert_fails(role, &Config::new(), &bytes, &[], Violation::MessageTooBig(length));
            assert_fails(role, &Config::new().max_frame(1 << 20), &bytes, &[], Violation::FrameTooBig(length));
            let begun = stream(role, &[Frame::binary([1; 20]).part()]);
            let header = Frame::continuation("").claim(length).to(role).header();
            let bytes = [&begun[..], &header].concat();
            assert_fails(role, &Config::new(), &bytes, &[], Violation::MessageTooBig(20 + length));
            let waiting = [begun, header, vec![0; 100]].concat();
            assert_eq!(every_cut(role, &Limits::NONE.config(), &waiting).seen, []);
        }
    }
}

/// CVE-2026-0716, CVE-2026-15711: an oversized control frame is a fault, not a size; 200 bytes of Pong do not pass.
#[test]
fn oversized_control_frames() {
    for role in ROLES {
        for opcode in [CLOSE, PING, PONG] {
            for claim in [126, 200, 65535, 65536, 1 << 30, (1 << 63) - 1] {
                let frame = Frame::new(opcode, "").claim(claim).to(role);
                assert_fails(role, &Limits::NONE.config(), &frame.header(), &[], Violation::ControlTooLong);
            }
        }
    }
}

/// CVE-2014-0193, CVE-2026-63495: endless continuations below the limit of a frame run into that of the message.
#[test]
fn endless_continuations() {
    for role in ROLES {
        let config = Config::new().max_frame(1000).max_message(10_000);
        let mut connection = connection(role, &config);
        let mut input = Input::new();
        let mut frames = 0;
        let end = loop {
            let opcode = if frames == 0 { TEXT } else { CONTINUATION };
            let seen = feed(&mut connection, &mut input, &stream(role, &[Frame::new(opcode, [b'x'; 1000]).part()]));
            if !seen.is_empty() {
                break seen;
            }
            frames += 1;
            assert_eq!(input.len(), 1000 * frames);
        };
        assert_eq!((frames, end), (10, vec![failed(Violation::MessageTooBig(11_000))]));
        assert!(input.is_empty());
    }
}

/// CVE-2026-48779, CVE-2026-62389, CVE-2026-12151, CVE-2026-65623: fragments of one byte and of none cost neither
/// memory each nor a second look at what came before.
#[test]
fn tiny_fragments() {
    for role in ROLES {
        let mut connection = connection(role, &Config::new());
        let mut input = Input::new();
        feed(&mut connection, &mut input, &stream(role, &[Frame::binary("").part()]));
        let piece = stream(role, &vec![Frame::continuation("x").part(); 1000]);
        let empty = stream(role, &vec![Frame::continuation("").part(); 1000]);
        let before = held();
        for round in 1..=100 {
            assert_eq!(feed(&mut connection, &mut input, &piece), []);
            assert_eq!(feed(&mut connection, &mut input, &empty), []);
            assert_eq!(input.len(), round * 1000, "only what the message is made of");
        }
        let (most, memory) = (4 * 100_000 + piece.len() + empty.len(), held() - before);
        assert!(memory <= most as isize, "{memory} bytes are held for a message of 100,000");
        let end = feed(&mut connection, &mut input, &stream(role, &[Frame::continuation("")]));
        assert!(end == [binary(vec![b'x'; 100_000])]);
    }
}

/// CVE-2026-11586, CVE-2026-109932, CVE-2020-35896: 200,000 Pings and a peer that reads nothing leave a few KiB in the
/// output.
#[test]
fn a_flood_of_pings() {
    for role in ROLES {
        let mut connection = connection(role, &Config::new());
        let mut input = Input::new();
        for round in 0..200_u32 {
            let pings: Vec<_> = (0..1000).map(|i| Frame::ping((round * 1000 + i).to_be_bytes())).collect();
            input.extend_from_slice(&stream(role, &pings));
            let mut count = 0;
            while let Some(event) = connection.receive(&mut input) {
                assert!(matches!(event, Event::Ping(_)));
                count += 1;
            }
            assert_eq!(count, 1000);
            assert!(connection.output().remaining() <= 8192);
        }
        let pongs = sent_by(role, &drain(&mut connection));
        assert_eq!(pongs.last(), Some(&Frame::pong(199_999_u32.to_be_bytes())));
    }
}

/// CVE-2021-3690, coder/websocket 7c87cb5: Pongs that nobody asked for, and the same one twice, do nothing.
#[test]
fn unasked_pongs() {
    for role in ROLES {
        let mut connection = connection(role, &Config::new());
        let mut input = Input::new();
        connection.ping(b"once").unwrap();
        drain(&mut connection);
        let before = held();
        for _ in 0..1000 {
            let seen = feed(&mut connection, &mut input, &stream(role, &[Frame::pong("once")]));
            assert_eq!(seen, [Seen::Pong(b"once".to_vec())]);
        }
        assert!(input.is_empty() && held() - before < 4096);
        assert_eq!(connection.output().remaining(), 0);
    }
}

/// CVE-2025-5399: Pings that come while a message is written in small pieces neither stop it nor get into it.
#[test]
fn pings_while_sending() {
    for role in ROLES {
        let mut connection = connection(role, &Config::new());
        let mut input = Input::new();
        let payload = Random(6).bytes(20_000);
        connection.send(payload.clone()).unwrap();
        let mut output = Vec::new();
        while connection.interest().write && output.len() < 25_000 {
            if output.len() < 20_000 {
                feed(&mut connection, &mut input, &stream(role, &[Frame::ping((output.len() as u32).to_be_bytes())]));
            }
            let count = 100.min(connection.output().remaining());
            output.extend(connection.output().copy_to_bytes(count));
        }
        assert!(!connection.interest().write, "the output does not end");
        let (pongs, data): (Vec<_>, Vec<_>) =
            sent_by(role, &output).into_iter().partition(|frame| frame.opcode == PONG);
        assert!(data == [Frame::binary(&payload)]);
        assert_eq!(pongs.last(), Some(&Frame::pong(19_900_u32.to_be_bytes())));
    }
}

/// CVE-2016-10518, CVE-2026-45736: after large payloads have been through the buffers, Pongs and Close frames hold
/// their own bytes and no others.
#[test]
fn no_old_memory_goes_out() {
    for role in ROLES {
        let mut connection = connection(role, &Config::new());
        let mut input = Input::new();
        connection.send_binary(&[0xaa; 4000]).unwrap();
        drain(&mut connection);
        feed(
            &mut connection,
            &mut input,
            &stream(role, &[Frame::binary([0xbb; 4000]), Frame::ping("abc"), Frame::ping("")]),
        );
        connection.pong(b"").unwrap();
        connection.ping(b"z").unwrap();
        let frames = sent_by(role, &drain(&mut connection));
        let known = [Frame::pong("abc"), Frame::pong(""), Frame::ping("z")];
        assert!(frames.iter().all(|frame| known.contains(frame)), "{frames:?}");
        feed(&mut connection, &mut input, &stream(role, &[Frame::close(1000, "reason that is not repeated")]));
        assert_eq!(sent_by(role, &drain(&mut connection)), [Frame::close(1000, "")]);
    }
}

/// CVE-2026-85024: after a limit has failed the connection, malformed bytes that follow change nothing.
#[test]
fn faults_after_a_fault() {
    for role in ROLES {
        let config = Config::new().max_message(4);
        let first = Frame::text("12345").to(role).bytes();
        for after in [&[0xff; 50][..], &[0; 50], &[0x88, 0x7f, 0xff], &Frame::close(1000, "").to(role).bytes()] {
            let mut connection = connection(role, &config);
            let mut input = Input::new();
            assert_eq!(feed(&mut connection, &mut input, &first), [failed(Violation::MessageTooBig(5))]);
            for byte in after {
                assert_eq!(feed(&mut connection, &mut input, &[*byte]), []);
            }
            connection.receive_eof();
            assert_eq!(take_events(&mut connection, &mut input), []);
            assert_eq!(sent_by(role, &drain(&mut connection)), [close_for(&Violation::MessageTooBig(5))]);
        }
    }
}

/// RFC 6455 §10.3, CVE-2025-10148: a text chosen so that it would be a request on the wire never stands there, and
/// looks different each time.
#[test]
fn talking_to_yourself() {
    let request = b"GET /script.js HTTP/1.1\r\nHost: victim.example\r\n\r\n";
    let mut client = connection(Role::Client, &Config::new());
    let mut seen = std::collections::HashSet::new();
    for i in 0..200 {
        match i % 3 {
            0 => client.send_binary(request).unwrap(),
            1 => client.send(request).unwrap(),
            _ => client.send(request.repeat(100)).unwrap(),
        }
        let wire = drain(&mut client);
        assert!(!wire.windows(8).any(|window| request.windows(8).any(|part| part == window)));
        assert!(seen.insert(wire[wire.len() - request.len()..].to_vec()), "the same bytes twice");
    }
}

/// erlang_ws 0.2.0, gorilla: C2 41, a compressed text nobody agreed on, and RSV1 on control and continuation frames.
#[test]
fn compression_that_was_not_negotiated() {
    assert_fails(Role::Client, &Config::new(), &[0xc2, 0x41], &[], Violation::ReservedBit);
    assert_fails(Role::Server, &Config::new(), &[0xc2, 0xc1], &[], Violation::ReservedBit);
    for role in ROLES {
        let compressed_hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        let frames = [Frame::text(compressed_hello).rsv(4)];
        assert_fails(role, &Config::new(), &stream(role, &frames), &[], Violation::ReservedBit);
        for wrong in [Frame::ping("p").rsv(4), Frame::continuation("x").rsv(4)] {
            let frames = [Frame::text("a").part(), wrong];
            assert_fails(role, &Config::new(), &stream(role, &frames), &[], Violation::ReservedBit);
        }
    }
}

/// Rust crates: a 14-byte header that claims 256 MiB, 900 MiB or 2^63 bytes reserves nothing, refused or not.
#[test]
fn claims_of_a_header() {
    for claim in [256 << 20, 900 << 20, 1 << 63] {
        for config in [Config::new(), Limits::NONE.config()] {
            let mut server = connection(Role::Server, &config);
            let mut input = Input::new();
            let header = Frame::binary("").claim(claim).to(Role::Server).header();
            assert_eq!(header.len(), 14);
            let before = held();
            drop(feed(&mut server, &mut input, &header));
            drop(feed(&mut server, &mut input, &[0; 10]));
            let memory = held() - before;
            assert!(memory <= 1024, "{memory} bytes");
        }
    }
}

/// Rust crates: text without FIN twice in a row, and a last fragment that ends in E2 82.
#[test]
fn broken_messages_do_not_pass() {
    for role in ROLES {
        let twice = [Frame::text("first").part(), Frame::text("second").part(), Frame::continuation("")];
        assert_fails(role, &Config::new(), &stream(role, &twice), &[], Violation::MessageInterrupted);
        let broken = [Frame::text("x").part(), Frame::continuation(b"\xe2\x82")];
        assert_fails(role, &Config::new(), &stream(role, &broken), &[], Violation::TextNotUtf8);
    }
}

/// Rust crates: three bytes of a payload of 257, then the other 254.
#[test]
fn a_payload_in_two_pieces() {
    for role in ROLES {
        let payload = Random(3).bytes(257);
        let frame = Frame::binary(&payload).to(role);
        let (first, second) = (frame.header().len() + 3, frame.bytes());
        let mut connection = connection(role, &Config::new());
        let mut input = Input::new();
        assert_eq!(feed(&mut connection, &mut input, &second[..first]), []);
        assert_eq!(feed(&mut connection, &mut input, &second[first..]), [binary(&payload)]);
    }
}

/// Rust crates: what a server echoes or forwards after unmasking carries no mask bit.
#[test]
fn an_echo_is_not_masked() {
    let payloads = [Random(1).bytes(5), Random(2).bytes(300), Random(3).bytes(70_000)];
    let mut server = Connection::server(&Config::new());
    for payload in &payloads {
        let mut input = Input::from(&Frame::binary(payload).masked([1, 2, 3, 4]).bytes()[..]);
        while let Some(event) = server.receive(&mut input) {
            let Event::Binary(data) = event else { panic!("{event:?}") };
            server.send(data).unwrap();
        }
    }
    assert!(sent_by(Role::Server, &drain(&mut server)) == payloads.map(Frame::binary));

    let masked = Frame::text("Hello").masked([1, 2, 3, 4]).header();
    let (header, _) = FrameHeader::parse(&masked).unwrap().unwrap();
    let forwarded = FrameHeader { masking_key: None, ..header };
    assert_eq!(forwarded.encode().as_ref(), [0x81, 0x05]);
}

/// Rust crates: a valid frame after a fault, and data after a Close, are not returned.
#[test]
fn nothing_is_returned_after_the_end() {
    for role in ROLES {
        let frames = [Frame::new(0xB, ""), Frame::text("valid")];
        assert_fails(role, &Config::new(), &stream(role, &frames), &[], Violation::ReservedOpcode(0xB));
        let frames = [Frame::close(1000, ""), Frame::text("valid"), Frame::close(1001, "")];
        let run = every_cut(role, &Config::new(), &stream(role, &frames));
        assert_eq!(run.seen, [agreed((Some(1000), String::new()), (Some(1000), String::new()))]);
        assert_eq!(sent_by(role, &run.output), [Frame::close(1000, "")]);
    }
}

/// wsproto, gobwas, wslay, uWebSockets, mint, Netty, Beast: 1012 to 1014 and 3000 to 4999 are codes; 1004 to 1006,
/// 1015, 1017 and 5000 are none; a Close of one byte is not an empty one.
#[test]
fn close_codes_others_get_wrong() {
    for role in ROLES {
        for code in [1012, 1013, 1014, 3000, 3999, 4000, 4999] {
            let run = every_cut(role, &Config::new(), &stream(role, &[Frame::close(code, "")]));
            assert_eq!(run.seen, [agreed((Some(code), String::new()), (Some(code), String::new()))]);
            assert_eq!(sent_by(role, &run.output), [Frame::close(code, "")], "{code} is not rewritten");
        }
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1017, 2999, 5000, 65535] {
            let bytes = stream(role, &[Frame::close(code, "")]);
            let violation = Violation::InvalidCloseCode { code, reason: Bytes::new() };
            assert_fails(role, &Config::new(), &bytes, &[], violation);
        }
        let bytes = stream(role, &[Frame::new(CLOSE, [3])]);
        assert_fails(role, &Config::new(), &bytes, &[], Violation::CloseBodyTooShort);
    }
}

/// websockets, ws, uWebSockets, gobwas, gorilla, coder, mint: lengths that are not minimal are refused.
#[test]
fn lengths_others_let_pass() {
    for role in ROLES {
        for (form, length) in [(Form::Bits16, 5), (Form::Bits16, 125), (Form::Bits64, 5), (Form::Bits64, 65535)] {
            let bytes = Frame::text("x".repeat(length)).form(form).to(role).bytes();
            let violation = Violation::LengthNotMinimal(length as u64);
            assert_fails(role, &Config::new(), &bytes[..bytes.len().min(20)], &[], violation);
        }
    }
}

/// uWebSockets, coder, mint: the mask is looked at: a server takes no unmasked frame, a client no masked one.
#[test]
fn masks_others_do_not_look_at() {
    for payload in ["", "Hello"] {
        assert_fails(Role::Server, &Config::new(), &Frame::text(payload).bytes(), &[], Violation::NotMasked);
        let masked = Frame::text(payload).masked([0; 4]).bytes();
        assert_fails(Role::Client, &Config::new(), &masked, &[], Violation::Masked);
    }
}

/// gorilla, coder, websockets: text and close reasons are checked.
#[test]
fn text_others_do_not_check() {
    for role in ROLES {
        let bytes = stream(role, &[Frame::text(b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited")]);
        assert_fails(role, &Config::new(), &bytes, &[], Violation::TextNotUtf8);
        let bytes = stream(role, &[Frame::close(1000, b"\xed\xa0\x80")]);
        let refused = Violation::ReasonNotUtf8 { code: 1000, reason: Bytes::from_static(b"\xed\xa0\x80") };
        assert_fails(role, &Config::new(), &bytes, &[], refused);
    }
}

/// Rust crates: 262,144 small frames in one buffer are returned one after the other, from a buffer that is never moved.
#[test]
fn many_frames_in_one_buffer() {
    for role in ROLES {
        let frame = Frame::binary("data").to(role).bytes();
        let mut connection = connection(role, &Config::new());
        let mut input = Input::from(&frame.repeat(262_144)[..]);
        let mut count = 0;
        let mut next = None;
        while let Some(event) = connection.receive(&mut input) {
            let Event::Binary(data) = event else { panic!("{event:?}") };
            assert_eq!(*data, *b"data");
            let place = data.as_ptr();
            assert!(next.is_none_or(|next| next == place), "the rest was moved before frame {count}");
            next = Some(place.wrapping_add(frame.len()));
            count += 1;
        }
        assert_eq!(count, 262_144);
        assert!(input.is_empty());
    }
}

/// Rust crates: after a partial write what is left stays where it is.
#[test]
fn partial_writes_move_nothing() {
    for role in ROLES {
        let mut connection = connection(role, &Config::new());
        for _ in 0..1000 {
            connection.send_binary(&[8; 50]).unwrap();
        }
        let output = connection.output();
        while output.remaining() > 1 {
            let (before, length) = (output.chunk().as_ptr(), output.chunk().len());
            output.advance(1);
            if length > 1 {
                assert_eq!(output.chunk().as_ptr(), before.wrapping_add(1));
            }
        }
    }
}
