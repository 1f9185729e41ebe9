//! The methods of a connection that send.

use super::{Connection, MessageWriter};
use crate::close_frame::CloseFrame;
#[cfg(doc)]
use crate::config::Config;
#[cfg(all(doc, feature = "deflate"))]
use crate::deflate::DeflateConfig;
use crate::message::Message;
use crate::opcode::MessageKind;
use crate::prepared::Prepared;
#[cfg(doc)]
use crate::send_error::SendErrorKind;
use crate::send_error::{SendError, WriteError};

impl Connection {
    /// Sends a text message, copying it.
    ///
    /// # Errors
    /// [`Full`](SendErrorKind::Full), [`TooLarge`](SendErrorKind::TooLarge), [`Closed`](SendErrorKind::Closed) or
    /// [`Unfinished`](SendErrorKind::Unfinished).
    #[inline]
    pub fn send_text(&mut self, text: &str) -> Result<(), SendError> {
        self.sender.send_text(text)
    }

    /// Sends a binary message, copying it.
    ///
    /// # Errors
    /// As for [`send_text`](Connection::send_text).
    #[inline]
    pub fn send_binary(&mut self, data: &[u8]) -> Result<(), SendError> {
        self.sender.send_binary(data)
    }

    /// Sends a message that is given away.
    ///
    /// From 4 KiB on a server's payload goes out untouched, by reference. From 16 KiB on a client's is masked while it goes out,
    /// 64 KiB at a time in memory of the connection's, so that it takes no more than that, whoever else holds it
    /// (RFC 6455 §5.3). A shorter one is copied, and so are the fragments of [`Config::fragment_size`] that are shorter.
    ///
    /// ```
    /// # use ws_proto::{Config, Connection, Message};
    /// # let mut ws = Connection::server(&Config::new());
    /// ws.send("text")?;
    /// ws.send(vec![1, 2, 3])?;
    /// # Ok::<(), ws_proto::SendError>(())
    /// ```
    ///
    /// # Errors
    /// As for [`send_text`](Connection::send_text), and [`ReservedBit`](SendErrorKind::ReservedBit); the error gives the
    /// message back.
    pub fn send(&mut self, message: impl Into<Message>) -> Result<(), SendError> {
        self.sender.send(message)
    }

