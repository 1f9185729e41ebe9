//! What both sides of the handshake need.

use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout_at;
use ws_proto::{Clock, Config, Deadline, Delivery, Input, Instant, Keepalive};

/// The configuration to use: one that returns whole messages, as the stream has no item for parts.
pub(crate) fn config_of(config: Option<Config>) -> Config {
    config.unwrap_or_else(|| Config::new().keepalive(Keepalive::new())).delivery(Delivery::Messages)
}

/// The time of a handshake.
#[derive(Clone, Copy)]
pub(crate) struct Time {
    clock: Clock,
}

impl Time {
    pub(crate) fn new() -> Self {
        Self { clock: Clock::new() }
    }

    pub(crate) fn now(self) -> Instant {
        self.clock.at(tokio::time::Instant::now().into_std())
    }

    /// Reads once, or waits until the deadline.
    pub(crate) async fn read(
        self,
        stream: &mut (impl AsyncRead + Unpin),
        input: &mut Input,
        deadline: Option<Deadline>,
    ) -> io::Result<()> {
        let until = deadline.map_or(Instant::MAX, |deadline| deadline.at);
        match timeout_at(self.clock.to_std(until).into(), stream.read_buf(&mut input.room())).await {
            Ok(Ok(0)) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(Err(error)) => Err(error),
            // The deadline is the handshake's to judge.
            Ok(Ok(_)) | Err(_) => Ok(()),
        }
    }
}
