//! The rules for an opening handshake (RFC 6455 §4.2.1).

use super::reason::Reason;
use super::request_head::split_target;
use crate::handshake::extensions::{self, Grammar};
use crate::handshake::fields::{Once, elements, is_token, lists};
use crate::handshake::key::{self, Key};
use crate::handshake::uri::{parse_port, split_authority};
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
    has_subprotocols: bool,
    extensions: Grammar,
}

impl<'h> Fields<'h> {
    pub(super) fn collect(headers: &[httparse::Header<'h>]) -> Self {
        let mut fields = Self::default();
        for header in headers {
            let value = header.value;
            let is = |name: &str| header.name.eq_ignore_ascii_case(name);
            match header.name.len() {
                4 if is("host") => fields.host.add(value),
                6 if is("origin") => fields.origin.add(value),
                7 if is("upgrade") => {
                    fields.has_upgrade = true;
                    fields.upgrades_to_websocket |= lists(value, "websocket");
                }
                10 if is("connection") => fields.connection_upgrades |= lists(value, "upgrade"),
                14 if is("content-length") => fields.has_body |= value != b"0",
                17 if is("sec-websocket-key") => fields.key.add(value),
                17 if is("transfer-encoding") => fields.has_body = true,
                21 if is("sec-websocket-version") => fields.version.add(value),
                22 if is("sec-websocket-protocol") => fields.has_subprotocols = true,
                24 if is(extensions::NAME) => fields.extensions.add(value),
                // RFC 6455 §4.2.1: unknown fields are passed over.
                _ => {}
            }
        }
        fields
    }

    /// Checks the rules of RFC 6455 §4.2.1, and returns the key.
    pub(super) fn check(
        &self,
        method: &str,
        target: &str,
        version: u8,
        headers: &[httparse::Header<'_>],
    ) -> Result<Key, Reason> {
        if method != "GET" {
            return Err(Reason::Method);
        }
        if !is_target(target) {
            return Err(Reason::Target);
        }
        let is_host = self.host.value().and_then(|host| str::from_utf8(host).ok()).is_some_and(is_authority);
        // RFC 9112 §3.2: every request of HTTP/1.1 has a Host, whether it asks for an upgrade or not.
        if !is_host && (version == 1 || !matches!(self.host, Once::Missing)) {
            return Err(Reason::Host);
        }
        // RFC 9110 §7.8: a request to upgrade to another protocol may be handled as a plain one, unless it has the key
        // or the version of a WebSocket.
        let means_websocket = !matches!((self.key, self.version), (Once::Missing, Once::Missing));
        if !self.has_upgrade || !(self.upgrades_to_websocket || means_websocket) {
            return Err(Reason::NoUpgrade);
        }
        if version == 0 {
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
        match self.version.value() {
            Some(b"13") => {}
            Some(other) if is_version(other) => return Err(Reason::UnsupportedVersion),
            Some(_) | None => return Err(Reason::Version),
        }
        let key = self.key.value().and_then(key::parse).ok_or(Reason::Key)?;
        if matches!(self.origin, Once::Repeated) {
            return Err(Reason::Origin);
        }
        if self.has_subprotocols && !are_subprotocols(headers) {
            return Err(Reason::Subprotocols);
        }
        if self.extensions.is_broken() {
            return Err(Reason::Extensions);
        }
        Ok(key)
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
        Some((scheme, _)) if known(scheme) => split_target(target).0.is_some_and(is_authority),
        _ => false,
    }
}

/// Whether this is a host, with a port or without.
fn is_authority(authority: &str) -> bool {
    split_authority(authority)
        .is_some_and(|(_, port)| port.is_none_or(|port| port.is_empty() || parse_port(port).is_some()))
}

/// Whether this is a number from 0 to 255 without leading zeros (RFC 6455 §4.3).
fn is_version(text: &[u8]) -> bool {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let leading_zero = text.len() > 1 && text.first() == Some(&b'0');
    digits && !leading_zero && str::from_utf8(text).is_ok_and(|text| text.parse::<u8>().is_ok())
}

/// Whether these are lists of tokens, none of them twice (RFC 6455 §4.1, §4.3). A list without an element, which some
/// clients send, is as good as none (RFC 9110 §5.6.1.2).
fn are_subprotocols(headers: &[httparse::Header<'_>]) -> bool {
    let lines = headers.iter().filter(|header| header.name.eq_ignore_ascii_case("sec-websocket-protocol"));
    let mut names: Vec<&[u8]> = lines.flat_map(|header| elements(header.value)).collect();
    if !names.iter().all(|name| is_token(name)) {
        return false;
    }
    // Sorted, so that finding duplicates does not take quadratic time.
    names.sort_unstable();
    names.windows(2).all(|pair| pair.first() != pair.last())
}
