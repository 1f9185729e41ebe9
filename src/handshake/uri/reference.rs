//! References, resolved against the URI of a request (RFC 3986 §5).

use super::authority::is_scheme;
use super::encode::encode_resource;
use super::invalid::InvalidUri;
use super::{WebSocketUri, is_secure, parse_hierarchy, refuse_controls};
use alloc::{format, string::String};

impl WebSocketUri {
    /// Resolves a reference against this URI (RFC 3986 §5.2), as for the `Location` of a redirect.
    ///
    /// A reference is a whole URI, or begins with `//` and a host, or is a path, a query or both. `http` becomes `ws`, and
    /// `https` becomes `wss`. The fragment of the reference is dropped: it is for whoever shows the target (RFC 9110
    /// §10.2.2). Dot segments of the path are removed. Characters are encoded as in parsing.
    ///
    /// ```
    /// use ws_proto::handshake::WebSocketUri;
    ///
    /// let uri: WebSocketUri = "ws://a.example/feeds/old?y=1".parse()?;
    /// assert_eq!(uri.join("https://b.example/z#top")?.to_string(), "wss://b.example/z");
    /// assert_eq!(uri.join("../new")?.to_string(), "ws://a.example/new");
    /// assert_eq!(uri.join("?y=2")?.to_string(), "ws://a.example/feeds/old?y=2");
    /// # Ok::<(), ws_proto::handshake::InvalidUri>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidUri`] as in parsing: another scheme, user information, a malformed host or port, a control character, a
    /// backslash in the path, a space at the end.
    ///
    /// *Complexity*: linear in both.
    pub fn join(&self, reference: &str) -> Result<Self, InvalidUri> {
        refuse_controls(reference)?;
        let reference = reference.split('#').next().unwrap_or_default();
        if let Some((scheme, rest)) = split_scheme(reference) {
            let secure = is_secure(scheme).ok_or(InvalidUri::Scheme)?;
            // RFC 3986 §5.2.2: a scheme makes it a whole URI, even if it is that of the base.
            let hierarchy = rest.strip_prefix("//").ok_or(InvalidUri::Scheme)?;
            return parse_hierarchy(secure, hierarchy).map(Self::without_dot_segments);
        }
        if let Some(hierarchy) = reference.strip_prefix("//") {
            return parse_hierarchy(self.secure, hierarchy).map(Self::without_dot_segments);
        }
        let base_path = split_query(&self.resource).0;
        let resource = match reference.bytes().next() {
            None => return Ok(self.clone()),
            Some(b'/') => encode_resource(reference)?,
            Some(b'?') => {
                let encoded = encode_resource(reference)?;
                // What is encoded has a path of its own, of one `/`, before the query.
                return Ok(Self { resource: format!("{base_path}{}", split_query(&encoded).1), ..self.clone() });
            }
            Some(_) => {
                // RFC 3986 §5.2.3: what follows the last `/` of the base is replaced. The encoded path begins with it.
                let directory = base_path.rsplit_once('/').map_or("", |(directory, _)| directory);
                format!("{directory}{}", encode_resource(reference)?)
            }
        };
        Ok(Self { resource, ..self.clone() }.without_dot_segments())
    }

    fn without_dot_segments(mut self) -> Self {
        let (path, query) = split_query(&self.resource);
        self.resource = remove_dot_segments(path) + query;
        self
    }
}

/// Scheme and rest, if there is a scheme before the first `:`, `/`, `?` and `#` (RFC 3986 §3.1).
fn split_scheme(reference: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = reference.split_at_checked(reference.find([':', '/', '?'])?)?;
    let rest = rest.strip_prefix(':')?;
    is_scheme(scheme).then_some((scheme, rest))
}

/// The path, and the query with its `?`.
fn split_query(resource: &str) -> (&str, &str) {
    resource.split_at(resource.find('?').unwrap_or(resource.len()))
}

/// RFC 3986 §5.2.4, for a path that begins with `/`. Each byte is written once and removed once at most.
fn remove_dot_segments(path: &str) -> String {
    let mut kept = String::with_capacity(path.len());
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "." => {}
            ".." => kept.truncate(kept.rfind('/').unwrap_or(0)),
            _ => {
                kept.push('/');
                kept.push_str(segment);
                continue;
            }
        }
        // A dot segment at the end leaves the directory that it names.
        if segments.peek().is_none() {
            kept.push('/');
        }
    }
    kept
}
