//! The server's response, and what accepting and declining hand over.

use crate::connection::Connection;
use crate::handshake::head::Headers;
use alloc::string::String;
use bytes::Bytes;
use core::fmt;

/// The server accepted the handshake.
#[derive(Debug)]
#[non_exhaustive]
pub struct Accepted {
    /// The connection.
    pub connection: Connection,
    /// The head of the server's response.
    pub response: ResponseHead,
    /// The subprotocol in use, one of those that the request lists; `None` if the server chose none.
    pub subprotocol: Option<String>,
}

/// A valid HTTP response other than 101.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the server answered with status {}", self.response.status)]
#[non_exhaustive]
pub struct Declined {
    /// Status and headers.
    pub response: ResponseHead,
    /// The bytes of the body that had arrived with the head, as they were on the wire; more may follow.
    pub body: Bytes,
}

/// A response's head: status and headers, as received. It is owned; a clone shares the memory.
#[derive(Clone)]
pub struct ResponseHead {
    bytes: Bytes,
    status: u16,
    headers_start: usize,
}

impl ResponseHead {
    pub(super) const fn new(bytes: Bytes, status: u16, headers_start: usize) -> Self {
        Self { bytes, status, headers_start }
    }

    /// The status code.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The value of the first header line of this name, compared without regard to case.
    ///
    /// *Complexity*: linear in the head.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers().next_named(name)
    }

    /// All header lines, in order.
    pub fn headers(&self) -> Headers<'_> {
        Headers::new(&self.bytes, self.headers_start)
    }
}

impl fmt::Debug for ResponseHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseHead").field("status", &self.status).finish_non_exhaustive()
    }
}
