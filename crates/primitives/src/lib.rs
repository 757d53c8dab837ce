//! The words that every room shares: identifiers, digests, canonical encoding,
//! signatures, semantic types and limits.
//!
//! Why it exists: two nodes must agree on every byte that they hash or sign, so
//! there is one encoder, one digest with domain separation and one rule for
//! accepting a signature.
//!
//! *Invariants*
//! - A digest always names its domain ([`Digest::of`]); no two uses share one.
//! - What [`cbor::decode`] accepts, [`cbor::encode`] writes back byte for byte.
//! - A signature accepted in a batch is accepted alone, and the reverse.
//!
//! *Not here*: sockets, clocks, async, ambient configuration.

pub mod cbor;
mod digest;
pub mod es256;
mod ids;
pub mod limits;
pub mod semantic;
pub mod signature;

pub use digest::{Digest, Hasher};
pub use ids::{CaseLabel, IdError, InstitutionId, NetworkId, TemplateId, WarrantId};
pub use signature::{PublicKey, Signature, SignatureError, SigningKey};

/// Fills an array with randomness from the operating system.
///
/// # Panics
/// When the operating system has no randomness: nothing safe can follow.
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0u8; N];
    getrandom::fill(&mut bytes).expect("the operating system gives randomness");
    bytes
}

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type TimeMs = u64;
