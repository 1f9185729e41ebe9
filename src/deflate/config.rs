//! What this side wants of the extension.

use super::context::Contexts;
#[cfg(feature = "std")]
use super::context::DeflatePool;
use super::parameters::{MAX_WINDOW_BITS, MIN_WINDOW_BITS};

/// What one side wants of permessage-deflate (RFC 7692): how it compresses, and what it asks of the peer.
///
/// Given to [`Config::deflate`](crate::Config::deflate), it makes a client offer the extension and a server accept it.
/// What the two sides agree on is [`DeflateParameters`](crate::DeflateParameters).
///
/// ```
/// use ws_proto::{Config, DeflateConfig};
///
/// let config = Config::new().deflate(DeflateConfig::new().level(3).threshold(256));
/// ```
///
/// # Secrets
/// The length of compressed data depends on its content, and shows even through TLS. Where a secret and bytes that an attacker
/// chooses share a message, or a window, the attacker can guess the secret piece by piece and see which guess shortens
/// the message (CRIME, BREACH; RFC 7692 §8). Send such a message with
/// [`send_uncompressed`](crate::Connection::send_uncompressed), or keep the windows apart with
/// [`send_context_takeover`](DeflateConfig::send_context_takeover), which helps against secrets in *other* messages.
///
/// # Memory
/// A connection that has not sent or received a compressed message has no context. The first one in a direction makes
/// one: to compress takes 371 KiB at the default settings, 134 KiB at the smallest; to inflate takes 47 KiB. What a
/// message is inflated to lies in the [`Input`](crate::Input). A context stays until
/// [`release_memory`](crate::Connection::release_memory) is called, unless [`pool`](DeflateConfig::pool) or
/// [`keep_contexts`](DeflateConfig::keep_contexts) says otherwise. What a peer with context takeover may refer to, up
/// to 2^bits bytes of what it sent last, always stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeflateConfig {
    pub(super) level: u8,
    pub(super) memory_level: u8,
    pub(super) send_window_bits: u8,
    pub(super) receive_window_bits: u8,
    pub(super) send_context_takeover: bool,
    pub(super) receive_context_takeover: bool,
    pub(super) fallback: bool,
    pub(super) keep_contexts: bool,
    pub(super) contexts: Contexts,
    pub(crate) threshold: usize,
}

impl DeflateConfig {
    /// The defaults, as each method below names them.
    pub const fn new() -> Self {
        Self {
            level: 6,
            memory_level: 8,
            send_window_bits: MAX_WINDOW_BITS,
            receive_window_bits: MAX_WINDOW_BITS,
            send_context_takeover: true,
            receive_context_takeover: true,
            fallback: false,
            keep_contexts: true,
            contexts: Contexts::new(),
            threshold: 64,
        }
    }

    /// How much work goes into compressing: 0 only stores, 1 is fast, 9 is small. It changes nothing about the memory.
    /// Default 6; more than 9 counts as 9.
    #[must_use]
    pub const fn level(mut self, level: u8) -> Self {
        self.level = if level > 9 { 9 } else { level };
        self
    }

    /// How much memory compressing may take, from 1, about 1 KiB, to 9, 224 KiB, beside the window and its index.
    /// Default 8; other values count as the nearest.
    #[must_use]
    pub const fn memory_level(mut self, level: u8) -> Self {
        self.memory_level = within(level, 1, 9);
        self
    }

    /// The size in bytes from which on a message is compressed: below it, the time is not worth it. Default 64. A
    /// message that is sent in parts is compressed whatever its size, which is not known when it begins. It holds with
    /// context takeover, too; set it to 0 where short messages resemble one another, which is what context takeover is for.
    /// From that size on a message goes out compressed even if it does not shrink.
    #[must_use]
    pub const fn threshold(mut self, bytes: usize) -> Self {
        self.threshold = bytes;
        self
    }

    /// The largest window this side compresses with, as the power of two of its size in bytes: 8 to 15. Default 15;
    /// other values count as the nearest. The peer may ask for a smaller one.
    #[must_use]
    pub const fn send_window_bits(mut self, bits: u8) -> Self {
        self.send_window_bits = within(bits, MIN_WINDOW_BITS, MAX_WINDOW_BITS);
        self
    }

    /// The largest window the peer is asked to compress with: 8 to 15. Default 15; other values count as the nearest.
    ///
    /// A client's request is part of its offer, and a server that does not grant it does not compress, unless there is a
    /// [`fallback`](DeflateConfig::fallback). A server can only request it of a client that offers
    /// `client_max_window_bits` (RFC 7692 §7.1.2.2); any other is accepted without it.
    #[must_use]
    pub const fn receive_window_bits(mut self, bits: u8) -> Self {
        self.receive_window_bits = within(bits, MIN_WINDOW_BITS, MAX_WINDOW_BITS);
        self
    }

    /// Whether this side refers to its earlier messages when it compresses. Default true, which makes short messages of
    /// one kind several times smaller. The peer may forbid it.
    #[must_use]
    pub const fn send_context_takeover(mut self, on: bool) -> Self {
        self.send_context_takeover = on;
        self
    }

    /// Whether the peer may refer to its earlier messages. Default true. Forbidding it saves the memory for them: up to
    /// 2^[`receive_window_bits`](DeflateConfig::receive_window_bits) bytes for each connection.
    #[must_use]
    pub const fn receive_context_takeover(mut self, on: bool) -> Self {
        self.receive_context_takeover = on;
        self
    }

    /// Whether a client offers the extension a second time, behind the offer with its restrictions and without
    /// them: rather another way of compressing than none. Default false. It changes nothing when there are no restrictions.
    #[must_use]
    pub const fn fallback(mut self, on: bool) -> Self {
        self.fallback = on;
        self
    }

    /// Whether a connection keeps its contexts between messages. Default true.
    ///
    /// Turned off, every context is given back when its message ends, to the pool if there is one. What the peer may still
    /// refer to is kept as plain bytes; messages that are sent do not refer to earlier ones, as if
    /// [`send_context_takeover`](DeflateConfig::send_context_takeover) were off.
    #[must_use]
    pub const fn keep_contexts(mut self, on: bool) -> Self {
        self.keep_contexts = on;
        self
    }

    /// Shares contexts with the other connections of this pool: those whose window nobody refers to any more go back to
    /// it after each message.
    #[cfg(feature = "std")]
    #[must_use]
    pub fn pool(mut self, pool: &DeflatePool) -> Self {
        self.contexts = Contexts::of(pool);
        self
    }
}

impl Default for DeflateConfig {
    fn default() -> Self {
        Self::new()
    }
}

const fn within(value: u8, min: u8, max: u8) -> u8 {
    if value < min {
        min
    } else if value > max {
        max
    } else {
        value
    }
}
