//! `cargo xtask fuzz`: the long runs against decoders of foreign bytes, led by coverage.
//!
//! One binary holds all targets. Only the workspace's own crates are compiled with
//! counters (`crates/fuzz/rustc-guided`), so an optimised build of the rest serves others
//! too, and nothing of an ordinary build changes. It works with a stable compiler.

use std::{
    ffi::OsString,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
};

use crate::shell;

const HELP: &str = "\
Feeds decoders of foreign bytes with changed inputs, led by coverage (libFuzzer).

Usage: cargo xtask fuzz TARGET|all [--seconds S] [--jobs J] [--each N] [--blind]
                        [--quick] [--json]
       cargo xtask fuzz TARGET --replay FILE
       cargo xtask fuzz --list

  TARGET        a decoder, or a role of a protocol in each of its states; `--list` names
                them and says what each reads
  all           every target, one after another
  --seconds S   how long each target runs (60)
  --jobs J      how many run at once (1); several of one target share what they find
  --each N      changes of each input that are tried beside it (15): looking at all counters
                takes libFuzzer longer than a small decoder takes, so this is many times as
                many executions a second
  --blind       without counters: changes of what earlier runs found, as many a second as
                the target itself can take; the inputs it makes are not kept
  --quick       without the rooms that have a network or a data engine: their targets are
                not there, and the first build takes minutes instead of half an hour
  --replay FILE runs one input and says what is wrong with it
  --json        one line of JSON at the end: executions and findings of each target

It looks for panics, for executions of more than a second and for memory beyond the
target's limit. It begins from the target's own valid inputs, from `crates/fuzz/corpus/TARGET`,
and from what earlier runs left in `target/fuzz/TARGET/corpus`. An input that breaks something
is written to `target/fuzz/TARGET/`, and the command that replays it is printed: mend what is
broken, and keep the input as `crates/fuzz/corpus/TARGET/what-it-was`, where every test run
replays it (at most 64 KiB).

Needs a C++ compiler.

  cargo xtask fuzz record --seconds 600
  cargo xtask fuzz all --seconds 60 --jobs 2 --json
";

/// Longest input, in bytes.
const INPUT_BYTES_MAX: u32 = 65_536;
/// Changes of each input that are tried beside it, if nothing else is said.
const EACH: u64 = 15;
/// Seconds without an end after which an execution hangs, however busy the machine.
const HANG_S: u32 = 120;
/// Mebibytes that a target's process may hold, working corpus included.
const RSS_MIB_MAX: u32 = 3_072;

#[derive(Debug, PartialEq, Eq)]
struct Order {
    target: String,
    seconds: u64,
    jobs: usize,
    json: bool,
    /// Changes of each input that are tried beside it.
    each: u64,
    /// Without counters.
    blind: bool,
    quick: bool,
    replay: Option<PathBuf>,
    list: bool,
}

/// What became of one target.
#[derive(Clone, Debug, Default)]
struct Outcome {
    target: String,
    executions: u64,
    /// Executions for each that libFuzzer counts.
    times: u64,
    found: Vec<String>,
    failed: bool,
    /// Built without the larger rooms; its findings replay so.
    quick: bool,
}

/// Builds the targets and runs what was asked for.
///
/// # Errors
/// What was not understood, did not build, or was found.
pub(crate) fn run(args: &[OsString]) -> Result<(), String> {
    let words: Option<Vec<&str>> = args.iter().map(|arg| arg.to_str()).collect();
    let words = words.ok_or("an argument that is not UTF-8")?;
    if words.is_empty() || words.contains(&"--help") || words.contains(&"-h") {
        print!("{HELP}");
        return Ok(());
    }
    let order = order(&words)?;
    let binary = build(order.blind, order.quick)?;
    let known = list(&binary)?;
    if order.list {
        for (name, reads) in &known {
            println!("{name:<16} {reads}");
        }
        return Ok(());
    }
    let names: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
    let chosen: Vec<&str> = match order.target.as_str() {
        "all" => names,
        name if names.contains(&name) => vec![name; order.jobs],
        name => {
            let known = names.join(", ");
            return Err(format!("no target {name}; one of: {known}"));
        }
    };
    if let Some(file) = &order.replay {
        let mut command = Command::new(&binary);
        command.env("CORDON_FUZZ_TARGET", &order.target).arg(file);
        // What was found beside an input is found beside it again.
        command.env("CORDON_FUZZ_EACH", order.each.to_string());
        return shell::run(&mut command);
    }
    let outcomes = all(&binary, &chosen, &order);
    if order.json {
        println!("{}", json(&outcomes));
    }
    let found: usize = outcomes.iter().map(|outcome| outcome.found.len()).sum();
    match outcomes.iter().find(|outcome| outcome.failed) {
        Some(outcome) if found == 0 => Err(format!("{} ended early", outcome.target)),
        _ if found > 0 => Err(format!("{found} findings")),
        _ => Ok(()),
    }
}

