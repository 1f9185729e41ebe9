//! What the socket in memory takes by itself: the bytes of a job are copied from it and to it, and nobody looks at
//! them.

use super::{Endpoint, Standing};
use crate::job::{Job, Outgoing};
use crate::socket::Socket;
use crate::wire::{Content, Incoming, Role, frames};
use bytes::Bytes;
use std::hint::black_box;
use std::io::Write;

pub struct Copying;

/// Reads as much as the messages take. A wire is always read to its end.
fn read(incoming: &Incoming, mut socket: Socket, answers: bool) -> Option<Job> {
    let mut buffer = Vec::with_capacity(incoming.per_read);
    let (length, messages) = (incoming.bytes.len(), incoming.messages);
    Some(Box::new(move |count, _| {
        for _ in 0..count.div_ceil(messages) {
            let mut left = length;
            while left > 0 {
                buffer.clear();
                left -= socket.read_buf(&mut buffer);
                black_box(&buffer);
                if answers {
                    socket.write_all(&buffer).expect("it takes all");
                }
            }
        }
    }))
}

impl Endpoint for Copying {
    fn name(&self) -> &'static str {
        "memcpy"
    }

    fn standing(&self) -> Standing {
        Standing::Reference
    }

    fn receive(&self, incoming: &Incoming, socket: Socket) -> Option<Job> {
        read(incoming, socket, false)
    }

    fn send(&self, outgoing: &Outgoing, mut socket: Socket) -> Option<Job> {
        let receiver = if outgoing.role == Role::Server { Role::Client } else { Role::Server };
        let frame = frames(receiver, outgoing.content, &outgoing.payload, outgoing.payload.len());
        let (frames, per_write) = (frame.repeat(outgoing.per_write), outgoing.per_write);
        Some(Box::new(move |mut count, _| {
            while count > 0 {
                let batch = count.min(per_write);
                socket.write_all(black_box(&frames[..frame.len() * batch])).expect("it takes all");
                count -= batch;
            }
        }))
    }

    fn echo(&self, incoming: &Incoming, socket: Socket) -> Option<Job> {
        read(incoming, socket, true)
    }

    fn broadcast(&self, payload: &Bytes, mut sockets: Vec<Socket>) -> Option<Job> {
        let frame = frames(Role::Client, Content::Binary, payload, payload.len());
        Some(Box::new(move |count, _| {
            for _ in 0..count {
                for socket in &mut sockets {
                    socket.write_all(black_box(&frame)).expect("it takes all");
                }
            }
        }))
    }
}
