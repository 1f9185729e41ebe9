//! Loops compiled for the widest vectors that the processor has.

/// Below this length in bytes, finding out what the processor has takes as long as it saves.
#[cfg(all(feature = "std", target_arch = "x86_64", not(target_feature = "avx2")))]
const LONG: usize = 256;

/// Runs a loop over `length` bytes, with AVX2 where the processor has it.
///
/// The loop is ordinary safe code, inlined into a function that the compiler may use the instructions in. Where the whole
/// crate is compiled for them, and without `std`, there is nothing to find out.
#[cfg(all(feature = "std", target_arch = "x86_64", not(target_feature = "avx2")))]
#[inline(always)]
pub(super) fn widest<T>(length: usize, work: impl FnOnce() -> T) -> T {
    if length >= LONG && std::is_x86_feature_detected!("avx2") {
        // SAFETY: `with_avx2` needs nothing but a processor that has AVX2, which the line above has found out.
        #[allow(unsafe_code)]
        return unsafe { with_avx2(work) };
    }
    work()
}

#[cfg(all(feature = "std", target_arch = "x86_64", not(target_feature = "avx2")))]
#[target_feature(enable = "avx2")]
fn with_avx2<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// Runs a loop as it is compiled.
#[cfg(not(all(feature = "std", target_arch = "x86_64", not(target_feature = "avx2"))))]
#[inline(always)]
pub(super) fn widest<T>(_length: usize, work: impl FnOnce() -> T) -> T {
    work()
}
