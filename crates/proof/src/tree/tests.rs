use proptest::prelude::*;

use super::*;
use crate::hash::leaf_hash;
use crate::verify::{verify_consistency, verify_inclusion};

fn leaves(count: u64) -> Vec<Digest> {
    (0..count).map(|i| leaf_hash(&i.to_be_bytes())).collect()
}

/// The definition of RFC 9162 §2.1.1, word for word.
fn definition(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let middle = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(middle);
            node_hash(&definition(left), &definition(right))
        }
    }
}

#[test]
fn every_root_up_to_130_is_the_definitions() {
    let leaves = leaves(130);
    let mut tree = Tree::new();
    let mut frontier = Frontier::new();
    for size in 0..=130 {
        assert_eq!(tree.root(), definition(&leaves[..size]), "tree of {size}");
        assert_eq!(frontier.root(), tree.root(), "frontier of {size}");
        assert_eq!(tree.frontier(), frontier);
        if let Some(leaf) = leaves.get(size) {
            assert_eq!(tree.append(*leaf), size as u64);
            assert_eq!(frontier.append(*leaf), size as u64);
        }
    }
    for size in 0..=130 {
        let past = tree.root_at(size as u64).unwrap();
        assert_eq!(past, definition(&leaves[..size]), "root at {size}");
    }
}

#[test]
fn every_proof_up_to_70_verifies_and_no_other_length_does() {
    let tree: Tree = leaves(70).into_iter().collect();
    for size in 1..=70 {
        let root = tree.root_at(size).unwrap();
        for index in 0..size {
            let path = tree.inclusion(index, size).unwrap();
            let leaf = tree.leaf(index).unwrap();
            verify_inclusion(&leaf, index, size, &path, &root).unwrap();
            assert_length_matters(&path, |path| {
                verify_inclusion(&leaf, index, size, path, &root)
            });
        }
        for old in 1..=size {
            let old_root = tree.root_at(old).unwrap();
            let path = tree.consistency(old, size).unwrap();
            verify_consistency(old, size, &old_root, &root, &path).unwrap();
            assert_length_matters(&path, |path| {
                verify_consistency(old, size, &old_root, &root, path)
            });
        }
    }
}

fn assert_length_matters(path: &[Digest], check: impl Fn(&[Digest]) -> Result<(), ProofError>) {
    let longer = [path, &[empty_root()]].concat();
    let refused = |result| matches!(result, Err(ProofError::Refusal(Refusal::PathLength { .. })));
    assert!(refused(check(&longer)));
    if let Some((_, shorter)) = path.split_last() {
        assert!(refused(check(shorter)));
    }
}

#[test]
fn what_the_log_never_held_is_refused() {
    let tree: Tree = leaves(5).into_iter().collect();
    let out = |result: Result<_, ProofError>| {
        matches!(
            result,
            Err(ProofError::Refusal(
                Refusal::OutOfRange { .. } | Refusal::SizeOrder { .. }
            ))
        )
    };
    assert!(out(tree.inclusion(5, 5)));
    assert!(out(tree.inclusion(0, 6)));
    assert!(out(tree.inclusion(0, 0)));
    assert!(out(tree.consistency(0, 5)));
    assert!(out(tree.consistency(4, 3)));
    assert!(out(tree.consistency(4, 6)));
    assert!(tree.root_at(6).is_err());
    assert_eq!(tree.leaf(5), None);
}

proptest! {
    /// No index, size or path that an attacker sends makes the verifier panic or agree.
    #[test]
    fn foreign_numbers_are_refused(
        index in any::<u64>(), size in any::<u64>(), old in any::<u64>(),
        path in proptest::collection::vec(any::<[u8; 32]>().prop_map(Digest), 0..70),
    ) {
        let root = empty_root();
        prop_assert!(verify_inclusion(&root, index, size, &path, &root).is_err());
        if old != size {
            prop_assert!(verify_consistency(old, size, &root, &root, &path).is_err());
        }
    }

    #[test]
    fn a_changed_hash_or_index_is_refused(size in 2u64..300, pick in any::<prop::sample::Index>(), bit in 0usize..256) {
        let tree: Tree = leaves(size).into_iter().collect();
        let index = pick.index(usize::try_from(size).unwrap()) as u64;
        let root = tree.root();
        let leaf = tree.leaf(index).unwrap();
        let mut path = tree.inclusion(index, size).unwrap();
        let other = (index + 1) % size;
        prop_assert!(verify_inclusion(&leaf, other, size, &path, &root).is_err());
        let position = pick.index(path.len());
        path[position].0[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(verify_inclusion(&leaf, index, size, &path, &root).is_err());
    }

    #[test]
    fn a_frontier_survives_storage(size in 0u64..500) {
        let tree: Tree = leaves(size).into_iter().collect();
        let bytes = primitives::cbor::encode(&tree.frontier()).unwrap();
        let mut read: Frontier = primitives::cbor::decode(&bytes, 4096).unwrap();
        prop_assert_eq!(read.root(), tree.root());
        let mut tree = tree;
        tree.append(leaf_hash(b"next"));
        read.append(leaf_hash(b"next"));
        prop_assert_eq!(read.root(), tree.root());
    }
}
