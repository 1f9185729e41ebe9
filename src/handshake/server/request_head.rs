//! A request's head: method, target and headers, as received.

use crate::handshake::head::Headers;
use bytes::Bytes;
use core::{fmt, str};

/// A request's head: method, target and headers, as received. It is owned; a clone shares the memory.
#[derive(Clone)]
pub struct RequestHead {
    bytes: Bytes,
    method_end: usize,
    target_end: usize,
    headers_start: usize,
}

impl RequestHead {
    /// A head of HTTP/1, whose first line has a method and a target of these lengths.
    pub(super) const fn of_http_1(bytes: Bytes, method: usize, target: usize) -> Self {
        // The parser takes no other form than "METHOD target HTTP/1.1", and a server no other end of a line than CRLF.
        Self::new(bytes, method, target, method + target + 12)
    }

    /// A head that begins with a method, a space and a target, and whose header lines begin at `headers_start`.
    pub(super) const fn new(bytes: Bytes, method: usize, target: usize, headers_start: usize) -> Self {
        Self { bytes, method_end: method, target_end: method + 1 + target, headers_start }
    }

    /// The method.
    pub fn method(&self) -> &str {
        self.text(0, self.method_end)
    }

    /// The request target as received: a path with a query, or an absolute URI. For an extended CONNECT it is the absolute
    /// URI of `:scheme`, `:authority` and `:path`.
    pub fn target(&self) -> &str {
        self.text(self.method_end + 1, self.target_end)
    }

    /// The path of the target; `/` if it is empty. It is not decoded, and may contain any visible ASCII character.
    pub fn path(&self) -> &str {
        let resource = split_target(self.target()).1;
        match resource.split('?').next() {
            None | Some("") => "/",
            Some(path) => path,
        }
    }

    /// The query of the target, without its `?`.
    pub fn query(&self) -> Option<&str> {
        self.target().split_once('?').map(|(_, query)| query)
    }

    /// The value of the first header line of this name, compared without regard to case.
    ///
    /// *Complexity*: linear in the head.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers().next_named(name)
    }

    /// The value of the first header line of this name as text; `None` if there is no such line, or if its value is not
    /// UTF-8 ([`header`](Self::header) returns it then).
    ///
    /// ```
    /// use ws_proto::handshake::server::Request;
    ///
    /// fn bearer_token(request: &Request) -> Option<&str> {
    ///     request.header_str("Authorization")?.strip_prefix("Bearer ")
    /// }
    /// ```
    ///
    /// *Complexity*: linear in the head.
    pub fn header_str(&self, name: &str) -> Option<&str> {
        self.header(name).and_then(|value| str::from_utf8(value).ok())
    }

    /// All header lines, in order.
    pub fn headers(&self) -> Headers<'_> {
        Headers::new(&self.bytes, self.headers_start)
    }

    /// The authority of the target, if that is an absolute URI.
    pub(super) fn authority(&self) -> Option<&str> {
        split_target(self.target()).0
    }

    fn text(&self, start: usize, end: usize) -> &str {
        self.bytes.get(start..end).and_then(|bytes| str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

/// Shows nothing of the query, of a fragment, which has no place there, and of the headers' values.
impl fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", &self.method())
            .field("path", &self.path().split('#').next().filter(|path| path.starts_with('/')).unwrap_or("(no path)"))
            .field("headers", &self.headers())
            .finish_non_exhaustive()
    }
}

/// The authority of an absolute target, and the path and query.
pub(super) fn split_target(target: &str) -> (Option<&str>, &str) {
    match target.split_once("://") {
        Some((_, rest)) if !target.starts_with('/') => {
            let (authority, resource) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
            (Some(authority), resource)
        }
        _ => (None, target),
    }
}
