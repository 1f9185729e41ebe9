//! The order in which frames go out, as simply as it can be said: a list of frames, and counts of bytes.

use super::frames::{CLOSE, CONTINUATION, Frame, PING, PONG};
use ws_proto::Role;

/// So many automatic Pongs wait before the next ones replace each other.
const MAX_PONGS: usize = 32;

/// So many bytes of data may stay ahead of the Close frame that ends everything.
const AHEAD_OF_CLOSE: usize = 64 << 10;

/// What a connection is sent, in the order in which it has to go out.
pub struct Outgoing {
    sender: Role,
    written: Vec<Frame>,
    waiting: Vec<Waiting>,
    /// How many of the waiting bytes have been shown to a writer.
    shown: usize,
    /// Automatic Pongs sent since no Ping or Pong waited, but for the one that is held back.
    pongs: usize,
    /// Whether the last Ping or Pong is an automatic Pong that gives way to the next one.
    holds_pong: bool,
}

struct Waiting {
    frame: Frame,
    /// How many of its bytes wait.
    left: usize,
    is_begun: bool,
}

impl Waiting {
    fn is_ping_or_pong(&self) -> bool {
        matches!(self.frame.opcode, PING | PONG)
    }
}

fn size_of(frames: &[Waiting]) -> usize {
    frames.iter().map(|waiting| waiting.left).sum()
}

impl Outgoing {
    pub fn of(sender: Role) -> Self {
        Self { sender, written: Vec::new(), waiting: Vec::new(), shown: 0, pongs: 0, holds_pong: false }
    }

    /// Records that a frame is sent. A Ping or Pong goes behind the other ones, or else behind the frames of which a byte
    /// has been written or shown, and ahead of all others; any other frame goes behind everything.
    pub fn send(&mut self, frame: Frame) {
        let frame = self.whole(frame);
        if frame.is_ping_or_pong() {
            self.let_pong_go();
            self.push_control(frame);
        } else {
            self.waiting.push(frame);
        }
    }

    /// Records that a Ping is answered: as [`send`](Self::send), but of the Pongs that are too many only the newest one
    /// goes out.
    pub fn answer(&mut self, ping: &[u8]) {
        let pong = self.whole(Frame::pong(ping));
        if self.pongs < MAX_PONGS {
            self.pongs += 1;
            self.push_control(pong);
        } else if self.holds_pong {
            let held = self.behind_control() - 1;
            self.waiting[held] = pong;
        } else {
            self.push_control(pong);
            self.holds_pong = true;
        }
    }

    /// Records that so many of the waiting bytes have been shown, and stay as they are until some are written.
    pub fn show(&mut self, count: usize) {
        assert!(count <= self.remaining());
        self.shown = self.shown.max(count);
    }

    /// Records that so many bytes more have been written.
    pub fn write(&mut self, mut count: usize) {
        assert!(count <= self.remaining());
        if count > 0 {
            self.shown = 0;
        }
        while count > 0 {
            let first = &mut self.waiting[0];
            let written = count.min(first.left);
            first.left -= written;
            first.is_begun = true;
            count -= written;
            if first.left == 0 {
                self.written.push(self.waiting.remove(0).frame);
                self.count_pongs();
            }
        }
    }

    /// Drops what is behind the frame under way, but for Pings, Pongs and a Close frame.
    pub fn cut_behind_frame(&mut self) {
        self.cut(0, |_| true);
    }

    /// Drops what is behind the frame under way and behind as many others as may stay ahead of a Close frame.
    pub fn cut_behind_frames(&mut self) {
        self.cut(AHEAD_OF_CLOSE, |_| true);
    }

    /// Drops what is behind the message under way and behind as many others as may stay ahead of a Close frame.
    pub fn cut_behind_messages(&mut self) {
        self.cut(AHEAD_OF_CLOSE, |next| next.is_none_or(|next| next.opcode != CONTINUATION));
    }

    /// All frames, written or not.
    pub fn frames(&self) -> Vec<Frame> {
        self.written.iter().chain(self.waiting.iter().map(|waiting| &waiting.frame)).cloned().collect()
    }

    /// How many bytes wait.
    pub fn remaining(&self) -> usize {
        size_of(&self.waiting)
    }

