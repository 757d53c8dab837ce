//! The legal order of records: a pure state machine.
//!
//! Upon receiving a record, in a block of time `now`:
//! - it is refused unless network, signer, time and predecessors are right;
//! - `warrant-issued`: only after its draft, by an officer of the authority that
//!   the draft names, who is neither requester nor custodian, within the
//!   charter's limits;
//! - `officer-proposed`, `officer-confirmed`: by two registrars of one institution;
//!   its node may stand in where there are fewer (`officers.rs`);
//! - `question-asked`: only by the warrant's requester, inside its window, not
//!   revoked, within template, custodians, hops, cap and budget;
//! - `approved`, `narrowed`, `refused`: once, by each custodian of the plan: an officer,
//!   or its node by a standing rule that covers the question and that an officer put
//!   in force (`standing.rs`);
//! - `inputs-committed`: only after *all* custodians approved, with the approved
//!   keys, in the window; the first one spends a run of the budget;
//! - `count-opened`: of a joint question (`joint.rs`), with the word of the three that
//!   computed it; above the cap, or where no more was asked for, the question ends;
//! - `run-completed`: only after all inputs, with every custodian's attestation; of a
//!   joint question only after a count within the cap, with that of the three;
//! - `answer-disclosed`: only after that, in the window, within the cap.
//!
//! *Invariants*: `apply` changes nothing when it refuses; clones are cheap
//! (persistent maps), so that validators judge blocks that are not yet final.
//!
//! *Not here*: reading bodies. Validators see no body; what a body must hold
//! (that blinded subjects match the draft, that the plan fits the order) is
//! checked by those who may read it, before they sign.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use primitives::{
    Digest, InstitutionId, NetworkId, PublicKey, TimeMs, WarrantId,
    limits::{FOLLOWS_MAX, MEMBERS_MAX, TEXT_BYTES_MAX},
};

use crate::{
    charter::{Change, Charter, Duty, Institution, OfficerId, Role, quorum},
    credential::{Credential, CredentialId},
    record::{Header, Record},
    rule::{Refusal, Rule, ensure},
    statement::{
        Asked, DatasetPublished, Extent, KeyCommitment, RulesChanged, SnapshotCommitted,
        StandingRule, Statement, Terms,
    },
};

mod case;
mod joint;
mod members;
mod officers;
mod question;
mod run;
mod standing;
#[cfg(test)]
mod tests;
mod view;
mod warrant;

pub use joint::{COMPUTING, JOINT_WINDOW_MS, TABLE_ROWS_MAX, TABLES_MAX};
pub(crate) use view::Proposal;
pub use view::{
    At, Dataset, Decision, Nominee, Officer, Question, QuestionPhase, Rules, Snapshot, Warrant,
    WarrantPhase,
};
pub use warrant::SCENES_MAX;

/// Furthest that a record's own time may be from its block's.
pub const TIME_SKEW_MAX_MS: u64 = 15 * 60 * 1_000;
/// Most questions under one warrant, asked, refused and ended together.
pub const QUESTIONS_MAX: usize = 1_000;
/// Most changes of membership that one member can have under vote.
pub const PROPOSALS_MAX: usize = 8;
/// Most officers of one institution who wait for a second word.
pub const NOMINEES_MAX: usize = 64;
/// How long a proposed officer can be confirmed.
pub const NOMINEE_LIFE_MS: u64 = 7 * 24 * 3_600 * 1_000;
/// Most officers of one institution.
pub const OFFICERS_MAX: usize = 1_000;
/// Most tables that one institution can publish.
pub const DATASETS_MAX: usize = 1_000;
/// Most standing rules of one institution at a time.
pub const RULES_MAX: usize = 100;
/// Most steps of a run.
pub const STEPS_MAX: usize = 64;

