//! The input as a place to append to: every way in leads to the same bytes, what it holds can be counted, and what no
//! connection has looked at can be taken out.

use crate::common::allocator::held;
use crate::common::frames::*;
use std::io::{self, Read};
use ws_proto::bytes::{Buf, BufMut, Bytes, BytesMut};
use ws_proto::{Config, Event, Input, Role};

/// Takes all messages, and returns their payloads.
fn receive_all(input: &mut Input) -> Vec<Vec<u8>> {
    let mut ws = connection(Role::Server, &Config::new());
    let mut payloads = Vec::new();
    while let Some(event) = ws.receive(input) {
        let Event::Binary(data) = event else { panic!("{event:?}") };
        payloads.push(data.to_vec());
    }
    payloads
}

#[test]
fn every_way_in_leads_to_the_same_bytes() {
    let payloads = [vec![1; 5], vec![2; 300], vec![3; 70_000], vec![]];
    let wire = stream(Role::Server, &payloads.clone().map(Frame::binary));
    let (front, back) = wire.split_at(1000);
    let mut inputs = vec![
        Input::from(&wire[..]),
        Input::from(wire.clone()),
        Input::from(Bytes::from(wire.clone())),
        Input::from(BytesMut::from(&wire[..])),
    ];
    for fill in Fill::ALL {
        let mut input = Input::from(front);
        fill.append(&mut input, back);
        inputs.push(input);
    }
    let mut chained = Input::default();
    chained.put(Buf::chain(front, &back[..10]).chain(&[][..]).chain(&back[10..]));
    inputs.push(chained);
    let mut joined = Input::from(front);
    joined.append(BytesMut::from(back));
    joined.append(BytesMut::new());
    inputs.push(joined);
    for (i, mut input) in inputs.into_iter().enumerate() {
        assert_eq!(input.len(), wire.len(), "{i}");
        assert!(!input.is_empty());
        assert!(receive_all(&mut input) == payloads, "{i}");
        assert_eq!((input.len(), input.is_empty(), input.consumed()), (0, true, wire.len() as u64), "{i}");
        assert!(input.into_unread().is_empty());
    }
}

/// Memory that somebody shares is copied, and not changed for them.
#[test]
fn shared_bytes_are_not_changed() {
    let wire = Bytes::from(stream(Role::Server, &[Frame::binary([9; 1000])]));
    let copy = wire.to_vec();
    let mut input = Input::from(wire.clone());
    assert!(receive_all(&mut input) == [vec![9; 1000]]);
    assert!(wire == copy);
}

/// Room for a read is at least 4 KiB, grows while reads fill it, up to 64 KiB, and not while they do not.
#[test]
fn room_follows_the_reads() {
    let mut input = Input::new();
    assert_eq!(input.room().remaining_mut(), 4 << 10);
    for _ in 0..100 {
        input.room().put_slice(&[0x8a, 0x80, 0, 0, 0, 0]);
        assert_eq!(input.room().remaining_mut(), 4 << 10, "reads of six bytes fill nothing");
    }
    let mut largest = 0;
    for _ in 0..20 {
        let mut room = input.room();
        let size = room.remaining_mut();
        assert!((4 << 10..=64 << 10).contains(&size), "{size}");
        room.put_bytes(0, size);
        assert_eq!(room.remaining_mut(), 0);
        largest = largest.max(size);
    }
    assert!(largest > 4 << 10);
    input.release_memory();
    assert_eq!(input.room().remaining_mut(), 4 << 10);
}

#[test]
#[should_panic]
fn more_than_its_room_is_too_much() {
    let mut input = Input::new();
    let mut room = input.room();
    let size = room.remaining_mut();
    room.put_slice(&vec![0; size + 1]);
}

/// Memory that was moved away comes back without a copy, also behind bytes that are there; what is appended meanwhile goes
/// in front of it.
#[test]
fn memory_that_was_taken_comes_back() {
    let wire = stream(Role::Server, &[Frame::binary([1; 100]), Frame::binary([2; 100])]);
    for (before, between) in [(0, 0), (50, 0), (106, 0), (150, 0), (50, 10)] {
        let mut input = Input::from(&wire[..before]);
        let mut memory = input.take_room();
        assert!(memory.is_empty() && memory.capacity() >= 4 << 10);
        input.extend_from_slice(&wire[before..before + between]);
        memory.put_slice(&wire[before + between..]);
        input.append(memory);
        assert_eq!(input.len(), wire.len());
        assert!(receive_all(&mut input) == [vec![1; 100], vec![2; 100]], "{before}, {between}");
    }
    let mut input = Input::new();
    let mut memory = input.take_room();
    memory.put_slice(&wire);
    let place = memory.as_ptr().wrapping_add(6);
    input.append(memory);
    let mut ws = connection(Role::Server, &Config::new());
    assert!(matches!(ws.receive(&mut input), Some(Event::Binary(data)) if data.as_ptr() == place));
    // Memory that is never given back takes nothing with it.
    let mut input = Input::from(&wire[..50]);
    drop(input.take_room());
    input.extend_from_slice(&wire[50..]);
    assert!(receive_all(&mut input) == [vec![1; 100], vec![2; 100]]);
}

/// A reader that fails, claims more than there is room for, or is at its end.
struct Faulty(io::Result<usize>);

impl Read for Faulty {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        room.fill(0x8a);
        match &self.0 {
            Ok(count) => Ok(*count),
            Err(error) => Err(error.kind().into()),
        }
    }
}

