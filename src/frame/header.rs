//! The 2 to 14 bytes before a payload (RFC 6455 §5.2).

use super::mask::MaskingKey;
use crate::opcode::{MessageKind, Opcode};
use crate::violation::Violation;
use bytes::BytesMut;

const FIN: u8 = 0x80;
const RSV: u8 = 0x70;
const OPCODE: u8 = 0x0F;
const MASK: u8 = 0x80;
const LENGTH: u8 = 0x7F;
/// The largest length that fits the second byte.
const SHORT: u8 = 125;
/// The largest payload whose length fits the second byte.
pub(crate) const MAX_SHORT: usize = SHORT as usize;
/// The largest payload of a control frame in bytes (RFC 6455 §5.5).
pub(crate) const MAX_CONTROL: usize = MAX_SHORT;
/// Says that the length follows in two bytes.
pub(crate) const EXTENDED_16: u8 = 126;

/// The header of a frame (RFC 6455 §5.2).
///
/// ```
/// use ws_proto::Opcode;
/// use ws_proto::frame::FrameHeader;
///
/// let (header, size) = FrameHeader::parse(&[0x81, 0x05, b'H', b'e'])?.expect("the header is complete");
/// assert_eq!((header.opcode, header.fin, header.payload_length, size), (Opcode::Text, true, 5, 2));
/// assert_eq!(header.encode().as_ref(), [0x81, 0x05]);
/// # Ok::<(), ws_proto::Violation>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// Whether this is the last frame of its message.
    pub fin: bool,
    /// The reserved bits RSV1, RSV2 and RSV3 as the bits 4, 2 and 1; without an extension they are 0.
    /// [`ReservedBits`](crate::ReservedBits) names them.
    pub rsv: u8,
    /// What the frame is.
    pub opcode: Opcode,
    /// The key that masks the payload; `None` when it is not masked.
    pub masking_key: Option<MaskingKey>,
    /// The length of the payload in bytes, below 2^63. It is the peer's claim: check it before reserving memory.
    pub payload_length: u64,
}

impl FrameHeader {
    /// The longest header in bytes.
    pub const MAX_SIZE: usize = 14;

    /// Reads a header from the front of `bytes`: the header and its size, or `None` when bytes are missing.
    ///
    /// The rules that need no knowledge of the connection are checked here, each as soon as its bytes are there.
    ///
    /// # Errors
    /// A reserved opcode, a control frame that is fragmented or longer than 125 bytes, a length that is not minimal or
    /// has its top bit set.
    ///
    /// *Complexity*: constant.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Violation> {
        let Some(start) = bytes.first_chunk().copied().map(Start) else { return Ok(None) };
        let opcode = start.opcode()?;
        let Some(payload_length) = start.payload_length(bytes)? else { return Ok(None) };
        let Some(masking_key) = start.masking_key(bytes) else { return Ok(None) };
        let header = Self { fin: start.fin(), rsv: start.rsv(), opcode, masking_key, payload_length };
        Ok(Some((header, start.size())))
    }

    /// The size of the encoded header in bytes.
    #[inline]
    pub const fn size(&self) -> usize {
        let extended = match self.payload_length {
            0..=125 => 0,
            126..=0xFFFF => 2,
            _ => 8,
        };
        2 + extended + if self.masking_key.is_some() { 4 } else { 0 }
    }

    /// The bytes of the header, its length in the shortest form. Only the form is seen to: what RFC 6455 does not
    /// allow, such as a long Ping, is encoded as it stands.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "each arm names the lengths that fit")]
    pub fn encode(&self) -> EncodedHeader {
        let first = if self.fin { FIN } else { 0 } | (self.rsv << 4 & RSV) | self.opcode.bits();
        let (mask, key, key_size) = match self.masking_key {
            Some(key) => (MASK, u128::from(u32::from_le_bytes(key.to_bytes())), 4),
            None => (0, 0, 0),
        };
        let start = |second| u128::from(u16::from_le_bytes([first, mask | second]));
        let length = self.payload_length;
        // RFC 6455 §5.2: the minimal number of bytes encodes the length, most significant byte first. The word holds the
        // header's first byte lowest, so that it is put together in registers and written at once.
        let (word, size) = match length {
            0..=125 => (start(length as u8) | key << 16, 2),
            126..=0xFFFF => (start(EXTENDED_16) | u128::from((length as u16).swap_bytes()) << 16 | key << 32, 4),
            _ => (start(LENGTH) | u128::from(length.swap_bytes()) << 16 | key << 80, 10),
        };
        let bytes = word.to_le_bytes();
        EncodedHeader { bytes, size: size + key_size }
    }
}

