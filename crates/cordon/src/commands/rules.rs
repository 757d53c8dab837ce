//! `cordon rules`: what a custodian's node approves without an officer.

use std::{collections::BTreeMap, path::PathBuf};

use ::node::api::types::{Act, ChangeRules, RuleView, RulesView};
use clap::{Args, Subcommand};
use serde::Deserialize;

use super::{Sign, sign_and_show};
use crate::{
    connect::Connect,
    failure::{Failure, Result},
    output::{Out, moment, short},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Rules {
    /// Show the rules in force, and who changed them when.
    Show(Show),
    /// Put other rules in force (approver).
    Set(Set),
}

impl Rules {
    pub(crate) fn run(self, out: &Out) -> Result<()> {
        match self {
            Self::Show(command) => command.run(out),
            Self::Set(command) => command.run(out),
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon rules show --home bank_a --officer approver.key")]
pub(crate) struct Show {
    #[command(flatten)]
    connect: Connect,
}

impl Show {
    fn run(self, out: &Out) -> Result<()> {
        let view: RulesView = self.connect.open()?.get("/v1/rules")?;
        if view.rules.is_empty() {
            out.say(
                "no rules: every question is decided by hand",
                "没有规则：一律人工决定",
            );
        }
        for rule in &view.rules {
            let RuleView {
                name,
                template,
                answer_cap,
                hops,
                subjects,
                computing,
            } = rule;
            out.say(
                &format!(
                    "{name}: {template}, up to {answer_cap} rows, {hops} hops, {subjects} subjects"
                ),
                &format!("{name}：{template}，至多 {answer_cap} 行、{hops} 跳、{subjects} 个对象"),
            );
            if !computing.is_empty() {
                out.say(
                    &format!("  computed by three of {}", computing.join(", ")),
                    &format!("  由其中三家计算：{}", computing.join("、")),
                );
            }
        }
        for change in &view.history {
            let by = change.changed_by.as_deref().unwrap_or_default();
            let reason = change.reason.as_deref().unwrap_or_default();
            let (record, when) = (short(&change.record), moment(change.changed_ms));
            out.line(format!("  {when}  {record}  {by}  {reason}"));
        }
        out.value(&view)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon rules set --home bank_a --officer approver.key rules.toml --reason \"the usual questions\"
  cordon rules set --home bank_a --officer approver.key --none --reason \"an audit goes on\"

The file has a table a rule, under the rule's name:
  [small-identify]
  template = \"identify\"
  answer_cap = 100
  hops = 1
  subjects = 20
  [usual-totals]
  template = \"totals\"
  answer_cap = 100
  hops = 1
  subjects = 20
  computing = [\"bank_a\", \"bank_b\", \"procuratorate\", \"telecom_a\"]

A joint question, which three members compute, is approved where the rule names all
three under computing. They replace all rules in force. What no rule covers is decided by hand. Rules are
signed and stand on the ledger; validators refuse an approval that none covers.")]
pub(crate) struct Set {
    #[command(flatten)]
    connect: Connect,
    /// The rules.
    #[arg(required_unless_present = "none", value_name = "FILE")]
    file: Option<PathBuf>,
    /// No rules: everything by hand.
    #[arg(long, conflicts_with = "file")]
    none: bool,
    /// Why; overseers read it.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    sign: Sign,
}

/// A rule as the file writes it, below its name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    template: String,
    answer_cap: u32,
    hops: u8,
    subjects: u32,
    #[serde(default)]
    computing: Vec<String>,
}

impl Set {
    fn run(self, out: &Out) -> Result<()> {
        let rules = match &self.file {
            Some(path) => {
                let text =
                    std::fs::read_to_string(path).map_err(|error| Failure::file(path, error))?;
                read(&text).map_err(|why| {
                    Failure::refusal("format", format!("{}: {why}", path.display()))
                        .advise("see cordon rules set --help for the file's form")
                })?
            }
            None => Vec::new(),
        };
        let client = self.connect.open()?;
        let known: RulesView = client.get("/v1/rules")?;
        let act = Act::ChangeRules(ChangeRules {
            replaces: known.record,
            rules,
            reason: self.reason,
        });
        sign_and_show(&client, &act, &self.sign, out)
    }
}

fn read(text: &str) -> std::result::Result<Vec<RuleView>, String> {
    let rules: BTreeMap<String, Written> =
        toml::from_str(text).map_err(|error| error.to_string())?;
    let rules = rules.into_iter().map(|(name, rule)| RuleView {
        name,
        template: rule.template,
        answer_cap: rule.answer_cap,
        hops: rule.hops,
        subjects: rule.subjects,
        computing: rule.computing,
    });
    Ok(rules.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_the_help_reads() {
        let text = "[small-identify]\ntemplate = \"identify\"\nanswer_cap = 100\nhops = 1\nsubjects = 20\n";
        let rules = read(text).unwrap();
        assert_eq!(
            (rules[0].name.as_str(), rules[0].subjects),
            ("small-identify", 20)
        );
        assert!(read("").unwrap().is_empty());
        assert!(read("[a]\ntemplate = \"identify\"\n").is_err());
        assert!(read(&format!("{text}cap = 1\n")).is_err());
    }
}
