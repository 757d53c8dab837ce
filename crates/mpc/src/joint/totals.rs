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
    gate::Gate,
    key::Key,
    order::{Part, mark_members, tally},
    table::{PRESENT, Schema, Table},
};
use crate::{Error, Refusal, shares::Party};

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
    subject_table.is(&subjects()?)?;
    fact_table.is(&facts(terms.group_bits, terms.amount_bits)?)?;
    let least = i64::try_from(terms.least).map_err(|_| Refusal::ParameterRange)?;
    if least == 0 {
        return Err(Refusal::ParameterRange.into());
    }
    crate::shares::bounded(terms.amount_bits + crate::shares::ceil_log2(fact_table.rows()))?;
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
    let tally = tally(party, group, person, &counts, &amounts, &[])?;
    let enough = party.at_least(&tally.items, least)?;
    let some = party.at_least(&tally.items, 1)?;
    let opened = party.and(&enough, &tally.last)?;
    // Enough is some, as `least` is not 0.
    let few = party.and(&some.xor(&enough)?, &tally.last)?;
    let mut answer: Vec<Words> = tally.group.words();
    answer.push(party.to_words(&tally.items)?);
    for sum in &tally.sums {
        answer.push(party.to_words(sum)?);
    }
    Ok(Totals {
        withheld: party.count_flagged(&few)?,
        groups: Gate::count_of(party, &opened, answer, &[])?,
    })
}
