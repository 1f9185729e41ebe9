//! Frames in random cuts into a connection of either role: the events and the output do not depend on the cuts, nothing
//! follows the end, and the input holds no more than the message under way.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use ws_proto::bytes::BufMut;
use ws_proto::{Config, Connection, Delivery, Event, Input, Seed};

#[derive(Arbitrary, Debug)]
struct Case<'a> {
    client: bool,
    parts: bool,
    cuts: &'a [u8],
    bytes: &'a [u8],
}

#[derive(Debug, PartialEq)]
enum Heard {
    Text(Vec<u8>, bool),
    Binary(Vec<u8>, bool),
    Other(String),
}

const MAX_MESSAGE: u64 = 3000;

/// The events, parts joined, and the output.
fn run(case: &Case<'_>, cuts: &[u8]) -> (Vec<Heard>, Vec<u8>) {
    let delivery = if case.parts { Delivery::Parts } else { Delivery::Messages };
    let config = Config::new().max_frame(2000).max_message(MAX_MESSAGE).max_fragments(50).delivery(delivery);
    let mut ws =
        if case.client { Connection::client(Seed::new([1; 32]), &config) } else { Connection::server(&config) };
    let mut input = Input::new();
    let mut heard: Vec<Heard> = Vec::new();
    let (mut rest, mut cuts) = (case.bytes, cuts.iter().cycle());
    let mut closed = 0;
    let mut ended = false;
    loop {
        while let Some(event) = ws.receive(&mut input) {
            assert_eq!(closed, 0, "nothing follows the end");
            match event {
                Event::Text(text) => heard.push(Heard::Text(text.as_bytes().to_vec(), true)),
                Event::Binary(data) => heard.push(Heard::Binary(data.to_vec(), true)),
                Event::TextPart { text, fin } => join(&mut heard, Heard::Text(text.as_bytes().to_vec(), fin)),
                Event::BinaryPart { data, fin } => join(&mut heard, Heard::Binary(data.to_vec(), fin)),
                Event::Closed(closed) => {
                    closed += 1;
                    heard.push(Heard::Other(format!("{closed:?}")));
                }
                event => heard.push(Heard::Other(format!("{event:?}"))),
            }
        }
        assert!(input.len() as u64 <= MAX_MESSAGE + 160, "{} bytes are kept", input.len());
        if rest.is_empty() {
            if ended {
                break;
            }
            ended = true;
            ws.receive_eof();
            continue;
        }
        let size = cuts.next().map_or(rest.len(), |&cut| usize::from(cut).clamp(1, rest.len()));
        input.extend_from_slice(&rest[..size]);
        rest = &rest[size..];
    }
    assert_eq!(closed, 1, "the end is told once");
    let mut output = Vec::new();
    output.put(ws.output());
    (heard, output)
}

/// Joins a part to the message it belongs to, over the control frames between them, whose place depends on the cut.
fn join(heard: &mut Vec<Heard>, part: Heard) {
    match (heard.iter_mut().rev().find(|heard| !matches!(heard, Heard::Other(_))), &part) {
        (Some(Heard::Text(so_far, done @ false)), Heard::Text(more, fin))
        | (Some(Heard::Binary(so_far, done @ false)), Heard::Binary(more, fin)) => {
            so_far.extend_from_slice(more);
            *done = *fin;
        }
        _ => heard.push(part),
    }
}

fuzz_target!(|case: Case<'_>| {
    let mut outcomes = [run(&case, &[]), run(&case, case.cuts), run(&case, &[1])];
    if case.parts {
        // A control frame may stand before or after the first part of a message, and an empty beginning is no part.
        for (heard, _) in &mut outcomes {
            heard.retain(
                |heard| !matches!(heard, Heard::Text(bytes, false) | Heard::Binary(bytes, false) if bytes.is_empty()),
            );
            heard.sort_by_key(|heard| matches!(heard, Heard::Other(_)));
        }
    }
    assert_eq!(outcomes[0], outcomes[1]);
    assert_eq!(outcomes[0], outcomes[2]);
});
