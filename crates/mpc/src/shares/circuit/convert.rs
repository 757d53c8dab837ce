//! Between bits and numbers.
//!
//! Why it exists: sums and products are cheap over Z_2^64, comparisons over
//! bits; the story is told in the parent module.
//!
//! *Invariants*: what is opened on the way is `x − r_1 − r_2`, or `x + b + c`
//! modulo 2^w, to two parties each of which lacks one of the uniform summands,
//! and only after every product before it was verified.

use super::{Block, xor};
use crate::{
    Error,
    shares::{
        Arith, Bits, Words,
        column::{Pair, bounded, low_mask, plane_words},
        lanes,
        party::Party,
    },
};

/// Bits of a ring element.
const WIDTH: u32 = 64;

/// Up to so many bits, a conversion is cheaper with two carries as numbers than
/// with adders of a ring element's width.
const NARROW_MAX: u32 = 40;

impl Party<'_> {
    /// The planes of one component of words, shared trivially.
    fn trivial(&self, words: &Pair, component: usize) -> Vec<Pair> {
        let rows = words.len();
        let count = plane_words(rows);
        let halves = [
            (&words.mine, self.index),
            (&words.next, (self.index + 1) % 3),
        ];
        let planes = halves.map(|(half, held)| match held == component {
            true => lanes::to_planes(half, WIDTH),
            false => Vec::new(),
        });
        let plane = |planes: &[u64], j: usize| match planes.is_empty() {
            true => vec![0; count],
            false => planes[j * count..(j + 1) * count].to_vec(),
        };
        (0..WIDTH as usize)
            .map(|j| Pair {
                mine: plane(&planes[0], j),
                next: plane(&planes[1], j),
            })
            .collect()
    }

    /// Three numbers into two with the same sum: bits, and carries already at
    /// their places (the lowest is absent).
    fn carry_save(&mut self, terms: [Vec<Pair>; 3], upto: u32) -> Result<[Vec<Pair>; 2], Error> {
        let [a, b, c] = &terms;
        let upto = upto as usize;
        let sides: Vec<(Pair, Pair)> = (0..upto - 1)
            .map(|j| (xor(&a[j], &c[j]), xor(&b[j], &c[j])))
            .collect();
        let factors: Vec<(&Pair, &Pair)> = sides.iter().map(|(x, y)| (x, y)).collect();
        let made = self.and_planes(&factors)?;
        let carries = made.iter().zip(c).map(|(made, c)| xor(made, c)).collect();
        let sums = (0..upto).map(|j| xor(&xor(&a[j], &b[j]), &c[j])).collect();
        Ok([sums, carries])
    }

    /// Where a number is negative.
    ///
    /// # Errors
    /// A peer's fault.
    pub fn negative(&mut self, x: &Arith) -> Result<Bits, Error> {
        let terms = [0, 1, 2].map(|component| self.trivial(&x.pair, component));
        let [sums, carries] = self.carry_save(terms, WIDTH)?;
        // Bit 0 has no carry; bit 1 generates where both are set.
        let first = self.and_pairs(&sums[1], &carries[0])?;
        let mut blocks = vec![Block {
            select: None,
            value: first,
        }];
        blocks.extend((2..63).map(|j| Block {
            select: Some(xor(&sums[j], &carries[j - 1])),
            value: sums[j].clone(),
        }));
        let carry = self.mux_tree(blocks)?.unwrap_or_default();
        Ok(Bits {
            pair: xor(&xor(&sums[63], &carries[62]), &carry),
            rows: x.rows(),
            width: 1,
        })
    }

    /// The sum of bits and carries, modulo 2^`sums.len()`, by a prefix adder of
    /// Sklansky's shape.
    fn prefix_add(&mut self, sums: &[Pair], carries: &[Pair]) -> Result<Vec<Pair>, Error> {
        let width = sums.len();
        let mut halves = vec![sums[0].clone()];
        halves.extend((1..width).map(|j| xor(&sums[j], &carries[j - 1])));
        // Blocks for bits 1 ..: a block whose `select` is gone is complete.
        let mut blocks: Vec<Block> = Vec::with_capacity(width);
        if width > 2 {
            let first = self.and_pairs(&sums[1], &carries[0])?;
            blocks.push(Block {
                select: None,
                value: first,
            });
            blocks.extend((2..width - 1).map(|j| Block {
                select: Some(halves[j].clone()),
                value: sums[j].clone(),
            }));
        }
        let mut span = 1;
        while span < blocks.len() {
            let highs = (0..blocks.len()).filter(|at| at & span != 0);
            let low_of = |at: usize| (at & !(2 * span - 1)) + span - 1;
            let gaps: Vec<Pair> = highs
                .clone()
                .map(|at| xor(&blocks[low_of(at)].value, &blocks[at].value))
                .collect();
            let mut factors = Vec::with_capacity(2 * gaps.len());
            for (at, gap) in highs.clone().zip(&gaps) {
                let Some(select) = &blocks[at].select else {
                    continue;
                };
                factors.push((select, gap));
                if let Some(low) = &blocks[low_of(at)].select {
                    factors.push((select, low));
                }
            }
            let mut made = self.and_planes(&factors)?.into_iter();
            for at in highs {
                let whole = blocks[low_of(at)].select.is_none();
                if blocks[at].select.is_none() {
                    continue;
                }
                let moved = made.next().unwrap_or_default();
                blocks[at].value = xor(&blocks[at].value, &moved);
                blocks[at].select = if whole { None } else { made.next() };
            }
            span *= 2;
        }
        for (half, block) in halves.iter_mut().skip(2).zip(&blocks) {
            *half = xor(half, &block.value);
        }
        Ok(halves)
    }

    /// The low `width` bits of a number.
    ///
    /// # Errors
    /// A peer's fault.
    pub fn to_bits(&mut self, x: &Arith, width: u32) -> Result<Bits, Error> {
        let width = width.clamp(1, WIDTH);
        let terms = [0, 1, 2].map(|component| self.trivial(&x.pair, component));
        let [sums, carries] = self.carry_save(terms, width)?;
        let planes = self.prefix_add(&sums, &carries)?;
        Ok(stack(&planes, x.rows()))
    }

    /// One plane as numbers 0 and 1.
    ///
    /// # Errors
    /// [`crate::Refusal::ShapeMismatch`] for more planes; a peer's fault.
    pub fn bit_to_arith(&mut self, bit: &Bits) -> Result<Arith, Error> {
        crate::shares::column::same_rows(bit.width as usize, 1)?;
        let words = bit.to_words().pair.clone();
        let component = |component: usize| {
            let mut pair = Pair::zeros(words.len());
            if self.index == component {
                pair.mine.clone_from(&words.mine);
            }
            if (self.index + 1) % 3 == component {
                pair.next.clone_from(&words.next);
            }
            pair
        };
        let [first, second, third] = [0, 1, 2].map(component);
        let either = self.xor_numbers(&first, &second)?;
        let pair = self.xor_numbers(&either, &third)?;
        Ok(Arith { pair, bits: 1 })
    }

    /// `a + b − 2ab` for numbers 0 and 1.
    fn xor_numbers(&mut self, a: &Pair, b: &Pair) -> Result<Pair, Error> {
        let both = self.mul_pairs(a, b)?;
        let sum = a.zip(b, u64::wrapping_add);
        Ok(sum.zip(&both, |sum, both| sum.wrapping_sub(both.wrapping_mul(2))))
    }

    /// Unsigned bits as numbers.
    ///
    /// # Errors
    /// [`crate::Refusal::Overflow`] for more bits than a number may have; a
    /// peer's fault.
    pub fn to_arith(&mut self, x: &Bits) -> Result<Arith, Error> {
        let bits = bounded(x.width)?;
        let rows = x.rows;
        if (1..=NARROW_MAX).contains(&x.width) {
            let pair = self.narrow_to_arith(x)?;
            return Ok(Arith { pair, bits });
        }
        let mut result = self.two_components(rows);
        let less = result.map(u64::wrapping_neg);
        let mut planes: Vec<Pair> = (0..x.width).map(|j| x.pair.slice(x.plane(j))).collect();
        planes.resize_with(WIDTH as usize, || Pair::zeros(plane_words(rows)));
        let terms = [planes, self.trivial(&less, 1), self.trivial(&less, 2)];
        let [sums, carries] = self.carry_save(terms, WIDTH)?;
        let planes = self.prefix_add(&sums, &carries)?;
        let masked = stack(&planes, rows).to_words();
        let opened = self.open_to_holders_of_zero(&masked)?;
        if self.index == 0 {
            result.mine = opened;
        } else if self.index == 2 {
            result.next = opened;
        }
        Ok(Arith { pair: result, bits })
    }

    /// Uniform components 1 and 2, from their generators; component 0 is zero.
    fn two_components(&mut self, rows: usize) -> Pair {
        let mut pair = Pair::zeros(rows);
        match self.index {
            0 => pair.next = self.with_next.words(rows),
            1 => {
                pair.mine = self.with_previous.words(rows);
                pair.next = self.with_next.words(rows);
            }
            _ => pair.mine = self.with_previous.words(rows),
        }
        pair
    }

    /// Few bits as numbers: with uniform `b`, `c` of `w` bits, known as components
    /// 1 and 2 are, `x + b + c = y + k·2^w`, of which `y` is opened as above, and
    /// `k`, two bits, becomes a number; so `x = y − b − c + k·2^w`.
    fn narrow_to_arith(&mut self, x: &Bits) -> Result<Pair, Error> {
        let (rows, width) = (x.rows, x.width as usize);
        let mask = low_mask(x.width);
        let masks = self.two_components(rows).map(|word| word & mask);
        let mut planes: Vec<Pair> = (0..x.width).map(|j| x.pair.slice(x.plane(j))).collect();
        planes.resize_with(width + 2, || Pair::zeros(plane_words(rows)));
        let mut terms = [planes, self.trivial(&masks, 1), self.trivial(&masks, 2)];
        for term in &mut terms {
            term.truncate(width + 2);
        }
        let [sums, carries] = self.carry_save(terms, x.width + 2)?;
        let planes = self.prefix_add(&sums, &carries)?;
        let masked = stack(&planes[..width], rows).to_words();
        let opened = self.open_to_holders_of_zero(&masked)?;
        let mut result = masks.map(u64::wrapping_neg);
        match self.index {
            0 => result.mine = opened,
            2 => result.next = opened,
            _ => {}
        }
        let [low, high] = [width, width + 1].map(|j| stack(&planes[j..=j], rows).to_words());
        let carries = self.bit_to_arith(&low.append(&high).to_bits())?;
        let (low, high) = (
            carries.pair.slice(0..rows),
            carries.pair.slice(rows..2 * rows),
        );
        let carry = low.zip(&high, |low, high| low.wrapping_add(high.wrapping_mul(2)));
        Ok(result.zip(&carry, |sum, carry| sum.wrapping_add(carry << width)))
    }

    /// Words as numbers: [`Words::to_bits`] and [`Party::to_arith`].
    ///
    /// # Errors
    /// As [`Party::to_arith`].
    pub fn words_to_arith(&mut self, x: &Words) -> Result<Arith, Error> {
        self.to_arith(&x.to_bits())
    }
}

/// Planes of one length, one above the other.
fn stack(planes: &[Pair], rows: usize) -> Bits {
    let mut pair = Pair::with_capacity(planes.len() * plane_words(rows));
    for plane in planes {
        pair.push_range(plane, 0..plane.len());
    }
    Bits {
        pair,
        rows,
        width: u32::try_from(planes.len()).unwrap_or(WIDTH),
    }
}
