//! The random oracles of one function.
//!
//! Why it exists: both sides hash the same way, under labels of their own.
//!
//! *Invariants*
//! - Each oracle is SHA-256 under a label that holds the function's digest.
//! - A tag is a big-endian number, its first bytes the tag's.

use primitives::Digest;
use sha2::{Digest as _, Sha256};

use super::Shape;
use crate::{domains, field::F128, okvs::Value, psi::set::Item};

/// `H` and `H'` of one function.
pub(in crate::psi) struct Oracle {
    label: [u8; 16],
    value_bytes: usize,
    /// Bits that a tag lacks of 128.
    cut: usize,
}

impl Oracle {
    pub(super) fn new(function: &Digest, shape: &Shape) -> Self {
        let digest = Digest::of(domains::PSI_TAG, &[function.as_bytes()]);
        let mut label = [0; 16];
        label.copy_from_slice(&digest.as_bytes()[..16]);
        Self {
            label,
            value_bytes: shape.value_bytes,
            cut: 8 * (16 - shape.tag_bytes),
        }
    }

    /// `H(x)`, of the width of values.
    pub(super) fn value(&self, item: &Item) -> F128 {
        let mut value = item.value();
        value[self.value_bytes..].fill(0);
        F128::from_bytes(value)
    }

    /// `H'(z, x)`: the tag of an item, in the lower bits. One block of SHA-256.
    pub(in crate::psi) fn tag(&self, z: F128, item: &Item) -> u128 {
        let digest: [u8; 32] = Sha256::digest(self.block(z, item)).into();
        let mut first = [0; 16];
        first.copy_from_slice(&digest[..16]);
        u128::from_be_bytes(first) >> self.cut
    }

    /// `H'(z, x)` as words, of which there may be any number: four from each of
    /// the hashes of `(z, x, 0)`, `(z, x, 1)` and so on.
    pub(in crate::psi) fn words<const N: usize>(&self, z: F128, item: &Item) -> [u64; N] {
        let mut words = [0; N];
        let mut block = [0u8; 49];
        block[..48].copy_from_slice(&self.block(z, item));
        for (counter, chunk) in (0u8..).zip(words.chunks_mut(4)) {
            block[48] = counter;
            let digest: [u8; 32] = Sha256::digest(block).into();
            for (word, bytes) in chunk.iter_mut().zip(digest.chunks_exact(8)) {
                *word = u64::from_le_bytes(bytes.try_into().unwrap_or_default());
            }
        }
        words
    }

    fn block(&self, z: F128, item: &Item) -> [u8; 48] {
        let mut block = [0u8; 48];
        block[..16].copy_from_slice(&self.label);
        block[16..32].copy_from_slice(&z.to_bytes());
        block[32..].copy_from_slice(&item.key());
        block
    }

    /// The most significant 64 bits of a tag, to sort by.
    pub(in crate::psi) fn order(&self, tag: u128) -> u64 {
        u64::try_from((tag << self.cut) >> 64).unwrap_or(0)
    }
}

/// What the evaluator commits to with its half of the offset.
pub(super) fn commitment(function: &Digest, opening: &[u8; 16]) -> [u8; 32] {
    Digest::of(domains::PSI_OPENING, &[function.as_bytes(), opening]).0
}

/// A value that only the short variant has: 64 bits, in the lower coefficients.
pub(super) fn widen(value: u64) -> F128 {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&value.to_le_bytes());
    F128::from_bytes(bytes)
}

/// The 64 bits of a value of the short variant, `None` where it has more.
pub(super) fn narrow(value: F128) -> Option<u64> {
    let (low, high) = split(value);
    (high == 0).then_some(low)
}

fn split(value: F128) -> (u64, u64) {
    let bytes = value.to_bytes();
    let word = |range: std::ops::Range<usize>| {
        let mut word = [0; 8];
        word.copy_from_slice(&bytes[range]);
        u64::from_le_bytes(word)
    };
    (word(0..8), word(8..16))
}

/// The sum of two values.
pub(super) fn plus(mut a: F128, b: F128) -> F128 {
    Value::add(&mut a, b);
    a
}
