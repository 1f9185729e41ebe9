//! Who is in which room, and what each of them is sent.

use crate::deadlines::Wheel;
use crate::serve::write;
use serde::Serialize;
use slotmap::{SlotMap, new_key_type};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use ws_proto::{Clock, CloseCode, Connection, DeflateConfig, Event, Input, Instant, Interest, Prepared};

/// How often deadlines are looked at.
pub const STEP: Duration = Duration::from_millis(250);

/// How many events of one connection are looked at before another has its turn.
const AT_ONCE: usize = 32;

new_key_type! {
    /// A member of a room.
    pub struct Key;
}

/// All connections of the server.
pub struct Rooms {
    members: SlotMap<Key, Member>,
    rooms: HashMap<Rc<str>, Vec<Key>>,
    deadlines: Wheel<Key>,
    /// Those whose deadline has come; kept for its memory.
    due: Vec<Key>,
    clock: Clock,
    deflate: DeflateConfig,
    /// The input that quiet connections share: it is empty, and another may use it.
    input: Option<Input>,
    is_closing: bool,
}

struct Member {
    ws: Connection,
    socket: Rc<TcpStream>,
    room: Rc<str>,
    name: String,
    /// Wakes the task that writes.
    wake: Rc<Notify>,
    /// When the wheel comes to the member next, and when it comes again if that was brought forward.
    entered: Instant,
    later: Instant,
}

/// What the members of a room are sent, as JSON.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line<'a> {
    Said { from: &'a str, text: &'a str },
    Joined { from: &'a str, members: usize },
    Left { from: &'a str, members: usize },
}

impl Rooms {
    pub fn new(clock: Clock, deflate: DeflateConfig) -> Self {
        Self {
            members: SlotMap::with_key(),
            rooms: HashMap::new(),
            deadlines: Wheel::new(STEP, 512),
            due: Vec::new(),
            clock,
            deflate,
            input: None,
            is_closing: false,
        }
    }

    /// Nobody may join any more.
    pub fn is_closing(&self) -> bool {
        self.is_closing
    }

    pub fn join(&mut self, ws: Connection, socket: Rc<TcpStream>, room: &str, name: String) -> (Key, Rc<Notify>) {
        let room = self.rooms.get_key_value(room).map_or_else(|| room.into(), |(room, _)| room.clone());
        let wake = Rc::new(Notify::new());
        let (room_of, wake_of) = (room.clone(), wake.clone());
        let (entered, later) = (Instant::MAX, Instant::MAX);
        let member = Member { ws, socket, room: room_of, name, wake: wake_of, entered, later };
        let key = self.members.insert(member);
        let members = self.rooms.entry(room.clone()).or_default();
        members.push(key);
        let members = members.len();
        self.send(&room, &Line::Joined { from: &self.members[key].name.clone(), members });
        (key, wake)
    }

    pub fn leave(&mut self, key: Key) {
        let Some(Member { room, name, .. }) = self.members.remove(key) else { return };
        let Some(members) = self.rooms.get_mut(&room) else { return };
        members.retain(|other| *other != key);
        match members.len() {
            0 => drop(self.rooms.remove(&room)),
            members => self.send(&room, &Line::Left { from: &name, members }),
        }
    }

    /// The connection of a member.
    pub fn connection(&mut self, key: Key) -> Option<&mut Connection> {
        self.members.get_mut(key).map(|member| &mut member.ws)
    }

    /// Receives what has come for a member. When that is much, the others have their turn in between: true if there may be more.
    pub fn receive(&mut self, key: Key, input: &mut Input) -> bool {
        for count in 0.. {
            let Some(Member { ws, room, name, wake, .. }) = self.members.get_mut(key) else { break };
            if count == AT_ONCE {
                wake.notify_one();
                return true;
            }
            match ws.receive(input) {
                Some(Event::Text(text)) => {
                    let (room, name) = (room.clone(), name.clone());
                    self.send(&room, &Line::Said { from: &name, text: &text });
                }
                Some(Event::Binary(_)) => {
                    // A second one comes behind the Close frame.
                    let _ = ws.close((CloseCode::UNSUPPORTED_DATA, "a line is text"));
                }
                Some(Event::Closed(closed)) => println!("{name:?}: closed: {closed}"),
                Some(_) => {}
                None => break,
            }
        }
        false
    }

    /// Passes the time to a member's connection, enters its deadline, and returns what it wants next.
    pub fn look(&mut self, key: Key) -> Option<Interest> {
        let Member { ws, entered, later, .. } = self.members.get_mut(key)?;
        ws.handle_timeout(self.clock.now());
        let want = ws.interest();
        if let Some(deadline) = want.deadline
            && deadline.at < *entered
        {
            *later = (*later).min(*entered);
            *entered = deadline.at;
            self.deadlines.enter(key, deadline.at);
        }
        Some(want)
    }

    /// Wakes the tasks of those members whose deadline has come, and enters those again whose deadline has moved on.
    pub fn turn(&mut self) {
        let now = self.clock.now();
        let mut due = std::mem::take(&mut self.due);
        self.deadlines.turn(now, &mut due);
        for key in due.drain(..) {
            let Some(Member { ws, wake, entered, later, .. }) = self.members.get_mut(key) else { continue };
            if *entered > now {
                // This entry was superseded by an earlier one.
                *later = Instant::MAX;
                continue;
            }
            // The later entry serves for what is not due before it.
            *entered = std::mem::replace(later, Instant::MAX);
            match ws.interest().deadline {
                Some(deadline) if deadline.at > now => {
                    if deadline.at < *entered {
                        *later = *entered;
                        *entered = deadline.at;
                        self.deadlines.enter(key, deadline.at);
                    }
                }
                // Its task calls `handle_timeout`.
                _ => wake.notify_one(),
            }
        }
        self.due = due;
    }

    /// Closes everybody's connection (RFC 6455 §7.4.1: 1001 is for a server that goes down).
    pub fn close(&mut self) {
        self.is_closing = true;
        for Member { ws, wake, .. } in self.members.values_mut() {
            let _ = ws.close((CloseCode::GOING_AWAY, "the server is going down"));
            wake.notify_one();
        }
    }

    /// An input for a connection that has none. Where a connection is quiet its input is empty, and may serve another one.
    pub fn take_input(&mut self) -> Input {
        self.input.take().unwrap_or_default()
    }

    pub fn give_back(&mut self, input: Input) {
        self.input = Some(input);
    }

    /// Encodes and compresses a line once, and queues it for everyone in the room. Who reads too slowly is closed: what waits
    /// for one member would grow without bound, and the others do not wait.
    fn send(&mut self, room: &str, line: &Line<'_>) {
        let Ok(line) = serde_json::to_string(line) else { return };
        let line = Prepared::new(line).compress(&self.deflate);
        for &key in self.rooms.get(room).into_iter().flatten() {
            let Some(Member { ws, socket, wake, .. }) = self.members.get_mut(key) else { continue };
            if !ws.can_send() {
                continue;
            }
            // Its task may not have had its turn since the last lines. What fails here fails there, too.
            if ws.interest().congested {
                let _ = write(ws, socket);
            }
            let sent = match ws.interest().congested {
                true => ws.close_now((CloseCode::TRY_AGAIN_LATER, "you read too slowly")),
                false => ws.send_prepared(&line),
            };
            sent.unwrap_or_else(|error| eprintln!("{error}"));
            wake.notify_one();
        }
    }
}
