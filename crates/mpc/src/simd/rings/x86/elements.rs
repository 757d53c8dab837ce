//! Loops over elements of the Galois ring.
//!
//! Why it exists: see [`rings`]; each function that is used there has its portable twin
//! there, and a test there holds both equal.
//!
//! *Invariants*: no branch and no address depends on a value, but for the bits of
//! challenges and weights, which are public.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi64, _mm512_alignr_epi64, _mm512_madd52lo_epu64, _mm512_mask_add_epi64,
    _mm512_mullo_epi64, _mm512_set1_epi64, _mm512_setzero_si512, _mm512_slli_epi64,
    _mm512_sub_epi64,
};

use super::{load, store};
use crate::simd::rings::{self, DEGREE, Element, LANES, Lanes, Line, SMALL_BITS, Wide};

/// Four runs at once: each weight is loaded once for four products.
#[target_feature(enable = "avx512f,avx512dq")]
pub(in crate::simd::rings) fn combine(out: &mut [Element], values: &[u64], weights: &[Element]) {
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
    rings::combine_plain(&mut out[done..], rest, weights);
}

/// Numbers that are multiplied with an element at once.
const RUNS: usize = 4;
/// Sixty-four bytes a vector, six an element.
const VECTORS: usize = DEGREE / LANES;

#[inline]
#[target_feature(enable = "avx512f")]
fn load_element(element: &Element) -> [__m512i; VECTORS] {
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
fn store_element(element: &mut Element, vectors: &[__m512i; VECTORS]) {
    for (vector, lanes) in vectors.iter().zip(element.as_chunks_mut().0) {
        store(lanes, *vector);
    }
}

/// Weights that [`combine_small`] takes.
pub(in crate::simd::rings) const SMALL_WEIGHTS: usize = 64;

/// The same where every coefficient has at most forty bits once half of 2^40 was added,
/// as in `shifted`. A value is cut into its lowest twelve bits and the rest, so that the
/// low 52 bits of both products are all that there is to know of them; two runs at once.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(in crate::simd::rings) fn combine_small(
    out: &mut [Element],
    values: &[u64],
    weights: &[Element],
    shifted: &[Element],
) {
    const LOW_BITS: u32 = 52 - SMALL_BITS;
    let runs = values.chunks_exact(2 * weights.len());
    let rest = runs.remainder();
    let done = 2 * runs.len();
    // Low and high parts of each run.
    let mut parts = [[0u64; SMALL_WEIGHTS]; 4];
    for (out, runs) in out.as_chunks_mut::<2>().0.iter_mut().zip(runs) {
        let mut totals = [0u64; 2];
        let mut each = parts.as_chunks_mut::<2>().0.iter_mut();
        for (total, run) in totals.iter_mut().zip(runs.chunks_exact(weights.len())) {
            let Some([low, high]) = each.next() else {
                break;
            };
            for ((low, high), value) in low.iter_mut().zip(high).zip(run) {
                *low = value & ((1 << LOW_BITS) - 1);
                *high = value >> LOW_BITS;
                *total = total.wrapping_add(*value);
            }
        }
        let mut sums = [[_mm512_setzero_si512(); VECTORS]; RUNS];
        for (at, weight) in shifted.iter().enumerate() {
            let [a, b, c, d] = parts.each_ref().map(|part| part[at].cast_signed());
            let four = [
                _mm512_set1_epi64(a),
                _mm512_set1_epi64(b),
                _mm512_set1_epi64(c),
                _mm512_set1_epi64(d),
            ];
            multiply_add_52(&mut sums, &four, &load_element(weight));
        }
        for (at, (out, total)) in out.iter_mut().zip(totals).enumerate() {
            let over = _mm512_set1_epi64((total << (SMALL_BITS - 1)).cast_signed());
            let mut sum = [_mm512_setzero_si512(); VECTORS];
            for ((sum, low), high) in sum.iter_mut().zip(sums[2 * at]).zip(sums[2 * at + 1]) {
                let high = _mm512_slli_epi64::<LOW_BITS>(high);
                *sum = _mm512_sub_epi64(_mm512_add_epi64(low, high), over);
            }
            store_element(out, &sum);
        }
    }
    rings::combine_plain(&mut out[done..], rest, weights);
}

