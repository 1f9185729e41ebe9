//! How a connection says that more waits than it should, and what is refused then: `buffered`, the high-water mark,
//! `max_buffered`. And the size from which on messages are compressed, which decides how much waits.

use crate::common::frames::*;
use ws_proto::bytes::{Buf, Bytes};
use ws_proto::{CloseCode, Config, Connection, Event, Input, Message, Role, SendErrorKind};

/// 6455-6.1-1: `buffered` is exactly what waits: the frames that were sent, less the bytes that were written.
#[test]
fn buffered_is_exact() {
    for role in ROLES {
        let mut ws = connection(role, &Config::new());
        let mut right = 0;
        let mut check = |ws: &mut Connection, more: usize| {
            right += more;
            assert_eq!((ws.buffered(), ws.output().remaining()), (right, right), "{role:?}");
            let written = right / 3;
            ws.output().advance(written);
            right -= written;
            assert_eq!((ws.buffered(), ws.output().remaining()), (right, right), "{role:?}");
        };
        check(&mut ws, 0);
        for length in [0, 1, 125, 126, 4095, 4096, 65_535, 65_536, 200_000] {
            ws.send_binary(&payload(length, 1)).unwrap();
            check(&mut ws, frame_size(role, length));
            ws.send(payload(length, 2)).unwrap();
            check(&mut ws, frame_size(role, length));
            ws.send_part(payload(length, 3), length % 2 == 0).unwrap();
            check(&mut ws, frame_size(role, length));
            if length % 2 == 1 {
                ws.send_part(Bytes::new(), true).unwrap();
                check(&mut ws, frame_size(role, 0));
            }
            ws.ping(&payload(length.min(125), 4)).unwrap();
            check(&mut ws, frame_size(role, length.min(125)));
        }
        feed(&mut ws, &mut Input::new(), &Frame::ping("alive?").to(role).bytes());
        check(&mut ws, frame_size(role, 6));
        ws.close(CloseCode::NORMAL).unwrap();
        check(&mut ws, frame_size(role, 2));
        assert_eq!(drain(&mut ws).len(), ws.buffered() + right);
    }
}

/// `congested` is set when more waits than the high-water mark, not before, and is gone as soon as enough has been written; it
/// changes nothing else.
#[test]
fn the_mark_is_exact() {
    for role in ROLES {
        for length in [5, 5000, 100_000] {
            let frame = frame_size(role, length);
            for mark in [0, 1, frame - 1, frame, frame + 1, 2 * frame, 3 * frame, 3 * frame + 1] {
                let config = Config::new().high_water(mark);
                let (mut ws, mut without) = (connection(role, &config), connection(role, &Config::new()));
                let check = |ws: &Connection, without: &Connection| {
                    let (is, right) = (ws.interest(), without.interest());
                    assert_eq!(is.congested, ws.buffered() > mark, "{role:?}, {} above {mark}", ws.buffered());
                    assert_eq!((is.read, is.write, is.hang_up), (right.read, right.write, right.hang_up));
                    assert!(!right.congested, "without a mark");
                };
                check(&ws, &without);
                for seed in 0..3 {
                    ws.send(payload(length, seed)).unwrap();
                    without.send(payload(length, seed)).unwrap();
                    check(&ws, &without);
                }
                while ws.buffered() > 0 {
                    let count = [1, ws.buffered() / 2 + 1][ws.buffered() % 2].min(ws.buffered());
                    ws.output().advance(count);
                    without.output().advance(count);
                    check(&ws, &without);
                    if ws.buffered().abs_diff(mark) > 3 && ws.buffered() > 10 {
                        let count = (ws.buffered() - ws.buffered().min(mark + 2)).min(ws.buffered() - 1);
                        ws.output().advance(count);
                        without.output().advance(count);
                        check(&ws, &without);
                    }
                }
            }
        }
    }
}

/// Control frames that wait count, too, and so does the Close; half of a connection says the same.
#[test]
fn everything_that_waits_counts() {
    for role in ROLES {
        let ping = frame_size(role, 10);
        let config = Config::new().high_water(2 * ping);
        let mut ws = connection(role, &config);
        ws.ping(&[1; 10]).unwrap();
        ws.pong(&[1; 10]).unwrap();
        assert!(!ws.interest().congested);
        feed(&mut ws, &mut Input::new(), &Frame::ping("").to(role).bytes());
        assert!(ws.interest().congested);
        drain(&mut ws);
        assert!(!ws.interest().congested);
        ws.ping(&[1; 10]).unwrap();
        ws.pong(&[1; 10]).unwrap();
        ws.close(CloseCode::NORMAL).unwrap();
        assert!(ws.interest().congested);
        ws.output().clear();
        assert!(!ws.interest().congested);

        let (_, mut sender) = connection(role, &config).into_halves();
        sender.send_text("").unwrap();
        assert!(!sender.interest().congested);
        sender.send_binary(&payload(100, 1)).unwrap();
        assert!(sender.interest().congested);
        let count = sender.output().remaining();
        sender.output().advance(count);
        assert!(!sender.interest().congested);
    }
}

