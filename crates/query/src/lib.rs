//! Turns a question under a warrant into the exact plan that every party runs,
//! or into a refusal that names the rule; and turns opened rows into the answer.
//!
//! Why it exists: a custodian approves what it compiled itself. Requester and
//! custodians run the same pure function on the same question, warrant and
//! catalogue, and compare digests; nobody executes a program that another wrote.
//!
//! *Invariants*
//! - [`compile`] is deterministic, and every plan that it returns is within the
//!   warrant's terms and the charter's limits.
//! - A plan opens only columns whose disclosure is open in every table it reads.
//! - Every step begins at the warrant's subjects or at rows that an earlier step
//!   opened: there is no question without a seed.
//! - [`assemble`] accepts no row that nobody looked up, and no more rows than the
//!   plan's cap.
//!
//! *Not here*: cryptography, data, network, time.

mod answer;
mod catalogue;
mod compile;
mod error;
mod explain;
mod joint;
mod selectors;
mod shape;
mod template;
#[cfg(test)]
mod tests;

pub use answer::{OpenedRow, assemble, derive};
pub use catalogue::{Catalogue, Table};
pub use compile::{Grant, Question, asked, check, compile};
pub use error::{QueryRefusal, Rule};
pub use explain::{Explanation, explain, explain_leak, explain_step, explain_table};
pub use joint::{
    AMOUNT_BITS, CELL_BITS, GROUP_BITS, NOBODY, Selection, Term, WEIGHT_BITS, Word, assemble_joint,
    assemble_sets, cut_by, joint_of, parts, selection, time_bits,
};
pub use selectors::Selectors;
pub use template::{
    Begins, CALL_HOPS_MAX, ParameterSpec, Template, WITHIN_DEFAULT_MS, WITHIN_MAX_MS, template,
    templates, templates_reading,
};
