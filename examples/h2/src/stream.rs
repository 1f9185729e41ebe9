//! A connection over a stream of HTTP/2.

use anyhow::Result;
use h2::{Reason, RecvStream, SendStream};
use std::{future::poll_fn, time::Duration};
use tokio::time::timeout;
use ws_proto::bytes::{Buf, Bytes};
use ws_proto::{Connection, Event, Input};

/// A stream of HTTP/2 whose DATA frames are the bytes of a WebSocket (RFC 8441 §5).
pub struct Stream {
    pub receiver: RecvStream,
    pub sender: SendStream<Bytes>,
}

impl Stream {
    /// Sends back what comes, until the end of both or until nothing happens for so long.
    pub async fn echo(mut self, mut ws: Connection, patience: Duration) -> Result<()> {
        let (mut input, mut is_reset) = (Input::new(), false);
        loop {
            while let Some(event) = ws.receive(&mut input) {
                match event {
                    Event::Text(text) => ws.send_text(&text)?,
                    Event::Binary(data) => ws.send(data.into_message())?,
                    Event::Closed(closed) => println!("closed: {closed}"),
                    _ => {}
                }
            }
            let want = ws.interest();
            if is_reset || want.hang_up {
                break;
            }
            let step =
                async { if want.write { self.write(&mut ws).await } else { self.read(&mut ws, &mut input).await } };
            match timeout(patience, step).await {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => println!("reset: {error}"),
                Err(_) => {
                    self.sender.send_reset(Reason::CANCEL); // RFC 8441 §5: what a reset is to TCP
                    println!("given up");
                }
            }
            is_reset = true;
            ws.receive_eof();
        }
        if !is_reset {
            self.sender.send_data(Bytes::new(), true)?;
            // To drop the stream resets it, so the client's END_STREAM is waited for.
            let linger = async {
                while let Some(Ok(data)) = self.receiver.data().await {
                    let _ = self.receiver.flow_control().release_capacity(data.len());
                }
            };
            let _ = timeout(Duration::from_secs(1), linger).await;
        }
        Ok(())
    }

    /// Reads what has come in a DATA frame.
    async fn read(&mut self, ws: &mut Connection, input: &mut Input) -> Result<(), h2::Error> {
        // RFC 8441 §5: END_STREAM is what the orderly end is to TCP.
        let Some(data) = self.receiver.data().await.transpose()? else {
            ws.receive_eof();
            return Ok(());
        };
        self.receiver.flow_control().release_capacity(data.len())?;
        input.put(data);
        Ok(())
    }

    /// Writes as much as the peer's window has room for.
    async fn write(&mut self, ws: &mut Connection) -> Result<(), h2::Error> {
        self.sender.reserve_capacity(ws.buffered());
        while self.sender.capacity() == 0 {
            poll_fn(|context| self.sender.poll_capacity(context)).await.unwrap_or(Err(Reason::CANCEL.into()))?;
        }
        let size = self.sender.capacity().min(ws.buffered());
        self.sender.send_data(ws.output().copy_to_bytes(size), false)
    }
}
