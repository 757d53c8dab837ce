//! Exports: what a bundle holds, and putting it together once its export is on
//! the ledger.

use docket::{Opened, Record, Statement};
use evidence::Draft;
use primitives::Digest;
use proof::Receipt;

use crate::{
    core::{Core, Indexed},
    error::{Error, Result},
    store::Shelf,
};

impl From<evidence::Refused> for Error {
    fn from(refused: evidence::Refused) -> Self {
        Self::refused("bundle", refused.to_string())
    }
}

fn draft(core: &Core, question: Digest, chosen: Vec<Indexed>) -> Result<Draft> {
    let mut bodies: Vec<(Digest, Opened)> = Vec::new();
    for indexed in &chosen {
        for part in &indexed.record.header.parts {
            if let Some(opened) = core.opened(part)? {
                bodies.push((indexed.record.digest, opened));
            }
        }
    }
    let records = chosen
        .into_iter()
        .map(|indexed| (indexed.index, Record::clone(&indexed.record)))
        .collect();
    let charter = core.config.charter()?;
    let lookups = core.store.beginning(Shelf::Lookups, &question.0)?;
    let lookups = lookups.into_iter().map(|(_, lookup)| lookup).collect();
    Ok(Draft::new(charter, question, records, bodies, lookups)?)
}

/// Chooses what a bundle about a question holds, and gives the digest that its
/// export commits to.
///
/// # Errors
/// A refusal where the question is unknown or its answer was not opened.
pub(crate) fn begin(core: &Core, question: Digest) -> Result<Digest> {
    let all = {
        let index = core
            .index
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        index.all().to_vec()
    };
    let records: Vec<Record> = all.iter().map(|i| Record::clone(&i.record)).collect();
    let chosen: Vec<Indexed> = evidence::select(&records, &question)?
        .into_iter()
        .map(|at| all[at].clone())
        .collect();
    let digests: Vec<Digest> = chosen.iter().map(|i| i.record.digest).collect();
    let content = draft(core, question, chosen)?.content()?;
    core.store.put(Shelf::Prepared, &content.0, &digests)?;
    Ok(content)
}

/// The bundle of an export that is on the ledger.
///
/// # Errors
/// A refusal where there is no export, trouble while receipts are gathered.
pub fn finish(core: &Core, question: Digest) -> Result<Vec<u8>> {
    let warrant = core
        .record(&question)?
        .record
        .header
        .warrant
        .ok_or_else(|| Error::refused("question-unknown", "the record is no question"))?;
    let (export, content) = {
        let index = core
            .index
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        index
            .docket(&warrant)
            .filter_map(|indexed| match &indexed.record.header.statement {
                Statement::BundleExported {
                    question: of,
                    content,
                } if *of == question => Some((indexed.clone(), *content)),
                _ => None,
            })
            .last()
            .ok_or_else(|| {
                Error::refused(
                    "not-exported",
                    "no export of this question is on the ledger",
                )
                .advise("export it first: cordon bundle --help")
            })?
    };
    let digests: Vec<Digest> = core
        .store
        .get(Shelf::Prepared, &content.0)?
        .ok_or_else(|| Error::refused("not-exported", "the export was prepared elsewhere"))?;
    let chosen: Result<Vec<Indexed>> = digests.iter().map(|digest| core.record(digest)).collect();
    let draft = draft(core, question, chosen?)?;
    // What changed the validators is proven by those who were in office then.
    let handovers = draft.handovers()?;
    let newest = core.ledger.status().epoch;
    let mut receipts: Vec<Receipt> = Vec::new();
    for index in draft.indices().chain([export.index]) {
        let receipt = if handovers.contains(&index) {
            (0..=newest).find_map(|epoch| core.ledger.receipt_of_epoch(index, epoch))
        } else {
            core.ledger.receipt(index)
        };
        receipts.push(receipt.ok_or_else(|| {
            Error::trouble(
                "receipt-missing",
                format!("no receipt of record {index} yet"),
            )
        })?);
    }
    let mut chain = Vec::new();
    for (old, new) in evidence::links(&receipts) {
        chain.push(core.ledger.consistency(old, new)?);
    }
    let record = Record::clone(&export.record);
    Ok(draft.finish((export.index, record), receipts, chain, &core.keys.node)?)
}
