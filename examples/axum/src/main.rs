//! A WebSocket handler on axum: `cargo run`, then connect to <ws://127.0.0.1:9001/echo>.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Router, body::Body, routing::get};
use hyper_util::rt::TokioIo;
use ws_proto::handshake::OriginPolicy;
use ws_proto::handshake::server::{self, Answer};
use ws_proto::{Config, Connection, DeflateConfig, Event, SendError};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind(drive::address("An echo server on axum")).await?;
    println!("listening on ws://{}/echo", listener.local_addr()?);
    Ok(axum::serve(listener, Router::new().route("/echo", get(echo))).await?)
}

async fn echo(request: Request) -> Response {
    open(request, |ws, event| match event {
        Event::Text(text) => ws.send_text(&text),
        Event::Binary(data) => ws.send(data.into_message()),
        _ => Ok(()),
    })
}

/// Opens a WebSocket, and calls `on_event` for what comes: the response that accepts the request, or one that refuses it.
fn open(
    mut request: Request,
    on_event: impl FnMut(&mut Connection, Event<'_>) -> Result<(), SendError> + Send + 'static,
) -> Response {
    let opening = match server::Request::from_http(&request, None, &Config::new().deflate(DeflateConfig::new())) {
        Ok(opening) => opening,
        Err(rejection) => return refuse(rejection.response()),
    };
    // RFC 6455 §10.2: pages of this server, and programs that are no browser.
    if let Err(forbidden) = OriginPolicy::new().same_origin().without_origin().check(&opening) {
        return refuse(forbidden);
    }
    let accepted = match opening.choose_subprotocol(&["echo.v2", "echo.v1"]) {
        Some(name) => Answer::new().subprotocol(name).and_then(|answer| opening.accept_as_http(answer)),
        None => opening.accept_as_http(Answer::new()),
    };
    let Ok((response, ws)) = accepted else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        if let Ok(stream) = upgrade.await {
            drive::drive(TokioIo::new(stream), ws, on_event).await.unwrap_or_else(|error| eprintln!("{error}"));
        }
    });
    response.map(|()| Body::empty())
}

fn refuse(response: server::Response) -> Response {
    axum::http::Response::from(response).map(Body::from)
}
