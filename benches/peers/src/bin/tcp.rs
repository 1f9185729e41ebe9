//! Echoes over TCP on the loopback interface: what a message costs a server on tokio in CPU time, beside a server that
//! sends the same bytes back as they came.
//!
//! Each server has a thread with a runtime of its own, and connections on which the handshake counts as done. The load
//! comes from the main thread, over blocking sockets: it checks the answers of one half of the connections, sends them
//! their next messages, and turns to the other half, so that there is always something for the server to do. What the
//! server's thread took is read from the kernel while that thread sleeps, which works on Linux alone.
//!
//! Options: `--rounds N`, of about half a second each.

use bytes::Buf;
use fastwebsockets::{FragmentCollector, OpCode, WebSocket};
use futures_util::io::{BufReader, BufWriter};
use futures_util::{FutureExt, SinkExt, StreamExt};
use std::error::Error;
use std::future::Future;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use ws_proto::{Config, Connection, Event, Input, Output};

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const CONNECTIONS: usize = 64;

const PAYLOAD: usize = 20;

/// So many messages are sent to a connection at once, and all are answered before the next ones.
const IN_FLIGHT: [usize; 2] = [16, 1];

/// Short samples taken in turn: what else the machine does meets all the servers alike.
const SAMPLE: Duration = Duration::from_millis(25);

/// After this time the server has gone to sleep, and the kernel has written down what it took until then.
const ASLEEP: Duration = Duration::from_millis(2);

/// No answer takes so long, unless the server is broken.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> Result {
    let rounds = rounds()?;
    // The first one is what the others are compared with.
    let mut servers = [
        Server::start("bare TCP", Answer::AsItCame, bare)?,
        Server::start("ws-proto", Answer::Unmasked, ws_proto)?,
        Server::start("tokio-websockets", Answer::Unmasked, tokio_websockets)?,
        Server::start("fastwebsockets", Answer::Unmasked, fastwebsockets)?,
        Server::start("soketto", Answer::Unmasked, soketto)?,
        Server::start("sockudo-ws", Answer::Unmasked, sockudo_ws)?,
        Server::start("sockudo-ws, a write per read", Answer::Unmasked, sockudo_ws_batched)?,
    ];
    for server in &mut servers {
        for load in &mut server.loads {
            load.run(&mut server.sockets, Duration::ZERO).map_err(|error| format!("{}: {error}", server.name))?;
        }
        eprintln!("{} answers as it should", server.name);
    }

    let mut samples = vec![[const { Vec::new() }; IN_FLIGHT.len()]; servers.len()];
    for round in 0..rounds {
        eprint!("\rround {} of {rounds}", round + 1);
        for (load, _) in IN_FLIGHT.iter().enumerate() {
            // No server is always the first of a round.
            for place in 0..servers.len() {
                let at = (place + round) % servers.len();
                samples[at][load].push(servers[at].sample(load)?);
            }
        }
    }
    eprintln!();
    print_table(&servers, &samples);
    servers.into_iter().try_for_each(Server::stop)
}

fn rounds() -> Result<usize> {
    let mut rounds = 110;
    let mut args = std::env::args().skip(1);
    while let Some(option) = args.next() {
        match (option.as_str(), args.next()) {
            ("--rounds", Some(value)) => rounds = value.parse::<usize>()?.max(1),
            _ => return Err("usage: tcp [--rounds N]".into()),
        }
    }
    Ok(rounds)
}

/// What one server took for one load.
#[derive(Clone, Copy)]
struct Sample {
    /// Nanoseconds of CPU time per message.
    cpu: f64,
    /// Messages per second of wall time.
    rate: f64,
}

