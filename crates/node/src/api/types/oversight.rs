//! What an overseer reads: dockets, records, statistics, alarms, bundles.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{CaseCard, RecordView};

/// What is searched for. Everything given must hold; lists are separated by commas.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct Search {
    /// Words of the timeline in either language, the beginning of an id (six hex
    /// digits or more), an institution's or an officer's name; all words must be found.
    pub q: Option<String>,
    /// Whose record it is, or whose docket: requester, authority or custodian.
    pub institution: Option<String>,
    /// The template of a question.
    pub template: Option<String>,
    /// Kinds of records.
    pub kind: Option<String>,
    /// Phases of warrants.
    pub phase: Option<String>,
    /// One warrant.
    pub warrant: Option<String>,
    /// One officer.
    pub officer: Option<String>,
    /// First millisecond.
    pub from_ms: Option<u64>,
    /// First millisecond after.
    pub to_ms: Option<u64>,
    /// How many to leave out.
    pub offset: Option<u32>,
    /// How many to give: 50 unless said, at most 200.
    pub limit: Option<u32>,
}

/// Dockets that were found.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FoundDockets {
    /// How many there are.
    pub total: u32,
    /// The ones asked for, those with the newest activity first.
    pub dockets: Vec<DocketSummary>,
}

/// A docket at a glance.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DocketSummary {
    /// The case.
    #[serde(flatten)]
    pub card: CaseCard,
    /// Denials by rule.
    pub denied: u32,
    /// Refusals by custodians or the authority, and demands for less.
    pub refused: u32,
    /// Runs that ended without an answer.
    pub aborted: u32,
    /// Readings.
    pub consulted: u32,
    /// Records that match the search.
    pub matched: u32,
}

/// Records that were found.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FoundRecords {
    /// How many there are.
    pub total: u32,
    /// The ones asked for, the newest first.
    pub records: Vec<FoundRecord>,
}

/// A record that was found.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FoundRecord {
    /// The record.
    #[serde(flatten)]
    pub record: RecordView,
    /// Its docket.
    pub warrant: Option<String>,
}

/// The times that statistics are about.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct Period {
    /// First millisecond.
    pub from_ms: Option<u64>,
    /// First millisecond after.
    pub to_ms: Option<u64>,
}

/// Counts of questions by what became of them. A question counts where and when
/// it was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tally {
    /// Questions asked.
    pub asked: u32,
    /// Whose run completed.
    pub answered: u32,
    /// That a custodian refused or would have narrower.
    pub declined: u32,
    /// Whose run was aborted.
    pub aborted: u32,
    /// That wait or run.
    pub open: u32,
    /// Acts denied by rule.
    pub denied: u32,
    /// Runs spent.
    pub runs: u32,
    /// Rows opened.
    pub rows: u64,
}

/// Statistics over all dockets.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Statistics {
    /// First millisecond.
    pub from_ms: Option<u64>,
    /// First millisecond after.
    pub to_ms: Option<u64>,
    /// All together.
    pub totals: Tally,
    /// By template.
    pub by_template: Vec<TemplateTally>,
    /// By institution: a requester's own questions, a custodian's asked ones.
    pub by_institution: Vec<InstitutionTally>,
    /// By month (UTC).
    pub by_month: Vec<MonthTally>,
    /// Warrants.
    pub warrants: WarrantTally,
}

/// Statistics of a template.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TemplateTally {
    /// The template; empty: denials of acts that named none.
    pub template: String,
    /// The counts.
    #[serde(flatten)]
    pub tally: Tally,
}

/// Statistics of an institution.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct InstitutionTally {
    /// The institution.
    pub institution: String,
    /// The counts.
    #[serde(flatten)]
    pub tally: Tally,
    /// Plans that it approved by hand, as a custodian.
    pub approved: u32,
    /// Plans that its rules approved.
    pub approved_by_rule: u32,
    /// Plans that it would have narrower.
    pub narrowed: u32,
    /// Plans that it refused.
    pub refused: u32,
    /// Runs that blame it.
    pub blamed: u32,
    /// The median time from a question to its decision.
    pub decision_ms_median: Option<u64>,
}

