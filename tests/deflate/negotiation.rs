//! Agreeing on permessage-deflate (RFC 7692 §5, §7.1): which offers a server accepts and how it answers, what a client
//! offers and which answers it believes, and that both sides then do what was agreed.

use crate::common::deflate::*;
use crate::common::frames::{self, Cut, Frame, ROLES, binary, drain, feed, sent_by, stream, text};
use crate::common::http::{
    Asked, Head, Taken, Written, accept_for, asked, flawed_with, judge_with, refused, request_for, serve_with, started,
    take_output,
};
use ws_proto::handshake::client;
use ws_proto::handshake::server::{Answer, Handshake, Reason};
use ws_proto::{CloseCode, Config, Connection, DeflateConfig, DeflateParameters, Input, Role, Violation};

const NAME: &str = "Sec-WebSocket-Extensions";
const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

fn config(deflate: DeflateConfig) -> Config {
    Config::new().deflate(deflate)
}

fn agreed(server_no: bool, client_no: bool, server_bits: u8, client_bits: u8) -> DeflateParameters {
    let mut agreed = DeflateParameters::new();
    agreed.server_no_context_takeover = server_no;
    agreed.client_no_context_takeover = client_no;
    agreed.server_max_window_bits = server_bits;
    agreed.client_max_window_bits = client_bits;
    agreed
}

/// What a parameter may be in a response: its name, and its value where it has one.
type Parameter = (String, Option<String>);

/// A response element read strictly: each parameter once, of those that RFC 7692 §7.1 defines, with a value where there
/// has to be one. Also says what it means.
fn read_response(value: &str) -> (Vec<Parameter>, DeflateParameters) {
    let mut elements = value.split("; ");
    assert_eq!(elements.next(), Some("permessage-deflate"), "{value}");
    let mut meaning = DeflateParameters::new();
    let mut parameters: Vec<Parameter> = Vec::new();
    for element in elements {
        let (name, argument) = match element.split_once('=') {
            Some((name, argument)) => (name, Some(argument)),
            None => (element, None),
        };
        assert!(parameters.iter().all(|(known, _)| known != name), "{name} twice in {value}");
        let bits = || {
            let argument = argument.expect("a value");
            assert!(["8", "9", "10", "11", "12", "13", "14", "15"].contains(&argument), "{value}");
            argument.parse().unwrap()
        };
        match name {
            "server_no_context_takeover" => meaning.server_no_context_takeover = true,
            "client_no_context_takeover" => meaning.client_no_context_takeover = true,
            "server_max_window_bits" => meaning.server_max_window_bits = bits(),
            "client_max_window_bits" => meaning.client_max_window_bits = bits(),
            _ => panic!("{name} is not defined for responses"),
        }
        assert_eq!(argument.is_some(), name.ends_with("bits"), "{value}");
        parameters.push((name.into(), argument.map(Into::into)));
    }
    (parameters, meaning)
}

/// What a server answers to these lines, and the connection that follows, after a check that both say the same.
fn answered(config: &Config, lines: &[&str]) -> (Option<String>, Connection) {
    let head = lines.iter().fold(Head::request(), |head, line| head.add(NAME, line));
    let Ok(Some(Asked { request, .. })) = serve_with(config, &head.bytes()) else { panic!("{lines:?} is a request") };
    let mut connection = request.accept(Answer::new()).unwrap();
    let written = Written::read(&take_output(&mut connection));
    let values = written.values(NAME);
    assert!(values.len() <= 1, "{written:?}");
    let value = values.first().map(|value| std::str::from_utf8(value).unwrap().to_owned());
    assert_eq!(value.as_deref().map(|value| read_response(value).1), connection.deflate_parameters(), "{value:?}");
    (value, connection)
}

fn answer_to(deflate: &DeflateConfig, offer: &str) -> Option<String> {
    answered(&config(deflate.clone()), &[offer]).0
}

/// Panics unless the server takes this offer, and says what it then means.
fn accepted(deflate: &DeflateConfig, offer: &str) -> (Vec<Parameter>, DeflateParameters) {
    read_response(&answer_to(deflate, offer).unwrap_or_else(|| panic!("{offer} is declined")))
}

fn has(parameters: &[Parameter], name: &str) -> bool {
    parameters.iter().any(|(known, _)| known == name)
}