/// The legal state of a network after some records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    network: NetworkId,
    charter: Arc<Charter>,
    epoch: u64,
    members: OrdMap<InstitutionId, Institution>,
    nodes: OrdMap<PublicKey, InstitutionId>,
    retired: OrdSet<CredentialId>,
    officers: OrdMap<CredentialId, Officer>,
    nominees: OrdMap<Digest, Nominee>,
    proposals: OrdMap<Digest, Proposal>,
    rules: OrdMap<InstitutionId, Rules>,
    /// Who accuses whom of what: witness, member, kind.
    witnessed: OrdSet<(InstitutionId, InstitutionId, String)>,
    datasets: OrdMap<Digest, Dataset>,
    snapshots: OrdMap<Digest, Snapshot>,
    warrants: OrdMap<WarrantId, Warrant>,
    joint_runs: joint::JointRuns,
    /// Digests of recent records by the last time at which they could be sent again.
    recent: OrdSet<(TimeMs, Digest)>,
}

/// Who signed a record, as the state knows the key.
pub(crate) enum Signer<'a> {
    Node,
    Officer(&'a Officer),
}

impl State {
    /// The state that a charter founds.
    ///
    /// # Errors
    /// A refusal where the charter is not valid.
    pub fn genesis(charter: Charter) -> Result<Self, Refusal> {
        charter.check()?;
        let network = charter.network()?;
        let members: OrdMap<_, _> = charter
            .members
            .iter()
            .map(|member| (member.id.clone(), member.clone()))
            .collect();
        let nodes = charter
            .members
            .iter()
            .map(|member| (member.node_key, member.id.clone()))
            .collect();
        Ok(Self {
            network,
            charter: Arc::new(charter),
            epoch: 0,
            members,
            nodes,
            retired: OrdSet::new(),
            officers: OrdMap::new(),
            nominees: OrdMap::new(),
            proposals: OrdMap::new(),
            rules: OrdMap::new(),
            witnessed: OrdSet::new(),
            datasets: OrdMap::new(),
            snapshots: OrdMap::new(),
            warrants: OrdMap::new(),
            joint_runs: OrdMap::new(),
            recent: OrdSet::new(),
        })
    }

    /// Applies a record, or refuses it and changes nothing.
    ///
    /// # Errors
    /// The refusal, with the rule that said no.
    pub fn apply(&mut self, record: &Record, at: At) -> Result<(), Refusal> {
        self.check_frame(record, at)?;
        self.judge(record, at)?;
        self.remember(record, at);
        Ok(())
    }

    /// The network's id.
    #[must_use]
    pub fn network(&self) -> NetworkId {
        self.network
    }

    /// The founding charter.
    #[must_use]
    pub fn charter(&self) -> &Charter {
        &self.charter
    }

    /// How many times the membership has changed.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Today's members.
    pub fn members(&self) -> impl Iterator<Item = &Institution> {
        self.members.values()
    }

    /// A member by its name.
    #[must_use]
    pub fn member(&self, id: &InstitutionId) -> Option<&Institution> {
        self.members.get(id)
    }

    /// The member whose node holds this key.
    #[must_use]
    pub fn member_of_node(&self, key: &PublicKey) -> Option<&Institution> {
        self.nodes.get(key).and_then(|id| self.members.get(id))
    }

    /// The officer who holds this credential.
    #[must_use]
    pub fn officer(&self, credential: &CredentialId) -> Option<&Officer> {
        self.officers.get(credential)
    }

    /// All officers with their credentials.
    pub fn officers(&self) -> impl Iterator<Item = (&CredentialId, &Officer)> {
        self.officers.iter()
    }

    /// Officers who were proposed and wait for a second word, by the proposal's
    /// record.
    pub fn nominees(&self) -> impl Iterator<Item = (&Digest, &Nominee)> {
        self.nominees.iter()
    }

    /// Whether a proposal is still under vote.
    #[must_use]
    pub fn is_proposed(&self, proposal: &Digest) -> bool {
        self.proposals.contains_key(proposal)
    }

