//! `Output` against a naive oracle: random sends, looks, writes and ends, after each of which it is known what waits, and
//! at the end of which the frames have gone out in the order that the rules say.

use crate::common::frames::*;
use crate::common::outgoing::Outgoing;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, IoSlice, Write};
use ws_proto::bytes::Buf;
use ws_proto::{CloseCode, CloseFrame, Config, Connection, Input, Message, MessageKind, Prepared, Role, Violation};

/// How much small data one look shows.
const SHOWN: usize = 64 << 10;

/// An owned payload from this size on is not copied.
const LARGE: usize = 4 << 10;

/// The most that control frames take here which wait at a time.
const CONTROL: usize = 16 << 10;

/// The slices that one write takes at most.
const MANY: usize = 64;

/// The sizes of payloads and frames in one run.
#[derive(Clone, Copy)]
struct Sizes {
    payloads: [usize; 5],
    fragment: usize,
}

/// Payloads whose lengths take 0 and 2 bytes more in the header, and the first that are not copied.
const SHORT: [Sizes; 4] = [
    Sizes { payloads: [0, 3, 60, 125, 126], fragment: 1 << 20 },
    Sizes { payloads: [0, 3, 125, 190, 900], fragment: 200 },
    Sizes { payloads: [0, 130, 1000, 4095, 4096], fragment: 1 << 20 },
    Sizes { payloads: [1, 190, 4096, 4200, 9000], fragment: 4100 },
];

/// Payloads of which more waits than one look shows, and than stays ahead of a Close frame.
const LONG: [Sizes; 5] = [
    // 16 frames of a server are exactly what stays ahead of a Close frame.
    Sizes { payloads: [4092; 5], fragment: 1 << 20 },
    Sizes { payloads: [5, 100, 5000, 60_000, 100_000], fragment: 1 << 20 },
    Sizes { payloads: [0, 4096, 30_000, 65_536, 140_000], fragment: 1 << 20 },
    Sizes { payloads: [1, 4000, 30_000, 70_000, 100_000], fragment: 5000 },
    Sizes { payloads: [3, 4096, 50_000, 90_000, 140_000], fragment: 70_000 },
];

/// What payloads are cut out of, so that bytes at a wrong place show.
struct Noise(Vec<u8>);

impl Noise {
    fn new() -> Self {
        Self(Random(0).bytes(200_000))
    }

    fn payload(&self, length: usize, random: &mut Random) -> Vec<u8> {
        let start = random.below(self.0.len() - length);
        self.0[start..start + length].to_vec()
    }
}

