//! Every deadline with a clock that is moved by hand: nothing happens before it, what is due happens at it, what is waited
//! for disarms it, and it is armed again. Early, late and repeated calls change nothing about that.

use crate::common::frames::*;
use std::time::Duration;
use ws_proto::bytes::Buf;
use ws_proto::{
    Cause, CloseCode, CloseFrame, Config, Connection, Deadline, Event, Input, Instant, Keepalive, Role, Timeout,
};

const NS: Duration = Duration::from_nanos(1);
const START: Instant = Instant::new(Duration::from_secs(1000));

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// One end, and the time.
struct End {
    ws: Connection,
    input: Input,
    now: Instant,
    seen: Vec<Seen>,
}

impl End {
    fn new(role: Role, keepalive: Keepalive) -> Self {
        Self::with(role, &Config::new().keepalive(keepalive))
    }

    fn with(role: Role, config: &Config) -> Self {
        let mut end = Self { ws: connection(role, config), input: Input::new(), now: START, seen: Vec::new() };
        end.look();
        end
    }

    fn role(&self) -> Role {
        self.ws.role()
    }

    /// One turn of the loop.
    fn look(&mut self) {
        self.seen.extend(take_events(&mut self.ws, &mut self.input));
        self.ws.handle_timeout(self.now);
        self.seen.extend(take_events(&mut self.ws, &mut self.input));
    }

    fn wait_until(&mut self, now: Instant) {
        assert!(now >= self.now);
        self.now = now;
        self.look();
    }

    fn wait(&mut self, duration: Duration) {
        self.wait_until(self.now.saturating_add(duration));
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
        self.look();
    }

    fn receive_frame(&mut self, frame: Frame) {
        let bytes = frame.to(self.role()).bytes();
        self.receive(&bytes);
    }

    /// The frames that wait, all written now.
    fn write(&mut self) -> Vec<Frame> {
        let written = drain(&mut self.ws);
        self.look();
        sent_by(self.role(), &written)
    }

    fn deadline(&self) -> Option<(Instant, Timeout)> {
        self.ws.interest().deadline.map(|Deadline { at, reason, .. }| (at, reason))
    }

    fn cause(&self) -> Option<&Cause> {
        match self.seen.last() {
            Some(Seen::Closed { cause, .. }) => Some(cause),
            _ => None,
        }
    }

    fn timed_out(&self) -> Option<Timeout> {
        match self.cause() {
            Some(Cause::TimedOut(timeout)) => Some(*timeout),
            _ => None,
        }
    }
}

/// A deadline: how it is set, what arms it, what it waits for, and whether it has passed.
struct Case<'a> {
    keepalive: Keepalive,
    reason: Timeout,
    span: Duration,
    arm: &'a dyn Fn(&mut End),
    disarm: &'a dyn Fn(&mut End),
    has_passed: &'a dyn Fn(&mut End) -> bool,
}

impl Case<'_> {
    fn check(&self) {
        for role in ROLES {
            self.check_for(role);
        }
    }

    fn check_for(&self, role: Role) {
        let armed = || {
            let mut end = End::new(role, self.keepalive.clone());
            (self.arm)(&mut end);
            assert_eq!(end.deadline(), Some((end.now.saturating_add(self.span), self.reason)), "{role:?}");
            let at = end.now.saturating_add(self.span);
            (end, at)
        };
        // Just before, and long before, and once more.
        let (mut end, at) = armed();
        for early in [end.now, end.now.saturating_add(self.span / 2), at.saturating_sub(NS), at.saturating_sub(NS)] {
            end.wait_until(early);
            assert!(!(self.has_passed)(&mut end), "{role:?} {:?} before {at}", self.reason);
            assert_eq!(end.deadline(), Some((at, self.reason)));
        }
        // A clock that went back.
        end.ws.handle_timeout(START);
        end.ws.handle_timeout(Instant::ORIGIN);
        assert_eq!(end.deadline(), Some((at, self.reason)));
        // Exactly at it.
        end.wait_until(at);
        assert!((self.has_passed)(&mut end), "{role:?} {:?} at {at}", self.reason);
        // Just after it.
        let (mut end, at) = armed();
        end.wait_until(at.saturating_add(NS));
        assert!((self.has_passed)(&mut end), "{role:?} {:?} after {at}", self.reason);
        // Disarmed at the last moment, and armed again.
        let (mut end, at) = armed();
        end.wait_until(at.saturating_sub(NS));
        (self.disarm)(&mut end);
        assert_ne!(end.deadline(), Some((at, self.reason)), "{role:?}");
        end.wait_until(at);
        assert!(!(self.has_passed)(&mut end), "{role:?} {:?} although it was disarmed", self.reason);
        if !end.seen.iter().any(|seen| matches!(seen, Seen::Closed { .. })) {
            (self.arm)(&mut end);
            let at = end.now.saturating_add(self.span);
            end.wait_until(at.saturating_sub(NS));
            assert!(!(self.has_passed)(&mut end), "{role:?} {:?} before it was due again", self.reason);
            end.wait_until(at);
            assert!((self.has_passed)(&mut end), "{role:?} {:?} when it was due again", self.reason);
        }
    }
}

