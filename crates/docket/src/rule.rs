//! The rules that can refuse a record, each with a stable name.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! rules {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),+ $(,)?) => {
        /// A rule of the legal order. Its name is stable: tests, denials and
        /// messages quote it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum Rule {
            $($(#[$doc])* #[serde(rename = $name)] $variant),+
        }

        impl Rule {
            /// Every rule.
            pub const ALL: &'static [Rule] = &[$(Rule::$variant),+];

            /// The rule's stable name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Rule::$variant => $name),+ }
            }
        }
    };
}

rules! {
    /// The record is not a well-formed, canonical, signed statement.
    Format = "format",
    /// The record is about another network.
    Network = "network",
    /// The signing credential belongs to no member or enrolled officer.
    SignerUnknown = "signer-unknown",
    /// The signer speaks for another institution or officer than the header says.
    SignerMismatch = "signer-mismatch",
    /// The officer lacks the duty, or the institution the role, for this act.
    Duty = "duty",
    /// The record's time is too far from the block's.
    TimeSkew = "time-skew",
    /// The same record is already on the ledger.
    Duplicate = "duplicate",
    /// A predecessor is missing, unknown, or belongs to another docket.
    Follows = "follows",
    /// A commitment to a body that this kind of record must have is missing, or its readers are wrong.
    Parts = "parts",
    /// A limit on size or count.
    Limit = "limit",
    /// A change of membership that can't be made.
    Membership = "membership",
    /// An officer's handle or credential is already taken.
    OfficerTaken = "officer-taken",
    /// An enrolment needs the words of two registrars of the institution.
    SecondWord = "second-word",
    /// No such proposal of an officer, or it has ended.
    ProposalUnknown = "proposal-unknown",
    /// No such dataset at this institution.
    DatasetUnknown = "dataset-unknown",
    /// No such warrant, or one that was only drafted.
    WarrantUnknown = "warrant-unknown",
    /// The warrant already exists or is already decided.
    WarrantDecided = "warrant-decided",
    /// The requester may not issue its own warrant, nor a custodian be requester or authority.
    Separation = "separation-of-duties",
    /// The warrant's own terms contradict each other or the charter.
    Terms = "terms",
    /// The warrant is not yet valid.
    NotYetValid = "not-yet-valid",
    /// The warrant has expired.
    Expired = "expired",
    /// The warrant was revoked.
    Revoked = "revoked",
    /// The question goes beyond the warrant: template, custodian, hops or cap.
    Scope = "scope",
    /// The snapshot is unknown or not the custodian's.
    SnapshotUnknown = "snapshot-unknown",
    /// The warrant's budget of runs is spent.
    Budget = "budget",
    /// No such question under this warrant.
    QuestionUnknown = "question-unknown",
    /// The record names another plan than the question.
    PlanMismatch = "plan-mismatch",
    /// The institution is not a custodian of this plan.
    NotAsked = "not-asked",
    /// No standing rule of the institution covers this, or rules that can't stand.
    StandingRule = "standing-rule",
    /// The custodian has already decided, or the question has ended.
    AlreadyDecided = "already-decided",
    /// Some custodian of the plan has not approved.
    ApprovalMissing = "approval-missing",
    /// Some custodian of the plan has not committed its inputs.
    InputsMissing = "inputs-missing",
    /// Keys or snapshots differ from those approved.
    KeyMismatch = "key-mismatch",
    /// Who computes a joint question, or gives it a table, is not who may.
    Joint = "joint",
    /// A joint question's count is missing, or already opened.
    Count = "count",
    /// A party's signature under the run's transcript is missing or wrong.
    Attestation = "attestation",
    /// The answer is larger than the plan's cap.
    OverCap = "over-cap",
    /// No such answer.
    AnswerUnknown = "answer-unknown",
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A rule said no.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The rule.
    pub rule: Rule,
    /// What it said no to, in plain words without personal data.
    pub detail: String,
}

impl Refusal {
    /// A refusal by `rule`, with its detail.
    #[must_use]
    pub fn new(rule: Rule, detail: impl Into<String>) -> Self {
        Self {
            rule,
            detail: detail.into(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused by rule {}: {}", self.rule, self.detail)
    }
}

impl std::error::Error for Refusal {}

/// Refuses unless `condition` holds.
pub(crate) fn ensure(
    condition: bool,
    rule: Rule,
    detail: impl FnOnce() -> String,
) -> Result<(), Refusal> {
    if condition {
        Ok(())
    } else {
        Err(Refusal::new(rule, detail()))
    }
}
