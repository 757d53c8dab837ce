//! What both long runs do: they name their target, say what broke, and keep its input.
//!
//! libFuzzer owns the command line of one of them, so what is ours stands in the
//! environment: `CORDON_FUZZ_TARGET` names the target, `CORDON_FUZZ_SEEDS` a folder into
//! which its seeds are written first, `CORDON_FUZZ_FOUND` one for inputs that break
//! something; `CORDON_FUZZ_LIST` prints the targets' names and ends.

use std::{
    path::Path,
    sync::{LazyLock, Mutex, PoisonError},
};

use crate::{Target, corpus, run::execute, target, targets};

/// The last panic's place, message and all; some are caught where they belong.
static PANIC: Mutex<String> = Mutex::new(String::new());

/// The target of this process. One that is none ends it.
pub static TARGET: LazyLock<&'static Target> = LazyLock::new(|| {
    let name = std::env::var("CORDON_FUZZ_TARGET").unwrap_or_default();
    target(&name).unwrap_or_else(|| {
        eprintln!("CORDON_FUZZ_TARGET={name}: no such target");
        std::process::exit(2)
    })
});

/// A number from the environment.
#[must_use]
pub fn number(name: &str, usual: u64) -> u64 {
    let text = std::env::var(name).unwrap_or_default();
    text.parse().unwrap_or(usual)
}

/// Lists the targets and ends, or writes the seeds and listens to panics.
pub fn begin() {
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
pub fn holds(input: &[u8]) -> bool {
    let Err(finding) = execute(&TARGET, input) else {
        return true;
    };
    let panic = PANIC.lock().unwrap_or_else(PoisonError::into_inner).clone();
    eprintln!("FOUND {}: {finding:?}\n{panic}", TARGET.name);
    false
}

/// Keeps an input that broke something.
pub fn keep(input: &[u8]) {
    let folder = std::env::var_os("CORDON_FUZZ_FOUND").unwrap_or_else(|| ".".into());
    match corpus::write(Path::new(&folder), &[input.to_vec()]) {
        Ok(path) => path.iter().for_each(|path| {
            eprintln!("Test unit written to {}", path.display());
        }),
        Err(error) => eprintln!("{}: {error}", Path::new(&folder).display()),
    }
}
