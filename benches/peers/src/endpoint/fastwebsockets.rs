//! fastwebsockets: asynchronous, writes every frame at once. Its handshake is hyper's, and left out.

use super::Standing;
use super::connection::Connection;
use crate::job::Seen;
use crate::socket::{Socket, now};
use crate::wire::{Kind, Role};
use bytes::Bytes;
use fastwebsockets::{FragmentCollector, Frame, OpCode, Payload, Role as TheirRole, WebSocket};

pub struct FastWebSockets(FragmentCollector<Socket>);

impl FastWebSockets {
    #[inline]
    fn read(&mut self) -> Frame<'static> {
        now(self.0.read_frame()).expect("a message")
    }
}

impl Connection for FastWebSockets {
    const NAME: &'static str = "fastwebsockets";
    const STANDING: Standing = Standing::Complete;
    const HANDSHAKE: bool = false;
    const CHURN: bool = false;
    const IDLE: &'static str = "fastwebsockets (no handshake)";

    type Message = (Kind, Bytes);

    fn open(role: Role, socket: Socket, _: usize) -> Self {
        let role = if role == Role::Server { TheirRole::Server } else { TheirRole::Client };
        Self(FragmentCollector::new(WebSocket::after_handshake(socket, role)))
    }

    fn message(kind: Kind, payload: &Bytes) -> Self::Message {
        (kind, payload.clone())
    }

    #[inline]
    fn receive(&mut self, seen: &mut Seen) {
        let frame = self.read();
        match frame.opcode {
            OpCode::Text => seen.message(Kind::Text, &frame.payload),
            OpCode::Binary => seen.message(Kind::Binary, &frame.payload),
            opcode => panic!("unexpected {opcode:?}"),
        }
    }

    #[inline]
    fn echo(&mut self) {
        let frame = self.read();
        now(self.0.write_frame(frame)).expect("it takes all");
    }

    #[inline]
    fn queue(&mut self, (kind, payload): &Self::Message) {
        let payload = Payload::Borrowed(payload);
        let frame = if *kind == Kind::Text { Frame::text(payload) } else { Frame::binary(payload) };
        now(self.0.write_frame(frame)).expect("it takes all");
    }

    fn flush(&mut self) {}

    /// Without the handshake, whose request is read and not looked at.
    fn accepted(mut socket: Socket) -> Self {
        socket.read_buf(&mut Vec::new());
        Self::open(Role::Server, socket, 0)
    }
}
