//! Bytes that come: the input, frames, messages, and their limits.

#[path = "../common/mod.rs"]
mod common;

mod bounded_pipes;
mod cuts;
mod delivery_parts;
mod fast_paths;
mod fragmentation;
mod frame_header;
mod frame_threats;
mod input;
mod input_memory;
mod input_misuse;
mod input_oracle;
#[cfg(not(target_family = "wasm"))]
mod input_shapes;
mod keeping;
mod limits;
mod live_limits;
mod masking;
mod reserved_bits;
mod text;
mod text_verdicts;
mod wild_cases;

// Miri would look at each count, too, and takes many times as long.
#[cfg(not(miri))]
#[global_allocator]
static ALLOCATOR: common::allocator::Counting = common::allocator::Counting;
