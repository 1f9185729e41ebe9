//! Sending: what goes out for each message, in what state it may, how much may wait, and how the output is written in
//! pieces.

use crate::common::frames::*;
use crate::common::outgoing::Outgoing;
use ws_proto::bytes::{Buf, Bytes, BytesMut};
use ws_proto::{CloseCode, Config, Connection, Input, Message, Role, SendErrorKind, Utf8Bytes};

/// The lengths at which a header grows and at which a payload stands alone, and their neighbours.
const LENGTHS: [usize; 14] = [0, 1, 7, 125, 126, 127, 4081, 4095, 4096, 4097, 65535, 65536, 65537, 200_000];

fn letters(length: usize) -> String {
    (0..length).map(|i| char::from(b'a' + (i % 26) as u8)).collect()
}

/// 6455-6.1-1, 6455-6.1-4, 6455-6.1-6, 6455-6.1-7, 6455-5.2-2, 6455-5.2-10, 6455-5.3-5: each way to send a message
/// makes one frame of the right type, with FIN, without reserved bits, in the shortest form.
#[test]
fn a_message_is_one_frame() {
    for role in ROLES {
        for length in LENGTHS {
            let (text, data) = (letters(length), Random(length as u64).bytes(length));
            let mut connection = connection(role, &Config::new());
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
            let frames = sent_by(role, &drain(&mut connection));
            let right = [&vec![Frame::text(&text); 4][..], &vec![Frame::binary(&data); 6]].concat();
            assert!(frames == right, "{length} bytes from a {role:?}");
        }
    }
}

/// 6455-5.3-1, 6455-5.2-10: short messages of every length, behind as much as changes where they are written.
#[test]
fn every_short_length() {
    for role in ROLES {
        for ahead in [0, 1, 40, 100, 1000] {
            for length in 0..=130 {
                let (text, data) = (letters(length), Random(length as u64).bytes(length));
                let mut connection = connection(role, &Config::new());
                connection.send_binary(&data[..length.min(ahead)]).unwrap();
                connection.send_text(&letters(ahead)).unwrap();
                connection.send_text(&text).unwrap();
                connection.send_binary(&data).unwrap();
                let right = [&data[..length.min(ahead)], letters(ahead).as_bytes(), text.as_bytes(), &data[..]]
                    .map(<[u8]>::to_vec);
                let frames = sent_by(role, &drain(&mut connection));
                let payloads: Vec<_> = frames.into_iter().map(|frame| frame.payload).collect();
                assert!(payloads == right, "{length} bytes behind {ahead} from a {role:?}");
            }
        }
    }
}

/// 6455-6.1-5, 6455-6.1-6, 6455-6.1-7, 6455-5.4-2, 6455-5.4-9: a message in parts: its type first, then continuations,
/// FIN on the last.
#[test]
fn parts_are_fragments() {
    for role in ROLES {
        for length in LENGTHS {
            let data = Random(1).bytes(length);
            let mut connection = connection(role, &Config::new());
            connection.send_part("", false).unwrap();
            connection.send_part("é", false).unwrap();
            connection.send_part("", true).unwrap();
            connection.send_part(data.clone(), false).unwrap();
            connection.send_part(data.clone(), true).unwrap();
            connection.send_part(data.clone(), true).unwrap();
            connection.send_part("next", true).unwrap();
            let frames = [
                Frame::text("").part(),
                Frame::continuation("é").part(),
                Frame::continuation(""),
                Frame::binary(&data).part(),
                Frame::continuation(&data),
                Frame::binary(&data),
                Frame::text("next"),
            ];
            assert!(sent_by(role, &drain(&mut connection)) == frames, "{length}");
        }
    }
}

