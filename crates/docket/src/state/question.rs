//! A question: asked within its warrant, and what each custodian says of it.

use std::collections::BTreeSet;

use super::{
    Asked, At, Decision, Digest, Duty, Header, InstitutionId, KeyCommitment, OrdMap, OrdSet,
    QUESTIONS_MAX, Question, QuestionPhase, Record, Refusal, Rule, STEPS_MAX, State, Statement,
    Terms, Warrant, ensure, require_follows, require_part, text_within,
};
use crate::statement::QuestionAsked;

/// A custodian declines: with a reason, and the question ends.
fn decline(header: &Header, question: &mut Question, decision: Decision) -> Result<(), Refusal> {
    require_part(header, "reason")?;
    question
        .decisions
        .insert(header.institution.clone(), decision);
    question.phase = QuestionPhase::Declined;
    Ok(())
}

fn narrower(question: &Question, hops: u8, answer_cap: u32) -> Result<(), Refusal> {
    ensure(
        (1..=question.hops).contains(&hops)
            && (1..=question.answer_cap).contains(&answer_cap)
            && (hops, answer_cap) != (question.hops, question.answer_cap),
        Rule::Scope,
        || "a narrower plan has fewer hops or rows, and not more of either".into(),
    )
}

impl State {
    pub(super) fn question_continued(
        &self,
        record: &Record,
        warrant: &mut Warrant,
        at: At,
    ) -> Result<(), Refusal> {
        let header = &record.header;
        let id = *header.statement.question().ok_or_else(|| {
            Refusal::new(
                Rule::Format,
                "a kind of record that this version does not know",
            )
        })?;
        require_follows(header, &id)?;
        let mut question = warrant.questions.get(&id).cloned().ok_or_else(|| {
            Refusal::new(Rule::QuestionUnknown, "no such question under this warrant")
        })?;
        match &header.statement {
            Statement::Approved {
                plan,
                keys,
                by_rule,
                ..
            } => {
                let said = (plan, keys.as_slice(), by_rule.as_deref());
                self.approved(record, warrant, &mut question, said, at)?;
            }
            Statement::Narrowed {
                plan,
                hops,
                answer_cap,
                ..
            } => {
                self.decide(record, warrant, &question, plan, false, at)?;
                narrower(&question, *hops, *answer_cap)?;
                let (hops, answer_cap) = (*hops, *answer_cap);
                decline(
                    header,
                    &mut question,
                    Decision::Narrowed { hops, answer_cap },
                )?;
            }
            Statement::Refused { plan, .. } => {
                self.decide(record, warrant, &question, plan, true, at)?;
                decline(header, &mut question, Decision::Refused)?;
            }
            Statement::InputsCommitted { keys, tables, .. } => {
                self.inputs_committed(record, warrant, &mut question, (keys, tables), at)?;
            }
            Statement::CountOpened {
                count,
                attestations,
                ..
            } => {
                let said = (count, attestations.as_slice());
                self.count_opened(record, warrant, &mut question, &id, said, at)?;
            }
            Statement::RunCompleted {
                attestations,
                evaluated,
                ..
            } => {
                ensure(evaluated.len() <= STEPS_MAX, Rule::Limit, || {
                    format!("a run has at most {STEPS_MAX} steps")
                })?;
                self.run_completed(record, warrant, &mut question, &id, attestations, at)?;
            }
            Statement::RunAborted { .. } => self.run_aborted(record, warrant, &mut question)?,
            Statement::AnswerDisclosed { rows, .. } => {
                self.answer_disclosed(record, warrant, &mut question, *rows, at)?;
            }
            Statement::BundleExported { .. } => {
                self.require_opened(record, warrant, &question)?;
            }
            Statement::PassedOn { form, .. } => {
                self.passed_on(record, warrant, &question, form)?;
            }
            _ => return Err(Refusal::new(Rule::Format, "unknown kind of record")),
        }
        warrant.questions.insert(id, question);
        Ok(())
    }

    fn approved(
        &self,
        record: &Record,
        warrant: &Warrant,
        question: &mut Question,
        (plan, keys, by_rule): (&Digest, &[KeyCommitment], Option<&str>),
        at: At,
    ) -> Result<(), Refusal> {
        self.decide(record, warrant, question, plan, by_rule.is_some(), at)?;
        if let Some(rule) = by_rule {
            self.require_rule(record, warrant, question, rule)?;
        }
        let institution = &record.header.institution;
        self.check_keys(question, institution, keys)?;
        let decision = Decision::Approved(keys.to_vec());
        question.decisions.insert(institution.clone(), decision);
        Ok(())
    }

