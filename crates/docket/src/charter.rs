//! The charter: who the members are, what they may do, and how that changes.
//!
//! A network is named by the digest of its founding charter. Members are
//! admitted, removed or given new keys by a proposal that a quorum of the
//! members' nodes votes for, on the ledger, so that a verifier can walk from the
//! founding charter to the members of any later day.

use std::{collections::BTreeSet, fmt, str::FromStr};

use primitives::{
    Digest, IdError, InstitutionId, NetworkId, PublicKey, TimeMs, cbor,
    limits::{HOPS_MAX, MEMBERS_MAX, SUBJECTS_MAX},
};
use serde::{Deserialize, Serialize};

use crate::rule::{Refusal, Rule, ensure};

/// What an institution may be in a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Asks under a warrant.
    Requester,
    /// Holds data.
    Custodian,
    /// Issues warrants.
    Authority,
    /// Audits.
    Overseer,
}

/// What an officer may do. Each duty belongs to one role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Duty {
    /// Drafts warrants, asks, opens answers.
    Investigator,
    /// Issues, refuses and revokes warrants.
    Judge,
    /// Approves, narrows and refuses questions.
    Approver,
    /// Publishes datasets and takes snapshots.
    Steward,
    /// Reads dockets.
    Auditor,
    /// Enrols officers and votes on members.
    Registrar,
}

impl Duty {
    /// The role that the officer's institution must have; `None`: any.
    #[must_use]
    pub fn role(self) -> Option<Role> {
        match self {
            Self::Investigator => Some(Role::Requester),
            Self::Judge => Some(Role::Authority),
            Self::Approver | Self::Steward => Some(Role::Custodian),
            Self::Auditor => Some(Role::Overseer),
            Self::Registrar => None,
        }
    }

    /// The duty's name, as commands and files write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Investigator => "investigator",
            Self::Judge => "judge",
            Self::Approver => "approver",
            Self::Steward => "steward",
            Self::Auditor => "auditor",
            Self::Registrar => "registrar",
        }
    }
}

impl fmt::Display for Duty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Duty {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        [
            Self::Investigator,
            Self::Judge,
            Self::Approver,
            Self::Steward,
            Self::Auditor,
            Self::Registrar,
        ]
        .into_iter()
        .find(|duty| duty.name() == text)
        .ok_or(IdError {
            what: "a duty",
            rule: "investigator, judge, approver, steward, auditor or registrar",
        })
    }
}

/// An officer's handle at an institution: a pseudonym, never a person's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OfficerId(pub InstitutionId);

impl fmt::Display for OfficerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for OfficerId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        text.parse().map(Self).map_err(|error: IdError| IdError {
            what: "an officer's handle",
            rule: error.rule,
        })
    }
}

/// A member of the network: its public card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Institution {
    /// The member's short name.
    pub id: InstitutionId,
    /// The name that people read.
    pub name: String,
    /// What it may be in a case.
    pub roles: BTreeSet<Role>,
    /// Its node's Ed25519 key: validator, channel and statements.
    pub node_key: PublicKey,
    /// Its X25519 key, to which bodies are sealed.
    pub seal_key: PublicKey,
    /// `host:port` of the ledger's channel.
    pub ledger_address: String,
    /// `host:port` of the exchange channel.
    pub exchange_address: String,
}

const NAME_BYTES_MAX: usize = 128;

impl Institution {
    /// Checks the card by itself.
    ///
    /// # Errors
    /// A refusal that names what is wrong with the card.
    pub fn check(&self) -> Result<(), Refusal> {
        ensure(!self.roles.is_empty(), Rule::Membership, || {
            format!("{} has no role", self.id)
        })?;
        ensure(
            !self.name.is_empty() && self.name.len() <= NAME_BYTES_MAX,
            Rule::Limit,
            || format!("{}'s name: 1 to {NAME_BYTES_MAX} bytes", self.id),
        )?;
        for address in [&self.ledger_address, &self.exchange_address] {
            ensure(
                address.parse::<std::net::SocketAddr>().is_ok(),
                Rule::Membership,
                || format!("{}: {address} is no ip:port", self.id),
            )?;
        }
        Ok(())
    }
}

/// The founding charter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Charter {
    /// The network's name.
    pub name: String,
    /// When it was founded.
    pub founded_ms: TimeMs,
    /// The founding members, sorted by id.
    pub members: Vec<Institution>,
    /// Limits that every warrant keeps to.
    pub limits: CharterLimits,
}

