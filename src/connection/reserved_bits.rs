//! The reserved bits that the application's extensions have a meaning for.

use super::Connection;
use crate::reserved_bits::ReservedBits;

impl Connection {
    /// Gives reserved bits a meaning: that of an extension of the application's, which the handshake has agreed on
    /// (RFC 6455 §5.2, §9). It replaces the bits of an earlier call.
    ///
    /// A message that begins after this and has such bits set on its first frame is returned as
    /// [`Event::Extension`](crate::Event::Extension), in parts as
    /// [`Event::ExtensionPart`](crate::Event::ExtensionPart), with its payload as it came; a
    /// [`Message::Extension`](crate::Message::Extension) sets them. All limits hold as for other messages. A bit without a
    /// meaning fails the connection with 1002, and so does every bit on a continuation or a control frame: what an extension
    /// does here, it does to whole messages, as permessage-deflate does.
    ///
    /// Where permessage-deflate is in use, RSV1 belongs to it (RFC 7692 §5 rules out another extension that claims it): a
    /// message that has it set is inflated first, and the other bits are then those that the event has.
    ///
    /// ```
    /// use ws_proto::{Config, Connection, Event, Input, Message, MessageKind, ReservedBits, Seed};
    ///
    /// let mut client = Connection::client(Seed::new([1; 32]), &Config::new());
    /// let mut server = Connection::server(&Config::new());
    /// for ws in [&mut client, &mut server] {
    ///     ws.set_reserved_bits(ReservedBits::RSV2)?;
    /// }
    ///
    /// // An extension that sends text backwards, and says so by RSV2.
    /// let payload = "hello".bytes().rev().collect();
    /// client.send(Message::Extension { kind: MessageKind::Text, reserved: ReservedBits::RSV2, payload })?;
    ///
    /// let mut input = Input::new();
    /// input.put(client.output());
    /// let Some(Event::Extension { kind, reserved, payload }) = server.receive(&mut input) else { panic!() };
    /// assert_eq!((kind, reserved, &payload[..]), (MessageKind::Text, ReservedBits::RSV2, &b"olleh"[..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ReservedBitInUse`] if RSV1 is among the bits and permessage-deflate is in use: nothing changes then. An application
    /// whose extension needs RSV1 leaves compression out of its offer, or declines it.
    pub const fn set_reserved_bits(&mut self, bits: ReservedBits) -> Result<(), ReservedBitInUse> {
        if self.sender.compresses() && bits.contains(ReservedBits::RSV1) {
            return Err(ReservedBitInUse);
        }
        self.receiver.allow_reserved(bits);
        self.sender.allow_reserved(bits);
        Ok(())
    }

    /// The reserved bits that have a meaning for the application's extensions.
    pub const fn reserved_bits(&self) -> Option<ReservedBits> {
        self.sender.reserved_bits()
    }
}

/// RSV1 cannot be given to an extension of the application's, because permessage-deflate uses it (RFC 7692 §5, §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("RSV1 is in use by permessage-deflate (RFC 7692 §6)")]
#[non_exhaustive]
pub struct ReservedBitInUse;
