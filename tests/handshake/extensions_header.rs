//! The `Sec-WebSocket-Extensions` header: its grammar, what a server sees of it, and that nothing is used unasked.

use crate::common::http::{
    HELLO, Head, Written, asked, declined, flawed, judge, refused, request_for, started, take_output, taken,
};
use ws_proto::handshake::client::{Error, Flaw};
use ws_proto::handshake::server::{Answer, Reason, Request};
use ws_proto::{Cause, Config, Event, Input, Violation};

const NAME: &str = "Sec-WebSocket-Extensions";

fn with(lines: &[&str]) -> Head {
    lines.iter().fold(Head::request(), |head, line| head.add(NAME, line))
}

/// The offers of a request, written in one way only: `name;key=value;key`, values in brackets.
fn offers(request: &Request) -> Vec<String> {
    let show = |(key, value): (&str, Option<std::borrow::Cow<'_, str>>)| match value {
        Some(value) => format!(";{key}=[{value}]"),
        None => format!(";{key}"),
    };
    let name = |extension: ws_proto::handshake::Extension<'_>| {
        extension.name().to_owned() + &extension.parameters().map(show).collect::<String>()
    };
    request.extensions().map(name).collect()
}

/// Values within the grammar, and what they hold.
const GOOD: &[(&str, &[&str])] = &[
    ("foo", &["foo"]),
    ("foo, bar", &["foo", "bar"]),
    ("foo;a", &["foo;a"]),
    ("foo; a=b", &["foo;a=[b]"]),
    ("foo; a=\"b\"", &["foo;a=[b]"]),
    ("foo; a=\"b\\c\\d\"", &["foo;a=[bcd]"]),
    ("foo; a=\"\\b\"; c", &["foo;a=[b];c"]),
    ("foo; a=b; a=c; a", &["foo;a=[b];a=[c];a"]),
    ("foo;a=b,bar;c=\"d\",foo", &["foo;a=[b]", "bar;c=[d]", "foo"]),
    ("deflate-stream", &["deflate-stream"]),
    ("mux; max-channels=4; flow-control, deflate-stream", &["mux;max-channels=[4];flow-control", "deflate-stream"]),
    ("private-extension", &["private-extension"]),
    ("permessage-deflate; client_max_window_bits", &["permessage-deflate;client_max_window_bits"]),
    (
        "permessage-deflate; client_max_window_bits; server_max_window_bits=10, permessage-deflate; x=\"15\"",
        &["permessage-deflate;client_max_window_bits;server_max_window_bits=[10]", "permessage-deflate;x=[15]"],
    ),
    (
        "!#$%&'*+-.^_`|~09Az; !#$%&'*+-.^_`|~=!#$%&'*+-.^_`|~",
        &["!#$%&'*+-.^_`|~09Az;!#$%&'*+-.^_`|~=[!#$%&'*+-.^_`|~]"],
    ),
    // White space between the elements, and empty elements, as RFC 2616 §2.1 has them in lists.
    (" \tfoo\t;\ta\t=\tb\t,\tbar ", &["foo;a=[b]", "bar"]),
    ("foo ; a = \"b\" ; c , bar", &["foo;a=[b];c", "bar"]),
    ("foo,bar", &["foo", "bar"]),
    (",foo,, ,bar,", &["foo", "bar"]),
    // Names that mean something to some languages, and nothing here.
    ("constructor, __proto__; toString=hasOwnProperty", &["constructor", "__proto__;toString=[hasOwnProperty]"]),
];

/// Quoted values that are no tokens, of an extension that is not understood, and what they hold.
const NO_TOKENS: &[(&str, &[&str])] = &[
    ("foo; a=\"\"", &["foo;a=[]"]),
    ("foo; a=\"b c\"", &["foo;a=[b c]"]),
    ("foo; a=\"b,c\"", &["foo;a=[b,c]"]),
    ("foo; a=\"b;c\"", &["foo;a=[b;c]"]),
    ("foo; a=\"b=c\"", &["foo;a=[b=c]"]),
    ("foo; a=\"b\\\"c\"", &["foo;a=[b\"c]"]),
    ("foo; a=\"b\\\\c\"", &["foo;a=[b\\c]"]),
    ("foo; a=\"b\\ c\"", &["foo;a=[b c]"]),
    ("foo; a=\" b\"", &["foo;a=[ b]"]),
    ("foo; a=\"b\tc\"", &["foo;a=[b\tc]"]),
    ("foo; a=\"\u{2713}\"", &["foo;a=[\u{2713}]"]),
    ("foo; a=\"\\\u{2713}\"", &["foo;a=[\u{2713}]"]),
];

