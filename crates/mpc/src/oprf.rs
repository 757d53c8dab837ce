//! The verifiable oblivious pseudorandom function of RFC 9497,
//! ristretto255-SHA512.
//!
//! Why it exists: the custodian's key turns an input into 64 bytes that nobody
//! can compute without the key; the requester gets them for an input that the
//! custodian does not see, and checks that the committed key was used.
//!
//! Source: RFC 9497 §2 (proofs), §3.3.2 (VOPRF), §4.1 (suite), with
//! `expand_message_xmd` of RFC 9380 §5.3.1. Its vectors, and those of RFC 9496,
//! are tests.
//!
//! ```text
//! requester                                        custodian (key k, K = k·G)
//! r ← random; B = r·H(x)        ── B ──▶
//!                               ◀── Z, proof ──    Z = k·B
//! check proof against K
//! F(x) = SHA-512(x ‖ r⁻¹·Z ‖ "Finalize")
//! ```
//!
//! *Adversary*: a malicious requester learns `F` on the inputs that it blinded
//! and on no other; a malicious custodian learns nothing about `x` and can't use
//! another key unnoticed.
//!
//! *Invariants*
//! - No element enters from outside but through [`Element::from_bytes`].
//! - Multiplications by a secret are constant-time; those that are not take
//!   public values alone (proof checking).
//!
//! *Deviations*: the proof's nonce is hedged (drawn from the generator and
//! hashed with key and statement); a batch is at most
//! [`limits::PROOF_CHUNK`](crate::limits::PROOF_CHUNK) elements a proof.
//!
//! *Cost*, in scalar multiplications: blind 1 and a hash to the group; evaluate
//! 1 an element and a multi-scalar one for the proof; finalise 1.

mod dleq;
mod suite;

use rand_core::CryptoRng;
use sha2::{Digest as _, Sha512};
use zeroize::Zeroizing;

pub(crate) use dleq::{PROOF_BYTES, prove, verify};
pub(crate) use suite::{SUITE, hash_to_scalar_wide};

use crate::{
    Blind, Element, Error, Refusal, domains, group::SecretScalar, limits::INPUT_BYTES_MAX,
};

/// Why evaluations may steer the proof that is made of them.
pub(crate) const EVALUATED: &str = "evaluated elements, sent with their proof";

/// The 64 bytes that the function gives for an input; a secret.
pub(crate) type Output = Zeroizing<[u8; 64]>;

/// A custodian's key `k` for one table.
///
/// It lives as long as the table's preparation does and never leaves the
/// custodian. It has no `Debug` and is wiped when dropped.
#[derive(Clone)]
pub struct TableKey(pub(crate) SecretScalar);

impl TableKey {
    /// Draws a key.
    #[must_use]
    pub fn draw<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        Self(SecretScalar::draw(rng))
    }

    /// Derives a key from a secret seed, RFC 9497 §3.2.1 (`DeriveKeyPair`).
    ///
    /// # Errors
    /// [`Refusal::ParameterRange`] where `info` is longer than 65,535 bytes.
    pub fn derive(seed: &[u8; 32], info: &[u8]) -> Result<Self, Error> {
        SUITE.derive_key(seed, info).map(Self)
    }

    /// Reads a key from the custodian's keystore.
    ///
    /// # Errors
    /// [`crate::Trouble::Damaged`] for bytes that are not a key.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, Error> {
        SecretScalar::from_bytes(bytes)
            .map(Self)
            .ok_or_else(|| Error::damaged("the table key"))
    }

    /// The key's bytes, for the custodian's encrypted keystore.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.0.to_bytes()
    }

    /// The commitment `K = k·G` that the snapshot's record carries.
    #[must_use]
    pub fn public(&self) -> Element {
        public_of(&self.0)
    }
}

/// A custodian's factor `t` for one approved plan: the plan's key is `t·k`.
///
/// It is drawn when the plan is approved and destroyed with the run, so what a
/// requester learned under another plan opens nothing here. It has no `Debug`
/// and is wiped when dropped.
#[derive(Clone)]
pub struct PlanKey(pub(crate) SecretScalar);