fn print_table(servers: &[Server], samples: &[[Vec<Sample>; IN_FLIGHT.len()]]) {
    print!("| server |");
    for in_flight in IN_FLIGHT {
        print!(" {in_flight} in flight: CPU ns per message | ratio to bare | messages per s |");
    }
    println!("\n|---|{}", "---:|".repeat(3 * IN_FLIGHT.len()));
    let [reference, ..] = samples else { return };
    for (server, samples) in servers.iter().zip(samples) {
        print!("| {} |", server.name);
        for (samples, reference) in samples.iter().zip(reference) {
            let cpu = median(samples.iter().map(|sample| sample.cpu));
            // Both of a pair are from the same round, so what changes between rounds falls out.
            let ratio = median(samples.iter().zip(reference).map(|(sample, bare)| sample.cpu / bare.cpu));
            let rate = median(samples.iter().map(|sample| sample.rate));
            print!(" {cpu:.0} | {ratio:.2} | {rate:.0} |");
        }
        println!();
    }
    println!();
    println!(
        "A message is {PAYLOAD} bytes of binary, masked, and comes back unmasked, but from bare TCP, which sends all {} \
         bytes back. {CONNECTIONS} connections, medians of {} samples of {} ms.",
        PAYLOAD + 6,
        reference[0].len(),
        SAMPLE.as_millis(),
    );
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

/// What is due for a frame.
#[derive(Clone, Copy)]
enum Answer {
    AsItCame,
    Unmasked,
}

/// A server on a thread of its own, and the other ends of its connections.
struct Server {
    name: &'static str,
    sockets: Vec<TcpStream>,
    loads: [Load; IN_FLIGHT.len()],
    /// Where the kernel shows what the thread has taken.
    clock: PathBuf,
    thread: JoinHandle<Result>,
}

impl Server {
    fn start<F>(name: &'static str, answer: Answer, serve: fn(tokio::net::TcpStream) -> F) -> Result<Self>
    where
        F: Future<Output = Result> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (sender, receiver) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            sender.send(std::fs::read_link("/proc/thread-self"))?;
            tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve_all(listener, serve))
        });
        let clock = Path::new("/proc").join(receiver.recv()??).join("schedstat");
        let sockets = (0..CONNECTIONS).map(|_| connect(address)).collect::<Result<_>>()?;
        Ok(Self { name, sockets, loads: IN_FLIGHT.map(|in_flight| Load::new(in_flight, answer)), clock, thread })
    }

    fn sample(&mut self, load: usize) -> Result<Sample> {
        let (start, before) = (Instant::now(), self.cpu_time()?);
        let answered = self.loads[load].run(&mut self.sockets, SAMPLE);
        let wall_time = start.elapsed();
        let messages = answered.map_err(|error| format!("{}: {error}", self.name))? as f64;
        std::thread::sleep(ASLEEP);
        let cpu_time = self.cpu_time()? - before;
        Ok(Sample { cpu: cpu_time as f64 / messages, rate: messages / wall_time.as_secs_f64() })
    }

    /// The CPU time of the server's thread in nanoseconds, up to when it went to sleep.
    fn cpu_time(&self) -> Result<u64> {
        let text = std::fs::read_to_string(&self.clock)?;
        Ok(text.split(' ').next().unwrap_or_default().parse()?)
    }

    /// Hangs up, and waits for the server to see it.
    fn stop(self) -> Result {
        drop(self.sockets);
        self.thread.join().map_err(|_panic| format!("{} panicked", self.name))?
    }
}

fn connect(address: std::net::SocketAddr) -> Result<TcpStream> {
    let socket = TcpStream::connect(address)?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(socket)
}

async fn serve_all<F>(listener: TcpListener, serve: fn(tokio::net::TcpStream) -> F) -> Result
where
    F: Future<Output = Result> + Send + 'static,
{
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        connections.push(tokio::spawn(serve(socket)));
    }
    for connection in connections {
        // How a connection ends is of no matter here: the load hangs up without a Close frame, which some call an error.
        let _ = connection.await?;
    }
    Ok(())
}

/// What is sent to every connection over and over, and what has to come back.
struct Load {
    in_flight: usize,
    request: Vec<u8>,
    answer: Vec<u8>,
    received: Vec<u8>,
}

impl Load {
    fn new(in_flight: usize, answer: Answer) -> Self {
        let (mut request, mut unmasked) = (Vec::new(), Vec::new());
        for message in 0..in_flight {
            // No two messages are alike, so that none can stand for another.
            let payload: [u8; PAYLOAD] = std::array::from_fn(|at| (message * PAYLOAD + at) as u8);
            let key = [0x37, 0xFA, 0x21, message as u8];
            request.extend([0x82, 0x80 | PAYLOAD as u8]);
            request.extend(key);
            request.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
            unmasked.extend([0x82, PAYLOAD as u8]);
            unmasked.extend(payload);
        }
        let answer = match answer {
            Answer::AsItCame => request.clone(),
            Answer::Unmasked => unmasked,
        };
        Self { in_flight, request, received: vec![0; answer.len()], answer }
    }

    /// Keeps all connections busy for so long, each of them twice at least; gives how many messages were answered.
    fn run(&mut self, sockets: &mut [TcpStream], time: Duration) -> Result<usize> {
        let start = Instant::now();
        let mut messages = 0;
        sockets.iter_mut().try_for_each(|socket| socket.write_all(&self.request))?;
        loop {
            let more = messages == 0 || start.elapsed() < time;
            for half in sockets.chunks_mut(CONNECTIONS / 2) {
                // The last one is answered last. Whoever waits for that alone is woken once, not by every answer: waking
                // is the server's work, and it would be more of it the faster the server is.
                for socket in half.iter_mut().rev() {
                    socket.read_exact(&mut self.received).map_err(|error| format!("too short an answer: {error}"))?;
                    if self.received != self.answer {
                        return Err(format!("{:x?} is no answer to {:x?}", self.received, self.request).into());
                    }
                }
                if more {
                    half.iter_mut().try_for_each(|socket| socket.write_all(&self.request))?;
                }
            }
            messages += self.in_flight * sockets.len();
            if !more {
                return Ok(messages);
            }
        }
    }
}

