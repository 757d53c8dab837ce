//! The inner loops of the checks of three-party products.
//!
//! Why it exists: products in GF(2^64) and over Z_2^64 are most of what malicious
//! security costs there. Each function has a portable form and one that the
//! processor's carry-less or 64-bit vector products run; which runs is asked once
//! a call.

use crate::shares::{DEGREE, multiply, reduce};

/// Calls the form of a loop that this processor runs best.
macro_rules! wide {
    ($name:ident, $plain:ident, $($argument:expr),*) => {{
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx512dq") && is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has the instructions that it was compiled for.
            return unsafe { x86::$name($($argument),*) };
        }
        $plain($($argument),*)
    }};
}

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

/// `to_j += a_j·b` as polynomials over bits, not reduced.
pub(crate) fn accumulate_binary(to: &mut [u128], a: &[u64], b: u64) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("pclmulqdq") && is_x86_feature_detected!("sse4.1") {
        // SAFETY: the processor has the instructions that it was compiled for.
        return unsafe { x86::accumulate_binary(to, a, b) };
    }
    for (to, a) in to.iter_mut().zip(a) {
        *to ^= multiply(*a, b);
    }
}

/// Adds the unreduced product of two elements of the Galois ring.
pub(crate) fn accumulate(wide: &mut [u64; 2 * DEGREE], a: &[u64; DEGREE], b: &[u64; DEGREE]) {
    for (i, x) in a.iter().enumerate() {
        for (to, y) in wide[i..i + DEGREE].iter_mut().zip(b) {
            *to = to.wrapping_add(x.wrapping_mul(*y));
        }
    }
}

/// `to_j += a_j` over Z_2^64.
pub(crate) fn add(to: &mut [u64], a: &[u64]) {
    wide!(add, add_plain, to, a)
}

#[inline(always)]
fn add_plain(to: &mut [u64], a: &[u64]) {
    for (to, a) in to.iter_mut().zip(a) {
        *to = to.wrapping_add(*a);
    }
}

/// `x_j := x_j·(y_j + y'_j) + x'_j·y_j`, a party's term of a product.
pub(crate) fn cross(x: &mut [u64], x_next: &[u64], y: &[u64], y_next: &[u64]) {
    wide!(cross, cross_plain, x, x_next, y, y_next)
}

#[inline(always)]
fn cross_plain(x: &mut [u64], x_next: &[u64], y: &[u64], y_next: &[u64]) {
    for ((x, x_next), (y, y_next)) in x.iter_mut().zip(x_next).zip(y.iter().zip(y_next)) {
        let sum = x.wrapping_mul(y.wrapping_add(*y_next));
        *x = sum.wrapping_add(x_next.wrapping_mul(*y));
    }
}

/// `square_{i,k} += Σ_j a_{j,i}·b_{j,k}`.
pub(crate) fn outer(square: &mut [[u64; DEGREE]], a: &[[u64; DEGREE]], b: &[[u64; DEGREE]]) {
    wide!(outer, outer_plain, square, a, b)
}

#[inline(always)]
fn outer_plain(square: &mut [[u64; DEGREE]], a: &[[u64; DEGREE]], b: &[[u64; DEGREE]]) {
    // Four at a time: each sum is read and written once for four products.
    let (a_fours, b_fours) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest = a_fours.remainder().iter().zip(b_fours.remainder());
    for (a, b) in a_fours.zip(b_fours) {
        for (i, row) in square.iter_mut().enumerate() {
            for (k, to) in row.iter_mut().enumerate() {
                let first = a[0][i].wrapping_mul(b[0][k]);
                let second = a[1][i].wrapping_mul(b[1][k]);
                let third = a[2][i].wrapping_mul(b[2][k]);
                let fourth = a[3][i].wrapping_mul(b[3][k]);
                let sum = first.wrapping_add(second);
                *to = to.wrapping_add(sum.wrapping_add(third.wrapping_add(fourth)));
            }
        }
    }
    for (a, b) in rest {
        for (row, a) in square.iter_mut().zip(a) {
            for (to, b) in row.iter_mut().zip(b) {
                *to = to.wrapping_add(a.wrapping_mul(*b));
            }
        }
    }
}

/// Adds `Σ_a values_a·weights_a`, numbers times elements of the Galois ring.
pub(crate) fn combine(to: &mut [u64; DEGREE], values: &[u64], weights: &[[u64; DEGREE]]) {
    wide!(combine, combine_plain, to, values, weights)
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

    #[target_feature(enable = "pclmulqdq,sse4.1")]
    pub(super) fn accumulate_binary(to: &mut [u128], a: &[u64], b: u64) {
        for (to, a) in to.iter_mut().zip(a) {
            *to ^= wide(product(*a, b));
        }
    }

    #[target_feature(enable = "avx512f,avx512dq")]
    pub(super) fn combine(to: &mut [u64; DEGREE], values: &[u64], weights: &[[u64; DEGREE]]) {
        super::combine_plain(to, values, weights);
    }

    #[target_feature(enable = "avx512f,avx512dq")]
    pub(super) fn add(to: &mut [u64], a: &[u64]) {
        super::add_plain(to, a);
    }

    #[target_feature(enable = "avx512f,avx512dq")]
    pub(super) fn cross(x: &mut [u64], x_next: &[u64], y: &[u64], y_next: &[u64]) {
        super::cross_plain(x, x_next, y, y_next);
    }

    #[target_feature(enable = "avx512f,avx512dq")]
    pub(super) fn outer(square: &mut [[u64; DEGREE]], a: &[[u64; DEGREE]], b: &[[u64; DEGREE]]) {
        super::outer_plain(square, a, b);
    }
}
