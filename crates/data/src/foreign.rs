//! Reading files as a table's owner has them, for who feeds it foreign bytes.
//!
//! Why it exists: from a file on a disk a fuzzer reads some hundreds a second; from
//! memory the same readers take many thousands (`docs/reliability.md`).
//!
//! *Not here*: anything that a node calls.

use std::path::Path;

use parquet::file::reader::ChunkReader;

use crate::source::{CsvRows, ParquetRows};

/// What errors would name.
const NOWHERE: &str = "memory";

/// Reads a CSV's header, then its rows; how many there are, or none where one could not
/// be read.
#[must_use]
pub fn csv(bytes: &[u8]) -> Option<usize> {
    let mut rows = CsvRows::over([bytes, bytes], Path::new(NOWHERE), None).ok()?;
    let mut count = 0;
    while let Some(batch) = rows.next().ok()? {
        count += batch.rows;
    }
    Some(count)
}

/// Reads a Parquet file's header, then its first batch of rows, as a guess of its columns
/// does; how many they are, or none where they could not be read.
#[must_use]
pub fn parquet(file: impl ChunkReader + Clone + 'static) -> Option<usize> {
    let files = [file.clone(), file];
    let mut rows = ParquetRows::over(files, Path::new(NOWHERE), None).ok()?;
    let batch = rows.next().ok()?;
    Some(batch.map_or(0, |batch| batch.rows))
}
