//! The loops of the checks for particular instructions: those over bits and over the grid
//! of products.
//!
//! Why it exists: see [`super`]; each function here has its portable twin there, and
//! a test there holds both equal.
//!
//! *Invariants*: no branch and no address depends on a value, but for the bits of
//! challenges and weights, which are public.

mod elements;

use std::arch::x86_64::{
    __m128i, __m512i, _mm_clmulepi64_si128, _mm_cvtsi64_si128, _mm_cvtsi128_si64,
    _mm_extract_epi64, _mm_setzero_si128, _mm_xor_si128, _mm512_add_epi64, _mm512_loadu_si512,
    _mm512_mullo_epi64, _mm512_setzero_si512, _mm512_shuffle_i64x2, _mm512_storeu_si512,
    _mm512_sub_epi64, _mm512_unpackhi_epi64, _mm512_unpacklo_epi64,
};

pub(super) use elements::{
    SMALL_WEIGHTS, accumulate, combine, combine_small, halves, move_by, weigh_each,
};

use super::{DEGREE, GROUP, GROUPS, LANES, Lanes, Near, Tables, reduce};

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

#[target_feature(enable = "avx512f,avx512dq")]
pub(super) fn add_lanes(to: &mut [Lanes], a: &[Lanes]) {
    super::add_lanes_plain(to, a);
}

#[target_feature(enable = "avx512f,avx512dq")]
pub(super) fn minus(to: &mut [Lanes], one: &[Lanes], zero: &[Lanes]) {
    super::minus_plain(to, one, zero);
}

#[target_feature(enable = "avx512f,avx512dq")]
pub(super) fn extend_top(values: &[Lanes], rest: usize, out: &mut [Lanes]) {
    super::extend_top_plain(values, rest, out);
}

#[target_feature(enable = "avx512f")]
pub(super) fn gather(all: &[u64], to: &mut [Lanes]) {
    let rows = to.len();
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
        let [a, b, c, d, e, f, g, h] = values.each_ref().map(|lanes| &lanes.0);
        if let Some(to) = tile[first..].first_chunk_mut() {
            turn([a, b, c, d, e, f, g, h], to);
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn turn(rows: [&[u64; LANES]; LANES], to: &mut [Lanes; LANES]) {
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

/// The highest of the four variables is extended in registers.
#[target_feature(enable = "avx512f,avx512dq")]
pub(super) fn near_products(halves: [&[Lanes; 16]; 4], near: &mut Near, out: &mut [Lanes; 81]) {
    for (values, wide) in halves.into_iter().zip(&mut *near) {
        for (place, value) in PLACES.iter().zip(values) {
            store(&mut wide[*place], load(value));
        }
        lead::<1, 8>(wide);
        lead::<3, 4>(wide);
        lead::<9, 2>(wide);
    }
    let [x, x_next, both, y] = near;
    for at in 0..27 {
        let zero = [
            load(&x[at]),
            load(&x_next[at]),
            load(&both[at]),
            load(&y[at]),
        ];
        let one = [
            load(&x[27 + at]),
            load(&x_next[27 + at]),
            load(&both[27 + at]),
            load(&y[27 + at]),
        ];
        let most = [
            _mm512_sub_epi64(one[0], zero[0]),
            _mm512_sub_epi64(one[1], zero[1]),
            _mm512_sub_epi64(one[2], zero[2]),
            _mm512_sub_epi64(one[3], zero[3]),
        ];
        for (digit, [x, x_next, both, y]) in [zero, one, most].into_iter().enumerate() {
            let term = _mm512_add_epi64(_mm512_mullo_epi64(x, both), _mm512_mullo_epi64(x_next, y));
            store(&mut out[27 * digit + at], term);
        }
    }
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
    tables: &mut Tables,
) {
    let groups = columns.as_chunks::<GROUP>().0.iter();
    let entries = tables.0.as_chunks_mut::<{ LANES << GROUP }>().0;
    for ([a, b, c, d], table) in groups.zip(entries) {
        let [a, b, c, d] = [load(a), load(b), load(c), load(d)];
        let (ab, cd) = (_mm512_add_epi64(a, b), _mm512_add_epi64(c, d));
        let (ac, bc) = (_mm512_add_epi64(a, c), _mm512_add_epi64(b, c));
        let (ad, bd) = (_mm512_add_epi64(a, d), _mm512_add_epi64(b, d));
        let all = [
            _mm512_setzero_si512(),
            a,
            b,
            ab,
            c,
            ac,
            bc,
            _mm512_add_epi64(ab, c),
            d,
            ad,
            bd,
            _mm512_add_epi64(ab, d),
            cd,
            _mm512_add_epi64(a, cd),
            _mm512_add_epi64(b, cd),
            _mm512_add_epi64(ab, cd),
        ];
        for (to, sum) in table.as_chunks_mut().0.iter_mut().zip(all).skip(1) {
            store(to, sum);
        }
    }
    for (sum, picks) in sums.iter_mut().zip(picks) {
        let mut all = load(sum);
        for (group, pick) in picks.iter().enumerate() {
            // The room past the last table makes every place one of the vector's.
            if let Some(entry) =
                tables.0[(LANES << GROUP) * group + usize::from(*pick)..].first_chunk()
            {
                all = _mm512_add_epi64(all, load(entry));
            }
        }
        store(sum, all);
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(lanes: &[u64; LANES]) -> __m512i {
    // SAFETY: eight words are 64 bytes.
    unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(lanes: &mut [u64; LANES], vector: __m512i) {
    // SAFETY: eight words are 64 bytes.
    unsafe { _mm512_storeu_si512(lanes.as_mut_ptr().cast(), vector) }
}
