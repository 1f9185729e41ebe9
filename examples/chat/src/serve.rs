//! What becomes of one connection, from its first byte to its end.

use crate::rooms::{Key, Rooms};
use anyhow::Result;
use percent_encoding::percent_decode_str;
use std::cell::RefCell;
use std::future::pending;
use std::io::{self, ErrorKind, IoSlice};
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio::time::{sleep_until, timeout};
use ws_proto::handshake::server::{Answer, Handshake, Reason, Rejection, Request, RequestHead, Response};
use ws_proto::handshake::{BuildError, OriginPolicy};
use ws_proto::{Clock, Config, Connection, Input};

/// What all connections have in common.
pub struct Server {
    pub config: Config,
    pub clock: Clock,
    pub origins: OriginPolicy,
    pub rooms: RefCell<Rooms>,
}

/// The longest names of rooms and members, in bytes: 20 characters, as the page allows, take 80 at most.
const LONGEST_NAME: usize = 80;

pub async fn serve(mut socket: TcpStream, server: &Server) -> Result<()> {
    socket.set_nodelay(true)?;
    let mut input = Input::new();
    let Some(request) = handshake(&mut socket, &mut input, server).await? else { return hang_up(socket).await };
    let (ws, room, name) = match enter(&request, server)? {
        Ok(entered) => entered,
        Err(refusal) => {
            timeout(Duration::from_secs(5), socket.write_all(&refusal.to_bytes())).await??;
            return hang_up(socket).await;
        }
    };
    let socket = Rc::new(socket);
    let (key, wake) = server.rooms.borrow_mut().join(ws, socket.clone(), &room, name);
    let member = Leaves { server, key };
    let mut input = Some(input);
    while let Some(want) = look(key, &mut input, &socket, server) {
        if want.hang_up {
            break;
        }
        let interest = match (want.read, want.write) {
            (true, true) => Some(Interest::READABLE | Interest::WRITABLE),
            (true, false) => Some(Interest::READABLE),
            (false, true) => Some(Interest::WRITABLE),
            (false, false) => None,
        };
        let is_ready = async {
            match interest {
                Some(interest) => socket.ready(interest).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = wake.notified() => {}
            ready = is_ready => {
                ready?;
            }
        }
        // Also when it is late: what lies in the socket has come in time.
        if want.read {
            read(key, &mut input, &socket, server);
        }
    }
    drop(member);
    match Rc::into_inner(socket) {
        Some(socket) => hang_up(socket).await,
        None => Ok(()),
    }
}

/// Takes the member out of its room, however its task ends.
struct Leaves<'s> {
    server: &'s Server,
    key: Key,
}

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.server.rooms.borrow_mut().leave(self.key);
    }
}

/// The request, unless it is refused or the client goes away.
async fn handshake(socket: &mut TcpStream, input: &mut Input, server: &Server) -> Result<Option<Request>> {
    let mut handshake = Handshake::new(&server.config);
    loop {
        match handshake.receive(input) {
            Ok(Some(request)) => return Ok(Some(request)),
            Ok(None) => {}
            Err(rejection) => {
                let refusal = answer_to(&rejection)?.to_bytes();
                timeout(Duration::from_secs(5), socket.write_all(&refusal)).await??;
                return Ok(None);
            }
        }
        handshake.handle_timeout(server.clock.now());
        let deadline = handshake.deadline().map(|deadline| server.clock.to_std(deadline.at));
        let is_late = async {
            match deadline {
                Some(deadline) => sleep_until(deadline.into()).await,
                None => pending().await,
            }
        };
        let mut room = input.room();
        tokio::select! {
            biased;
            count = socket.read_buf(&mut room) => if count? == 0 {
                return Ok(None);
            },
            () = is_late => handshake.handle_timeout(server.clock.now()),
        }
    }
}

