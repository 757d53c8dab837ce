//! The inner loops of the checks of three-party products.
//!
//! Why it exists: products in GF(2^64) and over Z_2^64 are most of what malicious
//! security costs there. Each function has a portable form and one that the
//! processor's carry-less or 64-bit vector products run; which runs is asked once
//! a call.

#[cfg(target_arch = "x86_64")]
mod x86;

use std::ops::{Deref, DerefMut};

use crate::shares::{DEGREE, multiply, reduce};

/// Words that begin where a line of the cache does: a vector of 64 bytes that lies
/// across two lines is read twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub(crate) struct Line<const N: usize>(pub(crate) [u64; N]);

impl<const N: usize> Line<N> {
    pub(crate) const ZERO: Self = Self([0; N]);
}

impl<const N: usize> Deref for Line<N> {
    type Target = [u64; N];

    fn deref(&self) -> &[u64; N] {
        &self.0
    }
}

impl<const N: usize> DerefMut for Line<N> {
    fn deref_mut(&mut self) -> &mut [u64; N] {
        &mut self.0
    }
}

/// An element of the Galois ring.
pub(crate) type Element = Line<DEGREE>;

/// The sum of products of two elements, before it is reduced.
pub(crate) type Wide = [u64; 2 * DEGREE];

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
pub(crate) fn accumulate(wide: &mut Wide, a: &Element, b: &Element) {
    wide!(accumulate, accumulate_plain, wide, a, b)
}

#[inline(always)]
fn accumulate_plain(wide: &mut Wide, a: &Element, b: &Element) {
    for (i, x) in a.iter().enumerate() {
        for (to, y) in wide[i..i + DEGREE].iter_mut().zip(b.iter()) {
            *to = to.wrapping_add(x.wrapping_mul(*y));
        }
    }
}

/// `Σ x·(y + y') + x'·y` over the first halves of x, x', y and y', and over the
/// differences of both halves, not reduced.
pub(crate) fn halves(all: [&[Element]; 4]) -> [Wide; 2] {
    wide!(halves, halves_plain, all)
}

fn halves_plain(all: [&[Element]; 4]) -> [Wide; 2] {
    let half = all[0].len() / 2;
    let mut sums = [[0; 2 * DEGREE]; 2];
    let each = |f: &dyn Fn(usize) -> u64| Line(std::array::from_fn(f));
    for at in 0..half {
        let low = all.map(|vector| vector[at]);
        let lead = all.map(|vector| each(&|k| vector[half + at][k].wrapping_sub(vector[at][k])));
        for (sum, [x, x_next, y, y_next]) in sums.iter_mut().zip([low, lead]) {
            accumulate_plain(sum, &x, &each(&|k| y[k].wrapping_add(y_next[k])));
            accumulate_plain(sum, &x_next, &y);
        }
    }
    sums
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
pub(crate) type Lanes = Line<LANES>;

/// `to_j += a_j` in every lane.
pub(crate) fn add_lanes(to: &mut [Lanes], a: &[Lanes]) {
    wide!(add_lanes, add_lanes_plain, to, a)
}

#[inline(always)]
fn add_lanes_plain(to: &mut [Lanes], a: &[Lanes]) {
    for (to, a) in to.iter_mut().zip(a) {
        add_plain(&mut to.0, &a.0);
    }
}

/// `to_j = one_j - zero_j` in every lane.
pub(crate) fn minus(to: &mut [Lanes], one: &[Lanes], zero: &[Lanes]) {
    wide!(minus, minus_plain, to, one, zero)
}

#[inline(always)]
fn minus_plain(to: &mut [Lanes], one: &[Lanes], zero: &[Lanes]) {
    for (to, (one, zero)) in to.iter_mut().zip(one.iter().zip(zero)) {
        for (at, to) in to.iter_mut().enumerate() {
            *to = one[at].wrapping_sub(zero[at]);
        }
    }
}

/// Values on {0, 1}^k into values on {0, 1, ∞}^k of the multilinear polynomial through
/// them: `places` says where the points of {0, 1}^k stand among the 3^k of `wide`.
#[inline]
pub(crate) fn extend<T: Copy>(
    values: &[T],
    wide: &mut [T],
    places: &[usize],
    minus: impl Fn(T, T) -> T,
) {
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
            for (to, (zero, one)) in lead.iter_mut().zip(zero.iter().zip(one)) {
                *to = minus(*one, *zero);
            }
        }
        span *= 3;
        blocks /= 2;
    }
}

