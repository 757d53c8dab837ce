//! A custodian's approval rules, tables and snapshots.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::RejectedView;

/// A rule under which the node approves a question without an officer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleView {
    /// The rule's name; it stands in the approval's record.
    pub name: String,
    /// The template.
    pub template: String,
    /// Most rows.
    pub answer_cap: u32,
    /// Most hops.
    pub hops: u8,
    /// Most subjects on the warrant.
    pub subjects: u32,
    /// The members that may be among the three that compute a joint question; none:
    /// joint questions are decided by hand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub computing: Vec<String>,
}

/// The standing rules.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RulesView {
    /// The record that put them in force; null: none ever were.
    pub record: Option<String>,
    /// The rules; a template without one is decided by hand.
    pub rules: Vec<RuleView>,
    /// The changes, newest first, at most 100.
    pub history: Vec<RulesChange>,
}

/// One change of the rules.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RulesChange {
    /// Its record.
    pub record: String,
    /// When.
    pub changed_ms: u64,
    /// The officer.
    pub changed_by: Option<String>,
    /// Why, once its body is here.
    pub reason: Option<String>,
    /// The rules from then on.
    pub rules: Vec<RuleView>,
}

/// A column as the catalogue shows it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ColumnView {
    /// Its name.
    pub name: String,
    /// Its semantic type.
    pub semantic: String,
    /// Its disclosure rule.
    pub disclosure: String,
}

/// A table that this institution published.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DatasetView {
    /// Its name.
    pub dataset: String,
    /// Its kind.
    pub table: String,
    /// The record that published it.
    pub record: String,
    /// When.
    pub published_ms: u64,
    /// Whether a later record published a table of the same name.
    pub replaced: bool,
    /// Its columns.
    pub columns: Vec<ColumnView>,
    /// Its lookup keys.
    pub keys: Vec<String>,
    /// Where its rows are; never with a password.
    pub source: Option<SourcePlace>,
    /// Its snapshots, newest first.
    pub snapshots: Vec<SnapshotView>,
}

/// Where a table's rows are.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SourcePlace {
    /// `csv`, `parquet` or `postgres`.
    pub method: String,
    /// The file's path, or the database's table.
    pub place: String,
}

/// A table's committed state at a time.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SnapshotView {
    /// Its record.
    pub record: String,
    /// The record's place in the log.
    pub index: u64,
    /// When the record became final.
    pub committed_ms: u64,
    /// When the rows were read.
    pub extracted_ms: u64,
    /// Rows accepted.
    pub rows: u64,
    /// Rows rejected.
    pub rejected: u64,
    /// How the rows were read.
    pub method: String,
    /// The root over the rows.
    pub root: String,
    /// Its lookup keys.
    pub keys: Vec<SnapshotKeyView>,
    /// Whether questions asked now are answered from it.
    pub latest: bool,
    /// Whether its files are on this node.
    pub kept: bool,
}

/// A lookup key of a snapshot.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SnapshotKeyView {
    /// Its name.
    pub name: String,
    /// Distinct values.
    pub distinct: u64,
    /// Buckets that they lie in.
    pub buckets: u64,
}

/// A snapshot with what it rejected.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SnapshotDetail {
    /// The snapshot.
    #[serde(flatten)]
    pub snapshot: SnapshotView,
    /// Its table's columns.
    pub columns: Vec<ColumnView>,
    /// Bytes on disk.
    pub bytes: u64,
    /// Rejected rows that are listed, counted by column and reason.
    pub by_reason: Vec<RejectedCount>,
    /// The first rejected rows, at most 1000; never a value.
    pub rejected_rows: Vec<RejectedView>,
}

/// Rejected rows of one column and reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RejectedCount {
    /// The column; empty: the row as a whole.
    pub column: String,
    /// Why.
    pub reason: String,
    /// How many of those listed.
    pub rows: u64,
}

/// A source as it would be published, for a person to look over.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DatasetPreview {
    /// The table's name.
    pub dataset: String,
    /// Its kind.
    pub table: String,
    /// The specification as TOML: what `POST /v1/datasets` takes as `spec`.
    pub spec: String,
    /// The columns, as guessed or given.
    pub columns: Vec<PreviewColumn>,
    /// The lookup keys.
    pub keys: Vec<PreviewKey>,
    /// Rows looked at.
    pub sampled: u64,
    /// Templates that could read the table.
    pub templates: Vec<String>,
    /// The semantic types that a column can have.
    pub semantics: Vec<String>,
    /// The disclosure rules that a column can have.
    pub disclosures: Vec<String>,
}

/// A column of a preview: counts, never a value.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PreviewColumn {
    /// The name in questions.
    pub name: String,
    /// The name in the source.
    pub source_name: String,
    /// The semantic type.
    pub semantic: String,
    /// The disclosure rule.
    pub disclosure: String,
    /// Whether a row without a value here is rejected.
    pub required: bool,
    /// Rows looked at that have a value here.
    pub filled: u64,
    /// Values that are of the type.
    pub fit: u64,
}

/// A lookup key of a preview.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PreviewKey {
    /// The key's name.
    pub name: String,
    /// The columns whose values find a row.
    pub columns: Vec<String>,
    /// The column whose day is part of it.
    pub period: Option<String>,
}
