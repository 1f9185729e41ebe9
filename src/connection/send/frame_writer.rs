//! Appends frames to the output: masked if a client sends them, and within the limit on buffered bytes.

use super::message_writer::{MessageWriter, NotWritten};
use crate::config::Config;
use crate::connection::output::Output;
use crate::frame::{EncodedHeader, FrameHeader, MAX_SHORT, MaskingKey, MaskingKeys};
use crate::opcode::{MessageKind, Opcode};
use crate::prepared::Form;
use crate::reserved_bits::ReservedBits;
use crate::send_error::{SendError, SendErrorKind, WriteError};
use alloc::boxed::Box;
use bytes::{Buf, Bytes, BytesMut};

/// From this size in bytes on an owned payload goes out by reference: below it, copying costs less than one more slice in a
/// vectored write.
const BY_REFERENCE: usize = 4 << 10;

/// The same for a client: its payload is copied in any case, to be masked, and one that goes out by reference takes a write of
/// its own.
const BY_REFERENCE_MASKED: usize = 16 << 10;

/// The longest payload of a masked frame of 32 bytes.
const MOST_IN_32: usize = 32 - EncodedHeader::SHORT_MASKED;

/// The output, with the source of the masking keys, and the limits on how much may wait in it and on the size of a frame.
///
/// A message is appended whole or not at all. It does not know which frame may follow which.
#[derive(Debug)]
pub(super) struct FrameWriter {
    pub(super) output: Output,
    max_buffered: usize,
    high_water: usize,
    /// The largest payload of a data frame, at least [`MAX_SHORT`].
    fragment_size: usize,
    /// A client's; a server does not mask.
    keys: Option<Box<MaskingKeys>>,
}

/// What of a data frame does not depend on the size of its payload.
#[derive(Clone, Copy)]
pub(super) struct Start {
    fin: bool,
    reserved: Option<ReservedBits>,
    opcode: Opcode,
}

impl Start {
    /// Of a message of one frame, or of a part of one. RFC 7692 §6.1: reserved bits are set on the first frame of a message,
    /// and on no other.
    pub(super) fn of(opcode: Opcode, reserved: Option<ReservedBits>, fin: bool) -> Self {
        Self { fin, reserved: if opcode == Opcode::Continuation { None } else { reserved }, opcode }
    }

    pub(super) const fn header(self, length: usize) -> FrameHeader {
        let Self { fin, reserved, opcode } = self;
        let rsv = ReservedBits::bits_of(reserved);
        FrameHeader { fin, rsv, opcode, masking_key: None, payload_length: length as u64 }
    }
}

impl FrameWriter {
    #[inline]
    pub(super) fn new(keys: Option<Box<MaskingKeys>>, config: &Config) -> Self {
        let (max_buffered, high_water) = (config.max_buffered, config.high_water);
        let fragment_size = config.fragment_size.max(MAX_SHORT);
        Self { output: Output::default(), max_buffered, high_water, fragment_size, keys }
    }

    pub(super) fn set_limits(&mut self, config: &Config) {
        self.max_buffered = config.max_buffered;
        self.high_water = config.high_water;
        self.fragment_size = config.fragment_size.max(MAX_SHORT);
    }

    pub(super) const fn masks(&self) -> bool {
        self.keys.is_some()
    }

    /// Whether more waits than the application has said is good.
    #[inline]
    pub(super) fn is_congested(&self) -> bool {
        self.output.remaining() > self.high_water
    }

    /// Appends an unfragmented frame of at most [`MAX_SHORT`] bytes, if it is clear from one comparison that there is room for
    /// it. Returns whether it has done so.
    #[inline(always)]
    pub(super) fn append_short(&mut self, opcode: Opcode, payload: &[u8]) -> bool {
        let Some(buffer) = self.output.room_for(EncodedHeader::ROOM + payload.len(), self.max_buffered) else {
            return false;
        };
        match &mut self.keys {
            None => {
                EncodedHeader::append_short(opcode, payload.len(), buffer);
                // Copying an empty slice is a call of `memcpy`, which costs as much as the header.
                if !payload.is_empty() {
                    buffer.extend_from_slice(payload);
                }
            }
            // A smaller place needs fewer stores. Longer payloads take a call, so that the code stays short where it is inlined
            // into a server, which never masks.
            Some(keys) => match payload.len() {
                0 => append_masked_in::<8>(buffer, opcode, keys.next(), &[]),
                1..=MOST_IN_32 => append_masked_in::<32>(buffer, opcode, keys.next(), payload),
                _ => append_short_masked(buffer, opcode, keys.next(), payload),
            },
        }
        true
    }

