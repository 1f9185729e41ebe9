//! Connections that own their socket: what they do differs, how they are driven does not.

use super::{Endpoint, Standing};
use crate::job::{Dial, Idle, Job, Outgoing, Seen};
use crate::lines;
use crate::socket::{Kernel, Socket};
use crate::wire::{Content, Incoming, Kind, Role};
use bytes::Bytes;
use std::cell::RefCell;
use std::hint::black_box;
use std::marker::PhantomData;
use std::rc::Rc;

/// A connection in its most natural fast use.
pub trait Connection: Sized + 'static {
    const NAME: &'static str;
    const STANDING: Standing;
    /// Whether there is a handshake.
    const HANDSHAKE: bool = true;
    /// Whether a connection can be handled from the request to its end.
    const CHURN: bool = true;

    /// What the one is called that is idle, where there is something to say about it.
    const IDLE: &'static str = Self::NAME;

    /// What is sent over and over, as it is kept by who sends it.
    type Message: 'static;

    /// A connection on a stream that is upgraded already. What is read at a time is up to the implementation, unless it
    /// can be returned.
    fn open(role: Role, socket: Socket, per_read: usize) -> Self;

    fn message(kind: Kind, payload: &Bytes) -> Self::Message;

    /// Receives the next message. Before it waits for more, it flushes what is queued.
    fn receive(&mut self, seen: &mut Seen);

    /// Receives the next message in the same way, and queues it to be sent back.
    fn echo(&mut self);

    /// Queues a message to be sent, or writes it at once.
    fn queue(&mut self, message: &Self::Message);

    fn flush(&mut self);

    /// A server's connection on a socket that holds a request, for a while.
    fn accept(_: &mut Socket) {
        unimplemented!("there is no handshake");
    }

    /// A client's connection, for a while.
    fn connect(_: &mut Socket) {
        unimplemented!("there is no handshake");
    }

    /// A server's connection on a socket that holds a request, if there is a handshake.
    fn accepted(socket: Socket) -> Self;

    /// The same for a connection that does not last, and whose messages are short.
    fn accepted_for_short(socket: Socket) -> Self {
        Self::accepted(socket)
    }

    /// Receives the other side's Close and answers it, if there is a closing handshake.
    fn close(&mut self) {
        unimplemented!("there is no closing handshake");
    }

    /// A client's connection, after its handshake.
    fn connected(_: Socket) -> Self {
        unimplemented!("there is no handshake");
    }

    /// Closes with 1000 and receives the other side's Close, if there is a closing handshake.
    fn leave(&mut self) {
        unimplemented!("there is no closing handshake");
    }

    /// As [`Endpoint::inflate`].
    fn inflate(_: &Incoming, _: Socket) -> Option<Job> {
        None
    }

    /// As [`Endpoint::deflate`].
    fn deflate(_: &[Bytes], _: Socket) -> Option<Job> {
        None
    }
}

/// All that such a connection is measured by.
pub struct Peer<C>(pub PhantomData<C>);

impl<C: Connection> Endpoint for Peer<C> {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn standing(&self) -> Standing {
        C::STANDING
    }

    fn receive(&self, incoming: &Incoming, socket: Socket) -> Option<Job> {
        let mut connection = C::open(incoming.role, socket, incoming.per_read);
        Some(Box::new(move |count, seen| (0..count).for_each(|_| connection.receive(seen))))
    }

    fn send(&self, outgoing: &Outgoing, socket: Socket) -> Option<Job> {
        let mut connection = C::open(outgoing.role, socket, 0);
        let message = C::message(outgoing.content.kind(), &outgoing.payload);
        let per_write = outgoing.per_write;
        Some(Box::new(move |mut count, _| {
            while count > 0 {
                let batch = count.min(per_write);
                for _ in 0..batch {
                    connection.queue(black_box(&message));
                }
                connection.flush();
                count -= batch;
            }
        }))
    }

    fn echo(&self, incoming: &Incoming, socket: Socket) -> Option<Job> {
        let mut connection = C::open(Role::Server, socket, incoming.per_read);
        Some(Box::new(move |count, _| {
            (0..count).for_each(|_| connection.echo());
            connection.flush();
        }))
    }

    fn round_trip(&self, content: Content, payload: &Bytes, per_read: usize) -> Option<Job> {
        round_trip::<C>(content, payload, per_read)
    }

    fn accept(&self, mut socket: Socket) -> Option<Job> {
        C::HANDSHAKE.then(|| -> Job { Box::new(move |count, _| (0..count).for_each(|_| C::accept(&mut socket))) })
    }

