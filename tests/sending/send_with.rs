//! `send_with`: a message that is written straight into the output is the frame that `send` would make, and one that fails,
//! panics, is too long or is no text leaves nothing behind.

use crate::common::frames::*;
use std::fmt::Write as _;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use ws_proto::bytes::{Buf, BufMut};
use ws_proto::{CloseCode, Config, Connection, MessageKind, MessageWriter, Role, SendErrorKind, WriteError};

/// The lengths at which a header grows, at which a payload would stand alone, and their neighbours.
fn lengths() -> Vec<usize> {
    let edges = [0_usize, 125, 126, 4096, 65_535, 65_536, 100_000];
    edges.iter().flat_map(|edge| edge.saturating_sub(3)..edge + 4).collect()
}

/// ASCII, so that it is text, too.
fn data(length: usize) -> Vec<u8> {
    b"abcdefghijklm nopqrstuvwxyz".iter().copied().cycle().take(length).collect()
}

/// The ways to write to a message.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Io,
    IoInSteps,
    Fmt,
    Room,
    RoomInSteps,
    Slice,
    Mixed,
}

impl Way {
    const ALL: [Self; 7] =
        [Self::Io, Self::IoInSteps, Self::Fmt, Self::Room, Self::RoomInSteps, Self::Slice, Self::Mixed];

    fn write(self, message: &mut MessageWriter<'_>, data: &[u8]) {
        let text = || std::str::from_utf8(data).unwrap();
        match self {
            Self::Io => message.write_all(data).unwrap(),
            Self::IoInSteps => data.chunks(777).for_each(|piece| message.write_all(piece).unwrap()),
            Self::Fmt => write!(message as &mut dyn std::fmt::Write, "{}", text()).unwrap(),
            Self::Room => message.room().put_slice(data),
            Self::RoomInSteps => {
                for piece in data.chunks(1000) {
                    let mut room = message.room();
                    assert!(room.remaining_mut() >= piece.len());
                    piece[..1].iter().for_each(|byte| room.put_u8(*byte));
                    room.put(&piece[1..]);
                }
            }
            Self::Slice => assert!(message.extend_from_slice(data)),
            Self::Mixed => {
                let (first, rest) = data.split_at(data.len() / 3);
                let (second, third) = rest.split_at(rest.len() / 2);
                message.write_str(std::str::from_utf8(first).unwrap()).unwrap();
                assert_eq!(message.write(second).unwrap(), second.len());
                message.flush().unwrap();
                message.room().put_slice(third);
            }
        }
    }
}

