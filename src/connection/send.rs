//! The sending half: messages become frames in the output, and the closing handshake has its state.

use super::deflating::Deflating;
use super::output::Output;
use super::reply::{ControlPayload, Due, Reply};
use crate::close_code::CloseCode;
use crate::close_frame::CloseFrame;
use crate::config::Config;
#[cfg(feature = "deflate")]
use crate::deflate::{DeflateConfig, DeflateParameters};
use crate::event::{Cause, Closed};
use crate::frame::{EncodedHeader, FrameHeader, MAX_CONTROL, MAX_SHORT, MaskingKey, MaskingKeys, RSV1};
use crate::interest::Interest;
use crate::message::Message;
use crate::opcode::{MessageKind, Opcode};
use crate::role::Role;
use crate::rules::closing::Closing;
use crate::rules::sequence::Sequence;
use crate::send_error::{SendError, SendErrorKind};
use crate::text::Utf8Bytes;
use crate::violation::Violation;
use alloc::boxed::Box;
use bytes::{Buf, Bytes, BytesMut};

/// From this size on an owned payload is queued by reference: below it, copying costs less than one more slice in a
/// vectored write.
const LARGE: usize = 4 << 10;

/// The sending half of a connection that was taken apart with
/// [`Connection::into_halves`](crate::Connection::into_halves). Its methods are those of the
/// [`Connection`](crate::Connection).
#[derive(Debug)]
pub struct SendHalf {
    output: Output,
    max_buffered: usize,
    /// A client's; a server does not mask.
    keys: Option<Box<MaskingKeys>>,
    sequence: Sequence,
    closing: Closing,
    role: Role,
    end_of_stream: bool,
    /// Whether the end has been returned.
    is_returned: bool,
    /// How the connection ends, from the first Close frame or the violation on.
    ending: Option<Box<Ending>>,
    /// What compresses, once that is agreed.
    deflating: Option<Box<Deflating>>,
}

/// The Close frames that have gone, and what the peer did wrong.
#[derive(Debug, Default)]
struct Ending {
    sent: Option<CloseFrame>,
    received: Option<CloseFrame>,
    violation: Option<Violation>,
}

impl SendHalf {
    #[inline]
    pub(super) fn new(role: Role, keys: Option<Box<MaskingKeys>>, config: &Config) -> Self {
        Self {
            output: Output::default(),
            max_buffered: config.max_buffered,
            keys,
            sequence: Sequence::Idle,
            closing: Closing::Open,
            role,
            end_of_stream: false,
            is_returned: false,
            ending: None,
            deflating: None,
        }
    }

    #[cfg(feature = "deflate")]
    pub(super) fn compress(&mut self, config: &DeflateConfig, agreed: &DeflateParameters) {
        self.deflating = Some(Box::new(Deflating::new(self.role, config, agreed)));
    }

    /// Takes what the receiving half has found: queues the Pong or Close that is due, and notes the end.
    pub fn reply(&mut self, reply: Reply) {
        match reply.0 {
            Due::Pong(payload) => self.automatic_pong(payload),
            Due::Close { frame, answer } => {
                self.closing = self.closing.receive();
                // RFC 6455 §5.5.1: unless a Close was sent before; the answer normally repeats the code.
                let due = (answer && self.closing == Closing::Received).then_some(frame.code());
                self.ending.get_or_insert_default().received = Some(frame);
                if let Some(code) = due {
                    self.send_close(code.map_or(CloseFrame::EMPTY, CloseFrame::from));
                }
            }
            Due::Failure(violation) => {
                // RFC 6455 §7.1.7: with a Close frame ahead of it, if none has gone.
                if self.closing.may_close() {
                    let reason = Utf8Bytes::from_static(violation.reason());
                    // Every reason is shorter than a Close frame's limit.
                    let frame = CloseFrame::new(violation.close_code(), reason).unwrap_or(CloseFrame::EMPTY);
                    self.send_close(frame);
                }
                self.closing = Closing::Failed;
                self.ending.get_or_insert_default().violation = Some(violation);
            }
            Due::EndOfStream { drained } => {
                self.end_of_stream = true;
                if drained {
                    self.closing = self.closing.end();
                }
            }
        }
    }

