//! What a connection costs in memory: its size, its heap when fresh and idle, and that a message in the steady state
//! allocates nothing.

use crate::common::allocator::{allocations, held};
use ws_proto::bytes::Buf;
use ws_proto::frame::{FrameHeader, MaskingKey};
use ws_proto::{Config, Connection, Event, Input, Opcode, Seed};

fn masked(opcode: Opcode, fin: bool, payload: &[u8]) -> Vec<u8> {
    let key = [0x37, 0xFA, 0x21, 0x3D];
    let masking_key = Some(MaskingKey::new(key));
    let header = FrameHeader { fin, rsv: 0, opcode, masking_key, payload_length: payload.len() as u64 };
    let mut frame = header.encode().as_ref().to_vec();
    frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

fn echo_all(ws: &mut Connection, input: &mut Input) {
    while let Some(event) = ws.receive(input) {
        match event {
            Event::Text(text) => ws.send_text(&text).expect("there is room"),
            Event::Binary(data) => ws.send_binary(&data).expect("there is room"),
            Event::Ping(_) | Event::Pong(_) => {}
            event => panic!("unexpected {event:?}"),
        }
    }
    // Written in pieces, as a socket takes them.
    while ws.output().has_remaining() {
        let count = ws.output().chunk().len().min(100);
        ws.output().advance(count);
    }
}

#[test]
fn an_echo_in_the_steady_state_allocates_nothing() {
    let mut wire = Vec::new();
    for size in [0, 20, 125, 126, 3000] {
        wire.extend(masked(Opcode::Binary, true, &vec![7; size]));
        wire.extend(masked(Opcode::Text, true, &vec![b'a'; size]));
    }
    wire.extend(masked(Opcode::Text, false, b"frag"));
    wire.extend(masked(Opcode::Pong, true, b"pong"));
    wire.extend(masked(Opcode::Continuation, true, b"ment"));

    let mut ws = Connection::server(&Config::new());
    let mut input = Input::new();
    let mut round = || {
        for piece in wire.chunks(1000) {
            input.extend_from_slice(piece);
            echo_all(&mut ws, &mut input);
        }
    };
    (0..20).for_each(|_| round());
    let before = allocations();
    (0..1000).for_each(|_| round());
    assert_eq!(allocations() - before, 0, "in 13,000 messages");
}

#[test]
fn a_client_that_sends_in_the_steady_state_allocates_nothing() {
    let mut ws = Connection::client(Seed::new([1; 32]), &Config::new());
    let mut round = || {
        ws.send_text("twenty bytes of text").expect("there is room");
        ws.send_binary(&[7; 3000]).expect("there is room");
        let count = ws.output().remaining();
        ws.output().advance(count);
    };
    (0..20).for_each(|_| round());
    let before = allocations();
    (0..1000).for_each(|_| round());
    assert_eq!(allocations() - before, 0);
}

/// What the crate holds for one more connection, beyond the struct itself.
fn heap_of(make: impl Fn() -> Connection) -> isize {
    let before = held();
    let ws = make();
    let after = held();
    drop(ws);
    after - before
}

#[test]
fn a_connection_is_small_and_an_idle_one_holds_what_it_says() {
    let config = Config::new();
    let size = size_of::<Connection>();
    let fresh_server = heap_of(|| Connection::server(&config));
    let fresh_client = heap_of(|| Connection::client(Seed::new([1; 32]), &config));

    let mut input = Input::new();
    let mut wire = masked(Opcode::Text, true, b"hello");
    wire.extend(masked(Opcode::Ping, true, b"ping"));
    let idle = |release: bool, input: &mut Input| {
        let mut ws = Connection::server(&config);
        for _ in 0..10 {
            input.extend_from_slice(&wire);
            echo_all(&mut ws, input);
        }
        if release {
            ws.release_memory();
        }
        ws
    };
    // So that the input has the memory that it needs.
    idle(false, &mut input);
    let before = held();
    let quiet = idle(false, &mut input);
    let idle_heap = held() - before;
    drop(quiet);
    let before = held();
    let released = idle(true, &mut input);
    let released_heap = held() - before;
    drop(released);

    println!("size_of::<Connection>(): {size} bytes");
    println!("heap of a fresh server: {fresh_server} bytes; of a fresh client: {fresh_client} bytes");
    println!("heap of an idle server after an echo: {idle_heap} bytes; after release_memory: {released_heap} bytes");
    assert!(size <= 256);
    assert_eq!(fresh_server, 0);
    assert!(fresh_client <= 400);
    assert!(idle_heap <= 256);
    assert_eq!(released_heap, 0);
}

#[cfg(feature = "deflate")]
mod deflate {
    use super::echo_all;
    use crate::common::allocator::{allocations, held};
    use ws_proto::{Config, Connection, DeflateConfig, DeflateParameters, DeflatePool, Event, Input, Seed};

    fn json(size: usize) -> String {
        let mut text = String::new();
        let mut id = 1_u32;
        while text.len() < size {
            id = id.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            text += &format!("{{\"id\":{id},\"user\":\"user{}\",\"price\":{}.99}},", id >> 20, id >> 24);
        }
        text.truncate(size);
        text
    }

    fn pair(deflate: &DeflateConfig, agreed: DeflateParameters) -> (Connection, Connection) {
        let config = Config::new();
        let client = Connection::client(Seed::new([1; 32]), &config).with_deflate(deflate, agreed);
        (client, Connection::server(&config).with_deflate(deflate, agreed))
    }

    const NO_TAKEOVER: DeflateParameters = DeflateParameters {
        server_no_context_takeover: true,
        client_no_context_takeover: true,
        ..DeflateParameters::new()
    };

    /// Lets the server echo a message, and checks that the client has received it.
    fn echo(client: &mut Connection, server: &mut Connection, input: &mut Input, text: &str) {
        client.send_text(text).expect("there is room");
        input.put(client.output());
        while let Some(event) = server.receive(input) {
            let Event::Text(text) = event else { panic!("unexpected {event:?}") };
            server.send_text(&text).expect("there is room");
        }
        input.put(server.output());
        let Some(Event::Text(echo)) = client.receive(input) else { panic!("the echo is missing") };
        assert_eq!(echo, text);
    }

    #[test]
    fn a_compressed_echo_in_the_steady_state_allocates_nothing() {
        for agreed in [DeflateParameters::new(), NO_TAKEOVER] {
            let (mut client, mut server) = pair(&DeflateConfig::new(), agreed);
            let texts = [200, 2_000, 100_000].map(json);
            let mut input = Input::new();
            let mut round = || {
                for text in &texts {
                    echo(&mut client, &mut server, &mut input, text);
                }
            };
            (0..20).for_each(|_| round());
            let before = allocations();
            (0..50).for_each(|_| round());
            assert_eq!(allocations() - before, 0, "{agreed:?}");
        }
    }

    #[test]
    fn nothing_is_taken_before_the_first_compressed_message() {
        let before = held();
        let (_, mut server) = pair(&DeflateConfig::new(), DeflateParameters::new());
        let fresh = held() - before;
        let mut input = Input::new();
        input.extend_from_slice(&super::masked(ws_proto::Opcode::Text, true, b"not compressed, and short"));
        echo_all(&mut server, &mut input);
        server.release_memory();
        input.release_memory();
        let after = held() - before;
        println!("heap of a server that compresses and has not done so yet: {after} bytes");
        assert!(after <= fresh && fresh <= 512);
    }

    /// What an idle server holds, receiving and sending, after ten echoes of 2 KiB.
    fn idle(deflate: &DeflateConfig, agreed: DeflateParameters, release: bool) -> isize {
        let (mut client, mut server) = pair(deflate, agreed);
        let mut input = Input::new();
        for round in 0..10 {
            echo(&mut client, &mut server, &mut input, &json(2_000 + round));
        }
        if release {
            server.release_memory();
        }
        let before = held();
        drop(server);
        before - held()
    }

    #[test]
    fn an_idle_connection_that_compresses_holds_what_it_says() {
        let small = DeflateConfig::new().memory_level(1);
        let ten_bits =
            DeflateParameters { server_max_window_bits: 10, client_max_window_bits: 10, ..DeflateParameters::new() };
        let given_back = DeflateConfig::new().keep_contexts(false);
        let pool = DeflatePool::new(4);
        let pooled = given_back.clone().pool(&pool);
        // So that the pool, which is not the connection's, has what it needs.
        idle(&pooled, DeflateParameters::new(), false);

        let modes = [
            ("defaults", DeflateConfig::new(), DeflateParameters::new(), 480 << 10),
            ("memory_level(1), windows of 10 bits", small.clone(), ten_bits, 200 << 10),
            ("no context takeover", DeflateConfig::new(), NO_TAKEOVER, 480 << 10),
            ("keep_contexts(false)", given_back.clone(), DeflateParameters::new(), 36 << 10),
            ("keep_contexts(false), windows of 10 bits", given_back, ten_bits, 4 << 10),
            ("keep_contexts(false) and a pool", pooled, DeflateParameters::new(), 36 << 10),
            ("a pool, no context takeover", DeflateConfig::new().pool(&pool), NO_TAKEOVER, 4 << 10),
        ];
        println!("heap of an idle server after ten compressed echoes of 2 KiB; and after release_memory:");
        for (name, config, agreed, most) in modes {
            let kept = idle(&config, agreed, false);
            let released = idle(&config, agreed, true);
            println!("{name:<42} {kept:>7} {released:>7}");
            assert!(kept <= most, "{name}");
            // Up to a window of what the peer may refer to; without takeover it is nothing.
            let window = if agreed.client_no_context_takeover { 0 } else { 1 << agreed.client_max_window_bits };
            assert!(released <= window + 1024, "{name}");
        }
        assert!(pool.idle_contexts() > 0);
    }
}
