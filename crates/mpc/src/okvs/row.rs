//! The rows of a store: which columns a key uses, under a seed.
//!
//! Why it exists: both sides derive the same rows from the seed, the encoder
//! when its keys are fixed, the decoder for keys of its own.
//!
//! *Source*: figure 1 and §2.1 of eprint 2022/320 ("separate" clusters).
//!
//! *Invariants*
//! - A row is a function of seed, shape and key: AES-128 under two keys derived
//!   from the seed, each output added to its input, as a random function.
//! - Its three sparse columns differ; each triple is equally likely but for
//!   2^-40 (the bits are scaled, not reduced by division).

use aes::{
    Aes128,
    cipher::{Array, BlockCipherEncrypt, KeyInit},
};

use super::Params;

/// Blocks worked on at once, as in [`crate::prg`].
const LANES: usize = 256;

/// The columns of one key within its bin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    pub(super) sparse: [u32; 3],
    pub(super) dense: u64,
}

/// The rows of a shape under a seed.
pub struct Rows {
    params: Params,
    place: Aes128,
    rest: Aes128,
}

impl Rows {
    /// The rows under `seed`.
    #[must_use]
    pub fn new(params: Params, seed: &[u8; 16]) -> Self {
        let root = Aes128::new(&Array::from(*seed));
        let derive = |counter: u8| {
            let mut block = Array::from([counter; 16]);
            root.encrypt_block(&mut block);
            Aes128::new(&block)
        };
        Self {
            params,
            place: derive(1),
            rest: derive(2),
        }
    }

    /// The shape.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Groups keys by bin.
    #[must_use]
    pub fn group(&self, keys: impl ExactSizeIterator<Item = [u8; 16]> + Clone) -> Grouped {
        let bins = self.params.bins;
        if bins == 1 {
            let order = (0u32..).take(keys.len()).collect();
            return Grouped {
                starts: vec![0, keys.len()],
                order,
            };
        }
        let mut places = Vec::with_capacity(keys.len());
        let mut blocks = [Array::from([0u8; 16]); LANES];
        let mut rest = keys;
        while rest.len() > 0 {
            let count = rest.len().min(LANES);
            let mut plain = [[0u8; 16]; LANES];
            for (plain, key) in plain.iter_mut().zip(rest.by_ref().take(count)) {
                *plain = key;
            }
            blocks
                .iter_mut()
                .zip(&plain)
                .for_each(|(block, plain)| *block = Array::from(*plain));
            self.place.encrypt_blocks(&mut blocks);
            for (block, plain) in blocks.iter().zip(&plain).take(count) {
                let (first, _) = halves(&block.0, plain);
                places.push(scale(first, bins).0);
            }
        }
        let mut starts = vec![0usize; bins + 1];
        for place in &places {
            starts[*place as usize + 1] += 1;
        }
        for bin in 0..bins {
            starts[bin + 1] += starts[bin];
        }
        let mut next = starts.clone();
        let mut order = vec![0u32; places.len()];
        for (index, place) in (0u32..).zip(&places) {
            let slot = &mut next[*place as usize];
            order[*slot] = index;
            *slot += 1;
        }
        Grouped { starts, order }
    }

    /// The rows of keys of one bin, in their order.
    pub fn rows(&self, keys: &[[u8; 16]], rows: &mut Vec<Row>) {
        rows.clear();
        rows.reserve(keys.len());
        let mask = u64::MAX >> (64 - self.params.dense.min(64));
        for chunk in keys.chunks(LANES) {
            let mut first = [Array::from([0u8; 16]); LANES];
            for (block, key) in first.iter_mut().zip(chunk) {
                *block = Array::from(*key);
            }
            let mut second = first;
            self.place.encrypt_blocks(&mut first);
            self.rest.encrypt_blocks(&mut second);
            for ((key, first), second) in chunk.iter().zip(&first).zip(&second) {
                let (a, b) = halves(&first.0, key);
                let (c, d) = halves(&second.0, key);
                let within = scale(a, self.params.bins).1;
                rows.push(Row {
                    sparse: distinct(self.params.sparse, [within, b, c]),
                    dense: d & mask,
                });
            }
        }
    }
}

/// Indexes of keys, bin by bin.
pub struct Grouped {
    starts: Vec<usize>,
    order: Vec<u32>,
}

impl Grouped {
    /// The indexes of all keys, the first bin's first.
    #[must_use]
    pub fn all(&self) -> &[u32] {
        &self.order
    }

    /// The indexes of one bin's keys.
    #[must_use]
    pub fn bin(&self, bin: usize) -> &[u32] {
        &self.order[self.starts[bin]..self.starts[bin + 1]]
    }
}

/// The cipher's output added to its input, as two words.
fn halves(block: &[u8; 16], key: &[u8; 16]) -> (u64, u64) {
    let word = u128::from_le_bytes(*block) ^ u128::from_le_bytes(*key);
    let low = u64::try_from(word & u128::from(u64::MAX)).unwrap_or(0);
    let high = u64::try_from(word >> 64).unwrap_or(0);
    (low, high)
}

/// Scales 64 random bits to `0..range`, and gives the bits that are left.
fn scale(word: u64, range: usize) -> (u32, u64) {
    let product = u128::from(word) * range as u128;
    let place = u32::try_from(product >> 64).unwrap_or(0);
    let left = u64::try_from(product & u128::from(u64::MAX)).unwrap_or(0);
    (place, left)
}

/// Three different columns of `count`.
fn distinct(count: usize, words: [u64; 3]) -> [u32; 3] {
    let first = scale(words[0], count).0;
    let mut second = scale(words[1], count - 1).0;
    second += u32::from(second >= first);
    let mut third = scale(words[2], count - 2).0;
    third += u32::from(third >= first.min(second));
    third += u32::from(third >= first.max(second));
    [first, second, third]
}
