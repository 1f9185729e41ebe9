//! The rows of the tables: what is done, and how it is proved that it is done.

use crate::endpoint::Endpoint;
use crate::handshake::{ACCEPT, REQUEST};
use crate::job::{Job, Outgoing, Seen};
use crate::json;
use crate::lines;
use crate::socket::{Kernel, Served, Socket};
use crate::verify::{Expected, frame};
use crate::wire::{Content, Incoming, Kind, Reads, Role, Size, frames};
use bytes::Bytes;
use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;
use ws_proto::frame::FrameHeader;

/// What an endpoint gives, if it can.
type By<T> = Box<dyn Fn(&dyn Endpoint) -> Option<T>>;

/// One thing that all endpoints do.
pub struct Row {
    /// The heading that it stands under.
    pub group: &'static str,
    pub name: String,
    /// A line to stand under the table.
    pub note: Option<&'static str>,
    /// What every job does that nobody is to be blamed for.
    pub overhead: Option<fn(&dyn Endpoint) -> Option<Job>>,
    /// A job handles messages in multiples of this.
    pub unit: usize,
    pub job: By<Job>,
    /// Proves that the job does what it says; nothing if there is none.
    pub verify: By<Result<(), String>>,
}

pub fn all() -> Vec<Row> {
    let mut rows = Vec::new();
    receive(&mut rows);
    fragments(&mut rows);
    send(&mut rows);
    write_text(&mut rows);
    echo(&mut rows);
    round_trip(&mut rows);
    handshake(&mut rows);
    churn(&mut rows);
    churn_client(&mut rows);
    broadcast(&mut rows);
    broadcast_compressed(&mut rows);
    deflate(&mut rows);
    rows
}

const ROLES: [Role; 2] = [Role::Server, Role::Client];

/// More than this is not done twice to be verified.
const ENOUGH: usize = 4 << 20;

fn receive(rows: &mut Vec<Row>) {
    for role in ROLES {
        let group = if role == Role::Server { "Receive as server" } else { "Receive as client" };
        for size in [20, 125, 126, 1 << 10, 16 << 10, 64 << 10, 1 << 20, 16 << 20] {
            for content in Content::ALL {
                for reads in reads(size, content) {
                    let incoming = Incoming::messages(role, content, size, reads);
                    if matches!(reads, Reads::UpTo(read) if read >= incoming.bytes.len()) {
                        continue;
                    }
                    let name = format!("receive, {role}, {} {content}, {reads}", Size(size));
                    rows.push(receiving(group, name, incoming, content));
                }
            }
        }
    }
}

/// How messages are read. In reads as large as the payload the last bytes of a message, as many as its header has, come
/// in a read of their own.
fn reads(size: usize, content: Content) -> Vec<Reads> {
    const EXACT: usize = 1 << 20;
    match size {
        20 | 125 => [&Reads::ALL[..], &[Reads::UpTo(1)]].concat(),
        126 => vec![Reads::Whole],
        // Reads of 64 KiB, which are as large as another payload, are among those of all sizes.
        EXACT if content != Content::Wide => [&Reads::ALL[..], &[Reads::UpTo(EXACT)]].concat(),
        _ => Reads::ALL.to_vec(),
    }
}

fn fragments(rows: &mut Vec<Row>) {
    use Content::{Ascii, Binary, Wide};
    let group = "Receive 1 MiB in fragments";
    let all = [
        (Role::Server, Binary, 64),
        (Role::Server, Wide, 64),
        (Role::Server, Binary, 1 << 10),
        (Role::Server, Binary, 16 << 10),
        (Role::Server, Ascii, 16 << 10),
        (Role::Client, Binary, 64),
        (Role::Client, Wide, 64),
        (Role::Client, Binary, 16 << 10),
        (Role::Client, Ascii, 16 << 10),
    ];
    for (role, content, fragment) in all {
        for reads in [Reads::Whole, Reads::UpTo(64 << 10)] {
            let incoming = Incoming::fragments(role, content, 1 << 20, fragment, reads);
            let name = format!("receive, {role}, 1 MiB {content} in fragments of {}, {reads}", Size(fragment));
            rows.push(receiving(group, name, incoming, content));
        }
    }
}

