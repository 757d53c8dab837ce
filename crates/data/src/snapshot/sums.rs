//! The checksums of a snapshot's files, as `sha256sum --check SHA256SUMS` reads them.
//!
//! Why it exists: a Parquet page whose bytes changed on the disk may read as another
//! row, and a lookup would answer with it.
//!
//! *Invariants*: all files of a snapshot are listed, and nothing else.
//!
//! *Not here*: who changes a file *and* its line; what was committed is on the ledger.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::error::DataError;
use crate::limits::SUMS_BYTES_MAX;

/// The file's name.
pub(super) const SUMS: &str = "SHA256SUMS";
/// Bytes that are read at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// The lines for these files of a folder, sorted by name.
pub(super) fn of(folder: &Path, names: &[String]) -> Result<String, DataError> {
    let mut names: Vec<&String> = names.iter().collect();
    names.sort_unstable();
    let mut lines = String::new();
    for name in names {
        let path = folder.join(name);
        let sum = sum(&path).map_err(|e| DataError::io("read", &path, &e))?;
        let _ = writeln!(lines, "{sum}  {name}");
    }
    Ok(lines)
}

/// Checks that the folder's list is that of exactly these files as they are.
///
/// # Errors
/// Trouble that names the file that was altered, is missing or is not listed.
pub(super) fn check(folder: &Path, names: &[String]) -> Result<(), DataError> {
    let path = folder.join(SUMS);
    let failed = |e: &std::io::Error| DataError::io("read", &path, e);
    let size = fs::metadata(&path).map_err(|e| failed(&e))?.len();
    if size > SUMS_BYTES_MAX {
        return Err(altered(folder, SUMS));
    }
    let written = fs::read_to_string(&path).map_err(|e| failed(&e))?;
    let found = of(folder, names)?;
    if written == found {
        return Ok(());
    }
    let known: Vec<&str> = written.lines().collect();
    let strange = found.lines().find(|line| !known.contains(line));
    let name = strange.and_then(|line| line.split_once("  "));
    Err(altered(folder, name.map_or(SUMS, |(_, name)| name)))
}

fn altered(folder: &Path, name: &str) -> DataError {
    let cause = format!(
        "{name} is not as it was written: restore the folder from a backup, or take a new snapshot"
    );
    DataError::trouble(format!("open {}", folder.display()), cause, false)
}

fn sum(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        hasher.update(&chunk[..read]);
    }
    Ok(primitives::Digest(hasher.finalize().into()).to_string())
}
