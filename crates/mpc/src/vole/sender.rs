//! The sender: draws `Δ`, grows the noise trees, ends with `Δ` and `b`.
//!
//! Why it exists: one of the two roles of [`crate::vole`]; its states follow each
//! other, and each consumes the one before.

use rand_core::CryptoRng;
use subtle::Choice;
use zeroize::Zeroizing;

use super::{
    Params, SenderOutput, base_ot, code,
    messages::{Kind, take},
    params::Shape,
    run_session,
    subspace::{self, Columns, Purpose, Unchecked},
    transfers::Rows,
    tree::Trees,
};
use crate::{
    Error, Fault, domains,
    field::{F128, polynomial_hash},
    oracle::Oracle,
    simd,
};

/// A sender that waits for the receiver's offer.
pub struct Sender {
    session: [u8; 32],
    shape: Shape,
}

/// A sender that waits for the receiver's corrections.
pub struct AwaitingCorrections {
    session: [u8; 32],
    shape: Shape,
    delta: Secret,
    transfers_delta: Secret,
    base: Zeroizing<Vec<F128>>,
}

/// A sender that waits for the answer to its challenge.
pub struct AwaitingResponse {
    session: [u8; 32],
    shape: Shape,
    delta: Secret,
    transfers_delta: Secret,
    point: F128,
    noise: Unchecked,
    transfers: Unchecked,
}

/// A sender that waits for the receiver's inquiry.
pub struct AwaitingInquiry {
    session: [u8; 32],
    shape: Shape,
    delta: Secret,
    mask: Secret,
    leaves: Zeroizing<Vec<F128>>,
}

type Secret = Zeroizing<F128>;

impl Sender {
    /// A sender in the session that the caller named.
    ///
    /// # Errors
    /// [`crate::Refusal::ParameterRange`].
    pub fn new(session: [u8; 32], params: Params) -> Result<Self, Error> {
        let shape = Shape::new(params)?;
        Ok(Self { session, shape })
    }

    /// A sender of a VOLE whose `a` has its upper 64 bits zero; see
    /// [`super::Receiver::start_narrow`].
    ///
    /// # Errors
    /// [`crate::Refusal::ParameterRange`].
    pub fn new_narrow(session: [u8; 32], params: Params) -> Result<Self, Error> {
        let shape = Shape::new(params)?.narrow();
        Ok(Self { session, shape })
    }

    /// Takes the offer; the message holds the choices.
    ///
    /// # Errors
    /// A fault where the offer is malformed or its element invalid.
    pub fn on_offer<R: CryptoRng + ?Sized>(
        self,
        message: &[u8],
        rng: &mut R,
    ) -> Result<(AwaitingCorrections, Vec<u8>), Error> {
        let Self { session, shape } = self;
        let mut body = Kind::Offer.body(&shape, message)?;
        let (their_nonce, giver) = (take::<32>(&mut body), take::<32>(&mut body));
        let mut nonce = [0; 32];
        rng.fill_bytes(&mut nonce);
        let session = run_session(&session, &shape, &their_nonce, &giver, &nonce);
        let delta = Zeroizing::new(F128::random(rng));
        let transfers_delta = Zeroizing::new(F128::random(rng));
        let choices: Vec<Choice> = [*delta, *transfers_delta]
            .into_iter()
            .flat_map(subspace::choices)
            .collect();
        let (base, elements) = base_ot::choose(&session, &giver, &choices, rng)?;
        let mut reply = Kind::Choices.begin(&shape);
        reply.extend_from_slice(&nonce);
        reply.extend_from_slice(&elements);
        let next = AwaitingCorrections {
            session,
            shape,
            delta,
            transfers_delta,
            base,
        };
        Ok((next, reply))
    }
}

impl AwaitingCorrections {
    /// Takes the corrections; the message holds the challenge.
    ///
    /// # Errors
    /// A fault where they are malformed or a tree is not what its digest says.
    pub fn on_corrections<R: CryptoRng + ?Sized>(
        self,
        message: &[u8],
        rng: &mut R,
    ) -> Result<(AwaitingResponse, Vec<u8>), Error> {
        let shape = self.shape;
        let body = Kind::Corrections.body(&shape, message)?;
        let (noise_len, transfers_len) = (shape.noise_len(), shape.transfers_len());
        let noise_bytes = subspace::TREES_BYTES + subspace::corrections_bytes(noise_len);
        let (noise_part, transfers_part) = body.split_at(noise_bytes);
        let (noise_base, transfers_base) = self.base.split_at(subspace::TRANSFERS);
        let session = &self.session;
        let noise = subspace::receive(
            session,
            Purpose::Noise,
            *self.delta,
            noise_base,
            noise_len,
            noise_part,
        );
        let transfers = subspace::receive(
            session,
            Purpose::Transfers,
            *self.transfers_delta,
            transfers_base,
            transfers_len,
            transfers_part,
        );
        let (Some(noise), Some(transfers)) = (noise, transfers) else {
            return Err(Error::faulty(Fault::Inconsistent, message));
        };
        let point = F128::random(rng);
        let mut reply = Kind::Challenge.begin(&shape);
        reply.extend_from_slice(&point.to_bytes());
        let next = AwaitingResponse {
            session: self.session,
            shape,
            delta: self.delta,
            transfers_delta: self.transfers_delta,
            point,
            noise,
            transfers,
        };
        Ok((next, reply))
    }
}

