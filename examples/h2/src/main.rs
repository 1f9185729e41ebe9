//! An echo server over HTTP/2 and TLS (RFC 8441): `cargo run`, then open <https://127.0.0.1:9001/>. The certificate is made
//! at the start, so a browser warns of it.
//!
//! Options: the address, and after how many seconds a silent peer is given up.

use h2::ext::Protocol;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{ServerConfig, pki_types::PrivateKeyDer};
use ws_proto::bytes::{Buf, Bytes};
use ws_proto::handshake::server::{Answer, Request, Response};
use ws_proto::{Config, Connection, DeflateConfig, Event, Input};

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result {
    let mut args = std::env::args().skip(1);
    let addr = args.next().unwrap_or_else(|| "127.0.0.1:9001".into());
    let patience = Duration::from_secs(args.next().map_or(Ok(60), |seconds| seconds.parse())?);
    let acceptor = acceptor()?;
    let listener = TcpListener::bind(addr).await?;
    println!("listening on wss://{}", listener.local_addr()?);
    tokio::task::LocalSet::new()
        .run_until(async move {
            loop {
                let Ok((socket, peer)) = listener.accept().await else {
                    tokio::time::sleep(Duration::from_millis(50)).await; // out of file descriptors, most likely
                    continue;
                };
                let acceptor = acceptor.clone();
                tokio::task::spawn_local(async move {
                    if let Err(error) = serve(socket, &acceptor, patience).await {
                        eprintln!("{peer}: {error}");
                    }
                });
            }
        })
        .await
}

fn acceptor() -> Result<TlsAcceptor> {
    let made = rcgen::generate_simple_self_signed(["localhost".into(), "127.0.0.1".into()])?;
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![made.cert.into()], key)?;
    // A client that speaks only HTTP/1.1 is refused by TLS.
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Serves one connection of HTTP/2, with any number of streams.
async fn serve(socket: TcpStream, acceptor: &TlsAcceptor, patience: Duration) -> Result {
    socket.set_nodelay(true)?;
    let tls = timeout(patience, acceptor.accept(socket)).await??;
    let mut http = h2::server::Builder::new();
    // RFC 8441 §3: without this setting no client sends an extended CONNECT.
    http.enable_connect_protocol().initial_window_size(1 << 20).initial_connection_window_size(4 << 20);
    http.max_concurrent_streams(100);
    let mut http = timeout(patience, http.handshake::<_, Bytes>(tls)).await??;
    let open = Rc::new(());
    loop {
        let (request, respond) = match timeout(patience, http.accept()).await {
            Ok(Some(stream)) => stream?,
            Ok(None) => return Ok(()),
            Err(_) if Rc::strong_count(&open) == 1 => return Ok(()), // no stream, and none comes
            Err(_) => continue,
        };
        let open = open.clone();
        tokio::task::spawn_local(async move {
            if let Err(error) = answer(request, respond, patience).await {
                eprintln!("stream: {error}");
            }
            drop(open);
        });
    }
}

async fn answer(request: http::Request<RecvStream>, mut respond: SendResponse<Bytes>, patience: Duration) -> Result {
    let protocol = request.extensions().get::<Protocol>().map(Protocol::as_str);
    let config = Config::new().deflate(DeflateConfig::new());
    let (response, ws) = match Request::from_http(&request, protocol, &config) {
        Ok(opening) => opening.accept_as_http(Answer::new())?,
        Err(rejection) => {
            let response = match rejection.request() {
                Some(head) if request.method() == "GET" && head.path() == "/" => {
                    Response::new(200)?.with_body("text/html; charset=utf-8", include_str!("../../echo_server.html"))?
                }
                _ => rejection.response(),
            };
            let (head, body) = http::Response::<Bytes>::from(response).into_parts();
            let mut sender = respond.send_response(http::Response::from_parts(head, ()), body.is_empty())?;
            if !body.is_empty() {
                sender.send_data(body, true)?;
            }
            return Ok(());
        }
    };
    println!("{:?} {}, :protocol {}", request.version(), request.method(), protocol.unwrap_or("none"));
    let sender = respond.send_response(response, false)?;
    Stream { receiver: request.into_body(), sender, patience }.echo(ws).await
}

/// A stream of HTTP/2 whose DATA frames are the bytes of a WebSocket (RFC 8441 §5).
struct Stream {
    receiver: RecvStream,
    sender: SendStream<Bytes>,
    patience: Duration,
}

impl Stream {
    async fn echo(mut self, mut ws: Connection) -> Result {
        let (mut input, patience, mut is_reset) = (Input::new(), self.patience, false);
        loop {
            while let Some(event) = ws.receive(&mut input) {
                match event {
                    Event::Text(text) => ws.send_text(&text)?,
                    Event::Binary(data) => ws.send(data.into_message())?,
                    Event::Closed(closed) => println!("closed: {closed}"),
                    _ => {}
                }
            }
            if is_reset {
                return Ok(());
            }
            let want = ws.interest();
            if want.hang_up {
                return Ok(self.hang_up().await?);
            }
            let step =
                async { if want.write { self.write(&mut ws).await } else { self.read(&mut ws, &mut input).await } };
            match timeout(patience, step).await {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => println!("reset: {error}"),
                Err(_) => {
                    // RFC 8441 §5: what a reset is to TCP.
                    self.sender.send_reset(Reason::CANCEL);
                    println!("given up");
                }
            }
            is_reset = true;
            ws.receive_eof();
        }
    }

    /// Reads what has come in a DATA frame.
    async fn read(&mut self, ws: &mut Connection, input: &mut Input) -> Result<(), h2::Error> {
        match self.receiver.data().await {
            Some(data) => {
                let data = data?;
                self.receiver.flow_control().release_capacity(data.len())?;
                input.put(data);
            }
            // RFC 8441 §5: END_STREAM is what the orderly end is to TCP.
            None => ws.receive_eof(),
        }
        Ok(())
    }

    /// Writes as much as the peer's window has room for.
    async fn write(&mut self, ws: &mut Connection) -> Result<(), h2::Error> {
        self.sender.reserve_capacity(ws.buffered());
        while self.sender.capacity() == 0 {
            poll_fn(|context| self.sender.poll_capacity(context)).await.unwrap_or(Err(Reason::CANCEL.into()))?;
        }
        let size = self.sender.capacity().min(ws.buffered());
        self.sender.send_data(ws.output().copy_to_bytes(size), false)
    }

    /// Sends END_STREAM, and waits a moment for that of the client. To drop the stream resets it.
    async fn hang_up(mut self) -> Result<(), h2::Error> {
        self.sender.send_data(Bytes::new(), true)?;
        let linger = async {
            while let Some(Ok(data)) = self.receiver.data().await {
                let _ = self.receiver.flow_control().release_capacity(data.len());
            }
        };
        let _ = timeout(Duration::from_secs(1), linger).await;
        Ok(())
    }
}
