//! The expand-convolute code that compresses the noise.
//!
//! Why it exists: a sparse vector times a public matrix is pseudorandom if the
//! matrix checks a code whose words are all heavy, and this one multiplies in
//! linear time.
//!
//! Paper: Raghuraman, Rindal and Tanguy, "Expand-Convolute Codes for Pseudorandom
//! Correlation Generators from LPN" (CRYPTO 2023). The generator is `G = [I | B·C]`
//! in systematic form: `B` has a fixed number of places a row, uniformly random, and
//! `C` is a convolution with random taps. What is computed here is `G·e`, as
//! `head + B·(C·tail)`, for a VOLE's every vector alike.
//!
//! One pass of `C` goes through the tail in order and adds each entry to those of
//! the next 24 whose tap is set, and always to the 25th, so that what was added
//! goes on for ever; the end is followed by the beginning. Two passes are made,
//! each with taps of its own. The second pass and the ring are the later advice of
//! the authors' own library: with one pass over a line, a row of `B` whose places
//! all fall where a pass has just begun would give a light word.
//!
//! Taps and places come from AES-128 in counter mode under keys that are SHA-256
//! of a fixed label and the code's shape: anybody can derive them again, and nobody
//! chose them.
//!
//! *Invariants*
//! - Everything but the vectors is public, and no branch or address depends on
//!   an entry of theirs.
//!
//! *Not here*: Silver's codes, which the paper broke.

use sha2::{Digest as _, Sha256};

use super::params::Shape;
use crate::{domains, field::F128, prg::Stream, simd};

/// What the code can be applied to.
pub(crate) trait Entry: Copy {
    /// Elements of an entry.
    const WIDTH: usize;
    /// The elements of entries.
    fn elements(entries: &mut [Self]) -> &mut [F128];
    /// `self += other`.
    fn add(&mut self, other: Self);
    /// The entry, or zero where `mask` is zero; it is all ones otherwise.
    fn masked(self, mask: u128) -> Self;
}

impl Entry for F128 {
    const WIDTH: usize = 1;
    fn elements(entries: &mut [Self]) -> &mut [F128] {
        entries
    }
    #[inline(always)]
    fn add(&mut self, other: Self) {
        self.0 ^= other.0;
    }
    #[inline(always)]
    fn masked(self, mask: u128) -> Self {
        Self(self.0 & mask)
    }
}

/// Two vectors at once share taps, places and cache lines.
impl Entry for [F128; 2] {
    const WIDTH: usize = 2;
    fn elements(entries: &mut [Self]) -> &mut [F128] {
        entries.as_flattened_mut()
    }
    #[inline(always)]
    fn add(&mut self, other: Self) {
        self[0].0 ^= other[0].0;
        self[1].0 ^= other[1].0;
    }
    #[inline(always)]
    fn masked(self, mask: u128) -> Self {
        [F128(self[0].0 & mask), F128(self[1].0 & mask)]
    }
}

/// Random taps of one entry.
pub(crate) const TAPS: usize = 24;

/// The public streams of one code.
#[derive(Clone, Copy)]
enum Part {
    FirstPass = 0,
    SecondPass = 1,
    Places = 2,
}

fn stream(shape: &Shape, part: Part) -> Stream {
    let numbers = [shape.dimension(), shape.code.weight(), part as usize];
    let mut hasher = Sha256::new().chain_update(domains::VOLE_CODE);
    for number in numbers {
        hasher.update((number as u64).to_le_bytes());
    }
    let mut key = [0; 16];
    key.copy_from_slice(&hasher.finalize()[..16]);
    Stream::new(F128::from_bytes(key))
}

/// Compresses `entries` into its first `len`, in place; the rest is left as it
/// comes.
pub(crate) fn compress<T: Entry>(shape: &Shape, entries: &mut [T]) {
    let (head, tail) = entries.split_at_mut(shape.dimension());
    for part in [Part::FirstPass, Part::SecondPass] {
        convolve(&mut stream(shape, part), tail);
    }
    expand(
        &mut stream(shape, Part::Places),
        shape.code.weight(),
        &mut head[..shape.len],
        tail,
    );
}

/// Entries whose taps are drawn at once; three bytes each.
const TAPS_BATCH: usize = 4096;

