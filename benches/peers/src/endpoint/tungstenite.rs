//! tungstenite: blocking, with buffers of its own for reading and writing.

use super::Standing;
use super::connection::Connection;
use crate::handshake::URI;
use crate::job::Seen;
use crate::socket::Socket;
use crate::wire::{Kind, Role};
use bytes::Bytes;
use std::io::ErrorKind;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Role as TheirRole, WebSocketConfig};
use tungstenite::{Error, Message, Utf8Bytes, WebSocket};

pub struct Tungstenite(WebSocket<Socket>);

impl Tungstenite {
    /// Reads, and flushes where a socket that does not block would say that nothing is there. Pings are answered
    /// already.
    #[inline]
    fn read(&mut self) -> Message {
        loop {
            match self.0.read() {
                Ok(Message::Ping(_)) => {}
                Ok(message) => return message,
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => self.flush(),
                Err(error) => panic!("{error}"),
            }
        }
    }
}

impl Connection for Tungstenite {
    const NAME: &'static str = "tungstenite";
    const STANDING: Standing = Standing::Complete;

    type Message = Message;

    fn open(role: Role, socket: Socket, per_read: usize) -> Self {
        let role = if role == Role::Server { TheirRole::Server } else { TheirRole::Client };
        let mut config = WebSocketConfig::default();
        if per_read < 64 << 10 {
            // It is filled with zeros before every read, so it is not larger than what is expected.
            config = config.read_buffer_size(per_read.max(4 << 10));
        }
        Self(WebSocket::from_raw_socket(socket, role, Some(config)))
    }

    fn message(kind: Kind, payload: &Bytes) -> Message {
        match kind {
            Kind::Text => Message::Text(Utf8Bytes::try_from(payload.clone()).expect("it is text")),
            Kind::Binary => Message::Binary(payload.clone()),
        }
    }

    #[inline]
    fn receive(&mut self, seen: &mut Seen) {
        match self.read() {
            Message::Text(text) => seen.message(Kind::Text, text.as_bytes()),
            Message::Binary(data) => seen.message(Kind::Binary, &data),
            message => panic!("unexpected {message:?}"),
        }
    }

    #[inline]
    fn echo(&mut self) {
        let message = self.read();
        self.0.write(message).expect("there is room");
    }

    #[inline]
    fn queue(&mut self, message: &Message) {
        self.0.write(message.clone()).expect("there is room");
    }

    #[inline]
    fn flush(&mut self) {
        self.0.flush().expect("it takes all");
    }

    fn close(&mut self) {
        let message = self.read();
        assert!(message.is_close(), "unexpected {message:?}");
        assert!(matches!(self.0.flush(), Ok(()) | Err(Error::ConnectionClosed)));
    }

    fn connected(socket: Socket) -> Self {
        let config = WebSocketConfig::default().read_buffer_size(4 << 10);
        match tungstenite::client::client_with_config(URI, socket, Some(config)) {
            Ok((connection, _)) => Self(connection),
            Err(error) => panic!("{error}"),
        }
    }

    fn leave(&mut self) {
        self.0.close(Some(CloseFrame { code: CloseCode::Normal, reason: Utf8Bytes::default() })).expect("it is open");
        self.flush();
        assert!(self.read().is_close());
    }

    fn accept(socket: &mut Socket) {
        assert!(tungstenite::accept(socket).expect("a request").can_write());
    }

    fn connect(socket: &mut Socket) {
        assert!(tungstenite::client(URI, socket).expect("an answer").0.can_write());
    }

    fn accepted(socket: Socket) -> Self {
        match tungstenite::accept(socket) {
            Ok(connection) => Self(connection),
            Err(error) => panic!("{error}"),
        }
    }

    fn accepted_for_short(socket: Socket) -> Self {
        // It is allocated and filled with zeros for every connection.
        let config = WebSocketConfig::default().read_buffer_size(4 << 10);
        match tungstenite::accept_with_config(socket, Some(config)) {
            Ok(connection) => Self(connection),
            Err(error) => panic!("{error}"),
        }
    }
}
