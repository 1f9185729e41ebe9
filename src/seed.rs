//! The one place where entropy enters.

use core::fmt;

/// Thirty-two secret random bytes, the source of a client's handshake nonce and of all its masking keys.
///
/// RFC 6455 §5.3 wants keys from a strong source of entropy that nobody can predict. The crate draws no entropy of its
/// own, so a client is given a seed and draws from a ChaCha12 stream over it. A seed serves one connection: it can be
/// moved but not copied, and its `Debug` hides it. A server needs none. [`Seeds`](crate::Seeds) gives one to each of many
/// connections.
///
/// ```
/// use ws_proto::Seed;
///
/// # fn entropy_of_this_platform() -> [u8; 32] { [7; 32] }
/// let seed = Seed::new(entropy_of_this_platform());
/// assert_eq!(format!("{seed:?}"), "Seed(..)");
/// ```
pub struct Seed([u8; 32]);

impl Seed {
    /// A seed from entropy of the caller's: a hardware generator, a browser's `crypto.getRandomValues`, ….
    pub const fn new(entropy: [u8; 32]) -> Self {
        Self(entropy)
    }

    pub(crate) const fn into_inner(self) -> [u8; 32] {
        self.0
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}
