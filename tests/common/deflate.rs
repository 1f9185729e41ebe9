//! DEFLATE (RFC 1951) once more, as simply as possible: an inflater that shows what a stream is made of, and
//! writers of chosen streams. Then connections that use permessage-deflate (RFC 7692), fed in every cut, and a reader
//! of what they send.

use super::frames::*;
use ws_proto::bytes::Bytes;
use ws_proto::{Config, Connection, DeflateConfig, DeflateParameters, Event, Input, Role, Violation};

/// What a sender cuts off a message and a receiver puts back (RFC 7692 §7.2.1).
pub const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// The size of the largest window there is.
pub const WINDOW: usize = 32 << 10;

const LENGTHS: [(usize, u32); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];

const DISTANCES: [(usize, u32); 30] = [
    (1, 0),
    (2, 0),
    (3, 0),
    (4, 0),
    (5, 1),
    (7, 1),
    (9, 2),
    (13, 2),
    (17, 3),
    (25, 3),
    (33, 4),
    (49, 4),
    (65, 5),
    (97, 5),
    (129, 6),
    (193, 6),
    (257, 7),
    (385, 7),
    (513, 8),
    (769, 8),
    (1025, 9),
    (1537, 9),
    (2049, 10),
    (3073, 10),
    (4097, 11),
    (6145, 11),
    (8193, 12),
    (12289, 12),
    (16385, 13),
    (24577, 13),
];

/// The order in which the lengths of the code length code stand (RFC 1951 §3.2.7).
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

const END: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Stored,
    Fixed,
    Dynamic,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    pub kind: Kind,
    /// BFINAL.
    pub last: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inflated {
    pub data: Vec<u8>,
    pub blocks: Vec<Block>,
    pub largest_distance: usize,
}

/// Why data is no DEFLATE stream.
pub type Broken = &'static str;

/// Inflates blocks until the data ends between two of them. A last block is followed by others at the next byte
/// boundary (RFC 7692 §7.2.1). `history` is what matches may reach back into.
pub fn inflate(data: &[u8], history: &[u8]) -> Result<Inflated, Broken> {
    let mut inflated = Inflated::default();
    inflate_into(&mut inflated, data, history)?;
    Ok(inflated)
}

/// As `inflate`, with the tail put back.
pub fn inflate_message(payload: &[u8], history: &[u8]) -> Result<Inflated, Broken> {
    inflate(&[payload, &TAIL].concat(), history)
}

/// What comes out before the data ends or turns out to be broken.
pub fn inflate_so_far(data: &[u8], history: &[u8]) -> (Inflated, Option<Broken>) {
    let mut inflated = Inflated::default();
    let broken = inflate_into(&mut inflated, data, history).err();
    (inflated, broken)
}

/// What `payload` says when it ends between two blocks, the empty stored one not among them. By the letter of RFC 7692
/// §7.2.1 it is no message then, but nothing of it is missing either.
pub fn inflate_without_end(payload: &[u8], history: &[u8]) -> Option<Vec<u8>> {
    let mut bits = Bits { data: payload, at: 0 };
    let mut window = history.to_vec();
    while bits.at + 3 <= 8 * payload.len() {
        if block(&mut bits, &mut window, &mut Inflated::default()).ok()? {
            bits.align();
        }
    }
    let rest = bits.take((8 * payload.len() - bits.at) as u32);
    (rest == Ok(0)).then(|| window.split_off(history.len()))
}

/// What `payload` says when it breaks off in the header of a block, and the tail happens to complete that header and to
/// end the block, without a byte coming out: by the letter of RFC 7692 §7.2.2 it can be decompressed.
fn inflate_through_tail(payload: &[u8], history: &[u8]) -> Option<Vec<u8>> {
    let data = [payload, &TAIL].concat();
    let mut bits = Bits { data: &data, at: 0 };
    let mut window = history.to_vec();
    while bits.at <= 8 * (data.len() - 1) {
        let (start, length) = (bits.at, window.len());
        if block(&mut bits, &mut window, &mut Inflated::default()).ok()? {
            bits.align();
        }
        let is_passed = start < 8 * payload.len() && bits.at > 8 * payload.len();
        if is_passed && window.len() > length {
            return None;
        }
    }
    Some(window.split_off(history.len()))
}

