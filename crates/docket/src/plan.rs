//! The plan: the exact program that every party of a question runs, and the
//! answer that it yields.
//!
//! A plan is a list of steps. A step looks selectors up in every table of one
//! kind, at every custodian of the plan; the rows that it opens may derive the
//! selectors of later steps. What runs is what was approved: the ledger holds
//! the plan's digest, and a custodian follows its own copy.

use std::collections::BTreeMap;

use primitives::{Digest, InstitutionId, TemplateId, WarrantId, cbor, semantic::Semantic};
use serde::{Deserialize, Serialize};

use crate::{
    body::{Body, Scene, Window},
    joint::Field,
    rule::{Refusal, Rule, ensure},
};

/// The exact program of a question (body label `plan`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The warrant that it runs under.
    pub warrant: WarrantId,
    /// The template that it was compiled from.
    pub template: TemplateId,
    /// The template's parameters, as asked.
    pub parameters: Parameters,
    /// Who asks and opens.
    pub requester: InstitutionId,
    /// Who answers, sorted by institution.
    pub custodians: Vec<PlanCustodian>,
    /// The time that rows may come from.
    pub window: Window,
    /// Hops taken.
    pub hops: u8,
    /// Most rows in the answer.
    pub answer_cap: u32,
    /// Fewest keys in a bucket: the anonymity set.
    pub bucket_keys: u32,
    /// Most selectors that one step may evaluate at one custodian.
    pub selectors_max: u32,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// What each side learns beyond the answer, as stable codes.
    pub leaks: Vec<Leak>,
    /// The program of a joint question, which has no steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joint: Option<JointPlan>,
    /// The lookups' transcripts hold roots over what the custodians sent, so that every
    /// row of the answer can be opened again from what they signed. Not so in plans of
    /// before 2026-11-27, nor in joint ones.
    #[serde(default, skip_serializing_if = "is_false")]
    pub rooted: bool,
}

/// The program of a joint question: who computes, over which tables, what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JointPlan {
    /// The three that compute, in their order.
    pub computing: Vec<InstitutionId>,
    /// The scenes of the order.
    pub scenes: Vec<Scene>,
    /// The tables that are shared, in the program's order, then by owner.
    pub inputs: Vec<JointInput>,
    /// The count alone is asked for.
    pub count_only: bool,
    /// Every number that the program takes, by name: those asked for and the
    /// defaults.
    pub terms: BTreeMap<String, i64>,
    /// The fields of an answer's row.
    pub fields: Vec<Field>,
    /// How it is computed.
    #[serde(default, skip_serializing_if = "Method::is_shares")]
    pub method: Method,
}

/// How the three of a joint question compute it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Every owner splits its tables, and the three compute over the shares.
    #[default]
    Shares,
    /// The first two compare the sets that they hold, and the third, the authority,
    /// counts what they have in common ([`crate::joint::sets`]).
    Sets,
}

impl Method {
    fn is_shares(&self) -> bool {
        *self == Self::Shares
    }
}

/// A table that one owner shares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JointInput {
    /// Which table of the program.
    pub table: String,
    /// Who shares it.
    pub owner: InstitutionId,
    /// The records of the snapshots that it is selected from; none: the warrant's
    /// subjects.
    pub snapshots: Vec<Digest>,
}

impl Body for Plan {
    const LABEL: &'static str = "plan";

    fn check(&self) -> Result<(), Refusal> {
        let Some(joint) = &self.joint else {
            return Ok(());
        };
        ensure(self.steps.is_empty(), Rule::Joint, || {
            "a joint question has a program and no steps".into()
        })?;
        joint.check()?;
        let most = joint.rows_max();
        ensure(self.answer_cap as usize <= most, Rule::Limit, || {
            format!("an answer holds at most {most} rows of these fields")
        })
    }
}

impl Plan {
    /// The plan's name on the ledger.
    ///
    /// # Errors
    /// A refusal where the plan can't be encoded.
    pub fn digest(&self) -> Result<Digest, Refusal> {
        let bytes =
            cbor::encode(self).map_err(|error| Refusal::new(Rule::Format, error.to_string()))?;
        Ok(Digest::of("cordon/plan/v1", &[&bytes]))
    }

    /// The custodian's part of the plan.
    #[must_use]
    pub fn custodian(&self, institution: &InstitutionId) -> Option<&PlanCustodian> {
        self.custodians
            .iter()
            .find(|custodian| custodian.institution == *institution)
    }
}

/// Parameters of the templates; a template ignores none that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Parameters {
    /// Least amount of a transfer, in the currency's smallest unit (fen).
    pub min_amount_minor: Option<i64>,
    /// Longest time between an incoming and an outgoing transfer.
    pub within_ms: Option<u64>,
    /// Hops asked for.
    pub hops: Option<u8>,
    /// What a joint question takes beside, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub joint: BTreeMap<String, i64>,
    /// The count alone is asked for.
    #[serde(skip_serializing_if = "is_false")]
    pub count_only: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// A custodian of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanCustodian {
    /// The custodian.
    pub institution: InstitutionId,
    /// The tables that it answers from.
    pub tables: Vec<PlanTable>,
}

