//! The opening handshake of a capture, held to the rules by handshakes of both roles.

use ws_proto::bytes::Buf;
use ws_proto::handshake::client::{self, Error};
use ws_proto::handshake::server::{self, Reason};
use ws_proto::handshake::{Extensions, NotHttp, accept_key};
use ws_proto::{Config, DeflateConfig, DeflateParameters, Input, ReservedBits, Seed};

const DEFLATE: &str = "permessage-deflate";

/// Larger than what servers take, as a peer may have taken it.
fn config() -> Config {
    Config::new().max_head(256 << 10).max_headers(1024).max_body(1 << 30)
}

/// What the client has asked for.
pub struct Asked {
    /// Its key; without one, the answer to it is not checked.
    key: Option<String>,
    subprotocols: String,
    extensions: String,
}

pub struct Request {
    pub head: String,
    pub length: usize,
    /// Why a server refuses it.
    pub refused: Option<Reason>,
    /// `None` if it is no HTTP/1, to which there is no answer.
    pub asked: Option<Asked>,
}

/// Reads a request, once all of its head has come.
pub fn request(bytes: &[u8]) -> Option<Request> {
    let mut input = Input::from(bytes.get(..bytes.len().min(512 << 10))?.to_vec());
    let refused = match server::Handshake::new(&config()).receive(&mut input) {
        Ok(request) => request.map(|_| None)?,
        Err(rejection) => Some(rejection),
    };
    let is_http = refused.as_ref().is_none_or(|rejection| rejection.request().is_some());
    let length = if is_http { head_length(bytes).unwrap_or(bytes.len()) } else { 0 };
    let head = text(bytes.get(..length)?);
    let asked = is_http.then(|| Asked {
        key: Some(values(&head, "Sec-WebSocket-Key")).filter(|key| !key.is_empty()),
        subprotocols: values(&head, "Sec-WebSocket-Protocol"),
        extensions: values(&head, "Sec-WebSocket-Extensions"),
    });
    Some(Request { head, length, refused: refused.map(|rejection| rejection.reason()), asked })
}

/// Whether the capture seems to begin behind the handshake.
pub fn is_late(reason: Reason) -> bool {
    reason == Reason::NotHttp(NotHttp::WebSocketFrame)
}

pub struct Response {
    pub head: String,
    pub length: usize,
    /// Why a client refuses it, or what it declines the request with.
    pub refused: Option<String>,
    pub outcome: Outcome,
}

pub enum Outcome {
    Upgraded(InUse),
    /// The body that follows is received by this handshake.
    Declined(Box<client::Handshake>),
    Invalid,
}

/// What a 101 says is in use.
pub struct InUse {
    pub subprotocol: Option<String>,
    pub extensions: Option<String>,
    pub deflate: Option<DeflateParameters>,
    /// The bits that extensions of the application's may use: which ones, the capture does not say.
    pub reserved: Option<ReservedBits>,
}

/// Reads a response, with the interim ones ahead of it, once all of its head has come or nothing more comes. What was asked
/// for is taken from the response where there is no request.
pub fn response(bytes: &[u8], asked: Option<&Asked>, is_whole: bool) -> Option<Response> {
    let length = match final_head_length(bytes) {
        Some(length) => length,
        None if bytes.starts_with(b"HTTP/") && bytes.len() < 256 << 10 && !is_whole => return None,
        None if bytes.len() < 5 && !is_whole => return None,
        None => bytes.len(),
    };
    let mut head = bytes.get(..length)?.to_vec();
    let printed = text(&head);
    let in_use = InUse::of(&printed);
    let in_answer = Asked {
        key: None,
        subprotocols: in_use.subprotocol.clone().unwrap_or_default(),
        extensions: in_use.extensions.clone().unwrap_or_default(),
    };
    let asked = asked.unwrap_or(&in_answer);
    let (request, config) = asked.again();
    // A handshake checks the answer to its own key. The captured key's answer, if it is right, is replaced by that.
    let mut handshake = client::Handshake::new(&request, Seed::new([0; 32]), &config);
    let accept = values(&printed, "Sec-WebSocket-Accept");
    if asked.key.as_ref().is_none_or(|key| accept_key(key).as_str() == accept) && accept.len() == 28 {
        let own = accept_key(values(&text(handshake.output().chunk()), "Sec-WebSocket-Key"));
        if let Some(at) = head.windows(28).position(|window| window == accept.as_bytes()) {
            head.splice(at..at + 28, own.as_str().bytes());
        }
    }
    let mut input = Input::from(head);
    if is_whole {
        handshake.receive_eof();
    }
    let (refused, outcome) = match handshake.receive(&mut input) {
        Ok(Some(_)) => (asked.violation(&in_use), Outcome::Upgraded(in_use)),
        Ok(None) => return None,
        Err(declined @ Error::Declined(_)) => (Some(declined.to_string()), Outcome::Declined(Box::new(handshake))),
        // Where the client has accepted it all the same, frames follow.
        Err(error) if printed.contains(" 101 ") => (Some(error.to_string()), Outcome::Upgraded(in_use)),
        Err(error) => (Some(error.to_string()), Outcome::Invalid),
    };
    Some(Response { head: printed, length, refused, outcome })
}