    /// [`append_short`](Self::append_short) for a frame whose length takes two bytes more.
    #[inline(always)]
    pub(super) fn append_medium(&mut self, opcode: Opcode, payload: &[u8]) -> bool {
        let Ok(length) = u16::try_from(payload.len()) else { return false };
        if payload.len() > self.fragment_size {
            return false;
        }
        let size = EncodedHeader::ROOM + payload.len();
        let Some(buffer) = self.output.room_for(size, self.max_buffered) else { return false };
        match &mut self.keys {
            None => {
                EncodedHeader::append_medium(opcode, length, buffer);
                buffer.extend_from_slice(payload);
            }
            Some(keys) => {
                let key = keys.next();
                EncodedHeader::append_medium_masked(opcode, length, key, buffer);
                key.append(payload, buffer);
            }
        }
        true
    }

    /// Appends data, copying it.
    #[inline]
    pub(super) fn append_copied(&mut self, start: Start, payload: &[u8]) -> Result<(), SendErrorKind> {
        self.admit(payload.len())?;
        if payload.len() > self.fragment_size {
            self.append_fragments(start, payload);
            return Ok(());
        }
        let header = self.masked(start.header(payload.len()));
        self.append(&header, payload);
        Ok(())
    }

    /// Checks that there is room for the frames of so much data.
    #[inline]
    pub(super) fn admit(&self, length: usize) -> Result<(), SendErrorKind> {
        self.check_room(self.size_of_frames(length))
    }

    /// Appends owned data: by reference if it is large.
    #[inline]
    pub(super) fn append_owned(&mut self, start: Start, payload: Bytes) {
        if payload.len() > self.fragment_size {
            return self.append_owned_fragments(start, payload);
        }
        let header = self.masked(start.header(payload.len()));
        if self.copies(payload.len()) {
            return self.append(&header, &payload);
        }
        header.encode().append_to(self.output.small());
        self.output.push_large(payload, header.masking_key);
    }

    /// Whether an owned payload of this length is copied, and does not go out by reference.
    #[inline]
    pub(super) const fn copies(&self, length: usize) -> bool {
        length < if self.masks() { BY_REFERENCE_MASKED } else { BY_REFERENCE }
    }

    /// Whether unmasked data of this length may go out past the output: with nothing ahead of it, and within the limits.
    #[cfg(feature = "std")]
    #[inline]
    pub(super) fn writes_through(&self, length: usize) -> bool {
        !self.output.has_remaining() && length <= self.fragment_size && self.admit(length).is_ok()
    }

    /// Appends a prepared message: by reference if it is large.
    #[inline]
    pub(super) fn append_form(&mut self, form: &Form) -> Result<(), SendErrorKind> {
        if form.payload_size() > self.fragment_size {
            self.admit(form.payload_size())?;
            let start = Start::of(form.kind().opcode(), form.reserved(), true);
            self.append_owned_fragments(start, form.payload());
            return Ok(());
        }
        self.check_room(form.size())?;
        self.output.small().extend_from_slice(form.copied());
        if let Some(payload) = form.referenced() {
            self.output.push_large(payload.clone(), None);
        }
        Ok(())
    }

