//! Acts that bind: what an officer asks for, and what is signed and recorded.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::custody::RuleView;
use crate::api::webauthn::{AssertedCredential, RequestOptions};

/// An act that binds: what an officer asks the node to prepare, then signs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", tag = "act", deny_unknown_fields)]
pub enum Act {
    /// A requester's investigator drafts a warrant for an authority.
    DraftWarrant(DraftWarrant),
    /// An authority's judge issues a drafted warrant, as asked or narrower.
    IssueWarrant(IssueWarrant),
    /// An authority's judge refuses a draft.
    RefuseWarrant {
        /// The warrant.
        warrant: String,
        /// Why.
        reason: String,
    },
    /// An authority's judge withdraws a warrant.
    RevokeWarrant {
        /// The warrant.
        warrant: String,
        /// Why.
        reason: String,
    },
    /// A requester's investigator asks a question under a warrant.
    Ask(Ask),
    /// A custodian's approver approves a question's plan.
    Approve {
        /// The question.
        question: String,
    },
    /// A custodian's approver would approve a narrower plan.
    Narrow {
        /// The question.
        question: String,
        /// Hops that would be approved.
        hops: u8,
        /// Rows that would be approved.
        answer_cap: u32,
        /// Why.
        reason: String,
    },
    /// A custodian's approver refuses a question's plan.
    Refuse {
        /// The question.
        question: String,
        /// Why.
        reason: String,
    },
    /// A requester's investigator opens a completed answer.
    OpenAnswer {
        /// The question.
        question: String,
    },
    /// A requester's investigator takes an opened answer out in a form that proves
    /// nothing by itself; the file can be had for fifteen minutes.
    PassOn {
        /// The question.
        question: String,
        /// The form: `csv`.
        form: String,
        /// For whom and why.
        reason: String,
    },
    /// A requester's investigator, or the authority's judge, says how many of a
    /// warrant's subjects were told of it, and how many not.
    GiveNotice {
        /// The warrant.
        warrant: String,
        /// Subjects that were told.
        told: u32,
        /// Subjects that were not, for the reason given.
        withheld: u32,
        /// How they were told, or why not.
        reason: String,
    },
    /// A custodian's approver puts standing rules in force.
    ChangeRules(ChangeRules),
    /// A requester's investigator exports the evidence of an opened answer.
    ExportBundle {
        /// The question.
        question: String,
    },
    /// A registrar gives an officer a key and duties.
    EnrolOfficer {
        /// The officer's handle, a pseudonym.
        officer: String,
        /// The officer's Ed25519 public key.
        key: String,
        /// The officer's duties.
        duties: Vec<String>,
    },
    /// A registrar proposes an officer: a passkey that was made here, or a key.
    ProposeOfficer {
        /// The passkey's registration.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        registration: Option<String>,
        /// For a key: the officer's handle.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        officer: Option<String>,
        /// For a key: the officer's Ed25519 public key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        /// For a key: the officer's duties.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        duties: Vec<String>,
    },
    /// Another registrar confirms an officer who was proposed.
    ConfirmOfficer {
        /// The proposal's record.
        proposal: String,
    },
    /// A registrar withdraws an officer's credential.
    RetireOfficer {
        /// The key, 64 hex digits; or `passkey:` and 64 hex digits.
        key: String,
    },
}

/// The terms of a draft.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftWarrant {
    /// The case's file name at the requester; only a commitment leaves the house.
    pub case: String,
    /// Why the subjects are sought; the authority reads it.
    pub reason: String,
    /// The legal basis; authority and custodians read it.
    pub basis: String,
    /// The authority asked.
    pub authority: String,
    /// Templates that may be asked.
    pub templates: Vec<String>,
    /// Custodians that may be asked.
    pub custodians: Vec<String>,
    /// Subjects: `phone:…`, `id:…`, `account:…`, or a bare value that is guessed.
    pub subjects: Vec<String>,
    /// Scenes that joint questions begin from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scenes: Vec<SceneView>,
    /// First millisecond of the data's window.
    pub window_from_ms: u64,
    /// First millisecond after the data's window.
    pub window_to_ms: u64,
    /// Most hops.
    pub hops: u8,
    /// Most rows in an answer.
    pub answer_cap: u32,
    /// Runs that may be made.
    pub runs: u32,
    /// First moment of validity; absent: now.
    pub not_before_ms: Option<u64>,
    /// How long the warrant lasts, in milliseconds.
    pub life_ms: u64,
}

