//! The loops of the checks for particular instructions.
//!
//! Why it exists: see [`super`]; each function here has its portable twin there, and
//! a test there holds both equal.
//!
//! *Invariants*: no branch and no address depends on a value, but for the bits of
//! challenges and weights, which are public.

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
