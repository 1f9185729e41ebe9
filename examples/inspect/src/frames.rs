//! The frames of one direction, decoded by a connection of the role that receives them.

use crate::print::{Frame, Payload};
use ws_proto::bytes::{Buf, BytesMut};
use ws_proto::frame::{FrameHeader, MaskingKey};
use ws_proto::{
    Cause, Config, Connection, DeflateConfig, DeflateParameters, Delivery, Event, Input, Opcode, ReservedBits, Role,
    Seed, Violation,
};

/// Decodes what one side sends.
///
/// Its connection is given one frame at a time, and returns messages in parts: what it returns then is what is in that frame.
/// Nothing is sent on it.
pub struct Decoder {
    ws: Connection,
    input: Input,
    /// How many bytes the frames took that have been decoded.
    position: u64,
    /// The frame under way.
    frame: Option<Partial>,
    /// Whether the message under way is compressed.
    is_compressed: bool,
    limit: usize,
}

/// A frame of which not all has come.
struct Partial {
    header: FrameHeader,
    size: usize,
    /// How much of the payload is still to come, and the key for it.
    missing: u64,
    key: Option<MaskingKey>,
    /// The payload without its mask, and what the connection has made of it; at most as much of either as is printed.
    raw: Vec<u8>,
    decoded: Vec<u8>,
    decoded_length: u64,
    is_text: bool,
    code: Option<u16>,
}

/// A frame, and what it means for the rest of the direction.
pub struct Decoded {
    pub frame: Frame,
    pub violation: Option<Violation>,
    /// Whether nothing is decoded behind it.
    pub is_last: bool,
}

impl Decoder {
    /// A decoder for what `sender` sends, behind a handshake that takes `position` bytes. At most `limit` bytes of a payload
    /// are kept.
    pub fn new(
        sender: Role,
        position: u64,
        agreed: Option<DeflateParameters>,
        reserved: Option<ReservedBits>,
        limit: usize,
    ) -> Self {
        // An inspector answers nothing, and looks at whatever the peers have dared to send.
        let config = Config::new().auto_pong(false).auto_close(false).delivery(Delivery::Parts);
        let config = config.max_message(u64::MAX).max_fragments(u32::MAX);
        let mut ws = match sender {
            Role::Client => Connection::server(&config),
            // The seed is for keys of frames that are never sent.
            Role::Server => Connection::client(Seed::new([0; 32]), &config),
        };
        if let Some(agreed) = agreed {
            ws = ws.with_deflate(&DeflateConfig::new(), agreed);
        }
        if let Some(reserved) = reserved {
            // RSV1 is not among them where it is that of compression, so there is nothing to be refused.
            let _ = ws.set_reserved_bits(reserved);
        }
        Self { ws, input: Input::new(), position, frame: None, is_compressed: false, limit }
    }

    /// The next frame, once all of it has come. What is decoded is removed from `bytes`.
    pub fn next(&mut self, bytes: &mut BytesMut) -> Option<Decoded> {
        if self.frame.is_none() {
            match FrameHeader::parse(bytes) {
                Ok(header) => self.begin(header?, bytes),
                Err(violation) => return Some(self.malformed(bytes, violation)),
            }
        }
        let partial = self.frame.as_mut()?;
        let count = usize::try_from(partial.missing).unwrap_or(usize::MAX).min(bytes.len());
        self.input.extend_from_slice(bytes.get(..count)?);
        partial.keep_raw(bytes.get(..count)?, self.limit);
        bytes.advance(count);
        self.look()
    }

    /// What has come of a frame that is not whole: how many bytes of how many.
    pub fn unfinished(&self, bytes: &[u8]) -> Option<(u64, u64)> {
        let Some(partial) = &self.frame else { return (!bytes.is_empty()).then_some((bytes.len() as u64, 0)) };
        let length = partial.size as u64 + partial.header.payload_length;
        Some((length - partial.missing, length))
    }

    fn begin(&mut self, (header, size): (FrameHeader, usize), bytes: &mut BytesMut) {
        self.input.extend_from_slice(bytes.get(..size).unwrap_or_default());
        bytes.advance(size);
        let is_message = !header.opcode.is_control();
        if is_message && header.opcode != Opcode::Continuation {
            self.is_compressed = self.ws.deflate_parameters().is_some() && header.rsv & ReservedBits::RSV1.bits() != 0;
        }
        self.frame = Some(Partial {
            header,
            size,
            missing: header.payload_length,
            key: header.masking_key,
            raw: Vec::new(),
            decoded: Vec::new(),
            decoded_length: 0,
            is_text: false,
            code: None,
        });
    }

