//! Checkpoints and the validators' cosignatures under them.
//!
//! After each final block with records every validator signs the log's new size and
//! root. A quorum of such signatures is what a receipt shows to somebody who runs no
//! validator. A checkpoint that misses cosignatures is made up for by a later one.
//!
//! *Invariants*
//! - This node signs only what is final and durable here, and one root a size.
//! - What is called signed carries a quorum of the members of its epoch, each verified.

use std::collections::BTreeMap;
use std::sync::Arc;

use primitives::{Digest, InstitutionId, PublicKey, SigningKey};
use proof::{Checkpoint, Cosignature, Membership, ProofError, SignedCheckpoint};

use crate::limits::CHECKPOINTS_OPEN_MAX;
use crate::witness::Contrary;

/// A checkpoint that gathers cosignatures.
struct Open {
    checkpoint: Checkpoint,
    membership: Arc<Membership>,
    cosignatures: BTreeMap<InstitutionId, Cosignature>,
    mine: Option<Cosignature>,
}

impl Open {
    /// Takes a member's word over this root; whether it is new and verifies.
    fn take(&mut self, root: Digest, word: Cosignature) -> bool {
        let name = word.cosigner();
        if *self.checkpoint.root() != root || self.cosignatures.contains_key(name) {
            return false;
        }
        let Some(key) = self.membership.key(name) else {
            return false;
        };
        if word.verify(&self.checkpoint, key).is_err() {
            return false;
        }
        self.cosignatures.insert(name.clone(), word);
        true
    }
}

/// Gathers cosignatures.
pub(crate) struct Cosigner {
    origin: String,
    name: InstitutionId,
    key: SigningKey,
    open: BTreeMap<u64, Open>,
    /// Those that a later one made up for, for whoever contradicts what it said there.
    closed: BTreeMap<u64, Open>,
    /// Cosignatures for sizes that are not final here yet, unverified.
    early: BTreeMap<u64, Vec<(Digest, Cosignature)>>,
    /// Early words over a root that did not become this log's.
    strays: Vec<(u64, Contrary)>,
    latest: Option<Arc<SignedCheckpoint>>,
    /// The latest of each epoch.
    of_epochs: BTreeMap<u64, Arc<SignedCheckpoint>>,
}

impl Cosigner {
    pub(crate) fn new(origin: String, name: InstitutionId, key: SigningKey) -> Self {
        Self {
            origin,
            name,
            key,
            open: BTreeMap::new(),
            closed: BTreeMap::new(),
            early: BTreeMap::new(),
            strays: Vec::new(),
            latest: None,
            of_epochs: BTreeMap::new(),
        }
    }

    /// The newest checkpoint with a quorum.
    pub(crate) fn latest(&self) -> Option<&Arc<SignedCheckpoint>> {
        self.latest.as_ref()
    }

    /// The newest checkpoint with a quorum of the members of `epoch`.
    pub(crate) fn of_epoch(&self, epoch: u64) -> Option<&Arc<SignedCheckpoint>> {
        self.of_epochs.get(&epoch)
    }

    /// All epochs' newest checkpoints, for storage.
    pub(crate) fn of_epochs(&self) -> impl Iterator<Item = &Arc<SignedCheckpoint>> {
        self.of_epochs.values()
    }

    /// Takes back what storage kept; it was verified before it was stored.
    pub(crate) fn restore(&mut self, signed: SignedCheckpoint) {
        self.accept(Arc::new(signed));
    }