/// What a message of binary data may lead to: one thing, or two where it does not end in an empty stored block, or
/// where that is missing and nothing else, or where the tail hides that it breaks off.
pub fn right_for(payload: &[u8], history: &[u8]) -> Vec<Seen> {
    let broken = failed_for(Violation::CorruptDeflate);
    match inflate_message(payload, history) {
        Ok(inflated) if ends_in_empty_block(payload, history) => vec![binary(inflated.data)],
        Ok(inflated) => vec![binary(inflated.data), broken],
        Err(_) => {
            let returned = inflate_without_end(payload, history).or_else(|| inflate_through_tail(payload, history));
            [broken].into_iter().chain(returned.map(binary)).collect()
        }
    }
}

/// Whether it is the tail that makes the last block an empty one: without it the data ends before the length.
fn ends_in_empty_block(payload: &[u8], history: &[u8]) -> bool {
    let (with, _) = inflate_so_far(&[payload, &TAIL].concat(), history);
    let (without, _) = inflate_so_far(payload, history);
    with.data == without.data && with.blocks.last() == Some(&Block { kind: Kind::Stored, last: false })
}

fn inflate_into(inflated: &mut Inflated, data: &[u8], history: &[u8]) -> Result<(), Broken> {
    let mut bits = Bits { data, at: 0 };
    let mut window = history.to_vec();
    let done = loop {
        if bits.at == 8 * data.len() {
            break Ok(());
        }
        match block(&mut bits, &mut window, inflated) {
            Ok(true) => bits.align(),
            Ok(false) => {}
            Err(broken) => break Err(broken),
        }
    };
    inflated.data = window.split_off(history.len());
    done
}

/// Whether the block was a last one.
fn block(bits: &mut Bits<'_>, window: &mut Vec<u8>, inflated: &mut Inflated) -> Result<bool, Broken> {
    let last = bits.take(1)? == 1;
    let (kind, codes) = match bits.take(2)? {
        0 => (Kind::Stored, None),
        1 => (Kind::Fixed, Some(Codes::fixed())),
        2 => (Kind::Dynamic, Some(dynamic_codes(bits)?)),
        _ => return Err("a reserved type of block"),
    };
    inflated.blocks.push(Block { kind, last });
    match codes {
        None => stored(bits, window)?,
        Some(codes) => inflated.largest_distance = inflated.largest_distance.max(symbols(bits, window, &codes)?),
    }
    Ok(last)
}

fn stored(bits: &mut Bits<'_>, window: &mut Vec<u8>) -> Result<(), Broken> {
    bits.align();
    let (length, check) = (bits.take(16)?, bits.take(16)?);
    if length ^ check != 0xffff {
        return Err("a stored length that does not match its complement");
    }
    for _ in 0..length {
        window.push(bits.take(8)? as u8);
    }
    Ok(())
}

/// Returns the largest distance of a match.
fn symbols(bits: &mut Bits<'_>, window: &mut Vec<u8>, codes: &Codes) -> Result<usize, Broken> {
    let literals = Decoder::new(&codes.literals);
    let distances = Decoder::new(&codes.distances);
    let mut largest = 0;
    loop {
        let symbol = literals.symbol(bits)?;
        if symbol < END {
            window.push(symbol as u8);
            continue;
        }
        if symbol == END {
            return Ok(largest);
        }
        let (base, extra) = *LENGTHS.get(symbol - 257).ok_or("a length code that does not exist")?;
        let length = base + bits.take(extra)?;
        let (base, extra) = *DISTANCES.get(distances.symbol(bits)?).ok_or("a distance code that does not exist")?;
        let distance = base + bits.take(extra)?;
        if distance > window.len() {
            return Err("a distance that reaches behind the first byte");
        }
        largest = largest.max(distance);
        for _ in 0..length {
            window.push(window[window.len() - distance]);
        }
    }
}

