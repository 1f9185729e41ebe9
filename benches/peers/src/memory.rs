//! What connections hold, and how often they allocate.

use crate::allocator::allocations;
use crate::columns::ALL;
use crate::endpoint::{Endpoint, Standing};
use crate::handshake::REQUEST;
use crate::job::{Job, Outgoing, Seen};
use crate::socket::Socket;
use crate::table::Table;
use crate::wire::{Content, Incoming, Reads, Role, frames};
use bytes::Bytes;
use std::rc::Rc;

/// So many connections are held at a time.
const CONNECTIONS: usize = 1000;

const IDLE: &str = "memory, idle connection";
const ALLOCATIONS: &str = "memory, allocations a message";

/// Prints the tables with this in their name.
pub fn print(only: &str) {
    if IDLE.contains(only) {
        eprintln!("{IDLE}");
        println!("### What an idle connection holds, in bytes\n\n{}", idle());
        println!(
            "A server's, after the handshake and one echo of 20 B: the mean of {CONNECTIONS}. The value is that of the \
            connection without its socket.\n"
        );
    }
    if ALLOCATIONS.contains(only) {
        eprintln!("{ALLOCATIONS}");
        println!("### Allocations a message, in the steady state\n\n{}", allocation());
    }
}

fn peers() -> impl Iterator<Item = &'static dyn Endpoint> {
    ALL.iter().copied().filter(|endpoint| endpoint.standing() != Standing::Reference)
}

fn idle() -> Table {
    let payload = Content::Binary.payload(20);
    let frame = frames(Role::Server, Content::Binary, &payload, payload.len());
    let reads: Rc<[Bytes]> = Rc::new([Bytes::from_static(REQUEST), Bytes::from(frame)]);
    let mut table = Table(vec![["", "heap", "value", "in all"].map(String::from).into()]);
    for idle in peers().flat_map(|endpoint| endpoint.idle(&reads, CONNECTIONS)) {
        let all = idle.heap + idle.value as f64;
        table.0.push(vec![idle.name.into(), format!("{:.0}", idle.heap), idle.value.to_string(), format!("{all:.0}")]);
    }
    table
}

fn allocation() -> Table {
    let mut table = Table(vec![
        ["", "echo, 20 B binary", "receive, server, 1 KiB ASCII", "send, client, 20 B binary"].map(String::from).into(),
    ]);
    let echo = Incoming::messages(Role::Server, Content::Binary, 20, Reads::UpTo(64 << 10));
    let text = Incoming::messages(Role::Server, Content::Ascii, 1 << 10, Reads::UpTo(64 << 10));
    let payload = Content::Binary.payload(20);
    let sent = Outgoing { role: Role::Client, content: Content::Binary, payload, per_write: 1000 };
    for endpoint in peers() {
        let sends = endpoint.send(&sent, Socket::write_only()).map(|job| per_message(job, sent.per_write));
        let echoed = endpoint.echo(&echo, Socket::over(&echo).in_turns()).map(|job| per_message(job, echo.messages));
        let received = endpoint.receive(&text, Socket::over(&text)).map(|job| per_message(job, text.messages));
        let cells =
            [echoed, received, sends].map(|count| count.map_or_else(|| "-".into(), |count| format!("{count:.3}")));
        table.0.push([endpoint.name().into()].into_iter().chain(cells).collect());
    }
    table
}

/// How often the job allocates for a message, once its buffers are as large as they get.
fn per_message(mut job: Job, messages: usize) -> f64 {
    let mut seen = Seen::default();
    let count = 100 * messages;
    job(count, &mut seen);
    let before = allocations();
    job(count, &mut seen);
    (allocations() - before) as f64 / count as f64
}
