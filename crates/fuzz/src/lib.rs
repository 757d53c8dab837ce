//! Foreign bytes of every kind against every decoder.
//!
//! Why it exists: a node reads what peers, files and users send. Whatever they send gives
//! a value or an error: never a panic, a hang, or memory without bound; and where there
//! is one encoding of a value, bytes that decode are that encoding.
//!
//! ```text
//! targets (a name, what it reads, valid seeds, a check)
//!    ├─ smoke: corpus and a few thousand changed seeds, with every change (tests/smoke.rs)
//!    ├─ guided: libFuzzer, for as long as asked, by `cargo xtask fuzz`
//!    └─ blind: changes of what that found, without counters (`--blind`)
//! ```
//!
//! A target's [`Target::check`] is pure but for scratch files: the same bytes, the same
//! outcome. Seeds are made by the rooms' own encoders from fixed seeds, so that changes
//! begin deep inside; what a run found and what broke once stands in `corpus/TARGET/`.
//!
//! *Invariants*
//! - A check panics only for what must never happen.
//! - Decoders that are private to their room are reached through one function of the
//!   room that does what the room does with foreign bytes, and nothing else.
//!
//! *Not here*: altered answers of whole protocols (`mpc`'s own tests), networks in bad
//! weather (`sim`), HTTP itself.

pub mod corpus;
pub mod long;
pub mod mutate;
mod probe;
pub mod run;
pub mod targets;

pub use probe::{MEMORY, Memory};
pub use targets::{Target, target, targets};
