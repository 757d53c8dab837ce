//! Derived selectors: blinded by the custodian that derived them, and signed.
//!
//! Why it exists: a chain goes from one custodian's row to the next custodian's
//! table. The next one must know that the selector was derived under the
//! warrant's rule, not typed in; it sees a blinded element and a peer's word.
//!
//! *Invariants*
//! - One input gives one blinded element a run, step and issuer, however many
//!   rows lead to it.
//! - A voucher is for one network, warrant, plan, run, pair of steps, issuer
//!   and element.
//!
//! *Not here*: the rule by which a row leads to an input; the node applies it.

use curve25519_dalek::Scalar;
use primitives::{
    Digest, InstitutionId, PublicKey, Signature, SigningKey,
    signature::{Claim, frame, verify_batch},
};
use rayon::prelude::*;
use sha2::{Digest as _, Sha512};
use zeroize::{Zeroize, Zeroizing};

use super::context::Scope;
use crate::{
    domains,
    group::{SecretScalar, encode_doubled},
    oprf::{SUITE, hash_to_scalar_wide},
};

/// Elements made, or signatures checked, by one thread at a time.
const CHUNK: usize = 128;

/// A custodian's word that a blinded selector was derived under the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voucher {
    /// Who derived it.
    pub issuer: InstitutionId,
    /// The step in which it was derived.
    pub from_step: u16,
    /// The issuer's signature.
    pub signature: Signature,
}

/// What the issuer signs, before framing with the domain.
fn message(
    scope: &Scope,
    issuer: &InstitutionId,
    from_step: u16,
    to_step: u16,
    element: &[u8; 32],
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(200);
    for digest in [&scope.network.0, &scope.warrant, &scope.plan, &scope.run] {
        bytes.extend_from_slice(digest.as_bytes());
    }
    bytes.extend_from_slice(&from_step.to_be_bytes());
    bytes.extend_from_slice(&to_step.to_be_bytes());
    bytes.extend_from_slice(element);
    bytes.extend_from_slice(issuer.as_str().as_bytes());
    bytes
}

/// One voucher to be checked.
pub(crate) struct Check<'a> {
    pub(crate) issuer: &'a InstitutionId,
    pub(crate) key: &'a PublicKey,
    pub(crate) from_step: u16,
    pub(crate) to_step: u16,
    pub(crate) element: &'a [u8; 32],
    pub(crate) signature: &'a Signature,
}

/// The first voucher that does not verify, on all cores; none where all do.
pub(crate) fn first_invalid<'a, 'b>(
    scope: &Scope,
    checks: &'a [Check<'b>],
) -> Option<&'a Check<'b>> {
    checks.par_chunks(CHUNK).find_map_first(|chunk| {
        if all_verify(scope, chunk) {
            return None;
        }
        chunk
            .iter()
            .find(|check| !all_verify(scope, std::slice::from_ref(check)))
    })
}