/// One pass over a ring.
fn convolve<T: Entry>(stream: &mut Stream, ring: &mut [T]) {
    let mut random = [F128::ZERO; TAPS_BATCH * 3 / 16];
    let mut taps = [0u32; TAPS_BATCH];
    let len = ring.len();
    for start in (0..len).step_by(TAPS_BATCH) {
        stream.fill(&mut random);
        draw_taps(&random, &mut taps);
        let end = (start + TAPS_BATCH).min(len);
        let elements = T::elements(&mut ring[start..]);
        let wide = start + simd::convolve(elements, T::WIDTH, &taps[..end - start]);
        // The last entries reach around the end.
        let inner = end.min(len.saturating_sub(TAPS + 1)).max(wide);
        for (at, taps) in (wide..inner).zip(&taps[wide - start..]) {
            let window = &mut ring[at..at + TAPS + 2];
            let entry = window[0];
            for (tap, to) in window[1..=TAPS].iter_mut().enumerate() {
                let mask = u128::from(taps >> tap & 1).wrapping_neg();
                to.add(entry.masked(mask));
            }
            window[TAPS + 1].add(entry);
        }
        for (at, taps) in (inner..end).zip(&taps[inner - start..]) {
            let entry = ring[at];
            for tap in (0..=TAPS).filter(|tap| *tap == TAPS || taps >> tap & 1 == 1) {
                ring[(at + 1 + tap) % len].add(entry);
            }
        }
    }
}

/// Three bytes for each entry.
fn draw_taps(random: &[F128], taps: &mut [u32]) {
    for (blocks, taps) in random.chunks_exact(3).zip(taps.chunks_exact_mut(16)) {
        let mut bytes = [0; 48];
        for (bytes, block) in bytes.chunks_exact_mut(16).zip(blocks) {
            bytes.copy_from_slice(&block.to_bytes());
        }
        for (three, taps) in bytes.chunks_exact(3).zip(taps) {
            *taps = u32::from_le_bytes([three[0], three[1], three[2], 0]);
        }
    }
}

/// Rows whose places are drawn at once; four bytes a place.
const ROWS_BATCH: usize = 256;

/// Adds to each entry of `head` the `weight` entries of `tail` at its places.
///
/// A place is a uniformly random 32-bit number times the length, divided by 2^32.
fn expand<T: Entry>(stream: &mut Stream, weight: usize, head: &mut [T], tail: &[T]) {
    match weight {
        7 => expand_fixed::<T, 7>(stream, head, tail),
        _ => expand_fixed::<T, 21>(stream, head, tail),
    }
}

