//! A socket in memory: what is read and what is written is copied once, as a kernel would.

use crate::handshake;
use crate::wire::Incoming;
use bytes::{BufMut, Bytes};
use std::cell::RefCell;
use std::io::{self, IoSlice, Read, Write};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use tokio::io::ReadBuf;

/// What is written goes into a buffer of this size, over and over, as the kernel's socket buffers do.
const KERNEL: usize = 64 << 10;

/// Bytes between two sockets.
type Pipe = Rc<RefCell<PipeBuffer>>;

#[derive(Default)]
struct PipeBuffer {
    bytes: Vec<u8>,
    read: usize,
}

/// One end of a connection. Reading from a wire never ends; reading from an empty pipe would block.
pub struct Socket {
    source: Source,
    drain: Drain,
    /// Whether the other side waits for answers: a read that follows another one, with no write in between, would block
    /// once.
    in_turns: bool,
    /// Whether the last thing done was a read.
    has_read: bool,
    /// Reads that found nothing, one after the other.
    in_vain: usize,
}

enum Source {
    Wire { bytes: Rc<[u8]>, at: usize, per_read: usize },
    Pipe { pipe: Pipe, per_read: usize },
    Script { reads: Rc<[Bytes]>, next: usize },
}

impl Source {
    /// A read gives all that is there.
    fn pipe(pipe: Pipe) -> Self {
        Self::Pipe { pipe, per_read: usize::MAX }
    }
}

enum Drain {
    Kernel(Kernel),
    Shared(Rc<RefCell<Kernel>>),
    /// Looks at no byte.
    Counting,
    Record(Rc<RefCell<Vec<u8>>>),
    Pipe(Pipe),
    Server {
        request: Vec<u8>,
        answers: Pipe,
        requests: Rc<RefCell<Requests>>,
    },
    EchoServer {
        server: EchoServer,
        answers: Pipe,
    },
}

/// The other side of one client: it answers the request, sends short messages back, and answers the Close.
struct EchoServer {
    is_upgraded: bool,
    /// What follows is not looked at.
    is_closed: bool,
    /// What has not been answered.
    pending: Vec<u8>,
    served: Rc<RefCell<Served>>,
}

/// What servers that send back have seen.
#[derive(Default)]
pub struct Served {
    /// Connections that have been closed.
    pub closed: usize,
    /// What clients have written, each write by itself, if that is to be kept.
    pub writes: Option<Vec<Vec<u8>>>,
}

impl EchoServer {
    fn answer(&mut self, bytes: &[u8], answers: &mut Vec<u8>) {
        if let Some(writes) = &mut self.served.borrow_mut().writes {
            writes.push(bytes.to_vec());
        }
        self.pending.extend_from_slice(bytes);
        if !self.is_upgraded && self.pending.ends_with(b"\r\n\r\n") {
            answers.extend_from_slice(&handshake::answer(&self.pending));
            self.pending.clear();
            self.is_upgraded = true;
        }
        if !self.is_upgraded || self.is_closed {
            return;
        }
        let mut at = 0;
        while let Some(&[first, second, a, b, c, d]) = self.pending[at..].first_chunk() {
            let length = usize::from(second & 0x7F);
            assert!(second & 0x80 != 0 && length <= 125, "a short frame that is masked");
            let Some(payload) = self.pending.get(at + 6..at + 6 + length) else { break };
            answers.extend_from_slice(&[first, second & 0x7F]);
            answers.extend(payload.iter().zip([a, b, c, d].iter().cycle()).map(|(byte, key)| byte ^ key));
            at += 6 + length;
            if first == 0x88 {
                self.served.borrow_mut().closed += 1;
                self.is_closed = true;
                break;
            }
        }
        self.pending.drain(..at);
    }
}

/// What a server was asked.
#[derive(Default)]
pub struct Requests {
    pub count: usize,
    pub last: Vec<u8>,
}

/// Forgets what is written to it.
pub struct Kernel {
    buffer: Box<[u8]>,
    at: usize,
}

impl Kernel {
    pub fn new() -> Self {
        Self { buffer: vec![0; KERNEL].into(), at: 0 }
    }

