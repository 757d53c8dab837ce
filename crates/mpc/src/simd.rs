//! The loops that need the processor's own instructions, each beside its
//! portable twin.
//!
//! Why it exists: products in GF(2^128) are most of what a vector oblivious
//! evaluation computes, those in the rings of [`rings`] most of what three parties
//! do to trust one another, and the instructions for them are ten times faster
//! than anything portable.
//!
//! *Invariants*
//! - This module and its parts are the crate's only ones with `unsafe`, for four reasons alone: to
//!   call a function compiled for instructions that were found at run time, to move
//!   vectors between registers and slices whose bounds were checked above it, to
//!   advise the kernel about pages that a slice owns, and, in a check's build alone,
//!   to speak to valgrind.
//! - What a processor lacks is done by portable code, and tests hold both equal.
//! - No branch and no address depends on a value, here or there.
#![allow(
    unsafe_code,
    reason = "instructions found at run time; see the module's invariants"
)]

use crate::field::F128;

pub(crate) mod hashes;
#[cfg(feature = "constant-time")]
pub(crate) mod request;
pub(crate) mod rings;

/// The polynomial of the field without its leading term.
const POLYNOMIAL: u64 = 0x87;

/// A product in GF(2^128).
#[inline]
pub(crate) fn multiply(a: u128, b: u128) -> u128 {
    #[cfg(target_arch = "x86_64")]
    if x86::has_clmul() {
        // SAFETY: the instructions were found.
        return unsafe { x86::multiply(a, b) };
    }
    portable::multiply(a, b)
}

/// `acc[i] += xs[i] · scalar`.
pub(crate) fn multiply_add_scalar(acc: &mut [F128], xs: &[F128], scalar: F128) {
    let len = acc.len().min(xs.len());
    let (acc, xs) = (&mut acc[..len], &xs[..len]);
    #[cfg(target_arch = "x86_64")]
    if x86::has_wide_clmul() {
        // SAFETY: the instructions were found; both slices have one length.
        return unsafe { x86::multiply_add_scalar(acc, xs, scalar) };
    }
    portable::multiply_add_scalar(acc, xs, scalar);
}

/// `sum of xs[i] · ys[i]`.
pub(crate) fn inner_product(xs: &[F128], ys: &[F128]) -> F128 {
    let len = xs.len().min(ys.len());
    let (xs, ys) = (&xs[..len], &ys[..len]);
    #[cfg(target_arch = "x86_64")]
    if x86::has_wide_clmul() {
        // SAFETY: the instructions were found; both slices have one length.
        return unsafe { x86::inner_product(xs, ys) };
    }
    portable::inner_product(xs, ys)
}

/// `sum of xs[i] · point^(len - i)`.
pub(crate) fn polynomial_hash(xs: &[F128], point: F128) -> F128 {
    // Sixteen at a time: `h ← (h + x_0)·p^16 + x_1·p^15 + … + x_15·p`.
    const STRIDE: usize = 16;
    let mut powers = [point; STRIDE];
    for i in (0..STRIDE - 1).rev() {
        powers[i] = powers[i + 1] * point;
    }
    let head = xs.len() % STRIDE;
    let mut hash = F128::ZERO;
    for x in &xs[..head] {
        hash = (hash + *x) * point;
    }
    let mut block = [F128::ZERO; STRIDE];
    for chunk in xs[head..].chunks_exact(STRIDE) {
        block.copy_from_slice(chunk);
        block[0] += hash;
        hash = inner_product(&block, &powers);
    }
    hash
}

/// Asks for large pages under a slice that was just allocated: a code's random
/// reads otherwise miss the address cache as well as the data's.
///
/// A kernel that does not heed it changes nothing but the time.
fn advise_large_pages<T>(slice: &mut [T]) {
    #[cfg(target_os = "linux")]
    {
        const PAGE: usize = 4096;
        if size_of_val(slice) < 512 * PAGE {
            return;
        }
        let range = slice.as_mut_ptr_range();
        let start = range.start.addr().next_multiple_of(PAGE);
        let end = range.end.addr() / PAGE * PAGE;
        if end > start {
            let first = range.start.with_addr(start).cast();
            // SAFETY: the pages lie within the slice, and the advice changes no
            // content. Its failure is of no consequence.
            let _ = unsafe {
                rustix::mm::madvise(first, end - start, rustix::mm::Advice::LinuxHugepage)
            };
        }
    }
}

