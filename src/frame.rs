//! The wire: a frame's header and its mask (RFC 6455 §5.2, §5.3).
//!
//! It knows no role, no connection and no extension. A [`Connection`](crate::Connection) does all of this by itself;
//! the module is public for whoever forwards, inspects or generates frames.

mod header;
mod keys;
mod mask;

pub use header::{EncodedHeader, FrameHeader};
pub use mask::MaskingKey;

pub(crate) use header::{EXTENDED_16, MAX_CONTROL, MAX_SHORT, Start};
pub(crate) use keys::MaskingKeys;
