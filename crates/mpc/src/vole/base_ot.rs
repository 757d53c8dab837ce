//! Oblivious transfers from Diffie–Hellman, secure against malicious parties.
//!
//! Why it exists: everything else is symmetric; these few transfers are the only
//! public-key work of a VOLE.
//!
//! Paper: Masny and Rindal, "Endemic Oblivious Transfer" (CCS 2019), §4, the
//! protocol from a Diffie–Hellman key agreement, with one first message for the
//! whole batch as McQuoid, Rosulek and Roy prove it in "Batching Base Oblivious
//! Transfers" (Asiacrypt 2021), over ristretto255.
//!
//! ```text
//! giver                                    chooser, bit c
//!   a random, A = a·G        ── A ──▶      b random, R_{1−c} random,
//!                                          R_c = b·G − H_{i,c}(R_{1−c})
//!   S_j = a·(R_j + H_{i,j}(R_{1−j}))  ◀── R_0, R_1 ──   for each transfer i
//!   k_j = KDF(i, j, S_j, R_0, R_1)         k_c = KDF(i, c, b·A, R_0, R_1)
//! ```
//! `H_{i,j}` and the KDF are functions of their own for each session, transfer and
//! side: without that a chooser of a batch under one `A` can relate transfers to
//! each other (§5 of the second paper). The session's oracle has absorbed `A`.
//!
//! *Adversary*: malicious and static, in the random-oracle model under the gap
//! Diffie–Hellman assumption. "Endemic": a malicious party may choose the keys
//! that it learns, which OT extension allows.
//!
//! *Leaks*: nothing. Both of the chooser's elements are uniformly random whatever
//! the bit is, and no answer to them is sent here, so there is nothing whose
//! failure could depend on a bit. *Deviation*: `H` gives twice a mapped point, so
//! that a batch of encodings costs one inversion; doubling is a bijection of the
//! group. *Cost*: 32 bytes, then 64 a transfer; four multiplications a transfer,
//! both parties together.
//!
//! *Invariants*
//! - Every element is decoded canonically and is not the identity.
//! - The choice bits steer no branch and no address.
//! - A giver or chooser is consumed by its one batch: after an abort nothing of it
//!   is left to be used again.

use curve25519_dalek::{
    Scalar,
    ristretto::{RistrettoBasepointTable, RistrettoPoint},
    traits::IsIdentity,
};
use rand_core::CryptoRng;
use subtle::{Choice, ConditionallySelectable};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    Element, Error, Fault, domains,
    field::F128,
    group::{SecretScalar, encode_doubled},
    oracle::Oracle,
};

/// Bytes of the chooser's elements for one transfer.
pub(crate) const CHOICE_BYTES: usize = 64;

/// The oracles of one session's transfers.
struct Oracles {
    map: Oracle,
    key: Oracle,
}

impl Oracles {
    fn new(session: &[u8; 32]) -> Self {
        Self {
            map: Oracle::new(domains::VOLE_BASE_MAP, session),
            key: Oracle::new(domains::VOLE_BASE_KEY, session),
        }
    }

    /// Half of `H_{i,j}(R)`.
    fn half_map(&self, transfer: u16, side: u8, element: &[u8; 32]) -> RistrettoPoint {
        let index = transfer.to_le_bytes();
        let mut uniform = [0; 64];
        for (part, half) in uniform.chunks_exact_mut(32).enumerate() {
            let part = [u8::from(part == 1), side];
            half.copy_from_slice(&self.map.hash(&[&part, &index, element]));
        }
        RistrettoPoint::from_uniform_bytes(&uniform)
    }

    fn key(&self, transfer: u16, side: u8, shared: &[u8; 32], elements: &[u8]) -> F128 {
        let index = transfer.to_le_bytes();
        F128::from_bytes(self.key.block(&[&[side], &index, shared, elements]))
    }
}

/// The party that ends with both keys of every transfer.
pub(crate) struct Giver {
    secret: SecretScalar,
}

