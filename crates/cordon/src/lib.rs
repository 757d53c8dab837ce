//! The program that an institution runs, as a library that its tests share.
//!
//! Why it exists: the users' side of everything — commands, the client of a
//! node's HTTP API, the demonstration — and nothing of the rooms behind the API.
//!
//! *Invariants*: a command prints one JSON value with `--json`; its exit code
//! is its failure's family; nothing that a user types, a file holds or a node
//! answers is a panic.
//!
//! *Not here*: the journey of a question (crate `node`), and what makes evidence
//! valid (crate `evidence`).

mod cli;
pub mod client;
mod commands;
pub mod connect;
pub mod demo;
pub mod failure;
pub mod found;
pub mod output;
pub mod passphrase;
pub mod stop;
pub mod units;

use std::process::ExitCode;

use clap::Parser as _;

/// Runs the command of this process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let out = output::Out::new(cli.json, cli.lang);
    match commands::run(cli.command, &out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            out.failure(&failure);
            failure.exit_code()
        }
    }
}