    /// The standing rules of an institution, where it has put any in force.
    #[must_use]
    pub fn rules(&self, institution: &InstitutionId) -> Option<&Rules> {
        self.rules.get(institution)
    }

    /// Published tables by the record that published them.
    pub fn datasets(&self) -> impl Iterator<Item = (&Digest, &Dataset)> {
        self.datasets.iter()
    }

    /// A published table.
    #[must_use]
    pub fn dataset(&self, record: &Digest) -> Option<&Dataset> {
        self.datasets.get(record)
    }

    /// A committed snapshot by its record.
    #[must_use]
    pub fn snapshot(&self, record: &Digest) -> Option<&Snapshot> {
        self.snapshots.get(record)
    }

    /// A warrant.
    #[must_use]
    pub fn warrant(&self, id: &WarrantId) -> Option<&Warrant> {
        self.warrants.get(id)
    }

    /// All warrants.
    pub fn warrants(&self) -> impl Iterator<Item = (&WarrantId, &Warrant)> {
        self.warrants.iter()
    }

    /// Whether the warrant is in force at a time.
    ///
    /// # Errors
    /// The refusal that a question at that time would get.
    pub fn warrant_in_force(&self, id: &WarrantId, now_ms: TimeMs) -> Result<&Warrant, Refusal> {
        let warrant = self
            .warrants
            .get(id)
            .ok_or_else(|| Refusal::new(Rule::WarrantUnknown, format!("no warrant {id}")))?;
        self.in_force(warrant, now_ms)?;
        Ok(warrant)
    }

    fn check_frame(&self, record: &Record, at: At) -> Result<(), Refusal> {
        let header = &record.header;
        ensure(header.network == self.network, Rule::Network, || {
            format!("the record is of network {}", header.network.0.short())
        })?;
        ensure(
            header.time_ms.abs_diff(at.time_ms) <= TIME_SKEW_MAX_MS,
            Rule::TimeSkew,
            || "the record's time is over 15 minutes from the ledger's".into(),
        )?;
        ensure(
            !self.recent.contains(&(header.time_ms, record.digest)),
            Rule::Duplicate,
            || format!("record {} is already on the ledger", record.digest.short()),
        )?;
        ensure(
            header.follows.len() <= FOLLOWS_MAX && header.parts.len() <= 4,
            Rule::Limit,
            || "too many predecessors or bodies".into(),
        )?;
        let labels = header.statement.labels();
        for (place, part) in header.parts.iter().enumerate() {
            // A second part of one label would slip past the checks on the first.
            ensure(
                labels.contains(&part.label.as_str())
                    && header.parts[..place].iter().all(|p| p.label != part.label),
                Rule::Parts,
                || format!("a body that {} has not, or twice", header.statement.kind()),
            )?;
            ensure(
                !part.readers.is_empty() && part.readers.len() <= MEMBERS_MAX,
                Rule::Parts,
                || "a body with no reader, or too many".into(),
            )?;
            ensure(
                part.readers.iter().all(|id| self.members.contains_key(id)),
                Rule::Parts,
                || "a body for a reader who is no member".into(),
            )?;
        }
        Ok(())
    }

