//! A joint question's answer, put together again from what the three that computed
//! gave the requester, and held against what each of them signed.
//!
//! Source: `docs/formats/mpc-joint.md`, "A delivered answer". Written apart from the
//! protocol's own code: an offline verifier does without the protocols.
//!
//! *Invariants*: each component comes from two of the three, alike; the answer's rows
//! are what the components add up to, and no other; each part, with the frames
//! behind it, is the one that its party signed.
//!
//! *Not here*: what the three computed, or over what. That needs two of the three to
//! have been honest, and each owner to have shared what its snapshot holds.

use docket::joint::transcript;
use docket::plan::{Answer, AnswerRow, Cell, JointPlan, Method, Part, Plan};
use docket::state::{COMPUTING, Question};
use docket::statement::{Attestation, Count, Joint};
use primitives::{Digest, InstitutionId};

use crate::finding::Finding;

/// Bytes before the words of a part: binding and party.
const HEADER_BYTES: usize = 32 + 1;
const WORD_BYTES: usize = 8;

/// What stands on the ledger of a joint question, beside its plan and answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JointRun {
    /// What the three found.
    pub count: Count,
    /// The tables that were shared, in the plan's order.
    pub tables: Vec<SharedTable>,
}

/// A table that an owner committed to before anybody computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedTable {
    /// Who shared it.
    pub owner: InstitutionId,
    /// Which table of the program.
    pub table: String,
    /// Its rows with the padding.
    pub rows: u32,
}

/// A joint question of which everything but the answer was checked.
pub(crate) struct Computed<'a> {
    /// What the run was bound to.
    pub(crate) session: Digest,
    pub(crate) question: &'a Digest,
    pub(crate) plan: &'a Plan,
    pub(crate) joint: &'a JointPlan,
    /// Those of the completed run, and the file of the record that holds them.
    pub(crate) attestations: &'a [Attestation],
    pub(crate) completed: &'a str,
}

/// Whether the plan's parties are the question's: who computes, who gives tables, of
/// which snapshots, and whether more than a count is asked for.
///
/// # Errors
/// What differs.
pub(crate) fn check_parties(plan: &JointPlan, question: &Question) -> Result<(), &'static str> {
    let Some(joint) = &question.joint else {
        return Err("a joint plan of a question that is none");
    };
    if plan.computing != joint.computing || plan.count_only != joint.count_only {
        return Err("others compute than were asked, or something else");
    }
    let asked = question.custodians.iter().chain(&joint.owners);
    for owner in asked.clone() {
        let gives = plan.inputs.iter().filter(|i| i.owner == owner.institution);
        let mut read: Vec<_> = gives.clone().flat_map(|input| &input.snapshots).collect();
        let mut named: Vec<_> = owner.snapshots.iter().collect();
        read.sort();
        read.dedup();
        named.sort();
        if gives.clone().next().is_none() || read != named {
            return Err("an owner gives no table, or one of other snapshots than asked");
        }
        // Without a snapshot a table is the warrant's subjects, which the authority has.
        let beside = is_beside(joint, &owner.institution) && owner.snapshots.is_empty();
        if !beside && gives.clone().any(|input| input.snapshots.is_empty()) {
            return Err("a table of no snapshot");
        }
    }
    let known = |id: &InstitutionId| asked.clone().any(|owner| owner.institution == *id);
    if plan.inputs.iter().all(|input| known(&input.owner)) {
        Ok(())
    } else {
        Err("a table of somebody who was not asked")
    }
}

fn is_beside(joint: &Joint, id: &InstitutionId) -> bool {
    joint.owners.iter().any(|owner| owner.institution == *id)
}

/// The tables that the owners committed to, in the plan's order.
///
/// # Errors
/// The first owner that committed to others than the plan has.
pub(crate) fn shared<'a>(
    plan: &'a JointPlan,
    question: &Question,
) -> Result<Vec<SharedTable>, &'a InstitutionId> {
    let mut tables = Vec::with_capacity(plan.inputs.len());
    for input in &plan.inputs {
        let planned = plan.inputs.iter().filter(|one| one.owner == input.owner);
        let committed = question.tables.get(&input.owner);
        let committed = committed.ok_or(&input.owner)?;
        let same = committed
            .iter()
            .map(|table| &table.table)
            .eq(planned.map(|one| &one.table));
        let table = committed.iter().find(|table| table.table == input.table);
        let table = table.filter(|_| same).ok_or(&input.owner)?;
        tables.push(SharedTable {
            owner: input.owner.clone(),
            table: table.table.clone(),
            rows: table.rows,
        });
    }
    Ok(tables)
}

