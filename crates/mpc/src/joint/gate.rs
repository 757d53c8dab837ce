//! The count first, the rows on a second step.
//!
//! Why it exists: a question may find too much. How many rows it finds is opened
//! and nothing else; who may go on, and up to which number, is the caller's to
//! decide, and the rows open only if they are at most that many.
//!
//! *Invariants*
//! - [`Gate::open`] refuses before anything is sent where the count is above the
//!   cap; each party refuses for itself, and no party can open alone.
//! - Rows are shuffled before it is seen which of them qualify.
//!
//! *Leaks*: the count.

use super::{
    Words,
    order::{keep, open_flags},
};
use crate::{
    Error, Refusal,
    shares::{Bits, Party, Route, same_rows},
};

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
        for column in &columns {
            same_rows(column.rows(), flags.rows())?;
        }
        if !alarms.is_empty() {
            let bits: Vec<Bits> = alarms.iter().map(|(_, bit)| bit.clone()).collect();
            let opened = open_flags(party, &bits)?;
            if let Some((_, (refusal, _))) = opened.iter().zip(alarms).find(|(set, _)| **set) {
                return Err((*refusal).into());
            }
        }
        Ok(Self {
            count: party.count_flagged(flags)?,
            flags: flags.to_words(),
            columns,
        })
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
