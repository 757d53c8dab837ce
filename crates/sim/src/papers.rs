//! The disk under a simulated node's private store: it can be full or refuse to be read,
//! its machine can lose power at any write, and then each write that was not synced stays
//! wholly, in its beginning, in any choice of its bytes, or not at all.
//!
//! Why it exists: a transaction of the private store runs whole within one poll, so that
//! no kill between two polls falls into it. Here the power goes at a write or a sync that
//! was chosen before; everything after it fails until the machine has power again.
//!
//! *Invariants*
//! - What was synced stays, whatever becomes of the rest.
//! - A write that finds no room leaves the beginning for which there was some; a growth
//!   that finds none leaves the length.
//! - Who held the file when the power went can never write to it again.
//!
//! *Not here*: snapshots' files, which lose nothing.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

use ledger::{Health, Stays};
use node::store::StorageBackend;
use rand::{Rng, RngExt as _};
use tokio::sync::Notify;

use crate::world::lock;

/// A change that was not synced, and what stood there before.
#[derive(Debug)]
enum Unsynced {
    Write {
        offset: u64,
        bytes: Vec<u8>,
        before: Vec<u8>,
        len_before: u64,
    },
    Length {
        len: u64,
        len_before: u64,
        /// What a shorter length took away.
        before: Vec<u8>,
    },
}

#[derive(Debug)]
struct State {
    path: PathBuf,
    file: File,
    /// Which opening of it may use the file.
    opening: u64,
    health: Health,
    /// Writes that found no room, and reads that failed.
    failed: u64,
    /// After how many more writes and syncs the power goes.
    dies_after: Option<u64>,
    has_power: bool,
    unsynced: Vec<Unsynced>,
}

/// What became of the writes that were not synced when the power went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lost {
    /// Those of which nothing stayed.
    pub(crate) dropped: usize,
    /// Those of which a part stayed.
    pub(crate) torn: usize,
    /// Those that stayed.
    pub(crate) kept: usize,
}

impl Lost {
    /// How many writes were not synced.
    pub(crate) fn all(self) -> usize {
        self.dropped + self.torn + self.kept
    }
}

/// The disk. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Papers {
    state: Arc<Mutex<State>>,
    died: Arc<Notify>,
}

/// One opening of it.
pub(crate) struct Backend {
    disk: Papers,
    opening: u64,
}

fn opened(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.open(path)
}

fn no_power() -> io::Error {
    io::Error::other("the machine has no power")
}