/// A place and a time that a joint question begins from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SceneView {
    /// The antenna's cell; absent: the whole city.
    pub cell: Option<i64>,
    /// First millisecond inside.
    pub from_ms: u64,
    /// First millisecond after.
    pub to_ms: u64,
}

/// An authority's decision to issue; what is absent stays as drafted.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IssueWarrant {
    /// The warrant.
    pub warrant: String,
    /// Fewer hops.
    pub hops: Option<u8>,
    /// Fewer rows.
    pub answer_cap: Option<u32>,
    /// Fewer runs.
    pub runs: Option<u32>,
    /// Fewer custodians.
    pub custodians: Option<Vec<String>>,
    /// Fewer templates.
    pub templates: Option<Vec<String>>,
    /// A shorter life, in milliseconds.
    pub life_ms: Option<u64>,
    /// Why: read by requester, custodians and overseers.
    pub reason: Option<String>,
}

/// A question under a warrant.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The warrant.
    pub warrant: String,
    /// The template.
    pub template: String,
    /// Hops; absent: as many as the warrant allows.
    pub hops: Option<u8>,
    /// Least amount of a transfer, in fen.
    pub min_amount_minor: Option<i64>,
    /// Longest time between an incoming and an outgoing transfer.
    pub within_ms: Option<u64>,
    /// Most rows; absent: as many as the warrant allows.
    pub answer_cap: Option<u32>,
    /// Custodians to ask; absent: all of the warrant's that hold a table for it.
    pub custodians: Option<Vec<String>>,
    /// The numbers that a joint question takes, by name; absent: its defaults.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub terms: BTreeMap<String, i64>,
    /// Of a joint question the count alone.
    #[serde(default)]
    pub count_only: bool,
}

/// Standing rules in place of those in force.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeRules {
    /// The record of the rules that they replace; absent: there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
    /// The rules, all of them; none: everything is decided by hand.
    pub rules: Vec<RuleView>,
    /// Why: read by the institution and by overseers.
    pub reason: String,
}

/// A record that waits for its officer's signature.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Prepared {
    /// The id under which to submit the signature.
    pub id: String,
    /// The bytes to sign with the officer's Ed25519 key (COSE `Sig_structure`), hex.
    pub to_sign: String,
    /// The record's header (deterministic CBOR), hex: what the bytes above commit to.
    pub header: String,
    /// The header, readable.
    pub header_json: serde_json::Value,
    /// What it means, in plain words.
    pub summary: Vec<String>,
    /// The same in Chinese.
    pub summary_zh: Vec<String>,
    /// The id of what the act makes: a warrant's id for a draft.
    pub warrant: Option<String>,
    /// For an officer with a passkey: what to call `navigator.credentials.get`
    /// with. The challenge is a digest of `to_sign` (docs/api.md).
    #[serde(default)]
    pub assertion: Option<RequestOptions>,
}

/// An officer's signature under a prepared record.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitSignature {
    /// The prepared record's id.
    pub id: String,
    /// A key's: the Ed25519 signature over `to_sign`, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// A passkey's: what the browser gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assertion: Option<AssertedCredential>,
}

/// A record that is final and durable.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Recorded {
    /// The record's digest: a question's id, for `ask`.
    pub record: String,
    /// The record's kind.
    pub kind: String,
    /// Its place in the log.
    pub index: u64,
    /// The docket that it belongs to.
    pub warrant: Option<String>,
}
