//! One question's case, put together from records that were walked and bodies that
//! open their commitments.
//!
//! Here the answer is tied to the plan, the plan to the question, the question to
//! the order: each row stands under a step that every custodian approved, and
//! names a snapshot that was committed before.

use std::collections::BTreeSet;

use docket::body::{Body, FaultEvidence, Opened, Order, Reason, Subjects};
use docket::plan::{Answer, Plan};
use docket::statement::{QuestionAsked, Terms};
use docket::{Institution, OfficerId, Record, Statement};
use primitives::{Digest, InstitutionId, NetworkId, TimeMs, WarrantId};

use crate::answer::check_answer;
use crate::blind::blinded;
use crate::content::{Content, body_path, content_digest, record_path};
use crate::finding::{Finding, Refused};
use crate::joint::JointRun;
use crate::select::select;
use crate::walk::Walked;

mod lookups;
mod plan;

/// A case that was checked: everything in it stands on the ledger or opens a
/// commitment that does.
#[derive(Clone)]
pub struct Case {
    /// The network, by the digest of its founding charter.
    pub network: NetworkId,
    /// The name that the charter gives it.
    pub network_name: String,
    /// The warrant.
    pub warrant: WarrantId,
    /// The question's record.
    pub question: Digest,
    /// Who asked.
    pub requester: InstitutionId,
    /// Who issued the warrant.
    pub authority: InstitutionId,
    /// The terms granted.
    pub terms: Terms,
    /// The order that custodians were shown, if it was opened.
    pub order: Option<Order>,
    /// The subjects in the clear, if they were opened.
    pub subjects: Option<Subjects>,
    /// The program that every custodian approved.
    pub plan: Plan,
    /// What the requester learned.
    pub answer: Answer,
    /// Of a joint question: what the ledger has of its run.
    pub joint: Option<JointRun>,
    /// From how many lookups, signed by their custodians, the rows were opened again;
    /// none of a joint question, and of plans of before 2026-11-27.
    pub lookups: Option<usize>,
    /// When the requester opened it.
    pub disclosed_ms: TimeMs,
    /// When the bundle left the house.
    pub exported_ms: TimeMs,
    /// The tables that were asked.
    pub sources: Vec<SourceTable>,
    /// Every record of the bundle.
    pub timeline: Vec<Entry>,
    /// The members at the end of the walk.
    pub members: Vec<Institution>,
    /// How often the validators changed since the founding.
    pub changes: usize,
    /// Records that the newest checkpoint covers.
    pub log_size: u64,
}

/// A snapshot that the plan reads.
#[derive(Clone, Debug)]
pub struct SourceTable {
    /// The custodian.
    pub institution: InstitutionId,
    /// The snapshot's record.
    pub record: Digest,
    /// What it commits to.
    pub snapshot: docket::statement::SnapshotCommitted,
    /// The catalogue's entry of the table.
    pub dataset: docket::statement::DatasetPublished,
}

/// A record as the timeline shows it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The record's file.
    pub file: String,
    /// Its place in the ledger's log.
    pub index: u64,
    /// When it was signed.
    pub time_ms: TimeMs,
    /// Whose statement it is.
    pub institution: InstitutionId,
    /// The officer who signed; none: the node.
    pub officer: Option<OfficerId>,
    /// What it states.
    pub statement: Statement,
    /// The record's digest.
    pub digest: Digest,
}

