//! `cordon docket`: the records of one warrant as a timeline.

use ::node::api::types::RecordView;
use clap::Args;

use crate::{
    connect::Connect,
    failure::Result,
    output::{Colour, Out, moment, short},
};

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon docket --home procuratorate --officer auditor.key 3f9a0c5be21d4477a8d0e6b1c2f3a495
  cordon --lang zh docket --home police --officer investigator.key 3f9a0c5be21d4477a8d0e6b1c2f3a495

Reading a docket is recorded too (consulted).")]
pub(crate) struct Docket {
    #[command(flatten)]
    connect: Connect,
    /// The warrant.
    warrant: String,
}

impl Docket {
    pub(crate) fn run(self, out: &Out) -> Result<()> {
        let view = self.connect.open()?.docket(&self.warrant)?;
        for record in &view.records {
            show(record, out);
        }
        out.value(&view)
    }
}

fn colour(kind: &str) -> Colour {
    match kind {
        "denied" | "refused" | "warrant-refused" | "warrant-revoked" | "run-aborted" => Colour::Red,
        "narrowed" => Colour::Yellow,
        "approved" | "warrant-issued" | "run-completed" | "answer-disclosed" => Colour::Green,
        "consulted" => Colour::Dim,
        _ => Colour::Bold,
    }
}

/// Shows one record of a timeline in one line a language.
pub(crate) fn show_briefly(record: &RecordView, out: &Out) {
    for text in out.lang().pick(&record.text_en, &record.text_zh) {
        let kind = out.paint(colour(&record.kind), &format!("{:<18}", record.kind));
        out.line(format!("{:>14}  {kind}  {text}", record.index));
    }
}

/// Shows one record of a timeline.
pub(crate) fn show(record: &RecordView, out: &Out) {
    let who = match &record.officer {
        Some(officer) => format!("{}/{officer}", record.institution),
        None => record.institution.clone(),
    };
    out.line(format!(
        "{:>5}  {}  {}  {who}",
        record.index,
        moment(record.time_ms),
        out.paint(colour(&record.kind), &format!("{:<18}", record.kind)),
    ));
    for text in out.lang().pick(&record.text_en, &record.text_zh) {
        out.line(format!("       {text}"));
    }
    let follows: Vec<&str> = record.follows.iter().map(|digest| short(digest)).collect();
    let mut chain = format!("       record {}", short(&record.record));
    if record.officer.is_some() && !record.signed_with.is_empty() {
        chain.push_str(&format!(" signed with a {}", record.signed_with));
    }
    if !follows.is_empty() {
        chain.push_str(&format!(" follows {}", follows.join(", ")));
    }
    out.line(out.paint(Colour::Dim, &chain));
}
