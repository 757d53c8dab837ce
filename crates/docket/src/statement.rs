//! What a record can state: one type a step of a question's walk.
//!
//! Statements stand on the ledger in the clear. They hold ids, counts, times
//! and digests; names, subjects, reasons and rows stand in bodies.

use std::collections::BTreeSet;

use primitives::{Digest, InstitutionId, PublicKey, Signature, TemplateId, TimeMs};
use serde::{Deserialize, Serialize};

use crate::{
    charter::{Change, Duty, OfficerId},
    credential::{Credential, CredentialId},
};

mod joint;

pub use joint::{Count, Joint, TableCommitment};

/// A record's kind, as the timeline and file names write it.
pub type Kind = &'static str;

/// What a record states.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Statement {
    /// A member proposes a change of the membership.
    ChangeProposed {
        /// The change.
        change: Change,
    },
    /// A member votes for or against a proposal.
    ChangeVoted {
        /// The proposal's record.
        proposal: Digest,
        /// For it?
        yes: bool,
    },
    /// An institution gives an officer a key and duties.
    OfficerEnrolled {
        /// The officer's handle.
        officer: OfficerId,
        /// The officer's key.
        key: PublicKey,
        /// What the officer may do.
        duties: BTreeSet<Duty>,
    },
    /// An institution withdraws an officer's credential.
    OfficerRetired {
        /// The credential withdrawn.
        key: CredentialId,
    },
    /// A registrar proposes an officer: the first of two words.
    OfficerProposed {
        /// The officer's handle.
        officer: OfficerId,
        /// The officer's credential.
        credential: Credential,
        /// What the officer may do.
        duties: BTreeSet<Duty>,
    },
    /// Another registrar confirms: from here on the officer may act.
    OfficerConfirmed {
        /// The proposal's record.
        proposal: Digest,
    },
    /// An approver puts standing rules in force, in place of the institution's
    /// earlier ones. Bodies: `reason`.
    RulesChanged(RulesChanged),
    /// A node holds bytes that show a member contradicting itself as a validator.
    /// Bodies: `evidence`.
    EquivocationWitnessed {
        /// The member.
        member: InstitutionId,
        /// What it did twice: `notarize`, `finalize`, `nullify-finalize`, `checkpoint`.
        kind: String,
    },
    /// A custodian publishes a table in the catalogue.
    DatasetPublished(DatasetPublished),
    /// A custodian commits to a table's state at a time.
    SnapshotCommitted(SnapshotCommitted),
    /// A requester sends a draft to an authority. Bodies: `subjects`.
    WarrantDrafted {
        /// The authority asked.
        authority: InstitutionId,
        /// The terms asked for.
        terms: Terms,
    },
    /// The authority's order. Bodies: `order`, `subjects`, and `reason` where the
    /// authority gives one.
    WarrantIssued {
        /// The draft's record.
        draft: Digest,
        /// The terms granted.
        terms: Terms,
    },
    /// The authority refuses a draft. Bodies: `reason`.
    WarrantRefused {
        /// The draft's record.
        draft: Digest,
    },
    /// The authority withdraws a warrant. Bodies: `reason`.
    WarrantRevoked {},
    /// A requester asks. Bodies: `plan`.
    QuestionAsked(QuestionAsked),
    /// A node said no before anything else happened; where there is no warrant
    /// to speak of, outside any docket. Bodies: `reason`, if any.
    Denied {
        /// The rule that said no.
        rule: String,
        /// The act that was denied.
        act: String,
    },
    /// A custodian approves a plan.
    Approved {
        /// The question's record.
        question: Digest,
        /// The plan's digest.
        plan: Digest,
        /// A key commitment for every table of this custodian in the plan,
        /// in the plan's order.
        keys: Vec<KeyCommitment>,
        /// The name of the standing rule that approved, or by hand.
        by_rule: Option<String>,
    },
    /// A custodian would approve a narrower plan. Bodies: `reason`.
    Narrowed {
        /// The question's record.
        question: Digest,
        /// The plan's digest.
        plan: Digest,
        /// Hops that it would approve.
        hops: u8,
        /// Rows that it would approve.
        answer_cap: u32,
    },
    /// A custodian refuses a plan. Bodies: `reason`.
    Refused {
        /// The question's record.
        question: Digest,
        /// The plan's digest.
        plan: Digest,
    },
    /// A custodian binds its inputs to the run.
    InputsCommitted {
        /// The question's record.
        question: Digest,
        /// The keys under which it answers: those approved.
        keys: Vec<KeyCommitment>,
        /// The shared tables of a joint question that it gives, in the plan's order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tables: Vec<TableCommitment>,
    },
    /// The three that compute a joint question found so many rows; what they are is
    /// not opened yet.
    CountOpened {
        /// The question's record.
        question: Digest,
        /// What was counted.
        count: Count,
        /// One by each of the three, in the question's order.
        attestations: Vec<Attestation>,
    },
    /// All parties finished.
    RunCompleted {
        /// The question's record.
        question: Digest,
        /// One for every custodian of the plan, sorted by institution; of a joint
        /// question one by each of the three that compute, in the question's order.
        attestations: Vec<Attestation>,
        /// Selectors evaluated in each step, all custodians together.
        evaluated: Vec<u32>,
    },
    /// A run ended without an answer. Bodies: `evidence` where a party is blamed.
    RunAborted {
        /// The question's record.
        question: Digest,
        /// The rule or trouble, by its stable name.
        cause: String,
        /// The party whose bytes show a fault.
        blamed: Option<InstitutionId>,
        /// The party that refused to go on: by its own word where it states this record,
        /// else by that of the party that does.
        refused_by: Option<InstitutionId>,
    },
    /// The requester opened the answer. Bodies: `answer`.
    AnswerDisclosed {
        /// The question's record.
        question: Digest,
        /// Rows that it holds.
        rows: u32,
    },
    /// Somebody read something.
    Consulted {
        /// The record whose bodies, answer or docket were read.
        subject: Digest,
        /// Who.
        reader: OfficerId,
        /// What was read: `answer`, `docket`, `warrant` …
        what: String,
    },
    /// An officer takes an opened answer out of the network in a form that proves
    /// nothing by itself. Bodies: `reason`, which says for whom and why.
    PassedOn {
        /// The question's record.
        question: Digest,
        /// In which form: `csv`.
        form: String,
    },
    /// Those whom a warrant named were told of it, or why they can't be.
    /// Bodies: `reason`.
    NoticeGiven {
        /// Subjects of the warrant that were told.
        told: u32,
        /// Subjects that were not, for the reason given.
        withheld: u32,
    },
    /// A bundle left the house.
    BundleExported {
        /// The question's record.
        question: Digest,
        /// The digest of the bundle's content listing.
        content: Digest,
    },
}

