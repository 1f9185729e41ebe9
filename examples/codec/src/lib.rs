//! A `Decoder` and `Encoder` of tokio-util, for programs that are built around `Framed`.
//!
//! A codec turns bytes into items and items into bytes, and does nothing of its own accord. A WebSocket does: it answers Pings
//! and Closes, sends Pings, and has deadlines. What is missing is up to whoever holds the `Framed`:
//!
//! * What is due waits in the codec. Send [`Due`] after each item, and once at the start, for the response to the handshake;
//!   a message that is sent takes it along.
//! * `Framed` decodes when bytes have come. At a [deadline](Interest::deadline) call [`handle_timeout`](Codec::handle_timeout),
//!   take what [`receive`](Codec::receive) returns, and send [`Due`].
//! * What is encoded counts as written, while it may wait in the `Framed`. So the deadline of [`ws_proto::Keepalive::write`]
//!   has to be a time limit of each send.
//! * The bytes behind the handshake belong to the `Framed`, in `FramedParts::read_buf`: in the codec they would wait for more.
//! * Every message is copied into the buffer of the `Framed`, and many on their way in.
//!
//! A `Stream` and `Sink` around the connection itself has none of these limits: see the example stream-sink.

use std::io;
use tokio_util::codec::{Decoder, Encoder};
use ws_proto::bytes::{BufMut, BytesMut};
use ws_proto::{Connection, Input, Instant, Interest, Message, OwnedEvent};

/// A connection and its input.
pub struct Codec {
    ws: Connection,
    input: Input,
}

/// An item that sends what waits: Pongs, a Close, the head of the handshake's response.
pub struct Due;

impl Codec {
    pub fn new(ws: Connection) -> Self {
        Self { ws, input: Input::new() }
    }

    /// The next event that has come, or has been brought by the time.
    pub fn receive(&mut self) -> Option<OwnedEvent> {
        self.ws.receive(&mut self.input).map(ws_proto::Event::into_owned)
    }

    pub fn handle_timeout(&mut self, now: Instant) {
        self.ws.handle_timeout(now);
    }

    /// Where `write` says that [`Due`] is to be sent.
    pub fn interest(&self) -> Interest {
        self.ws.interest()
    }
}

impl Decoder for Codec {
    type Item = OwnedEvent;
    type Error = io::Error;

    fn decode(&mut self, bytes: &mut BytesMut) -> io::Result<Option<OwnedEvent>> {
        self.input.append(bytes.split());
        Ok(self.receive())
    }

    fn decode_eof(&mut self, bytes: &mut BytesMut) -> io::Result<Option<OwnedEvent>> {
        self.input.append(bytes.split());
        self.ws.receive_eof();
        Ok(self.receive())
    }
}

/// Fails if the message is refused, with a `SendError`, or with an `io::Error` of the stream.
impl Encoder<Message> for Codec {
    type Error = anyhow::Error;

    fn encode(&mut self, message: Message, bytes: &mut BytesMut) -> anyhow::Result<()> {
        self.ws.send(message)?;
        self.encode(Due, bytes)
    }
}

impl Encoder<Due> for Codec {
    type Error = anyhow::Error;

    fn encode(&mut self, Due: Due, bytes: &mut BytesMut) -> anyhow::Result<()> {
        bytes.put(self.ws.output());
        Ok(())
    }
}
