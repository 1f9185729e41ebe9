//! Which pages may connect: the defence against cross-site WebSocket hijacking (RFC 6455 §10.2).

use super::build::BuildError;
use super::server::{Request, Response};
use super::uri::{parse_port, split_authority};
use alloc::{string::String, vec::Vec};

/// Which `Origin` a server accepts. Browsers send the header and let no page forge it; other clients can say what they
/// like (RFC 6455 §10.1).
///
/// ```
/// use ws_proto::handshake::OriginPolicy;
/// use ws_proto::handshake::server::{Request, Response};
///
/// fn admit(request: &Request, policy: &OriginPolicy) -> Result<(), Response> {
///     policy.check(request) // the error is a 403, ready to be sent
/// }
///
/// let policy = OriginPolicy::new().same_origin().allow("https://app.example.com")?;
/// # Ok::<(), ws_proto::handshake::BuildError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OriginPolicy {
    same_origin: bool,
    without_origin: bool,
    allowed: Vec<String>,
}

impl OriginPolicy {
    /// A policy that refuses everything.
    pub const fn new() -> Self {
        Self { same_origin: false, without_origin: false, allowed: Vec::new() }
    }

    /// Accepts pages, of http or https, from the host and port that the request is for.
    #[must_use]
    pub const fn same_origin(mut self) -> Self {
        self.same_origin = true;
        self
    }

    /// Accepts requests without an `Origin`, which do not come from a browser's page.
    #[must_use]
    pub const fn without_origin(mut self) -> Self {
        self.without_origin = true;
        self
    }

    /// Accepts pages from this origin, such as `https://example.com` or `http://localhost:8080`. Scheme and host
    /// compare without regard to case, and a port that is the scheme's default is as good as none. `null` accepts pages
    /// that have no origin of their own: files and sandboxes, whoever made them.
    ///
    /// # Errors
    /// [`BuildError::Origin`] if it is not an origin; a path, even `/`, does not belong to one.
    pub fn allow(mut self, origin: &str) -> Result<Self, BuildError> {
        if origin != NULL && Origin::parse(origin).is_none() {
            return Err(BuildError::Origin(origin.into()));
        }
        self.allowed.push(origin.into());
        Ok(self)
    }

    /// Whether the request's `Origin` is accepted.
    ///
    /// # Errors
    /// The answer to send otherwise: 403 (RFC 6455 §10.2).
    pub fn check(&self, request: &Request) -> Result<(), Response> {
        if self.accepts(request.origin(), request.host()) {
            Ok(())
        } else {
            Err(Response::plain(403, "this origin may not connect (RFC 6455 section 10.2)"))
        }
    }

    fn accepts(&self, origin: Option<&[u8]>, host: &str) -> bool {
        let Some(origin) = origin else { return self.without_origin };
        let Ok(origin) = core::str::from_utf8(origin) else { return false };
        let Some(parsed) = Origin::parse(origin) else {
            return origin == NULL && self.allowed.iter().any(|allowed| allowed == NULL);
        };
        let same = self.same_origin && parsed.is_of_a_page() && Origin::new(parsed.scheme, host) == Some(parsed);
        same || self.allowed.iter().any(|allowed| Origin::parse(allowed) == Some(parsed))
    }
}

/// The origin of what has none of its own (RFC 6454 §7.1).
const NULL: &str = "null";

/// Scheme, host and port (RFC 6454 §4).
#[derive(Clone, Copy)]
struct Origin<'a> {
    scheme: &'a str,
    host: &'a str,
    port: Option<u16>,
}

impl<'a> Origin<'a> {
    fn parse(origin: &'a str) -> Option<Self> {
        let (scheme, authority) = origin.split_once("://")?;
        Self::new(scheme, authority)
    }

    fn new(scheme: &'a str, authority: &'a str) -> Option<Self> {
        // RFC 3986 §3.1.
        let mut letters = scheme.bytes();
        let is_scheme = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
            && letters.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
        let (host, port) = split_authority(authority).filter(|_| is_scheme)?;
        let port = match port {
            Some(port) if !port.is_empty() => Some(parse_port(port)?),
            _ if scheme.eq_ignore_ascii_case("http") => Some(80),
            _ if scheme.eq_ignore_ascii_case("https") => Some(443),
            _ => None,
        };
        Some(Self { scheme, host, port })
    }

    fn is_of_a_page(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("http") || self.scheme.eq_ignore_ascii_case("https")
    }
}

impl PartialEq for Origin<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.scheme.eq_ignore_ascii_case(other.scheme)
            && self.host.eq_ignore_ascii_case(other.host)
            && self.port == other.port
    }
}