impl Papers {
    /// The disk with the file at `path`.
    ///
    /// # Errors
    /// The file's own.
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        let state = State {
            path: path.to_owned(),
            file: opened(path)?,
            opening: 0,
            health: Health::Well,
            failed: 0,
            dies_after: None,
            has_power: true,
            unsynced: Vec::new(),
        };
        Ok(Self {
            state: Arc::new(Mutex::new(state)),
            died: Arc::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Opens the file again, for a machine with power; whoever held it before fails.
    ///
    /// # Errors
    /// The file's own.
    pub(crate) fn open(&self) -> io::Result<Backend> {
        let mut state = self.state();
        // Another file may have been put in its place.
        state.file = opened(&state.path)?;
        state.opening += 1;
        (state.dies_after, state.has_power) = (None, true);
        Ok(Backend {
            disk: self.clone(),
            opening: state.opening,
        })
    }

    /// From now on it does what it does like this; gives how it did it before.
    pub(crate) fn set(&self, health: Health) -> Health {
        std::mem::replace(&mut self.state().health, health)
    }

    /// How many writes found no room and how many reads failed; counts from none again.
    pub(crate) fn failed(&self) -> u64 {
        std::mem::take(&mut self.state().failed)
    }

    /// The power goes instead of the write or sync after so many; none: it stays. Whether
    /// it has gone.
    pub(crate) fn doom(&self, writes: Option<u64>) -> bool {
        let mut state = self.state();
        state.dies_after = writes;
        !state.has_power
    }

    /// Whether the power has gone, or will at some write.
    pub(crate) fn is_doomed(&self) -> bool {
        let state = self.state();
        state.dies_after.is_some() || !state.has_power
    }

    /// Waits for the power to go at a write.
    pub(crate) async fn died(&self) {
        while self.has_power() {
            self.died.notified().await;
        }
    }

    /// Whether the power has not gone.
    pub(crate) fn has_power(&self) -> bool {
        self.state().has_power
    }

    /// The power goes now.
    pub(crate) fn cut(&self) {
        self.state().has_power = false;
    }

    /// Loses what was not synced but for what `stays` of it.
    ///
    /// # Errors
    /// The file's own.
    pub(crate) fn lose_power(&self, stays: Stays, rng: &mut impl Rng) -> io::Result<Lost> {
        let mut state = self.state();
        state.has_power = false;
        let unsynced = std::mem::take(&mut state.unsynced);
        for change in unsynced.iter().rev() {
            let (Unsynced::Write { len_before, .. } | Unsynced::Length { len_before, .. }) = change;
            state.file.set_len(*len_before)?;
            match change {
                Unsynced::Write { offset, before, .. } => {
                    state.file.write_all_at(before, *offset)?;
                }
                Unsynced::Length { len, before, .. } => state.file.write_all_at(before, *len)?,
            }
        }
        let mut lost = Lost::default();
        for change in unsynced {
            let (kept, whole) = match change {
                Unsynced::Write { offset, bytes, .. } => {
                    (keep(&state.file, offset, &bytes, stays, rng)?, bytes.len())
                }
                Unsynced::Length { len, .. } => {
                    let kept = rng.random_range(0..1_000u32) < stays.of_1000;
                    if kept {
                        state.file.set_len(len)?;
                    }
                    (usize::from(kept), 1)
                }
            };
            match kept {
                0 => lost.dropped += 1,
                kept if kept < whole => lost.torn += 1,
                _ => lost.kept += 1,
            }
        }
        Ok(lost)
    }
}

/// Writes what stays of a write; what would lie behind the file's end is gone with the
/// length. Gives how many bytes stayed.
fn keep(
    file: &File,
    offset: u64,
    bytes: &[u8],
    stays: Stays,
    rng: &mut impl Rng,
) -> io::Result<usize> {
    let there = file.metadata()?.len().saturating_sub(offset);
    let there = usize::try_from(there).unwrap_or(usize::MAX);
    let mut found = vec![0; bytes.len().min(there)];
    file.read_exact_at(&mut found, offset)?;
    let mut kept = 0;
    let mut ended = false;
    for (at, byte) in bytes.iter().enumerate() {
        let stands = !ended && rng.random_range(0..1_000u32) < stays.of_1000;
        ended |= stays.beginning && !stands;
        if let Some(place) = found.get_mut(at).filter(|_| stands) {
            *place = *byte;
            kept += 1;
        }
    }
    file.write_all_at(&found, offset)?;
    Ok(kept)
}

impl State {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// How many of so many bytes can be written.
    fn take_room(&mut self, bytes: u64) -> u64 {
        let taken = self.health.take(bytes);
        self.failed += u64::from(taken < bytes);
        taken
    }

    /// What lies in a place, as far as the file goes.
    fn read(&self, offset: u64, bytes: u64) -> io::Result<Vec<u8>> {
        let there = self.len()?.saturating_sub(offset).min(bytes);
        let mut before = vec![0; usize::try_from(there).unwrap_or(usize::MAX)];
        self.file.read_exact_at(&mut before, offset)?;
        Ok(before)
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let before = self.read(offset, bytes.len() as u64)?;
        let len_before = self.len()?;
        self.file.write_all_at(bytes, offset)?;
        self.unsynced.push(Unsynced::Write {
            offset,
            bytes: bytes.to_vec(),
            before,
            len_before,
        });
        Ok(())
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        let len_before = self.len()?;
        let before = self.read(len, len_before.saturating_sub(len))?;
        self.file.set_len(len)?;
        self.unsynced.push(Unsynced::Length {
            len,
            len_before,
            before,
        });
        Ok(())
    }
}

impl Backend {
    /// The file's state, if this opening of it may use it.
    fn state(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.disk.state();
        if state.has_power && state.opening == self.opening {
            Ok(state)
        } else {
            Err(no_power())
        }
    }

    /// Counts a write or a sync; whether the power goes with it.
    fn dies(&self, state: &mut State) -> bool {
        state.has_power = state.dies_after != Some(0);
        state.dies_after = state.dies_after.and_then(|left| left.checked_sub(1));
        if !state.has_power {
            self.disk.died.notify_one();
        }
        !state.has_power
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").finish_non_exhaustive()
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.state()?.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut state = self.state()?;
        let readable = state.health.check_readable();
        state.failed += u64::from(readable.is_err());
        readable?;
        state.file.read_exact_at(out, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.state()?;
        let more = len.saturating_sub(state.len()?);
        if state.take_room(more) < more {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.set_len(len)?;
        if self.dies(&mut state) {
            return Err(no_power());
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.state()?;
        if self.dies(&mut state) {
            return Err(no_power());
        }
        state.unsynced.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.state()?;
        let taken = state.take_room(data.len() as u64);
        let taken = usize::try_from(taken).unwrap_or(data.len());
        state.write(offset, &data[..taken])?;
        if self.dies(&mut state) {
            return Err(no_power());
        }
        if taken < data.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use node::store::{Shelf, Store};
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;

    const ANY: [u32; 5] = [0, 500, 990, 999, 1_000];

    fn disk() -> (tempfile::TempDir, Papers) {
        let folder = tempfile::tempdir().unwrap();
        let papers = Papers::new(&folder.path().join("store")).unwrap();
        (folder, papers)
    }

    fn contents(papers: &Papers) -> Vec<u8> {
        std::fs::read(&papers.state().path).unwrap()
    }

    #[test]
    fn what_was_synced_stays_and_of_the_rest_what_is_drawn() {
        for (seed, of_1000) in ANY.into_iter().enumerate() {
            for beginning in [false, true] {
                let (_folder, papers) = disk();
                let file = papers.open().unwrap();
                file.set_len(300).unwrap();
                file.write(0, &[1; 100]).unwrap();
                file.sync_data().unwrap();
                file.write(50, &[2; 150]).unwrap();
                file.set_len(120).unwrap();
                file.set_len(400).unwrap();
                file.write(350, &[3; 50]).unwrap();
                let mut rng = StdRng::seed_from_u64(seed as u64);
                let stays = Stays { of_1000, beginning };
                let lost = papers.lose_power(stays, &mut rng).unwrap();
                let found = contents(&papers);
                assert_eq!(&found[..50], &[1; 50]);
                assert_eq!(lost.all(), 4);
                match of_1000 {
                    0 => {
                        assert_eq!(lost.dropped, 4);
                        assert_eq!(found[..100], [1; 100]);
                        assert_eq!(found[100..], [0; 200]);
                    }
                    1_000 => {
                        assert_eq!(lost.kept, 4);
                        assert_eq!(found[50..120], [2; 70]);
                        assert_eq!(found[120..350], [0; 230]);
                        assert_eq!(found[350..], [3; 50]);
                    }
                    500 => assert!(lost.torn + lost.dropped > 0, "{lost:?}"),
                    _ => {}
                }
                // Nothing is left to lose, and who held the file can't write to it.
                assert_eq!(papers.lose_power(stays, &mut rng).unwrap().all(), 0);
                file.write(0, &[9]).unwrap_err();
                let again = papers.open().unwrap();
                file.write(0, &[9]).unwrap_err();
                again.write(0, &[9]).unwrap();
            }
        }
    }

    #[test]
    fn a_full_disk_takes_a_beginning_and_then_nothing() {
        let (_folder, papers) = disk();
        let file = papers.open().unwrap();
        file.set_len(4).unwrap();
        papers.set(Health::Room(5));
        let full = |done: io::Result<()>| done.unwrap_err().kind() == io::ErrorKind::StorageFull;
        assert!(full(file.write(0, b"abcdefgh")));
        assert!(full(file.write(0, b"x")));
        assert!(full(file.set_len(100)));
        assert_eq!((papers.failed(), papers.failed()), (3, 0));
        assert_eq!(contents(&papers), b"abcde");
        assert_eq!(papers.set(Health::Well), Health::Room(0));
        file.write(5, b"!").unwrap();
        assert_eq!(contents(&papers), b"abcde!");
    }

    /// A store whose machine dies at each of its writes and syncs in turn opens again,
    /// with all that it acknowledged and nothing halfway.
    #[test]
    fn a_store_opens_again_whenever_the_power_goes() {
        let mut deaths = 0;
        for dies_after in 0..60 {
            for (seed, of_1000) in ANY.into_iter().enumerate() {
                let (_folder, papers) = disk();
                let opened = || {
                    let nonces = Arc::new(|| [7; 24]);
                    Store::open_on(papers.open().unwrap(), &[1; 32], nonces)
                };
                let store = opened().unwrap();
                papers.doom(Some(dies_after));
                let value = vec![5u8; 3_000];
                let put = |n: &u8| store.put(Shelf::Bodies, &[*n], &value).is_ok();
                let acknowledged = (0..20).take_while(put).count();
                deaths += usize::from(acknowledged < 20);
                assert_eq!(store.has_failed(), acknowledged < 20);
                papers.cut();
                drop(store);
                let mut rng = StdRng::seed_from_u64(seed as u64);
                let beginning = dies_after % 2 == 0;
                let stays = Stays { of_1000, beginning };
                papers.lose_power(stays, &mut rng).unwrap();
                let store = opened().unwrap();
                let all: Vec<(Vec<u8>, Vec<u8>)> = store.beginning(Shelf::Bodies, b"").unwrap();
                assert!(all.len() == acknowledged || all.len() == acknowledged + 1);
                assert!(all.iter().all(|(_, found)| *found == value));
            }
        }
        assert!(deaths > 50, "{deaths}");
    }
}