fn dynamic_codes(bits: &mut Bits<'_>) -> Result<Codes, Broken> {
    let (literals, distances, ordered) = (257 + bits.take(5)?, 1 + bits.take(5)?, 4 + bits.take(4)?);
    if literals > 286 || distances > 30 {
        return Err("too many codes");
    }
    let mut lengths = vec![0; 19];
    for place in &ORDER[..ordered] {
        lengths[*place] = bits.take(3)? as u8;
    }
    if unused(&lengths) != 0 {
        return Err("a code length code with codes too many or too few");
    }
    let decoder = Decoder::new(&lengths);
    let mut lengths = Vec::new();
    while lengths.len() < literals + distances {
        let (length, times) = match decoder.symbol(bits)? {
            16 => (*lengths.last().ok_or("nothing to repeat")?, 3 + bits.take(2)?),
            17 => (0, 3 + bits.take(3)?),
            18 => (0, 11 + bits.take(7)?),
            length => (length as u8, 1),
        };
        lengths.extend(std::iter::repeat_n(length, times));
    }
    if lengths.len() > literals + distances {
        return Err("a repetition past the last code");
    }
    let codes = Codes { distances: lengths.split_off(literals), literals: lengths };
    if codes.literals[END] == 0 {
        return Err("no code for the end of the block");
    }
    for lengths in [&codes.literals, &codes.distances] {
        // One code of one bit and none at all are lawful (RFC 1951 §3.2.7).
        let longest = lengths.iter().max();
        if unused(lengths) < 0 || (unused(lengths) > 0 && longest > Some(&1)) {
            return Err("codes too many or too few");
        }
    }
    Ok(codes)
}

/// How many more codes of 15 bits there could be; less than none if there are too many.
fn unused(lengths: &[u8]) -> i32 {
    (1 << 15) - lengths.iter().filter(|length| **length > 0).map(|length| 1 << (15 - length)).sum::<i32>()
}

struct Bits<'a> {
    data: &'a [u8],
    /// In bits.
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: u32) -> Result<usize, Broken> {
        let mut value = 0;
        for i in 0..count {
            let byte = self.data.get(self.at / 8).ok_or("the data ends inside a block")?;
            value |= usize::from(byte >> (self.at % 8) & 1) << i;
            self.at += 1;
        }
        Ok(value)
    }

    fn align(&mut self) {
        self.at = self.at.next_multiple_of(8);
    }
}

/// Canonical codes, read bit by bit: `first[l]` is the first code of `l` bits, and its symbol is `symbols[start[l]]`.
struct Decoder {
    counts: [usize; 16],
    symbols: Vec<usize>,
}

impl Decoder {
    fn new(lengths: &[u8]) -> Self {
        let mut counts = [0; 16];
        let mut symbols = Vec::new();
        for (bits, count) in counts.iter_mut().enumerate().skip(1) {
            let before = symbols.len();
            symbols.extend((0..lengths.len()).filter(|symbol| usize::from(lengths[*symbol]) == bits));
            *count = symbols.len() - before;
        }
        Self { counts, symbols }
    }

    fn symbol(&self, bits: &mut Bits<'_>) -> Result<usize, Broken> {
        let (mut code, mut first, mut start) = (0, 0, 0);
        for count in &self.counts[1..] {
            code = code << 1 | bits.take(1)?;
            first <<= 1;
            if code < first + count {
                return Ok(self.symbols[start + code - first]);
            }
            first += count;
            start += count;
        }
        Err("a code that does not exist")
    }
}

/// The lengths of the codes of a block, 0 for symbols that have none.
#[derive(Clone, Debug)]
pub struct Codes {
    pub literals: Vec<u8>,
    pub distances: Vec<u8>,
}

impl Codes {
    pub fn fixed() -> Self {
        let literals = (0..288).map(|symbol| match symbol {
            0..144 => 8,
            144..256 => 9,
            256..280 => 7,
            _ => 8,
        });
        Self { literals: literals.collect(), distances: vec![5; 30] }
    }

    /// Codes of random lengths for what `tokens` need.
    pub fn random(random: &mut Random, tokens: &[Token]) -> Self {
        let (mut literals, mut distances) = (vec![END], Vec::new());
        for token in tokens {
            match *token {
                Token::Literal(byte) => literals.push(byte.into()),
                Token::Match { length, distance } => {
                    literals.push(length_symbol(length).0);
                    distances.push(distance_symbol(distance).0);
                }
            }
        }
        let mut literals = random_lengths(random, literals, 15);
        literals.resize(literals.len().max(257), 0);
        let mut distances = random_lengths(random, distances, 15);
        distances.resize(distances.len().max(1), 0);
        Self { literals, distances }
    }

    /// Zeros at two bits for 258 bytes, which is the best that DEFLATE can do: 1032 to 1.
    pub fn for_zeros() -> Self {
        let mut literals = vec![0; 286];
        (literals[0], literals[END], literals[285]) = (2, 2, 1);
        Self { literals, distances: vec![1] }
    }
}

