//! Limits on what a peer may send in a second, and the counters of a connection.

use crate::common::frames::*;
use std::fmt::Write;
use std::time::Duration;
use ws_proto::{
    Cause, Config, Connection, Counters, Delivery, Excess, Input, Instant, Keepalive, RateLimit, Role, Timeout,
};

const START: Instant = Instant::new(Duration::from_secs(1000));

fn after(milliseconds: u64) -> Instant {
    START.saturating_add(Duration::from_millis(milliseconds))
}

fn limited(role: Role, limit: RateLimit) -> (Connection, Input) {
    let mut ws = connection(role, &Config::new().rate_limit(limit));
    ws.handle_timeout(START);
    (ws, Input::new())
}

/// Whether the connection reads, and when it is to be asked again.
fn reads(ws: &Connection) -> (bool, Option<Instant>) {
    let interest = ws.interest();
    if let Some(deadline) = interest.deadline {
        assert_eq!(deadline.reason, Timeout::Rate);
    }
    (interest.read, interest.deadline.map(|deadline| deadline.at))
}

#[test]
fn reading_pauses_above_the_rate_until_it_is_made_up_for() {
    for role in ROLES {
        for (limit, message) in [
            (RateLimit::new().messages(10), Frame::text("")),
            // 10 bytes on the wire each.
            (RateLimit::new().bytes(100), Frame::text(if role == Role::Server { "data" } else { "databyte" })),
        ] {
            let (mut ws, mut input) = limited(role, limit);
            let message = message.to(role).bytes();
            for _ in 0..10 {
                assert_eq!(feed(&mut ws, &mut input, &message).len(), 1);
                ws.handle_timeout(START);
                assert_eq!(reads(&ws), (true, None), "a burst of one second");
            }
            // Five more, with one read: they are received all the same.
            assert_eq!(feed(&mut ws, &mut input, &message.repeat(5)).len(), 5);
            ws.handle_timeout(START);
            assert_eq!(reads(&ws), (false, Some(after(500))), "{role:?}");
            for early in [START, after(1), after(499)] {
                ws.handle_timeout(early);
                assert_eq!(reads(&ws), (false, Some(after(500))));
            }
            ws.handle_timeout(after(500));
            assert_eq!(reads(&ws), (true, None));
            feed(&mut ws, &mut input, &message);
            ws.handle_timeout(after(500));
            assert_eq!(reads(&ws), (false, Some(after(600))));
            // Ages later all of the burst is there again, and no more.
            ws.handle_timeout(after(100_000));
            feed(&mut ws, &mut input, &message.repeat(10));
            ws.handle_timeout(after(100_000));
            assert_eq!(reads(&ws), (true, None));
            feed(&mut ws, &mut input, &message);
            ws.handle_timeout(after(100_000));
            assert_eq!(reads(&ws), (false, Some(after(100_100))));
        }
    }
}

#[test]
fn whoever_sends_too_much_is_failed_with_1008_where_that_is_configured() {
    for role in ROLES {
        for (limit, count) in [(RateLimit::new().messages(20), 40), (RateLimit::new().bytes(1000), 250)] {
            let limit = limit.burst(Duration::from_secs(2)).excess(Excess::Close);
            let message = Frame::text(if role == Role::Server { "12" } else { "123456" }).to(role).bytes();
            let (mut ws, mut input) = limited(role, limit);
            feed(&mut ws, &mut input, &message.repeat(count));
            ws.handle_timeout(START);
            assert_eq!(reads(&ws), (true, None));
            feed(&mut ws, &mut input, &message);
            ws.handle_timeout(START);
            let seen = feed(&mut ws, &mut input, &message);
            let [Seen::Closed { cause: Cause::RateExceeded, sent: Some(close), .. }] = &seen[..] else {
                panic!("{seen:?}")
            };
            assert_eq!(close, &(Some(1008), "too much in a second".into()));
            assert_eq!(sent_by(role, &drain(&mut ws)), [Frame::close(1008, "too much in a second")]);
            assert!(ws.interest().hang_up && !ws.interest().read);
        }
    }
}

#[test]
fn the_answer_to_a_close_is_read_whatever_the_rate() {
    let (mut ws, mut input) = limited(Role::Server, RateLimit::new().messages(1));
    feed(&mut ws, &mut input, &Frame::text("x").to(Role::Server).bytes().repeat(1000));
    ws.handle_timeout(START);
    assert!(!ws.interest().read);
    ws.close(ws_proto::CloseCode::POLICY_VIOLATION).expect("it is open");
    ws.handle_timeout(START);
    assert!(ws.interest().read);
    let seen = feed(&mut ws, &mut input, &Frame::close(1008, "").to(Role::Server).bytes());
    assert!(matches!(seen[..], [Seen::Closed { cause: Cause::Agreed, .. }]));
}