/// Offers that break a rule of RFC 7692 §7.
const BAD_OFFERS: &[&str] = &[
    // Quoted, and no token (6455-4.3-3, 6455-9.1-2).
    "permessage-deflate; server_max_window_bits=\"\"",
    "permessage-deflate; server_max_window_bits=\"1 0\"",
    "permessage-deflate; server_max_window_bits=\" 10\"",
    "permessage-deflate; client_max_window_bits=\"10;\"",
    "permessage-deflate; client_no_context_takeover=\"\"",
    // Parameters that are not defined.
    "permessage-deflate; foo",
    "permessage-deflate; foo=1",
    "permessage-deflate; client_max_window_bits; foo",
    "permessage-deflate; server_max_window",
    "permessage-deflate; server_max_window_bits_=10",
    "permessage-deflate; max_window_bits=10",
    "permessage-deflate; no_context_takeover",
    "permessage-deflate; s",
    "permessage-deflate; __proto__",
    "permessage-deflate; constructor=1; toString",
    // Names in another case are other names.
    "permessage-deflate; Server_no_context_takeover",
    "permessage-deflate; CLIENT_MAX_WINDOW_BITS",
    "permessage-deflate; server_Max_window_bits=10",
    // A value where there is none.
    "permessage-deflate; server_no_context_takeover=1",
    "permessage-deflate; server_no_context_takeover=true",
    "permessage-deflate; server_no_context_takeover=\"x\"",
    "permessage-deflate; client_no_context_takeover=0",
    "permessage-deflate; client_no_context_takeover=15",
    // No value where there has to be one.
    "permessage-deflate; server_max_window_bits",
    // Values out of range or not written as they have to be.
    "permessage-deflate; server_max_window_bits=7",
    "permessage-deflate; server_max_window_bits=16",
    "permessage-deflate; server_max_window_bits=0",
    "permessage-deflate; server_max_window_bits=1",
    "permessage-deflate; server_max_window_bits=08",
    "permessage-deflate; server_max_window_bits=010",
    "permessage-deflate; server_max_window_bits=0015",
    "permessage-deflate; server_max_window_bits=+10",
    "permessage-deflate; server_max_window_bits=-10",
    "permessage-deflate; server_max_window_bits=10.0",
    "permessage-deflate; server_max_window_bits=1e1",
    "permessage-deflate; server_max_window_bits=0xa",
    "permessage-deflate; server_max_window_bits=a",
    "permessage-deflate; server_max_window_bits=ten",
    "permessage-deflate; server_max_window_bits=100",
    "permessage-deflate; server_max_window_bits=150",
    "permessage-deflate; server_max_window_bits=264",
    "permessage-deflate; server_max_window_bits=266",
    "permessage-deflate; server_max_window_bits=65546",
    "permessage-deflate; server_max_window_bits=4294967306",
    "permessage-deflate; server_max_window_bits=18446744073709551626",
    "permessage-deflate; server_max_window_bits=99999999999999999999999999999999999999999",
    "permessage-deflate; server_max_window_bits=\"7\"",
    "permessage-deflate; server_max_window_bits=\"08\"",
    "permessage-deflate; server_max_window_bits=\"1\\6\"",
    "permessage-deflate; client_max_window_bits=7",
    "permessage-deflate; client_max_window_bits=16",
    "permessage-deflate; client_max_window_bits=08",
    "permessage-deflate; client_max_window_bits=0",
    "permessage-deflate; client_max_window_bits=x",
    "permessage-deflate; client_max_window_bits=1_0",
    "permessage-deflate; client_max_window_bits=true",
    "permessage-deflate; client_max_window_bits=\"016\"",
    "permessage-deflate; client_max_window_bits=99999999999999999999",
    // A name twice.
    "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
    "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
    "permessage-deflate; server_max_window_bits=10; client_max_window_bits; server_max_window_bits=11",
    "permessage-deflate; client_max_window_bits; client_max_window_bits",
    "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
    "permessage-deflate; client_max_window_bits=10; client_max_window_bits",
    "permessage-deflate; client_max_window_bits=10; server_no_context_takeover; client_max_window_bits=10",
];

/// Elements that are no offer of permessage-deflate at all.
const OTHERS: &[&str] = &[
    "foo",
    "x-webkit-deflate-frame",
    "deflate-frame",
    "deflate-stream",
    "permessage-bzip2",
    "permessage-deflate2",
    "permessage-deflat",
    "permessage_deflate",
    "Permessage-Deflate",
    "PERMESSAGE-DEFLATE",
    "__proto__",
    "constructor; __proto__=1",
    "mux; max-channels=4; permessage-deflate",
    "foo; permessage-deflate=\"permessage-deflate\"",
];

/// 7692-7-1, 7692-5-8, 7692-5-9, 7692-5-10, 7692-7.1.1.1-2, 6455-4.2.2-21, 6455-9-4: the plain offer, and the plain
/// answer.
#[test]
fn the_plain_offer() {
    let deflate = DeflateConfig::new();
    assert_eq!(answer_to(&deflate, "permessage-deflate").as_deref(), Some("permessage-deflate"));
    for offer in [
        "permessage-deflate",
        " permessage-deflate ",
        ",permessage-deflate,",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate;client_max_window_bits",
        "permessage-deflate ;\tclient_max_window_bits ",
        "permessage-deflate; client_max_window_bits=15",
        "permessage-deflate; client_max_window_bits=\"15\"",
    ] {
        assert_eq!(accepted(&deflate, offer).1, DeflateParameters::new(), "{offer}");
    }
    // RFC 7692 §7.1.2.2: what was not offered does not appear.
    assert!(!has(&accepted(&deflate, "permessage-deflate").0, "client_max_window_bits"));
}