/// A complete code for `symbols`: leaves are split until there are enough, wherever chance has it.
fn random_lengths(random: &mut Random, mut symbols: Vec<usize>, longest: u8) -> Vec<u8> {
    symbols.sort_unstable();
    symbols.dedup();
    let mut leaves = match symbols.len() {
        0 => vec![],
        1 => vec![1],
        _ => vec![0_u8],
    };
    while leaves.len() < symbols.len() {
        let leaf = random.below(leaves.len());
        if leaves[leaf] < longest {
            leaves[leaf] += 1;
            leaves.push(leaves[leaf]);
        }
    }
    let mut lengths = vec![0; symbols.last().map_or(0, |symbol| symbol + 1)];
    for symbol in symbols {
        lengths[symbol] = leaves.swap_remove(random.below(leaves.len()));
    }
    lengths
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    Literal(u8),
    Match { length: usize, distance: usize },
}

pub fn literals(data: impl AsRef<[u8]>) -> Vec<Token> {
    data.as_ref().iter().map(|byte| Token::Literal(*byte)).collect()
}

pub fn far(length: usize, distance: usize) -> Token {
    Token::Match { length, distance }
}

/// Symbol, extra bits, and their value.
fn length_symbol(length: usize) -> (usize, u32, usize) {
    assert!((3..=258).contains(&length), "a match of {length} bytes");
    let i = LENGTHS.iter().rposition(|(base, _)| *base <= length).unwrap();
    (257 + i, LENGTHS[i].1, length - LENGTHS[i].0)
}

fn distance_symbol(distance: usize) -> (usize, u32, usize) {
    assert!((1..=WINDOW).contains(&distance), "a distance of {distance} bytes");
    let i = DISTANCES.iter().rposition(|(base, _)| *base <= distance).unwrap();
    (i, DISTANCES[i].1, distance - DISTANCES[i].0)
}

/// A DEFLATE stream under construction.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    bytes: Vec<u8>,
    /// Bits of the last byte that are free.
    free: u32,
}

impl Stream {
    pub fn new() -> Self {
        Self::default()
    }

    /// One stored block of at most 65,535 bytes.
    pub fn stored(mut self, data: impl AsRef<[u8]>, last: bool) -> Self {
        let data = data.as_ref();
        let length = u16::try_from(data.len()).unwrap();
        self.put(last.into(), 1);
        self.put(0, 2);
        self.free = 0;
        self.bytes.extend(length.to_le_bytes());
        self.bytes.extend((!length).to_le_bytes());
        self.bytes.extend(data);
        self
    }

    pub fn fixed(mut self, tokens: &[Token], last: bool) -> Self {
        self.put(last.into(), 1);
        self.put(1, 2);
        self.tokens(tokens, &Codes::fixed());
        self.over(last)
    }

    pub fn dynamic(mut self, tokens: &[Token], codes: &Codes, last: bool) -> Self {
        self.put(last.into(), 1);
        self.put(2, 2);
        self.codes(codes);
        self.tokens(tokens, codes);
        self.over(last)
    }

    /// Any bits, which may make no sense.
    pub fn raw(mut self, bits: usize, count: u32) -> Self {
        self.put(bits, count);
        self
    }

    /// The bytes, zero bits behind what is there.
    pub fn bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The payload of a message: an empty stored block at the end, without its last four bytes (RFC 7692 §7.2.1).
    pub fn message(self) -> Vec<u8> {
        let mut bytes = self.stored("", false).bytes;
        assert!(bytes.ends_with(&TAIL));
        bytes.truncate(bytes.len() - 4);
        bytes
    }

    fn over(mut self, last: bool) -> Self {
        if last {
            self.free = 0;
        }
        self
    }

