//! Which end of the connection this is.

/// Which end of the connection this is.
///
/// The role decides who masks (RFC 6455 §5.1) and who closes the transport first (RFC 6455 §7.1.1);
/// nothing else in the protocol depends on it once the handshake is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "a connection has two ends")]
pub enum Role {
    /// Masks every frame it sends and refuses masked frames.
    Client,
    /// Never masks, and refuses frames without a mask.
    Server,
}

#[cfg(feature = "deflate")]
impl Role {
    /// The other end.
    pub(crate) const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}
