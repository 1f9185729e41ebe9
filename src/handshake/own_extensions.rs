//! The extensions of the application's own that one side lists, beside permessage-deflate.

use super::build::BuildError;
use super::compression::DEFLATE;
use super::extensions::Extensions;
use super::owned_extension::OwnedExtension;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Extensions of the application's own, in its order, no two of one name.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct OwnExtensions(Vec<OwnedExtension>);

impl OwnExtensions {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds one that is written as in a header.
    pub(super) fn add(&mut self, extension: &str) -> Result<(), BuildError> {
        let extension: OwnedExtension = extension.parse()?;
        let name = extension.name();
        // In any case: a peer that ignores case would take it for permessage-deflate.
        if name.eq_ignore_ascii_case(DEFLATE) {
            return Err(BuildError::ReservedExtension);
        }
        if self.names().any(|listed| listed == name) {
            return Err(BuildError::RepeatedExtension(name.to_owned()));
        }
        self.0.push(extension);
        Ok(())
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(OwnedExtension::name)
    }

    /// RFC 6455 §4.2.2: what a server answers with was offered.
    #[inline]
    pub(super) fn check_offered(&self, offers: &Extensions<'_>) -> Result<(), BuildError> {
        let is_offered = |name: &&str| offers.clone().any(|offer| offer.name() == *name);
        match self.names().find(|name| !is_offered(name)) {
            Some(name) => Err(BuildError::UnofferedExtension(name.to_owned())),
            None => Ok(()),
        }
    }

    /// The header value that lists them, with permessage-deflate last: the one listed first is the one that a message goes
    /// through first where it is sent (RFC 6455 §9.1). Empty if there are none.
    #[inline]
    pub(super) fn value_with(&self, deflate: String) -> String {
        self.0.iter().rev().fold(deflate, |behind, extension| {
            if behind.is_empty() { format!("{extension}") } else { format!("{extension}, {behind}") }
        })
    }
}
