//! How two sides come to agree on the parameters (RFC 7692 §5, §7.1): what is offered, and what is answered.

use super::config::DeflateConfig;
use super::parameters::{DeflateParameters, MAX_WINDOW_BITS};
use core::fmt;

/// The name under which the extension is registered.
pub(crate) const NAME: &str = "permessage-deflate";

/// One `permessage-deflate` of the header: an offer, or what a server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Element {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    client_max_window_bits: ClientWindow,
}

/// What an element says about the client's window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum ClientWindow {
    #[default]
    Unsaid,
    /// The parameter without a value, which only an offer has: the server may limit the window.
    Limitable,
    Bits(u8),
}

impl Element {
    /// Reads the parameters of an element. `None` for those that RFC 7692 §7 does not know, that have a value where
    /// none may be or another than may be, or that come twice.
    pub(crate) fn parse<V: AsRef<str>>(parameters: impl Iterator<Item = (impl AsRef<str>, Option<V>)>) -> Option<Self> {
        let mut element = Self::default();
        for (name, value) in parameters {
            let value = value.as_ref().map(AsRef::as_ref);
            let is_new = match (name.as_ref(), value) {
                ("server_no_context_takeover", None) => {
                    !core::mem::replace(&mut element.server_no_context_takeover, true)
                }
                ("client_no_context_takeover", None) => {
                    !core::mem::replace(&mut element.client_no_context_takeover, true)
                }
                ("server_max_window_bits", Some(value)) => {
                    element.server_max_window_bits.replace(window_bits(value)?).is_none()
                }
                ("client_max_window_bits", value) => {
                    let window = match value {
                        Some(value) => ClientWindow::Bits(window_bits(value)?),
                        None => ClientWindow::Limitable,
                    };
                    core::mem::replace(&mut element.client_max_window_bits, window) == ClientWindow::Unsaid
                }
                _ => false,
            };
            if !is_new {
                return None;
            }
        }
        Some(element)
    }

    /// What holds when a server has answered this.
    pub(crate) fn agreed(&self) -> DeflateParameters {
        DeflateParameters {
            server_no_context_takeover: self.server_no_context_takeover,
            client_no_context_takeover: self.client_no_context_takeover,
            server_max_window_bits: self.server_max_window_bits.unwrap_or(MAX_WINDOW_BITS),
            client_max_window_bits: match self.client_max_window_bits {
                ClientWindow::Bits(bits) => bits,
                ClientWindow::Unsaid | ClientWindow::Limitable => MAX_WINDOW_BITS,
            },
        }
    }

    /// Whether a server that was made this offer may answer so.
    fn allows(&self, answer: &Self) -> bool {
        // RFC 7692 §7.1.1.1: a server that accepts the request says so.
        let takeover = answer.server_no_context_takeover || !self.server_no_context_takeover;
        // RFC 7692 §7.1.2.1: with the same or a smaller value.
        let server_window = match (self.server_max_window_bits, answer.server_max_window_bits) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(most), Some(bits)) => bits <= most,
        };
        // RFC 7692 §7.1.2.2: only if it was offered, and with a value. The offered one is a hint that binds nobody.
        let client_window = match (self.client_max_window_bits, answer.client_max_window_bits) {
            (_, ClientWindow::Unsaid) => true,
            (ClientWindow::Limitable | ClientWindow::Bits(_), ClientWindow::Bits(_)) => true,
            (_, ClientWindow::Limitable) | (ClientWindow::Unsaid, ClientWindow::Bits(_)) => false,
        };
        takeover && server_window && client_window
    }
}

/// A value of 8 to 15 in decimal digits without leading zeros (RFC 7692 §7.1.2).
fn window_bits(value: &str) -> Option<u8> {
    match value {
        "8" => Some(8),
        "9" => Some(9),
        "10" => Some(10),
        "11" => Some(11),
        "12" => Some(12),
        "13" => Some(13),
        "14" => Some(14),
        "15" => Some(15),
        _ => None,
    }
}

/// As it stands in the header.
impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAME)?;
        if self.server_no_context_takeover {
            f.write_str("; server_no_context_takeover")?;
        }
        if self.client_no_context_takeover {
            f.write_str("; client_no_context_takeover")?;
        }
        if let Some(bits) = self.server_max_window_bits {
            write!(f, "; server_max_window_bits={bits}")?;
        }
        match self.client_max_window_bits {
            ClientWindow::Unsaid => Ok(()),
            ClientWindow::Limitable => f.write_str("; client_max_window_bits"),
            ClientWindow::Bits(bits) => write!(f, "; client_max_window_bits={bits}"),
        }
    }
}

impl DeflateConfig {
    /// What a client offers, best first.
    pub(crate) fn offers(&self) -> impl Iterator<Item = Element> {
        let unrestricted = Element {
            server_no_context_takeover: false,
            // RFC 7692 §7.1.1.2: a hint, so that the server need not keep a window for this.
            client_no_context_takeover: !self.send_context_takeover,
            server_max_window_bits: None,
            client_max_window_bits: limit(self.send_window_bits).map_or(ClientWindow::Limitable, ClientWindow::Bits),
        };
        let restricted = Element {
            server_no_context_takeover: !self.receive_context_takeover,
            server_max_window_bits: limit(self.receive_window_bits),
            ..unrestricted
        };
        let fallback = (self.fallback && restricted != unrestricted).then_some(unrestricted);
        core::iter::once(restricted).chain(fallback)
    }

    /// Whether a server may answer so to these offers.
    pub(crate) fn allows(&self, answer: &Element) -> bool {
        // RFC 7692 §5: the answer need not show which offer was taken.
        self.offers().any(|offer| offer.allows(answer))
    }

    /// What a server answers to an offer. None has to be declined: whatever window is asked for can be kept to.
    pub(crate) fn answer(&self, offer: &Element) -> Element {
        Element {
            server_no_context_takeover: offer.server_no_context_takeover || !self.send_context_takeover,
            // RFC 7692 §7.1.1.2: the hint is taken up, and no window has to be kept for the client.
            client_no_context_takeover: offer.client_no_context_takeover || !self.receive_context_takeover,
            server_max_window_bits: match offer.server_max_window_bits {
                Some(most) => Some(most.min(self.send_window_bits)),
                None => limit(self.send_window_bits),
            },
            client_max_window_bits: match offer.client_max_window_bits {
                // RFC 7692 §7.1.2.2: a client that does not offer the parameter may not understand it.
                ClientWindow::Unsaid => None,
                ClientWindow::Limitable => limit(self.receive_window_bits),
                ClientWindow::Bits(bits) => limit(bits.min(self.receive_window_bits)),
            }
            .map_or(ClientWindow::Unsaid, ClientWindow::Bits),
        }
    }
}

/// The bits, if they are a limit.
fn limit(bits: u8) -> Option<u8> {
    (bits < MAX_WINDOW_BITS).then_some(bits)
}
