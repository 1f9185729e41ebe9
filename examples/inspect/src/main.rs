//! Reads a captured TCP connection and prints the WebSocket that was on it: `cargo run --bin inspect -- FILE.pcap`.
//!
//! The handshake and every frame are printed as the peers have seen them, unmasked and inflated, with the rule that one of
//! them has broken. Each direction is decoded by a connection of the role that received it.

mod frames;
mod handshake;
mod pcap;
mod print;
mod session;
mod tcp;

use anyhow::Context;
use clap::Parser;
use print::{Printer, Style};
use session::Session;
use std::fs;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use ws_proto::{DeflateParameters, NegotiationError, Role};

/// Prints the WebSocket in the capture of a TCP connection: its handshake, and every frame of both directions.
///
/// What came from the client is marked with >, what came from the server with <.
#[derive(Parser)]
struct Options {
    /// A capture with one connection, as tcpdump writes it (pcap, not pcapng).
    #[arg(required_unless_present_any = ["client", "server"], conflicts_with_all = ["client", "server"])]
    pcap: Option<PathBuf>,
    /// What the client has sent, as raw bytes.
    #[arg(long, value_name = "FILE")]
    client: Option<PathBuf>,
    /// What the server has sent, as raw bytes.
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
    /// Where a pcap holds several connections: a port that only the one has.
    #[arg(long)]
    port: Option<u16>,
    /// The capture begins behind the handshake, and between two frames.
    #[arg(long)]
    no_handshake: bool,
    /// What the handshake that is missing has agreed on: "permessage-deflate", with its parameters. With context takeover,
    /// messages can be inflated only if the capture holds those ahead of them.
    #[arg(long, value_name = "EXTENSION", requires = "no_handshake", value_parser = agreed)]
    deflate: Option<DeflateParameters>,
    /// Prints payloads whole. Otherwise 256 bytes of each are printed.
    #[arg(long)]
    full: bool,
    /// Prints one JSON object a line.
    #[arg(long)]
    json: bool,
}

fn agreed(extension: &str) -> Result<DeflateParameters, NegotiationError> {
    extension.parse()
}

/// Bytes that one side sent, in their order.
struct Chunk {
    sender: Role,
    /// Since the capture began, if it says so.
    time: Option<Duration>,
    bytes: Vec<u8>,
}

/// Both directions of a connection, in the order in which they were captured.
struct Capture {
    chunks: Vec<Chunk>,
    /// What is to be said about the capture itself.
    notes: Vec<String>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads the output has had enough of it, as `head` does.
        Err(error) if error.downcast_ref().map(io::Error::kind) == Some(ErrorKind::BrokenPipe) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("inspect: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> anyhow::Result<()> {
    let read = |path: &PathBuf| fs::read(path).with_context(|| path.display().to_string());
    let capture = match &options.pcap {
        Some(path) => pcap::read(&read(path)?, options.port).with_context(|| path.display().to_string())?,
        None => {
            let sides = [(Role::Client, &options.client), (Role::Server, &options.server)];
            let chunk = |(sender, path): (_, &Option<_>)| match path {
                Some(path) => read(path).map(|bytes| Chunk { sender, time: None, bytes }),
                None => Ok(Chunk { sender, time: None, bytes: Vec::new() }),
            };
            Capture { chunks: sides.into_iter().map(chunk).collect::<Result<_, _>>()?, notes: Vec::new() }
        }
    };
    let stdout = io::stdout();
    let style = match options.json {
        true => Style::Json,
        // The convention of no-color.org: set and not empty.
        false if stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) => {
            Style::Colour
        }
        false => Style::Plain,
    };
    let limit = if options.full { usize::MAX } else { 256 };
    let mut printer = Printer::new(BufWriter::new(stdout.lock()), style);
    let mut session = match options.no_handshake {
        true => Session::upgraded(options.deflate, limit),
        false => Session::new(limit),
    };
    for chunk in &capture.chunks {
        session.receive(chunk, &mut printer)?;
    }
    session.finish(&mut printer)?;
    for note in &capture.notes {
        printer.note(note)?;
    }
    Ok(printer.into_inner().flush()?)
}