    fn put(&mut self, bits: usize, count: u32) {
        for i in 0..count {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = 8;
            }
            let at = self.bytes.len() - 1;
            self.bytes[at] |= ((bits.checked_shr(i).unwrap_or(0) & 1) << (8 - self.free)) as u8;
            self.free -= 1;
        }
    }

    /// The bits of a code stand in the other order.
    fn put_code(&mut self, (code, length): (usize, u32)) {
        assert!(length > 0, "a symbol without a code");
        (0..length).rev().for_each(|i| self.put(code >> i, 1));
    }

    fn tokens(&mut self, tokens: &[Token], codes: &Codes) {
        let (literals, distances) = (canonical(&codes.literals), canonical(&codes.distances));
        for token in tokens {
            match *token {
                Token::Literal(byte) => self.put_code(literals[usize::from(byte)]),
                Token::Match { length, distance } => {
                    let (symbol, bits, extra) = length_symbol(length);
                    self.put_code(literals[symbol]);
                    self.put(extra, bits);
                    let (symbol, bits, extra) = distance_symbol(distance);
                    self.put_code(distances[symbol]);
                    self.put(extra, bits);
                }
            }
        }
        self.put_code(literals[END]);
    }

    fn codes(&mut self, codes: &Codes) {
        let lengths = [&codes.literals[..], &codes.distances].concat();
        // Runs wherever the last length comes again, so that repetitions cross from the one code to the other.
        let mut runs = Vec::new();
        let mut at = 0;
        while at < lengths.len() {
            let run = lengths[at..].iter().take_while(|length| **length == lengths[at]).count();
            let (symbol, bits, extra, covered) = match run {
                11.. if lengths[at] == 0 => (18, 7, run.min(138) - 11, run.min(138)),
                3.. if lengths[at] == 0 => (17, 3, run - 3, run),
                3.. if at > 0 && lengths[at - 1] == lengths[at] => (16, 2, run.min(6) - 3, run.min(6)),
                _ => (lengths[at].into(), 0, 0, 1),
            };
            runs.push((symbol, bits, extra));
            at += covered;
        }
        // Two symbols at least, because a single one would leave half of the code unused.
        let mut used: Vec<usize> = runs.iter().map(|(symbol, ..)| *symbol).chain([0, 18]).collect();
        used.sort_unstable();
        let mut code_lengths = random_lengths(&mut Random(runs.len() as u64), used, 7);
        code_lengths.resize(19, 0);
        let ordered = ORDER.iter().rposition(|place| code_lengths[*place] > 0).unwrap() + 1;
        let ordered = ordered.max(4);
        self.put(codes.literals.len() - 257, 5);
        self.put(codes.distances.len() - 1, 5);
        self.put(ordered - 4, 4);
        for place in &ORDER[..ordered] {
            self.put(code_lengths[*place].into(), 3);
        }
        let code = canonical(&code_lengths);
        for (symbol, bits, extra) in runs {
            self.put_code(code[symbol]);
            self.put(extra, bits);
        }
    }
}

/// The code of each symbol and its length in bits (RFC 1951 §3.2.2).
fn canonical(lengths: &[u8]) -> Vec<(usize, u32)> {
    let mut codes = vec![(0, 0); lengths.len()];
    let mut code = 0;
    for bits in 1..16 {
        for symbol in (0..lengths.len()).filter(|symbol| u32::from(lengths[*symbol]) == bits) {
            codes[symbol] = (code, bits);
            code += 1;
        }
        code <<= 1;
    }
    codes
}

/// The payload of a message of zeros, in blocks of so many matches of 258 bytes.
pub fn zeros(length: usize, matches_per_block: usize) -> Vec<u8> {
    let mut stream = Stream::new().dynamic(
        &literals(vec![0; length.min(1) + length.saturating_sub(1) % 258]),
        &Codes::for_zeros(),
        false,
    );
    let mut left = length.saturating_sub(1) / 258;
    while left > 0 {
        let matches = left.min(matches_per_block);
        stream = stream.dynamic(&vec![far(258, 1); matches], &Codes::for_zeros(), false);
        left -= matches;
    }
    stream.message()
}

/// A stream of random blocks and what it inflates to, `history` being the window, of which `window` bytes are in reach.
/// The stream is not ended.
pub fn random_stream(
    random: &mut Random,
    history: &[u8],
    window: usize,
    blocks: usize,
    tokens: usize,
) -> (Stream, Vec<u8>) {
    let mut stream = Stream::new();
    let mut data = history.to_vec();
    for _ in 0..blocks {
        let last = random.below(4) == 0;
        if random.below(4) == 0 {
            let length = random.below(tokens + 1);
            let bytes = random.bytes(length);
            stream = stream.stored(&bytes, last);
            data.extend(bytes);
            continue;
        }
        let alphabet = 1 + random.below(256);
        let mut chosen = Vec::new();
        for _ in 0..random.below(tokens + 1) {
            let reach = data.len().min(window);
            if reach == 0 || random.below(3) > 0 {
                let byte = random.below(alphabet) as u8;
                data.push(byte);
                chosen.push(Token::Literal(byte));
                continue;
            }
            let distance = match random.below(4) {
                0 => reach,
                1 => 1 + random.below(reach.min(8)),
                _ => 1 + random.below(reach),
            };
            let length = [3, 4 + random.below(20), 3 + random.below(256), 258][random.below(4)];
            for _ in 0..length {
                data.push(data[data.len() - distance]);
            }
            chosen.push(far(length, distance));
        }
        stream = if random.below(2) == 0 {
            stream.fixed(&chosen, last)
        } else {
            let codes = Codes::random(random, &chosen);
            stream.dynamic(&chosen, &codes, last)
        };
    }
    (stream, data.split_off(history.len()))
}

