//! A WebSocket server without an operating system: it echoes what comes over a serial line, in 24 KiB of heap.

#![no_std]
#![no_main]

use board::{HEAP_SIZE, Uart, exit, heap_used, uptime};
use core::time::Duration;
use cortex_m_rt::entry;
use cortex_m_semihosting::hprintln;
use ws_proto::bytes::Buf;
use ws_proto::handshake::server::{Answer, Handshake};
use ws_proto::{Closed, Config, Connection, Event, Input, Instant, Keepalive};

#[entry]
fn main() -> ! {
    let Some(mut uart) = board::start() else { exit(false) };
    let mut peak = 0;
    let closed = serve(&mut uart, &mut peak);
    if let Some(closed) = &closed {
        hprintln!("closed: {}", closed);
    }
    hprintln!("heap: {} bytes of {}", peak, HEAP_SIZE);
    linger(&mut uart);
    exit(closed.is_some_and(|closed| closed.is_clean()))
}

/// What a peer can make this device hold: half of the heap for a message, and the rest to answer it.
fn config() -> Config {
    let keepalive = Keepalive::new().handshake(Duration::from_secs(3)).close(Duration::from_secs(3));
    Config::new().max_head(2 << 10).max_headers(32).max_message(2 << 10).max_buffered(4 << 10).keepalive(keepalive)
}

/// Serves one peer to the end; `None` if there was no handshake.
fn serve(uart: &mut Uart, peak: &mut usize) -> Option<Closed> {
    let (mut input, config) = (Input::new(), config());
    let mut handshake = Handshake::new(&config);
    let mut ws = loop {
        receive(uart, &mut input);
        handshake.handle_timeout(now());
        match handshake.receive(&mut input) {
            Ok(None) => {}
            // The answer asks for nothing that the request does not offer.
            Ok(Some(request)) => break request.accept(Answer::new()).ok()?,
            Err(rejection) => {
                hprintln!("refused: {}", rejection);
                let mut response = rejection.response().to_bytes();
                while response.has_remaining() {
                    let count = uart.send(response.chunk());
                    response.advance(count);
                }
                return None;
            }
        }
    };
    let mut end = None;
    loop {
        while let Some(event) = ws.receive(&mut input) {
            match event {
                Event::Closed(closed) => end = Some(closed),
                event => echo(&mut ws, event),
            }
        }
        ws.handle_timeout(now());
        *peak = heap_used().max(*peak);
        let want = ws.interest();
        if want.hang_up {
            return end;
        }
        if want.write {
            let output = ws.output();
            let count = uart.send(output.chunk());
            output.advance(count);
        } else if want.read {
            // While the echo waits, nothing is read: the output has room for all of it.
            receive(uart, &mut input);
        }
    }
}

fn echo(ws: &mut Connection, event: Event<'_>) {
    let sent = match event {
        Event::Text(text) => ws.send_text(&text),
        Event::Binary(data) => ws.send_binary(&data),
        _ => Ok(()),
    };
    if let Err(error) = sent {
        hprintln!("not echoed: {}", error);
    }
}

/// Takes what has come over the line.
fn receive(uart: &mut Uart, input: &mut Input) {
    let mut bytes = [0; 64];
    let count = uart.receive(&mut bytes);
    input.extend_from_slice(&bytes[..count]);
}

/// Reads on until nothing has come for a moment: the emulator ends with its socket, and if bytes are unread in that, the peer
/// may never see the last frame.
fn linger(uart: &mut Uart) {
    let (mut rest, mut last) = ([0; 64], uptime());
    while uptime() - last < Duration::from_millis(200) {
        if uart.receive(&mut rest) > 0 {
            last = uptime();
        }
    }
}

fn now() -> Instant {
    Instant::new(uptime())
}
