//! Why a connection ends, as a number (RFC 6455 §7.4).

use core::fmt;

/// A close code that may travel in a Close frame (RFC 6455 §7.4): 1000–1003, 1007–1014 and 3000–4999.
///
/// What cannot be sent cannot be built: 1004, 1005, 1006, 1015, the unassigned rest of 1016–2999, and anything below
/// 1000 or above 4999 have no `CloseCode`. Received codes are passed on as they came, never rewritten.
///
/// ```
/// use ws_proto::CloseCode;
///
/// assert_eq!(CloseCode::new(1000), Some(CloseCode::NORMAL));
/// assert_eq!(CloseCode::new(4321).map(u16::from), Some(4321));
/// assert_eq!(CloseCode::new(1006), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: the purpose of the connection is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// 1001: the endpoint goes away: a server shuts down, a page is left.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// 1003: a kind of data this endpoint cannot accept.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// 1007: data that does not fit its message's type, such as text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// 1008: a policy of this endpoint was violated; the refusal to use when no other code fits.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// 1009: a message too big to process.
    pub const MESSAGE_TOO_BIG: Self = Self(1009);
    /// 1010: a client misses an extension that the server did not agree to. Only a client sends it, and a server at
    /// most repeats it in its answer.
    pub const MANDATORY_EXTENSION: Self = Self(1010);
    /// 1011: something unexpected keeps the endpoint from fulfilling the request.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// 1012: the service restarts (registered with IANA).
    pub const SERVICE_RESTART: Self = Self(1012);
    /// 1013: the service is overloaded; try again later (registered with IANA).
    pub const TRY_AGAIN_LATER: Self = Self(1013);
    /// 1014: a gateway received an invalid response from upstream (registered with IANA).
    pub const BAD_GATEWAY: Self = Self(1014);

    /// The code for a number, or `None` when that number may not travel in a Close frame.
    pub const fn new(code: u16) -> Option<Self> {
        match code {
            // RFC 6455 §7.4.1 and the IANA registry; 1004 has no meaning, 1005, 1006 and 1015 never travel.
            1000..=1003 | 1007..=1014 => Some(Self(code)),
            // RFC 6455 §7.4.2: libraries and frameworks, then private use.
            3000..=4999 => Some(Self(code)),
            _ => None,
        }
    }

    /// The number on the wire.
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// The number may not travel in a Close frame (RFC 6455 §7.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{0} may not travel in a Close frame (RFC 6455 §7.4)")]
pub struct InvalidCloseCode(
    /// The refused number.
    pub u16,
);

impl TryFrom<u16> for CloseCode {
    type Error = InvalidCloseCode;

    fn try_from(code: u16) -> Result<Self, InvalidCloseCode> {
        Self::new(code).ok_or(InvalidCloseCode(code))
    }
}

impl PartialEq<u16> for CloseCode {
    fn eq(&self, other: &u16) -> bool {
        self.0 == *other
    }
}

impl PartialEq<CloseCode> for u16 {
    fn eq(&self, other: &CloseCode) -> bool {
        *self == other.0
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        code.0
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloseCode({})", self.0)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
