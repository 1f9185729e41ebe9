//! An allocator that counts, for the tests that make it theirs.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Counts what this thread allocates.
pub struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static ALLOCATED: Cell<usize> = const { Cell::new(0) };
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(allocations: usize, bytes: isize) {
    // The thread may be ending, and then nobody asks.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + allocations));
    let _ = ALLOCATED.try_with(|allocated| allocated.set(allocated.get().wrapping_add(bytes.max(0) as usize)));
    let _ = HELD.try_with(|held| {
        held.set(held.get() + bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(held.get())));
    });
}

// SAFETY: every call goes to the system's allocator as it came; counting touches no memory of the caller's.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, -(layout.size() as isize));
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // Both may be there while one is copied to the other.
        count(1, new_size as isize);
        count(0, -(layout.size() as isize));
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

/// Bytes that this thread holds.
pub fn held() -> isize {
    HELD.with(Cell::get)
}

/// How often this thread has allocated.
pub fn allocations() -> usize {
    ALLOCATIONS.with(Cell::get)
}

/// The most bytes that were held at a time while `run` ran, above those before it.
pub fn peak_of<T>(run: impl FnOnce() -> T) -> (T, isize) {
    let before = held();
    PEAK.with(|peak| peak.set(before));
    let outcome = run();
    (outcome, PEAK.with(Cell::get) - before)
}

/// Bytes that this thread has allocated over time.
pub fn allocated() -> usize {
    ALLOCATED.with(Cell::get)
}
