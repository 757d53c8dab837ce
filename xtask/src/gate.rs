//! `cargo xtask test`: everything that must hold before a change is kept.
//!
//! Lints and tests share one build: the workspace's crates are compiled by clippy's driver, which is
//! the compiler with lints, and their dependencies once by the plain compiler. A separate
//! `cargo clippy` would check the data engine and the consensus engine a second time.

use std::ffi::OsString;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use crate::counts::Counts;
use crate::{console, needs, shell, tidy};

/// How clippy's own front end passes `-D warnings` to its driver.
const DENY_WARNINGS: &str = "-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__";

struct Phase {
    name: &'static str,
    took: Duration,
    counts: Counts,
}

/// The phases so far; a check counts like a test.
struct Gate {
    phases: Vec<Phase>,
}

impl Gate {
    fn phase(&mut self, name: &'static str, work: impl FnOnce() -> Result<Counts, String>) -> bool {
        eprintln!("\n── {name}");
        let start = Instant::now();
        let counts = work().unwrap_or_else(|reason| {
            eprintln!("{name}: {reason}");
            Counts {
                passed: 0,
                failed: 1,
            }
        });
        self.phases.push(Phase {
            name,
            took: start.elapsed(),
            counts,
        });
        counts.failed == 0
    }

    fn check(&mut self, name: &'static str, work: impl FnOnce() -> Result<(), String>) -> bool {
        self.phase(name, || {
            work().map(|()| Counts {
                passed: 1,
                failed: 0,
            })
        })
    }

    /// Prints the phases and the last line, which scripts read.
    fn finish(self) -> ExitCode {
        eprintln!();
        let mut all = Counts::default();
        for phase in &self.phases {
            let Counts { passed, failed } = phase.counts;
            let seconds = phase.took.as_secs_f64();
            eprintln!(
                "{seconds:>8.1} s  {:<18} {passed} passed, {failed} failed",
                phase.name
            );
            all.add(phase.counts);
        }
        println!("{} passed, {} failed", all.passed, all.failed);
        ExitCode::from(u8::from(all.failed > 0))
    }
}

/// Runs everything, or with `rest` only the tests that it selects.
pub(crate) fn run(rest: &[OsString]) -> ExitCode {
    let mut gate = Gate { phases: Vec::new() };
    let whole = rest.is_empty();
    let mut ready = gate.check("machine", needs::check);
    if whole {
        gate.check("format", || {
            shell::run(&mut shell::cargo(["fmt", "--all", "--check"]))
        });
        gate.check("tidy", tidy::run);
        ready &= gate.check("clippy is here", || match shell::finds("clippy-driver") {
            Some(_) => Ok(()),
            None => Err("install with: rustup component add clippy rustfmt".to_owned()),
        });
    }
    if !ready {
        return gate.finish();
    }
    if whole && console::is_here() {
        gate.check("console", console::build);
        gate.check("the console's units", console::units);
    }
    let nextest = shell::finds("cargo-nextest").is_some();
    if !nextest {
        eprintln!(
            "cargo-nextest is not installed; cargo test runs the tests (`cargo xtask setup` installs it)"
        );
    }
    let selected = if whole {
        vec!["--workspace".into()]
    } else {
        rest.to_vec()
    };
    let built = gate.check("compile and lint", || {
        let mut command = linted(shell::cargo(["test", "--no-run"]));
        if whole {
            // Benches are compiled and linted too; they run when asked for.
            command.arg("--all-targets");
        }
        // A filter by name is for the run; what follows `--` is for the harness.
        let options = selected.iter().take_while(|arg| *arg != "--");
        shell::run(command.args(options))
    });
    if built {
        gate.phase("tests", || {
            let command = if nextest {
                shell::cargo(["nextest", "run", "--no-fail-fast", "--no-tests", "pass"])
            } else {
                shell::cargo(["test", "--no-fail-fast", "--tests"])
            };
            count(linted(command).args(&selected))
        });
        if whole {
            gate.phase("documents' tests", || {
                count(&mut linted(shell::cargo([
                    "test",
                    "--doc",
                    "--workspace",
                    "--no-fail-fast",
                ])))
            });
            deny(&mut gate);
            if console::is_here() {
                gate.check("the console, played in a browser", console::play);
            }
        }
    }
    gate.finish()
}

/// Licences, sources and duplicates need no network; advisories do and are `cargo xtask deny`'s.
fn deny(gate: &mut Gate) {
    if shell::finds("cargo-deny").is_some() {
        gate.check("licences", || {
            shell::run(&mut shell::cargo([
                "deny", "check", "licenses", "sources", "bans",
            ]))
        });
    } else {
        eprintln!(
            "\ncargo-deny is not installed; licences are not checked (`cargo xtask setup` installs it)"
        );
    }
}

/// Compiles the workspace's own crates with lints, as errors.
pub(crate) fn linted(mut command: Command) -> Command {
    if shell::finds("clippy-driver").is_some() {
        command
            .env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver")
            .env("CLIPPY_ARGS", DENY_WARNINGS);
    }
    command
}

/// Runs tests and counts them; a runner that failed without a failed test counts as one.
fn count(command: &mut Command) -> Result<Counts, String> {
    let mut counts = Counts::default();
    let succeeded = shell::listen(command, |line| counts.read(line))?;
    if !succeeded && counts.failed == 0 {
        counts.failed = 1;
    }
    Ok(counts)
}
