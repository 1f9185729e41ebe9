//! The message under way, by its headers.

use crate::opcode::MessageKind;
use crate::reserved_bits::ReservedBits;

/// What a message is made of: text or binary data by its kind, or what an extension of the application's makes of it, where
/// its first frame has reserved bits set that are not compression's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) kind: MessageKind,
    pub(crate) reserved: Option<ReservedBits>,
}

impl Content {
    /// Whether it is UTF-8. What it is with reserved bits, only the extension knows (RFC 6455 §5.2).
    #[inline]
    pub(crate) fn is_text(self) -> bool {
        self.kind == MessageKind::Text && self.reserved.is_none()
    }
}

/// The message that the current frame belongs to, or the last one. Length and fragments are what the headers so far have
/// claimed, and never above the limits that held when each of them came.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) length: u64,
    pub(super) fragments: u32,
    pub(super) content: Content,
    pub(super) compressed: bool,
}

impl Message {
    /// Before the first one.
    pub(super) const NONE: Self = Self {
        length: 0,
        fragments: 0,
        content: Content { kind: MessageKind::Binary, reserved: None },
        compressed: false,
    };

    /// Whether its bytes on the wire are UTF-8. RFC 7692 §6.1: of a compressed one, what it inflates to is.
    #[inline]
    pub(super) fn is_text(&self) -> bool {
        self.content.is_text() && !self.compressed
    }
}

#[cfg(test)]
mod tests {
    use super::{Content, Message, MessageKind, ReservedBits};

    #[test]
    fn only_text_that_came_as_it_is_is_validated_on_the_wire() {
        let message = |kind, reserved, compressed| {
            let content = Content { kind, reserved };
            Message { content, compressed, ..Message::NONE }
        };
        assert!(message(MessageKind::Text, None, false).is_text());
        assert!(!message(MessageKind::Text, None, true).is_text());
        assert!(!message(MessageKind::Text, Some(ReservedBits::RSV3), false).is_text());
        assert!(!message(MessageKind::Binary, None, false).is_text());
        assert!(!Message::NONE.is_text());
    }
}
