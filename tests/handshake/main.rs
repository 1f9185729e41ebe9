//! The opening handshake of both sides, and what is said around it.
#![cfg(feature = "handshake")]

#[path = "../common/mod.rs"]
mod common;

mod answer;
mod client;
mod deadline;
mod declined_body;
mod extended_connect;
mod extension_values;
mod extensions_header;
#[cfg(feature = "http")]
mod http_types;
mod known;
mod no_secrets;
mod origin;
mod own_extensions;
mod parsed;
mod proxy;
mod redirects;
mod request;
mod request_headers;
mod response_splitting;
mod retry;
mod subprotocols;
mod threats;
mod uri;
mod wild;

#[global_allocator]
static ALLOCATOR: common::allocator::Counting = common::allocator::Counting;