/// Blocks of values at 0 and 1 of one variable, `rest` values each, into blocks at 0,
/// 1 and ∞ (the difference).
pub(crate) fn extend_top(values: &[Lanes], rest: usize, out: &mut Vec<Lanes>) {
    out.resize(values.len() / 2 * 3, Lanes::ZERO);
    wide!(extend_top, extend_top_plain, values, rest, out)
}

#[inline(always)]
fn extend_top_plain(values: &[Lanes], rest: usize, out: &mut [Lanes]) {
    let blocks = values.chunks_exact(2 * rest);
    for (values, out) in blocks.zip(out.chunks_exact_mut(3 * rest)) {
        let (low, lead) = out.split_at_mut(2 * rest);
        low.copy_from_slice(values);
        let (zero, one) = values.split_at(rest);
        minus_plain(lead, one, zero);
    }
}

/// The words of eight columns, one column after the other in `all`, side by side.
pub(crate) fn gather(all: &[u64], to: &mut [Lanes]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") && to.len().is_multiple_of(LANES) {
        // SAFETY: the processor has the instructions that it was compiled for.
        return unsafe { x86::gather(all, to) };
    }
    let rows = to.len();
    for (at, to) in to.iter_mut().enumerate() {
        *to = Line(std::array::from_fn(|lane| all[lane * rows + at]));
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
            *to = Line(std::array::from_fn(|at| {
                values.get(at).map_or(0, |value| value[lane])
            }));
        }
    }
}

/// Room for [`near_products`].
pub(crate) type Near = [[Lanes; 81]; 4];

/// Values of x, x', y + y' and y on {0, 1}^k, k at most 4, into the terms x·(y + y') +
/// x'·y on {0, 1, ∞}^k; `places` are those of {0, 1}^k there, and `near` is room for
/// the values.
pub(crate) fn near_products(
    halves: [&[Lanes]; 4],
    places: &[usize],
    near: &mut Near,
    out: &mut [Lanes],
) {
    #[cfg(target_arch = "x86_64")]
    if let [Some(a), Some(b), Some(c), Some(d)] = halves.map(|half| half.as_array())
        && let Some(out) = out.as_mut_array()
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512f")
    {
        // SAFETY: the processor has the instructions that it was compiled for.
        return unsafe { x86::near_products([a, b, c, d], near, out) };
    }
    near_products_plain(halves, places, near, out);
}

fn near_products_plain(
    halves: [&[Lanes]; 4],
    places: &[usize],
    near: &mut Near,
    out: &mut [Lanes],
) {
    for (values, near) in halves.iter().zip(&mut *near) {
        extend(values, near, places, |one, zero| {
            Line(std::array::from_fn(|at| one[at].wrapping_sub(zero[at])))
        });
    }
    let [x, x_next, both, y] = near;
    let values = x.iter().zip(x_next).zip(both.iter().zip(y));
    for (to, ((x, x_next), (both, y))) in out.iter_mut().zip(values) {
        for (at, to) in to.iter_mut().enumerate() {
            let term = x[at].wrapping_mul(both[at]);
            *to = term.wrapping_add(x_next[at].wrapping_mul(y[at]));
        }
    }
}

/// Room for [`weigh`]: the sums of every group of columns, and past the last of them as
/// much as any byte can ask for.
#[derive(Clone)]
#[repr(C, align(64))]
pub(crate) struct Tables([u64; (LANES << GROUP) * (GROUPS + 1) + LANES]);

impl Tables {
    /// Empty sums are zero, and stay.
    pub(crate) const EMPTY: Self = Self([0; (LANES << GROUP) * (GROUPS + 1) + LANES]);
}

/// Where in a table the sum of some of a group's columns stands, which are bits.
pub(crate) fn pick(columns: u64) -> u8 {
    (columns % (1 << GROUP)).to_le_bytes()[0] * LANES.to_le_bytes()[0]
}

/// Adds to each coefficient's sum the columns that are picked for it: see [`pick`].
pub(crate) fn weigh(
    sums: &mut [Lanes; DEGREE],
    columns: &[Lanes; GROUP * GROUPS],
    picks: &[[u8; GROUPS]; DEGREE],
    tables: &mut Tables,
) {
    wide!(weigh, weigh_plain, sums, columns, picks, tables)
}