fn order(words: &[&str]) -> Result<Order, String> {
    let mut order = Order {
        target: String::new(),
        seconds: 60,
        jobs: 1,
        json: false,
        each: EACH,
        blind: false,
        quick: false,
        replay: None,
        list: false,
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || {
            let value = words.next().copied();
            value.ok_or_else(|| format!("{word} needs a value"))
        };
        let whole = |text: &str| {
            let number = text.parse::<u64>();
            number.map_err(|_| format!("{word} {text}: a whole number"))
        };
        let number = |text: &str| {
            let number = whole(text)?;
            let number = (number > 0).then_some(number);
            number.ok_or_else(|| format!("{word} {text}: a whole number from 1"))
        };
        match *word {
            "--seconds" => order.seconds = number(value()?)?,
            "--each" => order.each = whole(value()?)?,
            "--jobs" => order.jobs = usize::try_from(number(value()?)?).unwrap_or(1),
            "--replay" => order.replay = Some(value()?.into()),
            "--json" => order.json = true,
            "--blind" => order.blind = true,
            "--quick" => order.quick = true,
            "--list" => order.list = true,
            name if !name.starts_with('-') && order.target.is_empty() => {
                name.clone_into(&mut order.target);
            }
            other => return Err(format!("{other} was not understood\n\n{HELP}")),
        }
    }
    if order.target.is_empty() && !order.list {
        return Err(format!("which target?\n\n{HELP}"));
    }
    if order.blind && order.replay.is_some() {
        return Err("--replay is for runs with counters".to_owned());
    }
    if order.target == "all" && order.replay.is_some() {
        return Err("--replay is for one target".to_owned());
    }
    Ok(order)
}

fn build(blind: bool, quick: bool) -> Result<PathBuf, String> {
    let root = shell::root();
    let name = if blind { "blind" } else { "guided" };
    let mut command = shell::cargo(["build", "--release", "--package", "fuzz"]);
    command
        .args(["--features", name, "--bin", name])
        .args(quick.then_some("--no-default-features"))
        .env(
            "RUSTC_WORKSPACE_WRAPPER",
            root.join("crates/fuzz").join(format!("rustc-{name}")),
        );
    shell::run(&mut command)?;
    let folder = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    Ok(folder.join("release").join(name))
}

