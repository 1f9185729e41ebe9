//! What the decoder has found, as events.

use crate::close_code::CloseCode;
use crate::close_frame::CloseFrame;
use crate::decoder::Content;
use crate::event::Event;
use crate::input::{Buffer, Input};
use crate::opcode::MessageKind;
use crate::payload::Payload;
use crate::text::{NotUtf8, Text, Utf8Bytes};
use crate::violation::Violation;
use bytes::Bytes;
use core::ops::Range;

/// A message that a quick way has found.
#[inline(always)]
pub(in crate::connection) fn message(kind: MessageKind, input: &mut Input, range: Range<usize>) -> Event<'_> {
    plain(kind, Payload::new(&mut input.wire, range))
}

/// A whole message, validated if it is text.
#[inline(always)]
pub(super) fn whole(content: Content, payload: Payload<'_>) -> Event<'_> {
    let Content { kind, reserved } = content;
    match reserved {
        None => plain(kind, payload),
        Some(reserved) => Event::Extension { kind, reserved, payload },
    }
}

/// A whole message without reserved bits.
#[inline(always)]
fn plain(kind: MessageKind, payload: Payload<'_>) -> Event<'_> {
    match kind {
        MessageKind::Text => Event::Text(Text::validated(payload)),
        MessageKind::Binary => Event::Binary(payload),
    }
}

/// A part of a message, validated if it is text.
pub(super) fn part(content: Content, buffer: &mut Buffer, range: Range<usize>, fin: bool) -> Event<'_> {
    let payload = Payload::new(buffer, range);
    let Content { kind, reserved } = content;
    match (reserved, kind) {
        (Some(reserved), _) => Event::ExtensionPart { kind, reserved, payload, fin },
        (None, MessageKind::Text) => Event::TextPart { text: Text::validated(payload), fin },
        (None, MessageKind::Binary) => Event::BinaryPart { data: payload, fin },
    }
}

/// Reads the body of a Close frame (RFC 6455 §5.5.1, §7.4).
pub(super) fn close_frame(body: &[u8]) -> Result<CloseFrame, Violation> {
    let Some((code, reason)) = body.split_first_chunk::<2>() else {
        return if body.is_empty() { Ok(CloseFrame::EMPTY) } else { Err(Violation::CloseBodyTooShort) };
    };
    let (code, reason) = (u16::from_be_bytes(*code), Bytes::copy_from_slice(reason));
    let Some(code) = CloseCode::new(code) else { return Err(Violation::InvalidCloseCode { code, reason }) };
    let reason =
        Utf8Bytes::try_from(reason).map_err(|NotUtf8(reason)| Violation::ReasonNotUtf8 { code: code.get(), reason })?;
    // A control frame has no room for a longer reason than a `CloseFrame` takes.
    CloseFrame::new(code, reason).map_err(|_too_long| Violation::ControlTooLong)
}
