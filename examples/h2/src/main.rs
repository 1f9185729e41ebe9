//! An echo server over HTTP/2 and TLS (RFC 8441): `cargo run`, then open <https://127.0.0.1:9001/>. The certificate is made
//! at the start, so a browser warns of it.

mod stream;

use anyhow::Result;
use clap::Parser;
use h2::ext::Protocol;
use h2::{RecvStream, server::SendResponse};
use std::{sync::Arc, time::Duration};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{ServerConfig, pki_types::PrivateKeyDer};
use ws_proto::bytes::Bytes;
use ws_proto::handshake::server::{Answer, Request, Response};
use ws_proto::{Config, DeflateConfig};

/// An echo server over HTTP/2 and TLS, with a page.
#[derive(Parser)]
struct Options {
    #[arg(default_value = "127.0.0.1:9001")]
    addr: String,
    /// After how many seconds a silent peer is given up.
    #[arg(long, default_value_t = 60)]
    patience: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Options { addr, patience } = Options::parse();
    let acceptor = acceptor()?;
    let listener = TcpListener::bind(addr).await?;
    println!("listening on wss://{}", listener.local_addr()?);
    loop {
        let Ok((socket, peer)) = listener.accept().await else {
            sleep(Duration::from_millis(50)).await; // out of file descriptors, most likely
            continue;
        };
        let served = serve(socket, acceptor.clone(), Duration::from_secs(patience));
        tokio::spawn(async move { served.await.unwrap_or_else(|error| eprintln!("{peer}: {error}")) });
    }
}

fn acceptor() -> Result<TlsAcceptor> {
    let made = rcgen::generate_simple_self_signed(["localhost".into(), "127.0.0.1".into()])?;
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![made.cert.into()], key)?;
    config.alpn_protocols = vec![b"h2".to_vec()]; // a client that speaks only HTTP/1.1 is refused by TLS
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Serves one connection of HTTP/2, with any number of streams.
async fn serve(socket: TcpStream, acceptor: TlsAcceptor, patience: Duration) -> Result<()> {
    socket.set_nodelay(true)?;
    let tls = timeout(patience, acceptor.accept(socket)).await??;
    let mut http = h2::server::Builder::new();
    // RFC 8441 §3: without this setting no client sends an extended CONNECT.
    http.enable_connect_protocol().initial_window_size(1 << 20).initial_connection_window_size(4 << 20);
    http.max_concurrent_streams(100);
    let mut http = timeout(patience, http.handshake::<_, Bytes>(tls)).await??;
    let open = Arc::new(());
    loop {
        let (request, respond) = match timeout(patience, http.accept()).await {
            Ok(Some(stream)) => stream?,
            Ok(None) => return Ok(()),
            Err(_) if Arc::strong_count(&open) == 1 => return Ok(()), // no stream, and none comes
            Err(_) => continue,
        };
        let (answered, open) = (answer(request, respond, patience), open.clone());
        tokio::spawn(async move {
            answered.await.unwrap_or_else(|error| eprintln!("stream: {error}"));
            drop(open);
        });
    }
}

async fn answer(
    request: http::Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    patience: Duration,
) -> Result<()> {
    let protocol = request.extensions().get::<Protocol>().map(Protocol::as_str);
    let (response, ws) = match Request::from_http(&request, protocol, &Config::new().deflate(DeflateConfig::new())) {
        Ok(opening) => opening.accept_as_http(Answer::new())?,
        Err(rejection) => {
            let response = match rejection.request() {
                Some(head) if request.method() == "GET" && head.path() == "/" => {
                    Response::new(200)?.with_body("text/html; charset=utf-8", include_str!("../../echo_server.html"))?
                }
                _ => rejection.response(),
            };
            let (head, body) = http::Response::<Bytes>::from(response).into_parts();
            let mut sender = respond.send_response(http::Response::from_parts(head, ()), false)?;
            return Ok(sender.send_data(body, true)?);
        }
    };
    println!("{:?} {}, :protocol {}", request.version(), request.method(), protocol.unwrap_or("none"));
    let sender = respond.send_response(response, false)?;
    stream::Stream { receiver: request.into_body(), sender }.echo(ws, patience).await
}
