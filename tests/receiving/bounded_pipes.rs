//! Two connections that do what `interest` says, over pipes that hold little, never wait for each other for ever.

use std::collections::VecDeque;
use ws_proto::bytes::Buf;
use ws_proto::{CloseCode, Config, Connection, Event, Input, Interest, Seed};

/// What a pipe holds at most in one direction.
const PIPE: usize = 64 << 10;

struct End {
    ws: Connection,
    input: Input,
    echoes: bool,
    received: usize,
    closed: bool,
}

impl End {
    fn new(ws: Connection, echoes: bool) -> Self {
        Self { ws, input: Input::new(), echoes, received: 0, closed: false }
    }

    /// One turn of a loop that reads and writes whatever is possible; whether anything was.
    fn turn(&mut self, from: &mut VecDeque<u8>, to: &mut VecDeque<u8>) -> bool {
        let Interest { read, write, .. } = self.ws.interest();
        let mut moved = 0;
        if read {
            moved += from.len();
            self.input.put(from.make_contiguous() as &[u8]);
            from.clear();
        }
        while let Some(event) = self.ws.receive(&mut self.input) {
            match event {
                Event::Binary(data) => {
                    self.received += 1;
                    if self.echoes {
                        self.ws.send(data).expect("there is room");
                    }
                }
                Event::Closed(closed) => self.closed = closed.is_clean(),
                event => panic!("unexpected {event:?}"),
            }
        }
        if write {
            let output = self.ws.output();
            let count = output.chunk().len().min(PIPE - to.len());
            to.extend(&output.chunk()[..count]);
            output.advance(count);
            moved += count;
        }
        moved > 0
    }
}

#[test]
fn a_bulk_exchange_comes_to_its_end() {
    for messages in [1, 16, 64, 200] {
        let mut client = End::new(Connection::client(Seed::new([1; 32]), &Config::new()), false);
        let mut server = End::new(Connection::server(&Config::new()), true);
        for _ in 0..messages {
            client.ws.send(vec![7; 64 << 10]).expect("there is room");
        }
        let (mut up, mut down) = (VecDeque::new(), VecDeque::new());
        let mut asked = false;
        while !(client.closed && server.closed) {
            let client_moved = client.turn(&mut down, &mut up);
            let server_moved = server.turn(&mut up, &mut down);
            if client.received == messages && !asked {
                asked = true;
                client.ws.close(CloseCode::NORMAL).expect("it is open");
                continue;
            }
            assert!(client_moved || server_moved, "{} of {messages} came back", client.received);
        }
        assert!(server.ws.interest().hang_up);
    }
}