/// The targets with what each reads.
fn list(binary: &Path) -> Result<Vec<(String, String)>, String> {
    let output = Command::new(binary)
        .env("CORDON_FUZZ_LIST", "1")
        .output()
        .map_err(|e| format!("{}: {e}", binary.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = |line: &str| {
        let (name, reads) = line.split_once('\t')?;
        Some((name.to_owned(), reads.to_owned()))
    };
    Ok(text.lines().filter_map(line).collect())
}

/// Runs the targets, so many at once.
fn all(binary: &Path, chosen: &[&str], order: &Order) -> Vec<Outcome> {
    let waiting = Mutex::new(chosen.iter());
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..order.jobs {
            scope.spawn(|| {
                loop {
                    let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
                    let next = waiting.next().copied();
                    drop(waiting);
                    let Some(target) = next else { return };
                    let outcome = one(binary, target, order).unwrap_or_else(|error| {
                        eprintln!("{target}: {error}");
                        Outcome {
                            failed: true,
                            ..Outcome::default()
                        }
                    });
                    done.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(Outcome {
                            target: target.to_owned(),
                            ..outcome
                        });
                }
            });
        }
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn one(binary: &Path, target: &str, order: &Order) -> Result<Outcome, String> {
    let root = shell::root();
    let home = root.join("target/fuzz").join(target);
    let (corpus, seeds) = (home.join("corpus"), home.join("seeds"));
    let kept = root.join("crates/fuzz/corpus").join(target);
    for folder in [&corpus, &seeds] {
        std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    let mut command = Command::new(binary);
    command
        .env("CORDON_FUZZ_TARGET", target)
        .env("CORDON_FUZZ_SEEDS", &seeds)
        .env("CORDON_FUZZ_EACH", order.each.to_string())
        .env("CORDON_FUZZ_SECONDS", order.seconds.to_string())
        .env("CORDON_FUZZ_FOUND", home.join("found"))
        .args([&corpus, &seeds])
        .args(kept.is_dir().then_some(&kept));
    if !order.blind {
        command
            .arg(format!("-artifact_prefix={}/found-", home.display()))
            .arg(format!("-max_total_time={}", order.seconds))
            .arg(format!("-max_len={INPUT_BYTES_MAX}"))
            .arg(format!("-timeout={HANG_S}"))
            .arg(format!("-rss_limit_mb={RSS_MIB_MAX}"))
            .args(["-print_final_stats=1", "-verbosity=1"]);
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|e| e.to_string())?;
    let mut outcome = Outcome {
        quick: order.quick,
        times: if order.blind { 1 } else { 1 + order.each },
        ..Outcome::default()
    };
    let lines = BufReader::new(child.stderr.take().ok_or("no output")?).lines();
    for line in lines.map_while(Result::ok) {
        outcome.read(target, &line);
    }
    let status = child.wait().map_err(|e| e.to_string())?;
    outcome.failed = !status.success();
    eprintln!(
        "{target}: {} executions, {} found",
        outcome.executions,
        outcome.found.len()
    );
    Ok(outcome)
}

impl Outcome {
    /// Takes how many inputs libFuzzer says that it ran.
    fn counted(&mut self, inputs: &str) {
        if let Ok(inputs) = inputs.trim().parse::<u64>() {
            self.executions = inputs * self.times;
        }
    }

    /// Takes what one line of libFuzzer's says, and shows those that matter.
    fn read(&mut self, target: &str, line: &str) {
        if let Some(count) = line.strip_prefix("stat::number_of_executed_units:") {
            self.counted(count);
        } else if let Some((number, rest)) = line.strip_prefix('#').and_then(|l| l.split_once('\t'))
        {
            self.counted(number);
            if rest.starts_with("pulse") || rest.starts_with("DONE") {
                eprintln!("{target}: {line}");
            }
        } else if let Some((_, file)) = line.split_once("Test unit written to ") {
            let quick = if self.quick { " --quick" } else { "" };
            eprintln!("{target}: replay with\n  cargo xtask fuzz {target}{quick} --replay {file}");
            self.found.push(file.to_owned());
        } else if line.starts_with("FOUND") || line.contains("panicked at") {
            eprintln!("{target}: {line}");
        }
    }
}

/// Names of targets and of files that we make hold nothing that JSON escapes.
fn json(outcomes: &[Outcome]) -> String {
    let one = |outcome: &Outcome| {
        let found: Vec<String> = outcome.found.iter().map(|f| format!("{f:?}")).collect();
        format!(
            "{{\"target\":\"{}\",\"executions\":{},\"found\":[{}]}}",
            outcome.target,
            outcome.executions,
            found.join(",")
        )
    };
    let all: Vec<String> = outcomes.iter().map(one).collect();
    let executions: u64 = outcomes.iter().map(|outcome| outcome.executions).sum();
    let found: usize = outcomes.iter().map(|outcome| outcome.found.len()).sum();
    format!(
        "{{\"executions\":{executions},\"found\":{found},\"targets\":[{}]}}",
        all.join(",")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read_and_nonsense_is_refused() {
        let read = order(&["record", "--seconds", "5", "--jobs", "2", "--json"]).expect("an order");
        assert_eq!(
            (read.target.as_str(), read.seconds, read.jobs, read.json),
            ("record", 5, 2, true)
        );
        assert!(order(&["record", "--each", "0"]).is_ok_and(|order| order.each == 0));
        assert!(order(&["record", "--blind"]).is_ok_and(|order| order.blind));
        assert!(order(&["--list"]).is_ok_and(|order| order.list));
        for bad in [
            &[][..],
            &["record", "--seconds"],
            &["record", "--seconds", "0"],
            &["record", "other"],
            &["record", "--blind", "--replay", "file"],
            &["all", "--replay", "file"],
            &["record", "--what"],
        ] {
            assert!(order(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_libfuzzer_says_is_counted() {
        let mut outcome = Outcome {
            times: 1,
            ..Outcome::default()
        };
        for line in [
            "INFO: Seed: 1",
            "#8192\tpulse  cov: 3 ft: 4 corp: 2/3b exec/s: 9 rss: 40Mb",
            "artifact_prefix='x'; Test unit written to x/found-crash-12",
            "stat::number_of_executed_units: 9001",
        ] {
            outcome.read("record", line);
        }
        assert_eq!(outcome.executions, 9001);
        assert_eq!(outcome.found, ["x/found-crash-12"]);
        outcome.times = 16;
        outcome.read("record", "stat::number_of_executed_units: 100");
        assert_eq!(outcome.executions, 1_600);
        outcome.executions = 9_001;
        outcome.target = "record".into();
        assert_eq!(
            json(&[outcome]),
            "{\"executions\":9001,\"found\":1,\"targets\":[{\"target\":\"record\",\
             \"executions\":9001,\"found\":[\"x/found-crash-12\"]}]}"
        );
    }
}