/// A connection that has the extension in use.
#[derive(Clone, Debug)]
pub struct Setup {
    pub role: Role,
    pub config: Config,
    pub deflate: DeflateConfig,
    pub agreed: DeflateParameters,
}

impl Setup {
    pub fn new(role: Role) -> Self {
        Self { role, config: Config::new(), deflate: DeflateConfig::new(), agreed: DeflateParameters::new() }
    }

    pub fn config(self, config: Config) -> Self {
        Self { config, ..self }
    }

    pub fn deflate(self, deflate: DeflateConfig) -> Self {
        Self { deflate, ..self }
    }

    /// Whether what this side sends, and what it receives, may reach back into earlier messages.
    pub fn takeover(mut self, sends: bool, receives: bool) -> Self {
        let (server, client) = match self.role {
            Role::Server => (sends, receives),
            Role::Client => (receives, sends),
        };
        self.agreed.server_no_context_takeover = !server;
        self.agreed.client_no_context_takeover = !client;
        self
    }

    /// The agreed windows of what this side sends and of what it receives.
    pub fn windows(mut self, sends: u8, receives: u8) -> Self {
        let (server, client) = match self.role {
            Role::Server => (sends, receives),
            Role::Client => (receives, sends),
        };
        self.agreed.server_max_window_bits = server;
        self.agreed.client_max_window_bits = client;
        self
    }

    pub fn connection(&self) -> Connection {
        connection(self.role, &self.config).with_deflate(&self.deflate, self.agreed)
    }

    pub fn run(&self, bytes: &[u8], cut: Cut, keeping: bool, eof: bool) -> Run {
        let mut connection = self.connection();
        let mut input = Input::new();
        let (mut seen, mut output) = (Vec::new(), Vec::new());
        let mut step = |connection: &mut Connection, input: &mut Input| {
            while let Some(event) = connection.receive(input) {
                seen.push(if keeping { keep(event) } else { event.into() });
                output.extend(drain(connection));
            }
        };
        let fills = Fill::ALL.iter().cycle().skip(usize::from(keeping));
        for (piece, fill) in cut.pieces(bytes).iter().zip(fills) {
            fill.append(&mut input, piece);
            step(&mut connection, &mut input);
        }
        if eof {
            connection.receive_eof();
            step(&mut connection, &mut input);
        }
        output.extend(drain(&mut connection));
        Run { seen, output }
    }

    /// Runs a byte stream whole, byte by byte and cut at random, with events looked at and with events kept, and panics
    /// unless all runs agree. Parts are put together.
    pub fn every_cut(&self, bytes: &[u8]) -> Run {
        let cuts = [Cut::Whole, Cut::Whole, Cut::EveryByte, Cut::At(bytes.len() / 2)];
        self.cuts(bytes, &[&cuts[..], &[1, 2, 4, 7].map(Cut::Random)].concat())
    }

    /// As `every_cut`, and cut in two at every byte.
    pub fn every_point(&self, bytes: &[u8]) -> Run {
        let points = (0..=bytes.len()).map(Cut::At);
        self.cuts(bytes, &[Cut::Whole, Cut::EveryByte].into_iter().chain(points).collect::<Vec<_>>())
    }

    pub fn cuts(&self, bytes: &[u8], cuts: &[Cut]) -> Run {
        let mut runs = cuts.iter().enumerate().map(|(i, cut)| {
            let run = self.run(bytes, *cut, i % 2 == 1, false);
            (cut, Run { seen: joined(&run.seen), ..run })
        });
        let (_, first) = runs.next().unwrap();
        for (cut, other) in runs {
            assert!(
                other == first,
                "{cut:?} of {} gives\n{}, and {:?} gives\n{}",
                brief(bytes),
                brief(&other),
                cuts[0],
                brief(&first)
            );
        }
        first
    }

