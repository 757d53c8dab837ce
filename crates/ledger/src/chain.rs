//! The chain of blocks and the legal states they lead to, as this node knows them.
//!
//! A block may be judged before its parent is final, so the state after each block that
//! may yet become final is kept beside the state after the last final one.
//!
//! *Invariants*
//! - A record is in the log once: a block that repeats one is refused.
//! - The log's size and root after a block are those in its header.
//! - Speculative states at or below the final height are gone.
//!
//! *Not here*: signatures (see `crate::rules::Rules::check`), votes, storage, sockets.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use proof::{Frontier, Tree};

use primitives::Digest;

use crate::block::{Block, BlockDigest, Header};
use crate::error::Trouble;
use crate::limits::{BLOCK_BYTES_MAX, BLOCK_RECORDS_MAX};
use crate::rules::{BlockInfo, Refused, State};

/// The state after one block.
pub(crate) struct Tip {
    pub(crate) digest: BlockDigest,
    pub(crate) header: Header,
    pub(crate) state: Arc<dyn State>,
    frontier: Frontier,
}

/// What is remembered of a block that is not final yet.
struct Candidate {
    tip: Arc<Tip>,
    leaves: Arc<HashSet<Digest>>,
}

/// A record offered for a block.
#[derive(Clone)]
pub(crate) struct Offer {
    pub(crate) leaf: Digest,
    pub(crate) record: Bytes,
}

/// A block that this node may propose, and the state after it.
pub(crate) struct Built {
    pub(crate) block: Block,
    pub(crate) tip: Tip,
}

/// What a block became when it was final.
pub(crate) struct Finalised {
    pub(crate) tip: Arc<Tip>,
    /// The log's index of its first record.
    pub(crate) first_index: u64,
}

/// The final chain and the candidates on top of it.
pub(crate) struct Chain {
    log: Tree,
    index: HashMap<Digest, u64>,
    /// Records in the log after each height.
    sizes: Vec<u64>,
    last: Arc<Tip>,
    candidates: HashMap<BlockDigest, Candidate>,
}

impl Chain {
    pub(crate) fn new(genesis: &Block, digest: BlockDigest, state: Box<dyn State>) -> Self {
        let tip = Tip {
            digest,
            header: genesis.header,
            state: Arc::from(state),
            frontier: Frontier::new(),
        };
        Self {
            log: Tree::new(),
            index: HashMap::new(),
            sizes: vec![0],
            last: Arc::new(tip),
            candidates: HashMap::new(),
        }
    }

    /// The state after the last final block.
    pub(crate) fn last(&self) -> &Arc<Tip> {
        &self.last
    }

    pub(crate) fn log(&self) -> &Tree {
        &self.log
    }

    /// The index of a final record.
    pub(crate) fn find(&self, leaf: &Digest) -> Option<u64> {
        self.index.get(leaf).copied()
    }

    /// The state after a block, final or not.
    pub(crate) fn tip(&self, digest: &BlockDigest) -> Option<Arc<Tip>> {
        if *digest == self.last.digest {
            return Some(Arc::clone(&self.last));
        }
        self.candidates.get(digest).map(|c| Arc::clone(&c.tip))
    }

    /// The height of the block that holds the record at `index`, and the index of that
    /// block's first record.
    pub(crate) fn locate(&self, index: u64) -> Option<(u64, u64)> {
        if index >= self.log.size() {
            return None;
        }
        let height = self.sizes.partition_point(|size| *size <= index);
        let first = self.sizes[height.checked_sub(1)?];
        Some((height as u64, first))
    }

    /// The records of the candidates from `parent` down to the last final block.
    pub(crate) fn pending(&self, parent: &BlockDigest) -> Pending {
        let mut sets = Vec::new();
        let mut at = *parent;
        while let Some(candidate) = self.candidates.get(&at) {
            sets.push(Arc::clone(&candidate.leaves));
            at = candidate.tip.header.parent;
        }
        Pending(sets)
    }

    /// Whether the log up to and including `parent` holds the record.
    fn holds(&self, pending: &Pending, leaf: &Digest) -> bool {
        self.index.contains_key(leaf) || pending.holds(leaf)
    }