/// A table of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanTable {
    /// The table's kind.
    pub table: String,
    /// The table's name at its custodian.
    pub dataset: String,
    /// The record of the snapshot.
    pub snapshot: Digest,
    /// The lookup keys that the plan's steps use, sorted.
    pub keys: Vec<String>,
}

/// One lookup in every table of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The kind of table.
    pub table: String,
    /// The lookup key.
    pub key: String,
    /// Where the selectors come from.
    pub sources: Vec<Source>,
    /// The hop that this step belongs to, from 1.
    pub hop: u8,
    /// Only rows of at least this amount.
    pub min_amount_minor: Option<i64>,
    /// The columns that open.
    pub columns: Vec<String>,
    /// The selectors that opened rows derive.
    pub derive: Vec<Derive>,
}

/// Where a step's selectors come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The warrant's subjects of this type.
    Subjects(Semantic),
    /// What an earlier step's rows derived, by its place in the plan.
    Step(u8),
}

/// A rule that derives selectors from a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Derive {
    /// The column that holds the value.
    pub column: String,
    /// Its semantic type.
    pub semantic: Semantic,
    /// Where set, the selector is a pair of the value and a day: every day
    /// from the time in `at_column` to `within_ms` later.
    pub days: Option<Days>,
}

/// The days that a derived selector is valid for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Days {
    /// The column that holds the time.
    pub at_column: String,
    /// How long after it.
    pub within_ms: u64,
}

/// What a party learns beyond the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Leak {
    /// Custodians learn how many selectors each step looks up.
    SelectorCount,
    /// Custodians learn which buckets of at least `bucket_keys` keys are read.
    Buckets,
    /// The requester learns the size class of the buckets that it reads.
    BucketSize,
    /// Custodians learn which peer vouched for how many derived selectors.
    VoucherCount,
    /// The requester sees all rows of a derived account on the days that the
    /// time rule touches, not only after the minute of the incoming transfer.
    DayGranularity,
    /// The three that compute, and whoever reads the ledger, learn each shared
    /// table's size class.
    TableSize,
    /// Whoever reads the ledger learns how many rows the question found.
    Count,
}

/// A value of a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// No value.
    Null,
    /// A whole number: a count, money in fen, a time in milliseconds.
    Int(i64),
    /// A text.
    Text(String),
}

/// What the requester learned (body label `answer`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The question's record.
    pub question: Digest,
    /// The template asked.
    pub template: TemplateId,
    /// The rows, a table a step; of a joint question one table, whose rows come from
    /// all the plan's tables together and name no origin.
    pub tables: Vec<AnswerTable>,
    /// Of a joint question: what the rows were put together from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joint: Option<JointProof>,
}

/// What the three that computed gave the requester: the answer's rows can be put
/// together from it again, and each has signed its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JointProof {
    /// Each one's part of the answer, in the plan's order.
    pub parts: Vec<Part>,
}

/// One party's part of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The digest of all frames that it exchanged with the other two.
    pub frames: Digest,
    /// What it signed: its components of the answer's words, as
    /// `docs/formats/mpc-joint.md` has them; of sets what [`crate::joint::sets`] says.
    #[serde(with = "crate::body::bytes")]
    pub part: Vec<u8>,
    /// Of a set's holder: the entries of its list that the answer's rows came from,
    /// one a row, in the rows' order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opened: Vec<Opening>,
}

/// An entry of a holder's list, and its place under the root that the holder signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// Its number in the list, from 0.
    pub number: u32,
    /// The entry.
    #[serde(with = "crate::body::bytes")]
    pub entry: Vec<u8>,
    /// Its inclusion path (RFC 9162) in the tree over the list.
    pub path: Vec<Digest>,
}

impl Body for Answer {
    const LABEL: &'static str = "answer";
}

impl Answer {
    /// Rows in all tables.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.tables.iter().map(|table| table.rows.len()).sum()
    }
}

/// The rows that one step opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerTable {
    /// The step's place in the plan.
    pub step: u8,
    /// The kind of table.
    pub table: String,
    /// The columns, in order.
    pub columns: Vec<String>,
    /// The rows, sorted and without repeats.
    pub rows: Vec<AnswerRow>,
}

/// A row with its origin.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerRow {
    /// The values, in the order of the table's columns.
    pub cells: Vec<Cell>,
    /// Where the row comes from: every custodian that holds it, and the
    /// record of the snapshot that it was read from.
    pub origins: Vec<Origin>,
}

/// Where a row comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The custodian.
    pub institution: InstitutionId,
    /// The snapshot's record.
    pub snapshot: Digest,
}
