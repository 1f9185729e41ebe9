//! The engine: frames become messages where they arrived, in a slice of the caller's.
//!
//! ```text
//! input:  [ dead header | message so far | dead headers | not yet looked at ]
//!                       start            end            next
//! ```
//!
//! A payload is unmasked once, when it arrives, and while that happens it moves left against the message so far, so
//! that a fragmented message ends as one slice. Whenever the input is used up, what is left of a frame's beginning, 130
//! bytes at most, moves left too and the dead bytes fall off the end: the input never holds more than the message, one
//! header and these bytes, and nothing that has its place is moved again. Two things may lie there besides: short messages
//! that have been told, 4 KiB at most, and a binary message of up to 16 KiB that is left alone until all of it is there.
//! Text is validated as it arrives, while it is in the cache. Between two looks the input is its owner's, who could change
//! what is validated, so whoever calls keeps it from that; text of less than 4 KiB is validated again instead.
//!
//! The payload of a compressed message is shown piece by piece as it arrives, unmasked and otherwise as it is; nothing
//! of it is assembled here.

use crate::config::{Config, Delivery};
use crate::frame::{MAX_SHORT, MaskingKey, RSV1, Start};
use crate::opcode::{MessageKind, Opcode};
use crate::payload::Span;
use crate::role::Role;
use crate::rules::sequence::Sequence;
use crate::utf8;
use crate::violation::Violation;

/// How much is unmasked, moved and validated at a time, so that it is still in the first-level cache for the next step.
const BLOCK: usize = 16 << 10;

/// A binary message in one frame of up to so many bytes is unmasked when all of it is there.
const WHOLE: u64 = 16 << 10;

/// So much validated text of a message under way is worth being kept from being changed.
const KEPT: usize = 4 << 10;

/// Short messages that have been told stay in front of the input up to so many bytes. Removing them costs as much as
/// telling one does, so it is done for many at once.
const TOLD: usize = 4 << 10;

/// The state of the receiving direction between two looks at the input. All positions count from the input's front.
#[derive(Debug)]
pub(crate) struct Decoder {
    max_frame: u64,
    max_message: u64,
    /// Bytes of the message under way, over all its frames, by what their headers claim.
    length: u64,
    /// Bytes of the current frame's payload that are still to come.
    left: u64,
    start: usize,
    end: usize,
    /// How far the text between `start` and `end` is validated, at the border of a code point.
    valid: usize,
    next: usize,
    /// Bytes of short messages at the front of the input that have been told. The other positions do not count them: it
    /// is 0 whenever one of those is not.
    told: usize,
    max_fragments: u32,
    fragments: u32,
    key: Option<MaskingKey>,
    kind: MessageKind,
    /// The state after the current frame.
    sequence: Sequence,
    in_payload: bool,
    /// Messages shorter than this, which is at most 126, may be taken without a look at the limits; 0 if none may, as
    /// where parts are told.
    short_limit: u8,
    /// As `short_limit` if a whole message may come next; otherwise 0.
    short_now: u8,
    role: Role,
    delivery: Delivery,
    /// Whether RSV1 on the first frame of a message says that it is compressed (RFC 7692 §6).
    deflate: bool,
    /// Whether the message under way is compressed.
    compressed: bool,
    /// Whether a piece between `start` and `end` is being shown, and whether its message ends with it.
    shown: Option<bool>,
}

/// What a look at the input found.
pub(crate) enum Decoded {
    /// All has been looked at; of the input only the first `keep` bytes matter.
    NeedMore { keep: usize },
    /// A whole message.
    Message { kind: MessageKind, span: Span },
    /// The next part of a message.
    Part { kind: MessageKind, span: Span, fin: bool },
    /// The next piece of a compressed message. It is found again until [`Decoder::used_up`] says that it is done with.
    Compressed { kind: MessageKind, start: usize, end: usize, fin: bool },
    /// A Close frame.
    Close(Span),
    /// A Ping frame.
    Ping(Span),
    /// A Pong frame.
    Pong(Span),
    /// The peer is at fault; nothing more may be decoded.
    Violation(Violation),
}

