//! wtx: asynchronous, writes every frame at once, and masks a payload where it lies. Masking keys come from its default
//! generator, which is not a cryptographic one. Its permessage-deflate begins every message anew.

use super::Standing;
use super::connection::Connection;
use crate::handshake::URI;
use crate::job::Seen;
use crate::socket::{Socket, now};
use crate::wire::{Kind, Role};
use bytes::Bytes;
use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{IoSlice, Write};
use std::task::Poll;
use wtx::collection::Vector;
use wtx::misc::UriRef;
use wtx::rng::{Xorshift64, simple_seed};
use wtx::stream::{StreamReader, StreamWriter};
use wtx::web_socket::{
    Frame, OpCode, WebSocketAcceptor, WebSocketBuffer, WebSocketConnector, WebSocketOwned, WebSocketPayloadOrigin,
};

/// What is read at a time, if no more is asked for.
const READ: usize = 64 << 10;

pub enum Wtx {
    Server(Side<false>),
    Client(Side<true>),
}

/// A connection of one role, which is a part of its type.
pub struct Side<const IS_CLIENT: bool> {
    connection: WebSocketOwned<(), Xorshift64, Socket, IS_CLIENT>,
    /// A message that came in fragments.
    message: Vector<u8>,
    /// A payload that is to be masked.
    masked: Vec<u8>,
}

impl<const IS_CLIENT: bool> Side<IS_CLIENT> {
    fn new(connection: WebSocketOwned<(), Xorshift64, Socket, IS_CLIENT>) -> Self {
        Self { connection, message: Vector::new(), masked: Vec::new() }
    }

    fn open(socket: Socket, per_read: usize) -> Self {
        let buffer = match per_read {
            // Nothing is read. The buffer would be filled with zeros.
            0 => WebSocketBuffer::new(),
            _ => WebSocketBuffer::with_capacity(per_read.max(READ), 0, 0).expect("there is memory"),
        };
        Self::new(WebSocketOwned::new((), false, Xorshift64::from(simple_seed()), socket, buffer))
    }

    /// Pings are answered already.
    #[inline]
    fn receive(&mut self, seen: &mut Seen) {
        loop {
            let frame = now(self.connection.read_frame(&mut self.message, WebSocketPayloadOrigin::Adaptive));
            let frame = frame.expect("a message");
            match frame.op_code() {
                OpCode::Text => return seen.message(Kind::Text, frame.payload()),
                OpCode::Binary => return seen.message(Kind::Binary, frame.payload()),
                OpCode::Ping => {}
                opcode => panic!("unexpected {opcode:?}"),
            }
        }
    }

    /// A Close is answered already.
    fn close(&mut self) {
        let frame = now(self.connection.read_frame(&mut self.message, WebSocketPayloadOrigin::Adaptive));
        let opcode = frame.expect("a Close").op_code();
        assert!(matches!(opcode, OpCode::Close), "unexpected {opcode:?}");
    }

    /// It reads the answer, and returns an error because it has closed already.
    fn leave(&mut self) {
        let mut code = 1000_u16.to_be_bytes();
        now(self.connection.write_frame(&mut Frame::new_fin(OpCode::Close, &mut code[..]))).expect("it takes all");
        let answer = now(self.connection.read_frame(&mut self.message, WebSocketPayloadOrigin::Adaptive));
        assert!(matches!(answer, Err(wtx::Error::ClosedWebSocketConnection)));
    }

    /// Writes a message where it was received.
    #[inline]
    fn echo(&mut self) {
        let (mut common, mut reader, mut writer) = self.connection.split_mut();
        loop {
            let frame = now(reader.read_frame(&mut self.message, &mut common, WebSocketPayloadOrigin::Adaptive));
            let mut frame = frame.expect("a message");
            match frame.op_code() {
                OpCode::Text | OpCode::Binary => {
                    return now(writer.write_frame(&mut common, &mut frame)).expect("it takes all");
                }
                OpCode::Ping => {}
                opcode => panic!("unexpected {opcode:?}"),
            }
        }
    }

