//! Orders records: a Byzantine agreement among the institutions, and proofs of what was agreed.
//!
//! The ledger knows members, blocks and opaque records; what a record means is judged by
//! the [`Rules`] that its owner gives it. Agreement is commonware's simplex with Ed25519
//! votes, which name their signers; the records stand in one RFC 9162 Merkle log whose
//! checkpoints the validators cosign (crate `proof`).
//!
//! *Invariants*
//! - A submission that resolves is final, durable on this node, and under a checkpoint
//!   that a quorum cosigned.
//! - Every validator applies every record to the same states in the same order; a block
//!   that a rule refuses gets no vote of an honest validator.
//! - An idle network makes no blocks and casts no votes.
//! - Two votes or two checkpoints of one member that contradict each other become evidence
//!   at whoever learns of both, also where they were shown to different nodes.
//! - Every queue, message and set has its limit in [`limits`].
//!
//! *Not here*: the meaning of records, sealed bodies, private stores, and the channels on
//! which parties compute.

mod app;
mod apply;
mod ballots;
mod block;
mod chain;
mod core;
mod cosign;
#[cfg(any(test, feature = "simulation"))]
mod disk;
mod engine;
mod error;
pub mod foreign;
mod host;
mod intake;
mod keep;
mod ledger;
mod leg;
#[cfg(feature = "simulation")]
mod lies;
pub mod limits;
mod members;
mod notice;
mod pace;
mod peers;
mod pool;
mod reserve;
mod rules;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]
mod simulated;
mod tend;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]
mod testing;
mod witness;

#[cfg(feature = "simulation")]
pub use crate::ballots::SeenVote;
pub use crate::core::ClockSkew;
#[cfg(any(test, feature = "simulation"))]
pub use crate::disk::{Disk, Health, Stays};
pub use crate::error::{Error, Refusal, SubmitError, Trouble};
pub use crate::host::Host;
pub use crate::ledger::{Config, Final, Ledger, Starting, Status, Timeouts};
pub use crate::members::{Member, Members};
pub use crate::peers::PeerStatus;
pub use crate::rules::{BlockInfo, Refused, Rules, State};
pub use crate::witness::{Contradiction, Evidence};
