//! One set of rules, three sources: a handshake has the same verdict when it comes as bytes, as headers that httparse has
//! parsed, and as a request or response of the crate `http`.

use crate::common::http::{
    ACCEPT, Head, KEY, Numbers, Written, accept_for, judge_with, request_for, serve_with, started, take_output,
};
use proptest::prelude::*;
use ws_proto::handshake::client::{self, Exchange, Flaw};
use ws_proto::handshake::server::{Answer, Handshake, Reason, Rejection, Request, RequestHead};
use ws_proto::handshake::{BuildError, Extensions, NotHttp, OriginPolicy};
use ws_proto::{Config, Connection, Input, Seed};

/// A configuration that agrees on compression, where there is one.
fn compressing(config: Config) -> Config {
    #[cfg(feature = "deflate")]
    let config = config.deflate(ws_proto::DeflateConfig::new());
    config
}

fn compression(ws: &Connection) -> String {
    #[cfg(feature = "deflate")]
    return format!("{:?}", ws.deflate_parameters());
    #[cfg(not(feature = "deflate"))]
    return format!("none in {:?}", ws.role());
}

/// Without the white space of HTTP around it (RFC 9110 §5.6.3).
fn trim(value: &[u8]) -> &[u8] {
    let start = value.iter().position(|byte| !b" \t".contains(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !b" \t".contains(byte)).map_or(start, |last| last + 1);
    &value[start..end]
}

/// The parts of a request, to be written as bytes or handed over as they are.
#[derive(Clone, Debug)]
struct Parts {
    method: String,
    target: String,
    minor: u8,
    lines: Vec<(String, Vec<u8>)>,
}

impl Parts {
    /// The smallest request that is valid.
    fn valid() -> Self {
        let lines = [
            ("Host", "example.com"),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", KEY),
            ("Sec-WebSocket-Version", "13"),
        ];
        let lines = lines.map(|(name, value)| (name.into(), value.into())).to_vec();
        Self { method: "GET".into(), target: "/chat".into(), minor: 1, lines }
    }

    fn add(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.lines.push((name.into(), value.as_ref().to_vec()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.lines.retain(|line| !line.0.eq_ignore_ascii_case(name));
        self
    }

    fn set(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.without(name).add(name, value)
    }

    fn start(mut self, method: &str, target: &str, minor: u8) -> Self {
        (self.method, self.target, self.minor) = (method.into(), target.into(), minor);
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let head = Head::new(format!("{} {} HTTP/1.{}", self.method, self.target, self.minor));
        self.lines.iter().fold(head, |head, (name, value)| head.add(name, value)).bytes()
    }

    /// As a parser has it: without white space around the values, which the limits would count if it came as bytes.
    fn trimmed(mut self) -> Self {
        self.lines.iter_mut().for_each(|line| line.1 = trim(&line.1).to_vec());
        self
    }

    /// The verdict on the bytes.
    fn as_bytes(&self, config: &Config) -> Verdict {
        let mut input = Input::from(&self.bytes()[..]);
        let outcome = Handshake::new(config).receive(&mut input);
        assert!(outcome.is_err() || input.is_empty());
        Verdict::of(outcome.map(|request| request.expect("the whole head is there")), |request, answer| {
            Answered::of_bytes(&mut request.accept(answer)?)
        })
    }

    /// The verdict on the parts as they are.
    fn as_parts(&self, config: &Config) -> Verdict {
        let headers = self.lines.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        Verdict::of_parsed(Request::from_headers(&self.method, &self.target, self.minor, headers, config))
    }

    /// The verdict on what httparse makes of the bytes, if that is a request to it.
    fn as_httparse(&self, config: &Config) -> Option<Verdict> {
        let bytes = self.bytes();
        let mut headers = vec![httparse::EMPTY_HEADER; self.lines.len() + 1];
        let mut parsed = httparse::Request::new(&mut headers);
        if !matches!(parsed.parse(&bytes), Ok(httparse::Status::Complete(length)) if length == bytes.len()) {
            return None;
        }
        let headers = parsed.headers.iter().map(|header| (header.name, header.value));
        let (method, target, minor) = (parsed.method?, parsed.path?, parsed.version?);
        Some(Verdict::of_parsed(Request::from_headers(method, target, minor, headers, config)))
    }

    /// The verdict on the request of the crate `http`, if it can be one: that crate has no HTTP/1.2, and a URI of its own.
    #[cfg(feature = "http")]
    fn as_http(&self, config: &Config) -> Option<Verdict> {
        let version = match self.minor {
            0 => http::Version::HTTP_10,
            1 => http::Version::HTTP_11,
            _ => return None,
        };
        let uri: http::Uri = self.target.parse().ok()?;
        // It drops fragments, writes the scheme in lower case, and adds a path to an absolute URI, which may then be a byte too
        // long.
        if !uri.to_string().eq_ignore_ascii_case(&self.target) {
            return None;
        }
        let mut request = http::Request::builder().method(self.method.as_bytes()).uri(uri).version(version);
        for (name, value) in &self.lines {
            let value = http::HeaderValue::from_bytes(trim(value)).ok()?;
            request = request.header(name.as_str(), value);
        }
        let outcome = Request::from_http(&request.body(()).ok()?, None, config);
        Some(Verdict::of(outcome, |request, answer| {
            let (response, ws) = request.accept_as_http(answer)?;
            assert_eq!(response.version(), http::Version::HTTP_11);
            let lines = response.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
            Ok(Answered::of_lines(response.status().as_u16(), lines, ws))
        }))
    }

    /// Asserts that all sources that can express the request agree on it, and returns the verdict.
    fn agreed(&self, config: &Config) -> Verdict {
        let bytes = self.as_bytes(config);
        assert_eq!(self.as_parts(config), bytes, "parts of {}", self.bytes().escape_ascii());
        if let Some(parsed) = self.as_httparse(config) {
            assert_eq!(parsed, bytes, "httparse of {}", self.bytes().escape_ascii());
        }
        #[cfg(feature = "http")]
        if let Some(parsed) = self.as_http(config) {
            let (parsed, bytes) = (parsed.into_map_of_headers(), bytes.clone().into_map_of_headers());
            assert_eq!(parsed, bytes, "http of {}", self.bytes().escape_ascii());
        }
        bytes
    }
}

/// All that can be seen of a request, and of accepting it.
#[derive(Clone, Debug, PartialEq)]
enum Verdict {
    Refused { reason: Reason, response: String, head: Option<Shown> },
    Asked { head: Shown, host: String, lists: String, answers: Vec<Result<Answered, BuildError>> },
}

impl Verdict {
    fn of(
        outcome: Result<Request, Rejection>,
        accept: impl Fn(&Request, Answer) -> Result<Answered, BuildError>,
    ) -> Self {
        let request = match outcome {
            Ok(request) => request,
            Err(rejection) => {
                return Self::Refused {
                    reason: rejection.reason(),
                    response: rejection.response().to_bytes().escape_ascii().to_string(),
                    head: rejection.request().map(Shown::of),
                };
            }
        };
        let origin = request.origin().map(<[u8]>::escape_ascii).map(|origin| origin.to_string());
        let subprotocols: Vec<_> = request.subprotocols().collect();
        let lists = format!("{origin:?} {subprotocols:?} {:?}", shown(request.extensions()));
        let mut answers = vec![
            Answer::new(),
            Answer::new().header("Set-Cookie", b"a=\xe9").unwrap().header("Server", "").unwrap(),
            Answer::new().subprotocol("never-listed").unwrap(),
        ];
        answers.extend(request.choose_subprotocol(&["b", "a"]).map(|name| Answer::new().subprotocol(name).unwrap()));
        Self::Asked {
            head: Shown::of(request.head()),
            host: request.host().into(),
            lists,
            answers: answers.into_iter().map(|answer| accept(&request, answer)).collect(),
        }
    }

    fn of_parsed(outcome: Result<Request, Rejection>) -> Self {
        Self::of(outcome, |request, answer| {
            assert!(!request.is_extended_connect());
            let (response, ws) = request.accept_as_headers(answer.clone())?;
            let answered = Answered::of_lines(response.status(), response.headers(), ws);
            // It can be accepted with bytes, too, which say the same.
            assert_eq!(Answered::of_bytes(&mut request.accept(answer)?), Ok(answered.clone()));
            Ok(answered)
        })
    }

    fn reason(&self) -> Option<Reason> {
        match self {
            Self::Refused { reason, .. } => Some(*reason),
            Self::Asked { .. } => None,
        }
    }

    /// As a map of headers has it: names in lower case, and no order among those of different names. The target is
    /// compared by path and query.
    #[cfg(feature = "http")]
    fn into_map_of_headers(mut self) -> Self {
        match &mut self {
            Self::Refused { head: Some(head), .. } | Self::Asked { head, .. } => {
                sort(&mut head.lines);
                head.target.clear();
            }
            Self::Refused { head: None, .. } => {}
        }
        if let Self::Asked { answers, .. } = &mut self {
            answers.iter_mut().flatten().for_each(|answered| sort(&mut answered.lines));
        }
        self
    }
}

#[cfg(feature = "http")]
fn sort(lines: &mut Lines) {
    lines.iter_mut().for_each(|line| line.0.make_ascii_lowercase());
    lines.sort_by(|one, other| one.0.cmp(&other.0));
}

fn shown(extensions: Extensions<'_>) -> Vec<String> {
    extensions.map(|one| format!("{} {:?}", one.name(), one.parameters().collect::<Vec<_>>())).collect()
}

/// Names and values, so that they can be read where a test fails.
type Lines = Vec<(String, String)>;

fn lines<'h>(headers: impl Iterator<Item = (&'h str, &'h [u8])>) -> Lines {
    headers.map(|(name, value)| (name.into(), value.escape_ascii().to_string())).collect()
}

/// A head as it is returned.
#[derive(Clone, Debug, PartialEq)]
struct Shown {
    method: String,
    target: String,
    path: String,
    query: Option<String>,
    lines: Lines,
}

impl Shown {
    fn of(head: &RequestHead) -> Self {
        for (name, _) in head.headers() {
            let mut named = head.headers().filter(|line| line.0.eq_ignore_ascii_case(name));
            assert_eq!(head.header(name), named.next().map(|line| line.1));
        }
        Self {
            method: head.method().into(),
            target: head.target().into(),
            path: head.path().into(),
            query: head.query().map(Into::into),
            lines: lines(head.headers()),
        }
    }
}

/// The response that accepts, and what was agreed.
#[derive(Clone, Debug, PartialEq)]
struct Answered {
    status: u16,
    lines: Lines,
    compression: String,
}

impl Answered {
    fn of_bytes(ws: &mut Connection) -> Result<Self, BuildError> {
        let written = Written::read(&take_output(ws));
        assert!(written.rest.is_empty());
        let lines = lines(written.lines.iter().map(|(name, value)| (name.as_str(), value.as_slice())));
        Ok(Self { status: written.status(), lines, compression: compression(ws) })
    }

    fn of_lines<'h>(status: u16, headers: impl Iterator<Item = (&'h str, &'h [u8])>, mut ws: Connection) -> Self {
        assert!(take_output(&mut ws).is_empty(), "the library writes the response");
        Self { status, lines: lines(headers), compression: compression(&ws) }
    }
}

// ---- Generated requests

const METHODS: &[&str] =
    &["GET", "POST", "HEAD", "get", "GETS", "CONNECT", "OPTIONS", "M-SEARCH", "G ET", "G\tET", "G\u{c9}T", "G/T"];

const TARGETS: &[&str] = &[
    "/",
    "/chat?room=7&x=%23?y",
    "/chat?",
    "//double//",
    "/a;b=c/@:!$&'()*+,~-._",
    "/%zz",
    "/\"{}|\\^`<>[]",
    "/x?http://other/",
    "/chat#top",
    "http://other.example/chat",
    "https://other.example:8443/chat?a",
    "HTTP://other.example",
    "http://other.example?a=/b",
    "wss://[2001:db8::1]:99/x",
    "http://user@other.example/",
    "http://other.example:/",
    "http://other.example:99999/",
    "*",
    "chat",
    "example.com:80",
    "?x",
    "",
    "ftp://example.com/",
    "http:/chat",
    "http://",
    "http:///chat",
    "/a b",
    "/a\tb",
    "/a\0",
    "/\u{7f}",
    "/\u{e9}",
    "/?\u{2713}",
    "http://\u{e9}.example/",
];

/// Headers that the rules are about, and values within them and outside.
const VALUES: &[(&str, &[&[u8]])] = &[
    (
        "Host",
        &[
            b"example.com:8080",
            b"[::1]:80",
            b"",
            b"exa mple.com",
            b"user@example.com",
            b"example.com:99999",
            b"a,b",
            b"ex\xe4mple",
            b" example.com\t",
        ],
    ),
    (
        "Upgrade",
        &[b"WebSocket", b"h2c, websocket", b", ,websocket,", b"h2c", b"web socket", b"", b"\twebsocket ", b"\xff"],
    ),
    (
        "Connection",
        &[b"keep-alive, Upgrade", b"upgrade", b"keep-alive", b"", b"close", b"\"Upgrade\"", b" ,Upgrade\t", b"\xff"],
    ),
    (
        "Sec-WebSocket-Key",
        &[
            b"AQIDBAUGBwgJCgsMDQ4PEC==",
            b"",
            b"AA==",
            b"dGhlIHNhbXBsZSBub25jZ===",
            b" dGhlIHNhbXBsZSBub25jZQ== ",
            b"\xff",
        ],
    ),
    ("Sec-WebSocket-Version", &[b"8", b"0", b"255", b"256", b"013", b"13, 8", b"", b"x", b" 13 ", b"\xff"]),
    ("Origin", &[b"https://example.com", b"null", b"", b"\xff", b"https://a, https://b"]),
    ("Sec-WebSocket-Protocol", &[b"a", b"b, a", b"c", b"a, a", b"a b", b"", b",", b",b,,", b"\xff", b"\t a , b\t"]),
    (
        "Sec-WebSocket-Extensions",
        &[
            b"permessage-deflate",
            b"permessage-deflate; client_max_window_bits, permessage-deflate",
            b"permessage-deflate; server_max_window_bits=10; server_no_context_takeover",
            b"permessage-deflate; foo, permessage-deflate; client_max_window_bits=9",
            b"bbf-usp-protocol; eid=\"os::0019C7-123456\"",
            b"",
            b";",
            b"x; a=\"b",
            b"\xff",
            b"x; a=\"\xff\"",
        ],
    ),
    ("Content-Length", &[b"0", b"5", b"", b"x"]),
    ("Transfer-Encoding", &[b"chunked", b""]),
    ("X-Note", &[b"", b"caf\xe9\tau lait", b"  spaced\t", b":", b"a, b; c=\"d\""]),
    ("Cookie", &[b"a=b; c=d", b"\x80\xff"]),
];

/// Lines that are no header.
const MALFORMED: &[(&str, &[u8])] = &[
    ("", b"x"),
    ("X Name", b"x"),
    ("X-Name ", b"x"),
    ("X\tName", b"x"),
    ("X(Name)", b"x"),
    ("X-\u{e9}", b"x"),
    ("X\0", b"x"),
    ("Host ", b"example.com"),
    ("X-Value", b"a\0b"),
    ("X-Value", b"\x01"),
    ("X-Value", b"\x0b"),
    ("X-Value", b"a\x7f"),
    ("X-Value", b"\x1b[0m"),
    ("Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ==\0"),
];

#[derive(Clone, Copy, Debug)]
enum Change {
    Method(usize),
    Target(usize),
    Minor(u8),
    /// A value in place of another, or of none.
    Set(usize, usize),
    Add(usize, usize),
    Remove(usize),
    Malformed(usize, usize),
    Case(bool),
    Shuffle(u64),
    Many(usize),
    Long(usize),
}

impl Change {
    fn of(self, mut parts: Parts) -> Parts {
        let value = |name: usize, value: usize| {
            let (name, values) = VALUES[name % VALUES.len()];
            (name, values[value % values.len()])
        };
        match self {
            Self::Method(i) => parts.method = METHODS[i % METHODS.len()].into(),
            Self::Target(i) => parts.target = TARGETS[i % TARGETS.len()].into(),
            Self::Minor(minor) => parts.minor = minor,
            Self::Set(i, j) => return parts.set(value(i, j).0, value(i, j).1),
            Self::Add(i, j) => return parts.add(value(i, j).0, value(i, j).1),
            Self::Remove(i) => return parts.without(VALUES[i % VALUES.len()].0),
            Self::Malformed(i, place) => {
                let (name, value) = MALFORMED[i % MALFORMED.len()];
                let place = place % (parts.lines.len() + 1);
                parts.lines.insert(place, (name.into(), value.into()));
            }
            Self::Case(upper) => parts.lines.iter_mut().for_each(|(name, _)| match upper {
                true => name.make_ascii_uppercase(),
                false => name.make_ascii_lowercase(),
            }),
            Self::Shuffle(seed) => {
                let mut numbers = Numbers::new(seed);
                for end in (1..parts.lines.len()).rev() {
                    parts.lines.swap(end, numbers.below(end + 1));
                }
            }
            Self::Many(count) => return (0..count).fold(parts, |parts, i| parts.add(&format!("X-{i}"), "v")),
            Self::Long(length) => return parts.add("X-Long", vec![b'x'; length]),
        }
        parts
    }
}

fn change() -> impl Strategy<Value = Change> {
    let index = || 0..1000_usize;
    prop_oneof![
        1 => index().prop_map(Change::Method),
        2 => index().prop_map(Change::Target),
        1 => (0..4_u8).prop_map(Change::Minor),
        6 => (index(), index()).prop_map(|(i, j)| Change::Set(i, j)),
        5 => (index(), index()).prop_map(|(i, j)| Change::Add(i, j)),
        1 => index().prop_map(Change::Remove),
        1 => (index(), index()).prop_map(|(i, place)| Change::Malformed(i, place)),
        1 => any::<bool>().prop_map(Change::Case),
        1 => any::<u64>().prop_map(Change::Shuffle),
        1 => (0..140_usize).prop_map(Change::Many),
        1 => (0..40_000_usize).prop_map(Change::Long),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// 6455-4.2.1-1, 6455-4.2.1-11: whatever the request, the source does not decide.
    #[test]
    fn generated_requests(changes in proptest::collection::vec(change(), 0..5)) {
        let parts = changes.into_iter().fold(Parts::valid(), |parts, change| change.of(parts));
        parts.agreed(&compressing(Config::new()));
    }

    /// The same around the limits of bytes and of lines.
    #[test]
    fn generated_requests_at_the_limits(
        changes in proptest::collection::vec(change(), 0..4),
        bytes in -2..=2_isize,
        lines in -2..=2_isize,
    ) {
        let parts = changes.into_iter().fold(Parts::valid(), |parts, change| change.of(parts)).trimmed();
        let limit = |exact: usize, by| exact.saturating_add_signed(by);
        let lines = limit(parts.lines.len(), lines);
        for config in [
            Config::new().max_head(limit(parts.bytes().len(), bytes)),
            Config::new().max_headers(lines),
            Config::new().max_head(limit(parts.bytes().len(), bytes)).max_headers(lines),
        ] {
            parts.agreed(&compressing(config));
        }
    }

    /// The same for a whole list at once: each change by itself, which reaches every value in the tables.
    #[test]
    fn two_lines_of_a_name(name in 0..VALUES.len(), one in 0..12_usize, other in 0..12_usize, case: bool) {
        let parts = [Change::Set(name, one), Change::Add(name, other), Change::Case(case)];
        let parts = parts.into_iter().fold(Parts::valid(), |parts, change| change.of(parts));
        parts.agreed(&compressing(Config::new()));
    }
}

/// Every entry of the tables, alone.
#[test]
fn every_change_alone() {
    let config = compressing(Config::new());
    let check = |change: Change| change.of(Parts::valid()).agreed(&config);
    (0..METHODS.len()).for_each(|i| drop(check(Change::Method(i))));
    // An empty method is not in the table: bytes that begin with a space are refused by the first of them, limits or not.
    assert_eq!(Parts::valid().start("", "/chat", 1).agreed(&config).reason(), Some(Reason::Malformed));
    (0..TARGETS.len()).for_each(|i| drop(check(Change::Target(i))));
    (0..10).for_each(|minor| drop(check(Change::Minor(minor))));
    for (i, (_, values)) in VALUES.iter().enumerate() {
        check(Change::Remove(i));
        (0..values.len()).for_each(|j| drop((check(Change::Set(i, j)), check(Change::Add(i, j)))));
    }
    for i in 0..MALFORMED.len() {
        for place in 0..=5 {
            assert_eq!(check(Change::Malformed(i, place)).reason(), Some(Reason::HeaderLine(place + 1)));
        }
    }
}

/// What is refused, and the source that it came from.
fn assert_refused(parts: &Parts, config: &Config, reason: Reason) {
    let outcome = serve_with(config, &parts.bytes()).expect_err("a refusal");
    assert_eq!(outcome.reason(), reason, "{parts:?}");
    assert_eq!(parts.agreed(config).reason(), Some(reason), "{parts:?}");
}

/// 6455-4.2.1-1 to 6455-4.2.1-7, 6455-4.2.2-8, 6455-4.4-1: every reason that a request to upgrade can be refused for, by
/// each source. Parsed headers cannot express
/// * `NotHttp`: a library has parsed them, so it was HTTP;
/// * `BareLineFeed`: the lines have been told apart; a line feed within a value is a malformed `HeaderLine`.
///
/// The crate `http` cannot express `Malformed` and `HeaderLine` either: its methods, names and values are checked when
/// they are made. `Protocol` and `ConnectionSpecific` are about an extended CONNECT: tests/handshake/extended_connect.rs.
#[test]
fn every_reason() {
    let config = Config::new();
    let valid = Parts::valid;
    let length = valid().bytes().len();
    for (parts, config, reason) in [
        (valid(), config.clone().max_head(length - 1), Reason::HeadTooLarge),
        (valid(), config.clone().max_headers(4), Reason::TooManyHeaders),
        (valid().start("POST", "/chat", 1), config.clone(), Reason::Method),
        (valid().without("Upgrade"), config.clone(), Reason::NoUpgrade),
        (valid().start("GET", "/chat", 0), config.clone(), Reason::HttpVersion),
        (valid().start("GET", "*", 1), config.clone(), Reason::Target),
        (valid().without("Host"), config.clone(), Reason::Host),
        (valid().add("Content-Length", "5"), config.clone(), Reason::Body),
        (valid().set("Upgrade", "websockets"), config.clone(), Reason::Upgrade),
        (valid().without("Connection"), config.clone(), Reason::Connection),
        (valid().without("Sec-WebSocket-Version"), config.clone(), Reason::Version),
        (valid().set("Sec-WebSocket-Version", "8"), config.clone(), Reason::UnsupportedVersion),
        (valid().set("Sec-WebSocket-Key", "AA=="), config.clone(), Reason::Key),
        (valid().add("Origin", "null").add("Origin", "null"), config.clone(), Reason::Origin),
        (valid().add("Sec-WebSocket-Protocol", "a, a"), config.clone(), Reason::Subprotocols),
        (valid().add("Sec-WebSocket-Extensions", "x; a=\"b"), config.clone(), Reason::Extensions),
    ] {
        assert_refused(&parts, &config, reason);
        #[cfg(feature = "http")]
        assert_eq!(parts.as_http(&config).expect("a request of the library").reason(), Some(reason));
        assert_eq!(parts.as_httparse(&config).expect("a request to httparse").reason(), Some(reason));
    }
    assert_refused(&valid().start("G ET", "/chat", 1), &config, Reason::Malformed);
    assert_refused(&valid().start("GET", "/a b", 1), &config, Reason::Malformed);
    assert_refused(&valid().add("X-Value", "a\0b"), &config, Reason::HeaderLine(6));
    assert_eq!(valid().add("X-Value", "a\nb: c").as_parts(&config).reason(), Some(Reason::HeaderLine(6)));
    let tls = Handshake::new(&config).receive(&mut Input::from(&b"\x16\x03\x01"[..])).expect_err("TLS");
    assert_eq!(tls.reason(), Reason::NotHttp(NotHttp::Tls));
}

/// 6455-4.2.1-2: a head at its limits is taken, and one byte or line more is not, by each source.
#[test]
fn the_limits_are_the_same() {
    let browser = ["Accept-Encoding", "Cache-Control", "Cookie", "Origin", "Pragma", "User-Agent"];
    let parts = browser.iter().fold(Parts::valid(), |parts, name| parts.add(name, "a value of some length"));
    let (bytes, lines) = (parts.bytes().len(), parts.lines.len());
    assert_eq!(parts.agreed(&Config::new().max_head(bytes).max_headers(lines)).reason(), None);
    assert_refused(&parts, &Config::new().max_head(bytes - 1).max_headers(lines), Reason::HeadTooLarge);
    assert_refused(&parts, &Config::new().max_head(bytes).max_headers(lines - 1), Reason::TooManyHeaders);
    assert_refused(&parts, &Config::new().max_headers(0), Reason::TooManyHeaders);
    assert_refused(&parts, &Config::new().max_head(0), Reason::HeadTooLarge);
}

/// An iterator of headers without end is refused at the limits (D13), and not read on.
#[test]
fn endless_headers() {
    for value in [&b"v"[..], &[b'v'; 5000]] {
        let mut taken = 0;
        let endless = std::iter::from_fn(|| {
            taken += 1;
            Some(("x", value))
        });
        let refusal = Request::from_headers("GET", "/", 1, endless, &Config::new()).expect_err("a refusal");
        assert!(matches!(refusal.reason(), Reason::TooManyHeaders | Reason::HeadTooLarge), "{:?}", refusal.reason());
        assert_eq!(refusal.response().status(), 431);
        assert!(taken <= 130, "{taken} headers were read");
    }
}

/// All sources of one request: its bytes, its parts, and the library's.
fn sources(parts: &Parts) -> Vec<Request> {
    let config = Config::new();
    let headers = parts.lines.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
    let mut requests = vec![
        serve_with(&config, &parts.bytes()).expect("a request").expect("all of it").request,
        Request::from_headers(&parts.method, &parts.target, parts.minor, headers, &config).expect("a request"),
    ];
    #[cfg(feature = "http")]
    {
        let mut request = http::Request::builder().method(parts.method.as_str()).uri(parts.target.as_str());
        for (name, value) in &parts.lines {
            request = request.header(name.as_str(), value.as_slice());
        }
        requests.push(Request::try_from(&request.body("a body").unwrap()).expect("a request"));
    }
    // What an extended CONNECT says of the same is read by the same code.
    let pseudo = ws_proto::handshake::PseudoHeaders {
        method: "CONNECT",
        protocol: Some("websocket"),
        scheme: "https",
        authority: "example.com",
        path: &parts.target,
    };
    let headers = parts.lines.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.as_slice()));
    let headers: Vec<_> = headers
        .filter(|(name, _)| name.starts_with("sec-websocket-") && name != "sec-websocket-key" || name == "origin")
        .collect();
    let headers = headers.iter().map(|(name, value)| (name.as_str(), *value));
    requests.push(Request::from_extended_connect(&pseudo, headers, &config).expect("a request"));
    requests
}

