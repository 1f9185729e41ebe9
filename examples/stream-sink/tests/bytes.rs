//! The stream of bytes.

mod common;

use common::{bounded, noise, pair, tcp_pair};
use futures_util::{FutureExt, SinkExt, StreamExt, future};
use std::io::ErrorKind;
use stream_sink::{ByteStream, Message, accept_async_with_config, connect_async_with_config};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use ws_proto::{CloseCode, CloseFrame, Config, DeflateConfig, Keepalive};

const MIB: usize = 1 << 20;

/// A listener that hands its first connection on.
async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("its address").to_string();
    (listener, addr)
}

/// A socket, a tunnel through a WebSocket, and an echo server behind it; each side of each shuts down when the other one has.
async fn tunnel(config: Config, data: Vec<u8>) {
    let (echo, echo_addr) = listener().await;
    let (server, server_addr) = listener().await;
    let (client, client_addr) = listener().await;
    let echo = tokio::spawn(async move {
        let (mut reader, mut writer) = echo.accept().await.expect("accepted").0.into_split();
        tokio::io::copy(&mut reader, &mut writer).await
    });
    let server_config = config.clone();
    let server = tokio::spawn(async move {
        let socket = server.accept().await.expect("accepted").0;
        let ws = accept_async_with_config(socket, Some(server_config)).await.expect("asked");
        let mut target = TcpStream::connect(echo_addr).await.expect("connected");
        copy_bidirectional(&mut ByteStream::new(ws), &mut target).await
    });
    let client = tokio::spawn(async move {
        let mut source = client.accept().await.expect("accepted").0;
        let (ws, _) = connect_async_with_config(format!("ws://{server_addr}/"), Some(config)).await.expect("accepted");
        copy_bidirectional(&mut source, &mut ByteStream::new(ws)).await
    });

    let (mut reader, mut writer) = TcpStream::connect(client_addr).await.expect("connected").into_split();
    let write = async {
        writer.write_all(&data).await.expect("written");
        writer.shutdown().await
    };
    let mut received = Vec::new();
    let (written, read) = bounded(async { tokio::join!(write, reader.read_to_end(&mut received)) }).await;
    written.expect("shut down");
    read.expect("the end");
    assert!(received == data, "{} bytes came back", received.len());
    let size = data.len() as u64;
    assert_eq!(bounded(client).await.expect("a task").expect("a clean end"), (size, size));
    assert_eq!(bounded(server).await.expect("a task").expect("a clean end"), (size, size));
    assert_eq!(bounded(echo).await.expect("a task").expect("a clean end"), size);
}

#[tokio::test]
async fn a_tunnel_copies_10_mib_both_ways_and_half_closes() {
    tunnel(Config::new().auto_close(false).keepalive(Keepalive::new()), noise(10 * MIB)).await;
}

#[tokio::test]
async fn a_tunnel_copies_compressed() {
    tunnel(Config::new().auto_close(false).deflate(DeflateConfig::new()), noise(MIB)).await;
}

#[tokio::test]
async fn shutting_down_is_the_end_for_the_peer() {
    let (client, server) = tcp_pair(&Config::new()).await;
    let (mut client, mut server) = (ByteStream::new(client), ByteStream::new(server));
    client.write_all(b"all of ").await.expect("written");
    client.write_all(b"it").await.expect("written");
    client.shutdown().await.expect("shut down");
    client.shutdown().await.expect("it is shut down already");
    assert_eq!(client.write(b"more").await.expect_err("it is shut down").kind(), ErrorKind::BrokenPipe);
    let (mut here, mut there) = (String::new(), String::new());
    let ends = async { tokio::join!(client.read_to_string(&mut here), server.read_to_string(&mut there)) };
    let (at_client, at_server) = bounded(ends).await;
    assert_eq!((at_client.expect("the end"), at_server.expect("the end")), (0, 9));
    assert_eq!(there, "all of it");
    assert_eq!(bounded(server.read(&mut [0; 8])).await.expect("the end again"), 0);
}

