//! An echo server on hyper, which also serves a page: `cargo run --bin hyper_server`, then open <http://127.0.0.1:9001/>.

use http_body_util::Full;
use hyper::{body::Bytes, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use ws_proto::handshake::BuildError;
use ws_proto::handshake::server::{Answer, Reason, Rejection, Request, Response};
use ws_proto::{Config, Connection, DeflateConfig, Event, SendError};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind(drive::address("An echo server on hyper, with a page")).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    loop {
        let Ok((socket, peer)) = listener.accept().await else {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await; // out of file descriptors, most likely
            continue;
        };
        let _ = socket.set_nodelay(true);
        let mut http = http1::Builder::new();
        let served = http.timer(TokioTimer::new()).serve_connection(TokioIo::new(socket), service_fn(answer));
        tokio::spawn(async move { served.with_upgrades().await.unwrap_or_else(|error| eprintln!("{peer}: {error}")) });
    }
}

async fn answer(request: hyper::Request<Incoming>) -> Result<hyper::Response<Full<Bytes>>, BuildError> {
    let config = Config::new().deflate(DeflateConfig::new());
    let (response, ws) = match Request::from_http(&request, None, &config) {
        Ok(accepted) => accepted.accept_as_http(Answer::new())?,
        Err(rejection) => return Ok(hyper::Response::from(refuse(&rejection)?).map(Full::new)),
    };
    tokio::spawn(async move {
        if let Ok(stream) = hyper::upgrade::on(request).await {
            drive::drive(TokioIo::new(stream), ws, echo).await.unwrap_or_else(|error| eprintln!("{error}"));
        }
    });
    Ok(response.map(|()| Full::default()))
}

/// A page for a browser, and the response that is due for everybody else.
fn refuse(rejection: &Rejection) -> Result<Response, BuildError> {
    match (rejection.reason(), rejection.request()) {
        (Reason::NoUpgrade, Some(head)) if head.path() == "/" => {
            Response::new(200)?.with_body("text/html; charset=utf-8", include_str!("../../echo_server.html"))
        }
        _ => Ok(rejection.response()),
    }
}

fn echo(ws: &mut Connection, event: Event<'_>) -> Result<(), SendError> {
    match event {
        Event::Text(text) => ws.send(text.into_message()),
        Event::Binary(data) => ws.send(data.into_message()),
        _ => Ok(()),
    }
}
