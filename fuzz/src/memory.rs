//! The memory that a piece of work takes, by an allocator that counts.

use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Runs `work`, and panics if at any time it held more than `limit` bytes.
///
/// The fuzzer's own memory does not come from this allocator.
pub fn bounded<R>(limit: usize, work: impl FnOnce() -> R) -> R {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let result = work();
    let peak = MEMORY.peak_usage() - before;
    assert!(
        peak <= limit,
        "held {peak} bytes, over the limit of {limit}"
    );
    result
}
