//! `cordon dataset`: what a custodian publishes.

use std::{path::PathBuf, time::Duration};

use ::node::api::types::{JobView, Publish};
use clap::{Args, Subcommand};

use super::show_recorded;
use crate::{
    client::Client,
    connect::Connect,
    failure::{Failure, Result},
    output::{Out, complain, moment, short},
    stop::Stop,
};

/// Longest that a snapshot is waited for; it goes on without the command.
const SNAPSHOT_S_MAX: u64 = 6 * 3_600;

#[derive(Debug, Subcommand)]
pub(crate) enum Dataset {
    /// Publish a table in the catalogue.
    Publish(PublishTable),
    /// Commit to a table's present state and prepare it for lookups.
    Snapshot(Snapshot),
    /// Show the network's catalogue.
    List(List),
}

impl Dataset {
    pub(crate) fn run(self, out: &Out) -> Result<()> {
        match self {
            Self::Publish(command) => command.run(out),
            Self::Snapshot(command) => command.run(out),
            Self::List(command) => command.run(out),
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon dataset publish --home /var/lib/cordon subscribers --source /data/subscribers.csv
  cordon dataset publish --home /var/lib/cordon calls --kind calls \\
    --source postgres://reader@localhost/crm --source-table public.calls

Columns, their meaning and the lookup keys are guessed from the header and the
first rows; --spec FILE gives them as TOML instead.")]
pub(crate) struct PublishTable {
    #[command(flatten)]
    connect: Connect,
    /// The table's name at this institution.
    dataset: String,
    /// A CSV or Parquet file on the node's machine, or a postgres:// URL.
    #[arg(long, value_name = "PATH|URL")]
    source: String,
    /// The table in the database, for PostgreSQL.
    #[arg(long, value_name = "TABLE")]
    source_table: Option<String>,
    /// The kind of table (subscribers, calls, accounts, transfers …) instead of a guess.
    #[arg(long)]
    kind: Option<String>,
    /// The whole specification as a TOML file instead of a guess.
    #[arg(long, value_name = "FILE")]
    spec: Option<PathBuf>,
}

impl PublishTable {
    fn run(self, out: &Out) -> Result<()> {
        let spec = match &self.spec {
            None => None,
            Some(path) => {
                Some(std::fs::read_to_string(path).map_err(|error| Failure::file(path, error))?)
            }
        };
        // The node resolves paths from its own folder, the user from theirs.
        let source = match std::fs::canonicalize(&self.source) {
            Ok(path) if self.connect.api.is_none() => path.display().to_string(),
            _ => self.source,
        };
        let table = Publish {
            dataset: self.dataset,
            source,
            source_table: self.source_table,
            table: self.kind,
            spec,
        };
        show_recorded(&self.connect.open()?.publish(&table)?, out)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon dataset snapshot --home /var/lib/cordon subscribers")]
pub(crate) struct Snapshot {
    #[command(flatten)]
    connect: Connect,
    /// The table's name at this institution.
    dataset: String,
    /// Do not wait; show the job's id.
    #[arg(long)]
    no_wait: bool,
}

impl Snapshot {
    fn run(self, out: &Out) -> Result<()> {
        let client = self.connect.open()?;
        let job = client.snapshot(&self.dataset)?;
        if self.no_wait {
            out.line(&job.job);
            return out.value(&job);
        }
        let stop = Stop::listen()?;
        let mut shown = -1.0;
        let done = wait_for_job(&client, &job.job, &stop, |view| {
            if view.progress - shown >= 0.1 {
                shown = view.progress;
                complain(&format!(
                    "  {:3.0} %  {}",
                    view.progress * 100.0,
                    view.doing
                ));
            }
        });
        let done = match done {
            Err(failure) if stop.asked() => {
                let cancelled = client.cancel_job(&job.job).is_ok();
                let advice = if cancelled {
                    "the snapshot was cancelled"
                } else {
                    "the snapshot goes on"
                };
                return Err(failure.advise(advice));
            }
            other => other?,
        };
        show_rejects(&done, out);
        match &done.record {
            Some(recorded) if !out.is_json() => show_recorded(recorded, out),
            _ => out.value(&done),
        }
    }
}

/// Waits for the end of a job at the node.
pub(crate) fn wait_for_job(
    client: &Client,
    id: &str,
    stop: &Stop,
    mut show: impl FnMut(&JobView),
) -> Result<JobView> {
    let limit = Duration::from_secs(SNAPSHOT_S_MAX);
    let done = stop.wait("the job", limit, || {
        let view = client.job(id)?;
        show(&view);
        Ok((view.phase != "running").then_some(view))
    })?;
    match (done.phase.as_str(), &done.error) {
        ("done", _) => Ok(done),
        (_, Some(error)) => Err(error.clone().into()),
        (phase, None) => Err(Failure::trouble("job", format!("the job ended as {phase}"))),
    }
}

/// Shows how many rows were taken, and which were not and why.
fn show_rejects(job: &JobView, out: &Out) {
    out.say(
        &format!(
            "{} rows accepted, {} rejected",
            job.rows, job.rejected_total
        ),
        &format!("接受 {} 行，拒收 {} 行", job.rows, job.rejected_total),
    );
    for reject in &job.rejected {
        out.line(format!(
            "  row {}, {}: {}",
            reject.row, reject.column, reject.reason
        ));
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon dataset list --home /var/lib/cordon")]
pub(crate) struct List {
    #[command(flatten)]
    connect: Connect,
}

impl List {
    fn run(self, out: &Out) -> Result<()> {
        let tables = self.connect.open()?.catalogue()?;
        let number = |value: Option<u64>| value.map_or_else(|| "-".into(), |v| v.to_string());
        let rows: Vec<Vec<String>> = tables
            .iter()
            .map(|table| {
                vec![
                    format!("{}.{}", table.institution, table.dataset),
                    table.table.clone(),
                    table.keys.join(", "),
                    number(table.rows),
                    number(table.rejected),
                    table
                        .extracted_ms
                        .map_or_else(|| "no snapshot".into(), moment),
                    table.snapshot.as_deref().map_or("-", short).to_owned(),
                ]
            })
            .collect();
        let headings = [
            "table", "kind", "keys", "rows", "rejected", "read at", "snapshot",
        ];
        out.table(&headings, &rows);
        out.value(&tables)
    }
}
