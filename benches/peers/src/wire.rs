//! What is sent and received: payloads, frames, and the pieces they are read in.

use bytes::Bytes;
use std::fmt;
use std::rc::Rc;
use ws_proto::Opcode;
use ws_proto::frame::{FrameHeader, MaskingKey};

const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// So many bytes of messages lie on a wire before it begins anew, if they are not larger than that themselves.
const BATCH: usize = 64 << 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Server,
    Client,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server => "server",
            Self::Client => "client",
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Binary,
}

/// What a message is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    Binary,
    Ascii,
    /// CJK and emoji: three and four bytes a code point.
    Wide,
}

impl Content {
    pub const ALL: [Self; 3] = [Self::Binary, Self::Ascii, Self::Wide];

    pub fn kind(self) -> Kind {
        if self == Self::Binary { Kind::Binary } else { Kind::Text }
    }

    /// A payload of exactly so many bytes.
    pub fn payload(self, size: usize) -> Bytes {
        match self {
            Self::Binary => (0..size).map(|at| ((at * 167) >> 3) as u8).collect(),
            Self::Ascii => filled("The quick brown fox jumps over the lazy dog. ", size),
            Self::Wide => filled("日本語のテキストと絵文字🦀🎉", size),
        }
    }
}

/// The sample over and over; what does not fit at the end is plain letters.
fn filled(sample: &str, size: usize) -> Bytes {
    let mut text = sample.repeat(size / sample.len());
    text.extend(sample.chars().scan(text.len(), |length, char| {
        *length += char.len_utf8();
        (*length <= size).then_some(char)
    }));
    text.extend(std::iter::repeat_n('a', size - text.len()));
    text.into()
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Binary => "binary",
            Self::Ascii => "ASCII",
            Self::Wide => "CJK+emoji",
        })
    }
}

/// How much a read gives at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// All that lies on the wire.
    Whole,
    UpTo(usize),
}

impl Reads {
    pub const ALL: [Self; 3] = [Self::Whole, Self::UpTo(64 << 10), Self::UpTo(4 << 10)];
}

impl fmt::Display for Reads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("one chunk"),
            Self::UpTo(size) => write!(f, "{} reads", Size(*size)),
        }
    }
}

/// A number of bytes, as it is read best.
pub struct Size(pub usize);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            mib if mib >= 1 << 20 && mib % (1 << 20) == 0 => write!(f, "{} MiB", mib >> 20),
            kib if kib >= 1 << 10 && kib % (1 << 10) == 0 => write!(f, "{} KiB", kib >> 10),
            kib if kib >= 1 << 10 => write!(f, "{} KiB + {} B", kib >> 10, kib % (1 << 10)),
            bytes => write!(f, "{bytes} B"),
        }
    }
}

/// Bytes that come from the other side over and over, and how they are read.
#[derive(Clone)]
pub struct Incoming {
    /// Who receives them.
    pub role: Role,
    pub bytes: Rc<[u8]>,
    /// Bytes a read gives at most.
    pub per_read: usize,
    /// Messages in `bytes`.
    pub messages: usize,
    /// The largest message in bytes.
    pub largest: usize,
}

impl Incoming {
    /// Whole messages in one frame each.
    pub fn messages(role: Role, content: Content, size: usize, reads: Reads) -> Self {
        let messages = (BATCH / (size + 6)).max(1);
        let frame = frames(role, content, &content.payload(size), size);
        Self::new(role, frame.repeat(messages), reads, messages, size)
    }

    /// A message in fragments of so many bytes.
    pub fn fragments(role: Role, content: Content, size: usize, fragment: usize, reads: Reads) -> Self {
        Self::new(role, frames(role, content, &content.payload(size), fragment), reads, 1, size)
    }

    /// A server's, of text: one message after the other, compressed with those before it in the window.
    pub fn compressed(payloads: &[Vec<u8>], largest: usize) -> Self {
        let mut wire = Vec::new();
        for payload in payloads {
            // RFC 7692 §7.2.1: the end of the last block is not sent.
            let payload = payload.strip_suffix(&[0, 0, 0xFF, 0xFF]).expect("it is flushed");
            let start = wire.len();
            wire.extend(frames(Role::Server, Content::Ascii, payload, payload.len()));
            wire[start] |= 0x40;
        }
        Self::new(Role::Server, wire, Reads::Whole, payloads.len(), largest)
    }

    /// Bytes that hold one message.
    pub fn once(role: Role, bytes: Vec<u8>, size: usize, reads: Reads) -> Self {
        Self::new(role, bytes, reads, 1, size)
    }

    fn new(role: Role, bytes: Vec<u8>, reads: Reads, messages: usize, largest: usize) -> Self {
        let per_read = match reads {
            Reads::Whole => bytes.len(),
            Reads::UpTo(size) => size.min(bytes.len()),
        };
        Self { role, bytes: bytes.into(), per_read, messages, largest }
    }
}

/// One message as the other side of `receiver` sends it.
pub fn frames(receiver: Role, content: Content, payload: &[u8], fragment: usize) -> Vec<u8> {
    let masking_key = (receiver == Role::Server).then_some(MaskingKey::new(KEY));
    let mut wire = Vec::new();
    for start in (0..payload.len().max(1)).step_by(fragment.max(1)) {
        let piece = &payload[start..payload.len().min(start + fragment)];
        let opcode = match (start, content.kind()) {
            (0, Kind::Text) => Opcode::Text,
            (0, Kind::Binary) => Opcode::Binary,
            _ => Opcode::Continuation,
        };
        let fin = start + fragment >= payload.len();
        let header = FrameHeader { fin, rsv: 0, opcode, masking_key, payload_length: piece.len() as u64 };
        wire.extend_from_slice(header.encode().as_ref());
        let from = wire.len();
        wire.extend_from_slice(piece);
        if let Some(key) = masking_key {
            key.apply(&mut wire[from..]);
        }
    }
    wire
}
