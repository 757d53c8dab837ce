//! The batched proof that one key evaluated every element (RFC 9497 §2.2).
//!
//! Why it exists: without it a custodian could evaluate each selector under a
//! key of its own and recognise it later.
//!
//! *Invariants*: the composites' weights depend on every element of the batch
//! and on the key's commitment; a proof is for one list in one order.

use curve25519_dalek::{
    RistrettoPoint, Scalar,
    traits::{Identity as _, VartimeMultiscalarMul},
};
use rand_core::CryptoRng;
use sha2::{Digest as _, Sha512};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::suite::{SUITE, Suite};
use crate::{Element, domains, group::SecretScalar, secrecy};

/// Why a proof's fate may be known.
const A_PROOF: &str = "whether a proof holds";

/// Bytes of a proof: the challenge and the response.
pub(crate) const PROOF_BYTES: usize = 64;

/// Proves that `evaluated[i] = key·blinded[i]` and `public = key·G`. Both lists are
/// the peer's to see: the proof is made of them in variable time.
pub(crate) fn prove<R: CryptoRng + ?Sized>(
    key: &SecretScalar,
    public: &Element,
    blinded: &[Element],
    evaluated: &[[u8; 32]],
    rng: &mut R,
) -> [u8; PROOF_BYTES] {
    let mut drawn = Zeroizing::new([0u8; 64]);
    rng.fill_bytes(&mut *drawn);
    let mut hasher = Sha512::new();
    hasher.update(domains::PROOF_NONCE);
    hasher.update(*drawn);
    hasher.update(*key.to_bytes());
    for (element, result) in blinded.iter().zip(evaluated) {
        hasher.update(element.bytes());
        hasher.update(result);
    }
    let wide = Zeroizing::new(<[u8; 64]>::from(hasher.finalize()));
    let nonce = Zeroizing::new(Scalar::from_bytes_mod_order_wide(&wide));
    prove_with(&SUITE, key, public, blinded, evaluated, &nonce)
}

pub(super) fn prove_with(
    suite: &Suite,
    key: &SecretScalar,
    public: &Element,
    blinded: &[Element],
    evaluated: &[[u8; 32]],
    nonce: &Scalar,
) -> [u8; PROOF_BYTES] {
    let weights = weights(suite, public, blinded, evaluated);
    let left =
        RistrettoPoint::vartime_multiscalar_mul(&weights, blinded.iter().map(Element::point));
    let right = left * key.expose();
    let challenge = challenge(
        suite,
        public,
        &left,
        &right,
        &RistrettoPoint::mul_base(nonce),
        &(left * nonce),
    );
    let response = nonce - challenge * key.expose();
    let mut proof = [0u8; PROOF_BYTES];
    proof[..32].copy_from_slice(challenge.as_bytes());
    proof[32..].copy_from_slice(response.as_bytes());
    proof
}

/// Checks a proof made by [`prove`]; every value here is public.
pub(crate) fn verify(
    public: &Element,
    blinded: &[Element],
    evaluated: &[Element],
    proof: &[u8; PROOF_BYTES],
) -> bool {
    verify_with(&SUITE, public, blinded, evaluated, proof)
}

pub(super) fn verify_with(
    suite: &Suite,
    public: &Element,
    blinded: &[Element],
    evaluated: &[Element],
    proof: &[u8; PROOF_BYTES],
) -> bool {
    let (Some(claimed), Some(response)) = (scalar(&proof[..32]), scalar(&proof[32..])) else {
        return false;
    };
    if blinded.len() != evaluated.len() || blinded.is_empty() {
        return false;
    }
    let encodings: Vec<[u8; 32]> = evaluated.iter().map(Element::to_bytes).collect();
    let weights = weights(suite, public, blinded, &encodings);
    let left =
        RistrettoPoint::vartime_multiscalar_mul(&weights, blinded.iter().map(Element::point));
    let right =
        RistrettoPoint::vartime_multiscalar_mul(&weights, evaluated.iter().map(Element::point));
    let nothing = RistrettoPoint::identity();
    let degenerate = left.ct_eq(&nothing) | right.ct_eq(&nothing);
    if secrecy::outcome(degenerate, A_PROOF) {
        return false;
    }
    let first =
        RistrettoPoint::vartime_double_scalar_mul_basepoint(&claimed, public.point(), &response);
    let second = RistrettoPoint::vartime_multiscalar_mul([response, claimed], [left, right]);
    let due = challenge(suite, public, &left, &right, &first, &second);
    secrecy::outcome(due.ct_eq(&claimed), A_PROOF)
}

fn scalar(bytes: &[u8]) -> Option<Scalar> {
    Scalar::from_canonical_bytes(bytes.try_into().ok()?).into()
}

/// The composites' weights `d_i`, RFC 9497 `ComputeComposites`.
fn weights(
    suite: &Suite,
    public: &Element,
    blinded: &[Element],
    evaluated: &[[u8; 32]],
) -> Vec<Scalar> {
    let mut hasher = Sha512::new();
    hasher.update([0, 32]);
    hasher.update(public.bytes());
    hasher.update(super::suite::length_prefix(suite.seed));
    hasher.update(suite.seed);
    let seed: [u8; 64] = hasher.finalize().into();
    (0u16..)
        .zip(blinded.iter().zip(evaluated))
        .map(|(index, (element, result))| {
            suite.hash_to_scalar(&[
                &[0, 64],
                &seed,
                &index.to_be_bytes(),
                &[0, 32],
                element.bytes(),
                &[0, 32],
                result,
                b"Composite",
            ])
        })
        .collect()
}

fn challenge(
    suite: &Suite,
    public: &Element,
    left: &RistrettoPoint,
    right: &RistrettoPoint,
    first: &RistrettoPoint,
    second: &RistrettoPoint,
) -> Scalar {
    let encodings = [left, right, first, second].map(|point| point.compress().to_bytes());
    suite.hash_to_scalar(&[
        &[0, 32],
        public.bytes(),
        &[0, 32],
        &encodings[0],
        &[0, 32],
        &encodings[1],
        &[0, 32],
        &encodings[2],
        &[0, 32],
        &encodings[3],
        b"Challenge",
    ])
}