impl Giver {
    /// Draws the batch's secret; the bytes are `A`.
    pub(crate) fn draw<R: CryptoRng + ?Sized>(rng: &mut R) -> (Self, [u8; 32]) {
        let secret = SecretScalar::draw(rng);
        let point = RistrettoPoint::mul_base(secret.expose());
        (Self { secret }, Element::from_point(point).to_bytes())
    }

    /// Both keys of each transfer from the chooser's elements.
    ///
    /// # Errors
    /// [`Fault::NotCanonical`] and [`Fault::Identity`].
    pub(crate) fn finish(
        self,
        session: &[u8; 32],
        elements: &[u8],
    ) -> Result<Zeroizing<Vec<[F128; 2]>>, Error> {
        let oracles = Oracles::new(session);
        let half = self.secret.half();
        let mut halves = Zeroizing::new(Vec::with_capacity(elements.len() / 32));
        for (index, pair) in (0u16..).zip(elements.chunks_exact(CHOICE_BYTES)) {
            let (left, right) = (encoding(pair, 0), encoding(pair, 1));
            let (r0, r1) = (Element::from_bytes(&left)?, Element::from_bytes(&right)?);
            for (side, own, other) in [(0, &r0, &right), (1, &r1, &left)] {
                let mapped = oracles.half_map(index, side, other);
                let point = own.point() + mapped + mapped;
                if point.is_identity() {
                    return Err(Error::faulty(Fault::Identity, pair));
                }
                halves.push(point * half.expose());
            }
        }
        let shared = Zeroizing::new(encode_doubled(&halves));
        let keys = (0u16..)
            .zip(elements.chunks_exact(CHOICE_BYTES))
            .zip(shared.chunks_exact(2))
            .map(|((index, pair), shared)| {
                [0, 1].map(|side| oracles.key(index, side, &shared[usize::from(side)], pair))
            })
            .collect();
        Ok(Zeroizing::new(keys))
    }
}

/// Chooses in every transfer; gives the keys chosen and the elements to send.
///
/// # Errors
/// [`Fault::NotCanonical`] and [`Fault::Identity`] for `A`.
pub(crate) fn choose<R: CryptoRng + ?Sized>(
    session: &[u8; 32],
    giver: &[u8; 32],
    choices: &[Choice],
    rng: &mut R,
) -> Result<(Zeroizing<Vec<F128>>, Vec<u8>), Error> {
    let giver = Element::from_bytes(giver)?;
    let table = RistrettoBasepointTable::create(giver.point());
    let oracles = Oracles::new(session);
    let other_halves: Vec<RistrettoPoint> = choices
        .iter()
        .map(|_| {
            let mut uniform = [0; 64];
            rng.fill_bytes(&mut uniform);
            RistrettoPoint::from_uniform_bytes(&uniform)
        })
        .collect();
    let others = encode_doubled(&other_halves);
    let (mut own_halves, mut shared_halves) = (Vec::new(), Zeroizing::new(Vec::new()));
    for ((index, choice), other) in (0u16..).zip(choices).zip(&others) {
        let mut half = Scalar::random(rng);
        let mapped = oracles.half_map(index, choice.unwrap_u8(), other);
        own_halves.push(RistrettoPoint::mul_base(&half) - mapped);
        shared_halves.push(&table * &half);
        half.zeroize();
    }
    let owns = encode_doubled(&own_halves);
    let shared = Zeroizing::new(encode_doubled(&shared_halves));
    let mut elements = Vec::with_capacity(choices.len() * CHOICE_BYTES);
    let mut keys = Zeroizing::new(Vec::with_capacity(choices.len()));
    for ((index, choice), ((own, other), shared)) in (0u16..)
        .zip(choices)
        .zip(owns.iter().zip(&others).zip(shared.iter()))
    {
        let start = elements.len();
        elements.extend_from_slice(&<[u8; 32]>::conditional_select(own, other, *choice));
        elements.extend_from_slice(&<[u8; 32]>::conditional_select(other, own, *choice));
        keys.push(oracles.key(index, choice.unwrap_u8(), shared, &elements[start..]));
    }
    Ok((keys, elements))
}

