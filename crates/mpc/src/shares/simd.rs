//! The inner loops of the checks, with wide registers where there are any.
//!
//! Why it exists: the two rings' products are most of what malicious security
//! costs. Each function has a portable form and one that the processor's
//! carry-less or 64-bit vector products run; which runs is asked once a call.
//!
//! *Invariants*: both forms give the same words; no branch or index depends on
//! an operand.
#![allow(
    unsafe_code,
    reason = "calls functions compiled for instructions that were just found to be there"
)]

use super::extension::{DEGREE, multiply, reduce};

/// `Σ a_j·b_j` in GF(2^64).
pub(crate) fn dot(a: &[u64], b: &[u64]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("pclmulqdq") && is_x86_feature_detected!("sse4.1") {
        // SAFETY: the processor has the instructions that `x86::dot` needs.
        return unsafe { x86::dot(a, b) };
    }
    let products = a.iter().zip(b).map(|(a, b)| multiply(*a, *b));
    reduce(products.fold(0, |sum, product| sum ^ product))
}

/// `to_j = a_j·b_j` in GF(2^64).
pub(crate) fn products(a: &[u64], b: &[u64]) -> Vec<u64> {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("pclmulqdq") && is_x86_feature_detected!("sse4.1") {
        // SAFETY: the processor has the instructions that `x86::products` needs.
        return unsafe { x86::products(a, b) };
    }
    a.iter()
        .zip(b)
        .map(|(a, b)| reduce(multiply(*a, *b)))
        .collect()
}

/// `to_j += a_j·b` in GF(2^64).
pub(crate) fn add_scaled(to: &mut [u64], a: &[u64], b: u64) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("pclmulqdq") && is_x86_feature_detected!("sse4.1") {
        // SAFETY: the processor has the instructions that `x86::add_scaled` needs.
        return unsafe { x86::add_scaled(to, a, b) };
    }
    for (to, a) in to.iter_mut().zip(a) {
        *to ^= reduce(multiply(*a, b));
    }
}

/// Adds the unreduced product of two elements of the Galois ring.
pub(crate) fn accumulate(wide: &mut [u64; 2 * DEGREE], a: &[u64; DEGREE], b: &[u64; DEGREE]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512dq") && is_x86_feature_detected!("avx512f") {
        // SAFETY: the processor has the instructions that it was compiled for.
        return unsafe { x86::accumulate(wide, a, b) };
    }
    accumulate_plain(wide, a, b);
}

#[inline(always)]
fn accumulate_plain(wide: &mut [u64; 2 * DEGREE], a: &[u64; DEGREE], b: &[u64; DEGREE]) {
    for (i, x) in a.iter().enumerate() {
        for (to, y) in wide[i..i + DEGREE].iter_mut().zip(b) {
            *to = to.wrapping_add(x.wrapping_mul(*y));
        }
    }
}

/// Adds `Σ_a values_a·weights_a`, numbers times elements of the Galois ring.
pub(crate) fn combine(to: &mut [u64; DEGREE], values: &[u64], weights: &[[u64; DEGREE]]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512dq") && is_x86_feature_detected!("avx512f") {
        // SAFETY: the processor has the instructions that it was compiled for.
        return unsafe { x86::combine(to, values, weights) };
    }
    combine_plain(to, values, weights);
}

#[inline(always)]
fn combine_plain(to: &mut [u64; DEGREE], values: &[u64], weights: &[[u64; DEGREE]]) {
    let mut sum = [0u64; DEGREE];
    for (value, weight) in values.iter().zip(weights) {
        for (to, coefficient) in sum.iter_mut().zip(weight) {
            *to = to.wrapping_add(value.wrapping_mul(*coefficient));
        }
    }
    *to = sum;
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    //! The same for particular instructions.

    use std::arch::x86_64::{
        __m128i, _mm_clmulepi64_si128, _mm_cvtsi64_si128, _mm_cvtsi128_si64, _mm_extract_epi64,
        _mm_setzero_si128, _mm_xor_si128,
    };

    use super::{DEGREE, reduce};

    #[target_feature(enable = "pclmulqdq,sse4.1")]
    fn product(a: u64, b: u64) -> __m128i {
        let (a, b) = (a.cast_signed(), b.cast_signed());
        _mm_clmulepi64_si128::<0>(_mm_cvtsi64_si128(a), _mm_cvtsi64_si128(b))
    }

    #[target_feature(enable = "pclmulqdq,sse4.1")]
    fn wide(x: __m128i) -> u128 {
        let low = _mm_cvtsi128_si64(x).cast_unsigned();
        let high = _mm_extract_epi64::<1>(x).cast_unsigned();
        u128::from(high) << 64 | u128::from(low)
    }

    #[target_feature(enable = "pclmulqdq,sse4.1")]
    pub(super) fn dot(a: &[u64], b: &[u64]) -> u64 {
        let mut sum = _mm_setzero_si128();
        for (a, b) in a.iter().zip(b) {
            sum = _mm_xor_si128(sum, product(*a, *b));
        }
        reduce(wide(sum))
    }

    #[target_feature(enable = "pclmulqdq,sse4.1")]
    pub(super) fn products(a: &[u64], b: &[u64]) -> Vec<u64> {
        let mut out = Vec::with_capacity(a.len());
        for (a, b) in a.iter().zip(b) {
            out.push(reduce(wide(product(*a, *b))));
        }
        out
    }

    #[target_feature(enable = "pclmulqdq,sse4.1")]
    pub(super) fn add_scaled(to: &mut [u64], a: &[u64], b: u64) {
        for (to, a) in to.iter_mut().zip(a) {
            *to ^= reduce(wide(product(*a, b)));
        }
    }

    #[target_feature(enable = "avx512f,avx512dq")]
    pub(super) fn accumulate(to: &mut [u64; 2 * DEGREE], a: &[u64; DEGREE], b: &[u64; DEGREE]) {
        super::accumulate_plain(to, a, b);
    }

    #[target_feature(enable = "avx512f,avx512dq")]
    pub(super) fn combine(to: &mut [u64; DEGREE], values: &[u64], weights: &[[u64; DEGREE]]) {
        super::combine_plain(to, values, weights);
    }
}
