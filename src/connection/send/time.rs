//! The time as the sending half keeps it, and what it counts.

use super::{Reading, SendHalf};
use crate::close_code::CloseCode;
use crate::close_frame::CloseFrame;
use crate::connection::output::Backlog;
use crate::connection::tally::{Counters, Sent, Tally};
use crate::connection::timing::{Due, State};
use crate::deadline::{Deadline, Timeout};
use crate::event::{Cause, Event};
use crate::instant::Instant;
use crate::rules::closing::Closing;
use crate::rules::sequence::Sequence;
use crate::send_error::{SendErrorKind, WriteError};
use crate::text::Utf8Bytes;
use bytes::Buf;
use core::time::Duration;

impl SendHalf {
    /// As [`Connection::handle_timeout`](crate::Connection::handle_timeout). What has been received counts as far as it has
    /// been passed on ([`ReceiveHalf::activity`](crate::ReceiveHalf::activity)). When a deadline ends the connection,
    /// [`closed`](SendHalf::closed) returns it, and the other half has to be [stopped](crate::ReceiveHalf::stop).
    pub fn handle_timeout(&mut self, now: Instant) {
        let state = self.state();
        let Some(timing) = &mut self.timing else { return };
        if self.reading == Reading::Resumed {
            self.reading = Reading::Goes;
        }
        let (written, messages) = (self.writer.output.take_written(), core::mem::take(&mut self.messages));
        let due = timing.look(now, &state, written, messages);
        self.is_over_rate = timing.is_over_rate();
        match due {
            Due::Nothing => {}
            due => self.act(due),
        }
    }

    #[inline(never)]
    fn act(&mut self, due: Due) {
        match due {
            Due::Nothing => {}
            Due::Ping(number) => self.writer.append_automatic_ping(number),
            Due::Close(frame) => {
                let frame = if self.check_close(&frame).is_ok() { frame } else { CloseCode::GOING_AWAY.into() };
                self.send_close(frame);
            }
            Due::Fail(cause) => {
                self.writer.output.cut(Backlog::FramesOfOneWrite, self.close_state.close_size());
                let reason = match cause {
                    Cause::RateExceeded => "too much in a second",
                    Cause::TimedOut(_) | Cause::Agreed | Cause::Violation(_) | Cause::EndOfStream => "too slow",
                };
                let frame = CloseFrame::new(CloseCode::POLICY_VIOLATION, Utf8Bytes::from_static(reason));
                // Either reason is shorter than the limit.
                self.send_close(frame.unwrap_or(CloseFrame::EMPTY));
                self.close_state.give_up(cause);
            }
            Due::GiveUp(timeout) => {
                // RFC 6455 §7.1.7: nobody reads it.
                self.writer.output.clear();
                self.close_state.give_up(Cause::TimedOut(timeout));
            }
            Due::HangUp => {
                self.writer.output.clear();
                self.close_state.wait_no_longer();
            }
        }
    }

    /// As [`Connection::pause_reading`](crate::Connection::pause_reading).
    pub fn pause_reading(&mut self) {
        self.reading = Reading::Paused;
    }

    /// As [`Connection::resume_reading`](crate::Connection::resume_reading).
    pub fn resume_reading(&mut self) {
        if self.reading == Reading::Paused {
            self.reading = Reading::Resumed;
        }
    }

    /// As [`Connection::round_trip`](crate::Connection::round_trip).
    pub fn round_trip(&self) -> Option<Duration> {
        self.timing.as_ref()?.round_trip()
    }

    /// As [`Connection::counters`](crate::Connection::counters). What has been received counts as far as it has been
    /// passed on ([`ReceiveHalf::activity`](crate::ReceiveHalf::activity)).
    pub fn counters(&self) -> Option<Counters> {
        let mut counters = self.timing.as_ref()?.counters()?;
        counters.messages_sent += u64::from(self.messages);
        counters.bytes_sent += u64::from(self.writer.output.written());
        Some(counters)
    }

    #[inline]
    pub(in crate::connection) const fn keeps_time(&self) -> bool {
        self.timing.is_some()
    }

    /// Whether a deadline has ended the connection.
    #[inline]
    pub(in crate::connection) fn gave_up(&self) -> bool {
        self.close_state.closing() == Closing::GaveUp
    }

    /// Whether to read, as far as time and the application decide it.
    #[inline]
    pub(super) fn may_read(&self) -> bool {
        self.reading != Reading::Paused && !self.is_over_rate && !self.gave_up()
    }

    /// When `handle_timeout` has to be called.
    #[inline]
    pub(super) fn deadline(&self) -> Option<Deadline> {
        if self.timing.is_some() { self.next_deadline() } else { None }
    }

    #[cold]
    fn next_deadline(&self) -> Option<Deadline> {
        if self.reading == Reading::Resumed && self.close_state.closing() == Closing::Open {
            // The peer's silence begins now.
            return Deadline::at_once(Timeout::Ping);
        }
        self.timing.as_ref()?.deadline(&self.state())
    }

    #[inline]
    fn state(&self) -> State {
        State {
            closing: self.close_state.closing(),
            is_returned: self.close_state.is_returned(),
            hangs_up: self.close_state.hangs_up(self.role),
            in_message: self.sequence != Sequence::Idle,
            ping_waits: self.writer.output.ping_waits(),
            close_waits: self.writer.output.close_waits(self.close_state.close_size()),
            waiting: self.writer.output.remaining() as u64,
            is_paused: self.reading != Reading::Goes,
        }
    }

    /// Records what has been received.
    pub(in crate::connection) fn note_received(&mut self, tally: &Tally) {
        if let Some(timing) = &mut self.timing {
            timing.receive(tally);
        }
    }

    /// Counts a message that is not short.
    #[inline(never)]
    pub(in crate::connection) fn note_payload(&mut self, length: usize) {
        if let Some(received) = self.timing.as_mut().and_then(|timing| timing.received()) {
            received.payload(length);
        }
    }

    /// Counts an event, which is not a short message.
    #[inline(never)]
    pub(in crate::connection) fn note_event(&mut self, event: &Event<'_>) {
        if let Some(received) = self.timing.as_mut().and_then(|timing| timing.received()) {
            received.event(self.role, event);
        }
    }

    /// Counts something that is sent, or refused.
    #[inline]
    pub(super) fn count_sent(&mut self, count: impl FnOnce(&mut Sent)) {
        if let Some(sent) = self.timing.as_mut().and_then(|timing| timing.sent()) {
            count(sent);
        }
    }

    /// Counts a message, or that it was refused.
    #[inline]
    pub(super) fn count_message(&mut self, sent: Result<(), SendErrorKind>) -> Result<(), SendErrorKind> {
        match sent {
            Ok(()) => self.messages = self.messages.wrapping_add(1),
            Err(_) => self.count_sent(|sent| sent.refused += 1),
        }
        sent
    }

    /// As [`count_message`](Self::count_message), for a message that was written into the output.
    pub(super) fn count_written<E>(&mut self, sent: Result<(), WriteError<E>>) -> Result<(), WriteError<E>> {
        match &sent {
            Ok(()) => self.messages = self.messages.wrapping_add(1),
            Err(WriteError::Refused(_)) => self.count_sent(|sent| sent.refused += 1),
            Err(WriteError::NotUtf8 | WriteError::Failed(_)) => {}
        }
        sent
    }
}