/// 6455-5.4-7, 6455-5.4-15: while a message goes out in parts no other begins, and its type stays; what was refused
/// comes back and leaves no trace.
#[test]
fn parts_are_not_interleaved() {
    for role in ROLES {
        let mut connection = connection(role, &Config::new());
        connection.send_part("one", false).unwrap();
        assert_eq!(connection.send_text("x").unwrap_err().kind(), SendErrorKind::Unfinished);
        assert_eq!(connection.send_binary(b"x").unwrap_err().kind(), SendErrorKind::Unfinished);
        let error = connection.send("given").unwrap_err();
        assert_eq!((error.kind(), error.into_message()), (SendErrorKind::Unfinished, Some("given".into())));
        for fin in [false, true] {
            let error = connection.send_part(vec![1, 2], fin).unwrap_err();
            assert_eq!((error.kind(), error.into_message()), (SendErrorKind::KindChanged, Some(vec![1, 2].into())));
        }
        connection.send_part("two", true).unwrap();
        connection.send_part(vec![1], false).unwrap();
        assert_eq!(connection.send_part("x", true).unwrap_err().kind(), SendErrorKind::KindChanged);
        connection.send_part(vec![2], true).unwrap();
        connection.send_text("free again").unwrap();
        let frames = [
            Frame::text("one").part(),
            Frame::continuation("two"),
            Frame::binary([1]).part(),
            Frame::continuation([2]),
            Frame::text("free again"),
        ];
        assert_eq!(sent_by(role, &drain(&mut connection)), frames);
    }
}

/// 6455-5.4-6, 6455-6.1-1, 6455-5.5.2-3: all data go out in the order in which they were sent, the small and the large, and
/// so do the Pings: ahead of the data of which nothing is written.
#[test]
fn the_order_is_kept() {
    for (role, writes) in [(ROLES[0], false), (ROLES[0], true), (ROLES[1], false), (ROLES[1], true)] {
        let mut connection = connection(role, &Config::new());
        let mut random = Random(2);
        let mut right = Outgoing::of(role);
        let mut written = Vec::new();
        for i in 0..300_u32 {
            if writes && random.below(2) == 0 {
                let count = random.below(9000).min(connection.output().remaining());
                written.extend(connection.output().copy_to_bytes(count));
                right.write(count);
            }
            let length = [0, 3, 130, 4096, 5000, 9000][random.below(6)];
            let data = [&i.to_be_bytes()[..], &vec![i as u8; length]].concat();
            match random.below(4) {
                0 => connection.send_binary(&data).unwrap(),
                1 => connection.send(data.clone()).unwrap(),
                2 => connection.send(Bytes::from(data.clone())).unwrap(),
                _ => {
                    connection.ping(&data[..4]).unwrap();
                    right.send(Frame::ping(&data[..4]));
                    continue;
                }
            }
            right.send(Frame::binary(&data));
        }
        written.extend(drain(&mut connection));
        assert!(sent_by(role, &written) == right.frames());
        let pings = right.frames().iter().take_while(|frame| frame.opcode == PING).count();
        assert_eq!(pings > 50, !writes, "{pings} Pings go first");
    }
}

/// Where the Ping of a server that is [`waiting`] ends: behind the six bytes that are left of the first message.
#[cfg(feature = "std")]
const CONTROL_ENDS: usize = 6 + 3;

/// A connection in whose output frames of many kinds wait, copied ones and ones that stand alone. A byte of the first is
/// written, so that the Ping goes behind it.
fn waiting(role: Role) -> Connection {
    let mut connection = connection(role, &Config::new());
    connection.send_text("first").unwrap();
    connection.output().advance(1);
    connection.ping(b"p").unwrap();
    connection.send(vec![1; 4100]).unwrap();
    connection.send(vec![2; 4200]).unwrap();
    connection.send_part("part", false).unwrap();
    connection.send_part("", true).unwrap();
    connection.send(Bytes::from_static(&[3; 4300])).unwrap();
    connection.close(CloseCode::NORMAL).unwrap();
    connection
}

/// 6455-6.1-1: a partial write of any length leaves exactly the rest.
#[test]
fn a_partial_write_leaves_the_rest() {
    for role in ROLES {
        let whole = drain(&mut waiting(role));
        for at in 0..=whole.len() {
            let mut connection = waiting(role);
            assert_eq!(connection.output().remaining(), whole.len());
            connection.output().advance(at);
            assert_eq!(connection.output().remaining(), whole.len() - at);
            assert_eq!(connection.interest().write, at < whole.len());
            assert!(drain(&mut connection) == whole[at..], "after {at} bytes");
        }
    }
}

