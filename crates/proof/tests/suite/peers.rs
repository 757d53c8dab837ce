//! Every root and proof beside another implementation's (the crate `ct-merkle`).

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use primitives::Digest;
use proof::{Tree, leaf_hash, verify_consistency, verify_inclusion};
use sha2::Sha256;

use crate::record;

const RECORDS: usize = 200;

fn hashes(bytes: &[u8]) -> Vec<Digest> {
    let chunks = bytes.chunks_exact(32);
    assert!(chunks.remainder().is_empty());
    chunks.map(|c| Digest(c.try_into().unwrap())).collect()
}

#[test]
fn roots_and_proofs_are_the_peers() {
    let mut ours = Tree::new();
    let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    let mut roots = vec![ours.root()];
    for size in 1..=RECORDS {
        let bytes = record(size);
        ours.append(leaf_hash(&bytes));
        theirs.push(bytes);
        let root = theirs.root();
        assert_eq!(ours.root().0.as_slice(), root.as_bytes().as_slice());
        roots.push(ours.root());

        let index = (size * 7) % size.max(1);
        let path = theirs.prove_inclusion(index);
        let path = hashes(path.as_bytes());
        assert_eq!(ours.inclusion(index as u64, size as u64).unwrap(), path);
        let leaf = ours.leaf(index as u64).unwrap();
        verify_inclusion(&leaf, index as u64, size as u64, &path, &roots[size]).unwrap();
    }
    for old in 1..RECORDS {
        let path = hashes(theirs.prove_consistency(RECORDS - old).as_bytes());
        let (old_size, size) = (old as u64, RECORDS as u64);
        assert_eq!(ours.consistency(old_size, size).unwrap(), path);
        verify_consistency(old_size, size, &roots[old], &roots[RECORDS], &path).unwrap();
    }
    for index in 0..RECORDS {
        let path = hashes(theirs.prove_inclusion(index).as_bytes());
        assert_eq!(ours.inclusion(index as u64, RECORDS as u64).unwrap(), path);
    }
}
