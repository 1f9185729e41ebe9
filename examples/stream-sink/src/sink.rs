//! The messages of a connection, as a [`Sink`].

use crate::error::Error;
use crate::message::Message;
use crate::websocket::WebSocketStream;
use futures_util::Sink;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite};
use ws_proto::{CloseCode, CloseFrame, SendError, SendErrorKind};

/// How much may wait to be written while the sink is ready, unless [`Config::high_water`](ws_proto::Config::high_water) is
/// less.
const WRITE_BUFFER: usize = 128 << 10;

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocketStream<S> {
    /// Writes all that waits, as the task that sends.
    fn poll_write_out(&mut self, cx: &Context<'_>) -> Poll<Result<(), Error>> {
        let wakers = Arc::clone(&self.wakers);
        let polled = wakers.poll(
            |wakers| &wakers.writer,
            cx,
            |cx| {
                loop {
                    self.check()?;
                    ready!(self.transport.poll_write_out(self.ws.output(), cx))?;
                    let Some(message) = self.held.take() else { return Poll::Ready(Ok(())) };
                    let sent = self.ws.send(message);
                    self.hold(sent)?;
                }
            },
        );
        // The task that reads keeps the time, and has to know of a deadline that is earlier than what it sleeps for.
        let deadline = self.ws.interest().deadline;
        if deadline.is_some_and(|deadline| self.transport.sleeps_past(self.clock.to_std(deadline.at).into())) {
            wakers.reader.wake();
        }
        polled
    }

    /// Queues a message behind the others.
    fn queue(&mut self, message: Message) -> Result<(), SendError> {
        match message {
            Message::Text(text) => self.ws.send(text),
            Message::Binary(data) => self.ws.send(data),
            Message::Ping(data) => self.ws.ping(&data),
            Message::Pong(data) => self.ws.pong(&data),
            Message::Close(frame) => match self.ws.close(frame.unwrap_or(CloseFrame::EMPTY)) {
                Err(error) if error.kind() == SendErrorKind::Closed => Ok(()),
                closed => closed,
            },
        }
    }

    /// Keeps a message for which there is no room.
    fn hold(&mut self, sent: Result<(), SendError>) -> Result<(), Error> {
        match sent {
            Err(error) if error.kind() == SendErrorKind::Full => {
                self.held = error.into_message();
                // A Ping or Pong is not given back.
                if self.held.is_some() { Ok(()) } else { Err(SendError::from(SendErrorKind::Full).into()) }
            }
            sent => Ok(sent?),
        }
    }

    /// Whether anything can still be written.
    fn check(&self) -> Result<(), Error> {
        self.transport.write_error()?;
        if self.has_failed { Err(SendError::from(SendErrorKind::Closed).into()) } else { Ok(()) }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Sink<Message> for WebSocketStream<S> {
    type Error = Error;

    /// Ready while no more than 128 KiB wait to be written.
    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        let is_full = this.ws.buffered() > WRITE_BUFFER || this.ws.interest().congested;
        if is_full || this.held.is_some() { this.poll_write_out(cx) } else { Poll::Ready(this.check()) }
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        let this = self.get_mut();
        this.check()?;
        let sent = this.queue(message);
        this.hold(sent)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.get_mut().poll_write_out(cx)
    }

    /// Sends a Close with 1000 behind all that was sent before, and writes it. What the peer sends up to its answer comes
    /// from the stream.
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        if this.has_failed {
            return Poll::Ready(Ok(()));
        }
        if this.held.is_some() {
            ready!(this.poll_write_out(cx))?;
        }
        // It is refused if there was one before.
        let _ = this.ws.close(CloseCode::NORMAL);
        this.poll_write_out(cx)
    }
}