impl Decoder {
    #[inline]
    pub(crate) fn new(role: Role, config: &Config) -> Self {
        let may_be_short = config.delivery == Delivery::Messages && config.max_fragments > 0;
        #[allow(clippy::cast_possible_truncation, reason = "at most 126")]
        let short_limit =
            if may_be_short { config.max_frame.min(config.max_message).min(MAX_SHORT as u64) as u8 + 1 } else { 0 };
        let mut decoder = Self {
            max_frame: config.max_frame,
            max_message: config.max_message,
            length: 0,
            left: 0,
            start: 0,
            end: 0,
            valid: 0,
            next: 0,
            told: 0,
            max_fragments: config.max_fragments,
            fragments: 0,
            key: None,
            kind: MessageKind::Binary,
            sequence: Sequence::Idle,
            in_payload: false,
            short_limit,
            short_now: 0,
            role,
            delivery: config.delivery,
            deflate: false,
            compressed: false,
            shown: None,
        };
        decoder.make_ready();
        decoder
    }

    /// From now on RSV1 means that a message is compressed.
    #[cfg(feature = "deflate")]
    pub(crate) const fn allow_compressed(&mut self) {
        self.deflate = true;
    }

    #[cfg(feature = "deflate")]
    pub(crate) const fn max_message(&self) -> u64 {
        self.max_message
    }

    pub(crate) const fn delivery(&self) -> Delivery {
        self.delivery
    }

    fn make_ready(&mut self) {
        let is_at_rest = !self.in_payload && self.sequence == Sequence::Idle && self.shown.is_none();
        self.short_now = if is_at_rest { self.short_limit } else { 0 };
    }

    /// Looks for the common case: a whole message in one short frame, while nothing is under way.
    ///
    /// `None` says nothing about the input but that [`decode`](Self::decode) has to look at it; it is as it was then.
    #[inline(always)]
    pub(crate) fn short_message(&mut self, input: &mut [u8]) -> Option<(MessageKind, Span)> {
        if self.told > TOLD {
            return None;
        }
        let size = input.len();
        let rest = input.get_mut(self.told..)?;
        let start = Start(*rest.first_chunk()?);
        let (kind, length) = start.short_message(self.role == Role::Server, self.short_now)?;
        let header = match self.role {
            Role::Server => {
                let (header, payload) = rest.get_mut(..6 + length)?.split_first_chunk_mut::<6>()?;
                let key = MaskingKey::new(*header.last_chunk()?);
                let is_ascii = key.apply_short(payload);
                if kind == MessageKind::Text && !is_ascii && !utf8::is_valid(payload) {
                    // Put back as it came, for the one place that fails.
                    key.apply_short(payload);
                    return None;
                }
                header.len()
            }
            Role::Client => {
                let (header, payload) = rest.get(..2 + length)?.split_first_chunk::<2>()?;
                if kind == MessageKind::Text && !utf8::is_short_ascii(payload) && !utf8::is_valid(payload) {
                    return None;
                }
                header.len()
            }
        };
        let start = self.told + header;
        let end = start + length;
        // The last one takes all before it along, so that the input is empty when all has been told.
        let consume = if end == size { end } else { 0 };
        self.told = end - consume;
        Some((kind, Span { start, end, consume }))
    }

    /// How much of the front of the input has been told and is to be removed before [`decode`](Self::decode).
    #[inline]
    pub(crate) fn take_told(&mut self) -> usize {
        core::mem::take(&mut self.told)
    }

