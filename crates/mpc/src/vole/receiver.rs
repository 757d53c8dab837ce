//! The receiver: draws the noise, ends with `a` and `c`.
//!
//! Why it exists: one of the two roles of [`crate::vole`]; its states follow each
//! other, and each consumes the one before.

use rand_core::CryptoRng;
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};
use zeroize::{Zeroize as _, Zeroizing};

use super::{
    Params, ReceiverOutput, base_ot, code,
    messages::{Kind, take},
    params::Shape,
    run_session,
    sender::proof,
    subspace::{self, Giver, Purpose, element},
    transfers::Rows,
    tree::{MASKS, Trees, equal_masks},
};
use crate::{
    Error, Fault, domains,
    field::{F128, inner_product},
    oracle::Oracle,
    secrecy, simd,
};

/// A receiver that waits for the sender's choices.
pub struct Receiver {
    session: [u8; 32],
    shape: Shape,
    nonce: [u8; 32],
    element: [u8; 32],
    giver: base_ot::Giver,
}

/// A receiver that waits for the sender's challenge.
pub struct AwaitingChallenge {
    session: [u8; 32],
    shape: Shape,
    noise: Giver,
    transfers: Giver,
}

/// A receiver that waits for the noise trees.
pub struct AwaitingTrees {
    session: [u8; 32],
    shape: Shape,
    noise: Giver,
    transfers: Giver,
}

/// A receiver that waits for the sender's proof.
pub struct AwaitingProof {
    shape: Shape,
    expected: [u8; 32],
    entries: Entries,
}

impl Receiver {
    /// Begins in the session that the caller named; the message is the offer.
    ///
    /// # Errors
    /// [`crate::Refusal::ParameterRange`].
    pub fn start<R: CryptoRng + ?Sized>(
        session: [u8; 32],
        params: Params,
        rng: &mut R,
    ) -> Result<(Self, Vec<u8>), Error> {
        Ok(Self::begin(session, Shape::new(params)?, rng))
    }

    /// Begins a VOLE whose `a` has its upper 64 bits zero, for callers that send
    /// values masked by it and want them short. The sender must begin with
    /// [`super::Sender::new_narrow`]. The noise is drawn at full width; its upper
    /// halves are sent, and the sender takes them out of the relation.
    ///
    /// # Errors
    /// [`crate::Refusal::ParameterRange`].
    pub fn start_narrow<R: CryptoRng + ?Sized>(
        session: [u8; 32],
        params: Params,
        rng: &mut R,
    ) -> Result<(Self, Vec<u8>), Error> {
        Ok(Self::begin(session, Shape::new(params)?.narrow(), rng))
    }

    fn begin<R: CryptoRng + ?Sized>(
        session: [u8; 32],
        shape: Shape,
        rng: &mut R,
    ) -> (Self, Vec<u8>) {
        let mut nonce = [0; 32];
        rng.fill_bytes(&mut nonce);
        let (giver, element) = base_ot::Giver::draw(rng);
        let mut message = Kind::Offer.begin(&shape);
        message.extend_from_slice(&nonce);
        message.extend_from_slice(&element);
        let next = Self {
            session,
            shape,
            nonce,
            element,
            giver,
        };
        (next, message)
    }

    /// Takes the choices; the message holds the corrections.
    ///
    /// # Errors
    /// A fault where they are malformed or an element is invalid.
    pub fn on_choices<R: CryptoRng + ?Sized>(
        self,
        message: &[u8],
        rng: &mut R,
    ) -> Result<(AwaitingChallenge, Vec<u8>), Error> {
        let shape = self.shape;
        let mut body = Kind::Choices.body(&shape, message)?;
        let their_nonce = take::<32>(&mut body);
        let (nonce, offered) = (&self.nonce, &self.element);
        let session = run_session(&self.session, &shape, nonce, offered, &their_nonce);
        let base = self.giver.finish(&session, body)?;
        let (noise_base, transfers_base) = base.split_at(subspace::TRANSFERS);
        let mut reply = Kind::Corrections.begin(&shape);
        let mut give = |purpose, base, len| {
            let roots = Zeroizing::new(std::array::from_fn(|_| F128::random(rng)));
            let (giver, part) = subspace::give(&session, purpose, &roots, base, len);
            reply.extend_from_slice(&part);
            giver
        };
        let noise = give(Purpose::Noise, noise_base, shape.noise_len());
        let transfers = give(Purpose::Transfers, transfers_base, shape.transfers_len());
        let next = AwaitingChallenge {
            session,
            shape,
            noise,
            transfers,
        };
        Ok((next, reply))
    }
}

