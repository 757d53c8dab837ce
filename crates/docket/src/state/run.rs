//! A run: inputs, completion or abortion, and the answer's disclosure.

use super::{
    At, Decision, Digest, Duty, InstitutionId, KeyCommitment, Question, QuestionPhase, Record,
    Refusal, Rule, State, Warrant, ensure, require_follows, require_part, text_within,
};
use crate::statement::{Attestation, Statement, TableCommitment};

impl State {
    pub(super) fn inputs_committed(
        &self,
        record: &Record,
        warrant: &mut Warrant,
        question: &mut Question,
        (keys, tables): (&[KeyCommitment], &[TableCommitment]),
        at: At,
    ) -> Result<(), Refusal> {
        self.require_node(record)?;
        let institution = &record.header.institution;
        self.in_force(warrant, at.time_ms)?;
        self.in_force(warrant, record.header.time_ms)?;
        ensure(
            matches!(question.phase, QuestionPhase::Open | QuestionPhase::Running)
                && !question.inputs.contains(institution),
            Rule::AlreadyDecided,
            || "inputs are already committed, or the question has ended".into(),
        )?;
        ensure(question.approved_by_all(), Rule::ApprovalMissing, || {
            "not every custodian of the plan has approved".into()
        })?;
        let beside = question.joint.iter().flat_map(|joint| &joint.owners);
        let approved = match question.decisions.get(institution) {
            Some(Decision::Approved(approved)) => approved == keys,
            // Requester and authority give their own tables to what they asked or ordered.
            None => {
                keys.is_empty()
                    && beside
                        .map(|one| &one.institution)
                        .any(|id| id == institution)
            }
            _ => false,
        };
        ensure(approved, Rule::KeyMismatch, || {
            format!("{institution} approved other keys, or none")
        })?;
        self.check_tables(warrant, question, tables, record.header.time_ms)?;
        if question.phase == QuestionPhase::Open {
            question.phase = QuestionPhase::Running;
            warrant.spent += 1;
        }
        question.inputs.insert(institution.clone());
        if !tables.is_empty() {
            question.tables.insert(institution.clone(), tables.to_vec());
        }
        Ok(())
    }

    pub(super) fn require_requester(
        &self,
        record: &Record,
        warrant: &Warrant,
    ) -> Result<(), Refusal> {
        ensure(
            record.header.institution == warrant.requester,
            Rule::Separation,
            || format!("the warrant was issued to {}", warrant.requester),
        )
    }

    pub(super) fn run_completed(
        &self,
        record: &Record,
        warrant: &Warrant,
        question: &mut Question,
        id: &Digest,
        attestations: &[Attestation],
        at: At,
    ) -> Result<(), Refusal> {
        self.require_node(record)?;
        self.require_requester(record, warrant)?;
        self.in_force(warrant, at.time_ms)?;
        self.in_force(warrant, record.header.time_ms)?;
        ensure(
            question.phase == QuestionPhase::Running,
            Rule::AlreadyDecided,
            || "the question is not running".into(),
        )?;
        ensure(question.bound(), Rule::InputsMissing, || {
            "not every owner has committed its inputs".into()
        })?;
        match &question.joint {
            None => {
                let custodians = question.custodians.iter().map(|one| &one.institution);
                self.check_attestations(id, custodians, attestations)?;
            }
            Some(joint) => {
                // Above the cap the question would have ended with its count.
                let count = question
                    .count
                    .ok_or_else(|| Refusal::new(Rule::Count, "the count was not opened"))?;
                self.check_attestations(id, joint.computing.iter(), attestations)?;
                // What the three signed for the count says nothing of an answer.
                let counted = count.transcript(id);
                ensure(
                    attestations.iter().all(|one| one.transcript != counted),
                    Rule::Attestation,
                    || "the count's attestations, and none of the answer".into(),
                )?;
            }
        }
        question.phase = QuestionPhase::Completed;
        question.completed = Some(record.digest);
        Ok(())
    }

    pub(super) fn run_aborted(
        &self,
        record: &Record,
        warrant: &Warrant,
        question: &mut Question,
    ) -> Result<(), Refusal> {
        self.require_node(record)?;
        let Statement::RunAborted {
            cause,
            blamed,
            refused_by,
            ..
        } = &record.header.statement
        else {
            return Err(Refusal::new(Rule::Format, "no end of a run"));
        };
        text_within(cause, "the cause")?;
        ensure(
            blamed.is_none() || refused_by.is_none(),
            Rule::Format,
            || "a run ends by a fault or by a refusal".into(),
        )?;
        let party = |id: &InstitutionId| *id == warrant.requester || question.takes_part(id);
        ensure(party(&record.header.institution), Rule::NotAsked, || {
            "only a party of the run can abort it".into()
        })?;
        for named in blamed.iter().chain(refused_by) {
            ensure(party(named), Rule::NotAsked, || {
                format!("{named} is no party of the run")
            })?;
        }
        if blamed.is_some() {
            require_part(&record.header, "evidence")?;
        }
        ensure(
            matches!(question.phase, QuestionPhase::Open | QuestionPhase::Running),
            Rule::AlreadyDecided,
            || "the question has already ended".into(),
        )?;
        question.phase = QuestionPhase::Aborted;
        Ok(())
    }

    pub(super) fn answer_disclosed(
        &self,
        record: &Record,
        warrant: &Warrant,
        question: &mut Question,
        rows: u32,
        at: At,
    ) -> Result<(), Refusal> {
        self.require_duty(record, Duty::Investigator, false)?;
        self.require_requester(record, warrant)?;
        self.in_force(warrant, at.time_ms)?;
        self.in_force(warrant, record.header.time_ms)?;
        let completed = question.completed.ok_or_else(|| {
            Refusal::new(Rule::AnswerUnknown, "the question has no completed run")
        })?;
        require_follows(&record.header, &completed)?;
        ensure(rows <= question.answer_cap, Rule::OverCap, || {
            format!("{rows} rows where {} are allowed", question.answer_cap)
        })?;
        ensure(
            question
                .count
                .is_none_or(|count| count.rows == u64::from(rows)),
            Rule::Count,
            || "not as many rows as were counted".into(),
        )?;
        let readers = &require_part(&record.header, "answer")?.readers;
        ensure(
            readers.iter().all(|reader| *reader == warrant.requester),
            Rule::Parts,
            || "an answer is disclosed to its requester alone".into(),
        )?;
        question.disclosed.insert(record.digest);
        Ok(())
    }
}