impl Asked {
    /// A request that asks for the same. What no client of this crate can ask for is left out.
    fn again(&self) -> (client::Request, Config) {
        let mut request = client::Request::new(any_uri());
        for name in self.subprotocols.split(',').map(str::trim) {
            let _ = request.add_subprotocol(name);
        }
        let mut deflate = None;
        for offer in Extensions::parse(&self.extensions).into_iter().flatten() {
            if offer.name() != DEFLATE {
                let _ = request.add_extension(&offer.to_string());
                continue;
            }
            if let Some(first) = deflate.take() {
                // Of several offers, the later ones are there for servers that do not grant the first: they restrict nothing.
                deflate = Some(DeflateConfig::fallback(first, true));
                continue;
            }
            let mut config = DeflateConfig::new();
            for (name, value) in offer.parameters() {
                let bits = value.and_then(|bits| bits.parse().ok());
                config = match (name, bits) {
                    ("server_no_context_takeover", _) => config.receive_context_takeover(false),
                    ("client_no_context_takeover", _) => config.send_context_takeover(false),
                    ("server_max_window_bits", Some(bits)) => config.receive_window_bits(bits),
                    ("client_max_window_bits", Some(bits)) => config.send_window_bits(bits),
                    _ => config,
                };
            }
            deflate = Some(config);
        }
        let config = config();
        (
            request,
            match deflate {
                Some(deflate) => config.deflate(deflate),
                None => config,
            },
        )
    }

    /// A rule that a handshake of this crate does not check, because its own offers never need it.
    fn violation(&self, in_use: &InUse) -> Option<String> {
        const WINDOW: &str = "client_max_window_bits";
        let answer = in_use.extensions.as_deref().unwrap_or_default();
        (answer.contains(WINDOW) && !self.extensions.contains(WINDOW))
            .then(|| format!("the answer has {WINDOW}, which was not offered (RFC 7692 section 7.1.2.2)"))
    }
}

impl InUse {
    fn of(head: &str) -> Self {
        let [subprotocol, extensions] = ["Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"]
            .map(|name| Some(values(head, name)).filter(|value| !value.is_empty()));
        let named = extensions.as_deref().unwrap_or_default();
        let deflate = DeflateConfig::new().confirm(named).ok().flatten();
        let has_others = Extensions::parse(named).is_ok_and(|mut all| all.any(|extension| extension.name() != DEFLATE));
        let bits = if deflate.is_some() { 0b011 } else { 0b111 };
        let reserved = if has_others { ReservedBits::from_bits(bits) } else { None };
        Self { subprotocol, extensions, deflate, reserved }
    }
}

/// An answer does not say which URI it is about, so any will do.
fn any_uri() -> ws_proto::handshake::WebSocketUri {
    "ws://localhost/".parse().expect("it is a URI")
}

/// The values of all header lines of this name, as one list.
fn values(head: &str, name: &str) -> String {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    let values: Vec<_> =
        lines.filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect();
    values.join(", ")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Where the head ends whose last byte has come: behind its empty line.
fn head_length(bytes: &[u8]) -> Option<usize> {
    let mut line = 0;
    for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
        if matches!(bytes.get(line..=at), Some(b"\n" | b"\r\n")) && line > 0 {
            return Some(at + 1);
        }
        line = at + 1;
    }
    None
}

/// The length of the heads up to that of the response that is not an interim one (RFC 9110 §15.2).
fn final_head_length(bytes: &[u8]) -> Option<usize> {
    let mut length = 0;
    loop {
        let rest = bytes.get(length..)?;
        length += head_length(rest)?;
        let status = rest.get(9..12).unwrap_or_default();
        if status == b"101" || !status.starts_with(b"1") {
            return Some(length);
        }
    }
}