#[test]
fn readers_are_not_believed_more_than_they_can_know() {
    let mut input = Input::from(&b"front"[..]);
    let error = input.read_from(&mut Faulty(Err(io::ErrorKind::ConnectionReset.into()))).unwrap_err();
    assert_eq!((error.kind(), input.len()), (io::ErrorKind::ConnectionReset, 5));
    assert_eq!(input.read_from(&mut Faulty(Ok(0))).unwrap(), 0);
    assert_eq!(input.len(), 5);
    let count = input.read_from(&mut Faulty(Ok(usize::MAX))).unwrap();
    assert!((4 << 10..=64 << 10).contains(&count), "{count}");
    assert_eq!(input.len(), 5 + count);
    // What a failed read has left in its room is not what comes next.
    let mut input = Input::from(&b"front"[..]);
    input.read_from(&mut Faulty(Err(io::ErrorKind::WouldBlock.into()))).unwrap_err();
    input.extend_from_slice(b" and back");
    assert_eq!(input.into_unread(), "front and back");
    // A trait object will do.
    let mut input = Input::new();
    let mut bytes = &b"bytes"[..];
    let reader: &mut dyn Read = &mut bytes;
    assert_eq!(input.read_from(reader).unwrap(), 5);
    assert_eq!(input.into_unread(), "bytes");
}

/// `consumed` never counts a byte twice and never goes back, and ends at what has come; `len` is what is still needed.
#[test]
fn what_is_consumed_is_counted_once() {
    let frames = [
        Frame::binary([1; 20]),
        Frame::text("in ").part(),
        Frame::ping("p"),
        Frame::continuation("fragments"),
        Frame::binary([2; 3000]),
        Frame::text("x".repeat(40_000)),
    ];
    let wire = stream(Role::Server, &frames);
    for most in [1, 7, 1000, usize::MAX] {
        for fill in Fill::ALL {
            for releases in [false, true] {
                let mut ws = connection(Role::Server, &Config::new());
                let mut input = Input::new();
                let (mut come, mut last, mut count) = (0, 0, 0);
                for bytes in wire.chunks(most) {
                    fill.append(&mut input, bytes);
                    come += bytes.len() as u64;
                    while ws.receive(&mut input).is_some() {
                        count += 1;
                        assert!((last..=come).contains(&input.consumed()), "{} of {come}", input.consumed());
                        last = input.consumed();
                    }
                    assert_eq!(input.consumed(), come);
                    if releases {
                        input.release_memory();
                        assert_eq!(input.consumed(), come);
                    }
                }
                assert_eq!((count, input.len()), (5, 0));
            }
        }
    }
    // Nothing is taken up while nobody receives.
    let input = Input::from(&wire[..]);
    assert_eq!((input.consumed(), input.len()), (0, wire.len()));
}

/// Memory can be given back at any time, also in the middle of a header, of a payload and between fragments.
#[test]
fn released_memory_takes_nothing_away() {
    let frames = [
        Frame::text("gr\u{fc}\u{df}e, ").part(),
        Frame::ping("p"),
        Frame::continuation("\u{1f980} und mehr"),
        Frame::binary([2; 300]),
    ];
    let wire = stream(Role::Server, &frames);
    for most in 1..20 {
        let mut ws = connection(Role::Server, &Config::new());
        let mut input = Input::new();
        let mut seen = Vec::new();
        for (i, bytes) in wire.chunks(most).enumerate() {
            Fill::ALL[i % 4].append(&mut input, bytes);
            input.release_memory();
            seen.extend(ws.receive(&mut input).map(Seen::from));
            input.release_memory();
            seen.extend(take_events(&mut ws, &mut input));
            input.release_memory();
        }
        let text = text("gr\u{fc}\u{df}e, \u{1f980} und mehr");
        assert_eq!(seen, [Seen::Ping(b"p".to_vec()), text, binary([2; 300])], "reads of {most}");
    }
}

/// An empty input that has given its memory back holds none; one that was busy keeps no more than 256 KiB.
#[test]
fn an_input_keeps_little() {
    for fill in Fill::ALL {
        let before = held();
        let mut input = Input::new();
        assert_eq!(held() - before, 0);
        let large = stream(Role::Server, &[Frame::binary(vec![7; 6 << 20])]);
        let small = stream(Role::Server, &[Frame::binary([7; 100])]);
        let with_wire = held() - before;
        let mut ws = connection(Role::Server, &Config::new());
        for wire in [&large, &small, &small] {
            for bytes in wire.chunks(64 << 10) {
                fill.append(&mut input, bytes);
                while ws.receive(&mut input).is_some() {}
            }
        }
        let kept = held() - before - with_wire;
        assert!(kept <= 256 << 10, "{kept} bytes are kept, filled by {fill:?}");
        input.release_memory();
        assert_eq!(held() - before - with_wire, 0);
    }
}

/// What no connection has looked at comes out as it came; a message under way does not.
#[test]
fn what_is_unread_can_be_taken_out() {
    assert_eq!(Input::from(&b"never looked at"[..]).into_unread(), "never looked at");
    let message = stream(Role::Server, &[Frame::binary([1; 10]).part()]);
    let mut ws = connection(Role::Server, &Config::new());
    let mut input = Input::from(&message[..]);
    assert!(ws.receive(&mut input).is_none());
    input.extend_from_slice(b"behind");
    assert_eq!((input.len(), input.is_empty()), (16, false));
    assert_eq!(input.into_unread(), "behind");
}
