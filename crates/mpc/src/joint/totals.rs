//! Totals by group over a joined set, with small groups withheld and said so.
//!
//! Why it exists: how much flowed where, by institution, day or band, of persons
//! that stand in a set of somebody else's; nobody's row is seen.
//!
//! ```text
//! subjects (present, person)                           whoever has the set
//! facts    (present, person, group, amount)            any number of owners
//!   1  facts: mark those whose person is in the set
//!   2  sort by (group, person, absent): different persons, rows, sum of amounts a group
//!   3  groups of fewer than `least` persons: counted and withheld; the others: counted, opened
//! ```
//!
//! A group's size is its number of *persons*: ten rows of one person are a group
//! of one.
//!
//! *Leaks*: rows of each owner; how many groups have enough persons, and how many
//! have some but too few. Not: which those are, nor their rows. *Adversary*: as
//! [`crate::shares`]; an owner may state what it likes of its own rows, and that
//! includes persons who make a group seem larger.
//!
//! *Limits*: a total known from elsewhere, less the groups that are opened, is
//! the sum of those withheld; where that is one group, its sum follows. Plans
//! that ask the same totals of nearly the same set twice are the budget's to
//! stop.
//!
//! *Cost*: two sorts by key; beside them, for amounts of 40 bits, some 700 products
//! of bits and 15 over Z_2^64 a fact.

use super::{
    Words,
    gate::{Found, Gate},
    key::Key,
    order::{Part, Sorted, Tally, mark_members, sort_by, stacked, tally},
    table::{PRESENT, Schema, Table},
};
use crate::{
    Error, Refusal,
    shares::{Arith, Bits, Party, ceil_log2},
};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Bits of a group's code.
    pub group_bits: u32,
    /// Bits of an amount, in the smallest unit of money.
    pub amount_bits: u32,
    /// Persons of a group that is opened, at least: the charter's.
    pub least: usize,
}

/// The set: `present` and the person's key.
///
/// # Errors
/// None that its caller could cause.
pub fn subjects() -> Result<Schema, Error> {
    let columns = [PRESENT, ("person high", 64), ("person low", 64)];
    Schema::new("subjects", &columns, 0)
}

/// Facts: `present`, the person's key (two words), the group's code, the amount.
///
/// # Errors
/// [`Refusal::ParameterRange`] for codes of no bits or more than 64, or amounts
/// of none or more than 64.
pub fn facts(group_bits: u32, amount_bits: u32) -> Result<Schema, Error> {
    let columns = [
        PRESENT,
        ("person high", 64),
        ("person low", 64),
        ("group", group_bits),
        ("amount", amount_bits),
    ];
    Schema::new("facts", &columns, 0)
}

/// What is known before totals open.
pub struct Totals {
    /// Groups with some persons, but too few.
    pub withheld: usize,
    /// The others. They open as: code, persons, rows, sum.
    pub groups: Gate,
}

/// Subjects and facts.
pub type Tables<'a> = (&'a Table, &'a Table);

/// Totals of each group.
///
/// # Errors
/// [`Refusal::Overflow`] where a sum of so many such amounts could exceed 62
/// bits, before anything is computed of them; [`Refusal::ParameterRange`] where
/// `least` is 0, [`Refusal::ShapeMismatch`] for other tables; a peer's fault.
pub fn count(
    party: &mut Party<'_>,
    terms: &Terms,
    subject_table: &Table,
    fact_table: &Table,
) -> Result<Totals, Error> {
    let rows = fact_table.rows();
    let tally = joined(party, terms, (subject_table, fact_table), rows)?;
    let (group, last) = (tally.group.words(), tally.last);
    let sums = [vec![tally.items], tally.sums].concat();
    decided(party, terms, (group, &last), &sums)
}

/// The groups of a part of both tables that has all rows of its persons: code, persons,
/// rows, sum. All parts together have `facts` facts.
///
/// # Errors
/// As [`count`].
pub fn groups(
    party: &mut Party<'_>,
    terms: &Terms,
    tables: Tables<'_>,
    facts: usize,
) -> Result<Found, Error> {
    let tally = joined(party, terms, tables, facts)?;
    let some = party.at_least(&tally.items, 1)?;
    let found = party.and(&some, &tally.last)?;
    let mut columns = tally.group.words();
    for sum in [vec![tally.items], tally.sums].concat() {
        columns.push(party.to_words(&sum)?);
    }
    let found = Found::of(party, &found, columns)?;
    // There are no more groups than codes, so that none is lost.
    match 1usize.checked_shl(terms.group_bits) {
        Some(codes) => found.narrowed(party, codes),
        None => Ok(found),
    }
}