/// 7692-5-15, 7692-5-16: without the wish of the server, or with a change of mind, nothing is accepted.
#[test]
fn a_server_need_not_accept() {
    let offer = "permessage-deflate; client_max_window_bits";
    let head = Head::request().add(NAME, offer);
    for (config, answer) in [
        (Config::new(), Answer::new()),
        (config(DeflateConfig::new()), Answer::new().without_deflate()),
        (Config::new(), Answer::new().without_deflate()),
    ] {
        let Ok(Some(asked)) = serve_with(&config, &head.bytes()) else { panic!("a request") };
        let mut connection = asked.request.accept(answer).unwrap();
        assert!(Written::read(&take_output(&mut connection)).values(NAME).is_empty());
        assert_eq!(connection.deflate_parameters(), None);
        assert_plain(connection);
    }
    // It can be accepted so and otherwise, as often as one likes.
    let Ok(Some(asked)) = serve_with(&config(DeflateConfig::new()), &head.bytes()) else { panic!("a request") };
    assert!(asked.request.accept(Answer::new()).unwrap().deflate_parameters().is_some());
    assert!(asked.request.accept(Answer::new().without_deflate()).unwrap().deflate_parameters().is_none());
    let (value, connection) = answered(&config(DeflateConfig::new()), &[]);
    assert_eq!(value, None);
    assert_plain(connection);
}

/// Neither sends nor receives anything compressed.
fn assert_plain(mut connection: Connection) {
    let role = connection.role();
    let mut input = Input::new();
    assert_eq!(connection.deflate_parameters(), None);
    connection.send_text(&"plain ".repeat(100)).unwrap();
    assert_eq!(sent_by(role, &drain(&mut connection)), [Frame::text("plain ".repeat(100))]);
    assert_eq!(feed(&mut connection, &mut input, &stream(role, &[Frame::text("plain")])), [text("plain")]);
    let seen = feed(&mut connection, &mut input, &stream(role, &[compressed(Frame::text(HELLO))]));
    assert_eq!(seen, [failed_for(Violation::ReservedBit)]);
}

/// 7692-7-2, 7692-7-3, 7692-7-4, 7692-5-15, 7692-7.1.2.1-2, 7692-7.1.2.2-2, 6455-9.1-5, CVE-2026-2229: an offer that
/// breaks the rules is declined, and the connection goes on without.
#[test]
fn bad_offers_are_declined() {
    for offer in BAD_OFFERS {
        let (value, connection) = answered(&config(DeflateConfig::new()), &[offer]);
        assert_eq!(value, None, "{offer}");
        assert_plain(connection);
    }
    // All of them together make no good one.
    let most = &BAD_OFFERS[..30];
    assert_eq!(answered(&config(DeflateConfig::new()), most).0, None);
}

/// 7692-5-2, 7692-5-3, 7692-7-3: a bad offer spoils neither the handshake nor the good one behind it.
#[test]
fn a_good_offer_behind_bad_ones() {
    let config = config(DeflateConfig::new());
    for bad in BAD_OFFERS {
        let good = "permessage-deflate; server_max_window_bits=11";
        let right = Some("permessage-deflate; server_max_window_bits=11");
        assert_eq!(answered(&config, &[&format!("{bad}, {good}")]).0.as_deref(), right, "{bad}");
        assert_eq!(answered(&config, &[bad, good]).0.as_deref(), right, "{bad}");
        assert_eq!(answered(&config, &[&format!("{good}, {bad}")]).0.as_deref(), right, "{bad}");
    }
    let all = [&BAD_OFFERS[..40], &["permessage-deflate; server_max_window_bits=9"]].concat();
    let right = "permessage-deflate; server_max_window_bits=9";
    assert_eq!(answered(&config, &all).0.as_deref(), Some(right));
}

/// 7692-5-3, 7692-5-10: of several good offers the first is taken, wherever they stand.
#[test]
fn the_first_good_offer_is_taken() {
    let config = config(DeflateConfig::new());
    let offer = |bits| format!("permessage-deflate; server_max_window_bits={bits}");
    for (first, second) in [(9, 12), (12, 9), (8, 15), (15, 8)] {
        let value = answered(&config, &[&[offer(first), offer(second)].join(",")]).0.unwrap();
        assert_eq!(read_response(&value).1.server_max_window_bits, first);
        let value = answered(&config, &[&offer(first), "foo", &offer(second)]).0.unwrap();
        assert_eq!(read_response(&value).1.server_max_window_bits, first);
    }
    let value = answered(&config, &["permessage-deflate, permessage-deflate; server_no_context_takeover"]).0.unwrap();
    assert!(!read_response(&value).1.server_no_context_takeover);
}

/// 7692-5-11, 7692-5-13, 7692-5-15, 6455-9.1-9, 6455-9.2-1, ws 3.3.1: other extensions around the offer are not
/// answered, whatever bits and frames they would use, and are no offer themselves.
#[test]
fn other_extensions_are_passed_over() {
    let config = config(DeflateConfig::new());
    for other in OTHERS {
        let (value, connection) = answered(&config, &[other]);
        assert_eq!(value, None, "{other}");
        assert_plain(connection);
        for lines in [
            &[*other, "permessage-deflate", other][..],
            &[&format!("{other}, permessage-deflate")],
            &[&format!("permessage-deflate,{other}")],
            &["permessage-deflate", other],
        ] {
            assert_eq!(answered(&config, lines).0.as_deref(), Some("permessage-deflate"), "{lines:?}");
        }
    }
}

