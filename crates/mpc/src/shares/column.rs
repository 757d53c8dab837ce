//! Shared columns: what a party holds of many values at once.
//!
//! Why it exists: one round serves a whole column, so a protocol's unit is the
//! column. A value `x` is split into three components, `x = x_0 + x_1 + x_2`
//! over Z_2^64 ([`Arith`]) or `x = x_0 ⊕ x_1 ⊕ x_2` over bits ([`Words`],
//! [`Bits`]); party `i` holds components `i` (*mine*) and `i + 1` (*next*).
//!
//! *Invariants*
//! - Both halves of a column have the same length.
//! - An [`Arith`] column states a bound: every value `v`, read as a signed
//!   number, has `|v| < 2^bits`, `bits` at most [`MAGNITUDE_BITS_MAX`]. Every
//!   operation refuses, before it computes, what could exceed that; so sums
//!   never wrap in silence.
//! - Components of a [`Words`] column have no bit at or above its width: an
//!   owner can't share a value out of its declared range.
//! - Components are wiped when dropped and have no `Debug`.

use super::lanes;
use crate::{Error, Refusal};

/// Bits of magnitude that an arithmetic column may claim: a difference of two
/// such columns still has its sign in bit 63.
pub const MAGNITUDE_BITS_MAX: u32 = 62;

/// Both components that one party holds of a column.
#[derive(Clone, Default)]
pub(crate) struct Pair {
    pub(crate) mine: Vec<u64>,
    pub(crate) next: Vec<u64>,
}

impl Drop for Pair {
    fn drop(&mut self) {
        lanes::wipe(&mut self.mine);
        lanes::wipe(&mut self.next);
    }
}

impl Pair {
    pub(crate) fn zeros(words: usize) -> Self {
        Self {
            mine: vec![0; words],
            next: vec![0; words],
        }
    }

    pub(crate) fn with_capacity(words: usize) -> Self {
        Self {
            mine: Vec::with_capacity(words),
            next: Vec::with_capacity(words),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.mine.len()
    }

    pub(crate) fn push_range(&mut self, other: &Self, range: std::ops::Range<usize>) {
        self.mine.extend_from_slice(&other.mine[range.clone()]);
        self.next.extend_from_slice(&other.next[range]);
    }

    pub(crate) fn slice(&self, range: std::ops::Range<usize>) -> Self {
        Self {
            mine: self.mine[range.clone()].to_vec(),
            next: self.next[range].to_vec(),
        }
    }

    /// Applies `f` to each word of both halves.
    pub(crate) fn map(&self, f: impl Fn(u64) -> u64) -> Self {
        Self {
            mine: self.mine.iter().map(|x| f(*x)).collect(),
            next: self.next.iter().map(|x| f(*x)).collect(),
        }
    }

    /// Applies `f` to each pair of words of both halves.
    pub(crate) fn zip(&self, other: &Self, f: impl Fn(u64, u64) -> u64) -> Self {
        debug_assert_eq!(self.len(), other.len(), "columns of one length");
        let half = |a: &[u64], b: &[u64]| a.iter().zip(b).map(|(x, y)| f(*x, *y)).collect();
        Self {
            mine: half(&self.mine, &other.mine),
            next: half(&self.next, &other.next),
        }
    }

    /// The elements at `indices`, in that order.
    pub(crate) fn gather(&self, indices: impl Iterator<Item = usize> + Clone) -> Self {
        Self {
            mine: indices.clone().map(|i| self.mine[i]).collect(),
            next: indices.map(|i| self.next[i]).collect(),
        }
    }

    /// Adds a public word to one value: component 0 alone carries it.
    pub(crate) fn add_public(&mut self, party: usize, at: usize, value: u64) {
        if party == 0 {
            self.mine[at] = self.mine[at].wrapping_add(value);
        }
        if party == 2 {
            self.next[at] = self.next[at].wrapping_add(value);
        }
    }

    pub(crate) fn xor_public(&mut self, party: usize, at: usize, value: u64) {
        if party == 0 {
            self.mine[at] ^= value;
        }
        if party == 2 {
            self.next[at] ^= value;
        }
    }
}

/// A column of numbers over Z_2^64 with a proven bound.
#[derive(Clone)]
pub struct Arith {
    pub(crate) pair: Pair,
    pub(crate) bits: u32,
}

/// A column of XOR-shared words, a row a word.
#[derive(Clone)]
pub struct Words {
    pub(crate) pair: Pair,
    pub(crate) width: u32,
}

/// XOR-shared bits in planes: plane `j` packs bit `j` of all rows, 64 rows a
/// word.
#[derive(Clone)]
pub struct Bits {
    pub(crate) pair: Pair,
    pub(crate) rows: usize,
    pub(crate) width: u32,
}

/// Refuses a bound beyond [`MAGNITUDE_BITS_MAX`].
pub(crate) fn bounded(bits: u32) -> Result<u32, Error> {
    if bits > MAGNITUDE_BITS_MAX {
        return Err(Refusal::Overflow.into());
    }
    Ok(bits)
}

/// `ceil(log2(count))`, 0 for counts of 0 and 1.
pub(crate) fn ceil_log2(count: usize) -> u32 {
    match count {
        0 | 1 => 0,
        _ => usize::BITS - (count - 1).leading_zeros(),
    }
}

/// Refuses columns that are not of one length.
pub(crate) fn same_rows(a: usize, b: usize) -> Result<(), Error> {
    if a == b {
        Ok(())
    } else {
        Err(Refusal::ShapeMismatch.into())
    }
}

/// Words that hold a plane of `rows` bits.
pub(crate) fn plane_words(rows: usize) -> usize {
    rows.div_ceil(64)
}

/// A mask of the low `width` bits.
pub(crate) fn low_mask(width: u32) -> u64 {
    match width {
        0 => 0,
        1..=63 => (1 << width) - 1,
        _ => u64::MAX,
    }
}

impl Arith {
    /// How many rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.pair.len()
    }

