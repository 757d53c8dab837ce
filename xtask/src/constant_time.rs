//! `cargo xtask constant-time`: no branch and no address depends on a secret.
//!
//! Why it exists: constant time is a property of what a compiler made, not of what was written, so
//! it is checked on the optimised program. The harness of room `mpc` marks secrets as undefined and
//! runs below valgrind's memcheck, which reports every branch and address that depends on one
//! (`crates/mpc/src/secrecy.rs`).
//!
//! *Not here*: a profile of its own. Libraries are the release build's; only `mpc` is built once more,
//! with line numbers.

use std::ffi::OsString;
use std::process::Command;

use crate::shell;

const HARNESS: &str = "target/release/examples/constant-time";
const SUPPRESSIONS: &str = "crates/mpc/examples/constant-time/libraries.supp";
const LOG: &str = "target/constant-time.log";
/// Findings that are shown where something was found; the log has them all.
const SHOWN_LINES: usize = 60;

/// Builds the harness and runs it; `args` are words that the parts to run have in their names.
pub(crate) fn run(args: &[OsString]) -> Result<(), String> {
    let Some(valgrind) = shell::finds("valgrind") else {
        return Err(
            "missing on this machine: valgrind\ninstall with: sudo apt-get install valgrind"
                .to_owned(),
        );
    };
    if cfg!(not(target_arch = "x86_64")) {
        return Err("the harness speaks to valgrind on x86-64 only".to_owned());
    }
    shell::run(&mut shell::cargo([
        "build",
        "--release",
        "--package",
        "mpc",
        "--features",
        "constant-time",
        "--example",
        "constant-time",
        "--config",
        "profile.release.package.mpc.debug=\"line-tables-only\"",
    ]))?;
    let mut command = Command::new(valgrind);
    command
        .current_dir(shell::root())
        // valgrind runs one thread at a time; a pool would only switch between many.
        .env("RAYON_NUM_THREADS", "1")
        .args(["--error-limit=no", "--num-callers=20"])
        .arg(format!("--suppressions={SUPPRESSIONS}"))
        .arg(format!("--log-file={LOG}"))
        .arg(HARNESS)
        .args(args);
    shell::run(&mut command).map_err(|failed| {
        let log = std::fs::read_to_string(shell::root().join(LOG)).unwrap_or_default();
        format!(
            "{}\n{failed}\nall findings, those on purpose too: {LOG}",
            told(&log)
        )
    })
}

/// The findings of a log, from the last ones back, without what valgrind says of itself and of the
/// leaks that are there on purpose.
fn told(log: &str) -> String {
    let lines = log.lines().map(|line| {
        let words = line.trim_start_matches('=');
        words.split_once("==").map_or("", |(_, words)| words)
    });
    let mut findings: Vec<Vec<&str>> = vec![Vec::new()];
    for line in lines {
        match (line.trim().is_empty(), findings.last_mut()) {
            (false, Some(finding)) => finding.push(line),
            _ => findings.push(Vec::new()),
        }
    }
    findings.retain(|finding| {
        let head = finding.first().copied().unwrap_or_default();
        let is_finding = head.contains("uninitialised") || head.contains("Invalid");
        is_finding && !finding.iter().any(|line| line.contains("leaks.rs"))
    });
    findings
        .iter()
        .flat_map(|finding| finding.iter().copied())
        .take(SHOWN_LINES)
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_told_and_purposes_left_out() {
        let log = "==7== Memcheck, a memory error detector\n==7== \n\
            ==7== Conditional jump or move depends on uninitialised value(s)\n\
            ==7==    at 0x1: by_branch (leaks.rs:13)\n==7== \n\
            ==7== Use of uninitialised value of size 8\n==7==    at 0x2: sum (ands.rs:130)\n==7== \n\
            ==7== HEAP SUMMARY:\n";
        let told = told(log);
        assert!(told.contains("ands.rs:130"), "{told}");
        assert!(!told.contains("leaks.rs") && !told.contains("HEAP") && !told.contains("Memcheck"));
    }

    #[test]
    fn what_is_named_is_there() {
        assert!(shell::root().join(SUPPRESSIONS).is_file());
        let manifest = std::fs::read_to_string(shell::root().join("crates/mpc/Cargo.toml"));
        assert!(manifest.is_ok_and(|text| text.contains("name = \"constant-time\"")));
    }
}
