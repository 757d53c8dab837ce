//! Of joint questions: who takes part, what is counted, how often.

use std::collections::BTreeSet;

use primitives::{Digest, InstitutionId, TimeMs};

use super::Audit;
use crate::{
    Header, Statement,
    state::At,
    statement::{Attestation, Count, Joint, QuestionAsked, TableCommitment},
};

/// Joint runs that the play's charter allows in thirty days.
pub(in crate::state::tests) const JOINT_RUNS_MAX: u32 = 2;
const THIRTY_DAYS_MS: u64 = 30 * 24 * 3_600 * 1_000;

impl Audit<'_> {
    fn joint<'a>(&'a self, header: &Header, question: &Digest) -> Option<&'a Joint> {
        self.asked(header, question).joint.as_ref()
    }

    /// A run that is in force, not over, and to which everybody is bound.
    pub(super) fn bound(&self, header: &Header, question: &Digest, at: At) {
        assert_eq!(header.institution, self.draft(header).0);
        self.in_force(header, at);
        assert!(!self.ended(header, question));
        let asked = self.asked(header, question);
        let beside = asked.joint.iter().flat_map(|joint| &joint.owners);
        for one in asked.custodians.iter().chain(beside) {
            assert!(self.says(header, question, &one.institution, "inputs-committed"));
        }
    }

    pub(super) fn asked_joint(&self, header: &Header, asked: &QuestionAsked) {
        let Some(joint) = &asked.joint else {
            return;
        };
        let (requester, authority, _) = self.draft(header);
        let computing: BTreeSet<_> = joint.computing.iter().collect();
        assert!(joint.computing.len() == 3 && computing.len() == 3);
        let custodians: Vec<_> = asked.custodians.iter().map(|c| &c.institution).collect();
        for id in computing {
            assert!(custodians.contains(&id) || *id == authority, "computes");
        }
        for owner in &joint.owners {
            let id = &owner.institution;
            assert!(*id == requester || *id == authority, "gives a table");
            assert_eq!(owner.snapshots.is_empty(), *id == authority);
        }
        let plan = header.part("plan").unwrap();
        assert!(joint.computing.iter().all(|id| plan.readers.contains(id)));
        for custodian in custodians {
            let runs = self.joint_runs(&requester, custodian, header.time_ms);
            assert!(runs < JOINT_RUNS_MAX as usize, "too many joint runs");
        }
    }

    /// Joint runs of a requester over a custodian's tables that began in the last
    /// thirty days, under any warrant.
    fn joint_runs(
        &self,
        requester: &InstitutionId,
        custodian: &InstitutionId,
        now_ms: TimeMs,
    ) -> usize {
        let mut begun = BTreeSet::new();
        let mut recent = BTreeSet::new();
        for (record, _) in self.0 {
            let header = &record.header;
            let Statement::InputsCommitted { question, .. } = &header.statement else {
                continue;
            };
            let asked = self.asked(header, question);
            let over = asked.custodians.iter().any(|c| c.institution == *custodian);
            if asked.joint.is_none() || !over || self.draft(header).0 != *requester {
                continue;
            }
            let counts = record.header.time_ms + THIRTY_DAYS_MS >= now_ms;
            if begun.insert(*question) && counts {
                recent.insert(*question);
            }
        }
        recent.len()
    }

    pub(super) fn tables(&self, header: &Header, question: &Digest, tables: &[TableCommitment]) {
        if self.joint(header, question).is_none() {
            assert!(tables.is_empty(), "a lookup shares no table");
            return;
        }
        let names: BTreeSet<_> = tables.iter().map(|table| &table.table).collect();
        assert!(!tables.is_empty() && names.len() == tables.len());
        assert!(tables.iter().all(|table| table.shares.len() == 3));
        if self.any(header, question, &["inputs-committed"]) {
            return;
        }
        let requester = self.draft(header).0;
        for custodian in &self.asked(header, question).custodians {
            let runs = self.joint_runs(&requester, &custodian.institution, header.time_ms);
            assert!(runs < JOINT_RUNS_MAX as usize, "too many joint runs");
        }
    }

    pub(super) fn count(&self, header: &Header, question: &Digest) -> Option<Count> {
        self.docket(header)
            .find_map(|record| match &record.header.statement {
                Statement::CountOpened {
                    question: of,
                    count,
                    ..
                } if of == question => Some(*count),
                _ => None,
            })
    }

    pub(super) fn ended_by_count(&self, header: &Header, question: &Digest) -> bool {
        self.count(header, question).is_some_and(|count| {
            let asked = self.asked(header, question);
            let alone = asked.joint.as_ref().is_some_and(|joint| joint.count_only);
            alone || count.rows == 0 || count.rows > u64::from(asked.answer_cap)
        })
    }

    pub(super) fn counted(
        &self,
        header: &Header,
        question: &Digest,
        count: &Count,
        attestations: &[Attestation],
    ) {
        let joint = self.joint(header, question).expect("a joint question");
        assert_eq!(self.count(header, question), None, "counted twice");
        let said = count.transcript(question);
        assert!(attestations.iter().all(|one| one.transcript == said));
        let by = attestations.iter().map(|one| &one.institution);
        assert!(by.eq(&joint.computing), "not the three's word");
    }

    /// A joint run completes after a count that was to be opened, by the three.
    pub(super) fn completed_joint(
        &self,
        header: &Header,
        question: &Digest,
        attestations: &[Attestation],
    ) {
        let by: Vec<_> = attestations.iter().map(|one| &one.institution).collect();
        let asked = self.asked(header, question);
        let Some(joint) = &asked.joint else {
            let custodians = asked.custodians.iter().map(|one| &one.institution);
            assert!(custodians.eq(by));
            return;
        };
        assert!(joint.computing.iter().eq(by));
        let count = self.count(header, question).expect("a count before all");
        assert!(!joint.count_only);
        assert!((1..=u64::from(asked.answer_cap)).contains(&count.rows));
        let said = count.transcript(question);
        assert!(attestations.iter().all(|one| one.transcript != said));
    }
}
