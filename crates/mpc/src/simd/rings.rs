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

/// `a_j *= b_j` in GF(2^64).
pub(crate) fn products(a: &mut [u64], b: &[u64]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("pclmulqdq") && is_x86_feature_detected!("sse4.1") {
        // SAFETY: the processor has the instructions that `x86::products` needs.
        return unsafe { x86::products(a, b) };
    }
    for (a, b) in a.iter_mut().zip(b) {
        *a = reduce(multiply(*a, *b));
    }
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

#[inline(always)]
fn add_plain(to: &mut [u64], a: &[u64]) {
    for (to, a) in to.iter_mut().zip(a) {
        *to = to.wrapping_add(*a);
    }
}

/// Columns whose words stand side by side.
pub(crate) const LANES: usize = 8;
/// Columns whose sums are looked up together.
pub(crate) const GROUP: usize = 4;
/// Such groups in a chunk.
pub(crate) const GROUPS: usize = 16;

/// One word of each of eight columns.
pub(crate) type Lanes = [u64; LANES];

/// `to_j = a_j·b_j + c_j·d_j` in every lane.
pub(crate) fn cross(to: &mut [Lanes], one: [&[Lanes]; 2], other: [&[Lanes]; 2]) {
    wide!(cross, cross_plain, to, one, other)
}

#[inline(always)]
fn cross_plain(to: &mut [Lanes], [a, b]: [&[Lanes]; 2], [c, d]: [&[Lanes]; 2]) {
    let (a, b) = (a.as_flattened(), b.as_flattened());
    let (c, d) = (c.as_flattened(), d.as_flattened());
    let to = to.as_flattened_mut().iter_mut();
    for ((to, (a, b)), (c, d)) in to.zip(a.iter().zip(b)).zip(c.iter().zip(d)) {
        *to = a.wrapping_mul(*b).wrapping_add(c.wrapping_mul(*d));
    }
}

/// `to_j += a_j` in every lane.
pub(crate) fn add_lanes(to: &mut [Lanes], a: &[Lanes]) {
    wide!(add, add_plain, to.as_flattened_mut(), a.as_flattened())
}

/// `to_j -= a_j` in every lane.
pub(crate) fn sub_lanes(to: &mut [Lanes], a: &[Lanes]) {
    for (to, a) in to.as_flattened_mut().iter_mut().zip(a.as_flattened()) {
        *to = to.wrapping_sub(*a);
    }
}

/// `to_j = one_j - zero_j` in every lane.
#[inline(always)]
fn minus(to: &mut [Lanes], one: &[Lanes], zero: &[Lanes]) {
    let pairs = one.as_flattened().iter().zip(zero.as_flattened());
    for (to, (one, zero)) in to.as_flattened_mut().iter_mut().zip(pairs) {
        *to = one.wrapping_sub(*zero);
    }
}

/// Blocks of values at 0 and 1 of one variable, `rest` values each, into blocks at 0,
/// 1 and ∞ (the difference).
pub(crate) fn extend_top(values: &[Lanes], rest: usize, out: &mut Vec<Lanes>) {
    out.resize(values.len() / 2 * 3, [0; LANES]);
    wide!(extend_top, extend_top_plain, values, rest, out)
}

#[inline(always)]
fn extend_top_plain(values: &[Lanes], rest: usize, out: &mut [Lanes]) {
    let blocks = values.chunks_exact(2 * rest);
    for (values, out) in blocks.zip(out.chunks_exact_mut(3 * rest)) {
        let (low, lead) = out.split_at_mut(2 * rest);
        low.copy_from_slice(values);
        let (zero, one) = values.split_at(rest);
        minus(lead, one, zero);
    }
}

/// Values on {0, 1}^k, which go to `places`, into those on {0, 1, ∞}^k.
pub(crate) fn extend_near(values: &[Lanes], wide: &mut [Lanes], places: &[usize]) {
    wide!(extend_near, extend_near_plain, values, wide, places)
}

#[inline(always)]
fn extend_near_plain(values: &[Lanes], wide: &mut [Lanes], places: &[usize]) {
    for (place, value) in places.iter().zip(values) {
        wide[*place] = *value;
    }
    let (mut span, mut blocks) = (1, values.len() / 2);
    while blocks > 0 {
        // Where the bits above this one, which still are 0 or 1, put each block.
        for place in &places[..blocks] {
            let block = &mut wide[3 * span * place..][..3 * span];
            let (low, lead) = block.split_at_mut(2 * span);
            let (zero, one) = low.split_at(span);
            minus(lead, one, zero);
        }
        span *= 3;
        blocks /= 2;
    }
}

/// Words `first ..` of eight columns of `rows` words, one after the other in `all`, side
/// by side.
pub(crate) fn gather(all: &[u64], rows: usize, first: usize, to: &mut [Lanes]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") && to.len().is_multiple_of(LANES) {
        // SAFETY: the processor has the instructions that it was compiled for.
        return unsafe { x86::gather(all, rows, first, to) };
    }
    for (at, to) in to.iter_mut().enumerate() {
        *to = std::array::from_fn(|lane| all[lane * rows + first + at]);
    }
}

