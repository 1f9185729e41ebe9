//! Why an origin cannot be allowed.

use alloc::string::String;

/// What was to be allowed, and why it can never match an `Origin`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{origin:?} cannot be allowed: {flaw}")]
#[non_exhaustive]
pub struct InvalidOrigin {
    /// The text, without user information and without what follows a `?` or `#`, as the error may be logged.
    pub origin: String,
    /// What is wrong with it.
    pub flaw: OriginFlaw,
}

impl InvalidOrigin {
    pub(super) fn new(text: &str, flaw: OriginFlaw) -> Self {
        let text = text.split(['?', '#']).next().unwrap_or_default();
        let (scheme, rest) = text.split_at(text.find("://").map_or(0, |colon| colon + 3));
        let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        Self { origin: [scheme, rest].concat(), flaw }
    }
}

/// Why a text can never match an `Origin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum OriginFlaw {
    /// It does not begin with a scheme and `://`, and is not `null`.
    #[error("an origin begins with a scheme, as in https://example.com (RFC 6454 §6.2)")]
    Scheme,
    /// The scheme is `ws` or `wss`.
    #[error("the origin is that of a page: write http:// for ws:// and https:// for wss://")]
    WebSocketScheme,
    /// Something follows host and port.
    #[error("an origin ends with its host or port: no path, query or fragment, not even a / (RFC 6454 §6.2)")]
    Path,
    /// It has user information.
    #[error("an origin has no user information (RFC 6454 §6.2)")]
    UserInfo,
    /// A `*` that is not the first label, whole, of a domain name.
    #[error("a * can only be the first label of a domain name, as in https://*.example.com")]
    Wildcard,
    /// The host has characters that are not ASCII.
    #[error("browsers send international names in their ASCII form, which begins with xn--")]
    NotAscii,
    /// The host is missing, malformed, or not written as browsers do.
    #[error(
        "the host is missing or malformed, has an empty label or a dot at its end, or is a short form of an address"
    )]
    Host,
    /// The port is not a number from 1 to 65535.
    #[error("the port is not a number from 1 to 65535")]
    Port,
    /// A bare name with other characters than ASCII letters, digits and `-`, `.`, `_`, `~`; or `null`.
    #[error("a bare name is not empty or null, and has only ASCII letters, digits and -._~")]
    Name,
}
