//! Arithmetic on lists of group elements, on all cores.
//!
//! Why it exists: both protocols on ristretto255 do the same few things to
//! thousands of elements, with one inversion for the encodings of many.
//!
//! *Invariants*
//! - What a peer sent becomes an [`Element`] by checks alone: canonical, and never
//!   the identity.
//! - Multiplications by secrets are constant-time.

use curve25519_dalek::Scalar;
use rayon::prelude::*;
use zeroize::Zeroizing;

use super::{frames::ELEMENT, set::Item};
use crate::{
    Element, Error, Fault,
    group::{SecretScalar, encode_doubled},
    oprf::SUITE,
};

/// Elements whose encodings share an inversion.
const CHUNK: usize = 64;

/// The elements of a frame.
///
/// # Errors
/// [`Fault::NotCanonical`], [`Fault::Identity`], with the element's bytes.
pub(super) fn parse(entries: &[u8]) -> Result<Vec<Element>, Error> {
    entries
        .par_chunks_exact(ELEMENT)
        .map(|entry| {
            let bytes: &[u8; ELEMENT] = entry
                .try_into()
                .map_err(|_| Error::faulty(Fault::Malformed, entry))?;
            Element::from_bytes(bytes)
        })
        .collect()
}

/// `k·H(x)` of every item, encoded.
pub(super) fn hash_times(items: &[Item], key: &SecretScalar) -> Vec<[u8; 32]> {
    let half = key.half();
    items
        .par_chunks(CHUNK)
        .flat_map_iter(|items| {
            let halves: Vec<_> = items
                .iter()
                .map(|item| SUITE.hash_to_group(item.bytes()) * half.expose())
                .collect();
            encode_doubled(&halves)
        })
        .collect()
}

/// `k·B` of every element, encoded.
pub(super) fn times(elements: &[Element], key: &SecretScalar) -> Vec<[u8; 32]> {
    let half = key.half();
    elements
        .par_chunks(CHUNK)
        .flat_map_iter(|elements| {
            let halves: Vec<_> = elements
                .iter()
                .map(|element| element.point() * half.expose())
                .collect();
            encode_doubled(&halves)
        })
        .collect()
}

/// `r·H(x)` of every item under a blind of its own.
pub(super) fn blind(items: &[Item], blinds: &[SecretScalar]) -> Vec<Element> {
    items
        .par_iter()
        .zip(blinds)
        .map(|(item, blind)| {
            Element::from_point(SUITE.hash_to_group(item.bytes()) * blind.expose())
        })
        .collect()
}

/// `r⁻¹·Z` of every element, encoded.
pub(super) fn unblind(elements: &[Element], blinds: &[SecretScalar]) -> Vec<[u8; 32]> {
    let mut inverses: Zeroizing<Vec<Scalar>> =
        Zeroizing::new(blinds.iter().map(|blind| *blind.expose()).collect());
    Scalar::invert_batch_alloc(&mut inverses);
    elements
        .par_chunks(CHUNK)
        .zip(inverses.par_chunks(CHUNK))
        .flat_map_iter(|(elements, inverses)| {
            let halves: Vec<_> = elements
                .iter()
                .zip(inverses)
                .map(|(element, inverse)| element.point() * inverse.div_by_2())
                .collect();
            encode_doubled(&halves)
        })
        .collect()
}