    /// The log is final at `size` with `root`; returns this node's cosignature to send.
    ///
    /// # Errors
    /// Never for an origin that the ledger's start accepted.
    pub(crate) fn advance(
        &mut self,
        size: u64,
        root: Digest,
        membership: &Arc<Membership>,
        time_s: u64,
    ) -> Result<Option<Cosignature>, ProofError> {
        let checkpoint = Checkpoint::new(self.origin.clone(), size, root)?;
        let mine = if membership.key(&self.name) == Some(&self.key.public()) {
            Some(Cosignature::sign(
                &checkpoint,
                &self.name,
                &self.key,
                time_s,
            )?)
        } else {
            None
        };
        let open = Open {
            checkpoint,
            membership: Arc::clone(membership),
            cosignatures: mine
                .iter()
                .map(|m| (m.cosigner().clone(), m.clone()))
                .collect(),
            mine: mine.clone(),
        };
        self.open.insert(size, open);
        while self.open.len() > CHECKPOINTS_OPEN_MAX {
            if let Some((size, open)) = self.open.pop_first() {
                self.close(size, open);
            }
        }
        let early = self.early.remove(&size).unwrap_or_default();
        self.early.retain(|later, _| *later > size);
        self.settle(size);
        for (said, word) in early {
            if said == root {
                self.add(size, root, word);
            } else {
                self.strays.push((size, Contrary { root: said, word }));
            }
        }
        Ok(mine)
    }

    /// The early words that turned out to be over another log, unverified.
    pub(crate) fn take_strays(&mut self) -> Vec<(u64, Contrary)> {
        std::mem::take(&mut self.strays)
    }

    /// A member's verified word over the log at a size, as far as it is still held.
    pub(crate) fn word_of(
        &self,
        name: &InstitutionId,
        size: u64,
    ) -> Option<(Checkpoint, Cosignature)> {
        if let Some(open) = self.open.get(&size).or(self.closed.get(&size))
            && let Some(word) = open.cosignatures.get(name)
        {
            return Some((open.checkpoint.clone(), word.clone()));
        }
        let signed = self.latest.iter().chain(self.of_epochs.values());
        let mut signed = signed.filter(|signed| signed.checkpoint().size() == size);
        signed.find_map(|signed| {
            let mut words = signed.cosignatures().iter();
            let word = words.find(|word| word.cosigner() == name)?;
            Some((signed.checkpoint().clone(), word.clone()))
        })
    }

    /// This node's cosignature of the newest final size, to send again.
    pub(crate) fn mine(&self) -> Option<(u64, Digest, Cosignature)> {
        let (size, open) = self.open.last_key_value()?;
        let mine = open.mine.clone()?;
        Some((*size, *open.checkpoint.root(), mine))
    }

    /// Takes a peer's cosignature. Returns whether a newer checkpoint has a quorum now.
    pub(crate) fn add(&mut self, size: u64, root: Digest, cosignature: Cosignature) -> bool {
        let signed = self.latest.as_ref().map(|l| l.checkpoint().size());
        if signed.is_some_and(|signed| signed >= size) {
            // Too late to count, and still a word that its author is held to.
            let mut passed = self.open.get_mut(&size).or(self.closed.get_mut(&size));
            if let Some(open) = &mut passed {
                open.take(root, cosignature);
            }
            return false;
        }
        let Some(open) = self.open.get_mut(&size) else {
            self.keep_early(size, root, cosignature);
            return false;
        };
        open.take(root, cosignature) && self.settle(size)
    }

    fn close(&mut self, size: u64, open: Open) {
        self.closed.insert(size, open);
        while self.closed.len() > CHECKPOINTS_OPEN_MAX {
            self.closed.pop_first();
        }
    }

    fn keep_early(&mut self, size: u64, root: Digest, cosignature: Cosignature) {
        let newest = self.open.last_key_value().map_or(0, |(size, _)| *size);
        if size < newest {
            return;
        }
        if self.early.len() >= CHECKPOINTS_OPEN_MAX && !self.early.contains_key(&size) {
            return;
        }
        let early = self.early.entry(size).or_default();
        if early.len() < crate::limits::MEMBERS_MAX
            && early
                .iter()
                .all(|(_, other)| other.cosigner() != cosignature.cosigner())
        {
            early.push((root, cosignature));
        }
    }

    fn settle(&mut self, size: u64) -> bool {
        let Some(open) = self.open.get(&size) else {
            return false;
        };
        if open.cosignatures.len() < open.membership.quorum() {
            return false;
        }
        let cosignatures = open.cosignatures.values().cloned().collect();
        let epoch = open.membership.epoch();
        let Ok(signed) = SignedCheckpoint::new(epoch, open.checkpoint.clone(), cosignatures) else {
            return false;
        };
        self.accept(Arc::new(signed))
    }