impl AwaitingChallenge {
    /// Takes the challenge; the message is the response.
    ///
    /// # Errors
    /// A fault where it is malformed.
    pub fn on_challenge(self, message: &[u8]) -> Result<(AwaitingTrees, Vec<u8>), Error> {
        let Self {
            session,
            shape,
            mut noise,
            transfers,
        } = self;
        let mut body = Kind::Challenge.body(&shape, message)?;
        let point = F128::from_bytes(take(&mut body));
        let mut reply = Kind::Response.begin(&shape);
        reply.extend_from_slice(&noise.respond(point));
        reply.extend_from_slice(&transfers.respond(point));
        if shape.narrow {
            for noise in &mut noise.a[..shape.trees] {
                reply.extend_from_slice(&noise.to_bytes()[8..]);
                noise.0 &= u128::from(u64::MAX);
            }
        }
        let next = AwaitingTrees {
            session,
            shape,
            noise,
            transfers,
        };
        Ok((next, reply))
    }
}

impl AwaitingTrees {
    /// Takes the noise trees; the message is the inquiry.
    ///
    /// # Errors
    /// A fault where they are malformed.
    pub fn on_trees<R: CryptoRng + ?Sized>(
        self,
        message: &[u8],
        rng: &mut R,
    ) -> Result<(AwaitingProof, Vec<u8>), Error> {
        let Self {
            session,
            shape,
            noise,
            transfers,
        } = self;
        let body = Kind::Trees.body(&shape, message)?;
        let short = subspace::combine(&noise.v, shape.noise_len());
        let rows = Rows::of_columns(&session, &transfers.v, shape.transfers_len());
        let point = F128::random(rng);
        let mut noisy = Noisy::new(&session, &shape, point);
        let mut entries = Entries::new(shape.entries());
        let tree_bytes = body.len() / shape.trees;
        for (tree, (part, entries)) in body
            .chunks_exact(tree_bytes)
            .zip(entries.pairs().chunks_exact_mut(1 << shape.depth))
            .enumerate()
        {
            let first = tree * shape.depth;
            let path = path(&transfers.a, first, shape.depth);
            let sums: Zeroizing<Vec<F128>> = Zeroizing::new(
                (0..shape.depth)
                    .map(|level| {
                        let pair = &part[32 * level..];
                        let choice = bit(&transfers.a, first + level);
                        let sealed =
                            F128::conditional_select(&element(pair, 0), &element(pair, 1), choice);
                        sealed + rows.chosen_key(first + level)
                    })
                    .collect(),
            );
            let total = element(part, 2 * shape.depth) + short[tree];
            noisy.add(path, &sums, total, noise.a[tree], entries);
        }
        let masked = noisy.noise_hash + noise.a[shape.trees];
        let value = Zeroizing::new(noisy.hash + short[shape.trees]);
        let mut reply = Kind::Inquiry.begin(&shape);
        reply.extend_from_slice(&point.to_bytes());
        reply.extend_from_slice(&masked.to_bytes());
        let expected = proof(&session, point, masked, *value);
        let next = AwaitingProof {
            shape,
            expected,
            entries,
        };
        Ok((next, reply))
    }
}

/// Noise and leaves side by side, each pair on one cache line: the code's random
/// reads would cross into a second one at every other pair that the allocator
/// placed as it liked.
struct Entries {
    elements: Zeroizing<Vec<F128>>,
    skip: usize,
}

impl Entries {
    fn new(pairs: usize) -> Self {
        const LINE_BYTES: usize = 64;
        let spare = LINE_BYTES / F128::BYTES;
        let mut elements = Zeroizing::new(simd::large(2 * pairs + spare));
        elements.resize(2 * pairs + spare, F128::ZERO);
        // Where the address says nothing the pairs are still right, only slower.
        let skip = elements.as_ptr().align_offset(LINE_BYTES).min(spare);
        elements.truncate(2 * pairs + skip);
        Self { elements, skip }
    }

