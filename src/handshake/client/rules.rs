//! The rules for a response that accepts, wherever its headers come from (RFC 6455 §4.1, RFC 8441 §5).

use super::error::Flaw;
use super::request::Request;
use crate::config::Config;
use crate::handshake::compression::{self, Agreement};
use crate::handshake::extensions::{self, Extension};
use crate::handshake::fields::{Lines, Once, is_empty_list, is_token, lists};
use crate::handshake::names;
use crate::handshake::own_extensions::OwnExtensions;
use alloc::{string::String, vec::Vec};

/// What the request offered, which the response has to match.
pub(super) struct Offered {
    pub(super) config: Config,
    pub(super) subprotocols: Vec<String>,
    /// Those of the application's own.
    pub(super) extensions: OwnExtensions,
}

/// What a response agrees on: the extension, and the subprotocol if there is one.
pub(super) type Agreed = (Agreement, Option<String>);

impl Offered {
    #[inline]
    pub(super) fn by(request: &Request, config: &Config) -> Self {
        let (subprotocols, extensions) = (request.subprotocols.clone(), request.extensions.clone());
        Self { config: config.clone(), subprotocols, extensions }
    }

    /// What another request offers, with the same configuration.
    pub(super) fn replace_by(&mut self, request: &Request) {
        self.subprotocols.clone_from(&request.subprotocols);
        self.extensions.clone_from(&request.extensions);
    }

    /// Checks the rules for a 101 (RFC 6455 §4.1), with the `Sec-WebSocket-Accept` that the key requires.
    pub(super) fn check_upgrade(&self, http_minor: u8, accept: &[u8; 28], fields: &Fields<'_>) -> Result<Agreed, Flaw> {
        if http_minor == 0 {
            return Err(Flaw::HttpVersion);
        }
        if !fields.upgrade.value().is_some_and(|value| value.eq_ignore_ascii_case(b"websocket")) {
            return Err(Flaw::Upgrade);
        }
        if !fields.connection_upgrades {
            return Err(Flaw::Connection);
        }
        if fields.accept.value() != Some(accept) {
            return Err(Flaw::Accept);
        }
        self.check_negotiation(fields)
    }

    /// Checks what is the same over every version of HTTP, and returns the extension and the subprotocol in use.
    pub(super) fn check_negotiation(&self, fields: &Fields<'_>) -> Result<Agreed, Flaw> {
        if !fields.extensions.iter().all(extensions::is_list) {
            return Err(Flaw::Extension);
        }
        let agreement = if fields.extensions.is_empty() {
            Agreement::default()
        } else {
            compression::confirm(&self.config, &self.extensions, fields.extensions()).ok_or(Flaw::Extension)?
        };
        let subprotocol = match fields.subprotocol {
            Once::Missing => return Ok((agreement, None)),
            Once::Value(value) if is_token(value) => value,
            Once::Value(_) | Once::Repeated => return Err(Flaw::Subprotocol),
        };
        let offered = self.subprotocols.iter().find(|offered| offered.as_bytes() == subprotocol);
        offered.map(|offered| (agreement, Some(offered.clone()))).ok_or(Flaw::Subprotocol)
    }
}

/// The header fields that the rules are about, collected in one pass.
#[derive(Default)]
pub(super) struct Fields<'h> {
    upgrade: Once<'h>,
    accept: Once<'h>,
    subprotocol: Once<'h>,
    connection_upgrades: bool,
    extensions: Lines<'h>,
}

impl<'h> Fields<'h> {
    /// The extensions that are named.
    pub(super) fn extensions(&self) -> impl Iterator<Item = Extension<'h>> {
        self.extensions.iter().flat_map(extensions::elements)
    }

    /// Looks at one more header.
    #[inline]
    pub(super) fn add(&mut self, name: &str, value: &'h [u8]) {
        let is = |known| names::is(name, known);
        match name.len() {
            7 if is(names::UPGRADE) => self.upgrade.add(value),
            10 if is(names::CONNECTION) => self.connection_upgrades |= lists(value, "Upgrade"),
            20 if is(names::SEC_WEBSOCKET_ACCEPT) => self.accept.add(value),
            // RFC 9110 §5.6.1.2: a list without an element, which some servers send, is treated as absent.
            22 if is(names::SEC_WEBSOCKET_PROTOCOL) && !is_empty_list(value) => self.subprotocol.add(value),
            24 if is(names::SEC_WEBSOCKET_EXTENSIONS) => self.extensions.add(value),
            // RFC 6455 §4.1: unknown fields are passed over. RFC 9112 §6.3: a 101 ends with its head, whatever
            // Content-Length and Transfer-Encoding say.
            _ => {}
        }
    }
}