/// An empty vector with room for `capacity` on large pages: a page of 4 KiB costs
/// more to be had than to be filled.
pub(crate) fn large<T>(capacity: usize) -> Vec<T> {
    let mut vector = Vec::with_capacity(capacity);
    advise_large_pages(vector.spare_capacity_mut());
    vector
}

/// As many of one value, on large pages.
pub(crate) fn filled<T: Copy>(len: usize, value: T) -> Vec<T> {
    let mut vector = large(len);
    vector.resize(len, value);
    vector
}

/// Convolves as many entries from the front as it can and gives their number;
/// [`crate::vole`]'s code does the rest. An entry is `width` elements, one or two;
/// `taps` has its 24 bits for each, and the 25th entry after it is always added to.
pub(crate) fn convolve(elements: &mut [F128], width: usize, taps: &[u32]) -> usize {
    #[cfg(target_arch = "x86_64")]
    if x86::has_wide_convolution() {
        // SAFETY: the instructions were found.
        return unsafe {
            match width {
                1 => x86::convolve::<4, 8>(elements, taps),
                2 => x86::convolve::<2, 14>(elements, taps),
                _ => 0,
            }
        };
    }
    let _ = (elements, width, taps);
    0
}

/// Loops for any processor.
pub(crate) mod portable {
    use super::POLYNOMIAL;
    use crate::field::F128;

    /// Carry-less product of two 32-bit halves' worth of bits: the low 64 bits of
    /// the product of two polynomials of degree below 64.
    ///
    /// Each factor is cut into four with three holes between its bits, so that no
    /// carry of the integer products reaches a bit that is kept.
    fn low_half(x: u64, y: u64) -> u64 {
        const MASKS: [u64; 4] = [
            0x1111_1111_1111_1111,
            0x2222_2222_2222_2222,
            0x4444_4444_4444_4444,
            0x8888_8888_8888_8888,
        ];
        let x = MASKS.map(|mask| x & mask);
        let y = MASKS.map(|mask| y & mask);
        let mut product = 0;
        for (place, mask) in MASKS.iter().enumerate() {
            let mut sum = 0;
            for (i, factor) in x.iter().enumerate() {
                sum ^= factor.wrapping_mul(y[(place + 4 - i) % 4]);
            }
            product |= sum & mask;
        }
        product
    }

    /// The product of two polynomials of degree below 64.
    fn carryless(x: u64, y: u64) -> u128 {
        let low = low_half(x, y);
        let high = low_half(x.reverse_bits(), y.reverse_bits()).reverse_bits() >> 1;
        u128::from(high) << 64 | u128::from(low)
    }

    #[expect(clippy::cast_possible_truncation, reason = "the halves are meant")]
    const fn halves(value: u128) -> (u64, u64) {
        (value as u64, (value >> 64) as u64)
    }

    /// A product in GF(2^128).
    pub(crate) fn multiply(a: u128, b: u128) -> u128 {
        let ((a0, a1), (b0, b1)) = (halves(a), halves(b));
        let (low, high) = (carryless(a0, b0), carryless(a1, b1));
        let middle = carryless(a0 ^ a1, b0 ^ b1) ^ low ^ high;
        let (low, high) = (low ^ middle << 64, high ^ middle >> 64);
        let (high0, high1) = halves(high);
        let fold = carryless(high1, POLYNOMIAL);
        let (fold0, fold1) = halves(fold);
        low ^ u128::from(fold0) << 64 ^ carryless(high0 ^ fold1, POLYNOMIAL)
    }

    pub(crate) fn multiply_add_scalar(acc: &mut [F128], xs: &[F128], scalar: F128) {
        for (acc, x) in acc.iter_mut().zip(xs) {
            *acc += *x * scalar;
        }
    }

    pub(crate) fn inner_product(xs: &[F128], ys: &[F128]) -> F128 {
        xs.iter().zip(ys).map(|(x, y)| *x * *y).sum()
    }