/// The standing rules of a custodian: what its node may approve without an officer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulesChanged {
    /// The record of the rules that these replace; none: the first.
    pub replaces: Option<Digest>,
    /// The rules, all of them; none: everything is decided by hand.
    pub rules: Vec<StandingRule>,
}

/// A question within these bounds needs no officer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandingRule {
    /// Its name, which approvals quote.
    pub name: String,
    /// The template.
    pub template: TemplateId,
    /// Most rows.
    pub answer_cap: u32,
    /// Most hops.
    pub hops: u8,
    /// Most subjects on the warrant.
    pub subjects: u32,
    /// Who may be among the three that compute a joint question: two of them together
    /// could see everything. None: every joint question is decided by hand.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub computing: BTreeSet<InstitutionId>,
}

/// What of a question a standing rule bounds.
#[derive(Clone, Copy, Debug)]
pub struct Extent<'a> {
    /// The template.
    pub template: &'a TemplateId,
    /// Most rows.
    pub answer_cap: u32,
    /// Hops that it takes.
    pub hops: u8,
    /// Subjects on its warrant.
    pub subjects: u32,
    /// The three that compute it, where it is joint.
    pub computing: &'a [InstitutionId],
}

impl StandingRule {
    /// Whether a question is within the rule.
    #[must_use]
    pub fn covers(&self, asked: &Extent<'_>) -> bool {
        self.template == *asked.template
            && asked.answer_cap <= self.answer_cap
            && asked.hops <= self.hops
            && asked.subjects <= self.subjects
            && asked.computing.iter().all(|id| self.computing.contains(id))
    }
}

