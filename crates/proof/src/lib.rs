//! What proves that a record is on the ledger: Merkle log, checkpoints, receipts.
//!
//! Agreement among validators lives in `ledger`; a court has no validator. This
//! room is the part of the ledger that outlives it: RFC 9162 hashing and proofs,
//! C2SP checkpoints with the validators' cosignatures, and the receipt that joins
//! them. It is frozen: yesterday's receipts verify for ever
//! (`docs/formats/checkpoint.md`, `docs/formats/receipt.md`).
//!
//! ```
//! use primitives::{InstitutionId, SigningKey};
//! use proof::{Checkpoint, Cosignature, Membership, Receipt, SignedCheckpoint, Tree, leaf_hash};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (name, key) = (InstitutionId::new("bank_a")?, SigningKey::from_seed(&[7; 32]));
//! let membership = Membership::new(0, vec![(name.clone(), key.public())])?;
//!
//! let tree: Tree = [b"first", b"other"].iter().map(|r| leaf_hash(*r)).collect();
//! let checkpoint = Checkpoint::new("cordon/example", tree.size(), tree.root())?;
//! let cosignature = Cosignature::sign(&checkpoint, &name, &key, 1_764_000_000)?;
//! let signed = SignedCheckpoint::new(0, checkpoint, vec![cosignature])?;
//! let receipt = Receipt::new(1, tree.inclusion(1, tree.size())?, signed)?;
//!
//! receipt.verify(b"other", "cordon/example", &membership)?;
//! assert!(receipt.verify(b"altered", "cordon/example", &membership).is_err());
//! # Ok(())
//! # }
//! ```
//!
//! *Invariants*
//! - Every byte of a receipt is checked; there is one encoding of each thing.
//! - Two checkpoints that contradict name the validators that cosigned both
//!   ([`Equivocation`]), and the evidence convinces without the logs.
//!
//! *Not here*: records' meaning, storage, sockets, clocks, async, the consensus engine.

mod checkpoint;
mod cosignature;
mod equivocation;
mod error;
mod frontier;
mod hash;
mod membership;
mod note;
mod receipt;
mod signed;
mod tree;
mod verify;

pub use checkpoint::{Checkpoint, ORIGIN_BYTES_MAX, origin};
pub use cosignature::{Cosignature, TIME_S_MAX, key_id};
pub use equivocation::{Conflict, EQUIVOCATION_BYTES_MAX, Equivocation};
pub use error::{ProofError, Refusal};
pub use frontier::Frontier;
pub use hash::{empty_root, leaf_hash, node_hash};
pub use membership::Membership;
pub use note::{NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX, NoteSignature, SignedNote};
pub use receipt::{PATH_HASHES_MAX, RECEIPT_BYTES_MAX, Receipt};
pub use signed::SignedCheckpoint;
pub use tree::Tree;
pub use verify::{verify_consistency, verify_inclusion};
