//! The client's side of the handshake.

use crate::error::Error;
use crate::opening::{Time, config_of};
use crate::websocket::WebSocketStream;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use ws_proto::handshake::WebSocketUri;
use ws_proto::handshake::client::{Handshake, Request, ResponseHead};
use ws_proto::{Config, Input, Seed};

/// Opens a WebSocket at a URI, or with a request that holds headers and subprotocols. It is `ws` alone: for `wss`, bring TLS
/// and call [`client_async`]. The configuration is the default with the deadlines of [`Keepalive::new`](ws_proto::Keepalive::new).
///
/// # Errors
/// [`Error::Handshake`] with the response of a server that declines; [`Error::Uri`], [`Error::Tls`], [`Error::Io`].
pub async fn connect_async(
    request: impl IntoClientRequest,
) -> Result<(WebSocketStream<TcpStream>, ResponseHead), Error> {
    connect_async_with_config(request, None).await
}

/// [`connect_async`] with a configuration.
///
/// # Errors
/// Those of [`connect_async`].
pub async fn connect_async_with_config(
    request: impl IntoClientRequest,
    config: Option<Config>,
) -> Result<(WebSocketStream<TcpStream>, ResponseHead), Error> {
    let request = request.into_client_request()?;
    if request.uri().is_secure() {
        return Err(Error::Tls);
    }
    let stream = TcpStream::connect(request.uri().host_and_port()).await?;
    // What waits goes out in one write, so nothing is won by a delay.
    stream.set_nodelay(true)?;
    client_async_with_config(request, stream, config).await
}

/// [`connect_async`] on a stream that is there already.
///
/// # Errors
/// Those of [`connect_async`].
pub async fn client_async<S: AsyncRead + AsyncWrite + Unpin>(
    request: impl IntoClientRequest,
    stream: S,
) -> Result<(WebSocketStream<S>, ResponseHead), Error> {
    client_async_with_config(request, stream, None).await
}

/// [`client_async`] with a configuration.
///
/// # Errors
/// Those of [`connect_async`].
pub async fn client_async_with_config<S: AsyncRead + AsyncWrite + Unpin>(
    request: impl IntoClientRequest,
    mut stream: S,
    config: Option<Config>,
) -> Result<(WebSocketStream<S>, ResponseHead), Error> {
    let (time, mut input) = (Time::new(), Input::new());
    let mut handshake = Handshake::new(&request.into_client_request()?, Seed::random()?, &config_of(config));
    stream.write_all_buf(handshake.output()).await?;
    stream.flush().await?;
    loop {
        if let Some(accepted) = handshake.receive(&mut input)? {
            return Ok((WebSocketStream::new(stream, accepted.connection, input), accepted.response));
        }
        handshake.handle_timeout(time.now());
        time.read(&mut stream, &mut input, handshake.deadline()).await?;
        handshake.handle_timeout(time.now());
    }
}

/// What a client can ask for: a URI, or a whole request.
pub trait IntoClientRequest {
    /// The request.
    ///
    /// # Errors
    /// [`Error::Uri`] if a text is no URI of a WebSocket.
    fn into_client_request(self) -> Result<Request, Error>;
}

impl IntoClientRequest for &str {
    fn into_client_request(self) -> Result<Request, Error> {
        Ok(Request::new(self.parse()?))
    }
}

impl IntoClientRequest for String {
    fn into_client_request(self) -> Result<Request, Error> {
        self.as_str().into_client_request()
    }
}

impl IntoClientRequest for WebSocketUri {
    fn into_client_request(self) -> Result<Request, Error> {
        Ok(Request::new(self))
    }
}

impl IntoClientRequest for Request {
    fn into_client_request(self) -> Result<Request, Error> {
        Ok(self)
    }
}