    /// How the connection ended, once it has; returned once.
    pub fn closed(&mut self) -> Option<Closed> {
        if self.is_returned || !self.is_over() {
            return None;
        }
        self.is_returned = true;
        let Ending { sent, received, violation } = self.ending.take().map_or_else(Ending::default, |ending| *ending);
        let cause = match violation {
            Some(violation) => Cause::Violation(violation),
            None if self.closing == Closing::Agreed => Cause::Agreed,
            None => Cause::EndOfStream,
        };
        Some(Closed { sent, received, cause })
    }

    /// As [`Connection::interest`](crate::Connection::interest); `read` is the other half's to say, by
    /// [`ReceiveHalf::wants_read`](crate::ReceiveHalf::wants_read), unless it is time to hang up.
    #[inline]
    pub fn interest(&self) -> Interest {
        let write = self.output.has_remaining();
        let over = self.hangs_up();
        Interest { read: !over, write, hang_up: over && !write }
    }

    /// Whether to close the transport, once the output is written.
    #[inline]
    const fn hangs_up(&self) -> bool {
        match self.closing {
            // Nothing more can come that would end it otherwise.
            Closing::Open | Closing::Sent | Closing::Received => self.end_of_stream,
            // RFC 6455 §7.1.1: the server closes at once; the client waits for the server to do it.
            Closing::Agreed => match self.role {
                Role::Server => true,
                Role::Client => self.end_of_stream,
            },
            // RFC 6455 §7.1.7: failing the connection includes closing it, on either side.
            Closing::Failed | Closing::Ended => true,
        }
    }

    /// As [`Connection::output`](crate::Connection::output).
    #[inline]
    pub fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    /// As [`Connection::send_text`](crate::Connection::send_text).
    ///
    /// # Errors
    /// As there.
    #[inline]
    pub fn send_text(&mut self, text: &str) -> Result<(), SendError> {
        self.copy(MessageKind::Text, text.as_bytes())
    }

    /// As [`Connection::send_binary`](crate::Connection::send_binary).
    ///
    /// # Errors
    /// As there.
    #[inline]
    pub fn send_binary(&mut self, data: &[u8]) -> Result<(), SendError> {
        self.copy(MessageKind::Binary, data)
    }

    /// As [`Connection::send`](crate::Connection::send).
    ///
    /// # Errors
    /// As there.
    pub fn send(&mut self, message: impl Into<Message>) -> Result<(), SendError> {
        self.message(message.into(), true)
    }