fn all_verify(scope: &Scope, checks: &[Check<'_>]) -> bool {
    let framed: Vec<Vec<u8>> = checks
        .iter()
        .map(|check| {
            let message = message(
                scope,
                check.issuer,
                check.from_step,
                check.to_step,
                check.element,
            );
            frame(domains::VOUCHER, &message)
        })
        .collect();
    let claims: Vec<Claim<'_>> = checks
        .iter()
        .zip(&framed)
        .map(|(check, message)| Claim {
            key: check.key,
            message,
            signature: check.signature,
        })
        .collect();
    verify_batch(&claims)
}

/// A derived selector as its custodian makes it: blind and signature.
#[derive(Clone)]
pub(crate) struct Made {
    pub(crate) blind: [u8; 32],
    pub(crate) signature: Signature,
}

impl Drop for Made {
    fn drop(&mut self) {
        self.blind.zeroize();
    }
}

/// What a custodian needs to vouch for derived selectors of one run.
pub(crate) struct Issuer {
    scope: Scope,
    name: InstitutionId,
    secret: Zeroizing<[u8; 64]>,
    key: SigningKey,
}

impl Issuer {
    /// `plan_secret` is the plan's key `t·k`: it dies with the run, and so do
    /// the blinds.
    pub(crate) fn new(
        scope: Scope,
        name: InstitutionId,
        plan_secret: &SecretScalar,
        key: SigningKey,
    ) -> Self {
        let scope_digest = Digest::of(
            domains::VOUCHER_SECRET,
            &[
                scope.network.0.as_bytes(),
                scope.warrant.as_bytes(),
                scope.plan.as_bytes(),
                scope.run.as_bytes(),
                name.as_str().as_bytes(),
            ],
        );
        let mut hasher = Sha512::new();
        hasher.update(domains::VOUCHER_SECRET);
        hasher.update(*plan_secret.to_bytes());
        hasher.update(scope_digest.as_bytes());
        Self {
            scope,
            name,
            secret: Zeroizing::new(hasher.finalize().into()),
            key,
        }
    }

    /// Blinds and signs each `(to_step, input)`, on all cores.
    pub(crate) fn make(&self, from_step: u16, wanted: &[(u16, &[u8])]) -> Vec<Made> {
        wanted
            .par_chunks(CHUNK)
            .flat_map_iter(|chunk| {
                let blinds: Vec<SecretScalar> = chunk
                    .iter()
                    .map(|(to_step, input)| self.blind(from_step, *to_step, input))
                    .collect();
                let halves: Vec<_> = chunk
                    .iter()
                    .zip(&blinds)
                    .map(|((_, input), blind)| SUITE.hash_to_group(input) * blind.half().expose())
                    .collect();
                let elements = encode_doubled(&halves);
                let made: Vec<Made> = chunk
                    .iter()
                    .zip(blinds.iter().zip(&elements))
                    .map(|((to_step, _), (blind, element))| {
                        let message =
                            message(&self.scope, &self.name, from_step, *to_step, element);
                        Made {
                            blind: *blind.to_bytes(),
                            signature: self.key.sign(domains::VOUCHER, &message),
                        }
                    })
                    .collect();
                made
            })
            .collect()
    }

    fn blind(&self, from_step: u16, to_step: u16, input: &[u8]) -> SecretScalar {
        for attempt in 0..=u8::MAX {
            let mut hasher = Sha512::new();
            hasher.update(domains::VOUCHER_BLIND);
            hasher.update(*self.secret);
            hasher.update([attempt]);
            hasher.update(from_step.to_be_bytes());
            hasher.update(to_step.to_be_bytes());
            hasher.update(input);
            let wide = Zeroizing::new(<[u8; 64]>::from(hasher.finalize()));
            if let Some(secret) = hash_to_scalar_wide(&wide) {
                return secret;
            }
        }
        unreachable!("256 digests in a row are zero modulo the group's order")
    }
}

/// Blinds inputs again under known blinds: what a requester compares with the
/// elements that the custodian signed. `None` for a blind that is no scalar.
pub(crate) fn blind_again(derived: &[(&[u8], &[u8; 32])]) -> Option<Vec<[u8; 32]>> {
    let chunks: Option<Vec<Vec<[u8; 32]>>> = derived
        .par_chunks(CHUNK)
        .map(|chunk| {
            let halves: Option<Vec<_>> = chunk
                .iter()
                .map(|(input, blind)| {
                    let blind = SecretScalar::from_bytes(blind)?;
                    Some(SUITE.hash_to_group(input) * blind.half().expose())
                })
                .collect();
            Some(encode_doubled(&halves?))
        })
        .collect();
    Some(chunks?.into_iter().flatten().collect())
}

/// The inverses of many blinds with one inversion.
pub(crate) fn invert_blinds<'a>(
    blinds: impl Iterator<Item = &'a SecretScalar>,
) -> Zeroizing<Vec<Scalar>> {
    let mut inverses = Zeroizing::new(blinds.map(|blind| *blind.expose()).collect::<Vec<_>>());
    Scalar::invert_batch_alloc(&mut inverses);
    inverses
}
