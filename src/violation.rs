//! What a peer can do wrong once the handshake is over.

use crate::close_code::CloseCode;
use bytes::Bytes;

/// What the peer did wrong: the reason why a connection was failed (RFC 6455 §7.1.7).
///
/// [`section`](Violation::section) names the rule, [`close_code`](Violation::close_code) is what the Close frame said,
/// and [`reason`](Violation::reason), which is also the `Display`, is the text it carried.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{}", self.reason())]
#[non_exhaustive]
pub enum Violation {
    /// A reserved bit is set where no extension has given it a meaning.
    ReservedBit,
    /// An opcode that RFC 6455 reserves, 3–7 or 11–15.
    ReservedOpcode(u8),
    /// A Close, Ping or Pong without FIN.
    FragmentedControl,
    /// A Close, Ping or Pong that claims more than 125 bytes.
    ControlTooLong,
    /// A frame from a client without a mask.
    NotMasked,
    /// A frame from a server with a mask.
    Masked,
    /// This length, in more bytes than it needs.
    LengthNotMinimal(u64),
    /// This length, which takes 64 bits and has the top one set.
    LengthTopBit(u64),
    /// A continuation while no message is under way.
    NothingToContinue,
    /// A new text or binary frame while a message is under way.
    MessageInterrupted,
    /// A frame that claims so many bytes, above [`Config::max_frame`](crate::Config::max_frame).
    FrameTooBig(u64),
    /// A message above [`Config::max_message`](crate::Config::max_message): so many bytes by what the headers of its frames
    /// claim; of a compressed one, those that have been inflated until the limit was passed.
    MessageTooBig(u64),
    /// A message of more frames than [`Config::max_fragments`](crate::Config::max_fragments).
    TooManyFragments,
    /// Text that is not UTF-8.
    TextNotUtf8,
    /// A Close frame whose body is one byte.
    CloseBodyTooShort,
    /// A Close frame whose code may not travel.
    InvalidCloseCode {
        /// The code.
        code: u16,
        /// The reason as it came, which may not even be UTF-8; at most 123 bytes.
        reason: Bytes,
    },
    /// A Close frame whose reason is not UTF-8.
    ReasonNotUtf8 {
        /// The close code.
        code: u16,
        /// The reason as it came, at most 123 bytes.
        reason: Bytes,
    },
    /// A compressed message that is not DEFLATE, or ends in the middle of a block.
    CorruptDeflate,
    /// Thousands of final blocks in compressed messages that take less than 16 bytes each. Going on behind one costs
    /// more time than so few bytes are worth; four in each message are no violation.
    TooManyFinalBlocks,
}

impl Violation {
    /// The code that the connection is failed with: 1002, 1007 or 1009.
    pub const fn close_code(&self) -> CloseCode {
        match self {
            Self::ReservedBit
            | Self::ReservedOpcode(_)
            | Self::FragmentedControl
            | Self::ControlTooLong
            | Self::NotMasked
            | Self::Masked
            | Self::LengthNotMinimal(_)
            | Self::LengthTopBit(_)
            | Self::NothingToContinue
            | Self::MessageInterrupted
            | Self::CloseBodyTooShort
            | Self::InvalidCloseCode { .. } => CloseCode::PROTOCOL_ERROR,
            Self::FrameTooBig(_) | Self::MessageTooBig(_) | Self::TooManyFragments | Self::TooManyFinalBlocks => {
                CloseCode::MESSAGE_TOO_BIG
            }
            Self::TextNotUtf8 | Self::ReasonNotUtf8 { .. } | Self::CorruptDeflate => CloseCode::INVALID_PAYLOAD,
        }
    }

    /// The number of the RFC that was violated: 7692 for compressed data that is corrupt, otherwise 6455.
    pub const fn rfc(&self) -> u16 {
        if matches!(self, Self::CorruptDeflate) { 7692 } else { 6455 }
    }

    /// The section of that [`rfc`](Violation::rfc).
    pub const fn section(&self) -> &'static str {
        match self {
            Self::ReservedBit | Self::ReservedOpcode(_) | Self::LengthNotMinimal(_) | Self::LengthTopBit(_) => "5.2",
            Self::FragmentedControl | Self::ControlTooLong => "5.5",
            Self::NotMasked | Self::Masked => "5.1",
            Self::NothingToContinue | Self::MessageInterrupted => "5.4",
            Self::FrameTooBig(_) | Self::MessageTooBig(_) | Self::TooManyFragments | Self::TooManyFinalBlocks => "10.4",
            Self::TextNotUtf8 => "5.6",
            Self::CloseBodyTooShort => "5.5.1",
            Self::InvalidCloseCode { .. } => "7.4",
            Self::ReasonNotUtf8 { .. } => "8.1",
            Self::CorruptDeflate => "7.2.2",
        }
    }

    /// What was wrong, in a few words: the reason that the Close frame gives.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::ReservedBit => "reserved bit set without a meaning",
            Self::ReservedOpcode(_) => "reserved opcode",
            Self::FragmentedControl => "fragmented control frame",
            Self::ControlTooLong => "control frame longer than 125 bytes",
            Self::NotMasked => "frame from client not masked",
            Self::Masked => "frame from server masked",
            Self::LengthNotMinimal(_) => "length not minimally encoded",
            Self::LengthTopBit(_) => "length of 2^63 or more",
            Self::NothingToContinue => "continuation without a message",
            Self::MessageInterrupted => "new message before the last one ended",
            Self::FrameTooBig(_) => "frame too big",
            Self::MessageTooBig(_) => "message too big",
            Self::TooManyFragments => "message in too many fragments",
            Self::TextNotUtf8 => "text is not UTF-8",
            Self::CloseBodyTooShort => "close body of one byte",
            Self::InvalidCloseCode { .. } => "invalid close code",
            Self::ReasonNotUtf8 { .. } => "close reason is not UTF-8",
            Self::CorruptDeflate => "compressed data is corrupt",
            Self::TooManyFinalBlocks => "too many final blocks in compressed data",
        }
    }
}
