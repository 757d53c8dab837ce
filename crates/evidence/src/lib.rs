//! The bundle: everything that a court needs to check an answer offline.
//!
//! A network may be gone and its operators unwilling when an answer is questioned.
//! So a bundle holds the founding charter, the signed records of the case, a
//! receipt for each, the opened bodies, the answer and a readable report, and
//! [`verify`] re-runs all of it from the network's id alone: manifest, signatures,
//! the legal order, the validators of each time, commitments, plan and answer
//! (`docs/formats/bundle.md`).
//!
//! *Invariants*
//! - One form for one content: any changed, added or missing byte is refused, and
//!   the finding names the file.
//! - The exporter is not trusted: its signature says who exported, and everything
//!   else is proven by others' signatures or written anew and compared.
//! - What [`Draft::finish`] returns, [`verify`] has accepted.
//!
//! *Not here*: a network, a clock, a data engine, an async runtime, a file system.
//! The dependencies are `primitives`, `proof`, `docket` (without sealing), `query`, `serde`,
//! `serde_json`, `chacha20poly1305` for the cells of lookups, and of those that `primitives`
//! has, `curve25519-dalek` and `sha2`.

mod answer;
mod archive;
mod blind;
mod bundle;
mod case;
mod content;
mod finding;
#[doc(hidden)]
pub mod foreign;
mod joint;
mod lookups;
mod manifest;
mod render;
mod report;
mod select;
mod sets;
mod walk;
mod words;

pub use archive::{BUNDLE_BYTES_MAX, FILES_MAX};
pub use bundle::{Draft, TrustAnchor, verify};
pub use case::{Case, Entry, SourceTable};
pub use content::RECORDS_MAX;
pub use finding::{Finding, Refused};
pub use joint::{JointRun, SharedTable};
pub use lookups::Lookup;
pub use select::select;
pub use walk::links;

#[cfg(test)]
mod tests;
