//! One docket: from draft to disclosure.

use std::collections::BTreeSet;

use super::{
    Asked, At, Decision, Digest, Duty, InstitutionId, KeyCommitment, OrdMap, OrdSet, PublicKey,
    QUESTIONS_MAX, Question, QuestionPhase, Record, Refusal, Role, Rule, Signer, State, Statement,
    Terms, TimeMs, Warrant, WarrantId, WarrantPhase, ensure, require_follows, require_part,
    text_within,
};
use crate::statement::{Attestation, QuestionAsked};

/// Whether a warrant is in force at a time.
pub(super) fn in_force(warrant: &Warrant, now_ms: TimeMs) -> Result<(), Refusal> {
    match warrant.phase {
        WarrantPhase::Issued => {}
        WarrantPhase::Revoked => {
            return Err(Refusal::new(Rule::Revoked, "the warrant was revoked"));
        }
        WarrantPhase::Drafted | WarrantPhase::Refused => {
            return Err(Refusal::new(
                Rule::WarrantUnknown,
                "the warrant was not issued",
            ));
        }
    }
    ensure(
        now_ms >= warrant.terms.not_before_ms,
        Rule::NotYetValid,
        || "the warrant is not yet valid".into(),
    )?;
    ensure(now_ms < warrant.terms.expires_ms, Rule::Expired, || {
        "the warrant has expired".into()
    })
}

impl State {
    pub(super) fn judge_case(&mut self, record: &Record, at: At) -> Result<(), Refusal> {
        let header = &record.header;
        let id = header.warrant.ok_or_else(|| {
            Refusal::new(
                Rule::WarrantUnknown,
                "a record of a case names the case's warrant",
            )
        })?;
        if let Statement::WarrantDrafted { authority, terms } = &header.statement {
            return self.warrant_drafted(record, id, authority, terms);
        }
        let mut warrant = self
            .warrants
            .get(&id)
            .cloned()
            .ok_or_else(|| Refusal::new(Rule::WarrantUnknown, format!("no warrant {id}")))?;
        ensure(
            header.follows.iter().all(|digest| {
                warrant.records.contains(digest) || self.snapshots.contains_key(digest)
            }),
            Rule::Follows,
            || "a predecessor is of another docket or not on the ledger".into(),
        )?;
        match &header.statement {
            Statement::WarrantIssued { draft, terms } => {
                self.warrant_issued(record, &mut warrant, draft, terms)?;
            }
            Statement::WarrantRefused { draft } => {
                self.require_authority(record, &warrant)?;
                require_follows(header, draft)?;
                ensure(
                    warrant.phase == WarrantPhase::Drafted && warrant.draft == *draft,
                    Rule::WarrantDecided,
                    || "the draft is already decided".into(),
                )?;
                warrant.phase = WarrantPhase::Refused;
            }
            Statement::WarrantRevoked {} => {
                self.require_authority(record, &warrant)?;
                ensure(
                    warrant.phase == WarrantPhase::Issued,
                    Rule::WarrantDecided,
                    || "only a warrant in force can be revoked".into(),
                )?;
                warrant.phase = WarrantPhase::Revoked;
            }
            Statement::QuestionAsked(asked) => {
                self.question_asked(record, &mut warrant, asked, at)?;
            }
            Statement::Denied { rule, act } => {
                self.require_node(record)?;
                text_within(rule, "the rule")?;
                text_within(act, "the act")?;
            }
            Statement::Consulted { subject, what, .. } => {
                self.require_node(record)?;
                text_within(what, "what was read")?;
                ensure(warrant.records.contains(subject), Rule::Follows, || {
                    "what was read is not of this docket".into()
                })?;
            }
            _ => self.question_continued(record, &mut warrant, at)?,
        }
        warrant.records.insert(record.digest);
        self.warrants.insert(id, warrant);
        Ok(())
    }

    fn warrant_drafted(
        &mut self,
        record: &Record,
        id: WarrantId,
        authority: &InstitutionId,
        terms: &Terms,
    ) -> Result<(), Refusal> {
        self.require_duty(record, Duty::Investigator, false)?;
        ensure(
            !self.warrants.contains_key(&id),
            Rule::WarrantDecided,
            || format!("warrant {id} exists"),
        )?;
        let requester = &record.header.institution;
        self.check_terms(requester, authority, terms)?;
        let readers = &require_part(&record.header, "subjects")?.readers;
        ensure(
            readers
                .iter()
                .all(|reader| reader == authority || reader == requester),
            Rule::Parts,
            || "only requester and authority may read a draft's subjects".into(),
        )?;
        let mut records = OrdSet::new();
        records.insert(record.digest);
        self.warrants.insert(
            id,
            Warrant {
                requester: requester.clone(),
                authority: authority.clone(),
                terms: terms.clone(),
                phase: WarrantPhase::Drafted,
                draft: record.digest,
                issued: None,
                spent: 0,
                questions: OrdMap::new(),
                records,
            },
        );
        Ok(())
    }

