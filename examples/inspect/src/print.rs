//! What is printed: lines for people, in colour where they are on a terminal, or JSON.

use serde::{Serialize, Serializer};
use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::time::Duration;
use ws_proto::{Role, Violation};

pub enum Style {
    Plain,
    Colour,
    Json,
}

/// Something that one side has sent, or that is to be said about it.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Record {
    Request {
        head: String,
        refused: Option<String>,
    },
    Response {
        head: String,
        refused: Option<String>,
        subprotocol: Option<String>,
        extensions: Option<String>,
    },
    Frame(Frame),
    /// A rule that the frame before it breaks.
    Violation {
        rfc: u16,
        section: &'static str,
        sentence: String,
        close_code: u16,
    },
    Note {
        text: String,
    },
}

#[derive(Serialize)]
pub struct Frame {
    /// Where it begins in what its sender has sent.
    pub at: u64,
    pub opcode: &'static str,
    pub fin: bool,
    /// The reserved bits RSV1, RSV2 and RSV3 as the bits 4, 2 and 1.
    pub rsv: u8,
    pub masked: bool,
    /// The length of the payload on the wire.
    pub length: u64,
    /// The length of what it was inflated to, if it was compressed.
    pub inflated: Option<u64>,
    /// The code of a Close frame.
    pub code: Option<u16>,
    #[serde(flatten)]
    pub payload: Payload,
    /// Whether there is more of the payload than this.
    pub abbreviated: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Payload {
    Text(String),
    #[serde(serialize_with = "as_hex")]
    Hex(Vec<u8>),
}

fn as_hex<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&Hex(bytes))
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<&Violation> for Record {
    fn from(violation: &Violation) -> Self {
        Self::Violation {
            rfc: violation.rfc(),
            section: violation.section(),
            sentence: violation.to_string(),
            close_code: violation.close_code().into(),
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'static str>,
    #[serde(flatten)]
    record: &'a Record,
}

pub struct Printer<W> {
    writer: W,
    style: Style,
}

impl<W: Write> Printer<W> {
    pub fn new(writer: W, style: Style) -> Self {
        Self { writer, style }
    }

    pub fn into_inner(self) -> W {
        self.writer
    }

    /// A note about the capture.
    pub fn note(&mut self, text: &str) -> io::Result<()> {
        self.print(None, None, &Record::Note { text: text.to_owned() })
    }

    /// Prints what a side has sent, at the time when its last byte came.
    pub fn print(&mut self, time: Option<Duration>, sender: Option<Role>, record: &Record) -> io::Result<()> {
        let from = sender.map(|sender| if sender == Role::Client { "client" } else { "server" });
        if let Style::Json = self.style {
            let line = Line { seconds: time.map(|time| time.as_secs_f64()), from, record };
            serde_json::to_writer(&mut self.writer, &line)?;
            return writeln!(self.writer);
        }
        // Dim, cyan, magenta, bold red, bold.
        let [dim, client, server, red, bold, plain] = match self.style {
            Style::Colour => ["\x1b[2m", "\x1b[36m", "\x1b[35m", "\x1b[1;31m", "\x1b[1m", "\x1b[0m"],
            Style::Plain | Style::Json => [""; 6],
        };
        let mut line = String::new();
        if let Some(time) = time {
            let _ = write!(line, "{dim}{:>5}.{:06}{plain} ", time.as_secs(), time.subsec_micros());
        }
        let indent = if time.is_some() { 15 } else { 2 };
        line.push_str(&match sender {
            Some(Role::Client) => format!("{client}>{plain} "),
            Some(Role::Server) => format!("{server}<{plain} "),
            None => String::new(),
        });
        match record {
            Record::Request { head, refused } | Record::Response { head, refused, .. } => {
                let lines: Vec<_> = head.lines().map(escaped).collect();
                let _ = write!(line, "{bold}{}{plain}", lines.first().map_or("not HTTP/1", String::as_str));
                for header in lines.iter().skip(1).filter(|line| !line.is_empty()) {
                    let _ = write!(line, "\n{:indent$}{header}", "");
                }
                if let Record::Response { subprotocol, extensions, .. } = record {
                    for (name, value) in [("subprotocol", subprotocol), ("extensions", extensions)] {
                        let Some(value) = value else { continue };
                        let _ = write!(line, "\n{:indent$}{dim}{name} in use:{plain} {}", "", escaped(value));
                    }
                }
                if let Some(why) = refused {
                    let _ = write!(line, "\n{:indent$}{red}refused:{plain} {why}", "");
                }
            }
            Record::Frame(frame) => {
                let _ = write!(line, "{bold}{}{plain}{frame}", frame.opcode);
            }
            Record::Violation { rfc, section, sentence, close_code } => {
                let _ = write!(line, "{red}RFC {rfc} §{section}:{plain} {sentence}, answered with {close_code}");
            }
            Record::Note { text } => {
                let _ = write!(line, "{dim}{text}{plain}");
            }
        }
        writeln!(self.writer, "{line}")
    }
}

/// What stands behind the opcode.
impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(code) = self.code {
            write!(f, " {code}")?;
        }
        if !self.fin {
            f.write_str(", to be continued")?;
        }
        for (bit, name) in [(4, "RSV1"), (2, "RSV2"), (1, "RSV3")] {
            // RSV1 says that the message is compressed, which is said below.
            if self.rsv & bit != 0 && (bit != 4 || self.inflated.is_none()) {
                write!(f, ", {name}")?;
            }
        }
        let size = self.inflated.unwrap_or(self.length);
        write!(f, ", {size} byte{}", if size == 1 { "" } else { "s" })?;
        if self.inflated.is_some() {
            write!(f, ", inflated from {}", self.length)?;
        }
        match &self.payload {
            Payload::Text(text) if text.is_empty() => {}
            Payload::Hex(bytes) if bytes.is_empty() => {}
            Payload::Text(text) => write!(f, ": {text:?}")?,
            Payload::Hex(bytes) => write!(f, ": {}", Hex(bytes))?,
        }
        f.write_str(if self.abbreviated { "…" } else { "" })
    }
}

/// The text with its control characters escaped: a terminal obeys some of them.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '"' | '\'' | '\\' => escaped.push(character),
            _ => escaped.extend(character.escape_debug()),
        }
    }
    escaped
}
