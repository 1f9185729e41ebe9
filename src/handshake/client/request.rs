//! A client's request.

use crate::config::Config;
use crate::handshake::build::{BuildError, END, HeaderLines, check_subprotocol, line};
use crate::handshake::compression;
use crate::handshake::extended_connect::is_connection_specific;
use crate::handshake::head::Headers;
use crate::handshake::key::Key;
use crate::handshake::names;
use crate::handshake::own_extensions::OwnExtensions;
use crate::handshake::uri::{InvalidUri, WebSocketUri};
use alloc::{borrow::ToOwned, string::String, vec::Vec};
use bytes::Bytes;
use core::{fmt, str::FromStr};

/// The headers of a request that the application may not set.
const RESERVED: [&str; 10] = [
    names::HOST,
    names::UPGRADE,
    names::CONNECTION,
    names::SEC_WEBSOCKET_KEY,
    names::SEC_WEBSOCKET_VERSION,
    names::SEC_WEBSOCKET_PROTOCOL,
    names::SEC_WEBSOCKET_EXTENSIONS,
    names::SEC_WEBSOCKET_ACCEPT,
    names::CONTENT_LENGTH,
    names::TRANSFER_ENCODING,
];

const GET: &[u8] = b"GET ";
const VERSION: &[u8] = b" HTTP/1.1\r\n";
const HOST: &[u8] = b"Host: ";
const UPGRADE: &[u8] = b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ";
const WEBSOCKET_VERSION: &[u8] = b"Sec-WebSocket-Version: 13\r\n";

/// The request that a client sends. `Debug` shows the names of its headers, not their values.
///
/// ```
/// use ws_proto::handshake::client::Request;
///
/// let request = Request::new("ws://localhost:9001/chat".parse()?)
///     .subprotocol("chat.v2")?
///     .subprotocol("chat.v1")?
///     .header("Authorization", "Bearer abc")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    uri: WebSocketUri,
    pub(super) subprotocols: Vec<String>,
    pub(super) extensions: OwnExtensions,
    headers: HeaderLines,
    is_absolute_form: bool,
}

impl Request {
    /// A request for this URI.
    pub fn new(uri: WebSocketUri) -> Self {
        Self {
            uri,
            subprotocols: Vec::new(),
            extensions: OwnExtensions::new(),
            headers: HeaderLines::default(),
            is_absolute_form: false,
        }
    }

    /// Adds a subprotocol to the list, which is in order of preference.
    ///
    /// # Errors
    /// [`BuildError::Subprotocol`] if it is not a token, [`BuildError::RepeatedSubprotocol`] if it is in the list
    /// already.
    pub fn subprotocol(mut self, name: &str) -> Result<Self, BuildError> {
        self.add_subprotocol(name)?;
        Ok(self)
    }

    /// Adds a subprotocol as [`subprotocol`](Self::subprotocol) does. If it is refused, the request is as it was.
    ///
    /// # Errors
    /// Those of [`subprotocol`](Self::subprotocol).
    pub fn add_subprotocol(&mut self, name: &str) -> Result<(), BuildError> {
        check_subprotocol(name)?;
        if self.subprotocols.iter().any(|listed| listed == name) {
            return Err(BuildError::RepeatedSubprotocol);
        }
        self.subprotocols.push(name.to_owned());
        Ok(())
    }

