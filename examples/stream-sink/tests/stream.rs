//! What the stream and the sink promise.

mod common;

use common::{bounded, noise, open, pair, tcp_pair};
use futures_util::{FutureExt, SinkExt, StreamExt, future};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use stream_sink::{Error, Message, WebSocketStream};
use tokio::io::{AsyncRead, AsyncWrite, BufWriter, DuplexStream, ReadBuf, duplex};
use ws_proto::{Config, DeflateConfig, SendErrorKind};

/// Both halves of both ends, each in a task of its own, with Pings that the readers have to answer in between.
async fn flood<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    ends: (WebSocketStream<S>, WebSocketStream<S>),
    size: usize,
) {
    const COUNT: usize = 200;
    let data = noise(size);
    let (mut writers, mut readers) = (Vec::new(), Vec::new());
    for end in [ends.0, ends.1] {
        let (mut sink, mut stream) = end.split();
        let (sent, expected) = (data.clone(), data.clone());
        writers.push(tokio::spawn(async move {
            for _ in 0..COUNT {
                sink.feed(Message::Ping("?".into())).await.expect("a Ping");
                sink.send(sent.clone().into()).await.expect("a message");
            }
            sink
        }));
        readers.push(tokio::spawn(async move {
            let mut count = 0;
            while count < COUNT {
                match stream.next().await.expect("more is to come").expect("no error") {
                    Message::Binary(data) => assert_eq!(data, expected),
                    other => {
                        assert!(other.is_ping() || other.is_pong(), "{other:?}");
                        continue;
                    }
                }
                count += 1;
            }
            stream
        }));
    }
    // Nothing is dropped, and so no socket closed, before all is done.
    let halves = async { (future::try_join_all(writers).await, future::try_join_all(readers).await) };
    let (sinks, streams) = bounded(halves).await;
    assert_eq!((sinks.expect("all is sent").len(), streams.expect("all has come").len()), (2, 2));
}

