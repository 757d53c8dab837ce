//! A set that is cut into parts while it is read.
//!
//! Why it exists: a table of a hundred million rows does not fit the memory of who
//! compares it, and each part of it is needed once.
//!
//! *Invariants*
//! - At most [`SPILL_BYTES`] of items are in memory while a table is read, and one
//!   part while it is compared; the rest is in one file that has no name and is gone
//!   with the process.
//! - A small set touches no disk.
//!
//! *Not here*: encryption. The file holds hashes of what the owner's table on the
//! same machine holds in the clear; it goes where the table's own files are.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use super::{
    Item, Items, Set, Setup,
    set::{Hashing, distinct},
};
use crate::{
    Error, Refusal,
    limits::{PARTS_MAX, SPILL_BYTES},
    simd,
};

/// An item and its place.
const RECORD: usize = 36;

/// A set on its way into parts.
pub struct Spill {
    hashing: Hashing,
    /// Items on their way into parts.
    ready: Vec<Item>,
    dir: PathBuf,
    rows: u32,
    /// Rows that are in their parts.
    sorted: u32,
    bytes_max: usize,
    buffered: usize,
    parts: Vec<Part>,
    file: Option<File>,
    end: u64,
}

#[derive(Default)]
struct Part {
    buffer: Vec<u8>,
    /// Where its records stand in the file, and how many bytes.
    blocks: Vec<(u64, usize)>,
}

impl Spill {
    /// An empty set for the joint set of `setup`, whose file, where it needs one, goes
    /// into the folder `dir`, which stays until the first part was asked for.
    ///
    /// # Errors
    /// [`Refusal::ParameterRange`] for no parts or more than [`PARTS_MAX`].
    pub fn new(setup: &Setup, dir: &Path) -> Result<Self, Error> {
        Self::within(setup, dir, SPILL_BYTES)
    }

    pub(super) fn within(setup: &Setup, dir: &Path, bytes_max: usize) -> Result<Self, Error> {
        let parts = usize::from(setup.parts);
        if parts == 0 || parts > PARTS_MAX {
            return Err(Refusal::ParameterRange.into());
        }
        // No more than the larger side's part is worth room of its own.
        let part = setup.receiver_items.max(setup.sender_items) as usize;
        let room = (part * RECORD).min(bytes_max / parts);
        let part = || Part {
            buffer: simd::large(room),
            blocks: Vec::new(),
        };
        Ok(Self {
            hashing: Hashing::new(Items::of(setup)),
            ready: Vec::new(),
            dir: dir.to_owned(),
            rows: 0,
            sorted: 0,
            bytes_max,
            buffered: 0,
            parts: (0..parts).map(|_| part()).collect(),
            file: None,
            end: 0,
        })
    }

    /// Takes the next row's selector.
    ///
    /// # Errors
    /// [`Refusal::InputSize`], [`Refusal::TooManyRows`] beyond 2^32,
    /// [`Trouble::Storage`](crate::Trouble).
    pub fn add(&mut self, selector: &[u8]) -> Result<(), Error> {
        let rows = self.rows.checked_add(1).ok_or(Refusal::TooManyRows)?;
        self.hashing.add(selector, &mut self.ready)?;
        self.rows = rows;
        self.sort()
    }

    /// Puts the items that are ready into their parts.
    fn sort(&mut self) -> Result<(), Error> {
        let parts = u16::try_from(self.parts.len()).unwrap_or(u16::MAX);
        let mut ready = std::mem::take(&mut self.ready);
        for item in ready.drain(..) {
            let buffer = &mut self.parts[usize::from(item.part(parts))].buffer;
            let mut record = [0; RECORD];
            record[..32].copy_from_slice(item.bytes());
            record[32..].copy_from_slice(&self.sorted.to_be_bytes());
            buffer.extend_from_slice(&record);
            self.sorted += 1;
            self.buffered += RECORD;
            if self.buffered + RECORD > self.bytes_max {
                self.flush()?;
            }
        }
        self.ready = ready;
        Ok(())
    }

    /// Rows taken.
    #[must_use]
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// Bytes that went to disk.
    #[must_use]
    pub fn spilled(&self) -> u64 {
        self.end
    }

    fn flush(&mut self) -> Result<(), Error> {
        let file = match &mut self.file {
            Some(file) => file,
            // Without a name, and its owner's alone.
            empty => empty.insert(tempfile::tempfile_in(&self.dir)?),
        };
        for part in self.parts.iter_mut().filter(|part| !part.buffer.is_empty()) {
            file.write_all(&part.buffer)?;
            part.blocks.push((self.end, part.buffer.len()));
            self.end += part.buffer.len() as u64;
            part.buffer.clear();
        }
        self.buffered = 0;
        Ok(())
    }