/// A message that is not whole.
fn begin_message(end: &mut End) {
    let bytes = Frame::binary([7; 50]).to(end.role()).bytes();
    end.receive(&bytes[..10]);
}

fn end_message(end: &mut End) {
    let bytes = Frame::binary([7; 50]).to(end.role()).bytes();
    end.receive(&bytes[10..]);
}

fn is_over_by(timeout: Timeout) -> impl Fn(&mut End) -> bool {
    move |end| {
        let has_passed = end.timed_out() == Some(timeout);
        assert!(has_passed || end.cause().is_none(), "{:?}", end.cause());
        has_passed
    }
}

/// 6455-5.5.2-4: a Ping after silence, which any byte ends.
#[test]
fn a_ping_is_sent_after_silence() {
    for disarm in [
        (|end: &mut End| end.receive_frame(Frame::text("hello"))) as fn(&mut End),
        |end| end.receive_frame(Frame::ping("")),
        |end| end.receive_frame(Frame::pong("unasked for")),
        begin_message,
    ] {
        Case {
            keepalive: Keepalive::off().ping(seconds(30)).pong(seconds(20)),
            reason: Timeout::Ping,
            span: seconds(30),
            arm: &|end| {
                // Silence begins with something.
                end.receive_frame(Frame::pong(""));
                end.write();
            },
            disarm: &disarm,
            has_passed: &|end| {
                let ping = end.write().iter().any(|frame| frame.opcode == PING);
                if ping {
                    end.look();
                    assert_eq!(end.deadline().map(|(_, reason)| reason), Some(Timeout::Pong));
                }
                ping
            },
        }
        .check_alone();
    }
}

impl Case<'_> {
    /// As [`check`](Self::check), where what disarms it may leave a message under way, so that it cannot be armed again in
    /// the same way.
    fn check_alone(&self) {
        for role in ROLES {
            let armed = || {
                let mut end = End::new(role, self.keepalive.clone());
                (self.arm)(&mut end);
                let at = end.now.saturating_add(self.span);
                assert_eq!(end.deadline(), Some((at, self.reason)));
                (end, at)
            };
            for (offset, has_passed) in [(seconds(1), false), (NS, false), (Duration::ZERO, true)] {
                let (mut end, at) = armed();
                end.wait_until(at.saturating_sub(offset));
                assert_eq!((self.has_passed)(&mut end), has_passed, "{role:?} {offset:?} before");
            }
            let (mut end, at) = armed();
            end.wait_until(at.saturating_add(NS));
            assert!((self.has_passed)(&mut end));
            let (mut end, at) = armed();
            end.wait_until(at.saturating_sub(NS));
            (self.disarm)(&mut end);
            let again = end.now.saturating_add(self.span);
            assert_eq!(end.deadline(), Some((again, self.reason)), "{role:?}");
            end.wait_until(again.saturating_sub(NS));
            assert!(!(self.has_passed)(&mut end));
            end.wait_until(again);
            assert!((self.has_passed)(&mut end));
        }
    }
}

#[test]
fn a_pong_is_waited_for_from_when_the_ping_is_written() {
    Case {
        keepalive: Keepalive::off().ping(seconds(30)).pong(seconds(20)),
        reason: Timeout::Pong,
        span: seconds(20),
        arm: &|end| {
            end.wait_until(end.deadline().expect("silence").0);
            assert_eq!(end.deadline(), None, "the Ping is not written");
            end.wait(seconds(3600));
            assert_eq!(end.write().iter().map(|frame| frame.opcode).collect::<Vec<_>>(), [PING]);
        },
        disarm: &|end| end.receive(&[if end.role() == Role::Server { 0x82 } else { 0x02 }][..]),
        has_passed: &is_over_by(Timeout::Pong),
    }
    .check_once();
}