    /// Takes what the connection makes of the bytes, and returns the frame if nothing more can come of it.
    fn look(&mut self) -> Option<Decoded> {
        let partial = self.frame.as_mut()?;
        let (mut violation, mut is_over) = (None, false);
        while let Some(event) = self.ws.receive(&mut self.input) {
            match event {
                Event::Text(text) | Event::TextPart { text, .. } => partial.keep(text.as_bytes(), true, self.limit),
                Event::Binary(data) | Event::BinaryPart { data, .. } => partial.keep(&data, false, self.limit),
                Event::Extension { payload, .. } | Event::ExtensionPart { payload, .. } => {
                    partial.keep(&payload, false, self.limit);
                }
                Event::Ping(data) | Event::Pong(data) => {
                    partial.keep(&data, std::str::from_utf8(&data).is_ok(), self.limit);
                }
                Event::Close(frame) => {
                    // No frame follows it (RFC 6455 §5.5.1).
                    is_over = true;
                    partial.code = frame.code().map(u16::from);
                    partial.keep(frame.reason().as_bytes(), true, self.limit);
                }
                Event::Closed(closed) => {
                    is_over = true;
                    if let Cause::Violation(broken) = closed.cause {
                        violation = Some(broken);
                    }
                }
                _ => {}
            }
        }
        if partial.missing > 0 && !is_over {
            return None;
        }
        let partial = self.frame.take()?;
        let at = self.position;
        self.position += partial.size as u64 + partial.header.payload_length - partial.missing;
        let is_inflated = self.is_compressed && !partial.header.opcode.is_control();
        let frame = partial.into_frame(at, is_inflated, violation.is_some());
        Some(Decoded { frame, violation, is_last: is_over })
    }

    /// A header that breaks a rule by itself. As much of it is shown as can be read.
    fn malformed(&mut self, bytes: &mut BytesMut, violation: Violation) -> Decoded {
        let [first, second] = bytes.first_chunk().copied().unwrap_or_default();
        let length = match (second & 0x7F, bytes.get(2..)) {
            (126, Some(&[a, b, ..])) => u16::from_be_bytes([a, b]).into(),
            (127, Some(rest)) => rest.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes)),
            (short, _) => short.into(),
        };
        let frame = Frame {
            at: self.position,
            opcode: Opcode::from_bits(first & 0x0F).map_or("reserved opcode", name),
            fin: first & 0x80 != 0,
            rsv: first >> 4 & 7,
            masked: second & 0x80 != 0,
            length,
            inflated: None,
            code: None,
            payload: Payload::Hex(Vec::new()),
            abbreviated: length > 0,
        };
        Decoded { frame, violation: Some(violation), is_last: true }
    }
}

impl Partial {
    /// Keeps what has come as it is without its mask.
    fn keep_raw(&mut self, bytes: &[u8], limit: usize) {
        self.missing -= bytes.len() as u64;
        let room = limit.saturating_sub(self.raw.len()).min(bytes.len());
        let (kept, rest) = (self.raw.len(), bytes.get(..room).unwrap_or_default());
        self.raw.extend_from_slice(rest);
        self.key = self.key.zip(self.raw.get_mut(kept..)).map(|(key, fresh)| key.apply(fresh));
    }

    /// Keeps what the connection has returned.
    fn keep(&mut self, bytes: &[u8], is_text: bool, limit: usize) {
        self.is_text = is_text;
        self.decoded_length += bytes.len() as u64;
        let room = limit.saturating_sub(self.decoded.len()).min(bytes.len());
        self.decoded.extend_from_slice(bytes.get(..room).unwrap_or_default());
    }

    fn into_frame(self, at: u64, is_inflated: bool, is_broken: bool) -> Frame {
        let header = self.header;
        // What breaks a rule is shown as it stands in the frame, or as far as it could be inflated.
        let as_it_is = is_broken && !is_inflated;
        let (bytes, size) = match as_it_is {
            true => (self.raw, header.payload_length - self.missing),
            false => (self.decoded, self.decoded_length),
        };
        let abbreviated = (bytes.len() as u64) < size || self.missing > 0;
        Frame {
            at,
            opcode: name(header.opcode),
            fin: header.fin,
            rsv: header.rsv,
            masked: header.masking_key.is_some(),
            length: header.payload_length,
            inflated: is_inflated.then_some(self.decoded_length),
            code: self.code,
            payload: if self.is_text && !as_it_is { text(bytes) } else { Payload::Hex(bytes) },
            abbreviated,
        }
    }
}

/// The text, without the character that the limit has cut through.
fn text(bytes: Vec<u8>) -> Payload {
    match String::from_utf8(bytes) {
        Ok(text) => Payload::Text(text),
        Err(error) => {
            let end = error.utf8_error().valid_up_to();
            let mut bytes = error.into_bytes();
            bytes.truncate(end);
            Payload::Text(String::from_utf8(bytes).unwrap_or_default())
        }
    }
}

const fn name(opcode: Opcode) -> &'static str {
    match opcode {
        Opcode::Continuation => "continuation",
        Opcode::Text => "text",
        Opcode::Binary => "binary",
        Opcode::Close => "close",
        Opcode::Ping => "ping",
        Opcode::Pong => "pong",
    }
}