    /// Sends a message that stays the caller's, and writes once: [`send`](Connection::send), and then
    /// [`Output::write_to`](crate::Output::write_to). But where the output is empty, a server's payload of 4 KiB or more that goes
    /// out in one frame and uncompressed bypasses it: header and payload go to the writer in one vectored write, and the payload
    /// is shared only if the writer does not take all of it. That needs a writer which implements
    /// [`write_vectored`](std::io::Write::write_vectored), as sockets do.
    ///
    /// The writer is the transport of this connection, and all that was taken from [`output`](Connection::output) before has been
    /// written to it: what a driver still holds, from [`next_owned`](crate::Output::next_owned) or in a buffer of its own, would be
    /// overtaken.
    ///
    /// What is not written waits in the output. That is also so if the writer fails, takes nothing, or claims more than it was
    /// given: its error is discarded, and the next write fails too, perhaps with another kind. If the message is refused, nothing
    /// is written.
    ///
    /// ```
    /// # use ws_proto::{Config, Connection, Message};
    /// # fn example(ws: &mut Connection, socket: &mut std::net::TcpStream) -> Result<(), Box<dyn std::error::Error>> {
    /// let image = Message::binary(std::fs::read("image.png")?);
    /// ws.send_through(&image, socket)?;
    /// while ws.interest().write {
    ///     if ws.output().write_to(socket)? == 0 {
    ///         return Err(std::io::Error::from(std::io::ErrorKind::WriteZero).into());
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`send_text`](Connection::send_text), and [`ReservedBit`](SendErrorKind::ReservedBit). The error does not hold the
    /// message.
    #[cfg(feature = "std")]
    #[inline]
    pub fn send_through(
        &mut self,
        message: &Message,
        writer: &mut (impl std::io::Write + ?Sized),
    ) -> Result<(), SendError> {
        self.sender.send_through(message, writer)
    }

    /// Sends a message that was encoded, and perhaps compressed, beforehand: one message to many connections. Only a server
    /// can.
    ///
    /// # Errors
    /// As for [`send_text`](Connection::send_text), [`ReservedBit`](SendErrorKind::ReservedBit), and
    /// [`ServerOnly`](SendErrorKind::ServerOnly) for a client.
    #[inline]
    pub fn send_prepared(&mut self, prepared: &Prepared) -> Result<(), SendError> {
        self.sender.send_prepared(prepared)
    }

    /// Sends a message as [`send_prepared`](Connection::send_prepared) does, and writes once. What is said of the writer at
    /// [`send_through`](Connection::send_through) holds here, too. Where the output is empty, the prepared frame bypasses it,
    /// whatever its size, unless it is cut into fragments.
    ///
    /// # Errors
    /// Those of [`send_prepared`](Connection::send_prepared).
    #[cfg(feature = "std")]
    #[inline]
    pub fn send_prepared_through(
        &mut self,
        prepared: &Prepared,
        writer: &mut (impl std::io::Write + ?Sized),
    ) -> Result<(), SendError> {
        self.sender.send_prepared_through(prepared, writer)
    }

    /// Sends a message that `write` writes straight into the output, without a buffer between: what serializes a value
    /// can write to the [`MessageWriter`] as [`std::io::Write`], [`core::fmt::Write`] or [`BufMut`](bytes::BufMut). If it
    /// fails, nothing is sent.
    ///
    /// Where messages are compressed, it is written to a buffer that is kept for the next one.
    ///
    /// ```
    /// use ws_proto::{Config, Connection, MessageKind};
    /// use std::fmt::Write;
    ///
    /// let mut ws = Connection::server(&Config::new());
    /// ws.send_with(MessageKind::Text, |message| write!(message, "{} + {} = {}", 1, 2, 1 + 2))?;
    /// assert_eq!(ws.output().next_owned().expect("a frame"), &b"\x81\x091 + 2 = 3"[..]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Refused`](WriteError::Refused) as for [`send_text`](Connection::send_text); [`NotUtf8`](WriteError::NotUtf8) if
    /// text is not; [`Failed`](WriteError::Failed) with the error of `write`.
    pub fn send_with<E>(
        &mut self,
        kind: MessageKind,
        write: impl FnOnce(&mut MessageWriter<'_>) -> Result<(), E>,
    ) -> Result<(), WriteError<E>> {
        self.sender.send_with(kind, write)
    }

    /// Sends the next fragment of a message (RFC 6455 §5.4). The first one begins it, the one with `fin` ends it; all
    /// are of one type, and if it is an extension's, all have its reserved bits, which are set on the first frame. Pings, Pongs
    /// and a Close may be sent in between, other messages not.
    ///
    /// ```
    /// # use ws_proto::{Config, Connection};
    /// # let mut ws = Connection::server(&Config::new());
    /// ws.send_part("one ", false)?;
    /// ws.send_part("message", true)?;
    /// # Ok::<(), ws_proto::SendError>(())
    /// ```
    ///
    /// # Errors
    /// [`Full`](SendErrorKind::Full), [`TooLarge`](SendErrorKind::TooLarge), [`Closed`](SendErrorKind::Closed),
    /// [`ReservedBit`](SendErrorKind::ReservedBit) or [`KindChanged`](SendErrorKind::KindChanged); the error gives the part
    /// back.
    pub fn send_part(&mut self, part: impl Into<Message>, fin: bool) -> Result<(), SendError> {
        self.sender.send_part(part, fin)
    }

    /// Sends a message that is not to be compressed, even where others are: one that is compressed already, or one that
    /// holds a secret (see [`DeflateConfig`]). For the rest it is as [`send`](Connection::send).
    ///
    /// # Errors
    /// As for [`send`](Connection::send).
    #[cfg(feature = "deflate")]
    pub fn send_uncompressed(&mut self, message: impl Into<Message>) -> Result<(), SendError> {
        self.sender.send_uncompressed(message)
    }

    /// Sends the next fragment of a message that is not to be compressed. The first part decides about all of it, so
    /// the later ones may be sent with this or with [`send_part`](Connection::send_part).
    ///
    /// # Errors
    /// As for [`send_part`](Connection::send_part).
    #[cfg(feature = "deflate")]
    pub fn send_part_uncompressed(&mut self, part: impl Into<Message>, fin: bool) -> Result<(), SendError> {
        self.sender.send_part_uncompressed(part, fin)
    }

    /// Sends a Ping with at most 125 bytes (RFC 6455 §5.5.2). It goes out at the next border between frames, ahead of messages
    /// that wait; see [`Output`](crate::Output).
    ///
    /// # Errors
    /// [`ControlTooLong`](SendErrorKind::ControlTooLong), [`Full`](SendErrorKind::Full),
    /// [`TooLarge`](SendErrorKind::TooLarge) or [`Closed`](SendErrorKind::Closed).
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.sender.ping(payload)
    }

    /// Sends a Pong with at most 125 bytes (RFC 6455 §5.5.3): unasked for, or as the answer to a Ping when
    /// [`Config::auto_pong`] is off. Like a Ping it goes out ahead of messages that wait. It may follow this side's Close,
    /// until the peer's has come.
    ///
    /// # Errors
    /// As for [`ping`](Connection::ping).
    pub fn pong(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.sender.pong(payload)
    }

    /// Starts the closing handshake (RFC 6455 §7.1.2), behind what was sent before, or answers the peer's Close when
    /// [`Config::auto_close`] is off.
    /// Messages still arrive until the peer's Close does; a send that answers one is refused with
    /// [`Closed`](SendErrorKind::Closed), as [`can_send`](Connection::can_send) shows beforehand.
    ///
    /// The frame is a code, or a code and a reason, of which as much is taken as fits, or a [`CloseFrame`], whose
    /// [`new`](CloseFrame::new) refuses a longer reason.
    ///
    /// ```
    /// # use ws_proto::{CloseCode, CloseFrame, Config, Connection};
    /// # let mut ws = Connection::server(&Config::new());
    /// ws.close(CloseFrame::new(CloseCode::GOING_AWAY, "restarting")?)?;
    /// assert!(ws.close(CloseCode::NORMAL).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SendErrorKind::Closed`] if that was done before or the connection is over, [`SendErrorKind::ClientCode`] for a
    /// server that sends 1010.
    pub fn close(&mut self, frame: impl Into<CloseFrame>) -> Result<(), SendError> {
        self.sender.close(frame)
    }

    /// [`close`](Connection::close), but at once: messages that wait behind the frame under way are dropped, and their memory
    /// is given back. What has been shown to a write counts as under way, as [`Output`](crate::Output) says. It is for peers
    /// that read too slowly, with 1008 or 1013. After [`close`](Connection::close) it drops the messages that wait ahead of that
    /// Close frame, which stays.
    ///
    /// # Errors
    /// As for [`close`](Connection::close), if there is nothing to drop.
    pub fn close_now(&mut self, frame: impl Into<CloseFrame>) -> Result<(), SendError> {
        self.sender.close_now(frame)
    }
}
