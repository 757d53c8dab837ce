//! What the machine must have beside a Rust toolchain.

use std::path::Path;

use crate::shell;

/// Fails with the exact command that installs what is missing.
pub(crate) fn check() -> Result<(), String> {
    let mut packages = Vec::new();
    // Two libraries are compiled from C (zstd, and curve code of the consensus engine).
    if shell::finds("cc").is_none() {
        packages.push("build-essential");
    }
    // The tests of tables in PostgreSQL start a real server.
    if !has_postgres() {
        packages.push("postgresql");
    }
    if packages.is_empty() {
        return Ok(());
    }
    Err(format!(
        "missing on this machine: {0}\ninstall with: apt-get update && apt-get install -y --no-install-recommends {0}",
        packages.join(" ")
    ))
}

/// A PostgreSQL server's programs, on the path or where Debian keeps them.
fn has_postgres() -> bool {
    let both = |folder: &Path| folder.join("initdb").is_file() && folder.join("postgres").is_file();
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    (shell::finds("initdb").is_some() && shell::finds("postgres").is_some())
        || versions
            .into_iter()
            .any(|version| both(&version.path().join("bin")))
}
