//! The inner loops of the checks of three-party products.
//!
//! Why it exists: products in GF(2^64) and over Z_2^64 are most of what malicious
//! security costs there. Each function has a portable form and one that the
//! processor's carry-less or 64-bit vector products run; which runs is asked once
//! a call.

#[cfg(target_arch = "x86_64")]
mod x86;

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

#[cfg(test)]
mod tests {
    use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

    use super::*;

    fn lanes(rng: &mut StdRng, count: usize) -> Vec<Lanes> {
        let one = |_| std::array::from_fn(|_| rng.next_u64());
        (0..count).map(one).collect()
    }

    fn elements(rng: &mut StdRng, count: usize) -> Vec<[u64; DEGREE]> {
        let one = |_| std::array::from_fn(|_| rng.next_u64());
        (0..count).map(one).collect()
    }

    #[test]
    fn combinations_are_those_of_the_portable_loop() {
        let mut rng = StdRng::seed_from_u64(1);
        for (rows, runs, cut) in [(1, 1, 0), (2, 9, 1), (64, 11, 63), (64, 8, 0)] {
            let weights = elements(&mut rng, rows);
            let values: Vec<u64> = (0..rows * runs - cut).map(|_| rng.next_u64()).collect();
            let (mut fast, mut plain) = (elements(&mut rng, runs), elements(&mut rng, runs));
            combine(&mut fast, &values, &weights);
            combine_plain(&mut plain, &values, &weights);
            assert_eq!(fast, plain, "{rows} rows, {runs} runs");
        }
    }

    #[test]
    fn outer_products_are_sums_of_products() {
        let mut rng = StdRng::seed_from_u64(2);
        let (a, b) = (elements(&mut rng, 70), elements(&mut rng, 70));
        let mut square = elements(&mut rng, DEGREE);
        let before = square.clone();
        outer(&mut square, &a, &b);
        for (i, k) in [(0, 0), (5, 47), (47, 3), (22, 23)] {
            let products = a.iter().zip(&b).map(|(a, b)| a[i].wrapping_mul(b[k]));
            let due = products.fold(before[i][k], u64::wrapping_add);
            assert_eq!(square[i][k], due, "{i}, {k}");
        }
    }

    #[test]
    fn weighed_columns_are_sums_of_those_that_are_picked() {
        let mut rng = StdRng::seed_from_u64(3);
        let columns: [Lanes; GROUP * GROUPS] = std::array::from_fn(|_| lanes(&mut rng, 1)[0]);
        let mut picks = [[0; GROUPS]; DEGREE];
        for pick in picks.as_flattened_mut() {
            *pick = rng.next_u64().to_le_bytes()[0] % (1 << GROUP);
        }
        let mut sums = [[7; LANES]; DEGREE];
        weigh(&mut sums, &columns, &picks);
        for (sum, picks) in sums.iter().zip(&picks) {
            let mut due = [7u64; LANES];
            for (at, column) in columns.iter().enumerate() {
                if picks[at / GROUP] >> (at % GROUP) & 1 == 1 {
                    add_plain(&mut due, column);
                }
            }
            assert_eq!(*sum, due);
        }
    }

    #[test]
    fn columns_are_turned_and_turned_back() {
        let mut rng = StdRng::seed_from_u64(4);
        for (rows, first, count) in [(64, 32, 32), (64, 0, 8), (8, 0, 8), (3, 1, 2)] {
            let all: Vec<u64> = (0..8 * rows).map(|_| rng.next_u64()).collect();
            let mut side = lanes(&mut rng, count);
            gather(&all, rows, first, &mut side);
            for (at, side) in side.iter().enumerate() {
                for (lane, word) in side.iter().enumerate() {
                    assert_eq!(*word, all[lane * rows + first + at]);
                }
            }
            let mut tiles = vec![[[9; LANES]; GROUP * GROUPS]; count.div_ceil(LANES)];
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
        let halves = [0; 4].map(|_| lanes(&mut rng, 16));
        let halves = halves.each_ref().map(Vec::as_slice);
        let mut wide = [0; 4].map(|_| lanes(&mut rng, 81));
        let mut due = lanes(&mut rng, 81);
        for (half, wide) in halves.iter().zip(&mut wide) {
            extend_near_plain(half, wide, &PLACES);
        }
        let [x, x_next, both, y] = &wide;
        cross_plain(&mut due, [x, both], [x_next, y]);
        let (mut room, mut fast) = ([0; 4].map(|_| lanes(&mut rng, 81)), lanes(&mut rng, 81));
        if near_products(halves, &mut room, &mut fast) {
            assert_eq!(fast, due);
            assert_eq!(room, wide);
        }
    }
}