#[tokio::test]
async fn halves_flood_a_narrow_pipe_both_ways() {
    flood(pair(64, &Config::new()).await, 3000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn halves_flood_a_narrow_pipe_on_several_threads() {
    flood(pair(64, &Config::new()).await, 3000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn halves_flood_tcp_both_ways() {
    // More than the system's buffers take.
    flood(tcp_pair(&Config::new()).await, 200_000).await;
}

#[tokio::test]
async fn halves_flood_both_ways_compressed() {
    flood(pair(64, &Config::new().deflate(DeflateConfig::new())).await, 3000).await;
}

/// As TLS may, it holds back what is written, and writes it where it is read.
struct WritesWhereItIsRead {
    pipe: DuplexStream,
    held: Vec<u8>,
}

impl WritesWhereItIsRead {
    const fn new(pipe: DuplexStream) -> Self {
        Self { pipe, held: Vec::new() }
    }

    fn poll_held(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.held.is_empty() {
            let count = ready!(Pin::new(&mut self.pipe).poll_write(cx, &self.held))?;
            self.held.drain(..count);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for WritesWhereItIsRead {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let _ = self.poll_held(cx);
        Pin::new(&mut self.pipe).poll_read(cx, buf)
    }
}

impl AsyncWrite for WritesWhereItIsRead {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_held(cx))?;
        let count = buf.len().min(100);
        self.held.extend_from_slice(&buf[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_held(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_held(cx))?;
        Pin::new(&mut self.pipe).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn halves_flood_a_stream_that_writes_where_it_is_read() {
    let (client, server) = duplex(64);
    flood(open(WritesWhereItIsRead::new(client), WritesWhereItIsRead::new(server), &Config::new()).await, 3000).await;
}

#[tokio::test]
async fn a_reader_that_polls_later_leaves_the_writer_its_wake() {
    // The reader polls the full pipe when it is woken, and so is the last to have done so when the peer empties it.
    let (mut client, server) = pair(64, &Config::new()).await;
    let (mut sink, mut stream) = server.split();
    let writer = tokio::spawn(async move { sink.send(noise(10_000).into()).await });
    let reader = tokio::spawn(async move { stream.next().await });
    tokio::task::yield_now().await;
    client.send("now".into()).await.expect("sent");
    assert_eq!(bounded(reader).await.expect("a task").expect("an item").expect("a message"), "now".into());
    let received = bounded(client.next()).await.expect("an item").expect("a message");
    assert_eq!(received, noise(10_000).into());
    bounded(writer).await.expect("a task").expect("sent");
}

#[tokio::test]
async fn next_can_be_dropped_at_any_time() {
    let (mut client, mut server) = pair(7, &Config::new()).await;
    let sender = tokio::spawn(async move {
        for number in 0..200 {
            client.send(format!("message {number}").into()).await.expect("sent");
        }
        client
    });
    let (mut number, mut dropped) = (0, 0);
    bounded(async {
        while number < 200 {
            tokio::select! {
                biased;
                message = server.next() => {
                    let message = message.expect("an item").expect("a message");
                    assert_eq!(message, format!("message {number}").into());
                    number += 1;
                }
                () = tokio::task::yield_now() => dropped += 1,
            }
        }
    })
    .await;
    assert!(dropped > 200, "{dropped}");
    sender.await.expect("all sent");
}

#[tokio::test]
async fn what_is_fed_waits_for_a_flush_and_a_flush_reaches_through_a_buffer() {
    let (client, server) = duplex(1 << 20);
    // Nothing gets through a BufWriter of this size that is not flushed, the handshake and Pongs included.
    let (client, server) = (BufWriter::with_capacity(1 << 20, client), BufWriter::with_capacity(1 << 20, server));
    let (mut client, mut server) = open(client, server, &Config::new()).await;
    client.feed(Message::Ping("a".into())).await.expect("taken");
    client.feed("b".into()).await.expect("taken");
    assert!(server.next().now_or_never().is_none(), "it has not been flushed");
    client.flush().await.expect("flushed");
    assert_eq!(bounded(server.next()).await.expect("an item").expect("a Ping"), Message::Ping("a".into()));
    // The server has only read.
    assert_eq!(bounded(client.next()).await.expect("an item").expect("a Pong"), Message::Pong("a".into()));
    assert_eq!(bounded(server.next()).await.expect("an item").expect("a message"), "b".into());
}

#[tokio::test]
async fn the_sink_is_not_ready_while_the_peer_does_not_read() {
    let (mut client, mut server) = pair(64, &Config::new()).await;
    let mut taken = 0;
    while client.feed(noise(10_000).into()).now_or_never().transpose().expect("no error").is_some() {
        taken += 1;
    }
    assert_eq!(taken, 14, "128 KiB, and the message that goes past them");
    let all = async {
        client.feed("".into()).await.expect("it is ready again");
        client.flush().await.expect("flushed");
    };
    let received = async {
        for _ in 0..taken {
            assert_eq!(server.next().await.expect("an item").expect("a message").len(), 10_000);
        }
    };
    bounded(async { tokio::join!(all, received) }).await;
}

#[tokio::test]
async fn a_message_that_finds_no_room_waits_and_one_that_never_will_comes_back() {
    let (mut client, mut server) = pair(64, &Config::new().max_buffered(1000)).await;
    let sent = async {
        for _ in 0..20 {
            client.feed(noise(900).into()).await.expect("taken");
        }
        let Err(Error::Send(error)) = client.send(noise(1001).into()).await else { panic!("it has no room") };
        assert_eq!(error.kind(), SendErrorKind::TooLarge);
        assert_eq!(error.into_message(), Some(noise(1001).into()));
        client.close(None).await
    };
    let received = async {
        for _ in 0..20 {
            assert_eq!(server.next().await.expect("an item").expect("a message"), noise(900).into());
        }
        assert!(server.next().await.expect("an item").expect("a Close").is_close());
    };
    bounded(async { tokio::join!(sent, received) }).await.0.expect("closed");
}
