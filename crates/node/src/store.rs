//! The private store: bodies, secrets, answers and the state of work.
//!
//! An embedded database (redb) whose transactions are durable when they
//! return. Every value is encrypted with XChaCha20-Poly1305 under the
//! keystore's store key, with table and key as associated data, so that a
//! copied or shuffled file shows and proves nothing.
//!
//! *Invariants*
//! - Once its disk has failed the store refuses everything: what lies there must be read
//!   anew. Its node ends then (`run`).

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use primitives::{Digest, cbor};
pub use redb::StorageBackend;
use redb::{
    Database, DatabaseError, ReadOnlyTable, ReadableDatabase, StorageError, Table, TableDefinition,
    TableError,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::error::{DISK_ADVICE, Error, Result};

/// Largest value: an answer's body with room for its frame.
const VALUE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A kind of value in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shelf {
    /// Opened bodies by their commitment.
    Bodies,
    /// Secrets of snapshots' lookup keys, by snapshot record and key.
    SnapshotKeys,
    /// Secrets of plans' keys, by question.
    PlanKeys,
    /// Transcripts of served lookups, by question, step and table.
    Served,
    /// Selectors that were evaluated, by question, table, step and request.
    Spent,
    /// Seeds of the shares of joint questions' tables, by question.
    Shares,
    /// Opened rows of runs whose answer is not disclosed, by question.
    Results,
    /// What shows a run's rows, by question, step, part, snapshot and custodian.
    Lookups,
    /// Prepared acts by their id.
    Prepared,
    /// Where snapshots' files are, by snapshot record.
    Snapshots,
    /// Specifications of published tables, by dataset record.
    Datasets,
    /// Invitations to make a passkey, by a digest of their code.
    Invitations,
    /// Passkeys that wait for a registrar's word, by their registration.
    Registrations,
    /// Authenticators' counters at their last sign-in, by passkey.
    Counters,
}

impl Shelf {
    fn table(self) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
        TableDefinition::new(match self {
            Self::Bodies => "bodies",
            Self::SnapshotKeys => "snapshot-keys",
            Self::PlanKeys => "plan-keys",
            Self::Served => "served",
            Self::Spent => "spent",
            Self::Shares => "shares",
            Self::Results => "results",
            Self::Lookups => "lookups",
            Self::Prepared => "prepared",
            Self::Snapshots => "snapshots",
            Self::Datasets => "datasets",
            Self::Invitations => "invitations",
            Self::Registrations => "registrations",
            Self::Counters => "counters",
        })
    }
}

/// The store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    database: Arc<Database>,
    cipher: XChaCha20Poly1305,
    failure: Arc<Failure>,
    nonces: Nonces,
}

/// Where nonces come from: 24 random bytes each.
pub type Nonces = Arc<dyn Fn() -> [u8; 24] + Send + Sync>;

/// Whether the disk has failed under a store.
#[derive(Default)]
struct Failure {
    failed: AtomicBool,
    noticed: tokio::sync::Notify,
}

/// Whether a change of a table could be made.
type Changed = std::result::Result<(), StorageError>;

fn damaged(shelf: Shelf) -> Error {
    Error::broken("storage", format!("a value of {shelf:?} does not decrypt"))
        .advise("the store was altered, or belongs to other keys; restore it from a backup")
}

fn altered(path: &Path) -> Error {
    let text = format!("{} is not as it was written", path.display());
    Error::broken("storage", text).advise("restore it from a backup")
}

/// A page that changed on the disk would read as another value, or as none.
fn builder() -> redb::Builder {
    let mut builder = Database::builder();
    builder.set_check_integrity_on_open(true);
    builder
}

impl Store {
    /// Opens or makes the store. Reads all of it, to see that it is as it was written.
    ///
    /// # Errors
    /// Trouble where the file can't be opened or was altered.
    pub fn open(path: &Path, key: &[u8; 32]) -> Result<Self> {
        let opening = builder().create(path);
        let database = opening.map_err(|error| match error {
            DatabaseError::Storage(StorageError::Corrupted(_)) => altered(path),
            error => Error::trouble("storage", error),
        })?;
        Ok(Self::of(database, key, Arc::new(primitives::random)))
    }

    /// Opens or makes the store, as [`Store::open`] does, on a disk of the caller's, with
    /// nonces of the caller's.
    ///
    /// # Errors
    /// Trouble where the disk fails, or what lies there was altered.
    pub fn open_on(backend: impl StorageBackend, key: &[u8; 32], nonces: Nonces) -> Result<Self> {
        let opening = builder().create_with_backend(backend);
        let database = opening.map_err(|error| Error::trouble("storage", error))?;
        Ok(Self::of(database, key, nonces))
    }

