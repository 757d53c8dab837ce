//! A run: inputs, completion or abortion, and the answer's disclosure.

use super::{
    At, Decision, Digest, Duty, InstitutionId, KeyCommitment, Question, QuestionPhase, Record,
    Refusal, Rule, State, Warrant, ensure, require_follows, require_part, text_within,
};
use crate::statement::Attestation;

impl State {
    pub(super) fn inputs_committed(
        &self,
        record: &Record,
        warrant: &mut Warrant,
        question: &mut Question,
        keys: &[KeyCommitment],
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
        ensure(
            question.decisions.get(institution) == Some(&Decision::Approved(keys.to_vec())),
            Rule::KeyMismatch,
            || format!("{institution} approved other keys, or none"),
        )?;
        if question.phase == QuestionPhase::Open {
            question.phase = QuestionPhase::Running;
            warrant.spent += 1;
        }
        question.inputs.insert(institution.clone());
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
        ensure(
            question.inputs.len() == question.custodians.len(),
            Rule::InputsMissing,
            || "not every custodian has committed its inputs".into(),
        )?;
        ensure(
            attestations.len() == question.custodians.len(),
            Rule::Attestation,
            || "one attestation for every custodian of the plan".into(),
        )?;
        for (attestation, asked) in attestations.iter().zip(&question.custodians) {
            let member = self
                .member(&asked.institution)
                .filter(|_| attestation.institution == asked.institution)
                .ok_or_else(|| Refusal::new(Rule::Attestation, "an attestation of another"))?;
            let message = Attestation::message(id, &attestation.transcript);
            let key = &member.node_key;
            key.verify(Attestation::DOMAIN, &message, &attestation.signature)
                .map_err(|_| {
                    Refusal::new(
                        Rule::Attestation,
                        format!("the attestation of {} does not verify", asked.institution),
                    )
                })?;
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
        cause: &str,
        blamed: Option<&InstitutionId>,
    ) -> Result<(), Refusal> {
        self.require_node(record)?;
        text_within(cause, "the cause")?;
        let party = |id: &InstitutionId| {
            *id == warrant.requester || question.custodians.iter().any(|one| one.institution == *id)
        };
        ensure(party(&record.header.institution), Rule::NotAsked, || {
            "only a party of the run can abort it".into()
        })?;
        if let Some(blamed) = blamed {
            ensure(party(blamed), Rule::NotAsked, || {
                format!("{blamed} is no party of the run")
            })?;
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