    /// Looks for a message in one frame of less than 64 KiB, while nothing is under way; `None` as for a short one.
    #[inline]
    pub(crate) fn medium_message(&mut self, input: &mut [u8]) -> Option<(MessageKind, Span)> {
        if self.short_now == 0 {
            return None;
        }
        let start = Start(*input.first_chunk()?);
        let (kind, length, size) = start.medium_message(self.role == Role::Server, input)?;
        if length as u64 > self.max_frame.min(self.max_message) {
            return None;
        }
        let (header, payload) = input.get_mut(..size + length)?.split_at_mut_checked(size)?;
        match self.role {
            Role::Server => {
                let key = MaskingKey::new(*header.last_chunk()?);
                if kind == MessageKind::Binary {
                    key.apply(payload);
                } else if !unmask_text(key, payload) {
                    // Put back as it came, for the one place that fails.
                    key.apply(payload);
                    return None;
                }
            }
            Role::Client => {
                if kind == MessageKind::Text && !utf8::is_valid(payload) {
                    return None;
                }
            }
        }
        let end = size + length;
        Some((kind, Span { start: size, end, consume: end }))
    }

    /// Nothing more is taken.
    pub(crate) const fn stop(&mut self) {
        self.short_now = 0;
    }

    /// Looks at the input until there is something to tell. The caller removes what the span says is consumed, or
    /// everything behind `keep`, before the next call, and otherwise only appends.
    ///
    /// *Complexity*: linear in the bytes over all calls, whatever their cut.
    pub(crate) fn decode(&mut self, input: &mut [u8]) -> Decoded {
        debug_assert!(self.next <= input.len());
        debug_assert_eq!(self.told, 0);
        if let Some(fin) = self.shown {
            return self.show(fin);
        }
        loop {
            let step = if self.in_payload {
                self.payload(input)
            } else {
                self.short_fragments(input).and_then(|()| self.header(input))
            };
            match step {
                Ok(Some(decoded)) => {
                    self.make_ready();
                    return decoded;
                }
                Ok(None) => {}
                Err(violation) => return Decoded::Violation(violation),
            }
        }
    }

    /// Takes what the input holds of fragments in the middle of a message that are short and whole; the last one of the
    /// message, and all that is to be refused but text, is left to [`header`](Self::header).
    #[inline]
    fn short_fragments(&mut self, input: &mut [u8]) -> Result<(), Violation> {
        let is_text = match self.sequence {
            Sequence::Within(kind) if self.delivery == Delivery::Messages && !self.compressed => {
                kind == MessageKind::Text
            }
            Sequence::Within(_) | Sequence::Idle => return Ok(()),
        };
        while let Some((length, size, key)) = self.short_fragment(input) {
            self.key = key;
            self.left = length as u64;
            self.length += length as u64;
            self.fragments += 1;
            self.next += size;
            if self.start == self.end {
                self.begin_at(self.next);
            }
            if !self.block(input, length, is_text) {
                return Err(Violation::TextNotUtf8);
            }
        }
        Ok(())
    }

    /// The length of the payload, the size of the header and the key, if the next frame is such a fragment and keeps the
    /// limits.
    #[inline(always)]
    fn short_fragment(&self, input: &[u8]) -> Option<(usize, usize, Option<MaskingKey>)> {
        let rest = input.get(self.next..)?;
        let length = Start(*rest.first_chunk()?).short_fragment(self.role == Role::Server)?;
        let (size, key) = match self.role {
            Role::Server => {
                let [_, _, key @ ..] = *rest.first_chunk::<6>()?;
                (6, Some(MaskingKey::new(key)))
            }
            Role::Client => (2, None),
        };
        let is_allowed = length as u64 <= self.max_frame.min(self.max_message.saturating_sub(self.length))
            && self.fragments < self.max_fragments;
        if is_allowed && size + length <= rest.len() { Some((length, size, key)) } else { None }
    }

