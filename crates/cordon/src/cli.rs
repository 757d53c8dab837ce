//! The command line: what there is to say, and an example of saying it.
//!
//! *Not here*: what the commands do ([`crate::commands`]).

use clap::{Parser, Subcommand};

use crate::{commands as c, demo, output::Lang};

/// Lets the institutions of a city answer a case's questions together while
/// each institution's data stays with it.
#[derive(Debug, Parser)]
#[command(name = "cordon", version, propagate_version = true, after_help = AFTER)]
pub(crate) struct Cli {
    /// One JSON value on standard output instead of words.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The language of plain words.
    #[arg(long, global = true, value_enum, default_value = "en")]
    pub(crate) lang: Lang,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER: &str = "\
See it work:  cordon demo
By hand:      cordon init --help, cordon network --help, cordon node --help
Exit codes:   cordon help exit-codes

CORDON_HOME names the data folder, CORDON_OFFICER the officer's key file, and
CORDON_PASSPHRASE_FILE the file with its passphrase, where options do not.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a whole city's network on this machine and play a fraud case.
    Demo(demo::Options),
    /// Make an institution's data folder: keys, configuration, card.
    Init(c::network::Init),
    /// Found or join a network; see, admit, replace and remove members.
    #[command(subcommand)]
    Network(c::network::Network),
    /// Run an institution's node.
    Node(c::node::Run),
    /// Make, enrol and retire officers' keys.
    #[command(subcommand)]
    Officer(c::officer::Officer),
    /// Publish tables, take snapshots, see the catalogue.
    #[command(subcommand)]
    Dataset(c::dataset::Dataset),
    /// Draft, issue, refuse, revoke and see warrants.
    #[command(subcommand)]
    Warrant(c::warrant::Warrant),
    /// List the questions that can be asked, and what each takes.
    Templates(c::templates::Templates),
    /// Ask a question under a warrant, and wait for its end.
    Ask(c::question::Ask),
    /// See a question: its phase, the custodians' decisions, its plan.
    Question(c::question::Show),
    /// Stop a question's run.
    Cancel(c::question::Cancel),
    /// See what waits for this institution's officers.
    Inbox(c::question::Inbox),
    /// Approve a question's plan (custodian).
    Approve(c::question::Approve),
    /// Refuse a question's plan (custodian).
    Refuse(c::question::Refuse),
    /// Say which narrower plan would be approved (custodian).
    Narrow(c::question::Narrow),
    /// See and change the rules by which a node approves (custodian).
    #[command(subcommand)]
    Rules(c::rules::Rules),
    /// Open a completed question's answer and show it (requester).
    Answer(c::answer::Answer),
    /// Show a warrant's records as a timeline.
    Docket(c::docket::Docket),
    /// Export an opened answer with everything a court needs to check it.
    Bundle(c::bundle::Bundle),
    /// Check a bundle, offline.
    Verify(c::bundle::Verify),
    /// Show a node's health and its network's.
    Status(c::status::Status),
    /// Make a synthetic city's tables.
    City(c::city::City),
    /// What the exit codes mean.
    #[command(long_about = EXIT_CODES)]
    ExitCodes,
}

/// The text of `cordon help exit-codes`.
pub(crate) const EXIT_CODES: &str = "\
  0    done
  1    trouble: the environment failed; trying again may help
  2    usage: the command line is not one
  3    refused by a rule, which is named; the denial may be on record
  4    a peer's fault, or evidence that does not verify
  130  cancelled by the user

With --json a failure is one JSON value as well:
  {\"error\":{\"family\":\"refusal\",\"rule\":\"scope\",\"detail\":…,\"advice\":…,\"retry\":false,\"record\":…}}";

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn walk(command: &clap::Command, path: &str, visit: &mut dyn FnMut(&clap::Command, &str)) {
        for sub in command.get_subcommands() {
            let path = format!("{path} {}", sub.get_name());
            visit(sub, &path);
            walk(sub, &path, visit);
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example_of_itself() {
        walk(&Cli::command(), "cordon", &mut |command, path| {
            if command.has_subcommands() || path == "cordon exit-codes" {
                return;
            }
            let help = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            let begins = path.to_string();
            let example = help
                .lines()
                .map(str::trim)
                .find(|line| line.starts_with(&begins));
            assert!(example.is_some(), "{path} has no example");
        });
    }

    #[test]
    fn every_example_parses() {
        walk(&Cli::command(), "cordon", &mut |command, path| {
            let help = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            let joined = help.replace("\\\n", " ");
            for line in joined
                .lines()
                .map(str::trim)
                .filter(|line| line.starts_with("cordon "))
            {
                let line = line.split(['|', '>']).next().unwrap_or_default();
                let words = split(line);
                if let Err(error) = Cli::try_parse_from(&words) {
                    assert!(error.exit_code() == 0, "{path}: {line}: {error}");
                }
            }
        });
    }

    /// Words of a shell line with double quotes.
    fn split(line: &str) -> Vec<String> {
        let mut words = Vec::new();
        for (number, part) in line.split('"').enumerate() {
            if number % 2 == 1 {
                words.push(part.to_owned());
            } else {
                words.extend(part.split_whitespace().map(str::to_owned));
            }
        }
        words
    }
}
