//! The engine: frames become messages where they arrived.
//!
//! A payload is unmasked once, when it arrives, and while that happens it moves left against the message so far, so that a
//! fragmented message ends as one slice. Text is validated once, while it is in the cache, a run at a time: all that one
//! look at the input has unmasked, whatever number of fragments it came in. Where the bytes lie, and how far they are
//! validated, is known to the [`Buffer`]; the decoder remembers only what the headers said.
//!
//! The payload of a compressed message is shown piece by piece as it arrives, unmasked and otherwise as it is; nothing of
//! it is assembled here.

mod header;
mod limits;
mod meanings;
mod message;
mod quick;

use crate::config::{Config, Delivery};
use crate::frame::MaskingKey;
use crate::input::{Buffer, Missing};
use crate::reserved_bits::ReservedBits;
use crate::role::Role;
use crate::rules::sequence::Sequence;
use crate::violation::Violation;
use core::ops::Range;
use limits::Limits;
use meanings::Meanings;
use message::Message;
use quick::Quick;

pub(crate) use message::Content;

/// What is known of the frames between two looks at the input.
#[derive(Debug)]
pub(crate) struct Decoder {
    limits: Limits,
    message: Message,
    payload: Payload,
    /// The state after the current frame.
    sequence: Sequence,
    quick: Quick,
    role: Role,
    delivery: Delivery,
    meanings: Meanings,
    /// Whether a piece of a compressed message is being shown, and whether its message ends with it.
    shown: Option<bool>,
}

/// The payload under way: `left` bytes of it are still to come, and the key is turned to the first of them. It ends, and is
/// no longer under way, where `left` becomes 0.
#[derive(Debug)]
struct Payload {
    left: u64,
    key: Option<MaskingKey>,
    is_under_way: bool,
}

/// What a look at the input has found. A range is one of the buffer that was looked at.
pub(crate) enum Decoded {
    /// All has been looked at. This is missing of the frame under way.
    NeedMore(Missing),
    /// A whole message.
    Message { content: Content, range: Range<usize> },
    /// The next part of a message.
    Part { content: Content, range: Range<usize>, fin: bool },
    /// The next piece of a compressed message, which is the message that the buffer has under way. It is found again until
    /// [`Decoder::used_up`] is called.
    Compressed { content: Content, fin: bool },
    /// A Close frame.
    Close(Range<usize>),
    /// A Ping frame.
    Ping(Range<usize>),
    /// A Pong frame.
    Pong(Range<usize>),
    /// The peer is at fault; nothing more may be decoded.
    Violation(Violation),
}

impl Decoder {
    #[inline]
    pub(crate) fn new(role: Role, config: &Config) -> Self {
        let limits = Limits::new(config);
        Self {
            quick: Quick::new(&limits, config.delivery),
            limits,
            message: Message::NONE,
            payload: Payload { left: 0, key: None, is_under_way: false },
            sequence: Sequence::Idle,
            role,
            delivery: config.delivery,
            meanings: Meanings::NONE,
            shown: None,
        }
    }

    /// From now on RSV1 means that a message is compressed.
    #[cfg(feature = "deflate")]
    pub(crate) const fn allow_compressed(&mut self) {
        self.meanings.add_deflate();
    }

    /// From now on these bits mean something to the application.
    pub(crate) const fn allow_reserved(&mut self, bits: ReservedBits) {
        self.meanings.set_reserved(bits);
    }

    /// Takes other limits over.
    pub(crate) fn set_limits(&mut self, config: &Config) {
        self.limits = Limits::new(config);
        self.quick = Quick::new(&self.limits, self.delivery);
        self.update_quick();
    }

    #[cfg(feature = "deflate")]
    pub(crate) const fn max_message(&self) -> u64 {
        self.limits.max_message()
    }

    pub(crate) const fn delivery(&self) -> Delivery {
        self.delivery
    }

    /// Whether a message has begun and not ended.
    pub(crate) fn is_in_message(&self) -> bool {
        self.payload.is_under_way || self.sequence != Sequence::Idle || self.shown.is_some()
    }

