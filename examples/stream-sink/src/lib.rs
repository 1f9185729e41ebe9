//! A WebSocket on tokio as a `Stream` and a `Sink` of messages, under the names of tokio-tungstenite, and as a stream of
//! bytes. README.md says what differs.

mod accept;
mod bytes;
mod connect;
mod error;
mod message;
mod opening;
mod sink;
mod stream;
mod transport;
mod wakers;
mod websocket;

pub use accept::{accept_async, accept_async_with_config, accept_hdr_async, accept_hdr_async_with_config};
pub use bytes::ByteStream;
pub use connect::{
    IntoClientRequest, client_async, client_async_with_config, connect_async, connect_async_with_config,
};
pub use error::Error;
pub use message::Message;
pub use websocket::WebSocketStream;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeIsTried;
