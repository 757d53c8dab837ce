//! A simulated node's disk: it can be full or refuse to be read, and when its machine
//! loses power it keeps of each write that was not synced nothing, a beginning, or any
//! choice of its bytes.
//!
//! Why it exists: in a simulated network all nodes share one runtime and so one storage;
//! the runtime's own faults befall all of them alike, and torn writes appear only when
//! the whole runtime ends. Here one node's disk is told from the others'.
//!
//! *Invariants*
//! - What was synced stays, whatever becomes of the rest.
//! - A write that finds no room leaves the beginning for which there was some.
//!
//! *Not here*: sizes of files that change without a sync and survive.

mod machine;

use std::collections::BTreeMap;
use std::io;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use commonware_runtime::deterministic::{self, Context};
use commonware_runtime::{
    Blob as _, BlobVersion, Error, Handle, IoBufs, IoBufsMut, ReadOptions, Storage as _,
    WriteOptions,
};
use rand::{Rng, RngExt as _};

pub(crate) use machine::Machine;

/// A file by its partition and name.
type File = (String, Vec<u8>);

/// What stays of a write that was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stays {
    /// How likely each byte is to stay, in a thousand.
    pub of_1000: u32,
    /// Whether nothing stays after the first byte that does not.
    pub beginning: bool,
}

/// How a disk does what it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Health {
    /// As it should.
    #[default]
    Well,
    /// It takes so many bytes more.
    Room(u64),
    /// Nothing can be read.
    Unreadable,
}

impl Health {
    /// How many of so many bytes it takes, which are no longer room then.
    pub fn take(&mut self, bytes: u64) -> u64 {
        let Self::Room(room) = self else {
            return bytes;
        };
        let taken = bytes.min(*room);
        *room -= taken;
        taken
    }

    /// Whether it can be read.
    ///
    /// # Errors
    /// What a disk says that can't.
    pub fn check_readable(self) -> io::Result<()> {
        match self {
            Self::Unreadable => Err(io::Error::other("input/output error")),
            Self::Well | Self::Room(_) => Ok(()),
        }
    }
}

/// A write that may be lost.
#[derive(Clone, Debug)]
struct Unsynced {
    file: File,
    versions: RangeInclusive<BlobVersion>,
    number: u64,
    offset: u64,
    bytes: Bytes,
}

#[derive(Default)]
struct State {
    health: Health,
    /// Writes that found no room, and reads that failed.
    failed: u64,
    written: u64,
    unsynced: Vec<Unsynced>,
    /// The files that were opened, by the versions they were opened as.
    files: BTreeMap<File, RangeInclusive<BlobVersion>>,
}

/// A node's disk. Clones are the same one.
#[derive(Clone, Default)]
pub struct Disk(Arc<Mutex<State>>);

