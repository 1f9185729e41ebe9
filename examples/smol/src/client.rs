//! A client on smol: `cargo run --bin smol_client ws://127.0.0.1:9001/ hello "and good bye"` sends each word and prints what
//! comes back.

use anyhow::{Result, ensure};
use clap::Parser;
use smol::{io::AsyncWriteExt, net::TcpStream};
use ws_proto::handshake::client::{Handshake, Request};
use ws_proto::{Clock, CloseCode, Config, DeflateConfig, Event, Input, Keepalive, Seed};

/// Sends each message to a server, and prints what comes back.
#[derive(Parser)]
struct Options {
    #[arg(value_name = "URI")]
    request: Request,
    #[arg(required = true)]
    messages: Vec<String>,
}

fn main() -> Result<()> {
    let Options { request, messages } = Options::parse();
    smol::block_on(echo(&request, messages))
}

async fn echo(request: &Request, messages: Vec<String>) -> Result<()> {
    ensure!(!request.uri().is_secure(), "this example brings no TLS: use ws://");
    let config = Config::new().deflate(DeflateConfig::new()).keepalive(Keepalive::new());
    let mut socket = TcpStream::connect(request.uri().host_and_port()).await?;
    socket.set_nodelay(true)?;
    let (mut input, clock) = (Input::new(), Clock::new());
    let mut handshake = Handshake::new(request, Seed::random()?, &config);
    socket.write_all(handshake.output()).await?;
    let mut ws = loop {
        handshake.handle_timeout(clock.now());
        if let Some(accepted) = handshake.receive(&mut input)? {
            break accepted.connection;
        }
        let until = handshake.deadline().map(|deadline| clock.to_std(deadline.at));
        ensure!(drive_smol::step(&mut socket, Some(&mut input), None, until).await? > 0, "the server has hung up");
    };

    println!("compression: {}", ws.deflate_parameters().is_some());
    let (mut waiting, mut is_clean) = (messages.len(), false);
    messages.into_iter().try_for_each(|message| ws.send(message))?;
    let driven = drive_smol::drive(socket, input, ws, |ws, event| {
        match event {
            Event::Text(text) => {
                println!("{text}");
                waiting = waiting.saturating_sub(1);
            }
            Event::Closed(closed) => {
                println!("closed: {closed}");
                is_clean = closed.is_clean();
            }
            _ => {}
        }
        if waiting == 0 && ws.can_send() { ws.close(CloseCode::NORMAL) } else { Ok(()) }
    });
    driven.await?;
    ensure!(is_clean, "the connection did not end with Close frames");
    Ok(())
}
