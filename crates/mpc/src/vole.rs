//! Silent vector oblivious linear evaluation (VOLE) over GF(2^128).
//!
//! Why it exists: two parties who want to compare sets need long correlated
//! vectors. The *sender* ends with `Δ` and `b`, the *receiver* with a pseudorandom
//! `a` and `c`, so that `c[i] = a[i]·Δ + b[i]`; neither learns the other's. A
//! million correlations cost half a mebibyte, whatever their number does.
//!
//! # Papers
//! - Base transfers: Masny and Rindal, "Endemic Oblivious Transfer" (CCS 2019), in
//!   the batch of McQuoid, Rosulek and Roy (Asiacrypt 2021): `base_ot`.
//! - Short VOLE and extended transfers: Roy, "SoftSpokenOT" (CRYPTO 2022):
//!   `subspace`, `transfers`.
//! - One noisy place a tree, and the check of all trees at once: Weng, Yang, Katz
//!   and Wang, "Wolverine" (S&P 2021), figure 7 (single-point VOLE and its
//!   consistency check), as Boyle, Couteau, Gilboa and Ishai first built it
//!   ("Compressing Vector OLE", CCS 2018): `tree`, `sender`, `receiver`.
//! - Compression: Raghuraman, Rindal and Tanguy, "Expand-Convolute Codes" (CRYPTO
//!   2023), the code that Raghuraman and Rindal's set intersection ("Blazing Fast
//!   PSI", CCS 2022) is run with today: `code`, `params`.
//!
//! # Messages
//! ```text
//! receiver                                             sender
//!   a secret, A = a·G          ── offer: nonce, A ──▶    Δ, Δ' random
//!                              ◀─ choices: nonce, R ──   bits of Δ and Δ'
//!   256 pairs of keys                                    one key of each pair
//!   small trees, u_i + u_0     ── corrections ──────▶    regrows, checks trees
//!                              ◀─ challenge: point ───   random, after them
//!   hashes of both vectors     ── response ─────────▶    checks them:
//!   β, c' = β·Δ + b'                                     b', and Δ' for transfers
//!                              ◀─ trees ──────────────   of each noise tree: levels
//!   regrows; at the secret place                         under transfers' keys,
//!   α: c = b + β·Δ                                       total = b' + sum of leaves
//!   point random, after them   ── inquiry: point, x ▶
//!                              ◀─ proof ──────────────   H(hash(b) + y + Δ·x)
//!   compares with H(hash(c) + z)
//!   (a, c) = code of (noise, leaves)                     b = code of leaves
//! ```
//! `x = hash(noise) + x'`, where `z = x'·Δ + y` is one short correlation that is
//! used for nothing else; `hash` is the polynomial at the receiver's point over all
//! leaves of all trees.
//!
//! # Adversary
//! Either party malicious, statically, with abort; random oracle (SHA-256), ideal
//! cipher (AES under keys that the session's oracle chose), gap Diffie–Hellman in
//! ristretto255, and dual-LPN with regular noise for the code ([`Params`] has the
//! weight and its formula). Replies to what such protocols have got wrong:
//!
//! - *One party's secret survives an abort and is tried again.* Every state is
//!   consumed by the message that it takes; after a fault there is no state, and a
//!   new run draws everything anew, base transfers too.
//! - *Checks while `Δ` already leaks.* The sender sends nothing that depends on `Δ`
//!   before both of the receiver's vectors were checked, but the base transfers'
//!   elements, which are uniformly random whatever `Δ` is. Its challenge is drawn
//!   after the corrections have arrived, the receiver's point after the trees have.
//! - *Selective failure on `Δ`.* A receiver that bets on `s` bits of `Δ` (in the
//!   small trees or the corrections) is caught but with probability `2^-s`, and in
//!   that case knows `s` bits of a `Δ` that is never used. If not caught it has them,
//!   as the papers' functionality allows: luck of `2^-s` and the `2^(128−s)` guesses
//!   that are left make `2^128` together. The inquiry's `x` can be wrong by `e`; the proof is then the hash of a
//!   value that is off by `e·Δ`, which tells whoever can guess all of `Δ`.
//! - *Selective failure on the noise's places.* A sender that spoils a part of a tree
//!   passes only if the place lies in what it left alone; with probability `p` it
//!   passes and learns what has probability `p`, and otherwise the receiver stops.
//!   That is LPN with the static leakage of Wolverine (§4), which halves the
//!   candidates for each bit of luck.
//! - *One `Δ` for two purposes.* The extended transfers have a `Δ'` of their own, so
//!   that what the caller does with `Δ` opens nothing of the receiver's places.
//! - *One key of a batch for two transfers, one hash for two uses.* Each oracle has a
//!   label of its own, and has absorbed the session, the parameters, both nonces and
//!   `A`; base transfers, groups, rows and sides are numbered within it. A message of
//!   another run, or in another place, fails a check.
//! - *Time.* Secret bits select by masks, and a secret place is written by going
//!   over all places.
//!
//! *Leaks by design*: the length and the code, which both parties know.
//!
//! # Deviations
//! - The check hashes with the powers of one random point instead of independent
//!   coefficients: its error is `entries / 2^128`, below `2^-101` at the longest.
//! - The sender proves by a hash instead of an equality test of the papers; only the
//!   receiver needs the check, and the hash is a random oracle's.
//! - The noise's places are the complements of the transfers' random choices instead
//!   of chosen; noise elements are uniformly random and zero with probability `2^-128`.
//! - More noise than is usual over large fields, see [`Params`].
//!
//! # Narrow vectors
//! [`Receiver::start_narrow`] and [`Sender::new_narrow`] give an `a` of 64 bits: the
//! receiver keeps the lower half of each noise element, uniform as the whole was, and
//! sends the upper half with its response; the sender adds `upper·Δ` to its side.
//! Noise of the receiver's choosing is what it may have anyway. The check of the
//! trees is over what results, so an altered half is found.
//!
//! # Cost
//! Four messages each way. For 1.35·2^20 correlations: 692 trees of 4,096 leaves,
//! 490,144 bytes; 256 base transfers are about a tenth of the time, the code's random
//! reads most of it. `benches/vole-bench.rs` prints what each step takes.
//!
//! *Not here*: sockets, threads, retries. The caller gives a session that it never
//! gave before, 32 bytes that say between whom and for what; the nonces protect even
//! a caller that repeats one.