    fn of(database: Database, key: &[u8; 32], nonces: Nonces) -> Self {
        Self {
            database: Arc::new(database),
            cipher: XChaCha20Poly1305::new(key.into()),
            failure: Arc::default(),
            nonces,
        }
    }

    /// Whether the disk has failed since the store was opened: it refuses everything from
    /// then on.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.failure.failed.load(Ordering::Acquire)
    }

    /// Waits until the disk has failed; for one who waits at a time.
    pub async fn failed(&self) -> Error {
        while !self.has_failed() {
            self.failure.noticed.notified().await;
        }
        let text = "the disk failed under the private store";
        Error::broken("storage", text).advise(DISK_ADVICE)
    }

    fn trouble(&self, error: redb::Error) -> Error {
        if matches!(error, redb::Error::Io(_) | redb::Error::PreviousIo) {
            self.failure.failed.store(true, Ordering::Release);
            self.failure.noticed.notify_one();
        }
        Error::trouble("storage", error)
    }

    /// Stores a value, durably once this returns.
    ///
    /// # Errors
    /// Trouble where the disk fails.
    pub fn put<T: Serialize>(&self, shelf: Shelf, key: &[u8], value: &T) -> Result<()> {
        let plain = zeroize::Zeroizing::new(cbor::encode(value)?);
        let nonce = (self.nonces)();
        let mut bytes = nonce.to_vec();
        bytes.extend(
            self.cipher
                .encrypt(
                    &XNonce::from(nonce),
                    Payload {
                        msg: &plain,
                        aad: &associated(shelf, key),
                    },
                )
                .map_err(|_| Error::broken("storage", "encryption failed"))?,
        );
        self.change(shelf, |table| {
            table.insert(key, bytes.as_slice()).map(|_| ())
        })
    }

    /// Changes a shelf in a transaction of its own, durably once this returns.
    fn change(
        &self,
        shelf: Shelf,
        change: impl FnOnce(&mut Table<'_, &'static [u8], &'static [u8]>) -> Changed,
    ) -> Result<()> {
        let trouble = |error| self.trouble(error);
        let write = self.database.begin_write();
        let write = write.map_err(|error| trouble(error.into()))?;
        {
            let table = write.open_table(shelf.table());
            let mut table = table.map_err(|error| trouble(error.into()))?;
            change(&mut table).map_err(|error| trouble(error.into()))?;
        }
        write.commit().map_err(|error| trouble(error.into()))
    }

    /// A shelf as it stands; none where nothing was ever put there.
    fn shelf(&self, shelf: Shelf) -> Result<Option<ReadOnlyTable<&'static [u8], &'static [u8]>>> {
        let read = self.database.begin_read();
        let read = read.map_err(|error| self.trouble(error.into()))?;
        match read.open_table(shelf.table()) {
            Ok(table) => Ok(Some(table)),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(self.trouble(error.into())),
        }
    }

    /// Reads a value.
    ///
    /// # Errors
    /// Trouble where the disk fails or the value was altered.
    pub fn get<T: DeserializeOwned>(&self, shelf: Shelf, key: &[u8]) -> Result<Option<T>> {
        let Some(table) = self.shelf(shelf)? else {
            return Ok(None);
        };
        let value = table.get(key);
        let Some(value) = value.map_err(|error| self.trouble(error.into()))? else {
            return Ok(None);
        };
        self.decrypt(shelf, key, value.value()).map(Some)
    }

    /// The values of a shelf whose keys begin with `prefix`, with their keys.
    ///
    /// # Errors
    /// Trouble where the disk fails or a value was altered.
    pub fn beginning<T: DeserializeOwned>(
        &self,
        shelf: Shelf,
        prefix: &[u8],
    ) -> Result<Vec<(Vec<u8>, T)>> {
        let Some(table) = self.shelf(shelf)? else {
            return Ok(Vec::new());
        };
        let mut all = Vec::new();
        let trouble = |error: StorageError| self.trouble(error.into());
        for entry in table.range(prefix..).map_err(trouble)? {
            let (key, value) = entry.map_err(trouble)?;
            if !key.value().starts_with(prefix) {
                break;
            }
            let item = self.decrypt(shelf, key.value(), value.value())?;
            all.push((key.value().to_vec(), item));
        }
        Ok(all)
    }

    /// Removes a value, durably once this returns.
    ///
    /// # Errors
    /// Trouble where the disk fails.
    pub fn remove(&self, shelf: Shelf, key: &[u8]) -> Result<()> {
        self.change(shelf, |table| table.remove(key).map(|_| ()))
    }

    fn decrypt<T: DeserializeOwned>(&self, shelf: Shelf, key: &[u8], bytes: &[u8]) -> Result<T> {
        let (nonce, cipher) = bytes.split_at_checked(24).ok_or_else(|| damaged(shelf))?;
        let nonce: [u8; 24] = nonce.try_into().map_err(|_| damaged(shelf))?;
        let plain = self
            .cipher
            .decrypt(
                &XNonce::from(nonce),
                Payload {
                    msg: cipher,
                    aad: &associated(shelf, key),
                },
            )
            .map_err(|_| damaged(shelf))?;
        let plain = zeroize::Zeroizing::new(plain);
        Ok(cbor::decode(&plain, VALUE_BYTES_MAX)?)
    }
}

