//! How to use the crate, chapter by chapter.
//!
//! [`Connection`](crate::Connection) documents each method on its own. The guide is about how they go together: what a
//! driver does in which order, and what goes wrong otherwise. Its code is compiled with the tests, and run where it needs no
//! network; only the handler on axum is not, which `examples/axum` has as a program.
//!
//! **How to drive a connection from a new runtime**: one example grows from chapter to chapter, a server's session that
//! answers each message with its number.
//!
//! 1. [`reading`]: bytes go into an [`Input`](crate::Input).
//! 2. [`events`]: what comes out of it, and how long it may be held.
//! 3. [`writing`]: sending, the output, and what the connection wants next.
//! 4. [`ending`]: the end of the stream, the closing handshake, violations, and who hangs up.
//! 5. [`deadlines`]: time, and tests that move the clock by hand.
//! 6. [`two_tasks`]: one task that reads and one that writes.
//! 7. [`completion_io`]: kernels that own buffers while they read and write.
//! 8. [`runtimes`]: whole loops, for tokio, for hyper and axum, and for event loops such as mio.
//!
//! **Around the connection**:
//!
//! 9. [`handshake`]: from bytes, from parsed headers, over HTTP/2 and HTTP/3.
//! 10. [`compression`]: permessage-deflate, and the memory that it takes.
//! 11. [`migrating`]: from tungstenite, type by type.
//!
//! **For reference**:
//!
//! 12. [`application`]: what the RFCs ask of the application and not of this crate.
//! 13. [`defaults`]: every default, and why.
//! 14. [`threats`]: what has broken other implementations, and how this one is built against it.
//!
//! The modules exist in the documentation only: nothing of them is in a program.

// Code of a chapter is tried only where the features that it uses are on; `rustdoc --test` sets `doc`, too.

pub mod reading {
    #![cfg_attr(any(not(doctest), feature = "std"), doc = include_str!("guide/reading.md"))]
}

pub mod events {
    #![cfg_attr(any(not(doctest), feature = "std"), doc = include_str!("guide/events.md"))]
}

pub mod writing {
    #![cfg_attr(any(not(doctest), feature = "std"), doc = include_str!("guide/writing.md"))]
}

pub mod ending {
    #![cfg_attr(any(not(doctest), feature = "std"), doc = include_str!("guide/ending.md"))]
}

pub mod deadlines {
    #![cfg_attr(any(not(doctest), feature = "std"), doc = include_str!("guide/deadlines.md"))]
}

pub mod two_tasks {
    #![cfg_attr(any(not(doctest), feature = "std"), doc = include_str!("guide/two_tasks.md"))]
}

pub mod completion_io {
    #![cfg_attr(any(not(doctest), feature = "std"), doc = include_str!("guide/completion_io.md"))]
}

pub mod runtimes {
    #![cfg_attr(
        any(not(doctest), all(feature = "std", feature = "handshake", feature = "deflate")),
        doc = include_str!("guide/runtimes.md")
    )]
}

pub mod handshake {
    #![cfg_attr(
        any(not(doctest), all(feature = "std", feature = "handshake", feature = "deflate", feature = "getrandom")),
        doc = include_str!("guide/handshake.md")
    )]
}

pub mod compression {
    #![cfg_attr(
        any(not(doctest), all(feature = "std", feature = "handshake", feature = "deflate", feature = "getrandom")),
        doc = include_str!("guide/compression.md")
    )]
}

pub mod migrating {
    #![cfg_attr(
        any(not(doctest), all(feature = "std", feature = "handshake", feature = "deflate", feature = "getrandom")),
        doc = include_str!("guide/migrating.md")
    )]
}

pub mod application {
    #![cfg_attr(
        any(not(doctest), all(feature = "std", feature = "handshake", feature = "deflate", feature = "getrandom")),
        doc = include_str!("guide/application.md")
    )]
}

pub mod defaults {
    #![cfg_attr(
        any(not(doctest), all(feature = "std", feature = "handshake", feature = "deflate", feature = "getrandom")),
        doc = include_str!("guide/defaults.md")
    )]
}

pub mod threats {
    #![cfg_attr(
        any(not(doctest), all(feature = "std", feature = "handshake", feature = "deflate", feature = "getrandom")),
        doc = include_str!("guide/threats.md")
    )]
}
