//! Binary messages as a stream of bytes.

use crate::error::Error;
use crate::message::Message;
use crate::websocket::WebSocketStream;
use futures_util::{Sink, Stream};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use ws_proto::bytes::{Buf, Bytes};
use ws_proto::{CloseCode, CloseFrame};

/// A WebSocket as a stream of bytes, over binary messages, for what expects a socket.
///
/// Reading returns the bytes of binary messages, whose borders mean nothing. A Close with 1000 or without a code is the end
/// of the stream. Any other end is an error, as the bytes before it may be cut off; so is a text message.
///
/// Writing sends messages of bounded size, and waits while the peer does not read. What is written goes out by itself as far
/// as the socket takes it; the rest does with a flush, or while this stream is read. Shutting down sends a Close with 1000.
///
/// WebSockets know no half-closed connection: a peer that gets a Close answers it at once, and what it has not sent by
/// then is never sent. Where that is wrong, for a tunnel, turn [`Config::auto_close`](ws_proto::Config::auto_close) off on
/// both ends: a Close is then answered when this side is shut down, too, and until then it goes on writing.
pub struct ByteStream<S> {
    ws: WebSocketStream<S>,
    /// What has come and was not read yet.
    received: Bytes,
    max_message: usize,
    end: End,
}

/// How far reading is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    /// The peer has sent all.
    Complete,
    /// So it has, and it waits for this side to be shut down.
    HalfClosed,
    /// What has come may be cut off.
    Broken,
}

impl<S: AsyncRead + AsyncWrite + Unpin> ByteStream<S> {
    /// Messages of 64 KiB at most.
    pub const fn new(ws: WebSocketStream<S>) -> Self {
        Self { ws, received: Bytes::new(), max_message: 64 << 10, end: End::Open }
    }

    /// The largest message to send, in bytes; 0 counts as 1.
    #[must_use]
    pub const fn max_message(mut self, bytes: usize) -> Self {
        self.max_message = if bytes == 0 { 1 } else { bytes };
        self
    }

    fn ws(&mut self) -> Pin<&mut WebSocketStream<S>> {
        Pin::new(&mut self.ws)
    }

    /// Waits for bytes; there are none at the end.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.received.is_empty() && self.end != End::HalfClosed {
            if self.end == End::Broken {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            match ready!(self.ws().poll_next(cx)) {
                Some(Ok(Message::Binary(data))) => self.received = data,
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(frame))) if is_normal(frame.as_ref()) => {
                    let is_answered = !self.ws.connection().can_send();
                    self.end = if is_answered { End::Complete } else { End::HalfClosed };
                }
                // The stream underneath is shut down, too.
                None if self.end == End::Complete => break,
                other => {
                    self.end = End::Broken;
                    return Poll::Ready(Err(self.error_of(other, cx)));
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    fn error_of(&mut self, item: Option<Result<Message, Error>>, cx: &mut Context<'_>) -> io::Error {
        match item {
            Some(Err(error)) => error.into(),
            Some(Ok(Message::Close(Some(frame)))) => {
                let (code, reason) = (frame.code().map_or(1005, CloseCode::get), frame.reason());
                let error = format!("the peer closed with {code} {reason:?}");
                io::Error::new(io::ErrorKind::ConnectionAborted, error)
            }
            Some(Ok(_)) => {
                // RFC 6455 §7.4.1: a kind of data that this endpoint does not accept.
                let _ = self.ws().start_send(Message::Close(Some(CloseCode::UNSUPPORTED_DATA.into())));
                let _ = self.ws().poll_flush(cx);
                io::Error::new(io::ErrorKind::InvalidData, "a text message came among bytes")
            }
            None => io::ErrorKind::UnexpectedEof.into(),
        }
    }
}

/// Whether a Close says that nothing is missing.
fn is_normal(frame: Option<&CloseFrame>) -> bool {
    frame.is_none_or(|frame| frame.code() == Some(CloseCode::NORMAL))
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for ByteStream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_fill(cx))?;
        let count = buf.remaining().min(this.received.len());
        buf.put_slice(&this.received[..count]);
        this.received.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ByteStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        ready!(this.ws().poll_ready(cx)).map_err(io::Error::from)?;
        let count = buf.len().min(this.max_message);
        this.ws().start_send(Message::Binary(Bytes::copy_from_slice(&buf[..count]))).map_err(io::Error::from)?;
        // As of a socket, nobody has to flush it; an error is returned by the next call.
        let _ = this.ws().poll_flush(cx);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().ws().poll_flush(cx).map_err(Error::into)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.ws().poll_close(cx))?;
        // Nobody reads any more, who would see to the end of the stream underneath.
        while this.end == End::HalfClosed && ready!(this.ws().poll_next(cx)).transpose()?.is_some() {}
        Poll::Ready(Ok(()))
    }
}
