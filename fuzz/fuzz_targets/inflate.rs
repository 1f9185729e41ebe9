//! Anything as compressed messages, in fragments and in random cuts: what is returned does not depend on the cuts, is what
//! zlib alone makes of it, and never exceeds the limit.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use ws_proto::frame::{FrameHeader, MaskingKey};
use ws_proto::{Cause, Config, Connection, DeflateConfig, DeflateParameters, Delivery, Event, Input, Opcode};
use zlib_rs::{Inflate, InflateFlush, Status};

#[derive(Arbitrary, Debug)]
struct Case<'a> {
    parts: bool,
    takeover: bool,
    keep: bool,
    small_window: bool,
    max_message: u16,
    cuts: &'a [u8],
    messages: Vec<Compressed<'a>>,
}

#[derive(Arbitrary, Debug)]
struct Compressed<'a> {
    text: bool,
    /// Whether the bytes are compressed first, so that what comes out is not always next to nothing.
    honest: bool,
    repeat: u8,
    fragments: u8,
    ping: bool,
    bytes: &'a [u8],
}

impl Compressed<'_> {
    fn payload(&self) -> Vec<u8> {
        if !self.honest {
            return self.bytes.to_vec();
        }
        let content = self.bytes.repeat(usize::from(self.repeat) + 1);
        let mut payload = vec![0; content.len() * 2 + 100];
        let mut context = zlib_rs::Deflate::new(6, false, 15);
        context.compress(&content, &mut payload, zlib_rs::DeflateFlush::SyncFlush).expect("there is room");
        payload.truncate(context.total_out() as usize - 4);
        payload
    }
}

#[derive(Debug, PartialEq)]
enum Seen {
    Message(Vec<u8>, bool),
    Other(String),
}

fn wire(case: &Case<'_>) -> Vec<u8> {
    let mut wire = Vec::new();
    let mut put = |fin, rsv, opcode, payload: &[u8]| {
        let masking_key = Some(MaskingKey::new([0; 4]));
        let header = FrameHeader { fin, rsv, opcode, masking_key, payload_length: payload.len() as u64 };
        wire.extend_from_slice(header.encode().as_ref());
        wire.extend_from_slice(payload);
    };
    for message in &case.messages {
        let payload = message.payload();
        let size = payload.len() / (usize::from(message.fragments) + 1) + 1;
        let opcode = if message.text { Opcode::Text } else { Opcode::Binary };
        let count = payload.chunks(size).count().max(1);
        for index in 0..count {
            let first = index == 0;
            if message.ping {
                put(true, 0, Opcode::Ping, b"between");
            }
            let chunk = payload.chunks(size).nth(index).unwrap_or_default();
            put(
                index + 1 == count,
                if first { 4 } else { 0 },
                if first { opcode } else { Opcode::Continuation },
                chunk,
            );
        }
    }
    wire
}

/// What is returned, parts joined.
fn run(case: &Case<'_>, wire: &[u8], cuts: &[u8]) -> Vec<Seen> {
    let delivery = if case.parts { Delivery::Parts } else { Delivery::Messages };
    let limit = u64::from(case.max_message);
    let config = Config::new().max_message(limit).delivery(delivery);
    let agreed = DeflateParameters {
        client_no_context_takeover: !case.takeover,
        client_max_window_bits: if case.small_window { 8 } else { 15 },
        ..DeflateParameters::new()
    };
    let deflate = DeflateConfig::new().keep_contexts(case.keep);
    let mut ws = Connection::server(&config).with_deflate(&deflate, agreed);
    let mut input = Input::new();
    let mut seen = Vec::new();
    let mut joined: Option<Vec<u8>> = None;
    let mut join = |seen: &mut Vec<Seen>, data: &[u8], fin: bool, text: bool| {
        let whole = joined.get_or_insert_default();
        whole.extend_from_slice(data);
        assert!(whole.len() as u64 <= limit, "more than the limit came out");
        if fin {
            seen.push(Seen::Message(joined.take().unwrap_or_default(), text));
        }
    };
    let (mut rest, mut cuts) = (wire, cuts.iter().cycle());
    let mut ended = false;
    loop {
        while let Some(event) = ws.receive(&mut input) {
            match event {
                Event::Text(text) => join(&mut seen, text.as_bytes(), true, true),
                Event::Binary(data) => join(&mut seen, &data, true, false),
                Event::TextPart { text, fin } => join(&mut seen, text.as_bytes(), fin, true),
                Event::BinaryPart { data, fin } => join(&mut seen, &data, fin, false),
                Event::Closed(closed) => {
                    let cause = match closed.cause {
                        // The limit may show before or after what is corrupt behind it.
                        Cause::Violation(violation) => violation.close_code().get().to_string(),
                        cause => format!("{cause:?}"),
                    };
                    seen.push(Seen::Other(cause));
                }
                event => seen.push(Seen::Other(format!("{event:?}"))),
            }
        }
        if ended {
            return seen;
        }
        if rest.is_empty() {
            ended = true;
            ws.receive_eof();
            continue;
        }
        let count = cuts.next().map_or(rest.len(), |&cut| usize::from(cut) + 1).min(rest.len());
        let (now, later) = rest.split_at(count);
        input.extend_from_slice(now);
        rest = later;
    }
}

/// What zlib makes of the first message, if it has no final block.
fn oracle(payload: &[u8]) -> Option<Vec<u8>> {
    let input = [payload, &[0, 0, 0xFF, 0xFF]].concat();
    let mut context = Inflate::new(false, 15);
    let mut output = Vec::new();
    loop {
        let mut room = [0; 4096];
        let (taken, given) = (context.total_in() as usize, context.total_out());
        let status = context.decompress(&input[taken..], &mut room, InflateFlush::SyncFlush).ok()?;
        let given = (context.total_out() - given) as usize;
        output.extend_from_slice(&room[..given]);
        if status == Status::StreamEnd || output.len() > 1 << 17 {
            return None;
        }
        if given < room.len() {
            return Some(output);
        }
    }
}

fuzz_target!(|case: Case<'_>| {
    let wire = wire(&case);
    let whole = run(&case, &wire, &[]);
    let cut = run(&case, &wire, case.cuts);
    assert_eq!(whole, cut);

    let first = whole.iter().find(|seen| matches!(seen, Seen::Message(..)));
    if let (Some(Seen::Message(content, _)), Some(message)) = (first, case.messages.first()) {
        if let Some(expected) = oracle(&message.payload()).filter(|_| !message.payload().is_empty()) {
            assert_eq!(*content, expected);
        }
    }
});
