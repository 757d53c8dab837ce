//! Where a SIM box may stand: premises whose load is flat, that draw no water,
//! whose holder is no resident, under a cell with no fewer than `m` SIMs that
//! call many and are called by none.
//!
//! Why it exists: none of the four facts says much; together they say where to
//! look. Each owner finds its own fact locally and shares only the rows that have
//! it, padded: a telecom its suspicious SIMs, the power company its flat loads,
//! the water company the premises that drew water, the register its residents.
//!
//! ```text
//! sims      (present, cell)                                   telecoms
//! premises  (present, cell, premises, holder, name …)        power
//! wet       (present, premises)                               water
//! residents (present, person)                                 register
//!   1  sims and premises sorted by cell, sims first: how many sims so far; no fewer than m
//!   2  premises: mark those in wet;  3  premises: mark holders in residents
//!      present, enough sims, not wet, not resident: counted, opened
//! ```
//!
//! A premises that the water company does not know draws no water; a premises
//! given twice is found twice.
//!
//! *Leaks*: rows of each owner; how many premises qualify. Not: in which cells,
//! nor how many fail which condition. *Adversary*: as [`crate::shares`]; an owner
//! may state what it likes of its own rows.
//!
//! *Cost*: one sort by cell, two by key; two products over Z_2^64 a row of the
//! first.

use super::{
    Words,
    gate::Gate,
    key::Key,
    order::{Part, Sorted, keep, mark_members, sort_by},
    table::{PRESENT, Schema, Table},
};
use crate::{Error, Refusal, shares::Party};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Bits of a cell's number.
    pub cell_bits: u32,
    /// SIMs under one cell, at least.
    pub least: usize,
    /// Words of the name of premises.
    pub name_words: usize,
}

/// Suspicious SIMs: `present` and the cell.
///
/// # Errors
/// [`Refusal::ParameterRange`] for cells of no bits, or of more than 64.
pub fn sims(cell_bits: u32) -> Result<Schema, Error> {
    Schema::new("sims", &[PRESENT, ("cell", cell_bits)], 0)
}

/// Premises of flat load: `present`, the cell, the premises' key (two words), the
/// holder's (two), then `name_words` words of the name.
///
/// # Errors
/// As [`sims`]; too long a name.
pub fn premises(cell_bits: u32, name_words: usize) -> Result<Schema, Error> {
    let columns = [
        PRESENT,
        ("cell", cell_bits),
        ("premises high", 64),
        ("premises low", 64),
        ("holder high", 64),
        ("holder low", 64),
    ];
    Schema::new("premises", &columns, name_words)
}

/// Premises that drew water: `present` and the premises' key.
///
/// # Errors
/// None that its caller could cause.
pub fn wet() -> Result<Schema, Error> {
    let columns = [PRESENT, ("premises high", 64), ("premises low", 64)];
    Schema::new("wet", &columns, 0)
}

/// Residents: `present` and the person's key.
///
/// # Errors
/// None that its caller could cause.
pub fn residents() -> Result<Schema, Error> {
    let columns = [PRESENT, ("person high", 64), ("person low", 64)];
    Schema::new("residents", &columns, 0)
}

/// The four tables of one question, each of all its owners.
pub struct Tables {
    /// Of [`sims`].
    pub sims: Table,
    /// Of [`premises`].
    pub premises: Table,
    /// Of [`wet`].
    pub wet: Table,
    /// Of [`residents`].
    pub residents: Table,
}

/// How many premises have all four; which they are opens at the [`Gate`]: the
/// premises' key (two words), the name, then the cell.
///
/// # Errors
/// As [`Suspects::under_busy_cells`].
pub fn count(party: &mut Party<'_>, terms: &Terms, tables: &Tables) -> Result<Gate, Error> {
    Suspects::under_busy_cells(party, terms, (&tables.sims, &tables.premises))?
        .that_are_dry(party, &tables.wet)?
        .of_no_resident(party, &tables.residents)?
        .count(party)
}

/// Premises, and whether all that is known so far speaks against them. Each step hands
/// them on in another order. A list may come in parts, cut anyhow: a step for each.
pub struct Suspects {
    /// A flag, premises' and holder's key, cell, name.
    columns: Vec<Words>,
}

