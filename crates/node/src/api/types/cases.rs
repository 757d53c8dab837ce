//! Cases at a glance, drafts and what changed between them, subjects as typed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::SceneView;

/// A warrant and its docket at a glance.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CaseCard {
    /// The warrant's id.
    pub warrant: String,
    /// `drafted`, `not-yet-valid`, `issued`, `expired`, `refused` or `revoked`.
    pub phase: String,
    /// The case's file name: for investigators of the requester and judges of
    /// the authority.
    pub case: Option<String>,
    /// The commitment to the case: the same for all warrants of one case.
    pub case_commitment: String,
    /// Who asked for it.
    pub requester: String,
    /// Who decides.
    pub authority: String,
    /// Templates allowed.
    pub templates: Vec<String>,
    /// Custodians named.
    pub custodians: Vec<String>,
    /// How many subjects.
    pub subjects: u32,
    /// How many scenes.
    pub scenes: u32,
    /// Most hops.
    pub hops: u8,
    /// Most rows in an answer.
    pub answer_cap: u32,
    /// Runs allowed.
    pub runs: u32,
    /// Subjects for whom notice was accounted: told, or withheld with a reason.
    pub noticed: u32,
    /// Runs spent.
    pub spent: u32,
    /// Runs left.
    pub runs_left: u32,
    /// First moment of validity.
    pub not_before_ms: u64,
    /// First moment after validity.
    pub expires_ms: u64,
    /// When it was drafted.
    pub drafted_ms: u64,
    /// The officer who drafted it.
    pub drafted_by: Option<String>,
    /// When it was issued or refused.
    pub decided_ms: Option<u64>,
    /// The officer who decided.
    pub decided_by: Option<String>,
    /// When the docket's last record became final.
    pub last_ms: u64,
    /// That record's kind.
    pub last_kind: String,
    /// Its place in the log.
    pub last_index: u64,
    /// Records of the docket.
    pub records: u32,
    /// Its questions, in the order in which they were asked.
    pub questions: Vec<CaseQuestion>,
    /// What waits for whom.
    pub waits: Vec<Wait>,
}

/// A question at a glance.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CaseQuestion {
    /// Its id.
    pub question: String,
    /// The template.
    pub template: String,
    /// `open`, `running`, `declined`, `completed` or `aborted`.
    pub phase: String,
    /// Hops that its plan takes.
    pub hops: u8,
    /// Most rows.
    pub answer_cap: u32,
    /// When it was asked.
    pub asked_ms: u64,
    /// The officer who asked.
    pub asked_by: String,
    /// The custodians' decisions: `pending`, `approved`, `narrowed` or `refused`.
    pub decisions: BTreeMap<String, String>,
    /// Custodians that have committed their inputs.
    pub inputs: Vec<String>,
    /// Whether the answer was opened.
    pub disclosed: bool,
    /// Whether the evidence was exported.
    pub exported: bool,
    /// Why it was aborted.
    pub cause: Option<String>,
    /// How far the run is, where this node takes part: from 0 to 1.
    pub progress: Option<f64>,
    /// What the run is doing.
    pub doing: Option<String>,
}

/// Something that waits for somebody.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Wait {
    /// `decide-draft`, `ask`, `decide-question`, `run` or `open-answer`.
    pub what: String,
    /// The institution that it waits for.
    pub institution: String,
    /// The duty of the officer that it waits for; absent: the node.
    pub duty: Option<String>,
    /// The question, where it is about one.
    pub question: Option<String>,
    /// Since when.
    pub since_ms: u64,
    /// Whether it waits for the officer who asks.
    pub mine: bool,
}

/// The terms of a warrant, as asked or as granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TermsView {
    /// Templates.
    pub templates: Vec<String>,
    /// Custodians.
    pub custodians: Vec<String>,
    /// How many subjects.
    pub subjects: u32,
    /// How many scenes.
    pub scenes: u32,
    /// Most hops.
    pub hops: u8,
    /// Most rows.
    pub answer_cap: u32,
    /// Runs.
    pub runs: u32,
    /// First moment of validity.
    pub not_before_ms: u64,
    /// First moment after validity.
    pub expires_ms: u64,
}

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldChange {
    /// The field: a name of [`TermsView`], `life_ms`, `basis`, `window_ms`, `reason`.
    pub field: String,
    /// Before.
    pub before: serde_json::Value,
    /// After.
    pub after: serde_json::Value,
}

/// One case in full, without its subjects.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CaseView {
    /// At a glance.
    #[serde(flatten)]
    pub card: CaseCard,
    /// The legal basis, where this institution may read the order.
    pub basis: Option<String>,
    /// The data's window, where this institution may read the order.
    pub window_ms: Option<[u64; 2]>,
    /// What the draft asked for.
    pub asked: TermsView,
    /// What was granted.
    pub granted: Option<TermsView>,
    /// Where the authority granted less than was asked.
    pub narrowed: Vec<FieldChange>,
    /// Bodies that this node holds: `subjects`, `order`.
    pub readable: Vec<String>,
    /// The warrant of the previous draft of the same case by the same requester.
    pub predecessor: Option<String>,
}

/// A draft beside the previous one of the same case.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChangesView {
    /// The warrant.
    pub warrant: String,
    /// The previous draft; absent: this is the case's first here.
    pub previous: Option<PreviousDraft>,
    /// What differs in terms, basis, window and reason.
    pub fields: Vec<FieldChange>,
    /// Whether this node can read both lists of subjects and scenes.
    pub subjects_comparable: bool,
    /// Subjects that the previous draft did not have.
    pub subjects_added: Vec<String>,
    /// Subjects that only the previous draft had.
    pub subjects_removed: Vec<String>,
    /// How many subjects both have.
    pub subjects_kept: u32,
    /// Scenes that the previous draft did not have.
    pub scenes_added: Vec<SceneView>,
    /// Scenes that only the previous draft had.
    pub scenes_removed: Vec<SceneView>,
}

/// A draft that came before.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PreviousDraft {
    /// Its warrant.
    pub warrant: String,
    /// What became of it.
    pub phase: String,
    /// When it was drafted.
    pub drafted_ms: u64,
    /// The officer who drafted it.
    pub drafted_by: Option<String>,
}

/// Subjects as a person typed or pasted them.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckSubjects {
    /// One subject a line.
    pub lines: Vec<String>,
}

/// What each line is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CheckedSubjects {
    /// The lines, in order.
    pub lines: Vec<CheckedLine>,
    /// Lines that name a subject.
    pub ok: u32,
    /// Lines that name none.
    pub invalid: u32,
    /// Lines that name a subject again.
    pub duplicate: u32,
    /// Subjects by semantic type.
    pub kinds: BTreeMap<String, u32>,
    /// Most subjects that a warrant of this network may name.
    pub limit: u32,
}

/// What one line is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CheckedLine {
    /// Its number, from 1.
    pub line: u32,
    /// `ok`, `empty`, `duplicate` or `invalid`.
    pub state: String,
    /// The subject in its canonical form with its type before it.
    pub selector: Option<String>,
    /// The semantic type.
    pub semantic: Option<String>,
    /// The canonical value.
    pub value: Option<String>,
    /// The line that named the same subject first.
    pub duplicate_of: Option<u32>,
    /// The reason's stable name.
    pub reason: Option<String>,
    /// The reason in words.
    pub text_en: Option<String>,
    /// The same in Chinese.
    pub text_zh: Option<String>,
}