/// Lists without an element.
const EMPTY: &[&str] = &["", ",", " , ,", "\t"];

/// Values outside the grammar.
const BAD: &[&str] = &[
    ";",
    ";a",
    "foo;",
    "foo; ;a",
    "foo;,bar",
    "foo; =b",
    "foo; a=",
    "foo; a=;b",
    "foo; a=,bar",
    "foo; a=\"b",
    "foo; a=\"b\\\"",
    "foo; a=\"b\\",
    "foo; a=\"",
    "foo; a=b\"",
    "foo; a=\"b\"c",
    "foo; a=\"b\" c",
    "foo; a=\"b\"\"c\"",
    "foo; a=b c",
    "foo; a b",
    "foo; a=b=c",
    "foo; \"a\"=b",
    "foo bar",
    "foo=bar",
    "\"foo\"",
    "foo/1",
    "foo; a/b",
    "foo; a=b/c",
    "foo; a='b c'",
    "foo; a=(b)",
    "foo; a={b}",
    "foo@bar",
    "foo:bar",
    "f\u{f6}\u{f6}",
    "foo; a=\u{2713}",
    "foo, bar;",
    "foo, ;bar",
    "foo, \"",
];

/// 6455-4.3-2, 6455-4.3-9, 6455-9.1-2, 6455-9.1-8, 6455-4.2.1-10: offers in their order, quoted values unquoted, white
/// space without meaning.
#[test]
fn offers_are_read() {
    for (value, expected) in GOOD.iter().chain(NO_TOKENS) {
        assert_eq!(offers(&asked(&with(&[value]).bytes()).request), *expected, "{value}");
    }
    assert!(offers(&asked(&Head::request().bytes()).request).is_empty());
}

/// 6455-9.1-1, 6455-4.3-2, 6455-4.3-3, 6455-4.2.1-1: what breaks the grammar ends the handshake with 400, also in a
/// later line.
#[test]
fn malformed_offers_are_refused() {
    for value in BAD {
        assert_eq!(refused(&with(&[value]).bytes(), Reason::Extensions).status(), 400, "{value}");
        assert_eq!(refused(&with(&["foo; a=b", value]).bytes(), Reason::Extensions).status(), 400, "{value}");
    }
    for byte in [0x80, 0xc3, 0xff] {
        let head = Head::request().add(NAME, [b"foo; a=", &[byte][..]].concat());
        refused(&head.bytes(), Reason::Extensions);
    }
}

/// 6455-9.1-3: several lines mean the same as one, wherever else they stand.
#[test]
fn lines_are_joined() {
    let one = offers(&asked(&with(&["foo, bar; baz=2, foo; a, x"]).bytes()).request);
    let several =
        with(&["foo"]).add("X-Between", "y").add("sec-websocket-extensions", "bar; baz=2").add(NAME, "foo; a, x");
    assert_eq!(offers(&asked(&several.bytes()).request), one);
    assert_eq!(one, ["foo", "bar;baz=[2]", "foo;a", "x"]);
    // A quoted string does not go on in the next line.
    refused(&with(&["foo; a=\"b", "c\""]).bytes(), Reason::Extensions);
}

/// 6455-9-3, 6455-4.2.2-13, 6455-4.2.2-14, 6455-9-2, 6455-9-1, 6455-4.1-36: a client may offer, and a server accepts
/// some or none of it: this crate knows no extension, so a server answers with none, whatever is offered.
#[test]
fn no_offer_is_accepted() {
    for (value, _) in GOOD {
        let mut ws = asked(&with(&[value]).bytes()).request.accept(Answer::new()).unwrap();
        assert!(Written::read(&take_output(&mut ws)).values(NAME).is_empty(), "{value}");
    }
    assert!(Answer::new().header(NAME, "permessage-deflate").is_err(), "nor can one be written by hand");
    assert!(Answer::new().header("sec-websocket-EXTENSIONS", "foo").is_err());
}

/// 6455-5.8-1, 6455-9.1-6: an extension that was offered and not accepted is not in use: RSV1 fails the connection.
#[test]
fn an_offer_is_not_an_agreement() {
    let asked = asked(&with(&["permessage-deflate"]).bytes());
    let mut ws = asked.request.accept(Answer::new()).unwrap();
    let mut input = Input::from(&[0xc1, 0x80, 0, 0, 0, 0][..]);
    let Some(Event::Closed(closed)) = ws.receive(&mut input) else { panic!("the bit has no meaning") };
    assert_eq!(closed.cause, Cause::Violation(Violation::ReservedBit));
}