impl Computed<'_> {
    /// Checks rows, parts and attestations.
    ///
    /// # Errors
    /// What is wrong, and in which file: the answer's body at `path`, or the record
    /// of the completed run.
    pub(crate) fn check(&self, path: &str, answer: &Answer, rows: u32) -> Result<(), Finding> {
        let complain = |detail: String| Finding::new(path, "answer-mismatch", detail);
        let proof = answer
            .joint
            .as_ref()
            .filter(|proof| proof.parts.len() == COMPUTING)
            .ok_or_else(|| complain("it has not the parts of the three".into()))?;
        self.check_signed(path, &proof.parts)?;
        let read = match self.joint.method {
            Method::Shares => self.shared_rows(&proof.parts, rows as usize),
            Method::Sets => crate::sets::rows(&proof.parts, rows as usize),
        };
        let read = read.map_err(complain)?;
        let [table] = answer.tables.as_slice() else {
            return Err(complain("a joint answer is one table".into()));
        };
        let shaped = table.step == 0
            && table.table == self.plan.template.as_str()
            && table.columns == self.joint.columns();
        if !shaped {
            return Err(complain("a table that the plan does not open".into()));
        }
        let expected = read.into_iter().map(|cells| AnswerRow {
            cells,
            origins: Vec::new(),
        });
        if table.rows.iter().cloned().eq(expected) {
            Ok(())
        } else {
            let detail = "other rows than the three's parts add up to";
            Err(complain(detail.into()))
        }
    }

    /// Each part, with the digest of the frames behind it, is what its party signed
    /// when the run completed. The signatures themselves were checked on the walk.
    fn check_signed(&self, path: &str, parts: &[Part]) -> Result<(), Finding> {
        let signed = self.attestations.iter().map(|one| &one.institution);
        if !signed.eq(&self.joint.computing) {
            let detail = "it is not signed by the three that the plan names";
            return Err(Finding::new(self.completed, "attestation", detail));
        }
        for ((seat, part), attestation) in (0..).zip(parts).zip(self.attestations) {
            let said = transcript(self.question, seat, &part.frames, &part.part);
            if attestation.transcript != said {
                let (party, completed) = (&attestation.institution, self.completed);
                let detail = format!("the part of {party} is not what it signed in {completed}");
                return Err(Finding::new(path, "attestation", detail));
            }
        }
        Ok(())
    }

    /// The rows that the three's components add up to.
    fn shared_rows(&self, parts: &[Part], rows: usize) -> Result<Vec<Vec<Cell>>, String> {
        if parts.iter().any(|part| !part.opened.is_empty()) {
            return Err("entries of a list where nobody held one".into());
        }
        let words = self.words(parts, rows)?;
        let read = self.joint.rows(&self.session, &words);
        read.map_err(|refusal| refusal.detail)
    }

    /// The answer's words, column by column.
    pub(crate) fn words(&self, parts: &[Part], rows: usize) -> Result<Vec<Vec<u64>>, String> {
        let widths = self.joint.widths();
        let party = |seat: usize| &self.joint.computing[seat];
        let binding = self.binding(rows, &widths);
        let half_bytes = rows * widths.len() * WORD_BYTES;
        for ((seat, part), index) in parts.iter().enumerate().zip(0_u8..) {
            let bytes = &part.part;
            if bytes.len() != HEADER_BYTES + 2 * half_bytes
                || bytes[..32] != binding.0
                || bytes[32] != index
            {
                let party = party(seat);
                return Err(format!("the part of {party} is none of this answer"));
            }
        }
        let half = |seat: usize, nth: usize| {
            let from = HEADER_BYTES + nth * half_bytes;
            &parts[seat].part[from..from + half_bytes]
        };
        for seat in 0..COMPUTING {
            let next = (seat + 1) % COMPUTING;
            if half(seat, 1) != half(next, 0) {
                let (a, b) = (party(seat), party(next));
                return Err(format!("{a} and {b} gave different components"));
            }
        }
        let word = |seat: usize, at: usize| {
            let bytes = &half(seat, 0)[at * WORD_BYTES..(at + 1) * WORD_BYTES];
            u64::from_le_bytes(bytes.try_into().unwrap_or_default())
        };
        let sum = |at: usize| (0..COMPUTING).fold(0, |sum, seat| sum ^ word(seat, at));
        let column = |nth: usize| (nth * rows..(nth + 1) * rows).map(sum).collect();
        Ok((0..widths.len()).map(column).collect())
    }

    /// What every part of this answer begins with.
    fn binding(&self, rows: usize, widths: &[u32]) -> Digest {
        let widths: Vec<u8> = widths.iter().flat_map(|w| w.to_be_bytes()).collect();
        Digest::of(
            "cordon/mpc/joint-answer/v1",
            &[
                &self.session.0,
                self.plan.requester.as_str().as_bytes(),
                self.plan.template.as_str().as_bytes(),
                &(rows as u64).to_be_bytes(),
                &widths,
            ],
        )
    }
}