/// An application that does not receive while the output is congested receives the end all the same.
#[test]
fn what_is_over_is_not_congested() {
    let ends: [fn(Role, &mut Connection, &mut Input); 3] = [
        |role, ws, input| drop(feed(ws, input, &Frame::close(1000, "").to(role).bytes())),
        |role, ws, input| drop(feed(ws, input, &Frame::new(3, "").to(role).bytes())),
        |_, ws, input| {
            ws.receive_eof();
            drop(take_events(ws, input));
        },
    ];
    for role in ROLES {
        for end in ends {
            let mut ws = connection(role, &Config::new().high_water(0));
            ws.send_text("it waits").unwrap();
            assert!(ws.interest().congested);
            end(role, &mut ws, &mut Input::new());
            assert!(!ws.interest().congested && ws.interest().write, "{role:?}");
        }
        // One direction has ended, and what comes from the other can still be answered.
        let mut ws = connection(role, &Config::new().high_water(0));
        ws.send_text("it waits").unwrap();
        ws.close(CloseCode::NORMAL).unwrap();
        assert!(ws.interest().congested, "{role:?}");
    }
}

/// The mark is one of the limits that may be changed on a live connection.
#[test]
fn the_mark_may_be_changed() {
    for role in ROLES {
        for (before, mark) in [(1000, 10), (10, 1000), (10, usize::MAX)] {
            let mut ws = connection(role, &Config::new().high_water(before));
            ws.send(payload(500, 1)).unwrap();
            ws.set_limits(&Config::new().high_water(mark));
            assert_eq!(ws.interest().congested, mark < 500, "{role:?}, {before}, {mark}");
        }
    }
}

/// The mark is no limit: more can be sent up to `max_buffered`; `close_now` is the way out.
#[test]
fn close_now_ends_the_congestion() {
    for role in ROLES {
        let mut ws = connection(role, &Config::new().high_water(1000).max_buffered(20_000));
        (0..3).for_each(|seed| ws.send(payload(5000, seed)).unwrap());
        assert!(ws.interest().congested);
        assert_eq!(ws.send(payload(10_000, 1)).unwrap_err().kind(), SendErrorKind::Full);
        ws.close_now(CloseCode::TRY_AGAIN_LATER).unwrap();
        assert!(!ws.interest().congested);
        assert_eq!(sent_by(role, &drain(&mut ws)), [Frame::close(1013, "")]);
    }
}

/// A message that finds no room comes back as it was, and goes out once there is room: nothing is lost, doubled or out of
/// order.
#[test]
fn what_is_refused_can_be_sent_later() {
    for role in ROLES {
        for fragment in [usize::MAX, 300] {
            let mut random = Random(5);
            let mut ws = connection(role, &Config::new().max_buffered(9000).fragment_size(fragment));
            let (mut wire, mut messages, mut refused) = (Vec::new(), Vec::new(), 0);
            for i in 0..300 {
                let length = [random.below(20), random.below(2000), 4000 + random.below(300)][random.below(3)];
                let mut message = Message::from(payload(length, i));
                messages.push(payload(length, i));
                loop {
                    let outcome = match i % 3 {
                        0 => ws.send(message.clone()),
                        #[cfg(feature = "deflate")]
                        1 => ws.send_uncompressed(message.clone()),
                        _ => ws.send_part(message.clone(), true),
                    };
                    let Err(error) = outcome else { break };
                    assert_eq!(error.kind(), SendErrorKind::Full);
                    let back = error.into_message().expect("it was given away");
                    assert_eq!((back.as_bytes().as_ptr(), &back), (message.as_bytes().as_ptr(), &message));
                    message = back;
                    refused += 1;
                    let count = 1 + random.below(ws.buffered());
                    wire.extend_from_slice(&ws.output().copy_to_bytes(count));
                }
                assert!(ws.buffered() <= 9000);
            }
            wire.extend(drain(&mut ws));
            assert!(refused > 100, "{refused}");
            let mut sent: Vec<Vec<u8>> = Vec::new();
            let mut open = false;
            for frame in sent_by(role, &wire) {
                assert_eq!(frame.opcode, if open { CONTINUATION } else { BINARY });
                if open {
                    sent.last_mut().unwrap().extend(frame.payload);
                } else {
                    sent.push(frame.payload);
                }
                open = !frame.fin;
            }
            assert!(sent == messages, "{role:?}");
        }
    }
}