/// The encoding of one side's element.
fn encoding(pair: &[u8], side: usize) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(&pair[32 * side..32 * (side + 1)]);
    bytes
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    const SESSION: [u8; 32] = [4; 32];

    fn transfer(count: u8) -> (Vec<[F128; 2]>, Vec<F128>, Vec<Choice>) {
        let mut rng = StdRng::seed_from_u64(5);
        let choices: Vec<Choice> = (0..count).map(|i| Choice::from((i / 3) & 1)).collect();
        let (giver, a) = Giver::draw(&mut rng);
        let (chosen, elements) = choose(&SESSION, &a, &choices, &mut rng).unwrap();
        let both = giver.finish(&SESSION, &elements).unwrap();
        (both.to_vec(), chosen.to_vec(), choices)
    }

    #[test]
    fn the_chooser_has_the_key_of_its_choice_and_no_other() {
        let (both, chosen, choices) = transfer(16);
        for ((pair, key), choice) in both.iter().zip(&chosen).zip(&choices) {
            let choice = usize::from(choice.unwrap_u8());
            assert_eq!(pair[choice], *key);
            assert_ne!(pair[1 - choice], *key);
        }
        // No two keys of a batch agree, though all share one first message.
        for (i, a) in both.iter().flatten().enumerate() {
            assert!(both.iter().flatten().skip(i + 1).all(|b| a != b));
        }
    }

    #[test]
    fn keys_belong_to_their_session_and_their_place() {
        let mut rng = StdRng::seed_from_u64(6);
        let choices = [Choice::from(0), Choice::from(0)];
        let (giver, a) = Giver::draw(&mut rng);
        let secret = giver.secret.clone();
        let (keys, elements) = choose(&SESSION, &a, &choices, &mut rng).unwrap();
        let elsewhere = giver.finish(&[5; 32], &elements).unwrap();
        assert!(
            keys.iter()
                .zip(elsewhere.iter())
                .all(|(k, pair)| pair[0] != *k)
        );
        let swapped = [&elements[CHOICE_BYTES..], &elements[..CHOICE_BYTES]].concat();
        let moved = Giver { secret }.finish(&SESSION, &swapped).unwrap();
        assert!(moved[0][0] != keys[1] && moved[1][0] != keys[0]);
    }

    #[test]
    fn bad_elements_are_refused() {
        let mut rng = StdRng::seed_from_u64(7);
        let choices = [Choice::from(1)];
        let (_, a) = Giver::draw(&mut rng);
        let (_, good) = choose(&SESSION, &a, &choices, &mut rng).unwrap();
        for (bad, fault) in [
            ([0; 32], Fault::Identity),
            ([0xff; 32], Fault::NotCanonical),
        ] {
            let refused = choose(&SESSION, &bad, &choices, &mut rng).map(|_| ());
            assert_eq!(refused.unwrap_err().fault(), Some(fault));
            for side in 0..2 {
                let mut elements = good.clone();
                elements[32 * side..32 * (side + 1)].copy_from_slice(&bad);
                let (giver, _) = Giver::draw(&mut rng);
                let refused = giver.finish(&SESSION, &elements).map(|_| ());
                assert_eq!(refused.unwrap_err().fault(), Some(fault));
            }
        }
    }

    #[test]
    fn elements_that_cancel_the_oracle_are_refused() {
        let mut rng = StdRng::seed_from_u64(8);
        let other = Element::from_point(RistrettoPoint::mul_base(&Scalar::random(&mut rng)));
        let mapped = Oracles::new(&SESSION).half_map(0, 0, other.bytes());
        let own = Element::from_point(-(mapped + mapped));
        let elements = [own.to_bytes(), other.to_bytes()].concat();
        let (giver, _) = Giver::draw(&mut rng);
        let refused = giver.finish(&SESSION, &elements).map(|_| ());
        assert_eq!(refused.unwrap_err().fault(), Some(Fault::Identity));
    }
}
