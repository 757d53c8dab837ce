//! Finding one's own tags among the peer's.
//!
//! Why it exists: both tag protocols end the same way: the sender's tags come
//! ascending, in frames; the receiver holds its own, sorted.
//!
//! *Invariants*
//! - Tags strictly ascend over all frames; anything else is the peer's fault.
//! - Work is linear in both lists.
//!
//! *Not here*: constant time in the receiver's own tags. Sorting and merging branch
//! on them; who watches the receiver's caches learns their order, which is that of
//! values of a keyed function, and which of them are among the sender's, which is the
//! answer. The sender's tags travel sorted: nothing is left to hide in sorting them.

use super::{
    Set,
    frames::{Due, entries, faulty, kind, put, widened},
};
use crate::{Error, Fault, limits::FRAME_VALUES};

/// Why a sender's tags may steer its sorting.
pub(super) const SENT: &str = "a sender's tags and elements, sent in order";

/// What the receiver's sorting and merging depends on.
pub(super) const OWN: &str = "a receiver's own tags, sorted and merged with the sender's";

/// A tag of the receiver's and its item's number, without the gap that an integer of
/// 128 bits would leave.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Own {
    high: u64,
    low: u64,
    index: u32,
}

impl Own {
    pub(super) fn new(tag: u128, index: u32) -> Self {
        let word = |word: u128| u64::try_from(word & u128::from(u64::MAX)).unwrap_or(0);
        Self {
            high: word(tag >> 64),
            low: word(tag),
            index,
        }
    }

    fn tag(&self) -> u128 {
        u128::from(self.high) << 64 | u128::from(self.low)
    }

    /// The most significant 64 bits of a tag that lacks `cut` of 128, to sort by.
    pub(super) fn order(&self, cut: usize) -> u64 {
        u64::try_from((self.tag() << cut) >> 64).unwrap_or(0)
    }
}

/// A receiver's tags, and how far the sender's have come.
#[derive(Default)]
pub(super) struct Matching {
    /// Ascending.
    own: Vec<Own>,
    received: usize,
    last: Option<u128>,
    passed: usize,
    found: Vec<u32>,
}

impl Matching {
    /// Takes the receiver's own tags, sorted.
    pub(super) fn new(own: Vec<Own>) -> Self {
        Self {
            own,
            ..Self::default()
        }
    }

    pub(super) fn received(&self) -> usize {
        self.received
    }

    /// Takes a frame of the sender's `total` tags of `size` bytes.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        total: usize,
        size: usize,
        set: &Set,
    ) -> Result<(), Error> {
        let due = Due {
            first: self.received,
            total,
            chunk: FRAME_VALUES,
            entry: size,
        };
        let (tags, _) = entries(bytes, kind::TAGS, &due, 0)?;
        for entry in tags.chunks_exact(size) {
            let tag = u128::from_be_bytes(widened(entry, 16 - size));
            if self.last.is_some_and(|last| last >= tag) {
                return Err(faulty(Fault::TagsUnordered, bytes));
            }
            self.last = Some(tag);
            self.received += 1;
            while let Some(own) = self.own.get(self.passed).filter(|own| own.tag() <= tag) {
                if own.tag() == tag {
                    self.found.push(set.origin(own.index as usize));
                }
                self.passed += 1;
            }
        }
        Ok(())
    }

    /// The caller's places of what both have, ascending.
    pub(super) fn into_found(mut self) -> Vec<u32> {
        self.found.sort_unstable();
        self.found
    }
}

/// The next frame of a sender's sorted tags, of which `sent` are out.
pub(super) fn next_of_tags(tags: &[u128], sent: &mut usize, size: usize) -> Vec<u8> {
    let due = FRAME_VALUES.min(tags.len() - *sent);
    let mut frame = super::frames::list(kind::TAGS, *sent, due * size);
    for tag in &tags[*sent..*sent + due] {
        put(&mut frame, &tag.to_be_bytes(), 16 - size..16);
    }
    *sent += due;
    frame
}