    /// The distinct items of a part, with the places of their rows; once, since the
    /// part's memory goes to whoever asks.
    ///
    /// # Errors
    /// [`Refusal::SetTooLarge`] for more than `size` distinct items,
    /// [`Trouble::Storage`](crate::Trouble).
    pub fn part(&mut self, part: u16, size: usize) -> Result<Set, Error> {
        self.hashing.rest(&mut self.ready);
        self.sort()?;
        let Some(part) = self.parts.get_mut(usize::from(part)) else {
            return Err(Refusal::ParameterRange.into());
        };
        let Part { buffer, blocks } = std::mem::take(part);
        let whole = buffer.len() / RECORD;
        if blocks.is_empty() && whole <= 2 * size {
            return within(Set::placed(buffer.chunks_exact(RECORD).map(record)), size);
        }
        let bytes: usize = blocks.iter().map(|(_, bytes)| bytes).sum();
        let mut placed = Vec::with_capacity(((bytes + buffer.len()) / RECORD).min(2 * size));
        // Rows that repeat few items must not need more memory than distinct ones.
        let mut gather = |records: &[u8]| {
            placed.extend(records.chunks_exact(RECORD).map(record));
            if placed.len() > 2 * size {
                distinct(&mut placed);
                if placed.len() > size {
                    return Err(Error::from(Refusal::SetTooLarge));
                }
            }
            Ok(())
        };
        for (start, bytes) in blocks {
            let Some(file) = &mut self.file else { break };
            file.seek(SeekFrom::Start(start))?;
            let mut block = vec![0; bytes];
            file.read_exact(&mut block)?;
            gather(&block)?;
        }
        gather(&buffer)?;
        drop(buffer);
        within(Set::placed(placed.iter().copied()), size)
    }
}

fn within(set: Set, size: usize) -> Result<Set, Error> {
    if set.len() > size {
        return Err(Refusal::SetTooLarge.into());
    }
    Ok(set)
}

/// An item and its place, of as many bytes as a record has.
fn record(bytes: &[u8]) -> (Item, u32) {
    let (mut item, mut place) = ([0; 32], [0; 4]);
    item.copy_from_slice(&bytes[..32]);
    place.copy_from_slice(&bytes[32..]);
    (Item::from_bytes(item), u32::from_be_bytes(place))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::psi::{Protocol, Security, tests::world::setup};

    fn setup_of_parts(parts: u16) -> Setup {
        Setup {
            parts,
            ..setup(Protocol::Rr22(Security::Malicious), 1, 1, 0)
        }
    }

    fn parts(rows: &[u16], parts: u16, bytes_max: usize) -> (Vec<Vec<(Item, u32)>>, u64) {
        let setup = setup_of_parts(parts);
        let dir = tempfile::tempdir().unwrap();
        let mut spill = Spill::within(&setup, dir.path(), bytes_max).unwrap();
        for row in rows {
            spill.add(&row.to_be_bytes()).unwrap();
        }
        assert_eq!(spill.rows() as usize, rows.len());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        let sets = (0..parts).map(|part| {
            let set = spill.part(part, rows.len().max(1)).unwrap();
            let places = (0..set.len()).map(|index| set.origin(index));
            set.items().iter().copied().zip(places).collect()
        });
        (sets.collect(), spill.spilled())
    }

    proptest! {
        #[test]
        fn a_spilled_set_is_the_set(
            rows in proptest::collection::vec(0u16..300, 0..900),
            count in 1u16..6,
        ) {
            let (kept, on_disk) = parts(&rows, count, SPILL_BYTES);
            prop_assert_eq!(on_disk, 0);
            let (spilled, on_disk) = parts(&rows, count, 1000);
            prop_assert_eq!(on_disk, (rows.len() / 27 * 27 * RECORD) as u64);
            prop_assert!(kept == spilled);
            // Every row's selector, once, at its first place, in its part.
            let mut places: Vec<u32> = kept.iter().flatten().map(|(_, place)| *place).collect();
            places.sort_unstable();
            let firsts = (0u32..).zip(&rows).filter(|(place, row)| {
                !rows[..*place as usize].contains(row)
            });
            prop_assert_eq!(places, firsts.map(|(place, _)| place).collect::<Vec<_>>());
            for (part, set) in (0u16..).zip(&kept) {
                prop_assert!(set.iter().all(|(item, _)| item.part(count) == part));
            }
        }
    }

    #[test]
    fn a_part_above_its_size_is_refused_and_repeats_do_not_count() {
        let setup = setup_of_parts(1);
        let dir = tempfile::tempdir().unwrap();
        let mut spill = Spill::within(&setup, dir.path(), 400).unwrap();
        for row in 0u32..3_000 {
            spill.add(&(row % 10).to_be_bytes()).unwrap();
        }
        assert_eq!(spill.part(0, 10).unwrap().len(), 10);
        for row in 0u32..30 {
            spill.add(&row.to_be_bytes()).unwrap();
        }
        let refused = spill.part(0, 12).err().unwrap();
        assert_eq!(refused.refusal(), Some(Refusal::SetTooLarge));
        assert!(spill.part(1, 10).is_err());
        assert!(Spill::new(&setup_of_parts(0), dir.path()).is_err());
    }
}
