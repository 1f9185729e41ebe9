//! An echo server on tokio: `cargo run --example echo_server`, then open the address it prints in a browser.
//!
//! It keeps no time, so that it stays short: a server on the open network puts a deadline around each read and write.

use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use ws_proto::bytes::Buf;
use ws_proto::handshake::server::{Answer, Handshake, Reason, Rejection, Request, RequestHead, Response};
use ws_proto::{Config, Connection, DeflateConfig, Event, Input, Output};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

#[derive(Clone)]
struct Options {
    addr: String,
    subprotocols: Vec<String>,
    config: Config,
}

const HELP: &str = "\
usage: echo_server [--addr 127.0.0.1:9001] [--subprotocol NAME]... [--max-message BYTES] [--deflate]

  --subprotocol  answers with the first of a client's list that is among these
  --max-message  fails larger ones with 1009
  --deflate      compresses with whoever offers it";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    if let Err(error) = run().await {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

async fn run() -> Result {
    let Some(options) = Options::from_args()? else {
        println!("{HELP}");
        return Ok(());
    };
    let listener = TcpListener::bind(&options.addr).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    println!("open http://{}/ in a browser", listener.local_addr()?);
    let local = tokio::task::LocalSet::new();
    local.run_until(accept_all(listener, options)).await;
    Ok(())
}

async fn accept_all(listener: TcpListener, options: Options) {
    loop {
        match listener.accept().await {
            Ok((socket, peer)) => {
                let options = options.clone();
                tokio::task::spawn_local(async move {
                    if let Err(error) = serve(socket, &options).await {
                        eprintln!("{peer}: {error}");
                    }
                });
            }
            // Out of file descriptors, most likely; some are given back in a moment.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn serve(mut socket: TcpStream, options: &Options) -> Result {
    socket.set_nodelay(true)?;
    let mut input = Input::new();
    let mut handshake = Handshake::new(&options.config);
    let request = loop {
        match handshake.receive(&mut input) {
            Ok(Some(request)) => break request,
            Ok(None) if socket.read_buf(&mut input.room()).await? == 0 => return Ok(()),
            Ok(None) => {}
            Err(rejection) => {
                socket.write_all(&answer_to(&rejection)?.to_bytes()).await?;
                return hang_up(socket).await;
            }
        }
    };
    let mut ws = accept(&request, options)?;
    loop {
        while let Some(event) = ws.receive(&mut input) {
            match event {
                Event::Text(text) => ws.send_text(&text)?,
                Event::Binary(data) => ws.send_binary(&data)?,
                Event::Closed(_) => {
                    // The peer may be gone already, and then nothing is lost.
                    let _ = finish(socket, &mut ws).await;
                    return Ok(());
                }
                _ => {}
            }
        }
        while ws.interest().write {
            if write_some(&mut socket, ws.output()).await.is_err() {
                // What the peer has sent before it went may still be read.
                break;
            }
        }
        // A reset is the end of the stream, too.
        if !matches!(socket.read_buf(&mut input.room()).await, Ok(1..)) {
            ws.receive_eof();
        }
    }
}

/// Writes what is left after the last event, and hangs up.
async fn finish(mut socket: TcpStream, ws: &mut Connection) -> Result {
    while ws.interest().write {
        write_some(&mut socket, ws.output()).await?;
    }
    hang_up(socket).await
}

/// One write for all that waits. Vectored writing serves large payloads that were given away; where there is but one slice,
/// a plain write costs the kernel less.
async fn write_some(socket: &mut TcpStream, output: &mut Output) -> std::io::Result<()> {
    if output.chunk().len() < output.remaining() {
        socket.write_buf(output).await?;
    } else {
        let written = socket.write(output.chunk()).await?;
        output.advance(written);
    }
    Ok(())
}

fn accept(request: &Request, options: &Options) -> Result<Connection> {
    let mut answer = Answer::new();
    if let Some(name) = request.choose_subprotocol(&options.subprotocols) {
        answer = answer.subprotocol(name)?;
    }
    Ok(request.accept(answer)?)
}

/// A page for whoever comes with a browser, the answer that is due for everybody else.
fn answer_to(rejection: &Rejection) -> Result<Response> {
    let path = rejection.request().map(RequestHead::path);
    Ok(match (rejection.reason(), path) {
        (Reason::NoUpgrade, Some("/")) => {
            Response::new(200)?.with_body("text/html; charset=utf-8", include_str!("echo_server.html"))?
        }
        (Reason::NoUpgrade, Some(_)) => Response::new(404)?.with_body("text/plain", "The page is at /.\n")?,
        _ => rejection.response(),
    })
}

/// Closes without cutting off what was written last: a socket closed with unread bytes would reset the connection.
async fn hang_up(mut socket: TcpStream) -> Result {
    socket.shutdown().await?;
    let mut rest = [0; 16 << 10];
    let drain = async { while socket.read(&mut rest).await.is_ok_and(|count| count > 0) {} };
    let _ = tokio::time::timeout(Duration::from_secs(1), drain).await;
    Ok(())
}

impl Options {
    /// `None` if help is asked for.
    fn from_args() -> Result<Option<Self>> {
        let mut options = Self { addr: "127.0.0.1:9001".into(), subprotocols: Vec::new(), config: Config::new() };
        let mut args = std::env::args().skip(1);
        while let Some(option) = args.next() {
            if option == "--deflate" {
                options.config = options.config.deflate(DeflateConfig::new());
                continue;
            }
            if option == "--help" {
                return Ok(None);
            }
            let value = args.next().ok_or_else(|| format!("{option} needs a value"))?;
            match option.as_str() {
                "--addr" => options.addr = value,
                "--subprotocol" => options.subprotocols.push(value),
                "--max-message" => {
                    let bytes = value.parse()?;
                    // An echo has to fit the output, beside what else waits there.
                    let buffered = usize::try_from(bytes)?.saturating_mul(2).max(128 << 20);
                    options.config = options.config.max_message(bytes).max_buffered(buffered);
                }
                _ => return Err(format!("unknown option {option}").into()),
            }
        }
        Ok(Some(options))
    }
}
