//! A joint question: who computes it, what it may find, and how often.
//!
//! The three that compute are custodians of the plan or the authority, never the
//! requester; what the requester gives beside is its own table, what the authority
//! gives is the warrant's subjects. A count is opened and becomes a record before
//! anything else is: above the cap the question ends there.

use imbl::{OrdMap, OrdSet};

use super::{
    At, Digest, InstitutionId, Question, QuestionPhase, Record, Refusal, Rule, State,
    TIME_SKEW_MAX_MS, TimeMs, Warrant, ensure, text_within,
};
use crate::statement::{Attestation, Count, Joint, QuestionAsked, TableCommitment};

/// Parties that compute over shares.
pub const COMPUTING: usize = 3;
/// Tables of one owner in one joint question.
pub const TABLES_MAX: usize = 8;
/// Rows of one shared table, with the padding.
pub const TABLE_ROWS_MAX: u32 = 1 << 24;
/// How far back joint runs are counted.
pub const JOINT_WINDOW_MS: u64 = 30 * 24 * 3_600 * 1_000;

/// When joint runs began, by who asked and whose tables they read.
pub(super) type JointRuns = OrdMap<(InstitutionId, InstitutionId), OrdSet<(TimeMs, Digest)>>;

impl State {
    /// Who takes part in a joint question beside its custodians is who may.
    pub(super) fn check_joint(
        &self,
        record: &Record,
        warrant: &Warrant,
        asked: &QuestionAsked,
        joint: &Joint,
    ) -> Result<(), Refusal> {
        let computing = &joint.computing;
        ensure(
            computing.len() == COMPUTING
                && (1..COMPUTING).all(|n| !computing[..n].contains(&computing[n])),
            Rule::Joint,
            || "a joint question is computed by three different members".into(),
        )?;
        for id in computing {
            let custodian = asked.custodians.iter().any(|one| one.institution == *id);
            ensure(custodian || *id == warrant.authority, Rule::Joint, || {
                format!("{id} may not compute: it is neither custodian nor the authority")
            })?;
        }
        let owners = &joint.owners;
        ensure(
            owners
                .windows(2)
                .all(|pair| pair[0].institution < pair[1].institution),
            Rule::Joint,
            || "owners are unsorted or repeated".into(),
        )?;
        for owner in owners {
            let (id, snapshots) = (&owner.institution, &owner.snapshots);
            ensure(
                *id == warrant.requester || *id == warrant.authority,
                Rule::Joint,
                || format!("{id} is none who may give a table beside the custodians"),
            )?;
            // What the authority gives stands in its order and in no snapshot.
            let subjects = *id == warrant.authority && warrant.terms.subjects >= 1;
            ensure(
                snapshots.is_empty() == (*id == warrant.authority)
                    && (subjects || !snapshots.is_empty()),
                Rule::Joint,
                || format!("{id} gives a table of nothing, or beside the warrant's subjects"),
            )?;
            self.check_snapshots(&record.header, owner)?;
        }
        self.joint_budget(
            warrant,
            asked.custodians.iter().map(|one| &one.institution),
            record.header.time_ms,
        )
    }

