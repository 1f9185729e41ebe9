//! nexus-web: its reader and its writer over buffers of the application. Messages are borrowed, but control frames are
//! left to the application, which does not answer them here. Text in one frame is not validated where the frame's payload
//! comes in several reads, so only the rows in which it comes in one compare validation.

use super::Standing;
use super::connection::Connection;
use crate::handshake::URI;
use crate::job::Seen;
use crate::socket::Socket;
use crate::wire::{Kind, Role};
use bytes::Bytes;
use nexus_web::ws::{ClientBuilder, FrameReader, FrameWriter, Message, Role as TheirRole};
use std::io::{IoSlice, Write};

/// What is read at a time, if no more is asked for.
const READ: usize = 64 << 10;

/// What is read at a time during the handshake, and where there are many connections.
const CHUNK: usize = 4 << 10;

/// A header that is not whole stays in the buffer, before what is read next.
const HEADER: usize = 14;

/// From this size on a server's payload is written where it lies.
const LARGE: usize = 4 << 10;

pub struct NexusWeb {
    reader: FrameReader,
    output: Output,
    socket: Socket,
}

struct Output {
    role: Role,
    writer: FrameWriter,
    buffer: Vec<u8>,
    /// Up to here there is something.
    at: usize,
}

impl Output {
    #[inline]
    fn queue(&mut self, socket: &mut Socket, kind: Kind, payload: &[u8]) {
        if self.role == Role::Server && payload.len() >= LARGE {
            return self.write_through(socket, kind, payload);
        }
        let end = self.at + self.writer.max_encoded_len(payload.len());
        if end > self.buffer.len() {
            self.buffer.resize(end + end / 2, 0);
        }
        let room = &mut self.buffer[self.at..];
        self.at += match kind {
            Kind::Text => self.writer.encode_text(payload, room),
            Kind::Binary => self.writer.encode_binary(payload, room),
        };
    }

    fn write_through(&mut self, socket: &mut Socket, kind: Kind, payload: &[u8]) {
        let first = if kind == Kind::Text { 0x81 } else { 0x82 };
        let (header, _) = self.writer.build_header(first, payload.len());
        self.flush(socket);
        let slices = [IoSlice::new(header.as_bytes()), IoSlice::new(payload)];
        let written = socket.write_vectored(&slices).expect("it takes all");
        assert_eq!(written, header.len() + payload.len());
    }

    #[inline]
    fn flush(&mut self, socket: &mut Socket) {
        if self.at > 0 {
            socket.write_all(&self.buffer[..self.at]).expect("it takes all");
            self.at = 0;
        }
    }
}

impl NexusWeb {
    fn new(role: Role, socket: Socket, room: usize) -> Self {
        let theirs = if role == Role::Server { TheirRole::Server } else { TheirRole::Client };
        Self {
            reader: FrameReader::builder().role(theirs).buffer_capacity(room + HEADER).build(),
            output: Output { role, writer: FrameWriter::new(theirs), buffer: Vec::new(), at: 0 },
            socket,
        }
    }

    /// Hands the next message to the output or to who wants to see it.
    #[inline]
    fn next(&mut self, mut with: impl FnMut(&mut Output, &mut Socket, Kind, &[u8])) {
        loop {
            match self.reader.next().expect("a message") {
                Some(Message::Text(text)) => {
                    return with(&mut self.output, &mut self.socket, Kind::Text, text.as_bytes());
                }
                Some(Message::Binary(data)) => return with(&mut self.output, &mut self.socket, Kind::Binary, data),
                Some(Message::Ping(_)) => {}
                Some(message) => panic!("unexpected {message:?}"),
                None => self.fill(),
            }
        }
    }

    /// Flushes what is queued, and reads on.
    #[inline]
    fn fill(&mut self) {
        self.output.flush(&mut self.socket);
        // No more than a part of a header is left, and so no more than that is moved.
        self.reader.compact();
        let count = self.socket.read_some(self.reader.spare());
        self.reader.filled(count);
    }
}

impl Connection for NexusWeb {
    const NAME: &'static str = "nexus-web";
    const STANDING: Standing = Standing::Validating;
    /// Control frames are not answered.
    const CHURN: bool = false;
    const IDLE: &'static str = "nexus-web (no handshake)";

    type Message = (Kind, Bytes);

    fn open(role: Role, socket: Socket, per_read: usize) -> Self {
        // A connection that only sends reads nothing.
        Self::new(role, socket, if per_read == 0 { 0 } else { per_read.max(READ) })
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

    fn accept(socket: &mut Socket) {
        let builder = ClientBuilder::new().buffer_capacity(CHUNK).write_buffer_capacity(CHUNK);
        builder.accept(socket).expect("a request");
    }

    fn connect(socket: &mut Socket) {
        let builder = ClientBuilder::new().buffer_capacity(CHUNK).write_buffer_capacity(CHUNK);
        builder.connect_with(socket, URI).expect("an answer");
    }

    /// Without the handshake, whose connection does not give its reader away: the request is read and not looked at.
    fn accepted(mut socket: Socket) -> Self {
        socket.read_buf(&mut Vec::new());
        Self::new(Role::Server, socket, CHUNK)
    }
}
