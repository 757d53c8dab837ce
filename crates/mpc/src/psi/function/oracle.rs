//! The random oracles of one function.
//!
//! Why it exists: both sides hash the same way, under labels of their own.
//!
//! *Invariants*
//! - Each oracle is SHA-256 under a label that holds the function's digest.
//! - A tag is a big-endian number, its first bytes the tag's.

use primitives::Digest;

use super::Shape;
use crate::{
    domains, field::F128, okvs::Value, oracle::Blocks, psi::set::Item, simd::hashes::LANES,
};

/// What was read for one item; its key comes along, since the items themselves lie in
/// another order.
#[derive(Clone, Copy)]
pub(in crate::psi) struct Read {
    /// `z(x)`.
    pub(in crate::psi) z: F128,
    /// What names `x`.
    pub(in crate::psi) key: [u8; 16],
}

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

    /// `H'(z, x)` of each item: its tag, in the lower bits.
    pub(in crate::psi) fn tags(&self, read: &[Read]) -> Vec<u128> {
        let mut tags = Vec::with_capacity(read.len());
        let mut blocks = [[0; 64]; LANES];
        for read in read.chunks(LANES) {
            let blocks = &mut blocks[..read.len()];
            for (block, read) in blocks.iter_mut().zip(read) {
                *block = self.block(read, None);
            }
            Blocks::NONE.ends(blocks, |[a, b, c, d, ..]| {
                let high = u128::from(a) << 32 | u128::from(b);
                let low = u128::from(c) << 32 | u128::from(d);
                tags.push((high << 64 | low) >> self.cut);
            });
        }
        tags
    }

    /// The tags as elements, with the items' numbers.
    pub(in crate::psi) fn elements<'a>(
        &self,
        indexes: &'a [u32],
        read: &[Read],
    ) -> impl Iterator<Item = (usize, F128)> + use<'a> {
        let tags = self.tags(read).into_iter();
        indexes
            .iter()
            .zip(tags)
            .map(|(index, tag)| (*index as usize, F128::from_bytes(tag.to_be_bytes())))
    }

    /// `H'(z, x)` as words, of which there may be any number: four from each of
    /// the hashes of `(z, x, 0)`, `(z, x, 1)` and so on.
    pub(in crate::psi) fn words<const N: usize>(&self, read: &Read) -> [u64; N] {
        let mut words = [0; N];
        for (counter, chunk) in (0u8..).zip(words.chunks_mut(4)) {
            let state = Blocks::NONE.end(&self.block(read, Some(counter)));
            for (word, pair) in chunk.iter_mut().zip(state.chunks_exact(2)) {
                let halves = [pair[0].to_be_bytes(), pair[1].to_be_bytes()];
                *word = u64::from_le_bytes(halves.as_flattened().try_into().unwrap_or_default());
            }
        }
        words
    }

    /// The label, `z`, the key and at most one byte more: one block of SHA-256 with its
    /// padding, since there are millions.
    fn block(&self, read: &Read, more: Option<u8>) -> [u8; 64] {
        let mut block = [0u8; 64];
        block[..16].copy_from_slice(&self.label);
        block[16..32].copy_from_slice(&read.z.to_bytes());
        block[32..48].copy_from_slice(&read.key);
        block[48] = more.unwrap_or(0);
        Blocks::NONE.pad(&mut block, 48 + u8::from(more.is_some()));
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

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn tags_and_words_are_of_plain_sha_256() {
        let shape = Shape::full(10).unwrap();
        let oracle = Oracle::new(&Digest::plain(b"function"), &shape);
        let (z, key) = (F128::from_bytes([7; 16]), [9; 16]);
        let input = [&oracle.label[..], &z.to_bytes(), &key].concat();
        let digest = Sha256::digest(&input);
        let read = Read { z, key };
        for tag in oracle.tags(&[read; 17]) {
            assert_eq!(tag.to_be_bytes()[..], digest[..16]);
        }
        let blocks = [0u8, 1].map(|counter| Sha256::digest([&input[..], &[counter]].concat()));
        let words: [u64; 6] = oracle.words(&read);
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(bytes[..32], blocks[0][..]);
        assert_eq!(bytes[32..], blocks[1][..16]);
    }
}
