//! Where a client's masking keys come from (RFC 6455 §5.3).

use super::mask::MaskingKey;
use crate::seed::Seed;
use alloc::boxed::Box;
use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use core::fmt;

/// The stream of masking keys over a seed: one fresh key for each frame, none of which lets the next be guessed
/// (RFC 6455 §5.3, §10.3). ChaCha with twelve rounds, as many generators of random numbers have it.
pub(crate) struct MaskingKeys(ChaCha12Rng);

impl MaskingKeys {
    /// The keys of a connection, which are made where they stay: a generator has 320 bytes.
    #[inline]
    pub(crate) fn new(seed: Seed) -> Box<Self> {
        Box::write(Box::new_uninit(), Self(ChaCha12Rng::from_seed(seed.into_inner())))
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
