//! Close frames that this side sends (RFC 6455 §5.5.1, §7.1.2).

use super::SendHalf;
use crate::close_code::CloseCode;
use crate::close_frame::CloseFrame;
use crate::connection::output::Backlog;
use crate::role::Role;
use crate::send_error::{SendError, SendErrorKind};

impl SendHalf {
    /// Sends a Close frame. See [`Connection::close`](crate::Connection::close) for details.
    ///
    /// # Errors
    /// Those of [`Connection::close`](crate::Connection::close).
    pub fn close(&mut self, frame: impl Into<CloseFrame>) -> Result<(), SendError> {
        let frame = frame.into();
        self.check_close(&frame)?;
        self.send_close(frame);
        Ok(())
    }

    /// Sends a Close frame at once, and drops what waits. See
    /// [`Connection::close_now`](crate::Connection::close_now) for details.
    ///
    /// # Errors
    /// Those of [`Connection::close_now`](crate::Connection::close_now).
    pub fn close_now(&mut self, frame: impl Into<CloseFrame>) -> Result<(), SendError> {
        let close = self.close_state.close_size();
        if self.writer.output.close_waits(close) && self.writer.output.cut(Backlog::Frame, close) {
            return Ok(());
        }
        let frame = frame.into();
        self.check_close(&frame)?;
        self.writer.output.cut(Backlog::Frame, 0);
        self.send_close(frame);
        Ok(())
    }

    pub(super) fn check_close(&self, frame: &CloseFrame) -> Result<(), SendErrorKind> {
        if !self.close_state.may_close() {
            return Err(SendErrorKind::Closed);
        }
        // RFC 6455 §7.4.1: a server that lacks an extension fails the handshake instead. It may repeat a client's code in its
        // answer (§5.5.1).
        if self.role == Role::Server
            && frame.code() == Some(CloseCode::MANDATORY_EXTENSION)
            && !self.has_to_answer_close()
        {
            return Err(SendErrorKind::ClientCode);
        }
        Ok(())
    }

    pub(super) fn send_close(&mut self, frame: CloseFrame) {
        let size = self.writer.append_close(&frame);
        self.close_state.sent(frame, size);
    }
}
