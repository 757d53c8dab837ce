//! Whether the disk under a data folder takes anything.
//!
//! Why it exists: the agreement's stores end the process with a panic of few words where
//! they can't write. A node that is started on a full disk, or stops on one, says so.

use std::{fs::File, io::Write as _, path::Path};

use crate::error::{DISK_ADVICE, Error, Result};

/// What a node writes within its first seconds, with something to spare.
const BYTES: usize = 1 << 20;
/// The file that is written and removed again.
const FILE: &str = ".room";

/// Writes a mebibyte into a folder, to disk, and takes it away.
///
/// # Errors
/// Trouble that names the folder and what to do, where the disk does not take it.
pub(crate) fn probe(folder: &Path) -> Result<()> {
    let file = folder.join(FILE);
    // Not zeros: what compresses may fit where nothing else does.
    let bytes: Vec<u8> = (0..=250).cycle().take(BYTES).collect();
    let write = || {
        let mut file = File::create(&file)?;
        file.write_all(&bytes)?;
        file.sync_all()
    };
    let written: std::io::Result<()> = write();
    // Nothing is lost if it stays, and the next probe writes over it.
    let _ = std::fs::remove_file(&file);
    written.map_err(|error| {
        let detail = format!(
            "storage failed: {} takes no more: {error}",
            folder.display()
        );
        Error::broken("storage", detail).advise(DISK_ADVICE)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_nothing_is_said_and_what_does_is_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        probe(folder.path()).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let gone = folder.path().join("gone");
        let error = probe(&gone).unwrap_err();
        assert_eq!(error.rule(), "storage");
        assert!(
            error.to_string().contains("gone takes no more: "),
            "{error}"
        );
    }
}
