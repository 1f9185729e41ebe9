//! The rules for an opening handshake, wherever its headers come from (RFC 6455 §4.2.1, RFC 8441 §5).

use super::reason::Reason;
use super::request_head::split_target;
use crate::handshake::extended_connect::PseudoHeaders;
use crate::handshake::extensions;
use crate::handshake::fields::{Lines, Once, elements, is_token, lists};
use crate::handshake::key;
use crate::handshake::names;
use crate::handshake::uri::is_authority;
use alloc::vec::Vec;
use core::str;

/// The header fields that the rules are about, collected in one pass.
#[derive(Default)]
pub(super) struct Fields<'h> {
    host: Once<'h>,
    key: Once<'h>,
    version: Once<'h>,
    origin: Once<'h>,
    has_upgrade: bool,
    upgrades_to_websocket: bool,
    connection_upgrades: bool,
    has_body: bool,
    subprotocols: Lines<'h>,
    extensions: Lines<'h>,
}

impl<'h> Fields<'h> {
    /// Looks at one more header.
    #[inline]
    pub(super) fn add(&mut self, name: &str, value: &'h [u8]) {
        let is = |known| names::is(name, known);
        match name.len() {
            4 if is(names::HOST) => self.host.add(value),
            6 if is(names::ORIGIN) => self.origin.add(value),
            7 if is(names::UPGRADE) => {
                self.has_upgrade = true;
                self.upgrades_to_websocket |= lists(value, "websocket");
            }
            10 if is(names::CONNECTION) => self.connection_upgrades |= lists(value, "Upgrade"),
            14 if is(names::CONTENT_LENGTH) => self.has_body |= value != b"0",
            17 if is(names::SEC_WEBSOCKET_KEY) => self.key.add(value),
            17 if is(names::TRANSFER_ENCODING) => self.has_body = true,
            21 if is(names::SEC_WEBSOCKET_VERSION) => self.version.add(value),
            22 if is(names::SEC_WEBSOCKET_PROTOCOL) => self.subprotocols.add(value),
            24 if is(names::SEC_WEBSOCKET_EXTENSIONS) => self.extensions.add(value),
            // RFC 6455 §4.2.1: unknown fields are passed over.
            _ => {}
        }
    }

