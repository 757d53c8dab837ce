//! Vector oblivious linear evaluation (VOLE) over GF(2^128).
//!
//! Why it exists: two parties who want to compare sets need long correlated
//! vectors. The sender holds `Δ` and `b`, the receiver `a` and `c`, with
//! `c[i] = a[i]·Δ + b[i]`; neither knows the other's.

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
use crate::{domains, field::F128, oracle::Oracle};

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
    let numbers = [
        shape.len,
        shape.code.weight(),
        shape.depth,
        shape.trees,
        usize::from(shape.narrow),
    ];
    let numbers: Vec<u8> = numbers
        .into_iter()
        .flat_map(|number| (number as u64).to_le_bytes())
        .collect();
    let oracle = Oracle::new(domains::VOLE_SESSION, session);
    oracle.hash(&[&numbers, receiver_nonce, element, sender_nonce])
}
