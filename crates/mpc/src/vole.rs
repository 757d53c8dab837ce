//! Vector oblivious linear evaluation (VOLE) over GF(2^128).
//!
//! Why it exists: two parties who want to compare sets need long correlated
//! vectors. The sender holds `Δ` and `b`, the receiver `a` and `c`, with
//! `c[i] = a[i]·Δ + b[i]`; neither knows the other's.

pub mod ideal;

use zeroize::Zeroize;

use crate::field::F128;

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
