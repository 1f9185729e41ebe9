//! How connections end.

mod common;

use common::{bounded, noise, pair, tcp_pair};
use futures_util::stream::FusedStream;
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use stream_sink::{Error, Message, WebSocketStream, accept_async, accept_async_with_config, client_async};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, duplex};
use tokio::time::Instant;
use ws_proto::{Cause, CloseCode, CloseFrame, Config, Connection, Input, Keepalive, Seed, SendErrorKind, Timeout};

/// Reads to the end; the last item.
async fn last<S: AsyncRead + AsyncWrite + Unpin>(mut ws: WebSocketStream<S>) -> Option<Result<Message, Error>> {
    let mut last = None;
    while let Some(item) = bounded(ws.next()).await {
        last = Some(item);
    }
    assert!(ws.is_terminated());
    assert!(ws.next().await.is_none());
    last
}

fn is_close(item: Option<Result<Message, Error>>, code: CloseCode) {
    let Some(Ok(Message::Close(Some(frame)))) = item else { panic!("{item:?}") };
    assert_eq!(frame.code(), Some(code));
}

#[tokio::test]
async fn either_side_closes_and_both_read_to_the_end() {
    for is_client in [true, false] {
        let (client, server) = tcp_pair(&Config::new()).await;
        let (mut first, second) = if is_client { (client, server) } else { (server, client) };
        first.feed("before".into()).await.expect("taken");
        let frame = CloseFrame::new(CloseCode::GOING_AWAY, "why").expect("it is short");
        first.close(Some(frame.clone())).await.expect("closed");
        first.close(None).await.expect("it is closed already");
        let Err(Error::Send(error)) = first.send("after".into()).await else { panic!("it is closed") };
        assert_eq!(error.kind(), SendErrorKind::Closed);
        let (first, second) = tokio::join!(last(first), last(second));
        is_close(first, CloseCode::GOING_AWAY);
        assert_eq!(second.expect("an item").expect("a Close"), Message::Close(Some(frame)));
    }
}

#[tokio::test]
async fn both_sides_close_at_once() {
    let (mut client, mut server) = pair(1024, &Config::new()).await;
    client.close(None).await.expect("closed");
    SinkExt::close(&mut server).await.expect("closed");
    let (client, server) = tokio::join!(last(client), last(server));
    is_close(client, CloseCode::NORMAL);
    assert_eq!(server.expect("an item").expect("a Close"), Message::Close(None));
}

