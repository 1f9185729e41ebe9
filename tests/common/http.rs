//! Heads by hand.
