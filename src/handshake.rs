//! The opening handshake over HTTP/1.1, both sides (RFC 6455 §4).
//!
//! Like the connection it does no I/O: [`server::Handshake`] reads a request from the caller's input buffer,
//! [`client::Handshake`] writes one and reads the answer. What follows the handshake stays in the buffer, which then
//! feeds the [`Connection`](crate::Connection) that the handshake ends in.

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
mod not_http;
mod origin;
pub mod server;
mod uri;

pub use build::BuildError;
pub use extended_connect::PseudoHeaders;
pub use extensions::{Extension, Extensions};
pub use head::Headers;
pub use key::accept_key;
pub use not_http::NotHttp;
pub use origin::{InvalidOrigin, OriginFlaw, OriginPolicy};
pub use uri::{InvalidUri, WebSocketUri};