    /// The proven bound: `|v| < 2^bits`.
    #[must_use]
    pub fn magnitude_bits(&self) -> u32 {
        self.bits
    }

    /// The sum of two columns, row by row.
    ///
    /// # Errors
    /// [`Refusal::Overflow`], [`Refusal::ShapeMismatch`].
    pub fn add(&self, other: &Self) -> Result<Self, Error> {
        same_rows(self.rows(), other.rows())?;
        Ok(Self {
            bits: bounded(self.bits.max(other.bits) + 1)?,
            pair: self.pair.zip(&other.pair, u64::wrapping_add),
        })
    }

    /// The difference of two columns, row by row.
    ///
    /// # Errors
    /// [`Refusal::Overflow`], [`Refusal::ShapeMismatch`].
    pub fn sub(&self, other: &Self) -> Result<Self, Error> {
        same_rows(self.rows(), other.rows())?;
        Ok(Self {
            bits: bounded(self.bits.max(other.bits) + 1)?,
            pair: self.pair.zip(&other.pair, u64::wrapping_sub),
        })
    }

    /// The column times a public number.
    ///
    /// # Errors
    /// [`Refusal::Overflow`].
    pub fn scale(&self, factor: i64) -> Result<Self, Error> {
        let growth = u64::BITS - factor.unsigned_abs().leading_zeros();
        let factor = factor.cast_unsigned();
        Ok(Self {
            bits: bounded(self.bits + growth)?,
            pair: self.pair.map(|x| x.wrapping_mul(factor)),
        })
    }

    /// The sum over all rows, one row.
    ///
    /// # Errors
    /// [`Refusal::Overflow`] where count times bound could wrap.
    pub fn sum(&self) -> Result<Self, Error> {
        let total = |half: &[u64]| half.iter().fold(0u64, |a, b| a.wrapping_add(*b));
        Ok(Self {
            bits: bounded(self.bits + ceil_log2(self.rows()))?,
            pair: Pair {
                mine: vec![total(&self.pair.mine)],
                next: vec![total(&self.pair.next)],
            },
        })
    }

    /// The rows at `indices`, in that order; indices are public.
    ///
    /// # Errors
    /// [`Refusal::ShapeMismatch`] for an index out of range.
    pub fn gather(&self, indices: &[usize]) -> Result<Self, Error> {
        if indices.iter().any(|index| *index >= self.rows()) {
            return Err(Refusal::ShapeMismatch.into());
        }
        Ok(Self {
            pair: self.pair.gather(indices.iter().copied()),
            bits: self.bits,
        })
    }
}

impl Words {
    /// How many rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.pair.len()
    }

    /// Bits of a row: every value is below `2^width`.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// The rows at `indices`, in that order; indices are public.
    ///
    /// # Errors
    /// [`Refusal::ShapeMismatch`] for an index out of range.
    pub fn gather(&self, indices: &[usize]) -> Result<Self, Error> {
        if indices.iter().any(|index| *index >= self.rows()) {
            return Err(Refusal::ShapeMismatch.into());
        }
        Ok(Self {
            pair: self.pair.gather(indices.iter().copied()),
            width: self.width,
        })
    }

    /// This column's rows and then the other's: how the columns of many owners
    /// become one.
    #[must_use]
    pub fn append(&self, other: &Self) -> Self {
        let mut pair = self.pair.clone();
        pair.push_range(&other.pair, 0..other.rows());
        Self {
            pair,
            width: self.width.max(other.width),
        }
    }

    /// The same bits in planes.
    #[must_use]
    pub fn to_bits(&self) -> Bits {
        Bits {
            pair: Pair {
                mine: lanes::to_planes(&self.pair.mine, self.width),
                next: lanes::to_planes(&self.pair.next, self.width),
            },
            rows: self.rows(),
            width: self.width,
        }
    }
}

impl Bits {
    /// How many rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many planes.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// The same bits, a row a word.
    #[must_use]
    pub fn to_words(&self) -> Words {
        Words {
            pair: Pair {
                mine: lanes::from_planes(&self.pair.mine, self.rows, self.width),
                next: lanes::from_planes(&self.pair.next, self.rows, self.width),
            },
            width: self.width,
        }
    }

    /// The words of plane `j`.
    pub(crate) fn plane(&self, j: u32) -> std::ops::Range<usize> {
        let words = plane_words(self.rows);
        let start = j as usize * words;
        start..start + words
    }

    /// Plane `j` by itself.
    #[must_use]
    pub fn bit(&self, j: u32) -> Self {
        Self {
            pair: self.pair.slice(self.plane(j.min(self.width.max(1) - 1))),
            rows: self.rows,
            width: 1,
        }
    }

    /// Exclusive or, bit by bit.
    ///
    /// # Errors
    /// [`Refusal::ShapeMismatch`].
    pub fn xor(&self, other: &Self) -> Result<Self, Error> {
        same_rows(self.rows, other.rows)?;
        same_rows(self.width as usize, other.width as usize)?;
        Ok(self.with(self.pair.zip(&other.pair, |x, y| x ^ y)))
    }

    pub(crate) fn with(&self, pair: Pair) -> Self {
        Self {
            pair,
            rows: self.rows,
            width: self.width,
        }
    }
}