fn weigh_plain(
    sums: &mut [Lanes; DEGREE],
    columns: &[Lanes; GROUP * GROUPS],
    picks: &[[u8; GROUPS]; DEGREE],
    tables: &mut Tables,
) {
    let entries = tables.0.as_chunks_mut::<{ LANES << GROUP }>().0;
    for (columns, table) in columns.as_chunks::<GROUP>().0.iter().zip(entries) {
        for (bit, column) in columns.iter().enumerate() {
            let (known, open) = table.split_at_mut(LANES << bit);
            let entries = open.as_chunks_mut::<LANES>().0.iter_mut();
            for (to, sum) in entries.zip(known.as_chunks::<LANES>().0) {
                *to = std::array::from_fn(|at| sum[at].wrapping_add(column[at]));
            }
        }
    }
    for (sum, picks) in sums.iter_mut().zip(picks) {
        for (group, pick) in picks.iter().enumerate() {
            add_plain(
                &mut sum.0,
                &tables.0[(LANES << GROUP) * group + usize::from(*pick)..],
            );
        }
    }
}

/// `Σ_a values_a·weights_a` for every run of as many values as there are weights:
/// numbers times elements of the Galois ring.
pub(crate) fn combine(out: &mut [Element], values: &[u64], weights: &[Element]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512dq") && is_x86_feature_detected!("avx512f") {
        if is_x86_feature_detected!("avx512ifma")
            && let Some(shifted) = shifted(weights)
        {
            // SAFETY: the processor has the instructions that it was compiled for.
            return unsafe { x86::combine_small(out, values, weights, &shifted) };
        }
        // SAFETY: the processor has the instructions that it was compiled for.
        return unsafe { x86::combine(out, values, weights) };
    }
    combine_plain(out, values, weights);
}

/// Bits of a weight that [`x86::combine_small`] can take.
#[cfg(target_arch = "x86_64")]
const SMALL_BITS: u32 = 40;

/// Weights, read as signed numbers, with half of 2^40 added, where that makes all of
/// them numbers of forty bits and they are few.
///
/// A product of six challenges, whose coefficients are 0 and 1, has coefficients far
/// below; which they are is public.
#[cfg(target_arch = "x86_64")]
fn shifted(weights: &[Element]) -> Option<Vec<Element>> {
    let shift = |weight: &u64| weight.wrapping_add(1 << (SMALL_BITS - 1));
    let small = |weight: &Element| weight.iter().all(|weight| shift(weight) >> SMALL_BITS == 0);
    let fit = weights.len() <= x86::SMALL_WEIGHTS && weights.iter().all(small);
    fit.then(|| {
        let weights = weights.iter();
        weights
            .map(|weight| Line(weight.each_ref().map(shift)))
            .collect()
    })
}

fn combine_plain(out: &mut [Element], values: &[u64], weights: &[Element]) {
    for (sum, values) in out.iter_mut().zip(values.chunks(weights.len())) {
        *sum = Element::ZERO;
        for (value, weight) in values.iter().zip(weights) {
            for (to, coefficient) in sum.iter_mut().zip(weight.iter()) {
                *to = to.wrapping_add(value.wrapping_mul(*coefficient));
            }
        }
    }
}

/// `values_j *= weights_j`, whose coefficients are 0 or 1, as their bits say.
pub(crate) fn weigh_each(values: &mut [Element], weights: &[u64]) {
    wide!(weigh_each, weigh_each_plain, values, weights)
}

fn weigh_each_plain(values: &mut [Element], weights: &[u64]) {
    for (value, weight) in values.iter_mut().zip(weights) {
        *value = fold(&times(value, *weight));
    }
}

/// `low_j += at·(high_j - low_j)`, where the coefficients of `at` are 0 or 1, as its
/// bits, which are public, say.
pub(crate) fn move_by(low: &mut [Element], high: &[Element], at: u64) {
    wide!(move_by, move_by_plain, low, high, at)
}

fn move_by_plain(low: &mut [Element], high: &[Element], at: u64) {
    for (low, high) in low.iter_mut().zip(high) {
        let difference = Line(std::array::from_fn(|k| high[k].wrapping_sub(low[k])));
        add_plain(&mut low.0, &fold(&times(&difference, at)).0);
    }
}

