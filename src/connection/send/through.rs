//! Sends a message straight to a writer, where nothing waits ahead of it.

use super::SendHalf;
use super::frame_writer::Start;
use crate::frame::EncodedHeader;
use crate::message::Message;
use crate::prepared::Prepared;
use crate::send_error::SendError;
use std::io::{ErrorKind, IoSlice, Write};

/// The largest payload that is written so: a slice of this size is one that every system can count.
const MOST: usize = 1 << 30;

impl SendHalf {
    /// Sends a message and writes it, past the output where that is empty. See
    /// [`Connection::send_through`](crate::Connection::send_through) for details.
    ///
    /// # Errors
    /// Those of [`Connection::send_through`](crate::Connection::send_through).
    #[inline]
    pub fn send_through(&mut self, message: &Message, writer: &mut (impl Write + ?Sized)) -> Result<(), SendError> {
        let Some((start, header)) = self.direct(message) else {
            self.queue(message)?;
            self.write_queued(writer);
            return Ok(());
        };
        self.messages = self.messages.wrapping_add(1);
        let (head, payload) = (header.as_ref(), message.as_bytes());
        let written = write_once(writer, head, payload);
        if written == head.len() + payload.len() {
            self.writer.output.note_written(written);
        } else {
            self.keep(start, message, written);
        }
        Ok(())
    }

    /// Sends a prepared message and writes it, past the output where that is empty. See
    /// [`Connection::send_prepared_through`](crate::Connection::send_prepared_through) for details.
    ///
    /// # Errors
    /// Those of [`Connection::send_prepared_through`](crate::Connection::send_prepared_through).
    #[inline]
    pub fn send_prepared_through(
        &mut self,
        prepared: &Prepared,
        writer: &mut (impl Write + ?Sized),
    ) -> Result<(), SendError> {
        let chosen = self.choose_form(prepared)?;
        let form = chosen.form;
        if form.size() > MOST || !self.writer.writes_through(form.payload_size()) {
            let appended = self.writer.append_form(form);
            self.count_form(&chosen, appended)?;
            self.write_queued(writer);
            return Ok(());
        }
        let payload = form.referenced().map_or(&[][..], |payload| payload);
        let written = write_once(writer, form.copied(), payload);
        if written == form.size() {
            self.writer.output.note_written(written);
            return Ok(self.count_form(&chosen, Ok(()))?);
        }
        let appended = self.writer.append_form(form);
        self.writer.output.begin_written(written);
        Ok(self.count_form(&chosen, appended)?)
    }

    /// The start and the header of a message that needs nothing but to be written, in one frame, untouched and at once.
    #[inline]
    fn direct(&self, message: &Message) -> Option<(Start, EncodedHeader)> {
        let (length, reserved) = (message.as_bytes().len(), message.reserved_bits());
        let by_reference = !self.writer.masks() && !self.writer.copies(length) && length <= MOST;
        let is_compressed = reserved.is_none() && self.deflates(length);
        let may_be_sent = self.may_begin().is_ok() && self.may_set(reserved).is_ok() && !is_compressed;
        let start = Start::of(message.kind().opcode(), reserved, true);
        let is_direct = by_reference && may_be_sent && self.writer.writes_through(length);
        is_direct.then(|| (start, start.header(length).encode()))
    }

    /// Sends a message that stays the caller's, as [`send`](Self::send) does, with an error that does not share it.
    #[inline(never)]
    fn queue(&mut self, message: &Message) -> Result<(), SendError> {
        match message {
            Message::Text(text) if self.writer.copies(text.len()) => self.send_text(text),
            Message::Binary(data) if self.writer.copies(data.len()) => self.send_binary(data),
            message => self.send(message.clone()).map_err(|error| error.kind().into()),
        }
    }

    /// Writes what waits. What is not written goes on waiting, whether the writer fails or not.
    fn write_queued(&mut self, writer: &mut (impl Write + ?Sized)) {
        let _result = self.writer.output.write_to(writer);
    }

    /// Queues what the writer has not taken of a message.
    #[cold]
    fn keep(&mut self, start: Start, message: &Message, written: usize) {
        self.writer.append_owned(start, message.clone().into_bytes());
        self.writer.output.begin_written(written);
    }
}

/// Writes a frame, or a part of it. Returns how many bytes were written; 0 if the writer fails.
#[inline]
fn write_once(writer: &mut (impl Write + ?Sized), head: &[u8], payload: &[u8]) -> usize {
    loop {
        let result = if payload.is_empty() {
            writer.write(head)
        } else {
            writer.write_vectored(&[IoSlice::new(head), IoSlice::new(payload)])
        };
        match result {
            Ok(written) if written <= head.len() + payload.len() => return written,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(_) | Err(_) => return 0,
        }
    }
}