impl Disk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on it does what it does like this.
    pub fn set(&self, health: Health) {
        self.state().health = health;
    }

    /// How many writes found no room and how many reads failed; counts from none again.
    pub fn failed(&self) -> u64 {
        std::mem::take(&mut self.state().failed)
    }

    /// A runtime whose storage is this disk.
    pub(crate) fn machine(&self, inner: Context) -> Machine {
        Machine {
            inner,
            disk: self.clone(),
        }
    }

    /// The files that its node has, with the versions they are opened as.
    #[cfg(test)]
    pub(crate) fn files(&self) -> BTreeMap<File, RangeInclusive<BlobVersion>> {
        self.state().files.clone()
    }

    /// Loses what was not synced but for what `stays` of it; gives how many writes were
    /// torn or kept. Nothing may have its files open.
    ///
    /// # Errors
    /// The storage's own.
    pub async fn lose_power(
        &self,
        context: &Context,
        stays: Stays,
        rng: &mut (impl Rng + Send),
    ) -> Result<usize, Error> {
        let unsynced = std::mem::take(&mut self.state().unsynced);
        let mut torn = 0;
        for write in unsynced {
            let kept = stays.of(write.bytes.len(), rng);
            if kept.is_empty() {
                continue;
            }
            torn += 1;
            let (partition, name) = &write.file;
            let opened = context.open_versioned(partition, name, write.versions);
            let (blob, _, _) = opened.await?;
            for run in kept {
                let offset = write.offset + run.start as u64;
                let bytes = write.bytes.slice(run);
                blob.write_at(offset, bytes, WriteOptions::SYNC).await?;
            }
        }
        Ok(torn)
    }

    /// How many of so many bytes can be written.
    fn take_room(&self, bytes: usize) -> usize {
        let mut state = self.state();
        let taken = state.health.take(bytes as u64);
        let taken = usize::try_from(taken).unwrap_or(bytes);
        state.failed += u64::from(taken < bytes);
        taken
    }

    fn check_readable(&self) -> Result<(), Error> {
        let mut state = self.state();
        let readable = state.health.check_readable();
        state.failed += u64::from(readable.is_err());
        Ok(readable?)
    }

    /// Writes so far: those with a lower number came before.
    fn cut(&self) -> u64 {
        self.state().written
    }

    /// All of a file that was written before a cut is durable.
    fn synced(&self, file: &File, cut: u64) {
        let mut state = self.state();
        let stays = |write: &Unsynced| write.file != *file || write.number >= cut;
        state.unsynced.retain(stays);
    }

    /// A file is gone; without a name a whole partition.
    fn forget(&self, partition: &str, name: Option<&[u8]>) {
        let stays = |file: &File| file.0 != partition || name.is_some_and(|name| file.1 != name);
        let mut state = self.state();
        state.unsynced.retain(|write| stays(&write.file));
        state.files.retain(|file, _| stays(file));
    }

    /// A file was opened on what is durable of it.
    fn opened(&self, file: &File, versions: &RangeInclusive<BlobVersion>) {
        self.forget(&file.0, Some(&file.1));
        self.state().files.insert(file.clone(), versions.clone());
    }

    /// These bytes are durable: what was written there before is of no account.
    fn durable(&self, file: &File, offset: u64, bytes: usize) {
        let end = offset + bytes as u64;
        let mut state = self.state();
        let unsynced = std::mem::take(&mut state.unsynced);
        for write in unsynced {
            if write.file != *file {
                state.unsynced.push(write);
                continue;
            }
            let from = write.offset;
            let until = from + write.bytes.len() as u64;
            for (a, b) in [(from, until.min(offset)), (from.max(end), until)] {
                if let (Ok(start), Ok(stop)) =
                    (usize::try_from(a - from), usize::try_from(b.max(a) - from))
                    && start < stop
                {
                    state.unsynced.push(Unsynced {
                        offset: a,
                        bytes: write.bytes.slice(start..stop),
                        ..write.clone()
                    });
                }
            }
        }
    }
}

impl Stays {
    /// The runs of so many bytes that stay.
    fn of(self, bytes: usize, rng: &mut impl Rng) -> Vec<std::ops::Range<usize>> {
        let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
        for at in 0..bytes {
            if rng.random_range(0..1_000u32) >= self.of_1000 {
                if self.beginning {
                    break;
                }
                continue;
            }
            match runs.last_mut() {
                Some(run) if run.end == at => run.end += 1,
                _ => runs.push(at..at + 1),
            }
        }
        runs
    }
}

/// An open file of a disk.
pub(crate) struct Blob {
    inner: deterministic::Blob,
    disk: Disk,
    file: File,
    versions: RangeInclusive<BlobVersion>,
}

impl Blob {
    fn note(&self, offset: u64, bytes: Bytes) {
        let mut state = self.disk.state();
        state.written += 1;
        let number = state.written;
        state.unsynced.push(Unsynced {
            file: self.file.clone(),
            versions: self.versions.clone(),
            number,
            offset,
            bytes,
        });
    }
}

impl commonware_runtime::Blob for Blob {
    async fn read_at_buf(
        &self,
        offset: u64,
        len: usize,
        bufs: impl Into<IoBufsMut> + Send,
        options: ReadOptions,
    ) -> Result<IoBufsMut, Error> {
        self.disk.check_readable()?;
        self.inner.read_at_buf(offset, len, bufs, options).await
    }

    async fn read_at(
        &self,
        offset: u64,
        len: usize,
        options: ReadOptions,
    ) -> Result<IoBufsMut, Error> {
        self.disk.check_readable()?;
        self.inner.read_at(offset, len, options).await
    }

    async fn write_at(
        &self,
        offset: u64,
        bufs: impl Into<IoBufs> + Send,
        options: WriteOptions,
    ) -> Result<(), Error> {
        let bufs: IoBufs = bufs.into();
        let bytes: Bytes = bufs.coalesce().into();
        let taken = self.disk.take_room(bytes.len());
        if taken < bytes.len() {
            let beginning = bytes.slice(..taken);
            let plain = options.without(WriteOptions::SYNC);
            self.inner
                .write_at(offset, beginning.clone(), plain)
                .await?;
            self.note(offset, beginning);
            return Err(io::Error::from(io::ErrorKind::StorageFull).into());
        }
        self.inner.write_at(offset, bytes.clone(), options).await?;
        if options.contains(WriteOptions::SYNC) {
            self.disk.durable(&self.file, offset, bytes.len());
        } else {
            self.note(offset, bytes);
        }
        Ok(())
    }