/// The unreduced product of an element and one whose coefficients are bits.
fn times(value: &Element, bits: u64) -> Wide {
    let mut wide = [0; 2 * DEGREE];
    for at in (0..DEGREE).filter(|at| bits >> at & 1 == 1) {
        add_plain(&mut wide[at..at + DEGREE], &value.0);
    }
    wide
}

/// A product of degree up to 94 modulo X^48 + X^5 + X^3 + X^2 + 1.
pub(crate) fn fold(wide: &Wide) -> Element {
    const TAPS: [usize; 4] = [0, 2, 3, 5];
    const OVER: usize = 5;
    // The upper half comes down at four places; what that puts above the top again
    // are five coefficients, which come down once more.
    let (low, high) = wide.split_at(DEGREE);
    let mut out = [0; DEGREE + OVER];
    out[..DEGREE].copy_from_slice(low);
    for tap in TAPS {
        for (to, high) in out[tap..tap + DEGREE].iter_mut().zip(high) {
            *to = to.wrapping_sub(*high);
        }
    }
    let (low, over) = out.split_at_mut(DEGREE);
    for tap in TAPS {
        for (to, over) in low[tap..tap + OVER].iter_mut().zip(over.iter()) {
            *to = to.wrapping_sub(*over);
        }
    }
    let mut folded = Element::ZERO;
    folded.copy_from_slice(low);
    folded
}

#[cfg(test)]
mod tests {
    use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

    use super::*;

    fn lines<const N: usize>(rng: &mut StdRng, count: usize) -> Vec<Line<N>> {
        let one = |_| Line(std::array::from_fn(|_| rng.next_u64()));
        (0..count).map(one).collect()
    }