/// How often each rare case has come up, so that the test cannot lose one unnoticed.
#[derive(Default)]
struct Cases(BTreeMap<&'static str, usize>);

impl Cases {
    fn count(&mut self, case: &'static str, is_so: bool) {
        *self.0.entry(case).or_default() += usize::from(is_so);
    }
}

/// A writer that takes a part of what it is shown, or refuses.
struct Socket {
    result: io::Result<usize>,
    /// How often it is interrupted before.
    interrupts: usize,
    /// What it has been shown the last time.
    seen: Vec<u8>,
    /// The lengths of the slices of that.
    lengths: Vec<usize>,
}

impl Socket {
    fn take(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let seen = joined(slices);
        self.lengths = lengths_of(slices);
        assert!(seen.starts_with(&self.seen), "an interrupted write is tried again with other bytes");
        self.seen = seen;
        if self.interrupts > 0 {
            self.interrupts -= 1;
            return Err(ErrorKind::Interrupted.into());
        }
        match &self.result {
            Ok(most) => Ok(self.seen.len().min(*most)),
            Err(error) => Err(error.kind().into()),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.take(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.take(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A way to look at the output.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    WriteTo,
    /// `chunk` if it is one.
    Slices(usize),
}

impl Look {
    /// Whether it shows as much as another one at least, if both look at the same.
    fn shows_as_much_as(self, other: Self) -> bool {
        match (self, other) {
            (Self::Slices(count), Self::Slices(other)) => count >= other,
            _ => self == other,
        }
    }
}

/// A connection, the oracle of its output, and what has come out of it.
struct Run<'a> {
    role: Role,
    sizes: Sizes,
    auto_close: bool,
    /// Whether little is written, so that much waits.
    is_slow: bool,
    /// Whether there are few control frames, so that one look shows much.
    is_quiet: bool,
    /// Whether all messages are copied, so that much of them lies together.
    is_copying: bool,
    random: Random,
    noise: &'a Noise,
    cases: &'a mut Cases,
    connection: Connection,
    input: Input,
    right: Outgoing,
    written: Vec<u8>,
    /// What has been shown since something was last written, and so has to stay.
    promised: Vec<u8>,
    /// The look that has shown it.
    promised_by: Look,
    is_in_message: bool,
    is_closed: bool,
    /// Whether the peer has sent its Close frame, or broken the protocol.
    is_peer_done: bool,
    /// Makes the payloads of Pings and Pongs differ.
    counter: u32,
}

impl<'a> Run<'a> {
    fn new(seed: u64, noise: &'a Noise, cases: &'a mut Cases) -> Self {
        let mut random = Random(seed);
        let role = ROLES[random.below(2)];
        let is_long = random.below(8) == 0;
        let sizes = if is_long { LONG[random.below(5)] } else { SHORT[random.below(4)] };
        let is_copying = random.below(4) == 0;
        let auto_close = random.below(4) > 0;
        let (is_slow, is_quiet) = (is_long || random.below(2) == 0, random.below(2) == 0);
        let config = Config::new().max_buffered(usize::MAX).fragment_size(sizes.fragment).auto_close(auto_close);
        Self {
            role,
            sizes,
            auto_close,
            is_slow,
            is_quiet,
            is_copying,
            random,
            noise,
            cases,
            connection: connection(role, &config),
            input: Input::new(),
            right: Outgoing::of(role),
            written: Vec::new(),
            promised: Vec::new(),
            promised_by: Look::Slices(1),
            is_in_message: false,
            is_closed: false,
            is_peer_done: false,
            counter: 0,
        }
    }

    /// Does `least` things, and some `more`.
    fn steps(&mut self, least: usize, more: usize) {
        for _ in 0..least + self.random.below(more) {
            self.step();
        }
    }

    /// Does one thing and checks how much waits then.
    fn step(&mut self) {
        match self.random.below(28) {
            0..10 => self.send_data(),
            10..16 if self.is_quiet && self.random.below(16) > 0 => {}
            10..12 => self.send_ping(),
            12 => self.send_pong(),
            13..15 => self.receive_pings(1),
            15 if self.random.below(4) == 0 => {
                let count = 20 + self.random.below(60);
                self.receive_pings(count);
            }
            16..18 => drop(self.look()),
            18..26 if self.is_slow && self.random.below(8) > 0 => {}
            18..21 => self.advance(),
            21..24 => self.write_to(),
            24 => self.next_owned(),
            25 => self.copy_to_bytes(),
            26 if self.role == Role::Server && self.random.below(4) == 0 => self.advance_unseen(),
            26 => self.connection.release_memory(),
            27 if !self.is_copying => self.send_through(),
            _ => {}
        }
        self.check_remaining();
    }

    /// Ends the connection in one of the ways there are, if that one is left, and checks how much waits then.
    fn end(&mut self) {
        match self.random.below(4) {
            0 => self.close(),
            1 => self.close_now(),
            2 => self.receive_close(),
            _ => self.receive_violation(),
        }
        self.check_remaining();
    }

    fn check_remaining(&mut self) {
        let remaining = self.right.remaining();
        assert_eq!(self.connection.output().remaining(), remaining);
        assert_eq!(self.connection.buffered(), remaining);
        assert_eq!(self.connection.interest().write, remaining > 0);
    }

    /// Sends a message or a part of one, in one of the ways to do so.
    fn send_data(&mut self) {
        if self.is_closed {
            return;
        }
        let length = self.sizes.payloads[self.random.below(5)];
        let data = self.noise.payload(length, &mut self.random);
        let way = if self.is_copying { 1 + self.random.below(2) } else { self.random.below(6) };
        let opcode = if self.is_in_message { CONTINUATION } else { BINARY };
        let is_part = self.is_in_message || way == 0;
        let fin = !is_part || self.random.below(2) == 0;
        let connection = &mut self.connection;
        match way {
            _ if is_part => connection.send_part(data.clone(), fin).unwrap(),
            1 => connection.send_binary(&data).unwrap(),
            2 => connection.send_with(MessageKind::Binary, |writer| writer.write_all(&data)).unwrap(),
            3 if self.role == Role::Server => connection.send_prepared(&Prepared::new(data.clone())).unwrap(),
            _ => connection.send(data.clone()).unwrap(),
        }
        self.is_in_message = !fin;
        self.send_frames(opcode, &data, fin);
    }

    /// Records in the oracle what the data is sent in: frames of the size that the configuration says.
    fn send_frames(&mut self, mut opcode: u8, data: &[u8], fin: bool) {
        let mut rest = data;
        loop {
            let (piece, behind) = rest.split_at(rest.len().min(self.sizes.fragment));
            let frame = Frame::new(opcode, piece);
            let is_last = behind.is_empty();
            self.right.send(if is_last && fin { frame } else { frame.part() });
            if is_last {
                break;
            }
            (rest, opcode) = (behind, CONTINUATION);
        }
    }

    /// The payload of a Ping or Pong, which no other one has.
    fn next_payload(&mut self) -> Vec<u8> {
        self.counter += 1;
        let length = [4, 5, 125][self.random.below(3)];
        let mut payload = self.counter.to_be_bytes().to_vec();
        payload.resize(length, 0xaa);
        payload
    }

    fn send_ping(&mut self) {
        if !self.is_closed {
            let payload = self.next_payload();
            self.connection.ping(&payload).unwrap();
            self.cases.count("a Ping lets the Pong go that was held back", self.right.holds_pong());
            self.right.send(Frame::ping(payload));
        }
    }

    fn send_pong(&mut self) {
        if !self.is_peer_done {
            let payload = self.next_payload();
            self.connection.pong(&payload).unwrap();
            self.right.send(Frame::pong(payload));
        }
    }

    fn receive_pings(&mut self, count: usize) {
        if self.is_peer_done {
            return;
        }
        let pings: Vec<Frame> = (0..count).map(|_| Frame::ping(self.next_payload())).collect();
        feed(&mut self.connection, &mut self.input, &stream(self.role, &pings));
        for ping in pings {
            self.right.answer(&ping.payload);
        }
        self.cases.count("a Pong is held back", self.right.holds_pong());
    }

    /// Looks at the output in one of the two ways, and returns what is there.
    fn look(&mut self) -> Vec<u8> {
        let output = self.connection.output();
        let (slices, bytes, lengths) = if self.random.below(2) == 0 {
            let chunk = output.chunk();
            (1, chunk.to_vec(), vec![chunk.len()])
        } else {
            let mut room = [IoSlice::new(&[]); MANY];
            let slices = [1, 3, MANY, MANY][self.random.below(4)];
            let filled = output.chunks_vectored(&mut room[..slices]);
            (slices, joined(&room[..filled]), lengths_of(&room[..filled]))
        };
        self.see(&bytes, Look::Slices(slices));
        if !bytes.is_empty() {
            self.check_lengths(&lengths, slices);
        }
        bytes
    }

    /// Checks what a look shows against what has been shown, and against what may be shown.
    fn see(&mut self, bytes: &[u8], look: Look) {
        assert!(bytes.is_empty() == (self.right.remaining() == 0), "nothing is shown although bytes wait");
        assert!(agree(bytes, &self.promised), "the next look shows other bytes");
        if look.shows_as_much_as(self.promised_by) {
            assert!(bytes.len() >= self.promised.len(), "the next look shows less");
        }
        assert!(bytes.len() <= self.right.fixed(), "data is shown behind control frames that wait");
        self.right.show(bytes.len());
        if bytes.len() > self.promised.len() {
            self.promised = bytes.to_vec();
            self.promised_by = look;
        }
    }

    /// Checks where a look ends that has shown chunks of these lengths, and had room for so many slices.
    fn check_lengths(&mut self, lengths: &[usize], slices: usize) {
        let (end, fixed) = (lengths.iter().sum::<usize>(), self.right.fixed());
        // Control frames may be the last slice, and do not count.
        let control = lengths.last().filter(|length| **length <= CONTROL && lengths.len() > 1);
        let data = &lengths[..lengths.len() - usize::from(control.is_some())];
        let before_last = data[..data.len() - 1].iter().sum::<usize>();
        assert!(before_last < SHOWN + CONTROL, "{lengths:?} bytes are shown");
        // Only a large payload, which is not cut, goes beyond it.
        let data_end = data.iter().sum::<usize>();
        let last_is_large = data_end > 0 && self.right.frame_at(data_end - 1).payload.len() >= LARGE;
        assert!(data_end <= SHOWN + CONTROL || last_is_large, "{lengths:?} bytes are shown");

        let has_shown_enough = end >= SHOWN;
        // A client shows what is masked.
        let is_in_window = self.role == Role::Client && self.right.frame_at(end).payload.len() >= LARGE;
        assert!(
            end == fixed || has_shown_enough || lengths.len() == slices || is_in_window,
            "{lengths:?} of {fixed} bytes are shown in {slices} slices"
        );
        self.cases.count("a look ends where it has shown enough", has_shown_enough && end < fixed);
        self.cases.count("a look ends behind control frames", end == fixed && fixed < self.right.remaining());
        self.cases.count("a look ends in what a client has masked", is_in_window && end < fixed);
    }

    /// Takes the bytes that the output has given out, or has counted as written.
    fn take(&mut self, bytes: &[u8]) {
        assert!(agree(bytes, &self.promised), "other bytes go out than have been shown");
        if !bytes.is_empty() {
            self.promised.clear();
        }
        self.right.write(bytes.len());
        self.written.extend_from_slice(bytes);
    }

    fn advance(&mut self) {
        let bytes = self.look();
        let count = match self.random.below(4) {
            0 => 0,
            1 => self.random.below(20).min(bytes.len()),
            2 => self.random.below(bytes.len() + 1),
            _ => bytes.len(),
        };
        self.connection.output().advance(count);
        self.take(&bytes[..count]);
    }

    /// Advances past what has been shown, or past everything.
    fn advance_unseen(&mut self) {
        let remaining = self.right.remaining();
        let count = [remaining, self.random.below(remaining + 1)][self.random.below(2)];
        let bytes = self.right.next_bytes(count);
        if count < remaining {
            self.connection.output().advance(count);
        } else {
            self.connection.output().clear();
        }
        self.take(&bytes);
    }

    fn write_to(&mut self) {
        let mut socket = self.socket();
        let result = self.connection.output().write_to(&mut socket);
        let taken = self.check_write(&socket);
        match (result, socket.result) {
            (Ok(count), Ok(_)) => assert_eq!(count, taken),
            (Err(error), Err(_)) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            (result, _) => assert!(result.is_ok_and(|count| count == 0) && socket.seen.is_empty()),
        }
    }

    /// Sends a message and writes, without the output if that is empty.
    fn send_through(&mut self) {
        if self.is_closed || self.is_in_message {
            return;
        }
        let length = self.sizes.payloads[self.random.below(5)];
        let data = self.noise.payload(length, &mut self.random);
        let mut socket = self.socket();
        let is_first = self.right.remaining() == 0;
        self.connection.send_through(&Message::binary(data.clone()), &mut socket).unwrap();
        self.send_frames(BINARY, &data, true);
        let taken = self.check_write(&socket);
        self.cases.count("a message is written as it is sent", is_first && taken >= LARGE);
        self.cases.count("a part of a message is written as it is sent", is_first && taken > 0 && taken < length);
    }

    /// A writer that takes all, or a part, or nothing.
    fn socket(&mut self) -> Socket {
        let result = match self.random.below(5) {
            0 => Err(ErrorKind::WouldBlock.into()),
            1 => Ok(0),
            2 => Ok(self.random.below(20)),
            3 => Ok(self.random.below(10_000)),
            _ => Ok(usize::MAX),
        };
        Socket { result, interrupts: self.random.below(3), seen: Vec::new(), lengths: Vec::new() }
    }

    /// Checks what a writer was shown, and takes what it has taken; how much that is.
    fn check_write(&mut self, socket: &Socket) -> usize {
        self.see(&socket.seen, Look::WriteTo);
        if !socket.seen.is_empty() {
            self.check_lengths(&socket.lengths, MANY);
        }
        self.cases.count("a write of several slices", socket.lengths.len() > 1);
        let taken = socket.result.as_ref().map_or(0, |most| socket.seen.len().min(*most));
        self.take(&socket.seen[..taken]);
        taken
    }

    fn next_owned(&mut self) {
        let chunk = self.connection.output().chunk().to_vec();
        let bytes = self.connection.output().next_owned();
        assert_eq!(bytes.is_none(), self.right.remaining() == 0);
        assert!(bytes.unwrap_or_default() == chunk, "it is not what `chunk` shows");
        assert!(chunk.len() <= self.right.fixed(), "data is taken from behind control frames that wait");
        self.take(&chunk);
    }

    fn copy_to_bytes(&mut self) {
        let most = [20, 5000, 100_000, usize::MAX][self.random.below(4)].min(self.right.remaining());
        if most == 0 {
            return;
        }
        let count = 1 + self.random.below(most);
        let bytes = self.connection.output().copy_to_bytes(count);
        assert_eq!(bytes.len(), count);
        self.take(&bytes);
    }

    fn close(&mut self) {
        if !self.is_closed {
            self.connection.close(CloseFrame::new(CloseCode::NORMAL, "last").unwrap()).unwrap();
            self.send_close(Frame::close(1000, "last"));
        }
    }

    fn close_now(&mut self) {
        if !self.is_closed {
            self.connection.close_now(CloseFrame::new(CloseCode::NORMAL, "now").unwrap()).unwrap();
            self.cut(Outgoing::cut_behind_frame, "close_now drops data");
            self.send_close(Frame::close(1000, "now"));
        }
    }

    fn receive_close(&mut self) {
        if self.is_peer_done {
            return;
        }
        self.is_peer_done = true;
        feed(&mut self.connection, &mut self.input, &stream(self.role, &[Frame::close(1001, "peer")]));
        if self.is_closed || self.auto_close {
            self.cut(Outgoing::cut_behind_messages, "the peer's Close drops data");
        }
        if !self.is_closed && self.auto_close {
            self.send_close(Frame::close(1001, ""));
        }
    }

    fn receive_violation(&mut self) {
        if self.is_peer_done {
            return;
        }
        self.is_peer_done = true;
        feed(&mut self.connection, &mut self.input, &stream(self.role, &[Frame::continuation("")]));
        self.cut(Outgoing::cut_behind_frames, "a violation drops data");
        if !self.is_closed {
            self.send_close(close_for(&Violation::NothingToContinue));
        }
    }

    fn send_close(&mut self, frame: Frame) {
        self.right.send(frame);
        self.is_closed = true;
    }

    /// Records in the oracle that data is dropped.
    fn cut(&mut self, cut: fn(&mut Outgoing), case: &'static str) {
        let (remaining, control_waits) = (self.right.remaining(), self.right.control_waits());
        cut(&mut self.right);
        let is_cut = self.right.remaining() < remaining;
        self.cases.count(case, is_cut);
        self.cases.count("data is dropped while control frames wait", is_cut && control_waits);
    }

    /// Writes out what is left, and checks the frames.
    fn finish(mut self) {
        let rest = drain(&mut self.connection);
        assert_eq!(rest.len(), self.right.remaining());
        self.take(&rest);
        let (sent, right) = (sent_by(self.role, &self.written), self.right.frames());
        assert!(sent == right, "sent: {}\nright: {}", outline(&sent), outline(&right));
    }
}

fn joined(slices: &[IoSlice<'_>]) -> Vec<u8> {
    slices.iter().map(|slice| &slice[..]).collect::<Vec<_>>().concat()
}

fn lengths_of(slices: &[IoSlice<'_>]) -> Vec<usize> {
    slices.iter().map(|slice| slice.len()).collect()
}

/// Whether one of the two begins with the other.
fn agree(one: &[u8], other: &[u8]) -> bool {
    let common = one.len().min(other.len());
    one[..common] == other[..common]
}

/// Frames in a few letters: opcode, length, and whether FIN is missing.
fn outline(frames: &[Frame]) -> String {
    let outline =
        |frame: &Frame| format!("{}:{}{}", frame.opcode, frame.payload.len(), if frame.fin { "" } else { "-" });
    frames.iter().map(outline).collect::<Vec<_>>().join(" ")
}

/// Names the seed of a run that panics.
struct Seeded(u64);

impl Drop for Seeded {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the seed is {}", self.0);
        }
    }
}

/// 6455-5.4-4, 6455-5.4-6, 6455-5.4-9, 6455-5.5.2-3, 6455-5.5.2-4, 6455-5.5.3-1, 6455-5.5.3-2: data frames go out in their
/// order. Pings and Pongs go out at the first border behind what has been written or shown; of the Pongs that are too many
/// only the newest one does.
///
/// 6455-5.5.1-6, 6455-5.5.1-7, 6455-5.5.1-9, 6455-5.5.1-10, 6455-7.1.7-5: the Close frame goes out behind all data; data that
/// it does not wait for are dropped between two frames, and between two messages where it answers the peer's Close.
#[test]
fn everything_goes_out_in_its_order() {
    let (noise, mut cases) = (Noise::new(), Cases::default());
    let seeds = if cfg!(miri) { 5 } else { 3000 };
    for seed in 0..seeds {
        let _seeded = Seeded(seed);
        let mut run = Run::new(seed, &noise, &mut cases);
        run.steps(5, 60);
        for _ in 0..run.random.below(4) {
            run.end();
            run.steps(0, 10);
        }
        run.finish();
    }
    assert!(cfg!(miri) || cases.0.values().all(|count| *count > 20), "too rare: {:#?}", cases.0);
}
