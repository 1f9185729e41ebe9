//! Drives a connection over any stream of `futures_io`, with smol's timer for its deadlines.
//!
//! Within one poll, such a stream is a reader and a writer of the standard library that would block where it is pending. So
//! `Input::read_from` and `Output::write_to` do the rest.

use smol::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use smol::{Timer, future::FutureExt};
use std::future::{Future, poll_fn};
use std::io::{ErrorKind, IoSlice, Read, Result, Write};
use std::task::{Context, Poll};
use std::{pin::Pin, time::Duration, time::Instant};
use ws_proto::{Clock, Connection, Event, Input, Output, SendError};

/// Calls `on_event` for each event, the last of which is [`Event::Closed`], and writes what it sends.
pub async fn drive<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    mut input: Input,
    mut ws: Connection,
    mut on_event: impl FnMut(&mut Connection, Event<'_>) -> std::result::Result<(), SendError>,
) -> std::result::Result<(), SendError> {
    let (clock, mut is_closed) = (Clock::new(), false);
    loop {
        while let Some(event) = ws.receive(&mut input) {
            is_closed |= matches!(event, Event::Closed(_));
            on_event(&mut ws, event)?;
        }
        ws.handle_timeout(clock.now());
        // A peer that does not read what is sent is not read, and its silence is not counted then.
        let pause = if ws.interest().congested { Connection::pause_reading } else { Connection::resume_reading };
        pause(&mut ws);
        let want = ws.interest();
        if want.hang_up {
            break;
        }
        let until = want.deadline.map(|deadline| clock.to_std(deadline.at));
        let input = want.read.then_some(&mut input);
        match step(&mut stream, input, want.write.then(|| ws.output()), until).await {
            Ok(1..) => {}
            _ if is_closed => return Ok(()), // a socket error after the end means nothing
            _ => ws.receive_eof(),           // a reset, too, is the end of the stream
        }
    }
    // RFC 6455 §7.1.1: end the writing side, then read on. A socket closed with unread bytes resets the connection.
    let mut rest = [0; 4096];
    let linger = async {
        stream.close().await?;
        while stream.read(&mut rest).await? > 0 {}
        Ok(())
    };
    let is_late = async {
        Timer::after(Duration::from_secs(1)).await;
        Ok::<(), std::io::Error>(())
    };
    let _ = linger.or(is_late).await;
    Ok(())
}

/// Writes and reads what can be, or waits until a time. What has come by then has been read. 0 is the end of the stream.
pub async fn step<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    mut input: Option<&mut Input>,
    mut output: Option<&mut Output>,
    until: Option<Instant>,
) -> Result<usize> {
    let mut timer = until.map_or_else(Timer::never, Timer::at);
    poll_fn(|cx| {
        let mut polled = Polled(stream, cx);
        let _ = polled.flush(); // what a stream such as TLS holds back; if it fails, so does the next read
        let written = output.as_mut().map_or(Poll::Pending, |output| poll_of(output.write_to(&mut polled)));
        let read = input.as_mut().map_or(Poll::Pending, |input| poll_of(input.read_from(&mut polled)));
        // What would block has noted the task, which is woken when one of them goes on.
        match (written, read) {
            (Poll::Ready(written @ (Ok(0) | Err(_))), _) => Poll::Ready(written),
            (written, Poll::Pending) if written.is_ready() => written,
            (_, Poll::Pending) => Pin::new(&mut timer).poll(cx).map(|_| Ok(1)),
            (_, read) => read,
        }
    })
    .await
}

/// A stream within one poll of it.
struct Polled<'p, 'c, S>(&'p mut S, &'p mut Context<'c>);

fn poll_of<T>(result: Result<T>) -> Poll<Result<T>> {
    match result {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
        result => Poll::Ready(result),
    }
}

fn result_of<T>(poll: Poll<Result<T>>) -> Result<T> {
    match poll {
        Poll::Pending => Err(ErrorKind::WouldBlock.into()),
        Poll::Ready(result) => result,
    }
}

impl<S: AsyncRead + Unpin> Read for Polled<'_, '_, S> {
    fn read(&mut self, room: &mut [u8]) -> Result<usize> {
        result_of(Pin::new(&mut *self.0).poll_read(self.1, room))
    }
}

impl<S: AsyncWrite + Unpin> Write for Polled<'_, '_, S> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        result_of(Pin::new(&mut *self.0).poll_write(self.1, bytes))
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> Result<usize> {
        result_of(Pin::new(&mut *self.0).poll_write_vectored(self.1, slices))
    }

    fn flush(&mut self) -> Result<()> {
        result_of(Pin::new(&mut *self.0).poll_flush(self.1))
    }
}
