//! The type that is a stream and a sink of messages.

use crate::error::Error;
use crate::message::Message;
use crate::transport::Transport;
use crate::wakers::Wakers;
use futures_util::SinkExt;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use ws_proto::{Clock, CloseFrame, Connection, Input};

/// A WebSocket over a stream of bytes.
///
/// As a [`Stream`](futures_util::Stream) it returns messages. While it is polled, Pings and a Close are answered, what waits
/// is written, and the deadlines of the connection are kept. Its last item is a [`Message::Close`], or an error where the
/// connection ended otherwise. Poll on to `None`: the stream underneath is shut down then (RFC 6455 §7.1.1).
///
/// As a [`Sink`](futures_util::Sink) it takes messages. It can be [split](futures_util::StreamExt::split) between two tasks,
/// and any future of it can be dropped without the loss of what was received.
pub struct WebSocketStream<S> {
    pub(crate) transport: Transport<S>,
    pub(crate) ws: Connection,
    pub(crate) input: Input,
    /// A message that the sink has taken, and that the output has no room for yet.
    pub(crate) held: Option<ws_proto::Message>,
    pub(crate) wakers: Arc<Wakers>,
    pub(crate) clock: Clock,
    /// Whether something was read since `handle_timeout` was last called.
    pub(crate) has_read: bool,
    /// Whether the peer's Close was returned, and is the application's to answer.
    pub(crate) has_returned_close: bool,
    /// Whether the connection ended otherwise than by Close frames.
    pub(crate) has_failed: bool,
    pub(crate) is_over: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocketStream<S> {
    /// Runs a connection over a stream on which its handshake is done. The input holds what has come behind that.
    pub fn new(stream: S, ws: Connection, input: Input) -> Self {
        Self {
            transport: Transport::new(stream),
            ws,
            input,
            held: None,
            wakers: Arc::default(),
            clock: Clock::new(),
            has_read: false,
            has_returned_close: false,
            has_failed: false,
            is_over: false,
        }
    }

    /// Sends a Close frame behind all that was sent before. Poll the stream to `None` then, for the answer of the peer.
    ///
    /// # Errors
    /// Those of the sink. That there was a Close before is none.
    pub async fn close(&mut self, frame: Option<CloseFrame>) -> Result<(), Error> {
        self.send(Message::Close(frame)).await
    }
}

impl<S> WebSocketStream<S> {
    /// The stream underneath.
    pub const fn get_ref(&self) -> &S {
        &self.transport.stream
    }

    /// The stream underneath. What is read from it or written to it is missing from the connection.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.transport.stream
    }

    /// The stream underneath, without what was read and not returned, and what was sent and not written.
    pub fn into_inner(self) -> S {
        self.transport.stream
    }

    /// The connection: what was agreed on, the last round trip, the counters.
    pub const fn connection(&self) -> &Connection {
        &self.ws
    }
}
