//! Loops compiled for the widest vectors that the processor has.
//!
//! A loop is ordinary safe code. It is inlined into functions that are compiled for newer processors, and which of these
//! functions may be called is found out at run time.

/// Below this length in bytes, finding out what the processor has takes as long as it saves.
#[cfg(all(feature = "std", target_arch = "x86_64"))]
const LONG: usize = 256;

/// Runs a loop over `length` bytes with AVX-512 or AVX2, where the processor has it.
#[cfg(all(feature = "std", target_arch = "x86_64"))]
#[inline(always)]
pub(crate) fn widest<T>(length: usize, work: impl FnOnce() -> T) -> T {
    if length < LONG {
        return work();
    }
    if std::is_x86_feature_detected!("avx512f") {
        // SAFETY: the function needs nothing but a processor that has AVX-512F, which the line above has found out.
        #[allow(unsafe_code)]
        return unsafe { with_avx512(work) };
    }
    if std::is_x86_feature_detected!("avx2") {
        // SAFETY: the function needs nothing but a processor that has AVX2, which the line above has found out.
        #[allow(unsafe_code)]
        return unsafe { with_avx2(work) };
    }
    work()
}

#[cfg(all(feature = "std", target_arch = "x86_64"))]
#[target_feature(enable = "avx512f")]
fn with_avx512<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[cfg(all(feature = "std", target_arch = "x86_64"))]
#[target_feature(enable = "avx2")]
fn with_avx2<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// Runs a loop as it is compiled.
#[cfg(not(all(feature = "std", target_arch = "x86_64")))]
#[inline(always)]
pub(crate) fn widest<T>(_length: usize, work: impl FnOnce() -> T) -> T {
    work()
}
