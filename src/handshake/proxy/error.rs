//! Why there is no tunnel.

use crate::handshake::client::{Flaw, ResponseHead};

/// The proxy has not opened a tunnel.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It answered with a status outside 200 to 299, such as 407 (it asks for credentials) or 502 (it does not reach the
    /// server). The body is what the proxy says, not the server, and a redirect of a proxy is not to be followed.
    #[error("the proxy answered with status {}", .0.status())]
    Declined(ResponseHead),
    /// Its answer is not valid HTTP, or exceeds a limit.
    #[error("{0}")]
    Invalid(Flaw),
}
