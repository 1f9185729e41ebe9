//! Drives a connection over any stream of tokio's, to the end of both. A peer that is silent for a minute is given up.

use clap::{Arg, Command};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use ws_proto::{Connection, Event, Input, SendError};

/// Calls `on_event` for each event, the last of which is [`Event::Closed`], and writes what it sends.
pub async fn drive<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    ws: Connection,
    on_event: impl FnMut(&mut Connection, Event<'_>) -> Result<(), SendError>,
) -> Result<(), SendError> {
    go_on(stream, Input::new(), ws, on_event).await
}

/// As [`drive`], after a handshake of this crate's: the input holds what has come behind it.
pub async fn go_on<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    mut input: Input,
    mut ws: Connection,
    mut on_event: impl FnMut(&mut Connection, Event<'_>) -> Result<(), SendError>,
) -> Result<(), SendError> {
    let (mut patience, mut is_closed) = (Duration::from_secs(60), false);
    loop {
        while let Some(event) = ws.receive(&mut input) {
            if matches!(event, Event::Closed(_)) {
                // What is left is to write the last frame and, on a client, to wait for the server to hang up.
                (patience, is_closed) = (Duration::from_secs(5), true);
            }
            on_event(&mut ws, event)?;
        }
        let want = ws.interest();
        if want.hang_up {
            break;
        }
        let step = async {
            if !want.write {
                return stream.read_buf(&mut input.room()).await;
            }
            let count = stream.write_buf(ws.output()).await?;
            if !ws.interest().write {
                stream.flush().await?; // what TLS holds back
            }
            Ok(count)
        };
        match timeout(patience, step).await {
            Ok(Ok(1..)) => {}
            _ if is_closed => break, // a socket error after the end means nothing
            _ => ws.receive_eof(),   // an error or a missed deadline is the end of the stream, too
        }
    }
    // RFC 6455 §7.1.1: end the writing side, then read on. A socket closed with unread bytes resets the connection.
    let mut rest = [0; 4096];
    let linger = async {
        stream.shutdown().await?;
        while stream.read(&mut rest).await? > 0 {}
        Ok::<(), std::io::Error>(())
    };
    let _ = timeout(Duration::from_secs(1), linger).await;
    Ok(())
}

/// The address to listen on, from the command line, where `--help` prints `about`.
pub fn address(about: &'static str) -> String {
    let addr = Arg::new("addr").help("Where to listen").default_value("127.0.0.1:9001");
    Command::new("server").about(about).arg(addr).get_matches().remove_one("addr").unwrap_or_default()
}