/// Adds the low 52 bits of four numbers' products with an element to four sums.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn multiply_add_52(
    sums: &mut [[__m512i; VECTORS]; RUNS],
    numbers: &[__m512i; RUNS],
    element: &[__m512i; VECTORS],
) {
    macro_rules! each {
        ($run:literal: $($vector:literal)*) => {$(
            sums[$run][$vector] =
                _mm512_madd52lo_epu64(sums[$run][$vector], numbers[$run], element[$vector]);
        )*};
    }
    each!(0: 0 1 2 3 4 5);
    each!(1: 0 1 2 3 4 5);
    each!(2: 0 1 2 3 4 5);
    each!(3: 0 1 2 3 4 5);
}

/// Where an element is evaluated for [`halves`]: its three parts of sixteen coefficients
/// and their sums by two, and of each the lower eight, the upper eight and their sum.
const SPOTS: usize = 18;
/// An element at every spot.
type Spots = [Lanes; SPOTS];
/// Places that are multiplied while their values are near.
const NEAR: usize = 4;

/// The products are Karatsuba's, 18 of eight coefficients by eight where there would be
/// 36; what is between two evaluations is linear, so all are added up there.
#[target_feature(enable = "avx512f,avx512dq")]
pub(in crate::simd::rings) fn halves(all: [&[Element]; 4]) -> [Wide; 2] {
    let half = all[0].len() / 2;
    let mut squares = [[[Lanes::ZERO; LANES]; SPOTS]; 2];
    let mut spots = [[[[Lanes::ZERO; SPOTS]; 4]; NEAR]; 2];
    for start in (0..half).step_by(NEAR) {
        let count = NEAR.min(half - start);
        for at in 0..count {
            let low = all.map(|vector| load_element(&vector[start + at]));
            let mut lead = all.map(|vector| load_element(&vector[half + start + at]));
            for (lead, low) in lead.iter_mut().zip(&low) {
                for (lead, low) in lead.iter_mut().zip(low) {
                    *lead = _mm512_sub_epi64(*lead, *low);
                }
            }
            for (spots, [x, x_next, y, mut both]) in spots.iter_mut().zip([low, lead]) {
                for (both, y) in both.iter_mut().zip(y) {
                    *both = _mm512_add_epi64(*both, y);
                }
                for (spots, element) in spots[at].iter_mut().zip([x, x_next, both, y]) {
                    spread(spots, &element);
                }
            }
        }
        for (squares, spots) in squares.iter_mut().zip(&spots) {
            for (spot, square) in squares.iter_mut().enumerate() {
                multiply_spot(square, &spots[..count], spot);
            }
        }
    }
    squares.each_ref().map(together)
}

/// An element at every spot.
#[inline]
#[target_feature(enable = "avx512f")]
fn spread(spots: &mut Spots, [a, b, c, d, e, f]: &[__m512i; VECTORS]) {
    let parts = [
        (*a, *b),
        (*c, *d),
        (*e, *f),
        (_mm512_add_epi64(*a, *c), _mm512_add_epi64(*b, *d)),
        (_mm512_add_epi64(*a, *e), _mm512_add_epi64(*b, *f)),
        (_mm512_add_epi64(*c, *e), _mm512_add_epi64(*d, *f)),
    ];
    for ((low, high), [at_low, at_high, at_both]) in
        parts.into_iter().zip(spots.as_chunks_mut::<3>().0)
    {
        store(at_low, low);
        store(at_high, high);
        store(at_both, _mm512_add_epi64(low, high));
    }
}