    #[inline]
    fn put(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.at == self.buffer.len() {
                self.at = 0;
            }
            let count = bytes.len().min(self.buffer.len() - self.at);
            self.buffer[self.at..self.at + count].copy_from_slice(&bytes[..count]);
            self.at += count;
            bytes = &bytes[count..];
        }
        std::hint::black_box(&self.buffer);
    }
}

impl Socket {
    fn new(source: Source, drain: Drain) -> Self {
        Self { source, drain, in_turns: false, has_read: false, in_vain: 0 }
    }

    /// Reads these bytes over and over, never across their end; forgets what is written.
    pub fn over(incoming: &Incoming) -> Self {
        let bytes = Rc::clone(&incoming.bytes);
        Self::new(Source::Wire { bytes, at: 0, per_read: incoming.per_read }, Drain::Kernel(Kernel::new()))
    }

    /// Reads this over and over, all of it at a time; forgets what is written.
    pub fn repeating(bytes: &[u8]) -> Self {
        let source = Source::Wire { bytes: bytes.into(), at: 0, per_read: bytes.len() };
        Self::new(source, Drain::Kernel(Kernel::new()))
    }

    /// Reads nothing; forgets what is written.
    pub fn write_only() -> Self {
        Self::new(Source::pipe(Pipe::default()), Drain::Kernel(Kernel::new()))
    }

    /// Reads nothing; what is written is only counted, so that a payload costs nothing that is written where it lies.
    pub fn counting() -> Self {
        Self::new(Source::pipe(Pipe::default()), Drain::Counting)
    }

    /// Gives one of these in each read, then nothing more; forgets what is written, as others do with the same memory.
    pub fn scripted(reads: &Rc<[Bytes]>, kernel: &Rc<RefCell<Kernel>>) -> Self {
        Self::new(Source::Script { reads: Rc::clone(reads), next: 0 }, Drain::Shared(Rc::clone(kernel)))
    }

    /// Two ends of one connection, where a read gives at most so many bytes.
    pub fn pair(per_read: usize) -> (Self, Self) {
        let (there, back) = (Pipe::default(), Pipe::default());
        let end = |read: &Pipe, written: &Pipe| {
            Self::new(Source::Pipe { pipe: Rc::clone(read), per_read }, Drain::Pipe(Rc::clone(written)))
        };
        (end(&back, &there), end(&there, &back))
    }

    /// Answers every request for an upgrade that is written.
    pub fn to_server() -> Self {
        let answers = Pipe::default();
        Self::new(
            Source::pipe(Rc::clone(&answers)),
            Drain::Server { request: Vec::new(), answers, requests: Rc::default() },
        )
    }

    /// One connection to a server that sends back what it receives.
    pub fn to_echo_server(served: &Rc<RefCell<Served>>) -> Self {
        let answers = Pipe::default();
        let server =
            EchoServer { is_upgraded: false, is_closed: false, pending: Vec::new(), served: Rc::clone(served) };
        Self::new(Source::pipe(Rc::clone(&answers)), Drain::EchoServer { server, answers })
    }

    /// The requests that have been answered.
    pub fn requests(&self) -> Rc<RefCell<Requests>> {
        match &self.drain {
            Drain::Server { requests, .. } => Rc::clone(requests),
            _ => Rc::default(),
        }
    }

    /// The other side waits for answers before it sends on.
    pub fn in_turns(self) -> Self {
        Self { in_turns: true, ..self }
    }

    /// From now on what is written is kept.
    pub fn record(&mut self) -> Rc<RefCell<Vec<u8>>> {
        let record = Rc::default();
        self.record_to(&record);
        record
    }

    /// From now on what is written is kept there.
    pub fn record_to(&mut self, record: &Rc<RefCell<Vec<u8>>>) {
        self.drain = Drain::Record(Rc::clone(record));
    }

    /// Appends what a read gives to a buffer: nothing, if it would block.
    #[inline]
    pub fn read_buf(&mut self, buffer: &mut impl BufMut) -> usize {
        self.take(buffer.remaining_mut(), |bytes| buffer.put_slice(bytes))
    }