/// 6455-9-4: what is outside the grammar is a bad request, as it is without compression.
#[test]
fn a_malformed_offer_is_refused() {
    for value in [
        "permessage-deflate;",
        "permessage-deflate; server_max_window_bits=",
        "permessage-deflate; server_max_window_bits=\"10",
        "permessage-deflate; server_max_window_bits=1 0",
        "permessage-deflate client_max_window_bits",
        "permessage-deflate=1",
    ] {
        let head = Head::request().add(NAME, value).bytes();
        refused(&head, Reason::Extensions);
        let outcome = serve_with(&config(DeflateConfig::new()), &head);
        assert_eq!(outcome.expect_err("a refusal").reason(), Reason::Extensions, "{value}");
    }
}

/// 7692-7.1.2.1-5, 7692-7.1.2.1-6, 7692-7.1.2.1-3, 7692-5-4, 7692-5-5, 7692-7-5: every window that the client asks for
/// is served with it or a smaller one, quoted or not; no configuration that the RFC defines has to be declined.
#[test]
fn server_max_window_bits_is_honoured() {
    for own in 8..=15 {
        let deflate = DeflateConfig::new().send_window_bits(own);
        for offered in 8..=15_u8 {
            for written in [format!("{offered}"), format!("\"{offered}\""), format!("\"\\{offered}\"")] {
                let offer = format!("permessage-deflate; server_max_window_bits={written}");
                let (parameters, agreed) = accepted(&deflate, &offer);
                assert!(has(&parameters, "server_max_window_bits"), "{offer}");
                assert_eq!(agreed.server_max_window_bits, offered.min(own), "{offer}");
            }
        }
        // Unasked it may be said, and then it has to be true.
        let (_, agreed) = accepted(&deflate, "permessage-deflate");
        assert!([own, 15].contains(&agreed.server_max_window_bits));
    }
}

/// 7692-7.1.2.2-3, 7692-7.1.2.2-4, 7692-7.1.2.2-5, 7692-7.1.2.2-6, 7692-7.1.2.2-7, 7692-5-6, 7692-5-7: the window of
/// the client is limited only where it said that it can be, to what this side wants, or less where the client uses
/// less.
#[test]
fn client_max_window_bits_is_asked_for() {
    for own in 8..=15 {
        let deflate = DeflateConfig::new().receive_window_bits(own);
        let (parameters, agreed) = accepted(&deflate, "permessage-deflate");
        assert!(!has(&parameters, "client_max_window_bits"));
        assert_eq!(agreed.client_max_window_bits, 15);

        let (_, agreed) = accepted(&deflate, "permessage-deflate; client_max_window_bits");
        assert_eq!(agreed.client_max_window_bits, own);
        for offered in 8..=15_u8 {
            let offer = format!("permessage-deflate; client_max_window_bits={offered}");
            let (parameters, agreed) = accepted(&deflate, &offer);
            // A hint may be taken up or not, but this side's own wish holds.
            assert!([own, own.min(offered)].contains(&agreed.client_max_window_bits), "{offer} to {own}");
            if has(&parameters, "client_max_window_bits") {
                assert!(agreed.client_max_window_bits <= offered.max(own));
            }
        }
    }
}

/// 7692-7.1.1.1-3, 7692-7.1.1.1-4, 7692-7.1.1.1-5, 7692-7.1.1.2-2, 7692-7.1.1.2-3, 7692-7.1.1.2-4, 7692-5-4: what was
/// asked of the server is repeated, what the server asks is said, and a hint need not be.
#[test]
fn context_takeover_is_agreed() {
    let wishes = [(true, true), (true, false), (false, true), (false, false)];
    for (sends, receives) in wishes {
        let deflate = DeflateConfig::new().send_context_takeover(sends).receive_context_takeover(receives);
        for (offer, server_asked) in [
            ("permessage-deflate", false),
            ("permessage-deflate; client_no_context_takeover", false),
            ("permessage-deflate; server_no_context_takeover", true),
            ("permessage-deflate; server_no_context_takeover; client_no_context_takeover", true),
            ("permessage-deflate; client_no_context_takeover; server_no_context_takeover", true),
        ] {
            let (_, agreed) = accepted(&deflate, offer);
            if server_asked {
                assert!(agreed.server_no_context_takeover, "{offer}");
            } else if sends {
                assert!(!agreed.server_no_context_takeover, "{offer}");
            }
            if !receives {
                assert!(agreed.client_no_context_takeover, "{offer}");
            } else if !offer.contains("client") {
                assert!(!agreed.client_no_context_takeover, "{offer}");
            }
        }
    }
}

/// 7692-5-10, 7692-7-1: all parameters at once, and their order in the answer.
#[test]
fn all_parameters_at_once() {
    let deflate = DeflateConfig::new().send_window_bits(12).receive_window_bits(10).receive_context_takeover(false);
    let right = "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                 server_max_window_bits=11; client_max_window_bits=10";
    for offer in [
        "permessage-deflate; server_max_window_bits=11; client_max_window_bits; server_no_context_takeover",
        "permessage-deflate; client_max_window_bits=13; server_no_context_takeover; server_max_window_bits=\"11\"; \
         client_no_context_takeover",
    ] {
        assert_eq!(answer_to(&deflate, offer).as_deref(), Some(right));
        assert_eq!(accepted(&deflate, offer).1, agreed(true, true, 11, 10));
    }
    let eight = "permessage-deflate; server_max_window_bits=8; client_max_window_bits=8";
    assert_eq!(accepted(&DeflateConfig::new().receive_window_bits(8), eight).1, agreed(false, false, 8, 8));
}