    async fn resize(&self, len: u64) -> Result<(), Error> {
        self.inner.resize(len).await
    }

    async fn sync(&self) -> Result<(), Error> {
        let cut = self.disk.cut();
        self.inner.sync().await?;
        self.disk.synced(&self.file, cut + 1);
        Ok(())
    }

    async fn start_sync(&self) -> Handle<()> {
        let cut = self.disk.cut();
        let started = self.inner.start_sync().await;
        let (disk, file) = (self.disk.clone(), self.file.clone());
        Handle::from_future(async move {
            let done = started.await;
            if done.is_ok() {
                disk.synced(&file, cut + 1);
            }
            done
        })
    }
}

#[cfg(test)]
mod tests {
    use commonware_runtime::{DEFAULT_BLOB_VERSION, Runner as _, Supervisor as _};
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;

    async fn contents(context: &Context, name: &[u8]) -> Vec<u8> {
        let versions = DEFAULT_BLOB_VERSION..=DEFAULT_BLOB_VERSION;
        let (blob, len, _) = context
            .open_versioned("disk", name, versions)
            .await
            .unwrap();
        let len = usize::try_from(len).unwrap();
        let read = blob.read_at(0, len, ReadOptions::default()).await.unwrap();
        read.coalesce().as_ref().to_vec()
    }

    #[test]
    fn what_was_synced_stays_and_of_the_rest_what_is_drawn() {
        deterministic::Runner::default().start(|context| async move {
            let disk = Disk::default();
            let machine = disk.machine(context.child("machine"));
            let (blob, _) = machine.open("disk", b"a").await.unwrap();
            blob.write_at(0, b"synced..".as_slice(), WriteOptions::default())
                .await
                .unwrap();
            blob.sync().await.unwrap();
            blob.write_at(8, vec![7; 100], WriteOptions::default())
                .await
                .unwrap();
            blob.write_at(20, b"durable".as_slice(), WriteOptions::SYNC)
                .await
                .unwrap();
            drop(blob);
            let stays = Stays {
                of_1000: 500,
                beginning: false,
            };
            let mut rng = StdRng::seed_from_u64(1);
            disk.lose_power(&context, stays, &mut rng).await.unwrap();
            let found = contents(&context, b"a").await;
            assert_eq!(&found[..8], b"synced..");
            assert_eq!(&found[20..27], b"durable");
            let of = |byte: u8| found[8..].iter().filter(|found| **found == byte).count();
            assert!(of(7) > 10 && of(0) > 10, "{found:?}");
            // Nothing is left to lose.
            let stays = Stays {
                of_1000: 1_000,
                beginning: true,
            };
            assert_eq!(disk.lose_power(&context, stays, &mut rng).await.unwrap(), 0);
        });
    }

    #[test]
    fn a_full_disk_takes_a_beginning_and_then_nothing() {
        deterministic::Runner::default().start(|context| async move {
            let disk = Disk::default();
            let machine = disk.machine(context.child("machine"));
            let (blob, _) = machine.open("disk", b"b").await.unwrap();
            disk.set(Health::Room(5));
            blob.write_at(0, b"abcdefgh".as_slice(), WriteOptions::SYNC)
                .await
                .unwrap_err();
            blob.write_at(0, b"x".as_slice(), WriteOptions::default())
                .await
                .unwrap_err();
            disk.set(Health::Well);
            assert_eq!((disk.failed(), disk.failed()), (2, 0));
            blob.write_at(5, b"!".as_slice(), WriteOptions::default())
                .await
                .unwrap();
            blob.sync().await.unwrap();
            drop(blob);
            assert_eq!(contents(&context, b"b").await, b"abcde!");
        });
    }

    #[test]
    fn what_cant_be_read_is_there_still() {
        deterministic::Runner::default().start(|context| async move {
            let disk = Disk::default();
            let machine = disk.machine(context.child("machine"));
            let (blob, _) = machine.open("disk", b"c").await.unwrap();
            blob.write_at(0, b"abc".as_slice(), WriteOptions::SYNC)
                .await
                .unwrap();
            disk.set(Health::Unreadable);
            let failed = blob.read_at(0, 3, ReadOptions::default()).await;
            assert!(failed.is_err());
            disk.set(Health::Well);
            assert_eq!((disk.failed(), disk.failed()), (1, 0));
            blob.read_at(0, 3, ReadOptions::default()).await.unwrap();
            drop(blob);
            assert_eq!(contents(&context, b"c").await, b"abc");
        });
    }
}
