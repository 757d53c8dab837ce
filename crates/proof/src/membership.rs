//! Who may cosign in an epoch, and how many of them must.
//!
//! *Invariants*: sorted by name; no name and no key twice (a C2SP Ed25519
//! cosignature does not name its signer, so a key shared by two members would
//! count for both).

use primitives::limits::MEMBERS_MAX;
use primitives::{InstitutionId, PublicKey};
use serde::{Deserialize, Serialize};

use crate::error::{ProofError, Refusal};

/// The validators of one epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct Membership {
    epoch: u64,
    members: Vec<(InstitutionId, PublicKey)>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    epoch: u64,
    members: Vec<(InstitutionId, PublicKey)>,
}

impl Membership {
    /// The members of `epoch`, in any order.
    ///
    /// # Errors
    /// Refused if there are none, more than [`MEMBERS_MAX`], or a name or key twice.
    pub fn new(
        epoch: u64,
        mut members: Vec<(InstitutionId, PublicKey)>,
    ) -> Result<Self, ProofError> {
        if members.is_empty() {
            return Err(Refusal::Malformed("a membership without members").into());
        }
        if members.len() > MEMBERS_MAX {
            return Err(Refusal::TooLarge {
                what: "members",
                limit: MEMBERS_MAX,
            }
            .into());
        }
        members.sort();
        let mut keys: Vec<_> = members.iter().map(|(_, key)| key).collect();
        keys.sort();
        if members.windows(2).any(|pair| pair[0].0 == pair[1].0)
            || keys.windows(2).any(|pair| pair[0] == pair[1])
        {
            return Err(Refusal::Malformed("a member's name or key twice").into());
        }
        Ok(Self { epoch, members })
    }

    /// The epoch, counted from 0 at genesis.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The members, sorted by name.
    pub fn members(&self) -> &[(InstitutionId, PublicKey)] {
        &self.members
    }

    /// The key of a member.
    pub fn key(&self, name: &InstitutionId) -> Option<&PublicKey> {
        self.members
            .binary_search_by(|(member, _)| member.cmp(name))
            .ok()
            .map(|position| &self.members[position].1)
    }

    /// How many members may be faulty: `f` where there are at least `3f + 1`.
    pub fn faults(&self) -> usize {
        (self.members.len() - 1) / 3
    }

    /// How many members must cosign: all but [`Self::faults`].
    pub fn quorum(&self) -> usize {
        self.members.len() - self.faults()
    }
}

impl TryFrom<Parts> for Membership {
    type Error = ProofError;

    fn try_from(parts: Parts) -> Result<Self, ProofError> {
        // A stored membership has one form, so its order is part of it.
        if parts.members.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(Refusal::Malformed("members out of order").into());
        }
        Self::new(parts.epoch, parts.members)
    }
}

impl From<Membership> for Parts {
    fn from(membership: Membership) -> Self {
        Self {
            epoch: membership.epoch,
            members: membership.members,
        }
    }
}