const NEVER: fn(&mut MessageWriter<'_>) -> Result<(), ()> = |_| panic!("it must not be asked to write");

/// 6455-6.1-1, 6455-6.1-4, 6455-5.2-10, 6455-5.3-5: whatever it is written with, a message of any length is one frame with its
/// header in the shortest form, behind what waits already, byte for byte the one that a copied message makes.
#[test]
fn every_length_in_every_way() {
    for role in ROLES {
        for length in lengths() {
            let data = data(length);
            for way in Way::ALL {
                let kind = if length % 2 == 0 { MessageKind::Text } else { MessageKind::Binary };
                let mut right = connection(role, &Config::new());
                let mut written = connection(role, &Config::new());
                for ws in [&mut right, &mut written] {
                    ws.send_text("before").unwrap();
                    ws.output().advance(3);
                }
                match kind {
                    MessageKind::Text => right.send_text(std::str::from_utf8(&data).unwrap()).unwrap(),
                    _ => right.send_binary(&data).unwrap(),
                }
                written
                    .send_with(kind, |message| {
                        assert!(message.is_empty());
                        way.write(message, &data);
                        assert_eq!((message.len(), message.is_empty()), (length, length == 0));
                        Ok::<_, ()>(())
                    })
                    .unwrap();
                right.send_binary(b"after").unwrap();
                written.send_binary(b"after").unwrap();
                assert_eq!(written.buffered(), right.buffered());
                assert!(drain(&mut written) == drain(&mut right), "{role:?}, {way:?}, {length}");
            }
        }
    }
}

/// A value is formatted, and serialized, straight into the message.
#[test]
fn values_are_formatted() {
    for role in ROLES {
        let mut ws = connection(role, &Config::new());
        ws.send_with(MessageKind::Text, |message| write!(message as &mut dyn std::fmt::Write, "{:?}", [1, 2])).unwrap();
        ws.send_with(MessageKind::Text, |message| write!(message as &mut dyn std::io::Write, "é-{}", 3)).unwrap();
        let (_, mut sender) = ws.into_halves();
        sender.send_with(MessageKind::Binary, |message| message.write_all(&[0xff; 3])).unwrap();
        let count = sender.output().remaining();
        let wire = sender.output().copy_to_bytes(count);
        let right = [Frame::text("[1, 2]"), Frame::text("é-3"), Frame::binary([0xff; 3])];
        assert_eq!(sent_by(role, &wire), right);
    }
}

/// What may wait in the output, with a partly written frame, a large one and a Ping among it.
fn fill(ws: &mut Connection) {
    ws.send_text("before").unwrap();
    ws.send(data(5000)).unwrap();
    ws.output().advance(3);
    ws.ping(b"mine").unwrap();
    ws.send_text("last").unwrap();
}

/// Panics unless `fail` leaves a connection as one on which nothing was tried, with an output that is empty, and with one that
/// is not.
fn leaves_nothing(config: &Config, fail: impl Fn(&mut Connection)) {
    for role in ROLES {
        for filled in [false, true] {
            let (mut tried, mut untried) = (connection(role, config), connection(role, config));
            if filled {
                fill(&mut tried);
                fill(&mut untried);
            }
            for _ in 0..3 {
                fail(&mut tried);
                assert_eq!(tried.buffered(), untried.buffered(), "{role:?}, {filled}");
                assert_eq!(tried.interest(), untried.interest(), "{role:?}, {filled}");
            }
            let mut wires = [Vec::new(), Vec::new()];
            for (ws, wire) in [&mut tried, &mut untried].into_iter().zip(&mut wires) {
                ws.send_binary(b"between").unwrap();
                ws.send_with(MessageKind::Text, |message| message.write_all(b"written")).unwrap();
                *wire = drain(ws);
            }
            // A client may have drawn a key for what it did not send.
            let frames = wires.map(|wire| {
                let whole = if filled { [&[0; 3][..], &wire].concat() } else { wire };
                match (filled, role) {
                    (false, _) => {
                        sent_by(role, &whole).into_iter().map(|frame| (frame.opcode, frame.payload)).collect()
                    }
                    (true, _) => sent_behind_the_first(role, &whole),
                }
            });
            assert_eq!(frames[0], frames[1], "{role:?}, {filled}");
            fail(&mut tried);
            assert_eq!(drain(&mut tried), [], "{role:?}, {filled}");
            tried.close(CloseCode::NORMAL).unwrap();
            assert_eq!(sent_by(role, &drain(&mut tried)), [Frame::close(1000, "")]);
        }
    }
}

/// The frames behind the first, of which three bytes are missing.
fn sent_behind_the_first(role: Role, wire: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let first = if role == Role::Client { 6 + 6 } else { 2 + 6 };
    sent_by(role, &wire[first..]).into_iter().map(|frame| (frame.opcode, frame.payload)).collect()
}

/// A closure that fails has sent nothing, however much it had written; its error comes back.
#[test]
fn a_failure_leaves_nothing() {
    for length in [0, 1, 125, 126, 4096, 70_000] {
        let data = data(length);
        for kind in [MessageKind::Text, MessageKind::Binary] {
            leaves_nothing(&Config::new(), |ws| {
                let error = ws
                    .send_with(kind, |message| {
                        assert!(message.extend_from_slice(&data));
                        Err("no luck")
                    })
                    .unwrap_err();
                assert!(matches!(error, WriteError::Failed("no luck")), "{error:?}");
            });
        }
    }
}

/// A closure that panics has sent nothing, and the connection goes on.
#[test]
fn a_panic_leaves_nothing() {
    for length in [0, 1, 125, 126, 4096, 70_000] {
        let data = data(length);
        leaves_nothing(&Config::new(), |ws| {
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                ws.send_with(MessageKind::Binary, |message| -> Result<(), ()> {
                    assert!(message.extend_from_slice(&data));
                    panic!("in the middle")
                })
            }));
            assert!(outcome.is_err());
        });
    }
}

