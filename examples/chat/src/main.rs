//! A chat: `cargo run --bin chat_server`, then open <http://127.0.0.1:9001/> in two windows.
//!
//! One thread serves all connections. A line is encoded and compressed once for a room; whoever reads too slowly is closed
//! with 1013, whoever is gone is found by its heartbeat, and Ctrl-C closes everybody with 1001.

use chat::rooms::{Rooms, STEP};
use chat::serve::{Server, serve};
use clap::Parser;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use ws_proto::handshake::OriginPolicy;
use ws_proto::{Clock, Config, DeflateConfig, DeflatePool, Keepalive, RateLimit};

/// A chat server with a page.
#[derive(Parser)]
struct Options {
    #[arg(default_value = "127.0.0.1:9001")]
    addr: SocketAddr,
    /// After how many seconds of silence a peer is sent a Ping; the other deadlines follow from it.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    heartbeat: u32,
    /// How many lines a second one may send.
    #[arg(long, default_value_t = 20)]
    rate: u64,
    /// How many connections there may be at a time.
    #[arg(long, default_value_t = 100_000)]
    connections: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let socket = if options.addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    // Connections inherit it: what waits for one that reads slowly should wait here, where it is counted.
    socket.set_send_buffer_size(64 << 10)?;
    socket.bind(options.addr)?;
    let listener = socket.listen(1024)?;
    println!("listening on ws://{}", listener.local_addr()?);
    LocalSet::new().run_until(run(listener, &options)).await
}

fn server(options: &Options) -> Server {
    let beat = Duration::from_secs(options.heartbeat.into());
    let keepalive = Keepalive::new().handshake(beat / 3).ping(beat).pong(beat * 2 / 3).progress(1 << 10, beat);
    // One thread compresses one line at a time: a context or two serve all connections.
    let deflate = DeflateConfig::new().pool(&DeflatePool::new(2)).keep_contexts(false);
    let config = Config::new()
        .max_message(4 << 10)
        .max_buffered(1 << 20)
        .high_water(128 << 10)
        .keepalive(keepalive.write(1 << 10, beat * 2).close(beat))
        .rate_limit(RateLimit::new().messages(options.rate).burst(Duration::from_secs(5)))
        .deflate(deflate.clone());
    let clock = Clock::new();
    let origins = OriginPolicy::new().same_origin().without_origin();
    Server { config, clock, origins, rooms: Rooms::new(clock, deflate).into() }
}

async fn run(listener: TcpListener, options: &Options) -> anyhow::Result<()> {
    let server = Rc::new(server(options));
    let (mut tasks, mut ticks) = (JoinSet::new(), interval(STEP));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stop = std::pin::pin!(tokio::signal::ctrl_c());
    loop {
        tokio::select! {
            stopped = &mut stop => break stopped?,
            _ = ticks.tick() => server.rooms.borrow_mut().turn(),
            Some(_) = tasks.join_next() => {}
            accepted = listener.accept(), if tasks.len() < options.connections => match accepted {
                Ok((socket, peer)) => {
                    let server = server.clone();
                    tasks.spawn_local(async move {
                        serve(socket, &server).await.unwrap_or_else(|error| eprintln!("{peer}: {error}"));
                    });
                }
                // Out of file descriptors, most likely.
                Err(_) => sleep(Duration::from_millis(50)).await,
            },
        }
    }
    drop(listener);
    println!("going down");
    server.rooms.borrow_mut().close();
    let patience = Duration::from_secs(options.heartbeat.into()) * 2;
    let answers = async {
        loop {
            tokio::select! {
                _ = ticks.tick() => server.rooms.borrow_mut().turn(),
                ended = tasks.join_next() => if ended.is_none() { break },
            }
        }
    };
    if timeout(patience, answers).await.is_err() {
        println!("given up: {} connections", tasks.len());
    }
    Ok(())
}