/// A table in the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetPublished {
    /// The table's name at its custodian, for example `subscribers`.
    pub dataset: String,
    /// What kind of table it is: `subscribers`, `accounts`, `calls`, `transfers` …
    pub table: String,
    /// Its columns with their semantic types and disclosure rules.
    pub columns: Vec<Column>,
    /// Its lookup keys.
    pub keys: Vec<String>,
}

/// A column as the catalogue shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// The column's name.
    pub name: String,
    /// Its semantic type's name.
    pub semantic: String,
    /// Its disclosure rule's name.
    pub disclosure: String,
}

/// A table's committed state at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotCommitted {
    /// The record that published the table.
    pub dataset: Digest,
    /// RFC 9162 Merkle root over the canonical rows.
    pub root: Digest,
    /// Rows accepted.
    pub rows: u64,
    /// Rows rejected because a value did not parse.
    pub rejected: u64,
    /// When the rows were read.
    pub extracted_ms: TimeMs,
    /// How: `csv`, `parquet`, `postgres`.
    pub method: String,
    /// The lookup keys' OPRF commitments, by key name in catalogue order.
    pub keys: Vec<LookupKey>,
}

/// The commitment of one lookup key of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookupKey {
    /// The key's name.
    pub name: String,
    /// `k·G`, ristretto255.
    pub commitment: Digest,
    /// The public salt of the bucket hash.
    pub salt: Digest,
    /// Bits of a bucket's number: `2^bits` buckets.
    pub bucket_bits: u8,
    /// Distinct values.
    pub distinct: u64,
}

/// What a warrant allows. The order's text, window and blinded subjects stand
/// in its body `order`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// A salted commitment to the case.
    pub case: Digest,
    /// Templates that may be asked.
    pub templates: BTreeSet<TemplateId>,
    /// Custodians that may be asked.
    pub custodians: BTreeSet<InstitutionId>,
    /// First moment of validity.
    pub not_before_ms: TimeMs,
    /// First moment after validity.
    pub expires_ms: TimeMs,
    /// How many subjects.
    pub subjects: u32,
    /// How many scenes.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub scenes: u32,
    /// Most hops.
    pub hops: u8,
    /// Most rows in an answer.
    pub answer_cap: u32,
    /// Runs that may be made.
    pub runs: u32,
}

/// A question: the plan's digest and scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuestionAsked {
    /// The warrant's record.
    pub warrant: Digest,
    /// The template asked.
    pub template: TemplateId,
    /// The digest of the exact plan.
    pub plan: Digest,
    /// The custodians asked and the snapshots that they answer from.
    pub custodians: Vec<Asked>,
    /// Hops that the plan takes.
    pub hops: u8,
    /// Most rows that the answer may have.
    pub answer_cap: u32,
    /// What a joint question needs beside; none: lookups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joint: Option<Joint>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A custodian of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The custodian.
    pub institution: InstitutionId,
    /// The records of the snapshots that it answers from.
    pub snapshots: Vec<Digest>,
}

/// The OPRF key that a custodian uses for one table's lookup key in one step of
/// one plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyCommitment {
    /// The snapshot's record.
    pub snapshot: Digest,
    /// The lookup key's name.
    pub key: String,
    /// The plan's step: what one step may open, another may not.
    pub step: u8,
    /// `t·k·G`, ristretto255.
    pub commitment: Digest,
}

/// A party's signature under what it saw of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attestation {
    /// The party.
    pub institution: InstitutionId,
    /// The digest of the run's transcript between this party and the requester.
    pub transcript: Digest,
    /// By the party's node key over question and transcript, domain `cordon/attestation/v1`.
    pub signature: Signature,
}

