//! Why a connection does not serve for another request.

/// Why another request cannot be sent on the same connection. A new one is needed then, unless it is [`Body`](Self::Body).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum RetryError {
    /// There is no response yet, or it did not decline, or it was not valid.
    #[error("the request has not been declined")]
    NotDeclined,
    /// The connection ends with the response: the server closes it (RFC 9112 §9.3), or the body does not end before that, or
    /// cannot be received, or the response may be understood in two ways (RFC 9112 §6.3).
    #[error("the connection ends with this response (RFC 9112 §9.3)")]
    ConnectionEnds,
    /// The body has to be received to its end first.
    #[error("the body of the response has to be received to its end first")]
    Body,
    /// Bytes have come behind the response, which answer nothing (RFC 9112 §9.2).
    #[error("bytes have come that belong to no request (RFC 9112 §9.2)")]
    UnexpectedBytes,
}
