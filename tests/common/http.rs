//! Heads by hand: builders, a strict reader of what the crate writes, feeding in cuts, and a SHA-1 and base64 that are
//! not the crate's.

use std::fmt::Write as _;
use ws_proto::bytes::Buf;
use ws_proto::handshake::{BodyError, client, server};
use ws_proto::{Config, Connection, Input, Seed};

/// The sample key of RFC 6455 §1.3, and the accept value that belongs to it.
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// The text "Hello" as a server sends it and as a client does (RFC 6455 §5.7).
pub const HELLO: [u8; 7] = [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
pub const HELLO_MASKED: [u8; 11] = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];

/// A head under construction: a start line and header lines, written out with nothing added.
#[derive(Clone, Debug)]
pub struct Head {
    start: Vec<u8>,
    lines: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Head {
    pub fn new(start: impl AsRef<[u8]>) -> Self {
        Self { start: start.as_ref().to_vec(), lines: Vec::new() }
    }

    /// The smallest request that is a valid opening handshake.
    pub fn request() -> Self {
        Self::new("GET /chat HTTP/1.1")
            .add("Host", "example.com")
            .add("Upgrade", "websocket")
            .add("Connection", "Upgrade")
            .add("Sec-WebSocket-Key", KEY)
            .add("Sec-WebSocket-Version", "13")
    }

    /// The smallest response that accepts.
    pub fn switching(accept: &str) -> Self {
        Self::new("HTTP/1.1 101 Switching Protocols")
            .add("Upgrade", "websocket")
            .add("Connection", "Upgrade")
            .add("Sec-WebSocket-Accept", accept)
    }

    pub fn start(mut self, start: impl AsRef<[u8]>) -> Self {
        self.start = start.as_ref().to_vec();
        self
    }

    /// One more line at the end.
    pub fn add(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.lines.push((name.as_ref().to_vec(), value.as_ref().to_vec()));
        self
    }

    /// Changes the value of a line that must be there.
    pub fn set(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let line = self.lines.iter_mut().find(|line| line.0.eq_ignore_ascii_case(name.as_bytes()));
        line.expect("a line to change").1 = value.as_ref().to_vec();
        self
    }

    /// Takes out a line that must be there.
    pub fn without(mut self, name: &str) -> Self {
        let before = self.lines.len();
        self.lines.retain(|line| !line.0.eq_ignore_ascii_case(name.as_bytes()));
        assert!(self.lines.len() < before, "a line to take out");
        self
    }

    pub fn reversed(mut self) -> Self {
        self.lines.reverse();
        self
    }

    pub fn rename(mut self, rename: impl Fn(&[u8]) -> Vec<u8>) -> Self {
        for line in &mut self.lines {
            line.0 = rename(&line.0);
        }
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.start.clone();
        bytes.extend_from_slice(b"\r\n");
        for (name, value) in &self.lines {
            bytes.extend_from_slice(name);
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        bytes
    }

    /// The head with something behind it.
    pub fn then(&self, rest: impl AsRef<[u8]>) -> Vec<u8> {
        let mut bytes = self.bytes();
        bytes.extend_from_slice(rest.as_ref());
        bytes
    }
}

/// A head that the crate wrote, read strictly, and what stands behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    pub start: String,
    pub lines: Vec<(String, Vec<u8>)>,
    pub rest: Vec<u8>,
}

impl Written {
    /// Panics if the bytes are not a head by RFC 9112, to the letter.
    pub fn read(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("an end of the head");
        let mut lines = split_lines(&bytes[..end]).into_iter();
        let start = String::from_utf8(lines.next().expect("a start line").to_vec()).expect("an ASCII start line");
        assert!(start.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{start:?}");
        let lines = lines
            .map(|line| {
                let colon = line.iter().position(|&byte| byte == b':').expect("a colon");
                let name = String::from_utf8(line[..colon].to_vec()).expect("an ASCII name");
                assert!(!name.is_empty() && name.bytes().all(is_token_byte), "{name:?}");
                let value = line[colon + 1..].trim_ascii().to_vec();
                assert!(value.iter().all(|&byte| byte == b'\t' || (byte >= 0x20 && byte != 0x7f)), "{value:?}");
                (name, value)
            })
            .collect();
        Self { start, lines, rest: bytes[end + 4..].to_vec() }
    }

    /// The code of a status line.
    pub fn status(&self) -> u16 {
        let (version, rest) = self.start.split_once(' ').expect("a version");
        assert_eq!(version, "HTTP/1.1");
        let (code, _phrase) = rest.split_once(' ').expect("a space behind the code, even if no phrase follows");
        assert_eq!(code.len(), 3);
        code.parse().expect("a number")
    }

    pub fn values(&self, name: &str) -> Vec<&[u8]> {
        self.lines.iter().filter(|line| line.0.eq_ignore_ascii_case(name)).map(|line| line.1.as_slice()).collect()
    }

    /// The value of a line that stands there exactly once.
    pub fn value(&self, name: &str) -> &str {
        let values = self.values(name);
        assert_eq!(values.len(), 1, "{name} in {self:?}");
        std::str::from_utf8(values[0]).expect("text")
    }

    pub fn has_token(&self, name: &str, token: &str) -> bool {
        let values = self.values(name);
        let mut tokens = values.iter().flat_map(|value| value.split(|&byte| byte == b',')).map(<[u8]>::trim_ascii);
        tokens.any(|found| found.eq_ignore_ascii_case(token.as_bytes()))
    }
}

fn split_lines(head: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut rest = head;
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        lines.push(&rest[..end]);
        rest = &rest[end + 2..];
    }
    lines.push(rest);
    assert!(lines.iter().all(|line| !line.contains(&b'\r') && !line.contains(&b'\n')), "a line end that is not CRLF");
    lines
}

/// A byte of a token (RFC 2616 §2.2, which is the grammar of RFC 6455).
pub fn is_token_byte(byte: u8) -> bool {
    (0x21..0x7f).contains(&byte) && !b"()<>@,;:\\\"/[]?={} \t".contains(&byte)
}

/// A generator of numbers for the tests; the same numbers every time.
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 11) % bound as u64).unwrap()
    }
}

