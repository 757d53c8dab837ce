//! The answer of a lookup question, opened again from what its custodians signed.
//!
//! The exporter may be in league with whoever it must convince. So each lookup is walked
//! again: who was asked for, with the subjects' own blinds; what the custodian sent for
//! them, under the transcript that it signed; which selectors those rows derived for the
//! next step. What comes of it must be the answer, with no row more and none less.
//!
//! *Invariants*: every selector that the plan's steps look up was asked for at every
//! table, and no other; the rows are those of the signed transcripts.
//!
//! *Not here*: whether a custodian's table is right, or whole. Plans of before 2026-11-27
//! are not rooted: their custodians signed frames that nobody has kept, and their rows
//! stand under the officer's signature alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use curve25519_dalek::Scalar;
use docket::body::Subjects;
use docket::plan::{Answer, Cell, Origin, Plan};
use docket::state::Decision;
use docket::statement::{Attestation, KeyCommitment, LookupKey, QuestionAsked};
use docket::transcript::{Seen, run_transcript};
use primitives::semantic::{Selector, Semantic};
use primitives::{Digest, InstitutionId, NetworkId, cbor};
use query::{OpenedRow, Selectors};
use serde::{Deserialize, Serialize};

use crate::blind::point;
use crate::case::SourceTable;
use crate::finding::{Finding, Refused};

pub(crate) mod shown;

use shown::{Bound, Known, Replayed, replay};

/// Bytes of one row.
const ROW_BYTES_MAX: usize = 64 * 1024;

/// One lookup of a run as its requester kept it: a file `lookups/NNNN.cbor`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// The plan's step.
    pub step: u8,
    /// Who answered.
    pub institution: InstitutionId,
    /// The snapshot's record.
    pub snapshot: Digest,
    /// The part of the step.
    pub part: u16,
    /// What shows it (`docs/formats/mpc-lookup.md`, "A shown lookup").
    #[serde(with = "docket::body::bytes")]
    pub shown: Vec<u8>,
}

/// The folder of lookups.
pub(crate) const LOOKUPS: &str = "lookups/";

/// The file of the lookup with this number, from 1.
pub(crate) fn lookup_path(number: usize) -> String {
    format!("{LOOKUPS}{number:04}.cbor")
}

/// What stands on the ledger of a run, and what was opened beside it.
pub(crate) struct Run<'a> {
    pub(crate) network: NetworkId,
    pub(crate) id: Digest,
    pub(crate) asked: &'a QuestionAsked,
    /// Each custodian's word on the plan.
    pub(crate) decisions: &'a BTreeMap<InstitutionId, Decision>,
    pub(crate) plan: &'a Plan,
    pub(crate) sources: &'a [SourceTable],
    pub(crate) subjects: &'a Subjects,
    pub(crate) attestations: &'a [Attestation],
    /// Selectors looked up in each step, as the record says.
    pub(crate) evaluated: &'a [u32],
}

/// Checks the answer against the lookups, in the order of their files.
///
/// # Errors
/// Refused, naming the lookup's file, or the answer's where all lookups hold.
pub(crate) fn check_lookups(
    run: &Run<'_>,
    lookups: &[Lookup],
    (answer_path, answer): (&str, &Answer),
) -> Result<(), Refused> {
    let complain = |detail: &str| Refused::from(Finding::new(answer_path, "lookups", detail));
    if !lookups.is_sorted_by(|a, b| a < b) {
        return Err(Finding::new(lookup_path(1), "one-form", "lookups out of order").into());
    }
    let mut walk = Walk::begin(run, lookups).map_err(|detail| complain(&detail))?;
    for number in 0..run.plan.steps.len() {
        walk.step(number)?;
    }
    if let Some((_, at)) = walk.files.pop_first() {
        let detail = "a lookup that the plan does not make";
        return Err(Finding::new(lookup_path(at + 1), "lookups", detail).into());
    }
    let mut seen = std::mem::take(&mut walk.seen);
    for attestation in run.attestations {
        let seen = seen.remove(&attestation.institution).unwrap_or_default();
        let signed = run_transcript(&run.id, seen)
            .is_ok_and(|transcript| transcript == attestation.transcript);
        if !signed {
            let whom = &attestation.institution;
            return Err(complain(&format!("{whom} did not sign these lookups")));
        }
    }
    if !seen.is_empty() {
        return Err(complain("a lookup that its custodian did not sign"));
    }
    let seeds: Vec<Selector> = run
        .subjects
        .subjects
        .iter()
        .map(|s| s.selector.clone())
        .collect();
    let found = query::assemble(run.plan, &run.id, &seeds, &walk.opened);
    match found {
        Ok(found) if found == *answer => Ok(()),
        Ok(_) => Err(complain("other rows than the custodians sent")),
        Err(refusal) => Err(complain(&refusal.detail)),
    }
}

pub(crate) type Target = ([u8; 32], Known);

/// A run being walked again.
struct Walk<'a> {
    run: &'a Run<'a>,
    lookups: &'a [Lookup],
    /// Places of lookups that no step has used yet.
    files: BTreeMap<(u8, &'a InstitutionId, Digest, u16), usize>,
    subjects: Vec<(Semantic, Target)>,
    derived: Vec<(u16, Target)>,
    opened: Vec<OpenedRow>,
    seen: BTreeMap<InstitutionId, Vec<Seen>>,
}