fn receiving(group: &'static str, name: String, incoming: Incoming, content: Content) -> Row {
    let proved = incoming.clone();
    Row {
        group,
        name,
        note: None,
        overhead: None,
        unit: incoming.messages,
        job: Box::new(move |endpoint| endpoint.receive(&incoming, Socket::over(&incoming))),
        verify: Box::new(move |endpoint| {
            let mut job = endpoint.receive(&proved, Socket::over(&proved))?;
            let rounds = if proved.bytes.len() > ENOUGH { 1 } else { 2 };
            let payloads = [content.payload(proved.largest)];
            let expected = Expected { kind: content.kind(), payloads: &payloads, count: rounds * proved.messages };
            Some(expected.is_received(&mut job))
        }),
    }
}

fn send(rows: &mut Vec<Row>) {
    for role in ROLES {
        let group = if role == Role::Server { "Send as server" } else { "Send as client" };
        for size in [0, 20, 125, 126, 1 << 10, 16 << 10, 64 << 10, 1 << 20] {
            for content in [Content::Binary, Content::Ascii] {
                let per_write = (64 << 10) / (size + 6);
                let what = format!("send, {role}, {} {content}", Size(size));
                if [0, 126].contains(&size) && content == Content::Ascii {
                    continue;
                }
                if per_write > 1 && ![0, 126].contains(&size) {
                    rows.push(sending(group, format!("{what}, 64 KiB a write"), role, content, size, per_write));
                }
                if [0, 20, 126].contains(&size) && content == Content::Binary {
                    rows.push(sending(group, format!("{what}, 32 a write"), role, content, size, 32));
                }
                if per_write <= 1 || [20, 126, 1 << 10].contains(&size) {
                    rows.push(sending(group, format!("{what}, one a write"), role, content, size, 1));
                }
            }
        }
    }
    for (role, size) in [
        (Role::Server, 16 << 10),
        (Role::Server, 64 << 10),
        (Role::Server, 1 << 20),
        (Role::Client, 1 << 10),
        (Role::Client, 64 << 10),
    ] {
        let name = format!("send, {role}, {} binary, one a write, counted", Size(size));
        let outgoing =
            Outgoing { role, content: Content::Binary, payload: Content::Binary.payload(size), per_write: 1 };
        let row = sending("Send to a sink that only counts", name, role, Content::Binary, size, 1);
        rows.push(Row { job: Box::new(move |endpoint| endpoint.send(&outgoing, Socket::counting())), ..row });
    }
}

fn sending(group: &'static str, name: String, role: Role, content: Content, size: usize, per_write: usize) -> Row {
    let outgoing = Outgoing { role, content, payload: content.payload(size), per_write };
    let proved = outgoing.clone();
    Row {
        group,
        name,
        note: None,
        overhead: None,
        unit: per_write,
        job: Box::new(move |endpoint| endpoint.send(&outgoing, Socket::write_only())),
        verify: Box::new(move |endpoint| {
            let mut socket = Socket::write_only();
            let record = socket.record();
            let mut job = endpoint.send(&proved, socket)?;
            // The last write is a smaller one, where that can be.
            let count = 2 * per_write + 1;
            let payloads = [proved.payload.clone()];
            let expected = Expected { kind: content.kind(), payloads: &payloads, count };
            Some(expected.is_written(&mut job, &record, role))
        }),
    }
}

