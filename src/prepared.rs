//! Messages that are encoded once and sent to many.

#[cfg(feature = "deflate")]
use crate::deflate::{DeflateConfig, compress_alone};
use crate::frame::{EncodedHeader, FrameHeader};
use crate::message::Message;
use crate::opcode::MessageKind;
use crate::reserved_bits::ReservedBits;
use alloc::sync::Arc;
#[cfg(feature = "deflate")]
use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt;

/// From this size in bytes on the payload is referred to: below it, a copy costs less than the reference does. It is less
/// than for a message of one connection, as the outputs of many are not in the cache, and the payload is.
const SHARED: usize = 512;

/// A message that is encoded once, and compressed once, and sent to any number of a server's connections with
/// [`Connection::send_prepared`](crate::Connection::send_prepared). Cloning it shares the memory.
///
/// Below 512 bytes the frame is copied into each output; from there on all of them refer to the same payload.
///
/// A client cannot send it: RFC 6455 §5.3 wants a fresh masking key for every frame.
///
/// ```
/// use ws_proto::{Config, Connection, Prepared};
///
/// let mut connections = vec![Connection::server(&Config::new()), Connection::server(&Config::new())];
/// let news = Prepared::new("news for all");
/// for ws in &mut connections {
///     ws.send_prepared(&news)?;
/// }
/// # Ok::<(), ws_proto::SendError>(())
/// ```
#[derive(Clone)]
pub struct Prepared(Arc<Forms>);

#[derive(Clone)]
struct Forms {
    plain: Form,
    #[cfg(feature = "deflate")]
    compressed: Vec<Compressed>,
}

/// A message in one frame, unmasked.
#[derive(Clone)]
pub(crate) struct Form {
    kind: MessageKind,
    reserved: Option<ReservedBits>,
    header: EncodedHeader,
    /// The payload; where it is not large, the whole frame.
    bytes: Bytes,
    /// How much of that is the header.
    header_size: usize,
}

#[cfg(feature = "deflate")]
#[derive(Clone)]
struct Compressed {
    /// The window that it takes, in bits.
    window_bits: u8,
    form: Form,
}

impl Prepared {
    /// Prepares a message, which goes out uncompressed. One of an extension can be sent on the connections that were given
    /// its reserved bits.
    pub fn new(message: impl Into<Message>) -> Self {
        let message = message.into();
        let (kind, reserved) = (message.kind(), message.reserved_bits());
        Self(Arc::new(Forms {
            plain: Form::new(kind, reserved, message.into_bytes()),
            #[cfg(feature = "deflate")]
            compressed: Vec::new(),
        }))
    }

    /// Compresses the message for the connections that agreed on permessage-deflate, with the level, memory level and window
    /// of `config` ([`send_window_bits`](DeflateConfig::send_window_bits)). It is compressed here, once, by itself, and
    /// refers to nothing that was sent before it.
    ///
    /// A connection that agreed on a smaller window, or on no compression, gets the uncompressed frame; so do all if the
    /// message is shorter than the [threshold](DeflateConfig::threshold), does not shrink, or is an extension's. Called several
    /// times with different windows, each connection gets the form with the largest window that is no larger than its own.
    ///
    /// Each call takes a context, as a connection does, and gives it back; with a [pool](DeflateConfig::pool) they are
    /// shared. Do not compress a message that holds a secret: see [`DeflateConfig`].
    ///
    /// What it costs: the connection needs no context of its own to send it. With context takeover, where the connection has
    /// one, the peer's window goes on with this message while the connection's own does not know it, so the next message
    /// that the connection compresses by itself begins with an empty window (RFC 7692 §7.2.3.2 allows that to a sender at any
    /// time). Where prepared and other messages alternate, those others gain nothing of context takeover.
    ///
    /// ```
    /// use ws_proto::{Config, Connection, DeflateConfig, DeflateParameters, Prepared};
    ///
    /// let deflate = DeflateConfig::new();
    /// let news = Prepared::new("news for all ".repeat(10)).compress(&deflate);
    /// let mut ws = Connection::server(&Config::new()).with_deflate(&deflate, DeflateParameters::new());
    /// ws.send_prepared(&news)?;
    /// assert!(ws.buffered() < 40);
    /// # Ok::<(), ws_proto::SendError>(())
    /// ```
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn compress(self, config: &DeflateConfig) -> Self {
        if self.reserved_bits().is_some() {
            return self;
        }
        let mut forms = Arc::unwrap_or_clone(self.0);
        let Form { kind, .. } = forms.plain;
        if let Some((window_bits, payload)) = compress_alone(&forms.plain.payload(), config) {
            forms.compressed.retain(|other| other.window_bits != window_bits);
            // RFC 7692 §6.1: the bit says that the message is compressed.
            let form = Form::new(kind, Some(ReservedBits::RSV1), payload);
            forms.compressed.push(Compressed { window_bits, form });
            forms.compressed.sort_by_key(|form| core::cmp::Reverse(form.window_bits));
        }
        Self(Arc::new(forms))
    }

