//! What the HTTP API takes and gives: shared by the node, the commands and the
//! generated OpenAPI document.
//!
//! Digests, keys and ids are lower-case hex; times are milliseconds since 1970
//! (UTC); money is in fen.

use std::collections::BTreeMap;

use docket::charter::Card;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

mod acts;
mod answers;
mod asking;
mod cases;
mod custody;
mod engine;
mod events;
mod oversight;

pub use acts::*;
pub use answers::*;
pub use asking::*;
pub use cases::*;
pub use custody::*;
pub use engine::*;
pub use events::*;
pub use oversight::*;

/// What a member's node says of itself and of the network.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NodeStatus {
    /// The institution.
    pub institution: String,
    /// The network's id.
    pub network: String,
    /// The software's version.
    pub version: String,
    /// Blocks agreed.
    pub height: u64,
    /// Records on the ledger.
    pub records: u64,
    /// The log's root.
    pub root: String,
    /// The membership's epoch.
    pub epoch: u64,
    /// Members of the network.
    pub members: usize,
    /// Members needed to agree.
    pub quorum: usize,
    /// Members heard lately, this one included.
    pub heard: usize,
    /// Whether this node is catching up.
    pub syncing: bool,
    /// Whether the ledger can make progress.
    pub healthy: bool,
    /// Why not, in plain words.
    pub advice: Option<String>,
}

/// A member of the network.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MemberView {
    /// The member's short name.
    pub institution: String,
    /// The name that people read.
    pub name: String,
    /// Its roles.
    pub roles: Vec<String>,
    /// Its node's key.
    pub node_key: String,
    /// Its officers: handle, key and duties.
    pub officers: Vec<OfficerView>,
}

/// An officer of a member.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OfficerView {
    /// The officer's handle.
    pub officer: String,
    /// The officer's key, 64 hex digits; or `passkey:` and 64 hex digits.
    pub key: String,
    /// What kind of credential: `key` or `passkey`.
    #[serde(default)]
    pub kind: String,
    /// The officer's duties.
    pub duties: Vec<String>,
}

/// A table of the catalogue.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TableView {
    /// Its custodian.
    pub institution: String,
    /// Its name there.
    pub dataset: String,
    /// Its kind.
    pub table: String,
    /// Its columns: name, semantic type, disclosure rule.
    pub columns: Vec<[String; 3]>,
    /// Its lookup keys.
    pub keys: Vec<String>,
    /// The latest snapshot's record.
    pub snapshot: Option<String>,
    /// Rows of that snapshot.
    pub rows: Option<u64>,
    /// Rows that it rejected.
    pub rejected: Option<u64>,
    /// When they were read.
    pub extracted_ms: Option<u64>,
}

/// A warrant, as far as this institution may see it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WarrantView {
    /// Its id.
    pub warrant: String,
    /// `drafted`, `issued`, `refused`, `revoked`, `expired` or `not-yet-valid`.
    pub phase: String,
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
    #[serde(default)]
    pub scenes: u32,
    /// Most hops.
    pub hops: u8,
    /// Most rows.
    pub answer_cap: u32,
    /// Runs allowed.
    pub runs: u32,
    /// Runs spent.
    pub spent: u32,
    /// First moment of validity.
    pub not_before_ms: u64,
    /// First moment after validity.
    pub expires_ms: u64,
    /// The legal basis, where this institution may read the order.
    pub basis: Option<String>,
    /// The data's window, where this institution may read the order.
    pub window_ms: Option<[u64; 2]>,
    /// The case and its subjects, where this institution may read them.
    pub subject_list: Option<SubjectsView>,
    /// Whether they may be read here and are still on their way: ask again shortly.
    #[serde(default)]
    pub subjects_coming: bool,
    /// Its questions.
    pub questions: Vec<QuestionView>,
}

/// A warrant's subjects: for requester and authority alone.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SubjectsView {
    /// The case.
    pub case: String,
    /// Why.
    pub reason: String,
    /// The subjects.
    pub subjects: Vec<String>,
    /// The scenes.
    #[serde(default)]
    pub scenes: Vec<SceneView>,
}

/// A question, as far as this institution may see it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct QuestionView {
    /// Its id: the digest of its record.
    pub question: String,
    /// The warrant.
    pub warrant: String,
    /// The template.
    pub template: String,
    /// `open`, `running`, `declined`, `completed`, `aborted`, or of a joint question
    /// that ended with its count `counted`.
    pub phase: String,
    /// The custodians' decisions: `pending`, `approved`, `narrowed` or `refused`.
    pub decisions: BTreeMap<String, String>,
    /// Custodians that have committed their inputs.
    pub inputs: Vec<String>,
    /// Whether the answer was opened.
    pub disclosed: bool,
    /// The plan in plain words, where this institution may read it.
    pub plan_en: Vec<String>,
    /// The same in Chinese.
    pub plan_zh: Vec<String>,
    /// How far the run is, where this node takes part: from 0 to 1.
    pub progress: Option<f64>,
    /// What the run is doing.
    pub doing: Option<String>,
    /// How far each custodian of the run is, where this node takes part.
    #[serde(default)]
    pub parties: Vec<RunParty>,
    /// Why it was aborted.
    pub cause: Option<String>,
    /// Of a joint question: what was counted, once it was.
    #[serde(default)]
    pub count: Option<CountView>,
}