impl Attestation {
    /// The bytes that are signed.
    #[must_use]
    pub fn message(question: &Digest, transcript: &Digest) -> Vec<u8> {
        [question.0, transcript.0].concat()
    }

    /// The signature's domain.
    pub const DOMAIN: &'static str = "cordon/attestation/v1";
}

impl Statement {
    /// The kind's name.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::ChangeProposed { .. } => "change-proposed",
            Self::ChangeVoted { .. } => "change-voted",
            Self::OfficerEnrolled { .. } => "officer-enrolled",
            Self::OfficerRetired { .. } => "officer-retired",
            Self::OfficerProposed { .. } => "officer-proposed",
            Self::OfficerConfirmed { .. } => "officer-confirmed",
            Self::RulesChanged(_) => "rules-changed",
            Self::EquivocationWitnessed { .. } => "equivocation-witnessed",
            Self::DatasetPublished(_) => "dataset-published",
            Self::SnapshotCommitted(_) => "snapshot-committed",
            Self::WarrantDrafted { .. } => "warrant-drafted",
            Self::WarrantIssued { .. } => "warrant-issued",
            Self::WarrantRefused { .. } => "warrant-refused",
            Self::WarrantRevoked {} => "warrant-revoked",
            Self::QuestionAsked(_) => "question-asked",
            Self::Denied { .. } => "denied",
            Self::Approved { .. } => "approved",
            Self::Narrowed { .. } => "narrowed",
            Self::Refused { .. } => "refused",
            Self::InputsCommitted { .. } => "inputs-committed",
            Self::CountOpened { .. } => "count-opened",
            Self::RunCompleted { .. } => "run-completed",
            Self::RunAborted { .. } => "run-aborted",
            Self::AnswerDisclosed { .. } => "answer-disclosed",
            Self::Consulted { .. } => "consulted",
            Self::PassedOn { .. } => "passed-on",
            Self::NoticeGiven { .. } => "notice-given",
            Self::BundleExported { .. } => "bundle-exported",
        }
    }

    /// The labels of the bodies that this kind of record may commit to.
    #[must_use]
    pub fn labels(&self) -> &'static [&'static str] {
        match self {
            Self::WarrantDrafted { .. } => &["subjects"],
            Self::WarrantIssued { .. } => &["order", "subjects", "reason"],
            Self::WarrantRefused { .. }
            | Self::WarrantRevoked {}
            | Self::Denied { .. }
            | Self::Narrowed { .. }
            | Self::Refused { .. }
            | Self::RulesChanged(_)
            | Self::PassedOn { .. }
            | Self::NoticeGiven { .. } => &["reason"],
            Self::QuestionAsked(_) => &["plan"],
            Self::RunAborted { .. } | Self::EquivocationWitnessed { .. } => &["evidence"],
            Self::AnswerDisclosed { .. } => &["answer"],
            _ => &[],
        }
    }

    /// Whether the record belongs to a case's docket and so names a warrant.
    #[must_use]
    pub fn is_of_case(&self) -> bool {
        !matches!(
            self,
            Self::ChangeProposed { .. }
                | Self::ChangeVoted { .. }
                | Self::OfficerEnrolled { .. }
                | Self::OfficerRetired { .. }
                | Self::OfficerProposed { .. }
                | Self::OfficerConfirmed { .. }
                | Self::RulesChanged(_)
                | Self::EquivocationWitnessed { .. }
                | Self::DatasetPublished(_)
                | Self::SnapshotCommitted(_)
        )
    }

    /// The question that the record is about, where it is about one.
    #[must_use]
    pub fn question(&self) -> Option<&Digest> {
        match self {
            Self::Approved { question, .. }
            | Self::Narrowed { question, .. }
            | Self::Refused { question, .. }
            | Self::InputsCommitted { question, .. }
            | Self::CountOpened { question, .. }
            | Self::RunCompleted { question, .. }
            | Self::RunAborted { question, .. }
            | Self::AnswerDisclosed { question, .. }
            | Self::PassedOn { question, .. }
            | Self::BundleExported { question, .. } => Some(question),
            _ => None,
        }
    }
}