    /// Panics unless `frames` lead to `seen` in every cut.
    pub fn assert_sees(&self, frames: &[Frame], seen: &[Seen]) {
        let run = self.every_cut(&stream(self.role, frames));
        assert!(run.seen == seen, "{} instead of {} from {}", brief(&run.seen), brief(&seen), brief(&frames));
    }

    /// Panics unless `frames` fail the connection for `violation` in every cut, after the events in `before`.
    pub fn assert_fails(&self, frames: &[Frame], before: &[Seen], violation: Violation) {
        self.assert_bytes_fail(&stream(self.role, frames), before, violation);
    }

    pub fn assert_bytes_fail(&self, bytes: &[u8], before: &[Seen], violation: Violation) {
        let run = self.every_cut(bytes);
        let close = Frame::close(code_for(&violation), violation.reason());
        let right = [before, &[failed_for(violation)]].concat();
        assert!(run.seen == right, "{} instead of {} from {}", brief(&run.seen), brief(&right), brief(&bytes));
        assert_eq!(sent_by(self.role, &run.output).last(), Some(&close), "from {}", brief(&bytes));
    }
}

/// What can be read of a value that may be large.
pub fn brief(value: &(impl std::fmt::Debug + ?Sized)) -> String {
    let mut text = format!("{value:02x?}");
    if text.len() > 2000 {
        let end = (0..=2000).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Both roles, each with takeover and without in either direction.
pub fn setups() -> Vec<Setup> {
    let takeovers = [(true, true), (true, false), (false, true), (false, false)];
    ROLES
        .iter()
        .flat_map(|role| takeovers.map(|(sends, receives)| Setup::new(*role).takeover(sends, receives)))
        .collect()
}

/// A frame of a message that is compressed.
pub fn compressed(frame: Frame) -> Frame {
    frame.rsv(4)
}

/// A message of one frame as frames cut at these places.
pub fn cut_at(frame: &Frame, cuts: &[usize]) -> Vec<Frame> {
    let mut cuts = cuts.to_vec();
    cuts.sort_unstable();
    let mut frames = Vec::new();
    let mut from = 0;
    for to in cuts.into_iter().chain([frame.payload.len()]) {
        frames.push(Frame::continuation(&frame.payload[from..to]).part());
        from = to;
    }
    (frames[0].opcode, frames[0].rsv) = (frame.opcode, frame.rsv);
    frames.last_mut().unwrap().fin = frame.fin;
    frames
}

/// As the event itself, but the payload is taken out of the connection instead of being looked at.
fn keep(event: Event<'_>) -> Seen {
    match event {
        Event::Text(text) => Seen::Text(text.into_utf8_bytes().as_str().into()),
        Event::Binary(data) => Seen::Binary(data.into_bytes().to_vec()),
        Event::TextPart { text, fin } => Seen::TextPart(text.into_utf8_bytes().as_str().into(), fin),
        Event::BinaryPart { data, fin } => Seen::BinaryPart(data.into_bytes().to_vec(), fin),
        Event::Ping(data) => Seen::Ping(Bytes::from(data).to_vec()),
        Event::Pong(data) => Seen::Pong(Bytes::from(data).to_vec()),
        event => event.into(),
    }
}

/// The code that is due: RFC 7692 names none for corrupt data, and 1007 is the one for data of the wrong content.
pub fn code_for(violation: &Violation) -> u16 {
    match violation {
        Violation::CorruptDeflate => 1007,
        violation => close_code(violation),
    }
}

/// The two ends of a connection failed for `violation`, seen from here.
pub fn failed_for(violation: Violation) -> Seen {
    let sent = Some((Some(code_for(&violation)), violation.reason().into()));
    let cause = ws_proto::Cause::Violation(violation);
    Seen::Closed { sent, received: None, cause, code: 1006, reason: String::new(), clean: false }
}

/// Puts parts together. A message that is not over stays one part. Panics at a part that should not be.
pub fn joined(seen: &[Seen]) -> Vec<Seen> {
    fn flush(joined: &mut Vec<Seen>, text: &mut Option<String>, data: &mut Option<Vec<u8>>) {
        joined.extend(text.take().map(|text| Seen::TextPart(text, false)));
        joined.extend(data.take().map(|data| Seen::BinaryPart(data, false)));
    }
    let mut joined = Vec::new();
    let (mut text, mut data) = (None::<String>, None::<Vec<u8>>);
    for event in seen {
        match event {
            Seen::TextPart(part, fin) => {
                assert!(data.is_none() && (*fin || !part.is_empty()), "a part out of place");
                let mut whole = text.take().unwrap_or_default();
                whole.push_str(part);
                if *fin { joined.push(Seen::Text(whole)) } else { text = Some(whole) }
            }
            Seen::BinaryPart(part, fin) => {
                assert!(text.is_none() && (*fin || !part.is_empty()), "a part out of place");
                let mut whole = data.take().unwrap_or_default();
                whole.extend(part);
                if *fin { joined.push(Seen::Binary(whole)) } else { data = Some(whole) }
            }
            Seen::Text(_) | Seen::Binary(_) => {
                assert!(text.is_none() && data.is_none(), "a message inside another");
                joined.push(event.clone());
            }
            Seen::Closed { .. } => {
                flush(&mut joined, &mut text, &mut data);
                joined.push(event.clone());
            }
            other => joined.push(other.clone()),
        }
    }
    flush(&mut joined, &mut text, &mut data);
    joined
}

/// A message that was sent, and what its frames were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub opcode: u8,
    pub compressed: bool,
    pub frames: usize,
    /// As it went over the wire.
    pub payload: Vec<u8>,
    pub data: Vec<u8>,
    pub largest_distance: usize,
}

/// The other end of what a connection sends: strict, and with no more memory than was agreed.
#[derive(Debug)]
pub struct Reader {
    role: Role,
    takeover: bool,
    window: usize,
    history: Vec<u8>,
}

impl Reader {
    /// For what the connection of `setup` sends.
    pub fn new(setup: &Setup) -> Self {
        let agreed = setup.agreed;
        let (no_takeover, bits) = match setup.role {
            Role::Server => (agreed.server_no_context_takeover, agreed.server_max_window_bits),
            Role::Client => (agreed.client_no_context_takeover, agreed.client_max_window_bits),
        };
        Self { role: setup.role, takeover: !no_takeover, window: 1 << bits, history: Vec::new() }
    }

    /// The data messages in an output, which holds whole ones only.
    pub fn read(&mut self, output: &[u8]) -> Vec<Sent> {
        let mut messages = Vec::new();
        let mut open: Option<Sent> = None;
        for frame in sent_by(self.role, output) {
            if frame.opcode >= 8 {
                assert_eq!((frame.rsv, frame.fin), (0, true), "a control frame");
                continue;
            }
            let mut message = match open.take() {
                None => {
                    assert!(matches!(frame.opcode, TEXT | BINARY), "opcode {} begins no message", frame.opcode);
                    assert!(matches!(frame.rsv, 0 | 4), "reserved bits {}", frame.rsv);
                    let compressed = frame.rsv == 4;
                    let (payload, data) = (Vec::new(), Vec::new());
                    Sent { opcode: frame.opcode, compressed, frames: 0, payload, data, largest_distance: 0 }
                }
                Some(message) => {
                    assert_eq!((frame.opcode, frame.rsv), (CONTINUATION, 0), "a later fragment");
                    message
                }
            };
            message.frames += 1;
            message.payload.extend(frame.payload);
            if frame.fin {
                self.finish(&mut message);
                messages.push(message);
            } else {
                open = Some(message);
            }
        }
        assert!(open.is_none(), "a message that is not over");
        messages
    }

    fn finish(&mut self, message: &mut Sent) {
        if !message.compressed {
            message.data = message.payload.clone();
            return;
        }
        let inflated = inflate_message(&message.payload, &self.history).unwrap_or_else(|broken| {
            panic!("{broken} in {} with {} bytes of history", brief(&message.payload), self.history.len())
        });
        assert!(inflated.largest_distance <= self.window, "a distance of {}", inflated.largest_distance);
        let end = inflated.blocks.last().expect("a block");
        assert_eq!((end.kind, end.last), (Kind::Stored, false), "the block at the end");
        message.largest_distance = inflated.largest_distance;
        message.data = inflated.data;
        if self.takeover {
            self.history.extend(&message.data);
            self.history.drain(..self.history.len().saturating_sub(WINDOW));
        }
    }

    /// As `read`, for an output of one message.
    pub fn read_one(&mut self, output: &[u8]) -> Sent {
        let mut messages = self.read(output);
        assert_eq!(messages.len(), 1, "{} messages", messages.len());
        messages.remove(0)
    }
}