/// What a joint question found, before any of it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CountView {
    /// Rows.
    pub rows: u64,
    /// Groups withheld because too few persons are in them.
    pub withheld: u64,
}

/// A docket's timeline.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DocketView {
    /// The warrant.
    pub warrant: String,
    /// Its records in the log's order.
    pub records: Vec<RecordView>,
}

/// A record of a timeline.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RecordView {
    /// Its place in the log.
    pub index: u64,
    /// The time of its block.
    pub time_ms: u64,
    /// The digest.
    pub record: String,
    /// The kind.
    pub kind: String,
    /// Whose statement it is.
    pub institution: String,
    /// The officer; absent: the node.
    pub officer: Option<String>,
    /// With what it is signed: `key` or `passkey`.
    #[serde(default)]
    pub signed_with: String,
    /// What it says, in plain words.
    pub text_en: String,
    /// The same in Chinese.
    pub text_zh: String,
    /// The records that it follows from.
    pub follows: Vec<String>,
    /// The question that it is about.
    #[serde(default)]
    pub question: Option<String>,
    /// The rule that approved or denied.
    #[serde(default)]
    pub rule: Option<String>,
    /// Why, in the officer's own words, where this institution may read it.
    #[serde(default)]
    pub reason: Option<String>,
    /// Who may read its bodies.
    #[serde(default)]
    pub readers: Vec<String>,
}

/// What waits for this institution's officers.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Inbox {
    /// Drafts that wait for the authority.
    pub drafts: Vec<WarrantView>,
    /// Questions that wait for the custodian.
    pub questions: Vec<QuestionView>,
    /// Completed questions whose answer was not opened.
    pub answers: Vec<QuestionView>,
}

/// A long piece of work at the node.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct JobView {
    /// Its id.
    pub job: String,
    /// The table that it is about.
    #[serde(default)]
    pub dataset: Option<String>,
    /// When it began.
    #[serde(default)]
    pub started_ms: u64,
    /// `running`, `done`, `failed` or `cancelled`.
    pub phase: String,
    /// From 0 to 1.
    pub progress: f64,
    /// What it is doing.
    pub doing: String,
    /// What it made: a record, once it is done.
    pub record: Option<Recorded>,
    /// Rows rejected, with reason, at most 100.
    pub rejected: Vec<RejectedView>,
    /// How many were rejected in all.
    pub rejected_total: u64,
    /// Rows accepted.
    pub rows: u64,
    /// Why it failed.
    pub error: Option<ApiError>,
}

/// A rejected row.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RejectedView {
    /// The row's number in its source, from 1.
    pub row: u64,
    /// The column.
    pub column: String,
    /// Why; never the value.
    pub reason: String,
}

/// An operator's request to publish a table.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Publish {
    /// The table's name at this institution.
    pub dataset: String,
    /// Path of a CSV or Parquet file on the node's machine, or a `postgres://` URL.
    pub source: String,
    /// The table in the database, for PostgreSQL.
    pub source_table: Option<String>,
    /// The kind of table; absent: guessed from the columns.
    pub table: Option<String>,
    /// The whole specification as TOML, instead of a guess.
    pub spec: Option<String>,
}

/// A change of membership that a member proposes or votes on.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", tag = "change", deny_unknown_fields)]
pub enum Membership {
    /// Propose to admit the institution of this signed card.
    Admit {
        /// The card, as `cordon init` wrote it.
        #[schema(value_type = serde_json::Value)]
        card: Box<Card>,
    },
    /// Propose new keys or addresses for a member, by its new signed card.
    Replace {
        /// The card.
        #[schema(value_type = serde_json::Value)]
        card: Box<Card>,
    },
    /// Propose that a member leaves.
    Remove {
        /// The member.
        institution: String,
    },
    /// Vote on a proposal.
    Vote {
        /// The proposal's record.
        proposal: String,
        /// For it?
        yes: bool,
    },
}

/// Why a request was not carried out.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ApiError {
    /// `refusal`, `fault` or `trouble`.
    pub family: String,
    /// The rule's or trouble's stable name.
    pub rule: String,
    /// What happened, in plain words.
    pub detail: String,
    /// What to do about it.
    pub advice: Option<String>,
    /// Whether the same request may succeed later.
    pub retry: bool,
    /// The record of the denial, where one was made.
    pub record: Option<String>,
}

/// A change of membership under vote.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProposalView {
    /// The proposal's record.
    pub proposal: String,
    /// `admit`, `replace` or `remove`.
    pub change: String,
    /// Whom it would change.
    pub institution: String,
    /// The card to admit or to put in place, as `card.json` holds it: compare its key
    /// with the institution before you vote.
    pub card: Option<serde_json::Value>,
    /// Who proposed it.
    pub proposed_by: String,
    /// When.
    pub time_ms: u64,
    /// What it would change, in plain words.
    pub text_en: String,
    /// The same in Chinese.
    pub text_zh: String,
    /// Members for it.
    pub yes: Vec<String>,
    /// Members against it.
    pub no: Vec<String>,
    /// Votes that carry it.
    pub needed: usize,
}
