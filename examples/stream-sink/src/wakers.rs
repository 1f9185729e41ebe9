//! Two tasks that wait for one stream.

use futures_util::task::AtomicWaker;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// The task that reads messages and the task that sends them, after a [split](futures_util::StreamExt::split).
///
/// A stream of bytes remembers one waker for reading and one for writing. But both tasks write: the one that reads has Pings
/// and a Close to answer, and a TLS stream may have to write where it is to be read. If each showed its own waker, the task
/// that polled first would never be woken. So the stream is shown the same waker by both, which wakes both.
#[derive(Default)]
pub(crate) struct Wakers {
    pub(crate) reader: AtomicWaker,
    pub(crate) writer: AtomicWaker,
}

impl Wakers {
    /// Polls as the task of `side`, with the waker of both.
    pub(crate) fn poll<T>(
        self: &Arc<Self>,
        side: impl Fn(&Self) -> &AtomicWaker,
        cx: &Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        side(self).register(cx.waker());
        let polled = poll(&mut Context::from_waker(&Waker::from(Arc::clone(self))));
        if polled.is_ready() {
            // It waits for nothing, and need not be woken for what the other one waits for.
            side(self).take();
        }
        polled
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.reader.wake();
        self.writer.wake();
    }
}