    /// Whether something may be left to return although all bytes have been looked at: the rest of a compressed piece, or the
    /// fault behind a part.
    #[inline]
    pub(crate) fn may_have_more(&self) -> bool {
        self.shown.is_some() || self.delivery == Delivery::Parts
    }

    /// Looks at the input until there is something to return.
    ///
    /// *Complexity*: linear in the bytes over all calls, whatever their cut.
    pub(crate) fn decode(&mut self, input: &mut Buffer) -> Decoded {
        if let Some(fin) = self.shown {
            return Decoded::Compressed { content: self.message.content, fin };
        }
        let found = loop {
            let step = if self.payload.is_under_way {
                self.payload(input)
            } else {
                self.short_fragments(input).and_then(|()| self.header(input))
            };
            match step {
                Ok(None) => {}
                Ok(Some(decoded)) => break decoded,
                Err(violation) => break Decoded::Violation(violation),
            }
        };
        self.update_quick();
        // The run of text that ends here came before whatever else was found. A payload under way and parts are validated
        // already.
        let is_to_be_validated = self.message.is_text() && self.delivery == Delivery::Messages;
        if is_to_be_validated && !self.payload.is_under_way && !input.validate() {
            return Decoded::Violation(Violation::TextNotUtf8);
        }
        found
    }

    /// Takes in what has come of the current frame's payload.
    #[inline]
    fn payload(&mut self, input: &mut Buffer) -> Result<Option<Decoded>, Violation> {
        let here = input.unread().len();
        let take = usize::try_from(self.payload.left).map_or(here, |left| left.min(here));
        self.payload.left -= take as u64;
        let is_text = self.message.is_text();
        if !input.assemble_in_blocks(take, &mut self.payload.key, is_text) {
            return self.not_utf8(input);
        }
        let is_complete = self.payload.left == 0;
        let is_last = is_complete && self.sequence == Sequence::Idle;
        if is_complete && !is_last && self.delivery == Delivery::Messages && !self.message.compressed {
            // The next fragment may be there; then text is validated with it.
            self.payload.is_under_way = false;
            return Ok(None);
        }
        // RFC 6455 §5.6: the whole message is UTF-8, so no code point may be left open at its end.
        if is_text && !(input.validate() && (input.is_valid() || !is_last)) {
            return self.not_utf8(input);
        }
        self.payload.is_under_way = !is_complete;
        if let Some(part) = self.part(input, is_last) {
            return Ok(Some(part));
        }
        if !is_complete {
            input.wait_for(1);
            return Ok(Some(Decoded::NeedMore(self.missing())));
        }
        if !is_last {
            return Ok(None);
        }
        let range = input.finish(input.message().end);
        Ok(Some(Decoded::Message { content: self.message.content, range }))
    }

    /// What is missing of the payload under way.
    #[inline]
    fn missing(&self) -> Missing {
        Missing { bytes: self.payload.left, ends_message: self.sequence == Sequence::Idle }
    }

    /// Fails on text that is not UTF-8. When parts are delivered, what came before the fault is returned first, and the next
    /// look at the input finds the fault again.
    #[cold]
    fn not_utf8(&mut self, input: &mut Buffer) -> Result<Option<Decoded>, Violation> {
        self.part(input, false).map(Some).ok_or(Violation::TextNotUtf8)
    }

    /// The part of the message that can be returned, when messages are delivered so.
    #[inline]
    fn part(&mut self, input: &mut Buffer, fin: bool) -> Option<Decoded> {
        let content = self.message.content;
        if self.message.compressed {
            if input.message().is_empty() && !fin {
                return None;
            }
            self.shown = Some(fin);
            return Some(Decoded::Compressed { content, fin });
        }
        match self.delivery {
            Delivery::Messages => None,
            Delivery::Parts => {
                let whole = if content.is_text() { input.validated() } else { input.message() };
                if whole.is_empty() && !fin {
                    return None;
                }
                Some(Decoded::Part { content, range: input.finish(whole.end), fin })
            }
        }
    }

    /// The piece that was shown is used up.
    pub(crate) fn used_up(&mut self, input: &mut Buffer) {
        self.shown = None;
        input.abandon();
        self.update_quick();
    }
}