fn echo(rows: &mut Vec<Row>) {
    for size in [20, 125, 1 << 10, 16 << 10, 64 << 10, 1 << 20] {
        let incoming = Incoming::messages(Role::Server, Content::Binary, size, Reads::UpTo(64 << 10));
        let proved = incoming.clone();
        rows.push(Row {
            group: "Echo as server",
            name: format!("echo, {} binary, 64 KiB reads", Size(size)),
            note: None,
            overhead: None,
            unit: incoming.messages,
            job: Box::new(move |endpoint| endpoint.echo(&incoming, Socket::over(&incoming).in_turns())),
            verify: Box::new(move |endpoint| {
                let mut socket = Socket::over(&proved).in_turns();
                let record = socket.record();
                let mut job = endpoint.echo(&proved, socket)?;
                let payloads = [Content::Binary.payload(size)];
                let expected = Expected { kind: Kind::Binary, payloads: &payloads, count: 2 * proved.messages + 1 };
                Some(expected.is_written(&mut job, &record, Role::Server))
            }),
        });
    }
}

fn round_trip(rows: &mut Vec<Row>) {
    let whole = |size| FrameHeader::MAX_SIZE + size;
    let (short, medium, long) = (20, 1 << 10, 64 << 10);
    for (size, per_read) in [(short, whole(short)), (medium, whole(medium)), (long, long), (long, whole(long))] {
        let payload = Content::Binary.payload(size);
        let proved = payload.clone();
        let mut name = format!("round trip, {} binary", Size(size));
        if size == long {
            name += &format!(", {}", Reads::UpTo(per_read));
        }
        rows.push(Row {
            group: "Round trip: client, server, client",
            name,
            note: None,
            overhead: None,
            unit: 1,
            job: Box::new(move |endpoint| endpoint.round_trip(Content::Binary, &payload, per_read)),
            verify: Box::new(move |endpoint| {
                let mut job = endpoint.round_trip(Content::Binary, &proved, per_read)?;
                let payloads = [proved.clone()];
                Some(Expected { kind: Kind::Binary, payloads: &payloads, count: 3 }.is_received(&mut job))
            }),
        });
    }
}

fn handshake(rows: &mut Vec<Row>) {
    rows.push(Row {
        group: "Handshake",
        name: "handshake, server, a browser's request".into(),
        note: Some(
            "The allocator counts here too, for the tables of memory; that takes up to 5 % more of those that allocate \
            most. \"parts\" is httparse, SHA-1 and base64 over the same bytes.",
        ),
        overhead: None,
        unit: 1,
        job: Box::new(|endpoint| endpoint.accept(Socket::repeating(REQUEST))),
        verify: Box::new(|endpoint| {
            let mut socket = Socket::repeating(REQUEST);
            let record = socket.record();
            endpoint.accept(socket)?(3, &mut Seen::default());
            let record = record.borrow();
            Some(are_answers(&record, 3))
        }),
    });
    rows.push(Row {
        group: "Handshake",
        name: "handshake, client".into(),
        note: Some(
            "The client's: what the answering side takes for the same request is measured alone, in turn with it, and \
            subtracted.",
        ),
        overhead: Some(answering),
        unit: 1,
        job: Box::new(|endpoint| endpoint.connect(Socket::to_server())),
        // Whoever connects checks the answer; what is to be proved is that there was a request.
        verify: Box::new(|endpoint| {
            let socket = Socket::to_server();
            let requests = socket.requests();
            endpoint.connect(socket)?(3, &mut Seen::default());
            let count = requests.borrow().count;
            Some(if count == 3 { Ok(()) } else { Err(format!("{count} requests instead of 3")) })
        }),
    });
}

/// So many messages go each way on a connection that comes and goes.
const CHURN: usize = 10;

