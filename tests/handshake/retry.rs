//! Another request on the same connection, after a refusal.

use crate::common::http::{ACCEPT, HELLO, Head, Written, accept_for, cuts, request_for, started};
use std::collections::HashSet;
use ws_proto::bytes::Buf;
use ws_proto::handshake::client::{Declined, Error, Flaw, Handshake, Request};
use ws_proto::handshake::{BodyError, RetryError};
use ws_proto::{Config, Event, Input};

const URI: &str = "ws://example.com/chat";

fn with_credentials() -> Request {
    request_for(URI).basic_auth("Aladdin", "open sesame").unwrap()
}

/// What waits in the output, and its key.
fn written(handshake: &mut Handshake) -> (Written, String) {
    let mut bytes = vec![0; handshake.output().remaining()];
    handshake.output().copy_to_slice(&mut bytes);
    let written = Written::read(&bytes);
    assert!(written.rest.is_empty());
    let key = written.value("Sec-WebSocket-Key").to_owned();
    (written, key)
}

/// Feeds an answer in pieces until it declines, and its body to its end.
fn refuse(handshake: &mut Handshake, input: &mut Input, bytes: &[u8], cut: &[usize]) -> (Declined, Vec<u8>) {
    let (mut fed, mut no, mut body) = (0, None, None);
    for piece in cut {
        assert!(body.is_none(), "the body ends with the last byte");
        input.extend_from_slice(&bytes[fed..fed + piece]);
        fed += piece;
        if no.is_none() {
            match handshake.receive(input) {
                Ok(None) => {}
                Err(Error::Declined(declined)) => no = Some(declined),
                other => panic!("{other:?}"),
            }
        }
        if no.is_some() {
            body = handshake.receive_body(input).unwrap();
        }
    }
    (no.expect("a refusal"), body.expect("its end").to_vec())
}

/// A handshake that has been declined with this, and an input that holds nothing else.
fn refused_by(response: &[u8]) -> (Handshake, Input) {
    let (mut handshake, _, _) = started(&request_for(URI), &Config::new());
    let mut input = Input::from(response);
    let outcome = handshake.receive(&mut input);
    assert!(matches!(outcome, Err(Error::Declined(_))), "{}", response.escape_ascii());
    (handshake, input)
}

/// Whether another request may be sent once the body has been received, if that can be.
fn retry_after(response: &[u8]) -> Result<(), RetryError> {
    let (mut handshake, mut input) = refused_by(response);
    let _ = handshake.receive_body(&mut input);
    let retried = handshake.retry(&with_credentials(), &input);
    assert_eq!(handshake.output().has_remaining(), retried.is_ok(), "nothing is sent where it is not possible");
    retried
}

const UNAUTHORIZED: &[&[u8]] = &[
    b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 5\r\n\r\nsorry",
    b"HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\n5;a\r\nsorry\r\n0\r\nX: y\r\n\r\n",
    b"HTTP/1.0 401 Unauthorized\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nsorry",
    b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 401\nContent-Length: 5\n\nsorry",
];

