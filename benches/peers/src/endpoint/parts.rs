//! What a handshake is made of: httparse, SHA-1 and base64 over the same bytes, with nothing asked of them.

use super::{Endpoint, Standing};
use crate::handshake::{REQUEST, accept, answer, key};
use crate::job::Job;
use crate::socket::Socket;
use std::hint::black_box;

pub struct Parts;

impl Endpoint for Parts {
    fn name(&self) -> &'static str {
        "parts"
    }

    fn standing(&self) -> Standing {
        Standing::Reference
    }

    fn accept(&self, _: Socket) -> Option<Job> {
        Some(Box::new(|count, _| {
            for _ in 0..count {
                black_box(accept(key(black_box(REQUEST))));
            }
        }))
    }

    fn connect(&self, _: Socket) -> Option<Job> {
        let answer = answer(REQUEST);
        Some(Box::new(move |count, _| {
            for _ in 0..count {
                let mut headers = [httparse::EMPTY_HEADER; 16];
                let mut parsed = httparse::Response::new(&mut headers);
                assert!(parsed.parse(black_box(&answer)).expect("an answer").is_complete());
                black_box(accept(black_box(b"dGhlIHNhbXBsZSBub25jZQ==")));
            }
        }))
    }
}
