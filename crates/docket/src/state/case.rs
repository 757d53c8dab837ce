//! One docket: from draft to disclosure.

use super::{
    At, Decision, Record, Refusal, Role, Rule, STEPS_MAX, State, Statement, TimeMs, Warrant,
    WarrantPhase, ensure, require_follows, require_part, text_within,
};

impl State {
    /// Whether a warrant is in force at a time.
    pub(super) fn in_force(&self, warrant: &Warrant, now_ms: TimeMs) -> Result<(), Refusal> {
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
        // Nobody could revoke it any more.
        ensure(
            self.member(&warrant.authority)
                .is_some_and(|member| member.roles.contains(&Role::Authority)),
            Rule::Revoked,
            || format!("{} is no authority any more", warrant.authority),
        )?;
        ensure(
            now_ms >= warrant.terms.not_before_ms,
            Rule::NotYetValid,
            || "the warrant is not yet valid".into(),
        )?;
        ensure(now_ms < warrant.terms.expires_ms, Rule::Expired, || {
            "the warrant has expired".into()
        })
    }

    pub(super) fn judge_case(&mut self, record: &Record, at: At) -> Result<(), Refusal> {
        let header = &record.header;
        if let (None, Statement::Denied { .. }) = (header.warrant, &header.statement) {
            return self.denied(record);
        }
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
                self.warrant_refused(record, &mut warrant, draft)?;
            }
            Statement::WarrantRevoked {} => self.warrant_revoked(record, &mut warrant)?,
            Statement::QuestionAsked(asked) => {
                self.question_asked(record, &mut warrant, asked, at)?;
            }
            Statement::Denied { .. } => self.denied(record)?,
            Statement::Consulted {
                subject,
                reader,
                what,
            } => {
                self.require_node(record)?;
                text_within(what, "what was read")?;
                ensure(
                    self.has_officer(&header.institution, reader),
                    Rule::SignerUnknown,
                    || format!("no officer {reader} at {}", header.institution),
                )?;
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
                if let Some(rule) = by_rule {
                    text_within(rule, "the approving rule")?;
                }
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
                ensure(
                    (1..=question.hops).contains(hops)
                        && (1..=question.answer_cap).contains(answer_cap)
                        && (*hops, *answer_cap) != (question.hops, question.answer_cap),
                    Rule::Scope,
                    || "a narrower plan has fewer hops or rows, and not more of either".into(),
                )?;
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
            Statement::RunAborted { cause, blamed, .. } => {
                self.run_aborted(record, warrant, &mut question, cause, blamed.as_ref())?;
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

    fn denied(&self, record: &Record) -> Result<(), Refusal> {
        self.require_node(record)?;
        if let Statement::Denied { rule, act } = &record.header.statement {
            text_within(rule, "the rule")?;
            text_within(act, "the act")?;
        }
        ensure(
            record.header.warrant.is_some() || record.header.follows.is_empty(),
            Rule::Follows,
            || "a denial outside any docket follows nothing".into(),
        )
    }
}
