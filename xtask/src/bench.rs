//! `cargo xtask bench`: builds a bench optimised and becomes it.

mod peers;

use std::ffi::OsString;

use toml::{Table, Value};

use crate::shell;

/// Benches that are one word of another.
const WITHIN: [(&str, &str); 4] = [
    ("prepare", "mpc"),
    ("lookup", "mpc"),
    ("chain", "mpc"),
    ("risk", "joint"),
];

/// Other people's software beside ours.
const PEERS: &str = "peers";

/// One bench of a room.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Bench {
    /// What the user calls it: its target without `-bench`.
    name: String,
    room: String,
    target: String,
}

/// Runs the bench that `args` begins with; but for `peers`, returns only when that failed.
pub(crate) fn run(args: &[OsString]) -> Result<(), String> {
    let benches = benches()?;
    let word = args.first().and_then(|name| name.to_str()).unwrap_or("");
    if word == PEERS {
        let words: Vec<&str> = args[1..].iter().filter_map(|arg| arg.to_str()).collect();
        return peers::run(&words);
    }
    let (name, rest) = match WITHIN.iter().find(|(within, _)| *within == word) {
        Some((_, name)) => (*name, args),
        None => (word, args.get(1..).unwrap_or_default()),
    };
    let Some(bench) = benches.iter().find(|bench| bench.name == name) else {
        let names = benches.iter().map(|bench| bench.name.as_str());
        let within = WITHIN.map(|(within, _)| within);
        let all: Vec<&str> = names.chain(within).chain([PEERS]).collect();
        return Err(format!(
            "usage: cargo xtask bench WHAT [ARGS], WHAT one of: {}",
            all.join(", ")
        ));
    };
    let mut command = shell::cargo(["bench", "--package", &bench.room, "--bench", &bench.target]);
    Err(shell::become_it(command.arg("--").args(rest)))
}

/// All benches that the rooms declare.
fn benches() -> Result<Vec<Bench>, String> {
    let folder = shell::root().join("crates");
    let failed = |e: std::io::Error| format!("{}: {e}", folder.display());
    let mut benches = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Ok(manifest) = std::fs::read_to_string(entry.path().join("Cargo.toml")) else {
            continue;
        };
        let room = entry.file_name().to_string_lossy().into_owned();
        benches.extend(declared(&manifest).into_iter().map(|target| Bench {
            name: target.trim_end_matches("-bench").to_owned(),
            room: room.clone(),
            target,
        }));
    }
    benches.sort();
    Ok(benches)
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
    fn benches_are_those_of_the_manifests() {
        let manifest = "[package]\nname = \"a\"\n[[bench]]\nname = \"a-bench\"\nharness = false\n[[bench]]\nname = \"b\"\n";
        assert_eq!(declared(manifest), ["a-bench", "b"]);
        assert!(declared("[package]\nname = \"a\"\n").is_empty());
        let benches = benches().expect("the workspace");
        for (name, room) in [
            ("mpc", "mpc"),
            ("psi", "mpc"),
            ("many", "mpc"),
            ("cpsi", "mpc"),
            ("ledger", "ledger"),
        ] {
            assert!(
                benches
                    .iter()
                    .any(|bench| bench.name == name && bench.room == room),
                "{name}"
            );
        }
    }
}