/// 6455-4.1-40, RFC 9110 §15.5.2: a 401, the same request with credentials, and the connection, in all cuts of both answers.
#[test]
fn credentials_after_a_401() {
    for first in UNAUTHORIZED {
        for cut in cuts(first.len()).into_iter().chain((1..first.len()).map(|at| vec![at, first.len() - at])) {
            let (mut handshake, _, _) = started(&request_for(URI), &Config::new());
            let mut input = Input::new();
            let (no, body) = refuse(&mut handshake, &mut input, first, &cut);
            assert_eq!((no.response.status(), &body[..]), (401, &b"sorry"[..]));
            handshake.retry(&with_credentials(), &input).unwrap();
            let (request, key) = written(&mut handshake);
            assert_eq!(request.start, "GET /chat HTTP/1.1");
            assert_eq!(request.value("Authorization"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
            assert!(matches!(handshake.receive(&mut input), Ok(None)), "it waits for the second answer");

            let second = Head::switching(&accept_for(&key)).then(HELLO);
            let mut accepted = None;
            for (i, byte) in second.iter().enumerate() {
                input.extend_from_slice(&[*byte]);
                if accepted.is_none() {
                    accepted = handshake.receive(&mut input).unwrap();
                    assert_eq!(accepted.is_some(), i + 1 == second.len() - HELLO.len());
                }
            }
            let mut ws = accepted.unwrap().connection;
            assert!(matches!(ws.receive(&mut input), Some(Event::Text(text)) if text == "Hello"));
            assert!(matches!(handshake.receive(&mut input), Err(Error::Invalid(Flaw::Over))));
            assert_eq!(handshake.retry(&with_credentials(), &input), Err(RetryError::NotDeclined));
        }
    }
}

/// 6455-4.1-28, 6455-4.1-43: every request has a key of its own, and the proof of an earlier one is refused.
#[test]
fn a_fresh_key_each_time() {
    let (mut handshake, _, first) = started(&request_for(URI), &Config::new());
    let mut input = Input::new();
    let mut keys = HashSet::from([first.clone()]);
    for i in 1..100 {
        refuse(&mut handshake, &mut input, UNAUTHORIZED[0], &[UNAUTHORIZED[0].len()]);
        handshake.retry(&request_for(&format!("ws://example.com/{i}")), &input).unwrap();
        let (request, key) = written(&mut handshake);
        assert_eq!(request.start, format!("GET /{i} HTTP/1.1"));
        assert!(keys.insert(key), "a key was used twice");
    }
    for accept in [accept_for(&first), ACCEPT.into()] {
        let (mut handshake, mut input) = refused_by(b"HTTP/1.1 401 x\r\nContent-Length: 0\r\n\r\n");
        handshake.retry(&with_credentials(), &input).unwrap();
        input.extend_from_slice(&Head::switching(&accept).bytes());
        assert!(matches!(handshake.receive(&mut input), Err(Error::Invalid(Flaw::Accept))));
        assert_eq!(handshake.retry(&with_credentials(), &input), Err(RetryError::NotDeclined));
    }
}

/// 6455-4.1-45, 6455-4.1-48: what the second request lists is what counts.
#[test]
fn what_the_second_request_lists() {
    let first = request_for(URI).subprotocol("old").unwrap();
    let second = request_for(URI).subprotocol("new").unwrap();
    for (chosen, is_listed) in [("new", true), ("old", false)] {
        let (mut handshake, _, _) = started(&first, &Config::new());
        let mut input = Input::from(UNAUTHORIZED[1]);
        assert!(handshake.receive(&mut input).is_err());
        assert!(handshake.receive_body(&mut input).unwrap().is_some());
        handshake.retry(&second, &input).unwrap();
        let (request, key) = written(&mut handshake);
        assert_eq!(request.value("Sec-WebSocket-Protocol"), "new");
        input.extend_from_slice(&Head::switching(&accept_for(&key)).add("Sec-WebSocket-Protocol", chosen).bytes());
        match handshake.receive(&mut input) {
            Ok(Some(accepted)) => assert!(is_listed && accepted.subprotocol.as_deref() == Some("new")),
            Err(Error::Invalid(flaw)) => assert!(!is_listed && flaw == Flaw::Subprotocol),
            other => panic!("{other:?}"),
        }
    }
}

/// RFC 9112 §9.3: when the connection persists.
#[test]
fn connections_that_persist() {
    for response in [
        "HTTP/1.1 401 x\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.1 401 x\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 401 x\r\nContent-Length: 2, 2\r\n\r\nno",
        "HTTP/1.1 401 x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 401 x\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 401 x\r\nConnection: closed, Upgrade\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 204 x\r\n\r\n",
        "HTTP/1.1 304 x\r\nContent-Length: 9\r\n\r\n",
        "HTTP/1.0 401 x\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.0 401 x\r\nConnection: x\r\nConnection: y, keep-alive\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.7 401 x\r\nContent-Length: 2\r\n\r\nno",
        // Empty lines behind a response are passed over (§2.2).
        "HTTP/1.1 401 x\r\nContent-Length: 2\r\n\r\nno\r\n\r\n\n",
        // A malformed line that decides nothing.
        "HTTP/1.1 401 x\r\nServer : x\r\nContent-Length: 0\r\n\r\n",
    ] {
        assert_eq!(retry_after(response.as_bytes()), Ok(()), "{response:?}");
    }
}

/// RFC 9112 §6.3, §9.3: when it ends with the response.
#[test]
fn connections_that_end() {
    for response in [
        "HTTP/1.1 401 x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.1 401 x\r\nConnection: keep-alive, CLOSE\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.1 401 x\r\nConnection: keep-alive\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.1 401 x\r\nconnection:\r\n close\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.1 204 x\r\nConnection: close\r\n\r\n",
        "HTTP/1.0 204 x\r\n\r\n",
        "HTTP/1.0 401 x\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.0 401 x\r\nConnection: keep-alive, close\r\nContent-Length: 2\r\n\r\nno",
        // Only the stream ends the body.
        "HTTP/1.1 401 x\r\n\r\nno",
        "HTTP/1.1 401 x\r\nConnection: keep-alive\r\n\r\n",
        // The body cannot be received.
        "HTTP/1.1 401 x\r\nContent-Length: x\r\n\r\nno",
        "HTTP/1.1 401 x\r\nContent-Length: 99999999999\r\n\r\nno",
        "HTTP/1.1 401 x\r\nTransfer-Encoding: gzip, chunked\r\n\r\nno",
        "HTTP/1.1 401 x\r\nTransfer-Encoding: chunked\r\n\r\nno",
        "HTTP/1.0 401 x\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        // It may be understood in two ways.
        "HTTP/1.1 401 x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 401 x\r\nConnection : close\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 401 x\r\nUpgrade : x\r\nConnection : close\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 204 x\r\nContent-Length : 5\r\n\r\n",
    ] {
        assert_eq!(retry_after(response.as_bytes()), Err(RetryError::ConnectionEnds), "{response:?}");
    }
}

/// The body has to end first, and then nothing may be left over: RFC 9112 §9.2.
#[test]
fn not_before_the_end() {
    let request = with_credentials();
    let (mut handshake, _, _) = started(&request_for(URI), &Config::new());
    let mut input = Input::new();
    assert_eq!(handshake.retry(&request, &input), Err(RetryError::NotDeclined));
    for byte in UNAUTHORIZED[1] {
        input.extend_from_slice(&[*byte]);
        let no = handshake.receive(&mut input);
        if no.is_ok() {
            assert_eq!(handshake.retry(&request, &input), Err(RetryError::NotDeclined));
            continue;
        }
        assert_eq!(handshake.retry(&request, &input), Err(RetryError::Body));
        if handshake.receive_body(&mut input).unwrap().is_some() {
            break;
        }
        assert_eq!(handshake.retry(&request, &input), Err(RetryError::Body));
    }
    input.extend_from_slice(b"\r\nHTTP/1.1 302 Found\r\nLocation: //evil.example\r\n\r\n");
    assert_eq!(handshake.retry(&request, &input), Err(RetryError::UnexpectedBytes));
    assert!(!handshake.output().has_remaining());
    assert_eq!(handshake.receive_body(&mut input), Err(BodyError::Over));
    assert_eq!(handshake.retry(&request, &Input::new()), Ok(()), "what is refused changes nothing");
}

/// Once the stream has ended there is nothing to send on.
#[test]
fn not_behind_the_end_of_the_stream() {
    let (mut handshake, mut input) = refused_by(UNAUTHORIZED[0]);
    assert!(handshake.receive_body(&mut input).unwrap().is_some());
    handshake.receive_eof();
    assert_eq!(handshake.retry(&with_credentials(), &input), Err(RetryError::ConnectionEnds));
    // A body that fails is one that ends the connection, too.
    let (mut handshake, mut input) = refused_by(b"HTTP/1.1 401 x\r\nTransfer-Encoding: chunked\r\n\r\nx");
    assert_eq!(handshake.receive_body(&mut input), Err(BodyError::Chunk));
    assert_eq!(handshake.retry(&with_credentials(), &input), Err(RetryError::ConnectionEnds));
}

/// A server may decline before it has the whole request: the rest of that goes out ahead of the next one.
#[test]
fn a_request_that_is_half_written() {
    let mut handshake = Handshake::new(&request_for(URI), ws_proto::Seed::new([7; 32]), &Config::new());
    let (_, first, _) = started(&request_for(URI), &Config::new());
    handshake.output().advance(10);
    let mut input = Input::from(UNAUTHORIZED[0]);
    assert!(handshake.receive(&mut input).is_err());
    assert!(handshake.receive_body(&mut input).unwrap().is_some());
    handshake.retry(&with_credentials(), &input).unwrap();
    let all = [b"GET /chat ", &handshake.output()[..]].concat();
    let mut written = Written::read(&all);
    let second = Written::read(&std::mem::take(&mut written.rest));
    assert_eq!(written, first);
    assert_eq!(second.value("Authorization"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}

/// The limits hold for each answer by itself.
#[test]
fn limits_anew() {
    let head = "HTTP/1.1 401 x\r\nContent-Length: 2\r\n\r\n";
    let config = Config::new().max_head(head.len()).max_body(2);
    let (mut handshake, _, _) = started(&request_for(URI), &config);
    let mut input = Input::new();
    for _ in 0..20 {
        let bytes = format!("{head}no");
        refuse(&mut handshake, &mut input, bytes.as_bytes(), &[bytes.len()]);
        handshake.retry(&request_for(URI), &input).unwrap();
        handshake.output().clear();
    }
    input.extend_from_slice(b"HTTP/1.1 401 xy\r\nContent-Length: 2\r\n\r\n");
    assert!(matches!(handshake.receive(&mut input), Err(Error::Invalid(Flaw::HeadTooLarge))));
}
