//! A connection that is taken apart does what the whole one does; what has to be answered travels between the halves as a value.

use std::time::Duration;
use ws_proto::bytes::{Buf, BufMut};
use ws_proto::frame::{FrameHeader, MaskingKey};
use ws_proto::{
    Cause, CloseCode, Config, Connection, Event, Input, Instant, Keepalive, Opcode, Seed, SendErrorKind, Timeout,
    Violation,
};

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

#[test]
fn a_ping_that_comes_behind_the_end_is_not_answered() {
    let keepalive = Keepalive::new().ping(Duration::from_secs(20)).pong(Duration::from_secs(20));
    let (mut receiver, mut sender) = Connection::server(&Config::new().keepalive(keepalive)).into_halves();
    let mut input = Input::from(&frame(Opcode::Ping, true, b"late")[..]);
    let reply = receiver.receive(&mut input).and_then(|received| received.reply).expect("a Pong");
    // Nobody has passed it on before the other half gave up.
    for second in 0..=60 {
        sender.handle_timeout(Instant::new(Duration::from_secs(second)));
        sender.output().clear();
    }
    let closed = sender.closed().expect("the peer was silent");
    assert_eq!(closed.cause, Cause::TimedOut(Timeout::Pong));
    sender.reply(reply);
    assert_eq!(sender.buffered(), 0);
}

/// What two ends do by a clock that is moved by hand: the reader's bytes come at these seconds, all that waits is written each
/// second.
fn timed(at_seconds: &[u64], through_halves: bool) -> Vec<String> {
    let config = Config::new().keepalive(Keepalive::new().idle(Duration::from_secs(45))).count(true);
    let mut whole = None;
    let mut halves = None;
    if through_halves {
        halves = Some(Connection::server(&config).into_halves());
    } else {
        whole = Some(Connection::server(&config));
    }
    let mut input = Input::new();
    let mut seen = Vec::new();
    for second in 0..150 {
        let now = Instant::new(Duration::from_secs(second));
        if at_seconds.contains(&second) {
            let bytes = match second % 3 {
                0 => frame(Opcode::Text, true, b"hello"),
                1 => frame(Opcode::Pong, true, b"pong"),
                _ => frame(Opcode::Binary, false, b"begun")[..7].to_vec(),
            };
            input.extend_from_slice(&bytes);
        }
        if let Some(ws) = &mut whole {
            while let Some(event) = ws.receive(&mut input) {
                seen.push(format!("{second}: {event:?}"));
            }
            ws.handle_timeout(now);
            while let Some(event) = ws.receive(&mut input) {
                seen.push(format!("{second}: {event:?}"));
            }
            seen.push(format!("{:?} {:?}", ws.interest().deadline, ws.counters()));
            let mut output = Vec::new();
            output.put(ws.output());
            seen.push(format!("{output:x?}"));
        }
        if let Some((receiver, sender)) = &mut halves {
            while let Some(received) = receiver.receive(&mut input) {
                seen.extend(received.event.map(|event| format!("{second}: {event:?}")));
                if let Some(reply) = received.reply {
                    sender.reply(reply);
                }
            }
            if let Some(activity) = receiver.activity(&input) {
                sender.reply(activity);
            }
            sender.handle_timeout(now);
            if let Some(closed) = sender.closed() {
                receiver.stop();
                seen.push(format!("{second}: {:?}", Event::Closed(closed)));
            }
            seen.push(format!("{:?} {:?}", sender.interest().deadline, sender.counters()));
            let mut output = Vec::new();
            output.put(sender.output());
            seen.push(format!("{output:x?}"));
            // Halfway they are joined, and taken apart again.
            if second % 10 == 5 {
                let (receiver, sender) = halves.take().expect("they are there");
                let ws = Connection::from_halves(receiver, sender).expect("they belong together");
                halves = Some(ws.into_halves());
            }
        }
    }
    seen
}

#[test]
fn halves_keep_time_as_the_whole_does() {
    for at_seconds in [&[][..], &[10], &[30, 45, 60, 90], &[3, 20], &[7, 8], &[31, 52]] {
        let whole = timed(at_seconds, false);
        for (halves, whole) in timed(at_seconds, true).iter().zip(&whole) {
            assert_eq!(halves, whole, "{at_seconds:?}");
        }
        assert!(whole.iter().any(|line| line.contains("Closed")), "{at_seconds:?}");
    }
}

#[test]
fn only_halves_that_can_belong_together_are_joined() {
    let server = |config: &Config| Connection::server(config).into_halves();
    let client = || Connection::client(Seed::new([1; 32]), &Config::new()).into_halves();
    let timed = Config::new().keepalive(Keepalive::new());
    let (receiver, sender) = server(&Config::new());
    let joined = Connection::from_halves(receiver, client().1);
    let (receiver, _) = *joined.expect_err("of a server and a client");
    let joined = Connection::from_halves(receiver, server(&timed).1);
    let (receiver, _) = *joined.expect_err("one of them keeps time");
    let mut ws = Connection::from_halves(receiver, sender).expect("they are those of one connection");
    ws.send_text("whole again").expect("it is open");
    let mut input = Input::from(frame(Opcode::Text, true, b"hello"));
    assert!(matches!(ws.receive(&mut input), Some(Event::Text(text)) if text == "hello"));
}

#[test]
fn a_message_may_be_under_way_when_halves_are_joined() {
    let wire = frame(Opcode::Text, true, b"hello");
    let (mut receiver, mut sender) = Connection::server(&Config::new()).into_halves();
    let mut input = Input::from(&wire[..8]);
    assert!(receiver.receive(&mut input).is_none());
    assert!(receiver.activity(&input).is_none(), "nobody keeps time");
    sender.send_part("in ", false).expect("it is open");
    let mut ws = Connection::from_halves(receiver, sender).expect("they belong together");
    ws.send_part("parts", true).expect("it is open");
    input.extend_from_slice(&wire[8..]);
    assert!(matches!(ws.receive(&mut input), Some(Event::Text(text)) if text == "hello"));
    let mut output = Vec::new();
    output.put(ws.output());
    assert_eq!(output, b"\x01\x03in \x80\x05parts");
}
