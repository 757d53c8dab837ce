//! `cordon warrant`: the authority's orders, from draft to revocation.

use std::path::PathBuf;

use ::node::api::types::{Act, DraftWarrant, IssueWarrant, SceneView, WarrantView};
use clap::{Args, Subcommand};
use primitives::{InstitutionId, TemplateId, semantic::Selector};
use serde_json::json;

use super::{Sign, sign, sign_and_show};
use crate::{
    connect::Connect,
    failure::{Failure, Result},
    output::{Colour, Out, moment, short},
    units,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Warrant {
    /// Draft a warrant and send it to an authority (investigator).
    Draft(Draft),
    /// Issue a drafted warrant, as asked or narrower (judge).
    Issue(Issue),
    /// Refuse a draft (judge).
    Refuse(Refuse),
    /// Withdraw a warrant (judge).
    Revoke(Revoke),
    /// Account for notice to those whom a warrant named (investigator, judge).
    Notice(Notice),
    /// Show a warrant, as far as this institution may see it.
    Show(Show),
    /// List the warrants that this institution may see.
    List(List),
}

impl Warrant {
    pub(crate) fn run(self, out: &Out) -> Result<()> {
        match self {
            Self::Draft(command) => command.run(out),
            Self::Issue(command) => command.run(out),
            Self::Refuse(command) => command.run(out),
            Self::Revoke(command) => command.run(out),
            Self::Notice(command) => command.run(out),
            Self::Show(command) => command.run(out),
            Self::List(command) => command.run(out),
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon warrant draft --home police --officer investigator.key --authority procuratorate \\
    --case 2018-1127 --basis \"Criminal Procedure Law, art. 144\" --reason \"telephone fraud\" \\
    --template identify --template follow-the-money \\
    --custodian bank_a --custodian bank_b --custodian telecom_a \\
    --subject phone:13812345678 --subject account:6228012810519450748 \\
    --from 2018-11-11 --to 2018-12-11 --hops 3 --runs 3 --life 7d

Subjects are read by requester and authority alone. Custodians never see them.")]
pub(crate) struct Draft {
    #[command(flatten)]
    connect: Connect,
    /// The case's file name; it does not leave the house but to the authority.
    #[arg(long)]
    case: String,
    /// Why the subjects are sought; the authority reads it.
    #[arg(long)]
    reason: String,
    /// The legal basis; authority and custodians read it.
    #[arg(long)]
    basis: String,
    /// The authority asked.
    #[arg(long)]
    authority: InstitutionId,
    /// A template that may be asked: identify, call-contacts, follow-the-money,
    /// at-the-scenes, sim-box, called-then-paid, totals, risk-propagation, in-common;
    /// may be repeated.
    #[arg(long = "template", required = true)]
    templates: Vec<TemplateId>,
    /// A custodian that may be asked; may be repeated.
    #[arg(long = "custodian", required = true)]
    custodians: Vec<InstitutionId>,
    /// A subject: phone:…, id:…, account:…, or a bare value; may be repeated.
    #[arg(long = "subject", required_unless_present_any = ["subjects_file", "scenes"])]
    subjects: Vec<String>,
    /// A file of subjects, one a line.
    #[arg(long, value_name = "FILE")]
    subjects_file: Option<PathBuf>,
    /// A scene that joint questions begin from: a cell, or * for the whole city, from a
    /// moment to another: 11@2018-11-12T08:00:00Z/2018-11-12T09:00:00Z; may be repeated.
    #[arg(long = "scene", value_parser = units::scene, value_name = "CELL@FROM/TO")]
    scenes: Vec<SceneView>,
    /// The first moment that rows may be of.
    #[arg(long, value_parser = units::moment_ms, value_name = "MOMENT")]
    from: u64,
    /// The first moment after those that rows may be of.
    #[arg(long, value_parser = units::moment_ms, value_name = "MOMENT")]
    to: u64,
    /// Most hops of a chain.
    #[arg(long, default_value_t = 1)]
    hops: u8,
    /// Most rows in an answer.
    #[arg(long, default_value_t = 10_000)]
    answer_cap: u32,
    /// Questions that may be run.
    #[arg(long, default_value_t = 1)]
    runs: u32,
    /// How long the warrant lasts.
    #[arg(long, value_parser = units::duration_ms, default_value = "7d")]
    life: u64,
    #[command(flatten)]
    sign: Sign,
}

impl Draft {
    fn run(self, out: &Out) -> Result<()> {
        let act = Act::DraftWarrant(DraftWarrant {
            subjects: self.subjects()?,
            scenes: self.scenes,
            case: self.case,
            reason: self.reason,
            basis: self.basis,
            authority: self.authority.to_string(),
            templates: self.templates.iter().map(ToString::to_string).collect(),
            custodians: self.custodians.iter().map(ToString::to_string).collect(),
            window_from_ms: self.from,
            window_to_ms: self.to,
            hops: self.hops,
            answer_cap: self.answer_cap,
            runs: self.runs,
            not_before_ms: None,
            life_ms: self.life,
        });
        let (recorded, warrant) = sign(&self.connect.open()?, &act, &self.sign, out)?;
        let warrant = recorded.warrant.clone().or(warrant).unwrap_or_default();
        out.say(
            &format!(
                "warrant {warrant} is drafted and waits for {}",
                self.authority
            ),
            &format!("调取令 {warrant} 已起草，等待 {} 决定", self.authority),
        );
        out.value(&json!({ "warrant": warrant, "recorded": recorded }))
    }

    /// The subjects, all of which must be values: a typing error is caught here.
    fn subjects(&self) -> Result<Vec<String>> {
        let mut subjects = self.subjects.clone();
        if let Some(path) = &self.subjects_file {
            let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, error))?;
            subjects.extend(
                text.lines()
                    .map(str::trim)
                    .filter(|l| !l.is_empty())
                    .map(str::to_owned),
            );
        }
        for (place, subject) in subjects.iter().enumerate() {
            subject.parse::<Selector>().map_err(|error| {
                Failure::usage(format!(
                    "subject {} of {}: {error}",
                    place + 1,
                    subjects.len()
                ))
            })?;
        }
        Ok(subjects)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon warrant notice --home police --officer investigator.key --told 11 --withheld 1 \\
    3f9a0c5be21d4477a8d0e6b1c2f3a495 --reason \"by letter; one is still sought\"

Numbers only: who was told stands in your own files, never on the ledger.")]
pub(crate) struct Notice {
    #[command(flatten)]
    connect: Connect,
    /// The warrant.
    warrant: String,
    /// Subjects that were told of it.
    #[arg(long, default_value_t = 0)]
    told: u32,
    /// Subjects that were not.
    #[arg(long, default_value_t = 0)]
    withheld: u32,
    /// How they were told, or why not; authority and overseers read it.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    sign: Sign,
}

impl Notice {
    fn run(self, out: &Out) -> Result<()> {
        let act = Act::GiveNotice {
            warrant: self.warrant,
            told: self.told,
            withheld: self.withheld,
            reason: self.reason,
        };
        sign_and_show(&self.connect.open()?, &act, &self.sign, out)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon warrant show --home procuratorate --officer judge.key 3f9a0c5be21d4477a8d0e6b1c2f3a495
  cordon warrant issue --home procuratorate --officer judge.key 3f9a0c5be21d4477a8d0e6b1c2f3a495 --hops 2")]
pub(crate) struct Issue {
    #[command(flatten)]
    connect: Connect,
    /// The warrant.
    warrant: String,
    /// Fewer hops than asked.
    #[arg(long)]
    hops: Option<u8>,
    /// Fewer rows than asked.
    #[arg(long)]
    answer_cap: Option<u32>,
    /// Fewer runs than asked.
    #[arg(long)]
    runs: Option<u32>,
    /// Only these custodians of those asked; may be repeated.
    #[arg(long = "custodian")]
    custodians: Vec<InstitutionId>,
    /// Only these templates of those asked; may be repeated.
    #[arg(long = "template")]
    templates: Vec<TemplateId>,
    /// A shorter life than asked.
    #[arg(long, value_parser = units::duration_ms)]
    life: Option<u64>,
    /// Why, and why less where it is less; requester, custodians and overseers read it.
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    sign: Sign,
}

fn some<T: ToString>(items: &[T]) -> Option<Vec<String>> {
    (!items.is_empty()).then(|| items.iter().map(ToString::to_string).collect())
}

impl Issue {
    fn run(self, out: &Out) -> Result<()> {
        let act = Act::IssueWarrant(IssueWarrant {
            warrant: self.warrant,
            hops: self.hops,
            answer_cap: self.answer_cap,
            runs: self.runs,
            custodians: some(&self.custodians),
            templates: some(&self.templates),
            life_ms: self.life,
            reason: self.reason,
        });
        sign_and_show(&self.connect.open()?, &act, &self.sign, out)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon warrant refuse --home procuratorate --officer judge.key \\
    3f9a0c5be21d4477a8d0e6b1c2f3a495 --reason \"no ground is given for the second account\"")]
pub(crate) struct Refuse {
    #[command(flatten)]
    connect: Connect,
    /// The warrant.
    warrant: String,
    /// Why; the requester reads it.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    sign: Sign,
}

impl Refuse {
    fn run(self, out: &Out) -> Result<()> {
        let act = Act::RefuseWarrant {
            warrant: self.warrant,
            reason: self.reason,
        };
        sign_and_show(&self.connect.open()?, &act, &self.sign, out)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon warrant revoke --home procuratorate --officer judge.key \\
    3f9a0c5be21d4477a8d0e6b1c2f3a495 --reason \"the suspicion has fallen away\"")]
pub(crate) struct Revoke {
    #[command(flatten)]
    connect: Connect,
    /// The warrant.
    warrant: String,
    /// Why; requester and custodians read it.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    sign: Sign,
}

impl Revoke {
    fn run(self, out: &Out) -> Result<()> {
        let act = Act::RevokeWarrant {
            warrant: self.warrant,
            reason: self.reason,
        };
        sign_and_show(&self.connect.open()?, &act, &self.sign, out)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon warrant show --home bank_a --officer approver.key 3f9a0c5be21d4477a8d0e6b1c2f3a495")]
pub(crate) struct Show {
    #[command(flatten)]
    connect: Connect,
    /// The warrant.
    warrant: String,
}

impl Show {
    fn run(self, out: &Out) -> Result<()> {
        let view = self.connect.open()?.warrant(&self.warrant)?;
        show(&view, out);
        out.value(&view)
    }
}

/// Shows a warrant to a person.
pub(crate) fn show(view: &WarrantView, out: &Out) {
    let phase = match view.phase.as_str() {
        "issued" => out.paint(Colour::Green, "issued"),
        "drafted" | "not-yet-valid" => out.paint(Colour::Yellow, &view.phase),
        other => out.paint(Colour::Red, other),
    };
    out.line(format!("warrant    {}  {phase}", view.warrant));
    out.line(format!(
        "parties    {} asks, {} decides",
        view.requester, view.authority
    ));
    out.line(format!("custodians {}", view.custodians.join(", ")));
    out.line(format!("templates  {}", view.templates.join(", ")));
    out.line(format!(
        "bounds     {} subjects, {} scenes, {} hops, {} rows, {} of {} runs spent",
        view.subjects, view.scenes, view.hops, view.answer_cap, view.spent, view.runs
    ));
    out.line(format!(
        "valid      {} to {}",
        moment(view.not_before_ms),
        moment(view.expires_ms)
    ));
    if let Some(basis) = &view.basis {
        out.line(format!("basis      {basis}"));
    }
    if let Some([from, to]) = view.window_ms {
        out.line(format!("window     {} to {}", moment(from), moment(to)));
    }
    if view.subjects_coming {
        out.line("subjects   on their way to this node; ask again shortly");
    }
    if let Some(subjects) = &view.subject_list {
        out.line(format!("case       {}: {}", subjects.case, subjects.reason));
        for scene in &subjects.scenes {
            let cell = scene
                .cell
                .map_or_else(|| "*".into(), |cell| cell.to_string());
            out.line(format!(
                "  scene    {cell} from {} to {}",
                moment(scene.from_ms),
                moment(scene.to_ms)
            ));
        }
        for subject in &subjects.subjects {
            out.line(format!("  subject  {subject}"));
        }
    }
    for question in &view.questions {
        out.line(format!(
            "question   {}  {}  {}",
            question.question, question.template, question.phase
        ));
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon warrant list --home police --officer investigator.key")]
pub(crate) struct List {
    #[command(flatten)]
    connect: Connect,
}

impl List {
    fn run(self, out: &Out) -> Result<()> {
        let warrants = self.connect.open()?.warrants()?;
        let rows: Vec<Vec<String>> = warrants
            .iter()
            .map(|view| {
                vec![
                    view.warrant.clone(),
                    view.phase.clone(),
                    view.requester.clone(),
                    view.authority.clone(),
                    view.templates.join(", "),
                    format!("{}/{}", view.spent, view.runs),
                    moment(view.expires_ms),
                    view.questions
                        .iter()
                        .map(|q| short(&q.question))
                        .collect::<Vec<_>>()
                        .join(" "),
                ]
            })
            .collect();
        let headings = [
            "warrant",
            "phase",
            "requester",
            "authority",
            "templates",
            "runs",
            "expires",
            "questions",
        ];
        out.table(&headings, &rows);
        out.value(&warrants)
    }
}
