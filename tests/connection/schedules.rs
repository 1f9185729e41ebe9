//! A pair of ends through random schedules: messages, reads cut anywhere, delays, one direction lost, clocks that jump
//! forward by hours, equal instants. Both ends end, each returns its end once and last, no deadline is missed by more than
//! a step, and nothing grows without bound.

use crate::common::frames::{Random, drain};
use std::collections::VecDeque;
use std::time::Duration;
use ws_proto::bytes::Buf;
use ws_proto::{
    Cause, CloseCode, Config, Connection, Deadline, Event, Excess, Input, Instant, Keepalive, RateLimit, Seed, Timeout,
};

const STEP: Duration = Duration::from_millis(250);

/// More than that is never in an output: what these ends send, and control frames.
const MOST: usize = 1 << 20;

/// One end, and the bytes that are on their way to it.
struct End {
    ws: Connection,
    input: Input,
    on_the_way: VecDeque<u8>,
    is_lost: bool,
    closed: Option<Cause>,
    /// Whether the transport is closed.
    has_hung_up: bool,
    reads: bool,
    /// The deadline that it had after its last turn.
    due: Option<Deadline>,
}

impl End {
    fn new(ws: Connection) -> Self {
        Self {
            ws,
            input: Input::new(),
            on_the_way: VecDeque::new(),
            is_lost: false,
            closed: None,
            has_hung_up: false,
            reads: true,
            due: None,
        }
    }

    fn receive(&mut self, random: &mut Random) {
        while let Some(event) = self.ws.receive(&mut self.input) {
            assert!(self.closed.is_none(), "{event:?} behind the end");
            match event {
                Event::Text(text) if random.below(4) == 0 => drop(self.ws.send_text(&text)),
                Event::Closed(closed) => self.closed = Some(closed.cause),
                _ => {}
            }
        }
    }

    /// One turn of the loop; what it writes.
    fn turn(&mut self, now: Instant, random: &mut Random) -> Vec<u8> {
        if self.has_hung_up {
            return Vec::new();
        }
        if self.reads && self.ws.interest().read && !self.is_lost {
            let most = self.on_the_way.len().min(1 + random.below(3000));
            let bytes: Vec<u8> = self.on_the_way.drain(..most).collect();
            self.input.extend_from_slice(&bytes);
        }
        self.receive(random);
        self.ws.handle_timeout(now);
        self.receive(random);
        assert!(self.ws.buffered() <= MOST && self.input.len() <= MOST);
        let mut written = Vec::new();
        let interest = self.ws.interest();
        if interest.write {
            match random.below(3) {
                0 => {}
                1 => {
                    let most = random.below(500).min(self.ws.output().chunk().len());
                    written.extend_from_slice(&self.ws.output().chunk()[..most]);
                    self.ws.output().advance(most);
                }
                _ => written = drain(&mut self.ws),
            }
        }
        // What has passed has been done, and what has just been written is timed at once.
        self.ws.handle_timeout(now);
        self.receive(random);
        let interest = self.ws.interest();
        if let Some(deadline) = interest.deadline {
            assert!(deadline.at > now || deadline.reason == Timeout::Pong, "{deadline:?} at {now}");
        }
        self.due = interest.deadline;
        if interest.hang_up {
            assert!(self.closed.is_some(), "the end comes before the transport is closed");
            self.has_hung_up = true;
        }
        written
    }
}

fn config(random: &mut Random) -> Config {
    let some = |random: &mut Random, least: u64, most: u64| {
        (random.below(3) == 0).then(|| Duration::from_millis(least + random.next() % (most - least)))
    };
    // Those without which an end may wait for ever are always set.
    let keepalive = Keepalive::new()
        .ping(Some(Duration::from_millis(2000 + random.next() % 30_000)))
        .pong(Some(Duration::from_millis(2000 + random.next() % 20_000)))
        .idle(some(random, 5000, 60_000))
        .progress(1 + random.next() % 2000, some(random, 2000, 30_000))
        .message(some(random, 5000, 60_000))
        .write(1 + random.next() % 2000, Some(Duration::from_millis(2000 + random.next() % 60_000)))
        .close(Some(Duration::from_millis(1000 + random.next() % 10_000)));
    let config = Config::new().keepalive(keepalive).max_buffered(MOST / 2).count(random.below(2) == 0);
    match random.below(8) {
        2.. => config,
        0 => config.rate_limit(RateLimit::new().messages(1 + random.next() % 20).bytes(500 + random.next() % 50_000)),
        1 => config.rate_limit(RateLimit::new().messages(1 + random.next() % 4).excess(Excess::Close)),
    }
}

