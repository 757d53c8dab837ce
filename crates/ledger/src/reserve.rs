//! What a node allocates when it starts, whatever its network's size.
//!
//! Why it exists: a node that can meet as many peers as a network may have takes 80 MB.
//! That is little for an institution's machine and most of what a small simulated network
//! costs, which starts many nodes and lives for seconds.

use std::num::NonZeroUsize;

use crate::limits::MEMBERS_MAX;

/// Messages for which each part of the engine has room.
const MESSAGES: usize = 1_024;
/// Entries of a store's table before it grows.
const TABLE_ENTRIES: u32 = 16_384;

/// What is allocated at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reserve {
    /// Peers for whose messages there is room, this node among them.
    pub(crate) peers: NonZeroUsize,
    /// Messages for which each part of the engine has room.
    pub(crate) messages: NonZeroUsize,
    /// Entries of a store's table before it grows.
    pub(crate) table_entries: u32,
}

impl Default for Reserve {
    fn default() -> Self {
        let some = |count| NonZeroUsize::new(count).unwrap_or(NonZeroUsize::MIN);
        Self {
            peers: some(MEMBERS_MAX + 1),
            messages: some(MESSAGES),
            table_entries: TABLE_ENTRIES,
        }
    }
}
