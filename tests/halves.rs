//! A connection that is taken apart does what the whole one does; what has to be answered travels between the halves as a value.

use ws_proto::bytes::{Buf, BufMut};
use ws_proto::frame::{FrameHeader, MaskingKey};
use ws_proto::{Cause, CloseCode, Config, Connection, Event, Input, Opcode, Seed, SendErrorKind, Violation};

fn frame(opcode: Opcode, fin: bool, payload: &[u8]) -> Vec<u8> {
    let key = [1, 2, 3, 4];
    let masking_key = Some(MaskingKey::new(key));
    let header = FrameHeader { fin, rsv: 0, opcode, masking_key, payload_length: payload.len() as u64 };
    let mut frame = header.encode().as_ref().to_vec();
    frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

/// Streams that end in every way.
fn streams() -> Vec<Vec<u8>> {
    let talk = [
        frame(Opcode::Text, true, b"hello"),
        frame(Opcode::Ping, true, b"one"),
        frame(Opcode::Binary, false, &[1; 200]),
        frame(Opcode::Ping, true, b"two"),
        frame(Opcode::Pong, true, b""),
        frame(Opcode::Continuation, true, &[2; 200]),
    ]
    .concat();
    let endings = [
        vec![],
        frame(Opcode::Close, true, &[0x03, 0xE8, b'b', b'y', b'e']),
        frame(Opcode::Close, true, b""),
        frame(Opcode::Close, true, &[0x03]),
        frame(Opcode::Text, true, b"\xFF"),
        frame(Opcode::Continuation, true, b""),
        frame(Opcode::Text, false, b"unfinished"),
    ];
    endings.into_iter().map(|ending| [&talk[..], &ending, b"\x89\x80late"].concat()).collect()
}

fn config(automatic: bool) -> Config {
    Config::new().auto_close(automatic).auto_pong(automatic)
}

fn whole(stream: &[u8], automatic: bool) -> (Vec<String>, Vec<u8>, bool) {
    let mut ws = Connection::server(&config(automatic));
    let mut input = Input::from(stream);
    let mut seen = Vec::new();
    for _ in 0..2 {
        while let Some(event) = ws.receive(&mut input) {
            seen.push(format!("{event:?}"));
        }
        ws.receive_eof();
    }
    let mut output = Vec::new();
    output.put(ws.output());
    (seen, output, ws.interest().hang_up)
}

fn halves(stream: &[u8], automatic: bool) -> (Vec<String>, Vec<u8>, bool) {
    let (mut receiver, mut sender) = Connection::server(&config(automatic)).into_halves();
    let mut input = Input::from(stream);
    let mut seen = Vec::new();
    for _ in 0..2 {
        while let Some(received) = receiver.receive(&mut input) {
            seen.extend(received.event.map(|event| format!("{event:?}")));
            if let Some(reply) = received.reply {
                sender.reply(reply);
            }
            seen.extend(sender.closed().map(|closed| format!("{:?}", Event::Closed(closed))));
        }
        sender.reply(receiver.receive_eof());
        seen.extend(sender.closed().map(|closed| format!("{:?}", Event::Closed(closed))));
        assert!(!receiver.wants_read());
        assert!(receiver.is_over() || seen.iter().all(|event| !event.starts_with("Closed")));
    }
    let mut output = Vec::new();
    output.put(sender.output());
    (seen, output, sender.interest().hang_up)
}

#[test]
fn halves_do_what_the_whole_does() {
    for stream in streams() {
        for automatic in [true, false] {
            assert_eq!(halves(&stream, automatic), whole(&stream, automatic), "{stream:x?}");
        }
    }
}

#[test]
fn replies_cross_threads() {
    let (mut receiver, mut sender) = Connection::server(&Config::new()).into_halves();
    let (replies, due) = std::sync::mpsc::channel();
    let reading = std::thread::spawn(move || {
        let mut input = Input::from(&streams()[1][..]);
        let mut events = 0;
        while let Some(received) = receiver.receive(&mut input) {
            events += usize::from(received.event.is_some());
            if let Some(reply) = received.reply {
                replies.send(reply).expect("the other side waits");
            }
        }
        events
    });
    sender.send_text("meanwhile").expect("it is open");
    let mut closed = None;
    while let Ok(reply) = due.recv() {
        sender.reply(reply);
        closed = closed.or_else(|| sender.closed());
    }
    assert_eq!(reading.join().expect("no panic"), 5);
    let closed = closed.expect("the peer closed");
    assert_eq!((&closed.cause, closed.code(), closed.reason()), (&Cause::Agreed, 1000, "bye"));
    assert!(closed.is_clean());
    assert_eq!(sender.closed(), None, "the end is returned once");
    let mut output = Vec::new();
    output.put(sender.output());
    assert_eq!(output, b"\x8a\x03one\x8a\x03two\x81\x09meanwhile\x88\x02\x03\xe8");
    assert!(sender.interest().hang_up);
}

#[test]
fn a_failure_reaches_a_sender_that_has_closed_already() {
    let (mut receiver, mut sender) = Connection::client(Seed::new([1; 32]), &Config::new()).into_halves();
    sender.close(CloseCode::GOING_AWAY).expect("it is open");
    let sent = sender.output().remaining();
    let mut input = Input::from(&b"\x83\x00"[..]);
    let reply = receiver.receive(&mut input).and_then(|received| received.reply);
    sender.reply(reply.expect("a violation has to be known"));
    assert_eq!(sender.output().remaining(), sent, "one Close is enough");
    let closed = sender.closed().expect("it is over");
    assert_eq!(closed.cause, Cause::Violation(Violation::ReservedOpcode(3)));
    assert_eq!(closed.sent, Some(CloseCode::GOING_AWAY.into()));
    assert_eq!(sender.send_text("late").map_err(|error| error.kind()), Err(SendErrorKind::Closed));
    assert!(receiver.receive(&mut input).is_none());
}
