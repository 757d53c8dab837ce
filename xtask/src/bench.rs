//! `cargo xtask bench`: builds a room's benches optimised and becomes them.

use std::ffi::OsString;

use toml::{Table, Value};

use crate::shell;

/// Runs the benches of the room that `args` begins with; returns only when that failed.
pub(crate) fn run(args: &[OsString]) -> String {
    let rooms = match rooms() {
        Ok(rooms) => rooms,
        Err(reason) => return reason,
    };
    let chosen = args.first().and_then(|name| {
        let name = name.to_str()?;
        rooms.iter().find(|(room, _)| room == name)
    });
    let Some((room, benches)) = chosen else {
        let names: Vec<&str> = rooms.iter().map(|(room, _)| room.as_str()).collect();
        return format!(
            "usage: cargo xtask bench WHAT [ARGS], WHAT one of: {}",
            names.join(", ")
        );
    };
    let mut command = shell::cargo(["bench", "--package"]);
    command.arg(room);
    for bench in benches {
        command.arg("--bench").arg(bench);
    }
    shell::become_it(command.arg("--").args(&args[1..]))
}

/// The rooms that declare benches, and those.
fn rooms() -> Result<Vec<(String, Vec<String>)>, String> {
    let folder = shell::root().join("crates");
    let failed = |e: std::io::Error| format!("{}: {e}", folder.display());
    let mut rooms = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Ok(manifest) = std::fs::read_to_string(entry.path().join("Cargo.toml")) else {
            continue;
        };
        let benches = declared(&manifest);
        if !benches.is_empty() {
            rooms.push((entry.file_name().to_string_lossy().into_owned(), benches));
        }
    }
    rooms.sort();
    Ok(rooms)
}

/// The names of a manifest's `[[bench]]` tables. A library's own harness is not among them: it would
/// not understand the benches' arguments.
fn declared(manifest: &str) -> Vec<String> {
    let manifest: Table = manifest.parse().unwrap_or_default();
    let tables = manifest.get("bench").and_then(Value::as_array);
    let name = |table: &Value| table.get("name")?.as_str().map(str::to_owned);
    tables.into_iter().flatten().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn benches_are_those_of_the_manifest() {
        let manifest = "[package]\nname = \"a\"\n[[bench]]\nname = \"a-bench\"\nharness = false\n[[bench]]\nname = \"b\"\n";
        assert_eq!(declared(manifest), ["a-bench", "b"]);
        assert!(declared("[package]\nname = \"a\"\n").is_empty());
        let rooms = rooms().expect("the workspace");
        assert!(
            rooms
                .iter()
                .any(|(room, benches)| room == "mpc" && benches.contains(&"mpc-bench".to_owned()))
        );
    }
}
