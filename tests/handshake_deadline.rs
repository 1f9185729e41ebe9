//! A handshake has to be done by its deadline, on either side, at whatever byte the peer stops.
#![cfg(feature = "handshake")]

mod common;

use common::http::{Head, request_for, started};
use std::time::Duration;
use ws_proto::handshake::accept_key;
use ws_proto::handshake::client::{Error, Flaw};
use ws_proto::handshake::server::{Handshake, Reason};
use ws_proto::{Config, Input, Instant, Keepalive, Timeout};

const NS: Duration = Duration::from_nanos(1);
const START: Instant = Instant::new(Duration::from_secs(1000));
const LIMIT: Duration = Duration::from_secs(10);

fn config() -> Config {
    Config::new().keepalive(Keepalive::off().handshake(LIMIT))
}

/// When the handshake is looked at, and whether it is over then.
fn points() -> [(Duration, bool); 4] {
    [(Duration::ZERO, false), (LIMIT - NS, false), (LIMIT, true), (LIMIT + NS, true)]
}

#[test]
fn a_request_that_is_not_complete_is_answered_with_408() {
    let wire = Head::request().bytes();
    for end in 0..wire.len() {
        for (wait, is_over) in points() {
            let mut handshake = Handshake::new(&config());
            let mut input = Input::new();
            assert_eq!(handshake.deadline().map(|deadline| deadline.at), Some(Instant::ORIGIN));
            handshake.handle_timeout(START);
            input.extend_from_slice(&wire[..end]);
            assert!(handshake.receive(&mut input).expect("nothing is wrong").is_none());
            let deadline = handshake.deadline().expect("it has a limit");
            assert_eq!((deadline.at, deadline.reason), (START.saturating_add(LIMIT), Timeout::Handshake));
            for early in [Instant::ORIGIN, START, START.saturating_add(LIMIT / 2)] {
                handshake.handle_timeout(early);
            }
            handshake.handle_timeout(START.saturating_add(wait));
            if is_over {
                let rejection = handshake.receive(&mut input).expect_err("the time is up");
                assert_eq!((rejection.reason(), rejection.response().status()), (Reason::TimedOut, 408));
                assert!(rejection.response().to_bytes().starts_with(b"HTTP/1.1 408 Request Timeout\r\n"));
                assert_eq!(handshake.deadline(), None);
                // What comes too late changes nothing.
                input.extend_from_slice(&wire[end..]);
                assert_eq!(handshake.receive(&mut input).expect_err("as before").reason(), Reason::TimedOut);
            } else {
                input.extend_from_slice(&wire[end..]);
                assert!(handshake.receive(&mut input).expect("it is valid").is_some(), "{end} {wait:?}");
                // Done is done.
                assert_eq!(handshake.deadline(), None);
                handshake.handle_timeout(START.saturating_add(LIMIT * 9));
                assert!(handshake.receive(&mut input).expect("as before").is_none());
            }
        }
    }
}

#[test]
fn a_response_that_is_not_complete_fails_the_handshake() {
    for (wait, is_over) in points() {
        for parts in 0..5 {
            let (mut handshake, _, key) = started(&request_for("ws://example.com/"), &config());
            let accept = accept_key(key.as_bytes());
            let wire = Head::switching(accept.as_str()).bytes();
            let (before, after) = wire.split_at(wire.len() * parts / 5);
            let mut input = Input::new();
            handshake.handle_timeout(START);
            input.extend_from_slice(before);
            assert!(handshake.receive(&mut input).expect("nothing is wrong").is_none());
            let deadline = handshake.deadline().expect("it has a limit");
            assert_eq!((deadline.at, deadline.reason), (START.saturating_add(LIMIT), Timeout::Handshake));
            handshake.handle_timeout(START.saturating_add(wait));
            input.extend_from_slice(after);
            let outcome = handshake.receive(&mut input);
            assert_eq!(handshake.deadline(), None);
            if is_over {
                assert!(matches!(outcome, Err(Error::Invalid(Flaw::TimedOut))), "{wait:?}");
            } else {
                let mut ws = outcome.expect("it is valid").expect("it is complete").connection;
                // The connection has the other deadlines of the configuration: none.
                ws.handle_timeout(START);
                assert_eq!(ws.interest().deadline, None);
            }
        }
    }
}

/// The peer's bytes may lie in the socket when the driver was away.
#[test]
fn a_driver_that_was_away_waits_once_more() {
    let mut handshake = Handshake::new(&config());
    let mut input = Input::new();
    handshake.handle_timeout(START);
    handshake.handle_timeout(START.saturating_add(LIMIT * 3));
    assert!(handshake.receive(&mut input).expect("once more").is_none());
    handshake.handle_timeout(START.saturating_add(LIMIT * 4));
    assert_eq!(handshake.receive(&mut input).expect_err("the time is up").reason(), Reason::TimedOut);
}

#[test]
fn a_handshake_has_no_limit_by_default_and_its_connection_keeps_time_by_the_same_configuration() {
    let mut handshake = Handshake::new(&Config::new());
    handshake.handle_timeout(START);
    assert_eq!(handshake.deadline(), None);
    handshake.handle_timeout(Instant::MAX);
    assert!(handshake.receive(&mut Input::new()).expect("it waits").is_none());

    let mut handshake = Handshake::new(&Config::new().keepalive(Keepalive::new()));
    let request = handshake.receive(&mut Input::from(&Head::request().bytes()[..])).expect("valid").expect("complete");
    let mut ws = request.accept(ws_proto::handshake::server::Answer::new()).expect("nothing is asked for");
    ws.output().clear();
    ws.handle_timeout(START);
    let deadline = ws.interest().deadline.expect("it keeps time");
    assert_eq!((deadline.at, deadline.reason), (START.saturating_add(Duration::from_secs(30)), Timeout::Ping));
}
