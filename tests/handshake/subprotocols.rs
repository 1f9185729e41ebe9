//! Subprotocols: what a client lists, what a server chooses, and what the client takes.

use crate::common::http::{
    HELLO, Head, Written, asked, flawed, flawed_with, is_token_byte, judge_with, refused, request_for, started,
    take_output, taken,
};
use ws_proto::Config;
use ws_proto::handshake::BuildError;
use ws_proto::handshake::client::{Flaw, Request as Wish};
use ws_proto::handshake::server::{Answer, Reason, Request};

const NAME: &str = "Sec-WebSocket-Protocol";

fn with(lines: &[&str]) -> Head {
    lines.iter().fold(Head::request(), |head, line| head.add(NAME, line))
}

fn request(lines: &[&str]) -> Request {
    asked(&with(lines).bytes()).request
}

fn wish(names: &[&str]) -> Wish {
    names.iter().fold(request_for("ws://example.com/"), |wish, name| wish.subprotocol(name).unwrap())
}

/// Texts that are no subprotocol: not a token, or empty.
fn not_tokens() -> Vec<String> {
    let mut all: Vec<String> =
        ["", " ", " chat", "chat ", "chat, superchat", "ch\u{e4}t", "\u{2713}", "chat\r\nX: y", "chat\0"]
            .map(String::from)
            .to_vec();
    all.extend((0..=0x7f).filter(|&byte| !is_token_byte(byte)).map(|byte| format!("a{}b", char::from(byte))));
    all
}

/// 6455-4.2.1-9, 6455-4.3-4, 6455-4.3-9: the server sees the list in its order, over several lines, with white space
/// and empty elements as RFC 2616 §2.1 has them.
#[test]
fn a_server_reads_the_list() {
    for (lines, expected) in [
        (&[][..], &[][..]),
        (&["chat"], &["chat"]),
        (&["chat, superchat"], &["chat", "superchat"]),
        (&["superchat,chat"], &["superchat", "chat"]),
        (&[" chat\t,\tsuperchat "], &["chat", "superchat"]),
        (&[",chat,, ,superchat,"], &["chat", "superchat"]),
        (&["b, a", "c"], &["b", "a", "c"]),
        (&["c", "b", "a"], &["c", "b", "a"]),
        (&["chat, Chat, CHAT"], &["chat", "Chat", "CHAT"]),
        (&["v10.stomp, v11.stomp", "wamp.2.json"], &["v10.stomp", "v11.stomp", "wamp.2.json"]),
        (&["!#$%&'*+-.^_`|~09Az"], &["!#$%&'*+-.^_`|~09Az"]),
    ] {
        assert_eq!(request(lines).subprotocols().collect::<Vec<_>>(), expected, "{lines:?}");
    }
}

/// 6455-4.3-4, 6455-4.1-34, 6455-4.1-35, 6455-4.2.1-1: lists that are not lists of different tokens get 400.
#[test]
fn a_server_refuses_what_is_no_list() {
    for value in [
        "chat superchat",
        "chat; superchat",
        "chat/1",
        "\"chat\"",
        "ch@t",
        "chat=1",
        "(chat)",
        "chat,{x}",
        "chat, chat",
        "a, b, c, a",
        "ch\u{e4}t",
        "chat, \u{2713}",
    ] {
        assert_eq!(refused(&with(&[value]).bytes(), Reason::Subprotocols).status(), 400, "{value}");
    }
    refused(&with(&["chat", "chat"]).bytes(), Reason::Subprotocols);
    refused(&with(&["chat, a", "b, chat"]).bytes(), Reason::Subprotocols);
    refused(&with(&["chat", "super chat"]).bytes(), Reason::Subprotocols);
    refused(&Head::request().add(NAME, b"chat, \xff").bytes(), Reason::Subprotocols);
}

/// 6455-4.2.2-10, 6455-4.2.2-20, 6455-4.3-6, 6455-4.2.2-12: the answer carries one token, one of the list.
#[test]
fn a_server_chooses_one() {
    for name in ["chat", "superchat", "x.y"] {
        let answer = Answer::new().subprotocol(name).unwrap();
        let mut ws = request(&["chat, superchat", "x.y"]).accept(answer).unwrap();
        let written = Written::read(&take_output(&mut ws));
        assert_eq!(written.value(NAME), name);
    }
}

/// 6455-4.2.2-10, 6455-4.2.2-11: one that the client did not list cannot be answered, in another case neither; nor any
/// where there is no list.
#[test]
fn a_server_cannot_choose_another() {
    for (lines, name) in [
        (&["chat, superchat"][..], "super"),
        (&["chat"], "Chat"),
        (&["chat"], "cha"),
        (&["chat"], "chatt"),
        (&["a-b"], "a"),
        (&[], "chat"),
    ] {
        let answer = Answer::new().subprotocol(name).unwrap();
        let error = request(lines).accept(answer).expect_err("it is not listed");
        assert_eq!(error, BuildError::UnlistedSubprotocol, "{lines:?}");
    }
    // The request is still there, for an answer that fits.
    let request = request(&["chat"]);
    assert!(request.accept(Answer::new().subprotocol("other").unwrap()).is_err());
    assert!(request.accept(Answer::new().subprotocol("chat").unwrap()).is_ok());
}

/// 6455-4.2.2-11: without a choice there is no header.
#[test]
fn a_server_may_choose_none() {
    for lines in [&[][..], &["chat"], &["chat, superchat"]] {
        let mut ws = request(lines).accept(Answer::new()).unwrap();
        assert!(Written::read(&take_output(&mut ws)).values(NAME).is_empty());
    }
}

