//! Extensions of the application's own in the handshake: offered and answered beside permessage-deflate, and never unasked.

use crate::common::http::{Head, Taken, Written, asked, flawed_with, judge_with, request_for, started, take_output};
use ws_proto::handshake::client::{Flaw, Request};
use ws_proto::handshake::server::Answer;
use ws_proto::handshake::{BuildError, Extension};
use ws_proto::{Config, Connection, Event, Input, Message, MessageKind, ReservedBits, Seed};

const NAME: &str = "Sec-WebSocket-Extensions";
const URI: &str = "ws://example.com/chat";

/// A request that makes these offers.
fn offering(offers: &[&str]) -> Request {
    offers.iter().fold(request_for(URI), |request, offer| request.extension(offer).expect("an extension"))
}

/// The one line that the request with these offers has, if it has one.
fn written(request: &Request, config: &Config) -> Vec<String> {
    let (_, written, _) = started(request, config);
    written.values(NAME).iter().map(|value| String::from_utf8(value.to_vec()).expect("ASCII")).collect()
}

/// What is written, and how it goes on the wire.
const GOOD: &[(&str, &str)] = &[
    ("x", "x"),
    ("x-name; param=1", "x-name; param=1"),
    (" x-name;param =\t1 ;b ", "x-name; param=1; b"),
    ("x; a=\"b\"", "x; a=b"),
    ("x; a=\"b c\"", "x; a=\"b c\""),
    ("x; a=\"b, y; c\"", "x; a=\"b, y; c\""),
    ("x; a=\"\\\"\\\\\\c\"", "x; a=\"\\\"\\\\c\""),
    ("x; a=\"\"", "x; a=\"\""),
    ("bbf-usp-protocol; eid=\"os::0019C7-123456\"", "bbf-usp-protocol; eid=\"os::0019C7-123456\""),
    ("x; a; a=1; a=2", "x; a; a=1; a=2"),
    ("x; a=\"\u{e9}\"", "x; a=\"\u{e9}\""),
];

/// What is not one extension.
const BAD: &[&str] = &[
    "",
    " ",
    ",",
    ";",
    "x, y",
    "x; a=b, y",
    "x;",
    "x; =1",
    "x; a=",
    "x; a=\"b",
    "x; a=b c",
    "x y",
    "x/1",
    "\u{e9}",
    "x\r\nX-Evil: 1",
    "x; a=b\r\n\r\n",
    "x; a=\"\r\nX-Evil: 1\"",
    "x; a=\"\n\"",
    "x; a=\"\0\"",
    "x; a=\"\\\n\"",
    "x; a=\"\x7f\"",
];

/// 6455-4.1-36, 6455-9-1, 6455-9.1-4: offers of the application's in the order of the calls, in one line.
#[test]
fn offers_are_listed() {
    for (offer, expected) in GOOD {
        assert_eq!(written(&offering(&[offer]), &Config::new()), [*expected], "{offer:?}");
    }
    let several = offering(&["a; x=1", "b", "c; y=\"1 2\""]);
    assert_eq!(written(&several, &Config::new()), ["a; x=1, b, c; y=\"1 2\""]);
    assert!(written(&offering(&[]), &Config::new()).is_empty());
    // Names that differ in case differ.
    assert_eq!(written(&offering(&["a", "A"]), &Config::new()), ["a, A"]);
}

/// 6455-9.1-1, 6455-4.1-19: nothing can end a line or begin another element, and what is refused changes nothing.
#[test]
fn offers_that_may_not_be() {
    for bad in BAD {
        let before = offering(&["a", "b; c=secret"]);
        let mut request = before.clone();
        let error = request.add_extension(bad).expect_err(bad);
        assert!(matches!(error, BuildError::Extension(_)), "{bad:?}: {error:?}");
        assert!(error.to_string().contains("§9.1"), "{error}");
        assert_eq!(request, before);
        assert!(matches!(Answer::new().extension(bad), Err(BuildError::Extension(_))), "{bad:?}");
    }
    for name in ["permessage-deflate", "permessage-deflate; client_max_window_bits", "Permessage-Deflate"] {
        assert_eq!(offering(&[]).extension(name), Err(BuildError::ReservedExtension));
        assert_eq!(Answer::new().extension(name).err(), Some(BuildError::ReservedExtension));
    }
    let repeated = BuildError::RepeatedExtension("a".into());
    assert_eq!(offering(&["a; x=1", "b"]).extension("a; x=2"), Err(repeated.clone()));
    let answer = Answer::new().extension("a").and_then(|answer| answer.extension("a; x=secret"));
    assert_eq!(answer.err(), Some(repeated));
}

