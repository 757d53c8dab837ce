//! A dataset's committed state at a time: canonical rows, their root, and the rows
//! again under each key, sorted as a lookup reads them.
//!
//! ```text
//! <folder>/
//!   snapshot.json           what was taken (spec without secrets, report)
//!   SHA256SUMS              the checksums of all other files
//!   rows.parquet            _row, then the columns; leaf i of the root is row i
//!   key_<name>.parquet      _hash, _input, _row, then the columns; sorted so
//!   inputs_<name>.parquet   distinct (_hash, _input) in the same order
//! ```
//!
//! The root is the RFC 9162 root over `proof::leaf_hash(CBOR array of the row)`.
//! Folder and files are readable by their owner only: they hold the rows in the clear,
//! as the source does.
//!
//! *Invariants*: everything is written to a sibling folder, synced, and renamed; so a
//! snapshot is whole or not there. Nothing in it changes afterwards; what changed all
//! the same is found when it is opened.

use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use primitives::{Digest, TimeMs};
use serde::{Deserialize, Serialize};

use crate::error::{DataError, Rule};
use crate::limits::{MANIFEST_BYTES_MAX, MEMORY_BYTES_DEFAULT};
use crate::spec::DatasetSpec;

mod files;
mod inputs;
mod keys;
mod rows;
mod sums;
mod take;

pub use inputs::Inputs;
pub use rows::{BucketRanges, KeyedRow, RowFilter, RowStream};

const FORMAT: u32 = 2;
const MANIFEST: &str = "snapshot.json";
const ROWS: &str = "rows.parquet";
const ROW: &str = "_row";
const HASH: &str = "_hash";
const INPUT: &str = "_input";

/// The bucket hash of `mpc`, which this room must not depend on: the first eight bytes, big-endian, of
/// SHA-256 under `cordon/mpc/bucket/v1` over salt and input.
#[must_use]
pub fn bucket_hash(salt: &[u8; 32], input: &[u8]) -> u64 {
    let digest = Digest::of("cordon/mpc/bucket/v1", &[salt, input]);
    let mut first = [0; 8];
    first.copy_from_slice(&digest.as_bytes()[..8]);
    u64::from_be_bytes(first)
}

/// How a snapshot is taken.
#[derive(Clone, Debug)]
pub struct TakeOptions {
    /// Salt of the bucket hash; the same for snapshots that share precomputation.
    pub salt: [u8; 32],
    /// The bucket hash, [`bucket_hash`] unless a test says otherwise.
    pub bucket_hash: fn(&[u8; 32], &[u8]) -> u64,
    /// The time that the report states.
    pub extracted_at_ms: TimeMs,
    /// Memory for sorting, in bytes; what does not fit is spilled beside the snapshot.
    pub memory_bytes: usize,
}

impl TakeOptions {
    /// The defaults, with a salt and a time.
    #[must_use]
    pub fn new(salt: [u8; 32], extracted_at_ms: TimeMs) -> Self {
        Self {
            salt,
            bucket_hash,
            extracted_at_ms,
            memory_bytes: MEMORY_BYTES_DEFAULT,
        }
    }
}

/// Tells a running [`Snapshot::take`] to stop, which then leaves nothing behind, or a
/// [`crate::Selection`].
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks for the stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn check(&self) -> Result<(), DataError> {
        if self.0.load(Ordering::Relaxed) {
            Err(DataError::cancelled())
        } else {
            Ok(())
        }
    }
}

/// What [`Snapshot::take`] is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The stage.
    pub stage: Stage,
    /// Rows done in this stage.
    pub rows: u64,
    /// Rows of this stage, once they are known.
    pub of_rows: Option<u64>,
}

/// A stage of [`Snapshot::take`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Reading, normalising and hashing the source.
    Reading,
    /// Sorting the entries of a key.
    Sorting {
        /// The key's name.
        key: String,
    },
}

/// What was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotReport {
    /// The dataset's name.
    pub dataset: String,
    /// RFC 9162 root over the canonical rows.
    pub root: Digest,
    /// Rows in the snapshot.
    pub rows: u64,
    /// Rows that the source had.
    pub source_rows: u64,
    /// The first rejected rows, at most [`crate::limits::REJECTED_LISTED_MAX`].
    pub rejected: Vec<Rejected>,
    /// All rejected rows.
    pub rejected_total: u64,
    /// When the rows were read.
    pub extracted_at_ms: TimeMs,
    /// How the rows were read.
    pub method: String,
    /// Bytes of the snapshot on disk.
    pub bytes: u64,
    /// Salt of the bucket hash.
    pub salt: Digest,
    /// The keys.
    pub keys: Vec<KeyReport>,
}

/// What a key holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyReport {
    /// The key's name.
    pub name: String,
    /// Distinct inputs.
    pub inputs: u64,
    /// Rows under them; a row counts once for each input.
    pub entries: u64,
}

/// A row that is not in the snapshot, and why; never what it held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// The row's number in the source, counted from 1 without the header.
    pub row: u64,
    /// The column, unless the row as a whole could not be read.
    pub column: Option<String>,
    /// Why.
    pub reason: String,
}

#[derive(Serialize, Deserialize)]
struct Manifest {
    format: u32,
    spec: DatasetSpec,
    report: SnapshotReport,
}

