//! The rules under which this custodian's node approves without an officer.
//!
//! They come from `cordon.toml` until an approver changes them; from then on they
//! stand in the private store, with every earlier version: who changed what, when
//! and why. The name of the rule that approved stands in the approval's record.
//!
//! *Invariants*
//! - A change replaces the version that its author read, or is refused as stale.
//! - A version is durable before it is in force, and never changed afterwards.
//! - Templates without a rule are decided by hand.

use std::{
    collections::BTreeSet,
    sync::{PoisonError, RwLock},
};

use docket::Plan;
use serde::{Deserialize, Serialize};

use crate::{
    api::types::{ChangeRules, RuleView, RulesChange, RulesView, Words},
    config::ApprovalRule,
    core::now_ms,
    error::{Error, Result},
    store::{Shelf, Store},
};

/// Rules at a time.
pub const RULES_MAX: usize = 100;
/// Bytes of a rule's name.
pub const NAME_BYTES_MAX: usize = 64;
/// Changes shown, the newest first.
const HISTORY_SHOWN_MAX: usize = 100;

/// A version of the rules, as the private store keeps it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Version {
    version: u64,
    changed_ms: u64,
    changed_by: String,
    reason: String,
    rules: Vec<ApprovalRule>,
}

/// The standing rules.
pub struct Approvals {
    file: Vec<ApprovalRule>,
    standing: RwLock<Option<Version>>,
}

fn key(version: u64) -> [u8; 8] {
    version.to_be_bytes()
}

impl Approvals {
    /// The rules that an officer last set, else the configuration's.
    ///
    /// # Errors
    /// Trouble where the disk fails.
    pub fn load(file: Vec<ApprovalRule>, store: &Store) -> Result<Self> {
        let versions: Vec<(Vec<u8>, Version)> = store.beginning(Shelf::Rules, b"")?;
        let newest = versions.into_iter().map(|(_, version)| version).next_back();
        Ok(Self {
            file,
            standing: RwLock::new(newest),
        })
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> Vec<ApprovalRule> {
        let standing = self.standing.read().unwrap_or_else(PoisonError::into_inner);
        match &*standing {
            Some(version) => version.rules.clone(),
            None => self.file.clone(),
        }
    }

    /// The rules in force, with those before them.
    ///
    /// # Errors
    /// Trouble where the disk fails.
    pub fn view(&self, store: &Store) -> Result<RulesView> {
        let newest = self
            .standing
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let mut versions: Vec<(Vec<u8>, Version)> = store.beginning(Shelf::Rules, b"")?;
        versions.reverse();
        let history = versions
            .into_iter()
            .take(HISTORY_SHOWN_MAX)
            .map(|(_, version)| RulesChange {
                version: version.version,
                changed_ms: version.changed_ms,
                changed_by: version.changed_by,
                reason: version.reason,
                rules: version.rules.iter().map(view).collect(),
            })
            .collect();
        Ok(RulesView {
            version: newest.as_ref().map_or(0, |version| version.version),
            source: if newest.is_some() { "officer" } else { "file" }.into(),
            rules: self.rules().iter().map(view).collect(),
            changed_ms: newest.as_ref().map(|version| version.changed_ms),
            changed_by: newest.as_ref().map(|version| version.changed_by.clone()),
            reason: newest.map(|version| version.reason),
            history,
        })
    }

    /// Replaces the rules, durably.
    ///
    /// # Errors
    /// A refusal where they are not rules, or where somebody has changed them
    /// since they were read.
    pub fn change(&self, store: &Store, officer: &str, change: &ChangeRules) -> Result<u64> {
        let rules = checked(&change.rules)?;
        let reason = change.reason.trim();
        if reason.is_empty() || reason.len() > primitives::limits::TEXT_BYTES_MAX {
            return Err(Error::refused(
                "format",
                "a reason of 1 to 4096 bytes is needed",
            ));
        }
        // Held to the end, so that two changes of one version can't both win.
        let mut standing = self
            .standing
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let known = standing.as_ref().map_or(0, |version| version.version);
        if known != change.version {
            return Err(Error::refused(
                "stale",
                format!(
                    "version {} is no longer in force; {known} is",
                    change.version
                ),
            )
            .advise("read the rules again"));
        }
        let version = Version {
            version: known + 1,
            changed_ms: now_ms(),
            changed_by: officer.into(),
            reason: reason.into(),
            rules,
        };
        store.put(Shelf::Rules, &key(version.version), &version)?;
        let number = version.version;
        tracing::info!(version = number, officer, "the approval rules were changed");
        *standing = Some(version);
        Ok(number)
    }
}

fn view(rule: &ApprovalRule) -> RuleView {
    RuleView {
        name: rule.name.clone(),
        template: rule.template.to_string(),
        answer_cap: rule.answer_cap,
        hops: rule.hops,
        subjects: rule.subjects,
    }
}

fn checked(rules: &[RuleView]) -> Result<Vec<ApprovalRule>> {
    let format = |detail: String| Error::refused("format", detail);
    if rules.len() > RULES_MAX {
        return Err(format(format!(
            "{} rules; at most {RULES_MAX}",
            rules.len()
        )));
    }
    let mut names = BTreeSet::new();
    rules
        .iter()
        .map(|rule| {
            let name = rule.name.trim();
            if name.is_empty() || name.len() > NAME_BYTES_MAX {
                return Err(format(format!(
                    "a rule's name has 1 to {NAME_BYTES_MAX} bytes"
                )));
            }
            if !names.insert(name.to_owned()) {
                return Err(format(format!("two rules are called {name}")));
            }
            if query::template(&rule.template).is_none() {
                return Err(format(format!("no template {}", rule.template)));
            }
            if rule.answer_cap == 0 || rule.hops == 0 || rule.subjects == 0 {
                return Err(format(format!(
                    "{name}: rows, hops and subjects are at least 1"
                )));
            }
            Ok(ApprovalRule {
                name: name.into(),
                template: rule.template.parse()?,
                answer_cap: rule.answer_cap,
                hops: rule.hops,
                subjects: rule.subjects,
            })
        })
        .collect()
}

/// The rule that approves a plan under a warrant of so many subjects.
#[must_use]
pub fn matching<'a>(
    rules: &'a [ApprovalRule],
    plan: &Plan,
    subjects: u32,
) -> Option<&'a ApprovalRule> {
    rules.iter().find(|rule| {
        rule.template == plan.template
            && plan.answer_cap <= rule.answer_cap
            && plan.hops <= rule.hops
            && subjects <= rule.subjects
    })
}