/// Ways to cut `length` bytes: whole, byte by byte, one cut early and one late, and at random points.
pub fn cuts(length: usize) -> Vec<Vec<usize>> {
    let mut all = vec![vec![length], vec![1; length]];
    for first in [length / 4, length.saturating_sub(3)] {
        if first > 0 {
            all.push(vec![first, length - first]);
        }
    }
    let mut numbers = Numbers::new(length as u64 + 1);
    for longest in [3, 20, 200] {
        let mut pieces = Vec::new();
        let mut left = length;
        while left > 0 {
            let piece = (1 + numbers.below(longest)).min(left);
            pieces.push(piece);
            left -= piece;
        }
        all.push(pieces);
    }
    all
}

/// A valid request, and what was behind it in the input or had not been fed yet.
#[derive(Debug)]
pub struct Asked {
    pub request: server::Request,
    pub rest: Vec<u8>,
}

/// What a server's handshake makes of `bytes` with the default limits; see [`serve_with`].
pub fn serve(bytes: &[u8]) -> Result<Option<Asked>, server::Rejection> {
    serve_with(&Config::new(), bytes)
}

/// What a server's handshake makes of `bytes`; it must be the same however they are cut, and a refusal must stay.
pub fn serve_with(config: &Config, bytes: &[u8]) -> Result<Option<Asked>, server::Rejection> {
    let whole = serve_pieces(config, bytes, &[bytes.len()]);
    for cut in cuts(bytes.len()) {
        let outcome = serve_pieces(config, bytes, &cut);
        let (returned, expected) = (tell_server(&outcome), tell_server(&whole));
        assert_eq!(returned, expected, "cut into {} pieces: {}", cut.len(), bytes.escape_ascii());
    }
    whole
}

fn serve_pieces(config: &Config, bytes: &[u8], cut: &[usize]) -> Result<Option<Asked>, server::Rejection> {
    let mut handshake = server::Handshake::new(config);
    let mut input = Input::new();
    let mut fed = 0;
    for piece in cut {
        input.extend_from_slice(&bytes[fed..fed + piece]);
        fed += piece;
        match handshake.receive(&mut input) {
            Ok(None) => {}
            Ok(Some(request)) => {
                let rest = [&input.into_unread(), &bytes[fed..]].concat();
                return Ok(Some(Asked { request, rest }));
            }
            Err(rejection) => {
                assert_rejects_again(&mut handshake, &mut input, &rejection);
                return Err(rejection);
            }
        }
    }
    Ok(None)
}

/// Neither a second look nor a faultless request changes a refusal and its answer.
fn assert_rejects_again(handshake: &mut server::Handshake, input: &mut Input, rejection: &server::Rejection) {
    let returned = (rejection.reason(), rejection.response());
    for more in [Vec::new(), b"\r\n\r\n".to_vec(), Head::request().bytes()] {
        input.extend_from_slice(&more);
        let again = handshake.receive(input).expect_err("a refusal stays");
        assert_eq!((again.reason(), again.response()), returned);
    }
    let mut fresh = Input::from(&Head::request().bytes()[..]);
    let again = handshake.receive(&mut fresh).expect_err("a refusal stays");
    assert_eq!((again.reason(), again.response()), returned);
}

