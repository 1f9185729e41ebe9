//! Many connections that draw their seeds from one source of entropy.

use crate::common::frames::{drain, read_frames};
use std::collections::HashSet;
use ws_proto::{Config, Connection, Seed, Seeds};

/// The masking keys of a connection's first frames.
fn keys(seed: Seed) -> Vec<[u8; 4]> {
    let mut client = Connection::client(seed, &Config::new());
    (0..4).for_each(|_| client.ping(b"").unwrap());
    read_frames(&drain(&mut client)).iter().map(|frame| frame.key.unwrap()).collect()
}

/// 6455-5.3-3, 6455-10.3-1: each connection masks with keys of its own, that of a source which was split off, too.
#[test]
fn every_connection_has_its_own_keys() {
    let mut seeds = Seeds::new([7; 32]);
    let mut other = seeds.split();
    let mut seen = HashSet::new();
    for _ in 0..100 {
        assert!(seen.insert(keys(seeds.next_seed())));
        assert!(seen.insert(keys(other.next_seed())));
    }
}

/// 6455-4.1-28: each handshake has a nonce of its own.
#[cfg(feature = "handshake")]
#[test]
fn every_handshake_has_its_own_nonce() {
    use ws_proto::handshake::client::{Handshake, Request};
    let mut seeds = Seeds::new([7; 32]);
    let request = Request::new("ws://example.com/".parse().unwrap());
    let mut requests = HashSet::new();
    for _ in 0..100 {
        let mut handshake = Handshake::new(&request, seeds.next_seed(), &Config::new());
        assert!(requests.insert(handshake.output().to_vec()));
    }
}

/// The same entropy gives the same connections, so that a test can replay them; other entropy gives others.
#[test]
fn they_are_replayed_with_the_entropy() {
    let draw = |entropy| {
        let mut seeds = Seeds::new(entropy);
        (0..20).map(|_| keys(seeds.next_seed())).collect::<Vec<_>>()
    };
    assert_eq!(draw([1; 32]), draw([1; 32]));
    assert_ne!(draw([1; 32]), draw([2; 32]));
}

/// 6455-5.3-3: entropy that is used for a connection and for a source, by mistake, does not join their streams: what the
/// connection shows on the wire is no part of a seed.
#[test]
fn the_stream_is_apart_from_that_of_a_connection() {
    let entropy = [7; 32];
    let mut client = Connection::client(Seed::new(entropy), &Config::new());
    (0..64).for_each(|_| client.ping(b"").unwrap());
    // The bytes that masked: a source that read the same stream would have its next key and seven seeds in them.
    let shown: Vec<u8> = read_frames(&drain(&mut client)).iter().flat_map(|frame| frame.key.unwrap()).collect();
    let of_shown: Vec<_> = shown.chunks_exact(32).map(|bytes| keys(Seed::new(bytes.try_into().unwrap()))).collect();
    assert_eq!(of_shown.len(), 8);
    let mut seeds = Seeds::new(entropy);
    assert!((0..7).all(|_| !of_shown.contains(&keys(seeds.next_seed()))));
}

/// 6455-5.3-3: two sources of the operating system are two.
#[cfg(feature = "getrandom")]
#[test]
fn the_operating_system_gives_sources() {
    let first = || keys(Seeds::random().unwrap().next_seed());
    assert_ne!(first(), first());
}

/// A source can be shared behind a lock, in a static too, and shows nothing.
#[test]
fn a_source_is_shared_and_hidden() {
    static SEEDS: std::sync::Mutex<Seeds> = std::sync::Mutex::new(Seeds::new([222; 32]));
    let keys: HashSet<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| keys(SEEDS.lock().unwrap().next_seed()))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(keys.len(), 4);
    let mut seeds = SEEDS.lock().unwrap();
    assert_eq!(format!("{:?} {seeds:?}", seeds.split()), "Seeds(..) Seeds(..)");
}
