//! Circuits of bits: comparison, equality, choice, and the passage between bits
//! and numbers.
//!
//! Why it exists: what a question asks is mostly `<`, `=` and "if"; 64 rows go
//! through one word at a time.
//!
//! Both comparison and carry are a *mux tree*: a block of bits is a pair
//! (selects, value), where the value counts only if no higher block decides.
//! For `a < b` a bit decides where the two differ, and says `b`; for a carry it
//! decides where the two agree, and says that bit. Leaves cost nothing, a node
//! two products.
//!
//! Numbers become bits as in ABY3 (Mohassel and Rindal, CCS 2018, section 5.3):
//! the three components, each shared trivially, are added by a carry-save adder
//! and a prefix adder. Bits become numbers by opening `x − r_1 − r_2` to the two
//! holders of component 0, where `r_1` and `r_2` come from the generators of
//! the other components; every product is verified before that opening.
//!
//! *Cost*, products of bits a row: comparison of `w` bits `2w`; sign of a number
//! 187; number to bits about 450; bits to number about 450 and one word opened,
//! up to 40 bits rather `w·(log2(w) + 2)` and four products over Z_2^64; one bit
//! to a number two products over Z_2^64.

use super::{
    Arith, Bits,
    column::{Pair, bounded, plane_words, same_rows},
    party::Party,
};
use crate::Error;

mod convert;

/// A block of bits: where `select` is set, the value of a lower block counts.
struct Block {
    select: Option<Pair>,
    value: Pair,
}

fn xor(a: &Pair, b: &Pair) -> Pair {
    a.zip(b, |x, y| x ^ y)
}

