//! Whether an endpoint does as much of the protocol as it is said to do.

use crate::endpoint::{Endpoint, Standing};
use crate::job::Seen;
use crate::socket::Socket;
use crate::verify::frame;
use crate::wire::{Content, Incoming, Reads, Role};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A complete endpoint answers Pings and refuses what is not text, however it is cut into reads. A validating one refuses
/// it where it comes in one read, and answers no Pings. A partial one is neither.
pub fn check(endpoint: &dyn Endpoint) -> Result<(), String> {
    if matches!(endpoint.standing(), Standing::Reference | Standing::Floor) {
        return Ok(());
    }
    let answers = answers_pings(endpoint);
    let validates = refuses_what_is_not_text(endpoint, Reads::Whole);
    let validates_parts = refuses_what_is_not_text(endpoint, Reads::UpTo(1));
    let shown = match (answers, validates, validates_parts) {
        (true, true, true) => Standing::Complete,
        (false, true, _) => Standing::Validating,
        _ => Standing::Partial,
    };
    if shown == endpoint.standing() {
        Ok(())
    } else {
        Err(format!(
            "answers Pings: {answers}, validates text in one read: {validates}, in reads of one byte: {validates_parts}"
        ))
    }
}

/// A Ping, and a message that is to be sent back.
fn answers_pings(endpoint: &dyn Endpoint) -> bool {
    let mut ping = crate::wire::frames(Role::Server, Content::Binary, b"hi", 2);
    ping[0] = 0x89;
    let payload = Content::Binary.payload(20);
    ping.extend(crate::wire::frames(Role::Server, Content::Binary, &payload, payload.len()));
    let incoming = Incoming::once(Role::Server, ping, payload.len(), Reads::Whole);
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
fn refuses_what_is_not_text(endpoint: &dyn Endpoint, reads: Reads) -> bool {
    let wire = crate::wire::frames(Role::Server, Content::Ascii, &[b'a', 0xE2, 0x82], 3);
    let incoming = Incoming::once(Role::Server, wire, 3, reads);
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
