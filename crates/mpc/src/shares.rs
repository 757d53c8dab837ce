//! Three parties compute over columns that none of them sees.
//!
//! Why it exists: sums, comparisons, rankings and groups over the data of many
//! institutions, where no institution may see another's rows. Any number of
//! *owners* share columns to three *parties* of different roles; the parties
//! run one program, the plan's, and open what the plan opens.
//!
//! *Papers*: replicated sharing and its product, Araki and others (CCS 2016);
//! the check of all products, Goyal and Song (ePrint 2020/134) over Galois rings
//! (Abspoel and others, TCC 2019); conversions, ABY3 (CCS 2018); shuffle,
//! Asharov and others (CCS 2022); sort, Hamada and others (ICISC 2012). Each
//! module has its own story.
//!
//! ```text
//!            owner A      owner B      …            each component to two parties
//!               │ \ \      / / │
//!               ▼  ▼  ▼   ▼ ▼  ▼                    x = x_0 + x_1 + x_2
//!   P_0 (x_0, x_1) ── P_1 (x_1, x_2) ── P_2 (x_2, x_0) ── P_0
//!
//!   reshare    P_i ──▶ P_{i−1}      a word a product
//!   hop        two of the three     a word a row and column, each way
//!   sync       all to all           digests of what was sent and received
//!   coin       all to all           after a sync: challenge of a check
//!   component  P_i ──▶ P_{i+1}      an opening; its digest P_i ──▶ P_{i−1}
//! ```
//!
//! *Adversary*: one of the three, static. [`Security::Malicious`]: it does what
//! it likes, and the others abort before anything is opened, but for a
//! probability below 2^−42 a check. [`Security::SemiHonest`]: it follows the
//! protocol. An owner may lie about its own data and nothing more. Two parties
//! together see everything: which three institutions compute is a question of
//! trust that the plan's custodians answer.
//!
//! *Leaks, by design*: rows and widths of every column, the program, what the
//! program opens, and that a run was aborted.
//!
//! *Abort*: a party that finds a fault is dead: it wipes its generators, sends
//! nothing more, and its channels close, which ends the others. A frame that is
//! malformed blames its sender; where two parties contradict one another, or a
//! check fails, the third can't tell which of them lied, and the error names
//! the check. The malicious party may learn an opened result and keep it from
//! the others (security with abort, no fairness).
//!
//! *Invariants*
//! - A column knows its bound, and what could wrap is refused before it is
//!   computed ([`Arith`], [`Words`]).
//! - Nothing is opened before every product made until then was verified.
//! - No socket, clock or ambient randomness: a [`Channel`] and [`Keys`] are
//!   given.
//!
//! *Not here*: proof that an owner shared the rows of its snapshot; fairness;
//! more than one corrupt party; hiding the number of rows (owners pad).
//!
//! *How it goes wrong elsewhere, and what stands against it*
//! - A challenge known before a frame is fixed: a party that holds its frame
//!   back while the coin opens. [`Party::coin`](Party) draws only after all have
//!   said that they hold every earlier frame.
//! - Checks over Z_2^64 itself, where `2^63·r` vanishes for half of all `r`: the
//!   check runs over an extension; `villains.rs` adds `2^63`.
//! - Opening before verification: one function opens, and it verifies first.
//! - A comparison's outcome opened on rows in their own order, or with equal
//!   keys: the sort shuffles first and numbers the rows.
//! - A shuffle from a non-cryptographic or biased generator: ChaCha20,
//!   Fisher–Yates with rejection, a chi-squared test.
//! - A shuffle that is not verified: rows replaced in a hop. Each row carries a
//!   tag under keys that nobody knows; numbers that follow rows (`route.rs`) carry
//!   theirs over Z_2^128, since 2^63 has too many multiples that vanish.
//! - Two holders of a component that got different ones: owners' inputs are
//!   compared before use, openings against a digest from another party.
//! - Sums that wrap: bounds are part of a column's type.
//! - A session run twice under the same keys repeats its masks: the caller's
//!   session digest names the run, and no run is begun twice.

mod channel;
mod check;
mod circuit;
mod column;
mod extension;
pub(crate) mod frame;
mod group;
pub mod ideal;
pub mod input;
mod lanes;
pub mod memory;
mod multiply;
mod party;
mod route;
mod scan;
mod shuffle;
mod sort;
#[cfg(test)]
pub(crate) mod tests;

pub use channel::{Channel, Neighbour};
pub use column::{Arith, Bits, MAGNITUDE_BITS_MAX, Words};
pub use group::Groups;
pub use party::{Cost, Keys, Party, Security};
pub use scan::Extreme;

pub(crate) use column::{Pair, bounded, ceil_log2, low_mask, same_rows};
pub(crate) use extension::{DEGREE, multiply, reduce};
pub(crate) use party::{Stream, bytes_of};
pub(crate) use route::Route;