    /// Takes a checkpoint with a quorum, which the caller has verified.
    pub(crate) fn accept(&mut self, signed: Arc<SignedCheckpoint>) -> bool {
        let size = signed.checkpoint().size();
        let newer = |other: Option<&Arc<SignedCheckpoint>>| {
            other.is_none_or(|other| other.checkpoint().size() < size)
        };
        if newer(self.of_epochs.get(&signed.epoch())) {
            self.of_epochs.insert(signed.epoch(), Arc::clone(&signed));
        }
        if !newer(self.latest.as_ref()) {
            return false;
        }
        self.latest = Some(signed);
        // The newest stays open so that a peer that asks gets this node's word.
        let newer = self.open.split_off(&size);
        for (size, open) in std::mem::replace(&mut self.open, newer) {
            self.close(size, open);
        }
        true
    }

    /// The log's name.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// This node's key.
    pub(crate) fn public(&self) -> PublicKey {
        self.key.public()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{keys, members};

    fn cosigners() -> (Vec<Cosigner>, Arc<Membership>) {
        let keys = keys(4);
        let membership = Arc::new(members(&keys).membership(0).unwrap());
        let cosigners = membership
            .members()
            .iter()
            .map(|(name, public)| {
                let key = keys.iter().find(|key| key.public() == *public).unwrap();
                Cosigner::new("cordon/test".into(), name.clone(), key.clone())
            })
            .collect();
        (cosigners, membership)
    }

    #[test]
    fn three_of_four_make_a_checkpoint_whatever_the_order() {
        let (mut cosigners, membership) = cosigners();
        let root = Digest::plain(b"root");
        let words: Vec<_> = cosigners
            .iter_mut()
            .skip(1)
            .map(|c| c.advance(5, root, &membership, 9).unwrap().unwrap())
            .collect();
        let one = &mut cosigners[0];
        // One word comes before the size is final here, another after.
        assert!(!one.add(5, root, words[0].clone()));
        one.advance(5, root, &membership, 9).unwrap();
        assert!(one.latest().is_none());
        assert!(one.add(5, root, words[1].clone()));
        let signed = one.latest().unwrap();
        signed.verify("cordon/test", &membership).unwrap();
        assert_eq!(one.of_epoch(0), Some(signed));
    }

    #[test]
    fn a_word_on_another_root_or_by_another_key_counts_for_nothing() {
        let (mut cosigners, membership) = cosigners();
        let (root, other) = (Digest::plain(b"root"), Digest::plain(b"other"));
        let lies = cosigners[1]
            .advance(5, other, &membership, 9)
            .unwrap()
            .unwrap();
        let truth = cosigners[2]
            .advance(5, root, &membership, 9)
            .unwrap()
            .unwrap();
        let one = &mut cosigners[0];
        one.advance(5, root, &membership, 9).unwrap();
        assert!(!one.add(5, root, lies.clone()));
        assert!(!one.add(5, other, lies));
        assert!(!one.add(5, root, truth.clone()));
        assert!(!one.add(5, root, truth));
        assert!(one.latest().is_none());
        let outsider = SigningKey::from_seed(&[99; 32]);
        let checkpoint = Checkpoint::new("cordon/test", 5, root).unwrap();
        let name = membership.members()[3].0.clone();
        let forged = Cosignature::sign(&checkpoint, &name, &outsider, 9).unwrap();
        assert!(!one.add(5, root, forged));
        assert!(one.latest().is_none());
    }

    #[test]
    fn one_who_is_no_member_signs_nothing() {
        let (_, membership) = cosigners();
        let key = SigningKey::from_seed(&[99; 32]);
        let name = InstitutionId::new("outsider").unwrap();
        let mut outsider = Cosigner::new("cordon/test".into(), name, key);
        let word = outsider
            .advance(5, Digest::default(), &membership, 9)
            .unwrap();
        assert!(word.is_none());
    }
}
