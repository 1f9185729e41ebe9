//! Seeds for any number of connections from one drawing of entropy.

use crate::seed::Seed;
use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use core::{fmt, mem};

/// So many seeds are made at a time: with the next key they fill what the generator makes in one step, 256 bytes.
const READY: usize = 7;

/// A stream apart from that of a [`Seed`] over the same bytes, so that entropy which is used for both, by mistake, does
/// not make the nonce and the masking keys of one connection show the seeds of others.
const STREAM: u64 = u64::from_le_bytes(*b"ws-seeds");

/// One source of entropy from which any number of client connections draw their [`Seed`].
///
/// A drawing costs no system call and cannot fail, so a program that connects often, or one on a platform without an
/// operating system, draws entropy once.
///
/// Seeds come out of a ChaCha12 stream whose key is replaced by its own output (fast key erasure). Whoever knows one seed
/// can compute no other, and whoever reads the memory of this value learns no seed that was drawn before.
///
/// Two sources over the same entropy give the same seeds, and with them the same nonces and masking keys. So it is not
/// `Clone`. A copy of the whole process is one, too: after a `fork`, or when a snapshot of a virtual machine is resumed,
/// the copy needs new entropy before it connects. Threads share a source behind a lock, or have one each:
/// [`random`](Seeds::random), or [`split`](Seeds::split) where entropy is hard to get.
///
#[cfg_attr(feature = "handshake", doc = "```")]
#[cfg_attr(not(feature = "handshake"), doc = "```ignore")]
/// use ws_proto::handshake::client::{Handshake, Request};
/// use ws_proto::{Config, Seeds};
///
/// # fn entropy_of_this_platform() -> [u8; 32] { [7; 32] }
/// let mut seeds = Seeds::new(entropy_of_this_platform()); // with an operating system: Seeds::random()?
/// let request = Request::new("ws://localhost:9001/".parse()?);
/// for _ in 0..1000 {
///     let handshake = Handshake::new(&request, seeds.next_seed(), &Config::new());
/// }
/// assert_eq!(format!("{seeds:?}"), "Seeds(..)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Seeds {
    /// What the seeds after the ready ones are made from. It has been used for nothing yet.
    key: [u8; 32],
    /// The first `left` of them have not been drawn; the others are zero.
    ready: [[u8; 32]; READY],
    left: usize,
}

impl Seeds {
    /// A source over entropy of the caller's: 32 bytes that nobody can predict, and that are used for nothing else.
    pub const fn new(entropy: [u8; 32]) -> Self {
        Self { key: entropy, ready: [[0; 32]; READY], left: 0 }
    }

    /// Draws the seed of one connection.
    #[doc(alias = "next")]
    pub fn next_seed(&mut self) -> Seed {
        Seed::new(self.draw())
    }

    /// Draws the entropy of another source, for another thread or task. Neither source can compute the other's seeds.
    #[must_use]
    pub fn split(&mut self) -> Self {
        Self::new(self.draw())
    }

    #[inline]
    fn draw(&mut self) -> [u8; 32] {
        loop {
            let last = self.left.checked_sub(1);
            if let Some((last, seed)) = last.and_then(|last| Some((last, self.ready.get_mut(last)?))) {
                self.left = last;
                // What has been drawn is not kept here.
                return mem::take(seed);
            }
            self.refill();
        }
    }

    #[cold]
    fn refill(&mut self) {
        let mut stream = ChaCha12Rng::from_seed(self.key);
        stream.set_stream(STREAM);
        // The key that made the stream is gone before any of it is used.
        stream.fill_bytes(&mut self.key);
        self.ready.iter_mut().for_each(|seed| stream.fill_bytes(seed));
        self.left = READY;
    }
}

