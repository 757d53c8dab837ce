//! The ideal functionality: the same questions answered by one party that
//! everybody trusts, on plain rows.
//!
//! Why it exists: tests ask a question here and of three parties, and compare.
//! Rows that an owner padded are not given here.
//!
//! *Not here*: keys' hashes, shares, caps.

use std::collections::{BTreeMap, BTreeSet};

/// A subject's key.
pub type Subject = [u64; 2];

/// The keys of `(key, scene)` at no fewer than `least` of `scenes` scenes.
#[must_use]
pub fn at_the_scenes(rows: &[(Subject, u64)], scenes: u64, least: usize) -> BTreeSet<Subject> {
    let mut seen: BTreeMap<Subject, BTreeSet<u64>> = BTreeMap::new();
    for (key, scene) in rows.iter().filter(|(_, scene)| *scene < scenes) {
        seen.entry(*key).or_default().insert(*scene);
    }
    seen.retain(|_, scenes| scenes.len() >= least);
    seen.into_keys().collect()
}

/// A call: who called, whom, when.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// The caller's phone.
    pub caller: Subject,
    /// The person called.
    pub person: Subject,
    /// When.
    pub time: u64,
}

/// A transfer: who paid which account, when.
#[derive(Clone, Copy, Debug)]
pub struct Transfer {
    /// The person paying.
    pub person: Subject,
    /// The account paid.
    pub account: Subject,
    /// When.
    pub time: u64,
}

/// The accounts that no fewer than `least` persons paid from the moment of a call
/// of one of the phones to `within` later.
#[must_use]
pub fn called_then_paid(
    phones: &BTreeSet<Subject>,
    calls: &[Call],
    transfers: &[Transfer],
    within: u64,
    least: usize,
) -> BTreeSet<Subject> {
    let mut payers: BTreeMap<Subject, BTreeSet<Subject>> = BTreeMap::new();
    for paid in transfers {
        let called = calls.iter().any(|call| {
            phones.contains(&call.caller)
                && call.person == paid.person
                && (call.time..=call.time + within).contains(&paid.time)
        });
        if called {
            payers.entry(paid.account).or_default().insert(paid.person);
        }
    }
    payers.retain(|_, persons| persons.len() >= least);
    payers.into_keys().collect()
}

/// Premises of flat load.
#[derive(Clone, Copy, Debug)]
pub struct Premises {
    /// Its cell.
    pub cell: u64,
    /// Its key.
    pub key: Subject,
    /// Who holds it.
    pub holder: Subject,
}

/// The premises under a cell with no fewer than `least` SIMs, that are not wet
/// and whose holder is no resident: key and cell, sorted.
#[must_use]
pub fn sim_box(
    sims: &[u64],
    premises: &[Premises],
    wet: &BTreeSet<Subject>,
    residents: &BTreeSet<Subject>,
    least: usize,
) -> Vec<(Subject, u64)> {
    let under = |cell: u64| sims.iter().filter(|sim| **sim == cell).count();
    let mut found: Vec<(Subject, u64)> = premises
        .iter()
        .filter(|place| under(place.cell) >= least)
        .filter(|place| !wet.contains(&place.key) && !residents.contains(&place.holder))
        .map(|place| (place.key, place.cell))
        .collect();
    found.sort_unstable();
    found
}

/// A fact: of whom, in which group, how much.
#[derive(Clone, Copy, Debug)]
pub struct Fact {
    /// The person.
    pub person: Subject,
    /// The group's code.
    pub group: u64,
    /// The amount.
    pub amount: u64,
}

/// Totals of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Different persons.
    pub persons: u64,
    /// Rows.
    pub rows: u64,
    /// Sum of amounts.
    pub sum: u64,
}

/// Totals of groups with no fewer than `least` persons of the set, by code, and
/// how many groups have some but fewer.
#[must_use]
pub fn totals(
    subjects: &BTreeSet<Subject>,
    facts: &[Fact],
    least: u64,
) -> (BTreeMap<u64, Total>, usize) {
    let mut totals: BTreeMap<u64, Total> = BTreeMap::new();
    let mut persons = BTreeSet::new();
    for fact in facts.iter().filter(|fact| subjects.contains(&fact.person)) {
        let total = totals.entry(fact.group).or_default();
        total.rows += 1;
        total.sum += fact.amount;
        if persons.insert((fact.group, fact.person)) {
            total.persons += 1;
        }
    }
    let all = totals.len();
    totals.retain(|_, total| total.persons >= least);
    let withheld = all - totals.len();
    (totals, withheld)
}

/// An account: its score, who paid it, and how much.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its score at the beginning.
    pub score: u64,
    /// Senders and amounts.
    pub received: Vec<(Subject, u64)>,
}

/// Scores after all iterations, each an integer with `deltas.len()·(weight_bits +
/// 8)` bits after the point: weights rounded down to `weight_bits`, `δ` in 256ths.
#[must_use]
pub fn risk_propagation(
    accounts: &BTreeMap<Subject, Account>,
    deltas: &[u32],
    weight_bits: u32,
) -> BTreeMap<Subject, u128> {
    let first = accounts
        .iter()
        .map(|(key, account)| (*key, u128::from(account.score)));
    let mut scores: BTreeMap<Subject, u128> = first.collect();
    for delta in deltas.iter().map(|delta| u128::from(*delta)) {
        let mut next = BTreeMap::new();
        for (key, account) in accounts {
            let total: u128 = account.received.iter().map(|(_, a)| u128::from(*a)).sum();
            let mut received = 0;
            for (sender, amount) in &account.received {
                let weight = (u128::from(*amount) << weight_bits)
                    .checked_div(total)
                    .unwrap_or(0);
                received += weight * scores.get(sender).copied().unwrap_or(0);
            }
            let stays = ((256 - delta) << weight_bits) * scores[key];
            next.insert(*key, stays + delta * received);
        }
        scores = next;
    }
    scores
}
