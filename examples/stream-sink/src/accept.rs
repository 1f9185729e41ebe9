//! The server's side of the handshake.

use crate::error::Error;
use crate::opening::{Time, config_of};
use crate::websocket::WebSocketStream;
use futures_util::SinkExt;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use ws_proto::handshake::server::{Answer, Handshake, Request, Response};
use ws_proto::{Config, Input};

/// Accepts a WebSocket on a stream. The configuration is the default with the deadlines of [`Keepalive::new`](ws_proto::Keepalive::new).
///
/// # Errors
/// [`Error::Rejected`] if the client asks for something else; it has been answered then. [`Error::Io`].
pub async fn accept_async<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> Result<WebSocketStream<S>, Error> {
    accept_async_with_config(stream, None).await
}

/// [`accept_async`] with a configuration.
///
/// # Errors
/// Those of [`accept_async`].
pub async fn accept_async_with_config<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    config: Option<Config>,
) -> Result<WebSocketStream<S>, Error> {
    accept_hdr_async_with_config(stream, |_: &Request, answer| Ok(answer), config).await
}

/// [`accept_async`] with a callback that looks at the request, and adds to the answer or refuses.
///
/// # Errors
/// Those of [`accept_async`], and [`Error::Refused`].
pub async fn accept_hdr_async<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    callback: impl FnOnce(&Request, Answer) -> Result<Answer, Response>,
) -> Result<WebSocketStream<S>, Error> {
    accept_hdr_async_with_config(stream, callback, None).await
}

/// [`accept_hdr_async`] with a configuration.
///
/// # Errors
/// Those of [`accept_hdr_async`].
pub async fn accept_hdr_async_with_config<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    callback: impl FnOnce(&Request, Answer) -> Result<Answer, Response>,
    config: Option<Config>,
) -> Result<WebSocketStream<S>, Error> {
    let (time, mut input) = (Time::new(), Input::new());
    let mut handshake = Handshake::new(&config_of(config));
    let request = loop {
        match handshake.receive(&mut input) {
            Ok(Some(request)) => break request,
            Ok(None) => {}
            Err(rejection) => {
                refuse(&mut stream, &rejection.response()).await;
                return Err(rejection.into());
            }
        }
        handshake.handle_timeout(time.now());
        time.read(&mut stream, &mut input, handshake.deadline()).await?;
        handshake.handle_timeout(time.now());
    };
    let answer = match callback(&request, Answer::new()) {
        Ok(answer) => answer,
        Err(response) => {
            refuse(&mut stream, &response).await;
            return Err(Error::Refused(response.status()));
        }
    };
    let mut ws = WebSocketStream::new(stream, request.accept(answer)?, input);
    ws.flush().await?; // the 101
    Ok(ws)
}

/// Answers a request that is refused, and reads on for a moment: a socket that is closed with unread bytes in it resets the
/// connection, and the client may never see the answer.
async fn refuse(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), response: &Response) {
    let mut rest = [0; 4096];
    let answer = async {
        stream.write_all(&response.to_bytes()).await?;
        stream.shutdown().await?;
        while stream.read(&mut rest).await? > 0 {}
        Ok::<(), io::Error>(())
    };
    let _ = timeout(Duration::from_secs(1), answer).await;
}
