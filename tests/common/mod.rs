//! What the tests share.
#![allow(dead_code, reason = "each test uses its part")]

pub mod allocator;
#[cfg(feature = "deflate")]
pub mod deflate;
pub mod frames;
#[cfg(feature = "handshake")]
pub mod http;
pub mod input;
pub mod outgoing;
