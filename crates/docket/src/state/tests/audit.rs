//! The design's rules, read off the list of accepted records.
//!
//! Slow and naive on purpose: it keeps no state and shares no code with the
//! state machine that it judges.

use std::collections::BTreeSet;

use primitives::{Digest, InstitutionId, TimeMs};

use super::world::charter;

mod joint;

pub(super) use joint::JOINT_RUNS_MAX;

use crate::{
    CredentialId, Duty, Header, OfficerId, Record, Role, Statement,
    state::{At, TIME_SKEW_MAX_MS},
    statement::{QuestionAsked, Terms},
};

/// An officer: institution, handle, duties.
type Known = (InstitutionId, OfficerId, BTreeSet<Duty>);

/// The rules as a reader of the list of accepted records would check them.
pub(super) struct Audit<'a>(pub(super) &'a [(Record, At)]);

impl Audit<'_> {
    pub(super) fn check(&self, record: &Record, at: At) {
        let header = &record.header;
        assert!(header.time_ms.abs_diff(at.time_ms) <= TIME_SKEW_MAX_MS);
        assert!(
            self.0
                .iter()
                .all(|(known, _)| known.digest != record.digest)
        );
        let officer = self.signer(record);
        for digest in &header.follows {
            assert!(self.find(digest).is_some(), "a predecessor nobody accepted");
        }
        match &header.statement {
            Statement::WarrantDrafted { authority, terms } => {
                let requester = &header.institution;
                self.duty(&officer, Duty::Investigator);
                assert!(self.docket(header).next().is_none());
                assert_ne!(requester, authority, "requester and authority are one");
                assert!(role(requester, Role::Requester) && role(authority, Role::Authority));
                assert!(!terms.custodians.contains(requester));
                assert!(!terms.custodians.contains(authority));
            }
            Statement::WarrantIssued { draft, terms } => {
                let (_, authority, asked) = self.draft(header);
                self.duty(&officer, Duty::Judge);
                assert_eq!(header.institution, authority, "issued by another authority");
                assert_eq!(self.find(draft).unwrap().header.warrant, header.warrant);
                assert!(!self.decided(header));
                assert!(terms.custodians.is_subset(&asked.custodians));
                assert!(terms.runs <= asked.runs && terms.expires_ms <= asked.expires_ms);
            }
            Statement::WarrantRefused { .. } | Statement::WarrantRevoked {} => {
                self.duty(&officer, Duty::Judge);
                assert_eq!(header.institution, self.draft(header).1);
            }
            Statement::QuestionAsked(asked) => self.question_asked(header, asked, &officer, at),
            Statement::Approved { question, plan, .. }
            | Statement::Narrowed { question, plan, .. }
            | Statement::Refused { question, plan } => {
                self.decision(header, question, plan, &officer, at);
            }
            Statement::InputsCommitted { question, .. } => self.inputs(record, question, at),
            Statement::RunCompleted {
                question,
                attestations,
                ..
            } => {
                assert!(officer.is_none());
                self.bound(header, question, at);
                self.completed_joint(header, question, attestations);
            }
            Statement::CountOpened {
                question,
                count,
                attestations,
            } => {
                assert!(officer.is_none());
                self.bound(header, question, at);
                self.counted(header, question, count, attestations);
            }
            Statement::AnswerDisclosed { question, rows } => {
                self.duty(&officer, Duty::Investigator);
                assert_eq!(header.institution, self.draft(header).0);
                self.in_force(header, at);
                assert!(*rows <= self.asked(header, question).answer_cap);
                if let Some(count) = self.count(header, question) {
                    assert_eq!(count.rows, u64::from(*rows), "not what was counted");
                }
                let requester = &header.institution;
                assert!(
                    self.says(header, question, requester, "run-completed"),
                    "no run"
                );
            }
            Statement::RulesChanged(_) => self.duty(&officer, Duty::Approver),
            Statement::PassedOn { question, .. } => {
                self.duty(&officer, Duty::Investigator);
                assert_eq!(header.institution, self.draft(header).0);
                let requester = &header.institution;
                assert!(self.says(header, question, requester, "answer-disclosed"));
            }
            Statement::NoticeGiven { .. } => self.noticed(header),
            Statement::RunAborted { question, .. } => {
                assert!(officer.is_none());
                assert!(!self.ended(header, question));
            }
            _ => {}
        }
    }

    /// With this one, no more subjects are accounted for than the order has.
    fn noticed(&self, header: &Header) {
        let (requester, authority, asked) = self.draft(header);
        assert!([&requester, &authority].contains(&&header.institution));
        let count = |header: &Header| match header.statement {
            Statement::NoticeGiven { told, withheld } => told + withheld,
            _ => 0,
        };
        let before: u32 = self.docket(header).map(|known| count(&known.header)).sum();
        assert!(count(header) > 0 && before + count(header) <= asked.subjects);
    }

    /// The officer who signed, or `None` for a node; panics for anybody else.
    fn signer(&self, record: &Record) -> Option<Known> {
        let header = &record.header;
        let node = charter()
            .members
            .into_iter()
            .find(|member| CredentialId::from(member.node_key) == record.signer);
        if let Some(member) = node {
            assert_eq!(member.id, header.institution);
            assert_eq!(header.officer, None);
            return None;
        }
        let mut found = None;
        for (known, _) in self.0 {
            match &known.header.statement {
                Statement::OfficerEnrolled {
                    officer,
                    key,
                    duties,
                } if CredentialId::from(*key) == record.signer => {
                    let institution = known.header.institution.clone();
                    found = Some((institution, officer.clone(), duties.clone()));
                }
                Statement::OfficerRetired { key } if *key == record.signer => found = None,
                _ => {}
            }
        }
        let officer = found.expect("an enrolled officer signed");
        assert_eq!(officer.0, header.institution);
        assert_eq!(Some(&officer.1), header.officer.as_ref());
        Some(officer)
    }

    fn duty(&self, officer: &Option<Known>, duty: Duty) {
        let (institution, _, duties) = officer.as_ref().expect("an officer, not a node");
        assert!(duties.contains(&duty), "an officer without the duty");
        assert!(duty.role().is_none_or(|wanted| role(institution, wanted)));
    }

    fn find(&self, digest: &Digest) -> Option<&Record> {
        self.0
            .iter()
            .map(|(record, _)| record)
            .find(|record| record.digest == *digest)
    }

    fn docket(&self, header: &Header) -> impl Iterator<Item = &Record> {
        let warrant = header
            .warrant
            .expect("a record of a case names its warrant");
        self.0
            .iter()
            .map(|(record, _)| record)
            .filter(move |record| record.header.warrant == Some(warrant))
    }

    /// Requester, authority and terms asked for.
    fn draft(&self, header: &Header) -> (InstitutionId, InstitutionId, Terms) {
        self.docket(header)
            .find_map(|record| match &record.header.statement {
                Statement::WarrantDrafted { authority, terms } => Some((
                    record.header.institution.clone(),
                    authority.clone(),
                    terms.clone(),
                )),
                _ => None,
            })
            .expect("a docket begins with a draft")
    }

    fn decided(&self, header: &Header) -> bool {
        self.docket(header)
            .any(|record| matches!(record.kind(), "warrant-issued" | "warrant-refused"))
    }

    /// The terms granted, in force both at the block's and the record's time.
    fn in_force(&self, header: &Header, at: At) -> Terms {
        assert!(
            self.docket(header)
                .all(|record| record.kind() != "warrant-revoked"),
            "revoked"
        );
        let terms = self
            .docket(header)
            .find_map(|record| match &record.header.statement {
                Statement::WarrantIssued { terms, .. } => Some(terms.clone()),
                _ => None,
            })
            .expect("no warrant, no computation");
        let inside = |time: TimeMs| terms.not_before_ms <= time && time < terms.expires_ms;
        assert!(
            inside(at.time_ms) && inside(header.time_ms),
            "outside the warrant's life"
        );
        terms
    }

    fn asked(&self, header: &Header, question: &Digest) -> &QuestionAsked {
        let record = self.find(question).expect("a question that was asked");
        assert_eq!(
            record.header.warrant, header.warrant,
            "a question of another docket"
        );
        match &record.header.statement {
            Statement::QuestionAsked(asked) => asked,
            _ => panic!("not a question"),
        }
    }

    fn says(&self, header: &Header, question: &Digest, who: &InstitutionId, kind: &str) -> bool {
        self.docket(header).any(|record| {
            record.kind() == kind
                && record.header.institution == *who
                && record.header.statement.question() == Some(question)
        })
    }

    fn any(&self, header: &Header, question: &Digest, kinds: &[&str]) -> bool {
        self.docket(header).any(|record| {
            kinds.contains(&record.kind()) && record.header.statement.question() == Some(question)
        })
    }

    fn ended(&self, header: &Header, question: &Digest) -> bool {
        self.any(
            header,
            question,
            &["narrowed", "refused", "run-completed", "run-aborted"],
        ) || self.ended_by_count(header, question)
    }

    fn question_asked(
        &self,
        header: &Header,
        asked: &QuestionAsked,
        officer: &Option<Known>,
        at: At,
    ) {
        self.duty(officer, Duty::Investigator);
        assert_eq!(
            header.institution,
            self.draft(header).0,
            "asked by another requester"
        );
        let terms = self.in_force(header, at);
        assert!(terms.templates.contains(&asked.template));
        assert!(asked.hops <= terms.hops && asked.answer_cap <= terms.answer_cap);
        assert!(!asked.custodians.is_empty());
        for one in &asked.custodians {
            assert!(terms.custodians.contains(&one.institution), "out of scope");
            for snapshot in &one.snapshots {
                let record = self.find(snapshot).unwrap();
                assert_eq!(record.kind(), "snapshot-committed");
                assert_eq!(record.header.institution, one.institution);
            }
        }
        self.asked_joint(header, asked);
        assert!(
            self.could_run(header) < terms.runs as usize,
            "beyond the budget"
        );
    }

    /// Questions that have run or still may.
    fn could_run(&self, header: &Header) -> usize {
        self.docket(header)
            .filter(|record| record.kind() == "question-asked")
            .filter(|record| {
                let ran = self.any(header, &record.digest, &["inputs-committed"]);
                ran || !self.ended(header, &record.digest)
            })
            .count()
    }

    fn decision(
        &self,
        header: &Header,
        question: &Digest,
        plan: &Digest,
        officer: &Option<Known>,
        at: At,
    ) {
        let me = &header.institution;
        match (&header.statement, officer) {
            (Statement::Approved { by_rule, .. }, None) => {
                let name = by_rule.as_deref().expect("a node names its rule");
                self.standing(header, question, name);
            }
            (Statement::Refused { .. }, None) => assert!(role(me, Role::Custodian)),
            _ => self.duty(officer, Duty::Approver),
        }
        let (requester, authority, _) = self.draft(header);
        assert!(
            *me != requester && *me != authority,
            "approves its own case"
        );
        self.in_force(header, at);
        let asked = self.asked(header, question);
        assert_eq!(asked.plan, *plan);
        assert!(asked.custodians.iter().any(|one| one.institution == *me));
        assert!(
            !self.says(header, question, me, "approved"),
            "decides twice"
        );
        assert!(!self.ended(header, question));
    }

    /// The institution's newest rules, which an approver signed, have one of this
    /// name that covers the question.
    fn standing(&self, header: &Header, question: &Digest, name: &str) {
        let newest = self.0.iter().rev().find_map(|(record, _)| {
            let rules = match &record.header.statement {
                Statement::RulesChanged(change) => &change.rules,
                _ => return None,
            };
            let of_it = record.header.institution == header.institution;
            of_it.then_some((record, rules))
        });
        let (record, rules) = newest.expect("rules that stand on the ledger");
        assert!(record.header.officer.is_some() && header.follows.contains(&record.digest));
        let asked = self.asked(header, question);
        let subjects = self.draft(header).2.subjects;
        let computing = asked.joint.as_ref().map(|joint| joint.computing.clone());
        let computing = computing.unwrap_or_default();
        let fits = rules.iter().filter(|rule| rule.name == name).any(|rule| {
            rule.template == asked.template
                && rule.answer_cap >= asked.answer_cap
                && rule.hops >= asked.hops
                && rule.subjects >= subjects
                && computing.iter().all(|one| rule.computing.contains(one))
        });
        assert!(fits, "approved by a rule that does not cover it");
    }

    fn inputs(&self, record: &Record, question: &Digest, at: At) {
        let header = &record.header;
        assert_eq!(header.officer, None);
        let terms = self.in_force(header, at);
        let asked = self.asked(header, question);
        assert!(!self.ended(header, question));
        for one in &asked.custodians {
            assert!(
                self.says(header, question, &one.institution, "approved"),
                "no approval"
            );
        }
        let me = &header.institution;
        assert!(!self.says(header, question, me, "inputs-committed"));
        let Statement::InputsCommitted { keys, tables, .. } = &header.statement else {
            panic!("inputs")
        };
        self.tables(header, question, tables);
        // The keys are those that this custodian approved; who gives a table beside
        // the custodians has none.
        let approved = self.docket(header).any(|known| {
            matches!(&known.header.statement, Statement::Approved { question: q, keys: k, .. }
                if q == question && k == keys && known.header.institution == *me)
        });
        let beside = asked.joint.iter().flat_map(|joint| &joint.owners);
        let beside = beside.into_iter().any(|one| one.institution == *me) && keys.is_empty();
        assert!(approved || beside, "other keys than approved");
        let mut ran: BTreeSet<Digest> = self
            .docket(header)
            .filter(|known| known.kind() == "inputs-committed")
            .filter_map(|known| known.header.statement.question().copied())
            .collect();
        ran.insert(*question);
        assert!(ran.len() <= terms.runs as usize, "the budget is exceeded");
    }
}

fn role(institution: &InstitutionId, role: Role) -> bool {
    charter()
        .members
        .iter()
        .any(|member| member.id == *institution && member.roles.contains(&role))
}
