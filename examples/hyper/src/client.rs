//! A client on hyper: `cargo run --bin hyper_client ws://127.0.0.1:9001/ hello "and good bye"` sends each word and prints
//! what comes back.

use clap::Parser;
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use ws_proto::handshake::client::{Exchange, Request};
use ws_proto::{CloseCode, Config, DeflateConfig, Event, Seed};

/// Sends each message to a server, and prints what comes back.
#[derive(Parser)]
struct Options {
    uri: ws_proto::handshake::WebSocketUri,
    messages: Vec<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let Options { uri, messages } = Options::parse();
    let request = Request::new(uri);
    let config = Config::new().deflate(DeflateConfig::new());
    let exchange = Exchange::upgrade(&request, Seed::random()?, &config);

    let socket = tokio::net::TcpStream::connect(request.uri().host_and_port()).await?;
    socket.set_nodelay(true)?;
    let (mut sender, http) = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await?;
    tokio::spawn(http.with_upgrades());
    let response = sender.send_request(exchange.to_http()?.map(|()| Empty::<Bytes>::new())).await?;
    let mut ws = exchange.finish_http(&response)?.connection;
    let stream = TokioIo::new(hyper::upgrade::on(response).await?);

    println!("compression: {}", ws.deflate_parameters().is_some());
    let mut waiting = messages.len();
    for message in messages {
        ws.send(message)?;
    }
    if waiting == 0 {
        ws.close(CloseCode::NORMAL)?;
    }
    let mut is_clean = false;
    drive::drive(stream, ws, |ws, event| {
        match event {
            Event::Text(text) => println!("{text}"),
            Event::Binary(data) => println!("{} bytes", data.len()),
            Event::Closed(closed) => {
                println!("closed: {closed}");
                is_clean = closed.is_clean();
                return Ok(());
            }
            _ => return Ok(()),
        }
        waiting = waiting.saturating_sub(1);
        if waiting == 0 && ws.can_send() { ws.close(CloseCode::NORMAL) } else { Ok(()) }
    })
    .await?;
    anyhow::ensure!(is_clean, "the connection did not end with Close frames");
    Ok(())
}
