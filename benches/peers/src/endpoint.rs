//! What every endpoint can be asked to do, and how much of the protocol it does.

pub mod connection;
pub mod copying;
pub mod fastwebsockets;
pub mod floor;
pub mod nexus_web;
pub mod parts;
pub mod sockudo;
pub mod sockudo_protocol;
pub mod soketto;
pub mod tokio_websockets;
pub mod tungstenite;
pub mod websocket_sans_io;
pub mod ws_proto;
pub mod wtx;

use crate::job::{Dial, Idle, Job, Outgoing};
use crate::socket::Socket;
use crate::wire::{Content, Incoming};
use bytes::Bytes;
use std::rc::Rc;

/// How much of RFC 6455 an endpoint does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing: it shows what the parts of a job take.
    Reference,
    /// What is measured, and no more.
    Floor,
    /// Some of it: text is not validated, or fragments are not put together.
    Partial,
    /// Messages: fragments are put together, and text is validated if it comes in one read at least. Control frames are
    /// not answered, and there is no closing handshake.
    Validating,
    /// All that is asked of an endpoint.
    Complete,
}

/// An implementation in its most natural fast use. What it cannot do is `None`.
///
/// A job reads from the socket that it is given, and writes to it; what it reads never ends.
pub trait Endpoint {
    fn name(&self) -> &'static str;

    fn standing(&self) -> Standing;

    /// Receives messages.
    fn receive(&self, _: &Incoming, _: Socket) -> Option<Job> {
        None
    }

    /// Sends messages: `outgoing.per_write` of them are queued, then all is written. A count that is no multiple of it
    /// ends with a smaller write.
    fn send(&self, _: &Outgoing, _: Socket) -> Option<Job> {
        None
    }

    /// A server that sends back what it receives: all that one read gave is answered in as few writes as its natural
    /// loop makes.
    fn echo(&self, _: &Incoming, _: Socket) -> Option<Job> {
        None
    }

    /// A client sends a message, a server sends it back, the client receives it. A read gives at most so many bytes.
    fn round_trip(&self, _: Content, _: &Bytes, _: usize) -> Option<Job> {
        None
    }

    /// A server reads a request and writes its answer, each time on a new connection; a read gives one request.
    fn accept(&self, _: Socket) -> Option<Job> {
        None
    }

    /// A client writes a request and reads the answer, each time on a new connection.
    fn connect(&self, _: Socket) -> Option<Job> {
        None
    }

    /// A server handles one connection after the other, from the request to its end: it reads the request and answers it,
    /// sends back so many messages, each of which comes when the one before has been answered, and answers the Close.
    fn churn(&self, _: usize, _: Dial) -> Option<Job> {
        None
    }

    /// A client opens one connection after the other: it writes the request and reads the answer, sends so many messages
    /// and waits for each to come back, closes, and waits for the other side's Close.
    fn churn_client(&self, _: usize, _: &Bytes, _: Dial) -> Option<Job> {
        None
    }

    /// A server sends one message on each of these connections, and writes it.
    fn broadcast(&self, _: &Bytes, _: Vec<Socket>) -> Option<Job> {
        None
    }

    /// The same for a text message on connections that have agreed on permessage-deflate with context takeover: each round it
    /// is a new one, which has to be compressed.
    fn broadcast_compressed(&self, _: &Bytes, _: Vec<Socket>) -> Option<Job> {
        None
    }

    /// A server writes a text message of so many bytes from pieces, and sends it.
    fn write_text(&self, _: usize, _: Socket) -> Option<Job> {
        None
    }

    /// Receives messages that are compressed with permessage-deflate with context takeover, as a server.
    fn inflate(&self, _: &Incoming, _: Socket) -> Option<Job> {
        None
    }

    /// Sends these text messages one after the other, compressed with permessage-deflate with context takeover, as a
    /// server. Each is written when it is queued.
    fn deflate(&self, _: &[Bytes], _: Socket) -> Option<Job> {
        None
    }

    /// Connections of a server that read a request and a message, in two reads, and have answered both.
    fn idle(&self, _: &Rc<[Bytes]>, _: usize) -> Vec<Idle> {
        Vec::new()
    }
}