/// 6455-6.1-1: the output is the same in writes of any size, and with sends between them.
#[test]
fn small_writes_add_up() {
    for role in ROLES {
        for size in [1, 2, 3, 7, 100, 4095, 4096, 5000] {
            let whole = drain(&mut waiting(role));
            let mut connection = waiting(role);
            let mut written = Vec::new();
            while connection.interest().write {
                let output = connection.output();
                let count = size.min(output.chunk().len());
                written.extend_from_slice(&output.chunk()[..count]);
                output.advance(count);
            }
            assert!(written == whole, "in writes of {size}");
        }
        for seed in 0..20 {
            let mut random = Random(seed);
            let mut connection = connection(role, &Config::new());
            let (mut written, mut right) = (Vec::new(), Vec::new());
            for i in 0..200_usize {
                let data = vec![i as u8; [5, 200, 4096, 6000][random.below(4)]];
                connection.send(data.clone()).unwrap();
                right.push(Frame::binary(data));
                let count = random.below(8000).min(connection.output().remaining());
                written.extend(connection.output().copy_to_bytes(count));
            }
            written.extend(drain(&mut connection));
            assert!(sent_by(role, &written) == right, "seed {seed}");
        }
    }
}

/// 6455-6.1-1: the chunks of a vectored write are the output, however many there is room for, also after a partial one.
#[cfg(feature = "std")]
#[test]
fn chunks_are_the_output() {
    use std::io::IoSlice;
    for role in ROLES {
        let whole = drain(&mut waiting(role));
        for room in [0, 1, 2, 3, 5, 64] {
            for at in (0..whole.len()).step_by(41) {
                let mut connection = waiting(role);
                let output = connection.output();
                output.advance(at);
                let mut slices = vec![IoSlice::new(&[]); room];
                let count = output.chunks_vectored(&mut slices);
                assert!(count <= room);
                let chunks = slices[..count].iter().map(|slice| &slice[..]).collect::<Vec<_>>().concat();
                assert!(whole[at..].starts_with(&chunks), "after {at} bytes");
                assert!(slices[..count].iter().all(|slice| !slice.is_empty()));
                if room > 0 {
                    assert!(chunks.starts_with(output.chunk()), "after {at} bytes");
                }
                // What is behind control frames is shown when they have gone, and a client's large payload ends what can be
                // shown, until it is masked.
                if room == 64 && role == Role::Server && at >= CONTROL_ENDS {
                    assert_eq!(chunks.len(), whole.len() - at, "there was room for all");
                }
                assert_eq!(chunks.is_empty(), room == 0 || at == whole.len(), "after {at} bytes");
            }
        }
    }
}

/// 6455-6.1-1: vectored writes add up to the output, whatever each of them takes.
#[cfg(feature = "std")]
#[test]
fn vectored_writes_add_up() {
    use std::io::IoSlice;
    for role in ROLES {
        for most in [1, 1000, 70_000, usize::MAX] {
            let mut connection = connection(role, &Config::new());
            let payloads =
                [5, 4096, 65_535, 65_536, 65_537, 0, 200_000, 4096, 20].map(|size| Random(size).bytes(size as usize));
            for payload in &payloads {
                connection.send(payload.clone()).unwrap();
            }
            let mut written = Vec::new();
            while connection.interest().write {
                let output = connection.output();
                let mut slices = [IoSlice::new(&[]); 8];
                let count = output.chunks_vectored(&mut slices);
                let shown = slices[..count].iter().map(|slice| &slice[..]).collect::<Vec<_>>().concat();
                let taken = shown.len().min(most);
                written.extend_from_slice(&shown[..taken]);
                output.advance(taken);
            }
            assert!(sent_by(role, &written) == payloads.map(Frame::binary), "{role:?}, at most {most} a write");
        }
    }
}

/// A server's large payload that was given away goes out by reference, in a chunk of its own.
#[test]
fn large_payloads_are_not_copied() {
    for length in [4096, 100_000] {
        let payload = Bytes::from(vec![9; length]);
        let mut server = connection(Role::Server, &Config::new());
        server.send(payload.clone()).unwrap();
        let output = server.output();
        let header = output.chunk().len();
        assert!(header <= 10);
        output.advance(header);
        assert_eq!((output.chunk().as_ptr(), output.chunk().len()), (payload.as_ptr(), length));
    }
}