    /// As [`Connection::send_uncompressed`](crate::Connection::send_uncompressed).
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "deflate")]
    pub fn send_uncompressed(&mut self, message: impl Into<Message>) -> Result<(), SendError> {
        self.message(message.into(), false)
    }

    /// As [`Connection::send_part`](crate::Connection::send_part).
    ///
    /// # Errors
    /// As there.
    pub fn send_part(&mut self, part: impl Into<Message>, fin: bool) -> Result<(), SendError> {
        self.part(part.into(), fin, true)
    }

    /// As [`Connection::send_part_uncompressed`](crate::Connection::send_part_uncompressed).
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "deflate")]
    pub fn send_part_uncompressed(&mut self, part: impl Into<Message>, fin: bool) -> Result<(), SendError> {
        self.part(part.into(), fin, false)
    }

    /// As [`Connection::ping`](crate::Connection::ping).
    ///
    /// # Errors
    /// As there.
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.may_send()?;
        self.control(Opcode::Ping, payload)
    }

    /// As [`Connection::pong`](crate::Connection::pong).
    ///
    /// # Errors
    /// As there.
    pub fn pong(&mut self, payload: &[u8]) -> Result<(), SendError> {
        if !self.closing.may_pong() {
            return Err(SendErrorKind::Closed.into());
        }
        self.control(Opcode::Pong, payload)
    }

    /// As [`Connection::close`](crate::Connection::close).
    ///
    /// # Errors
    /// As there.
    pub fn close(&mut self, frame: impl Into<CloseFrame>) -> Result<(), SendError> {
        let frame = frame.into();
        if !self.closing.may_close() {
            return Err(SendErrorKind::Closed.into());
        }
        // RFC 6455 §7.4.1: a server that lacks an extension fails the handshake instead.
        if self.role == Role::Server && frame.code() == Some(CloseCode::MANDATORY_EXTENSION) {
            return Err(SendErrorKind::ClientCode.into());
        }
        self.send_close(frame);
        Ok(())
    }

    /// As [`Connection::can_send`](crate::Connection::can_send).
    pub const fn can_send(&self) -> bool {
        self.closing.may_send()
    }

    /// As [`Connection::set_limits`](crate::Connection::set_limits), for the output.
    pub const fn set_limits(&mut self, config: &Config) {
        self.max_buffered = config.max_buffered;
    }

    /// As [`Connection::release_memory`](crate::Connection::release_memory), for the output and for compressing.
    pub fn release_memory(&mut self) {
        self.output.release();
        if let Some(deflating) = &mut self.deflating {
            deflating.release();
        }
    }

    /// Whether the end can be returned, or was.
    pub(super) const fn is_over(&self) -> bool {
        self.closing.is_over()
    }

    /// Whether the peer's Close waits for an answer.
    pub(super) fn has_to_answer_close(&self) -> bool {
        self.closing == Closing::Received
    }

    pub(super) const fn role(&self) -> Role {
        self.role
    }

    /// Sends a message that is not given away.
    #[inline]
    fn copy(&mut self, kind: MessageKind, payload: &[u8]) -> Result<(), SendError> {
        if payload.len() <= MAX_SHORT && self.deflating.is_none() && self.may_begin().is_ok() {
            if let Some(buffer) = self.output.room_for(EncodedHeader::ROOM + payload.len(), self.max_buffered) {
                match &mut self.keys {
                    None => {
                        EncodedHeader::append_short(kind.opcode(), payload.len(), buffer);
                        buffer.extend_from_slice(payload);
                    }
                    Some(keys) => append_short_masked(buffer, kind.opcode(), keys.next(), payload),
                }
                return Ok(());
            }
        }
        self.copy_any(kind, payload)
    }

    #[inline(never)]
    fn copy_any(&mut self, kind: MessageKind, payload: &[u8]) -> Result<(), SendError> {
        self.may_begin()?;
        if self.deflates(payload.len()) {
            return Ok(self.deflate(kind.opcode(), payload, true)?);
        }
        let header = self.admit(true, kind.opcode(), payload.len())?;
        self.append(&header, payload);
        Ok(())
    }

    fn message(&mut self, message: Message, may_compress: bool) -> Result<(), SendError> {
        match self.may_begin() {
            Ok(()) => {
                let compress = may_compress && self.deflates(message.as_bytes().len());
                self.data(message.kind().opcode(), message, true, compress)
            }
            Err(kind) => Err(SendError::new(kind, Some(message))),
        }
    }

    fn part(&mut self, part: Message, fin: bool, may_compress: bool) -> Result<(), SendError> {
        let kind = part.kind();
        let checked = match self.sequence {
            Sequence::Within(begun) if begun != kind => Err(SendErrorKind::KindChanged),
            Sequence::Within(_) => {
                self.may_send().map(|()| self.deflating.as_ref().is_some_and(|deflating| deflating.is_in_message()))
            }
            Sequence::Idle => self.may_send().map(|()| {
                let length = part.as_bytes().len();
                // The size of a message that only begins is not known.
                may_compress && if fin { self.deflates(length) } else { self.may_deflate(length) }
            }),
        };
        match checked {
            Ok(compress) => {
                self.data(self.sequence.opcode(kind), part, fin, compress)?;
                self.sequence = if fin { Sequence::Idle } else { Sequence::Within(kind) };
                Ok(())
            }
            Err(kind) => Err(SendError::new(kind, Some(part))),
        }
    }

    /// Sends a data frame.
    fn data(&mut self, opcode: Opcode, payload: Message, fin: bool, compress: bool) -> Result<(), SendError> {
        let sent = if compress {
            self.deflate(opcode, payload.as_bytes(), fin).map(|()| None)
        } else {
            self.admit(fin, opcode, payload.as_bytes().len()).map(Some)
        };
        match sent {
            Ok(header) => {
                if let Some(header) = header {
                    self.append_owned(&header, payload.into_bytes());
                }
                Ok(())
            }
            Err(kind) => Err(SendError::new(kind, Some(payload))),
        }
    }

    fn control(&mut self, opcode: Opcode, payload: &[u8]) -> Result<(), SendError> {
        if payload.len() > MAX_CONTROL {
            return Err(SendErrorKind::ControlTooLong.into());
        }
        let header = self.admit(true, opcode, payload.len())?;
        self.append(&header, payload);
        Ok(())
    }

    /// Answers a Ping. The limit does not count: the output keeps only so many of these.
    fn automatic_pong(&mut self, mut payload: ControlPayload) {
        // RFC 6455 §5.5.2: not once the peer's Close has come.
        if !self.closing.may_pong() {
            return;
        }
        let header = self.control_header(Opcode::Pong, payload.as_slice().len());
        if let Some(key) = header.masking_key {
            key.apply(payload.as_mut_slice());
        }
        self.output.push_pong(header.encode().as_ref(), payload.as_slice());
    }

    /// Sends the Close frame. The limit does not count: there is only one.
    fn send_close(&mut self, frame: CloseFrame) {
        self.output.settle_pong();
        let mut body = [0; MAX_CONTROL];
        let mut length = 0;
        if let Some(code) = frame.code() {
            for (place, byte) in body.iter_mut().zip(code.get().to_be_bytes().iter().chain(frame.reason().as_bytes())) {
                *place = *byte;
                length += 1;
            }
        }
        let header = self.control_header(Opcode::Close, length);
        self.append(&header, body.get(..length).unwrap_or_default());
        self.closing = self.closing.send();
        self.ending.get_or_insert_default().sent = Some(frame);
    }

    #[inline]
    fn may_send(&self) -> Result<(), SendErrorKind> {
        if self.can_send() { Ok(()) } else { Err(SendErrorKind::Closed) }
    }

    /// RFC 6455 §5.4: the frames of two messages are not mixed.
    #[inline]
    fn may_begin(&self) -> Result<(), SendErrorKind> {
        self.may_send()?;
        match self.sequence {
            Sequence::Idle => Ok(()),
            Sequence::Within(_) => Err(SendErrorKind::Unfinished),
        }
    }

    /// The header of a frame that finds room in the output.
    #[inline]
    fn admit(&mut self, fin: bool, opcode: Opcode, length: usize) -> Result<FrameHeader, SendErrorKind> {
        let payload_length = length as u64;
        let unmasked = FrameHeader { fin, rsv: 0, opcode, masking_key: None, payload_length };
        self.make_sure_of(length.saturating_add(unmasked.size() + if self.keys.is_some() { 4 } else { 0 }))?;
        Ok(self.masked(unmasked))
    }

    /// Whether a frame of this size finds room in the output.
    #[inline]
    fn make_sure_of(&self, size: usize) -> Result<(), SendErrorKind> {
        if size <= self.max_buffered.saturating_sub(self.output.remaining()) {
            return Ok(());
        }
        Err(if size > self.max_buffered { SendErrorKind::TooLarge } else { SendErrorKind::Full })
    }

    /// The header of a control frame that has its place in any case.
    fn control_header(&mut self, opcode: Opcode, length: usize) -> FrameHeader {
        let payload_length = length as u64;
        self.masked(FrameHeader { fin: true, rsv: 0, opcode, masking_key: None, payload_length })
    }

    /// A client's header gets a fresh masking key (RFC 6455 §5.3).
    #[inline]
    fn masked(&mut self, header: FrameHeader) -> FrameHeader {
        FrameHeader { masking_key: self.keys.as_mut().map(|keys| keys.next()), ..header }
    }

    #[inline]
    fn append(&mut self, header: &FrameHeader, payload: &[u8]) {
        copy_frame(self.output.small(), header, payload);
    }

    /// Appends a payload that is ours: by reference if it is large.
    fn append_owned(&mut self, header: &FrameHeader, payload: Bytes) {
        if payload.len() < LARGE {
            return self.append(header, &payload);
        }
        header.encode().append_to(self.output.small());
        self.output.push_large(payload, header.masking_key);
    }

    /// Whether a message of this size goes out compressed.
    #[inline]
    fn deflates(&self, length: usize) -> bool {
        match &self.deflating {
            Some(deflating) => deflating.is_for(length) && self.may_deflate(length),
            None => false,
        }
    }

    /// Whether so much can be compressed, and there is room for it even if it grows. Otherwise RFC 7692 §6 lets a
    /// message go out as it is.
    fn may_deflate(&self, length: usize) -> bool {
        self.deflating.is_some() && self.make_sure_of(deflated_size(length)).is_ok()
    }

    /// Sends a data frame of a compressed message.
    fn deflate(&mut self, opcode: Opcode, payload: &[u8], fin: bool) -> Result<(), SendErrorKind> {
        self.make_sure_of(deflated_size(payload.len()))?;
        // RFC 7692 §6.1: the bit is set on the first frame of the message, and on no other.
        let rsv = if opcode == Opcode::Continuation { 0 } else { RSV1 };
        let header = |length| FrameHeader { fin, rsv, opcode, masking_key: None, payload_length: length as u64 };
        // The header stands ahead of a payload whose length is not known: it gets the room it may need.
        let output = self.output.small();
        let start = output.len();
        let reserved = header(Deflating::bound(payload.len())).size() + if self.keys.is_some() { 4 } else { 0 };
        output.resize(start + reserved, 0);
        if let Some(deflating) = &mut self.deflating {
            deflating.append(payload, fin, output);
        }
        let length = output.len() - start - reserved;
        let header = self.masked(header(length));
        let output = self.output.small();
        let size = header.size();
        if size < reserved {
            output.copy_within(start + reserved.., start + size);
            output.truncate(start + size + length);
        }
        let Some((head, payload)) = output.get_mut(start..).and_then(|frame| frame.split_at_mut_checked(size)) else {
            return Ok(());
        };
        head.copy_from_slice(header.encode().as_ref());
        if let Some(key) = header.masking_key {
            key.apply(payload);
        }
        Ok(())
    }

    #[cfg(feature = "handshake")]
    pub(super) fn precede(&mut self, head: &[&[u8]]) {
        let output = self.output.small();
        output.reserve(head.iter().map(|piece| piece.len()).sum());
        head.iter().filter(|piece| !piece.is_empty()).for_each(|piece| output.extend_from_slice(piece));
    }
}

/// The most bytes that a compressed frame of so many takes.
const fn deflated_size(length: usize) -> usize {
    Deflating::bound(length).saturating_add(FrameHeader::MAX_SIZE)
}

/// Appends a whole message of at most 125 bytes, masked. On its own, so that a server's way past it stays short.
#[inline(never)]
fn append_short_masked(buffer: &mut BytesMut, opcode: Opcode, key: MaskingKey, payload: &[u8]) {
    EncodedHeader::append_short_masked(opcode, payload.len(), key, buffer);
    let start = buffer.len();
    buffer.extend_from_slice(payload);
    key.apply_short(buffer.get_mut(start..).unwrap_or_default());
}

#[inline]
fn copy_frame(buffer: &mut BytesMut, header: &FrameHeader, payload: &[u8]) {
    buffer.reserve(EncodedHeader::ROOM + payload.len());
    header.encode().append_to(buffer);
    match header.masking_key {
        // The source is borrowed only while that happens, so nobody can change the payload once its frame has begun
        // (RFC 6455 §10.3).
        Some(key) => {
            key.append(payload, buffer);
        }
        None => buffer.extend_from_slice(payload),
    }
}
