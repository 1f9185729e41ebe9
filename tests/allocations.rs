//! What a connection costs in memory: its size, its heap when fresh and idle, and that a message in the steady state
//! allocates nothing.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use ws_proto::bytes::{Buf, BytesMut};
use ws_proto::frame::{FrameHeader, MaskingKey};
use ws_proto::{Config, Connection, Event, Opcode, Seed};

/// Counts what this thread allocates.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static HELD: Cell<isize> = const { Cell::new(0) };
}

fn count(allocations: usize, bytes: isize) {
    // The thread may be ending, and then nobody asks.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + allocations));
    let _ = HELD.try_with(|held| held.set(held.get() + bytes));
}

// SAFETY: every call goes to the system's allocator as it came; counting touches no memory of the caller's.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, -(layout.size() as isize));
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(1, new_size as isize - layout.size() as isize);
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations() -> usize {
    ALLOCATIONS.with(Cell::get)
}

fn held() -> isize {
    HELD.with(Cell::get)
}

fn masked(opcode: Opcode, fin: bool, payload: &[u8]) -> Vec<u8> {
    let key = [0x37, 0xFA, 0x21, 0x3D];
    let masking_key = Some(MaskingKey::new(key));
    let header = FrameHeader { fin, rsv: 0, opcode, masking_key, payload_length: payload.len() as u64 };
    let mut frame = header.encode().as_ref().to_vec();
    frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

fn echo_all(ws: &mut Connection, input: &mut BytesMut) {
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
    let mut input = BytesMut::with_capacity(64 << 10);
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

    let mut input = BytesMut::with_capacity(64 << 10);
    let mut wire = masked(Opcode::Text, true, b"hello");
    wire.extend(masked(Opcode::Ping, true, b"ping"));
    let idle = |release: bool, input: &mut BytesMut| {
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
