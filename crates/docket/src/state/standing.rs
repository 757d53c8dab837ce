//! Standing rules: what a custodian's node may approve without an officer.
//!
//! An approval is an officer's signature, of the question itself or of a rule that
//! covers it. Rules stand on the ledger in the clear, so that every validator, and
//! every reader of a bundle, sees that an approval by rule was within one.
//!
//! *Invariants*: rules are put in force by an approver, never by a node; a change
//! names the rules that it replaces, so that of two officers who change the same
//! rules at once one is told; a bundle holds the whole chain of them.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Digest, Duty, Extent, InstitutionId, MEMBERS_MAX, Question, RULES_MAX, Record, Refusal, Rule,
    Rules, RulesChanged, StandingRule, State, Warrant, ensure, require_follows, require_part,
    text_within,
};

impl State {
    pub(super) fn rules_changed(
        &mut self,
        record: &Record,
        change: &RulesChanged,
    ) -> Result<(), Refusal> {
        self.require_duty(record, Duty::Approver, false)?;
        let header = &record.header;
        let institution = &header.institution;
        let known = self.rules.get(institution).map(|rules| rules.record);
        ensure(change.replaces == known, Rule::StandingRule, || {
            "other rules are in force than these replace".into()
        })?;
        ensure(
            header.follows.iter().eq(change.replaces.iter()),
            Rule::Follows,
            || "rules follow those that they replace, and nothing else".into(),
        )?;
        check_rules(&change.rules)?;
        let readers = &require_part(header, "reason")?.readers;
        ensure(readers.contains(institution), Rule::Parts, || {
            "who changes its rules must be able to read why".into()
        })?;
        let rules = Rules {
            record: record.digest,
            rules: Arc::new(change.rules.clone()),
        };
        self.rules.insert(institution.clone(), rules);
        Ok(())
    }

    /// Whether a record put the institution's present rules in force.
    pub(super) fn are_rules_of(&self, institution: &InstitutionId, record: &Digest) -> bool {
        self.rules
            .get(institution)
            .is_some_and(|rules| rules.record == *record)
    }

    /// Requires that the rule of this name, among those in force at the record's
    /// institution, covers the question.
    pub(super) fn require_rule(
        &self,
        record: &Record,
        warrant: &Warrant,
        question: &Question,
        name: &str,
    ) -> Result<(), Refusal> {
        let institution = &record.header.institution;
        let rules = self.rules.get(institution).ok_or_else(|| {
            Refusal::new(
                Rule::StandingRule,
                format!("{institution} has no standing rules"),
            )
        })?;
        require_follows(&record.header, &rules.record)?;
        let computing = question.joint.as_ref().map(|joint| &joint.computing[..]);
        let extent = Extent {
            template: &question.template,
            answer_cap: question.answer_cap,
            hops: question.hops,
            subjects: warrant.terms.subjects,
            computing: computing.unwrap_or_default(),
        };
        let mut rules = rules.rules.iter();
        let covered = rules.any(|rule| rule.name == name && rule.covers(&extent));
        ensure(covered, Rule::StandingRule, || {
            "no rule of this name covers the question".into()
        })
    }
}

fn check_rules(rules: &[StandingRule]) -> Result<(), Refusal> {
    ensure(rules.len() <= RULES_MAX, Rule::Limit, || {
        format!("{} rules; at most {RULES_MAX}", rules.len())
    })?;
    let mut names = BTreeSet::new();
    for rule in rules {
        text_within(&rule.name, "a rule's name")?;
        ensure(names.insert(&rule.name), Rule::StandingRule, || {
            "two rules share a name".into()
        })?;
        ensure(
            rule.answer_cap >= 1 && rule.hops >= 1 && rule.subjects >= 1,
            Rule::StandingRule,
            || "a rule's rows, hops and subjects are at least 1".into(),
        )?;
        ensure(rule.computing.len() <= MEMBERS_MAX, Rule::Limit, || {
            format!("a rule names at most {MEMBERS_MAX} members that may compute")
        })?;
    }
    Ok(())
}