    fn passed_on(
        &self,
        record: &Record,
        warrant: &Warrant,
        question: &Question,
        form: &str,
    ) -> Result<(), Refusal> {
        self.require_opened(record, warrant, question)?;
        text_within(form, "the form")?;
        let reason = require_part(&record.header, "reason")?;
        self.check_readers(reason, warrant, |_| false)
    }

    /// What leaves the house is an opened answer of one's own.
    fn require_opened(
        &self,
        record: &Record,
        warrant: &Warrant,
        question: &Question,
    ) -> Result<(), Refusal> {
        self.require_duty(record, Duty::Investigator, false)?;
        self.require_requester(record, warrant)?;
        ensure(!question.disclosed.is_empty(), Rule::AnswerUnknown, || {
            "no answer was opened".into()
        })
    }

    pub(super) fn question_asked(
        &self,
        record: &Record,
        warrant: &mut Warrant,
        asked: &QuestionAsked,
        at: At,
    ) -> Result<(), Refusal> {
        self.require_duty(record, Duty::Investigator, false)?;
        let header = &record.header;
        ensure(
            header.institution == warrant.requester,
            Rule::Separation,
            || format!("the warrant was issued to {}", warrant.requester),
        )?;
        self.in_force(warrant, at.time_ms)?;
        self.in_force(warrant, header.time_ms)?;
        ensure(
            warrant.issued == Some(asked.warrant),
            Rule::WarrantUnknown,
            || "the question names another order than the docket's".into(),
        )?;
        require_follows(header, &asked.warrant)?;
        let terms = &warrant.terms;
        ensure(
            terms.templates.contains(&asked.template),
            Rule::Scope,
            || format!("the warrant does not allow {}", asked.template),
        )?;
        ensure(
            (1..=terms.hops).contains(&asked.hops)
                && (1..=terms.answer_cap).contains(&asked.answer_cap),
            Rule::Scope,
            || "more hops or rows than the warrant allows".into(),
        )?;
        self.check_asked(header, terms, &asked.custodians)?;
        if let Some(joint) = &asked.joint {
            self.check_joint(record, warrant, asked, joint)?;
        }
        // A question that ended before any input was committed costs nothing.
        let open = warrant
            .questions
            .values()
            .filter(|question| question.phase == QuestionPhase::Open)
            .count();
        let spent = warrant.spent as usize + open;
        ensure(spent < terms.runs as usize, Rule::Budget, || {
            format!("the warrant's {} runs are spent", terms.runs)
        })?;
        ensure(warrant.questions.len() < QUESTIONS_MAX, Rule::Limit, || {
            format!("at most {QUESTIONS_MAX} questions a warrant")
        })?;
        self.check_plan_readers(header, warrant, asked)?;
        let asker = header
            .officer
            .clone()
            .ok_or_else(|| Refusal::new(Rule::Duty, "a question is asked by an officer"))?;
        warrant.questions.insert(
            record.digest,
            Question {
                asker,
                plan: asked.plan,
                template: asked.template.clone(),
                hops: asked.hops,
                answer_cap: asked.answer_cap,
                custodians: asked.custodians.clone(),
                decisions: OrdMap::new(),
                inputs: OrdSet::new(),
                phase: QuestionPhase::Open,
                joint: asked.joint.clone(),
                tables: OrdMap::new(),
                count: None,
                completed: None,
                disclosed: OrdSet::new(),
            },
        );
        Ok(())
    }

    /// Whoever has a part in the question can read its plan, and nobody else.
    fn check_plan_readers(
        &self,
        header: &Header,
        warrant: &Warrant,
        asked: &QuestionAsked,
    ) -> Result<(), Refusal> {
        let plan = require_part(header, "plan")?;
        let beside = asked.joint.iter().flat_map(|joint| &joint.owners);
        // The requester wrote it.
        let beside = beside.filter(|one| one.institution != warrant.requester);
        ensure(
            beside
                .chain(asked.custodians.iter())
                .map(|one| &one.institution)
                .chain(asked.joint.iter().flat_map(|joint| &joint.computing))
                .all(|party| plan.readers.contains(party)),
            Rule::Parts,
            || {
                "every custodian, and whoever computes or gives a table, must be able to read the plan".into()
            },
        )?;
        self.check_readers(plan, warrant, |id| {
            asked.custodians.iter().any(|one| one.institution == *id)
        })
    }