    /// The type of the message.
    pub fn kind(&self) -> MessageKind {
        self.0.plain.kind
    }

    /// The reserved bits of a message of an extension.
    pub fn reserved_bits(&self) -> Option<ReservedBits> {
        self.0.plain.reserved
    }

    /// The size of the message's payload in bytes.
    pub fn len(&self) -> usize {
        self.0.plain.payload_size()
    }

    /// Whether the message is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The form without compression.
    #[inline]
    pub(crate) fn plain(&self) -> &Form {
        &self.0.plain
    }

    /// The compressed form for a peer with this window, if there is one.
    #[cfg(feature = "deflate")]
    pub(crate) fn compressed(&self, window_bits: u8) -> Option<&Form> {
        self.0
            .compressed
            .iter()
            .find(|compressed| compressed.window_bits <= window_bits)
            .map(|compressed| &compressed.form)
    }
}

impl Form {
    fn new(kind: MessageKind, reserved: Option<ReservedBits>, payload: Bytes) -> Self {
        let payload_length = payload.len() as u64;
        let rsv = ReservedBits::bits_of(reserved);
        let header = FrameHeader { fin: true, rsv, opcode: kind.opcode(), masking_key: None, payload_length }.encode();
        let (bytes, header_size) = if payload.len() < SHARED {
            ([header.as_ref(), &payload].concat().into(), header.as_ref().len())
        } else {
            (payload, 0)
        };
        Self { kind, reserved, header, bytes, header_size }
    }

    /// The type of the message.
    pub(crate) fn kind(&self) -> MessageKind {
        self.kind
    }

    /// The reserved bits of the frame.
    pub(crate) fn reserved(&self) -> Option<ReservedBits> {
        self.reserved
    }

    /// The size of the whole frame.
    #[inline]
    pub(crate) fn size(&self) -> usize {
        self.bytes.len() + self.header.as_ref().len() - self.header_size
    }

    /// The size of the payload.
    #[inline]
    pub(crate) fn payload_size(&self) -> usize {
        self.bytes.len() - self.header_size
    }

    /// What is copied of the frame: all of it, or the header.
    #[inline]
    pub(crate) fn copied(&self) -> &[u8] {
        if self.header_size > 0 { &self.bytes } else { self.header.as_ref() }
    }

    /// The payload, where it is sent by reference.
    #[inline]
    pub(crate) fn referenced(&self) -> Option<&Bytes> {
        if self.header_size > 0 { None } else { Some(&self.bytes) }
    }

    /// The payload.
    pub(crate) fn payload(&self) -> Bytes {
        self.bytes.slice(self.header_size..)
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Prepared");
        debug.field("kind", &self.kind()).field("len", &self.len());
        #[cfg(feature = "deflate")]
        debug.field("windows", &Vec::from_iter(self.0.compressed.iter().map(|compressed| compressed.window_bits)));
        debug.finish_non_exhaustive()
    }
}
