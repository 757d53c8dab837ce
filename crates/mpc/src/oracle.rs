//! The random oracle of the crate's protocols: SHA-256 under a label and a session.
//!
//! Why it exists: a proof in the random-oracle model holds when every use of the
//! oracle is a function of its own. Here one block of SHA-256 holds the label's
//! digest and the session, so a short input costs one compression more.
//!
//! *Invariants*
//! - Under one label all inputs have one length, fixed by the session's public
//!   parameters, so their parts need no lengths of their own.

use sha2::{Digest as _, Sha256, block_api::compress256};

use crate::simd;

/// The state that SHA-256 begins with (FIPS 180-4, §5.3.3).
const INITIAL: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// SHA-256 of a message's whole blocks so far, for what is hashed by the million:
/// the end costs one block, and no buffer is kept.
#[derive(Clone, Copy)]
pub(crate) struct Blocks {
    state: [u32; 8],
    bytes: u16,
}

impl Blocks {
    /// Bytes that the last block has room for beside its padding.
    pub(crate) const ROOM: usize = 55;

    /// Before the first block.
    pub(crate) const NONE: Self = Self {
        state: INITIAL,
        bytes: 0,
    };

    /// Takes one block more, of the first thousand.
    pub(crate) fn and(mut self, block: [u8; 64]) -> Self {
        compress256(&mut self.state, &[block]);
        self.bytes += 64;
        self
    }

    /// Pads the last block of a message: its last `len` bytes, at most
    /// [`ROOM`](Self::ROOM), with which `last` begins; its other bytes are zero.
    pub(crate) fn pad(&self, last: &mut [u8; 64], len: u8) {
        debug_assert!(usize::from(len) <= Self::ROOM);
        last[usize::from(len)] = 0x80;
        let bits = (u64::from(self.bytes) + u64::from(len)) * 8;
        last[56..].copy_from_slice(&bits.to_be_bytes());
    }

    /// The words of the digest of the message that ends with a padded block.
    pub(crate) fn end(mut self, last: &[u8; 64]) -> [u32; 8] {
        compress256(&mut self.state, std::slice::from_ref(last));
        self.state
    }

    /// Gives `take` the words of [`Self::end`] of each padded block, in their order.
    pub(crate) fn ends(self, lasts: &[[u8; 64]], mut take: impl FnMut([u32; 8])) {
        let (many, few) = lasts.as_chunks();
        for lasts in many {
            let states = simd::hashes::compress_each(&self.state, lasts);
            states.into_iter().for_each(&mut take);
        }
        few.iter().for_each(|last| take(self.end(last)));
    }
}

/// A function of its own for each label and session.
#[derive(Clone)]
pub(crate) struct Oracle(Sha256);

impl Oracle {
    pub(crate) fn new(domain: &str, session: &[u8; 32]) -> Self {
        Self(
            Sha256::new()
                .chain_update(Sha256::digest(domain.as_bytes()))
                .chain_update(session),
        )
    }

    /// The digest of the parts, one after the other.
    pub(crate) fn hash(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut hasher = self.0.clone();
        for part in parts {
            hasher.update(part);
        }
        hasher.finalize().into()
    }

    /// The first half of the digest.
    pub(crate) fn block(&self, parts: &[&[u8]]) -> [u8; 16] {
        let mut block = [0; 16];
        block.copy_from_slice(&self.hash(parts)[..16]);
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_plain_sha_256() {
        for (blocks, len) in [(0, 0), (0, 55), (1, 18), (3, 40)] {
            let message: Vec<u8> = (0u8..=255).take(64 * blocks + len).collect();
            let (whole, rest) = message.as_chunks::<64>();
            let state = whole
                .iter()
                .fold(Blocks::NONE, |state, block| state.and(*block));
            let mut last = [0; 64];
            last[..len].copy_from_slice(rest);
            state.pad(&mut last, u8::try_from(len).unwrap());
            let mut all = vec![state.end(&last)];
            state.ends(&[last; 17], |words| all.push(words));
            assert_eq!(all.len(), 18);
            for words in all {
                let bytes = words.map(u32::to_be_bytes);
                assert_eq!(bytes.as_flattened(), &Sha256::digest(&message)[..]);
            }
        }
    }

    #[test]
    fn it_is_sha_256_of_label_session_and_input() {
        let plain = [&Sha256::digest(b"label")[..], &[7; 32], b"abcd"].concat();
        let oracle = Oracle::new("label", &[7; 32]);
        assert_eq!(oracle.hash(&[b"ab", b"cd"])[..], Sha256::digest(plain)[..]);
        assert_eq!(oracle.block(&[b"abcd"])[..], oracle.hash(&[b"abcd"])[..16]);
        assert_ne!(
            oracle.hash(&[b"abcd"]),
            Oracle::new("label", &[8; 32]).hash(&[b"abcd"])
        );
    }
}
