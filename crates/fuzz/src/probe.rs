//! What an execution may take: memory counted by the allocator, and time.

use peak_alloc::PeakAlloc;

/// The allocator that counts. A binary that runs targets makes it its global one.
pub type Memory = PeakAlloc;

/// The count of this process.
pub static MEMORY: Memory = PeakAlloc;

/// The most bytes that were held at once during `work`, beyond those held before it.
pub(crate) fn peak_bytes(work: impl FnOnce()) -> usize {
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    work();
    MEMORY.peak_usage().saturating_sub(before)
}
