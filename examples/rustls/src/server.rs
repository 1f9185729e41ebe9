//! An echo server over TLS: `cargo run --bin rustls_server -- --cert cert.pem --key key.pem`.
//!
//! The protocol does not see TLS, which is one more stream of tokio's: `drive` flushes it, and ends it with a close_notify.
//! A peer's stream that is cut (RFC 8446 §6.1) has ended: without Close frames the code is 1006 either way.

use anyhow::{Context, Result, bail};
use clap::Parser;
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};
use ws_proto::handshake::server::{Answer, Handshake};
use ws_proto::{Config, DeflateConfig, Event, Input};

/// An echo server over TLS.
#[derive(Parser)]
struct Options {
    #[arg(default_value = "127.0.0.1:9001")]
    addr: String,
    #[arg(long, help = "The certificate, and those between it and its root, in PEM")]
    cert: PathBuf,
    #[arg(long, help = "The key of the certificate, in PEM")]
    key: PathBuf,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Options { addr, cert, key } = Options::parse();
    let chain = CertificateDer::pem_file_iter(cert).and_then(Iterator::collect).context("--cert")?;
    let key = PrivateKeyDer::from_pem_file(key).context("--key")?;
    let mut tls = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
    tls.alpn_protocols = vec![b"http/1.1".to_vec()]; // a client that speaks only HTTP/2 is refused by TLS
    let (acceptor, listener) = (TlsAcceptor::from(Arc::new(tls)), TcpListener::bind(addr).await?);
    println!("listening on wss://{}", listener.local_addr()?);
    loop {
        let Ok((socket, peer)) = listener.accept().await else {
            sleep(Duration::from_millis(50)).await; // out of file descriptors, most likely
            continue;
        };
        let served = serve(socket, acceptor.clone());
        tokio::spawn(async move { served.await.unwrap_or_else(|error| eprintln!("{peer}: {error:#}")) });
    }
}

async fn serve(socket: TcpStream, acceptor: TlsAcceptor) -> Result<()> {
    socket.set_nodelay(true)?;
    let (mut input, mut handshake) = (Input::new(), Handshake::new(&Config::new().deflate(DeflateConfig::new())));
    let opening = async {
        let mut stream = acceptor.accept(socket).await.context("TLS")?;
        loop {
            match handshake.receive(&mut input) {
                Ok(Some(request)) => return anyhow::Ok((stream, request.accept(Answer::new())?)),
                Ok(None) if stream.read_buf(&mut input.room()).await? == 0 => bail!("there is no request"),
                Ok(None) => {}
                Err(rejection) => {
                    stream.write_all(&rejection.response().to_bytes()).await?;
                    stream.shutdown().await?;
                    return Err(rejection.into());
                }
            }
        }
    };
    // The handshakes of TLS and of the WebSocket have one deadline.
    let (stream, ws) = timeout(Duration::from_secs(10), opening).await.context("the handshakes took too long")??;
    drive::go_on(stream, input, ws, |ws, event| match event {
        Event::Text(text) => ws.send(text.into_message()),
        Event::Binary(data) => ws.send(data.into_message()),
        Event::Closed(closed) => {
            println!("closed: {closed}");
            Ok(())
        }
        _ => Ok(()),
    })
    .await
    .context("the echo")
}
