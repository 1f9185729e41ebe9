//! soketto: asynchronous, over a buffered reader and writer as its examples have it. It does not validate text, and its
//! permessage-deflate begins every message anew.

use super::Standing;
use super::connection::Connection;
use crate::handshake::{HOST, PATH};
use crate::job::Seen;
use crate::socket::{Socket, now};
use crate::wire::{Kind, Role};
use bytes::Bytes;
use futures_util::io::{AsyncRead, AsyncWrite, BufReader, BufWriter};
use soketto::connection::{Builder, Mode};
use soketto::handshake::{Client, Server, ServerResponse, server::Response};
use soketto::{Data, Incoming, Receiver, Sender};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// What is read and written at a time.
const BUFFER: usize = 64 << 10;

type Buffered<S> = BufReader<BufWriter<S>>;

pub struct Soketto {
    sender: Sender<Buffered<Socket>>,
    receiver: Receiver<Buffered<Socket>>,
    message: Vec<u8>,
}

fn buffered<S: AsyncRead + AsyncWrite>(socket: S) -> Buffered<S> {
    BufReader::with_capacity(BUFFER, BufWriter::with_capacity(BUFFER, socket))
}

fn accept<S: AsyncRead + AsyncWrite + Unpin>(socket: S) -> (Sender<Buffered<S>>, Receiver<Buffered<S>>) {
    let mut server = Server::new(buffered(socket));
    let key = now(server.receive_request()).expect("a request").key();
    now(server.send_response(&Response::Accept { key, protocol: None })).expect("it takes all");
    server.into_builder().finish()
}

impl Soketto {
    fn new((sender, receiver): (Sender<Buffered<Socket>>, Receiver<Buffered<Socket>>)) -> Self {
        Self { sender, receiver, message: Vec::new() }
    }

    /// Reads, and flushes where it would wait.
    #[inline]
    fn read(&mut self) -> Kind {
        self.message.clear();
        let mut received = pin!(self.receiver.receive_data(&mut self.message));
        loop {
            match received.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(Ok(Data::Text(_))) => return Kind::Text,
                Poll::Ready(Ok(Data::Binary(_))) => return Kind::Binary,
                Poll::Ready(Err(error)) => panic!("{error}"),
                Poll::Pending => now(self.sender.flush()).expect("it takes all"),
            }
        }
    }

    #[inline]
    fn send(sender: &mut Sender<Buffered<Socket>>, kind: Kind, payload: &[u8]) {
        match kind {
            Kind::Text => now(sender.send_text(std::str::from_utf8(payload).expect("it is text"))),
            Kind::Binary => now(sender.send_binary(payload)),
        }
        .expect("there is room");
    }
}

impl Connection for Soketto {
    const NAME: &'static str = "soketto";
    const STANDING: Standing = Standing::Partial;

    type Message = (Kind, Bytes);

    fn open(role: Role, socket: Socket, _: usize) -> Self {
        let mode = if role == Role::Server { Mode::Server } else { Mode::Client };
        Self::new(Builder::new(buffered(socket), mode).finish())
    }

    fn message(kind: Kind, payload: &Bytes) -> Self::Message {
        (kind, payload.clone())
    }

    #[inline]
    fn receive(&mut self, seen: &mut Seen) {
        let kind = self.read();
        seen.message(kind, &self.message);
    }

    #[inline]
    fn echo(&mut self) {
        let kind = self.read();
        Self::send(&mut self.sender, kind, &self.message);
    }

    #[inline]
    fn queue(&mut self, (kind, payload): &Self::Message) {
        Self::send(&mut self.sender, *kind, payload);
    }

    #[inline]
    fn flush(&mut self) {
        now(self.sender.flush()).expect("it takes all");
    }

    fn close(&mut self) {
        self.message.clear();
        let received = now(self.receiver.receive(&mut self.message)).expect("a Close");
        assert!(matches!(received, Incoming::Closed(_)), "unexpected {received:?}");
    }

    fn connected(socket: Socket) -> Self {
        let mut client = Client::new(buffered(socket), HOST, PATH);
        let answer = now(client.handshake()).expect("an answer");
        assert!(matches!(answer, ServerResponse::Accepted { .. }));
        Self::new(client.into_builder().finish())
    }

    fn leave(&mut self) {
        now(self.sender.close()).expect("it takes all");
        self.close();
    }

    fn accept(socket: &mut Socket) {
        accept(socket);
    }

    fn connect(socket: &mut Socket) {
        let mut client = Client::new(buffered(socket), HOST, PATH);
        let answer = now(client.handshake()).expect("an answer");
        assert!(matches!(answer, ServerResponse::Accepted { .. }));
        client.into_builder().finish();
    }

    fn accepted(socket: Socket) -> Self {
        Self::new(accept(socket))
    }
}
