//! `cordon bundle` and `cordon verify`: evidence out of the house, and its check.

use std::{fs, io::Read, path::PathBuf};

use ::node::{api::types::Act, config::write_private};
use clap::Args;
use evidence::{Case, TrustAnchor};
use primitives::NetworkId;
use serde_json::json;

use super::{Sign, sign};
use crate::{
    connect::Connect,
    failure::{Failure, Result},
    output::{Colour, Out, moment},
};

/// Bytes of a bundle that is read.
const BUNDLE_BYTES_MAX: u64 = 1024 * 1024 * 1024;

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon bundle --home police --officer investigator.key --out case.cordon \\
    9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60

The bundle is a ZIP: records, receipts, answer, and a report in Chinese and
English. It holds the answer in the clear: hand it on as you would the answer.")]
pub(crate) struct Bundle {
    #[command(flatten)]
    connect: Connect,
    /// The question, its answer opened.
    question: String,
    /// Where to write the bundle.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    sign: Sign,
}

impl Bundle {
    pub(crate) fn run(self, out: &Out) -> Result<()> {
        let client = self.connect.open()?;
        let act = Act::ExportBundle {
            question: self.question.clone(),
        };
        let (recorded, _) = sign(&client, &act, &self.sign, out)?;
        let bytes = client.bundle(&self.question)?;
        write_private(&self.out, &bytes)?;
        let path = self.out.display();
        let network = client.network();
        out.say(
            &format!("bundle of {} bytes: {path}", bytes.len()),
            &format!("证据包 {} 字节：{path}", bytes.len()),
        );
        out.say(
            &format!("check it: cordon verify --network {network} {path}"),
            &format!("核验：cordon verify --network {network} {path}"),
        );
        out.value(&json!({
            "bundle": self.out, "bytes": bytes.len(), "network": network, "recorded": recorded,
        }))
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon verify case.cordon
  cordon verify --network 9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60 case.cordon

Needs no network and no node. Without --network a bundle is only shown to be
consistent with the charter inside it: get the network's id from its founders.
Exit code 0: it verifies; 4: it does not, and every reason is named.")]
pub(crate) struct Verify {
    /// The bundle.
    bundle: PathBuf,
    /// The network's id, as its founders told it.
    #[arg(long, value_name = "HEX")]
    network: Option<NetworkId>,
}

impl Verify {
    pub(crate) fn run(self, out: &Out) -> Result<()> {
        let mut bytes = Vec::new();
        fs::File::open(&self.bundle)
            .and_then(|file| file.take(BUNDLE_BYTES_MAX + 1).read_to_end(&mut bytes))
            .map_err(|error| Failure::file(&self.bundle, error))?;
        if bytes.len() as u64 > BUNDLE_BYTES_MAX {
            return Err(Failure::refusal(
                "limit",
                "the bundle is larger than a bundle may be",
            ));
        }
        let anchor = TrustAnchor {
            network: self.network,
        };
        match evidence::verify(&bytes, &anchor) {
            Ok(case) => {
                show(&case, self.network.is_some(), out);
                out.value(&summary(&case, self.network.is_some()))
            }
            Err(refused) => {
                let findings: Vec<String> =
                    refused.findings.iter().map(ToString::to_string).collect();
                let rule = refused
                    .findings
                    .first()
                    .map_or("evidence", |f| f.rule.as_str());
                Err(Failure::fault(
                    rule,
                    format!("the bundle does NOT verify:\n  {}", findings.join("\n  ")),
                ))
            }
        }
    }
}

fn show(case: &Case, anchored: bool, out: &Out) {
    out.line(out.paint(Colour::Green, "the bundle verifies / 证据包核验通过"));
    out.line(format!(
        "  network    {} ({})",
        case.network, case.network_name
    ));
    out.line(format!(
        "  warrant    {} issued by {}",
        case.warrant, case.authority
    ));
    out.line(format!(
        "  question   {} asked by {}",
        case.plan.template, case.requester
    ));
    let custodians: Vec<String> = case
        .plan
        .custodians
        .iter()
        .map(|c| c.institution.to_string())
        .collect();
    out.line(format!("  approved   by {}", custodians.join(", ")));
    out.line(format!(
        "  answer     {} rows, opened {}",
        case.answer.rows(),
        moment(case.disclosed_ms)
    ));
    out.line(format!(
        "  ledger     {} records of a log of {}, with receipts",
        case.timeline.len(),
        case.log_size
    ));
    if let Some(lookups) = case.lookups {
        out.line(format!(
            "  rows       opened again from {lookups} lookups, as their custodians signed them"
        ));
    }
    if !anchored {
        out.say(
            "  note       the network's id was taken from the bundle itself; \
             compare it with what the founders told you, or use --network",
            "  注意       网络编号取自证据包本身；请与创始成员告知的编号核对，或使用 --network",
        );
    }
}

fn summary(case: &Case, anchored: bool) -> serde_json::Value {
    json!({
        "verifies": true,
        "anchored": anchored,
        "network": case.network,
        "warrant": case.warrant,
        "question": case.question,
        "template": case.plan.template,
        "requester": case.requester,
        "authority": case.authority,
        "custodians": case.plan.custodians.iter().map(|c| &c.institution).collect::<Vec<_>>(),
        "rows": case.answer.rows(),
        "lookups": case.lookups,
        "disclosed_ms": case.disclosed_ms,
        "exported_ms": case.exported_ms,
        "records": case.timeline.len(),
        "log_size": case.log_size,
    })
}
