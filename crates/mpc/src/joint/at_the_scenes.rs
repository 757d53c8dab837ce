//! Who was at the scenes: the keys that occur at no fewer than `m` of `n` scenes.
//!
//! Why it exists: each telecom knows which phones were under which cells; a
//! phone that was at several scenes may have used several of them. Each owner
//! shares a row for a phone and a scene (cell and time window, which the plan
//! numbers), locally found.
//!
//! ```text
//! sightings (present, key, scene, name …)          of any number of owners
//!   sort by (key, scene, absent); a row is new where key or scene differs from the row before
//!   count the new rows of each key; keep those with no fewer than m; count them: opened
//! ```
//!
//! *Leaks*: rows of each owner; how many keys qualify. Not: how many keys or
//! scenes there are, who was where, by how much a key exceeds `m`.
//! *Adversary*: as [`crate::shares`]. An owner may invent sightings or leave some
//! out; a scene that the plan does not have counts for nothing.
//!
//! *Cost*: one sort of the rows by key, scene and a bit; two products over
//! Z_2^64 and two conversions of a bit a row for the count.

use super::{
    Words,
    gate::{Found, Gate},
    order::{Part, below, tally},
    table::{PRESENT, Schema, Table},
};
use crate::{
    Error, Refusal,
    shares::{Party, ceil_log2},
};

/// Scenes of one question.
const SCENES_MAX: usize = 1 << 16;

/// Columns of the answer: the key's two words, then the name.
pub const KEY_WORDS: usize = 2;

/// The table of an owner: `present`, the key's two words, the scene from 0 on,
/// then `name_words` words of the name.
///
/// # Errors
/// [`Refusal::ParameterRange`] for no scene or too many, or too long a name.
pub fn sightings(scenes: usize, name_words: usize) -> Result<Schema, Error> {
    if scenes == 0 || scenes > SCENES_MAX {
        return Err(Refusal::ParameterRange.into());
    }
    let columns = [
        PRESENT,
        ("key high", 64),
        ("key low", 64),
        ("scene", ceil_log2(scenes).max(1)),
    ];
    Schema::new("sightings", &columns, name_words)
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Scenes of the plan.
    pub scenes: usize,
    /// At how many of them, at least.
    pub least: usize,
    /// Words of a name.
    pub name_words: usize,
}

/// How many keys were at enough scenes; who they are opens at the [`Gate`].
///
/// # Errors
/// As [`found`].
pub fn count(party: &mut Party<'_>, terms: &Terms, table: &Table) -> Result<Gate, Error> {
    found(party, terms, table)?.count(party)
}

/// The keys that were at enough scenes, of a table or of a part that has all rows of
/// its keys.
///
/// # Errors
/// [`Refusal::ParameterRange`] where `least` is none of 1 to `scenes`,
/// [`Refusal::ShapeMismatch`] for another table; a peer's fault.
pub fn found(party: &mut Party<'_>, terms: &Terms, table: &Table) -> Result<Found, Error> {
    table.is(&sightings(terms.scenes, terms.name_words)?)?;
    if terms.least == 0 || terms.least > terms.scenes {
        return Err(Refusal::ParameterRange.into());
    }
    let scene = table.column(3);
    let known = below(party, scene, terms.scenes as u64)?;
    let counts = party.and(&known, &table.column(0).to_bits())?.to_words();
    let (group, item) = (Part::Key(table.key(1)), Part::Plain(scene.clone()));
    let tally = tally(party, group, item, &counts, &[], table.from(4))?;
    let least = i64::try_from(terms.least).map_err(|_| Refusal::ParameterRange)?;
    let enough = party.at_least(&tally.items, least)?;
    let found = party.and(&enough, &tally.last)?;
    let mut columns: Vec<Words> = tally.group.words();
    columns.extend(tally.payload);
    Found::of(party, &found, columns)
}