/// `Debug` shows nothing of the parameters.
#[test]
fn parameters_are_not_shown() {
    let shown = format!("{:?}", offering(&["x-key; token=secret"]));
    assert!(!shown.contains("secret") && !shown.contains("token"), "{shown}");
    let answer = Answer::new().extension("x-key; token=secret").expect("an extension");
    assert!(!format!("{answer:?}").contains("secret"));
    let extension = Extension::parse("x-key; token=secret").expect("an extension");
    let shown = format!("{extension:?} {:?}", extension.clone().into_owned());
    assert!(shown.contains("x-key") && !shown.contains("secret"), "{shown}");
}

/// The answer that a client must accept, with this value of the header.
fn taken(config: &Config, request: &Request, value: &str) -> Taken {
    match judge_with(config, request, |accept| Head::switching(accept).add(NAME, value).bytes()) {
        Ok(Some(taken)) => taken,
        other => panic!("{value:?} is allowed, but: {other:?}"),
    }
}

fn refused(config: &Config, request: &Request, value: &str) {
    flawed_with(config, request, |accept| Head::switching(accept).add(NAME, value).bytes(), Flaw::Extension);
}

/// The extensions of a response: `name;key=value;key`.
fn names(taken: &Taken) -> Vec<String> {
    let show = |(key, value): (&str, Option<std::borrow::Cow<'_, str>>)| match value {
        Some(value) => format!(";{key}={value}"),
        None => format!(";{key}"),
    };
    let name =
        |extension: Extension<'_>| extension.name().to_owned() + &extension.parameters().map(show).collect::<String>();
    taken.accepted.response.extensions().map(name).collect()
}

/// 6455-4.1-48, 6455-9-1, 6455-9.1-5: what was offered is accepted with whatever parameters: those are the application's to check.
#[test]
fn answers_to_offers() {
    let request = offering(&["a; x=1", "b", "c"]);
    let none = judge_with(&Config::new(), &request, |accept| Head::switching(accept).bytes());
    assert!(names(&none.expect("all may be declined").expect("whole")).is_empty());
    for (value, expected) in [
        ("a", &["a"][..]),
        ("a; x=2; y", &["a;x=2;y"]),
        ("c, a; z=\"1 2\"", &["c", "a;z=1 2"]),
        ("b,a,c", &["b", "a", "c"]),
        (", b ,", &["b"]),
    ] {
        let taken = taken(&Config::new(), &request, value);
        assert_eq!(names(&taken), expected);
        assert_eq!(taken.accepted.connection.reserved_bits(), None, "that is the application's to say");
    }
    let lines = |accept: &str| Head::switching(accept).add(NAME, "b").add(NAME, "a; x=1").bytes();
    let taken = judge_with(&Config::new(), &request, lines).expect("two lines are a list").expect("whole");
    assert_eq!(names(&taken), ["b", "a;x=1"]);
}

/// 6455-4.1-44, 6455-9-3, 6455-9.1-1: what was not offered, or comes twice, or breaks the grammar.
#[test]
fn answers_to_nothing() {
    let request = offering(&["a; x=1", "b"]);
    for value in [
        "c",
        "A",
        "a, c",
        "a, b, a",
        "b; x, b; x",
        "x",
        "a; x=\"",
        "a b",
        "permessage-deflate",
        "a, permessage-deflate",
    ] {
        refused(&Config::new(), &request, value);
    }
    let twice = |accept: &str| Head::switching(accept).add(NAME, "a").add(NAME, "a").bytes();
    flawed_with(&Config::new(), &request, twice, Flaw::Extension);
}

/// A request with these lines of offers.
fn asking(lines: &[&str]) -> ws_proto::handshake::server::Request {
    asked(&lines.iter().fold(Head::request(), |head, line| head.add(NAME, line)).bytes()).request
}

