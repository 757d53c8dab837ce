//! The random oracle of the crate's protocols: SHA-256 under a label and a session.
//!
//! Why it exists: a proof in the random-oracle model holds when every use of the
//! oracle is a function of its own. Here one block of SHA-256 holds the label's
//! digest and the session, so a short input costs one compression more.
//!
//! *Invariants*
//! - Under one label all inputs have one length, fixed by the session's public
//!   parameters, so their parts need no lengths of their own.

use sha2::{Digest as _, Sha256};

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
