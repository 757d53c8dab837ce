//! The real roles against the ideal functionality, and against changed messages.

mod cardinality;
mod circuit;
mod counted;
mod diffie_hellman;
mod many;
mod mutation;
mod rr22;
mod whole;
pub(super) mod world;
