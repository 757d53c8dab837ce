//! Called, then paid: the accounts that received transfers from no fewer than `m`
//! persons, each within `t` after one of the warrant's phones had called it.
//!
//! Why it exists: a caller talks victims into paying; telecoms know the calls,
//! banks the transfers, and nobody may see the other's.
//!
//! ```text
//! phones    (present, phone)                                the warrant's, from the authority
//! calls     (present, caller, person called, time, until)   telecoms
//! transfers (present, person paying, account paid, time, name …)   banks
//!   1  calls: mark those whose caller is one of the phones
//!   2  calls and transfers together, sorted by (person, time), calls first: the latest `until` of
//!      the marked calls so far; a transfer counts where its time is before that
//!   3  transfers: count the different persons of each account; no fewer than m: counted, opened
//! ```
//!
//! A call's `until` is the first moment that is too late: its time, `t`, and one
//! ([`until`]). Its owner states it, as it states the time; so no sum is computed
//! in shares.
//!
//! *Leaks*: rows of each owner; how many accounts qualify; in parts, whether more
//! transfers count in one than it may have, which ends the question. Not: how many calls
//! match, who called whom. *Adversary*: as [`crate::shares`]; an owner may state
//! what it likes of its own rows.
//!
//! *Cost*: three sorts: phones and calls by key; calls and transfers by key and
//! time; transfers by two keys. About `8·w` products of bits a row for the
//! running maximum of times of `w` bits.

use super::{
    Words,
    gate::{Found, Gate},
    key::Key,
    order::{Part, Sorted, keep, mark_members, sort_by, stacked, tally},
    table::{PRESENT, Schema, Table},
};
use crate::{
    Error, Refusal, limits,
    shares::{Extreme, Party},
};

/// Bits of a time that a question may ask for.
const TIME_BITS_MAX: u32 = 63;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Bits of a time, in whatever unit the plan says.
    pub time_bits: u32,
    /// From how many different persons, at least.
    pub least: usize,
    /// Words of an account's name.
    pub name_words: usize,
}

/// The warrant's phones: `present`, the key's two words.
///
/// # Errors
/// None that its caller could cause.
pub fn phones() -> Result<Schema, Error> {
    Schema::new(
        "phones",
        &[PRESENT, ("phone high", 64), ("phone low", 64)],
        0,
    )
}

/// Calls: `present`, the caller's phone (two words), the person called (two), the
/// time, and the first moment that is too late ([`until`]), of one bit more.
///
/// # Errors
/// [`Refusal::ParameterRange`] for times of no bits, or of more than 63.
pub fn calls(time_bits: u32) -> Result<Schema, Error> {
    if time_bits == 0 || time_bits > TIME_BITS_MAX {
        return Err(Refusal::ParameterRange.into());
    }
    let columns = [
        PRESENT,
        ("caller high", 64),
        ("caller low", 64),
        ("person high", 64),
        ("person low", 64),
        ("time", time_bits),
        ("until", time_bits + 1),
    ];
    Schema::new("calls", &columns, 0)
}

/// Transfers: `present`, the person paying (two words), the account paid (two),
/// the time, then `name_words` words of the account's name.
///
/// # Errors
/// As [`calls`]; too long a name.
pub fn transfers(time_bits: u32, name_words: usize) -> Result<Schema, Error> {
    if time_bits == 0 || time_bits > TIME_BITS_MAX {
        return Err(Refusal::ParameterRange.into());
    }
    let columns = [
        PRESENT,
        ("person high", 64),
        ("person low", 64),
        ("account high", 64),
        ("account low", 64),
        ("time", time_bits),
    ];
    Schema::new("transfers", &columns, name_words)
}

/// The first moment that is too late after a call: a transfer counts from the
/// call's moment to `within` later, both included.
#[must_use]
pub fn until(time: u64, within: u64) -> Option<u64> {
    time.checked_add(within)?.checked_add(1)
}

/// How many accounts were paid so; which they are opens at the [`Gate`]: the
/// account's key (two words), then the name.
///
/// # Errors
/// As [`payments`] and [`accounts`].
pub fn count(
    party: &mut Party<'_>,
    terms: &Terms,
    phone_table: &Table,
    call_table: &Table,
    transfer_table: &Table,
) -> Result<Gate, Error> {
    let found = payments(party, terms, (phone_table, call_table, transfer_table))?;
    accounts(party, terms, found)
}

/// The transfers that count, of phones, calls and transfers, or of a part of the two
/// latter that has all rows of its persons; parts are narrowed to
/// [`limits::JOINT_PAYMENTS_MAX`] rows each ([`part_of_payments`]).
///
/// # Errors
/// [`Refusal::ShapeMismatch`] for other tables, [`Refusal::TooManyRows`]; a peer's
/// fault.
pub fn payments(
    party: &mut Party<'_>,
    terms: &Terms,
    (phone_table, call_table, transfer_table): (&Table, &Table, &Table),
) -> Result<Found, Error> {
    phone_table.is(&phones()?)?;
    call_table.is(&calls(terms.time_bits)?)?;
    transfer_table.is(&transfers(terms.time_bits, terms.name_words)?)?;
    let calls = marked(party, phone_table, call_table)?;
    let mut columns = counting(party, calls, transfer_table)?;
    let counts = columns.remove(0).to_bits();
    Found::of(party, &counts, columns)
}

