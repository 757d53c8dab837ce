//! The plan, held against question and order; and of a joint question who took part,
//! what they committed to, and the answer.

use docket::body::Order;
use docket::plan::{Answer, Plan};
use docket::statement::QuestionAsked;
use docket::{Record, Statement};
use primitives::{Digest, InstitutionId, WarrantId};

use super::{Examined, SourceTable, require};
use crate::content::record_path;
use crate::finding::{Finding, Refused};
use crate::joint::{Computed, JointRun, check_parties, shared};

impl Examined<'_> {
    pub(super) fn check_plan(
        &self,
        path: &str,
        plan: &Plan,
        asked: &QuestionAsked,
        warrant: WarrantId,
        order: Option<&Order>,
    ) -> Result<Vec<SourceTable>, Refused> {
        let digest = plan
            .digest()
            .map_err(|refusal| Finding::new(path, refusal.rule.name(), refusal.detail))?;
        let fits = digest == asked.plan
            && plan.warrant == warrant
            && plan.template == asked.template
            && plan.hops == asked.hops
            && plan.answer_cap == asked.answer_cap;
        require(
            fits,
            path,
            "plan-mismatch",
            "another plan than was asked and approved",
        )?;
        let alike = plan.joint.is_some() == asked.joint.is_some();
        let detail = "lookups where a joint question was asked, or the other way round";
        require(alike, path, "plan-mismatch", detail)?;
        let inside = order.is_none_or(|order| {
            plan.window.from_ms >= order.window.from_ms && plan.window.to_ms <= order.window.to_ms
        });
        require(inside, path, "scope", "it reads beyond the order's window")?;
        let scenes = plan.joint.as_ref().zip(order);
        let same = scenes.is_none_or(|(joint, order)| joint.scenes == order.scenes);
        require(same, path, "scope", "other scenes than the order's")?;
        let planned = plan
            .custodians
            .iter()
            .map(|custodian| &custodian.institution);
        let named = planned.eq(asked.custodians.iter().map(|asked| &asked.institution));
        require(
            named,
            path,
            "plan-mismatch",
            "other custodians than were asked",
        )?;

        let mut sources: Vec<SourceTable> = Vec::new();
        for (custodian, asked) in plan.custodians.iter().zip(&asked.custodians) {
            for table in &custodian.tables {
                let source = self.source(path, &custodian.institution, &table.snapshot)?;
                let fits = asked.snapshots.contains(&table.snapshot)
                    && source.dataset.dataset == table.dataset
                    && source.dataset.table == table.table;
                let detail = "a table that is not the snapshot's";
                require(fits, path, "snapshot-unknown", detail)?;
                sources.push(source);
            }
        }
        let program = plan.joint.iter().flat_map(|joint| &joint.inputs);
        for input in program {
            for snapshot in &input.snapshots {
                let source = self.source(path, &input.owner, snapshot)?;
                if sources.iter().all(|known| known.record != source.record) {
                    sources.push(source);
                }
            }
        }
        Ok(sources)
    }

    /// What an institution committed to in a snapshot's record.
    fn source(
        &self,
        path: &str,
        institution: &InstitutionId,
        record: &Digest,
    ) -> Result<SourceTable, Refused> {
        let state = &self.walked.state;
        let snapshot = state.snapshot(record);
        let dataset = snapshot.and_then(|s| state.dataset(&s.statement.dataset));
        let (Some(snapshot), Some(dataset)) = (snapshot, dataset) else {
            let detail = "a snapshot that is not on the ledger";
            return Err(Finding::new(path, "snapshot-unknown", detail).into());
        };
        let own = snapshot.institution == *institution;
        let detail = "a table that is not the snapshot's";
        require(own, path, "snapshot-unknown", detail)?;
        Ok(SourceTable {
            institution: institution.clone(),
            record: *record,
            snapshot: snapshot.statement.clone(),
            dataset: dataset.entry.clone(),
        })
    }

    /// Checks who took part in a joint question, what they committed to, and that
    /// the answer is what the three gave; nothing of lookups.
    pub(super) fn check_joint(
        &self,
        (plan_path, plan): (&str, &Plan),
        (answer_path, answer): (&str, &Answer),
        id: &Digest,
        rows: u32,
    ) -> Result<Option<JointRun>, Refused> {
        let warrant = self.walked.state.warrant(&plan.warrant);
        let question = warrant.and_then(|warrant| warrant.questions.get(id));
        let question =
            question.ok_or_else(|| Finding::new(plan_path, "question", "no such question"))?;
        let complain = |detail: &str| Finding::new(plan_path, "plan-mismatch", detail);
        let Some(joint) = &plan.joint else {
            return Ok(None);
        };
        check_parties(joint, question).map_err(complain)?;
        let tables = shared(joint, question).map_err(|owner| {
            let path = self.path_of(|record| {
                record.header.institution == *owner
                    && record.header.statement.question() == Some(id)
                    && matches!(record.header.statement, Statement::InputsCommitted { .. })
            });
            let detail = format!("{owner} committed to other tables than the plan's");
            Finding::new(path, "plan-mismatch", detail)
        })?;
        let count = question
            .count
            .ok_or_else(|| complain("nothing was counted"))?;
        let completed = |record: &Record| Some(record.digest) == question.completed;
        let attestations = self.content.records.iter().find(|r| completed(r));
        let attestations = match attestations.map(|record| &record.header.statement) {
            Some(Statement::RunCompleted { attestations, .. }) => attestations.as_slice(),
            _ => return Err(complain("its run did not complete").into()),
        };
        let computed = Computed {
            session: docket::joint::session(&self.walked.state.network(), &question.plan, id),
            question: id,
            plan,
            joint,
            attestations,
            completed: &self.path_of(completed),
        };
        computed.check(answer_path, answer, rows)?;
        Ok(Some(JointRun { count, tables }))
    }

    /// The file of the first such record.
    fn path_of(&self, is: impl Fn(&Record) -> bool) -> String {
        let mut numbered = self.content.records.iter().zip(1..);
        let found = numbered.find(|(record, _)| is(record));
        found.map_or_else(
            || "records/".into(),
            |(record, number)| record_path(number, record),
        )
    }
}