    /// Reads the next header, and a control frame whole.
    #[inline]
    fn header(&mut self, input: &mut [u8]) -> Result<Option<Decoded>, Violation> {
        let bytes = input.get(self.next..).unwrap_or_default();
        let Some(start) = bytes.first_chunk().copied().map(Start) else { return Ok(Some(self.need_more(input))) };

        // What two bytes tell is refused on two bytes, before anything else of the frame is waited for.
        // RFC 6455 §5.2: a reserved bit is clear where no extension has given it a meaning.
        if start.rsv() != 0 && !self.may_begin_compressed(start) {
            return Err(Violation::ReservedBit);
        }
        let opcode = start.opcode()?;
        // RFC 6455 §5.1: clients mask, servers do not.
        match (self.role, start.masked()) {
            (Role::Server, true) | (Role::Client, false) => {}
            (Role::Server, false) => return Err(Violation::NotMasked),
            (Role::Client, true) => return Err(Violation::Masked),
        }
        let begins = match opcode {
            Opcode::Continuation => None,
            Opcode::Text => Some(MessageKind::Text),
            Opcode::Binary => Some(MessageKind::Binary),
            Opcode::Close => return self.control(input, start, Decoded::Close),
            Opcode::Ping => return self.control(input, start, Decoded::Ping),
            Opcode::Pong => return self.control(input, start, Decoded::Pong),
        };
        let (kind, sequence) = self.sequence.follow(begins, start.fin())?;
        let (length_so_far, fragments) = if begins.is_some() { (0, 0) } else { (self.length, self.fragments) };
        if fragments >= self.max_fragments {
            return Err(Violation::TooManyFragments);
        }
        let Some(payload_length) = start.payload_length(bytes)? else { return Ok(Some(self.need_more(input))) };
        // RFC 6455 §10.4: the limits hold before a byte of payload is kept.
        if payload_length > self.max_frame {
            return Err(Violation::FrameTooBig);
        }
        let compressed = if begins.is_some() { start.rsv() == RSV1 } else { self.compressed };
        let length = length_so_far.saturating_add(payload_length);
        // The size of a compressed message is what it inflates to, which shows in time.
        if length > self.max_message && !compressed {
            return Err(Violation::MessageTooBig);
        }
        let Some(key) = start.masking_key(bytes) else { return Ok(Some(self.need_more(input))) };
        // Nothing can be wrong with a binary message that begins and ends here, so a small one is left alone until all of
        // it is there.
        let is_whole = begins == Some(MessageKind::Binary) && sequence == Sequence::Idle && !compressed;
        if is_whole && self.delivery == Delivery::Messages && payload_length <= WHOLE {
            let missing = (start.size() as u64 + payload_length).saturating_sub(bytes.len() as u64);
            if missing > 0 {
                return Ok(Some(self.need_more(input)));
            }
        }

        self.key = key;
        self.kind = kind;
        self.sequence = sequence;
        self.length = length;
        self.fragments = fragments + 1;
        self.left = payload_length;
        self.compressed = compressed;
        self.in_payload = true;
        self.next += start.size();
        if self.start == self.end {
            self.begin_at(self.next);
        }
        self.payload(input)
    }

    /// Whether this is the first frame of a message, and RSV1, which alone is set, says that it is compressed.
    const fn may_begin_compressed(&self, start: Start) -> bool {
        self.deflate && start.rsv() == RSV1 && start.begins_message()
    }

    /// Reads a control frame, once all of it is there.
    fn control(
        &mut self,
        input: &mut [u8],
        start: Start,
        found: fn(Span) -> Decoded,
    ) -> Result<Option<Decoded>, Violation> {
        let bytes = input.get(self.next..).unwrap_or_default();
        let (Some(length), Some(key)) = (start.payload_length(bytes)?, start.masking_key(bytes)) else {
            return Ok(Some(self.need_more(input)));
        };
        let begin = self.next + start.size();
        // A control frame's length is at most 125.
        let end = begin + usize::try_from(length).unwrap_or(usize::MAX / 2);
        let Some(payload) = input.get_mut(begin..end) else { return Ok(Some(self.need_more(input))) };
        if let Some(key) = key {
            key.apply(payload);
        }
        // A message under way keeps its place in the input, and this frame becomes dead bytes behind it.
        let consume = if self.start == self.end { end } else { 0 };
        self.next = end;
        self.forget(consume);
        Ok(Some(found(Span { start: begin, end, consume })))
    }