impl PlanKey {
    /// Draws a factor.
    #[must_use]
    pub fn draw<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        Self(SecretScalar::draw(rng))
    }

    /// Reads a factor from the custodian's keystore.
    ///
    /// # Errors
    /// [`crate::Trouble::Damaged`] for bytes that are not a factor.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, Error> {
        SecretScalar::from_bytes(bytes)
            .map(Self)
            .ok_or_else(|| Error::damaged("the plan key"))
    }

    /// The factor's bytes, for the custodian's encrypted keystore.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.0.to_bytes()
    }

    /// The factor of one step, derived from this one, for a plan in which a step
    /// must not open what another step of the same table was allowed to ask.
    #[must_use]
    pub fn for_step(&self, step: u16) -> Self {
        for attempt in 0..=u8::MAX {
            let mut hasher = Sha512::new();
            hasher.update(domains::STEP_FACTOR);
            hasher.update(*self.0.to_bytes());
            hasher.update(step.to_be_bytes());
            hasher.update([attempt]);
            let wide = Zeroizing::new(<[u8; 64]>::from(hasher.finalize()));
            if let Some(secret) = hash_to_scalar_wide(&wide) {
                return Self(secret);
            }
        }
        unreachable!("256 digests in a row are zero modulo the group's order")
    }

    /// The commitment `(t·k)·G` that the approval's record carries.
    #[must_use]
    pub fn commitment(&self, table: &TableKey) -> Element {
        public_of(&self.0.times(&table.0))
    }
}

pub(crate) fn public_of(secret: &SecretScalar) -> Element {
    Element::from_point(curve25519_dalek::RistrettoPoint::mul_base(secret.expose()))
}

/// Refuses an input that is empty or too long.
pub(crate) fn check_input(input: &[u8]) -> Result<(), Error> {
    if input.is_empty() || input.len() > INPUT_BYTES_MAX {
        return Err(Refusal::InputSize.into());
    }
    Ok(())
}

/// Blinds an input: draws `r` and gives it with `B = r·H(x)`.
///
/// `B` says nothing about the input to one who lacks `r`.
///
/// # Errors
/// [`Refusal::InputSize`].
pub fn blind<R: CryptoRng + ?Sized>(input: &[u8], rng: &mut R) -> Result<(Blind, Element), Error> {
    check_input(input)?;
    let blind = Blind(SecretScalar::draw(rng));
    let element = blinded(input, &blind.0);
    Ok((blind, element))
}

/// Checks that `element` is `input` under `blind`, as the authority does before
/// it signs a warrant over the element, and the requester before it asks.
///
/// # Errors
/// [`Refusal::InputSize`], [`Refusal::BlindMismatch`].
pub fn check_blind(input: &[u8], blind: &Blind, element: &Element) -> Result<(), Error> {
    if blind_with(input, blind)? == *element {
        Ok(())
    } else {
        Err(Refusal::BlindMismatch.into())
    }
}

/// `B = r·H(x)` under a blind that was drawn before.
///
/// # Errors
/// [`Refusal::InputSize`].
pub fn blind_with(input: &[u8], blind: &Blind) -> Result<Element, Error> {
    check_input(input)?;
    Ok(blinded(input, &blind.0))
}

fn blinded(input: &[u8], secret: &SecretScalar) -> Element {
    Element::from_point(SUITE.hash_to_group(input) * secret.expose())
}

/// `F(x)` from the input and the encoding of `k·H(x)`, RFC 9497 §3.3.1.
pub(crate) fn finalize(input: &[u8], evaluated: &[u8; 32]) -> Output {
    let mut hasher = Sha512::new();
    hasher.update(suite::length_prefix(input));
    hasher.update(input);
    hasher.update([0, 32]);
    hasher.update(evaluated);
    hasher.update(b"Finalize");
    Zeroizing::new(hasher.finalize().into())
}

#[cfg(test)]
mod tests;
