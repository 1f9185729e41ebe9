//! A client over TLS: `cargo run --bin rustls_client -- --ca ca.pem wss://localhost:9001/ hello "and good bye"` sends each
//! word and prints what comes back.

use anyhow::{Context, Result, ensure};
use clap::Parser;
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio_rustls::{TlsConnector, rustls::ClientConfig, rustls::RootCertStore};
use ws_proto::handshake::client::{Handshake, Request};
use ws_proto::{CloseCode, Config, DeflateConfig, Event, Input, Seed};

/// Sends each message to a server over TLS, and prints what comes back.
#[derive(Parser)]
struct Options {
    #[arg(long, help = "The root certificate to trust, in PEM")]
    ca: PathBuf,
    #[arg(value_name = "URI")]
    request: Request,
    #[arg(required = true)]
    messages: Vec<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Options { ca, request, messages } = Options::parse();
    ensure!(request.uri().is_secure(), "this is a client for wss://");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).context("--ca")?)?;
    let mut tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()]; // a server that speaks only HTTP/2 refuses it
    let config = Config::new().deflate(DeflateConfig::new());
    let (mut input, mut handshake) = (Input::new(), Handshake::new(&request, Seed::random()?, &config));
    let opening = async {
        // An IPv6 address stands in brackets in a URI, and without them in a certificate.
        let name = ServerName::try_from(request.uri().host().trim_matches(['[', ']']).to_owned())?;
        let socket = TcpStream::connect(request.uri().host_and_port()).await?;
        socket.set_nodelay(true)?;
        let mut stream = TlsConnector::from(Arc::new(tls)).connect(name, socket).await.context("TLS")?;
        stream.write_all_buf(handshake.output()).await?;
        stream.flush().await?;
        loop {
            if let Some(accepted) = handshake.receive(&mut input)? {
                return anyhow::Ok((stream, accepted.connection));
            }
            ensure!(stream.read_buf(&mut input.room()).await? > 0, "the server hung up during the handshake");
        }
    };
    let (stream, mut ws) =
        timeout(Duration::from_secs(10), opening).await.context("the handshakes took too long")??;
    println!("compression: {}", ws.deflate_parameters().is_some());
    let (mut waiting, mut is_clean) = (messages.len(), false);
    messages.into_iter().try_for_each(|message| ws.send(message))?;
    drive::go_on(stream, input, ws, |ws, event| {
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
    })
    .await?;
    ensure!(is_clean, "the connection did not end with Close frames");
    Ok(())
}