#[tokio::test]
async fn only_a_normal_close_is_the_end() {
    let going_away = Some(CloseFrame::from(CloseCode::GOING_AWAY));
    for (frame, is_end) in [(None, true), (Some(CloseCode::NORMAL.into()), true), (going_away, false)] {
        let (mut client, server) = pair(1024, &Config::new()).await;
        client.send(b"data".to_vec().into()).await.expect("sent");
        client.close(frame.clone()).await.expect("closed");
        let peer = tokio::spawn(async move { client.collect::<Vec<_>>().await });
        let (mut server, mut received) = (ByteStream::new(server), Vec::new());
        let end = bounded(server.read_to_end(&mut received)).await;
        assert_eq!(received, b"data");
        match end {
            Ok(count) => assert!(is_end && count == 4, "{frame:?}"),
            Err(error) => {
                assert!(!is_end && error.kind() == ErrorKind::ConnectionAborted, "{frame:?}: {error}");
                let again = bounded(server.read(&mut [0; 8])).await.expect_err("it is no end later, either");
                assert_eq!(again.kind(), ErrorKind::UnexpectedEof);
            }
        }
        drop(server);
        bounded(peer).await.expect("a task");
    }
}

#[tokio::test]
async fn a_stream_that_is_cut_off_and_a_text_message_are_errors() {
    let (mut client, server) = pair(1024, &Config::new()).await;
    let mut server = ByteStream::new(server);
    client.send(b"data".to_vec().into()).await.expect("sent");
    drop(client);
    let mut received = Vec::new();
    let error = bounded(server.read_to_end(&mut received)).await.expect_err("it was cut off");
    assert_eq!((error.kind(), &received[..]), (ErrorKind::UnexpectedEof, &b"data"[..]));

    let (mut client, server) = pair(1024, &Config::new()).await;
    let mut server = ByteStream::new(server);
    client.send("text".into()).await.expect("sent");
    client.send(b"data".to_vec().into()).await.expect("sent");
    assert_eq!(bounded(server.read_u8()).await.expect_err("text").kind(), ErrorKind::InvalidData);
    assert!(bounded(server.read_u8()).await.is_err(), "a byte is missing");
    let closed = bounded(client.next()).await.expect("an item").expect("a Close");
    assert_eq!(closed, Message::Close(Some(CloseCode::UNSUPPORTED_DATA.into())));
}

#[tokio::test]
async fn messages_are_of_bounded_size_and_writing_waits_for_the_peer() {
    let (client, mut server) = pair(64, &Config::new()).await;
    let mut client = ByteStream::new(client).max_message(1000);
    let data = noise(MIB);
    let mut written = 0;
    while let Some(count) = client.write(&data[written..]).now_or_never() {
        written += count.expect("no error");
    }
    assert!((120 << 10..140 << 10).contains(&written), "{written}");
    let write = async {
        client.write_all(&data[written..]).await.expect("written");
        client.shutdown().await.expect("shut down");
    };
    let read = async {
        let mut received = Vec::new();
        while let Some(item) = server.next().await {
            match item.expect("no error") {
                Message::Binary(data) => {
                    assert!(data.len() <= 1000, "{}", data.len());
                    received.extend_from_slice(&data);
                }
                other => return (received, other),
            }
        }
        panic!("there was no Close")
    };
    let ((), (received, end)) = bounded(async { tokio::join!(write, read) }).await;
    assert!(received == data);
    assert_eq!(end, Message::Close(Some(CloseCode::NORMAL.into())));
}

#[tokio::test]
async fn halves_of_bytes_flood_both_ways() {
    let (client, server) = pair(64, &Config::new()).await;
    let data = noise(MIB);
    let (mut writers, mut readers) = (Vec::new(), Vec::new());
    for end in [ByteStream::new(client), ByteStream::new(server)] {
        let (mut reader, mut writer) = tokio::io::split(end);
        let (sent, mut received) = (data.clone(), vec![0; MIB]);
        writers.push(tokio::spawn(async move {
            writer.write_all(&sent).await?;
            writer.flush().await?;
            Ok::<_, std::io::Error>(writer)
        }));
        readers.push(tokio::spawn(async move { reader.read_exact(&mut received).await.map(|_| (reader, received)) }));
    }
    // Nothing is dropped before all is done.
    let halves = async { (future::try_join_all(writers).await, future::try_join_all(readers).await) };
    let (writers, readers) = bounded(halves).await;
    assert!(writers.expect("no panic").iter().all(Result::is_ok));
    for received in readers.expect("no panic") {
        assert!(received.expect("all of it").1 == data);
    }
}
