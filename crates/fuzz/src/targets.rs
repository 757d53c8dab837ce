//! The table of targets.

use std::sync::LazyLock;

mod answers;
#[cfg(feature = "node")]
mod api;
mod bodies;
#[cfg(feature = "node")]
mod exchange;
mod frames;
#[cfg(feature = "node")]
mod ledgers;
mod lists;
mod lookup;
mod proofs;
mod records;
mod sets;
mod shares;
#[cfg(feature = "node")]
mod tables;
mod vole;
mod words;

/// Bytes of memory that every execution may take.
const MEMORY_BASE: usize = 8 * 1024 * 1024;
/// Bytes of memory for each byte of input: a tree of CBOR values takes this much.
const MEMORY_PER_BYTE: usize = 32;

/// A decoder of foreign bytes, or a role that reads them.
pub struct Target {
    /// Its name, and that of its folder.
    pub name: &'static str,
    /// What it reads, and from whom.
    pub reads: &'static str,
    /// Valid inputs, the same at every call.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Reads the bytes; panics for what must never happen.
    pub check: fn(&[u8]),
    /// Changed inputs that the smoke run feeds it.
    pub smoke: u32,
    /// Bytes of memory that it may take beside what every target may.
    pub memory: usize,
}

impl Target {
    const fn new(
        name: &'static str,
        reads: &'static str,
        seeds: fn() -> Vec<Vec<u8>>,
        check: fn(&[u8]),
    ) -> Self {
        Self {
            name,
            reads,
            seeds,
            check,
            smoke: 2_000,
            memory: 0,
        }
    }

    /// One whose executions are dear.
    const fn smoke(mut self, executions: u32) -> Self {
        self.smoke = executions;
        self
    }

    /// One that works on more than its input.
    const fn memory(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self
    }

    /// Bytes that one execution may hold at once, on an input of so many.
    #[must_use]
    pub fn memory_bytes_max(&self, input: usize) -> usize {
        MEMORY_BASE + self.memory + MEMORY_PER_BYTE * input
    }
}

static TARGETS: LazyLock<Vec<Target>> = LazyLock::new(|| {
    [
        words::targets(),
        records::targets(),
        bodies::targets(),
        answers::targets(),
        lists::targets(),
        proofs::targets(),
        #[cfg(feature = "node")]
        exchange::targets(),
        #[cfg(feature = "node")]
        ledgers::targets(),
        lookup::targets(),
        frames::targets(),
        sets::targets(),
        vole::targets(),
        shares::targets(),
        #[cfg(feature = "node")]
        tables::targets(),
        #[cfg(feature = "node")]
        api::targets(),
    ]
    .into_iter()
    .flatten()
    .collect()
});

/// All targets.
#[must_use]
pub fn targets() -> &'static [Target] {
    &TARGETS
}

/// The target with this name.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
