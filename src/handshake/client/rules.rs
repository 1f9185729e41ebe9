//! The rules for a 101 (RFC 6455 §4.1).

use super::error::Flaw;
use crate::config::Config;
use crate::handshake::compression::{self, Agreement};
use crate::handshake::extensions::{self, Extensions, Grammar};
use crate::handshake::fields::{Once, is_token, lists};
use alloc::{string::String, vec::Vec};

/// What the request offered, which a 101 has to match.
pub(super) struct Offered {
    pub(super) config: Config,
    /// The `Sec-WebSocket-Accept` that the key requires.
    pub(super) accept: [u8; 28],
    pub(super) subprotocols: Vec<String>,
}

impl Offered {
    /// Checks the rules for a 101, and returns the extension and the subprotocol in use.
    pub(super) fn check(
        &self,
        http_minor: u8,
        fields: &Fields<'_>,
        extensions: Extensions<'_>,
    ) -> Result<Agreed, Flaw> {
        if http_minor == 0 {
            return Err(Flaw::HttpVersion);
        }
        if !fields.upgrade.value().is_some_and(|value| value.eq_ignore_ascii_case(b"websocket")) {
            return Err(Flaw::Upgrade);
        }
        if !fields.connection_upgrades {
            return Err(Flaw::Connection);
        }
        if fields.accept.value() != Some(&self.accept[..]) {
            return Err(Flaw::Accept);
        }
        if !fields.extensions.is_kept() {
            return Err(Flaw::Extension);
        }
        let agreement = if fields.extensions.is_present() {
            compression::confirm(&self.config, extensions).ok_or(Flaw::Extension)?
        } else {
            Agreement::default()
        };
        if matches!(fields.subprotocol, Once::Missing) {
            return Ok((agreement, None));
        }
        let chosen = fields.subprotocol.value().filter(|chosen| is_token(chosen)).ok_or(Flaw::Subprotocol)?;
        let offered = self.subprotocols.iter().find(|offered| offered.as_bytes() == chosen);
        offered.map(|offered| (agreement, Some(offered.clone()))).ok_or(Flaw::Subprotocol)
    }
}

/// What a 101 agrees on: the extension, and the subprotocol if there is one.
pub(super) type Agreed = (Agreement, Option<String>);

/// The header fields that the rules for a 101 are about, collected in one pass.
#[derive(Default)]
pub(super) struct Fields<'h> {
    upgrade: Once<'h>,
    accept: Once<'h>,
    subprotocol: Once<'h>,
    connection_upgrades: bool,
    extensions: Grammar,
}

impl<'h> Fields<'h> {
    pub(super) fn collect(headers: &[httparse::Header<'h>]) -> Self {
        let mut fields = Self::default();
        for header in headers {
            let value = header.value;
            let is = |name: &str| header.name.eq_ignore_ascii_case(name);
            match header.name.len() {
                7 if is("upgrade") => fields.upgrade.add(value),
                10 if is("connection") => fields.connection_upgrades |= lists(value, "upgrade"),
                20 if is("sec-websocket-accept") => fields.accept.add(value),
                22 if is("sec-websocket-protocol") => fields.subprotocol.add(value),
                24 if is(extensions::NAME) => fields.extensions.add(value),
                // RFC 6455 §4.1: unknown fields are passed over. RFC 9112 §6.3: a 101 ends with its head, whatever
                // Content-Length and Transfer-Encoding say.
                _ => {}
            }
        }
        fields
    }
}
