//! The messages of a connection, as a [`Stream`].

use crate::error::Error;
use crate::message::Message;
use crate::websocket::WebSocketStream;
use futures_util::Stream;
use futures_util::stream::FusedStream;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use ws_proto::{Cause, Closed, Event};

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocketStream<S> {
    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        while !self.is_over {
            if let Some(event) = self.ws.receive(&mut self.input) {
                let item = match event {
                    Event::Text(text) => return Poll::Ready(Some(Ok(Message::Text(text.into_utf8_bytes())))),
                    Event::Binary(data) => return Poll::Ready(Some(Ok(Message::Binary(data.into_bytes())))),
                    Event::Ping(data) => Some(Ok(Message::Ping(data.into_bytes()))),
                    Event::Pong(data) => Some(Ok(Message::Pong(data.into_bytes()))),
                    Event::Close(frame) => {
                        self.has_returned_close = true;
                        Some(Ok(Message::of_close(frame)))
                    }
                    Event::Closed(closed) => self.end(closed),
                    _ => Some(Err(Error::Unsupported)),
                };
                // What answers it goes out now, as the caller may never poll again.
                let _ = self.transport.poll_write_out(self.ws.output(), cx);
                if item.is_some() {
                    return Poll::Ready(item);
                }
            }
            if self.has_read {
                self.look_at_time();
            }
            // An error is the sink's to return: what the peer has sent before it left can still be read.
            let _ = self.transport.poll_write_out(self.ws.output(), cx);
            let want = self.ws.interest();
            if want.hang_up {
                // What has not been written by now was dropped.
                self.wakers.writer.wake();
                ready!(self.transport.poll_hang_up(cx));
                self.is_over = true;
                break;
            }
            if want.read
                && let Poll::Ready(has_come) = self.transport.poll_read(&mut self.input, cx)
            {
                self.has_read = true;
                if !has_come {
                    self.ws.receive_eof();
                }
                continue;
            }
            // Nothing more can be read now, so what is overdue is not just unread.
            self.look_at_time();
            let now = self.ws.interest();
            if (now.read, now.write, now.hang_up) != (want.read, want.write, want.hang_up) {
                continue;
            }
            let Some(deadline) = now.deadline else { return Poll::Pending };
            ready!(self.transport.poll_sleep(self.clock.to_std(deadline.at).into(), cx));
        }
        Poll::Ready(None)
    }

    fn look_at_time(&mut self) {
        self.has_read = false;
        // The runtime's clock, which a test may have stopped.
        self.ws.handle_timeout(self.clock.at(Instant::now().into_std()));
    }

    /// The last item, unless it is a Close that was returned before.
    fn end(&mut self, closed: Closed) -> Option<Result<Message, Error>> {
        // The sink may wait for a peer that does not read, and nothing on the wire says that it is given up.
        self.wakers.writer.wake();
        if closed.cause == Cause::Agreed {
            return closed.received.filter(|_| !self.has_returned_close).map(|frame| Ok(Message::of_close(frame)));
        }
        self.has_failed = true;
        match self.transport.read_error.take() {
            Some(error) if closed.cause == Cause::EndOfStream => Some(Err(error.into())),
            _ => Some(Err(Error::Ended(closed))),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for WebSocketStream<S> {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        Arc::clone(&this.wakers).poll(|wakers| &wakers.reader, cx, |cx| this.poll_message(cx))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> FusedStream for WebSocketStream<S> {
    fn is_terminated(&self) -> bool {
        self.is_over
    }
}
