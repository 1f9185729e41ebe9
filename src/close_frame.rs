//! The body of a Close frame (RFC 6455 §5.5.1).

use crate::close_code::CloseCode;
use crate::text::Utf8Bytes;
use core::fmt;

/// A Close frame: empty, or a code with a reason of at most [`CloseFrame::MAX_REASON`] bytes (RFC 6455 §5.5.1).
///
/// ```
/// use ws_proto::{CloseCode, CloseFrame};
///
/// let frame = CloseFrame::new(CloseCode::GOING_AWAY, "back at noon")?;
/// assert_eq!(frame.code(), Some(CloseCode::GOING_AWAY));
/// assert_eq!(frame.reason(), "back at noon");
/// assert_eq!(CloseFrame::EMPTY.code(), None);
/// # Ok::<(), ws_proto::ReasonTooLong>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CloseFrame {
    code: Option<CloseCode>,
    /// Empty when there is no code.
    reason: Utf8Bytes,
}

impl CloseFrame {
    /// A Close frame without a body; its receiver reads it as 1005 (RFC 6455 §7.1.5).
    pub const EMPTY: Self = Self { code: None, reason: Utf8Bytes::EMPTY };

    /// The longest reason in bytes: a control frame holds 125 (RFC 6455 §5.5), the code takes two.
    pub const MAX_REASON: usize = 123;

    /// A Close frame with a code and a reason, which may be empty.
    ///
    /// # Errors
    /// [`ReasonTooLong`] if the reason has more than [`CloseFrame::MAX_REASON`] bytes.
    pub fn new(code: CloseCode, reason: impl Into<Utf8Bytes>) -> Result<Self, ReasonTooLong> {
        let reason = reason.into();
        if reason.len() > Self::MAX_REASON {
            return Err(ReasonTooLong { length: reason.len() });
        }
        Ok(Self { code: Some(code), reason })
    }

    /// A Close frame with a code and as much of a reason as fits: a longer one is cut where a character ends.
    ///
    /// ```
    /// use ws_proto::{CloseCode, CloseFrame};
    ///
    /// let frame = CloseFrame::truncated(CloseCode::POLICY_VIOLATION, "é".repeat(100));
    /// assert_eq!(frame.reason(), "é".repeat(61));
    /// ```
    pub fn truncated(code: CloseCode, reason: impl Into<Utf8Bytes>) -> Self {
        let reason = reason.into();
        if reason.len() <= Self::MAX_REASON {
            return Self { code: Some(code), reason };
        }
        let end = (0..=Self::MAX_REASON).rev().find(|&end| reason.is_char_boundary(end));
        Self { code: Some(code), reason: end.and_then(|end| reason.get(..end)).unwrap_or_default().into() }
    }

    /// The close code; `None` when the frame has no body.
    pub const fn code(&self) -> Option<CloseCode> {
        self.code
    }

    /// The reason; empty when there is none. It is meant for people who debug, not for users (RFC 6455 §5.5.1).
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// The code and the reason: `1001 "back at noon"`; 1005 where the frame has no body (RFC 6455 §7.1.5).
impl fmt::Display for CloseFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.map_or(1005, u16::from);
        if self.reason.is_empty() { write!(f, "{code}") } else { write!(f, "{code} {:?}", self.reason) }
    }
}

impl From<CloseCode> for CloseFrame {
    fn from(code: CloseCode) -> Self {
        Self { code: Some(code), reason: Utf8Bytes::EMPTY }
    }
}

/// [`CloseFrame::EMPTY`] for `None`.
impl From<Option<Self>> for CloseFrame {
    fn from(frame: Option<Self>) -> Self {
        frame.unwrap_or(Self::EMPTY)
    }
}

/// A code and a reason, of which as much is taken as fits ([`CloseFrame::truncated`]).
///
/// ```
/// use ws_proto::{CloseCode, Config, Connection};
///
/// let mut ws = Connection::server(&Config::new());
/// ws.close((CloseCode::GOING_AWAY, "back at noon"))?;
/// # Ok::<(), ws_proto::SendError>(())
/// ```
impl<R: Into<Utf8Bytes>> From<(CloseCode, R)> for CloseFrame {
    fn from((code, reason): (CloseCode, R)) -> Self {
        Self::truncated(code, reason)
    }
}

/// The reason does not fit a Close frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a close reason of {length} bytes is longer than {max} (RFC 6455 §5.5)", max = CloseFrame::MAX_REASON)]
#[non_exhaustive]
pub struct ReasonTooLong {
    /// The length of the refused reason in bytes.
    pub length: usize,
}
