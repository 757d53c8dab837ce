//! The long run of one target, led by libFuzzer; `cargo xtask fuzz` builds and calls it.
//!
//! libFuzzer owns `main` and the command line, so what is ours stands in the environment:
//! `CORDON_FUZZ_TARGET` names the target, `CORDON_FUZZ_SEEDS` a folder into which its
//! seeds are written first; `CORDON_FUZZ_LIST` prints the targets' names and ends.
#![no_main]

use std::{
    path::Path,
    sync::{LazyLock, Mutex, PoisonError},
};

use fuzz::{MEMORY, Memory, Target, corpus, run::execute, target, targets};

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

libfuzzer_sys::fuzz_target!(init: begin(), |data: &[u8]| {
    if let Err(finding) = execute(&TARGET, data) {
        let panic = PANIC.lock().unwrap_or_else(PoisonError::into_inner).clone();
        eprintln!("FOUND {}: {finding:?}\n{panic}", TARGET.name);
        // libFuzzer keeps the input of a process that aborts.
        std::process::abort();
    }
});
