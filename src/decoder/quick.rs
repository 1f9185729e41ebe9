//! Quick ways for what is common: whole short and medium messages, and short fragments.
//!
//! A quick way takes a frame that is there whole and breaks no rule. Everything else, above all what is wrong, it leaves
//! unchanged for [`Decoder::decode`]. It is safe to take because
//!
//! * [`Quick::now`] is 0 unless no message and no payload is under way, whole messages are delivered, and the connection goes
//!   on, so a message that begins and ends in one frame changes nothing that the decoder remembers;
//! * it is otherwise one more than the length that the limits allow, so none of them can be passed;
//! * the first byte is compared as a whole, so a set reserved bit, a reserved opcode and a missing FIN do not match, and in
//!   the second one the wrong mask bit makes the length too large;
//! * text that turns out not to be valid is put back as it came.

use super::Decoder;
use super::limits::Limits;
use crate::config::Delivery;
use crate::frame::{EXTENDED_16, MAX_SHORT, MaskingKey, Start};
use crate::input::{Buffer, LARGE, Missing};
use crate::opcode::MessageKind;
use crate::role::Role;
use crate::rules::sequence::Sequence;
use crate::utf8;
use crate::violation::Violation;
use core::ops::Range;

/// A key's size in bytes.
const KEY: usize = 4;

/// Up to this length in bytes the loops without preparations are the faster ones.
const BRIEF: usize = 256;

/// So many bytes of a payload are few.
const FEW: usize = 16;

/// Whole messages shorter than `now` may be taken quickly; it is 0 or `most`.
#[derive(Debug)]
pub(super) struct Quick {
    now: u8,
    /// What it is while nothing is under way, at most 126.
    most: u8,
}

impl Quick {
    const NEVER: Self = Self { now: 0, most: 0 };

    /// While nothing is under way, as far as the limits allow it.
    #[inline]
    pub(super) fn new(limits: &Limits, delivery: Delivery) -> Self {
        let limit = limits.max_in_one_frame().min(MAX_SHORT as u64);
        #[allow(clippy::cast_possible_truncation, reason = "at most 126")]
        let most = limit as u8 + 1;
        let most = if limit > 0 && delivery == Delivery::Messages { most } else { 0 };
        Self { now: most, most }
    }
}

impl Decoder {
    /// Looks again whether a quick way may be taken.
    #[inline]
    pub(super) fn update_quick(&mut self) {
        let is_at_rest = !self.payload.is_under_way && self.sequence == Sequence::Idle && self.shown.is_none();
        self.quick.now = if is_at_rest { self.quick.most } else { 0 };
    }

    /// Nothing more is taken.
    pub(crate) const fn stop(&mut self) {
        self.quick = Quick::NEVER;
    }

    /// A whole message in one frame of at most 125 bytes.
    #[inline(always)]
    pub(crate) fn short_message(&self, input: &mut Buffer) -> Option<(MessageKind, Range<usize>)> {
        let frame = input.unread_mut();
        let start = Start(*frame.first_chunk()?);
        let kind = start.whole_message()?;
        let length = start.short_length(self.role == Role::Server);
        if length >= self.quick.now {
            return None;
        }
        let length = usize::from(length);
        match self.role {
            Role::Server => {
                const HEADER: usize = 2 + KEY;
                let (header, payload) = frame.get_mut(..HEADER + length)?.split_first_chunk_mut::<HEADER>()?;
                let key = MaskingKey::new(*header.last_chunk()?);
                let is_ascii = key.apply_short(payload);
                if kind == MessageKind::Text && !is_ascii && !utf8::is_valid(payload) {
                    key.apply_short(payload);
                    return None;
                }
                Some((kind, input.pass(HEADER, length)))
            }
            Role::Client => {
                const HEADER: usize = 2;
                let payload = frame.get(HEADER..HEADER + length)?;
                if kind == MessageKind::Text && !utf8::is_short_ascii(payload) && !utf8::is_valid(payload) {
                    return None;
                }
                Some((kind, input.pass(HEADER, length)))
            }
        }
    }

