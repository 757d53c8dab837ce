//! The kept inputs of a target: small files, one an input.

use std::path::{Path, PathBuf};

use primitives::Digest;

/// The most bytes of a kept input.
pub const INPUT_BYTES_MAX: u64 = 64 * 1024;

/// The folder that holds a target's kept inputs.
#[must_use]
pub fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target)
}

/// A target's kept inputs with their files, sorted by name; none where it has no folder.
///
/// # Errors
/// The file that can't be read, or is larger than a kept input may be.
pub fn inputs(target: &str) -> Result<Vec<(PathBuf, Vec<u8>)>, String> {
    let folder = folder(target);
    let mut paths = Vec::new();
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(format!("{}: {error}", folder.display())),
    };
    for entry in entries {
        paths.push(entry.map_err(|error| error.to_string())?.path());
    }
    paths.sort();
    let read = |path: PathBuf| {
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        if path.metadata().map_err(failed)?.len() > INPUT_BYTES_MAX {
            return Err(format!("{}: too large to keep", path.display()));
        }
        let bytes = std::fs::read(&path).map_err(failed)?;
        Ok((path, bytes))
    };
    paths.into_iter().map(read).collect()
}

/// Writes inputs into a folder, each under a name made of its digest; gives their files.
///
/// # Errors
/// Where the file system fails.
pub fn write(folder: &Path, inputs: &[Vec<u8>]) -> std::io::Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder)?;
    let one = |input: &Vec<u8>| {
        let name = Digest::plain(input).to_string();
        let file = folder.join(&name[..16]);
        std::fs::write(&file, input).map(|()| file)
    };
    inputs.iter().map(one).collect()
}
