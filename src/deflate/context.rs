//! Where zlib's contexts come from and where they go: made and dropped, or shared by the connections of a pool.

#[cfg(feature = "std")]
use alloc::{collections::VecDeque, sync::Arc};
#[cfg(feature = "std")]
use core::fmt;
#[cfg(feature = "std")]
use std::sync::{Mutex, MutexGuard, PoisonError};
use zlib_rs::{Deflate, Inflate};

/// How to compress: contexts of the same settings can take each other's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) level: u8,
    pub(super) memory_level: u8,
    pub(super) window_bits: u8,
}

/// Gives contexts that are as new, and takes them back.
#[derive(Debug, Clone, Default)]
pub(super) struct Contexts {
    #[cfg(feature = "std")]
    pool: Option<DeflatePool>,
}

impl Contexts {
    pub(super) const fn new() -> Self {
        Self {
            #[cfg(feature = "std")]
            pool: None,
        }
    }

    #[cfg(feature = "std")]
    pub(super) fn of(pool: &DeflatePool) -> Self {
        Self { pool: Some(pool.clone()) }
    }

    /// Whether a context that is given back may serve another connection.
    pub(super) const fn are_shared(&self) -> bool {
        #[cfg(feature = "std")]
        {
            self.pool.is_some()
        }
        #[cfg(not(feature = "std"))]
        {
            false
        }
    }

    pub(super) fn inflate(&self) -> Inflate {
        #[cfg(feature = "std")]
        if let Some(context) = self.pool.as_ref().and_then(DeflatePool::take_inflate) {
            return context;
        }
        // zlib takes the same memory for every window, and with the largest one no peer's is too large.
        Inflate::new(false, 15)
    }

    pub(super) fn give_inflate(&self, context: Inflate) {
        #[cfg(feature = "std")]
        if let Some(pool) = &self.pool {
            return pool.give_inflate(context);
        }
        drop(context);
    }

    pub(super) fn deflate(&self, settings: Settings) -> Deflate {
        #[cfg(feature = "std")]
        if let Some(context) = self.pool.as_ref().and_then(|pool| pool.take_deflate(settings)) {
            return context;
        }
        Deflate::new_with_config(zlib_rs::DeflateConfig {
            level: settings.level.into(),
            // Without a header, which is what the sign means. zlib does not take 8, but with 9 it refers back by
            // 2^9 - 262 = 250 bytes at most, which a window of 2^8 holds.
            window_bits: -i32::from(settings.window_bits.max(9)),
            mem_level: settings.memory_level.into(),
            ..zlib_rs::DeflateConfig::default()
        })
    }

    pub(super) fn give_deflate(&self, settings: Settings, context: Deflate) {
        #[cfg(feature = "std")]
        if let Some(pool) = &self.pool {
            return pool.give_deflate(settings, context);
        }
        #[cfg(not(feature = "std"))]
        let _: Settings = settings;
        drop(context);
    }
}

impl PartialEq for Contexts {
    fn eq(&self, other: &Self) -> bool {
        #[cfg(feature = "std")]
        {
            match (&self.pool, &other.pool) {
                (Some(one), Some(other)) => Arc::ptr_eq(&one.0, &other.0),
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            }
        }
        #[cfg(not(feature = "std"))]
        {
            let _: &Self = other;
            true
        }
    }
}

impl Eq for Contexts {}

/// Contexts that wait for the next message of any connection: a server with many quiet connections needs as many as
/// messages are under way at a time, and not as many as connections.
///
/// Cloning it shares it. A connection takes a context when a compressed message begins and gives it back at its end, if
/// nobody refers to its window any more: with `no_context_takeover` agreed for that direction, or with
/// [`DeflateConfig::keep_contexts`](crate::DeflateConfig::keep_contexts) turned off. Otherwise it gives it back when
/// [`Connection::release_memory`](crate::Connection::release_memory) is called and when it is dropped.
///
/// ```
/// use ws_proto::{Config, DeflateConfig, DeflatePool};
///
/// let pool = DeflatePool::new(64);
/// let deflate = DeflateConfig::new().keep_contexts(false).pool(&pool);
/// let config = Config::new().deflate(deflate); // for all connections
/// assert_eq!(pool.idle_contexts(), 0);
/// ```
#[cfg(feature = "std")]
#[derive(Clone)]
pub struct DeflatePool(Arc<Shared>);

#[cfg(feature = "std")]
struct Shared {
    max_idle: usize,
    idle: Mutex<Idle>,
}

#[cfg(feature = "std")]
#[derive(Default)]
struct Idle {
    /// The oldest first, as below.
    inflate: VecDeque<Inflate>,
    deflate: VecDeque<(Settings, Deflate)>,
}

#[cfg(feature = "std")]
impl DeflatePool {
    /// A pool that keeps at most so many unused contexts for each direction; when there are more, the oldest are
    /// dropped.
    ///
    /// *Complexity*: taking a context to compress with looks at all of them, under the pool's lock, if none has the
    /// level, memory level and window that are needed.
    pub fn new(max_idle: usize) -> Self {
        Self(Arc::new(Shared { max_idle, idle: Mutex::default() }))
    }

    /// The contexts that nobody uses at the moment, of both directions.
    pub fn idle_contexts(&self) -> usize {
        let idle = self.idle();
        idle.inflate.len() + idle.deflate.len()
    }

    fn take_inflate(&self) -> Option<Inflate> {
        self.idle().inflate.pop_back()
    }

    fn give_inflate(&self, mut context: Inflate) {
        context.reset(false);
        let dropped = push(&mut self.idle().inflate, context, self.0.max_idle);
        drop(dropped);
    }

    fn take_deflate(&self, settings: Settings) -> Option<Deflate> {
        let mut idle = self.idle();
        let place = idle.deflate.iter().rposition(|(of, _)| *of == settings)?;
        idle.deflate.remove(place).map(|(_, context)| context)
    }

    fn give_deflate(&self, settings: Settings, mut context: Deflate) {
        context.reset();
        let dropped = push(&mut self.idle().deflate, (settings, context), self.0.max_idle);
        drop(dropped);
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        // What is behind the lock is whole between any two lines that could panic.
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds a context; gives the one that has to go for it, so that it can be dropped when the lock is.
#[cfg(feature = "std")]
fn push<T>(idle: &mut VecDeque<T>, context: T, max_idle: usize) -> Option<T> {
    idle.push_back(context);
    if idle.len() > max_idle { idle.pop_front() } else { None }
}

#[cfg(feature = "std")]
impl fmt::Debug for DeflatePool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeflatePool")
            .field("max_idle", &self.0.max_idle)
            .field("idle_contexts", &self.idle_contexts())
            .finish()
    }
}