/// The page for whoever comes with a browser, and the response that is due for everybody else.
fn answer_to(rejection: &Rejection) -> Result<Response, BuildError> {
    match (rejection.reason(), rejection.request().map(RequestHead::path)) {
        (Reason::NoUpgrade, Some("/")) => {
            Response::new(200)?.with_body("text/html; charset=utf-8", include_str!("page.html"))
        }
        _ => Ok(rejection.response()),
    }
}

/// The connection, its room and its name, by `/rooms/ROOM?name=NAME`; or the response that refuses the request.
fn enter(request: &Request, server: &Server) -> Result<Result<(Connection, String, String), Response>, BuildError> {
    // RFC 6455 §10.2: a page of another site could speak in its user's name.
    if let Err(forbidden) = server.origins.check(request) {
        return Ok(Err(forbidden));
    }
    if server.rooms.borrow().is_closing() {
        return Ok(Err(Response::new(503)?));
    }
    let room = percent_decode_str(request.path().strip_prefix("/rooms/").unwrap_or_default()).decode_utf8();
    let query = request.query().unwrap_or_default();
    let name = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "name");
    let Some((_, name)) = name.filter(|(_, name)| is_name(name)) else {
        return Ok(Err(Response::new(400)?.with_body("text/plain", "There has to be ?name=NAME.\n")?));
    };
    let Some(room) = room.ok().filter(|room| is_name(room)) else {
        return Ok(Err(Response::new(404)?.with_body("text/plain", "Rooms are at /rooms/NAME.\n")?));
    };
    Ok(Ok((request.accept(Answer::new())?, room.into_owned(), name.into_owned())))
}

/// Names are shown to others, and printed.
fn is_name(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len()) && !name.contains(char::is_control)
}

fn read(key: Key, input: &mut Option<Input>, socket: &TcpStream, server: &Server) {
    let input = input.get_or_insert_with(|| server.rooms.borrow_mut().take_input());
    match socket.try_read_buf(&mut input.room()) {
        Ok(1..) => {}
        Err(error) if error.kind() == ErrorKind::WouldBlock => {}
        // A reset is the end of the stream, too.
        _ => {
            if let Some(ws) = server.rooms.borrow_mut().connection(key) {
                ws.receive_eof();
            }
        }
    }
}

/// Receives, writes, and passes the time; what the connection wants next.
fn look(key: Key, own: &mut Option<Input>, socket: &TcpStream, server: &Server) -> Option<ws_proto::Interest> {
    let mut rooms = server.rooms.borrow_mut();
    let mut input = own.take().unwrap_or_else(|| rooms.take_input());
    let mut has_more = rooms.receive(key, &mut input);
    let ws = rooms.connection(key)?;
    if write(ws, socket).is_err() {
        // Nothing can be written any more: what waits is dropped, and the end is received.
        ws.receive_eof();
        ws.output().clear();
        has_more = rooms.receive(key, &mut input);
    }
    let mut want = rooms.look(key)?;
    // What has come is received before more is read: a flood would fill the input, and the rate limit would not see it.
    want.read &= !has_more;
    if input.is_empty() {
        rooms.give_back(input);
    } else {
        *own = Some(input);
    }
    Some(want)
}

/// Writes as much as the socket takes.
pub fn write(ws: &mut Connection, socket: &TcpStream) -> io::Result<()> {
    while ws.interest().write {
        match ws.output().write_to(&mut NonBlocking(socket)) {
            Ok(1..) => {}
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A socket of tokio's that writes what it can, and does not wait.
struct NonBlocking<'s>(&'s TcpStream);

impl io::Write for NonBlocking<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Ends the writing side and reads on for a moment: a socket that is closed with unread bytes resets the connection, and the
/// last frame may be lost (RFC 6455 §7.1.1).
async fn hang_up(mut socket: TcpStream) -> Result<()> {
    socket.shutdown().await?;
    let mut rest = [0; 4096];
    let _ = timeout(Duration::from_secs(1), async { while matches!(socket.read(&mut rest).await, Ok(1..)) {} }).await;
    Ok(())
}