/// 7692-5-18: after the answer the connection is as agreed: it sends and receives compressed messages, also such as
/// came with the request.
#[test]
fn a_server_uses_what_was_agreed() {
    for (offer, deflate) in [
        ("permessage-deflate", DeflateConfig::new()),
        ("permessage-deflate; server_max_window_bits=8", DeflateConfig::new()),
        ("permessage-deflate; server_no_context_takeover", DeflateConfig::new()),
        ("permessage-deflate; client_max_window_bits", DeflateConfig::new().receive_window_bits(9)),
        ("permessage-deflate", DeflateConfig::new().receive_context_takeover(false).send_context_takeover(false)),
    ] {
        let (_, mut connection) = answered(&config(deflate.clone()), &[offer]);
        let agreed = connection.deflate_parameters().unwrap();
        let setup = Setup { agreed, ..Setup::new(Role::Server).deflate(deflate) };
        assert_speaks(&mut connection, &setup, 5000);
    }
    let frame = compressed(Frame::text(HELLO)).to(Role::Server).bytes();
    let mut input = Input::from(&Head::request().add(NAME, "permessage-deflate").then(frame)[..]);
    let mut handshake = Handshake::new(&config(DeflateConfig::new()));
    let request = handshake.receive(&mut input).unwrap().unwrap();
    let mut connection = request.accept(Answer::new()).unwrap();
    assert_eq!(feed(&mut connection, &mut input, b""), [text("Hello")]);
}

/// 7692-7.2.2-6, 7692-7.2.2-5, 7692-7.1.1.2-4: a client that only hinted at doing without takeover may do with it,
/// unless the answer took the hint up.
#[test]
fn a_hint_forbids_nothing() {
    let again = [0xf2, 0x00, 0x11, 0x00, 0x00];
    for offer in [
        "permessage-deflate; client_no_context_takeover",
        "permessage-deflate; client_no_context_takeover; client_max_window_bits=8",
        "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
    ] {
        let (_, mut connection) = answered(&config(DeflateConfig::new()), &[offer]);
        let agreed = connection.deflate_parameters().unwrap();
        let mut frames = vec![compressed(Frame::text(HELLO)), compressed(Frame::text(HELLO))];
        if !agreed.client_no_context_takeover {
            frames[1] = compressed(Frame::text(again));
        }
        let seen = feed(&mut connection, &mut Input::new(), &stream(Role::Server, &frames));
        assert_eq!(seen, [text("Hello"), text("Hello")], "{offer} and {agreed:?}");
    }
}

/// Messages in both directions, decoded with no more memory than was agreed.
fn assert_speaks(connection: &mut Connection, setup: &Setup, length: usize) {
    let mut reader = Reader::new(setup);
    let mut input = Input::new();
    let noise = frames::Random(1).bytes(length);
    for _ in 0..3 {
        connection.send(noise.repeat(2)).unwrap();
        let sent = reader.read_one(&drain(connection));
        assert!(sent.compressed && sent.data == noise.repeat(2));
        let payload = Stream::new().fixed(&literals("Hello"), true).message();
        let frames = [compressed(Frame::text(&payload)), Frame::text("plain")];
        let seen = feed(connection, &mut input, &stream(setup.role, &frames));
        assert_eq!(seen, [text("Hello"), text("plain")]);
    }
}

/// What a client with this wish offers.
fn offered(deflate: &DeflateConfig) -> Vec<String> {
    let (_, written, _) = started(&request_for("ws://example.com/"), &config(deflate.clone()));
    let lines = written.values(NAME);
    assert_eq!(lines.len(), 1);
    std::str::from_utf8(lines[0]).unwrap().split(", ").map(str::to_owned).collect()
}

/// 7692-5-1, 7692-5-2, 7692-5-5, 7692-5-6, 7692-7-1, 7692-7.1.1.1-1, 7692-7.1.1.2-1, 7692-7.1.2.1-1, 7692-7.1.2.1-4,
/// 7692-7.1.2.2-1, 7692-7.1.2.2-2, 7692-7.1.2.1-2: what a client offers for each wish.
#[test]
fn what_a_client_offers() {
    let new = DeflateConfig::new;
    for (deflate, right) in [
        (new(), "permessage-deflate; client_max_window_bits"),
        (new().fallback(true), "permessage-deflate; client_max_window_bits"),
        (
            new().receive_context_takeover(false),
            "permessage-deflate; server_no_context_takeover; client_max_window_bits",
        ),
        (new().send_context_takeover(false), "permessage-deflate; client_no_context_takeover; client_max_window_bits"),
        (new().receive_window_bits(8), "permessage-deflate; server_max_window_bits=8; client_max_window_bits"),
        (new().receive_window_bits(14), "permessage-deflate; server_max_window_bits=14; client_max_window_bits"),
        (new().send_window_bits(8), "permessage-deflate; client_max_window_bits=8"),
        (new().send_window_bits(10), "permessage-deflate; client_max_window_bits=10"),
        (
            new()
                .receive_context_takeover(false)
                .send_context_takeover(false)
                .receive_window_bits(10)
                .send_window_bits(11),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; \
             client_max_window_bits=11",
        ),
    ] {
        assert_eq!(offered(&deflate), [right], "{deflate:?}");
        let (_, written, _) = started(&request_for("ws://example.com/"), &config(deflate));
        assert_eq!(written.lines.len(), 6, "no other line comes with it");
    }
    let plain = started(&request_for("ws://example.com/"), &Config::new()).1;
    assert!(plain.values(NAME).is_empty());
}

