//! Who closes when (RFC 6455 §5.5.1, §7.1).

/// How far the connection is on its way to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closing {
    /// Neither side has sent a Close frame.
    Open,
    /// This side has sent its Close frame.
    Sent,
    /// The peer has sent its Close frame, and this side has not answered yet.
    Received,
    /// Both Close frames have gone.
    Agreed,
    /// The peer broke the protocol.
    Failed,
    /// The transport ended first.
    Ended,
    /// This side waits no longer for the peer.
    GaveUp,
}

impl Closing {
    /// This side sends its Close frame.
    #[must_use]
    pub(crate) const fn send(self) -> Self {
        match self {
            Self::Open => Self::Sent,
            Self::Received => Self::Agreed,
            Self::Sent | Self::Agreed | Self::Failed | Self::Ended | Self::GaveUp => self,
        }
    }

    /// The peer's Close frame arrives.
    #[must_use]
    pub(crate) const fn receive(self) -> Self {
        match self {
            Self::Open => Self::Received,
            Self::Sent => Self::Agreed,
            Self::Received | Self::Agreed | Self::Failed | Self::Ended | Self::GaveUp => self,
        }
    }

    /// The transport has nothing more to give.
    #[must_use]
    pub(crate) const fn end(self) -> Self {
        match self {
            Self::Open | Self::Sent | Self::Received => Self::Ended,
            Self::Agreed | Self::Failed | Self::Ended | Self::GaveUp => self,
        }
    }

    /// This side waits no longer, or the peer has sent more than it may.
    #[must_use]
    pub(crate) const fn give_up(self) -> Self {
        match self {
            Self::Open | Self::Sent | Self::Received => Self::GaveUp,
            Self::Agreed | Self::Failed | Self::Ended | Self::GaveUp => self,
        }
    }

    /// Whether nothing more can happen but that the transport is closed.
    pub(crate) const fn is_over(self) -> bool {
        match self {
            Self::Open | Self::Sent | Self::Received => false,
            Self::Agreed | Self::Failed | Self::Ended | Self::GaveUp => true,
        }
    }

    /// Whether messages and Pings may be sent: until one's own Close (RFC 6455 §5.5.1). After the peer's Close a
    /// message that has begun may still be finished.
    #[inline]
    pub(crate) const fn may_send(self) -> bool {
        matches!(self, Self::Open | Self::Received)
    }

    /// Whether a Pong may be sent: RFC 6455 §5.5.2 asks for an answer to a Ping until the peer's Close has come.
    pub(crate) const fn may_pong(self) -> bool {
        matches!(self, Self::Open | Self::Sent)
    }

    /// Whether a Close frame may be sent: once, while there is somebody to read it.
    pub(crate) const fn may_close(self) -> bool {
        matches!(self, Self::Open | Self::Received)
    }
}
