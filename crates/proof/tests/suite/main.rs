//! The room as its users see it: vectors, peers, receipts, notes, contradictions.
#![allow(
    clippy::unwrap_used,
    reason = "clippy.toml allows it in tests, and these helpers serve tests alone"
)]

mod contradictions;
mod notes;
mod peers;
mod receipts;
mod vectors;

use primitives::{InstitutionId, SigningKey};
use proof::{Checkpoint, Cosignature, Membership, SignedCheckpoint, Tree, leaf_hash};

pub(crate) const ORIGIN: &str = "cordon/example";
pub(crate) const TIME_S: u64 = 1_764_000_000;

/// A small network: validators `v0`, `v1`, … and a log of records `r0`, `r1`, ….
pub(crate) struct Network {
    pub(crate) keys: Vec<(InstitutionId, SigningKey)>,
    pub(crate) tree: Tree,
}

impl Network {
    pub(crate) fn new(validators: u8, records: usize) -> Self {
        let keys = (0..validators)
            .map(|i| (name(&format!("v{i}")), SigningKey::from_seed(&[i + 1; 32])))
            .collect();
        let tree = (0..records).map(|i| leaf_hash(&record(i))).collect();
        Self { keys, tree }
    }

    pub(crate) fn membership(&self) -> Membership {
        let members = self.keys.iter().map(|(n, k)| (n.clone(), k.public()));
        Membership::new(0, members.collect()).unwrap()
    }

    pub(crate) fn checkpoint(&self) -> Checkpoint {
        Checkpoint::new(ORIGIN, self.tree.size(), self.tree.root()).unwrap()
    }

    pub(crate) fn cosign(&self, checkpoint: &Checkpoint, count: usize) -> SignedCheckpoint {
        let cosignatures = self.keys[..count]
            .iter()
            .map(|(name, key)| Cosignature::sign(checkpoint, name, key, TIME_S).unwrap());
        SignedCheckpoint::new(0, checkpoint.clone(), cosignatures.collect()).unwrap()
    }
}

pub(crate) fn record(index: usize) -> Vec<u8> {
    format!("r{index}").into_bytes()
}

pub(crate) fn name(text: &str) -> InstitutionId {
    InstitutionId::new(text).unwrap()
}
