//! The answer of lookups, held against what the custodians signed.

use docket::Statement;
use docket::body::Subjects;
use docket::plan::{Answer, Plan};
use docket::statement::QuestionAsked;
use primitives::Digest;

use super::{Examined, SourceTable, require};
use crate::finding::{Finding, Refused};
use crate::lookups::{Run, check_lookups, lookup_path};

impl Examined<'_> {
    /// Opens the lookups of a rooted plan again, and gives how many there are; none of
    /// another plan, whose bundle has no lookups.
    pub(super) fn check_lookups(
        &self,
        id: &Digest,
        asked: &QuestionAsked,
        (plan, subjects, sources): (&Plan, Option<&Subjects>, &[SourceTable]),
        answer: (&str, &Answer),
    ) -> Result<Option<usize>, Refused> {
        let lookups = &self.content.lookups;
        if !plan.rooted {
            let detail = "a lookup beside a plan that has none to show";
            require(lookups.is_empty(), &lookup_path(1), "lookups", detail)?;
            return Ok(None);
        }
        let missing = |what: &str| Finding::new("bodies/", "missing-file", what);
        let subjects = subjects.ok_or_else(|| missing("without subjects no row can be shown"))?;
        let state = &self.walked.state;
        let question = state
            .warrant(&plan.warrant)
            .and_then(|warrant| warrant.questions.get(id))
            .ok_or_else(|| Finding::new("records/", "question", "no such question"))?;
        let completed = self
            .content
            .records
            .iter()
            .find(|record| Some(record.digest) == question.completed);
        let Some(Statement::RunCompleted {
            attestations,
            evaluated,
            ..
        }) = completed.map(|record| &record.header.statement)
        else {
            return Err(Finding::new("records/", "lookups", "its run did not complete").into());
        };
        let decisions = question.decisions.iter();
        let run = Run {
            network: state.network(),
            id: *id,
            asked,
            decisions: &decisions
                .map(|(of, word)| (of.clone(), word.clone()))
                .collect(),
            plan,
            sources,
            subjects,
            attestations,
            evaluated,
        };
        check_lookups(&run, lookups, answer)?;
        Ok(Some(lookups.len()))
    }
}
