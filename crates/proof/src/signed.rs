//! A checkpoint with the cosignatures of an epoch's validators.
//!
//! What a quorum has cosigned is what the network stands by.
//!
//! *Invariants*: cosignatures are sorted by cosigner and nobody cosigns twice.
//! A check accepts only if every cosignature is a member's and verifies: in our
//! own format there is no room for what nobody checks.

use primitives::signature::{Claim, verify_batch};
use primitives::{Digest, NetworkId, PublicKey};
use serde::{Deserialize, Serialize};

use crate::checkpoint::Checkpoint;
use crate::cosignature::{Cosignature, key_id};
use crate::equivocation::Equivocation;
use crate::error::{ProofError, Refusal};
use crate::membership::Membership;
use crate::note::SignedNote;
use crate::verify::verify_consistency;

/// A checkpoint and who cosigned it, unchecked until [`SignedCheckpoint::verify`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct SignedCheckpoint {
    epoch: u64,
    checkpoint: Checkpoint,
    cosignatures: Vec<Cosignature>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    epoch: u64,
    checkpoint: Checkpoint,
    cosignatures: Vec<Cosignature>,
}

impl SignedCheckpoint {
    /// Puts a checkpoint and its cosignatures, in any order, together.
    ///
    /// # Errors
    /// Refused if somebody cosigned twice.
    pub fn new(
        epoch: u64,
        checkpoint: Checkpoint,
        mut cosignatures: Vec<Cosignature>,
    ) -> Result<Self, ProofError> {
        cosignatures.sort_by(|a, b| a.cosigner().cmp(b.cosigner()));
        Self::try_from(Parts {
            epoch,
            checkpoint,
            cosignatures,
        })
    }

    /// Checks that a quorum of `membership` cosigned a checkpoint of the log `origin`.
    ///
    /// # Errors
    /// Refused, naming the first rule that does not hold: the epoch, the log, a
    /// cosigner, a signature, the quorum.
    pub fn verify(&self, origin: &str, membership: &Membership) -> Result<(), ProofError> {
        if self.epoch != membership.epoch() {
            return Err(Refusal::Epoch {
                expected: membership.epoch(),
                found: self.epoch,
            }
            .into());
        }
        if self.checkpoint.origin() != origin {
            return Err(Refusal::Origin.into());
        }
        let needed = membership.quorum();
        if self.cosignatures.len() < needed {
            return Err(Refusal::Quorum {
                needed,
                found: self.cosignatures.len(),
            }
            .into());
        }
        self.verify_cosignatures(membership)
    }

    /// Checks every cosignature, however many there are.
    fn verify_cosignatures(&self, membership: &Membership) -> Result<(), ProofError> {
        let mut claims: Vec<(&PublicKey, String, &Cosignature)> = Vec::new();
        for cosignature in &self.cosignatures {
            let name = cosignature.cosigner();
            let key = membership
                .key(name)
                .ok_or_else(|| Refusal::UnknownCosigner(name.clone()))?;
            claims.push((key, cosignature.claim(&self.checkpoint, key)?, cosignature));
        }
        let batch: Vec<_> = claims
            .iter()
            .map(|(key, message, cosignature)| Claim {
                key,
                message: message.as_bytes(),
                signature: cosignature.signature(),
            })
            .collect();
        if verify_batch(&batch) {
            return Ok(());
        }
        // One of them is bad; alone, it names itself.
        claims
            .iter()
            .try_for_each(|(key, _, cosignature)| cosignature.verify(&self.checkpoint, key))
    }

    /// Checks that this checkpoint extends `earlier`, by the consistency proof `path`
    /// that a node gave. Both must have been verified.
    ///
    /// # Errors
    /// A fault with the evidence if both have the same size and different roots and
    /// `membership` holds a validator that cosigned both; refused if the path does
    /// not prove it.
    pub fn extends(
        &self,
        earlier: &Self,
        path: &[Digest],
        membership: &Membership,
    ) -> Result<(), ProofError> {
        if self.checkpoint.origin() != earlier.checkpoint.origin() {
            return Err(Refusal::Origin.into());
        }
        let (old, new) = (&earlier.checkpoint, &self.checkpoint);
        if old.size() == new.size() && old.root() != new.root() {
            let evidence = Equivocation::between(earlier, self, membership);
            if !evidence.is_empty() {
                return Err(ProofError::Fault(evidence));
            }
        }
        if old.size() == 0 {
            // Every log extends the empty one, which has one root.
            return if *old.root() == crate::hash::empty_root() && path.is_empty() {
                Ok(())
            } else {
                Err(Refusal::Root.into())
            };
        }
        verify_consistency(old.size(), new.size(), old.root(), new.root(), path)
    }

    /// The C2SP signed note: what standard tools check.
    ///
    /// # Errors
    /// Refused if nobody cosigned.
    pub fn to_note(&self) -> Result<String, ProofError> {
        let lines = self.cosignatures.iter().map(Cosignature::to_line).collect();
        SignedNote::new(self.checkpoint.to_string(), lines).map(|note| note.to_string())
    }

    /// Reads a C2SP signed note and keeps the cosignatures of `membership`, each
    /// verified. As the standard asks, lines of unknown keys are passed over.
    ///
    /// # Errors
    /// Refused if it is malformed or a member's line does not verify.
    pub fn from_note(note: &str, membership: &Membership) -> Result<Self, ProofError> {
        let note = SignedNote::parse(note)?;
        let checkpoint = Checkpoint::parse(note.text())?;
        let mut cosignatures = Vec::new();
        for line in note.signatures() {
            let member = membership
                .members()
                .iter()
                .find(|(name, key)| name.as_str() == line.name && key_id(name, key) == line.key_id);
            if let Some((name, _)) = member {
                cosignatures.push(Cosignature::from_line(line, name)?);
            }
        }
        let signed = Self::new(membership.epoch(), checkpoint, cosignatures)?;
        signed.verify_cosignatures(membership)?;
        Ok(signed)
    }

    /// The epoch whose members cosigned.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The checkpoint.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The cosignatures, sorted by cosigner.
    pub fn cosignatures(&self) -> &[Cosignature] {
        &self.cosignatures
    }

    /// Whether this is a checkpoint of the network's log.
    pub fn is_of(&self, network: &NetworkId) -> bool {
        self.checkpoint.origin() == crate::checkpoint::origin(network)
    }
}

impl TryFrom<Parts> for SignedCheckpoint {
    type Error = ProofError;

    fn try_from(parts: Parts) -> Result<Self, ProofError> {
        let limit = primitives::limits::MEMBERS_MAX;
        if parts.cosignatures.len() > limit {
            return Err(Refusal::TooLarge {
                what: "cosignatures",
                limit,
            }
            .into());
        }
        let sorted = parts
            .cosignatures
            .windows(2)
            .all(|pair| pair[0].cosigner() < pair[1].cosigner());
        if !sorted {
            return Err(Refusal::Malformed("cosignatures out of order or doubled").into());
        }
        Ok(Self {
            epoch: parts.epoch,
            checkpoint: parts.checkpoint,
            cosignatures: parts.cosignatures,
        })
    }
}

impl From<SignedCheckpoint> for Parts {
    fn from(signed: SignedCheckpoint) -> Self {
        Self {
            epoch: signed.epoch,
            checkpoint: signed.checkpoint,
            cosignatures: signed.cosignatures,
        }
    }
}