async fn bare(mut socket: tokio::net::TcpStream) -> Result {
    let mut buffer = vec![0; 64 << 10];
    loop {
        match socket.read(&mut buffer).await? {
            0 => return Ok(()),
            count => socket.write_all(&buffer[..count]).await?,
        }
    }
}

/// The loop of `examples/echo_server.rs`.
async fn ws_proto(mut socket: tokio::net::TcpStream) -> Result {
    let mut ws = Connection::server(&Config::new());
    let mut input = Input::new();
    loop {
        answer_all(&mut ws, &mut input)?;
        while ws.interest().write {
            write_some(&mut socket, ws.output()).await?;
        }
        let want = ws.interest();
        if want.hang_up {
            return Ok(());
        }
        if want.read && socket.read_buf(&mut input.room()).await? == 0 {
            ws.receive_eof();
        }
    }
}

async fn write_some(socket: &mut tokio::net::TcpStream, output: &mut Output) -> std::io::Result<()> {
    if output.chunk().len() < output.remaining() {
        socket.write_buf(output).await?;
    } else {
        let written = socket.write(output.chunk()).await?;
        output.advance(written);
    }
    Ok(())
}

fn answer_all(ws: &mut Connection, input: &mut Input) -> Result {
    while let Some(event) = ws.receive(input) {
        match event {
            Event::Text(text) => ws.send_text(&text)?,
            Event::Binary(data) => ws.send_binary(&data)?,
            _ => {}
        }
    }
    Ok(())
}

async fn tokio_websockets(socket: tokio::net::TcpStream) -> Result {
    let mut ws = tokio_websockets::ServerBuilder::new().serve(socket);
    while let Some(message) = ws.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            ws.send(message).await?;
        }
    }
    Ok(())
}

async fn fastwebsockets(socket: tokio::net::TcpStream) -> Result {
    let mut ws = FragmentCollector::new(WebSocket::after_handshake(socket, fastwebsockets::Role::Server));
    loop {
        let frame = ws.read_frame().await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => ws.write_frame(frame).await?,
            _ => {}
        }
    }
}

async fn soketto(socket: tokio::net::TcpStream) -> Result {
    let socket = BufReader::new(BufWriter::new(ForSoketto(socket)));
    let (mut sender, mut receiver) = soketto::connection::Builder::new(socket, soketto::Mode::Server).finish();
    let mut message = Vec::new();
    loop {
        message.clear();
        match receiver.receive_data(&mut message).await? {
            soketto::Data::Binary(_) => sender.send_binary_mut(&mut message).await?,
            soketto::Data::Text(_) => sender.send_text(std::str::from_utf8(&message)?).await?,
        }
        sender.flush().await?;
    }
}

/// A socket of tokio's with the traits of `futures`, which soketto asks for.
struct ForSoketto(tokio::net::TcpStream);

impl futures_util::io::AsyncRead for ForSoketto {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<std::io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        ready!(Pin::new(&mut self.get_mut().0).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }
}

impl futures_util::io::AsyncWrite for ForSoketto {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_shutdown(cx)
    }
}

async fn sockudo_ws(socket: tokio::net::TcpStream) -> Result {
    use sockudo_ws::Message::{Binary, Close, Text};
    let mut ws = sockudo_ws::WebSocketStream::server(socket, sockudo_ws::Config::default());
    while let Some(message) = ws.next().await {
        match message? {
            message @ (Text(_) | Binary(_)) => ws.send(message).await?,
            Close(_) => break,
            _ => {}
        }
    }
    Ok(())
}

/// Not the loop that its documentation shows: what is there is taken first, and answered in one write. With the other
/// peers that takes more than another loop, since a write of theirs, or the next read, sends each message off by itself.
async fn sockudo_ws_batched(socket: tokio::net::TcpStream) -> Result {
    use sockudo_ws::Message::{Binary, Close, Text};
    let mut ws = sockudo_ws::WebSocketStream::server(socket, sockudo_ws::Config::default());
    while let Some(message) = ws.next().await {
        let mut next = Some(message);
        while let Some(message) = next {
            match message? {
                message @ (Text(_) | Binary(_)) => ws.feed(message).await?,
                Close(_) => return Ok(()),
                _ => {}
            }
            next = ws.next().now_or_never().flatten();
        }
        ws.flush().await?;
    }
    Ok(())
}
