//! How far the closing handshake is, and how the connection ends (RFC 6455 §7).

use crate::close_frame::CloseFrame;
use crate::event::{Cause, Closed};
use crate::role::Role;
use crate::rules::closing::Closing;
use crate::text::Utf8Bytes;
use crate::violation::Violation;
use alloc::boxed::Box;

/// The state of the closing handshake, and what [`Closed`] will report. It sends nothing itself: where a Close frame is
/// to be sent, a method returns it, and [`sent`](CloseState::sent) records that it was.
#[derive(Debug)]
pub(super) struct CloseState {
    closing: Closing,
    end_of_stream: bool,
    /// Whether the end has been returned.
    is_returned: bool,
    /// The size of the Close frame that was sent; 0 before that.
    close_size: u8,
    /// How the connection ends, from the first Close frame or the violation on.
    ending: Option<Box<Ending>>,
}

/// The Close frames sent and received, and what ended the connection, if it was nothing else.
#[derive(Debug, Default)]
struct Ending {
    sent: Option<CloseFrame>,
    received: Option<CloseFrame>,
    cause: Option<Cause>,
}

impl CloseState {
    #[inline]
    pub(super) const fn new() -> Self {
        Self { closing: Closing::Open, end_of_stream: false, is_returned: false, close_size: 0, ending: None }
    }

    /// Records the Close frame that this side has sent, which has this size with its header.
    pub(super) fn sent(&mut self, frame: CloseFrame, size: u8) {
        self.close_size = size;
        self.closing = self.closing.send();
        self.ending.get_or_insert_default().sent = Some(frame);
    }

    /// Records the peer's Close frame. If `answer` is set, it returns the Close frame that has to be sent in reply.
    pub(super) fn receive(&mut self, frame: CloseFrame, answer: bool) -> Option<CloseFrame> {
        self.closing = self.closing.receive();
        // RFC 6455 §5.5.1: unless a Close was sent before; the answer normally repeats the code.
        let is_due = answer && self.closing == Closing::Received;
        let reply = is_due.then(|| frame.code().map_or(CloseFrame::EMPTY, CloseFrame::from));
        self.ending.get_or_insert_default().received = Some(frame);
        reply
    }

    /// Records that the peer broke the protocol. It returns the Close frame to be sent, if none has been sent (RFC 6455
    /// §7.1.7).
    pub(super) fn fail(&mut self, violation: Violation) -> Option<CloseFrame> {
        let close = self.may_close().then(|| {
            let reason = Utf8Bytes::from_static(violation.reason());
            // Every reason is shorter than a Close frame's limit.
            CloseFrame::new(violation.close_code(), reason).unwrap_or(CloseFrame::EMPTY)
        });
        self.closing = Closing::Failed;
        self.ending.get_or_insert_default().cause = Some(Cause::Violation(violation));
        close
    }

    /// Records that this side waits no longer, or ends the connection for what the peer does too much of.
    pub(super) fn give_up(&mut self, cause: Cause) {
        self.closing = self.closing.give_up();
        self.ending.get_or_insert_default().cause = Some(cause);
    }

    /// Records that the transport is to be closed, whatever may still come.
    pub(super) const fn wait_no_longer(&mut self) {
        self.end_of_stream = true;
    }

    /// Records that the transport has ended; `drained` if all that came before has been received.
    pub(super) fn end_of_stream(&mut self, drained: bool) {
        self.end_of_stream = true;
        if drained {
            self.closing = self.closing.end();
        }
    }

    /// How the connection ended, once it has; returned once.
    pub(super) fn closed(&mut self) -> Option<Closed> {
        if self.is_returned || !self.is_over() {
            return None;
        }
        self.is_returned = true;
        let Ending { sent, received, cause } = self.ending.take().map_or_else(Ending::default, |ending| *ending);
        let cause = match cause {
            Some(cause) => cause,
            None if self.closing == Closing::Agreed => Cause::Agreed,
            None => Cause::EndOfStream,
        };
        Some(Closed { sent, received, cause })
    }

    /// Whether to close the transport, once the output is written.
    #[inline]
    pub(super) const fn hangs_up(&self, role: Role) -> bool {
        match self.closing {
            // Nothing more can arrive that would end it otherwise.
            Closing::Open | Closing::Sent | Closing::Received => self.end_of_stream,
            // RFC 6455 §7.1.1: the server closes at once; the client waits for the server to do it.
            Closing::Agreed => match role {
                Role::Server => true,
                Role::Client => self.end_of_stream,
            },
            // RFC 6455 §7.1.7: failing the connection includes closing it, on either side.
            Closing::Failed | Closing::Ended => true,
            // The driver learns of it by the event, as nothing on the wire shows it.
            Closing::GaveUp => self.is_returned,
        }
    }

    #[inline]
    pub(super) const fn closing(&self) -> Closing {
        self.closing
    }

    #[inline]
    pub(super) const fn close_size(&self) -> u8 {
        self.close_size
    }

    /// Whether the end has been returned.
    #[inline]
    pub(super) const fn is_returned(&self) -> bool {
        self.is_returned
    }

    /// Whether the end can be returned, or was.
    #[inline]
    pub(super) const fn is_over(&self) -> bool {
        self.closing.is_over()
    }

    /// Whether the peer's Close waits for an answer.
    pub(super) fn has_to_answer(&self) -> bool {
        self.closing == Closing::Received
    }

    /// Whether messages and Pings may be sent.
    #[inline]
    pub(super) const fn may_send(&self) -> bool {
        self.closing.may_send()
    }

    /// Whether a Pong may be sent.
    pub(super) const fn may_pong(&self) -> bool {
        self.closing.may_pong()
    }

    /// Whether the Close frame may be sent.
    pub(super) const fn may_close(&self) -> bool {
        self.closing.may_close()
    }
}