/// Statistics of a month.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MonthTally {
    /// `2026-11`.
    pub month: String,
    /// The counts.
    #[serde(flatten)]
    pub tally: Tally,
}

/// Counts of warrants that were drafted in the time, by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WarrantTally {
    /// Drafted.
    pub drafted: u32,
    /// Of these, issued.
    pub issued: u32,
    /// Of these, with less than was asked.
    pub narrowed: u32,
    /// Of the drafted, refused.
    pub refused: u32,
    /// Of the issued, withdrawn.
    pub revoked: u32,
    /// Of the issued, at their end.
    pub expired: u32,
    /// Undecided.
    pub waiting: u32,
}

/// Something that an overseer should look at.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Alarm {
    /// `budget`, `repeated`, `denials`, `fault`, `late`, `equivocation`, `stalled`
    /// or `behind`.
    pub alarm: String,
    /// `info`, `warning` or `critical`.
    pub severity: String,
    /// The warrant, where it is about one.
    pub warrant: Option<String>,
    /// The question, where it is about one.
    pub question: Option<String>,
    /// The institution, where it is about one.
    pub institution: Option<String>,
    /// Since when.
    pub since_ms: u64,
    /// The records that show it.
    pub records: Vec<String>,
    /// In a sentence.
    pub text_en: String,
    /// The same in Chinese.
    pub text_zh: String,
}

/// What checking a bundle gave.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BundleCheck {
    /// Whether it is whole and true to the ledger.
    pub valid: bool,
    /// The network that it was checked against.
    pub network: String,
    /// What is wrong, and where; empty if nothing.
    pub findings: Vec<FindingView>,
    /// What it shows, if nothing is wrong.
    pub case: Option<BundleCase>,
}

/// One thing that is wrong with a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FindingView {
    /// The file; `(archive)`: the archive itself.
    pub file: String,
    /// The rule's stable name.
    pub rule: String,
    /// In a sentence.
    pub text_en: String,
    /// The same in Chinese: what kind of file it is and which rule it breaks.
    pub text_zh: String,
}

/// What a bundle shows; no subject and no row.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BundleCase {
    /// The network's name.
    pub network_name: String,
    /// The question.
    pub question: String,
    /// The warrant.
    pub warrant: String,
    /// The template.
    pub template: String,
    /// Who asked.
    pub requester: String,
    /// Who ordered.
    pub authority: String,
    /// The legal basis.
    pub basis: Option<String>,
    /// The data's window.
    pub window_ms: [u64; 2],
    /// Rows of the answer.
    pub rows: u32,
    /// From how many lookups, as their custodians signed them, the rows were opened
    /// again; absent of a joint question, and of plans of before 2026-11-27.
    pub lookups: Option<u32>,
    /// Records in the bundle.
    pub records: u32,
    /// Records that its newest checkpoint covers.
    pub log_size: u64,
    /// When the answer was opened.
    pub disclosed_ms: u64,
    /// When the bundle was made.
    pub exported_ms: u64,
    /// The tables that were asked.
    pub sources: Vec<BundleSource>,
    /// Who approved.
    pub approvals: Vec<BundleApproval>,
}

/// A table that a bundle's question asked.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BundleSource {
    /// The custodian.
    pub institution: String,
    /// The table's name there.
    pub dataset: String,
    /// The snapshot's record.
    pub snapshot: String,
    /// When its rows were read.
    pub extracted_ms: u64,
}

/// An approval that a bundle shows.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BundleApproval {
    /// The custodian.
    pub institution: String,
    /// The officer; absent: the node.
    pub officer: Option<String>,
    /// The rule that approved; absent: by hand.
    pub by_rule: Option<String>,
    /// When.
    pub time_ms: u64,
}
