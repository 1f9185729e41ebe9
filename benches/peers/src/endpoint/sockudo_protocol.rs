//! sockudo-ws without its stream: the protocol over buffers of the application, which also answers control frames with
//! what the protocol encodes.

use super::Standing;
use super::connection::Connection;
use super::sockudo::{deliver, message};
use crate::job::Seen;
use crate::socket::{Socket, now};
use crate::wire::{Kind, Role};
use bytes::{Bytes, BytesMut};
use sockudo_ws::handshake::server_handshake;
use sockudo_ws::protocol::Protocol;
use sockudo_ws::{Message, Role as TheirRole};
use std::io::Write;

/// What is read at a time, if no more is asked for.
const READ: usize = 64 << 10;

/// No limit that stands in the way.
const LIMIT: usize = 64 << 20;

pub struct SockudoProtocol {
    protocol: Protocol,
    input: BytesMut,
    /// What is read at a time.
    room: usize,
    /// What one read gave, the last message first.
    messages: Vec<Message>,
    output: BytesMut,
    socket: Socket,
}

impl SockudoProtocol {
    #[inline]
    fn next(&mut self) -> Message {
        loop {
            match self.messages.pop() {
                Some(Message::Ping(payload)) => self.protocol.encode_pong(&payload, &mut self.output),
                Some(Message::Close(_)) => self.protocol.encode_close_response(&mut self.output),
                Some(message) => return message,
                None => self.fill(),
            }
        }
    }

    /// Flushes what is queued, and reads on.
    fn fill(&mut self) {
        self.flush();
        self.input.reserve(self.room);
        self.socket.read_buf(&mut self.input);
        self.protocol.process_into(&mut self.input, &mut self.messages).expect("messages");
        self.messages.reverse();
    }
}

impl Connection for SockudoProtocol {
    const NAME: &'static str = "sockudo-ws protocol";
    const STANDING: Standing = Standing::Complete;
    const HANDSHAKE: bool = false;
    const CHURN: bool = false;

    type Message = Message;

    fn open(role: Role, socket: Socket, per_read: usize) -> Self {
        let role = if role == Role::Server { TheirRole::Server } else { TheirRole::Client };
        Self {
            protocol: Protocol::new(role, LIMIT, LIMIT),
            input: BytesMut::new(),
            room: per_read.max(READ),
            messages: Vec::new(),
            output: BytesMut::new(),
            socket,
        }
    }

    fn message(kind: Kind, payload: &Bytes) -> Message {
        message(kind, payload)
    }

    #[inline]
    fn receive(&mut self, seen: &mut Seen) {
        deliver(self.next(), seen);
    }

    #[inline]
    fn echo(&mut self) {
        let message = self.next();
        self.queue(&message);
    }

    #[inline]
    fn queue(&mut self, message: &Message) {
        self.protocol.encode_message(message, &mut self.output).expect("a message");
    }

    #[inline]
    fn flush(&mut self) {
        if !self.output.is_empty() {
            self.socket.write_all(&self.output).expect("it takes all");
            self.output.clear();
        }
    }

    fn accepted(mut socket: Socket) -> Self {
        now(server_handshake(&mut socket)).expect("a request");
        let mut connection = Self::open(Role::Server, socket, 0);
        connection.room = 4 << 10;
        connection
    }
}