impl Case<'_> {
    /// As [`check`](Self::check), up to where it is armed again.
    fn check_once(&self) {
        for role in ROLES {
            for (before, has_passed) in [(self.span, false), (NS, false), (Duration::ZERO, true)] {
                let mut end = End::new(role, self.keepalive.clone());
                (self.arm)(&mut end);
                let at = end.now.saturating_add(self.span);
                assert_eq!(end.deadline(), Some((at, self.reason)));
                end.wait_until(at.saturating_sub(before));
                assert_eq!((self.has_passed)(&mut end), has_passed, "{role:?} {before:?} before");
                if !has_passed {
                    (self.disarm)(&mut end);
                    end.wait_until(at.saturating_add(NS));
                    assert!(!(self.has_passed)(&mut end), "{role:?} disarmed");
                }
            }
            let mut end = End::new(role, self.keepalive.clone());
            (self.arm)(&mut end);
            end.wait(self.span + NS);
            assert!((self.has_passed)(&mut end), "{role:?} just after");
        }
    }
}

#[test]
fn a_pong_that_is_overdue_ends_the_connection_and_one_that_comes_is_timed() {
    for role in ROLES {
        let mut end = End::new(role, Keepalive::off().ping(seconds(30)).pong(seconds(20)));
        for round in 1..=300_u32 {
            end.wait(seconds(30));
            let [ping] = &end.write()[..] else { panic!("one Ping") };
            assert_eq!(ping.opcode, PING);
            end.wait(Duration::from_millis(u64::from(round)));
            let pong = Frame::pong(&ping.payload);
            end.receive_frame(pong);
            assert_eq!(end.ws.round_trip(), Some(Duration::from_millis(round.into())), "{round}");
        }
        assert_eq!(end.seen.len(), 300, "the Pongs");
        end.wait(seconds(30));
        end.write();
        end.wait(seconds(20));
        assert_eq!(end.timed_out(), Some(Timeout::Pong));
        assert_eq!((end.ws.interest().hang_up, end.ws.interest().read, end.ws.buffered()), (true, false, 0));
        assert_eq!(end.deadline(), None);
        let closed = end.seen.iter().filter(|seen| matches!(seen, Seen::Closed { .. })).count();
        assert_eq!(closed, 1);
        assert!(end.ws.send_text("late").is_err() && end.ws.close(CloseCode::NORMAL).is_err());
        end.receive_frame(Frame::text("late"));
        assert_eq!(end.seen.len(), 301);
    }
}

/// A driver that says the time once a second sees a Ping written and answered with one look.
#[test]
fn a_pong_that_comes_with_the_write_is_life() {
    for role in ROLES {
        let mut end = End::new(role, Keepalive::off().ping(seconds(30)).pong(seconds(20)));
        for _ in 0..10 {
            end.wait(seconds(30));
            let pings = sent_by(role, &drain(&mut end.ws));
            let [ping] = &pings[..] else { panic!("one Ping: {pings:?}") };
            end.wait(seconds(1));
            assert_eq!(end.ws.interest().deadline.map(|deadline| deadline.reason), Some(Timeout::Pong));
            // It is looked at only now.
            let pong = Frame::pong(&ping.payload).to(role).bytes();
            end.receive(&pong);
        }
        let mut end = End::new(role, Keepalive::off().ping(seconds(30)).pong(seconds(20)));
        end.wait(seconds(30));
        let ping = sent_by(role, &drain(&mut end.ws)).remove(0);
        end.receive_frame(Frame::pong(&ping.payload));
        assert_eq!(end.deadline(), Some((end.now.saturating_add(seconds(30)), Timeout::Ping)), "{role:?}");
    }
}

#[test]
fn no_message_for_too_long_sends_a_close() {
    for traffic in [
        (|end: &mut End| end.receive_frame(Frame::text("hello"))) as fn(&mut End),
        |end| end.receive_frame(Frame::binary([1; 300])),
        |end| end.ws.send_text("hello").expect("it is open"),
        |end| end.ws.send(vec![7; 20_000]).expect("it is open"),
        |end| end.ws.send_part("a ", false).and_then(|()| end.ws.send_part("message", true)).expect("it is open"),
    ] {
        Case {
            keepalive: Keepalive::off().idle(seconds(60)),
            reason: Timeout::Idle,
            span: seconds(60),
            arm: &|end| {
                traffic(end);
                end.look();
                end.write();
            },
            disarm: &|end| {
                traffic(end);
                end.look();
            },
            has_passed: &|end| end.write().contains(&Frame::close(1001, "")),
        }
        .check();
    }
}