    fn connect(&self, mut socket: Socket) -> Option<Job> {
        C::HANDSHAKE.then(|| -> Job { Box::new(move |count, _| (0..count).for_each(|_| C::connect(&mut socket))) })
    }

    fn churn(&self, messages: usize, dial: Dial) -> Option<Job> {
        C::CHURN.then(|| churn::<C>(messages, dial))
    }

    fn churn_client(&self, messages: usize, payload: &Bytes, dial: Dial) -> Option<Job> {
        C::CHURN.then(|| churn_client::<C>(messages, payload, dial))
    }

    fn broadcast(&self, payload: &Bytes, sockets: Vec<Socket>) -> Option<Job> {
        broadcast::<C>(payload, sockets)
    }

    fn broadcast_compressed(&self, payload: &Bytes, sockets: Vec<Socket>) -> Option<Job> {
        let messages = std::slice::from_ref(payload);
        let mut jobs = sockets.into_iter().map(|socket| C::deflate(messages, socket)).collect::<Option<Vec<Job>>>()?;
        Some(Box::new(move |count, seen| {
            for _ in 0..count {
                jobs.iter_mut().for_each(|job| job(1, seen));
            }
        }))
    }

    fn write_text(&self, size: usize, socket: Socket) -> Option<Job> {
        let mut connection = C::open(Role::Server, socket, 0);
        Some(Box::new(move |count, _| {
            for _ in 0..count {
                let mut text = String::with_capacity(size);
                lines::write_lines(&mut text, black_box(size)).expect("a string takes all");
                connection.queue(&C::message(Kind::Text, &text.into()));
                connection.flush();
            }
        }))
    }

    fn inflate(&self, incoming: &Incoming, socket: Socket) -> Option<Job> {
        C::inflate(incoming, socket)
    }

    fn deflate(&self, messages: &[Bytes], socket: Socket) -> Option<Job> {
        C::deflate(messages, socket)
    }

    fn idle(&self, reads: &Rc<[Bytes]>, count: usize) -> Vec<Idle> {
        vec![idle::<C>(C::IDLE, reads, count)]
    }
}

/// A client sends a message, a server sends it back, the client receives it.
pub fn round_trip<C: Connection>(content: Content, payload: &Bytes, per_read: usize) -> Option<Job> {
    let (near, far) = Socket::pair(per_read);
    let mut client = C::open(Role::Client, near, per_read);
    let mut server = C::open(Role::Server, far, per_read);
    let message = C::message(content.kind(), payload);
    Some(Box::new(move |count, seen| {
        for _ in 0..count {
            client.queue(black_box(&message));
            client.flush();
            server.echo();
            server.flush();
            client.receive(seen);
        }
    }))
}

/// A server handles one connection after the other.
pub fn churn<C: Connection>(messages: usize, mut dial: Dial) -> Job {
    Box::new(move |count, _| {
        for _ in 0..count {
            let mut connection = C::accepted_for_short(dial());
            for _ in 0..messages {
                connection.echo();
                connection.flush();
            }
            connection.close();
        }
    })
}

/// A client opens one connection after the other.
pub fn churn_client<C: Connection>(messages: usize, payload: &Bytes, mut dial: Dial) -> Job {
    let message = C::message(Kind::Binary, payload);
    Box::new(move |count, seen| {
        for _ in 0..count {
            let mut connection = C::connected(dial());
            for _ in 0..messages {
                connection.queue(black_box(&message));
                connection.flush();
                connection.receive(seen);
            }
            connection.leave();
        }
    })
}

/// A server sends one message to all of its connections, and each writes it.
pub fn broadcast<C: Connection>(payload: &Bytes, sockets: Vec<Socket>) -> Option<Job> {
    let mut connections: Vec<C> = sockets.into_iter().map(|socket| C::open(Role::Server, socket, 0)).collect();
    let message = C::message(Kind::Binary, payload);
    Some(Box::new(move |count, _| {
        for _ in 0..count {
            for connection in &mut connections {
                connection.queue(black_box(&message));
                connection.flush();
            }
        }
    }))
}

/// What connections of a server hold when each has done its handshake and one echo.
pub fn idle<C: Connection>(name: &'static str, reads: &Rc<[Bytes]>, count: usize) -> Idle {
    let kernel = Rc::new(RefCell::new(Kernel::new()));
    let mut connections = Vec::with_capacity(count);
    let before = crate::allocator::held();
    for _ in 0..count {
        let mut connection = C::accepted(Socket::scripted(reads, &kernel));
        connection.echo();
        connection.flush();
        connections.push(connection);
    }
    let held = crate::allocator::held() - before;
    drop(connections);
    Idle { name, heap: held as f64 / count as f64, value: size_of::<C>() - size_of::<Socket>() }
}