/// 6455-8.1-1, 6455-5.6-1: what is no text is not sent as text, wherever it is wrong, and also if it breaks off; as binary data
/// it is.
#[test]
fn what_is_no_text_is_not_sent() {
    let long = [&data(5000)[..], b"\xff", &data(5000)].concat();
    let wrong: [&[u8]; 6] = [b"\xff", b"abc\xed\xa0\x80", b"\xc0\xaf", b"text\xe2\x82", &long, b"\xf4\x90\x80\x80"];
    for wrong in wrong {
        leaves_nothing(&Config::new(), |ws| {
            let error = ws.send_with(MessageKind::Text, |message| message.write_all(wrong)).unwrap_err();
            assert!(matches!(error, WriteError::NotUtf8), "{error:?}");
        });
        let mut ws = connection(Role::Server, &Config::new());
        ws.send_with(MessageKind::Binary, |message| message.write_all(wrong)).unwrap();
        assert_eq!(sent_by(Role::Server, &drain(&mut ws)), [Frame::binary(wrong)]);
    }
    // Characters may come in pieces.
    let mut ws = connection(Role::Server, &Config::new());
    ws.send_with(MessageKind::Text, |message| {
        "é€🦀".bytes().for_each(|byte| assert!(message.extend_from_slice(&[byte])));
        Ok::<_, ()>(())
    })
    .unwrap();
    assert_eq!(sent_by(Role::Server, &drain(&mut ws)), [Frame::text("é€🦀")]);
}

/// A message is refused when the output would hold more than `max_buffered` bytes, and not before: as one that would fit
/// later, or as one that never does.
#[test]
fn max_buffered_is_exact() {
    for role in ROLES {
        for length in lengths() {
            let data = data(length);
            let size = frame_size(role, length);
            let send = |ws: &mut Connection, way: Way| {
                let kind = |error| match error {
                    WriteError::Refused(error) => error.kind(),
                    error => panic!("{error:?}"),
                };
                ws.send_with(MessageKind::Binary, |message| {
                    match way {
                        Way::Io => drop(message.write_all(&data)),
                        Way::Fmt => drop(message.write_str(std::str::from_utf8(&data).unwrap())),
                        _ => drop(message.extend_from_slice(&data)),
                    }
                    Ok::<_, ()>(())
                })
                .map_err(kind)
            };
            for way in [Way::Io, Way::Fmt, Way::Slice] {
                let case = format!("{role:?}, {way:?}, {length}");
                let mut ws = connection(role, &Config::new().max_buffered(size));
                assert_eq!(send(&mut ws, way), Ok(()), "{case}");
                assert_eq!(ws.buffered(), size);
                assert_eq!(send(&mut ws, way), Err(SendErrorKind::Full), "{case}");
                assert_eq!(ws.buffered(), size);
                ws.output().advance(1);
                assert_eq!(send(&mut ws, way), Err(SendErrorKind::Full), "{case}");
                assert_eq!(drain(&mut ws).len(), size - 1);
                assert_eq!(send(&mut ws, way), Ok(()), "{case}");

                let mut ws = connection(role, &Config::new().max_buffered(size - 1));
                assert_eq!(send(&mut ws, way), Err(SendErrorKind::TooLarge), "{case}");
                assert_eq!(drain(&mut ws), []);

                let more = frame_size(role, 3);
                for (room, right) in [(0, Ok(())), (1, Err(SendErrorKind::Full))] {
                    let mut ws = connection(role, &Config::new().max_buffered(size + more - room));
                    ws.send_binary(&[1, 2, 3]).unwrap();
                    // Of a short message and a long one, the long one is too large by itself when there is room for neither.
                    let right = if size > size + more - room { Err(SendErrorKind::TooLarge) } else { right };
                    assert_eq!(send(&mut ws, way), right, "{case}, {room}");
                }
            }
        }
    }
}

/// The room says how much there is: a message that fills it fits, exactly.
#[test]
fn the_room_is_what_fits() {
    for role in ROLES {
        for length in [0, 1, 100, 125, 126, 127, 5000, 65_535, 65_536, 70_000] {
            let mut ws = connection(role, &Config::new().max_buffered(frame_size(role, length)));
            let mut most = 0;
            let outcome = ws.send_with(MessageKind::Binary, |message| {
                let mut room = message.room();
                most = room.remaining_mut();
                room.put_bytes(7, most);
                Ok::<_, ()>(())
            });
            assert!(outcome.is_ok(), "{role:?}, {length}: {outcome:?}, although there was room for {most}");
            assert_eq!(most, length, "{role:?}");
            assert_eq!(sent_by(role, &drain(&mut ws)), [Frame::binary(vec![7; length])]);
        }
    }
}

/// A message that is one byte too long is refused, whatever it is written with and whether or not the closure cares, and leaves
/// nothing.
#[test]
fn a_message_that_is_too_long_leaves_nothing() {
    for role in ROLES {
        for length in [0, 1, 100, 125, 126, 127, 5000, 65_535, 65_536, 70_000] {
            for more in [1, 20, 100_000] {
                too_long(role, length, more);
            }
        }
    }
}

