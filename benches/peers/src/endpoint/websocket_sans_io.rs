//! websocket-sans-io: frames only. Nothing is validated, and no control frame is answered.

use super::Standing;
use super::connection::Connection;
use crate::job::Seen;
use crate::socket::Socket;
use crate::wire::{Kind, Role};
use bytes::Bytes;
use std::io::{IoSlice, Write};
use websocket_sans_io::{FrameInfo, Opcode, WebsocketFrameDecoder, WebsocketFrameEncoder, WebsocketFrameEvent};

/// What is read at a time.
const READ: usize = 64 << 10;

/// From this size on a server's payload is written where it lies.
const LARGE: usize = 4 << 10;

pub struct WebSocketSansIo {
    socket: Socket,
    decoder: WebsocketFrameDecoder,
    input: Vec<u8>,
    at: usize,
    filled: usize,
    /// A message that did not come in one piece.
    message: Vec<u8>,
    output: Output,
}

struct Output {
    role: Role,
    encoder: WebsocketFrameEncoder,
    bytes: Vec<u8>,
}

impl Output {
    #[inline]
    fn queue(&mut self, socket: &mut Socket, kind: Kind, payload: &[u8]) {
        let mut info = FrameInfo {
            opcode: if kind == Kind::Text { Opcode::Text } else { Opcode::Binary },
            payload_length: payload.len() as u64,
            mask: None,
            fin: true,
            reserved: 0,
        };
        match self.role {
            Role::Server => {
                self.bytes.extend_from_slice(&self.encoder.start_frame(&info));
                if payload.len() < LARGE {
                    self.bytes.extend_from_slice(payload);
                } else {
                    let slices = [IoSlice::new(&self.bytes), IoSlice::new(payload)];
                    let written = socket.write_vectored(&slices).expect("it takes all");
                    assert_eq!(written, self.bytes.len() + payload.len());
                    self.bytes.clear();
                }
            }
            Role::Client => {
                // Where keys come from is the application's affair.
                info.mask = Some([0x12, 0x34, 0x56, 0x78]);
                self.bytes.extend_from_slice(&self.encoder.start_frame(&info));
                let start = self.bytes.len();
                self.bytes.extend_from_slice(payload);
                self.encoder.transform_frame_payload(&mut self.bytes[start..]);
            }
        }
    }

    #[inline]
    fn flush(&mut self, socket: &mut Socket) {
        if !self.bytes.is_empty() {
            socket.write_all(&self.bytes).expect("it takes all");
            self.bytes.clear();
        }
    }
}

impl WebSocketSansIo {
    /// Puts the next message together, and hands it to the output and to who wants to see it.
    #[inline]
    fn next(&mut self, mut with: impl FnMut(&mut Output, &mut Socket, Kind, &[u8])) {
        self.message.clear();
        // A payload that came in one piece, in the input.
        let mut piece = 0..0;
        loop {
            let data = &mut self.input[self.at..self.filled];
            let result = self.decoder.add_data(data).expect("any bytes are frames");
            let start = self.at;
            self.at += result.consumed_bytes;
            match result.event {
                Some(WebsocketFrameEvent::Start { .. }) => {}
                Some(WebsocketFrameEvent::PayloadChunk { .. }) => {
                    self.message.extend_from_slice(&self.input[piece]);
                    piece = start..self.at;
                }
                Some(WebsocketFrameEvent::End { frame_info, original_opcode }) if frame_info.fin => {
                    let kind = match original_opcode {
                        Opcode::Text => Kind::Text,
                        Opcode::Binary => Kind::Binary,
                        opcode => panic!("unexpected {opcode:?}"),
                    };
                    let piece = &self.input[piece];
                    if self.message.is_empty() {
                        with(&mut self.output, &mut self.socket, kind, piece);
                    } else {
                        self.message.extend_from_slice(piece);
                        with(&mut self.output, &mut self.socket, kind, &self.message);
                    }
                    return;
                }
                Some(WebsocketFrameEvent::End { .. }) => {}
                None if result.consumed_bytes > 0 => {}
                None => {
                    self.message.extend_from_slice(&self.input[piece]);
                    piece = 0..0;
                    self.output.flush(&mut self.socket);
                    self.at = 0;
                    self.filled = self.socket.read_some(&mut self.input);
                }
            }
        }
    }
}

impl Connection for WebSocketSansIo {
    const NAME: &'static str = "websocket-sans-io";
    const STANDING: Standing = Standing::Partial;
    const HANDSHAKE: bool = false;
    const CHURN: bool = false;
    const IDLE: &'static str = "websocket-sans-io (no handshake)";

    type Message = (Kind, Bytes);

    fn open(role: Role, socket: Socket, per_read: usize) -> Self {
        Self {
            socket,
            decoder: WebsocketFrameDecoder::new(),
            input: vec![0; READ.max(per_read)],
            at: 0,
            filled: 0,
            message: Vec::new(),
            output: Output { role, encoder: WebsocketFrameEncoder::new(), bytes: Vec::new() },
        }
    }

    fn message(kind: Kind, payload: &Bytes) -> Self::Message {
        (kind, payload.clone())
    }

    #[inline]
    fn receive(&mut self, seen: &mut Seen) {
        self.next(|_, _, kind, payload| seen.message(kind, payload));
    }

    #[inline]
    fn echo(&mut self) {
        self.next(|output, socket, kind, payload| output.queue(socket, kind, payload));
    }

    #[inline]
    fn queue(&mut self, (kind, payload): &Self::Message) {
        self.output.queue(&mut self.socket, *kind, payload);
    }

    #[inline]
    fn flush(&mut self) {
        self.output.flush(&mut self.socket);
    }

    /// Without the handshake, whose request is read and not looked at.
    fn accepted(mut socket: Socket) -> Self {
        socket.read_buf(&mut Vec::new());
        Self::open(Role::Server, socket, 0)
    }
}