/// Checks what the records and bodies say about `question`.
///
/// # Errors
/// Refused, naming the record or body that does not fit.
pub(crate) fn examine(
    content: &Content,
    walked: &Walked,
    question: &Digest,
) -> Result<Case, Refused> {
    let records = &content.records;
    check_selection(records, question)?;
    let examined = Examined { content, walked };
    let (number, asked_record, asked) = examined.question(question)?;
    let id = asked_record.header.warrant.ok_or_else(|| {
        Finding::new(
            record_path(number, asked_record),
            "warrant-unknown",
            "no warrant",
        )
    })?;
    let warrant = walked.state.warrant(&id).ok_or_else(|| {
        Finding::new(
            record_path(number, asked_record),
            "warrant-unknown",
            "no such warrant",
        )
    })?;
    let (disclosed, disclosed_ms, rows) = examined.disclosure(question)?;
    let exported_ms = examined.export(question)?;
    let issued = records
        .iter()
        .position(|record| Some(record.digest) == warrant.issued);

    examined.check_bodies(&warrant.requester)?;
    let plan: Plan = examined.required(number)?;
    let answer: Answer = examined.required(disclosed)?;
    let order: Option<Order> = issued.and_then(|p| examined.body(p + 1)).transpose()?;
    let subjects: Option<Subjects> = issued.and_then(|p| examined.body(p + 1)).transpose()?;

    let plan_path = format!("bodies/{number:04}-plan.cbor");
    let sources = examined.check_plan(&plan_path, &plan, asked, id, order.as_ref())?;
    let requester_fits = plan.requester == warrant.requester;
    require(
        requester_fits,
        &plan_path,
        "plan-mismatch",
        "another requester",
    )?;
    let answer_path = format!("bodies/{disclosed:04}-answer.cbor");
    check_answer(&answer_path, &answer, &plan, &sources, question, rows)?;
    let joint =
        examined.check_joint((&plan_path, &plan), (&answer_path, &answer), question, rows)?;
    if let (Some(position), Some(order)) = (issued, &order) {
        check_subjects(position + 1, order, subjects.as_ref(), &warrant.terms)?;
    }
    let parts = (&plan, subjects.as_ref(), sources.as_slice());
    let lookups = examined.check_lookups(question, asked, parts, (&answer_path, &answer))?;
    Ok(Case {
        network: walked.state.network(),
        network_name: content.charter.name.clone(),
        warrant: id,
        question: *question,
        requester: warrant.requester.clone(),
        authority: warrant.authority.clone(),
        terms: warrant.terms.clone(),
        order,
        subjects,
        plan,
        answer,
        joint,
        lookups,
        disclosed_ms,
        exported_ms,
        sources,
        timeline: examined.timeline(),
        members: walked.state.members().cloned().collect(),
        changes: walked.validators.len() - 1,
        log_size: walked.log_size,
    })
}

/// Checks the order's blinded subjects and its scenes against the warrant's counts
/// and, where the subjects were opened, against them.
fn check_subjects(
    number: usize,
    order: &Order,
    subjects: Option<&Subjects>,
    terms: &Terms,
) -> Result<(), Refused> {
    let path = format!("bodies/{number:04}-order.cbor");
    let counted = order.blinded.len() == terms.subjects as usize
        && order.scenes.len() == terms.scenes as usize;
    require(
        counted,
        &path,
        "terms",
        "not as many subjects or scenes as the warrant says",
    )?;
    let distinct = order.scenes.is_sorted_by(|a, b| a < b);
    require(distinct, &path, "terms", "scenes out of order or repeated")?;
    let Some(subjects) = subjects else {
        return Ok(());
    };
    let path = format!("bodies/{number:04}-subjects.cbor");
    let same = subjects.subjects.len() == order.blinded.len()
        && blinded(subjects).is_some_and(|blinded| blinded == order.blinded);
    require(
        same,
        &path,
        "subjects",
        "other subjects than the order's blinded ones",
    )?;
    let same = subjects.scenes == order.scenes;
    require(same, &path, "subjects", "other scenes than the order's")
}

fn require(holds: bool, path: &str, rule: &str, detail: &str) -> Result<(), Refused> {
    if holds {
        Ok(())
    } else {
        Err(Finding::new(path, rule, detail).into())
    }
}

/// Refuses records of another case and records that the case does not need.
fn check_selection(records: &[Record], question: &Digest) -> Result<(), Refused> {
    let needed: BTreeSet<usize> = select(records, question)?.into_iter().collect();
    let spare = (0..records.len()).filter(|position| !needed.contains(position));
    let findings = spare.map(|position| {
        let record = &records[position];
        let path = record_path(position + 1, record);
        let (rule, detail) = match record.header.warrant {
            Some(_) => ("same-case", "a record of another case"),
            None => ("needed", "the case does not need this record"),
        };
        Finding::new(path, rule, detail)
    });
    Refused::unless_none(findings.collect())
}

struct Examined<'a> {
    content: &'a Content,
    walked: &'a Walked,
}

impl<'a> Examined<'a> {
    fn question(
        &self,
        question: &Digest,
    ) -> Result<(usize, &'a Record, &'a QuestionAsked), Refused> {
        let found = self
            .content
            .records
            .iter()
            .enumerate()
            .find_map(|(position, record)| match &record.header.statement {
                Statement::QuestionAsked(asked) if record.digest == *question => {
                    Some((position + 1, record, asked))
                }
                _ => None,
            });
        found.ok_or_else(|| Finding::new("records/", "question", "no such question").into())
    }

