//! Runs seeds and says what came of them: `cargo xtask sim`.

use std::{
    collections::BTreeMap,
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use primitives::Digest;
use sim::Outcome;

const HELP: &str = "\
Runs whole networks on one thread each, under virtual time, in bad weather and among villains.

Usage: cargo xtask sim [OPTIONS]

Options:
  --seeds N    how many seeds to run [default: 20]
  --first S    the first of them [default: 1]
  --jobs J     seeds at a time [default: 1]
  --villain V  only those of the seeds that have this villain
  --changes    only those of the seeds in which members, keys or officers change
  --strikes    only those of the seeds in which who computes a joint question dies in it
  --trace      print everything that happens in each seed
  --json       print nothing but the last line

The last line is JSON: seeds, violations, crashes, villain_acts, hash. A seed that breaks a rule
is named with the rule; `--first SEED --seeds 1 --trace` runs it again, exactly.

Exit status: 0 when all rules held, 1 when one was broken, 2 when the command was not understood.
";

struct Options {
    seeds: u64,
    first: u64,
    jobs: u64,
    villain: Option<String>,
    changes: bool,
    strikes: bool,
    trace: bool,
    json: bool,
}

fn options() -> Option<Options> {
    let mut options = Options {
        seeds: 20,
        first: 1,
        jobs: 1,
        villain: None,
        changes: false,
        strikes: false,
        trace: false,
        json: false,
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        if arg == "--villain" {
            options.villain = Some(args.next()?);
            continue;
        }
        let mut number = || args.next()?.parse().ok();
        match arg.as_str() {
            "--seeds" => options.seeds = number()?,
            "--first" => options.first = number()?,
            "--jobs" => options.jobs = number().filter(|jobs| *jobs > 0)?,
            "--changes" => options.changes = true,
            "--strikes" => options.strikes = true,
            "--trace" => options.trace = true,
            "--json" => options.json = true,
            _ => return None,
        }
    }
    Some(options)
}

fn main() -> ExitCode {
    let Some(options) = options() else {
        eprint!("{HELP}");
        return ExitCode::from(2);
    };
    let next = AtomicU64::new(options.first);
    let outcomes = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..options.jobs {
            scope.spawn(|| work(&options, &next, &outcomes));
        }
    });
    let outcomes = outcomes
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    summary(&options, &outcomes)
}

fn work(options: &Options, next: &AtomicU64, outcomes: &Mutex<BTreeMap<u64, Outcome>>) {
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= options.first.saturating_add(options.seeds) {
            return;
        }
        let asked = options.villain.as_deref();
        if asked.is_some_and(|asked| asked != sim::villain(seed)) {
            continue;
        }
        if options.changes && !sim::changes(seed) || options.strikes && !sim::strikes(seed) {
            continue;
        }
        let mut outcome = sim::run(seed);
        if options.trace {
            for line in &outcome.lines {
                println!("{line}");
            }
        }
        for violation in &outcome.violations {
            let (rule, detail) = (violation.rule, &violation.detail);
            eprintln!("seed {seed} broke the rule `{rule}`: {detail}");
        }
        if !options.json {
            println!(
                "seed {seed}: {} members, {}, {} records, {:.1} s, hash {}",
                outcome.members,
                outcome.villain,
                outcome.records,
                outcome.virtual_ms as f64 / 1_000.0,
                outcome.hash.get(..16).unwrap_or_default(),
            );
        }
        outcome.lines.clear();
        let mut all = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(seed, outcome);
    }
}

fn summary(options: &Options, outcomes: &BTreeMap<u64, Outcome>) -> ExitCode {
    let mut faults: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    let mut attempts: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
    let (mut violations, mut crashes, mut villain_acts, mut hash) = (0, 0, 0, Digest([0; 32]));
    for outcome in outcomes.values() {
        violations += outcome.violations.len();
        crashes += outcome.crashes();
        villain_acts += outcome.villain_acts();
        hash = Digest::of("cordon/sim-seeds/v1", &[&hash.0, outcome.hash.as_bytes()]);
        for ((kind, step), count) in &outcome.faults {
            *faults.entry(kind).or_default().entry(step).or_default() += count;
        }
        for ((villain, what, became), count) in &outcome.attempts {
            *attempts.entry((villain, what, became)).or_default() += count;
        }
    }
    if !options.json {
        table(&faults);
        for ((villain, what, became), count) in &attempts {
            println!("{count:>7}  {villain}: {what}: {became}");
        }
    }
    let line = serde_json::json!({
        "seeds": outcomes.len(),
        "violations": violations,
        "crashes": crashes,
        "villain_acts": villain_acts,
        "hash": hash.to_string(),
    });
    println!("{line}");
    ExitCode::from(u8::from(violations > 0))
}

/// Faults by the step of the case that they fell into.
fn table(faults: &BTreeMap<&str, BTreeMap<&str, u64>>) {
    let mut steps: Vec<&str> = faults
        .values()
        .flat_map(|row| row.keys().copied())
        .collect();
    steps.sort_unstable();
    steps.dedup();
    print!("\n{:<16}", "fault");
    for step in &steps {
        print!("{step:>9}");
    }
    println!();
    for (kind, row) in faults {
        print!("{kind:<16}");
        for step in &steps {
            print!("{:>9}", row.get(step).copied().unwrap_or_default());
        }
        println!();
    }
    println!();
}
