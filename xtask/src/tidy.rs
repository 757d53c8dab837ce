//! `cargo xtask tidy`: the house's own rules, which no compiler knows.
//!
//! Each rule is a function from the workspace's files to complaints, and has tests that make it complain.

mod documents;
mod files;
mod rooms;

use std::path::{Path, PathBuf};

use crate::shell;

/// Folders that hold no source of ours.
const SKIPPED: [&str; 3] = ["target", ".git", "node_modules"];
/// The most complaints that are printed; the rest are counted.
const MAX_COMPLAINTS_SHOWN: usize = 100;

/// A file of the project that is text.
pub(crate) struct Source {
    /// Relative to the workspace, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|e| e == "rs")
    }

    pub(crate) fn is_prose(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|e| e == "md")
    }
}

/// Brings the table of dependencies up to date, then runs every rule.
pub(crate) fn fix() -> Result<(), String> {
    let root = shell::root();
    if let Some(text) = rooms::fixed(&read(&root)?)? {
        let file = root.join(documents::DEPENDENCIES);
        std::fs::write(&file, text).map_err(|e| format!("{}: {e}", file.display()))?;
    }
    run()
}

/// Runs every rule.
pub(crate) fn run() -> Result<(), String> {
    let root = shell::root();
    let sources = read(&root)?;
    let find = |path: &str| sources.iter().find(|s| s.path == path);
    let mut complaints = Vec::new();
    complaints.extend(rooms::check(&sources)?);
    complaints.extend(files::check(&sources));
    complaints.extend(documents::check(&sources, &|path| root.join(path).exists()));
    for required in [
        "ARCHITECTURE.md",
        "docs/glossary.md",
        documents::DEPENDENCIES,
    ] {
        if find(required).is_none() {
            complaints.push(format!("{required}: is missing"));
        }
    }
    for complaint in complaints.iter().take(MAX_COMPLAINTS_SHOWN) {
        eprintln!("{complaint}");
    }
    match complaints.len() {
        0 => {
            eprintln!("tidy: {} files", sources.len());
            Ok(())
        }
        count => Err(format!("{count} complaints")),
    }
}

/// All text files of the project, sorted by path.
fn read(root: &Path) -> Result<Vec<Source>, String> {
    let (mut folders, mut sources) = (vec![root.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        let failed = |e| format!("{}: {e}", folder.display());
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let path: PathBuf = entry.path();
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() && !SKIPPED.iter().any(|skipped| name == *skipped) {
                folders.push(path);
            } else if kind.is_file() {
                // What is not UTF-8 is data.
                if let Ok(text) = std::fs::read_to_string(&path) {
                    let relative = path.strip_prefix(root).unwrap_or(&path);
                    sources.push(Source {
                        path: relative.to_string_lossy().replace('\\', "/"),
                        text,
                    });
                }
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

#[cfg(test)]
pub(crate) fn source(path: &str, text: &str) -> Source {
    Source {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}