/// Why no rule approves a plan, in plain words.
#[must_use]
pub fn by_hand(rules: &[ApprovalRule], plan: &Plan, subjects: u32) -> Vec<Words> {
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
    }
    if why.is_empty() {
        why.push(Words::new(
            format!("No rule approves {}: it is decided by hand.", plan.template),
            format!("没有规则适用于 {}：须人工决定。", plan.template),
        ));
    }
    why
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: &str) -> RuleView {
        RuleView {
            name: name.into(),
            template: "identify".into(),
            answer_cap: 10,
            hops: 1,
            subjects: 2,
        }
    }

    fn change(version: u64, rules: Vec<RuleView>) -> ChangeRules {
        ChangeRules {
            version,
            rules,
            reason: "the usual questions".into(),
        }
    }

    fn store(folder: &tempfile::TempDir) -> Store {
        Store::open(&folder.path().join("store.redb"), &[3; 32]).unwrap()
    }

    #[test]
    fn changes_outlive_the_node_and_keep_who_made_them() {
        let folder = tempfile::tempdir().unwrap();
        {
            let store = store(&folder);
            let approvals = Approvals::load(Vec::new(), &store).unwrap();
            assert_eq!(approvals.view(&store).unwrap().source, "file");
            let made = approvals.change(&store, "a", &change(0, vec![rule("small")]));
            assert_eq!(made.unwrap(), 1);
            assert_eq!(
                approvals.change(&store, "b", &change(1, vec![])).unwrap(),
                2
            );
        }
        let store = store(&folder);
        let approvals = Approvals::load(vec![], &store).unwrap();
        let view = approvals.view(&store).unwrap();
        assert_eq!((view.version, view.source.as_str()), (2, "officer"));
        assert_eq!(view.changed_by.as_deref(), Some("b"));
        assert!(approvals.rules().is_empty());
        let history: Vec<_> = view
            .history
            .iter()
            .map(|c| (c.version, c.rules.len()))
            .collect();
        assert_eq!(history, [(2, 0), (1, 1)]);
    }

    #[test]
    fn a_change_of_what_somebody_else_changed_is_stale() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let approvals = Approvals::load(Vec::new(), &store).unwrap();
        approvals
            .change(&store, "a", &change(0, vec![rule("small")]))
            .unwrap();
        let stale = approvals.change(&store, "b", &change(0, vec![]));
        assert_eq!(stale.unwrap_err().rule(), "stale");
        assert_eq!(approvals.rules().len(), 1);
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let approvals = Approvals::load(Vec::new(), &store).unwrap();
        let unknown = RuleView {
            template: "everything".into(),
            ..rule("a")
        };
        let none = RuleView {
            answer_cap: 0,
            ..rule("a")
        };
        let cases = [
            vec![rule("a"), rule("a")],
            vec![rule(" ")],
            vec![unknown],
            vec![none],
            (0..=RULES_MAX).map(|n| rule(&n.to_string())).collect(),
        ];
        for rules in cases {
            let refused = approvals
                .change(&store, "a", &change(0, rules))
                .unwrap_err();
            assert_eq!(refused.rule(), "format", "{refused}");
        }
        let silent = ChangeRules {
            reason: " ".into(),
            ..change(0, vec![])
        };
        assert!(approvals.change(&store, "a", &silent).is_err());
    }
}
