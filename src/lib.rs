//! The WebSocket protocol (RFC 6455, and RFC 7692 for compression) without the socket: bytes in, events and bytes out.
//!
//! The crate opens no socket, reads no clock, draws no random numbers and knows no runtime; whoever embeds it brings those. It is
//! the same loop for tokio, mio, io_uring, a blocking socket and a test:
//!
#![cfg_attr(feature = "handshake", doc = "```")]
#![cfg_attr(not(feature = "handshake"), doc = "```ignore")]
//! use std::io::{Read, Write};
//! use ws_proto::handshake::server::{Answer, Handshake};
//! use ws_proto::{Config, Event, Input};
//!
//! /// Echoes what one client sends, over whatever can be read and written.
//! fn echo(mut socket: impl Read + Write) -> Result<(), Box<dyn std::error::Error>> {
//!     let mut input = Input::new(); // bytes from the wire
//!     let mut handshake = Handshake::new(&Config::new());
//!     let request = loop {
//!         match handshake.receive(&mut input) {
//!             Ok(Some(request)) => break request,
//!             Ok(None) if input.read_from(&mut socket)? == 0 => return Ok(()),
//!             Ok(None) => {}
//!             Err(rejection) => return Ok(socket.write_all(&rejection.response().to_bytes())?),
//!         }
//!     };
//!     let mut ws = request.accept(Answer::new())?; // the 101 waits in the output
//!
//!     loop {
//!         while let Some(event) = ws.receive(&mut input) {
//!             match event {
//!                 Event::Text(text) => ws.send_text(&text)?, // the event borrows the input, not `ws`
//!                 Event::Binary(data) => ws.send_binary(&data)?, // or is given away: `ws.send(data)`
//!                 Event::Closed(closed) => println!("closed: {closed}"), // the last event, exactly once
//!                 _ => {}                                    // Pings are answered already
//!             }
//!         }
//!         while ws.interest().write {
//!             if ws.output().write_to(&mut socket)? == 0 {
//!                 return Err(std::io::Error::from(std::io::ErrorKind::WriteZero).into());
//!             }
//!         }
//!         let want = ws.interest();
//!         if want.hang_up {
//!             return Ok(()); // a TCP socket: end the writing side, and read on for a moment
//!         }
//!         if want.read && input.read_from(&mut socket)? == 0 {
//!             ws.receive_eof();
//!         }
//!     }
//! }
//! ```
//!
//! * [`Connection`] is the protocol after the handshake; [`Input`] is where its bytes come from, [`Event`] what it returns,
//!   [`Closed`] how it ended.
//! * [`Output`] is what waits to be written, in pieces of any size; [`Prepared`] is a message that goes to many connections.
//! * [`handshake`] is the opening of both sides: from bytes, or through an HTTP library over HTTP/1.1, HTTP/2 and HTTP/3.
//! * [`Config`] holds the limits, all of them on by default.
//! * [`Keepalive`] holds the deadlines, kept by the time that the driver says; an [`Instant`] is that time.
#![cfg_attr(feature = "deflate", doc = "* [`DeflateConfig`] is how messages are compressed, where the peer agrees.")]
//! * [`frame`] is the wire format alone, for whoever forwards or inspects frames.
//! * [`guide`] shows how these go together, chapter by chapter.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `std` | yes | reading from and writing to `std::io`, vectored output, masking with the widest vectors that the processor has |
//! | `handshake` | yes | the module [`handshake`]; without it a connection starts on an upgraded stream |
//! | `http` | no | handshakes in the types of the crate `http`, which hyper, axum and h2 share; it needs `std` |
//! | `deflate` | yes | compression of messages, by permessage-deflate |
//! | `simd` | yes | long text is validated with vector instructions |
//! | `getrandom` | yes | [`Seed::random`] and [`Seeds::random`], where there is an operating system |
//!
//! The crate compiles for `wasm32-unknown-unknown` with any of them. Without an operating system there is neither
//! `Seed::random` nor a clock: [`Seed::new`] takes entropy of the host's, and an [`Instant`] is made of the host's time.
//!
//! Without default features the crate is `no_std` with `alloc`. There `deflate` takes its memory from C's
//! `posix_memalign` or `malloc`, `calloc` and `free`, which the program has to bring.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(
    unreachable_pub,
    clippy::alloc_instead_of_core,
    clippy::cast_possible_truncation,
    clippy::exhaustive_enums,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core
)]
#![deny(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::todo,
    clippy::unimplemented,
    clippy::unreachable,
    clippy::unwrap_used,
    clippy::wildcard_imports
)]
#![cfg_attr(test, allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used))]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

#[cfg(all(doctest, feature = "handshake", feature = "getrandom"))]
#[doc = include_str!("../README.md")]
struct ReadmeIsTried;

mod close_code;
mod close_frame;
mod config;
mod connection;
mod deadline;
mod decoder;
#[cfg(feature = "deflate")]
mod deflate;
// A WebAssembly module without an operating system knows of no source of entropy by itself.
#[cfg(all(feature = "getrandom", not(all(target_family = "wasm", any(target_os = "unknown", target_os = "none")))))]
mod entropy;
mod error;
mod event;
pub mod frame;
#[cfg(any(feature = "handshake", feature = "deflate"))]
mod grammar;
#[cfg(any(doc, doctest))]
pub mod guide;
#[cfg(feature = "handshake")]
pub mod handshake;
mod input;
mod instant;
mod interest;
mod keepalive;
mod message;
mod opcode;
mod payload;
mod prepared;
mod reserved_bits;
mod role;
mod rules;
mod seed;
mod seeds;
mod send_error;
mod text;
mod utf8;
mod violation;
mod wide;

pub use bytes;
pub use close_code::{CloseCode, InvalidCloseCode};
pub use close_frame::{CloseFrame, ReasonTooLong};
pub use config::{Config, Delivery};
pub use connection::{
    Connection, Counters, MessageWriter, Output, ReceiveHalf, Received, Reply, ReservedBitInUse, SendHalf,
};
pub use deadline::{Deadline, Timeout};
#[cfg(all(feature = "deflate", feature = "std"))]
pub use deflate::DeflatePool;
#[cfg(feature = "deflate")]
pub use deflate::{DeflateConfig, DeflateParameters, NegotiationError};
#[cfg(all(
    feature = "getrandom",
    not(all(target_family = "wasm", any(target_os = "unknown", target_os = "none")))
))]
pub use entropy::NoEntropy;
pub use error::{Error, Fault};
pub use event::{Cause, Closed, Event, OwnedEvent};
pub use input::Input;
#[cfg(feature = "std")]
pub use instant::Clock;
pub use instant::Instant;
pub use interest::Interest;
pub use keepalive::{Excess, Keepalive, RateLimit};
pub use message::Message;
pub use opcode::{MessageKind, Opcode};
pub use payload::Payload;
pub use prepared::Prepared;
pub use reserved_bits::ReservedBits;
pub use role::Role;
pub use seed::Seed;
pub use seeds::Seeds;
pub use send_error::{SendError, SendErrorKind, WriteError};
pub use text::{NotUtf8, Text, Utf8Bytes};
pub use violation::Violation;
