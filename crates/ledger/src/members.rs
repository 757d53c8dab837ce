//! The validators: who they are, where they listen, and how many must agree.

use std::net::SocketAddr;

use primitives::{InstitutionId, PublicKey};
use proof::{Membership, ProofError};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Refusal};

/// One validator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// The institution, as it signs checkpoints.
    pub name: InstitutionId,
    /// Its validator key, which also authenticates its connections.
    pub key: PublicKey,
    /// Where the other validators reach it.
    pub address: SocketAddr,
}

/// The validators of one epoch, sorted by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Member>", into = "Vec<Member>")]
pub struct Members(Vec<Member>);

impl Members {
    /// The members, in any order.
    ///
    /// # Errors
    /// Refused if there are none, more than the limit, or a name or key twice.
    pub fn new(mut members: Vec<Member>) -> Result<Self, Error> {
        members.sort_by(|a, b| a.name.cmp(&b.name));
        let members = Self(members);
        members
            .membership(0)
            .map_err(|error| Error::from(Refusal::Members(error.to_string())))?;
        Ok(members)
    }

    /// The members, sorted by name.
    #[must_use]
    pub fn as_slice(&self) -> &[Member] {
        &self.0
    }

    /// The member with this key.
    #[must_use]
    pub fn by_key(&self, key: &PublicKey) -> Option<&Member> {
        self.0.iter().find(|member| member.key == *key)
    }

    /// How many members there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// How many may be faulty: `f` where there are at least `3f + 1`.
    #[must_use]
    pub fn faults(&self) -> usize {
        (self.0.len() - 1) / 3
    }

    /// How many must agree: all but [`Self::faults`].
    #[must_use]
    pub fn quorum(&self) -> usize {
        self.0.len() - self.faults()
    }

    /// What an offline verifier needs of them.
    ///
    /// # Errors
    /// Never for members that [`Self::new`] accepted.
    pub fn membership(&self, epoch: u64) -> Result<Membership, ProofError> {
        let members = self.0.iter().map(|m| (m.name.clone(), m.key)).collect();
        Membership::new(epoch, members)
    }
}

impl TryFrom<Vec<Member>> for Members {
    type Error = Error;

    fn try_from(members: Vec<Member>) -> Result<Self, Error> {
        Self::new(members)
    }
}

impl From<Members> for Vec<Member> {
    fn from(members: Members) -> Self {
        members.0
    }
}
