//! A client that reads on one thread and writes on another: `cargo run --bin blocking_client ws://127.0.0.1:9001/ hello "and
//! good bye"` sends each word and prints what comes back.
//!
//! The writer keeps the time. What the reader has found for it to do comes through a channel.

use anyhow::{Result, ensure};
use clap::Parser;
use std::io::{ErrorKind, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::{thread, time::Duration};
use ws_proto::handshake::client::{Handshake, Request};
use ws_proto::{Clock, CloseCode, Config, DeflateConfig, Event, Input, Keepalive, ReceiveHalf, Reply, Seed, SendHalf};

/// Sends each message to a server, and prints what comes back.
#[derive(Parser)]
struct Options {
    #[arg(value_name = "URI")]
    request: Request,
    #[arg(required = true)]
    messages: Vec<String>,
}

/// What the reader sends to the writer. Both go through one channel, so that they keep their order.
enum Work {
    Reply(Reply),
    Close,
}

fn main() -> Result<()> {
    let Options { request, messages } = Options::parse();
    ensure!(!request.uri().is_secure(), "this example brings no TLS: use ws://");
    let mut socket = TcpStream::connect(request.uri().host_and_port())?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    let config = Config::new().deflate(DeflateConfig::new()).keepalive(Keepalive::new());
    let (mut input, mut handshake) = (Input::new(), Handshake::new(&request, Seed::random()?, &config));
    socket.write_all(handshake.output())?;
    let ws = loop {
        if let Some(accepted) = handshake.receive(&mut input)? {
            break accepted.connection;
        }
        ensure!(input.read_from(&mut socket)? > 0, "the server has hung up");
    };
    socket.set_read_timeout(None)?;

    println!("compression: {}", ws.deflate_parameters().is_some());
    let ((receiver, mut sender), echoes) = (ws.into_halves(), messages.len());
    messages.into_iter().try_for_each(|message| sender.send(message))?;
    let ((work, due), socket) = (sync_channel(32), &socket);
    let is_clean = thread::scope(|scope| {
        // The channel ends when the reader does.
        scope.spawn(move || read(socket, input, receiver, echoes, &work));
        let is_clean = write(socket, sender, &due);
        // RFC 6455 §7.1.1: the reader reads on for a moment, unless it has come to an end.
        let _ = socket.shutdown(Shutdown::Write);
        let _ = due.recv_timeout(Duration::from_secs(1));
        let _ = socket.shutdown(Shutdown::Both);
        is_clean
    })?;
    ensure!(is_clean, "the connection did not end with Close frames");
    Ok(())
}

/// Receives until nothing more can come, and passes on what is due. It fails when the writer has gone.
fn read(
    mut socket: &TcpStream,
    mut input: Input,
    mut receiver: ReceiveHalf,
    mut echoes: usize,
    work: &SyncSender<Work>,
) -> Result<()> {
    loop {
        while let Some(received) = receiver.receive(&mut input) {
            if let Some(reply) = received.reply {
                work.send(Work::Reply(reply))?;
            }
            if let Some(Event::Text(text)) = received.event {
                println!("{text}");
                echoes = echoes.saturating_sub(1);
                if echoes == 0 {
                    work.send(Work::Close)?;
                }
            }
        }
        if let Some(reply) = receiver.activity(&input) {
            work.send(Work::Reply(reply))?;
        }
        if !receiver.wants_read() {
            return Ok(());
        }
        if !matches!(input.read_from(&mut socket), Ok(1..)) {
            work.send(Work::Reply(receiver.receive_eof()))?; // a reset, too, is the end of the stream
        }
    }
}

/// Writes what waits, and takes what is due, until it is time to hang up; whether both sides have closed.
fn write(mut socket: &TcpStream, mut sender: SendHalf, due: &Receiver<Work>) -> Result<bool> {
    let (clock, mut is_clean) = (Clock::new(), None);
    loop {
        sender.handle_timeout(clock.now());
        if let Some(closed) = sender.closed() {
            println!("closed: {closed}");
            is_clean = Some(closed.is_clean());
        }
        let want = sender.interest();
        // At the end of the stream, hanging up is due before the reader has passed on all that came before it.
        if let Some(is_clean) = is_clean.filter(|_| want.hang_up) {
            return Ok(is_clean);
        }
        let patience = want.deadline.map(|deadline| clock.until(deadline.at));
        if want.write {
            socket.set_write_timeout(patience.map(|patience| patience.max(Duration::from_millis(1))))?;
            match sender.output().write_to(&mut socket) {
                Ok(1..) => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                _ => {
                    sender.output().clear(); // it cannot be written, and the reader comes to its end
                    let _ = socket.shutdown(Shutdown::Both);
                }
            }
        }
        let wait = if want.write { Duration::ZERO } else { patience.unwrap_or(Duration::MAX) };
        let mut work = due.recv_timeout(wait);
        if matches!(work, Err(RecvTimeoutError::Timeout)) && !want.write {
            // After a stop of the process the reader may have bytes before it that have come in time.
            work = due.recv_timeout(Duration::from_millis(50));
        }
        match work {
            Ok(Work::Reply(reply)) => sender.reply(reply),
            Ok(Work::Close) if sender.can_send() => sender.close(CloseCode::NORMAL)?,
            Ok(Work::Close) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => ensure!(want.write, "the reader has failed"),
        }
    }
}