/// [`payments`] of one part of many.
///
/// # Errors
/// As there; where more transfers count than a part may have, [`accounts`] ends with
/// [`Refusal::TooManyRows`].
pub fn part_of_payments(
    party: &mut Party<'_>,
    terms: &Terms,
    tables: (&Table, &Table, &Table),
) -> Result<Found, Error> {
    payments(party, terms, tables)?.narrowed_whole(party, limits::JOINT_PAYMENTS_MAX)
}

/// The accounts that transfers of enough persons went to, of all parts.
///
/// # Errors
/// [`Refusal::ParameterRange`] where `least` is 0; [`Refusal::TooManyRows`] where a part
/// had more transfers that count than it may; a peer's fault.
pub fn accounts(party: &mut Party<'_>, terms: &Terms, found: Found) -> Result<Gate, Error> {
    let least = i64::try_from(terms.least).map_err(|_| Refusal::ParameterRange)?;
    if least == 0 {
        return Err(Refusal::ParameterRange.into());
    }
    let (counts, columns) = found.whole(party)?;
    let mut columns = columns.into_iter();
    let (person, account) = (Key::take(&mut columns)?, Key::take(&mut columns)?);
    let name_words: Vec<Words> = columns.collect();
    let (group, item) = (Part::Key(account), Part::Key(person));
    let tally = tally(party, group, item, &counts.to_words(), &[], &name_words)?;
    let enough = party.at_least(&tally.items, least)?;
    let found = party.and(&enough, &tally.last)?;
    let mut answer = tally.group.words();
    answer.extend(tally.payload);
    Gate::count_of(party, &found, answer, &[])
}

/// Calls of the warrant's phones, the others with an `until` that is past.
struct Calls {
    person: Key,
    time: Words,
    until: Words,
}

fn marked(party: &mut Party<'_>, phones: &Table, calls: &Table) -> Result<Calls, Error> {
    let list = (&phones.key(1), phones.column(0));
    let mut payload = vec![calls.column(0).clone()];
    payload.extend_from_slice(calls.from(3));
    let (columns, mark) = mark_members(party, (&calls.key(1), &payload), list)?;
    let hit = party.and(&mark.to_bits(), &columns[0].to_bits())?;
    let until = columns[4].to_bits();
    let wide = stacked(&vec![hit; until.width as usize]);
    Ok(Calls {
        person: Key {
            high: columns[1].clone(),
            low: columns[2].clone(),
        },
        time: columns[3].clone(),
        until: party.and(&wide, &until)?.to_words(),
    })
}

/// The transfers in an order that says nothing: whether each counts, person,
/// account and name.
fn counting(party: &mut Party<'_>, calls: Calls, transfers: &Table) -> Result<Vec<Words>, Error> {
    let (before, rows) = (calls.person.rows(), transfers.rows());
    if before + rows > limits::SHARES_ROWS_MAX {
        return Err(Refusal::TooManyRows.into());
    }
    let own = [vec![0; before], vec![1; rows]].concat();
    let nothing =
        |party: &Party<'_>, rows: usize, width: u32| party.public_words(&vec![0; rows], width);
    let until_width = calls.until.width;
    let mut payload = vec![
        party.public_words(&own, 1),
        nothing(party, before, 1).append(transfers.column(0)),
        calls.until.append(&nothing(party, rows, until_width)),
    ];
    for column in [&transfers.from(3)[..2], transfers.from(6)].concat() {
        payload.push(nothing(party, before, column.width).append(&column));
    }
    // Of equal persons and times, calls stay before transfers.
    let parts = [
        Part::Key(calls.person.append(&transfers.key(1))),
        Part::Plain(calls.time.append(transfers.column(5))),
    ];
    let Sorted {
        parts,
        payload,
        begins,
        ..
    } = sort_by(party, &parts, &payload)?;
    let [Part::Key(person), Part::Plain(time)] = &parts[..] else {
        return Err(Refusal::ShapeMismatch.into());
    };
    let latest = party.scan_extreme(&begins[0].to_words(), &payload[2], Extreme::Greatest)?;
    let mut time = time.clone();
    time.width = until_width;
    let soon = party.less_than(&time.to_bits(), &latest.to_bits())?;
    let counts = party.and(&soon, &payload[1].to_bits())?.to_words();
    let mut columns = vec![counts];
    columns.extend(person.words());
    columns.extend_from_slice(&payload[3..]);
    Ok(keep(party, &payload[0], &columns, rows)?.0)
}