fn expand_fixed<T: Entry, const WEIGHT: usize>(stream: &mut Stream, head: &mut [T], tail: &[T]) {
    let mut random = vec![F128::ZERO; ROWS_BATCH * WEIGHT / 4];
    let mut places = vec![0u32; ROWS_BATCH * WEIGHT];
    let len = tail.len() as u64;
    for rows in head.chunks_mut(ROWS_BATCH) {
        stream.fill(&mut random);
        for (block, places) in random.iter().zip(places.chunks_exact_mut(4)) {
            let bytes = block.to_bytes();
            for (word, place) in bytes.chunks_exact(4).zip(places) {
                *place = u32::from_le_bytes([word[0], word[1], word[2], word[3]]);
            }
        }
        for (row, places) in rows.iter_mut().zip(places.chunks_exact(WEIGHT)) {
            let mut sum = *row;
            for place in places {
                sum.add(tail[((u64::from(*place) * len) >> 32) as usize]);
            }
            *row = sum;
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;
    use crate::vole::params::{Code, Params};

    fn shape(len: usize, code: Code) -> Shape {
        Shape::new(Params { len, code }).unwrap()
    }

    fn noise(len: usize, seed: u64) -> Vec<F128> {
        let mut rng = StdRng::seed_from_u64(seed);
        (0..len).map(|_| F128::random(&mut rng)).collect()
    }

    /// The code as its definition says, entry by entry.
    fn by_definition(shape: &Shape, entries: &[F128]) -> Vec<F128> {
        let bytes_of = |part, count: usize| -> Vec<u8> {
            let mut blocks = vec![F128::ZERO; count.div_ceil(16)];
            stream(shape, part).fill(&mut blocks);
            blocks.iter().flat_map(|block| block.to_bytes()).collect()
        };
        let (head, tail) = entries.split_at(shape.dimension());
        let (mut tail, len) = (tail.to_vec(), tail.len());
        for part in [Part::FirstPass, Part::SecondPass] {
            let bytes = bytes_of(part, 3 * len);
            for at in 0..len {
                let entry = tail[at];
                for tap in 0..24 {
                    if bytes[3 * at + tap / 8] >> (tap % 8) & 1 == 1 {
                        tail[(at + 1 + tap) % len] += entry;
                    }
                }
                tail[(at + 25) % len] += entry;
            }
        }
        let weight = shape.code.weight();
        let places = bytes_of(Part::Places, 4 * weight * shape.len);
        let mut out = head[..shape.len].to_vec();
        for (row, out) in out.iter_mut().enumerate() {
            for index in row * weight..(row + 1) * weight {
                let number = u32::from_le_bytes(places[4 * index..][..4].try_into().unwrap());
                *out += tail[((u64::from(number) * len as u64) >> 32) as usize];
            }
        }
        out
    }

    #[test]
    fn it_is_its_definition_for_one_vector_and_for_two() {
        for code in [Code::Fast, Code::Conservative] {
            for len in [1, 4096, 5000, 9999] {
                let shape = shape(len, code);
                let (e, f) = (noise(shape.entries(), 1), noise(shape.entries(), 2));
                let expected = [by_definition(&shape, &e), by_definition(&shape, &f)];
                let mut both: Vec<[F128; 2]> = e.iter().zip(&f).map(|(e, f)| [*e, *f]).collect();
                compress(&shape, &mut both);
                both.truncate(len);
                let mut alone = e;
                compress(&shape, &mut alone);
                alone.truncate(len);
                assert_eq!(alone, expected[0], "{code:?} {len}");
                assert_eq!(both.len(), len);
                for (row, both) in both.iter().enumerate() {
                    assert_eq!(*both, [expected[0][row], expected[1][row]]);
                }
            }
        }
    }

    #[test]
    fn both_ways_to_convolve_agree() {
        let taps: Vec<u32> = noise(300, 3)
            .iter()
            .map(|element| u32::from_le_bytes([element.to_bytes()[0], 7, element.to_bytes()[2], 0]))
            .collect();
        for len in [8, 29, 36, 37, 64, 65, 300] {
            for width in [1, 2] {
                let entries = noise(len * width, 4);
                let mut wide = entries.clone();
                let done = simd::convolve(&mut wide, width, &taps);
                let mut slow = entries;
                for at in 0..done {
                    for lane in 0..width {
                        let entry = slow[at * width + lane];
                        for tap in 0..25 {
                            if tap == 24 || taps[at] >> tap & 1 == 1 {
                                slow[(at + 1 + tap) * width + lane] += entry;
                            }
                        }
                    }
                }
                assert_eq!(wide, slow, "{len} {width}");
                assert!(done + 40 > len.min(taps.len()) || done == 0);
            }
        }
    }

    #[test]
    fn the_code_is_derived_from_its_label_and_shape_alone() {
        // A change of these is a change of the wire format.
        let first = |code, part| {
            let mut block = [F128::ZERO];
            stream(&shape(1 << 20, code), part).fill(&mut block);
            hex::encode(block[0].to_bytes())
        };
        let all = [
            first(Code::Fast, Part::FirstPass),
            first(Code::Fast, Part::SecondPass),
            first(Code::Fast, Part::Places),
            first(Code::Conservative, Part::Places),
        ];
        let pinned = [
            "663ceb2be8237eece8f320fc0d04a855",
            "f530b8a68a51609e1fb71bcc7b76270c",
            "a097b65fcb7bb56ceff378d095d1d6b1",
            "c847d14b78a80ed6f4442137af1efc0e",
        ];
        assert_eq!(all, pinned);
    }

    #[test]
    fn every_output_depends_on_nearly_half_of_the_noise() {
        // Row weights of the generator: the light rows that one pass would give
        // are what two passes over a ring prevent.
        let shape = shape(1, Code::Fast);
        let dimension = shape.dimension();
        let mut heads = vec![0u32; 64];
        let shape = Shape {
            len: heads.len(),
            ..shape
        };
        let samples = 400;
        for sample in 0..samples {
            let mut entries = vec![F128::ZERO; shape.entries()];
            entries[dimension + sample * dimension / samples] = F128::ONE;
            compress(&shape, &mut entries);
            for (count, out) in heads.iter_mut().zip(&entries) {
                *count += u32::from(*out != F128::ZERO);
            }
        }
        // Half of 400, and six standard deviations of ten.
        assert!(
            heads.iter().all(|count| (140..=260).contains(count)),
            "{heads:?}"
        );
    }
}
