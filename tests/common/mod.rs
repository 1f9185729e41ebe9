//! What the tests share.
#![allow(dead_code, reason = "each test uses its part")]

#[cfg(feature = "deflate")]
pub mod deflate;
pub mod frames;
#[cfg(feature = "handshake")]
pub mod http;
