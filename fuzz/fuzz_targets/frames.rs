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
enum Seen {
    Text(Vec<u8>, bool),
    Binary(Vec<u8>, bool),
    Other(String),
}

const MAX_MESSAGE: u64 = 3000;

/// The events, parts joined, and the output.
fn run(case: &Case<'_>, cuts: &[u8]) -> (Vec<Seen>, Vec<u8>) {
    let delivery = if case.parts { Delivery::Parts } else { Delivery::Messages };
    let config = Config::new().max_frame(2000).max_message(MAX_MESSAGE).max_fragments(50).delivery(delivery);
    let mut ws =
        if case.client { Connection::client(Seed::new([1; 32]), &config) } else { Connection::server(&config) };
    let mut input = Input::new();
    let mut seen: Vec<Seen> = Vec::new();
    let (mut rest, mut cuts) = (case.bytes, cuts.iter().cycle());
    let mut closed = 0;
    let mut ended = false;
    loop {
        while let Some(event) = ws.receive(&mut input) {
            assert_eq!(closed, 0, "nothing follows the end");
            match event {
                Event::Text(text) => seen.push(Seen::Text(text.as_bytes().to_vec(), true)),
                Event::Binary(data) => seen.push(Seen::Binary(data.to_vec(), true)),
                Event::TextPart { text, fin } => join(&mut seen, Seen::Text(text.as_bytes().to_vec(), fin)),
                Event::BinaryPart { data, fin } => join(&mut seen, Seen::Binary(data.to_vec(), fin)),
                Event::Closed(end) => {
                    closed += 1;
                    seen.push(Seen::Other(format!("{end:?}")));
                }
                event => seen.push(Seen::Other(format!("{event:?}"))),
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
        let (mut now, later) = rest.split_at(size);
        // Every way into the input leads to the same.
        match size % 4 {
            0 => input.extend_from_slice(now),
            1 => input.put(now),
            2 => input.append(now.into()),
            _ => {
                while !now.is_empty() {
                    input.read_from(&mut now).expect("a slice can be read");
                }
            }
        }
        rest = later;
    }
    assert_eq!(closed, 1, "the end is returned once");
    let mut output = Vec::new();
    output.put(ws.output());
    (seen, output)
}

/// Joins a part to the message it belongs to, over the control frames between them, whose place depends on the cut.
fn join(seen: &mut Vec<Seen>, part: Seen) {
    match (seen.iter_mut().rev().find(|seen| !matches!(seen, Seen::Other(_))), &part) {
        (Some(Seen::Text(so_far, done @ false)), Seen::Text(more, fin))
        | (Some(Seen::Binary(so_far, done @ false)), Seen::Binary(more, fin)) => {
            so_far.extend_from_slice(more);
            *done = *fin;
        }
        _ => seen.push(part),
    }
}

fuzz_target!(|case: Case<'_>| {
    let mut outcomes = [run(&case, &[]), run(&case, case.cuts), run(&case, &[1])];
    if case.parts {
        // A control frame may stand before or after the first part of a message, and an empty beginning is no part.
        for (seen, _) in &mut outcomes {
            seen.retain(
                |seen| !matches!(seen, Seen::Text(bytes, false) | Seen::Binary(bytes, false) if bytes.is_empty()),
            );
            seen.sort_by_key(|seen| matches!(seen, Seen::Other(_)));
        }
    }
    assert_eq!(outcomes[0], outcomes[1]);
    assert_eq!(outcomes[0], outcomes[2]);
});