#[test]
fn pings_keep_no_idle_connection_open_and_the_close_is_configurable() {
    for role in ROLES {
        let close = CloseFrame::new(CloseCode::MANDATORY_EXTENSION, "idle").expect("short");
        let mut end = End::new(role, Keepalive::off().idle(seconds(60)).idle_close(close));
        for _ in 0..59 {
            end.wait(seconds(1));
            end.receive_frame(Frame::ping("alive"));
            assert_eq!(end.write(), [Frame::pong("alive")]);
        }
        end.wait(seconds(1));
        // RFC 6455 §7.4.1: 1010 is a client's code.
        let close = if role == Role::Client { Frame::close(1010, "idle") } else { Frame::close(1001, "") };
        assert_eq!(end.write(), std::slice::from_ref(&close));
        end.receive_frame(close);
        assert_eq!(end.cause(), Some(&Cause::Agreed));
    }
}

#[test]
fn a_message_under_way_is_not_idle() {
    let mut end = End::new(Role::Server, Keepalive::off().idle(seconds(60)));
    begin_message(&mut end);
    assert_eq!(end.deadline(), None);
    end.wait(seconds(600));
    end_message(&mut end);
    assert_eq!(end.deadline(), Some((end.now.saturating_add(seconds(60)), Timeout::Idle)));
    end.ws.send_part("a part", false).expect("it is open");
    end.wait(seconds(600));
    assert_eq!(end.deadline(), None);
    assert_eq!(end.write(), [Frame::text("a part").part()]);
}

#[test]
fn a_message_has_to_go_on() {
    Case {
        keepalive: Keepalive::off().progress(20, seconds(30)),
        reason: Timeout::Progress,
        span: seconds(30),
        arm: &begin_message,
        disarm: &end_message,
        has_passed: &is_over_by(Timeout::Progress),
    }
    .check();
}

/// Every place in which a peer may stop: within each header, each payload and between fragments, and in a control frame.
#[test]
fn a_peer_that_stops_in_the_middle_of_anything_is_failed_with_1008() {
    for role in ROLES {
        let frames =
            [Frame::ping("ping"), Frame::text("a te").part(), Frame::pong(""), Frame::continuation([b'x'; 200])];
        let wire = stream(role, &frames);
        let mut border = 0;
        let whole = frames.clone().map(|frame| {
            border += frame.to(role).bytes().len();
            border
        });
        for end_of in 0..=wire.len() {
            for step in [wire.len(), 1] {
                let mut end = End::new(role, Keepalive::off().progress(1 << 10, seconds(30)).close(seconds(10)));
                for bytes in wire[..end_of].chunks(step) {
                    end.receive(bytes);
                }
                end.write();
                end.wait(seconds(30));
                // Between whole frames outside of a message nothing is under way.
                let is_at_rest = [0, whole[0], whole[3]].contains(&end_of);
                assert_eq!(end.timed_out(), (!is_at_rest).then_some(Timeout::Progress), "{role:?} {end_of} {step}");
                if !is_at_rest {
                    assert_eq!(end.write(), [Frame::close(1008, "too slow")], "{role:?} {end_of}");
                    assert!(end.ws.interest().hang_up);
                }
            }
        }
    }
}

#[test]
fn a_byte_a_second_is_too_slow_and_control_frames_do_not_count() {
    for role in ROLES {
        let mut end = End::new(role, Keepalive::new());
        let wire = Frame::binary(payload(1 << 20, 3)).to(role).bytes();
        let ping = Frame::ping([7; 125]).to(role).bytes();
        let mut bytes = wire.chunks(1);
        while end.cause().is_none() && end.now < START.saturating_add(seconds(40)) {
            end.wait(seconds(1));
            end.receive(bytes.next().expect("it is long"));
            end.write();
        }
        assert_eq!(end.timed_out(), Some(Timeout::Progress), "{role:?}");
        assert!(end.now <= START.saturating_add(seconds(32)));

        let mut end = End::new(role, Keepalive::new());
        end.receive_frame(Frame::text("begins").part());
        while end.cause().is_none() && end.now < START.saturating_add(seconds(40)) {
            end.wait(seconds(1));
            end.receive(&ping);
            end.write();
        }
        assert_eq!(end.timed_out(), Some(Timeout::Progress), "{role:?}");
        // As much as is asked for is enough.
        let mut end = End::new(role, Keepalive::new());
        for bytes in wire.chunks(1 << 10) {
            end.wait(seconds(29));
            end.receive(bytes);
            end.write();
        }
        assert_eq!((end.cause(), end.seen.len()), (None, 1), "{role:?}");
    }
}

