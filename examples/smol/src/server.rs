//! An echo server on smol: `cargo run --bin smol_server`.

use anyhow::{Result, ensure};
use clap::Parser;
use smol::{LocalExecutor, Timer, io::AsyncWriteExt, net::TcpListener, net::TcpStream};
use std::time::Duration;
use ws_proto::handshake::server::{Answer, Handshake};
use ws_proto::{Clock, Config, DeflateConfig, Event, Input, Keepalive};

/// An echo server on smol.
#[derive(Parser)]
struct Options {
    #[arg(default_value = "127.0.0.1:9001")]
    addr: String,
    #[arg(long, default_value_t = 30, help = "For how many seconds a peer may be silent, slow or in the way")]
    patience: u64,
}

fn main() -> Result<()> {
    let Options { addr, patience } = Options::parse();
    let beat = Duration::from_secs(patience);
    let keepalive = Keepalive::new().handshake(beat).ping(beat).pong(beat).progress(1 << 10, beat).write(1 << 10, beat);
    let config = Config::new().deflate(DeflateConfig::new()).high_water(64 << 10).keepalive(keepalive);
    let executor = LocalExecutor::new();
    smol::block_on(executor.run(async {
        let listener = TcpListener::bind(addr).await?;
        println!("listening on ws://{}", listener.local_addr()?);
        loop {
            let Ok((socket, peer)) = listener.accept().await else {
                Timer::after(Duration::from_millis(50)).await; // out of file descriptors, most likely
                continue;
            };
            let served = serve(socket, &config);
            executor.spawn(async move { served.await.unwrap_or_else(|error| eprintln!("{peer}: {error}")) }).detach();
        }
    }))
}

async fn serve(mut socket: TcpStream, config: &Config) -> Result<()> {
    socket.set_nodelay(true)?;
    let (mut input, mut handshake, clock) = (Input::new(), Handshake::new(config), Clock::new());
    let ws = loop {
        handshake.handle_timeout(clock.now());
        match handshake.receive(&mut input) {
            Ok(Some(request)) => break request.accept(Answer::new())?,
            Ok(None) => {}
            Err(rejection) => {
                socket.write_all(&rejection.response().to_bytes()).await?;
                return Ok(socket.close().await?);
            }
        }
        let until = handshake.deadline().map(|deadline| clock.to_std(deadline.at));
        ensure!(drive_smol::step(&mut socket, Some(&mut input), None, until).await? > 0, "there is no request");
    };
    let served = drive_smol::drive(socket, input, ws, |ws, event| match event {
        Event::Text(text) => ws.send(text.into_message()),
        Event::Binary(data) => ws.send(data.into_message()),
        Event::Closed(closed) => {
            println!("closed: {closed}");
            Ok(())
        }
        _ => Ok(()),
    });
    Ok(served.await?)
}