impl<'a> Walk<'a> {
    fn begin(run: &'a Run<'a>, lookups: &'a [Lookup]) -> Result<Self, String> {
        let mut subjects = Vec::new();
        for subject in &run.subjects.subjects {
            let target = target(subject.selector.to_input(), &subject.blind)
                .ok_or("a subject's blind is no scalar")?;
            subjects.push((subject.selector.semantic(), target));
        }
        let places = lookups.iter().enumerate().map(|(at, one)| {
            let place = (one.step, &one.institution, one.snapshot, one.part);
            (place, at)
        });
        Ok(Self {
            run,
            lookups,
            files: places.collect(),
            subjects,
            derived: Vec::new(),
            opened: Vec::new(),
            seen: BTreeMap::new(),
        })
    }

    /// Opens a step's lookups, at every table of its kind.
    fn step(&mut self, number: usize) -> Result<(), Refused> {
        let plan = self.run.plan;
        let selectors = Selectors {
            subjects: &self.subjects,
            derived: &self.derived,
            read: |(element, known)| (&known.input, *element),
        };
        let known: HashMap<[u8; 32], Known> =
            selectors.of(plan, number).into_iter().cloned().collect();
        let said = self.run.evaluated.get(number);
        if said.is_none_or(|said| *said as usize != known.len()) {
            let detail = "its record says another number of selectors than its rows derive";
            return Err(Finding::new("records/", "lookups", detail).into());
        }
        let step = u8::try_from(number).unwrap_or(u8::MAX);
        for custodian in &plan.custodians {
            for table in &custodian.tables {
                if table.table == plan.steps[number].table {
                    self.table(step, (&custodian.institution, table.snapshot), &known)?;
                }
            }
        }
        Ok(())
    }

    /// Opens one table's part of a step.
    fn table(
        &mut self,
        step: u8,
        (institution, snapshot): (&'a InstitutionId, Digest),
        known: &HashMap<[u8; 32], Known>,
    ) -> Result<(), Refused> {
        let mut left: BTreeSet<[u8; 32]> = known.keys().copied().collect();
        for part in 0..u16::MAX {
            let Some(at) = self.files.remove(&(step, institution, snapshot, part)) else {
                break;
            };
            let path = lookup_path(at + 1);
            let complain = |detail: &str| Finding::new(path.clone(), "lookups", detail);
            let replayed = self
                .bound(step, institution, snapshot, part)
                .and_then(|bound| replay(&bound, &self.lookups[at].shown, known))
                .map_err(|detail| complain(&detail))?;
            if !replayed.asked.iter().all(|element| left.remove(element)) {
                return Err(complain("it asks twice for one selector").into());
            }
            self.take(step, (institution, snapshot, part), replayed)
                .map_err(complain)?;
        }
        if left.is_empty() {
            return Ok(());
        }
        let detail = format!(
            "{} selectors of step {} are not shown at {institution}",
            left.len(),
            step + 1
        );
        Err(Finding::new(LOOKUPS, "lookups", detail).into())
    }

    fn take(
        &mut self,
        step: u8,
        (institution, snapshot, part): (&InstitutionId, Digest, u16),
        replayed: Replayed,
    ) -> Result<(), &'static str> {
        self.seen
            .entry(institution.clone())
            .or_default()
            .push(Seen {
                step,
                snapshot,
                part,
                transcript: replayed.transcript,
            });
        let origin = Origin {
            institution: institution.clone(),
            snapshot,
        };
        for label in replayed.labels {
            for row in label.rows {
                let cells: Vec<Cell> =
                    cbor::decode(&row, ROW_BYTES_MAX).map_err(|_| "a row that is malformed")?;
                self.opened.push((step, origin.clone(), cells));
            }
            for next in label.derived {
                let target = target(next.input, &next.blind).ok_or("a blind that is no scalar")?;
                self.derived.push((next.to_step, target));
            }
        }
        Ok(())
    }

    /// What the ledger says of a lookup.
    fn bound(
        &self,
        step: u8,
        institution: &'a InstitutionId,
        snapshot: Digest,
        part: u16,
    ) -> Result<Bound<'a>, String> {
        let run = self.run;
        let name = &run.plan.steps[usize::from(step)].key;
        let source = run.sources.iter().find(|source| source.record == snapshot);
        let key: &LookupKey = source
            .and_then(|source| source.snapshot.keys.iter().find(|key| key.name == *name))
            .ok_or("a snapshot without this lookup key")?;
        let committed = match run.decisions.get(institution) {
            Some(Decision::Approved(keys)) => keys.iter().find(|known: &&KeyCommitment| {
                known.snapshot == snapshot && known.key == *name && known.step == step
            }),
            _ => None,
        };
        let committed = committed.ok_or("no approved key for this table")?;
        Ok(Bound {
            network: run.network.0,
            warrant: run.asked.warrant,
            plan: run.asked.plan,
            question: run.id,
            step: u16::from(step),
            part,
            requester: &run.plan.requester,
            custodian: institution,
            snapshot,
            salt: key.salt,
            bucket_bits: key.bucket_bits,
            plan_key: committed.commitment,
        })
    }
}

/// A selector as it can be asked for.
pub(crate) fn target(input: Vec<u8>, blind: &Digest) -> Option<Target> {
    let element = point(&input, blind)?;
    let blind = Option::<Scalar>::from(Scalar::from_canonical_bytes(blind.0))?;
    Some((element.0, Known { input, blind }))
}