    /// The first disclosure of the question's answer: number, time and rows.
    fn disclosure(&self, id: &Digest) -> Result<(usize, TimeMs, u32), Refused> {
        let found = self
            .content
            .records
            .iter()
            .enumerate()
            .find_map(|(position, record)| match record.header.statement {
                Statement::AnswerDisclosed { question, rows } if question == *id => {
                    Some((position + 1, record.header.time_ms, rows))
                }
                _ => None,
            });
        found.ok_or_else(|| {
            Finding::new("records/", "answer-unknown", "no answer was opened").into()
        })
    }

    /// Checks that the last record commits to this very bundle, and returns its time.
    fn export(&self, id: &Digest) -> Result<TimeMs, Refused> {
        let missing = || Finding::new("records/", "exported", "the last record is not its export");
        let (last, before) = self.content.records.split_last().ok_or_else(missing)?;
        let path = record_path(before.len() + 1, last);
        let Statement::BundleExported { question, content } = &last.header.statement else {
            return Err(missing().into());
        };
        require(
            question == id,
            &path,
            "exported",
            "the export of another question",
        )?;
        let found = content_digest(
            &self.content.charter,
            before,
            &self.content.bodies,
            &self.content.lookups,
        )?;
        let same = *content == found;
        require(
            same,
            &path,
            "exported",
            "the export commits to other records or bodies",
        )?;
        Ok(last.header.time_ms)
    }

    /// Checks every opened body against its record, whether it is used or not.
    fn check_bodies(&self, exporter: &InstitutionId) -> Result<(), Refused> {
        let findings = self
            .content
            .bodies
            .iter()
            .filter_map(|(number, opened)| self.check_body(*number, opened, exporter).err());
        Refused::unless_none(findings.collect())
    }

    fn check_body(
        &self,
        number: usize,
        opened: &Opened,
        exporter: &InstitutionId,
    ) -> Result<(), Finding> {
        let path = body_path(number, opened);
        let complain = |rule: &str, detail: &str| Finding::new(path.clone(), rule, detail);
        let (author, part) = number
            .checked_sub(1)
            .and_then(|position| self.content.records.get(position))
            .and_then(|record| {
                Some((
                    &record.header.institution,
                    record.header.part(&opened.label)?,
                ))
            })
            .ok_or_else(|| complain("parts", "its record commits to no such body"))?;
        if author != exporter && !part.readers.contains(exporter) {
            return Err(complain("reader", "the exporter is not among its readers"));
        }
        if part.bytes as usize != opened.body.len() {
            return Err(complain("parts", "another size than the record says"));
        }
        let read = match opened.label.as_str() {
            Subjects::LABEL => opened.read::<Subjects>(part).map(drop),
            Order::LABEL => opened.read::<Order>(part).map(drop),
            Reason::LABEL => opened.read::<Reason>(part).map(drop),
            FaultEvidence::LABEL => opened.read::<FaultEvidence>(part).map(drop),
            Plan::LABEL => opened.read::<Plan>(part).map(drop),
            Answer::LABEL => opened.read::<Answer>(part).map(drop),
            _ => return Err(complain("parts", "a body of an unknown kind")),
        };
        read.map_err(|refusal| complain(refusal.rule.name(), &refusal.detail))
    }

    /// The body of this kind that the record commits to, if the bundle opens it.
    fn body<B: Body>(&self, number: usize) -> Option<Result<B, Refused>> {
        let part = self
            .content
            .records
            .get(number - 1)?
            .header
            .part(B::LABEL)?;
        let (_, opened) = self
            .content
            .bodies
            .iter()
            .find(|(of, opened)| *of == number && opened.label == B::LABEL)?;
        let path = body_path(number, opened);
        Some(
            opened
                .read(part)
                .map_err(|refusal| Finding::new(path, refusal.rule.name(), refusal.detail).into()),
        )
    }

    fn required<B: Body>(&self, number: usize) -> Result<B, Refused> {
        let path = format!("bodies/{number:04}-{}.cbor", B::LABEL);
        self.body(number).unwrap_or_else(|| {
            Err(Finding::new(path, "missing-file", "the case can't be checked without it").into())
        })
    }

    fn timeline(&self) -> Vec<Entry> {
        let records = self.content.records.iter().zip(&self.content.receipts);
        records
            .enumerate()
            .map(|(position, (record, receipt))| Entry {
                file: record_path(position + 1, record),
                index: receipt.index(),
                time_ms: record.header.time_ms,
                institution: record.header.institution.clone(),
                officer: record.header.officer.clone(),
                statement: record.header.statement.clone(),
                digest: record.digest,
            })
            .collect()
    }
}
