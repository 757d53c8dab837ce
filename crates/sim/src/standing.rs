//! A custodian whose approver has signed a standing rule, so that its node approves alone
//! what the rule covers, and nothing else.
//!
//! ```text
//! covers   the rule covers the case's question: no officer is asked
//! narrow   it is short of the question by a row, a subject, or in the template
//! revoked  it covered the question, and was replaced by none before that was asked
//! raced    it is replaced by none while the question is asked
//! ```
//! *Invariants*: which approvals were lawful is read from the log at the end, by
//! [`Rules`], apart from the docket's own judgement.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use docket::{
    Duty, State, Statement,
    statement::{QuestionAsked, StandingRule},
};
use node::{
    api::types::{Act, ChangeRules, RuleView},
    core::Indexed,
};
use primitives::InstitutionId;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};

use crate::{
    people::{Docket, Office, question, statement},
    villains::Villain,
    world::{World, sub},
};

/// How long a node that may not approve alone is watched: it looks every 2 s.
const WATCHED: Duration = Duration::from_secs(7);
/// Rows that the cases' warrants allow.
const ROWS: u32 = 1_000;

/// What becomes of the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Covers,
    Narrow,
    Revoked,
    Raced,
}

/// A custodian's standing rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    n: usize,
    fate: Fate,
    rule: RuleView,
}

impl Standing {
    /// The rule of a seed: in half of those in which everybody is honest.
    pub(crate) fn of(world: &World, custodians: &[usize]) -> Option<Self> {
        let mut rng = StdRng::from_seed(sub(world.seed, "standing", 0).0);
        if world.villain != Villain::Nobody || rng.random() {
            return None;
        }
        let subjects = u32::try_from(world.people.selectors().len()).unwrap_or(u32::MAX);
        let mut rule = RuleView {
            name: "small questions".into(),
            template: "identify".into(),
            answer_cap: rng.random_range(ROWS..ROWS * 2),
            hops: rng.random_range(1..3),
            subjects: rng.random_range(subjects..subjects + 2),
            computing: Vec::new(),
        };
        let fates = [
            Fate::Covers,
            Fate::Covers,
            Fate::Narrow,
            Fate::Revoked,
            Fate::Raced,
        ];
        let fate = *fates.choose(&mut rng)?;
        if fate == Fate::Narrow {
            match rng.random_range(0..3u8) {
                0 if subjects > 1 => rule.subjects = subjects - 1,
                1 => rule.template = "call-contacts".into(),
                _ => rule.answer_cap = ROWS - 1,
            }
        }
        Some(Self {
            n: *custodians.choose(&mut rng)?,
            fate,
            rule,
        })
    }

    /// Whether a custodian's node must approve the case's question alone.
    pub(crate) fn decides(&self, n: usize) -> bool {
        self.n == n && self.fate == Fate::Covers
    }

    /// Puts the rule in force, and withdraws it again where that is its fate.
    pub(crate) async fn set(&self, office: &Office) -> Option<()> {
        let rules = vec![self.rule.clone()];
        self.change(office, rules).await?;
        if self.fate == Fate::Revoked {
            self.change(office, Vec::new()).await?;
        }
        Some(())
    }

    /// Withdraws a rule while the question that it covers is under way.
    pub(crate) async fn race(&self, office: &Office) -> Option<()> {
        if self.fate == Fate::Raced {
            self.change(office, Vec::new()).await?;
        }
        Some(())
    }

    async fn change(&self, office: &Office, rules: Vec<RuleView>) -> Option<()> {
        let me = &office.world.members[self.n].id;
        let in_force = |state: &State| state.rules(me).map(|rules| rules.record);
        let none = rules.is_empty();
        let done = |state: &State| {
            let known = state.rules(me)?;
            (known.rules.is_empty() == none).then_some(())
        };
        let attempt = async || {
            let state = office.state(self.n);
            let replaces = state.as_ref().and_then(in_force);
            let act = Act::ChangeRules(ChangeRules {
                replaces: replaces.map(|record| record.to_string()),
                rules: rules.clone(),
                reason: "a reason".into(),
            });
            let done = office.act(self.n, Duty::Approver, act).await;
            done.map(|_| ())
        };
        office.insist(self.n, "rules", done, attempt).await
    }

    /// Waits where a node must not approve alone, and says so if it does.
    pub(crate) async fn watch(&self, office: &Office, docket: Docket) -> Option<()> {
        let world = &office.world;
        if !matches!(self.fate, Fate::Narrow | Fate::Revoked) {
            return Some(());
        }
        office.delivered(docket, self.n).await?;
        world.sleep(WATCHED).await;
        let me = &world.members[self.n].id;
        let state = office.state(self.n);
        let question = state.as_ref().and_then(|state| question(state, docket));
        if question.is_some_and(|question| question.decisions.contains_key(me)) {
            let detail = format!("{me} has approved by a rule that is {:?}", self.fate);
            world.report.broken("lawless", detail);
        }
        Some(())
    }

    /// Says who approved, the rule or the officer.
    pub(crate) fn note(&self, office: &Office, docket: Docket) {
        let world = &office.world;
        let me = &world.members[self.n].id;
        let approvals = |known: &Indexed| match statement(known) {
            Statement::Approved {
                question, by_rule, ..
            } if *question == docket.question && known.record.header.institution == *me => {
                Some(by_rule.is_some())
            }
            _ => None,
        };
        let core = world.core(self.n);
        let by_rule = core.and_then(|core| core.read_index().all().iter().find_map(approvals));
        let text = format!(
            "standing rule of {me}, {:?}: by rule {by_rule:?}",
            self.fate
        );
        world.report.note(world.now().as_millis(), &text);
    }
}

/// The rules in force, as a reader of the log has them.
#[derive(Default)]
pub(crate) struct Rules(BTreeMap<InstitutionId, Vec<StandingRule>>);

impl Rules {
    /// Takes what an institution's officer has put in force.
    pub(crate) fn take(&mut self, of: &InstitutionId, rules: &[StandingRule]) {
        self.0.insert(of.clone(), rules.to_vec());
    }

    /// Whether an institution's node may approve a question under a rule of this name.
    pub(crate) fn allow(
        &self,
        of: &InstitutionId,
        name: &str,
        (asked, subjects): (&QuestionAsked, u32),
    ) -> bool {
        let computing: BTreeSet<&InstitutionId> = asked
            .joint
            .iter()
            .flat_map(|joint| &joint.computing)
            .collect();
        let mut rules = self.0.get(of).into_iter().flatten();
        rules.any(|rule| {
            let of_it = rule.name == name && rule.template == asked.template;
            let small = rule.answer_cap >= asked.answer_cap
                && rule.hops >= asked.hops
                && rule.subjects >= subjects;
            let trusted: BTreeSet<&InstitutionId> = rule.computing.iter().collect();
            of_it && small && computing.is_subset(&trusted)
        })
    }
}

/// Why an approval is not its institution's, if it is not.
pub(crate) fn unlawful(
    record: &docket::Record,
    rules: &Rules,
    asked: Option<(&QuestionAsked, u32)>,
) -> Option<&'static str> {
    let Statement::Approved { by_rule, .. } = &record.header.statement else {
        return None;
    };
    let of = &record.header.institution;
    match (by_rule, &record.header.officer, asked) {
        (None, Some(_), _) => None,
        (None, None, _) => Some("approved by nobody"),
        (Some(_), Some(_), _) => Some("approved by an officer and by a rule"),
        (Some(name), None, Some(asked)) if rules.allow(of, name, asked) => None,
        (Some(_), None, _) => Some("approved by a rule that does not cover it"),
    }
}
