//! How far runs are, a party at a time: what an officer watches while one runs.
//!
//! *Invariants*: counts and bytes alone, never a selector or a row; nothing here
//! decides anything; an entry goes when its run ends.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Mutex,
};

use primitives::{Digest, InstitutionId};

use crate::{api::types::RunParty, core::lock};

/// Runs watched at a time; a node that has more shows the progress of these.
const RUNS_MAX: usize = 4_096;

/// How far a run is.
#[derive(Clone, Debug, Default)]
pub struct RunProgress {
    /// From 0 to 1.
    pub done: f64,
    /// What it is doing.
    pub doing: String,
    /// The step under way.
    pub step: u8,
    /// Steps of the plan.
    pub steps: u8,
    /// The custodians of the run.
    pub parties: BTreeMap<InstitutionId, Party>,
}

/// How far one custodian is.
#[derive(Clone, Debug, Default)]
pub struct Party {
    /// What it is doing.
    pub state: PartyState,
    /// The step under way.
    pub step: u8,
    /// Selectors of that step that it has answered.
    pub selectors_done: u64,
    /// Selectors of that step.
    pub selectors_total: u64,
    /// Bytes exchanged with it in the run.
    pub bytes: u64,
    /// Why it is waited for.
    pub detail: Option<String>,
}

/// What a custodian of a run is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PartyState {
    /// Nothing was asked of it yet, or it is not reachable.
    #[default]
    Waiting,
    /// It is answering.
    Asking,
    /// It has answered the step.
    Answered,
    /// It has signed the run.
    Signed,
}

impl PartyState {
    fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Asking => "asking",
            Self::Answered => "answered",
            Self::Signed => "signed",
        }
    }
}

/// The runs that this node takes part in.
#[derive(Default)]
pub struct Progress {
    runs: Mutex<HashMap<Digest, RunProgress>>,
    changed: Mutex<BTreeSet<Digest>>,
    /// Runs that ended before their last change was told.
    ended: Mutex<Vec<(Digest, RunProgress)>>,
}

impl Progress {
    /// How far a question's run is.
    #[must_use]
    pub fn of(&self, question: &Digest) -> Option<RunProgress> {
        lock(&self.runs).get(question).cloned()
    }

    /// Changes what is known of a run; the first change begins it.
    pub fn update(&self, question: Digest, change: impl FnOnce(&mut RunProgress)) {
        {
            let mut runs = lock(&self.runs);
            if runs.len() >= RUNS_MAX && !runs.contains_key(&question) {
                return;
            }
            change(runs.entry(question).or_default());
        }
        lock(&self.changed).insert(question);
    }

    /// Changes what is known of one custodian.
    pub fn party(
        &self,
        question: Digest,
        institution: &InstitutionId,
        change: impl FnOnce(&mut Party),
    ) {
        self.update(question, |run| {
            change(run.parties.entry(institution.clone()).or_default());
        });
    }

    /// Forgets a run that has ended; its last change is still told, so that even the
    /// shortest run is told of once.
    pub fn end(&self, question: &Digest) {
        let run = lock(&self.runs).remove(question);
        let untold = lock(&self.changed).remove(question);
        let mut ended = lock(&self.ended);
        if let Some(run) = run.filter(|_| untold && ended.len() < RUNS_MAX) {
            ended.push((*question, run));
        }
    }

    /// The runs that changed since the last call.
    pub fn take_changed(&self) -> Vec<(Digest, RunProgress)> {
        let ended = std::mem::take(&mut *lock(&self.ended));
        let changed = std::mem::take(&mut *lock(&self.changed));
        let runs = lock(&self.runs);
        let running = changed
            .into_iter()
            .filter_map(|question| Some((question, runs.get(&question)?.clone())));
        ended.into_iter().chain(running).collect()
    }
}

impl RunProgress {
    /// The custodians, as the API gives them.
    #[must_use]
    pub fn parties(&self) -> Vec<RunParty> {
        self.parties
            .iter()
            .map(|(institution, party)| RunParty {
                institution: institution.to_string(),
                state: party.state.name().into(),
                step: party.step,
                selectors_done: party.selectors_done,
                selectors_total: party.selectors_total,
                bytes: party.bytes,
                detail: party.detail.clone(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_once_and_an_ended_run_is_told_and_forgotten() {
        let progress = Progress::default();
        let question = Digest([1; 32]);
        let bank: InstitutionId = "bank_a".parse().unwrap();
        progress.party(question, &bank, |party| {
            party.state = PartyState::Asking;
            party.selectors_total = 7;
        });
        progress.update(question, |run| run.done = 0.5);
        let changed = progress.take_changed();
        assert_eq!(changed.len(), 1);
        assert_eq!(changed[0].1.parties()[0].selectors_total, 7);
        assert_eq!(changed[0].1.parties()[0].state, "asking");
        assert!((changed[0].1.done - 0.5).abs() < f64::EPSILON);
        assert!(progress.take_changed().is_empty());
        progress.update(question, |run| run.done = 1.0);
        progress.end(&question);
        assert!((progress.take_changed()[0].1.done - 1.0).abs() < f64::EPSILON);
        progress.end(&question);
        assert!(progress.take_changed().is_empty());
        assert!(progress.of(&question).is_none());
    }
}
