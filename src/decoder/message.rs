//! The message under way, by its headers.

use crate::opcode::MessageKind;

/// The message that the current frame belongs to, or the last one. Length and fragments are what the headers so far have
/// claimed, and never above the limits that held when each of them came.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) length: u64,
    pub(super) fragments: u32,
    pub(super) kind: MessageKind,
    pub(super) compressed: bool,
}

impl Message {
    /// Before the first one.
    pub(super) const NONE: Self = Self { length: 0, fragments: 0, kind: MessageKind::Binary, compressed: false };

    /// Whether its bytes on the wire are UTF-8. RFC 7692 §6.1: of a compressed one, what it inflates to is.
    #[inline]
    pub(super) fn is_text(&self) -> bool {
        self.kind == MessageKind::Text && !self.compressed
    }
}

#[cfg(test)]
mod tests {
    use super::{Message, MessageKind};

    #[test]
    fn only_text_that_came_as_it_is_is_validated_on_the_wire() {
        let message = |kind, compressed| Message { kind, compressed, ..Message::NONE };
        assert!(message(MessageKind::Text, false).is_text());
        assert!(!message(MessageKind::Text, true).is_text());
        assert!(!message(MessageKind::Binary, false).is_text());
        assert!(!Message::NONE.is_text());
    }
}