/// 7692-5-2: with a fallback there is a second offer, behind the first and without its demands.
#[test]
fn what_a_client_falls_back_to() {
    for deflate in [
        DeflateConfig::new().receive_window_bits(10),
        DeflateConfig::new().receive_context_takeover(false),
        DeflateConfig::new().receive_context_takeover(false).receive_window_bits(9).send_window_bits(9),
    ] {
        let alone = offered(&deflate);
        let both = offered(&deflate.clone().fallback(true));
        assert_eq!((alone.len(), both.len()), (1, 2));
        assert_eq!(both[0], alone[0]);
        assert!(both[1].starts_with("permessage-deflate") && !both[1].contains("server"), "{both:?}");
    }
}

/// What a client with this wish makes of an answer.
fn judged(deflate: &DeflateConfig, lines: &[&str]) -> Result<Option<Taken>, client::Error> {
    let request = request_for("ws://example.com/chat");
    judge_with(&config(deflate.clone()), &request, |accept| answer(accept, lines).bytes())
}

fn answer(accept: &str, lines: &[&str]) -> Head {
    lines.iter().fold(Head::switching(accept), |head, line| head.add(NAME, line))
}

fn believed(deflate: &DeflateConfig, value: &str) -> DeflateParameters {
    match judged(deflate, &[value]) {
        Ok(Some(mut taken)) => {
            let agreed = taken.accepted.connection.deflate_parameters().expect("it was accepted");
            let setup = Setup { agreed, ..Setup::new(Role::Client).deflate(deflate.clone()) };
            assert_speaks(&mut taken.accepted.connection, &setup, 600);
            agreed
        }
        other => panic!("{value} is a valid answer to {:?}, but: {other:?}", offered(deflate)),
    }
}

fn disbelieved(deflate: &DeflateConfig, lines: &[&str]) {
    let request = request_for("ws://example.com/chat");
    let answer = |accept: &str| answer(accept, lines).bytes();
    flawed_with(&config(deflate.clone()), &request, answer, client::Flaw::Extension);
}

/// 7692-5-16: an answer without the extension is a plain connection.
#[test]
fn an_answer_without_the_extension() {
    for deflate in [DeflateConfig::new(), DeflateConfig::new().receive_window_bits(9).fallback(true)] {
        let Ok(Some(taken)) = judged(&deflate, &[]) else { panic!("a valid answer") };
        assert_plain(taken.accepted.connection);
    }
}

/// 7692-5-18, 7692-7.1.1.2-5, 7692-7.1.1.1-5, 7692-7.1.1.2-2, 7692-7.1.2.1-7, 7692-7.1.2.2-3, 7692-5-10: answers to the
/// plain offer: each defined parameter may be there, asked for or not.
#[test]
fn valid_answers() {
    let new = DeflateConfig::new();
    for (value, right) in [
        ("permessage-deflate", agreed(false, false, 15, 15)),
        (" ,permessage-deflate ,", agreed(false, false, 15, 15)),
        ("permessage-deflate; server_no_context_takeover", agreed(true, false, 15, 15)),
        ("permessage-deflate; client_no_context_takeover", agreed(false, true, 15, 15)),
        ("permessage-deflate; server_max_window_bits=8", agreed(false, false, 8, 15)),
        ("permessage-deflate; server_max_window_bits=15", agreed(false, false, 15, 15)),
        ("permessage-deflate; client_max_window_bits=8", agreed(false, false, 15, 8)),
        ("permessage-deflate; client_max_window_bits=15", agreed(false, false, 15, 15)),
        ("permessage-deflate; client_max_window_bits=\"1\\0\"", agreed(false, false, 15, 10)),
        (
            "permessage-deflate;client_max_window_bits=9;server_max_window_bits=\"10\";client_no_context_takeover\
             ;server_no_context_takeover",
            agreed(true, true, 10, 9),
        ),
    ] {
        assert_eq!(believed(&new, value), right, "{value}");
    }
    for bits in 8..=15 {
        let value = format!("permessage-deflate; server_max_window_bits={bits}; client_max_window_bits={bits}");
        assert_eq!(believed(&new, &value), agreed(false, false, bits, bits));
    }
}

/// 7692-5-17, 7692-7-6, 7692-7-7, 7692-7-8, 7692-7.1.2.1-6, 7692-7.1.2.2-5, 6455-9.1-5, CVE-2026-2229: an answer that
/// breaks a rule fails the handshake: what is bad in an offer is bad in an answer, and there a value is never left out.
#[test]
fn invalid_answers() {
    let wishes = [DeflateConfig::new(), DeflateConfig::new().receive_window_bits(10).fallback(true)];
    for deflate in &wishes {
        for value in BAD_OFFERS.iter().chain(&["permessage-deflate; client_max_window_bits"]) {
            disbelieved(deflate, &[value]);
        }
    }
    disbelieved(&wishes[0], &["permessage-deflate; server_max_window_bits=10; client_max_window_bits"]);
    for malformed in ["permessage-deflate;", "permessage-deflate; client_max_window_bits=", "permessage-deflate;;"] {
        disbelieved(&wishes[0], &[malformed]);
    }
}