/// Totals of each group, from the groups of all parts, which have `facts` facts.
///
/// # Errors
/// As [`count`].
pub fn of_parts(
    party: &mut Party<'_>,
    terms: &Terms,
    found: Found,
    facts: usize,
) -> Result<Totals, Error> {
    let bits = crate::shares::bounded(terms.amount_bits + ceil_log2(facts))?;
    let (present, mut columns) = found.whole(party)?;
    if columns.len() != PART_COLUMNS {
        return Err(Refusal::ShapeMismatch.into());
    }
    let numbers = columns.split_off(1);
    let absent = Part::Plain(party.not(&present).to_words());
    let group = Part::Plain(columns.remove(0));
    let Sorted {
        parts,
        payload,
        begins,
        ..
    } = sort_by(party, &[group, absent], &numbers)?;
    let [group, Part::Plain(absent)] = &parts[..] else {
        return Err(Refusal::ShapeMismatch.into());
    };
    let present = party.not(&absent.to_bits());
    let mut sums = Vec::with_capacity(payload.len());
    for column in &payload {
        let wide = stacked(&vec![present.clone(); column.width as usize]);
        let counted = party.and(&wide, &column.to_bits())?;
        let mut sum = party.to_arith(&counted)?;
        // What all parts counted is no more than all facts sum to, in whichever rows it
        // stands now.
        sum.bits = bits.saturating_sub(ceil_log2(sum.rows()));
        sums.push(sum);
    }
    let starts = party.bit_to_arith(&begins[0])?;
    let sums = party.scan_sums(&starts, &sums)?;
    let last = party.ends(&begins[0])?;
    decided(party, terms, (group.words(), &last), &sums)
}

/// Columns of a part's groups.
const PART_COLUMNS: usize = 4;

/// The facts of persons of the set, counted and summed by group.
fn joined(
    party: &mut Party<'_>,
    terms: &Terms,
    (subject_table, fact_table): Tables<'_>,
    facts_in_all: usize,
) -> Result<Tally, Error> {
    subject_table.is(&subjects()?)?;
    fact_table.is(&facts(terms.group_bits, terms.amount_bits)?)?;
    if terms.least == 0 {
        return Err(Refusal::ParameterRange.into());
    }
    crate::shares::bounded(terms.amount_bits + ceil_log2(facts_in_all.max(fact_table.rows())))?;
    let mut payload = vec![fact_table.column(0).clone()];
    payload.extend_from_slice(fact_table.from(1));
    let list = (&subject_table.key(1), subject_table.column(0));
    let (columns, mark) = mark_members(party, (&fact_table.key(1), &payload), list)?;
    let counts = party
        .and(&mark.to_bits(), &columns[0].to_bits())?
        .to_words();
    let person = Part::Key(Key {
        high: columns[1].clone(),
        low: columns[2].clone(),
    });
    let group = Part::Plain(columns[3].clone());
    let amounts = [counts.clone(), columns[4].clone()];
    tally(party, group, person, &counts, &amounts, &[])
}

/// Which groups have enough persons, and how many too few. `sums`: persons, rows, sum.
fn decided(
    party: &mut Party<'_>,
    terms: &Terms,
    (mut group, last): (Vec<Words>, &Bits),
    sums: &[Arith],
) -> Result<Totals, Error> {
    let least = i64::try_from(terms.least).map_err(|_| Refusal::ParameterRange)?;
    let persons = sums.first().ok_or(Refusal::ShapeMismatch)?;
    let enough = party.at_least(persons, least)?;
    let some = party.at_least(persons, 1)?;
    let opened = party.and(&enough, last)?;
    // Enough is some, as `least` is not 0.
    let few = party.and(&some.xor(&enough)?, last)?;
    for sum in sums {
        group.push(party.to_words(sum)?);
    }
    Ok(Totals {
        withheld: party.count_flagged(&few)?,
        groups: Gate::count_of(party, &opened, group, &[])?,
    })
}
