//! How to use the crate, chapter by chapter.

#[doc = include_str!("guide/handshake.md")]
pub mod handshake {}

#[doc = include_str!("guide/compression.md")]
pub mod compression {}

#[doc = include_str!("guide/migrating.md")]
pub mod migrating {}

#[doc = include_str!("guide/application.md")]
pub mod application {}

#[doc = include_str!("guide/defaults.md")]
pub mod defaults {}

#[doc = include_str!("guide/threats.md")]
pub mod threats {}