/// 7692-5-12, 7692-5-14, 7692-5-17, 7692-7-8: extensions that were not offered, beside the one that was, and that one
/// twice.
#[test]
fn answers_with_more_than_was_offered() {
    let deflate = DeflateConfig::new().receive_window_bits(10).fallback(true);
    let good = "permessage-deflate; server_max_window_bits=10";
    for other in OTHERS {
        disbelieved(&deflate, &[other]);
        disbelieved(&deflate, &[other, good]);
        disbelieved(&deflate, &[good, other]);
        disbelieved(&deflate, &[&format!("{good}, {other}")]);
    }
    disbelieved(&deflate, &[good, good]);
    disbelieved(&deflate, &[&format!("{good}, {good}")]);
    disbelieved(&deflate, &[good, "permessage-deflate"]);
    // Nor what a client without the wish would not have offered.
    let request = request_for("ws://example.com/chat");
    let answer = |accept: &str| answer(accept, &["permessage-deflate"]).bytes();
    flawed_with(&Config::new(), &request, answer, client::Flaw::Extension);
}

/// 7692-7-9, 7692-5-17, 7692-7.1.2.1-5, 7692-7.1.1.1-3: an answer that does not keep to the demands of the offer fails,
/// one that goes further does not.
#[test]
fn demands_have_to_be_met() {
    for demanded in 8..=15 {
        let deflate = DeflateConfig::new().receive_window_bits(demanded);
        for said in 8..=15 {
            let value = format!("permessage-deflate; server_max_window_bits={said}");
            if said <= demanded {
                assert_eq!(believed(&deflate, &value).server_max_window_bits, said);
            } else {
                disbelieved(&deflate, &[&value]);
            }
        }
        if demanded < 15 {
            disbelieved(&deflate, &["permessage-deflate"]);
            disbelieved(&deflate, &["permessage-deflate; client_max_window_bits=8; server_no_context_takeover"]);
        }
    }
    let deflate = DeflateConfig::new().receive_context_takeover(false);
    disbelieved(&deflate, &["permessage-deflate"]);
    disbelieved(&deflate, &["permessage-deflate; client_no_context_takeover; server_max_window_bits=8"]);
    assert!(believed(&deflate, "permessage-deflate; server_no_context_takeover").server_no_context_takeover);
    let both = deflate.receive_window_bits(9);
    disbelieved(&both, &["permessage-deflate; server_no_context_takeover"]);
    disbelieved(&both, &["permessage-deflate; server_max_window_bits=9"]);
    let right = agreed(true, false, 9, 15);
    assert_eq!(believed(&both, "permessage-deflate; server_no_context_takeover; server_max_window_bits=9"), right);
}

/// 7692-5-2, 7692-5-10: with a fallback an answer may fit either offer.
#[test]
fn answers_to_the_fallback() {
    let deflate = DeflateConfig::new().receive_window_bits(10).receive_context_takeover(false).fallback(true);
    for (value, right) in [
        ("permessage-deflate; server_no_context_takeover; server_max_window_bits=10", agreed(true, false, 10, 15)),
        ("permessage-deflate; server_no_context_takeover; server_max_window_bits=8", agreed(true, false, 8, 15)),
        ("permessage-deflate", agreed(false, false, 15, 15)),
        // What was not asked for in the second offer may be said all the same.
        ("permessage-deflate; server_max_window_bits=12", agreed(false, false, 12, 15)),
        ("permessage-deflate; server_no_context_takeover", agreed(true, false, 15, 15)),
        ("permessage-deflate; client_max_window_bits=9", agreed(false, false, 15, 9)),
    ] {
        assert_eq!(believed(&deflate, value), right, "{value}");
    }
}

/// 7692-5-7, 7692-7.1.1.2-3, 7692-7.2.1-10, 7692-7.2.1-14, 7692-7.2.2-11: hints bind nobody: an answer may leave them
/// out, or give more room than was hinted at; and less room binds this side.
#[test]
fn hints_may_be_ignored() {
    let deflate = DeflateConfig::new().send_window_bits(10).send_context_takeover(false);
    for (value, right) in [
        ("permessage-deflate", agreed(false, false, 15, 15)),
        ("permessage-deflate; client_max_window_bits=15", agreed(false, false, 15, 15)),
        ("permessage-deflate; client_max_window_bits=12", agreed(false, false, 15, 12)),
        ("permessage-deflate; client_max_window_bits=10", agreed(false, false, 15, 10)),
        ("permessage-deflate; client_max_window_bits=8", agreed(false, false, 15, 8)),
        ("permessage-deflate; client_no_context_takeover; client_max_window_bits=9", agreed(false, true, 15, 9)),
    ] {
        assert_eq!(believed(&deflate, value), right, "{value}");
    }
}

