//! What every test of this room needs: a folder, a small table, and a snapshot of it.
#![allow(dead_code, reason = "each test program uses its own part")]

use std::path::Path;

use data::{Cancel, DataError, DatasetSpec, Snapshot, TakeOptions};

pub(crate) const SALT: [u8; 32] = [7; 32];
pub(crate) const NOW_MS: u64 = 1_541_894_937_000;

pub(crate) async fn take(spec: &DatasetSpec, folder: &Path) -> Result<Snapshot, DataError> {
    let options = TakeOptions::new(SALT, NOW_MS);
    Snapshot::take(spec, folder, &options, &mut |_| {}, &Cancel::default()).await
}

pub(crate) fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> std::path::PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// A resident id with its check digit, from seventeen digits.
pub(crate) fn resident(first_17: &str) -> String {
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = first_17
        .chars()
        .zip(weights)
        .map(|(c, w)| c.to_digit(10).unwrap() * w)
        .sum();
    format!(
        "{first_17}{}",
        char::from(b"10X98765432"[sum as usize % 11])
    )
}