/// What public scoreboards of servers measure: connections that come and go.
fn churn(rows: &mut Vec<Row>) {
    let payload = Content::Binary.payload(20);
    let message = frames(Role::Server, Content::Binary, &payload, payload.len());
    let mut close = frames(Role::Server, Content::Binary, &NORMAL_CLOSE, NORMAL_CLOSE.len());
    close[0] = 0x88;
    let mut reads = vec![Bytes::from_static(REQUEST)];
    reads.extend(vec![Bytes::from(message); CHURN]);
    reads.push(close.into());
    let reads: Rc<[Bytes]> = reads.into();
    let recorded = Rc::clone(&reads);
    rows.push(Row {
        group: "Churn",
        name: format!("churn, server: handshake, {CHURN} echoes of {}, Close", Size(payload.len())),
        note: Some(
            "A connection from its request to its end. Each message comes when the one before has been answered. Every \
            connection has buffers of its own, but for the floor's.",
        ),
        overhead: None,
        unit: 1,
        job: Box::new(move |endpoint| {
            let (reads, kernel) = (Rc::clone(&reads), Rc::new(RefCell::new(Kernel::new())));
            endpoint.churn(CHURN, Box::new(move || Socket::scripted(&reads, &kernel)))
        }),
        verify: Box::new(move |endpoint| {
            let record = Rc::default();
            let (reads, kernel) = (Rc::clone(&recorded), Rc::new(RefCell::new(Kernel::new())));
            let records = Rc::clone(&record);
            let dial = move || {
                let mut socket = Socket::scripted(&reads, &kernel);
                socket.record_to(&records);
                socket
            };
            endpoint.churn(CHURN, Box::new(dial))?(3, &mut Seen::default());
            let payloads = [payload.clone()];
            let expected = Expected { kind: Kind::Binary, payloads: &payloads, count: CHURN };
            Some(are_connections(&record.borrow(), 3, &expected))
        }),
    });
}

fn churn_client(rows: &mut Vec<Row>) {
    let payload = Content::Binary.payload(20);
    let proved = payload.clone();
    rows.push(Row {
        group: "Churn",
        name: format!("churn, client: handshake, {CHURN} round trips of {}, Close", Size(payload.len())),
        note: Some("The client's: what the answering side takes for the same writes is subtracted."),
        overhead: Some(echoing),
        unit: 1,
        job: Box::new(move |endpoint| {
            let served = Rc::default();
            endpoint.churn_client(CHURN, &payload, Box::new(move || Socket::to_echo_server(&served)))
        }),
        verify: Box::new(move |endpoint| {
            let served = Rc::new(RefCell::new(Served::default()));
            let dialled = Rc::clone(&served);
            let dial = move || Socket::to_echo_server(&dialled);
            let mut seen = Seen { kept: Some(Vec::new()) };
            endpoint.churn_client(CHURN, &proved, Box::new(dial))?(3, &mut seen);
            let kept = seen.kept.unwrap_or_default();
            let closed = served.borrow().closed;
            let are_due = kept.iter().all(|(kind, payload)| (*kind, &payload[..]) == (Kind::Binary, &proved[..]));
            Some(if kept.len() == 3 * CHURN && are_due && closed == 3 {
                Ok(())
            } else {
                Err(format!("{} messages and {closed} Close frames", kept.len()))
            })
        }),
    });
}

/// The other side of an endpoint that comes and goes, alone: it answers the same writes over and over.
fn echoing(endpoint: &dyn Endpoint) -> Option<Job> {
    let served = Rc::new(RefCell::new(Served { writes: Some(Vec::new()), ..Served::default() }));
    let dialled = Rc::clone(&served);
    let dial = move || Socket::to_echo_server(&dialled);
    endpoint.churn_client(CHURN, &Content::Binary.payload(20), Box::new(dial))?(1, &mut Seen::default());
    let writes = served.take().writes.unwrap_or_default();
    let mut answer = vec![0; 4 << 10];
    Some(Box::new(move |count, _| {
        for _ in 0..count {
            let mut socket = Socket::to_echo_server(&served);
            for write in &writes {
                socket.write_all(write).expect("it takes all");
                std::hint::black_box(socket.read_some(&mut answer));
            }
        }
    }))
}

const NORMAL_CLOSE: [u8; 2] = 1000_u16.to_be_bytes();