/// CVE-2026-109932, CVE-2020-35896: an end that answers what it reads, and reads no more while it is congested, never holds more
/// than the high-water mark and one answer, however much the peer sends and however little it reads. In the end all is answered.
#[test]
fn an_echo_holds_no_more_than_the_mark_and_a_message() {
    for role in ROLES {
        for mark in [0, 1000, 20_000] {
            for large in [100, 6000] {
                let mut random = Random(mark as u64);
                let mut ws = connection(role, &Config::new().high_water(mark));
                let mut input = Input::new();
                let frames: Vec<_> = (0..400).map(|i| Frame::binary(payload(random.below(large), i))).collect();
                let stream = stream(role, &frames);
                let mut coming = stream.chunks(1500);
                let (mut wire, mut most) = (Vec::new(), 0);
                loop {
                    // One event for each look at the mark.
                    while !ws.interest().congested {
                        match ws.receive(&mut input) {
                            Some(Event::Binary(data)) => ws.send(data.into_message()).unwrap(),
                            Some(event) => panic!("unexpected {event:?}"),
                            None => match coming.next() {
                                Some(bytes) => input.extend_from_slice(bytes),
                                None => break,
                            },
                        }
                        most = most.max(ws.buffered());
                    }
                    if ws.buffered() == 0 {
                        break;
                    }
                    // The peer reads slowly.
                    let count = (1 + random.below(700)).min(ws.buffered());
                    wire.extend_from_slice(&ws.output().copy_to_bytes(count));
                }
                assert!(most <= mark + frame_size(role, large), "{role:?}, {mark}: {most}");
                assert!(most > mark, "{role:?}, {mark}: it was never congested");
                assert!(sent_by(role, &wire) == frames, "{role:?}, {mark}");
            }
        }
    }
}

#[cfg(feature = "deflate")]
mod deflate {
    use super::*;
    use crate::common::deflate::{Reader, Setup};
    use ws_proto::DeflateConfig;

    fn letters(length: usize) -> String {
        (0..length).map(|i| char::from(b'a' + (i % 26) as u8)).collect()
    }

    /// 7692-6.1-2, 7692-7.2.3-2: the threshold holds under context takeover, too: a message below it goes out as it is, though
    /// the window has all of it, and leaves the window as it was for the next.
    #[test]
    fn the_threshold_holds_under_context_takeover() {
        for role in ROLES {
            for takeover in [true, false] {
                for threshold in [64_usize, 0, 1, 200, 5000] {
                    let config = DeflateConfig::new();
                    let config = if threshold == 64 { config } else { config.threshold(threshold) };
                    let setup = Setup::new(role).takeover(takeover, true).deflate(config);
                    let mut ws = setup.connection();
                    let mut reader = Reader::new(&setup);
                    let mut sizes = Vec::new();
                    for _ in 0..4 {
                        for length in [6000, threshold, threshold.saturating_sub(1), threshold / 2, 10, 6000] {
                            let text = letters(length);
                            ws.send_text(&text).unwrap();
                            ws.send(text.clone()).unwrap();
                            ws.send(text.clone().into_bytes()).unwrap();
                            for sent in reader.read(&drain(&mut ws)) {
                                assert!(sent.data == text.as_bytes());
                                let right = length >= threshold;
                                assert!(sent.compressed == right || length == 0, "{role:?}, {length} of {threshold}");
                                if length == 6000 {
                                    sizes.push(sent.payload.len());
                                }
                            }
                        }
                    }
                    // What is below the threshold has not emptied the window.
                    if takeover {
                        assert!(sizes[1..].iter().all(|size| *size < sizes[0]), "{role:?}, {threshold}: {sizes:?}");
                    }
                }
            }
        }
    }

    /// With a threshold of 0 a message of a few bytes that the window has is compressed, and shorter than uncompressed.
    #[test]
    fn without_a_threshold_short_messages_are_compressed() {
        for role in ROLES {
            let setup = Setup::new(role).deflate(DeflateConfig::new().threshold(0));
            let mut ws = setup.connection();
            let mut reader = Reader::new(&setup);
            let texts =
                ["{\"type\":\"tick\",\"id\":1}", "{\"type\":\"tick\",\"id\":2}", "{\"type\":\"tick\",\"id\":3}"];
            for (i, text) in texts.into_iter().enumerate() {
                ws.send_text(text).unwrap();
                let sent = reader.read_one(&drain(&mut ws));
                assert!(sent.compressed && sent.data == text.as_bytes(), "{role:?}, {text}");
                assert!(i == 0 || sent.payload.len() < 12, "{role:?}: {} bytes", sent.payload.len());
            }
        }
    }
}
