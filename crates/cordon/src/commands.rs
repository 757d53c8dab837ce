//! What each command does: one short function a command, grouped by noun.

use std::io::IsTerminal;

use ::node::api::types::{Act, Recorded};

use crate::{
    cli::{Command, EXIT_CODES},
    client::Client,
    demo,
    failure::{Failure, Result},
    output::{Out, complain, short},
};

pub(crate) mod answer;
pub(crate) mod bundle;
pub(crate) mod city;
pub(crate) mod dataset;
pub(crate) mod docket;
pub(crate) mod network;
pub(crate) mod node;
pub(crate) mod officer;
pub(crate) mod question;
pub(crate) mod rules;
pub(crate) mod status;
pub(crate) mod templates;
pub(crate) mod warrant;

/// Runs a command.
pub(crate) fn run(command: Command, out: &Out) -> Result<()> {
    match command {
        Command::Demo(options) => demo::run(&options, out),
        Command::Init(command) => command.run(out),
        Command::Network(command) => command.run(out),
        Command::Node(command) => command.run(),
        Command::Officer(command) => command.run(out),
        Command::Dataset(command) => command.run(out),
        Command::Warrant(command) => command.run(out),
        Command::Templates(command) => command.run(out),
        Command::Ask(command) => command.run(out),
        Command::Question(command) => command.run(out),
        Command::Cancel(command) => command.run(out),
        Command::Inbox(command) => command.run(out),
        Command::Approve(command) => command.run(out),
        Command::Refuse(command) => command.run(out),
        Command::Narrow(command) => command.run(out),
        Command::Rules(command) => command.run(out),
        Command::Answer(command) => command.run(out),
        Command::Docket(command) => command.run(out),
        Command::Bundle(command) => command.run(out),
        Command::Verify(command) => command.run(out),
        Command::Status(command) => command.run(out),
        Command::City(command) => command.run(out),
        Command::ExitCodes => {
            out.line(EXIT_CODES);
            out.value(&serde_json::json!({
                "done": 0, "trouble": 1, "usage": 2, "refusal": 3, "fault": 4, "cancelled": 130,
            }))
        }
    }
}

/// Options of commands that an officer signs.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Sign {
    /// Sign without asking on the terminal.
    #[arg(long, short = 'y')]
    yes: bool,
}

/// Prepares an act, shows what it means, signs it and waits until it is final.
/// On a terminal the officer is asked before the signature.
fn sign(client: &Client, act: &Act, sign: &Sign, out: &Out) -> Result<(Recorded, Option<String>)> {
    let checked = client.prepare(act)?;
    let prepared = &checked.prepared;
    for (en, zh) in prepared.summary.iter().zip(&prepared.summary_zh) {
        out.say(&format!("  {en}"), &format!("  {zh}"));
    }
    let interactive = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if interactive && !sign.yes && !out.is_json() {
        complain("Sign this? [y/N]");
        let mut answer = String::new();
        std::io::stdin()
            .read_line(&mut answer)
            .map_err(|error| Failure::trouble("terminal", error))?;
        if !matches!(answer.trim(), "y" | "Y" | "yes" | "是") {
            return Err(Failure::cancelled("nothing was signed"));
        }
    }
    let recorded = client.submit(&checked)?;
    Ok((recorded, checked.prepared.warrant))
}

/// Signs an act and shows its record.
fn sign_and_show(client: &Client, act: &Act, options: &Sign, out: &Out) -> Result<()> {
    let (recorded, _) = sign(client, act, options, out)?;
    show_recorded(&recorded, out)
}

fn show_recorded(recorded: &Recorded, out: &Out) -> Result<()> {
    out.say(
        &format!(
            "{} is final: record {} at place {}",
            recorded.kind,
            short(&recorded.record),
            recorded.index
        ),
        &format!(
            "{} 已确定：记录 {}，序号 {}",
            recorded.kind,
            short(&recorded.record),
            recorded.index
        ),
    );
    out.value(recorded)
}