#[cfg(test)]
mod tests {
    use super::{Decoded, Decoder};
    use crate::config::Config;
    use crate::input::{Buffer, Input, Missing};
    use crate::role::Role;
    use crate::violation::Violation;
    use alloc::vec::Vec;

    /// A frame of a server's.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).unwrap();
        [&[first, length], payload].concat()
    }

    fn feed(decoder: &mut Decoder, input: &mut Buffer, bytes: &[u8]) -> Decoded {
        input.append_for_test(bytes);
        decoder.decode(input)
    }

    #[test]
    fn a_payload_is_under_way_until_nothing_of_it_is_left() {
        let mut decoder = Decoder::new(Role::Client, &Config::new());
        let mut input = Input::new().wire;
        for (bytes, left) in [(&b"\x01\x03a"[..], 2), (b"b", 1), (b"c\x80\x02d", 1)] {
            let Decoded::NeedMore(Missing { bytes, .. }) = feed(&mut decoder, &mut input, bytes) else {
                panic!("more")
            };
            assert_eq!((bytes, decoder.payload.left, decoder.payload.is_under_way), (left, left, true));
        }
        assert!(matches!(feed(&mut decoder, &mut input, b"e"), Decoded::Message { .. }));
        assert_eq!((decoder.payload.left, decoder.payload.is_under_way), (0, false));
    }

    #[test]
    fn what_is_missing_ends_the_message_only_in_its_last_frame() {
        let mut decoder = Decoder::new(Role::Client, &Config::new());
        let mut input = Input::new().wire;
        let mut missing = |bytes: &[u8]| match feed(&mut decoder, &mut input, bytes) {
            Decoded::NeedMore(missing) => (missing.bytes, missing.ends_message),
            _ => panic!("more is needed"),
        };
        assert_eq!(missing(b"\x02"), (1, false));
        assert_eq!(missing(b"\x04a"), (3, false));
        assert_eq!(missing(b"bcd"), (2, false));
        assert_eq!(missing(b"\x80\x05e"), (4, true));
    }

    #[test]
    fn length_and_fragments_of_a_message_stay_within_the_limits() {
        for (config, violation) in [
            (Config::new().max_message(7), Violation::MessageTooBig(9)),
            (Config::new().max_fragments(2), Violation::TooManyFragments),
        ] {
            let (max_message, max_fragments) = (config.max_message, config.max_fragments);
            let mut decoder = Decoder::new(Role::Client, &config);
            let mut input = Input::new().wire;
            for part in [frame(0x02, b"one"), frame(0x00, b"two")] {
                assert!(matches!(feed(&mut decoder, &mut input, &part), Decoded::NeedMore(_)));
                assert!(decoder.message.length <= max_message && decoder.message.fragments <= max_fragments);
            }
            let found = feed(&mut decoder, &mut input, &frame(0x00, b"six"));
            assert!(matches!(found, Decoded::Violation(found) if found == violation));
            assert_eq!((decoder.message.length, decoder.message.fragments), (6, 2));
        }
    }

    /// Each byte is validated once, however the stream is cut, but for those of a code point that is not complete.
    #[test]
    fn a_text_that_comes_byte_by_byte_is_validated_once() {
        for (text, most) in [("a".repeat(4096), 0), ("é".repeat(2048), 3 * 2048), ("🦀".repeat(1024), 10 * 1024)] {
            let mut decoder = Decoder::new(Role::Client, &Config::new());
            let mut input = Input::new().wire;
            let before = crate::utf8::validated();
            feed(&mut decoder, &mut input, &[0x81, 126, 16, 0]);
            for byte in text.as_bytes() {
                let mut bytes = feed(&mut decoder, &mut input, &[*byte]);
                if let Decoded::Message { range, .. } = &mut bytes {
                    assert_eq!(input.slice(range.start, range.end), text.as_bytes());
                }
            }
            assert!(input.is_empty());
            // ASCII is seen without validation where it is unmasked; a client's payload is looked at once more.
            let validated = crate::utf8::validated() - before;
            assert!(validated <= most.max(4096), "{validated} bytes validated of {}", text.len());
        }
    }
}
