//! permessage-deflate negotiated from header values alone, where the handshake is done elsewhere, and its parameters as values.

use ws_proto::{Config, Connection, DeflateConfig, DeflateParameters, NegotiationError};

const BOTH: [bool; 2] = [false, true];

/// All parameters that there are.
fn all_parameters() -> impl Iterator<Item = DeflateParameters> {
    (8..=15).flat_map(|server_max_window_bits| {
        (8..=15).flat_map(move |client_max_window_bits| {
            BOTH.into_iter().flat_map(move |server_no_context_takeover| {
                BOTH.map(|client_no_context_takeover| DeflateParameters {
                    server_no_context_takeover,
                    client_no_context_takeover,
                    server_max_window_bits,
                    client_max_window_bits,
                })
            })
        })
    })
}

/// Configurations that differ in what they offer and answer.
fn configs() -> Vec<DeflateConfig> {
    let mut configs = Vec::new();
    for send_bits in [8, 12, 15] {
        for receive_bits in [8, 12, 15] {
            for send_takeover in BOTH {
                for receive_takeover in BOTH {
                    for fallback in BOTH {
                        configs.push(
                            DeflateConfig::new()
                                .send_window_bits(send_bits)
                                .receive_window_bits(receive_bits)
                                .send_context_takeover(send_takeover)
                                .receive_context_takeover(receive_takeover)
                                .fallback(fallback),
                        );
                    }
                }
            }
        }
    }
    configs
}

/// 7692-7-1: whatever parameters there are, they are written so that they are read again.
#[test]
fn parameters_are_written_and_read() {
    for parameters in all_parameters() {
        let written = parameters.to_string();
        assert!(written.starts_with("permessage-deflate"));
        assert_eq!(written.parse(), Ok(parameters), "{written}");
    }
    assert_eq!(DeflateParameters::new().to_string(), "permessage-deflate");
    let all = DeflateParameters {
        server_no_context_takeover: true,
        client_no_context_takeover: true,
        server_max_window_bits: 8,
        client_max_window_bits: 10,
    };
    assert_eq!(
        all.to_string(),
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=8; \
         client_max_window_bits=10"
    );
    // Other values count as the nearest.
    let beyond =
        DeflateParameters { server_max_window_bits: 0, client_max_window_bits: 99, ..DeflateParameters::new() };
    assert_eq!(beyond.to_string(), "permessage-deflate; server_max_window_bits=8");
    for (beyond, nearest) in [(0, 8), (99, 15)] {
        let of = |bits| DeflateParameters {
            server_max_window_bits: bits,
            client_max_window_bits: bits,
            ..DeflateParameters::new()
        };
        let ws = Connection::server(&Config::new()).with_deflate(&DeflateConfig::new(), of(beyond));
        assert_eq!(ws.deflate_parameters(), Some(of(nearest)));
    }
    let quoted = " permessage-deflate;server_max_window_bits = \"9\" ;client_max_window_bits=15,";
    let expected = DeflateParameters { server_max_window_bits: 9, ..DeflateParameters::new() };
    assert_eq!(quoted.parse(), Ok(expected));
}

/// 7692-7-6, 7692-7-7, 7692-7-8, 7692-7.1.2.1-6, 7692-7.1.2.2-5, CVE-2026-2229: what no server may answer.
#[test]
fn parameters_that_cannot_be_read() {
    for (value, error) in [
        ("", NegotiationError::Malformed),
        ("permessage-deflate;", NegotiationError::Malformed),
        ("permessage-deflate; server_max_window_bits=", NegotiationError::Malformed),
        ("x", NegotiationError::Name),
        ("Permessage-Deflate", NegotiationError::Name),
        ("permessage-deflate, permessage-deflate", NegotiationError::Repeated),
        ("permessage-deflate, x", NegotiationError::Repeated),
        ("permessage-deflate, x;", NegotiationError::Malformed),
        ("permessage-deflate; x", NegotiationError::Parameters),
        ("permessage-deflate; client_max_window_bits", NegotiationError::Parameters),
        ("permessage-deflate; server_max_window_bits", NegotiationError::Parameters),
        ("permessage-deflate; server_max_window_bits=7", NegotiationError::Parameters),
        ("permessage-deflate; server_max_window_bits=16", NegotiationError::Parameters),
        ("permessage-deflate; server_max_window_bits=08", NegotiationError::Parameters),
        ("permessage-deflate; server_no_context_takeover=1", NegotiationError::Parameters),
        ("permessage-deflate; server_no_context_takeover; server_no_context_takeover", NegotiationError::Parameters),
    ] {
        assert_eq!(value.parse::<DeflateParameters>(), Err(error), "{value}");
        assert!(error.to_string().contains("§"), "{error}");
    }
}

