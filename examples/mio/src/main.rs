//! An echo server on mio: one thread, and as many connections as there are file descriptors.

mod state;

use crate::state::State;
use anyhow::{Result, ensure};
use clap::Parser;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use std::{cmp::Reverse, collections::BinaryHeap, io::ErrorKind, mem, net::SocketAddr, time::Duration};
use ws_proto::handshake::server::Handshake;
use ws_proto::{Clock, Config, DeflateConfig, DeflatePool, Input, Instant, Keepalive};

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

fn main() -> Result<()> {
    let Options { addr, patience } = Options::parse();
    let beat = Duration::from_secs(patience);
    let keepalive = Keepalive::new().handshake(beat).ping(beat).pong(beat).progress(1 << 10, beat).write(1 << 10, beat);
    // Two contexts serve all connections in turn. None keeps a window, which would be 32 KiB each.
    let deflate = DeflateConfig::new().pool(&DeflatePool::new(2)).keep_contexts(false).receive_context_takeover(false);
    let config = Config::new().deflate(deflate).high_water(64 << 10).keepalive(keepalive);
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
