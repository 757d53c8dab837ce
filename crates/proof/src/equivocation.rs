//! Proof that a validator cosigned two logs that can't both be true.
//!
//! It convinces anyone who knows the validator's key, without a node and without
//! the logs: two checkpoints of one size with two roots, or two checkpoints of
//! any sizes whose logs have different records at one index.
//!
//! *Invariants*: an [`Equivocation`] read from outside proves nothing until
//! [`Equivocation::verify`] has checked it.

use primitives::{Digest, InstitutionId, PublicKey};
use serde::{Deserialize, Serialize};

use crate::checkpoint::Checkpoint;
use crate::cosignature::Cosignature;
use crate::error::{ProofError, Refusal};
use crate::membership::Membership;
use crate::signed::SignedCheckpoint;
use crate::verify::verify_inclusion;

/// Bytes of one encoded equivocation.
pub const EQUIVOCATION_BYTES_MAX: usize = 16 * 1024;

/// Two cosigned checkpoints of one validator that contradict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Equivocation {
    first: Word,
    second: Word,
    conflict: Option<Conflict>,
}

/// One checkpoint and the validator's cosignature of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Word {
    checkpoint: Checkpoint,
    cosignature: Cosignature,
}

/// An index at which two logs of different sizes have different records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conflict {
    /// The index.
    pub index: u64,
    /// The leaf hash in the first log, and its inclusion path.
    pub first: (Digest, Vec<Digest>),
    /// The leaf hash in the second log, and its inclusion path.
    pub second: (Digest, Vec<Digest>),
}

impl Equivocation {
    /// Takes the two words of one validator, and the records that differ if the
    /// sizes do.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub fn new(
        first: (Checkpoint, Cosignature),
        second: (Checkpoint, Cosignature),
        conflict: Option<Conflict>,
        key: &PublicKey,
    ) -> Result<Self, ProofError> {
        let word = |(checkpoint, cosignature)| Word {
            checkpoint,
            cosignature,
        };
        let equivocation = Self {
            first: word(first),
            second: word(second),
            conflict,
        };
        equivocation.verify(key)?;
        Ok(equivocation)
    }

    /// The members that cosigned both of two contradicting checkpoints of one size.
    pub fn between(
        first: &SignedCheckpoint,
        second: &SignedCheckpoint,
        membership: &Membership,
    ) -> Vec<Self> {
        let mut found = Vec::new();
        for ours in first.cosignatures() {
            let name = ours.cosigner();
            let theirs = second.cosignatures().iter().find(|c| c.cosigner() == name);
            let (Some(theirs), Some(key)) = (theirs, membership.key(name)) else {
                continue;
            };
            let first = (first.checkpoint().clone(), ours.clone());
            let second = (second.checkpoint().clone(), theirs.clone());
            found.extend(Self::new(first, second, None, key));
        }
        found
    }

    /// Checks that the holder of `key` contradicted itself.
    ///
    /// # Errors
    /// Refused if a cosignature is not this key's, the logs are not the same, or
    /// there is no contradiction.
    pub fn verify(&self, key: &PublicKey) -> Result<(), ProofError> {
        let (first, second) = (&self.first, &self.second);
        if first.cosignature.cosigner() != second.cosignature.cosigner() {
            return Err(Refusal::UnknownCosigner(second.cosignature.cosigner().clone()).into());
        }
        if first.checkpoint.origin() != second.checkpoint.origin() {
            return Err(Refusal::Origin.into());
        }
        first.cosignature.verify(&first.checkpoint, key)?;
        second.cosignature.verify(&second.checkpoint, key)?;
        match &self.conflict {
            None => {
                let one_size = first.checkpoint.size() == second.checkpoint.size();
                if !one_size || first.checkpoint.root() == second.checkpoint.root() {
                    return Err(Refusal::NoContradiction.into());
                }
            }
            Some(conflict) => {
                if conflict.first.0 == conflict.second.0 {
                    return Err(Refusal::NoContradiction.into());
                }
                conflict.included(&first.checkpoint, &conflict.first)?;
                conflict.included(&second.checkpoint, &conflict.second)?;
            }
        }
        Ok(())
    }

    /// The validator.
    pub fn cosigner(&self) -> &InstitutionId {
        self.first.cosignature.cosigner()
    }

    /// The two checkpoints.
    pub fn checkpoints(&self) -> [&Checkpoint; 2] {
        [&self.first.checkpoint, &self.second.checkpoint]
    }

    /// Deterministic CBOR, for a record.
    ///
    /// # Errors
    /// Refused if it is larger than [`EQUIVOCATION_BYTES_MAX`].
    pub fn encode(&self) -> Result<Vec<u8>, ProofError> {
        crate::receipt::encode(self, "an equivocation", EQUIVOCATION_BYTES_MAX)
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// Refused for any other bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProofError> {
        crate::receipt::decode(bytes, "an equivocation", EQUIVOCATION_BYTES_MAX)
    }
}

impl Conflict {
    fn included(
        &self,
        checkpoint: &Checkpoint,
        (leaf, path): &(Digest, Vec<Digest>),
    ) -> Result<(), ProofError> {
        verify_inclusion(leaf, self.index, checkpoint.size(), path, checkpoint.root())
    }
}
