//! The receiving half: what the decoder finds becomes words.

use crate::close::{CloseCode, CloseFrame};
use crate::text::Utf8Bytes;
use crate::violation::Violation;
use bytes::Bytes;

/// Reads the body of a Close frame (RFC 6455 §5.5.1, §7.4).
pub(super) fn close_frame(body: &[u8]) -> Result<CloseFrame, Violation> {
    let Some((code, reason)) = body.split_first_chunk::<2>() else {
        return if body.is_empty() { Ok(CloseFrame::EMPTY) } else { Err(Violation::CloseBodyTooShort) };
    };
    let code = CloseCode::new(u16::from_be_bytes(*code)).ok_or(Violation::InvalidCloseCode)?;
    let reason = Utf8Bytes::try_from(Bytes::copy_from_slice(reason)).map_err(|_not_utf8| Violation::ReasonNotUtf8)?;
    // A control frame has no room for a longer reason than a `CloseFrame` takes.
    CloseFrame::new(code, reason).map_err(|_too_long| Violation::ControlTooLong)
}
