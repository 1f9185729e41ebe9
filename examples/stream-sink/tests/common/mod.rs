//! Two ends of one connection.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::future::Future;
use std::time::Duration;
use stream_sink::{WebSocketStream, accept_async_with_config, client_async_with_config};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use ws_proto::Config;

/// A client and a server over a pipe that holds so many bytes.
pub async fn pair(size: usize, config: &Config) -> (WebSocketStream<DuplexStream>, WebSocketStream<DuplexStream>) {
    let (client, server) = duplex(size);
    open(client, server, config).await
}

/// A client and a server over TCP.
pub async fn tcp_pair(config: &Config) -> (WebSocketStream<TcpStream>, WebSocketStream<TcpStream>) {
    let (client, server) = sockets().await;
    open(client, server, config).await
}

/// Both ends of a TCP connection.
pub async fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("its address");
    let (client, server) = tokio::join!(TcpStream::connect(addr), listener.accept());
    (client.expect("connected"), server.expect("accepted").0)
}

/// A client and a server over two ends of anything.
pub async fn open<C: AsyncRead + AsyncWrite + Unpin, S: AsyncRead + AsyncWrite + Unpin>(
    client: C,
    server: S,
    config: &Config,
) -> (WebSocketStream<C>, WebSocketStream<S>) {
    let client = client_async_with_config("ws://localhost/", client, Some(config.clone()));
    let server = accept_async_with_config(server, Some(config.clone()));
    let (client, server) = bounded(async { tokio::join!(client, server) }).await;
    (client.expect("accepted").0, server.expect("asked"))
}

/// What would hang fails instead.
pub async fn bounded<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it hangs")
}

/// Bytes that no two positions of confuse.
pub fn noise(count: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..count).map(|_| next()).collect()
}