mod base_ot;
mod code;
pub mod ideal;
mod messages;
mod params;
pub mod receiver;
pub mod sender;
mod subspace;
#[cfg(test)]
mod tests;
mod transfers;
mod transpose;
mod tree;

use zeroize::Zeroize;

use self::params::Shape;
pub use self::{
    params::{Code, Params},
    receiver::Receiver,
    sender::Sender,
};
use crate::{domains, field::F128, oracle::Oracle, secrecy};

/// What the sender holds at the end; wiped when dropped.
pub struct SenderOutput {
    /// The factor of every correlation.
    pub delta: F128,
    /// The sender's vector.
    pub b: Vec<F128>,
}

impl Drop for SenderOutput {
    fn drop(&mut self) {
        self.delta.zeroize();
        self.b.zeroize();
    }
}

/// What the receiver holds at the end; wiped when dropped.
pub struct ReceiverOutput {
    /// The pseudorandom vector.
    pub a: Vec<F128>,
    /// `c[i] = a[i]·Δ + b[i]`.
    pub c: Vec<F128>,
}

impl Drop for ReceiverOutput {
    fn drop(&mut self) {
        self.a.zeroize();
        self.c.zeroize();
    }
}

/// The name of one run: every oracle of it has absorbed the caller's session, the
/// parameters, both nonces and the giver's element.
fn run_session(
    session: &[u8; 32],
    shape: &Shape,
    receiver_nonce: &[u8; 32],
    element: &[u8; 32],
    sender_nonce: &[u8; 32],
) -> [u8; 32] {
    let mut numbers = vec![shape.len, shape.code.weight(), shape.depth, shape.trees];
    // One number more, so that a narrow run is never the same as a wide one.
    numbers.extend(shape.narrow.then_some(64));
    let numbers: Vec<u8> = numbers
        .into_iter()
        .flat_map(|number| (number as u64).to_le_bytes())
        .collect();
    let oracle = Oracle::new(domains::VOLE_SESSION, session);
    let session = oracle.hash(&[&numbers, receiver_nonce, element, sender_nonce]);
    secrecy::public(session, "sessions' digests: nonces and elements were sent")
}
