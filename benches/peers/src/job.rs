//! What is measured: a job, the messages that it receives or sends, and the memory that a connection holds.

use crate::socket::Socket;
use crate::wire::{Content, Kind, Role};
use bytes::Bytes;
use std::hint::black_box;

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

/// Opens the next connection: a socket on which the other side waits.
pub type Dial = Box<dyn FnMut() -> Socket>;

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

/// What a connection holds while nothing happens on it, in bytes.
pub struct Idle {
    /// Whose it is, and in which use.
    pub name: &'static str,
    /// On the heap.
    pub heap: f64,
    /// The value itself, without its socket.
    pub value: usize,
}