#[test]
fn a_message_has_to_become_whole() {
    Case {
        keepalive: Keepalive::off().message(seconds(90)),
        reason: Timeout::Message,
        span: seconds(90),
        arm: &begin_message,
        disarm: &end_message,
        has_passed: &is_over_by(Timeout::Message),
    }
    .check();
    // However much comes of it.
    let mut end = End::new(Role::Server, Keepalive::off().message(seconds(90)).progress(1, seconds(5)));
    let wire = Frame::binary([7; 1000]).to(Role::Server).bytes();
    for bytes in wire.chunks(1) {
        end.receive(bytes);
        end.wait(seconds(1));
    }
    assert_eq!(end.timed_out(), Some(Timeout::Message));
    assert_eq!(end.now.saturating_duration_since(START), seconds(wire.len() as u64));
    assert_eq!(end.write(), [Frame::close(1008, "too slow")]);
}

#[test]
fn what_waits_has_to_be_written() {
    for count in [1, 100, 1 << 20] {
        Case {
            keepalive: Keepalive::off().write(1 << 10, seconds(60)),
            reason: Timeout::Write,
            span: seconds(60),
            arm: &|end| {
                end.ws.send(vec![7; count]).expect("it is open");
                end.look();
            },
            disarm: &|end| {
                end.write();
            },
            has_passed: &is_over_by(Timeout::Write),
        }
        .check();
    }
}

#[test]
fn a_peer_that_reads_too_little_is_given_up() {
    let mut end = End::new(Role::Server, Keepalive::off().write(1 << 10, seconds(60)).ping(seconds(30)));
    end.ws.send(vec![7; 1 << 20]).expect("it is open");
    for _ in 0..100 {
        write(&mut end.ws, 1 << 10);
        end.wait(seconds(59));
    }
    assert_eq!(end.cause(), None);
    // All the while the peer sends, and so it is alive; and one Ping waits at most.
    while end.cause().is_none() && end.now < START.saturating_add(seconds(7000)) {
        write(&mut end.ws, 1);
        end.receive_frame(Frame::ping("ping"));
        end.wait(seconds(1));
    }
    assert_eq!(end.timed_out(), Some(Timeout::Write));
    assert_eq!((end.ws.buffered(), end.ws.interest().hang_up), (0, true));
}

/// 6455-7.1.1-6, 6455-5.5.1-13, 6455-5.5.1-14
#[test]
fn a_close_has_to_be_answered() {
    Case {
        keepalive: Keepalive::off().close(seconds(10)),
        reason: Timeout::Close,
        span: seconds(10),
        arm: &|end| {
            end.ws.close(CloseCode::NORMAL).expect("it is open");
            end.look();
            assert_eq!(end.write(), [Frame::close(1000, "")]);
            end.look();
        },
        disarm: &|end| end.receive_frame(Frame::close(1000, "")),
        has_passed: &|end| end.timed_out() == Some(Timeout::Close),
    }
    .check();
}

#[test]
fn a_close_that_cannot_be_written_is_waited_for_as_long_as_the_output_moves() {
    for role in ROLES {
        let mut end = End::new(role, Keepalive::off().close(seconds(10)));
        end.ws.send(vec![7; 100_000]).expect("it is open");
        end.ws.close(CloseCode::NORMAL).expect("it is open");
        end.look();
        for _ in 0..50 {
            end.wait(seconds(9));
            write(&mut end.ws, 1000);
            end.look();
            assert_eq!(end.deadline(), Some((end.now.saturating_add(seconds(10)), Timeout::Close)));
        }
        end.wait(seconds(10));
        assert_eq!(end.timed_out(), Some(Timeout::Close), "{role:?}");
    }
}