    fn check_terms(
        &self,
        requester: &InstitutionId,
        authority: &InstitutionId,
        terms: &Terms,
    ) -> Result<(), Refusal> {
        ensure(requester != authority, Rule::Separation, || {
            "a requester can't be its own authority".into()
        })?;
        ensure(
            !terms.custodians.contains(requester) && !terms.custodians.contains(authority),
            Rule::Separation,
            || "a custodian can be neither requester nor authority of a case".into(),
        )?;
        let has = |id: &InstitutionId, role: Role| {
            self.member(id)
                .is_some_and(|member| member.roles.contains(&role))
        };
        ensure(has(authority, Role::Authority), Rule::Duty, || {
            format!("{authority} is no authority")
        })?;
        ensure(
            !terms.custodians.is_empty()
                && terms.custodians.iter().all(|id| has(id, Role::Custodian)),
            Rule::Terms,
            || "a warrant names at least one custodian, and only custodians".into(),
        )?;
        let limits = &self.charter.limits;
        ensure(
            terms.not_before_ms < terms.expires_ms
                && terms.expires_ms - terms.not_before_ms <= limits.warrant_life_max_ms,
            Rule::Terms,
            || "the warrant's life is empty or longer than the charter allows".into(),
        )?;
        ensure(
            (1..=limits.subjects_max).contains(&terms.subjects),
            Rule::Terms,
            || {
                format!(
                    "a warrant names 1 to {} subjects: without one there is no question",
                    limits.subjects_max
                )
            },
        )?;
        ensure(
            !terms.templates.is_empty()
                && (1..=limits.hops_max).contains(&terms.hops)
                && (1..=limits.answer_cap_max).contains(&terms.answer_cap)
                && terms.runs >= 1,
            Rule::Terms,
            || "templates, hops, cap and runs are bounded and not empty".into(),
        )
    }

    fn require_authority(&self, record: &Record, warrant: &Warrant) -> Result<(), Refusal> {
        self.require_duty(record, Duty::Judge, false)?;
        ensure(
            record.header.institution == warrant.authority,
            Rule::Separation,
            || format!("the draft was sent to {}", warrant.authority),
        )
    }

    fn warrant_issued(
        &self,
        record: &Record,
        warrant: &mut Warrant,
        draft: &Digest,
        terms: &Terms,
    ) -> Result<(), Refusal> {
        self.require_authority(record, warrant)?;
        require_follows(&record.header, draft)?;
        ensure(
            warrant.phase == WarrantPhase::Drafted && warrant.draft == *draft,
            Rule::WarrantDecided,
            || "the draft is already decided".into(),
        )?;
        self.check_terms(&warrant.requester, &warrant.authority, terms)?;
        let asked = &warrant.terms;
        ensure(
            terms.case == asked.case
                && terms.templates.is_subset(&asked.templates)
                && terms.custodians.is_subset(&asked.custodians)
                && terms.subjects <= asked.subjects
                && terms.hops <= asked.hops
                && terms.answer_cap <= asked.answer_cap
                && terms.runs <= asked.runs
                && terms.expires_ms <= asked.expires_ms,
            Rule::Terms,
            || "an authority may narrow a draft, never widen it".into(),
        )?;
        let order = require_part(&record.header, "order")?;
        ensure(
            terms
                .custodians
                .iter()
                .all(|custodian| order.readers.contains(custodian)),
            Rule::Parts,
            || "every custodian of the warrant must be able to read its order".into(),
        )?;
        let subjects = &require_part(&record.header, "subjects")?.readers;
        ensure(
            subjects
                .iter()
                .all(|reader| *reader == warrant.authority || *reader == warrant.requester),
            Rule::Parts,
            || "only requester and authority may read a warrant's subjects".into(),
        )?;
        warrant.terms = terms.clone();
        warrant.phase = WarrantPhase::Issued;
        warrant.issued = Some(record.digest);
        Ok(())
    }