    /// A whole message in one frame of 126 bytes to 64 KiB.
    #[inline]
    pub(crate) fn medium_message(&self, input: &mut Buffer) -> Option<(MessageKind, Range<usize>)> {
        let frame = input.unread_mut();
        let [first, second, extended @ ..] = *frame.first_chunk::<4>()?;
        let start = Start([first, second]);
        let kind = start.whole_message()?;
        let length = u16::from_be_bytes(extended);
        let may_be_taken = start.short_length(self.role == Role::Server) == EXTENDED_16
            && length > u16::from(EXTENDED_16 - 1)
            && usize::from(self.quick.now) > MAX_SHORT
            && u64::from(length) <= self.limits.max_in_one_frame();
        if !may_be_taken {
            return None;
        }
        if u64::from(length) >= LARGE {
            input.note_large();
        }
        let frame = input.unread_mut();
        let length = usize::from(length);
        match self.role {
            Role::Server => {
                const HEADER: usize = 4 + KEY;
                let (header, payload) = frame.get_mut(..HEADER + length)?.split_first_chunk_mut::<HEADER>()?;
                let key = MaskingKey::new(*header.last_chunk()?);
                let is_ascii =
                    if length <= BRIEF { key.apply_short(payload) } else { key.apply_noticing_ascii(payload) };
                if kind == MessageKind::Text && !is_ascii && !utf8::is_valid(payload) {
                    key.apply(payload);
                    return None;
                }
                Some((kind, input.pass(HEADER, length)))
            }
            Role::Client => {
                const HEADER: usize = 4;
                let payload = frame.get(HEADER..HEADER + length)?;
                let is_valid = |text| (length <= BRIEF && utf8::is_short_ascii(text)) || utf8::is_valid(text);
                if kind == MessageKind::Text && !is_valid(payload) {
                    return None;
                }
                Some((kind, input.pass(HEADER, length)))
            }
        }
    }

    /// Takes in what has come of a payload that is under way, if more of it is to come: what is missing then. A fault in it
    /// is left to be found again.
    #[inline]
    pub(crate) fn partial_payload(&mut self, input: &mut Buffer) -> Option<Missing> {
        let here = input.unread().len();
        let may_be_taken = self.payload.is_under_way
            && (here as u64) < self.payload.left
            && self.delivery == Delivery::Messages
            && !self.message.compressed;
        if !may_be_taken {
            return None;
        }
        self.payload.left -= here as u64;
        let is_text = self.message.content.is_text();
        let is_right = if here <= FEW && input.is_contiguous() {
            input.assemble_few(here, &mut self.payload.key, is_text)
        } else {
            input.assemble_in_blocks(here, &mut self.payload.key, is_text) && (!is_text || input.validate())
        };
        if !is_right {
            return None;
        }
        input.wait_for(1);
        Some(self.missing())
    }

    /// What the input holds of fragments in the middle of a message that are short and whole. The last one of the message,
    /// and all that is to be refused but text, is left to [`header`](Self::header).
    #[inline]
    pub(super) fn short_fragments(&mut self, input: &mut Buffer) -> Result<(), Violation> {
        if self.sequence == Sequence::Idle || self.delivery == Delivery::Parts || self.message.compressed {
            return Ok(());
        }
        let is_text = self.message.is_text();
        while let Some((header, length, key)) = self.short_fragment(input.unread()) {
            self.message.length += length as u64;
            self.message.fragments += 1;
            input.skip(header);
            input.begin();
            if !input.assemble_short(length, key, is_text) {
                return Err(Violation::TextNotUtf8);
            }
        }
        Ok(())
    }

    /// The size of the header, the length of the payload and the key, if the next frame is such a fragment and keeps the
    /// limits.
    #[inline(always)]
    fn short_fragment(&self, frame: &[u8]) -> Option<(usize, usize, Option<MaskingKey>)> {
        let length = Start(*frame.first_chunk()?).short_fragment(self.role == Role::Server)?;
        let (header, key) = match self.role {
            Role::Server => {
                let [_, _, key @ ..] = *frame.first_chunk::<{ 2 + KEY }>()?;
                (2 + KEY, Some(MaskingKey::new(key)))
            }
            Role::Client => (2, None),
        };
        let is_allowed = self.limits.allow_fragment(self.message.fragments, self.message.length, length as u64);
        if is_allowed && header + length <= frame.len() { Some((header, length, key)) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Delivery};
    use crate::decoder::{Decoded, Decoder};
    use crate::input::{Buffer, Input, Missing};
    use crate::opcode::MessageKind;
    use crate::role::Role;
    use alloc::vec::Vec;
    use core::ops::Range;

    fn buffer(bytes: &[u8]) -> Buffer {
        Input::from(bytes).wire
    }

    /// A server's view of a frame whose key changes nothing.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).unwrap();
        [&[first, 0x80 | length, 0, 0, 0, 0], payload].concat()
    }

    const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

    /// A frame as the peer of `role` sends it, with a length in the shortest form.
    fn frame_for(role: Role, first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = if role == Role::Server { 0x80 } else { 0 };
        let mut frame = match payload.len() {
            short @ 0..=125 => Vec::from([first, mask | u8::try_from(short).unwrap()]),
            medium => {
                let [high, low] = u16::try_from(medium).unwrap().to_be_bytes();
                Vec::from([first, mask | 126, high, low])
            }
        };
        match role {
            Role::Server => {
                frame.extend(KEY);
                frame.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
            }
            Role::Client => frame.extend(payload),
        }
        frame
    }