/// Limits that every warrant and plan of the network keeps to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CharterLimits {
    /// Most subjects on one warrant.
    pub subjects_max: u32,
    /// Most hops of a chain.
    pub hops_max: u8,
    /// Most rows in one answer.
    pub answer_cap_max: u32,
    /// Longest life of a warrant.
    pub warrant_life_max_ms: u64,
    /// Fewest keys in a bucket of a lookup: the anonymity set.
    pub bucket_keys_min: u32,
    /// Most selectors derived in one run.
    pub derived_max: u32,
    /// Fewest persons in a group of totals that is opened.
    #[serde(default = "group_min", skip_serializing_if = "is_group_min")]
    pub group_min: u32,
    /// Joint questions that one requester may have computed over one custodian's
    /// tables in thirty days, under all its warrants together: what near-identical
    /// questions could learn by their differences is bounded by it.
    #[serde(default = "joint_runs_max", skip_serializing_if = "is_joint_runs_max")]
    pub joint_runs_max: u32,
}

/// [`CharterLimits::group_min`] where the charter says nothing.
const fn group_min() -> u32 {
    5
}

fn is_group_min(number: &u32) -> bool {
    *number == group_min()
}

/// [`CharterLimits::joint_runs_max`] where the charter says nothing.
const fn joint_runs_max() -> u32 {
    32
}

fn is_joint_runs_max(number: &u32) -> bool {
    *number == joint_runs_max()
}

impl Default for CharterLimits {
    fn default() -> Self {
        Self {
            subjects_max: 1_000,
            hops_max: 4,
            answer_cap_max: 100_000,
            warrant_life_max_ms: 90 * 24 * 3_600 * 1_000,
            bucket_keys_min: 256,
            derived_max: 100_000,
            group_min: group_min(),
            joint_runs_max: joint_runs_max(),
        }
    }
}

impl Charter {
    /// The network that this charter founds.
    ///
    /// # Errors
    /// A refusal where the charter can't be encoded.
    pub fn network(&self) -> Result<NetworkId, Refusal> {
        let bytes =
            cbor::encode(self).map_err(|error| Refusal::new(Rule::Format, error.to_string()))?;
        Ok(NetworkId(Digest::of("cordon/charter/v1", &[&bytes])))
    }

    /// Checks the charter by itself.
    ///
    /// # Errors
    /// A refusal that names what is wrong with it.
    pub fn check(&self) -> Result<(), Refusal> {
        ensure(
            (1..=MEMBERS_MAX).contains(&self.members.len()),
            Rule::Membership,
            || format!("a network has 1 to {MEMBERS_MAX} members"),
        )?;
        ensure(
            self.members.windows(2).all(|pair| pair[0].id < pair[1].id),
            Rule::Membership,
            || "members are not sorted by id, or one stands twice".into(),
        )?;
        for member in &self.members {
            member.check()?;
        }
        let keys: BTreeSet<_> = self.members.iter().map(|m| m.node_key).collect();
        ensure(keys.len() == self.members.len(), Rule::Membership, || {
            "two members share a key".into()
        })?;
        for role in [Role::Requester, Role::Authority] {
            ensure(
                self.members.iter().any(|m| m.roles.contains(&role)),
                Rule::Membership,
                || format!("no member is {role:?}"),
            )?;
        }
        let limits = &self.limits;
        ensure(
            limits.hops_max <= HOPS_MAX && limits.subjects_max as usize <= SUBJECTS_MAX,
            Rule::Limit,
            || format!("at most {HOPS_MAX} hops and {SUBJECTS_MAX} subjects"),
        )
    }
}

/// A change of the membership.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// A new member; the card is signed by its own key.
    Admit(Card),
    /// New keys, roles or addresses for a member; signed by the new key.
    Replace(Card),
    /// A member leaves.
    Remove(InstitutionId),
}

/// A member's card with the signature of the key on it: proof that whoever
/// wrote the card holds the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// The card.
    pub institution: Institution,
    /// Over the card's deterministic CBOR, domain `cordon/card/v1`.
    pub signature: primitives::Signature,
}

impl Card {
    /// Signs a card.
    ///
    /// # Errors
    /// A refusal where the card can't be encoded.
    pub fn sign(institution: Institution, key: &primitives::SigningKey) -> Result<Self, Refusal> {
        let bytes = cbor::encode(&institution)
            .map_err(|error| Refusal::new(Rule::Format, error.to_string()))?;
        Ok(Self {
            institution,
            signature: key.sign("cordon/card/v1", &bytes),
        })
    }

    /// Checks card and signature.
    ///
    /// # Errors
    /// A refusal that names what is wrong.
    pub fn check(&self) -> Result<(), Refusal> {
        self.institution.check()?;
        let bytes = cbor::encode(&self.institution)
            .map_err(|error| Refusal::new(Rule::Format, error.to_string()))?;
        self.institution
            .node_key
            .verify("cordon/card/v1", &bytes, &self.signature)
            .map_err(|_| Refusal::new(Rule::Membership, "the card is not signed by its own key"))
    }
}

/// Votes that carry a change among `members`: all but the faults that the
/// ledger tolerates, `n − ⌊(n−1)/3⌋`.
#[must_use]
pub fn quorum(members: usize) -> usize {
    members - members.saturating_sub(1) / 3
}