/// 6455-4.2.2-12, 6455-4.3-6, CVE-2026-1527: what is not a token cannot be an answer, an empty text neither, and a
/// second header by hand cannot be either.
#[test]
fn a_server_cannot_write_what_is_no_token() {
    for name in not_tokens() {
        assert_eq!(Answer::new().subprotocol(&name), Err(BuildError::Subprotocol), "{name:?}");
    }
    for name in [NAME, "sec-websocket-protocol"] {
        assert!(matches!(Answer::new().header(name, "chat"), Err(BuildError::ReservedHeader(_))));
    }
}

/// The client's order decides, not the server's.
#[test]
fn the_first_of_the_client_that_is_supported() {
    for (lines, supported, chosen) in [
        (&["a, b, c"][..], &["c", "b"][..], Some("b")),
        (&["c", "b, a"], &["a", "b", "c"], Some("c")),
        (&["a"], &["A", "b"], None),
        (&["a"], &[], None),
        (&[], &["a"], None),
    ] {
        assert_eq!(request(lines).choose_subprotocol(supported), chosen, "{lines:?} {supported:?}");
    }
    assert_eq!(request(&["a"]).choose_subprotocol(&[String::from("a")]), Some("a"));
}

/// 6455-4.1-33, 6455-4.1-34: the client writes its list, best first.
#[test]
fn a_client_lists_what_it_wants() {
    for names in [&["chat"][..], &["superchat", "chat"], &["v2", "V2", "v1", "!#$%&'*+-.^_`|~09Az"]] {
        let (_, written, _) = started(&wish(names), &Config::new());
        let values = written.values(NAME).join(&b", "[..]);
        let values = String::from_utf8(values).unwrap();
        assert_eq!(values.split(',').map(str::trim).collect::<Vec<_>>(), names);
    }
    let (_, written, _) = started(&wish(&[]), &Config::new());
    assert!(written.values(NAME).is_empty());
}

/// 6455-4.1-34, 6455-4.1-35, CVE-2026-47072: a client cannot list what is no token, or one name twice.
#[test]
fn a_client_cannot_list_what_is_no_token() {
    for name in not_tokens() {
        assert_eq!(wish(&["chat"]).subprotocol(&name), Err(BuildError::Subprotocol), "{name:?}");
    }
    for names in [&["chat"][..], &["chat", "x"], &["x", "y", "chat", "z"]] {
        assert_eq!(wish(names).subprotocol("chat"), Err(BuildError::RepeatedSubprotocol));
    }
    for name in [NAME, "SEC-WEBSOCKET-PROTOCOL"] {
        assert!(matches!(wish(&[]).header(name, "chat"), Err(BuildError::ReservedHeader(_))));
    }
}

/// 6455-4.1-48: what the answer says is in use, or none.
#[test]
fn a_client_learns_what_is_in_use() {
    let wish = wish(&["chat", "superchat"]);
    for name in ["chat", "superchat"] {
        let answer = judge_with(&Config::new(), &wish, |accept| Head::switching(accept).add(NAME, name).then(HELLO));
        assert_eq!(answer.unwrap().unwrap().accepted.subprotocol.as_deref(), Some(name));
    }
    let answer = judge_with(&Config::new(), &wish, |accept| Head::switching(accept).bytes());
    assert_eq!(answer.unwrap().unwrap().accepted.subprotocol, None);
    assert_eq!(taken(|accept| Head::switching(accept).bytes()).accepted.subprotocol, None);
}

/// 6455-4.1-45, 6455-4.1-46, 6455-4.2.2-12, 6455-4.3-6: anything but one of the list fails the connection: a bug of
/// released crates was to let the last of several lines win.
#[test]
fn a_client_refuses_another_choice() {
    let listed = wish(&["chat", "superchat"]);
    for lines in [
        &["other"][..],
        &["Chat"],
        &["chat2"],
        &["cha"],
        &["chat, superchat"],
        &["chat,"],
        &["\"chat\""],
        &["chat superchat"],
        &["chat; x"],
        &["chat", "superchat"],
        &["chat", "chat"],
        &["other", "chat"],
        &["chat", "other"],
        &[",chat"],
        &["", "other"],
        &["other", ","],
        &["chat", "", "chat"],
    ] {
        let answer =
            |accept: &str| lines.iter().fold(Head::switching(accept), |head, line| head.add(NAME, line)).bytes();
        flawed_with(&Config::new(), &listed, answer, Flaw::Subprotocol);
        flawed(answer, Flaw::Subprotocol);
    }
    flawed(|accept| Head::switching(accept).add(NAME, "chat").bytes(), Flaw::Subprotocol);
    flawed(|accept| Head::switching(accept).add(NAME.to_lowercase(), b"\xff").bytes(), Flaw::Subprotocol);
}

/// Very many names are checked for repetitions in time that does not grow with their square.
#[test]
fn very_many_names() {
    let config = Config::new().max_head(4 << 20);
    let list: String = (0..100_000).map(|i| format!("p{i},")).collect();
    let head = Head::request().add(NAME, &list);
    let mut input = ws_proto::Input::from(&head.bytes()[..]);
    let request = ws_proto::handshake::server::Handshake::new(&config).receive(&mut input).unwrap().unwrap();
    assert_eq!(request.subprotocols().count(), 100_000);
}