/// 6455-10.2-1, 6455-10.2-2, 8441-5-8: a policy of origins, the choice of a subprotocol and the extensions, by each source.
#[test]
fn what_reads_a_request_reads_all_of_them() {
    let parts = Parts::valid()
        .add("Sec-WebSocket-Protocol", "chat.v1, chat.v2")
        .add("Sec-WebSocket-Protocol", "chat.v3")
        .add("Sec-WebSocket-Extensions", "foo; a=\"b\\c\"")
        .add("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits");
    for request in sources(&parts.clone().add("Origin", "https://app.example.com")) {
        let allowed = OriginPolicy::new().allow("https://*.example.com").unwrap();
        assert!(allowed.check(&request).is_ok());
        let refused = OriginPolicy::new().allow("https://example.org").unwrap().check(&request).expect_err("a 403");
        assert_eq!(refused.status(), 403);
        assert!(OriginPolicy::new().same_origin().check(&request).is_err());

        assert_eq!(request.subprotocols().collect::<Vec<_>>(), ["chat.v1", "chat.v2", "chat.v3"]);
        assert_eq!(request.choose_subprotocol(&["chat.v3", "chat.v2"]), Some("chat.v2"));
        assert_eq!(request.choose_subprotocol(&["chat"]), None);
        let extensions = [r#"foo [("a", Some("bc"))]"#, r#"permessage-deflate [("client_max_window_bits", None)]"#];
        assert_eq!(shown(request.extensions()), extensions);
        let other = Answer::new().subprotocol("chat").unwrap();
        let error = request.accept_as_headers(other).expect_err("it is not listed");
        assert_eq!(error, BuildError::UnlistedSubprotocol);
    }
    for request in sources(&parts.clone().add("Origin", "https://example.com")) {
        assert!(OriginPolicy::new().same_origin().check(&request).is_ok());
    }
    for request in sources(&parts) {
        assert!(OriginPolicy::new().same_origin().check(&request).is_err());
        assert!(OriginPolicy::new().without_origin().check(&request).is_ok());
    }
}

// ---- The client

const URI: &str = "ws://example.com/chat?room=7";

fn wish() -> client::Request {
    let request = request_for(URI).subprotocol("chat").unwrap().subprotocol("superchat").unwrap();
    request.header("Origin", "https://example.com").unwrap().header("Cookie", b"a=\xe9").unwrap()
}

fn exchange(config: &Config) -> Exchange {
    // The seed of `started`, so that the keys are the same.
    Exchange::upgrade(&wish(), Seed::new([7; 32]), config)
}

/// The connection that was made: what was agreed, and what it sends, which shows its masking keys.
fn open(subprotocol: Option<&str>, mut ws: Connection) -> Result<String, Flaw> {
    ws.send_text("hello").unwrap();
    Ok(format!("{subprotocol:?} {} {:02x?}", compression(&ws), take_output(&mut ws)))
}

/// A response to be written as bytes or handed over as it is.
#[derive(Clone, Debug)]
struct Reply {
    status: u16,
    lines: Vec<(&'static str, Vec<u8>)>,
}

impl Reply {
    fn valid() -> Self {
        let lines = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", &accept())];
        Self { status: 101, lines: lines.map(|(name, value)| (name, value.into())).to_vec() }
    }

    fn add(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        self.lines.push((name, value.as_ref().to_vec()));
        self
    }

    fn set(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        self.lines.retain(|line| line.0 != name);
        self.add(name, value)
    }

    fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.lines.iter().map(|(name, value)| (*name, value.as_slice()))
    }

    fn as_bytes(&self, config: &Config) -> Result<String, Flaw> {
        let head = Head::new(format!("HTTP/1.1 {} Phrase", self.status));
        let bytes = self.lines.iter().fold(head, |head, (name, value)| head.add(name, value)).bytes();
        let (mut handshake, _, _) = started(&wish(), config);
        match handshake.receive(&mut Input::from(&bytes[..])) {
            Ok(accepted) => {
                let accepted = accepted.expect("the whole head is there");
                open(accepted.subprotocol.as_deref(), accepted.connection)
            }
            Err(client::Error::Declined(declined)) => Err(Flaw::Status(declined.response.status())),
            Err(client::Error::Invalid(flaw)) => Err(flaw),
            Err(error) => panic!("{error:?}"),
        }
    }

    fn as_parts(&self, config: &Config) -> Result<String, Flaw> {
        let established = exchange(config).finish(self.status, self.headers())?;
        open(established.subprotocol.as_deref(), established.connection)
    }

    #[cfg(feature = "http")]
    fn as_http(&self, config: &Config) -> Option<Result<String, Flaw>> {
        let mut response = http::Response::builder().status(self.status);
        for (name, value) in self.headers() {
            response = response.header(name, http::HeaderValue::from_bytes(trim(value)).ok()?);
        }
        let response = response.body("a body").ok()?;
        let established = match exchange(config).finish_http(&response) {
            Ok(established) => established,
            Err(flaw) => return Some(Err(flaw)),
        };
        Some(open(established.subprotocol.as_deref(), established.connection))
    }

    fn agreed(&self, config: &Config) -> Result<String, Flaw> {
        let bytes = self.as_bytes(config);
        assert_eq!(self.as_parts(config), bytes, "parts of {self:?}");
        #[cfg(feature = "http")]
        if let Some(parsed) = self.as_http(config) {
            assert_eq!(parsed, bytes, "http of {self:?}");
        }
        bytes
    }
}

/// The accept value for the key of `exchange`.
fn accept() -> String {
    accept_for(&started(&wish(), &Config::new()).2)
}

/// 6455-4.1-18 to 6455-4.1-37: the request is the one that goes out as bytes.
#[test]
fn the_request_is_the_same() {
    for config in [Config::new(), compressing(Config::new())] {
        let (_, written, key) = started(&wish(), &config);
        let exchange = exchange(&config);
        assert!(!exchange.is_extended_connect());
        assert_eq!(format!("{} {} HTTP/1.1", exchange.method(), exchange.target()), written.start);
        #[cfg_attr(not(feature = "http"), expect(unused_mut))]
        let mut expected = lines(written.lines.iter().map(|(name, value)| (name.as_str(), value.as_slice())));
        assert_eq!(lines(exchange.headers()), expected);
        assert_eq!(written.value("Sec-WebSocket-Key"), key);
        assert_eq!(exchange.uri(), wish().uri());
        let pseudo = exchange.pseudo_headers();
        assert_eq!((pseudo.method, pseudo.protocol, pseudo.scheme), ("GET", None, "http"));
        assert_eq!((pseudo.authority, pseudo.path), ("example.com", "/chat?room=7"));
        #[cfg(feature = "http")]
        {
            let request = exchange.to_http().unwrap();
            assert_eq!((request.method(), request.uri().to_string().as_str()), (&http::Method::GET, "/chat?room=7"));
            assert_eq!(request.version(), http::Version::HTTP_11);
            sort(&mut expected);
            let headers = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
            let mut found = lines(headers);
            sort(&mut found);
            assert_eq!(found, expected);
        }
    }
}

/// Headers that decide about a response, and values within the rules and outside.
const REPLY_VALUES: &[(&str, &[&[u8]])] = &[
    ("Upgrade", &[b"WebSocket", b" websocket\t", b"", b"h2c", b"websocket, websocket", b"\xff", b"websocket\0"]),
    ("Connection", &[b"keep-alive, Upgrade", b"UPGRADE ", b"", b"close", b"Upgrade;x", b"\xff", b"Upgrade\x7f"]),
    ("Sec-WebSocket-Accept", &[b"", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", b"\xff", b"s3pP\0"]),
    (
        "Sec-WebSocket-Protocol",
        &[b"chat", b" superchat ", b"Chat", b"other", b"", b"chat, superchat", b"\xff", b"chat\x01"],
    ),
    (
        "Sec-WebSocket-Extensions",
        &[
            b"permessage-deflate",
            b"permessage-deflate; server_no_context_takeover; client_no_context_takeover",
            b"permessage-deflate; server_max_window_bits=9",
            b"permessage-deflate; client_max_window_bits=10",
            b"permessage-deflate; client_max_window_bits",
            b"permessage-deflate, permessage-deflate",
            b"permessage-deflate; foo",
            b"foo",
            b"",
            b",",
            b"x; a=\"b",
            b"\xff",
            b"permessage-deflate\x1b",
        ],
    ),
    ("Transfer-Encoding", &[b"chunked", b"x"]),
    ("Content-Length", &[b"5", b"x"]),
    ("X-Note", &[b"", b"caf\xe9", b"\0", b"a\x7f"]),
    ("X Note", &[b"a"]),
    ("Sec-WebSocket-Version", &[b"13"]),
];

const STATUSES: &[u16] = &[101, 200, 204, 301, 304, 400, 401, 403, 404, 426, 500, 503, 599];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// 6455-4.1-39, 6455-4.1-46, 6455-4.1-48: whatever the response, the source does not decide.
    #[test]
    fn generated_responses(
        changes in proptest::collection::vec((0..REPLY_VALUES.len(), 0..20_usize, 0..3), 0..5),
        status in prop_oneof![9 => Just(0), 1 => 0..STATUSES.len()],
        compressed: bool,
    ) {
        let mut reply = Reply::valid();
        reply.status = STATUSES[status];
        for (name, value, how) in changes {
            let (name, values) = REPLY_VALUES[name];
            let value = values[value % values.len()];
            match how {
                0 => reply = reply.set(name, value),
                1 => reply = reply.add(name, value),
                _ => reply.lines.retain(|line| line.0 != name),
            }
        }
        reply.agreed(&if compressed { compressing(Config::new()) } else { Config::new() }).ok();
    }
}

/// Every entry of the table, in place of what is there and beside it.
#[test]
fn every_value_of_a_response_alone() {
    for config in [Config::new(), compressing(Config::new())] {
        assert!(Reply::valid().agreed(&config).is_ok());
        for (name, values) in REPLY_VALUES {
            for value in *values {
                Reply::valid().set(name, value).agreed(&config).ok();
                Reply::valid().add(name, value).agreed(&config).ok();
            }
        }
    }
}

/// 6455-4.1-40 to 6455-4.1-46: every flaw by each source. What is beyond parsed headers: `Malformed`, `NotHttp`,
/// `HeadTooLarge` and `TooManyHeaders` are about bytes, which the library has read within limits of its own; `Over` cannot
/// happen, as an `Exchange` is finished once. `HttpVersion` is reached by `finish_http`, whose response has a version.
#[test]
fn every_flaw() {
    let config = Config::new();
    let valid = Reply::valid;
    let declined = |status| Reply { status, ..valid() };
    let table = [
        (valid().set("Upgrade", "h2c"), Flaw::Upgrade),
        (valid().set("Connection", "close"), Flaw::Connection),
        (valid().set("Sec-WebSocket-Accept", ACCEPT), Flaw::Accept),
        (valid().add("Sec-WebSocket-Extensions", "foo"), Flaw::Extension),
        (valid().add("Sec-WebSocket-Protocol", "other"), Flaw::Subprotocol),
        (declined(200), Flaw::Status(200)),
        (declined(302), Flaw::Status(302)),
        (declined(403), Flaw::Status(403)),
    ];
    for (reply, flaw) in table {
        assert_eq!(reply.agreed(&config), Err(flaw));
        #[cfg(feature = "http")]
        assert_eq!(reply.as_http(&config).expect("a response of the library"), Err(flaw));
        let head = |_: &str| {
            let head = Head::new(format!("HTTP/1.1 {} Phrase", reply.status));
            reply.headers().fold(head, |head, (name, value)| head.add(name, value)).bytes()
        };
        match judge_with(&config, &wish(), head).expect_err("a flaw") {
            client::Error::Declined(declined) => assert_eq!(Flaw::Status(declined.response.status()), flaw),
            error => assert!(matches!(error, client::Error::Invalid(found) if found == flaw), "{error:?}"),
        }
    }
    #[cfg(feature = "http")]
    for (version, verdict) in [
        (http::Version::HTTP_09, Some(Flaw::HttpVersion)),
        (http::Version::HTTP_10, Some(Flaw::HttpVersion)),
        (http::Version::HTTP_11, None),
    ] {
        let mut response = http::Response::builder().status(101).version(version);
        for (name, value) in Reply::valid().headers() {
            response = response.header(name, value);
        }
        assert_eq!(exchange(&config).finish_http(&response.body(()).unwrap()).err(), verdict);
        // A no may come from an old server.
        let no = http::Response::builder().status(503).version(version).body(()).unwrap();
        assert_eq!(exchange(&config).finish_http(&no).err(), Some(Flaw::Status(503)));
    }
}

/// Interim responses are not for this crate: a library passes over them, and one that does not has no 101.
#[test]
fn other_statuses() {
    for status in [0, 99, 100, 102, 103, 199, 600, 999, u16::MAX] {
        let headers = Reply::valid();
        assert_eq!(exchange(&Config::new()).finish(status, headers.headers()).err(), Some(Flaw::Status(status)));
    }
}