fn too_long(role: Role, length: usize, more: usize) {
    let mut ws = connection(role, &Config::new().max_buffered(frame_size(role, length)));
    let refused = |outcome: Result<(), WriteError<()>>| match outcome {
        Err(WriteError::Refused(error)) => assert_eq!(error.kind(), SendErrorKind::TooLarge, "{role:?}, {length}"),
        outcome => panic!("{role:?}, {length}: {outcome:?}"),
    };
    let data = vec![b'x'; length + more];
    refused(ws.send_with(MessageKind::Binary, |message| {
        assert!(!message.extend_from_slice(&data), "the room is exact");
        Ok(())
    }));
    refused(ws.send_with(MessageKind::Binary, |message| {
        assert!(message.extend_from_slice(&data[..length]));
        assert!(!message.extend_from_slice(&data[length..]));
        // There may be room for this, but then the message is lost already.
        assert!(!message.extend_from_slice(b"x"));
        Ok(())
    }));
    refused(ws.send_with(MessageKind::Text, |message| {
        assert!(message.write_all(&data).is_err());
        Ok(())
    }));
    refused(ws.send_with(MessageKind::Text, |message| {
        assert!(message.write_str(std::str::from_utf8(&data).unwrap()).is_err());
        Ok(())
    }));
    // Most closures pass the error of the writer on.
    let outcome = ws.send_with(MessageKind::Text, |message| message.write_all(&data));
    assert!(outcome.is_err());
    // `BufMut` panics, as is documented there.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        ws.send_with(MessageKind::Binary, |message| {
            message.room().put_slice(&data);
            Ok::<_, ()>(())
        })
    }));
    assert!(!matches!(outcome, Ok(Ok(()))), "{role:?}, {length}");
    assert_eq!(drain(&mut ws), [], "{role:?}, {length}");
    ws.send_with(MessageKind::Binary, |message| message.write_all(&data[..length])).unwrap();
    assert_eq!(sent_by(role, &drain(&mut ws)), [Frame::binary(&data[..length])]);
}

/// 6455-5.4-7, 6455-5.5.1-6: within a message that is sent in parts and after this side's Close it is refused, and the closure
/// is not asked.
#[test]
fn it_is_refused_where_messages_are() {
    for role in ROLES {
        let mut ws = connection(role, &Config::new());
        let refused = |ws: &mut Connection, right: SendErrorKind| match ws.send_with(MessageKind::Text, NEVER) {
            Err(WriteError::Refused(error)) => assert_eq!(error.kind(), right),
            outcome => panic!("{outcome:?}"),
        };
        ws.send_part("one ", false).unwrap();
        refused(&mut ws, SendErrorKind::Unfinished);
        ws.send_part("message", true).unwrap();
        ws.send_with(MessageKind::Text, |message| message.write_all(b"written")).unwrap();
        ws.close(CloseCode::NORMAL).unwrap();
        refused(&mut ws, SendErrorKind::Closed);
        let right = [
            Frame::text("one ").part(),
            Frame::continuation("message"),
            Frame::text("written"),
            Frame::close(1000, ""),
        ];
        assert_eq!(sent_by(role, &drain(&mut ws)), right);
        refused(&mut ws, SendErrorKind::Closed);
        assert_eq!(drain(&mut ws), []);
    }
}

/// 6455-5.4-2, 6455-5.4-9: with `fragment_size` a longer message is cut, and one that fails leaves no fragment.
#[test]
fn a_long_message_is_cut() {
    for role in ROLES {
        for size in [125, 126, 1000, 65_536] {
            for length in [0, size - 1, size, size + 1, 2 * size, 3 * size + 10] {
                for way in Way::ALL {
                    let mut ws = connection(role, &Config::new().fragment_size(size));
                    let data = data(length);
                    ws.send_with(MessageKind::Text, |message| {
                        way.write(message, &data);
                        Ok::<_, ()>(())
                    })
                    .unwrap();
                    let frames = sent_by(role, &drain(&mut ws));
                    assert_eq!(frames.len(), length.div_ceil(size).max(1), "{role:?}, {size}, {length}");
                    for (i, frame) in frames.iter().enumerate() {
                        assert_eq!(frame.fin, i + 1 == frames.len());
                        assert_eq!(frame.opcode, if i == 0 { TEXT } else { CONTINUATION });
                        assert!(frame.payload.len() <= size);
                    }
                    assert!(frames.into_iter().flat_map(|frame| frame.payload).eq(data), "{role:?}, {size}, {length}");
                }
            }
            leaves_nothing(&Config::new().fragment_size(size), |ws| {
                let error = ws.send_with(MessageKind::Text, |message| {
                    assert!(message.extend_from_slice(&data(10 * size)));
                    Err(1)
                });
                assert!(matches!(error, Err(WriteError::Failed(1))));
            });
        }
    }
}

