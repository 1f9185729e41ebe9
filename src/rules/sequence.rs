//! What may follow what (RFC 6455 §5.4).

use crate::opcode::{MessageKind, Opcode};
use crate::violation::Violation;

/// Whether a message is under way, in one direction. Control frames change nothing about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sequence {
    /// Between messages.
    Idle,
    /// In the middle of a fragmented message.
    Within(MessageKind),
}

impl Sequence {
    /// The type of the message that a data frame belongs to, and the state after the frame.
    ///
    /// `begins` is the type that the frame's opcode names, or `None` for a continuation.
    #[inline]
    pub(crate) const fn follow(self, begins: Option<MessageKind>, fin: bool) -> Result<(MessageKind, Self), Violation> {
        let kind = match (self, begins) {
            (Self::Idle, Some(kind)) => kind,
            // The type of a message is that of its first frame.
            (Self::Within(kind), None) => kind,
            (Self::Idle, None) => return Err(Violation::NothingToContinue),
            (Self::Within(_), Some(_)) => return Err(Violation::MessageInterrupted),
        };
        Ok((kind, if fin { Self::Idle } else { Self::Within(kind) }))
    }

    /// The opcode of the next frame of a message of this kind.
    pub(crate) const fn opcode(self, kind: MessageKind) -> Opcode {
        match self {
            Self::Idle => kind.opcode(),
            Self::Within(_) => Opcode::Continuation,
        }
    }
}
