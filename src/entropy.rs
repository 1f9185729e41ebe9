//! Entropy from the operating system.

use crate::seed::Seed;
use crate::seeds::Seeds;

impl Seed {
    /// A seed from the operating system.
    ///
    /// There is none in `wasm32-unknown-unknown`, and this function does not exist there: only the program knows whether there
    /// is JavaScript around it to ask. If there is, it depends on `getrandom` itself, with that crate's feature `wasm_js`:
    ///
    /// ```
    /// # use ws_proto::Seed;
    /// let mut entropy = [0; 32];
    /// getrandom::fill(&mut entropy)?;
    /// let seed = Seed::new(entropy);
    /// # Ok::<(), getrandom::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`NoEntropy`], when the operating system has none to give.
    pub fn random() -> Result<Self, NoEntropy> {
        let mut entropy = [0; 32];
        getrandom::fill(&mut entropy).map_err(NoEntropy)?;
        Ok(Self::new(entropy))
    }
}

impl Seeds {
    /// A source over entropy from the operating system: see [`Seed::random`].
    ///
    /// # Errors
    /// [`NoEntropy`], when the operating system has none to give.
    pub fn random() -> Result<Self, NoEntropy> {
        Seed::random().map(|seed| Self::new(seed.into_inner()))
    }
}

/// The operating system has no entropy to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system has no entropy to give: {0}")]
pub struct NoEntropy(getrandom::Error);