    /// Only a client changes the payload.
    #[inline]
    fn send(&mut self, kind: Kind, payload: &mut [u8]) {
        let payload = if IS_CLIENT {
            self.masked.clear();
            self.masked.extend_from_slice(payload);
            &mut self.masked[..]
        } else {
            payload
        };
        let opcode = if kind == Kind::Text { OpCode::Text } else { OpCode::Binary };
        now(self.connection.write_frame(&mut Frame::new_fin(opcode, payload))).expect("it takes all");
    }
}

impl Connection for Wtx {
    const NAME: &'static str = "wtx";
    const STANDING: Standing = Standing::Complete;

    type Message = (Kind, RefCell<Vec<u8>>);

    fn open(role: Role, socket: Socket, per_read: usize) -> Self {
        match role {
            Role::Server => Self::Server(Side::open(socket, per_read)),
            Role::Client => Self::Client(Side::open(socket, per_read)),
        }
    }

    fn message(kind: Kind, payload: &Bytes) -> Self::Message {
        (kind, RefCell::new(payload.to_vec()))
    }

    #[inline]
    fn receive(&mut self, seen: &mut Seen) {
        match self {
            Self::Server(server) => server.receive(seen),
            Self::Client(client) => client.receive(seen),
        }
    }

    #[inline]
    fn echo(&mut self) {
        match self {
            Self::Server(server) => server.echo(),
            Self::Client(client) => client.echo(),
        }
    }

    #[inline]
    fn queue(&mut self, (kind, payload): &Self::Message) {
        match self {
            Self::Server(server) => server.send(*kind, &mut payload.borrow_mut()),
            Self::Client(client) => client.send(*kind, &mut payload.borrow_mut()),
        }
    }

    fn flush(&mut self) {}

    fn close(&mut self) {
        match self {
            Self::Server(server) => server.close(),
            Self::Client(client) => client.close(),
        }
    }

    fn connected(socket: Socket) -> Self {
        let connection = now(WebSocketConnector::default().connect(socket, &UriRef::new(URI)));
        Self::Client(Side::new(connection.expect("an answer")))
    }

    fn leave(&mut self) {
        match self {
            Self::Server(server) => server.leave(),
            Self::Client(client) => client.leave(),
        }
    }

    fn accept(socket: &mut Socket) {
        now(WebSocketAcceptor::default().accept(socket)).expect("a request");
    }

    fn connect(socket: &mut Socket) {
        now(WebSocketConnector::default().connect(socket, &UriRef::new(URI))).expect("an answer");
    }

    fn accepted(socket: Socket) -> Self {
        Self::Server(Side::new(now(WebSocketAcceptor::default().accept(socket)).expect("a request")))
    }
}

impl StreamReader for Socket {
    #[inline]
    async fn read(&mut self, buffer: &mut [u8]) -> wtx::Result<usize> {
        poll_fn(|_| match self.read_some(buffer) {
            0 if !buffer.is_empty() => Poll::Pending,
            count => Poll::Ready(Ok(count)),
        })
        .await
    }
}

impl StreamWriter for Socket {
    #[inline]
    async fn write_all(&mut self, bytes: &[u8]) -> wtx::Result<()> {
        Ok(Write::write_all(self, bytes)?)
    }

    /// A header and its payload go in one write, which takes all.
    #[inline]
    async fn write_all_vectored(&mut self, parts: &[&[u8]]) -> wtx::Result<()> {
        if let [header, payload] = parts {
            let written = self.write_vectored(&[IoSlice::new(header), IoSlice::new(payload)])?;
            assert_eq!(written, header.len() + payload.len());
            Ok(())
        } else {
            Ok(parts.iter().try_for_each(|part| Write::write_all(self, part))?)
        }
    }
}
