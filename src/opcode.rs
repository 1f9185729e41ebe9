//! What a frame is: the four bits of RFC 6455 §5.2 that say so.

/// The kind of a frame (RFC 6455 §5.2). Reserved values cannot be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "no other opcode is received: RFC 6455 §5.2 reserves them")]
pub enum Opcode {
    /// `0x0`: more of the message that is under way.
    Continuation,
    /// `0x1`: the first frame of a text message.
    Text,
    /// `0x2`: the first frame of a binary message.
    Binary,
    /// `0x8`: the closing handshake.
    Close,
    /// `0x9`: asks for a Pong.
    Ping,
    /// `0xA`: answers a Ping, or comes unasked.
    Pong,
}

impl Opcode {
    /// The opcode that four bits stand for; `None` for the reserved values 3–7 and 11–15, and above 15.
    pub const fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            0x0 => Some(Self::Continuation),
            0x1 => Some(Self::Text),
            0x2 => Some(Self::Binary),
            0x8 => Some(Self::Close),
            0x9 => Some(Self::Ping),
            0xA => Some(Self::Pong),
            _ => None,
        }
    }

    /// The four bits on the wire.
    pub const fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xA,
        }
    }

    /// Whether this is a Close, Ping or Pong (RFC 6455 §5.5).
    pub const fn is_control(self) -> bool {
        match self {
            Self::Close | Self::Ping | Self::Pong => true,
            Self::Continuation | Self::Text | Self::Binary => false,
        }
    }
}

/// The type of a message, given by the opcode of its first frame (RFC 6455 §5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "RFC 6455 §5.6 has two types of messages")]
pub enum MessageKind {
    /// UTF-8 text.
    Text,
    /// Opaque bytes.
    Binary,
}

impl MessageKind {
    /// The opcode of the first frame of such a message.
    pub const fn opcode(self) -> Opcode {
        match self {
            Self::Text => Opcode::Text,
            Self::Binary => Opcode::Binary,
        }
    }
}
