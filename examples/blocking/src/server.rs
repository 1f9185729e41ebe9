//! An echo server on blocking sockets, with one thread for each connection: `cargo run --bin blocking_server`.
//!
//! A read or write waits until the next deadline at most. Then `handle_timeout` does what is due.

use anyhow::{Result, ensure};
use clap::Parser;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::{Duration, Instant};
use ws_proto::handshake::server::{Answer, Handshake};
use ws_proto::{Clock, Config, Connection, Deadline, DeflateConfig, Event, Input, Keepalive};

/// An echo server on blocking sockets.
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
    let config = Config::new().deflate(DeflateConfig::new()).keepalive(keepalive);
    let listener = TcpListener::bind(addr)?;
    println!("listening on ws://{}", listener.local_addr()?);
    loop {
        let Ok((socket, peer)) = listener.accept() else {
            std::thread::sleep(Duration::from_millis(50)); // out of file descriptors, most likely
            continue;
        };
        let config = config.clone();
        std::thread::spawn(move || serve(socket, &config).unwrap_or_else(|error| eprintln!("{peer}: {error}")));
    }
}

fn serve(mut socket: TcpStream, config: &Config) -> Result<()> {
    socket.set_nodelay(true)?;
    let (mut input, mut handshake, clock) = (Input::new(), Handshake::new(config), Clock::new());
    let mut ws = loop {
        handshake.handle_timeout(clock.now());
        match handshake.receive(&mut input) {
            Ok(Some(request)) => break request.accept(Answer::new())?,
            Ok(None) => socket.set_read_timeout(patience(clock, handshake.deadline()))?,
            Err(rejection) => {
                socket.write_all(&rejection.response().to_bytes())?;
                return hang_up(socket);
            }
        }
        let read = input.read_from(&mut socket);
        ensure!(is_late(&read) || read? > 0, "there is no request");
    };
    let mut is_due = true;
    loop {
        while let Some(event) = ws.receive(&mut input) {
            match event {
                Event::Text(text) => ws.send(text.into_message())?,
                Event::Binary(data) => ws.send(data.into_message())?,
                Event::Closed(closed) => println!("closed: {closed}"),
                _ => {}
            }
        }
        if is_due {
            ws.handle_timeout(clock.now());
        }
        // A peer that does not read what is sent is not read, and its silence is not counted then.
        (if ws.interest().write { Connection::pause_reading } else { Connection::resume_reading })(&mut ws);
        let want = ws.interest();
        if want.hang_up {
            return hang_up(socket);
        }
        let moved = if want.write {
            socket.set_write_timeout(patience(clock, want.deadline))?;
            ws.output().write_to(&mut socket)
        } else {
            socket.set_read_timeout(patience(clock, want.deadline))?;
            input.read_from(&mut socket)
        };
        is_due = true;
        match moved {
            Ok(1..) => {}
            // A signal, as after a stop of the process: what has come in the meantime is read before the time is looked at.
            Err(error) if error.kind() == ErrorKind::Interrupted => is_due = false,
            moved if is_late(&moved) => {}
            // It cannot be written, and what the peer has sent before it left can still be read.
            _ if want.write => ws.output().clear(),
            _ => ws.receive_eof(), // a reset, too, is the end of the stream
        }
    }
}

/// How long a read or write may take. None is not the same as zero, which the standard library refuses.
fn patience(clock: Clock, deadline: Option<Deadline>) -> Option<Duration> {
    Some(clock.until(deadline?.at).max(Duration::from_millis(1)))
}

/// Whether there has been nothing to read, or no room to write, for as long as was to be waited; or a signal has come.
fn is_late(moved: &std::io::Result<usize>) -> bool {
    let kinds = [ErrorKind::WouldBlock, ErrorKind::TimedOut, ErrorKind::Interrupted];
    moved.as_ref().is_err_and(|error| kinds.contains(&error.kind()))
}

/// RFC 6455 §7.1.1: ends the writing side, then reads on for a moment, as a socket closed with unread bytes is reset.
fn hang_up(mut socket: TcpStream) -> Result<()> {
    socket.shutdown(Shutdown::Write)?;
    socket.set_read_timeout(Some(Duration::from_secs(1)))?;
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(1) && matches!(socket.read(&mut [0; 4096]), Ok(1..)) {}
    Ok(())
}