#[test]
fn a_peer_that_goes_on_sending_does_not_put_off_the_end() {
    for role in ROLES {
        let mut end = End::new(role, Keepalive::new());
        end.ws.close(CloseCode::GOING_AWAY).expect("it is open");
        end.write();
        for _ in 0..9 {
            end.wait(seconds(1));
            end.receive_frame(Frame::ping("and"));
            end.receive_frame(Frame::text("on"));
            assert_eq!(end.write(), [Frame::pong("and")], "{role:?}");
        }
        end.wait(seconds(1));
        assert_eq!(end.timed_out(), Some(Timeout::Close), "{role:?}");
    }
}

/// Nothing on the wire shows that a deadline has ended a connection, so the driver is to call at once until it has received the
/// end.
#[test]
fn an_end_that_nobody_has_received_is_due_at_once() {
    for role in ROLES {
        let keepalive = Keepalive::off().ping(seconds(20)).pong(seconds(20));
        let mut ws = connection(role, &Config::new().keepalive(keepalive));
        for second in 0..=40 {
            ws.handle_timeout(START.saturating_add(seconds(second)));
            drain(&mut ws);
        }
        ws.handle_timeout(START.saturating_add(seconds(41)));
        let deadline = ws.interest().deadline.expect("the end has not been received");
        assert_eq!((deadline.reason, deadline.at <= START), (Timeout::HangUp, true));
        assert!(!ws.interest().hang_up);
        let mut input = Input::new();
        assert!(
            matches!(ws.receive(&mut input), Some(Event::Closed(closed)) if closed.cause == Cause::TimedOut(Timeout::Pong))
        );
        assert_eq!((ws.interest().deadline, ws.interest().hang_up), (None, true));
    }
}

/// 6455-7.1.1-6: a client waits for the server to hang up, and not for ever.
#[test]
fn a_client_waits_for_the_server_to_hang_up() {
    let closed = || {
        let mut end = End::new(Role::Client, Keepalive::off().close(seconds(10)));
        end.receive_frame(Frame::close(1000, ""));
        end.write();
        assert_eq!(end.cause(), Some(&Cause::Agreed));
        assert_eq!(end.deadline(), Some((end.now.saturating_add(seconds(10)), Timeout::HangUp)));
        end
    };
    for (wait, hangs_up) in [(seconds(1), false), (seconds(10) - NS, false), (seconds(10), true), (seconds(11), true)] {
        let mut end = closed();
        end.wait(wait);
        assert_eq!(end.ws.interest().hang_up, hangs_up, "{wait:?}");
        assert_eq!(end.ws.interest().read, !hangs_up);
        assert_eq!(end.deadline().is_none(), hangs_up);
    }
    let mut end = closed();
    end.ws.receive_eof();
    assert_eq!((end.ws.interest().hang_up, end.deadline()), (true, None));
}

/// Whatever ends the connection: what the peer does not read is dropped in the end.
#[test]
fn what_is_left_at_the_end_has_to_be_written() {
    let endings: [fn(&mut End); 4] = [
        |end| end.receive_frame(Frame::close(1000, "")),
        |end| end.receive_frame(Frame::new(3, "")),
        |end| end.ws.receive_eof(),
        |end| {
            begin_message(end);
            end.wait(seconds(30));
            assert_eq!(end.timed_out(), Some(Timeout::Progress));
        },
    ];
    for role in ROLES {
        for ending in endings {
            let keepalive = Keepalive::off().close(seconds(10)).progress(1 << 10, seconds(30));
            let mut end = End::new(role, keepalive);
            end.ws.send_text("it waits").expect("it is open");
            ending(&mut end);
            end.look();
            assert!(end.cause().is_some());
            assert_eq!(end.deadline(), Some((end.now.saturating_add(seconds(10)), Timeout::HangUp)));
            end.wait(seconds(10) - NS);
            assert!(end.ws.interest().write && !end.ws.interest().hang_up);
            end.wait(NS);
            assert!(!end.ws.interest().write && end.ws.interest().hang_up, "{role:?}");
            assert_eq!((end.ws.buffered(), end.deadline()), (0, None));
        }
    }
}