    fn question_asked(
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
        in_force(warrant, at.time_ms)?;
        in_force(warrant, header.time_ms)?;
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
        let readers = &require_part(header, "plan")?.readers;
        ensure(
            asked
                .custodians
                .iter()
                .all(|custodian| readers.contains(&custodian.institution)),
            Rule::Parts,
            || "every custodian must be able to read the plan".into(),
        )?;
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
                answer_cap: asked.answer_cap,
                custodians: asked.custodians.clone(),
                decisions: OrdMap::new(),
                inputs: OrdSet::new(),
                phase: QuestionPhase::Open,
                completed: None,
                disclosed: OrdSet::new(),
            },
        );
        Ok(())
    }

    fn check_asked(
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
            for digest in &custodian.snapshots {
                require_follows(header, digest)?;
                ensure(
                    self.snapshots
                        .get(digest)
                        .is_some_and(|known| known.institution == custodian.institution),
                    Rule::SnapshotUnknown,
                    || {
                        format!(
                            "{} is no snapshot of {}",
                            digest.short(),
                            custodian.institution
                        )
                    },
                )?;
            }
        }
        Ok(())
    }

    fn question_continued(
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
                self.decide(record, warrant, &question, plan, by_rule.is_some(), at)?;
                self.check_keys(&question, &header.institution, keys)?;
                let decision = Decision::Approved(keys.clone());
                question
                    .decisions
                    .insert(header.institution.clone(), decision);
            }
            Statement::Narrowed {
                plan,
                hops,
                answer_cap,
                ..
            } => {
                self.decide(record, warrant, &question, plan, false, at)?;
                require_part(header, "reason")?;
                let decision = Decision::Narrowed {
                    hops: *hops,
                    answer_cap: *answer_cap,
                };
                question
                    .decisions
                    .insert(header.institution.clone(), decision);
                question.phase = QuestionPhase::Declined;
            }
            Statement::Refused { plan, .. } => {
                self.decide(record, warrant, &question, plan, true, at)?;
                require_part(header, "reason")?;
                question
                    .decisions
                    .insert(header.institution.clone(), Decision::Refused);
                question.phase = QuestionPhase::Declined;
            }
            Statement::InputsCommitted { keys, .. } => {
                self.inputs_committed(record, warrant, &mut question, keys, at)?;
            }
            Statement::RunCompleted { attestations, .. } => {
                self.run_completed(record, warrant, &mut question, &id, attestations, at)?;
            }
            Statement::RunAborted { cause, .. } => {
                self.run_aborted(record, warrant, &mut question, cause)?;
            }
            Statement::AnswerDisclosed { rows, .. } => {
                self.answer_disclosed(record, warrant, &mut question, *rows, at)?;
            }
            Statement::BundleExported { .. } => {
                self.require_duty(record, Duty::Investigator, false)?;
                self.require_requester(record, warrant)?;
                ensure(!question.disclosed.is_empty(), Rule::AnswerUnknown, || {
                    "no answer was opened".into()
                })?;
            }
            _ => return Err(Refusal::new(Rule::Format, "unknown kind of record")),
        }
        warrant.questions.insert(id, question);
        Ok(())
    }

    fn decide(
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
        in_force(warrant, at.time_ms)?;
        in_force(warrant, record.header.time_ms)?;
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

    fn check_keys(
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

    fn inputs_committed(
        &self,
        record: &Record,
        warrant: &mut Warrant,
        question: &mut Question,
        keys: &[KeyCommitment],
        at: At,
    ) -> Result<(), Refusal> {
        self.require_node(record)?;
        let institution = &record.header.institution;
        in_force(warrant, at.time_ms)?;
        in_force(warrant, record.header.time_ms)?;
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

    fn require_requester(&self, record: &Record, warrant: &Warrant) -> Result<(), Refusal> {
        ensure(
            record.header.institution == warrant.requester,
            Rule::Separation,
            || format!("the warrant was issued to {}", warrant.requester),
        )
    }

    fn run_completed(
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
        in_force(warrant, at.time_ms)?;
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
            let key: &PublicKey = &member.node_key;
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

    fn run_aborted(
        &self,
        record: &Record,
        warrant: &Warrant,
        question: &mut Question,
        cause: &str,
    ) -> Result<(), Refusal> {
        self.require_node(record)?;
        text_within(cause, "the cause")?;
        let institution = &record.header.institution;
        ensure(
            *institution == warrant.requester
                || question
                    .custodians
                    .iter()
                    .any(|asked| asked.institution == *institution),
            Rule::NotAsked,
            || "only a party of the run can abort it".into(),
        )?;
        ensure(
            matches!(question.phase, QuestionPhase::Open | QuestionPhase::Running),
            Rule::AlreadyDecided,
            || "the question has already ended".into(),
        )?;
        question.phase = QuestionPhase::Aborted;
        Ok(())
    }

    fn answer_disclosed(
        &self,
        record: &Record,
        warrant: &Warrant,
        question: &mut Question,
        rows: u32,
        at: At,
    ) -> Result<(), Refusal> {
        self.require_duty(record, Duty::Investigator, false)?;
        self.require_requester(record, warrant)?;
        if let Signer::Officer(officer) = self.signer(record)? {
            text_within(officer.id.0.as_str(), "the officer")?;
        }
        in_force(warrant, at.time_ms)?;
        in_force(warrant, record.header.time_ms)?;
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
