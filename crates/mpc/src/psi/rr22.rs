//! Private set intersection from a vector oblivious evaluation and a key-value
//! store: a million items a side in seconds.
//!
//! Why it exists: custodians' sets have millions of items, and a group operation
//! for each is too dear.
//!
//! Source: Raghuraman and Rindal (CCS 2022, eprint 2022/320), figure 4 for the
//! semi-honest protocol; for the malicious one it refers to Rindal and Schoppmann,
//! *VOLE-PSI* (Eurocrypt 2021, eprint 2021/266), whose oblivious function this
//! is. `docs/formats/mpc-psi.md` has every byte.
//!
//! ```text
//! receiver: set Y, (a, c)                       sender: set X, (Δ, b)
//!                                               c = a·Δ + b over GF(2^128)
//!                          ◀── commit ──        w_s ← random; H(w_s)        malicious
//! r, w_r ← random          ── begin ──▶         r (w_r)
//! P: store of y ↦ H(y) under r
//! A = P + a                ── vector ──▶        K = b + A·Δ
//!                          ◀── open ──          w_s                         malicious
//! H(w_s) right?                                 w = w_r + w_s
//! F(y) = H'(C(y) + w, y)                        F(x) = H'(K(x) + Δ·H(x) + w, x)
//!                          ◀── tags ──          F(x) of all x, ascending
//! transcripts equal?       ◀── end ──           transcript
//! ```
//! `K = c + P·Δ`, and reading a store is linear: `K(x) = C(x) + P(x)·Δ`. So both
//! get one tag for `x` in `Y`; for any other `x`, `Δ·(P(x) + H(x))` is as hard to
//! guess for the receiver as `Δ`.
//!
//! *Two strengths* ([`Security`]):
//! - malicious: values of 128 bits, tags of 16 bytes, the offset `w`, and the
//!   item in the last hash, so that a simulator finds the sender's set in what the
//!   oracle was asked;
//! - semi-honest, for slow links: values of 64 bits, tags of
//!   `40 + log2(|X|·max(|X|, |Y|))` bits rounded up to bytes, no `w`. It needs a correlation
//!   whose `a` has 64 bits (`a` in GF(2)^64 within GF(2^128), a subfield VOLE).
//!
//! *Adversary*: as named. A malicious receiver may put more points into `P` than
//! its size says; [`Receiver::points_bound`] bounds how many, in the terms of
//! [`crate::okvs`]. A malicious sender may leave out items, and learns nothing but
//! whether the receiver went on. The random oracles are SHA-256; the rows of the
//! store are AES under a seed drawn after the receiver's set is fixed.
//!
//! *Leaks by design*: to each party the padded size of the other's set, which the
//! setup states. To the receiver the intersection. That a session was aborted.
//!
//! *Deviations from the papers*
//! - Tags travel in ascending order rather than in a random one: the order of
//!   pseudorandom values says as little, and one order has one encoding.
//! - Values of the semi-honest variant have 64 bits rather than `λ + log2(|X|·|Y|)`.
//!   They must keep `P(x) ≠ H(x)` for the sender's items that are not the
//!   receiver's: at most `|X|·2^-64`, under 2^-40 for every size that is allowed.
//!   That two tags are equal by chance is a matter of the tags' length.
//! - `H(x)` is not salted by a second seed `r'` of the receiver but by the
//!   session's digest, which holds the run's identifier.
//! - A seed for which the store can't be made ends the session
//!   ([`Trouble::Unlucky`](crate::Trouble)), since part of the vector may have
//!   been sent; that happens once in 2^40 sessions.
//! - `Δ`, `b`, `a` and `c` come from [`crate::vole`], one correlation a session
//!   and never a second time: roles take them by value.
//!
//! *Cost*: one round and a half. Receiver to sender 1.29 values an item; back one
//! tag. At a million items a side: 37.2 bytes an item malicious, 20.8 semi-honest,
//! 0.5 of them the correlation's. Of the processor's time, with the fast code, a
//! third goes to the correlation (a third of that to the code's random reads), a sixth
//! to SHA-256 of items, tags and transcripts, a sixth to pages of memory that are
//! had for the first time, a tenth to sorting, the rest to the store and to reading
//! it; `benches/psi-bench.rs` prints the phases (`--phases`).

mod receiver;
mod sender;
pub mod whole;

pub use receiver::Receiver;
pub use sender::Sender;

use rand_core::CryptoRng;

use super::{Protocol, Security, Session, function::Shape};
use crate::{
    Error, Refusal,
    vole::{self, ReceiverOutput, SenderOutput},
};

/// Columns of the store, hence the length of the correlation, that a session
/// needs.
///
/// # Errors
/// [`Refusal::ParameterRange`] for a session of another protocol.
pub fn correlations(session: &Session) -> Result<usize, Error> {
    shape_of(session).map(|shape| shape.columns())
}

/// The bits of the values of a correlation that a session needs: 128, or 64 for
/// the short variant, in which `a` has its upper 64 bits zero
/// ([`vole::Receiver::start_narrow`](crate::vole::Receiver::start_narrow)).
///
/// # Errors
/// [`Refusal::ParameterRange`] for a session of another protocol.
pub fn correlation_bits(session: &Session) -> Result<u32, Error> {
    shape_of(session).map(|shape| if shape.malicious() { 128 } else { 64 })
}

/// A correlation of the length and width that a session needs, from a dealer whom
/// everybody trusts ([`vole::ideal`]).
///
/// # Errors
/// [`Refusal::ParameterRange`] for a session of another protocol.
pub fn deal<R: CryptoRng + ?Sized>(
    session: &Session,
    rng: &mut R,
) -> Result<(SenderOutput, ReceiverOutput), Error> {
    let count = correlations(session)?;
    Ok(match correlation_bits(session)? {
        64 => vole::ideal::deal_narrow(count, rng),
        _ => vole::ideal::deal(count, rng),
    })
}

/// The sizes of a session.
fn shape_of(session: &Session) -> Result<Shape, Error> {
    let Protocol::Rr22(security) = session.protocol else {
        return Err(Refusal::ParameterRange.into());
    };
    let log2 = |size: usize| size.max(1).next_power_of_two().ilog2();
    let sender = log2(session.sender_items);
    // Against the receiver's items, and among the sender's own.
    let pairs = sender + sender.max(log2(session.receiver_items));
    let short = usize::try_from((40 + pairs).div_ceil(8)).unwrap_or(16);
    let full = Shape::full(session.receiver_items)?;
    Ok(match security {
        Security::Malicious => full,
        Security::SemiHonest => Shape {
            security,
            value_bytes: 8,
            tag_bytes: short.min(16),
            ..full
        },
    })
}