/// Whether these are so many connections of a server: an answer that accepts, the messages, a Close that echoes the code,
/// and nothing else.
fn are_connections(mut wire: &[u8], count: usize, expected: &Expected<'_>) -> Result<(), String> {
    for at in 0..count {
        let head = wire.windows(4).position(|four| four == b"\r\n\r\n").map(|end| end + 4);
        let (head, rest) = head.and_then(|end| wire.split_at_checked(end)).ok_or("an answer is missing")?;
        are_answers(head, 1)?;
        let rest = expected.is_at_front_of(rest, Role::Server).map_err(|error| format!("connection {at}: {error}"))?;
        let (first, payload, behind) = frame(rest, Role::Server).ok_or("a Close is missing")??;
        if (first, &payload[..]) != (0x88, &NORMAL_CLOSE[..]) {
            return Err(format!("connection {at} ends with {first:02x} {payload:02x?}"));
        }
        wire = behind;
    }
    if wire.is_empty() { Ok(()) } else { Err(format!("{} bytes behind the last Close", wire.len())) }
}

/// The other side of an endpoint that connects, alone: it answers the same request over and over.
fn answering(endpoint: &dyn Endpoint) -> Option<Job> {
    let socket = Socket::to_server();
    let asked = socket.requests();
    endpoint.connect(socket)?(1, &mut Seen::default());
    // What a reference does needs no other side.
    let request = Some(asked.take().last).filter(|request| !request.is_empty())?;
    let mut socket = Socket::to_server();
    let mut answer = vec![0; 4 << 10];
    Some(Box::new(move |count, _| {
        for _ in 0..count {
            socket.write_all(&request).expect("it takes all");
            std::hint::black_box(socket.read_some(&mut answer));
        }
    }))
}

/// Whether these are so many answers that accept the request, and nothing else.
fn are_answers(wire: &[u8], count: usize) -> Result<(), String> {
    let text = std::str::from_utf8(wire).map_err(|error| error.to_string())?;
    let heads: Vec<&str> = text.split_terminator("\r\n\r\n").collect();
    if heads.len() != count || !text.ends_with("\r\n\r\n") {
        return Err(format!("{} answers instead of {count}", heads.len()));
    }
    let is_due = |line: &str| {
        line.split_once(':')
            .is_some_and(|(name, value)| name.eq_ignore_ascii_case("sec-websocket-accept") && value.trim() == ACCEPT)
    };
    let are_due = heads.iter().all(|head| head.starts_with("HTTP/1.1 101 ") && head.lines().any(is_due));
    if are_due { Ok(()) } else { Err(format!("this accepts nothing: {text}")) }
}

/// Sockets of connections from which nothing comes.
fn sockets(count: usize) -> Vec<Socket> {
    let (nothing, kernel): (Rc<[Bytes]>, _) = (Rc::new([]), Rc::new(RefCell::new(Kernel::new())));
    (0..count).map(|_| Socket::scripted(&nothing, &kernel)).collect()
}

/// The same, which record what is written to them.
fn recording(count: usize, record: &Rc<RefCell<Vec<u8>>>) -> Vec<Socket> {
    let mut sockets = sockets(count);
    sockets.iter_mut().for_each(|socket| socket.record_to(record));
    sockets
}

fn broadcast(rows: &mut Vec<Row>) {
    for connections in [1000, 10_000] {
        let payload = Content::Binary.payload(1 << 10);
        let proved = payload.clone();
        rows.push(Row {
            group: "Broadcast",
            name: format!("broadcast, 1 KiB binary to {},000 connections", connections / 1000),
            note: Some(
                "A round of all connections. ws-proto encodes the message once. \"memcpy\" writes a ready frame to each \
                socket, with no connection between.",
            ),
            overhead: None,
            unit: 1,
            job: Box::new(move |endpoint| endpoint.broadcast(&payload, sockets(connections))),
            verify: Box::new(move |endpoint| {
                let record = Rc::default();
                let sockets = recording(100, &record);
                endpoint.broadcast(&proved, sockets)?(2, &mut Seen::default());
                let payloads = [proved.clone()];
                let record = record.borrow();
                Some(Expected { kind: Kind::Binary, payloads: &payloads, count: 200 }.is_on(&record, Role::Server))
            }),
        });
    }
}

