//! The count first, the rows on a second step.
//!
//! Why it exists: a question may find too much. How many rows it finds is opened
//! and nothing else; who may go on, and up to which number, is the caller's to
//! decide, and the rows open only if they are at most that many.
//!
//! Large tables come in parts, cut by key, so that the three hold one part at a time.
//! What a part found stays shared ([`Found`]): its rows are narrowed to a public
//! number, those of all parts are put together, and the sum of their numbers is the
//! count.
//!
//! *Invariants*
//! - [`Gate::open`] refuses before anything is sent where the count is above the
//!   cap; each party refuses for itself, and no party can open alone.
//! - Rows are shuffled before it is seen which of them qualify.
//!
//! *Leaks*: the count. Of parts, not how many rows one of them found.

use super::{
    Words,
    order::{keep, open_flags},
};
use crate::{
    Error, Refusal,
    shares::{Arith, Bits, Party, Route, same_rows},
};

/// Rows that were found in a question's tables or in one part of them, still shared,
/// as their number is.
pub struct Found {
    /// A row a part.
    numbers: Arith,
    flags: Words,
    columns: Vec<Words>,
    /// Set where narrowing would have lost a row that must not be lost: planes of one row.
    lost: Vec<Bits>,
}

impl Found {
    pub(super) fn of(
        party: &mut Party<'_>,
        flags: &Bits,
        columns: Vec<Words>,
    ) -> Result<Self, Error> {
        for column in &columns {
            same_rows(column.rows(), flags.rows())?;
        }
        Ok(Self {
            numbers: party.bit_to_arith(flags)?.sum()?,
            flags: flags.to_words(),
            columns,
            lost: Vec::new(),
        })
    }

    /// How many rows are kept, found or not: public.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.flags.rows()
    }

    /// Those found first, and no more than `most` rows. What is lost is still counted, so
    /// a count of at most `most` says that nothing was.
    ///
    /// # Errors
    /// A peer's fault.
    pub fn narrowed(mut self, party: &mut Party<'_>, most: usize) -> Result<Self, Error> {
        if self.rows() <= most {
            return Ok(self);
        }
        // Found rows have 0 here, and rise to the top.
        let others = party.not(&self.flags.to_bits()).to_words();
        let (mut others, columns) = party.sort(&[others], &self.columns)?;
        let first: Vec<usize> = (0..most).collect();
        let others = others.pop().ok_or(Refusal::ShapeMismatch)?.gather(&first)?;
        self.flags = party.not(&others.to_bits()).to_words();
        self.columns = columns
            .iter()
            .map(|column| column.gather(&first))
            .collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// The same of one part, where no row that was found may be lost: [`Found::whole`]
    /// ends the question otherwise, and tells of nothing else.
    ///
    /// # Errors
    /// A peer's fault.
    pub(super) fn narrowed_whole(
        mut self,
        party: &mut Party<'_>,
        most: usize,
    ) -> Result<Self, Error> {
        if self.rows() <= most {
            return Ok(self);
        }
        let bound = i64::try_from(most).map_err(|_| Refusal::ParameterRange)?;
        self.lost.push(party.at_least(&self.numbers, bound + 1)?);
        self.narrowed(party, most)
    }

    /// These rows and then another part's.
    ///
    /// # Errors
    /// [`Refusal::ShapeMismatch`] where their columns differ; [`Refusal::TooManyRows`],
    /// [`Refusal::Overflow`].
    pub fn append(mut self, other: Self) -> Result<Self, Error> {
        same_rows(self.columns.len(), other.columns.len())?;
        if self.rows() + other.rows() > crate::limits::SHARES_ROWS_MAX {
            return Err(Refusal::TooManyRows.into());
        }
        let theirs = other.numbers;
        self.numbers.pair.push_range(&theirs.pair, 0..theirs.rows());
        self.numbers.bits = self.numbers.bits.max(theirs.bits);
        self.flags = self.flags.append(&other.flags);
        let pairs = self.columns.iter().zip(&other.columns);
        self.columns = pairs.map(|(a, b)| a.append(b)).collect();
        self.lost.extend(other.lost);
        Ok(self)
    }

    /// Ends the question with [`Refusal::TooManyRows`] where a row was lost that must
    /// not be; the rows otherwise: their flags, and the columns.
    pub(super) fn whole(self, party: &mut Party<'_>) -> Result<(Bits, Vec<Words>), Error> {
        if !self.lost.is_empty() {
            let mut lost = party.public_words(&[0], 1).to_bits();
            for bit in &self.lost {
                lost = party.or(&lost, bit)?;
            }
            if open_flags(party, &[lost])?.contains(&true) {
                return Err(Refusal::TooManyRows.into());
            }
        }
        Ok((self.flags.to_bits(), self.columns))
    }

    /// Opens how many rows were found.
    ///
    /// # Errors
    /// [`Refusal::Overflow`]; a peer's fault.
    pub fn count(self, party: &mut Party<'_>) -> Result<Gate, Error> {
        let number = self.numbers.sum()?;
        let opened = party.open(&number)?.first().copied().unwrap_or(0);
        Ok(Gate {
            count: usize::try_from(opened).map_err(|_| Refusal::Overflow)?,
            flags: self.flags,
            columns: self.columns,
        })
    }
}

/// Rows that a question found, still shared; their number is known.
pub struct Gate {
    count: usize,
    flags: Words,
    columns: Vec<Words>,
}

impl Gate {
    /// Opens how many rows are flagged. An alarm (a plane of one row) that is
    /// set ends the question with its refusal before that.
    pub(super) fn count_of(
        party: &mut Party<'_>,
        flags: &Bits,
        columns: Vec<Words>,
        alarms: &[(Refusal, Bits)],
    ) -> Result<Self, Error> {
        if !alarms.is_empty() {
            let bits: Vec<Bits> = alarms.iter().map(|(_, bit)| bit.clone()).collect();
            let opened = open_flags(party, &bits)?;
            if let Some((_, (refusal, _))) = opened.iter().zip(alarms).find(|(set, _)| **set) {
                return Err((*refusal).into());
            }
        }
        Found::of(party, flags, columns)?.count(party)
    }

    /// How many rows the question found.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The rows, in an order that says nothing and still shared, if they are at
    /// most `cap`: columns as the question's module says. What remains is to
    /// deliver them ([`super::deliver`]) or to open them to the parties.
    ///
    /// # Errors
    /// [`Refusal::CapExceeded`] where they are more: nothing was sent. A peer's
    /// fault.
    pub fn open(self, party: &mut Party<'_>, cap: usize) -> Result<Vec<Words>, Error> {
        Ok(self.open_with_route(party, cap)?.0)
    }

    /// The same, with the way that the rows went.
    pub(super) fn open_with_route(
        self,
        party: &mut Party<'_>,
        cap: usize,
    ) -> Result<(Vec<Words>, Route), Error> {
        if self.count > cap {
            return Err(Refusal::CapExceeded.into());
        }
        keep(party, &self.flags, &self.columns, self.count)
    }
}