    pub(super) fn check_asked(
        &self,
        header: &crate::Header,
        terms: &Terms,
        custodians: &[Asked],
    ) -> Result<(), Refusal> {
        ensure(
            !custodians.is_empty()
                && custodians
                    .windows(2)
                    .all(|pair| pair[0].institution < pair[1].institution),
            Rule::Scope,
            || "custodians are none, unsorted or repeated".into(),
        )?;
        for custodian in custodians {
            ensure(
                terms.custodians.contains(&custodian.institution),
                Rule::Scope,
                || format!("the warrant does not name {}", custodian.institution),
            )?;
            ensure(
                !custodian.snapshots.is_empty(),
                Rule::SnapshotUnknown,
                || format!("no snapshot of {}", custodian.institution),
            )?;
            self.check_snapshots(header, custodian)?;
        }
        Ok(())
    }

    /// Each snapshot once, on the ledger, of who is asked, and among what the
    /// question follows.
    pub(super) fn check_snapshots(
        &self,
        header: &crate::Header,
        asked: &Asked,
    ) -> Result<(), Refusal> {
        for (place, digest) in asked.snapshots.iter().enumerate() {
            ensure(
                !asked.snapshots[..place].contains(digest),
                Rule::SnapshotUnknown,
                || format!("snapshot {} is named twice", digest.short()),
            )?;
            require_follows(header, digest)?;
            let known = self.snapshots.get(digest);
            ensure(
                known.is_some_and(|known| known.institution == asked.institution),
                Rule::SnapshotUnknown,
                || format!("{} is no snapshot of {}", digest.short(), asked.institution),
            )?;
        }
        Ok(())
    }

    pub(super) fn decide(
        &self,
        record: &Record,
        warrant: &Warrant,
        question: &Question,
        plan: &Digest,
        node: bool,
        at: At,
    ) -> Result<(), Refusal> {
        self.require_duty(record, Duty::Approver, node)?;
        let institution = &record.header.institution;
        ensure(
            *institution != warrant.requester && *institution != warrant.authority,
            Rule::Separation,
            || "who asks or orders can't approve".into(),
        )?;
        self.in_force(warrant, at.time_ms)?;
        self.in_force(warrant, record.header.time_ms)?;
        ensure(question.plan == *plan, Rule::PlanMismatch, || {
            "the decision is about another plan".into()
        })?;
        ensure(
            question
                .custodians
                .iter()
                .any(|asked| asked.institution == *institution),
            Rule::NotAsked,
            || format!("{institution} is no custodian of this plan"),
        )?;
        ensure(
            question.phase == QuestionPhase::Open && !question.decisions.contains_key(institution),
            Rule::AlreadyDecided,
            || format!("{institution} has decided, or the question has ended"),
        )
    }

    pub(super) fn check_keys(
        &self,
        question: &Question,
        institution: &InstitutionId,
        keys: &[KeyCommitment],
    ) -> Result<(), Refusal> {
        let snapshots = question
            .custodians
            .iter()
            .find(|asked| asked.institution == *institution)
            .map(|asked| asked.snapshots.as_slice())
            .unwrap_or_default();
        if question.joint.is_some() {
            return ensure(keys.is_empty(), Rule::KeyMismatch, || {
                "a joint question looks nothing up".into()
            });
        }
        ensure(
            !keys.is_empty() && keys.windows(2).all(|pair| pair[0] < pair[1]),
            Rule::KeyMismatch,
            || "key commitments are none, unsorted or repeated".into(),
        )?;
        let covered: BTreeSet<&Digest> = keys.iter().map(|key| &key.snapshot).collect();
        ensure(
            covered.len() == snapshots.len() && snapshots.iter().all(|s| covered.contains(s)),
            Rule::KeyMismatch,
            || "the keys are not those of the plan's snapshots".into(),
        )?;
        for key in keys {
            let known = self.snapshots.get(&key.snapshot).is_some_and(|snapshot| {
                snapshot
                    .statement
                    .keys
                    .iter()
                    .any(|known| known.name == key.key)
            });
            ensure(known, Rule::KeyMismatch, || {
                format!("the snapshot has no lookup key {}", key.key)
            })?;
        }
        Ok(())
    }
}