/// 7692-5.1-2: a client that does not like what was agreed can close with 1010.
#[test]
fn a_client_can_leave() {
    let Ok(Some(mut taken)) = judged(&DeflateConfig::new(), &["permessage-deflate; client_max_window_bits=8"]) else {
        panic!("a valid answer")
    };
    let connection = &mut taken.accepted.connection;
    assert_eq!(connection.deflate_parameters().map(|agreed| agreed.client_max_window_bits), Some(8));
    let code = CloseCode::new(1010).expect("a code that may travel");
    connection.close(code).unwrap();
    assert_eq!(sent_by(Role::Client, &drain(connection)), [Frame::close(1010, "")]);
}

/// Only an answer that says yes is held to the rules.
#[test]
fn a_no_with_the_extension_is_a_no() {
    let request = request_for("ws://example.com/chat");
    let answer = |_: &str| Head::new("HTTP/1.1 404 Not Found").add(NAME, "permessage-deflate; foo").bytes();
    let outcome = judge_with(&config(DeflateConfig::new()), &request, answer);
    assert!(matches!(outcome, Err(client::Error::Declined(_))), "{outcome:?}");
}

/// The two handshakes of this crate, one with the other.
fn shake_hands(client: &DeflateConfig, server: &DeflateConfig) -> (Connection, Connection) {
    let request = request_for("ws://example.com/chat");
    let (mut handshake, _, _) = started(&request, &config(client.clone()));
    let (_, written, _) = started(&request, &config(client.clone()));
    let head = written.lines.iter().fold(Head::new(&written.start), |head, (name, value)| head.add(name, value));
    let Ok(Some(asked)) = serve_with(&config(server.clone()), &head.bytes()) else { panic!("a request") };
    let mut server = asked.request.accept(Answer::new()).unwrap();
    let mut input = Input::from(&take_output(&mut server)[..]);
    let accepted = handshake.receive(&mut input).expect("a valid answer").expect("a whole answer");
    assert!(input.is_empty());
    (accepted.connection, server)
}

/// 7692-5-18, 7692-5-4, 7692-5-10: whatever the two sides of this crate wish for, they agree, understand each other,
/// and keep to it.
#[test]
fn two_sides_agree() {
    let new = DeflateConfig::new;
    let wishes = [
        new(),
        new().send_window_bits(8).receive_window_bits(8),
        new().send_window_bits(9),
        new().receive_window_bits(10),
        new().send_context_takeover(false),
        new().receive_context_takeover(false),
        new().receive_context_takeover(false).send_context_takeover(false).receive_window_bits(9).fallback(true),
        new().keep_contexts(false).level(1),
    ];
    for client in &wishes {
        for server in &wishes {
            let (mut first, mut second) = shake_hands(client, server);
            let agreed = first.deflate_parameters().expect("both want it");
            assert_eq!(second.deflate_parameters(), Some(agreed));
            let mut inputs = [Input::new(), Input::new()];
            let setups = ROLES.map(|role| Setup { agreed, ..Setup::new(role) });
            let mut readers = [Reader::new(&setups[1]), Reader::new(&setups[0])];
            let noise = frames::Random(3).bytes(700);
            for _ in 0..3 {
                for (i, (from, to)) in [(0, 1), (1, 0)].into_iter().enumerate() {
                    let ends = [&mut first, &mut second];
                    let [a, b] = ends;
                    let (from, to) = if (from, to) == (0, 1) { (a, b) } else { (b, a) };
                    from.send(noise.repeat(2)).unwrap();
                    let output = drain(from);
                    assert!(readers[i].read_one(&output).compressed);
                    let pieces = Cut::Random(2).pieces(&output);
                    let seen: Vec<_> = pieces.into_iter().flat_map(|piece| feed(to, &mut inputs[i], piece)).collect();
                    assert!(seen == [binary(noise.repeat(2))], "{}", brief(&seen));
                }
            }
        }
    }
    let (client, server) = shake_hands(&new().receive_window_bits(9).send_window_bits(10), &new().send_window_bits(8));
    assert_eq!(client.deflate_parameters().map(|agreed| agreed.server_max_window_bits), Some(8));
    assert_plain_pair(client, server);
}

/// Opting out on either side of one message does not undo what was agreed.
fn assert_plain_pair(mut client: Connection, mut server: Connection) {
    let mut input = Input::new();
    client.send_uncompressed("plain ".repeat(50)).unwrap();
    let output = drain(&mut client);
    assert_eq!(sent_by(Role::Client, &output)[0].rsv, 0);
    assert_eq!(feed(&mut server, &mut input, &output), [text(&"plain ".repeat(50))]);
}

/// 6455-9-4: the application still cannot write the header itself, so that nothing is said that is not done.
#[test]
fn the_header_is_not_written_by_hand() {
    assert!(Answer::new().header(NAME, "permessage-deflate").is_err());
    assert!(request_for("ws://example.com/").header(NAME, "permessage-deflate").is_err());
    let asked = asked(&Head::request().add(NAME, "permessage-deflate; foo=1").bytes());
    assert_eq!(asked.request.extensions().next().unwrap().name(), "permessage-deflate");
    let accept = accept_for(crate::common::http::KEY);
    let mut connection = asked.request.accept(Answer::new()).unwrap();
    assert_eq!(Written::read(&take_output(&mut connection)).value("Sec-WebSocket-Accept"), accept);
}
