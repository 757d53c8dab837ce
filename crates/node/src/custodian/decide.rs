//! Deciding on a plan, and binding inputs once everybody has approved.

use std::{collections::BTreeSet, sync::Arc};

use docket::{
    Plan, State, Statement,
    body::Order,
    state::{Decision, QuestionPhase},
    statement::KeyCommitment,
};
use primitives::Digest;

use super::{Case, load};
use crate::{
    approvals,
    core::Core,
    error::{Error, Kind, Result},
    requester::abort,
};

/// The lookups that a plan makes at this custodian: snapshot, lookup key, step.
fn wanted_keys(core: &Core, plan: &Plan) -> BTreeSet<(Digest, String, u8)> {
    let mine = plan
        .custodian(&core.me)
        .into_iter()
        .flat_map(|custodian| &custodian.tables);
    mine.flat_map(|table| {
        let asked = plan
            .steps
            .iter()
            .zip(0u8..)
            .filter(|(step, _)| step.table == table.table);
        asked.map(|(step, number)| (table.snapshot, step.key.clone(), number))
    })
    .collect()
}

/// The key commitments for a plan that this custodian is about to approve.
///
/// # Errors
/// The rule that says no to the plan.
pub(crate) fn key_commitments(core: &Core, question: &Digest) -> Result<Vec<KeyCommitment>> {
    let state = core.state();
    let case = load(core, &state, question)?;
    core.warrant_in_force(&state, &case.warrant_id)?;
    check_plan(core, &state, &case)?;
    core.plan_keys(question, &wanted_keys(core, &case.plan))
}

/// Compiles the plan again from this node's own view, and refuses it if it
/// differs from the one that was sent.
fn check_plan(core: &Core, state: &State, case: &Case) -> Result<()> {
    let issued = case
        .warrant
        .issued
        .ok_or_else(|| Error::refused("warrant-unknown", "the warrant was not issued"))?;
    let order: Order = core.body_of(&issued)?;
    let catalogue = crate::catalogue::of_plan(state, &case.plan)?;
    let grant = query::Grant {
        warrant: case.warrant_id,
        requester: &case.warrant.requester,
        authority: &case.warrant.authority,
        terms: &case.warrant.terms,
        order: &order,
        limits: &state.charter().limits,
    };
    query::check(&case.plan, &grant, &catalogue)?;
    Ok(())
}

/// Approves by rule where one in force covers this question.
///
/// # Errors
/// Trouble, or the rule that refuses the approval.
pub(crate) async fn decide_by_rule(core: &Arc<Core>, question: &Digest) -> Result<bool> {
    let state = core.state();
    let case = load(core, &state, question)?;
    let decided = case.question.decisions.contains_key(&core.me);
    if decided || case.question.phase != QuestionPhase::Open {
        return Ok(false);
    }
    let plan = &case.plan;
    let Some(standing) = state.rules(&core.me) else {
        return Ok(false);
    };
    let subjects = case.warrant.terms.subjects;
    let Some(rule) = approvals::matching(&standing.rules, plan, subjects) else {
        return Ok(false);
    };
    let keys = key_commitments(core, question)?;
    let statement = Statement::Approved {
        question: *question,
        plan: case.question.plan,
        keys,
        by_rule: Some(rule.name.clone()),
    };
    let follows = vec![*question, standing.record];
    let header = core.header(Some(case.warrant_id), follows, Vec::new(), statement);
    core.state_as_node(header, &[]).await?;
    Ok(true)
}

/// Binds this custodian's inputs once every custodian has approved.
///
/// # Errors
/// Trouble, or the rule that refuses it.
pub(crate) async fn commit_inputs(core: &Arc<Core>, question: &Digest) -> Result<()> {
    let state = core.state();
    let record = core.record(question)?.record;
    let Some(warrant) = record.header.warrant else {
        return Ok(());
    };
    let Some(known) = state
        .warrant(&warrant)
        .and_then(|w| w.questions.get(question))
    else {
        return Ok(());
    };
    let beside = known.joint.iter().flat_map(|joint| &joint.owners);
    let keys = match known.decisions.get(&core.me) {
        Some(Decision::Approved(keys)) => keys.clone(),
        None if beside.map(|one| &one.institution).any(|id| *id == core.me) => Vec::new(),
        _ => return Ok(()),
    };
    let due = known.approved_by_all()
        && matches!(known.phase, QuestionPhase::Open | QuestionPhase::Running)
        && !known.inputs.contains(&core.me);
    if !due {
        return Ok(());
    }
    let tables = if known.joint.is_some() {
        let plan: Plan = core.body_of(question)?;
        match crate::joint::commitments(core, question, &plan).await {
            Err(error) if is_lasting(&error) => return abort(core, question, &error).await,
            made => made?,
        }
    } else {
        Vec::new()
    };
    let statement = Statement::InputsCommitted {
        question: *question,
        keys,
        tables,
    };
    let header = core.header(Some(warrant), vec![*question], Vec::new(), statement);
    core.state_as_node(header, &[]).await?;
    Ok(())
}

/// Whether what refused an owner's tables will refuse them again: the question ends. A
/// snapshot that is not here may come back from a backup.
fn is_lasting(error: &Error) -> bool {
    let Kind::Refused { rule, .. } = &error.kind else {
        return false;
    };
    let of_rows = ["too-many-rows", "row-shape", "limit", "plan-mismatch"];
    of_rows.contains(&&rule[..]) || rule.starts_with("protocol-")
}
