//! Which pages may connect: the defence against cross-site WebSocket hijacking (RFC 6455 §10.2).

mod invalid;
mod pattern;
mod serialized;

pub use invalid::{InvalidOrigin, OriginFlaw};

use super::server::{Request, Response};
use alloc::{string::String, vec::Vec};
use pattern::Pattern;
use serialized::Origin;

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
/// let policy = OriginPolicy::new()
///     .same_origin()
///     .allow("https://app.example.com")? // one origin
///     .allow("https://*.example.net")? // all subdomains, but not example.net
///     .allow("capacitor://localhost")?; // an app with a web view
///
/// let behind_a_proxy = OriginPolicy::new().public_host("example.com")?; // whatever `Host` says
/// # Ok::<(), ws_proto::handshake::InvalidOrigin>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OriginPolicy {
    same_origin: bool,
    without_origin: bool,
    allowed: Vec<Pattern>,
    /// Values that are no scheme and host: `null`, and names. They are compared byte by byte.
    names: Vec<String>,
}

impl OriginPolicy {
    /// A policy that refuses everything.
    pub const fn new() -> Self {
        Self { same_origin: false, without_origin: false, allowed: Vec::new(), names: Vec::new() }
    }

    /// Accepts pages, of http or https, from the host and port that the request is for.
    ///
    /// It believes the `Host` header. A proxy that rewrites `Host`, or cuts its port off, makes the server's own pages
    /// look foreign: use [`public_host`](Self::public_host) there. A server that can be reached under names of others (one
    /// on a local network or on `localhost`, by DNS rebinding) is not protected by `Host`: use `public_host` or
    /// [`allow`](Self::allow), and not this.
    #[must_use]
    pub const fn same_origin(mut self) -> Self {
        self.same_origin = true;
        self
    }

    /// Accepts pages, of http or https, from a host under which this server is known, whatever the `Host` of the request
    /// says. It may be called for several hosts, and with [`same_origin`](Self::same_origin) or without.
    ///
    /// The host is written as in a URL: `example.com`, `example.com:8443`, `[2001:db8::1]`, or `*.example.com` as in
    /// [`allow`](Self::allow). Without a port it is the scheme's default: 80 for http, 443 for https.
    ///
    /// It is safe for a name all of whose pages are your own. It accepts http too, because the server cannot see whether
    /// TLS ended at a proxy; if pages come by https alone, `allow("https://example.com")` is stricter: it keeps out pages
    /// that somebody on the network has put in place of your http pages. No header that a proxy sends, such as
    /// `X-Forwarded-Host`, is looked at.
    ///
    /// ```
    /// use ws_proto::handshake::OriginPolicy;
    ///
    /// let policy = OriginPolicy::new().public_host("example.com")?.public_host("example.com:8443")?;
    /// # Ok::<(), ws_proto::handshake::InvalidOrigin>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidOrigin`] if it is not a host with a port or without.
    pub fn public_host(mut self, host: &str) -> Result<Self, InvalidOrigin> {
        for scheme in ["http", "https"] {
            let pattern = Pattern::new(scheme, host).map_err(|flaw| InvalidOrigin::new(host, flaw))?;
            self.allowed.push(pattern);
        }
        Ok(self)
    }

    /// Accepts requests without an `Origin`, which do not come from a browser's page.
    #[must_use]
    pub const fn without_origin(mut self) -> Self {
        self.without_origin = true;
        self
    }

    /// Accepts pages from this origin, in the form of RFC 6454 §6.2: a scheme, a host, and a port unless it is the
    /// default one. Scheme and host compare without regard to case, and a port that is the default of http or https is as
    /// good as none.
    ///
    /// | written | accepts |
    /// |---|---|
    /// | `https://example.com`, `http://localhost:8080` | this origin |
    /// | `https://*.example.com` | `https://app.example.com`, `https://a.b.example.com`; not `https://example.com` |
    /// | `file://`, `app://notes`, `chrome-extension://abcdef` | what web views and extensions send, compared as a whole |
    /// | `null` | pages that have no origin of their own: files and sandboxes, whoever made them |
    ///
    /// `*.` stands for one label or more at the front of a domain name. Whoever can put a page on any subdomain may then
    /// connect; write no wildcard for a domain below which others rent names, such as `github.io` or `co.uk`.
    ///
    /// # Errors
    /// [`InvalidOrigin`] for what no browser sends, so that it would never match: a path, even `/`, user information, a
    /// wildcard elsewhere, an empty label or a dot at the end of the host, a host that is not written as browsers do (in
    /// ASCII, all four numbers of an IPv4 address), or the scheme `ws` or `wss`, which no page has.
    pub fn allow(mut self, origin: &str) -> Result<Self, InvalidOrigin> {
        if origin == NULL {
            self.names.push(origin.into());
        } else {
            let pattern = Pattern::parse(origin).map_err(|flaw| InvalidOrigin::new(origin, flaw))?;
            self.allowed.push(pattern);
        }
        Ok(self)
    }

    /// Accepts requests whose `Origin` is a bare name, which RFC 6454 does not provide for and some programs send:
    /// `com.example.app`. It is compared byte by byte. No browser's page can send it.
    ///
    /// This is not the way to accept the pages of a domain; they send their scheme, too: see [`allow`](Self::allow).
    ///
    /// # Errors
    /// [`InvalidOrigin`] if it is empty or holds anything but ASCII letters, digits and `-`, `.`, `_`, `~`.
    pub fn allow_name(mut self, name: &str) -> Result<Self, InvalidOrigin> {
        let is_name_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        // Sandboxes of every site send `null`; it is for `allow`, whose documentation says so.
        if name.is_empty() || name == NULL || !name.bytes().all(is_name_byte) {
            return Err(InvalidOrigin::new(name, OriginFlaw::Name));
        }
        self.names.push(name.into());
        Ok(self)
    }

    /// Whether the request's `Origin` is accepted.
    ///
    /// *Complexity*: linear in the `Origin` for each origin that is allowed.
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
        match Origin::parse(origin) {
            Some(origin) => {
                let same =
                    self.same_origin && origin.is_of_a_page() && Origin::new(origin.scheme, host) == Some(origin);
                same || self.allowed.iter().any(|allowed| allowed.matches(&origin))
            }
            None => self.names.iter().any(|name| name == origin),
        }
    }
}

/// The origin of what has none of its own (RFC 6454 §7.1).
const NULL: &str = "null";
