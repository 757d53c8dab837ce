//! One docket: from draft to disclosure.

use super::{
    At, Record, Refusal, Role, Rule, State, Statement, TimeMs, Warrant, WarrantPhase, ensure,
    text_within,
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
                warrant.records.contains(digest)
                    || self.snapshots.contains_key(digest)
                    || self.are_rules_of(&header.institution, digest)
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
            Statement::NoticeGiven { told, withheld } => {
                self.notice_given(record, &mut warrant, *told, *withheld)?;
            }
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
            statement => {
                self.question_continued(record, &mut warrant, at)?;
                if let Statement::InputsCommitted { question, .. } = statement {
                    self.joint_begun(&warrant, question, header.time_ms);
                }
            }
        }
        warrant.records.insert(record.digest);
        self.warrants.insert(id, warrant);
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