/// 6455-5.4-2: `max_buffered` counts the headers of the fragments, too: what waits never gets past it, and a message that is
/// refused as too large is not merely a few headers away from the limit.
#[test]
fn fragments_are_held_to_max_buffered() {
    for role in ROLES {
        for length in [1000, 1001, 10_000] {
            let mut sizes = Vec::new();
            let mut ws = connection(role, &Config::new().fragment_size(125));
            ws.send_binary(&data(length)).unwrap();
            let size = ws.buffered();
            for limit in size - 20..size + 20 {
                let mut ws = connection(role, &Config::new().fragment_size(125).max_buffered(limit));
                let outcome = ws.send_with(MessageKind::Binary, |message| message.write_all(&data(length)));
                assert!(ws.buffered() <= limit, "{role:?}, {length}");
                sizes.push((limit, outcome.is_ok()));
                assert_eq!(drain(&mut ws).len(), if outcome.is_ok() { size } else { 0 });
            }
            let taken: Vec<_> = sizes.iter().filter(|(_, taken)| *taken).map(|(limit, _)| *limit).collect();
            assert_eq!(taken, (size..size + 20).collect::<Vec<_>>(), "{role:?}, {length}");
        }
    }
}

#[cfg(feature = "deflate")]
mod deflate {
    use super::*;
    use crate::common::deflate::{Reader, setups};
    use ws_proto::DeflateConfig;

    /// 7692-6.1-1, 7692-6.1-2: where messages are compressed, so are these, from the threshold on; and one that fails leaves
    /// no trace in the window.
    #[test]
    fn written_messages_are_compressed() {
        for setup in setups() {
            let mut ws = setup.connection();
            let mut reader = Reader::new(&setup);
            for length in lengths().into_iter().filter(|length| *length < 70_000) {
                let data = data(length);
                for way in [Way::Io, Way::RoomInSteps, Way::Mixed] {
                    ws.send_with(MessageKind::Text, |message| {
                        way.write(message, &data);
                        Ok::<_, ()>(())
                    })
                    .unwrap();
                    let failed = ws.send_with(MessageKind::Text, |message| {
                        assert!(message.extend_from_slice(b"something else that must not get into the window"));
                        Err(())
                    });
                    assert!(matches!(failed, Err(WriteError::Failed(()))));
                    let wrong = ws.send_with(MessageKind::Text, |message| message.write_all(&[0xff; 200]));
                    assert!(matches!(wrong, Err(WriteError::NotUtf8)));
                    let panicked = catch_unwind(AssertUnwindSafe(|| {
                        ws.send_with(MessageKind::Text, |message| -> Result<(), ()> {
                            assert!(message.extend_from_slice(&data));
                            panic!("in the middle")
                        })
                    }));
                    assert!(panicked.is_err());
                    let sent = reader.read_one(&drain(&mut ws));
                    assert!(sent.opcode == TEXT && sent.data == data, "{length}, {way:?}");
                    assert_eq!(sent.compressed, length >= 64, "{length}, {way:?}");
                }
            }
        }
    }

    /// Whatever is written, no more than `max_buffered` waits, and what is refused leaves no trace.
    #[test]
    fn compressed_messages_are_held_to_max_buffered() {
        for setup in setups() {
            let setup = setup.config(Config::new().max_buffered(1000)).deflate(DeflateConfig::new().threshold(0));
            let mut ws = setup.connection();
            let mut reader = Reader::new(&setup);
            let mut random = Random(1);
            let (mut sent, mut refused) = (Vec::new(), 0);
            for _ in 0..300 {
                let length = random.below(1500);
                let message = if random.below(2) == 0 { random.bytes(length) } else { data(length) };
                let outcome = ws.send_with(MessageKind::Binary, |writer| {
                    writer.extend_from_slice(&message);
                    Ok::<_, ()>(())
                });
                match outcome {
                    Ok(()) => sent.push(message),
                    Err(WriteError::Refused(error)) => {
                        assert!(matches!(error.kind(), SendErrorKind::Full | SendErrorKind::TooLarge));
                        refused += 1;
                    }
                    Err(error) => panic!("{error:?}"),
                }
                assert!(ws.buffered() <= 1000);
                if random.below(3) == 0 {
                    let read = reader.read(&drain(&mut ws));
                    assert!(read.iter().map(|message| &message.data).eq(&sent));
                    sent.clear();
                }
            }
            assert!(refused > 20, "{refused}");
        }
    }
}
