//! The next header: what may follow what has come, and what its frame holds.

use super::message::Message;
use super::{Content, Decoded, Decoder, Payload};
use crate::config::Delivery;
use crate::frame::Start;
use crate::input::{Buffer, LARGE, Missing};
use crate::opcode::{MessageKind, Opcode};
use crate::role::Role;
use crate::rules::sequence::Sequence;
use crate::violation::Violation;
use core::ops::Range;

/// A binary message in one frame of up to so many bytes is unmasked when all of it is there.
const WHOLE: u64 = 16 << 10;

impl Decoder {
    /// Reads the next header, and of a control frame all of it.
    #[inline]
    pub(super) fn header(&mut self, input: &mut Buffer) -> Result<Option<Decoded>, Violation> {
        let Some(start) = input.unread().first_chunk().copied().map(Start) else { return Ok(wait(input, 2)) };
        let begins = match self.opcode(start)? {
            Opcode::Continuation => None,
            Opcode::Text => Some(MessageKind::Text),
            Opcode::Binary => Some(MessageKind::Binary),
            Opcode::Close if start.has_length(1) => return Err(Violation::CloseBodyTooShort),
            Opcode::Close => return control(input, start, Decoded::Close),
            Opcode::Ping => return control(input, start, Decoded::Ping),
            Opcode::Pong => return control(input, start, Decoded::Pong),
        };
        self.data(input, start, begins)
    }

    /// What two bytes show is refused on two bytes, before anything else of the frame is waited for.
    #[inline]
    fn opcode(&self, start: Start) -> Result<Opcode, Violation> {
        let opcode = start.opcode();
        // RFC 6455 §5.2: a reserved bit is clear where no extension has given it a meaning. Only the first frame of a message
        // has such bits, as RFC 7692 §6 has it for RSV1.
        let rsv = start.rsv();
        if rsv != 0 && !(self.meanings.has_all(rsv) && matches!(opcode, Ok(Opcode::Text | Opcode::Binary))) {
            return Err(Violation::ReservedBit);
        }
        // RFC 6455 §5.1: clients mask, servers do not.
        match (self.role, start.masked()) {
            (Role::Server, true) | (Role::Client, false) => opcode,
            (Role::Server, false) => opcode.and(Err(Violation::NotMasked)),
            (Role::Client, true) => opcode.and(Err(Violation::Masked)),
        }
    }

    /// Begins a data frame, and takes in what has come of its payload.
    #[inline]
    fn data(
        &mut self,
        input: &mut Buffer,
        start: Start,
        begins: Option<MessageKind>,
    ) -> Result<Option<Decoded>, Violation> {
        let (kind, sequence) = self.sequence.follow(begins, start.fin())?;
        let (length, fragments, compressed, reserved) = if begins.is_some() {
            let (compressed, reserved) = self.meanings.read(start.rsv());
            (0, 0, compressed, reserved)
        } else {
            let Message { length, fragments, compressed, content } = self.message;
            (length, fragments, compressed, content.reserved)
        };
        let fragments = self.limits.fragment(fragments)?;
        let header = input.unread();
        let Some(left) = start.payload_length(header)? else { return Ok(wait(input, start.key_offset())) };
        let length = self.limits.length(length, left, compressed)?;
        let Some(key) = start.masking_key(header) else { return Ok(wait(input, start.size())) };
        let available = header.len();
        if left >= LARGE {
            input.note_large();
        }
        // Nothing can be wrong with a binary message that begins and ends here, so a small one is left alone until all of it
        // is there.
        let is_whole = begins == Some(MessageKind::Binary) && sequence == Sequence::Idle && !compressed;
        if is_whole && self.delivery == Delivery::Messages && left <= WHOLE {
            let size = start.size() + usize::try_from(left).unwrap_or(usize::MAX);
            if available < size {
                return Ok(wait(input, size));
            }
        }
        self.message = Message { length, fragments, content: Content { kind, reserved }, compressed };
        self.sequence = sequence;
        self.payload = Payload { left, key, is_under_way: true };
        input.skip(start.size());
        input.begin();
        self.payload(input)
    }
}

/// Nothing more is found until `count` bytes are there.
fn wait(input: &mut Buffer, count: usize) -> Option<Decoded> {
    let bytes = count.saturating_sub(input.unread().len()) as u64;
    input.wait_for(count);
    Some(Decoded::NeedMore(Missing { bytes, ends_message: false }))
}

/// Reads a control frame, once all of it is there. A message under way keeps its place in front of it.
fn control(input: &mut Buffer, start: Start, found: fn(Range<usize>) -> Decoded) -> Result<Option<Decoded>, Violation> {
    let header = input.unread();
    let (Some(length), Some(key)) = (start.payload_length(header)?, start.masking_key(header)) else {
        return Ok(wait(input, start.size()));
    };
    // A control frame's length is at most 125.
    let length = usize::try_from(length).unwrap_or(usize::MAX / 2);
    let size = start.size() + length;
    let Some(payload) = input.unread_mut().get_mut(start.size()..size) else { return Ok(wait(input, size)) };
    if let Some(key) = key {
        key.apply(payload);
    }
    Ok(Some(found(input.pass(start.size(), length))))
}