    /// Takes in what has come of the current frame's payload.
    #[inline]
    fn payload(&mut self, input: &mut [u8]) -> Result<Option<Decoded>, Violation> {
        let here = input.len().saturating_sub(self.next);
        let mut take = usize::try_from(self.left).map_or(here, |left| left.min(here));
        // RFC 7692 §6.1: what is to be UTF-8 is the message, not the bytes it is compressed into.
        let is_text = self.kind == MessageKind::Text && !self.compressed;
        loop {
            let step = take.min(BLOCK);
            if !self.block(input, step, is_text) {
                return self.not_utf8();
            }
            take -= step;
            if take == 0 {
                break;
            }
        }
        if self.left > 0 {
            return Ok(Some(self.part(false).unwrap_or_else(|| self.need_more(input))));
        }
        if self.sequence != Sequence::Idle {
            self.in_payload = false;
            return Ok(self.part(false));
        }
        // RFC 6455 §5.6: the whole message is UTF-8, so no code point may be left open.
        if is_text && self.valid < self.end {
            return self.not_utf8();
        }
        self.in_payload = false;
        if let Some(part) = self.part(true) {
            return Ok(Some(part));
        }
        let span = Span { start: self.start, end: self.end, consume: self.next };
        self.forget(span.consume);
        Ok(Some(Decoded::Message { kind: self.kind, span }))
    }

    /// Unmasks the next `step` bytes, moving them against the message so far; false if it is text that no later byte
    /// can mend.
    #[inline]
    fn block(&mut self, input: &mut [u8], step: usize, is_text: bool) -> bool {
        let (to, from) = (self.end, self.next);
        self.end += step;
        self.next += step;
        self.left -= step as u64;
        let mut is_ascii = false;
        match self.key {
            // Far enough apart, it is unmasked while it is copied.
            Some(key) if to + step <= from => {
                if let Some((to, from)) = halves(input, to, from, step) {
                    is_ascii = key.apply_to_copy(from, to);
                    self.key = Some(key.turned(step));
                }
            }
            key => {
                if to != from {
                    input.copy_within(from..from + step, to);
                }
                if let (Some(key), Some(bytes)) = (key, input.get_mut(to..to + step)) {
                    let turned;
                    (turned, is_ascii) =
                        if is_text { key.apply_noticing_ascii(bytes) } else { (key.apply(bytes), false) };
                    self.key = Some(turned);
                }
            }
        }
        if !is_text {
            return true;
        }
        if is_ascii && self.valid == to {
            self.valid = self.end;
            return true;
        }
        let checked = utf8::check(input.get(self.valid..self.end).unwrap_or_default());
        let (Ok(more) | Err(more)) = checked;
        self.valid += more;
        checked.is_ok()
    }

    /// Says how much at the front of the input is to be kept from being changed until the next look, because it ends in
    /// validated text: nothing of a text that is still short, which is validated once more sooner than kept, and would
    /// keep memory that is far larger; otherwise all but the last code point, so that the input is empty only where no
    /// message is under way.
    pub(crate) fn keep_validated(&mut self, input: &[u8]) -> usize {
        let text = input.get(self.start..self.valid).unwrap_or_default();
        // At most four bytes back, as this is UTF-8.
        let last = text.iter().rposition(|byte| byte & 0xC0 != 0x80).unwrap_or(0);
        if last < KEPT {
            self.valid = self.start;
            return 0;
        }
        self.valid = self.start + last;
        self.valid
    }

