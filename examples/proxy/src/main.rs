//! A reverse proxy for WebSockets: `cargo run -- ws://127.0.0.1:9002`, then connect to `ws://127.0.0.1:9001/` and any path.
//!
//! It opens the connection upstream before it answers the client, so that a refusal of the server's reaches the client as it
//! is; where there is no answer to pass on, the client gets a 502 or 504. Messages go on in parts as they arrive, and nothing
//! is read from one side while too much waits for the other: the memory that a connection takes does not depend on the sizes
//! of its messages. Each side agrees on compression for itself, and each side's Pings are answered here: a Pong shows that
//! one connection lives, and through the other one it would wait behind the data that is held back there. Close frames are
//! passed on, and so are the answers to them.

mod headers;
mod opening;
mod pump;
mod wire;

use anyhow::{Result, ensure};
use clap::Parser;
use opening::Unreached;
use std::net::SocketAddr;
use std::{sync::Arc, time::Duration};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use wire::Wire;
use ws_proto::handshake::WebSocketUri;
use ws_proto::{Clock, Config, DeflateConfig, Delivery, Keepalive};

/// Passes WebSockets on to a server.
#[derive(Parser)]
struct Options {
    /// The server: scheme, host and port. TLS is for others to add, on either side.
    upstream: WebSocketUri,
    #[arg(long, default_value = "127.0.0.1:9001")]
    addr: SocketAddr,
    /// Send the client's Host on, in place of the server's.
    #[arg(long)]
    keep_host: bool,
    /// Do not compress what goes to and comes from clients.
    #[arg(long)]
    plain_clients: bool,
    /// Do not compress what goes to and comes from the server.
    #[arg(long)]
    plain_upstream: bool,
    /// After how many seconds a silent peer is sent a Ping; the other deadlines are proportional.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    patience: u64,
}

/// What all connections have in common.
struct Proxy {
    options: Options,
    to_clients: Config,
    to_upstream: Config,
    /// How long a peer may take to read a refusal.
    patience: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let proxy = Arc::new(Proxy::new(Options::parse())?);
    let listener = TcpListener::bind(proxy.options.addr).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    loop {
        let Ok((socket, peer)) = listener.accept().await else {
            sleep(Duration::from_millis(50)).await; // out of file descriptors, most likely
            continue;
        };
        let proxy = proxy.clone();
        tokio::spawn(
            async move { serve(socket, peer, &proxy).await.unwrap_or_else(|error| eprintln!("{peer}: {error}")) },
        );
    }
}

impl Proxy {
    fn new(options: Options) -> Result<Self> {
        ensure!(!options.upstream.is_secure(), "TLS to the server is not for this program to add");
        ensure!(options.upstream.resource() == "/", "the path is the client's to choose");
        let patience = Duration::from_secs(options.patience);
        // With 30 s these are the defaults of the crate.
        let keepalive = Keepalive::new()
            .handshake(patience / 3)
            .ping(patience)
            .pong(patience * 2 / 3)
            .progress(1 << 10, patience)
            .write(1 << 10, patience * 2)
            .close(patience / 3);
        // What is not kept needs no limit on its size. A peer's Close is answered with what the other side answers.
        let plain = Config::new()
            .delivery(Delivery::Parts)
            .max_frame(u64::MAX)
            .max_message(u64::MAX)
            .max_fragments(u32::MAX)
            .max_body(64 << 10)
            .high_water(256 << 10)
            .auto_close(false)
            .keepalive(keepalive);
        let config = |is_plain| if is_plain { plain.clone() } else { plain.clone().deflate(DeflateConfig::new()) };
        let (to_clients, to_upstream) = (config(options.plain_clients), config(options.plain_upstream));
        Ok(Self { options, to_clients, to_upstream, patience })
    }
}

async fn serve(socket: TcpStream, peer: SocketAddr, proxy: &Proxy) -> Result<()> {
    let (mut client, clock) = (Wire::new(socket)?, Clock::new());
    let refusal = match opening::accept(&mut client, &proxy.to_clients, clock).await? {
        Err(rejection) => rejection.response(),
        Ok(request) => match opening::connect(&request, peer.ip(), proxy, clock).await {
            // What cannot be passed on, such as a status of 999, is a failure of the server's.
            Err(unreached) => unreached.response().or_else(|error| Unreached::Failed(error.into()).response())?,
            Ok((upstream, accepted, answer)) => {
                let ws = request.accept(answer)?;
                return Ok(pump::pump((client, ws), (upstream, accepted.connection), clock).await?);
            }
        },
    };
    timeout(proxy.patience, client.socket.write_all(&refusal.to_bytes())).await??;
    client.hang_up().await;
    Ok(())
}
