//! Random instances of each question as rows of its tables, with what the ideal one finds.

use std::collections::BTreeSet;

use super::*;
use crate::joint::{
    at_the_scenes, called_then_paid, ideal,
    ideal::{Call, Fact, Premises, Transfer},
    sim_box, totals,
};

pub(super) fn draw(rng: &mut StdRng, kind: &str, of: u64) -> Subject {
    subject(kind, rng.random_range(0..of))
}

/// Phones at scenes.
pub(super) struct Scenes {
    pub(super) terms: at_the_scenes::Terms,
    pub(super) table: Vec<[u64; 5]>,
    pub(super) due: Vec<Vec<u64>>,
}

/// `beyond`: now and then a scene that the plan does not have.
pub(super) fn scenes(rng: &mut StdRng, beyond: bool) -> Scenes {
    let (count, persons) = (size(rng), rng.random_range(1..20));
    let scenes = rng.random_range(1..6usize);
    let least = rng.random_range(1..=scenes);
    let codes = match beyond {
        true => scenes.next_power_of_two(),
        false => scenes,
    };
    let rows: Vec<(Subject, u64)> = (0..count)
        .map(|_| {
            let person = draw(rng, "phone", persons);
            (person, rng.random_range(0..codes as u64))
        })
        .collect();
    let row = |(key, scene): &(Subject, u64)| [1, key[0], key[1], *scene, key[0] ^ 5];
    let due = ideal::at_the_scenes(&rows, scenes as u64, least);
    let found = |key: &Subject| vec![key[0], key[1], key[0] ^ 5];
    Scenes {
        terms: at_the_scenes::Terms {
            scenes,
            least,
            name_words: 1,
        },
        table: rows.iter().map(row).collect(),
        due: due.iter().map(found).collect(),
    }
}

/// Phones, calls and transfers.
pub(super) struct Paid {
    pub(super) terms: called_then_paid::Terms,
    pub(super) phones: Vec<[u64; 3]>,
    pub(super) calls: Vec<[u64; 7]>,
    pub(super) transfers: Vec<[u64; 6]>,
    pub(super) due: Vec<Vec<u64>>,
}

pub(super) fn paid(rng: &mut StdRng) -> Paid {
    let sizes = [rng.random_range(0..6), size(rng), size(rng)];
    let phones: BTreeSet<Subject> = (0..sizes[0]).map(|_| draw(rng, "phone", 9)).collect();
    let calls: Vec<Call> = (0..sizes[1])
        .map(|_| Call {
            caller: draw(rng, "phone", 9),
            person: draw(rng, "person", 12),
            time: rng.random_range(0..60),
        })
        .collect();
    let transfers: Vec<Transfer> = (0..sizes[2])
        .map(|_| Transfer {
            person: draw(rng, "person", 12),
            account: draw(rng, "account", 4),
            time: rng.random_range(0..64),
        })
        .collect();
    let (within, least) = (rng.random_range(0..40), rng.random_range(1..4));
    let due = ideal::called_then_paid(&phones, &calls, &transfers, within, least);
    let call_row = |call: &Call| {
        let until = called_then_paid::until(call.time, within).unwrap();
        let (who, whom) = (call.caller, call.person);
        [1, who[0], who[1], whom[0], whom[1], call.time, until]
    };
    let paid_row = |paid: &Transfer| {
        let (who, to) = (paid.person, paid.account);
        [1, who[0], who[1], to[0], to[1], paid.time]
    };
    Paid {
        terms: called_then_paid::Terms {
            time_bits: 6,
            least,
            name_words: 0,
        },
        phones: phones.iter().map(|key| [1, key[0], key[1]]).collect(),
        calls: calls.iter().map(call_row).collect(),
        transfers: transfers.iter().map(paid_row).collect(),
        due: due.iter().map(|key| key.to_vec()).collect(),
    }
}

/// SIMs, premises and the two lists.
pub(super) struct Boxes {
    pub(super) terms: sim_box::Terms,
    pub(super) sims: Vec<[u64; 2]>,
    pub(super) premises: Vec<[u64; 7]>,
    pub(super) wet: Vec<[u64; 3]>,
    pub(super) residents: Vec<[u64; 3]>,
    pub(super) due: Vec<Vec<u64>>,
}

pub(super) fn boxes(rng: &mut StdRng) -> Boxes {
    let sizes = [size(rng), size(rng), size(rng), size(rng)];
    let sims: Vec<u64> = (0..sizes[0]).map(|_| rng.random_range(0..8)).collect();
    let places: Vec<Premises> = (0..sizes[1])
        .map(|_| Premises {
            cell: rng.random_range(0..8),
            key: draw(rng, "premises", 40),
            holder: draw(rng, "person", 40),
        })
        .collect();
    let list = |rng: &mut StdRng, kind: &str, count: usize| {
        (0..count / 4)
            .map(|_| draw(rng, kind, 40))
            .collect::<BTreeSet<_>>()
    };
    let wet = list(rng, "premises", sizes[2]);
    let residents = list(rng, "person", sizes[3]);
    let least = rng.random_range(1..4);
    let due = ideal::sim_box(&sims, &places, &wet, &residents, least);
    let found = |(key, cell): &(Subject, u64)| vec![key[0], key[1], key[1] ^ 9, *cell];
    let place_row = |place: &Premises| {
        let (key, holder) = (place.key, place.holder);
        let name = key[1] ^ 9;
        [1, place.cell, key[0], key[1], holder[0], holder[1], name]
    };
    let rows = |set: &BTreeSet<Subject>| set.iter().map(|key| [1, key[0], key[1]]).collect();
    Boxes {
        terms: sim_box::Terms {
            cell_bits: 3,
            least,
            name_words: 1,
        },
        sims: sims.iter().map(|cell| [1, *cell]).collect(),
        premises: places.iter().map(place_row).collect(),
        wet: rows(&wet),
        residents: rows(&residents),
        due: due.iter().map(found).collect(),
    }
}

/// A set and facts.
pub(super) struct Sums {
    pub(super) terms: totals::Terms,
    pub(super) subjects: Vec<[u64; 3]>,
    pub(super) facts: Vec<[u64; 5]>,
    pub(super) due: Vec<Vec<u64>>,
    pub(super) withheld: usize,
}

pub(super) fn sums(rng: &mut StdRng) -> Sums {
    let sizes = [size(rng), size(rng)];
    let set: BTreeSet<Subject> = (0..sizes[0]).map(|_| draw(rng, "person", 30)).collect();
    let facts: Vec<Fact> = (0..sizes[1])
        .map(|_| Fact {
            person: draw(rng, "person", 30),
            group: rng.random_range(0..6),
            amount: match rng.random_range(0..4) {
                0 => 0,
                1 => (1 << 40) - 1,
                _ => rng.next_u64() >> 24,
            },
        })
        .collect();
    let least = rng.random_range(1..4);
    let (due, withheld) = ideal::totals(&set, &facts, least);
    let found = due
        .iter()
        .map(|(code, total)| vec![*code, total.persons, total.rows, total.sum]);
    let row = |fact: &Fact| [1, fact.person[0], fact.person[1], fact.group, fact.amount];
    Sums {
        terms: totals::Terms {
            group_bits: 3,
            amount_bits: 40,
            least: usize::try_from(least).unwrap(),
        },
        subjects: set.iter().map(|key| [1, key[0], key[1]]).collect(),
        facts: facts.iter().map(row).collect(),
        due: found.collect(),
        withheld,
    }
}