    /// Appends a message that is written into the output.
    pub(super) fn append_written<E>(
        &mut self,
        kind: MessageKind,
        write: impl FnOnce(&mut MessageWriter<'_>) -> Result<(), E>,
    ) -> Result<(), WriteError<E>> {
        // Where there is not even room for a header.
        self.admit(0).map_err(SendError::from)?;
        let most = self.payload_room();
        // The header precedes data whose length is not known yet. Most messages need no longer one than this.
        let reserved = self.header_size(most.min(u16::MAX.into()));
        let origin = self.output.small().len();
        MessageWriter::new(self.output.small(), reserved, most)
            .written_by(kind, write)
            .map_err(|error| self.write_error(error))?;
        self.frame_in_place(Start::of(kind.opcode(), None, true), origin, reserved);
        Ok(())
    }

    pub(super) fn write_error<E>(&self, error: NotWritten<E>) -> WriteError<E> {
        match error {
            NotWritten::Overflow(length) => {
                let kind = self.admit(length).err().unwrap_or(SendErrorKind::Full);
                WriteError::Refused(kind.into())
            }
            NotWritten::NotUtf8 => WriteError::NotUtf8,
            NotWritten::Failed(error) => WriteError::Failed(error),
        }
    }

    /// A client's header gets a fresh masking key (RFC 6455 §5.3).
    #[inline]
    pub(super) fn masked(&mut self, header: FrameHeader) -> FrameHeader {
        FrameHeader { masking_key: self.keys.as_mut().map(|keys| keys.next()), ..header }
    }

    /// Appends a frame, copying its payload.
    #[inline]
    fn append(&mut self, header: &FrameHeader, payload: &[u8]) {
        copy_frame(self.output.small(), header, payload);
    }

    /// Checks that there is room for so many bytes in the output.
    #[inline]
    pub(super) fn check_room(&self, size: usize) -> Result<(), SendErrorKind> {
        if size <= self.room() {
            return Ok(());
        }
        Err(if size > self.max_buffered { SendErrorKind::TooLarge } else { SendErrorKind::Full })
    }

    /// How many bytes there is room for in the output.
    #[inline]
    pub(super) fn room(&self) -> usize {
        self.max_buffered.saturating_sub(self.output.remaining())
    }

    /// How much data there is room for in the output, with its headers.
    pub(super) fn payload_room(&self) -> usize {
        let room = self.room();
        let whole = self.fragment_size.saturating_add(self.header_size(self.fragment_size));
        let rest = room % whole;
        // What one frame holds beside the fragments of full size: of each size of header the largest payload that it can
        // announce.
        let last = [MAX_SHORT, usize::from(u16::MAX), usize::MAX].into_iter();
        let last = last.filter_map(|most| Some(rest.checked_sub(self.header_size(most))?.min(most))).max();
        room / whole * self.fragment_size + last.unwrap_or(0)
    }

    /// The size of a header, once it is [`masked`](Self::masked).
    #[inline]
    pub(super) fn header_size(&self, length: usize) -> usize {
        Start::of(Opcode::Binary, None, true).header(length).size() + if self.keys.is_some() { 4 } else { 0 }
    }

    /// The size of the frames that data of this length goes out in.
    #[inline]
    pub(super) fn size_of_frames(&self, length: usize) -> usize {
        if length <= self.fragment_size {
            return length.saturating_add(self.header_size(length));
        }
        let (whole, rest) = self.fragments(length);
        length
            .saturating_add(whole.saturating_mul(self.header_size(self.fragment_size)))
            .saturating_add(self.header_size(rest))
    }

    /// How many fragments of full size data of this length is cut into, which is longer than one, and the size of the last
    /// one that is behind them.
    const fn fragments(&self, length: usize) -> (usize, usize) {
        let whole = (length - 1) / self.fragment_size;
        (whole, length - whole * self.fragment_size)
    }

    /// Cuts data into frames (RFC 6455 §5.4), copying it.
    #[inline(never)]
    fn append_fragments(&mut self, mut start: Start, payload: &[u8]) {
        let size = self.size_of_frames(payload.len());
        self.output.small().reserve(size);
        let mut pieces = payload.chunks(self.fragment_size);
        while let Some(piece) = pieces.next() {
            let header = self.masked(start.next(pieces.len() == 0).header(piece.len()));
            self.append(&header, piece);
        }
    }

    /// Cuts owned data into frames (RFC 6455 §5.4).
    #[inline(never)]
    fn append_owned_fragments(&mut self, mut start: Start, mut payload: Bytes) {
        while !payload.is_empty() {
            let piece = payload.split_to(self.fragment_size.min(payload.len()));
            let next = start.next(payload.is_empty());
            self.append_owned(next, piece);
        }
    }

    /// Makes frames of the data at the end of the output: what is behind `origin` and `reserved` bytes of room for a header.
    pub(super) fn frame_in_place(&mut self, mut start: Start, origin: usize, reserved: usize) {
        let length = self.output.small().len() - origin - reserved;
        let (whole, rest) = if length > self.fragment_size { self.fragments(length) } else { (0, length) };
        let first = self.header_size(if whole > 0 { self.fragment_size } else { rest });
        let output = self.output.small();
        output.resize(origin + first.max(reserved) + length, 0);
        if first != reserved {
            output.copy_within(origin + reserved..origin + reserved + length, origin + first);
        }
        output.truncate(origin + first + length);
        if whole > 0 {
            self.spread(origin + first, whole, rest);
        }
        let mut at = origin;
        for index in 0..=whole {
            let is_last = index == whole;
            let length = if is_last { rest } else { self.fragment_size };
            let header = self.masked(start.next(is_last).header(length));
            let size = header.size();
            let frame = self.output.small().get_mut(at..at + size + length).unwrap_or_default();
            if let Some((head, payload)) = frame.split_at_mut_checked(size) {
                head.copy_from_slice(header.encode().as_ref());
                if let Some(key) = header.masking_key {
                    key.apply(payload);
                }
            }
            at += size + length;
        }
    }

    /// Makes room for a header before each fragment but the first, which begins at `first`.
    fn spread(&mut self, first: usize, whole: usize, rest: usize) {
        let (full, last) = (self.header_size(self.fragment_size), self.header_size(rest));
        let fragment_size = self.fragment_size;
        let output = self.output.small();
        output.resize(output.len() + (whole - 1) * full + last, 0);
        // The last one first, so that none is written over before it has been moved.
        for index in (1..=whole).rev() {
            let (length, moved) =
                if index == whole { (rest, (whole - 1) * full + last) } else { (fragment_size, index * full) };
            let from = first + index * fragment_size;
            output.copy_within(from..from + length, from + moved);
        }
    }
}

impl Start {
    /// The start of the next fragment; what is left is that of a continuation (RFC 6455 §5.4).
    const fn next(&mut self, is_last: bool) -> Self {
        let next = Self { fin: self.fin && is_last, ..*self };
        *self = Self { fin: self.fin, reserved: None, opcode: Opcode::Continuation };
        next
    }
}

/// Appends a whole message of at most [`MAX_SHORT`] bytes, masked.
#[inline(never)]
fn append_short_masked(buffer: &mut BytesMut, opcode: Opcode, key: MaskingKey, payload: &[u8]) {
    append_masked_in::<136>(buffer, opcode, key, payload);
}

/// Appends a whole message, masked: makes a place of `SIZE` bytes, which is at least the frame and at least the eight bytes
/// that the header is stored as, and writes header and payload into it. So no byte is read back that has just been written,
/// and the length of the buffer changes once.
#[inline(always)]
fn append_masked_in<const SIZE: usize>(buffer: &mut BytesMut, opcode: Opcode, key: MaskingKey, payload: &[u8]) {
    debug_assert!(EncodedHeader::SHORT_MASKED + payload.len() <= SIZE, "the frame fits");
    let start = buffer.len();
    buffer.extend_from_slice(&[0; SIZE]);
    if let Some(place) = buffer.get_mut(start..).and_then(<[u8]>::first_chunk_mut::<SIZE>) {
        // All eight bytes are one store, six are two.
        if let Some(place) = place.first_chunk_mut() {
            *place = EncodedHeader::short_masked(opcode, payload.len(), key);
        }
        if let Some(place) =
            place.get_mut(EncodedHeader::SHORT_MASKED..).and_then(|place| place.get_mut(..payload.len()))
        {
            key.copy_short(payload, place);
        }
    }
    buffer.truncate(start + EncodedHeader::SHORT_MASKED + payload.len());
}

#[inline]
fn copy_frame(buffer: &mut BytesMut, header: &FrameHeader, payload: &[u8]) {
    buffer.reserve(EncodedHeader::ROOM + payload.len());
    header.encode().append_to(buffer);
    match header.masking_key {
        // The payload is borrowed only for the duration of the call, so nobody can change it once its frame has begun
        // (RFC 6455 §10.3).
        Some(key) => {
            key.append(payload, buffer);
        }
        None => buffer.extend_from_slice(payload),
    }
}
