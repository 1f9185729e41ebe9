//! Handshakes in the types of the crate `http`, which hyper, axum, h2 and others share (feature `http`).

use super::build::BuildError;
use super::client::{Established, Exchange, Flaw};
use super::extended_connect::PseudoHeaders;
use super::head::Headers;
use super::server::{Answer, Rejection, Request, Response, size_of_line};
use crate::config::Config;
use crate::connection::Connection;
use ::http::header::{
    ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use ::http::{Method, StatusCode, Uri, Version};
use alloc::borrow::Cow;
use alloc::string::ToString;
use bytes::Bytes;

impl Request {
    /// A request of an HTTP library: one to upgrade over HTTP/1.1 (RFC 6455 §4.2.1), or an extended CONNECT over HTTP/2 or
    /// HTTP/3 (RFC 8441, RFC 9220).
    ///
    /// `protocol` is the `:protocol` of an extended CONNECT, for which the crate `http` has no place; libraries keep it in the
    /// request's extensions, as `hyper::ext::Protocol` or `h2::ext::Protocol`. Over HTTP/1.1 it is `None`.
    ///
    /// The request is checked by the same rules, and has the same limits, as one that comes as bytes. Its headers are copied,
    /// in one allocation; the body is left alone. One thing is not seen: the library's `Uri` drops a fragment, which a request
    /// may not have (RFC 9112 §3.2), while it parses.
    ///
    /// Take the upgrade out of the request (`hyper::upgrade::on`) before the response is returned. With axum a rejection is
    /// `http::Response::from(rejection).map(Body::from)`, and a response `response.map(|()| Body::empty())`;
    /// [`runtimes`](crate::guide::runtimes) has the whole handler.
    ///
    /// ```
    /// use ws_proto::bytes::Bytes;
    /// use ws_proto::handshake::server::{Answer, Request};
    /// use ws_proto::{Config, Connection};
    ///
    /// /// The response to send, and the connection for the stream that it upgrades.
    /// fn open<B>(request: &http::Request<B>) -> (http::Response<Bytes>, Option<Connection>) {
    ///     let request = match Request::from_http(request, None, &Config::new()) {
    ///         Ok(request) => request,
    ///         Err(rejection) => return (rejection.into(), None),
    ///     };
    ///     let (response, ws) = request.accept_as_http(Answer::new()).expect("no subprotocol is named");
    ///     (response.map(|()| Bytes::new()), Some(ws))
    /// }
    /// ```
    ///
    /// # Errors
    /// A [`Rejection`], which converts into a response of the library.
    pub fn from_http<B>(
        request: &::http::Request<B>,
        protocol: Option<&str>,
        config: &Config,
    ) -> Result<Self, Rejection> {
        let (method, uri, version) = (request.method(), request.uri(), request.version());
        Self::of_http(method, uri, version, request.headers(), protocol, config)
    }

    /// A request of an HTTP library from its `Parts`, as an extractor for axum has them; otherwise as
    /// [`from_http`](Self::from_http).
    ///
    /// # Errors
    /// Those of [`from_http`](Self::from_http).
    pub fn from_http_parts(
        parts: &::http::request::Parts,
        protocol: Option<&str>,
        config: &Config,
    ) -> Result<Self, Rejection> {
        Self::of_http(&parts.method, &parts.uri, parts.version, &parts.headers, protocol, config)
    }

    fn of_http(
        method: &Method,
        uri: &Uri,
        version: Version,
        headers: &HeaderMap,
        protocol: Option<&str>,
        config: &Config,
    ) -> Result<Self, Rejection> {
        let method = method.as_str();
        let headers = || headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let size = headers().map(|(name, value)| size_of_line(name, value)).fold(0, usize::saturating_add);
        if version > Version::HTTP_11 {
            let pseudo = PseudoHeaders {
                method,
                protocol,
                scheme: uri.scheme_str().unwrap_or_default(),
                authority: uri.authority().map_or("", |authority| authority.as_str()),
                path: uri.path_and_query().map_or("", |path| path.as_str()),
            };
            return Self::of_extended_connect(&pseudo, size, headers(), config);
        }
        let http_minor = u8::from(version == Version::HTTP_11);
        Self::of_parts(method, &target(uri), http_minor, size, headers(), config)
    }

    /// Accepts the request as [`accept_as_headers`](Self::accept_as_headers) does, with a response of the library.
    ///
    /// # Errors
    /// Those of [`accept_as_headers`](Self::accept_as_headers), and [`BuildError::TooManyHeaders`] if the library does not take
    /// all of the answer's headers: fewer than 32,768, with names of at most 64 KiB.
    pub fn accept_as_http(&self, answer: Answer) -> Result<(::http::Response<()>, Connection), BuildError> {
        let (acceptance, connection) = self.accept_as_headers(answer)?;
        let mut response = ::http::Response::new(());
        *response.status_mut() = status(acceptance.status());
        if append(response.headers_mut(), acceptance.headers()) {
            Ok((response, connection))
        } else {
            Err(BuildError::TooManyHeaders)
        }
    }
}

/// As [`Request::from_http`], with the default [`Config`] and for HTTP/1.1 alone: an extended CONNECT is refused, because its
/// `:protocol` is not known.
impl<B> TryFrom<&::http::Request<B>> for Request {
    type Error = Rejection;

    fn try_from(request: &::http::Request<B>) -> Result<Self, Rejection> {
        Self::from_http(request, None, &Config::new())
    }
}

/// The [response](Rejection::response) to send.
impl From<&Rejection> for ::http::Response<Bytes> {
    fn from(rejection: &Rejection) -> Self {
        rejection.response().into()
    }
}

/// The [response](Rejection::response) to send.
impl From<Rejection> for ::http::Response<Bytes> {
    fn from(rejection: Rejection) -> Self {
        Self::from(&rejection)
    }
}

/// Status, headers and body. `Content-Length`, and whether the connection is closed, are left to the library. The body is empty
/// after [`head_only`](Response::head_only), and its length in `Content-Length`. A 426, which is a status of HTTP/1.1, has
/// `Upgrade` and `Connection`. Headers that the library does not take are left out: above 32,767, or with names above 64 KiB.
impl From<Response> for ::http::Response<Bytes> {
    fn from(response: Response) -> Self {
        let (is_bodiless, content_type) = (response.is_bodiless(), response.content_type());
        let is_head_only = response.is_head_only() && !is_bodiless;
        let body = if is_bodiless || is_head_only { Bytes::new() } else { response.body().clone() };
        let mut converted = Self::new(body);
        *converted.status_mut() = status(response.status());
        let headers = converted.headers_mut();
        let _all = append(headers, response.headers());
        if is_head_only {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(response.body().len()));
        }
        // Like the values of headers, it may hold bytes from 0x80 on.
        if let Some(value) =
            content_type.filter(|_| !is_bodiless).and_then(|text| HeaderValue::from_bytes(text.as_bytes()).ok())
        {
            headers.insert(CONTENT_TYPE, value);
        }
        if response.status() == 426 {
            // RFC 9110 §15.5.22 requires Upgrade in a 426; §7.8: Connection has to list it.
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        }
        converted
    }
}