fn act(end: &mut End, random: &mut Random) {
    let size = random.below(20_000);
    let payload = vec![7; size];
    // Refusals are right: it may be full, closed or within a message.
    match random.below(24) {
        0 => drop(end.ws.send_binary(&payload)),
        1 => drop(end.ws.send(payload)),
        2 => drop(end.ws.send_text("a short text")),
        3 => drop(end.ws.send_part(payload, false)),
        4 => drop(end.ws.send_part(payload, true)),
        5 => drop(end.ws.ping(b"mine")),
        6 => end.ws.pause_reading(),
        7 => end.ws.resume_reading(),
        8 if random.below(10) == 0 => drop(end.ws.close(CloseCode::NORMAL)),
        9 if random.below(10) == 0 => drop(end.ws.close_now(CloseCode::GOING_AWAY)),
        10 => end.ws.release_memory(),
        _ => {}
    }
}

/// Runs one schedule; how both ends ended.
fn run(seed: u64) -> [Cause; 2] {
    let random = &mut Random(seed);
    let server = End::new(Connection::server(&config(random)));
    let client = End::new(Connection::client(Seed::new([seed as u8; 32]), &config(random)));
    let mut ends = [server, client];
    let mut now = Instant::new(Duration::from_secs(random.next() % 1000));
    let mut is_talking = true;
    let talks_until = random.below(400);
    for turn in 0.. {
        assert!(turn < 200_000, "seed {seed}: it does not end: {:?} {:?}", ends[0].due, ends[1].due);
        // After a while nobody says anything any more, and one direction or both are lost.
        if turn == talks_until {
            is_talking = false;
            let which = random.below(4);
            ends[0].is_lost |= which & 1 == 0;
            ends[1].is_lost |= which & 2 == 0;
            ends.iter_mut().for_each(|end| end.ws.resume_reading());
            if which == 3 {
                drop(ends[random.below(2)].ws.close(CloseCode::GOING_AWAY));
            }
        }
        now = match random.below(200) {
            0 => now.saturating_add(Duration::from_secs(3600 * (1 + random.next() % 24))),
            1..60 => now,
            _ => now.saturating_add(STEP),
        };
        for (this, other) in [(0, 1), (1, 0)] {
            if is_talking {
                act(&mut ends[this], random);
            }
            let written = ends[this].turn(now, random);
            let is_read = !ends[other].has_hung_up;
            if is_read {
                ends[other].on_the_way.extend(written);
            }
            if ends[this].has_hung_up && ends[other].on_the_way.is_empty() && !ends[other].is_lost {
                ends[other].ws.receive_eof();
            }
        }
        if ends.iter().all(|end| end.has_hung_up) {
            break;
        }
    }
    ends.map(|mut end| {
        assert!(end.ws.receive(&mut end.input).is_none(), "the end is returned once");
        end.closed.expect("the end is returned")
    })
}

#[test]
fn both_ends_end_whatever_happens() {
    let cases = std::env::var("SCHEDULES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(200);
    let mut causes = std::collections::BTreeMap::<String, u32>::new();
    for seed in 0..cases {
        for cause in run(seed) {
            *causes.entry(format!("{cause:?}")).or_default() += 1;
        }
    }
    println!("{causes:#?}");
    // Each kind of end has come about.
    for cause in ["Agreed", "EndOfStream", "RateExceeded", "Close", "Message", "Pong", "Progress", "Write"] {
        assert!(causes.keys().any(|key| key.contains(cause)), "{cause}: {causes:?}");
    }
}

/// With a clock that only steps, what ends a silent end comes when it is due, and not a step later.
#[test]
fn no_deadline_is_missed_by_more_than_a_step() {
    for seed in 0..200 {
        let random = &mut Random(seed);
        let (ping, pong) = (2000 + random.next() % 30_000, 2000 + random.next() % 20_000);
        let keepalive = Keepalive::off().ping(Duration::from_millis(ping)).pong(Duration::from_millis(pong));
        let mut ws = Connection::server(&Config::new().keepalive(keepalive));
        let mut input = Input::new();
        let start = Instant::new(Duration::from_secs(5));
        let mut now = start;
        let closed = loop {
            ws.handle_timeout(now);
            if let Some(Event::Closed(closed)) = ws.receive(&mut input) {
                break closed;
            }
            drain(&mut ws);
            ws.handle_timeout(now);
            now = now.saturating_add(Duration::from_millis(random.next() % 500));
        };
        assert_eq!(closed.cause, Cause::TimedOut(Timeout::Pong));
        let took = now.saturating_duration_since(start);
        let due = Duration::from_millis(ping + pong);
        assert!(took >= due && took <= due + Duration::from_secs(1), "{took:?} instead of {due:?}");
    }
}
