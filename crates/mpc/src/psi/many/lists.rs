//! Both lists of all parts, once the count has let them go.
//!
//! Why it exists: with a counter, a pivot's and a closer's entries are the caller's
//! until its gate opens. Here is what whoever then has them does: compare them with
//! what the counter was shown, and open the answer.
//!
//! ```text
//! list    the entries of part 0, ascending ‖ those of part 1 ‖ …
//! tags    of all entries of all parts, ascending: an entry's first 16 bytes, or,
//!         of a closer's key, its hash
//! shown   the digest of setup, place and tags
//! ```
//! *Invariants*
//! - A list has one size, its parts strictly ascend, and no tag is in it twice.
//! - `shown` follows from a list alone, and fixes every tag of it. A pivot's entry
//!   may still hold another name than was meant, which then does not open.
//!
//! *Not here*: how lists travel, and who may have them when.

use primitives::Digest;
use zeroize::Zeroizing;

use super::{
    Place, Setup,
    list::{CLOSER_ENTRY, Keys, WORD, pivot_entry},
    setup::Counting,
};
use crate::{Error, Fault, Trouble, domains, psi::order, secrecy};

/// One item that all holders have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Opened {
    /// Its name.
    pub name: Vec<u8>,
    /// The numbers, over all parts, of its entries in the pivot's and the closer's list.
    pub entries: [usize; 2],
}

/// Bytes of one entry of the pivot's list and of the closer's.
///
/// # Errors
/// [`Refusal::ParameterRange`](crate::Refusal) for a setup without a counter, or
/// that does not fit.
pub fn entry_bytes(setup: &Setup) -> Result<[usize; 2], Error> {
    setup.counting()?;
    Ok([pivot_entry(&setup.open(0)?), CLOSER_ENTRY])
}

/// Bytes of the pivot's whole list and of the closer's.
///
/// # Errors
/// As [`entry_bytes`].
pub fn list_bytes(setup: &Setup) -> Result<[usize; 2], Error> {
    let counting = setup.counting()?;
    let entry = entry_bytes(setup)?;
    Ok([0, 1].map(|side| counting.total(side) * entry[side]))
}

/// The digest of what a counter must have been shown for the list of one of the two.
///
/// # Errors
/// [`Refusal::ParameterRange`](crate::Refusal) for another place or setup;
/// [`Fault::Malformed`] for a list of another size, [`Fault::TagsUnordered`] where a
/// part does not strictly ascend or a tag is there twice. The evidence holds no entry.
pub fn shown(setup: &Setup, place: Place, list: &[u8]) -> Result<Digest, Error> {
    let counting = setup.counting()?;
    let side = counting.side(place)?;
    check(setup, &counting, side, list)?;
    let mut tags = room(counting.total(side))?;
    let part_bytes = counting.items[side] * entry_bytes(setup)?[side];
    for part in 0..setup.parts {
        let start = usize::from(part) * part_bytes;
        take(
            setup,
            side,
            part,
            &list[start..start + part_bytes],
            &mut tags,
        )?;
    }
    let tags = settle(tags).ok_or_else(|| Error::faulty(Fault::TagsUnordered, &[]))?;
    Ok(digest(&counting, side, &tags))
}

/// What both lists open, ascending by name. An entry that does not fit its
/// counterpart is left out.
///
/// # Errors
/// Those of [`shown`], but that repeated tags of a closer's are not looked for.
pub fn open(setup: &Setup, pivot: &[u8], closer: &[u8]) -> Result<Vec<Opened>, Error> {
    let counting = setup.counting()?;
    let lists = [pivot, closer];
    for (side, list) in lists.iter().enumerate() {
        check(setup, &counting, side, list)?;
    }
    let entry = entry_bytes(setup)?;
    let mut opened = Vec::new();
    for part in 0..setup.parts {
        let keys = Keys::new(&setup.open(part)?);
        let first = [0, 1].map(|side| usize::from(part) * counting.items[side]);
        let [pivot, closer] = [0, 1].map(|side| {
            let start = first[side] * entry[side];
            &lists[side][start..start + counting.items[side] * entry[side]]
        });
        let found = keys.open_numbered(pivot, closer).into_iter();
        opened.extend(found.map(|(name, numbers)| Opened {
            name,
            entries: [0, 1].map(|side| first[side] + numbers[side]),
        }));
    }
    opened.sort_unstable();
    Ok(opened)
}

/// Refuses lists of another size, and parts that do not strictly ascend.
fn check(setup: &Setup, counting: &Counting, side: usize, list: &[u8]) -> Result<(), Error> {
    if list.len() != list_bytes(setup)?[side] {
        return Err(Error::faulty(Fault::Malformed, &number(list.len())));
    }
    let entry = entry_bytes(setup)?[side];
    let first = |at: usize| &list[at * entry..at * entry + WORD];
    let begins = |at: usize| at.is_multiple_of(counting.items[side]);
    let unordered =
        (1..counting.total(side)).find(|at| !begins(*at) && first(at - 1) >= first(*at));
    match unordered {
        Some(at) => Err(Error::faulty(Fault::TagsUnordered, &number(at))),
        None => Ok(()),
    }
}

fn number(number: usize) -> [u8; 8] {
    (number as u64).to_be_bytes()
}

/// An empty vector with room for so many values.
///
/// # Errors
/// [`Trouble::Storage`] where memory does not suffice.
pub(crate) fn room<T: zeroize::Zeroize>(count: usize) -> Result<Zeroizing<Vec<T>>, Error> {
    let mut values = Zeroizing::new(Vec::new());
    match values.try_reserve_exact(count) {
        Ok(()) => Ok(values),
        Err(_) => Err(Trouble::Storage {
            reason: std::io::ErrorKind::OutOfMemory,
            retry: false,
        }
        .into()),
    }
}

/// Adds the tags of one part's entries.
pub(super) fn take(
    setup: &Setup,
    side: usize,
    part: u16,
    entries: &[u8],
    tags: &mut Vec<u128>,
) -> Result<(), Error> {
    let keys = Keys::new(&setup.open(part)?);
    let entry = entry_bytes(setup)?[side];
    let words = entries.chunks_exact(entry).filter_map(<[u8]>::first_chunk);
    tags.extend(words.map(|word: &[u8; WORD]| {
        u128::from_be_bytes(if side == 0 { *word } else { keys.tag(word) })
    }));
    Ok(())
}

/// All tags in their order; `None` where one is there twice.
pub(super) fn settle(mut tags: Zeroizing<Vec<u128>>) -> Option<Zeroizing<Vec<u8>>> {
    secrecy::all_public(&mut tags, "tags, which the counter is shown");
    order::by_uniform(&mut tags, |tag| {
        u64::try_from(tag >> 64).unwrap_or(u64::MAX)
    });
    if tags.windows(2).any(|pair| pair[0] == pair[1]) {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(tags.len() * WORD));
    tags.iter()
        .for_each(|tag| bytes.extend_from_slice(&tag.to_be_bytes()));
    Some(bytes)
}

/// What stands for the tags of one of the two.
pub(super) fn digest(counting: &Counting, side: usize, tags: &[u8]) -> Digest {
    let place = [counting.vouchers[side].0];
    let setup = counting.digest.as_bytes();
    Digest::of(domains::PSI_MANY_SHOWN, &[setup, &place, tags])
}
