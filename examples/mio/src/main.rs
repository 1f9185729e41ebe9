//! An echo server on mio: one thread, and as many connections as there are file descriptors.

use anyhow::{Result, ensure};
use clap::Parser;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use std::io::{ErrorKind, Read, Write};
use std::{cmp::Reverse, collections::BinaryHeap, mem, net::Shutdown, net::SocketAddr, time::Duration};
use ws_proto::handshake::server::{Answer, Handshake};
use ws_proto::{Clock, Config, Connection, DeflateConfig, DeflatePool, Event, Input, Instant, Keepalive};

/// An echo server on mio.
#[derive(Parser)]
struct Options {
    #[arg(default_value = "127.0.0.1:9001")]
    addr: SocketAddr,
    #[arg(long, default_value_t = 30, help = "For how many seconds a peer may be silent, slow or in the way")]
    patience: u64,
}

#[derive(Default)]
struct Server {
    clients: slab::Slab<Client>,
    deadlines: BinaryHeap<Reverse<(Instant, usize)>>,
    input: Input,
}

struct Client {
    socket: TcpStream,
    state: State,
    /// What has come of a message that is under way; all others share one input, which has to be empty then.
    input: Option<Input>,
    /// When there is an entry in the heap, which may be long before the deadline: that has been put off since.
    due: Instant,
}

enum State {
    Opening(Box<Handshake>),
    Open(Box<Connection>),
    /// What still comes is read until then, so that the last frame is not lost to a reset (RFC 6455 §7.1.1).
    HungUp(Instant),
}

fn main() -> Result<()> {
    let Options { addr, patience } = Options::parse();
    let beat = Duration::from_secs(patience);
    let keepalive = Keepalive::new().handshake(beat).ping(beat).pong(beat).progress(1 << 10, beat).write(1 << 10, beat);
    let deflate = DeflateConfig::new().pool(&DeflatePool::new(2)).keep_contexts(false); // two serve all in turn
    let config = Config::new().deflate(deflate).keepalive(keepalive);
    let (mut poll, mut events, clock) = (Poll::new()?, Events::with_capacity(1024), Clock::new());
    let (mut server, mut listener) = (Server::default(), TcpListener::bind(addr)?);
    poll.registry().register(&mut listener, Token(usize::MAX - 1), Interest::READABLE)?;
    println!("listening on ws://{}", listener.local_addr()?);
    loop {
        if let Err(error) = poll.poll(&mut events, server.deadlines.peek().map(|Reverse((at, _))| clock.until(*at))) {
            ensure!(error.kind() == ErrorKind::Interrupted, error);
        }
        let now = clock.now();
        let mut ready: Vec<usize> = events.iter().map(|event| event.token().0).collect();
        while server.deadlines.peek().is_some_and(|Reverse((at, _))| *at <= now) {
            ready.extend(server.deadlines.pop().map(|Reverse((_, key))| key));
        }
        ready.into_iter().for_each(|key| server.serve(key, now));
        // Whoever waits. If it fails for want of a file descriptor, some are given back with one of the next events.
        while let Ok((mut socket, _)) = listener.accept() {
            let (entry, both) = (server.clients.vacant_entry(), Interest::READABLE | Interest::WRITABLE);
            let (key, state) = (entry.key(), State::Opening(Handshake::new(&config).into()));
            if socket.set_nodelay(true).and_then(|()| poll.registry().register(&mut socket, Token(key), both)).is_ok() {
                entry.insert(Client { socket, state, input: None, due: Instant::MAX });
                server.serve(key, now);
            }
        }
    }
}

impl Server {
    fn serve(&mut self, key: usize, now: Instant) {
        let Some(Client { socket, state, input: own, due }) = self.clients.get_mut(key) else { return };
        let mut input = own.take().unwrap_or_else(|| mem::take(&mut self.input));
        let Ok(Some(at)) = state.turn(socket, &mut input, now).inspect_err(|error| eprintln!("{error}")) else {
            self.clients.remove(key);
            return;
        };
        if at < *due || *due <= now {
            *due = at;
            self.deadlines.push(Reverse((at, key)));
        }
        mem::swap(if input.is_empty() { &mut self.input } else { own.insert(Input::new()) }, &mut input);
    }
}

impl State {
    /// Goes on until the socket would block, because it says only once that it is ready. Returns when to go on if it is not
    /// ready before: now, if it is only the others' turn. At the end that is `None`.
    fn turn(&mut self, socket: &mut TcpStream, input: &mut Input, now: Instant) -> Result<Option<Instant>> {
        for _ in 0..32 {
            let (deadline, count) = match self {
                Self::Opening(handshake) => {
                    handshake.handle_timeout(now);
                    match handshake.receive(input) {
                        Ok(None) => (handshake.deadline().map(|deadline| deadline.at), input.read_from(socket)),
                        Ok(Some(request)) => {
                            *self = Self::Open(request.accept(Answer::new())?.into());
                            continue;
                        }
                        Err(rejection) => {
                            socket.write_all(&rejection.response().to_bytes())?; // short, and the first that is written
                            *self = Self::HungUp(now.saturating_add(Duration::from_secs(1)));
                            continue;
                        }
                    }
                }
                Self::Open(ws) => {
                    while let Some(event) = ws.receive(input) {
                        match event {
                            Event::Text(text) => ws.send(text.into_message())?,
                            Event::Binary(data) => ws.send(data.into_message())?,
                            Event::Closed(closed) => println!("closed: {closed}"),
                            _ => {}
                        }
                    }
                    // A peer that does not read what is sent is not read, and its silence is not counted then.
                    (if ws.interest().write { Connection::pause_reading } else { Connection::resume_reading })(ws);
                    ws.handle_timeout(now);
                    let want = ws.interest();
                    if want.hang_up {
                        *self = Self::HungUp(now.saturating_add(Duration::from_secs(1)));
                        continue;
                    }
                    let count = if want.write { ws.output().write_to(socket) } else { input.read_from(socket) };
                    (want.deadline.map(|deadline| deadline.at), count)
                }
                Self::HungUp(until) if *until <= now => return Ok(None),
                Self::HungUp(until) => {
                    (Some(*until), socket.shutdown(Shutdown::Write).and(socket.read(&mut [0; 4096])))
                }
            };
            match (count, &mut *self) {
                (Ok(1..), _) => {}
                (Err(error), _) if error.kind() == ErrorKind::WouldBlock => return Ok(deadline.or(Some(Instant::MAX))),
                (_, Self::Open(ws)) => {
                    ws.receive_eof(); // a reset, too, is the end of the stream
                    ws.output().clear(); // if anything waits, it is what could not be written
                }
                _ => return Ok(None),
            }
        }
        Ok(Some(now))
    }
}