impl AwaitingResponse {
    /// Takes the response; the message holds the noise trees.
    ///
    /// # Errors
    /// A fault where it is malformed or does not fit the corrections.
    pub fn on_response<R: CryptoRng + ?Sized>(
        self,
        message: &[u8],
        rng: &mut R,
    ) -> Result<(AwaitingInquiry, Vec<u8>), Error> {
        let shape = self.shape;
        let body = Kind::Response.body(&shape, message)?;
        let (noise_part, rest) = body.split_at(subspace::RESPONSE_BYTES);
        let (transfers_part, upper) = rest.split_at(subspace::RESPONSE_BYTES);
        let noise = self.noise.check(self.point, noise_part);
        let transfers = self.transfers.check(self.point, transfers_part);
        let (Some(noise), Some(transfers)) = (noise, transfers) else {
            return Err(Error::faulty(Fault::Inconsistent, message));
        };
        let mut short = subspace::combine(&noise, shape.noise_len());
        drop(noise);
        // c = a·Δ + b with a = lower + upper: b + upper·Δ goes with the lower half.
        for (value, upper) in short.iter_mut().zip(upper.chunks_exact(8)) {
            let mut wide = [0; 16];
            wide[8..].copy_from_slice(upper);
            *value += F128::from_bytes(wide) * *self.delta;
        }
        let rows = Rows::of_columns(&self.session, &transfers, shape.transfers_len());
        let (leaves, reply) = grow_noise(
            &self.session,
            &shape,
            &short,
            &rows,
            *self.transfers_delta,
            rng,
        );
        let next = AwaitingInquiry {
            session: self.session,
            shape,
            delta: self.delta,
            mask: Zeroizing::new(short[shape.trees]),
            leaves,
        };
        Ok((next, reply))
    }
}

/// Grows every noise tree; gives all leaves, and the message that lets the
/// receiver grow all but one of each.
fn grow_noise<R: CryptoRng + ?Sized>(
    session: &[u8; 32],
    shape: &Shape,
    short: &Columns,
    rows: &Rows,
    delta: F128,
    rng: &mut R,
) -> (Zeroizing<Vec<F128>>, Vec<u8>) {
    let keys = Oracle::new(domains::VOLE_NOISE_TREES, session).hash(&[]);
    let mut trees = Trees::new(&keys, shape.depth);
    let mut leaves = Zeroizing::new(simd::large(shape.entries()));
    leaves.resize(shape.entries(), F128::ZERO);
    let mut message = Kind::Trees.begin(shape);
    for (tree, leaves) in leaves.chunks_exact_mut(trees.leaves()).enumerate() {
        let root = Zeroizing::new(F128::random(rng));
        let sums = Zeroizing::new(trees.grow(*root, leaves));
        for (level, sums) in sums.iter().enumerate() {
            let keys = rows.both_keys(tree * shape.depth + level, delta);
            message.extend_from_slice(&(sums[0] + keys[0]).to_bytes());
            message.extend_from_slice(&(sums[1] + keys[1]).to_bytes());
        }
        let total = sums.last().map_or(F128::ZERO, |sums| sums[0] + sums[1]);
        message.extend_from_slice(&(total + short[tree]).to_bytes());
    }
    (leaves, message)
}

impl AwaitingInquiry {
    /// Takes the inquiry; the message is the proof that ends the receiver's side.
    ///
    /// # Errors
    /// A fault where it is malformed.
    pub fn on_inquiry(self, message: &[u8]) -> Result<(SenderOutput, Vec<u8>), Error> {
        let Self {
            session,
            shape,
            delta,
            mask,
            mut leaves,
        } = self;
        let mut body = Kind::Inquiry.body(&shape, message)?;
        let point = F128::from_bytes(take(&mut body));
        let masked = F128::from_bytes(take(&mut body));
        let value = Zeroizing::new(polynomial_hash(&leaves, point) + *mask + *delta * masked);
        let mut reply = Kind::Proof.begin(&shape);
        reply.extend_from_slice(&proof(&session, point, masked, *value));
        code::compress(&shape, &mut leaves);
        leaves.truncate(shape.len);
        let output = SenderOutput {
            delta: *delta,
            b: std::mem::take(&mut *leaves),
        };
        Ok((output, reply))
    }
}

/// What the sender sends of its value, and the receiver compares with its own.
pub(crate) fn proof(session: &[u8; 32], point: F128, masked: F128, value: F128) -> [u8; 32] {
    let value = Zeroizing::new(value.to_bytes());
    let oracle = Oracle::new(domains::VOLE_PROOF, session);
    oracle.hash(&[&point.to_bytes(), &masked.to_bytes(), &*value])
}