/// 6455-10.3-2, 6455-5.3-5: what is masked is this connection's own: neither other holders of the memory see the mask,
/// nor do they reach what waits to go out.
#[test]
fn masking_leaves_shared_memory_alone() {
    for length in [10, 4096, 100_000] {
        let shared = Bytes::from(vec![6; length]);
        let mut client = connection(Role::Client, &Config::new());
        client.send(shared.clone()).unwrap();
        client.send(shared.slice(1..)).unwrap();
        client.send_part(shared.clone(), true).unwrap();
        assert!(shared == vec![6; length]);
        let frames = [&shared[..], &shared[1..], &shared].map(Frame::binary);
        assert!(sent_by(Role::Client, &drain(&mut client)) == frames);
        assert!(shared == vec![6; length]);
    }
}

/// 6455-10.3-2, 6455-10.3-3: a frame that is partly written stays as it was when its source changes; what is sent then
/// goes into a new frame with a new key.
#[test]
fn a_frame_on_its_way_does_not_change() {
    for length in [100, 4096, 70_000] {
        let mut source = vec![1; length];
        let mut client = connection(Role::Client, &Config::new());
        client.send_binary(&source).unwrap();
        let mut written = client.output().copy_to_bytes(length / 2).to_vec();
        source.fill(2);
        client.send_binary(&source).unwrap();
        written.extend(client.output().copy_to_bytes(length / 3));
        client.send_binary(&source).unwrap();
        written.extend(drain(&mut client));
        let frames = read_frames(&written);
        let payloads: Vec<_> = frames.iter().map(|frame| frame.payload.clone()).collect();
        assert!(payloads == [vec![1; length], vec![2; length], vec![2; length]]);
        assert!(frames[0].key != frames[1].key && frames[1].key != frames[2].key && frames[0].key != frames[2].key);
    }
}

/// What does not fit into the output comes back and leaves no trace, and fits when the output has been written.
#[test]
fn what_does_not_fit_comes_back() {
    for role in ROLES {
        for length in [0, 50, 125, 126, 4096, 70_000] {
            let limit = 3 * length + 50;
            let mut connection = connection(role, &Config::new().max_buffered(limit));
            let data = Random(9).bytes(length);
            let mut right = Vec::new();
            let error = loop {
                match connection.send(data.clone()) {
                    Ok(()) => right.push(Frame::binary(&data)),
                    Err(error) => break error,
                }
            };
            assert_eq!((error.kind(), error.into_message()), (SendErrorKind::Full, Some(data.clone().into())));
            assert_eq!(connection.send_binary(&data).unwrap_err().kind(), SendErrorKind::Full);
            let text = letters(length);
            assert_eq!(connection.send_text(&text).unwrap_err().kind(), SendErrorKind::Full);
            let error = connection.send_part(text.clone(), false).unwrap_err();
            assert_eq!((error.kind(), error.into_message()), (SendErrorKind::Full, Some(text.into())));
            let output = drain(&mut connection);
            assert!(output.len() <= limit, "{} bytes waited, {limit} may", output.len());
            assert!(sent_by(role, &output) == right);
            // The part that was refused has begun no message.
            connection.send_binary(&data).unwrap();
            assert!(sent_by(role, &drain(&mut connection)) == [Frame::binary(&data)]);
        }
    }
}

/// A send is refused when the output would hold more than `max_buffered` bytes, and not before.
#[test]
fn max_buffered_is_exact() {
    for role in ROLES {
        for length in [0, 50, 125, 126, 4096, 70_000] {
            let data = vec![4; length];
            let key = (role == Role::Client).then_some([0; 4]);
            let size = Frame { key, ..Frame::binary(&data) }.bytes().len();
            for (limit, fits) in [(2 * size - 1, false), (2 * size, true)] {
                let mut connection = connection(role, &Config::new().max_buffered(limit));
                let sent = [connection.send(data.clone()), connection.send_binary(&data)].map(|sent| sent.is_ok());
                assert_eq!(sent, [size <= limit, fits], "two frames of {size} bytes, of {limit} that may wait");
            }
        }
    }
}