/// `square_{i,k} += Σ x_i·(y + y')_k + x'_i·y_k` at one spot.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn multiply_spot(square: &mut [Lanes; LANES], all: &[[Spots; 4]], spot: usize) {
    let [
        mut s0,
        mut s1,
        mut s2,
        mut s3,
        mut s4,
        mut s5,
        mut s6,
        mut s7,
    ] = square.each_ref().map(|lanes| load(lanes));
    for [x, x_next, both, y] in all {
        for (x, y) in [(x, both), (x_next, y)] {
            let (x, y) = (&x[spot], load(&y[spot]));
            // Counted by hand: what is not unrolled goes through memory.
            macro_rules! each {
                ($($sum:ident $at:literal)*) => {$(
                    $sum = _mm512_add_epi64(
                        $sum,
                        _mm512_mullo_epi64(_mm512_set1_epi64(x[$at].cast_signed()), y),
                    );
                )*};
            }
            each!(s0 0 s1 1 s2 2 s3 3 s4 4 s5 5 s6 6 s7 7);
        }
    }
    for (to, sum) in square.iter_mut().zip([s0, s1, s2, s3, s4, s5, s6, s7]) {
        store(to, sum);
    }
}

/// The product from what it is at every spot.
fn together(squares: &[[Lanes; LANES]; SPOTS]) -> Wide {
    const PART: usize = 2 * LANES;
    fn put(to: &mut [u64], a: &[u64], plus: bool) {
        for (to, a) in to.iter_mut().zip(a) {
            *to = if plus {
                to.wrapping_add(*a)
            } else {
                to.wrapping_sub(*a)
            };
        }
    }
    let mut wide = [0; 2 * DEGREE];
    // Where a product of two parts goes, and where it is taken off again.
    let goes: [(usize, &[usize]); 6] = [
        (0, &[1, 2]),
        (2, &[1, 3]),
        (4, &[2, 3]),
        (1, &[]),
        (2, &[]),
        (3, &[]),
    ];
    for (squares, (to, off)) in squares.as_chunks::<3>().0.iter().zip(goes) {
        let [low, high, both] = squares.each_ref().map(|square| {
            let mut sums = [0u64; 2 * LANES];
            for (at, row) in square.iter().enumerate() {
                put(&mut sums[at..], &row.0, true);
            }
            sums
        });
        let mut product = [0; 2 * PART];
        put(&mut product, &low, true);
        put(&mut product[PART..], &high, true);
        put(&mut product[LANES..], &both, true);
        put(&mut product[LANES..], &low, false);
        put(&mut product[LANES..], &high, false);
        put(&mut wide[PART * to..], &product, true);
        for off in off {
            put(&mut wide[PART * off..], &product, false);
        }
    }
    wide
}

/// Room for a value with a vector of zeros on either side, which is read from other
/// places to be shifted.
type Padded = Line<{ DEGREE + 2 * LANES }>;

/// Differences that are moved at once: what was just written as vectors and is read
/// from other places has to wait.
const MOVED: usize = 8;

#[target_feature(enable = "avx512f")]
pub(in crate::simd::rings) fn move_by(low: &mut [Element], high: &[Element], at: u64) {
    let mut room = [Padded::ZERO; MOVED];
    for (low, high) in low.chunks_mut(MOVED).zip(high.chunks(MOVED)) {
        for (room, (low, high)) in room.iter_mut().zip(low.iter().zip(high)) {
            for ((to, low), high) in vectors_of(room)
                .zip(load_element(low))
                .zip(load_element(high))
            {
                store(to, _mm512_sub_epi64(high, low));
            }
        }
        for (low, room) in low.iter_mut().zip(&room) {
            let mut moved = load_element(low);
            for (to, some) in moved.iter_mut().zip(fold(&times_public(room, at))) {
                *to = _mm512_add_epi64(*to, some);
            }
            store_element(low, &moved);
        }
    }
}