    /// Checks the rules for a request to upgrade (RFC 6455 §4.2.1), and returns the text of the key. The order decides
    /// which status answers a request with several errors: is it GET, does it ask for an upgrade at all, and then the rest.
    pub(super) fn check_upgrade(&self, method: &str, target: &str, http_minor: u8) -> Result<&'h [u8; 24], Reason> {
        if method != "GET" {
            return Err(Reason::Method);
        }
        if !is_target(target) {
            return Err(Reason::Target);
        }
        // RFC 9112 §3.2: every request of HTTP/1.1 has a Host, whether it asks for an upgrade or not.
        if !self.host.value().is_some_and(is_authority) && (http_minor > 0 || !matches!(self.host, Once::Missing)) {
            return Err(Reason::Host);
        }
        // RFC 9110 §7.8: a request to upgrade to another protocol may be handled as a plain one, unless it has the key
        // or the version of a WebSocket.
        let means_websocket = !matches!((self.key, self.version), (Once::Missing, Once::Missing));
        if !self.has_upgrade || !(self.upgrades_to_websocket || means_websocket) {
            return Err(Reason::NoUpgrade);
        }
        if http_minor == 0 {
            return Err(Reason::HttpVersion);
        }
        // A proxy could take the bytes that follow for a body, which here are frames (request smuggling).
        if self.has_body {
            return Err(Reason::Body);
        }
        if !self.upgrades_to_websocket {
            return Err(Reason::Upgrade);
        }
        if !self.connection_upgrades {
            return Err(Reason::Connection);
        }
        self.check_version()?;
        let key = self.key.value().and_then(key::parse).ok_or(Reason::Key)?;
        self.check_negotiation()?;
        Ok(key)
    }

    /// Checks the rules for an extended CONNECT (RFC 8441 §4, §5), which has no key. `is_specific` says whether a header is
    /// about one connection of HTTP/1.1.
    pub(super) fn check_extended_connect(&self, pseudo: &PseudoHeaders<'_>, is_specific: bool) -> Result<(), Reason> {
        match (pseudo.method, pseudo.protocol) {
            ("CONNECT", _) => {}
            ("GET", None) => return Err(Reason::NoUpgrade),
            _ => return Err(Reason::Method),
        }
        // RFC 9220 §3: a protocol that is unknown is answered with 501.
        if !pseudo.protocol.is_some_and(|protocol| protocol.eq_ignore_ascii_case("websocket")) {
            return Err(Reason::Protocol);
        }
        // RFC 8441 §4, §5: scheme and path are those of an http or https URI.
        let is_http = ["http", "https"].iter().any(|known| known.eq_ignore_ascii_case(pseudo.scheme));
        if !is_http || !pseudo.path.starts_with('/') || !is_target(pseudo.path) {
            return Err(Reason::Target);
        }
        // RFC 8441 §5: what Host would say is in :authority. RFC 9113 §8.3.1: a Host that says something else is an error.
        let is_same = match self.host {
            Once::Missing => true,
            Once::Value(host) => host.eq_ignore_ascii_case(pseudo.authority.as_bytes()),
            Once::Repeated => false,
        };
        if !is_same || !is_authority(pseudo.authority.as_bytes()) {
            return Err(Reason::Host);
        }
        if self.has_body {
            return Err(Reason::Body);
        }
        // RFC 8441 §5, RFC 9113 §8.2.2: headers that are about one connection of HTTP/1.1 are not sent.
        if is_specific {
            return Err(Reason::ConnectionSpecific);
        }
        self.check_version()?;
        self.check_negotiation()
    }

    fn check_version(&self) -> Result<(), Reason> {
        match self.version.value() {
            Some(b"13") => Ok(()),
            Some(other) if is_version(other) => Err(Reason::UnsupportedVersion),
            Some(_) | None => Err(Reason::Version),
        }
    }

    /// Checks what is the same over every version of HTTP.
    fn check_negotiation(&self) -> Result<(), Reason> {
        if matches!(self.origin, Once::Repeated) {
            return Err(Reason::Origin);
        }
        if !self.subprotocols.is_empty() && !are_subprotocols(&self.subprotocols) {
            return Err(Reason::Subprotocols);
        }
        if !self.extensions.iter().all(extensions::is_list) {
            return Err(Reason::Extensions);
        }
        Ok(())
    }
}

/// Whether this is a path, or an absolute URI with a scheme that a request for a WebSocket may have (RFC 6455 §4.1);
/// neither has a fragment.
fn is_target(target: &str) -> bool {
    if !target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
        return false;
    }
    if target.starts_with('/') {
        return true;
    }
    let known = |scheme: &str| ["http", "https", "ws", "wss"].iter().any(|known| known.eq_ignore_ascii_case(scheme));
    match target.split_once("://") {
        Some((scheme, _)) if known(scheme) => {
            split_target(target).0.is_some_and(|authority| is_authority(authority.as_bytes()))
        }
        _ => false,
    }
}

/// Whether this is a number from 0 to 255 without leading zeros (RFC 6455 §4.3).
fn is_version(text: &[u8]) -> bool {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let leading_zero = text.len() > 1 && text.first() == Some(&b'0');
    digits && !leading_zero && str::from_utf8(text).is_ok_and(|text| text.parse::<u8>().is_ok())
}

/// Whether these are lists of tokens, none of them twice (RFC 6455 §4.1, §4.3). A list without an element, which some
/// clients send, is treated as absent (RFC 9110 §5.6.1.2).
fn are_subprotocols(lines: &Lines<'_>) -> bool {
    /// So many names are compared with each other.
    const FEW: usize = 4;

    let names = || lines.iter().flat_map(elements);
    if !names().all(is_token) {
        return false;
    }
    if names().nth(FEW).is_none() {
        return names().enumerate().all(|(place, name)| names().take(place).all(|earlier| earlier != name));
    }
    // Sorted, so that finding duplicates among many does not take quadratic time.
    let mut names: Vec<&[u8]> = names().collect();
    names.sort_unstable();
    names.windows(2).all(|pair| pair.first() != pair.last())
}
