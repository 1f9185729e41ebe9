//! JSON as a feed might send it, and what zlib-rs alone makes of it.

use zlib_rs::{Deflate, DeflateFlush};

/// So many messages make a round.
pub const ROUND: u64 = 64;

/// Different messages of one size.
pub fn messages(size: usize) -> Vec<Vec<u8>> {
    (1..=ROUND).map(|seed| message(size, seed)).collect()
}

fn message(size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut text = String::new();
    while text.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let (id, user, price, cents) = (state % 100_000, state % 977, state % 5000, state % 100);
        text += &format!(
            r#"{{"id":{id},"user":"user{user}","price":{price}.{cents:02},"active":{},"tags":["a{}","b"]}},"#,
            state.is_multiple_of(2),
            state % 31,
        );
    }
    text.truncate(size);
    text.into_bytes()
}

/// A round of messages, each compressed with those before it in the window.
pub fn zlib_messages(size: usize) -> Vec<Vec<u8>> {
    let mut context = Deflate::new(6, false, 15);
    let compress = |message: &Vec<u8>| {
        let mut room = vec![0; 2 * message.len()];
        let before = context.total_out();
        context.compress(message, &mut room, DeflateFlush::SyncFlush).expect("there is room");
        room.truncate((context.total_out() - before) as usize);
        room
    };
    messages(size).iter().map(compress).collect()
}
