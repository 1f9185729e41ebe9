//! A connection as a whole: its end, its time, its memory, its halves.

#[path = "../common/mod.rs"]
mod common;

mod allocations;
mod close_reason;
mod closing;
mod conventions;
mod deadlines;
#[cfg(all(feature = "std", feature = "handshake", feature = "deflate"))]
mod echo_server;
#[cfg(feature = "handshake")]
mod embedding;
mod halves;
mod memory;
mod rates;
mod schedules;
mod seeds;
mod streaming;

#[global_allocator]
static ALLOCATOR: common::allocator::Counting = common::allocator::Counting;
