//! How the two sides agree on extensions: on permessage-deflate, and on those of the application's (RFC 6455 §9.1, RFC 7692
//! §5).

use super::extensions::Extension;
use super::own_extensions::OwnExtensions;
use crate::config::Config;
use crate::connection::Connection;
#[cfg(feature = "deflate")]
use crate::deflate::{DeflateConfig, DeflateParameters};
use alloc::string::String;
use alloc::vec::Vec;

#[cfg(feature = "deflate")]
pub(super) use crate::deflate::NAME as DEFLATE;

/// The name under which the extension is registered.
#[cfg(not(feature = "deflate"))]
pub(super) const DEFLATE: &str = "permessage-deflate";

/// What has been agreed on, which may be nothing.
#[derive(Clone, Copy, Default)]
pub(super) struct Agreement {
    #[cfg(feature = "deflate")]
    deflate: Option<DeflateParameters>,
}

impl Agreement {
    /// Makes the connection keep to it, with the configuration that it was agreed on with.
    #[inline]
    pub(super) fn apply(self, config: &Config, connection: &mut Connection) {
        #[cfg(feature = "deflate")]
        if let (Some(config), Some(agreed)) = (&config.deflate, self.deflate) {
            connection.agree_on_deflate(config, agreed);
        }
        #[cfg(not(feature = "deflate"))]
        let _no_extension = (config, connection);
    }
}

/// Checks the extensions that the server says are in use: `None` if one of them is not among what the client offered, or is
/// there twice (RFC 6455 §4.1, RFC 7692 §5). The parameters of the application's are the application's to
/// check.
pub(super) fn confirm<'h>(
    config: &Config,
    own: &OwnExtensions,
    in_use: impl Iterator<Item = Extension<'h>>,
) -> Option<Agreement> {
    let mut agreement = None;
    let mut offered: Vec<&str> = own.names().collect();
    for extension in in_use {
        if extension.name() != DEFLATE {
            let at = offered.iter().position(|name| *name == extension.name())?;
            offered.swap_remove(at);
        } else if agreement.replace(confirm_deflate(config, extension)?).is_some() {
            return None;
        }
    }
    Some(agreement.unwrap_or_default())
}

/// What a client offers, if it does.
#[cfg(feature = "deflate")]
pub(super) fn offers(config: &Config) -> Option<String> {
    config.deflate.as_ref().map(DeflateConfig::offer)
}

/// What a server answers to what it is offered.
#[cfg(feature = "deflate")]
pub(super) fn accept<'h>(config: &Config, offered: impl Iterator<Item = Extension<'h>>) -> Option<(Agreement, String)> {
    let config = config.deflate.as_ref()?;
    let (answer, agreed) = config.accept(offered.map(|Extension(offer)| offer))?;
    Some((Agreement { deflate: Some(agreed) }, answer))
}

#[cfg(feature = "deflate")]
fn confirm_deflate(config: &Config, Extension(answer): Extension<'_>) -> Option<Agreement> {
    let config = config.deflate.as_ref()?;
    config.check(answer).ok().map(|agreed| Agreement { deflate: Some(agreed) })
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
fn confirm_deflate(_: &Config, _: Extension<'_>) -> Option<Agreement> {
    None
}