/// An encoded header, as the slice of its bytes.
#[derive(Debug, Clone, Copy)]
pub struct EncodedHeader {
    /// The header, and zeros behind it, so that all of it can be copied as one word.
    bytes: [u8; Self::ROOM],
    size: u8,
}

impl EncodedHeader {
    /// How much room there has to be for [`append_to`](Self::append_to).
    pub(crate) const ROOM: usize = 16;

    /// The size of a header of a whole message of at most [`MAX_SHORT`] bytes that is masked.
    pub(crate) const SHORT_MASKED: usize = 6;

    /// Appends the header of a whole message of at most [`MAX_SHORT`] bytes.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "the length is that small")]
    pub(crate) fn append_short(opcode: Opcode, length: usize, buffer: &mut BytesMut) {
        buffer.extend_from_slice(&[FIN | opcode.bits(), length as u8]);
    }

    /// The header of a whole message of at most [`MAX_SHORT`] bytes that is masked, and two zeros behind it.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "the length is that small")]
    pub(crate) fn short_masked(opcode: Opcode, length: usize, key: MaskingKey) -> [u8; 8] {
        let [a, b, c, d] = key.to_bytes();
        [FIN | opcode.bits(), MASK | length as u8, a, b, c, d, 0, 0]
    }

    /// Appends the header of a whole message that is longer than [`MAX_SHORT`].
    #[inline]
    pub(crate) fn append_medium(opcode: Opcode, length: u16, buffer: &mut BytesMut) {
        let [high, low] = length.to_be_bytes();
        buffer.extend_from_slice(&[FIN | opcode.bits(), EXTENDED_16, high, low]);
    }

    /// [`append_medium`](Self::append_medium) for a payload that is masked.
    #[inline]
    pub(crate) fn append_medium_masked(opcode: Opcode, length: u16, key: MaskingKey, buffer: &mut BytesMut) {
        let ([high, low], [a, b, c, d]) = (length.to_be_bytes(), key.to_bytes());
        buffer.extend_from_slice(&[FIN | opcode.bits(), MASK | EXTENDED_16, high, low, a, b, c, d]);
    }

    /// Appends the header.
    #[inline]
    pub(crate) fn append_to(&self, buffer: &mut BytesMut) {
        let end = buffer.len() + usize::from(self.size);
        buffer.extend_from_slice(&self.bytes);
        buffer.truncate(end);
    }
}

impl AsRef<[u8]> for EncodedHeader {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.size)).unwrap_or_default()
    }
}

/// The first two bytes of a header, which decide nearly everything.
#[derive(Clone, Copy)]
pub(crate) struct Start(pub(crate) [u8; 2]);

impl Start {
    /// The opcode, if it is known and a control frame keeps the rules of RFC 6455 §5.5, which can be seen from these two bytes.
    #[inline]
    pub(crate) fn opcode(self) -> Result<Opcode, Violation> {
        let opcode = self.0[0] & OPCODE;
        let opcode = Opcode::from_bits(opcode).ok_or(Violation::ReservedOpcode(opcode))?;
        if opcode.is_control() {
            if !self.fin() {
                return Err(Violation::FragmentedControl);
            }
            if self.0[1] & LENGTH > SHORT {
                return Err(Violation::ControlTooLong);
            }
        }
        Ok(opcode)
    }

