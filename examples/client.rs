//! A client on a blocking socket: `cargo run --example client -- ws://127.0.0.1:9001/`.
//!
//! Lines from standard input go out as text, messages come in.

use std::io::{BufRead, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{self, Receiver, Sender};
use ws_proto::handshake::client::{Handshake, Request};
use ws_proto::{CloseCode, Config, Connection, DeflateConfig, Event, Input, Message, Seed};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const HELP: &str = "\
usage: client [--check] [--deflate] ws://HOST:PORT/PATH

Sends the lines of standard input as text, and prints what comes.

  --check    sends a fixed set of messages instead, compares what comes back, and exits with 0 if it is the same
  --deflate  offers compression";

fn main() {
    if let Err(error) = run() {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

fn run() -> Result {
    let (options, uris): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|arg| arg.starts_with("--"));
    if options.iter().any(|option| option == "--help") {
        println!("{HELP}");
        return Ok(());
    }
    let [uri] = &uris[..] else { return Err(HELP.into()) };
    let (mut config, mut check) = (Config::new(), false);
    for option in options {
        match option.as_str() {
            "--check" => check = true,
            "--deflate" => config = config.deflate(DeflateConfig::new()),
            _ => return Err(format!("unknown option {option}").into()),
        }
    }
    let client = Client::connect(uri, &config)?;
    if check { client.check() } else { client.chat() }
}

struct Client {
    socket: TcpStream,
    input: Input,
    ws: Connection,
}

impl Client {
    fn connect(uri: &str, config: &Config) -> Result<Self> {
        let request = Request::new(uri.parse()?);
        if request.uri().is_secure() {
            return Err("this example brings no TLS: use ws://".into());
        }
        let mut socket = TcpStream::connect(request.uri().host_and_port())?;
        socket.set_nodelay(true)?;
        let mut input = Input::new();
        let mut handshake = Handshake::new(&request, Seed::random()?, config);
        socket.write_all(handshake.output())?;
        loop {
            if let Some(accepted) = handshake.receive(&mut input)? {
                if let Some(extensions) = accepted.response.header("sec-websocket-extensions") {
                    eprintln!("agreed on {}", String::from_utf8_lossy(extensions));
                }
                return Ok(Self { socket, input, ws: accepted.connection });
            }
            if input.read_from(&mut socket)? == 0 {
                return Err("the server hung up during the handshake".into());
            }
        }
    }

    /// Reads what has come. A reset is the end of the stream, too.
    fn read(&mut self) {
        if !matches!(self.input.read_from(&mut self.socket), Ok(1..)) {
            self.ws.receive_eof();
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        while self.ws.interest().write {
            self.ws.output().write_to(&mut self.socket)?;
        }
        Ok(())
    }

    /// Standard input is read on one thread and the socket on another; both feed the loop, which owns the connection.
    fn chat(mut self) -> Result {
        enum Wake {
            Line(String),
            Bytes(Vec<u8>),
            EndOfInput,
            EndOfStream,
        }
        let (sender, wakes): (Sender<Wake>, Receiver<Wake>) = mpsc::channel();
        let (lines, mut socket) = (sender.clone(), self.socket.try_clone()?);
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines().map_while(std::io::Result::ok) {
                let _ = lines.send(Wake::Line(line));
            }
            let _ = lines.send(Wake::EndOfInput);
        });
        std::thread::spawn(move || {
            let mut chunk = [0; 16 << 10];
            while let Ok(count @ 1..) = socket.read(&mut chunk) {
                let _ = sender.send(Wake::Bytes(chunk[..count].to_vec()));
            }
            let _ = sender.send(Wake::EndOfStream);
        });
        let (mut closed, mut broken) = (false, false);
        loop {
            while let Some(event) = self.ws.receive(&mut self.input) {
                match event {
                    Event::Text(text) => println!("{text}"),
                    Event::Binary(data) => println!("{} bytes: {data:?}", data.len()),
                    Event::Closed(how) => {
                        eprintln!("closed: {how}");
                        closed = true;
                    }
                    _ => {}
                }
            }
            // Where writing fails, what the server has sent before can still be read.
            broken = broken || self.flush().is_err();
            if self.ws.interest().hang_up || (closed && broken) {
                return Ok(());
            }
            match wakes.recv()? {
                Wake::Bytes(bytes) => self.input.extend_from_slice(&bytes),
                Wake::EndOfStream => self.ws.receive_eof(),
                // The peer may have begun to close in the meantime.
                Wake::Line(line) => self.ws.send(line).unwrap_or_else(|error| eprintln!("not sent: {error}")),
                Wake::EndOfInput => self.ws.close(CloseCode::NORMAL).unwrap_or_default(),
            }
        }
    }

    fn check(mut self) -> Result {
        let pattern: Vec<u8> = (0..1 << 20).map(|i: u32| i.to_le_bytes()[usize::from(i.is_multiple_of(2))]).collect();
        let lines: String =
            (0..2000).map(|i| format!("{{\"line\": {i}, \"half\": {}, \"crab\": \"🦀\"}}\n", i / 2)).collect();
        let lines = Message::from(lines);
        for message in ["".into(), "emoji: 🦀 and 日本語".into(), lines.clone(), lines, Message::from(pattern)] {
            self.ws.send(message.clone())?;
            self.expect(&message)?;
        }
        for (part, fin) in [("frag", false), ("", false), ("mented ✓", true)] {
            self.ws.send_part(part, fin)?;
        }
        self.expect(&"fragmented ✓".into())?;
        self.ws.ping(b"are you there?")?;
        self.until(|event| match event {
            Event::Pong(data) if *data == b"are you there?"[..] => Ok(true),
            event => Err(format!("a Pong was due, and this came: {event:?}").into()),
        })?;
        self.ws.close(CloseCode::NORMAL)?;
        self.until(|event| match event {
            Event::Closed(closed) if closed.is_clean() && closed.code() == 1000 => Ok(true),
            event => Err(format!("a clean close was due, and this came: {event:?}").into()),
        })?;
        println!("every echo was right");
        Ok(())
    }

    fn expect(&mut self, expected: &Message) -> Result {
        self.until(|event| {
            let got = match event {
                Event::Text(text) => text.into_message(),
                Event::Binary(data) => data.into_message(),
                event => return Err(format!("a message was due, and this came: {event:?}").into()),
            };
            if got == *expected {
                return Ok(true);
            }
            let (kind, length) = (expected.kind(), expected.as_bytes().len());
            let (got_kind, got_length) = (got.kind(), got.as_bytes().len());
            Err(format!("{kind:?} of {length} bytes came back as another {got_kind:?} of {got_length}").into())
        })
    }

    /// Drives the connection until an event is the one that was waited for.
    fn until(&mut self, mut done: impl FnMut(Event<'_>) -> Result<bool>) -> Result {
        let mut found = false;
        while !found {
            // Where writing fails, what the server has sent before can still be read.
            let _ = self.flush();
            while let Some(event) = self.ws.receive(&mut self.input) {
                found = done(event)?;
                if found {
                    break;
                }
            }
            if !found && self.ws.interest().read {
                self.read();
            }
        }
        // After the end the server may be gone.
        let _ = self.flush();
        Ok(())
    }
}
