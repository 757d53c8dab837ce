//! The tree over one bucket's cells.
//!
//! Why it exists: the custodian signs a lookup's transcript. With a root over each
//! bucket in it, a single cell, or that none has a tag, can be shown to stand under that
//! signature without the rest of the bucket.
//!
//! Source: the Merkle tree of RFC 9162 §2.1.1 with SHA-256, whose leaf `i` is
//! `tag_i ‖ SHA-256(ciphertext_i ‖ authenticator_i)`: a cell's *edge*, enough to show
//! where another tag would stand.
//!
//! *Invariants*: the cells are ascending by tag, so two neighbours show that no tag
//! between them is there.

use sha2::{Digest as _, Sha256};

use super::cells::{CELL_BYTES, TAG_BYTES};

/// A leaf's or node's hash.
pub(crate) type Hash = [u8; 32];
/// Bytes of a cell's edge.
pub(crate) const EDGE_BYTES: usize = TAG_BYTES + 32;

/// What stands for a cell in the tree.
pub(crate) fn edge(cell: &[u8]) -> [u8; EDGE_BYTES] {
    let (tag, body) = cell.split_at(TAG_BYTES.min(cell.len()));
    let mut edge = [0; EDGE_BYTES];
    edge[..tag.len()].copy_from_slice(tag);
    edge[TAG_BYTES..].copy_from_slice(&Sha256::digest(body));
    edge
}

fn leaf(cell: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0]);
    hasher.update(edge(cell));
    hasher.finalize().into()
}

fn node(left: &Hash, right: &Hash) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([1]);
    hasher.update(left);
    hasher.update(right);
    hasher.finalize().into()
}

/// The leaves of cells that lie one after the other.
pub(crate) fn leaves(cells: &[u8]) -> impl Iterator<Item = Hash> {
    cells.chunks_exact(CELL_BYTES).map(leaf)
}

/// The root over all leaves; of none, the hash of nothing.
pub(crate) fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node(&root(left), &root(right))
        }
    }
}

/// The root, with what shows the leaves `kept` (ascending) to be under it: from left to
/// right, the root of every largest subtree in which none of them is.
pub(crate) fn prune(leaves: &[Hash], kept: &[usize], siblings: &mut Vec<Hash>) -> Hash {
    below(leaves, 0, kept, siblings)
}

fn below(leaves: &[Hash], first: usize, kept: &[usize], siblings: &mut Vec<Hash>) -> Hash {
    match leaves {
        _ if kept.is_empty() => {
            let root = root(leaves);
            siblings.push(root);
            root
        }
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            let middle = first + left.len();
            let (before, after) = kept.split_at(kept.partition_point(|index| *index < middle));
            let left = below(left, first, before, siblings);
            node(&left, &below(right, middle, after, siblings))
        }
    }
}

/// The largest power of two below `count`, which is at least 2.
fn split(count: usize) -> usize {
    count.next_power_of_two() / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(count: usize) -> Vec<Hash> {
        (0..count)
            .map(|index| Sha256::digest(index.to_be_bytes()).into())
            .collect()
    }

    /// RFC 9162 §2.1.5: the tree of seven leaves, node by node.
    #[test]
    fn a_tree_is_split_as_in_the_rfc() {
        let d = some(7);
        let (g, h, i) = (node(&d[0], &d[1]), node(&d[2], &d[3]), node(&d[4], &d[5]));
        let (k, l) = (node(&g, &h), node(&i, &d[6]));
        assert_eq!(root(&d), node(&k, &l));
        let mut siblings = Vec::new();
        assert_eq!(prune(&d, &[0], &mut siblings), root(&d));
        assert_eq!(siblings, [d[1], h, l]);
        siblings.clear();
        assert_eq!(prune(&d, &[3, 6], &mut siblings), root(&d));
        assert_eq!(siblings, [g, d[2], i]);
    }

    #[test]
    fn a_leaf_stands_for_every_byte_of_its_cell() {
        let cell: Vec<u8> = (0..CELL_BYTES)
            .map(|byte| u8::try_from(byte % 251).unwrap())
            .collect();
        for byte in 0..CELL_BYTES {
            let mut other = cell.clone();
            other[byte] ^= 1;
            assert_ne!(leaf(&cell), leaf(&other), "{byte}");
        }
        assert_eq!(edge(&cell)[..TAG_BYTES], cell[..TAG_BYTES]);
    }
}
