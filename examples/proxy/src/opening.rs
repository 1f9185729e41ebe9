//! The two handshakes: the client's request, and the server's answer to it. Where one does not lead on, there is a response to
//! write to the client.

use crate::{Proxy, headers, wire::Wire, wire::wake};
use anyhow::Result;
use std::{fmt::Display, io, net::IpAddr};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout_at;
use ws_proto::bytes::Bytes;
use ws_proto::handshake::client::{self, Accepted, Error, Flaw};
use ws_proto::handshake::server::{self, Response};
use ws_proto::handshake::{BuildError, WebSocketUri};
use ws_proto::{Clock, Config, Seed};

/// Reads a client's request.
pub async fn accept(wire: &mut Wire, config: &Config, clock: Clock) -> io::Result<Result<server::Request, Response>> {
    let mut handshake = server::Handshake::new(config);
    handshake.handle_timeout(clock.now());
    loop {
        match handshake.receive(&mut wire.input) {
            Ok(Some(request)) => return Ok(Ok(request)),
            Ok(None) => {}
            Err(rejection) => return Ok(Err(rejection.response())),
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
) -> Result<Result<(Wire, Accepted), Response>> {
    let upstream = &proxy.options.upstream;
    // `Host` is what the URI says, wherever the connection leads.
    let host = if proxy.options.keep_host { from.host() } else { upstream.authority() };
    let query = from.query().map_or(String::new(), |query| format!("?{query}"));
    let request = match format!("ws://{host}{}{query}", from.path()).parse::<WebSocketUri>() {
        Ok(uri) => headers::request(from, uri, peer)?,
        Err(error) => return Ok(Err(response(400, error)?)),
    };
    let mut handshake = client::Handshake::new(&request, Seed::random()?, &proxy.to_upstream);
    handshake.handle_timeout(clock.now());

    let deadline = wake(handshake.deadline(), clock);
    let connecting = async {
        let mut wire = Wire::new(TcpStream::connect(upstream.host_and_port()).await?)?;
        wire.socket.write_all_buf(handshake.output()).await?;
        io::Result::Ok(wire)
    };
    let mut wire = match timeout_at(deadline, connecting).await {
        Ok(Ok(wire)) => wire,
        Ok(Err(error)) => return Ok(Err(response(502, error)?)),
        Err(_) => return Ok(Err(response(504, Flaw::TimedOut)?)),
    };
    loop {
        match handshake.receive(&mut wire.input) {
            Ok(Some(accepted)) => return Ok(Ok((wire, accepted))),
            Ok(None) => {}
            Err(Error::Declined(declined)) => {
                let body = receive_body(&mut handshake, &mut wire, clock).await;
                return Ok(Err(headers::refusal(&declined, body)?));
            }
            Err(Error::Invalid(Flaw::TimedOut)) => return Ok(Err(response(504, Flaw::TimedOut)?)),
            Err(error) => return Ok(Err(response(502, error)?)),
        }
        if let Err(error) = read(&mut handshake, &mut wire, clock).await {
            return Ok(Err(response(502, error)?));
        }
    }
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

/// A response of the proxy's own, which says what is wrong.
fn response(status: u16, reason: impl Display) -> Result<Response, BuildError> {
    Response::new(status)?.with_body("text/plain; charset=utf-8", format!("{reason}\n"))
}
