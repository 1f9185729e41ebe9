//! The stream underneath: what is read, written and waited for, and how it ends.

use crate::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use std::{io, mem};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::io::{poll_read_buf, poll_write_buf};
use ws_proto::bytes::Buf;
use ws_proto::{Input, Output};

/// How long the peer may take to close its side of a stream that this side has shut down.
const LINGER: Duration = Duration::from_secs(1);

pub(crate) struct Transport<S> {
    pub(crate) stream: S,
    /// What reading has failed with.
    pub(crate) read_error: Option<io::Error>,
    /// What writing has failed with. Reading goes on then: what the peer has sent before it left is still there.
    write_error: Option<io::Error>,
    needs_flush: bool,
    is_at_end: bool,
    is_shut_down: bool,
    linger_until: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Transport<S> {
    pub(crate) const fn new(stream: S) -> Self {
        Self {
            stream,
            read_error: None,
            write_error: None,
            needs_flush: false,
            is_at_end: false,
            is_shut_down: false,
            linger_until: None,
            timer: None,
        }
    }

    /// Reads once; whether anything came. After an end or an error nothing does.
    pub(crate) fn poll_read(&mut self, input: &mut Input, cx: &mut Context<'_>) -> Poll<bool> {
        match ready!(poll_read_buf(Pin::new(&mut self.stream), cx, &mut input.room())) {
            Ok(1..) => return Poll::Ready(true),
            Ok(0) => {}
            Err(error) => self.read_error = Some(error),
        }
        self.is_at_end = true;
        Poll::Ready(false)
    }

    /// Writes all that waits, and flushes the stream. What cannot be written any more is dropped.
    pub(crate) fn poll_write_out(&mut self, output: &mut Output, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while self.write_error.is_none() {
            let stream = Pin::new(&mut self.stream);
            let done = if output.has_remaining() {
                self.needs_flush = true;
                match ready!(poll_write_buf(stream, cx, output)) {
                    Ok(0) => Err(io::ErrorKind::WriteZero.into()),
                    done => done.map(drop),
                }
            } else if mem::take(&mut self.needs_flush) {
                let flushed = stream.poll_flush(cx);
                self.needs_flush = flushed.is_pending();
                ready!(flushed)
            } else {
                return Poll::Ready(Ok(()));
            };
            self.write_error = done.err();
        }
        output.clear();
        Poll::Ready(self.write_error())
    }

    /// The error that writing has failed with, as often as it is asked for.
    pub(crate) fn write_error(&self) -> Result<(), Error> {
        let error = self.write_error.as_ref();
        error.map_or(Ok(()), |error| Err(io::Error::new(error.kind(), error.to_string()).into()))
    }

    /// Waits until then, or until an earlier time that was asked for before.
    pub(crate) fn poll_sleep(&mut self, until: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if timer.is_elapsed() || until < timer.deadline() {
            timer.as_mut().reset(until);
        }
        timer.as_mut().poll(cx)
    }

    /// Whether nothing would be polled before this time is over.
    pub(crate) fn sleeps_past(&self, time: Instant) -> bool {
        self.timer.as_ref().is_none_or(|timer| time < timer.deadline())
    }

    /// RFC 6455 §7.1.1: ends the writing side, then reads on, as a socket that is closed with unread bytes in it resets the
    /// connection, and takes the last frame with it.
    pub(crate) fn poll_hang_up(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let until = *self.linger_until.get_or_insert_with(|| Instant::now() + LINGER);
        while self.poll_sleep(until, cx).is_ready() {
            if Instant::now() >= until {
                return Poll::Ready(());
            }
        }
        if !self.is_shut_down {
            let _ = ready!(Pin::new(&mut self.stream).poll_shutdown(cx));
            self.is_shut_down = true;
        }
        let mut rest = [0; 4096];
        while !self.is_at_end {
            let mut rest = ReadBuf::new(&mut rest);
            let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut rest));
            self.is_at_end = read.is_err() || rest.filled().is_empty();
        }
        Poll::Ready(())
    }
}