    /// Offers an extension of the application's own, with its parameters, as the header has them: `x-name; param=1`. Offers are
    /// in order of preference; that of permessage-deflate, which the [`Config`] makes, is the last.
    ///
    /// Its negotiation is the application's business. If the server accepts it, it is among the
    /// [extensions](super::ResponseHead::extensions) of the response (of an [`Exchange`](super::Exchange), among those of
    /// [`Established`](super::Established)), where the application checks its parameters. Then
    /// [`Connection::set_reserved_bits`](crate::Connection::set_reserved_bits) gives it its reserved bits; one that uses
    /// RSV1 is not to be offered beside permessage-deflate.
    ///
    /// ```
    /// use ws_proto::ReservedBits;
    /// use ws_proto::handshake::client::{Accepted, Request};
    ///
    /// let request = Request::new("ws://localhost:9001/".parse()?).extension("x-stamp; unit=ms")?;
    ///
    /// /// Whether the extension is in use.
    /// fn is_stamped(accepted: &mut Accepted) -> Result<bool, Box<dyn std::error::Error>> {
    ///     let Some(stamp) = accepted.response.extensions().find(|extension| extension.name() == "x-stamp") else {
    ///         return Ok(false);
    ///     };
    ///     if !stamp.parameters().eq([("unit", Some("ms".into()))]) {
    ///         return Err("the server answers with other parameters".into());
    ///     }
    ///     accepted.connection.set_reserved_bits(ReservedBits::RSV2)?;
    ///     Ok(true)
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`BuildError::Extension`] if it is not one extension by the grammar of RFC 6455 §9.1,
    /// [`BuildError::ReservedExtension`] for permessage-deflate, [`BuildError::RepeatedExtension`] if one of that name is
    /// offered already.
    pub fn extension(mut self, extension: &str) -> Result<Self, BuildError> {
        self.add_extension(extension)?;
        Ok(self)
    }

    /// Offers an extension as [`extension`](Self::extension) does. If it is refused, the request is as it was.
    ///
    /// # Errors
    /// Those of [`extension`](Self::extension).
    pub fn add_extension(&mut self, extension: &str) -> Result<(), BuildError> {
        self.extensions.add(extension)
    }

    /// Adds a header line, such as `Origin`, `Cookie` or `Authorization`.
    ///
    /// # Errors
    /// [`BuildError::HeaderName`], [`BuildError::HeaderValue`], or [`BuildError::ReservedHeader`] for a header
    /// that the handshake writes itself.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, BuildError> {
        self.add_header(name, value)?;
        Ok(self)
    }

    /// Adds a header line as [`header`](Self::header) does. If it is refused, the request is as it was: so a proxy can copy
    /// what may be copied.
    ///
    /// ```
    /// use ws_proto::handshake::{BuildError, client, server};
    ///
    /// /// Copies all headers but those that each handshake writes itself.
    /// fn copy(from: &server::Request, to: &mut client::Request) -> Result<(), BuildError> {
    ///     for (name, value) in from.headers() {
    ///         match to.add_header(name, value) {
    ///             Ok(()) | Err(BuildError::ReservedHeader(_)) => {}
    ///             Err(error) => return Err(error),
    ///         }
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// Those of [`header`](Self::header).
    pub fn add_header(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), BuildError> {
        self.headers.add(name, value.as_ref(), &RESERVED)
    }

    /// Sends user name and password by the scheme Basic (RFC 7617), as UTF-8, in place of any `Authorization` that was
    /// added before.
    ///
    /// Whoever reads the request can read them: use it with `wss`. The password may be empty, and so may the user name.
    ///
    /// ```
    /// use ws_proto::handshake::client::Request;
    ///
    /// let request = Request::new("wss://example.com/".parse()?).basic_auth("Aladdin", "open sesame")?;
    /// assert!(!format!("{request:?}").contains("QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`BuildError::Credentials`] if the user name holds a colon, or one of both a control character.
    pub fn basic_auth(mut self, user: &str, password: &str) -> Result<Self, BuildError> {
        self.set_basic_auth(user, password)?;
        Ok(self)
    }

    /// Sets user name and password as [`basic_auth`](Self::basic_auth) does. If they are refused, the request is as it was.
    ///
    /// # Errors
    /// Those of [`basic_auth`](Self::basic_auth).
    pub fn set_basic_auth(&mut self, user: &str, password: &str) -> Result<(), BuildError> {
        self.headers.set_basic_auth(names::AUTHORIZATION, user, password)
    }

    /// Sends user name and password to a forward proxy that reads the request, as `Proxy-Authorization` (RFC 9110 §11.7.2), in
    /// place of any that was added before. For [`absolute_form`](Self::absolute_form) alone: through a tunnel they would reach
    /// the server, and a [`proxy::Request`](crate::handshake::proxy::Request) has its own.
    ///
    /// # Errors
    /// Those of [`basic_auth`](Self::basic_auth).
    pub fn proxy_basic_auth(mut self, user: &str, password: &str) -> Result<Self, BuildError> {
        self.headers.set_basic_auth(names::PROXY_AUTHORIZATION, user, password)?;
        Ok(self)
    }

    /// Writes the whole URI as the request target, `http://example.com/chat` (RFC 9112 §3.2.2, RFC 6455 §4.1), for a forward
    /// proxy that the transport is connected to and that passes an upgrade on. Most do not: a tunnel by
    /// [`proxy::Handshake`](crate::handshake::proxy::Handshake) is what RFC 6455 §4.1 describes. An
    /// [`Exchange`](super::Exchange) leaves the target to its HTTP library.
    ///
    /// # Errors
    /// [`BuildError::AbsoluteForm`] for a `wss` URI, which a proxy could read and change: it needs a tunnel.
    pub fn absolute_form(mut self) -> Result<Self, BuildError> {
        if self.uri.is_secure() {
            return Err(BuildError::AbsoluteForm);
        }
        self.is_absolute_form = true;
        Ok(self)
    }

    /// The URI.
    pub const fn uri(&self) -> &WebSocketUri {
        &self.uri
    }

    /// The header lines that were added, in order; those that the handshake writes itself are not among them.
    pub fn headers(&self) -> Headers<'_> {
        self.headers.iter()
    }

    /// The subprotocols that are listed, in order of preference.
    pub fn subprotocols(&self) -> impl Iterator<Item = &str> {
        self.subprotocols.iter().map(String::as_str)
    }

    /// The head to send.
    pub(super) fn encode(&self, key: &Key, config: &Config) -> Bytes {
        let lists = self.lists(config);
        let (scheme, authority) = if self.is_absolute_form { ("http://", self.uri.authority()) } else { ("", "") };
        let resource = self.uri.resource();
        let first_line = GET.len() + scheme.len() + authority.len() + resource.len() + VERSION.len();
        let mut head = Vec::with_capacity(first_line + self.size_of_lines(&lists) + END.len());
        head.extend_from_slice(GET);
        head.extend_from_slice(scheme.as_bytes());
        head.extend_from_slice(authority.as_bytes());
        head.extend_from_slice(resource.as_bytes());
        head.extend_from_slice(VERSION);
        self.add_lines(key, &lists, &mut head);
        head.extend_from_slice(END);
        head.into()
    }

    /// The header lines to send: of a request to upgrade with this key, or of an extended CONNECT, which has none.
    pub(super) fn lines(&self, key: Option<&Key>, config: &Config) -> HeaderLines {
        let lists = self.lists(config);
        match key {
            Some(key) => {
                let mut lines = Vec::with_capacity(self.size_of_lines(&lists));
                self.add_lines(key, &lists, &mut lines);
                HeaderLines::of(lines)
            }
            // RFC 8441 §5: it has no Host, Upgrade and Connection. RFC 9113 §8.2: names in lower case, and nothing about one
            // connection of HTTP/1.1.
            None => HeaderLines::of(self.own_lines(&lists).concat()).into_lower_case(is_connection_specific),
        }
    }

    /// The subprotocols and the extensions that are offered.
    fn lists(&self, config: &Config) -> (String, String) {
        let offers = self.extensions.value_with(compression::offers(config).unwrap_or_default());
        (self.subprotocols.join(", "), offers)
    }

    /// The pieces of the lines that are there over every version of HTTP.
    fn own_lines<'a>(&'a self, (subprotocols, offers): &'a (String, String)) -> [&'a [u8]; 8] {
        let [a, b, c] = line(b"Sec-WebSocket-Protocol: ", subprotocols.as_bytes());
        let [d, e, f] = line(b"Sec-WebSocket-Extensions: ", offers.as_bytes());
        [WEBSOCKET_VERSION, a, b, c, d, e, f, self.headers.as_bytes()]
    }

    /// How many bytes [`add_lines`](Self::add_lines) adds.
    fn size_of_lines(&self, lists: &(String, String)) -> usize {
        let own_lines: usize = self.own_lines(lists).iter().map(|piece| piece.len()).sum();
        HOST.len() + self.uri.authority().len() + UPGRADE.len() + size_of::<Key>() + END.len() + own_lines
    }

    /// Adds the header lines of a request to upgrade.
    fn add_lines(&self, key: &Key, lists: &(String, String), head: &mut Vec<u8>) {
        head.extend_from_slice(HOST);
        head.extend_from_slice(self.uri.authority().as_bytes());
        head.extend_from_slice(UPGRADE);
        head.extend_from_slice(key.as_bytes());
        head.extend_from_slice(END);
        self.own_lines(lists).iter().filter(|piece| !piece.is_empty()).for_each(|piece| head.extend_from_slice(piece));
    }
}

impl From<WebSocketUri> for Request {
    fn from(uri: WebSocketUri) -> Self {
        Self::new(uri)
    }
}

/// A request for the URI, as [`WebSocketUri`] reads it.
impl FromStr for Request {
    type Err = InvalidUri;

    fn from_str(uri: &str) -> Result<Self, InvalidUri> {
        uri.parse().map(Self::new)
    }
}

impl TryFrom<&str> for Request {
    type Error = InvalidUri;

    fn try_from(uri: &str) -> Result<Self, InvalidUri> {
        uri.parse()
    }
}

/// Shows the host and the names of the headers: the query, the subprotocols, the extensions and the values may hold secrets.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("host", &self.uri.host())
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}
