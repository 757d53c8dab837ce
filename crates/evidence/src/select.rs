//! Which of a ledger's records a bundle about one question needs: all of them, and
//! no other.
//!
//! The exporter uses it to choose, the verifier to see that nothing irrelevant was
//! slipped in. Needed are the whole docket (denials and refusals too: what was
//! said no to is evidence as well), every step of the membership since the
//! founding charter, the snapshots asked, of whoever gives a table, and the tables that
//! they are of, the standing rules that approved with all that they replaced, and the
//! enrolment and retirement of every officer who signed any of these or whom a
//! consultation names. Where an officer was enrolled by two words, the legal order
//! counts the institution's registrars: their enrolments are needed as well.
//!
//! *Not here*: completeness. That no further record of the docket exists can be
//! seen on the ledger only.

use std::collections::{BTreeMap, BTreeSet};

use docket::{CredentialId, Duty, OfficerId, Record, Statement};
use primitives::{Digest, InstitutionId};

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
            let beside = asked.joint.iter().flat_map(|joint| &joint.owners);
            let owners = asked.custodians.iter().chain(beside);
            for snapshot in owners.flat_map(|owner| &owner.snapshots) {
                needed.extend(by_digest.get(snapshot));
            }
        }
    }
    for position in needed.clone() {
        match &records[position].header.statement {
            Statement::SnapshotCommitted(snapshot) => {
                needed.extend(by_digest.get(&snapshot.dataset));
            }
            Statement::Approved {
                by_rule: Some(_), ..
            } => add_rules(records, &by_digest, position, &mut needed),
            _ => {}
        }
    }
    add_officers(records, &mut needed);
    Ok(needed.into_iter().collect())
}

/// Adds the standing rules that a record follows, and what they replaced, one by one.
fn add_rules(
    records: &[Record],
    by_digest: &BTreeMap<&Digest, usize>,
    position: usize,
    needed: &mut BTreeSet<usize>,
) {
    let mut unseen = vec![position];
    while let Some(position) = unseen.pop() {
        for digest in &records[position].header.follows {
            let Some(before) = by_digest.get(digest) else {
                continue;
            };
            let rules = matches!(
                records[*before].header.statement,
                Statement::RulesChanged(_)
            );
            if rules && needed.insert(*before) {
                unseen.push(*before);
            }
        }
    }
}

/// What the records say of officers.
#[derive(Default)]
struct Officers<'a> {
    /// The records about a credential.
    about: BTreeMap<CredentialId, Vec<usize>>,
    /// The credentials that a handle has had.
    named: BTreeMap<(&'a InstitutionId, &'a OfficerId), BTreeSet<CredentialId>>,
    /// The credentials that an institution's registrars have had.
    registrars: BTreeMap<&'a InstitutionId, BTreeSet<CredentialId>>,
}

impl<'a> Officers<'a> {
    fn of(records: &'a [Record]) -> Self {
        let mut officers = Self::default();
        let mut proposed: BTreeMap<&Digest, CredentialId> = BTreeMap::new();
        for (position, record) in records.iter().enumerate() {
            let institution = &record.header.institution;
            let (credential, entry) = match &record.header.statement {
                Statement::OfficerEnrolled {
                    key,
                    officer,
                    duties,
                } => ((*key).into(), Some((officer, duties))),
                Statement::OfficerProposed {
                    credential,
                    officer,
                    duties,
                } => {
                    proposed.insert(&record.digest, credential.id());
                    (credential.id(), Some((officer, duties)))
                }
                Statement::OfficerConfirmed { proposal } => match proposed.get(proposal) {
                    Some(credential) => (*credential, None),
                    None => continue,
                },
                Statement::OfficerRetired { key } => (*key, None),
                _ => continue,
            };
            officers.about.entry(credential).or_default().push(position);
            if let Some((officer, duties)) = entry {
                let named = officers.named.entry((institution, officer));
                named.or_default().insert(credential);
                if duties.contains(&Duty::Registrar) {
                    let registrars = officers.registrars.entry(institution);
                    registrars.or_default().insert(credential);
                }
            }
        }
        officers
    }

    /// The credentials without which a record can't be judged.
    fn behind(&self, record: &Record) -> BTreeSet<CredentialId> {
        let institution = &record.header.institution;
        let more = match &record.header.statement {
            Statement::Consulted { reader, .. } => self.named.get(&(institution, reader)),
            Statement::OfficerProposed { .. } | Statement::OfficerConfirmed { .. } => {
                self.registrars.get(institution)
            }
            _ => None,
        };
        let mut all = more.cloned().unwrap_or_default();
        all.insert(record.signer);
        all
    }
}

/// Adds, until nothing is left to add, what enrolled and retired the signers, and
/// the readers that an institution's node names.
fn add_officers(records: &[Record], needed: &mut BTreeSet<usize>) {
    let officers = Officers::of(records);
    let mut unseen: Vec<usize> = needed.iter().copied().collect();
    while let Some(position) = unseen.pop() {
        for credential in officers.behind(&records[position]) {
            for about in officers.about.get(&credential).into_iter().flatten() {
                if needed.insert(*about) {
                    unseen.push(*about);
                }
            }
        }
    }
}
