//! `cargo xtask console`: builds the web console and lays it where the node's build script finds it.
//!
//! ```text
//! console/  ── npm ci, npm run build ──▶  console/dist/  ── copied ──▶  crates/node/console/
//! ```
//!
//! Why the copy: cargo compiles the node again when a file in that folder changes and only then, and
//! the folder is there before anything was built.
//!
//! *Invariants*: nothing runs when nothing changed (a second of hashing); packages come from the lock
//! file alone; what an earlier build left is removed.

use std::collections::BTreeSet;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::shell;

/// The oldest Node.js that the build's tools run on.
const NODE_MIN: u32 = 20;
/// What installs it.
const INSTALL: &str = "apt-get update && apt-get install -y --no-install-recommends nodejs npm";
/// Folders of `console/` that the build makes, or its tests.
const MADE: [&str; 5] = ["node_modules", "dist", "shots", "test-results", ".vite"];
/// The one file of the embedded folder that is kept in the repository.
const KEPT: &str = "README.md";

/// Builds the console if anything in it changed.
pub(crate) fn build() -> Result<(), String> {
    let folder = folder();
    if !is_here() {
        return Err(format!("{} has no package.json", folder.display()));
    }
    needs()?;
    let lock = hash(&[folder.join("package-lock.json")])?;
    if stamp("installed") != Some(lock) || !folder.join("node_modules").is_dir() {
        shell::run(npm(&folder).args(["ci", "--no-audit", "--no-fund"]))?;
        set_stamp("installed", lock)?;
    }
    let mut inputs = Vec::new();
    collect(&folder, &folder, &mut inputs).map_err(|e| said(&folder, &e))?;
    let inputs = hash(&inputs)?;
    if stamp("built") != Some(inputs) || !folder.join("dist/index.html").is_file() {
        shell::run(npm(&folder).args(["run", "build"]))?;
        set_stamp("built", inputs)?;
    }
    let (from, to) = (folder.join("dist"), embedded());
    lay(&from, &to).map_err(|e| said(&to, &e))
}

/// Builds the console where that is possible; says what is missing where it is not, and goes on: the
/// node runs without its console.
pub(crate) fn build_if_possible() {
    if let Err(reason) = build() {
        eprintln!("the console is not built: {reason}");
    }
}

/// Formats the console, where its packages are installed.
pub(crate) fn format() -> Result<(), String> {
    let folder = folder();
    if !folder.join("node_modules").is_dir() {
        return Ok(());
    }
    shell::run(npm(&folder).args(["run", "format"]))
}

/// Checks the console's format and runs its units.
pub(crate) fn units() -> Result<(), String> {
    shell::run(npm(&folder()).args(["run", "format:check"]))?;
    shell::run(npm(&folder()).args(["run", "test"]))
}

/// Plays the console in a browser: pages in every state, and a whole case over real nodes.
pub(crate) fn play() -> Result<(), String> {
    browser()?;
    shell::run(npm(&folder()).args(["run", "play"]))
}

/// Where Debian's Chromium is, and what else it is called.
const BROWSERS: [&str; 2] = ["chromium", "chromium-browser"];

fn browser() -> Result<(), String> {
    if BROWSERS.iter().any(|name| shell::finds(name).is_some()) {
        return Ok(());
    }
    Err("no Chromium is on this machine\ninstall with: apt-get update && apt-get install -y --no-install-recommends chromium".to_owned())
}

/// Whether this checkout has a console.
pub(crate) fn is_here() -> bool {
    folder().join("package.json").is_file()
}

fn folder() -> PathBuf {
    shell::root().join("console")
}

fn embedded() -> PathBuf {
    shell::root().join("crates/node/console")
}

fn npm(folder: &Path) -> Command {
    let mut command = Command::new("npm");
    command.current_dir(folder);
    command
}