/// Shows nothing of the entropy.
impl fmt::Debug for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seeds(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::{READY, Seeds};
    use alloc::vec::Vec;
    use std::collections::HashSet;

    fn drawn(seeds: &mut Seeds, count: usize) -> Vec<[u8; 32]> {
        (0..count).map(|_| seeds.next_seed().into_inner()).collect()
    }

    /// One block of ChaCha12 with a counter and a stream of 64 bits each, word by word (RFC 8439 §2.3 with twelve rounds, and
    /// the layout of the original cipher, in which both words of the counter come first).
    fn block(key: &[u8; 32], counter: u64, stream: [u8; 8]) -> [u8; 64] {
        fn quarter(state: &mut [u32; 16], [a, b, c, d]: [usize; 4]) {
            for (x, y, z, bits) in [(a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)] {
                state[x] = state[x].wrapping_add(state[y]);
                state[z] = (state[z] ^ state[x]).rotate_left(bits);
            }
        }
        let mut input = Vec::from(*b"expand 32-byte k");
        input.extend_from_slice(key);
        input.extend_from_slice(&counter.to_le_bytes());
        input.extend_from_slice(&stream);
        let mut start = [0; 16];
        for (word, bytes) in start.iter_mut().zip(input.chunks(4)) {
            *word = u32::from_le_bytes(bytes.try_into().unwrap());
        }
        let mut state = start;
        for _ in 0..6 {
            for column in 0..4 {
                quarter(&mut state, [column, 4 + column, 8 + column, 12 + column]);
            }
            for column in 0..4 {
                let of = |row: usize| 4 * row + (column + row) % 4;
                quarter(&mut state, [of(0), of(1), of(2), of(3)]);
            }
        }
        let mut out = [0; 64];
        for (bytes, (word, start)) in out.chunks_mut(4).zip(state.iter().zip(start)) {
            bytes.copy_from_slice(&word.wrapping_add(start).to_le_bytes());
        }
        out
    }

    /// The oracle is right: the first block of the zero key (draft-strombergson-chacha-test-vectors-01, TC1).
    #[test]
    fn the_oracle_is_right() {
        let zero = block(&[0; 32], 0, [0; 8]);
        assert_eq!(zero[..8], [0x9b, 0xf4, 0x9a, 0x6a, 0x07, 0x55, 0xf9, 0x53]);
    }

    /// Seeds are what a plain ChaCha12 with fast key erasure makes, block after block.
    #[test]
    fn they_are_the_stream() {
        let mut key = core::array::from_fn(|at| u8::try_from(at).unwrap());
        let mut seeds = Seeds::new(key);
        for _ in 0..20 {
            let stream: Vec<u8> = (0..4).flat_map(|counter| block(&key, counter, *b"ws-seeds")).collect();
            let (next_key, made) = stream.split_at(32);
            key = next_key.try_into().unwrap();
            let mut made: Vec<&[u8]> = made.chunks(32).collect();
            made.reverse();
            assert_eq!(drawn(&mut seeds, READY), made);
        }
    }

    /// 6455-10.3-1: nothing of a seed that has been drawn is left, nor of the key that made it.
    #[test]
    fn what_is_drawn_is_erased() {
        let mut seeds = Seeds::new([9; 32]);
        let mut gone = HashSet::from([[9; 32]]);
        for _ in 0..3 * READY {
            let key = seeds.key;
            let refills = seeds.left == 0;
            gone.insert(seeds.next_seed().into_inner());
            if refills {
                gone.insert(key);
            }
            assert!(!gone.contains(&seeds.key));
            assert!(seeds.ready[..seeds.left].iter().all(|seed| !gone.contains(seed)));
            assert!(seeds.ready[seeds.left..].iter().all(|seed| *seed == [0; 32]));
        }
    }

    /// 6455-5.3-3: all seeds differ, those of sources that were split off included; the same entropy gives the same.
    #[test]
    fn all_differ() {
        let mut seeds = Seeds::new([1; 32]);
        let mut other = seeds.split();
        let all = [drawn(&mut seeds, 100), drawn(&mut other, 100), drawn(&mut other.split(), 100)].concat();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 300);
        let mut again = Seeds::new([1; 32]);
        assert_eq!(drawn(&mut again.split(), 100), all[100..200]);
        assert_eq!(drawn(&mut again, 100), all[..100]);
    }
}
