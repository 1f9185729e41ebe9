//! tokio-websockets: a stream and a sink.

use super::Standing;
use super::connection::Connection;
use crate::handshake::URI;
use crate::job::Seen;
use crate::socket::{Socket, now};
use crate::wire::{Kind, Role};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use std::task::{Context, Poll, Waker};
use tokio_websockets::{ClientBuilder, Config, Limits, Message, ServerBuilder, WebSocketStream};

pub struct TokioWebSockets(WebSocketStream<Socket>);

/// Messages go out in one frame, and so many of them in one write as are queued.
fn config() -> Config {
    Config::default().frame_size(usize::MAX).flush_threshold(64 << 10)
}

impl TokioWebSockets {
    /// Reads, and flushes where it would wait. Pings are answered already.
    #[inline]
    fn read(&mut self) -> Message {
        loop {
            match self.0.poll_next_unpin(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(message) => {
                    let message = message.expect("it goes on").expect("a message");
                    if !message.is_ping() {
                        return message;
                    }
                }
                Poll::Pending => self.flush(),
            }
        }
    }

    #[inline]
    fn feed(&mut self, message: Message) {
        now(self.0.feed(message)).expect("there is room");
    }
}

impl Connection for TokioWebSockets {
    const NAME: &'static str = "tokio-websockets";
    const STANDING: Standing = Standing::Complete;

    type Message = Message;

    fn open(role: Role, socket: Socket, _: usize) -> Self {
        Self(match role {
            Role::Server => ServerBuilder::new().config(config()).limits(Limits::unlimited()).serve(socket),
            Role::Client => ClientBuilder::new().config(config()).limits(Limits::unlimited()).take_over(socket),
        })
    }

    fn message(kind: Kind, payload: &Bytes) -> Message {
        match kind {
            Kind::Text => Message::text(payload.clone()),
            Kind::Binary => Message::binary(payload.clone()),
        }
    }

    #[inline]
    fn receive(&mut self, seen: &mut Seen) {
        let message = self.read();
        let kind = if message.is_text() { Kind::Text } else { Kind::Binary };
        assert!(kind == Kind::Text || message.is_binary());
        seen.message(kind, message.as_payload());
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
        assert!(message.is_close(), "unexpected {message:?}");
        // The stream ends when the answer has been flushed.
        assert!(now(self.0.next()).is_none());
    }

    fn connected(socket: Socket) -> Self {
        let builder = ClientBuilder::new().config(config()).uri(URI).expect("a URI");
        Self(now(builder.connect_on(socket)).expect("an answer").0)
    }

    fn leave(&mut self) {
        now(SinkExt::close(&mut self.0)).expect("both Close frames");
    }

    fn accept(socket: &mut Socket) {
        now(ServerBuilder::new().accept(socket)).expect("a request");
    }

    fn connect(socket: &mut Socket) {
        now(ClientBuilder::new().uri(URI).expect("a URI").connect_on(socket)).expect("an answer");
    }

    fn accepted(socket: Socket) -> Self {
        Self(now(ServerBuilder::new().accept(socket)).expect("a request").1)
    }
}
