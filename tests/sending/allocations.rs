//! In the steady state sending allocates nothing: messages of every size that are borrowed, owned, prepared or written in place,
//! Pings and Pongs, from an output that is written in between.

use crate::common::allocator::allocations;
use crate::common::frames::*;
use std::io::{self, IoSlice, Write};
use ws_proto::bytes::{Buf, Bytes};
use ws_proto::{Config, Connection, Input, MessageKind, Prepared, Role};

const ROUNDS: usize = 20;

/// A writer that takes so many bytes of each write.
struct Sink(usize);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len().min(self.0))
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(slices.iter().map(|slice| slice.len()).sum::<usize>().min(self.0))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How the output is emptied between messages.
const DRAINS: [fn(&mut Connection); 3] = [
    |ws| while ws.output().write_to(&mut Sink(usize::MAX)).expect("a sink takes all") > 0 {},
    |ws| while ws.output().write_to(&mut Sink(30_000)).expect("a sink takes some") > 0 {},
    |ws| {
        let output = ws.output();
        while output.has_remaining() {
            let count = output.chunk().len();
            output.advance(count);
        }
    },
];

/// Panics unless `send`, between writes, allocates nothing once it has been done some times.
fn assert_steady(config: &Config, roles: &[Role], what: &str, mut send: impl FnMut(&mut Connection)) {
    for role in roles {
        for (i, drain) in DRAINS.iter().enumerate() {
            // One message at a time, and some at once.
            for batch in [1, 3] {
                let mut ws = connection(*role, config);
                let mut round = |count: usize| {
                    for _ in 0..count {
                        (0..batch).for_each(|_| send(&mut ws));
                        drain(&mut ws);
                    }
                };
                round(10);
                let before = allocations();
                round(ROUNDS);
                assert_eq!(allocations() - before, 0, "{what}, {role:?}, drained in way {i}, {batch} at once");
            }
        }
    }
}

/// Messages that are borrowed.
#[test]
fn borrowed_messages() {
    for length in [0, 20, 126, 1024, 4096] {
        let text = "x".repeat(length);
        assert_steady(&Config::new(), &ROLES, &format!("text of {length}"), |ws| ws.send_text(&text).unwrap());
        let data = text.as_bytes();
        assert_steady(&Config::new(), &ROLES, &format!("{length} bytes"), |ws| ws.send_binary(data).unwrap());
    }
}

/// Messages that are owned: those that are copied, and those that go out by reference.
#[test]
fn owned_messages() {
    for length in [0, 20, 4095, 4096, 16 << 10, 64 << 10, 1 << 20] {
        let data = Bytes::from(vec![7; length]);
        // Its first clone makes it a shared one.
        let data = data.clone();
        assert_steady(&Config::new(), &ROLES, &format!("{length} bytes"), |ws| ws.send(data.clone()).unwrap());
    }
}

/// Messages in parts, and messages that are cut into fragments.
#[test]
fn fragments() {
    let data = Bytes::from(vec![7; 20_000]);
    let data = data.clone();
    let parts = |ws: &mut Connection| {
        ws.send_part(data.slice(..10), false).unwrap();
        ws.send_part(data.slice(10..10_000), false).unwrap();
        ws.send_part(data.slice(10_000..), true).unwrap();
    };
    assert_steady(&Config::new(), &ROLES, "parts", parts);
    for size in [1000, 5000] {
        let config = Config::new().fragment_size(size);
        assert_steady(&config, &ROLES, &format!("fragments of {size}"), |ws| ws.send(data.clone()).unwrap());
        assert_steady(&config, &ROLES, &format!("copied fragments of {size}"), |ws| ws.send_binary(&data).unwrap());
    }
}

/// Messages that are prepared, small and large.
#[test]
fn prepared_messages() {
    for length in [0, 20, 4095, 4096, 64 << 10, 1 << 20] {
        let prepared = Prepared::new(vec![7; length]);
        let send = |ws: &mut Connection| ws.send_prepared(&prepared).unwrap();
        assert_steady(&Config::new(), &[Role::Server], &format!("{length} prepared bytes"), send);
    }
}

