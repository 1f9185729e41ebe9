//! Compression: permessage-deflate (RFC 7692).
#![cfg(feature = "deflate")]

#[path = "../common/mod.rs"]
mod common;

#[cfg(feature = "handshake")]
mod negotiation;
mod parts;
mod receiving;
mod sending;
mod threats;
mod values;

#[global_allocator]
static ALLOCATOR: common::allocator::Counting = common::allocator::Counting;