    /// Refuses where a custodian's tables were read in as many joint runs of this
    /// requester as the charter allows. Runs are counted by the records' own times, so
    /// that whoever replays the records without their blocks counts alike.
    fn joint_budget<'a>(
        &self,
        warrant: &Warrant,
        custodians: impl Iterator<Item = &'a InstitutionId>,
        now_ms: TimeMs,
    ) -> Result<(), Refusal> {
        let most = self.charter.limits.joint_runs_max as usize;
        let since = now_ms.saturating_sub(JOINT_WINDOW_MS);
        for custodian in custodians {
            let runs = self
                .joint_runs
                .get(&(warrant.requester.clone(), custodian.clone()));
            let recent = runs.map_or(0, |runs| {
                runs.iter().filter(|(begun, _)| *begun >= since).count()
            });
            ensure(recent < most, Rule::Budget, || {
                format!(
                    "{} has had {most} joint questions computed over {custodian}'s tables in thirty days: the difference of near-identical ones would tell of single persons",
                    warrant.requester
                )
            })?;
        }
        Ok(())
    }

    /// What an owner commits to for a joint question.
    pub(super) fn check_tables(
        &self,
        warrant: &Warrant,
        question: &Question,
        tables: &[TableCommitment],
        now_ms: TimeMs,
    ) -> Result<(), Refusal> {
        if question.joint.is_none() {
            return ensure(tables.is_empty(), Rule::Joint, || {
                "shared tables are for joint questions".into()
            });
        }
        ensure(
            (1..=TABLES_MAX).contains(&tables.len()),
            Rule::Joint,
            || format!("an owner gives 1 to {TABLES_MAX} tables"),
        )?;
        for (nth, table) in tables.iter().enumerate() {
            text_within(&table.table, "the table's name")?;
            let known = tables[..nth].iter().any(|one| one.table == table.table);
            ensure(
                !known
                    && (1..=TABLE_ROWS_MAX).contains(&table.rows)
                    && table.shares.len() == COMPUTING,
                Rule::Joint,
                || {
                    format!(
                        "{} is committed to twice, or is no table for three",
                        table.table
                    )
                },
            )?;
        }
        if question.phase == QuestionPhase::Open {
            let custodians = question.custodians.iter().map(|one| &one.institution);
            self.joint_budget(warrant, custodians, now_ms)?;
        }
        Ok(())
    }

    /// Counts a joint run that has just begun.
    pub(super) fn joint_begun(&mut self, warrant: &Warrant, id: &Digest, now_ms: TimeMs) {
        let Some(question) = warrant.questions.get(id) else {
            return;
        };
        if question.joint.is_none() || question.inputs.len() != 1 {
            return;
        }
        // No record can still come whose own time is further back than this.
        let forget = now_ms.saturating_sub(JOINT_WINDOW_MS + 2 * TIME_SKEW_MAX_MS);
        for custodian in &question.custodians {
            let key = (warrant.requester.clone(), custodian.institution.clone());
            let runs = self.joint_runs.entry(key).or_default();
            // What is too old to count is forgotten, so that the list stays short.
            *runs = runs
                .iter()
                .filter(|(begun, _)| *begun >= forget)
                .copied()
                .collect();
            runs.insert((now_ms, *id));
        }
    }

    pub(super) fn count_opened(
        &self,
        record: &Record,
        warrant: &Warrant,
        question: &mut Question,
        id: &Digest,
        (count, attestations): (&Count, &[Attestation]),
        at: At,
    ) -> Result<(), Refusal> {
        self.require_node(record)?;
        self.require_requester(record, warrant)?;
        self.in_force(warrant, at.time_ms)?;
        self.in_force(warrant, record.header.time_ms)?;
        let joint = question.joint.clone().ok_or_else(|| {
            Refusal::new(Rule::Count, "only a joint question has a count of its own")
        })?;
        ensure(
            question.phase == QuestionPhase::Running && question.count.is_none(),
            Rule::AlreadyDecided,
            || "the question is not running, or its count is opened".into(),
        )?;
        ensure(question.bound(), Rule::InputsMissing, || {
            "not every owner has committed its inputs".into()
        })?;
        self.check_attestations(id, joint.computing.iter(), attestations)?;
        let said = count.transcript(id);
        ensure(
            attestations.iter().all(|one| one.transcript == said),
            Rule::Attestation,
            || "the three have not signed this count".into(),
        )?;
        question.count = Some(*count);
        if joint.count_only || count.rows == 0 || count.rows > u64::from(question.answer_cap) {
            question.phase = QuestionPhase::Counted;
        }
        Ok(())
    }

    /// One attestation by each of the parties, in their order.
    pub(super) fn check_attestations<'a>(
        &self,
        question: &Digest,
        parties: impl ExactSizeIterator<Item = &'a InstitutionId>,
        attestations: &[Attestation],
    ) -> Result<(), Refusal> {
        ensure(
            attestations.len() == parties.len(),
            Rule::Attestation,
            || "one attestation for every party of the run".into(),
        )?;
        for (attestation, party) in attestations.iter().zip(parties) {
            let member = self
                .member(party)
                .filter(|_| attestation.institution == *party)
                .ok_or_else(|| Refusal::new(Rule::Attestation, "an attestation of another"))?;
            let message = Attestation::message(question, &attestation.transcript);
            member
                .node_key
                .verify(Attestation::DOMAIN, &message, &attestation.signature)
                .map_err(|_| {
                    let detail = format!("the attestation of {party} does not verify");
                    Refusal::new(Rule::Attestation, detail)
                })?;
        }
        Ok(())
    }
}