impl Suspects {
    /// Premises under a cell with enough SIMs.
    ///
    /// # Errors
    /// [`Refusal::ParameterRange`] where `least` is 0, [`Refusal::ShapeMismatch`] for
    /// other tables, [`Refusal::TooManyRows`]; a peer's fault.
    pub fn under_busy_cells(
        party: &mut Party<'_>,
        terms: &Terms,
        (sim_table, premises_table): (&Table, &Table),
    ) -> Result<Self, Error> {
        sim_table.is(&sims(terms.cell_bits)?)?;
        premises_table.is(&premises(terms.cell_bits, terms.name_words)?)?;
        let least = i64::try_from(terms.least).map_err(|_| Refusal::ParameterRange)?;
        if least == 0 {
            return Err(Refusal::ParameterRange.into());
        }
        Ok(Self {
            columns: under_busy_cells(party, least, (sim_table, premises_table))?,
        })
    }

    /// Those of them that stand in no row of `wet`.
    ///
    /// # Errors
    /// [`Refusal::ShapeMismatch`] for another table; a peer's fault.
    pub fn that_are_dry(self, party: &mut Party<'_>, list: &Table) -> Result<Self, Error> {
        list.is(&wet()?)?;
        self.without(party, 1, list)
    }

    /// Those of them whose holder stands in no row of `residents`.
    ///
    /// # Errors
    /// [`Refusal::ShapeMismatch`] for another table; a peer's fault.
    pub fn of_no_resident(self, party: &mut Party<'_>, list: &Table) -> Result<Self, Error> {
        list.is(&residents()?)?;
        self.without(party, 3, list)
    }

    /// How many they are.
    ///
    /// # Errors
    /// A peer's fault.
    pub fn count(self, party: &mut Party<'_>) -> Result<Gate, Error> {
        let columns = self.columns;
        // Key, name, cell.
        let mut answer = columns[1..3].to_vec();
        answer.extend_from_slice(&columns[6..]);
        answer.push(columns[5].clone());
        Gate::count_of(party, &columns[0].to_bits(), answer, &[])
    }

    /// Takes the flag from rows whose key (two columns from a place on) stands in a list.
    fn without(self, party: &mut Party<'_>, at: usize, list: &Table) -> Result<Self, Error> {
        let key = Key {
            high: self.columns[at].clone(),
            low: self.columns[at + 1].clone(),
        };
        let list = (&list.key(1), list.column(0));
        let (mut columns, mark) = mark_members(party, (&key, &self.columns), list)?;
        let absent = party.not(&mark.to_bits());
        columns[0] = party.and(&columns[0].to_bits(), &absent)?.to_words();
        Ok(Self { columns })
    }
}

/// Premises: whether they stand under a cell with enough SIMs; premises' and
/// holder's key, cell, name.
fn under_busy_cells(
    party: &mut Party<'_>,
    least: i64,
    (sims, premises): (&Table, &Table),
) -> Result<Vec<Words>, Error> {
    let (before, rows) = (sims.rows(), premises.rows());
    if before + rows > crate::limits::SHARES_ROWS_MAX {
        return Err(Refusal::TooManyRows.into());
    }
    let own = [vec![0; before], vec![1; rows]].concat();
    let nothing =
        |party: &Party<'_>, rows: usize, width: u32| party.public_words(&vec![0; rows], width);
    let mut payload = vec![
        party.public_words(&own, 1),
        sims.column(0).append(&nothing(party, rows, 1)),
        nothing(party, before, 1).append(premises.column(0)),
    ];
    for column in premises.from(2) {
        payload.push(nothing(party, before, column.width).append(column));
    }
    let cell = sims.column(1).append(premises.column(1));
    let Sorted {
        parts,
        payload,
        begins,
        ..
    } = sort_by(party, &[Part::Plain(cell)], &payload)?;
    let starts = party.bit_to_arith(&begins[0])?;
    let counted = party.bit_to_arith(&payload[1].to_bits())?;
    let so_far = party.scan_sums(&starts, &[counted])?;
    let busy = party.at_least(&so_far[0], least)?;
    let found = party.and(&busy, &payload[2].to_bits())?.to_words();
    let mut columns = vec![found];
    columns.extend_from_slice(&payload[3..7]);
    columns.extend(parts[0].words());
    columns.extend_from_slice(&payload[7..]);
    Ok(keep(party, &payload[0], &columns, rows)?.0)
}
