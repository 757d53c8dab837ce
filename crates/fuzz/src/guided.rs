//! The long run of one target, led by libFuzzer; `cargo xtask fuzz` builds and calls it.
//!
//! libFuzzer owns `main` and the command line, so what is ours stands in the environment:
//! `CORDON_FUZZ_TARGET` names the target, `CORDON_FUZZ_SEEDS` a folder into which its
//! seeds are written first; `CORDON_FUZZ_LIST` prints the targets' names and ends.
//!
//! After every execution libFuzzer looks at the counters of all rooms, which takes ten
//! times as long as a small decoder. So each input that it comes up with is followed by
//! `CORDON_FUZZ_EACH` changes of our own, drawn from the input itself: what they reach
//! counts for it, and the same input always does the same. A change that breaks something
//! is written to the folder `CORDON_FUZZ_FOUND`.
#![no_main]

use std::{
    path::Path,
    sync::{LazyLock, Mutex, PoisonError},
};

use fuzz::{MEMORY, Memory, Target, corpus, mutate, run::execute, target, targets};
use primitives::Digest;
use rand::{SeedableRng, rngs::StdRng};

#[global_allocator]
static ALLOCATOR: Memory = MEMORY;

/// The last panic's place, message and all; some are caught where they belong.
static PANIC: Mutex<String> = Mutex::new(String::new());

static TARGET: LazyLock<&'static Target> = LazyLock::new(|| {
    let name = std::env::var("CORDON_FUZZ_TARGET").unwrap_or_default();
    target(&name).unwrap_or_else(|| {
        eprintln!("CORDON_FUZZ_TARGET={name}: no such target");
        std::process::exit(2)
    })
});

/// Changes of our own that follow each input.
static EACH: LazyLock<u32> = LazyLock::new(|| {
    let each = std::env::var("CORDON_FUZZ_EACH").unwrap_or_default();
    each.parse().unwrap_or(0)
});

fn begin() {
    if std::env::var_os("CORDON_FUZZ_LIST").is_some() {
        for target in targets() {
            println!("{}\t{}", target.name, target.reads);
        }
        std::process::exit(0);
    }
    if let Some(folder) = std::env::var_os("CORDON_FUZZ_SEEDS")
        && let Err(error) = corpus::write(Path::new(&folder), &(TARGET.seeds)())
    {
        eprintln!("{}: {error}", Path::new(&folder).display());
        std::process::exit(1);
    }
    // libFuzzer's hook would end the process for a panic that is caught.
    std::panic::set_hook(Box::new(|panic| {
        *PANIC.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string();
    }));
}

/// Runs one input; says what is wrong with it, and whether anything is.
fn holds(input: &[u8]) -> bool {
    let Err(finding) = execute(&TARGET, input) else {
        return true;
    };
    let panic = PANIC.lock().unwrap_or_else(PoisonError::into_inner).clone();
    eprintln!("FOUND {}: {finding:?}\n{panic}", TARGET.name);
    false
}

/// Keeps a change of our own that broke something; of the input that it was drawn from
/// libFuzzer takes care.
fn keep(input: &[u8]) {
    let folder = std::env::var_os("CORDON_FUZZ_FOUND").unwrap_or_else(|| ".".into());
    match corpus::write(Path::new(&folder), &[input.to_vec()]) {
        Ok(path) => path.iter().for_each(|path| {
            eprintln!("Test unit written to {}", path.display());
        }),
        Err(error) => eprintln!("{}: {error}", Path::new(&folder).display()),
    }
}

libfuzzer_sys::fuzz_target!(init: begin(), |data: &[u8]| {
    let mut held = holds(data);
    let (seeds, mut rng) = ([data.to_vec()], StdRng::from_seed(Digest::plain(data).0));
    for _ in 0..*EACH {
        if !held {
            break;
        }
        let input = mutate::changed(&seeds, &mut rng);
        held = holds(&input);
        if !held {
            keep(&input);
        }
    }
    if !held {
        // libFuzzer keeps the input of a process that aborts.
        std::process::abort();
    }
});