/// When the machine was suspended, or the thread was blocked, what is waited for may lie in the socket unread.
#[test]
fn a_driver_that_was_away_waits_once_more() {
    type Arm = fn(&mut End);
    let cases: [(Timeout, Arm); 4] = [
        (Timeout::Pong, |end| {
            end.wait(seconds(30));
            end.write();
        }),
        (Timeout::Progress, begin_message),
        (Timeout::Write, |end| {
            end.ws.send_text("it waits").expect("it is open");
            end.look();
        }),
        (Timeout::Close, |end| {
            end.ws.close(CloseCode::NORMAL).expect("it is open");
            end.look();
            end.write();
        }),
    ];
    for role in ROLES {
        for (reason, arm) in cases {
            let keepalive = Keepalive::new().ping(if reason == Timeout::Pong { Some(seconds(30)) } else { None });
            let mut end = End::new(role, keepalive.clone());
            arm(&mut end);
            let (at, due) = end.deadline().expect("it is armed");
            let span = at.saturating_duration_since(end.now);
            assert_eq!(due, reason);
            end.wait(span + span / 4 - NS);
            assert_eq!(end.timed_out(), Some(reason), "late, but not away: {role:?}");

            let mut end = End::new(role, keepalive.clone());
            arm(&mut end);
            end.wait(span + span / 4);
            assert_eq!(end.cause(), None, "{role:?} {reason:?}");

            let mut end = End::new(role, keepalive);
            arm(&mut end);
            end.wait(seconds(24 * 3600));
            assert_eq!(end.cause(), None, "{role:?} {reason:?}");
            assert_eq!(end.deadline(), Some((end.now.saturating_add(span), reason)));
            end.wait(span);
            assert_eq!(end.timed_out(), Some(reason), "{role:?}");
            // One that always comes late is no excuse.
            let mut end = End::new(role, Keepalive::new().ping(None));
            if reason != Timeout::Pong {
                arm(&mut end);
                end.wait(seconds(500));
                end.wait(seconds(500));
                assert_eq!(end.timed_out(), Some(reason), "{role:?}");
            }
        }
    }
}

/// What comes for one connection is no life of another that uses the same input.
#[test]
fn connections_that_share_an_input_keep_time_each_for_itself() {
    for role in ROLES {
        let config = Config::new().keepalive(Keepalive::new());
        let mut input = Input::new();
        let [mut busy, mut quiet] = [(); 2].map(|()| connection(role, &config));
        let text = Frame::text("hello").to(role).bytes();
        for second in 0..=30 {
            let now = START.saturating_add(seconds(second));
            assert_eq!(feed(&mut busy, &mut input, &text).len(), 1);
            busy.handle_timeout(now);
            assert_eq!(take_events(&mut quiet, &mut input), []);
            quiet.handle_timeout(now);
        }
        assert_eq!((busy.buffered(), sent_by(role, &drain(&mut quiet)).len()), (0, 1), "{role:?}");
    }
}

/// Back-pressure is no silence of the peer's.
#[test]
fn time_in_which_the_application_does_not_read_does_not_count() {
    for role in ROLES {
        for with_looks in [true, false] {
            let mut end = End::new(role, Keepalive::new().idle(seconds(100)).message(seconds(60)));
            begin_message(&mut end);
            end.wait(seconds(5));
            end.ws.pause_reading();
            end.look();
            assert_eq!((end.ws.interest().read, end.deadline()), (false, None));
            if with_looks {
                (0..100).for_each(|_| end.wait(seconds(60)));
            } else {
                end.now = end.now.saturating_add(seconds(6000));
            }
            end.ws.resume_reading();
            assert!(end.ws.interest().read);
            assert_eq!(end.deadline().map(|(at, _)| at), Some(Instant::ORIGIN), "silence begins");
            end.look();
            assert_eq!((end.write(), end.cause()), (vec![], None));
            // All of it begins again.
            end.wait(seconds(29));
            assert_eq!((end.write(), end.cause()), (vec![], None), "{role:?}");
            end_message(&mut end);
            end.wait(seconds(29));
            assert_eq!(end.write(), []);
            end.wait(seconds(1));
            assert_eq!(end.write().len(), 1, "a Ping");
            // Nor does it while a Pong is due.
            end.ws.pause_reading();
            end.look();
            end.wait(seconds(600));
            end.ws.resume_reading();
            end.look();
            end.wait(seconds(20) - NS);
            assert_eq!(end.cause(), None);
            end.wait(NS);
            assert_eq!(end.timed_out(), Some(Timeout::Pong));
        }
    }
}

