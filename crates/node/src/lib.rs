//! The program that an institution runs: it joins ledger, exchange, protocols
//! and data, and leads a question through them.
//!
//! [`journey`] is the table of contents.
//!
//! *Invariants*
//! - No warrant, no computation: this node answers a lookup only from its own
//!   copy of the ledger, its own approval and its own copy of the plan.
//! - What is acknowledged is final and durable.
//!
//! *Not here*: rules about which record may follow which (`docket`), protocols
//! (`mpc`), what a question means (`query`).

pub mod acts;
pub mod api;
pub mod approvals;
mod aside;
pub mod bundle;
mod catalogue;
pub mod config;
mod console;
pub mod core;
pub mod custodian;
pub mod error;
pub mod events;
pub mod exchange;
pub mod foreign;
pub mod host;
mod jobs;
mod joint;
pub mod journey;
pub mod keystore;
pub mod log;
pub mod membership;
pub mod metrics;
mod passkeys;
pub mod progress;
mod requester;
mod room;
pub mod rotation;
pub mod rules;
mod run;
mod sessions;
pub mod store;
pub mod tables;
mod timeline;
mod views;
mod watch;

pub use config::Config;
pub use error::{Error, Result};
pub use requester::RunResult;
pub use run::{Ended, Joined, Parts, Stop, join, join_behind, ledger_settings, run};
