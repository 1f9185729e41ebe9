//! What is measured, and by whom it is done.

mod connection;
mod copying;
mod fastwebsockets;
mod floor;
mod parts;
mod sockudo;
mod sockudo_protocol;
mod soketto;
mod tokio_websockets;
mod tungstenite;
mod websocket_sans_io;
mod ws_proto;

use crate::socket::Socket;
use crate::wire::{Content, Incoming, Kind, Role};
use bytes::Bytes;
use connection::Peer;
use std::hint::black_box;
use std::marker::PhantomData;
use std::rc::Rc;

/// All that are measured, in the order of the columns.
pub const ALL: &[&dyn Endpoint] = &[
    &copying::Copying,
    &parts::Parts,
    &floor::Floor,
    &ws_proto::WsProto,
    &Peer::<tungstenite::Tungstenite>(PhantomData),
    &Peer::<fastwebsockets::FastWebSockets>(PhantomData),
    &Peer::<tokio_websockets::TokioWebSockets>(PhantomData),
    &Peer::<soketto::Soketto>(PhantomData),
    &Peer::<sockudo::Sockudo>(PhantomData),
    &Peer::<sockudo_protocol::SockudoProtocol>(PhantomData),
    &Peer::<websocket_sans_io::WebSocketSansIo>(PhantomData),
];

/// What messages go to once they are received.
#[derive(Default)]
pub struct Seen {
    /// The messages, where they are to be compared.
    pub kept: Option<Vec<(Kind, Vec<u8>)>>,
}

impl Seen {
    #[inline(always)]
    pub fn message(&mut self, kind: Kind, payload: &[u8]) {
        black_box(payload);
        if let Some(kept) = &mut self.kept {
            kept.push((kind, payload.to_vec()));
        }
    }
}

/// Does one thing so many times.
pub type Job = Box<dyn FnMut(usize, &mut Seen)>;

/// Messages that are sent over and over.
#[derive(Clone)]
pub struct Outgoing {
    /// Who sends them.
    pub role: Role,
    pub content: Content,
    pub payload: Bytes,
    /// So many are queued before what is queued is written.
    pub per_write: usize,
}

/// How much of RFC 6455 an endpoint does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing: it shows what the parts of a job take.
    Reference,
    /// What is measured, and no more.
    Floor,
    /// Some of it: text is not validated, or fragments are not put together, or control frames are not answered.
    Partial,
    /// All that is asked of an endpoint.
    Complete,
}

/// What a connection holds while nothing happens on it, in bytes.
pub struct Idle {
    /// Whose it is, and in which use.
    pub name: &'static str,
    /// On the heap.
    pub heap: f64,
    /// The value itself, without its socket.
    pub value: usize,
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

    /// A client sends a message, a server sends it back, the client receives it.
    fn round_trip(&self, _: Content, _: &Bytes) -> Option<Job> {
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

    /// A server sends one message on each of these connections, and writes it.
    fn broadcast(&self, _: &Bytes, _: Vec<Socket>) -> Option<Job> {
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
