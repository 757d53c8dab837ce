//! What a requester keeps of a lookup to show others what it opened.
//!
//! Why it exists: the custodian signs the transcript and nobody but the requester has
//! seen the cells. With the messages before the buckets, the cells that were opened and
//! their places in each bucket's tree, whoever knows the subjects opens the same rows
//! again, finds for the others that the table had none, and comes to the transcript that
//! the custodian signed.
//!
//! ```text
//! shown   01 ‖ length u32 ‖ request ‖ begin ‖ evaluated*, as they were sent ‖ bucket*
//! bucket  total u32 ‖ kept u32 ‖ (index u32 ‖ 00 ‖ edge 48 | index u32 ‖ 01 ‖ cell 288)*
//!         ‖ siblings u32 ‖ (hash 32)*
//! ```
//! *Leaks*, to whoever is shown it: the labels of the selectors that were asked for,
//! whole, so also rows that an answer leaves out, and the blinds of derived selectors.
//!
//! *Not here*: reading it, which `evidence` does with code of its own.

use std::collections::BTreeMap;

use super::{
    cells::CELL_BYTES,
    tree::{self, Hash},
};
use crate::{Error, Refusal, limits::SHOWN_BYTES_MAX};

const VERSION: u8 = 1;

/// The cells of a bucket to keep, by place; whole, or their edge alone.
pub(crate) type Kept = BTreeMap<usize, Whole>;

/// Whether a cell is kept whole.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Whole {
    Edge,
    Cell,
}

/// Gathers what is to be shown, in the order of the messages.
pub(crate) struct Shown(Vec<u8>);

impl Shown {
    pub(crate) fn new(request: &[u8]) -> Self {
        let mut out = vec![VERSION];
        out.extend_from_slice(&word(request.len()));
        out.extend_from_slice(request);
        Self(out)
    }

    /// Adds a message before the buckets, as it was sent.
    pub(crate) fn message(&mut self, frame: &[u8]) {
        self.0.extend_from_slice(frame);
    }

    /// Adds the next bucket, and gives its root.
    ///
    /// # Errors
    /// [`Refusal::AnswerTooLarge`].
    pub(crate) fn bucket<'a>(
        &mut self,
        leaves: &[Hash],
        kept: &Kept,
        cell: impl Fn(usize) -> Option<&'a [u8]>,
    ) -> Result<Hash, Error> {
        self.0.extend_from_slice(&word(leaves.len()));
        self.0.extend_from_slice(&word(kept.len()));
        for (index, whole) in kept {
            let cell = cell(*index).unwrap_or(&[0; CELL_BYTES]);
            self.0.extend_from_slice(&word(*index));
            match whole {
                Whole::Edge => {
                    self.0.push(0);
                    self.0.extend_from_slice(&tree::edge(cell));
                }
                Whole::Cell => {
                    self.0.push(1);
                    self.0.extend_from_slice(cell);
                }
            }
        }
        let places: Vec<usize> = kept.keys().copied().collect();
        let mut siblings = Vec::new();
        let root = tree::prune(leaves, &places, &mut siblings);
        self.0.extend_from_slice(&word(siblings.len()));
        self.0.extend(siblings.iter().flatten());
        if self.0.len() > SHOWN_BYTES_MAX {
            return Err(Refusal::AnswerTooLarge.into());
        }
        Ok(root)
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// Counts are bounded by the crate's limits long before they are written.
fn word(count: usize) -> [u8; 4] {
    u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes()
}