/// The other way round: lanes become columns `first ..` of tiles of eight points; past
/// the last value, zeros.
pub(crate) fn place(values: &[Lanes], tiles: &mut [[Lanes; GROUP * GROUPS]], first: usize) {
    let mut rest = (values, tiles);
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        let whole = rest.0.len() / LANES;
        let (values, tiles) = (rest.0.split_at(LANES * whole), rest.1.split_at_mut(whole));
        // SAFETY: the processor has the instructions that it was compiled for.
        unsafe { x86::place(values.0, tiles.0, first) };
        rest = (values.1, tiles.1);
    }
    for (values, tile) in rest.0.chunks(LANES).zip(rest.1) {
        for (lane, to) in tile[first..first + LANES].iter_mut().enumerate() {
            *to = std::array::from_fn(|at| values.get(at).map_or(0, |value| value[lane]));
        }
    }
}

/// Values of x, x', y + y' and y on {0, 1}^4 into the products' terms on {0, 1, ∞}^4;
/// false where the processor has no wide instructions or there are other numbers.
/// `wide` is room for the values.
pub(crate) fn near_products(
    halves: [&[Lanes]; 4],
    wide: &mut [Vec<Lanes>; 4],
    out: &mut [Lanes],
) -> bool {
    #[cfg(target_arch = "x86_64")]
    if let [Some(a), Some(b), Some(c), Some(d)] = halves.map(|half| half.as_array::<16>())
        && out.len() == 81
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512f")
    {
        for (half, wide) in [a, b, c, d].into_iter().zip(&mut *wide) {
            if let Some(wide) = wide.first_chunk_mut() {
                // SAFETY: the processor has the instructions that it was compiled for.
                unsafe { x86::near(half, wide) };
            }
        }
        let [x, x_next, both, y] = wide;
        cross(out, [x, both], [x_next, y]);
        return true;
    }
    false
}

/// Adds to each coefficient's sum the columns that are picked for it: a bit a column.
pub(crate) fn weigh(
    sums: &mut [Lanes; DEGREE],
    columns: &[Lanes; GROUP * GROUPS],
    picks: &[[u8; GROUPS]; DEGREE],
) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the processor has the instructions that it was compiled for.
        return unsafe { x86::weigh(sums, columns, picks) };
    }
    let plus = |a: &Lanes, b: &Lanes| std::array::from_fn(|at| a[at].wrapping_add(b[at]));
    let mut tables = [[[0; LANES]; 1 << GROUP]; GROUPS];
    for (table, columns) in tables.iter_mut().zip(columns.as_chunks::<GROUP>().0) {
        for (bit, column) in columns.iter().enumerate() {
            for known in 0..1 << bit {
                table[1 << bit | known] = plus(&table[known], column);
            }
        }
    }
    for (sum, picks) in sums.iter_mut().zip(picks) {
        let mut all = *sum;
        for (table, pick) in tables.iter().zip(picks) {
            all = plus(&all, &table[usize::from(*pick) % (1 << GROUP)]);
        }
        *sum = all;
    }
}