fn tell_server(outcome: &Result<Option<Asked>, server::Rejection>) -> String {
    match outcome {
        Ok(None) => "waits".into(),
        Ok(Some(Asked { request, rest })) => {
            let mut returned =
                format!("asks {} {:?} {:?}", tell_head(request.head()), request.host(), request.origin());
            write!(returned, " {:?}", request.subprotocols().collect::<Vec<_>>()).unwrap();
            for extension in request.extensions() {
                write!(returned, " {} {:?}", extension.name(), extension.parameters().collect::<Vec<_>>()).unwrap();
            }
            write!(returned, " and {}", rest.escape_ascii()).unwrap();
            returned
        }
        Err(rejection) => tell_rejection(rejection),
    }
}

fn tell_rejection(rejection: &server::Rejection) -> String {
    let head = rejection.request().map(tell_head);
    format!("refuses for {:?} {head:?}: {}", rejection.reason(), rejection.response().to_bytes().escape_ascii())
}

fn tell_head(head: &server::RequestHead) -> String {
    let mut returned = format!("{} {} {} {:?}", head.method(), head.target(), head.path(), head.query());
    for (name, value) in head.headers() {
        write!(returned, " | {name}: {}", value.escape_ascii()).unwrap();
    }
    returned
}

/// The request that `bytes` must make.
pub fn asked(bytes: &[u8]) -> Asked {
    match serve(bytes) {
        Ok(Some(asked)) => asked,
        other => panic!("{} is a valid handshake, but: {}", bytes.escape_ascii(), tell_server(&other)),
    }
}

/// Asserts that `bytes` are refused for this reason, and returns the answer after a check of its form.
pub fn refused(bytes: &[u8], reason: server::Reason) -> Written {
    refused_with(&Config::new(), bytes, reason)
}

pub fn refused_with(config: &Config, bytes: &[u8], reason: server::Reason) -> Written {
    let outcome = serve_with(config, bytes);
    let Err(rejection) = outcome else {
        panic!("{} must be refused for {reason:?}, but: {}", bytes.escape_ascii(), tell_server(&outcome))
    };
    assert_eq!(rejection.reason(), reason, "for {}", bytes.escape_ascii());
    let answer = final_response(&rejection.response().to_bytes());
    assert_eq!(answer.status(), reason.status(), "for {}", bytes.escape_ascii());
    assert_eq!(rejection.response().status(), reason.status());
    answer
}

/// A response that ends the handshake: well-formed, as long as it says, and the last one on its transport.
pub fn final_response(bytes: &[u8]) -> Written {
    let answer = Written::read(bytes);
    assert!(answer.has_token("Connection", "close"), "{answer:?}");
    assert!(answer.values("Transfer-Encoding").is_empty(), "{answer:?}");
    assert!(answer.values("Sec-WebSocket-Accept").is_empty(), "{answer:?}");
    if matches!(answer.status(), 204 | 304) {
        assert!(answer.rest.is_empty(), "{answer:?}");
    } else {
        assert_eq!(answer.value("Content-Length"), answer.rest.len().to_string(), "{answer:?}");
    }
    answer
}

/// Takes everything that waits in the output of a connection.
pub fn take_output(ws: &mut Connection) -> Vec<u8> {
    let mut bytes = vec![0; ws.output().remaining()];
    ws.output().copy_to_slice(&mut bytes);
    bytes
}

/// A handshake of a client whose request has been written: the handshake, the request, and its key.
pub fn started(request: &client::Request, config: &Config) -> (client::Handshake, Written, String) {
    started_from(request, config, [7; 32])
}

pub fn started_from(
    request: &client::Request,
    config: &Config,
    seed: [u8; 32],
) -> (client::Handshake, Written, String) {
    let mut handshake = client::Handshake::new(request, Seed::new(seed), config);
    let mut bytes = vec![0; handshake.output().remaining()];
    handshake.output().copy_to_slice(&mut bytes);
    let written = Written::read(&bytes);
    let key = written.value("Sec-WebSocket-Key").to_owned();
    (handshake, written, key)
}

/// A request for `uri` and nothing else.
pub fn request_for(uri: &str) -> client::Request {
    client::Request::new(uri.parse().expect("a URI"))
}