    /// Those of `offers` that a child of `parent` may still hold.
    pub(crate) fn fresh(&self, pending: &Pending, offers: Vec<Offer>) -> Vec<Offer> {
        let mut offers = offers;
        offers.retain(|offer| !self.holds(pending, &offer.leaf));
        offers
    }

    /// Whether a block repeats a record, of its own or of its ancestors.
    pub(crate) fn repeats(&self, block: &Block) -> bool {
        let pending = self.pending(&block.header.parent);
        let mut seen = HashSet::with_capacity(block.leaves.len());
        block
            .leaves
            .iter()
            .any(|leaf| self.holds(&pending, leaf) || !seen.insert(*leaf))
    }

    /// Remembers the state after a judged block.
    pub(crate) fn remember(&mut self, tip: Tip, leaves: &[Digest]) {
        if tip.header.height <= self.last.header.height {
            return;
        }
        let leaves = Arc::new(leaves.iter().copied().collect());
        let candidate = Candidate {
            tip: Arc::new(tip),
            leaves,
        };
        self.candidates.insert(candidate.tip.digest, candidate);
    }

    /// Makes the next block final.
    ///
    /// # Errors
    /// [`Trouble::Diverged`] if the agreed block does not follow from the state here.
    pub(crate) fn finalise(
        &mut self,
        block: &Block,
        digest: BlockDigest,
    ) -> Result<Finalised, Trouble> {
        let height = block.header.height;
        let diverged = |detail: String| Trouble::Diverged { height, detail };
        if block.header.parent != self.last.digest {
            return Err(diverged("its parent is not the last final block".into()));
        }
        let tip = match self.candidates.remove(&digest) {
            Some(candidate) => candidate.tip,
            None => Arc::new(follow(&self.last, block, digest).map_err(diverged)?),
        };
        let first_index = self.log.size();
        for leaf in &block.leaves {
            let index = self.log.append(*leaf);
            self.index.insert(*leaf, index);
        }
        self.sizes.push(self.log.size());
        self.last = Arc::clone(&tip);
        self.candidates.retain(|_, c| c.tip.header.height > height);
        Ok(Finalised { tip, first_index })
    }
}

/// The records of blocks that are not final yet.
pub(crate) struct Pending(Vec<Arc<HashSet<Digest>>>);

impl Pending {
    pub(crate) fn holds(&self, leaf: &Digest) -> bool {
        self.0.iter().any(|set| set.contains(leaf))
    }
}

/// Builds a block of those offers that the state after `parent` accepts, in order.
pub(crate) fn build(parent: &Tip, offers: Vec<Offer>, epoch: u64, time_ms: u64) -> Built {
    let at = BlockInfo {
        height: parent.header.height + 1,
        time_ms,
    };
    let mut state = parent.state.boxed_clone();
    let mut frontier = parent.frontier.clone();
    let mut records = Vec::new();
    let mut leaves = Vec::new();
    let mut bytes = 0;
    for offer in offers {
        if records.len() == BLOCK_RECORDS_MAX || bytes + offer.record.len() > BLOCK_BYTES_MAX {
            break;
        }
        if state.apply(&offer.record, at).is_ok() {
            bytes += offer.record.len();
            frontier.append(offer.leaf);
            leaves.push(offer.leaf);
            records.push(offer.record);
        }
    }
    let header = Header {
        parent: parent.digest,
        height: at.height,
        epoch,
        time_ms,
        log_size: frontier.size(),
        log_root: frontier.root(),
    };
    let block = Block::new(header, records, leaves);
    let digest = commonware_cryptography::Digestible::digest(&block);
    let tip = Tip {
        digest,
        header,
        state: Arc::from(state),
        frontier,
    };
    Built { block, tip }
}

/// The state after `block`, if it follows from `parent`.
///
/// # Errors
/// Says what does not fit.
pub(crate) fn follow(parent: &Tip, block: &Block, digest: BlockDigest) -> Result<Tip, String> {
    let header = block.header;
    if header.height != parent.header.height + 1 {
        return Err("the height does not follow".into());
    }
    if header.time_ms < parent.header.time_ms {
        return Err("the time goes backwards".into());
    }
    let at = BlockInfo {
        height: header.height,
        time_ms: header.time_ms,
    };
    let mut state = parent.state.boxed_clone();
    let mut frontier = parent.frontier.clone();
    for (record, leaf) in block.records.iter().zip(&block.leaves) {
        state
            .apply(record, at)
            .map_err(|refused| format!("a record is refused by {refused}"))?;
        frontier.append(*leaf);
    }
    if frontier.size() != header.log_size || frontier.root() != header.log_root {
        return Err("the log's size or root is another".into());
    }
    Ok(Tip {
        digest,
        header,
        state: Arc::from(state),
        frontier,
    })
}