/// 7692-5-1, 7692-5-8, 7692-5-10: every client and every server agree on the same, from values alone.
#[test]
fn both_sides_agree() {
    for client in configs() {
        for server in configs() {
            let offer = client.offer();
            let (answer, agreed) = server.answer(&offer).expect("a list").expect("every window can be kept to");
            assert_eq!(client.confirm(&answer), Ok(Some(agreed)), "{offer} → {answer}");
            assert_eq!(answer.parse(), Ok(agreed), "{answer}");
            // Beside other extensions.
            let (again, _) = server.answer(format!("x; a=\"permessage-deflate\", {offer}, y")).unwrap().unwrap();
            assert_eq!(again, answer);
            assert_eq!(client.confirm(format!("x, {answer}, y; b")), Ok(Some(agreed)));
        }
    }
}

/// 7692-5-3, 7692-5-15, 7692-7-2, 7692-7-3, 7692-7.1.2.1-5: the first offer that can be served, in the words that the answer needs.
#[test]
fn a_server_answers_the_first_offer_that_can_be_served() {
    let config = DeflateConfig::new();
    let answer = |offers: &str| config.answer(offers).expect("a list").map(|(answer, _)| answer);
    for (offers, expected) in [
        ("", None),
        ("x, y", None),
        ("permessage-deflate; x", None),
        ("permessage-deflate; server_max_window_bits=7", None),
        ("permessage-deflate", Some("permessage-deflate")),
        ("permessage-deflate; x, permessage-deflate", Some("permessage-deflate")),
        (
            "permessage-deflate; server_max_window_bits=9, permessage-deflate",
            Some("permessage-deflate; server_max_window_bits=9"),
        ),
        // RFC 7692 §7.1.2.1: a server that accepts it has to name it, even where it says nothing.
        ("permessage-deflate; server_max_window_bits=15", Some("permessage-deflate; server_max_window_bits=15")),
    ] {
        assert_eq!(answer(offers).as_deref(), expected, "{offers}");
    }
    // Header values may hold bytes that are not UTF-8.
    let offers = b"x; a=\"\xff\", permessage-deflate";
    assert_eq!(config.answer(offers).unwrap().map(|(_, agreed)| agreed), Some(DeflateParameters::new()));
    for malformed in ["permessage-deflate,;", "permessage-deflate, x; a=\"", "permessage-deflate y"] {
        assert_eq!(config.answer(malformed), Err(NegotiationError::Malformed), "{malformed}");
        assert_eq!(config.confirm(malformed), Err(NegotiationError::Malformed), "{malformed}");
    }
}

/// 6455-4.1-44, 7692-5-17, 7692-7.1.2.1-5, 7692-7.1.2.2-5: a client takes only what it has offered, once.
#[test]
fn a_client_confirms_what_it_has_offered() {
    let config = DeflateConfig::new().receive_window_bits(10).receive_context_takeover(false);
    for (answer, expected) in [
        ("", Ok(None)),
        ("x", Ok(None)),
        ("permessage-deflate", Err(NegotiationError::NotOffered)),
        ("permessage-deflate; server_no_context_takeover", Err(NegotiationError::NotOffered)),
        (
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=11",
            Err(NegotiationError::NotOffered),
        ),
        (
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=10; client_max_window_bits",
            Err(NegotiationError::NotOffered),
        ),
        ("x, permessage-deflate; server_max_window_bits=99", Err(NegotiationError::Parameters)),
        (
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=9, \
             permessage-deflate; server_no_context_takeover; server_max_window_bits=9",
            Err(NegotiationError::Repeated),
        ),
        (
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=9",
            Ok(Some(DeflateParameters {
                server_no_context_takeover: true,
                server_max_window_bits: 9,
                ..DeflateParameters::new()
            })),
        ),
    ] {
        assert_eq!(config.confirm(answer), expected, "{answer}");
    }
}

/// The handshakes of this crate agree on what the values do.
#[cfg(feature = "handshake")]
#[test]
fn the_handshakes_agree_on_the_same() {
    use ws_proto::handshake::{client, server};
    use ws_proto::{Config, Input, Seed};

    for client_config in configs() {
        for server_config in configs() {
            let (of_client, of_server) =
                (Config::new().deflate(client_config.clone()), Config::new().deflate(server_config.clone()));
            let request = client::Request::new("ws://localhost/".parse().expect("a URI"));
            let mut handshake = client::Handshake::new(&request, Seed::new([5; 32]), &of_client);
            let mut to_server = Input::from(&handshake.output()[..]);
            let request = server::Handshake::new(&of_server).receive(&mut to_server).unwrap().expect("whole");
            let offers = request.header("sec-websocket-extensions").expect("an offer").to_vec();
            assert_eq!(offers, client_config.offer().as_bytes());
            let mut ws = request.accept(server::Answer::new()).expect("it adds nothing");
            let mut to_client = Input::new();
            to_client.put(ws.output());
            let accepted = handshake.receive(&mut to_client).unwrap().expect("whole");
            let (answer, agreed) = server_config.answer(&offers).unwrap().expect("it can be served");
            assert_eq!(accepted.response.header("sec-websocket-extensions"), Some(answer.as_bytes()));
            assert_eq!(accepted.connection.deflate_parameters(), Some(agreed));
            assert_eq!(ws.deflate_parameters(), Some(agreed));
        }
    }
}