    /// Forgets that text has been validated, because nobody has kept it from being changed.
    #[inline]
    pub(crate) const fn distrust(&mut self) {
        self.valid = self.start;
    }

    /// Makes sure that the input, which is so long, still holds what it was left with.
    ///
    /// # Panics
    /// If it does not, which only its owner can bring about.
    #[inline]
    pub(crate) fn assert_reaches(&self, length: usize) {
        assert!(self.next <= length, "bytes of a message under way have been removed from the input");
    }

    /// Fails on text that is not UTF-8. When parts are delivered, what came before the fault is handed out first, and
    /// the next look at the input finds the fault again.
    #[cold]
    fn not_utf8(&mut self) -> Result<Option<Decoded>, Violation> {
        self.part(false).map(Some).ok_or(Violation::TextNotUtf8)
    }

    /// The part of the message that can be handed out, when messages are delivered so.
    fn part(&mut self, fin: bool) -> Option<Decoded> {
        if self.compressed {
            return (fin || self.start < self.end).then(|| self.show(fin));
        }
        match self.delivery {
            Delivery::Messages => None,
            Delivery::Parts => {
                let end = if self.kind == MessageKind::Text { self.valid } else { self.end };
                if end == self.start && !fin {
                    return None;
                }
                let consume = if end == self.end { self.next } else { end };
                let span = Span { start: self.start, end, consume };
                self.start = end;
                self.forget(consume);
                Some(Decoded::Part { kind: self.kind, span, fin })
            }
        }
    }

    /// The piece of a compressed message that there is.
    fn show(&mut self, fin: bool) -> Decoded {
        self.shown = Some(fin);
        Decoded::Compressed { kind: self.kind, start: self.start, end: self.end, fin }
    }

    /// The piece that was shown is done with: says how many bytes the caller removes from the front of the input.
    pub(crate) fn used_up(&mut self) -> usize {
        self.shown = None;
        self.begin_at(0);
        self.make_ready();
        core::mem::take(&mut self.next)
    }

    /// Forgets the first `consumed` bytes of the input, which the caller removes.
    #[inline]
    fn forget(&mut self, consumed: usize) {
        self.next -= consumed;
        self.start = self.start.saturating_sub(consumed);
        self.end = self.end.saturating_sub(consumed);
        self.valid = self.valid.saturating_sub(consumed);
    }

    /// Places a message of which nothing is kept at `position`.
    #[inline]
    fn begin_at(&mut self, position: usize) {
        self.start = position;
        self.end = position;
        self.valid = position;
    }

    /// Closes the gap between the message so far and what is left of the input, the beginning of a frame.
    fn need_more(&mut self, input: &mut [u8]) -> Decoded {
        if self.start == self.end && !self.in_payload {
            // Nothing is kept, so the dead bytes are at the front.
            self.begin_at(0);
        }
        let rest = self.next..input.len();
        let keep = self.end + rest.len();
        if self.end != self.next {
            input.copy_within(rest, self.end);
            self.next = self.end;
        }
        Decoded::NeedMore { keep }
    }
}

/// The place for `count` bytes at `to`, and the bytes themselves at `from`, which is behind it.
#[inline]
fn halves(input: &mut [u8], to: usize, from: usize, count: usize) -> Option<(&mut [u8], &[u8])> {
    let (front, back) = input.split_at_mut_checked(from)?;
    Some((front.get_mut(to..to + count)?, back.get(..count)?))
}

/// Unmasks a whole payload; false if it is not text.
#[inline]
fn unmask_text(mut key: MaskingKey, payload: &mut [u8]) -> bool {
    let mut all_ascii = true;
    for block in payload.chunks_mut(BLOCK) {
        let is_ascii;
        (key, is_ascii) = key.apply_noticing_ascii(block);
        all_ascii &= is_ascii;
    }
    all_ascii || utf8::is_valid(payload)
}