    #[cfg(test)]
    pub(crate) fn polynomial_hash(xs: &[F128], point: F128) -> F128 {
        xs.iter().fold(F128::ZERO, |hash, x| (hash + *x) * point)
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::{is_x86_feature_detected, x86_64::*};

    use super::POLYNOMIAL;
    use crate::field::F128;

    #[inline]
    pub(super) fn has_clmul() -> bool {
        is_x86_feature_detected!("pclmulqdq")
    }

    #[inline]
    pub(super) fn has_wide_clmul() -> bool {
        is_x86_feature_detected!("pclmulqdq")
            && is_x86_feature_detected!("vpclmulqdq")
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
    }

    /// The constants of the reduction in every lane.
    const FOLD: i64 = POLYNOMIAL.cast_signed();

    fn load(value: u128) -> __m128i {
        // SAFETY: both are 16 bytes without invalid patterns.
        unsafe { std::mem::transmute(value) }
    }

    fn store(vector: __m128i) -> u128 {
        // SAFETY: both are 16 bytes without invalid patterns.
        unsafe { std::mem::transmute(vector) }
    }

    #[target_feature(enable = "pclmulqdq,sse2")]
    pub(super) fn multiply(a: u128, b: u128) -> u128 {
        let (a, b) = (load(a), load(b));
        let fold = _mm_set1_epi64x(FOLD);
        let low = _mm_clmulepi64_si128::<0x00>(a, b);
        let high = _mm_clmulepi64_si128::<0x11>(a, b);
        let middle = _mm_xor_si128(
            _mm_clmulepi64_si128::<0x01>(a, b),
            _mm_clmulepi64_si128::<0x10>(a, b),
        );
        let low = _mm_xor_si128(low, _mm_slli_si128::<8>(middle));
        let high = _mm_xor_si128(high, _mm_srli_si128::<8>(middle));
        // The top quarter folds into the middle two, then the third into the low.
        let top = _mm_clmulepi64_si128::<0x01>(high, fold);
        let low = _mm_xor_si128(low, _mm_slli_si128::<8>(top));
        let high = _mm_xor_si128(high, _mm_srli_si128::<8>(top));
        store(_mm_xor_si128(low, _mm_clmulepi64_si128::<0x00>(high, fold)))
    }

    /// Four unreduced products: low, middle and high parts.
    #[inline]
    #[target_feature(enable = "avx512f,vpclmulqdq")]
    fn products(a: __m512i, b: __m512i) -> [__m512i; 3] {
        [
            _mm512_clmulepi64_epi128::<0x00>(a, b),
            _mm512_xor_si512(
                _mm512_clmulepi64_epi128::<0x01>(a, b),
                _mm512_clmulepi64_epi128::<0x10>(a, b),
            ),
            _mm512_clmulepi64_epi128::<0x11>(a, b),
        ]
    }

    /// Four products from their parts.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,vpclmulqdq")]
    fn reduce([low, middle, high]: [__m512i; 3]) -> __m512i {
        let fold = _mm512_set1_epi64(FOLD);
        let low = _mm512_xor_si512(low, _mm512_bslli_epi128::<8>(middle));
        let high = _mm512_xor_si512(high, _mm512_bsrli_epi128::<8>(middle));
        let top = _mm512_clmulepi64_epi128::<0x01>(high, fold);
        let low = _mm512_xor_si512(low, _mm512_bslli_epi128::<8>(top));
        let high = _mm512_xor_si512(high, _mm512_bsrli_epi128::<8>(top));
        _mm512_xor_si512(low, _mm512_clmulepi64_epi128::<0x00>(high, fold))
    }

    #[target_feature(enable = "avx512f,avx512bw,vpclmulqdq,pclmulqdq,sse2")]
    pub(super) fn multiply_add_scalar(acc: &mut [F128], xs: &[F128], scalar: F128) {
        let factor = _mm512_broadcast_i32x4(load(scalar.0));
        let mut acc_chunks = acc.chunks_exact_mut(4);
        let mut x_chunks = xs.chunks_exact(4);
        for (acc, x) in acc_chunks.by_ref().zip(x_chunks.by_ref()) {
            // SAFETY: each chunk is four elements of 16 bytes, 64 in all.
            unsafe {
                let x = _mm512_loadu_si512(x.as_ptr().cast());
                let sum = _mm512_loadu_si512(acc.as_ptr().cast());
                let sum = _mm512_xor_si512(sum, reduce(products(x, factor)));
                _mm512_storeu_si512(acc.as_mut_ptr().cast(), sum);
            }
        }
        for (acc, x) in acc_chunks
            .into_remainder()
            .iter_mut()
            .zip(x_chunks.remainder())
        {
            acc.0 ^= multiply(x.0, scalar.0);
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,vpclmulqdq,pclmulqdq,sse2")]
    pub(super) fn inner_product(xs: &[F128], ys: &[F128]) -> F128 {
        let mut parts = [_mm512_setzero_si512(); 3];
        let (mut x_chunks, mut y_chunks) = (xs.chunks_exact(4), ys.chunks_exact(4));
        for (x, y) in x_chunks.by_ref().zip(y_chunks.by_ref()) {
            // SAFETY: each chunk is four elements of 16 bytes, 64 in all.
            let (x, y) = unsafe {
                (
                    _mm512_loadu_si512(x.as_ptr().cast()),
                    _mm512_loadu_si512(y.as_ptr().cast()),
                )
            };
            let product = products(x, y);
            for (part, product) in parts.iter_mut().zip(product) {
                *part = _mm512_xor_si512(*part, product);
            }
        }
        let lanes = reduce(parts);
        let mut sum = store(_mm512_extracti32x4_epi32::<0>(lanes))
            ^ store(_mm512_extracti32x4_epi32::<1>(lanes))
            ^ store(_mm512_extracti32x4_epi32::<2>(lanes))
            ^ store(_mm512_extracti32x4_epi32::<3>(lanes));
        for (x, y) in x_chunks.remainder().iter().zip(y_chunks.remainder()) {
            sum ^= multiply(x.0, y.0);
        }
        F128(sum)
    }

    #[inline]
    pub(super) fn has_wide_convolution() -> bool {
        is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("bmi2")
    }

    /// The taps of one entry as masks of 64-bit lanes, for eight registers each.
    #[inline]
    #[target_feature(enable = "bmi2")]
    fn spread<const LANES: usize>(taps: u64) -> [u64; 2] {
        if LANES == 4 {
            [_pdep_u64(taps, 0x5555_5555_5555_5555) * 0b11, 0]
        } else {
            let spread = |taps| _pdep_u64(taps, 0x1111_1111_1111_1111) * 0b1111;
            [spread(taps & 0xffff), spread(taps >> 16)]
        }
    }

    /// Convolution with the next entries kept in `REGISTERS` registers of `LANES`
    /// entries each.
    #[target_feature(enable = "avx512f,bmi2")]
    pub(super) fn convolve<const LANES: usize, const REGISTERS: usize>(
        elements: &mut [F128],
        taps: &[u32],
    ) -> usize {
        const REGISTER_ELEMENTS: usize = 4;
        // The window, and the register that is loaded next.
        let reach = (REGISTERS + 1) * REGISTER_ELEMENTS;
        if elements.len() < reach {
            return 0;
        }
        let blocks = (taps.len() / LANES).min((elements.len() - reach) / REGISTER_ELEMENTS + 1);
        let mut copies = [_mm512_setzero_si512(); LANES];
        for (lane, copy) in (0i64..).zip(copies.iter_mut()) {
            let first = lane * (8 / LANES.cast_signed()) as i64;
            *copy = if LANES == 4 {
                _mm512_broadcast_i32x4(_mm_set_epi64x(first + 1, first))
            } else {
                _mm512_broadcast_i64x4(_mm256_set_epi64x(first + 3, first + 2, first + 1, first))
            };
        }
        let mut window = [_mm512_setzero_si512(); REGISTERS];
        for (register, four) in window.iter_mut().zip(elements.chunks_exact(4)) {
            // SAFETY: a chunk is four elements of 16 bytes, 64 in all.
            *register = unsafe { _mm512_loadu_si512(four.as_ptr().cast()) };
        }
        for (block, taps) in taps.chunks_exact(LANES).take(blocks).enumerate() {
            for (lane, taps) in taps.iter().enumerate() {
                let entry = _mm512_permutexvar_epi64(copies[lane], window[0]);
                let [low, high] = spread::<LANES>(u64::from(*taps | 1 << 24) << (lane + 1));
                for (place, register) in window.iter_mut().enumerate() {
                    let lanes = if place < 8 {
                        low >> (8 * place)
                    } else {
                        high >> (8 * (place - 8))
                    };
                    let mask = lanes.to_le_bytes()[0];
                    *register = _mm512_mask_xor_epi64(*register, mask, *register, entry);
                }
            }
            let at = block * REGISTER_ELEMENTS;
            let next = &elements[at + REGISTERS * 4..][..4];
            // SAFETY: both slices are four elements of 16 bytes, 64 in all.
            let next = unsafe { _mm512_loadu_si512(next.as_ptr().cast()) };
            let done = &mut elements[at..at + 4];
            // SAFETY: as above.
            unsafe { _mm512_storeu_si512(done.as_mut_ptr().cast(), window[0]) };
            window.copy_within(1.., 0);
            window[REGISTERS - 1] = next;
        }
        for (register, four) in window
            .iter()
            .zip(elements[blocks * 4..].chunks_exact_mut(4))
        {
            // SAFETY: a chunk is four elements of 16 bytes, 64 in all.
            unsafe { _mm512_storeu_si512(four.as_mut_ptr().cast(), *register) };
        }
        blocks * LANES
    }
}