/// A driver that says the time only when a deadline has passed is late by less than that time again, and misses nothing.
#[test]
fn a_driver_may_say_the_time_only_when_it_is_due() {
    for role in ROLES {
        let config = Config::new().keepalive(Keepalive::new());
        let (mut ws, mut input) = (connection(role, &config), Input::new());
        let mut now = START;
        let mut last_received = now;
        let mut pings = 0;
        for second in 0..10_000 {
            now = now.saturating_add(seconds(1));
            if second < 5000 && second % 7 == 0 {
                feed(&mut ws, &mut input, &Frame::text("hello").to(role).bytes());
                last_received = now;
            }
            while ws.interest().deadline.is_some_and(|deadline| deadline.at <= now) {
                let before = ws.interest();
                ws.handle_timeout(now);
                if ws.interest() == before {
                    break;
                }
            }
            pings += sent_by(role, &drain(&mut ws)).len();
            if let [Seen::Closed { cause, .. }] = &take_events(&mut ws, &mut input)[..] {
                assert_eq!(cause, &Cause::TimedOut(Timeout::Pong));
                break;
            }
        }
        assert_eq!(pings, 1);
        let silence = now.saturating_duration_since(last_received);
        assert!(silence >= seconds(50) && silence <= seconds(82), "{silence:?}");
    }
}

#[test]
fn without_keepalive_there_is_no_deadline_and_the_time_changes_nothing() {
    for role in ROLES {
        let mut end = End::with(role, &Config::new());
        begin_message(&mut end);
        end.ws.send_text("it waits").expect("it is open");
        end.wait(seconds(1 << 40));
        assert_eq!((end.deadline(), end.cause(), end.ws.round_trip()), (None, None, None));
        end.ws.close(CloseCode::NORMAL).expect("it is open");
        end.wait(seconds(1 << 33));
        assert_eq!((end.deadline(), end.cause()), (None, None));
        assert_eq!(end.write().len(), 2);
        let mut off = End::new(role, Keepalive::off());
        off.wait(seconds(1 << 33));
        assert_eq!((off.deadline(), off.write()), (None, vec![]));
    }
}

/// The Ping goes out whatever waits, and beyond the limit of the output; the end of time ends nothing.
#[test]
fn a_ping_has_its_place_in_a_full_output() {
    let config = Config::new().keepalive(Keepalive::off().ping(seconds(30)).pong(seconds(20))).max_buffered(10);
    let mut end = End::with(Role::Server, &config);
    end.ws.send_binary(&[7; 8]).expect("there is room");
    end.wait(seconds(30));
    assert_eq!(end.ws.buffered(), 10 + 7);
    end.wait(seconds(3000));
    assert_eq!(end.ws.buffered(), 10 + 7, "one is enough");
    assert_eq!(end.write().iter().map(|frame| frame.opcode).collect::<Vec<_>>(), [PING, BINARY]);
    end.wait_until(Instant::MAX);
    assert_eq!(end.timed_out(), Some(Timeout::Pong));
    let mut output = Vec::new();
    while end.ws.output().has_remaining() {
        output.push(end.ws.output().get_u8());
    }
    assert_eq!(output, []);
}

/// Each message has its own time, also where every read ends in the middle of one.
#[test]
fn messages_that_overlap_reads_are_not_one_slow_message() {
    for role in ROLES {
        let config = Config::new().keepalive(Keepalive::off().progress(1024, Duration::from_secs(30)));
        let mut ws = connection(role, &config);
        let mut input = Input::new();
        let message = Frame::text([b'x'; 50]).to(role).bytes();
        let (head, tail) = message.split_at(20);
        feed(&mut ws, &mut input, head);
        for seconds in (0..300).step_by(5) {
            ws.handle_timeout(Instant::new(Duration::from_secs(seconds)));
            assert_eq!(feed(&mut ws, &mut input, tail).len(), 1, "{role:?} after {seconds} s");
            feed(&mut ws, &mut input, head);
        }
        assert!(!ws.interest().write, "nobody has been failed");
        // The one that has begun and does not go on is another matter.
        ws.handle_timeout(Instant::new(Duration::from_secs(300)));
        ws.handle_timeout(Instant::new(Duration::from_secs(330)));
        assert!(ws.interest().write);
    }
}

/// What was waiting has gone, so that what has just been queued has its own time.
#[test]
fn what_is_written_at_once_is_not_slow() {
    for role in ROLES {
        let config = Config::new().keepalive(Keepalive::off().write(1024, Duration::from_secs(60)));
        let mut ws = connection(role, &config);
        for minute in 0..10 {
            ws.send_text("a few").unwrap();
            ws.handle_timeout(Instant::new(Duration::from_secs(60 * minute)));
            assert!(!drain(&mut ws).is_empty(), "{role:?} after {minute} minutes");
        }
        assert!(ws.receive(&mut Input::new()).is_none());
    }
}
