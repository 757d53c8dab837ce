//! Private set intersection from a verifiable oblivious function on ristretto255.
//!
//! Why it exists: a small protocol with one assumption, as the reference for the
//! fast one and as its fallback; and for sets so small that a correlation is not
//! worth its messages.
//!
//! Source: Jarecki and Liu (SCN 2010) and Jarecki, Kiayias and Krawczyk
//! (Asiacrypt 2014), the oblivious function `H'(x, k·H(x))`; here that of RFC 9497
//! ([`crate::oprf`]), with its batch proofs.
//!
//! ```text
//! receiver: set Y                               sender: set X
//!                          ◀── key ──           k ← random; K = k·G
//! r ← random for each y
//! B = r·H(y)               ── blinded ──▶
//!                          ◀── evaluated ──     Z = k·B, proof against K; ≤ 4096 a frame
//! proof holds?
//! F(y) = H'(y, r⁻¹·Z)
//!                          ◀── tags ──          F(x) of all x, ascending
//! transcripts equal?       ◀── end ──           transcript
//! ```
//! *Adversary*: malicious, in the random oracle model, under the one-more gap
//! Diffie–Hellman assumption. Every blind is fresh and independent, so `B` says
//! nothing at all of `y`. The proof holds the sender to one key, so it can't mark
//! items by answering under several. A receiver gets as many evaluations as its
//! agreed size and not one more. A malicious sender may leave out items.
//!
//! *Leaks by design*: the padded sizes; to the receiver, the intersection.
//!
//! *Deviations*: an item is the session's digest of a selector, so that no two
//! sessions share a function's inputs, let alone its key; a tag is the first
//! 16 bytes of the function's 64. Tags travel ascending.
//!
//! *Cost*: an item of the receiver, 64 bytes (and 64 a proof, of 4,096), three
//! multiplications and a share of two multi-scalar ones; an item of the sender,
//! 16 bytes and a multiplication.

mod receiver;
mod sender;

pub use receiver::Receiver;
pub use sender::Sender;

use super::{Protocol, Session, set::Item};
use crate::{Error, Refusal, oprf};

/// Frames of blinded items on their way at once.
const WINDOW: usize = 2;

fn check(session: &Session) -> Result<(), Error> {
    if session.protocol == Protocol::DiffieHellman {
        Ok(())
    } else {
        Err(Refusal::ParameterRange.into())
    }
}

/// The tag of an item: the beginning of what the function gives.
fn tag(item: &Item, evaluated: &[u8; 32]) -> u128 {
    let output = oprf::finalize(item.bytes(), evaluated);
    let mut first = [0; 16];
    first.copy_from_slice(&output[..16]);
    u128::from_be_bytes(first)
}

/// The most significant 64 bits of a tag, to sort by.
fn order(tag: u128) -> u64 {
    u64::try_from(tag >> 64).unwrap_or(0)
}
