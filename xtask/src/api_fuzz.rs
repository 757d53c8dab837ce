//! `cargo xtask api-fuzz`: every operation of the nodes' API under schemathesis, by every
//! credential.
//!
//! Two programs: the stage (`crates/cordon/examples/api-stage.rs`), a network of real nodes with
//! one case, and `api-fuzz.py`, which reads off the nodes' own descriptions what can be asked. Not
//! part of `cargo xtask test`: it installs from PyPI, and takes minutes.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use crate::{gate, python::Environment, shell};

const USAGE: &str = "usage: cargo xtask api-fuzz [--examples N] [--seconds S] [--seed N]";

const SCHEMATHESIS: Environment = Environment {
    name: "schemathesis",
    packages: &["schemathesis==4.32.5", "cryptography==45.0.7"],
    module: "schemathesis, cryptography",
    interpreters: &["python3.11", "python3.12", "python3.13", "python3"],
};

/// Runs the fuzzer to its end.
pub(crate) fn run(args: &[OsString]) -> Result<(), String> {
    if !understood(args) {
        return Err(USAGE.to_owned());
    }
    let python = SCHEMATHESIS.install()?;
    // The gate's own build, so that nothing is compiled twice.
    let mut build = gate::linted(shell::cargo(["build", "--workspace"]));
    shell::run(build.args([
        "--bin",
        "cordon",
        "--test",
        "nodes",
        "--example",
        "api-stage",
    ]))?;
    let debug = shell::root().join("target/debug");
    let mut stage =
        Stage::start(Command::new(debug.join("examples/api-stage")).arg(debug.join("cordon")))?;
    let line = stage.line()?;
    let script = shell::root().join("xtask/src/api-fuzz.py");
    let mut fuzzer = Command::new(python)
        .arg(script)
        .args(args)
        // Where it leaves what it remembers.
        .current_dir(SCHEMATHESIS.folder())
        .stdin(Stdio::piped())
        .spawn()
        .map_err(|e| format!("the fuzzer did not start: {e}"))?;
    if let Some(mut input) = fuzzer.stdin.take() {
        let failed = |e: std::io::Error| format!("the fuzzer took no input: {e}");
        input.write_all(line.as_bytes()).map_err(failed)?;
    }
    let ended = fuzzer.wait().map_err(|e| e.to_string())?;
    if ended.success() {
        Ok(())
    } else {
        Err(format!("the API did not hold ({ended})"))
    }
}

/// Whether each word is an option with a number.
fn understood(args: &[OsString]) -> bool {
    args.chunks(2).all(|pair| {
        let [name, value] = pair else { return false };
        let number = value.to_str().and_then(|value| value.parse::<u32>().ok());
        let known = ["--examples", "--seconds", "--seed"];
        known.iter().any(|known| name == known) && number.is_some()
    })
}

/// The network, which lives until its input ends.
struct Stage(Child);

impl Stage {
    fn start(command: &mut Command) -> Result<Self, String> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let child = command.spawn();
        child
            .map(Self)
            .map_err(|e| format!("the stage did not start: {e}"))
    }

    /// What the stage says once all is there.
    fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        if let Some(output) = self.0.stdout.take() {
            let read = BufReader::new(output).read_line(&mut line);
            read.map_err(|e| e.to_string())?;
        }
        if line.ends_with('\n') {
            Ok(line)
        } else {
            Err("the stage ended before the network was ready".to_owned())
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_numbers() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        assert!(understood(&[]));
        assert!(understood(&words("--examples 3 --seconds 60")));
        for bad in ["--examples", "--examples x", "--other 3", "3"] {
            assert!(!understood(&words(bad)), "{bad}");
        }
    }

    #[test]
    fn a_stage_that_ends_early_is_noticed() {
        let mut short = Stage::start(Command::new("sh").args(["-c", "printf half"])).unwrap();
        assert!(short.line().unwrap_err().contains("before"));
        let mut whole = Stage::start(Command::new("sh").args(["-c", "echo ready; cat"])).unwrap();
        assert_eq!(whole.line().unwrap(), "ready\n");
    }
}
