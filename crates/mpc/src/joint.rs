//! Joint questions: what no institution can answer alone, computed by three
//! parties over the tables of many.
//!
//! Why it exists: [`crate::shares`] computes on columns that nobody sees; here
//! are the questions that a warrant may ask of it, each a program that the three
//! parties run alike:
//!
//! - [`at_the_scenes`]: who was at no fewer than `m` of `n` scenes
//! - [`sim_box`]: premises where a SIM box may stand, from four kinds of owners
//! - [`called_then_paid`]: accounts paid by persons who had just been called
//! - [`totals`]: sums and counts by group over a joined set
//! - [`risk_propagation`]: risk spread over the banks' joint graph of transfers
//! - [`in_common`]: who stands in two institutions' sets, the count first: no shares,
//!   but a joint set of [`crate::psi::many`] over the same three channels; what follows
//!   holds for the other questions
//!
//! ```text
//! owners   ── table::Schema::share ──▶  each party: Table::receive, append
//! parties     count(party, terms, tables)          how many rows are found: opened to the three
//!             ── who may go on? up to which number? the caller decides ──
//!             Gate::open(party, cap)               the rows, still shared
//! parties  ── deliver::part ──▶ receiver: deliver::collect
//! ```
//!
//! Tables of more rows than the three can hold come in parts, cut by key (ADR 0016): each
//! question has a form that takes a part and gives what it [`Found`], and one that puts
//! those together.
//!
//! A subject is a key of 128 bits in shares ([`key`]); tables are brought together
//! by sorting (`joint/order.rs`).
//!
//! *Adversary*: that of [`crate::shares`]: one of the three parties, malicious
//! with abort, or semi-honest. Owners may lie about their own rows and nothing
//! more. The receiver may be in league with one party.
//!
//! *Leaks*, to the three parties: for each owner and table the number of rows,
//! which the owner may pad ([`Schema::pad`](table::Schema::pad)); widths and the
//! program; the count that a question finds, before anybody decides; what a
//! question's module says beyond that; with small probability that two keys had
//! one short hash (`joint/order.rs`). To the receiver: the answer's rows. Nobody learns how
//! many rows matched on the way, which owners' rows they were, or anything of
//! those that did not.
//!
//! *Invariants*
//! - Nothing of a row is opened before the count, and nothing at all where the
//!   count is above the cap.
//! - Sums that could wrap are refused before they are computed, or end the
//!   question ([`risk_propagation`]).
//! - A row that an owner padded counts for nothing, whatever else it holds.
//!
//! *Not here*: channels, approvals, budgets, names of tables; a proof that what an
//! owner shares is what its snapshot holds; hiding the count from the parties.

pub mod at_the_scenes;
pub mod called_then_paid;
pub mod deliver;
mod gate;
pub mod ideal;
pub mod in_common;
pub mod key;
mod order;
pub mod risk_propagation;
pub mod sim_box;
pub mod table;
#[cfg(test)]
mod tests;
pub mod totals;

pub use gate::{Found, Gate};

use crate::shares::Words;