/// The value of the header in the 101 of a server that answers so.
fn answered(lines: &[&str], answers: &[&str]) -> Result<Vec<String>, BuildError> {
    let answer = answers.iter().try_fold(Answer::new(), |answer, extension| answer.extension(extension))?;
    let mut ws = asking(lines).accept(answer)?;
    let written = Written::read(&take_output(&mut ws));
    Ok(written.values(NAME).iter().map(|value| String::from_utf8(value.to_vec()).expect("ASCII")).collect())
}

/// 6455-4.2.2-13, 6455-4.2.2-21, 6455-9-2: a server lists the extensions of its answer, in the order of the calls.
#[test]
fn a_server_answers() {
    for (answer, expected) in GOOD {
        let name = answer.trim().split(';').next().expect("a name");
        assert_eq!(answered(&["first", name], &[answer]), Ok(vec![(*expected).to_owned()]), "{answer}");
    }
    assert_eq!(answered(&["a; x=1, b", "c"], &["c", "a; x=2"]), Ok(vec!["c, a; x=2".to_owned()]));
    assert_eq!(answered(&["a, a; x"], &["a"]), Ok(vec!["a".to_owned()]));
    assert_eq!(answered(&["a"], &[]), Ok(vec![]));
}

/// 6455-4.2.2-14, 6455-9-3: a server never answers with what was not offered.
#[test]
fn a_server_does_not_answer_unasked() {
    for (lines, answers, name) in [
        (&[][..], &["a"][..], "a"),
        (&["b"], &["a; x=secret"], "a"),
        (&["a"], &["A"], "A"),
        (&["a, b"], &["b", "c"], "c"),
    ] {
        assert_eq!(answered(lines, answers), Err(BuildError::UnofferedExtension(name.into())), "{lines:?}");
    }
    let error = BuildError::UnofferedExtension("a".into()).to_string();
    assert!(error.contains("\"a\"") && error.contains("§4.2.2"), "{error}");
}

/// Bytes of one side for the other.
fn carry(from: &mut Connection, to: &mut Input) {
    to.put(from.output());
}

/// 6455-5.8-1, 6455-9.1-6, 6455-5.2-2: both handshakes and a message with a reserved bit each way.
#[test]
fn an_extension_from_end_to_end() {
    let request = offering(&["x-turn; by=1"]);
    let mut handshake = ws_proto::handshake::client::Handshake::new(&request, Seed::new([3; 32]), &Config::new());
    let mut wire = Input::from(&handshake.output()[..]);
    let asked = ws_proto::handshake::server::Handshake::new(&Config::new()).receive(&mut wire);
    let asked = asked.expect("a valid request").expect("whole");
    let offer = asked.extensions().find(|offer| offer.name() == "x-turn").expect("it was offered");
    let mut server = asked.accept(Answer::new().extension(&offer.to_string()).expect("an extension")).expect("offered");
    server.set_reserved_bits(ReservedBits::RSV1).expect("it is free");

    let (mut to_client, mut to_server) = (Input::new(), Input::new());
    let message = |payload: &'static [u8]| Message::Extension {
        kind: MessageKind::Text,
        reserved: ReservedBits::RSV1,
        payload: payload.into(),
    };
    server.send(message(b"\xff behind the 101")).expect("it is open");
    carry(&mut server, &mut to_client);
    let mut accepted = handshake.receive(&mut to_client).expect("a valid answer").expect("whole");
    let extension = accepted.response.extensions().next().expect("it is in use");
    assert_eq!(extension.to_string(), "x-turn; by=1");
    accepted.connection.set_reserved_bits(ReservedBits::RSV1).expect("it is free");
    let mut client = accepted.connection;
    let Some(Event::Extension { kind, reserved, payload }) = client.receive(&mut to_client) else {
        panic!("a message")
    };
    assert_eq!((kind, reserved, &payload[..]), (MessageKind::Text, ReservedBits::RSV1, &b"\xff behind the 101"[..]));
    client.send(message(b"back")).expect("it is open");
    carry(&mut client, &mut to_server);
    let Some(Event::Extension { payload, .. }) = server.receive(&mut to_server) else { panic!("a message") };
    assert_eq!(payload, b"back");
}

