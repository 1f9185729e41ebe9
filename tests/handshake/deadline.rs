//! A handshake has to be done by its deadline, on either side, at whatever byte the peer stops.

use crate::common::http::{Head, request_for, started};
use std::time::Duration;
use ws_proto::bytes::Bytes;
use ws_proto::handshake::client::{Error, Flaw};
use ws_proto::handshake::server::{Handshake, Reason};
use ws_proto::handshake::{BodyError, RetryError, accept_key, proxy};
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
                assert_eq!(
                    handshake.deadline().map(|deadline| deadline.at),
                    Some(Instant::ORIGIN),
                    "until it is received"
                );
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
            if is_over {
                assert_eq!(
                    handshake.deadline().map(|deadline| deadline.at),
                    Some(Instant::ORIGIN),
                    "until it is received"
                );
                assert!(matches!(handshake.receive(&mut input), Err(Error::Invalid(Flaw::TimedOut))), "{wait:?}");
            }
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

/// What the input holds when the time is said has come in time, whether or not it has been received by then.
#[test]
fn what_is_complete_counts() {
    let late = START.saturating_add(LIMIT);
    let mut server = Handshake::new(&config());
    server.handle_timeout(START);
    let mut input = Input::from(&Head::request().bytes()[..]);
    server.handle_timeout(late);
    assert!(server.receive(&mut input).expect("it is complete").is_some());
    assert_eq!(server.deadline(), None);
    server.handle_timeout(late);
    assert!(server.receive(&mut input).expect("it is done").is_none());

    let (mut client, _, key) = started(&request_for("ws://example.com/"), &config());
    client.handle_timeout(START);
    let mut input = Input::from(&Head::switching(accept_key(key.as_bytes()).as_str()).bytes()[..]);
    client.handle_timeout(late);
    assert!(client.receive(&mut input).expect("it is valid").is_some());

    let (mut client, _, _) = started(&request_for("ws://example.com/"), &config());
    client.handle_timeout(START);
    let mut input = Input::from(&b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno"[..]);
    client.handle_timeout(late);
    assert!(matches!(client.receive(&mut input), Err(Error::Declined(_))));
    assert_eq!(client.receive_body(&mut input), Ok(Some(Bytes::from_static(b"no"))));
    // Another request has its own time.
    client.retry(&request_for("ws://example.com/"), &input).expect("the body has ended");
    client.handle_timeout(late);
    assert_eq!(client.deadline().map(|deadline| deadline.at), Some(late.saturating_add(LIMIT)));
    assert!(client.receive(&mut input).expect("there is time").is_none());
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

/// The body of a refusal has the same deadline as its head: a server that sends it a byte at a time is not waited for, nor is
/// a proxy. A body that has ended has none, and another request has as much time again.
#[test]
fn the_body_of_a_refusal() {
    const REFUSAL: &[u8] = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 4\r\n\r\nno";
    for (wait, is_over) in points() {
        let (mut handshake, _, _) = started(&request_for("ws://example.com/"), &config());
        let uri = "ws://example.com/".parse().expect("a URI");
        let mut tunnel = proxy::Handshake::new(&proxy::Request::new(&uri), &config());
        let (mut input, mut from_proxy) = (Input::from(REFUSAL), Input::from(REFUSAL));
        handshake.handle_timeout(START);
        tunnel.handle_timeout(START);
        assert!(matches!(handshake.receive(&mut input), Err(Error::Declined(_))));
        assert!(matches!(tunnel.receive(&mut from_proxy), Err(proxy::Error::Declined(_))));
        assert_eq!(handshake.receive_body(&mut input), Ok(None));
        let deadline = handshake.deadline().expect("the body is awaited");
        assert_eq!((deadline.at, deadline.reason), (START.saturating_add(LIMIT), Timeout::Handshake));

        let now = START.saturating_add(wait);
        handshake.handle_timeout(now);
        tunnel.handle_timeout(now);
        if is_over {
            assert_eq!(handshake.receive_body(&mut input), Err(BodyError::TimedOut), "{wait:?}");
            assert_eq!(tunnel.receive_body(&mut from_proxy), Err(BodyError::TimedOut), "{wait:?}");
        }
        input.extend_from_slice(b"no");
        from_proxy.extend_from_slice(b"no");
        let expected = if is_over { Err(BodyError::TimedOut) } else { Ok(Some(Bytes::from_static(b"nono"))) };
        assert_eq!(handshake.receive_body(&mut input), expected, "{wait:?}");
        assert_eq!(tunnel.receive_body(&mut from_proxy), expected, "{wait:?}");
        assert_eq!((handshake.deadline(), tunnel.deadline()), (None, None));
        let again = handshake.retry(&request_for("ws://example.com/"), &input);
        assert_eq!(again, if is_over { Err(RetryError::ConnectionEnds) } else { Ok(()) });
        if !is_over {
            handshake.handle_timeout(now);
            assert_eq!(handshake.deadline().map(|deadline| deadline.at), Some(now.saturating_add(LIMIT)));
        }
    }
}
