//! Pseudorandom generators from AES-128, many blocks at once.
//!
//! Why it exists: a VOLE stretches a few secrets into tens of megabytes. AES has
//! instructions on every server and the crate `aes` finds the widest of them at
//! run time (sixty-four blocks in flight with AVX-512); ChaCha is three times
//! slower there and gains nothing in simplicity.
//!
//! - [`Stream`]: counter mode under a secret seed, a generator if AES is a
//!   pseudorandom permutation. The counter starts at zero, so one seed feeds one
//!   stream.
//! - [`Doubler`]: `G(x) = (π₀(x) + x, π₁(x) + x)`, one node of a tree into two,
//!   with two permutations that the session's oracle chose. In the ideal-cipher
//!   model each half is correlation robust (Guo, Katz, Wang, Yu, "Efficient and
//!   Secure Multiparty Computation from Fixed-Key Block Ciphers", S&P 2020, §5).
//!   Keys of a session's own keep guesses against one session from helping
//!   against another.
//!
//! *Not here*: the tweakable and circular hashes of that paper. Where a protocol
//! needs correlation robustness under a secret shift, it uses the
//! [`crate::oracle::Oracle`]; there are few such calls.

use aes::{
    Aes128Enc,
    cipher::{Array, BlockCipherEncrypt, KeyInit, consts::U16},
};

use crate::field::F128;

type Block = Array<u8, U16>;

/// Blocks worked on at once: several times as many as are in flight, since each call
/// of the crate spreads the keys over its registers first.
const BATCH: usize = 256;

/// Counter mode under one seed.
pub(crate) struct Stream {
    cipher: Aes128Enc,
    counter: u128,
}

impl Stream {
    pub(crate) fn new(seed: F128) -> Self {
        Self {
            cipher: Aes128Enc::new(&Array(seed.to_bytes())),
            counter: 0,
        }
    }

    /// The next blocks of the stream.
    pub(crate) fn fill(&mut self, out: &mut [F128]) {
        let mut blocks = [Block::default(); BATCH];
        for chunk in out.chunks_mut(BATCH) {
            let blocks = &mut blocks[..chunk.len()];
            for block in blocks.iter_mut() {
                *block = Array(self.counter.to_le_bytes());
                self.counter += 1;
            }
            self.cipher.encrypt_blocks(blocks);
            for (out, block) in chunk.iter_mut().zip(blocks.iter()) {
                *out = F128::from_bytes(block.0);
            }
        }
    }
}

/// One node into two, under two permutations.
pub(crate) struct Doubler {
    permutations: [Aes128Enc; 2],
}

impl Doubler {
    pub(crate) fn new(keys: &[u8; 32]) -> Self {
        let (left, right) = keys.split_at(16);
        Self {
            permutations: [left, right].map(|key| {
                let mut block = Block::default();
                block.copy_from_slice(key);
                Aes128Enc::new(&block)
            }),
        }
    }

    /// Writes the two children of every parent side by side, and gives the sum of
    /// the left ones and that of the right ones.
    pub(crate) fn expand(&self, parents: &[F128], children: &mut [F128]) -> [F128; 2] {
        debug_assert_eq!(parents.len() * 2, children.len());
        let mut sums = [F128::ZERO; 2];
        let (mut input, mut output) = ([Block::default(); BATCH], [Block::default(); BATCH]);
        for (parents, children) in parents.chunks(BATCH).zip(children.chunks_mut(2 * BATCH)) {
            let (input, output) = (&mut input[..parents.len()], &mut output[..parents.len()]);
            for (block, parent) in input.iter_mut().zip(parents) {
                *block = Array(parent.to_bytes());
            }
            for (side, permutation) in self.permutations.iter().enumerate() {
                // Both slices have one length.
                let _ = permutation.encrypt_blocks_b2b(input, output);
                for ((parent, block), pair) in parents
                    .iter()
                    .zip(output.iter())
                    .zip(children.chunks_exact_mut(2))
                {
                    let child = F128::from_bytes(block.0) + *parent;
                    sums[side] += child;
                    pair[side] = child;
                }
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(hex_digits: &str) -> F128 {
        F128::from_bytes(hex::decode(hex_digits).unwrap().try_into().unwrap())
    }

    #[test]
    fn the_permutation_is_the_aes_of_fips_197() {
        // FIPS 197, appendix C.1.
        let key: [u8; 16] = element("000102030405060708090a0b0c0d0e0f").to_bytes();
        let plain = element("00112233445566778899aabbccddeeff");
        let keys: [u8; 32] = [key, [0; 16]].concat().try_into().unwrap();
        let mut children = [F128::ZERO; 2];
        Doubler::new(&keys).expand(&[plain], &mut children);
        let cipher = element("69c4e0d86a7b0430d8cdb78070b4c55a");
        assert_eq!(children[0], cipher + plain);
    }

    #[test]
    fn a_stream_is_counter_mode_however_it_is_read() {
        let seed = F128::from_bytes([3; 16]);
        let mut whole = vec![F128::ZERO; 333];
        Stream::new(seed).fill(&mut whole);
        let mut stream = Stream::new(seed);
        let mut parts = vec![F128::ZERO; 333];
        for part in parts.chunks_mut(70) {
            stream.fill(part);
        }
        assert_eq!(whole, parts);
        let cipher = Aes128Enc::new(&Array(seed.to_bytes()));
        for (counter, block) in whole.iter().enumerate() {
            let mut expected = Array((counter as u128).to_le_bytes());
            cipher.encrypt_block(&mut expected);
            assert_eq!(block.to_bytes(), expected.0);
        }
    }

    #[test]
    fn children_and_sums_do_not_depend_on_the_batch() {
        let doubler = Doubler::new(&std::array::from_fn(|i| u8::try_from(i).unwrap()));
        let mut parents = vec![F128::ZERO; 150];
        Stream::new(F128::ONE).fill(&mut parents);
        let mut children = vec![F128::ZERO; 300];
        let sums = doubler.expand(&parents, &mut children);
        for (parent, pair) in parents.iter().zip(children.chunks_exact(2)) {
            let mut alone = [F128::ZERO; 2];
            doubler.expand(&[*parent], &mut alone);
            assert_eq!(pair, alone);
            assert_ne!(pair[0], pair[1]);
        }
        let left: F128 = children.iter().step_by(2).copied().sum();
        let right: F128 = children.iter().skip(1).step_by(2).copied().sum();
        assert_eq!(sums, [left, right]);
    }
}
