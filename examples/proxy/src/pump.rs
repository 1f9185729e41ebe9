//! The two connections, and what goes from one to the other.

use crate::wire::{Wire, wake};
use std::future::pending;
use std::mem::take;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep_until;
use ws_proto::{Clock, CloseCode, CloseFrame, Connection, Event, SendError, SendErrorKind};

/// One of the two connections.
struct Side {
    name: &'static str,
    /// The close code for the other side when this one is lost.
    loss: CloseCode,
    ws: Connection,
    /// `None` when the connection is closed, down to the transport.
    wire: Option<Wire>,
    /// Whether to look at the time, because something has been read or nothing was there to read.
    is_due: bool,
    /// Whether the end has been passed on.
    is_closed: bool,
}

/// Passes on what comes, both ways, to the end of both connections.
pub async fn pump(client: (Wire, Connection), upstream: (Wire, Connection), clock: Clock) -> Result<(), SendError> {
    let mut client = Side::new("client", CloseCode::GOING_AWAY, client);
    let mut upstream = Side::new("upstream", CloseCode::BAD_GATEWAY, upstream);
    loop {
        client.pass_on(&mut upstream, clock)?;
        upstream.pass_on(&mut client, clock)?;
        if client.wire.is_none() && upstream.wire.is_none() {
            return Ok(());
        }
        tokio::select! {
            () = client.step(clock) => {}
            () = upstream.step(clock) => {}
        }
    }
}

impl Side {
    fn new(name: &'static str, loss: CloseCode, (wire, ws): (Wire, Connection)) -> Self {
        Self { name, loss, ws, wire: Some(wire), is_due: true, is_closed: false }
    }

    /// Passes on what has come, as long as not too much waits to be written.
    fn pass_on(&mut self, to: &mut Self, clock: Clock) -> Result<(), SendError> {
        let Some(wire) = &mut self.wire else { return Ok(()) };
        // After a read or a deadline there is one event in any case, because it may be the end.
        let is_due = take(&mut self.is_due);
        let mut is_first = is_due;
        while take(&mut is_first) || !to.ws.interest().congested {
            match self.ws.receive(&mut wire.input) {
                // A message that nobody can read any more is dropped.
                Some(Event::TextPart { text, fin }) if to.ws.can_send() => to.ws.send_part(text, fin)?,
                Some(Event::BinaryPart { data, fin }) if to.ws.can_send() => to.ws.send_part(data, fin)?,
                Some(Event::Close(frame)) => to.close(frame),
                Some(Event::Closed(closed)) => {
                    println!("{} closed: {closed}", self.name);
                    self.is_closed = true;
                    // A Close that was received here answers the one that was passed on from there.
                    let loss = || CloseFrame::truncated(self.loss, format!("{}: {}", self.name, closed.cause));
                    to.close(closed.received.clone().unwrap_or_else(loss));
                }
                Some(_) => {} // a Ping, which is answered already
                None => break,
            }
        }
        if to.ws.interest().congested {
            self.ws.pause_reading();
        } else {
            self.ws.resume_reading();
        }
        if is_due {
            self.ws.handle_timeout(clock.now());
        }
        // The other side may have to wait for its peer, but this one does not.
        if self.is_closed && self.ws.interest().hang_up {
            self.wire.take().map(|wire| tokio::spawn(wire.hang_up()));
        }
        Ok(())
    }

    /// Sends a Close frame, or answers the peer's with it; nothing if one has been sent, or the connection is over.
    fn close(&mut self, frame: CloseFrame) {
        if self.ws.close(frame).is_err_and(|error| error.kind() == SendErrorKind::ClientCode) {
            // RFC 6455 §7.4.1: 1010 is not for a server to send, unless it answers a client that has.
            let _ = self.ws.close(CloseFrame::EMPTY);
        }
    }

    /// Writes or reads once, or waits for a deadline. It can be dropped at any time.
    async fn step(&mut self, clock: Clock) {
        let Some(wire) = &mut self.wire else { return pending().await };
        let want = self.ws.interest();
        let (mut reader, mut writer) = wire.socket.split();
        let mut room = wire.input.room();
        tokio::select! {
            biased;
            count = writer.write_buf(self.ws.output()), if want.write => if !matches!(count, Ok(1..)) {
                self.ws.output().clear(); // the peer is gone, and what it has sent before can still be read
            },
            count = reader.read_buf(&mut room), if want.read => {
                self.is_due = true;
                if !matches!(count, Ok(1..)) {
                    self.ws.receive_eof();
                }
            }
            () = sleep_until(wake(want.deadline, clock)) => self.is_due = true,
        }
    }
}
