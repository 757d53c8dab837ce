//! Short VOLEs between a chooser's `Δ` and a giver's vector, by SoftSpokenOT.
//!
//! Why it exists: 128 base transfers become as many correlations `w = v + Δ·a` as
//! the noise needs, for a sixteenth of the bytes that one bit of `Δ` at a time
//! would take.
//!
//! Paper: Roy, "SoftSpokenOT: Quieter OT Extension from Small-Field Silent VOLE in
//! the Minicrypt Model" (CRYPTO 2022): small-field VOLE (figure 7), its trees with
//! the consistency check against a malicious giver (figures 13 and 14; the check is
//! that of Boyle et al., "Efficient Two-Round OT Extension and Silent
//! Non-Interactive Secure Computation", CCS 2019, figure 4), and subspace VOLE
//! under the repetition code with its check (figures 8 and 9), for `k = 8`.
//!
//! `Δ`'s 128 bits are sixteen groups of eight. For group `i` the giver holds a tree
//! of 256 leaves and the chooser all of them but leaf `Δ_i`. Leaves are stretched
//! to vectors `r_y`; with `u_i = Σ r_y` and, for each bit `j`,
//! `v_{i,j} = Σ_{y_j = 1} r_y`, the chooser can compute
//! `w_{i,j} = Σ_{(y + Δ_i)_j = 1} r_y = v_{i,j} + Δ_{i,j}·u_i`, whose one unknown
//! term has the factor zero. The giver sends `u_i + u_0` for the other groups; the
//! chooser adds it where `Δ_{i,j}` is set, and every column then holds the same
//! `a = u_0`.
//!
//! ```text
//! giver                                           chooser
//!   per tree and level: both sums under
//!   the base transfer's keys; t = Σ s_y, h = H(s)
//!   per group but the first: u_i + u_0     ──▶   regrows; checks t, h
//!                                     ◀── point ─  uniformly random
//!   x = hash(a), z_c = hash(v_c)           ──▶   hash(w_c) = z_c + Δ_c·x, all c
//! ```
//! The hash of entries `y_0 … y_L` is `Σ_{i<L} y_i·point^(L−i) + y_L`: the last entry
//! is given up as the mask that hides `a`. It is universal over GF(2^128) with error
//! `L / 2^128`, where the paper takes any such hash.
//!
//! *Adversary*: malicious giver or chooser, with abort. A giver whose corrections
//! differ among groups passes only by having guessed `Δ_i` for each group that
//! differs from the rest; then its errors are multiples of bits it knows, and the
//! correlation holds for another vector that it can compute. So `c` guessed bits
//! cost a factor `2^-c` in the chance not to be caught, and a giver that was caught
//! has met a `Δ` that is never used: the chooser is consumed by its check. The same
//! holds for a giver with bad trees.
//! *Leaks*: nothing else. *Cost*: 256 bytes a tree for the levels, 64 for its check;
//! fifteen elements for each entry; 2,064 for the second check.
//! *Deviation*: leaves are split by SHA-256 under two labels instead of a
//! length-tripling generator. The giver's vector over GF(2^128) is the paper's over
//! GF(2), 128 entries at a time; the relation is linear over GF(2) in both.
//!
//! *Invariants*
//! - Nothing computed from `Δ` leaves the chooser before both checks passed.
//! - `Δ` steers no branch and no address.

use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};
use zeroize::Zeroizing;

use super::tree::{Trees, equal_mask};
use crate::{
    domains,
    field::{F128, polynomial_hash, xor_into},
    oracle::Oracle,
    prg::Stream,
    secrecy,
};

/// Why a check's outcome may be known.
pub(crate) const A_CHECK: &str = "whether a correlation's check passed";

/// Bits of `Δ` in one group, the paper's `k`.
const GROUP_BITS: usize = 8;
/// Groups.
pub(crate) const GROUPS: usize = 128 / GROUP_BITS;
/// Base transfers of one correlation.
pub(crate) const TRANSFERS: usize = 128;
/// Bytes of all trees' levels and checks.
pub(crate) const TREES_BYTES: usize = GROUPS * (GROUP_BITS * 32 + 64);
/// Bytes of the answer to the second check.
pub(crate) const RESPONSE_BYTES: usize = 16 * (1 + TRANSFERS);