    /// Fills a buffer with what a read gives: nothing, if it would block.
    #[inline]
    pub fn read_some(&mut self, buffer: &mut [u8]) -> usize {
        self.take(buffer.len(), |bytes| buffer[..bytes.len()].copy_from_slice(bytes))
    }

    /// Hands on what a read gives, if there is room for so much.
    #[inline]
    fn take(&mut self, room: usize, copy: impl FnOnce(&[u8])) -> usize {
        match &mut self.source {
            Source::Wire { bytes, at, per_read } => {
                if self.in_turns {
                    self.has_read = !self.has_read;
                    if !self.has_read {
                        return 0;
                    }
                }
                let count = room.min(*per_read).min(bytes.len() - *at);
                copy(&bytes[*at..*at + count]);
                *at = if *at + count == bytes.len() { 0 } else { *at + count };
                count
            }
            Source::Pipe { pipe, per_read } => {
                let mut pipe = pipe.borrow_mut();
                let count = room.min(*per_read).min(pipe.bytes.len() - pipe.read);
                copy(&pipe.bytes[pipe.read..pipe.read + count]);
                pipe.read += count;
                if pipe.read == pipe.bytes.len() {
                    pipe.bytes.clear();
                    pipe.read = 0;
                }
                self.in_vain = if count == 0 { self.in_vain + 1 } else { 0 };
                assert!(self.in_vain < 1 << 20, "what is waited for never comes");
                count
            }
            Source::Script { reads, next } => {
                let Some(bytes) = reads.get(*next) else { return 0 };
                assert!(bytes.len() <= room, "a read takes all that is there");
                copy(bytes);
                *next += 1;
                bytes.len()
            }
        }
    }

    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.has_read = false;
        match &mut self.drain {
            Drain::Kernel(kernel) => kernel.put(bytes),
            Drain::Shared(kernel) => kernel.borrow_mut().put(bytes),
            Drain::Counting => {
                std::hint::black_box(bytes);
            }
            Drain::Record(record) => record.borrow_mut().extend_from_slice(bytes),
            Drain::Pipe(pipe) => pipe.borrow_mut().bytes.extend_from_slice(bytes),
            Drain::EchoServer { server, answers } => server.answer(bytes, &mut answers.borrow_mut().bytes),
            Drain::Server { request, answers, requests } => {
                request.extend_from_slice(bytes);
                if request.ends_with(b"\r\n\r\n") {
                    answers.borrow_mut().bytes.extend_from_slice(&handshake::answer(request));
                    let mut requests = requests.borrow_mut();
                    requests.count += 1;
                    std::mem::swap(&mut requests.last, request);
                    request.clear();
                }
            }
        }
    }
}

impl Read for Socket {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len();
        match self.read_some(buffer) {
            0 if room > 0 => Err(io::ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    }
}

impl Write for Socket {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.put(bytes);
        Ok(bytes.len())
    }

    #[inline]
    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        slices.iter().for_each(|slice| self.put(slice));
        Ok(slices.iter().map(|slice| slice.len()).sum())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// In memory nothing wakes anybody: whoever finds nothing to read is not asked again before there is something.
fn poll<T>(result: io::Result<T>) -> Poll<io::Result<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        result => Poll::Ready(result),
    }
}

impl tokio::io::AsyncRead for Socket {
    #[inline]
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let room = buffer.remaining();
        match self.get_mut().take(room, |bytes| buffer.put_slice(bytes)) {
            0 if room > 0 => Poll::Pending,
            _ => Poll::Ready(Ok(())),
        }
    }
}

impl tokio::io::AsyncWrite for Socket {
    #[inline]
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.write(bytes))
    }

    #[inline]
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.write_vectored(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl futures_util::io::AsyncRead for Socket {
    #[inline]
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        poll(self.read(buffer))
    }
}

impl futures_util::io::AsyncWrite for Socket {
    #[inline]
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.write(bytes))
    }

    #[inline]
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.write_vectored(slices))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Runs a future that does not wait for long, because what it reads is there or comes in the next turn.
#[inline]
pub fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = Context::from_waker(std::task::Waker::noop());
    // A large message takes many turns; a future that waits for what never comes shall not run forever.
    for _ in 0..1 << 20 {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
    panic!("there is nothing to read");
}
