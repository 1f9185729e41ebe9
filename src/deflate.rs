//! Compression of messages (RFC 7692). It knows no frames: bytes in, bytes out, and what two endpoints agree on.

mod config;
mod context;
mod deflater;
mod inflater;
mod negotiation;
mod parameters;
mod window;

pub use config::DeflateConfig;
#[cfg(feature = "std")]
pub use context::DeflatePool;
pub use negotiation::NegotiationError;
pub use parameters::DeflateParameters;

pub(crate) use deflater::{Deflater, compress_alone};
pub(crate) use inflater::{Fault, Inflater, Part, Piece, TAIL};
#[cfg(feature = "handshake")]
pub(crate) use negotiation::NAME;