    fn signer<'a>(&'a self, record: &Record) -> Result<Signer<'a>, Refusal> {
        let header = &record.header;
        if let Some(officer) = self.officers.get(&record.signer) {
            ensure(
                officer.institution == header.institution
                    && header.officer.as_ref() == Some(&officer.id),
                Rule::SignerMismatch,
                || "the credential belongs to another officer than the header names".into(),
            )?;
            return Ok(Signer::Officer(officer));
        }
        let node = match &record.signer {
            CredentialId::Key(key) => self.nodes.get(key),
            CredentialId::Passkey(_) => None,
        };
        let institution = node.ok_or_else(|| {
            Refusal::new(
                Rule::SignerUnknown,
                "the signing credential belongs to no member and no enrolled officer",
            )
        })?;
        ensure(
            *institution == header.institution && header.officer.is_none(),
            Rule::SignerMismatch,
            || format!("the key is the node's of {institution}"),
        )?;
        Ok(Signer::Node)
    }

    fn remember(&mut self, record: &Record, at: At) {
        self.recent.insert((record.header.time_ms, record.digest));
        // A record older than two skews can't come again: its time is refused.
        let forget = at.time_ms.saturating_sub(2 * TIME_SKEW_MAX_MS);
        while let Some(oldest) = self.recent.get_min().copied() {
            if oldest.0 >= forget {
                break;
            }
            self.recent.remove(&oldest);
        }
    }

    fn judge(&mut self, record: &Record, at: At) -> Result<(), Refusal> {
        let header = &record.header;
        if header.statement.is_of_case() {
            return self.judge_case(record, at);
        }
        ensure(header.warrant.is_none(), Rule::Follows, || {
            "a record outside any case names a warrant".into()
        })?;
        match &header.statement {
            Statement::ChangeProposed { change } => self.change_proposed(record, change),
            Statement::ChangeVoted { proposal, yes } => self.change_voted(record, proposal, *yes),
            Statement::OfficerEnrolled {
                officer,
                key,
                duties,
            } => self.officer_enrolled(record, officer, key, duties),
            Statement::OfficerRetired { key } => self.officer_retired(record, key),
            Statement::OfficerProposed {
                officer,
                credential,
                duties,
            } => self.officer_proposed(record, officer, credential, duties),
            Statement::OfficerConfirmed { proposal } => self.officer_confirmed(record, proposal),
            Statement::RulesChanged(change) => self.rules_changed(record, change),
            Statement::EquivocationWitnessed { member, kind } => {
                self.equivocation_witnessed(record, member, kind)
            }
            Statement::DatasetPublished(entry) => self.dataset_published(record, entry),
            Statement::SnapshotCommitted(statement) => self.snapshot_committed(record, statement),
            _ => self.judge_case(record, at),
        }
    }

    /// Requires an officer with a duty; the node may stand in where `node` says so.
    fn require_duty(&self, record: &Record, duty: Duty, node: bool) -> Result<(), Refusal> {
        let header = &record.header;
        if let Some(role) = duty.role() {
            let member = self.member(&header.institution).ok_or_else(|| {
                Refusal::new(
                    Rule::Duty,
                    format!("{} is not a member", header.institution),
                )
            })?;
            ensure(member.roles.contains(&role), Rule::Duty, || {
                format!("{} is no {role:?}", header.institution)
            })?;
        }
        match self.signer(record)? {
            Signer::Node => ensure(node, Rule::Duty, || {
                format!("only an officer with the duty {duty} may do this, not a node")
            }),
            Signer::Officer(officer) => ensure(officer.duties.contains(&duty), Rule::Duty, || {
                format!("officer {} lacks the duty {duty}", officer.id)
            }),
        }
    }

    fn require_node(&self, record: &Record) -> Result<(), Refusal> {
        match self.signer(record)? {
            Signer::Node => Ok(()),
            Signer::Officer(_) => Err(Refusal::new(
                Rule::Duty,
                "only an institution's node states this",
            )),
        }
    }
}

fn text_within(text: &str, what: &str) -> Result<(), Refusal> {
    ensure(
        !text.is_empty() && text.len() <= TEXT_BYTES_MAX,
        Rule::Limit,
        || format!("{what}: 1 to {TEXT_BYTES_MAX} bytes"),
    )
}

fn require_part<'a>(header: &'a Header, label: &str) -> Result<&'a crate::Part, Refusal> {
    header.part(label).ok_or_else(|| {
        Refusal::new(
            Rule::Parts,
            format!("the record commits to no body `{label}`"),
        )
    })
}

fn require_follows(header: &Header, digest: &Digest) -> Result<(), Refusal> {
    ensure(header.follows.contains(digest), Rule::Follows, || {
        format!("the record does not follow {}", digest.short())
    })
}
