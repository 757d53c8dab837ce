//! Which selectors a step looks up.
//!
//! Why it exists: the requester asks by this rule, and whoever checks its evidence holds
//! what was asked against the same rule.

use std::collections::BTreeMap;

use docket::{
    Plan,
    plan::{Source, Step},
};
use primitives::semantic::Semantic;

/// What a run can look up so far.
pub struct Selectors<'a, T> {
    /// The warrant's subjects, with their types.
    pub subjects: &'a [(Semantic, T)],
    /// What opened rows derived, with the step that each is for.
    pub derived: &'a [(u16, T)],
    /// Input and blinded element of one.
    pub read: fn(&T) -> (&[u8], [u8; 32]),
}

impl<'a, T> Selectors<'a, T> {
    /// The selectors of the plan's step `number`, ascending by input: each input once,
    /// subjects before derived ones, and none that an earlier step has asked of the same
    /// tables.
    #[must_use]
    pub fn of(&self, plan: &Plan, number: usize) -> Vec<&'a T> {
        let Some(step) = plan.steps.get(number) else {
            return Vec::new();
        };
        let mut chosen = self.own(step, number);
        for (before, earlier) in plan.steps.iter().take(number).enumerate() {
            if same_tables(earlier, step) {
                for target in self.of(plan, before) {
                    chosen.remove((self.read)(target).0);
                }
            }
        }
        chosen.into_values().collect()
    }

    fn own(&self, step: &Step, number: usize) -> BTreeMap<&'a [u8], &'a T> {
        let mut chosen = BTreeMap::new();
        for source in &step.sources {
            if let Source::Subjects(semantic) = source {
                for (_, target) in self.subjects.iter().filter(|(known, _)| known == semantic) {
                    chosen.entry((self.read)(target).0).or_insert(target);
                }
            }
        }
        let mut derived: Vec<(&[u8], [u8; 32], &T)> = self
            .derived
            .iter()
            .filter(|(to_step, _)| usize::from(*to_step) == number)
            .map(|(_, target)| {
                let (input, element) = (self.read)(target);
                (input, element, target)
            })
            .collect();
        // The same input may come from several custodians; the choice must not
        // depend on who answered first, so that a run can be taken up again.
        derived.sort_by_key(|(input, element, _)| (*input, *element));
        for (input, _, target) in derived {
            chosen.entry(input).or_insert(target);
        }
        chosen
    }
}

fn same_tables(earlier: &Step, step: &Step) -> bool {
    earlier.table == step.table
        && earlier.key == step.key
        && earlier.min_amount_minor == step.min_amount_minor
}
