//! What a state holds: officers, tables, warrants, questions and their phases.

use std::{collections::BTreeSet, sync::Arc};

use imbl::{OrdMap, OrdSet};
use primitives::{Digest, InstitutionId, TimeMs};

use crate::{
    charter::{Change, Duty, OfficerId},
    credential::Credential,
    statement::{
        Asked, Count, DatasetPublished, Joint, KeyCommitment, SnapshotCommitted, StandingRule,
        TableCommitment, Terms,
    },
};

/// Where a record stands: the block's height and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// The block's height.
    pub height: u64,
    /// The block's time.
    pub time_ms: TimeMs,
}

/// An officer with a valid credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Officer {
    /// The officer's institution.
    pub institution: InstitutionId,
    /// The officer's handle.
    pub id: OfficerId,
    /// What the officer may do.
    pub duties: BTreeSet<Duty>,
    /// The officer's credential.
    pub credential: Credential,
    /// The record that enrolled the officer.
    pub record: Digest,
}

/// An officer whom one registrar has proposed, and none confirmed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nominee {
    /// The institution.
    pub institution: InstitutionId,
    /// The officer's handle.
    pub officer: OfficerId,
    /// The officer's credential.
    pub credential: Credential,
    /// What the officer is to do.
    pub duties: BTreeSet<Duty>,
    /// Who proposed; none: the institution's node.
    pub proposed_by: Option<OfficerId>,
    /// When.
    pub time_ms: TimeMs,
}

/// The standing rules of an institution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The record that put them in force.
    pub record: Digest,
    /// The rules.
    pub rules: Arc<Vec<StandingRule>>,
}

/// A published table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// Its custodian.
    pub institution: InstitutionId,
    /// The catalogue entry.
    pub entry: DatasetPublished,
    /// The latest snapshot's record.
    pub latest: Option<Digest>,
}

/// A committed snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its custodian.
    pub institution: InstitutionId,
    /// What was committed.
    pub statement: SnapshotCommitted,
}

/// What has become of a warrant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarrantPhase {
    /// Drafted; the authority has not decided.
    Drafted,
    /// In force between its times.
    Issued,
    /// The authority said no.
    Refused,
    /// Withdrawn.
    Revoked,
}

/// A warrant and its docket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warrant {
    /// Who asked for it.
    pub requester: InstitutionId,
    /// Who decides.
    pub authority: InstitutionId,
    /// The terms: asked for, then granted.
    pub terms: Terms,
    /// What has become of it.
    pub phase: WarrantPhase,
    /// The draft's record.
    pub draft: Digest,
    /// The issuing record.
    pub issued: Option<Digest>,
    /// Runs spent.
    pub spent: u32,
    /// Subjects for whom notice was accounted: told, or withheld with a reason.
    pub noticed: u32,
    /// Its questions.
    pub questions: OrdMap<Digest, Question>,
    /// All records of the docket.
    pub records: OrdSet<Digest>,
}

/// What has become of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuestionPhase {
    /// Custodians are deciding, or all approved and none has begun.
    Open,
    /// Inputs are committed.
    Running,
    /// Some custodian refused or asks for a narrower plan.
    Declined,
    /// The run completed.
    Completed,
    /// The run was aborted.
    Aborted,
    /// The run of a joint question ended with its count: nothing more was asked for,
    /// nothing was found, or more than may be opened.
    Counted,
}

/// A custodian's word on a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It approved, with these keys.
    Approved(Vec<KeyCommitment>),
    /// It would approve this much.
    Narrowed {
        /// Hops.
        hops: u8,
        /// Rows.
        answer_cap: u32,
    },
    /// It refused.
    Refused,
}

/// A question under a warrant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The officer who asked.
    pub asker: OfficerId,
    /// The plan's digest.
    pub plan: Digest,
    /// The template.
    pub template: primitives::TemplateId,
    /// Hops that the plan takes.
    pub hops: u8,
    /// Most rows.
    pub answer_cap: u32,
    /// Custodians and their snapshots.
    pub custodians: Vec<Asked>,
    /// What the custodians said.
    pub decisions: OrdMap<InstitutionId, Decision>,
    /// Who has committed inputs.
    pub inputs: OrdSet<InstitutionId>,
    /// What has become of it.
    pub phase: QuestionPhase,
    /// What a joint question needs beside.
    pub joint: Option<Joint>,
    /// The tables that were committed to for it, by owner.
    pub tables: OrdMap<InstitutionId, Vec<TableCommitment>>,
    /// What it found.
    pub count: Option<Count>,
    /// The completing record.
    pub completed: Option<Digest>,
    /// The disclosing records.
    pub disclosed: OrdSet<Digest>,
}

impl Question {
    /// Who has to commit inputs before a run begins.
    pub fn owners(&self) -> impl Iterator<Item = &InstitutionId> {
        let beside = self.joint.iter().flat_map(|joint| &joint.owners);
        self.custodians
            .iter()
            .chain(beside)
            .map(|asked| &asked.institution)
    }

    /// Whether everybody who has to has committed its inputs.
    #[must_use]
    pub fn bound(&self) -> bool {
        self.owners().all(|owner| self.inputs.contains(owner))
    }

    /// An institution's place among the three that compute.
    #[must_use]
    pub fn seat(&self, institution: &InstitutionId) -> Option<usize> {
        let joint = self.joint.as_ref()?;
        joint.computing.iter().position(|id| id == institution)
    }

    /// Whether an institution has a part in the run beside asking for it.
    #[must_use]
    pub fn takes_part(&self, institution: &InstitutionId) -> bool {
        self.owners().any(|owner| owner == institution) || self.seat(institution).is_some()
    }

    /// Whether every custodian of the plan approved.
    #[must_use]
    pub fn approved_by_all(&self) -> bool {
        self.custodians.iter().all(|asked| {
            matches!(
                self.decisions.get(&asked.institution),
                Some(Decision::Approved(_))
            )
        })
    }
}

/// A change of membership under vote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proposal {
    pub(crate) proposer: InstitutionId,
    pub(crate) change: Change,
    pub(crate) votes: OrdMap<InstitutionId, bool>,
}
