//! The long run of one target without counters; `cargo xtask fuzz --blind` builds and
//! calls it.
//!
//! What is led by coverage finds inputs that go deep; this changes those, some times as
//! many a second: a small decoder spends most of its time on counters. Arguments are
//! folders of inputs; `CORDON_FUZZ_SECONDS` says how long, `CORDON_FUZZ_SEED` repeats a
//! run. It tells what it does in libFuzzer's words, so that one reader understands both.

use std::{
    path::Path,
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use fuzz::{
    MEMORY, Memory, corpus,
    long::{TARGET, begin, holds, keep, number},
    mutate,
};
use rand::{SeedableRng, rngs::StdRng};

#[global_allocator]
static ALLOCATOR: Memory = MEMORY;

/// Executions between two looks at the clock.
const BATCH: u64 = 64;
/// How long an execution may take until it hangs, however busy the machine.
const HANG: Duration = Duration::from_secs(120);

/// Executions so far.
static DONE: AtomicU64 = AtomicU64::new(0);

/// The inputs of the folders, one of which holds the target's own.
fn inputs() -> Result<Vec<Vec<u8>>, String> {
    let mut inputs = Vec::new();
    for folder in std::env::args_os().skip(1) {
        let folder = Path::new(&folder);
        let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.metadata().map_err(failed)?.len() <= corpus::INPUT_BYTES_MAX {
                inputs.push(std::fs::read(entry.path()).map_err(failed)?);
            }
        }
    }
    Ok(inputs)
}

/// Ends the process where one execution does not end.
fn watch(seed: u64) {
    let mut before = u64::MAX;
    loop {
        std::thread::sleep(HANG);
        let done = DONE.load(Ordering::Relaxed);
        if done == before {
            let name = TARGET.name;
            eprintln!("FOUND {name}: execution {done} of CORDON_FUZZ_SEED={seed} hangs");
            std::process::abort();
        }
        before = done;
    }
}

fn main() -> ExitCode {
    begin();
    let inputs = match inputs() {
        Ok(inputs) => inputs,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let drawn = u64::from_be_bytes(primitives::random());
    let seed = number("CORDON_FUZZ_SEED", drawn);
    let lasts = Duration::from_secs(number("CORDON_FUZZ_SECONDS", 60));
    eprintln!("INFO: {} inputs, CORDON_FUZZ_SEED={seed}", inputs.len());
    std::thread::spawn(move || watch(seed));
    let mut rng = StdRng::seed_from_u64(seed);
    let began = Instant::now();
    let execute = |input: &[u8]| {
        DONE.fetch_add(1, Ordering::Relaxed);
        let held = holds(input);
        if !held {
            keep(input);
        }
        held
    };
    let mut told = 1 << 16;
    let mut held = inputs.iter().all(|input| execute(input));
    while held && began.elapsed() < lasts {
        held = (0..BATCH).all(|_| execute(&mutate::changed(&inputs, &mut rng)));
        let done = DONE.load(Ordering::Relaxed);
        if done >= told {
            eprintln!("#{done}\tpulse");
            told *= 2;
        }
    }
    let done = DONE.load(Ordering::Relaxed);
    eprintln!("stat::number_of_executed_units: {done}");
    match held {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
