//! The headers: which are passed on, and which are the proxy's own.

use std::net::IpAddr;
use ws_proto::bytes::Bytes;
use ws_proto::handshake::client::{Accepted, Declined};
use ws_proto::handshake::server::{Answer, Response};
use ws_proto::handshake::{BuildError, Headers, WebSocketUri, client, server};

/// RFC 9110 §7.6.1: these are about one connection, as are those that `Connection` lists. Credentials for a proxy go no
/// farther than to this one (§11.7).
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What the proxy says about the client. A client's own lists are continued, and what it claims beside them is left out.
const FORWARDED: [&str; 4] = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "forwarded"];

/// The request to the server. Origin, cookies and credentials are among what is passed on; extensions are not, which each
/// side negotiates for itself.
pub fn request(from: &server::Request, uri: WebSocketUri, peer: IpAddr) -> Result<client::Request, BuildError> {
    let mut request = client::Request::new(uri);
    from.subprotocols().try_for_each(|name| request.add_subprotocol(name))?;
    for (name, value) in end_to_end(from.headers()).filter(|(name, _)| !is_one_of(name, &FORWARDED)) {
        copied(request.add_header(name, value))?;
    }
    let (peer, host) = (peer.to_canonical(), from.host());
    // RFC 7239 §6: an IPv6 address stands in brackets, and so in quotes.
    let node = if peer.is_ipv6() { format!("\"[{peer}]\"") } else { peer.to_string() };
    let forwarded = format!("for={node};host=\"{host}\";proto=http");
    request.add_header("Forwarded", continued(from, "Forwarded", &forwarded))?;
    request.add_header("X-Forwarded-For", continued(from, "X-Forwarded-For", &peer.to_string()))?;
    request.add_header("X-Forwarded-Host", host)?;
    request.add_header("X-Forwarded-Proto", "http")?;
    request.add_header("Via", "1.1 ws-proto")?; // RFC 9110 §7.6.3
    Ok(request)
}

/// The answer to a client whose request the server has accepted, with the subprotocol that it has chosen.
pub fn answer(accepted: &Accepted) -> Result<Answer, BuildError> {
    let mut answer = Answer::new();
    if let Some(name) = &accepted.subprotocol {
        answer.set_subprotocol(name)?;
    }
    for (name, value) in end_to_end(accepted.response.headers()) {
        copied(answer.add_header(name, value))?;
    }
    Ok(answer)
}

/// The answer to a client whose request the server has declined.
pub fn refusal(declined: &Declined, body: Bytes) -> Result<Response, BuildError> {
    let mut response = Response::new(declined.response.status())?;
    for (name, value) in end_to_end(declined.response.headers()) {
        copied(response.add_header(name, value))?;
    }
    response.with_body(declined.response.header_str("Content-Type").unwrap_or_default(), body)
}

/// A header that a handshake writes itself is not copied.
fn copied(added: Result<(), BuildError>) -> Result<(), BuildError> {
    if matches!(added, Err(BuildError::ReservedHeader(_))) { Ok(()) } else { added }
}

fn end_to_end(headers: Headers<'_>) -> impl Iterator<Item = (&str, &[u8])> {
    let lists = headers.clone().filter(|(name, _)| name.eq_ignore_ascii_case("connection"));
    let listed: Vec<&[u8]> =
        lists.flat_map(|(_, list)| list.split(|&byte| byte == b',')).map(<[u8]>::trim_ascii).collect();
    headers.filter(move |(name, _)| {
        !is_one_of(name, &HOP_BY_HOP) && !listed.iter().any(|listed| listed.eq_ignore_ascii_case(name.as_bytes()))
    })
}

/// The list of a request's header lines of this name, with one element more.
fn continued(from: &server::Request, name: &str, element: &str) -> Vec<u8> {
    let lines = from.headers().filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    lines.chain([element.as_bytes()]).collect::<Vec<_>>().join(&b", "[..])
}

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|other| other.eq_ignore_ascii_case(name))
}