/// Fails with the exact command that installs what is missing.
pub(crate) fn needs() -> Result<(), String> {
    let missing = |what: &str| Err(format!("{what}\ninstall with: {INSTALL}"));
    if shell::finds("npm").is_none() {
        return missing("npm is not on this machine");
    }
    let output = Command::new("node")
        .arg("--version")
        .stdin(Stdio::null())
        .output();
    let text = match output {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).into_owned()
        }
        _ => return missing("Node.js is not on this machine"),
    };
    match major(&text) {
        Some(version) if version >= NODE_MIN => Ok(()),
        _ => missing(&format!(
            "Node.js {} is too old: {NODE_MIN} or newer builds the console",
            text.trim()
        )),
    }
}

/// The major version of `v22.1.0`.
fn major(text: &str) -> Option<u32> {
    text.trim()
        .strip_prefix('v')?
        .split('.')
        .next()?
        .parse()
        .ok()
}

fn said(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}

/// The files that the build reads, sorted.
fn collect(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()?;
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if folder == root && MADE.contains(&name.as_ref()) {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn hash(files: &[PathBuf]) -> Result<u64, String> {
    let mut hasher = DefaultHasher::new();
    for path in files {
        path.hash(&mut hasher);
        fs::read(path)
            .map_err(|e| said(path, &e))?
            .hash(&mut hasher);
    }
    Ok(hasher.finish())
}

fn stamp_file(name: &str) -> PathBuf {
    shell::root().join("target/console").join(name)
}

fn stamp(name: &str) -> Option<u64> {
    fs::read_to_string(stamp_file(name))
        .ok()?
        .trim()
        .parse()
        .ok()
}

fn set_stamp(name: &str, value: u64) -> Result<(), String> {
    let path = stamp_file(name);
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent)
        .and_then(|()| fs::write(&path, value.to_string()))
        .map_err(|e| said(&path, &e))
}

/// Makes `to` hold what `from` holds, touching only what differs.
fn lay(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    let mut there = BTreeSet::new();
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        there.insert(entry.file_name());
        if source.is_dir() {
            lay(&source, &target)?;
        } else if fs::read(&source)? != fs::read(&target).unwrap_or_default() || !target.is_file() {
            fs::copy(&source, &target)?;
        }
    }
    for entry in fs::read_dir(to)? {
        let entry = entry?;
        let kept = entry.file_name() == KEPT || there.contains(&entry.file_name());
        match (kept, entry.path().is_dir()) {
            (true, _) => {}
            (false, true) => fs::remove_dir_all(entry.path())?,
            (false, false) => fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_node_are_read() {
        assert_eq!(major("v20.19.2\n"), Some(20));
        assert_eq!(major("20.1"), None);
    }

    #[test]
    fn what_an_earlier_build_left_is_removed_and_what_is_the_same_stays() {
        let folder = std::env::temp_dir().join(format!("xtask-console-{}", std::process::id()));
        let (from, to) = (folder.join("from"), folder.join("to"));
        fs::create_dir_all(from.join("assets")).unwrap();
        fs::create_dir_all(to.join("old")).unwrap();
        fs::write(from.join("index.html"), "page").unwrap();
        fs::write(from.join("assets/new.js"), "new").unwrap();
        fs::write(to.join(KEPT), "kept").unwrap();
        fs::write(to.join("old/x.js"), "old").unwrap();
        fs::write(to.join("index.html"), "page").unwrap();
        let before = fs::metadata(to.join("index.html"))
            .unwrap()
            .modified()
            .unwrap();
        lay(&from, &to).unwrap();
        let after = fs::metadata(to.join("index.html"))
            .unwrap()
            .modified()
            .unwrap();
        assert_eq!(before, after);
        assert_eq!(fs::read_to_string(to.join("assets/new.js")).unwrap(), "new");
        assert_eq!(fs::read_to_string(to.join(KEPT)).unwrap(), "kept");
        assert!(!to.join("old").exists());
        fs::remove_dir_all(&folder).unwrap();
    }
}