impl Manifest {
    /// The files of a snapshot beside the list of them.
    fn files(&self) -> Vec<String> {
        let keys = self.spec.keys.iter().map(|key| &key.name);
        let of_keys = keys.flat_map(|key| [key_file(key), inputs_file(key)]);
        of_keys.chain([MANIFEST.into(), ROWS.into()]).collect()
    }
}

/// A snapshot on disk.
#[derive(Clone, Debug)]
pub struct Snapshot {
    folder: PathBuf,
    spec: DatasetSpec,
    report: SnapshotReport,
}

impl Snapshot {
    /// Reads the source once, and writes its snapshot to `folder`, which must not exist.
    ///
    /// Rows whose values do not parse are left out and reported; the rest goes on.
    /// `progress` is called once a batch.
    ///
    /// # Errors
    /// A refusal if the spec does not fit the source or `folder` exists, trouble if
    /// source or disk fail; nothing is left behind then.
    pub async fn take(
        spec: &DatasetSpec,
        folder: &Path,
        options: &TakeOptions,
        progress: &mut (dyn FnMut(Progress) + Send),
        cancel: &Cancel,
    ) -> Result<Self, DataError> {
        spec.validate()?;
        if folder.exists() {
            return Err(DataError::refusal(Rule::SnapshotAbsent, spec.name.clone()));
        }
        let partial = files::Partial::create(folder)?;
        let report = take::take(spec, partial.path(), options, progress, cancel).await?;
        let manifest = Manifest {
            format: FORMAT,
            spec: spec.redacted(),
            report,
        };
        partial.write_manifest(&manifest)?;
        partial.write_sums(&manifest.files())?;
        partial.publish(folder)?;
        let Manifest { spec, report, .. } = manifest;
        Ok(Self {
            folder: folder.to_owned(),
            spec,
            report,
        })
    }

    /// Opens a snapshot that was taken before. Reads all of its files, to see that they
    /// are as they were written.
    ///
    /// # Errors
    /// Trouble if it is not there, not of this format, or a file was altered.
    pub fn open(folder: &Path) -> Result<Self, DataError> {
        let path = folder.join(MANIFEST);
        let doing = || format!("open {}", path.display());
        let size = fs::metadata(&path)
            .map_err(|e| DataError::io("open", &path, &e))?
            .len();
        if size > MANIFEST_BYTES_MAX {
            return Err(DataError::trouble(doing(), "the file is too large", false));
        }
        let bytes = fs::read(&path).map_err(|e| DataError::io("read", &path, &e))?;
        let manifest: Manifest = serde_json::from_slice(&bytes)
            .map_err(|_| DataError::trouble(doing(), "not a snapshot's description", false))?;
        if manifest.format != FORMAT {
            return Err(DataError::trouble(
                doing(),
                "written in another format",
                false,
            ));
        }
        manifest.spec.validate()?;
        sums::check(folder, &manifest.files())?;
        Ok(Self {
            folder: folder.to_owned(),
            spec: manifest.spec,
            report: manifest.report,
        })
    }

    /// Removes what interrupted snapshots have left in the folder above theirs.
    ///
    /// # Errors
    /// Trouble if the folder cannot be read or something in it cannot be removed.
    pub fn clean(parent: &Path) -> Result<usize, DataError> {
        files::clean(parent)
    }

    /// What was taken.
    #[must_use]
    pub const fn report(&self) -> &SnapshotReport {
        &self.report
    }

    /// How the dataset was described when it was taken, without its database's URL.
    #[must_use]
    pub const fn spec(&self) -> &DatasetSpec {
        &self.spec
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The canonical rows' file: `_row` and the columns.
    #[must_use]
    pub fn rows_file(&self) -> PathBuf {
        self.folder.join(ROWS)
    }

    /// The distinct inputs of a key with their bucket hashes, sorted by both.
    ///
    /// # Errors
    /// A refusal if there is no such key, trouble if the file cannot be read.
    pub fn inputs(&self, key: &str) -> Result<Inputs, DataError> {
        self.key_report(key)?;
        Inputs::open(&self.folder.join(inputs_file(key)))
    }

    /// The counts of a key.
    ///
    /// # Errors
    /// A refusal if there is no such key.
    pub fn key_report(&self, key: &str) -> Result<&KeyReport, DataError> {
        let found = self.report.keys.iter().find(|k| k.name == key);
        found.ok_or_else(|| DataError::refusal(Rule::KeyKnown, format!("{}.{key}", self.spec.name)))
    }

    /// The rows whose input's bucket hash lies in `buckets` and that pass the filter,
    /// with the named columns, sorted by hash, input and row number.
    ///
    /// # Errors
    /// A refusal if a column may not leave the institution, a filter has no column to
    /// work on, or a name is unknown; trouble if the file cannot be read.
    pub async fn rows(
        &self,
        key: &str,
        buckets: &[RangeInclusive<u64>],
        filter: &RowFilter,
        columns: &[String],
    ) -> Result<RowStream, DataError> {
        rows::open(self, key, buckets, filter, columns).await
    }

    /// Reads all canonical rows again and computes their root.
    ///
    /// # Errors
    /// Trouble if the file cannot be read or does not hold the spec's columns.
    pub fn recompute_root(&self) -> Result<Digest, DataError> {
        rows::root(&self.spec, &self.rows_file())
    }
}

fn key_file(key: &str) -> String {
    format!("key_{key}.parquet")
}

fn inputs_file(key: &str) -> String {
    format!("inputs_{key}.parquet")
}
