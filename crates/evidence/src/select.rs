//! Which of a ledger's records a bundle about one question needs: all of them, and
//! no other.
//!
//! The exporter uses it to choose, the verifier to see that nothing irrelevant was
//! slipped in. Needed are the whole docket (denials and refusals too: what was
//! said no to is evidence as well), every step of the membership since the
//! founding charter, the snapshots asked and the tables that they are of, and the
//! enrolment and retirement of every officer who signed any of these or whom a
//! consultation names.
//!
//! *Not here*: completeness. That no further record of the docket exists can be
//! seen on the ledger only.

use std::collections::{BTreeMap, BTreeSet};

use docket::{OfficerId, Record, Statement};
use primitives::{Digest, InstitutionId, PublicKey};

use crate::finding::{Finding, Refused};

/// The positions in `records` (in ledger order) of what a bundle about `question` holds.
///
/// # Errors
/// Refused if the question is not among the records.
pub fn select(records: &[Record], question: &Digest) -> Result<Vec<usize>, Refused> {
    let by_digest: BTreeMap<&Digest, usize> = records
        .iter()
        .enumerate()
        .map(|(position, record)| (&record.digest, position))
        .collect();
    let warrant = by_digest
        .get(question)
        .map(|position| &records[*position])
        .filter(|record| matches!(record.header.statement, Statement::QuestionAsked(_)))
        .and_then(|record| record.header.warrant)
        .ok_or_else(|| Finding::new("records/", "question", "no such question"))?;

    let mut needed = BTreeSet::new();
    for (position, record) in records.iter().enumerate() {
        let membership = matches!(
            record.header.statement,
            Statement::ChangeProposed { .. } | Statement::ChangeVoted { .. }
        );
        if membership || record.header.warrant == Some(warrant) {
            needed.insert(position);
        }
        if record.header.warrant != Some(warrant) {
            continue;
        }
        if let Statement::QuestionAsked(asked) = &record.header.statement {
            for snapshot in asked.custodians.iter().flat_map(|c| &c.snapshots) {
                needed.extend(by_digest.get(snapshot));
            }
        }
    }
    for position in needed.clone() {
        if let Statement::SnapshotCommitted(snapshot) = &records[position].header.statement {
            needed.extend(by_digest.get(&snapshot.dataset));
        }
    }
    add_officers(records, &mut needed);
    Ok(needed.into_iter().collect())
}

/// Adds, until nothing is left to add, what enrolled and retired the signers, and
/// the readers that an institution's node names.
fn add_officers(records: &[Record], needed: &mut BTreeSet<usize>) {
    let mut about: BTreeMap<&PublicKey, Vec<usize>> = BTreeMap::new();
    let mut keys: BTreeMap<(&InstitutionId, &OfficerId), Vec<&PublicKey>> = BTreeMap::new();
    for (position, record) in records.iter().enumerate() {
        match &record.header.statement {
            Statement::OfficerEnrolled { key, officer, .. } => {
                about.entry(key).or_default().push(position);
                let name = (&record.header.institution, officer);
                keys.entry(name).or_default().push(key);
            }
            Statement::OfficerRetired { key } => about.entry(key).or_default().push(position),
            _ => {}
        }
    }
    let mut unseen: Vec<usize> = needed.iter().copied().collect();
    while let Some(position) = unseen.pop() {
        let record = &records[position];
        let named = match &record.header.statement {
            Statement::Consulted { reader, .. } => keys.get(&(&record.header.institution, reader)),
            _ => None,
        };
        let keys = named.into_iter().flatten().copied();
        for key in keys.chain([&record.signer]) {
            for officer in about.get(key).into_iter().flatten() {
                if needed.insert(*officer) {
                    unseen.push(*officer);
                }
            }
        }
    }
}
