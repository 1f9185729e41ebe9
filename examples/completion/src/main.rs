//! An echo server on compio, whose operations own their buffers until the kernel is done with them: io_uring on Linux, IOCP on
//! Windows. It reads into memory that the input gives away, and writes what the output gives away; nothing is copied.
//!
//! An operation that is dropped may have been done all the same, and what it has read is lost. So a read goes on while deadlines
//! pass and other things are written, and is dropped only with the connection.

use anyhow::{Result, ensure};
use clap::Parser;
use compio::BufResult;
use compio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use compio::net::{TcpListener, TcpStream};
use compio::runtime::{Runtime, spawn};
use compio::time::{sleep, sleep_until, timeout};
use std::future::{Future, pending, poll_fn};
use std::{io, pin::Pin, pin::pin, task::Poll, time::Duration};
use ws_proto::bytes::{Bytes, BytesMut};
use ws_proto::handshake::server::{Answer, Handshake};
use ws_proto::{Clock, Config, Connection, DeflateConfig, Event, Input, Keepalive};

/// An echo server on compio.
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
    let runtime = Runtime::new()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(addr).await?;
        println!("listening on ws://{}", listener.local_addr()?);
        println!("driver: {:?}", runtime.driver_type());
        loop {
            let Ok((socket, peer)) = listener.accept().await else {
                sleep(Duration::from_millis(50)).await; // out of file descriptors, most likely
                continue;
            };
            let served = serve(socket, config.clone());
            spawn(async move { served.await.unwrap_or_else(|error| eprintln!("{peer}: {error}")) }).detach();
        }
    })
}

async fn serve(mut socket: TcpStream, config: Config) -> Result<()> {
    socket.set_nodelay(true)?;
    let (mut input, mut handshake, clock) = (Input::new(), Handshake::new(&config), Clock::new());
    let ws = loop {
        handshake.handle_timeout(clock.now());
        match handshake.receive(&mut input) {
            Ok(Some(request)) => break request.accept(Answer::new())?,
            Ok(None) => {}
            Err(rejection) => {
                socket.write_all(rejection.response().to_bytes()).await.0?;
                return Ok(socket.shutdown().await?);
            }
        }
        let patience = handshake.deadline().map(|deadline| clock.until(deadline.at)).unwrap_or_default();
        // A read that is late is dropped, because nothing more is read then.
        if let Ok(BufResult(count, memory)) = timeout(patience, socket.read(input.take_room())).await {
            input.append(memory);
            ensure!(count? > 0, "there is no request");
        }
    };
    echo(&socket, ws, input, clock).await?;
    // RFC 6455 §7.1.1: end the writing side, then read on. A socket closed with unread bytes resets the connection.
    let linger = async {
        socket.shutdown().await?;
        while socket.read(BytesMut::with_capacity(4096)).await.0? > 0 {}
        io::Result::Ok(())
    };
    let _ = timeout(Duration::from_secs(1), linger).await;
    Ok(())
}

type Operation<'s, T> = Pin<Box<dyn Future<Output = T> + 's>>;

async fn echo(socket: &TcpStream, mut ws: Connection, mut input: Input, clock: Clock) -> Result<()> {
    let mut is_due = true;
    let mut reading: Option<Operation<'_, BufResult<usize, BytesMut>>> = None;
    let mut writing: Option<Operation<'_, BufResult<(), Bytes>>> = None;
    loop {
        while let Some(event) = ws.receive(&mut input) {
            match event {
                Event::Text(text) => ws.send(text.into_message())?,
                Event::Binary(data) => ws.send(data.into_message())?,
                Event::Closed(closed) => println!("closed: {closed}"),
                _ => {}
            }
        }
        // A peer that does not read what is sent is not read, and its silence is not counted then.
        (if ws.interest().congested { Connection::pause_reading } else { Connection::resume_reading })(&mut ws);
        // Not after a write alone: what has come in the meantime may not have been read.
        if std::mem::take(&mut is_due) {
            ws.handle_timeout(clock.now());
        }
        let want = ws.interest();
        if want.hang_up {
            if let Some(write) = writing {
                let _ = timeout(Duration::from_secs(5), write).await; // the connection knows of no deadline for it
            }
            return Ok(());
        }
        if writing.is_none() {
            // What is taken counts as written, so there is one piece at a time.
            writing =
                ws.output().next_owned().map(|bytes| Box::pin(async move { (&*socket).write_all(bytes).await }) as _);
        }
        if reading.is_none() && want.read {
            let memory = input.take_room();
            reading = Some(Box::pin(async move { (&*socket).read(memory).await }));
        }
        let is_late = async {
            match want.deadline {
                Some(deadline) => {
                    sleep_until(clock.to_std(deadline.at)).await;
                    // After a stop of the process: a read that was done in time is completed by then.
                    sleep(Duration::from_millis(1)).await;
                }
                None => pending().await,
            }
        };
        let mut is_late = pin!(is_late);
        poll_fn(|cx| {
            let mut is_ready = false;
            if let Some(Poll::Ready(BufResult(written, _))) = writing.as_mut().map(|write| write.as_mut().poll(cx)) {
                (writing, is_ready) = (None, true);
                if written.is_err() {
                    ws.output().clear(); // what the peer has sent before it left can still be read
                }
            }
            if let Some(Poll::Ready(BufResult(count, memory))) = reading.as_mut().map(|read| read.as_mut().poll(cx)) {
                (reading, is_ready) = (None, true);
                input.append(memory);
                is_due = true;
                if !matches!(count, Ok(1..)) {
                    ws.receive_eof(); // a reset, too, is the end of the stream
                }
            }
            if is_ready { Poll::Ready(()) } else { is_late.as_mut().poll(cx).map(|()| is_due = true) }
        })
        .await;
    }
}