/// `square_{i,k} += Σ_j a_{j,i}·b_{j,k}`.
pub(crate) fn outer(square: &mut [[u64; DEGREE]], a: &[[u64; DEGREE]], b: &[[u64; DEGREE]]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512dq") && is_x86_feature_detected!("avx512f") {
        // SAFETY: the processor has the instructions that it was compiled for.
        return unsafe { x86::outer(square, a, b) };
    }
    for (a, b) in a.iter().zip(b) {
        for (row, a) in square.iter_mut().zip(a) {
            for (to, b) in row.iter_mut().zip(b) {
                *to = to.wrapping_add(a.wrapping_mul(*b));
            }
        }
    }
}

/// `Σ_a values_a·weights_a` for every run of as many values as there are weights:
/// numbers times elements of the Galois ring.
pub(crate) fn combine(out: &mut [[u64; DEGREE]], values: &[u64], weights: &[[u64; DEGREE]]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512dq") && is_x86_feature_detected!("avx512f") {
        // SAFETY: the processor has the instructions that it was compiled for.
        return unsafe { x86::combine(out, values, weights) };
    }
    combine_plain(out, values, weights);
}

fn combine_plain(out: &mut [[u64; DEGREE]], values: &[u64], weights: &[[u64; DEGREE]]) {
    for (sum, values) in out.iter_mut().zip(values.chunks(weights.len())) {
        *sum = [0u64; DEGREE];
        for (value, weight) in values.iter().zip(weights) {
            for (to, coefficient) in sum.iter_mut().zip(weight) {
                *to = to.wrapping_add(value.wrapping_mul(*coefficient));
            }
        }
    }
}

