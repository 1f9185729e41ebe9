//! The sending half: messages become frames in the output.

use super::output::Output;
use crate::close::CloseFrame;
use crate::frame::{FrameHeader, MaskingKey};
use crate::message::Message;
use crate::misuse::{SendError, SendErrorKind};
use crate::opcode::{MessageKind, Opcode};
use crate::rules::sequence::Sequence;
use crate::seed::MaskingKeys;
use alloc::boxed::Box;
use bytes::{Buf, Bytes, BytesMut};

/// From this size on an owned payload is queued by reference: below it, copying costs less than one more slice in a
/// vectored write.
const LARGE: usize = 4 << 10;

/// How much is copied and masked at a time, so that it is still in the first-level cache when it is masked.
const BLOCK: usize = 16 << 10;

/// The largest payload of a control frame (RFC 6455 §5.5).
const MAX_CONTROL: usize = 125;

/// The state of the sending direction.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) output: Output,
    max_buffered: usize,
    /// A client's; a server does not mask.
    keys: Option<Box<MaskingKeys>>,
    sequence: Sequence,
}

impl Sender {
    pub(super) fn new(keys: Option<Box<MaskingKeys>>, max_buffered: usize) -> Self {
        Self { output: Output::default(), max_buffered, keys, sequence: Sequence::Idle }
    }

    /// Sends a whole message, copying it.
    #[inline]
    pub(super) fn copy(&mut self, kind: MessageKind, payload: &[u8]) -> Result<(), SendErrorKind> {
        self.may_begin()?;
        let header = self.admit(true, kind.opcode(), payload.len())?;
        self.append(&header, payload);
        Ok(())
    }

    /// Sends a whole message that is given away.
    pub(super) fn send(&mut self, message: Message) -> Result<(), SendError> {
        let checked =
            self.may_begin().and_then(|()| self.admit(true, message.kind().opcode(), message.as_bytes().len()));
        match checked {
            Ok(header) => {
                self.append_owned(&header, message.into_bytes());
                Ok(())
            }
            Err(kind) => Err(SendError::new(kind, Some(message))),
        }
    }

    /// Sends the next part of a message.
    pub(super) fn part(&mut self, part: Message, fin: bool) -> Result<(), SendError> {
        let kind = part.kind();
        let checked = match self.sequence {
            Sequence::Within(begun) if begun != kind => Err(SendErrorKind::KindChanged),
            Sequence::Within(_) | Sequence::Idle => self.admit(fin, self.sequence.opcode(kind), part.as_bytes().len()),
        };
        match checked {
            Ok(header) => {
                self.append_owned(&header, part.into_bytes());
                self.sequence = if fin { Sequence::Idle } else { Sequence::Within(kind) };
                Ok(())
            }
            Err(kind) => Err(SendError::new(kind, Some(part))),
        }
    }

    /// Sends a Ping or Pong of the caller's.
    pub(super) fn control(&mut self, opcode: Opcode, payload: &[u8]) -> Result<(), SendErrorKind> {
        if payload.len() > MAX_CONTROL {
            return Err(SendErrorKind::ControlTooLong);
        }
        let header = self.admit(true, opcode, payload.len())?;
        self.append(&header, payload);
        Ok(())
    }

    /// Answers a Ping. The limit does not count: there are two such frames at most.
    pub(super) fn automatic_pong(&mut self, payload: &[u8]) {
        let header = self.header(true, Opcode::Pong, payload.len());
        let mut frame = BytesMut::with_capacity(FrameHeader::MAX_SIZE + payload.len());
        copy_frame(&mut frame, &header, payload);
        self.output.push_pong(&frame);
    }

    /// Sends the Close frame. The limit does not count: there is only one.
    pub(super) fn close(&mut self, close: &CloseFrame) {
        self.output.settle_pong();
        let mut body = [0; MAX_CONTROL];
        let (code, text) = body.split_at_mut(2);
        let mut length = 0;
        if let Some(close_code) = close.code() {
            code.copy_from_slice(&close_code.get().to_be_bytes());
            length = 2 + close.reason().len();
            if let Some(place) = text.get_mut(..close.reason().len()) {
                place.copy_from_slice(close.reason().as_bytes());
            }
        }
        let header = self.header(true, Opcode::Close, length);
        self.append(&header, body.get(..length).unwrap_or_default());
    }

    /// Whether so much waits that the peer should not be able to make it more.
    pub(super) fn is_crowded(&self) -> bool {
        self.output.remaining() >= (self.max_buffered / 2).min(super::CROWDED)
    }

    /// RFC 6455 §5.4: the frames of two messages are not mixed.
    #[inline]
    fn may_begin(&self) -> Result<(), SendErrorKind> {
        match self.sequence {
            Sequence::Idle => Ok(()),
            Sequence::Within(_) => Err(SendErrorKind::Unfinished),
        }
    }

    /// The header of a frame that finds room in the output.
    #[inline]
    fn admit(&mut self, fin: bool, opcode: Opcode, length: usize) -> Result<FrameHeader, SendErrorKind> {
        let waiting = self.output.remaining();
        if length.saturating_add(FrameHeader::MAX_SIZE).saturating_add(waiting) > self.max_buffered {
            return Err(SendErrorKind::Full);
        }
        Ok(self.header(fin, opcode, length))
    }

    /// A header; a client's with a fresh masking key (RFC 6455 §5.3).
    #[inline]
    fn header(&mut self, fin: bool, opcode: Opcode, length: usize) -> FrameHeader {
        let masking_key = self.keys.as_mut().map(|keys| keys.next());
        FrameHeader { fin, rsv: 0, opcode, masking_key, payload_length: length as u64 }
    }

    #[inline]
    fn append(&mut self, header: &FrameHeader, payload: &[u8]) {
        copy_frame(self.output.small(), header, payload);
    }

    /// Appends a payload that is ours: by reference if it is large, and if a client's is nobody else's either.
    fn append_owned(&mut self, header: &FrameHeader, payload: Bytes) {
        if payload.len() < LARGE {
            return self.append(header, &payload);
        }
        let Some(key) = header.masking_key else {
            self.output.small().extend_from_slice(header.encode().as_ref());
            return self.output.push_large(payload);
        };
        match payload.try_into_mut() {
            Ok(mut unique) => {
                key.apply(&mut unique);
                self.output.small().extend_from_slice(header.encode().as_ref());
                self.output.push_large(unique.freeze());
            }
            Err(shared) => self.append(header, &shared),
        }
    }
}

#[inline]
fn copy_frame(buffer: &mut BytesMut, header: &FrameHeader, payload: &[u8]) {
    buffer.reserve(FrameHeader::MAX_SIZE + payload.len());
    buffer.extend_from_slice(header.encode().as_ref());
    match header.masking_key {
        Some(key) => copy_masked(buffer, key, payload),
        None => buffer.extend_from_slice(payload),
    }
}

/// Copies and masks in one go, block by block. The source is borrowed only while that happens, so nobody can change the
/// payload once its frame has begun (RFC 6455 §10.3).
#[inline]
fn copy_masked(buffer: &mut BytesMut, mut key: MaskingKey, payload: &[u8]) {
    for block in payload.chunks(BLOCK) {
        let start = buffer.len();
        buffer.extend_from_slice(block);
        key = key.apply(buffer.get_mut(start..).unwrap_or_default());
    }
}