const LEAVES: usize = 1 << GROUP_BITS;
/// Entries of a vector that are worked on while 256 of them are in the cache.
const SLICE: usize = 16;

/// Bytes of the corrections of `len` entries.
pub(crate) const fn corrections_bytes(len: usize) -> usize {
    (GROUPS - 1) * len * 16
}

/// Which of a session's two correlations; they share no oracle input.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    /// For the noise's values.
    Noise,
    /// For the transfers that hide the noise's places.
    Transfers,
}

impl Purpose {
    fn byte(self) -> u8 {
        match self {
            Self::Noise => 0,
            Self::Transfers => 1,
        }
    }
}

/// The choices in the base transfers that fit `delta`: of each level the sum on
/// the other side.
pub(crate) fn choices(delta: F128) -> Vec<Choice> {
    let group = |i| {
        (0..GROUP_BITS)
            .rev()
            .map(move |j| !delta.bit(GROUP_BITS * i + j))
    };
    (0..GROUPS).flat_map(group).collect()
}

/// The giver's or the chooser's columns: 128 vectors of `len` entries.
pub(crate) type Columns = Zeroizing<Vec<F128>>;

/// What a giver holds: `a` and the columns of `v`.
pub(crate) struct Giver {
    /// The common vector; the last entry is the check's mask.
    pub(crate) a: Zeroizing<Vec<F128>>,
    /// Column `c` at `c·len ..`.
    pub(crate) v: Columns,
}

/// The oracles of one correlation.
struct Oracles {
    seed: Oracle,
    check: Oracle,
    digest: Oracle,
    tree_keys: [u8; 32],
    purpose: u8,
}

impl Oracles {
    fn new(session: &[u8; 32], purpose: Purpose) -> Self {
        let purpose = purpose.byte();
        Self {
            seed: Oracle::new(domains::VOLE_LEAF_SEED, session),
            check: Oracle::new(domains::VOLE_LEAF_CHECK, session),
            digest: Oracle::new(domains::VOLE_TREE_DIGEST, session),
            tree_keys: Oracle::new(domains::VOLE_SMALL_TREES, session).hash(&[&[purpose]]),
            purpose,
        }
    }

    /// What proves each leaf of one tree, 32 bytes a leaf.
    fn proofs(&self, group: u8, leaves: &[F128]) -> Zeroizing<Vec<u8>> {
        let mut proofs = Zeroizing::new(Vec::with_capacity(leaves.len() * 32));
        for leaf in leaves {
            let input = Zeroizing::new(leaf.to_bytes());
            proofs.extend_from_slice(&self.check.hash(&[&[self.purpose, group], &*input]));
        }
        proofs
    }

    fn digest(&self, group: u8, proofs: &[u8]) -> [u8; 32] {
        self.digest.hash(&[&[self.purpose, group], proofs])
    }

    fn streams(&self, group: u8, leaves: &[F128]) -> Vec<Stream> {
        let stream = |leaf: &F128| {
            let input = Zeroizing::new(leaf.to_bytes());
            let seed = self.seed.block(&[&[self.purpose, group], &*input]);
            Stream::new(F128::from_bytes(seed))
        };
        leaves.iter().map(stream).collect()
    }
}

/// The sum of 32-byte proofs.
fn sum_of_proofs(proofs: &[u8]) -> [u8; 32] {
    let mut sum = [0; 32];
    for proof in proofs.chunks_exact(32) {
        for (sum, byte) in sum.iter_mut().zip(proof) {
            *sum ^= byte;
        }
    }
    sum
}

/// Stretches one tree's leaves: `u` and its eight columns, bit 0 first.
fn stretch(mut streams: Vec<Stream>, u: &mut [F128], columns: &mut [F128]) {
    let len = u.len();
    let mut rows = Zeroizing::new(vec![F128::ZERO; LEAVES * SLICE]);
    for start in (0..len).step_by(SLICE) {
        let width = SLICE.min(len - start);
        for (stream, row) in streams.iter_mut().zip(rows.chunks_exact_mut(SLICE)) {
            stream.fill(&mut row[..width]);
        }
        // Fold bit after bit: the odd rows of each fold make its column, and the
        // sum of each pair goes on.
        for bit in 0..GROUP_BITS {
            let column = &mut columns[bit * len + start..][..width];
            for pair in 0..LEAVES >> (bit + 1) {
                let step = SLICE << bit;
                let (even, odd) = rows[2 * pair * step..].split_at_mut(step);
                xor_into(column, &odd[..width]);
                xor_into(&mut even[..width], &odd[..width]);
            }
        }
        u[start..start + width].copy_from_slice(&rows[..width]);
    }
}