    fn pairs(&mut self) -> &mut [[F128; 2]] {
        self.elements[self.skip..].as_chunks_mut().0
    }

    /// The first and the second elements of the first `len` pairs; the rest is wiped.
    /// The second ones stay in the memory that is there.
    fn part(mut self, len: usize) -> (Vec<F128>, Vec<F128>) {
        let mut first = simd::large(len);
        for at in 0..len {
            let pair = self.skip + 2 * at;
            first.push(self.elements[pair]);
            self.elements[at] = self.elements[pair + 1];
        }
        let mut second = std::mem::take(&mut *self.elements);
        second[len..].iter_mut().zeroize();
        second.truncate(len);
        second.shrink_to_fit();
        (first, second)
    }
}

/// The receiver's choice in one transfer.
fn bit(choices: &[F128], transfer: usize) -> subtle::Choice {
    choices[transfer / 128].bit(transfer % 128)
}

/// The noise's place in one tree: at each level the side that was not chosen.
fn path(choices: &[F128], first: usize, depth: usize) -> usize {
    (first..first + depth).fold(0, |path, transfer| {
        path << 1 | usize::from((!bit(choices, transfer)).unwrap_u8())
    })
}

/// The noise and what it makes of the trees, one tree after the other.
struct Noisy {
    trees: Trees,
    leaves: Zeroizing<Vec<F128>>,
    /// `point^(leaves − i)` for each leaf `i` of one tree.
    powers: Vec<F128>,
    /// The polynomial hash of all leaves so far.
    hash: F128,
    /// That of all noise so far.
    noise_hash: F128,
}

impl Noisy {
    fn new(session: &[u8; 32], shape: &Shape, point: F128) -> Self {
        let keys = Oracle::new(domains::VOLE_NOISE_TREES, session).hash(&[]);
        let trees = Trees::new(&keys, shape.depth);
        let mut powers = vec![point; trees.leaves()];
        for i in (0..powers.len() - 1).rev() {
            powers[i] = powers[i + 1] * point;
        }
        Self {
            leaves: Zeroizing::new(vec![F128::ZERO; trees.leaves()]),
            trees,
            powers,
            hash: F128::ZERO,
            noise_hash: F128::ZERO,
        }
    }

    /// Writes a tree's noise and leaves to `entries`, the leaf at the noise's place
    /// being `total` and the sum of the others.
    fn add(
        &mut self,
        path: usize,
        sums: &[F128],
        total: F128,
        noise: F128,
        entries: &mut [[F128; 2]],
    ) {
        self.trees.regrow(path, sums, &mut self.leaves);
        let missing = total + self.leaves.iter().copied().sum();
        let mut power = F128::ZERO;
        let leaves = self.leaves.chunks_mut(MASKS).zip(self.powers.chunks(MASKS));
        for (block, (entries, (leaves, powers))) in
            entries.chunks_mut(MASKS).zip(leaves).enumerate()
        {
            let masks = equal_masks(block * MASKS, path);
            let places = entries.iter_mut().zip(leaves).zip(powers);
            for (((entry, leaf), at), here) in places.zip(masks) {
                leaf.0 ^= missing.0 & here;
                power.0 ^= at.0 & here;
                *entry = [F128(noise.0 & here), *leaf];
            }
        }
        let step = self.powers[0];
        self.hash = self.hash * step + inner_product(&self.leaves, &self.powers);
        self.noise_hash = self.noise_hash * step + noise * power;
    }
}

impl AwaitingProof {
    /// Takes the proof and ends.
    ///
    /// # Errors
    /// A fault where it is malformed or the sender's trees are not those that it
    /// proves.
    pub fn on_proof(self, message: &[u8]) -> Result<ReceiverOutput, Error> {
        let Self {
            shape,
            expected,
            mut entries,
        } = self;
        let body = Kind::Proof.body(&shape, message)?;
        if !secrecy::outcome(expected[..].ct_eq(body), subspace::A_CHECK) {
            return Err(Error::faulty(Fault::Inconsistent, message));
        }
        code::compress(&shape, entries.pairs());
        let (a, c) = entries.part(shape.len);
        Ok(ReceiverOutput { a, c })
    }
}