    #[test]
    fn combinations_are_those_of_the_portable_loop() {
        let mut rng = StdRng::seed_from_u64(1);
        for (rows, runs, cut) in [(1, 1, 0), (2, 9, 1), (64, 11, 63), (64, 8, 0)] {
            // Weights of any size, and the largest and the least of those that are small.
            for (shift, least) in [(0, 0), (24, 0), (24, 1u64 << 39), (24, (1 << 39) - 1)] {
                let mut weights: Vec<Element> = lines(&mut rng, rows);
                for weight in weights.iter_mut().flat_map(|weight| &mut weight.0) {
                    *weight = (*weight >> shift).wrapping_sub(least);
                }
                if shift > 0 {
                    weights[0][3] = (1 << 39) - 1;
                    weights[rows - 1][5] = (1u64 << 39).wrapping_neg();
                }
                let mut values: Vec<u64> = (0..rows * runs - cut).map(|_| rng.next_u64()).collect();
                values[0] = u64::MAX;
                let (mut fast, mut plain) = (lines(&mut rng, runs), lines(&mut rng, runs));
                combine(&mut fast, &values, &weights);
                combine_plain(&mut plain, &values, &weights);
                assert_eq!(fast, plain, "{rows} rows, {runs} runs, {shift} bits fewer");
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn small_weights_are_those_of_forty_bits_with_a_sign() {
        let half = 1u64 << 39;
        for (weight, small) in [
            (0, true),
            (half - 1, true),
            (half.wrapping_neg(), true),
            (half, false),
            ((half + 1).wrapping_neg(), false),
            (1 << 63, false),
        ] {
            let mut element = Element::ZERO;
            element[47] = weight;
            assert_eq!(shifted(&[element]).is_some(), small, "{weight:x}");
        }
        assert!(shifted(&vec![Element::ZERO; x86::SMALL_WEIGHTS + 1]).is_none());
    }

    #[test]
    fn sums_over_halves_are_those_of_the_portable_loop() {
        let mut rng = StdRng::seed_from_u64(2);
        for half in [0, 1, 3, 4, 13] {
            let all = [0; 4].map(|_| lines(&mut rng, 2 * half));
            let all = all.each_ref().map(Vec::as_slice);
            assert_eq!(halves(all), halves_plain(all), "{half}");
        }
    }

    #[test]
    fn elements_are_weighed_and_moved_as_by_the_portable_loops() {
        let mut rng = StdRng::seed_from_u64(6);
        for count in [1, 7, 8, 21] {
            let (low, high) = (lines(&mut rng, count), lines(&mut rng, count));
            for at in [0, 1, 1 << 47, (1 << 48) - 1, rng.next_u64() >> 16] {
                let (mut fast, mut plain) = (low.clone(), low.clone());
                move_by(&mut fast, &high, at);
                move_by_plain(&mut plain, &high, at);
                assert_eq!(fast, plain, "{count} by {at:x}");
            }
            let weights: Vec<u64> = (0..count).map(|_| rng.next_u64()).collect();
            let (mut fast, mut plain) = (low.clone(), low.clone());
            weigh_each(&mut fast, &weights);
            weigh_each_plain(&mut plain, &weights);
            assert_eq!(fast, plain, "{count} weights");
        }
    }

    #[test]
    fn weighed_columns_are_sums_of_those_that_are_picked() {
        let mut rng = StdRng::seed_from_u64(3);
        let columns: [Lanes; GROUP * GROUPS] = std::array::from_fn(|_| lines(&mut rng, 1)[0]);
        let bits: [u64; DEGREE] = std::array::from_fn(|_| rng.next_u64());
        let picks = bits.map(|bits| std::array::from_fn(|group| pick(bits >> (GROUP * group))));
        let mut sums = [Line([7; LANES]); DEGREE];
        let mut plain = sums;
        let mut tables = Tables::EMPTY;
        // The tables' room is used again.
        weigh(&mut sums, &columns, &picks, &mut tables);
        weigh_plain(&mut plain, &columns, &picks, &mut tables);
        assert_eq!(sums, plain);
        for (sum, picks) in sums.iter().zip(&bits) {
            let mut due = [7u64; LANES];
            for (at, column) in columns.iter().enumerate() {
                if picks >> at & 1 == 1 {
                    add_plain(&mut due, &column.0);
                }
            }
            assert_eq!(sum.0, due);
        }
    }

    #[test]
    fn columns_are_turned_and_turned_back() {
        let mut rng = StdRng::seed_from_u64(4);
        for rows in [64, 32, 8, 3] {
            let all: Vec<u64> = (0..8 * rows).map(|_| rng.next_u64()).collect();
            let mut side: Vec<Lanes> = lines(&mut rng, rows);
            gather(&all, &mut side);
            for (at, side) in side.iter().enumerate() {
                for (lane, word) in side.iter().enumerate() {
                    assert_eq!(*word, all[lane * rows + at]);
                }
            }
            let mut tiles = vec![[Line([9; LANES]); GROUP * GROUPS]; rows.div_ceil(LANES)];
            place(&side, &mut tiles, 16);
            for (at, tile) in tiles.as_flattened().iter().enumerate() {
                let (tile_at, column) = (at / (GROUP * GROUPS), at % (GROUP * GROUPS));
                for (point, word) in tile.iter().enumerate() {
                    let due = match column.checked_sub(16) {
                        Some(lane) if lane < 8 => side
                            .get(tile_at * LANES + point)
                            .map_or(0, |lanes| lanes[lane]),
                        _ => 9,
                    };
                    assert_eq!(*word, due);
                }
            }
        }
    }

    #[test]
    fn near_products_are_those_of_the_portable_loops() {
        const PLACES: [usize; 16] = [0, 1, 3, 4, 9, 10, 12, 13, 27, 28, 30, 31, 36, 37, 39, 40];
        let mut rng = StdRng::seed_from_u64(5);
        let halves = [0; 4].map(|_| lines(&mut rng, 16));
        let halves = halves.each_ref().map(Vec::as_slice);
        let mut room = [0; 2].map(|_| [[Line([rng.next_u64(); LANES]); 81]; 4]);
        let (mut fast, mut due) = (lines(&mut rng, 81), lines(&mut rng, 81));
        near_products(halves, &PLACES, &mut room[0], &mut fast);
        near_products_plain(halves, &PLACES, &mut room[1], &mut due);
        assert_eq!(fast, due);
        // One point by hand: ∞ in the lowest variable, 1 in the highest.
        let lead = |half: usize| halves[half][9][3].wrapping_sub(halves[half][8][3]);
        let term = lead(0).wrapping_mul(lead(2));
        assert_eq!(due[29][3], term.wrapping_add(lead(1).wrapping_mul(lead(3))));
    }
}
