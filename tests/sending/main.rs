//! What is sent: messages, control frames, and the output that they wait in.

#[path = "../common/mod.rs"]
mod common;

#[cfg(feature = "std")]
mod allocations;
mod back_pressure;
mod control_frames;
#[cfg(feature = "std")]
mod control_order;
#[cfg(feature = "std")]
mod output_oracle;
#[cfg(feature = "std")]
mod owned_output;
mod prepared;
#[cfg(feature = "std")]
mod send_through;
#[cfg(feature = "std")]
mod send_with;
mod sending;

#[global_allocator]
static ALLOCATOR: common::allocator::Counting = common::allocator::Counting;