#[cfg(feature = "deflate")]
mod beside_deflate {
    use super::*;
    use ws_proto::{DeflateConfig, DeflateParameters};

    fn compressing() -> Config {
        Config::new().deflate(DeflateConfig::new())
    }

    /// 7692-5-1, 6455-4.1-36: compression is offered as before, behind the application's.
    #[test]
    fn offers_of_both() {
        let request = offering(&["a; x=1", "b"]);
        let deflate = "permessage-deflate; client_max_window_bits";
        assert_eq!(written(&request, &compressing()), [format!("a; x=1, b, {deflate}")]);
        assert_eq!(written(&offering(&[]), &compressing()), [deflate]);
        let fallback = Config::new().deflate(DeflateConfig::new().receive_window_bits(9).fallback(true));
        let two = "permessage-deflate; server_max_window_bits=9; client_max_window_bits, permessage-deflate; client_max_window_bits";
        assert_eq!(written(&offering(&["a"]), &fallback), [format!("a, {two}")]);
    }

    /// 6455-4.1-44, 6455-4.1-48, 7692-5-1: compression is checked wherever it stands.
    #[test]
    fn answers_to_both() {
        let request = offering(&["a", "b"]);
        let agreed = DeflateParameters { client_max_window_bits: 9, ..DeflateParameters::new() };
        let deflate = "permessage-deflate; client_max_window_bits=9";
        for value in [
            deflate.to_owned(),
            format!("{deflate}, a"),
            format!("a, {deflate}"),
            format!("a; x, {deflate}, b"),
            format!("b, a, {deflate}"),
        ] {
            let taken = taken(&compressing(), &request, &value);
            assert_eq!(taken.accepted.connection.deflate_parameters(), Some(agreed), "{value}");
            assert_eq!(names(&taken).len(), value.split(',').count());
        }
        assert_eq!(taken(&compressing(), &request, "a").accepted.connection.deflate_parameters(), None);
        let bad = "permessage-deflate; client_max_window_bits";
        for value in [
            format!("{deflate}, {deflate}"),
            format!("a, {deflate}, b, {deflate}"),
            format!("{deflate}, c"),
            format!("a, {bad}"),
            format!("{bad}, a"),
            format!("{deflate}, a, {bad}"),
            format!("{bad}, {deflate}"),
            "a, permessage-deflate; x".to_owned(),
        ] {
            refused(&compressing(), &request, &value);
        }
    }

    /// The 101 of a server that compresses, and what it has agreed on.
    fn answered(offers: &str, answer: Answer) -> (Vec<String>, Connection) {
        let head = Head::request().add(NAME, offers);
        let mut wire = Input::from(&head.bytes()[..]);
        let request = ws_proto::handshake::server::Handshake::new(&compressing()).receive(&mut wire);
        let mut ws = request.expect("a valid request").expect("whole").accept(answer).expect("it was offered");
        let written = Written::read(&take_output(&mut ws));
        (written.values(NAME).iter().map(|value| String::from_utf8(value.to_vec()).expect("ASCII")).collect(), ws)
    }

    /// 6455-4.2.2-13, 6455-4.2.2-21, 7692-5-11: compression is listed last, or declined for the sake of RSV1.
    #[test]
    fn a_server_answers_both() {
        let offers = "a, permessage-deflate; server_max_window_bits=10, b";
        let both = || Answer::new().extension("b; y=1").and_then(|answer| answer.extension("a")).expect("extensions");
        let (lines, mut ws) = answered(offers, both());
        assert_eq!(lines, ["b; y=1, a, permessage-deflate; server_max_window_bits=10"]);
        assert!(ws.deflate_parameters().is_some());
        assert!(ws.set_reserved_bits(ReservedBits::RSV1).is_err());
        assert_eq!(ws.set_reserved_bits(ReservedBits::RSV2), Ok(()));

        let (lines, mut ws) = answered(offers, both().without_deflate());
        assert_eq!(lines, ["b; y=1, a"]);
        assert_eq!(ws.set_reserved_bits(ReservedBits::RSV1), Ok(()));
    }
}
