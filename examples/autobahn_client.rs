//! Drives the fuzzing server of Autobahn|Testsuite: `cargo run --example autobahn_client -- ws://127.0.0.1:9002`.

use std::io::Write;
use std::net::TcpStream;
use ws_proto::handshake::client::{Handshake, Request};
use ws_proto::{Config, Connection, DeflateConfig, Event, Input, Seed, Seeds};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const HELP: &str = "\
usage: autobahn_client [--no-deflate] [ws://127.0.0.1:9002]

Runs all cases of a fuzzing server of Autobahn|Testsuite, and asks it for its report.

  --no-deflate  offers no compression";

fn main() {
    if let Err(error) = run_all() {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

fn run_all() -> Result {
    let (mut server, mut config) = ("ws://127.0.0.1:9002".to_owned(), Config::new().deflate(DeflateConfig::new()));
    for arg in std::env::args().skip(1) {
        match arg.as_str() {
            "--help" => {
                println!("{HELP}");
                return Ok(());
            }
            "--no-deflate" => config = Config::new(),
            _ if arg.starts_with("--") => return Err(format!("unknown option {arg}").into()),
            _ => server = arg,
        }
    }
    let server = server.trim_end_matches('/');
    // One drawing of entropy for all connections.
    let mut seeds = Seeds::random()?;
    let mut cases = String::new();
    run(&format!("{server}/getCaseCount"), seeds.next_seed(), &config, |event, _| {
        if let Event::Text(count) = event {
            cases = count.to_string();
        }
        Ok(())
    })?;
    let cases: u32 = cases.parse()?;
    for case in 1..=cases {
        // A case may well end the connection in any way; what counts is in the report.
        if let Err(error) =
            run(&format!("{server}/runCase?case={case}&agent=ws-proto"), seeds.next_seed(), &config, echo)
        {
            eprintln!("case {case}: {error}");
        }
    }
    run(&format!("{server}/updateReports?agent=ws-proto"), seeds.next_seed(), &config, |_, _| Ok(()))?;
    println!("{cases} cases run");
    Ok(())
}

fn echo(event: Event<'_>, ws: &mut Connection) -> Result {
    match event {
        Event::Text(text) => ws.send(text)?,
        Event::Binary(data) => ws.send(data)?,
        _ => {}
    }
    Ok(())
}

/// One connection from the request to the end of the stream, every event given to `handle`.
fn run(uri: &str, seed: Seed, config: &Config, mut handle: impl FnMut(Event<'_>, &mut Connection) -> Result) -> Result {
    let request = Request::new(uri.parse()?);
    let mut socket = TcpStream::connect(request.uri().host_and_port())?;
    socket.set_nodelay(true)?;
    let mut input = Input::new();
    let mut handshake = Handshake::new(&request, seed, config);
    socket.write_all(handshake.output())?;
    let mut ws = loop {
        match handshake.receive(&mut input)? {
            Some(accepted) => break accepted.connection,
            None if input.read_from(&mut socket)? == 0 => return Err("no answer to the handshake".into()),
            None => {}
        }
    };
    let mut closed = false;
    loop {
        while let Some(event) = ws.receive(&mut input) {
            closed = matches!(event, Event::Closed(_));
            handle(event, &mut ws)?;
        }
        while ws.interest().write {
            match ws.output().write_to(&mut socket) {
                Ok(_) => {}
                // The suite may reset the connection once both Close frames have gone.
                Err(_) if closed => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        let want = ws.interest();
        if want.hang_up {
            return Ok(());
        }
        // A reset is the end of the stream, too.
        if want.read && !matches!(input.read_from(&mut socket), Ok(1..)) {
            ws.receive_eof();
        }
    }
}