/// The giver's side: its columns, and the message for the chooser.
pub(crate) fn give(
    session: &[u8; 32],
    purpose: Purpose,
    roots: &[F128; GROUPS],
    base: &[[F128; 2]],
    len: usize,
) -> (Giver, Vec<u8>) {
    let oracles = Oracles::new(session, purpose);
    let mut trees = Trees::new(&oracles.tree_keys, GROUP_BITS);
    let mut message = Vec::with_capacity(TREES_BYTES + corrections_bytes(len));
    let mut u = Zeroizing::new(vec![F128::ZERO; GROUPS * len]);
    let mut v = Zeroizing::new(vec![F128::ZERO; TRANSFERS * len]);
    let mut leaves = Zeroizing::new(vec![F128::ZERO; LEAVES]);
    for (i, group) in (0..GROUPS).zip(0u8..) {
        let sums = Zeroizing::new(trees.grow(roots[i], &mut leaves));
        for (sums, keys) in sums.iter().zip(&base[i * GROUP_BITS..]) {
            message.extend_from_slice(&(sums[0] + keys[0]).to_bytes());
            message.extend_from_slice(&(sums[1] + keys[1]).to_bytes());
        }
        let proofs = oracles.proofs(group, &leaves);
        message.extend_from_slice(&sum_of_proofs(&proofs));
        message.extend_from_slice(&oracles.digest(group, &proofs));
        let columns = &mut v[i * GROUP_BITS * len..][..GROUP_BITS * len];
        let streams = oracles.streams(group, &leaves);
        stretch(streams, &mut u[i * len..][..len], columns);
    }
    let (a, others) = u.split_at(len);
    for other in others.chunks_exact(len) {
        for (a, other) in a.iter().zip(other) {
            message.extend_from_slice(&(*a + *other).to_bytes());
        }
    }
    let a = Zeroizing::new(a.to_vec());
    (Giver { a, v }, message)
}

impl Giver {
    /// The answer to the chooser's point.
    pub(crate) fn respond(&self, point: F128) -> Vec<u8> {
        let mut response = Vec::with_capacity(RESPONSE_BYTES);
        response.extend_from_slice(&masked_hash(&self.a, point).to_bytes());
        for column in self.v.chunks_exact(self.a.len()) {
            response.extend_from_slice(&masked_hash(column, point).to_bytes());
        }
        response
    }
}

/// The last entry masks the hash of the others.
fn masked_hash(entries: &[F128], point: F128) -> F128 {
    match entries.split_last() {
        Some((mask, rest)) => polynomial_hash(rest, point) + *mask,
        None => F128::ZERO,
    }
}

/// A chooser's columns before the second check.
pub(crate) struct Unchecked {
    delta: F128,
    w: Columns,
    len: usize,
}