/// What a client said yes to, and what was behind it in the input or had not been fed yet.
#[derive(Debug)]
pub struct Taken {
    pub accepted: client::Accepted,
    pub rest: Vec<u8>,
}

/// What a plain client makes of an answer, with the default limits; see [`judge_with`].
pub fn judge(answer: impl Fn(&str) -> Vec<u8>) -> Result<Option<Taken>, client::Error> {
    judge_with(&Config::new(), &request_for("ws://example.com/chat"), answer)
}

/// What a client that made `request` makes of an answer, which is given the accept value that is due. The outcome must
/// be the same however the answer is cut, a failure must stay, and nothing but the request may go out.
pub fn judge_with(
    config: &Config,
    request: &client::Request,
    answer: impl Fn(&str) -> Vec<u8>,
) -> Result<Option<Taken>, client::Error> {
    let (_, _, key) = started(request, config);
    let bytes = answer(&accept_for(&key));
    let whole = judge_pieces(config, request, &bytes, &[bytes.len()]);
    for cut in cuts(bytes.len()) {
        let outcome = judge_pieces(config, request, &bytes, &cut);
        let (returned, expected) = (tell_client(&outcome), tell_client(&whole));
        assert_eq!(returned, expected, "cut into {} pieces: {}", cut.len(), bytes.escape_ascii());
    }
    whole
}

fn judge_pieces(
    config: &Config,
    request: &client::Request,
    bytes: &[u8],
    cut: &[usize],
) -> Result<Option<Taken>, client::Error> {
    let (mut handshake, _, _) = started(request, config);
    let mut input = Input::new();
    let mut fed = 0;
    for piece in cut {
        input.extend_from_slice(&bytes[fed..fed + piece]);
        fed += piece;
        let outcome = handshake.receive(&mut input);
        assert_eq!(handshake.output().remaining(), 0, "nothing but the request goes out");
        match outcome {
            Ok(None) => {}
            Ok(Some(accepted)) => {
                let rest = [&input.into_unread(), &bytes[fed..]].concat();
                return Ok(Some(Taken { accepted, rest }));
            }
            Err(error) => {
                assert_fails_again(&mut handshake, &mut input, &error);
                return Err(error);
            }
        }
    }
    Ok(None)
}

fn assert_fails_again(handshake: &mut client::Handshake, input: &mut Input, error: &client::Error) {
    let lasting = match error {
        client::Error::Invalid(flaw) => *flaw,
        _ => client::Flaw::Over,
    };
    for more in ["", "\r\n\r\n", "HTTP/1.1 302 Found\r\n\r\n"] {
        input.extend_from_slice(more.as_bytes());
        match handshake.receive(input) {
            Err(client::Error::Invalid(flaw)) => assert_eq!(flaw, lasting),
            other => panic!("a failure stays, but: {other:?}"),
        }
        assert_eq!(handshake.output().remaining(), 0, "nothing goes out after a failure");
    }
}

fn tell_client(outcome: &Result<Option<Taken>, client::Error>) -> String {
    match outcome {
        Ok(None) => "waits".into(),
        Ok(Some(Taken { accepted, rest })) => {
            let response = tell_response(&accepted.response);
            format!("accepts {response} {:?} and {}", accepted.subprotocol, rest.escape_ascii())
        }
        Err(client::Error::Declined(declined)) => format!("declined {}", tell_response(&declined.response)),
        Err(error) => format!("fails {error:?}"),
    }
}

fn tell_response(response: &client::ResponseHead) -> String {
    let mut returned = response.status().to_string();
    for (name, value) in response.headers() {
        write!(returned, " | {name}: {}", value.escape_ascii()).unwrap();
    }
    returned
}

/// Asserts that an answer breaks the rules in this way.
pub fn flawed(answer: impl Fn(&str) -> Vec<u8>, flaw: client::Flaw) {
    flawed_with(&Config::new(), &request_for("ws://example.com/chat"), answer, flaw);
}

pub fn flawed_with(config: &Config, request: &client::Request, answer: impl Fn(&str) -> Vec<u8>, flaw: client::Flaw) {
    match judge_with(config, request, &answer) {
        Err(client::Error::Invalid(found)) => assert_eq!(found, flaw, "for {}", answer("(accept)").escape_ascii()),
        other => panic!("{} must be {flaw:?}, but: {other:?}", answer("(accept)").escape_ascii()),
    }
}

/// The answer that a plain client must say yes to.
pub fn taken(answer: impl Fn(&str) -> Vec<u8>) -> Taken {
    match judge(&answer) {
        Ok(Some(taken)) => taken,
        other => panic!("{} is a valid answer, but: {other:?}", answer("(accept)").escape_ascii()),
    }
}