    type QuickWay = fn(&Decoder, &mut Buffer) -> Option<(MessageKind, Range<usize>)>;

    /// The quick way for a message of this length.
    fn quick_way(length: usize) -> QuickWay {
        if length <= 125 {
            |decoder, input| decoder.short_message(input)
        } else {
            |decoder, input| decoder.medium_message(input)
        }
    }

    const ROLES: [Role; 2] = [Role::Server, Role::Client];
    const LENGTHS: [usize; 14] = [0, 1, 7, 8, 15, 16, 125, 126, 127, 255, 256, 257, 4096, 0xFFFF];

    #[test]
    fn whole_messages_are_taken_quickly() {
        for role in ROLES {
            for length in LENGTHS {
                let ascii = Vec::from_iter((0..length).map(|at| b"quick brown fox "[at % 16]));
                // Where a character of two bytes has no place, it is one of one.
                let mut wide = "é".repeat(length / 2).into_bytes();
                wide.resize(length, b'x');
                let binary = Vec::from_iter((0..length).map(|at| u8::try_from(at % 251).unwrap() | 0x80));
                for (first, kind, payload) in [
                    (0x81, MessageKind::Text, &ascii),
                    (0x81, MessageKind::Text, &wide),
                    (0x82, MessageKind::Binary, &binary),
                ] {
                    let decoder = Decoder::new(role, &Config::new());
                    let frame = frame_for(role, first, payload);
                    let mut input = buffer(&[&frame[..], b"behind"].concat());
                    let (found, range) = quick_way(length)(&decoder, &mut input).expect("a message");
                    assert_eq!((found, range.len()), (kind, length), "{role:?}, {length}");
                    assert!(input.slice(range.start, range.end) == *payload, "{role:?}, {length}");
                    assert_eq!(input.unread(), b"behind");
                    assert_eq!(input.has_large(), length >= 4096, "{length}");
                    // All of it has to be there.
                    let mut cut = buffer(&frame[..frame.len() - 1]);
                    assert!(quick_way(length)(&decoder, &mut cut).is_none(), "{role:?}, {length}");
                    // As many bytes as a message may have, and one more.
                    for (limit, is_taken) in [(length, length > 0), (length.saturating_sub(1), false)] {
                        let decoder = Decoder::new(role, &Config::new().max_message(limit as u64));
                        let message = quick_way(length)(&decoder, &mut buffer(&frame));
                        assert_eq!(message.is_some(), is_taken, "{role:?}, {length} of {limit}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_wrong_is_left_as_it_came() {
        for role in ROLES {
            let decoder = Decoder::new(role, &Config::new());
            for length in LENGTHS.into_iter().filter(|&length| length > 0) {
                for at in [0, length / 2, length - 1] {
                    let mut text = Vec::from_iter(core::iter::repeat_n(b'a', length));
                    text[at] = 0xFF;
                    let wire = frame_for(role, 0x81, &text);
                    let mut input = buffer(&wire);
                    assert!(quick_way(length)(&decoder, &mut input).is_none(), "{role:?}, {length}, {at}");
                    assert!(input.unread() == wire, "{role:?}, {length}, {at}");
                }
                // No FIN, a reserved bit, a continuation, a control frame, and the mask bit as it should not be.
                for (first, second) in [(0x01, 0), (0xC1, 0), (0x80, 0), (0x89, 0), (0x82, 0x80)] {
                    let mut wire = frame_for(role, first, &Vec::from_iter(core::iter::repeat_n(b'a', length)));
                    wire[1] ^= second;
                    wire.extend([0; 8]);
                    let mut input = buffer(&wire);
                    assert!(quick_way(length)(&decoder, &mut input).is_none(), "{role:?}, {length}, {first:x}");
                    assert!(input.unread() == wire);
                }
            }
            // RFC 6455 §5.2: the shortest form is due.
            let mut wire = frame_for(role, 0x82, &[7; 126]);
            wire[3] = 125;
            assert!(decoder.medium_message(&mut buffer(&wire)).is_none());
            // Eight bytes of length are for longer ones.
            let mut wire = frame_for(role, 0x82, &[7; 200]);
            wire[1] += 1;
            assert!(decoder.medium_message(&mut buffer(&wire)).is_none());
        }
    }

    #[test]
    fn short_fragments_are_taken_until_the_last_or_a_limit() {
        for role in ROLES {
            for first in [0x01, 0x02] {
                let mut decoder = Decoder::new(role, &Config::new().max_fragments(10).max_message(300));
                let mut input = buffer(&frame_for(role, first, b"a"));
                assert!(matches!(decoder.decode(&mut input), Decoded::NeedMore(_)));
                let (short, last) = (frame_for(role, 0x00, b"bc"), frame_for(role, 0x80, b"d"));
                input.append_for_test(&[&short[..], &short, &last].concat());
                assert!(decoder.short_fragments(&mut input).is_ok());
                assert_eq!((decoder.message.fragments, decoder.message.length), (3, 5));
                assert_eq!(input.unread(), last);
                let range = input.message();
                assert_eq!(input.slice(range.start, range.end), b"abcbc");
                // Longer than the message may be, and more than there may be fragments.
                let long = frame_for(role, 0x00, &[b'e'; 125]);
                input.append_for_test(&long.repeat(3));
                assert!(decoder.short_fragments(&mut input).is_ok());
                assert_eq!((decoder.message.fragments, decoder.message.length), (3, 5), "the last one is in between");
            }
        }
    }

    #[test]
    fn short_fragments_keep_the_limits() {
        for role in ROLES {
            for (config, taken) in [
                (Config::new().max_message(6), 2),
                (Config::new().max_message(7), 3),
                (Config::new().max_fragments(3), 2),
                (Config::new().max_fragments(4), 3),
                (Config::new().max_frame(1), 0),
            ] {
                let mut decoder = Decoder::new(role, &config);
                let mut input = buffer(&frame_for(role, 0x02, b"a"));
                assert!(matches!(decoder.decode(&mut input), Decoded::NeedMore(_)));
                input.append_for_test(&frame_for(role, 0x00, b"bc").repeat(4));
                assert!(decoder.short_fragments(&mut input).is_ok());
                assert_eq!(decoder.message.fragments, 1 + taken, "{role:?}, {config:?}");
            }
        }
    }

    #[test]
    fn no_quick_way_is_taken_while_anything_is_under_way() {
        let config = Config::new();
        let message = frame(0x82, b"whole");
        let mut decoder = Decoder::new(Role::Server, &config);
        assert!(decoder.short_message(&mut buffer(&message)).is_some());
        let states: [&[u8]; 3] =
            [&frame(0x02, b"fragment"), &frame(0x81, b"part of a text")[..9], &[0x01, 0x80, 0, 0, 0, 0]];
        for before in states {
            let mut decoder = Decoder::new(Role::Server, &config);
            assert!(matches!(decoder.decode(&mut buffer(before)), Decoded::NeedMore(_)));
            let mut input = buffer(&message);
            assert!(decoder.short_message(&mut input).is_none() && input.unread() == message);
        }
        decoder.stop();
        assert!(decoder.short_message(&mut buffer(&message)).is_none());
    }

    #[test]
    fn a_quick_way_passes_no_limit() {
        for (config, length, is_taken) in [
            (Config::new().max_message(5), 5, true),
            (Config::new().max_message(4), 5, false),
            (Config::new().max_frame(4), 5, false),
            (Config::new().max_fragments(0), 5, false),
            (Config::new().max_message(0), 0, false),
            (Config::new().delivery(Delivery::Parts), 5, false),
            (Config::new(), 125, true),
        ] {
            let decoder = Decoder::new(Role::Server, &config);
            let message = decoder.short_message(&mut buffer(&frame(0x82, &[7; 125][..length])));
            assert_eq!(message.is_some(), is_taken, "{config:?}");
        }
    }

    #[test]
    fn text_that_is_not_valid_is_left_as_it_came() {
        let wire = [0x81, 0x82, 1, 2, 3, 4, b'a' ^ 1, 0xFF ^ 2];
        let mut input = buffer(&wire);
        assert!(Decoder::new(Role::Server, &Config::new()).short_message(&mut input).is_none());
        assert_eq!(input.unread(), wire);
    }

    #[test]
    fn a_payload_that_goes_on_is_taken_in_and_unmasked_to_where_it_has_come() {
        let mut decoder = Decoder::new(Role::Server, &Config::new());
        let mut input = buffer(&[0x81, 0x85, 1, 2, 3, 4, b'h' ^ 1]);
        assert!(matches!(decoder.decode(&mut input), Decoded::NeedMore(Missing { bytes: 4, ends_message: true })));
        input.append_for_test(&[b'e' ^ 2, b'l' ^ 3]);
        assert!(matches!(decoder.partial_payload(&mut input), Some(Missing { bytes: 2, ends_message: true })));
        assert_eq!(input.slice(input.message().start, input.message().end), b"hel");
        // The end of a payload is not for this way.
        input.append_for_test(&[b'l' ^ 4, b'o' ^ 1]);
        assert!(decoder.partial_payload(&mut input).is_none());
        let Decoded::Message { content, range } = decoder.decode(&mut input) else { panic!("a text") };
        assert!(content.is_text());
        assert_eq!(input.slice(range.start, range.end), b"hello");
    }
}
