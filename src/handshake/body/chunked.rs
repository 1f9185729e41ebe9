//! The chunked transfer coding (RFC 9112 §7.1), read as its bytes come.

use super::BodyError;

/// The chunked coding of one body, as far as it has been read.
///
/// Lines may end in a line feed alone, as those of the head may. Chunk extensions and trailer fields are passed over
/// (RFC 9112 §7.1.1, §7.1.2).
pub(super) struct Chunked {
    next: Part,
    /// How many bytes of data may still come.
    data_room: u64,
    /// How many bytes may still come that are neither data nor needed to frame it.
    other_room: usize,
}

/// What comes next.
#[derive(Clone, Copy)]
enum Part {
    /// The digits of a chunk's size: their value so far, if there was one.
    Size(Option<u64>),
    /// White space behind the size.
    Space(u64),
    /// Extensions behind the size.
    Extension(u64),
    /// The line feed that ends the line of the size.
    SizeLineFeed(u64),
    /// So many bytes of data, at least one.
    Data(u64),
    /// The end of the line behind the data.
    DataEnd,
    DataLineFeed,
    /// A trailer field, or the empty line.
    TrailerStart,
    Trailer,
    TrailerLineFeed,
    /// The line feed of the empty line.
    LastLineFeed,
    /// Nothing.
    End,
}

impl Chunked {
    pub(super) const fn new(max_data: u64, max_other: usize) -> Self {
        Self { next: Part::Size(None), data_room: max_data, other_room: max_other }
    }

    /// Passes over framing up to the next data and over that. Returns the data, and what follows it; no data if the bytes,
    /// or the body, end before it.
    pub(super) fn next_data<'a>(&mut self, bytes: &'a [u8]) -> Result<(&'a [u8], &'a [u8]), BodyError> {
        let mut rest = bytes;
        loop {
            match self.next {
                Part::End => return Ok((&[], rest)),
                Part::Data(left) => {
                    let size = usize::try_from(left).unwrap_or(usize::MAX);
                    let (data, rest) = rest.split_at_checked(size).unwrap_or((rest, &[]));
                    let left = left - data.len() as u64;
                    self.next = if left == 0 { Part::DataEnd } else { Part::Data(left) };
                    return Ok((data, rest));
                }
                part => {
                    let Some((&byte, after)) = rest.split_first() else { return Ok((&[], rest)) };
                    self.next = self.after(part, byte)?;
                    rest = after;
                }
            }
        }
    }

    /// Whether the chunk of size zero has come, which ends the data.
    pub(super) const fn has_last_chunk(&self) -> bool {
        matches!(self.next, Part::TrailerStart | Part::Trailer | Part::TrailerLineFeed | Part::LastLineFeed | Part::End)
    }

    pub(super) const fn is_at_end(&self) -> bool {
        matches!(self.next, Part::End)
    }

    /// What comes behind this byte of framing.
    fn after(&mut self, part: Part, byte: u8) -> Result<Part, BodyError> {
        match part {
            Part::Size(size) => match (hexadecimal(byte), size) {
                (Some(digit), _) => self.after_digit(size, digit),
                (None, Some(size)) => self.after_size(size, byte),
                (None, None) => Err(BodyError::Chunk),
            },
            Part::Space(size) => self.after_size(size, byte),
            Part::Extension(size) => match byte {
                b'\r' => Ok(Part::SizeLineFeed(size)),
                b'\n' => Ok(self.begin_chunk(size)),
                _ => self.pass_over(Part::Extension(size)),
            },
            Part::SizeLineFeed(size) if byte == b'\n' => Ok(self.begin_chunk(size)),
            Part::DataEnd if byte == b'\r' => Ok(Part::DataLineFeed),
            Part::DataEnd | Part::DataLineFeed if byte == b'\n' => Ok(Part::Size(None)),
            Part::TrailerStart => match byte {
                b'\r' => Ok(Part::LastLineFeed),
                b'\n' => Ok(Part::End),
                _ => self.pass_over(Part::Trailer),
            },
            Part::Trailer => match byte {
                b'\r' => Ok(Part::TrailerLineFeed),
                b'\n' => Ok(Part::TrailerStart),
                _ => self.pass_over(Part::Trailer),
            },
            Part::TrailerLineFeed if byte == b'\n' => Ok(Part::TrailerStart),
            Part::LastLineFeed if byte == b'\n' => Ok(Part::End),
            // No line has a CR within it. Data and the end of the body have no framing in them.
            Part::SizeLineFeed(_)
            | Part::Data(_)
            | Part::DataEnd
            | Part::DataLineFeed
            | Part::TrailerLineFeed
            | Part::LastLineFeed
            | Part::End => Err(BodyError::Chunk),
        }
    }

    fn after_digit(&mut self, size: Option<u64>, digit: u8) -> Result<Part, BodyError> {
        let value = size.unwrap_or(0).saturating_mul(16).saturating_add(digit.into());
        // What is too large is refused as soon as its digits say so.
        if value > self.data_room {
            return Err(BodyError::TooLarge);
        }
        let next = Part::Size(Some(value));
        // A digit behind a zero was not needed, and there may be any number of them.
        if size == Some(0) { self.pass_over(next) } else { Ok(next) }
    }

    /// What comes behind this byte, which is no digit, in the line of the size: white space, which some servers write, or
    /// extensions (RFC 9112 §7.1.1).
    fn after_size(&mut self, size: u64, byte: u8) -> Result<Part, BodyError> {
        match byte {
            b'\r' => Ok(Part::SizeLineFeed(size)),
            b'\n' => Ok(self.begin_chunk(size)),
            b' ' | b'\t' => self.pass_over(Part::Space(size)),
            b';' => self.pass_over(Part::Extension(size)),
            _ => Err(BodyError::Chunk),
        }
    }

    const fn begin_chunk(&mut self, size: u64) -> Part {
        self.data_room = self.data_room.saturating_sub(size);
        if size == 0 { Part::TrailerStart } else { Part::Data(size) }
    }

    fn pass_over(&mut self, next: Part) -> Result<Part, BodyError> {
        self.other_room = self.other_room.checked_sub(1).ok_or(BodyError::TooLarge)?;
        Ok(next)
    }
}

const fn hexadecimal(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}