/// A lawful "no", and its body up to the end of the stream.
#[derive(Debug)]
pub struct Refusal {
    pub no: client::Declined,
    pub body: Result<Vec<u8>, BodyError>,
}

impl std::ops::Deref for Refusal {
    type Target = client::Declined;

    fn deref(&self) -> &client::Declined {
        &self.no
    }
}

/// The lawful "no" that an answer must be. Its body must be the same however the answer is cut.
pub fn declined(answer: impl Fn(&str) -> Vec<u8>) -> Refusal {
    let Err(client::Error::Declined(no)) = judge(&answer) else {
        panic!("{} is a lawful no, but: {:?}", answer("(accept)").escape_ascii(), judge(&answer));
    };
    let request = request_for("ws://example.com/chat");
    let bytes = answer(&accept_for(&started(&request, &Config::new()).2));
    let body = body_in_pieces(&bytes, &[bytes.len()]);
    for cut in cuts(bytes.len()) {
        assert_eq!(body_in_pieces(&bytes, &cut), body, "cut into {} pieces: {}", cut.len(), bytes.escape_ascii());
    }
    Refusal { no, body }
}

fn body_in_pieces(bytes: &[u8], cut: &[usize]) -> Result<Vec<u8>, BodyError> {
    let (mut handshake, _, _) = started(&request_for("ws://example.com/chat"), &Config::new());
    let (mut input, mut fed, mut declined) = (Input::new(), 0, false);
    for piece in cut {
        input.extend_from_slice(&bytes[fed..fed + piece]);
        fed += piece;
        declined = declined || handshake.receive(&mut input).is_err();
        if declined && let Some(body) = handshake.receive_body(&mut input)? {
            return Ok(body.to_vec());
        }
    }
    handshake.receive_eof();
    let body = handshake.receive_body(&mut input)?.expect("the stream has ended");
    Ok(body.to_vec())
}

/// The accept value for the text of a key, computed without the crate (RFC 6455 §4.2.2).
pub fn accept_for(key: &str) -> String {
    let text = [key.as_bytes(), b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"].concat();
    base64(&sha1(&text))
}

/// FIPS 180-4 §6.1, word by word.
pub fn sha1(message: &[u8]) -> [u8; 20] {
    let mut padded = message.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend_from_slice(&(message.len() as u64 * 8).to_be_bytes());
    let mut state: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in padded.chunks(64) {
        let mut words: Vec<u32> =
            block.chunks(4).map(|four| u32::from_be_bytes([four[0], four[1], four[2], four[3]])).collect();
        for i in 16..80 {
            words.push((words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16]).rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (i, word) in words.iter().enumerate() {
            let (mixed, constant) = match i {
                0..20 => ((b & c) | (!b & d), 0x5a82_7999),
                20..40 => (b ^ c ^ d, 0x6ed9_eba1),
                40..60 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6_u32),
            };
            let next = a.rotate_left(5).wrapping_add(mixed).wrapping_add(e).wrapping_add(constant).wrapping_add(*word);
            (a, b, c, d, e) = (next, a, b.rotate_left(30), c, d);
        }
        for (sum, word) in state.iter_mut().zip([a, b, c, d, e]) {
            *sum = sum.wrapping_add(word);
        }
    }
    let mut digest = [0; 20];
    for (bytes, word) in digest.chunks_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    digest
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// RFC 4648 §4.
pub fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let mut bits = 0_u32;
        for i in 0..3 {
            bits = bits << 8 | u32::from(*three.get(i).unwrap_or(&0));
        }
        for i in 0..4 {
            let digit = char::from(ALPHABET[(bits >> (18 - 6 * i)) as usize & 63]);
            text.push(if i <= three.len() { digit } else { '=' });
        }
    }
    text
}

/// RFC 4648 §4, with the padding that belongs there.
pub fn unbase64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for four in text.as_bytes().chunks(4) {
        let digits = four.iter().take_while(|&&byte| byte != b'=').count();
        if four.len() != 4 || digits < 2 || four[digits..].iter().any(|&byte| byte != b'=') {
            return None;
        }
        let mut bits = 0_u32;
        for byte in &four[..digits] {
            bits = bits << 6 | u32::try_from(ALPHABET.iter().position(|digit| digit == byte)?).ok()?;
        }
        bits <<= 6 * (4 - digits);
        bytes.extend_from_slice(&bits.to_be_bytes()[1..digits]);
    }
    Some(bytes)
}