#[test]
fn counters_count_what_has_come_and_gone() {
    for role in ROLES {
        for delivery in [Delivery::Messages, Delivery::Parts] {
            for step in [1, 7, usize::MAX] {
                let config = Config::new().count(true).delivery(delivery).max_buffered(2000);
                let (mut ws, mut input) = (connection(role, &config), Input::new());
                let wire = stream(
                    role,
                    &[
                        Frame::text("short"),
                        Frame::binary([7; 500]),
                        Frame::ping("ping"),
                        Frame::text("in ").part(),
                        Frame::pong(""),
                        Frame::continuation("fragments"),
                        Frame::pong("pong"),
                    ],
                );
                for (turn, bytes) in wire.chunks(step.min(wire.len())).enumerate() {
                    feed(&mut ws, &mut input, bytes);
                    if turn % 3 == 0 {
                        ws.handle_timeout(START);
                    }
                }
                ws.send_text("text").expect("there is room");
                ws.send_binary(&[7; 300]).expect("there is room");
                ws.send(vec![7; 400]).expect("there is room");
                ws.send_part("one ", false).expect("there is room");
                ws.send_part("message", true).expect("there is room");
                ws.send_with(ws_proto::MessageKind::Text, |_| Ok::<_, ()>(())).expect("there is room");
                ws.ping(b"mine").expect("it is open");
                ws.pong(b"mine").expect("it is open");
                ws.send(vec![7; 1500]).expect_err("it is full");
                ws.send_binary(&[7; 1500]).expect_err("it is full");
                ws.send_binary(&[7; 5000]).expect_err("it is too large");
                let long = "x".repeat(5000);
                let written = ws.send_with(ws_proto::MessageKind::Text, |message| message.write_str(&long));
                written.expect_err("it is too large");
                let sent = drain(&mut ws).len() as u64;
                let counters = ws.counters().expect("they are asked for");
                let Counters { messages_received, messages_sent, bytes_received, bytes_sent, .. } = counters;
                assert_eq!((messages_received, messages_sent), (3, 5), "{role:?} {delivery:?} {step}");
                assert_eq!((bytes_received, bytes_sent), (wire.len() as u64, sent));
                assert_eq!((counters.pings_received, counters.pongs_received), (1, 2));
                assert_eq!((counters.pings_sent, counters.pongs_sent), (1, 2));
                assert_eq!(counters.refused, 4);
                if delivery == Delivery::Messages {
                    assert_eq!(counters.largest_received, 500);
                }
                ws.handle_timeout(START);
                assert_eq!(ws.counters(), Some(counters));
            }
        }
    }
}

#[test]
fn prepared_messages_count_and_nothing_counts_that_is_not_asked_for() {
    let mut ws = Connection::server(&Config::new().count(true));
    ws.send_prepared(&ws_proto::Prepared::new("news")).expect("there is room");
    assert_eq!(ws.counters().map(|counters| counters.messages_sent), Some(1));
    let mut ws = Connection::server(&Config::new().rate_limit(RateLimit::new()));
    ws.send_text("news").expect("there is room");
    assert_eq!((ws.counters(), Connection::server(&Config::new()).counters()), (None, None));
}

#[test]
fn what_was_written_counts_after_memory_was_released() {
    let mut ws = Connection::server(&Config::new().count(true));
    ws.send_text("news").expect("there is room");
    let sent = drain(&mut ws).len() as u64;
    ws.release_memory();
    assert_eq!(ws.counters().map(|counters| counters.bytes_sent), Some(sent));
}

/// What a peer has sent that nobody reads for now is no silence of its.
#[test]
fn a_peer_that_is_slowed_down_is_not_idle() {
    for role in ROLES {
        let keepalive = Keepalive::off().idle(Duration::from_secs(30));
        let config = Config::new().rate_limit(RateLimit::new().messages(1)).keepalive(keepalive);
        let mut ws = connection(role, &config);
        ws.handle_timeout(START);
        let mut input = Input::new();
        feed(&mut ws, &mut input, &Frame::text("").to(role).bytes().repeat(61));
        for seconds in 0..60 {
            ws.handle_timeout(after(seconds * 1000));
            let interest = ws.interest();
            assert!(!interest.read && !interest.write, "{role:?} after {seconds} s");
        }
        // Then it may go on, and its time for that begins.
        for (seconds, is_closing) in [(60, false), (61, false), (88, false), (91, true)] {
            ws.handle_timeout(after(seconds * 1000));
            assert_eq!(ws.interest().write, is_closing, "{role:?} after {seconds} s");
        }
    }
}

/// The replies of a receiving half carry every message, also where `activity` is asked before all is received.
#[test]
fn no_message_is_lost_between_two_replies() {
    let config = Config::new().count(true);
    let (mut receiver, mut sender) = connection(Role::Server, &config).into_halves();
    sender.handle_timeout(START);
    let mut input = Input::new();
    input.extend_from_slice(&Frame::text("x").to(Role::Server).bytes().repeat(3));
    for _ in 0..3 {
        assert!(receiver.receive(&mut input).is_some());
        if let Some(reply) = receiver.activity(&input) {
            sender.reply(reply);
        }
    }
    assert!(receiver.receive(&mut input).is_none());
    if let Some(reply) = receiver.activity(&input) {
        sender.reply(reply);
    }
    sender.handle_timeout(START);
    assert_eq!(sender.counters().map(|counters| counters.messages_received), Some(3));
}