#[tokio::test(start_paused = true)]
async fn the_server_hangs_up_first_and_a_close_is_answered_before_it_is_returned() {
    let (mut raw, stream) = duplex(1024);
    let mut server = WebSocketStream::new(stream, Connection::server(&Config::new()), Input::new());
    raw.write_all(b"\x88\x82\x00\x00\x00\x00\x03\xe8").await.expect("a Close with 1000");
    is_close(bounded(server.next()).await, CloseCode::NORMAL);
    let mut answer = [0; 4];
    bounded(raw.read_exact(&mut answer)).await.expect("the answer is there, though nobody polls any more");
    assert_eq!(&answer, b"\x88\x02\x03\xe8");
    // RFC 6455 §7.1.1: the server's end comes first, and it reads until the client's comes.
    let (end, item) = tokio::join!(bounded(raw.read(&mut answer)), async {
        tokio::time::timeout(Duration::from_millis(100), server.next()).await
    });
    assert_eq!(end.expect("the end"), 0);
    assert!(item.is_err(), "the client has not hung up");
    drop(raw);
    assert!(bounded(server.next()).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_hangs_up_is_waited_for_a_second() {
    let (mut raw, stream) = duplex(1024);
    let mut server = WebSocketStream::new(stream, Connection::server(&Config::new()), Input::new());
    raw.write_all(b"\x88\x80\x00\x00\x00\x00").await.expect("an empty Close");
    assert_eq!(bounded(server.next()).await.expect("an item").expect("a Close"), Message::Close(None));
    let start = Instant::now();
    assert!(bounded(server.next()).await.is_none());
    assert!(start.elapsed() >= Duration::from_secs(1), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_client_waits_for_its_server_to_hang_up_until_a_deadline() {
    let (mut raw, stream) = duplex(1024);
    let config = Config::new().keepalive(Keepalive::off().close(Duration::from_secs(10)));
    let mut client = WebSocketStream::new(stream, Connection::client(Seed::new([7; 32]), &config), Input::new());
    client.close(None).await.expect("closed");
    raw.read_exact(&mut [0; 6]).await.expect("an empty Close");
    raw.write_all(b"\x88\x00").await.expect("its answer");
    let start = Instant::now();
    assert_eq!(bounded(client.next()).await.expect("an item").expect("a Close"), Message::Close(None));
    assert!(bounded(client.next()).await.is_none());
    assert!(start.elapsed() >= Duration::from_secs(10), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_close_that_the_application_answers_is_returned_once() {
    let (mut client, mut server) = pair(1024, &Config::new().auto_close(false)).await;
    client.close(None).await.expect("closed");
    assert_eq!(bounded(server.next()).await.expect("an item").expect("a Close"), Message::Close(None));
    server.send("still".into()).await.expect("it may finish");
    server.close(None).await.expect("answered");
    let (client, server) = tokio::join!(client.collect::<Vec<_>>(), last(server));
    assert!(server.is_none(), "{server:?}");
    let client = client.into_iter().map(|item| item.expect("no error")).collect::<Vec<_>>();
    assert_eq!(client, ["still".into(), Message::Close(None)]);
}

#[tokio::test]
async fn an_error_is_returned_once_and_then_none() {
    let (mut raw, stream) = duplex(1024);
    let mut server = WebSocketStream::new(stream, Connection::server(&Config::new()), Input::new());
    raw.write_all(b"\x81\x01a").await.expect("a frame without a mask");
    let item = bounded(server.next()).await;
    let Some(Err(Error::Ended(closed))) = item else { panic!("{item:?}") };
    assert!(matches!(closed.cause, Cause::Violation(_)));
    let Err(Error::Send(error)) = server.send("after".into()).await else { panic!("it is over") };
    assert_eq!(error.kind(), SendErrorKind::Closed);
    let mut sent = Vec::new();
    let (none, read) = tokio::join!(bounded(server.next()), async {
        let read = bounded(raw.read_to_end(&mut sent)).await;
        drop(raw);
        read
    });
    assert!(none.is_none());
    assert!(bounded(server.next()).await.is_none());
    read.expect("all of it");
    assert!(sent.starts_with(b"\x88") && sent[2..4] == *b"\x03\xea", "a Close with 1002: {sent:?}");
}

#[tokio::test]
async fn the_end_of_the_stream_is_an_error_and_what_came_before_it_is_not_lost() {
    let (mut client, server) = pair(1 << 20, &Config::new()).await;
    client.send("last words".into()).await.expect("sent");
    drop(client);
    let (mut sink, mut stream) = server.split();
    // The write fails, and what was there to read is read all the same.
    let Err(Error::Io(error)) = bounded(sink.send("too late".into())).await else { panic!("nobody is there") };
    assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    assert_eq!(bounded(stream.next()).await.expect("an item").expect("a message"), "last words".into());
    let item = bounded(stream.next()).await;
    let Some(Err(Error::Ended(closed))) = item else { panic!("{item:?}") };
    assert_eq!(closed.cause, Cause::EndOfStream);
    assert!(bounded(stream.next()).await.is_none());
    assert!(bounded(sink.send("still".into())).await.is_err());
}

#[tokio::test]
async fn one_half_goes_on_without_the_other() {
    let (client, server) = pair(64, &Config::new()).await;
    let (client_sink, mut client_stream) = client.split();
    let (mut server_sink, server_stream) = server.split();
    drop((client_sink, server_stream));
    let send = async {
        for _ in 0..10 {
            server_sink.send(Message::Ping("?".into())).await.expect("a Ping");
            server_sink.send(noise(1000).into()).await.expect("a message");
        }
    };
    let receive = async {
        for _ in 0..10 {
            assert!(client_stream.next().await.expect("an item").expect("a Ping").is_ping());
            assert_eq!(client_stream.next().await.expect("an item").expect("a message"), noise(1000).into());
        }
    };
    bounded(async { tokio::join!(send, receive) }).await;
}

#[tokio::test]
async fn whoever_waits_to_send_learns_that_the_connection_has_failed() {
    let (mut raw, stream) = duplex(64);
    let server = WebSocketStream::new(stream, Connection::server(&Config::new()), Input::new());
    let (mut sink, mut stream) = server.split();
    let writer = tokio::spawn(async move { sink.send(noise(1 << 20).into()).await });
    tokio::task::yield_now().await;
    raw.write_all(b"\x81\x01a").await.expect("a frame without a mask");
    let Some(Err(Error::Ended(_))) = bounded(stream.next()).await else { panic!("it is wrong") };
    let Err(Error::Send(error)) = bounded(writer).await.expect("a task") else { panic!("it was not sent") };
    assert_eq!(error.kind(), SendErrorKind::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_given_up_and_one_that_reads_is_not() {
    let keepalive = Config::new().keepalive(Keepalive::new());
    let (_raw, stream) = duplex(1024);
    let mut server = WebSocketStream::new(stream, Connection::server(&keepalive), Input::new());
    let start = Instant::now();
    let item = server.next().await;
    let Some(Err(Error::Ended(closed))) = item else { panic!("{item:?}") };
    assert_eq!(closed.cause, Cause::TimedOut(Timeout::Pong));
    assert!(start.elapsed() >= Duration::from_secs(50), "{:?}", start.elapsed());

    let (mut client, mut server) = pair(1024, &keepalive).await;
    let start = Instant::now();
    let server = tokio::spawn(async move {
        while let Some(Ok(message)) = server.next().await {
            assert!(!message.is_text());
        }
    });
    let mut beats = 0;
    while start.elapsed() < Duration::from_secs(600) {
        if let Ok(item) = tokio::time::timeout(Duration::from_secs(5), client.next()).await {
            let message = item.expect("an item").expect("alive");
            beats += u32::from(message.is_ping() || message.is_pong());
        }
    }
    assert!(beats >= 9, "{beats}");
    client.close(None).await.expect("closed");
    assert_eq!(last(client).await.expect("an item").expect("a Close"), Message::Close(None));
    server.await.expect("it went well");
}

#[tokio::test(start_paused = true)]
async fn the_reader_keeps_the_time_of_what_the_other_half_waits_for() {
    // There is no other deadline, so that the reader sleeps for none until the writer waits.
    let keepalive = Keepalive::off().write(1024, Duration::from_secs(60));
    let (_raw, stream) = duplex(64);
    let server = WebSocketStream::new(stream, Connection::server(&Config::new().keepalive(keepalive)), Input::new());
    let (mut sink, mut stream) = server.split();
    let reader = tokio::spawn(async move { stream.next().await });
    tokio::task::yield_now().await;
    let start = Instant::now();
    let sent = tokio::time::timeout(Duration::from_secs(300), sink.send(noise(10_000).into())).await;
    let Err(Error::Send(error)) = sent.expect("it hangs") else { panic!("nobody reads") };
    assert_eq!(error.kind(), SendErrorKind::Closed);
    assert!(start.elapsed() >= Duration::from_secs(60), "{:?}", start.elapsed());
    let Some(Err(Error::Ended(closed))) = reader.await.expect("a task") else { panic!("it is over") };
    assert_eq!(closed.cause, Cause::TimedOut(Timeout::Write));
}

#[tokio::test(start_paused = true)]
async fn handshakes_have_a_deadline_and_what_is_no_handshake_is_answered() {
    let (_client, server) = duplex(1024);
    let Err(Error::Rejected(rejection)) = accept_async(server).await else { panic!("nothing was asked for") };
    assert_eq!(rejection.response().status(), 408);
    let (client, _server) = duplex(1024);
    assert!(matches!(client_async("ws://localhost/", client).await, Err(Error::Handshake(_))));

    let (mut client, server) = duplex(1024);
    client.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("a request");
    let mut answer = String::new();
    let (accepted, read) = tokio::join!(accept_async_with_config(server, None), async {
        let read = client.read_to_string(&mut answer).await;
        drop(client);
        read
    });
    assert!(matches!(accepted, Err(Error::Rejected(_))));
    read.expect("the answer");
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
}
