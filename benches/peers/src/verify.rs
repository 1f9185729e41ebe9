//! Proves that a job does what it says before it is timed: what it received and what it wrote are compared with what
//! was asked for, by a parser that is as plain as can be.

use crate::job::{Job, Seen};
use crate::wire::{Kind, Role};
use bytes::Bytes;
use std::cell::RefCell;
use zlib_rs::{Inflate, InflateFlush};

/// What was sent, and how it has to come out.
pub struct Expected<'a> {
    pub kind: Kind,
    /// The payloads, one after the other and over again.
    pub payloads: &'a [Bytes],
    pub count: usize,
}

impl Expected<'_> {
    /// Whether the job hands on the messages.
    pub fn is_received(&self, job: &mut Job) -> Result<(), String> {
        let mut seen = Seen { kept: Some(Vec::new()) };
        job(self.count, &mut seen);
        let kept = seen.kept.unwrap_or_default();
        if kept.len() != self.count {
            return Err(format!("{} messages instead of {}", kept.len(), self.count));
        }
        let mut due = self.payloads.iter().cycle();
        match kept.iter().position(|(kind, payload)| {
            *kind != self.kind || Some(payload.as_slice()) != due.next().map(|due| &due[..])
        }) {
            Some(at) => Err(format!("message {at} is not what was sent")),
            None => Ok(()),
        }
    }

    /// Whether the job makes this role write the messages, and nothing else.
    pub fn is_written(&self, job: &mut Job, record: &RefCell<Vec<u8>>, sender: Role) -> Result<(), String> {
        job(self.count, &mut Seen::default());
        self.is_on(&record.borrow(), sender)
    }

    /// Whether the job makes a server write the messages, each in one frame and compressed with those before it in the
    /// window.
    pub fn is_compressed(&self, job: &mut Job, record: &RefCell<Vec<u8>>) -> Result<(), String> {
        job(self.count, &mut Seen::default());
        let record = record.borrow();
        let mut rest = &record[..];
        let mut context = Inflate::new(false, 15);
        for (at, due) in self.payloads.iter().cycle().take(self.count).enumerate() {
            let (first, mut payload, behind) = frame(rest, Role::Server).ok_or("a frame is not whole")??;
            if first != 0xC1 {
                return Err(format!("message {at} begins with {first:02x}"));
            }
            payload.extend_from_slice(&[0, 0, 0xFF, 0xFF]);
            let mut room = vec![0; due.len() + 1];
            let before = context.total_out();
            context.decompress(&payload, &mut room, InflateFlush::SyncFlush).map_err(|error| format!("{error:?}"))?;
            if room[..(context.total_out() - before) as usize] != due[..] {
                return Err(format!("message {at} is not what was sent"));
            }
            rest = behind;
        }
        if rest.is_empty() { Ok(()) } else { Err("there is more on the wire than was sent".into()) }
    }

    /// The same for messages each of which refers to nothing before it, on connections of their own.
    pub fn is_compressed_anew(&self, record: &[u8]) -> Result<(), String> {
        let mut rest = record;
        for (at, due) in self.payloads.iter().cycle().take(self.count).enumerate() {
            let (first, mut payload, behind) = frame(rest, Role::Server).ok_or("a frame is not whole")??;
            if first != 0xC1 {
                return Err(format!("message {at} begins with {first:02x}"));
            }
            payload.extend_from_slice(&[0, 0, 0xFF, 0xFF]);
            let (mut context, mut room) = (Inflate::new(false, 15), vec![0; due.len() + 1]);
            context.decompress(&payload, &mut room, InflateFlush::SyncFlush).map_err(|error| format!("{error:?}"))?;
            if room[..context.total_out() as usize] != due[..] {
                return Err(format!("message {at} is not what was sent"));
            }
            rest = behind;
        }
        if rest.is_empty() { Ok(()) } else { Err("there is more on the wire than was sent".into()) }
    }

    /// Whether these bytes are the messages, as this role sends them.
    pub fn is_on(&self, wire: &[u8], sender: Role) -> Result<(), String> {
        let rest = self.is_at_front_of(wire, sender)?;
        if rest.is_empty() { Ok(()) } else { Err(format!("{} bytes on the wire that nobody sent", rest.len())) }
    }

    /// Whether these bytes begin with the messages; returns what is behind them.
    pub fn is_at_front_of<'a>(&self, wire: &'a [u8], sender: Role) -> Result<&'a [u8], String> {
        let mut rest = wire;
        for (at, due) in self.payloads.iter().cycle().take(self.count).enumerate() {
            let (kind, payload, behind) =
                message(rest, sender).map_err(|error| format!("message {at} on the wire: {error}"))?;
            if kind != self.kind || payload != due[..] {
                return Err(format!("message {at} on the wire is not what was sent"));
            }
            rest = behind;
        }
        Ok(rest)
    }
}

/// The message at the front of a wire, in whatever frames it came.
fn message(mut wire: &[u8], sender: Role) -> Result<(Kind, Vec<u8>, &[u8]), String> {
    let mut message = Vec::new();
    let mut begun = None;
    loop {
        let (first, mut payload, behind) = frame(wire, sender).ok_or("a frame is not whole")??;
        let opcode = first & 0x0F;
        begun = match (begun, opcode, first & 0x70) {
            (None, 1, 0) => Some(Kind::Text),
            (None, 2, 0) => Some(Kind::Binary),
            (Some(kind), 0, 0) => Some(kind),
            _ => return Err(format!("a frame that begins with {first:02x} is not due")),
        };
        message.append(&mut payload);
        wire = behind;
        if let (Some(kind), true) = (begun, first & 0x80 != 0) {
            return Ok((kind, message, wire));
        }
    }
}

/// The first byte, the payload, and what is behind it.
pub type Frame<'a> = (u8, Vec<u8>, &'a [u8]);

/// The frame at the front of a wire, or nothing if it is not whole.
pub fn frame(wire: &[u8], sender: Role) -> Option<Result<Frame<'_>, String>> {
    let (&[first, second], rest) = wire.split_first_chunk()?;
    let (length, rest) = match second & 0x7F {
        126 => {
            let (bytes, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*bytes)), rest)
        }
        127 => {
            let (bytes, rest) = rest.split_first_chunk()?;
            (u64::from_be_bytes(*bytes) as usize, rest)
        }
        short => (usize::from(short), rest),
    };
    let is_masked = second & 0x80 != 0;
    if is_masked != (sender == Role::Client) {
        return Some(Err("the mask bit is wrong".into()));
    }
    let (key, rest) = if is_masked { rest.split_first_chunk()? } else { (&[0; 4], rest) };
    let (payload, rest) = rest.split_at_checked(length)?;
    let payload = payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
    Some(Ok((first, payload, rest)))
}
