//! An echo server on `Framed`: `cargo run --bin codec_server`.

use anyhow::{Context, Result, ensure};
use clap::Parser;
use codec::{Codec, Due};
use futures_util::{SinkExt, StreamExt};
use std::{future::pending, io, time::Duration};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::yield_now;
use tokio::time::{sleep, sleep_until, timeout};
use tokio_util::codec::{Framed, FramedParts};
use ws_proto::handshake::server::{Answer, Handshake};
use ws_proto::{Clock, Config, Connection, DeflateConfig, Input, Keepalive, Message, OwnedEvent};

/// An echo server on Framed.
#[derive(Parser)]
struct Options {
    #[arg(default_value = "127.0.0.1:9001")]
    addr: String,
    #[arg(long, default_value_t = 30, help = "For how many seconds a peer may be silent, slow or in the way")]
    patience: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Options { addr, patience } = Options::parse();
    let beat = Duration::from_secs(patience);
    let listener = TcpListener::bind(addr).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    loop {
        let Ok((socket, peer)) = listener.accept().await else {
            sleep(Duration::from_millis(50)).await; // out of file descriptors, most likely
            continue;
        };
        tokio::spawn(async move { serve(socket, beat).await.unwrap_or_else(|error| eprintln!("{peer}: {error}")) });
    }
}

async fn serve(mut socket: TcpStream, beat: Duration) -> Result<()> {
    socket.set_nodelay(true)?;
    let (mut input, clock) = (Input::new(), Clock::new());
    if let Some(ws) = open(&mut socket, &mut input, beat, clock).await? {
        let mut parts = FramedParts::new::<Message>(socket, Codec::new(ws));
        parts.read_buf = input.into_unread();
        let mut framed = Framed::from_parts(parts);
        echo(&mut framed, beat, clock).await?;
        socket = framed.into_inner();
    }
    // RFC 6455 §7.1.1: end the writing side, then read on. A socket closed with unread bytes resets the connection.
    let linger = async {
        socket.shutdown().await?;
        while socket.read(&mut [0; 4096]).await? > 0 {}
        io::Result::Ok(())
    };
    let _ = timeout(Duration::from_secs(1), linger).await;
    Ok(())
}

/// The connection, unless its request is refused.
async fn open(socket: &mut TcpStream, input: &mut Input, beat: Duration, clock: Clock) -> Result<Option<Connection>> {
    let keepalive = Keepalive::new().handshake(beat).ping(beat).pong(beat).progress(1 << 10, beat);
    let mut handshake = Handshake::new(&Config::new().deflate(DeflateConfig::new()).keepalive(keepalive));
    loop {
        handshake.handle_timeout(clock.now());
        match handshake.receive(input) {
            Ok(Some(request)) => return Ok(Some(request.accept(Answer::new())?)),
            Ok(None) => {}
            Err(rejection) => {
                socket.write_all(&rejection.response().to_bytes()).await?;
                return Ok(None);
            }
        }
        let patience = handshake.deadline().map(|deadline| clock.until(deadline.at)).unwrap_or_default();
        if let Ok(count) = timeout(patience, socket.read_buf(&mut input.room())).await {
            ensure!(count? > 0, "there is no request");
        }
    }
}

async fn echo(framed: &mut Framed<TcpStream, Codec>, beat: Duration, clock: Clock) -> Result<()> {
    framed.codec_mut().handle_timeout(clock.now());
    loop {
        if framed.codec().interest().write {
            timeout(beat, framed.send(Due)).await.context("the peer did not read")??;
        }
        let want = framed.codec().interest();
        if want.hang_up {
            return Ok(());
        }
        let is_late = async {
            match want.deadline {
                Some(deadline) => sleep_until(clock.to_std(deadline.at).into()).await,
                None => pending().await,
            }
            // After a stop of the process the runtime may not have looked at the socket yet.
            yield_now().await;
        };
        // Where both are ready, it is read first: what lies in the socket has come in time.
        let event = tokio::select! {
            biased;
            event = framed.next() => event.transpose()?,
            () = is_late => {
                framed.codec_mut().handle_timeout(clock.now());
                framed.codec_mut().receive()
            }
        };
        let message = match event {
            Some(OwnedEvent::Text(text)) => Message::Text(text),
            Some(OwnedEvent::Binary(data)) => Message::Binary(data),
            event => {
                if let Some(OwnedEvent::Closed(closed)) = event {
                    println!("closed: {closed}");
                }
                continue;
            }
        };
        timeout(beat, framed.send(message)).await.context("the peer did not read")??;
    }
}
