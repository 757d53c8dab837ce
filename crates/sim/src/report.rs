//! What happened in a run: rules that broke, faults, attempts, and a trace.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use primitives::Digest;

/// A rule that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule's name.
    pub rule: &'static str,
    /// What was found.
    pub detail: String,
}

#[derive(Default)]
struct Pages {
    violations: Vec<Violation>,
    /// Faults by kind and step of the case.
    faults: BTreeMap<(&'static str, &'static str), u64>,
    /// Villains' attempts by villain, attempt and what became of it.
    attempts: BTreeMap<(&'static str, &'static str, String), u64>,
    trace: Digest,
    lines: Vec<String>,
    step: &'static str,
}

/// The record of one run.
#[derive(Default)]
pub(crate) struct Report(Mutex<Pages>);

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The seed that decides everything.
    pub seed: u64,
    /// Members of the network.
    pub members: usize,
    /// Who means harm.
    pub villain: &'static str,
    /// Rules that did not hold.
    pub violations: Vec<Violation>,
    /// Faults by kind and step of the case.
    pub faults: BTreeMap<(&'static str, &'static str), u64>,
    /// Villains' attempts: villain, attempt, the rule that refused it.
    pub attempts: BTreeMap<(&'static str, &'static str, String), u64>,
    /// Records that became final.
    pub records: u64,
    /// Virtual milliseconds that it took.
    pub virtual_ms: u64,
    /// Over everything that happened: the runtime's every event, and this crate's.
    pub hash: String,
    /// What happened, line by line.
    pub lines: Vec<String>,
}

impl Outcome {
    /// Nodes that were killed.
    #[must_use]
    pub fn crashes(&self) -> u64 {
        let kills = self.faults.iter().filter(|((kind, _), _)| *kind == "kill");
        kills.map(|(_, count)| count).sum()
    }

    /// What villains tried.
    #[must_use]
    pub fn villain_acts(&self) -> u64 {
        self.attempts.values().sum()
    }
}

impl Report {
    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes an event; it becomes part of the trace.
    pub(crate) fn note(&self, at_ms: u128, text: &str) {
        let mut pages = self.pages();
        let line = format!("{at_ms:>8} {text}");
        tracing::debug!("{line}");
        pages.trace = Digest::of("cordon/sim-trace/v1", &[&pages.trace.0, line.as_bytes()]);
        pages.lines.push(line);
    }

    /// Says which step of the case is under way.
    pub(crate) fn step(&self, step: &'static str) {
        self.pages().step = step;
    }

    /// The step of the case that is under way.
    pub(crate) fn now(&self) -> &'static str {
        self.pages().step
    }

    /// Counts a fault.
    pub(crate) fn fault(&self, kind: &'static str) {
        let mut pages = self.pages();
        let step = pages.step;
        *pages.faults.entry((kind, step)).or_default() += 1;
    }

    /// Counts a villain's attempt and what became of it.
    pub(crate) fn attempt(&self, villain: &'static str, what: &'static str, outcome: &str) {
        let place = (villain, what, outcome.to_owned());
        *self.pages().attempts.entry(place).or_default() += 1;
    }

    /// A rule did not hold.
    pub(crate) fn broken(&self, rule: &'static str, detail: String) {
        self.pages().violations.push(Violation { rule, detail });
    }

    /// Closes the record.
    pub(crate) fn close(&self, (seed, members): (u64, usize), state: &str) -> Outcome {
        let pages = std::mem::take(&mut *self.pages());
        let hash = Digest::of("cordon/sim-hash/v1", &[&pages.trace.0, state.as_bytes()]);
        Outcome {
            seed,
            members,
            villain: "",
            violations: pages.violations,
            faults: pages.faults,
            attempts: pages.attempts,
            records: 0,
            virtual_ms: 0,
            hash: hash.to_string(),
            lines: pages.lines,
        }
    }
}