/// The chooser's side; `None` where a tree is not what its digest says.
pub(crate) fn receive(
    session: &[u8; 32],
    purpose: Purpose,
    delta: F128,
    base: &[F128],
    len: usize,
    message: &[u8],
) -> Option<Unchecked> {
    let oracles = Oracles::new(session, purpose);
    let mut trees = Trees::new(&oracles.tree_keys, GROUP_BITS);
    let (levels, corrections) = message.split_at(TREES_BYTES);
    let mut w = Zeroizing::new(vec![F128::ZERO; TRANSFERS * len]);
    let mut u = Zeroizing::new(vec![F128::ZERO; len]);
    let mut leaves = Zeroizing::new(vec![F128::ZERO; LEAVES]);
    // All trees are looked at, so that the time does not tell which one failed.
    let mut sound = Choice::from(1);
    for (i, group) in (0..GROUPS).zip(0u8..) {
        let part = &levels[i * (TREES_BYTES / GROUPS)..][..TREES_BYTES / GROUPS];
        let place = usize::from(delta.to_bytes()[i]);
        let sums: Zeroizing<Vec<F128>> = Zeroizing::new(
            (0..GROUP_BITS)
                .map(|level| {
                    let pair = &part[32 * level..];
                    let other = !delta.bit(GROUP_BITS * (i + 1) - 1 - level);
                    let sealed =
                        F128::conditional_select(&element(pair, 0), &element(pair, 1), other);
                    sealed + base[i * GROUP_BITS + level]
                })
                .collect(),
        );
        trees.regrow(place, &sums, &mut leaves);
        sound &= check_tree(&oracles, group, place, &leaves, &part[32 * GROUP_BITS..]);
        let columns = &mut w[i * GROUP_BITS * len..][..GROUP_BITS * len];
        stretch(oracles.streams(group, &leaves), &mut u, columns);
        if i > 0 {
            for (k, u) in u.iter_mut().enumerate() {
                *u += element(corrections, (i - 1) * len + k);
            }
        }
        for (j, column) in columns.chunks_exact_mut(len).enumerate() {
            let bit = delta.bit(i * GROUP_BITS + j);
            for (w, u) in column.iter_mut().zip(u.iter()) {
                *w += u.masked(bit);
            }
        }
    }
    secrecy::outcome(sound, A_CHECK).then_some(Unchecked { delta, w, len })
}

/// Whether the leaves known, with the one that `sum` then makes, have the digest.
fn check_tree(oracles: &Oracles, group: u8, place: usize, leaves: &[F128], check: &[u8]) -> Choice {
    let mut proofs = oracles.proofs(group, leaves);
    let mut change = sum_of_proofs(&proofs);
    for (change, byte) in change.iter_mut().zip(check) {
        *change ^= byte;
    }
    for (leaf, proof) in proofs.chunks_exact_mut(32).enumerate() {
        let here = equal_mask(leaf, place).to_le_bytes()[0];
        for (byte, change) in proof.iter_mut().zip(&change) {
            *byte ^= change & here;
        }
    }
    oracles.digest(group, &proofs)[..].ct_eq(&check[32..64])
}

/// Element `index` of `bytes`.
pub(crate) fn element(bytes: &[u8], index: usize) -> F128 {
    let mut element = [0; 16];
    element.copy_from_slice(&bytes[16 * index..16 * (index + 1)]);
    F128::from_bytes(element)
}

impl Unchecked {
    /// The columns of `w`, if the giver's answer at `point` fits all of them.
    pub(crate) fn check(self, point: F128, response: &[u8]) -> Option<Columns> {
        let x = element(response, 0);
        let mut sound = Choice::from(1);
        for (c, column) in self.w.chunks_exact(self.len).enumerate() {
            let expected = element(response, 1 + c) + x.masked(self.delta.bit(c));
            sound &= masked_hash(column, point).ct_eq(&expected);
        }
        secrecy::outcome(sound, A_CHECK).then_some(self.w)
    }
}

