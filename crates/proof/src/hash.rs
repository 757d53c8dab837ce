//! The three hashes of an RFC 9162 log: of nothing, of a leaf, of two children.
//!
//! They stand alone because everything else in this room is arithmetic about
//! which of them to call, and because a leaf and a node must never be taken
//! for one another.
//!
//! *Invariants*: a leaf's hash starts with `0x00`, a node's with `0x01`
//! (RFC 9162 §2.1.1), so no record has the hash of an inner node.

use primitives::Digest;
use sha2::{Digest as _, Sha256};

const LEAF_PREFIX: [u8; 1] = [0x00];
const NODE_PREFIX: [u8; 1] = [0x01];

/// The root of a log without records: SHA-256 of the empty string.
pub fn empty_root() -> Digest {
    Digest(Sha256::digest([]).into())
}

/// The hash of one record: SHA-256 of `0x00 || record`.
pub fn leaf_hash(record: &[u8]) -> Digest {
    let mut hasher = Sha256::new();
    hasher.update(LEAF_PREFIX);
    hasher.update(record);
    Digest(hasher.finalize().into())
}

/// The hash of an inner node: SHA-256 of `0x01 || left || right`.
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let mut hasher = Sha256::new();
    hasher.update(NODE_PREFIX);
    hasher.update(left.0);
    hasher.update(right.0);
    Digest(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(digest: &Digest) -> String {
        digest.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn hashes_are_those_of_the_rfc() {
        assert_eq!(
            hex(&empty_root()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        // Certificate Transparency's well-known values.
        assert_eq!(
            hex(&leaf_hash(b"")),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
        );
        assert_eq!(
            hex(&node_hash(&leaf_hash(b""), &leaf_hash(&[0]))),
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
        );
    }
}
