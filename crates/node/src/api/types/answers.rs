//! An answer, where it comes from, by whose order, and who has seen it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An opened answer.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AnswerView {
    /// The question.
    pub question: String,
    /// The template.
    pub template: String,
    /// A table a step.
    pub tables: Vec<AnswerTableView>,
    /// Selectors evaluated in each step.
    pub evaluated: Vec<u32>,
    /// Bytes exchanged with custodians during the run.
    pub bytes: u64,
    /// Rounds of the run.
    pub rounds: u32,
}

/// The rows of one step.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AnswerTableView {
    /// The step's place in the plan.
    pub step: u8,
    /// The kind of table.
    pub table: String,
    /// The columns.
    pub columns: Vec<String>,
    /// The columns' semantic types.
    #[serde(default)]
    pub semantics: Vec<String>,
    /// The rows: values in the columns' order.
    pub rows: Vec<Vec<serde_json::Value>>,
    /// Where each row comes from: `institution/snapshot record`.
    pub origins: Vec<Vec<String>>,
}

/// A record, as a place in the chain.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EventView {
    /// The record.
    pub record: String,
    /// Its place in the log.
    pub index: u64,
    /// The time of its block.
    pub time_ms: u64,
    /// Whose statement it is.
    pub institution: String,
    /// The officer; absent: the node.
    pub officer: Option<String>,
}

/// Where an answer comes from.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProvenanceView {
    /// The question.
    pub question: String,
    /// The warrant.
    pub warrant: String,
    /// The template.
    pub template: String,
    /// The plan's digest.
    pub plan: String,
    /// The question's record.
    pub asked: EventView,
    /// The draft's record.
    pub drafted: EventView,
    /// The order's record.
    pub order: OrderView,
    /// How each table of the answer was computed.
    pub steps: Vec<StepProvenance>,
    /// The tables that rows come from.
    pub sources: Vec<SourceView>,
    /// Who approved.
    pub approvals: Vec<ApprovalView>,
    /// The run that gave it.
    pub run: Option<RunView>,
    /// Who opened it.
    pub disclosed: Vec<EventView>,
    /// Who read it.
    pub seen: Vec<SeenView>,
    /// Exports of its evidence.
    pub exported: Vec<EventView>,
    /// Copies that left in a form that proves nothing by itself.
    pub passed_on: Vec<EventView>,
}

/// An order, as a place in the chain.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OrderView {
    /// Its record.
    pub event: EventView,
    /// The legal basis, where this institution may read it.
    pub basis: Option<String>,
    /// The data's window, where this institution may read it.
    pub window_ms: Option<[u64; 2]>,
}

/// How one table of an answer was computed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StepProvenance {
    /// The step's place in the plan.
    pub step: u8,
    /// What it looked up.
    pub text_en: String,
    /// The same in Chinese.
    pub text_zh: String,
    /// How.
    pub computed_en: String,
    /// The same in Chinese.
    pub computed_zh: String,
    /// Selectors evaluated.
    pub evaluated: Option<u32>,
}

/// A table that rows come from.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SourceView {
    /// `institution/snapshot record`, as an answer's `origins` write it.
    pub origin: String,
    /// The custodian.
    pub institution: String,
    /// The name that people read.
    pub name: String,
    /// The table's name there.
    pub dataset: String,
    /// Its kind.
    pub table: String,
    /// The snapshot's record.
    pub snapshot: String,
    /// The root over its rows.
    pub root: String,
    /// Its rows.
    pub rows: u64,
    /// Rows that it rejected.
    pub rejected: u64,
    /// When they were read.
    pub extracted_ms: u64,
    /// How they were read.
    pub method: String,
    /// The record that published the table.
    pub published: Option<EventView>,
    /// The record that committed to the snapshot.
    pub committed: Option<EventView>,
}

/// A custodian's approval.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ApprovalView {
    /// The custodian.
    pub institution: String,
    /// The rule that approved; absent: by hand.
    pub by_rule: Option<String>,
    /// The record.
    pub event: EventView,
}

/// A completed run.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RunView {
    /// The record.
    pub event: EventView,
    /// The custodians that signed what they saw.
    pub attestations: Vec<String>,
    /// Selectors evaluated in each step.
    pub evaluated: Vec<u32>,
    /// Bytes exchanged, at the requester.
    pub bytes: Option<u64>,
    /// Rounds, at the requester.
    pub rounds: Option<u32>,
}

/// Somebody read something.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SeenView {
    /// The record.
    pub event: EventView,
    /// Who read.
    pub reader: String,
    /// What: `answer`, `export-csv`, `provenance` …
    pub what: String,
}
