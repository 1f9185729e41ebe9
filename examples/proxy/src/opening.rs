//! The two handshakes: the client's request, and the server's answer to it.

use crate::{Proxy, headers, wire::Wire, wire::wake};
use anyhow::Error;
use std::{io, net::IpAddr};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout_at;
use ws_proto::bytes::Bytes;
use ws_proto::handshake::client::{self, Accepted, Declined, Flaw};
use ws_proto::handshake::server::{self, Answer, Rejection, Response};
use ws_proto::handshake::{BuildError, WebSocketUri};
use ws_proto::{Clock, Config, Seed};

/// Why there is no connection to the server.
pub enum Unreached {
    /// The client asks for what cannot be asked for.
    Request(Error),
    /// The server declines, with this body.
    Declined(Declined, Bytes),
    TimedOut,
    /// The server cannot be reached, or its answer is not valid.
    Failed(Error),
}

impl Unreached {
    /// What the client is answered.
    pub fn response(self) -> Result<Response, BuildError> {
        let (status, reason) = match self {
            Self::Request(error) => (400, error.to_string()),
            Self::Declined(declined, body) => return headers::refusal(&declined, body),
            Self::TimedOut => (504, Flaw::TimedOut.to_string()),
            Self::Failed(error) => (502, error.to_string()),
        };
        Response::new(status)?.with_body("text/plain; charset=utf-8", reason + "\n")
    }
}

impl From<io::Error> for Unreached {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Reads a client's request.
pub async fn accept(wire: &mut Wire, config: &Config, clock: Clock) -> io::Result<Result<server::Request, Rejection>> {
    let mut handshake = server::Handshake::new(config);
    handshake.handle_timeout(clock.now());
    loop {
        if let Some(opened) = handshake.receive(&mut wire.input).transpose() {
            return Ok(opened);
        }
        match wire.read(handshake.deadline(), clock).await? {
            Some(1..) => {}
            Some(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            None => handshake.handle_timeout(clock.now()),
        }
    }
}

/// Asks the server for what a client has asked for.
pub async fn connect(
    from: &server::Request,
    peer: IpAddr,
    proxy: &Proxy,
    clock: Clock,
) -> Result<(Wire, Accepted, Answer), Unreached> {
    let request = request(from, peer, proxy).map_err(Unreached::Request)?;
    let seed = Seed::random().map_err(|error| Unreached::Failed(error.into()))?;
    let mut handshake = client::Handshake::new(&request, seed, &proxy.to_upstream);
    handshake.handle_timeout(clock.now());
    let deadline = wake(handshake.deadline(), clock);
    let connecting = async {
        let mut wire = Wire::new(TcpStream::connect(proxy.options.upstream.host_and_port()).await?)?;
        wire.socket.write_all_buf(handshake.output()).await?;
        io::Result::Ok(wire)
    };
    let mut wire = timeout_at(deadline, connecting).await.map_err(|_| Unreached::TimedOut)??;
    loop {
        match handshake.receive(&mut wire.input) {
            Ok(Some(accepted)) => {
                let answer = headers::answer(&accepted).map_err(|error| Unreached::Failed(error.into()))?;
                return Ok((wire, accepted, answer));
            }
            Ok(None) => read(&mut handshake, &mut wire, clock).await?,
            Err(client::Error::Declined(declined)) => {
                let body = receive_body(&mut handshake, &mut wire, clock).await;
                return Err(Unreached::Declined(declined, body));
            }
            Err(client::Error::Invalid(Flaw::TimedOut)) => return Err(Unreached::TimedOut),
            Err(error) => return Err(Unreached::Failed(error.into())),
        }
    }
}

/// The same request, to the server. Its `Host` is what the URI says, wherever the connection leads.
fn request(from: &server::Request, peer: IpAddr, proxy: &Proxy) -> anyhow::Result<client::Request> {
    let host = if proxy.options.keep_host { from.host() } else { proxy.options.upstream.authority() };
    let query = from.query().map_or(String::new(), |query| format!("?{query}"));
    let uri: WebSocketUri = format!("ws://{host}{}{query}", from.path()).parse()?;
    Ok(headers::request(from, uri, peer)?)
}

/// The body of a response that declines: all of it, or what has come before it broke off or became too large.
async fn receive_body(handshake: &mut client::Handshake, wire: &mut Wire, clock: Clock) -> Bytes {
    loop {
        match handshake.receive_body(&mut wire.input) {
            Ok(Some(body)) => return body,
            Ok(None) if read(handshake, wire, clock).await.is_ok() => {}
            Ok(None) | Err(_) => return Bytes::copy_from_slice(handshake.partial_body()),
        }
    }
}

async fn read(handshake: &mut client::Handshake, wire: &mut Wire, clock: Clock) -> io::Result<()> {
    match wire.read(handshake.deadline(), clock).await? {
        Some(1..) => {}
        Some(0) => handshake.receive_eof(),
        None => handshake.handle_timeout(clock.now()),
    }
    Ok(())
}