/// `Σ x^c·column_c`: 128 columns as one vector over GF(2^128).
pub(crate) fn combine(columns: &[F128], len: usize) -> Zeroizing<Vec<F128>> {
    let mut sum = Zeroizing::new(vec![F128::ZERO; len]);
    for (c, column) in columns.chunks_exact(len).enumerate() {
        crate::field::mul_add_scalar(&mut sum, column, F128::power_of_x(c));
    }
    sum
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    const SESSION: [u8; 32] = [3; 32];

    struct World {
        delta: F128,
        base: Vec<[F128; 2]>,
        chosen: Vec<F128>,
        giver: Giver,
        message: Vec<u8>,
        len: usize,
    }

    fn world(len: usize, purpose: Purpose) -> World {
        let mut rng = StdRng::seed_from_u64(len as u64);
        let mut random = || F128::random(&mut rng);
        let delta = random();
        let base: Vec<[F128; 2]> = (0..TRANSFERS).map(|_| [random(), random()]).collect();
        let chosen = choices(delta)
            .iter()
            .zip(&base)
            .map(|(choice, pair)| pair[usize::from(choice.unwrap_u8())])
            .collect();
        let roots = std::array::from_fn(|_| random());
        let (giver, message) = give(&SESSION, purpose, &roots, &base, len);
        World {
            delta,
            base,
            chosen,
            giver,
            message,
            len,
        }
    }

    fn received(world: &World, purpose: Purpose) -> Option<Unchecked> {
        let (delta, len) = (world.delta, world.len);
        receive(&SESSION, purpose, delta, &world.chosen, len, &world.message)
    }

    #[test]
    fn every_column_and_their_combination_are_correlated() {
        for len in [2, 15, 16, 17, 40] {
            let world = world(len, Purpose::Noise);
            assert_eq!(world.message.len(), TREES_BYTES + corrections_bytes(len));
            let point = F128::from_bytes([77; 16]);
            let response = world.giver.respond(point);
            assert_eq!(response.len(), RESPONSE_BYTES);
            let w = received(&world, Purpose::Noise)
                .unwrap()
                .check(point, &response)
                .unwrap();
            for c in 0..TRANSFERS {
                for k in 0..len {
                    let v = world.giver.v[c * len + k];
                    let expected = v + world.giver.a[k].masked(world.delta.bit(c));
                    assert_eq!(w[c * len + k], expected);
                }
            }
            let (b, c) = (combine(&w, len), combine(&world.giver.v, len));
            assert!((0..len).all(|k| b[k] == c[k] + world.giver.a[k] * world.delta));
        }
    }

    #[test]
    fn a_tree_that_is_not_its_digest_is_refused() {
        let good = world(2, Purpose::Noise);
        // In every tree's sum and digest, and in levels that the chooser opens.
        for group in [0, 7, 15] {
            let start = group * TREES_BYTES / GROUPS;
            for place in [256, 287, 288, 319] {
                let mut bad = world(2, Purpose::Noise);
                bad.message[start + place] ^= 4;
                assert!(received(&bad, Purpose::Noise).is_none());
            }
            for level in 0..GROUP_BITS {
                let choice = choices(good.delta)[group * GROUP_BITS + level];
                for side in 0..2u8 {
                    let mut bad = world(2, Purpose::Noise);
                    bad.message[start + level * 32 + usize::from(side) * 16] ^= 1;
                    let opened = choice.unwrap_u8() == side;
                    assert_eq!(received(&bad, Purpose::Noise).is_none(), opened);
                }
            }
        }
        assert!(received(&good, Purpose::Transfers).is_none());
    }

    #[test]
    fn a_correction_for_one_group_alone_is_caught_but_for_a_zero_group() {
        let len = 3;
        for group in [1, 2, 8, 15] {
            let mut bad = world(len, Purpose::Noise);
            bad.message[TREES_BYTES + (group - 1) * len * 16] ^= 1;
            let point = F128::from_bytes([9; 16]);
            let response = bad.giver.respond(point);
            let checked = received(&bad, Purpose::Noise)
                .unwrap()
                .check(point, &response);
            // The one guess that passes without more: the group's bits are zero.
            assert_eq!(checked.is_some(), bad.delta.to_bytes()[group] == 0);
        }
    }

    #[test]
    fn a_giver_who_guessed_a_group_gains_nothing_but_the_guess() {
        // It uses another vector in group 5 and corrects its answer for the guess.
        let len = 3;
        let point = F128::from_bytes([9; 16]);
        for right in [true, false] {
            let mut bad = world(len, Purpose::Noise);
            bad.message[TREES_BYTES + 4 * len * 16] ^= 1;
            let error = F128::ONE * point * point;
            let guess = bad.delta.to_bytes()[5] ^ u8::from(!right);
            let mut response = bad.giver.respond(point);
            for bit in 0..8 {
                if guess >> bit & 1 == 1 {
                    let at = 16 * (1 + 40 + bit);
                    let fixed = element(&response, 1 + 40 + bit) + error;
                    response[at..at + 16].copy_from_slice(&fixed.to_bytes());
                }
            }
            let checked = received(&bad, Purpose::Noise)
                .unwrap()
                .check(point, &response);
            assert_eq!(checked.is_some(), right);
        }
    }

    #[test]
    fn both_keys_of_a_transfer_are_never_opened() {
        let world = world(2, Purpose::Noise);
        for (choice, (pair, chosen)) in choices(world.delta)
            .iter()
            .zip(world.base.iter().zip(&world.chosen))
        {
            assert_eq!(pair[usize::from(choice.unwrap_u8())], *chosen);
        }
    }
}
