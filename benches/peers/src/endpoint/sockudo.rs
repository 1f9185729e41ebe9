//! sockudo-ws: a stream and a sink.

use super::Standing;
use super::connection::Connection;
use crate::handshake::{HOST, PATH};
use crate::job::{Job, Seen};
use crate::socket::{Socket, now};
use crate::wire::{Incoming, Kind, Role};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use sockudo_ws::error::CloseReason;
use sockudo_ws::handshake::server_handshake;
use sockudo_ws::{CompressedWebSocketStream, Config, DeflateConfig, Http1, Message, WebSocketStream};
use std::hint::black_box;
use std::task::{Context, Poll, Waker};
use tokio::runtime::{Builder, Runtime};

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
}

pub struct Sockudo(WebSocketStream<Socket>);

/// Without timers, which the others do not have either.
fn config() -> Config {
    Config::builder().idle_timeout(0).auto_ping(false).build()
}

#[inline]
pub fn deliver(message: Message, seen: &mut Seen) {
    match message {
        Message::Text(text) => seen.message(Kind::Text, &text),
        Message::Binary(data) => seen.message(Kind::Binary, &data),
        message => panic!("unexpected {message:?}"),
    }
}

pub fn message(kind: Kind, payload: &Bytes) -> Message {
    match kind {
        Kind::Text => Message::Text(payload.clone()),
        Kind::Binary => Message::Binary(payload.clone()),
    }
}

impl Sockudo {
    /// Reads, and flushes where it would wait. Pings are answered already.
    #[inline]
    fn read(&mut self) -> Message {
        loop {
            match self.0.poll_next_unpin(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(message) => match message.expect("it goes on").expect("a message") {
                    Message::Ping(_) => {}
                    message => return message,
                },
                Poll::Pending => self.flush(),
            }
        }
    }

    #[inline]
    fn feed(&mut self, message: Message) {
        now(self.0.feed(message)).expect("there is room");
    }
}

impl Connection for Sockudo {
    const NAME: &'static str = "sockudo-ws";
    const STANDING: Standing = Standing::Complete;

    type Message = Message;

    fn open(role: Role, socket: Socket, _: usize) -> Self {
        Self(match role {
            Role::Server => WebSocketStream::server(socket, config()),
            Role::Client => WebSocketStream::client(socket, config()),
        })
    }

    fn message(kind: Kind, payload: &Bytes) -> Message {
        message(kind, payload)
    }

    #[inline]
    fn receive(&mut self, seen: &mut Seen) {
        deliver(self.read(), seen);
    }

    #[inline]
    fn echo(&mut self) {
        let message = self.read();
        self.feed(message);
    }

    #[inline]
    fn queue(&mut self, message: &Message) {
        self.feed(message.clone());
    }

    #[inline]
    fn flush(&mut self) {
        now(SinkExt::flush(&mut self.0)).expect("it takes all");
    }

    fn close(&mut self) {
        let message = self.read();
        assert!(matches!(message, Message::Close(_)), "unexpected {message:?}");
    }

    fn connected(socket: Socket) -> Self {
        let client = sockudo_ws::client::WebSocketClient::<Http1>::new(config());
        Self(now(client.connect_raw(socket, HOST, PATH, None)).expect("an answer").0)
    }

    /// It sets a timer until the answer comes, which cannot be turned off and needs a runtime.
    fn leave(&mut self) {
        RUNTIME.with(|runtime| {
            let _entered = runtime.enter();
            self.feed(Message::Close(Some(CloseReason::new(1000, ""))));
            self.flush();
            self.close();
        });
    }

    fn accept(socket: &mut Socket) {
        now(server_handshake(socket)).expect("a request");
        WebSocketStream::server(socket, config());
    }

    fn connect(socket: &mut Socket) {
        let client = sockudo_ws::client::WebSocketClient::<Http1>::new(config());
        now(client.connect_raw(socket, HOST, PATH, None)).expect("an answer");
    }

    fn accepted(mut socket: Socket) -> Self {
        now(server_handshake(&mut socket)).expect("a request");
        Self::open(Role::Server, socket, 0)
    }

    fn inflate(_: &Incoming, socket: Socket) -> Option<Job> {
        let mut stream = CompressedWebSocketStream::server(socket, config(), DeflateConfig::default());
        Some(Box::new(move |count, seen| {
            for _ in 0..count {
                deliver(now(stream.next()).expect("it goes on").expect("a message"), seen);
            }
        }))
    }

    fn deflate(messages: &[Bytes], socket: Socket) -> Option<Job> {
        let mut stream = CompressedWebSocketStream::server(socket, config(), DeflateConfig::default());
        let messages: Vec<Message> = messages.iter().map(|payload| Message::Text(payload.clone())).collect();
        let mut next = 0;
        Some(Box::new(move |count, _| {
            for _ in 0..count {
                now(stream.send(black_box(&messages[next]).clone())).expect("it takes all");
                next = (next + 1) % messages.len();
            }
        }))
    }
}