/// What the state says of a record by itself, with nothing changed.
pub(crate) fn judge(tip: &Tip, record: &Bytes, time_ms: u64) -> Result<(), Refused> {
    let at = BlockInfo {
        height: tip.header.height + 1,
        time_ms: time_ms.max(tip.header.time_ms),
    };
    tip.state.boxed_clone().apply(record, at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{chain, offer};

    #[test]
    fn a_block_holds_what_the_state_accepts_and_follows_from_its_parent() {
        let mut chain = chain();
        let genesis = Arc::clone(chain.last());
        let offers = vec![offer("a1"), offer("a2"), offer("b1")];
        let Built { block, tip } = build(&genesis, offers, 0, 7);
        assert_eq!(block.records, ["a1", "b1"]);
        assert_eq!(block.header.log_size, 2);
        let again = follow(&genesis, &block, tip.digest).unwrap();
        assert_eq!(again.frontier, tip.frontier);
        let digest = tip.digest;
        chain.remember(tip, &block.leaves);
        let finalised = chain.finalise(&block, digest).unwrap();
        assert_eq!(finalised.first_index, 0);
        assert_eq!(chain.log().root(), block.header.log_root);
        assert_eq!(chain.find(&offer("b1").leaf), Some(1));
        assert_eq!(chain.locate(1), Some((1, 0)));
        assert_eq!(chain.locate(2), None);
    }

    #[test]
    fn a_block_with_another_root_height_time_or_record_does_not_follow() {
        let chain = chain();
        let genesis = Arc::clone(chain.last());
        let Built { block, tip } = build(&genesis, vec![offer("a")], 0, 7);
        let refuses = |change: &dyn Fn(&mut Block)| {
            let mut other = block.clone();
            change(&mut other);
            follow(&genesis, &other, tip.digest).is_err()
        };
        assert!(refuses(&|b| b.header.log_root = Digest::default()));
        assert!(refuses(&|b| b.header.log_size += 1));
        assert!(refuses(&|b| b.header.height += 1));
        assert!(refuses(&|b| b.leaves[0] = Digest::default()));
        assert!(!refuses(&|_| ()));
        let Built { tip: later, .. } = build(&genesis, vec![offer("a")], 0, 9);
        let Built {
            block: earlier,
            tip,
        } = build(&later, vec![offer("b")], 0, 8);
        assert!(follow(&later, &earlier, tip.digest).is_err());
    }

    #[test]
    fn a_record_is_in_the_log_once() {
        let mut chain = chain();
        let genesis = Arc::clone(chain.last());
        let first = build(&genesis, vec![offer("a")], 0, 1);
        let digest = first.tip.digest;
        chain.remember(first.tip, &first.block.leaves);
        let parent = chain.tip(&digest).unwrap();
        let pending = chain.pending(&digest);
        let offers = vec![offer("a"), offer("b")];
        assert_eq!(chain.fresh(&pending, offers.clone()).len(), 1);
        let child = build(&parent, vec![offer("b"), offer("a")], 0, 2);
        assert!(chain.repeats(&child.block));
        chain.finalise(&first.block, digest).unwrap();
        assert!(chain.repeats(&child.block));
        let pending = chain.pending(&digest);
        assert_eq!(chain.fresh(&pending, offers).len(), 1);
    }

    #[test]
    fn a_block_that_does_not_apply_is_a_divergence() {
        let mut chain = chain();
        let genesis = Arc::clone(chain.last());
        let mut built = build(&genesis, vec![offer("a")], 0, 1);
        built.block.records[0] = Bytes::from_static(b"");
        built.block.header.log_root = Digest::default();
        let result = chain.finalise(&built.block, built.tip.digest);
        assert!(matches!(result, Err(Trouble::Diverged { height: 1, .. })));
    }
}