fn associated(shelf: Shelf, key: &[u8]) -> Vec<u8> {
    use redb::TableHandle;
    Digest::of("cordon/store/v1", &[shelf.table().name().as_bytes(), key])
        .0
        .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_after_reopening_and_do_not_show_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        let key = [7u8; 32];
        let secret = "the subject's phone is +8613800000000".to_string();
        {
            let store = Store::open(&path, &key).unwrap();
            store.put(Shelf::Bodies, b"k", &secret).unwrap();
            assert_eq!(store.get::<String>(Shelf::Served, b"k").unwrap(), None);
        }
        let store = Store::open(&path, &key).unwrap();
        assert_eq!(
            store.get::<String>(Shelf::Bodies, b"k").unwrap(),
            Some(secret.clone())
        );
        assert_eq!(
            store.beginning::<String>(Shelf::Bodies, b"").unwrap().len(),
            1
        );
        assert_eq!(
            store
                .beginning::<String>(Shelf::Bodies, b"k")
                .unwrap()
                .len(),
            1
        );
        assert_eq!(
            store
                .beginning::<String>(Shelf::Bodies, b"l")
                .unwrap()
                .len(),
            0
        );
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(13).any(|w| w == b"+861380000000"));
        store.remove(Shelf::Bodies, b"k").unwrap();
        assert_eq!(store.get::<String>(Shelf::Bodies, b"k").unwrap(), None);
    }

    #[test]
    fn a_file_that_was_altered_is_refused_or_holds_what_it_held() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        let key = [7u8; 32];
        let value = |n: u8| vec![n; 40 + usize::from(n)];
        {
            let store = Store::open(&path, &key).unwrap();
            for n in 0..60u8 {
                store.put(Shelf::Bodies, &[n], &value(n)).unwrap();
                store.put(Shelf::Spent, &[n], &n).unwrap();
            }
        }
        let whole = std::fs::read(&path).unwrap();
        let used: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] != 0).collect();
        let (mut refused, mut held) = (0, 0);
        for at in used.iter().step_by(used.len() / 150) {
            let mut flipped = whole.clone();
            flipped[*at] ^= 1 << (at % 8);
            std::fs::write(&path, &flipped).unwrap();
            let Ok(store) = Store::open(&path, &key) else {
                refused += 1;
                continue;
            };
            held += 1;
            for n in 0..60u8 {
                let body: Option<Vec<u8>> = store.get(Shelf::Bodies, &[n]).unwrap();
                assert_eq!(body, Some(value(n)), "byte {at}");
                let spent: Option<u8> = store.get(Shelf::Spent, &[n]).unwrap();
                assert_eq!(spent, Some(n), "byte {at}");
            }
        }
        assert!(refused > 0 && held > 0, "{refused} refused, {held} held");
        for cut in [1, whole.len() / 3, whole.len() - 1] {
            std::fs::write(&path, &whole[..cut]).unwrap();
            assert!(Store::open(&path, &key).is_err(), "cut to {cut}");
        }
    }

    #[test]
    fn another_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        Store::open(&path, &[1; 32])
            .unwrap()
            .put(Shelf::Bodies, b"k", &1u8)
            .unwrap();
        let other = Store::open(&path, &[2; 32]).unwrap();
        assert_eq!(
            other.get::<u8>(Shelf::Bodies, b"k").err().unwrap().rule(),
            "storage"
        );
    }
}
