//! The act that puts standing rules in force.

use std::collections::BTreeSet;

use docket::{
    State, Statement,
    statement::{RulesChanged, StandingRule},
};
use primitives::InstitutionId;

use super::{
    afterwards::reason_of,
    make::{Made, digest, ids},
    summary::Summary,
};
use crate::{
    api::types::{ChangeRules, RuleView},
    core::Core,
    error::{Error, Result},
};

/// Bytes of a rule's name.
const NAME_BYTES_MAX: usize = 64;

pub(super) fn change(core: &Core, state: &State, change: &ChangeRules) -> Result<Made> {
    let replaces = change.replaces.as_deref().map(digest).transpose()?;
    let known = state.rules(&core.me).map(|rules| rules.record);
    if replaces != known {
        return Err(
            Error::refused("stale", "other rules are in force than these replace")
                .advise("read the rules again"),
        );
    }
    let rules = change
        .rules
        .iter()
        .map(|rule| checked(state, rule))
        .collect::<Result<Vec<_>>>()?;
    let reason = reason_of(core, &change.reason)?;
    let readers = core.readers(state, [&core.me]);
    let mut summary = match rules.len() {
        0 => Summary::of(
            "From now on every question is decided by hand".into(),
            "今后所有查询一律人工决定".into(),
        ),
        count => Summary::of(
            format!("{count} standing rules, in place of those in force"),
            format!("以 {count} 条规则取代现行规则"),
        ),
    };
    for rule in &rules {
        summary = described(summary, rule);
    }
    summary = summary.and(
        format!("Reason: {}", change.reason),
        format!("理由：{}", change.reason),
    );
    Ok(Made {
        warrant: None,
        follows: replaces.into_iter().collect(),
        bodies: vec![(reason, readers)],
        statement: Statement::RulesChanged(RulesChanged { replaces, rules }),
        summary,
    })
}

fn described(summary: Summary, rule: &StandingRule) -> Summary {
    let StandingRule {
        name,
        template,
        answer_cap,
        hops,
        subjects,
        computing,
    } = rule;
    let summary = summary.and(
        format!(
            "{name}: {template} without an officer, up to {answer_cap} rows, {hops} hops, {subjects} subjects"
        ),
        format!("{name}：{template} 免人工，至多 {answer_cap} 行、{hops} 跳、{subjects} 个对象"),
    );
    if computing.is_empty() {
        return summary;
    }
    let names: Vec<&str> = computing.iter().map(|id| id.as_str()).collect();
    summary.and(
        format!(
            "{name}: among these alone may compute: {}",
            names.join(", ")
        ),
        format!("{name}：只可由以下机构参与计算：{}", names.join("、")),
    )
}

fn checked(state: &State, rule: &RuleView) -> Result<StandingRule> {
    let name = rule.name.trim();
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        let detail = format!("a rule's name has 1 to {NAME_BYTES_MAX} bytes");
        return Err(Error::refused("format", detail));
    }
    if query::template(&rule.template).is_none() {
        let detail = format!("no template {}", rule.template);
        return Err(Error::refused("template-unknown", detail));
    }
    let computing: BTreeSet<InstitutionId> = ids(&rule.computing)?;
    if let Some(unknown) = computing.iter().find(|id| state.member(id).is_none()) {
        let detail = format!("{unknown} is no member of the network");
        return Err(Error::refused("not-a-member", detail));
    }
    Ok(StandingRule {
        name: name.into(),
        template: rule.template.parse()?,
        answer_cap: rule.answer_cap,
        hops: rule.hops,
        subjects: rule.subjects,
        computing,
    })
}