impl Party<'_> {
    /// Many products of planes in one round.
    fn and_planes(&mut self, factors: &[(&Pair, &Pair)]) -> Result<Vec<Pair>, Error> {
        let total = factors.iter().map(|(x, _)| x.len()).sum();
        let (mut left, mut right) = (Pair::with_capacity(total), Pair::with_capacity(total));
        for (x, y) in factors {
            left.push_range(x, 0..x.len());
            right.push_range(y, 0..y.len());
        }
        let all = self.and_pairs(&left, &right)?;
        let mut at = 0;
        Ok(factors
            .iter()
            .map(|(x, _)| {
                let start = at;
                at += x.len();
                all.slice(start..at)
            })
            .collect())
    }

    /// The value of the whole, from blocks in order of rising significance; the
    /// lowest decides always.
    fn mux_tree(&mut self, mut blocks: Vec<Block>) -> Result<Option<Pair>, Error> {
        while blocks.len() > 1 {
            let pairs = blocks.chunks_exact(2);
            let gaps: Vec<Pair> = pairs
                .map(|pair| xor(&pair[0].value, &pair[1].value))
                .collect();
            let mut factors = Vec::with_capacity(blocks.len());
            for (at, (pair, gap)) in blocks.chunks_exact(2).zip(&gaps).enumerate() {
                let Some(select) = &pair[1].select else {
                    continue;
                };
                factors.push((select, gap));
                if let (true, Some(low)) = (at > 0, &pair[0].select) {
                    factors.push((select, low));
                }
            }
            let mut made = self.and_planes(&factors)?.into_iter();
            let mut merged = Vec::with_capacity(blocks.len().div_ceil(2));
            let mut left = blocks.into_iter().enumerate();
            while let Some((at, low)) = left.next() {
                let Some((_, high)) = left.next() else {
                    merged.push(low);
                    break;
                };
                let moved = made.next().unwrap_or_default();
                merged.push(Block {
                    value: xor(&high.value, &moved),
                    select: if at > 0 { made.next() } else { None },
                });
            }
            blocks = merged;
        }
        Ok(blocks.pop().map(|block| block.value.clone()))
    }

    /// Where `a < b`, both read as unsigned numbers of equal width.
    ///
    /// # Errors
    /// [`crate::Refusal::ShapeMismatch`]; a peer's fault.
    pub fn less_than(&mut self, a: &Bits, b: &Bits) -> Result<Bits, Error> {
        same_rows(a.rows, b.rows)?;
        same_rows(a.width as usize, b.width as usize)?;
        if a.width == 0 {
            return Ok(zero_bit(a.rows));
        }
        let lowest = {
            let not_a = self.not(&a.bit(0));
            self.and(&not_a, &b.bit(0))?
        };
        let blocks = (0..a.width).map(|j| {
            let (a, b) = (a.pair.slice(a.plane(j)), b.pair.slice(b.plane(j)));
            match j {
                0 => Block {
                    select: None,
                    value: lowest.pair.clone(),
                },
                // Equal: the lower bits decide.
                _ => Block {
                    select: Some(self.negated(xor(&a, &b))),
                    value: b,
                },
            }
        });
        let blocks = blocks.collect();
        let value = self.mux_tree(blocks)?;
        Ok(Bits {
            pair: value.unwrap_or_default(),
            rows: a.rows,
            width: 1,
        })
    }

    /// Where `a = b`, of equal width.
    ///
    /// # Errors
    /// [`crate::Refusal::ShapeMismatch`]; a peer's fault.
    pub fn equal(&mut self, a: &Bits, b: &Bits) -> Result<Bits, Error> {
        let mut agree = a.xor(b)?;
        agree = self.not(&agree);
        let mut planes: Vec<Pair> = (0..agree.width)
            .map(|j| agree.pair.slice(agree.plane(j)))
            .collect();
        if planes.is_empty() {
            return Ok(self.not(&zero_bit(a.rows)));
        }
        while planes.len() > 1 {
            let odd = (planes.len() % 2 == 1).then(|| planes.pop().unwrap_or_default());
            let factors: Vec<(&Pair, &Pair)> = planes
                .chunks_exact(2)
                .map(|pair| (&pair[0], &pair[1]))
                .collect();
            planes = self.and_planes(&factors)?;
            planes.extend(odd);
        }
        Ok(Bits {
            pair: planes.swap_remove(0),
            rows: a.rows,
            width: 1,
        })
    }

    /// `x` where the condition (one plane) is set, else `y`.
    ///
    /// # Errors
    /// [`crate::Refusal::ShapeMismatch`]; a peer's fault.
    pub fn select(&mut self, condition: &Bits, x: &Bits, y: &Bits) -> Result<Bits, Error> {
        same_rows(condition.width as usize, 1)?;
        same_rows(condition.rows, x.rows)?;
        let wide = repeat(condition, x.width);
        let moved = self.and(&wide, &x.xor(y)?)?;
        moved.xor(y)
    }

    /// `x` where the condition is 1, `y` where it is 0; the condition is a
    /// column of [`Party::bit_to_arith`].
    ///
    /// # Errors
    /// [`crate::Refusal::Overflow`], [`crate::Refusal::ShapeMismatch`]; a peer's
    /// fault.
    pub fn select_arith(
        &mut self,
        condition: &Arith,
        x: &Arith,
        y: &Arith,
    ) -> Result<Arith, Error> {
        same_rows(condition.rows(), x.rows())?;
        let gap = x.sub(y)?;
        let moved = self.mul_pairs(&condition.pair, &gap.pair)?;
        Ok(Arith {
            pair: y.pair.zip(&moved, u64::wrapping_add),
            bits: bounded(x.bits.max(y.bits))?,
        })
    }

    /// Where `x < y`, both signed.
    ///
    /// # Errors
    /// [`crate::Refusal::Overflow`] where the difference could lose its sign;
    /// [`crate::Refusal::ShapeMismatch`]; a peer's fault.
    pub fn less_than_arith(&mut self, x: &Arith, y: &Arith) -> Result<Bits, Error> {
        let gap = x.sub(y)?;
        self.negative(&gap)
    }

    fn negated(&self, mut pair: Pair) -> Pair {
        for at in 0..pair.len() {
            pair.xor_public(self.index, at, u64::MAX);
        }
        pair
    }
}

/// One plane of zeros.
pub(super) fn zero_bit(rows: usize) -> Bits {
    Bits {
        pair: Pair::zeros(plane_words(rows)),
        rows,
        width: 1,
    }
}

/// One plane, `width` times.
pub(super) fn repeat(bit: &Bits, width: u32) -> Bits {
    let words = plane_words(bit.rows);
    let mut pair = Pair::with_capacity(words * width as usize);
    for _ in 0..width {
        pair.push_range(&bit.pair, 0..words);
    }
    Bits {
        pair,
        rows: bit.rows,
        width,
    }
}
