//! The opening handshake, both sides (RFC 6455 §4, RFC 8441, RFC 9220).
//!
//! Like the connection it does no I/O. There are two ways to the [`Connection`](crate::Connection):
//!
//! * From bytes, over HTTP/1.1: [`server::Handshake`] reads a request from the caller's input buffer, [`client::Handshake`]
//!   writes one and reads the answer. What follows the handshake stays in the buffer, which then feeds the connection.
//!   [`proxy::Handshake`] asks a forward proxy for a tunnel before that.
//! * Through an HTTP library, which has parsed the headers and writes them. Over HTTP/1.1 a server takes them by
//!   [`server::Request::from_headers`] and answers by [`accept_as_headers`](server::Request::accept_as_headers); over HTTP/2 and
//!   HTTP/3 it takes an extended CONNECT by [`server::Request::from_extended_connect`]. A client has [`client::Exchange`] for
//!   both. The connection's bytes are then those of the upgraded stream, or the DATA of the HTTP/2 or HTTP/3 stream.
//!
//! The rules are the same for both, and so are [`OriginPolicy`], subprotocols and extensions.
//!
//! With the feature `http`, requests and responses are also those of the crate `http`, which hyper, axum, h2 and others share.

mod body;
mod build;
pub mod client;
mod compression;
mod extended_connect;
mod extensions;
mod fields;
mod head;
#[cfg(feature = "http")]
mod http;
mod key;
mod names;
mod not_http;
mod origin;
mod own_extensions;
mod owned_extension;
pub mod proxy;
mod retry_error;
pub mod server;
mod time_limit;
mod uri;

pub use body::BodyError;
pub use build::BuildError;
pub use extended_connect::PseudoHeaders;
pub use extensions::{Extension, Extensions, InvalidExtension};
pub use head::Headers;
pub use key::{AcceptKey, accept_key};
pub use not_http::NotHttp;
pub use origin::{InvalidOrigin, OriginFlaw, OriginPolicy};
pub use owned_extension::OwnedExtension;
pub use retry_error::RetryError;
pub use uri::{InvalidUri, WebSocketUri};