/// A full output: Pings of the application are refused, and what the protocol has to send has its place. Reading goes on: two
/// peers that both waited for the other to read would wait for ever.
#[test]
fn a_full_output_has_room_for_what_is_due() {
    for role in ROLES {
        let mut connection = connection(role, &Config::new().max_buffered(1000));
        assert!(connection.interest().read);
        while connection.send_binary(&[0; 60]).is_ok() {}
        while connection.send_binary(&[]).is_ok() {}
        assert!(connection.output().remaining() <= 1000);
        assert!(connection.interest().read && connection.interest().write);
        assert_eq!(connection.ping(b"").unwrap_err().kind(), SendErrorKind::Full);
        feed(&mut connection, &mut Input::new(), &stream(role, &[Frame::ping([1; 125])]));
        connection.close(CloseCode::NORMAL).unwrap();
        let frames = sent_by(role, &drain(&mut connection));
        let [pong, data @ .., close] = &frames[..] else { panic!("{frames:?}") };
        assert_eq!([pong, close], [&Frame::pong([1; 125]), &Frame::close(1000, "")]);
        assert!(data.iter().all(|frame| frame.opcode == BINARY) && data.len() > 10);
        assert!(connection.interest().read);
    }
    for (frame, due) in [
        (Frame::close(1001, ""), Frame::close(1001, "")),
        (Frame::continuation(""), close_for(&ws_proto::Violation::NothingToContinue)),
    ] {
        let mut server = connection(Role::Server, &Config::new().max_buffered(100));
        server.send_binary(&[0; 80]).unwrap();
        feed(&mut server, &mut Input::new(), &frame.to(Role::Server).bytes());
        assert_eq!(sent_by(Role::Server, &drain(&mut server)), [Frame::binary([0; 80]), due]);
    }
}

/// Giving memory back loses nothing: neither what waits nor what is sent next.
#[test]
fn releasing_memory_loses_nothing() {
    for role in ROLES {
        let whole = drain(&mut waiting(role));
        let mut connection = waiting(role);
        connection.release_memory();
        connection.output().advance(20);
        connection.release_memory();
        assert!(drain(&mut connection) == whole[20..]);

        let mut connection = crate::common::frames::connection(role, &Config::new());
        for i in 0..5 {
            connection.send(vec![i; 5000]).unwrap();
            connection.send_text("small").unwrap();
            let frames = [Frame::binary([i; 5000]), Frame::text("small")];
            assert!(sent_by(role, &drain(&mut connection)) == frames);
            connection.release_memory();
            assert_eq!(connection.output().remaining(), 0);
        }
    }
}

/// Advancing past the end is refused, as `Buf` has it.
#[test]
#[should_panic]
fn more_than_waits_cannot_be_written() {
    let mut server = connection(Role::Server, &Config::new());
    server.send_text("x").unwrap();
    server.output().advance(4);
}

/// 6455-5.7-1: the frames of RFC 6455 §5.7 that a server sends go out byte for byte.
#[test]
fn a_server_sends_the_examples() {
    let sent = |send: &dyn Fn(&mut Connection)| {
        let mut server = connection(Role::Server, &Config::new());
        send(&mut server);
        drain(&mut server)
    };
    let hello = [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
    assert_eq!(sent(&|server| server.send_text("Hello").unwrap()), hello);
    let fragments = sent(&|server| {
        server.send_part("Hel", false).unwrap();
        server.send_part("lo", true).unwrap();
    });
    assert_eq!(fragments, [0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f]);
    assert_eq!(sent(&|server| server.ping(b"Hello").unwrap()), [0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
    let medium = sent(&|server| server.send_binary(&[5; 256]).unwrap());
    assert_eq!(medium, [&[0x82, 0x7e, 0x01, 0x00][..], &[5; 256]].concat());
    let large = sent(&|server| server.send(vec![5; 65536]).unwrap());
    assert!(large == [&[0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0][..], &[5; 65536]].concat());
}