fn broadcast_compressed(rows: &mut Vec<Row>) {
    let payload = Bytes::from(json::messages(2 << 10).swap_remove(0));
    let proved = payload.clone();
    rows.push(Row {
        group: "Broadcast",
        name: "broadcast, 2 KiB JSON compressed, to 1,000 connections".into(),
        note: Some("ws-proto and the floor compress the message once, peers once for each connection."),
        overhead: None,
        unit: 1,
        job: Box::new(move |endpoint| endpoint.broadcast_compressed(&payload, sockets(1000))),
        verify: Box::new(move |endpoint| {
            let record = Rc::default();
            let sockets = recording(100, &record);
            endpoint.broadcast_compressed(&proved, sockets)?(1, &mut Seen::default());
            let payloads = [proved.clone()];
            Some(Expected { kind: Kind::Text, payloads: &payloads, count: 100 }.is_compressed_anew(&record.borrow()))
        }),
    });
}

fn write_text(rows: &mut Vec<Row>) {
    for size in [256, 4 << 10] {
        rows.push(Row {
            group: "Send as server",
            name: format!("write {} of JSON lines as a message, one a write", Size(size)),
            note: Some("JSON lines are formatted into the output (`send_with`), by peers into a string that is sent."),
            overhead: None,
            unit: 1,
            job: Box::new(move |endpoint| endpoint.write_text(size, Socket::write_only())),
            verify: Box::new(move |endpoint| {
                let mut socket = Socket::write_only();
                let record = socket.record();
                let mut job = endpoint.write_text(size, socket)?;
                let mut text = String::new();
                lines::write_lines(&mut text, size).expect("a string takes all");
                let payloads = [text.into()];
                Some(Expected { kind: Kind::Text, payloads: &payloads, count: 3 }.is_written(
                    &mut job,
                    &record,
                    Role::Server,
                ))
            }),
        });
    }
}

fn deflate(rows: &mut Vec<Row>) {
    const SIZE: usize = 2 << 10;
    const NOTE: &str = "The floor is zlib-rs alone, without frames.";
    let messages: Rc<[Bytes]> = json::messages(SIZE).into_iter().map(Bytes::from).collect();
    let incoming = Incoming::compressed(&json::zlib_messages(SIZE), SIZE);
    let (proved, due) = (incoming.clone(), Rc::clone(&messages));
    rows.push(Row {
        group: "permessage-deflate with context takeover",
        name: "inflate, server, 2 KiB JSON".into(),
        note: None,
        overhead: None,
        unit: incoming.messages,
        job: Box::new(move |endpoint| endpoint.inflate(&incoming, Socket::over(&incoming))),
        verify: Box::new(move |endpoint| {
            let mut job = endpoint.inflate(&proved, Socket::over(&proved))?;
            let expected = Expected { kind: Kind::Text, payloads: &due, count: 2 * proved.messages };
            Some(expected.is_received(&mut job))
        }),
    });
    let sent = Rc::clone(&messages);
    rows.push(Row {
        group: "permessage-deflate with context takeover",
        name: "deflate, server, 2 KiB JSON".into(),
        note: Some(NOTE),
        overhead: None,
        unit: messages.len(),
        job: Box::new(move |endpoint| endpoint.deflate(&messages, Socket::write_only())),
        verify: Box::new(move |endpoint| {
            let mut socket = Socket::write_only();
            let record = socket.record();
            let mut job = endpoint.deflate(&sent, socket)?;
            let expected = Expected { kind: Kind::Text, payloads: &sent, count: 2 * sent.len() };
            Some(expected.is_compressed(&mut job, &record))
        }),
    });
}