impl Exchange {
    /// The request for the library to send.
    ///
    /// A request to upgrade is an HTTP/1.1 GET whose URI is the path and query, as a connection wants it (in hyper,
    /// `client::conn::http1`); a client that opens connections by itself needs the whole URI in its place.
    ///
    /// An extended CONNECT is an HTTP/2 request with the whole URI. Its `:protocol` is for the library: in `h2`, insert
    /// `h2::ext::Protocol::from_static("websocket")` into its extensions, in hyper `hyper::ext::Protocol`.
    ///
    /// ```
    /// use ws_proto::handshake::client::{Exchange, Request};
    /// use ws_proto::{Config, Seed};
    ///
    /// let request = Request::new("ws://example.com/chat".parse()?);
    /// let exchange = Exchange::upgrade(&request, Seed::random()?, &Config::new());
    /// let request = exchange.to_http()?;
    /// assert_eq!((request.uri().path(), &request.headers()["host"]), ("/chat", &"example.com".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// That of the library, if it does not take the URI or a header: its limit for a URI is 65,534 bytes, and in the URI of an
    /// extended CONNECT it takes no host with a percent-encoding.
    pub fn to_http(&self) -> Result<::http::Request<()>, ::http::Error> {
        let request = ::http::Request::builder();
        let request = if self.is_extended_connect() {
            let pseudo = self.pseudo_headers();
            let uri = Uri::builder().scheme(pseudo.scheme).authority(pseudo.authority).path_and_query(pseudo.path);
            request.method(Method::CONNECT).version(Version::HTTP_2).uri(uri.build()?)
        } else {
            request.version(Version::HTTP_11).uri(self.target())
        };
        let mut request = request.body(())?;
        for (name, value) in self.headers() {
            let (name, value) = header(name, value)?;
            request.headers_mut().try_append(name, value)?;
        }
        Ok(request)
    }

    /// Checks the response, as [`finish`](Self::finish) does.
    ///
    /// # Errors
    /// Those of [`finish`](Self::finish), and [`Flaw::HttpVersion`] for a 101 of HTTP/1.0.
    pub fn finish_http<B>(self, response: &::http::Response<B>) -> Result<Established, Flaw> {
        let status = response.status().as_u16();
        if status == 101 && response.version() < Version::HTTP_11 {
            return Err(Flaw::HttpVersion);
        }
        self.finish(status, response.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())))
    }
}

/// The target of a request of HTTP/1.
fn target(uri: &Uri) -> Cow<'_, str> {
    match (uri.scheme(), uri.authority(), uri.path_and_query()) {
        (None, None, Some(path)) => Cow::Borrowed(path.as_str()),
        _ => Cow::Owned(uri.to_string()),
    }
}

/// What may stand in a status line is a status to the library.
fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Adds headers that have been checked; false if the library does not take one of them.
fn append(map: &mut HeaderMap, headers: Headers<'_>) -> bool {
    let mut takes_all = true;
    for (name, value) in headers {
        takes_all &= header(name, value).is_ok_and(|(name, value)| map.try_append(name, value).is_ok());
    }
    takes_all
}

/// A header of the library's. Its value is marked as sensitive, so that `Debug` hides it and HPACK does not index it, unless it
/// is one that holds no secret.
fn header(name: &str, value: &[u8]) -> Result<(HeaderName, HeaderValue), ::http::Error> {
    let (name, mut value) = (HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_bytes(value)?);
    let is_public = [HOST, UPGRADE, CONNECTION, ALLOW, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_VERSION];
    value.set_sensitive(!is_public.contains(&name));
    Ok((name, value))
}