/// Messages that are written into the output.
#[test]
fn written_messages() {
    for length in [0, 20, 126, 1024, 4096, 70_000] {
        let data = vec![b'x'; length];
        for kind in [MessageKind::Text, MessageKind::Binary] {
            assert_steady(&Config::new(), &ROLES, &format!("{length} written bytes"), |ws| {
                ws.send_with(kind, |message| message.write_all(&data)).unwrap();
            });
        }
    }
}

/// Pings and Pongs, alone, between messages, and as the answers to Pings.
#[test]
fn control_frames() {
    for length in [0, 4, 125] {
        let data = vec![7; length];
        assert_steady(&Config::new(), &ROLES, "a Ping", |ws| ws.ping(&data).unwrap());
        assert_steady(&Config::new(), &ROLES, "a Pong", |ws| ws.pong(&data).unwrap());
        let large = Bytes::from(vec![7; 10_000]);
        let large = large.clone();
        assert_steady(&Config::new(), &ROLES, "Pings and messages", |ws| {
            ws.send_binary(&data).unwrap();
            ws.ping(&data).unwrap();
            ws.send(large.clone()).unwrap();
            ws.pong(&data).unwrap();
            ws.send_text("last").unwrap();
        });
        let pings = ROLES.map(|role| Frame::ping(&data).to(role).bytes());
        for (role, ping) in ROLES.iter().zip(&pings) {
            let mut input = Input::new();
            assert_steady(&Config::new(), &[*role], "an answered Ping", |ws| {
                ws.send_text("before").unwrap();
                input.extend_from_slice(ping);
                while ws.receive(&mut input).is_some() {}
            });
        }
    }
}

/// An output that is never quite empty: what waits goes round in the same memory.
#[test]
fn an_output_that_is_never_empty() {
    for role in ROLES {
        for length in [20, 1000, 10_000] {
            let data = Bytes::from(vec![7; length]);
            let data = data.clone();
            let mut ws = connection(role, &Config::new());
            let mut round = |count: usize| {
                for i in 0..count {
                    ws.send(data.clone()).unwrap();
                    if i % 5 == 0 {
                        ws.ping(b"alive?").unwrap();
                    }
                    while ws.buffered() > 2 * length {
                        ws.output().write_to(&mut Sink(length / 3 + 1)).unwrap();
                    }
                }
            };
            // It takes a while until all parts have had their largest size.
            round(5000);
            let before = allocations();
            round(500);
            assert_eq!(allocations() - before, 0, "{role:?}, {length}");
        }
    }
}

#[cfg(feature = "deflate")]
mod deflate {
    use super::*;
    use crate::common::deflate::setups;
    use ws_proto::DeflateConfig;

    /// Compressed messages: borrowed, owned, written in place, prepared.
    #[test]
    fn compressed_messages() {
        let text = "some text that is compressed, ".repeat(50);
        let prepared = Prepared::new(text.clone()).compress(&DeflateConfig::new());
        let owned = Bytes::from(text.clone().into_bytes());
        let owned = owned.clone();
        for setup in setups() {
            let mut ws = setup.connection();
            for way in 0..4 {
                if setup.role == Role::Client && way == 3 {
                    continue;
                }
                let mut round = |count: usize| {
                    for _ in 0..count {
                        match way {
                            0 => ws.send_text(&text).unwrap(),
                            1 => ws.send(owned.clone()).unwrap(),
                            2 => ws.send_with(MessageKind::Text, |message| message.write_all(text.as_bytes())).unwrap(),
                            _ => ws.send_prepared(&prepared).unwrap(),
                        }
                        DRAINS[0](&mut ws);
                    }
                };
                round(10);
                let before = allocations();
                round(ROUNDS);
                assert_eq!(allocations() - before, 0, "way {way}, {setup:?}");
            }
        }
    }
}
