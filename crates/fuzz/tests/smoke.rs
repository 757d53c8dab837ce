//! With every change: what was kept runs again, and each target a few thousand changed
//! seeds. The long run is `cargo xtask fuzz`.
//!
//! `CORDON_FUZZ_TIMES=N` makes it N times as long, `CORDON_FUZZ_SEED` another one;
//! `CORDON_FUZZ_FOUND=FOLDER` writes the inputs that broke something.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, Instant},
};

use fuzz::{
    MEMORY, Memory, Target, corpus, mutate,
    run::{Finding, TIME_MAX, execute, processor_time},
    target, targets,
};
use rand::{SeedableRng, rngs::StdRng};

const TICK: Duration = Duration::from_millis(20);

#[global_allocator]
static ALLOCATOR: Memory = MEMORY;

/// Everything that the smoke run feeds a target; the first finding with its input.
fn run(target: &Target) -> Result<u32, String> {
    let seeds = (target.seeds)();
    let mut executions = 0;
    let mut held = |input: &[u8], origin: String| {
        executions += 1;
        execute(target, input).map_err(|finding| {
            let shown = hex::encode(&input[..input.len().min(4_000)]);
            if let Ok(folder) = std::env::var("CORDON_FUZZ_FOUND") {
                let _ = corpus::write(&Path::new(&folder).join(target.name), &[input.to_vec()]);
            }
            format!("{}, {origin}: {finding:?}\n  {shown}", target.name)
        })
    };
    for (number, seed) in seeds.iter().enumerate() {
        held(seed, format!("seed {number}"))?;
    }
    held(&tiny_items(), "many of the smallest items".into())?;
    for (path, input) in corpus::inputs(target.name)? {
        held(&input, path.display().to_string())?;
    }
    let seed = std::env::var("CORDON_FUZZ_SEED").map_or(1, |text| text.parse().unwrap());
    let mut rng = StdRng::seed_from_u64(seed);
    let more: u32 = std::env::var("CORDON_FUZZ_TIMES").map_or(1, |text| text.parse().unwrap());
    for number in 0..target.smoke * more {
        let input = mutate::changed(&seeds, &mut rng);
        held(&input, format!("execution {number}"))?;
    }
    if seeds.is_empty() {
        return Err(format!("{} has no seeds", target.name));
    }
    Ok(executions)
}

/// A list of a quarter of a million maps of one entry: a tree of values would take a
/// hundred times its bytes.
fn tiny_items() -> Vec<u8> {
    let items = 1u32 << 18;
    let mut bytes = vec![0x9a];
    bytes.extend_from_slice(&items.to_be_bytes());
    bytes.extend_from_slice(&[0xa1, 0x00, 0x00].repeat(items as usize));
    bytes
}

/// One test, so that nothing else allocates in this process while it counts.
#[test]
fn no_foreign_bytes_break_a_decoder() {
    // The usual hook reads the program's symbols for its backtrace, 90 MB that would
    // count as the target's.
    std::panic::set_hook(Box::new(|info| eprintln!("{info}")));
    let mut findings = Vec::new();
    let only = std::env::var("CORDON_FUZZ_TARGET").ok();
    let chosen = |target: &&Target| only.as_deref().is_none_or(|only| only == target.name);
    for target in targets().iter().filter(chosen) {
        let start = processor_time().unwrap_or_default();
        match run(target) {
            Ok(executions) => println!(
                "{:>8} executions, {:>7.2} s  {}",
                executions,
                (processor_time().unwrap_or_default() - start).as_secs_f64(),
                target.name
            ),
            Err(finding) => findings.push(finding),
        }
    }
    each_kind_of_finding_is_found();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

/// That the checks can fail.
fn each_kind_of_finding_is_found() {
    let broken = |check: fn(&[u8])| Target {
        check,
        ..copied(&targets()[0])
    };
    let panics = broken(|_| panic!("on purpose"));
    assert_eq!(
        execute(&panics, &[]),
        Err(Finding::Panic("on purpose".into()))
    );
    let greedy = broken(|_| drop(std::hint::black_box(vec![1u8; 1 << 28])));
    assert!(matches!(execute(&greedy, &[]), Err(Finding::Memory(bytes)) if bytes >= 1 << 28));
    let slow = broken(|_| {
        let work = |until: Instant| while Instant::now() < until {};
        let start = processor_time();
        let took = || Some(processor_time()?.saturating_sub(start?));
        while took().is_some_and(|took| took <= TIME_MAX + TICK) {
            work(Instant::now() + TICK);
        }
    });
    assert!(matches!(execute(&slow, &[]), Err(Finding::Slow(_))));
}

fn copied(target: &Target) -> Target {
    Target { ..*target }
}

#[test]
fn names_are_distinct_and_every_kept_input_has_its_target() {
    let names: BTreeSet<_> = targets().iter().map(|target| target.name).collect();
    assert_eq!(names.len(), targets().len());
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for entry in std::fs::read_dir(corpus).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name == "README.md" {
            continue;
        }
        assert!(target(&name).is_some(), "{name} is no target");
    }
}
