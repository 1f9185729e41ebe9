//! An echo server: `cargo run --bin stream_sink_server`.

use clap::Parser;
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use stream_sink::{Error, accept_async_with_config};
use tokio::net::{TcpListener, TcpStream};
use ws_proto::{Config, DeflateConfig, Keepalive};

/// An echo server on a Stream and a Sink.
#[derive(Parser)]
struct Options {
    /// Where to listen
    #[arg(default_value = "127.0.0.1:9001")]
    addr: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let listener = TcpListener::bind(Options::parse().addr).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    loop {
        let Ok((socket, peer)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await; // out of file descriptors, most likely
            continue;
        };
        tokio::spawn(async move { echo(socket).await.unwrap_or_else(|error| eprintln!("{peer}: {error}")) });
    }
}

async fn echo(socket: TcpStream) -> Result<(), Error> {
    socket.set_nodelay(true)?;
    let config = Config::new().deflate(DeflateConfig::new()).keepalive(Keepalive::new());
    let mut ws = accept_async_with_config(socket, Some(config)).await?;
    while let Some(message) = ws.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            ws.send(message).await?;
        }
    }
    Ok(())
}
