//! The warranted lookup, and the chain made of lookups.
//!
//! Why it exists: a custodian answers for the subjects on a warrant and for no
//! other, without learning who they are.

mod cells;
mod context;
pub mod custodian;
mod label;
mod messages;
pub mod requester;
mod table;
mod voucher;

pub use context::{Context, Scope, TableParams};
pub use custodian::Permit;
pub use label::{Derivation, Label};
pub use table::Prepared;
pub use voucher::Voucher;

#[cfg(test)]
mod ideal;
#[cfg(test)]
mod tests;