/// 6455-5.8-1, CVE-2026-59881: a client offers nothing by itself, and what is not agreed is not in use.
#[test]
fn a_client_offers_nothing() {
    let (_, written, _) = started(&request_for("ws://example.com/"), &Config::new());
    assert!(written.values(NAME).is_empty());
    assert!(request_for("ws://example.com/").header(NAME, "permessage-deflate").is_err(), "it could not be used");
    let mut taken = taken(|accept| Head::switching(accept).then([0xc1, 0x00]));
    let mut input = Input::from(&taken.rest[..]);
    let Some(Event::Closed(closed)) = taken.accepted.connection.receive(&mut input) else {
        panic!("no such extension")
    };
    assert_eq!(closed.cause, Cause::Violation(Violation::ReservedBit));
}

/// 6455-4.1-44, 6455-9-3, 6455-9.1-1, CVE-2026-2229: an answer with an extension that was not offered, whatever its
/// parameters, or with a value outside the grammar.
#[test]
fn an_answer_with_an_extension() {
    for value in GOOD.iter().chain(NO_TOKENS).map(|(value, _)| *value).chain(BAD.iter().copied()).chain([
        "permessage-deflate; server_max_window_bits=0",
        "permessage-deflate; server_max_window_bits=99999999999999999999",
        "permessage-deflate; server_max_window_bits=-1",
    ]) {
        flawed(|accept| Head::switching(accept).add(NAME, value).bytes(), Flaw::Extension);
        flawed(
            |accept| Head::switching(accept).add("X-Before", "x").add(NAME.to_lowercase(), value).then(HELLO),
            Flaw::Extension,
        );
    }
    for empty in EMPTY {
        flawed(|accept| Head::switching(accept).add(NAME, empty).add(NAME, "foo").bytes(), Flaw::Extension);
        flawed(|accept| Head::switching(accept).add(NAME, "foo").add(NAME, empty).bytes(), Flaw::Extension);
    }
    flawed(|accept| Head::switching(accept).add(NAME, b"\xff").bytes(), Flaw::Extension);
}

/// Only an answer that says yes is held to the grammar: with another status the field has no meaning.
#[test]
fn a_no_with_an_extension_is_a_no() {
    let no = declined(|_| Head::new("HTTP/1.1 404 Not Found").add(NAME, "foo; a=\"").bytes());
    assert_eq!(no.response.header(NAME), Some(&b"foo; a=\""[..]));
}

/// CVE-2020-7662, CVE-2020-7663: an unclosed quoted string of escapes costs no more than its length.
#[test]
fn unclosed_quoted_strings() {
    let config = Config::new().max_head(1 << 20);
    for tail in ["", ",", ";", "\\", "\u{e9}"] {
        let value = format!("foo; a=\"{}{tail}", "\\c".repeat(200_000));
        let mut input = Input::from(&Head::request().add(NAME, &value).bytes()[..]);
        let rejection = ws_proto::handshake::server::Handshake::new(&config).receive(&mut input).expect_err("no end");
        assert_eq!(rejection.reason(), Reason::Extensions);
        let answer = judge(|accept| Head::switching(accept).add(NAME, &value[..20_000]).bytes());
        assert!(matches!(answer, Err(Error::Invalid(Flaw::Extension))));
    }
}

/// Very many elements and parameters are read in time that is linear in their number.
#[test]
fn very_many_elements() {
    let config = Config::new().max_head(4 << 20);
    for (element, count, parameters) in [("x,", 200_000, 0), ("x;a;b=c;d=\"e\\f\",", 40_000, 3)] {
        let head = Head::request().add(NAME, element.repeat(count));
        let mut input = Input::from(&head.bytes()[..]);
        let request = ws_proto::handshake::server::Handshake::new(&config).receive(&mut input).unwrap().unwrap();
        assert_eq!(request.extensions().count(), count);
        assert!(request.extensions().all(|extension| extension.parameters().count() == parameters));
    }
    let head = Head::request().add(NAME, format!("x{}", ";a=b".repeat(200_000)));
    let mut input = Input::from(&head.bytes()[..]);
    let request = ws_proto::handshake::server::Handshake::new(&config).receive(&mut input).unwrap().unwrap();
    assert_eq!(request.extensions().next().unwrap().parameters().count(), 200_000);
}