/// The unreduced product of an element and one whose coefficients are 0 or 1, as
/// `bits` says.
pub(crate) fn times(value: &[u64; DEGREE], bits: u64) -> [u64; 2 * DEGREE] {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the processor has the instructions that it was compiled for.
        return unsafe { x86::times(value, bits) };
    }
    let mut wide = [0; 2 * DEGREE];
    for at in (0..DEGREE).filter(|at| bits >> at & 1 == 1) {
        add_plain(&mut wide[at..at + DEGREE], value);
    }
    wide
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    //! The same for particular instructions.

    use std::arch::x86_64::{
        __m128i, __m512i, _mm_clmulepi64_si128, _mm_cvtsi64_si128, _mm_cvtsi128_si64,
        _mm_extract_epi64, _mm_setzero_si128, _mm_xor_si128, _mm512_add_epi64, _mm512_loadu_si512,
        _mm512_mask_add_epi64, _mm512_mullo_epi64, _mm512_set1_epi64, _mm512_setzero_si512,
        _mm512_shuffle_i64x2, _mm512_storeu_si512, _mm512_sub_epi64, _mm512_unpackhi_epi64,
        _mm512_unpacklo_epi64,
    };

    use super::{DEGREE, GROUP, GROUPS, LANES, Lanes, reduce};

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
    pub(super) fn products(a: &mut [u64], b: &[u64]) {
        for (a, b) in a.iter_mut().zip(b) {
            *a = reduce(wide(product(*a, *b)));
        }
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

    /// Four runs at once: each weight is loaded once for four products.
    #[target_feature(enable = "avx512f,avx512dq")]
    pub(super) fn combine(out: &mut [[u64; DEGREE]], values: &[u64], weights: &[[u64; DEGREE]]) {
        let runs = values.chunks_exact(RUNS * weights.len());
        let rest = runs.remainder();
        let done = runs.len() * RUNS;
        for (out, runs) in out.chunks_exact_mut(RUNS).zip(runs) {
            let mut sums = [[_mm512_setzero_si512(); VECTORS]; RUNS];
            let (first, second) = runs.split_at(2 * weights.len());
            let (first, second) = (
                first.split_at(weights.len()),
                second.split_at(weights.len()),
            );
            let values = first
                .0
                .iter()
                .zip(first.1)
                .zip(second.0.iter().zip(second.1));
            for (((a, b), (c, d)), weight) in values.zip(weights) {
                let weight = load_element(weight);
                let four = [
                    _mm512_set1_epi64(a.cast_signed()),
                    _mm512_set1_epi64(b.cast_signed()),
                    _mm512_set1_epi64(c.cast_signed()),
                    _mm512_set1_epi64(d.cast_signed()),
                ];
                multiply_add(&mut sums, &four, &weight);
            }
            for (out, sum) in out.iter_mut().zip(&sums) {
                store_element(out, sum);
            }
        }
        super::combine_plain(&mut out[done..], rest, weights);
    }

    /// Numbers that are multiplied with an element at once.
    const RUNS: usize = 4;
    /// Sixty-four bytes a vector, six an element.
    const VECTORS: usize = DEGREE / LANES;

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn load_element(element: &[u64; DEGREE]) -> [__m512i; VECTORS] {
        let lanes = element.as_chunks().0;
        [
            load(&lanes[0]),
            load(&lanes[1]),
            load(&lanes[2]),
            load(&lanes[3]),
            load(&lanes[4]),
            load(&lanes[5]),
        ]
    }

    /// Adds four numbers times an element to four sums, all in registers.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    fn multiply_add(
        sums: &mut [[__m512i; VECTORS]; RUNS],
        numbers: &[__m512i; RUNS],
        element: &[__m512i; VECTORS],
    ) {
        // Counted by hand: what is not unrolled goes through memory.
        macro_rules! each {
            ($run:literal: $($vector:literal)*) => {$(
                sums[$run][$vector] = _mm512_add_epi64(
                    sums[$run][$vector],
                    _mm512_mullo_epi64(numbers[$run], element[$vector]),
                );
            )*};
        }
        each!(0: 0 1 2 3 4 5);
        each!(1: 0 1 2 3 4 5);
        each!(2: 0 1 2 3 4 5);
        each!(3: 0 1 2 3 4 5);
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn store_element(element: &mut [u64; DEGREE], vectors: &[__m512i; VECTORS]) {
        for (vector, lanes) in vectors.iter().zip(element.as_chunks_mut().0) {
            store(lanes, *vector);
        }
    }

    /// Four coefficients of `a` at once, over a block of elements that stays in the
    /// nearest cache: each sum is read and written once a block.
    #[target_feature(enable = "avx512f,avx512dq")]
    pub(super) fn outer(square: &mut [[u64; DEGREE]], a: &[[u64; DEGREE]], b: &[[u64; DEGREE]]) {
        const BLOCK: usize = 32;
        for (a, b) in a.chunks(BLOCK).zip(b.chunks(BLOCK)) {
            for (at, rows) in square.chunks_exact_mut(RUNS).enumerate() {
                let mut sums = [[_mm512_setzero_si512(); VECTORS]; RUNS];
                for (sums, row) in sums.iter_mut().zip(rows.iter()) {
                    *sums = load_element(row);
                }
                for (a, b) in a.iter().zip(b) {
                    let b = load_element(b);
                    let [a0, a1, a2, a3] = a.as_chunks::<RUNS>().0[at];
                    let four = [
                        _mm512_set1_epi64(a0.cast_signed()),
                        _mm512_set1_epi64(a1.cast_signed()),
                        _mm512_set1_epi64(a2.cast_signed()),
                        _mm512_set1_epi64(a3.cast_signed()),
                    ];
                    multiply_add(&mut sums, &four, &b);
                }
                for (row, sums) in rows.iter_mut().zip(&sums) {
                    store_element(row, sums);
                }
            }
        }
    }

    /// A shift is by eights, which are other vectors, and by the rest, for which the
    /// value is read from another place.
    #[target_feature(enable = "avx512f")]
    pub(super) fn times(value: &[u64; DEGREE], bits: u64) -> [u64; 2 * DEGREE] {
        let mut padded = [0; DEGREE + 2 * LANES];
        padded[LANES..LANES + DEGREE].copy_from_slice(value);
        let mut sums = [_mm512_setzero_si512(); 2 * VECTORS];
        for rest in 0..LANES {
            let mut shifted = [_mm512_setzero_si512(); VECTORS + 1];
            for (vector, lanes) in shifted.iter_mut().zip(padded[LANES - rest..].as_chunks().0) {
                *vector = load(lanes);
            }
            for eights in 0..VECTORS {
                let has = (bits >> (LANES * eights + rest) & 1).wrapping_neg();
                let mask = has.to_le_bytes()[0];
                for (sum, vector) in sums[eights..].iter_mut().zip(shifted) {
                    *sum = _mm512_mask_add_epi64(*sum, mask, *sum, vector);
                }
            }
        }
        let mut wide = [0; 2 * DEGREE];
        for (sum, lanes) in sums.iter().zip(wide.as_chunks_mut().0) {
            store(lanes, *sum);
        }
        wide
    }

    #[target_feature(enable = "avx512f,avx512dq")]
    pub(super) fn add(to: &mut [u64], a: &[u64]) {
        super::add_plain(to, a);
    }

    #[target_feature(enable = "avx512f,avx512dq")]
    pub(super) fn cross(to: &mut [Lanes], one: [&[Lanes]; 2], other: [&[Lanes]; 2]) {
        super::cross_plain(to, one, other);
    }

    #[target_feature(enable = "avx512f,avx512dq")]
    pub(super) fn extend_top(values: &[Lanes], rest: usize, out: &mut [Lanes]) {
        super::extend_top_plain(values, rest, out);
    }

    #[target_feature(enable = "avx512f,avx512dq")]
    pub(super) fn extend_near(values: &[Lanes], wide: &mut [Lanes], places: &[usize]) {
        super::extend_near_plain(values, wide, places);
    }

    #[target_feature(enable = "avx512f")]
    pub(super) fn gather(all: &[u64], rows: usize, first: usize, to: &mut [Lanes]) {
        let all = &all[first..];
        for (at, to) in to.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            let lane = |lane: usize| all[lane * rows + at * LANES..].first_chunk();
            if let (Some(a), Some(b), Some(c), Some(d)) = (lane(0), lane(1), lane(2), lane(3))
                && let (Some(e), Some(f), Some(g), Some(h)) = (lane(4), lane(5), lane(6), lane(7))
            {
                turn([a, b, c, d, e, f, g, h], to);
            }
        }
    }

    #[target_feature(enable = "avx512f")]
    pub(super) fn place(values: &[Lanes], tiles: &mut [[Lanes; GROUP * GROUPS]], first: usize) {
        for (values, tile) in values.as_chunks::<LANES>().0.iter().zip(tiles) {
            let [a, b, c, d, e, f, g, h] = values;
            if let Some(to) = tile[first..].first_chunk_mut() {
                turn([a, b, c, d, e, f, g, h], to);
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn turn(rows: [&Lanes; LANES], to: &mut [Lanes; LANES]) {
        let [a, b, c, d, e, f, g, h] = rows;
        let rows = [
            load(a),
            load(b),
            load(c),
            load(d),
            load(e),
            load(f),
            load(g),
            load(h),
        ];
        // Pairs of words, then of pairs, then of halves.
        let even = [
            _mm512_unpacklo_epi64(rows[0], rows[1]),
            _mm512_unpacklo_epi64(rows[2], rows[3]),
            _mm512_unpacklo_epi64(rows[4], rows[5]),
            _mm512_unpacklo_epi64(rows[6], rows[7]),
        ];
        let odd = [
            _mm512_unpackhi_epi64(rows[0], rows[1]),
            _mm512_unpackhi_epi64(rows[2], rows[3]),
            _mm512_unpackhi_epi64(rows[4], rows[5]),
            _mm512_unpackhi_epi64(rows[6], rows[7]),
        ];
        for (odd, [a, b, c, d]) in [(0, even), (1, odd)] {
            // Lanes of 128 bits: 0 and 2 of each, then 1 and 3.
            let (low, high) = (
                _mm512_shuffle_i64x2::<0b10_00_10_00>(a, b),
                _mm512_shuffle_i64x2::<0b10_00_10_00>(c, d),
            );
            let (low_odd, high_odd) = (
                _mm512_shuffle_i64x2::<0b11_01_11_01>(a, b),
                _mm512_shuffle_i64x2::<0b11_01_11_01>(c, d),
            );
            store(
                &mut to[odd],
                _mm512_shuffle_i64x2::<0b10_00_10_00>(low, high),
            );
            store(
                &mut to[4 + odd],
                _mm512_shuffle_i64x2::<0b11_01_11_01>(low, high),
            );
            store(
                &mut to[2 + odd],
                _mm512_shuffle_i64x2::<0b10_00_10_00>(low_odd, high_odd),
            );
            store(
                &mut to[6 + odd],
                _mm512_shuffle_i64x2::<0b11_01_11_01>(low_odd, high_odd),
            );
        }
    }

    /// Where the points of {0, 1}^4 stand among those of {0, 1, ∞}^4.
    const PLACES: [usize; 16] = [0, 1, 3, 4, 9, 10, 12, 13, 27, 28, 30, 31, 36, 37, 39, 40];

    #[target_feature(enable = "avx512f")]
    pub(super) fn near(values: &[Lanes; 16], wide: &mut [Lanes; 81]) {
        for (place, value) in PLACES.iter().zip(values) {
            wide[*place] = *value;
        }
        lead::<1, 8>(wide);
        lead::<3, 4>(wide);
        lead::<9, 2>(wide);
        lead::<27, 1>(wide);
    }

    /// The differences for one variable, of which the blocks of those above still are
    /// 0 or 1.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn lead<const SPAN: usize, const BLOCKS: usize>(wide: &mut [Lanes; 81]) {
        for place in &PLACES[..BLOCKS] {
            let start = 3 * SPAN * place;
            for at in start..start + SPAN {
                let (zero, one) = (load(&wide[at]), load(&wide[at + SPAN]));
                store(&mut wide[at + 2 * SPAN], _mm512_sub_epi64(one, zero));
            }
        }
    }

    #[target_feature(enable = "avx512f")]
    pub(super) fn weigh(
        sums: &mut [Lanes; DEGREE],
        columns: &[Lanes; GROUP * GROUPS],
        picks: &[[u8; GROUPS]; DEGREE],
    ) {
        let mut tables = [[_mm512_setzero_si512(); 1 << GROUP]; GROUPS];
        for (table, columns) in tables.iter_mut().zip(columns.as_chunks::<GROUP>().0) {
            for (bit, column) in columns.iter().enumerate() {
                let column = load(column);
                for known in 0..1 << bit {
                    table[1 << bit | known] = _mm512_add_epi64(table[known], column);
                }
            }
        }
        for (sum, picks) in sums.iter_mut().zip(picks) {
            let mut all = load(sum);
            for (table, pick) in tables.iter().zip(picks) {
                all = _mm512_add_epi64(all, table[usize::from(*pick) % (1 << GROUP)]);
            }
            store(sum, all);
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn load(lanes: &Lanes) -> __m512i {
        // SAFETY: eight words are 64 bytes.
        unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn store(lanes: &mut Lanes, vector: __m512i) {
        // SAFETY: eight words are 64 bytes.
        unsafe { _mm512_storeu_si512(lanes.as_mut_ptr().cast(), vector) }
    }
}