    /// The next bytes to be written, of a server: a client's have keys that nobody knows.
    pub fn next_bytes(&self, count: usize) -> Vec<u8> {
        assert!(self.sender == Role::Server);
        let mut bytes = Vec::new();
        for Waiting { frame, left, .. } in &self.waiting {
            if bytes.len() >= count {
                break;
            }
            let frame = frame.bytes();
            bytes.extend(&frame[frame.len() - left..]);
        }
        bytes.truncate(count);
        bytes
    }

    /// How many of the waiting bytes can be shown before others may come between them.
    pub fn fixed(&self) -> usize {
        let held = usize::from(self.holds_pong);
        if self.control_waits() { size_of(&self.waiting[..self.behind_control() - held]) } else { self.remaining() }
    }

    /// The frame that so many of the waiting bytes end in or with.
    pub fn frame_at(&self, count: usize) -> &Frame {
        let mut end = 0;
        let at = self.waiting.iter().position(|waiting| {
            end += waiting.left;
            count <= end
        });
        &self.waiting[at.expect("so many bytes wait")].frame
    }

    /// Whether Pings or Pongs wait.
    pub fn control_waits(&self) -> bool {
        self.waiting.iter().any(Waiting::is_ping_or_pong)
    }

    /// Whether a Pong is held back.
    pub fn holds_pong(&self) -> bool {
        self.holds_pong
    }

    /// A frame of which nothing has been written.
    fn whole(&self, frame: Frame) -> Waiting {
        let key = (self.sender == Role::Client).then_some([0; 4]);
        let header = Frame { key, claim: Some(frame.payload.len() as u64), payload: Vec::new(), ..frame }.header();
        Waiting { left: header.len() + frame.payload.len(), frame, is_begun: false }
    }

    /// The place where the next Ping or Pong goes.
    fn behind_control(&self) -> usize {
        match self.waiting.iter().rposition(Waiting::is_ping_or_pong) {
            Some(last) => last + 1,
            None => self.behind_shown(),
        }
    }

    /// The first place behind the bytes that have been written or shown.
    fn behind_shown(&self) -> usize {
        let mut before = 0;
        let is_behind = |waiting: &Waiting| {
            let is_behind = before >= self.shown && !waiting.is_begun;
            before += waiting.left;
            is_behind
        };
        self.waiting.iter().position(is_behind).unwrap_or(self.waiting.len())
    }

    fn push_control(&mut self, frame: Waiting) {
        self.waiting.insert(self.behind_control(), frame);
    }

    /// The Pong that is held back becomes one as the others.
    fn let_pong_go(&mut self) {
        self.pongs += usize::from(self.holds_pong);
        self.holds_pong = false;
    }

    /// Counts the automatic Pongs from 0 if all that is not held back has gone.
    fn count_pongs(&mut self) {
        let control = self.waiting.iter().filter(|waiting| waiting.is_ping_or_pong()).count();
        if control == usize::from(self.holds_pong) {
            self.pongs = 0;
            self.let_pong_go();
        }
    }

    /// Drops the data behind one of the borders that `is_border` admits by the frame behind it: the last that `most` bytes
    /// of data at most go before, or else the first. All of them are behind what has been written or shown. Pings and Pongs
    /// go out there at the latest.
    fn cut(&mut self, most: usize, is_border: impl Fn(Option<&Frame>) -> bool) {
        let first_control = self.waiting.iter().position(Waiting::is_ping_or_pong).unwrap_or(self.waiting.len());
        let least = self.behind_shown().min(first_control);
        let (control, mut data): (Vec<_>, Vec<_>) = self.waiting.drain(..).partition(Waiting::is_ping_or_pong);

        let mut borders =
            (least..=data.len()).filter(|at| is_border(data.get(*at).map(|waiting: &Waiting| &waiting.frame)));
        let first = borders.next().expect("the end is a border");
        let border = borders.take_while(|at| size_of(&data[..*at]) <= most).last().unwrap_or(first);

        let close = data.drain(border..).find(|waiting| waiting.frame.opcode == CLOSE);
        data.extend(close);
        let place = first_control.min(border);
        data.splice(place..place, control);
        self.waiting = data;
    }
}
