//! How the two sides negotiate permessage-deflate, the one extension that is supported (RFC 7692 §5).

use super::extensions::Extension;
use crate::config::Config;
use crate::connection::Connection;
#[cfg(feature = "deflate")]
use crate::deflate::{DeflateConfig, DeflateParameters, Element, NAME};
use alloc::string::String;
#[cfg(feature = "deflate")]
use alloc::string::ToString;
#[cfg(feature = "deflate")]
use alloc::vec::Vec;

/// What has been agreed on, which may be nothing.
#[derive(Default)]
pub(super) struct Agreement {
    #[cfg(feature = "deflate")]
    deflate: Option<(DeflateConfig, DeflateParameters)>,
}

impl Agreement {
    #[cfg(feature = "deflate")]
    fn on(config: &DeflateConfig, answer: &Element) -> Self {
        Self { deflate: Some((config.clone(), answer.agreed())) }
    }

    /// Makes the connection keep to it.
    #[inline]
    pub(super) fn apply(&self, connection: &mut Connection) {
        #[cfg(feature = "deflate")]
        if let Some((config, agreed)) = &self.deflate {
            connection.agree_on_deflate(config, *agreed);
        }
        #[cfg(not(feature = "deflate"))]
        let _no_extension = connection;
    }
}

/// What a client offers, if it does.
#[cfg(feature = "deflate")]
pub(super) fn offers(config: &Config) -> Option<String> {
    let offers: Vec<String> = config.deflate.as_ref()?.offers().map(|offer| offer.to_string()).collect();
    Some(offers.join(", "))
}

/// What a server answers to what it is offered.
#[cfg(feature = "deflate")]
pub(super) fn accept<'h>(
    config: &Config,
    mut offered: impl Iterator<Item = Extension<'h>>,
) -> Option<(Agreement, String)> {
    let config = config.deflate.as_ref()?;
    // RFC 7692 §5, §7: the first offer that can be served. One that breaks the rules is declined, as any other
    // extension is.
    let offer =
        offered.find_map(|offer| if offer.name() == NAME { Element::parse(offer.parameters()) } else { None })?;
    let answer = config.answer(&offer);
    Some((Agreement::on(config, &answer), answer.to_string()))
}

/// What a client makes of the extensions that the server says are in use: `None` if that is not among what it offered
/// (RFC 6455 §4.1, RFC 7692 §5).
#[cfg(feature = "deflate")]
pub(super) fn confirm<'h>(config: &Config, mut in_use: impl Iterator<Item = Extension<'h>>) -> Option<Agreement> {
    let Some(extension) = in_use.next() else { return Some(Agreement::default()) };
    let config = config.deflate.as_ref()?;
    if extension.name() != NAME || in_use.next().is_some() {
        return None;
    }
    let answer = Element::parse(extension.parameters()).filter(|answer| config.allows(answer))?;
    Some(Agreement::on(config, &answer))
}

#[cfg(not(feature = "deflate"))]
pub(super) fn offers(_: &Config) -> Option<String> {
    None
}

#[cfg(not(feature = "deflate"))]
pub(super) fn accept<'h>(_: &Config, _: impl Iterator<Item = Extension<'h>>) -> Option<(Agreement, String)> {
    None
}

#[cfg(not(feature = "deflate"))]
pub(super) fn confirm<'h>(_: &Config, mut in_use: impl Iterator<Item = Extension<'h>>) -> Option<Agreement> {
    in_use.next().is_none().then(Agreement::default)
}
