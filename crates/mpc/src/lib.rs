//! Protocols among parties that do not show one another their data.
//!
//! Why it exists: a warrant names a few subjects; a custodian holds millions of
//! keys. Here is the arithmetic by which the custodian answers for exactly the
//! warrant's subjects without learning who they are ([`lookup`]), on the
//! verifiable oblivious function of RFC 9497 ([`oprf`]).
//!
//! [`shares`] is the other half: three parties compute over columns that none
//! of them sees; [`joint`] asks its questions.
//!
//! *Invariants*
//! - A role is a value: it takes itself and a message and returns the next
//!   state and messages. No sockets, no clock, no ambient randomness.
//! - Bytes that a peer, a file or a user sent never panic: they give an
//!   [`Error`] of one of three families.
//! - Secrets have no `Debug` and are wiped when dropped.
//!
//! *Not here*: warrants, approvals, SQL, the ledger. A role is told what is
//! permitted ([`lookup::Permit`]) by the node, which has checked it.

mod domains;
mod error;
pub mod field;
#[doc(hidden)]
pub mod foreign;
mod group;
pub mod joint;
pub mod limits;
pub mod lookup;
pub mod okvs;
pub mod oprf;
mod oracle;
mod prg;
pub mod psi;
#[cfg(feature = "constant-time")]
pub mod secrecy;
#[cfg(not(feature = "constant-time"))]
mod secrecy;
pub mod shares;
mod simd;
pub mod vole;

pub use error::{Error, ErrorKind, Fault, Refusal, Trouble};
pub use group::{Blind, Element};
pub use oprf::{PlanKey, TableKey};
