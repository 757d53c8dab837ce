//! The standing rules under which this custodian's node approves without an officer.
//!
//! They stand on the ledger, put in force by an approver's signature; validators let
//! no approval by rule pass that they don't cover. Why they were changed stands in a
//! body that the institution and overseers read.
//!
//! *Invariants*: templates without a rule are decided by hand; the node reads the
//! rules from the ledger's state, never from a file of its own.

use std::sync::Arc;

use docket::{
    Plan, State, Statement,
    body::Reason,
    statement::{Extent, StandingRule},
};
use primitives::{Digest, InstitutionId};

use crate::{
    api::types::{RuleView, RulesChange, RulesView, Words},
    core::Core,
};

/// Changes shown, the newest first.
const HISTORY_SHOWN_MAX: usize = 100;

/// The rules in force at an institution.
#[must_use]
pub fn in_force(state: &State, institution: &InstitutionId) -> Arc<Vec<StandingRule>> {
    state
        .rules(institution)
        .map(|known| known.rules.clone())
        .unwrap_or_default()
}

/// The rules in force here, with those before them.
#[must_use]
pub fn view(core: &Core) -> RulesView {
    let state = core.state();
    let newest = state.rules(&core.me).map(|known| known.record);
    let history = history(core, newest);
    let rules = in_force(&state, &core.me);
    RulesView {
        record: newest.map(|record| record.to_string()),
        rules: rules.iter().map(RuleView::of).collect(),
        history,
    }
}

/// From a change of rules back to the first, as far as is shown.
fn history(core: &Core, mut newest: Option<Digest>) -> Vec<RulesChange> {
    let mut changes = Vec::new();
    while let Some(indexed) = newest.and_then(|record| core.record(&record).ok()) {
        let header = &indexed.record.header;
        let Statement::RulesChanged(change) = &header.statement else {
            break;
        };
        let reason: Option<Reason> = core.body(header).ok().flatten();
        changes.push(RulesChange {
            record: indexed.record.digest.to_string(),
            changed_ms: indexed.time_ms,
            changed_by: header.officer.as_ref().map(ToString::to_string),
            reason: reason.map(|reason| reason.text),
            rules: change.rules.iter().map(RuleView::of).collect(),
        });
        if changes.len() == HISTORY_SHOWN_MAX {
            break;
        }
        newest = change.replaces;
    }
    changes
}

impl RuleView {
    pub(crate) fn of(rule: &StandingRule) -> Self {
        Self {
            name: rule.name.clone(),
            template: rule.template.to_string(),
            answer_cap: rule.answer_cap,
            hops: rule.hops,
            subjects: rule.subjects,
            computing: rule.computing.iter().map(ToString::to_string).collect(),
        }
    }
}

/// The rule that approves a plan under a warrant of so many subjects.
#[must_use]
pub fn matching<'a>(
    rules: &'a [StandingRule],
    plan: &Plan,
    subjects: u32,
) -> Option<&'a StandingRule> {
    let extent = Extent {
        template: &plan.template,
        answer_cap: plan.answer_cap,
        hops: plan.hops,
        subjects,
        computing: computing(plan),
    };
    rules.iter().find(|rule| rule.covers(&extent))
}

/// The three that compute a plan, where it is joint.
fn computing(plan: &Plan) -> &[InstitutionId] {
    let joint = plan.joint.as_ref();
    joint.map(|joint| &joint.computing[..]).unwrap_or_default()
}

/// Why no rule approves a plan, in plain words.
#[must_use]
pub fn by_hand(rules: &[StandingRule], plan: &Plan, subjects: u32) -> Vec<Words> {
    let mut why = Vec::new();
    for rule in rules.iter().filter(|rule| rule.template == plan.template) {
        let name = &rule.name;
        let bounds = [
            (plan.answer_cap, rule.answer_cap, "rows", "行"),
            (u32::from(plan.hops), u32::from(rule.hops), "hops", "跳"),
            (subjects, rule.subjects, "subjects", "个对象"),
        ];
        for (asked, most, en, zh) in bounds.into_iter().filter(|(asked, most, ..)| asked > most) {
            why.push(Words::new(
                format!("Rule {name} allows {most} {en}; this asks for {asked}."),
                format!("规则 {name} 至多 {most} {zh}，本次为 {asked}。"),
            ));
        }
        let others = computing(plan).iter();
        for other in others.filter(|id| !rule.computing.contains(id)) {
            why.push(Words::new(
                format!("Rule {name} does not let {other} compute; this question would."),
                format!("规则 {name} 不允许 {other} 参与计算，而本次由其参与。"),
            ));
        }
    }
    if why.is_empty() {
        why.push(Words::new(
            format!("No rule approves {}: it is decided by hand.", plan.template),
            format!("没有规则适用于 {}：须人工决定。", plan.template),
        ));
    }
    why
}
