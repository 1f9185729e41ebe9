//! The transitions of the protocol's state, in tables that do not know which side they are on.

pub(crate) mod closing;
pub(crate) mod sequence;
