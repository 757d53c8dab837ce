//! What the stream of live events holds, one type an event.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `hello`: the first event of every stream.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct HelloEvent {
    /// The node's clock.
    pub time_ms: u64,
    /// The institution.
    pub institution: String,
    /// Changes when the node was started again.
    pub boot: String,
}

/// `inbox`: how much waits for this institution's officers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InboxEvent {
    /// Drafts that wait for the authority.
    pub drafts: u32,
    /// Questions that wait for the custodian.
    pub questions: u32,
    /// Completed questions whose answer was not opened.
    pub answers: u32,
}

/// `warrant`: a record of a docket is final.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WarrantEvent {
    /// The warrant.
    pub warrant: String,
    /// Its phase.
    pub phase: String,
    /// The record's kind.
    pub kind: String,
    /// The record.
    pub record: String,
    /// Its place in the log.
    pub index: u64,
    /// The time of its block.
    pub time_ms: u64,
    /// Whose statement it is.
    pub institution: String,
    /// The question that it is about.
    pub question: Option<String>,
}

/// `body`: something that this institution may read has arrived.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BodyEvent {
    /// The warrant.
    pub warrant: String,
    /// The record that commits to it.
    pub record: String,
    /// `subjects`, `order`, `plan`, `reason`, `evidence`.
    pub label: String,
}

/// `question`: a question changed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct QuestionEvent {
    /// The warrant.
    pub warrant: String,
    /// The question.
    pub question: String,
    /// Its phase.
    pub phase: String,
    /// The custodians' decisions.
    pub decisions: BTreeMap<String, String>,
    /// Custodians that have committed their inputs.
    pub inputs: Vec<String>,
    /// Whether the answer was opened.
    pub disclosed: bool,
}

/// `run`: how far a run is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RunEvent {
    /// The warrant.
    pub warrant: String,
    /// The question.
    pub question: String,
    /// From 0 to 1.
    pub done: f64,
    /// What it is doing.
    pub doing: String,
    /// The step under way, from 0.
    pub step: u8,
    /// Steps of the plan.
    pub steps: u8,
    /// The custodians.
    pub parties: Vec<RunParty>,
}

/// How far one custodian of a run is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RunParty {
    /// The custodian.
    pub institution: String,
    /// `waiting`, `asking`, `answered` or `signed`.
    pub state: String,
    /// The step under way, from 0.
    pub step: u8,
    /// Selectors of that step that it has answered.
    pub selectors_done: u64,
    /// Selectors of that step.
    pub selectors_total: u64,
    /// Bytes exchanged with it in the run.
    pub bytes: u64,
    /// Why it is waited for.
    pub detail: Option<String>,
}

/// `job`: how far a job is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct JobEvent {
    /// The job.
    pub job: String,
    /// `running`, `done`, `failed` or `cancelled`.
    pub phase: String,
    /// From 0 to 1.
    pub progress: f64,
    /// What it is doing.
    pub doing: String,
    /// Rows accepted.
    pub rows: u64,
}

/// `ledger`: the ledger went on, or its health changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LedgerEvent {
    /// Blocks agreed.
    pub height: u64,
    /// Records on the ledger.
    pub records: u64,
    /// Members heard lately.
    pub heard: u32,
    /// Members.
    pub members: u32,
    /// Members needed to agree.
    pub quorum: u32,
    /// Whether this node is catching up.
    pub syncing: bool,
    /// Whether the ledger can make progress.
    pub healthy: bool,
    /// How long the last record of this node took to become final.
    pub finality_ms: Option<u64>,
}

/// `members`: members, votes on them, or this institution's officers changed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MembersEvent {
    /// The record.
    pub record: String,
    /// Its kind.
    pub kind: String,
}

/// `rules`: the approval rules were changed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RulesEvent {
    /// The record that put the new ones in force.
    pub record: String,
}
