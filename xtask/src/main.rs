//! `cargo xtask`: builds, checks, tests and shows the project.
//!
//! Why it exists: one command is the same on a laptop, on a fresh machine and in continuous
//! integration, and it needs nothing but a Rust toolchain to begin.
//!
//! *Invariants*: it compiles in seconds (one small dependency); every step prints the command that
//! it runs; no step waits for input.

mod api_fuzz;
mod bench;
mod console;
mod constant_time;
mod counts;
mod fuzz;
mod gate;
mod needs;
mod python;
mod shell;
mod tidy;

use std::ffi::OsString;
use std::process::ExitCode;

const HELP: &str = "\
Builds, checks, tests and shows the project.

Usage: cargo xtask <COMMAND> [ARGS]

Commands:
  test [ARGS]         everything that must hold before a change is kept: format, tidy, lints,
                      licences, all tests; ends with `N passed, N failed`.
                      With ARGS (`-p ledger`, a test's name) only those tests
  demo [ARGS]         builds console and `cordon`, and runs `cordon demo ARGS`
  console             builds the web console (Node.js 20 or newer, npm) for the node to embed;
                      nothing to do where nothing changed
  bench WHAT [ARGS]   builds and runs the bench of a room, optimised: `bench mpc prepare --json`;
                      `bench peers` installs SecretFlow SPU below `target/` and measures both
  sim [ARGS]          builds and runs the simulator: whole networks under virtual time, in bad
                      weather and among villains: `sim --seeds 100 --first 1 --json`
  api-fuzz [ARGS]     every operation of the nodes' API under schemathesis (installed below
                      `target/`), by every credential: `api-fuzz --examples 10 --seconds 300`
  constant-time [PART] runs protocols below valgrind with their secrets marked: no branch and no
                      address may depend on one (needs `valgrind`)
  fuzz TARGET [ARGS]  feeds decoders of foreign bytes with changed inputs for as long as asked:
                      `fuzz all --seconds 60`; `fuzz --help` says how findings are kept
  tidy                the house's own rules: edges between rooms, lengths, documents, words;
                      `--fix` brings the table of dependencies up to date
  lint                clippy over everything, warnings are errors
  fmt                 formats everything: Rust, and the console where its packages are
  deny                licences, sources, duplicates and known advisories (cargo-deny)
  setup               installs the optional tools: cargo-nextest, cargo-deny
  help                this text

Exit status: 0 when all is well, 1 when something failed, 2 when the command was not understood.
";

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let command = args.next().unwrap_or_default();
    let rest: Vec<OsString> = args.collect();
    let asks_help = rest
        .iter()
        .take_while(|arg| *arg != "--")
        .any(|arg| arg == "--help");
    match command.to_str() {
        // The demonstration has a help of its own, and so have simulator and fuzzers.
        Some("demo") => demo(&rest),
        Some("sim") => report(Err(shell::become_it(
            shell::cargo(["run", "--quiet", "--package", "sim", "--"]).args(&rest),
        ))),
        Some("fuzz") => report(fuzz::run(&rest)),
        Some("bench") => report(bench::run(&rest)),
        _ if asks_help => help(),
        Some("constant-time") => report(constant_time::run(&rest)),
        Some("api-fuzz") => report(api_fuzz::run(&rest)),
        Some("test") => gate::run(&rest),
        Some("tidy") if rest.iter().any(|arg| arg == "--fix") => report(tidy::fix()),
        Some("tidy") => report(tidy::run()),
        Some("console") => report(console::build()),
        Some("lint") => report(shell::run(&mut shell::cargo([
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]))),
        Some("fmt") => {
            report(shell::run(&mut shell::cargo(["fmt", "--all"])).and_then(|()| console::format()))
        }
        Some("deny") => report(shell::run(&mut shell::cargo(["deny", "check"]))),
        Some("setup") => report(setup()),
        Some("help" | "--help" | "-h" | "") => help(),
        _ => {
            eprintln!("unknown command: {}\n\n{HELP}", command.display());
            ExitCode::from(2)
        }
    }
}

fn help() -> ExitCode {
    print!("{HELP}");
    ExitCode::SUCCESS
}

fn report(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

/// Cargo shows the build's progress and then becomes the program, so Ctrl-C and the exit status are
/// the program's own.
fn demo(rest: &[OsString]) -> ExitCode {
    console::build_if_possible();
    let mut command = shell::cargo([
        "run",
        "--package",
        "cordon",
        "--bin",
        "cordon",
        "--",
        "demo",
    ]);
    report(Err(shell::become_it(command.args(rest))))
}

fn setup() -> Result<(), String> {
    for tool in ["cargo-nextest", "cargo-deny"] {
        if shell::finds(tool).is_some() {
            println!("{tool} is here");
        } else {
            shell::run(&mut shell::cargo(["install", "--locked", tool]))?;
        }
    }
    needs::check()
}
