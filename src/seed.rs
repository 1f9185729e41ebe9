//! The one place where entropy enters.

use crate::frame::MaskingKey;
use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use core::fmt;

/// Thirty-two secret random bytes, the source of a client's handshake nonce and of all its masking keys.
///
/// RFC 6455 §5.3 wants keys from a strong source of entropy that nobody can predict. The crate rolls no dice of its
/// own, so a client is given a seed and draws from a ChaCha20 stream over it. A seed serves one connection: it can be
/// moved but not copied, and its `Debug` hides it. A server needs none.
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

    /// A seed from the operating system.
    ///
    /// # Errors
    /// What the operating system says when it has no entropy to give.
    #[cfg(feature = "getrandom")]
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut entropy = [0; 32];
        getrandom::fill(&mut entropy)?;
        Ok(Self(entropy))
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// The stream of masking keys over a seed: one fresh key for each frame, none of which tells the next
/// (RFC 6455 §5.3, §10.3).
pub(crate) struct MaskingKeys(ChaCha20Rng);

impl MaskingKeys {
    pub(crate) fn new(Seed(entropy): Seed) -> Self {
        Self(ChaCha20Rng::from_seed(entropy))
    }

    #[inline]
    pub(crate) fn next(&mut self) -> MaskingKey {
        MaskingKey::new(self.0.next_u32().to_le_bytes())
    }

    /// The random bytes of a handshake's nonce (RFC 6455 §4.1), which come out of the stream before any key.
    #[cfg(feature = "handshake")]
    pub(crate) fn nonce(&mut self) -> [u8; 16] {
        let mut nonce = [0; 16];
        self.0.fill_bytes(&mut nonce);
        nonce
    }
}

impl fmt::Debug for MaskingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MaskingKeys(..)")
    }
}