#[target_feature(enable = "avx512f")]
pub(in crate::simd::rings) fn weigh_each(values: &mut [Element], weights: &[u64]) {
    let mut room = [Padded::ZERO; MOVED];
    for (values, weights) in values.chunks_mut(MOVED).zip(weights.chunks(MOVED)) {
        for (room, value) in room.iter_mut().zip(values.iter()) {
            for (to, vector) in vectors_of(room).zip(load_element(value)) {
                store(to, vector);
            }
        }
        for ((value, weight), room) in values.iter_mut().zip(weights).zip(&room) {
            store_element(value, &fold(&times(room, *weight)));
        }
    }
}

/// The vectors of the value itself.
fn vectors_of(room: &mut Padded) -> impl Iterator<Item = &mut [u64; LANES]> {
    room[LANES..].as_chunks_mut().0.iter_mut().take(VECTORS)
}

/// A value shifted by fewer than eight places.
#[inline]
#[target_feature(enable = "avx512f")]
fn shifted(value: &Padded, rest: usize) -> [__m512i; VECTORS + 1] {
    let mut shifted = [_mm512_setzero_si512(); VECTORS + 1];
    for (vector, lanes) in shifted.iter_mut().zip(value[LANES - rest..].as_chunks().0) {
        *vector = load(lanes);
    }
    shifted
}

/// A shift is by eights, which are other vectors, and by the rest, for which the
/// value is read from another place.
#[inline]
#[target_feature(enable = "avx512f")]
fn times(value: &Padded, bits: u64) -> [__m512i; 2 * VECTORS] {
    let mut sums = [_mm512_setzero_si512(); 2 * VECTORS];
    for rest in 0..LANES {
        let shifted = shifted(value, rest);
        for eights in 0..VECTORS {
            let has = (bits >> (LANES * eights + rest) & 1).wrapping_neg();
            let mask = has.to_le_bytes()[0];
            for (sum, vector) in sums[eights..].iter_mut().zip(shifted) {
                *sum = _mm512_mask_add_epi64(*sum, mask, *sum, vector);
            }
        }
    }
    sums
}

/// The same for bits that are public and those of many values: a branch for each.
#[inline]
#[target_feature(enable = "avx512f")]
fn times_public(value: &Padded, bits: u64) -> [__m512i; 2 * VECTORS] {
    let mut sums = [_mm512_setzero_si512(); 2 * VECTORS];
    for rest in 0..LANES {
        let shifted = shifted(value, rest);
        macro_rules! each {
            ($($eights:literal)*) => {$(
                if bits >> (LANES * $eights + rest) & 1 == 1 {
                    for (sum, vector) in sums[$eights..].iter_mut().zip(shifted) {
                        *sum = _mm512_add_epi64(*sum, vector);
                    }
                }
            )*};
        }
        each!(0 1 2 3 4 5);
    }
    sums
}

/// See [`rings::fold`]: what comes down is `H·(1 + X^2 + X^3 + X^5)`.
#[inline]
#[target_feature(enable = "avx512f")]
fn fold(wide: &[__m512i; 2 * VECTORS]) -> [__m512i; VECTORS] {
    let zero = _mm512_setzero_si512();
    let taps = |before, vector| {
        let two = _mm512_alignr_epi64::<6>(vector, before);
        let three = _mm512_alignr_epi64::<5>(vector, before);
        let five = _mm512_alignr_epi64::<3>(vector, before);
        _mm512_add_epi64(_mm512_add_epi64(vector, two), _mm512_add_epi64(three, five))
    };
    let (low, high) = wide.split_at(VECTORS);
    let mut folded = [zero; VECTORS];
    let mut before = zero;
    for ((to, low), high) in folded.iter_mut().zip(low).zip(high) {
        *to = _mm512_sub_epi64(*low, taps(before, *high));
        before = *high;
    }
    let over = taps(before, zero);
    folded[0] = _mm512_add_epi64(folded[0], taps(zero, over));
    folded[1] = _mm512_add_epi64(folded[1], taps(over, zero));
    folded
}

#[target_feature(enable = "avx512f,avx512dq")]
pub(in crate::simd::rings) fn accumulate(wide: &mut Wide, a: &Element, b: &Element) {
    rings::accumulate_plain(wide, a, b);
}
