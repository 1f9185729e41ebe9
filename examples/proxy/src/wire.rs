//! A socket, and how it is read and closed.

use std::{io, time::Duration};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use ws_proto::{Clock, Deadline, Input};

/// A socket, and what has come from it: what follows a handshake stays there for the connection.
pub struct Wire {
    pub socket: TcpStream,
    pub input: Input,
}

impl Wire {
    pub fn new(socket: TcpStream) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        Ok(Self { socket, input: Input::new() })
    }

    /// Reads once, and returns how many bytes have come; `None` when the deadline has passed.
    pub async fn read(&mut self, deadline: Option<Deadline>, clock: Clock) -> io::Result<Option<usize>> {
        let mut room = self.input.room();
        timeout_at(wake(deadline, clock), self.socket.read_buf(&mut room)).await.ok().transpose()
    }

    /// RFC 6455 §7.1.1: ends the writing side and reads on for a moment. A socket that is closed with unread bytes in it
    /// resets the connection, and the peer may never see the last frame.
    pub async fn hang_up(mut self) {
        let linger = async {
            self.socket.shutdown().await?;
            let mut rest = [0; 4096];
            while self.socket.read(&mut rest).await? > 0 {}
            io::Result::Ok(())
        };
        let _ = timeout(Duration::from_secs(1), linger).await;
    }
}

/// Until when to sleep for a deadline.
pub fn wake(deadline: Option<Deadline>, clock: Clock) -> Instant {
    clock.to_std(deadline.map_or(ws_proto::Instant::MAX, |deadline| deadline.at)).into()
}
