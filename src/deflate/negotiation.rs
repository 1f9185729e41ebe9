//! How two sides come to agree on the parameters (RFC 7692 §5, §7.1): what is offered, and what is answered.

use super::config::DeflateConfig;
use super::parameters::{DeflateParameters, MAX_WINDOW_BITS};
use crate::grammar::{Cursor, Malformed, RawExtension};
use alloc::string::{String, ToString};
use core::{fmt, str};

/// The name under which the extension is registered.
pub(crate) const NAME: &str = "permessage-deflate";

/// One `permessage-deflate` of the header: an offer, or what a server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Element {
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
    /// Reads the parameters of an extension of this name. `None` for those that RFC 7692 §7 does not know, that have a value where
    /// none may be or another than may be, or that come twice.
    fn parse(extension: RawExtension<'_>) -> Option<Self> {
        let mut element = Self::default();
        for (name, value) in extension.parameters() {
            let is_new = match (name, value.as_deref()) {
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
    fn agreed(&self) -> DeflateParameters {
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
    /// The value of `Sec-WebSocket-Extensions` with which a client offers the extension, where a handshake elsewhere sends it;
    /// those of this crate do so by themselves. It is one offer, or two with a [`fallback`](DeflateConfig::fallback), best
    /// first.
    ///
    /// ```
    /// use ws_proto::DeflateConfig;
    ///
    /// let config = DeflateConfig::new().receive_window_bits(12);
    /// assert_eq!(config.offer(), "permessage-deflate; server_max_window_bits=12; client_max_window_bits");
    /// ```
    pub fn offer(&self) -> String {
        let mut list = String::new();
        for offer in self.offers() {
            if !list.is_empty() {
                list.push_str(", ");
            }
            list.push_str(&offer.to_string());
        }
        list
    }

    /// What a server answers to the value of `Sec-WebSocket-Extensions` in a request that was read elsewhere: the element for
    /// the response's value, and what [`Connection::with_deflate`](crate::Connection::with_deflate) is given. It accepts the
    /// first offer that can be served (RFC 7692 §5); one that is invalid is passed over, as other extensions are. `None` if
    /// there is no such offer. Values of several lines are joined with commas first.
    ///
    /// ```
    /// use ws_proto::{Config, Connection, DeflateConfig};
    ///
    /// let deflate = DeflateConfig::new();
    /// let offers = "x-stamp, permessage-deflate; client_max_window_bits; server_max_window_bits=10";
    /// let mut ws = Connection::server(&Config::new());
    /// if let Some((answer, agreed)) = deflate.answer(offers)? {
    ///     assert_eq!(answer, "permessage-deflate; server_max_window_bits=10");
    ///     ws = ws.with_deflate(&deflate, agreed);
    /// }
    /// # Ok::<(), ws_proto::NegotiationError>(())
    /// ```
    ///
    /// # Errors
    /// [`NegotiationError::Malformed`] if the value breaks the grammar of RFC 6455 §9.1: the handshake has to fail.
    ///
    /// *Complexity*: linear in the value.
    pub fn answer(&self, offers: impl AsRef<[u8]>) -> Result<Option<(String, DeflateParameters)>, NegotiationError> {
        let offers = offers.as_ref();
        for offer in elements(offers) {
            offer?;
        }
        Ok(self.accept(elements(offers).filter_map(Result::ok)))
    }

    /// Checks the value of `Sec-WebSocket-Extensions` in the response to a client that has sent its
    /// [`offer`](DeflateConfig::offer): returns the parameters for
    /// [`Connection::with_deflate`](crate::Connection::with_deflate), or `None` if the server has not accepted it. Other
    /// extensions are the caller's to check. Values of several lines are joined with commas first.
    ///
    /// ```
    /// use ws_proto::{Config, Connection, DeflateConfig, Seed};
    ///
    /// let deflate = DeflateConfig::new();
    /// let mut ws = Connection::client(Seed::new([1; 32]), &Config::new());
    /// if let Some(agreed) = deflate.confirm("permessage-deflate; client_max_window_bits=12")? {
    ///     ws = ws.with_deflate(&deflate, agreed);
    /// }
    /// # Ok::<(), ws_proto::NegotiationError>(())
    /// ```
    ///
    /// # Errors
    /// A [`NegotiationError`], for which the client has to fail the handshake (RFC 6455 §4.1, RFC 7692 §5).
    ///
    /// *Complexity*: linear in the value.
    pub fn confirm(&self, answer: impl AsRef<[u8]>) -> Result<Option<DeflateParameters>, NegotiationError> {
        let mut agreed = None;
        for extension in elements(answer.as_ref()) {
            let extension = extension?;
            if extension.name == NAME && agreed.replace(self.check(extension)?).is_some() {
                return Err(NegotiationError::Repeated);
            }
        }
        Ok(agreed)
    }

    /// What a server answers to the first of these offers that can be served, and what holds then.
    pub(crate) fn accept<'a>(
        &self,
        mut offers: impl Iterator<Item = RawExtension<'a>>,
    ) -> Option<(String, DeflateParameters)> {
        // RFC 7692 §5, §7: one that breaks the rules is declined, as any other extension is.
        let offer = offers.find_map(|offer| if offer.name == NAME { Element::parse(offer) } else { None })?;
        let answer = self.answer_to(&offer);
        Some((answer.to_string(), answer.agreed()))
    }

    /// What holds when a server has answered this to the offers.
    pub(crate) fn check(&self, answer: RawExtension<'_>) -> Result<DeflateParameters, NegotiationError> {
        let answer = Element::parse(answer).ok_or(NegotiationError::Parameters)?;
        if self.allows(&answer) { Ok(answer.agreed()) } else { Err(NegotiationError::NotOffered) }
    }

    /// What a client offers, best first.
    fn offers(&self) -> impl Iterator<Item = Element> {
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
    fn allows(&self, answer: &Element) -> bool {
        // RFC 7692 §5: the answer need not show which offer was taken.
        self.offers().any(|offer| offer.allows(answer))
    }

    /// What a server answers to an offer. None has to be declined: whatever window is asked for can be kept to.
    fn answer_to(&self, offer: &Element) -> Element {
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

/// As an element of the header, with what is not the default: `permessage-deflate; server_max_window_bits=12`. An answer to
/// an offer may have to say more (RFC 7692 §7.1.2.1): [`DeflateConfig::answer`] does.
impl fmt::Display for DeflateParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let agreed = self.clamped();
        let element = Element {
            server_no_context_takeover: agreed.server_no_context_takeover,
            client_no_context_takeover: agreed.client_no_context_takeover,
            server_max_window_bits: limit(agreed.server_max_window_bits),
            client_max_window_bits: limit(agreed.client_max_window_bits)
                .map_or(ClientWindow::Unsaid, ClientWindow::Bits),
        };
        element.fmt(f)
    }
}

impl str::FromStr for DeflateParameters {
    type Err = NegotiationError;

    /// Reads what a server has answered: one `permessage-deflate` with its parameters, whatever the offers were.
    /// [`DeflateConfig::confirm`] compares it with them.
    fn from_str(answer: &str) -> Result<Self, NegotiationError> {
        let mut elements = elements(answer.as_bytes());
        let answer = elements.next().ok_or(NegotiationError::Malformed)??;
        if elements.next().transpose()?.is_some() {
            return Err(NegotiationError::Repeated);
        }
        if answer.name != NAME {
            return Err(NegotiationError::Name);
        }
        match Element::parse(answer) {
            // RFC 7692 §7.1.2.2: in an answer it has a value.
            None | Some(Element { client_max_window_bits: ClientWindow::Limitable, .. }) => {
                Err(NegotiationError::Parameters)
            }
            Some(answer) => Ok(answer.agreed()),
        }
    }
}

/// The elements of a header value, up to the first error.
fn elements(value: &[u8]) -> impl Iterator<Item = Result<RawExtension<'_>, NegotiationError>> {
    let mut cursor = Some(Cursor::new(value));
    core::iter::from_fn(move || {
        let element = RawExtension::next(cursor.as_mut()?);
        if element.is_err() {
            cursor = None;
        }
        element.map_err(|Malformed| NegotiationError::Malformed).transpose()
    })
}

/// Why a header value does not lead to an agreement on permessage-deflate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum NegotiationError {
    /// The value is not a list of extensions with their parameters.
    #[error("not a list of extensions (RFC 6455 §9.1)")]
    Malformed,
    /// The one extension is another.
    #[error("the extension is not permessage-deflate (RFC 7692 §7)")]
    Name,
    /// There are several where one is due.
    #[error("more than one extension is named where one is due (RFC 7692 §5)")]
    Repeated,
    /// A parameter that there is not, or twice, or with another value than it may have.
    #[error("a parameter of permessage-deflate is unknown, repeated or out of range (RFC 7692 §7.1)")]
    Parameters,
    /// The offer does not allow this answer.
    #[error("the answer is none to what was offered (RFC 7692 §7.1)")]
    NotOffered,
}

/// The bits, if they are a limit.
fn limit(bits: u8) -> Option<u8> {
    (bits < MAX_WINDOW_BITS).then_some(bits)
}
