//! The records of a case, their sealed bodies, and the legal order of records.
//!
//! Why it exists: every room of a node leaves a signed statement. This crate
//! says what such a statement looks like byte by byte, and which statement may
//! follow which. Validators run [`State::apply`] on every record before it is
//! final; the offline verifier runs the same function on a bundle.
//!
//! *Invariants*
//! - [`State::apply`] is a pure function of state, record and block time. It
//!   either applies a record wholly or changes nothing.
//! - A record holds no personal data: subjects, case text and reasons are in
//!   [`body::Body`] values that stay off the ledger; a record holds their salted
//!   commitments.
//! - No warrant, no computation: `InputsCommitted` and `RunCompleted` can't be
//!   applied without a valid `WarrantIssued`, a `QuestionAsked` inside its scope
//!   and the `Approved` of every custodian of the plan.
//!
//! *Not here*: where records are kept, how they travel, who computes what.

pub mod body;
pub mod charter;
mod credential;
pub mod joint;
pub mod passkey;
pub mod plan;
pub mod record;
pub mod rule;
#[cfg(feature = "seal")]
pub mod seal;
pub mod state;
pub mod statement;
pub mod transcript;

pub use body::{Body, Commitment, Opened, Part};
pub use charter::{Card, Change, Charter, Duty, Institution, OfficerId, Role};
pub use credential::{Credential, CredentialId, NoCredential};
pub use passkey::{Assertion, AssertionError, Passkey};
pub use plan::Plan;
pub use record::{Header, Record, RecordError, Signed};
pub use rule::{Refusal, Rule};
pub use state::{At, State};
pub use statement::{Kind, Statement};
