//! A client: `cargo run --bin stream_sink_client ws://127.0.0.1:9001/ hello "and good bye"` sends each word, while it prints
//! what comes back.

use clap::Parser;
use futures_util::{SinkExt, StreamExt, future};
use stream_sink::{Error, Message, connect_async_with_config};
use ws_proto::{CloseCode, Config, DeflateConfig, Keepalive};

/// Sends each message to a server, and prints what comes back.
#[derive(Parser)]
struct Options {
    /// Where to connect to, by ws://
    uri: ws_proto::handshake::WebSocketUri,
    /// What to send, each as a text
    messages: Vec<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let Options { uri, messages } = Options::parse();
    let config = Config::new().deflate(DeflateConfig::new()).keepalive(Keepalive::new());
    let (ws, _) = connect_async_with_config(uri, Some(config)).await?;
    println!("compression: {}", ws.connection().deflate_parameters().is_some());
    let mut waiting = messages.len();
    let (mut sink, mut stream) = ws.split();
    // Both at once: two ends that only send wait for each other.
    let send = async {
        for message in messages {
            sink.send(message.into()).await?;
        }
        Ok(sink)
    };
    let receive = async {
        while waiting > 0
            && let Some(message) = stream.next().await
        {
            match message? {
                Message::Text(text) => println!("{text}"),
                Message::Binary(data) => println!("{} bytes", data.len()),
                _ => continue,
            }
            waiting -= 1;
        }
        Ok::<_, Error>(stream)
    };
    let (mut sink, mut stream) = future::try_join(send, receive).await?;
    sink.close().await?;
    let mut code = None;
    while let Some(message) = stream.next().await {
        if let Message::Close(Some(frame)) = message? {
            code = frame.code();
        }
    }
    anyhow::ensure!(code == Some(CloseCode::NORMAL), "the connection did not end with 1000");
    println!("closed: {}", CloseCode::NORMAL);
    Ok(())
}