    /// The length in the second byte of a frame that is masked or not, as it should be; above 127 if it is not so.
    #[inline(always)]
    pub(crate) const fn short_length(self, masked: bool) -> u8 {
        // Where the mask bit is not as it should be, this sets it.
        if masked { self.0[1] ^ MASK } else { self.0[1] }
    }

    /// Length of a fragment in the middle of a message, if it is at most 125, the frame is masked as it should be and has
    /// no reserved bit set.
    #[inline(always)]
    pub(crate) fn short_fragment(self, masked: bool) -> Option<usize> {
        let length = self.short_length(masked);
        if self.0[0] == Opcode::Continuation.bits() && length <= SHORT { Some(usize::from(length)) } else { None }
    }

    /// Type of a message, if this is the only frame of one and has no reserved bit set.
    #[inline(always)]
    pub(crate) const fn whole_message(self) -> Option<MessageKind> {
        const TEXT: u8 = FIN | Opcode::Text.bits();
        const BINARY: u8 = FIN | Opcode::Binary.bits();
        match self.0[0] {
            TEXT => Some(MessageKind::Text),
            BINARY => Some(MessageKind::Binary),
            _ => None,
        }
    }

    #[inline]
    pub(crate) const fn fin(self) -> bool {
        self.0[0] & FIN != 0
    }

    #[inline]
    pub(crate) const fn rsv(self) -> u8 {
        (self.0[0] & RSV) >> 4
    }

    #[inline]
    pub(crate) fn masked(self) -> bool {
        self.0[1] & MASK != 0
    }

    /// The size of the whole header in bytes.
    #[inline]
    pub(crate) fn size(self) -> usize {
        self.key_offset() + if self.masked() { 4 } else { 0 }
    }

    /// The payload length, or `None` when bytes of it are missing from `header`, which begins with these two.
    #[inline]
    pub(crate) fn payload_length(self, header: &[u8]) -> Result<Option<u64>, Violation> {
        match self.0[1] & LENGTH {
            short @ 0..=SHORT => Ok(Some(u64::from(short))),
            EXTENDED_16 => {
                let Some(bytes) = header.get(2..).and_then(<[u8]>::first_chunk) else { return Ok(None) };
                let length = u16::from_be_bytes(*bytes);
                if length <= u16::from(SHORT) {
                    return Err(Violation::LengthNotMinimal(u64::from(length)));
                }
                Ok(Some(u64::from(length)))
            }
            _ => {
                let Some(bytes) = header.get(2..).and_then(<[u8]>::first_chunk) else { return Ok(None) };
                let length = u64::from_be_bytes(*bytes);
                if length > u64::MAX / 2 {
                    return Err(Violation::LengthTopBit(length));
                }
                if length <= u64::from(u16::MAX) {
                    return Err(Violation::LengthNotMinimal(length));
                }
                Ok(Some(length))
            }
        }
    }

    /// The masking key, which may be none, or `None` when bytes of it are missing from `header`.
    #[inline]
    pub(crate) fn masking_key(self, header: &[u8]) -> Option<Option<MaskingKey>> {
        let rest = header.get(self.key_offset()..)?;
        if self.masked() { rest.first_chunk().map(|key| Some(MaskingKey::new(*key))) } else { Some(None) }
    }

    /// Whether the second byte alone says that the payload has this length, at most 125.
    pub(crate) const fn has_length(self, length: u8) -> bool {
        self.0[1] & LENGTH == length
    }

    /// The size of the header without its key.
    #[inline]
    pub(crate) fn key_offset(self) -> usize {
        match self.0[1] & LENGTH {
            0..=SHORT => 2,
            EXTENDED_16 => 4,
            _ => 10,
        }
    }
}
