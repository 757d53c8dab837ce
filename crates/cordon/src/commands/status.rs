//! `cordon status`: a node's health and its network's.

use clap::Args;

use crate::{
    connect::Connect,
    failure::{Failure, Result},
    output::{Colour, Out},
};

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon status --home /var/lib/cordon

Exit code 1 where the ledger can't make progress.")]
pub(crate) struct Status {
    #[command(flatten)]
    connect: Connect,
}

impl Status {
    pub(crate) fn run(self, out: &Out) -> Result<()> {
        let status = self.connect.open()?.status()?;
        let health = match (status.healthy, status.syncing) {
            (true, _) => out.paint(Colour::Green, "healthy"),
            (false, true) => out.paint(Colour::Yellow, "catching up"),
            (false, false) => out.paint(Colour::Red, "no progress"),
        };
        out.line(format!(
            "{}  {health}  cordon {}",
            status.institution, status.version
        ));
        out.line(format!("network  {}", status.network));
        out.line(format!(
            "members  {} of {} heard, {} needed (epoch {})",
            status.heard, status.members, status.quorum, status.epoch
        ));
        out.line(format!(
            "ledger   {} records in {} blocks",
            status.records, status.height
        ));
        out.line(format!("root     {}", status.root));
        let advice = status.advice.clone().unwrap_or_default();
        if !advice.is_empty() {
            out.line(format!("advice   {advice}"));
        }
        out.value(&status)?;
        if status.healthy || status.syncing || out.is_json() {
            return Ok(());
        }
        Err(Failure::trouble(
            "ledger-stalled",
            "the ledger can't make progress",
        ))
    }
}
