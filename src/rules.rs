//! The transitions of the protocol's state, in tables that do not know which side they are on, nor what time it is.

pub(crate) mod closing;
pub(crate) mod keepalive;
pub(crate) mod lingering;
pub(crate) mod rate;
pub(crate) mod sequence;
mod wait;

pub(crate) use wait::{Rest, Seen, Window};
