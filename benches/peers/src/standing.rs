//! Whether an endpoint does as much of the protocol as it is said to do.

use crate::endpoint::{Endpoint, Standing};
use crate::job::Seen;
use crate::socket::Socket;
use crate::verify::frame;
use crate::wire::{Content, Incoming, Role};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Who is complete answers Pings and refuses what is no text. Who is not fails one of the two, or would be complete.
pub fn check(endpoint: &dyn Endpoint) -> Result<(), String> {
    let (answers, validates) = match endpoint.standing() {
        Standing::Reference | Standing::Floor => return Ok(()),
        _ => (answers_pings(endpoint), refuses_no_text(endpoint)),
    };
    let is_complete = answers && validates;
    if is_complete == (endpoint.standing() == Standing::Complete) {
        Ok(())
    } else {
        Err(format!("answers Pings: {answers}, validates text: {validates}"))
    }
}

/// A Ping, and a message that is to be sent back.
fn answers_pings(endpoint: &dyn Endpoint) -> bool {
    let mut ping = crate::wire::frames(Role::Server, Content::Binary, b"hi", 2);
    ping[0] = 0x89;
    let payload = Content::Binary.payload(20);
    ping.extend(crate::wire::frames(Role::Server, Content::Binary, &payload, payload.len()));
    let incoming = Incoming::once(Role::Server, ping, payload.len());
    let mut socket = Socket::over(&incoming).in_turns();
    let record = socket.record();
    let Some(mut job) = endpoint.echo(&incoming, socket) else { return false };
    if quietly(|| job(1, &mut Seen::default())).is_none() {
        return false;
    }
    let record = record.borrow();
    let mut rest = &record[..];
    let mut sent = Vec::new();
    while let Some(Ok((first, payload, behind))) = frame(rest, Role::Server) {
        sent.push((first, payload));
        rest = behind;
    }
    sent.sort();
    sent == [(0x82, payload.to_vec()), (0x8A, b"hi".to_vec())]
}

/// Text that breaks off within a code point.
fn refuses_no_text(endpoint: &dyn Endpoint) -> bool {
    let wire = crate::wire::frames(Role::Server, Content::Ascii, &[b'a', 0xE2, 0x82], 3);
    let incoming = Incoming::once(Role::Server, wire, 3);
    let Some(mut job) = endpoint.receive(&incoming, Socket::over(&incoming)) else { return false };
    quietly(|| job(1, &mut Seen::default())).is_none()
}

/// Runs what may panic, and says nothing about it.
fn quietly<T>(run: impl FnOnce() -> T) -> Option<T> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let outcome = catch_unwind(AssertUnwindSafe(run)).ok();
    std::panic::set_hook(hook);
    outcome
}
